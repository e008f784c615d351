//! The schema, step by step. A database is copied before it is changed.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::error::{Error, Result};

const STEPS: [&str; 6] = [
    include_str!("../../migrations/sqlite/0001_initial.sql"),
    include_str!("../../migrations/sqlite/0002_passkey_offers.sql"),
    include_str!("../../migrations/sqlite/0003_passkey_makers.sql"),
    include_str!("../../migrations/sqlite/0004_invalidations.sql"),
    include_str!("../../migrations/sqlite/0005_fewer_indexes.sql"),
    include_str!("../../migrations/sqlite/0006_keys_in_order.sql"),
];

/// The schema that this Doorward works with.
pub const SCHEMA_VERSION: usize = STEPS.len();

/// The schema that a database has; 0 for an empty one.
pub(super) fn version(connection: &Connection) -> Result<usize> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        .map_err(|error| Error::Unavailable(error.into()))
        .and_then(|version| {
            usize::try_from(version).map_err(|error| Error::Unavailable(error.into()))
        })
}

/// Brings a database up to date, after copying it to `{file}.v{version}.bak` where it holds anything.
pub(super) fn migrate(connection: &mut Connection, file: &Path) -> Result<()> {
    migrate_by(&STEPS, connection, file)
}

/// The same by these steps.
pub(super) fn migrate_by(steps: &[&str], connection: &mut Connection, file: &Path) -> Result<()> {
    let found = version(connection)?;
    let known = steps.len();
    if found > known {
        return Err(too_new(found, known));
    }
    if found == known {
        return Ok(());
    }
    if found > 0 {
        super::sqlite::copy(connection, &free_name(file, found))?;
    }
    apply(steps, connection, found)
}

/// That the schema is of a newer Doorward: this one might take its rows for something else.
pub(super) fn too_new(found: usize, known: usize) -> Error {
    let message = format!(
        "the database has schema {found} and this doorward knows {known}: run the newer doorward, or restore a backup"
    );
    Error::Unavailable(message.into())
}

/// Brings a database that is nobody's yet up to date, without a copy.
pub(super) fn migrate_draft(connection: &mut Connection) -> Result<()> {
    let found = version(connection)?;
    apply(&STEPS, connection, found)
}

/// A name for the copy. One that an earlier try has left stays as it is, and is in nobody's way.
fn free_name(file: &Path, version: usize) -> PathBuf {
    let name = |ending: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".v{version}{ending}.bak"));
        PathBuf::from(name)
    };
    let mut copy = name("");
    for number in 2.. {
        if !copy.exists() {
            break;
        }
        copy = name(&format!(".{number}"));
    }
    copy
}

/// Every step in one transaction: a database has one schema or the other, whatever happens on the way.
fn apply(steps: &[&str], connection: &mut Connection, found: usize) -> Result<()> {
    let unavailable = |error: rusqlite::Error| Error::Unavailable(error.into());
    let tx = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)
        .map_err(unavailable)?;
    // Another process may have migrated while this one waited for the lock, and that may be a newer one.
    let found = version(&tx)?.max(found);
    if found > steps.len() {
        return Err(too_new(found, steps.len()));
    }
    let missing = || {
        for (index, step) in steps.iter().enumerate().skip(found) {
            tx.execute_batch(step)?;
            let version = i64::try_from(index + 1).unwrap_or(i64::MAX);
            tx.pragma_update(None, "user_version", version)?;
        }
        Ok(())
    };
    missing().map_err(unavailable)?;
    tx.commit().map_err(unavailable)
}

/// A database in memory with nothing in it but a schema: that of this version.
pub(super) fn empty(version: usize) -> Result<Connection> {
    let unavailable = |error: rusqlite::Error| Error::Unavailable(error.into());
    let mut connection = Connection::open_in_memory().map_err(unavailable)?;
    let steps = STEPS.get(..version).unwrap_or(&STEPS);
    apply(steps, &mut connection, 0)?;
    Ok(connection)
}
