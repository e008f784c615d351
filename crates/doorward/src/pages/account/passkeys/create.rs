//! `/account/passkeys/new`: making a passkey, which is the script's work.

use askama::Template;
use axum::{Router, extract::State, routing::get};
use serde::Deserialize;

use super::{Header, LIST};
use crate::{
    Doorward,
    error::Result,
    http::extract::{Fresh, Query},
    pages::{alert::Alert, layout::Frame, page::Page, texts::Texts, visit::Visit},
    passkeys,
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new().route("/account/passkeys/new", get(show))
}

#[derive(Deserialize)]
struct Asked {
    /// `security-key`, or whatever the browser offers.
    #[serde(default)]
    kind: Option<String>,
}

#[derive(Template)]
#[template(path = "account/passkey_new.html")]
struct New {
    frame: Frame,
    t: Texts,
    header: Header,
    /// The script fills it.
    alert: Option<Alert>,
    on_security_key: bool,
    /// The options, for the script.
    webauthn: String,
    next: &'static str,
}

async fn show(
    State(doorward): State<Doorward>,
    visit: Visit,
    Fresh(user): Fresh,
    Query(asked): Query<Asked>,
) -> Result<Page> {
    let webauthn = serde_json::json!({
        "create": passkeys::registration_options(&doorward, &user).await?,
        "rpId": doorward.config.rp_id(),
    });
    visit.page(&New {
        frame: visit.frame("dw-account"),
        header: Header::of(&visit, &user),
        t: visit.t.clone(),
        alert: None,
        on_security_key: matches!(asked.kind.as_deref(), Some("security-key")),
        webauthn: webauthn.to_string(),
        next: LIST,
    })
}
