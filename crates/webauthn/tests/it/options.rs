//! The options, as a page passes them on.

use doorward_webauthn::options::{CreationOptions, Descriptor, RequestOptions, User};
use doorward_webauthn::{Algorithm, Policy, ResidentKey, UnknownAlgorithm, UserVerification};
use serde_json::json;

use crate::ceremony::{CHALLENGE, Ceremony};

/// Items 19, 22, 26, 28.
#[test]
fn creation_options_say_what_the_policy_accepts() {
    let mut ceremony = Ceremony::new();
    let existing = ceremony.register();
    let user = User {
        id: vec![0xff; 64],
        name: "ada@example.org".into(),
        display_name: "Ada".into(),
    };

    let options = CreationOptions::new(&ceremony.policy, "Example", user, CHALLENGE.to_vec())
        .exclude([
            Descriptor::from(&existing),
            Descriptor::new(vec![1], Vec::new()),
        ])
        .hint(["client-device"]);

    assert_eq!(
        serde_json::to_value(options).unwrap(),
        json!({
            "rp": { "id": "example.org", "name": "Example" },
            "user": {
                "id": "_____________________________________________________________________________________w",
                "name": "ada@example.org",
                "displayName": "Ada",
            },
            "challenge": "dGhpcnR5LXR3byBieXRlcyBmb3IgYSBjaGFsbGVuZ2U",
            "pubKeyCredParams": [
                { "type": "public-key", "alg": -8 },
                { "type": "public-key", "alg": -7 },
                { "type": "public-key", "alg": -257 },
            ],
            "timeout": 300_000,
            "excludeCredentials": [
                {
                    "type": "public-key",
                    "id": ceremony.create(&doorward_webauthn::testing::Overrides {
                        credential_id: Some(existing.id.clone()),
                        ..Default::default()
                    })["id"],
                    "transports": ["internal", "hybrid"],
                },
                { "type": "public-key", "id": "AQ", "transports": [] },
            ],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": true,
                "userVerification": "required",
            },
            "attestation": "none",
            "extensions": { "credProps": true },
            "hints": ["client-device"],
        })
    );
}

/// Item 38.
#[test]
fn request_options_name_nobody() {
    let policy = Policy::new("example.org", ["https://example.org"]);

    let options = RequestOptions::new(&policy, CHALLENGE.to_vec());

    assert_eq!(
        serde_json::to_string(&options).unwrap(),
        r#"{"challenge":"dGhpcnR5LXR3byBieXRlcyBmb3IgYSBjaGFsbGVuZ2U","timeout":300000,"rpId":"example.org","allowCredentials":[],"userVerification":"required"}"#
    );
}

/// Item 38.
#[test]
fn request_options_differ_in_the_challenge_alone() {
    let policy = Policy::new("example.org", ["https://example.org"]);
    let options =
        |challenge| serde_json::to_string(&RequestOptions::new(&policy, challenge)).unwrap();

    let (one, other) = (options(vec![0; 32]), options(vec![0xff; 32]));

    let challenge_of = |json: &str| json[..json.find(",\"timeout\"").unwrap()].to_owned();
    assert_eq!(
        one[challenge_of(&one).len()..],
        other[challenge_of(&other).len()..]
    );
    assert_eq!(one.len(), other.len());
}

#[test]
fn request_options_can_name_the_credentials_of_someone_who_is_signed_in() {
    let policy = Policy::new("example.org", ["https://example.org"]);

    let options = RequestOptions::new(&policy, vec![0; 32])
        .allow([Descriptor::new(vec![1, 2, 3], vec!["usb".to_owned()])])
        .hint(["security-key"]);

    let json = serde_json::to_value(options).unwrap();
    assert_eq!(
        json["allowCredentials"],
        json!([{ "type": "public-key", "id": "AQID", "transports": ["usb"] }])
    );
    assert_eq!(json["hints"], json!(["security-key"]));
}

#[test]
fn a_milder_policy_offers_milder_options() {
    let mut ceremony = Ceremony::new();
    ceremony.policy.user_verification = UserVerification::Preferred;
    ceremony.policy.resident_key = ResidentKey::Preferred;
    ceremony.policy.algorithms = vec![Algorithm::Es256];

    let options = ceremony.creation_options();

    assert_eq!(
        options["authenticatorSelection"],
        json!({ "residentKey": "preferred", "requireResidentKey": false, "userVerification": "preferred" })
    );
    assert_eq!(
        options["pubKeyCredParams"],
        json!([{ "type": "public-key", "alg": -7 }])
    );
    assert_eq!(ceremony.request_options()["userVerification"], "preferred");
}

/// Item 28.
#[test]
fn algorithms_have_their_numbers_in_the_cose_registry() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        assert_eq!(Algorithm::try_from(algorithm.cose_id()), Ok(algorithm));
    }
    for other in [-9, -19, -35, -36, -51, -52, -53, -65535, 0] {
        assert_eq!(Algorithm::try_from(other), Err(UnknownAlgorithm(other)));
    }
}
