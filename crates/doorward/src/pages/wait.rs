//! How long there is to wait, in words.

use super::texts::{Key, Texts};
use crate::time::Span;

/// A text with `$unit` (`seconds` or `minutes`) and `$count`: up to a minute and a half in seconds, beyond in minutes.
pub(super) fn text(t: &Texts, key: Key, wait: Span) -> String {
    let seconds = wait.as_seconds_ceil().max(1);
    let (unit, count) = if seconds <= 90 {
        ("seconds", seconds)
    } else {
        ("minutes", minutes(wait))
    };
    t.get(&key)
        .with("unit", unit)
        .with("count", count)
        .to_string()
}

/// Minutes, of which a begun one counts.
pub(super) fn minutes(span: Span) -> i64 {
    (span.as_seconds_ceil() + 59) / 60
}
