//! Sign-ins by passkey on PostgreSQL, beside what the same server takes in single inserts.

use std::fs;

use doorward::testing::Population;
use doorward_rig::{
    Result,
    postgres::{Postgres, connect, url},
    process::free_address,
};
use tokio_postgres::{Client, Statement};

use super::{AT_ONCE, Bench, checks, seen, sign_ins};
use crate::{
    load::{Measured, Visitor, closed},
    machine::now,
    report::Row,
    server::{Server, Setup, root_key},
};

/// So many people that those who sign in at once are rarely the same.
const PEOPLE: u64 = 10_000;

/// One who writes a row in a transaction of its own, again and again.
struct Inserts {
    client: Client,
    insert: Statement,
    next: i64,
}

impl Inserts {
    async fn begin(url: &str, number: i64) -> Result<Self> {
        let client = connect(url).await?;
        let insert = "insert into raw (id, what) values ($1, $2)";
        let insert = client.prepare(insert).await?;
        Ok(Self {
            client,
            insert,
            next: number << 32,
        })
    }
}

impl Visitor for Inserts {
    async fn visit(&mut self) -> Result<()> {
        let what: &[u8] = &[7; 100];
        self.next += 1;
        self.client
            .execute(&self.insert, &[&self.next, &what])
            .await?;
        Ok(())
    }
}

async fn inserts(bench: &Bench, url: &str) -> Result<Measured> {
    let table = "create table raw (id bigint primary key, what bytea not null)";
    connect(url).await?.batch_execute(table).await?;
    let mut writers = Vec::with_capacity(AT_ONCE);
    for number in 0..i64::try_from(AT_ONCE)? {
        writers.push(Inserts::begin(url, number).await?);
    }
    closed(writers, None, bench.times).await
}

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    // Each run has a server of its own, in a folder of its own.
    let address = free_address()?;
    let folder = bench.folder.join(format!("postgres-{}", address.port()));
    fs::create_dir_all(&folder)?;
    let database = Postgres::new("database", address, &folder, Vec::new()).await?;
    database.init().await?;
    // What the machine has, as an operator would give it.
    database.configure("shared_buffers = 512MB\nmax_wal_size = 4GB\n")?;
    database.start().await?;
    connect(&url(address, "postgres"))
        .await?
        .batch_execute("create database doorward")
        .await?;
    let url = url(address, "doorward");

    let population = Population::new(
        &root_key(&folder)?,
        bench.authenticator.public_key(),
        now()?,
    );
    population.write_server(&url, PEOPLE).await;
    let limit = inserts(bench, &url).await?;
    let setup = Setup {
        binary: &bench.binary,
        folder: &folder,
        settings: vec![("DATABASE__URL", url), ("DATABASE__WAIT", "10s".into())],
    };
    let server = Server::start(setup).await?;
    let sign_ins = sign_ins::run(bench, &server, &population, PEOPLE).await?;
    let row = Row::new(
        "sign-in by passkey, PostgreSQL",
        sign_ins.measured.rate,
        "/s",
    )
    .beside("single inserts", limit.rate)
    .at_least(0.5)
    .remark(format!("{:.1} statements each", sign_ins.statements));

    let requests = checks::requests(&population, PEOPLE);
    checks::fill(&server, &requests).await?;
    let (cached, statements) = checks::run(bench, &server, &requests).await?;
    let cached_row = Row::new("session check, PostgreSQL, statements each", statements, "")
        .at_most(0.001)
        .remark(format!("{:.0} checks a second", cached.rate));
    database.kill().await?;
    Ok(vec![seen(row, &sign_ins.measured), cached_row])
}
