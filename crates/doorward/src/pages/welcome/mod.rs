//! `/welcome/passkey`: the offer of a passkey after a sign-in. Whether it is made is decided in
//! [`arrival`](super::arrival), how often in [`offer`].

mod created;

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;

use super::{
    alert::Alert,
    arrival::{Arrival, from_a_form},
    form::Form,
    layout::Frame,
    memory::Memory,
    page::Page,
    texts::{Key, Texts},
    visit::Visit,
};
use crate::{
    Doorward,
    error::{Error, Result},
    http::extract::{CurrentUser, Fresh, Query},
    metrics::Offered,
    passkeys::{
        self,
        offer::{self, Offer},
    },
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new()
        .route("/welcome/passkey", get(show).post(answer))
        .merge(created::routes())
}

/// Where an offer is made.
pub(super) fn address(arrival: &Arrival, offer: Offer) -> String {
    let page = arrival.address("/welcome/passkey");
    let sign = if page.contains('?') { '&' } else { '?' };
    format!("{page}{sign}offer={}", offer.name())
}

#[derive(Template)]
#[template(path = "welcome/passkey.html")]
struct Welcome {
    frame: Frame,
    t: Texts,
    alert: Option<Alert>,
    heading: String,
    text: String,
    /// The options of the ceremony, for the script.
    webauthn: String,
    /// Whether only this very device will do.
    this_device: bool,
    arrival: Arrival,
    /// Where the script leads when there is a passkey.
    next: String,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    offer: Option<String>,
    #[serde(default)]
    return_to: Option<String>,
}

async fn show(
    State(doorward): State<Doorward>,
    visit: Visit,
    Fresh(user): Fresh,
    Query(asked): Query<Asked>,
) -> Result<Page> {
    let arrival = Arrival::read(&visit, asked.return_to.as_deref(), None, None);
    let offer = asked.offer.as_deref().and_then(Offer::named);
    let offer = offer.unwrap_or(Offer::First);
    let (heading, text) = match offer {
        Offer::First => (Key("welcome-first-title"), Key("welcome-first-text")),
        Offer::OtherDevice => (Key("welcome-device-title"), Key("welcome-device-text")),
        Offer::StillCodes => (Key("welcome-codes-title"), Key("welcome-codes-text")),
    };
    let webauthn = serde_json::json!({
        "create": passkeys::registration_options(&doorward, &user).await?,
        "rpId": doorward.config.rp_id(),
    });
    doorward.metrics.offered_passkey(Offered::Shown);
    visit.page(&Welcome {
        frame: visit.frame("dw-auth"),
        t: visit.t.clone(),
        alert: None,
        heading: visit.say(heading),
        text: visit.say(text),
        webauthn: webauthn.to_string(),
        this_device: offer.is_for_this_device(),
        next: arrival.address("/welcome/passkey/created"),
        arrival,
    })
}

/// What comes of an offer without a passkey.
#[derive(Deserialize)]
struct AnswerForm {
    /// `later`, `never`, or `exists` where the device has one already.
    answer: String,
    #[serde(default)]
    return_to: Option<String>,
    /// The code of what went wrong before, if anything, as the script noted it.
    #[serde(default)]
    failed: String,
}

async fn answer(
    State(doorward): State<Doorward>,
    visit: Visit,
    user: CurrentUser,
    Form(form): Form<AnswerForm>,
) -> Result<Response> {
    let (id, now) = (user.user().id, doorward.clock.now());
    let arrival = Arrival::read(&visit, form.return_to.as_deref(), None, None);
    let mut memory = Memory::of(&visit);
    let here = memory.of_account(&id);
    match form.answer.as_str() {
        // Pressed twice it is still one refusal.
        "later" if here.is_snoozed(now) => {}
        "later" => {
            here.snooze(now);
            offer::refuse(&doorward, &id).await?;
        }
        "never" => offer::stop(&doorward, &id).await?,
        "exists" => here.has_passkey = true,
        _ => return Err(Error::Malformed("this is no answer to the offer".into())),
    }
    if !form.failed.is_empty() {
        let known = FAILURES.into_iter().find(|known| form.failed == *known);
        let failed = Offered::Failed(known.unwrap_or("other"));
        doorward.metrics.offered_passkey(failed);
    }
    if form.answer != "exists" {
        doorward.metrics.offered_passkey(Offered::Dismissed);
    }
    let go = from_a_form(&arrival.destination()).cookie(memory.cookie(&visit)?);
    Ok(go.into_response())
}

/// What may go wrong in the browser. Others could make up anything, and a metric each.
const FAILURES: [&str; 17] = [
    "passkey_cancelled",
    "passkey_timeout",
    "passkey_exists",
    "credential_exists",
    "authenticator_unsuitable",
    "authenticator_failed",
    "limit_reached",
    "rp_mismatch",
    "passkey_busy",
    "client_error",
    "challenge_expired",
    "uv_required",
    "hybrid_prerequisites",
    "passkey_failed",
    "rate_limited",
    "offline",
    "server_error",
];
