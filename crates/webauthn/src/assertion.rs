//! Authentication: from the bytes of `navigator.credentials.get()` to proof of possession (§7.2).
//!
//! A [`VerifiedAssertion`] exists only if every step of §7.2 that a server can take was taken.
//! The caller's part: that the challenge was issued, for signing in, and never presented before
//! (step 11); that `stored` is the record with the response's credential id, and `user_handle` its
//! owner's (step 6); and that the new counter and backup state are stored (step 24).

use serde::Deserialize;

use crate::authenticator_data::AuthenticatorData;
use crate::base64url::Base64Url;
use crate::client_data::{Ceremony, ClientData};
use crate::cose::PublicKey;
use crate::json::{Attachment, Object, PublicKeyType, same_id};
use crate::{CounterPolicy, Credential, Policy, Refusal};

/// What a browser sends after using a credential: `AuthenticationResponseJSON`, as `toJSON()` and
/// `@simplewebauthn/browser` write it.
///
/// Members that providers leave out may be absent or null; outputs of extensions are skipped unread.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Object<Json>")]
pub struct AssertionResponse {
    credential_id: Vec<u8>,
    client_data_json: Vec<u8>,
    client_data: Result<ClientData, Refusal>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Vec<u8>,
    attachment: Attachment,
}

impl AssertionResponse {
    /// The challenge that the response claims to answer, to find out whether it was ever issued.
    ///
    /// `None` if the client data cannot be read; verification will refuse it.
    #[must_use]
    pub fn unauthenticated_challenge(&self) -> Option<Vec<u8>> {
        let client_data = self.client_data.as_ref().ok()?;
        Some(client_data.challenge.clone())
    }

    /// The credential that the response claims to come from, to look up its record.
    #[must_use]
    pub fn unauthenticated_credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    /// The user that the response claims to come from. An empty handle is as good as none.
    #[must_use]
    pub fn unauthenticated_user_handle(&self) -> Option<&[u8]> {
        (!self.user_handle.is_empty()).then_some(&self.user_handle)
    }

    /// Whether the client says that the authenticator is part of the device: `platform` or `cross-platform`.
    #[must_use]
    pub fn authenticator_attachment(&self) -> Option<&str> {
        self.attachment.name()
    }

    /// Checks what needs no stored credential: type, challenge, origin, frame and RP ID.
    ///
    /// For callers that tell an unknown credential apart: they may do so only after this holds, or
    /// anyone could ask them which credentials exist. [`Self::verify`] repeats it.
    ///
    /// # Errors
    ///
    /// The [`Refusal`] names the first check that failed.
    pub fn check_context(&self, policy: &Policy, challenge: &[u8]) -> Result<(), Refusal> {
        self.check_client_data(policy, challenge)?;
        // §7.2 step 15.
        AuthenticatorData::parse(&self.authenticator_data)?.check_rp_id(policy)
    }

    /// Verifies the response to a challenge that the caller issued for signing in.
    ///
    /// # Errors
    ///
    /// The [`Refusal`] names the first check that failed. Under [`CounterPolicy::Warn`] a counter that
    /// did not grow is no error: see [`VerifiedAssertion::counter_regressed`].
    pub fn verify(
        &self,
        policy: &Policy,
        challenge: &[u8],
        stored: &Credential,
        user_handle: &[u8],
    ) -> Result<VerifiedAssertion, Refusal> {
        self.check_owner(stored, user_handle)?;
        self.check_proof(policy, challenge, stored)
    }

    /// The same for a user who was identified before the ceremony, by a session say: `stored` is a credential of theirs.
    ///
    /// The user handle may be missing then (§7.2 step 6): where `allowCredentials` names credentials, some phones leave it
    /// out. One that is there must be the user's.
    ///
    /// # Errors
    ///
    /// As [`Self::verify`].
    pub fn verify_identified(
        &self,
        policy: &Policy,
        challenge: &[u8],
        stored: &Credential,
        user_handle: &[u8],
    ) -> Result<VerifiedAssertion, Refusal> {
        match self.check_owner(stored, user_handle) {
            Ok(()) | Err(Refusal::UserHandleMissing) => self.check_proof(policy, challenge, stored),
            Err(refusal) => Err(refusal),
        }
    }

    /// Everything but whose credential it is. §7.2 step 5 needs no check: options name no credentials but those of one user.
    fn check_proof(
        &self,
        policy: &Policy,
        challenge: &[u8],
        stored: &Credential,
    ) -> Result<VerifiedAssertion, Refusal> {
        // §7.2 steps 7 to 14.
        self.check_client_data(policy, challenge)?;
        let data = AuthenticatorData::parse(&self.authenticator_data)?;
        // §6.3.3: only registrations carry a credential.
        if data.attested.is_some() {
            return Err(Refusal::AttestedDataUnexpected);
        }
        // §7.2 steps 15 to 18.
        data.check(policy)?;
        // §7.2 step 19.
        if data.backup_eligible() != stored.backup_eligible {
            return Err(Refusal::BackupEligibilityChanged);
        }
        // §7.2 steps 20 and 21.
        self.check_signature(stored)?;
        // §7.2 step 22.
        let grew = counter_grew(stored.sign_count, data.sign_count);
        if !grew && policy.counter == CounterPolicy::Refuse {
            return Err(Refusal::CounterRegression);
        }
        // §7.2 step 23: no extensions were asked for. Step 24 is the caller's.
        Ok(VerifiedAssertion {
            credential_id: self.credential_id.clone(),
            sign_count: stored.sign_count.max(data.sign_count),
            counter_regressed: !grew,
            user_verified: data.user_verified(),
            backup_eligible: data.backup_eligible(),
            backed_up: data.backed_up(),
        })
    }

    /// §7.2 step 6: the record is the response's, and the response says the same owner as the record.
    ///
    /// Where nobody was identified before the ceremony, the user handle must be there. Without this check
    /// one person's credential would open whatever account its handle names.
    fn check_owner(&self, stored: &Credential, user_handle: &[u8]) -> Result<(), Refusal> {
        if self.credential_id != stored.id {
            return Err(Refusal::CredentialId);
        }
        let claimed = self
            .unauthenticated_user_handle()
            .ok_or(Refusal::UserHandleMissing)?;
        if claimed == user_handle {
            Ok(())
        } else {
            Err(Refusal::UserHandle)
        }
    }

    fn check_client_data(&self, policy: &Policy, challenge: &[u8]) -> Result<(), Refusal> {
        // §7.2 steps 8 and 9.
        let client_data = self.client_data.as_ref().map_err(|&refusal| refusal)?;
        // §7.2 steps 10 to 14.
        client_data.check(Ceremony::Get, policy, challenge)
    }

    /// §7.2 steps 20 and 21: the stored key, by the stored algorithm, signed exactly these bytes.
    fn check_signature(&self, stored: &Credential) -> Result<(), Refusal> {
        let key = PublicKey::parse(&stored.public_key).map_err(|_| Refusal::StoredKey)?;
        if key.algorithm() != stored.algorithm {
            return Err(Refusal::StoredKey);
        }
        let client_data_hash = crate::sha256(&self.client_data_json);
        let message = [&self.authenticator_data, client_data_hash.as_ref()].concat();
        if key.accepts(&message, &self.signature) {
            Ok(())
        } else {
            Err(Refusal::Signature)
        }
    }
}

/// Whether a counter says that the authenticator was not cloned (§6.1.1).
///
/// Two zeros are an authenticator that does not count. One that began to count never stops.
fn counter_grew(stored: u32, received: u32) -> bool {
    received > stored || (received, stored) == (0, 0)
}

// Item 48: what nothing else can make cannot be forgotten either; opening a session asks for it.
/// Proof that someone possesses a credential. Only [`AssertionResponse::verify`] and
/// [`verify_identified`](AssertionResponse::verify_identified) make one.
///
/// ```compile_fail
/// fn forge(mut verified: doorward_webauthn::VerifiedAssertion) {
///     verified.user_verified = true;
/// }
/// ```
#[must_use = "what a verified assertion proves is lost unless someone acts on it"]
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the standard, reported as it was"
)]
pub struct VerifiedAssertion {
    credential_id: Vec<u8>,
    sign_count: u32,
    counter_regressed: bool,
    user_verified: bool,
    backup_eligible: bool,
    backed_up: bool,
}

impl VerifiedAssertion {
    /// The credential that was used.
    #[must_use]
    pub fn credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    /// The signature counter to store: the highest seen, so that a regression stays one.
    #[must_use]
    pub fn sign_count(&self) -> u32 {
        self.sign_count
    }

    /// Whether the counter did not grow, which only [`CounterPolicy::Warn`] lets pass: the
    /// authenticator may have been cloned, and its owner should hear of it.
    #[must_use]
    pub fn counter_regressed(&self) -> bool {
        self.counter_regressed
    }

    /// Whether the authenticator verified the person, by PIN or biometry.
    #[must_use]
    pub fn user_verified(&self) -> bool {
        self.user_verified
    }

    /// Whether the credential may be copied to other devices. It equals the stored value.
    #[must_use]
    pub fn backup_eligible(&self) -> bool {
        self.backup_eligible
    }

    /// Whether the credential is backed up now. Store it.
    #[must_use]
    pub fn backed_up(&self) -> bool {
        self.backed_up
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
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonResponse {
    #[serde(rename = "clientDataJSON")]
    client_data_json: Base64Url,
    authenticator_data: Base64Url,
    signature: Base64Url,
    #[serde(default)]
    user_handle: Option<Base64Url>,
}

impl TryFrom<Object<Json>> for AssertionResponse {
    type Error = &'static str;

    fn try_from(Object(json): Object<Json>) -> Result<Self, &'static str> {
        let Object(response) = json.response;
        Ok(Self {
            credential_id: same_id(json.id, &json.raw_id)?,
            client_data: ClientData::parse(&response.client_data_json.0),
            client_data_json: response.client_data_json.0,
            authenticator_data: response.authenticator_data.0,
            signature: response.signature.0,
            user_handle: response
                .user_handle
                .map_or_else(Vec::new, |handle| handle.0),
            attachment: json.authenticator_attachment,
        })
    }
}
