//! Processes that end with this one.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Stdio,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process},
};
use tokio::{process::Command, time::timeout};

use crate::Result;

/// How long any command may take.
const TO_COMMAND: Duration = Duration::from_mins(2);

/// A command that takes what it is to run as arguments, and that ends when this process does, however that ends.
///
/// `inside` is what it is run by (`ip netns exec …`), or nothing; `user` is who it runs as.
#[must_use]
pub fn tethered(inside: &[String], user: Option<&str>) -> Command {
    const SETPRIV: &str = "/usr/bin/setpriv";
    let mut command = match inside.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(SETPRIV);
            command
        }
        None => Command::new(SETPRIV),
    };
    if let Some(user) = user {
        command.args(["--reuid", user, "--regid", user, "--init-groups"]);
    }
    command.args(["--pdeathsig", "KILL"]);
    command
}

/// Runs a command to its end, in two minutes at most; what it prints.
///
/// # Errors
/// When it does not end in time, or fails: then with what it said.
pub async fn succeed(command: &mut Command) -> Result<String> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = timeout(TO_COMMAND, command.output())
        .await
        .map_err(|_| format!("{command:?} did not end"))??;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(format!("{command:?} failed: {said}").into())
    }
}

/// An address on loopback that nothing listens on. None is given twice in a process: whoever was given it before may not
/// listen yet.
///
/// # Errors
/// When there is none.
pub fn free_address() -> Result<SocketAddr> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        if given.insert(address.port()) {
            return Ok(address);
        }
    }
}

/// Processes that stand still for as long as this is kept, and this process lives: who stands cannot see that it has ended.
pub(crate) struct Stopped(std::process::Child);

impl Stopped {
    /// Stops a process and its children.
    pub(crate) fn with_children(parent: Pid) -> Result<Self> {
        // Lets them go on when its input ends, whatever ends it. The first goes on last: while it stands, the ids of its
        // children are nobody else's.
        const RESUMER: &str = "while read -r id; do ids=\"$id $ids\"; done; kill -CONT $ids";
        let mut resumer = std::process::Command::new("sh");
        resumer.args(["-c", RESUMER]);
        resumer.stdin(Stdio::piped()).stderr(Stdio::null());
        let mut stopped = Self(resumer.spawn()?);
        stopped.stop(parent)?;
        let mut known = Vec::new();
        // It may have been making one more when it stopped.
        while let Some(child) = children(parent)?
            .into_iter()
            .find(|child| !known.contains(child))
        {
            stopped.stop(child)?;
            known.push(child);
        }
        Ok(stopped)
    }

    fn stop(&mut self, process: Pid) -> Result<()> {
        if let Some(resumer) = &mut self.0.stdin {
            writeln!(resumer, "{}", process.as_raw_nonzero())?;
        }
        match kill_process(process, Signal::STOP) {
            // One that has just ended is not missed.
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

/// The processes that this one has started.
fn children(parent: Pid) -> Result<Vec<Pid>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let id = name.to_str().and_then(|name| name.parse().ok());
        let Some(process) = id.and_then(Pid::from_raw) else {
            continue;
        };
        // `PID (NAME) STATE PARENT …`, where the name may hold anything. It is gone where it has ended meanwhile.
        let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
        let stat = stat.unwrap_or_default();
        let after = stat.rsplit_once(')').map(|(_, after)| after);
        let its_parent = after.and_then(|after| after.split_whitespace().nth(1)?.parse().ok());
        if its_parent == Some(parent.as_raw_nonzero().get()) {
            children.push(process);
        }
    }
    Ok(children)
}

/// Whether this process may do everything.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
