//! Replays what the fuzzer has kept: inputs that between them reach all that it could reach.

use std::path::Path;

#[path = "../fuzz_targets/mod.rs"]
mod fuzz_targets;

/// Runs a target on each file of its corpus.
fn replay(name: &str, target: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let files: Vec<_> = corpus.join(name).read_dir().unwrap().collect();

    assert!(!files.is_empty());
    for file in files {
        let path = file.unwrap().path();
        let input = std::fs::read(&path).unwrap();
        let outcome = std::panic::catch_unwind(|| target(&input));
        assert!(outcome.is_ok(), "{}", path.display());
    }
}

/// Item 31.
#[test]
fn every_item_of_cbor_is_read_as_the_second_reading_has_it() {
    replay("cbor", fuzz_targets::cbor);
}

/// Item 30.
#[test]
fn every_key_has_exactly_its_parameters() {
    replay("cose", fuzz_targets::cose);
}

/// Items 26, 31.
#[test]
fn authenticator_data_is_read_as_the_second_reading_has_it() {
    replay("authenticator_data", fuzz_targets::authenticator_data);
}

/// Item 23.
#[test]
fn client_data_is_read_as_the_second_reading_has_it() {
    replay("client_data", fuzz_targets::client_data);
}

/// Item 31.
#[test]
fn attestation_objects_are_read_as_the_second_reading_has_them() {
    replay("attestation_object", fuzz_targets::attestation_object);
}

/// Items 29, 31.
#[test]
fn only_what_the_second_reading_finds_right_is_registered() {
    replay("registration", fuzz_targets::registration);
}

/// Item 45.
#[test]
fn only_what_the_key_signed_is_an_assertion() {
    replay("assertion", fuzz_targets::assertion);
}
