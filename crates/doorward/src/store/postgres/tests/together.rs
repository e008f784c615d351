//! Statements that are on their way together.

use futures_util::future::{join, try_join, try_join3};
use tokio::sync::Barrier;

use super::*;

const ADD: &str = "update meta set value = value + $1 where key = $2";
const VALUE: &str = "select value from meta where key = $1";

async fn value(db: &Db, key: &str) -> i64 {
    db.optional(VALUE, values![key], |row| row.get(0))
        .await
        .unwrap()
        .unwrap()
}

/// Each sees what those before it have done, also where none was ever prepared on the connection.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn those_who_ask_at_once_are_served_in_their_order() {
    let database = OnServer::create();
    let db = open(&database.url).await;
    for round in 1..4_i64 {
        let seen = db
            .transaction(|tx| async move {
                let tx = &tx;
                let key = &format!("k{round}");
                let read = async || {
                    tx.optional(VALUE, values![key], |row| row.get::<i64>(0))
                        .await
                };
                let (_, first, (_, second)) = try_join3(
                    tx.execute(PUT, values![key]),
                    read(),
                    try_join(tx.execute(ADD, values![10_i64, key]), read()),
                )
                .await?;
                Ok((first, second))
            })
            .await;

        assert_eq!(seen.unwrap(), (Some(1), Some(11)), "round {round}");
    }
    assert_eq!(db.commits(), 3);
}

/// Two who wait for each other, each with a statement behind the one that waits: what the server says of the second, that the
/// transaction has failed, hides from nobody that it may be tried again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_conflict_of_the_first_is_tried_again() {
    let database = OnServer::create();
    let db = open(&database.url).await;
    for key in ["k1", "k2", "k3"] {
        put(&db, key).await.unwrap();
    }
    let (barrier, runs) = (Arc::new(Barrier::new(2)), Arc::<AtomicU64>::default());

    let tasks = [["k1", "k2"], ["k2", "k1"]].map(|[first, second]| {
        let (db, barrier, runs) = (db.clone(), Arc::clone(&barrier), Arc::clone(&runs));
        let met = Arc::<AtomicU64>::default();
        tokio::spawn(async move {
            db.transaction(|tx| {
                let (barrier, met) = (Arc::clone(&barrier), Arc::clone(&met));
                runs.fetch_add(1, SeqCst);
                async move {
                    tx.execute(ADD, values![1_i64, first]).await?;
                    if met.fetch_add(1, SeqCst) == 0 {
                        barrier.wait().await;
                    }
                    // Waited for by one who looks at the later answer first.
                    let (later, earlier) = join(
                        async {
                            tokio::task::yield_now().await;
                            tx.execute(ADD, values![1_i64, "k3"]).await
                        },
                        tx.execute(ADD, values![1_i64, second]),
                    )
                    .await;
                    later.and(earlier).map(drop)
                }
            })
            .await
        })
    });
    for task in tasks {
        task.await.unwrap().unwrap();
    }

    let sums = [value(&db, "k1").await, value(&db, "k2").await];
    assert_eq!((sums, value(&db, "k3").await), ([3, 3], 3));
    assert!(runs.load(SeqCst) > 2, "nobody was in anyone's way");
}

/// And what can never succeed is not tried again, whatever is said of those behind it.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_failure_of_the_first_is_its_last_word() {
    let database = OnServer::create();
    let db = open(&database.url).await;
    put(&db, "k1").await.unwrap();
    // So that all of it is prepared.
    put(&db, "k2").await.unwrap();
    let runs = &AtomicU64::new(0);

    let failed = db
        .transaction(|tx| async move {
            runs.fetch_add(1, SeqCst);
            let (first, second) = join(
                tx.execute(PUT, values!["k1"]),
                tx.execute(PUT, values!["k3"]),
            )
            .await;
            assert!(is_unavailable(&second));
            first.map(drop)
        })
        .await;

    assert!(matches!(failed, Err(Error::Internal(_))));
    assert_eq!((runs.load(SeqCst), count(&db, "k3").await), (1, 0));
}

/// Item 129: what nobody has waited for is not taken for a success.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_statement_that_nobody_waited_for_undoes_the_transaction() {
    let database = OnServer::create();
    let db = open(&database.url).await;
    put(&db, "k1").await.unwrap();

    let result = db
        .transaction(|tx| async move {
            tx.execute(PUT, values!["k2"]).await?;
            let abandoned = tx.execute(PUT, values!["k1"]).now_or_never();
            assert!(abandoned.is_none());
            Ok(())
        })
        .await;

    assert!(is_unavailable(&result));
    assert_eq!(count(&db, "k2").await, 0);
    assert_eq!(in_transactions(&database), 0);
}

/// Item 129: a request that is dropped while several answers are coming leaves no transaction open, and nothing of itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn whoever_goes_away_while_answers_are_coming_has_done_nothing() {
    let database = OnServer::create();
    // One connection, which whoever comes next gets.
    let db = open_with(&Database {
        connections: 1,
        ..settings(&database.url)
    })
    .await
    .unwrap();
    put(&db, "k").await.unwrap();
    for number in 0..40_u64 {
        let server = db.clone();
        let work = tokio::spawn(async move {
            server
                .transaction(|tx| async move {
                    let [a, b, c] = ["a", "b", "c"].map(|part| format!("w{number:02}{part}"));
                    try_join3(
                        tx.execute(PUT, values![&a]),
                        tx.execute(PUT, values![&b]),
                        tx.execute(PUT, values![&c]),
                    )
                    .await?;
                    pending::<Result<()>>().await
                })
                .await
        });
        tokio::time::sleep(std::time::Duration::from_micros(number * 50)).await;
        work.abort();
        let _ = work.await;

        put(&db, &format!("k{number}")).await.unwrap();
    }

    assert_eq!(in_transactions(&database), 0);
    assert_eq!((count(&db, "w%").await, count(&db, "k%").await), (0, 41));
}
