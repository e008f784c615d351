//! The answers of pages: a page, or the way to another.

use askama::Template;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::{assets::Encoding, cookies::Kept, flash::Flash, visit::Visit};
use crate::{
    error::{Error, Result},
    time::Span,
};

/// What a page may load and do: its own files, forms and requests; no script that stands in it, no frame around it.
macro_rules! policy {
    ($($more:literal)?) => {
        concat!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'; \
             require-trusted-types-for 'script'; trusted-types 'none'"
            $(, $more)?
        )
    };
}

const POLICY: &str = policy!();

/// The same, for a page that shows another answer of ours in a frame.
const POLICY_WITH_FRAME: &str = policy!("; frame-src 'self'");

const PERMISSIONS: &str = "publickey-credentials-get=(self), publickey-credentials-create=(self), \
    camera=(), microphone=(), geolocation=(), payment=()";

/// What every page says of itself.
///
/// `same-origin` and not `no-referrer`, which turns the `Origin` of a form into `null`: the cross-origin rule would refuse
/// our own forms where the browser does not say `Sec-Fetch-Site`.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::VARY, "Accept-Language, Cookie, Accept-Encoding"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// How long a choice of language, or of light and dark, is kept.
pub(super) const A_YEAR: Span = Span::days(365);

/// A page, in words.
pub(super) struct Page {
    status: StatusCode,
    html: String,
    encoding: Encoding,
    language: &'static str,
    policy: &'static str,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Visit {
    /// Writes a page. What an earlier page left to say is said with it, whether the page shows it or not.
    pub(super) fn page(&self, view: &impl Template) -> Result<Page> {
        let html = view
            .render()
            .map_err(|error| Error::Internal(error.into()))?;
        let mut headers = Vec::new();
        if self.had_flash {
            headers.push((header::SET_COOKIE, Kept::Flash.clear(self.config())?));
        }
        if let Some(language) = self.look.chosen.filter(|_| self.look.chosen_now) {
            let cookie = Kept::Language.set(self.config(), language.tag(), A_YEAR)?;
            headers.push((header::SET_COOKIE, cookie));
        }
        Ok(Page {
            status: StatusCode::OK,
            html,
            encoding: self.look.encoding,
            language: self.t.language().tag(),
            policy: POLICY,
            headers,
        })
    }
}

impl Page {
    /// The same page, with this status.
    pub(super) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same page, which shows an answer of ours in a frame.
    pub(super) fn with_frame(self) -> Self {
        Self {
            policy: POLICY_WITH_FRAME,
            ..self
        }
    }

    /// The same page, with a cookie.
    pub(super) fn cookie(self, cookie: HeaderValue) -> Self {
        self.header(header::SET_COOKIE, cookie)
    }

    pub(super) fn header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let (encoding, body) = match self.encoding {
            Encoding::Brotli => match compress(self.html.as_bytes()) {
                Some(small) => (Encoding::Brotli, Bytes::from(small)),
                None => (Encoding::Plain, self.html.into()),
            },
            Encoding::Gzip | Encoding::Plain => (Encoding::Plain, self.html.into()),
        };
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let policy = HeaderValue::from_static(self.policy);
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        let language = HeaderValue::from_static(self.language);
        headers.insert(header::CONTENT_LANGUAGE, language);
        if let Some(encoding) = encoding.name() {
            let encoding = HeaderValue::from_static(encoding);
            headers.insert(header::CONTENT_ENCODING, encoding);
        }
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }
}

/// The window is the smallest with which this quality is fast: below 18 bits the encoder takes another hash table, which
/// takes milliseconds to clear (`docs/performance.md`).
///
/// That lengths tell something of what was compressed (BREACH) is of no use here: pages hold no secret, sessions and
/// whatever else opens something travels in cookies.
fn compress(html: &[u8]) -> Option<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: 5,
        lgwin: 18,
        size_hint: html.len(),
        ..Default::default()
    };
    let mut small = Vec::with_capacity(html.len() / 2);
    brotli::BrotliCompress(&mut &html[..], &mut small, &params).ok()?;
    Some(small)
}

/// The way to another page, by `GET`: 303.
pub(super) struct Go {
    to: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Go {
    pub(super) fn to(path: impl Into<String>) -> Self {
        Self {
            to: path.into(),
            headers: Vec::new(),
        }
    }

    /// With a cookie.
    pub(super) fn cookie(self, cookie: HeaderValue) -> Self {
        self.header(header::SET_COOKIE, cookie)
    }

    pub(super) fn cookies(self, cookies: impl IntoIterator<Item = HeaderValue>) -> Self {
        cookies.into_iter().fold(self, Self::cookie)
    }

    /// With something to say there.
    pub(super) fn saying(self, visit: &Visit, flash: &Flash) -> Result<Self> {
        Ok(self.cookie(flash.cookie(&visit.doorward)?))
    }

    pub(super) fn header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl IntoResponse for Go {
    fn into_response(self) -> Response {
        let Ok(to) = HeaderValue::try_from(self.to) else {
            return Error::Internal("a redirect to what is no address".into()).into_response();
        };
        let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("same-origin"),
        );
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }
}
