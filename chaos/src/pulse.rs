//! The pulse of the database: a commit of the harness's own, again and again, past all nodes.
//!
//! A node that cannot confirm a commit is cut off from its database, and lives on until its ceiling. Faults of our own
//! are known; what a busy disk does to a checkpoint is not. While no commit of ours is confirmed either, it is not the
//! node that is slow.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use doorward_rig::postgres::{connect, url};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_postgres::Client;

use crate::{
    checkers::DATABASE,
    failure::Result,
    history::{Fault, micros},
    proxy::Proxy,
    workload::World,
};

/// From one beat to the next.
const REST: Duration = Duration::from_millis(100);
/// A commit that takes longer is told of: half of a lease.
const SLOW: Duration = Duration::from_millis(500);
/// For how long one is waited for, before another connection is tried.
const PATIENCE: Duration = Duration::from_secs(2);

/// Writes to the log and waits until that is confirmed, as a commit of anything is; leaves nothing behind.
const BEAT: &str = "select pg_logical_emit_message(true, 'pulse', '')";

/// Feels the pulse for as long as it is kept.
pub(crate) struct Pulse {
    /// Its way to the database, which nobody disturbs.
    pub proxy: Proxy,
    beats: watch::Receiver<u64>,
    feeling: JoinHandle<()>,
}

impl Pulse {
    pub(crate) async fn feel(database: SocketAddr, world: &Arc<World>) -> Result<Self> {
        let proxy = Proxy::start(database).await?;
        let (felt, beats) = watch::channel(0);
        let feeling = tokio::spawn(feel(proxy.address, Arc::clone(world), felt));
        Ok(Self {
            proxy,
            beats,
            feeling,
        })
    }

    /// Waits for the next beat: a stall that is over has been told of then.
    pub(crate) async fn beat(&self) -> Result<()> {
        let mut beats = self.beats.clone();
        beats.mark_unchanged();
        Ok(timeout(Duration::from_mins(1), beats.changed()).await??)
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.feeling.abort();
    }
}

async fn feel(address: SocketAddr, world: Arc<World>, felt: watch::Sender<u64>) {
    let recorder = &world.recorder;
    let mut client = None;
    loop {
        let start = recorder.now();
        while !matches!(
            timeout(PATIENCE, beat(&mut client, address)).await,
            Ok(Ok(()))
        ) {
            client = None;
            sleep(REST).await;
        }
        if recorder.now() - start >= micros(SLOW) {
            recorder.fault(Fault::Stall, &DATABASE.into(), start);
        }
        felt.send_modify(|beats| *beats += 1);
        sleep(REST).await;
    }
}

async fn beat(client: &mut Option<Client>, address: SocketAddr) -> Result<()> {
    let client = match client {
        Some(client) => client,
        None => client.insert(connect(&url(address, "postgres")).await?),
    };
    client.batch_execute(BEAT).await?;
    Ok(())
}
