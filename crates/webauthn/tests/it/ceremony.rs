//! A relying party and an authenticator that have met: what every test starts from.

use doorward_webauthn::options::{CreationOptions, RequestOptions, User};
use doorward_webauthn::testing::{Authenticator, Overrides};
use doorward_webauthn::{
    Algorithm, AssertionResponse, Credential, Policy, Refusal, RegistrationResponse,
    VerifiedAssertion, VerifiedRegistration,
};
use serde_json::Value;

pub const RP_ID: &str = "example.org";
pub const ORIGIN: &str = "https://example.org";
pub const CHALLENGE: [u8; 32] = *b"thirty-two bytes for a challenge";
pub const USER_HANDLE: [u8; 64] = [0x5a; 64];

pub type Registered = Result<VerifiedRegistration, Refusal>;
pub type Asserted = Result<VerifiedAssertion, Refusal>;

/// One relying party, one authenticator, and the page between them.
pub struct Ceremony {
    pub policy: Policy,
    pub authenticator: Authenticator,
    /// The origin of the page.
    pub origin: String,
}

impl Ceremony {
    pub fn new() -> Self {
        Self::with(Algorithm::Es256)
    }

    pub fn with(algorithm: Algorithm) -> Self {
        Self {
            policy: Policy::new(RP_ID, [ORIGIN]),
            authenticator: Authenticator::with_algorithm(1, algorithm),
            origin: ORIGIN.to_owned(),
        }
    }

    pub fn creation_options(&self) -> Value {
        let user = User {
            id: USER_HANDLE.to_vec(),
            name: "ada@example.org".to_owned(),
            display_name: "Ada".to_owned(),
        };
        let options = CreationOptions::new(&self.policy, "Example", user, CHALLENGE.to_vec());
        serde_json::to_value(options).unwrap()
    }

    pub fn request_options(&self) -> Value {
        serde_json::to_value(RequestOptions::new(&self.policy, CHALLENGE.to_vec())).unwrap()
    }

    /// The JSON of a registration.
    pub fn create(&mut self, overrides: &Overrides) -> Value {
        let options = self.creation_options();
        self.authenticator
            .create_with(&options, &self.origin, overrides)
    }

    /// Creates a passkey and verifies the registration.
    pub fn register_with(&mut self, overrides: &Overrides) -> Registered {
        let json = self.create(overrides);
        registration(json).verify(&self.policy, &CHALLENGE)
    }

    pub fn register(&mut self) -> Credential {
        self.register_with(&Overrides::default())
            .unwrap()
            .into_credential()
    }

    /// The JSON of an assertion.
    pub fn get(&mut self, overrides: &Overrides) -> Value {
        let options = self.request_options();
        self.authenticator
            .get_with(&options, &self.origin, overrides)
    }

    /// Uses a passkey and verifies the assertion against what is stored.
    pub fn assert_with(&mut self, stored: &Credential, overrides: &Overrides) -> Asserted {
        let json = self.get(overrides);
        assertion(json).verify(&self.policy, &CHALLENGE, stored, &USER_HANDLE)
    }
}

pub fn registration(json: Value) -> RegistrationResponse {
    serde_json::from_value(json).unwrap()
}

pub fn assertion(json: Value) -> AssertionResponse {
    serde_json::from_value(json).unwrap()
}

/// Registers with deviations, under the policy for production, and expects a refusal.
pub fn refused_registration(overrides: &Overrides) -> Refusal {
    Ceremony::new().register_with(overrides).unwrap_err()
}

/// Registers without deviations, signs in with them, and expects a refusal.
pub fn refused_assertion(overrides: &Overrides) -> Refusal {
    let mut ceremony = Ceremony::new();
    let stored = ceremony.register();
    ceremony.assert_with(&stored, overrides).unwrap_err()
}
