//! What the caller may do, in HTTP.

use axum::response::IntoResponse;
use utoipa_axum::routes;

use super::Access;
use crate::http::{Operations, extract::CurrentUser, openapi::Declined};

pub(crate) fn routes<T: Operations>(all: T) -> T {
    all.with(routes!(permissions))
}

/// What the caller may do: permissions and roles, sorted.
#[utoipa::path(
    get,
    path = "/auth/sessions/current/permissions",
    tag = "Auth",
    operation_id = "currentPermissions",
    security(("session" = []), ("token" = [])),
    responses((status = 200, description = "What the caller may do.", body = Access), Declined)
)]
async fn permissions(caller: CurrentUser) -> impl IntoResponse {
    axum::Json(caller.access().clone())
}
