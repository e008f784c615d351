//! Requests from other origins: refused where they could do harm, unless their origin is on the list.
//!
//! The rule for unsafe methods is that of Go's `CrossOriginProtection`, with full configured origins in place of the
//! `Host` header: what the browser calls same-origin (or user-initiated) passes; what it calls anything else
//! passes only from a listed origin; without its word the `Origin` header decides; without either it is no browser.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::{
    config::Config,
    error::{Error, Result},
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses an unsafe request that another site may have caused.
///
/// # Errors
/// [`Error::CrossOrigin`].
pub(super) fn check(config: &Config, method: &Method, headers: &HeaderMap) -> Result<()> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let site = single(headers, &SEC_FETCH_SITE)?;
    let origin = single(headers, &header::ORIGIN)?;
    let allowed = match (site.map(HeaderValue::as_bytes), origin) {
        (Some(b"same-origin" | b"none"), _) | (None, None) => true,
        (_, Some(origin)) => is_listed(config, origin),
        (Some(_), None) => false,
    };
    if allowed {
        Ok(())
    } else {
        Err(Error::CrossOrigin)
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(Error::CrossOrigin),
    }
}

fn is_listed(config: &Config, origin: &HeaderValue) -> bool {
    config
        .all_origins()
        .any(|listed| listed.as_bytes() == origin.as_bytes())
}

/// The headers that let a page of a listed origin read the answer; none for any other.
pub(super) fn allow(config: &Config, request: &HeaderMap, response: &mut HeaderMap) {
    if config.origins.is_empty() {
        return;
    }
    response.append(
        header::VARY,
        HeaderValue::from_static("Origin, Sec-Fetch-Site"),
    );
    let Some(origin) = request
        .get(header::ORIGIN)
        .filter(|origin| is_listed(config, origin))
    else {
        return;
    };
    response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    response.insert(
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
    response.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Retry-After"),
    );
}

/// Whether the request is a browser's question before the real one, from a listed origin.
pub(super) fn is_preflight(config: &Config, method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && headers
            .get(header::ORIGIN)
            .is_some_and(|origin| is_listed(config, origin))
}

/// The answer to that question.
pub(super) fn preflight(response: &mut HeaderMap) {
    let mut say = |name, value| response.insert(name, HeaderValue::from_static(value));
    say(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        "GET, POST, PATCH, DELETE",
    );
    say(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "authorization, content-type",
    );
    say(header::ACCESS_CONTROL_MAX_AGE, "600");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(site: Option<&str>, origin: Option<&str>) -> bool {
        let config = Config {
            public_url: "https://auth.example.com".into(),
            origins: vec!["https://app.example.com:8443".into()],
            ..Config::default()
        };
        let mut headers = HeaderMap::new();
        if let Some(site) = site {
            headers.insert(SEC_FETCH_SITE, site.parse().unwrap());
        }
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        check(&config, &Method::POST, &headers).is_ok()
    }

    /// Item 76: the whole matrix.
    #[test]
    fn unsafe_requests_pass_only_from_where_they_should() {
        let (own, listed) = (
            Some("https://auth.example.com"),
            Some("https://app.example.com:8443"),
        );
        for origin in [None, own, listed, Some("https://evil.example")] {
            assert!(
                passes(Some("same-origin"), origin),
                "the browser's word goes first: {origin:?}"
            );
            assert!(passes(Some("none"), origin));
        }
        for site in ["same-site", "cross-site", "Same-Origin", "", "nonsense"] {
            assert!(passes(Some(site), listed), "{site}");
            assert!(!passes(Some(site), None), "{site}");
            assert!(!passes(Some(site), Some("https://evil.example")), "{site}");
        }
        assert!(passes(None, None), "not a browser");
        assert!(passes(None, own));
        assert!(passes(None, listed));
        for origin in [
            "null",
            "https://app.example.com",
            "http://app.example.com:8443",
            "https://APP.example.com:8443",
            "https://app.example.com:8444",
            "https://auth.example.com.evil.example",
            "https://evilauth.example.com",
            "https://auth.example.com/",
            "https://auth.example.com:443",
        ] {
            assert!(!passes(None, Some(origin)), "{origin}");
            assert!(!passes(Some("cross-site"), Some(origin)), "{origin}");
        }
    }

    #[test]
    fn repeated_headers_are_refused() {
        let mut headers = HeaderMap::new();
        headers.append(SEC_FETCH_SITE, HeaderValue::from_static("same-origin"));
        headers.append(SEC_FETCH_SITE, HeaderValue::from_static("cross-site"));
        assert!(check(&Config::default(), &Method::POST, &headers).is_err());
    }

    #[test]
    fn safe_methods_pass() {
        let mut headers = HeaderMap::new();
        headers.insert(SEC_FETCH_SITE, HeaderValue::from_static("cross-site"));
        assert!(check(&Config::default(), &Method::GET, &headers).is_ok());
    }
}
