//! Sessions in memory, so that a check costs no statement.
//!
//! An entry is dropped after the commit that changes its truth and before anyone is told of that commit.
//! A fill that read the database before such a commit must not undo it: every shard counts its
//! invalidations, a fill takes the count before it reads, and is thrown away if the count has moved.
//! Entries live until they are dropped or make room; use never makes them truer.

use std::{
    collections::HashMap,
    hash::Hash,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Live, Person};
use crate::ids::{SessionId, UserId};

const SHARDS: usize = 64;

/// The sessions in memory.
pub(crate) struct Cache(Vec<Mutex<Shard>>);

struct Shard {
    invalidations: u64,
    sessions: Generations<SessionId, Arc<Live>>,
    people: Generations<UserId, Arc<Person>>,
}

/// The count of invalidations that a fill takes before it reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket(u64);

impl Cache {
    pub(crate) fn new(entries: usize) -> Self {
        let half = (entries / SHARDS / 2).max(1);
        let shard = || Shard {
            invalidations: 0,
            sessions: Generations::new(half),
            people: Generations::new(half),
        };
        Self((0..SHARDS).map(|_| Mutex::new(shard())).collect())
    }

    /// The session and its person, when both are in memory.
    pub(crate) fn get(&self, id: &SessionId) -> Option<(Arc<Live>, Arc<Person>)> {
        let mut shard = self.shard(id.shard());
        let live = shard.sessions.get(id)?;
        let person = shard.people.get(&live.session.user_id)?;
        Some((live, person))
    }

    /// To be taken before the read that fills.
    pub(crate) fn ticket(&self, id: &SessionId) -> Ticket {
        Ticket(self.shard(id.shard()).invalidations)
    }

    /// Keeps what was read, unless something in its shard was invalidated since the ticket was taken.
    pub(crate) fn fill(&self, ticket: Ticket, live: &Arc<Live>, person: &Arc<Person>) {
        let mut shard = self.shard(live.session.id.shard());
        if shard.invalidations == ticket.0 {
            shard.sessions.insert(live.session.id, Arc::clone(live));
            shard
                .people
                .insert(person.account.user.id, Arc::clone(person));
        }
    }

    pub(crate) fn forget_session(&self, id: &SessionId) {
        let mut shard = self.shard(id.shard());
        shard.invalidations += 1;
        shard.sessions.remove(id);
    }

    /// Forgets who the user is; the user's sessions are read again with the new epoch, roles and profile.
    pub(crate) fn forget_user(&self, user: &UserId) {
        let mut shard = self.shard(user.shard());
        shard.invalidations += 1;
        shard.people.remove(user);
    }

    pub(crate) fn forget_everyone(&self) {
        for shard in &self.0 {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.invalidations += 1;
            shard.sessions.clear();
            shard.people.clear();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0
            .iter()
            .map(|shard| {
                shard
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .sessions
                    .len()
            })
            .sum()
    }

    fn shard(&self, shard: u8) -> MutexGuard<'_, Shard> {
        self.0[usize::from(shard) % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bounded map that forgets what has not been used for longest, by halves: what was used lately is in the
/// young half; when that is full, it becomes the old half, and the old one is forgotten.
struct Generations<K, V> {
    half: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash + Copy, V: Clone> Generations<K, V> {
    fn new(half: usize) -> Self {
        Self {
            half,
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let value = self.old.remove(key)?;
        self.insert(*key, value.clone());
        Some(value)
    }

    fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }

    fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_memory_is_bounded() {
        let mut map = Generations::new(100);
        map.insert(0, ());
        for key in 1..10_000 {
            map.insert(key, ());
            assert!(map.get(&0).is_some(), "used all the time");
            assert!(map.len() <= 200);
        }
        assert!(map.get(&1).is_none());
    }
}
