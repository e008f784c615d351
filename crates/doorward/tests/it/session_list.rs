//! One's own sessions: listed, and ended one by one or together.

use doorward::{
    Span,
    testing::{Authenticator, Caller, Fault, World, on_every_database},
};
use serde_json::{Value, json};

use crate::tables;

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
/// User agents of a computer and a phone.
pub(crate) const MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
pub(crate) const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";

fn id(signed_in: &Value) -> &str {
    signed_in["session"]["id"].as_str().expect("an id")
}

async fn ids(caller: &Caller) -> Vec<String> {
    let listed = caller.get("/auth/sessions/").await.ok();
    let sessions = listed.as_array().expect("a list").iter();
    sessions
        .map(|session| session["id"].as_str().expect("an id").to_owned())
        .collect()
}

/// Item 72: what the list shows, to the member; newest first, and one's own only.
#[tokio::test]
async fn the_list_shows_ones_own_sessions_newest_first() {
    on_every_database(async |world| {
        let laptop = world.browser().from("203.0.113.7").with("user-agent", MAC);
        let phone = world.browser().from("2001:db8::7").with("user-agent", IPHONE);
        world.sign_in(&world.browser(), BOB).await;
        let first = world.sign_in(&laptop, ADA).await.json();
        world.advance(Span::minutes(1));
        let second = world.sign_in(&phone, ADA).await.json();

        let listed = laptop.get("/auth/sessions/").await.ok();

        assert_eq!(
            listed,
            json!([
                {
                    "id": id(&second), "userId": first["user"]["id"],
                    "createdAt": "2026-11-01T12:01:00.000Z", "expiresAt": "2026-11-08T12:01:00.000Z",
                    "lastSeenAt": "2026-11-01T12:01:00.000Z", "authenticatedAt": "2026-11-01T12:01:00.000Z",
                    "method": "otp", "passkeyId": null, "userAgent": IPHONE, "ip": "2001:db8::7",
                    "device": { "browser": "Safari", "os": "iOS", "kind": "mobile" }, "current": false
                },
                {
                    "id": id(&first), "userId": first["user"]["id"],
                    "createdAt": "2026-11-01T12:00:00.000Z", "expiresAt": "2026-11-08T12:00:00.000Z",
                    "lastSeenAt": "2026-11-01T12:01:00.000Z", "authenticatedAt": "2026-11-01T12:00:00.000Z",
                    "method": "otp", "passkeyId": null, "userAgent": MAC, "ip": "203.0.113.7",
                    "device": { "browser": "Chrome", "os": "macOS", "kind": "desktop" }, "current": true
                }
            ])
        );
    })
    .await;
}

/// Item 72: last use is known by the minute, and writes nothing by itself.
#[tokio::test]
async fn last_use_is_told_by_the_minute() {
    on_every_database(async |world| {
        let ada = world.native();
        world.sign_in(&ada, ADA).await;
        let seen = async || ada.get("/auth/sessions/").await.ok()[0]["lastSeenAt"].clone();
        assert_eq!(seen().await, "2026-11-01T12:00:00.000Z");
        let before = world.commits();

        world.advance(Span::seconds(59));
        assert_eq!(seen().await, "2026-11-01T12:00:00.000Z");
        world.advance(Span::seconds(1));
        assert_eq!(seen().await, "2026-11-01T12:01:00.000Z");

        assert_eq!(world.commits(), before, "use alone writes nothing");
        assert_eq!(kept_last_use(&world, ADA).await, "2026-11-01T12:01:00.000Z");
    })
    .await;
}

/// When this person's only session was last used, as far as that is written: told to another session, by a server that has
/// not seen it used.
async fn kept_last_use(world: &World, address: &str) -> Value {
    world.sweep().await;
    let restarted = world.restarted().await;
    let another = restarted.native();
    restarted.sign_in(&another, address).await;
    let listed = another.get("/auth/sessions/").await.ok();
    let mut sessions = listed.as_array().expect("a list").iter();
    let session = sessions.find(|session| session["current"] == false);
    session.expect("the first session")["lastSeenAt"].clone()
}

/// Item 72: what cannot be written is not forgotten.
#[tokio::test]
async fn last_use_is_written_when_it_can_be() {
    on_every_database(async |world| {
        let ada = world.native();
        world.sign_in(&ada, ADA).await;
        world.advance(Span::minutes(1));
        ada.get("/auth/me").await.ok();

        world
            .faults()
            .arm("insert into session_activity", Fault::Unavailable);
        assert!(world.doorward().flush().await.is_err());
        world.faults().clear();

        assert_eq!(kept_last_use(&world, ADA).await, "2026-11-01T12:01:00.000Z");
    })
    .await;
}

/// Item 72: also when the use has moved the end of the session, and memory has forgotten it for that.
#[tokio::test]
async fn a_use_that_renews_is_told_as_well() {
    on_every_database(async |world| {
        let ada = world.native();
        world.sign_in(&ada, ADA).await;
        let before = world.commits();

        world.advance(Span::days(4));
        let listed = ada.get("/auth/sessions/").await.ok();

        assert!(world.commits() > before, "it was renewed");
        assert_eq!(listed[0]["lastSeenAt"], "2026-11-05T12:00:00.000Z");
    })
    .await;
}

/// Item 66: what is not one's own is left alone, and nothing is told of it.
#[tokio::test]
async fn someone_elses_session_cannot_be_ended() {
    on_every_database(async |world| {
        let (ada, bob) = (world.native(), world.native());
        world.sign_in(&ada, ADA).await;
        let bobs = world.sign_in(&bob, BOB).await.json();
        let before = tables::dump(&world);

        let theirs = ada.delete(&format!("/auth/sessions/{}", id(&bobs))).await;
        let nobodys = ada.delete("/auth/sessions/AAAAAAAAAAAAAAAAAAAAAA").await;
        let nonsense = ada.delete("/auth/sessions/nonsense").await;

        for reply in [&theirs, &nobodys, &nonsense] {
            reply.no_content();
            assert_eq!(reply.headers(), theirs.headers());
        }
        assert_eq!(tables::dump(&world), before);
        bob.get("/auth/me").await.ok();
        ada.get("/auth/me").await.ok();
    })
    .await;
}

/// Items 65, 66: one, the others, all, or the current one.
#[tokio::test]
async fn sessions_end_one_by_one_or_together() {
    on_every_database(async |world| {
        let callers = [
            world.native(),
            world.native(),
            world.native(),
            world.native(),
        ];
        let [ada, second, third, fourth] = &callers;
        let stranger = world.native();
        world.sign_in(&stranger, BOB).await;
        let mut opened = Vec::new();
        for caller in &callers {
            opened.push(world.sign_in(caller, ADA).await.json());
        }

        let path = format!("/auth/sessions/{}/", id(&opened[1]));
        ada.delete(&path).await.no_content();
        second.get("/auth/me").await.problem(401, "unauthenticated");
        assert_eq!(ids(ada).await.len(), 3);
        ada.delete(&path).await.no_content();

        ada.delete("/auth/sessions/others").await.no_content();
        for ended in [third, fourth] {
            ended.get("/auth/me").await.problem(401, "unauthenticated");
        }
        assert_eq!(ids(ada).await, [id(&opened[0])]);

        world.sign_in(second, ADA).await;
        second.delete("/auth/sessions/all").await.no_content();
        for ended in [ada, second] {
            ended.get("/auth/me").await.problem(401, "unauthenticated");
        }

        let current = world.sign_in(third, ADA).await.json();
        let cleared = third
            .delete(&format!("/auth/sessions/{}", id(&current)))
            .await;
        cleared.no_content();
        assert_eq!(
            cleared.cookies().len(),
            1,
            "the own session's cookie goes with it"
        );
        third.get("/auth/me").await.problem(401, "unauthenticated");
        stranger.get("/auth/me").await.ok();
    })
    .await;
}

/// What ended and by whom is told to the owner.
#[tokio::test]
async fn ends_of_sessions_are_recorded() {
    let world = World::new().await;
    let (ada, other) = (world.native(), world.native());
    world.sign_in(&ada, ADA).await;
    let ended = world.sign_in(&other, ADA).await.json();
    ada.delete(&format!("/auth/sessions/{}", id(&ended)))
        .await
        .no_content();
    world.sign_in(&other, ADA).await;
    world.advance(Span::seconds(1));
    other.delete("/auth/sessions/").await.no_content();

    let events = ada.get("/auth/me/events").await.ok();

    let kinds: Vec<_> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[0], "session_logout");
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| **kind == "session_revoked")
            .count(),
        1
    );
}

/// Item 72: the hundred-and-first sign-in takes the place of the session idle for longest, and the log says so.
#[tokio::test]
async fn the_longest_idle_session_makes_room_for_the_hundred_and_first() {
    on_every_database(async |world| {
        let mut authenticator = Authenticator::new(1);
        let first = world.native();
        world.sign_in(&first, ADA).await;
        world.add_passkey(&first, &mut authenticator).await;
        let mut callers = vec![first];
        while callers.len() < 100 {
            world.advance(Span::minutes(1));
            let caller = world.native();
            world
                .sign_in_with_passkey(&caller, &mut authenticator)
                .await
                .created();
            callers.push(caller);
        }
        world.advance(Span::minutes(1));
        callers[0].get("/auth/me").await.ok();
        world.sweep().await;
        assert_eq!(ids(&callers[0]).await.len(), 100);

        world.advance(Span::minutes(1));
        let newest = world.native();
        world
            .sign_in_with_passkey(&newest, &mut authenticator)
            .await
            .created();

        assert_eq!(ids(&newest).await.len(), 100);
        callers[1]
            .get("/auth/me")
            .await
            .problem(401, "unauthenticated");
        for live in [&callers[0], &callers[2], &callers[99], &newest] {
            live.get("/auth/me").await.ok();
        }
        let evicted = tables::number(
            &world,
            "select count(*) from events where kind = 'session_evicted'",
        );
        assert_eq!(evicted, 1);
    })
    .await;
}

/// Item 72: also when all of them were opened in one instant, it is never the new session that makes room.
#[tokio::test]
async fn a_new_session_never_makes_room_for_older_ones() {
    let world = World::with(|config| config.sessions.per_user = 3).await;
    let mut authenticator = Authenticator::new(1);
    let first = world.native();
    world.sign_in(&first, ADA).await;
    world.add_passkey(&first, &mut authenticator).await;
    for _ in 0..30 {
        let caller = world.native();
        world
            .sign_in_with_passkey(&caller, &mut authenticator)
            .await
            .created();

        assert!(ids(&caller).await.len() <= 3);
    }
}
