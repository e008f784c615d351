//! Authentication, step by step of §7.2.

use doorward_webauthn::testing::{Counter, Hook, Overrides, cbor, flag};
use doorward_webauthn::{Algorithm, CounterPolicy, Policy, Refusal, UserVerification};
use serde_json::{Value, json};

use crate::ceremony::{CHALLENGE, Ceremony, ORIGIN, USER_HANDLE, assertion, refused_assertion};

/// Items 39, 41, 45.
#[test]
fn each_algorithm_signs_in() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        let mut ceremony = Ceremony::with(algorithm);
        let stored = ceremony.register();

        let verified = ceremony
            .assert_with(&stored, &Overrides::default())
            .unwrap();

        assert_eq!(verified.credential_id(), stored.id);
        assert!(verified.user_verified());
        assert!(
            !verified.backed_up() && !verified.backup_eligible() && !verified.counter_regressed()
        );
        assert_eq!(verified.sign_count(), 0);
    }
}

/// Items 21, 41.
#[test]
fn a_registrations_client_data_does_not_sign_in() {
    let overrides = Overrides {
        ceremony: Some("webauthn.create".to_owned()),
        ..Overrides::default()
    };

    assert_eq!(refused_assertion(&overrides), Refusal::CeremonyType);
}

/// Item 41.
#[test]
fn an_assertion_for_another_challenge_is_refused() {
    let mut ceremony = Ceremony::new();
    let stored = ceremony.register();
    let response = assertion(ceremony.get(&Overrides::default()));

    for expected in [&[1; 32][..], &CHALLENGE[..31], &[]] {
        let verdict = response.verify(&ceremony.policy, expected, &stored, &USER_HANDLE);

        assert_eq!(verdict.unwrap_err(), Refusal::Challenge);
    }
}

/// Item 43.
#[test]
fn an_assertion_for_another_rp_id_is_refused() {
    for rp_id in ["example.com", "www.example.org", "Example.org", ""] {
        let overrides = Overrides {
            rp_id: Some(rp_id.to_owned()),
            ..Overrides::default()
        };

        assert_eq!(refused_assertion(&overrides), Refusal::RpId, "{rp_id:?}");
    }
}

/// Items 43, 44.
#[test]
fn every_combination_of_flags_gets_its_verdict() {
    for eligible in [false, true] {
        let mut ceremony = Ceremony::new();
        ceremony.authenticator.flags |= if eligible { flag::BE } else { 0 };
        let stored = ceremony.register();
        for bits in 0..16_u8 {
            let flags = [flag::UP, flag::UV, flag::BE, flag::BS];
            let flags = (0..4)
                .filter(|bit| bits >> bit & 1 == 1)
                .fold(0, |sum, bit| sum | flags[bit]);
            let has = |flag| flags & flag != 0;
            let expected = match () {
                () if !has(flag::UP) => Err(Refusal::UserPresence),
                () if !has(flag::UV) => Err(Refusal::UserVerification),
                () if has(flag::BS) && !has(flag::BE) => Err(Refusal::BackupState),
                () if has(flag::BE) != eligible => Err(Refusal::BackupEligibilityChanged),
                () => Ok((eligible, has(flag::BS))),
            };

            let overrides = Overrides {
                flags: Some(flags),
                ..Overrides::default()
            };
            let verdict = ceremony.assert_with(&stored, &overrides);

            let verdict =
                verdict.map(|verified| (verified.backup_eligible(), verified.backed_up()));
            assert_eq!(verdict, expected, "{flags:#04x}, eligible: {eligible}");
        }
    }
}

/// Item 43.
#[test]
fn user_verification_is_reported_where_it_is_only_preferred() {
    let mut ceremony = Ceremony::new();
    ceremony.policy.user_verification = UserVerification::Preferred;
    let stored = ceremony.register();

    let overrides = Overrides {
        flags: Some(flag::UP),
        ..Overrides::default()
    };
    let verified = ceremony.assert_with(&stored, &overrides).unwrap();

    assert!(!verified.user_verified());
}

/// Item 39.
#[test]
fn an_assertion_without_a_user_handle_is_refused() {
    for handle in [None, Some(json!(null)), Some(json!(""))] {
        let response = Hook::new(move |response: &mut Value| {
            let members = response["response"].as_object_mut().unwrap();
            members.remove("userHandle");
            members.extend(
                handle
                    .clone()
                    .map(|handle| ("userHandle".to_owned(), handle)),
            );
        });
        let overrides = Overrides {
            response,
            ..Overrides::default()
        };

        assert_eq!(refused_assertion(&overrides), Refusal::UserHandleMissing);
    }
}

/// Item 39.
#[test]
fn an_assertion_with_someone_elses_user_handle_is_refused() {
    let longer = [&USER_HANDLE[..], &[0]].concat();
    for handle in [vec![0x5b; 64], USER_HANDLE[..63].to_vec(), longer] {
        let overrides = Overrides {
            user_handle: Some(handle),
            ..Overrides::default()
        };

        assert_eq!(refused_assertion(&overrides), Refusal::UserHandle);
    }
}

/// Item 39: of a user who was identified before, the handle may be missing, and not another's.
#[test]
fn an_identified_user_needs_no_user_handle() {
    let mut ceremony = Ceremony::new();
    let stored = ceremony.register();
    let mut verdict = |handle: &[u8]| {
        let overrides = Overrides {
            user_handle: Some(handle.to_vec()),
            ..Overrides::default()
        };
        let response = assertion(ceremony.get(&overrides));
        response.verify_identified(&ceremony.policy, &CHALLENGE, &stored, &USER_HANDLE)
    };

    assert!(verdict(&[]).is_ok());
    assert!(verdict(&USER_HANDLE).is_ok());
    assert_eq!(verdict(&[0x5b; 64]).unwrap_err(), Refusal::UserHandle);
}

/// Item 39.
#[test]
fn a_credential_without_an_owner_signs_nobody_in() {
    let mut ceremony = Ceremony::new();
    let stored = ceremony.register();
    let overrides = Overrides {
        user_handle: Some(Vec::new()),
        ..Overrides::default()
    };
    let response = assertion(ceremony.get(&overrides));

    let verdict = response.verify(&ceremony.policy, &CHALLENGE, &stored, &[]);

    assert_eq!(verdict.unwrap_err(), Refusal::UserHandleMissing);
}

/// Item 39.
#[test]
fn an_assertion_is_refused_against_the_record_of_another_credential() {
    let mut ceremony = Ceremony::new();
    let other = ceremony.register();
    let _used = ceremony.register();

    let verdict = ceremony.assert_with(&other, &Overrides::default());

    assert_eq!(verdict.unwrap_err(), Refusal::CredentialId);
}

/// Item 45.
#[test]
fn another_credentials_key_does_not_verify() {
    let mut ceremony = Ceremony::new();
    let other = ceremony.register();
    let mut stored = ceremony.register();
    stored.public_key = other.public_key;

    let verdict = ceremony.assert_with(&stored, &Overrides::default());

    assert_eq!(verdict.unwrap_err(), Refusal::Signature);
}

/// Item 45.
#[test]
fn a_stored_key_of_another_algorithm_than_stored_is_refused() {
    let mut ceremony = Ceremony::new();
    let mut stored = ceremony.register();
    stored.algorithm = Algorithm::EdDsa;

    let verdict = ceremony.assert_with(&stored, &Overrides::default());

    assert_eq!(verdict.unwrap_err(), Refusal::StoredKey);
}

/// Item 45.
#[test]
fn a_stored_key_that_cannot_be_read_is_refused() {
    let mut ceremony = Ceremony::new();
    let mut stored = ceremony.register();
    stored.public_key.pop();

    let verdict = ceremony.assert_with(&stored, &Overrides::default());

    assert_eq!(verdict.unwrap_err(), Refusal::StoredKey);
}

/// Item 47.
#[test]
fn a_counter_must_grow_unless_there_is_none() {
    let cases = [
        (0, 0, Ok(0)),
        (0, 1, Ok(1)),
        (5, 6, Ok(6)),
        (5, u32::MAX, Ok(u32::MAX)),
        (5, 5, Err(Refusal::CounterRegression)),
        (5, 4, Err(Refusal::CounterRegression)),
        (5, 0, Err(Refusal::CounterRegression)),
        (1, 0, Err(Refusal::CounterRegression)),
        (u32::MAX, u32::MAX, Err(Refusal::CounterRegression)),
    ];
    let mut ceremony = Ceremony::new();
    let mut stored = ceremony.register();
    for (before, received, expected) in cases {
        stored.sign_count = before;
        let overrides = Overrides {
            sign_count: Some(received),
            ..Overrides::default()
        };

        let verdict = ceremony.assert_with(&stored, &overrides);

        assert_eq!(
            verdict.map(|verified| verified.sign_count()),
            expected,
            "{before} then {received}"
        );
    }
}

/// Item 47.
#[test]
fn a_regression_that_is_only_a_warning_keeps_the_highest_counter() {
    let mut ceremony = Ceremony::new();
    ceremony.policy.counter = CounterPolicy::Warn;
    let mut stored = ceremony.register();
    stored.sign_count = 5;
    for (received, regressed, kept) in [(6, false, 6), (5, true, 5), (4, true, 5), (0, true, 5)] {
        let overrides = Overrides {
            sign_count: Some(received),
            ..Overrides::default()
        };

        let verified = ceremony.assert_with(&stored, &overrides).unwrap();

        assert_eq!(
            (verified.counter_regressed(), verified.sign_count()),
            (regressed, kept)
        );
    }
}

/// Item 47.
#[test]
fn a_regression_is_reported_only_for_a_genuine_signature() {
    let mut ceremony = Ceremony::new();
    let mut stored = ceremony.register();
    stored.sign_count = 5;
    let overrides = Overrides {
        signature: Hook::new(|signature: &mut Vec<u8>| signature[10] ^= 1),
        ..Overrides::default()
    };

    let verdict = ceremony.assert_with(&stored, &overrides);

    assert_eq!(verdict.unwrap_err(), Refusal::Signature);
}

/// Item 47.
#[test]
fn a_counting_authenticator_signs_in_again_and_again() {
    let mut ceremony = Ceremony::new();
    ceremony.authenticator.counter = Counter::Incrementing;
    let mut stored = ceremony.register();
    for count in 2..5 {
        let verified = ceremony
            .assert_with(&stored, &Overrides::default())
            .unwrap();

        assert_eq!(verified.sign_count(), count);
        stored.sign_count = verified.sign_count();
    }
}

/// Item 46.
#[test]
fn an_assertion_that_carries_a_credential_is_refused() {
    let overrides = Overrides {
        flags: Some(flag::UP | flag::UV | flag::AT),
        authenticator_data: Hook::new(|data: &mut Vec<u8>| {
            data.extend([0; 16]);
            data.extend([0, 1, 7]);
            data.extend(cbor::map(&[]));
        }),
        ..Overrides::default()
    };

    assert_eq!(
        refused_assertion(&overrides),
        Refusal::AttestedDataUnexpected
    );
}

/// Items 36, 46.
#[test]
fn extension_outputs_that_nobody_asked_for_are_ignored() {
    let mut ceremony = Ceremony::new();
    let stored = ceremony.register();
    let overrides = Overrides {
        extensions: Some(cbor::map(&[(
            cbor::text("uvm"),
            cbor::array(&[cbor::integer(2)]),
        )])),
        response: Hook::new(|response: &mut Value| {
            response["clientExtensionResults"] =
                json!({ "prf": { "results": { "first": "c2VjcmV0" } } });
        }),
        ..Overrides::default()
    };

    assert!(ceremony.assert_with(&stored, &overrides).is_ok());
}

/// Items 49, 51.
#[test]
fn the_context_is_checked_without_knowing_the_credential() {
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (Overrides::default(), Ok(())),
        (
            Overrides {
                ceremony: text("webauthn.create"),
                ..Overrides::default()
            },
            Err(Refusal::CeremonyType),
        ),
        (
            Overrides {
                challenge: text("AAAA"),
                ..Overrides::default()
            },
            Err(Refusal::Challenge),
        ),
        (
            Overrides {
                cross_origin: Some(true),
                ..Overrides::default()
            },
            Err(Refusal::CrossOrigin),
        ),
        (
            Overrides {
                top_origin: text(ORIGIN),
                ..Overrides::default()
            },
            Err(Refusal::TopOrigin),
        ),
        (
            Overrides {
                rp_id: text("example.com"),
                ..Overrides::default()
            },
            Err(Refusal::RpId),
        ),
        (
            Overrides {
                sent_client_data_json: Hook::new(|json: &mut Vec<u8>| json.truncate(9)),
                ..Overrides::default()
            },
            Err(Refusal::ClientDataMalformed),
        ),
        (
            Overrides {
                sent_authenticator_data: Hook::new(|data: &mut Vec<u8>| data.truncate(36)),
                ..Overrides::default()
            },
            Err(Refusal::AuthenticatorDataMalformed),
        ),
        // Nothing here needs the key.
        (
            Overrides {
                signature: Hook::new(Vec::clear),
                ..Overrides::default()
            },
            Ok(()),
        ),
    ];
    for (overrides, expected) in cases {
        let mut ceremony = Ceremony::new();
        ceremony.register();
        let response = assertion(ceremony.get(&overrides));

        let verdict = response.check_context(&ceremony.policy, &CHALLENGE);

        assert_eq!(verdict, expected, "{overrides:?}");
    }
}

/// Items 42, 51.
#[test]
fn the_context_of_a_page_elsewhere_is_refused() {
    let mut ceremony = Ceremony::new();
    ceremony.register();
    ceremony.origin = "https://example.com".to_owned();

    let response = assertion(ceremony.get(&Overrides::default()));

    assert_eq!(
        response.check_context(&ceremony.policy, &CHALLENGE),
        Err(Refusal::Origin)
    );
}

#[test]
fn what_the_response_claims_can_be_read_before_it_is_verified() {
    let mut ceremony = Ceremony::new();
    let stored = ceremony.register();

    let response = assertion(ceremony.get(&Overrides::default()));

    assert_eq!(response.unauthenticated_challenge().unwrap(), CHALLENGE);
    assert_eq!(response.unauthenticated_credential_id(), stored.id);
    assert_eq!(
        response.unauthenticated_user_handle(),
        Some(&USER_HANDLE[..])
    );
    assert_eq!(response.authenticator_attachment(), Some("platform"));
}

/// Items 18, 24.
#[test]
fn the_policy_alone_says_which_relying_party_it_is() {
    let mut ceremony = Ceremony::new();
    let stored = ceremony.register();
    let response = assertion(ceremony.get(&Overrides::default()));

    let elsewhere = Policy::new("example.com", ["https://example.com"]);
    let verdict = response.verify(&elsewhere, &CHALLENGE, &stored, &USER_HANDLE);

    assert_eq!(verdict.unwrap_err(), Refusal::Origin);
}
