//! A software authenticator together with its browser, for tests and for generating load.
//!
//! It answers options with responses that verify, and with [`Overrides`] it gets wrong whatever a test
//! wants wrong. It shares no code with the verifier: what it knows of the standard it knows by itself.
//!
//! ```
//! use doorward_webauthn::options::{CreationOptions, User};
//! use doorward_webauthn::testing::Authenticator;
//! use doorward_webauthn::{Policy, RegistrationResponse};
//!
//! let policy = Policy::new("example.org", ["https://example.org"]);
//! let user = User { id: vec![7; 64], name: "ada@example.org".into(), display_name: "Ada".into() };
//! let options = CreationOptions::new(&policy, "Example", user, vec![1; 32]);
//!
//! let mut authenticator = Authenticator::new(42);
//! let response = authenticator.create(&serde_json::to_value(&options)?, "https://example.org");
//!
//! let response: RegistrationResponse = serde_json::from_value(response)?;
//! assert!(response.verify(&policy, &[1; 32]).is_ok());
//! # Ok::<(), serde_json::Error>(())
//! ```
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "this is test equipment: using it wrongly should stop the test at once"
)]

mod bytes;
pub mod cbor;
pub mod generator;
mod key;
mod overrides;
pub mod parse;

use serde_json::{Value, json};

use self::bytes::{attestation_object, client_data, decode, encode, sha256, text};
use self::key::Key;
pub use self::overrides::{Attest, AttestationInput, Hook, Overrides};
use crate::Algorithm;

/// The bits of the flags byte (§6.1).
pub mod flag {
    /// The user was present.
    pub const UP: u8 = 0x01;
    /// The user was verified.
    pub const UV: u8 = 0x04;
    /// The credential may be backed up.
    pub const BE: u8 = 0x08;
    /// The credential is backed up.
    pub const BS: u8 = 0x10;
    /// A credential follows.
    pub const AT: u8 = 0x40;
    /// Extension outputs follow.
    pub const ED: u8 = 0x80;
}

/// How an authenticator counts its signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// It does not: the counter stays zero, as synced passkeys have it.
    Zero,
    /// By one for each ceremony, beginning with one at registration.
    Incrementing,
}

/// The attestation statement of new passkeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attestation {
    /// `none`.
    None,
    /// `packed`, signed with the new key.
    PackedSelf,
    /// Any format and any bytes in the place of the statement.
    Raw {
        /// The value of `fmt`.
        format: String,
        /// The statement's bytes, as they are.
        statement: Vec<u8>,
    },
}

/// An authenticator that holds discoverable passkeys, and the browser in front of it.
///
/// Keys, ids and Ed25519 signatures follow from the seed; ECDSA and ML-DSA signatures and the RSA key do not.
/// Excluded credentials are ignored: it creates what it is told to.
#[derive(Debug, Clone)]
pub struct Authenticator {
    /// The algorithms it knows; of those, it takes the first on offer.
    pub algorithms: Vec<Algorithm>,
    /// The flags of each ceremony, without AT and ED, which follow from the content.
    pub flags: u8,
    /// How it counts.
    pub counter: Counter,
    /// Its make.
    pub aaguid: [u8; 16],
    /// How the browser says it can be reached.
    pub transports: Vec<String>,
    /// The attestation of new passkeys.
    pub attestation: Attestation,
    /// What the browser answers to `credProps`: `None` leaves the answer out.
    pub discoverable: Option<bool>,
    seed: u64,
    passkeys: Vec<Passkey>,
}

/// A passkey as its authenticator holds it.
#[derive(Debug, Clone)]
pub struct Passkey {
    /// The credential id.
    pub id: Vec<u8>,
    /// The relying party it belongs to.
    pub rp_id: String,
    /// The user it belongs to.
    pub user_handle: Vec<u8>,
    /// How many signatures it has counted.
    pub sign_count: u32,
    key: Key,
}

impl Passkey {
    /// The algorithm of its key.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// Its public key in COSE form.
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        self.key.cose()
    }

    /// Signs any bytes at all.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message)
    }
}

impl Authenticator {
    /// An authenticator without passkeys that verifies its user, does not count, and backs up nothing.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            algorithms: vec![Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256],
            flags: flag::UP | flag::UV,
            counter: Counter::Zero,
            aaguid: *b"doorward-testing",
            transports: vec!["internal".to_owned(), "hybrid".to_owned()],
            attestation: Attestation::None,
            discoverable: Some(true),
            seed,
            passkeys: Vec::new(),
        }
    }

    /// One that knows a single algorithm.
    #[must_use]
    pub fn with_algorithm(seed: u64, algorithm: Algorithm) -> Self {
        Self {
            algorithms: vec![algorithm],
            ..Self::new(seed)
        }
    }

    /// The passkeys it holds, the newest last.
    #[must_use]
    pub fn passkeys(&self) -> &[Passkey] {
        &self.passkeys
    }

    /// Creates a passkey: `PublicKeyCredentialCreationOptionsJSON` in, `RegistrationResponseJSON` out.
    ///
    /// # Panics
    ///
    /// If the options lack a member or offer no algorithm that it knows.
    pub fn create(&mut self, options: &Value, origin: &str) -> Value {
        self.create_with(options, origin, &Overrides::default())
    }

    /// Creates a passkey, with deviations.
    pub fn create_with(&mut self, options: &Value, origin: &str, overrides: &Overrides) -> Value {
        let passkey = self.new_passkey(options, overrides);
        let client_data = client_data("webauthn.create", options, origin, overrides);
        let attested = self.attested(&passkey, overrides);
        let data = self.authenticator_data(&passkey, &attested, overrides);
        let statement = self.statement(&passkey, &data, &client_data, overrides);
        let data = overrides.sent_authenticator_data.apply(data);
        let object = overrides
            .attestation_object
            .apply(attestation_object(&statement, &data));
        let response = json!({
            "id": encode(&passkey.id),
            "rawId": encode(&passkey.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": self.extension_results(),
            "response": {
                "clientDataJSON": encode(&overrides.sent_client_data_json.apply(client_data)),
                "attestationObject": encode(&object),
                "authenticatorData": encode(&data),
                "transports": self.transports,
                "publicKeyAlgorithm": passkey.algorithm().cose_id(),
            },
        });
        self.passkeys.push(passkey);
        overrides.response.apply(response)
    }

    /// Uses its newest passkey for the relying party, or the newest of those that the options allow:
    /// `PublicKeyCredentialRequestOptionsJSON` in, `AuthenticationResponseJSON` out.
    ///
    /// # Panics
    ///
    /// If the options lack a member or if it holds no such passkey.
    pub fn get(&mut self, options: &Value, origin: &str) -> Value {
        self.get_with(options, origin, &Overrides::default())
    }

    /// Uses a passkey, with deviations.
    pub fn get_with(&mut self, options: &Value, origin: &str, overrides: &Overrides) -> Value {
        let chosen = self.choose(options, overrides.credential_id.as_deref());
        let step = self.counter.step();
        self.passkeys[chosen].sign_count += step;
        let passkey = &self.passkeys[chosen];
        let client_data = client_data("webauthn.get", options, origin, overrides);
        let data = self.authenticator_data(passkey, &[], overrides);
        let signature = passkey.sign(&[&data[..], &sha256(&client_data)].concat());
        let user_handle = overrides
            .user_handle
            .as_ref()
            .unwrap_or(&passkey.user_handle);
        let response = json!({
            "id": encode(&passkey.id),
            "rawId": encode(&passkey.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(&overrides.sent_client_data_json.apply(client_data)),
                "authenticatorData": encode(&overrides.sent_authenticator_data.apply(data)),
                "signature": encode(&overrides.signature.apply(signature)),
                "userHandle": encode(user_handle),
            },
        });
        overrides.response.apply(response)
    }

    fn new_passkey(&self, options: &Value, overrides: &Overrides) -> Passkey {
        let offered = options["pubKeyCredParams"]
            .as_array()
            .expect("pubKeyCredParams");
        let known = offered
            .iter()
            .filter_map(|offer| Algorithm::try_from(offer["alg"].as_i64()?).ok());
        let algorithm = known
            .into_iter()
            .find(|algorithm| self.algorithms.contains(algorithm))
            .expect("an algorithm that the authenticator knows");
        let id = overrides.credential_id.clone();
        Passkey {
            id: id.unwrap_or_else(|| self.derive("id").to_vec()),
            rp_id: text(&options["rp"]["id"]).to_owned(),
            user_handle: decode(text(&options["user"]["id"])),
            sign_count: self.counter.step(),
            key: Key::derive(algorithm, &self.derive("key")),
        }
    }

    fn choose(&self, options: &Value, id: Option<&[u8]>) -> usize {
        let allowed: Vec<_> = options["allowCredentials"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        self.passkeys
            .iter()
            .rposition(|passkey| match id {
                Some(id) => passkey.id == id,
                None => {
                    passkey.rp_id == text(&options["rpId"])
                        && (allowed.is_empty()
                            || allowed
                                .iter()
                                .any(|allowed| decode(text(&allowed["id"])) == passkey.id))
                }
            })
            .expect("a passkey for these options")
    }

    fn attested(&self, passkey: &Passkey, overrides: &Overrides) -> Vec<u8> {
        let length = u16::try_from(passkey.id.len()).expect("an id whose length fits");
        let key = overrides.public_key.apply(passkey.public_key());
        [&self.aaguid[..], &length.to_be_bytes(), &passkey.id, &key].concat()
    }

    fn authenticator_data(
        &self,
        passkey: &Passkey,
        attested: &[u8],
        overrides: &Overrides,
    ) -> Vec<u8> {
        let at = if attested.is_empty() { 0 } else { flag::AT };
        let ed = if overrides.extensions.is_some() {
            flag::ED
        } else {
            0
        };
        let flags = overrides.flags.unwrap_or(self.flags | at | ed);
        let sign_count = overrides.sign_count.unwrap_or(passkey.sign_count);
        let rp_id = overrides.rp_id.as_ref().unwrap_or(&passkey.rp_id);
        let extensions = overrides.extensions.as_deref().unwrap_or_default();
        let data = [
            &sha256(rp_id.as_bytes())[..],
            &[flags],
            &sign_count.to_be_bytes(),
            attested,
            extensions,
        ];
        overrides.authenticator_data.apply(data.concat())
    }

    /// The format and the statement.
    fn statement(
        &self,
        passkey: &Passkey,
        data: &[u8],
        client_data: &[u8],
        overrides: &Overrides,
    ) -> (String, Vec<u8>) {
        let input = AttestationInput {
            passkey,
            authenticator_data: data,
            client_data_hash: &sha256(client_data),
        };
        if let Some((format, statement)) = overrides.attest.write(&input) {
            return (format, overrides.attestation_statement.apply(statement));
        }
        let (format, statement) = match overrides.attestation.as_ref().unwrap_or(&self.attestation)
        {
            Attestation::None => ("none", cbor::map(&[])),
            Attestation::PackedSelf => {
                let signature = passkey.sign(&[data, &sha256(client_data)].concat());
                let signature = overrides.signature.apply(signature);
                let alg = cbor::integer(passkey.algorithm().cose_id());
                let entries = [
                    (cbor::text("alg"), alg),
                    (cbor::text("sig"), cbor::bytes(&signature)),
                ];
                ("packed", cbor::map(&entries))
            }
            Attestation::Raw { format, statement } => (&**format, statement.clone()),
        };
        (
            format.to_owned(),
            overrides.attestation_statement.apply(statement),
        )
    }

    fn extension_results(&self) -> Value {
        match self.discoverable {
            Some(rk) => json!({ "credProps": { "rk": rk } }),
            None => json!({}),
        }
    }

    /// 32 bytes that follow from the seed, the number of passkeys and a purpose.
    fn derive(&self, purpose: &str) -> [u8; 32] {
        let made = self.passkeys.len() as u64;
        sha256(
            &[
                &self.seed.to_be_bytes()[..],
                &made.to_be_bytes(),
                purpose.as_bytes(),
            ]
            .concat(),
        )
    }
}

impl Counter {
    fn step(self) -> u32 {
        match self {
            Self::Zero => 0,
            Self::Incrementing => 1,
        }
    }
}
