//! A writer of DER, to build what certificates hold and what they should not.

pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// A value with any tag of one byte.
pub fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag], &length(content.len())[..], content].concat()
}

/// A constructed value with a context-specific tag.
pub fn explicit(number: u16, content: &[u8]) -> Vec<u8> {
    let short = |number: u16| u8::try_from(number).unwrap();
    let tag = match number {
        0..=30 => vec![0xa0 | short(number)],
        _ => vec![0xbf, 0x80 | short(number >> 7), short(number & 0x7f)],
    };
    [&tag, &length(content.len())[..], content].concat()
}

pub fn sequence(items: &[Vec<u8>]) -> Vec<u8> {
    tagged(SEQUENCE, &items.concat())
}

pub fn set(items: &[Vec<u8>]) -> Vec<u8> {
    tagged(SET, &items.concat())
}

pub fn octets(bytes: &[u8]) -> Vec<u8> {
    tagged(0x04, bytes)
}

pub fn integer(small: u8) -> Vec<u8> {
    tagged(0x02, &[small])
}

pub fn boolean(value: bool) -> Vec<u8> {
    tagged(0x01, &[if value { 0xff } else { 0 }])
}

pub fn null() -> Vec<u8> {
    tagged(0x05, &[])
}

pub fn utf8(text: &str) -> Vec<u8> {
    tagged(0x0c, text.as_bytes())
}

pub fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let first = arcs[0] * 40 + arcs[1];
    let arcs = std::iter::once(&first).chain(&arcs[2..]);
    let content: Vec<u8> = arcs.flat_map(|&arc| base_128(arc)).collect();
    tagged(0x06, &content)
}

fn base_128(number: u64) -> Vec<u8> {
    let groups = (1..10).find(|&n| number >> (7 * n) == 0).unwrap();
    (0..groups)
        .rev()
        .map(|group| {
            let bits = u8::try_from(number >> (7 * group) & 0x7f).unwrap();
            if group == 0 { bits } else { bits | 0x80 }
        })
        .collect()
}

fn length(length: usize) -> Vec<u8> {
    let bytes = u16::try_from(length).unwrap().to_be_bytes();
    match length {
        0..=0x7f => vec![bytes[1]],
        0x80..=0xff => vec![0x81, bytes[1]],
        _ => vec![0x82, bytes[0], bytes[1]],
    }
}
