//! Whom a relying party believes (§7.1 steps 23 and 24).

use std::collections::HashMap;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::aws_lc_rs::{
    ECDSA_P256_SHA256, ECDSA_P256_SHA384, ECDSA_P384_SHA256, ECDSA_P384_SHA384, ECDSA_P521_SHA512,
    ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
};
use webpki::{Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, anchor_from_trusted_cert};

use super::Claim;
use super::certificate::Certificate;
use crate::{Format, Refusal};

/// How certificates may be signed. Issuers pair curves and hashes as they like: Apple's P-384 signs
/// with SHA-256. None uses SHA-1.
const SIGNATURES: &[&dyn SignatureVerificationAlgorithm] = &[
    ECDSA_P256_SHA256,
    ECDSA_P256_SHA384,
    ECDSA_P384_SHA256,
    ECDSA_P384_SHA384,
    ECDSA_P521_SHA512,
    ED25519,
    RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512,
];

/// The certificates that a relying party trusts, each for one format.
///
/// One for all formats would be a hole: any app on an Android phone can have its own key certified
/// by Android, with a subject of its choice, and could pass it off as a security key's.
///
/// A certificate that may issue others is a root. Any other is a single authenticator's, or a
/// batch's, and vouches for that one alone.
#[derive(Debug, Clone, Default)]
pub struct TrustAnchors {
    formats: HashMap<Format, Anchors>,
}

#[derive(Debug, Clone, Default)]
struct Anchors {
    roots: Vec<TrustAnchor<'static>>,
    leaves: Vec<CertificateDer<'static>>,
}

/// The trust anchor with this number, counted from zero, is not an X.509 certificate of version 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("trust anchor {0} is not an X.509 certificate of version 3")]
pub struct InvalidAnchor(pub usize);

impl TrustAnchors {
    /// Trusts each certificate, in DER, for its format. [`Format::None`] and [`Format::PackedSelf`] use none.
    ///
    /// # Errors
    ///
    /// [`InvalidAnchor`] if one of them is not a certificate.
    pub fn new<C: AsRef<[u8]>>(
        certificates: impl IntoIterator<Item = (Format, C)>,
    ) -> Result<Self, InvalidAnchor> {
        let mut formats = HashMap::<Format, Anchors>::new();
        for (index, (format, der)) in certificates.into_iter().enumerate() {
            let anchors = formats.entry(format).or_default();
            anchors.add(der.as_ref()).ok_or(InvalidAnchor(index))?;
        }
        Ok(Self { formats })
    }

    /// Checks that the statement's certificate is trusted for its format.
    pub(super) fn vouch(&self, format: Format, claim: &Claim<'_>, now: u64) -> Result<(), Refusal> {
        let anchors = self.formats.get(&format).ok_or(Refusal::AttestationChain)?;
        let (leaf, intermediates) = claim.chain.split_at(1);
        // The certificate "is itself an acceptable certificate", while it is valid.
        let (not_before, not_after) = claim.leaf.validity;
        if anchors.leaves.contains(&leaf[0]) && (not_before..=not_after).contains(&now) {
            return Ok(());
        }
        claim
            .end_entity()?
            .verify_for_usage(
                SIGNATURES,
                &anchors.roots,
                intermediates,
                UnixTime::since_unix_epoch(Duration::from_secs(now)),
                AnyUsage,
                None,
                None,
            )
            .map(drop)
            .map_err(|_| Refusal::AttestationChain)
    }
}

impl Anchors {
    fn add(&mut self, der: &[u8]) -> Option<()> {
        let certificate = Certificate::parse(der).ok()?;
        let der = CertificateDer::from(der);
        if certificate.is_authority() == Some(true) {
            let root = anchor_from_trusted_cert(&der).ok()?;
            self.roots.push(root.to_owned());
        } else {
            self.leaves.push(der.into_owned());
        }
        Some(())
    }
}

/// webpki asks every certificate of a path for one extended key usage. §8.3.1 asks the leaf alone, and
/// the other formats ask nothing, so the formats' own checks see to it.
struct AnyUsage;

impl ExtendedKeyUsageValidator for AnyUsage {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}
