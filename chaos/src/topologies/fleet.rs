//! P1: three nodes on one PostgreSQL server, each behind a proxy of ours.

use std::{fs, net::SocketAddr, sync::Arc, time::Duration};

use doorward_rig::{
    postgres::{Postgres, USER},
    process::free_address,
};
use tokio::time::sleep;

use super::{HANDS, run};
use crate::{
    chance::Chance,
    checkers::{DATABASE, Rules},
    failure::Result,
    history::{Fault, Recorder},
    nodes::{Node, Setup, seconds},
    proxy::{Proxy, Way},
    pulse::Pulse,
    report::Report,
    smtp::Sink,
    workload::{ROLE, World},
    world::{Plan, environment, rules},
};

/// How many nodes there are.
pub(super) const NODES: usize = 3;

/// Nodes with a proxy each between them and their database.
pub(super) struct Fleet {
    pub world: Arc<World>,
    pub proxies: Vec<Proxy>,
    pub pulse: Pulse,
}

/// What the servers promise where there are several.
pub(super) fn fleet_rules() -> Rules {
    Rules {
        lease: seconds(1),
        ..rules()
    }
}

impl Fleet {
    /// Starts the nodes, on a database that answers.
    pub(super) async fn start(plan: &Plan<'_>, name: &str, database: SocketAddr) -> Result<Self> {
        let folder = plan.folder.join(name);
        let sink = Sink::start().await?;
        fs::write(folder.join("mail-authority.pem"), &sink.authority)?;
        let addresses: Vec<_> = (0..NODES).map(|_| free_address()).collect::<Result<_>>()?;
        let origin = format!("http://localhost:{}", addresses[0].port());
        let (mut nodes, mut proxies) = (Vec::new(), Vec::new());
        for (at, address) in addresses.into_iter().enumerate() {
            let name = format!("n{}", at + 1);
            let proxy = Proxy::start(database).await?;
            let mut environment = environment(plan, &sink, &folder, &origin);
            let data = folder.join(format!("{name}-data")).display().to_string();
            environment.push(("DOORWARD_DATA_DIR".into(), data));
            let url = format!(
                "postgres://{USER}@{}/postgres?sslmode=disable",
                proxy.address
            );
            environment.push(("DOORWARD_DATABASE__URL".into(), url));
            let setup = Setup {
                binary: plan.binary.to_owned(),
                folder: folder.clone(),
                environment,
            };
            nodes.push(Arc::new(Node::new(&name, address, setup)));
            proxies.push(proxy);
        }
        // Two of them at once, on a database that is empty.
        let (first, rest) = nodes.split_at(1);
        tokio::try_join!(first[0].start(), rest[0].start())?;
        for node in &rest[1..] {
            node.start().await?;
        }
        nodes[0].run(&["role", "create", ROLE]).await;
        let recorder = Recorder::new(&folder.join("history.jsonl"))?;
        let world = Arc::new(World::new(nodes, sink, recorder, origin, plan.seed));
        Ok(Self {
            pulse: Pulse::feel(database, &world).await?,
            world,
            proxies,
        })
    }

    /// Something that is over in seconds, between a node and its database.
    pub(super) async fn disturb(&self, chance: &mut Chance) -> Result<()> {
        let at = pick(chance);
        let (node, proxy) = (&self.world.nodes[at], &self.proxies[at]);
        let recorder = &self.world.recorder;
        let start = recorder.now();
        let fault = match chance.below(5) {
            0 => {
                let time = Duration::from_millis(200 + chance.below(2500));
                return self.world.pause(node, time).await;
            }
            1 => {
                proxy.set(Way::Cut);
                sleep(Duration::from_millis(500 + chance.below(4000))).await;
                proxy.set(Way::Open);
                Fault::Partition
            }
            2 => {
                proxy.set(Way::Slow(Duration::from_millis(5 + chance.below(60))));
                sleep(Duration::from_secs(2)).await;
                proxy.set(Way::Open);
                Fault::Delay
            }
            3 => {
                proxy.reset();
                Fault::Reset
            }
            _ => {
                let before = proxy.swallowed();
                proxy.swallow_commits(1 + chance.below(3));
                sleep(Duration::from_millis(500)).await;
                if proxy.swallowed() == before {
                    return Ok(());
                }
                Fault::SwallowedCommit
            }
        };
        recorder.fault(fault, &node.target.name, start);
        Ok(())
    }
}

/// Any node, by its number.
pub(super) fn pick(chance: &mut Chance) -> usize {
    usize::try_from(chance.below(NODES as u64)).unwrap_or(0)
}

/// `kill -9` of a node, or of the database, again and again, a database that hangs, and disturbances on the way between.
pub(crate) async fn kills(plan: &Plan<'_>, count: u64) -> Result<Report> {
    let name = "P1";
    let folder = plan.folder.join(name);
    fs::create_dir_all(&folder)?;
    let database = Postgres::new("database", free_address()?, &folder, Vec::new()).await?;
    database.init().await?;
    database.start().await?;
    let fleet = Fleet::start(plan, name, database.address).await?;
    let world = &fleet.world;
    let faults = async {
        let mut chance = Chance::new(plan.seed, 5 << 32);
        sleep(Duration::from_secs(2)).await;
        for kill in 0..count {
            sleep(Duration::from_millis(100 + chance.below(900))).await;
            if kill % 8 == 7 {
                let start = world.recorder.now();
                database.kill().await?;
                database.start().await?;
                let fault = Fault::KillDatabase;
                world.recorder.fault(fault, &DATABASE.into(), start);
            } else {
                let at = pick(&mut chance);
                world.kill_and_start(&world.nodes[at]).await?;
            }
            if kill % 16 == 3 {
                // Shorter than servers wait for a statement, and longer.
                let time = Duration::from_millis(1000 + chance.below(8000));
                world.hang(&database, time).await?;
            }
            fleet.disturb(&mut chance).await?;
        }
        sleep(Duration::from_secs(2)).await;
        fleet.pulse.beat().await
    };
    let report = run(name, plan.folder, world, &fleet_rules(), HANDS, faults).await;
    database.kill().await?;
    report
}
