//! One who acts: asks a node, and writes down what came of it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::World;
use crate::{
    chance::Chance,
    history::{Entry, Name, Op, Opened, Outcome},
    http::{Answer, Ask, Client, Reply, Target},
    nodes::Node,
};

pub(crate) struct Actor {
    pub world: Arc<World>,
    pub chance: Chance,
    client: Client,
}

/// A request whose outcome matters.
pub(super) struct Request<'a> {
    pub method: &'static str,
    pub path: &'a str,
    pub token: Option<&'a str>,
    pub body: Option<Value>,
}

/// What came of it, written down already.
pub(super) struct Done {
    pub outcome: Outcome,
    /// The answer, if it was one of success.
    pub json: Value,
}

impl Actor {
    pub(crate) fn new(world: Arc<World>, chance: Chance) -> Self {
        Self {
            world,
            chance,
            client: Client::default(),
        }
    }

    /// Another one of the same world, to act at the same moment.
    pub(super) fn twin(&mut self) -> Self {
        let chance = Chance::new(self.chance.next(), 1);
        Self::new(self.world.clone(), chance)
    }

    /// Any node.
    pub(super) fn node(&mut self) -> Option<Arc<Node>> {
        let world = self.world.clone();
        self.chance.pick(&world.nodes).cloned()
    }

    /// Asks any node, and writes down what came of it; `None` if the request was never sent.
    pub(super) async fn perform(
        &mut self,
        request: Request<'_>,
        tell: impl FnOnce(&Value) -> Op,
    ) -> Option<Done> {
        let node = self.node()?;
        self.perform_on(&node.target, request, tell).await
    }

    /// Asks a node, and writes down what came of it; `None` if the request was never sent.
    pub(super) async fn perform_on(
        &mut self,
        target: &Target,
        request: Request<'_>,
        tell: impl FnOnce(&Value) -> Op,
    ) -> Option<Done> {
        let number = self.world.recorder.number();
        let start = self.world.recorder.now();
        let reply = self.client.ask(target, ask(request, number)).await;
        let end = self.world.recorder.now();
        let (outcome, said, json) = match reply {
            Reply::Unsent => return None,
            Reply::Lost => (Outcome::Unknown, None, Value::Null),
            Reply::Answer(answer) => read(&answer),
        };
        let entry = Entry {
            number,
            op: tell(&json),
            start,
            end,
            outcome,
            node: target.name.clone(),
            said,
        };
        self.world.recorder.write(entry);
        Some(Done { outcome, json })
    }

    /// Asks any node for something that changes nothing; the answer, if it was one of success.
    pub(super) async fn look(&mut self, request: Request<'_>) -> Option<Value> {
        let node = self.node()?;
        match self.client.ask(&node.target, ask(request, 0)).await {
            Reply::Answer(answer) if answer.status.is_success() => Some(answer.json()),
            _ => None,
        }
    }
}

fn ask(request: Request<'_>, number: u64) -> Ask<'_> {
    Ask {
        method: request.method,
        path: request.path,
        token: request.token,
        // Unsafe methods without a body are none of a browser's business either.
        body: request
            .body
            .or_else(|| (request.method != "GET").then(|| json!({}))),
        number,
    }
}

fn read(answer: &Answer) -> (Outcome, Option<Name>, Value) {
    let json = answer.json();
    let said = json["code"].as_str().map(Name::from);
    if answer.status.is_success() {
        (Outcome::Ok, None, json)
    } else if answer.status.is_server_error() {
        (Outcome::Unknown, said, Value::Null)
    } else {
        (Outcome::Fail, said, Value::Null)
    }
}

/// The session that an answer to a sign-in tells of.
pub(super) fn opened(json: &Value) -> Option<Opened> {
    Some(Opened {
        user: json["user"]["id"].as_str()?.into(),
        session: json["session"]["id"].as_str()?.into(),
    })
}
