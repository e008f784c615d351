//! `/account/activity`: what happened to the account, and what to do about what its owner did not do.

use askama::Template;
use axum::{Router, extract::State, routing::get};
use serde::Deserialize;

use super::{Header, event::Entry};
use crate::{
    Doorward,
    error::Result,
    http::extract::{CurrentUser, Query},
    pages::{layout::Frame, page::Page, texts::Texts, visit::Visit},
    users,
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new()
        .route("/account/activity", get(show))
        .route("/account/activity/not-me", get(not_me))
}

/// Where a page of the list begins.
#[derive(Deserialize)]
struct From {
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "account/activity.html")]
struct Activity {
    frame: Frame,
    t: Texts,
    header: Header,
    entries: Vec<Entry>,
    is_first: bool,
    /// The cursor of the page after this one.
    older: Option<String>,
}

async fn show(
    State(doorward): State<Doorward>,
    visit: Visit,
    user: CurrentUser,
    Query(from): Query<From>,
) -> Result<Page> {
    let events = users::events(&doorward, &user.user().id, from.cursor.as_deref()).await?;
    visit.page(&Activity {
        frame: visit.frame("dw-account"),
        header: Header::of(&visit, &user),
        t: visit.t.clone(),
        entries: events
            .items
            .iter()
            .map(|event| Entry::of(&visit.t, event, &user))
            .collect(),
        is_first: from.cursor.is_none(),
        older: events.next,
    })
}

/// What to do after a sign-in that was somebody else's.
#[derive(Template)]
#[template(path = "account/not_me.html")]
struct NotMe {
    frame: Frame,
    t: Texts,
    header: Header,
}

async fn not_me(visit: Visit, user: CurrentUser) -> Result<Page> {
    visit.page(&NotMe {
        frame: visit.frame("dw-account"),
        header: Header::of(&visit, &user),
        t: visit.t.clone(),
    })
}
