//! Memory: of a server that nobody asks, and of sessions that it remembers.

use std::{sync::Arc, time::Duration};

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

    // The first session of everyone brings its person, the second comes alone.
    let people = bench.people;
    let entries = ("SESSIONS__CACHE_ENTRIES", (people * 4).to_string());
    let (server, population) = bench.server_of(people, 2, vec![entries]).await?;
    let first = checks::requests(&population, people);
    // Some are asked for twice, so that what is not of sessions is there already.
    let some = Arc::new(first[..first.len() / 10].to_vec());
    checks::fill(&server, &some).await?;
    let before = number(server.memory()?);
    checks::fill(&server, &first).await?;
    let between = number(server.memory()?);
    let with_person = (between - before) / number((first.len() - some.len()) as u64);
    drop(first);
    let second = checks::requests_of(&population, people, 1);
    checks::fill(&server, &second).await?;
    let after = number(server.memory()?);
    let alone = (after - between) / number(people);
    let remark = format!(
        "{people} people, 2 sessions each: {:.0} MiB in all",
        after / MIB
    );
    Ok(vec![
        Row::new("memory at rest", idle, "MiB").at_most(15.0),
        Row::new("memory for a session", alone, "bytes")
            .at_most(250.0)
            .remark(remark),
        Row::new("memory for a session and its person", with_person, "bytes"),
    ])
}
