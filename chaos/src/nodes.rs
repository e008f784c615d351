//! Server processes: started, killed, stopped in their tracks, and ended with the harness.

use std::{fs::OpenOptions, net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use doorward_rig::process::tethered;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    process::{Child, Command},
    sync::Mutex,
    time::{sleep, timeout},
};

use crate::{
    failure::Result,
    history::Moment,
    http::{Ask, Client, Reply, Target},
};

/// How long a start may take.
const TO_START: Duration = Duration::from_mins(1);
/// How long a command may take.
const TO_COMMAND: Duration = Duration::from_secs(20);

/// How a server is run.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub binary: PathBuf,
    /// Where it runs, and writes its log.
    pub folder: PathBuf,
    pub environment: Vec<(String, String)>,
}

/// A server.
pub(crate) struct Node {
    pub target: Target,
    setup: Setup,
    child: Mutex<Option<Child>>,
}

impl Node {
    pub(crate) fn new(name: &str, address: SocketAddr, setup: Setup) -> Self {
        Self {
            target: Target {
                name: name.into(),
                address,
            },
            setup,
            child: Mutex::new(None),
        }
    }

    /// Starts it and waits until it serves.
    pub(crate) async fn start(&self) -> Result<()> {
        let mut child = self.child.lock().await;
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.setup.folder.join(format!("{}.log", self.target.name)))?;
        let mut command = self.command(&["serve"]);
        command
            .env("DOORWARD_LISTEN", self.target.address.to_string())
            .stdout(Stdio::null())
            .stderr(log);
        let started = child.insert(command.spawn()?);
        let serves = async {
            let mut client = Client::default();
            loop {
                if let Some(status) = started.try_wait()? {
                    let log = self.setup.folder.display();
                    let name = &self.target.name;
                    return Err(
                        format!("{name} did not start ({status}): see {log}/{name}.log").into(),
                    );
                }
                if is_ready(&mut client, &self.target).await {
                    return Ok(());
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        match timeout(TO_START, serves).await {
            Ok(result) => result,
            Err(_) => Err(format!("{} was not ready in time", self.target.name).into()),
        }
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) async fn kill(&self) -> Result<()> {
        if let Some(mut child) = self.child.lock().await.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Stops it in its tracks for a while.
    pub(crate) async fn pause(&self, time: Duration) -> Result<()> {
        self.signal(Signal::STOP).await?;
        sleep(time).await;
        self.signal(Signal::CONT).await
    }

    async fn signal(&self, signal: Signal) -> Result<()> {
        let child = self.child.lock().await;
        let id = child.as_ref().and_then(Child::id);
        let id = id.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(id) = id {
            kill_process(id, signal)?;
        }
        Ok(())
    }

    /// What a command answers with `--json`, once it is done.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command
            .arg("--json")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        match timeout(TO_COMMAND, command.output()).await {
            Ok(Ok(output)) if output.status.success() => Ran::Done(read(&output.stdout)),
            Ok(Ok(output)) => Ran::Refused(read(&output.stderr)),
            _ => Ran::Lost,
        }
    }

    /// The program with arguments.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tethered(&[], None);
        command
            .arg(&self.setup.binary)
            .args(arguments)
            .env_clear()
            .envs(self.setup.environment.iter().cloned())
            .current_dir(&self.setup.folder)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }
}

/// What became of a command.
#[derive(Debug)]
pub(crate) enum Ran {
    Done(Value),
    Refused(Value),
    Lost,
}

fn read(output: &[u8]) -> Value {
    serde_json::from_slice(output).unwrap_or(Value::Null)
}

async fn is_ready(client: &mut Client, target: &Target) -> bool {
    let ask = Ask {
        method: "GET",
        path: "/readyz",
        token: None,
        body: None,
        number: 0,
    };
    matches!(client.ask(target, ask).await, Reply::Answer(answer) if answer.status.is_success())
}

/// Seconds, as the history counts.
pub(crate) const fn seconds(count: u64) -> Moment {
    count * 1_000_000
}
