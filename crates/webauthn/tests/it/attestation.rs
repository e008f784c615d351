//! Attestation objects, their statements, and the authenticator data in them.

use doorward_webauthn::testing::{Attestation, Hook, Overrides, cbor, flag};
use doorward_webauthn::{Algorithm, Format, Refusal};

use crate::ceremony::{Ceremony, refused_assertion, refused_registration};

fn raw(format: &str, statement: Vec<u8>) -> Overrides {
    let attestation = Some(Attestation::Raw {
        format: format.to_owned(),
        statement,
    });
    Overrides {
        attestation,
        ..Overrides::default()
    }
}

fn entry(key: &str, value: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    (cbor::text(key), value)
}

fn with_object(change: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Overrides {
    Overrides {
        attestation_object: Hook::new(change),
        ..Overrides::default()
    }
}

fn with_data(change: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Overrides {
    Overrides {
        authenticator_data: Hook::new(change),
        ..Overrides::default()
    }
}

/// A self attestation whose statement was changed.
fn with_statement(change: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Overrides {
    Overrides {
        attestation: Some(Attestation::PackedSelf),
        attestation_statement: Hook::new(change),
        ..Overrides::default()
    }
}

/// Item 29.
#[test]
fn an_attestation_of_none_must_be_empty() {
    let statements = [
        cbor::map(&[entry("alg", cbor::integer(-7))]),
        cbor::map(&[entry("", cbor::bytes(&[]))]),
        cbor::array(&[]),
        cbor::bytes(&[]),
        cbor::integer(0),
        vec![0xf6],
    ];
    for statement in statements {
        let verdict = refused_registration(&raw("none", statement.clone()));

        assert_eq!(verdict, Refusal::AttestationStatement, "{statement:02x?}");
    }
}

/// Item 29.
#[test]
fn other_formats_are_refused() {
    for format in [
        "",
        "None",
        "NONE",
        "none ",
        "packed2",
        "Packed",
        "tpm",
        "android-key",
        "android-safetynet",
        "fido-u2f",
        "apple",
        "compound",
    ] {
        assert_eq!(
            refused_registration(&raw(format, cbor::map(&[]))),
            Refusal::AttestationFormat,
            "{format:?}"
        );
    }
}

/// Item 29.
#[test]
fn a_format_that_is_not_enabled_is_refused() {
    for (attestation, enabled) in [
        (Attestation::None, Format::PackedSelf),
        (Attestation::PackedSelf, Format::None),
    ] {
        let mut ceremony = Ceremony::new();
        ceremony.policy.formats = vec![enabled];
        ceremony.authenticator.attestation = attestation;

        let verdict = ceremony.register_with(&Overrides::default());

        assert_eq!(verdict.unwrap_err(), Refusal::AttestationFormat);
    }
}

/// Item 29.
#[test]
fn a_self_attestation_is_reported() {
    let mut ceremony = Ceremony::new();
    ceremony.authenticator.attestation = Attestation::PackedSelf;

    let registered = ceremony.register_with(&Overrides::default()).unwrap();

    assert_eq!(registered.format(), Format::PackedSelf);
}

/// Item 29.
#[test]
fn a_self_attestation_with_a_wrong_signature_is_refused() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        let mut ceremony = Ceremony::with(algorithm);
        let overrides = Overrides {
            attestation: Some(Attestation::PackedSelf),
            signature: Hook::new(|signature: &mut Vec<u8>| *signature.last_mut().unwrap() ^= 1),
            ..Overrides::default()
        };

        let verdict = ceremony.register_with(&overrides);

        assert_eq!(verdict.unwrap_err(), Refusal::AttestationSignature);
    }
}

/// Item 29.
#[test]
fn a_self_attestation_over_other_bytes_is_refused() {
    let data = Overrides {
        attestation: Some(Attestation::PackedSelf),
        // The counter: nothing else notices.
        sent_authenticator_data: Hook::new(|data: &mut Vec<u8>| data[36] ^= 1),
        ..Overrides::default()
    };
    let client_data = Overrides {
        attestation: Some(Attestation::PackedSelf),
        sent_client_data_json: Hook::new(|json: &mut Vec<u8>| json.push(b' ')),
        ..Overrides::default()
    };

    assert_eq!(refused_registration(&data), Refusal::AttestationSignature);
    assert_eq!(
        refused_registration(&client_data),
        Refusal::AttestationSignature
    );
}

/// Items 28, 29.
#[test]
fn a_self_attestation_by_another_algorithm_than_its_keys_is_refused() {
    for alg in [-8, -257, -35, 7] {
        let statement = with_statement(move |statement| {
            // a2 63 "alg" 26 …
            statement.splice(5..6, cbor::integer(alg));
        });

        assert_eq!(
            refused_registration(&statement),
            Refusal::AttestationAlgorithm,
            "{alg}"
        );
    }
}

/// Item 29.
#[test]
fn an_attestation_by_certificate_is_refused_by_name() {
    for (key, value) in [
        ("x5c", cbor::array(&[cbor::bytes(&[0x30, 0])])),
        ("x5c", cbor::array(&[])),
        ("x5c", cbor::integer(0)),
        ("ecdaaKeyId", cbor::bytes(&[1])),
    ] {
        let statement = with_statement(move |statement| {
            statement[0] += 1;
            statement.extend(cbor::text(key));
            statement.extend(value.clone());
        });

        assert_eq!(
            refused_registration(&statement),
            Refusal::AttestationCertificate,
            "{key}"
        );
    }
}

/// Item 29.
#[test]
fn a_packed_statement_has_its_two_members_and_no_more() {
    let signature = || entry("sig", cbor::bytes(&[0; 70]));
    let algorithm = || entry("alg", cbor::integer(-7));
    let statements = [
        cbor::map(&[]),
        cbor::map(&[algorithm()]),
        cbor::map(&[signature()]),
        cbor::map(&[algorithm(), signature(), entry("more", cbor::integer(1))]),
        cbor::map(&[entry("alg", cbor::text("ES256")), signature()]),
        cbor::map(&[algorithm(), entry("sig", cbor::text("signature"))]),
        cbor::map(&[(cbor::integer(1), cbor::integer(-7)), signature()]),
        cbor::array(&[cbor::integer(-7), cbor::bytes(&[0; 70])]),
    ];
    for statement in statements {
        let verdict = refused_registration(&raw("packed", statement.clone()));

        assert_eq!(verdict, Refusal::AttestationStatement, "{statement:02x?}");
    }
}

/// Items 29, 31.
#[test]
fn a_statement_that_repeats_a_member_is_refused() {
    let repeated = with_statement(|statement| {
        statement[0] += 1;
        statement.extend([cbor::text("alg"), cbor::integer(-7)].concat());
    });

    assert_eq!(
        refused_registration(&repeated),
        Refusal::AttestationMalformed
    );
}

/// Item 31.
#[test]
fn bytes_after_the_attestation_object_are_refused() {
    for extra in [&[0][..], &[0xa0], &[0xf6], &[0xff]] {
        let overrides = with_object(move |object| object.extend(extra));

        assert_eq!(
            refused_registration(&overrides),
            Refusal::AttestationMalformed
        );
    }
}

/// Item 31.
#[test]
fn an_attestation_object_of_another_shape_is_refused() {
    let (fmt, statement, data) = (
        || entry("fmt", cbor::text("none")),
        || entry("attStmt", cbor::map(&[])),
        || entry("authData", cbor::bytes(&[0; 37])),
    );
    let objects = [
        Vec::new(),
        cbor::integer(1),
        cbor::text("none"),
        cbor::array(&[]),
        cbor::map(&[]),
        cbor::map(&[fmt(), statement()]),
        cbor::map(&[fmt(), data()]),
        cbor::map(&[statement(), data()]),
        cbor::map(&[fmt(), statement(), data(), fmt()]),
        cbor::map(&[fmt(), statement(), data(), entry("more", cbor::integer(1))]),
        cbor::map(&[
            fmt(),
            statement(),
            data(),
            (cbor::integer(1), cbor::integer(1)),
        ]),
        cbor::map(&[entry("fmt", cbor::bytes(b"none")), statement(), data()]),
        cbor::map(&[entry("fmt", cbor::integer(1)), statement(), data()]),
        cbor::map(&[fmt(), statement(), entry("authData", cbor::text("data"))]),
        cbor::map(&[fmt(), statement(), entry("authData", cbor::array(&[]))]),
    ];
    for object in objects {
        let bytes = object.clone();
        let overrides = with_object(move |sent| sent.clone_from(&bytes));

        assert_eq!(
            refused_registration(&overrides),
            Refusal::AttestationMalformed,
            "{object:02x?}"
        );
    }
}

/// Item 31.
#[test]
fn an_attestation_object_in_another_order_is_accepted() {
    let reordered = with_object(|object| {
        // a3 "fmt" "none" "attStmt" a0 "authData" …
        let prefix = [
            cbor::text("fmt"),
            cbor::text("none"),
            cbor::text("attStmt"),
            cbor::map(&[]),
        ]
        .concat();
        let rest = object[1 + prefix.len()..].to_vec();
        *object = [vec![0xa3], rest, prefix].concat();
    });

    assert!(Ceremony::new().register_with(&reordered).is_ok());
}

/// Item 31.
#[test]
fn indefinite_lengths_are_refused() {
    let overrides = with_object(|object| {
        object[0] = 0xbf;
        object.push(0xff);
    });

    assert_eq!(
        refused_registration(&overrides),
        Refusal::AttestationMalformed
    );
}

/// Item 31.
#[test]
fn an_attestation_object_that_is_cut_short_is_refused_wherever() {
    let length = std::sync::Arc::new(std::sync::Mutex::new(0));
    let seen = length.clone();
    let measured = with_object(move |object| *seen.lock().unwrap() = object.len());
    let _ = Ceremony::new().register_with(&measured).unwrap();
    let length = *length.lock().unwrap();
    for cut in 0..length {
        let overrides = with_object(move |object| object.truncate(cut));

        assert_eq!(
            refused_registration(&overrides),
            Refusal::AttestationMalformed,
            "{cut}"
        );
    }
}

/// Item 31.
#[test]
fn authenticator_data_that_is_cut_short_is_refused_wherever() {
    for cut in 0..37 + 16 + 2 + 32 + 77 {
        let verdict = refused_registration(&with_data(move |data| data.truncate(cut)));

        assert_eq!(verdict, Refusal::AuthenticatorDataMalformed, "{cut}");
    }
}

/// Item 46.
#[test]
fn authenticator_data_of_an_assertion_that_is_cut_short_is_refused_wherever() {
    for cut in 0..37 {
        let verdict = refused_assertion(&with_data(move |data| data.truncate(cut)));

        assert_eq!(verdict, Refusal::AuthenticatorDataMalformed, "{cut}");
    }
}

/// Items 31, 46.
#[test]
fn bytes_after_the_authenticator_data_are_refused() {
    for extra in [&[0][..], &[0xa0], &[0; 100]] {
        let overrides = with_data(move |data| data.extend(extra));

        assert_eq!(
            refused_registration(&overrides),
            Refusal::AuthenticatorDataMalformed
        );
        assert_eq!(
            refused_assertion(&overrides),
            Refusal::AuthenticatorDataMalformed
        );
    }
}

/// Items 31, 46.
#[test]
fn a_flag_for_extensions_without_extensions_is_refused() {
    let overrides = with_data(|data| data[32] |= flag::ED);

    assert_eq!(
        refused_registration(&overrides),
        Refusal::AuthenticatorDataMalformed
    );
    assert_eq!(
        refused_assertion(&overrides),
        Refusal::AuthenticatorDataMalformed
    );
}

/// Items 31, 46.
#[test]
fn extensions_without_their_flag_are_refused() {
    let overrides = Overrides {
        extensions: Some(cbor::map(&[entry("uvm", cbor::integer(1))])),
        authenticator_data: Hook::new(|data: &mut Vec<u8>| data[32] &= !flag::ED),
        ..Overrides::default()
    };

    assert_eq!(
        refused_registration(&overrides),
        Refusal::AuthenticatorDataMalformed
    );
    assert_eq!(
        refused_assertion(&overrides),
        Refusal::AuthenticatorDataMalformed
    );
}

/// Items 31, 46.
#[test]
fn extensions_that_are_no_well_formed_map_are_refused() {
    let twice = entry("uvm", cbor::integer(1));
    let too_deep = (0..5).fold(cbor::integer(1), |inner, _| cbor::map(&[entry("x", inner)]));
    let extensions = [
        Vec::new(),
        cbor::integer(1),
        cbor::array(&[]),
        cbor::text("uvm"),
        cbor::map(&[twice.clone(), twice]),
        cbor::map(&[(cbor::bytes(b"uvm"), cbor::integer(1))]),
        [cbor::map(&[]), cbor::map(&[])].concat(),
        vec![0xa1],
        vec![0xbf, 0xff],
        vec![0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        // A tag, which CTAP2 forbids.
        [vec![0xa1], cbor::text("x"), vec![0xc0], cbor::text("y")].concat(),
        too_deep,
    ];
    for extensions in extensions {
        let overrides = Overrides {
            extensions: Some(extensions.clone()),
            ..Overrides::default()
        };

        assert_eq!(
            refused_registration(&overrides),
            Refusal::AuthenticatorDataMalformed,
            "{extensions:02x?}"
        );
        assert_eq!(
            refused_assertion(&overrides),
            Refusal::AuthenticatorDataMalformed,
            "{extensions:02x?}"
        );
    }
}

/// Item 31.
#[test]
fn a_credential_without_its_flag_is_refused() {
    let overrides = with_data(|data| data[32] &= !flag::AT);

    assert_eq!(
        refused_registration(&overrides),
        Refusal::AuthenticatorDataMalformed
    );
}

/// Item 46.
#[test]
fn a_flag_for_a_credential_without_a_credential_is_refused() {
    let overrides = with_data(|data| data[32] |= flag::AT);

    assert_eq!(
        refused_assertion(&overrides),
        Refusal::AuthenticatorDataMalformed
    );
}

/// Item 31.
#[test]
fn a_credential_id_longer_than_the_data_is_refused() {
    let overrides = with_data(|data| data[53] = 0xff);

    assert_eq!(
        refused_registration(&overrides),
        Refusal::AuthenticatorDataMalformed
    );
}

/// Items 27, 46.
#[test]
fn reserved_flags_are_ignored() {
    let mut ceremony = Ceremony::new();
    let reserved = with_data(|data| data[32] |= 0x02 | 0x20);

    let stored = ceremony.register_with(&reserved).unwrap().into_credential();

    assert!(ceremony.assert_with(&stored, &reserved).is_ok());
}
