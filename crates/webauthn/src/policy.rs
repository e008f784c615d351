//! What a relying party accepts. Every choice that the standard leaves open is a field here.

use serde::Serialize;

/// What a relying party accepts, and what it offers.
///
/// [`Policy::new`] is the one for production; change fields to accept less, or to accept more and say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The relying party's id: a domain, without scheme and port.
    pub rp_id: String,
    /// The origins whose pages may run ceremonies, compared as whole strings, byte for byte.
    pub origins: Vec<String>,
    /// Whether the authenticator must have verified the person.
    pub user_verification: UserVerification,
    /// The signature algorithms on offer, the preferred one first.
    pub algorithms: Vec<Algorithm>,
    /// The attestation statement formats that are accepted.
    pub formats: Vec<Format>,
    /// Whether a ceremony may run in a frame of another origin.
    pub cross_origin: CrossOrigin,
    /// Whether the authenticator must be able to find the credential without being told its id.
    pub resident_key: ResidentKey,
    /// What a signature counter that did not grow leads to.
    pub counter: CounterPolicy,
}

impl Policy {
    /// The policy for production: people are verified, credentials are discoverable, frames of other
    /// origins and attestation by certificate are refused.
    ///
    /// ```
    /// use doorward_webauthn::{Algorithm, Policy, UserVerification};
    ///
    /// let policy = Policy::new("example.org", ["https://example.org"]);
    ///
    /// assert_eq!(policy.user_verification, UserVerification::Required);
    /// assert_eq!(policy.algorithms, [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256]);
    /// ```
    pub fn new<O: Into<String>>(
        rp_id: impl Into<String>,
        origins: impl IntoIterator<Item = O>,
    ) -> Self {
        Self {
            rp_id: rp_id.into(),
            origins: origins.into_iter().map(Into::into).collect(),
            user_verification: UserVerification::Required,
            algorithms: vec![Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256],
            formats: vec![Format::None, Format::PackedSelf],
            cross_origin: CrossOrigin::Refuse,
            resident_key: ResidentKey::Required,
            counter: CounterPolicy::Refuse,
        }
    }

    /// The same, and after all else on offer ML-DSA-65 and ML-DSA-44.
    ///
    /// They come last because their signatures have kilobytes and few authenticators make them: only one
    /// that knows nothing before them gives such a key. Of the two the stronger comes first, since a
    /// passkey lives for years, and an authenticator that is short of room knows the smaller alone.
    #[cfg(feature = "ml-dsa")]
    #[must_use]
    pub fn with_post_quantum(mut self) -> Self {
        self.algorithms
            .extend([Algorithm::MlDsa65, Algorithm::MlDsa44]);
        self
    }
}

/// Whether the authenticator must verify the person, by PIN or biometry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UserVerification {
    /// Asked for, and a response without it is refused.
    Required,
    /// Asked for, and reported by the verdict.
    Preferred,
}

/// Whether a new credential must be discoverable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ResidentKey {
    /// Asked for, and a registration that says otherwise is refused.
    Required,
    /// Asked for, and reported by the verdict.
    Preferred,
}

/// Whether a ceremony may run in a frame whose page has another origin than its parents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrossOrigin {
    /// It may not.
    Refuse,
    /// It may, within the pages named here.
    Allow {
        /// The origins of the outermost pages, compared as whole strings. Browsers that do not name
        /// the outermost page are accepted.
        top_origins: Vec<String>,
    },
}

/// What a signature counter that did not grow leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterPolicy {
    /// The assertion is refused.
    Refuse,
    /// The assertion is accepted, and the verdict says what happened.
    Warn,
}

/// An attestation statement format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `none`: nothing is claimed about the authenticator (§8.7).
    None,
    /// `packed`, signed by the credential's own key (§8.2).
    PackedSelf,
    /// `packed`, signed by a key with a certificate (§8.2.1). It proves the AAGUID if the certificate
    /// names it.
    #[cfg(feature = "attestation")]
    Packed,
    /// `tpm`: a Trusted Platform Module certifies the key (§8.3).
    #[cfg(feature = "attestation")]
    Tpm,
    /// `android-key`: Android's keystore certifies the key (§8.4).
    #[cfg(feature = "attestation")]
    AndroidKey,
    /// `apple`: Apple certifies the key anonymously (§8.8).
    #[cfg(feature = "attestation")]
    Apple,
    /// `fido-u2f`: a security key of the former standard (§8.6). Nothing signs its AAGUID.
    #[cfg(feature = "attestation")]
    FidoU2f,
}

impl Format {
    /// Whether a certificate vouches for the key.
    pub(crate) fn is_certified(self) -> bool {
        !matches!(self, Self::None | Self::PackedSelf)
    }
}

/// A signature algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `EdDSA` on Ed25519: −8.
    EdDsa,
    /// ECDSA on P-256 with SHA-256: −7.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256: −257.
    Rs256,
    /// ML-DSA-44 (FIPS 204), pure, with an empty context (RFC 9964): −48.
    #[cfg(feature = "ml-dsa")]
    MlDsa44,
    /// ML-DSA-65, likewise: −49.
    #[cfg(feature = "ml-dsa")]
    MlDsa65,
}

impl Algorithm {
    /// The algorithm's number in the COSE registry.
    #[must_use]
    pub fn cose_id(self) -> i64 {
        match self {
            Self::EdDsa => -8,
            Self::Es256 => -7,
            Self::Rs256 => -257,
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa44 => -48,
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa65 => -49,
        }
    }
}

impl TryFrom<i64> for Algorithm {
    type Error = UnknownAlgorithm;

    fn try_from(cose_id: i64) -> Result<Self, UnknownAlgorithm> {
        match cose_id {
            -8 => Ok(Self::EdDsa),
            -7 => Ok(Self::Es256),
            -257 => Ok(Self::Rs256),
            #[cfg(feature = "ml-dsa")]
            -48 => Ok(Self::MlDsa44),
            #[cfg(feature = "ml-dsa")]
            -49 => Ok(Self::MlDsa65),
            other => Err(UnknownAlgorithm(other)),
        }
    }
}

/// A COSE algorithm number that this library does not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("COSE algorithm {0} is not supported")]
pub struct UnknownAlgorithm(pub i64);
