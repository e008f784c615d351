//! What an ES256 assertion costs, from its JSON text to a verdict: ours, the others in Rust, and the bare
//! verification of its signature. The targets: at least 4 times the rate of both, and 0.85 of the bare one.
//!
//! ```sh
//! cargo bench --bench peers
//! ```
#![allow(missing_docs, reason = "a benchmark is read from its end")]

use std::hint::black_box;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use criterion::{Criterion, criterion_group, criterion_main};
use doorward_webauthn::AssertionResponse;
use doorward_webauthn::testing::Authenticator;
use doorward_webauthn::testing::generator::{
    CHALLENGE, Case, Ceremony, ORIGIN, Profile, USER_HANDLE, catalogue,
};
use doorward_webauthn_differential::{WebauthnRp, WebauthnRs, dynamic_state, public_key};

/// The plainest assertion of all.
fn assertion() -> Case {
    let cases = catalogue();
    let case = cases
        .into_iter()
        .find(|case| case.name == "assertion, key: Es256");
    case.expect("a case of the catalogue")
}

fn ours(c: &mut Criterion, case: &Case, stored: &doorward_webauthn::Credential) {
    let policy = case.profile.policy();
    c.bench_function("es256 assertion/doorward-webauthn", |b| {
        b.iter(|| {
            let response: AssertionResponse =
                serde_json::from_str(black_box(&case.response)).expect("JSON");
            response
                .verify(&policy, &CHALLENGE, stored, &USER_HANDLE)
                .expect("a valid assertion")
        });
    });
}

fn webauthn_rs(c: &mut Criterion, case: &Case, stored: &doorward_webauthn::Credential) {
    let peer = WebauthnRs::new(Profile::Production);
    let credential = peer.credential(stored).expect("a key");
    c.bench_function("es256 assertion/webauthn-rs-core", |b| {
        b.iter(|| {
            peer.authenticate(black_box(&case.response), &credential)
                .expect("a valid assertion");
        });
    });
}

fn webauthn_rp(c: &mut Criterion, case: &Case, stored: &doorward_webauthn::Credential) {
    let peer = WebauthnRp::new(Profile::Production);
    let key = public_key(stored).expect("a key");
    let state = dynamic_state(stored);
    c.bench_function("es256 assertion/webauthn_rp", |b| {
        b.iter(|| {
            peer.authenticate(black_box(&case.response), &stored.id, &key, state)
                .expect("a valid assertion");
        });
    });
}

/// The signature alone, over as many bytes as an assertion signs.
fn bare(c: &mut Criterion) {
    let mut authenticator = Authenticator::with_algorithm(1, doorward_webauthn::Algorithm::Es256);
    let options = doorward_webauthn::options::CreationOptions::new(
        &Profile::Production.policy(),
        "Example",
        doorward_webauthn::options::User {
            id: USER_HANDLE.to_vec(),
            name: "ada".to_owned(),
            display_name: "Ada".to_owned(),
        },
        CHALLENGE.to_vec(),
    );
    authenticator.create(&serde_json::to_value(options).expect("JSON"), ORIGIN);
    let passkey = &authenticator.passkeys()[0];
    let cose = passkey.public_key();
    // The coordinates stand behind 10 and 45 bytes of a COSE key.
    let point = [&[4], &cose[10..42], &cose[45..77]].concat();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
    let message = [3; 37 + 32];
    let signature = passkey.sign(&message);
    c.bench_function("es256 assertion/signature alone", |b| {
        b.iter(|| {
            key.verify(black_box(&message), black_box(&signature))
                .expect("valid");
        });
    });
}

fn bench(c: &mut Criterion) {
    let case = assertion();
    let Ceremony::Assertion { stored } = &case.ceremony else {
        unreachable!("an assertion")
    };
    bare(c);
    ours(c, &case, stored);
    webauthn_rs(c, &case, stored);
    webauthn_rp(c, &case, stored);
}

criterion_group!(benches, bench);
criterion_main!(benches);
