//! What verification costs beyond the signature: the whole check, from JSON text to verdict, beside the
//! raw signature verification. The target is at least 0.85 of the raw rate for ES256.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark stops at its first surprise"
)]

use std::hint::black_box;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey, VerificationAlgorithm,
};
use criterion::{Criterion, criterion_group, criterion_main};
use doorward_webauthn::options::{CreationOptions, RequestOptions, User};
use doorward_webauthn::testing::{Authenticator, Passkey};
use doorward_webauthn::{Algorithm, AssertionResponse, Credential, Policy, RegistrationResponse};

const ORIGIN: &str = "https://example.org";
const CHALLENGE: [u8; 64] = [7; 64];
const USER_HANDLE: [u8; 64] = [9; 64];

struct Ceremonies {
    policy: Policy,
    passkey: Passkey,
    registration: String,
    credential: Credential,
    assertion: String,
}

fn ceremonies(algorithm: Algorithm) -> Ceremonies {
    let policy = Policy::new("example.org", [ORIGIN]);
    let mut authenticator = Authenticator::with_algorithm(1, algorithm);
    let user = User {
        id: USER_HANDLE.to_vec(),
        name: "ada@example.org".into(),
        display_name: "Ada".into(),
    };
    let options = CreationOptions::new(&policy, "Example", user, CHALLENGE.to_vec());
    let registration = authenticator
        .create(&serde_json::to_value(options).unwrap(), ORIGIN)
        .to_string();
    let credential = register(&policy, &registration);
    let options = RequestOptions::new(&policy, CHALLENGE.to_vec());
    let assertion = authenticator
        .get(&serde_json::to_value(options).unwrap(), ORIGIN)
        .to_string();
    Ceremonies {
        passkey: authenticator.passkeys()[0].clone(),
        policy,
        registration,
        credential,
        assertion,
    }
}

fn register(policy: &Policy, json: &str) -> Credential {
    let response: RegistrationResponse = serde_json::from_str(json).unwrap();
    response
        .verify(policy, &CHALLENGE)
        .unwrap()
        .into_credential()
}

/// A COSE key as the signature library wants it: the point alone.
fn raw_key(algorithm: Algorithm, cose: &[u8]) -> Vec<u8> {
    match algorithm {
        // The coordinates are the last two members, 32 bytes each, with 3 bytes of label and length.
        Algorithm::Es256 => {
            let y = &cose[cose.len() - 32..];
            let x = &cose[cose.len() - 67..cose.len() - 35];
            [&[4], x, y].concat()
        }
        _ => cose[cose.len() - 32..].to_vec(),
    }
}

fn bench_algorithm(
    c: &mut Criterion,
    name: &str,
    algorithm: Algorithm,
    verification: &'static dyn VerificationAlgorithm,
) {
    let ceremonies = ceremonies(algorithm);
    let message = [3; 37 + 32];
    let signature = ceremonies.passkey.sign(&message);
    let key = UnparsedPublicKey::new(
        verification,
        raw_key(algorithm, &ceremonies.credential.public_key),
    );
    key.verify(&message, &signature).unwrap();
    let mut group = c.benchmark_group(name);
    group.bench_function("raw", |b| {
        b.iter(|| key.verify(black_box(&message), black_box(&signature)));
    });
    group.bench_function("assertion", |b| {
        b.iter(|| {
            let response: AssertionResponse =
                serde_json::from_str(black_box(&ceremonies.assertion)).unwrap();
            response
                .verify(
                    &ceremonies.policy,
                    &CHALLENGE,
                    &ceremonies.credential,
                    &USER_HANDLE,
                )
                .unwrap()
        });
    });
    group.bench_function("registration", |b| {
        b.iter(|| register(&ceremonies.policy, black_box(&ceremonies.registration)));
    });
    group.finish();
}

fn bench(c: &mut Criterion) {
    bench_algorithm(c, "es256", Algorithm::Es256, &ECDSA_P256_SHA256_ASN1);
    bench_algorithm(c, "eddsa", Algorithm::EdDsa, &ED25519);
}

criterion_group!(benches, bench);
criterion_main!(benches);
