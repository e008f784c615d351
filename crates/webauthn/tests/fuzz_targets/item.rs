//! CBOR as the verifier says that it accepts it, read a second time: into a tree, by recursion.

/// The verifier reads no more bytes than these at once.
pub const MAX_INPUT: usize = 64 * 1024;
/// CTAP2 allows four levels of maps and arrays.
const LEVELS: u8 = 4;
const MAX_ENTRIES: u64 = 64;

#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Integer(i128),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Item>),
    Map(Vec<(Item, Item)>),
    /// A simple value or a float: the head's low bits, and its argument.
    Simple(u8, u64),
}

impl Item {
    /// Reads the first item, and tells its length.
    pub fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        Self::read_levels(bytes, LEVELS)
    }

    /// Reads a map that is all there is, whose values have as many levels as an item may have.
    pub fn read_map(bytes: &[u8]) -> Option<Vec<(Self, Self)>> {
        match Self::read_levels(bytes, LEVELS + 1)? {
            (Self::Map(entries), length) if length == bytes.len() => Some(entries),
            _ => None,
        }
    }

    fn read_levels(bytes: &[u8], levels: u8) -> Option<(Self, usize)> {
        let mut at = 0;
        let item = (bytes.len() <= MAX_INPUT).then(|| read(bytes, &mut at, levels))??;
        Some((item, at))
    }

    fn is_key(&self) -> bool {
        match self {
            Self::Integer(value) => i64::try_from(*value).is_ok(),
            Self::Text(_) => true,
            _ => false,
        }
    }
}

fn read(bytes: &[u8], at: &mut usize, levels: u8) -> Option<Item> {
    let first = *bytes.get(*at)?;
    *at += 1;
    let low = first & 31;
    let argument = match low {
        0..=23 => low.into(),
        24 => number(bytes, at, 1)?,
        25 => number(bytes, at, 2)?,
        26 => number(bytes, at, 4)?,
        27 => number(bytes, at, 8)?,
        _ => return None,
    };
    Some(match first >> 5 {
        0 => Item::Integer(argument.into()),
        1 => Item::Integer(-1 - i128::from(argument)),
        2 => Item::Bytes(string(bytes, at, argument)?),
        3 => Item::Text(String::from_utf8(string(bytes, at, argument)?).ok()?),
        4 if levels > 0 => Item::Array(array(bytes, at, argument, levels - 1)?),
        5 if levels > 0 => Item::Map(map(bytes, at, argument, levels - 1)?),
        7 if low != 24 => Item::Simple(low, argument),
        _ => return None,
    })
}

fn number(bytes: &[u8], at: &mut usize, length: usize) -> Option<u64> {
    let mut number = [0; 8];
    number[8 - length..].copy_from_slice(bytes.get(*at..*at + length)?);
    *at += length;
    Some(u64::from_be_bytes(number))
}

fn string(bytes: &[u8], at: &mut usize, length: u64) -> Option<Vec<u8>> {
    let end = at.checked_add(usize::try_from(length).ok()?)?;
    let string = bytes.get(*at..end)?.to_vec();
    *at = end;
    Some(string)
}

fn array(bytes: &[u8], at: &mut usize, length: u64, levels: u8) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    for _ in 0..length {
        items.push(read(bytes, at, levels)?);
    }
    Some(items)
}

fn map(bytes: &[u8], at: &mut usize, length: u64, levels: u8) -> Option<Vec<(Item, Item)>> {
    let mut entries: Vec<(Item, Item)> = Vec::new();
    for _ in 0..length {
        let key = read(bytes, at, 0)?;
        if !key.is_key() || entries.iter().any(|(known, _)| *known == key) {
            return None;
        }
        entries.push((key, read(bytes, at, levels)?));
    }
    (length <= MAX_ENTRIES).then_some(entries)
}
