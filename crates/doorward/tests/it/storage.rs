//! What is on disk: the statements that put it there, its files, its key, and the clock that it is read by.
//!
//! That a network file system is refused cannot be shown here: mounting one takes a privilege.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests stop like tests"
)]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use doorward::{
    DATABASE_FILE, Doorward, Entropy, Error, ROOT_KEY_FILE, RootKey, Span,
    config::Config,
    testing::{BEGINNING, Fault, World},
};
use serde_json::json;

use crate::{codes::wrong, tables};

// ── Statements ──────────────────────────────────────────────────────────────

/// One statement of the source.
pub(crate) struct Statement {
    /// Its file and name: `codes/store.rs: ANY`.
    pub(crate) place: String,
    pub(crate) sql: String,
}

fn source_files() -> Vec<PathBuf> {
    fn walk(folder: &Path, all: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, all);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                all.push(path);
            }
        }
    }
    let mut all = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    all
}

fn is_test(path: &Path) -> bool {
    let (_, in_source) = path.to_str().unwrap().rsplit_once("/src").unwrap();
    let is = |name: &str| {
        in_source.ends_with(&format!("{name}.rs")) || in_source.contains(&format!("{name}/"))
    };
    is("tests") || is("/testing") || is("/simulation")
}

/// The constants of the source that are SQL of features. What a driver says for itself, and a restore to two databases at
/// once, is the store's own, and is tested there.
pub(crate) fn statements() -> Vec<Statement> {
    let features = source_files().into_iter();
    features
        .filter(|path| !is_test(path) && !path.to_str().unwrap().contains("/src/store/"))
        .flat_map(|path| statements_in(&path))
        .collect()
}

/// The statements of one file.
pub(crate) fn statements_in(path: &Path) -> Vec<Statement> {
    let mut all = Vec::new();
    let text = fs::read_to_string(path).unwrap();
    let file = path.to_str().unwrap().rsplit_once("/src/").unwrap().1;
    for declaration in text.split("\nconst ").skip(1) {
        let Some((name, rest)) = declaration.split_once(": &str =") else {
            continue;
        };
        let Some(sql) = rest.trim_start().strip_prefix('"') else {
            continue;
        };
        let sql = sql.split('"').next().unwrap().to_owned();
        let verb = sql.split_whitespace().next().unwrap_or_default();
        if ["select", "insert", "update", "delete", "with"].contains(&verb) {
            all.push(Statement {
                place: format!("{file}: {name}"),
                sql,
            });
        }
    }
    all
}

/// The numbers of `$n` in the order of their first appearance.
fn parameters(sql: &str) -> Vec<u32> {
    let mut seen = Vec::new();
    for after in sql.split('$').skip(1) {
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        let number = digits.parse().unwrap();
        if !seen.contains(&number) {
            seen.push(number);
        }
    }
    seen
}

#[test]
fn statements_are_found_where_features_keep_them() {
    let places: BTreeSet<_> = statements()
        .iter()
        .map(|statement| statement.place.split(": ").next().unwrap().to_owned())
        .collect();
    let expected = [
        "access/store.rs",
        "audit.rs",
        "codes/store.rs",
        "forget.rs",
        "limits/address.rs",
        "meta.rs",
        "outbox.rs",
        "passkeys/store.rs",
        "sessions/store.rs",
        "users/store.rs",
    ];
    assert_eq!(places, expected.map(str::to_owned).into());
    assert!(statements().len() > 80, "{} statements", statements().len());
}

/// `SQLite` takes `$2` for a name: `select $2, $1` bound by position comes back swapped.
#[test]
fn parameters_first_appear_in_order() {
    assert_eq!(parameters("select $2, $1, $2"), [2, 1]);
    for Statement { place, sql } in statements() {
        let found = parameters(&sql);
        let expected: Vec<u32> = (1..).take(found.len()).collect();
        assert_eq!(found, expected, "{place}");
    }
}

/// Item 110: statements are constants, and read no clock, no randomness and no collation.
#[test]
fn statements_say_the_same_to_every_database() {
    const FORBIDDEN: [&str; 53] = [
        "now(",
        "random(",
        "lower(",
        "upper(",
        "greatest(",
        "least(",
        "max($",
        "min($",
        "ilike",
        "current_timestamp",
        "datetime(",
        "strftime(",
        "unixepoch(",
        "date(",
        "nextval(",
        "->",
        "json_",
        "for update",
        "for share",
        "advisory",
        "returning *",
        "select *",
        "insert or",
        "replace into",
        "collate",
        "glob",
        "last_insert_rowid",
        "rowid",
        // What only one of them has, or has by another name.
        "::",
        "array",
        "cast(",
        "default values",
        "distinct on",
        "false",
        "generate_series",
        "group_concat",
        "ifnull(",
        "iif(",
        "lateral",
        "merge ",
        "skip locked",
        "string_agg",
        "true",
        "truncate",
        "typeof(",
        "unnest",
        "using (",
        " with ",
        "x'",
        // What both have and mean differently: case, where nothing is sorted to, what a division leaves.
        " like ",
        "nulls first",
        " / ",
        " % ",
    ];
    for Statement { place, sql } in statements() {
        let words = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = format!(" {words} ");
        for word in FORBIDDEN {
            assert!(!line.contains(word), "{place} says {word}");
        }
        let outside_quotes: String = line.split('\'').step_by(2).collect();
        assert_eq!(
            outside_quotes,
            outside_quotes.to_lowercase(),
            "{place} is lower case"
        );
        assert!(!line.contains('{'), "{place} is put together from pieces");
        assert!(!line.contains("--"), "{place} holds a comment");
        for reserved in [" user ", " session_user ", " current_user "] {
            assert!(!line.contains(reserved), "{place} uses a reserved word");
        }
        let writes_conflicts = line.contains("on conflict");
        assert!(
            !writes_conflicts || line.contains("on conflict ("),
            "{place} names no target of its conflict"
        );
        assert!(!line.contains(';'), "{place} is more than one statement");
    }
}

#[test]
fn every_statement_fits_the_schema() {
    let db = rusqlite::Connection::open_in_memory().unwrap();
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let mut steps: Vec<_> = fs::read_dir(migrations)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    steps.sort();
    assert_eq!(steps.len(), doorward::SCHEMA_VERSION);
    for step in steps {
        db.execute_batch(&fs::read_to_string(step).unwrap())
            .unwrap();
    }

    for Statement { place, sql } in statements() {
        let prepared = db.prepare(&sql);
        let statement = prepared.unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(
            statement.parameter_count(),
            parameters(&sql).len(),
            "{place}"
        );
    }
}

/// Item 129: nothing reaches the database but through the verbs of `store`, which write in `begin immediate` only; and
/// each statement is one guarded statement, never a script.
#[test]
fn only_the_store_speaks_to_the_driver() {
    for path in source_files().iter().filter(|path| !is_test(path)) {
        let text = fs::read_to_string(path).unwrap();
        let in_store = path.to_str().unwrap().contains("/src/store/");
        if in_store {
            let begins = |how: &str| text.matches(&format!("\"begin{how}")).count();
            // The second begins a migration.
            let fine = begins(" immediate\"") + begins(" read write\"") + begins("\")");
            assert_eq!(begins(""), fine, "{}", path.display());
            continue;
        }
        for word in [
            "rusqlite",
            "tokio_postgres",
            "sqlx",
            "execute_batch",
            ".prepare(",
            "prepare_cached",
        ] {
            assert!(!text.contains(word), "{} says {word}", path.display());
        }
        // A statement is named where it is run, never written there.
        let dense: String = text.split_whitespace().collect();
        for verb in [".execute(", ".optional(", ".all("] {
            for call in dense.split(verb).skip(1) {
                let end = call.find([',', ')']).unwrap();
                // `Iterator::all` takes one argument.
                if verb == ".all(" && !call[end..].starts_with(',') || call[..end].contains('|') {
                    continue;
                }
                let argument = &call[..end];
                let is_const = !argument.is_empty()
                    && argument
                        .bytes()
                        .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
                assert!(is_const, "{} runs {argument:?}", path.display());
            }
        }
    }
}

// ── Files and keys ──────────────────────────────────────────────────────────

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Item 130: the folder is its owner's, and so is each file in it.
#[tokio::test]
async fn files_are_their_owners_only() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new/data");
    let config = Config {
        data_dir: folder.clone(),
        ..Config::default()
    };
    let doorward = Doorward::builder(config)
        .without_jobs()
        .open()
        .await
        .unwrap();
    doorward.back_up(&folder.join("backup.db")).unwrap();

    assert_eq!(mode(&folder), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    for expected in [DATABASE_FILE, ROOT_KEY_FILE, "doorward.db-wal", "backup.db"] {
        assert!(
            names.iter().any(|name| name == expected),
            "{expected} in {names:?}"
        );
    }
}

async fn start(folder: &Path) -> Result<Doorward, Error> {
    let config = Config {
        data_dir: folder.into(),
        ..Config::default()
    };
    Doorward::builder(config).without_jobs().open().await
}

/// Item 125: where there is nothing yet, a key is made; where there is a database, it must be there and whole.
#[tokio::test]
async fn a_key_is_made_once_and_must_then_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(ROOT_KEY_FILE);
    start(folder.path()).await.unwrap();
    let key = fs::read_to_string(&file).unwrap();
    assert_eq!(key.trim().len(), 64);
    start(folder.path()).await.unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), key, "it is kept");

    let short = &key[..32];
    let long = format!("{}00", key.trim());
    let zeroes = "0".repeat(64);
    let pattern = "0123456789abcdef".repeat(4);
    let not_hex = "g".repeat(64);
    let placeholder = "changeme";
    for bad in [
        "",
        "\n",
        short,
        &long,
        &zeroes,
        &pattern,
        &not_hex,
        placeholder,
    ] {
        fs::write(&file, bad).unwrap();
        assert_refused(folder.path(), bad).await;
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            bad,
            "it is left as it is"
        );
    }
    fs::write(&file, [0xff; 64]).unwrap();
    assert_refused(folder.path(), "bytes that are no text").await;
    fs::remove_file(&file).unwrap();
    assert_refused(folder.path(), "no key beside a database").await;
    assert!(!file.exists(), "and none is made up");
    fs::create_dir(&file).unwrap();
    assert_refused(folder.path(), "a folder in its place").await;
    fs::remove_dir(&file).unwrap();

    fs::write(&file, format!("  {}\n\n", key.trim().to_uppercase())).unwrap();
    start(folder.path()).await.unwrap();
}

async fn assert_refused(folder: &Path, what: &str) {
    let Err(Error::Unavailable(cause)) = start(folder).await else {
        panic!("{what:?} was taken for a key");
    };
    let said = cause.to_string();
    assert!(said.contains(ROOT_KEY_FILE), "{said}");
    assert!(
        what.len() < 8 || !said.contains(what.trim()),
        "a key is not shown: {said}"
    );
}

/// Item 125: for a database on a server no key is made up: other servers would have another.
#[tokio::test]
async fn no_key_is_made_for_a_database_on_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config {
        data_dir: folder.path().into(),
        ..Config::default()
    };
    config.database.url = Some("postgres://doorward@127.0.0.1:1/doorward".into());

    let refused = Doorward::open(config).await;

    let Err(Error::Unavailable(cause)) = refused else {
        panic!("it was opened without a key");
    };
    let said = cause.to_string();
    assert!(
        said.contains(ROOT_KEY_FILE) && said.contains("openssl rand"),
        "{said}"
    );
    assert!(!folder.path().join(ROOT_KEY_FILE).exists());
}

/// Item 125: a key that is not the file's is as good, and is not written down.
#[tokio::test]
async fn a_key_of_ones_own_needs_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        data_dir: folder.path().into(),
        ..Config::default()
    };
    let key = RootKey::generate(&Entropy::seeded(1));
    let builder = Doorward::builder(config).root_key(key).without_jobs();
    builder.open().await.unwrap();
    assert!(!folder.path().join(ROOT_KEY_FILE).exists());
}

/// Item 125: another key is noticed at the start, not by everyone who is signed out.
#[tokio::test]
async fn a_key_that_the_database_was_not_made_with_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    start(folder.path()).await.unwrap();
    let config = Config {
        data_dir: folder.path().into(),
        ..Config::default()
    };
    let another = RootKey::generate(&Entropy::seeded(2));

    let refused = Doorward::builder(config)
        .root_key(another)
        .without_jobs()
        .open()
        .await;

    assert!(matches!(refused, Err(Error::Unavailable(_))));
    start(folder.path()).await.unwrap();
}

#[tokio::test]
async fn a_second_server_on_one_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path()).await.unwrap();

    let second = start(folder.path()).await;

    assert!(matches!(second, Err(Error::Unavailable(_))));
    drop(first);
    start(folder.path()).await.unwrap();
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let key = RootKey::generate(&Entropy::seeded(1));
    fs::write(folder.path().join(ROOT_KEY_FILE), key.to_hex().as_bytes()).unwrap();
    let file = folder.path().join(DATABASE_FILE);
    let text = "not a database, but someone's text\n".repeat(100);
    fs::write(&file, &text).unwrap();

    let refused = start(folder.path()).await;

    assert!(matches!(refused, Err(Error::Unavailable(_))));
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

// ── Faults ──────────────────────────────────────────────────────────────────

/// Items 129, 140: whichever statement of a sign-in fails or panics, nothing of it is left, and the same code then works.
#[tokio::test]
async fn a_sign_in_that_fails_anywhere_left_nothing() {
    const POINTS: [&str; 9] = [
        "update codes",
        "insert into users",
        "insert into user_emails",
        "insert into user_roles",
        "update users set last_sign_in_at",
        "update address_limits set failures",
        "insert into sessions",
        "insert into events",
        "commit",
    ];
    for point in POINTS {
        for (fault, status, code) in [
            (Fault::Unavailable, 503, "unavailable"),
            (Fault::Panic, 500, "internal"),
        ] {
            let world = World::new().await;
            let ada = world.native();
            ada.post("/auth/verify", json!({ "email": "ada@example.com" }))
                .await
                .created();
            let token = world.inbox("ada@example.com").await.code();
            let form = json!({ "method": "otp", "email": "ada@example.com", "token": token });
            // So that there is a count to be reset.
            let guess =
                json!({ "method": "otp", "email": "ada@example.com", "token": wrong(&token, 1) });
            ada.post("/auth/sessions", &guess)
                .await
                .problem(401, "invalid_code");
            let before = tables::dump(&world);

            world.faults().arm_once(point, fault);
            let reply = ada.post("/auth/sessions", &form).await;

            if point == "commit" {
                // A commit that panics is told like any other that fails.
                reply.problem(503, "unavailable");
            } else {
                reply.problem(status, code);
            }
            let waits = if reply.status() == 503 { "1" } else { "" };
            assert_eq!(reply.header("retry-after"), waits, "{point}");
            assert!(reply.cookies().is_empty(), "{point}");
            assert_eq!(tables::dump(&world), before, "{point} {fault:?}");
            ada.post("/auth/sessions", &form).await.created();
            ada.get("/auth/me").await.ok();
        }
    }
}

/// Item 140: whichever operation, when the database cannot be written: 503, when to come back, and nothing said of why.
#[tokio::test]
async fn every_operation_that_writes_declines_while_nothing_can_be_written() {
    let world = World::new().await;
    let ada = world.native();
    world.sign_in(&ada, "ada@example.com").await;
    world.advance(Span::minutes(1));
    world.sign_in(&world.native(), "ada@example.com").await;
    ada.get("/auth/me").await.ok();
    let before = tables::dump(&world);

    world.faults().arm("commit", Fault::Unavailable);
    let replies = [
        ada.post("/auth/verify", json!({ "email": "eve@example.com" }))
            .await,
        ada.patch("/auth/me", json!({ "firstName": "Ada" })).await,
        ada.post("/auth/me/email", json!({ "email": "new@example.com" }))
            .await,
        ada.delete("/auth/sessions/others").await,
        ada.delete("/auth/sessions/all").await,
        ada.delete("/auth/sessions").await,
        ada.delete("/auth/me").await,
    ];
    world.faults().clear();

    for reply in replies {
        reply.problem(503, "unavailable");
        assert_eq!(reply.header("retry-after"), "1");
        assert!(!reply.text().contains("fault"), "{reply}");
    }
    assert_eq!(tables::dump(&world), before);
    assert_eq!(
        ada.get("/auth/me").await.ok()["firstName"],
        serde_json::Value::Null
    );
    assert_eq!(world.inbox("eve@example.com").await.messages().len(), 0);
}

// ── The clock ───────────────────────────────────────────────────────────────

/// Item 140: a clock that is set back an hour gives nothing its time back; one set forwards ends what it should.
#[tokio::test]
async fn a_clock_that_is_set_back_revives_nothing() {
    let world = World::with(|config| config.sessions.idle = Span::minutes(30)).await;
    let (ada, late) = (world.native(), world.native());
    world.sign_in(&ada, "ada@example.com").await;
    late.post("/auth/verify", json!({ "email": "late@example.com" }))
        .await
        .created();
    let token = world.inbox("late@example.com").await.code();
    let code = json!({ "method": "otp", "email": "late@example.com", "token": token });
    ada.get("/auth/me").await.ok();
    let mut guesser = Vec::new();
    for _ in 0..10 {
        let form = json!({ "email": "busy@example.com" });
        let reply = world.native().post("/auth/verify", form).await;
        guesser.push(reply.status().as_u16());
    }
    assert_eq!(guesser.iter().filter(|&&status| status == 201).count(), 1);

    world.clock().set(BEGINNING + Span::minutes(31));
    ada.get("/auth/me").await.problem(401, "unauthenticated");
    late.post("/auth/sessions", &code)
        .await
        .problem(401, "expired_code");
    world
        .clock()
        .set(BEGINNING + Span::minutes(31) - Span::hours(1));

    ada.get("/auth/me").await.problem(401, "unauthenticated");
    let again = late.post("/auth/sessions", &code).await;
    assert_eq!(again.status(), 401, "{again}");
    world.sign_in(&ada, "ada@example.com").await;
    ada.get("/auth/me").await.ok();
    assert_eq!(
        ada.get("/auth/sessions/current").await.ok()["session"]["createdAt"],
        "2026-11-01T12:31:00.000Z",
        "time stands still until it has caught up"
    );
}
