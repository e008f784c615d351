//! The API's description of itself: OpenAPI 3.1, made from the handlers.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use axum::{Router, response::IntoResponse, routing::get};
use bytes::Bytes;
use http::{HeaderValue, header};
use utoipa::{
    IntoResponses, PartialSchema,
    openapi::{
        self, ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApiBuilder, Ref, RefOr, Response,
        ResponseBuilder,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

use super::problem::Problem;
use crate::{Doorward, error};

/// Every way in which an operation may be declined: one answer for each status, which the document describes once.
pub(crate) struct Declined;

impl IntoResponses for Declined {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        declined()
            .into_keys()
            .map(|status| {
                let described = Ref::from_response_name(name(status));
                (status.to_string(), RefOr::Ref(described))
            })
            .collect()
    }
}

/// The codes of each status.
fn declined() -> BTreeMap<u16, Vec<&'static str>> {
    let mut codes: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for (status, code) in error::ANSWERS {
        codes.entry(status).or_default().push(code);
    }
    codes
}

/// Under which name the document describes the answer of a status.
fn name(status: u16) -> String {
    format!("Declined{status}")
}

fn problem(codes: &[&str]) -> Response {
    let problem = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    ResponseBuilder::new()
        .description(format!("Declined: `{}`.", codes.join("`, `")))
        .content("application/problem+json", problem)
        .build()
}

/// The document without its operations.
fn frame() -> openapi::OpenApi {
    let bearer = SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The `token` of a sign-in."))
            .build(),
    );
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
        "__Host-doorward_session",
        "Set by a sign-in; `doorward_session` on http://localhost.",
    )));
    let components = ComponentsBuilder::new()
        .schema("Problem", Problem::schema())
        .responses_from_iter(
            declined()
                .into_iter()
                .map(|(status, codes)| (name(status), problem(&codes))),
        )
        .security_scheme("token", bearer)
        .security_scheme("session", cookie)
        .build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Doorward")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some("Passwordless authentication: mailed codes, passkeys, sessions, roles and permissions."))
                .build(),
        )
        .components(Some(components))
        .build()
}

/// The OpenAPI document, as `/openapi.json` serves it.
#[must_use]
pub fn document() -> serde_json::Value {
    serde_json::to_value(made()).unwrap_or_default()
}

fn made() -> openapi::OpenApi {
    super::operations(OpenApiRouter::with_openapi(frame())).into_openapi()
}

pub(super) fn routes() -> Router<Doorward> {
    // Made when it is first asked for: it takes a megabyte, which most servers never need.
    let text: Arc<OnceLock<Bytes>> = Arc::default();
    let serve = async move || {
        let text = text.get_or_init(|| serde_json::to_vec(&made()).unwrap_or_default().into());
        let json = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, json)], text.clone()).into_response()
    };
    Router::new().route("/openapi.json", get(serve))
}
