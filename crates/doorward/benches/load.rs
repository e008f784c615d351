//! A first load test, over real HTTP on loopback: `cargo bench -p doorward --bench load`.
//!
//! Server and generator have a thread each, 64 connections between them. Figures are ratios within one run: a cached
//! session check against a static reply of axum's, passkey sign-ins against the commits that they shared.
//!
//! With `DOORWARD_TEST_POSTGRES` the database is on that server, and sign-ins are compared with what it takes in single
//! inserts, by as many connections: `tests/with-postgres --durable cargo bench -p doorward --bench load`.
//!
//! Pages are asked for on the same connections by people who read them: each asks ten times a second. What is told is how
//! long 95 of 100 wait at most, from the request to the end of the page.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a measurement measures time, prints, and stops where it cannot go on"
)]

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use axum::{Json, Router, routing::get};
use doorward::{
    Doorward, Entropy, RootKey, Span,
    config::{Config, Database, Limits},
    mail::Mailbox,
    testing::Authenticator,
};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

const CONNECTIONS: usize = 64;
const PEOPLE: usize = 512;
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(5);
/// From one page to the next.
const READING: Duration = Duration::from_millis(100);
const ORIGIN: &str = "http://localhost:8700";

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Everyone signs up from one address here.
    let limits = Limits {
        network_quarter: 0,
        network_hour: 0,
        ..Limits::default()
    };
    let generator = runtime();
    let database = generator.block_on(make_database());
    let config = Config {
        data_dir: folder.path().into(),
        limits,
        database: Database {
            url: database.clone(),
            connections: CONNECTIONS as u32,
            wait: Span::seconds(10),
            ..Database::default()
        },
        ..Config::default()
    };
    let mailbox = Mailbox::new();
    let server = Server::start(config, mailbox.clone());

    generator.block_on(async {
        let mut connection = Connection::to(server.address).await;
        let bearer = connection
            .sign_in_by_code("ada@example.com", &mailbox)
            .await;

        let still = requests(server.static_address, "/", None).await;
        let before = server.doorward.metrics_text();
        let checks = requests(server.address, "/auth/sessions/current", Some(&bearer)).await;
        let after = server.doorward.metrics_text();
        let still_again = requests(server.static_address, "/", None).await;
        let limit = f64::midpoint(still, still_again);
        println!("static reply of axum's     {limit:>9.0} /s");
        println!(
            "cached session check       {checks:>9.0} /s   {:.2} of it",
            checks / limit
        );
        println!(
            "statements during checks   {:>9.0}",
            counted(&after, "sql_statements") - counted(&before, "sql_statements")
        );

        for (path, bearer) in [("/sign-in", None), ("/account", Some(&bearer))] {
            let before = server.doorward.metrics_text();
            let wait = waits(server.address, path, bearer).await;
            let after = server.doorward.metrics_text();
            println!(
                "page {path:<17} p95 {:>9.2} ms  {:.0} statements",
                wait.as_secs_f64() * 1000.0,
                counted(&after, "sql_statements") - counted(&before, "sql_statements")
            );
        }

        let inserts = match &database {
            Some(url) => Some(inserts(url).await),
            None => None,
        };
        let (sign_ins, commits) = passkey_sign_ins(&server, &mailbox).await;
        println!("passkey sign-ins           {sign_ins:>9.0} /s");
        if let Some(inserts) = inserts {
            let of_it = sign_ins / inserts;
            println!(
                "single inserts             {inserts:>9.0} /s   sign-ins are {of_it:.2} of it"
            );
        }
        println!(
            "commits meanwhile          {commits:>9.0} /s   {:.1} durable sign-ins each",
            sign_ins / commits
        );
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Makes a database on the server that the environment names, if it does; its URL.
async fn make_database() -> Option<String> {
    let server = std::env::var("DOORWARD_TEST_POSTGRES").ok()?;
    let client = connect(&server).await;
    let name = format!("doorward_bench_{}", std::process::id());
    let sql = format!("create database {name}");
    client.batch_execute(&sql).await.expect("a database");
    Some(server.replace("dbname=postgres", &format!("dbname={name}")))
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("a server");
    tokio::spawn(connection);
    client
}

/// Transactions of one insert each per second, by as many connections: the limit of what is written one by one.
async fn inserts(url: &str) -> f64 {
    let table = "create table raw (id bigint primary key, what bytea not null)";
    connect(url)
        .await
        .batch_execute(table)
        .await
        .expect("a table");
    let done = Arc::<AtomicU64>::default();
    let mut workers = tokio::task::JoinSet::new();
    let end = Instant::now() + WARM_UP + MEASURED;
    for worker in 0..CONNECTIONS as i64 {
        let (done, url) = (Arc::clone(&done), url.to_owned());
        workers.spawn(async move {
            let client = connect(&url).await;
            let insert = "insert into raw (id, what) values ($1, $2)";
            let insert = client.prepare(insert).await.expect("a statement");
            let mut id = worker << 32;
            while Instant::now() < end {
                let what: &[u8] = &[7; 100];
                client.execute(&insert, &[&id, &what]).await.expect("a row");
                id += 1;
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    rate(&done, workers).await
}

struct Server {
    address: SocketAddr,
    static_address: SocketAddr,
    doorward: Doorward,
}

impl Server {
    /// Both servers on one thread: the limit and what is measured against it have the same core.
    fn start(config: Config, mailbox: Mailbox) -> Self {
        let (started, ready) = std::sync::mpsc::channel();
        thread::spawn(move || {
            runtime().block_on(async move {
                let key = RootKey::generate(&Entropy::system());
                let doorward = Doorward::builder(config)
                    .root_key(key)
                    .mailbox(mailbox)
                    .open()
                    .await
                    .expect("a server");
                let still = Router::new().route(
                    "/",
                    get(async || {
                        Json(json!({ "status": "ok", "of": "the same size, about, as an answer" }))
                    }),
                );
                let (ours, theirs) = (listen().await, listen().await);
                let addresses = (
                    ours.local_addr().expect("an address"),
                    theirs.local_addr().expect("an address"),
                );
                started
                    .send((addresses, doorward.clone()))
                    .expect("someone who waits");
                let service = doorward
                    .server()
                    .into_make_service_with_connect_info::<SocketAddr>();
                let _ = tokio::join!(axum::serve(ours, service), axum::serve(theirs, still));
            });
        });
        let ((address, static_address), doorward) = ready.recv().expect("a server");
        Self {
            address,
            static_address,
            doorward,
        }
    }
}

async fn listen() -> tokio::net::TcpListener {
    tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port")
}

struct Connection(http1::SendRequest<Full<Bytes>>);

impl Connection {
    async fn to(address: SocketAddr) -> Self {
        let stream = tokio::net::TcpStream::connect(address)
            .await
            .expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        Self(sender)
    }

    async fn get(&mut self, path: &str, bearer: Option<&str>) -> StatusCode {
        let mut request = Request::get(path)
            .header(header::HOST, "localhost")
            .header(header::ACCEPT_ENCODING, "br");
        if let Some(bearer) = bearer {
            request = request.header(header::AUTHORIZATION, bearer);
        }
        let response = self
            .0
            .send_request(request.body(Full::default()).expect("a request"))
            .await
            .expect("an answer");
        let status = response.status();
        response.into_body().collect().await.expect("a body");
        status
    }

    async fn post(
        &mut self,
        path: &str,
        bearer: Option<&str>,
        body: &Value,
    ) -> (StatusCode, Value) {
        let mut request = Request::post(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(bearer) = bearer {
            request = request.header(header::AUTHORIZATION, bearer);
        }
        let request = request
            .body(Full::from(body.to_string()))
            .expect("a request");
        let response = self.0.send_request(request).await.expect("an answer");
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn sign_in_by_code(&mut self, address: &str, mailbox: &Mailbox) -> String {
        let (status, _) = self
            .post("/auth/verify", None, &json!({ "email": address }))
            .await;
        assert_eq!(status, StatusCode::CREATED);
        // The mailbox page waits for what is on its way.
        self.get("/dev/mailbox", None).await;
        let message = mailbox.to(address).into_iter().next().expect("a message");
        let code = message.text.lines().next().expect("a code").to_owned();
        let form = json!({ "method": "otp", "email": address, "token": code });
        let (status, signed_in) = self.post("/auth/sessions", None, &form).await;
        assert_eq!(status, StatusCode::CREATED);
        format!("Bearer {}", signed_in["token"].as_str().expect("a token"))
    }

    async fn make_passkey(&mut self, bearer: &str, authenticator: &mut Authenticator) {
        let (_, options) = self
            .post("/auth/passkeys/register/options", Some(bearer), &json!({}))
            .await;
        let response = authenticator.create(&options, ORIGIN);
        let (status, _) = self
            .post("/auth/passkeys/register/verify", Some(bearer), &response)
            .await;
        assert_eq!(status, StatusCode::CREATED);
    }
}

/// Requests per second over all connections, after warming up.
async fn requests(address: SocketAddr, path: &'static str, bearer: Option<&str>) -> f64 {
    let done = Arc::<AtomicU64>::default();
    let mut workers = tokio::task::JoinSet::new();
    let end = Instant::now() + WARM_UP + MEASURED;
    for _ in 0..CONNECTIONS {
        let (done, bearer) = (Arc::clone(&done), bearer.map(str::to_owned));
        workers.spawn(async move {
            let mut connection = Connection::to(address).await;
            while Instant::now() < end {
                assert_eq!(
                    connection.get(path, bearer.as_deref()).await,
                    StatusCode::OK
                );
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    rate(&done, workers).await
}

/// How long 95 of 100 readers of a page wait at most, of whom each of the connections has one, after warming up.
async fn waits(address: SocketAddr, path: &'static str, bearer: Option<&String>) -> Duration {
    let mut readers = tokio::task::JoinSet::new();
    let measured_from = Instant::now() + WARM_UP;
    let end = measured_from + MEASURED;
    for number in 0..CONNECTIONS {
        let bearer = bearer.cloned();
        readers.spawn(async move {
            let mut connection = Connection::to(address).await;
            // Not all at the same moment.
            let offset = READING.mul_f64(number as f64 / CONNECTIONS as f64);
            let mut next = tokio::time::Instant::now() + offset;
            let mut waits = Vec::new();
            while Instant::now() < end {
                tokio::time::sleep_until(next).await;
                let asked = Instant::now();
                let status = connection.get(path, bearer.as_deref()).await;
                assert_eq!(status, StatusCode::OK);
                if asked > measured_from {
                    waits.push(asked.elapsed());
                }
                next += READING;
            }
            waits
        });
    }
    let mut waits: Vec<Duration> = readers.join_all().await.into_iter().flatten().collect();
    waits.sort_unstable();
    waits[waits.len() * 95 / 100]
}

async fn rate(done: &AtomicU64, mut workers: tokio::task::JoinSet<()>) -> f64 {
    tokio::time::sleep(WARM_UP).await;
    let (before, started) = (done.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(MEASURED).await;
    let rate = (done.load(Ordering::Relaxed) - before) as f64 / started.elapsed().as_secs_f64();
    while let Some(worker) = workers.join_next().await {
        worker.expect("a worker that ends well");
    }
    rate
}

/// Sign-ins per second with a passkey on each of the connections, from options to durable session, and commits
/// per second meanwhile.
async fn passkey_sign_ins(server: &Server, mailbox: &Mailbox) -> (f64, f64) {
    let mut connection = Connection::to(server.address).await;
    let mut people = Vec::new();
    for seed in 0..PEOPLE {
        let mut authenticator = Authenticator::new(seed as u64);
        let bearer = connection
            .sign_in_by_code(&format!("person{seed}@example.com"), mailbox)
            .await;
        connection.make_passkey(&bearer, &mut authenticator).await;
        people.push(authenticator);
    }

    let done = Arc::<AtomicU64>::default();
    let mut workers = tokio::task::JoinSet::new();
    let end = Instant::now() + WARM_UP + MEASURED;
    let (address, before) = (server.address, server.doorward.metrics_text());
    for _ in 0..CONNECTIONS {
        let done = Arc::clone(&done);
        let mut people = people.split_off(people.len() - PEOPLE / CONNECTIONS);
        workers.spawn(async move {
            let mut connection = Connection::to(address).await;
            let mut turn = 0;
            while Instant::now() < end {
                let (_, options) = connection
                    .post("/auth/passkeys/authenticate/options", None, &json!({}))
                    .await;
                let next = turn % people.len();
                let response = people[next].get(&options, ORIGIN);
                let (status, _) = connection
                    .post("/auth/passkeys/authenticate/verify", None, &response)
                    .await;
                assert_eq!(status, StatusCode::CREATED);
                turn += 1;
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let started = Instant::now();
    let sign_ins = rate(&done, workers).await;
    let after = server.doorward.metrics_text();
    let commits = counted(&after, "sql_commits") - counted(&before, "sql_commits");
    (sign_ins, commits / started.elapsed().as_secs_f64())
}

/// The value of a counter in the metrics.
fn counted(metrics: &str, name: &str) -> f64 {
    let line = metrics
        .lines()
        .find(|line| line.starts_with(&format!("doorward_{name}_total ")));
    line.and_then(|line| line.split(' ').nth(1))
        .and_then(|value| value.parse().ok())
        .expect("a counter")
}
