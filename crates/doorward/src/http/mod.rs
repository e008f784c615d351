//! HTTP: the one door through which every request comes in and every answer goes out.

pub(crate) mod client;
pub(crate) mod cookies;
mod cross_origin;
pub(crate) mod extract;
mod headers;
mod health;
pub mod openapi;
pub(crate) mod problem;
mod strict_json;
pub(crate) use strict_json::read as read_json;
mod trace;

use axum::{
    Router, middleware,
    routing::{any, get},
};
use base64::{
    alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

pub use client::{Client, RequestId};

use crate::{Doorward, access, codes, error::Error, pages, passkeys, sessions, users};

/// Base64url as clients send it, padded or not; ours is never padded.
pub(crate) const TOLERANT_BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Bodies larger than this are refused.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

/// The API and pages of this Doorward.
pub(crate) fn router(doorward: &Doorward) -> Router {
    operations(Router::new())
        .merge(openapi::routes())
        .merge(pages::routes(doorward))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/auth/{*rest}", any(async || Error::NotFound))
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(
            doorward.clone(),
            trace::door,
        ))
        .with_state(doorward.clone())
}

/// The same, with an answer for every other path: a whole server.
pub(crate) fn server(doorward: &Doorward) -> Router {
    let rest = pages::start(doorward)
        .fallback(async || Error::NotFound)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(
            doorward.clone(),
            trace::door,
        ))
        .with_state(doorward.clone());
    router(doorward).merge(rest)
}

/// Adds every operation of the API.
fn operations<T: Operations>(all: T) -> T {
    let all = codes::http::routes(all);
    let all = passkeys::http::routes(all);
    let all = sessions::http::routes(all);
    let all = access::http::routes(all);
    users::http::routes(all)
}

/// Where operations are gathered: in the router that serves them, or in the document that describes them.
///
/// Not in both at once: a server takes the one at its start, and needs the other when somebody asks for it.
pub(crate) trait Operations: Sized {
    /// Adds operations, all of the same path.
    fn with(self, operations: UtoipaMethodRouter<Doorward>) -> Self;
}

impl Operations for Router<Doorward> {
    /// They answer with and without a slash at the end.
    fn with(self, (_, documented, methods): UtoipaMethodRouter<Doorward>) -> Self {
        documented.paths.keys().fold(self, |router, path| {
            let other = path
                .strip_suffix('/')
                .map_or_else(|| format!("{path}/"), str::to_owned);
            router
                .route(path, methods.clone())
                .route(&other, methods.clone())
        })
    }
}

impl Operations for OpenApiRouter<Doorward> {
    /// The document has the path as it is written.
    fn with(self, operations: UtoipaMethodRouter<Doorward>) -> Self {
        self.routes(operations)
    }
}
