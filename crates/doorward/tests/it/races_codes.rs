//! Codes under parallel fire: the guarded statements decide, not the order of arrival.

use std::{collections::BTreeMap, sync::Arc};

use doorward::{
    Span,
    testing::{Caller, Reply, World, on_every_database},
};
use serde_json::json;
use tokio::{sync::Barrier, task::JoinSet};

use super::codes::{ask, code_for, failures, read, show, wrong};

const ADA: &str = "ada@example.com";

/// So many callers of as many networks, all at once; how often each answer came.
async fn all_at_once<F>(
    world: &World,
    callers: usize,
    act: impl Fn(usize, Caller) -> F,
) -> BTreeMap<String, usize>
where
    F: Future<Output = Reply> + Send + 'static,
{
    let start = Arc::new(Barrier::new(callers));
    let mut racing = JoinSet::new();
    for number in 0..callers {
        let ip = format!("198.51.{}.{}", number / 256, number % 256);
        let act = act(number, world.native().from(&ip));
        let start = Arc::clone(&start);
        racing.spawn(async move {
            start.wait().await;
            act.await
        });
    }
    let mut answers = BTreeMap::new();
    for reply in racing.join_all().await {
        let answer = format!("{} {}", reply.status().as_u16(), reply.problem_code());
        *answers.entry(answer).or_default() += 1;
    }
    answers
}

fn counted(answers: &[(&str, usize)]) -> BTreeMap<String, usize> {
    answers
        .iter()
        .map(|(answer, count)| ((*answer).to_owned(), *count))
        .collect()
}

/// Item 3: fifty show the right code at once, and one gets in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_right_codes_open_one_session() {
    on_every_database(async |world| {
        let code = code_for(&world, &world.native(), ADA).await;

        let answers = all_at_once(&world, 50, |_, caller| {
            let code = code.clone();
            async move { show(&caller, ADA, &code).await }
        })
        .await;

        assert_eq!(answers, counted(&[("201 ", 1), ("401 invalid_code", 49)]));
        assert_eq!(read::<i64>(&world, "select count(*) from sessions"), 1);
    })
    .await;
}

/// Items 4, 6: two hundred wrong codes at once are compared five times, and are all counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_wrong_codes_are_compared_five_times() {
    on_every_database(async |world| {
        let code = code_for(&world, &world.native(), ADA).await;

        let answers = all_at_once(&world, 200, |number, caller| {
            let guess = wrong(&code, number as u64 + 1);
            async move { show(&caller, ADA, &guess).await }
        })
        .await;

        assert_eq!(answers, counted(&[("401 invalid_code", 200)]));
        assert!(world.code_compares() <= 5, "{}", world.code_compares());
        assert_eq!(failures(&world), 200);
        show(&world.native(), ADA, &code)
            .await
            .problem(401, "invalid_code");
    })
    .await;
}

/// Item 98: however many a network sends at once, a hundred of its wrong codes are looked at. Right ones cost it nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_network_that_guesses_all_at_once_fails_a_hundred_times() {
    on_every_database(async |world| {
        let network = "192.0.2.77";
        for number in 0..3 {
            let (caller, address) = (
                world.native().from(network),
                format!("user{number}@example.com"),
            );
            let code = code_for(&world, &caller, &address).await;
            show(&caller, &address, &code).await.created();
        }
        let code = code_for(&world, &world.native(), ADA).await;

        let answers = all_at_once(&world, 200, |number, caller| {
            let (caller, guess) = (caller.from(network), wrong(&code, number as u64 + 1));
            async move { show(&caller, ADA, &guess).await }
        })
        .await;

        let expected = [("401 invalid_code", 100), ("429 rate_limited", 100)];
        assert_eq!(answers, counted(&expected));
        assert_eq!(failures(&world), 100);
    })
    .await;
}

/// Items 3, 4: a right code among wrong ones gets in at most once, whoever is first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn right_and_wrong_codes_at_once_open_one_session_at_most() {
    on_every_database(async |world| {
        let code = code_for(&world, &world.native(), ADA).await;

        all_at_once(&world, 60, |number, caller| {
            let guess = wrong(&code, number as u64 % 3);
            async move { show(&caller, ADA, &guess).await }
        })
        .await;

        assert!(world.code_compares() <= 5, "{}", world.code_compares());
        assert!(read::<i64>(&world, "select count(*) from sessions") <= 1);
    })
    .await;
}

/// Item 94: the first sign-ins of one address, at once and with codes of their own, make one account.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_sign_ins_at_once_make_one_account() {
    let world = World::with(|config| {
        config.limits.address_interval = Span::ZERO;
        config.limits.address_quarter = 0;
        config.limits.address_hour = 0;
        config.limits.address_day = 0;
    })
    .await;
    let mut forms = Vec::new();
    for _ in 0..20 {
        let bind = json!({ "email": ADA, "bind": true });
        let flow = world.native().post("/auth/verify", bind).await.created()["flow"].clone();
        let token = world.inbox(ADA).await.code();
        forms.push(json!({ "method": "otp", "email": ADA, "token": token, "flow": flow }));
    }

    let answers = all_at_once(&world, forms.len(), |number, caller| {
        let form = forms[number].clone();
        async move { caller.post("/auth/sessions", form).await }
    })
    .await;

    assert_eq!(answers, counted(&[("201 ", 20)]));
    assert_eq!(read::<i64>(&world, "select count(*) from users"), 1);
    assert_eq!(read::<i64>(&world, "select count(*) from user_emails"), 1);
    let created: i64 = read(
        &world,
        "select count(*) from events where kind = 'user_created'",
    );
    assert_eq!(created, 1);
    assert_eq!(
        read::<i64>(&world, "select count(distinct user_id) from sessions"),
        1
    );
}

/// Item 98: however many ask at once, one address gets one code.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_who_ask_at_once_cause_one_mail() {
    on_every_database(async |world| {
        let answers = all_at_once(
            &world,
            50,
            |_, caller| async move { ask(&caller, ADA).await },
        )
        .await;

        assert_eq!(answers, counted(&[("201 ", 1), ("429 rate_limited", 49)]));
        assert_eq!(world.inbox(ADA).await.messages().len(), 1);
    })
    .await;
}

/// Item 8: ten failures reached at once tell the holder once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn failures_at_once_tell_the_holder_once() {
    on_every_database(async |world| {
        world.sign_in(&world.native(), ADA).await;
        world.mailbox().clear();

        all_at_once(&world, 50, |number, caller| async move {
            show(&caller, ADA, &format!("{number:08}")).await
        })
        .await;

        assert_eq!(failures(&world), 50);
        assert_eq!(world.inbox(ADA).await.messages().len(), 1);
    })
    .await;
}
