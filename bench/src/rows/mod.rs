//! The rows of the table: each makes its world, measures a limit and what stands beside it, and leaves nothing running.

mod checks;
mod codes;
mod flood;
mod growth;
mod memory;
mod pages;
mod postgres;
mod sign_ins;
mod start;
mod webauthn;

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use clap::ValueEnum;
use doorward::{DATABASE_FILE, testing::Population};
use doorward_rig::{Result, http::Connection};

use crate::{
    load::{Measured, Times},
    machine::{self, now},
    passkey::Authenticator,
    report::Row,
    server::{Server, Setup, root_key},
};

/// How many are served at once.
pub(crate) const AT_ONCE: usize = 64;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// Checks of sessions that are in memory, and of others
    Checks,
    /// Sign-ins by passkey
    Passkeys,
    /// Sign-ins by mailed code
    Codes,
    /// The verification of passkeys alone
    Webauthn,
    /// How checks, sign-ins and starts are with more people
    Growth,
    /// Sign-ins by passkey on PostgreSQL
    Postgres,
    /// Memory: idle, and for each session
    Memory,
    /// The first answer, and the size of the binary
    Start,
    /// Strangers who ask for much
    Flood,
    /// Pages, for people who read them
    Pages,
}

impl Name {
    pub(crate) async fn measure(self, bench: &Bench) -> Result<Vec<Row>> {
        match self {
            Self::Checks => checks::measure(bench).await,
            Self::Passkeys => sign_ins::measure(bench).await,
            Self::Codes => codes::measure(bench).await,
            Self::Webauthn => webauthn::measure(bench),
            Self::Growth => growth::measure(bench).await,
            Self::Postgres => postgres::measure(bench).await,
            Self::Memory => memory::measure(bench).await,
            Self::Start => start::measure(bench).await,
            Self::Flood => flood::measure(bench).await,
            Self::Pages => pages::measure(bench).await,
        }
    }
}

/// What all rows share.
pub(crate) struct Bench {
    /// The server's binary.
    pub binary: PathBuf,
    /// Where databases are made.
    pub folder: PathBuf,
    pub times: Times,
    /// How many people there are where it matters, and the numbers that are compared.
    pub people: u64,
    pub growth: Vec<u64>,
    pub authenticator: Authenticator,
    /// Whose databases have been made, by how many people and sessions of each there are.
    pub populations: Mutex<HashMap<(u64, u8), Arc<Population>>>,
}

impl Bench {
    /// A Doorward with so many people.
    pub(crate) async fn server(
        &self,
        people: u64,
        settings: Vec<(&'static str, String)>,
    ) -> Result<(Server, Arc<Population>)> {
        self.server_of(people, 1, settings).await
    }

    /// A Doorward with so many people, each of whom has signed in so many times.
    pub(crate) async fn server_of(
        &self,
        people: u64,
        sessions: u8,
        settings: Vec<(&'static str, String)>,
    ) -> Result<(Server, Arc<Population>)> {
        let population = self.population_of(people, sessions)?;
        let home = self.home_of(people, sessions);
        machine::read(&home.join(DATABASE_FILE))?;
        let setup = Setup {
            binary: &self.binary,
            folder: &home,
            settings,
        };
        Ok((Server::start(setup).await?, population))
    }

    /// Where a server with so many people lives.
    pub(crate) fn home(&self, people: u64) -> PathBuf {
        self.home_of(people, 1)
    }

    fn home_of(&self, people: u64, sessions: u8) -> PathBuf {
        self.folder.join(format!("people-{people}-{sessions}"))
    }

    /// So many people, whose database is made when they are first asked for.
    pub(crate) fn population(&self, people: u64) -> Result<Arc<Population>> {
        self.population_of(people, 1)
    }

    fn population_of(&self, people: u64, sessions: u8) -> Result<Arc<Population>> {
        let mut populations = self.populations.lock().map_err(|error| error.to_string())?;
        if let Some(population) = populations.get(&(people, sessions)) {
            return Ok(Arc::clone(population));
        }
        let home = self.home_of(people, sessions);
        fs::create_dir(&home)?;
        let key = root_key(&home)?;
        let population = Population::new(&key, self.authenticator.public_key(), now()?);
        let population = population.with_sessions(sessions);
        population.write_file(&home.join(DATABASE_FILE), people);
        let population = Arc::new(population);
        populations.insert((people, sessions), Arc::clone(&population));
        Ok(population)
    }

    /// Connections to a server, as many as are served at once.
    pub(crate) async fn connections(server: &Server) -> Result<Vec<Connection>> {
        let mut connections = Vec::with_capacity(AT_ONCE);
        for _ in 0..AT_ONCE {
            connections.push(Connection::to(server.address).await?);
        }
        Ok(connections)
    }

    /// How often something is done in a second by the processor of the servers.
    pub(crate) fn times_a_second(&self, mut work: impl FnMut() + Send) -> Result<f64> {
        const BATCH: u32 = 16;
        let measured = self.times.measured.min(Duration::from_secs(2));
        let count = || -> Result<f64> {
            machine::become_server()?;
            let (since, mut count) = (machine::moment(), 0.0);
            while since.elapsed() < measured {
                for _ in 0..BATCH {
                    work();
                }
                count += f64::from(BATCH);
            }
            Ok(count / since.elapsed().as_secs_f64())
        };
        thread::scope(|scope| scope.spawn(count).join())
            .map_err(|_| "the measured work panicked")?
    }
}

/// What a row says of a load, beside its rate.
pub(crate) fn seen(row: Row, measured: &Measured) -> Row {
    let row = row.remark(format!(
        "p50 {:.2} ms, p99 {:.2} ms, server {:.0} % of a core, generator {:.0} %",
        measured.percentile(50.0),
        measured.percentile(99.0),
        measured.server * 100.0,
        measured.generator * 100.0
    ));
    if measured.was_the_generators() {
        row.remark("THE GENERATOR WAS THE LIMIT")
    } else {
        row
    }
}

/// Statements of a visit, those of the server's own clock left out: it looks for changes four times a second.
pub(crate) fn statements_each(before: f64, after: f64, times: Times, visits: u64) -> Result<f64> {
    let own = (times.warm_up + times.measured).as_secs_f64() * 4.0;
    Ok((after - before - own).max(0.0) / f64::from(u32::try_from(visits.max(1))?))
}
