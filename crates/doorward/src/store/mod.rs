//! The database: one handle, a handful of verbs, and the only place that knows which engine it is.
//!
//! Statements are shared text in the `store.rs` of each feature. They take their values as
//! parameters (`$1…$n`, first appearing in order) and read neither clock nor randomness nor configuration.
//!
//! What a transaction has done is durable before [`Db::transaction`] returns, whatever becomes of the
//! caller meanwhile; what must follow the commit (a cache forgets, mail leaves) is handed to
//! [`Tx::after_commit`] and runs after the commit and before anyone is told of it.

#[cfg(feature = "testing")]
mod faults;
mod inspect;
mod migrate;
mod restore;
mod sqlite;
#[cfg(test)]
mod tests;
mod value;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

pub use inspect::{Inspection, inspect};
pub use migrate::SCHEMA_VERSION;
pub(crate) use restore::Draft;
pub(crate) use value::{Row, Value, values};

#[cfg(feature = "testing")]
pub use faults::{Fault, Faults};

use crate::error::{Error, Result};

/// A database. Clones share it.
#[derive(Clone)]
pub(crate) struct Db {
    driver: Driver,
    counters: Arc<Counters>,
}

#[derive(Clone)]
enum Driver {
    Sqlite(Arc<sqlite::Sqlite>),
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
        expect(unused_variables, reason = "only faults look at the statement")
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

    /// The first row, if there is one.
    #[expect(
        clippy::unused_async,
        reason = "SQLite reads inline; a driver over a network waits here"
    )]
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
        }
    }

    /// All rows.
    #[expect(
        clippy::unused_async,
        reason = "SQLite reads inline; a driver over a network waits here"
    )]
    pub(crate) async fn all<T>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match &self.driver {
            Driver::Sqlite(sqlite) => sqlite.read(|connection| connection.all(sql, values, read)),
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
        }
    }

    /// A transaction of one statement; how many rows it changed.
    pub(crate) async fn execute(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64> {
        self.transaction(|mut tx| async move { tx.execute(sql, values).await })
            .await
    }

    /// Writes a consistent copy of the database into a new file.
    pub(crate) fn copy_to(&self, file: &Path) -> Result<()> {
        match &self.driver {
            Driver::Sqlite(sqlite) => sqlite.copy_to(file),
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
        }
    }

    /// The faults that tests inject.
    #[cfg(feature = "testing")]
    pub(crate) fn faults(&self) -> &Faults {
        &self.counters.faults
    }
}

/// A transaction under way.
#[derive(Clone)]
pub(crate) struct Tx {
    driver: TxDriver,
}

#[derive(Clone)]
enum TxDriver {
    Sqlite(Arc<Mutex<Option<sqlite::Tx>>>),
}

#[expect(
    clippy::unused_async,
    reason = "SQLite runs inline; a driver over a network waits here"
)]
impl Tx {
    /// The first row, if there is one.
    pub(crate) async fn optional<T>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.sqlite(|tx| tx.connection()?.optional(sql, values, read))
    }

    /// All rows.
    pub(crate) async fn all<T>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.sqlite(|tx| tx.connection()?.all(sql, values, read))
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) async fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64> {
        self.sqlite(|tx| tx.connection()?.execute(sql, values))
    }

    /// Has something done once the transaction is durable, before anyone is told that it is.
    pub(crate) fn after_commit(&mut self, effect: impl FnOnce() + Send + 'static) {
        // Fails only after the end of the transaction, when there is nothing left to follow.
        let _ = self.sqlite(|tx| {
            tx.after_commit(Box::new(effect));
            Ok(())
        });
    }

    fn sqlite<T>(&self, work: impl FnOnce(&mut sqlite::Tx) -> Result<T>) -> Result<T> {
        let TxDriver::Sqlite(tx) = &self.driver;
        let mut tx = tx.lock().unwrap_or_else(PoisonError::into_inner);
        tx.as_mut().map_or_else(
            || Err(Error::Internal("the transaction is over".into())),
            work,
        )
    }
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
