//! Errors on the wire: RFC 9457 `application/problem+json`.

use std::{borrow::Cow, sync::Arc};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::RequestId;
use crate::{
    Doorward,
    config::Locale,
    error::{Error, Escaped},
    pages::{self, Look},
};

/// Why a request was declined.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// Where the code is explained.
    #[serde(rename = "type")]
    kind: String,
    /// What the status means.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What clients switch on; it never changes meaning.
    code: &'static str,
    /// A sentence for people, in the language of `Accept-Language`.
    message: String,
    /// Names the request in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The member that has the wrong shape or value (422).
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Seconds after which it is worth trying again (429).
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<i64>,
    /// The methods of proof that would do (`reauth_required`): `passkey`, `otp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    methods: Option<Vec<&'static str>>,
    /// How old the proof may be, in seconds (`reauth_required`).
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<i64>,
}

impl Problem {
    fn of(error: &Error, base: &str, locale: Locale, request_id: Option<RequestId>) -> Self {
        let (status, code) = error.answer();
        let (methods, max_age) = match error {
            Error::ReauthRequired { methods, max_age } => {
                (Some(methods.clone()), Some(max_age.as_seconds_ceil()))
            }
            _ => (None, None),
        };
        Self {
            kind: format!("{base}/docs#error-{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            message: message(error, locale),
            request_id: request_id.map(|id| id.to_string()),
            field: match error {
                Error::InvalidField { field, .. } => Some(field.clone()),
                _ => None,
            },
            retry_after: retry_after(error),
            methods,
            max_age,
        }
    }

    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, Body::from(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self
            .retry_after
            .or_else(|| (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1))
        {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

fn retry_after(error: &Error) -> Option<i64> {
    match error {
        Error::RateLimited { retry_after } => Some(retry_after.as_seconds_ceil().max(1)),
        _ => None,
    }
}

/// The error rides along in the answer, so that the door can write it in the caller's language, with the request's
/// name. Where there is no door (an application's own handler used an extractor) it is written here.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = Problem::of(&self, "", Locale::En, None).into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Writes the error of an answer for its caller, and the cause of it in the log.
pub(super) fn finish(
    doorward: &Doorward,
    request: &HeaderMap,
    page: Option<(Look, &Method)>,
    id: RequestId,
    response: &mut Response,
) {
    let Some(error) = response.extensions_mut().remove::<Arc<Error>>() else {
        return;
    };
    match &*error {
        Error::Internal(cause) => {
            tracing::error!(request_id = %id, cause = %Escaped(&cause), "failed");
        }
        Error::Unavailable(cause) => {
            tracing::warn!(request_id = %id, cause = %Escaped(&cause), "unavailable");
        }
        _ => {}
    }
    let mut written = if let Some((look, method)) = page {
        pages::declined(doorward, &error, look, method, id)
    } else {
        let base = &doorward.config.public_url;
        Problem::of(&error, base, locale(request), Some(id)).into_response()
    };
    // What the handler said besides (a cleared cookie) stays.
    for (name, value) in response.headers() {
        if *name == header::SET_COOKIE {
            written.headers_mut().append(name, value.clone());
        }
    }
    *response = written;
}

/// The first language of `Accept-Language` that we speak.
fn locale(request: &HeaderMap) -> Locale {
    let accepted = request
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accepted
        .split(',')
        .find_map(
            |language| match language.trim().get(..2)?.to_ascii_lowercase().as_str() {
                "en" => Some(Locale::En),
                "de" => Some(Locale::De),
                _ => None,
            },
        )
        .unwrap_or_default()
}

fn message(error: &Error, locale: Locale) -> String {
    match locale {
        Locale::En => error.to_string(),
        Locale::De => german(error).into(),
    }
}

fn german(error: &Error) -> Cow<'static, str> {
    if let Error::InvalidField { field, .. } = error {
        return match field.as_str() {
            "email" => "Geben Sie eine E-Mail-Adresse wie name@example.com ein.".into(),
            field => format!("Prüfen Sie die Angabe „{field}“.").into(),
        };
    }
    Cow::Borrowed(match error {
        Error::Malformed(_) | Error::InvalidField { .. } => "Die Anfrage war nicht zu verstehen.",
        Error::UnsupportedMediaType => "Senden Sie den Inhalt als application/json.",
        Error::Unauthenticated => "Melden Sie sich an, um fortzufahren.",
        Error::InvalidCode => {
            "Der Code stimmt nicht. Sehen Sie in der neuesten E-Mail nach und versuchen Sie es noch einmal."
        }
        Error::ExpiredCode => "Der Code ist abgelaufen. Fordern Sie einen neuen an.",
        Error::PasskeyFailed => {
            "Der Passkey konnte nicht geprüft werden. Versuchen Sie es noch einmal oder per E-Mail."
        }
        Error::UnknownCredential => {
            "Dieser Passkey ist hier nicht bekannt. Nehmen Sie einen anderen oder E-Mail."
        }
        Error::ChallengeExpired => "Das hat etwas zu lange gedauert. Versuchen Sie es noch einmal.",
        Error::CrossOrigin => "Diese Anfrage kam von einer anderen Seite und wurde abgelehnt.",
        Error::Forbidden => "Dazu fehlt Ihnen die Berechtigung.",
        Error::ReauthRequired { .. } => "Bestätigen Sie, dass Sie es sind.",
        Error::NotFound => "Hier ist nichts.",
        Error::MethodNotAllowed => "Diese Adresse kennt diese Methode nicht.",
        Error::LastCredential => "Das ist Ihr einziger Passkey. Legen Sie erst einen weiteren an.",
        Error::CredentialExists => "Dieser Passkey ist schon eingetragen.",
        Error::LimitReached => "Die Höchstzahl ist erreicht. Entfernen Sie erst einen Eintrag.",
        Error::LastAdmin => "Es muss mindestens einen Administrator geben.",
        Error::TooLarge => "Die Anfrage ist zu groß.",
        Error::RateLimited { .. } => "Zu viele Versuche. Warten Sie einen Moment.",
        Error::Internal(_) => "Bei uns ist etwas schiefgegangen.",
        Error::Unavailable(_) => {
            "Der Dienst ist gerade nicht erreichbar. Versuchen Sie es gleich noch einmal."
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_that_we_speak_is_chosen() {
        let chosen = |accepted: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
            locale(&headers)
        };
        assert_eq!(chosen("de-AT,en;q=0.5"), Locale::De);
        assert_eq!(chosen("fr, EN-gb, de"), Locale::En);
        assert_eq!(chosen("fr"), Locale::En);
        assert_eq!(chosen("ä"), Locale::En);
    }
}
