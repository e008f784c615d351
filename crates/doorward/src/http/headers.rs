//! The headers of every answer.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::config::Config;

/// Adds what every answer carries; what a page has set itself stays.
pub(super) fn add(config: &Config, headers: &mut HeaderMap) {
    let mut say = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    say(header::CACHE_CONTROL, "no-store");
    say(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    );
    say(header::REFERRER_POLICY, "no-referrer");
    say(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    say(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    if config.is_https() {
        say(
            header::STRICT_TRANSPORT_SECURITY,
            "max-age=63072000; includeSubDomains",
        );
    }
}
