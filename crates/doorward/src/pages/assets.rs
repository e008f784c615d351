//! What pages load: style, scripts, pictures.
//!
//! A file's address holds a hash of what is in it, so that browsers may keep it for ever: another content is another
//! address. `build.rs` has made the names and the compressed forms.

use std::hash::{DefaultHasher, Hasher};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{
    Doorward,
    error::{Error, Result},
    http::extract::Path,
};

/// A file that was built in.
struct BuiltIn {
    name: &'static str,
    path: &'static str,
    plain: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

const BUILT_IN: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Where a built-in file is served; nowhere, for a name that there is not.
pub(super) fn path(name: &str) -> &'static str {
    BUILT_IN
        .iter()
        .find(|file| file.name == name)
        .map_or("/assets/", |file| file.path)
}

/// The text of a built-in file.
pub(super) fn text(name: &str) -> &'static str {
    BUILT_IN
        .iter()
        .find(|file| file.name == name)
        .and_then(|file| std::str::from_utf8(file.plain).ok())
        .unwrap_or_default()
}

/// A file of the operator's: its theme, its logo.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    pub path: String,
    bytes: Bytes,
}

impl Own {
    /// A file to be served as `/assets/<stem>.<hash>.<kind>`.
    pub(super) fn new(stem: &str, kind: &str, bytes: Vec<u8>) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        let path = format!("/assets/{stem}.{:016x}.{kind}", hasher.finish());
        Self {
            path,
            bytes: bytes.into(),
        }
    }
}

/// The encodings of which we hold a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Gzip,
    Brotli,
}

impl Encoding {
    /// The best that the client takes.
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let takes = |wanted: &str| {
            let values = headers.get_all(header::ACCEPT_ENCODING).iter();
            values
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|each| {
                    let mut parts = each.split(';').map(str::trim);
                    let is_it = parts
                        .next()
                        .is_some_and(|name| name.eq_ignore_ascii_case(wanted));
                    // `q=0` says that it must not be this one (RFC 9110 §12.4.2).
                    is_it && !parts.any(|part| part.strip_prefix("q=").is_some_and(is_zero))
                })
        };
        if takes("br") {
            Self::Brotli
        } else if takes("gzip") {
            Self::Gzip
        } else {
            Self::Plain
        }
    }

    pub(super) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }
}

fn is_zero(weight: &str) -> bool {
    weight.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

/// `GET /assets/{file}`.
pub(super) async fn serve(
    State(doorward): State<Doorward>,
    headers: HeaderMap,
    Path(file): Path<String>,
) -> Result<Response> {
    let path = format!("/assets/{file}");
    let (bytes, encoding) = if let Some(built_in) = BUILT_IN.iter().find(|each| each.path == path) {
        let encoding = Encoding::accepted(&headers);
        let bytes = match encoding {
            Encoding::Plain => built_in.plain,
            Encoding::Gzip => built_in.gzip,
            Encoding::Brotli => built_in.brotli,
        };
        (Bytes::from_static(bytes), encoding)
    } else {
        let own = [&doorward.pages.theme, &doorward.pages.logo];
        let own = own.into_iter().flatten().find(|own| own.path == path);
        let own = own.ok_or(Error::NotFound)?;
        (own.bytes.clone(), Encoding::Plain)
    };
    let kind = content_type(&file).ok_or(Error::NotFound)?;
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    let mut say = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    say(header::CONTENT_TYPE, kind);
    say(header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    say(header::VARY, "Accept-Encoding");
    if let Some(encoding) = encoding.name() {
        say(header::CONTENT_ENCODING, encoding);
    }
    Ok(response)
}

fn content_type(file: &str) -> Option<&'static str> {
    Some(match file.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "json" => "application/json",
        _ => return None,
    })
}
