//! P1 again, whole this time: thousands of sessions are ended on one node while all are checked on the others.

use std::{
    collections::HashMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward_rig::{postgres::Postgres, process::free_address};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    fleet::{Fleet, NODES, fleet_rules, pick},
    run,
};
use crate::{
    chance::Chance,
    failure::Result,
    history::{Entry, Name, Op, Outcome, instant},
    http::{Ask, Client, Reply},
    report::Report,
    workload::{Actor, World},
    world::Plan,
};

/// How many sessions are ended in a second.
const PACE: u64 = 100;
/// How many check, each after its last check was answered.
const CHECKERS: u64 = 120;
/// How many sessions that are to be ended soon, and how many that were, are checked.
const AHEAD: usize = 40;
const BEHIND: usize = 160;
/// After so many refusals by a node it is asked but once in so many times: each costs a look into the database, and says no more.
const ENOUGH: u32 = 1;
const RARELY: u64 = 200;
/// Fewer than one account may have.
const SESSIONS_OF_ONE: u64 = 900;

/// A session that is to be ended, whose it is, and by which other session.
struct Target {
    session: Name,
    token: Arc<str>,
    person: usize,
    anchor: Arc<str>,
    /// How often each node has refused it.
    refusals: [AtomicU32; NODES],
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
                Some(Target {
                    token: world.token(&session)?,
                    session,
                    person,
                    anchor: anchor.clone(),
                    refusals: Default::default(),
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

/// What one checker keeps of a session on a node: with these two, all others say nothing more.
#[derive(Default)]
struct Kept {
    last_accepted: Option<Entry>,
    first_refused: Option<Entry>,
}

/// Checks one after the other, around the front.
async fn check(storm: Arc<Storm>, checker: u64, checks_per_second: u64) -> Vec<Entry> {
    const TICK: Duration = Duration::from_millis(10);
    let mut chance = Chance::new(storm.world.seed, (7 << 32) + checker);
    let mut client = Client::default();
    let mut kept: HashMap<(Name, Name), Kept> = HashMap::new();
    // Of few checks a second each checker makes one at a time, and waits longer for the next.
    let period = TICK.max(
        Duration::from_secs(CHECKERS) / u32::try_from(checks_per_second).unwrap_or(u32::MAX).max(1),
    );
    let mut tick = interval(period);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let each = checks_per_second.div_ceil(CHECKERS * 100);
    while !storm.over.load(Ordering::Relaxed) {
        tick.tick().await;
        for _ in 0..each {
            if let Some(entry) = storm.check_one(&mut client, &mut chance).await {
                storm.checks.fetch_add(1, Ordering::Relaxed);
                keep(&mut kept, entry);
            }
        }
    }
    kept.into_values()
        .flat_map(|kept| [kept.last_accepted, kept.first_refused])
        .flatten()
        .collect()
}

fn keep(kept: &mut HashMap<(Name, Name), Kept>, entry: Entry) {
    let Op::Check { session } = &entry.op else {
        return;
    };
    let key = (session.clone(), entry.node.clone());
    let kept = kept.entry(key).or_default();
    match entry.outcome {
        Outcome::Ok => kept.last_accepted = Some(entry),
        Outcome::Fail => {
            kept.first_refused.get_or_insert(entry);
        }
        Outcome::Unknown => {}
    }
}

impl Storm {
    async fn check_one(&self, client: &mut Client, chance: &mut Chance) -> Option<Entry> {
        let front = self.front.load(Ordering::Relaxed);
        let first = front.saturating_sub(BEHIND);
        let last = (front + AHEAD).min(self.targets.len());
        let mut target = chance.pick(&self.targets[first..last])?;
        let place = pick(chance);
        let node = &self.world.nodes.get(place)?.target;
        let refusals = target.refusals[place].load(Ordering::Relaxed);
        if refusals >= ENOUGH && !chance.once_in(RARELY) {
            target = chance.pick(&self.targets[front.min(last)..last])?;
        }
        let ask = Ask {
            method: "GET",
            path: "/auth/sessions/current",
            token: Some(&target.token),
            body: None,
            number: 0,
        };
        let start = self.world.recorder.now();
        let reply = client.ask(node, ask).await;
        let end = self.world.recorder.now();
        let outcome = match reply {
            Reply::Answer(answer) if answer.status.is_success() => Outcome::Ok,
            Reply::Answer(answer) if answer.status.is_client_error() => {
                target.refusals[place].fetch_add(1, Ordering::Relaxed);
                Outcome::Fail
            }
            _ => return None,
        };
        Some(Entry {
            number: self.world.recorder.number(),
            op: Op::Check {
                session: target.session.clone(),
            },
            start,
            end,
            outcome,
            node: node.name.clone(),
            said: None,
        })
    }
}
