//! What the page after a redirect says once: "You're signed out."

use std::collections::BTreeMap;

use http::HeaderValue;
use serde::{Deserialize, Serialize};

use super::{
    cookies::Kept,
    signed,
    texts::{Key, Texts},
};
use crate::{Doorward, error::Result, time::Span};

/// Long enough for a slow redirect, too short to surprise anyone later.
const LIFETIME: Span = Span::minutes(2);

const PURPOSE: &str = "flash";

/// A text, and what it asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Flash {
    #[serde(rename = "k")]
    key: String,
    #[serde(rename = "a", default, skip_serializing_if = "BTreeMap::is_empty")]
    args: BTreeMap<String, String>,
    /// A number apart from them: the form of a text may hang on it.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
}

impl Flash {
    pub(super) fn new(key: Key) -> Self {
        Self {
            key: key.0.into(),
            args: BTreeMap::new(),
            count: None,
        }
    }

    /// Fills in a placeholder.
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.args.insert(name.into(), value.into());
        self
    }

    /// Fills in `$count`.
    pub(super) fn count(self, count: usize) -> Self {
        Self {
            count: Some(count),
            ..self
        }
    }

    /// Whether it is this text.
    pub(super) fn is(&self, key: Key) -> bool {
        key.is(&self.key)
    }

    /// What was filled in for a placeholder, or beside them.
    pub(super) fn arg(&self, name: &str) -> Option<&str> {
        self.args.get(name).map(String::as_str)
    }

    pub(super) fn text(&self, t: &Texts) -> String {
        let text = t.get(&self.key).with_all(&self.args);
        match self.count {
            Some(count) => text.with("count", count).to_string(),
            None => text.to_string(),
        }
    }

    pub(super) fn cookie(&self, doorward: &Doorward) -> Result<HeaderValue> {
        let until = doorward.clock.now() + LIFETIME;
        let value = signed::write(&doorward.keys.pages, PURPOSE, self, until);
        Kept::Flash.set(&doorward.config, &value, LIFETIME)
    }

    pub(super) fn read(doorward: &Doorward, value: &str) -> Option<Self> {
        signed::read(&doorward.keys.pages, PURPOSE, value, doorward.clock.now())
    }
}
