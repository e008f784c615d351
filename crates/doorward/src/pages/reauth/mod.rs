//! `/reauth`: who is signed in confirms that it is them, before a sensitive change.
//!
//! It is a sign-in to the account that is signed in, and can be one to no other: a code goes to its address, and of
//! passkeys only its own are asked for and taken.

mod code;

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use serde::Deserialize;

use super::{
    alert::Alert,
    arrival::{Arrival, from_a_form},
    form::Form,
    layout::Frame,
    moment::{self, Moment},
    page::{Go, Page},
    return_to::ReturnTo,
    sign_in::{flow, flow_cookie, limited},
    texts::{Key, Texts},
    visit::Visit,
    wait,
};
use crate::{
    Doorward,
    error::{Error, Result},
    http::extract::{CurrentUser, Query},
    pages, passkeys,
    sessions::{self, ByCode, Proofs},
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new()
        .route("/reauth", get(show).post(send))
        .merge(code::routes())
}

#[derive(Template)]
#[template(path = "reauth.html")]
struct Reauth {
    frame: Frame,
    t: Texts,
    alert: Option<Alert>,
    email: String,
    /// The options of the ceremony, for the script, where a passkey will do.
    webauthn: Option<String>,
    code_will_do: bool,
    /// From when on a code will do, where it does not yet.
    code_from: Option<Moment>,
    /// Whether it will a day after a sign-in by code.
    code_after_sign_in: bool,
    arrival: Arrival,
    /// Where whoever gives up goes.
    cancel: String,
    /// Where the script leads afterwards: here, where whoever has confirmed is sent on.
    next: String,
    /// The script's messages ask; nobody has signed out here.
    signed_out: bool,
}

impl Reauth {
    /// Whether the script's messages may advise to go on by code: "yes" or "no".
    const fn code(&self) -> &'static str {
        if self.code_will_do { "yes" } else { "no" }
    }
}

/// What led here.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    return_to: Option<String>,
}

impl Asked {
    fn arrival(&self, visit: &Visit) -> Arrival {
        Arrival::read(visit, self.return_to.as_deref(), None, None)
    }
}

async fn show(visit: Visit, user: CurrentUser, Query(asked): Query<Asked>) -> Result<Response> {
    let arrival = match (&asked.return_to, code::attempt(&visit)) {
        // From the page on which the code is entered, which knows.
        (None, Some(attempt)) => attempt.arrival,
        _ => asked.arrival(&visit),
    };
    match needed(&visit, &user).await? {
        Some(proofs) => {
            let page = page(&visit, &user, proofs, arrival, None).await?;
            Ok(page.into_response())
        }
        None => Ok(Go::to(arrival.destination().as_str()).into_response()),
    }
}

async fn needed(visit: &Visit, user: &CurrentUser) -> Result<Option<Proofs>> {
    let now = visit.doorward.clock.now();
    sessions::proofs_needed(&visit.doorward, user.session(), user.access(), now).await
}

async fn page(
    visit: &Visit,
    user: &CurrentUser,
    proofs: Proofs,
    arrival: Arrival,
    alert: Option<Alert>,
) -> Result<Page> {
    let doorward = &visit.doorward;
    let email = user.user().email.to_string();
    let flow = flow(visit).filter(|_| proofs.passkey);
    let webauthn = if proofs.passkey {
        let options = passkeys::confirmation_options(doorward, user, flow.as_ref()).await?;
        let rp_id = doorward.config.rp_id();
        let json = serde_json::json!({ "modal": options, "rpId": rp_id, "email": email });
        Some(json.to_string())
    } else {
        None
    };
    let code_will_do = proofs.code_will_do(doorward.clock.now());
    let page = visit.page(&Reauth {
        frame: visit.frame("dw-auth").with_error(alert.is_some()),
        t: visit.t.clone(),
        alert,
        email,
        webauthn,
        code_will_do,
        code_from: match proofs.code {
            ByCode::From(from) if !code_will_do => Some(Moment::new(from, moment::Form::Full)),
            _ => None,
        },
        code_after_sign_in: matches!(proofs.code, ByCode::AfterSignIn),
        cancel: way_back(visit, &arrival),
        next: arrival.address("/reauth"),
        arrival,
        signed_out: false,
    })?;
    match &flow {
        Some(flow) => Ok(page.cookie(flow_cookie(doorward, flow)?)),
        None => Ok(page),
    }
}

/// Where whoever gives up goes: the page that led here, unless it would only lead here again.
fn way_back(visit: &Visit, arrival: &Arrival) -> String {
    let path = |to: &ReturnTo| to.as_str().split(['?', '#']).next().map(str::to_owned);
    let referrer = visit.headers.get(header::REFERER);
    referrer
        .and_then(|value| value.to_str().ok())
        .and_then(|text| ReturnTo::parse(visit.config(), text))
        .filter(|from| !from.is_elsewhere() && !from.as_str().starts_with("/reauth"))
        .filter(|from| arrival.return_to.as_ref().map(path) != Some(path(from)))
        .map_or_else(|| "/account".to_owned(), |from| from.as_str().to_owned())
}

/// Mails a code to the address of the account.
async fn send(
    State(doorward): State<Doorward>,
    visit: Visit,
    user: CurrentUser,
    Form(asked): Form<Asked>,
) -> Result<Response> {
    let arrival = asked.arrival(&visit);
    let Some(proofs) = needed(&visit, &user).await? else {
        return Ok(from_a_form(&arrival.destination()).into_response());
    };
    if !proofs.code_will_do(doorward.clock.now()) {
        let page = page(&visit, &user, proofs, arrival, None).await?;
        return Ok(page
            .status(StatusCode::UNPROCESSABLE_ENTITY)
            .into_response());
    }
    let email = user.user().email.clone();
    match pages::code::begin(&code::ENTRY, &visit, email, arrival.clone()).await {
        Ok(go) => Ok(go.into_response()),
        Err(Error::RateLimited { retry_after }) => {
            let alert = Alert::new(wait::text(&visit.t, Key("rate-limited"), retry_after));
            let page = page(&visit, &user, proofs, arrival, Some(alert)).await?;
            Ok(limited(page, retry_after).into_response())
        }
        Err(error) => Err(error),
    }
}
