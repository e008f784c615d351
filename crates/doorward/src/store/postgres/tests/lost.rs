//! Commits whose answer is missing.

use std::{
    io,
    sync::{Mutex, atomic::AtomicBool},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use tokio_postgres::config::Host;

use super::{
    super::{
        attempt::{Outcome, RECORD},
        connection::Committed,
    },
    *,
};

/// `commit`, as it is sent.
const COMMIT: &[u8] = b"Q\0\0\0\x0bcommit\0";
/// And as it is answered.
const COMMITTED: &[u8] = b"COMMIT\0";

/// What happens to the next commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    Pass,
    /// It is done, and the answer is lost with the connection.
    LoseAnswer,
    /// It is lost with the connection.
    LoseCommit,
}

/// A wire to the server that can be cut.
struct Wire {
    plan: Mutex<Plan>,
    /// Whether new connections are refused.
    is_down: AtomicBool,
    /// Tells the connections that they are lost without a word: they stand, and carry nothing.
    silences: watch::Sender<()>,
    target: (String, u16),
}

impl Wire {
    /// A wire, and the URL of the database through it.
    async fn to(database: &OnServer) -> (Arc<Self>, String) {
        let config: tokio_postgres::Config = database.url.parse().unwrap();
        let Some(Host::Tcp(host)) = config.get_hosts().first() else {
            panic!("DOORWARD_TEST_POSTGRES must name a host on the network");
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let wire = Arc::new(Self {
            plan: Mutex::new(Plan::Pass),
            is_down: AtomicBool::new(false),
            silences: watch::Sender::default(),
            target: (host.clone(), port),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = Arc::clone(&wire);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !serving.is_down.load(SeqCst) {
                    tokio::spawn(Arc::clone(&serving).carry(client));
                }
            }
        });
        let password = config.get_password().unwrap_or_default();
        let url = format!(
            "host=127.0.0.1 port={port} user={} dbname={} password='{}'",
            config.get_user().unwrap(),
            config.get_dbname().unwrap(),
            String::from_utf8_lossy(password),
        );
        (wire, url)
    }

    fn plan(&self, plan: Plan) {
        *self.plan.lock().unwrap() = plan;
    }

    async fn carry(self: Arc<Self>, mut client: TcpStream) -> io::Result<()> {
        let mut server = TcpStream::connect(&self.target).await?;
        let (mut asked, mut answered) = (vec![0; 65536], vec![0; 65536]);
        let mut loses_answer = false;
        let mut silences = self.silences.subscribe();
        loop {
            tokio::select! {
                biased;
                _ = silences.changed() => return std::future::pending().await,
                read = client.read(&mut asked) => {
                    let bytes = &asked[..read?];
                    if bytes.is_empty() {
                        return Ok(());
                    }
                    let commit = bytes.windows(COMMIT.len()).position(|part| part == COMMIT);
                    let plan = match commit {
                        Some(_) => std::mem::replace(&mut *self.plan.lock().unwrap(), Plan::Pass),
                        None => Plan::Pass,
                    };
                    if plan == Plan::LoseCommit {
                        return server.write_all(&bytes[..commit.unwrap()]).await;
                    }
                    loses_answer |= plan == Plan::LoseAnswer;
                    server.write_all(bytes).await?;
                }
                read = server.read(&mut answered) => {
                    let bytes = &answered[..read?];
                    if bytes.is_empty() {
                        return Ok(());
                    }
                    if !loses_answer {
                        client.write_all(bytes).await?;
                    } else if bytes.windows(COMMITTED.len()).any(|part| part == COMMITTED) {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// A transaction that counts how often it ran and how often it was followed.
#[derive(Clone, Default)]
struct Counted {
    runs: Arc<AtomicU64>,
    effects: Arc<AtomicU64>,
}

impl Counted {
    async fn put(&self, db: &Db, key: &str) -> Result<()> {
        db.transaction(|tx| {
            self.runs.fetch_add(1, SeqCst);
            let effects = Arc::clone(&self.effects);
            async move {
                tx.execute(PUT, values![key]).await?;
                tx.after_commit(move || _ = effects.fetch_add(1, SeqCst));
                Ok(())
            }
        })
        .await
    }

    fn counts(&self) -> (u64, u64) {
        (self.runs.load(SeqCst), self.effects.load(SeqCst))
    }
}

/// Item 129: the commit was done and only the answer is missing: it is found out, and counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_commit_whose_answer_is_lost_is_found_out() {
    let database = OnServer::create();
    let (wire, url) = Wire::to(&database).await;
    let (db, counted) = (open(&url).await, Counted::default());

    wire.plan(Plan::LoseAnswer);
    counted.put(&db, "k").await.unwrap();

    assert_eq!(counted.counts(), (1, 1));
    assert_eq!((count(&db, "k").await, db.commits()), (1, 1));
}

/// Item 129: the commit never arrived: it is found out, made impossible, and done again from the start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_commit_that_never_arrived_is_tried_again() {
    let database = OnServer::create();
    let (wire, url) = Wire::to(&database).await;
    let (db, counted) = (open(&url).await, Counted::default());

    wire.plan(Plan::LoseCommit);
    counted.put(&db, "k").await.unwrap();

    assert_eq!(counted.counts(), (2, 1));
    assert_eq!(count(&db, "k").await, 1);
}

/// Item 129: while it cannot be found out nobody is told of success; and when it can, what follows the commit follows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_commit_that_is_found_out_too_late_is_followed_all_the_same() {
    let database = OnServer::create();
    let (wire, url) = Wire::to(&database).await;
    let (db, counted) = (open(&url).await, Counted::default());

    // Leaves a connection in the pool, which the transaction takes: there will be no other.
    assert_eq!(count(&db, "k").await, 0);
    wire.plan(Plan::LoseAnswer);
    wire.is_down.store(true, SeqCst);
    let told = counted.put(&db, "k").await;
    let at_first = counted.counts();
    wire.is_down.store(false, SeqCst);

    assert!(is_unavailable(&told));
    assert_eq!(at_first, (1, 0));
    until("the effect", async || counted.counts() == (1, 1)).await;
    assert_eq!(count(&db, "k").await, 1);
}

/// Item 129: what has been given up cannot happen after all, and what has happened is not given up.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn an_attempt_is_settled_once_and_for_all() {
    let database = OnServer::create();
    let db = open(&database.url).await;
    let postgres = driver(&db);
    let commit = async |attempt: &[u8; 16], key: &str| {
        let mut lease = postgres.pool.lease().await.unwrap();
        let values = values![key];
        lease.send(PUT, values).await.unwrap().await.unwrap();
        let committed = lease.commit(RECORD, values![attempt]).await;
        lease.rollback().await.unwrap();
        matches!(committed, Committed::Yes)
    };
    let settled = async |attempt: &[u8; 16]| postgres.settle(attempt).await.unwrap();
    let (done, given_up) = (postgres.attempt(), postgres.attempt());

    assert!(commit(&done, "k1").await);
    for _ in 0..2 {
        assert_eq!(settled(&done).await, Outcome::Committed);
        assert_eq!(settled(&given_up).await, Outcome::GivenUp);
    }
    assert!(!commit(&given_up, "k2").await, "it comes too late");

    assert_eq!(count(&db, "k%").await, 1);
}

/// Whoever polls is without connections for no longer than two of their kind take to be given up: a lease, and a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn connections_that_have_fallen_silent_are_given_up_in_time() {
    const LEASE: Duration = Duration::from_secs(1);
    let database = OnServer::create();
    let (wire, url) = Wire::to(&database).await;
    let db = open(&url).await.apart(2);
    let poll = |key| db.transaction(move |tx| async move { tx.execute(PUT, values![key]).await });
    tokio::try_join!(poll("k1"), poll("k2")).unwrap();

    wire.silences.send_replace(());
    let both = tokio::join!(timeout(LEASE, poll("k3")), timeout(LEASE, poll("k4")));
    assert!(both.0.is_err() && both.1.is_err(), "{both:?}");
    let taken = until("a new connection is taken", async || {
        poll("k5").await.is_ok()
    });
    // A second, and what a busy machine takes to connect; other connections have five.
    timeout(3 * LEASE, taken).await.expect("in time");
}

/// A transaction that is still under way when it is asked for is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn an_attempt_under_way_is_waited_for() {
    let database = OnServer::create();
    let db = open(&database.url).await;
    let postgres = driver(&db);
    let attempt = postgres.attempt();
    let mut lease = postgres.pool.lease().await.unwrap();
    let values = values![&attempt];
    lease.send(RECORD, values).await.unwrap().await.unwrap();

    let asking = tokio::spawn({
        let postgres = postgres.clone();
        async move { postgres.settle(&attempt).await.unwrap() }
    });
    until("it waits", async || {
        let waiting = "select count(*) from pg_stat_activity
                        where datname = current_database() and wait_event_type = 'Lock'";
        database.rows(waiting) == [[crate::testing::Cell::Integer(1)]]
    })
    .await;
    lease.end().await.unwrap();

    assert_eq!(asking.await.unwrap(), Outcome::Committed);
}

/// A commit that a synchronous standby has not confirmed comes with a warning. It is no success until a later one, which
/// confirms what came before, comes without.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_commit_with_a_warning_is_looked_up() {
    const WARN: &str = "create function warn() returns trigger language plpgsql as $$
        begin
            raise warning 'canceling wait for synchronous replication due to user request';
            return null;
        end $$";
    let database = OnServer::create();
    let (db, counted) = (open(&database.url).await, Counted::default());
    database.change(WARN);
    let at_commit = |table: &str| {
        database.change(&format!(
            "create constraint trigger warn after insert or update on {table} deferrable initially deferred
             for each row execute function warn()"
        ));
    };

    at_commit("meta");
    counted.put(&db, "k1").await.unwrap();
    assert_eq!(counted.counts(), (1, 1));

    // Now nothing at all is confirmed.
    at_commit("attempts");
    let told = counted.put(&db, "k2").await;
    assert!(is_unavailable(&told));
    assert_eq!(counted.counts(), (2, 1));
    database.change("drop trigger warn on attempts");

    until("the effect", async || counted.counts() == (2, 2)).await;
    assert_eq!(count(&db, "k%").await, 2);
}
