//! One message handed over, step by step, so that it is known how far it came.

use lettre::{
    address::Envelope,
    transport::smtp::{
        Error,
        client::AsyncSmtpConnection,
        commands::{Data, Mail, Rcpt},
    },
};

use super::reply;
use crate::mail::SendError;

/// Why a message was not handed over.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection ended before any of the message was on its way: over another one it may go at once.
    Ended(SendError),
    /// What the server said to it; or there was no answer to a message that it may have taken.
    Told(SendError),
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        Self::Told(error)
    }
}

impl From<Failure> for SendError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Ended(error) | Failure::Told(error) => error,
        }
    }
}

/// Hands a message over. After a failure the conversation is over, or out of step.
pub(super) async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    envelope: &Envelope,
    mail: &[u8],
) -> Result<(), Failure> {
    if let Err(error) = announce(connection, envelope).await {
        return Err(if is_end(&error) {
            Failure::Ended(reply::to_message(&error))
        } else {
            connection.abort().await;
            Failure::Told(reply::to_message(&error))
        });
    }
    let answer = connection
        .message(mail)
        .await
        .map_err(|error| reply::to_message(&error))?;
    Ok(reply::expect(&answer, "250")?)
}

async fn announce(connection: &mut AsyncSmtpConnection, envelope: &Envelope) -> Result<(), Error> {
    let sender = envelope.from().cloned();
    connection.command(Mail::new(sender, Vec::new())).await?;
    for recipient in envelope.to() {
        let recipient = Rcpt::new(recipient.clone(), Vec::new());
        connection.command(recipient).await?;
    }
    connection.command(Data).await.map(drop)
}

/// Whether there is nobody any more who would answer: no code came, or the one that says goodbye (RFC 5321 §3.8).
fn is_end(error: &Error) -> bool {
    error.status().is_none_or(|code| code.to_string() == "421")
}
