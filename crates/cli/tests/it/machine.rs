//! A folder to run `doorward` in, and a plain HTTP client.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with a port of its own.
pub(crate) struct Machine {
    folder: TempDir,
    pub(crate) port: u16,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        Self {
            folder: tempfile::tempdir().unwrap(),
            port,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn files(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    /// The permission bits of a file.
    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The command, with nothing of this process's environment but what this machine's port needs.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command
            .args(line.split_whitespace())
            .env_clear()
            .env("DOORWARD_LISTEN", format!("127.0.0.1:{}", self.port))
            .env(
                "DOORWARD_PUBLIC_URL",
                format!("http://localhost:{}", self.port),
            )
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, line: &str) -> Ran {
        Ran::of(&mut self.command(line))
    }

    /// What a command that is to succeed answers with `--json`.
    pub(crate) fn json(&self, line: &str) -> Value {
        self.run(&format!("{line} --json")).succeeded().json()
    }

    pub(crate) fn serve(&self) -> Server {
        self.serve_with(|_| {})
    }

    pub(crate) fn serve_with(&self, change: impl FnOnce(&mut Command)) -> Server {
        let mut command = self.command("serve");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        change(&mut command);
        Server::start(command, self.port)
    }

    /// SQL on the database itself, for what no command does.
    pub(crate) fn sql(&self, statement: &str) {
        let database = rusqlite::Connection::open(self.path("doorward-data/doorward.db")).unwrap();
        database.execute_batch(statement).unwrap();
    }
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        self.ended_with(0)
    }

    #[track_caller]
    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "no {text:?} in {}", self.stdout);
        self
    }

    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no {text:?} in {}", self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// A server that runs, and does not outlive its test.
pub(crate) struct Server {
    child: Child,
    port: u16,
    /// What it says when it is ready.
    pub(crate) greeting: String,
    stdout: BufReader<ChildStdout>,
    log: Option<JoinHandle<String>>,
}

impl Server {
    fn start(mut command: Command, port: u16) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        let mut server = Self {
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
            port,
            greeting: String::new(),
            log: Some(log),
        };
        // It greets when it listens.
        while !server.greeting.contains("Next: ") {
            if server.stdout.read_line(&mut server.greeting).unwrap() == 0 {
                let (status, log) = server.end();
                panic!("the server did not start: {status}: {log}");
            }
        }
        server
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// How it ended, and its log.
    pub(crate) fn end(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.log.take().unwrap().join().unwrap())
    }

    /// Stops it as a service manager does; its log.
    pub(crate) fn stop(mut self) -> String {
        self.signal(Signal::TERM);
        let (status, log) = self.end();
        assert_eq!(status.code(), Some(0), "{log}");
        log
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        request(self.port, &format!("GET {path} HTTP/1.1\r\n"), "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        );
        request(self.port, &head, &body)
    }

    /// The status of a session's own check.
    pub(crate) fn check(&self, token: &str) -> u16 {
        let head =
            format!("GET /auth/sessions/current HTTP/1.1\r\nauthorization: Bearer {token}\r\n");
        request(self.port, &head, "").status
    }

    /// Item 65: asks until the session is refused, and not longer than a second.
    #[track_caller]
    #[expect(
        clippy::disallowed_methods,
        reason = "a promise about time is measured"
    )]
    pub(crate) fn refuses_within_a_second(&self, token: &str) {
        let asked = Instant::now();
        while self.check(token) != 401 {
            assert!(
                asked.elapsed() < Duration::from_secs(1),
                "the session still lives"
            );
        }
    }

    /// The newest mail to an address.
    pub(crate) fn mail_to(&self, address: &str) -> Value {
        self.get(&format!("/dev/mailbox.json?to={address}")).json()[0].take()
    }

    /// Signs in by a code from the mailbox; the token.
    pub(crate) fn sign_in(&self, address: &str) -> String {
        let asked = self
            .post("/auth/verify", &json!({ "email": address }))
            .json();
        let text = self.mail_to(address)["text"].as_str().unwrap().to_owned();
        let code = text.lines().next().unwrap();
        let form =
            json!({ "method": "otp", "email": address, "token": code, "flow": asked["flow"] });
        let answer = self.post("/auth/sessions", &form);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["token"].as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends a request, with the headers that each needs, and reads to the end.
pub(crate) fn request(port: u16, head: &str, body: &str) -> Response {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        stream,
        "{head}host: localhost:{port}\r\nconnection: close\r\n\r\n{body}"
    )
    .unwrap();
    read(stream)
}

pub(crate) fn read(mut stream: TcpStream) -> Response {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {text:?}"));
    Response {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// Whether a file holds this text.
pub(crate) fn holds(file: &Path, text: &str) -> bool {
    fs::read(file)
        .unwrap()
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
