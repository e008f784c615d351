//! `apple`.

use aws_lc_rs::digest::{SHA256, digest};
use doorward_webauthn::testing::{AttestationInput, cbor};
use doorward_webauthn::{Format, Refusal};

use super::der::{explicit, octets, sequence};
use super::pki::{Certificate, Key, ROOT, extension, public_p256};
use super::{Statement, entry, point, register, signed_data, x5c};
use crate::ceremony::Registered;

const NONCE: &str = "1.2.840.113635.100.8.2";

/// What a statement is made of.
pub struct Parts {
    leaf: Certificate,
    nonce: Vec<u8>,
    /// All extensions, instead.
    extensions: Option<Vec<Vec<u8>>>,
}

impl Parts {
    pub fn new(input: &AttestationInput<'_>) -> Self {
        Self {
            leaf: Certificate::fido(public_p256(&point(input))),
            nonce: digest(&SHA256, &signed_data(input)).as_ref().to_vec(),
            extensions: None,
        }
    }

    pub fn statement(&self) -> Statement {
        ("apple".to_owned(), cbor::map(&[self.x5c()]))
    }

    fn x5c(&self) -> (Vec<u8>, Vec<u8>) {
        let mut leaf = self.leaf.clone();
        match &self.extensions {
            Some(extensions) => leaf.extensions.clone_from(extensions),
            None => leaf.extensions.push(nonce(&self.nonce)),
        }
        x5c(&[ROOT.issue(&leaf)])
    }
}

fn nonce(nonce: &[u8]) -> Vec<u8> {
    extension(NONCE, &sequence(&[explicit(1, &octets(nonce))]))
}

fn apple(change: impl Fn(&mut Parts) + Send + Sync + 'static) -> Registered {
    register(Format::Apple, move |input| {
        let mut parts = Parts::new(input);
        change(&mut parts);
        parts.statement()
    })
}

/// Item 29.
#[test]
fn an_apple_attestation_is_accepted_and_reported() {
    assert_eq!(apple(|_| {}).unwrap().format(), Format::Apple);
}

/// Item 29.
#[test]
fn an_apple_statement_may_name_an_algorithm() {
    let verdict = register(Format::Apple, |input| {
        let parts = Parts::new(input);
        let statement = cbor::map(&[entry("alg", cbor::integer(-7)), parts.x5c()]);
        ("apple".to_owned(), statement)
    });

    assert!(verdict.is_ok());
}

/// Item 29.
#[test]
fn an_apple_attestation_for_another_ceremony_is_refused() {
    let changes: [fn(&mut Vec<u8>); 4] = [
        |nonce| nonce[0] ^= 1,
        |nonce| nonce.push(0),
        |nonce| nonce.truncate(31),
        Vec::clear,
    ];
    for change in changes {
        let verdict = apple(move |parts| change(&mut parts.nonce));

        assert_eq!(verdict.unwrap_err(), Refusal::AttestationCeremony);
    }
}

/// Item 29.
#[test]
fn an_apple_certificate_without_a_nonce_is_refused() {
    for extensions in [
        vec![],
        vec![nonce(&[0; 32]), nonce(&[0; 32])],
        vec![extension(NONCE, &octets(&[0; 32]))],
        vec![extension(NONCE, &[])],
        vec![extension(NONCE, &sequence(&[octets(&[0; 32])]))],
        vec![extension(
            NONCE,
            &sequence(&[explicit(1, &octets(&[0; 32])), octets(&[])]),
        )],
    ] {
        let verdict = apple(move |parts| parts.extensions = Some(extensions.clone()));

        assert_eq!(verdict.unwrap_err(), Refusal::AttestationRequirements);
    }
}

/// Item 29.
#[test]
fn an_apple_certificate_for_the_same_point_on_another_curve_is_refused() {
    let p256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let verdict = apple(move |parts| {
        let key = &mut parts.leaf.public_key;
        let at = key.windows(8).position(|id| id == p256).unwrap();
        // secp192r1.
        key[at + 7] = 1;
    });

    assert_eq!(verdict.unwrap_err(), Refusal::AttestationKey);
}

/// Item 29.
#[test]
fn an_apple_certificate_for_another_key_is_refused() {
    for key in [Key::p256(), Key::p384(), Key::rsa()] {
        let public_key = key.public();

        let verdict = apple(move |parts| parts.leaf.public_key.clone_from(&public_key));

        assert_eq!(verdict.unwrap_err(), Refusal::AttestationKey);
    }
}
