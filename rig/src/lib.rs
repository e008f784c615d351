//! What a server under test stands on, for `chaos` and `bench`: processes that end with the program which started them,
//! a PostgreSQL server in a folder, a mail server that takes everything, and a client that costs less than the server.

pub mod http;
pub mod postgres;
pub mod process;
pub mod smtp;

/// Its result: a sentence for whoever started the program.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why something could not be set up.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
