//! Where the mail of a world goes.

use std::sync::{Mutex, PoisonError};

use futures_util::future::{self, BoxFuture};

use crate::mail::{Mailbox, Mailer, Message, SendError};

/// How the mail server of a world takes mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailServer {
    /// It takes it into the mailbox.
    Up,
    /// It is away, and may be back.
    Away,
    /// It answers nothing at all.
    Silent,
    /// It refuses every message for good.
    Refusing,
}

/// The mailbox, behind a mail server.
pub(super) struct Post {
    pub mailbox: Mailbox,
    pub server: Mutex<MailServer>,
}

impl Mailer for Post {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        let server = *self.server.lock().unwrap_or_else(PoisonError::into_inner);
        match server {
            MailServer::Up => self.mailbox.send(message),
            MailServer::Away => Box::pin(future::ready(Err(SendError::Temporary(
                "it is away".into(),
            )))),
            MailServer::Silent => Box::pin(future::pending()),
            MailServer::Refusing => {
                Box::pin(future::ready(Err(SendError::Permanent("refused".into()))))
            }
        }
    }
}

/// The mail of one address, newest first.
#[derive(Debug)]
pub struct Inbox(pub(super) Vec<Message>);

impl Inbox {
    /// The messages.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.0
    }

    /// The code in the newest message that holds one.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn code(&self) -> String {
        let code = self.0.iter().find_map(Message::code);
        code.expect("a message with a code").to_owned()
    }
}
