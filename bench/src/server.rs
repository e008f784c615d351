//! The servers that are measured: Doorward's own binary, and the least that one of axum's can do, each with a processor to
//! itself, one after the other.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use axum::{Json, Router, routing::get as on_get};
use doorward::{Entropy, RootKey};
use doorward_rig::{
    Result,
    http::{Connection, get},
    process::{free_address, tethered},
};
use serde::Serialize;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::machine::{memory, moment, servers};

/// How long a start may take.
const TO_START: Duration = Duration::from_secs(30);

/// A server that runs until it is dropped.
pub(crate) struct Server {
    pub address: SocketAddr,
    pub process: u32,
    /// From the start of the process to its first answer.
    pub started_in: Duration,
    since: Instant,
    metrics: Option<SocketAddr>,
    child: Child,
}

/// How a Doorward is to run.
pub(crate) struct Setup<'a> {
    pub binary: &'a Path,
    /// Where it has its database, and writes its log.
    pub folder: &'a Path,
    /// Settings, by their names behind `DOORWARD_`.
    pub settings: Vec<(&'static str, String)>,
}

impl Server {
    /// Starts Doorward as whoever downloads it does, but without budgets for networks: everyone comes from one here.
    pub(crate) async fn start(setup: Setup<'_>) -> Result<Self> {
        let (address, metrics) = (free_address()?, free_address()?);
        let settings = [
            ("LISTEN", address.to_string()),
            ("METRICS_LISTEN", metrics.to_string()),
            ("DATA_DIR", setup.folder.display().to_string()),
            ("LIMITS__NETWORK_QUARTER", "0".into()),
            ("LIMITS__NETWORK_HOUR", "0".into()),
            ("LIMITS__NETWORK_FAILURES", "0".into()),
            ("LIMITS__ADDRESS_INTERVAL", "0s".into()),
        ];
        let settings = settings.into_iter().chain(setup.settings);
        let settings = settings.map(|(name, value)| (format!("DOORWARD_{name}"), value));
        let mut command = pinned()?;
        command
            .arg(setup.binary)
            .arg("serve")
            .env_clear()
            .envs(settings)
            .current_dir(setup.folder)
            .stderr(File::create(setup.folder.join("log"))?);
        Self::run(command, address, Some(metrics), "/readyz").await
    }

    /// Starts the server whose answer never changes: see [`still`].
    pub(crate) async fn start_still() -> Result<Self> {
        let address = free_address()?;
        let mut command = pinned()?;
        command
            .arg(std::env::current_exe()?)
            .args(["still", &address.to_string()]);
        Self::run(command, address, None, "/").await
    }

    async fn run(
        mut command: Command,
        address: SocketAddr,
        metrics: Option<SocketAddr>,
        path: &str,
    ) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let since = moment();
        let mut child = command.spawn()?;
        let process = child.id().ok_or("a server that ended at once")?;
        let request = get(path, None, "");
        let answers = async {
            loop {
                if let Some(status) = child.try_wait()? {
                    return Err(format!("the server did not start: {status}").into());
                }
                if let Ok(mut connection) = Connection::to(address).await {
                    connection.expect(200, &request).await?;
                    return Ok::<_, doorward_rig::Failure>(());
                }
                sleep(Duration::from_micros(500)).await;
            }
        };
        timeout(TO_START, answers).await??;
        Ok(Self {
            address,
            process,
            started_in: since.elapsed(),
            since,
            metrics,
            child,
        })
    }

    /// The bytes of memory that it has in use.
    pub(crate) fn memory(&self) -> Result<u64> {
        memory(self.process)
    }

    /// The value of one of its counters.
    pub(crate) async fn counted(&self, name: &str) -> Result<f64> {
        let address = self.metrics.ok_or("this server counts nothing")?;
        let mut connection = Connection::to(address).await?;
        let metrics = connection.expect(200, &get("/metrics", None, "")).await?;
        let name = format!("doorward_{name}_total ");
        let line = str::from_utf8(metrics)?
            .lines()
            .find_map(|line| line.strip_prefix(&name));
        Ok(line.ok_or("no such counter")?.trim().parse()?)
    }

    /// Waits, where the next minute is nearer than this, until what the server does every minute is done: it writes who was
    /// seen, a statement for each.
    pub(crate) async fn rest(&self, needed: Duration) -> Result<()> {
        const MINUTE: u128 = 60_000;
        const A_SECOND: Duration = Duration::from_secs(1);
        let into = self.since.elapsed().as_millis() % MINUTE;
        let left = Duration::from_millis(u64::try_from(MINUTE - into)?);
        if left > needed + A_SECOND {
            return Ok(());
        }
        sleep(left + A_SECOND).await;
        let mut before = self.statements().await?;
        loop {
            sleep(A_SECOND).await;
            let after = self.statements().await?;
            if after - before < 100.0 {
                return Ok(());
            }
            before = after;
        }
    }

    /// How many statements it has run.
    pub(crate) async fn statements(&self) -> Result<f64> {
        self.counted("sql_statements").await
    }
}

impl Drop for Server {
    /// Waits until it is gone: the next may want the same folder.
    fn drop(&mut self) {
        if self.child.start_kill().is_ok() {
            while matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// A command that ends with this process, and has the processor of the servers.
fn pinned() -> Result<Command> {
    let mut command = tethered(&[], None);
    command.args(["/usr/bin/taskset", "--cpu-list", &servers()?.to_string()]);
    Ok(command)
}

/// A root key, written where a server in this folder looks for it.
pub(crate) fn root_key(folder: &Path) -> Result<RootKey> {
    let key = RootKey::generate(&Entropy::system());
    fs::write(
        folder.join(doorward::ROOT_KEY_FILE),
        key.to_hex().as_bytes(),
    )?;
    Ok(key)
}

#[derive(Serialize)]
struct Still {
    status: &'static str,
}

/// The least that a server on axum can do: one answer of JSON, and nothing around it.
pub(crate) async fn still(address: SocketAddr) -> Result<()> {
    let answer = on_get(async || Json(Still { status: "ok" }));
    let listener = TcpListener::bind(address).await?;
    Ok(axum::serve(listener, Router::new().route("/", answer)).await?)
}
