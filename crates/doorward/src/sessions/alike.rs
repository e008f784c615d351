//! Values of which many are alike, each kept once: user agents, and what people may do.

use std::{
    collections::HashSet,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// The values that are known.
pub(super) struct Alike<T>(Mutex<HashSet<Arc<T>>>);

impl<T> Default for Alike<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Eq + Hash> Alike<T> {
    /// Beyond this many, all are met anew: those that are in use live on where they are.
    const MOST: usize = 1024;

    /// The one that is kept of all that equal this.
    pub(super) fn one(&self, value: Arc<T>) -> Arc<T> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&value) {
            return Arc::clone(known);
        }
        if known.len() == Self::MOST {
            known.clear();
        }
        known.insert(Arc::clone(&value));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_is_kept_once_and_never_too_much() {
        let alike = Alike::default();
        let first = alike.one(Arc::new(0));

        assert!(Arc::ptr_eq(&first, &alike.one(Arc::new(0))));
        for value in 1..10_000 {
            alike.one(Arc::new(value));
            assert!(alike.0.lock().unwrap().len() <= Alike::<i32>::MOST);
        }
    }
}
