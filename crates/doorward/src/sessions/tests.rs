use super::{lease::Permit, *};
use crate::time::Span;

const DAY: Lifetime = Lifetime {
    idle: Span::hours(2),
    absolute: Span::hours(24),
};

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(0) + Span::minutes(minutes)
}

fn session(expires_at: Timestamp) -> Session {
    Session {
        id: SessionId([1; 16]),
        user_id: UserId([2; 16]),
        method: Method::Otp,
        passkey: None,
        aal: 0,
        created_at: at(0),
        authenticated_at: at(0),
        expires_at,
        last_seen: at(0).into(),
        ip: None,
        user_agent: None,
    }
}

#[test]
fn a_session_is_renewed_in_the_second_half_of_its_idle_life() {
    let session = session(at(120));

    assert_eq!(session.renewal(DAY, at(60)), None);
    assert_eq!(session.renewal(DAY, at(61)), Some(at(181)));
}

/// Item 64: use does not move the absolute end.
#[test]
fn a_renewal_never_passes_the_absolute_end() {
    let (late, last) = (session(at(24 * 60 - 30)), session(at(24 * 60)));

    assert_eq!(
        late.renewal(DAY, at(24 * 60 - 31)),
        Some(at(24 * 60)),
        "use carries a session to its absolute end"
    );
    assert_eq!(last.renewal(DAY, at(24 * 60 - 31)), None, "and no further");
    assert!(late.is_live(DAY, at(24 * 60 - 31)));
    assert!(!late.is_live(DAY, at(24 * 60)));
}

#[test]
fn a_session_whose_user_becomes_an_administrator_is_cut_short() {
    let long = session(at(7 * 24 * 60));
    let admin = Lifetime {
        idle: Span::minutes(30),
        absolute: Span::hours(12),
    };

    assert_eq!(long.renewal(admin, at(10)), Some(at(40)));
}

/// On a file the command line signs someone out, and two reads of that person are kept in the other order than they
/// were made.
#[test]
fn a_read_from_before_an_epoch_does_not_take_the_place_of_one_from_after() {
    let cache = Cache::sharded(1, 100, Progress::Alone);
    let fill = |born: i64, number: u8| {
        let mut session = session(at(120));
        session.id = SessionId([number; 16]);
        let live = Arc::new(Live {
            token_hash: [0; 32],
            user_epoch: born,
            session,
        });
        let person = Arc::new(Person {
            account: Account::in_epoch(live.session.user_id, born),
            access: Arc::default(),
            lifetime: DAY,
        });
        let proven = cache.ticket(&live.session.id).proved_by(None, 0).unwrap();
        cache.fill(&proven, &live, &person)
    };

    assert!(fill(1, 1));
    assert!(fill(2, 2));
    assert!(!fill(1, 3));

    let (_, person) = cache.get(&Permit::alone(), &SessionId([1; 16])).unwrap();
    assert_eq!(person.account.auth_epoch, 2);
}

/// What is kept for each session, and for each person who has one: `docs/performance.md` has what that comes to.
#[test]
fn memory_is_spent_sparingly() {
    assert!(size_of::<Live>() <= 152, "{}", size_of::<Live>());
    assert!(size_of::<Person>() <= 264, "{}", size_of::<Person>());
}
