//! What comes after signing in, beside it and at the end: `/sign-in/continue`, `/sign-in/help`, `/sign-out`.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::{
    arrival::Arrival,
    flash::Flash,
    form::{Form, Nothing},
    layout::Frame,
    page::Go,
    texts::{Key, Texts},
    visit::Visit,
};
use crate::{
    Doorward,
    error::Result,
    http::{cookies, extract::Query},
    sessions,
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new()
        .route("/sign-in/continue", get(lead_on))
        .route("/sign-in/help", get(help))
        .route("/sign-out", get(ask).post(sign_out))
}

/// The first page: where whoever is signed in manages their account, and everyone else signs in.
pub(super) async fn start(visit: Visit) -> Go {
    Go::to(if visit.user.is_some() {
        "/account"
    } else {
        "/sign-in"
    })
}

#[derive(Deserialize)]
struct Onward {
    #[serde(default)]
    return_to: Option<String>,
}

#[derive(Template)]
#[template(path = "continue.html")]
struct Continue {
    frame: Frame,
    t: Texts,
    client: String,
    to: String,
}

/// Leads on to the page of another origin: see [`from_a_form`](super::arrival::from_a_form).
async fn lead_on(visit: Visit, Query(onward): Query<Onward>) -> Result<Response> {
    let arrival = Arrival::read(&visit, onward.return_to.as_deref(), None, None);
    if visit.user.is_none() {
        return Ok(Go::to(arrival.address("/sign-in")).into_response());
    }
    let Some(to) = arrival
        .return_to
        .filter(super::return_to::ReturnTo::is_elsewhere)
    else {
        return Ok(Go::to("/account").into_response());
    };
    let view = Continue {
        frame: visit.frame("dw-auth"),
        t: visit.t.clone(),
        client: to.host().unwrap_or_default().to_owned(),
        to: to.as_str().to_owned(),
    };
    Ok(visit.page(&view)?.into_response())
}

#[derive(Template)]
#[template(path = "help.html")]
struct Help {
    frame: Frame,
    t: Texts,
    support: Option<Support>,
}

/// Who helps, and how they are reached.
struct Support {
    name: String,
    href: String,
}

async fn help(State(doorward): State<Doorward>, visit: Visit) -> Result<impl IntoResponse> {
    let support = doorward.config.pages.support.as_ref().map(|support| {
        let is_page = support.starts_with("https://");
        Support {
            name: support.clone(),
            href: if is_page {
                support.clone()
            } else {
                format!("mailto:{support}")
            },
        }
    });
    visit.page(&Help {
        frame: visit.frame("dw-auth"),
        t: visit.t.clone(),
        support,
    })
}

#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOut {
    frame: Frame,
    t: Texts,
}

async fn ask(visit: Visit) -> Result<Response> {
    if visit.user.is_none() {
        return Ok(Go::to("/sign-in").into_response());
    }
    let view = SignOut {
        frame: visit.frame("dw-auth"),
        t: visit.t.clone(),
    };
    Ok(visit.page(&view)?.into_response())
}

async fn sign_out(
    State(doorward): State<Doorward>,
    visit: Visit,
    Form(Nothing {}): Form<Nothing>,
) -> Result<impl IntoResponse> {
    if let Some(user) = &visit.user {
        sessions::sign_out(&doorward, user, &visit.client).await?;
    }
    signed_out(&visit, "/sign-in")?.saying(&visit, &Flash::new(Key("sign-in-notice-signed-out")))
}

/// The way to a page for someone whose session has ended.
pub(super) fn signed_out(visit: &Visit, to: &str) -> Result<Go> {
    Ok(Go::to(to)
        .cookie(cookies::clear_session(visit.config())?)
        // What the browser has stored of pages that only this person could see.
        .header(
            HeaderName::from_static("clear-site-data"),
            HeaderValue::from_static("\"cache\""),
        ))
}
