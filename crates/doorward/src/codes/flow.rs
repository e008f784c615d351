//! A flow: one browser, or one native client, on its way to signing in.
//!
//! A code or a challenge that is bound to a flow works only for whoever holds the flow's value, so that a stranger
//! can neither guess at it nor burn it.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::secret::{Entropy, MacKey, same};

/// A flow: 16 random bytes, with a MAC on the wire, so that values which others made up are not adopted.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Flow([u8; 16]);

impl Flow {
    /// A fresh flow.
    pub(crate) fn new(entropy: &Entropy) -> Self {
        Self(entropy.bytes())
    }

    /// Reads a flow; `None` for anything that was not made with this key.
    pub(crate) fn parse(key: &MacKey, text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (random, mac) = bytes.split_first_chunk::<16>()?;
        let flow = Self(*random);
        same(mac, &flow.mac(key)).then_some(flow)
    }

    /// The value that the client holds.
    pub(crate) fn text(&self, key: &MacKey) -> String {
        URL_SAFE_NO_PAD.encode([&self.0[..], &self.mac(key)].concat())
    }

    /// What is stored of the flow, and what challenges are bound to.
    pub(crate) fn binding(&self, key: &MacKey) -> [u8; 16] {
        let mut binding = [0; 16];
        binding.copy_from_slice(&key.mac(&[b"binding", &self.0])[..16]);
        binding
    }

    fn mac(&self, key: &MacKey) -> [u8; 8] {
        let mut mac = [0; 8];
        mac.copy_from_slice(&key.mac(&[b"flow", &self.0])[..8]);
        mac
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flow(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{Keys, RootKey};

    #[test]
    fn only_our_flows_are_adopted() {
        let (entropy, keys) = (
            Entropy::seeded(1),
            Keys::derive(&RootKey::generate(&Entropy::seeded(2)), 0),
        );
        let flow = Flow::new(&entropy);
        let text = flow.text(&keys.flows);

        assert_eq!(Flow::parse(&keys.flows, &text), Some(flow));
        assert_eq!(Flow::parse(&keys.devices, &text), None);
        for text in ["", "AAAA", &text[1..], &"A".repeat(32)] {
            assert_eq!(Flow::parse(&keys.flows, text), None, "{text}");
        }
    }
}
