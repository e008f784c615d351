//! A bounded map for caches.

use std::{collections::HashMap, hash::Hash, mem};

/// A bounded map that forgets what has not been used for longest, by halves: what was used lately is in the
/// young half; when that is full, it becomes the old half, and the old one is forgotten.
pub(super) struct Generations<K, V> {
    half: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash + Copy, V: Clone> Generations<K, V> {
    pub(super) fn new(half: usize) -> Self {
        Self {
            half,
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    pub(super) fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let value = self.old.remove(key)?;
        self.insert(*key, value.clone());
        Some(value)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    pub(super) fn remove(&mut self, key: &K) {
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
