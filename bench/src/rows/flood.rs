//! Strangers who ask for much: neither the database nor memory may feel it.

use std::sync::Arc;

use doorward::{Entropy, RootKey, testing::Population};
use doorward_rig::{
    Result,
    http::{Connection, get, post as to_post},
};

use super::{
    AT_ONCE, Bench,
    memory::{MIB, number},
    seen, statements_each,
};
use crate::{
    load::{Measured, Visitor, closed},
    machine::now,
    mail::Post,
    report::Row,
    server::Server,
};

/// How many different requests a flood consists of.
const DIFFERENT: u64 = 100_000;

/// One who asks on and on, whatever is answered, as long as it is the same.
struct Stranger {
    connection: Connection,
    requests: Arc<Vec<Vec<u8>>>,
    next: usize,
    status: u16,
}

impl Visitor for Stranger {
    async fn visit(&mut self) -> Result<()> {
        let request = &self.requests[self.next % self.requests.len()];
        self.next += AT_ONCE;
        self.connection.expect(self.status, request).await.map(drop)
    }
}

struct Flooded {
    measured: Measured,
    statements: f64,
    grown: f64,
}

async fn flood(
    bench: &Bench,
    server: &Server,
    requests: Vec<Vec<u8>>,
    status: u16,
) -> Result<Flooded> {
    let requests = Arc::new(requests);
    let mut strangers = Vec::with_capacity(AT_ONCE);
    for (next, connection) in Bench::connections(server).await?.into_iter().enumerate() {
        strangers.push(Stranger {
            connection,
            requests: Arc::clone(&requests),
            next,
            status,
        });
    }
    let before = (server.statements().await?, server.memory()?);
    let measured = closed(strangers, Some(server.process), bench.times).await?;
    let after = (server.statements().await?, server.memory()?);
    Ok(Flooded {
        statements: statements_each(before.0, after.0, bench.times, measured.visits)?,
        grown: (number(after.1) - number(before.1)) / MIB,
        measured,
    })
}

fn rows(what: &str, flooded: &Flooded) -> [Row; 2] {
    let row = Row::new(
        format!("flood of {what}, statements each"),
        flooded.statements,
        "",
    )
    .at_most(0.001)
    .remark(format!("{:.0} a second", flooded.measured.rate));
    let grown = Row::new(
        format!("flood of {what}, memory grown"),
        flooded.grown,
        "MiB",
    )
    .at_most(8.0);
    [seen(row, &flooded.measured), grown]
}

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    // Each comes from an address of its own, which a proxy tells.
    let people = bench.growth[0];
    bench.population(people)?;
    let post = Post::start().await?;
    let mut settings = post.settings(&bench.home(people))?;
    settings.push(("TRUSTED_PROXIES", "127.0.0.0/8".into()));
    let (server, _) = bench.server(people, settings).await?;
    let from = |number: u64| {
        let [.., a, b, c] = number.to_be_bytes();
        format!("x-forwarded-for: 100.{a}.{b}.{c}\r\n")
    };

    // As they would be with another key: of the right form, and not ours.
    let key = RootKey::generate(&Entropy::system());
    let others = Population::new(&key, bench.authenticator.public_key(), now()?);
    let invented = (0..DIFFERENT).map(|number| {
        let token = others.person(number).tokens.remove(0);
        get("/auth/sessions/current", Some(&token), &from(number))
    });
    let tokens = flood(bench, &server, invented.collect(), 401).await?;

    let ask = (0..DIFFERENT).map(|number| {
        let path = "/auth/passkeys/authenticate/options";
        let ask = to_post(path, None, "{}");
        let mut ask = String::from_utf8(ask).unwrap_or_default();
        ask = ask.replacen(
            "host: localhost\r\n",
            &format!("host: localhost\r\n{}", from(number)),
            1,
        );
        ask.into_bytes()
    });
    let options = flood(bench, &server, ask.collect(), 200).await?;

    let [a, b] = rows("invented tokens", &tokens);
    let [c, d] = rows("options", &options);
    Ok(vec![a, b, c, d])
}
