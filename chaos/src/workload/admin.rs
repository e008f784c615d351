//! The administrator, who gives and takes roles and signs people out, from the command line.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{Person, World};
use crate::{
    chance::Chance,
    checkers::COMMAND,
    history::{Entry, Op, Outcome},
    nodes::{Node, Ran},
};

/// The role that is given and taken.
pub(crate) const ROLE: &str = "tester";

/// Does one thing after another: only one hand gives and takes roles, so that they are in an order.
pub(super) async fn work(world: Arc<World>) {
    let mut chance = Chance::new(world.seed, u64::MAX);
    while !world.is_done() {
        sleep(Duration::from_millis(100 + chance.below(300))).await;
        // A few people, so that each is given the role and loses it often.
        let few = &world.people[..world.people.len().min(4)];
        if let (Some(person), Some(node)) = (chance.pick(few), chance.pick(&world.nodes)) {
            act(&world, &mut chance, person, node).await;
        }
    }
}

async fn act(world: &World, chance: &mut Chance, person: &Person, node: &Node) {
    let Some(user) = person.known().user.clone() else {
        return;
    };
    let address = &*person.address;
    let (arguments, op) = match chance.below(8) {
        0..=3 => (vec!["role", "grant", ROLE, address], Op::Grant { user }),
        4..=6 => (vec!["role", "revoke", ROLE, address], Op::Revoke { user }),
        _ => (vec!["user", "sign-out", address], Op::EndAll { user }),
    };
    let start = world.recorder.now();
    let ran = node.run(&arguments).await;
    let outcome = match ran {
        // A role that was there already is no change; a sign-out always is one.
        Ran::Done(json) if json["changed"] == false && !matches!(op, Op::EndAll { .. }) => {
            Outcome::Fail
        }
        Ran::Done(_) => Outcome::Ok,
        // Most likely nothing has changed; but the database may have failed at any point.
        Ran::Refused(_) | Ran::Lost => Outcome::Unknown,
    };
    world.recorder.write(Entry {
        number: world.recorder.number(),
        op,
        start,
        end: world.recorder.now(),
        outcome,
        node: COMMAND.into(),
        said: None,
    });
}
