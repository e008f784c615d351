//! Ceremonies by the hundred: what every verifier should be asked, and what ours must answer.
//!
//! [`catalogue`] is systematic: one ceremony for each way to be right or wrong that someone thought of,
//! with its verdict. [`mutants`] is not: it damages valid ceremonies at random, from a seed, and only
//! their originals have a verdict that is known beforehand.
//!
//! Nothing here is verified; the keys, ids and challenges are the same each time, but ECDSA signatures
//! and the RSA key are not, as [`Authenticator`](super::Authenticator) says.
//!
//! ```
//! use doorward_webauthn::testing::generator::catalogue;
//!
//! for case in catalogue() {
//!     assert_eq!(Some(case.verdict()), case.expected, "{}", case.name);
//! }
//! ```
#![allow(
    clippy::too_many_lines,
    reason = "tables are as long as what they list"
)]

mod authenticator_data;
mod client_data;
mod cose;
mod envelope;
mod extensions;
mod frame;
mod mutant;
mod plan;
mod signature;
mod spelling;
mod statement;

pub use self::mutant::{Mutant, mutants};
use self::plan::Catalogue;
use crate::{
    AssertionResponse, CounterPolicy, Credential, CrossOrigin, Policy, Refusal,
    RegistrationResponse, UserVerification,
};

/// The relying party of all ceremonies.
pub const RP_ID: &str = "example.org";
/// The origin of its pages.
pub const ORIGIN: &str = "https://example.org";
/// The origin of the page that may show its pages in a frame, under [`Profile::Framed`].
pub const TOP_ORIGIN: &str = "https://example.com";
/// The challenge that every ceremony should answer: as short as a challenge may be.
pub const CHALLENGE: [u8; 16] = *b"\xfb\xefsixteen bytes\xff";
/// The user whom every passkey belongs to.
pub const USER_HANDLE: [u8; 64] = [0x5a; 64];

/// One response, and what it is to be verified against.
#[derive(Debug, Clone)]
pub struct Case {
    /// A name that stays.
    pub name: String,
    /// What the relying party accepts.
    pub profile: Profile,
    /// The kind of ceremony.
    pub ceremony: Ceremony,
    /// What the browser sent: JSON, or what should have been.
    pub response: String,
    /// What our verifier must say; `None` for mutants, where nobody knows.
    pub expected: Option<Verdict>,
}

/// The kind of ceremony, with what the relying party has stored for it.
#[derive(Debug, Clone)]
pub enum Ceremony {
    /// A passkey is created.
    Registration,
    /// A passkey is used.
    Assertion {
        /// The stored credential.
        stored: Box<Credential>,
    },
}

/// What a relying party accepts: the policy for production, or that with one difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// The policy for production.
    Production,
    /// User verification is preferred.
    UvPreferred,
    /// Pages of [`TOP_ORIGIN`] may show ours in a frame.
    Framed,
    /// A counter that did not grow is a warning.
    CounterWarns,
}

impl Profile {
    /// The profile as our verifier wants it.
    #[must_use]
    pub fn policy(self) -> Policy {
        let mut policy = Policy::new(RP_ID, [ORIGIN]);
        match self {
            Self::Production => {}
            Self::UvPreferred => policy.user_verification = UserVerification::Preferred,
            Self::Framed => {
                let top_origins = vec![TOP_ORIGIN.to_owned()];
                policy.cross_origin = CrossOrigin::Allow { top_origins };
            }
            Self::CounterWarns => policy.counter = CounterPolicy::Warn,
        }
        policy
    }
}

/// What a verifier says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The response was verified.
    Accepted,
    /// The response is not the JSON that it should be.
    Unreadable,
    /// The response was read and refused.
    Refused(Refusal),
}

impl From<Refusal> for Verdict {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Case {
    /// What our verifier says.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let policy = self.profile.policy();
        let verified = match &self.ceremony {
            Ceremony::Registration => {
                let Ok(response) = serde_json::from_str::<RegistrationResponse>(&self.response)
                else {
                    return Verdict::Unreadable;
                };
                response.verify(&policy, &CHALLENGE).map(drop)
            }
            Ceremony::Assertion { stored } => {
                let Ok(response) = serde_json::from_str::<AssertionResponse>(&self.response) else {
                    return Verdict::Unreadable;
                };
                response
                    .verify(&policy, &CHALLENGE, stored, &USER_HANDLE)
                    .map(drop)
            }
        };
        verified.map_or_else(Verdict::Refused, |()| Verdict::Accepted)
    }
}

/// Every case that was thought of, with its verdict.
#[must_use]
pub fn catalogue() -> Vec<Case> {
    let mut catalogue = Catalogue::default();
    authenticator_data::add(&mut catalogue);
    client_data::add(&mut catalogue);
    cose::add(&mut catalogue);
    envelope::add(&mut catalogue);
    extensions::add(&mut catalogue);
    frame::add(&mut catalogue);
    signature::add(&mut catalogue);
    spelling::add(&mut catalogue);
    statement::add(&mut catalogue);
    catalogue.into_cases()
}
