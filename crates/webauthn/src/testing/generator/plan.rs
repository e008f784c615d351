//! How a case deviates from a valid ceremony, and how it becomes one.

use serde_json::{Value, json};

use super::{CHALLENGE, Case, Ceremony, ORIGIN, Profile, RP_ID, USER_HANDLE, Verdict};
use crate::testing::bytes::encode;
use crate::testing::{Attestation, Authenticator, Hook, Overrides, cbor, flag};
use crate::{Algorithm, Credential};

/// The cases so far.
#[derive(Default)]
pub(super) struct Catalogue {
    group: &'static str,
    cases: Vec<Case>,
}

impl Catalogue {
    /// Names what the next cases are about.
    pub(super) fn group(&mut self, name: &'static str) -> &mut Self {
        self.group = name;
        self
    }

    /// Adds a registration that deviates as `change` says.
    pub(super) fn registration(
        &mut self,
        name: &str,
        expected: impl Into<Verdict>,
        change: impl FnOnce(&mut Plan),
    ) {
        let mut plan = Plan::default();
        change(&mut plan);
        let name = format!("registration, {}: {name}", self.group);
        self.cases.push(Case {
            expected: Some(expected.into()),
            ..plan.registration(name)
        });
    }

    /// Adds an assertion that deviates as `change` says.
    pub(super) fn assertion(
        &mut self,
        name: &str,
        expected: impl Into<Verdict>,
        change: impl FnOnce(&mut Plan),
    ) {
        let mut plan = Plan::default();
        change(&mut plan);
        let name = format!("assertion, {}: {name}", self.group);
        self.cases.push(Case {
            expected: Some(expected.into()),
            ..plan.assertion(name)
        });
    }

    /// Adds one of each that deviate alike.
    pub(super) fn both(
        &mut self,
        name: &str,
        expected: impl Into<Verdict>,
        change: impl Fn(&mut Plan),
    ) {
        let expected = expected.into();
        self.registration(name, expected, &change);
        self.assertion(name, expected, &change);
    }

    pub(super) fn into_cases(self) -> Vec<Case> {
        self.cases
    }
}

/// Cases that replace one piece of the client data's text.
pub(super) fn rows(
    to: &mut Catalogue,
    rows: &[(&'static str, Verdict, &'static str, &'static str)],
) {
    for &(name, expected, piece, other) in rows {
        to.both(name, expected, |it| it.client_data_with(piece, other));
    }
}

pub(super) fn refused(refusal: crate::Refusal) -> Verdict {
    refusal.into()
}

/// A ceremony: valid, unless something is changed.
pub(super) struct Plan {
    pub(super) profile: Profile,
    pub(super) algorithm: Algorithm,
    /// The flags of the ceremony, without AT and ED.
    pub(super) flags: u8,
    /// What the client says of `credProps.rk`.
    pub(super) discoverable: Option<bool>,
    pub(super) overrides: Overrides,
    /// Changes what the relying party has stored.
    pub(super) stored: Hook<Credential>,
    /// Changes the response's JSON as text.
    pub(super) text: Hook<String>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            profile: Profile::Production,
            algorithm: Algorithm::Es256,
            flags: flag::UP | flag::UV,
            discoverable: Some(true),
            overrides: Overrides::default(),
            stored: Hook::default(),
            text: Hook::default(),
        }
    }
}

impl Plan {
    /// Rewrites the client data before it is signed.
    pub(super) fn client_data(
        &mut self,
        rewrite: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) {
        self.overrides.client_data_json = Hook::new(move |json: &mut Vec<u8>| {
            *json = rewrite(std::str::from_utf8(json).expect("client data is UTF-8"));
        });
    }

    /// Replaces one piece of the client data's text before it is signed.
    pub(super) fn client_data_with(&mut self, piece: &'static str, other: &'static str) {
        self.client_data(move |json| {
            assert!(json.contains(piece), "{json} has no {piece}");
            json.replacen(piece, other, 1).into_bytes()
        });
    }

    /// Changes the response as JSON.
    pub(super) fn response(&mut self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.overrides.response = Hook::new(change);
    }

    /// Rewrites the parameters of the new key.
    pub(super) fn key(&mut self, change: impl Fn(&mut Parameters) + Send + Sync + 'static) {
        let algorithm = self.algorithm;
        self.overrides.public_key = Hook::new(move |cose: &mut Vec<u8>| {
            let mut parameters = Parameters::of(algorithm, cose);
            change(&mut parameters);
            *cose = cbor::map(&parameters.0);
        });
    }

    /// Replaces the attestation statement.
    pub(super) fn statement(&mut self, format: &str, statement: Vec<u8>) {
        self.overrides.attestation = Some(Attestation::Raw {
            format: format.to_owned(),
            statement,
        });
    }

    fn authenticator(&self) -> Authenticator {
        Authenticator {
            flags: self.flags,
            discoverable: self.discoverable,
            ..Authenticator::with_algorithm(7, self.algorithm)
        }
    }

    pub(super) fn registration(self, name: String) -> Case {
        let response =
            self.authenticator()
                .create_with(&creation_options(), ORIGIN, &self.overrides);
        Case {
            name,
            profile: self.profile,
            ceremony: Ceremony::Registration,
            response: self.text.apply(response.to_string()),
            expected: None,
        }
    }

    pub(super) fn assertion(self, name: String) -> Case {
        let mut authenticator = self.authenticator();
        // The registration is an ordinary one: what the case is about happens after it.
        let ordinary = Overrides {
            credential_id: self.overrides.credential_id.clone(),
            ..Overrides::default()
        };
        authenticator.create_with(&creation_options(), ORIGIN, &ordinary);
        let stored = self.stored.apply(record(&authenticator));
        let options = json!({ "challenge": encode(&CHALLENGE), "rpId": RP_ID });
        let response = authenticator.get_with(&options, ORIGIN, &self.overrides);
        Case {
            name,
            profile: self.profile,
            ceremony: Ceremony::Assertion {
                stored: Box::new(stored),
            },
            response: self.text.apply(response.to_string()),
            expected: None,
        }
    }
}

fn creation_options() -> Value {
    json!({
        "challenge": encode(&CHALLENGE),
        "rp": { "id": RP_ID },
        "user": { "id": encode(&USER_HANDLE) },
        "pubKeyCredParams": [{ "alg": -8 }, { "alg": -7 }, { "alg": -257 }],
    })
}

/// What a relying party stores of the newest passkey.
fn record(authenticator: &Authenticator) -> Credential {
    let passkey = authenticator.passkeys().last().expect("a passkey");
    Credential {
        id: passkey.id.clone(),
        public_key: passkey.public_key(),
        algorithm: passkey.algorithm(),
        sign_count: passkey.sign_count,
        aaguid: authenticator.aaguid,
        transports: authenticator.transports.clone(),
        user_verified: authenticator.flags & flag::UV != 0,
        backup_eligible: authenticator.flags & flag::BE != 0,
        backed_up: authenticator.flags & flag::BS != 0,
    }
}

/// An ES256 key that belongs to none of the passkeys here.
pub(super) fn another_public_key() -> Vec<u8> {
    let mut other = Authenticator::with_algorithm(99, Algorithm::Es256);
    other.create(&creation_options(), ORIGIN);
    record(&other).public_key
}

/// The parameters of a COSE key, each label and value as CBOR.
pub(super) struct Parameters(pub(super) Vec<(Vec<u8>, Vec<u8>)>);

impl Parameters {
    /// Takes apart a key that the authenticator wrote. Only the long values are looked for: the others
    /// are known.
    fn of(algorithm: Algorithm, cose: &[u8]) -> Self {
        let entries = match algorithm {
            Algorithm::Es256 => vec![
                (1, cbor::integer(2)),
                (3, cbor::integer(-7)),
                (-1, cbor::integer(1)),
                (-2, cbor::bytes(&cose[10..42])),
                (-3, cbor::bytes(&cose[45..77])),
            ],
            Algorithm::EdDsa => vec![
                (1, cbor::integer(1)),
                (3, cbor::integer(-8)),
                (-1, cbor::integer(6)),
                (-2, cbor::bytes(&cose[10..42])),
            ],
            Algorithm::Rs256 => vec![
                (1, cbor::integer(3)),
                (3, cbor::integer(-257)),
                (-1, cbor::bytes(&cose[11..267])),
                (-2, cbor::bytes(&cose[269..])),
            ],
            #[cfg(feature = "ml-dsa")]
            Algorithm::MlDsa44 | Algorithm::MlDsa65 => vec![
                (1, cbor::integer(7)),
                (3, cbor::integer(algorithm.cose_id())),
                (-1, cbor::bytes(&cose[10..])),
            ],
        };
        let entries: Vec<_> = entries
            .into_iter()
            .map(|(label, value)| (cbor::integer(label), value))
            .collect();
        assert_eq!(cbor::map(&entries), cose, "the layout of a COSE key");
        Self(entries)
    }

    /// Replaces a value.
    pub(super) fn set(&mut self, label: i64, value: Vec<u8>) {
        *self.value(label) = value;
    }

    pub(super) fn remove(&mut self, label: i64) {
        self.0.retain(|(known, _)| *known != cbor::integer(label));
    }

    /// Adds an entry at the end, even if its label is there already.
    pub(super) fn push(&mut self, label: i64, value: Vec<u8>) {
        self.0.push((cbor::integer(label), value));
    }

    /// A value as CBOR.
    pub(super) fn value(&mut self, label: i64) -> &mut Vec<u8> {
        let mut entries = self.0.iter_mut();
        let entry = entries.find(|(known, _)| *known == cbor::integer(label));
        &mut entry.expect("a parameter of this key").1
    }
}
