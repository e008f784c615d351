//! A reader for the CBOR that authenticators write, and for nothing more.
//!
//! CTAP2's canonical form is required where it guards something: lengths are definite, keys of a map
//! are integers or text and never repeat, nesting is shallow, tags are absent, and nothing follows.
//! Its order of keys and its shortest spelling of numbers are not required: they guard nothing here,
//! and keys are compared by value, so a longer spelling hides no duplicate.
//!
//! Everything that is read borrows from the input. Nothing is allocated for a length that the input
//! merely claims.

/// No response comes near this size.
const MAX_INPUT: usize = 64 * 1024;

/// CTAP2 allows four levels of maps and arrays.
const MAX_DEPTH: u8 = 4;

/// The most entries that one map may have: this bounds the search for repeated keys.
const MAX_ENTRIES: u64 = 64;

/// The input is not what this reader accepts. Where and why is of no use to anyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A map's key, by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key<'a> {
    Integer(i64),
    Text(&'a str),
}

/// What is left to read.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Result<Self, Malformed> {
        if input.len() > MAX_INPUT {
            return Err(Malformed);
        }
        Ok(Self { rest: input })
    }

    /// The bytes that no call has read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Ends the reading: nothing may be left.
    pub(crate) fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    /// Opens a map and returns how many entries follow, each a key and a value.
    pub(crate) fn map(&mut self) -> Result<u64, Malformed> {
        match self.head()? {
            (Major::Map, entries) if entries <= MAX_ENTRIES => Ok(entries),
            _ => Err(Malformed),
        }
    }

    /// Opens an array and returns how many items follow. The number is a claim: whoever reads them bounds it.
    #[cfg(feature = "attestation")]
    pub(crate) fn array(&mut self) -> Result<u64, Malformed> {
        match self.head()? {
            (Major::Array, items) => Ok(items),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn key(&mut self) -> Result<Key<'a>, Malformed> {
        match self.head()? {
            (Major::Text, length) => self.text_of(length).map(Key::Text),
            head => integer(head).map(Key::Integer),
        }
    }

    pub(crate) fn integer(&mut self) -> Result<i64, Malformed> {
        integer(self.head()?)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        match self.head()? {
            (Major::Text, length) => self.text_of(length),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        match self.head()? {
            (Major::Bytes, length) => self.take(length),
            _ => Err(Malformed),
        }
    }

    /// Reads one item of any kind, checks all that is in it, and returns its bytes.
    pub(crate) fn item(&mut self) -> Result<&'a [u8], Malformed> {
        let start = self.rest;
        self.skip(MAX_DEPTH)?;
        let length = start.len() - self.rest.len();
        Ok(&start[..length])
    }

    fn skip(&mut self, depth: u8) -> Result<(), Malformed> {
        match self.head()? {
            (Major::Unsigned | Major::Negative | Major::Simple, _) => Ok(()),
            (Major::Bytes, length) => self.take(length).map(drop),
            (Major::Text, length) => self.text_of(length).map(drop),
            (Major::Array, items) => {
                let depth = depth.checked_sub(1).ok_or(Malformed)?;
                // Each turn consumes a byte or fails, so a length that lies ends at the input's end.
                (0..items).try_for_each(|_| self.skip(depth))
            }
            (Major::Map, entries) => {
                let depth = depth.checked_sub(1).ok_or(Malformed)?;
                self.skip_entries(entries, depth)
            }
        }
    }

    fn skip_entries(&mut self, entries: u64, depth: u8) -> Result<(), Malformed> {
        if entries > MAX_ENTRIES {
            return Err(Malformed);
        }
        let mut seen = Vec::new();
        for _ in 0..entries {
            let key = self.key()?;
            if seen.contains(&key) {
                return Err(Malformed);
            }
            seen.push(key);
            self.skip(depth)?;
        }
        Ok(())
    }

    fn head(&mut self) -> Result<(Major, u64), Malformed> {
        let (&first, rest) = self.rest.split_first().ok_or(Malformed)?;
        self.rest = rest;
        let major = Major::of(first)?;
        let argument = match first & 0x1f {
            small @ 0..=23 => u64::from(small),
            // A simple value in two bytes: all of those are unassigned.
            24 if major == Major::Simple => return Err(Malformed),
            24 => self.big_endian::<1>()?,
            25 => self.big_endian::<2>()?,
            26 => self.big_endian::<4>()?,
            27 => self.big_endian::<8>()?,
            // 28 to 30 are unassigned; 31 is an indefinite length or its end.
            _ => return Err(Malformed),
        };
        Ok((major, argument))
    }

    fn big_endian<const N: usize>(&mut self) -> Result<u64, Malformed> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed)?;
        self.rest = rest;
        Ok(bytes
            .iter()
            .fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    fn text_of(&mut self, length: u64) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.take(length)?).map_err(|_| Malformed)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// Stores the value of a map's entry, unless the key was there before.
pub(crate) fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), Malformed> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Malformed),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Major {
    Unsigned,
    Negative,
    Bytes,
    Text,
    Array,
    Map,
    Simple,
}

impl Major {
    fn of(first: u8) -> Result<Self, Malformed> {
        match first >> 5 {
            0 => Ok(Self::Unsigned),
            1 => Ok(Self::Negative),
            2 => Ok(Self::Bytes),
            3 => Ok(Self::Text),
            4 => Ok(Self::Array),
            5 => Ok(Self::Map),
            7 => Ok(Self::Simple),
            // CTAP2 forbids tags.
            _ => Err(Malformed),
        }
    }
}

fn integer((major, argument): (Major, u64)) -> Result<i64, Malformed> {
    let magnitude = i64::try_from(argument).map_err(|_| Malformed)?;
    match major {
        Major::Unsigned => Ok(magnitude),
        Major::Negative => Ok(-1 - magnitude),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests;
