//! PostgreSQL servers of our own, in temporary folders: made, started, killed, copied, promoted.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::Pid;
use tokio::{
    process::{Child, Command},
    sync::Mutex,
    time::{sleep, timeout},
};
use tokio_postgres::{Client, NoTls};

use crate::{
    Result,
    process::{Stopped, is_root, succeed, tethered},
};

/// How long a start may take, a recovery included.
const TO_START: Duration = Duration::from_mins(1);
/// The database's only user, who owns it.
pub const USER: &str = "doorward";

/// A PostgreSQL server.
pub struct Postgres {
    /// Also the name of its folder, and that by which others know it.
    pub name: &'static str,
    /// Where it listens.
    pub address: SocketAddr,
    folder: PathBuf,
    /// What it is run by: `ip netns exec …`, or nothing.
    inside: Vec<String>,
    child: Mutex<Option<Child>>,
}

impl Postgres {
    /// A server to be, whose folder is made.
    pub async fn new(
        name: &'static str,
        address: SocketAddr,
        folder: &Path,
        inside: Vec<String>,
    ) -> Result<Self> {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        if is_root() {
            let mut own = Command::new("chown");
            succeed(own.arg("postgres:").arg(&folder)).await?;
        }
        Ok(Self {
            name,
            address,
            folder,
            inside,
            child: Mutex::new(None),
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Makes an empty database.
    pub async fn init(&self) -> Result<()> {
        let mut init = self.command("initdb")?;
        init.args(["--username", USER, "--auth", "trust", "--encoding", "UTF8"])
            .args(["--no-locale", "--no-instructions", "--pgdata"])
            .arg(self.data());
        succeed(&mut init).await?;
        self.configure("max_connections = 200\n")?;
        // Whoever can reach it is one of ours: it listens on loopback or in a network of its own.
        self.append(
            "pg_hba.conf",
            "host all all samenet trust\nhost replication all samenet trust\n",
        )
    }

    /// Appends settings to its configuration, for its next start.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn configure(&self, settings: &str) -> Result<()> {
        self.append("postgresql.auto.conf", settings)
    }

    fn append(&self, file: &str, text: &str) -> Result<()> {
        let mut file = OpenOptions::new()
            .append(true)
            .open(self.data().join(file))?;
        Ok(file.write_all(text.as_bytes())?)
    }

    /// Copies another server, to follow it as the standby that its commits wait for.
    pub async fn follow(&self, primary: &Self) -> Result<()> {
        if self.data().exists() {
            fs::remove_dir_all(self.data())?;
        }
        // A host that was cut off finds the others a moment after its link is back.
        let reached = async {
            while self.ask(primary, "select 1").await.is_err() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(TO_START, reached)
            .await
            .map_err(|_| format!("{} is not reached from {}", primary.name, self.name))?;
        let mut copy = self.command("pg_basebackup")?;
        let from = format!(
            "host={} port={} user={USER} application_name={}",
            primary.address.ip(),
            primary.address.port(),
            self.name
        );
        copy.args(["--checkpoint", "fast", "--write-recovery-conf", "--pgdata"])
            .arg(self.data())
            .args(["--dbname", &from]);
        succeed(&mut copy).await?;
        // As a primary it waits for nobody until it is told to.
        self.configure("synchronous_standby_names = ''\n")
    }

    /// Starts it, and waits until it answers.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a server takes to start is nobody's time but ours"
    )]
    pub async fn start(&self) -> Result<()> {
        let since = Instant::now();
        loop {
            self.spawn().await?;
            while since.elapsed() < TO_START {
                if self.answers().await {
                    return Ok(());
                }
                let mut child = self.child.lock().await;
                let ended = child
                    .as_mut()
                    .is_none_or(|child| child.try_wait().is_ok_and(|status| status.is_some()));
                if ended {
                    break;
                }
                drop(child);
                sleep(Duration::from_millis(20)).await;
            }
            if since.elapsed() >= TO_START {
                let log = self.folder.join("log");
                return Err(format!("{} did not start: see {}", self.name, log.display()).into());
            }
            // Processes of the one that was killed may live a moment longer, and hold its memory.
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn spawn(&self) -> Result<()> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))?;
        let mut command = self.command("postgres")?;
        command
            .arg("-D")
            .arg(self.data())
            .arg("-c")
            .arg(format!("listen_addresses={}", self.address.ip()))
            .arg("-c")
            .arg(format!("port={}", self.address.port()))
            .arg("-c")
            .arg("unix_socket_directories=")
            .stdout(Stdio::null())
            .stderr(log);
        *self.child.lock().await = Some(command.spawn()?);
        Ok(())
    }

    async fn answers(&self) -> bool {
        self.sql("select 1").await.is_ok()
    }

    /// What a statement answers, as text.
    pub async fn sql(&self, statement: &str) -> Result<String> {
        self.ask(self, statement).await
    }

    /// What a statement answers on another server, asked from here.
    async fn ask(&self, server: &Self, statement: &str) -> Result<String> {
        let mut psql = self.command("psql")?;
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--command"])
            .arg(statement)
            .args(["--host", &server.address.ip().to_string()])
            .args(["--port", &server.address.port().to_string()])
            .args(["--username", USER, "--dbname", "postgres"])
            .env("PGCONNECT_TIMEOUT", "2");
        Ok(succeed(&mut psql).await?.trim().to_owned())
    }

    /// `kill -9`, and waits until it is gone; its children end when they notice.
    pub async fn kill(&self) -> Result<()> {
        if let Some(mut child) = self.child.lock().await.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// SIGSTOP to all of its processes, and SIGCONT after some time: what is asked meanwhile hangs, and connections are taken
    /// by the kernel alone.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn hang(&self, time: Duration) -> Result<()> {
        let id = self.child.lock().await.as_ref().and_then(Child::id);
        let id = id.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let _stopped = Stopped::with_children(id.ok_or("it does not run")?)?;
        sleep(time).await;
        Ok(())
    }

    /// Makes it the primary.
    pub async fn promote(&self) -> Result<()> {
        let mut promote = self.command("pg_ctl")?;
        promote
            .args(["promote", "--wait", "--pgdata"])
            .arg(self.data());
        succeed(&mut promote).await.map(drop)
    }

    /// A program of PostgreSQL's, as the user that it wants to be run by.
    fn command(&self, program: &str) -> Result<Command> {
        let user = is_root().then_some("postgres");
        let mut command = tethered(&self.inside, user);
        command
            .arg(programs()?.join(program))
            .env("LC_ALL", "C")
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }
}

/// How a database of a server of ours is named.
#[must_use]
pub fn url(server: SocketAddr, database: &str) -> String {
    let (host, port) = (server.ip(), server.port());
    format!("host={host} port={port} user={USER} dbname={database}")
}

/// A connection, which lives as long as its client.
///
/// # Errors
/// When the server cannot be reached, or takes nobody in.
pub async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Where Debian has them: of the newest version there is.
pub fn programs() -> Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort_unstable();
    let (_, newest) = found
        .pop()
        .ok_or("this needs Debian's package postgresql, of version 15 or newer")?;
    Ok(newest)
}
