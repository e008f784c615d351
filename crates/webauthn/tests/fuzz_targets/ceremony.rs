//! The originals that the fuzzer changes, and what of them must still be so when a change is accepted.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use doorward_webauthn::options::{CreationOptions, RequestOptions, User};
use doorward_webauthn::testing::parse::{AuthenticatorData, ClientData};
use doorward_webauthn::testing::{Attestation, Authenticator, Counter, Passkey, flag};
use doorward_webauthn::{Algorithm, Credential, Policy, RegistrationResponse};
use serde::Deserialize;
use serde_json::{Value, json};

use super::client_data;
use super::members::Members;

pub const RP_ID: &str = "example.org";
pub const ORIGIN: &str = "https://example.org";
pub const CHALLENGE: [u8; 32] = *b"thirty-two bytes for a challenge";
pub const USER_HANDLE: [u8; 64] = [0x5a; 64];

/// A registration with a self attestation, and an assertion that follows it.
pub struct Original {
    pub registration: Value,
    pub assertion: Value,
    pub stored: Credential,
    /// The key, to sign what was changed. It is there where signatures follow from what they sign.
    pub passkey: Option<Passkey>,
}

/// ECDSA signatures and RSA keys differ each time they are made, so theirs were made once.
const KEPT: &str = include_str!("ceremonies.json");

static ORIGINALS: LazyLock<[Original; 3]> = LazyLock::new(|| {
    let kept: Value = serde_json::from_str(KEPT).unwrap();
    let mut authenticator = authenticator(Algorithm::EdDsa);
    let (registration, assertion) = ceremonies(&mut authenticator);
    let passkey = authenticator.passkeys()[0].clone();
    [
        Original::new(&registration, &assertion, Some(passkey)),
        Original::new(
            &kept["es256"]["registration"],
            &kept["es256"]["assertion"],
            None,
        ),
        Original::new(
            &kept["rs256"]["registration"],
            &kept["rs256"]["assertion"],
            None,
        ),
    ]
});

impl Original {
    /// One of the three, the most changeable of them more often.
    pub fn choose(choice: u8) -> &'static Self {
        &ORIGINALS[usize::from(choice % 4).saturating_sub(1)]
    }

    fn new(registration: &Value, assertion: &Value, passkey: Option<Passkey>) -> Self {
        let response = RegistrationResponse::deserialize(registration).unwrap();
        let stored = response.verify(&policy(), &CHALLENGE).unwrap();
        Self {
            registration: registration.clone(),
            assertion: assertion.clone(),
            stored: stored.into_credential(),
            passkey,
        }
    }
}

pub fn policy() -> Policy {
    Policy::new(RP_ID, [ORIGIN])
}

/// An authenticator that counts, and whose passkeys may be backed up.
pub fn authenticator(algorithm: Algorithm) -> Authenticator {
    let mut authenticator = Authenticator::with_algorithm(1, algorithm);
    authenticator.flags = flag::UP | flag::UV | flag::BE;
    authenticator.counter = Counter::Incrementing;
    authenticator.attestation = Attestation::PackedSelf;
    authenticator
}

/// The JSON of a registration, and of an assertion with the new passkey.
pub fn ceremonies(authenticator: &mut Authenticator) -> (Value, Value) {
    let user = User {
        id: USER_HANDLE.to_vec(),
        name: "ada@example.org".to_owned(),
        display_name: "Ada".to_owned(),
    };
    let options = CreationOptions::new(&policy(), "Example", user, CHALLENGE.to_vec());
    let registration = authenticator.create(&json!(options), ORIGIN);
    let options = RequestOptions::new(&policy(), CHALLENGE.to_vec());
    let assertion = authenticator.get(&json!(options), ORIGIN);
    (registration, assertion)
}

/// The members that both responses have: the id, and what `response` holds.
pub fn envelope(json: &[u8]) -> Option<(Vec<u8>, Members, Members)> {
    let members = Members::read(json)?;
    members.optional::<String>("authenticatorAttachment")?;
    let (id, raw_id) = (members.bytes("id")?, members.bytes("rawId")?);
    let kind: String = members.get("type")?;
    let response = members.get("response")?;
    (id == raw_id && kind == "public-key").then_some((id, members, response))
}

/// What an authenticator signs.
pub fn message(authenticator_data: &[u8], client_data: &[u8]) -> Vec<u8> {
    [authenticator_data, sha256(client_data).as_ref()].concat()
}

/// §7.1 steps 7 to 11, §7.2 steps 10 to 14, under the policy above.
pub fn is_right_client_data(client_data: &[u8], ceremony: &'static str) -> bool {
    let right = ClientData {
        ceremony: Some(ceremony),
        challenge: CHALLENGE.to_vec(),
        origin: ORIGIN.to_owned(),
        cross_origin: false,
        top_origin: None,
    };
    client_data::read(client_data) == Some(right)
}

/// §7.1 steps 14 to 17, §7.2 steps 15 to 18.
pub fn is_right_authenticator_data(data: &AuthenticatorData) -> bool {
    let has = |flag| data.flags & flag != 0;
    data.rp_id_hash == sha256(RP_ID.as_bytes())
        && has(flag::UP)
        && has(flag::UV)
        && (has(flag::BE) || !has(flag::BS))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}
