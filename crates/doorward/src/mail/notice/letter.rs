//! How a notice is laid out, the same in plain text and in HTML.

use super::{super::message::one_line, Rendered};

/// The most characters that are shown of a name someone gave.
const LONGEST_NAME: usize = 64;

/// The words of a notice, before they are laid out.
pub(super) struct Letter<'a> {
    /// The language of the words, as BCP 47 names it.
    pub language: &'static str,
    pub subject: String,
    /// What to copy, before everything else.
    pub code: Option<&'a str>,
    pub paragraphs: Vec<String>,
}

impl Letter<'_> {
    /// The letter as text and as HTML.
    ///
    /// Every part is put on one line first, wherever it came from: a name cannot begin a paragraph.
    pub(super) fn lay_out(self) -> Rendered {
        let subject = one_line(&self.subject);
        let code = self.code.map(one_line);
        let paragraphs: Vec<String> = self
            .paragraphs
            .iter()
            .map(|paragraph| one_line(paragraph))
            .collect();
        let text = code
            .iter()
            .chain(&paragraphs)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n\n")
            + "\n";
        let code = code.iter().map(|code| {
            block(
                " font: 28px ui-monospace, Menlo, Consolas, monospace;",
                code,
            )
        });
        let body: String = code
            .chain(paragraphs.iter().map(|paragraph| block("", paragraph)))
            .collect();
        let html = format!(
            include_str!("../templates/letter.html"),
            language = self.language,
            subject = escape(&subject),
            body = body
        );
        Rendered {
            subject,
            text,
            html,
        }
    }
}

/// One paragraph in one unbroken piece of text: copying a code, and the detectors of mail programs, need it.
fn block(style: &str, text: &str) -> String {
    format!(
        "<p style=\"margin: 0 0 16px;{style}\">{}</p>\n",
        escape(text)
    )
}

/// A name that someone gave, cut to what can be a name.
pub(super) fn name(text: &str) -> String {
    let line = one_line(text);
    match line.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The text with nothing in it that HTML would read as markup.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}
