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
use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio::{sync::Semaphore, time::timeout};

pub(crate) use self::compose::raw;
use self::{compose::compose, server::Server};
use super::{Mailer, Message, SendError, Sender};
use crate::config::{Config, Problem};

/// How long connecting, TLS and signing in may take together.
const TO_CONNECT: Duration = Duration::from_secs(10);
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
    idle: Mutex<Vec<AsyncSmtpConnection>>,
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
        let mut connection = self.connection().await?;
        let sending = async {
            let answer = connection
                .send(&envelope, &mail)
                .await
                .map_err(|error| reply::to_message(&error))?;
            reply::expect(&answer, "250")
        };
        // Any way out but success drops the connection, whose conversation may be out of step.
        within(TO_SEND, sending).await?;
        self.idle().push(connection);
        Ok(())
    }

    /// A connection from before that still answers, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, SendError> {
        let kept = self.idle().pop();
        if let Some(mut connection) = kept {
            if timeout(TO_ANSWER, connection.test_connected()).await == Ok(true) {
                return Ok(connection);
            }
            // What ended this one, a restart or a lost route, ended those that waited with it.
            self.idle().clear();
        }
        within(TO_CONNECT, self.server.connect()).await
    }

    /// A panic elsewhere leaves whole connections behind, so poison means nothing here.
    fn idle(&self) -> MutexGuard<'_, Vec<AsyncSmtpConnection>> {
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

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, SendError>>,
) -> Result<T, SendError> {
    match timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(SendError::Temporary(format!(
            "no answer within {} seconds",
            limit.as_secs()
        ))),
    }
}
