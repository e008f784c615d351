//! Why a command ends without having done what was asked.

use std::{fmt, io};

use crate::problems::Problems;

/// Why a command ends without having done what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The configuration cannot be used. Exit code 2.
    Configuration(Problems),
    /// It was refused or did not work out. Exit code 1.
    Refused {
        /// For programs: the code of the API where there is one.
        code: &'static str,
        /// For people: what happened, and what to do.
        message: String,
    },
    /// The answer has told already. Exit code 1.
    Told,
    /// The answer could not be written.
    Output(io::Error),
}

impl Failure {
    /// A refusal of the command line itself.
    pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused {
            code,
            message: message.into(),
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Configuration(problems)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<doorward::Error> for Failure {
    fn from(error: doorward::Error) -> Self {
        let (_, code) = error.answer();
        // Whoever runs the command owns the machine: unlike a client, they are told the cause.
        let message = match &error {
            doorward::Error::Internal(cause) | doorward::Error::Unavailable(cause) => {
                in_full(cause.as_ref())
            }
            other => other.to_string(),
        };
        Self::Refused { code, message }
    }
}

/// An error with its causes, each named once.
fn in_full(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) && !more.contains(&text) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(problems) => problems.fmt(f),
            Self::Refused { message, .. } => f.write_str(message),
            Self::Told => Ok(()),
            Self::Output(error) => write!(f, "the answer could not be written: {error}"),
        }
    }
}
