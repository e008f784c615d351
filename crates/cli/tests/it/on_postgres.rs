//! With the database on a PostgreSQL server, which `DOORWARD_TEST_POSTGRES` names: `crates/doorward/tests/with-postgres`.

use std::fs;

use tokio_postgres::NoTls;

use crate::machine::{Machine, Ran};

/// A database of one's own on the server, until it is dropped.
struct Database {
    server: String,
    name: String,
}

impl Database {
    #[expect(
        clippy::disallowed_methods,
        reason = "where tests run is the business of who runs them"
    )]
    fn create() -> Self {
        let server = std::env::var("DOORWARD_TEST_POSTGRES").expect("DOORWARD_TEST_POSTGRES");
        let name = format!("doorward_cli_{}", std::process::id());
        let database = Self { server, name };
        database.say("create");
        database
    }

    fn say(&self, verb: &str) {
        let script = format!("{verb} database {}", self.name);
        let work = async {
            let (client, connection) = tokio_postgres::connect(&self.server, NoTls).await.unwrap();
            let talking = tokio::spawn(connection);
            client.batch_execute(&script).await.unwrap();
            drop(client);
            talking.await.unwrap().unwrap();
        };
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(work);
    }

    fn url(&self) -> String {
        format!("{} dbname={} password=271828", self.server, self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.say("drop");
    }
}

#[test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
fn it_runs_on_a_server() {
    let database = Database::create();
    let (machine, url) = (Machine::new(), database.url());
    let run = |line: &str| Ran::of(machine.command(line).env("DOORWARD_DATABASE__URL", &url));

    // Nothing is there yet, and no key is made up.
    run("migrate --check").ended_with(1).says("does not exist");
    run("admin grant ada@example.com")
        .ended_with(1)
        .complains("there is no database");
    run("doctor").ended_with(1).says("FAIL  root key");
    run("migrate")
        .ended_with(1)
        .complains("openssl rand -hex 32");
    let key =
        "0123456789abcdef fedcba9876543210 0f1e2d3c4b5a6978 8796a5b4c3d2e1f0".replace(' ', "");
    machine.write("doorward-data/root.key", key);
    machine.set_mode("doorward-data/root.key", 0o600);

    run("migrate")
        .succeeded()
        .says("Made the PostgreSQL database");
    run("migrate --check").succeeded().says("has schema");
    let server = machine.serve_with(|command| _ = command.env("DATABASE_URL", &url));
    server.sign_in("ada@example.com");
    run("admin grant ada@example.com").succeeded();
    run("user list").succeeded().says("ada@example.com");
    run("doctor").succeeded().says(
        "ok    database       the PostgreSQL database (environment DOORWARD_DATABASE__URL), schema",
    );
    server.stop();

    // What is for files says what is there instead; and no password is shown.
    run("backup copy.db").ended_with(1).complains("pg_dump");
    run("restore copy.db").ended_with(1).complains("pg_restore");
    let shown = run("config").succeeded();
    assert!(!shown.stdout.contains("271828"), "{}", shown.stdout);
    let files = fs::read_dir(machine.path("doorward-data")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert!(
        !names.into_iter().any(|name| name == "doorward.db"),
        "a file beside the server"
    );
}
