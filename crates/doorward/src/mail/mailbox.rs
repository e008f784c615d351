//! A mailbox in memory, for development and tests.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::{self, BoxFuture};
use tokio::sync::watch;

use super::{Address, Mailer, Message, SendError};

/// How many messages are kept; the oldest makes room.
const KEPT: usize = 500;

/// Keeps messages in memory instead of sending them; its clones are the same mailbox.
///
/// Shows every code to whoever can read it: never for more than one's own machine.
#[derive(Clone, Default)]
pub struct Mailbox(Arc<Inner>);

#[derive(Default)]
struct Inner {
    messages: Mutex<VecDeque<Message>>,
    /// How often they have changed.
    changes: watch::Sender<u64>,
}

impl Mailbox {
    /// An empty mailbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The last 500 messages, newest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.lock().iter().cloned().collect()
    }

    /// Those to one address in any of its spellings, newest first; none when it is not an address.
    #[must_use]
    pub fn to(&self, address: &str) -> Vec<Message> {
        let Ok(address) = Address::parse(address) else {
            return Vec::new();
        };
        self.lock()
            .iter()
            .filter(|message| message.to == address)
            .cloned()
            .collect()
    }

    /// One message, by its id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Message> {
        self.lock().iter().find(|message| message.id == id).cloned()
    }

    /// Forgets all messages.
    pub fn clear(&self) {
        self.lock().clear();
        self.changed();
    }

    /// How often it has changed, to be looked at and waited for.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    fn changed(&self) {
        self.0.changes.send_modify(|count| *count += 1);
    }

    /// A panic elsewhere leaves a list of whole messages behind, so poison means nothing here.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Message>> {
        self.0
            .messages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailer for Mailbox {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        let mut messages = self.lock();
        messages.push_front(message.clone());
        messages.truncate(KEPT);
        drop(messages);
        self.changed();
        Box::pin(future::ready(Ok(())))
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({} messages)", self.lock().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    async fn deliver(mailbox: &Mailbox, number: usize, to: &str) {
        let message = Message {
            id: number.to_string(),
            to: Address::parse(to).unwrap(),
            subject: String::new(),
            text: String::new(),
            html: String::new(),
            at: Timestamp::from_millis(0),
        };
        mailbox.send(&message).await.unwrap();
    }

    fn ids(messages: Vec<Message>) -> Vec<String> {
        messages.into_iter().map(|message| message.id).collect()
    }

    #[tokio::test]
    async fn the_newest_message_comes_first_in_any_spelling() {
        let mailbox = Mailbox::new();
        deliver(&mailbox, 1, "ada@example.com").await;
        deliver(&mailbox, 2, "bob@example.com").await;
        deliver(&mailbox.clone(), 3, "Ada@Example.com").await;

        assert_eq!(ids(mailbox.messages()), ["3", "2", "1"]);
        assert_eq!(ids(mailbox.to("ADA@example.com")), ["3", "1"]);
        assert_eq!(ids(mailbox.to("nobody")), [""; 0]);

        mailbox.clear();
        assert_eq!(ids(mailbox.messages()), [""; 0]);
    }

    #[tokio::test]
    async fn changes_are_told_to_whoever_waits() {
        let mailbox = Mailbox::new();
        let mut changes = mailbox.changes();
        assert_eq!(*changes.borrow_and_update(), 0);

        deliver(&mailbox, 1, "ada@example.com").await;
        assert!(changes.has_changed().unwrap());
        assert_eq!(*changes.borrow_and_update(), 1);
        mailbox.clear();
        assert_eq!(*changes.borrow_and_update(), 2);
    }

    #[tokio::test]
    async fn a_full_mailbox_forgets_the_oldest() {
        let mailbox = Mailbox::new();
        for number in 0..=KEPT {
            deliver(&mailbox, number, "ada@example.com").await;
        }

        let kept = ids(mailbox.messages());

        assert_eq!(
            (kept.len(), kept[0].as_str(), kept[KEPT - 1].as_str()),
            (500, "500", "1")
        );
    }
}
