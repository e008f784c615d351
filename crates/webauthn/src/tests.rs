use std::collections::HashSet;

use super::Refusal;

const ALL: &[Refusal] = &[
    Refusal::ClientDataMalformed,
    Refusal::CeremonyType,
    Refusal::Challenge,
    Refusal::Origin,
    Refusal::CrossOrigin,
    Refusal::TopOrigin,
    Refusal::AttestationMalformed,
    Refusal::AuthenticatorDataMalformed,
    Refusal::AttestedDataMissing,
    Refusal::AttestedDataUnexpected,
    Refusal::RpId,
    Refusal::UserPresence,
    Refusal::UserVerification,
    Refusal::BackupState,
    Refusal::BackupEligibilityChanged,
    Refusal::Algorithm,
    Refusal::PublicKey,
    Refusal::AttestationFormat,
    Refusal::AttestationCertificate,
    Refusal::AttestationStatement,
    Refusal::AttestationAlgorithm,
    Refusal::AttestationSignature,
    #[cfg(feature = "attestation")]
    Refusal::AttestationRequirements,
    #[cfg(feature = "attestation")]
    Refusal::AttestationAaguid,
    #[cfg(feature = "attestation")]
    Refusal::AttestationKey,
    #[cfg(feature = "attestation")]
    Refusal::AttestationCeremony,
    #[cfg(feature = "attestation")]
    Refusal::AttestationAuthorization,
    #[cfg(feature = "attestation")]
    Refusal::AttestationChain,
    Refusal::CredentialIdLength,
    Refusal::CredentialId,
    Refusal::NotDiscoverable,
    Refusal::UserHandleMissing,
    Refusal::UserHandle,
    Refusal::StoredKey,
    Refusal::Signature,
    Refusal::CounterRegression,
];

/// Item 49.
#[test]
fn every_refusal_has_a_name_of_its_own() {
    let names: HashSet<_> = ALL.iter().map(|refusal| refusal.name()).collect();

    assert_eq!(names.len(), ALL.len());
    assert!(names.iter().all(|name| {
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    }));
}

/// Item 49.
#[test]
fn every_refusal_cites_the_step_that_failed() {
    for refusal in ALL {
        assert!(refusal.to_string().contains("(WebAuthn §"), "{refusal}");
    }
}
