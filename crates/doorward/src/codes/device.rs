//! A device that has signed in before.
//!
//! Its cookie names it for one address, so that a stranger who spends the address's mail budget on purpose does not
//! keep the owner out. It proves nothing else.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    mail::Address,
    secret::{Entropy, MacKey, same},
};

/// The cookie of a device that has just signed in to this address.
pub(crate) fn cookie(key: &MacKey, entropy: &Entropy, address: &Address) -> String {
    let device: [u8; 16] = entropy.bytes();
    URL_SAFE_NO_PAD.encode([&device[..], &mac(key, &device, address)].concat())
}

/// The device, when its cookie is for this address.
pub(crate) fn known(key: &MacKey, cookie: &str, address: &Address) -> Option<[u8; 16]> {
    let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
    let (device, tag) = bytes.split_first_chunk::<16>()?;
    same(tag, &mac(key, device, address)).then_some(*device)
}

fn mac(key: &MacKey, device: &[u8; 16], address: &Address) -> [u8; 16] {
    let mut tag = [0; 16];
    tag.copy_from_slice(&key.mac(&[device, address.key()])[..16]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{Keys, RootKey};

    #[test]
    fn a_device_is_known_for_its_address_only() {
        let (entropy, keys) = (
            Entropy::seeded(1),
            Keys::derive(&RootKey::generate(&Entropy::seeded(2)), 0),
        );
        let (ada, grace) = (
            Address::parse("ada@example.com").unwrap(),
            Address::parse("grace@example.com").unwrap(),
        );
        let cookie = cookie(&keys.devices, &entropy, &ada);

        assert!(
            known(
                &keys.devices,
                &cookie,
                &Address::parse("ADA@example.com").unwrap()
            )
            .is_some()
        );
        assert!(known(&keys.devices, &cookie, &grace).is_none());
        assert!(known(&keys.flows, &cookie, &ada).is_none());
        assert!(known(&keys.devices, "", &ada).is_none());
    }
}
