//! Breaks each check of the verifier in turn, in a copy, and asks that a test notices.
//!
//! A mutant that no test notices is a check that anyone could delete. The mutations are data, beside the
//! tests that they are about: `crates/webauthn/tests/mutations/`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::mutate::bench::{Bench, Verdict};
use crate::mutate::plan::{Mutant, Plan};

mod bench;
mod citations;
mod plan;
mod sample;
#[cfg(test)]
mod tests;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Break each check of doorward-webauthn in a copy, and require that a test turns red.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only so many mutants, drawn at random.
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// What the draw follows from: any text. The same one draws the same mutants.
    #[arg(long, default_value = "", value_name = "TEXT")]
    seed: String,
    /// Only mutants whose file and check contain this text. May be repeated.
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
}

/// Where the repository lies.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs the mutants that the options select. Fails unless a test noticed each.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let plan = Plan::read(&repository())?;
    let mutants = plan.mutants()?;
    let complaints = citations::complaints(&plan)?;
    if !complaints.is_empty() {
        return Err(complaints.join("\n").into());
    }
    let mutants = select(options, mutants);
    if mutants.is_empty() {
        return Err("no mutant is selected".into());
    }

    let bench = Bench::new(&repository())?;
    say(&format!(
        "{} mutants, seed {:?}",
        mutants.len(),
        options.seed
    ));
    let baseline = bench.judge()?;
    if baseline.verdict != Verdict::Survived {
        return Err(format!("without a mutation: {}", baseline.verdict).into());
    }
    say(&format!("unmutated: green in {} s", baseline.seconds()));

    let mut failed = Vec::new();
    for (number, mutant) in mutants.iter().enumerate() {
        let judged = bench.judge_mutant(mutant)?;
        let line = format!("{mutant}: {} ({} s)", judged.verdict, judged.seconds());
        say(&format!("{}/{} {line}", number + 1, mutants.len()));
        if !judged.verdict.is_noticed() {
            failed.push(line);
        }
    }

    for line in &failed {
        say(&format!("FAILED {line}"));
    }
    let noticed = mutants.len() - failed.len();
    say(&format!("{noticed} of {} mutants noticed", mutants.len()));
    Ok(if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn select(options: &Options, mutants: Vec<Mutant>) -> Vec<Mutant> {
    let wanted = |mutant: &Mutant| {
        let line = mutant.to_string();
        options.only.is_empty() || options.only.iter().any(|text| line.contains(text))
    };
    let selected = mutants.into_iter().filter(wanted).collect();
    match options.sample {
        Some(size) => sample::draw(selected, size, &options.seed),
        None => selected,
    }
}

#[allow(clippy::print_stdout, reason = "this is a program for a terminal")]
fn say(line: &str) {
    // `println!` flushes whole lines only to a terminal, and a run is watched through pipes too.
    println!("{line}");
    let _ = std::io::Write::flush(&mut std::io::stdout());
}
