//! Memory: of a server that nobody asks, and of sessions that it remembers.

use std::time::Duration;

use doorward_rig::Result;
use tokio::time::sleep;

use super::{Bench, checks};
use crate::{report::Row, server::Setup};

pub(super) const MIB: f64 = 1024.0 * 1024.0;

/// How long a server is left alone before it counts as idle.
const TO_REST: Duration = Duration::from_secs(2);

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 bytes")]
pub(super) fn number(bytes: u64) -> f64 {
    bytes as f64
}

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let folder = bench.folder.join("idle");
    std::fs::create_dir_all(&folder)?;
    let setup = Setup {
        binary: &bench.binary,
        folder: &folder,
        settings: Vec::new(),
    };
    let server = crate::server::Server::start(setup).await?;
    sleep(TO_REST).await;
    let idle = number(server.memory()?) / MIB;
    drop(server);

    let entries = ("SESSIONS__CACHE_ENTRIES", (bench.people * 2).to_string());
    let (server, population) = bench.server(bench.people, vec![entries]).await?;
    let requests = checks::requests(&population, bench.people);
    // Some are asked for twice, so that what is not of sessions is there already.
    let some = std::sync::Arc::new(requests[..requests.len() / 10].to_vec());
    checks::fill(&server, &some).await?;
    let before = number(server.memory()?);
    checks::fill(&server, &requests).await?;
    let after = number(server.memory()?);
    let new = number((requests.len() - some.len()) as u64);
    Ok(vec![
        Row::new("memory at rest", idle, "MiB").at_most(15.0),
        Row::new(
            "memory for each session in memory",
            (after - before) / new,
            "bytes",
        )
        .at_most(250.0)
        .remark(format!(
            "{} sessions: {:.0} MiB in all",
            bench.people,
            after / MIB
        )),
    ])
}
