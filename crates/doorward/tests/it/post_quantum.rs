//! Passkeys that resist quantum computers: registered and used like any other, where the configuration says so.
#![allow(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use doorward::{
    Span,
    testing::{Algorithm, Attestation, Authenticator, Hook, Overrides, World, on_every_database},
};
use serde_json::{Value, json};

use crate::ceremony::{ADA, Person, assertion, number, refused_by, stored};

/// Each with its number and the bytes of its keys in COSE form.
const ALGORITHMS: [(Algorithm, i64, i64); 2] = [
    (Algorithm::MlDsa65, -49, 1952 + 10),
    (Algorithm::MlDsa44, -48, 1312 + 10),
];

async fn world() -> World {
    World::with(|config| config.passkeys.post_quantum = true).await
}

/// Someone whose authenticator knows one algorithm and no other.
async fn person(world: &World, address: &str, algorithm: Algorithm) -> Person {
    Person {
        authenticator: Authenticator::with_algorithm(1, algorithm),
        ..Person::new(world, address, 1).await
    }
}

fn offered(options: &Value) -> Vec<i64> {
    let params = options["pubKeyCredParams"].as_array().unwrap();
    params
        .iter()
        .map(|each| each["alg"].as_i64().unwrap())
        .collect()
}

/// Item 28.
#[tokio::test]
async fn post_quantum_algorithms_are_offered_last_where_configured() {
    let options = |world| async move { Person::new(&world, ADA, 1).await.creation_options().await };

    assert_eq!(offered(&options(World::new().await).await), [-8, -7, -257]);
    assert_eq!(
        offered(&options(world().await).await),
        [-8, -7, -257, -49, -48]
    );
}

/// Items 28, 30, 45.
#[tokio::test]
async fn a_post_quantum_passkey_registers_and_signs_in() {
    for attestation in [Attestation::None, Attestation::PackedSelf] {
        for (algorithm, cose_id, key) in ALGORITHMS {
            let world = world().await;
            let mut ada = person(&world, ADA, algorithm).await;
            ada.authenticator.attestation = attestation.clone();

            ada.register(&Overrides::default()).await.created();
            let browser = world.browser();
            let signed_in = world.sign_in_with_passkey(&browser, &mut ada.authenticator);
            signed_in.await.created();

            let session = browser.get("/auth/sessions/current").await.ok();
            assert_eq!(session["user"]["email"], ADA);
            assert_eq!(number(&world, "select algorithm from passkeys"), cose_id);
            let stored = number(&world, "select length(public_key) from passkeys");
            assert_eq!(stored, key);
            // It signs in after a restart as well: nothing hangs on what was in memory.
            let world = world.restarted().await;
            let browser = world.browser();
            let again = world.sign_in_with_passkey(&browser, &mut ada.authenticator);
            again.await.created();
        }
    }
}

/// Item 28: whatever a page makes of the offer.
#[tokio::test]
async fn a_post_quantum_passkey_that_was_not_offered_is_refused() {
    on_every_database(async |world| {
        for (algorithm, cose_id, _) in ALGORITHMS {
            let mut ada = person(&world, ADA, algorithm).await;
            for attestation in [Attestation::None, Attestation::PackedSelf] {
                world.advance(Span::millis(1));
                ada.authenticator.attestation = attestation;
                let mut options = ada.creation_options().await;
                let params = options["pubKeyCredParams"].as_array_mut().unwrap();
                params.push(json!({ "type": "public-key", "alg": cose_id }));
                let registration = ada
                    .authenticator
                    .create(&options, doorward::testing::ORIGIN);
                let before = stored(&world);

                let refused = ada.present(&registration).await;

                refused.problem(401, "passkey_failed");
                assert_eq!(refused_by(&world), "algorithm");
                assert_eq!(stored(&world), before);
            }
        }
        assert_eq!(number(&world, "select count(*) from passkeys"), 0);
    })
    .await;
}

/// Item 45.
#[tokio::test]
async fn an_altered_post_quantum_signature_opens_nothing() {
    for (algorithm, ..) in ALGORITHMS {
        let world = world().await;
        let mut ada = person(&world, ADA, algorithm).await;
        ada.register(&Overrides::default()).await.created();
        let changes: [fn(&mut Vec<u8>); 4] = [
            |signature| signature[0] ^= 1,
            |signature| *signature.last_mut().unwrap() ^= 1,
            |signature| signature.push(0),
            Vec::clear,
        ];
        for change in changes {
            world.advance(Span::millis(1));
            let overrides = Overrides {
                signature: Hook::new(change),
                ..Overrides::default()
            };
            let browser = world.browser();
            let answer = assertion(&browser, &mut ada.authenticator, &overrides).await;
            let before = stored(&world);

            let path = "/auth/passkeys/authenticate/verify";
            let refused = browser.post(path, &answer).await;

            refused.problem(401, "passkey_failed");
            assert_eq!(refused_by(&world), "signature");
            assert_eq!(stored(&world), before);
        }
    }
}
