//! How often whoever signs in waits for a database that is elsewhere.
#![allow(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use doorward::testing::{Overrides, World};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_postgres::config::Host;

use crate::ceremony::{ADA, Person, assertion};

/// How long an answer takes, at least: long enough for all that is said without waiting for it to be said.
const AWAY: Duration = Duration::from_millis(30);

/// A server further away, which counts how often it is waited for.
#[derive(Default)]
struct Distance {
    answers: AtomicU64,
}

impl Distance {
    /// Puts the distance before the server of this URL.
    fn before(self: &Arc<Self>, url: &mut String) {
        let server: tokio_postgres::Config = url.parse().unwrap();
        let Some(Host::Tcp(host)) = server.get_hosts().first() else {
            panic!("DOORWARD_TEST_POSTGRES must name a host on the network");
        };
        let target = (host.clone(), server.get_ports()[0]);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        *url = format!(
            "host=127.0.0.1 port={} user={} dbname={} password='{}'",
            listener.local_addr().unwrap().port(),
            server.get_user().unwrap(),
            server.get_dbname().unwrap(),
            String::from_utf8_lossy(server.get_password().unwrap_or_default()),
        );
        let (listener, distance) = (TcpListener::from_std(listener).unwrap(), Arc::clone(self));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&target).await.unwrap();
                tokio::spawn(Arc::clone(&distance).carry(client, server));
            }
        });
    }

    async fn carry(self: Arc<Self>, client: TcpStream, server: TcpStream) -> io::Result<()> {
        let (mut asks, mut is_told) = client.into_split();
        let (mut answers, mut is_asked) = server.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut asks, &mut is_asked).await });
        let mut said = vec![0; 65536];
        loop {
            let mut length = answers.read(&mut said).await?;
            if length == 0 {
                return Ok(());
            }
            tokio::time::sleep(AWAY).await;
            while let Ok(more @ 1..) = answers.try_read(&mut said[length..]) {
                length += more;
            }
            self.answers.fetch_add(1, SeqCst);
            is_told.write_all(&said[..length]).await?;
        }
    }
}

/// The look at the passkey; the challenge, the user and the passkey's use; the session and its event; the commit.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_sign_in_with_a_passkey_waits_four_times() {
    let distance = Arc::<Distance>::default();
    let world = World::with(|config| {
        let url = config.database.url.as_mut();
        distance.before(url.expect("DOORWARD_TEST_DATABASE=postgres"));
    })
    .await;
    let mut ada = Person::with_passkey(&world, ADA, 1).await;
    let mut waits = Vec::new();
    for _ in 0..3 {
        let visitor = world.native();
        let response = assertion(&visitor, &mut ada.authenticator, &Overrides::default()).await;
        let before = distance.answers.load(SeqCst);

        let signed_in = visitor
            .post("/auth/passkeys/authenticate/verify", response)
            .await;

        signed_in.created();
        waits.push(distance.answers.load(SeqCst) - before);
    }

    // The first has its statements prepared.
    assert_eq!(waits[1..], [4, 4], "{waits:?}");
}
