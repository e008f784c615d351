//! Mail: what is said, to whom, and how it leaves.
//!
//! Three promises hold here. An [`Address`] has one canonical form, and mail goes only where that
//! form points. A [`Notice`] holds no link, no image and nothing that a request brought along. And
//! mail leaves over verified TLS or not at all.
//!
//! Nothing here waits for a transaction or retries: that is the outbox, which calls a [`Mailer`].

mod address;
mod mailbox;
mod message;
mod notice;
mod smtp;

use futures_util::future::BoxFuture;

pub use address::{Address, NORM_VERSION, NotAnAddress};
pub use mailbox::Mailbox;
pub use message::{Message, Sender};
pub use notice::{Brand, Notice, Rendered};
pub(crate) use smtp::raw;
pub use smtp::{Misconfigured, Smtp};

/// Where messages are handed over.
pub trait Mailer: Send + Sync + 'static {
    /// Hands one message over; it may arrive twice when the answer is lost, never in part.
    ///
    /// As many are under way at once as `mail.smtp.connections` says, and the others wait for them: this should end in a minute.
    ///
    /// # Errors
    /// [`SendError::Temporary`] when a later try may succeed, [`SendError::Permanent`] when none will.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>>;
}

/// Why a message was not taken; for the log, without addresses, codes or any of the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The server is away, unproven, or asks to wait: try again later.
    #[error("not sent yet: {0}")]
    Temporary(String),
    /// The server refuses this message for good.
    #[error("not sent: {0}")]
    Permanent(String),
}
