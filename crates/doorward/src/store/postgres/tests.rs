use std::{
    future::{pending, poll_fn},
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    task::Poll,
};

use futures_util::{FutureExt, future::join_all};

use super::*;
use crate::{
    Span,
    store::{Db, Driver, Fault as Struck, values},
    testing::database::OnServer,
};

mod encrypted;
mod lost;
mod together;

const PUT: &str = "insert into meta (key, value) values ($1, 1)";
const COUNT: &str = "select count(*) from meta where key like $1";

fn settings(url: &str) -> Database {
    Database {
        url: Some(url.to_owned()),
        connections: 8,
        wait: Span::seconds(10),
        ..Database::default()
    }
}

async fn open_with(settings: &Database) -> Result<Db> {
    let url = settings.url.as_deref().unwrap();
    Db::open_postgres(url, settings, Clock::system(), Entropy::system()).await
}

async fn open(url: &str) -> Db {
    open_with(&settings(url)).await.unwrap()
}

async fn put(db: &Db, key: &str) -> Result<()> {
    db.transaction(|tx| async move { tx.execute(PUT, values![key]).await.map(drop) })
        .await
}

/// How many keys are like this.
async fn count(db: &Db, like: &str) -> i64 {
    db.optional(COUNT, values![like], |row| row.get(0))
        .await
        .unwrap()
        .unwrap()
}

fn is_unavailable<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::Unavailable(_)))
}

/// How many sessions of the server are in a transaction and wait for its client.
fn in_transactions(database: &OnServer) -> i64 {
    let sql = "select count(*) from pg_stat_activity
                where datname = current_database() and state like 'idle in transaction%'";
    match database.rows(sql)[0][0] {
        crate::testing::Cell::Integer(count) => count,
        _ => panic!("no number"),
    }
}

/// Waits until this is so; tests have no other way to hear of what is done in the background.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{what}: never");
}

// ── Transactions ────────────────────────────────────────────────────────────

#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn effects_follow_the_commit_and_precede_the_answer() {
    let database = OnServer::create();
    let (db, done) = (open(&database.url).await, Arc::<AtomicU64>::default());

    db.transaction(|tx| {
        let done = Arc::clone(&done);
        async move {
            tx.execute(PUT, values!["k"]).await?;
            tx.after_commit(|| panic!("a defect"));
            tx.after_commit(move || _ = done.fetch_add(1, SeqCst));
            Ok(())
        }
    })
    .await
    .unwrap();

    assert_eq!(
        done.load(SeqCst),
        1,
        "one that panics takes no other with it"
    );
    assert_eq!((count(&db, "k").await, db.commits()), (1, 1));
}

/// Item 140: nobody is told of success before the commit, and no effect runs without it.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_commit_that_fails_did_nothing() {
    let database = OnServer::create();
    let db = open(&database.url).await;
    for fault in [Struck::Unavailable, Struck::Panic] {
        let done = Arc::<AtomicU64>::default();
        db.faults().arm("commit", fault);

        let failed = db
            .transaction(|tx| {
                let done = Arc::clone(&done);
                async move {
                    tx.execute(PUT, values!["k"]).await?;
                    tx.after_commit(move || _ = done.fetch_add(1, SeqCst));
                    Ok(())
                }
            })
            .await;
        // It commits where the caller is, and a panic is the caller's.
        let alone = AssertUnwindSafe(db.execute(PUT, values!["k"]))
            .catch_unwind()
            .await;
        db.faults().clear();

        assert!(is_unavailable(&failed));
        assert!(alone.is_err() || is_unavailable(&alone.unwrap()));
        assert_eq!((count(&db, "k").await, done.load(SeqCst)), (0, 0));
    }
    put(&db, "k").await.unwrap();
}

/// Item 129: a transaction that goes on after a statement has failed is not taken for a success.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_failure_that_nobody_noticed_is_none_the_less_one() {
    let database = OnServer::create();
    let db = open(&database.url).await;

    let result = db
        .transaction(|tx| async move {
            tx.execute(PUT, values!["k1"]).await?;
            let _ = tx.execute(PUT, values!["k1"]).await;
            let _ = tx.execute(PUT, values!["k2"]).await;
            Ok(())
        })
        .await;

    assert!(is_unavailable(&result));
    assert_eq!(count(&db, "k%").await, 0);
}

/// Item 129: a request that is dropped at any point leaves no transaction open, and all or nothing of itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn work_that_is_dropped_anywhere_is_done_or_undone() {
    let database = OnServer::create();
    let db = open(&database.url).await;
    let (mut done, mut undone) = (0, 0);
    for waits in 0.. {
        let effects = Arc::<AtomicU64>::default();
        let followed = &effects;
        let mut work = Box::pin(db.transaction(|tx| {
            let followed = Arc::clone(followed);
            async move {
                let [first, second] = ["a", "b"].map(|half| format!("k{waits:03}{half}"));
                tx.execute(PUT, values![&first]).await?;
                tx.after_commit(move || _ = followed.fetch_add(1, SeqCst));
                tx.execute(PUT, values![&second]).await.map(drop)
            }
        }));
        let is_over = ends_within(&mut work, waits).await;
        drop(work);

        // A commit under way goes on; it is over when every connection is at rest.
        until("at rest", async || in_transactions(&database) == 0).await;
        let like = format!("k{waits:03}%");
        until("the same number of effects", async || {
            count(&db, &like).await == 2 * i64::try_from(effects.load(SeqCst)).unwrap()
        })
        .await;
        *(if effects.load(SeqCst) == 0 {
            &mut undone
        } else {
            &mut done
        }) += 1;
        if is_over {
            break;
        }
    }
    assert!(done > 0 && undone > 0, "{done} done, {undone} undone");
}

/// Whether the work comes to its end before it has waited more often than this.
async fn ends_within(work: &mut (impl Future + Unpin), mut waits: u32) -> bool {
    poll_fn(|context| {
        if work.poll_unpin(context).is_ready() {
            return Poll::Ready(true);
        }
        match waits.checked_sub(1) {
            Some(left) => waits = left,
            None => return Poll::Ready(false),
        }
        Poll::Pending
    })
    .await
}

/// Item 129: what does not go through a transaction cannot write.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn reads_cannot_write() {
    const PUT_AND_TELL: &str = "insert into meta (key, value) values ('k', 1) returning value";
    let database = OnServer::create();
    let db = open(&database.url).await;

    let written = db
        .optional(PUT_AND_TELL, &[], |row| row.get::<i64>(0))
        .await;

    assert!(written.is_err());
    assert_eq!(count(&db, "k").await, 0);
}

/// Of many who read and then write at once, those who were overtaken try again: at the strictest isolation nobody is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn conflicts_are_tried_again() {
    const READ: &str = "select value from meta where key = 'outside_changes'";
    const WRITE: &str = "update meta set value = $1 where key = 'outside_changes'";
    let database = OnServer::create();
    let strict = format!(
        "{} options='-c default_transaction_isolation=serializable'",
        database.url
    );
    let db = open(&strict).await;
    let tries = Arc::<AtomicU64>::default();

    let tasks = (0..3).map(|_| {
        let (db, tries) = (db.clone(), Arc::clone(&tries));
        tokio::spawn(async move {
            db.transaction(|tx| {
                tries.fetch_add(1, SeqCst);
                async move {
                    let value = tx.optional(READ, &[], |row| row.get::<i64>(0)).await?;
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    let value = value.unwrap() + 1;
                    tx.execute(WRITE, values![value]).await.map(drop)
                }
            })
            .await
        })
    });
    let results = join_all(tasks).await;

    assert!(results.into_iter().all(|result| result.unwrap().is_ok()));
    let value: Option<i64> = db.optional(READ, &[], |row| row.get(0)).await.unwrap();
    assert_eq!(value, Some(3));
    assert!(tries.load(SeqCst) > 3, "nobody was in anyone's way");
}

/// Two who wait for each other: the server sends one back, and both are done in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_deadlock_is_tried_again() {
    const ADD: &str = "update meta set value = value + 1 where key = $1";
    let database = OnServer::create();
    let db = open(&database.url).await;
    put(&db, "k1").await.unwrap();
    put(&db, "k2").await.unwrap();
    let barrier = Arc::new(tokio::sync::Barrier::new(2));

    let tasks = [["k1", "k2"], ["k2", "k1"]].map(|[first, second]| {
        let (db, barrier) = (db.clone(), Arc::clone(&barrier));
        let met = Arc::<AtomicU64>::default();
        tokio::spawn(async move {
            db.transaction(|tx| {
                let (barrier, met) = (Arc::clone(&barrier), Arc::clone(&met));
                async move {
                    tx.execute(ADD, values![first]).await?;
                    if met.fetch_add(1, SeqCst) == 0 {
                        barrier.wait().await;
                    }
                    tx.execute(ADD, values![second]).await.map(drop)
                }
            })
            .await
        })
    });
    for task in tasks {
        task.await.unwrap().unwrap();
    }

    let sum = "select value from meta where key like 'k%'";
    let values = db.all(sum, &[], |row| row.get::<i64>(0)).await.unwrap();
    assert_eq!(values, [3, 3]);
}

// ── Connections ─────────────────────────────────────────────────────────────

/// Item 140: whoever finds no connection free is told soon, and nobody waits for ever.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn there_are_no_more_connections_than_configured() {
    let database = OnServer::create();
    let settings = Database {
        connections: 2,
        wait: Span::millis(50),
        ..settings(&database.url)
    };
    let db = open_with(&settings).await.unwrap();
    let holders: Vec<_> = (0..2)
        .map(|number| {
            let db = db.clone();
            tokio::spawn(async move {
                db.transaction(|tx| async move {
                    let key = format!("k{number}");
                    tx.execute(PUT, values![&key]).await?;
                    pending::<Result<()>>().await
                })
                .await
            })
        })
        .collect();
    until("both hold a transaction", async || {
        in_transactions(&database) == 2
    })
    .await;

    let third = put(&db, "k3").await;
    for holder in holders {
        holder.abort();
    }

    assert!(is_unavailable(&third));
    until("a connection is free", async || {
        put(&db, "k4").await.is_ok()
    })
    .await;
    assert_eq!(count(&db, "k%").await, 1);
}

/// A server that was restarted ends all connections; that is no failure of whoever comes next.
/// Whoever starts has a connection already, and does not give up where opening one takes longer than requests wait.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_start_waits_longer_than_a_request() {
    let database = OnServer::create();
    let impatient = Database {
        wait: Span::millis(1),
        ..settings(&database.url)
    };

    for _ in 0..20 {
        let db = open_with(&impatient).await.unwrap();

        assert_eq!(count(&db, "k").await, 0);
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn connections_that_ended_at_rest_are_replaced() {
    const END: &str = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                        where datname = current_database() and pid <> pg_backend_pid()";
    let database = OnServer::create();
    let db = open(&database.url).await;
    for key in ["k1", "k2", "k3"] {
        put(&db, key).await.unwrap();
        database.rows(END);
        assert_eq!(count(&db, key).await, 1);
        database.rows(END);
    }
    put(&db, "k4").await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_to_be_unavailable() {
    let nowhere = settings("postgres://doorward@127.0.0.1:1/doorward");
    let opened = open_with(&nowhere).await;

    assert!(opened.is_err_and(|error| matches!(error, Error::Unavailable(_))));
}

// ── The schema ──────────────────────────────────────────────────────────────

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn servers_that_start_at_once_migrate_by_turns() {
    let database = OnServer::empty();
    let settings = settings(&database.url);

    let opened = join_all((0..4).map(|_| open_with(&settings))).await;

    for db in opened {
        put(&db.unwrap(), "k").await.unwrap_or_default();
    }
    let seeds = database.rows("select count(*) from roles");
    assert_eq!(seeds, [[crate::testing::Cell::Integer(2)]]);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_newer_schema_is_refused_and_left_alone() {
    let database = OnServer::create();
    database.change("update schema_version set version = 1000");

    let Err(Error::Unavailable(cause)) = open_with(&settings(&database.url)).await else {
        panic!("a newer schema was opened");
    };

    let said = cause.to_string();
    assert!(said.contains("run the newer doorward"), "{said}");
    let version = database.rows("select version from schema_version");
    assert_eq!(version, [[crate::testing::Cell::Integer(1000)]]);
}

/// Two that start at once, of which the newer comes first.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_newer_schema_that_was_waited_for_is_refused() {
    let database = OnServer::create();
    database.change("update schema_version set version = 5");
    let address = Arc::new(address(&database.url, None).unwrap());
    let (newer, connection) = address.connect().await.unwrap();
    tokio::spawn(connection);
    newer
        .batch_execute("begin; update schema_version set version = 1000")
        .await
        .unwrap();

    let (older, ours) = (Arc::clone(&address), migrate::STEPS);
    let older = tokio::spawn(async move { migrate::try_to_migrate(&older, &ours).await });
    until("the older waits", async || {
        let waiting = "select pid::bigint from pg_stat_activity
                        where datname = current_database() and wait_event_type = 'Lock'";
        !database.rows(waiting).is_empty()
    })
    .await;
    newer.batch_execute("commit").await.unwrap();

    let Err(Error::Unavailable(cause)) = older.await.unwrap().unwrap() else {
        panic!("a newer schema was taken for this one");
    };
    assert!(
        cause.to_string().contains("run the newer doorward"),
        "{cause}"
    );
    let version = database.rows("select version from schema_version");
    assert_eq!(version, [[crate::testing::Cell::Integer(1000)]]);
}

/// What is acknowledged is on disk, though the server, as for tests here, does not see to it for others.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn commits_are_durable_whatever_the_server_does_for_others() {
    const SHOW: &str = "select current_setting('synchronous_commit')";
    let database = OnServer::create();
    let shown = database.rows(SHOW);
    assert_eq!(shown, [[crate::testing::Cell::Text("off".into())]]);

    let db = open(&database.url).await;
    let ours = db.optional(SHOW, &[], |row| row.get::<String>(0)).await;

    assert_eq!(ours.unwrap().as_deref(), Some("on"));
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_step_that_fails_changes_nothing() {
    const STEPS: [&str; 2] = ["create table t (a bigint)", "nonsense"];
    let database = OnServer::empty();
    let address = address(&database.url, None).unwrap();

    for _ in 0..2 {
        assert!(migrate::try_to_migrate(&address, &STEPS).await.is_err());
        let tables = database.rows("select tablename::text from pg_tables where tablename = 't'");
        assert!(tables.is_empty());
    }
    let migrated = migrate::try_to_migrate(&address, &STEPS[..1]).await;
    assert!(migrated.unwrap().is_ok());
}

/// Rows of attempts are kept for as long as anyone may ask for them.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn attempts_are_forgotten_in_time() {
    const ATTEMPTS: &str = "select count(*) from attempts";
    let database = OnServer::create();
    let db = open(&database.url).await;
    let attempts = async || {
        let count = db.optional(ATTEMPTS, &[], |row| row.get::<i64>(0));
        count.await.unwrap().unwrap()
    };
    for key in ["k1", "k2", "k3"] {
        put(&db, key).await.unwrap();
    }
    let now = Clock::system().now();

    assert_eq!(db.sweep(now).await.unwrap(), 0);
    assert_eq!(attempts().await, 3);
    assert_eq!(db.sweep(now + Span::hours(2)).await.unwrap(), 3);
    assert_eq!(attempts().await, 0);
}

fn driver(db: &Db) -> &Postgres {
    match &db.driver {
        Driver::Postgres(postgres) => postgres,
        Driver::Sqlite(_) => panic!("another database"),
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_transaction_that_does_nothing_asks_nothing() {
    let database = OnServer::create();
    let db = open(&database.url).await;
    let before = db.statements();

    let done = db.transaction(|_| async { Ok(7) }).now_or_never();

    assert_eq!(done.unwrap().unwrap(), 7);
    assert_eq!((db.statements(), db.commits()), (before, 0));
}

/// What was read in a transaction that is to be confirmed was read from a database that confirms.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_transaction_that_only_reads_is_confirmed_where_it_is_to_be() {
    let database = OnServer::create();
    let db = open(&database.url).await;
    for (confirms, commits) in [(false, 0), (true, 1)] {
        db.transaction(|tx| async move {
            if confirms {
                tx.confirm();
            }
            tx.optional("select key from meta", &[], |_| Ok(())).await
        })
        .await
        .unwrap();

        assert_eq!(db.commits(), commits);
    }
}
