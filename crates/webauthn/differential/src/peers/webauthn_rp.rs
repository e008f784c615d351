//! `webauthn_rp`, with its reader of the JSON that browsers write (`serde_relaxed`).

use std::collections::BTreeMap;

use doorward_webauthn::testing::generator::{
    CHALLENGE, Case, Ceremony, ORIGIN, Profile, RP_ID, TOP_ORIGIN, USER_HANDLE,
};
use doorward_webauthn::{Algorithm, Credential as Record};
use serde_cbor_2::Value;
use webauthn_rp::bin::{Decode as _, Encode as _};
use webauthn_rp::request::auth::{AuthenticationVerificationOptions, SignatureCounterEnforcement};
use webauthn_rp::request::register::{
    CoseAlgorithmIdentifier, RegistrationVerificationOptions, UserHandle, UserHandle64,
};
use webauthn_rp::request::{AsciiDomain, RpId, UserVerificationRequirement};
use webauthn_rp::response::register::{
    AuthenticatorExtensionOutputStaticState, CompressedP256PubKey, CompressedPubKey,
    CredentialProtectionPolicy, DynamicState, Ed25519PubKey, RsaPubKey, StaticState,
};
use webauthn_rp::response::{AuthenticatorAttachment, Backup, CredentialId};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication64, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, PublicKeyCredentialCreationOptions, Registration,
    RegistrationServerState,
};

use super::{Opinion, opinion};

/// A stored public key.
pub type PublicKey = CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>;

/// A relying party as `webauthn_rp` has it, under one policy.
#[derive(Debug)]
pub struct WebauthnRp {
    profile: Profile,
    rp_id: RpId,
    user: UserHandle64,
    registration: Vec<u8>,
    assertion: Vec<u8>,
}

impl WebauthnRp {
    /// A relying party whose challenge is the one of all generated ceremonies.
    ///
    /// # Panics
    ///
    /// If the crate does not encode its own state.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let rp_id = RpId::Domain(AsciiDomain::try_from(RP_ID.to_owned()).expect("a domain"));
        let user = UserHandle::decode(USER_HANDLE).expect("a user handle");
        let verification = match profile {
            Profile::UvPreferred => UserVerificationRequirement::Preferred,
            _ => UserVerificationRequirement::Required,
        };
        let mut options =
            PublicKeyCredentialCreationOptions::first_passkey_with_blank_user_info(&rp_id, &user);
        options.pub_key_cred_params = options
            .pub_key_cred_params
            .remove(CoseAlgorithmIdentifier::Es384);
        options.authenticator_selection.user_verification = verification;
        options.extensions.cred_protect = webauthn_rp::request::register::CredProtect::None;
        let (state, _) = options.start_ceremony().expect("options that agree");
        let mut registration = state.encode().expect("a time after 1970");
        // After one byte for the mediation. The crate draws its challenges itself.
        registration[1..17].copy_from_slice(&CHALLENGE);
        let mut options = DiscoverableCredentialRequestOptions::passkey(&rp_id);
        options.0.user_verification = verification;
        let (state, _) = options.start_ceremony().expect("options that agree");
        let mut assertion = state.encode().expect("a time after 1970");
        assertion[..16].copy_from_slice(&CHALLENGE);
        Self {
            profile,
            rp_id,
            user,
            registration,
            assertion,
        }
    }

    /// What it says of a case.
    pub fn opinion(&self, case: &Case) -> Opinion {
        opinion(|| match &case.ceremony {
            Ceremony::Registration => self.register(&case.response),
            Ceremony::Assertion { stored } => self.authenticate(
                &case.response,
                &stored.id,
                &public_key(stored)?,
                dynamic_state(stored),
            ),
        })
    }

    fn register(&self, response: &str) -> Opinion {
        let response = Registration::from_json_relaxed(response.as_bytes())
            .map_err(|error| format!("JSON: {error}"))?;
        let state =
            RegistrationServerState::<64>::decode(&self.registration).expect("its own state");
        let options = RegistrationVerificationOptions::<&str, &str> {
            allowed_origins: &[ORIGIN],
            allowed_top_origins: self.top_origins(),
            error_on_unsolicited_extensions: false,
            ..RegistrationVerificationOptions::default()
        };
        let verified = state.verify(&self.rp_id, &response, &options);
        verified.map(drop).map_err(|error| error.to_string())
    }

    /// Verifies an assertion from its JSON on.
    ///
    /// # Errors
    ///
    /// The reason of the crate.
    ///
    /// # Panics
    ///
    /// If the crate does not take its own state back, or where it panics itself: for an assertion without
    /// a user handle, version 0.3.0 does.
    pub fn authenticate(
        &self,
        response: &str,
        id: &[u8],
        key: &PublicKey,
        state: DynamicState,
    ) -> Opinion {
        let response = DiscoverableAuthentication64::from_json_relaxed(response.as_bytes())
            .map_err(|error| format!("JSON: {error}"))?;
        let id = CredentialId::<&[u8]>::decode(id).map_err(|error| format!("stored: {error}"))?;
        let extensions = AuthenticatorExtensionOutputStaticState {
            cred_protect: CredentialProtectionPolicy::None,
            hmac_secret: None,
        };
        let key = StaticState {
            credential_public_key: CompressedPubKey::from(key),
            extensions,
        };
        let mut credential = AuthenticatedCredential::new(id, &self.user, key, state)
            .map_err(|error| format!("stored: {error}"))?;
        let counter = match self.profile {
            Profile::CounterWarns => SignatureCounterEnforcement::Ignore,
            _ => SignatureCounterEnforcement::Fail,
        };
        let options = AuthenticationVerificationOptions::<&str, &str> {
            allowed_origins: &[ORIGIN],
            allowed_top_origins: self.top_origins(),
            error_on_unsolicited_extensions: false,
            sig_counter_enforcement: counter,
            ..AuthenticationVerificationOptions::default()
        };
        let state =
            DiscoverableAuthenticationServerState::decode(&self.assertion).expect("its own state");
        let verified = state.verify(&self.rp_id, &response, &mut credential, &options);
        verified.map(drop).map_err(|error| error.to_string())
    }

    fn top_origins(&self) -> Option<&'static [&'static str]> {
        (self.profile == Profile::Framed).then_some(&[TOP_ORIGIN])
    }
}

/// What the crate would have stored of what may change.
#[must_use]
pub fn dynamic_state(record: &Record) -> DynamicState {
    let backup = match (record.backup_eligible, record.backed_up) {
        (false, _) => Backup::NotEligible,
        (true, false) => Backup::Eligible,
        (true, true) => Backup::Exists,
    };
    DynamicState {
        user_verified: record.user_verified,
        backup,
        sign_count: record.sign_count,
        authenticator_attachment: AuthenticatorAttachment::None,
    }
}

/// What the crate would have stored of the key.
///
/// # Errors
///
/// The reason why it cannot.
pub fn public_key(record: &Record) -> Result<PublicKey, String> {
    let parameters: BTreeMap<i64, Value> =
        serde_cbor_2::from_slice(&record.public_key).map_err(|error| format!("stored: {error}"))?;
    let bytes = |label| match parameters.get(&label) {
        Some(Value::Bytes(bytes)) => Ok(&bytes[..]),
        _ => Err("stored: a parameter is missing".to_owned()),
    };
    let array =
        |label| <[u8; 32]>::try_from(bytes(label)?).map_err(|_| "stored: a length".to_owned());
    Ok(match record.algorithm {
        Algorithm::EdDsa => CompressedPubKey::Ed25519(Ed25519PubKey::from(array(-2)?)),
        Algorithm::Es256 => {
            let y_is_odd = array(-3)?[31] & 1 == 1;
            CompressedPubKey::P256(CompressedP256PubKey::from((array(-2)?, y_is_odd)))
        }
        Algorithm::Rs256 => {
            let exponent = bytes(-2)?
                .iter()
                .fold(0, |e, &byte| e << 8 | u32::from(byte));
            let key = RsaPubKey::try_from((bytes(-1)?.to_vec(), exponent));
            CompressedPubKey::Rsa(key.map_err(|error| format!("stored: {error}"))?)
        }
    })
}
