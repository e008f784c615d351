use std::{
    fs,
    os::unix::fs::PermissionsExt,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    task::{Context, Waker},
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::testing::World;

const PUT: &str = "insert into meta (key, value) values ($1, 1)";
const KEYS: &str = "select key from meta where key like 'k%' order by key";

fn open() -> (Db, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open_sqlite(&folder.path().join("test.db")).unwrap();
    (db, folder)
}

/// The keys that a reader sees.
async fn keys(db: &Db) -> Vec<String> {
    db.all(KEYS, &[], |row| row.get(0)).await.unwrap()
}

async fn put(db: &Db, key: &str) -> Result<()> {
    let put = tokio::time::timeout(Duration::from_secs(20), async {
        db.execute(PUT, values![key]).await
    });
    put.await
        .expect("an answer, and not to wait for ever")
        .map(drop)
}

fn is_unavailable<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::Unavailable(_)))
}

// ── Commits that are shared ─────────────────────────────────────────────────

#[tokio::test]
async fn transactions_at_once_share_commits() {
    let (db, _folder) = open();
    let names: Vec<_> = (0..64).map(|number| format!("k{number:02}")).collect();

    let results = join_all(names.iter().map(|name| put(&db, name))).await;

    assert!(results.iter().all(Result::is_ok));
    assert_eq!(keys(&db).await, names);
    assert!(
        db.commits() <= 8,
        "64 transactions took {} commits",
        db.commits()
    );
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_its_batch_alone() {
    let (db, _folder) = open();
    let names: Vec<_> = (0..32).map(|number| format!("k{number:02}")).collect();
    let db = &db;

    let results = join_all(names.iter().enumerate().map(|(number, name)| {
        db.transaction(move |tx| async move {
            tx.execute(PUT, values![name]).await?;
            match number % 4 {
                0 => Err(Error::Forbidden),
                1 => tx.execute(PUT, values![name]).await.map(drop),
                _ => Ok(()),
            }
        })
    }))
    .await;

    for (number, result) in results.iter().enumerate() {
        match number % 4 {
            0 => assert!(matches!(result, Err(Error::Forbidden)), "{result:?}"),
            1 => assert!(matches!(result, Err(Error::Internal(_))), "{result:?}"),
            _ => assert!(result.is_ok(), "{result:?}"),
        }
    }
    let expected: Vec<_> = names
        .iter()
        .enumerate()
        .filter(|(number, _)| number % 4 > 1)
        .map(|(_, name)| name.clone())
        .collect();
    assert_eq!(keys(db).await, expected);
}

/// Item 140: nobody is told of success before the commit, and no effect runs without it.
#[tokio::test]
async fn a_commit_that_fails_did_nothing_for_anyone_in_it() {
    for fault in [Fault::Unavailable, Fault::Panic] {
        let (db, _folder) = open();
        let effects = Arc::<AtomicU64>::default();
        let names: Vec<_> = (0..16).map(|number| format!("k{number:02}")).collect();
        let put_all = async |prefix: &str| {
            let (db, effects) = (&db, &effects);
            join_all(names.iter().map(|name| {
                let name = format!("{name}{prefix}");
                tokio::time::timeout(
                    Duration::from_secs(20),
                    db.transaction(move |tx| {
                        let (name, effects) = (name.clone(), Arc::clone(effects));
                        async move {
                            tx.execute(PUT, values![&name]).await?;
                            tx.after_commit(move || _ = effects.fetch_add(1, SeqCst));
                            Ok(())
                        }
                    }),
                )
            }))
            .await
        };

        db.faults().arm("commit", fault);
        let failed = put_all("a").await;
        db.faults().clear();

        assert!(failed.iter().flatten().all(is_unavailable), "{failed:?}");
        assert_eq!(failed.iter().flatten().count(), 16, "everyone was answered");
        assert_eq!(keys(&db).await, Vec::<String>::new());
        assert_eq!(effects.load(SeqCst), 0);
        assert_eq!(db.commits(), 0);

        let again = put_all("b").await;
        assert!(again.iter().flatten().all(Result::is_ok), "{again:?}");
        assert_eq!(keys(&db).await.len(), 16);
        assert_eq!(effects.load(SeqCst), 16);
    }
}

#[tokio::test]
async fn effects_follow_the_commit_and_precede_the_answer() {
    let (db, _folder) = open();
    let (db, reader) = (&db, db.clone());
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);

    db.transaction(move |tx| {
        let (reader, told) = (reader.clone(), Arc::clone(&told));
        async move {
            tx.execute(PUT, values!["k"]).await?;
            tx.after_commit(move || {
                let keys = keys(&reader).now_or_never().unwrap();
                told.lock().unwrap().extend(keys);
            });
            Ok(())
        }
    })
    .await
    .unwrap();

    assert_eq!(
        *seen.lock().unwrap(),
        ["k"],
        "the effect saw what was committed"
    );
}

#[tokio::test]
async fn an_effect_that_panics_takes_no_other_with_it() {
    let (db, _folder) = open();
    let ran = Arc::<AtomicU64>::default();
    let counted = Arc::clone(&ran);

    let answer = db
        .transaction(move |tx| {
            let counted = Arc::clone(&counted);
            async move {
                tx.execute(PUT, values!["k1"]).await?;
                tx.after_commit(|| panic!("a defect"));
                tx.after_commit(move || _ = counted.fetch_add(1, SeqCst));
                Ok(())
            }
        })
        .await;

    assert!(answer.is_ok(), "the commit stands");
    assert_eq!(ran.load(SeqCst), 1);
    put(&db, "k2").await.unwrap();
}

// ── Work that does not end as it should ─────────────────────────────────────

#[tokio::test]
async fn a_panic_in_a_transaction_undoes_it_only() {
    let (db, _folder) = open();
    let names: Vec<_> = (0..9).map(|number| format!("k{number}")).collect();
    let db = &db;

    let results = join_all(names.iter().enumerate().map(|(number, name)| {
        let work = db.transaction(move |tx| async move {
            tx.execute(PUT, values![name]).await?;
            assert!(number % 3 != 1, "a defect");
            Ok(())
        });
        std::panic::AssertUnwindSafe(work).catch_unwind()
    }))
    .await;

    for (number, result) in results.iter().enumerate() {
        assert_eq!(result.is_err(), number % 3 == 1);
    }
    assert_eq!(keys(db).await, ["k0", "k2", "k3", "k5", "k6", "k8"]);
    put(db, "k9").await.unwrap();
}

/// Item 129: a request that is dropped at any point leaves no transaction open, and all or nothing of itself.
#[tokio::test]
async fn work_that_is_dropped_anywhere_is_done_or_undone() {
    let (db, _folder) = open();
    let (mut done, mut undone) = (0, 0);
    for polls in 0..12 {
        for contended in [false, true] {
            let [first, second] = ["a", "b"].map(|half| format!("k{polls:02}{contended}{half}"));
            let effects = Arc::<AtomicU64>::default();
            // An empty transaction waits until the commit before it has let go of the writer.
            db.transaction(|_| async { Ok(()) }).await.unwrap();
            {
                let (first, second, effects) = (&first, &second, &effects);
                let work = db.transaction(move |tx| {
                    let effects = Arc::clone(effects);
                    async move {
                        tokio::task::yield_now().await;
                        tx.execute(PUT, values![first]).await?;
                        tx.after_commit(move || _ = effects.fetch_add(1, SeqCst));
                        tokio::task::yield_now().await;
                        tx.execute(PUT, values![second]).await?;
                        tokio::task::yield_now().await;
                        Ok(())
                    }
                });
                let mut other = pin!(db.transaction(|_| std::future::pending::<Result<()>>()));
                let mut context = Context::from_waker(Waker::noop());
                if contended {
                    assert!(other.as_mut().poll(&mut context).is_pending());
                }
                let mut work = pin!(work);
                for _ in 0..polls {
                    if work.as_mut().poll(&mut context).is_ready() {
                        break;
                    }
                }
                // Both are dropped here, wherever they are.
            }

            put(&db, &format!("l{polls:02}{contended}")).await.unwrap();

            let seen: Vec<_> = keys(&db)
                .await
                .into_iter()
                .filter(|key| *key == first || *key == second)
                .collect();
            assert!(
                matches!(seen.len(), 0 | 2),
                "half of {seen:?} after {polls} polls"
            );
            assert_eq!(
                effects.load(SeqCst),
                seen.len() as u64 / 2,
                "after {polls} polls"
            );
            *(if seen.is_empty() {
                &mut undone
            } else {
                &mut done
            }) += 1;
        }
    }
    assert!(done > 3 && undone > 3, "{done} done, {undone} undone");
}

/// Item 129: what does not go through a transaction cannot write.
#[tokio::test]
async fn readers_cannot_write() {
    const PUT_AND_TELL: &str = "insert into meta (key, value) values ('k', 1) returning value";
    let (db, _folder) = open();

    let written = db
        .optional(PUT_AND_TELL, &[], |row| row.get::<i64>(0))
        .await;

    assert!(written.is_err());
    assert_eq!(keys(&db).await, Vec::<String>::new());
}

/// Item 129: a second process on the same file waits for the lock, and both see every change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_write_by_turns() {
    const COUNT: &str = "update meta set value = value + 1 where key = 'outside_changes'";
    const COUNTED: &str = "select value from meta where key = 'outside_changes'";
    let (one, folder) = open();
    let two = Db::open_sqlite(&folder.path().join("test.db")).unwrap();

    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let db = if number % 2 == 0 {
                one.clone()
            } else {
                two.clone()
            };
            tokio::spawn(async move { db.execute(COUNT, &[]).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), 1);
    }

    for db in [one, two] {
        let counted: Option<i64> = db.optional(COUNTED, &[], |row| row.get(0)).await.unwrap();
        assert_eq!(counted, Some(100));
    }
}

// ── A database that cannot be used ──────────────────────────────────────────

/// Runs a pragma on the connection that writes.
async fn pragma(db: &Db, sql: &str) {
    let Driver::Sqlite(sqlite) = &db.driver else {
        panic!("the database is no file");
    };
    sqlite.pragma(sql).await;
}

/// Item 140: a disk that is full, or a file that may not be written any more, is 503 with `Retry-After`; nobody signs
/// in, nothing is half done, nothing that was acknowledged is lost, and all goes on when there is room again.
#[tokio::test]
async fn a_database_that_cannot_be_written_declines_and_changes_nothing() {
    for (broken, mended) in [
        (
            "pragma max_page_count = 1",
            "pragma max_page_count = 1000000",
        ),
        ("pragma query_only = on", "pragma query_only = off"),
    ] {
        let world = World::new().await;
        let (ada, eve) = (world.native(), world.native());
        world.sign_in(&ada, "ada@example.com").await;
        ada.post("/auth/passkeys/authenticate/options", ())
            .await
            .ok();
        world.advance(crate::Span::seconds(30));
        eve.post("/auth/verify", json!({ "email": "eve@example.com" }))
            .await
            .created();
        let token = world.inbox("eve@example.com").await.code();
        let form = json!({ "method": "otp", "email": "eve@example.com", "token": token });
        let db = &world.doorward().db;
        pragma(db, broken).await;
        let before = ada.get("/auth/sessions/").await.ok();

        // A page here and there still has room, so that it takes a while until the disk is full.
        let mut declined = None;
        for number in 0..500 {
            world.advance(crate::Span::minutes(20));
            let form = json!({ "email": format!("{}{number}@example.com", "a".repeat(50)) });
            let caller = world
                .native()
                .from(&format!("10.0.{}.{}", number / 250, number % 250));
            let reply = caller.post("/auth/verify", form).await;
            if reply.status() != 201 {
                declined = Some(reply);
                break;
            }
        }
        let declined = declined.expect("a disk that is full in the end");
        declined.problem(503, "unavailable");
        assert_eq!(declined.header("retry-after"), "1");
        assert!(
            !declined.text().to_lowercase().contains("disk"),
            "{declined}"
        );
        assert!(
            !declined.text().to_lowercase().contains("readonly"),
            "{declined}"
        );

        pragma(db, mended).await;
        ada.get("/auth/me").await.ok();
        assert_eq!(
            ada.get("/auth/sessions/")
                .await
                .ok()
                .as_array()
                .unwrap()
                .len(),
            before.as_array().unwrap().len()
        );
        let late = world.native();
        late.post("/auth/sessions", &form)
            .await
            .problem(401, "expired_code");
        world.sign_in(&late, "eve@example.com").await;
    }
}

/// Item 140: the code of a sign-in that could not be written still works, and is worth one session.
#[tokio::test]
async fn a_sign_in_that_cannot_be_written_spends_nothing() {
    const USERS: &str = "select 1 from users";
    let world = World::new().await;
    let ada = world.native();
    ada.post("/auth/verify", json!({ "email": "ada@example.com" }))
        .await
        .created();
    let token = world.inbox("ada@example.com").await.code();
    let form = json!({ "method": "otp", "email": "ada@example.com", "token": token });
    let db = &world.doorward().db;

    pragma(db, "pragma query_only = on").await;
    for _ in 0..10 {
        let reply = ada.post("/auth/sessions", &form).await;
        reply.problem(503, "unavailable");
        assert_eq!(reply.header("retry-after"), "1");
        assert!(reply.cookies().is_empty());
    }
    pragma(db, "pragma query_only = off").await;

    assert!(db.optional(USERS, &[], |_| Ok(())).await.unwrap().is_none());
    ada.post("/auth/sessions", &form).await.created();
    ada.post("/auth/sessions", &form)
        .await
        .problem(401, "invalid_code");
}

/// Item 140: whoever is signed in is told to come back, not that they are nobody, while nothing can be read.
#[tokio::test]
async fn a_database_that_cannot_be_read_signs_nobody_out() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, "ada@example.com").await;
    let restarted = world.restarted().await;
    let cookie = browser.cookie("__Host-doorward_session").unwrap();
    let caller = restarted.browser();
    caller.set_cookie("__Host-doorward_session", &cookie);

    restarted.faults().arm(" sessions ", Fault::Unavailable);
    for path in ["/auth/me", "/auth/sessions/current", "/auth/sessions/"] {
        let reply = caller.get(path).await;
        reply.problem(503, "unavailable");
        assert!(reply.cookies().is_empty(), "{path} cleared the cookie");
    }
    restarted.faults().clear();

    caller.get("/auth/me").await.ok();
}

// ── Files and schemas ───────────────────────────────────────────────────────

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let (db, folder) = open();
    drop(db);
    let file = folder.path().join("test.db");
    let raw = rusqlite::Connection::open(&file).unwrap();
    raw.pragma_update(None, "user_version", 1000).unwrap();
    raw.execute("insert into meta (key, value) values ('kept', 7)", [])
        .unwrap();
    drop(raw);

    let Err(refused) = Db::open_sqlite(&file) else {
        panic!("a newer schema was opened");
    };

    let Error::Unavailable(cause) = refused else {
        panic!("{refused:?}");
    };
    assert!(
        cause.to_string().contains("run the newer doorward"),
        "{cause}"
    );
    let raw = rusqlite::Connection::open(&file).unwrap();
    let kept: i64 = raw
        .query_row("select value from meta where key = 'kept'", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(kept, 7);
}

/// Item 130: also the copy is its owner's only.
#[test]
fn a_database_is_copied_before_it_is_changed() {
    const ONE: &str = "create table t (a integer) strict";
    const TWO: &str = "alter table t add column b integer";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let mut db = rusqlite::Connection::open(&file).unwrap();
    migrate::migrate_by(&[ONE], &mut db, &file).unwrap();
    assert!(
        !folder.path().join("test.db.v0.bak").exists(),
        "an empty file is not worth a copy"
    );
    db.execute("insert into t (a) values (1)", []).unwrap();

    // A step that fails changes nothing, however often it is tried, and leaves copies that can be used.
    for _ in 0..2 {
        migrate::migrate_by(&[ONE, TWO, "nonsense"], &mut db, &file).unwrap_err();
        assert_eq!(migrate::version(&db).unwrap(), 1);
        db.prepare("select b from t").unwrap_err();
    }
    migrate::migrate_by(&[ONE, TWO], &mut db, &file).unwrap();

    assert_eq!(migrate::version(&db).unwrap(), 2);
    for copy in ["test.db.v1.bak", "test.db.v1.2.bak", "test.db.v1.3.bak"] {
        let copy = folder.path().join(copy);
        assert_eq!(mode(&copy), 0o600);
        let old = rusqlite::Connection::open(&copy).unwrap();
        assert_eq!(migrate::version(&old).unwrap(), 1);
        let a: i64 = old
            .query_row("select a from t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(a, 1);
    }
    migrate::migrate_by(&[ONE, TWO], &mut db, &file).unwrap();
    assert!(
        !folder.path().join("test.db.v2.bak").exists(),
        "nothing to do, nothing to copy"
    );
}

/// A backup is whole, its owner's only, and never written over another file.
#[tokio::test]
async fn a_copy_is_made_while_the_server_runs() {
    let (db, folder) = open();
    put(&db, "k1").await.unwrap();
    let file = folder.path().join("copy.db");

    db.copy_to(&file).unwrap();
    put(&db, "k2").await.unwrap();

    assert_eq!(mode(&file), 0o600);
    assert!(db.copy_to(&file).is_err(), "what is there stays");
    assert_eq!(keys(&Db::open_sqlite(&file).unwrap()).await, ["k1"]);
    assert!(db.copy_to(&folder.path().join("no/such/folder")).is_err());
}

/// A standby that went may come back, and be promoted.
#[test]
fn a_standby_that_was_seen_is_reckoned_with() {
    use super::Replication::{Asynchronous, None, Synchronous};
    for (before, seen, then) in [
        (None, None, None),
        (None, Synchronous, Synchronous),
        (None, Asynchronous, Asynchronous),
        (Synchronous, None, Asynchronous),
        (Synchronous, Asynchronous, Asynchronous),
        (Asynchronous, None, Asynchronous),
        (Asynchronous, Synchronous, Synchronous),
    ] {
        assert_eq!(before.then(seen), then, "{before:?}, {seen:?}");
    }
}
