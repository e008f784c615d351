use super::{Key, MAX_INPUT, Malformed, Reader};

fn item(input: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader::new(input)?;
    let item = reader.item()?;
    reader.end()?;
    Ok(item)
}

fn integer(input: &[u8]) -> Result<i64, Malformed> {
    Reader::new(input)?.integer()
}

/// Item 31.
#[test]
fn integers_are_read_in_every_spelling() {
    assert_eq!(integer(&[0x00]), Ok(0));
    assert_eq!(integer(&[0x17]), Ok(23));
    assert_eq!(integer(&[0x18, 0x18]), Ok(24));
    assert_eq!(integer(&[0x19, 0x01, 0x00]), Ok(256));
    assert_eq!(integer(&[0x1a, 0, 1, 0, 0]), Ok(65536));
    assert_eq!(integer(&[0x20]), Ok(-1));
    assert_eq!(integer(&[0x39, 0x01, 0x00]), Ok(-257));
    assert_eq!(
        integer(&[0x1b, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
        Ok(i64::MAX)
    );
    assert_eq!(
        integer(&[0x3b, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
        Ok(i64::MIN)
    );
    assert_eq!(
        integer(&[0x18, 0x01]),
        Ok(1),
        "a longer spelling than needed"
    );
}

/// Item 31.
#[test]
fn integers_beyond_64_bits_with_sign_are_refused() {
    assert_eq!(integer(&[0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0]), Err(Malformed));
    assert_eq!(integer(&[0x3b, 0x80, 0, 0, 0, 0, 0, 0, 0]), Err(Malformed));
}

/// Item 31.
#[test]
fn keys_are_compared_by_value() {
    let key = |input| Reader::new(input).unwrap().key();

    assert_eq!(key(&[0x01]), Ok(Key::Integer(1)));
    assert_eq!(key(&[0x18, 0x01]), Ok(Key::Integer(1)));
    assert_eq!(key(&[0x61, b'a']), Ok(Key::Text("a")));
    assert_eq!(key(&[0x78, 0x01, b'a']), Ok(Key::Text("a")));
    assert_eq!(key(&[0x41, b'a']), Err(Malformed), "bytes");
    assert_eq!(key(&[0x80]), Err(Malformed), "an array");
    assert_eq!(key(&[0xf4]), Err(Malformed), "a boolean");
}

/// Item 31.
#[test]
fn items_of_every_kind_are_stepped_over() {
    let items: [&[u8]; 13] = [
        &[0x00],
        &[0x38, 0xff],
        &[0x43, 1, 2, 3],
        &[0x62, 0xc3, 0xa9],
        &[0x80],
        &[0x82, 0x01, 0x81, 0x02],
        &[0xa0],
        &[0xa2, 0x01, 0x02, 0x61, b'a', 0xa0],
        &[0xf4],
        &[0xf6],
        &[0xf9, 0x3c, 0x00],
        &[0xfa, 0, 0, 0, 0],
        &[0xfb, 0, 0, 0, 0, 0, 0, 0, 0],
    ];
    for bytes in items {
        assert_eq!(item(bytes), Ok(bytes), "{bytes:02x?}");
    }
}

/// Item 31.
#[test]
fn malformed_items_are_refused() {
    let items: [&[u8]; 22] = [
        &[],
        &[0x18],
        &[0x19, 0x01],
        &[0x1c],
        &[0x1f],
        &[0x42, 1],
        &[0x5f, 0x41, 1, 0xff],
        &[0x61],
        &[0x61, 0xff],
        &[0x7f, 0x61, b'a', 0xff],
        &[0x81],
        &[0x9f, 0x01, 0xff],
        &[0xa1],
        &[0xa1, 0x01],
        &[0xa2, 0x01, 0x02, 0x01, 0x02],
        &[0xa2, 0x01, 0x02, 0x18, 0x01, 0x02],
        &[0xbf, 0xff],
        &[0xc0, 0x60],
        &[0xd8, 0x20, 0x60],
        &[0xf8, 0x18],
        &[0xff],
        &[0x00, 0x00],
    ];
    for bytes in items {
        assert_eq!(item(bytes), Err(Malformed), "{bytes:02x?}");
    }
}

/// Item 31.
#[test]
fn lengths_that_lie_cost_nothing() {
    for head in [0x5b, 0x7b, 0x9b, 0xbb] {
        let bytes = [head, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00];

        assert_eq!(item(&bytes), Err(Malformed), "{head:02x}");
    }
}

/// Item 31.
#[test]
fn nesting_ends_at_four_levels() {
    assert!(item(&[0x81, 0x81, 0x81, 0x81, 0x00]).is_ok());
    assert_eq!(item(&[0x81, 0x81, 0x81, 0x81, 0x81, 0x00]), Err(Malformed));
    assert!(item(&[0xa1, 0x00, 0xa1, 0x00, 0xa1, 0x00, 0xa1, 0x00, 0x00]).is_ok());
    assert_eq!(
        item(&[0xa1, 0x00, 0xa1, 0x00, 0xa1, 0x00, 0xa1, 0x00, 0xa0]),
        Err(Malformed)
    );
    assert_eq!(item(&vec![0x81; 60_000]), Err(Malformed));
}

/// Item 31.
#[test]
fn maps_have_at_most_64_entries() {
    let map = |entries: u8| {
        let pairs = (0..entries).flat_map(|key| [0x18, key, 0x00]);
        [0xb8, entries].into_iter().chain(pairs).collect::<Vec<_>>()
    };

    assert!(item(&map(64)).is_ok());
    assert!(Reader::new(&map(64)).unwrap().map().is_ok());
    assert_eq!(item(&map(65)), Err(Malformed));
    assert_eq!(Reader::new(&map(65)).unwrap().map(), Err(Malformed));
}

/// Item 31.
#[test]
fn input_beyond_64_kibibytes_is_refused() {
    assert!(Reader::new(&vec![0; MAX_INPUT]).is_ok());
    assert!(Reader::new(&vec![0; MAX_INPUT + 1]).is_err());
}

/// Item 31.
#[test]
fn each_reader_refuses_the_other_kinds() {
    let kinds: [&[u8]; 6] = [&[0x00], &[0x20], &[0x40], &[0x60], &[0x80], &[0xa0]];
    let accepts: [fn(&mut Reader<'_>) -> bool; 4] = [
        |reader| reader.integer().is_ok(),
        |reader| reader.bytes().is_ok(),
        |reader| reader.text().is_ok(),
        |reader| reader.map().is_ok(),
    ];
    let expected = [
        [true, true, false, false, false, false],
        [false, false, true, false, false, false],
        [false, false, false, true, false, false],
        [false, false, false, false, false, true],
    ];
    for (accept, expected) in accepts.iter().zip(expected) {
        let actual = kinds.map(|kind| accept(&mut Reader::new(kind).unwrap()));

        assert_eq!(actual, expected);
    }
}
