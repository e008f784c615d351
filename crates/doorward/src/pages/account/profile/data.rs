//! `/account/profile/data`: what there is about someone, for them to keep.

use axum::{Router, extract::State, response::IntoResponse, routing::get};
use http::header;
use serde::Serialize;

use crate::{
    Doorward,
    audit::Recorded,
    error::{Error, Result},
    http::extract::CurrentUser,
    ids::UserId,
    passkeys::{self, http::PasskeyAnswer},
    sessions::{self, http::SessionAnswer},
    users::{self, Page, User},
};

/// The most pages of the log in one file, 10,000 events: the file is made in memory.
const PAGES: usize = 200;

pub(super) fn routes() -> Router<Doorward> {
    Router::new().route("/account/profile/data", get(download))
}

/// What the API answers about the caller, in one file.
#[derive(Serialize)]
struct Data<'a> {
    profile: &'a User,
    passkeys: Vec<PasskeyAnswer>,
    sessions: Vec<SessionAnswer>,
    /// Where there is a `next`, the API goes on from there.
    events: Page<Recorded>,
}

async fn download(
    State(doorward): State<Doorward>,
    user: CurrentUser,
) -> Result<impl IntoResponse> {
    let id = &user.user().id;
    let data = Data {
        profile: user.user(),
        passkeys: passkeys::http::of_user(&doorward, id).await?,
        sessions: sessions::http::of_caller(&doorward, &user).await?,
        events: events(&doorward, id).await?,
    };
    let json = serde_json::to_vec_pretty(&data).map_err(|error| Error::Internal(error.into()))?;
    Ok((
        [
            (header::CONTENT_TYPE, "application/json"),
            (
                header::CONTENT_DISPOSITION,
                "attachment; filename=\"doorward-data.json\"",
            ),
        ],
        json,
    ))
}

async fn events(doorward: &Doorward, user: &UserId) -> Result<Page<Recorded>> {
    let mut all = users::events(doorward, user, None).await?;
    for _ in 1..PAGES {
        let Some(cursor) = &all.next else { break };
        let more = users::events(doorward, user, Some(cursor)).await?;
        all.items.extend(more.items);
        all.next = more.next;
    }
    Ok(all)
}
