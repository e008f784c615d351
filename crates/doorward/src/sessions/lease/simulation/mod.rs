//! The lease and the memory of this crate, run many times against a simulated database.
//!
//! Three servers, a primary and its standby; messages that are late and overtake each other; partitions, promotions,
//! connections that still lead to the old primary, waits for the standby that are given up, machines that sleep with one
//! of their clocks, a log that is pruned. No run may break the promise, and every [`Fault`] leaves out one clause of the
//! protocol and must be found to break it: most by a simulation that withholds what the clause needs, so that the code
//! which is tested is the code that runs.

mod changes;
mod checks;
mod database;
mod history;
mod node;
mod plan;
mod polls;
mod random;
mod run;
mod server;
mod timetable;

use self::{
    database::Replication,
    history::{Counts, History},
    run::Setting,
};

/// A clause of the protocol that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Memory is believed for ever.
    NoLease,
    /// Memory is believed for ever while the database cannot be reached.
    NoCeiling,
    /// A lease that is over is not renewed before memory is believed.
    StaleWithoutPoll,
    /// The lease counts from when the answer came.
    CountsFromTheReply,
    /// Use keeps a lease alive.
    UseExtendsTheLease,
    /// Time is measured on the clock that some machines stop while they sleep.
    BootClockOnly,
    /// Time is measured on the clock that can be set back.
    WallClockOnly,
    /// A poll only reads.
    NoHeartbeat,
    /// A poll counts although its commit was not waited for.
    IgnoresTheWarning,
    /// Rows are applied although some before them are missing.
    GapsAreOverlooked,
    /// The number of the row that was applied last is enough to continue after it.
    NumbersAreTrusted,
    /// Servers hear of what happens by messages, some of which are lost.
    HintsOnly,
    /// Numbers are drawn ahead of the commit, as a sequence does it.
    NumbersWithoutLock,
    /// The row of the log is committed ahead of what it tells of.
    LogsInItsOwnTransaction,
    /// What was read is kept, however old it is.
    FillsAreUnproved,
    /// The newest number is proof enough.
    FillsAreProvedByNumber,
    /// What has seen more of the log than memory has is kept.
    FillsAheadAreKept,
    /// What was read is kept although memory has moved on meanwhile.
    FillsInFlightAreKept,
    /// A read without a heartbeat is enough to call a session unknown.
    UnknownWithoutHeartbeat,
    /// A server waits for its own poll to hear of what it changed itself.
    OwnChangesByPoll,
    /// The end of a session is acknowledged at once, though there is to be no window.
    DoesNotWait,
}

/// How many runs each setting gets: a build without optimisation takes its time.
const RUNS: u64 = if cfg!(debug_assertions) { 700 } else { 50_000 };

/// Standby in step, ceiling beyond the lease.
const BOUNDED: Setting = Setting {
    replication: Replication::Synchronous,
    is_strict: false,
    fault: None,
};

/// No ceiling beyond the lease, and an end is acknowledged when no lease has missed it.
const STRICT: Setting = Setting {
    is_strict: true,
    ..BOUNDED
};

/// Standby behind: what it lost, nobody can promise.
const BEHIND: Setting = Setting {
    replication: Replication::Asynchronous,
    ..BOUNDED
};

fn hold(setting: Setting, seeds: u64) -> Counts {
    let mut counts = Counts::default();
    for seed in 0..seeds {
        let History {
            violations,
            counts: of_run,
            ..
        } = run::run(setting, seed);
        assert_eq!(violations, [""; 0], "{setting:?}, seed {seed}");
        counts.add(&of_run);
    }
    println!("{setting:?}: {counts:?}");
    counts
}

#[test]
fn no_check_accepts_what_ended_before_its_lease() {
    let counts = hold(BOUNDED, RUNS);

    assert!(counts.accepted > 10 * counts.stale, "{counts:?}");
    for (what, count) in [
        ("ends", counts.ended),
        ("stale answers", counts.stale),
        ("refusals", counts.refused),
        ("answers that nobody could give", counts.unavailable),
        ("dropped shards", counts.dropped),
        ("overtaken answers", counts.overtaken),
        ("reads without proof", counts.unproved),
        ("reads that were not kept", counts.unkept),
        ("rows that only the old primary has", counts.forked),
    ] {
        assert!(count > 100, "{what}: {counts:?}");
    }
}

#[test]
fn there_is_no_window_where_ends_are_strict_and_waited_for() {
    let counts = hold(STRICT, RUNS);

    assert_eq!(counts.stale, 0);
    assert!(counts.latest <= 0, "{counts:?}");
}

#[test]
fn a_failover_that_loses_ends_delays_no_other() {
    let counts = hold(BEHIND, RUNS);

    assert!(counts.lost > 100, "{counts:?}");
}

#[test]
fn every_clause_is_needed() {
    use Fault as F;
    const SEEDS: u64 = 3000;
    for (setting, faults) in [
        (
            BOUNDED,
            &[
                F::NoLease,
                F::NoCeiling,
                F::StaleWithoutPoll,
                F::CountsFromTheReply,
                F::UseExtendsTheLease,
                F::BootClockOnly,
                F::WallClockOnly,
                F::NoHeartbeat,
                F::IgnoresTheWarning,
                F::GapsAreOverlooked,
                F::HintsOnly,
                F::NumbersWithoutLock,
                F::LogsInItsOwnTransaction,
                F::FillsAreUnproved,
                F::FillsAreProvedByNumber,
                F::FillsInFlightAreKept,
                F::UnknownWithoutHeartbeat,
                F::OwnChangesByPoll,
            ][..],
        ),
        (STRICT, &[F::DoesNotWait]),
        (BEHIND, &[F::NumbersAreTrusted, F::FillsAheadAreKept]),
    ] {
        for fault in faults {
            let setting = Setting {
                fault: Some(*fault),
                ..setting
            };
            let found = (0..SEEDS).find(|seed| !run::run(setting, *seed).violations.is_empty());
            println!("{fault:?}: {found:?}");
            assert!(found.is_some(), "{fault:?} was not found in {SEEDS} runs");
        }
    }
}
