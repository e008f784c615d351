//! Faults that tests inject: a statement, or the commit, that fails or panics.

use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

/// What happens at the point of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The database is unreachable.
    Unavailable,
    /// The code panics.
    Panic,
}

/// The faults of one database.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Option<Armed>>);

#[derive(Debug)]
struct Armed {
    needle: String,
    fault: Fault,
    once: bool,
}

impl Faults {
    /// Strikes every statement that contains this text, until [`clear`](Self::clear)ed. `commit` is a statement too.
    pub fn arm(&self, needle: &str, fault: Fault) {
        self.set(Some(Armed {
            needle: needle.into(),
            fault,
            once: false,
        }));
    }

    /// Strikes the next statement that contains this text.
    pub fn arm_once(&self, needle: &str, fault: Fault) {
        self.set(Some(Armed {
            needle: needle.into(),
            fault,
            once: true,
        }));
    }

    /// No more faults.
    pub fn clear(&self) {
        self.set(None);
    }

    fn set(&self, armed: Option<Armed>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = armed;
    }

    #[expect(clippy::panic, reason = "the fault that the test asked for")]
    pub(super) fn strike(&self, sql: &str) -> Result<()> {
        let mut armed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(hit) = armed.as_ref().filter(|armed| sql.contains(&armed.needle)) else {
            return Ok(());
        };
        let fault = hit.fault;
        if hit.once {
            *armed = None;
        }
        drop(armed);
        match fault {
            Fault::Unavailable => Err(Error::Unavailable("a fault was injected".into())),
            Fault::Panic => panic!("a fault was injected"),
        }
    }
}
