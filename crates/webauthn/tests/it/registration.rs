//! Registration, step by step of §7.1.

use doorward_webauthn::testing::{
    Attestation, Authenticator, Counter, Hook, Overrides, cbor, flag,
};
use doorward_webauthn::{Algorithm, Format, Policy, Refusal, ResidentKey, UserVerification};
use serde_json::json;

use crate::ceremony::{
    CHALLENGE, Ceremony, ORIGIN, USER_HANDLE, refused_registration, registration,
};

/// Items 27, 28, 29.
#[test]
fn each_offered_algorithm_registers() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        for attestation in [Attestation::None, Attestation::PackedSelf] {
            let mut ceremony = Ceremony::with(algorithm);
            ceremony.authenticator.attestation = attestation;

            let credential = ceremony.register();

            assert_eq!(credential.algorithm, algorithm);
            assert_eq!(
                credential.public_key,
                ceremony.authenticator.passkeys()[0].public_key()
            );
        }
    }
}

/// Item 27.
#[test]
fn a_registration_yields_all_that_a_credential_record_holds() {
    let mut ceremony = Ceremony::new();
    ceremony.authenticator.flags = flag::UP | flag::UV | flag::BE | flag::BS;
    ceremony.authenticator.counter = Counter::Incrementing;

    let registered = ceremony.register_with(&Overrides::default()).unwrap();

    assert_eq!(registered.format(), Format::None);
    assert_eq!(registered.discoverable(), Some(true));
    assert_eq!(registered.aaguid(), *b"doorward-testing");
    let credential = registered.into_credential();
    let passkey = &ceremony.authenticator.passkeys()[0];
    assert_eq!(credential.id, passkey.id);
    assert_eq!(credential.sign_count, 1);
    assert_eq!(credential.aaguid, *b"doorward-testing");
    assert_eq!(credential.transports, ["internal", "hybrid"]);
    assert!(credential.user_verified && credential.backup_eligible && credential.backed_up);
}

/// Items 21, 23, 41.
#[test]
fn an_assertions_client_data_does_not_register() {
    let overrides = Overrides {
        ceremony: Some("webauthn.get".to_owned()),
        ..Overrides::default()
    };

    assert_eq!(refused_registration(&overrides), Refusal::CeremonyType);
}

/// Item 23.
#[test]
fn a_type_in_other_case_or_of_another_kind_is_refused() {
    for kind in [
        "",
        "Webauthn.create",
        "webauthn.create ",
        "payment.get",
        "navigator.id.finishEnrollment",
    ] {
        let overrides = Overrides {
            ceremony: Some(kind.to_owned()),
            ..Overrides::default()
        };

        assert_eq!(
            refused_registration(&overrides),
            Refusal::CeremonyType,
            "{kind:?}"
        );
    }
}

/// Items 20, 21.
#[test]
fn another_challenge_is_refused() {
    let response = registration(Ceremony::new().create(&Overrides::default()));
    let policy = Policy::new("example.org", [ORIGIN]);

    let mut other = CHALLENGE;
    other[31] ^= 1;

    assert_eq!(
        response.verify(&policy, &other).unwrap_err(),
        Refusal::Challenge
    );
    assert_eq!(
        response.verify(&policy, &CHALLENGE[..31]).unwrap_err(),
        Refusal::Challenge
    );
    assert_eq!(
        response.verify(&policy, &[]).unwrap_err(),
        Refusal::Challenge
    );
}

/// Item 20.
#[test]
fn a_challenge_that_is_too_short_to_be_random_is_refused_even_if_it_matches() {
    for challenge in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAA"] {
        let overrides = Overrides {
            challenge: Some(challenge.to_owned()),
            ..Overrides::default()
        };
        let response = registration(Ceremony::new().create(&overrides));
        let echoed = response.unauthenticated_challenge().unwrap();

        let verdict = response.verify(&Policy::new("example.org", [ORIGIN]), &echoed);

        assert_eq!(verdict.unwrap_err(), Refusal::Challenge, "{challenge:?}");
    }
}

/// Item 26.
#[test]
fn a_registration_for_another_rp_id_is_refused() {
    for rp_id in [
        "",
        "example.com",
        "Example.org",
        "www.example.org",
        "https://example.org",
        "example.org.",
    ] {
        let overrides = Overrides {
            rp_id: Some(rp_id.to_owned()),
            ..Overrides::default()
        };

        assert_eq!(refused_registration(&overrides), Refusal::RpId, "{rp_id:?}");
    }
}

/// Items 26, 27.
#[test]
fn every_combination_of_flags_gets_its_verdict() {
    for bits in 0..16_u8 {
        let flags = [flag::UP, flag::UV, flag::BE, flag::BS];
        let flags = (0..4)
            .filter(|bit| bits >> bit & 1 == 1)
            .fold(0, |sum, bit| sum | flags[bit]);
        let mut ceremony = Ceremony::new();
        ceremony.authenticator.flags = flags;
        let has = |flag| flags & flag != 0;
        let expected = match () {
            () if !has(flag::UP) => Err(Refusal::UserPresence),
            () if !has(flag::UV) => Err(Refusal::UserVerification),
            () if has(flag::BS) && !has(flag::BE) => Err(Refusal::BackupState),
            () => Ok((has(flag::BE), has(flag::BS))),
        };

        let verdict = ceremony.register_with(&Overrides::default());

        let verdict = verdict.map(|registered| {
            let credential = registered.into_credential();
            (credential.backup_eligible, credential.backed_up)
        });
        assert_eq!(verdict, expected, "{flags:#04x}");
    }
}

/// Item 26.
#[test]
fn user_verification_is_reported_where_it_is_only_preferred() {
    for (flags, verified) in [(flag::UP, false), (flag::UP | flag::UV, true)] {
        let mut ceremony = Ceremony::new();
        ceremony.policy.user_verification = UserVerification::Preferred;
        ceremony.authenticator.flags = flags;

        assert_eq!(ceremony.register().user_verified, verified);
    }
}

/// Item 28.
#[test]
fn an_algorithm_that_was_not_offered_is_refused_though_its_signature_is_right() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        let mut ceremony = Ceremony::with(algorithm);
        ceremony.authenticator.attestation = Attestation::PackedSelf;
        let json = ceremony.create(&Overrides::default());

        ceremony
            .policy
            .algorithms
            .retain(|&offered| offered != algorithm);
        let verdict = registration(json).verify(&ceremony.policy, &CHALLENGE);

        assert_eq!(verdict.unwrap_err(), Refusal::Algorithm);
    }
}

/// Item 32.
#[test]
fn a_credential_id_of_1023_bytes_is_the_longest() {
    for (length, verdict) in [
        (1, None),
        (1023, None),
        (1024, Some(Refusal::CredentialIdLength)),
    ] {
        let overrides = Overrides {
            credential_id: Some(vec![7; length]),
            ..Overrides::default()
        };

        assert_eq!(
            Ceremony::new().register_with(&overrides).err(),
            verdict,
            "{length}"
        );
    }
}

/// Item 32.
#[test]
fn an_empty_credential_id_is_refused() {
    let overrides = Overrides {
        credential_id: Some(Vec::new()),
        ..Overrides::default()
    };

    assert_eq!(
        refused_registration(&overrides),
        Refusal::CredentialIdLength
    );
}

/// Items 31, 33.
#[test]
fn an_id_beside_the_signed_one_is_refused() {
    let overrides = Overrides {
        response: Hook::new(|response: &mut serde_json::Value| {
            response["id"] = json!("AAAA");
            response["rawId"] = json!("AAAA");
        }),
        ..Overrides::default()
    };

    assert_eq!(refused_registration(&overrides), Refusal::CredentialId);
}

/// Item 31.
#[test]
fn a_registration_without_a_credential_is_refused() {
    let overrides = Overrides {
        flags: Some(flag::UP | flag::UV),
        authenticator_data: Hook::new(|data: &mut Vec<u8>| data.truncate(37)),
        ..Overrides::default()
    };

    assert_eq!(
        refused_registration(&overrides),
        Refusal::AttestedDataMissing
    );
}

/// Item 36.
#[test]
fn a_credential_that_is_not_discoverable_is_refused_where_it_must_be() {
    let cases = [
        (ResidentKey::Required, Some(false), false),
        (ResidentKey::Required, Some(true), true),
        (ResidentKey::Required, None, true),
        (ResidentKey::Preferred, Some(false), true),
    ];
    for (resident_key, discoverable, accepted) in cases {
        let mut ceremony = Ceremony::new();
        ceremony.policy.resident_key = resident_key;
        ceremony.authenticator.discoverable = discoverable;

        let verdict = ceremony.register_with(&Overrides::default());

        assert_eq!(
            verdict.is_ok(),
            accepted,
            "{resident_key:?} {discoverable:?}"
        );
        assert!(accepted || verdict == Err(Refusal::NotDiscoverable));
    }
}

/// Item 36.
#[test]
fn extension_outputs_that_nobody_asked_for_are_ignored() {
    let overrides = Overrides {
        extensions: Some(cbor::map(&[(cbor::text("credProtect"), cbor::integer(2))])),
        response: Hook::new(|response: &mut serde_json::Value| {
            response["clientExtensionResults"] = json!({
                "credProps": { "rk": true, "authenticatorDisplayName": "Key" },
                "prf": { "enabled": true, "results": { "first": "c2VjcmV0", "second": 7 } },
                "appid": [[[]]],
            });
        }),
        ..Overrides::default()
    };

    assert!(Ceremony::new().register_with(&overrides).is_ok());
}

/// Item 20.
#[test]
fn members_beside_the_response_change_nothing() {
    let overrides = Overrides {
        response: Hook::new(|response: &mut serde_json::Value| {
            response["challenge"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAA");
            response["userId"] = json!("someone else");
            response["response"]["publicKey"] = json!("not even base64url!");
            response["response"]["authenticatorData"] = json!(null);
        }),
        ..Overrides::default()
    };

    let credential = Ceremony::new()
        .register_with(&overrides)
        .unwrap()
        .into_credential();

    let expected = Ceremony::new().register();
    assert_eq!(credential, expected);
}

#[test]
fn what_the_response_claims_can_be_read_before_it_is_verified() {
    let mut ceremony = Ceremony::new();

    let response = registration(ceremony.create(&Overrides::default()));

    assert_eq!(response.unauthenticated_challenge().unwrap(), CHALLENGE);
    assert_eq!(
        response.unauthenticated_credential_id(),
        ceremony.authenticator.passkeys()[0].id
    );
    assert_eq!(response.transports(), ["internal", "hybrid"]);
    assert_eq!(response.authenticator_attachment(), Some("platform"));
}

#[test]
fn the_authenticator_follows_from_its_seed() {
    let (mut one, mut same, mut other) = (
        Authenticator::new(1),
        Authenticator::new(1),
        Authenticator::new(2),
    );
    let options = Ceremony::new().creation_options();

    let created = one.create(&options, ORIGIN);

    assert_eq!(created, same.create(&options, ORIGIN));
    assert_ne!(created, other.create(&options, ORIGIN));
    assert_eq!(one.passkeys()[0].user_handle, USER_HANDLE);
}

/// Item 36.
#[test]
fn what_the_client_says_of_discoverability_is_reported() {
    for discoverable in [None, Some(false), Some(true)] {
        let mut ceremony = Ceremony::new();
        ceremony.policy.resident_key = ResidentKey::Preferred;
        ceremony.authenticator.discoverable = discoverable;

        let registered = ceremony.register_with(&Overrides::default()).unwrap();

        assert_eq!(registered.discoverable(), discoverable);
    }
}
