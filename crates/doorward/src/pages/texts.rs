//! What pages say, in every language: the catalogues `locales/*.ftl`, as [Fluent](https://projectfluent.org) has them.
//!
//! English is the source, and its catalogue is the list of what there is to say; a test holds the others against it and
//! all of them against the pages.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::OnceLock};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};

use super::language::Language;
use crate::Doorward;

type Bundle = FluentBundle<FluentResource>;

/// The catalogues. Each is read when it is first asked for: most servers speak one language, and none the pseudo-languages.
#[derive(Default)]
pub(crate) struct Catalogues {
    english: OnceLock<Bundle>,
    german: OnceLock<Bundle>,
    accented: OnceLock<Bundle>,
    mirrored: OnceLock<Bundle>,
}

impl Catalogues {
    fn of(&self, language: Language) -> &Bundle {
        let (read, catalogue, transform) = match language {
            Language::En => (&self.english, ENGLISH, None),
            Language::De => (&self.german, GERMAN, None),
            Language::EnXa => (&self.accented, ENGLISH, Some(accent as Transform)),
            Language::ArXb => (&self.mirrored, ENGLISH, Some(mirror as Transform)),
        };
        read.get_or_init(|| {
            let mut bundle = bundle(language, catalogue);
            bundle.set_transform(transform);
            bundle
        })
    }
}

const ENGLISH: &str = include_str!("locales/en.ftl");
const GERMAN: &str = include_str!("locales/de.ftl");

type Transform = fn(&str) -> Cow<'_, str>;

fn bundle(language: Language, catalogue: &str) -> Bundle {
    let locale = language.tag().parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![locale]);
    // Marks around what is filled in are needed only where it runs against the text.
    bundle.set_use_isolating(language.dir() == "rtl");
    // What cannot be read of a catalogue is missing from it, and a test finds what is missing.
    let (Ok(resource) | Err((resource, _))) = FluentResource::try_new(catalogue.to_owned());
    let _ = bundle.add_resource(resource);
    bundle
}

/// A pseudo-language: English that is longer and looks foreign, to find what does not fit or was not translated.
fn accent(text: &str) -> Cow<'_, str> {
    let mut accented = String::with_capacity(text.len() * 2);
    for letter in text.chars() {
        match "aeiouycnsAEIOUYCNS".find(letter) {
            Some(at) => {
                let foreign = "áéíóúýçñšÁÉÍÓÚÝÇÑŠ".chars().nth(at).unwrap_or(letter);
                accented.push(foreign);
                if at < 5 {
                    accented.push(foreign);
                }
            }
            None => accented.push(letter),
        }
    }
    accented.into()
}

/// A pseudo-language that runs from right to left.
fn mirror(text: &str) -> Cow<'_, str> {
    format!("\u{202e}{text}\u{202c}").into()
}

/// The name of a text: `sign-in-title`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(pub &'static str);

impl Key {
    pub(super) fn is(self, name: &str) -> bool {
        self.0 == name
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        self.0
    }
}

/// The texts of one language. Templates call it `t`.
#[derive(Clone)]
pub(crate) struct Texts {
    doorward: Doorward,
    language: Language,
}

impl Texts {
    pub(super) fn new(doorward: &Doorward, language: Language) -> Self {
        Self {
            doorward: doorward.clone(),
            language,
        }
    }

    pub(super) const fn language(&self) -> Language {
        self.language
    }

    /// A text, to which [`with`](Text::with) gives what it asks for: `t.get("code-sent").with("email", address)`.
    pub(super) fn get<'a>(&'a self, key: &'a (impl AsRef<str> + ?Sized)) -> Text<'a> {
        Text {
            texts: self,
            key: key.as_ref(),
            args: FluentArgs::new(),
        }
        // Every text may name the application.
        .with("app", self.doorward.config.app_name.as_str())
    }
}

/// A text, being written.
pub(super) struct Text<'a> {
    texts: &'a Texts,
    key: &'a str,
    args: FluentArgs<'a>,
}

/// Stands where [`Text::around`] cuts; no text holds it.
const CUT: &str = "\u{fffc}";

impl<'a> Text<'a> {
    /// Fills in a placeholder.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<FluentValue<'a>>) -> Self {
        self.args.set(name, value);
        self
    }

    /// Fills in placeholders.
    pub(super) fn with_all(mut self, values: &'a BTreeMap<String, String>) -> Self {
        for (name, value) in values {
            self.args.set(name.as_str(), value.as_str());
        }
        self
    }

    /// What stands before and after a placeholder, for a template that has an element to put there.
    pub(super) fn around(self, name: &'static str) -> (String, String) {
        let whole = self.with(name, CUT).to_string();
        match whole.split_once(CUT) {
            Some((before, after)) => (before.to_owned(), after.to_owned()),
            None => (whole, String::new()),
        }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bundle = self.texts.doorward.pages.catalogues.of(self.texts.language);
        let pattern = bundle.get_message(self.key).and_then(|text| text.value());
        let Some(pattern) = pattern else {
            return f.write_str(self.key);
        };
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&self.args), &mut errors);
        f.write_str(&text)
    }
}
