//! Breaks running servers in every way we know, and checks what they said against what they did.
//!
//! ```text
//! cargo build --release
//! cargo run --release -p doorward-chaos -- short
//! ```
//!
//! It starts real servers, works with them while it kills, pauses and starves them, writes a history of every request
//! and its outcome, reads back what is left, and holds both against C1 to C8: see `checkers`.

mod chance;
mod checkers;
mod failure;
mod history;
mod http;
mod lab;
mod nodes;
mod propagation;
mod proxy;
mod pulse;
mod readback;
mod report;
mod smtp;
mod topologies;
mod workload;
mod world;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::time::timeout;

use crate::{
    failure::Result,
    report::Report,
    topologies::{cluster, fleet, pair, single, storm},
    world::Plan,
};

/// Breaks running servers, and checks what they promised.
#[derive(Debug, Parser)]
#[command(name = "doorward-chaos", args_override_self = true)]
struct Options {
    #[command(subcommand)]
    length: Length,
    /// The server's binary [default: the one beside this program]
    #[arg(long, global = true, value_name = "FILE")]
    doorward: Option<PathBuf>,
    /// Keep histories, logs and databases here [default: a folder that is removed unless something is wrong]
    #[arg(long, global = true, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Repeat the choices of a run [default: the time]
    #[arg(long, global = true)]
    seed: Option<u64>,
    /// Only these
    #[arg(long, global = true, value_enum, value_delimiter = ',')]
    topology: Vec<Topology>,
    /// In a network of its own already, where the rest of P2 is
    #[arg(long, global = true, hide = true)]
    inside: bool,
}

#[derive(Debug, Subcommand)]
enum Length {
    /// A few minutes of everything
    Short,
    /// As long as is said
    Long(Counts),
}

/// How much of everything.
#[derive(Debug, Args)]
struct Counts {
    /// `kill -9` cycles, on S and P1 each
    #[arg(long, default_value_t = 500)]
    kills: u64,
    /// Promotions of the standby, on P2
    #[arg(long, default_value_t = 20)]
    promotions: u64,
    /// Losses of the leader, on P3
    #[arg(long, default_value_t = 10)]
    losses: u64,
    /// Sessions ended while they are checked, on P1
    #[arg(long, default_value_t = 10_000)]
    revocations: u64,
    /// How often they are
    #[arg(long, default_value_t = 20_000)]
    checks_per_second: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Topology {
    /// One process on SQLite
    S,
    /// Three nodes on one PostgreSQL server
    P1,
    /// Three nodes on a primary and its synchronous standby
    P2,
    /// Three nodes on a cluster of Patroni's
    P3,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(wrong) if wrong.is_empty() => ExitCode::SUCCESS,
        Ok(wrong) => {
            // Last, where a log that was cut short still has it.
            say(&wrong.join("\n"));
            ExitCode::FAILURE
        }
        Err(error) => {
            #[allow(clippy::print_stderr, reason = "this is a program for a terminal")]
            {
                eprintln!("error: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Runs what was asked for; what did not hold.
fn run(options: &Options) -> Result<Vec<String>> {
    let binary = match &options.doorward {
        Some(binary) => binary.canonicalize()?,
        None => std::env::current_exe()?.with_file_name("doorward"),
    };
    if !binary.exists() {
        let message = format!(
            "there is no server at {}: build it with `cargo build --release`",
            binary.display()
        );
        return Err(message.into());
    }
    let mut temporary = None;
    let folder = match &options.folder {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            folder.canonicalize()?
        }
        None => temporary
            .insert(
                tempfile::Builder::new()
                    .prefix("doorward-chaos-")
                    .tempdir()?,
            )
            .path()
            .to_owned(),
    };
    let plan = Plan {
        binary: &binary,
        folder: &folder,
        seed: options.seed.unwrap_or_else(seed),
    };
    if !options.inside {
        let folder = folder.display();
        say(&format!(
            "Seed {}; histories and logs in {folder}.\n",
            plan.seed
        ));
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let wrong = runtime.block_on(all(&plan, options));
    if let Some(temporary) = temporary
        && !matches!(&wrong, Ok(wrong) if wrong.is_empty())
    {
        say(&format!("Kept: {}", temporary.keep().display()));
    }
    wrong
}

async fn all(plan: &Plan<'_>, options: &Options) -> Result<Vec<String>> {
    let short = Counts {
        kills: 20,
        promotions: 3,
        losses: 1,
        revocations: 500,
        checks_per_second: 1000,
    };
    let (counts, limit) = match &options.length {
        Length::Short => (&short, Duration::from_mins(15)),
        Length::Long(counts) => (counts, Duration::from_hours(3)),
    };
    let everything = async {
        if options.inside {
            return Ok(tell(&pair::promotions(plan, counts.promotions).await?));
        }
        let mut wrong = Vec::new();
        for topology in [Topology::S, Topology::P1, Topology::P2, Topology::P3] {
            if options.topology.is_empty() || options.topology.contains(&topology) {
                wrong.extend(one(plan, counts, topology).await?);
            }
        }
        Ok(wrong)
    };
    tokio::select! {
        wrong = timeout(limit, everything) => wrong.map_err(|_| "it took too long, and was ended")?,
        _ = tokio::signal::ctrl_c() => Err("ended from outside".into()),
    }
}

/// Runs one topology; what did not hold.
async fn one(plan: &Plan<'_>, counts: &Counts, topology: Topology) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    match topology {
        Topology::S => {
            wrong.extend(tell(&single::kills(plan, counts.kills).await?));
            wrong.extend(tell(
                &single::full_disk(plan, counts.kills.div_ceil(10)).await?,
            ));
            wrong.extend(tell(
                &single::clock_steps(plan, counts.kills.div_ceil(5)).await?,
            ));
        }
        Topology::P1 => {
            wrong.extend(tell(&fleet::kills(plan, counts.kills).await?));
            let (ends, checks) = (counts.revocations, counts.checks_per_second);
            wrong.extend(tell(&storm::storm(plan, ends, checks).await?));
        }
        Topology::P2 => {
            let folder = plan.folder.display().to_string();
            let seed = plan.seed.to_string();
            let further = ["--folder", &folder, "--seed", &seed].map(str::to_owned);
            if !lab::enter(&further).await? {
                wrong.push("P2 did not hold: see above".into());
            }
        }
        Topology::P3 => wrong.extend(tell(&cluster::leader_losses(plan, counts.losses).await?)),
    }
    Ok(wrong)
}

/// Tells of a run; what did not hold, with the entries that show it.
fn tell(report: &Report) -> Vec<String> {
    say(&report.text);
    report.evidence()
}

#[allow(clippy::print_stdout, reason = "this is a program for a terminal")]
fn say(text: &str) {
    println!("{text}");
}

/// A seed that differs from run to run, and is printed.
#[expect(clippy::disallowed_methods, reason = "the seed is printed")]
fn seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| time.as_secs())
}
