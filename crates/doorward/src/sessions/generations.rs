//! A bounded set for caches.

use std::{borrow::Borrow, collections::HashSet, hash::Hash, mem};

/// A bounded set that forgets what has not been used for longest, by halves: what was used lately is in the
/// young half; when that is full, it becomes the old half, and the old one is forgotten.
pub(super) struct Generations<T> {
    half: usize,
    young: HashSet<T>,
    old: HashSet<T>,
}

impl<T: Eq + Hash + Clone> Generations<T> {
    pub(super) fn new(half: usize) -> Self {
        Self {
            half,
            young: HashSet::new(),
            old: HashSet::new(),
        }
    }

    /// The one with this key, which is used.
    pub(super) fn get<K: Eq + Hash>(&mut self, key: &K) -> Option<T>
    where
        T: Borrow<K>,
    {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let value = self.old.take(key)?;
        self.insert(value.clone());
        Some(value)
    }

    pub(super) fn insert(&mut self, value: T) {
        if self.young.len() >= self.half && !self.young.contains(&value) {
            self.old = mem::take(&mut self.young);
        }
        self.old.remove(&value);
        self.young.replace(value);
    }

    pub(super) fn remove<K: Eq + Hash>(&mut self, key: &K)
    where
        T: Borrow<K>,
    {
        self.young.remove(key);
        self.old.remove(key);
    }

    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_memory_is_bounded() {
        let mut set = Generations::new(100);
        set.insert(0);
        for key in 1..10_000 {
            set.insert(key);
            assert!(set.get(&0).is_some(), "used all the time");
            assert!(set.len() <= 200);
        }
        assert!(set.get(&1).is_none());
    }
}
