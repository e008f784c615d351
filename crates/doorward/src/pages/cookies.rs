//! The cookies of the pages, beside those that [`http::cookies`](crate::http::cookies) has: none of them opens anything.

use http::{HeaderMap, HeaderValue};

use crate::{config::Config, error::Result, http::cookies, time::Span};

/// A cookie of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// What the next page is to say.
    Flash,
    /// A sign-in that waits for its code.
    Attempt,
    /// A confirmation of who is signed in that waits for its code.
    Reauth,
    /// A new address that waits for its code.
    EmailChange,
    /// Who has signed in here, for the offer of a passkey.
    Memory,
    /// The language that was chosen.
    Language,
    /// Light or dark, if it was chosen.
    Appearance,
    /// How this browser signed in last: one word, so that the page can begin with it.
    LastMethod,
    /// That whoever has a single passkey knows what that means.
    OnePasskey,
}

impl Kept {
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Flash => ("doorward_flash", "__Host-doorward_flash"),
            Self::Attempt => ("doorward_attempt", "__Host-doorward_attempt"),
            Self::Reauth => ("doorward_reauth", "__Host-doorward_reauth"),
            Self::EmailChange => ("doorward_email_change", "__Host-doorward_email_change"),
            Self::Memory => ("doorward_memory", "__Host-doorward_memory"),
            Self::Language => ("doorward_language", "__Host-doorward_language"),
            Self::Appearance => ("doorward_appearance", "__Host-doorward_appearance"),
            Self::LastMethod => ("doorward_last_method", "__Host-doorward_last_method"),
            Self::OnePasskey => ("doorward_one_passkey", "__Host-doorward_one_passkey"),
        }
    }

    const fn name(self, config_is_https: bool) -> &'static str {
        let (plain, prefixed) = self.names();
        if config_is_https { prefixed } else { plain }
    }

    pub(super) fn find<'a>(self, config: &Config, headers: &'a HeaderMap) -> Option<&'a str> {
        cookies::find(headers, self.name(config.is_https())).one()
    }

    pub(super) fn set(self, config: &Config, value: &str, lifetime: Span) -> Result<HeaderValue> {
        cookies::page(config, self.name(config.is_https()), value, lifetime)
    }

    pub(super) fn clear(self, config: &Config) -> Result<HeaderValue> {
        self.set(config, "", Span::ZERO)
    }
}
