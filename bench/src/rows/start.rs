//! The first answer after a start, and the size of the binary.

use doorward_rig::Result;

use super::{
    Bench,
    memory::{MIB, number},
};
use crate::report::Row;

/// How often it is started; the slowest counts.
const STARTS: u32 = 5;

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    // The first makes the database, and reads it.
    drop(bench.server(bench.people, Vec::new()).await?);
    let mut slowest = 0.0_f64;
    for _ in 0..STARTS {
        let (server, _) = bench.server(bench.people, Vec::new()).await?;
        slowest = slowest.max(server.started_in.as_secs_f64() * 1000.0);
    }
    let size = number(std::fs::metadata(&bench.binary)?.len()) / MIB;
    let what = format!("start to the first answer, {} people", bench.people);
    Ok(vec![
        Row::new(what, slowest, "ms").at_most(100.0),
        Row::new("the binary, pages included", size, "MiB").at_most(20.0),
    ])
}
