//! SQLite: readers used inline, one writer, and commits that are shared.
//!
//! A transaction takes the writer, runs in a savepoint of its own, gives the writer back and waits.
//! The *committer*, a thread, queues for the writer as soon as the first transaction of a batch is done;
//! the queue is first come, first served, so every transaction that waits by then goes into the batch
//! before the committer, and all of them share one `fsync`. Nobody is told of success before it.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, TryLockError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use rusqlite::{
    ErrorCode, OpenFlags, ToSql,
    config::DbConfig,
    types::{ToSqlOutput, ValueRef},
};
use tokio::sync::{OwnedMutexGuard, oneshot};

use super::{Counters, Effect, Row, Value, follow, inspect, migrate, value::Cell};
use crate::error::{Error, Escaped, Result};

/// How often, a moment apart, a transaction asks for the lock that another process may hold: 5 seconds in all.
const BUSY_TRIES: u32 = 1000;
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// How long a transaction waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Sqlite {
    file: PathBuf,
    writer: Arc<tokio::sync::Mutex<Writer>>,
    /// Opened when they are first needed: a server that is asked by few needs few.
    readers: Vec<Mutex<Option<Connection>>>,
    next_reader: AtomicUsize,
    batch_opened: mpsc::Sender<()>,
    commits: Arc<AtomicU64>,
    counters: Arc<Counters>,
}

impl Sqlite {
    pub(super) fn open(file: &Path, counters: &Arc<Counters>) -> Result<Self> {
        refuse_network_file_system(file)?;
        create_private(file)?;
        let mut writer = Connection::open(
            file,
            OpenFlags::SQLITE_OPEN_READ_WRITE,
            Arc::clone(counters),
        )?;
        let unavailable = |error: rusqlite::Error| Error::Unavailable(error.into());
        writer
            .0
            .busy_timeout(Duration::from_secs(5))
            .map_err(unavailable)?;
        writer
            .0
            .execute_batch(
                // What is erased is overwritten, so that the file does not remember it. What a transaction may have to take
                // back is kept in memory, not in a file beside the database. The pages that sign-ins come back to stay in
                // memory, up to 16 MiB of them, and go to the file less often, from a log of 16 MiB.
                "pragma journal_mode = wal; pragma synchronous = full; pragma secure_delete = on;
                 pragma temp_store = memory; pragma cache_size = -16384; pragma wal_autocheckpoint = 4096;",
            )
            .map_err(unavailable)?;
        migrate::migrate(&mut writer.0, file)?;
        // From here on waiting for the lock is done without holding up a thread.
        writer.0.busy_timeout(Duration::ZERO).map_err(unavailable)?;

        let readers = thread::available_parallelism().map_or(2, usize::from) + 1;
        let writer = Writer {
            connection: writer,
            waiting: Vec::new(),
            effects: Vec::new(),
        };
        let writer = Arc::new(tokio::sync::Mutex::new(writer));
        let commits = Arc::<AtomicU64>::default();
        let batch_opened = start_committer(&writer, &commits)?;
        Ok(Self {
            file: file.into(),
            writer,
            readers: (0..readers).map(|_| Mutex::default()).collect(),
            next_reader: AtomicUsize::new(0),
            batch_opened,
            commits,
            counters: Arc::clone(counters),
        })
    }

    /// Runs a read on a reader that nobody uses at the moment.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let start = self.next_reader.fetch_add(1, Ordering::Relaxed);
        let count = self.readers.len();
        for offset in 0..count {
            match self.readers[(start + offset) % count].try_lock() {
                Ok(mut reader) => return work(self.opened(&mut reader)?),
                Err(TryLockError::Poisoned(poisoned)) => {
                    return work(self.opened(&mut poisoned.into_inner())?);
                }
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let mut reader = self.readers[start % count]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        work(self.opened(&mut reader)?)
    }

    fn opened<'a>(&self, reader: &'a mut Option<Connection>) -> Result<&'a Connection> {
        if let Some(reader) = reader {
            return Ok(reader);
        }
        let connection = Connection::open(
            &self.file,
            OpenFlags::SQLITE_OPEN_READ_WRITE,
            Arc::clone(&self.counters),
        )?;
        connection
            .0
            .pragma_update(None, "query_only", true)
            .map_err(|error| Error::Unavailable(error.into()))?;
        Ok(reader.insert(connection))
    }

    pub(super) async fn begin(&self) -> Result<Tx> {
        // Who has waited so long is told so, rather than served after having gone away.
        let writer = tokio::time::timeout(PATIENCE, Arc::clone(&self.writer).lock_owned()).await;
        let mut writer =
            writer.map_err(|_| Error::Unavailable("the database is overloaded".into()))?;
        for _ in 0..BUSY_TRIES {
            match writer.enter() {
                Err(error) if is_busy(&error) => tokio::time::sleep(BUSY_PAUSE).await,
                Err(error) => return Err(Error::Unavailable(error.into())),
                Ok(()) => {
                    let changes = writer.connection.0.total_changes();
                    let batch_opened = self.batch_opened.clone();
                    return Ok(Tx {
                        writer: Some(writer),
                        batch_opened,
                        effects: Vec::new(),
                        changes,
                    });
                }
            }
        }
        Err(Error::Unavailable(
            "another process holds the database".into(),
        ))
    }

    /// Copies over a connection of its own: `vacuum into` counts as a write, which readers refuse, and takes long.
    pub(super) fn copy_to(&self, file: &Path) -> Result<()> {
        copy(&inspect::open(&self.file)?, file)
    }

    /// Has the connection that writes run a pragma: a disk that is full, a file that may not be written.
    #[cfg(test)]
    pub(super) async fn pragma(&self, sql: &str) {
        let writer = self.writer.lock().await;
        writer.connection.0.execute_batch(sql).expect("a pragma");
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

/// The one connection that writes, with the batch that waits for its commit.
struct Writer {
    connection: Connection,
    waiting: Vec<oneshot::Sender<Result<()>>>,
    effects: Vec<Effect>,
}

impl Writer {
    /// Enters a savepoint, in the batch that is open or in a new one.
    fn enter(&mut self) -> rusqlite::Result<()> {
        if !self.is_open() {
            self.begin_batch()?;
        }
        let entered = self.savepoint();
        if entered.is_err() {
            // Some errors undo the whole transaction, and SQLite alone knows which.
            if !self.is_open() {
                self.fail("the database undid the transaction");
            } else if self.waiting.is_empty() {
                self.close();
            }
        }
        entered
    }

    fn begin_batch(&self) -> rusqlite::Result<()> {
        let mut begin = self.connection.0.prepare_cached("begin immediate")?;
        begin.execute([]).map(drop)
    }

    fn savepoint(&self) -> rusqlite::Result<()> {
        let mut savepoint = self.connection.0.prepare_cached("savepoint work")?;
        savepoint.execute([]).map(drop)
    }

    /// Whether a batch is under way: what SQLite says, which may have ended it by itself.
    fn is_open(&self) -> bool {
        !self.connection.0.is_autocommit()
    }

    /// Undoes the savepoint. An error may have undone the whole batch: then everyone in it is told.
    fn undo(&mut self) {
        let undone = self.is_open()
            && self
                .connection
                .0
                .execute_batch("rollback to work; release work")
                .is_ok();
        if !undone {
            self.fail("the database undid the transaction");
        } else if self.waiting.is_empty() {
            self.close();
        }
    }

    /// Ends a batch in which nothing was written.
    fn close(&mut self) {
        if self.connection.0.execute_batch("rollback").is_err() {
            tracing::error!("the database could not end an empty transaction");
        }
    }

    /// Makes the batch durable, lets its effects happen, and tells everyone in it.
    fn commit(&mut self, commits: &AtomicU64) {
        if self.waiting.is_empty() {
            return;
        }
        let committed = self.connection.run("commit", |connection| {
            connection.prepare_cached("commit")?.execute([]).map(drop)
        });
        if let Err(error) = committed {
            tracing::error!(error = %Escaped(&error), "a commit failed");
            self.fail("the commit failed");
            return;
        }
        // Counted before anyone is told, so that whoever was told finds it counted.
        commits.fetch_add(1, Ordering::Relaxed);
        follow(self.effects.drain(..));
        for waiting in self.waiting.drain(..) {
            // Who stopped waiting has still been served.
            let _ = waiting.send(Ok(()));
        }
    }

    /// Undoes the batch and tells everyone in it that nothing happened.
    fn fail(&mut self, why: &'static str) {
        self.effects.clear();
        if self.is_open() && self.connection.0.execute_batch("rollback").is_err() {
            tracing::error!("the database could not roll back");
        }
        for waiting in self.waiting.drain(..) {
            let _ = waiting.send(Err(Error::Unavailable(why.into())));
        }
    }
}

fn start_committer(
    writer: &Arc<tokio::sync::Mutex<Writer>>,
    commits: &Arc<AtomicU64>,
) -> Result<mpsc::Sender<()>> {
    let (batch_opened, opened) = mpsc::channel();
    let (writer, commits) = (Arc::downgrade(writer), Arc::clone(commits));
    thread::Builder::new()
        .name("doorward-commit".into())
        .spawn(move || {
            // Ends when the last handle of the database is dropped.
            while opened.recv().is_ok() {
                let Some(writer) = writer.upgrade() else {
                    break;
                };
                let mut writer = writer.blocking_lock();
                // Without this thread everyone would wait for ever, so it outlives what goes wrong on it.
                if catch_unwind(AssertUnwindSafe(|| writer.commit(&commits))).is_err() {
                    writer.fail("the commit panicked");
                }
            }
        })
        .map(|_| batch_opened)
        .map_err(|error| Error::Unavailable(error.into()))
}

/// A transaction under way: the writer is its own until it ends. Dropping it undoes it.
pub(super) struct Tx {
    writer: Option<OwnedMutexGuard<Writer>>,
    batch_opened: mpsc::Sender<()>,
    effects: Vec<Effect>,
    changes: u64,
}

impl Tx {
    pub(super) fn connection(&self) -> Result<&Connection> {
        let writer = self
            .writer
            .as_ref()
            .ok_or_else(|| Error::Internal("the transaction is over".into()))?;
        Ok(&writer.connection)
    }

    pub(super) fn after_commit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Joins the batch and waits until it is durable.
    pub(super) async fn commit(mut self) -> Result<()> {
        let Some(mut writer) = self.writer.take() else {
            return Ok(());
        };
        if let Err(error) = writer
            .connection
            .0
            .prepare_cached("release work")
            .and_then(|mut release| release.execute([]))
        {
            writer.fail("the transaction could not end");
            return Err(Error::Unavailable(error.into()));
        }
        let wrote = writer.connection.0.total_changes() != self.changes;
        if !wrote && self.effects.is_empty() && writer.waiting.is_empty() {
            writer.close();
            return Ok(());
        }
        let (done, durable) = oneshot::channel();
        writer.waiting.push(done);
        writer.effects.append(&mut self.effects);
        if writer.waiting.len() == 1 {
            // Fails only when the thread is gone, and then the answer below is an error.
            let _ = self.batch_opened.send(());
        }
        drop(writer);
        durable
            .await
            .unwrap_or_else(|_| Err(Error::Unavailable("the database is closed".into())))
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            writer.undo();
        }
    }
}

/// A connection whose statements are counted.
pub(super) struct Connection(rusqlite::Connection, Arc<Counters>);

impl Connection {
    fn open(file: &Path, flags: OpenFlags, counters: Arc<Counters>) -> Result<Self> {
        let open = || {
            let connection = rusqlite::Connection::open_with_flags(
                file,
                flags | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?;
            connection.set_prepared_statement_cache_capacity(128);
            connection.busy_timeout(Duration::from_secs(5))?;
            // Where an operator has run `analyze`, SQLite would plan anew for each value of a parameter.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.execute_batch("pragma foreign_keys = on; pragma trusted_schema = off;")?;
            Ok(connection)
        };
        open()
            .map(|connection| Self(connection, counters))
            .map_err(|error: rusqlite::Error| Error::Unavailable(error.into()))
    }

    fn run<T>(
        &self,
        sql: &str,
        work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.1.statement(sql)?;
        work(&self.0).map_err(|error| fault(error, sql))
    }

    pub(super) fn optional<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.run(sql, |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query(rusqlite::params_from_iter(values))?;
            let first = rows.next()?.map(|row| read(&Row::Sqlite(row)));
            // A statement that writes has done so only when it has run to its end.
            while rows.next()?.is_some() {}
            Ok(first.transpose())
        })?
    }

    pub(super) fn all<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.run(sql, |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query(rusqlite::params_from_iter(values))?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push(read(&Row::Sqlite(row)));
            }
            Ok(all.into_iter().collect())
        })?
    }

    pub(super) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        self.run(sql, |connection| {
            connection
                .prepare_cached(sql)?
                .execute(rusqlite::params_from_iter(values))
        })
        .map(|rows| rows as u64)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Int(Some(value)) => ValueRef::Integer(*value),
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(Some(bytes)) => ValueRef::Blob(bytes),
            Self::Int(None) | Self::Text(None) | Self::Bytes(None) => ValueRef::Null,
        }))
    }
}

/// One cell of a row; `None` when it holds what no column of ours does.
pub(super) fn cell<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> Result<Option<Cell<'a>>> {
    let cell = row
        .get_ref(column)
        .map_err(|error| Error::Internal(error.into()))?;
    Ok(match cell {
        ValueRef::Null => Some(Cell::Null),
        ValueRef::Integer(value) => Some(Cell::Int(value)),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().map(Cell::Text),
        ValueRef::Blob(bytes) => Some(Cell::Bytes(bytes)),
        ValueRef::Real(_) => None,
    })
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// A statement of ours that cannot be right is internal; anything else is a database that cannot be used now.
fn fault(error: rusqlite::Error, sql: &str) -> Error {
    match error.sqlite_error_code() {
        None
        | Some(
            ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
            | ErrorCode::ParameterOutOfRange
            | ErrorCode::Unknown,
        ) => Error::Internal(format!("{error} in: {sql}").into()),
        Some(_) => Error::Unavailable(error.into()),
    }
}

/// Writes a consistent copy into a new file that only its owner can read.
pub(super) fn copy(connection: &rusqlite::Connection, file: &Path) -> Result<()> {
    let path = file
        .to_str()
        .ok_or_else(|| Error::Unavailable("the name of the copy is not UTF-8".into()))?;
    if file.exists() {
        return Err(Error::Unavailable(format!("{path} exists already").into()));
    }
    create_private(file)?;
    let copied = connection
        .execute("vacuum into $1", [path])
        .map(drop)
        .and_then(|()| {
            fs::File::open(file)
                .and_then(|copy| copy.sync_all())
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
        });
    copied.map_err(|error| {
        // Half a copy helps nobody, and would stand in the way of the next.
        let _ = fs::remove_file(file);
        Error::Unavailable(error.into())
    })
}

/// Makes the file, readable and writable by its owner only, where there is none.
fn create_private(file: &Path) -> Result<()> {
    let made = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(file);
    made.map(drop)
        .map_err(|error| Error::Unavailable(format!("{}: {error}", file.display()).into()))
}

/// SQLite's locks do not hold over a network.
fn refuse_network_file_system(file: &Path) -> Result<()> {
    const NETWORK: [&str; 8] = [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "fuse.sshfs",
        "afs",
    ];
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let (Ok(folder), Ok(mounts)) = (folder.canonicalize(), fs::read_to_string("/proc/mounts"))
    else {
        return Ok(());
    };
    let kind = mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            Some((words.next()?, words.next()?))
        })
        .filter(|(mount, _)| folder.starts_with(mount))
        .max_by_key(|(mount, _)| mount.len())
        .map(|(_, kind)| kind);
    match kind {
        Some(kind) if NETWORK.contains(&kind) => Err(Error::Unavailable(
            format!(
                "{} lies on {kind}, where SQLite's locks do not hold: choose a local disk",
                folder.display()
            )
            .into(),
        )),
        _ => Ok(()),
    }
}
