//! `webauthn-rs-core`: the part of `webauthn-rs` that lets its caller say what is accepted.

use doorward_webauthn::Credential as Record;
use doorward_webauthn::testing::generator::{
    CHALLENGE, Case, Ceremony, ORIGIN, Profile, RP_ID, USER_HANDLE,
};
use serde_json::{Value, json};
use url::Url;
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::proto::{
    AttestationFormat, AttestationMetadata, AuthenticationState, COSEAlgorithm, COSEKey,
    Credential, ParsedAttestation, ParsedAttestationData, PublicKeyCredential,
    RegisterPublicKeyCredential, RegisteredExtensions, RegistrationState, UserVerificationPolicy,
};

use super::{LIFETIME, Opinion, opinion};

/// A relying party as `webauthn-rs-core` has it, under one policy.
#[derive(Debug)]
pub struct WebauthnRs {
    core: WebauthnCore,
    policy: UserVerificationPolicy,
    registration: RegistrationState,
    assertion: AuthenticationState,
}

impl WebauthnRs {
    /// A relying party whose challenge is the one of all generated ceremonies.
    ///
    /// Frames of other origins cannot be allowed, nor can counters that do not grow.
    ///
    /// # Panics
    ///
    /// If the crate does not take its own state back.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let origin = Url::parse(ORIGIN).expect("an origin");
        let core = WebauthnCore::new_unsafe_experts_only(
            "Example",
            RP_ID,
            vec![origin],
            LIFETIME,
            None,
            None,
        );
        let policy = match profile {
            Profile::UvPreferred => UserVerificationPolicy::Preferred,
            _ => UserVerificationPolicy::Required,
        };
        let builder = core
            .new_challenge_register_builder(&USER_HANDLE, "ada", "Ada")
            .expect("a user")
            .user_verification_policy(policy)
            .credential_algorithms(vec![
                COSEAlgorithm::EDDSA,
                COSEAlgorithm::ES256,
                COSEAlgorithm::RS256,
            ])
            .require_resident_key(true);
        let (_, registration) = core
            .generate_challenge_register(builder)
            .expect("a challenge");
        let builder = core
            .new_challenge_authenticate_builder(Vec::new(), Some(policy))
            .expect("a request");
        let (_, assertion) = core
            .generate_challenge_authenticate(builder)
            .expect("a challenge");
        Self {
            core,
            policy,
            registration: with_our_challenge(&registration),
            assertion: with_our_challenge(&assertion),
        }
    }

    /// What it says of a case.
    pub fn opinion(&self, case: &Case) -> Opinion {
        opinion(|| match &case.ceremony {
            Ceremony::Registration => self.register(&case.response),
            Ceremony::Assertion { stored } => {
                let credential = self.credential(stored)?;
                self.authenticate(&case.response, &credential)
            }
        })
    }

    fn register(&self, response: &str) -> Opinion {
        let response: RegisterPublicKeyCredential =
            serde_json::from_str(response).map_err(|error| format!("JSON: {error}"))?;
        let registered = self
            .core
            .register_credential(&response, &self.registration, None);
        registered.map(drop).map_err(|error| format!("{error:?}"))
    }

    /// Verifies an assertion from its JSON on.
    ///
    /// # Errors
    ///
    /// The reason of the crate.
    pub fn authenticate(&self, response: &str, credential: &Credential) -> Opinion {
        let response: PublicKeyCredential =
            serde_json::from_str(response).map_err(|error| format!("JSON: {error}"))?;
        let verified =
            self.core
                .authenticate_single_credential(&response, &self.assertion, credential);
        verified.map(drop).map_err(|error| format!("{error:?}"))
    }

    /// What it would have stored of a credential.
    ///
    /// # Errors
    ///
    /// The reason why it cannot store the key.
    pub fn credential(&self, record: &Record) -> Result<Credential, String> {
        let key: serde_cbor_2::Value = serde_cbor_2::from_slice(&record.public_key)
            .map_err(|error| format!("stored: {error}"))?;
        Ok(Credential {
            cred_id: record.id.clone(),
            cred: COSEKey::try_from(&key).map_err(|error| format!("stored: {error:?}"))?,
            counter: record.sign_count,
            transports: None,
            user_verified: record.user_verified,
            backup_eligible: record.backup_eligible,
            backup_state: record.backed_up,
            registration_policy: self.policy,
            extensions: RegisteredExtensions::default(),
            attestation: ParsedAttestation {
                data: ParsedAttestationData::None,
                metadata: AttestationMetadata::None,
            },
            attestation_format: AttestationFormat::None,
        })
    }
}

/// The crate draws its challenges itself; its state is meant to be stored, and so can be written.
fn with_our_challenge<T: serde::Serialize + serde::de::DeserializeOwned>(state: &T) -> T {
    use base64::Engine as _;
    let mut state: Value = serde_json::to_value(state).expect("a state that can be stored");
    let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(CHALLENGE);
    state["challenge"] = json!(challenge);
    serde_json::from_value(state).expect("a state that was stored")
}
