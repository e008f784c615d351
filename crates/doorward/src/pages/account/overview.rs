//! `/account`: what there is, at a glance.

use askama::Template;
use axum::{Router, extract::State, routing::get};

use super::{Header, event::Entry};
use crate::{
    Doorward,
    error::Result,
    http::extract::CurrentUser,
    pages::{
        layout::Frame,
        moment::{Form, Moment},
        page::Page,
        texts::Texts,
        visit::Visit,
    },
    passkeys, sessions, users,
};

/// How many events the overview shows.
const RECENT: usize = 5;

pub(super) fn routes() -> Router<Doorward> {
    Router::new().route("/account", get(show))
}

#[derive(Template)]
#[template(path = "account/overview.html")]
struct Overview {
    frame: Frame,
    t: Texts,
    header: Header,
    status: Option<String>,
    passkeys: usize,
    /// When a passkey was used last.
    used: Option<Moment>,
    devices: usize,
    name: String,
    /// What happened last.
    recent: Vec<Entry>,
}

async fn show(State(doorward): State<Doorward>, visit: Visit, user: CurrentUser) -> Result<Page> {
    let id = &user.user().id;
    let passkeys = passkeys::of_user(&doorward, id).await?;
    let sessions = sessions::of_user(&doorward, id).await?;
    let events = users::events(&doorward, id, None).await?.items;
    let last_use = passkeys.iter().filter_map(|each| each.last_used_at).max();
    visit.page(&Overview {
        frame: visit.frame("dw-account"),
        header: Header::of(&visit, &user),
        t: visit.t.clone(),
        status: visit.notice(),
        passkeys: passkeys.len(),
        used: last_use.map(|at| Moment::new(at, Form::Relative)),
        devices: sessions.len(),
        name: user.user().display_name(),
        recent: events
            .iter()
            .take(RECENT)
            .map(|event| Entry::of(&visit.t, event, &user))
            .collect(),
    })
}
