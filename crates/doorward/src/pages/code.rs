//! `/sign-in/code`: the code that was mailed, and another one.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    arrival::{after_sign_in, from_a_form},
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
    sessions,
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new()
        .route("/sign-in/code", get(show).post(enter))
        .route("/sign-in/code/resend", post(resend))
}

const ENTRY: CodeEntry = CodeEntry {
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

#[derive(Deserialize)]
struct CodeForm {
    code: String,
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
    let presented = visit.user.as_deref();
    let client = &visit.client;
    let redeemed = codes::redeem(
        &doorward,
        &attempt.email,
        &typed,
        client.flow(),
        presented,
        client,
    )
    .await;
    let new = match redeemed {
        Ok(new) => new,
        Err(error) => return ENTRY.refused(&visit, attempt, &typed, error),
    };
    let to = after_sign_in(&visit, &new.user, &new.session, &attempt.arrival).await?;
    let go = from_a_form(&to)
        .cookies(sessions::http::cookies(&doorward, &new)?)
        .cookie(Kept::Attempt.clear(visit.config())?)
        .cookie(last_method(&visit, new.session.method)?);
    Ok(go.into_response())
}

async fn resend(
    State(doorward): State<Doorward>,
    visit: Visit,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response> {
    let Some(attempt) = ENTRY.attempt(&visit) else {
        return nothing_begun(&visit);
    };
    let flow = visit
        .client
        .flow()
        .cloned()
        .unwrap_or_else(|| Flow::new(&doorward.entropy));
    let cookie = flow_cookie(&doorward, &flow)?;
    let email = attempt.email.clone();
    let request = codes::request(&doorward, &email, Binding::Flow(flow), &visit.client);
    let request = async { Ok(request.await?.issued) };
    ENTRY.resend(&visit, attempt, request, Some(cookie)).await
}
