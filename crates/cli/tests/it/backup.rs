//! `doorward backup`, `restore` and `migrate`

use std::fs;

use serde_json::{Value, json};

use crate::machine::{Machine, Ran};

/// A passkey, as only a browser can make one otherwise.
fn add_passkey(machine: &Machine, address: &str) {
    machine.sql(&format!(
        "insert into passkeys (credential_id, user_id, public_key, algorithm, sign_count, aaguid, transports, user_verified,
                               backup_eligible, backed_up, name, created_at)
         select x'c0ffee', user_id, x'00', -7, 0, x'00', '', 1, 0, 0, 'Phone', 0 from user_emails where address = '{address}'"
    ));
}

fn count(machine: &Machine, query: &str) -> i64 {
    let database = rusqlite::Connection::open(machine.path("doorward-data/doorward.db")).unwrap();
    database.query_row(query, [], |row| row.get(0)).unwrap()
}

fn epoch(machine: &Machine) -> i64 {
    count(
        machine,
        "select value from meta where key = 'restore_epoch'",
    )
}

/// Item 139: a backup brings back accounts, and nothing that was revoked since without saying so.
#[test]
fn a_restore_ends_what_was_and_names_what_comes_back() {
    let machine = Machine::new();
    let server = machine.serve();
    let ada = server.sign_in("ada@example.com");
    let bob = server.sign_in("bob@example.com");
    machine.run("admin grant ada@example.com").succeeded();
    machine.run("admin grant bob@example.com").succeeded();
    add_passkey(&machine, "bob@example.com");
    machine
        .run("backup copy.db")
        .succeeded()
        .says("Wrote copy.db")
        .says("root key is not in it");
    assert_eq!(machine.mode("copy.db"), 0o600);
    machine.run("user sign-out ada@example.com").succeeded();
    machine.run("admin revoke bob@example.com").succeeded();
    machine.sql("pragma foreign_keys = on; delete from passkeys");
    let carol = server.sign_in("carol@example.com");
    server.stop();

    let restored = machine.json("restore copy.db");

    assert_eq!(restored["sessionsEnded"], 2);
    let back = restored["differences"]["back"].as_array().unwrap();
    assert_eq!(back.len(), 2, "{back:?}");
    assert!(back.contains(&json!({ "kind": "passkey", "address": "bob@example.com", "name": "Phone", "id": "wP_u" })), "{back:?}");
    assert!(
        back.contains(&json!({ "kind": "role", "address": "bob@example.com", "role": "admin" })),
        "{back:?}"
    );
    let gone = restored["differences"]["gone"].as_array().unwrap();
    assert!(
        gone.iter()
            .any(|right| right["kind"] == "account" && right["address"] == "carol@example.com"),
        "{gone:?}"
    );
    let server = machine.serve();
    for token in [ada, bob, carol] {
        assert_eq!(server.check(&token), 401);
    }
    let kept = restored["kept"].as_str().unwrap();
    assert!(
        kept.starts_with("doorward-data/doorward.db.before-restore-"),
        "{kept}"
    );
    assert_eq!(machine.mode(kept), 0o600);
    assert_eq!(machine.mode("doorward-data/doorward.db"), 0o600);
    server.sign_in("dave@example.com");
}

/// Item 139: what opens a door is gone from the database itself, whichever keys it was made with.
#[test]
fn a_restore_leaves_nothing_that_opens_a_door() {
    const TABLES: [&str; 5] = [
        "sessions",
        "session_activity",
        "codes",
        "spent_challenges",
        "outbox",
    ];
    let machine = Machine::new();
    let server = machine.serve();
    server.sign_in("ada@example.com");
    server.post("/auth/verify", &json!({ "email": "bob@example.com" }));
    server.stop();
    machine.sql(
        "insert or ignore into session_activity select id, 0 from sessions;
         insert into spent_challenges values (x'01', 9999999999999);
         insert into outbox values (x'02', 3, null, x'00', 0, 0, 0, 9999999999999);",
    );
    machine.run("backup copy.db").succeeded();
    for table in TABLES {
        assert!(
            count(&machine, &format!("select count(*) from {table}")) > 0,
            "{table}"
        );
    }

    machine.run("restore copy.db").succeeded();

    for table in TABLES {
        assert_eq!(
            count(&machine, &format!("select count(*) from {table}")),
            0,
            "{table}"
        );
    }
}

/// Item 139: codes that were on their way open nothing after a restore.
#[test]
fn a_restore_ends_codes() {
    let machine = Machine::new();
    let server = machine.serve();
    let asked = server
        .post("/auth/verify", &json!({ "email": "ada@example.com" }))
        .json();
    let text = server.mail_to("ada@example.com")["text"]
        .as_str()
        .unwrap()
        .to_owned();
    machine.run("backup copy.db").succeeded();
    server.stop();
    machine.run("restore copy.db").succeeded();
    let server = machine.serve();

    let code = text.lines().next().unwrap();
    let form = json!({ "method": "otp", "email": "ada@example.com", "token": code, "flow": asked["flow"] });
    let answer = server.post("/auth/sessions", &form);

    assert_eq!(answer.status, 401, "{answer:?}");
}

/// Item 139: no epoch comes twice, whichever backup is restored.
#[test]
fn epochs_only_grow() {
    let machine = Machine::new();
    machine.run("migrate").succeeded();
    machine.run("backup copy.db").succeeded();
    for expected in [1, 2, 3] {
        machine.run("restore copy.db").succeeded();
        assert_eq!(epoch(&machine), expected);
    }
}

/// The past is not forgotten: a guesser's failures count on, and the audit log has what was done since the backup.
#[test]
fn failures_and_events_outlive_a_restore() {
    let machine = Machine::new();
    machine.run("migrate").succeeded();
    machine.run("backup copy.db").succeeded();
    machine.run("user invite ada@example.com").succeeded();
    machine.sql("insert into address_limits values (x'aa', 9, 0, 0, 0, 0, 9999999999999)");

    machine
        .run("restore copy.db")
        .succeeded()
        .says("Gone, because added since the backup:\n  account ada@example.com");

    let kinds: Vec<Value> = machine
        .json("events")
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].clone())
        .collect();
    assert_eq!(kinds, ["sys_restored", "user_invited"]);
    let failures = count(&machine, "select failures from address_limits");
    assert_eq!(failures, 9);
}

#[test]
fn a_restore_waits_for_no_server() {
    let machine = Machine::new();
    let server = machine.serve();
    machine.run("backup copy.db").succeeded();

    machine
        .run("restore copy.db")
        .ended_with(1)
        .complains(&format!("in use by process {}", server.id()));

    assert_eq!(server.get("/readyz").status, 200);
}

#[test]
fn what_is_no_backup_changes_nothing() {
    let machine = Machine::new();
    machine.run("migrate").succeeded();
    machine.run("user invite ada@example.com").succeeded();
    machine.run("backup copy.db").succeeded();
    let copy = fs::read(machine.path("copy.db")).unwrap();

    machine.write("text.db", "this is no database, however long it may be");
    machine.write("empty.db", "");
    let mut newer = copy.clone();
    // The schema's version is at byte 60 of the header.
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    machine.write("newer.db", newer);
    let mut damaged = copy.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 8192].fill(0xff);
    machine.write("damaged.db", damaged);
    let mut foreign = rusqlite::Connection::open(machine.path("foreign.db")).unwrap();
    let tx = foreign.transaction().unwrap();
    tx.execute_batch("create table wishes (text text); pragma user_version = 1")
        .unwrap();
    tx.commit().unwrap();
    fs::copy(machine.path("copy.db"), machine.path("trigger.db")).unwrap();
    let trigger = rusqlite::Connection::open(machine.path("trigger.db")).unwrap();
    trigger.execute_batch("create trigger again after delete on sessions begin insert into users select * from users; end").unwrap();

    let before = machine.json("user list");
    for file in [
        "missing.db",
        "text.db",
        "empty.db",
        "newer.db",
        "damaged.db",
        "foreign.db",
        "trigger.db",
        "doorward-data",
    ] {
        machine
            .run(&format!("restore {file}"))
            .ended_with(1)
            .complains(file);
        assert_eq!(machine.json("user list"), before, "{file}");
        assert_eq!(
            machine.files("doorward-data"),
            ["doorward.db", "doorward.lock", "root.key"],
            "{file}"
        );
    }
    machine
        .run("restore newer.db")
        .ended_with(1)
        .complains("has schema 99");
    machine
        .run("restore copy.db")
        .succeeded()
        .says("as they were before");
}

#[test]
fn a_backup_replaces_a_database_that_is_beyond_reading() {
    let machine = Machine::new();
    machine.run("migrate").succeeded();
    machine.run("user invite ada@example.com").succeeded();
    machine.run("backup copy.db").succeeded();
    machine.write("doorward-data/doorward.db", "nothing but noise");

    machine.run("doctor").ended_with(1).says("FAIL  database");
    machine
        .run("restore copy.db")
        .succeeded()
        .says("The database before could not be read");

    assert_eq!(
        machine.json("user show ada@example.com")["email"],
        "ada@example.com"
    );
    assert!(
        epoch(&machine) > 1_700_000_000_000,
        "beyond any epoch that the lost database can have had"
    );
}

#[test]
fn a_backup_starts_a_new_machine() {
    let old = Machine::new();
    old.run("migrate").succeeded();
    old.run("user invite ada@example.com").succeeded();
    old.run("backup copy.db").succeeded();
    let new = Machine::new();
    fs::copy(old.path("copy.db"), new.path("copy.db")).unwrap();

    new.run("restore copy.db")
        .succeeded()
        .says("Restored copy.db into doorward-data.")
        .says("a new one was made");

    assert_eq!(new.mode("doorward-data/root.key"), 0o600);
    let server = new.serve();
    server.sign_in("ada@example.com");
}

#[test]
fn a_backup_overwrites_nothing() {
    let machine = Machine::new();
    machine.run("migrate").succeeded();
    machine.write("notes.txt", "mine");
    machine
        .run("backup notes.txt")
        .ended_with(1)
        .complains("exists already");
    assert_eq!(fs::read(machine.path("notes.txt")).unwrap(), b"mine");
    machine.run("backup nowhere/copy.db").ended_with(1);
}

#[test]
fn a_check_for_migrations_changes_nothing() {
    let machine = Machine::new();
    machine
        .run("migrate --check")
        .ended_with(1)
        .says("does not exist");
    assert_eq!(machine.files(""), [""; 0]);

    machine.run("migrate").succeeded().says("Made");
    machine.run("migrate --check").succeeded();
    machine.run("migrate").succeeded().says("already");

    fs::write(machine.path("doorward-data/doorward.db"), "").unwrap();
    let ran = machine.run("migrate --check --json").ended_with(1);
    let needed = doorward::SCHEMA_VERSION;
    assert_eq!(
        ran.json(),
        json!({ "found": 0, "needed": needed, "due": true })
    );
    machine
        .run("migrate")
        .succeeded()
        .says(&format!("from schema 0 to {needed}"));
    machine.run("migrate --check").succeeded();
}

#[test]
fn a_newer_database_is_left_alone() {
    let machine = Machine::new();
    machine.run("migrate").succeeded();
    machine.sql("pragma user_version = 99");
    machine
        .run("migrate --check")
        .ended_with(1)
        .says("has schema 99");
    machine
        .run("serve")
        .ended_with(1)
        .complains("run the newer doorward");
    Ran::of(&mut machine.command("doctor"))
        .ended_with(1)
        .says("use the newer doorward");
}
