//! Measures running servers, each figure beside the limit that it cannot exceed: `docs/performance.md` has the table.
//!
//! ```text
//! cargo run --release -p doorward-bench -- all
//! ```
//!
//! Servers run one after the other on the first processor, this program on the second. Absolute figures move with the
//! machine and its neighbours; what counts is the share of the limit, which is measured in the same run.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program on the command line"
)]

mod load;
mod machine;
mod mail;
mod passkey;
mod report;
mod rows;
mod server;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Mutex,
    time::Duration,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use doorward_rig::Result;
use load::Times;
use passkey::Authenticator;
use report::{Row, line, median};
use rows::{Bench, Name};

/// Measures Doorward.
#[derive(Debug, Parser)]
#[command(name = "doorward-bench")]
struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Every row of the table
    All(How),
    /// Some rows
    Rows {
        /// Which
        #[arg(value_enum, required = true)]
        names: Vec<Name>,
        #[command(flatten)]
        how: How,
    },
    /// Every row for a second with few people: fails on errors, and where statements are run that should not be
    Smoke {
        /// The server's binary [default: it is built, beside this program]
        #[arg(long, value_name = "FILE")]
        doorward: Option<PathBuf>,
    },
    /// Serves what is the limit of all servers on axum
    #[command(hide = true)]
    Still { address: SocketAddr },
}

#[derive(Debug, Args)]
struct How {
    /// How often everything is measured
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// How long each figure is measured, in seconds
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many people there are
    #[arg(long, default_value_t = 1_000_000)]
    people: u64,
    /// The numbers of people that are compared
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 1_000_000, 10_000_000])]
    growth: Vec<u64>,
    /// The server's binary [default: it is built, beside this program]
    #[arg(long, value_name = "FILE")]
    doorward: Option<PathBuf>,
    /// Make databases in this folder, which stays [default: a temporary one]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Write the figures of every run to this file, in JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    match Options::parse().what {
        What::Still { address } => tell(serve_still(address)),
        What::Smoke { doorward } => tell(smoke(doorward.as_deref())),
        What::All(how) => tell(measure(Name::value_variants(), &how)),
        What::Rows { names, how } => tell(measure(&names, &how)),
    }
}

fn tell(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The one thread of this program.
fn run<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(work)
}

fn serve_still(address: SocketAddr) -> Result<()> {
    // As Doorward has it: a runtime with a thread for each processor, which is one here.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime
        .enable_all()
        .build()?
        .block_on(server::still(address))
}

fn measure(names: &[Name], how: &How) -> Result<()> {
    let temporary = tempfile::tempdir()?;
    let bench = Bench {
        binary: binary(how.doorward.as_deref())?,
        folder: how
            .folder
            .clone()
            .unwrap_or_else(|| temporary.path().into()),
        times: Times {
            warm_up: Duration::from_secs(1),
            measured: Duration::from_secs(how.seconds),
        },
        people: how.people,
        growth: how.growth.clone(),
        authenticator: Authenticator::new()?,
        populations: Mutex::default(),
    };
    machine::step_aside()?;
    println!("{}, {} seconds each", machine::processor(), how.seconds);
    let mut runs = Vec::new();
    for number in 1..=how.runs {
        println!("\nRun {number} of {}", how.runs);
        runs.push(once(&bench, names)?);
    }
    if runs.len() > 1 {
        println!("\nThe median of each row");
        for row in median(&runs) {
            println!("{}", line(&row));
        }
    }
    if let Some(file) = &how.json {
        std::fs::write(file, serde_json::to_vec_pretty(&runs)?)?;
    }
    Ok(())
}

fn once(bench: &Bench, names: &[Name]) -> Result<Vec<Row>> {
    let mut all = Vec::new();
    for name in names {
        for row in run(name.measure(bench))? {
            println!("{}", line(&row));
            all.push(row);
        }
    }
    Ok(all)
}

/// Everything for a moment: what it fails on has nothing to do with time.
fn smoke(doorward: Option<&Path>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bench = Bench {
        binary: binary(doorward)?,
        folder: folder.path().into(),
        times: Times {
            warm_up: Duration::from_millis(200),
            measured: Duration::from_secs(1),
        },
        people: 2_000,
        growth: vec![1_000, 2_000],
        authenticator: Authenticator::new()?,
        populations: Mutex::default(),
    };
    machine::step_aside()?;
    let rows = once(&bench, Name::value_variants())?;
    let too_many: Vec<_> = rows
        .iter()
        .filter(|row| row.has_too_many_statements())
        .collect();
    match too_many.first() {
        Some(row) => Err(format!("too many statements: {}", line(row)).into()),
        None => Ok(()),
    }
}

/// The server's binary: the one that was named, or the one that is built now.
fn binary(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(named) = named {
        return Ok(named.canonicalize()?);
    }
    let beside = std::env::current_exe()?.with_file_name("doorward");
    let mut build = Command::new("cargo");
    build.args([
        "build",
        "--locked",
        "--release",
        "--package",
        "doorward-cli",
    ]);
    if !build.status()?.success() {
        return Err("the server could not be built".into());
    }
    Ok(beside)
}
