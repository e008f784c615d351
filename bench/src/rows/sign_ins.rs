//! Sign-ins by passkey, from the assertion's JSON to the durable session. Options are fetched and answered before.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
        UnparsedPublicKey,
    },
};
use doorward::testing::Population;
use doorward_rig::{
    Result,
    http::{Connection, post},
};

use super::{AT_ONCE, Bench, seen, statements_each};
use crate::{
    load::{Measured, Visitor, closed},
    report::Row,
    server::Server,
};

/// More than any server here verifies in a second on one processor, so that answers do not run out.
const MOST_PER_SECOND: f64 = 14_000.0;

/// One who signs in, as one person after another.
struct SignsIn {
    connection: Connection,
    answers: std::vec::IntoIter<Vec<u8>>,
}

impl Visitor for SignsIn {
    async fn visit(&mut self) -> Result<()> {
        let answer = self.answers.next().ok_or("too few answers were prepared")?;
        self.connection.expect(201, &answer).await.map(drop)
    }
}

/// Sign-ins, and what they cost.
pub(super) struct SignIns {
    pub measured: Measured,
    pub statements: f64,
    /// How many shared a commit.
    pub shared: f64,
}

/// Has people of a population sign in.
pub(super) async fn run(
    bench: &Bench,
    server: &Server,
    population: &Population,
    people: u64,
) -> Result<SignIns> {
    let seconds = (bench.times.warm_up + bench.times.measured).as_secs_f64();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small number of seconds"
    )]
    let each = (MOST_PER_SECOND * seconds) as usize / AT_ONCE + 1;
    let mut under_way = tokio::task::JoinSet::new();
    let mut visitors = Vec::with_capacity(AT_ONCE);
    let ask = post("/auth/passkeys/authenticate/options", None, "{}");
    for (first, mut connection) in (0..).zip(Bench::connections(server).await?) {
        let ask = ask.clone();
        under_way.spawn(async move {
            let mut options = Vec::with_capacity(each);
            for _ in 0..each {
                options.push(connection.expect(200, &ask).await?.to_vec());
            }
            Ok::<_, doorward_rig::Failure>((first, connection, options))
        });
    }
    while let Some(prepared) = under_way.join_next().await {
        let (first, connection, options): (u64, _, Vec<_>) = prepared??;
        let mut answers = Vec::with_capacity(each);
        for (turn, options) in (0..).zip(options) {
            // Each person's sessions stay few: the most of them there are, one after another.
            let person = population.person((first + turn * AT_ONCE as u64) * 7_919 % people);
            let answer = bench.authenticator.get(&person, &options)?;
            answers.push(post("/auth/passkeys/authenticate/verify", None, &answer));
        }
        visitors.push(SignsIn {
            connection,
            answers: answers.into_iter(),
        });
    }
    let before = (
        server.statements().await?,
        server.counted("sql_commits").await?,
    );
    let measured = closed(visitors, Some(server.process), bench.times).await?;
    let after = (
        server.statements().await?,
        server.counted("sql_commits").await?,
    );
    let statements = statements_each(before.0, after.0, bench.times, measured.visits)?;
    let visits = f64::from(u32::try_from(measured.visits)?);
    Ok(SignIns {
        shared: visits / (after.1 - before.1).max(1.0),
        measured,
        statements,
    })
}

/// How many signatures the processor of the servers verifies, and nothing else.
pub(super) fn verifications(bench: &Bench) -> Result<f64> {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
    let message = [7; 69];
    let signature = key.sign(&SystemRandom::new(), &message)?;
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.public_key().as_ref());
    bench.times_a_second(|| {
        // It is valid; that it is looked at keeps the work from being left out.
        std::hint::black_box(public.verify(&message, signature.as_ref()).is_ok());
    })
}

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let limit = verifications(bench)?;
    let (server, population) = bench.server(bench.people, Vec::new()).await?;
    let sign_ins = run(bench, &server, &population, bench.people).await?;
    let row = Row::new("sign-in by passkey", sign_ins.measured.rate, "/s")
        .beside("verifications of P-256", limit)
        .at_least(0.4)
        .remark(format!(
            "{:.1} statements each, {:.1} share a commit",
            sign_ins.statements, sign_ins.shared
        ));
    Ok(vec![seen(row, &sign_ins.measured)])
}
