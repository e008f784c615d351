//! The record that a relying party keeps of a credential (§4, "credential record").

use crate::Algorithm;

/// What to store when a registration was verified, and what an assertion is verified against.
///
/// `public_key`, `algorithm`, `aaguid` and `backup_eligible` never change; `sign_count` and
/// `backed_up` follow each [`VerifiedAssertion`](crate::VerifiedAssertion).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The id that the authenticator chose: 1 to 1023 bytes.
    pub id: Vec<u8>,
    /// The public key in COSE form, as the authenticator wrote it.
    pub public_key: Vec<u8>,
    /// The algorithm of the public key.
    pub algorithm: Algorithm,
    /// The highest signature counter seen. Zero for authenticators that do not count.
    pub sign_count: u32,
    /// The authenticator's make, if it tells. Self-reported unless attested.
    pub aaguid: [u8; 16],
    /// How the client says the authenticator can be reached. Untrusted; send it back as a hint.
    pub transports: Vec<String>,
    /// Whether the person was verified when the credential was made.
    pub user_verified: bool,
    /// Whether the credential may be copied to other devices.
    pub backup_eligible: bool,
    /// Whether the credential is backed up now.
    pub backed_up: bool,
}
