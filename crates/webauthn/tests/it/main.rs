//! The verifier through its public interface: what it accepts, and every way to be refused.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test stops at its first surprise"
)]

mod assertion;
mod attestation;
#[cfg(feature = "attestation")]
mod attested;
mod bit_flips;
mod ceremony;
mod client_data;
mod corpus;
mod generator;
mod json;
mod keys;
mod mutants;
mod options;
mod post_quantum;
mod properties;
mod registration;
mod stored;
mod vectors;
