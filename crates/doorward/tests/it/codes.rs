//! Mailed codes: how often, how long, for whom and for what they work, and what asking for them tells.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::{digest, hmac};
use axum::body::Body;
use doorward::{
    Client, Doorward, Span,
    config::{AfterPasskey, Config, SignUp},
    mail::Address,
    testing::{
        Authenticator, Caller, Cell, Fault, Held, MailServer, Reply, World, on_every_database,
        on_every_database_with,
    },
    users::{self, Invitation},
};
use futures_util::FutureExt;
use http::{Method, Request, header};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
const GRACE: &str = "grace@example.com";

// ── What the tests of codes share ───────────────────────────────────────────

/// One value, read from the database beside the server.
pub(crate) fn read<T: Held>(world: &World, sql: &str) -> T {
    world.value(sql)
}

/// How many tries the only code of the world has left.
fn tries_left(world: &World) -> i64 {
    read(world, "select attempts_left from codes")
}

/// How many wrong codes in a row the only address of the world has seen.
pub(crate) fn failures(world: &World) -> i64 {
    read(
        world,
        "select coalesce(max(failures), 0) from address_limits",
    )
}

/// Asks for a code, and reads it in the mail.
pub(crate) async fn code_for(world: &World, caller: &Caller, address: &str) -> String {
    ask(caller, address).await.created();
    world.inbox(address).await.code()
}

pub(crate) async fn ask(caller: &Caller, address: &str) -> Reply {
    caller
        .post("/auth/verify", json!({ "email": address }))
        .await
}

/// Shows a code.
pub(crate) async fn show(caller: &Caller, address: &str, code: &str) -> Reply {
    caller.post("/auth/sessions", form(address, code)).await
}

pub(crate) fn form(address: &str, code: &str) -> Value {
    json!({ "method": "otp", "email": address, "token": code })
}

/// A code that is not the right one; another for each number up to 99,999,999.
pub(crate) fn wrong(code: &str, number: u64) -> String {
    let right: u64 = code.parse().unwrap();
    format!("{:08}", (right + number) % 100_000_000)
}

/// Guesses wrong so often, at an address that was mailed nothing.
async fn guess_in_vain(caller: &Caller, address: &str, times: u64) {
    for number in 0..times {
        let guess = format!("{number:08}");
        show(caller, address, &guess)
            .await
            .problem(401, "invalid_code");
    }
}

/// What everyone can see of an answer, with what is random in it blotted out.
fn seen(reply: &Reply) -> String {
    let body = reply.json();
    let mut headers: Vec<String> = reply
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    let mut text = format!(
        "{}\n{}\n{}",
        reply.status(),
        headers.join("\n"),
        reply.text()
    );
    for random in ["flow", "requestId"] {
        if let Some(value) = body[random].as_str() {
            text = text.replace(value, &"?".repeat(value.len()));
        }
    }
    text
}

fn without_address_limits(config: &mut Config) {
    config.limits.address_interval = Span::ZERO;
    config.limits.address_quarter = 0;
    config.limits.address_hour = 0;
    config.limits.address_day = 0;
}

/// Invites someone who has no account.
pub(crate) async fn invite(world: &World, address: &str) {
    let invitation = Invitation {
        address: Address::parse(address).unwrap(),
        roles: Vec::new(),
        first_name: None,
        last_name: None,
    };
    let client = Client::command_line();
    let invited = users::invite(world.doorward(), &invitation, None, &client);
    assert!(invited.await.unwrap().is_some());
}

async fn disable(world: &World, address: &str) {
    let user = world.user(address).await;
    let client = Client::command_line();
    let disabled = users::disable(world.doorward(), &user, None, &client);
    assert!(disabled.await.unwrap());
}

// ── Lifetime, tries, failures ───────────────────────────────────────────────

/// Item 2: ten minutes by the server's clock, whatever date the client claims.
#[tokio::test]
async fn a_code_works_for_ten_minutes() {
    for (age, answer) in [
        (599, (201, "")),
        (600, (401, "expired_code")),
        (601, (401, "expired_code")),
    ] {
        on_every_database(async |world| {
            let ada = world.native().with("date", "Sun, 01 Nov 2026 12:00:00 GMT");
            let code = code_for(&world, &ada, ADA).await;

            world.advance(Span::seconds(age));
            let reply = show(&ada, ADA, &code).await;

            let answered = (reply.status().as_u16(), &*reply.problem_code());
            assert_eq!(answered, answer, "after {age} s");
        })
        .await;
    }
}

/// Items 1, 2: codes of five digits, or of eleven minutes, do not start.
#[tokio::test]
async fn codes_that_are_too_weak_do_not_start() {
    for (digits, minutes, starts) in [(5, 10, false), (6, 11, false), (6, 10, true)] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            data_dir: folder.path().into(),
            ..Config::default()
        };
        config.codes.digits = digits;
        config.codes.lifetime = Span::minutes(minutes);

        let opened = Doorward::builder(config).without_jobs().open().await;

        assert_eq!(opened.is_ok(), starts, "{digits} digits, {minutes} minutes");
    }
}

/// Item 93: only the right code is told that it is late.
#[tokio::test]
async fn a_wrong_code_is_wrong_at_any_time() {
    on_every_database(async |world| {
        let ada = world.native();
        let code = code_for(&world, &ada, ADA).await;

        world.advance(Span::minutes(11));

        show(&ada, ADA, &wrong(&code, 1))
            .await
            .problem(401, "invalid_code");
        show(&ada, ADA, &code).await.problem(401, "expired_code");
    })
    .await;
}

/// Item 3: a replay fails.
#[tokio::test]
async fn a_code_opens_one_session() {
    on_every_database(async |world| {
        let code = code_for(&world, &world.native(), ADA).await;

        show(&world.native(), ADA, &code).await.created();
        let again = show(&world.native(), ADA, &code).await;

        again.problem(401, "invalid_code");
        assert_eq!(read::<i64>(&world, "select count(*) from sessions"), 1);
    })
    .await;
}

/// Item 4: the right code is no good as the sixth try.
#[tokio::test]
async fn a_code_is_compared_five_times_at_most() {
    on_every_database(async |world| {
        let code = code_for(&world, &world.native(), ADA).await;

        for number in 1..=5 {
            let guess = wrong(&code, number);
            show(&world.native(), ADA, &guess)
                .await
                .problem(401, "invalid_code");
        }
        let sixth = show(&world.native(), ADA, &code).await;

        sixth.problem(401, "invalid_code");
        assert_eq!(world.code_compares(), 5);
    })
    .await;
}

/// Item 4: the right code is good as the fifth try.
#[tokio::test]
async fn the_fifth_try_may_be_the_right_one() {
    on_every_database(async |world| {
        let code = code_for(&world, &world.native(), ADA).await;

        for number in 1..=4 {
            show(&world.native(), ADA, &wrong(&code, number))
                .await
                .problem(401, "invalid_code");
        }

        show(&world.native(), ADA, &code).await.created();
    })
    .await;
}

/// Items 5, 103: whatever fails or panics after the comparison, the try is spent, after a restart as well.
#[tokio::test]
async fn a_wrong_guess_stays_counted_when_what_follows_fails() {
    for statement in ["insert into address_limits", "insert into events"] {
        for fault in [Fault::Unavailable, Fault::Panic] {
            on_every_database(async |world| {
                let code = code_for(&world, &world.native(), ADA).await;

                world.faults().arm(statement, fault);
                for number in 1..=3 {
                    let failed = show(&world.native(), ADA, &wrong(&code, number)).await;
                    assert!(failed.status().is_server_error(), "{failed}");
                }
                world.faults().clear();

                assert_eq!(tries_left(&world), 2, "{statement}, {fault:?}");
                let world = world.restarted().await;
                assert_eq!(tries_left(&world), 2, "{statement}, {fault:?}");
                for number in 4..=5 {
                    show(&world.native(), ADA, &wrong(&code, number))
                        .await
                        .problem(401, "invalid_code");
                }
                show(&world.native(), ADA, &code)
                    .await
                    .problem(401, "invalid_code");
            })
            .await;
        }
    }
}

/// Item 5: nor does a log that cannot be written take back what was counted against the address.
#[tokio::test]
async fn the_count_of_an_address_outlives_a_log_that_cannot_be_written() {
    for fault in [Fault::Unavailable, Fault::Panic] {
        on_every_database(async |world| {
            let code = code_for(&world, &world.native(), ADA).await;

            world.faults().arm("insert into events", fault);
            let failed = show(&world.native(), ADA, &wrong(&code, 1)).await;
            world.faults().clear();

            assert!(failed.status().is_server_error(), "{failed}");
            assert_eq!(failures(&world.restarted().await), 1, "{fault:?}");
        })
        .await;
    }
}

/// Item 5: nor does hanging up, wherever the request is by then.
#[tokio::test]
async fn a_guesser_who_hangs_up_is_counted() {
    on_every_database(async |world| {
        let caller = world.native();
        let code = code_for(&world, &caller, ADA).await;

        for number in 1..=3 {
            let guess = form(ADA, &wrong(&code, number));
            let sending = Box::pin(caller.post("/auth/sessions", guess));
            // One step, and nobody is there any more.
            assert!(sending.now_or_never().is_none());
        }

        let counted = async {
            while (tries_left(&world), failures(&world)) != (2, 3) {
                tokio::task::yield_now().await;
            }
        };
        let counted = tokio::time::timeout(Duration::from_secs(20), counted).await;
        assert!(
            counted.is_ok(),
            "{} tries left after {} failures",
            tries_left(&world),
            failures(&world)
        );
    })
    .await;
}

/// Item 6: three wrong ones, a new code, two wrong ones are five.
#[tokio::test]
async fn a_new_code_does_not_forget_the_wrong_ones() {
    on_every_database(async |world| {
        let first = code_for(&world, &world.native(), ADA).await;
        for number in 1..=3 {
            show(&world.native(), ADA, &wrong(&first, number))
                .await
                .problem(401, "invalid_code");
        }

        world.advance(Span::seconds(30));
        let second = code_for(&world, &world.native(), ADA).await;
        assert_eq!(failures(&world), 3);
        for number in 1..=2 {
            show(&world.native(), ADA, &wrong(&second, number))
                .await
                .problem(401, "invalid_code");
        }

        assert_eq!(failures(&world), 5);
    })
    .await;
}

/// Item 7: one bucket for every spelling, at every door that takes a code.
#[tokio::test]
async fn every_spelling_and_every_door_count_against_one_address() {
    for spellings in [
        ["A@X.example", "a@x.EXAMPLE", "a@x.example"],
        [
            "a@bücher.example",
            "A@BÜCHER.example",
            "a@xn--bcher-kva.example",
        ],
    ] {
        on_every_database(async |world| {
            let grace = world.native();
            world.sign_in(&grace, GRACE).await;

            for spelling in spellings {
                let guess = form(spelling, "12345678");
                let native = world.native();
                let plain = native.post("/auth/sessions", &guess).await;
                let slashed = native.post("/auth/sessions/", &guess).await;
                let change = grace.post("/auth/me/email/confirm", &guess).await;
                for reply in [plain, slashed, change] {
                    reply.problem(401, "invalid_code");
                }
            }

            let buckets: i64 = read(
                &world,
                "select count(*) from address_limits where failures > 0",
            );
            assert_eq!((buckets, failures(&world)), (1, 9), "{spellings:?}");
        })
        .await;
    }
}

/// Items 8, 9: long codes after ten failures, which let their owner in and then are short again.
#[tokio::test]
async fn an_address_that_is_guessed_at_gets_long_codes_until_its_owner_signs_in() {
    on_every_database(async |world| {
        let stranger = world.native();
        world.sign_in(&world.native(), ADA).await;
        guess_in_vain(&stranger, ADA, 9).await;
        world.advance(Span::seconds(30));
        assert_eq!(code_for(&world, &world.native(), ADA).await.len(), 8);

        guess_in_vain(&stranger, ADA, 1).await;
        world.advance(Span::seconds(30));
        let long = code_for(&world, &world.native(), ADA).await;

        assert_eq!(long.len(), 13, "13 characters of 5 bits");
        let typed = format!(" {}-{} ", &long[..5], &long[5..]).to_lowercase();
        show(&world.native(), ADA, &typed).await.created();
        assert_eq!(failures(&world), 0);
        world.advance(Span::seconds(30));
        assert_eq!(code_for(&world, &world.native(), ADA).await.len(), 8);
    })
    .await;
}

/// Item 8: nobody is locked out, least of all with a passkey.
#[tokio::test]
async fn passkeys_do_not_care_how_often_codes_were_guessed() {
    on_every_database(async |world| {
        let (ada, mut authenticator) = (world.browser(), Authenticator::new(1));
        world.sign_in(&ada, ADA).await;
        world.add_passkey(&ada, &mut authenticator).await;

        guess_in_vain(&world.native().from("203.0.113.9"), ADA, 50).await;

        let elsewhere = world.browser();
        world
            .sign_in_with_passkey(&elsewhere, &mut authenticator)
            .await
            .created();
        assert_eq!(failures(&world), 0, "its owner was here");
    })
    .await;
}

/// Item 8: at the tenth failure short codes that nothing protects die; those of a browser live.
#[tokio::test]
async fn the_tenth_failure_ends_short_codes_that_strangers_can_guess_at() {
    on_every_database(async |world| {
        let (browser, native, stranger) = (world.browser(), world.native(), world.native());
        let bound = code_for(&world, &browser, ADA).await;
        guess_in_vain(&stranger, ADA, 9).await;
        world.advance(Span::seconds(30));
        let unbound = code_for(&world, &native, ADA).await;
        assert_eq!(unbound.len(), 8);

        show(&stranger, ADA, &wrong(&unbound, 1))
            .await
            .problem(401, "invalid_code");

        show(&native, ADA, &unbound)
            .await
            .problem(401, "invalid_code");
        show(&browser, ADA, &bound).await.created();
    })
    .await;
}

/// Item 8: who holds the address is told once; an address that nobody holds gets nothing.
#[tokio::test]
async fn the_holder_is_told_once_that_codes_are_long_now() {
    on_every_database(async |world| {
        world.sign_in(&world.native(), ADA).await;
        world.mailbox().clear();

        guess_in_vain(&world.native(), ADA, 15).await;
        guess_in_vain(&world.native(), GRACE, 15).await;

        let subjects: Vec<String> = world
            .inbox("ADA@example.com")
            .await
            .messages()
            .iter()
            .map(|message| message.subject.clone())
            .collect();
        assert_eq!(
            subjects,
            ["Someone is guessing Doorward codes for your address"]
        );
        assert_eq!(world.inbox(GRACE).await.messages(), []);
    })
    .await;
}

/// Item 9: a sign-in forgets the wrong codes before it.
#[tokio::test]
async fn success_forgets_the_wrong_codes() {
    on_every_database(async |world| {
        let code = code_for(&world, &world.native(), ADA).await;
        for number in 1..=3 {
            show(&world.native(), ADA, &wrong(&code, number))
                .await
                .problem(401, "invalid_code");
        }
        assert_eq!(failures(&world), 3);

        show(&world.native(), ADA, &code).await.created();

        assert_eq!(failures(&world), 0);
    })
    .await;
}

/// Item 9: what fails on our side is 503 (500 for a panic), and no failure of the person's.
#[tokio::test]
async fn a_failing_database_is_nobodys_wrong_code() {
    let points = [
        ("update codes", Fault::Unavailable, 503),
        ("update codes", Fault::Panic, 500),
        ("insert into users", Fault::Unavailable, 503),
        ("update address_limits", Fault::Unavailable, 503),
        ("insert into sessions", Fault::Unavailable, 503),
        ("insert into sessions", Fault::Panic, 500),
        ("insert into events", Fault::Unavailable, 503),
        ("commit", Fault::Unavailable, 503),
    ];
    for (statement, fault, status) in points {
        on_every_database(async |world| {
            let code = code_for(&world, &world.native(), ADA).await;
            show(&world.native(), ADA, &wrong(&code, 1))
                .await
                .problem(401, "invalid_code");

            world.faults().arm(statement, fault);
            let failed = show(&world.native(), ADA, &code).await;
            world.faults().clear();

            assert_eq!(failed.status(), status, "{statement}: {failed}");
            assert_eq!(
                (tries_left(&world), failures(&world)),
                (4, 1),
                "{statement}"
            );
            let users: i64 = read(&world, "select count(*) from users");
            assert_eq!(users, 0, "{statement}: half an account");
            show(&world.native(), ADA, &code).await.created();
        })
        .await;
    }
}

/// Item 9: a network that may fail once has not failed by what was right, late, or our own failure.
#[tokio::test]
async fn a_network_pays_for_wrong_proofs_alone() {
    on_every_database_with(
        |config| config.limits.network_failures = 1,
        async |world| {
            let mut authenticator = Authenticator::new(1);
            let (ada, visitor) = (world.native(), world.native());
            let late = code_for(&world, &ada, "late@example.com").await;
            world.advance(Span::minutes(10));
            let late = show(&ada, "late@example.com", &late).await;
            late.problem(401, "expired_code");

            world.sign_in(&ada, ADA).await.created();
            world.add_passkey(&ada, &mut authenticator).await;
            let code = code_for(&world, &ada, GRACE).await;
            for (statement, fault, status) in [
                ("update codes", Fault::Unavailable, 503),
                ("update codes", Fault::Panic, 500),
            ] {
                world.faults().arm(statement, fault);
                let failed = show(&ada, GRACE, &code).await;
                world.faults().clear();
                assert_eq!(failed.status(), status, "{failed}");
            }
            for (fault, status) in [(Fault::Unavailable, 503), (Fault::Panic, 500)] {
                world.faults().arm("update passkeys", fault);
                let failed = world
                    .sign_in_with_passkey(&visitor, &mut authenticator)
                    .await;
                world.faults().clear();
                assert_eq!(failed.status(), status, "{failed}");
            }
            world
                .sign_in_with_passkey(&visitor, &mut authenticator)
                .await
                .created();

            show(&ada, GRACE, &wrong(&code, 1))
                .await
                .problem(401, "invalid_code");
            show(&ada, GRACE, &code).await.problem(429, "rate_limited");
            world
                .sign_in_with_passkey(&visitor, &mut authenticator)
                .await
                .problem(429, "rate_limited");
        },
    )
    .await;
}

/// Item 9: a wrong code that could not be compared was not tried.
#[tokio::test]
async fn a_wrong_code_that_was_not_compared_counts_nothing() {
    for statement in ["update codes", "commit"] {
        on_every_database(async |world| {
            let code = code_for(&world, &world.native(), ADA).await;

            world.faults().arm(statement, Fault::Unavailable);
            let failed = show(&world.native(), ADA, &wrong(&code, 1)).await;
            world.faults().clear();

            failed.problem(503, "unavailable");
            assert_eq!(
                (tries_left(&world), failures(&world)),
                (5, 0),
                "{statement}"
            );
        })
        .await;
    }
}

/// Item 9: mail that cannot leave is no failure of the person's either, and no request waits for it.
#[tokio::test]
async fn mail_that_cannot_leave_is_nobodys_wrong_code() {
    on_every_database(async |world| {
        world.mail_server(MailServer::Away);

        ask(&world.native(), ADA).await.created();
        assert_eq!(world.inbox(ADA).await.messages(), []);

        assert_eq!((tries_left(&world), failures(&world)), (5, 0));
    })
    .await;
}

// ── Whose code it is, and for what ──────────────────────────────────────────

/// Item 10: a browser's code works in that browser only, and a stranger's try costs it nothing.
#[tokio::test]
async fn a_browsers_code_works_with_its_flow_only() {
    on_every_database(async |world| {
        let (browser, other, native) = (world.browser(), world.browser(), world.native());
        let code = code_for(&world, &browser, ADA).await;
        world.advance(Span::seconds(30));
        ask(&other, GRACE).await.created();

        for stranger in [&other, &native, &world.browser()] {
            show(stranger, ADA, &code)
                .await
                .problem(401, "invalid_code");
        }

        assert_eq!(world.code_compares(), 0);
        show(&browser, ADA, &code).await.created();
    })
    .await;
}

/// Item 10: a native client that binds its code has to show the flow.
#[tokio::test]
async fn a_native_client_can_bind_its_code() {
    on_every_database(async |world| {
        let native = world.native();
        let bind = json!({ "email": ADA, "bind": true });
        let flow = native.post("/auth/verify", bind).await.created()["flow"].clone();
        let code = world.inbox(ADA).await.code();
        let other = native
            .post("/auth/verify", json!({ "email": GRACE, "bind": true }))
            .await
            .created()["flow"]
            .clone();

        let with = |flow: &Value| {
            let mut form = form(ADA, &code);
            form["flow"] = flow.clone();
            form
        };
        for wrong in [json!(null), json!(""), json!("made up"), other] {
            let reply = native.post("/auth/sessions", with(&wrong)).await;
            reply.problem(401, "invalid_code");
        }

        let reply = native.post("/auth/sessions", with(&flow)).await;
        reply.created();
    })
    .await;
}

/// Items 11, 93: a code for one thing, one address, one session, is wrong for every other.
#[tokio::test]
async fn a_code_is_for_one_purpose_and_one_address() {
    on_every_database(async |world| {
        let (ada, grace, elsewhere) = (world.native(), world.native(), world.native());
        world.sign_in(&ada, ADA).await;
        world.sign_in(&grace, GRACE).await;
        world.advance(Span::seconds(30));
        world.sign_in(&elsewhere, ADA).await;
        let new = "new@example.com";

        let change = json!({ "email": new });
        ada.post("/auth/me/email", change).await.created();
        let to_change = world.inbox(new).await.code();
        world.advance(Span::seconds(30));
        let to_sign_in = code_for(&world, &world.native(), new).await;
        assert_ne!(to_change, to_sign_in);
        world.advance(Span::seconds(30));
        let of_ada = code_for(&world, &world.native(), ADA).await;

        let confirm = "/auth/me/email/confirm";
        for (caller, path, address, code) in [
            (&world.native(), "/auth/sessions", new, &to_change),
            (&world.native(), "/auth/sessions", ADA, &to_change),
            (&world.native(), "/auth/sessions", GRACE, &of_ada),
            (&world.native(), "/auth/sessions", new, &of_ada),
            (&ada, confirm, new, &to_sign_in),
            (&ada, confirm, ADA, &of_ada),
            (&ada, confirm, new, &of_ada),
            (&ada, confirm, GRACE, &to_change),
            (&grace, confirm, new, &to_change),
            (&elsewhere, confirm, new, &to_change),
        ] {
            let reply = caller.post(path, form(address, code)).await;
            assert_eq!(reply.problem_code(), "invalid_code", "{path} {address}");
        }

        let changed = ada.post(confirm, form(new, &to_change)).await.ok();
        assert_eq!(changed["email"], new);
        show(&world.native(), new, &to_sign_in).await.created();
    })
    .await;
}

/// Item 13: twenty requests of others later, a browser's first code still works.
#[tokio::test]
async fn what_others_ask_for_leaves_a_browsers_code_alone() {
    let world = World::with(without_address_limits).await;
    let victim = world.browser();
    let code = code_for(&world, &victim, ADA).await;

    for number in 0..20 {
        let attacker = match number % 3 {
            0 => world.browser(),
            1 => world.native(),
            _ => world.caller().with("origin", "https://auth.example.com"),
        };
        ask(&attacker, ADA).await.created();
    }

    show(&victim, ADA, &code).await.created();
}

/// Item 14: only strings are read, only spaces and hyphens are dropped, and what is refused costs the address nothing.
#[tokio::test]
async fn what_is_no_code_counts_nothing() {
    on_every_database(async |world| {
        let native = world.native();
        let code = code_for(&world, &native, ADA).await;
        let odd = [
            json!([code]),
            json!(code.parse::<u64>().unwrap()),
            json!({ "code": code }),
            json!(null),
            json!(true),
        ];

        for odd in &odd {
            for member in ["token", "email", "method"] {
                let mut form = form(ADA, &code);
                form[member] = odd.clone();
                let reply = native.post("/auth/sessions", form).await;
                reply.problem(422, "invalid_request");
                assert_eq!(reply.json()["field"], member);
            }
        }
        let huge = "1".repeat(2 << 20);
        show(&native, ADA, &huge).await.problem(413, "too_large");
        let full_width: String = code
            .chars()
            .map(|digit| char::from_u32(u32::from(digit) - 0x30 + 0xff10).unwrap())
            .collect();
        for text in [
            full_width,
            format!("{code}\u{a0}"),
            format!("{code}\t"),
            format!("{code}0000"),
            code[..5].to_owned(),
            String::new(),
        ] {
            show(&native, ADA, &text).await.problem(401, "invalid_code");
        }

        assert_eq!((tries_left(&world), failures(&world)), (5, 0));
        assert_eq!(world.code_compares(), 0);
        let typed = format!("  {} - {} ", &code[..4], &code[4..]);
        show(&native, ADA, &typed).await.created();
    })
    .await;
}

/// Item 14: an address is one string, and nothing else is written to.
#[tokio::test]
async fn what_is_no_address_gets_no_mail() {
    on_every_database(async |world| {
        let native = world.native();

        for odd in [
            json!([ADA, GRACE]),
            json!({ "address": ADA }),
            json!(1),
            json!(null),
            json!(false),
            json!(format!("{ADA},{GRACE}")),
        ] {
            let reply = native.post("/auth/verify", json!({ "email": odd })).await;
            reply.problem(422, "invalid_request");
            assert_eq!(reply.json()["field"], "email");
        }
        let huge = json!({ "email": format!("{}@example.com", "a".repeat(2 << 20)) });
        let reply = native.post("/auth/verify", huge).await;

        reply.problem(413, "too_large");
        assert_eq!(read::<i64>(&world, "select count(*) from outbox"), 0);
        assert_eq!(read::<i64>(&world, "select count(*) from codes"), 0);
    })
    .await;
}

/// Item 15: two codes in a row are no second factor.
#[tokio::test]
async fn codes_never_add_up_to_a_passkey() {
    let world = World::with(|config| config.codes.after_passkey = AfterPasskey::Recovery).await;
    let ada = world.browser();
    world.sign_in(&ada, ADA).await;
    world.add_passkey(&ada, &mut Authenticator::new(1)).await;

    for _ in 0..2 {
        world.sign_in(&ada, ADA).await;
        let levels = world.rows("select aal from sessions");
        assert_eq!(levels, [[Cell::Integer(0)]]);
    }

    let refused = ada.post("/auth/passkeys/register/options", ()).await;
    refused.problem(403, "reauth_required");
    assert_eq!(refused.json()["methods"], json!(["passkey"]));
}

/// While a code has five minutes left, its flow gets the same again; after that a new one, and the old one ends.
#[tokio::test]
async fn a_flow_gets_the_same_code_while_it_is_worth_it() {
    on_every_database(async |world| {
        let browser = world.browser();
        let first = code_for(&world, &browser, ADA).await;

        world.advance(Span::minutes(5));
        let asked = ask(&browser, ADA).await.created();
        let same = world.inbox(ADA).await.code();
        world.advance(Span::seconds(30));
        let renewed = ask(&browser, ADA).await.created();
        let new = world.inbox(ADA).await.code();

        assert_eq!(same, first);
        assert_eq!(asked["expiresAt"], "2026-11-01T12:10:00.000Z");
        assert_ne!(new, first);
        assert_eq!(renewed["expiresAt"], "2026-11-01T12:15:30.000Z");
        let mails = world.inbox(ADA).await;
        assert_eq!(mails.messages().len(), 3);
        assert!(mails.messages()[1].text.contains("for 5 minutes"));
        show(&browser, ADA, &first)
            .await
            .problem(401, "invalid_code");
        show(&browser, ADA, &new).await.created();
    })
    .await;
}

/// A native client that names its flow gets the same code again, too.
#[tokio::test]
async fn a_native_flow_gets_the_same_code_again() {
    on_every_database(async |world| {
        let native = world.native();
        let bind = json!({ "email": ADA, "bind": true });
        let flow = native.post("/auth/verify", bind).await.created()["flow"].clone();
        let first = world.inbox(ADA).await.code();

        world.advance(Span::seconds(30));
        let again = json!({ "email": ADA, "bind": true, "flow": flow });
        let answer = native.post("/auth/verify", again).await.created();

        assert_eq!(answer["flow"], flow);
        assert_eq!(world.inbox(ADA).await.code(), first);
    })
    .await;
}

/// Of the codes that nothing protects, the newest three live.
#[tokio::test]
async fn three_unbound_codes_live_at_most() {
    let world = World::with(without_address_limits).await;
    let native = world.native();
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(code_for(&world, &native, ADA).await);
        world.advance(Span::millis(1));
    }

    assert_eq!(read::<i64>(&world, "select count(*) from codes"), 3);
    show(&native, ADA, &codes[0])
        .await
        .problem(401, "invalid_code");
    show(&native, ADA, &codes[1]).await.created();
}

// ── What is stored ──────────────────────────────────────────────────────────

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Item 12: neither code nor flow is on disk, in the outbox either.
#[tokio::test]
async fn a_stolen_database_holds_no_code() {
    on_every_database(async |world| {
        let browser = world.browser();
        let asked = ask(&browser, ADA).await.created();
        let before_it_is_mailed = world.stored_bytes();
        let code = world.inbox(ADA).await.code();
        let after = world.stored_bytes();

        for dump in [before_it_is_mailed, after] {
            assert!(contains(&dump, ADA.as_bytes()), "the row is there");
            assert!(!contains(&dump, code.as_bytes()));
            let spaced = format!("{} {}", &code[..4], &code[4..]);
            assert!(!contains(&dump, spaced.as_bytes()));
            assert!(!contains(&dump, asked["flow"].as_str().unwrap().as_bytes()));
        }
    })
    .await;
}

/// Item 12: without the key, trying out codes finds nothing. The million codes around the right one stand for all 10⁸,
/// which would take minutes: were the code stored in any of these ways, it would be found among them.
#[tokio::test]
async fn what_is_stored_of_a_code_cannot_be_searched_without_the_key() {
    on_every_database(async |world| {
        let code = code_for(&world, &world.native(), ADA).await;
        let (id, mac): (Vec<u8>, Vec<u8>) = (
            read(&world, "select id from codes"),
            read(&world, "select code_mac from codes"),
        );
        assert_eq!(mac.len(), 32);

        let keys: Vec<hmac::Key> = [&b""[..], ADA.as_bytes(), &id, &[0; 32]]
            .map(|key| hmac::Key::new(hmac::HMAC_SHA256, key))
            .into();
        let first = code.parse::<u64>().unwrap() / 1_000_000 * 1_000_000;
        let tried: HashSet<String> = (first..first + 1_000_000)
            .map(|number| format!("{number:08}"))
            .collect();
        let found = tried.iter().any(|guess| {
            digest::digest(&digest::SHA256, guess.as_bytes()).as_ref() == mac
                || keys
                    .iter()
                    .any(|key| hmac::sign(key, guess.as_bytes()).as_ref() == mac)
        });

        assert!(tried.contains(&code), "the right one was among them");
        assert!(!found);
    })
    .await;
}

/// Item 12: within the hour after its use or its end, nothing of a code is left.
#[tokio::test]
async fn codes_are_deleted_within_the_hour() {
    for used in [true, false] {
        on_every_database(async |world| {
            let code = code_for(&world, &world.native(), ADA).await;
            if used {
                show(&world.native(), ADA, &code).await.created();
            } else {
                world.advance(Span::minutes(10));
            }

            world.advance(Span::minutes(30));
            world.sweep().await;
            assert_eq!(read::<i64>(&world, "select count(*) from codes"), 1);
            world.advance(Span::minutes(29));
            world.sweep().await;

            assert_eq!(read::<i64>(&world, "select count(*) from codes"), 0);
        })
        .await;
    }
}

/// The log tells of codes that were asked for, of wrong ones and of long ones, and names no address and no code.
#[tokio::test]
async fn the_log_tells_of_codes_without_naming_any() {
    on_every_database(async |world| {
        let ada = world.native().from("192.0.2.7");
        let code = code_for(&world, &ada, ADA).await;
        for number in 1..=10 {
            show(&ada, ADA, &wrong(&code, number))
                .await
                .problem(401, "invalid_code");
        }

        let all = |kind: &str| -> i64 {
            let sql =
                format!("select count(*) from events where kind = '{kind}' and ip = '192.0.2.7'");
            read(&world, &sql)
        };
        assert_eq!(all("authn_code_requested"), 1);
        assert_eq!(all("authn_login_fail"), 10);
        assert_eq!(all("authn_login_fail_max"), 1);
        let told = world.rows("select kind, detail, method from events");
        let told = format!("{told:?}");
        assert!(!told.contains("ada") && !told.contains(&code), "{told}");
    })
    .await;
}

/// A sign-in with a code is in its owner's own log.
#[tokio::test]
async fn the_owner_sees_the_sign_in() {
    on_every_database(async |world| {
        let ada = world.native().from("192.0.2.7");
        world.sign_in(&ada, ADA).await;

        let page = ada.get("/auth/me/events").await.ok();

        let mut events: Vec<_> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| (event["kind"].as_str().unwrap(), event["method"].as_str()))
            .collect();
        events.sort_unstable();
        assert_eq!(
            events,
            [("authn_login_success", Some("otp")), ("user_created", None)]
        );
    })
    .await;
}

// ── What asking and failing tell ────────────────────────────────────────────

/// A world with someone known, someone invited, someone disabled, and nobody else.
async fn peopled(sign_up: SignUp) -> World {
    let world = World::with(|config| {
        config.sign_up = sign_up;
        config.admin_emails = vec!["admin@example.com".into()];
    })
    .await;
    world.sign_in(&world.native(), "admin@example.com").await;
    for address in ["known@example.com", "disabled@example.com"] {
        if sign_up == SignUp::Invite {
            invite(&world, address).await;
        }
        world.sign_in(&world.native(), address).await;
    }
    disable(&world, "disabled@example.com").await;
    invite(&world, "invited@example.com").await;
    world.advance(Span::days(1));
    world
}

const STATES: [&str; 5] = [
    "unknown@example.com",
    "known@example.com",
    "invited@example.com",
    "disabled@example.com",
    "admin@example.com",
];

/// What has been asked of the database: how many statements, commits aside, and how many commits.
fn asked(world: &World) -> [u64; 2] {
    let commits = world.commits();
    [world.statements() - commits, commits]
}

/// What has been asked since then.
fn since(world: &World, then: [u64; 2]) -> [u64; 2] {
    let now = asked(world);
    [now[0] - then[0], now[1] - then[1]]
}

/// Performance.md: what a sign-in by code costs, from the request for the code to the session, with the mail between them.
#[tokio::test]
async fn a_sign_in_by_code_costs_few_statements() {
    on_every_database(async |world| {
        let browser = world.browser();
        world.sign_in(&browser, ADA).await;
        world.advance(Span::days(1));
        world.sweep().await;
        let begun = asked(&world);
        ask(&browser, ADA).await.created();
        assert_eq!(since(&world, begun), [4, 1], "a known device");
        world.inbox(ADA).await;

        for caller in [world.native(), world.browser()] {
            world.advance(Span::days(1));
            world.sweep().await;

            let begun = asked(&world);
            ask(&caller, ADA).await.created();
            let asking = since(&world, begun);
            let asked_for = asked(&world);
            let code = world.inbox(ADA).await.code();
            let [mailing, removing] = since(&world, asked_for);
            let mailed = asked(&world);
            show(&caller, ADA, &code).await.created();
            let showing = since(&world, mailed);

            assert_eq!(asking, [4, 1]);
            // One more asks for mail that nobody sends, which a server does every few seconds.
            assert_eq!([mailing - 1, removing], [2, 1]);
            assert_eq!(showing, [5, 1]);
        }
    })
    .await;
}

/// Items 91, 92: asking for a code gives the same answer by the same statements, whoever has the address.
#[tokio::test]
async fn asking_for_a_code_tells_nothing() {
    for sign_up in [SignUp::Open, SignUp::Invite] {
        let world = peopled(sign_up).await;
        for who in 0..3 {
            let mut answers = HashSet::new();
            for address in STATES {
                let caller = match who {
                    0 => world.browser(),
                    1 => world.native(),
                    _ => world.caller(),
                };
                let before = world.statements();
                let asked = ask(&caller, address).await;
                let early = ask(&caller, address).await;
                let statements = world.statements() - before;

                asked.created();
                early.problem(429, "rate_limited");
                answers.insert((seen(&asked), seen(&early), statements));
            }
            assert_eq!(answers.len(), 1, "{sign_up:?}: {answers:#?}");
            world.advance(Span::days(1));
        }
    }
}

/// Item 91: where sign-up is by invitation only the invited get mail, and the same answer.
#[tokio::test]
async fn by_invitation_only_the_invited_get_mail_and_sign_in() {
    let world = peopled(SignUp::Invite).await;
    world.mailbox().clear();

    for address in STATES {
        ask(&world.native(), address).await.created();
    }

    let mut written_to: Vec<_> = STATES.to_vec();
    for address in STATES {
        if world.inbox(address).await.messages().is_empty() {
            written_to.retain(|other| *other != address);
        }
    }
    assert_eq!(
        written_to,
        [
            "known@example.com",
            "invited@example.com",
            "admin@example.com"
        ]
    );
    let code = world.inbox("invited@example.com").await.code();
    let signed_in = show(&world.native(), "invited@example.com", &code).await;
    assert_eq!(signed_in.created()["user"]["emailVerified"], true);
}

/// Item 93: every failure of a code is one answer.
#[tokio::test]
async fn every_wrong_code_gets_one_answer() {
    let world = World::with(without_address_limits).await;
    let native = world.native();
    let browser = world.browser();
    let used = code_for(&world, &world.native(), "used@example.com").await;
    show(&world.native(), "used@example.com", &used)
        .await
        .created();
    let exhausted = code_for(&world, &native, "exhausted@example.com").await;
    for number in 1..=5 {
        show(&native, "exhausted@example.com", &wrong(&exhausted, number))
            .await
            .problem(401, "invalid_code");
    }
    let other_flow = code_for(&world, &browser, "flow@example.com").await;
    let disabled = code_for(&world, &native, "disabled@example.com").await;
    show(&world.native(), "disabled@example.com", &disabled)
        .await
        .created();
    let disabled = code_for(&world, &native, "disabled@example.com").await;
    disable(&world, "disabled@example.com").await;
    let fresh = code_for(&world, &native, "wrong@example.com").await;

    let mut answers = HashSet::new();
    for (address, code) in [
        ("wrong@example.com", &*wrong(&fresh, 1)),
        ("wrong@example.com", "no code at all"),
        ("used@example.com", &used),
        ("exhausted@example.com", &exhausted),
        ("flow@example.com", &other_flow),
        ("nobody@example.com", "12345678"),
        ("disabled@example.com", &disabled),
        ("disabled@example.com", "12345678"),
    ] {
        let reply = show(&world.native(), address, code).await;
        reply.problem(401, "invalid_code");
        answers.insert(seen(&reply));
    }

    assert_eq!(answers.len(), 1, "{answers:#?}");
}

/// A user who is disabled gets no mail, and a code from before signs in no more.
#[tokio::test]
async fn a_disabled_user_gets_no_mail_and_no_session() {
    on_every_database(async |world| {
        world.sign_in(&world.native(), ADA).await;
        world.advance(Span::seconds(30));
        let code = code_for(&world, &world.native(), ADA).await;
        disable(&world, ADA).await;
        world.mailbox().clear();

        world.advance(Span::seconds(30));
        ask(&world.native(), ADA).await.created();

        assert_eq!(world.inbox(ADA).await.messages(), []);
        show(&world.native(), ADA, &code)
            .await
            .problem(401, "invalid_code");
        assert_eq!(
            read::<i64>(
                &world,
                "select count(*) from events where kind = 'authn_login_success'"
            ),
            1
        );
    })
    .await;
}

/// Item 94: a thousand addresses that someone typed are nobody's account.
#[tokio::test]
async fn nothing_exists_before_an_address_is_proved() {
    let world = World::with(|config| {
        config.limits.network_quarter = 0;
        config.limits.network_hour = 0;
    })
    .await;
    let native = world.native();

    for number in 0..1000 {
        let address = format!("user{number}@example.com");
        ask(&native, &address).await.created();
    }

    for table in ["users", "user_emails", "user_roles", "sessions", "passkeys"] {
        let rows: i64 = read(&world, &format!("select count(*) from {table}"));
        assert_eq!(rows, 0, "{table}");
    }
    assert_eq!(read::<i64>(&world, "select count(*) from codes"), 1000);
}

/// Item 94: what was attached to an account before its address was proved is dropped by the first proof.
#[tokio::test]
async fn the_first_proof_drops_what_was_there_before() {
    let world = World::new().await;
    let (squatter, mut authenticator) = (world.native(), Authenticator::new(1));
    world.sign_in(&squatter, ADA).await;
    world.add_passkey(&squatter, &mut authenticator).await;
    // As an import from elsewhere leaves it: an account with sessions and passkeys, whose address nobody has proved.
    world.change("update user_emails set verified_at = null");
    let world = world.restarted().await;
    let token = squatter.token();
    let squatter = world.native();
    squatter.set_token(token.as_deref());
    let before = squatter.get("/auth/sessions/current").await.ok();
    assert_eq!(before["user"]["emailVerified"], false);

    let owner = world.native();
    let signed_in = world.sign_in(&owner, ADA).await.created();

    assert_eq!(signed_in["user"]["id"], before["user"]["id"]);
    squatter
        .get("/auth/sessions/current")
        .await
        .problem(401, "unauthenticated");
    world
        .sign_in_with_passkey(&world.native(), &mut authenticator)
        .await
        .problem(401, "unknown_credential");
    assert_eq!(owner.get("/auth/passkeys").await.ok(), json!([]));
    let sessions = owner.get("/auth/sessions/").await.ok();
    assert_eq!(sessions.as_array().unwrap().len(), 1);
}

/// Item 95: known and unknown addresses run out of everything at the same request.
#[tokio::test]
async fn limits_do_not_know_who_has_an_account() {
    let world = World::new().await;
    world.sign_in(&world.native(), ADA).await;
    world.advance(Span::days(1));

    let mut seen_by = Vec::new();
    for (address, ip) in [(ADA, "192.0.2.1"), ("nobody@example.com", "192.0.2.2")] {
        let caller = world.native().from(ip);
        let mut answers = Vec::new();
        for _ in 0..12 {
            let reply = ask(&caller, address).await;
            answers.push((
                reply.status().as_u16(),
                reply.header("retry-after").to_owned(),
            ));
            world.advance(Span::seconds(30));
        }
        for number in 0..120 {
            let reply = show(&caller, address, &format!("{number:08}")).await;
            answers.push((
                reply.status().as_u16(),
                reply.header("retry-after").to_owned(),
            ));
        }
        seen_by.push(answers);
    }

    let limited = seen_by[0].iter().filter(|(status, _)| *status == 429);
    assert_eq!(limited.count(), 6 + 20);
    assert_eq!(seen_by[0], seen_by[1]);
}

// ── Budgets ─────────────────────────────────────────────────────────────────

/// Asks at each of these seconds; the seconds to wait, where the answer was no.
async fn waits(world: &World, caller: &Caller, at: &[i64]) -> Vec<Option<i64>> {
    let mut waits = Vec::new();
    let mut elapsed = 0;
    for second in at {
        world.advance(Span::seconds(second - elapsed));
        elapsed = *second;
        let reply = ask(caller, ADA).await;
        waits.push((reply.status() == 429).then(|| reply.json()["retryAfter"].as_i64().unwrap()));
    }
    waits
}

/// Item 98: one in 30 s; five in a row, earned back at five in 15 minutes.
#[tokio::test]
async fn an_address_gets_five_codes_and_then_one_every_three_minutes() {
    on_every_database(async |world| {
        let at = [0, 29, 30, 60, 90, 120, 150, 179, 180, 210, 359, 360];

        let waits = waits(&world, &world.native(), &at).await;

        let no = Some;
        assert_eq!(
            waits,
            [
                None,
                no(1),
                None,
                None,
                None,
                None,
                no(30),
                no(1),
                None,
                no(150),
                no(1),
                None
            ]
        );
    })
    .await;
}

/// Item 98: ten, earned back at ten an hour; twenty, earned back at twenty a day.
#[tokio::test]
async fn an_address_has_budgets_of_an_hour_and_of_a_day() {
    for (hour, day, expected) in [(10, 0, 360), (0, 20, 4320)] {
        let world = World::with(|config| {
            without_address_limits(config);
            config.limits.address_hour = hour;
            config.limits.address_day = day;
        })
        .await;
        let native = world.native();

        for _ in 0..hour + day {
            ask(&native, ADA).await.created();
        }

        let limited = ask(&native, ADA).await;
        limited.problem(429, "rate_limited");
        assert_eq!(limited.json()["retryAfter"], expected);
        world.advance(Span::seconds(expected));
        ask(&native, ADA).await.created();
        ask(&native, ADA).await.problem(429, "rate_limited");
    }
}

/// Item 98: all four budgets hold at once, by default: a day of asking as often as it works.
#[tokio::test]
async fn the_default_budgets_of_an_address_hold_together() {
    let world = World::new().await;
    let native = world.native();
    let (mut elapsed, mut sent) = (0, Vec::new());

    while elapsed < 24 * 3600 {
        let reply = ask(&native, ADA).await;
        let wait = if reply.status() == 429 {
            reply.json()["retryAfter"].as_i64().unwrap()
        } else {
            reply.created();
            sent.push(elapsed);
            1
        };
        world.advance(Span::seconds(wait));
        elapsed += wait;
    }

    let within = |span: i64| {
        let from = |start: &i64| {
            let end = start + span;
            sent.iter().filter(|at| (*start..end).contains(*at)).count()
        };
        sent.iter().map(from).max().unwrap()
    };
    // A full budget, and what is earned back meanwhile.
    assert_eq!(within(30), 1);
    assert!(within(15 * 60) < 2 * 5, "{sent:?}");
    assert!(within(3600) < 2 * 10, "{sent:?}");
    assert!(within(24 * 3600) < 2 * 20, "{sent:?}");
}

/// Item 98: whoever spends an address's budget keeps no device out that has signed in before.
#[tokio::test]
async fn a_known_device_has_a_budget_of_its_own() {
    on_every_database(async |world| {
        let (known, stranger) = (world.browser(), world.browser().from("203.0.113.9"));
        world.sign_in(&known, ADA).await;
        known.delete("/auth/sessions").await.no_content();
        world.advance(Span::days(1));
        for _ in 0..5 {
            ask(&stranger, ADA).await.created();
            world.advance(Span::seconds(30));
        }
        ask(&stranger, ADA).await.problem(429, "rate_limited");

        for _ in 0..5 {
            let code = code_for(&world, &known, ADA).await;
            assert_eq!(code.len(), 8);
            world.advance(Span::seconds(30));
        }

        ask(&known, ADA).await.problem(429, "rate_limited");
        ask(&known, GRACE).await.created();
    })
    .await;
}

/// Item 98: a network's budgets, with and without their defaults.
#[tokio::test]
async fn a_network_may_ask_sixty_times_in_a_quarter_of_an_hour() {
    for (configured, expected) in [(None, 60), (Some(7), 7)] {
        let world = World::with(|config| {
            if let Some(count) = configured {
                config.limits.network_quarter = count;
            }
        })
        .await;
        let (office, home) = (
            world.native().from("192.0.2.1"),
            world.native().from("192.0.2.2"),
        );

        for number in 0..expected {
            ask(&office, &format!("user{number}@example.com"))
                .await
                .created();
        }

        ask(&office, GRACE).await.problem(429, "rate_limited");
        ask(&home, GRACE).await.created();
        world.advance(Span::seconds(15 * 60 / i64::from(expected) + 1));
        ask(&office, ADA).await.created();
    }
}

/// Item 99: every spelling of a network is one network.
#[tokio::test]
async fn all_spellings_of_a_network_share_its_budget() {
    for spellings in [
        ["192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201"],
        [
            "2001:db8::1",
            "2001:0db8:0000:0000:0000:0000:0000:0001",
            "2001:db8:0:0:ffff:ffff:ffff:ffff",
        ],
    ] {
        let world = World::new().await;

        for number in 0..60 {
            let caller = world.native().from(spellings[number % 3]);
            ask(&caller, &format!("user{number}@example.com"))
                .await
                .created();
        }

        for spelling in spellings {
            ask(&world.native().from(spelling), ADA)
                .await
                .problem(429, "rate_limited");
        }
        ask(&world.native().from("2001:db8:0:1::1"), ADA)
            .await
            .created();
    }
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Item 101: a spray makes the codes of new devices long, raises one alarm, and locks nobody out.
#[tokio::test]
async fn a_spray_makes_codes_long_for_devices_that_are_new() {
    let alarms = Log::default();
    let writer = alarms.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::ERROR)
        .with_writer(move || writer.clone())
        .finish();
    let _collecting = tracing::subscriber::set_default(subscriber);
    let world = World::with(|config| config.limits.brake = 100).await;
    let known = world.browser();
    world.sign_in(&known, ADA).await;
    world.advance(Span::seconds(30));

    for number in 0..101 {
        let bot = world.native().from(&format!("203.0.113.{number}"));
        guess_in_vain(&bot, &format!("user{number}@example.com"), 1).await;
    }

    let long = code_for(&world, &world.browser(), GRACE).await;
    assert_eq!(long.len(), 13);
    assert_eq!(code_for(&world, &known, ADA).await.len(), 8);
    world.advance(Span::seconds(30));
    world.sign_in(&world.browser(), GRACE).await.created();
    let told = String::from_utf8(alarms.0.lock().unwrap().clone()).unwrap();
    assert_eq!(told.matches("ERROR").count(), 1, "{told}");
    world.advance(Span::hours(2));
    assert_eq!(code_for(&world, &world.browser(), GRACE).await.len(), 8);
}

/// Item 102: a network over its budget costs no statement, and is told when to come back.
#[tokio::test]
async fn refusing_a_network_costs_no_statement() {
    let world = World::new().await;
    let (asking, guessing) = (
        world.native().from("192.0.2.1"),
        world.native().from("192.0.2.2"),
    );
    for number in 0..60 {
        ask(&asking, &format!("user{number}@example.com"))
            .await
            .created();
    }
    guess_in_vain(&guessing, ADA, 100).await;

    let before = world.statements();
    for number in 0..50 {
        let asked = ask(&asking, &format!("other{number}@example.com")).await;
        let guessed = show(&guessing, ADA, "12345678").await;
        for reply in [asked, guessed] {
            reply.problem(429, "rate_limited");
            let wait = reply.json()["retryAfter"].as_i64().unwrap();
            assert!(wait > 0);
            assert_eq!(reply.header("retry-after"), wait.to_string());
        }
    }

    assert_eq!(world.statements(), before);
}

/// Item 102: an address over its budget is told when to come back, and then is served.
#[tokio::test]
async fn a_refused_address_is_told_when_to_come_back() {
    on_every_database(async |world| {
        let native = world.native();
        ask(&native, ADA).await.created();
        world.advance(Span::millis(10_001));

        let refused = ask(&native, ADA).await;

        refused.problem(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "20");
        world.advance(Span::seconds(20));
        ask(&native, ADA).await.created();
    })
    .await;
}

/// Item 103: tries, failures and budgets are those of before the restart.
#[tokio::test]
async fn a_restart_forgets_no_count() {
    on_every_database(async |world| {
        let code = code_for(&world, &world.native(), ADA).await;

        let mut world = world;
        for number in 1..=5 {
            show(&world.native(), ADA, &wrong(&code, number))
                .await
                .problem(401, "invalid_code");
            world = world.restarted().await;
        }

        assert_eq!(failures(&world), 5);
        show(&world.native(), ADA, &code)
            .await
            .problem(401, "invalid_code");
        ask(&world.native(), ADA).await.problem(429, "rate_limited");
        for _ in 0..4 {
            world = world.restarted().await;
            guess_in_vain(&world.native(), ADA, 1).await;
        }
        world.advance(Span::seconds(30));
        assert_eq!(code_for(&world, &world.native(), ADA).await.len(), 13);
    })
    .await;
}

/// A request that no browser of ours sends is refused before anything is counted.
#[tokio::test]
async fn another_sites_guess_counts_nothing() {
    on_every_database(async |world| {
        let ada = world.native();
        let code = code_for(&world, &ada, ADA).await;
        let forged: Request<Body> = {
            let body = Body::from(form(ADA, &wrong(&code, 1)).to_string());
            let mut request = ada.request(Method::POST, "/auth/sessions", body);
            let headers = request.headers_mut();
            headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
            headers.insert("sec-fetch-site", "cross-site".parse().unwrap());
            headers.insert(header::ORIGIN, "https://evil.example".parse().unwrap());
            request
        };

        let refused = ada.send(forged).await;

        refused.problem(403, "cross_origin");
        assert_eq!((tries_left(&world), failures(&world)), (5, 0));
    })
    .await;
}

mod sqlite_files {
    use super::*;

    /// Item 9: nor does a database count that someone else holds for too long.
    #[tokio::test]
    async fn a_database_that_is_held_is_nobodys_wrong_code() {
        let world = World::new().await;
        let code = code_for(&world, &world.native(), ADA).await;

        let other = rusqlite::Connection::open(world.database()).unwrap();
        other.execute_batch("begin immediate").unwrap();
        let failed = show(&world.native(), ADA, &code).await;
        other.execute_batch("rollback").unwrap();

        failed.problem(503, "unavailable");
        assert_eq!((tries_left(&world), failures(&world)), (5, 0));
        show(&world.native(), ADA, &code).await.created();
    }
}
