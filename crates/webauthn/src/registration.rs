//! Registration: from the bytes of `navigator.credentials.create()` to a credential worth storing (§7.1).
//!
//! A [`VerifiedRegistration`] exists only if every step of §7.1 that a server can take was taken.
//! Two are the caller's: that the challenge was issued, to this session, and never presented before
//! (step 8); and that no user has the credential id already (step 26).

use serde::Deserialize;

use crate::attestation::AttestationObject;
#[cfg(feature = "attestation")]
use crate::attestation::{Made, TrustAnchors};
use crate::authenticator_data::{AttestedCredential, AuthenticatorData};
use crate::base64url::Base64Url;
use crate::client_data::{Ceremony, ClientData};
use crate::cose::PublicKey;
use crate::json::{Attachment, Object, PublicKeyType, Transports, same_id};
use crate::{Credential, Format, Policy, Refusal, ResidentKey};

/// §7.1 step 25, and an empty id would name nothing.
const CREDENTIAL_ID_LENGTHS: std::ops::RangeInclusive<usize> = 1..=1023;

/// What a browser sends after creating a credential: `RegistrationResponseJSON`, as `toJSON()` and
/// `@simplewebauthn/browser` write it.
///
/// Members that providers leave out may be absent or null. `publicKey`, `publicKeyAlgorithm` and
/// `authenticatorData` are ignored: the attestation object says the same, and it is what gets verified.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Object<Json>")]
pub struct RegistrationResponse {
    credential_id: Vec<u8>,
    client_data_json: Vec<u8>,
    client_data: Result<ClientData, Refusal>,
    attestation_object: Vec<u8>,
    transports: Vec<String>,
    attachment: Attachment,
    /// What the client says of `credProps.rk`.
    discoverable: Option<bool>,
}

impl RegistrationResponse {
    /// The challenge that the response claims to answer, to find out whether it was ever issued.
    ///
    /// `None` if the client data cannot be read; verification will refuse it.
    #[must_use]
    pub fn unauthenticated_challenge(&self) -> Option<Vec<u8>> {
        let client_data = self.client_data.as_ref().ok()?;
        Some(client_data.challenge.clone())
    }

    /// The id that the response claims for its credential.
    #[must_use]
    pub fn unauthenticated_credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    /// How the client says the authenticator can be reached: at most 8 short ASCII names.
    #[must_use]
    pub fn transports(&self) -> &[String] {
        &self.transports
    }

    /// Whether the client says that the authenticator is part of the device: `platform` or `cross-platform`.
    #[must_use]
    pub fn authenticator_attachment(&self) -> Option<&str> {
        self.attachment.name()
    }

    /// Verifies the response to a challenge that the caller issued for a registration.
    ///
    /// # Errors
    ///
    /// The [`Refusal`] names the first check that failed. Formats that need trust anchors are refused,
    /// whether or not the policy lists them.
    pub fn verify(
        &self,
        policy: &Policy,
        challenge: &[u8],
    ) -> Result<VerifiedRegistration, Refusal> {
        self.verify_by(policy, challenge, |object, _, key, client_data_hash| {
            object.check(policy, key, client_data_hash)
        })
    }

    /// Verifies the response to a challenge, with trust anchors for what certificates claim.
    ///
    /// Whether a registration without a certificate will do is still the policy's: list
    /// [`Format::None`] and [`Format::PackedSelf`], or only the formats that a certificate vouches for.
    /// `now` is in seconds since 1970: certificates expire.
    ///
    /// ```
    /// use doorward_webauthn::{Format, Policy, Refusal, RegistrationResponse, TrustAnchors};
    ///
    /// /// Accepts nothing but security keys whose maker's root certificate is known.
    /// fn register(
    ///     response: &RegistrationResponse,
    ///     challenge: &[u8],
    ///     root: &[u8],
    ///     now: u64,
    /// ) -> Result<[u8; 16], Refusal> {
    ///     let mut policy = Policy::new("example.org", ["https://example.org"]);
    ///     policy.formats = vec![Format::Packed];
    ///     let anchors = TrustAnchors::new([(Format::Packed, root)]).expect("a root certificate");
    ///     Ok(response.verify_attested(&policy, challenge, &anchors, now)?.aaguid())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The [`Refusal`] names the first check that failed.
    #[cfg(feature = "attestation")]
    pub fn verify_attested(
        &self,
        policy: &Policy,
        challenge: &[u8],
        anchors: &TrustAnchors,
        now: u64,
    ) -> Result<VerifiedRegistration, Refusal> {
        self.verify_by(
            policy,
            challenge,
            |object, credential, key, client_data_hash| {
                let made = Made {
                    credential,
                    key,
                    client_data_hash,
                };
                object.check_attested(policy, &made, anchors, now)
            },
        )
    }

    /// Takes all steps; `check` those about the attestation.
    fn verify_by(
        &self,
        policy: &Policy,
        challenge: &[u8],
        check: impl FnOnce(
            &AttestationObject<'_>,
            &AttestedCredential<'_>,
            &PublicKey<'_>,
            &[u8],
        ) -> Result<Format, Refusal>,
    ) -> Result<VerifiedRegistration, Refusal> {
        // §7.1 steps 5 and 6.
        let client_data = self.client_data.as_ref().map_err(|&refusal| refusal)?;
        // §7.1 steps 7 to 11.
        client_data.check(Ceremony::Create, policy, challenge)?;
        // §7.1 step 12.
        let client_data_hash = crate::sha256(&self.client_data_json);
        // §7.1 step 13.
        let object = AttestationObject::parse(&self.attestation_object)?;
        let data = AuthenticatorData::parse(object.authenticator_data)?;
        let attested = data.attested.ok_or(Refusal::AttestedDataMissing)?;
        // The client repeats the id outside what is signed: callers may have looked it up by that one.
        if attested.id != self.credential_id {
            return Err(Refusal::CredentialId);
        }
        // §7.1 steps 14 to 17. Steps 18 and 19 are for relying parties with wishes about backup: ours has none.
        data.check(policy)?;
        // §7.1 step 20: what was offered is enforced here, whatever the browser did with the offer.
        let key = PublicKey::parse(attested.public_key)?;
        if !policy.algorithms.contains(&key.algorithm()) {
            return Err(Refusal::Algorithm);
        }
        key.validate()?;
        // §7.1 steps 21 to 24.
        let format = check(&object, &attested, &key, client_data_hash.as_ref())?;
        // §7.1 step 25.
        if !CREDENTIAL_ID_LENGTHS.contains(&attested.id.len()) {
            return Err(Refusal::CredentialIdLength);
        }
        // §7.1 step 26, that nobody has this id already, is the caller's to ask its storage.
        // §7.1 step 28. A client that says nothing may be an old one: only an explicit no is refused.
        if policy.resident_key == ResidentKey::Required && self.discoverable == Some(false) {
            return Err(Refusal::NotDiscoverable);
        }
        // §7.1 step 27: the record, for the caller to store.
        Ok(VerifiedRegistration {
            credential: self.credential(&data, &attested, &key),
            format,
            discoverable: self.discoverable,
        })
    }

    fn credential(
        &self,
        data: &AuthenticatorData<'_>,
        attested: &AttestedCredential<'_>,
        key: &PublicKey<'_>,
    ) -> Credential {
        Credential {
            id: attested.id.to_vec(),
            public_key: attested.public_key.to_vec(),
            algorithm: key.algorithm(),
            sign_count: data.sign_count,
            aaguid: *attested.aaguid,
            transports: self.transports.clone(),
            user_verified: data.user_verified(),
            backup_eligible: data.backup_eligible(),
            backed_up: data.backed_up(),
        }
    }
}

/// Proof that a registration was verified. Nothing but [`RegistrationResponse`] makes one.
#[must_use = "a registration that was verified and then forgotten registers nothing"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRegistration {
    credential: Credential,
    format: Format,
    discoverable: Option<bool>,
}

impl VerifiedRegistration {
    /// The credential to store.
    #[must_use]
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// The credential to store.
    #[must_use]
    pub fn into_credential(self) -> Credential {
        self.credential
    }

    /// The authenticator's make, self-reported unless the [`Format`] proves it; all zeros if it does not tell.
    #[must_use]
    pub fn aaguid(&self) -> [u8; 16] {
        self.credential.aaguid
    }

    /// The format of the attestation statement.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether the client says that the credential is discoverable, if it says anything.
    #[must_use]
    pub fn discoverable(&self) -> Option<bool> {
        self.discoverable
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    id: Base64Url,
    raw_id: Base64Url,
    #[serde(rename = "type")]
    _type: PublicKeyType,
    response: Object<JsonResponse>,
    #[serde(default)]
    authenticator_attachment: Attachment,
    #[serde(default)]
    client_extension_results: Option<Object<Extensions>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonResponse {
    #[serde(rename = "clientDataJSON")]
    client_data_json: Base64Url,
    attestation_object: Base64Url,
    #[serde(default)]
    transports: Transports,
}

/// The one extension that is asked for. The rest, secrets from `prf` among it, is skipped unread.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    #[serde(default)]
    cred_props: Option<Object<CredentialProperties>>,
}

#[derive(Deserialize)]
struct CredentialProperties {
    #[serde(default)]
    rk: Option<bool>,
}

impl TryFrom<Object<Json>> for RegistrationResponse {
    type Error = &'static str;

    fn try_from(Object(json): Object<Json>) -> Result<Self, &'static str> {
        let Object(response) = json.response;
        let extensions = json.client_extension_results;
        let cred_props = extensions.and_then(|Object(extensions)| extensions.cred_props);
        Ok(Self {
            credential_id: same_id(json.id, &json.raw_id)?,
            client_data: ClientData::parse(&response.client_data_json.0),
            client_data_json: response.client_data_json.0,
            attestation_object: response.attestation_object.0,
            transports: response.transports.0,
            attachment: json.authenticator_attachment,
            discoverable: cred_props.and_then(|Object(properties)| properties.rk),
        })
    }
}
