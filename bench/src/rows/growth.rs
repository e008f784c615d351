//! The same work with few people and with many.

use doorward_rig::Result;

use super::{Bench, checks, sign_ins};
use crate::report::Row;

/// How many checks are in memory at most: what a server with very many people would remember of them.
const REMEMBERED: u64 = 1_000_000;

struct Point {
    people: u64,
    checks: f64,
    sign_ins: f64,
    start: f64,
}

async fn point(bench: &Bench, people: u64) -> Result<Point> {
    let remembered = people.min(REMEMBERED);
    let entries = ("SESSIONS__CACHE_ENTRIES", (remembered * 2).to_string());
    let (server, population) = bench.server(people, vec![entries]).await?;
    let requests = checks::requests(&population, remembered);
    checks::fill(&server, &requests).await?;
    let (checks, _) = checks::run(bench, &server, &requests).await?;
    drop(server);
    // The start of a database that the machine has read before; sign-ins follow it.
    let (server, population) = bench.server(people, Vec::new()).await?;
    let start = server.started_in.as_secs_f64() * 1000.0;
    let sign_ins = sign_ins::run(bench, &server, &population, people).await?;
    Ok(Point {
        people,
        checks: checks.rate,
        sign_ins: sign_ins.measured.rate,
        start,
    })
}

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut points = Vec::new();
    for people in &bench.growth {
        points.push(point(bench, *people).await?);
    }
    let Some((first, more)) = points.split_first() else {
        return Ok(Vec::new());
    };
    let rows = more.iter().flat_map(|point| {
        let what = |what| format!("{what}, {} people", point.people);
        [
            Row::new(what("session check"), point.checks, "/s")
                .beside("with the fewest", first.checks)
                .at_least(0.9),
            Row::new(what("sign-in by passkey"), point.sign_ins, "/s")
                .beside("with the fewest", first.sign_ins)
                .at_least(0.7),
            Row::new(what("start"), point.start, "ms")
                .remark(format!("{:.1} ms with the fewest", first.start)),
        ]
    });
    Ok(rows.collect())
}
