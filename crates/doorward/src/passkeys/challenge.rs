//! Challenges that carry their own proof, so that handing one out writes nothing.
//!
//! `version ‖ purpose ‖ bound? ‖ expiry ‖ nonce ‖ MAC`: 43 bytes. The MAC also covers what the challenge is bound to,
//! which is not part of it: the session that registers, the flow of the browser that signs in. That a challenge is
//! presented only once is the database's word: its nonce is written down when it comes back, whatever the outcome.

use crate::{
    error::{Error, Result},
    secret::{Entropy, MacKey, same},
    time::{Span, Timestamp},
};

const VERSION: u8 = 1;
const LENGTH: usize = 43;

/// Longer than the ceremony's own five minutes: a page may wait with a conditional request.
const LIFETIME: Span = Span::minutes(10);

/// What a challenge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Register,
    Authenticate,
}

impl Purpose {
    const fn byte(self) -> u8 {
        match self {
            Self::Register => 1,
            Self::Authenticate => 2,
        }
    }
}

/// A challenge that came back and is ours, in time, for this purpose and binding.
#[derive(Debug)]
pub(super) struct Presented {
    pub nonce: [u8; 16],
    pub expires_at: Timestamp,
}

/// A fresh challenge.
pub(super) fn mint(
    key: &MacKey,
    entropy: &Entropy,
    purpose: Purpose,
    binding: Option<&[u8]>,
    now: Timestamp,
) -> Vec<u8> {
    let mut challenge = Vec::with_capacity(LENGTH);
    challenge.extend([VERSION, purpose.byte(), u8::from(binding.is_some())]);
    challenge.extend((now + LIFETIME).as_millis().to_be_bytes());
    challenge.extend(entropy.bytes::<16>());
    let mac = mac(key, &challenge, binding);
    challenge.extend(mac);
    challenge
}

/// Looks at a challenge that came back.
///
/// # Errors
/// [`Error::PasskeyFailed`] when it is not ours, or for something or someone else; [`Error::ChallengeExpired`] when
/// it was ours and is too old.
pub(super) fn open(
    key: &MacKey,
    challenge: &[u8],
    purpose: Purpose,
    binding: Option<&[u8]>,
    now: Timestamp,
) -> Result<Presented> {
    let (body, tag) = challenge
        .split_last_chunk::<16>()
        .ok_or(Error::PasskeyFailed)?;
    let [version, for_purpose, bound, rest @ ..] = body else {
        return Err(Error::PasskeyFailed);
    };
    let binding = match *bound {
        0 => None,
        _ => Some(binding.ok_or(Error::PasskeyFailed)?),
    };
    if !same(tag, &mac(key, body, binding)) || *version != VERSION || *for_purpose != purpose.byte()
    {
        return Err(Error::PasskeyFailed);
    }
    let (expiry, nonce) = rest.split_first_chunk::<8>().ok_or(Error::PasskeyFailed)?;
    let expires_at = Timestamp::from_millis(i64::from_be_bytes(*expiry));
    if expires_at <= now {
        return Err(Error::ChallengeExpired);
    }
    Ok(Presented {
        nonce: nonce.try_into().map_err(|_| Error::PasskeyFailed)?,
        expires_at,
    })
}

fn mac(key: &MacKey, body: &[u8], binding: Option<&[u8]>) -> [u8; 16] {
    let mut tag = [0; 16];
    tag.copy_from_slice(&key.mac(&[body, binding.unwrap_or_default()])[..16]);
    tag
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::secret::{Keys, RootKey};

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn keys() -> Keys {
        Keys::derive(&RootKey::generate(&Entropy::seeded(1)), 0)
    }

    fn opened(
        challenge: &[u8],
        purpose: Purpose,
        binding: Option<&[u8]>,
        after: Span,
    ) -> std::result::Result<(), &'static str> {
        open(&keys().challenges, challenge, purpose, binding, NOW + after)
            .map(drop)
            .map_err(|error| error.answer().1)
    }

    /// Item 20: 16 random bytes, ten minutes.
    #[test]
    fn challenges_are_unique_and_live_ten_minutes() {
        let (entropy, keys) = (Entropy::system(), keys());
        let all: HashSet<_> = (0..100_000)
            .map(|_| mint(&keys.challenges, &entropy, Purpose::Authenticate, None, NOW))
            .collect();
        assert_eq!(all.len(), 100_000);

        let one = all.iter().next().unwrap();
        assert_eq!(one.len(), LENGTH);
        assert_eq!(
            opened(one, Purpose::Authenticate, None, Span::seconds(599)),
            Ok(())
        );
        assert_eq!(
            opened(one, Purpose::Authenticate, None, Span::seconds(601)),
            Err("challenge_expired")
        );
    }

    /// Items 21, 41: every other purpose, binding, key and byte is refused.
    #[test]
    fn a_challenge_is_for_its_purpose_and_binding_only() {
        let entropy = Entropy::seeded(2);
        let bound = mint(
            &keys().challenges,
            &entropy,
            Purpose::Register,
            Some(b"session"),
            NOW,
        );
        let now = Span::ZERO;
        assert_eq!(
            opened(&bound, Purpose::Register, Some(b"session"), now),
            Ok(())
        );
        assert_eq!(
            opened(&bound, Purpose::Authenticate, Some(b"session"), now),
            Err("passkey_failed")
        );
        assert_eq!(
            opened(&bound, Purpose::Register, Some(b"another"), now),
            Err("passkey_failed")
        );
        assert_eq!(
            opened(&bound, Purpose::Register, None, now),
            Err("passkey_failed")
        );
        for index in 0..bound.len() {
            let mut altered = bound.clone();
            altered[index] ^= 1;
            assert_eq!(
                opened(&altered, Purpose::Register, Some(b"session"), now),
                Err("passkey_failed"),
                "byte {index}"
            );
        }
        for length in 0..bound.len() {
            assert_eq!(
                opened(&bound[..length], Purpose::Register, Some(b"session"), now),
                Err("passkey_failed")
            );
        }
        let foreign = mint(
            &keys().codes,
            &entropy,
            Purpose::Register,
            Some(b"session"),
            NOW,
        );
        assert_eq!(
            opened(&foreign, Purpose::Register, Some(b"session"), now),
            Err("passkey_failed")
        );

        let unbound = mint(
            &keys().challenges,
            &entropy,
            Purpose::Authenticate,
            None,
            NOW,
        );
        assert_eq!(
            opened(&unbound, Purpose::Authenticate, Some(b"any flow"), now),
            Ok(()),
            "bound to nothing"
        );
    }
}
