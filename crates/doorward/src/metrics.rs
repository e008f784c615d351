//! What is counted, by name, once.

use std::{
    sync::atomic::{AtomicI64, AtomicU64},
    time::Duration,
};

use http::StatusCode;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::{Doorward, sessions::Follower, time::Span};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Method {
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Class {
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Fill {
    kept: &'static str,
}

/// The counters.
#[derive(Debug)]
pub(crate) struct Metrics {
    requests: Family<Class, Counter>,
    duration: Histogram,
    sign_ins: Family<Method, Counter>,
    sign_in_failures: Family<Method, Counter>,
    passkey_offers: Family<Outcome, Counter>,
    /// How often a mailed code was compared.
    pub code_compares: Counter,
    /// How often a challenge was presented for the first time.
    pub challenges_spent: Counter,
    /// How often a challenge was presented again.
    pub challenges_replayed: Counter,
    /// Messages that left.
    pub mail_sent: Counter,
    /// Messages that have to wait.
    pub mail_deferred: Counter,
    /// Messages that had no business any more.
    pub mail_dropped: Counter,
    /// Handlers that panicked.
    pub panics: Counter,
    /// Polls of the log of what memory must forget.
    pub polls: Counter,
    /// Polls that were not answered.
    pub polls_failed: Counter,
    /// How long what others changed took to be forgotten here.
    propagation: Histogram,
    /// Parts of memory that were dropped because the log could not be followed.
    pub shards_dropped: Counter,
    fills: Family<Fill, Counter>,
    /// Sessions looked for on the server that confirms commits.
    pub strict_reads: Counter,
    /// Checks answered from memory while the database could not be reached.
    pub stale_checks: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        // From a cached check to a commit on a slow disk.
        let buckets = [
            0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
            2.5,
        ];
        Self {
            requests: Family::default(),
            duration: Histogram::new(buckets),
            sign_ins: Family::default(),
            sign_in_failures: Family::default(),
            passkey_offers: Family::default(),
            code_compares: Counter::default(),
            challenges_spent: Counter::default(),
            challenges_replayed: Counter::default(),
            mail_sent: Counter::default(),
            mail_deferred: Counter::default(),
            mail_dropped: Counter::default(),
            panics: Counter::default(),
            polls: Counter::default(),
            polls_failed: Counter::default(),
            // From a hint on a quick network to the ceiling.
            propagation: Histogram::new([
                0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
            ]),
            shards_dropped: Counter::default(),
            fills: Family::default(),
            strict_reads: Counter::default(),
            stale_checks: Counter::default(),
        }
    }
}

impl Metrics {
    pub(crate) fn answered(&self, status: StatusCode, took: Duration) {
        let status = match status.as_u16() {
            ..=299 => "2xx",
            300..=399 => "3xx",
            429 => "429",
            400..=499 => "4xx",
            _ => "5xx",
        };
        self.requests.get_or_create(&Class { status }).inc();
        self.duration.observe(took.as_secs_f64());
    }

    pub(crate) fn signed_in(&self, method: &'static str) {
        self.sign_ins.get_or_create(&Method { method }).inc();
    }

    pub(crate) fn sign_in_failed(&self, method: &'static str) {
        self.sign_in_failures
            .get_or_create(&Method { method })
            .inc();
    }

    pub(crate) fn propagated(&self, took: Span) {
        self.propagation.observe(took.to_duration().as_secs_f64());
    }

    pub(crate) fn filled(&self, is_kept: bool) {
        let kept = if is_kept { "yes" } else { "no" };
        self.fills.get_or_create(&Fill { kept }).inc();
    }

    pub(crate) fn offered_passkey(&self, what: Offered) {
        let (outcome, code) = match what {
            Offered::Shown => ("shown", ""),
            Offered::Created => ("created", ""),
            Offered::Dismissed => ("dismissed", ""),
            Offered::Failed(code) => ("failed", code),
        };
        let outcome = Outcome { outcome, code };
        self.passkey_offers.get_or_create(&outcome).inc();
    }
}

/// What became of an offer of a passkey after a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offered {
    Shown,
    Created,
    Dismissed,
    /// By the code of the error.
    Failed(&'static str),
}

/// All metrics as text for Prometheus.
pub(crate) fn text(doorward: &Doorward) -> String {
    let metrics = &doorward.metrics;
    let mut registry = Registry::with_prefix("doorward");
    registry.register(
        "requests",
        "Answers by class of status",
        metrics.requests.clone(),
    );
    registry.register(
        "request_duration_seconds",
        "From the request's head to the answer's",
        metrics.duration.clone(),
    );
    registry.register("sign_ins", "Sessions opened", metrics.sign_ins.clone());
    registry.register(
        "sign_in_failures",
        "Proofs refused",
        metrics.sign_in_failures.clone(),
    );
    registry.register(
        "passkey_offers",
        "Offers of a passkey after a sign-in, by what became of them",
        metrics.passkey_offers.clone(),
    );
    registry.register(
        "code_compares",
        "Comparisons of mailed codes",
        metrics.code_compares.clone(),
    );
    registry.register(
        "challenges_spent",
        "Challenges presented",
        metrics.challenges_spent.clone(),
    );
    registry.register(
        "challenges_replayed",
        "Challenges presented again",
        metrics.challenges_replayed.clone(),
    );
    registry.register("mail_sent", "Messages that left", metrics.mail_sent.clone());
    registry.register(
        "mail_deferred",
        "Messages that have to wait",
        metrics.mail_deferred.clone(),
    );
    registry.register(
        "mail_dropped",
        "Messages that had no business any more",
        metrics.mail_dropped.clone(),
    );
    registry.register("panics", "Handlers that panicked", metrics.panics.clone());

    let count = |value: u64| {
        let counter: Counter<u64, AtomicU64> = Counter::default();
        counter.inc_by(value);
        counter
    };
    registry.register(
        "sql_statements",
        "Statements run",
        count(doorward.db.statements()),
    );
    registry.register(
        "sql_commits",
        "Commits that reached the disk",
        count(doorward.db.commits()),
    );
    let cached: Gauge<i64, AtomicI64> = Gauge::default();
    cached.set(i64::try_from(doorward.cache.len()).unwrap_or(i64::MAX));
    registry.register("cached_sessions", "Sessions in memory", cached);

    if let Some(follower) = &doorward.follower {
        register_following(&mut registry, doorward, follower);
    }

    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = encode(&mut text, &registry);
    text
}

/// What tells how a server keeps up with the others of its database.
fn register_following(registry: &mut Registry, doorward: &Doorward, follower: &Follower) {
    let metrics = &doorward.metrics;
    registry.register(
        "log_polls",
        "Polls of the log of what memory must forget",
        metrics.polls.clone(),
    );
    registry.register(
        "log_polls_failed",
        "Polls that were not answered, or too late",
        metrics.polls_failed.clone(),
    );
    registry.register(
        "propagation_seconds",
        "From the change on another server to its being forgotten here, by the clocks of both",
        metrics.propagation.clone(),
    );
    registry.register(
        "shards_dropped",
        "Parts of memory that were dropped because the log could not be followed",
        metrics.shards_dropped.clone(),
    );
    registry.register(
        "fills",
        "Sessions read, by whether memory keeps them",
        metrics.fills.clone(),
    );
    registry.register(
        "strict_reads",
        "Sessions looked for on the server that confirms commits",
        metrics.strict_reads.clone(),
    );
    registry.register(
        "stale_checks",
        "Checks answered from memory while the database could not be reached",
        metrics.stale_checks.clone(),
    );
    let age: Gauge<f64, AtomicU64> = Gauge::default();
    let never = f64::INFINITY;
    let since = follower.age(&doorward.clock);
    age.set(since.map_or(never, |age| age.to_duration().as_secs_f64()));
    registry.register(
        "lease_age_seconds",
        "Since the poll was sent that was answered last",
        age,
    );
}
