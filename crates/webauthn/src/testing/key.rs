//! The keys of the software authenticator.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};

use super::cbor;
use crate::Algorithm;

/// A key pair of one of the algorithms that the verifier knows.
#[derive(Debug, Clone)]
pub(super) enum Key {
    Es256(Arc<EcdsaKeyPair>),
    EdDsa(Arc<Ed25519KeyPair>),
    /// Making an RSA key takes seconds: one key serves the whole process.
    Rs256(&'static RsaKeyPair),
}

impl Key {
    /// The key that a secret determines. RSA keys are the exception: there is one for all secrets.
    pub(super) fn derive(algorithm: Algorithm, secret: &[u8; 32]) -> Self {
        match algorithm {
            Algorithm::Es256 => Self::Es256(es256(secret).into()),
            Algorithm::EdDsa => {
                let key =
                    Ed25519KeyPair::from_seed_unchecked(secret).expect("any 32 bytes are a seed");
                Self::EdDsa(key.into())
            }
            Algorithm::Rs256 => Self::Rs256(rs256()),
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256(_) => Algorithm::Es256,
            Self::EdDsa(_) => Algorithm::EdDsa,
            Self::Rs256(_) => Algorithm::Rs256,
        }
    }

    /// ECDSA signatures differ each time; the others do not.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) => key
                .sign(&random, message)
                .expect("a key signs")
                .as_ref()
                .to_vec(),
            Self::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .expect("a key signs");
                signature
            }
        }
    }

    /// The public key in COSE form.
    pub(super) fn cose(&self) -> Vec<u8> {
        let (kty, parameters) = match self {
            Self::Es256(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                (
                    2,
                    vec![
                        (-1, cbor::integer(1)),
                        (-2, cbor::bytes(x)),
                        (-3, cbor::bytes(y)),
                    ],
                )
            }
            Self::EdDsa(key) => {
                let x = key.public_key().as_ref();
                (1, vec![(-1, cbor::integer(6)), (-2, cbor::bytes(x))])
            }
            Self::Rs256(key) => {
                let (n, e) = modulus_and_exponent(key.public_key().as_ref());
                (3, vec![(-1, cbor::bytes(n)), (-2, cbor::bytes(e))])
            }
        };
        let alg = self.algorithm().cose_id();
        let fixed = [(1, cbor::integer(kty)), (3, cbor::integer(alg))];
        let entries = fixed.into_iter().chain(parameters);
        let entries: Vec<_> = entries
            .map(|(label, value)| (cbor::integer(label), value))
            .collect();
        cbor::map(&entries)
    }
}

fn es256(secret: &[u8; 32]) -> EcdsaKeyPair {
    let scalar =
        PrivateKey::from_private_key(&ECDH_P256, secret).expect("below the order of P-256");
    let public = scalar.compute_public_key().expect("a scalar has a point");
    EcdsaKeyPair::from_private_key_and_public_key(
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        secret,
        public.as_ref(),
    )
    .expect("the point belongs to the scalar")
}

fn rs256() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("a key can be made"))
}

/// Splits the DER of RFC 8017's `RSAPublicKey` into its two integers, without their sign bytes.
fn modulus_and_exponent(der: &[u8]) -> (&[u8], &[u8]) {
    let (sequence, _) = contents(der);
    let (modulus, rest) = contents(sequence);
    let (exponent, _) = contents(rest);
    (unsigned(modulus), unsigned(exponent))
}

/// The contents of the first DER value, and what follows it.
fn contents(der: &[u8]) -> (&[u8], &[u8]) {
    match der[1] {
        short @ 0..=0x7f => der[2..].split_at(short.into()),
        long => {
            let (length, rest) = der[2..].split_at(usize::from(long & 0x7f));
            let length = length
                .iter()
                .fold(0, |length, &byte| length << 8 | usize::from(byte));
            rest.split_at(length)
        }
    }
}

fn unsigned(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}
