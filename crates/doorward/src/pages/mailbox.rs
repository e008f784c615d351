//! The development mailbox: what would have been mailed.

use axum::{
    Extension, Json, Router,
    extract::State,
    response::{Html, IntoResponse},
    routing::get,
};
use serde::{Deserialize, Serialize};

use crate::{
    Doorward,
    error::Result,
    http::extract::Query,
    mail::{Mailbox, Message},
    time::Timestamp,
};

pub(super) fn routes(mailbox: Mailbox) -> Router<Doorward> {
    Router::new()
        .route("/dev/mailbox", get(page))
        .route("/dev/mailbox.json", get(json))
        .layer(Extension(mailbox))
}

#[derive(Deserialize)]
struct Filter {
    /// Only mail to this address.
    #[serde(default)]
    to: Option<String>,
}

#[derive(Serialize)]
struct Mail {
    id: String,
    to: String,
    subject: String,
    text: String,
    html: String,
    at: Timestamp,
}

impl From<Message> for Mail {
    fn from(message: Message) -> Self {
        let Message {
            id,
            to,
            subject,
            text,
            html,
            at,
        } = message;
        Self {
            id,
            to: to.as_str().to_owned(),
            subject,
            text,
            html,
            at,
        }
    }
}

/// Newest first. What is on its way is waited for, so that a script may ask at once.
async fn json(
    State(doorward): State<Doorward>,
    Extension(mailbox): Extension<Mailbox>,
    Query(filter): Query<Filter>,
) -> Result<impl IntoResponse> {
    doorward.deliver_mail().await?;
    let messages = filter
        .to
        .as_deref()
        .map_or_else(|| mailbox.messages(), |to| mailbox.to(to));
    Ok(Json(
        messages.into_iter().map(Mail::from).collect::<Vec<_>>(),
    ))
}

async fn page(
    State(doorward): State<Doorward>,
    Extension(mailbox): Extension<Mailbox>,
) -> Result<impl IntoResponse> {
    doorward.deliver_mail().await?;
    let mail: Vec<String> = mailbox
        .messages()
        .iter()
        .map(|message| {
            let (to, subject, text) = (
                escape(message.to.as_str()),
                escape(&message.subject),
                escape(&message.text),
            );
            format!(
                "<article><h2>{subject}</h2><p>To {to}, {at}</p><pre>{text}</pre></article>",
                at = message.at
            )
        })
        .collect();
    let mail = if mail.is_empty() {
        "<p>No mail yet.</p>".to_owned()
    } else {
        mail.concat()
    };
    Ok(Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Mailbox</title><h1>Development mailbox</h1><p>Nothing is being delivered.</p>{mail}</html>"
    )))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
