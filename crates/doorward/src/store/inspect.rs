//! A look at a database from outside: nothing is made, brought up to date or written.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{migrate, postgres};
use crate::{
    DATABASE_FILE,
    config::Config,
    error::{Error, Result},
    time::Timestamp,
};

/// What a look at a database finds.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// Its schema, to be compared with [`SCHEMA_VERSION`](crate::SCHEMA_VERSION).
    pub schema: usize,
    /// What is wrong with its pages, in SQLite's words; `None` when it is sound, or looked after by a server.
    pub damage: Option<String>,
    /// How many accounts it has.
    pub accounts: u64,
    /// When its newest event was recorded.
    pub newest_event: Option<Timestamp>,
}

/// The schema of the database of this configuration, to be compared with [`SCHEMA_VERSION`](crate::SCHEMA_VERSION); `None` where
/// there is none.
///
/// # Errors
/// [`Error::Unavailable`] when it cannot be read.
pub async fn schema_version(config: &Config) -> Result<Option<usize>> {
    if let Some(url) = &config.database.url {
        return postgres::schema_version(url, &config.database).await;
    }
    let file = config.data_dir.join(DATABASE_FILE);
    if !file.exists() {
        return Ok(None);
    }
    migrate::version(&open(&file)?).map(Some)
}

/// Looks at the database of this configuration, all of it; `None` where there is none.
///
/// # Errors
/// [`Error::Unavailable`] when it cannot be read, or is not a database of Doorward.
pub async fn inspect(config: &Config) -> Result<Option<Inspection>> {
    if let Some(url) = &config.database.url {
        return postgres::inspect(url, &config.database).await;
    }
    let file = config.data_dir.join(DATABASE_FILE);
    if !file.exists() {
        return Ok(None);
    }
    let connection = open(&file)?;
    let schema = migrate::version(&connection)?;
    let damage = damage(&connection, "quick_check");
    let (accounts, newest_event) = if schema == 0 || damage.is_some() {
        (0, None)
    } else {
        contents(&connection)?
    };
    let newest_event = newest_event.map(Timestamp::from_millis);
    Ok(Some(Inspection {
        schema,
        damage,
        accounts,
        newest_event,
    }))
}

/// Opens a database to read it.
pub(super) fn open(file: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(file, flags)?;
        connection.execute_batch("pragma trusted_schema = off; pragma cell_size_check = on;")?;
        Ok(connection)
    };
    open().map_err(|error| unreadable(file, &error))
}

/// What is wrong with a database: the first finding of `quick_check` or `integrity_check`.
pub(super) fn damage(connection: &Connection, check: &str) -> Option<String> {
    let finding: String = connection
        .query_row(&format!("pragma {check}(1)"), [], |row| row.get(0))
        .unwrap_or_else(|error| error.to_string());
    (finding != "ok").then_some(finding)
}

fn contents(connection: &Connection) -> Result<(u64, Option<i64>)> {
    connection
        .query_row(
            "select (select count(*) from users), (select at from events order by id desc limit 1)",
            [],
            |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)),
        )
        .map_err(|error| Error::Unavailable(format!("not a database of Doorward: {error}").into()))
}

fn unreadable(file: &Path, error: &rusqlite::Error) -> Error {
    Error::Unavailable(format!("{}: {error}", file.display()).into())
}
