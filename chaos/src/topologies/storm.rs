//! P1 again, whole this time: thousands of sessions are ended on one node while all are checked on the others.

use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward_rig::{
    http::{Connection, get},
    postgres::Postgres,
    process::free_address,
};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    fleet::{Fleet, NODES, fleet_rules, pick},
    run,
};
use crate::{
    chance::Chance,
    failure::Result,
    history::{Entry, Moment, Name, Op, Outcome, instant},
    report::Report,
    workload::{Actor, World},
    world::Plan,
};

/// How many sessions are ended in a second.
const PACE: u64 = 100;
/// How many check, each after its last checks were answered.
const CHECKERS: u64 = 64;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many sessions that are to be ended soon, and how many that were, are checked.
const AHEAD: usize = 400;
const BEHIND: usize = 160;
/// A node that has refused an ended session is asked for it but once in so many times: each refusal costs a look into the
/// database that confirms commits, and says no more.
const RARELY: u64 = 200;
/// Fewer than one account may have.
const SESSIONS_OF_ONE: u64 = 900;

/// A session that is to be ended, whose it is, and by which other session.
struct Target {
    session: Name,
    token: Arc<str>,
    /// What checks it.
    request: Vec<u8>,
    person: usize,
    anchor: Arc<str>,
    /// By node, once it was ended: whether someone asks for it there, or has been refused.
    is_settled: [AtomicBool; NODES],
}

/// What the checkers share.
struct Storm {
    world: Arc<World>,
    targets: Vec<Target>,
    /// The first that has not been ended.
    front: AtomicUsize,
    checks: AtomicU64,
    over: AtomicBool,
}

pub(crate) async fn storm(
    plan: &Plan<'_>,
    revocations: u64,
    checks_per_second: u64,
) -> Result<Report> {
    let name = "P1-revocations";
    let folder = plan.folder.join(name);
    fs::create_dir_all(&folder)?;
    let database = Postgres::new("database", free_address()?, &folder, Vec::new()).await?;
    database.init().await?;
    database.start().await?;
    let fleet = Fleet::start(plan, name, database.address).await?;
    let targets = open_sessions(&fleet.world, revocations).await?;
    let storm = Arc::new(Storm {
        world: fleet.world.clone(),
        targets,
        front: AtomicUsize::new(0),
        checks: AtomicU64::new(0),
        over: AtomicBool::new(false),
    });
    let mut rate = 0;
    let blow = async {
        let since = instant();
        let mut checkers = JoinSet::new();
        for checker in 0..CHECKERS {
            checkers.spawn(check(storm.clone(), checker, checks_per_second));
        }
        let ended = end_all(&storm).await;
        let checks = storm.checks.load(Ordering::Relaxed);
        rate = checks / since.elapsed().as_secs().max(1);
        // The last is to be refused by all, too.
        sleep(Duration::from_secs(2)).await;
        storm.over.store(true, Ordering::Relaxed);
        while let Some(seen) = checkers.join_next().await {
            for entry in seen? {
                storm.world.recorder.write(entry);
            }
        }
        ended
    };
    let mut report = run(name, plan.folder, &fleet.world, &fleet_rules(), 0, blow).await?;
    database.kill().await?;
    let line = format!(
        "{} sessions ended at {PACE} a second, under {rate} checks a second over three nodes.\n",
        storm.targets.len()
    );
    report.text.push_str(&line);
    Ok(report)
}

/// Opens so many sessions, by passkey, of everyone.
async fn open_sessions(world: &Arc<World>, count: u64) -> Result<Vec<Target>> {
    let people = world.people.len() as u64;
    if count > people * SESSIONS_OF_ONE {
        return Err(format!("no more than {} sessions", people * SESSIONS_OF_ONE).into());
    }
    let each = usize::try_from(count.div_ceil(people))?;
    let mut opening = JoinSet::new();
    for person in 0..world.people.len() {
        let mut actor = Actor::new(world.clone(), Chance::new(world.seed, person as u64));
        opening.spawn(async move { actor.open_many(person, each).await });
    }
    let mut targets = Vec::new();
    while let Some(opened) = opening.join_next().await {
        targets.extend(opened?.ok_or("sessions could not be opened")?);
    }
    // Not one account after the other.
    targets
        .sort_unstable_by(|one: &Target, other: &Target| one.token[60..].cmp(&other.token[60..]));
    targets.truncate(usize::try_from(count)?);
    Ok(targets)
}

impl Actor {
    async fn open_many(&mut self, person: usize, count: usize) -> Option<Vec<Target>> {
        let world = self.world.clone();
        let whose = world.people.get(person)?;
        while whose.sessions().is_empty() {
            self.sign_in_by_code(whose).await;
        }
        while !whose.has_passkey() {
            self.add_passkey(whose).await?;
        }
        while whose.sessions().len() <= count {
            self.sign_in_by_passkey(whose).await?;
        }
        let mut sessions = whose.sessions().into_iter();
        let anchor = world.token(&sessions.next()?)?;
        sessions
            .map(|session| {
                let token = world.token(&session)?;
                Some(Target {
                    request: get("/auth/sessions/current", Some(&token), ""),
                    token,
                    session,
                    person,
                    anchor: anchor.clone(),
                    is_settled: Default::default(),
                })
            })
            .collect()
    }
}

/// Ends one after the other, at an even pace.
async fn end_all(storm: &Arc<Storm>) -> Result<()> {
    let mut ending = JoinSet::new();
    let mut pace = interval(Duration::from_secs(1) / u32::try_from(PACE)?);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for at in 0..storm.targets.len() {
        pace.tick().await;
        let storm = storm.clone();
        ending.spawn(async move {
            let chance = Chance::new(storm.world.seed, at as u64);
            let mut actor = Actor::new(storm.world.clone(), chance);
            let target = &storm.targets[at];
            let person = &storm.world.people[target.person];
            actor.end(person, &target.session, &target.anchor).await;
            storm.front.fetch_max(at + 1, Ordering::Relaxed);
        });
        while ending.try_join_next().is_some() {}
    }
    while ending.join_next().await.is_some() {}
    Ok(())
}

/// When a check began, and when its answer was there.
type Checked = (Moment, Moment);

/// What one checker keeps of a session on a node: with these two, all others say nothing more.
#[derive(Default)]
struct Kept {
    last_accepted: Option<Checked>,
    first_refused: Option<Checked>,
}

/// One who checks, with a connection to every node.
struct Checker {
    storm: Arc<Storm>,
    chance: Chance,
    connections: [Option<Connection>; NODES],
    /// By target and node.
    kept: HashMap<(usize, usize), Kept>,
}

/// Checks some after others, around the front; what is to be written down of it.
async fn check(storm: Arc<Storm>, number: u64, checks_per_second: u64) -> Vec<Entry> {
    // Fifty times a second at most, so many at a time as make up the rate.
    let each = checks_per_second.div_ceil(CHECKERS * 50).max(1);
    let per_second = u32::try_from(checks_per_second).unwrap_or(u32::MAX).max(1);
    let mut tick = interval(Duration::from_secs(CHECKERS * each) / per_second);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut checker = Checker {
        chance: Chance::new(storm.world.seed, (7 << 32) + number),
        storm,
        connections: Default::default(),
        kept: HashMap::new(),
    };
    while !checker.storm.over.load(Ordering::Relaxed) {
        tick.tick().await;
        checker.check_some(each).await;
    }
    checker.entries()
}

impl Checker {
    /// Checks so many sessions on one node, sent together and answered one by one.
    async fn check_some(&mut self, count: u64) {
        let storm = self.storm.clone();
        let place = pick(&mut self.chance);
        let picked: Vec<_> = (0..count)
            .filter_map(|_| storm.pick(place, &mut self.chance))
            .collect();
        let requests = picked.iter().map(|&at| &*storm.targets[at].request);
        let requests: Vec<_> = requests.collect();
        let start = storm.world.recorder.now();
        let address = storm.world.nodes[place].target.address;
        let mut connection = self.send(place, address, &requests.concat()).await;
        for at in picked {
            let status = match &mut connection {
                Some(connection) => timeout(PATIENCE, connection.answer()).await.ok(),
                None => None,
            };
            let status = status.and_then(Result::ok).map(|reply| reply.status);
            if status.is_none() {
                connection = None;
            }
            self.note(at, place, (start, storm.world.recorder.now()), status);
        }
        self.connections[place] = connection;
    }

    async fn send(
        &mut self,
        place: usize,
        address: SocketAddr,
        requests: &[u8],
    ) -> Option<Connection> {
        let mut connection = match self.connections[place].take() {
            Some(connection) => connection,
            None => Connection::to(address).await.ok()?,
        };
        connection.send(requests).await.ok()?;
        Some(connection)
    }

    fn note(&mut self, at: usize, place: usize, checked: Checked, status: Option<u16>) {
        let kept = self.kept.entry((at, place)).or_default();
        match status {
            Some(401) => {
                kept.first_refused.get_or_insert(checked);
            }
            status => {
                self.storm.targets[at].is_settled[place].store(false, Ordering::Relaxed);
                if status != Some(200) {
                    return;
                }
                kept.last_accepted = Some(checked);
            }
        }
        self.storm.checks.fetch_add(1, Ordering::Relaxed);
    }

    fn entries(self) -> Vec<Entry> {
        let world = &self.storm.world;
        let entry = |at: usize, place: usize, (start, end): Checked, outcome| Entry {
            number: world.recorder.number(),
            op: Op::Check {
                session: self.storm.targets[at].session.clone(),
            },
            start,
            end,
            outcome,
            node: world.nodes[place].target.name.clone(),
            said: None,
        };
        let of_one = |(&(at, place), kept): (&(usize, usize), &Kept)| {
            let accepted = kept.last_accepted;
            let refused = kept.first_refused;
            [
                accepted.map(|checked| entry(at, place, checked, Outcome::Ok)),
                refused.map(|checked| entry(at, place, checked, Outcome::Fail)),
            ]
        };
        self.kept.iter().flat_map(of_one).flatten().collect()
    }
}

impl Storm {
    /// A session around the front, to be checked on this node.
    fn pick(&self, place: usize, chance: &mut Chance) -> Option<usize> {
        let front = self.front.load(Ordering::Relaxed);
        let last = (front + AHEAD).min(self.targets.len());
        let at = among(front.saturating_sub(BEHIND)..last, chance)?;
        let is_settled = &self.targets[at].is_settled[place];
        if at < front && is_settled.swap(true, Ordering::Relaxed) && !chance.once_in(RARELY) {
            return among(front.min(last)..last, chance);
        }
        Some(at)
    }
}

fn among(range: Range<usize>, chance: &mut Chance) -> Option<usize> {
    let count = u64::try_from(range.len()).ok().filter(|&count| count > 0)?;
    Some(range.start + usize::try_from(chance.below(count)).ok()?)
}
