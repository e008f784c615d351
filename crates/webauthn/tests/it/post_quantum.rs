//! ML-DSA: on offer only where policy says so, and as strict as everything else.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_webauthn::testing::{Attestation, Authenticator, Hook, Overrides, cbor};
use doorward_webauthn::{Algorithm, Credential, Format, Policy, Refusal};
use serde_json::{Value, json};

use crate::ceremony::{
    Asserted, CHALLENGE, Ceremony, ORIGIN, RP_ID, Registered, USER_HANDLE, assertion, registration,
};

/// An algorithm with its number and the bytes of its keys and signatures, by RFC 9964 and FIPS 204.
struct Set {
    algorithm: Algorithm,
    cose_id: i64,
    key: usize,
    signature: usize,
}

const SETS: [Set; 2] = [
    Set {
        algorithm: Algorithm::MlDsa44,
        cose_id: -48,
        key: 1312,
        signature: 2420,
    },
    Set {
        algorithm: Algorithm::MlDsa65,
        cose_id: -49,
        key: 1952,
        signature: 3309,
    },
];

/// Each with the other one.
fn pairs() -> [(&'static Set, &'static Set); 2] {
    let [smaller, larger] = &SETS;
    [(smaller, larger), (larger, smaller)]
}

fn ceremony(algorithm: Algorithm) -> Ceremony {
    let mut ceremony = Ceremony::with(algorithm);
    ceremony.policy = ceremony.policy.with_post_quantum();
    ceremony
}

fn self_attested() -> Overrides {
    Overrides {
        attestation: Some(Attestation::PackedSelf),
        ..Overrides::default()
    }
}

/// Item 28.
#[test]
fn post_quantum_algorithms_have_their_numbers_in_the_cose_registry() {
    for set in &SETS {
        assert_eq!(set.algorithm.cose_id(), set.cose_id);
        assert_eq!(Algorithm::try_from(set.cose_id), Ok(set.algorithm));
    }
    assert!(Algorithm::try_from(-50).is_err(), "ML-DSA-87");
}

/// Item 28.
#[test]
fn post_quantum_algorithms_are_offered_last_and_only_where_policy_says_so() {
    let offered = |policy| {
        let options = Ceremony {
            policy,
            ..Ceremony::new()
        }
        .creation_options();
        options["pubKeyCredParams"].clone()
    };
    let params = |algorithms: &[i64]| -> Value {
        let params = algorithms.iter();
        params
            .map(|alg| json!({ "type": "public-key", "alg": alg }))
            .collect()
    };
    let policy = Policy::new(RP_ID, [ORIGIN]);

    assert_eq!(offered(policy.clone()), params(&[-8, -7, -257]));
    assert_eq!(
        offered(policy.with_post_quantum()),
        params(&[-8, -7, -257, -49, -48])
    );
}

/// Item 28.
#[test]
fn an_authenticator_that_knows_another_algorithm_makes_no_post_quantum_key() {
    for known in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        let mut ceremony = ceremony(known);
        ceremony.authenticator.algorithms = vec![Algorithm::MlDsa44, Algorithm::MlDsa65, known];

        assert_eq!(ceremony.register().algorithm, known);
    }
    let mut ceremony = ceremony(Algorithm::MlDsa44);
    ceremony.authenticator.algorithms = SETS.map(|set| set.algorithm).to_vec();
    assert_eq!(ceremony.register().algorithm, Algorithm::MlDsa65);
}

/// Items 28, 30, 45.
#[test]
fn each_post_quantum_algorithm_registers_and_signs_in() {
    for set in &SETS {
        let mut ceremony = ceremony(set.algorithm);

        let credential = ceremony.register();
        let response = ceremony.get(&Overrides::default());

        assert_eq!(credential.algorithm, set.algorithm);
        // A map of 1: 7, 3: alg in two bytes, −1: bytes with a length in two bytes.
        assert_eq!(credential.public_key.len(), 1 + 2 + 3 + 4 + set.key);
        let signature = part(&response, "signature");
        assert_eq!(signature.len(), set.signature);
        assert!(verdict(&ceremony, &credential, &response).is_ok());
    }
}

/// Items 28, 29.
#[test]
fn each_post_quantum_algorithm_attests_itself() {
    for set in &SETS {
        let mut ceremony = ceremony(set.algorithm);

        let verified = ceremony.register_with(&self_attested()).unwrap();

        assert_eq!(verified.format(), Format::PackedSelf);
        assert_eq!(verified.credential().algorithm, set.algorithm);
    }
}

/// Item 28.
#[test]
fn a_post_quantum_key_that_policy_does_not_list_is_refused() {
    for (set, other) in pairs() {
        let mut ceremony = ceremony(set.algorithm);
        for overrides in [Overrides::default(), self_attested()] {
            let response = registration(ceremony.create(&overrides));

            let mut policy = Policy::new(RP_ID, [ORIGIN]);
            let verdict = response.verify(&policy, &CHALLENGE);
            assert_eq!(verdict.unwrap_err(), Refusal::Algorithm);
            policy.algorithms.push(other.algorithm);
            let verdict = response.verify(&policy, &CHALLENGE);
            assert_eq!(verdict.unwrap_err(), Refusal::Algorithm);
            policy.algorithms = vec![set.algorithm];
            assert!(response.verify(&policy, &CHALLENGE).is_ok());
        }
    }
}

// ── Keys ────────────────────────────────────────────────────────────────────

type Parameter = (i64, Vec<u8>);

fn akp(alg: i64, length: usize) -> Vec<Parameter> {
    vec![
        (1, cbor::integer(7)),
        (3, cbor::integer(alg)),
        (-1, cbor::bytes(&vec![0xa5; length])),
    ]
}

fn register_key(parameters: &[Parameter]) -> Registered {
    let entries: Vec<_> = parameters
        .iter()
        .map(|(label, value)| (cbor::integer(*label), value.clone()))
        .collect();
    let overrides = Overrides {
        public_key: Hook::new(move |key: &mut Vec<u8>| *key = cbor::map(&entries)),
        ..Overrides::default()
    };
    ceremony(Algorithm::Es256).register_with(&overrides)
}

fn refused_key(parameters: &[Parameter]) -> Refusal {
    register_key(parameters).unwrap_err()
}

fn replaced(parameters: &[Parameter], label: i64, value: &[u8]) -> Vec<Parameter> {
    let mut parameters = parameters.to_vec();
    let position = parameters.iter().position(|parameter| parameter.0 == label);
    parameters[position.unwrap()].1 = value.to_vec();
    parameters
}

/// Item 30.
#[test]
fn an_ml_dsa_key_has_the_length_of_its_parameter_set() {
    for (set, other) in pairs() {
        assert!(register_key(&akp(set.cose_id, set.key)).is_ok());

        for length in [0, 32, set.key - 1, set.key + 1, other.key, 2592, 4096] {
            let key = akp(set.cose_id, length);
            assert_eq!(refused_key(&key), Refusal::PublicKey, "{length}");
        }
    }
}

/// Item 30.
#[test]
fn an_ml_dsa_key_of_another_key_type_is_refused() {
    for set in &SETS {
        let key = akp(set.cose_id, set.key);
        for kty in (-1..10).filter(|kty| *kty != 7) {
            let key = replaced(&key, 1, &cbor::integer(kty));
            assert_eq!(refused_key(&key), Refusal::PublicKey, "{kty}");
        }
        let key = replaced(&key, 1, &cbor::text("AKP"));
        assert_eq!(refused_key(&key), Refusal::PublicKey);
    }
}

/// Items 28, 30.
#[test]
fn an_algorithm_key_pair_of_another_algorithm_is_refused() {
    for set in &SETS {
        let key = akp(set.cose_id, set.key);
        for (alg, refusal) in [
            (-7, Refusal::PublicKey),
            (-8, Refusal::PublicKey),
            (-257, Refusal::PublicKey),
            // ML-DSA-87, and what is not assigned.
            (-50, Refusal::Algorithm),
            (48, Refusal::Algorithm),
        ] {
            let key = replaced(&key, 3, &cbor::integer(alg));
            assert_eq!(refused_key(&key), refusal, "{alg}");
        }
        let key = replaced(&key, 3, &cbor::text("ML-DSA-44"));
        assert_eq!(refused_key(&key), Refusal::PublicKey);
    }
}

/// Items 28, 30.
#[test]
fn a_key_of_another_kind_by_a_post_quantum_algorithm_is_refused() {
    for set in &SETS {
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
            let alg = cbor::integer(algorithm.cose_id());
            let renamed = cbor::integer(set.cose_id);
            // `alg` is the second entry: 1: kty, 3: alg.
            let overrides = Overrides {
                public_key: Hook::new(move |key: &mut Vec<u8>| {
                    assert_eq!(&key[4..4 + alg.len()], alg);
                    key.splice(4..4 + alg.len(), renamed.clone());
                }),
                ..Overrides::default()
            };

            let verdict = ceremony(algorithm).register_with(&overrides);
            assert_eq!(verdict.unwrap_err(), Refusal::PublicKey, "{algorithm:?}");
        }
    }
}

/// Item 30.
#[test]
fn an_ml_dsa_key_has_exactly_its_three_parameters() {
    for set in &SETS {
        let key = akp(set.cose_id, set.key);
        for missing in 0..key.len() {
            let mut key = key.clone();
            key.remove(missing);
            assert_eq!(refused_key(&key), Refusal::PublicKey);
        }
        // −2 is the private key, of all things.
        for label in [-2, -3, -4, 0, 2, 4, 5] {
            let mut key = key.clone();
            key.push((label, cbor::bytes(&[1; 32])));
            assert_eq!(refused_key(&key), Refusal::PublicKey, "{label}");
        }
        for repeated in 0..key.len() {
            let mut key = key.clone();
            key.push(key[repeated].clone());
            assert_eq!(refused_key(&key), Refusal::AuthenticatorDataMalformed);
        }
        // A repetition does not stand in for what is missing either.
        let twice = [key[0].clone(), key[1].clone(), key[1].clone()];
        assert_eq!(refused_key(&twice), Refusal::AuthenticatorDataMalformed);
    }
}

/// Item 30.
#[test]
fn a_curve_in_the_place_of_an_ml_dsa_key_is_refused() {
    for set in &SETS {
        let key = akp(set.cose_id, set.key);
        let text = "k".repeat(set.key);
        for value in [
            cbor::integer(1),
            cbor::integer(6),
            cbor::text(&text),
            cbor::array(&[cbor::bytes(&vec![0xa5; set.key])]),
            vec![0xf6],
        ] {
            let key = replaced(&key, -1, &value);
            assert_eq!(refused_key(&key), Refusal::PublicKey);
        }
        let moved = [key[0].clone(), key[1].clone(), (-2, key[2].1.clone())];
        assert_eq!(refused_key(&moved), Refusal::PublicKey);
    }
}

// ── Signatures ──────────────────────────────────────────────────────────────

fn part(response: &Value, member: &str) -> Vec<u8> {
    let text = response["response"][member].as_str().unwrap();
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// The same response with other bytes for one of its members.
fn with_part(response: &Value, member: &str, bytes: &[u8]) -> Value {
    let mut response = response.clone();
    response["response"][member] = json!(URL_SAFE_NO_PAD.encode(bytes));
    response
}

fn verdict(ceremony: &Ceremony, stored: &Credential, response: &Value) -> Asserted {
    assertion(response.clone()).verify(&ceremony.policy, &CHALLENGE, stored, &USER_HANDLE)
}

/// What an assertion signs.
fn message(response: &Value) -> Vec<u8> {
    let hash = digest::digest(&digest::SHA256, &part(response, "clientDataJSON"));
    [&part(response, "authenticatorData"), hash.as_ref()].concat()
}

/// An authenticator's passkey, its record, and one assertion.
fn signed_in(algorithm: Algorithm) -> (Ceremony, Credential, Value) {
    let mut ceremony = ceremony(algorithm);
    let stored = ceremony.register();
    let response = ceremony.get(&Overrides::default());
    (ceremony, stored, response)
}

/// Item 45.
#[test]
fn an_ml_dsa_signature_of_another_length_is_refused() {
    for (set, other) in pairs() {
        let (ceremony, stored, response) = signed_in(set.algorithm);
        let signature = part(&response, "signature");
        assert!(verdict(&ceremony, &stored, &response).is_ok());

        for changed in [
            Vec::new(),
            signature[..signature.len() - 1].to_vec(),
            signature[1..].to_vec(),
            [&signature[..], &[0]].concat(),
            [&[0], &signature[..]].concat(),
            vec![0; set.signature],
            vec![0; other.signature],
            signature.repeat(2),
        ] {
            let response = with_part(&response, "signature", &changed);
            let verdict = verdict(&ceremony, &stored, &response);
            assert_eq!(verdict.unwrap_err(), Refusal::Signature);
        }
    }
}

/// Item 45.
#[test]
fn a_signature_of_another_key_or_parameter_set_is_refused() {
    for (set, other) in pairs() {
        let (ceremony, stored, response) = signed_in(set.algorithm);
        let message = message(&response);
        let own = ceremony.authenticator.passkeys()[0].sign(&message);
        assert!(verdict(&ceremony, &stored, &with_part(&response, "signature", &own)).is_ok());

        // The first has the same seed as the passkey.
        for (seed, algorithm) in [
            (1, other.algorithm),
            (2, set.algorithm),
            (1, Algorithm::EdDsa),
            (1, Algorithm::Es256),
        ] {
            let mut authenticator = Authenticator::with_algorithm(seed, algorithm);
            authenticator.create(&ceremony.creation_options(), ORIGIN);
            let signature = authenticator.passkeys()[0].sign(&message);

            let response = with_part(&response, "signature", &signature);
            let verdict = verdict(&ceremony, &stored, &response);
            assert_eq!(verdict.unwrap_err(), Refusal::Signature, "{algorithm:?}");
        }
    }
}

/// Item 45: as FIPS 204 has it, the message itself is signed, not its hash.
#[test]
fn a_signature_over_a_hash_of_the_message_is_refused() {
    for set in &SETS {
        let (ceremony, stored, response) = signed_in(set.algorithm);
        for hash in [&digest::SHA256, &digest::SHA384, &digest::SHA512] {
            let hashed = digest::digest(hash, &message(&response));
            let signature = ceremony.authenticator.passkeys()[0].sign(hashed.as_ref());

            let response = with_part(&response, "signature", &signature);
            let verdict = verdict(&ceremony, &stored, &response);
            assert_eq!(verdict.unwrap_err(), Refusal::Signature);
        }
    }
}

/// Item 45.
#[test]
fn a_stored_post_quantum_key_of_another_algorithm_is_refused() {
    for (set, other) in pairs() {
        let (ceremony, stored, response) = signed_in(set.algorithm);
        let others_key = signed_in(other.algorithm).1.public_key;
        let records = [
            Credential {
                algorithm: other.algorithm,
                ..stored.clone()
            },
            Credential {
                algorithm: Algorithm::EdDsa,
                ..stored.clone()
            },
            Credential {
                public_key: others_key,
                ..stored
            },
        ];
        for record in records {
            let verdict = verdict(&ceremony, &record, &response);
            assert_eq!(verdict.unwrap_err(), Refusal::StoredKey);
        }
    }
}

/// Item 45: what was registered while policy listed the algorithm goes on working.
#[test]
fn a_stored_post_quantum_key_signs_in_whatever_is_on_offer_now() {
    for set in &SETS {
        let (mut ceremony, stored, response) = signed_in(set.algorithm);

        ceremony.policy = Policy::new(RP_ID, [ORIGIN]);

        assert!(verdict(&ceremony, &stored, &response).is_ok());
    }
}

/// The same bytes with one bit flipped, once for each byte: the lowest of the first, the next of the second.
fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len()).map(|position| {
        let mut bytes = bytes.to_vec();
        bytes[position] ^= 1 << (position % 8);
        bytes
    })
}

/// Item 45. The end of a signature encodes hints, in which several spellings must not mean the same.
#[test]
fn an_ml_dsa_assertion_with_a_flipped_bit_in_any_byte_is_refused() {
    for set in &SETS {
        let (ceremony, stored, response) = signed_in(set.algorithm);
        for member in ["clientDataJSON", "authenticatorData", "signature"] {
            let bytes = part(&response, member);
            for changed in flips(&bytes) {
                let response = with_part(&response, member, &changed);
                assert!(verdict(&ceremony, &stored, &response).is_err(), "{member}");
            }
        }
    }
}

/// Item 45.
#[test]
fn an_ml_dsa_assertion_is_refused_under_a_stored_key_with_a_flipped_bit() {
    for set in &SETS {
        let (ceremony, stored, response) = signed_in(set.algorithm);
        for public_key in flips(&stored.public_key) {
            let stored = Credential {
                public_key,
                ..stored.clone()
            };
            assert!(verdict(&ceremony, &stored, &response).is_err());
        }
    }
}

/// Items 29, 45.
#[test]
fn an_ml_dsa_self_attestation_with_a_flipped_bit_in_any_byte_is_refused() {
    for set in &SETS {
        let mut ceremony = ceremony(set.algorithm);
        let response = ceremony.create(&self_attested());
        let object = part(&response, "attestationObject");
        let verify = |bytes: &[u8]| {
            let response = with_part(&response, "attestationObject", bytes);
            registration(response).verify(&ceremony.policy, &CHALLENGE)
        };
        assert!(verify(&object).is_ok());

        for changed in flips(&object) {
            assert!(verify(&changed).is_err());
        }
    }
}

/// Item 29.
#[test]
fn an_ml_dsa_self_attestation_by_another_algorithm_than_its_keys_is_refused() {
    for (set, other) in pairs() {
        let mut ceremony = ceremony(set.algorithm);
        for alg in [other.cose_id, -7, -8, -257, -50] {
            let (own, alg) = (cbor::integer(set.cose_id), cbor::integer(alg));
            let overrides = Overrides {
                attestation_statement: Hook::new(move |statement: &mut Vec<u8>| {
                    // The map's head, and the text `alg`.
                    assert_eq!(&statement[5..5 + own.len()], own);
                    statement.splice(5..5 + own.len(), alg.clone());
                }),
                ..self_attested()
            };

            let verdict = ceremony.register_with(&overrides);
            assert_eq!(verdict.unwrap_err(), Refusal::AttestationAlgorithm);
        }
    }
}

/// What another implementation made: Chromium, whose keys and signatures come from another library.
const RECORDED: [(&str, Algorithm); 2] = [
    (
        include_str!("../vectors/recorded/chromium-ml-dsa-44.json"),
        Algorithm::MlDsa44,
    ),
    (
        include_str!("../vectors/recorded/chromium-ml-dsa-65.json"),
        Algorithm::MlDsa65,
    ),
];

/// Items 28, 30, 45.
#[test]
fn passkeys_that_chromium_made_register_and_sign_in() {
    let policy = Policy::new("localhost", ["http://localhost:8123"]).with_post_quantum();
    for (json, algorithm) in RECORDED {
        let recorded: Value = serde_json::from_str(json).unwrap();
        let response = registration(recorded["registration"].clone());
        let stored = response
            .verify(&policy, &CHALLENGE)
            .unwrap()
            .into_credential();

        let response = assertion(recorded["authentication"].clone());
        let verified = response.verify(&policy, &CHALLENGE, &stored, &USER_HANDLE);

        assert_eq!(stored.algorithm, algorithm);
        assert!(verified.unwrap().user_verified());
    }
}
