//! The verifier through its public interface: what it accepts, and every way to be refused.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test stops at its first surprise"
)]

mod assertion;
mod attestation;
mod ceremony;
mod client_data;
mod generator;
mod json;
mod keys;
mod options;
mod properties;
mod registration;
