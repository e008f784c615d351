//! One's own account: the profile, a new address, what happened, and the end.
#![expect(clippy::format_collect, reason = "short text")]

use doorward::{
    Client, Span,
    mail::Address,
    testing::{Authenticator, Caller, Cell, Reply, World},
    users,
};
use serde_json::{Value, json};

/// What is mailed to whoever has an address that someone else wants.
const TAKEN: &str = "Someone asked to change the email address of another";

async fn signed_in(world: &World, address: &str) -> Caller {
    let caller = world.native();
    world.sign_in(&caller, address).await;
    caller
}

fn confirmation(address: &str, code: &str) -> Value {
    json!({ "email": address, "token": code })
}

/// Asks for a code to a new address, and reads it there.
async fn ask_for_code(world: &World, caller: &Caller, address: &str) -> String {
    caller
        .post("/auth/me/email", json!({ "email": address }))
        .await
        .created();
    world.inbox(address).await.code()
}

// ── The profile ─────────────────────────────────────────────────────────────

#[tokio::test]
async fn a_profile_says_what_its_owner_says() {
    let world = World::new().await;
    let ada = signed_in(&world, "Ada@Example.com").await;
    let fresh = ada.get("/auth/me").await.ok();
    assert_eq!(fresh["email"], "Ada@Example.com", "as it was first typed");
    assert_eq!(fresh["emailVerified"], true);
    for unset in ["firstName", "lastName", "picture", "locale"] {
        assert_eq!(fresh[unset], Value::Null, "{unset}");
    }
    world.advance(Span::seconds(5));

    let change = json!({
        "firstName": " Ada ",
        "lastName": "Lovelace",
        "picture": "https://example.com/ada.png",
        "locale": "de",
    });
    let changed = ada.patch("/auth/me", change).await.ok();

    assert_eq!(changed["firstName"], "Ada");
    assert_eq!(changed["lastName"], "Lovelace");
    assert_eq!(changed["picture"], "https://example.com/ada.png");
    assert_eq!(changed["locale"], "de");
    assert_eq!(changed["updatedAt"], "2026-11-01T12:00:05.000Z");
    assert_eq!(changed["id"], fresh["id"]);
    assert_eq!(changed["createdAt"], fresh["createdAt"]);
    assert_eq!(
        ada.get("/auth/me").await.ok(),
        changed,
        "memory knows it too"
    );
    assert_eq!(ada.get("/auth/me/").await.ok(), changed);
    let current = ada.get("/auth/sessions/current").await.ok();
    assert_eq!(current["user"], changed);
}

#[tokio::test]
async fn null_clears_and_what_is_absent_stays() {
    let world = World::new().await;
    let ada = signed_in(&world, "ada@example.com").await;
    let names = json!({ "firstName": "Ada", "lastName": "Lovelace", "locale": "de" });
    ada.patch("/auth/me", names).await.ok();

    let cleared = json!({ "firstName": null, "locale": null });
    let changed = ada.patch("/auth/me", cleared).await.ok();

    assert_eq!(changed["firstName"], Value::Null);
    assert_eq!(changed["locale"], Value::Null);
    assert_eq!(changed["lastName"], "Lovelace");
    let nothing = ada.patch("/auth/me", json!({})).await.ok();
    assert_eq!(nothing, changed);
}

#[tokio::test]
async fn what_cannot_be_a_profile_names_its_member_and_changes_nothing() {
    let world = World::new().await;
    let ada = signed_in(&world, "ada@example.com").await;
    let before = ada.get("/auth/me").await.ok();

    for (field, value) in [
        ("firstName", json!("")),
        ("firstName", json!("a".repeat(65))),
        ("firstName", json!("Ada\u{1b}[31m")),
        ("firstName", json!("Ada\r\nBcc: eve@example.com")),
        ("lastName", json!("\u{202e}ecalevoL")),
        ("lastName", json!(7)),
        ("lastName", json!(["Lovelace"])),
        ("picture", json!("http://example.com/ada.png")),
        ("picture", json!("javascript:alert(1)")),
        ("locale", json!("fr")),
    ] {
        let mut change = json!({ "firstName": "Grace", "lastName": "Hopper" });
        change[field] = value.clone();
        let reply = ada.patch("/auth/me", change).await;
        reply.problem(422, "invalid_request");
        assert_eq!(reply.json()["field"], field, "{value}");
    }

    assert_eq!(ada.get("/auth/me").await.ok(), before);
}

/// Item 84: members that are Doorward's business change nothing.
#[tokio::test]
async fn members_that_a_profile_does_not_have_are_ignored() {
    let world = World::new().await;
    let (ada, eve) = (
        signed_in(&world, "ada@example.com").await,
        signed_in(&world, "eve@example.com").await,
    );
    let before = ada.get("/auth/me").await.ok();
    let change = json!({
        "id": "x", "userId": eve.get("/auth/me").await.ok()["id"], "email": "root@example.com",
        "emailVerified": false, "role": "admin", "roles": ["admin"], "status": "disabled", "verified": true,
        "createdAt": "2020-01-01T00:00:00Z",
    });

    ada.patch("/auth/me", &change).await.ok();
    eve.patch("/auth/me", &change).await.ok();

    assert_eq!(ada.get("/auth/me").await.ok(), before);
    let access = ada.get("/auth/sessions/current/permissions").await.ok();
    assert_eq!(access["roles"], json!(["user"]));
}

// ── A new address ───────────────────────────────────────────────────────────

#[tokio::test]
async fn a_code_to_the_new_address_changes_it() {
    let world = World::new().await;
    let ada = signed_in(&world, "ada@example.com").await;
    let other = signed_in(&world, "ada@example.com").await;
    let id = ada.get("/auth/me").await.ok()["id"].clone();

    let asked = ada
        .post("/auth/me/email", json!({ "email": "Lovelace@example.com" }))
        .await
        .created();
    assert_eq!(asked["resendAfter"], 30);
    assert_eq!(ada.get("/auth/me").await.ok()["email"], "ada@example.com");
    let code = world.inbox("lovelace@example.com").await.code();
    let form = confirmation("lovelace@EXAMPLE.com", &code);
    let changed = ada.post("/auth/me/email/confirm", &form).await.ok();

    assert_eq!(changed["id"], id);
    assert_eq!(changed["emailVerified"], true);
    assert_eq!(
        ada.get("/auth/me").await.ok(),
        changed,
        "the caller's session goes on"
    );
    other.get("/auth/me").await.problem(401, "unauthenticated");
    let told = world.inbox("ada@example.com").await;
    let notice = &told.messages()[0].text;
    assert!(
        !notice.contains("lovelace@example.com"),
        "a hint is enough:\n{notice}"
    );
    ada.post("/auth/me/email/confirm", &form)
        .await
        .problem(401, "invalid_code");

    let (old, new) = (world.native(), world.native());
    world.sign_in(&new, "lovelace@example.com").await;
    assert_eq!(new.get("/auth/me").await.ok()["id"], id);
    world.sign_in(&old, "ada@example.com").await;
    assert_ne!(
        old.get("/auth/me").await.ok()["id"],
        id,
        "the old address is free"
    );
}

#[tokio::test]
async fn a_stale_session_changes_no_address_and_ends_no_account() {
    let world = World::new().await;
    let ada = signed_in(&world, "ada@example.com").await;
    world.advance(Span::minutes(5));
    let code = ask_for_code(&world, &ada, "new@example.com").await;
    world.advance(Span::minutes(5));

    let asked = ada
        .post("/auth/me/email", json!({ "email": "b@example.com" }))
        .await;
    let form = confirmation("new@example.com", &code);
    let confirmed = ada.post("/auth/me/email/confirm", &form).await;
    let erased = ada.delete("/auth/me").await;

    for reply in [asked, confirmed, erased] {
        reply.problem(403, "reauth_required");
        assert_eq!(reply.json()["methods"], json!(["otp"]));
        assert_eq!(reply.json()["maxAge"], 600);
    }
    assert_eq!(ada.get("/auth/me").await.ok()["email"], "ada@example.com");
    world.sign_in(&ada, "ada@example.com").await;
    ada.post("/auth/me/email/confirm", &form).await.ok();
}

#[tokio::test]
async fn a_code_for_an_address_is_worth_nothing_elsewhere() {
    let world = World::new().await;
    let ada = signed_in(&world, "ada@example.com").await;
    let phone = signed_in(&world, "ada@example.com").await;
    let eve = signed_in(&world, "eve@example.com").await;
    let code = ask_for_code(&world, &ada, "new@example.com").await;

    for (caller, address) in [
        (&phone, "new@example.com"),
        (&eve, "new@example.com"),
        (&ada, "eve@example.com"),
    ] {
        let form = confirmation(address, &code);
        caller
            .post("/auth/me/email/confirm", form)
            .await
            .problem(401, "invalid_code");
    }
    let sign_in = json!({ "method": "otp", "email": "new@example.com", "token": code });
    world
        .native()
        .post("/auth/sessions", sign_in)
        .await
        .problem(401, "invalid_code");

    let form = confirmation("new@example.com", &code);
    ada.post("/auth/me/email/confirm", form).await.ok();
}

#[tokio::test]
async fn a_code_for_an_address_runs_out() {
    let world = World::with(|config| config.sessions.fresh = Span::hours(1)).await;
    let ada = signed_in(&world, "ada@example.com").await;
    let code = ask_for_code(&world, &ada, "new@example.com").await;
    world.advance(Span::minutes(10));

    let form = confirmation("new@example.com", &code);
    ada.post("/auth/me/email/confirm", form)
        .await
        .problem(401, "expired_code");

    assert_eq!(ada.get("/auth/me").await.ok()["email"], "ada@example.com");
}

/// Item 96: the answers are the same to the byte, but for their times; only the holder is told.
#[tokio::test]
async fn nobody_learns_that_an_address_is_taken_but_who_holds_it() {
    let world = World::new().await;
    let ada = signed_in(&world, "ada@example.com").await;
    let _eve = signed_in(&world, "eve@example.com").await;
    world.advance(Span::seconds(30));
    let before = world.mailbox().messages().len();

    let taken = ada
        .post("/auth/me/email", json!({ "email": "eve@example.com" }))
        .await;
    let free = ada
        .post("/auth/me/email", json!({ "email": "new@example.com" }))
        .await;

    taken.created();
    assert_eq!(shape(&taken), shape(&free));
    let told = world.inbox("eve@example.com").await;
    let notice = &told.messages()[0];
    assert!(notice.text.contains(TAKEN), "{}", notice.text);
    assert!(
        !notice.text.contains("ada"),
        "nor does the holder learn who it was"
    );
    assert_eq!(world.mailbox().messages().len(), before + 2);
    let wrong = "00000000";
    let of_taken = ada
        .post(
            "/auth/me/email/confirm",
            confirmation("eve@example.com", wrong),
        )
        .await;
    let of_free = ada
        .post(
            "/auth/me/email/confirm",
            confirmation("new@example.com", wrong),
        )
        .await;
    of_taken.problem(401, "invalid_code");
    assert_eq!(shape(&of_taken), shape(&of_free));
}

/// Status, names of headers, and body without what names the request.
fn shape(reply: &Reply) -> String {
    let names: Vec<_> = reply.headers().keys().map(ToString::to_string).collect();
    let mut body = reply.json();
    body["requestId"] = Value::Null;
    format!("{} {names:?} {body}", reply.status())
}

/// Of two who prove one free address at once, one has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_who_prove_an_address_at_once_gets_it() {
    for _ in 0..10 {
        let world = World::new().await;
        let ada = signed_in(&world, "ada@example.com").await;
        let eve = signed_in(&world, "eve@example.com").await;
        let adas = ask_for_code(&world, &ada, "new@example.com").await;
        world.advance(Span::seconds(30));
        let eves = ask_for_code(&world, &eve, "new@example.com").await;

        let (one, other) = tokio::join!(
            ada.post(
                "/auth/me/email/confirm",
                confirmation("new@example.com", &adas)
            ),
            eve.post(
                "/auth/me/email/confirm",
                confirmation("new@example.com", &eves)
            )
        );

        let mut statuses = [one.status().as_u16(), other.status().as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401], "{one}, {other}");
        let mut emails = Vec::new();
        for caller in [&ada, &eve] {
            emails.push(caller.get("/auth/me").await.ok()["email"].clone());
        }
        let changed = emails.iter().filter(|email| **email == "new@example.com");
        assert_eq!(changed.count(), 1, "{emails:?}");
        assert_eq!(rows(&world, "user_emails").len(), 2);
    }
}

/// Who is guessed at by way of an address is not locked out, and a guesser has five tries.
#[tokio::test]
async fn a_code_for_an_address_is_compared_five_times() {
    let world = World::new().await;
    let ada = signed_in(&world, "ada@example.com").await;
    let code = ask_for_code(&world, &ada, "new@example.com").await;
    let wrong = if code == "00000000" {
        "00000001"
    } else {
        "00000000"
    };
    for _ in 0..5 {
        let form = confirmation("new@example.com", wrong);
        ada.post("/auth/me/email/confirm", form)
            .await
            .problem(401, "invalid_code");
    }

    let form = confirmation("new@example.com", &code);
    ada.post("/auth/me/email/confirm", form)
        .await
        .problem(401, "invalid_code");
}

// ── What happened ───────────────────────────────────────────────────────────

#[tokio::test]
async fn events_are_ones_own_newest_first_and_in_pages() {
    let world = World::new().await;
    let ada = signed_in(&world, "ada@example.com").await;
    let eve = signed_in(&world, "eve@example.com").await;
    for number in 0..60 {
        world.advance(Span::seconds(1));
        let change = json!({ "firstName": format!("Ada {number}") });
        ada.patch("/auth/me", change).await.ok();
    }
    let id = ada.get("/auth/me").await.ok()["id"].clone();

    let first = ada.get("/auth/me/events").await.ok();
    let cursor = first["next"].as_str().unwrap();
    let second = ada
        .get(&format!("/auth/me/events?cursor={cursor}"))
        .await
        .ok();

    let items: Vec<_> = [&first, &second]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap().clone())
        .collect();
    assert_eq!(first["items"].as_array().unwrap().len(), 50);
    assert_eq!(second["next"], Value::Null);
    assert_eq!(items.len(), 62, "60 changes, the sign-up and the sign-in");
    assert!(items.iter().all(|event| event["subject"] == id));
    let times: Vec<_> = items
        .iter()
        .map(|event| event["at"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older));
    let kinds: Vec<_> = items
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert!(kinds[..60].iter().all(|kind| *kind == "user_updated"));
    let mut beginning = kinds[60..].to_vec();
    beginning.sort_unstable();
    assert_eq!(beginning, ["authn_login_success", "user_created"]);

    let eves = eve.get("/auth/me/events").await.ok();
    assert_eq!(eves["items"].as_array().unwrap().len(), 2);
    let stolen = eve
        .get(&format!("/auth/me/events?cursor={cursor}"))
        .await
        .ok();
    let own = eve.get("/auth/me").await.ok()["id"].clone();
    assert!(
        stolen["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|event| event["subject"] == own)
    );
    for cursor in [
        "x",
        "",
        "%00",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "' or 1=1 --",
    ] {
        let path = format!("/auth/me/events?cursor={}", cursor.replace(' ', "%20"));
        eve.get(&path).await.problem(422, "invalid_request");
    }
}

// ── The end ─────────────────────────────────────────────────────────────────

/// Every row of a table, as text, with bytes as text where they are.
fn rows(world: &World, table: &str) -> Vec<String> {
    let cell = |cell: Cell| match cell {
        Cell::Null => "null ".to_owned(),
        Cell::Integer(value) => format!("{value} "),
        Cell::Text(text) => format!("{text} "),
        Cell::Blob(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{} {hex} ", String::from_utf8_lossy(&bytes))
        }
    };
    let rows = world.rows(&format!("select * from {table}")).into_iter();
    rows.map(|row| row.into_iter().map(cell).collect())
        .collect()
}

/// Has Ada do all that leaves something behind, and then erase her account, next to Eve, who stays; her id in hexadecimal.
async fn erase_ada(world: &World) -> String {
    let ada = signed_in(world, "ada.lovelace@example.com").await;
    let phone = signed_in(world, "ada.lovelace@example.com").await;
    let _eve = signed_in(world, "eve@example.com").await;
    world.add_passkey(&ada, &mut Authenticator::new(1)).await;
    let passkeys = ada.get("/auth/passkeys").await.ok();
    let passkey = format!("/auth/passkeys/{}", passkeys[0]["id"].as_str().unwrap());
    let name = json!({ "name": "Augusta's telephone" });
    ada.patch(&passkey, name).await.ok();
    let names = json!({ "firstName": "Augusta", "lastName": "Byron", "picture": "https://pictures.example/augusta" });
    ada.patch("/auth/me", names).await.ok();
    world.advance(Span::seconds(30));
    ada.post(
        "/auth/verify",
        json!({ "email": "ada.lovelace@example.com" }),
    )
    .await
    .created();
    ada.post("/auth/me/email", json!({ "email": "countess@example.com" }))
        .await
        .created();
    let id = world.user("ada.lovelace@example.com").await;
    let id_in_hex: String = id
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();

    ada.delete("/auth/me").await.no_content();

    for caller in [&ada, &phone] {
        caller.get("/auth/me").await.problem(401, "unauthenticated");
    }
    let told = world.inbox("ada.lovelace@example.com").await;
    assert!(
        told.messages()[0].text.contains("deleted"),
        "{}",
        told.messages()[0].text
    );
    // For as long do servers tell each other whom to forget.
    world.advance(Span::hours(2));
    world.sweep().await;
    id_in_hex
}

/// Item 97: what is left of a person is a pseudonym in the log.
#[tokio::test]
async fn erasure_leaves_nothing_but_a_pseudonym_in_the_log() {
    let world = World::new().await;

    let id_in_hex = erase_ada(&world).await;

    for table in world.tables() {
        for row in rows(&world, &table) {
            for trace in [
                "ada.lovelace",
                "countess",
                "Augusta",
                "Byron",
                "pictures.example",
            ] {
                assert!(!row.contains(trace), "{trace} in {table}: {row}");
            }
            assert!(
                table == "events" || !row.contains(&id_in_hex),
                "the id in {table}: {row}"
            );
        }
    }
    let kept = rows(&world, "events");
    assert!(
        kept.iter()
            .any(|row| row.contains("user_deleted") && row.contains(&id_in_hex))
    );
}

mod sqlite_files {
    use super::*;

    /// Item 97: nor is more left in the file of the database, or in a backup of it.
    #[tokio::test]
    async fn erasure_leaves_nothing_in_files() {
        let world = World::new().await;

        erase_ada(&world).await;

        let copy = world.folder().join("copy.db");
        world.doorward().back_up(&copy).unwrap();
        let db = rusqlite::Connection::open(world.database()).unwrap();
        db.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
            .unwrap();
        for file in [copy, world.database()] {
            let bytes = std::fs::read(&file).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            for trace in ["ada.lovelace", "countess", "Augusta", "Byron"] {
                assert!(!text.contains(trace), "{trace} in {}", file.display());
            }
            assert!(text.contains("eve@example.com"), "who stays, stays");
        }
    }
}

/// Item 97: network addresses and user agents of the log go after 90 days.
#[tokio::test]
async fn the_log_forgets_after_ninety_days() {
    let world = World::new().await;
    let ada = signed_in(&world, "ada@example.com").await;
    ada.delete("/auth/me").await.no_content();
    world.advance(Span::days(89));
    world.sweep().await;
    assert!(!rows(&world, "events").is_empty());

    world.advance(Span::days(1));
    world.sweep().await;

    assert_eq!(rows(&world, "events"), Vec::<String>::new());
}

#[tokio::test]
async fn whoever_erased_their_account_can_sign_up_anew() {
    let world = World::new().await;
    let browser = world.browser();
    let mut authenticator = Authenticator::new(1);
    world.sign_in(&browser, "ada@example.com").await;
    world.add_passkey(&browser, &mut authenticator).await;
    let first = browser.get("/auth/me").await.ok();

    let gone = browser.delete("/auth/me").await;
    gone.no_content();
    assert!(
        gone.cookies()[0].contains("Max-Age=0"),
        "{:?}",
        gone.cookies()
    );
    world
        .sign_in_with_passkey(&browser, &mut authenticator)
        .await
        .problem(401, "unknown_credential");
    world.sign_in(&browser, "ada@example.com").await;

    let second = browser.get("/auth/me").await.ok();
    assert_ne!(second["id"], first["id"]);
    assert_eq!(browser.get("/auth/passkeys/").await.ok(), json!([]));
    let events = browser.get("/auth/me/events").await.ok();
    assert_eq!(
        events["items"].as_array().unwrap().len(),
        2,
        "what was before is not theirs"
    );
    world
        .add_passkey(&browser, &mut authenticator)
        .await
        .created();
}

/// A code that was asked for before an erasure does not bring the account back.
#[tokio::test]
async fn a_code_from_before_an_erasure_is_worth_nothing() {
    let world = World::new().await;
    let ada = signed_in(&world, "ada@example.com").await;
    world.advance(Span::seconds(30));
    let other = world.native();
    other
        .post("/auth/verify", json!({ "email": "ada@example.com" }))
        .await
        .created();
    let code = world.inbox("ada@example.com").await.code();

    ada.delete("/auth/me").await.no_content();

    let form = json!({ "method": "otp", "email": "ada@example.com", "token": code });
    other
        .post("/auth/sessions", form)
        .await
        .problem(401, "invalid_code");
    assert_eq!(rows(&world, "users"), Vec::<String>::new());
}

/// An erasure that cannot be written did not happen.
#[tokio::test]
async fn an_erasure_that_fails_leaves_everything() {
    let world = World::new().await;
    let ada = signed_in(&world, "ada@example.com").await;
    let before = ada.get("/auth/me").await.ok();
    for point in [
        "delete from users",
        "insert into events",
        "insert into outbox",
        "commit",
    ] {
        world
            .faults()
            .arm_once(point, doorward::testing::Fault::Unavailable);

        let reply = ada.delete("/auth/me").await;

        reply.problem(503, "unavailable");
        assert_eq!(ada.get("/auth/me").await.ok(), before, "{point}");
        assert_eq!(rows(&world, "users").len(), 1, "{point}");
    }
    let mailed = world.inbox("ada@example.com").await;
    assert_eq!(mailed.messages().len(), 1, "only the code of the sign-in");
}

/// Whoever was invited has proved nothing, and is not told of what may not be theirs.
#[tokio::test]
async fn an_invitation_that_is_erased_mails_nobody() {
    let world = World::new().await;
    let client = Client::command_line();
    let invitation = users::Invitation {
        address: Address::parse("guest@example.com").unwrap(),
        roles: Vec::new(),
        first_name: None,
        last_name: None,
    };
    let id = users::invite(world.doorward(), &invitation, None, &client)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(world.inbox("guest@example.com").await.messages().len(), 1);

    users::erase(world.doorward(), &id, None, &client)
        .await
        .unwrap();

    assert_eq!(world.inbox("guest@example.com").await.messages().len(), 1);
    assert_eq!(rows(&world, "user_emails"), Vec::<String>::new());
}
