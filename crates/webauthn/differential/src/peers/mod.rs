//! The other verifiers, each set up as near to our policy as it can be.

pub(crate) mod simplewebauthn;
pub(crate) mod webauthn_rp;
pub(crate) mod webauthn_rs;

/// Another verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// The crate `webauthn-rs-core`.
    WebauthnRs,
    /// The crate `webauthn_rp`.
    WebauthnRp,
    /// The package `@simplewebauthn/server`.
    SimpleWebAuthn,
}

/// What another verifier says of a response: nothing, or why it refuses it.
pub type Opinion = Result<(), String>;

/// How long the challenges live that the others are given; they read the clock.
const LIFETIME: std::time::Duration = std::time::Duration::from_mins(10);

/// Runs a verifier that may panic, which is a refusal, if not a good one.
fn opinion(verify: impl FnOnce() -> Opinion) -> Opinion {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(verify));
    outcome.unwrap_or_else(|_| Err("panicked".to_owned()))
}
