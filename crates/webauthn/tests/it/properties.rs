//! What holds for all inputs: any other bytes in the place of a part are refused, and none cause a panic.

use doorward_webauthn::Policy;
use doorward_webauthn::testing::{Hook, Overrides};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::ceremony::{CHALLENGE, Ceremony, ORIGIN, USER_HANDLE, assertion, registration};

fn base64url(bytes: &[u8]) -> Value {
    use base64::Engine as _;
    json!(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

proptest! {
    /// Item 31.
    #[test]
    fn any_bytes_for_an_attestation_object_are_refused_without_a_panic(bytes: Vec<u8>) {
        let mut ceremony = Ceremony::new();
        let attestation_object = Hook::new(move |object: &mut Vec<u8>| object.clone_from(&bytes));

        let overrides = Overrides { attestation_object, ..Overrides::default() };

        prop_assert!(ceremony.register_with(&overrides).is_err());
    }

    /// Item 31.
    #[test]
    fn an_attestation_object_with_spliced_bytes_never_panics(at: Index, cut in 0..9_usize, bytes: Vec<u8>) {
        let mut ceremony = Ceremony::new();
        let attestation_object = Hook::new(move |object: &mut Vec<u8>| {
            let start = at.index(object.len());
            let end = object.len().min(start + cut);
            object.splice(start..end, bytes.iter().copied());
        });

        let overrides = Overrides { attestation_object, ..Overrides::default() };

        // Some splices only change the id or the counter, which `none` does not sign.
        let _ = ceremony.register_with(&overrides);
    }

    /// Items 31, 46.
    #[test]
    fn any_bytes_for_authenticator_data_are_refused_without_a_panic(bytes: Vec<u8>) {
        let mut ceremony = Ceremony::new();
        let stored = ceremony.register();
        let authenticator_data = Hook::new(move |data: &mut Vec<u8>| data.clone_from(&bytes));
        let overrides = Overrides { authenticator_data, ..Overrides::default() };

        prop_assert!(ceremony.assert_with(&stored, &overrides).is_err());
        prop_assert!(ceremony.register_with(&overrides).is_err());
    }

    /// Items 30, 31.
    #[test]
    fn any_bytes_for_a_public_key_are_refused_without_a_panic(bytes: Vec<u8>) {
        let public_key = Hook::new(move |key: &mut Vec<u8>| key.clone_from(&bytes));
        let overrides = Overrides { public_key, ..Overrides::default() };

        prop_assert!(Ceremony::new().register_with(&overrides).is_err());
    }

    /// Item 45.
    #[test]
    fn any_bytes_for_a_stored_key_are_refused_without_a_panic(bytes: Vec<u8>) {
        let mut ceremony = Ceremony::new();
        let mut stored = ceremony.register();
        stored.public_key = bytes;

        prop_assert!(ceremony.assert_with(&stored, &Overrides::default()).is_err());
    }

    /// Item 23.
    #[test]
    fn any_bytes_for_client_data_are_refused_without_a_panic(bytes: Vec<u8>, text: String) {
        let mut ceremony = Ceremony::new();
        let stored = ceremony.register();
        for bytes in [bytes, text.into_bytes()] {
            let client_data_json = Hook::new(move |json: &mut Vec<u8>| json.clone_from(&bytes));
            let overrides = Overrides { client_data_json, ..Overrides::default() };

            prop_assert!(ceremony.assert_with(&stored, &overrides).is_err());
        }
    }

    /// Items 31, 46.
    #[test]
    fn any_parts_in_a_well_formed_envelope_never_panic(parts: [Vec<u8>; 5]) {
        let stored = Ceremony::new().register();
        let policy = Policy::new("example.org", [ORIGIN]);
        let [id, client_data, data, signature, user_handle] = parts.map(|part| base64url(&part));
        let envelope = |response: Value| json!({ "id": id, "rawId": id, "type": "public-key", "response": response });

        let asserted = assertion(envelope(json!({
            "clientDataJSON": client_data, "authenticatorData": data, "signature": signature, "userHandle": user_handle,
        })));
        let registered = registration(envelope(json!({ "clientDataJSON": client_data, "attestationObject": data })));

        prop_assert!(asserted.verify(&policy, &CHALLENGE, &stored, &USER_HANDLE).is_err());
        prop_assert!(registered.verify(&policy, &CHALLENGE).is_err());
    }
}
