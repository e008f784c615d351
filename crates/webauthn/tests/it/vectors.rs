//! The test vectors of the standard (§16): what each is worth to a lenient relying party, and to ours.
//!
//! `tests/vectors/README.md` says where the bytes come from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
#[cfg(feature = "attestation")]
use doorward_webauthn::TrustAnchors;
use doorward_webauthn::{
    Algorithm, AssertionResponse, Credential, CrossOrigin, Format, Policy, Refusal,
    RegistrationResponse, ResidentKey, UnknownAlgorithm, UserVerification,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::ceremony::{Asserted, ORIGIN, RP_ID, Registered, USER_HANDLE, assertion, registration};

type Verdict = Result<(), Refusal>;

/// One vector, and its verdict under both policies.
struct Row {
    name: &'static str,
    json: &'static str,
    /// The algorithm of the credential key, as its COSE number.
    algorithm: i64,
    register: Verdicts,
    authenticate: Verdicts,
}

struct Verdicts {
    permissive: Verdict,
    production: Verdict,
}

const ACCEPT: Verdict = Ok(());

// The refusals, by the words of the table.
const ALGORITHM: Verdict = Err(Refusal::Algorithm);
const FRAMED: Verdict = Err(Refusal::CrossOrigin);
const UNVERIFIED: Verdict = Err(Refusal::UserVerification);
const CHAIN: Verdict = Err(Refusal::AttestationCertificate);
const FORMAT: Verdict = Err(Refusal::AttestationFormat);
/// An assertion against a key that registration would have refused.
const STORED_KEY: Verdict = Err(Refusal::StoredKey);

// What a certificate vouches for is accepted where it can be verified: with the feature `attestation`.
const CERTIFIED_PACKED: Verdict = if cfg!(feature = "attestation") {
    ACCEPT
} else {
    CHAIN
};
const CERTIFIED: Verdict = if cfg!(feature = "attestation") {
    ACCEPT
} else {
    FORMAT
};

const ES256: i64 = -7;
const EDDSA: i64 = -8;
const ES384: i64 = -35;
const ES512: i64 = -36;
const ED448: i64 = -53;
const RS256: i64 = -257;

/// A row: the vector, its algorithm, and the verdicts on registration and on authentication.
macro_rules! row {
    ($name:literal, $algorithm:expr, $register:expr, $authenticate:expr) => {
        Row {
            name: $name,
            json: include_str!(concat!("../vectors/", $name, ".json")),
            algorithm: $algorithm,
            register: $register,
            authenticate: $authenticate,
        }
    };
}

/// The verdict of the permissive policy, and that of the policy for production.
const fn verdicts(permissive: Verdict, production: Verdict) -> Verdicts {
    Verdicts {
        permissive,
        production,
    }
}

/// All fifteen. Where a vector breaks several rules, the verdict is the one whose step comes first:
/// frame (§7.1 step 10), verified user (16), algorithm (20), format (21).
#[rustfmt::skip]
const ROWS: [Row; 15] = [
    //                                           registration under …                      authentication under …
    //   vector                          key     permissive        production              permissive  production
    row!("none-es256",                    ES256, verdicts(ACCEPT,           UNVERIFIED),  verdicts(ACCEPT,     UNVERIFIED)),
    row!("packed-self-es256",             ES256, verdicts(ACCEPT,           ACCEPT),      verdicts(ACCEPT,     UNVERIFIED)),
    row!("none-es256-crossorigin",        ES256, verdicts(ACCEPT,           FRAMED),      verdicts(ACCEPT,     FRAMED)),
    row!("none-es256-toporigin",          ES256, verdicts(ACCEPT,           FRAMED),      verdicts(ACCEPT,     FRAMED)),
    row!("none-es256-long-credential-id", ES256, verdicts(ACCEPT,           UNVERIFIED),  verdicts(ACCEPT,     ACCEPT)),
    row!("packed-es256",                  ES256, verdicts(CERTIFIED_PACKED, CHAIN),       verdicts(ACCEPT,     ACCEPT)),
    row!("packed-es384",                  ES384, verdicts(ALGORITHM,        UNVERIFIED),  verdicts(STORED_KEY, STORED_KEY)),
    row!("packed-es512",                  ES512, verdicts(ALGORITHM,        ALGORITHM),   verdicts(STORED_KEY, UNVERIFIED)),
    row!("packed-rs256",                  RS256, verdicts(CERTIFIED_PACKED, CHAIN),       verdicts(ACCEPT,     UNVERIFIED)),
    row!("packed-eddsa",                  EDDSA, verdicts(CERTIFIED_PACKED, UNVERIFIED),  verdicts(ACCEPT,     UNVERIFIED)),
    row!("packed-ed448",                  ED448, verdicts(ALGORITHM,        UNVERIFIED),  verdicts(STORED_KEY, STORED_KEY)),
    row!("tpm-es256",                     ES256, verdicts(CERTIFIED,        FORMAT),      verdicts(ACCEPT,     ACCEPT)),
    row!("android-key-es256",             ES256, verdicts(CERTIFIED,        FORMAT),      verdicts(ACCEPT,     UNVERIFIED)),
    row!("apple-es256",                   ES256, verdicts(CERTIFIED,        UNVERIFIED),  verdicts(ACCEPT,     UNVERIFIED)),
    row!("fido-u2f-es256",                ES256, verdicts(CERTIFIED,        UNVERIFIED),  verdicts(ACCEPT,     UNVERIFIED)),
];

/// Accepts whatever it can verify.
fn permissive() -> Policy {
    Policy {
        user_verification: UserVerification::Preferred,
        algorithms: vec![Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256],
        formats: formats(),
        cross_origin: framed_by("https://example.com"),
        resident_key: ResidentKey::Preferred,
        ..production()
    }
}

#[cfg(not(feature = "attestation"))]
fn formats() -> Vec<Format> {
    vec![Format::None, Format::PackedSelf]
}

#[cfg(feature = "attestation")]
fn formats() -> Vec<Format> {
    vec![
        Format::None,
        Format::PackedSelf,
        Format::Packed,
        Format::Tpm,
        Format::AndroidKey,
        Format::Apple,
        Format::FidoU2f,
    ]
}

/// A moment in the validity of the vectors' certificates, in seconds since 1970.
#[cfg(feature = "attestation")]
const IN_2026: u64 = 1_780_000_000;

/// The root of the vectors, for each format.
#[cfg(feature = "attestation")]
fn anchors() -> TrustAnchors {
    let root: Root =
        serde_json::from_str(include_str!("../vectors/attestation-root.json")).unwrap();
    TrustAnchors::new(
        formats()
            .into_iter()
            .map(|format| (format, &root.certificate)),
    )
    .unwrap()
}

#[cfg(feature = "attestation")]
#[derive(Deserialize)]
struct Root {
    #[serde(deserialize_with = "hex")]
    certificate: Vec<u8>,
}

/// Items 29, 56.
#[cfg(feature = "attestation")]
#[test]
fn no_attested_vector_registers_with_any_bit_of_its_client_data_flipped() {
    for row in ROWS.iter().filter(|row| {
        [CERTIFIED, CERTIFIED_PACKED].contains(&row.register.permissive)
            && row.register.production.is_err()
            && !row.name.starts_with("none-")
    }) {
        let mut vector = row.vector();
        for bit in 0..part::attestation_client_data_json(&mut vector).len() * 8 {
            flip(part::attestation_client_data_json(&mut vector), bit);
            let verdict = vector.register(&permissive());
            flip(part::attestation_client_data_json(&mut vector), bit);

            assert!(verdict.is_err(), "{}: bit {bit}", row.name);
        }
        assert!(vector.register(&permissive()).is_ok(), "{}", row.name);
    }
}

fn production() -> Policy {
    Policy::new(RP_ID, [ORIGIN])
}

fn framed_by(top_origin: &str) -> CrossOrigin {
    CrossOrigin::Allow {
        top_origins: vec![top_origin.to_owned()],
    }
}

/// Items 23, 25, 26, 28, 29, 32, 56.
#[test]
fn every_vector_registers_as_the_table_says() {
    for row in &ROWS {
        let vector = row.vector();

        let permissive = vector.register(&permissive());
        let production = vector.register(&production());

        let name = row.name;
        assert_eq!(
            permissive.map(drop),
            row.register.permissive,
            "{name}, permissive"
        );
        assert_eq!(
            production.map(drop),
            row.register.production,
            "{name}, production"
        );
    }
}

/// Items 25, 30, 43, 56.
#[test]
fn every_vector_authenticates_as_the_table_says() {
    for row in &ROWS {
        let vector = row.vector();
        let stored = row.stored();

        let permissive = vector.authenticate(&permissive(), &stored);
        let production = vector.authenticate(&production(), &stored);

        let name = row.name;
        assert_eq!(
            permissive.map(drop),
            row.authenticate.permissive,
            "{name}, permissive"
        );
        assert_eq!(
            production.map(drop),
            row.authenticate.production,
            "{name}, production"
        );
    }
}

/// Item 27.
#[test]
fn a_registered_vector_is_stored_as_it_was_sent() {
    for row in &ROWS {
        let vector = row.vector();

        if let Ok(verified) = vector.register(&permissive()) {
            assert_eq!(
                verified.aaguid(),
                *vector.registration.aaguid,
                "{}",
                row.name
            );
            assert_eq!(verified.into_credential(), row.stored(), "{}", row.name);
        }
    }
}

/// What a caller looks up before it verifies is what the vector says.
#[test]
fn every_vector_claims_its_challenge_and_its_credential() {
    for row in &ROWS {
        let Vector {
            registration: created,
            authentication: used,
        } = row.vector();
        let (attestation, assertion) = (created.response(), used.response(&created.credential_id));

        assert_eq!(
            attestation.unauthenticated_challenge(),
            Some(created.challenge)
        );
        assert_eq!(
            attestation.unauthenticated_credential_id(),
            created.credential_id
        );
        assert_eq!(assertion.unauthenticated_challenge(), Some(used.challenge));
        assert_eq!(
            assertion.unauthenticated_credential_id(),
            created.credential_id
        );
    }
}

/// Items 28, 56.
#[test]
fn the_algorithms_of_the_refused_vectors_have_no_name_to_offer_or_to_store() {
    for algorithm in [ES384, ES512, ED448] {
        assert_eq!(
            Algorithm::try_from(algorithm),
            Err(UnknownAlgorithm(algorithm))
        );
    }
}

/// Items 25, 42.
#[test]
fn the_vector_with_a_top_origin_needs_that_very_origin_allowed() {
    let row = row("none-es256-toporigin");
    let policy = Policy {
        cross_origin: framed_by("https://example.net"),
        ..permissive()
    };

    let registered = row.vector().register(&policy);
    let authenticated = row.vector().authenticate(&policy, &row.stored());

    assert_eq!(registered, Err(Refusal::TopOrigin));
    assert_eq!(authenticated, Err(Refusal::TopOrigin));
}

/// Items 39, 56.
#[test]
fn a_vector_does_not_authenticate_without_a_user_handle() {
    let row = row("packed-es256");
    let Vector {
        registration: created,
        authentication: used,
    } = row.vector();
    let mut json = used.json(&created.credential_id);
    json["response"]["userHandle"] = Value::Null;

    let verdict =
        assertion(json).verify(&production(), &used.challenge, &row.stored(), &USER_HANDLE);

    assert_eq!(verdict, Err(Refusal::UserHandleMissing));
}

/// Items 45, 56.
#[test]
fn no_vector_authenticates_with_any_bit_flipped() {
    for row in ROWS
        .iter()
        .filter(|row| row.authenticate.permissive.is_ok())
    {
        let stored = row.stored();
        let mut vector = row.vector();
        for part in [
            part::authenticator_data,
            part::client_data_json,
            part::signature,
        ] {
            for bit in 0..part(&mut vector).len() * 8 {
                flip(part(&mut vector), bit);
                let verdict = vector.authenticate(&permissive(), &stored);
                flip(part(&mut vector), bit);

                assert!(
                    verdict.is_err(),
                    "{}: bit {bit} of {:?}",
                    row.name,
                    part(&mut vector)
                );
            }
        }
        assert!(
            vector.authenticate(&permissive(), &stored).is_ok(),
            "{}",
            row.name
        );
    }
}

/// Items 29, 56. A `none` attestation signs nothing, so that this holds for the self-attested one alone.
#[test]
fn no_self_attested_vector_registers_with_any_bit_flipped() {
    let mut vector = row("packed-self-es256").vector();
    for part in [part::attestation_object, part::attestation_client_data_json] {
        for bit in 0..part(&mut vector).len() * 8 {
            flip(part(&mut vector), bit);
            let verdict = vector.register(&permissive());
            flip(part(&mut vector), bit);

            assert!(verdict.is_err(), "bit {bit} of {:?}", part(&mut vector));
        }
    }
    assert!(vector.register(&permissive()).is_ok());
}

fn flip(bytes: &mut [u8], bit: usize) {
    bytes[bit / 8] ^= 1 << (bit % 8);
}

/// The signed parts of a vector.
mod part {
    use super::Vector;

    pub fn attestation_object(vector: &mut Vector) -> &mut Vec<u8> {
        &mut vector.registration.attestation_object
    }

    pub fn attestation_client_data_json(vector: &mut Vector) -> &mut Vec<u8> {
        &mut vector.registration.client_data_json
    }

    pub fn authenticator_data(vector: &mut Vector) -> &mut Vec<u8> {
        &mut vector.authentication.authenticator_data
    }

    pub fn client_data_json(vector: &mut Vector) -> &mut Vec<u8> {
        &mut vector.authentication.client_data_json
    }

    pub fn signature(vector: &mut Vector) -> &mut Vec<u8> {
        &mut vector.authentication.signature
    }
}

fn row(name: &str) -> &'static Row {
    ROWS.iter().find(|row| row.name == name).unwrap()
}

impl Row {
    fn vector(&self) -> Vector {
        serde_json::from_str(self.json).unwrap()
    }

    /// The record of the credential, read from its attestation object without verifying anything.
    ///
    /// An algorithm that has no name cannot be stored: such a record says ES256 and holds another key.
    fn stored(&self) -> Credential {
        let object = self.vector().registration.attestation_object;
        let data = authenticator_data(&object);
        let (flags, rest) = (data[32], &data[37..]);
        let (aaguid, rest) = rest.split_first_chunk().unwrap();
        let (length, rest) = rest.split_first_chunk().unwrap();
        let (id, public_key) = rest.split_at(u16::from_be_bytes(*length).into());
        Credential {
            id: id.to_vec(),
            public_key: public_key.to_vec(),
            algorithm: self.algorithm.try_into().unwrap_or(Algorithm::Es256),
            sign_count: 0,
            aaguid: *aaguid,
            transports: Vec::new(),
            user_verified: flags & 0x04 != 0,
            backup_eligible: flags & 0x08 != 0,
            backed_up: flags & 0x10 != 0,
        }
    }
}

/// The authenticator data in an attestation object: the last entry of its map, by canonical order.
fn authenticator_data(object: &[u8]) -> &[u8] {
    const KEY: &[u8] = b"\x68authData";
    let key = object
        .windows(KEY.len())
        .rposition(|window| window == KEY)
        .unwrap();
    match &object[key + KEY.len()..] {
        [0x58, _, data @ ..] | [0x59, _, _, data @ ..] => data,
        other => unreachable!("not a byte string: {other:02x?}"),
    }
}

#[derive(Deserialize)]
struct Vector {
    registration: Registration,
    authentication: Authentication,
}

#[derive(Deserialize)]
struct Registration {
    #[serde(deserialize_with = "hex")]
    challenge: Vec<u8>,
    #[serde(deserialize_with = "hex")]
    credential_id: Vec<u8>,
    #[serde(deserialize_with = "hex")]
    aaguid: Vec<u8>,
    #[serde(deserialize_with = "hex")]
    attestation_object: Vec<u8>,
    #[serde(deserialize_with = "hex")]
    client_data_json: Vec<u8>,
}

#[derive(Deserialize)]
struct Authentication {
    #[serde(deserialize_with = "hex")]
    challenge: Vec<u8>,
    #[serde(deserialize_with = "hex")]
    authenticator_data: Vec<u8>,
    #[serde(deserialize_with = "hex")]
    client_data_json: Vec<u8>,
    #[serde(deserialize_with = "hex")]
    signature: Vec<u8>,
}

impl Vector {
    #[cfg(not(feature = "attestation"))]
    fn register(&self, policy: &Policy) -> Registered {
        let created = &self.registration;
        created.response().verify(policy, &created.challenge)
    }

    /// Under a policy for production, as a relying party without trust anchors has it.
    #[cfg(feature = "attestation")]
    fn register(&self, policy: &Policy) -> Registered {
        let created = &self.registration;
        let response = created.response();
        if policy.formats == production().formats {
            return response.verify(policy, &created.challenge);
        }
        response.verify_attested(policy, &created.challenge, &anchors(), IN_2026)
    }

    fn authenticate(&self, policy: &Policy, stored: &Credential) -> Asserted {
        let used = &self.authentication;
        let response = used.response(&self.registration.credential_id);
        response.verify(policy, &used.challenge, stored, &USER_HANDLE)
    }
}

impl Registration {
    fn response(&self) -> RegistrationResponse {
        let id = base64url(&self.credential_id);
        registration(json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "clientDataJSON": base64url(&self.client_data_json),
                "attestationObject": base64url(&self.attestation_object),
            },
            "clientExtensionResults": {},
        }))
    }
}

impl Authentication {
    fn response(&self, credential_id: &[u8]) -> AssertionResponse {
        assertion(self.json(credential_id))
    }

    /// No vector has a user handle: the tests choose one. It is not signed.
    fn json(&self, credential_id: &[u8]) -> Value {
        let id = base64url(credential_id);
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "clientDataJSON": base64url(&self.client_data_json),
                "authenticatorData": base64url(&self.authenticator_data),
                "signature": base64url(&self.signature),
                "userHandle": base64url(&USER_HANDLE),
            },
            "clientExtensionResults": {},
        })
    }
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let digits = String::deserialize(deserializer)?;
    let digit = |digit: u8| char::from(digit).to_digit(16).unwrap();
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0]) << 4 | digit(pair[1])).unwrap();
    Ok(digits.as_bytes().chunks(2).map(byte).collect())
}
