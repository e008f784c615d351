//! `GET /auth/sessions/current`: what an application asks with every request that it serves.

use std::sync::Arc;

use doorward::testing::Population;
use doorward_rig::{
    Result,
    http::{Connection, get},
};

use super::{AT_ONCE, Bench, seen, statements_each};
use crate::{
    load::{Measured, Visitor, closed},
    report::Row,
    server::Server,
};

/// From one person to the next: a prime, so that everyone has their turn and neighbours do not follow each other.
const STRIDE: usize = 7_919;

/// The requests of all people.
pub(super) type Requests = Arc<Vec<Vec<u8>>>;

/// One who checks one session after another.
pub(super) struct Checks {
    connection: Connection,
    requests: Requests,
    next: usize,
    stride: usize,
}

impl Visitor for Checks {
    async fn visit(&mut self) -> Result<()> {
        let request = &self.requests[self.next];
        self.next = (self.next + self.stride) % self.requests.len();
        self.connection.expect(200, request).await.map(drop)
    }
}

/// Everyone's request, in the order of their numbers.
pub(super) fn requests(population: &Population, people: u64) -> Requests {
    requests_of(population, people, 0)
}

/// The requests of a session of everyone's, by its number.
pub(super) fn requests_of(population: &Population, people: u64, session: usize) -> Requests {
    let request = |number| {
        let tokens = population.person(number).tokens;
        get(
            "/auth/sessions/current",
            tokens.get(session).map(String::as_str),
            "",
        )
    };
    Arc::new((0..people).map(request).collect())
}

/// Those who check, spread over all people.
pub(super) async fn visitors(server: &Server, requests: &Requests) -> Result<Vec<Checks>> {
    let connections = Bench::connections(server).await?;
    let share = requests.len().div_ceil(AT_ONCE);
    let visitors = connections.into_iter().enumerate();
    let visitor = |(number, connection)| Checks {
        connection,
        requests: Arc::clone(requests),
        next: number * share % requests.len(),
        stride: STRIDE,
    };
    Ok(visitors.map(visitor).collect())
}

/// Checks every session once, so that all are in memory.
pub(super) async fn fill(server: &Server, requests: &Requests) -> Result<()> {
    let mut under_way = tokio::task::JoinSet::new();
    let share = requests.len().div_ceil(AT_ONCE);
    for mut visitor in visitors(server, requests).await? {
        visitor.stride = 1;
        under_way.spawn(async move {
            for _ in 0..share {
                visitor.visit().await?;
            }
            Ok::<_, doorward_rig::Failure>(())
        });
    }
    while let Some(done) = under_way.join_next().await {
        done??;
    }
    Ok(())
}

/// What the still server does, asked by as many.
pub(super) async fn still(bench: &Bench) -> Result<Measured> {
    let server = Server::start_still().await?;
    let requests = Arc::new(vec![get("/", None, "")]);
    let visitors = visitors(&server, &requests).await?;
    closed(visitors, Some(server.process), bench.times).await
}

/// How many checks a server does of sessions that are all in memory.
pub(super) async fn cached(bench: &Bench, people: u64) -> Result<(Measured, f64)> {
    let entries = ("SESSIONS__CACHE_ENTRIES", (people * 2).to_string());
    let (server, population) = bench.server(people, vec![entries]).await?;
    let requests = requests(&population, people);
    fill(&server, &requests).await?;
    run(bench, &server, &requests).await
}

pub(super) async fn run(
    bench: &Bench,
    server: &Server,
    requests: &Requests,
) -> Result<(Measured, f64)> {
    let visitors = visitors(server, requests).await?;
    server
        .rest(bench.times.warm_up + bench.times.measured)
        .await?;
    let before = server.statements().await?;
    let measured = closed(visitors, Some(server.process), bench.times).await?;
    let after = server.statements().await?;
    let each = statements_each(before, after, bench.times, measured.visits)?;
    Ok((measured, each))
}

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let before = still(bench).await?;
    let (checks, statements) = cached(bench, bench.people).await?;
    let after = still(bench).await?;
    let limit = f64::midpoint(before.rate, after.rate);
    let p99 = f64::midpoint(before.percentile(99.0), after.percentile(99.0));
    let row = Row::new("session check, in memory", checks.rate, "/s")
        .beside("static replies of axum's", limit)
        .at_least(0.75);
    let wait = Row::new(
        "session check, 99 of 100 within",
        checks.percentile(99.0),
        "ms",
    )
    .beside("of the static reply", p99)
    .at_most(3.0);
    let run_by_it = Row::new("session check, statements each", statements, "").at_most(0.001);

    // So few are remembered that none of them is asked for again in time.
    let entries = ("SESSIONS__CACHE_ENTRIES", "64".into());
    let (server, population) = bench.server(bench.people, vec![entries]).await?;
    let (others, statements) = run(bench, &server, &requests(&population, bench.people)).await?;
    let uncached = Row::new("session check, from SQLite", others.rate, "/s")
        .beside("checks in memory", checks.rate)
        .at_least(0.5)
        .remark(format!("{statements:.1} statements each"));
    Ok(vec![
        seen(row, &checks),
        wait,
        run_by_it,
        seen(uncached, &others),
    ])
}
