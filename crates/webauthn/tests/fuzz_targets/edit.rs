//! The fuzzer's bytes, read as changes to an original.

/// A change to one of several parts.
pub struct Edit<'a> {
    part: u8,
    change: Change<'a>,
}

enum Change<'a> {
    /// Inverts one bit.
    Flip { bit: u16 },
    /// Cuts some bytes out and puts others in.
    Splice { at: u16, cut: u8, insert: &'a [u8] },
}

impl<'a> Edit<'a> {
    /// Reads as many changes as the bytes hold.
    pub fn read_all(mut bytes: &'a [u8]) -> Vec<Self> {
        std::iter::from_fn(|| Self::read(&mut bytes)).collect()
    }

    fn read(bytes: &mut &'a [u8]) -> Option<Self> {
        let (&[part, kind, high, low], rest) = bytes.split_first_chunk()?;
        let place = u16::from_be_bytes([high, low]);
        let change = if kind % 2 == 0 {
            *bytes = rest;
            Change::Flip { bit: place }
        } else {
            let (&[cut, length], rest) = rest.split_first_chunk()?;
            let (insert, rest) = rest.split_at(rest.len().min(length.into()));
            *bytes = rest;
            Change::Splice {
                at: place,
                cut,
                insert,
            }
        };
        Some(Self { part, change })
    }

    fn apply(&self, bytes: &mut Vec<u8>) {
        match self.change {
            Change::Flip { bit } => {
                let bit = usize::from(bit) % (bytes.len() * 8).max(1);
                if let Some(byte) = bytes.get_mut(bit / 8) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Change::Splice { at, cut, insert } => {
                let start = usize::from(at) % (bytes.len() + 1);
                let end = bytes.len().min(start + usize::from(cut));
                bytes.splice(start..end, insert.iter().copied());
            }
        }
    }
}

/// Applies the changes that are for one of `N` parts.
pub fn edit<const N: u8>(edits: &[Edit<'_>], part: u8, bytes: &mut Vec<u8>) {
    let for_it = edits.iter().filter(|edit| edit.part % N == part);
    for_it.for_each(|edit| edit.apply(bytes));
}
