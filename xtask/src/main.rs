//! Chores of this repository that are programs: `cargo run -p xtask -- help`.

use std::process::ExitCode;

use clap::Parser;

mod mutate;

/// Chores of this repository.
#[derive(Parser)]
enum Task {
    Mutate(mutate::Options),
}

fn main() -> ExitCode {
    let Task::Mutate(options) = Task::parse();
    match mutate::run(&options) {
        Ok(code) => code,
        Err(error) => {
            #[allow(clippy::print_stderr, reason = "this is a program for a terminal")]
            {
                eprintln!("error: {error}");
            }
            ExitCode::FAILURE
        }
    }
}
