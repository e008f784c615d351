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
    let (api, document) = operations().split_for_parts();
    api.merge(openapi::routes(&document))
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

/// Every operation of the API, with its documentation.
fn operations() -> OpenApiRouter<Doorward> {
    OpenApiRouter::with_openapi(openapi::frame())
        .merge(codes::http::routes())
        .merge(passkeys::http::routes())
        .merge(sessions::http::routes())
        .merge(access::http::routes())
        .merge(users::http::routes())
}

/// Operations that answer with and without a slash at the end; the document has the path as it is written.
pub(crate) trait BothSlashes {
    /// Adds the operations under both spellings of their path.
    fn both_slashes(self, operations: UtoipaMethodRouter<Doorward>) -> Self;
}

impl BothSlashes for OpenApiRouter<Doorward> {
    fn both_slashes(self, operations: UtoipaMethodRouter<Doorward>) -> Self {
        let (_, documented, methods) = &operations;
        let methods = methods.clone();
        let other: Vec<String> = documented
            .paths
            .keys()
            .map(|path| {
                path.strip_suffix('/')
                    .map_or_else(|| format!("{path}/"), str::to_owned)
            })
            .collect();
        other
            .into_iter()
            .fold(self.routes(operations), |router, path| {
                router.route(&path, methods.clone())
            })
    }
}
