//! `packed` with a certificate.

use std::sync::Arc;

use doorward_webauthn::testing::{AttestationInput, cbor};
use doorward_webauthn::{Format, Refusal};

use super::der::{integer, octets, oid, sequence, set, tagged, utf8};
use super::pki::{
    AAGUID_EXTENSION, ATTESTATION_KEY, Certificate, FIDO_SUBJECT, Key, ROOT, basic_constraints,
    critical, extension, name,
};
use super::{Statement, entry, register, signed_data, x5c};
use crate::ceremony::Registered;

/// What the authenticator of the software authenticator's make is called.
const AAGUID: &[u8; 16] = b"doorward-testing";

/// What a statement is made of.
pub struct Parts {
    pub algorithm: i64,
    pub signed: Vec<u8>,
    pub key: Arc<Key>,
    pub leaf: Certificate,
}

impl Parts {
    pub fn new(input: &AttestationInput<'_>) -> Self {
        Self::by(&ATTESTATION_KEY, input)
    }

    fn by(key: &Arc<Key>, input: &AttestationInput<'_>) -> Self {
        Self {
            algorithm: key.cose_algorithm(),
            signed: signed_data(input),
            key: key.clone(),
            leaf: Certificate::fido(key.public()),
        }
    }

    pub fn statement(&self) -> Statement {
        self.statement_with(&[ROOT.issue(&self.leaf)])
    }

    pub fn statement_with(&self, chain: &[Vec<u8>]) -> Statement {
        let statement = cbor::map(&[
            entry("alg", cbor::integer(self.algorithm)),
            entry("sig", cbor::bytes(&self.key.sign(&self.signed))),
            x5c(chain),
        ]);
        ("packed".to_owned(), statement)
    }
}

fn packed(change: impl Fn(&mut Parts) + Send + Sync + 'static) -> Registered {
    register(Format::Packed, move |input| {
        let mut parts = Parts::new(input);
        change(&mut parts);
        parts.statement()
    })
}

fn refused(change: impl Fn(&mut Parts) + Send + Sync + 'static) -> Refusal {
    packed(change).unwrap_err()
}

/// Refused with these attributes of the subject.
fn refused_subject(attributes: &'static [(&str, &str)]) -> Refusal {
    refused(|parts| parts.leaf.subject = name(attributes))
}

/// Refused with this extension beside Basic Constraints.
fn refused_extension(extension: Vec<u8>) -> Refusal {
    refused(move |parts| parts.leaf.extensions.push(extension.clone()))
}

/// Item 29.
#[test]
fn a_packed_attestation_is_accepted_and_reported() {
    let registered = packed(|_| {}).unwrap();

    assert_eq!(registered.format(), Format::Packed);
    assert_eq!(registered.aaguid(), *AAGUID);
}

/// Item 29.
#[test]
fn attestation_keys_of_each_kind_are_accepted() {
    for key in [
        Key::p256(),
        Key::p384(),
        Key::p521(),
        Key::ed25519(),
        Key::rsa(),
        Key::rsa_by(-258),
        Key::rsa_by(-259),
    ] {
        let key = Arc::new(key);
        let algorithm = key.cose_algorithm();

        let verdict = register(Format::Packed, move |input| {
            Parts::by(&key, input).statement()
        });

        assert_eq!(verdict.unwrap().format(), Format::Packed, "{algorithm}");
    }
}

/// Item 29.
#[test]
fn an_attestation_signature_by_another_key_is_refused() {
    let verdict = refused(|parts| parts.key = Key::p256().into());

    assert_eq!(verdict, Refusal::AttestationSignature);
}

/// Item 29.
#[test]
fn an_attestation_signature_over_other_bytes_is_refused() {
    for at in [0, 37, 100] {
        let verdict = refused(move |parts| parts.signed[at] ^= 1);

        assert_eq!(verdict, Refusal::AttestationSignature);
    }
    let verdict = refused(|parts| parts.signed.truncate(parts.signed.len() - 32));

    assert_eq!(verdict, Refusal::AttestationSignature);
}

/// Item 29.
#[test]
fn an_attestation_by_another_algorithm_than_its_keys_is_refused() {
    // The rest are Ed448, RSA with SHA-1, PSS, and nothing at all.
    for algorithm in [-8, -35, -36, -257, -258, -259, -53, -65535, -37, 0] {
        let verdict = refused(move |parts| parts.algorithm = algorithm);

        assert_eq!(verdict, Refusal::AttestationAlgorithm, "{algorithm}");
    }
}

/// Item 29.
#[test]
fn an_attestation_by_another_curve_of_edwards_is_refused() {
    let key = Arc::new(Key::ed25519());

    let verdict = register(Format::Packed, move |input| {
        let mut parts = Parts::by(&key, input);
        // Ed448.
        parts.algorithm = -53;
        parts.statement()
    });

    assert_eq!(verdict.unwrap_err(), Refusal::AttestationAlgorithm);
}

/// Item 29.
#[test]
fn an_attestation_by_rsa_that_claims_sha_1_is_refused() {
    let key = Arc::new(Key::rsa());

    let verdict = register(Format::Packed, move |input| {
        let mut parts = Parts::by(&key, input);
        parts.algorithm = -65535;
        parts.statement()
    });

    assert_eq!(verdict.unwrap_err(), Refusal::AttestationAlgorithm);
}

/// Item 29.
#[test]
fn a_subject_in_another_shape_is_refused() {
    let [country, vendor, purpose, model] = FIDO_SUBJECT.map(|(id, value)| [oid(id), utf8(value)]);
    let teletex = [oid("2.5.4.11"), tagged(0x14, b"Authenticator Attestation")];
    let printable = [oid("2.5.4.11"), tagged(0x13, b"Authenticator Attestation")];
    let named = |purpose: &[Vec<u8>], shape: fn(&[Vec<u8>]) -> Vec<u8>| {
        let attributes = [&country, &vendor, purpose, &model];
        sequence(&attributes.map(|pair| shape(&[sequence(pair)])))
    };
    for (subject, expected) in [
        (named(&purpose, set), Ok(Format::Packed)),
        (named(&printable, set), Ok(Format::Packed)),
        (named(&teletex, set), Err(Refusal::AttestationRequirements)),
        (
            named(&purpose, sequence),
            Err(Refusal::AttestationRequirements),
        ),
    ] {
        let verdict = packed(move |parts| parts.leaf.subject.clone_from(&subject));

        assert_eq!(verdict.map(|verified| verified.format()), expected);
    }
}

/// Item 29.
#[test]
fn an_attestation_certificate_of_an_older_version_is_refused() {
    for version in [0, 1, 3] {
        let verdict = refused(move |parts| parts.leaf.version = version);

        assert_eq!(verdict, Refusal::AttestationRequirements, "{version}");
    }
}

/// Item 29.
#[test]
fn an_attestation_certificate_names_its_country_vendor_purpose_and_model() {
    for missing in 0..FIDO_SUBJECT.len() {
        let mut attributes = FIDO_SUBJECT.to_vec();
        attributes.remove(missing);
        let subject = name(&attributes);

        let verdict = refused(move |parts| parts.leaf.subject.clone_from(&subject));

        assert_eq!(verdict, Refusal::AttestationRequirements, "{missing}");
    }
    for wrong in 0..FIDO_SUBJECT.len() {
        for value in [
            "",
            "Sweden",
            "SWE",
            "se",
            "authenticator attestation",
            "\u{fffd}",
        ] {
            let mut attributes = FIDO_SUBJECT.to_vec();
            attributes[wrong].1 = value;
            let subject = name(&attributes);
            let free = matches!(attributes[wrong].0, "2.5.4.10" | "2.5.4.3");

            let verdict = packed(move |parts| parts.leaf.subject.clone_from(&subject));

            let expected = if free && !value.is_empty() {
                Ok(Format::Packed)
            } else {
                Err(Refusal::AttestationRequirements)
            };
            assert_eq!(
                verdict.map(|verified| verified.format()),
                expected,
                "{wrong} {value}"
            );
        }
    }
}

/// Item 29.
#[test]
fn an_attestation_certificate_with_two_purposes_is_refused() {
    let verdict = refused_subject(&[
        FIDO_SUBJECT[0],
        FIDO_SUBJECT[1],
        FIDO_SUBJECT[2],
        ("2.5.4.11", "Something Else"),
        FIDO_SUBJECT[3],
    ]);

    assert_eq!(verdict, Refusal::AttestationRequirements);
    assert_eq!(refused_subject(&[]), Refusal::AttestationRequirements);
}

/// Item 29.
#[test]
fn an_attestation_certificate_that_may_issue_others_is_refused() {
    let verdict = refused(|parts| parts.leaf.extensions = vec![basic_constraints(true)]);

    assert_eq!(verdict, Refusal::AttestationRequirements);
}

/// Item 29.
#[test]
fn an_attestation_certificate_says_whether_it_may_issue_others() {
    for extensions in [
        vec![],
        vec![basic_constraints(false), basic_constraints(false)],
        vec![critical("2.5.29.19", &integer(0))],
        vec![critical("2.5.29.19", &[])],
    ] {
        let verdict = refused(move |parts| parts.leaf.extensions.clone_from(&extensions));

        assert_eq!(verdict, Refusal::AttestationRequirements);
    }
}

/// Item 29.
#[test]
fn an_attestation_certificate_for_its_make_is_accepted() {
    let verdict = packed(|parts| {
        let aaguid = extension(AAGUID_EXTENSION, &octets(AAGUID));
        parts.leaf.extensions.push(aaguid);
    });

    assert_eq!(verdict.unwrap().aaguid(), *AAGUID);
}

/// Item 29.
#[test]
fn an_attestation_certificate_for_another_make_is_refused() {
    for other in [[0; 16], *b"doorward-Testing"] {
        let verdict = refused_extension(extension(AAGUID_EXTENSION, &octets(&other)));

        assert_eq!(verdict, Refusal::AttestationAaguid);
    }
}

/// Item 29.
#[test]
fn an_attestation_certificate_with_a_malformed_make_is_refused() {
    let twice = [octets(AAGUID), vec![0]].concat();
    for value in [
        octets(&AAGUID[1..]),
        octets(&[0; 17]),
        octets(&[]),
        AAGUID.to_vec(),
        utf8("doorward-testing"),
        twice,
        vec![],
    ] {
        let verdict = refused_extension(extension(AAGUID_EXTENSION, &value));

        assert_eq!(verdict, Refusal::AttestationRequirements, "{value:02x?}");
    }
}

/// Item 29.
#[test]
fn an_attestation_certificate_with_a_critical_or_repeated_make_is_refused() {
    let make = extension(AAGUID_EXTENSION, &octets(AAGUID));
    let repeated = [make.clone(), make].concat();

    for extension in [critical(AAGUID_EXTENSION, &octets(AAGUID)), repeated] {
        assert_eq!(
            refused_extension(extension),
            Refusal::AttestationRequirements
        );
    }
}

/// Item 29.
#[test]
fn an_attestation_certificate_for_enterprises_is_refused() {
    let serial_number = extension("1.3.6.1.4.1.45724.1.1.2", &octets(b"0001"));

    assert_eq!(
        refused_extension(serial_number),
        Refusal::AttestationRequirements
    );
}

/// Item 29.
#[test]
fn an_attestation_certificate_with_an_unknown_critical_extension_is_refused() {
    let unknown = critical("1.3.6.1.4.1.99999.1", &octets(b"?"));

    assert_eq!(refused_extension(unknown), Refusal::AttestationRequirements);
}

/// Item 29.
#[test]
fn an_attestation_certificate_in_another_shape_is_refused() {
    type Change = fn(Vec<u8>) -> Vec<u8>;
    let changes: [Change; 6] = [
        |_| Vec::new(),
        |_| b"certificate".to_vec(),
        |der| [der, vec![0]].concat(),
        |der| sequence(&[der]),
        |der| tagged(0x31, &der[4..]),
        |der| sequence(&[der[4..].to_vec(), integer(0)]),
    ];
    for change in changes {
        let verdict = register(Format::Packed, move |input| {
            let parts = Parts::new(input);
            parts.statement_with(&[change(ROOT.issue(&parts.leaf))])
        });

        assert_eq!(verdict.unwrap_err(), Refusal::AttestationRequirements);
    }
}

/// Item 29.
#[test]
fn an_attestation_certificate_that_is_cut_short_is_refused_wherever() {
    let length = ROOT
        .issue(&Certificate::fido(ATTESTATION_KEY.public()))
        .len();
    for cut in (0..length - 10).step_by(7) {
        let verdict = register(Format::Packed, move |input| {
            let parts = Parts::new(input);
            parts.statement_with(&[ROOT.issue(&parts.leaf)[..cut].to_vec()])
        });

        assert_eq!(
            verdict.unwrap_err(),
            Refusal::AttestationRequirements,
            "{cut}"
        );
    }
}
