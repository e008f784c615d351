//! Where the verifiers disagree, and which paragraph of `tests/differences.md` says why.
//!
//! A disagreement where we refuse is told by our reason, for it says which check the other one does
//! not make. One where we accept is told by their reason and by what is in the case: nothing else may
//! hide behind it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_webauthn::Algorithm;
use doorward_webauthn::Refusal::{
    AttestationAlgorithm, AttestationCertificate, AttestationMalformed, AttestationSignature,
    AttestationStatement, AttestedDataUnexpected, AuthenticatorDataMalformed,
    BackupEligibilityChanged, ClientDataMalformed, CredentialId, CredentialIdLength, CrossOrigin,
    NotDiscoverable, Origin, PublicKey, Signature, StoredKey, TopOrigin, UserHandle,
    UserHandleMissing,
};
use doorward_webauthn::testing::generator::Verdict::{Accepted, Refused, Unreadable};
use doorward_webauthn::testing::generator::{Case, Ceremony, Profile, Verdict};
use serde_json::Value;

use crate::Opinion;
use crate::Peer::{self, SimpleWebAuthn, WebauthnRp, WebauthnRs};

/// A class of disagreements.
#[derive(Debug)]
pub struct Difference {
    /// The heading in `tests/differences.md`.
    pub id: &'static str,
    /// Whom we disagree with. Each of them must still do so.
    pub who: &'static [Peer],
    /// Whether a disagreement is of this class: given the case, our verdict and theirs.
    pub applies: fn(&Case, Verdict, &Opinion) -> bool,
}

/// All that are known. The first that applies counts.
pub const DIFFERENCES: &[Difference] = &[
    // We accept, they refuse.
    Difference {
        id: "eddsa",
        who: &[WebauthnRs],
        applies: |_, ours, theirs| ours == Accepted && says(theirs, "SshPublicKeyEDUnsupported"),
    },
    Difference {
        id: "ed25519-points",
        who: &[WebauthnRp],
        applies: |_, ours, theirs| {
            ours == Accepted && says(theirs, "Ed25519 public key is invalid")
        },
    },
    Difference {
        id: "rsa-sizes",
        who: &[WebauthnRs],
        applies: |_, ours, theirs| ours == Accepted && says(theirs, "COSEKeyRSANEInvalid"),
    },
    Difference {
        id: "shortest-form",
        who: &[SimpleWebAuthn, WebauthnRp],
        applies: |case, ours, _| {
            ours == Accepted
                && (about(case, "in two bytes")
                    || about(case, "in five bytes")
                    || about(case, "in nine bytes"))
        },
    },
    Difference {
        id: "key-order",
        who: &[WebauthnRp],
        applies: |case, ours, _| {
            ours == Accepted
                && (about(case, "in the reverse order") || about(case, "in the other order"))
        },
    },
    Difference {
        id: "unknown-extensions",
        who: &[WebauthnRp, WebauthnRs],
        applies: |case, ours, theirs| {
            ours == Accepted
                && has_extensions(case)
                && (says(theirs, "CBOR authenticator extension") || says(theirs, "ParseNOMFailure"))
        },
    },
    Difference {
        id: "numbers",
        who: &[SimpleWebAuthn],
        applies: |case, ours, _| ours == Accepted && NUMBERS.iter().any(|name| about(case, name)),
    },
    Difference {
        id: "reserved-flags",
        who: &[WebauthnRp],
        applies: |_, ours, theirs| {
            ours == Accepted
                && (says(theirs, "flags 1-bit was 1") || says(theirs, "flags 5-bit was 1"))
        },
    },
    Difference {
        id: "short-ids",
        who: &[WebauthnRp],
        applies: |_, ours, theirs| ours == Accepted && says(theirs, "expected 16 to 1023"),
    },
    Difference {
        id: "counter-warning",
        who: &[SimpleWebAuthn, WebauthnRs],
        applies: |case, ours, theirs| {
            ours == Accepted
                && case.profile == Profile::CounterWarns
                && (says(theirs, "was lower than expected")
                    || says(theirs, "CredentialPossibleCompromise"))
        },
    },
    Difference {
        id: "frames-allowed",
        who: &[WebauthnRs],
        applies: |case, ours, theirs| {
            ours == Accepted
                && case.profile == Profile::Framed
                && says(theirs, "CredentialCrossOrigin")
        },
    },
    Difference {
        id: "verified-once",
        who: &[WebauthnRs],
        applies: |case, ours, theirs| {
            ours == Accepted
                && case.profile == Profile::UvPreferred
                && says(theirs, "UserNotVerified")
        },
    },
    Difference {
        id: "token-binding-name",
        who: &[SimpleWebAuthn],
        applies: |_, ours, theirs| {
            ours == Accepted && says(theirs, "tokenBinding status not-supported")
        },
    },
    Difference {
        id: "padding",
        who: &[SimpleWebAuthn, WebauthnRp],
        applies: |case, ours, _| ours == Accepted && is_padded(case),
    },
    Difference {
        id: "client-data-spelling",
        who: &[WebauthnRs],
        applies: |_, ours, theirs| ours == Accepted && says(theirs, "ParseJSONFailure"),
    },
    Difference {
        id: "extension-results",
        who: &[WebauthnRs, WebauthnRp],
        applies: |case, ours, theirs| {
            ours == Accepted
                && says(theirs, "JSON: ")
                && !json(case)["clientExtensionResults"].is_object()
        },
    },
    Difference {
        id: "unknown-names",
        who: &[WebauthnRp],
        applies: |_, ours, theirs| {
            ours == Accepted
                && (says(theirs, "expected 'platform'") || says(theirs, "expected 'ble'"))
        },
    },
    Difference {
        id: "copies",
        who: &[WebauthnRp],
        applies: |case, ours, theirs| {
            ours == Accepted && says(theirs, "JSON: ") && !copies_agree(&json(case)["response"])
        },
    },
    Difference {
        id: "copy-missing",
        who: &[WebauthnRp],
        applies: |case, ours, theirs| {
            ours == Accepted
                && says(theirs, &format!("to all match: {RP_ID_HASH:?}"))
                && json(case)["response"]["authenticatorData"].is_null()
        },
    },
    // We refuse, they accept.
    Difference {
        id: "credential-id",
        who: &[SimpleWebAuthn, WebauthnRs],
        applies: |_, ours, _| ours == Refused(CredentialId),
    },
    Difference {
        id: "credential-id-length",
        who: &[SimpleWebAuthn, WebauthnRs],
        applies: |_, ours, _| ours == Refused(CredentialIdLength),
    },
    Difference {
        id: "user-handle",
        who: &[SimpleWebAuthn, WebauthnRs],
        applies: |_, ours, _| matches!(ours, Refused(UserHandle | UserHandleMissing)),
    },
    Difference {
        id: "client-data-utf-8",
        who: &[SimpleWebAuthn, WebauthnRp],
        applies: |case, ours, _| {
            ours == Refused(ClientDataMalformed) && std::str::from_utf8(&client_data(case)).is_err()
        },
    },
    Difference {
        id: "client-data",
        who: &[SimpleWebAuthn, WebauthnRp, WebauthnRs],
        applies: |_, ours, _| ours == Refused(ClientDataMalformed),
    },
    Difference {
        id: "frames-refused",
        who: &[SimpleWebAuthn, WebauthnRs],
        applies: |_, ours, _| matches!(ours, Refused(CrossOrigin | TopOrigin)),
    },
    Difference {
        id: "origin-spelling",
        who: &[WebauthnRs],
        applies: |_, ours, _| ours == Refused(Origin),
    },
    Difference {
        id: "backup-eligibility",
        who: &[SimpleWebAuthn],
        applies: |_, ours, _| ours == Refused(BackupEligibilityChanged),
    },
    Difference {
        id: "attested-data",
        who: &[SimpleWebAuthn, WebauthnRs],
        applies: |_, ours, _| ours == Refused(AttestedDataUnexpected),
    },
    Difference {
        id: "end-of-data",
        who: &[SimpleWebAuthn, WebauthnRs],
        applies: |_, ours, _| ours == Refused(AuthenticatorDataMalformed),
    },
    Difference {
        id: "attestation-object",
        who: &[SimpleWebAuthn, WebauthnRs],
        applies: |_, ours, _| ours == Refused(AttestationMalformed),
    },
    Difference {
        id: "statement",
        who: &[SimpleWebAuthn, WebauthnRs],
        applies: |_, ours, _| {
            matches!(
                ours,
                Refused(AttestationStatement | AttestationCertificate | AttestationAlgorithm)
            )
        },
    },
    Difference {
        id: "public-key",
        who: &[SimpleWebAuthn, WebauthnRp, WebauthnRs],
        applies: |_, ours, _| ours == Refused(PublicKey),
    },
    Difference {
        id: "signature-form",
        who: &[SimpleWebAuthn],
        applies: |case, ours, _| {
            matches!(ours, Refused(Signature | AttestationSignature)) && is_es256(case)
        },
    },
    Difference {
        id: "discoverable",
        who: &[SimpleWebAuthn, WebauthnRs],
        applies: |_, ours, _| ours == Refused(NotDiscoverable),
    },
    Difference {
        id: "stored-key",
        who: &[SimpleWebAuthn, WebauthnRs],
        applies: |_, ours, _| ours == Refused(StoredKey),
    },
    Difference {
        id: "json",
        who: &[SimpleWebAuthn, WebauthnRp, WebauthnRs],
        applies: |_, ours, _| ours == Unreadable,
    },
];

/// Cases with numbers that JavaScript has no type of its own for.
const NUMBERS: [&str; 5] = [
    "half a float",
    "a float",
    "a double",
    "the largest number",
    "the least number",
];

/// Whether they give this reason.
fn says(theirs: &Opinion, reason: &str) -> bool {
    theirs.as_ref().is_err_and(|theirs| theirs.contains(reason))
}

/// Whether it is a case of the catalogue with this in its name.
fn about(case: &Case, what: &str) -> bool {
    case.expected.is_some() && case.name.contains(what)
}

/// The response, or null if it is no JSON.
fn json(case: &Case) -> Value {
    serde_json::from_str(&case.response).unwrap_or_default()
}

/// The bytes of a member, with padding or without.
fn bytes(member: &Value) -> Vec<u8> {
    let text = member.as_str().unwrap_or_default().trim_end_matches('=');
    URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
}

fn client_data(case: &Case) -> Vec<u8> {
    bytes(&json(case)["response"]["clientDataJSON"])
}

/// Whether a member of the response, or the challenge, ends in padding.
fn is_padded(case: &Case) -> bool {
    let client_data = String::from_utf8_lossy(&client_data(case)).into_owned();
    case.response.contains("=\"") || client_data.contains("=\"")
}

fn is_es256(case: &Case) -> bool {
    match &case.ceremony {
        Ceremony::Registration => json(case)["response"]["publicKeyAlgorithm"] == -7,
        Ceremony::Assertion { stored } => stored.algorithm == Algorithm::Es256,
    }
}

/// SHA-256 of the RP ID, with which authenticator data begins.
const RP_ID_HASH: [u8; 32] = [
    0xbf, 0xab, 0xc3, 0x74, 0x32, 0x95, 0x8b, 0x06, 0x33, 0x60, 0xd3, 0xad, 0x64, 0x61, 0xc9, 0xc4,
    0x73, 0x5a, 0xe7, 0xf8, 0xed, 0xd4, 0x65, 0x92, 0xa5, 0xe0, 0xf0, 0x14, 0x52, 0xb2, 0xe4, 0xb5,
];

/// Whether the flag ED is set.
fn has_extensions(case: &Case) -> bool {
    let response = &json(case)["response"];
    let member = match &case.ceremony {
        Ceremony::Registration => "attestationObject",
        Ceremony::Assertion { .. } => "authenticatorData",
    };
    let bytes = bytes(&response[member]);
    let data = bytes
        .windows(RP_ID_HASH.len() + 1)
        .find(|window| window.starts_with(&RP_ID_HASH));
    data.is_some_and(|data| data[RP_ID_HASH.len()] & 0x80 != 0)
}

/// Whether what browsers copy out of the attestation object, for those who do not read it, agrees with it.
///
/// The generator never writes `publicKey`: where it is, it is wrong.
fn copies_agree(response: &Value) -> bool {
    let data = &response["authenticatorData"];
    let object = bytes(&response["attestationObject"]);
    let is_data = URL_SAFE_NO_PAD
        .decode(data.as_str().unwrap_or_default())
        .is_ok_and(|data| !data.is_empty() && object.ends_with(&data));
    let algorithm = &response["publicKeyAlgorithm"];
    let is_algorithm = algorithm.is_null() || object_has_algorithm(&object, algorithm);
    (data.is_null() || is_data) && is_algorithm && response["publicKey"].is_null()
}

/// Whether the COSE key in an attestation object is of this algorithm, in the form that the generator writes.
fn object_has_algorithm(object: &[u8], algorithm: &Value) -> bool {
    let entry: &[u8] = match algorithm.as_i64() {
        Some(-7) => b"\x01\x02\x03\x26",
        Some(-8) => b"\x01\x01\x03\x27",
        Some(-257) => b"\x01\x03\x03\x39\x01\x00",
        _ => return false,
    };
    object.windows(entry.len()).any(|window| window == entry)
}
