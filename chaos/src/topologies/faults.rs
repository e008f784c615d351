//! What can be done to a server, written down.

use std::time::Duration;

use doorward_rig::postgres::Postgres;

use crate::{checkers::DATABASE, failure::Result, history::Fault, nodes::Node, workload::World};

impl World {
    /// `kill -9`, and a start on the same data.
    pub(super) async fn kill_and_start(&self, node: &Node) -> Result<()> {
        let start = self.recorder.now();
        node.kill().await?;
        node.start().await?;
        self.recorder.fault(Fault::Kill, &node.target.name, start);
        Ok(())
    }

    /// SIGSTOP for a while.
    pub(super) async fn pause(&self, node: &Node, time: Duration) -> Result<()> {
        let start = self.recorder.now();
        node.pause(time).await?;
        self.recorder.fault(Fault::Pause, &node.target.name, start);
        Ok(())
    }

    /// SIGSTOP of a whole database for a while.
    pub(super) async fn hang(&self, database: &Postgres, time: Duration) -> Result<()> {
        let start = self.recorder.now();
        database.hang(time).await?;
        let fault = Fault::HangDatabase;
        self.recorder.fault(fault, &DATABASE.into(), start);
        Ok(())
    }
}
