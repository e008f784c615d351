//! Sign-ins by mailed code: asking for it, waiting for the mail, trading it for a session.

use std::sync::Arc;

use doorward_rig::{
    Result,
    http::{Connection, post},
};

use super::{AT_ONCE, Bench, seen, statements_each};
use crate::{
    load::{Visitor, closed},
    mail::Post,
    report::Row,
};

/// One who signs in, as one person after another.
struct SignsIn {
    connection: Connection,
    post: Post,
    addresses: Arc<Vec<String>>,
    next: usize,
}

impl Visitor for SignsIn {
    async fn visit(&mut self) -> Result<()> {
        let address = &self.addresses[self.next];
        self.next = (self.next + AT_ONCE) % self.addresses.len();
        let expected = self.post.expect(address);
        let ask = format!(r#"{{"email":"{address}"}}"#);
        let ask = post("/auth/verify", None, &ask);
        self.connection.expect(201, &ask).await?;
        let code = expected.code().await?;
        let form = format!(r#"{{"method":"otp","email":"{address}","token":"{code}"}}"#);
        let form = post("/auth/sessions", None, &form);
        self.connection.expect(201, &form).await.map(drop)
    }
}

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let post = Post::start().await?;
    let population = bench.population(bench.people)?;
    let settings = post.settings(&bench.home(bench.people))?;
    let (server, _) = bench.server(bench.people, settings).await?;
    let addresses = (0..bench.people).map(|number| population.person(number).address);
    let addresses: Arc<Vec<_>> = Arc::new(addresses.map(|address| address.to_string()).collect());
    let connections = Bench::connections(&server).await?;
    let visitors = connections.into_iter().enumerate();
    let visitors = visitors.map(|(next, connection)| SignsIn {
        connection,
        post: post.clone(),
        addresses: Arc::clone(&addresses),
        next,
    });
    let before = (
        server.statements().await?,
        server.counted("sql_commits").await?,
    );
    let measured = closed(visitors.collect(), Some(server.process), bench.times).await?;
    let after = (
        server.statements().await?,
        server.counted("sql_commits").await?,
    );
    let statements = statements_each(before.0, after.0, bench.times, measured.visits)?;
    let visits = f64::from(u32::try_from(measured.visits)?);
    let row = Row::new("sign-in by code, mail included", measured.rate, "/s")
        .at_least(3000.0)
        .remark(format!(
            "{:.1} share a commit",
            visits / (after.1 - before.1).max(1.0)
        ));
    let run_by_it = Row::new("sign-in by code, statements each", statements, "").at_most(10.0);
    Ok(vec![seen(row, &measured), run_by_it])
}
