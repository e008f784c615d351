//! The session cookie on the wire: just as it is set, and only under its own name.

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::body::Body;
use doorward::testing::{Reply, World};
use http::{HeaderValue, Method, header};

const ADA: &str = "ada@example.com";
const COOKIE: &str = "__Host-doorward_session";

/// Item 73: over https, to the byte.
#[tokio::test]
async fn the_session_cookie_is_bound_to_its_host() {
    let world = World::new().await;
    let browser = world.browser();

    let cookies = world.sign_in(&browser, ADA).await.cookies();

    let token = browser.cookie(COOKIE).unwrap();
    assert_eq!(token.len(), 73);
    let session = format!(
        "__Host-doorward_session={token}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=2592000"
    );
    assert_eq!(cookies[0], session);
    let device = browser.cookie("__Host-doorward_device").unwrap();
    let device = format!(
        "__Host-doorward_device={device}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=31536000"
    );
    assert_eq!(cookies[1..], [device]);
    assert!(
        cookies
            .iter()
            .all(|cookie| cookie.len() < 4096 && !cookie.contains("Domain"))
    );
}

/// Item 73: on `http://localhost`, where browsers take neither the prefix nor `Secure`.
#[tokio::test]
async fn on_localhost_the_session_cookie_goes_without_its_prefix() {
    let world = World::with(|config| config.public_url = "http://localhost:8700".into()).await;
    let browser = world.browser();

    let cookies = world.sign_in(&browser, ADA).await.cookies();

    let token = browser.cookie("doorward_session").unwrap();
    let session =
        format!("doorward_session={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000");
    assert_eq!(cookies[0], session);
    assert!(
        cookies
            .iter()
            .all(|cookie| !cookie.contains("__Host-") && !cookie.contains("Secure"))
    );
    browser.get("/auth/me").await.ok();
}

/// Asks who is signed in with exactly these `Cookie` headers.
async fn ask(world: &World, headers: &[Vec<u8>]) -> Reply {
    let caller = world.native();
    let mut request = caller.request(Method::GET, "/auth/me", Body::empty());
    for header in headers {
        let value = HeaderValue::from_bytes(header).expect("a header");
        request.headers_mut().append(header::COOKIE, value);
    }
    caller.send(request).await
}

/// Item 74: no other name, and no other spelling of it, is ours.
#[tokio::test]
async fn only_the_exact_name_of_the_cookie_signs_in() {
    let world = World::new().await;
    let browser = world.browser();
    world.sign_in(&browser, ADA).await;
    let token = browser.cookie(COOKIE).unwrap();
    let cookie = |prefix: &str, suffix: &str| format!("{prefix}={token}{suffix}").into_bytes();

    for good in [
        vec![cookie(COOKIE, "")],
        vec![cookie("a=b; __Host-doorward_session", "; c=d")],
        vec![cookie("a=b;__Host-doorward_session", " \t;c=d")],
        vec![b"a=b".to_vec(), cookie("\t __Host-doorward_session", "")],
    ] {
        ask(&world, &good).await.ok();
    }
    for planted in [
        cookie("\u{2000}__Host-doorward_session", ""),
        cookie("\u{85}__Host-doorward_session", ""),
        cookie("\u{a0}__Host-doorward_session", ""),
        cookie("a=b;\u{a0}__Host-doorward_session", ""),
        cookie("$Version=1, __Host-doorward_session", ""),
        cookie("$Version=\"1\"; a=b, __Host-doorward_session", ""),
        cookie("a=\"b; __Host-doorward_session\"", ""),
        cookie("=__Host-doorward_session", ""),
        cookie("", ""),
        cookie("__host-doorward_session", ""),
        cookie("__HOST-DOORWARD_SESSION", ""),
        cookie("__Host-doorward_session ", ""),
        cookie("__Host-doorward_session[0]", ""),
        cookie("x__Host-doorward_session", ""),
        cookie("doorward_session", ""),
        cookie("__Secure-doorward_session", ""),
        format!("{COOKIE}=\"{token}\"").into_bytes(),
        format!("{COOKIE}={}", token.replace('_', "%5F")).into_bytes(),
        token.clone().into_bytes(),
        COOKIE.into(),
    ] {
        let shown = String::from_utf8_lossy(&planted).into_owned();
        let reply = ask(&world, &[planted]).await;
        assert_eq!(reply.status(), 401, "{shown}: {reply}");
    }
}

/// A log that can be read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("a log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Item 74: two cookies of our name sign nobody in, are cleared, and leave a line in the log. They leave no row: anyone
/// may send them, and a `GET` changes nothing (item 79).
#[tokio::test]
async fn two_cookies_of_our_name_sign_nobody_in() {
    let world = World::new().await;
    let (browser, other) = (world.browser(), world.browser());
    world.sign_in(&browser, ADA).await;
    world.sign_in(&other, "eve@example.com").await;
    let [ours, planted] = [&browser, &other].map(|caller| {
        let token = caller.cookie(COOKIE).unwrap();
        format!("{COOKIE}={token}")
    });
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);

    let pairs = [(&ours, &planted), (&planted, &ours), (&ours, &ours)];
    for (first, second) in pairs {
        for headers in [
            vec![format!("{first}; {second}").into_bytes()],
            vec![first.clone().into_bytes(), second.clone().into_bytes()],
            vec![format!("{first}; {COOKIE}=").into_bytes()],
        ] {
            let refused = ask(&world, &headers).await;
            refused.problem(401, "unauthenticated");
            let text = String::from_utf8(std::mem::take(&mut *log.0.lock().unwrap())).unwrap();
            let warning = text.lines().find(|line| line.contains("WARN")).unwrap();
            let id = refused.json()["requestId"].as_str().unwrap().to_owned();
            assert!(
                warning.contains("two session cookies") && warning.contains(&id),
                "{warning}"
            );
            assert!(!text.contains("dw_"), "{text}");
        }
    }
    drop(guard);

    let caller = world.native().with("cookie", &format!("{ours}; {planted}"));
    let current = caller.get("/auth/sessions/current").await;
    current.no_content();
    assert_eq!(
        current.cookies().len(),
        1,
        "both are cleared, as far as one name reaches"
    );
    browser.get("/auth/me").await.ok();
}
