//! Work in the background: mail, cleaning up, what was done beside the server.
//!
//! Each job holds Doorward weakly and ends when the last handle of it is dropped.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::FutureExt;

use crate::{
    Doorward, Inner, audit, codes,
    error::{Escaped, Result},
    forget, limits, outbox, passkeys, sessions,
    store::BATCH,
    time::Span,
};

/// How long audit events, and the network addresses in them, are kept.
pub(crate) const EVENTS: Span = Span::days(90);

/// Starts all jobs.
pub(crate) fn start(doorward: &Doorward) {
    let weak = Arc::downgrade(&doorward.0);
    tokio::spawn(deliver_mail(Weak::clone(&weak)));
    every(
        Duration::from_mins(1),
        Weak::clone(&weak),
        async |doorward| {
            let flushed = sessions::flush_activity(&doorward).await;
            sweep(&doorward).await.and(flushed)
        },
    );
    if doorward.follower.is_some() {
        every(
            Duration::from_mins(1),
            Weak::clone(&weak),
            async |doorward| match &doorward.follower {
                Some(follower) => follower.look_at_replication().await,
                None => Ok(()),
            },
        );
        tokio::spawn(follow_log(weak));
    } else {
        every(Duration::from_millis(250), weak, async |doorward| {
            forget::look_outside(&doorward).await
        });
    }
}

fn every<F>(pause: Duration, doorward: Weak<Inner>, job: impl Fn(Doorward) -> F + Send + 'static)
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(pause);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(doorward) = doorward.upgrade().map(Doorward) else {
                return;
            };
            survive("a job in the background", job(doorward)).await;
        }
    });
}

/// Does one piece of work. What goes wrong in it, a panic included, is logged, and the next piece is done all the same:
/// a job that ended would be missed by nobody.
async fn survive(what: &str, work: impl Future<Output = Result<()>>) {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(error = %Escaped(&error), "{what} failed"),
        Err(_) => tracing::error!("{what} panicked"),
    }
}

/// Polls the log of what memory must forget: at short intervals, and sooner at a hint, but not all the time.
async fn follow_log(doorward: Weak<Inner>) {
    const PAUSE: Duration = Duration::from_millis(10);
    loop {
        let Some(doorward) = doorward.upgrade().map(Doorward) else {
            return;
        };
        let Some(follower) = &doorward.follower else {
            return;
        };
        survive("polling the log", follower.poll(&doorward)).await;
        let (hints, pause) = (
            follower.hints(),
            doorward.config.database.poll.to_duration(),
        );
        drop(doorward);
        tokio::time::sleep(PAUSE).await;
        let _ = tokio::time::timeout(pause.saturating_sub(PAUSE), hints.notified()).await;
    }
}

/// Sends mail as soon as it is promised; what was left over, within seconds.
async fn deliver_mail(doorward: Weak<Inner>) {
    const LEFT_OVER: Duration = Duration::from_secs(5);
    if let Some(doorward) = doorward.upgrade().map(Doorward) {
        survive(
            "taking back the claims of an earlier server",
            outbox::release_claims(&doorward),
        )
        .await;
    }
    every(LEFT_OVER, Weak::clone(&doorward), async |doorward| {
        doorward.queue.look_again();
        doorward.mail_due.notify_one();
        Ok(())
    });
    loop {
        let Some(doorward) = doorward.upgrade().map(Doorward) else {
            return;
        };
        survive("the delivery of mail", async {
            outbox::deliver_promised(&doorward).await.map(drop)
        })
        .await;
        doorward.mail_due.notified().await;
    }
}

/// Deletes what has run out.
pub(crate) async fn sweep(doorward: &Doorward) -> Result<()> {
    let now = doorward.clock.now();
    while sessions::sweep(doorward, now).await? == BATCH {}
    while codes::sweep(doorward, now).await? == BATCH {}
    while passkeys::sweep(doorward, now).await? == BATCH {}
    while limits::sweep(doorward, now).await? == BATCH {}
    while audit::sweep(&doorward.db, now - EVENTS).await? == BATCH {}
    while forget::sweep(doorward, now).await? == BATCH {}
    while doorward.db.sweep(now).await? == BATCH {}
    if doorward.db.is_shared() {
        outbox::release_claims(doorward).await?;
    }
    Ok(())
}
