use std::{collections::HashMap, io::Write, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use tempfile::NamedTempFile;
use tokio::sync::{Barrier, Notify};

use super::{
    dial::dial,
    sink::{Mail, Plan, Second, Seen, Shows, Sink, Speaks},
    *,
};
use crate::{
    config::{self, Locale, SmtpTls},
    mail::{Address, Brand, Notice},
    time::Timestamp,
};

const AT_ONCE: SmtpTls = SmtpTls::Implicit;
const STARTTLS: SmtpTls = SmtpTls::Starttls;

/// A sink, and the settings that reach it.
struct World {
    sink: Sink,
    config: Config,
    _authority: NamedTempFile,
}

impl World {
    async fn new(tls: SmtpTls, plan: Plan) -> Self {
        let sink = Sink::start(plan).await;
        let mut authority = NamedTempFile::new().unwrap();
        authority.write_all(sink.authority.as_bytes()).unwrap();
        let smtp = config::Smtp {
            host: Some("localhost".into()),
            port: Some(sink.port),
            tls,
            ca_file: Some(authority.path().into()),
            ..config::Smtp::default()
        };
        Self {
            sink,
            config: with(smtp),
            _authority: authority,
        }
    }

    fn with_account(mut self) -> Self {
        self.config.mail.smtp.username = Some("doorward".into());
        self.config.mail.smtp.password = Some("correct horse".into());
        self
    }

    fn smtp(&self) -> Smtp {
        Smtp::new(&self.config).unwrap()
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        bounded(self.smtp().send(message)).await
    }

    fn seen(&self) -> Seen {
        self.sink.seen()
    }
}

fn with(smtp: config::Smtp) -> Config {
    let from = Some("Example <auth@example.com>".into());
    Config {
        mail: config::Mail {
            from,
            smtp,
            ..config::Mail::default()
        },
        ..Config::default()
    }
}

/// A test that hangs is a test that fails.
async fn bounded<T>(work: impl Future<Output = T>) -> T {
    timeout(Duration::from_mins(1), work).await.expect("an end")
}

fn message() -> Message {
    Message {
        id: "0199f0aa-message".into(),
        to: Address::parse("Ada@Example.ORG").unwrap(),
        subject: "Your Example sign-in code".into(),
        text: "12345678\n\nEnter this code.\n".into(),
        html: "<p>12345678</p>\n<p>Enter this code.</p>\n".into(),
        at: Timestamp::from_millis(1_777_777_777_400),
    }
}

/// What a mail program makes of a mail.
struct Opened {
    headers: HashMap<String, String>,
    text: String,
    html: String,
}

fn open(mail: &Mail) -> Opened {
    let (headers, body) = split_headers(&mail.lines);
    let boundary = headers["content-type"]
        .split("boundary=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let marker = format!("--{boundary}");
    let parts: Vec<&[String]> = body
        .split(|line| line.starts_with(&marker))
        .skip(1)
        .take(2)
        .collect();
    let [text, html] = parts[..] else {
        panic!("two parts")
    };
    assert!(headers["content-type"].starts_with("multipart/alternative"));
    Opened {
        text: decode(text, "text/plain"),
        html: decode(html, "text/html"),
        headers,
    }
}

fn split_headers(lines: &[String]) -> (HashMap<String, String>, &[String]) {
    let end = lines.iter().position(String::is_empty).unwrap();
    let unfolded = lines[..end].join("\n").replace("\n ", " ");
    let mut headers = HashMap::new();
    for line in unfolded.lines() {
        let (name, value) = line.split_once(": ").expect(line);
        assert_eq!(
            headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None,
            "{name} twice"
        );
    }
    (headers, &lines[end + 1..])
}

fn decode(part: &[String], kind: &str) -> String {
    let (headers, body) = split_headers(part);
    assert_eq!(headers["content-type"], format!("{kind}; charset=utf-8"));
    let body = body.join("\r\n");
    let bytes = match headers["content-transfer-encoding"].as_str() {
        "7bit" => body.into_bytes(),
        "base64" => STANDARD.decode(body.replace("\r\n", "")).unwrap(),
        "quoted-printable" => {
            let joined = body.replace("=\r\n", "");
            let mut pieces = joined.split('=');
            let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
            for piece in pieces {
                bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
                bytes.extend_from_slice(&piece.as_bytes()[2..]);
            }
            bytes
        }
        other => panic!("{other}"),
    };
    String::from_utf8(bytes)
        .unwrap()
        .replace("\r\n", "\n")
        .trim_end_matches('\n')
        .to_owned()
}

/// Item 113: one recipient, the outbox's id, the injected time, and no machine answers.
#[tokio::test]
async fn a_message_arrives_as_it_was_written() {
    for (tls, speaks) in [(AT_ONCE, Speaks::TlsAtOnce), (STARTTLS, Speaks::Starttls)] {
        let world = World::new(
            tls,
            Plan {
                speaks,
                ..Plan::default()
            },
        )
        .await;

        world.send(&message()).await.unwrap();

        let seen = world.seen();
        assert_eq!(seen.mails.len(), 1);
        assert_eq!(seen.mails[0].from, "MAIL FROM:<auth@example.com>");
        assert_eq!(seen.mails[0].to, ["RCPT TO:<Ada@example.org>"]);
        let mail = open(&seen.mails[0]);
        assert_eq!(mail.headers["from"], "Example <auth@example.com>");
        assert_eq!(mail.headers["to"], "Ada@example.org");
        assert_eq!(mail.headers["subject"], "Your Example sign-in code");
        assert_eq!(mail.headers["message-id"], "<0199f0aa-message@example.com>");
        assert_eq!(mail.headers["date"], "Sun, 03 May 2026 03:09:37 +0000");
        assert_eq!(mail.headers["auto-submitted"], "auto-generated");
        assert_eq!(mail.headers["mime-version"], "1.0");
        assert_eq!(mail.text, "12345678\n\nEnter this code.");
        assert_eq!(mail.html, "<p>12345678</p>\n<p>Enter this code.</p>");
        assert_eq!(
            seen.commands[0], "EHLO example.com",
            "not the machine's name"
        );
    }
}

#[tokio::test]
async fn a_domain_outside_ascii_is_mailed_by_its_a_labels() {
    let world = World::new(AT_ONCE, Plan::default()).await;
    let to = Address::parse("Ada@BÜCHER.example").unwrap();

    world.send(&Message { to, ..message() }).await.unwrap();

    assert_eq!(
        world.seen().mails[0].to,
        ["RCPT TO:<Ada@xn--bcher-kva.example>"]
    );
}

/// Item 117: before TLS nothing is said but that it shall begin.
#[tokio::test]
async fn starttls_comes_before_all_else() {
    let world = World::new(
        STARTTLS,
        Plan {
            speaks: Speaks::Starttls,
            ..Plan::default()
        },
    )
    .await
    .with_account();

    world.send(&message()).await.unwrap();

    let seen = world.seen();
    assert_eq!(seen.clear, "EHLO example.com\r\nSTARTTLS\r\n");
    assert_eq!(seen.commands[2], "EHLO example.com");
    assert!(seen.commands[3].starts_with("AUTH PLAIN "));
    assert_eq!(seen.mails.len(), 1);
}

/// Item 117: no TLS, or not the server that was meant: nothing is sent, and it is tried again later.
#[tokio::test]
async fn nothing_is_sent_without_verified_tls() {
    let clear_only = Plan {
        speaks: Speaks::ClearOnly,
        ..Plan::default()
    };
    let refuses = Plan {
        speaks: Speaks::Starttls,
        answers: vec![("STARTTLS", "454 not now\r\n")],
        ..Plan::default()
    };
    let mut corpus = vec![
        ("clear where TLS is due", AT_ONCE, clear_only.clone()),
        ("no STARTTLS", STARTTLS, clear_only),
        ("STARTTLS refused", STARTTLS, refuses),
    ];
    for (name, shows) in [
        ("another host", Shows::AnotherHost),
        ("expired", Shows::Expired),
        ("not yet valid", Shows::NotYetValid),
        ("self-signed", Shows::SelfSigned),
        ("another authority", Shows::AnotherAuthority),
    ] {
        corpus.push((
            name,
            AT_ONCE,
            Plan {
                shows,
                ..Plan::default()
            },
        ));
        corpus.push((
            name,
            STARTTLS,
            Plan {
                shows,
                speaks: Speaks::Starttls,
                ..Plan::default()
            },
        ));
    }
    for (name, tls, plan) in corpus {
        let world = World::new(tls, plan).await.with_account();

        let sent = world.send(&message()).await;
        let probed = bounded(world.smtp().probe()).await;

        assert!(
            matches!(sent, Err(SendError::Temporary(_))),
            "{name}: {sent:?}"
        );
        assert!(
            matches!(probed, Err(SendError::Temporary(_))),
            "{name}: {probed:?}"
        );
        let seen = world.seen();
        assert_eq!(seen.mails.len(), 0, "{name}");
        assert!(
            seen.connections >= 2,
            "{name}: it was the server that was refused"
        );
        assert!(
            seen.commands
                .iter()
                .all(|line| ["EHLO", "STARTTLS", "QUIT", "NOT A LINE"]
                    .iter()
                    .any(|verb| line.starts_with(verb))),
            "{name}: {:?}",
            seen.commands
        );
        assert!(
            !seen.clear.contains("12345678") && !seen.clear.contains("AUTH"),
            "{name}"
        );
    }
}

/// Item 117: an authority that is not the system's is trusted when it is named.
#[tokio::test]
async fn an_authority_is_trusted_only_when_named() {
    let mut world = World::new(AT_ONCE, Plan::default()).await;
    world.send(&message()).await.unwrap();

    let stranger = World::new(AT_ONCE, Plan::default()).await;
    world
        .config
        .mail
        .smtp
        .ca_file
        .clone_from(&stranger.config.mail.smtp.ca_file);

    assert!(matches!(
        world.send(&message()).await,
        Err(SendError::Temporary(_))
    ));
    assert_eq!(world.seen().mails.len(), 1);
}

/// Item 117: answers that someone wrote into the connection before TLS are not taken for the server's.
#[tokio::test]
async fn answers_from_before_tls_are_not_believed() {
    for injects in [
        "250 AUTH PLAIN\r\n",
        "250 ok\r\n250 ok\r\n",
        // Whole conversations: with an account, and without.
        "250-sink\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 ok\r\n250 ok\r\n",
        "250 ok\r\n250 ok\r\n250 ok\r\n354 ok\r\n250 ok\r\n",
    ] {
        for account in [false, true] {
            // The server itself refuses the message, which the injected answers would hide.
            let plan = Plan {
                speaks: Speaks::Starttls,
                injects,
                answers: vec![("RCPT", "550 no\r\n")],
                ..Plan::default()
            };
            let world = World::new(STARTTLS, plan).await;
            let world = if account { world.with_account() } else { world };

            let sent = world.send(&message()).await;

            assert!(sent.is_err(), "{injects:?}");
            assert_eq!(world.seen().mails.len(), 0, "{injects:?}");
        }
    }
}

/// Item 117: one injected answer shifts all that follow, and the last one tells.
#[tokio::test]
async fn a_conversation_out_of_step_does_not_count_as_sent() {
    let plan = Plan {
        speaks: Speaks::Starttls,
        injects: "250 ok\r\n",
        ..Plan::default()
    };
    let world = World::new(STARTTLS, plan).await;

    let sent = world.send(&message()).await;

    assert_eq!(
        sent,
        Err(SendError::Temporary("answered 354 where 250 is due".into()))
    );
}

/// Item 113: whatever a message holds, it is one message to one person, and it is whole.
#[expect(clippy::too_many_lines, reason = "a table of cases")]
#[tokio::test]
async fn nothing_in_a_message_reaches_the_conversation() {
    let long = "long ".repeat(2000);
    let unbroken = "x".repeat(5000);
    let wide = "ü".repeat(3000);
    let texts = [
        ".",
        "..",
        "...\n.\n..\n",
        ".\r\n",
        "\r\n.\r\n",
        "a\r\n.\r\nMAIL FROM:<eve@example.com>\r\nRCPT TO:<eve@example.com>\r\nDATA\r\nhi\r\n.\r\n",
        "a\n.\nMAIL FROM:<eve@example.com>\n",
        "a\r.\rMAIL FROM:<eve@example.com>\r",
        "a\r\n.\rb\n.\r\n",
        "a\n.\r\nRSET\r\n",
        "\n\n.",
        "nul\0nul",
        "trailing = \n\tblanks \t",
        "Subject: not a header\nBcc: eve@example.com\n\nhi",
        "ü ß € 🦀\n.\n",
        &long,
        &unbroken,
        &wide,
    ];
    let names = [
        "Ex\r\nBcc: eve@example.com",
        "Ex\r\n\r\nbody\r\n.\r\n",
        "Ex>,<eve@example.com",
        "\"Ex\" \\",
        "Käse 🦀",
        "Ex\0",
        &long,
    ];
    let world = World::new(AT_ONCE, Plan::default()).await;
    let smtp = world.smtp();

    for text in texts {
        let html = format!("<p>{text}</p>");
        bounded(smtp.send(&Message {
            text: text.into(),
            html: html.clone(),
            ..message()
        }))
        .await
        .unwrap();
        let seen = world.seen();
        let mail = open(seen.mails.last().unwrap());
        let expected = |text: &str| {
            text.replace("\r\n", "\n")
                .replace('\r', "\n")
                .trim_end_matches('\n')
                .to_owned()
        };
        assert_eq!(mail.text, expected(text));
        assert_eq!(mail.html, expected(&html));
    }
    for name in names {
        let sender = Sender {
            name: Some(name.into()),
            address: Address::parse("auth@example.com").unwrap(),
        };
        let smtp = Smtp {
            sender,
            ..world.smtp()
        };
        bounded(smtp.send(&Message {
            subject: format!("{name} code"),
            ..message()
        }))
        .await
        .unwrap();
        let brand = Brand {
            app_name: name.into(),
            public_url: "https://auth.example.com".into(),
            code_in_subject: true,
        };
        let notice = Notice::PasskeyAdded { name: name.into() }.render(&brand, Locale::De);
        let message = Message {
            subject: notice.subject,
            text: notice.text.clone(),
            html: notice.html,
            ..message()
        };
        bounded(smtp.send(&message)).await.unwrap();
        assert_eq!(
            open(world.seen().mails.last().unwrap()).text,
            notice.text.trim_end()
        );
    }

    let seen = world.seen();
    assert_eq!(seen.mails.len(), texts.len() + 2 * names.len());
    for mail in &seen.mails {
        assert_eq!(
            (mail.from.as_str(), mail.to.len()),
            ("MAIL FROM:<auth@example.com>", 1)
        );
        assert_eq!(mail.to[0], "RCPT TO:<Ada@example.org>");
        assert!(
            mail.lines
                .iter()
                .all(|line| line.is_ascii() && !line.starts_with("NOT A LINE"))
        );
        let mut headers: Vec<String> = open(mail).headers.into_keys().collect();
        headers.sort_unstable();
        assert_eq!(
            headers,
            [
                "auto-submitted",
                "content-type",
                "date",
                "from",
                "message-id",
                "mime-version",
                "subject",
                "to"
            ]
        );
    }
    let told = |verb: &str| {
        seen.commands
            .iter()
            .filter(|line| line.starts_with(verb))
            .count()
    };
    assert_eq!(
        (told("MAIL"), told("RCPT"), told("DATA")),
        (seen.mails.len(), seen.mails.len(), seen.mails.len())
    );
    assert_eq!((told("RSET"), told("NOT A LINE")), (0, 0));
}

/// Item 113: the outbox's ids are plain; anything else does not become a header.
#[tokio::test]
async fn an_id_is_plain_or_the_message_is_refused() {
    let world = World::new(AT_ONCE, Plan::default()).await;
    for id in ["", "a b", "a>\r\nBcc: eve@example.com", "a@b", "ü"] {
        let sent = world
            .send(&Message {
                id: id.into(),
                ..message()
            })
            .await;
        assert!(matches!(sent, Err(SendError::Permanent(_))), "{id:?}");
    }
    assert_eq!(world.seen().connections, 0);
}

#[tokio::test]
async fn times_outside_the_calendar_do_not_panic() {
    let world = World::new(AT_ONCE, Plan::default()).await;
    for millis in [i64::MIN, -1, i64::MAX] {
        world
            .send(&Message {
                at: Timestamp::from_millis(millis),
                ..message()
            })
            .await
            .unwrap();
    }
    assert_eq!(world.seen().mails.len(), 3);
}

/// Data.md §5: what says nothing about the message is tried again; what does is not.
#[tokio::test]
async fn failures_for_now_and_for_good_are_told_apart() {
    for (begin, answer, permanent) in [
        ("MAIL", "421 4.3.2 shutting down\r\n", false),
        ("MAIL", "530 5.7.0 sign in first\r\n", false),
        ("MAIL", "550 5.7.1 not from you\r\n", true),
        ("RCPT", "450 4.2.1 mailbox busy\r\n", false),
        (
            "RCPT",
            "550-5.1.1 <Ada@example.org>:\r\n550 5.1.1 no such user\r\n",
            true,
        ),
        ("DATA", "451 4.3.0 later\r\n", false),
        (
            "DATA",
            "554 5.7.1 your code 12345678 looks like spam, ABCDEFGHJKMNP\r\n",
            true,
        ),
        ("AUTH", "535 5.7.8 wrong password\r\n", false),
        ("AUTH", "454 4.7.0 later\r\n", false),
        ("EHLO", "554 go away\r\n", false),
    ] {
        let world = World::new(
            AT_ONCE,
            Plan {
                answers: vec![(begin, answer)],
                ..Plan::default()
            },
        )
        .await
        .with_account();

        let error = world.send(&message()).await.unwrap_err();

        assert_eq!(
            matches!(error, SendError::Permanent(_)),
            permanent,
            "{answer:?}: {error:?}"
        );
        let said = error.to_string();
        assert!(said.contains(&answer[..3]), "{answer:?}: {said}");
        for secret in ["Ada", "12345678", "ABCDEFGHJKMNP", "correct horse"] {
            assert!(!said.contains(secret), "{answer:?}: {said}");
        }
        assert_eq!(world.seen().mails.len(), 0);
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let mut world = World::new(AT_ONCE, Plan::default()).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    world.config.mail.smtp.port = Some(free);

    let sent = world.send(&message()).await;

    assert!(matches!(sent, Err(SendError::Temporary(_))), "{sent:?}");
}

/// Lettre's pool opens as many connections as there are messages; ours are counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_connections_than_configured() {
    let mut world = World::new(
        AT_ONCE,
        Plan {
            meets: Some(Arc::new(Barrier::new(2))),
            ..Plan::default()
        },
    )
    .await;
    world.config.mail.smtp.connections = 2;
    let smtp = Arc::new(world.smtp());

    let sending: Vec<_> = (0..6)
        .map(|_| {
            let smtp = smtp.clone();
            tokio::spawn(async move { smtp.send(&message()).await })
        })
        .collect();
    for sent in sending {
        bounded(sent).await.unwrap().unwrap();
    }

    let seen = world.seen();
    assert_eq!((seen.mails.len(), seen.most_open), (6, 2));
    assert_eq!(seen.connections, 2, "kept between messages");
}

/// A server that hangs up between two messages, with or without a word, delays nothing: none of the message was taken.
#[tokio::test]
async fn a_connection_that_was_closed_is_replaced() {
    let silently = Plan {
        hangs_up: true,
        ..Plan::default()
    };
    let with_a_word = Plan {
        second: Second::Turned,
        ..Plan::default()
    };
    for plan in [silently, with_a_word] {
        let world = World::new(AT_ONCE, plan).await;
        let smtp = world.smtp();

        for _ in 0..3 {
            bounded(smtp.send(&message())).await.unwrap();
        }

        assert_eq!((world.seen().mails.len(), world.seen().connections), (3, 3));
    }
}

/// Data.md §5: what may have been taken is not sent again at once.
#[tokio::test]
async fn a_message_that_was_never_answered_for_is_left_to_the_outbox() {
    let world = World::new(
        AT_ONCE,
        Plan {
            second: Second::Swallowed,
            ..Plan::default()
        },
    )
    .await;
    let smtp = world.smtp();
    bounded(smtp.send(&message())).await.unwrap();

    let sent = bounded(smtp.send(&message())).await;

    assert!(matches!(sent, Err(SendError::Temporary(_))), "{sent:?}");
    assert_eq!((world.seen().mails.len(), world.seen().connections), (2, 1));
}

/// To ask before each message would double what a message costs.
#[tokio::test]
async fn a_connection_is_asked_only_when_it_has_rested() {
    let world = World::new(AT_ONCE, Plan::default()).await;
    let smtp = world.smtp();
    let asked = || {
        let commands = world.seen().commands;
        commands.iter().filter(|line| *line == "NOOP").count()
    };

    for _ in 0..3 {
        bounded(smtp.send(&message())).await.unwrap();
    }
    assert_eq!(asked(), 0);

    tokio::time::pause();
    tokio::time::advance(STILL_WARM).await;
    tokio::time::resume();
    bounded(smtp.send(&message())).await.unwrap();

    assert_eq!(asked(), 1);
    assert_eq!((world.seen().mails.len(), world.seen().connections), (4, 1));
}

/// With Nagle's delay the end of each message would wait for an acknowledgement.
#[tokio::test]
async fn what_is_written_leaves_at_once() {
    let world = World::new(AT_ONCE, Plan::default()).await;

    let stream = dial("localhost", world.sink.port).await.unwrap();

    assert!(stream.nodelay().unwrap());
}

/// Who gives up half-way leaves no half-spoken conversation for the next message.
#[tokio::test]
async fn a_message_given_up_does_not_run_into_the_next() {
    let arrived = Arc::new(Notify::new());
    let world = World::new(
        AT_ONCE,
        Plan {
            stalls: Some(arrived.clone()),
            ..Plan::default()
        },
    )
    .await;
    let (smtp, first) = (world.smtp(), message());
    tokio::select! {
        sent = bounded(smtp.send(&first)) => panic!("the server never answers: {sent:?}"),
        () = arrived.notified() => {}
    }

    bounded(smtp.send(&Message {
        id: "second".into(),
        ..message()
    }))
    .await
    .unwrap();

    let seen = world.seen();
    assert_eq!((seen.mails.len(), seen.connections), (1, 2));
    assert_eq!(
        open(&seen.mails[0]).headers["message-id"],
        "<second@example.com>"
    );
}

/// `doorward doctor` learns what would happen, and nobody gets mail.
#[tokio::test]
async fn a_probe_signs_in_and_sends_nothing() {
    for (tls, speaks) in [(AT_ONCE, Speaks::TlsAtOnce), (STARTTLS, Speaks::Starttls)] {
        let world = World::new(
            tls,
            Plan {
                speaks,
                ..Plan::default()
            },
        )
        .await
        .with_account();

        bounded(world.smtp().probe()).await.unwrap();

        let commands = world.seen().commands;
        assert!(
            commands.iter().any(|line| line.starts_with("AUTH PLAIN ")),
            "{commands:?}"
        );
        assert!(
            !commands.iter().any(|line| line.starts_with("MAIL")),
            "{commands:?}"
        );
    }
    let wrong = World::new(
        AT_ONCE,
        Plan {
            answers: vec![("AUTH", "535 5.7.8 wrong password\r\n")],
            ..Plan::default()
        },
    )
    .await
    .with_account();
    let said = bounded(wrong.smtp().probe()).await.unwrap_err().to_string();
    assert!(
        said.contains("535") && said.contains("wrong password"),
        "{said}"
    );
}

/// Item 117: an authority that cannot be read is not an authority less.
#[test]
fn settings_that_cannot_work_are_named() {
    let problem = |smtp: config::Smtp| Smtp::new(&with(smtp)).unwrap_err().0.key;
    let host = Some("localhost".to_owned());

    assert_eq!(problem(config::Smtp::default()), "mail.smtp.host");
    assert_eq!(
        Smtp::new(&Config::default()).unwrap_err().0.key,
        "mail.from",
        "localhost gets no mail"
    );

    let missing = Some("/nonexistent/authority.pem".into());
    assert_eq!(
        problem(config::Smtp {
            host: host.clone(),
            ca_file: missing,
            ..config::Smtp::default()
        }),
        "mail.smtp.ca_file"
    );
    let empty = NamedTempFile::new().unwrap();
    assert_eq!(
        problem(config::Smtp {
            host: host.clone(),
            ca_file: Some(empty.path().into()),
            ..config::Smtp::default()
        }),
        "mail.smtp.ca_file"
    );
    let mut broken = NamedTempFile::new().unwrap();
    broken
        .write_all(b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
        .unwrap();
    assert_eq!(
        problem(config::Smtp {
            host,
            ca_file: Some(broken.path().into()),
            ..config::Smtp::default()
        }),
        "mail.smtp.ca_file"
    );
}

/// Item 130.
#[test]
fn a_mailer_does_not_print_its_password() {
    let smtp = config::Smtp {
        host: Some("mail.example.com".into()),
        username: Some("doorward".into()),
        password: Some("correct horse".into()),
        ..config::Smtp::default()
    };
    assert_eq!(
        format!("{:?}", Smtp::new(&with(smtp)).unwrap()),
        "Smtp(mail.example.com:465)"
    );
}
