use doorward_webauthn::testing::flag;
use doorward_webauthn::{AssertionResponse, VerifiedAssertion};
use serde_json::{Value, json};

use super::authenticator_data;
use super::ceremony::{
    CHALLENGE, Original, USER_HANDLE, envelope, is_right_authenticator_data, is_right_client_data,
    message, policy,
};
use super::edit::{Edit, edit};
use super::members::base64url;

/// The bit of the first byte that asks for a new signature over what was changed.
const SIGN: u8 = 0x80;

/// Changes to a valid assertion: it is accepted exactly if the second reading finds all of §7.2 in it,
/// and what is signed is what the key signed, byte for byte.
///
/// The first byte chooses the key, and whether the changes are signed anew; the others are the changes.
pub fn assertion(data: &[u8]) {
    let Some((&choice, edits)) = data.split_first() else {
        return;
    };
    let original = Original::choose(choice);
    // What is not UTF-8 could only be accepted in members that are skipped unread: it is no change.
    let Ok(json) = String::from_utf8(changed(
        original,
        choice & SIGN != 0,
        &Edit::read_all(edits),
    )) else {
        return;
    };

    let response = serde_json::from_str::<AssertionResponse>(&json);
    let verify = |response: &AssertionResponse| {
        response.verify(&policy(), &CHALLENGE, &original.stored, &USER_HANDLE)
    };
    let verdict = response.as_ref().ok().and_then(|it| verify(it).ok());

    let sent = Assertion::read(json.as_bytes());
    let is_right = sent.as_ref().is_some_and(|sent| sent.is_right(original));
    assert_eq!(verdict.is_some(), is_right);
    if let (Ok(response), Some(sent), Some(verdict)) = (&response, sent, &verdict) {
        assert_eq!(verify(response).as_ref(), Ok(verdict));
        assert_eq!(response.check_context(&policy(), &CHALLENGE), Ok(()));
        sent.check_verdict(verdict);
    }
    let untouched = original.assertion.to_string();
    if json == untouched {
        assert!(verdict.is_some());
    }
}

/// The response as it is sent.
fn changed(original: &Original, sign: bool, edits: &[Edit<'_>]) -> Vec<u8> {
    let text = original.assertion.to_string();
    let mut sent = Assertion::read(text.as_bytes()).unwrap();
    edit::<6>(edits, 0, &mut sent.client_data);
    edit::<6>(edits, 1, &mut sent.authenticator_data);
    if let (true, Some(passkey)) = (sign, &original.passkey) {
        sent.signature = passkey.sign(&message(&sent.authenticator_data, &sent.client_data));
    }
    edit::<6>(edits, 2, &mut sent.signature);
    edit::<6>(edits, 3, &mut sent.user_handle);
    edit::<6>(edits, 4, &mut sent.id);
    let mut json = sent.write(&original.assertion).to_string().into_bytes();
    edit::<6>(edits, 5, &mut json);
    json
}

/// An assertion by the second reading.
struct Assertion {
    id: Vec<u8>,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Vec<u8>,
}

impl Assertion {
    fn read(json: &[u8]) -> Option<Self> {
        let (id, _, response) = envelope(json)?;
        Some(Self {
            id,
            client_data: response.bytes("clientDataJSON")?,
            authenticator_data: response.bytes("authenticatorData")?,
            signature: response.bytes("signature")?,
            user_handle: response.optional_bytes("userHandle")?,
        })
    }

    fn write(&self, original: &Value) -> Value {
        let mut json = original.clone();
        json["id"] = base64url(&self.id);
        json["rawId"] = base64url(&self.id);
        json["response"] = json!({
            "clientDataJSON": base64url(&self.client_data),
            "authenticatorData": base64url(&self.authenticator_data),
            "signature": base64url(&self.signature),
            "userHandle": base64url(&self.user_handle),
        });
        json
    }

    /// §7.2.
    fn is_right(&self, original: &Original) -> bool {
        let Some(data) = authenticator_data::read(&self.authenticator_data) else {
            return false;
        };
        let stored = &original.stored;
        self.id == stored.id
            && self.user_handle == USER_HANDLE
            && is_right_client_data(&self.client_data, "webauthn.get")
            && data.attested.is_none()
            && is_right_authenticator_data(&data)
            && (data.flags & flag::BE != 0) == stored.backup_eligible
            && data.sign_count > stored.sign_count
            && self.is_signed(original)
    }

    /// A key that is at hand says what its one signature is. Of the others, one signature is known.
    ///
    /// ECDSA would accept (r, n − s) for (r, s), over the same bytes: no change of a few bytes leads there.
    fn is_signed(&self, original: &Original) -> bool {
        if let Some(passkey) = &original.passkey {
            let message = message(&self.authenticator_data, &self.client_data);
            return self.signature == passkey.sign(&message);
        }
        let text = original.assertion.to_string();
        let known = Self::read(text.as_bytes()).unwrap();
        self.client_data == known.client_data
            && self.authenticator_data == known.authenticator_data
            && self.signature == known.signature
    }

    fn check_verdict(&self, verdict: &VerifiedAssertion) {
        let data = authenticator_data::read(&self.authenticator_data).unwrap();
        assert_eq!(verdict.credential_id(), self.id);
        assert_eq!(verdict.sign_count(), data.sign_count);
        assert_eq!(verdict.backed_up(), data.flags & flag::BS != 0);
        assert_eq!(verdict.backup_eligible(), data.flags & flag::BE != 0);
        assert!(verdict.user_verified() && !verdict.counter_regressed());
    }
}
