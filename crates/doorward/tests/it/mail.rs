//! Mail: where it goes, what it says, and that it leaves: after its commit, at least once, and never too late.

use std::{future, sync::Arc, time::Duration};

use doorward::{
    Clock, Doorward, Span,
    mail::{Mailer, Message, SendError},
    testing::{Caller, Fault, MailServer, World, on_every_database},
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, join},
};
use serde_json::json;

use super::codes::{ask, code_for, invite, read, show, wrong};

const ADA: &str = "ada@example.com";

fn waiting(world: &World) -> i64 {
    read(world, "select count(*) from outbox")
}

// ── Where it goes, what it says ─────────────────────────────────────────────

/// Item 114: whatever spelling is typed, a code goes to the one that was proved.
#[tokio::test]
async fn codes_go_to_the_address_as_it_was_proved() {
    for (proved, typed) in [
        ("Mike@Example.com", "mIKE@EXAMPLE.COM"),
        ("mike@bücher.example", "MIKE@xn--bcher-kva.example"),
    ] {
        on_every_database(async |world| {
            world.sign_in(&world.native(), proved).await;
            world.advance(Span::seconds(30));
            world.mailbox().clear();

            let code = code_for(&world, &world.native(), typed).await;

            let messages = world.mailbox().messages();
            assert_eq!(messages.len(), 1);
            assert_eq!(messages[0].to.as_str(), proved);
            let signed_in = show(&world.native(), typed, &code).await.created();
            assert_eq!(signed_in["user"]["email"], proved);
        })
        .await;
    }
}

/// Item 114: a notice that someone else's guesses cause does so, too.
#[tokio::test]
async fn notices_go_to_the_address_as_it_was_proved() {
    on_every_database(async |world| {
        world.sign_in(&world.native(), "Mike@Example.com").await;
        world.mailbox().clear();

        for number in 0..10 {
            let guess = format!("{number:08}");
            show(&world.native(), "mike@example.com", &guess)
                .await
                .problem(401, "invalid_code");
        }

        let inbox = world.inbox("mike@example.com").await;
        assert_eq!(inbox.messages().len(), 1);
        assert_eq!(inbox.messages()[0].to.as_str(), "Mike@Example.com");
    })
    .await;
}

/// A message with its code, which is random, blotted out.
fn without_code(message: &Message, code: &str) -> [String; 3] {
    [&message.subject, &message.text, &message.html].map(|text| text.replace(code, "????????"))
}

/// Item 115: nothing that a request brings along is in the mail, and no link.
#[tokio::test]
async fn mail_is_the_same_whatever_a_request_says() {
    let plain: fn(&World) -> Caller = World::native;
    let odd: fn(&World) -> Caller = |world| {
        world
            .native()
            .with("host", "evil.example")
            .with("x-forwarded-host", "evil.example")
            .with("x-forwarded-proto", "gopher")
            .with("forwarded", "host=evil.example;proto=gopher")
            .with("referer", "https://evil.example/")
            .with("user-agent", "Evil/1.0 (+https://evil.example)")
            .with("accept-language", "de, fr;q=0.5")
            .from("203.0.113.9")
    };
    let mut letters = Vec::new();
    for caller in [plain, odd] {
        let world = World::new().await;
        let code = code_for(&world, &caller(&world), ADA).await;
        letters.push(without_code(&world.mailbox().messages()[0], &code));
    }

    assert_eq!(letters[0], letters[1]);
    let html = letters[0][2].to_lowercase();
    for link in ["<a", "href", "<img", "src=", "url("] {
        assert!(!html.contains(link), "{link} in {html}");
    }
}

/// Item 116: the subject has no code, and the body says where to type it and that nobody asks for it.
#[tokio::test]
async fn a_mailed_code_says_where_it_belongs() {
    on_every_database(async |world| {
        let code = code_for(&world, &world.native(), ADA).await;

        let message = &world.mailbox().messages()[0];
        assert_eq!(message.subject, "Your Doorward sign-in code");
        assert_eq!(
            message.text,
            format!(
                "{code}\n\n\
                 Enter this code at https://auth.example.com to sign in to Doorward. It works once, for 10 minutes.\n\n\
                 Doorward will never ask you for this code by phone, chat or email.\n\n\
                 Didn't ask for it? Ignore this email; nobody can sign in without the code.\n"
            )
        );
        assert!(message.html.contains(&code));
    })
    .await;
}

/// Item 116: the code is in the subject where that is configured.
#[tokio::test]
async fn a_subject_shows_the_code_where_that_is_wanted() {
    let world = World::with(|config| config.mail.code_in_subject = true).await;

    let code = code_for(&world, &world.native(), ADA).await;

    let subject = &world.mailbox().messages()[0].subject;
    assert_eq!(*subject, format!("{code} is your Doorward sign-in code"));
}

// ── That it leaves ──────────────────────────────────────────────────────────

/// Item 118: fifteen minutes without a mail server, and no code arrives late; what is no code arrives.
#[tokio::test]
async fn no_stale_code_is_sent_after_an_outage() {
    on_every_database(async |world| {
        world.mail_server(MailServer::Away);
        ask(&world.native(), ADA).await.created();
        ask(&world.native(), "early@example.com").await.created();
        invite(&world, "grace@example.com").await;
        for _ in 0..15 {
            assert_eq!(world.inbox(ADA).await.messages(), []);
            world.advance(Span::minutes(1));
        }
        ask(&world.native(), "late@example.com").await.created();
        assert_eq!(world.mailbox().messages(), []);
        assert_eq!(waiting(&world), 2, "what is late is not even kept");

        world.mail_server(MailServer::Up);
        world.advance(Span::minutes(9));

        assert_eq!(world.inbox(ADA).await.messages(), []);
        assert_eq!(world.inbox("early@example.com").await.messages(), []);
        assert_eq!(world.inbox("grace@example.com").await.messages().len(), 1);
        let code = world.inbox("late@example.com").await.code();
        show(&world.native(), "late@example.com", &code)
            .await
            .created();
        assert_eq!(waiting(&world), 0);
    })
    .await;
}

/// Item 118: mail that had to wait is tried again, each time after a longer pause.
#[tokio::test]
async fn mail_that_had_to_wait_is_tried_again() {
    on_every_database(async |world| {
        world.mail_server(MailServer::Away);
        ask(&world.native(), ADA).await.created();
        assert_eq!(world.inbox(ADA).await.messages(), []);
        let mut pauses = Vec::new();
        for _ in 0..3 {
            let due: i64 = read(&world, "select available_at from outbox");
            let pause = due - world.clock().now().as_millis();
            pauses.push(pause / 1000);
            world.advance(Span::millis(pause));
            assert_eq!(world.inbox(ADA).await.messages(), []);
        }

        world.mail_server(MailServer::Up);
        world.advance(Span::minutes(2));
        let code = world.inbox(ADA).await.code();

        assert_eq!(pauses, [10, 20, 40]);
        show(&world.native(), ADA, &code).await.created();
        assert_eq!(waiting(&world), 0);
    })
    .await;
}

/// Item 118: a code that was used meanwhile is not sent again, nor one that was replaced or guessed to death.
#[tokio::test]
async fn a_code_that_is_over_is_not_sent() {
    on_every_database(async |world| {
        let (used, guessed) = (world.browser(), world.native());
        let code = code_for(&world, &used, ADA).await;
        let other = code_for(&world, &guessed, "grace@example.com").await;
        world.advance(Span::seconds(30));
        world.mailbox().clear();
        world.mail_server(MailServer::Away);
        ask(&used, ADA).await.created();
        show(&used, ADA, &code).await.created();
        let bob = world.browser();
        ask(&bob, "bob@example.com").await.created();
        world.advance(Span::seconds(301));
        ask(&bob, "bob@example.com").await.created();
        for number in 1..=5 {
            show(&guessed, "grace@example.com", &wrong(&other, number))
                .await
                .problem(401, "invalid_code");
        }

        world.mail_server(MailServer::Up);
        world.advance(Span::minutes(2));

        assert_eq!(world.inbox(ADA).await.messages(), []);
        assert_eq!(world.inbox("bob@example.com").await.messages().len(), 1);
        assert_eq!(world.inbox("grace@example.com").await.messages(), []);
        assert_eq!(waiting(&world), 0);
    })
    .await;
}

/// Item 118: a server that ends between its commit and the mail leaves the mail to the next: at once where that is the only
/// one of its database, and else when its claim runs out, for it might still be there.
#[tokio::test]
async fn mail_survives_the_end_of_its_server() {
    on_every_database(async |world| {
        ask(&world.native(), ADA).await.created();
        assert_eq!(world.mailbox().messages(), []);

        let world = world.restarted().await;
        if world.doorward().config().database.url.is_some() {
            world.advance(Span::minutes(2));
        }
        let code = world.inbox(ADA).await.code();

        assert_eq!(world.mailbox().messages().len(), 1);
        show(&world.native(), ADA, &code).await.created();
    })
    .await;
}

/// Item 118: a clock that was ahead delays no mail once it has been put right.
#[tokio::test]
async fn mail_does_not_wait_for_a_clock_that_was_ahead() {
    on_every_database(async |world| {
        let right = Clock::manual(world.clock().now());
        world.advance(Span::hours(1));
        ask(&world.native(), ADA).await.created();

        let world = world.restarted_by(right).await;

        assert_eq!(world.inbox(ADA).await.messages().len(), 1);
        assert_eq!(waiting(&world), 0);
    })
    .await;
}

/// Item 118: at least once, under one name: who cannot write that it was sent sends it again when the claim runs out.
#[tokio::test]
async fn mail_whose_sending_could_not_be_written_is_sent_again() {
    on_every_database(async |world| {
        ask(&world.native(), ADA).await.created();
        world
            .faults()
            .arm_once("delete from outbox", Fault::Unavailable);
        assert_eq!(world.inbox(ADA).await.messages().len(), 1);

        world.advance(Span::seconds(119));
        assert_eq!(world.inbox(ADA).await.messages().len(), 1, "it is claimed");
        world.advance(Span::seconds(1));
        let inbox = world.inbox(ADA).await;

        assert_eq!(inbox.messages().len(), 2);
        assert_eq!(inbox.messages()[0].id, inbox.messages()[1].id);
        assert_eq!(waiting(&world), 0);
    })
    .await;
}

/// Item 118: no commit, no mail.
#[tokio::test]
async fn a_request_that_failed_sends_nothing() {
    for point in ["insert into outbox", "insert into events", "commit"] {
        on_every_database(async |world| {
            world.faults().arm(point, Fault::Unavailable);
            ask(&world.native(), ADA).await.problem(503, "unavailable");
            world.faults().clear();

            assert_eq!(world.inbox(ADA).await.messages(), [], "{point}");
            assert_eq!(waiting(&world), 0, "{point}");
            ask(&world.native(), ADA).await.created();
        })
        .await;
    }
}

/// Item 118: a mail server that says nothing holds up no request.
#[tokio::test]
async fn a_silent_mail_server_holds_up_nobody() {
    on_every_database(async |world| {
        let code = code_for(&world, &world.native(), ADA).await;
        world.mail_server(MailServer::Silent);
        ask(&world.native(), "grace@example.com").await.created();
        let doorward = world.doorward().clone();
        let mut delivering = Box::pin(doorward.deliver_mail());
        assert!(delivering.as_mut().now_or_never().is_none(), "it hangs");

        ask(&world.native(), "bob@example.com").await.created();
        show(&world.native(), ADA, &code).await.created();

        assert!(delivering.now_or_never().is_none(), "it still hangs");
    })
    .await;
}

/// Item 137: a server that ends sends what it has promised.
#[tokio::test]
async fn mail_that_was_promised_leaves_before_the_end() {
    on_every_database(async |world| {
        for address in [ADA, "grace@example.com"] {
            let ask = json!({ "email": address });
            world.native().post("/auth/verify", ask).await.created();
        }

        world.doorward().hand_over_mail().await;

        assert_eq!(world.mailbox().messages().len(), 2);
        assert_eq!(world.value::<i64>("select count(*) from outbox"), 0);
    })
    .await;
}

/// No mail waits for another: what is promised while one message hangs leaves all the same.
#[tokio::test]
async fn a_message_that_hangs_holds_up_no_other() {
    on_every_database(async |world| {
        world.mail_server(MailServer::Silent);
        ask(&world.native(), "grace@example.com").await.created();
        let doorward = world.doorward().clone();
        let mut delivering = Box::pin(doorward.deliver_mail());
        // Far enough for the message to hang: the mail server is asked how it is when it is handed over.
        let hangs = tokio::time::timeout(Duration::from_millis(500), &mut delivering).await;
        assert!(hangs.is_err(), "it hangs");

        world.mail_server(MailServer::Up);
        ask(&world.native(), ADA).await.created();
        let arrives = async {
            while world.mailbox().to(ADA).is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            done = &mut delivering => panic!("one still hangs: {done:?}"),
            () = arrives => {}
        }

        assert_eq!(world.mailbox().to("grace@example.com"), []);
    })
    .await;
}

/// Performance.md: what many messages need of the database is asked for together, and they are removed together.
#[tokio::test]
async fn many_messages_cost_few_statements() {
    const MANY: u64 = 48;
    on_every_database(async |world| {
        for number in 0..MANY {
            let address = format!("user{number}@example.com");
            ask(&world.native(), &address).await.created();
        }

        let before = world.statements();
        world.inbox(ADA).await;
        let statements = world.statements() - before;

        assert_eq!(world.mailbox().messages().len(), 48);
        assert_eq!(waiting(&world), 0);
        assert!(statements <= MANY / 3, "{statements} statements");
    })
    .await;
}

/// Item 118: what has waited for longer than its claim may be another's by now, and is claimed again before it is sent.
#[tokio::test]
async fn mail_is_not_sent_on_a_claim_that_has_run_out() {
    on_every_database(async |world| {
        ask(&world.native(), ADA).await.created();
        world.advance(Span::minutes(2));

        let other = world.beside().await;
        assert_eq!(other.inbox(ADA).await.messages().len(), 1);
        assert_eq!(world.inbox(ADA).await.messages().len(), 1);
    })
    .await;
}

/// Items 118, 140: after a newer Doorward has been here, what it has promised in ways of its own holds up nothing else.
#[tokio::test]
async fn mail_of_a_kind_that_is_not_known_is_left_alone() {
    on_every_database(async |world| {
        ask(&world.native(), ADA).await.created();
        world.change("update outbox set kind = 99");
        ask(&world.native(), "grace@example.com").await.created();
        world.advance(Span::minutes(2));

        let other = world.beside().await;
        assert_eq!(other.inbox("grace@example.com").await.messages().len(), 1);
        assert_eq!(waiting(&world), 1);
    })
    .await;
}

/// Item 118: what may still be under way when its claim runs out is claimed anew before it is sent.
#[tokio::test]
async fn mail_is_not_sent_on_a_claim_that_runs_out_meanwhile() {
    on_every_database(async |world| {
        ask(&world.native(), ADA).await.created();
        world.advance(Span::minutes(1));

        world
            .faults()
            .arm_once("outbox set claimed_until = 0", Fault::Unavailable);
        assert_eq!(world.inbox(ADA).await.messages(), []);
        assert_eq!(waiting(&world), 1, "its claim could not be renewed");
        world.advance(Span::minutes(1));
        assert_eq!(world.inbox(ADA).await.messages().len(), 1);

        ask(&world.native(), ADA).await.created();
        world.advance(Span::minutes(1));
        assert_eq!(world.inbox(ADA).await.messages().len(), 2, "it could");
    })
    .await;
}

/// What a mail server refuses for good is not tried again.
#[tokio::test]
async fn mail_that_is_refused_for_good_is_dropped() {
    on_every_database(async |world| {
        world.mail_server(MailServer::Refusing);
        ask(&world.native(), ADA).await.created();
        assert_eq!(world.inbox(ADA).await.messages(), []);
        assert_eq!(waiting(&world), 0);

        world.mail_server(MailServer::Up);
        world.advance(Span::minutes(5));

        assert_eq!(world.inbox(ADA).await.messages(), []);
    })
    .await;
}

/// Who asks for an address that is taken learns nothing, and its holder is told.
#[tokio::test]
async fn a_new_address_that_is_taken_tells_its_holder_only() {
    on_every_database(async |world| {
        let ada = world.native();
        world.sign_in(&ada, ADA).await;
        world.sign_in(&world.native(), "Grace@example.com").await;
        world.advance(Span::seconds(30));
        world.mailbox().clear();

        let mut answers = Vec::new();
        for address in ["grace@example.com", "free@example.com"] {
            let reply = ada
                .post("/auth/me/email", json!({ "email": address }))
                .await;
            answers.push(reply.created());
        }

        assert_eq!(answers[0], answers[1]);
        let inbox = world.inbox("grace@example.com").await;
        assert_eq!(
            inbox.messages()[0].subject,
            "Someone tried to use your email address at Doorward"
        );
        assert_eq!(inbox.messages()[0].to.as_str(), "Grace@example.com");
        assert_eq!(world.inbox("free@example.com").await.code().len(), 8);
    })
    .await;
}

/// A mailer that never comes back.
#[derive(Default)]
struct Hanging {
    called: tokio::sync::Notify,
}

impl Mailer for Hanging {
    fn send<'a>(&'a self, _: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        self.called.notify_one();
        Box::pin(future::pending())
    }
}

/// What an application brings may wait for ever. Mail does not wait with it.
#[tokio::test]
async fn a_mailer_that_hangs_holds_up_mail_for_a_time() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let config = doorward::config::Config {
        data_dir: folder.path().into(),
        database: doorward::config::Database::default(),
        ..world.doorward().config().clone()
    };
    let mailer = Arc::new(Hanging::default());
    let doorward = Doorward::builder(config)
        .clock(world.clock().clone())
        .mailer(Arc::clone(&mailer) as Arc<dyn Mailer>)
        .without_jobs()
        .open()
        .await
        .unwrap();
    let caller = world.native().at(doorward.server());
    ask(&caller, ADA).await;

    let hung = async {
        mailer.called.notified().await;
        // Time runs to whatever is waited for.
        tokio::time::pause();
    };
    let (sent, ()) = join(doorward.deliver_mail(), hung).await;

    assert_eq!(sent.unwrap(), 0);
    assert!(
        doorward
            .metrics_text()
            .contains("doorward_mail_deferred_total 1"),
        "it is tried again"
    );
}
