//! Errors as pages, for whoever looks at pages; and the way to where the error is mended.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};

use super::{
    flash::Flash,
    form,
    layout::Frame,
    page::Go,
    texts::{Key, Texts},
    visit::{Look, Visit},
    wait,
};
use crate::{
    Doorward,
    error::{Error, Result},
    http::RequestId,
};

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    t: Texts,
    title: String,
    text: Option<String>,
    reference: String,
}

/// The page for an error. Who must sign in, or prove again who they are, is sent there, and comes back.
pub(crate) fn declined(
    doorward: &Doorward,
    error: &Error,
    look: Look,
    method: &Method,
    id: RequestId,
) -> Response {
    let had_session = look.has_session_cookie;
    let visit = Visit::declined(doorward, look, id);
    let answer = match error {
        Error::Unauthenticated => to_sign_in(&visit, method, had_session),
        Error::ReauthRequired { .. } => Ok(back_to(&visit, method, "/reauth").into_response()),
        error => error_page(&visit, error, id),
    };
    // What cannot be written as a page is still the error that it is.
    answer.unwrap_or_else(|_| error.answer().0.into_response())
}

fn to_sign_in(visit: &Visit, method: &Method, had_session: bool) -> Result<Response> {
    let go = back_to(visit, method, "/sign-in");
    let go = if had_session {
        go.saying(visit, &Flash::new(Key("sign-in-notice-ended")))?
    } else {
        go
    };
    Ok(go.into_response())
}

/// The way to a page that leads back here. A form that was sent is not sent again: back is always a `GET`.
fn back_to(visit: &Visit, method: &Method, page: &str) -> Go {
    let mut here = visit.look.path.clone();
    if method.is_safe() {
        let query: Vec<String> = visit
            .look
            .query
            .iter()
            .map(|(name, value)| format!("{}={}", form::encoded(name), form::encoded(value)))
            .collect();
        if !query.is_empty() {
            here = format!("{here}?{}", query.join("&"));
        }
    }
    Go::to(format!("{page}?return_to={}", form::encoded(&here)))
}

fn error_page(visit: &Visit, error: &Error, id: RequestId) -> Result<Response> {
    let (status, _) = error.answer();
    let (title, text) = match status {
        // Whoever lacks the permission learns nothing of what is here.
        StatusCode::FORBIDDEN if matches!(error, Error::CrossOrigin) => (
            Key("error-cross-origin-title"),
            Some(visit.say(Key("error-cross-origin-text"))),
        ),
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            (Key("error-not-found-title"), None)
        }
        StatusCode::TOO_MANY_REQUESTS => {
            let text = match error {
                Error::RateLimited { retry_after } => {
                    wait::text(&visit.t, Key("error-rate-limited-text"), *retry_after)
                }
                _ => String::new(),
            };
            (Key("error-rate-limited-title"), Some(text))
        }
        StatusCode::SERVICE_UNAVAILABLE => (
            Key("error-unavailable-title"),
            Some(visit.say(Key("error-unavailable-text"))),
        ),
        StatusCode::INTERNAL_SERVER_ERROR => (Key("error-internal-title"), None),
        _ => (
            Key("error-malformed-title"),
            Some(visit.say(Key("error-malformed-text"))),
        ),
    };
    let view = ErrorPage {
        frame: visit.frame("dw-auth"),
        t: visit.t.clone(),
        title: visit.say(title),
        text,
        reference: id.to_string(),
    };
    let shown = if status == StatusCode::FORBIDDEN && !matches!(error, Error::CrossOrigin) {
        StatusCode::NOT_FOUND
    } else {
        status
    };
    let mut page = visit.page(&view)?.status(shown);
    if let Error::RateLimited { retry_after } = error {
        let seconds = retry_after.as_seconds_ceil().max(1);
        page = page.header(header::RETRY_AFTER, HeaderValue::from(seconds));
    } else if status == StatusCode::SERVICE_UNAVAILABLE {
        page = page.header(header::RETRY_AFTER, HeaderValue::from(1));
    }
    Ok(page.into_response())
}
