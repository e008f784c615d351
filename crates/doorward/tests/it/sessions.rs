//! The current session: who it says is signed in, how it is renewed by another sign-in, and how it ends.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use doorward::{
    Span,
    testing::{Authenticator, Caller, Fault, World, on_every_database},
};
use http::StatusCode;
use serde_json::json;

const COOKIE: &str = "__Host-doorward_session";
const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

/// The whole contract of the question that pages poll.
#[tokio::test]
async fn the_current_session_answers_200_204_or_401() {
    on_every_database(async |world| {
        let browser = world.browser();
        let nobody = browser.get("/auth/sessions/current").await;
        nobody.no_content();
        assert!(nobody.cookies().is_empty(), "nothing to clear");

        world.sign_in(&browser, ADA).await;
        let current = browser.get("/auth/sessions/current").await.ok();
        assert_eq!(current["user"]["email"], ADA);
        assert_eq!(current["session"]["current"], true);

        let stale = world.browser();
        stale.set_cookie(COOKIE, &browser.cookie(COOKIE).unwrap());
        browser.delete("/auth/sessions/").await.no_content();
        let answer = stale.get("/auth/sessions/current").await;
        answer.no_content();
        assert_eq!(answer.cookies().len(), 1, "the stale cookie is cleared");
        assert_eq!(stale.cookie(COOKIE), None);

        let bearer = world.native();
        bearer.set_token(Some("dw_bad"));
        let refused = bearer.get("/auth/sessions/current").await;
        refused.problem(401, "unauthenticated");
        assert_eq!(refused.header("www-authenticate"), "Bearer");
        assert!(refused.cookies().is_empty());
    })
    .await;
}

/// Items 62, 69: signing in again keeps the session, and proves and secures it anew.
#[tokio::test]
async fn signing_in_again_keeps_the_session_and_changes_its_token() {
    on_every_database(async |world| {
        let ada = world.native();
        let first = world.sign_in(&ada, ADA).await.json();
        let old = world.native();
        old.set_token(ada.token().as_deref());
        world.advance(Span::minutes(11));
        ada.post("/auth/passkeys/register/options", ())
            .await
            .problem(403, "reauth_required");

        let second = world.sign_in(&ada, ADA).await.json();

        assert_eq!(second["session"]["id"], first["session"]["id"]);
        assert_eq!(
            second["session"]["createdAt"],
            first["session"]["createdAt"]
        );
        assert_eq!(
            second["session"]["authenticatedAt"],
            "2026-11-01T12:11:00.000Z"
        );
        assert_ne!(second["token"], first["token"]);
        old.get("/auth/sessions/")
            .await
            .problem(401, "unauthenticated");
        ada.post("/auth/passkeys/register/options", ()).await.ok();
        assert_eq!(
            ada.get("/auth/sessions/")
                .await
                .ok()
                .as_array()
                .unwrap()
                .len(),
            1
        );
    })
    .await;
}

/// Item 62: the same with a passkey, through both of its doors.
#[tokio::test]
async fn a_passkey_changes_the_token_of_the_session_it_continues() {
    let world = World::new().await;
    let ada = world.native();
    let mut authenticator = Authenticator::new(1);
    let id = world.sign_in(&ada, ADA).await.json()["session"]["id"].clone();
    world.add_passkey(&ada, &mut authenticator).await;
    for door in ["/auth/passkeys/authenticate/verify", "/auth/sessions/"] {
        let old = world.native();
        old.set_token(ada.token().as_deref());
        let options = ada
            .post("/auth/passkeys/authenticate/options", ())
            .await
            .ok();
        let assertion = authenticator.get(&options, doorward::testing::ORIGIN);
        let body = if door.ends_with("verify") {
            assertion
        } else {
            serde_json::json!({ "method": "passkey", "email": ADA, "token": assertion.to_string() })
        };

        let signed_in = ada.post(door, body).await.created();

        assert_eq!(signed_in["session"]["id"], id);
        assert_eq!(signed_in["session"]["method"], "passkey");
        assert_ne!(ada.token(), old.token());
        old.get("/auth/sessions/")
            .await
            .problem(401, "unauthenticated");
    }
}

/// Item 62: a value that was planted before the sign-in is not adopted.
#[tokio::test]
async fn a_planted_cookie_is_replaced_and_stays_worthless() {
    let world = World::new().await;
    let (attacker, victim) = (world.browser(), world.browser());
    world.sign_in(&attacker, BOB).await;
    let planted = [
        format!("dw_{}", "7".repeat(70)),
        "chosen-by-a-stranger".to_owned(),
        attacker.cookie(COOKIE).unwrap(),
    ];
    for value in planted {
        victim.set_cookie(COOKIE, &value);

        world.sign_in(&victim, ADA).await;

        assert_ne!(victim.cookie(COOKIE).unwrap(), value);
        let holder = world.browser();
        holder.set_cookie(COOKIE, &value);
        holder
            .get("/auth/sessions/")
            .await
            .problem(401, "unauthenticated");
        assert_eq!(victim.get("/auth/me").await.ok()["email"], ADA);
    }
}

/// Items 62, 69: a sign-in as someone else ends the session that was presented, and never makes it fresh.
#[tokio::test]
async fn signing_in_as_someone_else_ends_the_session_that_was_presented() {
    on_every_database(async |world| {
        let caller = world.native();
        let ada = world.sign_in(&caller, ADA).await.json();
        let old = world.native();
        old.set_token(caller.token().as_deref());
        world.advance(Span::minutes(11));

        let bob = world.sign_in(&caller, BOB).await.json();

        assert_ne!(bob["session"]["id"], ada["session"]["id"]);
        assert_eq!(caller.get("/auth/me").await.ok()["email"], BOB);
        old.get("/auth/sessions/")
            .await
            .problem(401, "unauthenticated");
        old.post("/auth/passkeys/register/options", ())
            .await
            .problem(401, "unauthenticated");
        let again = world.native();
        world.sign_in(&again, ADA).await;
        let listed = again.get("/auth/sessions/").await.ok();
        assert_eq!(listed.as_array().unwrap().len(), 1, "the old one is gone");
    })
    .await;
}

/// Item 75: signing out clears the cookie with the attributes it was set with, also when there is none.
#[tokio::test]
async fn signing_out_clears_the_cookie_just_as_it_was_set() {
    let secure = World::new().await;
    let local = World::with(|config| config.public_url = "http://localhost:8700".into()).await;
    let cleared = [
        (
            &secure,
            "__Host-doorward_session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0",
        ),
        (
            &local,
            "doorward_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0",
        ),
    ];
    for (world, cookie) in cleared {
        let browser = world.browser();
        for path in ["/auth/sessions/", "/auth/sessions/all", "/auth/me"] {
            world.sign_in(&browser, ADA).await;
            let out = browser.delete(path).await;
            out.no_content();
            assert_eq!(out.cookies(), [cookie], "{path}");
        }
        let out = browser.delete("/auth/sessions").await;
        out.no_content();
        assert_eq!(out.cookies(), [cookie], "without a session as well");
    }
}

/// Item 75: a refusal never sets a session cookie.
#[tokio::test]
async fn a_401_sets_no_session_cookie() {
    let world = World::new().await;
    let callers = [
        world.native(),
        world.browser(),
        world.native(),
        world.browser(),
    ];
    callers[2].set_token(Some("dw_bad"));
    callers[3].set_cookie(COOKIE, "dw_bad");
    let mut refused = 0;
    for caller in callers {
        for (method, path) in crate::openapi::OPERATIONS {
            let path = path.replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA");
            let body = serde_json::json!({ "email": ADA, "method": "otp", "token": "00000000", "name": "x" });
            let mut request =
                caller.request(method.parse().unwrap(), &path, body.to_string().into());
            let json = http::HeaderValue::from_static("application/json");
            request
                .headers_mut()
                .insert(http::header::CONTENT_TYPE, json);
            let reply = caller.send(request).await;
            if reply.status() == StatusCode::UNAUTHORIZED {
                refused += 1;
                assert!(
                    !reply
                        .cookies()
                        .iter()
                        .any(|cookie| cookie.contains("session")),
                    "{method} {path}"
                );
            }
        }
    }
    assert!(refused > 50, "{refused}");
}

/// A sign-out of someone who is not signed in is none.
#[tokio::test]
async fn signing_out_without_a_session_is_no_error() {
    let world = World::new().await;
    let bad = world.native();
    bad.set_token(Some("dw_bad"));
    for caller in [world.native(), world.browser(), bad] {
        caller.delete("/auth/sessions/").await.no_content();
    }
}

/// Item 61: a check of a session that memory knows costs nothing, of whatever operation it is part.
#[tokio::test]
async fn a_check_that_memory_can_answer_runs_no_statement() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, ADA).await;
    browser.get("/auth/me").await.ok();
    let before = world.statements();

    for path in [
        "/auth/me",
        "/auth/sessions/current",
        "/auth/sessions/current/permissions",
    ] {
        browser.get(path).await.ok();
    }

    assert_eq!(world.statements(), before);
}

/// Keeps asking with a token, from many tasks, while `end` ends its session; no success may have begun after `end` was
/// acknowledged.
async fn storm(world: &World, victim: Arc<Caller>, end: impl Future<Output = ()>) {
    victim.get("/auth/sessions/").await.ok();
    let (acknowledged, successes) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..50 {
        let (victim, acknowledged, successes) = (
            Arc::clone(&victim),
            Arc::clone(&acknowledged),
            Arc::clone(&successes),
        );
        let path = [
            "/auth/me",
            "/auth/sessions/",
            "/auth/sessions/current/permissions",
        ][task % 3];
        tasks.spawn(async move {
            let mut late = 0;
            while late < 5 {
                let began_late = acknowledged.load(Ordering::SeqCst);
                let status = victim.get(path).await.status();
                late += u32::from(began_late);
                if status == StatusCode::OK {
                    successes.fetch_add(1, Ordering::SeqCst);
                    assert!(
                        !began_late,
                        "accepted after the session's end was acknowledged"
                    );
                } else {
                    assert_eq!(status, StatusCode::UNAUTHORIZED);
                }
                tokio::task::yield_now().await;
            }
        });
    }
    while successes.load(Ordering::SeqCst) < 100 {
        tokio::task::yield_now().await;
    }
    end.await;
    acknowledged.store(true, Ordering::SeqCst);
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert_eq!(world.panics(), 0);
}

/// Item 65: every way in which a session can end holds against requests that are under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_that_starts_after_the_end_of_a_session_is_accepted() {
    let world = World::new().await;
    let owner = world.native();
    world.sign_in(&owner, ADA).await;
    for way in ["one", "others", "own", "all", "again"] {
        let victim = world.native();
        let signed_in = world.sign_in(&victim, ADA).await.json();
        let id = signed_in["session"]["id"].as_str().unwrap().to_owned();
        let victim = Arc::new(victim);
        let same = world.native();
        same.set_token(victim.token().as_deref());
        storm(&world, Arc::clone(&victim), async {
            match way {
                "one" => owner
                    .delete(&format!("/auth/sessions/{id}"))
                    .await
                    .no_content(),
                "others" => owner.delete("/auth/sessions/others").await.no_content(),
                "own" => same.delete("/auth/sessions/").await.no_content(),
                "all" => owner.delete("/auth/sessions/all").await.no_content(),
                _ => drop(world.sign_in(&same, ADA).await),
            }
        })
        .await;
        if way == "all" {
            owner.get("/auth/me").await.problem(401, "unauthenticated");
            world.sign_in(&owner, ADA).await;
        }
    }
}

/// Item 65: what the command line ends beside a running server is ended there at its next look, four times a second.
#[tokio::test]
async fn a_session_that_is_ended_beside_the_server_ends_there_at_its_next_look() {
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, ADA).await;
    ada.get("/auth/me").await.ok();

    sign_out_beside(&world, ADA).await;
    world.notice_outside_changes().await;

    ada.get("/auth/me").await.problem(401, "unauthenticated");
}

/// Item 65: a server that was stopped in its tracks has not looked, and looks before it answers from memory again.
#[tokio::test]
async fn a_server_that_has_not_looked_for_a_second_looks_before_it_lets_anyone_in() {
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, ADA).await;
    ada.get("/auth/me").await.ok();

    sign_out_beside(&world, ADA).await;
    world.advance(Span::seconds(1));

    ada.get("/auth/me").await.problem(401, "unauthenticated");
}

/// Signs someone out everywhere, as the command line does beside a running server.
async fn sign_out_beside(world: &World, address: &str) {
    let beside = doorward::Doorward::builder(world.doorward().config().clone())
        .clock(world.clock().clone())
        .beside_a_server()
        .open()
        .await
        .unwrap();
    let user = world.user(address).await;
    doorward::users::sign_out_everywhere(&beside, &user, None, &doorward::Client::command_line())
        .await
        .unwrap();
}

/// An end is committed a moment before the server hears of it. Whoever was refused in that moment, because memory did not
/// know enough of the session and the database was asked, is not let in by what memory is told next.
#[tokio::test]
async fn nobody_who_was_refused_is_let_in_afterwards() {
    let world = World::new().await;
    let (ended, other) = (world.native(), world.native());
    for device in [&ended, &other] {
        world.sign_in(device, ADA).await;
        device.get("/auth/me").await.ok();
        world.advance(Span::minutes(11));
    }

    // Who the person is has to be read again. The session ends where nobody is told of it.
    other
        .patch("/auth/me", json!({ "firstName": "Ada" }))
        .await
        .ok();
    world.notice_outside_changes().await;
    let first = "select min(created_at) from sessions";
    let ended_rows = world.change(&format!(
        "delete from sessions where created_at = ({first})"
    ));
    assert_eq!(ended_rows, 1);

    ended.get("/auth/me").await.problem(401, "unauthenticated");
    other.get("/auth/me").await.ok();
    ended.get("/auth/me").await.problem(401, "unauthenticated");
}

mod sqlite_files {
    use super::*;

    /// Item 65: a server that cannot look for what was changed beside it does not believe its memory for long.
    #[tokio::test]
    async fn a_server_that_cannot_look_lets_nobody_in() {
        let world = World::new().await;
        let ada = world.native();
        world.sign_in(&ada, ADA).await;
        ada.get("/auth/me").await.ok();
        world.faults().arm("'outside_changes'", Fault::Unavailable);

        ada.get("/auth/me").await.ok();
        world.advance(Span::seconds(1));
        ada.get("/auth/me").await.problem(503, "unavailable");

        world.faults().clear();
        ada.get("/auth/me").await.ok();
    }
}
