//! What memory must forget when the database changes: after the commit, before anyone is told of it.
//!
//! A command line that works beside a server leaves word in the database, and the server looks for it several times
//! a second.

use crate::{
    Doorward, Seat,
    error::Result,
    ids::{SessionId, UserId},
    store::{Db, Tx},
};

/// Forgets a session.
pub(crate) async fn session(doorward: &Doorward, tx: &mut Tx, id: &SessionId) -> Result<()> {
    let (server, id) = (doorward.clone(), *id);
    tx.after_commit(move || server.cache.forget_session(&id));
    tell_server(doorward, tx).await
}

/// Forgets who a user is: epoch, roles and profile are read again.
pub(crate) async fn user(doorward: &Doorward, tx: &mut Tx, user: &UserId) -> Result<()> {
    let (server, user) = (doorward.clone(), *user);
    tx.after_commit(move || server.cache.forget_user(&user));
    tell_server(doorward, tx).await
}

/// Forgets everyone.
pub(crate) async fn everyone(doorward: &Doorward, tx: &mut Tx) -> Result<()> {
    let server = doorward.clone();
    tx.after_commit(move || server.cache.forget_everyone());
    tell_server(doorward, tx).await
}

const COUNT_OUTSIDE_CHANGE: &str =
    "update meta set value = value + 1 where key = 'outside_changes'";

async fn tell_server(doorward: &Doorward, tx: &mut Tx) -> Result<()> {
    match doorward.seat {
        Seat::Server => Ok(()),
        Seat::Beside => tx.execute(COUNT_OUTSIDE_CHANGE, &[]).await.map(drop),
    }
}

const OUTSIDE_CHANGES: &str = "select value from meta where key = 'outside_changes'";

/// How many changes were made beside the server so far.
pub(crate) async fn outside_changes(db: &Db) -> Result<i64> {
    Ok(db
        .optional(OUTSIDE_CHANGES, &[], |row| row.get(0))
        .await?
        .unwrap_or(0))
}
