//! Certificates, and the keys that sign them.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RsaEncoding,
};

use super::der::{boolean, explicit, integer, null, octets, oid, sequence, set, tagged, utf8};

/// Noon of the first day of 2026, in seconds since 1970. Certificates of tests are valid that year.
pub const NOW: u64 = 1_767_268_800;

pub const AAGUID_EXTENSION: &str = "1.3.6.1.4.1.45724.1.1.4";

/// A key of any kind that an attestation certificate may have.
pub enum Key {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    P521(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    /// With the hash that it signs by, named by the algorithm in COSE.
    Rsa(RsaKeyPair, i64),
}

impl Key {
    pub fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    pub fn p384() -> Self {
        Self::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap())
    }

    pub fn p521() -> Self {
        Self::P521(EcdsaKeyPair::generate(&ECDSA_P521_SHA512_ASN1_SIGNING).unwrap())
    }

    pub fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub fn rsa() -> Self {
        Self::rsa_by(-257)
    }

    pub fn rsa_by(cose_algorithm: i64) -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        Self::Rsa(key, cose_algorithm)
    }

    pub fn cose_algorithm(&self) -> i64 {
        match self {
            Self::P256(_) => -7,
            Self::P384(_) => -35,
            Self::P521(_) => -36,
            Self::Ed25519(_) => -8,
            Self::Rsa(_, cose_algorithm) => *cose_algorithm,
        }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::P256(key) | Self::P384(key) | Self::P521(key) => {
                key.sign(&random, message).unwrap().as_ref().to_vec()
            }
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Self::Rsa(key, cose_algorithm) => {
                let encoding: &dyn RsaEncoding = match cose_algorithm {
                    -258 => &RSA_PKCS1_SHA384,
                    -259 => &RSA_PKCS1_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(encoding, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }

    /// The key as a `SubjectPublicKeyInfo`.
    pub fn public(&self) -> Vec<u8> {
        match self {
            Self::P256(key) | Self::P384(key) | Self::P521(key) => {
                key.public_key().as_der().unwrap().as_ref().to_vec()
            }
            Self::Ed25519(key) => key.public_key().as_der().unwrap().as_ref().to_vec(),
            Self::Rsa(key, _) => key.public_key().as_der().unwrap().as_ref().to_vec(),
        }
    }

    fn algorithm(&self) -> Vec<u8> {
        match self {
            Self::P256(_) => sequence(&[oid("1.2.840.10045.4.3.2")]),
            Self::P384(_) => sequence(&[oid("1.2.840.10045.4.3.3")]),
            Self::P521(_) => sequence(&[oid("1.2.840.10045.4.3.4")]),
            Self::Ed25519(_) => sequence(&[oid("1.3.101.112")]),
            Self::Rsa(..) => sequence(&[oid("1.2.840.113549.1.1.11"), null()]),
        }
    }
}

/// The `SubjectPublicKeyInfo` of a point on P-256.
pub fn public_p256(point: &[u8]) -> Vec<u8> {
    let algorithm = [oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")];
    sequence(&[sequence(&algorithm), bits(point)])
}

/// The `SubjectPublicKeyInfo` of a key on Edwards25519 (RFC 8410).
pub fn public_ed25519(key: &[u8]) -> Vec<u8> {
    sequence(&[sequence(&[oid("1.3.101.112")]), bits(key)])
}

/// The `SubjectPublicKeyInfo` of an RSA key with the usual exponent.
pub fn public_rsa(modulus: &[u8]) -> Vec<u8> {
    let algorithm = [oid("1.2.840.113549.1.1.1"), null()];
    // Its highest bit is set, and it is not negative.
    let modulus = [&[0], modulus].concat();
    let key = [tagged(2, &modulus), tagged(2, &[1, 0, 1])];
    sequence(&[sequence(&algorithm), bits(&sequence(&key))])
}

fn bits(bytes: &[u8]) -> Vec<u8> {
    tagged(0x03, &[&[0], bytes].concat())
}

/// A certificate that was not signed yet.
#[derive(Clone)]
pub struct Certificate {
    /// As X.509 counts: 2 is version 3.
    pub version: u8,
    pub subject: Vec<u8>,
    pub not_before: &'static str,
    pub not_after: &'static str,
    pub public_key: Vec<u8>,
    pub extensions: Vec<Vec<u8>>,
}

impl Certificate {
    /// One that §8.2.1 accepts.
    pub fn fido(public_key: Vec<u8>) -> Self {
        Self {
            version: 2,
            subject: name(&FIDO_SUBJECT),
            not_before: "20260101000000Z",
            not_after: "20261231235959Z",
            public_key,
            extensions: vec![basic_constraints(false)],
        }
    }

    pub fn authority(common_name: &str, public_key: Vec<u8>) -> Self {
        Self {
            subject: name(&[("2.5.4.3", common_name)]),
            extensions: vec![basic_constraints(true)],
            ..Self::fido(public_key)
        }
    }

    fn sign(&self, issuer: &[u8], key: &Key) -> Vec<u8> {
        let time = |time: &str| tagged(0x18, time.as_bytes());
        let signed = sequence(&[
            explicit(0, &integer(self.version)),
            integer(1),
            key.algorithm(),
            issuer.to_vec(),
            sequence(&[time(self.not_before), time(self.not_after)]),
            self.subject.clone(),
            self.public_key.clone(),
            explicit(3, &sequence(&self.extensions)),
        ]);
        let signature = bits(&key.sign(&signed));
        sequence(&[signed, key.algorithm(), signature])
    }
}

pub const FIDO_SUBJECT: [(&str, &str); 4] = [
    ("2.5.4.6", "SE"),
    ("2.5.4.10", "Example"),
    ("2.5.4.11", "Authenticator Attestation"),
    ("2.5.4.3", "Example Key"),
];

/// A distinguished name of these attributes.
pub fn name(attributes: &[(&str, &str)]) -> Vec<u8> {
    let set_of = |&(id, value)| set(&[sequence(&[oid(id), utf8(value)])]);
    sequence(&attributes.iter().map(set_of).collect::<Vec<_>>())
}

pub fn extension(id: &str, value: &[u8]) -> Vec<u8> {
    sequence(&[oid(id), octets(value)])
}

pub fn critical(id: &str, value: &[u8]) -> Vec<u8> {
    sequence(&[oid(id), boolean(true), octets(value)])
}

pub fn basic_constraints(authority: bool) -> Vec<u8> {
    let fields = if authority {
        vec![boolean(true)]
    } else {
        vec![]
    };
    critical("2.5.29.19", &sequence(&fields))
}

/// Someone who issues certificates.
pub struct Authority {
    key: Key,
    name: Vec<u8>,
    pub certificate: Vec<u8>,
}

impl Authority {
    /// One that signs for itself.
    pub fn root(common_name: &str) -> Self {
        let key = Key::p256();
        let certificate = Certificate::authority(common_name, key.public());
        Self {
            certificate: certificate.sign(&certificate.subject, &key),
            name: certificate.subject,
            key,
        }
    }

    /// One that this one lets issue certificates, after a change to the certificate that says so.
    pub fn intermediate(&self, change: impl Fn(&mut Certificate)) -> Self {
        let key = Key::p384();
        let mut certificate = Certificate::authority("Intermediate", key.public());
        change(&mut certificate);
        Self {
            certificate: self.issue(&certificate),
            name: certificate.subject,
            key,
        }
    }

    pub fn issue(&self, certificate: &Certificate) -> Vec<u8> {
        certificate.sign(&self.name, &self.key)
    }
}

/// The root that tests trust.
pub static ROOT: LazyLock<Authority> = LazyLock::new(|| Authority::root("Root"));

/// The key that attests, where the format has one of its own.
pub static ATTESTATION_KEY: LazyLock<Arc<Key>> = LazyLock::new(|| Key::p256().into());
