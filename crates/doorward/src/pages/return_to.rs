//! Where people go after they have signed in: a path here, or a page of an origin that is registered; nowhere else, so
//! that nobody can make a link to our sign-in end on a page of theirs.

use serde::{Deserialize, Serialize};

use crate::config::Config;

/// The longest that is kept: it travels in a cookie.
const LONGEST: usize = 1500;

/// A place that people may be sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct ReturnTo(String);

impl ReturnTo {
    /// A path of ours: a literal, or one that is known to be ours.
    pub(super) fn ours(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// Reads what a request names; `None` for what is neither a path of ours nor a page of a registered origin.
    ///
    /// Origins are compared as text. Nothing is parsed, decoded or corrected, so there is nothing that a browser could
    /// read in another way: what holds anything but printable ASCII, or a backslash, is refused before.
    pub(super) fn parse(config: &Config, text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
        if text.len() > LONGEST || !text.bytes().all(plain) {
            return None;
        }
        let of_origin = |origin: &str| {
            let rest = text.strip_prefix(origin)?;
            matches!(rest.bytes().next(), None | Some(b'/' | b'?' | b'#')).then_some(rest)
        };
        if text.starts_with('/') {
            return Self::path(text);
        }
        if let Some(rest) = of_origin(&config.public_url) {
            return if rest.starts_with('/') {
                Self::path(rest)
            } else {
                Self::path(&format!("/{rest}"))
            };
        }
        let registered = config
            .origins
            .iter()
            .any(|origin| of_origin(origin).is_some());
        registered.then(|| Self(text.to_owned()))
    }

    fn path(text: &str) -> Option<Self> {
        // Two slashes begin a host. The pages of signing in and out would lead in circles.
        let circles = ["/sign-in", "/sign-out"].iter().any(|page| {
            text.strip_prefix(page)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
        });
        (!text.starts_with("//") && !circles).then(|| Self(text.to_owned()))
    }

    /// Whether it is a page of another origin.
    pub(super) fn is_elsewhere(&self) -> bool {
        !self.0.starts_with('/')
    }

    /// The host of a page of another origin, to show to people.
    pub(super) fn host(&self) -> Option<&str> {
        let (_, rest) = self.0.split_once("://")?;
        rest.split(['/', '?', '#']).next()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        let config = Config {
            public_url: "https://auth.example.com".into(),
            origins: vec!["https://app.example.com:8443".into()],
            ..Config::default()
        };
        ReturnTo::parse(&config, text).map(|to| to.as_str().to_owned())
    }

    #[test]
    fn paths_and_registered_origins_are_kept() {
        for text in [
            "/",
            "/account",
            "/account?tab=1#top",
            "/a/b:c@d",
            "https://app.example.com:8443",
            "https://app.example.com:8443/",
            "https://app.example.com:8443/x?y=z#t",
            "https://app.example.com:8443?x",
        ] {
            assert_eq!(parsed(text).as_deref(), Some(text));
        }
        assert_eq!(
            parsed("https://auth.example.com/account").as_deref(),
            Some("/account")
        );
        assert_eq!(parsed("https://auth.example.com").as_deref(), Some("/"));
        assert_eq!(parsed("https://auth.example.com?x").as_deref(), Some("/?x"));
    }

    /// Item 112: nothing else is.
    #[test]
    fn everything_else_is_dropped() {
        for text in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " /account",
            "/account\r\nset-cookie: a=b",
            "/ä",
            "https:/evil.example",
            "https://evil.example",
            "https://app.example.com",
            "https://app.example.com:84430",
            "https://app.example.com:8443.evil.example",
            "https://app.example.com:8443@evil.example",
            "https://app.example.com:8443\\@evil.example",
            "HTTPS://app.example.com:8443/",
            "http://app.example.com:8443/",
            "https://auth.example.com//evil.example",
            "https://auth.example.com@evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "/sign-in",
            "/sign-in?return_to=/",
            "/sign-in/code",
            "/sign-out",
            "https://auth.example.com/sign-out",
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
        assert_eq!(parsed(&format!("/{}", "a".repeat(LONGEST))), None);
        assert_eq!(parsed("/sign-inside").as_deref(), Some("/sign-inside"));
    }
}
