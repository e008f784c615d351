//! What goes wrong in the harness itself.

/// Its result: a sentence for whoever started it.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why the harness could not do its work.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
