//! What went wrong with a form, above it and at its field.

/// The summary of an error. Templates call it `alert` and include `alert.html`.
pub(super) struct Alert {
    pub text: String,
    /// The id of the field that it is about; the summary links there, and the field says the same.
    pub field: Option<&'static str>,
    /// What else there is to say.
    pub more: Option<String>,
}

impl Alert {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            field: None,
            more: None,
        }
    }

    pub(super) fn at(self, field: &'static str) -> Self {
        Self {
            field: Some(field),
            ..self
        }
    }

    pub(super) fn more(self, text: Option<String>) -> Self {
        Self { more: text, ..self }
    }
}
