use super::{log::Subject, *};
use crate::{ids::SessionId, time::Timestamp};

const TERMS: Terms = Terms {
    lease: Span::seconds(1),
    ceiling: Span::seconds(30),
};

fn at(boot: i64, wall: i64) -> Moment {
    Moment::new(Span::millis(boot), Timestamp::from_millis(wall))
}

fn row(seq: i64, id: u8) -> Row {
    Row {
        at: Position { seq, id: [id; 16] },
        subject: Subject::Session(SessionId([id; 16])),
    }
}

fn held_since(moment: Moment) -> Lease {
    Lease {
        terms: TERMS,
        valid: Some(moment),
    }
}

#[test]
fn a_lease_counts_from_when_its_poll_was_sent_and_ends_on_either_clock() {
    let lease = held_since(at(5000, 70_000));

    assert!(matches!(
        lease.standing(at(5999, 70_999)),
        Standing::Held(_)
    ));
    for (boot, wall) in [(6000, 70_500), (5500, 71_000), (6000, 0)] {
        assert!(
            matches!(lease.standing(at(boot, wall)), Standing::Lapsed(_)),
            "{boot} {wall}"
        );
    }
    for (boot, wall) in [(35_000, 70_500), (5500, 100_000)] {
        assert!(
            matches!(lease.standing(at(boot, wall)), Standing::Over),
            "{boot} {wall}"
        );
    }
}

#[test]
fn nothing_is_believed_before_the_first_poll() {
    let lease = Lease::new(TERMS);

    assert!(matches!(lease.standing(at(0, 0)), Standing::Over));
}

#[test]
fn a_strict_lease_does_not_lapse_before_it_is_over() {
    let lease = Lease {
        terms: Terms::strict(Span::seconds(1)),
        ..held_since(at(0, 0))
    };

    assert!(matches!(lease.standing(at(999, 999)), Standing::Held(_)));
    assert!(matches!(lease.standing(at(1000, 1000)), Standing::Over));
}

#[test]
fn no_ceiling_is_below_its_lease() {
    let lease = Lease {
        terms: Terms::new(Span::seconds(1), Span::ZERO),
        ..held_since(at(0, 0))
    };

    assert!(matches!(lease.standing(at(999, 999)), Standing::Held(_)));
    assert!(!lease.terms.have_run_out(at(0, 0), at(999, 999)));
}

#[test]
fn terms_have_run_out_when_the_time_since_boot_says_so() {
    let then = at(0, 0);

    assert!(TERMS.have_run_out(then, at(30_000, 30_000)));
    assert!(!TERMS.have_run_out(then, at(29_999, 99_000)));
    assert!(
        TERMS.have_run_out(then, at(30_000, -3_600_000)),
        "an hour back"
    );
}

/// So that what it has missed fits into an answer in time, however much that is; what has not changed is kept.
#[test]
fn who_was_away_for_long_asks_for_the_newest_only() {
    let cache = Cache::sharded(2, 100, Progress::Nowhere);
    let mut lease = Lease::new(TERMS);
    let first = lease.poll(at(0, 0), &cache);
    lease.apply(
        &first.answered(vec![vec![row(4, 4)], vec![row(7, 7)]]),
        &cache,
    );

    let soon = lease.poll(at(29_999, 29_999), &cache);
    let late = lease.poll(at(30_000, 30_000), &cache);

    assert_eq!(soon.applied(0), Some(row(4, 4).at));
    assert_eq!((late.applied(0), late.applied(1)), (None, None));
    let followed = lease.apply(
        &late.answered(vec![vec![row(9, 9)], vec![row(7, 7)]]),
        &cache,
    );
    assert_eq!(followed.unwrap().drops, 1);
}

#[test]
fn an_answer_that_was_overtaken_changes_nothing() {
    let cache = Cache::sharded(1, 100, Progress::Nowhere);
    let mut lease = Lease::new(TERMS);
    let (early, late) = (lease.poll(at(1, 1), &cache), lease.poll(at(2, 2), &cache));

    let first = lease.apply(&late.answered(vec![vec![row(4, 4)]]), &cache);
    let second = lease.apply(&early.answered(vec![vec![row(3, 3)]]), &cache);

    assert_eq!(
        first,
        Some(Followed {
            rows: Vec::new(),
            drops: 1
        })
    );
    assert_eq!(second, None);
    assert_eq!(cache.progress(), [Progress::At(row(4, 4).at)]);
}

#[test]
fn a_log_is_followed_row_by_row() {
    let rows = [row(3, 3), row(4, 4), row(5, 5)];

    let applied = Progress::At(row(3, 3).at);
    assert_eq!(
        applied.follow(&rows),
        (Progress::At(row(5, 5).at), Step::Forget(&rows[1..]))
    );
    let applied = Progress::At(row(5, 5).at);
    assert_eq!(applied.follow(&rows), (applied, Step::Forget(&[])));
}

#[test]
fn what_does_not_continue_the_log_drops_the_shard() {
    let applied = Progress::At(row(3, 3).at);
    for (why, rows) in [
        ("a number is missing", vec![row(3, 3), row(5, 5)]),
        ("the row applied last is gone", vec![row(4, 4), row(5, 5)]),
        ("its number is another row's", vec![row(3, 9), row(4, 4)]),
        ("the log has become shorter", vec![row(2, 2)]),
    ] {
        let head = Progress::At(rows[rows.len() - 1].at);
        assert_eq!(applied.follow(&rows), (head, Step::Drop), "{why}");
    }
    assert_eq!(applied.follow(&[]), (Progress::Nowhere, Step::Drop));
    assert_eq!(
        Progress::Nowhere.follow(&[row(7, 7)]),
        (Progress::At(row(7, 7).at), Step::Drop)
    );
}

#[test]
fn a_read_proves_itself_by_the_row_that_was_applied_last() {
    let (cache, id) = (
        Cache::sharded(1, 100, Progress::Nowhere),
        SessionId([0; 16]),
    );
    let mut lease = Lease::new(TERMS);
    assert!(
        cache.ticket(&id).proved_by(None, 0).is_none(),
        "nothing known"
    );

    let poll = lease.poll(at(1, 1), &cache);
    lease.apply(&poll.answered(vec![vec![row(4, 4)]]), &cache);

    let ticket = cache.ticket(&id);
    assert_eq!(ticket.asks(), Some(row(4, 4).at));
    assert!(ticket.proved_by(Some(row(4, 4).at.id), 5).is_some());
    assert!(ticket.proved_by(Some(row(4, 9).at.id), 5).is_none());
    assert!(ticket.proved_by(None, 5).is_none());
}
