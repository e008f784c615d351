//! A copy of the workspace in which mutants are built and tested.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use serde::Deserialize;

use crate::mutate::Result;
use crate::mutate::plan::{CRATE, Mutant};

/// What the copy consists of: enough for cargo to find every member.
const COPIED: [&str; 7] = [
    "Cargo.toml",
    "Cargo.lock",
    "bench",
    "chaos",
    "crates",
    "rig",
    "xtask",
];

/// Far beyond what the tests take. A mutant that needs longer does not end.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The copy, and its own `target`, which the next run finds warm.
pub(crate) struct Bench {
    copy: PathBuf,
    target: PathBuf,
    output: PathBuf,
    /// Held while the copy is in use: two runs would mutate each other's.
    _lock: File,
}

/// What became of a mutant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Tests failed, by name; none if the process died before it could say.
    Noticed(Vec<String>),
    /// The tests did not come to an end.
    TimedOut,
    /// The tests passed.
    Survived,
    /// The mutation is no Rust: this says nothing about the tests.
    DoesNotCompile(String),
}

impl Verdict {
    pub(crate) fn is_noticed(&self) -> bool {
        matches!(self, Self::Noticed(_) | Self::TimedOut)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Noticed(tests) => match &tests[..] {
                [] => write!(f, "noticed by a crash"),
                [test] => write!(f, "noticed by {test}"),
                [test, others @ ..] => write!(f, "noticed by {test} and {} more", others.len()),
            },
            Self::TimedOut => write!(f, "noticed by tests that did not end"),
            Self::Survived => write!(f, "SURVIVED"),
            Self::DoesNotCompile(errors) => write!(f, "DOES NOT COMPILE\n{errors}"),
        }
    }
}

/// A verdict, and how long it took.
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    elapsed: Duration,
}

impl Judged {
    /// Seconds, to a tenth.
    pub(crate) fn seconds(&self) -> String {
        format!("{:.1}", self.elapsed.as_secs_f64())
    }
}

impl Bench {
    /// Copies the workspace, or brings an older copy up to date.
    pub(crate) fn new(repository: &Path) -> Result<Self> {
        let root = repository.join("target/mutation");
        let copy = root.join("workspace");
        fs::create_dir_all(&copy)?;
        let (root, copy) = (root.canonicalize()?, copy.canonicalize()?);
        let lock = File::create(root.join("lock"))?;
        lock.try_lock()
            .map_err(|error| format!("another run uses the copy: {error}"))?;
        for name in COPIED {
            synchronise(&repository.join(name), &copy.join(name))?;
        }
        Ok(Self {
            copy,
            target: root.join("target"),
            output: root.join("output"),
            _lock: lock,
        })
    }

    /// Judges one mutant, and takes its mutation back.
    pub(crate) fn judge_mutant(&self, mutant: &Mutant) -> Result<Judged> {
        let path = self.copy.join(&mutant.path);
        fs::write(&path, &mutant.mutated)?;
        let judged = self.judge();
        fs::write(&path, &mutant.original)?;
        judged
    }

    /// Builds and tests the copy as it is.
    pub(crate) fn judge(&self) -> Result<Judged> {
        let start = now();
        let verdict = match self.build()? {
            Ok(binaries) => self.test(&binaries)?,
            Err(errors) => Verdict::DoesNotCompile(errors),
        };
        Ok(Judged {
            verdict,
            elapsed: start.elapsed(),
        })
    }

    /// Builds the tests: their binaries, or the compiler's errors.
    fn build(&self) -> Result<std::result::Result<Vec<PathBuf>, String>> {
        let output = Command::new("cargo")
            .args(["test", "--no-run", "--locked", "--all-features"])
            .args(["-p", "doorward-webauthn", "--lib", "--test", "it"])
            .args(["--quiet", "--message-format", "json-render-diagnostics"])
            .arg("--target-dir")
            .arg(&self.target)
            .current_dir(&self.copy)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .output()?;
        if !output.status.success() {
            return Ok(Err(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        let mut binaries = Vec::new();
        for line in output.stdout.split(|&byte| byte == b'\n') {
            let Ok(message) = serde_json::from_slice::<Message>(line) else {
                continue;
            };
            binaries.extend(message.executable);
        }
        if binaries.len() != 2 {
            return Err(format!("two test binaries are expected, not {binaries:?}").into());
        }
        Ok(Ok(binaries))
    }

    /// Runs the tests, up to the first binary with a failure.
    fn test(&self, binaries: &[PathBuf]) -> Result<Verdict> {
        for binary in binaries {
            let mut tests = Command::new(binary);
            tests
                // What notices a mutant must notice it every time, so random inputs do not count.
                .args(["--skip", "properties::"])
                .current_dir(self.copy.join(CRATE))
                .stdin(Stdio::null())
                .stdout(File::create(&self.output)?)
                .stderr(Stdio::null());
            match ended(&mut tests)? {
                None => return Ok(Verdict::TimedOut),
                Some(status) if status.success() => {}
                Some(_) => return Ok(Verdict::Noticed(failures(&fs::read(&self.output)?))),
            }
        }
        Ok(Verdict::Survived)
    }
}

/// What cargo says of something that it built.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

/// The names in the lines `test NAME ... FAILED`.
fn failures(output: &[u8]) -> Vec<String> {
    let output = String::from_utf8_lossy(output);
    output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        .map(str::to_owned)
        .collect()
}

/// Runs a command to its end, unless that takes too long.
fn ended(command: &mut Command) -> Result<Option<ExitStatus>> {
    let mut child = command.spawn()?;
    let start = now();
    while start.elapsed() < TIMEOUT {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// Makes `to` what `from` is. What is equal keeps its date, so that cargo builds only what differs.
fn synchronise(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        let wanted = fs::read(from)?;
        return match fs::read(to) {
            Ok(current) if current == wanted => Ok(()),
            _ => fs::write(to, wanted),
        };
    }
    fs::create_dir_all(to)?;
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        if name != "target" {
            synchronise(&from.join(&name), &to.join(&name))?;
            names.insert(name);
        }
    }
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if names.contains(&entry.file_name()) {
            continue;
        }
        if entry.path().is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[allow(
    clippy::disallowed_methods,
    reason = "a run is measured, and nothing depends on the measure but its end"
)]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
