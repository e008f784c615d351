//! P3: what an operator would run: three members of Patroni, three of etcd, `HAProxy` before them, and three nodes.

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use doorward_rig::{
    postgres::{Postgres, USER, programs},
    process::{free_address, is_root, succeed, tethered},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

use super::{
    HANDS,
    fleet::{Fleet, fleet_rules},
    run,
};
use crate::{
    chance::Chance,
    checkers::DATABASE,
    failure::Result,
    history::Fault,
    http::{Ask, Client, Reply, Target},
    report::Report,
    world::Plan,
};

const PATRONI: &str = "/usr/bin/patroni";
const ETCD: &str = "/usr/bin/etcd";
const HAPROXY: &str = "/usr/sbin/haproxy";
const PROGRAMS: [&str; 3] = [PATRONI, ETCD, HAPROXY];

/// How long the members may take to agree: longer than a leader's key lives.
const TO_SETTLE: Duration = Duration::from_mins(2);

/// How long they may take before they are helped.
const TO_AGREE: Duration = Duration::from_mins(1);

/// `/service/doorward/sync` in base64, as etcd takes keys over HTTP: there Patroni says which standby confirms the leader's commits.
const SYNC_KEY: &str = "L3NlcnZpY2UvZG9vcndhcmQvc3luYw==";

/// How long the key of a leader lives that does not renew it: the least that Patroni takes.
const KEY_LIVES: Duration = Duration::from_secs(20);

/// A member: an agent of Patroni's, and the server that it looks after.
struct Member {
    name: &'static str,
    folder: PathBuf,
    /// Where the agent tells what its server is.
    agent: Target,
    server: SocketAddr,
    child: Option<Child>,
}

/// The members, what they agree by, and what leads to the one that is the primary.
struct Cluster {
    members: Vec<Member>,
    /// One of what they agree by.
    store: Target,
    /// What ends with the harness.
    others: Vec<Child>,
    /// How often they had to be helped.
    helped: u32,
    /// Where the primary is reached, whoever that is.
    primary: Postgres,
    client: Client,
}

impl Member {
    fn new(name: &'static str, folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self {
            name,
            folder,
            agent: Target {
                name: name.into(),
                address: free_address()?,
            },
            server: free_address()?,
            child: None,
        })
    }

    /// What the agent is told.
    fn configure(&self, stores: &str) -> Result<()> {
        let Self { name, folder, .. } = self;
        let (agent, server, bin) = (self.agent.address, self.server, programs()?);
        let (folder, bin) = (folder.display(), bin.display());
        let lives = KEY_LIVES.as_secs();
        let text = format!(
            "scope: doorward
name: {name}
restapi: {{listen: '{agent}', connect_address: '{agent}'}}
etcd3: {{hosts: [{stores}]}}
bootstrap:
  dcs:
    ttl: {lives}
    loop_wait: 2
    retry_timeout: 8
    synchronous_mode: true
    synchronous_mode_strict: true
    postgresql:
      use_pg_rewind: true
      parameters: {{max_connections: 200, wal_log_hints: 'on'}}
  initdb: [encoding: UTF8, no-locale]
postgresql:
  listen: '{server}'
  connect_address: '{server}'
  data_dir: {folder}/data
  bin_dir: {bin}
  pgpass: {folder}/pgpass
  authentication:
    superuser: {{username: {USER}, password: chaos}}
    replication: {{username: follower, password: chaos}}
  pg_hba: ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust']
  parameters: {{unix_socket_directories: ''}}
"
        );
        Ok(fs::write(self.folder.join("patroni.yml"), text)?)
    }

    /// Starts the agent, which starts the server.
    fn start(&mut self) -> Result<()> {
        let mut command = as_postgres();
        command
            .arg(PATRONI)
            .arg(self.folder.join("patroni.yml"))
            .current_dir(&self.folder);
        self.child = Some(spawn(command, &self.folder.join("log"))?);
        Ok(())
    }

    /// `kill -9` of both.
    async fn kill(&mut self) -> Result<()> {
        if let Some(mut agent) = self.child.take() {
            agent.kill().await?;
        }
        self.kill_server();
        Ok(())
    }

    fn kill_server(&self) {
        let known = fs::read_to_string(self.folder.join("data/postmaster.pid"));
        let id = known
            .ok()
            .and_then(|text| text.lines().next()?.parse().ok());
        if let Some(id) = id.and_then(Pid::from_raw) {
            // Whoever has ended cannot be killed.
            let _ = kill_process(id, Signal::KILL);
        }
    }

    fn signal_agent(&self, signal: Signal) -> Result<()> {
        let id = self.child.as_ref().and_then(Child::id);
        if let Some(id) = id.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            kill_process(id, signal)?;
        }
        Ok(())
    }
}

impl Cluster {
    async fn start(folder: PathBuf) -> Result<Self> {
        if !PROGRAMS.iter().all(|program| Path::new(program).exists()) {
            let wanted =
                "this needs Debian's packages patroni, etcd-server, haproxy and postgresql";
            return Err(wanted.into());
        }
        let (stores, mut others) = stores(&folder)?;
        let hosts: Vec<_> = stores.iter().map(|store| format!("'{store}'")).collect();
        let mut members = Vec::new();
        for name in ["m1", "m2", "m3"] {
            let mut member = Member::new(name, folder.join(name))?;
            member.configure(&hosts.join(", "))?;
            if is_root() {
                let mut own = Command::new("chown");
                succeed(own.args(["-R", "postgres:"]).arg(&member.folder)).await?;
            }
            member.start()?;
            members.push(member);
        }
        let address = free_address()?;
        others.push(lead(&folder, address, &members)?);
        let mut cluster = Self {
            members,
            store: Target {
                name: "etcd".into(),
                address: stores[0],
            },
            others,
            helped: 0,
            primary: Postgres::new("primary", address, &folder, Vec::new()).await?,
            client: Client::default(),
        };
        cluster.settle().await?;
        Ok(cluster)
    }

    /// Waits until the cluster is whole.
    ///
    /// After a leader that hung Patroni 3.0 may never name a synchronous standby again ("Synchronous replication key updated by
    /// someone else"), not even when its agent is started anew. An operator would delete the key, and so does this: the
    /// leader writes another.
    async fn settle(&mut self) -> Result<()> {
        if timeout(TO_AGREE, self.agree()).await.is_ok() {
            return Ok(());
        }
        let key = self.of_store("/v3/kv/range").await;
        // While there is no leader, deleting the key would let any member become one, even one that lacks confirmed commits.
        if self.leader().await.is_ok() && !self.of_store("/v3/kv/deleterange").await.is_null() {
            self.helped += 1;
        }
        timeout(TO_SETTLE, self.agree()).await.map_err(|_| {
            format!("the members of the cluster do not agree; their key was {key}").into()
        })
    }

    /// What etcd answers to this of the key.
    async fn of_store(&mut self, path: &str) -> Value {
        let ask = Ask {
            method: "POST",
            path,
            token: None,
            body: Some(json!({ "key": SYNC_KEY })),
            number: 0,
        };
        match self.client.ask(&self.store, ask).await {
            Reply::Answer(answer) => answer.json(),
            _ => Value::Null,
        }
    }

    /// Waits until there are a primary, reached by the way that leads to it, its synchronous standby and one more.
    async fn agree(&mut self) {
        loop {
            let standbys = self.that_are("/replica").await;
            let synchronous = self.that_are("/synchronous").await;
            let is_whole = standbys.len() == 2 && synchronous.len() == 1;
            if is_whole && self.primary.sql("select 1").await.is_ok() {
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// The members whose agents say this of their server.
    async fn that_are(&mut self, what: &str) -> Vec<usize> {
        let mut which = Vec::new();
        for (at, member) in self.members.iter().enumerate() {
            let ask = Ask {
                method: "GET",
                path: what,
                token: None,
                body: None,
                number: 0,
            };
            let reply = self.client.ask(&member.agent, ask).await;
            if matches!(reply, Reply::Answer(answer) if answer.status.is_success()) {
                which.push(at);
            }
        }
        which
    }

    async fn leader(&mut self) -> Result<usize> {
        let leader = self.that_are("/primary").await;
        leader
            .first()
            .copied()
            .ok_or_else(|| "there is no leader".into())
    }

    /// Waits until another than this one leads, is reached, and confirms a commit: without a standby it would answer, and
    /// nobody's change would come to an end.
    async fn succeeded(&mut self, lost: usize) -> Result<()> {
        const CHANGE: &str = "update schema_version set version = version where id = 1";
        let another = async {
            loop {
                let leaders = self.that_are("/primary").await;
                if leaders.iter().any(|at| *at != lost) && self.primary.sql(CHANGE).await.is_ok() {
                    return;
                }
                sleep(Duration::from_millis(200)).await;
            }
        };
        timeout(TO_SETTLE, another)
            .await
            .map_err(|_| "nobody took over".into())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.others.iter_mut().rev() {
            let _ = child.start_kill();
        }
        for member in &mut self.members {
            if let Some(agent) = &mut member.child {
                let _ = agent.start_kill();
            }
            // It is the agent's, and would outlive it.
            member.kill_server();
        }
    }
}

/// Three members of etcd; where they are asked.
fn stores(folder: &Path) -> Result<(Vec<SocketAddr>, Vec<Child>)> {
    let mut addresses = Vec::new();
    for _ in 0..3 {
        addresses.push((free_address()?, free_address()?));
    }
    let peers: Vec<_> = addresses
        .iter()
        .enumerate()
        .map(|(at, (_, peer))| format!("e{at}=http://{peer}"))
        .collect();
    let mut children = Vec::new();
    for (at, (client, peer)) in addresses.iter().enumerate() {
        let (client, peer) = (format!("http://{client}"), format!("http://{peer}"));
        let mut command = tethered(&[], None);
        command
            .args([ETCD, "--unsafe-no-fsync"])
            .args(["--name", &format!("e{at}")])
            .arg("--data-dir")
            .arg(folder.join(format!("e{at}")))
            .args([
                "--listen-client-urls",
                &client,
                "--advertise-client-urls",
                &client,
            ])
            .args([
                "--listen-peer-urls",
                &peer,
                "--initial-advertise-peer-urls",
                &peer,
            ])
            .args([
                "--initial-cluster",
                &peers.join(","),
                "--initial-cluster-state",
                "new",
            ]);
        children.push(spawn(command, &folder.join(format!("e{at}.log")))?);
    }
    let clients: Vec<_> = addresses.into_iter().map(|(client, _)| client).collect();
    Ok((clients, children))
}

/// `HAProxy`, which leads to the member that says that it is the primary.
fn lead(folder: &Path, address: SocketAddr, members: &[Member]) -> Result<Child> {
    let mut servers = String::new();
    for member in members {
        let (name, server, agent) = (member.name, member.server, member.agent.address.port());
        let _ = writeln!(servers, "    server {name} {server} check port {agent}");
    }
    let text = format!(
        "defaults
    mode tcp
    timeout connect 2s
    timeout client 1h
    timeout server 1h
    timeout check 1s
listen primary
    bind {address}
    option httpchk GET /primary
    http-check expect status 200
    default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
{servers}"
    );
    let file = folder.join("haproxy.cfg");
    fs::write(&file, text)?;
    let mut command = tethered(&[], None);
    command.args([HAPROXY, "-db", "-f"]).arg(&file);
    spawn(command, &folder.join("haproxy.log"))
}

fn as_postgres() -> Command {
    tethered(&[], is_root().then_some("postgres"))
}

fn spawn(mut command: Command, log: &Path) -> Result<Child> {
    let log = fs::OpenOptions::new().create(true).append(true).open(log)?;
    command
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true);
    Ok(command.spawn()?)
}

/// Loses the leader again and again.
pub(crate) async fn leader_losses(plan: &Plan<'_>, count: u64) -> Result<Report> {
    let name = "P3";
    let folder = plan.folder.join(name);
    fs::create_dir_all(&folder)?;
    let mut cluster = Cluster::start(folder).await?;
    let fleet = Fleet::start(plan, name, cluster.primary.address).await?;
    let world = &fleet.world;
    let faults = async {
        let mut chance = Chance::new(plan.seed, 8 << 32);
        sleep(Duration::from_secs(2)).await;
        for time in 0..count {
            if time % 3 == 2 {
                lose_to_a_hang(&mut cluster, &fleet).await?;
            } else {
                lose_to_a_kill(&mut cluster, &fleet).await?;
            }
            fleet.disturb(&mut chance).await?;
            sleep(Duration::from_secs(1)).await;
        }
        fleet.pulse.beat().await
    };
    let mut report = run(name, plan.folder, world, &fleet_rules(), HANDS, faults).await?;
    if cluster.helped > 0 {
        let helped = cluster.helped;
        let _ = writeln!(report.text, "\nPatroni's key was deleted {helped} times.");
    }
    Ok(report)
}

/// Agent and server are killed together.
async fn lose_to_a_kill(cluster: &mut Cluster, fleet: &Fleet) -> Result<()> {
    let recorder = &fleet.world.recorder;
    let (start, leader) = (recorder.now(), cluster.leader().await?);
    cluster.members[leader].kill().await?;
    cluster.succeeded(leader).await?;
    recorder.fault(Fault::Promotion, &DATABASE.into(), start);
    cluster.members[leader].start()?;
    cluster.settle().await
}

/// The agent hangs, and its server goes on as if it were the primary, until the agent hears that it is not.
async fn lose_to_a_hang(cluster: &mut Cluster, fleet: &Fleet) -> Result<()> {
    let recorder = &fleet.world.recorder;
    let (start, leader) = (recorder.now(), cluster.leader().await?);
    cluster.members[leader].signal_agent(Signal::STOP)?;
    let succeeded = cluster.succeeded(leader).await;
    recorder.fault(Fault::Promotion, &DATABASE.into(), start);
    cluster.members[leader].signal_agent(Signal::CONT)?;
    succeeded?;
    cluster.settle().await
}
