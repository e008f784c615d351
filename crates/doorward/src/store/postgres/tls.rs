//! TLS to the server, by rustls: the name in its certificate is the name that was asked for, or there is no connection.

use std::{
    fs, io,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use rustls::{
    ClientConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    Socket,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect},
};
use tokio_rustls::TlsConnector;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// How connections are encrypted, if they are.
#[derive(Clone)]
pub(super) struct Tls(Option<TlsConnector>);

impl Tls {
    /// For connections that do not leave the machine.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Trusts what the system trusts, and the certificates in this file.
    pub(super) fn trusting(ca_file: Option<&Path>) -> Result<Self, String> {
        let extra = ca_file.map(certificates).transpose()?.unwrap_or_default();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let client = || {
            let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider))?;
            let mut client = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                // What rustls calls dangerous is any verifier but its own; this one is its own, with the system's roots.
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth();
            client.alpn_protocols = vec![b"postgresql".to_vec()];
            Ok::<_, rustls::Error>(client)
        };
        client()
            .map(|client| Self(Some(TlsConnector::from(Arc::new(client)))))
            .map_err(|error| format!("there is nothing to trust a server by: {error}"))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let unusable = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let pem = fs::read(path).map_err(|error| unusable(&error))?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(&error))?;
    if found.is_empty() {
        return Err(unusable(&"holds no certificate"));
    }
    Ok(found)
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = TlsStream;
    type TlsConnect = Handshake;
    type Error = Cause;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, Cause> {
        Ok(Handshake {
            connector: self.0.clone(),
            host: host.to_owned(),
        })
    }
}

/// A handshake to come.
pub(in crate::store) struct Handshake {
    connector: Option<TlsConnector>,
    host: String,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = TlsStream;
    type Error = Cause;
    type Future = BoxFuture<'static, Result<TlsStream, Cause>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let connector = self.connector.ok_or("TLS was not asked for")?;
            let name = ServerName::try_from(self.host)?;
            Ok(TlsStream(Box::new(connector.connect(name, socket).await?)))
        })
    }
}

/// An encrypted connection. The driver's trait and rustls's type do not know each other.
pub(in crate::store) struct TlsStream(Box<tokio_rustls::client::TlsStream<Socket>>);

impl tokio_postgres::tls::TlsStream for TlsStream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for TlsStream {
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
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
