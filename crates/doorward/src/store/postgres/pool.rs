//! A few connections, shared by all.
//!
//! Whoever asks waits for a short time, and no longer. A connection that is given back in the middle of something,
//! because whoever had it went away, is first brought to rest: nobody ever gets one that is inside a transaction.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    address::Address,
    connection::{Answer, Coming, Committed, Connection, DEADLINE},
    fault::Fault,
};
use crate::{error::Error, store::value::Value};

#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    address: Arc<Address>,
    /// How long anyone waits for a connection.
    patience: Duration,
    /// How long one that was left half-way has to come to rest.
    to_rest: Duration,
    /// Whoever holds a permit takes one of `idle` before opening another, so there are never more than permits.
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(address: Arc<Address>, most: usize, patience: Duration) -> Self {
        Self::with(address, most, patience, DEADLINE)
    }

    fn with(address: Arc<Address>, most: usize, patience: Duration, to_rest: Duration) -> Self {
        Self(Arc::new(Inner {
            address,
            patience,
            to_rest,
            permits: Arc::new(Semaphore::new(most)),
            idle: Mutex::default(),
        }))
    }

    /// Other connections to the same server, for those who ask again and again and may not be without one for long.
    pub(super) fn another(&self, most: usize) -> Self {
        // The longest lease. Not less: where no standby confirms, each that is given up leaves a session waiting on the server.
        const TO_REST: Duration = Duration::from_secs(1);
        Self::with(Arc::clone(&self.0.address), most, self.0.patience, TO_REST)
    }

    /// Opens a connection however long that takes: a server that starts waits longer than a request.
    pub(super) async fn open_first(&self) -> Result<(), Fault> {
        self.put(Connection::open(&self.0.address).await?);
        Ok(())
    }

    /// A connection of one's own for a while.
    pub(super) async fn lease(&self) -> Result<Lease, Fault> {
        match timeout(self.0.patience, self.wait()).await {
            Ok(lease) => lease,
            Err(_) => Err(Fault::Failed(Error::Unavailable(
                "no connection to the database is free".into(),
            ))),
        }
    }

    async fn wait(&self) -> Result<Lease, Fault> {
        let permit = Arc::clone(&self.0.permits)
            .acquire_owned()
            .await
            .map_err(|_| Fault::Failed(Error::Unavailable("the database is closed".into())))?;
        let mut lease = Lease {
            pool: self.clone(),
            connection: self.rested(),
            permit: Some(permit),
            is_dirty: false,
        };
        if lease.connection.is_some() {
            return Ok(lease);
        }
        // In a task of its own: a server that is slow to take us in is not asked anew by each who waits too long for it.
        let opening = tokio::spawn(async move {
            let opened = Connection::open(&lease.pool.0.address).await;
            // A server that is not there is not asked again and again while someone waits.
            lease.connection = Some(opened.map_err(|fault| Fault::Failed(fault.into()))?);
            Ok(lease)
        });
        opening
            .await
            .unwrap_or_else(|error| Err(Fault::Failed(Error::Unavailable(error.into()))))
    }

    /// The connection that was used last and still stands.
    fn rested(&self) -> Option<Connection> {
        let mut idle = self.idle();
        while let Some(connection) = idle.pop() {
            if !connection.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    fn put(&self, connection: Connection) {
        if !connection.is_closed() {
            self.idle().push(connection);
        }
    }

    /// What ended one connection, a restart or a lost route, has ended those that rest beside it.
    fn forget_idle(&self) {
        let ended = std::mem::take(&mut *self.idle());
        drop(ended);
    }

    /// A panic elsewhere leaves whole connections behind, so poison means nothing here.
    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection, until it is dropped.
pub(super) struct Lease {
    pool: Pool,
    connection: Option<Connection>,
    permit: Option<OwnedSemaphorePermit>,
    /// Whether it is in a transaction, or waits for an answer.
    is_dirty: bool,
}

impl Lease {
    /// Runs a statement outside any transaction, which cannot write.
    pub(super) async fn read(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Answer, Fault> {
        self.is_dirty = true;
        let answer = self.connection()?.run(sql, values).await;
        self.is_dirty = false;
        self.look_at(answer)
    }

    /// Runs a statement in a transaction of its own.
    pub(super) async fn run_alone(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Answer, Fault> {
        self.is_dirty = true;
        let answer = self.connection()?.run_alone(sql, values).await;
        // A failure has undone the transaction, the commit that was sent with it has ended it.
        self.is_dirty = false;
        self.look_at(answer)
    }

    /// Sends a statement of the transaction, and begins that with the first. Its answer is [looked at](Self::look_at).
    pub(super) async fn send<'a>(
        &mut self,
        sql: &'static str,
        values: &'a [Value<'a>],
    ) -> Result<Coming<'a>, Fault> {
        let begins = !self.is_dirty;
        self.is_dirty = true;
        let connection = self.connection()?;
        let sent = if begins {
            connection.send_first(sql, values).await
        } else {
            connection.send(sql, values).await
        };
        self.look_at(sent)
    }

    /// Ends the transaction by a last statement and a commit.
    pub(super) async fn commit(&mut self, sql: &'static str, values: &[Value<'_>]) -> Committed {
        let committed = match self.connection() {
            Ok(connection) => connection.commit(sql, values).await,
            Err(fault) => return Committed::No(fault),
        };
        match &committed {
            Committed::Yes => self.is_dirty = false,
            Committed::No(fault) if fault.is_lost() => self.discard(),
            // Left dirty, it is rolled back.
            Committed::No(_) => {}
            Committed::Unknown => self.discard(),
        }
        committed
    }

    /// Ends a transaction that has only read. At some levels of isolation this tells whether what was read holds.
    pub(super) async fn end(&mut self) -> Result<(), Fault> {
        let ended = self.connection()?.script("commit").await;
        self.is_dirty = ended.is_err();
        self.look_at(ended)
    }

    /// Ends the transaction with nothing done.
    pub(super) async fn rollback(&mut self) -> Result<(), Fault> {
        let ended = self.connection()?.rollback().await;
        self.is_dirty = ended.is_err();
        self.look_at(ended)
    }

    fn connection(&mut self) -> Result<&mut Connection, Fault> {
        self.connection
            .as_mut()
            .ok_or_else(|| Fault::Lost(Error::Unavailable("the connection was lost".into())))
    }

    /// Lets go of a connection whose answer is that it is lost.
    pub(super) fn look_at<T>(&mut self, result: Result<T, Fault>) -> Result<T, Fault> {
        if result.as_ref().is_err_and(Fault::is_lost) {
            self.discard();
        }
        result
    }

    fn discard(&mut self) {
        self.connection = None;
        self.pool.forget_idle();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if !self.is_dirty {
            self.pool.put(connection);
            return;
        }
        // Whoever had it went away half-way. The permit goes with it until it is at rest.
        let (pool, permit) = (self.pool.clone(), self.permit.take());
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                match timeout(pool.0.to_rest, connection.rollback()).await {
                    Ok(Ok(())) => pool.put(connection),
                    // As where an answer says that it is lost.
                    _ => pool.forget_idle(),
                }
                drop(permit);
            });
        }
    }
}
