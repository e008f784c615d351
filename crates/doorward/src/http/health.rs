//! Whether Doorward lives, and whether it can serve.

use axum::{Json, extract::State, response::IntoResponse};
use serde_json::json;

use crate::{Doorward, error::Result, meta, sessions};

/// Alive: the process answers.
pub(super) async fn live() -> impl IntoResponse {
    Json(json!({ "status": "ok" }))
}

/// Ready: the database answers, and sessions are not declined for want of its word. Also tells what is promised of sessions that
/// end, as the database was seen within the last minute.
pub(super) async fn ready(State(doorward): State<Doorward>) -> Result<impl IntoResponse> {
    meta::restore_epoch(&doorward.db).await?;
    sessions::can_check(&doorward).await?;
    let (database, revocation) = match &doorward.follower {
        // Its own memory forgets before the end of a session is acknowledged.
        None => ("sqlite", "strict"),
        Some(follower) => ("postgresql", follower.guarantee().name()),
    };
    Ok(Json(
        json!({ "status": "ok", "database": database, "revocation": revocation }),
    ))
}
