//! What browsers and password managers look for at fixed places.

use axum::{Json, Router, extract::State, response::IntoResponse, routing::get};
use serde_json::json;

use crate::{
    Doorward,
    error::{Error, Result},
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new()
        .route("/.well-known/passkey-endpoints", get(passkey_endpoints))
        .route("/.well-known/webauthn", get(webauthn))
}

/// Where passkeys are created and managed (W3C, "A Well-Known URL for Relying Party Passkey Endpoints").
async fn passkey_endpoints(State(doorward): State<Doorward>) -> impl IntoResponse {
    let base = &doorward.config.public_url;
    Json(json!({
        "enroll": format!("{base}/account/passkeys/new"),
        "manage": format!("{base}/account/passkeys"),
    }))
}

/// Which other origins may use the passkeys of this relying party (WebAuthn §5.11), if any may.
async fn webauthn(State(doorward): State<Doorward>) -> Result<impl IntoResponse> {
    if doorward.config.origins.is_empty() {
        return Err(Error::NotFound);
    }
    let origins: Vec<&str> = doorward.config.all_origins().collect();
    Ok(Json(json!({ "origins": origins })))
}
