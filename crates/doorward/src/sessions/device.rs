//! What a user agent string tells of the device: families only, never versions.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::OnceLock,
};

use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use woothee::parser::Parser;

/// The browser and system that a session was opened with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Device {
    /// The browser: `Chrome`, `Firefox`, `Safari`; null when unknown.
    pub browser: Option<&'static str>,
    /// The system: `Windows`, `macOS`, `iOS`, `Android`, `Linux`; null when unknown.
    pub os: Option<&'static str>,
    /// `desktop`, `mobile` or `other`.
    pub kind: &'static str,
}

impl Device {
    /// A device of which nothing is known.
    pub const UNKNOWN: Self = Self {
        browser: None,
        os: None,
        kind: "other",
    };

    /// Reads a user agent string.
    #[must_use]
    pub fn parse(user_agent: &str) -> Self {
        let Some(found) = Parser::new().parse(user_agent) else {
            return Self::UNKNOWN;
        };
        let kind = match found.category {
            "pc" => "desktop",
            "smartphone" | "mobilephone" => "mobile",
            _ => "other",
        };
        let browser = match found.name {
            "UNKNOWN" => None,
            "Internet Explorer" => Some("Internet Explorer"),
            "Edge" => Some("Edge"),
            "Chrome" => Some("Chrome"),
            "Safari" | "Mobile Safari" => Some("Safari"),
            "Firefox" => Some("Firefox"),
            "Opera" => Some("Opera"),
            "Samsung Browser" | "SamsungBrowser" => Some("Samsung Internet"),
            "Vivaldi" => Some("Vivaldi"),
            _ => (kind != "other").then_some("Another browser"),
        };
        let os = match found.os {
            os if os.starts_with("Windows") => Some("Windows"),
            "Mac OSX" => Some("macOS"),
            "iPhone" | "iPad" | "iPod" | "iOS" => Some("iOS"),
            "Android" => Some("Android"),
            "ChromeOS" => Some("ChromeOS"),
            "Linux" => Some("Linux"),
            _ => None,
        };
        Self { browser, os, kind }
    }
}

impl fmt::Display for Device {
    /// `Chrome on macOS`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.browser, self.os) {
            (Some(browser), Some(os)) => write!(f, "{browser} on {os}"),
            (Some(name), None) | (None, Some(name)) => f.write_str(name),
            (None, None) => f.write_str("Unknown device"),
        }
    }
}

/// A user agent string, and the device that it tells of, which is read when it is first asked for.
#[derive(Debug)]
pub struct UserAgent {
    text: Box<str>,
    device: OnceLock<Device>,
}

impl UserAgent {
    /// The string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The browser and system.
    #[must_use]
    pub fn device(&self) -> Device {
        *self.device.get_or_init(|| Device::parse(&self.text))
    }
}

impl Serialize for UserAgent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<T: Into<Box<str>>> From<T> for UserAgent {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            device: OnceLock::new(),
        }
    }
}

impl PartialEq for UserAgent {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for UserAgent {}

impl Hash for UserAgent {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_without_versions() {
        let chrome = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
        assert_eq!(Device::parse(chrome).to_string(), "Chrome on macOS");
        let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!(
            Device::parse(iphone),
            Device {
                browser: Some("Safari"),
                os: Some("iOS"),
                kind: "mobile"
            }
        );
        assert_eq!(Device::parse("").to_string(), "Unknown device");
        assert_eq!(Device::parse("curl/8.5.0").to_string(), "Unknown device");
    }
}
