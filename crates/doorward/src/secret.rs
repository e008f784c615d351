//! Randomness, keys and the few cryptographic verbs built on them.
//!
//! Everything secret at rest hangs on one 256-bit *root key* that lives outside the database: each
//! use has a sub-key of its own (HKDF-SHA-256), so that a value made for one is worthless for another.
//! Sub-keys of things that a restore must end are derived from the *restore epoch* as well.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_lc_rs::{aead, digest, hkdf, hmac};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Where randomness comes from: the operating system, or a seed in tests.
#[derive(Debug, Clone)]
pub struct Entropy(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Seeded { seed: u64, drawn: Arc<AtomicU64> },
}

impl Entropy {
    /// The operating system's generator.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A predictable stream for tests; its clones draw from the same stream.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded {
            seed,
            drawn: Arc::default(),
        })
    }

    /// Fills the buffer.
    ///
    /// # Panics
    /// When the operating system gives none: that happens only where the system call itself is forbidden, and no
    /// answer given then would be safe.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the operating system"
    )]
    #[expect(clippy::panic, reason = "without randomness nothing may be answered")]
    pub fn fill(&self, buffer: &mut [u8]) {
        match &self.0 {
            Source::System => {
                if let Err(error) = getrandom::fill(buffer) {
                    panic!("the operating system gives no randomness: {error}");
                }
            }
            Source::Seeded { seed, drawn } => {
                for chunk in buffer.chunks_mut(32) {
                    let block = drawn.fetch_add(1, Ordering::Relaxed);
                    let bytes = sha256(&[&seed.to_be_bytes(), &block.to_be_bytes()]);
                    chunk.copy_from_slice(&bytes[..chunk.len()]);
                }
            }
        }
    }

    /// So many random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// The one secret that is kept outside the database.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RootKey([u8; 32]);

impl RootKey {
    /// A root key from its bytes.
    ///
    /// # Errors
    /// [`WeakKey`] when it is not 32 bytes, or plainly a placeholder: fewer than 12 different bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, WeakKey> {
        let key: [u8; 32] = bytes.try_into().map_err(|_| WeakKey)?;
        let mut distinct = key;
        distinct.sort_unstable();
        let different = 1 + distinct
            .windows(2)
            .filter(|pair| pair[0] != pair[1])
            .count();
        distinct.zeroize();
        if different < 12 {
            Err(WeakKey)
        } else {
            Ok(Self(key))
        }
    }

    /// A fresh root key.
    #[must_use]
    pub fn generate(entropy: &Entropy) -> Self {
        Self(entropy.bytes())
    }

    /// A root key from 64 hexadecimal digits, with white space around them.
    ///
    /// # Errors
    /// [`WeakKey`] as for [`new`](Self::new).
    pub fn from_hex(text: &str) -> Result<Self, WeakKey> {
        let digits = text.trim().as_bytes();
        if digits.len() != 64 {
            return Err(WeakKey);
        }
        let digit = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
                .ok_or(WeakKey)
        };
        let mut key = [0; 32];
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Self::new(&key)
    }

    /// The 64 hexadecimal digits, for the file that keeps them.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        use fmt::Write;
        let mut text = Zeroizing::new(String::with_capacity(65));
        for byte in self.0 {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
        text
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(…)")
    }
}

/// The root key is missing, too short, or a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a root key is 32 random bytes, written as 64 hexadecimal digits")]
pub struct WeakKey;

/// The sub-keys, one for each use.
pub(crate) struct Keys {
    /// Mailed codes: deriving and comparing them.
    pub codes: MacKey,
    /// Passkey challenges.
    pub challenges: MacKey,
    /// The tag of session tokens.
    pub tokens: MacKey,
    /// The browser's flow cookie.
    pub flows: MacKey,
    /// The cookie by which a device that has signed in is known.
    pub devices: MacKey,
    /// What a browser keeps for the pages: what the next one says, the sign-in that waits for its code.
    pub pages: MacKey,
    /// Addresses in limits. Outlives a restore: a count of failures must.
    pub addresses: MacKey,
    /// What the outbox holds.
    pub outbox: SealingKey,
}

impl Keys {
    /// The sub-keys of a root key in a restore epoch.
    pub(crate) fn derive(root: &RootKey, restore_epoch: i64) -> Self {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"doorward v1").extract(&root.0);
        let epoch = restore_epoch.to_be_bytes();
        let derive = |name: &str, epoch: &[u8]| -> [u8; 32] {
            let mut key = [0; 32];
            // 32 bytes are within what HKDF-SHA-256 can give (255 blocks), always.
            if let Ok(okm) = prk.expand(&[name.as_bytes(), epoch], hkdf::HKDF_SHA256) {
                let _ = okm.fill(&mut key);
            }
            key
        };
        let mac = |name: &str| MacKey::new(&derive(name, &epoch));
        Self {
            codes: mac("codes"),
            challenges: mac("challenges"),
            tokens: mac("tokens"),
            flows: mac("flows"),
            devices: mac("devices"),
            pages: mac("pages"),
            addresses: MacKey::new(&derive("addresses", b"")),
            outbox: SealingKey::new(derive("outbox", &epoch)),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// A key for HMAC-SHA-256.
pub(crate) struct MacKey(hmac::Key);

impl MacKey {
    fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The MAC over the parts, each preceded by its length, so that no two lists of parts share one.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }
}

/// A key for AES-256-GCM.
pub(crate) struct SealingKey(aead::LessSafeKey);

impl SealingKey {
    #[expect(clippy::expect_used, reason = "32 bytes are a key of AES-256")]
    fn new(bytes: [u8; 32]) -> Self {
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, &bytes).expect("32 bytes");
        Self(aead::LessSafeKey::new(key))
    }

    /// Seals text so that only this key, and only under the same `context`, opens it.
    pub(crate) fn seal(&self, entropy: &Entropy, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; 12] = entropy.bytes();
        let mut sealed = plain.to_vec();
        let tag = self.0.seal_in_place_separate_tag(
            aead::Nonce::assume_unique_for_key(nonce),
            aead::Aad::from(context),
            &mut sealed,
        );
        match tag {
            Ok(tag) => [&nonce, sealed.as_slice(), tag.as_ref()].concat(),
            // AES-GCM refuses only texts of more than 64 GiB.
            Err(_) => Vec::new(),
        }
    }

    /// What was sealed; `None` when it was altered, or sealed under another key or context.
    pub(crate) fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_at_checked(12)?;
        let mut text = text.to_vec();
        let nonce = aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = self
            .0
            .open_in_place(nonce, aead::Aad::from(context), &mut text)
            .ok()?
            .len();
        text.truncate(length);
        Some(text)
    }
}

/// SHA-256 over the parts, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Whether two secrets are equal, in a time that does not depend on where they differ.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> RootKey {
        RootKey::generate(&Entropy::seeded(7))
    }

    /// Item 125: each use has a key of its own.
    #[test]
    fn sub_keys_differ_from_each_other_and_between_roots_and_epochs() {
        let one = Keys::derive(&root(), 0);
        let two = Keys::derive(&root(), 1);
        let macs = |keys: &Keys| {
            [
                &keys.codes,
                &keys.challenges,
                &keys.tokens,
                &keys.flows,
                &keys.devices,
                &keys.pages,
                &keys.addresses,
            ]
            .map(|key| key.mac(&[b"text"]))
        };

        let mut all: Vec<_> = macs(&one).into_iter().chain(macs(&two)).collect();
        all.sort_unstable();
        all.dedup();

        assert_eq!(
            all.len(),
            13,
            "all differ, but that of addresses, which outlives a restore"
        );
        assert_eq!(one.addresses.mac(&[b"text"]), two.addresses.mac(&[b"text"]));
    }

    /// Item 125: a placeholder is not a key.
    #[test]
    fn weak_root_keys_are_refused() {
        assert!(RootKey::new(&[0; 32]).is_err());
        assert!(RootKey::new(b"changeme").is_err());
        assert!(RootKey::new(b"changemechangemechangemechangeme").is_err());
        assert!(RootKey::from_hex(&root().to_hex()).is_ok());
        assert!(RootKey::from_hex("0123456789abcdef").is_err());
        assert!(RootKey::from_hex(&"é".repeat(32)).is_err());
    }

    #[test]
    fn parts_of_a_mac_do_not_run_together() {
        let key = MacKey::new(&[1; 32]);
        assert_ne!(key.mac(&[b"ab", b"c"]), key.mac(&[b"a", b"bc"]));
    }

    #[test]
    fn only_the_same_key_and_context_open_what_was_sealed() {
        let (entropy, keys) = (Entropy::seeded(1), Keys::derive(&root(), 0));
        let sealed = keys.outbox.seal(&entropy, b"id", b"text");

        assert_eq!(
            keys.outbox.open(b"id", &sealed).as_deref(),
            Some(&b"text"[..])
        );
        assert_eq!(keys.outbox.open(b"other", &sealed), None);
        assert_eq!(Keys::derive(&root(), 1).outbox.open(b"id", &sealed), None);
        assert_eq!(keys.outbox.open(b"id", &sealed[..5]), None);
    }

    /// Item 130: secrets do not show themselves.
    #[test]
    fn a_root_key_does_not_print_itself() {
        assert_eq!(format!("{:?}", root()), "RootKey(…)");
    }
}
