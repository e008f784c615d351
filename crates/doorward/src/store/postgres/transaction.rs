//! Transactions: begun with their first statement, committed in a task of their own, repeated when they conflict.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    sync::{MappedMutexGuard, MutexGuard, oneshot},
    time::{sleep, timeout},
};

use super::{
    Postgres,
    attempt::{Outcome, RECORD},
    connection::{Answer, Coming, Committed},
    fault::Fault,
    pool::Lease,
};
use crate::{
    error::{Error, Escaped, Result},
    ids::IdBytes,
    secret::Entropy,
    store::{Effect, Value, follow, values},
};

/// How often a transaction is tried, and after what time no further try is begun.
const TRIES: u32 = 5;
const TRY_FOR: Duration = Duration::from_secs(2);

/// How long, at most, is waited before the second try; before each further one twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How long a caller waits to hear what became of a commit that was not answered.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long it is looked for when nobody waits any more, for the sake of what should follow it.
const SEARCH: Duration = Duration::from_mins(30);

/// A transaction under way, shared by all who have a handle of it.
pub(in crate::store) struct Tx {
    work: tokio::sync::Mutex<Option<Work>>,
    effects: Mutex<Vec<Effect>>,
}

/// What a transaction has done so far. Dropping it undoes it.
struct Work {
    postgres: Postgres,
    /// From its first statement on.
    lease: Option<Lease>,
    /// How many statements were sent whose answers nobody has got yet.
    unanswered: usize,
    changed: bool,
    /// The first there was: what fails after it fails because of it.
    failure: Option<Failure>,
}

/// A statement has failed, and the server takes no further one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// Another try may succeed.
    Again,
    Final,
}

/// Why a transaction has not been committed.
enum End {
    Again(Error),
    Final(Error),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Conflict(error) | Fault::Lost(error) => Self::Again(error),
            Fault::Failed(error) => Self::Final(error),
        }
    }
}

impl Tx {
    pub(super) fn new(postgres: &Postgres) -> Self {
        let work = Work {
            postgres: postgres.clone(),
            lease: None,
            unanswered: 0,
            changed: false,
            failure: None,
        };
        Self {
            work: tokio::sync::Mutex::new(Some(work)),
            effects: Mutex::default(),
        }
    }

    /// Runs a statement. Those who ask at once are served in the order in which they ask, and wait for their answers
    /// together: nobody's statement stays behind for want of another's answer.
    pub(in crate::store) async fn run(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Answer> {
        let coming = self.work().await?.send(sql, values).await?;
        let answer = coming.await;
        self.work().await?.take(sql, answer)
    }

    async fn work(&self) -> Result<MappedMutexGuard<'_, Work>> {
        MutexGuard::try_map(self.work.lock().await, Option::as_mut)
            .map_err(|_| Error::Internal("the transaction is over".into()))
    }

    pub(in crate::store) fn after_commit(&self, effect: Effect) {
        self.effects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(effect);
    }

    /// Ends the transaction as its work has ended.
    async fn end<T>(&self, result: Result<T>) -> Result<T, End> {
        let Some(work) = self.work.lock().await.take() else {
            return Err(End::Final(Error::Internal(
                "the transaction is over".into(),
            )));
        };
        let effects =
            std::mem::take(&mut *self.effects.lock().unwrap_or_else(PoisonError::into_inner));
        // What nobody has waited for may have failed.
        let unknown = (work.unanswered > 0).then_some(Failure::Final);
        match (result, work.failure.or(unknown)) {
            (Ok(value), None) => work.commit(effects).await.map(|()| value),
            (Ok(_), Some(failure)) => {
                work.undo().await;
                Err(failure.end(aborted()))
            }
            (Err(error), failure) => {
                work.undo().await;
                Err(failure.unwrap_or(Failure::Final).end(error))
            }
        }
    }
}

fn aborted() -> Error {
    Error::Unavailable("a statement of the transaction failed".into())
}

impl Failure {
    fn end(self, error: Error) -> End {
        match self {
            Self::Again => End::Again(error),
            Self::Final => End::Final(error),
        }
    }
}

impl Work {
    async fn send<'a>(&mut self, sql: &'static str, values: &'a [Value<'a>]) -> Result<Coming<'a>> {
        self.postgres.counters.statement(sql)?;
        if self.failure.is_some() {
            return Err(aborted());
        }
        let sent = self.try_to_send(sql, values).await;
        if sent.is_ok() {
            self.unanswered += 1;
        }
        sent.map_err(|fault| self.fail(fault))
    }

    async fn try_to_send<'a>(
        &mut self,
        sql: &'static str,
        values: &'a [Value<'a>],
    ) -> Result<Coming<'a>, Fault> {
        let lease = match self.lease.take() {
            Some(lease) => lease,
            None => self.postgres.pool.lease().await?,
        };
        self.lease.insert(lease).send(sql, values).await
    }

    /// Takes note of an answer.
    fn take(&mut self, sql: &'static str, answer: Result<Answer, Fault>) -> Result<Answer> {
        self.unanswered -= 1;
        let answer = match &mut self.lease {
            Some(lease) => lease.look_at(answer),
            None => answer,
        };
        let answer = answer.map_err(|fault| self.fail(fault))?;
        self.changed |= answer.count > 0 && !super::is_read(sql);
        Ok(answer)
    }

    fn fail(&mut self, fault: Fault) -> Error {
        self.failure.get_or_insert(match fault {
            Fault::Failed(_) => Failure::Final,
            Fault::Conflict(_) | Fault::Lost(_) => Failure::Again,
        });
        fault.into()
    }

    /// Makes the transaction durable, whatever becomes of the caller meanwhile, and lets its effects follow.
    async fn commit(self, effects: Vec<Effect>) -> Result<(), End> {
        let Some(mut lease) = self.lease else {
            follow(effects);
            return Ok(());
        };
        if !self.changed && effects.is_empty() {
            return Ok(lease.end().await?);
        }
        let commit = self.postgres.commit(lease, effects);
        match tokio::spawn(commit).await {
            Ok(result) => result,
            Err(_) => Err(End::Final(Error::Unavailable("the commit panicked".into()))),
        }
    }

    async fn undo(self) {
        if let Some(mut lease) = self.lease {
            // A connection that cannot roll back is closed, which does.
            let _ = lease.rollback().await;
        }
    }
}

impl Postgres {
    /// Runs a transaction until it is committed, or fails for another reason than that others were in its way.
    pub(in crate::store) async fn transaction<T, F>(&self, work: impl Fn(Arc<Tx>) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut tries = Tries::new();
        loop {
            let tx = Arc::new(Tx::new(self));
            let result = work(Arc::clone(&tx)).await;
            match tx.end(result).await {
                Ok(value) => return Ok(value),
                Err(End::Again(error)) => tries.another(error, &self.entropy).await?,
                Err(End::Final(error)) => return Err(error),
            }
        }
    }

    async fn commit(self, mut lease: Lease, effects: Vec<Effect>) -> Result<(), End> {
        self.counters.statement("commit").map_err(End::Final)?;
        let attempt = self.attempt();
        match lease.commit(RECORD, values![&attempt]).await {
            Committed::Yes => {
                self.committed(effects);
                Ok(())
            }
            Committed::No(fault) => {
                // At rest before anyone is told, like after any other failure.
                let _ = lease.rollback().await;
                Err(fault.into())
            }
            Committed::Unknown => {
                drop(lease);
                self.find_out(attempt, effects).await
            }
        }
    }

    pub(super) fn committed(&self, effects: Vec<Effect>) {
        // Counted before anyone is told, so that whoever was told finds it counted.
        self.count_commit();
        follow(effects);
    }

    /// Finds out what became of a commit that was not answered. The caller hears of it if that is soon; the search goes on
    /// all the same, for what should follow the commit must follow it.
    async fn find_out(self, attempt: IdBytes, effects: Vec<Effect>) -> Result<(), End> {
        tracing::warn!("the answer to a commit is missing");
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move {
            let outcome = timeout(SEARCH, self.search(&attempt)).await;
            match outcome {
                Ok(Outcome::Committed) => self.committed(effects),
                Ok(Outcome::GivenUp) => {}
                Err(_) => tracing::error!("what became of a commit was never found out"),
            }
            // Who stopped waiting is not told.
            let _ = tell.send(outcome.ok());
        });
        match timeout(PATIENCE, told).await {
            Ok(Ok(Some(Outcome::Committed))) => Ok(()),
            Ok(Ok(Some(Outcome::GivenUp))) => Err(End::Again(Error::Unavailable(
                "the connection was lost before the commit".into(),
            ))),
            _ => Err(End::Final(Error::Unavailable(
                "it is not known whether the commit has happened".into(),
            ))),
        }
    }

    /// Asks until there is an answer.
    async fn search(&self, attempt: &IdBytes) -> Outcome {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.settle(attempt).await {
                Ok(outcome) => return outcome,
                Err(fault) => {
                    let error = Error::from(fault);
                    tracing::debug!(error = %Escaped(&error), "what became of a commit is not known yet");
                }
            }
            sleep(somewhere_in(pause, &self.entropy)).await;
            pause = (pause * 2).min(PATIENCE);
        }
    }
}

/// The tries that are left.
pub(super) struct Tries {
    left: u32,
    pause: Duration,
    begun: Instant,
}

impl Tries {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long it has been tried is measured, and nothing is dated by it"
    )]
    pub(super) fn new() -> Self {
        Self {
            left: TRIES - 1,
            pause: FIRST_PAUSE,
            begun: Instant::now(),
        }
    }

    /// Waits for the next try; the error where none is left.
    pub(super) async fn another(&mut self, error: Error, entropy: &Entropy) -> Result<()> {
        if self.left == 0 || self.begun.elapsed() > TRY_FOR {
            return Err(error);
        }
        tracing::debug!(error = %Escaped(&error), left = self.left, "a transaction is tried again");
        sleep(somewhere_in(self.pause, entropy)).await;
        self.left -= 1;
        self.pause *= 2;
        Ok(())
    }
}

/// A part of a pause, at random: those who were in each other's way do not meet again.
fn somewhere_in(pause: Duration, entropy: &Entropy) -> Duration {
    pause * u32::from(entropy.bytes::<1>()[0]) / 255
}
