//! One's own account in HTTP.

use axum::{extract::State, response::IntoResponse};
use http::{StatusCode, header};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Page, ProfileChange, User};
use crate::{
    Doorward,
    audit::Recorded,
    error::Result,
    http::{
        BothSlashes, Client, cookies,
        extract::{CurrentUser, Fresh, Json, Query},
        openapi::Declined,
    },
};

pub(crate) fn routes() -> OpenApiRouter<Doorward> {
    OpenApiRouter::new().both_slashes(routes!(show, update, erase)).both_slashes(routes!(events))
}

/// The caller's profile.
#[utoipa::path(
    get,
    path = "/auth/me",
    tag = "Account",
    operation_id = "me",
    responses((status = 200, description = "The profile.", body = User), Declined)
)]
async fn show(caller: CurrentUser) -> impl IntoResponse {
    axum::Json(caller.user().clone())
}

/// Changes the caller's profile. A member that is absent stays as it is; `null` clears it.
#[utoipa::path(
    patch,
    path = "/auth/me",
    tag = "Account",
    operation_id = "updateMe",
    request_body = ProfileChange,
    responses((status = 200, description = "The profile as it is now.", body = User), Declined)
)]
async fn update(
    State(doorward): State<Doorward>,
    caller: CurrentUser,
    client: Client,
    Json(change): Json<ProfileChange>,
) -> Result<impl IntoResponse> {
    let user = caller.user().id;
    super::update_profile(&doorward, &user, &change, Some(user), &client).await.map(axum::Json)
}

/// Erases the caller's account, with its passkeys and sessions. Needs a recent sign-in.
#[utoipa::path(
    delete,
    path = "/auth/me",
    tag = "Account",
    operation_id = "deleteMe",
    responses((status = 204, description = "The account is gone, and the session cookie with it."), Declined)
)]
async fn erase(State(doorward): State<Doorward>, caller: Fresh, client: Client) -> Result<impl IntoResponse> {
    let user = caller.user().id;
    super::erase(&doorward, &user, Some(user), &client).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookies::clear_session(&doorward.config)?)]))
}

/// Where a page begins.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct From {
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// What happened to the caller's account, newest first.
#[utoipa::path(
    get,
    path = "/auth/me/events",
    tag = "Account",
    operation_id = "myEvents",
    params(From),
    responses((status = 200, description = "A page of 50.", body = Page<Recorded>), Declined)
)]
async fn events(
    State(doorward): State<Doorward>,
    caller: CurrentUser,
    Query(from): Query<From>,
) -> Result<impl IntoResponse> {
    super::events(&doorward, &caller.user().id, from.cursor.as_deref()).await.map(axum::Json)
}
