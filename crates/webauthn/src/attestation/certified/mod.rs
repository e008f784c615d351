//! Statements that a certificate vouches for (§8.2, §8.3, §8.4, §8.6, §8.8), for relying parties that
//! accept only certain makes of authenticators.
//!
//! A format is accepted if the policy lists it, its statement passes its own procedure, and its
//! certificate leads to a trust anchor of that format.

mod android_key;
mod apple;
mod certificate;
mod fido_u2f;
mod packed;
mod statement;
mod tpm;
mod trust;

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use webpki::{EndEntityCert, Error, aws_lc_rs as algorithms};

use self::certificate::Certificate;
use self::statement::Statement;
pub use self::trust::{InvalidAnchor, TrustAnchors};
use super::{AttestationObject, Packed};
use crate::authenticator_data::AttestedCredential;
use crate::cose::PublicKey;
use crate::{Format, Policy, Refusal};

/// What a statement must be about: this credential, made in this ceremony.
pub(crate) struct Made<'a> {
    pub(crate) credential: &'a AttestedCredential<'a>,
    pub(crate) key: &'a PublicKey<'a>,
    pub(crate) client_data_hash: &'a [u8],
}

impl AttestationObject<'_> {
    /// Checks the statement, with trust anchors for the formats that need them, and returns its format.
    pub(crate) fn check_attested(
        &self,
        policy: &Policy,
        made: &Made<'_>,
        anchors: &TrustAnchors,
        now: u64,
    ) -> Result<Format, Refusal> {
        // §7.1 step 21.
        let Some(format) = self
            .certified_format()
            .filter(|format| policy.formats.contains(format))
        else {
            return self.check(policy, made.key, made.client_data_hash);
        };
        // §7.1 step 22.
        let statement = Statement::read(self.statement, members(format))?;
        let certificates = statement.certificates()?;
        let claim = Claim {
            made,
            authenticator_data: self.authenticator_data,
            leaf: Certificate::parse(certificates[0])?,
            chain: certificates.into_iter().map(CertificateDer::from).collect(),
            statement,
        };
        match format {
            Format::None | Format::PackedSelf => return Err(Refusal::AttestationFormat),
            Format::Packed => packed::check(&claim),
            Format::Tpm => tpm::check(&claim),
            Format::AndroidKey => android_key::check(&claim),
            Format::Apple => apple::check(&claim),
            Format::FidoU2f => fido_u2f::check(&claim),
        }?;
        // §7.1 steps 23 and 24.
        anchors.vouch(format, &claim, now)?;
        Ok(format)
    }

    fn certified_format(&self) -> Option<Format> {
        match self.format {
            "packed" => match Packed::read(self.statement) {
                Ok(packed) if !packed.certified => None,
                _ => Some(Format::Packed),
            },
            "tpm" => Some(Format::Tpm),
            "android-key" => Some(Format::AndroidKey),
            "apple" => Some(Format::Apple),
            "fido-u2f" => Some(Format::FidoU2f),
            _ => None,
        }
    }
}

/// The members of a format's statement.
fn members(format: Format) -> &'static [&'static str] {
    match format {
        Format::None | Format::PackedSelf => &[],
        Format::Packed | Format::AndroidKey => &["alg", "sig", "x5c"],
        Format::Tpm => &["ver", "alg", "x5c", "sig", "certInfo", "pubArea"],
        // Apple's devices went on writing `alg` after it was struck from the standard.
        Format::Apple => &["alg", "x5c"],
        Format::FidoU2f => &["x5c", "sig"],
    }
}

/// A statement, what it is about, and the certificates that it brings.
struct Claim<'a> {
    made: &'a Made<'a>,
    authenticator_data: &'a [u8],
    statement: Statement<'a>,
    /// At least one certificate, the leaf first.
    chain: Vec<CertificateDer<'a>>,
    leaf: Certificate<'a>,
}

impl Claim<'_> {
    /// `attToBeSigned` of §8.2 and §8.3, `nonceToHash` of §8.8.
    fn signed_data(&self) -> Vec<u8> {
        [self.authenticator_data, self.made.client_data_hash].concat()
    }

    /// Checks that the leaf's key signed the message, by the algorithm that the statement names.
    fn check_signature(&self, message: &[u8]) -> Result<(), Refusal> {
        let algorithm = self.statement.integer("alg")?;
        self.check_signature_by(signature_algorithm(algorithm)?, message)
    }

    fn check_signature_by(
        &self,
        algorithm: &dyn SignatureVerificationAlgorithm,
        message: &[u8],
    ) -> Result<(), Refusal> {
        let signature = self.statement.bytes("sig")?;
        self.end_entity()?
            .verify_signature(algorithm, message, signature)
            .map_err(|error| match error {
                Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
                    Refusal::AttestationAlgorithm
                }
                _ => Refusal::AttestationSignature,
            })
    }

    /// Checks that the certificate is for the authenticator's make, if it names one.
    fn check_aaguid(&self) -> Result<(), Refusal> {
        match self.leaf.aaguid()? {
            Some(aaguid) if aaguid != self.made.credential.aaguid => {
                Err(Refusal::AttestationAaguid)
            }
            _ => Ok(()),
        }
    }

    /// Checks that the certificate's key is the credential's.
    fn check_key(&self) -> Result<(), Refusal> {
        if self.leaf.key.as_ref() == Some(self.made.key) {
            Ok(())
        } else {
            Err(Refusal::AttestationKey)
        }
    }

    fn end_entity(&self) -> Result<EndEntityCert<'_>, Refusal> {
        EndEntityCert::try_from(&self.chain[0]).map_err(|_| Refusal::AttestationRequirements)
    }
}

/// The algorithm by its COSE number, with the curve that §5.8.5 has it imply.
///
/// Missing on purpose: SHA-1 (−65535), and Ed448 (−53), which aws-lc-rs does not have.
fn signature_algorithm(
    cose_id: i64,
) -> Result<&'static dyn SignatureVerificationAlgorithm, Refusal> {
    match cose_id {
        -7 => Ok(algorithms::ECDSA_P256_SHA256),
        -8 => Ok(algorithms::ED25519),
        -35 => Ok(algorithms::ECDSA_P384_SHA384),
        -36 => Ok(algorithms::ECDSA_P521_SHA512),
        -257 => Ok(algorithms::RSA_PKCS1_2048_8192_SHA256),
        -258 => Ok(algorithms::RSA_PKCS1_2048_8192_SHA384),
        -259 => Ok(algorithms::RSA_PKCS1_2048_8192_SHA512),
        _ => Err(Refusal::AttestationAlgorithm),
    }
}
