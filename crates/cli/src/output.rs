//! The one place that prints: answers on standard output, failures on standard error, as text or as JSON.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;

/// How answers are given.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Output {
    Text,
    Json,
}

impl Output {
    /// Gives an answer: the value to programs, the text to people.
    pub(crate) fn answer(
        self,
        value: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        match self {
            Self::Text => write_text(&mut io::stdout().lock(), &text()),
            Self::Json => write_json(&mut io::stdout().lock(), value),
        }
        .map_err(Failure::Output)
    }

    /// Says why a command failed; the code to exit with.
    pub(crate) fn end(self, result: Result<(), Failure>) -> ExitCode {
        let Err(failure) = result else {
            return ExitCode::SUCCESS;
        };
        let code = match &failure {
            // Who asked has read enough; what was to be done is done.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return ExitCode::SUCCESS;
            }
            Failure::Told => return ExitCode::from(1),
            Failure::Configuration(_) => 2,
            Failure::Refused { .. } | Failure::Output(_) => 1,
        };
        let mut stderr = io::stderr().lock();
        // Where nothing can be written any more, the exit code has to do.
        let _ = match self {
            Self::Text => write_text(&mut stderr, &format!("doorward: {failure}")),
            Self::Json => write_json(&mut stderr, &json!({ "error": as_json(&failure) })),
        };
        ExitCode::from(code)
    }
}

fn as_json(failure: &Failure) -> serde_json::Value {
    match failure {
        Failure::Configuration(problems) => {
            json!({ "code": "configuration", "problems": problems })
        }
        Failure::Refused { code, message } => json!({ "code": code, "message": message }),
        Failure::Told | Failure::Output(_) => {
            json!({ "code": "output", "message": failure.to_string() })
        }
    }
}

fn write_json(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    writeln!(to, "{text}")
}

/// Writes lines of text, in which nothing speaks to the terminal: names and addresses come from strangers.
fn write_text(to: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(to, "{}", plain(text.trim_end()))
}

/// The text with the characters escaped that speak to the terminal or turn what stands beside them; lines still end.
pub(crate) fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_unsafe = |c: char| c != '\n' && (c.is_control() || turns(c));
    if !text.contains(is_unsafe) {
        return text.to_owned();
    }
    text.chars()
        .map(|c| {
            if is_unsafe(c) {
                c.escape_unicode().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

/// Rows under a heading, in columns as wide as they must be.
pub(crate) fn table<const N: usize>(
    heading: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut lines = vec![heading.map(str::to_owned)];
    // A line break in a value would make a row that nobody wrote.
    lines.extend(
        rows.into_iter()
            .map(|row| row.map(|cell| plain(&cell).replace('\n', "\\n"))),
    );
    let mut widths = [0; N];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let text: Vec<String> = lines
        .iter()
        .map(|line| {
            let cells: Vec<String> = line
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect();
    text.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Item 134: what strangers chose cannot speak to the terminal of whoever reads it.
    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        assert_eq!(
            plain("a\u{1b}[31mb\r\nc\u{202e}"),
            "a\\u{1b}[31mb\\u{d}\nc\\u{202e}"
        );
        assert_eq!(plain("Grüße\n"), "Grüße\n");
    }

    #[test]
    fn a_value_stays_in_its_row() {
        let text = table(
            ["NAME", "ROLE"],
            [
                ["a\nb".into(), "admin".into()],
                ["äöü".into(), String::new()],
            ],
        );
        assert_eq!(text, "NAME  ROLE\na\\nb  admin\näöü");
    }
}
