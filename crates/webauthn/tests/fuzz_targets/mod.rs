//! What must hold for any bytes at all: one function for each parser and for each ceremony.
//!
//! A function panics if its property does not hold. The fuzzer in `fuzz/` searches for such bytes, and
//! `tests/it/corpus.rs` replays what it has kept. The properties compare the verifier with a second
//! reading, which shares nothing with it but the libraries for JSON and base64.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a target stops at its first surprise"
)]

mod assertion;
mod attestation_object;
mod authenticator_data;
mod cbor;
mod ceremony;
mod client_data;
mod cose;
mod edit;
mod item;
mod members;
mod registration;

pub use assertion::assertion;
pub use attestation_object::attestation_object;
pub use authenticator_data::authenticator_data;
pub use cbor::cbor;
pub use client_data::client_data;
pub use cose::cose;
pub use registration::registration;
