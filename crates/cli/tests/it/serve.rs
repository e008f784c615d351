//! `doorward serve`

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Stdio,
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::machine::{Machine, Ran, holds, read, request};

/// Items 125, 130: without any configuration it listens on loopback, keeps mail in the mailbox, makes a root key, and
/// nobody else may read what it keeps.
#[test]
fn it_starts_with_no_configuration() {
    let machine = Machine::new();
    let server = machine.serve();

    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.get("/readyz").status, 200);
    assert!(
        server
            .greeting
            .contains(&format!("http://localhost:{}/dev/mailbox", machine.port)),
        "{}",
        server.greeting
    );
    assert!(
        server.greeting.contains("doorward-data"),
        "{}",
        server.greeting
    );
    assert_eq!(machine.mode("doorward-data"), 0o700);
    for file in machine.files("doorward-data") {
        assert_eq!(
            machine.mode(&format!("doorward-data/{file}")),
            0o600,
            "{file}"
        );
    }
    let key = fs::read_to_string(machine.path("doorward-data/root.key")).unwrap();
    assert_eq!(key.trim().len(), 64);
}

/// Item 125: the root key stays outside the database, and the next start finds it.
#[test]
fn the_root_key_is_kept() {
    let machine = Machine::new();
    let token = {
        let server = machine.serve();
        let token = server.sign_in("ada@example.com");
        server.stop();
        token
    };
    let key = fs::read_to_string(machine.path("doorward-data/root.key")).unwrap();
    assert!(!holds(
        &machine.path("doorward-data/doorward.db"),
        key.trim()
    ));

    let server = machine.serve();

    assert_eq!(server.check(&token), 200);
    assert_eq!(
        fs::read_to_string(machine.path("doorward-data/root.key")).unwrap(),
        key
    );
    server.stop();

    fs::remove_file(machine.path("doorward-data/root.key")).unwrap();
    machine
        .run("serve")
        .ended_with(1)
        .complains("bring it back from your backup");
    let ran = machine.serve_with(|command| {
        command.env("DOORWARD_ROOT_KEY", key.trim());
    });
    assert_eq!(
        ran.check(&token),
        200,
        "the environment may give the same key"
    );
}

/// Item 130: a crash leaves no secrets behind.
#[cfg(target_os = "linux")]
#[test]
fn it_dumps_no_core() {
    let server = Machine::new().serve();
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(
        core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(),
        ["0", "0"]
    );
}

#[test]
fn a_second_server_is_refused_by_name() {
    let machine = Machine::new();
    let server = machine.serve();

    let second = Ran::of(
        machine
            .command("serve")
            .env("DOORWARD_LISTEN", "127.0.0.1:0"),
    );

    second.ended_with(1).complains(&format!(
        "doorward-data is in use by process {}, serving on",
        server.id()
    ));
    server.stop();
    machine.serve();
}

#[test]
fn a_port_that_is_taken_is_told() {
    let machine = Machine::new();
    let _taken = TcpListener::bind(("127.0.0.1", machine.port)).unwrap();
    machine
        .run("serve")
        .ended_with(1)
        .complains("another program listens there")
        .complains("DOORWARD_LISTEN");
}

/// Item 123: metrics are on a listener of their own.
#[test]
fn metrics_are_served_apart() {
    let machine = Machine::new();
    let other = Machine::new();
    let server = machine.serve_with(|command| {
        command.env(
            "DOORWARD_METRICS_LISTEN",
            format!("127.0.0.1:{}", other.port),
        );
    });

    server.get("/healthz");
    let metrics = request(other.port, "GET /metrics HTTP/1.1\r\n", "");

    assert_eq!(metrics.status, 200);
    assert!(
        metrics
            .head
            .to_lowercase()
            .contains("content-type: application/openmetrics-text"),
        "{}",
        metrics.head
    );
    assert!(
        metrics.body.contains("doorward_requests"),
        "{}",
        metrics.body
    );
    assert_eq!(server.get("/metrics").status, 404);
    assert_eq!(
        request(other.port, "GET /auth/sessions HTTP/1.1\r\n", "").status,
        404
    );
    server.stop();
}

/// Item 137: a request that is under way at the signal is answered, and the server ends well.
#[test]
fn a_signal_lets_requests_finish() {
    for signal in [Signal::TERM, Signal::INT] {
        let machine = Machine::new();
        let mut server = machine.serve();
        let body = json!({ "email": "ada@example.com" }).to_string();
        let (first, second) = body.split_at(5);
        let mut stream = TcpStream::connect(("127.0.0.1", machine.port)).unwrap();
        // The server asks for the body when the request is in its handler.
        write!(
            stream,
            "POST /auth/verify HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
            body.len()
        )
        .unwrap();
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).unwrap();
        assert!(go_on.starts_with(b"HTTP/1.1 100"));

        server.signal(signal);
        write!(stream, "{first}").unwrap();
        write!(stream, "{second}").unwrap();

        assert_eq!(read(stream).status, 201);
        let (status, log) = server.end();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(TcpStream::connect(("127.0.0.1", machine.port)).is_err());
    }
}

/// Item 137: nor does a database that takes connections and says nothing.
#[test]
fn a_signal_ends_a_start_that_hangs() {
    let machine = Machine::new();
    let database = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!(
        "postgres://doorward@{}/doorward",
        database.local_addr().unwrap()
    );
    let mut command = machine.command("serve");
    command
        .env("DOORWARD_DATABASE__URL", url)
        .env(
            "DOORWARD_ROOT_KEY",
            "0123456789abcdef fedcba9876543210 0f1e2d3c4b5a6978 8796a5b4c3d2e1f0".replace(' ', ""),
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let server = command.spawn().unwrap();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(database.accept()));
    let asked = told.recv_timeout(Duration::from_secs(30));
    let _silent = asked.expect("the database is asked").unwrap();

    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();

    let ended = server.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(String::from_utf8_lossy(&ended.stderr).contains("stopped before"));
}

/// Item 137: whoever watches the mailbox does not hold up the end.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a promise about time is measured"
)]
fn a_signal_ends_the_stream_of_the_mailbox() {
    let machine = Machine::new();
    let mut server = machine.serve();
    let mut stream = TcpStream::connect(("127.0.0.1", machine.port)).unwrap();
    write!(
        stream,
        "GET /dev/mailbox/events HTTP/1.1\r\nhost: x\r\n\r\n"
    )
    .unwrap();
    server.post("/auth/verify", &json!({ "email": "ada@example.com" }));
    let mut told = String::new();
    let mut lines = std::io::BufReader::new(stream.try_clone().unwrap());
    while !told.contains("data: 1") {
        assert!(std::io::BufRead::read_line(&mut lines, &mut told).unwrap() > 0);
    }

    let asked = std::time::Instant::now();
    server.signal(Signal::TERM);
    let (status, log) = server.end();

    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("cut off"), "{log}");
    assert!(asked.elapsed() < std::time::Duration::from_secs(5), "{log}");
}

/// Item 137: what was acknowledged is there after a kill without warning.
#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    let machine = Machine::new();
    let mut server = machine.serve();
    let token = server.sign_in("ada@example.com");
    server.signal(Signal::KILL);
    server.end();

    let server = machine.serve();

    assert_eq!(server.check(&token), 200);
}

/// Item 133: no code, token or address is in the log, at any level.
#[test]
fn the_log_tells_no_secrets() {
    let machine = Machine::new();
    let server = machine.serve_with(|command| {
        command.env(
            "DOORWARD_LOG__LEVEL",
            "trace,h2=trace,hyper=trace,hyper_util=trace",
        );
    });
    let token = server.sign_in("ada@example.com");
    let text = server.mail_to("ada@example.com")["text"]
        .as_str()
        .unwrap()
        .to_owned();
    let code = text.lines().next().unwrap();
    server.check(&token);
    server.check("dw_wrong");

    let log = server.stop();

    assert!(log.contains("answered"), "{log}");
    for secret in [token.as_str(), code, "ada@example.com"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

/// Item 134: what a client sends cannot end a line of the log.
#[test]
fn every_line_of_the_json_log_is_an_object() {
    let machine = Machine::new();
    let mut command = machine.command("serve");
    command
        .env("DOORWARD_LOG__FORMAT", "json")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut log = String::new();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    while !log.contains("\"serving\"") {
        assert!(
            std::io::BufRead::read_line(&mut stderr, &mut log).unwrap() > 0,
            "{log}"
        );
    }
    for path in ["/healthz", "/%0d%0aINFO", "/auth/\u{1b}[31m"] {
        request(
            machine.port,
            &format!("GET {path} HTTP/1.1\r\nuser-agent: a\tb\r\n"),
            "",
        );
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::TERM).unwrap();
    stderr.read_to_string(&mut log).unwrap();
    let output = child.wait_with_output().unwrap();

    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), &b""[..])
    );
    assert!(log.lines().count() >= 4, "{log}");
    for line in log.lines() {
        let event: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(
            event["level"].is_string() && event["timestamp"].is_string(),
            "{line}"
        );
    }
}
