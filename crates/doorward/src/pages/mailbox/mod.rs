//! `/dev/mailbox`: what would have been mailed, for whoever develops with Doorward, and for their tests.

mod json;

use std::convert::Infallible;

use askama::Template;
use axum::{
    Extension, Router,
    extract::State,
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use futures_util::stream;
use http::header;
use serde::Deserialize;

use super::{
    flash::Flash,
    form::Form,
    layout::Frame,
    moment::{self, Moment},
    page::{Go, Page},
    texts::{Key, Texts},
    visit::Visit,
};
use crate::{
    Doorward,
    config::Config,
    error::{Cause, Error, Result},
    http::extract::{Path, Query},
    mail::{self, Mailbox, Message, Sender},
};

/// What a mail may do that is shown in a frame: nothing but look as it was written.
const MAIL_POLICY: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'";

pub(super) fn routes(mailbox: Mailbox) -> Router<Doorward> {
    Router::new()
        .route("/dev/mailbox", get(list).post(clear))
        .route("/dev/mailbox/events", get(events))
        .route("/dev/mailbox/{id}", get(show))
        .route("/dev/mailbox/{id}/html", get(html))
        .route("/dev/mailbox.json", get(json::list))
        .layer(Extension(mailbox))
}

#[derive(Template)]
#[template(path = "mailbox/list.html")]
struct List {
    frame: Frame,
    t: Texts,
    status: Option<String>,
    mail: Vec<Line>,
    /// What the stream of events is told that this page has seen.
    seen: u64,
}

/// A message in the list.
struct Line {
    id: String,
    to: String,
    subject: String,
    code: Option<String>,
    at: Moment,
}

/// What is on its way is waited for, so that whoever has just asked for a code finds it.
async fn list(
    State(doorward): State<Doorward>,
    Extension(mailbox): Extension<Mailbox>,
    visit: Visit,
) -> Result<Page> {
    doorward.deliver_mail().await?;
    // Before the messages: what comes between the two is told of once more, and not missed.
    let seen = *mailbox.changes().borrow();
    let line = |message: Message| Line {
        code: message.code().map(str::to_owned),
        at: Moment::new(message.at, moment::Form::Full),
        id: message.id,
        to: message.to.to_string(),
        subject: message.subject,
    };
    visit.page(&List {
        frame: visit.frame("dw-account"),
        t: visit.t.clone(),
        status: visit.notice(),
        mail: mailbox.messages().into_iter().map(line).collect(),
        seen,
    })
}

/// A form that has nothing in it but its button.
#[derive(Deserialize)]
struct Nothing {}

async fn clear(
    Extension(mailbox): Extension<Mailbox>,
    visit: Visit,
    Form(Nothing {}): Form<Nothing>,
) -> Result<impl IntoResponse> {
    mailbox.clear();
    Go::to("/dev/mailbox").saying(&visit, &Flash::new(Key("mailbox-cleared")))
}

/// What a page has seen already.
#[derive(Deserialize)]
struct Seen {
    #[serde(default)]
    seen: u64,
}

/// Tells of every change, at once of those that the page missed while it was loading. Ends with the server.
async fn events(
    Extension(mailbox): Extension<Mailbox>,
    Query(Seen { seen }): Query<Seen>,
) -> impl IntoResponse {
    let told = stream::unfold(
        (mailbox.changes(), seen),
        |(mut changes, seen)| async move {
            let count = *changes.wait_for(|count| *count != seen).await.ok()?;
            let event = Event::default().data(count.to_string());
            Some((Ok::<_, Infallible>(event), (changes, count)))
        },
    );
    let stream = Sse::new(told).keep_alive(KeepAlive::default());
    ([(header::CACHE_CONTROL, "no-store")], stream)
}

#[derive(Template)]
#[template(path = "mailbox/message.html")]
struct Shown {
    frame: Frame,
    t: Texts,
    message: Message,
    at: Moment,
    headers: String,
    raw: String,
}

async fn show(
    State(doorward): State<Doorward>,
    Extension(mailbox): Extension<Mailbox>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Page> {
    let message = mailbox.find(&id).ok_or(Error::NotFound)?;
    let raw = raw(&doorward.config, &message).map_err(Error::Internal)?;
    let page = visit.page(&Shown {
        frame: visit.frame("dw-account"),
        t: visit.t.clone(),
        at: Moment::new(message.at, moment::Form::Full),
        headers: raw.split("\r\n\r\n").next().unwrap_or_default().to_owned(),
        raw,
        message,
    })?;
    Ok(page.with_frame())
}

/// The message as it would have gone over the wire.
fn raw(config: &Config, message: &Message) -> Result<String, Cause> {
    // A server on localhost has no address of its own to send from.
    let sender = Sender::of(config).or_else(|_| Sender::parse("no-reply@localhost.invalid"))?;
    Ok(mail::raw(&sender, message)?)
}

/// The HTML of a mail, by itself: whatever is in it, no script runs and nothing is loaded.
async fn html(
    Extension(mailbox): Extension<Mailbox>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse> {
    let message = mailbox.find(&id).ok_or(Error::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, MAIL_POLICY),
    ];
    Ok((headers, message.html))
}
