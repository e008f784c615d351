//! What memory must forget when the database changes: after the commit, before anyone is told of it.
//!
//! Other servers of the same database hear of it by a log, whose rows are written last in the transaction that makes the
//! change; `sessions::lease` says how it is followed. A file has one server; a command line that works beside it leaves word
//! in the database, and the server looks for it several times a second: see [`Outside`].

use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::future::try_join;

use crate::{
    Doorward, Seat,
    error::{Error, Result},
    ids::{self, IdBytes, SessionId, UserId},
    sessions::{SHARDS, Subject, shard_of},
    store::{BATCH, Db, Tx, values},
    time::{Clock, Span, Timestamp},
};

/// Forgets a session, whose end is acknowledged only when it is known where that is asked for.
pub(crate) async fn session(doorward: &Doorward, tx: &Tx, id: &SessionId) -> Result<()> {
    wait_until_known(doorward, tx);
    renewed_session(doorward, tx, id).await
}

/// Forgets what was known of a session that goes on.
pub(crate) async fn renewed_session(doorward: &Doorward, tx: &Tx, id: &SessionId) -> Result<()> {
    let (server, id) = (doorward.clone(), *id);
    tx.after_commit(move || server.cache.forget_session(&id));
    tell(doorward, tx, shard_of(id.shard()), Subject::Session(id)).await
}

/// Forgets who a user is: epoch, roles and profile are read again.
pub(crate) async fn user(doorward: &Doorward, tx: &Tx, user: &UserId) -> Result<()> {
    let (server, user) = (doorward.clone(), *user);
    tx.after_commit(move || server.cache.forget_user(&user));
    wait_until_known(doorward, tx);
    tell(doorward, tx, shard_of(user.shard()), Subject::User(user)).await
}

/// Forgets everyone.
pub(crate) async fn everyone(doorward: &Doorward, tx: &Tx) -> Result<()> {
    let server = doorward.clone();
    tx.after_commit(move || server.cache.forget_everyone());
    wait_until_known(doorward, tx);
    let shards = if doorward.follower.is_some() {
        SHARDS
    } else {
        1
    };
    for shard in 0..shards {
        tell(doorward, tx, shard, Subject::Everyone).await?;
    }
    Ok(())
}

/// Tells the other servers, by the log of the shard; or the one that the command line works beside.
async fn tell(doorward: &Doorward, tx: &Tx, shard: u8, subject: Subject) -> Result<()> {
    if doorward.follower.is_none() {
        return match doorward.seat {
            Seat::Server => Ok(()),
            Seat::Beside => tx.execute(COUNT_OUTSIDE_CHANGE, &[]).await.map(drop),
        };
    }
    let server = doorward.clone();
    tx.after_commit(move || {
        if let Some(follower) = &server.follower {
            follower.hint();
        }
    });
    let now = doorward.clock.now();
    let id = ids::fresh(&doorward.entropy, now, shard);
    tx.do_last(shard, move |tx| {
        Box::pin(async move { append(&tx, i64::from(shard), &id, subject, now).await })
    })
    .await
}

/// Has the change acknowledged only when no server can still believe what it has made untrue, where that is asked for.
fn wait_until_known(doorward: &Doorward, tx: &Tx) {
    if doorward.config.database.wait_for_leases {
        let doorward = doorward.clone();
        tx.wait_after_commit(async move {
            if let Some(follower) = &doorward.follower {
                follower.outlive(&doorward.clock).await;
            }
        });
    }
}

// The lock of the row is held until the commit, so that the numbers of a shard are in the order of commits, without gaps.
const ADVANCE: &str = "update invalidation_heads set seq = seq + 1 where shard = $1";

const APPEND: &str = "
    insert into invalidations (shard, seq, id, kind, subject, at)
    select shard, seq, $1, $2, $3, $4 from invalidation_heads where shard = $5";

async fn append(tx: &Tx, shard: i64, id: &IdBytes, subject: Subject, now: Timestamp) -> Result<()> {
    let (kind, named): (i64, &[u8]) = match &subject {
        Subject::Session(id) => (1, id.as_bytes()),
        Subject::User(id) => (2, id.as_bytes()),
        Subject::Everyone => (3, &[]),
    };
    try_join(
        tx.execute(ADVANCE, values![shard]),
        tx.execute(APPEND, values![id, kind, named, now, shard]),
    )
    .await
    .map(drop)
}

/// What a row of the log names.
pub(crate) fn subject(kind: i64, named: &[u8]) -> Result<Subject> {
    let id = || IdBytes::try_from(named).map_err(|error| Error::Internal(error.into()));
    match kind {
        1 => Ok(Subject::Session(SessionId(id()?))),
        2 => Ok(Subject::User(UserId(id()?))),
        // 3; or a newer Doorward has written it, and whatever it names is not known any more.
        _ => Ok(Subject::Everyone),
    }
}

const COUNT_OUTSIDE_CHANGE: &str =
    "update meta set value = value + 1 where key = 'outside_changes'";

const OUTSIDE_CHANGES: &str = "select value from meta where key = 'outside_changes'";

async fn outside_changes(db: &Db) -> Result<i64> {
    Ok(db
        .optional(OUTSIDE_CHANGES, &[], |row| row.get(0))
        .await?
        .unwrap_or(0))
}

/// What was changed beside the only server of a file, as far as the server has looked.
///
/// Memory is believed for a short time after a look only: a server that was stopped, or could not look, looks before it
/// answers from memory again.
pub(crate) struct Outside {
    changes: AtomicI64,
    /// When the last look began, in milliseconds since boot.
    looked_at: AtomicI64,
}

impl Outside {
    /// How long memory is believed after a look began: what was acknowledged a second ago must be known.
    const BELIEVED: Span = Span::millis(500);

    /// The first look, before anything is in memory.
    pub(crate) async fn first(db: &Db, clock: &Clock) -> Result<Self> {
        let looked_at = clock.since_boot();
        Ok(Self {
            changes: outside_changes(db).await?.into(),
            looked_at: looked_at.as_millis().into(),
        })
    }

    fn is_due(&self, clock: &Clock) -> bool {
        let looked_at = self.looked_at.load(Ordering::Acquire);
        clock.since_boot().as_millis() - looked_at >= Self::BELIEVED.as_millis()
    }
}

/// Looks for what was changed beside the server: then all of its memory is forgotten.
pub(crate) async fn look_outside(doorward: &Doorward) -> Result<()> {
    let outside = &doorward.outside;
    let began = doorward.clock.since_boot().as_millis();
    let changes = outside_changes(&doorward.db).await?;
    // In this order: whoever finds that someone has looked may rely on what that made the memory forget.
    if outside.changes.load(Ordering::Acquire) != changes {
        doorward.cache.forget_everyone();
        outside.changes.store(changes, Ordering::Release);
    }
    outside.looked_at.fetch_max(began, Ordering::AcqRel);
    Ok(())
}

/// Looks, where the last look was too long ago for memory to be believed.
///
/// # Errors
/// [`Error::Unavailable`] when the database cannot be read.
pub(crate) async fn look_outside_if_due(doorward: &Doorward) -> Result<()> {
    if doorward.outside.is_due(&doorward.clock) {
        look_outside(doorward).await?;
    }
    Ok(())
}

/// How long rows of the log are kept: much longer than any memory is believed. Whoever comes back later drops its memory.
const KEPT: Span = Span::hours(1);

// The newest row of each shard stays, for memory compares itself with it; but whom it names is forgotten.
const DELETE_OLD: &str = "
    delete from invalidations
     where (shard, seq) in (select i.shard, i.seq
                              from invalidations i
                              join invalidation_heads h on h.shard = i.shard
                             where i.at < $1 and i.seq < h.seq
                             order by i.at
                             limit 500)";

const BLANK_OLD: &str = "
    update invalidations set kind = 3, subject = $1 where at < $2 and kind <> 3";

const DELETE_LEASES: &str = "delete from node_leases where renewed_at < $1";

/// Deletes old rows of the log, and the leases of servers that have ended; how many rows of the log.
pub(crate) async fn sweep(doorward: &Doorward, now: Timestamp) -> Result<u64> {
    if doorward.follower.is_none() {
        return Ok(0);
    }
    let before = now - KEPT;
    let deleted = doorward.db.execute(DELETE_OLD, values![before]).await?;
    if deleted < BATCH {
        let nobody: &[u8] = &[];
        doorward
            .db
            .execute(BLANK_OLD, values![nobody, before])
            .await?;
        doorward.db.execute(DELETE_LEASES, values![before]).await?;
    }
    Ok(deleted)
}
