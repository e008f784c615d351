//! The doorward server and its administration.

mod admin;
mod args;
mod connections;
mod database;
mod doctor;
mod failure;
mod load;
mod lock;
mod logging;
mod output;
mod problems;
mod process;
mod restore;
mod serve;

use std::process::ExitCode;

use clap::Parser;
use doorward::config::Config;
use tokio::runtime::{Builder, Runtime};

use crate::{
    admin::Desk,
    args::{Args, Command},
    failure::Failure,
    load::Loaded,
    output::Output,
};

fn main() -> ExitCode {
    process::keep_secrets();
    let args = Args::parse();
    let output = if args.json {
        Output::Json
    } else {
        Output::Text
    };
    output.end(run(args, output))
}

fn run(args: Args, output: Output) -> Result<(), Failure> {
    let loaded = || load::load(args.config.as_deref());
    match args.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            let loaded = loaded()?;
            many_threads()?.block_on(serve::serve(loaded, output))
        }
        Command::Doctor => one_thread()?.block_on(doctor::doctor(loaded(), output)),
        Command::Config { defaults: true } => {
            output.answer(&Config::default(), || load::DEFAULTS.to_owned())
        }
        Command::Config { defaults: false } => show(loaded()?, output),
        Command::Openapi => Output::Json.answer(&doorward::openapi::document(), String::new),
        Command::Restore { file } => restore::restore(&loaded()?, &file, output),
        Command::Migrate { check: true } => {
            let loaded = loaded()?;
            one_thread()?.block_on(database::check(&loaded, output))
        }
        Command::Migrate { check: false } => {
            let loaded = loaded()?;
            one_thread()?.block_on(database::migrate(loaded, output))
        }
        Command::Backup { file } => {
            let loaded = loaded()?;
            one_thread()?.block_on(database::back_up(loaded, &file, output))
        }
        Command::User(command) => {
            administer(loaded()?, output, |desk| admin::users::run(desk, command))
        }
        Command::Role(command) => {
            administer(loaded()?, output, |desk| admin::roles::run(desk, command))
        }
        Command::Permission(command) => administer(loaded()?, output, |desk| {
            admin::permissions::run(desk, command)
        }),
        Command::Admin(command) => administer(loaded()?, output, |desk| {
            admin::roles::run_admin(desk, command)
        }),
        Command::Events(filter) => {
            administer(loaded()?, output, |desk| admin::events::show(desk, filter))
        }
    }
}

/// Does administrative work on the configured database.
fn administer<F>(
    loaded: Loaded,
    output: Output,
    work: impl FnOnce(Desk) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    one_thread()?.block_on(async { work(Desk::open(loaded, output).await?).await })
}

/// Prints the configuration in effect.
fn show(loaded: Loaded, output: Output) -> Result<(), Failure> {
    let mut config = loaded.config;
    // The URL of a database holds its password.
    let secrets = [&mut config.mail.smtp.password, &mut config.database.url];
    for secret in secrets.into_iter().flatten() {
        *secret = "…".into();
    }
    let text = toml::to_string(&config)
        .map_err(|error| Failure::refused("internal", error.to_string()))?;
    output.answer(&config, || text)
}

fn many_threads() -> Result<Runtime, Failure> {
    start(&mut Builder::new_multi_thread())
}

fn one_thread() -> Result<Runtime, Failure> {
    start(&mut Builder::new_current_thread())
}

fn start(builder: &mut Builder) -> Result<Runtime, Failure> {
    builder.enable_all().build().map_err(|error| {
        Failure::refused(
            "unavailable",
            format!("the system gives no threads: {error}"),
        )
    })
}
