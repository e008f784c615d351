//! PostgreSQL: a few connections on which each statement is prepared once.
//!
//! A transaction takes its connection with its first statement, and its work runs where the caller is. Statements that are
//! waited for together are on their way together, in their order. Whoever goes away before the commit has done nothing: the
//! connection is rolled back before anyone else gets it. The commit itself runs in a task of its own, and so does what must
//! follow it.

mod address;
mod attempt;
mod connection;
mod fault;
mod inspect;
mod log;
mod migrate;
mod pool;
#[cfg(test)]
mod tests;
mod tls;
mod transaction;
mod value;

use std::{
    ops::Deref,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use self::{address::Address, fault::Fault, pool::Pool, transaction::Tries};
pub(super) use self::{
    address::parse,
    connection::Answer,
    inspect::{inspect, schema_version},
    transaction::Tx,
    value::cell,
};
use super::{Counters, Value};
use crate::{
    config::Database,
    error::{Error, Result},
    secret::Entropy,
    time::Clock,
};

/// A PostgreSQL server. Clones share it.
#[derive(Clone)]
pub(super) struct Postgres(Arc<Inner>);

pub(super) struct Inner {
    pool: Pool,
    counters: Arc<Counters>,
    commits: AtomicU64,
    clock: Clock,
    entropy: Entropy,
}

impl Deref for Postgres {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Postgres {
    /// Connects, and brings the schema up to date.
    pub(super) async fn open(
        url: &str,
        settings: &Database,
        counters: &Arc<Counters>,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self> {
        let address = address(url, settings.ca_file.as_deref())?;
        migrate::migrate(&address).await?;
        let most = usize::try_from(settings.connections).unwrap_or(1);
        let pool = Pool::new(Arc::new(address), most, settings.wait.to_duration());
        pool.open_first().await?;
        Ok(Self(Arc::new(Inner {
            pool,
            counters: Arc::clone(counters),
            commits: AtomicU64::new(0),
            clock,
            entropy,
        })))
    }

    /// The same server, by connections that nobody else takes.
    pub(super) fn apart(&self, most: usize) -> Self {
        Self(Arc::new(Inner {
            pool: self.pool.another(most),
            counters: Arc::clone(&self.counters),
            commits: AtomicU64::new(0),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
        }))
    }

    /// Runs a statement that reads.
    pub(super) async fn read(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Answer> {
        self.counters.statement(sql)?;
        match self.try_read(sql, values).await {
            // Its connection had ended at rest, as all do when the server restarts: a new one will do.
            Err(Fault::Lost(_)) => Ok(self.try_read(sql, values).await?),
            answer => Ok(answer?),
        }
    }

    async fn try_read(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Answer, Fault> {
        self.pool.lease().await?.read(sql, values).await
    }

    /// A transaction of one statement, all of it in one message; how many rows it changed.
    ///
    /// Where its commit is not answered it is not found out whether it has happened: it is tried again, and callers are those
    /// whose statement may be repeated.
    pub(super) async fn execute(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64> {
        self.counters.statement(sql)?;
        self.counters.statement("commit")?;
        let mut tries = Tries::new();
        let count = loop {
            match self.try_execute(sql, values).await {
                Ok(answer) => break answer.count,
                Err(Fault::Conflict(error) | Fault::Lost(error)) => {
                    tries.another(error, &self.entropy).await?;
                }
                Err(Fault::Failed(error)) => return Err(error),
            }
        };
        if count > 0 {
            self.count_commit();
        }
        Ok(count)
    }

    async fn try_execute(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Answer, Fault> {
        self.pool.lease().await?.run_alone(sql, values).await
    }

    fn count_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

/// All that makes up the schema, for who keeps a template of it.
#[cfg(feature = "testing")]
pub(crate) fn schema() -> &'static [&'static str] {
    &migrate::STEPS
}

fn address(url: &str, ca_file: Option<&Path>) -> Result<Address> {
    Address::parse(url, ca_file)
        .map_err(|why| Error::Unavailable(format!("database.url {why}").into()))
}

/// Whether a statement only reads.
fn is_read(sql: &str) -> bool {
    sql.trim_start().starts_with("select")
}
