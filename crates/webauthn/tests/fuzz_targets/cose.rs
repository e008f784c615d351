use doorward_webauthn::testing::{cbor, parse};

use super::item::Item;

const KTY: i64 = 1;
const ALG: i64 = 3;
/// Parameters that RFC 9052 has for every key, and that the standard forbids (§6.5.1.1).
const OPTIONAL: [i64; 3] = [2, 4, 5];

/// An accepted key has exactly its required parameters, however they are ordered and spelled: its
/// canonical form is the same key, and with a parameter more or less it is none.
pub fn cose(data: &[u8]) {
    let Some(algorithm) = parse::public_key(data) else {
        assert!(!parse::is_same_public_key(data, data));
        assert!(!parse::is_signed(data, data, data));
        return;
    };

    let mut entries = entries(data);
    let value = |label| {
        let is_it = |(known, _): &&(i64, _)| *known == label;
        entries.iter().find(is_it).map(|(_, value)| value.clone())
    };
    assert_eq!(value(ALG), Some(cbor::integer(algorithm.cose_id())));
    assert!(value(KTY).is_some());

    // CTAP2's order of keys: the shorter first, then by their bytes.
    entries.sort_by_key(|&(label, _)| (cbor::integer(label).len(), cbor::integer(label)));
    let canonical = write(&entries);
    assert_eq!(parse::public_key(&canonical), Some(algorithm));
    assert!(parse::is_same_public_key(data, &canonical));
    entries.reverse();
    assert!(parse::is_same_public_key(data, &write(&entries)));

    for missing in 0..entries.len() {
        let mut fewer = entries.clone();
        fewer.remove(missing);
        assert_eq!(parse::public_key(&write(&fewer)), None);
    }
    let repeated = entries.iter().cloned();
    let optional = OPTIONAL.map(|label| (label, cbor::integer(1)));
    for surplus in repeated.chain(optional) {
        let more = [&entries[..], &[surplus]].concat();
        assert_eq!(parse::public_key(&write(&more)), None);
    }
    assert_eq!(parse::public_key(&[data, &[0]].concat()), None);
    // The point may be on no curve and the modulus no product of primes: that is no reason to panic.
    assert!(!parse::is_signed(data, b"", b""));
    assert!(!parse::is_signed(data, b"", &canonical));
}

/// The parameters, by the second reading: each value is a number or bytes, written anew.
fn entries(data: &[u8]) -> Vec<(i64, Vec<u8>)> {
    let entries = Item::read_map(data).expect("a map and no more");
    let entry = |(label, value)| {
        let Item::Integer(label) = label else {
            panic!("a label that is no integer: {label:?}");
        };
        let value = match value {
            Item::Integer(value) => cbor::integer(value.try_into().expect("a small number")),
            Item::Bytes(value) => cbor::bytes(&value),
            other => panic!("a parameter that is neither number nor bytes: {other:?}"),
        };
        (label.try_into().expect("a key fits"), value)
    };
    entries.into_iter().map(entry).collect()
}

fn write(entries: &[(i64, Vec<u8>)]) -> Vec<u8> {
    let entry = |(label, value): &(i64, Vec<u8>)| (cbor::integer(*label), value.clone());
    cbor::map(&entries.iter().map(entry).collect::<Vec<_>>())
}
