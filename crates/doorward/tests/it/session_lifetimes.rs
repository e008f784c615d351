//! How long a session lives, and how long it is fresh.

use doorward::{
    Span,
    testing::{World, on_every_database},
};

const ADA: &str = "ada@example.com";

/// Item 63: a session that nobody uses ends on the server, whatever the browser still holds.
#[tokio::test]
async fn an_idle_session_ends_after_seven_days() {
    on_every_database(async |world| {
        let (browser, used) = (world.browser(), world.browser());
        world.sign_in(&browser, ADA).await;
        world.sign_in(&used, ADA).await;
        world.advance(Span::minutes(7 * 24 * 60 - 1));
        used.get("/auth/me").await.ok();

        world.advance(Span::minutes(2));

        assert!(browser.cookie("__Host-doorward_session").is_some());
        browser
            .get("/auth/me")
            .await
            .problem(401, "unauthenticated");
        used.get("/auth/me").await.ok();
        let listed = used.get("/auth/sessions/").await.ok();
        assert_eq!(listed.as_array().unwrap().len(), 1);
    })
    .await;
}

/// Item 63: neither a restart nor a clean-up makes a difference to that.
#[tokio::test]
async fn an_idle_session_is_swept_and_stays_ended() {
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, ADA).await;
    world.advance(Span::minutes(7 * 24 * 60 + 1));
    world.sweep().await;
    ada.get("/auth/me").await.problem(401, "unauthenticated");

    let world = world.restarted().await;

    let again = world.native();
    again.set_token(ada.token().as_deref());
    again.get("/auth/me").await.problem(401, "unauthenticated");
    assert_eq!(
        crate::tables::number(&world, "select count(*) from sessions"),
        0
    );
}

/// Item 64: a session in use every hour ends 30 days after its sign-in.
#[tokio::test]
async fn a_session_in_use_ends_after_thirty_days() {
    on_every_database(async |world| {
        let ada = world.native();
        world.sign_in(&ada, ADA).await;
        let mut ended_after = None;
        for hour in 1..=31 * 24 {
            world.advance(Span::hours(1));
            let reply = ada.get("/auth/me").await;
            if hour < 30 * 24 {
                reply.ok();
            } else {
                reply.problem(401, "unauthenticated");
                ended_after.get_or_insert(hour);
            }
        }
        assert_eq!(ended_after, Some(30 * 24));
    })
    .await;
}

/// Items 63, 64: use moves the end in the second half of a session's idle life, with one write.
#[tokio::test]
async fn a_session_is_renewed_once_in_the_second_half_of_its_idle_life() {
    on_every_database(async |world| {
        let ada = world.native();
        world.sign_in(&ada, ADA).await;
        let expires_at = async || {
            ada.get("/auth/me").await.ok();
            ada.get("/auth/sessions/current").await.ok()["session"]["expiresAt"].clone()
        };
        assert_eq!(expires_at().await, "2026-11-08T12:00:00.000Z");

        let before = world.commits();
        world.advance(Span::hours(84));
        assert_eq!(
            expires_at().await,
            "2026-11-08T12:00:00.000Z",
            "exactly the first half"
        );
        assert_eq!(world.commits(), before);

        world.advance(Span::minutes(1));
        assert_eq!(expires_at().await, "2026-11-12T00:01:00.000Z");
        assert_eq!(expires_at().await, "2026-11-12T00:01:00.000Z");
        assert_eq!(world.commits(), before + 1);
    })
    .await;
}

/// Items 63, 64: administrators are signed out sooner.
#[tokio::test]
async fn an_administrator_has_thirty_minutes_and_twelve_hours() {
    on_every_database(async |world| {
        let (idle, busy) = (world.native(), world.native());
        world.sign_in(&idle, ADA).await;
        world.grant(ADA, "admin").await;
        world.sign_in(&idle, ADA).await;
        world.sign_in(&busy, ADA).await;
        let signed_in = busy.get("/auth/sessions/current").await.ok();
        let started = world.clock().now();
        assert_eq!(
            signed_in["session"]["expiresAt"],
            (started + Span::minutes(30)).to_string()
        );

        world.advance(Span::minutes(29));
        busy.get("/auth/me").await.ok();
        world.advance(Span::minutes(2));
        idle.get("/auth/me").await.problem(401, "unauthenticated");
        busy.get("/auth/me").await.ok();

        while world.clock().now() + Span::minutes(10) < started + Span::hours(12) {
            world.advance(Span::minutes(10));
            busy.get("/auth/me").await.ok();
        }
        world.clock().set(started + Span::hours(12));
        busy.get("/auth/me").await.problem(401, "unauthenticated");
    })
    .await;
}

/// Item 64: a session that is open when its owner becomes an administrator is held to the shorter life at once.
#[tokio::test]
async fn a_new_administrator_is_held_to_the_shorter_life() {
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, ADA).await;
    world.advance(Span::hours(1));

    world.grant(ADA, "admin").await;

    ada.get("/auth/me").await.ok();
    let current = ada.get("/auth/sessions/current").await.ok();
    assert_eq!(current["session"]["expiresAt"], "2026-11-01T13:30:00.000Z");
    world.advance(Span::minutes(31));
    ada.get("/auth/me").await.problem(401, "unauthenticated");
}

/// Item 69: use keeps a session alive and never makes it fresh.
#[tokio::test]
async fn only_a_proof_makes_a_session_fresh() {
    on_every_database(async |world| {
        let ada = world.native();
        world.sign_in(&ada, ADA).await;
        for _ in 0..9 {
            world.advance(Span::minutes(1));
            ada.get("/auth/me").await.ok();
            ada.post("/auth/passkeys/register/options", ()).await.ok();
        }

        world.advance(Span::minutes(1));

        let stale = ada.post("/auth/passkeys/register/options", ()).await;
        stale.problem(403, "reauth_required");
        assert_eq!(stale.json()["maxAge"], 600);
        assert_eq!(stale.json()["methods"], serde_json::json!(["otp"]));
        let current = ada.get("/auth/sessions/current").await.ok();
        assert_eq!(
            current["session"]["authenticatedAt"],
            "2026-11-01T12:00:00.000Z"
        );
        ada.delete("/auth/me").await.problem(403, "reauth_required");
    })
    .await;
}
