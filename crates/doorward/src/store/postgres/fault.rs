//! What PostgreSQL's errors mean for whoever meets them.

use std::{error::Error as _, fmt};

use tokio_postgres::error::{DbError, Severity};

use crate::error::Error;

/// Why a statement failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// Another transaction was in the way. The whole of this one may be tried again.
    Conflict(Error),
    /// The connection is gone or of no use, and with it all that it had not committed.
    Lost(Error),
    /// The statement failed, and would fail again.
    Failed(Error),
}

impl Fault {
    pub(super) fn of(error: &tokio_postgres::Error, sql: &str) -> Self {
        match error.as_db_error() {
            Some(told) => Self::told(told, sql),
            None => Self::Lost(Error::Unavailable(in_full(error).into())),
        }
    }

    fn told(error: &DbError, sql: &str) -> Self {
        let code = error.code().code();
        // Details are left out: they may quote what is in a row.
        let said = format!("{code}: {}", error.message());
        let unavailable = |said: String| Error::Unavailable(said.into());
        match code {
            // A serialisation failure; a deadlock. A statement whose forerunner has failed: if nobody has heard of what, it may
            // have been one of the two.
            "40001" | "40P01" | "25P02" => Self::Conflict(unavailable(said)),
            // A row that was read in this transaction and deleted by another before it was referred to. If it was never
            // there, that is a defect, and found out by trying again.
            "23503" => Self::Conflict(Error::Internal(format!("{said} in: {sql}").into())),
            // What was prepared is no longer so, because the schema has moved on; a primary that is one no more; an
            // outcome that the server does not know.
            "0A000" | "26000" | "25006" | "40003" => Self::Lost(unavailable(said)),
            _ if is_fatal(error) || code.starts_with("08") || code.starts_with("57P") => {
                Self::Lost(unavailable(said))
            }
            // Data, constraints, syntax: a statement of ours that cannot be right.
            _ if ["22", "23", "42"]
                .iter()
                .any(|class| code.starts_with(class)) =>
            {
                Self::Failed(Error::Internal(format!("{said} in: {sql}").into()))
            }
            _ => Self::Failed(unavailable(said)),
        }
    }

    pub(super) fn silent() -> Self {
        Self::Lost(Error::Unavailable("the database does not answer".into()))
    }

    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Conflict(error) | Fault::Lost(error) | Fault::Failed(error) => error,
        }
    }
}

/// After which the server closes the connection.
pub(super) fn is_fatal(error: &DbError) -> bool {
    matches!(
        error.parsed_severity(),
        Some(Severity::Fatal | Severity::Panic)
    )
}

/// An error with its causes, which the driver's own words leave out.
pub(super) fn in_full(error: &tokio_postgres::Error) -> String {
    use fmt::Write;
    if let Some(told) = error.as_db_error() {
        return format!("{}: {}", told.code().code(), told.message());
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string does not fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
