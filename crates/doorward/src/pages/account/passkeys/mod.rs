//! `/account/passkeys` and what is below it: the caller's passkeys, and making, naming and removing one.

mod card;
mod create;
mod held;
mod remove;
mod rename;

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;

use self::{
    card::{Card, Kind},
    held::Held,
    remove::Removal,
};
use super::Header;
use crate::{
    Doorward,
    error::{Error, Result},
    http::extract::{CurrentUser, Query},
    pages::{
        alert::Alert,
        cookies::Kept,
        form::Form,
        layout::Frame,
        page::{Go, Page},
        texts::Texts,
        visit::Visit,
    },
    passkeys, sessions,
    time::Span,
};

/// Where the list is.
const LIST: &str = "/account/passkeys";

/// How long whoever made a passkey is told so, should they load the page again.
const NEW: Span = Span::minutes(10);

/// How long a browser remembers that a banner was dismissed.
const A_YEAR: Span = Span::days(365);

pub(super) fn routes() -> Router<Doorward> {
    Router::new()
        .route("/account/passkeys", get(show).post(dismiss))
        .merge(create::routes())
        .merge(rename::routes())
        .merge(remove::routes())
}

/// What the list may be asked with.
#[derive(Deserialize)]
struct Asked {
    /// The passkey that was just made; the script leads here with it.
    #[serde(default)]
    created: Option<String>,
}

#[derive(Template)]
#[template(path = "account/passkeys.html")]
struct List {
    frame: Frame,
    t: Texts,
    header: Header,
    /// Rename and removal fill it by script.
    alert: Option<Alert>,
    status: Option<String>,
    banner: Option<Banner>,
    cards: Vec<Card>,
    /// What the badges mean that there are.
    legend: Vec<Kind>,
    /// The dialogs, for whoever may remove a passkey without proving first who they are.
    removals: Vec<Removal>,
    /// For password managers: which passkeys there are.
    signals: String,
}

/// What to consider about the passkeys as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Banner {
    OnlyOne,
    AllOnSingleDevices,
}

async fn show(
    State(doorward): State<Doorward>,
    visit: Visit,
    user: CurrentUser,
    Query(asked): Query<Asked>,
) -> Result<Page> {
    let held = Held::of(&doorward, &user).await?;
    let created = asked.created.as_deref();
    let cards: Vec<Card> = held
        .passkeys
        .iter()
        .map(|passkey| Card::of(&visit, &user, &held, passkey))
        .map(|card| Card {
            is_new: created == Some(&card.id) && visit.doorward.clock.now() < card.created_at + NEW,
            ..card
        })
        .collect();
    let made = cards.iter().find(|card| card.is_new);
    let now = doorward.clock.now();
    let removals = match sessions::require_fresh(&doorward, &user, now).await {
        Ok(()) => held.removals(&visit, &user).collect(),
        // The link leads to the page, and the page to where they prove it.
        Err(Error::ReauthRequired { .. }) => Vec::new(),
        Err(error) => return Err(error),
    };
    let signals = passkeys::signals(&doorward, &user.user().id).await?;
    visit.page(&List {
        frame: visit.frame("dw-account"),
        header: Header::of(&visit, &user),
        t: visit.t.clone(),
        alert: None,
        status: made
            .map(|card| card.made(&visit))
            .or_else(|| visit.notice()),
        banner: banner(&visit, &held),
        legend: Kind::ALL
            .into_iter()
            .filter(|kind| cards.iter().any(|card| card.kind == *kind))
            .collect(),
        cards,
        removals,
        signals: signals.text()?,
    })
}

fn banner(visit: &Visit, held: &Held) -> Option<Banner> {
    match held.passkeys.len() {
        0 => None,
        1 => visit
            .kept(Kept::OnePasskey)
            .is_none()
            .then_some(Banner::OnlyOne),
        _ => held.is_bound(None).then_some(Banner::AllOnSingleDevices),
    }
}

#[derive(Deserialize)]
struct Nothing {}

/// Dismisses the banner about the only passkey, in this browser.
async fn dismiss(
    visit: Visit,
    _user: CurrentUser,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response> {
    let known = Kept::OnePasskey.set(visit.config(), "known", A_YEAR)?;
    Ok(Go::to(LIST).cookie(known).into_response())
}
