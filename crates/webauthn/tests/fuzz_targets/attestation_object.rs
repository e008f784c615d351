use doorward_webauthn::testing::cbor;
use doorward_webauthn::testing::parse::{self, AttestationObject};

use super::item::Item;

/// An attestation object is accepted exactly if the second reading accepts it, and means the same.
/// Written anew from its parts it means the same too.
pub fn attestation_object(data: &[u8]) {
    let accepted = parse::attestation_object(data);
    let expected = read(data);
    assert_eq!(accepted.is_some(), expected.is_some());
    let (Some(accepted), Some((format, statement, authenticator_data))) = (accepted, expected)
    else {
        return;
    };

    assert_eq!(accepted.format, format);
    assert_eq!(accepted.authenticator_data, authenticator_data);
    let length = accepted.statement.len();
    assert_eq!(Item::read(&accepted.statement), Some((statement, length)));
    assert_eq!(parse::attestation_object(&write(&accepted)), Some(accepted));
    assert_eq!(parse::attestation_object(&[data, &[0]].concat()), None);
    assert_eq!(parse::attestation_object(&data[..data.len() - 1]), None);
}

/// The second reading (§6.5): the format, the statement and the authenticator data.
pub fn read(data: &[u8]) -> Option<(String, Item, Vec<u8>)> {
    let mut entries = Item::read_map(data)?;
    // A key never repeats, so three entries that are found are all three.
    let mut take = |name: &str| {
        let is_it = |(key, _): &(Item, Item)| *key == Item::Text(name.to_owned());
        let at = entries.iter().position(is_it)?;
        Some(entries.remove(at).1)
    };
    let parts = (take("fmt")?, take("attStmt")?, take("authData")?);
    match parts {
        (Item::Text(format), statement, Item::Bytes(data)) if entries.is_empty() => {
            Some((format, statement, data))
        }
        _ => None,
    }
}

fn write(object: &AttestationObject) -> Vec<u8> {
    cbor::map(&[
        (
            cbor::text("authData"),
            cbor::bytes(&object.authenticator_data),
        ),
        (cbor::text("attStmt"), object.statement.clone()),
        (cbor::text("fmt"), cbor::text(&object.format)),
    ])
}
