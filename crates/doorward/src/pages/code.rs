//! `/sign-in/code`: the code that was mailed, and another one.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    arrival::{Arrival, after_sign_in, from_a_form},
    attempt::Attempt,
    code_entry::{CodeEntry, picked},
    cookies::Kept,
    flash::Flash,
    form::{Form, Nothing},
    page::Go,
    sign_in::{flow_cookie, last_method},
    texts::Key,
    visit::Visit,
};
use crate::{
    Doorward,
    codes::{self, Binding, Flow},
    error::Result,
    mail::Address,
    sessions::{self, NewSession},
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new()
        .route("/sign-in/code", get(show).post(enter))
        .route("/sign-in/code/resend", post(resend))
}

pub(super) const ENTRY: CodeEntry = CodeEntry {
    path: "/sign-in/code",
    kept: Kept::Attempt,
    label: Key("code-label"),
    submit: Key("code-submit"),
    other: "/sign-in",
};

async fn show(visit: Visit) -> Result<Response> {
    match ENTRY.attempt(&visit) {
        Some(attempt) => Ok(ENTRY.page(&visit, &attempt)?.into_response()),
        None => nothing_begun(&visit),
    }
}

/// The browser has not asked for a code, or so long ago that it has forgotten.
fn nothing_begun(visit: &Visit) -> Result<Response> {
    let go = Go::to("/sign-in");
    if visit.user.is_some() {
        return Ok(go.into_response());
    }
    let go = go.saying(visit, &Flash::new(Key("sign-in-notice-other-browser")))?;
    Ok(go.into_response())
}

/// A code that was typed, or pasted with all that was around it.
#[derive(Deserialize)]
pub(super) struct CodeForm {
    pub code: String,
}

async fn enter(
    State(doorward): State<Doorward>,
    visit: Visit,
    Form(form): Form<CodeForm>,
) -> Result<Response> {
    let Some(attempt) = ENTRY.attempt(&visit) else {
        return nothing_begun(&visit);
    };
    let typed = picked(&form.code, attempt.digits);
    let new = match redeem(&visit, &attempt, &typed).await {
        Ok(new) => new,
        Err(error) => return ENTRY.refused(&visit, attempt, &typed, error),
    };
    let onward = after_sign_in(&visit, &new.session, &attempt.arrival).await?;
    let go = from_a_form(&onward.to)
        .cookies(onward.cookie)
        .cookies(sessions::http::cookies(&doorward, &new)?)
        .cookie(Kept::Attempt.clear(visit.config())?)
        .cookie(last_method(&visit, new.session.method)?);
    Ok(go.into_response())
}

async fn resend(visit: Visit, Form(Nothing {}): Form<Nothing>) -> Result<Response> {
    let Some(attempt) = ENTRY.attempt(&visit) else {
        return nothing_begun(&visit);
    };
    mail_again(&ENTRY, &visit, attempt).await
}

// What signing in by code shares with confirming who is signed in.

/// Mails a code, and leads to where it is entered.
pub(super) async fn begin(
    entry: &CodeEntry,
    visit: &Visit,
    email: Address,
    arrival: Arrival,
) -> Result<Go> {
    let doorward = &visit.doorward;
    let binding = Binding::Flow(flow(visit));
    let requested = codes::request(doorward, &email, binding, &visit.client).await?;
    let attempt = Attempt::begun(email, arrival, &requested.issued, doorward.clock.now());
    Ok(Go::to(entry.path)
        .cookie(attempt.cookie(visit, entry.kept)?)
        .cookie(flow_cookie(doorward, &requested.flow)?))
}

pub(super) async fn redeem(visit: &Visit, attempt: &Attempt, typed: &str) -> Result<NewSession> {
    let (doorward, client) = (&visit.doorward, &visit.client);
    let presented = visit.user.as_deref();
    let email = &attempt.email;
    codes::redeem(doorward, email, typed, client.flow(), presented, client).await
}

pub(super) async fn mail_again(
    entry: &CodeEntry,
    visit: &Visit,
    attempt: Attempt,
) -> Result<Response> {
    let (doorward, flow) = (&visit.doorward, flow(visit));
    let cookie = flow_cookie(doorward, &flow)?;
    let email = attempt.email.clone();
    let request = codes::request(doorward, &email, Binding::Flow(flow), &visit.client);
    let request = async { Ok(request.await?.issued) };
    entry.resend(visit, attempt, request, Some(cookie)).await
}

fn flow(visit: &Visit) -> Flow {
    let fresh = || Flow::new(&visit.doorward.entropy);
    visit.client.flow().cloned().unwrap_or_else(fresh)
}
