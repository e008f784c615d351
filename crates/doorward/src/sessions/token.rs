//! The token: what a signed-in client holds.
//!
//! `dw_` and 70 base62 characters: the session's 16-byte id, 32 random bytes, a 4-byte keyed tag.
//! The id selects the row, the random bytes open it (only their SHA-256 is stored), the tag tells an invented
//! token from one of ours without a look-up, and the prefix lets a secret scanner find it.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    ids::SessionId,
    secret::{Entropy, MacKey, same, sha256},
};

const PREFIX: &str = "dw_";
const DIGITS: usize = 70;
const BYTES: usize = 52;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A token: a secret, which prints nothing of itself.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Token {
    #[zeroize(skip)]
    session: SessionId,
    secret: [u8; 32],
}

impl Token {
    /// A fresh token for a session.
    pub(crate) fn new(entropy: &Entropy, session: SessionId) -> Self {
        Self::of(session, entropy.bytes())
    }

    /// The token with this secret.
    pub(crate) fn of(session: SessionId, secret: [u8; 32]) -> Self {
        Self { session, secret }
    }

    /// Reads a token; `None` for anything that was not made with this key.
    pub(crate) fn parse(key: &MacKey, text: &str) -> Option<Self> {
        let bytes = decode(text.strip_prefix(PREFIX)?)?;
        let (id, rest) = bytes.split_first_chunk::<16>()?;
        let (secret, tag) = rest.split_first_chunk::<32>()?;
        let token = Self {
            session: SessionId(*id),
            secret: *secret,
        };
        same(tag, &token.tag(key)).then_some(token)
    }

    /// The text that the client holds.
    pub(crate) fn text(&self, key: &MacKey) -> String {
        let mut bytes = [0; BYTES];
        bytes[..16].copy_from_slice(self.session.as_bytes());
        bytes[16..48].copy_from_slice(&self.secret);
        bytes[48..].copy_from_slice(&self.tag(key));
        encode(&bytes)
    }

    /// The session that the token is for.
    pub(crate) fn session(&self) -> SessionId {
        self.session
    }

    /// What is stored of the token.
    pub(crate) fn hash(&self) -> [u8; 32] {
        sha256(&[b"doorward session", &self.secret])
    }

    fn tag(&self, key: &MacKey) -> [u8; 4] {
        let mac = key.mac(&[self.session.as_bytes(), &self.secret]);
        [mac[0], mac[1], mac[2], mac[3]]
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Five base62 digits fit into 32 bits, so the number is cut into words of five digits.
const WORD: u64 = 62_u64.pow(5);

fn encode(bytes: &[u8; BYTES]) -> String {
    let mut limbs = [0_u32; BYTES / 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(4)) {
        *limb = u32::from_be_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
    }
    let mut digits = [0_u8; DIGITS];
    for five in digits.chunks_exact_mut(5).rev() {
        let mut remainder = 0_u64;
        for limb in &mut limbs {
            let value = remainder << 32 | u64::from(*limb);
            // The remainder was below WORD, so the quotient fits.
            *limb = u32::try_from(value / WORD).unwrap_or(u32::MAX);
            remainder = value % WORD;
        }
        for digit in five.iter_mut().rev() {
            *digit = ALPHABET[usize::try_from(remainder % 62).unwrap_or(0)];
            remainder /= 62;
        }
    }
    let mut text = String::with_capacity(PREFIX.len() + DIGITS);
    text.push_str(PREFIX);
    text.extend(digits.map(char::from));
    text
}

/// The bytes of exactly 70 digits; `None` also for a number too large, so that each token has one spelling.
fn decode(text: &str) -> Option<[u8; BYTES]> {
    let digits: &[u8; DIGITS] = text.as_bytes().try_into().ok()?;
    let mut limbs = [0_u32; BYTES / 4];
    for five in digits.chunks_exact(5) {
        let mut carry = 0_u64;
        for &digit in five {
            carry = carry * 62 + u64::from(value_of(digit)?);
        }
        for limb in limbs.iter_mut().rev() {
            let value = u64::from(*limb) * WORD + carry;
            *limb = u32::try_from(value & u64::from(u32::MAX)).unwrap_or(0);
            carry = value >> 32;
        }
        if carry != 0 {
            return None;
        }
    }
    let mut bytes = [0; BYTES];
    for (chunk, limb) in bytes.chunks_exact_mut(4).zip(limbs) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
    Some(bytes)
}

fn value_of(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'Z' => Some(digit - b'A' + 10),
        b'a'..=b'z' => Some(digit - b'a' + 36),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{
        ids,
        secret::{Keys, RootKey},
        time::Timestamp,
    };

    fn keys() -> Keys {
        Keys::derive(&RootKey::generate(&Entropy::seeded(1)), 0)
    }

    fn id(entropy: &Entropy) -> SessionId {
        SessionId(ids::fresh(
            entropy,
            Timestamp::from_millis(1_777_777_777_000),
            3,
        ))
    }

    /// Item 58: the format, unique and canonical.
    #[test]
    fn tokens_read_back_and_have_one_spelling() {
        let (entropy, keys) = (Entropy::system(), keys());
        let mut seen = HashSet::new();
        for _ in 0..10_000 {
            let token = Token::new(&entropy, id(&entropy));
            let text = token.text(&keys.tokens);

            assert_eq!(text.len(), 73);
            assert!(
                text.strip_prefix("dw_")
                    .unwrap()
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric())
            );
            let read = Token::parse(&keys.tokens, &text).unwrap();
            assert_eq!(
                (read.session(), read.hash()),
                (token.session(), token.hash())
            );
            assert!(seen.insert(text));
        }
    }

    /// Item 58: a million tokens, a million secrets.
    #[test]
    fn no_two_tokens_share_a_secret() {
        let entropy = Entropy::system();
        let id = id(&entropy);
        let mut seen = HashSet::new();
        for _ in 0..1_000_000 {
            assert!(seen.insert(Token::new(&entropy, id).secret));
        }
    }

    /// Item 58: every bit of the secret is as often set as not (χ² per bit, 256 bits, 20,000 tokens).
    #[test]
    fn the_secret_is_uniform() {
        let entropy = Entropy::system();
        let id = id(&entropy);
        let mut ones = [0_u32; 256];
        for _ in 0..20_000 {
            let token = Token::new(&entropy, id);
            for (bit, count) in ones.iter_mut().enumerate() {
                *count += u32::from(token.secret[bit / 8] >> (bit % 8) & 1);
            }
        }
        // 256 degrees of freedom: beyond 400 once in ten million runs.
        let chi: f64 = ones
            .iter()
            .map(|&n| (f64::from(n) - 10_000.0).powi(2) / 5_000.0)
            .sum();
        assert!(chi < 400.0, "{chi}");
    }

    /// Item 61: what was not made with the key is not a token.
    #[test]
    fn invented_and_altered_tokens_are_refused() {
        let (entropy, keys) = (Entropy::seeded(1), keys());
        let text = Token::new(&entropy, id(&entropy)).text(&keys.tokens);

        for position in 3..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[position] = if altered[position] == b'0' {
                b'1'
            } else {
                b'0'
            };
            assert!(
                Token::parse(&keys.tokens, std::str::from_utf8(&altered).unwrap()).is_none(),
                "{position}"
            );
        }
        let other = Keys::derive(&RootKey::generate(&Entropy::seeded(1)), 1);
        assert!(
            Token::parse(&other.tokens, &text).is_none(),
            "a restore ends every token"
        );
        let (largest, longer) = (format!("dw_{}", "z".repeat(70)), format!("{text}0"));
        for text in ["", "dw_", &text[3..], &text[..72], &longer, &largest] {
            assert!(Token::parse(&keys.tokens, text).is_none(), "{text}");
        }
    }
}
