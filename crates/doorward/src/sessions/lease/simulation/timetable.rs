//! What happens next.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use super::run::Event;

/// What is to happen, in the order of time.
pub(super) struct Timetable {
    events: BinaryHeap<Reverse<Entry>>,
    entered: u64,
}

struct Entry {
    at: i64,
    number: u64,
    event: Event,
}

impl Timetable {
    pub(super) const fn new() -> Self {
        Self {
            events: BinaryHeap::new(),
            entered: 0,
        }
    }

    pub(super) fn enter(&mut self, at: i64, event: Event) {
        self.entered += 1;
        self.events.push(Reverse(Entry {
            at,
            number: self.entered,
            event,
        }));
    }

    pub(super) fn next(&mut self) -> Option<(i64, Event)> {
        let Reverse(entry) = self.events.pop()?;
        Some((entry.at, entry.event))
    }
}

impl Entry {
    const fn order(&self) -> (i64, u64) {
        (self.at, self.number)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}
