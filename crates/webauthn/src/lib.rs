#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod assertion;
mod attestation;
mod authenticator_data;
mod base64url;
mod cbor;
mod client_data;
mod cose;
mod credential;
mod json;
pub mod options;
mod policy;
mod refusal;
mod registration;
#[cfg(feature = "testing")]
pub mod testing;

pub use assertion::{AssertionResponse, VerifiedAssertion};
#[cfg(feature = "attestation")]
pub use attestation::{InvalidAnchor, TrustAnchors};
pub use credential::Credential;
pub use policy::{
    Algorithm, CounterPolicy, CrossOrigin, Format, Policy, ResidentKey, UnknownAlgorithm,
    UserVerification,
};
pub use refusal::Refusal;
pub use registration::{RegistrationResponse, VerifiedRegistration};

fn sha256(bytes: &[u8]) -> aws_lc_rs::digest::Digest {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes)
}

#[cfg(test)]
mod tests;
