//! Every way in which a response can fail: one variant for one check.

/// Why a response was refused.
///
/// For the audit log, never for the person: an answer that names the failed check helps an attacker
/// more than it helps anyone else. [`Refusal::name`] is what to log; the text names the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// `clientDataJSON` is not UTF-8, not JSON, lacks a member or repeats one.
    #[error("the client data is malformed (WebAuthn §7.1 steps 5–6, §7.2 steps 8–9)")]
    ClientDataMalformed,
    /// The client data belongs to the other ceremony, or to none.
    #[error("the client data is of another type (WebAuthn §7.1 step 7, §7.2 step 10)")]
    CeremonyType,
    /// The challenge is not the expected one.
    #[error("the challenge differs (WebAuthn §7.1 step 8, §7.2 step 11)")]
    Challenge,
    /// The origin is not one of the allowed ones.
    #[error("the origin is not allowed (WebAuthn §7.1 step 9, §7.2 step 12)")]
    Origin,
    /// The ceremony ran in a frame of another origin.
    #[error("a cross-origin frame is not allowed (WebAuthn §7.1 step 10, §7.2 step 13)")]
    CrossOrigin,
    /// The page around the frame is not one of the allowed ones.
    #[error("the top origin is not allowed (WebAuthn §7.1 step 11, §7.2 step 14)")]
    TopOrigin,
    /// `attestationObject` is not the CBOR map that the standard describes.
    #[error("the attestation object is malformed (WebAuthn §7.1 step 13)")]
    AttestationMalformed,
    /// The authenticator data is cut short, goes on too long or contradicts its own flags.
    #[error("the authenticator data is malformed (WebAuthn §6.1)")]
    AuthenticatorDataMalformed,
    /// A registration without a credential in its authenticator data.
    #[error("the authenticator data holds no credential (WebAuthn §7.1 step 13)")]
    AttestedDataMissing,
    /// An assertion with a new credential in its authenticator data.
    #[error("the authenticator data of an assertion holds a credential (WebAuthn §6.3.3)")]
    AttestedDataUnexpected,
    /// The authenticator signed for another relying party.
    #[error("the RP ID differs (WebAuthn §7.1 step 14, §7.2 step 15)")]
    RpId,
    /// Nobody touched the authenticator.
    #[error("the user was not present (WebAuthn §7.1 step 15, §7.2 step 16)")]
    UserPresence,
    /// The authenticator did not verify the person, and the policy requires it.
    #[error("the user was not verified (WebAuthn §7.1 step 16, §7.2 step 17)")]
    UserVerification,
    /// Backed up, yet not eligible for backup.
    #[error("the backup flags contradict each other (WebAuthn §7.1 step 17, §7.2 step 18)")]
    BackupState,
    /// A credential changed its eligibility for backup, which is fixed when it is made.
    #[error("the backup eligibility changed (WebAuthn §7.2 step 19)")]
    BackupEligibilityChanged,
    /// The key's algorithm was not offered.
    #[error("the algorithm was not offered (WebAuthn §7.1 step 20)")]
    Algorithm,
    /// The public key is malformed, off its curve, or of a refused size.
    #[error("the public key is not acceptable (WebAuthn §5.8.5, §6.5.1)")]
    PublicKey,
    /// The attestation statement format is unknown, or not enabled.
    #[error("the attestation format is not enabled (WebAuthn §7.1 step 21)")]
    AttestationFormat,
    /// A `packed` statement with a certificate chain, which means nothing without trust anchors.
    #[error("attestation by certificate is not enabled (WebAuthn §7.1 steps 21, 23)")]
    AttestationCertificate,
    /// The attestation statement does not have the members of its format.
    #[error("the attestation statement is malformed (WebAuthn §7.1 step 22)")]
    AttestationStatement,
    /// The attestation names another algorithm than its key has, or one that this library does not verify.
    #[error("the attestation's algorithm is not the key's (WebAuthn §7.1 step 22, §8.2)")]
    AttestationAlgorithm,
    /// The attestation signature does not verify.
    #[error("the attestation signature is wrong (WebAuthn §7.1 step 22)")]
    AttestationSignature,
    /// The attestation certificate is malformed, or lacks what its format requires.
    #[cfg(feature = "attestation")]
    #[error(
        "the attestation certificate is not as its format requires (WebAuthn §8.2.1, §8.3.1, §8.4.1, §8.6)"
    )]
    AttestationRequirements,
    /// The attestation certificate is for another make of authenticator.
    #[cfg(feature = "attestation")]
    #[error("the attestation certificate names another AAGUID (WebAuthn §8.2, §8.3)")]
    AttestationAaguid,
    /// The attestation certifies another key than the credential's.
    #[cfg(feature = "attestation")]
    #[error("the attested key is not the credential's (WebAuthn §8.3, §8.4, §8.6, §8.8)")]
    AttestationKey,
    /// The attestation was made for other authenticator data or other client data.
    #[cfg(feature = "attestation")]
    #[error("the attestation is about another ceremony (WebAuthn §8.3, §8.4, §8.8)")]
    AttestationCeremony,
    /// Android says that the key came from elsewhere, serves all applications, or is not for signing alone.
    #[cfg(feature = "attestation")]
    #[error("the attested key's authorizations are not those of a passkey (WebAuthn §8.4)")]
    AttestationAuthorization,
    /// No valid chain leads from the attestation certificate to a trust anchor of its format.
    #[cfg(feature = "attestation")]
    #[error("the attestation certificate leads to no trust anchor (WebAuthn §7.1 step 24)")]
    AttestationChain,
    /// The credential id is empty or longer than 1023 bytes.
    #[error("the credential id has a refused length (WebAuthn §7.1 step 25)")]
    CredentialIdLength,
    /// The response is about another credential than the one it names.
    #[error("the credential ids differ (WebAuthn §7.1 step 13, §7.2 step 6)")]
    CredentialId,
    /// The client says that the credential is not discoverable, and the policy requires that it is.
    #[error("the credential is not discoverable (WebAuthn §7.1 step 28, §10.1.3)")]
    NotDiscoverable,
    /// The assertion does not say whose it is.
    #[error("the user handle is missing (WebAuthn §7.2 step 6)")]
    UserHandleMissing,
    /// The assertion says that it is someone else's.
    #[error("the user handle is not the credential owner's (WebAuthn §7.2 step 6)")]
    UserHandle,
    /// The stored public key cannot be read, or is not of the stored algorithm.
    #[error("the stored public key is unusable (WebAuthn §7.2 step 21)")]
    StoredKey,
    /// The assertion signature does not verify.
    #[error("the signature is wrong (WebAuthn §7.2 step 21)")]
    Signature,
    /// The signature counter did not grow: the authenticator may have been cloned.
    #[error("the signature counter did not grow (WebAuthn §7.2 step 22)")]
    CounterRegression,
}

impl Refusal {
    /// The stable name of the check, for logs and metrics. Names never change meaning.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientDataMalformed => "client_data_malformed",
            Self::CeremonyType => "ceremony_type",
            Self::Challenge => "challenge",
            Self::Origin => "origin",
            Self::CrossOrigin => "cross_origin",
            Self::TopOrigin => "top_origin",
            Self::AttestationMalformed => "attestation_malformed",
            Self::AuthenticatorDataMalformed => "authenticator_data_malformed",
            Self::AttestedDataMissing => "attested_data_missing",
            Self::AttestedDataUnexpected => "attested_data_unexpected",
            Self::RpId => "rp_id",
            Self::UserPresence => "user_presence",
            Self::UserVerification => "user_verification",
            Self::BackupState => "backup_state",
            Self::BackupEligibilityChanged => "backup_eligibility_changed",
            Self::Algorithm => "algorithm",
            Self::PublicKey => "public_key",
            Self::AttestationFormat => "attestation_format",
            Self::AttestationCertificate => "attestation_certificate",
            Self::AttestationStatement => "attestation_statement",
            Self::AttestationAlgorithm => "attestation_algorithm",
            Self::AttestationSignature => "attestation_signature",
            #[cfg(feature = "attestation")]
            Self::AttestationRequirements => "attestation_requirements",
            #[cfg(feature = "attestation")]
            Self::AttestationAaguid => "attestation_aaguid",
            #[cfg(feature = "attestation")]
            Self::AttestationKey => "attestation_key",
            #[cfg(feature = "attestation")]
            Self::AttestationCeremony => "attestation_ceremony",
            #[cfg(feature = "attestation")]
            Self::AttestationAuthorization => "attestation_authorization",
            #[cfg(feature = "attestation")]
            Self::AttestationChain => "attestation_chain",
            Self::CredentialIdLength => "credential_id_length",
            Self::CredentialId => "credential_id",
            Self::NotDiscoverable => "not_discoverable",
            Self::UserHandleMissing => "user_handle_missing",
            Self::UserHandle => "user_handle",
            Self::StoredKey => "stored_key",
            Self::Signature => "signature",
            Self::CounterRegression => "counter_regression",
        }
    }
}
