//! One connection, and what has been prepared on it.

use std::{
    collections::HashMap,
    future::{poll_fn, ready},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures_util::{
    TryStreamExt,
    future::{BoxFuture, join},
};
use tokio::time::timeout;
use tokio_postgres::{
    AsyncMessage, Client, Row, Socket, Statement,
    error::{DbError, Severity},
};

use super::{
    address::Address,
    fault::{Fault, is_fatal},
    tls::TlsStream,
    value::type_of,
};
use crate::{
    error::{Error, Escaped},
    store::{self, Value},
};

/// How a session is set up. What is not in a transaction cannot write; so the statement that is sent together with
/// `begin` does nothing where that one fails. The server ends what takes longer than anyone waits for. What is
/// acknowledged is on disk, whatever the server does for others. Every statement that is run often finds its rows by an
/// index whatever its parameters are, so that planning it anew each time would cost more than running it; and a plan that
/// was made while a table was nearly empty must not go through all of it when it has grown. What small tables have no index
/// for counts as dear then, and would be compiled each time. Databases that only speak PostgreSQL's protocol need not know these settings.
const SETTINGS: &str = "
    set default_transaction_read_only = on;
    set client_min_messages = warning;
    set plan_cache_mode = force_generic_plan;
    set statement_timeout = '4s';
    set idle_in_transaction_session_timeout = '5s';
    select set_config(name, 'off', false) from pg_settings
     where name in ('enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'jit') and version() like 'PostgreSQL%';
    select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'";

const BEGIN: &str = "begin read write";

/// How long an answer may take: longer than the server gives a statement.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// What a statement answers: rows, and how many rows it found or changed.
pub(in crate::store) struct Answer {
    pub rows: Vec<Row>,
    pub count: u64,
}

impl Answer {
    /// What the first row holds, if there is one.
    pub(in crate::store) fn first<T>(
        &self,
        mut read: impl FnMut(&store::Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let first = self.rows.first();
        first
            .map(|row| read(&store::Row::Postgres(row)))
            .transpose()
    }

    /// What all rows hold.
    pub(in crate::store) fn all<T>(
        &self,
        mut read: impl FnMut(&store::Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let rows = self.rows.iter();
        rows.map(|row| read(&store::Row::Postgres(row))).collect()
    }
}

/// The answer to a statement that has been sent.
pub(super) type Coming<'a> = BoxFuture<'a, Result<Answer, Fault>>;

/// What became of a commit.
pub(super) enum Committed {
    Yes,
    No(Fault),
    /// The connection was lost, or a synchronous standby did not confirm.
    Unknown,
}

pub(super) struct Connection {
    /// Shared with the answers that are coming.
    client: Arc<Client>,
    statements: HashMap<&'static str, Statement>,
    /// How many warnings the server has sent.
    warnings: Arc<AtomicU64>,
}

impl Connection {
    pub(super) async fn open(address: &Address) -> Result<Self, Fault> {
        let (client, connection) = address.connect().await?;
        let warnings = Arc::<AtomicU64>::default();
        tokio::spawn(listen(connection, Arc::clone(&warnings)));
        let connection = Self {
            client: Arc::new(client),
            statements: HashMap::new(),
            warnings,
        };
        connection.script(SETTINGS).await?;
        Ok(connection)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs statements that take no parameters and answer nothing.
    pub(super) async fn script(&self, sql: &str) -> Result<(), Fault> {
        within(self.client.batch_execute(sql), sql).await
    }

    /// Runs a statement outside any transaction.
    pub(super) async fn run(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Answer, Fault> {
        let statement = self.prepared(sql, values).await?;
        within(query(&self.client, &statement, values), sql).await
    }

    /// Sends a statement, and does not wait for its answer: what is sent next reaches the server next.
    pub(super) async fn send<'a>(
        &mut self,
        sql: &'static str,
        values: &'a [Value<'a>],
    ) -> Result<Coming<'a>, Fault> {
        let statement = self.prepared(sql, values).await?;
        let client = Arc::clone(&self.client);
        let answer = async move { within(query(&client, &statement, values), sql).await };
        Ok(sent(answer).await)
    }

    /// The same, and begins a transaction with it: both are on their way before either is answered.
    pub(super) async fn send_first<'a>(
        &mut self,
        sql: &'static str,
        values: &'a [Value<'a>],
    ) -> Result<Coming<'a>, Fault> {
        let statement = self.prepared(sql, values).await?;
        let client = Arc::clone(&self.client);
        let both = async move {
            // The first is polled first, and sends what it has to say at once.
            let (begun, answer) = join(
                client.batch_execute(BEGIN),
                query(&client, &statement, values),
            )
            .await;
            begun.and(answer)
        };
        Ok(sent(async move { within(both, sql).await }).await)
    }

    /// Runs a statement in a transaction of its own: three messages, and one way there and back.
    pub(super) async fn run_alone(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Answer, Fault> {
        let statement = self.prepared(sql, values).await?;
        let warnings = self.warnings.load(Ordering::Acquire);
        let all = async {
            let opened = join(
                self.client.batch_execute(BEGIN),
                query(&self.client, &statement, values),
            );
            let ((begun, answer), committed) =
                join(opened, self.client.batch_execute("commit")).await;
            begun.and(answer).and_then(|answer| {
                committed?;
                Ok(answer)
            })
        };
        let answer = within(all, sql).await?;
        if self.warnings.load(Ordering::Acquire) == warnings {
            Ok(answer)
        } else {
            Err(Fault::Lost(Error::Unavailable(
                "the commit was not confirmed".into(),
            )))
        }
    }

    /// Ends the transaction by a last statement and a commit, which are on their way together.
    ///
    /// Where the statement fails, the server takes the commit for a rollback.
    pub(super) async fn commit(&mut self, sql: &'static str, values: &[Value<'_>]) -> Committed {
        let statement = match self.prepared(sql, values).await {
            Ok(statement) => statement,
            Err(fault) => return Committed::No(fault),
        };
        let warnings = self.warnings.load(Ordering::Acquire);
        let both = join(
            query(&self.client, &statement, values),
            self.client.batch_execute("commit"),
        );
        let Ok((last, committed)) = timeout(DEADLINE, both).await else {
            return Committed::Unknown;
        };
        if let Err(error) = last {
            return match error.as_db_error() {
                Some(_) => Committed::No(Fault::of(&error, sql)),
                None => Committed::Unknown,
            };
        }
        match committed {
            Ok(()) if self.warnings.load(Ordering::Acquire) == warnings => Committed::Yes,
            Ok(()) => Committed::Unknown,
            Err(error) => match error.as_db_error() {
                Some(told) if is_definite(told) => Committed::No(Fault::of(&error, "commit")),
                _ => Committed::Unknown,
            },
        }
    }

    /// Ends the transaction, if there is one, with nothing done.
    pub(super) async fn rollback(&self) -> Result<(), Fault> {
        self.script("rollback").await
    }

    async fn prepared(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Statement, Fault> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let types: Vec<_> = values.iter().map(type_of).collect();
        let statement = within(self.client.prepare_typed(sql, &types), sql).await?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

/// Whether a commit that fails so has done nothing for certain.
fn is_definite(error: &DbError) -> bool {
    !is_fatal(error) && error.code().code() != "40003"
}

async fn query(
    client: &Client,
    statement: &Statement,
    values: &[Value<'_>],
) -> Result<Answer, tokio_postgres::Error> {
    let answer = client.query_raw(statement, values.iter().copied()).await?;
    let mut answer = pin!(answer);
    let mut rows = Vec::new();
    while let Some(row) = answer.try_next().await? {
        rows.push(row);
    }
    let count = answer.rows_affected().unwrap_or(0);
    Ok(Answer { rows, count })
}

/// Has whoever asks say what they have to say, which they do when they are first polled, and leaves the waiting to others.
async fn sent<'a>(answer: impl Future<Output = Result<Answer, Fault>> + Send + 'a) -> Coming<'a> {
    let mut answer: Coming<'a> = Box::pin(answer);
    match poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await {
        Poll::Ready(answer) => Box::pin(ready(answer)),
        Poll::Pending => answer,
    }
}

async fn within<T>(
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    sql: &str,
) -> Result<T, Fault> {
    match timeout(DEADLINE, work).await {
        Ok(result) => result.map_err(|error| Fault::of(&error, sql)),
        Err(_) => Err(Fault::silent()),
    }
}

/// Moves what is said on a connection until it ends. Warnings are counted before the answer that they precede is
/// passed on, so that whoever has the answer finds them counted.
async fn listen(
    mut connection: tokio_postgres::Connection<Socket, TlsStream>,
    warnings: Arc<AtomicU64>,
) {
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message
            && matches!(notice.parsed_severity(), Some(Severity::Warning))
        {
            if !is_of_housekeeping(&notice) {
                warnings.fetch_add(1, Ordering::Release);
            }
            tracing::warn!(
                code = %Escaped(notice.code().code()),
                said = %Escaped(notice.message()),
                "the database warns"
            );
        }
    }
}

/// Whether a warning comes with every transaction for days, says that the server wants to be vacuumed, and nothing of the
/// commit. It has the code of the warning that a commit is not confirmed, and messages are translated: what tells them apart is
/// where in the server they come from.
fn is_of_housekeeping(notice: &DbError) -> bool {
    let places = [
        "GetNewTransactionId",
        "GetNewMultiXactId",
        "SetTransactionIdLimit",
        "SetMultiXactIdLimit",
    ];
    notice
        .routine()
        .is_some_and(|place| places.contains(&place))
}
