//! The log of what memory must forget, as a server asks for it; and what its database promises.

use super::{Answer, Postgres};
use crate::{
    error::Result,
    ids::IdBytes,
    store::{Replication, values},
    time::Timestamp,
};

// One statement, so that heads and rows are of one moment; and it writes, so that it succeeds only on a server whose commits
// are confirmed. `least`: where the log has become shorter, its newest row is all there is to tell. `lateral`, in an order of
// its own: a look for each shard, however much of the log there was when this was planned.
const POLL: &str = "
    with renewed as (
        insert into node_leases (node, renewed_at) values ($1, $2)
        on conflict (node) do update set renewed_at = excluded.renewed_at
    )
    select i.shard, i.seq, i.id, i.kind, i.subject
      from invalidation_heads h
     cross join lateral (
           select shard, seq, id, kind, subject from invalidations
            where shard = h.shard and seq >= least(h.seq, (cast($3 as bigint[]))[h.shard + 1])
            order by seq) i
     order by i.shard, i.seq";

// What is configured, and how many standbys are there; a copy that is being made is none yet.
const REPLICATION: &str = "
    select current_setting('synchronous_standby_names') <> '', current_setting('synchronous_commit'),
           (select count(*) from pg_catalog.pg_stat_replication
             where application_name is distinct from 'pg_basebackup')";

impl Postgres {
    /// The rows of all logs, each from the number given for its shard on, but at least the newest.
    pub(in crate::store) async fn poll(
        &self,
        node: &IdBytes,
        now: Timestamp,
        from: &[i64],
    ) -> Result<Answer> {
        let from: Vec<_> = from.iter().map(ToString::to_string).collect();
        let from = format!("{{{}}}", from.join(","));
        self.counters.statement(POLL)?;
        let mut lease = self.pool.lease().await?;
        Ok(lease.run_alone(POLL, values![node, now, &from]).await?)
    }

    /// How commits reach a standby.
    pub(in crate::store) async fn replication(&self) -> Result<Replication> {
        let answer = self.read(REPLICATION, &[]).await?;
        let told = answer.first(|row| {
            let (named, commits, standbys) =
                (row.get(0)?, row.get::<String>(1)?, row.get::<i64>(2)?);
            let waits = named && ["on", "remote_apply"].contains(&commits.as_str());
            Ok(match (waits, standbys) {
                (true, _) => Replication::Synchronous,
                (false, 0) => Replication::None,
                (false, _) => Replication::Asynchronous,
            })
        })?;
        Ok(told.unwrap_or(Replication::Asynchronous))
    }
}
