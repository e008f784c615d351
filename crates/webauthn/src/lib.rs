//! Decides whether bytes from a browser prove possession of a passkey.
//!
//! Two questions have their answers here: is this registration one that we asked for, and does this
//! assertion come from the credential that we stored? Each answer is a value that nothing but
//! verification can make ([`VerifiedRegistration`], [`VerifiedAssertion`]), or a [`Refusal`] that names
//! the failed check. Every step of `WebAuthn` Level 3 §7.1 and §7.2 that a server can take is named
//! beside its check.
//!
//! Nothing here keeps state, reads a clock or draws a random number. The caller issues challenges and
//! accepts each of them once, finds the stored [`Credential`] and its owner, and stores what the verdict
//! says.
//!
//! # Example
//!
//! ```
//! use doorward_webauthn::options::{CreationOptions, RequestOptions, User};
//! use doorward_webauthn::{AssertionResponse, Policy, RegistrationResponse};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::new("example.org", ["https://example.org"]);
//! // In earnest, 16 random bytes or more, used once; and 64 random bytes, kept with the user.
//! let (challenge, user_handle) = ([1; 32], [2; 64]);
//!
//! // Registration: the options go to `navigator.credentials.create()`, its answer comes back as JSON.
//! let user = User { id: user_handle.to_vec(), name: "ada@example.org".into(), display_name: "Ada".into() };
//! let options = CreationOptions::new(&policy, "Example", user, challenge.to_vec());
//! # let mut browser = doorward_webauthn::testing::Authenticator::new(1);
//! # let json = browser.create(&serde_json::to_value(&options)?, "https://example.org").to_string();
//! let response: RegistrationResponse = serde_json::from_str(&json)?;
//! let credential = response.verify(&policy, &challenge)?.into_credential();
//!
//! // Authentication: the options name nobody; the answer says which credential and which user it claims.
//! let options = RequestOptions::new(&policy, challenge.to_vec());
//! # let json = browser.get(&serde_json::to_value(&options)?, "https://example.org").to_string();
//! let response: AssertionResponse = serde_json::from_str(&json)?;
//! assert_eq!(response.unauthenticated_credential_id(), credential.id);
//! let verified = response.verify(&policy, &challenge, &credential, &user_handle)?;
//! assert!(verified.user_verified());
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! `attestation` verifies attestation by certificate, for relying parties that accept only certain
//! makes of authenticators: `RegistrationResponse::verify_attested`.
//!
//! `testing` adds a software authenticator. Release builds do without it.

#![forbid(unsafe_code)]

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
