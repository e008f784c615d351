//! A stream that is encrypted before anyone speaks on it.
//!
//! Lettre encrypts a connection that it has opened itself, or one that has begun in clear. Ours is opened here and never
//! speaks in clear, so it is encrypted first, by lettre's own means, and then handed over.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::io::{AsyncRead as _, AsyncWrite as _};
#[expect(
    deprecated,
    reason = "lettre offers no other way to encrypt a stream that is there"
)]
use lettre::transport::smtp::client::AsyncNetworkStream;
use lettre::transport::smtp::client::{AsyncTokioStream, TlsParameters};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::reply;
use crate::mail::SendError;

/// A stream to a server that has proved its name; there is none that is not encrypted.
#[derive(Debug)]
#[expect(deprecated, reason = "see above")]
pub(super) struct Encrypted(AsyncNetworkStream);

impl Encrypted {
    /// Encrypts a stream on which nothing was said, to the server that the parameters name.
    #[expect(deprecated, reason = "see above")]
    pub(super) async fn to(stream: TcpStream, tls: TlsParameters) -> Result<Self, SendError> {
        let mut stream = AsyncNetworkStream::use_existing_tokio1(Box::new(stream));
        stream
            .upgrade_tls(tls)
            .await
            .map_err(|error| reply::to_us(&error))?;
        if stream.is_encrypted() {
            Ok(Self(stream))
        } else {
            Err(SendError::Temporary(
                "the connection is not encrypted".into(),
            ))
        }
    }
}

impl AsyncTokioStream for Encrypted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }
}

// Tokio's traits by those of futures, which lettre's stream has.
impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(context, buffer.initialize_unfilled());
        let count = ready!(read)?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(context)
    }
}
