//! `/reauth/code`: the code that was mailed to who is signed in.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};

use crate::{
    Doorward,
    error::Result,
    pages::{
        arrival::from_a_form,
        attempt::Attempt,
        code::{CodeForm, mail_again, redeem},
        code_entry::{CodeEntry, picked},
        cookies::Kept,
        form::{Form, Nothing},
        page::Go,
        texts::Key,
        visit::Visit,
    },
    sessions,
};

pub(super) const ENTRY: CodeEntry = CodeEntry {
    path: "/reauth/code",
    kept: Kept::Reauth,
    label: Key("code-label"),
    submit: Key("reauth-code-submit"),
    other: "/reauth",
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new()
        .route("/reauth/code", get(show).post(enter))
        .route("/reauth/code/resend", post(resend))
}

/// What the browser has under way in this session, for the address that its owner has now.
pub(super) fn attempt(visit: &Visit) -> Option<Attempt> {
    let user = visit.user.as_ref()?;
    ENTRY
        .attempt(visit)
        .filter(|attempt| attempt.email == user.user().email)
}

/// Where another code can be asked for, by whoever is signed in.
fn nothing_begun() -> Response {
    Go::to("/reauth").into_response()
}

async fn show(visit: Visit) -> Result<Response> {
    match attempt(&visit) {
        Some(attempt) => Ok(ENTRY.page(&visit, &attempt)?.into_response()),
        None => Ok(nothing_begun()),
    }
}

async fn enter(
    State(doorward): State<Doorward>,
    visit: Visit,
    Form(form): Form<CodeForm>,
) -> Result<Response> {
    let Some(attempt) = attempt(&visit) else {
        return Ok(nothing_begun());
    };
    let typed = picked(&form.code, attempt.digits);
    let new = match redeem(&visit, &attempt, &typed).await {
        Ok(new) => new,
        Err(error) => return ENTRY.refused(&visit, attempt, &typed, error),
    };
    let go = from_a_form(&attempt.arrival.destination())
        .cookies(sessions::http::cookies(&doorward, &new)?)
        .cookie(Kept::Reauth.clear(visit.config())?);
    Ok(go.into_response())
}

async fn resend(visit: Visit, Form(Nothing {}): Form<Nothing>) -> Result<Response> {
    match attempt(&visit) {
        Some(attempt) => mail_again(&ENTRY, &visit, attempt).await,
        None => Ok(nothing_begun()),
    }
}
