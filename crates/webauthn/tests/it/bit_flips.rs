//! One bit at a time, and every bit there is: nothing that is signed can change.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_webauthn::testing::{Attestation, Overrides};
use doorward_webauthn::{Algorithm, Credential};
use serde_json::{Value, json};

use crate::ceremony::{CHALLENGE, Ceremony, USER_HANDLE, assertion, registration};

const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256];

/// A passkey that is registered, and the ceremony that it is ready for.
fn registered(algorithm: Algorithm) -> (Ceremony, Credential) {
    let mut ceremony = Ceremony::with(algorithm);
    let stored = ceremony.register();
    (ceremony, stored)
}

/// Tells for each bit of some bytes whether they are refused with that bit flipped.
fn each_bit_matters(bytes: &[u8], is_refused: impl Fn(&[u8]) -> bool) {
    assert!(!bytes.is_empty());
    assert!(!is_refused(bytes));
    let mut flipped = bytes.to_vec();
    for bit in 0..bytes.len() * 8 {
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(is_refused(&flipped), "bit {bit}");
        flipped[bit / 8] ^= 1 << (bit % 8);
    }
}

/// The same for the bytes that a member of the response holds.
fn each_bit_of_the_member_matters(json: &Value, name: &str, is_refused: impl Fn(Value) -> bool) {
    let text = json["response"][name].as_str().unwrap();
    each_bit_matters(&URL_SAFE_NO_PAD.decode(text).unwrap(), |bytes| {
        let mut json = json.clone();
        json["response"][name] = json!(URL_SAFE_NO_PAD.encode(bytes));
        is_refused(json)
    });
}

/// Item 45.
#[test]
fn an_assertion_with_any_one_bit_flipped_is_refused() {
    for algorithm in ALGORITHMS {
        let (mut ceremony, stored) = registered(algorithm);
        let json = ceremony.get(&Overrides::default());

        for name in [
            "clientDataJSON",
            "authenticatorData",
            "signature",
            "userHandle",
        ] {
            each_bit_of_the_member_matters(&json, name, |json| {
                let response = assertion(json);
                let verdict = response.verify(&ceremony.policy, &CHALLENGE, &stored, &USER_HANDLE);
                verdict.is_err()
            });
        }
    }
}

/// Items 29, 45.
#[test]
fn a_self_attested_registration_with_any_one_bit_flipped_is_refused() {
    for algorithm in ALGORITHMS {
        let mut ceremony = Ceremony::with(algorithm);
        ceremony.authenticator.attestation = Attestation::PackedSelf;
        let json = ceremony.create(&Overrides::default());

        // The attestation object holds the authenticator data and the signature, and nothing is beside them
        // that could be another bit and mean the same.
        for name in ["clientDataJSON", "attestationObject"] {
            each_bit_of_the_member_matters(&json, name, |json| {
                let response = registration(json);
                response.verify(&ceremony.policy, &CHALLENGE).is_err()
            });
        }
    }
}

/// Item 45.
#[test]
fn an_assertion_against_a_stored_key_with_any_one_bit_flipped_is_refused() {
    for algorithm in ALGORITHMS {
        let (mut ceremony, stored) = registered(algorithm);
        let response = assertion(ceremony.get(&Overrides::default()));

        each_bit_matters(&stored.public_key, |public_key| {
            let public_key = public_key.to_vec();
            let stored = Credential {
                public_key,
                ..stored.clone()
            };
            let verdict = response.verify(&ceremony.policy, &CHALLENGE, &stored, &USER_HANDLE);
            verdict.is_err()
        });
    }
}
