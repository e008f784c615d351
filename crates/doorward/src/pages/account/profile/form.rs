//! What is filled in on the profile, and what there is to choose from.

use serde::Deserialize;

use crate::{
    config::Locale,
    http::extract::CurrentUser,
    pages::{language::Language, texts::Key, visit::Visit},
    users::{Name, NotAName},
};

/// A field for one of the names.
pub(super) struct NameField<'a> {
    pub id: &'static str,
    pub label: Key,
    pub autocomplete: &'static str,
    pub value: &'a str,
    pub is_wrong: bool,
}

/// One of several to choose from.
pub(super) struct Choice<'a> {
    pub value: &'a str,
    pub label: String,
    pub is_chosen: bool,
}

/// What is filled in.
#[derive(Deserialize)]
pub(super) struct ProfileForm {
    pub first_name: String,
    pub last_name: String,
    /// The tag of a language; anything else leaves it to the browser.
    pub language: String,
    /// `light` or `dark`; anything else leaves it to the system.
    pub appearance: String,
    /// Whether to offer a passkey after signing in without one.
    #[serde(default)]
    pub offers: bool,
}

impl ProfileForm {
    pub(super) fn of(visit: &Visit, user: &CurrentUser, offers: bool) -> Self {
        let user = user.user();
        let language = visit.look.chosen.and_then(Language::locale).or(user.locale);
        Self {
            first_name: user.first_name.clone().unwrap_or_default(),
            last_name: user.last_name.clone().unwrap_or_default(),
            language: language
                .map_or("", |locale| Language::from(locale).tag())
                .to_owned(),
            appearance: visit.look.appearance.unwrap_or_default().to_owned(),
            offers,
        }
    }

    pub(super) fn locale(&self) -> Option<Locale> {
        Language::named(&self.language).and_then(Language::locale)
    }

    pub(super) fn appearance(&self) -> Option<&str> {
        Some(self.appearance.as_str()).filter(|word| matches!(*word, "light" | "dark"))
    }

    pub(super) fn names(&self) -> [NameField<'_>; 2] {
        [
            NameField {
                id: "first_name",
                label: Key("profile-first-name"),
                autocomplete: "given-name",
                value: &self.first_name,
                is_wrong: name(&self.first_name).is_err(),
            },
            NameField {
                id: "last_name",
                label: Key("profile-last-name"),
                autocomplete: "family-name",
                value: &self.last_name,
                is_wrong: name(&self.last_name).is_err(),
            },
        ]
    }

    pub(super) fn languages(&self, visit: &Visit) -> Vec<Choice<'_>> {
        let chosen = self.locale().map(Language::from);
        let automatic = Choice {
            value: "",
            label: visit.say(Key("profile-language-browser")),
            is_chosen: chosen.is_none(),
        };
        let offered = Language::OFFERED.map(|language| Choice {
            value: language.tag(),
            label: language.own_name().to_owned(),
            is_chosen: chosen == Some(language),
        });
        [automatic].into_iter().chain(offered).collect()
    }

    pub(super) fn appearances(&self, visit: &Visit) -> [Choice<'_>; 3] {
        let chosen = self.appearance().unwrap_or("system");
        [
            ("system", Key("profile-appearance-system")),
            ("light", Key("profile-appearance-light")),
            ("dark", Key("profile-appearance-dark")),
        ]
        .map(|(value, label)| Choice {
            value,
            label: visit.say(label),
            is_chosen: value == chosen,
        })
    }
}

/// A name as it was typed: none, where the field was left empty.
pub(super) fn name(typed: &str) -> Result<Option<Name>, NotAName> {
    if typed.trim().is_empty() {
        Ok(None)
    } else {
        Name::parse(typed).map(Some)
    }
}
