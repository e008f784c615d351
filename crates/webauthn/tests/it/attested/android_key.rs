//! `android-key`.

use doorward_webauthn::testing::{Attest, AttestationInput, Overrides, cbor};
use doorward_webauthn::{Algorithm, Format, Refusal, TrustAnchors};

use super::der::{explicit, integer, null, octets, sequence, set, tagged};
use super::pki::{Certificate, Key, NOW, ROOT, extension, public_ed25519, public_p256, public_rsa};
use super::{Statement, edwards, entry, modulus, point, register, register_in, signed_data, x5c};
use crate::ceremony::{Ceremony, Registered};

const KEY_DESCRIPTION: &str = "1.3.6.1.4.1.11129.2.1.17";

/// What a statement is made of.
pub struct Parts {
    algorithm: i64,
    signature: Vec<u8>,
    leaf: Certificate,
    challenge: Vec<u8>,
    software: Vec<Vec<u8>>,
    hardware: Vec<Vec<u8>>,
    /// What follows the two lists.
    after: Vec<u8>,
    /// The whole extension, instead.
    extensions: Option<Vec<Vec<u8>>>,
}

impl Parts {
    pub fn new(input: &AttestationInput<'_>) -> Self {
        let (algorithm, public_key) = match input.passkey.algorithm() {
            Algorithm::Rs256 => (-257, public_rsa(&modulus(input))),
            Algorithm::EdDsa => (-8, public_ed25519(&edwards(input))),
            _ => (-7, public_p256(&point(input))),
        };
        Self {
            algorithm,
            signature: input.passkey.sign(&signed_data(input)),
            // Android's certificates have neither our subject nor Basic Constraints.
            leaf: Certificate {
                extensions: vec![],
                ..Certificate::authority("Android Keystore Key", public_key)
            },
            challenge: input.client_data_hash.to_vec(),
            // When it was made.
            software: vec![explicit(701, &integer(1))],
            hardware: vec![purpose(&[2]), explicit(2, &integer(3)), origin(0)],
            after: vec![],
            extensions: None,
        }
    }

    pub fn statement(&self) -> Statement {
        let level = |level| tagged(0x0a, &[level]);
        let description = sequence(&[
            integer(3),
            level(1),
            integer(4),
            level(1),
            octets(&self.challenge),
            octets(&[]),
            sequence(&self.software),
            sequence(&self.hardware),
            self.after.clone(),
        ]);
        let mut leaf = self.leaf.clone();
        leaf.extensions = self
            .extensions
            .clone()
            .unwrap_or_else(|| vec![extension(KEY_DESCRIPTION, &description)]);
        let statement = cbor::map(&[
            entry("alg", cbor::integer(self.algorithm)),
            entry("sig", cbor::bytes(&self.signature)),
            x5c(&[ROOT.issue(&leaf)]),
        ]);
        ("android-key".to_owned(), statement)
    }
}

fn purpose(purposes: &[u8]) -> Vec<u8> {
    let purposes: Vec<_> = purposes.iter().map(|&purpose| integer(purpose)).collect();
    explicit(1, &set(&purposes))
}

fn origin(origin: u8) -> Vec<u8> {
    explicit(702, &integer(origin))
}

fn android_key(change: impl Fn(&mut Parts) + Send + Sync + 'static) -> Registered {
    register(Format::AndroidKey, move |input| {
        let mut parts = Parts::new(input);
        change(&mut parts);
        parts.statement()
    })
}

fn refused(change: impl Fn(&mut Parts) + Send + Sync + 'static) -> Refusal {
    android_key(change).unwrap_err()
}

/// Item 29.
#[test]
fn an_android_key_attestation_is_accepted_and_reported() {
    assert_eq!(android_key(|_| {}).unwrap().format(), Format::AndroidKey);
}

/// Item 29.
#[test]
fn an_android_key_of_another_kind_is_accepted() {
    for algorithm in [Algorithm::Rs256, Algorithm::EdDsa] {
        let mut ceremony = Ceremony::with(algorithm);
        ceremony.policy.formats = vec![Format::AndroidKey];
        let anchors = TrustAnchors::new([(Format::AndroidKey, &ROOT.certificate)]).unwrap();
        let overrides = Overrides {
            attest: Attest::new(|input| Parts::new(input).statement()),
            ..Overrides::default()
        };

        let verdict = register_in(&mut ceremony, &overrides, &anchors, NOW);

        assert_eq!(verdict.unwrap().format(), Format::AndroidKey);
    }
}

/// Item 29.
#[test]
fn a_wrong_android_key_signature_is_refused() {
    let verdict = refused(|parts| *parts.signature.last_mut().unwrap() ^= 1);

    assert_eq!(verdict, Refusal::AttestationSignature);
}

/// Item 29.
#[test]
fn an_android_key_signature_by_another_algorithm_is_refused() {
    for algorithm in [-257, -35, -8, -53, -65535] {
        let verdict = refused(move |parts| parts.algorithm = algorithm);

        assert_eq!(verdict, Refusal::AttestationAlgorithm, "{algorithm}");
    }
}

/// Item 29.
#[test]
fn a_certificate_for_another_android_key_is_refused() {
    for key in [Key::p256(), Key::ed25519(), Key::rsa()] {
        let verdict = register(Format::AndroidKey, move |input| {
            let mut parts = Parts::new(input);
            parts.algorithm = key.cose_algorithm();
            parts.signature = key.sign(&signed_data(input));
            parts.leaf.public_key = key.public();
            parts.statement()
        });

        assert_eq!(verdict.unwrap_err(), Refusal::AttestationKey);
    }
}

/// Item 29.
#[test]
fn an_android_key_made_for_another_challenge_is_refused() {
    let changes: [fn(&mut Vec<u8>); 3] = [|hash| hash[0] ^= 1, |hash| hash.push(0), Vec::clear];
    for change in changes {
        let verdict = refused(move |parts| change(&mut parts.challenge));

        assert_eq!(verdict, Refusal::AttestationCeremony);
    }
}

/// Item 29.
#[test]
fn an_android_key_for_all_applications_is_refused() {
    let software = refused(|parts| parts.software.insert(0, explicit(600, &null())));
    let hardware = refused(|parts| parts.hardware.insert(2, explicit(600, &null())));

    assert_eq!(software, Refusal::AttestationAuthorization);
    assert_eq!(hardware, Refusal::AttestationAuthorization);
}

/// Item 29.
#[test]
fn an_android_key_that_was_not_generated_is_refused() {
    // Derived, imported, unknown, securely imported.
    for other in 1..=4 {
        let hardware = refused(move |parts| parts.hardware[2] = origin(other));
        let software = refused(move |parts| parts.software.push(origin(other)));

        assert_eq!(hardware, Refusal::AttestationAuthorization);
        assert_eq!(software, Refusal::AttestationAuthorization);
    }
    let silent = refused(|parts| drop(parts.hardware.remove(2)));

    assert_eq!(silent, Refusal::AttestationAuthorization);
}

/// Item 29.
#[test]
fn an_android_key_that_is_not_for_signing_alone_is_refused() {
    for purposes in [&[][..], &[0], &[3], &[1, 2], &[2, 3]] {
        let hardware = refused(move |parts| parts.hardware[0] = purpose(purposes));

        assert_eq!(hardware, Refusal::AttestationAuthorization, "{purposes:?}");
    }
    let software = refused(|parts| parts.software.insert(0, purpose(&[0])));
    let silent = refused(|parts| drop(parts.hardware.remove(0)));

    assert_eq!(software, Refusal::AttestationAuthorization);
    assert_eq!(silent, Refusal::AttestationAuthorization);
}

/// Item 29.
#[test]
fn an_android_key_that_software_describes_is_accepted() {
    let verdict = android_key(|parts| {
        parts.software = std::mem::take(&mut parts.hardware);
    });

    assert!(verdict.is_ok());
}

/// Item 29.
#[test]
fn an_android_certificate_without_a_description_is_refused() {
    for extensions in [
        vec![],
        vec![extension(KEY_DESCRIPTION, &[])],
        vec![extension(KEY_DESCRIPTION, &sequence(&[]))],
        vec![extension(KEY_DESCRIPTION, &octets(b"description"))],
    ] {
        let verdict = refused(move |parts| parts.extensions = Some(extensions.clone()));

        assert_eq!(verdict, Refusal::AttestationRequirements);
    }
}

/// Item 29.
#[test]
fn an_android_description_in_another_shape_is_refused() {
    let changes: [fn(&mut Parts); 7] = [
        |parts| parts.after = vec![0],
        |parts| parts.after = null(),
        |parts| parts.hardware[0] = explicit(1, &integer(2)),
        |parts| parts.hardware[0] = explicit(1, &sequence(&[integer(2)])),
        |parts| parts.hardware[0] = explicit(1, &set(&[octets(&[2])])),
        |parts| parts.hardware[2] = explicit(702, &octets(&[0])),
        |parts| parts.hardware[2] = explicit(702, &[integer(0), integer(0)].concat()),
    ];
    for change in changes {
        assert_eq!(refused(change), Refusal::AttestationRequirements);
    }
}
