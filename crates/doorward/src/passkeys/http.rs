//! The operations under `/auth/passkeys`.

use axum::{
    Json as JsonAnswer,
    extract::State,
    response::{AppendHeaders, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_webauthn::{AssertionResponse, RegistrationResponse};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{Name, Passkey, providers};
use crate::{
    Doorward,
    codes::Flow,
    error::{Error, Result},
    http::{
        Client, Operations, TOLERANT_BASE64URL, cookies,
        extract::{CurrentUser, Fresh, Json, JsonText, Path, Presented},
        openapi::Declined,
        read_json,
    },
    ids::UserId,
    sessions,
    time::Timestamp,
};

pub(crate) fn routes<T: Operations>(all: T) -> T {
    all.with(routes!(register_options))
        .with(routes!(register_verify))
        .with(routes!(authenticate_options))
        .with(routes!(authenticate_verify))
        .with(routes!(list))
        .with(routes!(rename, remove))
}

/// A passkey as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Passkey)]
pub(crate) struct PasskeyAnswer {
    /// The credential id, base64url.
    id: String,
    /// What its owner calls it.
    name: String,
    /// The model of the authenticator; zeroes where it does not tell.
    aaguid: String,
    /// The password manager or authenticator, where it is known.
    provider: Option<String>,
    /// `multiDevice` when it can be synchronised between devices.
    #[schema(example = "multiDevice")]
    device_type: &'static str,
    /// Whether it is backed up now.
    backed_up: bool,
    /// How the authenticator can be reached: `internal`, `hybrid`, `usb`, `nfc`, `ble`.
    transports: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

impl PasskeyAnswer {
    fn of(doorward: &Doorward, passkey: Passkey) -> Self {
        let credential = passkey.credential;
        Self {
            id: URL_SAFE_NO_PAD.encode(&credential.id),
            name: passkey.name,
            aaguid: providers::format(&credential.aaguid),
            provider: doorward
                .providers
                .name(&credential.aaguid)
                .map(str::to_owned),
            device_type: if credential.backup_eligible {
                "multiDevice"
            } else {
                "singleDevice"
            },
            backed_up: credential.backed_up,
            transports: credential.transports,
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
        }
    }
}

/// Options for making a passkey.
#[utoipa::path(
    post,
    path = "/auth/passkeys/register/options",
    tag = "Auth",
    operation_id = "passkeyRegisterOptions",
    security(("session" = []), ("token" = [])),
    responses((status = 200, description = "`PublicKeyCredentialCreationOptionsJSON`, at the root.", body = Object), Declined)
)]
async fn register_options(
    State(doorward): State<Doorward>,
    Fresh(user): Fresh,
) -> Result<impl IntoResponse> {
    Ok(JsonAnswer(
        super::registration_options(&doorward, &user).await?,
    ))
}

/// `RegistrationResponseJSON` (WebAuthn §5.1): `id`, `rawId`, `type`, `response`, as `credential.toJSON()` gives it, and
/// beside its members a name for the new passkey.
#[derive(Debug, Deserialize, ToSchema)]
struct RegisterForm {
    /// What to call it: 1 to 64 characters. Default: after its provider or device.
    #[serde(default)]
    name: Option<String>,
}

/// Verify webauthn passkey registration.
#[utoipa::path(
    post,
    path = "/auth/passkeys/register/verify",
    tag = "Auth",
    operation_id = "passkeyRegisterVerify",
    security(("session" = []), ("token" = [])),
    request_body = RegisterForm,
    responses((status = 201, description = "The passkey was added.", body = PasskeyAnswer), Declined)
)]
async fn register_verify(
    State(doorward): State<Doorward>,
    Fresh(user): Fresh,
    client: Client,
    JsonText(body): JsonText,
) -> Result<impl IntoResponse> {
    let form: RegisterForm = read_json(&body)?;
    let response: RegistrationResponse = read_json(&body)?;
    let name = form
        .name
        .as_deref()
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(Name::parse)
        .transpose()?;
    let passkey = super::register(&doorward, &user, response, name, &client).await?;
    Ok((
        StatusCode::CREATED,
        JsonAnswer(PasskeyAnswer::of(&doorward, passkey)),
    ))
}

/// Options for signing in with a passkey.
#[utoipa::path(
    post,
    path = "/auth/passkeys/authenticate/options",
    tag = "Auth",
    operation_id = "passkeyAuthenticateOptions",
    responses((status = 200, description = "`PublicKeyCredentialRequestOptionsJSON`, at the root.", body = Object), Declined)
)]
async fn authenticate_options(
    State(doorward): State<Doorward>,
    client: Client,
) -> Result<impl IntoResponse> {
    if !client.is_same_origin() {
        return Ok(JsonAnswer(super::authentication_options(&doorward, None)).into_response());
    }
    let flow = client
        .flow()
        .cloned()
        .unwrap_or_else(|| Flow::new(&doorward.entropy));
    let cookie = cookies::flow(&doorward.config, &flow.text(&doorward.keys.flows))?;
    let options = super::authentication_options(&doorward, Some(&flow));
    Ok((
        AppendHeaders([(header::SET_COOKIE, cookie)]),
        JsonAnswer(options),
    )
        .into_response())
}

/// Verify passkey authentication.
#[utoipa::path(
    post,
    path = "/auth/passkeys/authenticate/verify",
    tag = "Auth",
    operation_id = "passkeyAuthenticateVerify",
    request_body(content = Object, description = "`AuthenticationResponseJSON` (WebAuthn §5.1), as `credential.toJSON()` gives it."),
    responses((status = 201, description = "Signed in.", body = sessions::http::SignedInAnswer), Declined)
)]
async fn authenticate_verify(
    State(doorward): State<Doorward>,
    Presented(presented): Presented,
    client: Client,
    Json(response): Json<AssertionResponse>,
) -> Result<Response> {
    let (session, signals) =
        super::sign_in(&doorward, &response, None, presented.as_deref(), &client).await?;
    sessions::http::created(&doorward, session, Some(signals), &client)
}

/// The caller's passkeys, newest first.
#[utoipa::path(
    get,
    path = "/auth/passkeys/",
    tag = "Auth",
    operation_id = "passkeys",
    security(("session" = []), ("token" = [])),
    responses((status = 200, description = "The passkeys.", body = [PasskeyAnswer]), Declined)
)]
async fn list(State(doorward): State<Doorward>, user: CurrentUser) -> Result<impl IntoResponse> {
    Ok(JsonAnswer(of_user(&doorward, &user.user().id).await?))
}

/// A user's passkeys as the API shows them.
pub(crate) async fn of_user(doorward: &Doorward, user: &UserId) -> Result<Vec<PasskeyAnswer>> {
    let passkeys = super::of_user(doorward, user).await?;
    Ok(passkeys
        .into_iter()
        .map(|passkey| PasskeyAnswer::of(doorward, passkey))
        .collect())
}

/// A new name.
#[derive(Debug, Deserialize, ToSchema)]
struct RenameForm {
    /// 1 to 64 characters.
    name: String,
}

/// Rename a passkey.
#[utoipa::path(
    patch,
    path = "/auth/passkeys/{id}",
    tag = "Auth",
    operation_id = "passkeyRename",
    security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "The credential id, base64url.")),
    request_body = RenameForm,
    responses((status = 200, description = "The passkey with its new name.", body = PasskeyAnswer), Declined)
)]
async fn rename(
    State(doorward): State<Doorward>,
    user: CurrentUser,
    client: Client,
    Path(id): Path<String>,
    Json(form): Json<RenameForm>,
) -> Result<impl IntoResponse> {
    let passkey = super::rename(
        &doorward,
        &user,
        &credential_id(&id)?,
        &Name::parse(&form.name)?,
        &client,
    )
    .await?;
    Ok(JsonAnswer(PasskeyAnswer::of(&doorward, passkey)))
}

/// Remove a passkey; the sessions that were opened with it end, except the caller's own.
#[utoipa::path(
    delete,
    path = "/auth/passkeys/{id}",
    tag = "Auth",
    operation_id = "passkeyRemove",
    security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "The credential id, base64url.")),
    responses((status = 204, description = "Removed."), Declined)
)]
async fn remove(
    State(doorward): State<Doorward>,
    Fresh(user): Fresh,
    client: Client,
    Path(id): Path<String>,
) -> Result<impl IntoResponse> {
    super::remove(&doorward, &user, &credential_id(&id)?, &client).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads a credential id from a path: base64url, padded or not, of at most 1023 bytes.
pub(crate) fn credential_id(text: &str) -> Result<Vec<u8>> {
    let id = TOLERANT_BASE64URL
        .decode(text)
        .map_err(|_| Error::NotFound)?;
    if (1..=1023).contains(&id.len()) {
        Ok(id)
    } else {
        Err(Error::NotFound)
    }
}
