//! The way to a server, before anything is said on it.

use std::{io, time::Duration};

use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use crate::mail::SendError;

/// How long each of a server's addresses may take: its share of the time that the caller allows for all.
const EACH: Duration = Duration::from_secs(5);

/// Connects to the first of the server's addresses that answers.
pub(super) async fn dial(host: &str, port: u16) -> Result<TcpStream, SendError> {
    let mut failure = io::Error::other("the name has no address");
    for address in lookup_host((host, port)).await.map_err(unreachable)? {
        match timeout(EACH, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // The end of a message is written apart from the message. It would wait until the server has
                // acknowledged what came before, and servers take their time over that: 40 ms a message.
                stream.set_nodelay(true).map_err(unreachable)?;
                return Ok(stream);
            }
            Ok(Err(error)) => failure = error,
            Err(_) => failure = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(unreachable(failure))
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
fn unreachable(error: io::Error) -> SendError {
    SendError::Temporary(format!("the server cannot be reached: {error}"))
}
