//! What the servers hold when all is over.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    chance::Chance,
    checkers::{self, Account, Event, History, ReadBack, User},
    failure::Result,
    history::{Name, instant, number_of},
    nodes::{Node, Ran},
    workload::{Actor, World},
};

/// How long mail may take after the last recovery: a claim of a server that died holds for two minutes.
const MAIL: Duration = Duration::from_secs(150);

/// Asks after everything: every session on every node, every account, the log, the mail.
pub(crate) async fn read_back(world: &Arc<World>) -> Result<History> {
    let mut actor = Actor::new(world.clone(), Chance::new(world.seed, u64::MAX - 1));
    let tokens: Vec<_> = world.tokens().clone().into_iter().collect();
    for node in &world.nodes {
        for (session, token) in &tokens {
            actor.check(&node.target, session, token).await;
        }
    }
    let accounts = accounts(world).await?;
    let node = world.nodes.first().ok_or("a world without nodes")?;
    let mut history = History {
        entries: world.recorder.entries(),
        read: ReadBack {
            users: users(node).await?,
            accounts,
            events: events(node).await?,
            mails: world.sink.mails(),
        },
    };
    let since = instant();
    while !checkers::is_all_mail_there(&history) && since.elapsed() < MAIL {
        sleep(Duration::from_millis(250)).await;
        history.read.mails = world.sink.mails();
    }
    Ok(history)
}

/// Every account at once: who has just had a code has to wait for the next.
async fn accounts(world: &Arc<World>) -> Result<Vec<Account>> {
    let mut readers = JoinSet::new();
    for person in 0..world.people.len() {
        let chance = Chance::new(world.seed, person as u64);
        let mut actor = Actor::new(world.clone(), chance);
        readers.spawn(async move { actor.read_account(person).await });
    }
    let mut accounts = Vec::new();
    while let Some(account) = readers.join_next().await {
        accounts.extend(account?);
    }
    Ok(accounts)
}

async fn users(node: &Node) -> Result<Vec<User>> {
    let list = ask(node, &["user", "list"]).await?;
    let users = list.as_array().into_iter().flatten().map(|user| {
        Some(User {
            id: text(&user["id"])?,
            address: text(&user["email"])?,
        })
    });
    users
        .collect::<Option<_>>()
        .ok_or_else(|| "a list of users that cannot be read".into())
}

async fn events(node: &Node) -> Result<Vec<Event>> {
    let list = ask(node, &["events", "--limit", "100000000"]).await?;
    let events = list.as_array().into_iter().flatten().map(|event| {
        Some(Event {
            kind: text(&event["kind"])?,
            subject: text(&event["subject"]),
            session: text(&event["sessionId"]),
            number: event["ip"].as_str().and_then(number_of),
        })
    });
    events
        .collect::<Option<_>>()
        .ok_or_else(|| "a log that cannot be read".into())
}

async fn ask(node: &Node, arguments: &[&str]) -> Result<Value> {
    let command = arguments.join(" ");
    match node.run(arguments).await {
        Ran::Done(answer) => Ok(answer),
        Ran::Refused(why) => Err(format!("`doorward {command}`: {why}").into()),
        Ran::Lost => Err(format!("`doorward {command}` did not end").into()),
    }
}

fn text(value: &Value) -> Option<Name> {
    value.as_str().map(Into::into)
}

/// The ids of the members of a list.
pub(crate) fn ids(list: &Value) -> Option<Vec<Name>> {
    list.as_array()?
        .iter()
        .map(|item| text(&item["id"]))
        .collect()
}

impl Actor {
    /// Signs in once more and lists what is there; `None` for whom never came to an account.
    async fn read_account(&mut self, person: usize) -> Option<Account> {
        let world = self.world.clone();
        let person = world.people.get(person)?;
        for _ in 0..4 {
            if self.sign_in_by_code(person).await.is_some() {
                break;
            }
            sleep(crate::world::ADDRESS_INTERVAL).await;
        }
        let (user, sessions, passkeys) = self.list(person).await?;
        Some(Account {
            user,
            sessions: ids(&sessions)?,
            passkeys: ids(&passkeys)?,
        })
    }
}
