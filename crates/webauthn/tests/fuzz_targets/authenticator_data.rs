use doorward_webauthn::testing::flag;
use doorward_webauthn::testing::parse::{self, AttestedCredential, AuthenticatorData};

use super::item::Item;

/// Authenticator data is accepted exactly if the second reading accepts it, and means the same.
/// Written anew from its parts it is the same bytes.
pub fn authenticator_data(data: &[u8]) {
    let accepted = parse::authenticator_data(data);
    assert_eq!(accepted, read(data));
    let Some(accepted) = accepted else { return };

    let written = write(&accepted);
    let (head, extensions) = data.split_at(written.len());
    assert_eq!(head, written);
    if accepted.flags & flag::ED == 0 {
        assert!(extensions.is_empty());
    } else {
        assert!(is_map(extensions));
        assert_eq!(parse::authenticator_data(head), None);
    }
    assert_eq!(parse::authenticator_data(&data[..data.len() - 1]), None);
    assert_eq!(parse::authenticator_data(&[data, &[0]].concat()), None);
}

/// The second reading (§6.1, §6.5.1).
pub fn read(data: &[u8]) -> Option<AuthenticatorData> {
    let (fixed, mut rest) = data.split_at_checked(37)?;
    let flags = fixed[32];
    let mut attested = None;
    if flags & flag::AT != 0 {
        let id_length = usize::from(*rest.get(16)?) * 256 + usize::from(*rest.get(17)?);
        let key = rest.get(18 + id_length..)?;
        let (_, key_length) = Item::read(key)?;
        attested = Some(AttestedCredential {
            aaguid: rest[..16].try_into().ok()?,
            id: rest[18..18 + id_length].to_vec(),
            public_key: key[..key_length].to_vec(),
        });
        rest = &key[key_length..];
    }
    let is_right_end = match flags & flag::ED {
        0 => rest.is_empty(),
        _ => is_map(rest),
    };
    is_right_end.then_some(AuthenticatorData {
        rp_id_hash: fixed[..32].try_into().ok()?,
        flags,
        sign_count: u32::from_be_bytes(fixed[33..].try_into().ok()?),
        attested,
    })
}

fn is_map(bytes: &[u8]) -> bool {
    matches!(Item::read(bytes), Some((Item::Map(_), length)) if length == bytes.len())
}

/// All but the extensions.
fn write(data: &AuthenticatorData) -> Vec<u8> {
    let mut bytes = data.rp_id_hash.to_vec();
    bytes.push(data.flags);
    bytes.extend(data.sign_count.to_be_bytes());
    if let Some(attested) = &data.attested {
        bytes.extend(attested.aaguid);
        bytes.extend(u16::try_from(attested.id.len()).unwrap().to_be_bytes());
        bytes.extend(&attested.id);
        bytes.extend(&attested.public_key);
    }
    bytes
}
