//! One's own account in HTTP.

use axum::{extract::State, response::IntoResponse};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{Page, ProfileChange, User, email};
use crate::{
    Doorward,
    audit::Recorded,
    error::Result,
    http::{
        Client, Operations, cookies,
        extract::{CurrentUser, Fresh, Json, Query},
        openapi::Declined,
    },
    mail::Address,
    time::Timestamp,
};

pub(crate) fn routes<T: Operations>(all: T) -> T {
    all.with(routes!(show, update, erase))
        .with(routes!(change_email))
        .with(routes!(confirm_email))
        .with(routes!(events))
}

/// The caller's profile.
#[utoipa::path(
    get,
    path = "/auth/me",
    tag = "Account",
    operation_id = "me",
    security(("session" = []), ("token" = [])),
    responses((status = 200, description = "The profile.", body = User), Declined)
)]
async fn show(caller: CurrentUser) -> impl IntoResponse {
    axum::Json(caller.user().clone())
}

/// A new address.
#[derive(Debug, Deserialize, ToSchema)]
struct ChangeEmailForm {
    /// Where a code is mailed to.
    #[schema(value_type = String, format = Email, example = "user@example.com")]
    email: Address,
}

/// A code is on its way to the new address; the same whether or not it is taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChangingEmail {
    /// When the code stops working.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Seconds after which another code may be asked for.
    resend_after: i64,
}

/// Has a code mailed to a new address. Needs a recent sign-in.
#[utoipa::path(
    post,
    path = "/auth/me/email",
    tag = "Account",
    operation_id = "changeEmail",
    security(("session" = []), ("token" = [])),
    request_body = ChangeEmailForm,
    responses((status = 201, description = "A code is on its way.", body = ChangingEmail), Declined)
)]
async fn change_email(
    State(doorward): State<Doorward>,
    Fresh(caller): Fresh,
    client: Client,
    Json(form): Json<ChangeEmailForm>,
) -> Result<impl IntoResponse> {
    let issued = email::request(&doorward, &caller, &form.email, &client).await?;
    let resend_after = doorward.config.limits.address_interval.as_seconds_ceil();
    Ok((
        StatusCode::CREATED,
        axum::Json(ChangingEmail {
            expires_at: issued.expires_at,
            resend_after,
        }),
    ))
}

/// Proof of a new address.
#[derive(Debug, Deserialize, ToSchema)]
struct ConfirmEmailForm {
    /// The new address.
    #[schema(value_type = String, format = Email, example = "user@example.com")]
    email: Address,
    /// The code that was mailed there.
    token: String,
}

/// Changes the caller's address to the one that the code proves. Ends the caller's other sessions.
#[utoipa::path(
    post,
    path = "/auth/me/email/confirm",
    tag = "Account",
    operation_id = "confirmEmail",
    security(("session" = []), ("token" = [])),
    request_body = ConfirmEmailForm,
    responses((status = 200, description = "The profile with its new address.", body = User), Declined)
)]
async fn confirm_email(
    State(doorward): State<Doorward>,
    Fresh(caller): Fresh,
    client: Client,
    Json(form): Json<ConfirmEmailForm>,
) -> Result<impl IntoResponse> {
    email::confirm(&doorward, &caller, &form.email, &form.token, &client)
        .await
        .map(axum::Json)
}

/// Changes the caller's profile. A member that is absent stays as it is; `null` clears it.
#[utoipa::path(
    patch,
    path = "/auth/me",
    tag = "Account",
    operation_id = "updateMe",
    security(("session" = []), ("token" = [])),
    request_body = ProfileChange,
    responses((status = 200, description = "The profile as it is now.", body = User), Declined)
)]
async fn update(
    State(doorward): State<Doorward>,
    caller: CurrentUser,
    client: Client,
    Json(change): Json<ProfileChange>,
) -> Result<impl IntoResponse> {
    super::update_own_profile(&doorward, &caller, &change, &client)
        .await
        .map(axum::Json)
}

/// Erases the caller's account, with its passkeys and sessions. Needs a recent sign-in.
#[utoipa::path(
    delete,
    path = "/auth/me",
    tag = "Account",
    operation_id = "deleteMe",
    security(("session" = []), ("token" = [])),
    responses((status = 204, description = "The account is gone, and the session cookie with it."), Declined)
)]
async fn erase(
    State(doorward): State<Doorward>,
    caller: Fresh,
    client: Client,
) -> Result<impl IntoResponse> {
    super::erase_own(&doorward, &caller, &client).await?;
    Ok((
        StatusCode::NO_CONTENT,
        [(
            header::SET_COOKIE,
            cookies::clear_session(&doorward.config)?,
        )],
    ))
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
    security(("session" = []), ("token" = [])),
    params(From),
    responses((status = 200, description = "A page of 50.", body = Page<Recorded>), Declined)
)]
async fn events(
    State(doorward): State<Doorward>,
    caller: CurrentUser,
    Query(from): Query<From>,
) -> Result<impl IntoResponse> {
    super::events(&doorward, &caller.user().id, from.cursor.as_deref())
        .await
        .map(axum::Json)
}
