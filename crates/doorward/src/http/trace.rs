//! The door: one layer around every route, where several would each cost a little.
//!
//! Names the request, refuses what other sites send, catches panics, renders errors, adds the headers, counts and logs.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, HttpBody},
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderMap, Method, StatusCode, header};

use super::{BODY_LIMIT, RequestId, cross_origin, headers, problem};
use crate::{
    Doorward,
    error::{Error, Result},
    pages::{self, Look},
};

/// How long an answer may take before its client is told to try again.
const PATIENCE: Duration = Duration::from_secs(25);

pub(super) async fn door(
    State(doorward): State<Doorward>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = now();
    let id = RequestId::next(&doorward);
    request.extensions_mut().insert(id);
    let asked = Asked::of(&doorward, &request);
    let preflight = cross_origin::is_preflight(&doorward.config, &asked.method, &asked.headers);

    let mut response = if preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        match admit(&doorward, &request) {
            Ok(()) => run(&doorward, request, next).await,
            Err(error) => error.into_response(),
        }
    };
    let page = asked.page.clone().map(|look| (look, &asked.method));
    problem::finish(&doorward, &asked.headers, page, id, &mut response);
    headers::add(&doorward.config, response.headers_mut());
    cross_origin::allow(&doorward.config, &asked.headers, response.headers_mut());
    if preflight {
        cross_origin::preflight(response.headers_mut());
    }
    asked.log(&doorward, id, response.status(), started.elapsed());
    response
}

/// Runs the handler, and turns a panic into an answer.
///
/// What changes something runs to its end whatever the client does: who hangs up between a wrong code and its
/// counting would otherwise have guessed for nothing.
async fn run(doorward: &Doorward, request: Request, next: Next) -> Response {
    let reads = request.method().is_safe();
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    let answer = async {
        if reads {
            answer.await.ok()
        } else {
            tokio::spawn(answer).await.ok().and_then(Result::ok)
        }
    };
    let Ok(answer) = tokio::time::timeout(PATIENCE, answer).await else {
        return Error::Unavailable("the answer took too long".into()).into_response();
    };
    answer.unwrap_or_else(|| {
        doorward.metrics.panics.inc();
        Error::Internal("a handler panicked".into()).into_response()
    })
}

/// What stays of a request for its end.
struct Asked {
    method: Method,
    route: Option<MatchedPath>,
    headers: HeaderMap,
    /// How an error is to look, where it is to be a page.
    page: Option<Look>,
}

impl Asked {
    fn of(doorward: &Doorward, request: &Request) -> Self {
        let config = &doorward.config;
        let wants_a_page =
            config.pages.enabled && pages::wants_a_page(request.uri(), request.headers());
        // The few headers that the end needs, not all of them.
        let mut headers = HeaderMap::new();
        for name in [
            header::ORIGIN,
            header::ACCEPT_LANGUAGE,
            header::ACCESS_CONTROL_REQUEST_METHOD,
        ] {
            if let Some(value) = request.headers().get(&name) {
                headers.insert(name, value.clone());
            }
        }
        Self {
            method: request.method().clone(),
            route: request.extensions().get().cloned(),
            headers,
            page: wants_a_page.then(|| Look::of(config, request.headers(), request.uri())),
        }
    }

    /// The route as it is written, never the path: paths carry ids, and whatever strangers put there.
    fn log(&self, doorward: &Doorward, id: RequestId, status: StatusCode, took: Duration) {
        let route = self.route.as_ref().map_or("none", MatchedPath::as_str);
        doorward.metrics.answered(status, took);
        tracing::info!(
            request_id = %id,
            method = %self.method,
            route,
            status = status.as_u16(),
            micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a request took is measured, not decided upon"
)]
fn now() -> Instant {
    Instant::now()
}

/// Refuses what no handler should see.
fn admit(doorward: &Doorward, request: &Request<Body>) -> Result<()> {
    let (method, headers) = (request.method(), request.headers());
    let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let is_known = matches!(
        *method,
        Method::POST | Method::PUT | Method::PATCH | Method::DELETE
    );
    if !is_safe && !is_known {
        return Err(Error::MethodNotAllowed);
    }
    cross_origin::check(&doorward.config, method, headers)?;
    let size = request.body().size_hint();
    if size.lower() > BODY_LIMIT as u64 {
        return Err(Error::TooLarge);
    }
    let has_body = !request.body().is_end_stream() && size.exact() != Some(0);
    // The API takes JSON only; what a form may do, a page decides.
    let is_api = request.uri().path().starts_with("/auth/");
    let is_read = is_json(headers) || !is_api && pages::is_form(headers);
    if has_body && !is_safe && !is_read {
        return Err(Error::UnsupportedMediaType);
    }
    Ok(())
}

/// Whether the body says that it is JSON: `application/json`, alone or with parameters.
///
/// The type itself decides: browsers send `text/plain; x=application/json` across origins without asking.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return false;
    };
    let essence = only
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}
