//! `/account/profile/email`: a new address; and the code that proves it.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::StatusCode;
use serde::Deserialize;

use crate::{
    Doorward,
    error::{Error, Result},
    http::extract::{CurrentUser, Fresh},
    mail::Address,
    pages::{
        account::Header,
        alert::Alert,
        arrival::Arrival,
        attempt::Attempt,
        code::CodeForm,
        code_entry::{CodeEntry, picked},
        cookies::Kept,
        flash::Flash,
        form::{Form, Nothing},
        layout::Frame,
        page::{Go, Page},
        sign_in::limited,
        texts::{Key, Texts},
        visit::Visit,
        wait,
    },
    users::email,
};

const ASK: &str = "/account/profile/email";

pub(super) fn routes() -> Router<Doorward> {
    Router::new()
        .route("/account/profile/email", get(ask).post(send))
        .route("/account/profile/email/code", get(show).post(enter))
        // Whoever has to prove first who they are comes back by `GET`.
        .route("/account/profile/email/code/resend", get(back).post(resend))
}

#[derive(Template)]
#[template(path = "account/email.html")]
struct EmailPage {
    frame: Frame,
    t: Texts,
    header: Header,
    alert: Option<Alert>,
    email: String,
    email_is_wrong: bool,
}

async fn ask(visit: Visit, Fresh(user): Fresh) -> Result<Page> {
    page(&visit, &user, String::new(), None)
}

fn page(visit: &Visit, user: &CurrentUser, email: String, alert: Option<Alert>) -> Result<Page> {
    visit.page(&EmailPage {
        frame: visit.frame("dw-account").with_error(alert.is_some()),
        header: Header::of(visit, user),
        t: visit.t.clone(),
        email_is_wrong: alert.as_ref().is_some_and(|alert| alert.field.is_some()),
        alert,
        email,
    })
}

#[derive(Deserialize)]
struct EmailForm {
    email: String,
}

async fn send(
    State(doorward): State<Doorward>,
    visit: Visit,
    Fresh(user): Fresh,
    Form(form): Form<EmailForm>,
) -> Result<Response> {
    let again = |alert| page(&visit, &user, form.email.clone(), Some(alert));
    let Ok(address) = Address::parse(&form.email) else {
        let alert = Alert::new(visit.say(Key("sign-in-email-invalid"))).at("email");
        let page = again(alert)?.status(StatusCode::UNPROCESSABLE_ENTITY);
        return Ok(page.into_response());
    };
    match email::request(&doorward, &user, &address, &visit.client).await {
        Ok(issued) => {
            let now = doorward.clock.now();
            let attempt = Attempt::begun(address, Arrival::default(), &issued, now);
            let go = Go::to(ENTRY.path).cookie(attempt.cookie(&visit, ENTRY.kept)?);
            Ok(go.into_response())
        }
        Err(Error::RateLimited { retry_after }) => {
            let alert = Alert::new(wait::text(&visit.t, Key("rate-limited"), retry_after));
            Ok(limited(again(alert)?, retry_after).into_response())
        }
        Err(error) => Err(error),
    }
}

const ENTRY: CodeEntry = CodeEntry {
    path: "/account/profile/email/code",
    kept: Kept::EmailChange,
    label: Key("email-code-label"),
    submit: Key("email-code-submit"),
    other: ASK,
};

async fn show(visit: Visit, _: CurrentUser) -> Result<Response> {
    match ENTRY.attempt(&visit) {
        Some(attempt) => Ok(ENTRY.page(&visit, &attempt)?.into_response()),
        None => Ok(Go::to(ASK).into_response()),
    }
}

async fn enter(
    State(doorward): State<Doorward>,
    visit: Visit,
    Fresh(user): Fresh,
    Form(form): Form<CodeForm>,
) -> Result<Response> {
    let Some(attempt) = ENTRY.attempt(&visit) else {
        return Ok(Go::to(ASK).into_response());
    };
    let typed = picked(&form.code, attempt.digits);
    let changed = email::confirm(&doorward, &user, &attempt.email, &typed, &visit.client).await;
    let user = match changed {
        Ok(user) => user,
        Err(error) => return ENTRY.refused(&visit, attempt, &typed, error),
    };
    let flash = Flash::new(Key("profile-email-changed")).with("email", user.email.as_str());
    let go = Go::to("/account/profile")
        .cookie(ENTRY.kept.clear(visit.config())?)
        .saying(&visit, &flash)?;
    Ok(go.into_response())
}

async fn back() -> Go {
    Go::to(ENTRY.path)
}

async fn resend(
    State(doorward): State<Doorward>,
    visit: Visit,
    Fresh(user): Fresh,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response> {
    let Some(attempt) = ENTRY.attempt(&visit) else {
        return Ok(Go::to(ASK).into_response());
    };
    let address = attempt.email.clone();
    let request = email::request(&doorward, &user, &address, &visit.client);
    ENTRY.resend(&visit, attempt, request, None).await
}
