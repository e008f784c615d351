//! Several servers on one database: what one of them ends, the others refuse within bounds.

use doorward::{
    Client, Clock, Span,
    config::Config,
    testing::{Authenticator, Caller, Fault, MailServer, World},
    users,
};
use futures_util::FutureExt;
use serde_json::json;

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

/// Two servers of one database, each with a memory of its own.
async fn two(configure: impl FnOnce(&mut Config)) -> (World, World) {
    let one = World::with(configure).await;
    let other = one.beside().await;
    (one, other)
}

/// Who is signed in here, at another server.
fn same_at(world: &World, caller: &Caller) -> Caller {
    let there = world.native();
    there.set_token(caller.token().as_deref());
    there
}

/// Ada, who signs in at one server, and the same at the other.
async fn ada_at_both(here: &World, there: &World) -> (Caller, Caller) {
    let ada = here.native();
    here.sign_in(&ada, ADA).await;
    let same = same_at(there, &ada);
    (ada, same)
}

/// Has the server know how far the log is, and who this is.
async fn remember(world: &World, caller: &Caller) {
    world.notice_outside_changes().await;
    caller.get("/auth/me").await.ok();
}

/// Whether the server remembers who this is, and so does not ask the database.
async fn is_remembered(world: &World, caller: &Caller) -> bool {
    let before = world.statements();
    caller.get("/auth/me").await.ok();
    world.statements() == before
}

fn metric(world: &World, name: &str) -> u64 {
    let text = world.doorward().metrics_text();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name} in {text}"))
        .trim()
        .parse()
        .unwrap()
}

/// Items 65, 67: what ends or changes at one server is known to the other after its next look into the log, and after a lease
/// at the latest, when it looks before it answers.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn what_changes_at_one_server_is_known_to_the_others() {
    let (here, there) = two(|_| {}).await;
    let admin = Client::command_line();
    for (who, looks) in [(ADA, true), (BOB, false)] {
        let person = here.native();
        for what in ["sign out", "everywhere", "disable", "rename", "grant"] {
            here.sign_in(&person, who).await;
            let user = here.user(who).await;
            let same = same_at(&there, &person);
            remember(&there, &same).await;
            assert!(is_remembered(&there, &same).await, "{what}");
            let dropped = metric(&there, "doorward_shards_dropped_total");

            match what {
                "sign out" => person.delete("/auth/sessions/").await.no_content(),
                "everywhere" => users::sign_out_everywhere(here.doorward(), &user, None, &admin)
                    .await
                    .unwrap(),
                "disable" => {
                    let disabled = users::disable(here.doorward(), &user, None, &admin);
                    assert!(disabled.await.unwrap());
                }
                "rename" => {
                    let name = json!({ "firstName": "Ada" });
                    person.patch("/auth/me", name).await.ok();
                }
                _ => here.grant(who, "admin").await,
            }
            assert!(
                is_remembered(&there, &same).await,
                "{what}: within the lease"
            );
            if looks {
                there.notice_outside_changes().await;
            } else {
                here.advance(Span::seconds(1));
            }

            let me = same.get("/auth/me").await;
            match what {
                "rename" => {
                    assert_eq!(me.ok()["firstName"], "Ada");
                }
                "grant" => {
                    me.ok();
                    let permissions = same.get("/auth/sessions/current/permissions").await.ok();
                    assert_eq!(permissions["roles"], json!(["admin", "user"]));
                }
                _ => me.problem(401, "unauthenticated"),
            }
            let drops = metric(&there, "doorward_shards_dropped_total") - dropped;
            assert_eq!(drops, 0, "{what}: only what has changed is forgotten");
            if what == "disable" {
                users::enable(here.doorward(), &user, None, &admin)
                    .await
                    .unwrap();
            }
        }
    }
}

/// A server that does not reach the database goes on up to the ceiling, and then declines; nobody is signed out by that.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_server_that_is_cut_off_declines_at_the_ceiling() {
    let (here, there) = two(|_| {}).await;
    let (ada, same) = ada_at_both(&here, &there).await;
    remember(&there, &same).await;
    ada.delete("/auth/sessions/").await.no_content();
    there.faults().arm("", Fault::Unavailable);

    here.advance(Span::millis(29_999));
    same.get("/auth/me").await.ok();
    assert_eq!(metric(&there, "doorward_stale_checks_total"), 1);
    here.advance(Span::millis(1));
    for path in ["/auth/me", "/auth/sessions/current"] {
        let declined = same.get(path).await;
        declined.problem(503, "unavailable");
        assert_eq!(declined.header("retry-after"), "1");
    }

    there.faults().clear();
    same.get("/auth/me").await.problem(401, "unauthenticated");
}

/// A server that gets no lease any more, though the database answers, is taken out by whoever asks whether it is ready.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_server_without_a_lease_is_not_ready_beyond_the_ceiling() {
    let (here, there) = two(|_| {}).await;
    let (_, same) = ada_at_both(&here, &there).await;
    remember(&there, &same).await;
    let ready = async || there.native().get("/readyz").await;
    there.faults().arm("node_leases", Fault::Unavailable);

    here.advance(Span::millis(29_999));
    ready().await.ok();
    here.advance(Span::millis(1));
    ready().await.problem(503, "unavailable");
    same.get("/auth/me").await.problem(503, "unavailable");

    there.faults().clear();
    ready().await.ok();
}

/// `strict`: a server that does not reach the database declines when its lease is over.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_strict_server_that_is_cut_off_declines_at_once() {
    let (here, there) = two(|config| config.database.strict = true).await;
    let (_, same) = ada_at_both(&here, &there).await;
    remember(&there, &same).await;
    there.faults().arm("", Fault::Unavailable);

    here.advance(Span::millis(999));
    same.get("/auth/me").await.ok();
    here.advance(Span::millis(1));
    same.get("/auth/me").await.problem(503, "unavailable");

    there.faults().clear();
    same.get("/auth/me").await.ok();
}

/// `strict` with `wait_for_leases`: an end is acknowledged when no server can accept the session any more, so there is no time
/// in which it is accepted after that.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn an_end_that_waits_is_acknowledged_when_no_lease_outlives_it() {
    let (here, there) = two(|config| {
        config.database.strict = true;
        config.database.wait_for_leases = true;
    })
    .await;
    let (ada, same) = ada_at_both(&here, &there).await;
    remember(&there, &same).await;

    let mut end = Box::pin(ada.delete("/auth/sessions/"));
    while here.value::<i64>("select count(*) from sessions") == 1 {
        assert!((&mut end).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    for _ in 0..20 {
        assert!(
            (&mut end).now_or_never().is_none(),
            "committed, and not acknowledged"
        );
        tokio::task::yield_now().await;
    }
    // The other may have polled just before the commit, and believes what it remembers for as long as that allows.
    assert!(is_remembered(&there, &same).await);
    here.advance(Span::seconds(1));
    end.await.no_content();

    same.get("/auth/me").await.problem(401, "unauthenticated");
}

/// A server that was away for longer than the log is kept forgets all it knew, and goes on.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_server_that_was_away_for_too_long_starts_anew() {
    let (here, there) = two(|_| {}).await;
    let (ada, bob) = (here.native(), here.native());
    here.sign_in(&ada, ADA).await;
    here.sign_in(&bob, BOB).await;
    let (ada_there, bob_there) = (same_at(&there, &ada), same_at(&there, &bob));
    remember(&there, &ada_there).await;
    let dropped = metric(&there, "doorward_shards_dropped_total");

    let user = here.user(ADA).await;
    ada.delete("/auth/sessions/").await.no_content();
    here.advance(Span::hours(2));
    // The next row of the same shard, so that the first is not the newest, and goes.
    users::sign_out_everywhere(here.doorward(), &user, None, &Client::command_line())
        .await
        .unwrap();
    here.sweep().await;

    ada_there
        .get("/auth/me")
        .await
        .problem(401, "unauthenticated");
    bob_there.get("/auth/me").await.ok();
    assert_eq!(metric(&there, "doorward_shards_dropped_total"), dropped + 1);
    let named: i64 = here.value("select count(*) from invalidations where kind <> 3");
    assert_eq!(named, 1, "of the old rows nothing is left");
    here.advance(Span::hours(2));
    there.notice_outside_changes().await;
    here.sweep().await;
    let servers: i64 = here.value("select count(*) from node_leases");
    assert_eq!(servers, 1, "the others have not asked for two hours");
}

/// Before a server answers that a session is unknown, it asks in a transaction that writes: a primary that was cut off and
/// replaced still answers reads, and would sign out whoever it has not heard of.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn an_unknown_session_is_looked_for_where_commits_are_confirmed() {
    let (here, there) = two(|_| {}).await;
    let (ada, same) = ada_at_both(&here, &there).await;
    ada.delete("/auth/sessions/").await.no_content();

    let before = confirmed(&here);
    same.get("/auth/me").await.problem(401, "unauthenticated");

    assert_eq!(metric(&there, "doorward_strict_reads_total"), 1);
    assert_eq!(confirmed(&here), before + 1);
}

/// How many commits were to be confirmed: each leaves an attempt.
fn confirmed(world: &World) -> i64 {
    world.value("select count(*) from attempts")
}

/// A server that was left with an old database must not say that a session is over of which it knows nothing.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn that_there_is_nothing_to_end_is_confirmed() {
    let (here, there) = two(|_| {}).await;
    let (ada, same) = ada_at_both(&here, &there).await;
    let bob = here.sign_in(&here.native(), BOB).await.json();
    let bobs = bob["session"]["id"].as_str().unwrap();
    for path in ["others", bobs] {
        let before = confirmed(&here);
        let reply = ada.delete(&format!("/auth/sessions/{path}")).await;
        assert!(reply.status().is_success(), "{reply:?}");
        assert_eq!(confirmed(&here), before + 1, "{path}");
    }

    // Its own, which has ended at another server since this one looked.
    remember(&there, &same).await;
    ada.delete("/auth/sessions/").await.no_content();
    let before = confirmed(&here);
    same.delete("/auth/sessions/").await.no_content();
    assert_eq!(confirmed(&here), before + 1, "own");
}

/// Whoever shows one ended session again and again does not keep the server from refusing others, who are to sign in again.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_token_that_is_refused_again_costs_nothing_for_a_second() {
    let (here, there) = two(|_| {}).await;
    let (ada, same) = ada_at_both(&here, &there).await;
    ada.delete("/auth/sessions/").await.no_content();
    let refused = async || same.get("/auth/me").await.problem(401, "unauthenticated");
    let strict_reads = || metric(&there, "doorward_strict_reads_total");

    futures_util::future::join_all((0..20).map(|_| refused())).await;
    assert_eq!(strict_reads(), 1, "at once");
    let statements = there.statements();
    refused().await;
    assert_eq!((strict_reads(), there.statements()), (1, statements));

    here.advance(Span::seconds(1));
    refused().await;
    assert_eq!(strict_reads(), 2);
}

/// Signing in again keeps the session and changes its token. A server that remembers the old one asks before it refuses
/// the new one, whose cookie it would delete.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_new_token_of_a_remembered_session_is_not_refused() {
    let (here, there) = two(|_| {}).await;
    let (ada, same) = ada_at_both(&here, &there).await;
    here.advance(Span::seconds(30));
    remember(&there, &same).await;

    here.sign_in(&ada, ADA).await;

    let again = same_at(&there, &ada);
    assert_ne!(again.token(), same.token());
    for path in ["/auth/me", "/auth/sessions/current"] {
        let answer = again.get(path).await;
        assert_eq!(answer.header("set-cookie"), "");
        answer.ok();
    }
}

/// Nobody erases an account with a session that has ended, though another server remembers it still.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn an_account_is_not_erased_from_memory() {
    let (here, there) = two(|_| {}).await;
    let (ada, same) = ada_at_both(&here, &there).await;
    remember(&there, &same).await;

    ada.delete("/auth/sessions/all").await.no_content();

    assert!(is_remembered(&there, &same).await);
    let refused = same.delete("/auth/me").await;
    refused.problem(401, "unauthenticated");
    assert_eq!(here.value::<i64>("select count(*) from users"), 1);
}

/// A server that starts with a clock that is behind leaves the mail of others to them.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_clock_that_is_behind_sends_nobody_elses_mail() {
    let here = World::new().await;
    let behind = Clock::manual(here.clock().now());
    here.advance(Span::seconds(2));
    let ask = json!({ "email": ADA });
    here.native().post("/auth/verify", ask).await.created();

    let there = here.restarted_by(behind).await;

    assert_eq!(there.inbox(ADA).await.messages(), []);
    assert_eq!(here.inbox(ADA).await.messages().len(), 1);
}

/// What is promised is told to whoever watches the server.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn the_guarantee_is_told() {
    for (strict, name) in [(false, "bounded"), (true, "strict")] {
        let world = World::with(|config| config.database.strict = strict).await;
        let ready = world.native().get("/readyz").await.ok();
        assert_eq!(
            ready,
            json!({ "status": "ok", "database": "postgresql", "revocation": name })
        );
        let text = world.doorward().metrics_text();
        assert!(text.contains("doorward_lease_age_seconds"), "{text}");
    }
}

/// Many checks that find the lease over share one poll.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn checks_share_a_poll() {
    let (here, there) = two(|_| {}).await;
    let (_, same) = ada_at_both(&here, &there).await;
    remember(&there, &same).await;
    here.advance(Span::seconds(2));
    let polls = metric(&there, "doorward_log_polls_total");
    let statements = there.statements();

    let checks = (0..50).map(|_| same.get("/auth/me").map(|reply| _ = reply.ok()));
    futures_util::future::join_all(checks).await;

    let polled = metric(&there, "doorward_log_polls_total") - polls;
    assert!((1..=2).contains(&polled), "{polled} polls for 50 checks");
    assert!(there.statements() - statements <= 2);
}

/// Items 2, 103: guesses at two servers count together.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn guesses_count_wherever_they_are_made() {
    let (here, there) = two(|_| {}).await;
    let (eve, mallory) = (here.native(), there.native());
    let ask = json!({ "email": ADA });
    eve.post("/auth/verify", ask).await.created();
    let code = here.inbox(ADA).await.code();
    let form = |token: &str| json!({ "method": "otp", "email": ADA, "token": token });
    let wrong = if code == "00000000" {
        "00000001"
    } else {
        "00000000"
    };

    let guesses = [&eve, &mallory, &eve, &mallory, &eve]
        .map(|caller| caller.post("/auth/sessions", form(wrong)));
    for reply in futures_util::future::join_all(guesses).await {
        reply.problem(401, "invalid_code");
    }

    for caller in [&eve, &mallory] {
        let reply = caller.post("/auth/sessions", form(&code)).await;
        reply.problem(401, "invalid_code");
    }
    let compares = here.code_compares() + there.code_compares();
    assert_eq!(compares, 5, "no sixth is compared");
}

/// Item 103: mail to an address is counted wherever it is asked for.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn mail_to_an_address_counts_wherever_it_is_asked_for() {
    let (here, there) = two(|_| {}).await;
    let ask = json!({ "email": ADA });
    here.native().post("/auth/verify", &ask).await.created();

    let refused = there.native().post("/auth/verify", &ask).await;

    refused.problem(429, "rate_limited");
    here.advance(Span::seconds(30));
    there.native().post("/auth/verify", &ask).await.created();
}

/// Item 118: mail is sent by whoever promised it, by another when that one has ended, and by a server that starts not twice.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn mail_is_sent_by_one_server() {
    let (here, _) = two(|_| {}).await;
    let ask = json!({ "email": ADA });
    here.native().post("/auth/verify", &ask).await.created();

    let started = here.restarted().await;
    assert_eq!(started.inbox(ADA).await.messages().len(), 0);
    assert_eq!(here.inbox(ADA).await.messages().len(), 1);
    assert_eq!(started.inbox(ADA).await.messages().len(), 1);

    here.advance(Span::seconds(30));
    here.native().post("/auth/verify", &ask).await.created();
    drop(here);
    started.advance(Span::seconds(120));
    assert_eq!(started.inbox(ADA).await.messages().len(), 2);
}

/// Item 118: a server whose clock was ahead by an hour, and that is gone, holds up no mail for an hour.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn mail_that_waits_for_a_wrong_clock_is_taken_back() {
    let (here, there) = two(|_| {}).await;
    let ask = json!({ "email": ADA });
    here.native().post("/auth/verify", &ask).await.created();
    let ahead = 3_600_000;
    here.change(&format!(
        "update outbox set available_at = available_at + {ahead}, claimed_until = claimed_until + {ahead}"
    ));

    there.advance(Span::minutes(1));
    assert_eq!(there.inbox(ADA).await.messages().len(), 0);
    there.sweep().await;
    assert_eq!(there.inbox(ADA).await.messages().len(), 1);
}

/// Item 118: what a server that ends could not send is sent by another at once.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_server_that_ends_leaves_its_mail_to_others() {
    let (here, there) = two(|config| config.mail.smtp.connections = 1).await;
    here.mail_server(MailServer::Silent);
    for address in [ADA, "grace@example.com"] {
        let ask = json!({ "email": address });
        here.native().post("/auth/verify", &ask).await.created();
    }

    here.doorward().hand_over_mail().await;

    there.mail_server(MailServer::Up);
    assert_eq!(there.inbox("grace@example.com").await.messages().len(), 1);
    // This one may have left.
    assert_eq!(there.inbox(ADA).await.messages().len(), 0);
    here.advance(Span::minutes(2));
    assert_eq!(there.inbox(ADA).await.messages().len(), 1);
}

/// Item 139: what `docs/deploy.md` has done after a recovery ends all sessions and codes, and no account.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_recovery_ends_what_opens_a_door() {
    let world = World::new().await;
    let (ada, mut authenticator) = (world.native(), Authenticator::new(1));
    world.sign_in(&ada, ADA).await;
    world.add_passkey(&ada, &mut authenticator).await.created();
    world.advance(Span::minutes(1));
    let eve = world.native();
    eve.post("/auth/verify", json!({ "email": ADA }))
        .await
        .created();
    let code = world.inbox(ADA).await.code();

    let page = include_str!("../../../../docs/deploy.md");
    let (_, script) = page.split_once("```sql\n").unwrap();
    let (script, _) = script.split_once("```").unwrap();
    for statement in script.split_terminator(";\n") {
        world.change(statement);
    }

    let world = world.restarted().await;
    same_at(&world, &ada)
        .get("/auth/me")
        .await
        .problem(401, "unauthenticated");
    let form = json!({ "method": "otp", "email": ADA, "token": code });
    let late = world.native().post("/auth/sessions", form).await;
    late.problem(401, "invalid_code");
    let back = world.native();
    world
        .sign_in_with_passkey(&back, &mut authenticator)
        .await
        .created();
    back.get("/auth/me").await.ok();
}
