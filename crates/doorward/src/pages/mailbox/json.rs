//! `/dev/mailbox.json`: the same mail, for tests and for the shell.

use axum::{Extension, Json, extract::State, response::IntoResponse};
use serde::{Deserialize, Serialize};

use crate::{
    Doorward,
    error::Result,
    http::extract::Query,
    mail::{Mailbox, Message},
    time::Timestamp,
};

/// Which mail to list.
#[derive(Deserialize)]
pub(super) struct Filter {
    /// Only mail to this address.
    #[serde(default)]
    to: Option<String>,
    /// Only mail that came after this message, by its id.
    #[serde(default)]
    after: Option<String>,
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
pub(super) async fn list(
    State(doorward): State<Doorward>,
    Extension(mailbox): Extension<Mailbox>,
    Query(Filter { to, after }): Query<Filter>,
) -> Result<impl IntoResponse> {
    doorward.deliver_mail().await?;
    let messages = to
        .as_deref()
        .map_or_else(|| mailbox.messages(), |to| mailbox.to(to));
    let newer = messages
        .into_iter()
        .take_while(|message| after.as_ref() != Some(&message.id));
    Ok(Json(newer.map(Mail::from).collect::<Vec<_>>()))
}
