//! P2: a primary and its synchronous standby, each on a host of its own, and three nodes; promoted by hand.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use doorward_rig::postgres::Postgres;
use tokio::time::{sleep, timeout};

use super::{
    HANDS,
    fleet::{Fleet, fleet_rules, pick},
    run,
};
use crate::{
    chance::Chance, checkers::DATABASE, failure::Result, history::Fault, lab::Lab, proxy::Proxy,
    report::Report, world::Plan,
};

/// How long a standby may take to follow.
const TO_FOLLOW: Duration = Duration::from_mins(1);

/// The two servers; which of them is the primary.
struct Pair {
    servers: [Postgres; 2],
    primary: usize,
}

impl Pair {
    async fn start(lab: &Lab, folder: &Path) -> Result<Self> {
        let server = async |name, host| {
            let address = SocketAddr::from((Lab::address(host), 5432));
            Postgres::new(name, address, folder, lab.inside(host)).await
        };
        let servers = [server("east", 0).await?, server("west", 1).await?];
        let pair = Self {
            servers,
            primary: 0,
        };
        pair.primary().init().await?;
        pair.primary().start().await?;
        pair.add_standby().await?;
        Ok(pair)
    }

    fn primary(&self) -> &Postgres {
        &self.servers[self.primary]
    }

    fn standby(&self) -> &Postgres {
        &self.servers[1 - self.primary]
    }

    /// Has the other server follow, and commits wait for it from then on.
    async fn add_standby(&self) -> Result<()> {
        self.standby().kill().await?;
        self.standby().follow(self.primary()).await?;
        self.standby().start().await?;
        let primary = self.primary();
        let name = self.standby().name;
        primary
            .sql(&format!(
                "alter system set synchronous_standby_names = '{name}'"
            ))
            .await?;
        primary.sql("select pg_reload_conf()").await?;
        let follows = async {
            loop {
                let state = "select count(*) from pg_stat_replication where sync_state = 'sync'";
                if primary.sql(state).await.is_ok_and(|count| count == "1") {
                    return;
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(TO_FOLLOW, follows)
            .await
            .map_err(|_| format!("{name} does not follow").into())
    }

    /// Makes the standby the primary.
    async fn promote(&mut self) -> Result<()> {
        self.standby().promote().await?;
        self.primary = 1 - self.primary;
        Ok(())
    }

    fn lead(&self, proxy: &Proxy) {
        proxy.lead_to(self.primary().address);
        proxy.reset();
    }
}

/// Loses the primary again and again, each time in another way, and promotes the standby.
pub(crate) async fn promotions(plan: &Plan<'_>, count: u64) -> Result<Report> {
    let name = "P2";
    let folder = plan.folder.join(name);
    fs::create_dir_all(&folder)?;
    let lab = Lab::build(2).await?;
    let mut pair = Pair::start(&lab, &folder).await?;
    let fleet = Fleet::start(plan, name, pair.primary().address).await?;
    let world = &fleet.world;
    let faults = async {
        let mut chance = Chance::new(plan.seed, 6 << 32);
        sleep(Duration::from_secs(2)).await;
        for time in 0..count {
            match time % 3 {
                0 => lose_to_a_kill(&mut pair, &fleet).await?,
                1 => lose_to_a_cut(&mut pair, &fleet, &lab).await?,
                _ => divide(&mut pair, &fleet, &lab, &mut chance).await?,
            }
            fleet.disturb(&mut chance).await?;
            sleep(Duration::from_secs(1)).await;
        }
        fleet.pulse.beat().await
    };
    let report = run(name, plan.folder, world, &fleet_rules(), HANDS, faults).await;
    for server in &pair.servers {
        server.kill().await?;
    }
    report
}

/// The primary is killed.
async fn lose_to_a_kill(pair: &mut Pair, fleet: &Fleet) -> Result<()> {
    let start = fleet.world.recorder.now();
    pair.primary().kill().await?;
    pair.promote().await?;
    take_over(pair, fleet, start).await
}

/// The primary is cut off from everyone.
async fn lose_to_a_cut(pair: &mut Pair, fleet: &Fleet, lab: &Lab) -> Result<()> {
    let start = fleet.world.recorder.now();
    let host = u8::try_from(pair.primary)?;
    lab.plug(host, false).await?;
    sleep(Duration::from_secs(2)).await;
    pair.promote().await?;
    // It is ended before it is reached again: that is what fencing is for.
    pair.standby().kill().await?;
    lab.plug(host, true).await?;
    take_over(pair, fleet, start).await
}

/// The two lose sight of each other, and one node stays with the old primary, whose commits wait in vain.
async fn divide(pair: &mut Pair, fleet: &Fleet, lab: &Lab, chance: &mut Chance) -> Result<()> {
    let recorder = &fleet.world.recorder;
    let start = recorder.now();
    let left = pick(chance);
    lab.join(false).await?;
    sleep(Duration::from_millis(chance.below(1500))).await;
    pair.promote().await?;
    for (at, proxy) in fleet.proxies.iter().enumerate() {
        if at != left {
            pair.lead(proxy);
        }
    }
    pair.lead(&fleet.pulse.proxy);
    recorder.fault(Fault::Promotion, &DATABASE.into(), start);
    sleep(Duration::from_millis(2000 + chance.below(3000))).await;
    pair.standby().kill().await?;
    pair.lead(&fleet.proxies[left]);
    let node = &fleet.world.nodes[left].target.name;
    recorder.fault(Fault::Partition, node, start);
    lab.join(true).await?;
    pair.add_standby().await
}

/// Leads everyone to the new primary, and gives it a standby.
async fn take_over(pair: &Pair, fleet: &Fleet, start: u64) -> Result<()> {
    for proxy in fleet.proxies.iter().chain([&fleet.pulse.proxy]) {
        pair.lead(proxy);
    }
    let recorder = &fleet.world.recorder;
    recorder.fault(Fault::Promotion, &DATABASE.into(), start);
    pair.add_standby().await
}
