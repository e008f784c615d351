//! `kill -9`, again and again: nothing acknowledged is lost, and nothing that was ended lives.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use doorward_webauthn::testing::Authenticator;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::machine::{Machine, Server};

/// An answer, or nothing where the server was killed before it was whole.
struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

fn call(port: u16, method: &str, path: &str, token: Option<&str>, body: &Value) -> Option<Answer> {
    let body = body.to_string();
    let bearer = token.map_or_else(String::new, |token| {
        format!("authorization: Bearer {token}\r\n")
    });
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{bearer}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let whole = length.is_none_or(|length| length.parse() == Ok(body.len()));
    let status = head.split(' ').nth(1)?.parse().ok()?;
    whole.then(|| Answer {
        status,
        body: body.to_owned(),
    })
}

/// A server that is killed and started again.
struct Mortal {
    machine: Machine,
    server: Option<Server>,
}

impl Mortal {
    fn born() -> Self {
        let machine = Machine::new();
        let server = Some(machine.serve());
        Self { machine, server }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    fn killed(&mut self) {
        let mut server = self.server.take().unwrap();
        server.signal(Signal::KILL);
        server.end();
        self.server = Some(self.machine.serve());
    }

    #[track_caller]
    fn call(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answer {
        call(self.machine.port, method, path, token, body).expect("a whole answer")
    }

    fn origin(&self) -> String {
        format!("http://localhost:{}", self.machine.port)
    }
}

const NOTHING: Value = Value::Null;

/// Item 137: killed between any two steps, each acknowledged step stands and each spent thing stays spent.
#[test]
#[expect(clippy::too_many_lines, reason = "one story, step by step")]
fn a_kill_between_any_two_steps_loses_nothing() {
    let mut mortal = Mortal::born();
    let mut authenticator = Authenticator::new(1);
    let empty = json!({});

    let verify = json!({ "email": "ada@example.com" });
    assert_eq!(
        mortal.call("POST", "/auth/verify", None, &verify).status,
        201
    );
    let text = mortal.server().mail_to("ada@example.com")["text"]
        .as_str()
        .unwrap()
        .to_owned();
    mortal.killed();

    let code = text.lines().next().unwrap();
    let form = json!({ "method": "otp", "email": "ada@example.com", "token": code });
    let signed_in = mortal.call("POST", "/auth/sessions", None, &form);
    assert_eq!(signed_in.status, 201, "the code survives");
    let token = signed_in.json()["token"].as_str().unwrap().to_owned();
    let token = Some(token.as_str());
    mortal.killed();

    assert_eq!(
        mortal.call("POST", "/auth/sessions", None, &form).code(),
        "invalid_code",
        "and stays spent"
    );
    assert_eq!(
        mortal
            .call("GET", "/auth/sessions/current", token, &NOTHING)
            .status,
        200,
        "the session survives"
    );
    let options = mortal
        .call("POST", "/auth/passkeys/register/options", token, &empty)
        .json();
    mortal.killed();

    let registration = authenticator.create(&options, &mortal.origin());
    let added = mortal.call(
        "POST",
        "/auth/passkeys/register/verify",
        token,
        &registration,
    );
    assert_eq!(added.status, 201, "the challenge survives");
    mortal.killed();

    let listed = mortal.call("GET", "/auth/passkeys", token, &NOTHING).json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "the passkey survives");
    let again = mortal.call(
        "POST",
        "/auth/passkeys/register/verify",
        token,
        &registration,
    );
    assert_eq!(
        again.code(),
        "challenge_expired",
        "and its challenge stays spent"
    );
    let options = mortal
        .call("POST", "/auth/passkeys/authenticate/options", None, &empty)
        .json();
    mortal.killed();

    let assertion = authenticator.get(&options, &mortal.origin());
    let by_passkey = mortal.call(
        "POST",
        "/auth/passkeys/authenticate/verify",
        None,
        &assertion,
    );
    assert_eq!(by_passkey.status, 201);
    let second = by_passkey.json();
    let second_token = second["token"].as_str();
    mortal.killed();

    let replayed = mortal.call(
        "POST",
        "/auth/passkeys/authenticate/verify",
        None,
        &assertion,
    );
    assert_eq!(replayed.code(), "challenge_expired");
    assert_eq!(
        mortal
            .call("GET", "/auth/sessions/current", second_token, &NOTHING)
            .status,
        200
    );
    let id = second["session"]["id"].as_str().unwrap();
    assert_eq!(
        mortal
            .call("DELETE", &format!("/auth/sessions/{id}"), token, &empty)
            .status,
        204
    );
    mortal.killed();

    assert_eq!(
        mortal
            .call("GET", "/auth/sessions/current", second_token, &NOTHING)
            .status,
        401,
        "ended is ended"
    );
    let passkey = listed[0]["id"].as_str().unwrap();
    assert_eq!(
        mortal
            .call(
                "DELETE",
                &format!("/auth/passkeys/{passkey}"),
                token,
                &empty
            )
            .status,
        204
    );
    mortal.killed();

    let options = mortal
        .call("POST", "/auth/passkeys/authenticate/options", None, &empty)
        .json();
    let assertion = authenticator.get(&options, &mortal.origin());
    let removed = mortal.call(
        "POST",
        "/auth/passkeys/authenticate/verify",
        None,
        &assertion,
    );
    assert_eq!(removed.code(), "unknown_credential", "removed is removed");
    assert_eq!(
        mortal
            .call("DELETE", "/auth/sessions", token, &empty)
            .status,
        204
    );
    mortal.killed();

    assert_eq!(
        mortal
            .call("GET", "/auth/sessions/current", token, &NOTHING)
            .status,
        401
    );
}

/// What was acknowledged before a kill.
#[derive(Default)]
struct Acknowledged {
    live: Vec<String>,
    ended: Vec<String>,
    /// Asked to end, without an answer: either is right.
    unknown: Vec<String>,
}

/// Items 137, 138: killed in the middle of work, twenty times. Every sign-in that was acknowledged holds, every session
/// whose end was acknowledged is refused, and every assertion that was answered is spent.
#[test]
fn a_kill_in_the_middle_of_work_loses_nothing_acknowledged() {
    const CYCLES: usize = 20;
    const WORKERS: u64 = 6;
    let mut mortal = Mortal::born();
    let port = mortal.machine.port;
    let origin = mortal.origin();
    let mut people: Vec<Authenticator> = (0..WORKERS)
        .map(|seed| {
            let token = mortal
                .server()
                .sign_in(&format!("person{seed}@example.com"));
            let mut authenticator = Authenticator::new(seed);
            let options = mortal
                .call(
                    "POST",
                    "/auth/passkeys/register/options",
                    Some(&token),
                    &json!({}),
                )
                .json();
            let registration = authenticator.create(&options, &origin);
            assert_eq!(
                mortal
                    .call(
                        "POST",
                        "/auth/passkeys/register/verify",
                        Some(&token),
                        &registration
                    )
                    .status,
                201
            );
            authenticator
        })
        .collect();

    let mut checked = 0;
    for cycle in 0..CYCLES {
        let acknowledged = Mutex::<Acknowledged>::default();
        let spent = Mutex::<Vec<Value>>::default();
        let answers = AtomicUsize::new(0);
        thread::scope(|scope| {
            for authenticator in &mut people {
                let (acknowledged, spent, answers, origin) =
                    (&acknowledged, &spent, &answers, &origin);
                scope.spawn(move || {
                    while work(port, origin, authenticator, acknowledged, spent).is_some() {
                        answers.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            // Killed at another point of the work in each cycle, while everyone is in the middle of something.
            while answers.load(Ordering::SeqCst) < 5 + 3 * cycle {
                thread::yield_now();
            }
            mortal.server().signal(Signal::KILL);
        });
        mortal.killed();

        let Acknowledged {
            live,
            ended,
            unknown,
        } = acknowledged.into_inner().unwrap();
        let check = |token: &String| {
            mortal
                .call("GET", "/auth/sessions/current", Some(token), &NOTHING)
                .status
        };
        for token in &live {
            assert_eq!(
                check(token),
                200,
                "cycle {cycle}: an acknowledged sign-in was lost"
            );
        }
        for token in &ended {
            assert_eq!(check(token), 401, "cycle {cycle}: an ended session lives");
        }
        for token in &unknown {
            assert!(matches!(check(token), 200 | 401));
        }
        for assertion in &spent.into_inner().unwrap() {
            let replayed = mortal.call(
                "POST",
                "/auth/passkeys/authenticate/verify",
                None,
                assertion,
            );
            assert_eq!(
                replayed.code(),
                "challenge_expired",
                "cycle {cycle}: a spent challenge came back"
            );
        }
        checked += live.len() + ended.len();
    }
    assert!(checked > CYCLES, "work was done in the meantime");
    let whole = mortal.machine.run("doctor --json").json();
    assert!(!whole.to_string().contains("corrupt"), "{whole}");
}

/// One sign-in, and every other time its end; `None` once the server is gone.
fn work(
    port: u16,
    origin: &str,
    authenticator: &mut Authenticator,
    acknowledged: &Mutex<Acknowledged>,
    spent: &Mutex<Vec<Value>>,
) -> Option<()> {
    let options = call(
        port,
        "POST",
        "/auth/passkeys/authenticate/options",
        None,
        &json!({}),
    )?
    .json();
    let assertion = authenticator.get(&options, origin);
    let signed_in = call(
        port,
        "POST",
        "/auth/passkeys/authenticate/verify",
        None,
        &assertion,
    )?;
    assert_eq!(signed_in.status, 201, "{}", signed_in.body);
    let token = signed_in.json()["token"].as_str().unwrap().to_owned();
    spent.lock().unwrap().push(assertion);
    if token.as_bytes()[token.len() - 1] % 2 == 0 {
        acknowledged.lock().unwrap().live.push(token);
        return Some(());
    }
    let ended = call(port, "DELETE", "/auth/sessions", Some(&token), &json!({}));
    let mut acknowledged = acknowledged.lock().unwrap();
    match ended {
        Some(answer) if answer.status == 204 => acknowledged.ended.push(token),
        Some(answer) => panic!("{}", answer.body),
        None => acknowledged.unknown.push(token),
    }
    Some(())
}
