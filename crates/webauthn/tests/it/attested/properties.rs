//! What holds for all statements: only the untouched one verifies, and no bytes cause a panic.

use doorward_webauthn::{Format, TrustAnchors};
use proptest::prelude::*;
use proptest::sample::Index;

use super::{FORMATS, genuine, register};

fn formats() -> impl Strategy<Value = Format> {
    proptest::sample::select(&FORMATS)
}

proptest! {
    /// Item 29.
    #[test]
    fn a_statement_with_any_flipped_bit_is_refused(format in formats(), bit: Index) {
        let verdict = register(format, move |input| {
            let (name, mut statement) = genuine(format)(input);
            let bit = bit.index(statement.len() * 8);
            statement[bit / 8] ^= 1 << (bit % 8);
            (name, statement)
        });

        prop_assert!(verdict.is_err());
    }

    /// Items 29, 31.
    #[test]
    fn any_bytes_for_a_statement_are_refused_without_a_panic(format in formats(), bytes: Vec<u8>) {
        let verdict = register(format, move |input| (genuine(format)(input).0, bytes.clone()));

        prop_assert!(verdict.is_err());
    }

    /// Items 29, 31.
    #[test]
    fn a_statement_with_spliced_bytes_is_refused_without_a_panic(
        format in formats(), at: Index, cut in 0..9_usize, bytes in proptest::collection::vec(any::<u8>(), 1..9),
    ) {
        let changed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let differs = changed.clone();
        let verdict = register(format, move |input| {
            let (name, mut statement) = genuine(format)(input);
            let before = statement.clone();
            let start = at.index(statement.len());
            let end = statement.len().min(start + cut);
            statement.splice(start..end, bytes.iter().copied());
            differs.store(statement != before, std::sync::atomic::Ordering::Relaxed);
            (name, statement)
        });

        prop_assert_eq!(verdict.is_err(), changed.load(std::sync::atomic::Ordering::Relaxed));
    }

    /// Items 29, 31.
    #[test]
    fn any_bytes_for_a_trust_anchor_are_refused_without_a_panic(format in formats(), bytes: Vec<u8>) {
        prop_assert!(TrustAnchors::new([(format, bytes)]).is_err());
    }
}
