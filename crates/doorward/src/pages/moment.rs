//! When something was, for a page: in UTC as the server writes it; `account.js` says it as people do, where they are.

use std::fmt;

use askama::filters::HtmlSafe;

use crate::time::Timestamp;

/// How a script is to say a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// "2 hours ago".
    Relative,
    /// "3 May 2026".
    Date,
    /// "3 May 2026 at 10:20".
    Full,
}

/// A moment, as a `<time>`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    at: Timestamp,
    form: Form,
}

impl Moment {
    pub(super) const fn new(at: Timestamp, form: Form) -> Self {
        Self { at, form }
    }
}

/// It is all ours: digits and letters of a date.
impl HtmlSafe for Moment {}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iso = self.at.to_string();
        let (date, time) = (&iso[..10], &iso[11..16]);
        let form = match self.form {
            Form::Relative => "",
            Form::Date => "date",
            Form::Full => "full",
        };
        write!(f, r#"<time datetime="{iso}" data-time="{form}">{date}"#)?;
        if self.form != Form::Date {
            write!(f, " {time} UTC")?;
        }
        f.write_str("</time>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_by_machines_and_by_people() {
        let at = Timestamp::from_millis(1_777_803_630_400);
        assert_eq!(
            Moment::new(at, Form::Relative).to_string(),
            r#"<time datetime="2026-05-03T10:20:30.400Z" data-time="">2026-05-03 10:20 UTC</time>"#
        );
        assert_eq!(
            Moment::new(at, Form::Date).to_string(),
            r#"<time datetime="2026-05-03T10:20:30.400Z" data-time="date">2026-05-03</time>"#
        );
        assert_eq!(
            Moment::new(at, Form::Full).to_string(),
            r#"<time datetime="2026-05-03T10:20:30.400Z" data-time="full">2026-05-03 10:20 UTC</time>"#
        );
    }
}
