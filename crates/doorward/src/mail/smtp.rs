//! Handing mail to an SMTP server: over TLS that proves the server, or not at all.
//!
//! There is no way to send in clear: each connection is encrypted and its certificate verified
//! before the first word about a message or an account. Whatever fails before a message is offered
//! is temporary, for it says nothing about the message.
//!
//! Connections are kept here and not in lettre's pool: that one opens as many as are asked for, and
//! puts a connection back on whose conversation the caller has given up half-way, where the next
//! message would meet the answers to the last. Lettre's `tracing` feature must stay off: it logs
//! what is sent.

mod compose;
mod dial;
mod encrypted;
mod handover;
mod reply;
mod server;
#[cfg(test)]
mod sink;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use lettre::{address::Envelope, transport::smtp::client::AsyncSmtpConnection};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

pub(crate) use self::compose::raw;
use self::{
    compose::compose,
    handover::{Failure, hand_over},
    server::Server,
};
use super::{Mailer, Message, SendError, Sender};
use crate::config::{Config, Problem};

/// How long connecting, TLS and signing in may take together.
const TO_CONNECT: Duration = Duration::from_secs(10);
/// How long a connection may have rested to be used without asking first: servers and what lies between hang up on those
/// that rest for minutes.
const STILL_WARM: Duration = Duration::from_secs(5);
/// How long a server that was connected before may take to say that it still is.
const TO_ANSWER: Duration = Duration::from_secs(3);
/// How long handing over may take: servers look into a message before they answer, and to give up
/// on one that will be taken means to send it twice.
const TO_SEND: Duration = Duration::from_secs(30);

/// Hands mail to one SMTP server.
pub struct Smtp {
    server: Server,
    sender: Sender,
    permits: Semaphore,
    /// Connections between two messages. Whoever holds a permit takes one of these before opening
    /// another, so that there are never more than permits.
    idle: Mutex<Vec<Resting>>,
}

/// A connection between two messages.
struct Resting {
    connection: AsyncSmtpConnection,
    since: Instant,
}

impl Smtp {
    /// A mailer by its configuration; nothing is connected yet.
    ///
    /// # Errors
    /// [`Misconfigured`] when no server is named, the sender is no address, or `mail.smtp.ca_file` holds no certificates.
    pub fn new(config: &Config) -> Result<Self, Misconfigured> {
        let settings = &config.mail.smtp;
        let connections = usize::try_from(settings.connections).unwrap_or(usize::MAX);
        let sender = Sender::of(config).map_err(|error| Misconfigured::at("mail.from", error))?;
        Ok(Self {
            server: Server::new(settings, &sender.address)?,
            sender,
            permits: Semaphore::new(connections.clamp(1, 64)),
            idle: Mutex::default(),
        })
    }

    /// Connects, proves the server, signs in, and leaves: whether mail could be sent now.
    ///
    /// # Errors
    /// [`SendError::Temporary`] with what went wrong.
    pub async fn probe(&self) -> Result<(), SendError> {
        within(TO_CONNECT, async {
            self.server.connect().await?.abort().await;
            Ok(())
        })
        .await
    }

    async fn deliver(&self, message: &Message) -> Result<(), SendError> {
        let (envelope, mail) = compose(&self.sender, message)?;
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|_| SendError::Temporary("shutting down".into()))?;
        if let Some(kept) = self.kept().await {
            match self.hand_over(kept, &envelope, &mail).await {
                // What ended this one, a restart or a lost route, ended those that waited with it.
                Err(Failure::Ended(_)) => self.idle().clear(),
                told => return Ok(told?),
            }
        }
        let fresh = within(TO_CONNECT, self.server.connect()).await?;
        Ok(self.hand_over(fresh, &envelope, &mail).await?)
    }

    /// Hands a message over, and keeps the connection. Any way out but success drops it: its conversation may be out of
    /// step.
    async fn hand_over(
        &self,
        mut connection: AsyncSmtpConnection,
        envelope: &Envelope,
        mail: &[u8],
    ) -> Result<(), Failure> {
        within(TO_SEND, hand_over(&mut connection, envelope, mail)).await?;
        self.idle().push(Resting {
            connection,
            since: now(),
        });
        Ok(())
    }

    /// A connection from before; one that has rested for long has said that it is still there.
    async fn kept(&self) -> Option<AsyncSmtpConnection> {
        let Resting {
            mut connection,
            since,
        } = self.idle().pop()?;
        if since.elapsed() < STILL_WARM
            || timeout(TO_ANSWER, connection.test_connected()).await == Ok(true)
        {
            return Some(connection);
        }
        self.idle().clear();
        None
    }

    /// A panic elsewhere leaves whole connections behind, so poison means nothing here.
    fn idle(&self) -> MutexGuard<'_, Vec<Resting>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailer for Smtp {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(self.deliver(message))
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Smtp({})", self.server)
    }
}

/// A configuration by which no mail can be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", .0.key, .0.message)]
pub struct Misconfigured(pub Problem);

impl Misconfigured {
    fn at(key: &'static str, message: impl fmt::Display) -> Self {
        Self(Problem {
            key,
            message: message.to_string(),
        })
    }
}

async fn within<T, E: From<SendError>>(
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    timeout(limit, work).await.unwrap_or_else(|_| {
        let waited = format!("no answer within {} seconds", limit.as_secs());
        Err(SendError::Temporary(waited).into())
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a connection rests is measured, and nothing is dated by it"
)]
fn now() -> Instant {
    Instant::now()
}
