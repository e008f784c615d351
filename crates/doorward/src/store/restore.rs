//! The SQL of a restore: a backup becomes a draft, the draft is made safe, the draft becomes the database.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rusqlite::{Connection, params};

use super::{inspect, migrate, sqlite};
use crate::{
    audit::Kind,
    error::{Error, Escaped, Result},
    ids::{EventId, UserId},
    restore::{Differences, Right},
    time::Timestamp,
};

/// A backup on its way to be the database: a file of its own, that nobody else uses.
pub(crate) struct Draft {
    file: PathBuf,
    connection: Connection,
}

/// What a draft tells when it is safe.
pub(crate) struct Safe {
    file: PathBuf,
    pub epoch: i64,
    pub sessions_ended: u64,
    /// `None` where the database before could not be read.
    pub differences: Option<Differences>,
}

impl Draft {
    /// Copies a backup into a new file, having looked whether it is sound and ours, and brings its schema up to date.
    pub(crate) fn of(backup: &Path, file: PathBuf) -> Result<Self> {
        copy_backup(backup, &file)?;
        let mut connection = open(&file)?;
        let ours = migrate::empty(migrate::version(&connection)?)?;
        let is_ours =
            objects(&connection).map_err(unavailable)? == objects(&ours).map_err(unavailable)?;
        if !is_ours {
            return Err(refused(backup, "has tables that are not those of Doorward"));
        }
        migrate::migrate_draft(&mut connection)?;
        Ok(Self { file, connection })
    }

    /// Ends all that the backup would bring back to life, and keeps what has been learnt since it was made.
    ///
    /// The failures of addresses and the audit log are taken over from the database before, where it can be read.
    pub(crate) fn make_safe(
        mut self,
        before: &Path,
        event: &EventId,
        now: Timestamp,
    ) -> Result<Safe> {
        let present = before.exists().then(|| self.compare(before));
        let (differences, last_epoch) = match present {
            Some(Ok((differences, epoch))) => (Some(differences), Some(epoch)),
            Some(Err(error)) => {
                tracing::warn!(error = %Escaped(&error), "the database before could not be read");
                // Beyond any epoch that it can have had.
                (None, Some(now.as_millis()))
            }
            None => (None, None),
        };
        let end = |connection: &mut Connection| {
            let tx = connection.transaction()?;
            let epoch = epoch(&tx, "main")?.max(last_epoch.unwrap_or(0)) + 1;
            let sessions = tx.execute("delete from sessions", [])?;
            tx.execute_batch(
                "delete from session_activity; delete from codes; delete from spent_challenges; delete from outbox;",
            )?;
            tx.execute(
                "update meta set value = $1 where key = 'restore_epoch'",
                [epoch],
            )?;
            // Nothing that is left hangs on the key: on a new machine the database takes up the new one.
            tx.execute("delete from meta where key = 'root_key_mark'", [])?;
            tx.execute(
                "insert into events (id, at, kind, result) values ($1, $2, $3, 1)",
                params![event.as_bytes(), now.as_millis(), Kind::Restored.name()],
            )?;
            tx.commit()?;
            Ok((epoch, sessions as u64))
        };
        let (epoch, sessions_ended) = end(&mut self.connection).map_err(unavailable)?;
        drop(self.connection);
        fs::File::open(&self.file)
            .and_then(|file| file.sync_all())
            .map_err(|error| unusable(&self.file, &error))?;
        Ok(Safe {
            file: self.file,
            epoch,
            sessions_ended,
            differences,
        })
    }

    /// What the database before allowed and the draft does not, and the other way round; and its epoch.
    fn compare(&mut self, before: &Path) -> rusqlite::Result<(Differences, i64)> {
        let path = before
            .to_str()
            .ok_or_else(|| rusqlite::Error::InvalidPath(before.to_owned()))?;
        self.connection.execute("attach $1 as before", [path])?;
        let compared = self.compare_attached();
        self.connection.execute_batch("detach before")?;
        compared
    }

    fn compare_attached(&mut self) -> rusqlite::Result<(Differences, i64)> {
        let tx = self.connection.transaction()?;
        let (mut back, mut gone) = (rights(&tx, "main")?, rights(&tx, "before")?);
        let both: Vec<_> = back
            .keys()
            .filter(|key| gone.contains_key(*key))
            .cloned()
            .collect();
        for key in both {
            back.remove(&key);
            gone.remove(&key);
        }
        let epoch = epoch(&tx, "before")?;
        tx.execute_batch(
            "insert or replace into main.address_limits select * from before.address_limits;
             insert or ignore into main.events select * from before.events;",
        )?;
        tx.commit()?;
        let differences = Differences {
            back: back.into_values().collect(),
            gone: gone.into_values().collect(),
        };
        Ok((differences, epoch))
    }
}

impl Safe {
    /// Puts the draft in the place of the database, which is kept under the name `aside`.
    ///
    /// There is a whole database at every moment: the one before, or the restored one.
    pub(crate) fn take_the_place_of(&self, before: &Path, aside: &Path) -> Result<()> {
        if before.exists() {
            // What is still in its log goes into the file; where that fails, the log is kept beside it.
            let _ = open(before).and_then(|connection| {
                connection
                    .execute_batch("pragma wal_checkpoint(truncate)")
                    .map_err(unavailable)
            });
            like_owner_of(before, &self.file);
            fs::hard_link(before, aside)
                .or_else(|_| fs::copy(before, aside).map(drop))
                .map_err(|error| unusable(aside, &error))?;
            for suffix in ["-wal", "-shm"] {
                let (from, to) = (with(before, suffix), with(aside, suffix));
                move_away(&from, &to).map_err(|error| unusable(&from, &error))?;
            }
        }
        fs::rename(&self.file, before).map_err(|error| unusable(before, &error))?;
        sync_folder(before).map_err(|error| unusable(before, &error))
    }
}

/// The file's name with something after it.
fn with(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn move_away(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A restore run by root leaves a file that the server, which is not root, can open.
fn like_owner_of(before: &Path, file: &Path) {
    use std::os::unix::fs::{MetadataExt, chown};
    if let Ok(metadata) = before.metadata() {
        // Only root may; for everyone else both are their own already.
        let _ = chown(file, Some(metadata.uid()), Some(metadata.gid()));
    }
}

fn sync_folder(file: &Path) -> io::Result<()> {
    file.parent()
        .map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

fn copy_backup(backup: &Path, file: &Path) -> Result<()> {
    if !backup.is_file() {
        return Err(refused(backup, "is no file"));
    }
    let connection = inspect::open(backup)?;
    let found = migrate::version(&connection).map_err(|_| refused(backup, "is not a database"))?;
    if found == 0 {
        return Err(refused(backup, "is not a database of Doorward"));
    }
    if found > migrate::SCHEMA_VERSION {
        let known = migrate::SCHEMA_VERSION;
        return Err(refused(
            backup,
            &format!("has schema {found} and this doorward knows {known}: use the newer doorward"),
        ));
    }
    if let Some(damage) = inspect::damage(&connection, "integrity_check") {
        return Err(refused(backup, &format!("is damaged: {damage}")));
    }
    // What an earlier restore left behind when it was interrupted.
    remove(file)
        .and_then(|()| remove(&with(file, "-journal")))
        .map_err(|error| unusable(file, &error))?;
    sqlite::copy(&connection, file)
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn open(file: &Path) -> Result<Connection> {
    let open = || {
        let connection = Connection::open(file)?;
        connection.execute_batch(
            "pragma foreign_keys = on; pragma trusted_schema = off; pragma synchronous = full;",
        )?;
        Ok(connection)
    };
    open().map_err(|error: rusqlite::Error| unusable(file, &error))
}

/// The tables, indexes, triggers and views of a database.
fn objects(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    connection
        .prepare("select type, name from sqlite_schema where name not like 'sqlite_%' order by type, name")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn epoch(connection: &Connection, database: &str) -> rusqlite::Result<i64> {
    connection.query_row(
        &format!("select value from {database}.meta where key = 'restore_epoch'"),
        [],
        |row| row.get(0),
    )
}

/// Everything that lets someone in or lets them do something, by what makes it that and no other.
fn rights(connection: &Connection, database: &str) -> rusqlite::Result<BTreeMap<Vec<u8>, Right>> {
    let mut all = BTreeMap::new();
    let mut collect = |sql: &str, read: &dyn Fn(&rusqlite::Row<'_>) -> rusqlite::Result<Right>| {
        let mut statement = connection.prepare(&sql.replace("in_db", database))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            all.insert(row.get(0)?, read(row)?);
        }
        Ok::<_, rusqlite::Error>(())
    };
    collect(ACCOUNTS, &|row| {
        let id = UserId(row.get(2)?).to_string();
        Ok(Right::Account {
            address: row.get(1)?,
            id,
            disabled: row.get(3)?,
        })
    })?;
    collect(PASSKEYS, &|row| {
        let id = URL_SAFE_NO_PAD.encode(row.get::<_, Vec<u8>>(3)?);
        Ok(Right::Passkey {
            address: row.get(1)?,
            name: row.get(2)?,
            id,
        })
    })?;
    collect(ROLES, &|row| {
        Ok(Right::Role {
            address: row.get(1)?,
            role: row.get(2)?,
        })
    })?;
    collect(PERMISSIONS, &|row| {
        Ok(Right::Permission {
            role: row.get(1)?,
            permission: row.get(2)?,
        })
    })?;
    Ok(all)
}

// The first column tells one right from another: renaming a passkey makes no new one.
const ACCOUNTS: &str = "
    select cast('a' || hex(u.id) || hex(e.email_key) || u.status as blob), e.address, u.id, u.status <> 1
      from in_db.users u
      join in_db.user_emails e on e.user_id = u.id";

const PASSKEYS: &str = "
    select cast('k' || hex(p.user_id) || hex(p.credential_id) as blob), e.address, p.name, p.credential_id
      from in_db.passkeys p
      join in_db.user_emails e on e.user_id = p.user_id";

const ROLES: &str = "
    select cast('r' || hex(g.user_id) || hex(g.role_id) as blob), e.address, r.name
      from in_db.user_roles g
      join in_db.roles r on r.id = g.role_id
      join in_db.user_emails e on e.user_id = g.user_id";

const PERMISSIONS: &str = "
    select cast('s' || hex(g.role_id) || hex(g.permission_key) as blob), r.name, p.name
      from in_db.role_permissions g
      join in_db.roles r on r.id = g.role_id
      join in_db.permissions p on p.name_key = g.permission_key";

fn unavailable(error: rusqlite::Error) -> Error {
    Error::Unavailable(error.into())
}

fn unusable(file: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::Unavailable(format!("{}: {error}", file.display()).into())
}

fn refused(backup: &Path, why: &str) -> Error {
    Error::Unavailable(format!("{} {why}; nothing was changed", backup.display()).into())
}
