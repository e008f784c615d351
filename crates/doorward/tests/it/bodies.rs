//! How large a body may be, and how long it may take.

use axum::body::{Body, Bytes};
use doorward::testing::World;
use serde_json::json;

use crate::{
    bad_input::{READERS, send_json, signed_in},
    tables,
};

/// Item 105: a body over 64 KiB is refused everywhere, before it is read to its end.
#[tokio::test]
async fn bodies_over_the_limit_are_refused() {
    let world = World::new().await;
    let ada = signed_in(&world).await;
    let before = tables::dump(&world);
    let large =
        json!({ "email": "a".repeat(2 * 1024 * 1024), "token": "x", "method": "otp" }).to_string();
    for (method, path) in crate::openapi::OPERATIONS {
        let path = path.replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA");
        if method != "GET" {
            send_json(&ada, method, &path, large.clone())
                .await
                .problem(413, "too_large");
        }
    }
    let endless = futures_util::stream::repeat_with(|| {
        Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1024]))
    });
    for (method, path) in READERS {
        send_json(&ada, method, path, Body::from_stream(endless.clone()))
            .await
            .problem(413, "too_large");
    }
    assert_eq!(tables::dump(&world), before);

    let fits = |size: usize| format!("{{}}{}", " ".repeat(size - 2));
    send_json(&ada, "PATCH", "/auth/me", fits(64 * 1024))
        .await
        .ok();
    send_json(&ada, "PATCH", "/auth/me", fits(64 * 1024 + 1))
        .await
        .problem(413, "too_large");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time of the paused runtime, which the limit on bodies is measured by"
)]
fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Item 105: a body that does not come is not waited for for long; one that breaks off is refused.
#[tokio::test]
async fn bodies_that_do_not_come_are_not_waited_for() {
    let world = World::new().await;
    let nobody = world.native();
    tokio::time::pause();
    let started = now();
    let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
    send_json(&nobody, "POST", "/auth/verify", Body::from_stream(never))
        .await
        .problem(400, "invalid_request");
    let waited = started.elapsed();
    assert!((10..11).contains(&waited.as_secs()), "{waited:?}");

    let drip = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
    });
    send_json(&nobody, "POST", "/auth/verify", Body::from_stream(drip))
        .await
        .problem(400, "invalid_request");
    assert!(
        started.elapsed().as_secs() < 22,
        "one byte a second buys no more time"
    );

    let broken = futures_util::stream::iter([
        Ok(Bytes::from_static(b"{\"email\":")),
        Err(std::io::Error::other("reset")),
    ]);
    send_json(&nobody, "POST", "/auth/verify", Body::from_stream(broken))
        .await
        .problem(400, "invalid_request");
}
