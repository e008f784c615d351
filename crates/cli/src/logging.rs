//! The log: what Doorward does, for whoever runs it, on standard error.

use std::io::{self, IsTerminal, Write};

use doorward::config::{Log, LogFormat};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Whether the text says what to log.
pub(crate) fn check(level: &str) -> Result<(), String> {
    targets(level).map(drop)
}

/// Writes the log from here on.
pub(crate) fn start(log: &Log) {
    let Ok(targets) = targets(&log.level) else {
        return;
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(Lines)
        .with_ansi(io::stderr().is_terminal());
    let lines = match log.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed(),
    };
    // Fails only where a log is being written already.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .try_init();
}

/// What is logged. A level alone is that of Doorward: what others say in detail can hold what goes over the wire.
fn targets(level: &str) -> Result<Targets, String> {
    let wrong = || {
        "expected error, warn, info, debug or trace, or a list such as info,doorward=debug"
            .to_owned()
    };
    let mut targets = Targets::new();
    for part in level.split(',').map(str::trim) {
        targets = match part.split_once('=') {
            // The parser takes an empty text for a level.
            _ if part.is_empty() || part.ends_with('=') => return Err(wrong()),
            None => {
                let level: LevelFilter = part.parse().map_err(|_| wrong())?;
                targets
                    .with_default(level.min(LevelFilter::INFO))
                    .with_target("doorward", level)
            }
            Some(("", _)) => return Err(wrong()),
            Some((target, level)) => {
                targets.with_target(target, level.parse::<LevelFilter>().map_err(|_| wrong())?)
            }
        };
    }
    Ok(targets)
}

/// Standard error, on which one event is one line whatever it holds.
struct Lines;

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl Write for Lines {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(&one_line(event))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The event without line breaks, but the one at its end. (Escape sequences are the formatter's to escape: its own
/// colours are some.)
fn one_line(event: &[u8]) -> Vec<u8> {
    let text = event.strip_suffix(b"\n").unwrap_or(event);
    let mut line = Vec::with_capacity(event.len());
    for &byte in text {
        match byte {
            b'\n' => line.extend(b"\\n"),
            b'\r' => line.extend(b"\\r"),
            byte => line.push(byte),
        }
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    /// Item 134: one event is one line.
    #[test]
    fn an_event_cannot_forge_another() {
        assert_eq!(one_line(b"INFO a\r\nINFO b\n"), b"INFO a\\r\\nINFO b\n");
    }

    #[test]
    fn a_level_alone_is_that_of_doorward() {
        let targets = targets("debug").unwrap();
        assert!(targets.would_enable("doorward::sessions", &Level::DEBUG));
        assert!(!targets.would_enable("h2::codec", &Level::DEBUG));
        assert!(targets.would_enable("h2::codec", &Level::INFO));
    }

    #[test]
    fn a_list_says_more() {
        let targets = targets("warn, doorward::mail=trace,h2=debug").unwrap();
        assert!(targets.would_enable("doorward::mail", &Level::TRACE));
        assert!(!targets.would_enable("doorward::sessions", &Level::INFO));
        assert!(targets.would_enable("h2::codec", &Level::DEBUG));
    }

    #[test]
    fn what_is_no_level_is_refused() {
        for level in ["", "inf", "doorward=loud", "=info", "info,"] {
            assert!(check(level).is_err(), "{level}");
        }
    }
}
