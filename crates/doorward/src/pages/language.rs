//! In which language a page speaks: `?lang=`, else the cookie that an earlier `?lang=` left, else the profile, else
//! `Accept-Language`, else the configuration.

use http::{HeaderMap, header};

use crate::config::Locale;

/// A language of the pages: those that Doorward speaks, and two made of English to test with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    En,
    De,
    /// Longer than English, with accents.
    EnXa,
    /// From right to left.
    ArXb,
}

impl Language {
    /// Those that are offered.
    pub(super) const OFFERED: [Self; 2] = [Self::En, Self::De];

    /// The language tag (BCP 47).
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::EnXa => "en-XA",
            Self::ArXb => "ar-XB",
        }
    }

    /// What it calls itself.
    pub(super) const fn own_name(self) -> &'static str {
        match self {
            Self::En | Self::EnXa | Self::ArXb => "English",
            Self::De => "Deutsch",
        }
    }

    pub(super) const fn dir(self) -> &'static str {
        match self {
            Self::ArXb => "rtl",
            _ => "ltr",
        }
    }

    /// The one that a profile can hold, if it is offered.
    pub(super) const fn locale(self) -> Option<Locale> {
        match self {
            Self::En => Some(Locale::En),
            Self::De => Some(Locale::De),
            Self::EnXa | Self::ArXb => None,
        }
    }

    /// The language with exactly this tag.
    pub(super) fn named(tag: &str) -> Option<Self> {
        [Self::En, Self::De, Self::EnXa, Self::ArXb]
            .into_iter()
            .find(|language| tag.eq(language.tag()))
    }

    /// The one that a browser likes best of those that are offered.
    ///
    /// The order of the header counts, as browsers write it; its weights are not read.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let accepted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        accepted.split(',').find_map(|each| {
            let tag = each.split([';', '-']).next()?.trim();
            let mut offered = Self::OFFERED.into_iter();
            offered.find(|language| language.tag().eq_ignore_ascii_case(tag))
        })
    }
}

impl From<Locale> for Language {
    fn from(locale: Locale) -> Self {
        match locale {
            Locale::En => Self::En,
            Locale::De => Self::De,
        }
    }
}
