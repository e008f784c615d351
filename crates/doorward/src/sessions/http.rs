//! The operations under `/auth/sessions`.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Json as JsonAnswer,
    extract::State,
    response::{AppendHeaders, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_webauthn::AssertionResponse;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{Device, NewSession, Session, SignedIn, UserAgent};
use crate::{
    Doorward,
    codes::{self, Flow},
    config::TokenInBody,
    error::{Error, Result},
    http::{
        Client, Operations, TOLERANT_BASE64URL, cookies,
        extract::{CurrentUser, Json, MaybeUser, Path, Presented},
        openapi::Declined,
    },
    ids::{SessionId, UserId},
    mail::Address,
    passkeys::{self, Signals},
    time::Timestamp,
    users::User,
};

pub(crate) fn routes<T: Operations>(all: T) -> T {
    all.with(routes!(list, create, end_current))
        .with(routes!(current))
        .with(routes!(end_others))
        .with(routes!(end_all))
        .with(routes!(end_one))
}

/// A session as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub(crate) struct SessionAnswer {
    /// Public: it names the session and opens nothing.
    #[schema(value_type = String)]
    id: SessionId,
    #[schema(value_type = String)]
    user_id: UserId,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it ends unless it is used.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Last use, by the minute.
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: Timestamp,
    /// When its owner last proved who they are.
    #[schema(value_type = String, format = DateTime)]
    authenticated_at: Timestamp,
    /// How: `otp` or `passkey`.
    #[schema(example = "passkey")]
    method: &'static str,
    /// With which passkey: its credential id.
    passkey_id: Option<String>,
    #[schema(value_type = Option<String>)]
    user_agent: Option<Arc<UserAgent>>,
    #[schema(value_type = Option<String>)]
    ip: Option<IpAddr>,
    device: Device,
    /// Whether it is the session that asks.
    current: bool,
}

impl SessionAnswer {
    fn of(session: &Session, current: bool) -> Self {
        Self {
            id: session.id,
            user_id: session.user_id,
            created_at: session.created_at,
            expires_at: session.expires_at,
            last_seen_at: session.last_seen_at(),
            authenticated_at: session.authenticated_at,
            method: session.method.name(),
            passkey_id: session
                .passkey
                .as_ref()
                .map(|id| URL_SAFE_NO_PAD.encode(id)),
            user_agent: session.user_agent.clone(),
            ip: session.ip,
            device: session.device(),
            current,
        }
    }

    fn current(signed_in: &SignedIn) -> Self {
        Self::of(signed_in.session(), true)
    }
}

/// Who has signed in, and in which session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub(crate) struct SignedInAnswer {
    /// The bearer token: `dw_` and 70 characters. Left out for a page of the same origin, which has the cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    user: User,
    session: SessionAnswer,
    /// Arguments for the WebAuthn Signal API, after a sign-in with a passkey.
    #[serde(skip_serializing_if = "Option::is_none")]
    signals: Option<Signals>,
}

/// The answer to a sign-in, with the session cookie.
pub(crate) fn created(
    doorward: &Doorward,
    new: NewSession,
    signals: Option<Signals>,
    client: &Client,
) -> Result<Response> {
    let config = &doorward.config;
    let token = new.token.text(&doorward.keys.tokens);
    let in_body = match config.sessions.token_in_body {
        TokenInBody::Auto => !client.is_same_origin(),
        TokenInBody::Always => true,
        TokenInBody::Never => false,
    };
    let cookies = self::cookies(doorward, &new)?;
    let answer = SignedInAnswer {
        token: in_body.then_some(token),
        session: SessionAnswer::of(&new.session, true),
        user: new.user,
        signals,
    };
    let cookies = cookies
        .into_iter()
        .map(|cookie| (header::SET_COOKIE, cookie));
    let cookies = AppendHeaders(cookies);
    Ok((StatusCode::CREATED, cookies, JsonAnswer(answer)).into_response())
}

/// The cookies of a sign-in.
///
/// The flow cookie stays. What other tabs have begun is bound to the same flow, codes and challenges of passkeys, and
/// each of those is spent on its own; the flow itself opens nothing, and is over in minutes.
pub(crate) fn cookies(doorward: &Doorward, new: &NewSession) -> Result<Vec<HeaderValue>> {
    let config = &doorward.config;
    let token = new.token.text(&doorward.keys.tokens);
    let device = codes::device_cookie(&doorward.keys.devices, &doorward.entropy, &new.user.email);
    Ok(vec![
        // The browser keeps the cookie for as long as the session may be renewed; the server decides when it ends.
        cookies::session(config, &token, config.sessions.absolute)?,
        cookies::device(config, &device)?,
    ])
}

/// A proof of who someone is.
#[derive(Debug, Deserialize, ToSchema)]
struct SignInForm {
    /// `otp` or `passkey`.
    #[schema(example = "otp")]
    method: String,
    /// The address; with a passkey it must be the owner's.
    #[schema(value_type = String, format = Email, example = "user@example.com")]
    email: Address,
    /// `otp`: the mailed code. `passkey`: the JSON text of an `AuthenticationResponseJSON`, or base64url of it.
    token: String,
    /// The `flow` of the answer that announced the code, for a caller that asked to bind it.
    #[serde(default)]
    flow: Option<String>,
}

/// Sign in a user. Exchanges a passkey or one-time password for an authentication token.
#[utoipa::path(
    post,
    path = "/auth/sessions/",
    tag = "Auth",
    operation_id = "signIn",
    request_body = SignInForm,
    responses((status = 201, description = "Signed in; the session cookie is set.", body = SignedInAnswer), Declined)
)]
async fn create(
    State(doorward): State<Doorward>,
    Presented(presented): Presented,
    client: Client,
    Json(form): Json<SignInForm>,
) -> Result<Response> {
    let presented = presented.as_deref();
    match form.method.as_str() {
        "otp" => {
            let named = form
                .flow
                .as_deref()
                .and_then(|text| Flow::parse(&doorward.keys.flows, text));
            let flow = named.as_ref().or(client.flow());
            let session = codes::redeem(
                &doorward,
                &form.email,
                &form.token,
                flow,
                presented,
                &client,
            )
            .await?;
            created(&doorward, session, None, &client)
        }
        "passkey" => {
            let response = assertion(&form.token)?;
            let (session, signals) =
                passkeys::sign_in(&doorward, &response, Some(&form.email), presented, &client)
                    .await?;
            created(&doorward, session, Some(signals), &client)
        }
        _ => Err(Error::field("method", "Use `otp` or `passkey`.")),
    }
}

/// Reads the JSON text of an assertion, or base64url of it.
fn assertion(token: &str) -> Result<AssertionResponse> {
    let wrong = || {
        Error::field(
            "token",
            "Use the JSON text of an AuthenticationResponseJSON.",
        )
    };
    let decoded;
    let text = if token.trim_start().starts_with('{') {
        token.as_bytes()
    } else {
        decoded = TOLERANT_BASE64URL
            .decode(token.trim())
            .map_err(|_| wrong())?;
        &decoded
    };
    crate::http::read_json(text).map_err(|_| wrong())
}

/// The caller's sessions, newest first.
#[utoipa::path(
    get,
    path = "/auth/sessions/",
    tag = "Auth",
    operation_id = "sessions",
    security(("session" = []), ("token" = [])),
    responses((status = 200, description = "The sessions; `current` is true on one.", body = [SessionAnswer]), Declined)
)]
async fn list(State(doorward): State<Doorward>, user: CurrentUser) -> Result<impl IntoResponse> {
    Ok(JsonAnswer(of_caller(&doorward, &user).await?))
}

/// The caller's sessions as the API shows them.
pub(crate) async fn of_caller(
    doorward: &Doorward,
    caller: &SignedIn,
) -> Result<Vec<SessionAnswer>> {
    let sessions = super::of_user(doorward, &caller.user().id).await?;
    let own = caller.session().id;
    Ok(sessions
        .iter()
        .map(|session| SessionAnswer::of(session, session.id == own))
        .collect())
}

/// Sign out: ends the current session and clears the cookie, also when there is none.
#[utoipa::path(
    delete,
    path = "/auth/sessions/",
    tag = "Auth",
    operation_id = "signOut",
    responses((status = 204, description = "Signed out."), Declined)
)]
async fn end_current(
    State(doorward): State<Doorward>,
    Presented(presented): Presented,
    client: Client,
) -> Result<impl IntoResponse> {
    if let Some(user) = presented {
        super::sign_out(&doorward, &user, &client).await?;
    }
    signed_out(&doorward)
}

fn signed_out(doorward: &Doorward) -> Result<impl IntoResponse + use<>> {
    let cookie = cookies::clear_session(&doorward.config)?;
    Ok((
        StatusCode::NO_CONTENT,
        AppendHeaders([(header::SET_COOKIE, cookie)]),
    ))
}

/// Who is signed in, if anyone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CurrentSession)]
struct Current<'a> {
    user: &'a User,
    session: SessionAnswer,
}

/// Whether, and who: 204 when nobody is signed in.
#[utoipa::path(
    get,
    path = "/auth/sessions/current",
    tag = "Auth",
    operation_id = "currentSession",
    responses(
        (status = 200, description = "Who is signed in, and in which session.", body = Current),
        (status = 204, description = "No credentials were sent, or the cookie opens nothing any more; it is cleared."),
        Declined
    )
)]
async fn current(State(doorward): State<Doorward>, presented: MaybeUser) -> Result<Response> {
    match presented {
        MaybeUser {
            user: Some(user), ..
        } => {
            let current = Current {
                user: user.user(),
                session: SessionAnswer::current(&user),
            };
            Ok(JsonAnswer(current).into_response())
        }
        MaybeUser {
            stale_cookie: true, ..
        } => Ok(signed_out(&doorward)?.into_response()),
        MaybeUser { .. } => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// End one of the caller's sessions. 204 also when there is no such session of the caller's.
#[utoipa::path(
    delete,
    path = "/auth/sessions/{id}",
    tag = "Auth",
    operation_id = "endSession",
    security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "The session's id.")),
    responses((status = 204, description = "It is not live."), Declined)
)]
async fn end_one(
    State(doorward): State<Doorward>,
    user: CurrentUser,
    client: Client,
    Path(id): Path<String>,
) -> Result<Response> {
    // What is no id names no session of the caller's either.
    let Ok(id) = id.parse() else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    super::revoke(&doorward, &user, &id, &client).await?;
    if id == user.session().id {
        return Ok(signed_out(&doorward)?.into_response());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// End all sessions of the caller but this one.
#[utoipa::path(
    delete,
    path = "/auth/sessions/others",
    tag = "Auth",
    operation_id = "endOtherSessions",
    security(("session" = []), ("token" = [])),
    responses((status = 204, description = "Only this session is live."), Declined)
)]
async fn end_others(
    State(doorward): State<Doorward>,
    user: CurrentUser,
    client: Client,
) -> Result<impl IntoResponse> {
    super::revoke_others(&doorward, &user, &client).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all sessions of the caller, this one included.
#[utoipa::path(
    delete,
    path = "/auth/sessions/all",
    tag = "Auth",
    operation_id = "endAllSessions",
    security(("session" = []), ("token" = [])),
    responses((status = 204, description = "Signed out everywhere."), Declined)
)]
async fn end_all(
    State(doorward): State<Doorward>,
    user: CurrentUser,
    client: Client,
) -> Result<impl IntoResponse> {
    super::revoke_all(&doorward, &user, &client).await?;
    signed_out(&doorward)
}
