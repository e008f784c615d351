//! People who sign in, look around, and change things, many at a time, and an administrator at a terminal.
//!
//! What they remember here only helps them to find something to do. What is true, the checkers tell from the history.

mod actor;
mod admin;
mod codes;
mod passkeys;
mod sessions;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use doorward_webauthn::testing::Authenticator;
use tokio::{task::JoinSet, time::sleep};

pub(crate) use self::{actor::Actor, admin::ROLE};
use crate::{
    chance::Chance,
    failure::Result,
    history::{Name, Recorder},
    nodes::Node,
    smtp::Sink,
};

/// The servers, those who use them, and what is written down of it.
pub(crate) struct World {
    pub nodes: Vec<Arc<Node>>,
    pub sink: Sink,
    pub recorder: Recorder,
    /// The origin of ceremonies.
    pub origin: String,
    pub people: Vec<Person>,
    pub seed: u64,
    /// The tokens, by their sessions: no part of the history.
    tokens: Mutex<HashMap<Name, Arc<str>>>,
    names: AtomicU64,
    done: AtomicBool,
}

/// Someone with an account, whom several act for at once.
pub(crate) struct Person {
    pub address: Name,
    /// Whoever asks for a code holds this, so that the mail that comes is theirs.
    asking: tokio::sync::Mutex<()>,
    known: Mutex<Known>,
}

/// What is believed of an account.
#[derive(Default)]
struct Known {
    user: Option<Name>,
    live: Vec<Name>,
    ended: Vec<Name>,
    keys: Vec<Key>,
    removed: Vec<Key>,
}

/// A passkey and its authenticator.
#[derive(Clone)]
struct Key {
    credential: Name,
    authenticator: Authenticator,
}

impl Person {
    fn new(address: &str) -> Self {
        Self {
            address: address.into(),
            asking: tokio::sync::Mutex::default(),
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that are believed to live, the oldest first.
    pub(crate) fn sessions(&self) -> Vec<Name> {
        self.known().live.clone()
    }

    pub(crate) fn has_passkey(&self) -> bool {
        !self.known().keys.is_empty()
    }

    fn opened(&self, user: &Name, session: Name) {
        let mut known = self.known();
        known.user = Some(user.clone());
        known.live.push(session);
    }

    fn ended(&self, is_ended: impl Fn(&Name) -> bool) {
        let mut known = self.known();
        let (ended, live) = std::mem::take(&mut known.live)
            .into_iter()
            .partition(|session| is_ended(session));
        known.live = live;
        known.ended.extend::<Vec<Name>>(ended);
        // The newest are the most telling, and there is no end of them.
        let surplus = known.ended.len().saturating_sub(200);
        known.ended.drain(..surplus);
    }
}

impl World {
    pub(crate) fn new(
        nodes: Vec<Arc<Node>>,
        sink: Sink,
        recorder: Recorder,
        origin: String,
        seed: u64,
    ) -> Self {
        let people = (0..24).map(|number| Person::new(&format!("person{number}@example.com")));
        Self {
            nodes,
            sink,
            recorder,
            origin,
            people: people.collect(),
            seed,
            tokens: Mutex::default(),
            names: AtomicU64::new(0),
            done: AtomicBool::new(false),
        }
    }

    /// A name that nothing else has.
    fn name(&self, kind: &str) -> Name {
        format!("{kind}{}", self.number()).into()
    }

    fn number(&self) -> u64 {
        self.names.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, HashMap<Name, Arc<str>>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn token(&self, session: &Name) -> Option<Arc<str>> {
        self.tokens().get(session).cloned()
    }

    /// Whether the work is to end.
    pub(crate) fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }

    /// Works with so many hands while `faults` goes on, and then puts everything down.
    pub(crate) async fn work<T>(
        self: &Arc<Self>,
        hands: u64,
        faults: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let mut workers = JoinSet::new();
        for hand in 0..hands {
            workers.spawn(work(self.clone(), hand));
        }
        if hands > 0 {
            workers.spawn(admin::work(self.clone()));
        }
        let result = faults.await;
        self.done.store(true, Ordering::Relaxed);
        while let Some(ended) = workers.join_next().await {
            ended?;
        }
        result
    }
}

/// One pair of hands: does this and that until the end.
async fn work(world: Arc<World>, hand: u64) {
    let mut actor = Actor::new(world.clone(), Chance::new(world.seed, hand));
    while !world.is_done() {
        if !actor.act().await {
            // Nothing to do, or nobody there.
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Actor {
    /// Does something; whether it could.
    async fn act(&mut self) -> bool {
        let world = self.world.clone();
        let Some(person) = self.chance.pick(&world.people) else {
            return false;
        };
        let (live, keys) = {
            let known = person.known();
            (known.live.len(), known.keys.len())
        };
        if live == 0 && keys == 0 {
            return self.sign_in_by_code(person).await.is_some();
        }
        // The more sessions there are, the more are ended.
        if live > 40 {
            return self.end_others(person).await.is_some();
        }
        match self.chance.below(100) {
            0..=37 => self.check_live(person).await,
            38..=47 => self.check_ended(person).await,
            48..=59 => self.sign_in_by_passkey(person).await,
            60..=64 => self.sign_in_by_code(person).await,
            65..=66 => self.sign_up_newcomer().await,
            67..=72 if keys < 12 => self.add_passkey(person).await,
            73..=75 => self.remove_passkey(person).await,
            76..=77 => self.use_removed_passkey(person).await,
            78..=84 => self.end_one(person).await,
            85 => self.end_others(person).await,
            86 if self.chance.once_in(3) => self.end_all(person).await,
            87..=89 => self.sign_out(person).await,
            90..=92 => self.update(person).await,
            93..=97 => self.read_access(person).await,
            98 => self.fight_over_passkey(person).await,
            _ => self.sign_up_twice().await,
        }
        .is_some()
    }
}
