//! Public keys in COSE form, as the standard narrows it (§6.5.1.1): exactly the required parameters.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

#[cfg(feature = "ml-dsa")]
use aws_lc_rs::signature::{ML_DSA_44, ML_DSA_65};

use crate::cbor::{Key, Malformed, Reader, once};
use crate::{Algorithm, Refusal};

/// A public key, borrowed from the COSE map that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublicKey<'a> {
    /// A point on P-256, uncompressed as in SEC 1: `04 ‖ x ‖ y`.
    Es256([u8; 65]),
    /// A point on Ed25519.
    EdDsa(&'a [u8; 32]),
    /// Modulus and exponent, big-endian, without leading zeros.
    Rs256 { n: &'a [u8], e: &'a [u8] },
    /// As FIPS 204 encodes it.
    #[cfg(feature = "ml-dsa")]
    MlDsa44(&'a [u8; 1312]),
    /// As FIPS 204 encodes it.
    #[cfg(feature = "ml-dsa")]
    MlDsa65(&'a [u8; 1952]),
}

impl<'a> PublicKey<'a> {
    /// Reads a COSE key.
    ///
    /// The result has the right shape; that its point lies on its curve is known after [`Self::validate`].
    ///
    /// # Errors
    ///
    /// [`Refusal::Algorithm`] for an algorithm that this library does not verify;
    /// [`Refusal::PublicKey`] for anything else that is wrong.
    pub(crate) fn parse(cose: &'a [u8]) -> Result<Self, Refusal> {
        let parameters = Parameters::read(cose).map_err(|Malformed| Refusal::PublicKey)?;
        let algorithm = parameters
            .integer(ALG)
            .map_err(|Malformed| Refusal::PublicKey)?;
        let algorithm = Algorithm::try_from(algorithm).map_err(|_| Refusal::Algorithm)?;
        match algorithm {
            Algorithm::Es256 => parameters.es256(),
            Algorithm::EdDsa => parameters.eddsa(),
            Algorithm::Rs256 => parameters.rs256(),
            #[cfg(feature = "ml-dsa")]
            Algorithm::MlDsa44 => parameters.akp().map(PublicKey::MlDsa44),
            #[cfg(feature = "ml-dsa")]
            Algorithm::MlDsa65 => parameters.akp().map(PublicKey::MlDsa65),
        }
        .map_err(|Malformed| Refusal::PublicKey)
    }

    /// Checks what only arithmetic can: that a P-256 point is on the curve and not at infinity.
    ///
    /// Once, at registration: verification repeats it for stored keys anyway.
    pub(crate) fn validate(&self) -> Result<(), Refusal> {
        match self {
            Self::Es256(point) => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).map(drop),
            Self::EdDsa(point) => ParsedPublicKey::new(&ED25519, point).map(drop),
            Self::Rs256 { n, e } => RsaPublicKeyComponents { n, e }
                .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
                .map(drop),
            // Any bytes of the right length are a key.
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa44(_) | Self::MlDsa65(_) => Ok(()),
        }
        .map_err(|_| Refusal::PublicKey)
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256(_) => Algorithm::Es256,
            Self::EdDsa(_) => Algorithm::EdDsa,
            Self::Rs256 { .. } => Algorithm::Rs256,
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa44(_) => Algorithm::MlDsa44,
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa65(_) => Algorithm::MlDsa65,
        }
    }

    /// Whether the signature over the message is this key's.
    ///
    /// ECDSA signatures are strict DER, as §6.5.5 has them: the fixed-length form is refused.
    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::EdDsa(point) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
            }
            Self::Rs256 { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa44(key) => {
                UnparsedPublicKey::new(&ML_DSA_44, key).verify(message, signature)
            }
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa65(key) => {
                UnparsedPublicKey::new(&ML_DSA_65, key).verify(message, signature)
            }
        }
        .is_ok()
    }
}

// The labels of RFC 9052 §7.1, RFC 9053 §7, RFC 8230 §4 and RFC 9964. Three of them mean different
// things for different key types.
const KTY: i64 = 1;
const ALG: i64 = 3;
const CRV_N_OR_PUB: i64 = -1;
const X_OR_E: i64 = -2;
const Y: i64 = -3;

const LABELS: [i64; 5] = [KTY, ALG, CRV_N_OR_PUB, X_OR_E, Y];

/// The entries of the map, not yet typed: their types depend on the algorithm.
struct Parameters<'a> {
    items: [Option<&'a [u8]>; LABELS.len()],
}

impl<'a> Parameters<'a> {
    fn read(cose: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(cose)?;
        let mut items = [None; LABELS.len()];
        for _ in 0..reader.map()? {
            let Key::Integer(label) = reader.key()? else {
                return Err(Malformed);
            };
            // §6.5.1.1: no optional parameters.
            let slot = LABELS
                .iter()
                .position(|&known| known == label)
                .ok_or(Malformed)?;
            once(&mut items[slot], reader.item()?)?;
        }
        reader.end()?;
        Ok(Self { items })
    }

    fn es256(&self) -> Result<PublicKey<'a>, Malformed> {
        const EC2: i64 = 2;
        const P256: i64 = 1;
        self.exactly(&[(KTY, EC2), (CRV_N_OR_PUB, P256)], 5)?;
        // A compressed point has a boolean for y, which `bytes` refuses.
        let (x, y): (&[u8; 32], &[u8; 32]) = (self.array(X_OR_E)?, self.array(Y)?);
        let mut point = [4; 65];
        point[1..33].copy_from_slice(x);
        point[33..].copy_from_slice(y);
        Ok(PublicKey::Es256(point))
    }

    fn eddsa(&self) -> Result<PublicKey<'a>, Malformed> {
        const OKP: i64 = 1;
        const ED25519_CURVE: i64 = 6;
        self.exactly(&[(KTY, OKP), (CRV_N_OR_PUB, ED25519_CURVE)], 4)?;
        Ok(PublicKey::EdDsa(self.array(X_OR_E)?))
    }

    fn rs256(&self) -> Result<PublicKey<'a>, Malformed> {
        const RSA: i64 = 3;
        self.exactly(&[(KTY, RSA)], 4)?;
        let (n, e) = (self.bytes(CRV_N_OR_PUB)?, self.bytes(X_OR_E)?);
        // RFC 8230 §4: no leading zeros. An exponent beyond 32 bits would never verify.
        let bits = bit_length(n)?;
        let exponent_fits = bit_length(e)? <= 32;
        if (2048..=8192).contains(&bits) && is_odd(n) && exponent_fits && is_odd(e) && e != [1] {
            Ok(PublicKey::Rs256 { n, e })
        } else {
            Err(Malformed)
        }
    }

    /// An algorithm key pair: the algorithm alone says what `pub` is (RFC 9964).
    #[cfg(feature = "ml-dsa")]
    fn akp<const N: usize>(&self) -> Result<&'a [u8; N], Malformed> {
        const AKP: i64 = 7;
        self.exactly(&[(KTY, AKP)], 3)?;
        self.array(CRV_N_OR_PUB)
    }

    /// Checks the parameters with fixed values, and that there are as many as the key type has.
    fn exactly(&self, fixed: &[(i64, i64)], count: usize) -> Result<(), Malformed> {
        for &(label, value) in fixed {
            if self.integer(label)? != value {
                return Err(Malformed);
            }
        }
        if self.items.iter().flatten().count() == count {
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    fn integer(&self, label: i64) -> Result<i64, Malformed> {
        self.reader(label)?.integer()
    }

    fn bytes(&self, label: i64) -> Result<&'a [u8], Malformed> {
        self.reader(label)?.bytes()
    }

    fn array<const N: usize>(&self, label: i64) -> Result<&'a [u8; N], Malformed> {
        self.bytes(label)?.try_into().map_err(|_| Malformed)
    }

    fn reader(&self, label: i64) -> Result<Reader<'a>, Malformed> {
        let slot = LABELS
            .iter()
            .position(|&known| known == label)
            .ok_or(Malformed)?;
        Reader::new(self.items[slot].ok_or(Malformed)?)
    }
}

/// The length in bits of a big-endian number without leading zero bytes.
fn bit_length(number: &[u8]) -> Result<usize, Malformed> {
    match number.first() {
        None | Some(0) => Err(Malformed),
        Some(first) => Ok(number.len() * 8 - first.leading_zeros() as usize),
    }
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|last| last & 1 == 1)
}
