//! The database: one handle, a handful of verbs, and the only place that knows which engine it is.
//!
//! Statements are shared text in the `store.rs` of each feature. They take their values as
//! parameters (`$1…$n`, first appearing in order) and read neither clock nor randomness nor configuration.
//!
//! What a transaction has done is durable before [`Db::transaction`] returns, whatever becomes of the
//! caller meanwhile; what must follow the commit (a cache forgets, mail leaves) is handed to
//! [`Tx::after_commit`] and runs after the commit and before anyone is told of it.

mod closing;
#[cfg(feature = "testing")]
mod faults;
mod inspect;
mod migrate;
mod postgres;
mod restore;
mod sqlite;
#[cfg(test)]
mod tests;
mod value;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

pub use inspect::{Inspection, inspect, schema_version};
pub use migrate::SCHEMA_VERSION;
pub(crate) use restore::Draft;
pub(crate) use value::{Column, Row, Value, values};

#[cfg(feature = "testing")]
pub use faults::{Fault, Faults};
#[cfg(feature = "testing")]
pub(crate) use postgres::schema as postgres_schema;

use closing::Closing;
use futures_util::future::BoxFuture;

use crate::{
    config,
    error::{Error, Result},
    ids::IdBytes,
    secret::Entropy,
    time::{Clock, Timestamp},
};

/// A database. Clones share it.
#[derive(Clone)]
pub(crate) struct Db {
    driver: Driver,
    counters: Arc<Counters>,
}

#[derive(Clone)]
enum Driver {
    Sqlite(Arc<sqlite::Sqlite>),
    Postgres(postgres::Postgres),
}

/// How many rows a clean-up deletes in one transaction, so that nobody waits long for the writer.
///
/// The statements say so themselves: of a number that is a parameter, PostgreSQL assumes a tenth of the table.
pub(crate) const BATCH: u64 = 500;

/// Something to do after a commit.
type Effect = Box<dyn FnOnce() + Send>;

/// Does what follows a commit.
fn follow(effects: impl IntoIterator<Item = Effect>) {
    for effect in effects {
        // The commit stands: one effect that fails must not take those of the others with it.
        if catch_unwind(AssertUnwindSafe(effect)).is_err() {
            tracing::error!("what should follow a commit panicked");
        }
    }
}

/// Looks whether this is a connection string of PostgreSQL.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_url(url: &str) -> Result<(), String> {
    postgres::parse(url).map(drop)
}

/// What the database has been asked.
#[derive(Default)]
struct Counters {
    statements: AtomicU64,
    #[cfg(feature = "testing")]
    faults: Faults,
}

impl Counters {
    #[cfg_attr(
        not(feature = "testing"),
        expect(
            unused_variables,
            clippy::unnecessary_wraps,
            reason = "only faults look at the statement, and fail it"
        )
    )]
    fn statement(&self, sql: &str) -> Result<()> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        #[cfg(feature = "testing")]
        self.faults.strike(sql)?;
        Ok(())
    }
}

impl Db {
    /// Opens the SQLite database in this file, makes it where there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) when the file cannot be used, lies on a network file
    /// system, or was written by a newer Doorward.
    pub(crate) fn open_sqlite(file: &Path) -> Result<Self> {
        let counters = Arc::<Counters>::default();
        let driver = Driver::Sqlite(Arc::new(sqlite::Sqlite::open(file, &counters)?));
        Ok(Self { driver, counters })
    }

    /// Connects to the PostgreSQL server of this URL, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) when it cannot be reached, or its schema was made by a newer
    /// Doorward.
    pub(crate) async fn open_postgres(
        url: &str,
        settings: &config::Database,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self> {
        let counters = Arc::<Counters>::default();
        let postgres = postgres::Postgres::open(url, settings, &counters, clock, entropy).await?;
        Ok(Self {
            driver: Driver::Postgres(postgres),
            counters,
        })
    }

    /// The first row, if there is one.
    pub(crate) async fn optional<T>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        match &self.driver {
            Driver::Sqlite(sqlite) => {
                sqlite.read(|connection| connection.optional(sql, values, read))
            }
            Driver::Postgres(postgres) => Box::pin(postgres.read(sql, values)).await?.first(read),
        }
    }

    /// All rows.
    pub(crate) async fn all<T>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match &self.driver {
            Driver::Sqlite(sqlite) => sqlite.read(|connection| connection.all(sql, values, read)),
            Driver::Postgres(postgres) => Box::pin(postgres.read(sql, values)).await?.all(read),
        }
    }

    /// Runs a transaction: all of it happens and is durable, or, on an error, none of it.
    ///
    /// The work may be run more than once (a conflict is retried), so it only touches the database. It is given a
    /// handle of its own rather than a reference: a future that borrows its argument for any lifetime cannot be
    /// shown to be `Send`.
    ///
    /// # Errors
    /// What the work returns; [`Error::Unavailable`](crate::Error::Unavailable) when the database cannot take it.
    pub(crate) async fn transaction<T, F>(&self, work: impl Fn(Tx) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        match &self.driver {
            Driver::Sqlite(sqlite) => {
                let tx = Arc::new(Mutex::new(Some(sqlite.begin().await?)));
                let result = work(Tx {
                    driver: TxDriver::Sqlite(Arc::clone(&tx)),
                })
                .await;
                let tx = tx.lock().unwrap_or_else(PoisonError::into_inner).take();
                match (result, tx) {
                    (Ok(value), Some(tx)) => tx.commit().await.map(|()| value),
                    // Dropping a transaction undoes it.
                    (result, _) => result,
                }
            }
            Driver::Postgres(postgres) => {
                let work = postgres.transaction(|tx| {
                    let closing = Arc::<Closing>::default();
                    let tx = Tx {
                        driver: TxDriver::Postgres(tx, Arc::clone(&closing)),
                    };
                    let result = work(tx.clone());
                    async move {
                        let value = result.await?;
                        closing.work(&tx).await?;
                        Ok((value, closing))
                    }
                });
                let (value, closing) = work.await?;
                closing.rest().await;
                Ok(value)
            }
        }
    }

    /// A transaction of one statement, which does no harm when it is repeated; how many rows it changed.
    pub(crate) async fn execute(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64> {
        match &self.driver {
            Driver::Sqlite(_) => {
                self.transaction(|tx| async move { tx.execute(sql, values).await })
                    .await
            }
            Driver::Postgres(postgres) => Box::pin(postgres.execute(sql, values)).await,
        }
    }

    /// Whether other servers may change this database as well.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.driver, Driver::Postgres(_))
    }

    /// The same database, by connections that nobody else takes.
    pub(crate) fn apart(&self, connections: usize) -> Self {
        let driver = match &self.driver {
            Driver::Sqlite(sqlite) => Driver::Sqlite(Arc::clone(sqlite)),
            Driver::Postgres(postgres) => Driver::Postgres(postgres.apart(connections)),
        };
        Self {
            driver,
            counters: Arc::clone(&self.counters),
        }
    }

    /// How commits reach a standby.
    pub(crate) async fn replication(&self) -> Result<Replication> {
        match &self.driver {
            Driver::Sqlite(_) => Ok(Replication::None),
            Driver::Postgres(postgres) => postgres.replication().await,
        }
    }

    /// Polls the log of what memory must forget: its rows, for each shard from the number given on, but at least the newest.
    ///
    /// It renews the lease of this node in the same transaction, so that what comes back was read from a database that
    /// confirms commits. A file has no log to poll.
    pub(crate) async fn poll<T>(
        &self,
        node: &IdBytes,
        now: Timestamp,
        from: &[i64],
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match &self.driver {
            Driver::Sqlite(_) => Ok(Vec::new()),
            Driver::Postgres(postgres) => postgres.poll(node, now, from).await?.all(read),
        }
    }

    /// Writes a consistent copy of the database into a new file.
    pub(crate) fn copy_to(&self, file: &Path) -> Result<()> {
        match &self.driver {
            Driver::Sqlite(sqlite) => sqlite.copy_to(file),
            Driver::Postgres(_) => Err(Error::Unavailable(
                "the database is on a PostgreSQL server: back it up with pg_dump or pgBackRest"
                    .into(),
            )),
        }
    }

    /// Deletes what the driver has written for itself and needs no more; how many rows.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<u64> {
        match &self.driver {
            Driver::Sqlite(_) => Ok(0),
            Driver::Postgres(postgres) => postgres.forget_attempts(now).await,
        }
    }

    /// How many statements have been run since the start.
    pub(crate) fn statements(&self) -> u64 {
        self.counters.statements.load(Ordering::Relaxed)
    }

    /// How many commits have reached the disk since the start: fewer than transactions, which share them.
    pub(crate) fn commits(&self) -> u64 {
        match &self.driver {
            Driver::Sqlite(sqlite) => sqlite.commits(),
            Driver::Postgres(postgres) => postgres.commits(),
        }
    }

    /// The faults that tests inject.
    #[cfg(feature = "testing")]
    pub(crate) fn faults(&self) -> &Faults {
        &self.counters.faults
    }
}

/// How the commits of a database reach a standby, which may take its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replication {
    /// There is no standby.
    None,
    /// Before they are acknowledged.
    Synchronous,
    /// Some time later: a standby that takes its place may lack the newest.
    Asynchronous,
}

impl Replication {
    /// What to make of what is seen after this. A standby that is not there any more may come back, and take the place of the
    /// primary with what it knew.
    pub(crate) fn then(self, seen: Self) -> Self {
        match (self, seen) {
            (Self::Synchronous | Self::Asynchronous, Self::None) => Self::Asynchronous,
            _ => seen,
        }
    }
}

/// A transaction under way.
///
/// Statements that need nothing of each other's answers are waited for together, by `futures_util::future::try_join` and its
/// like, which poll them in their order: a server is told them in that order, and all at once, so that each sees what those
/// before it have done, and all of them cost one way there and back. In a file they are run one after the other.
///
/// What waits for a server is boxed: it would make every future that runs a statement larger, on SQLite too.
#[derive(Clone)]
pub(crate) struct Tx {
    driver: TxDriver,
}

#[derive(Clone)]
enum TxDriver {
    Sqlite(Arc<Mutex<Option<sqlite::Tx>>>),
    Postgres(Arc<postgres::Tx>, Arc<Closing>),
}

impl Tx {
    /// The first row, if there is one.
    pub(crate) async fn optional<T>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        match &self.driver {
            TxDriver::Sqlite(tx) => {
                under_way(tx, |tx| tx.connection()?.optional(sql, values, read))
            }
            TxDriver::Postgres(tx, _) => Box::pin(tx.run(sql, values)).await?.first(read),
        }
    }

    /// All rows.
    pub(crate) async fn all<T>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match &self.driver {
            TxDriver::Sqlite(tx) => under_way(tx, |tx| tx.connection()?.all(sql, values, read)),
            TxDriver::Postgres(tx, _) => Box::pin(tx.run(sql, values)).await?.all(read),
        }
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) async fn execute(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64> {
        match &self.driver {
            TxDriver::Sqlite(tx) => under_way(tx, |tx| tx.connection()?.execute(sql, values)),
            TxDriver::Postgres(tx, _) => Ok(Box::pin(tx.run(sql, values)).await?.count),
        }
    }

    /// Has something done once the transaction is durable, before anyone is told that it is.
    pub(crate) fn after_commit(&self, effect: impl FnOnce() + Send + 'static) {
        let effect = Box::new(effect);
        match &self.driver {
            TxDriver::Sqlite(tx) => {
                // Fails only after the end of the transaction, when there is nothing left to follow.
                let _ = under_way(tx, |tx| {
                    tx.after_commit(effect);
                    Ok(())
                });
            }
            TxDriver::Postgres(tx, _) => tx.after_commit(effect),
        }
    }

    /// Has a transaction that only reads end with a commit that is confirmed as if it had written: what it has read was then
    /// read from a database whose commits count. Of a file there is no other.
    pub(crate) fn confirm(&self) {
        match &self.driver {
            TxDriver::Sqlite(_) => {}
            // What something is to follow is committed.
            TxDriver::Postgres(tx, _) => tx.after_commit(Box::new(|| {})),
        }
    }

    /// Has something done last in the transaction, in this order among its like, so that the locks it takes are held no
    /// longer than a commit takes, and are taken in the same order by all. In a file, which has one lock, it is done at once.
    pub(crate) async fn do_last(
        &self,
        order: u8,
        work: impl FnOnce(Self) -> BoxFuture<'static, Result<()>> + Send + 'static,
    ) -> Result<()> {
        match &self.driver {
            TxDriver::Sqlite(_) => work(self.clone()).await,
            TxDriver::Postgres(_, closing) => {
                closing.last(order, Box::new(work));
                Ok(())
            }
        }
    }

    /// Has whoever runs the transaction wait for something after its commit. In a file there is nothing to wait for.
    pub(crate) fn wait_after_commit(&self, wait: impl Future<Output = ()> + Send + 'static) {
        match &self.driver {
            TxDriver::Sqlite(_) => {}
            TxDriver::Postgres(_, closing) => closing.wait(Box::pin(wait)),
        }
    }
}

fn under_way<T>(
    tx: &Mutex<Option<sqlite::Tx>>,
    work: impl FnOnce(&mut sqlite::Tx) -> Result<T>,
) -> Result<T> {
    let mut tx = tx.lock().unwrap_or_else(PoisonError::into_inner);
    tx.as_mut().map_or_else(
        || Err(Error::Internal("the transaction is over".into())),
        work,
    )
}

/// Where a statement may run: in a transaction, or alone.
pub(crate) trait Executor {
    /// The first row, if there is one.
    fn optional<T: Send>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T> + Send,
    ) -> impl Future<Output = Result<Option<T>>> + Send;

    /// All rows.
    fn all<T: Send>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T> + Send,
    ) -> impl Future<Output = Result<Vec<T>>> + Send;
}

impl Executor for Tx {
    async fn optional<T: Send>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T> + Send,
    ) -> Result<Option<T>> {
        Tx::optional(self, sql, values, read).await
    }

    async fn all<T: Send>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T> + Send,
    ) -> Result<Vec<T>> {
        Tx::all(self, sql, values, read).await
    }
}

impl Executor for &Db {
    async fn optional<T: Send>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T> + Send,
    ) -> Result<Option<T>> {
        Db::optional(self, sql, values, read).await
    }

    async fn all<T: Send>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T> + Send,
    ) -> Result<Vec<T>> {
        Db::all(self, sql, values, read).await
    }
}
