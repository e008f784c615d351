//! `tpm`.

use std::sync::Arc;

use aws_lc_rs::digest::{self, SHA256, digest};
use doorward_webauthn::testing::{Attest, AttestationInput, Overrides, cbor};
use doorward_webauthn::{Algorithm, Format, Refusal, TrustAnchors};

use super::der::{explicit, octets, oid, sequence, set, utf8};
use super::pki::{
    AAGUID_EXTENSION, ATTESTATION_KEY, Certificate, Key, NOW, ROOT, basic_constraints, critical,
    extension, name,
};
use super::{Statement, entry, modulus, point, register, register_in, signed_data, x5c};
use crate::ceremony::{Ceremony, Registered};

const SAN: &str = "2.5.29.17";
const EKU: &str = "2.5.29.37";
const AIK: &str = "2.23.133.8.3";

const DEVICE: [(&str, &str); 3] = [
    ("2.23.133.2.1", "id:494E5443"),
    ("2.23.133.2.2", "Example TPM"),
    ("2.23.133.2.3", "id:00020000"),
];

/// What a statement is made of.
pub struct Parts {
    version: &'static str,
    algorithm: i64,
    key: Arc<Key>,
    leaf: Certificate,
    attest: Attested,
    public: Vec<u8>,
    /// What is signed instead of the attestation.
    signed: Option<Vec<u8>>,
}

/// A `TPMS_ATTEST`, field by field.
struct Attested {
    magic: u32,
    kind: u16,
    extra_data: Vec<u8>,
    name: Option<Vec<u8>>,
    after: Vec<u8>,
}

impl Parts {
    pub fn new(input: &AttestationInput<'_>) -> Self {
        Self::with(&ATTESTATION_KEY, &SHA256, input)
    }

    fn with(
        key: &Arc<Key>,
        hash: &'static digest::Algorithm,
        input: &AttestationInput<'_>,
    ) -> Self {
        Self {
            version: "2.0",
            algorithm: key.cose_algorithm(),
            key: key.clone(),
            leaf: identity(key.public()),
            attest: Attested {
                magic: 0xff54_4347,
                kind: 0x8017,
                extra_data: digest(hash, &signed_data(input)).as_ref().to_vec(),
                name: None,
                after: Vec::new(),
            },
            public: match input.passkey.algorithm() {
                Algorithm::Rs256 => public_rsa(&modulus(input), [0; 4]),
                _ => public_p256(&point(input)),
            },
            signed: None,
        }
    }

    pub fn statement(&self) -> Statement {
        let name = [&self.public[2..4], digest(&SHA256, &self.public).as_ref()].concat();
        let information = self.attest.bytes(&name);
        let signature = self.key.sign(self.signed.as_ref().unwrap_or(&information));
        let statement = cbor::map(&[
            entry("ver", cbor::text(self.version)),
            entry("alg", cbor::integer(self.algorithm)),
            x5c(&[ROOT.issue(&self.leaf)]),
            entry("sig", cbor::bytes(&signature)),
            entry("certInfo", cbor::bytes(&information)),
            entry("pubArea", cbor::bytes(&self.public)),
        ]);
        ("tpm".to_owned(), statement)
    }
}

impl Attested {
    fn bytes(&self, name: &[u8]) -> Vec<u8> {
        let fields = [
            self.magic.to_be_bytes().to_vec(),
            self.kind.to_be_bytes().to_vec(),
            sized(b"signer"),
            sized(&self.extra_data),
            vec![7; 17],
            vec![8; 8],
            sized(self.name.as_deref().unwrap_or(name)),
            sized(b"qualified"),
            self.after.clone(),
        ];
        fields.concat()
    }
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes()[..], bytes].concat()
}

/// The public area of a key on P-256, hashed by SHA-256 for its name.
fn public_p256(point: &[u8]) -> Vec<u8> {
    let fixed = [
        0, 0x23, 0, 0x0b, 0, 4, 0, 0, 0, 0, 0, 0x10, 0, 0x10, 0, 3, 0, 0x10,
    ];
    [&fixed[..], &sized(&point[1..33]), &sized(&point[33..])].concat()
}

/// The public area of an RSA key, with an exponent in the TPM's form.
fn public_rsa(modulus: &[u8], exponent: [u8; 4]) -> Vec<u8> {
    // RSASSA with SHA-256, and a policy.
    let fixed = [
        &[0, 1, 0, 0x0b, 0, 4, 0, 0][..],
        &sized(b"policy"),
        &[0, 0x10, 0, 0x14, 0, 0x0b, 8, 0],
        &exponent,
    ];
    [&fixed.concat()[..], &sized(modulus)].concat()
}

fn identity(public_key: Vec<u8>) -> Certificate {
    Certificate {
        subject: name(&[]),
        extensions: vec![
            basic_constraints(false),
            usage(&[AIK]),
            device(&name(&DEVICE)),
        ],
        ..Certificate::fido(public_key)
    }
}

fn usage(purposes: &[&str]) -> Vec<u8> {
    let purposes: Vec<_> = purposes.iter().map(|purpose| oid(purpose)).collect();
    extension(EKU, &sequence(&purposes))
}

fn device(name: &[u8]) -> Vec<u8> {
    critical(SAN, &sequence(&[explicit(4, name)]))
}

fn tpm(change: impl Fn(&mut Parts) + Send + Sync + 'static) -> Registered {
    register(Format::Tpm, move |input| {
        let mut parts = Parts::new(input);
        change(&mut parts);
        parts.statement()
    })
}

fn refused(change: impl Fn(&mut Parts) + Send + Sync + 'static) -> Refusal {
    tpm(change).unwrap_err()
}

fn refused_extensions(extensions: Vec<Vec<u8>>) -> Refusal {
    refused(move |parts| parts.leaf.extensions.clone_from(&extensions))
}

/// Item 29.
#[test]
fn a_tpm_attestation_is_accepted_and_reported() {
    assert_eq!(tpm(|_| {}).unwrap().format(), Format::Tpm);
}

/// Item 29.
#[test]
fn a_tpm_attests_keys_and_with_keys_of_each_kind() {
    let keys = [
        (Key::p256(), &SHA256),
        (Key::p384(), &digest::SHA384),
        (Key::p521(), &digest::SHA512),
        (Key::rsa(), &SHA256),
    ];
    for (key, hash) in keys {
        let key = Arc::new(key);
        for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
            let mut ceremony = Ceremony::with(algorithm);
            ceremony.policy.formats = vec![Format::Tpm];
            let anchors = TrustAnchors::new([(Format::Tpm, &ROOT.certificate)]).unwrap();
            let key = key.clone();
            let overrides = Overrides {
                attest: Attest::new(move |input| Parts::with(&key, hash, input).statement()),
                ..Overrides::default()
            };

            let verdict = register_in(&mut ceremony, &overrides, &anchors, NOW);

            assert_eq!(verdict.unwrap().format(), Format::Tpm);
        }
    }
}

/// Item 29.
#[test]
fn a_tpm_may_spell_out_the_usual_exponent_but_no_other() {
    for (exponent, expected) in [
        ([0, 0, 0, 0], Ok(Format::Tpm)),
        ([0, 1, 0, 1], Ok(Format::Tpm)),
        ([0, 0, 0, 3], Err(Refusal::AttestationKey)),
        ([1, 0, 0, 1], Err(Refusal::AttestationKey)),
    ] {
        let mut ceremony = Ceremony::with(Algorithm::Rs256);
        ceremony.policy.formats = vec![Format::Tpm];
        let anchors = TrustAnchors::new([(Format::Tpm, &ROOT.certificate)]).unwrap();
        let overrides = Overrides {
            attest: Attest::new(move |input| {
                let mut parts = Parts::new(input);
                parts.public = public_rsa(&modulus(input), exponent);
                parts.statement()
            }),
            ..Overrides::default()
        };

        let verdict = register_in(&mut ceremony, &overrides, &anchors, NOW);

        assert_eq!(verdict.map(|verified| verified.format()), expected);
    }
}

#[test]
fn a_tpm_that_certified_another_rsa_key_is_refused() {
    let mut ceremony = Ceremony::with(Algorithm::Rs256);
    ceremony.policy.formats = vec![Format::Tpm];
    let anchors = TrustAnchors::new([(Format::Tpm, &ROOT.certificate)]).unwrap();
    let overrides = Overrides {
        attest: Attest::new(|input| {
            let mut parts = Parts::new(input);
            *parts.public.last_mut().unwrap() ^= 0x10;
            parts.statement()
        }),
        ..Overrides::default()
    };

    let verdict = register_in(&mut ceremony, &overrides, &anchors, NOW);

    assert_eq!(verdict.unwrap_err(), Refusal::AttestationKey);
}

/// Item 29.
#[test]
fn a_tpm_of_another_version_is_refused() {
    for version in ["1.2", "2", "2.00", ""] {
        let verdict = refused(move |parts| parts.version = version);

        assert_eq!(verdict, Refusal::AttestationStatement, "{version}");
    }
}

/// Item 29.
#[test]
fn a_tpm_that_certifies_another_key_is_refused() {
    for at in [18 + 2, 18 + 2 + 31, 18 + 34 + 2, 18 + 34 + 33] {
        let verdict = refused(move |parts| parts.public[at] ^= 1);

        assert_eq!(verdict, Refusal::AttestationKey, "{at}");
    }
}

/// Item 29.
#[test]
fn a_name_that_is_not_the_public_areas_is_refused() {
    type Rename = fn(&[u8]) -> Vec<u8>;
    let names: [Rename; 5] = [
        |_| Vec::new(),
        |hash| hash.to_vec(),
        |hash| [&[0, 0x0c], hash].concat(),
        |hash| [&[0, 0x0b], &hash[1..], &[0]].concat(),
        |hash| [&[0, 0x0b], hash, &[0]].concat(),
    ];
    for rename in names {
        let verdict = refused(move |parts| {
            parts.attest.name = Some(rename(digest(&SHA256, &parts.public).as_ref()));
        });

        assert_eq!(verdict, Refusal::AttestationKey);
    }
}

/// Item 29.
#[test]
fn a_name_by_each_hash_is_accepted_but_none_by_sha_1() {
    for (id, hash) in [
        (0x0b, Some(&SHA256)),
        (0x0c, Some(&digest::SHA384)),
        (0x0d, Some(&digest::SHA512)),
        (0x04, None),
        (0x10, None),
    ] {
        let verdict = tpm(move |parts| {
            parts.public[3] = id;
            let hash = digest(hash.unwrap_or(&SHA256), &parts.public);
            parts.attest.name = Some([&[0, id], hash.as_ref()].concat());
        });

        let expected = hash
            .map(|_| Format::Tpm)
            .ok_or(Refusal::AttestationStatement);
        assert_eq!(verdict.map(|verified| verified.format()), expected, "{id}");
    }
}

/// Item 29.
#[test]
fn an_attestation_that_no_tpm_generated_is_refused() {
    for magic in [0, 0xff54_4346, 0x4743_54ff] {
        let verdict = refused(move |parts| parts.attest.magic = magic);

        assert_eq!(verdict, Refusal::AttestationStatement);
    }
}

/// Item 29.
#[test]
fn a_tpms_attestation_of_something_else_than_a_key_is_refused() {
    // A quote, a creation, a time, and nothing.
    for kind in [0x8018, 0x801a, 0x8019, 0] {
        let verdict = refused(move |parts| parts.attest.kind = kind);

        assert_eq!(verdict, Refusal::AttestationStatement);
    }
}

/// Item 29.
#[test]
fn a_tpms_attestation_for_another_ceremony_is_refused() {
    let changes: [fn(&mut Vec<u8>); 4] = [
        |hash| hash[0] ^= 1,
        |hash| hash.push(0),
        |hash| hash.truncate(31),
        Vec::clear,
    ];
    for change in changes {
        let verdict = refused(move |parts| change(&mut parts.attest.extra_data));

        assert_eq!(verdict, Refusal::AttestationCeremony);
    }
}

/// Item 29.
#[test]
fn a_tpms_attestation_with_bytes_after_it_is_refused() {
    let information = refused(|parts| parts.attest.after.push(0));
    let public = refused(|parts| parts.public.push(0));

    assert_eq!(information, Refusal::AttestationStatement);
    assert_eq!(public, Refusal::AttestationStatement);
}

/// Item 29.
#[test]
fn a_public_area_that_is_cut_short_is_refused_wherever() {
    for cut in 0..86 {
        let verdict = refused(move |parts| parts.public.resize(cut.max(4), 0));

        let expected = Refusal::AttestationStatement;
        assert_eq!(verdict, expected, "{cut}");
    }
}

/// Item 29.
#[test]
fn a_public_area_of_a_key_that_is_not_a_passkeys_is_refused() {
    // Its kind, its symmetric algorithm, its scheme, its curve, its derivation.
    for (at, value) in [
        (1, 0x08),
        (1, 0x01),
        (11, 0x06),
        (13, 0x14),
        (13, 0x1a),
        (15, 4),
        (17, 0x20),
    ] {
        let verdict = refused(move |parts| parts.public[at] = value);

        assert_eq!(verdict, Refusal::AttestationStatement, "{at} {value}");
    }
}

/// Item 29.
#[test]
fn a_public_area_with_a_scheme_of_another_kind_is_refused() {
    // RSASSA, RSAPSS and ECDAA, each with SHA-256, for a key on a curve.
    for scheme in [0x14, 0x16, 0x1a] {
        let verdict = refused(move |parts| {
            parts.public.splice(12..14, [0, scheme, 0, 0x0b]);
        });

        assert_eq!(verdict, Refusal::AttestationStatement, "{scheme}");
    }
}

/// Item 29.
#[test]
fn a_public_area_of_an_rsa_key_with_a_scheme_of_another_kind_is_refused() {
    // RSAPSS, ECDSA and ECDAA, each with SHA-256.
    for scheme in [0x16, 0x18, 0x1a] {
        let mut ceremony = Ceremony::with(Algorithm::Rs256);
        ceremony.policy.formats = vec![Format::Tpm];
        let anchors = TrustAnchors::new([(Format::Tpm, &ROOT.certificate)]).unwrap();
        let overrides = Overrides {
            attest: Attest::new(move |input| {
                let mut parts = Parts::new(input);
                // After its policy and the symmetric algorithm that it has none of.
                assert_eq!(parts.public[18..20], [0, 0x14]);
                parts.public[19] = scheme;
                parts.statement()
            }),
            ..Overrides::default()
        };

        let verdict = register_in(&mut ceremony, &overrides, &anchors, NOW);

        assert_eq!(verdict.unwrap_err(), Refusal::AttestationStatement);
    }
}

/// Item 29.
#[test]
fn a_public_area_that_names_its_scheme_is_accepted() {
    let verdict = tpm(|parts| {
        // ECDSA with SHA-256.
        parts.public.splice(12..14, [0, 0x18, 0, 0x0b]);
    });

    assert!(verdict.is_ok());
}

/// Item 29.
#[test]
fn a_tpms_signature_must_be_its_keys_over_its_attestation() {
    let other_key = refused(|parts| parts.key = Key::p256().into());
    let other_bytes = refused(|parts| parts.signed = Some(b"another attestation".to_vec()));

    assert_eq!(other_key, Refusal::AttestationSignature);
    assert_eq!(other_bytes, Refusal::AttestationSignature);
}

/// Item 29.
#[test]
fn a_tpms_signature_by_another_algorithm_is_refused() {
    // EdDSA names no hash; −65535 is RSA with SHA-1, which some versions of Windows use.
    for algorithm in [-257, -8, -65535, -53, 0] {
        let verdict = refused(move |parts| parts.algorithm = algorithm);

        assert_eq!(verdict, Refusal::AttestationAlgorithm, "{algorithm}");
    }
}

/// Item 29.
#[test]
fn a_tpm_that_signs_by_eddsa_is_refused() {
    let key = Arc::new(Key::ed25519());

    let verdict = register(Format::Tpm, move |input| {
        Parts::with(&key, &SHA256, input).statement()
    });

    assert_eq!(verdict.unwrap_err(), Refusal::AttestationAlgorithm);
}

/// Item 29.
#[test]
fn an_identity_certificate_has_no_subject() {
    let verdict = refused(|parts| parts.leaf.subject = name(&[("2.5.4.3", "TPM")]));

    assert_eq!(verdict, Refusal::AttestationRequirements);
}

/// Item 29.
#[test]
fn an_identity_certificate_of_an_older_version_is_refused() {
    assert_eq!(
        refused(|parts| parts.leaf.version = 1),
        Refusal::AttestationRequirements
    );
}

/// Item 29.
#[test]
fn an_identity_certificate_may_name_a_host_before_its_tpm() {
    let verdict = tpm(|parts| {
        let names = [
            super::der::tagged(0x82, b"example.org"),
            explicit(4, &name(&DEVICE)),
        ];
        let alternatives = critical(SAN, &sequence(&names));
        parts.leaf.extensions = vec![basic_constraints(false), usage(&[AIK]), alternatives];
    });

    assert_eq!(verdict.unwrap().format(), Format::Tpm);
}

/// Item 29.
#[test]
fn an_identity_certificate_names_its_tpm() {
    let mut devices = vec![
        name(&[]),
        name(&[DEVICE[0], DEVICE[0], DEVICE[1], DEVICE[2]]),
        name(&[("2.23.133.2.1", "id:494E544"), DEVICE[1], DEVICE[2]]),
        name(&[("2.23.133.2.1", "id:494E544G"), DEVICE[1], DEVICE[2]]),
        name(&[("2.23.133.2.1", "494E5443"), DEVICE[1], DEVICE[2]]),
    ];
    devices.extend((0..3).map(|missing| {
        let mut attributes = DEVICE.to_vec();
        attributes.remove(missing);
        name(&attributes)
    }));
    for name in devices {
        let extensions = vec![basic_constraints(false), usage(&[AIK]), device(&name)];

        assert_eq!(
            refused_extensions(extensions),
            Refusal::AttestationRequirements
        );
    }
    let unnamed = vec![basic_constraints(false), usage(&[AIK])];
    let host = critical(SAN, &sequence(&[super::der::tagged(0x82, b"example.org")]));
    let named_otherwise = vec![basic_constraints(false), usage(&[AIK]), host];

    assert_eq!(
        refused_extensions(unnamed),
        Refusal::AttestationRequirements
    );
    assert_eq!(
        refused_extensions(named_otherwise),
        Refusal::AttestationRequirements
    );
}

/// Item 29.
#[test]
fn a_tpms_name_may_be_one_set() {
    let [manufacturer, model, version] =
        DEVICE.map(|(id, value)| sequence(&[oid(id), utf8(value)]));
    let name = sequence(&[set(&[version, model, manufacturer])]);

    let verdict = tpm(move |parts| {
        parts.leaf.extensions = vec![basic_constraints(false), usage(&[AIK]), device(&name)];
    });

    assert!(verdict.is_ok());
}

/// Item 29.
#[test]
fn an_identity_certificate_is_for_attestation() {
    let accepted = tpm(|parts| parts.leaf.extensions[1] = usage(&["1.3.6.1.5.5.7.3.2", AIK]));
    let other = refused(|parts| parts.leaf.extensions[1] = usage(&["2.23.133.8.1"]));
    let none = refused(|parts| drop(parts.leaf.extensions.remove(1)));

    assert!(accepted.is_ok());
    assert_eq!(other, Refusal::AttestationRequirements);
    assert_eq!(none, Refusal::AttestationRequirements);
}

/// Item 29.
#[test]
fn an_identity_certificate_that_may_issue_others_is_refused() {
    let authority = refused(|parts| parts.leaf.extensions[0] = basic_constraints(true));
    let silent = refused(|parts| drop(parts.leaf.extensions.remove(0)));

    assert_eq!(authority, Refusal::AttestationRequirements);
    assert_eq!(silent, Refusal::AttestationRequirements);
}

/// Item 29.
#[test]
fn an_identity_certificate_for_another_make_is_refused() {
    let make = |aaguid: &[u8; 16]| extension(AAGUID_EXTENSION, &octets(aaguid));
    let (own, other) = (make(b"doorward-testing"), make(&[0; 16]));

    let accepted = tpm(move |parts| parts.leaf.extensions.push(own.clone()));
    let refused = refused(move |parts| parts.leaf.extensions.push(other.clone()));

    assert!(accepted.is_ok());
    assert_eq!(refused, Refusal::AttestationAaguid);
}
