//! Software passkeys, all with one ES256 key: assertions as a browser sends them, made before they are needed.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward::testing::Person;
use doorward_rig::Result;
use serde_json::Value;

/// Where the pages are of the server that is measured, and its relying party.
pub(crate) const ORIGIN: &str = "http://localhost:8700";
const RP_ID: &[u8] = b"localhost";

/// User present, user verified, and a key that may be and is backed up: what a synced passkey says.
const FLAGS: u8 = 0x01 | 0x04 | 0x08 | 0x10;

/// The key.
pub(crate) struct Authenticator {
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl Authenticator {
    pub(crate) fn new() -> Result<Self> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
        let random = SystemRandom::new();
        Ok(Self { key, random })
    }

    /// The public key as COSE has it (RFC 9053 §7.1): a map of type, algorithm, curve and coordinates.
    pub(crate) fn public_key(&self) -> Vec<u8> {
        let point = self.key.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let parts: [&[u8]; 5] = [
            b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20",
            x,
            b"\x22\x58\x20",
            y,
            b"",
        ];
        parts.concat()
    }

    /// A person's answer to options: `AuthenticationResponseJSON`.
    pub(crate) fn get(&self, person: &Person, options: &[u8]) -> Result<String> {
        let options: Value = serde_json::from_slice(options)?;
        let challenge = options["challenge"].as_str().ok_or("no challenge")?;
        let client_data = format!(
            r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{ORIGIN}","crossOrigin":false}}"#
        );
        let mut data = digest(&SHA256, RP_ID).as_ref().to_vec();
        data.push(FLAGS);
        data.extend([0; 4]);
        let signed = [&data, digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
        let signature = self.key.sign(&self.random, &signed)?;
        let id = URL_SAFE_NO_PAD.encode(person.credential_id);
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Ok(format!(
            r#"{{"id":"{id}","rawId":"{id}","type":"public-key","authenticatorAttachment":"platform","clientExtensionResults":{{}},"response":{{"clientDataJSON":"{}","authenticatorData":"{}","signature":"{}","userHandle":"{}"}}}}"#,
            text(client_data.as_bytes()),
            text(&data),
            text(signature.as_ref()),
            text(&person.user_handle),
        ))
    }
}
