//! What mutations of the source showed to be untested (`tests/mutants.md`).

use doorward_webauthn::testing::{Hook, Overrides, cbor};
use doorward_webauthn::{Algorithm, AssertionResponse, Credential, Refusal, RegistrationResponse};
use serde_json::{Value, json};

use crate::ceremony::{Ceremony, USER_HANDLE, assertion, refused_registration, registration};

/// The refusal of an assertion whose stored key was changed.
fn refused_with_key(change: impl Fn(&mut Vec<u8>)) -> Refusal {
    let mut ceremony = Ceremony::new();
    let mut stored: Credential = ceremony.register();
    change(&mut stored.public_key);
    ceremony
        .assert_with(&stored, &Overrides::default())
        .unwrap_err()
}

/// Item 20.
#[test]
fn a_challenge_of_16_bytes_is_long_enough() {
    let overrides = Overrides {
        challenge: Some("MTYgYnl0ZXMgYXJlIG9rLg".to_owned()),
        ..Overrides::default()
    };
    let mut ceremony = Ceremony::new();
    let challenge = b"16 bytes are ok.";

    let registered = registration(ceremony.create(&overrides)).verify(&ceremony.policy, challenge);
    let stored = registered.unwrap().into_credential();
    let asserted = assertion(ceremony.get(&overrides)).verify(
        &ceremony.policy,
        challenge,
        &stored,
        &USER_HANDLE,
    );

    assert!(asserted.is_ok());
}

/// Item 20.
#[test]
fn a_challenge_of_15_bytes_is_too_short() {
    let overrides = Overrides {
        challenge: Some("MTUgYnl0ZXMgYXJlbid0".to_owned()),
        ..Overrides::default()
    };
    let mut ceremony = Ceremony::new();

    let response = registration(ceremony.create(&overrides));

    assert_eq!(
        response.verify(&ceremony.policy, b"15 bytes aren't"),
        Err(Refusal::Challenge)
    );
}

/// Item 31.
#[test]
fn an_attestation_object_that_repeats_a_member_is_refused_though_it_says_the_same() {
    // a3 "fmt" "none" "attStmt" a0 "authData" …
    let members = [1..10, 10..19, 19..usize::MAX];
    for (name, member) in ["fmt", "attStmt", "authData"].into_iter().zip(members) {
        let attestation_object = Hook::new(move |object: &mut Vec<u8>| {
            let member = object[member.start..member.end.min(object.len())].to_vec();
            assert!(member.starts_with(&cbor::text(name)));
            object[0] += 1;
            object.extend(member);
        });
        let overrides = Overrides {
            attestation_object,
            ..Overrides::default()
        };

        assert_eq!(
            refused_registration(&overrides),
            Refusal::AttestationMalformed,
            "{name}"
        );
    }
}

/// Item 45.
#[test]
fn a_stored_key_with_bytes_after_it_is_refused() {
    assert_eq!(refused_with_key(|key| key.push(0)), Refusal::StoredKey);
}

/// Item 45.
#[test]
fn a_stored_key_that_repeats_a_parameter_is_refused() {
    let repeated = refused_with_key(|key| {
        key[0] += 1;
        // 3, the algorithm: −7.
        key.extend([0x03, 0x26]);
    });

    assert_eq!(repeated, Refusal::StoredKey);
}

/// Item 45.
#[test]
fn a_stored_rsa_key_with_a_zero_before_its_modulus_is_refused() {
    let mut ceremony = Ceremony::with(Algorithm::Rs256);
    let mut stored = ceremony.register();
    let key = &mut stored.public_key;
    // −1: a byte string of 256 bytes, and then of 257.
    let n = key
        .windows(4)
        .position(|head| head == [0x20, 0x59, 1, 0])
        .unwrap();
    key.splice(n + 3..n + 4, [1, 0]);

    let verdict = ceremony.assert_with(&stored, &Overrides::default());

    assert_eq!(verdict.unwrap_err(), Refusal::StoredKey);
}

/// Item 30.
#[test]
fn a_parameter_with_a_label_in_text_beside_the_required_ones_is_refused() {
    let overrides = Overrides {
        public_key: Hook::new(|key: &mut Vec<u8>| {
            key[0] += 1;
            key.extend([cbor::text("x"), cbor::integer(1)].concat());
        }),
        ..Overrides::default()
    };

    assert_eq!(refused_registration(&overrides), Refusal::PublicKey);
}

/// Item 31.
#[test]
fn a_tag_of_nothing_is_refused() {
    let overrides = Overrides {
        extensions: Some(cbor::map(&[(cbor::text("x"), vec![0xc0])])),
        ..Overrides::default()
    };

    assert_eq!(
        refused_registration(&overrides),
        Refusal::AuthenticatorDataMalformed
    );
}

#[test]
fn a_transport_has_at_most_32_bytes() {
    let (longest, too_long) = ("x".repeat(32), "y".repeat(33));
    let mut created = Ceremony::new().create(&Overrides::default());
    created["response"]["transports"] = json!([longest, too_long]);

    assert_eq!(registration(created).transports(), [longest]);
}

#[test]
fn a_roaming_authenticator_is_told_from_a_platforms() {
    let mut created = Ceremony::new().create(&Overrides::default());
    created["authenticatorAttachment"] = json!("cross-platform");

    assert_eq!(
        registration(created).authenticator_attachment(),
        Some("cross-platform")
    );
}

#[test]
fn what_is_of_another_form_is_refused_with_the_form_that_it_should_have() {
    fn error<T: serde::de::DeserializeOwned>(json: Value) -> String {
        serde_json::from_value::<T>(json).err().unwrap().to_string()
    }
    let mut transports = Ceremony::new().create(&Overrides::default());
    transports["response"]["transports"] = json!("usb");
    let mut id = Ceremony::new().create(&Overrides::default());
    id["id"] = json!(7);

    assert!(error::<AssertionResponse>(json!([])).contains("expected an object"));
    assert!(error::<RegistrationResponse>(transports).contains("expected a list of transports"));
    assert!(error::<RegistrationResponse>(id).contains("expected a base64url string"));
}
