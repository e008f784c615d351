//! Pages, for people who read them: each of them asks for one ten times a second, when it is time.

use std::sync::Arc;

use doorward_rig::{Result, http::get};

use super::{AT_ONCE, Bench, checks, seen};
use crate::{load::open, report::Row};

/// How often each of them asks, in a second.
const EACH: f64 = 10.0;

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let people = bench.growth[0];
    let (server, population) = bench.server(people, Vec::new()).await?;
    let token = population.person(0).tokens.remove(0);
    let mut rows = Vec::new();
    for (path, token) in [("/sign-in", None), ("/account", Some(&*token))] {
        let as_a_browser = "accept: text/html\r\naccept-encoding: br\r\n";
        let request = Arc::new(vec![get(path, token, as_a_browser)]);
        let visitors = checks::visitors(&server, &request).await?;
        let rate = EACH * f64::from(u32::try_from(AT_ONCE)?);
        let measured = open(visitors, Some(server.process), bench.times, rate).await?;
        let row = Row::new(
            format!("page {path}, 95 of 100 within"),
            measured.percentile(95.0),
            "ms",
        )
        .at_most(5.0);
        rows.push(seen(row, &measured));
    }
    Ok(rows)
}
