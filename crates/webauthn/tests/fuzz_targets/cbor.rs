use doorward_webauthn::testing::parse;

use super::item::{Item, MAX_INPUT};

/// An item is accepted exactly if the second reading accepts it, and ends where that one ends.
/// What follows an item makes no difference, and an item that is cut short is none.
pub fn cbor(data: &[u8]) {
    let accepted = parse::cbor_item(data);
    assert_eq!(accepted, Item::read(data).map(|(_, length)| length));
    let Some(length) = accepted else { return };

    let alone = &data[..length];
    assert_eq!(parse::cbor_item(alone), Some(length));
    assert_eq!(parse::cbor_item(&alone[..length - 1]), None);
    if length < MAX_INPUT {
        for next in [0x00, 0xa0, 0xff] {
            let followed = [alone, &[next]].concat();
            assert_eq!(parse::cbor_item(&followed), Some(length));
        }
    }
}
