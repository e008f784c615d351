//! `fido-u2f`.

use std::sync::Arc;

use doorward_webauthn::testing::{Attest, AttestationInput, Overrides, cbor};
use doorward_webauthn::{Algorithm, Format, Refusal, TrustAnchors};

use super::pki::{ATTESTATION_KEY, Certificate, Key, NOW, ROOT};
use super::{Statement, entry, point, register, register_in, x5c};
use crate::ceremony::{Ceremony, Registered};

/// What a statement is made of.
pub struct Parts {
    /// What is signed: a zero, the RP ID's hash, the client data's, the credential id, and the key.
    signed: [Vec<u8>; 5],
    key: Arc<Key>,
    leaf: Certificate,
}

impl Parts {
    pub fn new(input: &AttestationInput<'_>) -> Self {
        let signed = [
            vec![0],
            input.authenticator_data[..32].to_vec(),
            input.client_data_hash.to_vec(),
            input.passkey.id.clone(),
            point(input),
        ];
        Self::over(signed)
    }

    fn over(signed: [Vec<u8>; 5]) -> Self {
        Self {
            signed,
            key: ATTESTATION_KEY.clone(),
            // Older certificates have no extension at all.
            leaf: Certificate {
                extensions: vec![],
                ..Certificate::authority("Security Key 1", ATTESTATION_KEY.public())
            },
        }
    }

    pub fn statement(&self) -> Statement {
        self.statement_with(&[ROOT.issue(&self.leaf)])
    }

    fn statement_with(&self, chain: &[Vec<u8>]) -> Statement {
        let signature = self.key.sign(&self.signed.concat());
        let statement = cbor::map(&[x5c(chain), entry("sig", cbor::bytes(&signature))]);
        ("fido-u2f".to_owned(), statement)
    }
}

fn fido_u2f(change: impl Fn(&mut Parts) + Send + Sync + 'static) -> Registered {
    register(Format::FidoU2f, move |input| {
        let mut parts = Parts::new(input);
        change(&mut parts);
        parts.statement()
    })
}

/// Item 29.
#[test]
fn a_u2f_attestation_is_accepted_and_reported() {
    assert_eq!(fido_u2f(|_| {}).unwrap().format(), Format::FidoU2f);
}

/// Item 29.
#[test]
fn a_u2f_signature_covers_each_of_its_parts() {
    for part in 0..5 {
        let changed = fido_u2f(move |parts| *parts.signed[part].last_mut().unwrap() ^= 1);
        let missing = fido_u2f(move |parts| parts.signed[part].clear());

        assert_eq!(
            changed.unwrap_err(),
            Refusal::AttestationSignature,
            "{part}"
        );
        assert_eq!(
            missing.unwrap_err(),
            Refusal::AttestationSignature,
            "{part}"
        );
    }
}

/// Item 29.
#[test]
fn a_u2f_signature_by_another_key_is_refused() {
    let verdict = fido_u2f(|parts| parts.key = Key::p256().into());

    assert_eq!(verdict.unwrap_err(), Refusal::AttestationSignature);
}

/// Item 29.
#[test]
fn a_u2f_certificate_with_a_key_that_is_not_on_p_256_is_refused() {
    for key in [Key::p384(), Key::p521(), Key::ed25519(), Key::rsa()] {
        let key = Arc::new(key);

        let verdict = fido_u2f(move |parts| {
            parts.leaf.public_key = key.public();
            parts.key = key.clone();
        });

        assert_eq!(verdict.unwrap_err(), Refusal::AttestationRequirements);
    }
}

/// Item 29.
#[test]
fn a_u2f_statement_has_one_certificate() {
    let verdict = register(Format::FidoU2f, |input| {
        let parts = Parts::new(input);
        parts.statement_with(&[ROOT.issue(&parts.leaf), ROOT.certificate.clone()])
    });

    assert_eq!(verdict.unwrap_err(), Refusal::AttestationRequirements);
}

/// Item 29.
#[test]
fn a_u2f_attestation_of_a_key_that_is_not_on_p_256_is_refused() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Rs256] {
        let mut ceremony = Ceremony::with(algorithm);
        ceremony.policy.formats = vec![Format::FidoU2f];
        let anchors = TrustAnchors::new([(Format::FidoU2f, &ROOT.certificate)]).unwrap();
        let overrides = Overrides {
            attest: Attest::new(|_| Parts::over([const { vec![] }; 5]).statement()),
            ..Overrides::default()
        };

        let verdict = register_in(&mut ceremony, &overrides, &anchors, NOW);

        assert_eq!(verdict.unwrap_err(), Refusal::AttestationKey);
    }
}
