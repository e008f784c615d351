//! Races of passkeys and sessions: many at once, one winner, and nothing in between.
#![allow(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use doorward::{
    Client,
    config::AfterPasskey,
    testing::{Authenticator, ORIGIN, Overrides, Reply, World},
    users,
};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::ceremony::{ADA, BOB, Person, assertion, number, subjects};

const REGISTER: &str = "/auth/passkeys/register/verify";
const SIGN_IN: &str = "/auth/passkeys/authenticate/verify";

/// Runs all of these in tasks of their own that set off together.
async fn at_once<T, F>(all: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let all: Vec<_> = all.into_iter().collect();
    let start = Arc::new(Barrier::new(all.len()));
    let tasks: Vec<_> = all
        .into_iter()
        .map(|one| {
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                one.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

fn with_code(replies: &[Reply], code: &str) -> usize {
    let coded = replies.iter().filter(|reply| reply.problem_code() == code);
    coded.count()
}

fn created(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| reply.status() == 201).count()
}

// ── Passkeys ────────────────────────────────────────────────────────────────

/// Items 21, 41: at either door and at both.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_who_replay_an_assertion_one_signs_in() {
    let world = Arc::new(World::new().await);
    let mut ada = Person::with_passkey(&world, ADA, 1).await;
    let response = assertion(
        &world.native(),
        &mut ada.authenticator,
        &Overrides::default(),
    )
    .await;
    let form = json!({ "method": "passkey", "email": ADA, "token": response.to_string() });
    let one = |index| {
        let (world, response, form) = (Arc::clone(&world), response.clone(), form.clone());
        async move {
            let caller = world.native();
            match index % 2 {
                0 => caller.post(SIGN_IN, response).await,
                _ => caller.post("/auth/sessions", form).await,
            }
        }
    };

    let replies = at_once((0..50).map(one)).await;

    assert_eq!(created(&replies), 1);
    assert_eq!(with_code(&replies, "challenge_expired"), 49);
    let sessions = "select count(*) from sessions where method = 2";
    assert_eq!(number(&world, sessions), 1);
}

/// Item 21.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_who_replay_a_registration_one_adds_a_passkey() {
    let world = Arc::new(World::new().await);
    let ada = world.native();
    world.sign_in(&ada, ADA).await;
    let token = ada.token().unwrap();
    let options = ada.post("/auth/passkeys/register/options", ()).await.ok();
    let response = Authenticator::new(1).create(&options, ORIGIN);
    let one = |_| {
        let caller = world.native();
        caller.set_token(Some(&token));
        let response = response.clone();
        async move { caller.post(REGISTER, response).await }
    };

    let replies = at_once((0..50).map(one)).await;

    assert_eq!(created(&replies), 1);
    assert_eq!(with_code(&replies, "challenge_expired"), 49);
    assert_eq!(number(&world, "select count(*) from passkeys"), 1);
}

/// Item 33: each with a challenge of its own, so that the unique id alone decides; one row, one event, one mail.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_registrations_of_one_credential_one_is_stored() {
    let world = Arc::new(World::new().await);
    let ada = world.native();
    world.sign_in(&ada, ADA).await;
    let mut registrations = Vec::new();
    for _ in 0..50 {
        let options = ada.post("/auth/passkeys/register/options", ()).await.ok();
        let caller = world.native();
        caller.set_token(ada.token().as_deref());
        registrations.push((caller, Authenticator::new(1).create(&options, ORIGIN)));
    }

    let replies = at_once(
        registrations
            .into_iter()
            .map(|(caller, response)| async move { caller.post(REGISTER, response).await }),
    )
    .await;

    assert_eq!(created(&replies), 1);
    assert_eq!(with_code(&replies, "credential_exists"), 49);
    assert_eq!(number(&world, "select count(*) from passkeys"), 1);
    let added = "select count(*) from events where kind = 'authn_passkey_added'";
    assert_eq!(number(&world, added), 1);
    assert_eq!(
        subjects(&world, ADA).await.len(),
        2,
        "the code and the notice"
    );
}

/// Item 33: two people, one id.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_people_who_register_one_credential_one_owns_it() {
    for _ in 0..20 {
        let world = Arc::new(World::new().await);
        let mut people = Vec::new();
        for address in [ADA, BOB] {
            let mut person = Person::new(&world, address, 1).await;
            let registration = person.create(&Overrides::default()).await;
            people.push((address, person, registration));
        }

        let outcomes = at_once(people.into_iter().map(
            |(address, person, registration)| async move {
                (address, person.present(&registration).await, person)
            },
        ))
        .await;

        let (winners, losers): (Vec<_>, Vec<_>) = outcomes
            .into_iter()
            .partition(|(_, reply, _)| reply.status() == 201);
        assert_eq!((winners.len(), losers.len()), (1, 1));
        losers[0].1.problem(409, "credential_exists");
        assert_eq!(number(&world, "select count(*) from passkeys"), 1);
        let (address, _, mut owner) = winners.into_iter().next().unwrap();
        let signed_in = world
            .sign_in_with_passkey(&world.native(), &mut owner.authenticator)
            .await;
        assert_eq!(signed_in.created()["user"]["email"], address);
    }
}

/// Item 22: the limit holds for those who come together.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn registrations_at_once_do_not_pass_the_limit() {
    let world = Arc::new(World::new().await);
    let ada = world.native();
    world.sign_in(&ada, ADA).await;
    let mut authenticator = Authenticator::new(1);
    let mut registrations = Vec::new();
    for _ in 0..50 {
        let options = ada.post("/auth/passkeys/register/options", ()).await.ok();
        let caller = world.native();
        caller.set_token(ada.token().as_deref());
        registrations.push((caller, authenticator.create(&options, ORIGIN)));
    }

    let replies = at_once(
        registrations
            .into_iter()
            .map(|(caller, response)| async move { caller.post(REGISTER, response).await }),
    )
    .await;

    assert_eq!(created(&replies), 20);
    assert_eq!(with_code(&replies, "limit_reached"), 30);
    assert_eq!(number(&world, "select count(*) from passkeys"), 20);
}

/// Item 47: two assertions with 6 and 7 at once: the mark ends at 7, and 6 passes only if it was first. Both are spent.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_counts_at_once_the_higher_stays() {
    for _ in 0..30 {
        let world = Arc::new(World::new().await);
        let mut ada = Person::new(&world, ADA, 1).await;
        let counting = |count| Overrides {
            sign_count: Some(count),
            ..Overrides::default()
        };
        ada.register(&counting(5)).await.created();
        let mut assertions = Vec::new();
        for count in [7, 6] {
            let caller = world.native();
            assertions.push(assertion(&caller, &mut ada.authenticator, &counting(count)).await);
        }
        let present = |response: &Value| {
            let (caller, response) = (world.native(), response.clone());
            async move { caller.post(SIGN_IN, response).await }
        };

        let replies = at_once(assertions.iter().map(present)).await;
        let again = at_once(assertions.iter().map(present)).await;

        assert_eq!(with_code(&again, "challenge_expired"), 2);
        assert_eq!(number(&world, "select sign_count from passkeys"), 7);
        assert_eq!(replies[0].status(), 201, "7 passes whatever the order");
        let opened = i64::try_from(created(&replies)).unwrap();
        let sessions = "select count(*) from sessions where method = 2";
        assert_eq!(number(&world, sessions), opened);
        if opened == 1 {
            replies[1].problem(401, "passkey_failed");
        }
    }
}

/// Items 47, 53: a person is disabled while they sign in: the counter moves if and only if a session was opened, and
/// none of it lives on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_disabled_while_signing_in_stays_out() {
    let world = Arc::new(World::new().await);
    let mut ada = Person::with_passkey(&world, ADA, 1).await;
    let user = world.user(ADA).await;
    let (mut expected, client) = (0, Client::command_line());
    for count in 1..=40 {
        let caller = world.native();
        let counting = Overrides {
            sign_count: Some(count),
            ..Overrides::default()
        };
        let response = assertion(&caller, &mut ada.authenticator, &counting).await;
        let (shared, by) = (Arc::clone(&world), client.clone());
        let disabling = tokio::spawn(async move {
            users::disable(shared.doorward(), &user, None, &by)
                .await
                .unwrap();
        });

        let reply = caller.post(SIGN_IN, response).await;
        disabling.await.unwrap();

        if reply.status() == 201 {
            expected = i64::from(count);
        } else {
            reply.problem(401, "passkey_failed");
        }
        assert_eq!(number(&world, "select sign_count from passkeys"), expected);
        assert_eq!(caller.get("/auth/sessions/").await.status(), 401);
        users::enable(world.doorward(), &user, None, &client)
            .await
            .unwrap();
        assert_eq!(caller.get("/auth/sessions/").await.status(), 401);
    }
}

/// Items 50, 68: a passkey is removed while it signs in: no session of it is left, however the two fell out.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_session_of_a_passkey_outlives_it() {
    for seed in 0..20 {
        let world = Arc::new(World::new().await);
        let mut ada = Person::with_passkey(&world, ADA, seed).await;
        let id = ada.passkeys().await[0]["id"].as_str().unwrap().to_owned();
        let mut assertions = Vec::new();
        for _ in 0..5 {
            let caller = world.native();
            let response = assertion(&caller, &mut ada.authenticator, &Overrides::default()).await;
            assertions.push((caller, response));
        }

        let removal = tokio::spawn(async move {
            let removed = ada.browser.delete(&format!("/auth/passkeys/{id}")).await;
            removed.no_content();
        });
        let callers = at_once(assertions.into_iter().map(|(caller, response)| async move {
            let answer = caller.post(SIGN_IN, response).await;
            (caller, answer)
        }))
        .await;
        removal.await.unwrap();

        for (caller, answer) in callers {
            let refused = ["", "unknown_credential", "passkey_failed"];
            assert!(refused.contains(&&*answer.problem_code()), "{answer}");
            assert_eq!(caller.get("/auth/sessions/").await.status(), 401);
        }
        assert_eq!(
            number(&world, "select count(*) from sessions where method = 2"),
            0
        );
    }
}

/// D15: two who remove the last two passkeys at once: where codes do not sign in, one of the passkeys stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_the_last_two_passkeys_one_stays() {
    for _ in 0..10 {
        let world = World::with(|config| config.codes.after_passkey = AfterPasskey::Deny).await;
        let world = Arc::new(world);
        let ada = world.native();
        world.sign_in(&ada, ADA).await;
        let mut authenticator = Authenticator::new(1);
        let mut ids = vec![world.add_passkey(&ada, &mut authenticator).await.created()];
        let signed_in = world.sign_in_with_passkey(&ada, &mut authenticator).await;
        signed_in.created();
        ids.push(world.add_passkey(&ada, &mut authenticator).await.created());
        let removals = ids.into_iter().map(|passkey| {
            let caller = world.native();
            caller.set_token(ada.token().as_deref());
            let path = format!("/auth/passkeys/{}", passkey["id"].as_str().unwrap());
            async move { caller.delete(&path).await }
        });

        let replies = at_once(removals).await;

        assert_eq!(with_code(&replies, "last_credential"), 1);
        assert_eq!(number(&world, "select count(*) from passkeys"), 1);
    }
}

/// Item 52: a list taken while others are added and removed never omits a passkey that lives.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_list_of_passkeys_is_of_one_moment() {
    let world = Arc::new(World::new().await);
    let ada = world.native();
    world.sign_in(&ada, ADA).await;
    let mut stable = Authenticator::new(1);
    for _ in 0..3 {
        world.add_passkey(&ada, &mut stable).await;
    }
    let ids = |passkeys: &Value| -> Vec<String> {
        let passkeys = passkeys.as_array().unwrap().iter();
        passkeys
            .map(|passkey| passkey["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let expected = ids(&ada.get("/auth/passkeys/").await.ok());
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (caller, done) = (world.native(), Arc::clone(&done));
        caller.set_token(ada.token().as_deref());
        tokio::spawn(async move {
            let mut lists = Vec::new();
            while !done.load(Ordering::Relaxed) || lists.is_empty() {
                let listed = caller.get("/auth/passkeys/").await.ok();
                lists.push(ids(&listed));
                tokio::task::yield_now().await;
            }
            lists
        })
    };

    let mut moving = Authenticator::new(2);
    for _ in 0..30 {
        let added = world.add_passkey(&ada, &mut moving).await.created();
        let path = format!("/auth/passkeys/{}", added["id"].as_str().unwrap());
        ada.delete(&path).await.no_content();
    }
    done.store(true, Ordering::Relaxed);

    for list in reader.await.unwrap() {
        assert!(expected.iter().all(|id| list.contains(id)), "{list:?}");
        assert!(list.len() <= 4, "{list:?}");
    }
    assert_eq!(ids(&ada.get("/auth/passkeys/").await.ok()), expected);
}

// ── Sessions ────────────────────────────────────────────────────────────────

/// Items 65, 67: in a storm of requests none that starts after the acknowledgement is let in, whatever ends the session.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_after_an_acknowledged_end_is_let_in() {
    for how in ["sign out", "revoke", "others", "all", "disable"] {
        let world = Arc::new(World::new().await);
        let (victim, owner) = (world.native(), world.native());
        let opened = world.sign_in(&victim, ADA).await.created();
        let id = opened["session"]["id"].as_str().unwrap().to_owned();
        world.sign_in(&owner, ADA).await;
        let user = world.user(ADA).await;
        let ended = Arc::new(AtomicBool::new(false));
        let storm: Vec<_> = (0..50)
            .map(|_| {
                let (caller, ended) = (world.native(), Arc::clone(&ended));
                caller.set_token(victim.token().as_deref());
                tokio::spawn(async move {
                    let mut after = 0;
                    while after < 5 {
                        let starts_after = ended.load(Ordering::SeqCst);
                        let answer = caller.get("/auth/sessions/").await;
                        if starts_after {
                            assert_eq!(answer.status(), 401, "{answer}");
                            after += 1;
                        }
                        tokio::task::yield_now().await;
                    }
                    after
                })
            })
            .collect();

        match how {
            "sign out" => victim.delete("/auth/sessions").await.no_content(),
            "revoke" => owner
                .delete(&format!("/auth/sessions/{id}"))
                .await
                .no_content(),
            "others" => owner.delete("/auth/sessions/others").await.no_content(),
            "all" => owner.delete("/auth/sessions/all").await.no_content(),
            _ => {
                let client = &Client::command_line();
                let disabled = users::disable(world.doorward(), &user, None, client).await;
                assert!(disabled.unwrap());
            }
        }
        ended.store(true, Ordering::SeqCst);

        for task in storm {
            assert_eq!(task.await.unwrap(), 5, "{how}");
        }
    }
}

/// Item 62: of many proofs that are presented with one session at once, one continues it; each opens one session, and the
/// old token opens nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_proofs_in_one_session_one_continues_it() {
    let world = Arc::new(World::new().await);
    let ada = world.native();
    let opened = world.sign_in(&ada, ADA).await.created();
    let mut authenticator = Authenticator::new(1);
    world.add_passkey(&ada, &mut authenticator).await;
    let old = ada.token().unwrap();
    let mut proofs = Vec::new();
    for _ in 0..20 {
        let caller = world.native();
        caller.set_token(Some(&old));
        let response = assertion(&caller, &mut authenticator, &Overrides::default()).await;
        proofs.push((caller, response));
    }

    let callers = at_once(proofs.into_iter().map(|(caller, response)| async move {
        let answer = caller.post(SIGN_IN, response).await.created();
        (caller, answer["session"]["id"].clone())
    }))
    .await;

    let continued = callers
        .iter()
        .filter(|(_, id)| *id == opened["session"]["id"]);
    assert_eq!(continued.count(), 1);
    assert_eq!(number(&world, "select count(*) from sessions"), 20);
    for (caller, _) in &callers {
        assert_ne!(caller.token().unwrap(), old);
        assert_eq!(caller.get("/auth/sessions/").await.status(), 200);
    }
    ada.get("/auth/sessions/")
        .await
        .problem(401, "unauthenticated");
}

/// Item 67: a session that is opened while its user signs out everywhere is either ended by it or opened after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_session_slips_through_signing_out_everywhere() {
    for seed in 0..20 {
        let world = Arc::new(World::new().await);
        let mut ada = Person::with_passkey(&world, ADA, seed).await;
        let mut assertions = Vec::new();
        for _ in 0..5 {
            let caller = world.native();
            let response = assertion(&caller, &mut ada.authenticator, &Overrides::default()).await;
            assertions.push((caller, response));
        }
        let everywhere = tokio::spawn(async move {
            ada.browser.delete("/auth/sessions/all").await.no_content();
            ada.browser
        });

        let callers = at_once(assertions.into_iter().map(|(caller, response)| async move {
            caller.post(SIGN_IN, response).await.created();
            caller
        }))
        .await;
        let browser = everywhere.await.unwrap();

        assert_eq!(browser.get("/auth/sessions/").await.status(), 401);
        let epoch = number(&world, "select auth_epoch from users");
        let live = format!("select count(*) from sessions where user_epoch = {epoch}");
        let mut let_in = 0;
        for caller in &callers {
            let_in += i64::from(caller.get("/auth/sessions/").await.status() == 200);
        }
        assert_eq!(let_in, number(&world, &live));
    }
}
