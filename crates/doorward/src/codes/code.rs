//! The code itself: eight digits, or 65 bits where an address is being guessed at.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{ids::CodeId, secret::MacKey};

/// How a code is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// So many decimal digits.
    Digits(u8),
    /// 13 characters of Crockford's base 32: 65 bits, beyond all guessing.
    Long,
}

const LONG: usize = 13;
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A code as it is mailed or typed; prints nothing of itself.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Code(String);

impl Code {
    /// The code of a row: drawn from a keyed stream that the row's random id starts.
    ///
    /// It can be made again for as long as the row lives (late mail must not lock people out), and without the
    /// key, which is outside the database, nobody else can make it.
    pub(crate) fn of(key: &MacKey, id: &CodeId, form: Form) -> Self {
        let mut block = 0_u32;
        let mut stream = std::iter::from_fn(move || {
            block += 1;
            Some(key.mac(&[b"code", id.as_bytes(), &block.to_be_bytes()]))
        })
        .flatten();
        Self::draw(&mut stream, form)
    }

    /// Draws a code, each with the same probability: bytes that would favour some digits are passed over.
    fn draw(stream: &mut impl Iterator<Item = u8>, form: Form) -> Self {
        let (length, alphabet) = match form {
            Form::Digits(digits) => (usize::from(digits), &CROCKFORD[..10]),
            Form::Long => (LONG, &CROCKFORD[..]),
        };
        let fair = 256 - 256 % alphabet.len();
        let characters = stream
            .map(usize::from)
            .filter(|&byte| byte < fair)
            .map(|byte| alphabet[byte % alphabet.len()]);
        Self(characters.take(length).map(char::from).collect())
    }

    /// Reads what was typed: spaces and hyphens are dropped, letters are read as Crockford reads them.
    /// `None` when that leaves no code.
    pub(crate) fn parse(typed: &str) -> Option<Self> {
        let mut code = String::with_capacity(LONG);
        for character in typed
            .chars()
            .filter(|character| !matches!(character, ' ' | '-'))
        {
            code.push(match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                character if CROCKFORD.contains(&u8::try_from(character).ok()?) => character,
                _ => return None,
            });
            if code.len() > LONG {
                return None;
            }
        }
        let digits = code.bytes().all(|byte| byte.is_ascii_digit());
        ((digits && (6..=10).contains(&code.len())) || code.len() == LONG).then_some(Self(code))
    }

    /// The code, for the mail.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// What is stored and compared.
    pub(crate) fn mac(&self, key: &MacKey, purpose: i64, email_key: &[u8]) -> [u8; 32] {
        key.mac(&[b"mac", &purpose.to_be_bytes(), email_key, self.0.as_bytes()])
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{Entropy, Keys, RootKey};

    /// Item 1: bytes that do not divide evenly are passed over.
    #[test]
    fn unfair_bytes_are_rejected() {
        let mut stream = [255, 250, 251, 7, 252, 19, 0, 249, 10, 253, 1, 2, 3].into_iter();
        assert_eq!(Code::draw(&mut stream, Form::Digits(8)).text(), "79090123");
    }

    /// Item 1: digits are uniform (χ² with 9 degrees of freedom for each of 8 places, a million codes).
    #[test]
    fn a_million_codes_are_uniform() {
        let (entropy, keys) = (
            Entropy::system(),
            Keys::derive(&RootKey::generate(&Entropy::system()), 0),
        );
        let mut counts = [[0_u32; 10]; 8];
        for _ in 0..1_000_000 {
            let code = Code::of(&keys.codes, &CodeId(entropy.bytes()), Form::Digits(8));
            for (place, digit) in code.text().bytes().enumerate() {
                counts[place][usize::from(digit - b'0')] += 1;
            }
        }
        for count in counts {
            let chi: f64 = count
                .iter()
                .map(|&n| (f64::from(n) - 100_000.0).powi(2) / 100_000.0)
                .sum();
            // Beyond 45 once in a million runs.
            assert!(chi < 45.0, "{chi}");
        }
    }

    #[test]
    fn a_code_is_made_again_from_its_row() {
        let keys = Keys::derive(&RootKey::generate(&Entropy::seeded(1)), 0);
        let of = |id: u8, form| Code::of(&keys.codes, &CodeId([id; 16]), form);
        assert_eq!(of(1, Form::Digits(8)), of(1, Form::Digits(8)));
        assert_ne!(of(1, Form::Digits(8)), of(2, Form::Digits(8)));
        assert_eq!(of(1, Form::Long).text().len(), 13);
    }

    /// Item 14: only ASCII spaces and hyphens are dropped.
    #[test]
    fn typed_codes_are_read_tolerantly_and_strictly() {
        let read = |typed: &str| Code::parse(typed).map(|code| code.text().to_owned());
        assert_eq!(read("1234 5678").as_deref(), Some("12345678"));
        assert_eq!(read(" 12-34-56-78 ").as_deref(), Some("12345678"));
        assert_eq!(read("oil34-56789-abc").as_deref(), Some("0113456789ABC"));
        for typed in [
            "",
            "12345",
            "12345678901",
            "１２３４５６７８",
            "12345678\u{a0}",
            "1234\t5678",
            "1234.5678",
            "abcdefgh",
            "0113456789ABCD",
            "U123456789ABC",
        ] {
            assert_eq!(read(typed), None, "{typed:?}");
        }
    }

    #[test]
    fn a_code_does_not_print_itself() {
        assert_eq!(format!("{:?}", Code::parse("12345678").unwrap()), "Code(…)");
    }
}
