use doorward_webauthn::testing::parse::{self, AuthenticatorData};
use doorward_webauthn::testing::{cbor, flag};
use doorward_webauthn::{Format, RegistrationResponse, VerifiedRegistration};
use serde_json::Value;

use super::ceremony::{
    CHALLENGE, Original, envelope, is_right_authenticator_data, is_right_client_data, message,
    policy,
};
use super::edit::{Edit, edit};
use super::item::Item;
use super::members::{Members, base64url};
use super::{attestation_object, authenticator_data};

/// The bits of the first byte: sign anew what was changed; begin without an attestation; accept
/// nothing but a self attestation.
const SIGN: u8 = 0x80;
const NONE: u8 = 0x40;
const STRICT: u8 = 0x20;

/// Changes to a valid registration: it is accepted exactly if the second reading finds all of §7.1 in
/// it. Where a self attestation is required, what is signed is what the key signed, byte for byte.
///
/// The first byte chooses the key and the mode; the others are the changes.
pub fn registration(data: &[u8]) {
    let Some((&choice, edits)) = data.split_first() else {
        return;
    };
    let original = Original::choose(choice);
    let mut policy = policy();
    if choice & STRICT != 0 {
        policy.formats = vec![Format::PackedSelf];
    }
    // What is not UTF-8 could only be accepted in members that are skipped unread: it is no change.
    let Ok(json) = String::from_utf8(changed(original, choice, &Edit::read_all(edits))) else {
        return;
    };

    let response = serde_json::from_str::<RegistrationResponse>(&json).ok();
    let verdict = response.and_then(|response| {
        let verdict = response.verify(&policy, &CHALLENGE);
        assert_eq!(response.verify(&policy, &CHALLENGE), verdict);
        verdict.ok()
    });

    let sent = Registration::read(json.as_bytes());
    let is_right = |sent: &Registration| sent.is_right(&policy.formats);
    match (&verdict, &sent) {
        (Some(verdict), Some(sent)) => {
            assert!(is_right(sent));
            sent.check_verdict(verdict);
            assert!(choice & STRICT == 0 || sent.is_signed(original));
        }
        (Some(_), None) => panic!("accepted, and not even readable"),
        // Whether another key is a point on its curve is not for the second reading to know.
        (None, Some(sent)) => assert!(!sent.is_of(original) || !is_right(sent)),
        (None, None) => {}
    }
    let untouched = original.registration.to_string();
    if json == untouched {
        assert!(verdict.is_some());
    }
}

/// The response as it is sent.
fn changed(original: &Original, choice: u8, edits: &[Edit<'_>]) -> Vec<u8> {
    let text = original.registration.to_string();
    let mut sent = Registration::read(text.as_bytes()).unwrap();
    edit::<7>(edits, 0, &mut sent.client_data);
    edit::<7>(edits, 1, &mut sent.authenticator_data);
    let (mut format, mut statement) = match &original.passkey {
        _ if choice & NONE != 0 => (b"none".to_vec(), cbor::map(&[])),
        Some(passkey) if choice & SIGN != 0 => {
            let message = message(&sent.authenticator_data, &sent.client_data);
            let entries = [
                (
                    cbor::text("alg"),
                    cbor::integer(passkey.algorithm().cose_id()),
                ),
                (cbor::text("sig"), cbor::bytes(&passkey.sign(&message))),
            ];
            (b"packed".to_vec(), cbor::map(&entries))
        }
        _ => {
            let object = parse::attestation_object(&sent.object).unwrap();
            (object.format.into_bytes(), object.statement)
        }
    };
    edit::<7>(edits, 2, &mut format);
    edit::<7>(edits, 3, &mut statement);
    sent.object = cbor::map(&[
        (
            cbor::text("fmt"),
            cbor::text(&String::from_utf8_lossy(&format)),
        ),
        (cbor::text("attStmt"), statement),
        (
            cbor::text("authData"),
            cbor::bytes(&sent.authenticator_data),
        ),
    ]);
    edit::<7>(edits, 4, &mut sent.object);
    edit::<7>(edits, 5, &mut sent.id);
    let mut json = sent.write(&original.registration).to_string().into_bytes();
    edit::<7>(edits, 6, &mut json);
    json
}

/// A registration by the second reading.
struct Registration {
    id: Vec<u8>,
    client_data: Vec<u8>,
    object: Vec<u8>,
    format: String,
    statement: Item,
    authenticator_data: Vec<u8>,
    transports: Vec<String>,
    discoverable: Option<bool>,
}

impl Registration {
    fn read(json: &[u8]) -> Option<Self> {
        let (id, members, response) = envelope(json)?;
        let object = response.bytes("attestationObject")?;
        let (format, statement, authenticator_data) = attestation_object::read(&object)?;
        let results: Option<Members> = members.optional("clientExtensionResults")?;
        let properties: Option<Members> = match results {
            Some(results) => results.optional("credProps")?,
            None => None,
        };
        Some(Self {
            id,
            client_data: response.bytes("clientDataJSON")?,
            object,
            format,
            statement,
            authenticator_data,
            transports: response.optional("transports")?,
            discoverable: match properties {
                Some(properties) => properties.optional("rk")?,
                None => None,
            },
        })
    }

    fn write(&self, original: &Value) -> Value {
        let mut json = original.clone();
        json["id"] = base64url(&self.id);
        json["rawId"] = base64url(&self.id);
        json["response"]["clientDataJSON"] = base64url(&self.client_data);
        json["response"]["attestationObject"] = base64url(&self.object);
        json
    }

    fn authenticator_data(&self) -> Option<AuthenticatorData> {
        authenticator_data::read(&self.authenticator_data)
    }

    fn key(&self) -> Option<Vec<u8>> {
        Some(self.authenticator_data()?.attested?.public_key)
    }

    /// Whether it registers the original's key, whatever else it does.
    fn is_of(&self, original: &Original) -> bool {
        self.key().as_ref() == Some(&original.stored.public_key)
    }

    /// §7.1.
    fn is_right(&self, formats: &[Format]) -> bool {
        let Some(data) = self.authenticator_data() else {
            return false;
        };
        let Some(attested) = &data.attested else {
            return false;
        };
        self.id == attested.id
            && (1..=1023).contains(&self.id.len())
            && is_right_client_data(&self.client_data, "webauthn.create")
            && is_right_authenticator_data(&data)
            && parse::public_key(&attested.public_key).is_some()
            && self
                .format()
                .is_some_and(|format| formats.contains(&format))
            && self.discoverable != Some(false)
    }

    /// The format, if the statement is right for it.
    fn format(&self) -> Option<Format> {
        let Item::Map(statement) = &self.statement else {
            return None;
        };
        match &*self.format {
            "none" if statement.is_empty() => Some(Format::None),
            "packed" if self.is_self_attested() => Some(Format::PackedSelf),
            _ => None,
        }
    }

    /// §8.2: by the credential's own key, which must be named.
    fn is_self_attested(&self) -> bool {
        let Some(key) = self.key() else { return false };
        let Some(algorithm) = parse::public_key(&key) else {
            return false;
        };
        let message = message(&self.authenticator_data, &self.client_data);
        let named = Item::Integer(algorithm.cose_id().into());
        self.entry("alg") == Some(&named)
            && matches!(self.entry("sig"), Some(Item::Bytes(signature)) if parse::is_signed(&key, &message, signature))
    }

    /// One of the statement's two entries.
    fn entry(&self, name: &str) -> Option<&Item> {
        let Item::Map(entries) = &self.statement else {
            return None;
        };
        let is_it = |(key, _): &&(Item, Item)| *key == Item::Text(name.to_owned());
        let entry = entries.iter().filter(|_| entries.len() == 2).find(is_it)?;
        Some(&entry.1)
    }

    /// Whether the original's key signed these bytes. A key that is at hand says what its one signature
    /// is; of the others, one registration is known.
    fn is_signed(&self, original: &Original) -> bool {
        if let Some(passkey) = &original.passkey {
            let signature = passkey.sign(&message(&self.authenticator_data, &self.client_data));
            return self.entry("sig") == Some(&Item::Bytes(signature));
        }
        let text = original.registration.to_string();
        let known = Self::read(text.as_bytes()).unwrap();
        self.client_data == known.client_data
            && self.authenticator_data == known.authenticator_data
            && self.statement == known.statement
    }

    fn check_verdict(&self, verdict: &VerifiedRegistration) {
        let data = self.authenticator_data().unwrap();
        let attested = data.attested.unwrap();
        let credential = verdict.credential();
        assert_eq!(Some(verdict.format()), self.format());
        assert_eq!(verdict.discoverable(), self.discoverable);
        assert_eq!(credential.id, self.id);
        assert_eq!(credential.public_key, attested.public_key);
        assert_eq!(
            Some(credential.algorithm),
            parse::public_key(&attested.public_key)
        );
        assert_eq!(credential.sign_count, data.sign_count);
        assert_eq!(credential.aaguid, attested.aaguid);
        assert_eq!(credential.backup_eligible, data.flags & flag::BE != 0);
        assert_eq!(credential.backed_up, data.flags & flag::BS != 0);
        assert!(credential.user_verified);
        assert!(credential.transports.len() <= 8);
        let is_from_there = |name| self.transports.contains(name);
        assert!(credential.transports.iter().all(is_from_there));
    }
}
