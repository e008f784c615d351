//! `/sign-in`: an address or a passkey, on one page.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::{
    alert::Alert,
    arrival::{Arrival, after_sign_in},
    attempt::Attempt,
    code,
    cookies::Kept,
    form::Form,
    layout::Frame,
    page::{Go, Page},
    texts::{Key, Texts},
    visit::Visit,
    wait,
};
use crate::{
    Doorward,
    codes::Flow,
    config::SignUp,
    error::{Error, Result},
    http::{cookies, extract::Query},
    mail::Address,
    passkeys,
    sessions::Method,
    time::Span,
};

/// How long the page remembers how this browser signed in last.
const LAST_METHOD: Span = Span::days(365);

pub(super) fn routes() -> Router<Doorward> {
    Router::new().route("/sign-in", get(show).post(send))
}

/// What the page may be asked with.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    return_to: Option<String>,
    #[serde(default)]
    caps: Option<String>,
    #[serde(default)]
    upsell: Option<String>,
    #[serde(default)]
    switch: Option<String>,
    #[serde(default)]
    via: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    frame: Frame,
    t: Texts,
    alert: Option<Alert>,
    notice: Option<String>,
    /// Whose session there is already, and where "go back" leads.
    switching: Option<(String, String)>,
    heading: String,
    passkey_first: bool,
    email: String,
    email_is_wrong: bool,
    arrival: Arrival,
    /// The options of both ceremonies, for the script.
    webauthn: String,
    /// Where the script leads after a sign-in with a passkey: here, where whoever is signed in is sent on.
    next: String,
    /// Whether a sign-out has led here; the script tells other tabs.
    signed_out: bool,
}

impl SignIn {
    /// Whether the script's messages may advise to go on by code.
    #[expect(clippy::unused_self, reason = "templates call it so")]
    const fn code(&self) -> &'static str {
        "yes"
    }
}

async fn show(
    State(doorward): State<Doorward>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let mut arrival = Arrival::read(
        &visit,
        asked.return_to.as_deref(),
        asked.caps.as_deref(),
        asked.upsell.as_deref(),
    );
    arrival.from_other_device = asked.via.as_deref() == Some("cross-platform");
    if let Some(user) = &visit.user
        && asked.switch.as_deref() != Some("1")
    {
        let onward = after_sign_in(&visit, user.session(), &arrival).await?;
        let go = Go::to(onward.to.as_str())
            .cookies(onward.cookie)
            .cookie(last_method(&visit, user.session().method)?);
        return Ok(go.into_response());
    }
    let email = Attempt::of(&visit, Kept::Attempt).map(|attempt| attempt.email.to_string());
    let page = page(&doorward, &visit, &arrival, email.unwrap_or_default(), None)?;
    Ok(page.into_response())
}

/// The page, with the options for passkeys in it: nothing is asked for before a passkey can be used, and nothing is
/// written.
fn page(
    doorward: &Doorward,
    visit: &Visit,
    arrival: &Arrival,
    email: String,
    alert: Option<Alert>,
) -> Result<Page> {
    let flow = flow(visit);
    let options = || passkeys::authentication_options(doorward, flow.as_ref());
    let webauthn = serde_json::json!({
        "cond": options(),
        "modal": options(),
        "rpId": doorward.config.rp_id(),
    });
    let client = arrival.return_to.as_ref().and_then(|to| to.host());
    let notice = visit.notice().or_else(|| {
        let text = client?;
        let text = visit.t.get("sign-in-notice-client").with("client", text);
        Some(text.to_string())
    });
    let ended = visit.flash.as_ref();
    let view = SignIn {
        frame: visit.frame("dw-auth").with_error(alert.is_some()),
        t: visit.t.clone(),
        email_is_wrong: alert.as_ref().is_some_and(|alert| alert.field.is_some()),
        alert,
        notice,
        switching: visit.user.as_ref().map(|user| {
            let back = arrival.return_to.as_ref();
            let back = back.map_or("/account", |to| to.as_str());
            (user.user().email.to_string(), back.to_owned())
        }),
        heading: visit.say(match doorward.config.sign_up {
            SignUp::Open => Key("sign-in-heading-open"),
            SignUp::Invite => Key("sign-in-heading"),
        }),
        passkey_first: visit.kept(Kept::LastMethod) == Some(Method::Passkey.name()),
        email,
        arrival: arrival.clone(),
        webauthn: webauthn.to_string(),
        next: arrival.address("/sign-in"),
        signed_out: ended.is_some_and(|flash| flash.is(Key("sign-in-notice-signed-out"))),
    };
    let page = visit.page(&view)?;
    match &flow {
        Some(flow) => Ok(page.cookie(flow_cookie(doorward, flow)?)),
        None => Ok(page),
    }
}

/// The flow that the page's challenges are bound to.
///
/// A browser that comes from another site does not show its flow cookie (`SameSite=Strict`), and giving it another one
/// would cut off what its other tabs have begun. Its challenges are bound to none.
pub(super) fn flow(visit: &Visit) -> Option<Flow> {
    let client = &visit.client;
    let fresh = || Flow::new(&visit.doorward.entropy);
    client
        .flow()
        .cloned()
        .or_else(|| client.shows_strict_cookies().then(fresh))
}

pub(super) fn flow_cookie(doorward: &Doorward, flow: &Flow) -> Result<HeaderValue> {
    let text = flow.text(&doorward.keys.flows);
    cookies::flow(&doorward.config, &text)
}

/// Remembers how this browser has signed in: one word, which says nothing of whom.
pub(super) fn last_method(visit: &Visit, method: Method) -> Result<HeaderValue> {
    Kept::LastMethod.set(visit.config(), method.name(), LAST_METHOD)
}

/// An address to mail a code to.
#[derive(Deserialize)]
struct EmailForm {
    email: String,
    #[serde(default)]
    return_to: Option<String>,
    #[serde(default)]
    caps: Option<String>,
    #[serde(default)]
    upsell: Option<String>,
}

async fn send(
    State(doorward): State<Doorward>,
    visit: Visit,
    Form(form): Form<EmailForm>,
) -> Result<Response> {
    let arrival = Arrival::read(
        &visit,
        form.return_to.as_deref(),
        form.caps.as_deref(),
        form.upsell.as_deref(),
    );
    let again = |alert: Alert| page(&doorward, &visit, &arrival, form.email.clone(), Some(alert));
    let Ok(email) = Address::parse(&form.email) else {
        let alert = Alert::new(visit.say(Key("sign-in-email-invalid"))).at("email");
        let page = again(alert)?.status(StatusCode::UNPROCESSABLE_ENTITY);
        return Ok(page.into_response());
    };
    match code::begin(&code::ENTRY, &visit, email, arrival.clone()).await {
        Ok(go) => Ok(go.into_response()),
        Err(Error::RateLimited { retry_after }) => {
            let alert = Alert::new(wait::text(&visit.t, Key("rate-limited"), retry_after));
            Ok(limited(again(alert)?, retry_after).into_response())
        }
        Err(error) => Err(error),
    }
}

/// A page that says to wait, and for how long.
pub(super) fn limited(page: Page, retry_after: Span) -> Page {
    let seconds = retry_after.as_seconds_ceil().max(1);
    page.status(StatusCode::TOO_MANY_REQUESTS)
        .header(header::RETRY_AFTER, seconds)
}
