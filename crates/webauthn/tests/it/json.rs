//! The JSON forms: what real browsers and providers send is read, and what is no response is not.

use doorward_webauthn::testing::Overrides;
use doorward_webauthn::{AssertionResponse, RegistrationResponse};
use serde_json::{Value, json};

use crate::ceremony::{CHALLENGE, Ceremony, USER_HANDLE, assertion, registration};

/// A registration's JSON, an assertion's, and what each is verified with.
fn responses() -> (Value, Value, Ceremony) {
    let mut ceremony = Ceremony::new();
    let created = ceremony.create(&Overrides::default());
    let got = ceremony.get(&Overrides::default());
    (created, got, ceremony)
}

fn both_verify(created: Value, got: Value, ceremony: &Ceremony) -> bool {
    let registered = registration(created)
        .verify(&ceremony.policy, &CHALLENGE)
        .unwrap();
    let asserted = assertion(got).verify(
        &ceremony.policy,
        &CHALLENGE,
        registered.credential(),
        &USER_HANDLE,
    );
    asserted.is_ok()
}

/// Sets or, with `None`, removes a member.
fn put(object: &mut Value, name: &str, value: Option<Value>) {
    let members = object.as_object_mut().unwrap();
    members.remove(name);
    members.extend(value.map(|value| (name.to_owned(), value)));
}

#[test]
fn members_that_providers_leave_out_may_be_absent_or_null() {
    for value in [None, Some(json!(null))] {
        for name in ["authenticatorAttachment", "clientExtensionResults"] {
            let (mut created, mut got, ceremony) = responses();
            put(&mut created, name, value.clone());
            put(&mut got, name, value.clone());

            assert!(both_verify(created, got, &ceremony), "{name} {value:?}");
        }
        for name in [
            "transports",
            "publicKey",
            "publicKeyAlgorithm",
            "authenticatorData",
        ] {
            let (mut created, got, ceremony) = responses();
            put(&mut created["response"], name, value.clone());

            assert!(both_verify(created, got, &ceremony), "{name} {value:?}");
        }
    }
}

/// A caller may flatten a response into a form of its own: then `null` arrives from a buffer, in another way.
#[test]
fn members_may_be_null_in_a_flattened_response() {
    #[derive(serde::Deserialize)]
    struct Form {
        #[serde(flatten)]
        response: RegistrationResponse,
    }
    let (mut created, _, ceremony) = responses();
    for name in ["authenticatorAttachment", "clientExtensionResults"] {
        put(&mut created, name, Some(json!(null)));
    }
    put(&mut created["response"], "transports", Some(json!(null)));

    let form: Form = serde_json::from_str(&created.to_string()).unwrap();

    assert!(form.response.verify(&ceremony.policy, &CHALLENGE).is_ok());
}

#[test]
fn unknown_members_are_ignored() {
    let (mut created, mut got, ceremony) = responses();
    for response in [&mut created, &mut got] {
        response["name"] = json!("My key");
        response["response"]["more"] = json!([{}]);
        response["clientExtensionResults"]["prf"] = json!({ "results": { "first": "c2VjcmV0" } });
        response["authenticatorAttachment"] = json!("implanted");
    }

    assert_eq!(
        registration(created.clone()).authenticator_attachment(),
        None
    );
    assert!(both_verify(created, got, &ceremony));
}

#[test]
fn padding_is_tolerated() {
    fn pad(value: &mut Value) {
        match value {
            Value::String(text) if text.len() > 30 => {
                let padding = text.len().next_multiple_of(4) - text.len();
                text.push_str(&"=".repeat(padding));
            }
            Value::Object(members) => members.values_mut().for_each(pad),
            _ => {}
        }
    }
    let (mut created, mut got, ceremony) = responses();
    pad(&mut created);
    pad(&mut got);

    assert!(created["id"].as_str().unwrap().ends_with('='));
    assert!(both_verify(created, got, &ceremony));
}

#[test]
fn required_members_are_required_and_typed() {
    let others = [
        None,
        Some(json!(null)),
        Some(json!(7)),
        Some(json!([])),
        Some(json!({})),
        Some(json!("!")),
    ];
    for other in others {
        for name in ["id", "rawId", "type", "response"] {
            let (mut created, mut got, _) = responses();
            put(&mut created, name, other.clone());
            put(&mut got, name, other.clone());

            assert!(
                serde_json::from_value::<RegistrationResponse>(created).is_err(),
                "{name} {other:?}"
            );
            assert!(
                serde_json::from_value::<AssertionResponse>(got).is_err(),
                "{name} {other:?}"
            );
        }
        for name in ["clientDataJSON", "attestationObject"] {
            let (mut created, ..) = responses();
            put(&mut created["response"], name, other.clone());

            assert!(
                serde_json::from_value::<RegistrationResponse>(created).is_err(),
                "{name} {other:?}"
            );
        }
        for name in ["clientDataJSON", "authenticatorData", "signature"] {
            let (_, mut got, _) = responses();
            put(&mut got["response"], name, other.clone());

            assert!(
                serde_json::from_value::<AssertionResponse>(got).is_err(),
                "{name} {other:?}"
            );
        }
    }
}

/// Item 39.
#[test]
fn a_user_handle_may_be_missing_but_not_of_another_type() {
    for (handle, reads) in [
        (None, true),
        (Some(json!(null)), true),
        (Some(json!("")), true),
        (Some(json!(7)), false),
    ] {
        let (_, mut got, _) = responses();
        put(&mut got["response"], "userHandle", handle);

        let response = serde_json::from_value::<AssertionResponse>(got);

        assert_eq!(response.is_ok(), reads);
        assert!(
            response.is_ok_and(|response| response.unauthenticated_user_handle().is_none())
                || !reads
        );
    }
}

#[test]
fn a_response_is_an_object_in_every_part() {
    let (created, got, _) = responses();
    let listed = |response: &Value| {
        json!([
            response["id"],
            response["rawId"],
            "public-key",
            response["response"]
        ])
    };

    assert!(serde_json::from_value::<RegistrationResponse>(listed(&created)).is_err());
    assert!(serde_json::from_value::<AssertionResponse>(listed(&got)).is_err());
    let mut created = created;
    let inner = &created["response"];
    created["response"] = json!([inner["clientDataJSON"], inner["attestationObject"], []]);
    assert!(serde_json::from_value::<RegistrationResponse>(created).is_err());
}

#[test]
fn an_id_that_is_not_the_raw_id_is_refused() {
    let (mut created, mut got, _) = responses();
    created["rawId"] = json!("AAAA");
    got["id"] = json!("AAAA");

    assert!(serde_json::from_value::<RegistrationResponse>(created).is_err());
    assert!(serde_json::from_value::<AssertionResponse>(got).is_err());
}

#[test]
fn another_credential_type_is_refused() {
    for kind in [
        json!(""),
        json!("password"),
        json!("Public-Key"),
        json!("public_key"),
        json!({ "public-key": null }),
    ] {
        let (mut created, mut got, _) = responses();
        created["type"] = kind.clone();
        got["type"] = kind.clone();

        assert!(
            serde_json::from_value::<RegistrationResponse>(created).is_err(),
            "{kind}"
        );
        assert!(
            serde_json::from_value::<AssertionResponse>(got).is_err(),
            "{kind}"
        );
    }
}

#[test]
fn repeated_members_are_refused() {
    let (created, got, _) = responses();
    for name in ["id", "response", "type"] {
        let repeat = |response: &Value| {
            let text = response.to_string();
            format!(
                "{},{name:?}:{}}}",
                text.strip_suffix('}').unwrap(),
                response[name]
            )
        };

        assert!(
            serde_json::from_str::<RegistrationResponse>(&repeat(&created)).is_err(),
            "{name}"
        );
        assert!(
            serde_json::from_str::<AssertionResponse>(&repeat(&got)).is_err(),
            "{name}"
        );
    }
}

#[test]
fn transports_stay_within_bounds() {
    let (mut created, ..) = responses();
    let mut transports = vec![
        "usb",
        "usb",
        "new-one2",
        "",
        "UPPER",
        "<script>",
        "a transport",
        "ünicode",
    ];
    let long = "x".repeat(33);
    transports.push(&long);
    created["response"]["transports"] = json!(transports);
    assert_eq!(
        registration(created.clone()).transports(),
        ["usb", "new-one2"]
    );

    let many: Vec<_> = (0..100).map(|n| format!("t{n}")).collect();
    created["response"]["transports"] = json!(many);

    assert_eq!(registration(created).transports(), &many[..8]);
}

/// Item 20.
#[test]
fn malformed_client_data_has_no_challenge() {
    let (mut created, mut got, _) = responses();
    created["response"]["clientDataJSON"] = json!("AAAA");
    got["response"]["clientDataJSON"] = json!("");

    assert_eq!(registration(created).unauthenticated_challenge(), None);
    assert_eq!(assertion(got).unauthenticated_challenge(), None);
}
