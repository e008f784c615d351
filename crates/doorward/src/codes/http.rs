//! `POST /auth/verify`.

use axum::{
    Json as JsonAnswer,
    extract::State,
    response::{AppendHeaders, IntoResponse},
};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{Binding, Flow};
use crate::{
    Doorward,
    error::Result,
    http::{Client, Operations, cookies, extract::Json, openapi::Declined},
    mail::Address,
    time::Timestamp,
};

pub(crate) fn routes<T: Operations>(all: T) -> T {
    all.with(routes!(verify))
}

/// An address to verify.
#[derive(Debug, Deserialize, ToSchema)]
struct VerifyForm {
    /// The address that the code is mailed to.
    #[schema(value_type = String, format = Email, example = "user@example.com")]
    email: Address,
    /// Whether the code is to work only together with the `flow` of the answer. A page of Doorward's own origin
    /// gets a cookie for that and need not ask; native clients should.
    #[serde(default)]
    bind: bool,
    /// The `flow` of an earlier answer, to have the same code mailed again.
    #[serde(default)]
    flow: Option<String>,
}

/// A code is on its way; the same for every address.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Verifying {
    /// When the code stops working.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Seconds after which another code may be asked for.
    resend_after: i64,
    /// Names this sign-in; to be sent back with the code by a caller that asked to `bind` it.
    flow: String,
}

/// Verify an email address by requesting a one-time password.
#[utoipa::path(
    post,
    path = "/auth/verify",
    tag = "Auth",
    operation_id = "verify",
    request_body = VerifyForm,
    responses((status = 201, description = "A code is on its way, if the address may sign in.", body = Verifying), Declined)
)]
async fn verify(
    State(doorward): State<Doorward>,
    client: Client,
    Json(form): Json<VerifyForm>,
) -> Result<impl IntoResponse> {
    let flow = || {
        form.flow
            .as_deref()
            .and_then(|text| Flow::parse(&doorward.keys.flows, text))
    };
    let binding = if client.is_same_origin() {
        Binding::Flow(
            client
                .flow()
                .cloned()
                .unwrap_or_else(|| Flow::new(&doorward.entropy)),
        )
    } else if form.bind {
        Binding::Flow(flow().unwrap_or_else(|| Flow::new(&doorward.entropy)))
    } else {
        Binding::None
    };
    let requested = super::request(&doorward, &form.email, binding, &client).await?;
    let flow = requested.flow.text(&doorward.keys.flows);
    let cookie = client
        .is_same_origin()
        .then(|| cookies::flow(&doorward.config, &flow))
        .transpose()?;
    let answer = Verifying {
        expires_at: requested.issued.expires_at,
        resend_after: doorward.config.limits.address_interval.as_seconds_ceil(),
        flow,
    };
    Ok((
        StatusCode::CREATED,
        AppendHeaders(cookie.map(|cookie| (header::SET_COOKIE, cookie))),
        JsonAnswer(answer),
    ))
}
