//! Our cookies: the session, the flow of a browser that is signing in, the device that has signed in before; and how
//! those of the pages are written.

use http::{HeaderMap, HeaderValue, header};

use crate::{
    config::Config,
    error::{Error, Result},
    time::Span,
};

/// What our cookies are called.
///
/// `__Host-` keeps sibling domains and plain http from planting them; browsers accept the prefix only over https, so
/// `http://localhost` goes without.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    pub session: &'static str,
    pub flow: &'static str,
    pub device: &'static str,
}

impl Names {
    pub(crate) fn of(config: &Config) -> Self {
        if config.is_https() {
            Self {
                session: "__Host-doorward_session",
                flow: "__Host-doorward_flow",
                device: "__Host-doorward_device",
            }
        } else {
            Self {
                session: "doorward_session",
                flow: "doorward_flow",
                device: "doorward_device",
            }
        }
    }
}

/// How often a request sends a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Never,
    Once(&'a str),
    /// Somebody has planted one beside ours: neither can be believed.
    Twice,
}

impl<'a> Found<'a> {
    pub(crate) fn one(self) -> Option<&'a str> {
        match self {
            Self::Once(value) => Some(value),
            Self::Never | Self::Twice => None,
        }
    }
}

/// Finds a cookie by its exact name. Only spaces and tabs around a pair are trimmed: other characters that some
/// parsers take for white space would let `\u{2000}__Host-…` pass for the real one.
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Found<'a> {
    let mut found = Found::Never;
    for header in headers.get_all(header::COOKIE) {
        for pair in header.as_bytes().split(|&byte| byte == b';') {
            let pair = trim(pair);
            let Some(value) = pair
                .strip_prefix(name.as_bytes())
                .and_then(|rest| rest.strip_prefix(b"="))
            else {
                continue;
            };
            found = match (found, std::str::from_utf8(value)) {
                (Found::Never, Ok(value)) => Found::Once(value),
                _ => Found::Twice,
            };
        }
    }
    found
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// How far a cookie travels.
#[derive(Debug, Clone, Copy)]
enum SameSite {
    Lax,
    Strict,
}

fn set(
    config: &Config,
    name: &str,
    value: &str,
    same_site: SameSite,
    max_age: Span,
) -> Result<HeaderValue> {
    let secure = if config.is_https() { " Secure;" } else { "" };
    let seconds = max_age.as_seconds_ceil();
    let text = format!(
        "{name}={value}; Path=/;{secure} HttpOnly; SameSite={same_site:?}; Max-Age={seconds}"
    );
    HeaderValue::try_from(text).map_err(|error| Error::Internal(error.into()))
}

/// The session cookie.
pub(crate) fn session(config: &Config, token: &str, lifetime: Span) -> Result<HeaderValue> {
    set(
        config,
        Names::of(config).session,
        token,
        SameSite::Lax,
        lifetime,
    )
}

/// Clears the session cookie, with the attributes that it was set with.
pub(crate) fn clear_session(config: &Config) -> Result<HeaderValue> {
    set(
        config,
        Names::of(config).session,
        "",
        SameSite::Lax,
        Span::ZERO,
    )
}

/// The flow cookie, for as long as a challenge lives, and a code at the most.
pub(crate) fn flow(config: &Config, flow: &str) -> Result<HeaderValue> {
    set(
        config,
        Names::of(config).flow,
        flow,
        SameSite::Strict,
        Span::minutes(10),
    )
}

/// The cookie by which a device that has signed in is known.
pub(crate) fn device(config: &Config, value: &str) -> Result<HeaderValue> {
    set(
        config,
        Names::of(config).device,
        value,
        SameSite::Strict,
        Span::days(365),
    )
}

/// A cookie of the pages: sent along when another site links here, since it opens nothing.
pub(crate) fn page(
    config: &Config,
    name: &str,
    value: &str,
    lifetime: Span,
) -> Result<HeaderValue> {
    set(config, name, value, SameSite::Lax, lifetime)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(cookies: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, HeaderValue::from_bytes(cookie).unwrap());
        }
        find(&headers, "__Host-doorward_session")
            .one()
            .map(str::to_owned)
    }

    /// Item 74: names match byte for byte, and two cookies are none.
    #[test]
    fn only_the_exact_name_once_is_our_cookie() {
        let value = Some("v".to_owned());
        assert_eq!(found(&[b"a=b; __Host-doorward_session=v;c=d"]), value);
        assert_eq!(found(&[b"\t __Host-doorward_session=v \t"]), value);
        assert_eq!(found(&[b"a=b", b"__Host-doorward_session=v"]), value);

        for planted in [
            "\u{2000}__Host-doorward_session=v",
            "\u{85}__Host-doorward_session=v",
            "\u{a0}__Host-doorward_session=v",
            "$Version=1, __Host-doorward_session=v",
            "=__Host-doorward_session=v",
            "__host-doorward_session=v",
            "__Host-doorward_session =v",
            "x__Host-doorward_session=v",
            "__Host-doorward_session",
        ] {
            assert_eq!(found(&[planted.as_bytes()]), None, "{planted:?}");
        }
        assert_eq!(
            found(&[b"__Host-doorward_session=v; __Host-doorward_session=w"]),
            None
        );
        assert_eq!(
            found(&[b"__Host-doorward_session=v", b"__Host-doorward_session=v"]),
            None
        );
        assert_eq!(
            found(&[b"__Host-doorward_session=\"v\""]),
            Some("\"v\"".into()),
            "quotes are part of the value"
        );
    }
}
