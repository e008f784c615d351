//! What the database says of itself.

use crate::{
    error::{Error, Result},
    secret::{Keys, same},
    store::{Db, values},
};

const RESTORE_EPOCH: &str = "select value from meta where key = 'restore_epoch'";

/// How often this database has been restored from a backup: what was made before is worth nothing after.
pub(crate) async fn restore_epoch(db: &Db) -> Result<i64> {
    Ok(db
        .optional(RESTORE_EPOCH, &[], |row| row.get(0))
        .await?
        .unwrap_or(0))
}

const ROOT_KEY_MARK: &str = "select value from meta where key = 'root_key_mark'";

const MARK_ROOT_KEY: &str = "
    insert into meta (key, value) values ('root_key_mark', $1)
    on conflict (key) do nothing";

async fn root_key_mark(db: &Db) -> Result<Option<i64>> {
    db.optional(ROOT_KEY_MARK, &[], |row| row.get(0)).await
}

/// Refuses a root key that this database was not made with: under it every token and code would be worth nothing, and
/// nobody would be told why.
pub(crate) async fn recognise_root_key(db: &Db, keys: &Keys) -> Result<()> {
    let mac = keys.addresses.mac(&[b"root key mark"]);
    let mark = i64::from_be_bytes([
        mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], mac[6], mac[7],
    ]);
    if root_key_mark(db).await?.is_none() {
        // Of two servers that start at once with different keys, one is refused.
        db.execute(MARK_ROOT_KEY, values![mark]).await?;
    }
    let known = root_key_mark(db).await?.unwrap_or_default();
    if same(&known.to_be_bytes(), &mark.to_be_bytes()) {
        Ok(())
    } else {
        Err(Error::Unavailable(
            "the root key is not the one that this database was made with: bring that one back from your backup".into(),
        ))
    }
}
