//! What is started, and how it is broken.

pub(crate) mod cluster;
mod faults;
pub(crate) mod fleet;
pub(crate) mod pair;
pub(crate) mod single;
pub(crate) mod storm;

use std::{path::Path, sync::Arc};

use crate::{
    checkers::{self, Rules},
    failure::Result,
    readback::read_back,
    report::Report,
    workload::World,
};

/// How many act at once, usually.
const HANDS: u64 = 10;

/// Works and breaks, reads back, checks, and tells.
async fn run(
    name: &str,
    folder: &Path,
    world: &Arc<World>,
    rules: &Rules,
    hands: u64,
    faults: impl Future<Output = Result<()>>,
) -> Result<Report> {
    world.work(hands, faults).await?;
    let history = read_back(world).await?;
    std::fs::write(
        folder.join(name).join("read-back.json"),
        serde_json::to_vec(&history.read)?,
    )?;
    let violations = checkers::check(&history, rules);
    let report = Report::of(name, &history, violations);
    report.write_violations(folder)?;
    for node in &world.nodes {
        node.kill().await?;
    }
    Ok(report)
}
