//! What opens a session.

use doorward_webauthn::VerifiedAssertion;

use super::Method;
use crate::codes;

/// A proof of who someone is. Only what verifies a code or an assertion can make one.
pub(crate) enum Proof {
    /// A code that was redeemed.
    Code(codes::Redeemed),
    /// An assertion that was verified, of this credential.
    Passkey(VerifiedAssertion, Vec<u8>),
}

impl Proof {
    pub(super) fn method(&self) -> Method {
        match self {
            Self::Code(_) => Method::Otp,
            Self::Passkey(..) => Method::Passkey,
        }
    }

    pub(super) fn passkey(&self) -> Option<&[u8]> {
        match self {
            Self::Code(_) => None,
            Self::Passkey(_, credential) => Some(credential),
        }
    }

    /// Mail is no authenticator (NIST SP 800-63B 3.1.3.1), so a code has no level; a passkey that verified its user has 2.
    pub(super) fn aal(&self) -> u8 {
        match self {
            Self::Passkey(verified, _) if verified.user_verified() => 2,
            Self::Passkey(..) => 1,
            Self::Code(_) => 0,
        }
    }

    pub(super) fn user_verified(&self) -> bool {
        matches!(self, Self::Passkey(verified, _) if verified.user_verified())
    }

    pub(super) fn backup_eligible(&self) -> bool {
        matches!(self, Self::Passkey(verified, _) if verified.backup_eligible())
    }

    pub(super) fn backed_up(&self) -> bool {
        matches!(self, Self::Passkey(verified, _) if verified.backed_up())
    }
}
