//! Messages that this process has claimed, on their way out.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{AT_A_TIME, Waiting};
use crate::time::Timestamp;

/// Messages that this process has written and claimed, on their way out.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<VecDeque<Waiting>>,
    /// Whether the database is to be asked for what nobody is sending.
    look: AtomicBool,
    /// Whether this process sends no more: what waits is another's to send.
    ended: AtomicBool,
    /// Whoever delivers; others wait, and find delivered what they waited for.
    pub(super) turn: tokio::sync::Mutex<()>,
}

impl Queue {
    /// Beyond this many the rest stays in the database, to be taken in its turn.
    const MOST: usize = 1000;

    pub(super) fn push(&self, waiting: Waiting) {
        let mut queue = self.lock();
        if queue.len() < Self::MOST {
            queue.push_back(waiting);
        }
    }

    /// Puts messages before all others: they are older.
    pub(super) fn push_first(&self, claimed: impl DoubleEndedIterator<Item = Waiting>) {
        let mut queue = self.lock();
        for waiting in claimed.rev() {
            queue.push_front(waiting);
        }
    }

    /// Takes messages whose claim holds, when there is room for all that wait or for as many as one statement is about.
    pub(super) fn take(&self, room: usize, now: Timestamp) -> Vec<Waiting> {
        let mut queue = self.lock();
        let count = queue.len().min(AT_A_TIME);
        if room < count {
            return Vec::new();
        }
        std::iter::from_fn(|| queue.pop_front_if(|waiting| now < waiting.claimed_until))
            .take(count)
            .collect()
    }

    /// Has the database asked, the next time that there is nothing else to do, for messages that nobody is sending.
    pub(crate) fn look_again(&self) {
        self.look.store(true, Ordering::Relaxed);
    }

    /// Has what waits, and what comes, left to whoever claims it next.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Takes all messages, those whose claim has run out included.
    pub(super) fn drain(&self) -> VecDeque<Waiting> {
        std::mem::take(&mut *self.lock())
    }

    /// Whether the database is to be asked now: when there is nothing else to do, or a claim has run out before its message was
    /// taken. Such a message may be another's by now, and is claimed again or left alone.
    pub(super) fn is_to_look(&self, now: Timestamp) -> bool {
        let mut queue = self.lock();
        let mut ran_out = false;
        while queue
            .pop_front_if(|waiting| waiting.claimed_until <= now)
            .is_some()
        {
            ran_out = true;
        }
        ran_out || (queue.is_empty() && self.look.swap(false, Ordering::Relaxed))
    }

    /// A panic elsewhere leaves whole messages behind, so poison means nothing here.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
