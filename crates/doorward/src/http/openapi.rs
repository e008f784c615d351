//! The API's description of itself: OpenAPI 3.1, made from the handlers.

use std::collections::BTreeMap;

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

use super::problem::Problem;
use crate::{Doorward, error};

/// Every way in which an operation may be declined.
pub(crate) struct Declined;

impl IntoResponses for Declined {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut codes: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        for (status, code) in error::ANSWERS {
            codes.entry(status).or_default().push(code);
        }
        codes
            .into_iter()
            .map(|(status, codes)| {
                let problem = ContentBuilder::new()
                    .schema(Some(Ref::from_schema_name("Problem")))
                    .build();
                let response = ResponseBuilder::new()
                    .description(format!(
                        "Declined: {}.",
                        codes
                            .iter()
                            .map(|code| format!("`{code}`"))
                            .collect::<Vec<_>>()
                            .join(", ")
                    ))
                    .content("application/problem+json", problem)
                    .build();
                (status.to_string(), RefOr::T(response))
            })
            .collect()
    }
}

/// The document without its operations.
pub(super) fn frame() -> openapi::OpenApi {
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
    serde_json::to_value(super::operations().to_openapi()).unwrap_or_default()
}

pub(super) fn routes(document: &openapi::OpenApi) -> Router<Doorward> {
    let text = Bytes::from(serde_json::to_vec(document).unwrap_or_default());
    let serve = async move || {
        let json = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, json)], text.clone()).into_response()
    };
    Router::new().route("/openapi.json", get(serve))
}
