//! The keys of the software authenticator.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};

#[cfg(feature = "ml-dsa")]
use aws_lc_rs::signature::{
    ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, PqdsaKeyPair, PqdsaSigningAlgorithm,
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
    #[cfg(feature = "ml-dsa")]
    MlDsa44(Arc<PqdsaKeyPair>),
    #[cfg(feature = "ml-dsa")]
    MlDsa65(Arc<PqdsaKeyPair>),
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
            #[cfg(feature = "ml-dsa")]
            Algorithm::MlDsa44 => Self::MlDsa44(ml_dsa(&ML_DSA_44_SIGNING, secret).into()),
            #[cfg(feature = "ml-dsa")]
            Algorithm::MlDsa65 => Self::MlDsa65(ml_dsa(&ML_DSA_65_SIGNING, secret).into()),
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256(_) => Algorithm::Es256,
            Self::EdDsa(_) => Algorithm::EdDsa,
            Self::Rs256(_) => Algorithm::Rs256,
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa44(_) => Algorithm::MlDsa44,
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa65(_) => Algorithm::MlDsa65,
        }
    }

    /// ECDSA and ML-DSA signatures differ each time; the others do not.
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
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa44(key) | Self::MlDsa65(key) => {
                let mut signature = vec![0; key.algorithm().signature_len()];
                key.sign(message, &mut signature).expect("a key signs");
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
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa44(key) | Self::MlDsa65(key) => {
                (7, vec![(-1, cbor::bytes(key.public_key().as_ref()))])
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

#[cfg(feature = "ml-dsa")]
fn ml_dsa(algorithm: &'static PqdsaSigningAlgorithm, seed: &[u8; 32]) -> PqdsaKeyPair {
    PqdsaKeyPair::from_seed(algorithm, seed).expect("any 32 bytes are a seed")
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
