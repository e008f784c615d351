//! How a transaction on a server is closed: by what comes last in it, and by what is waited for after it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use futures_util::future::BoxFuture;

use super::Tx;
use crate::error::Result;

/// Work that comes last in a transaction.
pub(super) type Last = Box<dyn FnOnce(Tx) -> BoxFuture<'static, Result<()>> + Send>;

/// What a transaction is closed by.
#[derive(Default)]
pub(super) struct Closing {
    last: Mutex<BTreeMap<(u8, usize), Last>>,
    waits: Mutex<Vec<BoxFuture<'static, ()>>>,
}

impl Closing {
    pub(super) fn last(&self, order: u8, work: Last) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let number = last.len();
        last.insert((order, number), work);
    }

    pub(super) fn wait(&self, wait: BoxFuture<'static, ()>) {
        self.waits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(wait);
    }

    /// Does what comes last.
    pub(super) async fn work(&self, tx: &Tx) -> Result<()> {
        let last = std::mem::take(&mut *self.last.lock().unwrap_or_else(PoisonError::into_inner));
        for work in last.into_values() {
            work(tx.clone()).await?;
        }
        Ok(())
    }

    /// Waits for what is to be waited for.
    pub(super) async fn rest(&self) {
        let waits = std::mem::take(&mut *self.waits.lock().unwrap_or_else(PoisonError::into_inner));
        futures_util::future::join_all(waits).await;
    }
}
