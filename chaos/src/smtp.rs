//! A mail server that takes everything, and outlives the servers that send.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
    server::TlsStream,
};

use crate::{
    checkers::{About, Mail},
    failure::Result,
    history::Name,
};

/// A message that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Delivered {
    pub mail: Mail,
    /// The code that it holds.
    pub code: Option<String>,
}

/// The mail server.
pub(crate) struct Sink {
    pub port: u16,
    /// The authority of its certificate, as PEM.
    pub authority: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    delivered: Mutex<Vec<Delivered>>,
    arrival: Notify,
}

impl Shared {
    fn delivered(&self) -> MutexGuard<'_, Vec<Delivered>> {
        self.delivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink {
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (authority, acceptor) = certificates()?;
        let shared = Arc::<Shared>::default();
        let sink = Self {
            port,
            authority,
            shared: shared.clone(),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), shared.clone());
                // A server that is killed breaks off anywhere.
                tokio::spawn(async move { serve(stream, acceptor, &shared).await });
            }
        });
        Ok(sink)
    }

    /// How many messages have arrived.
    pub(crate) fn count(&self) -> usize {
        self.shared.delivered().len()
    }

    /// The first code for an address after the first `seen` messages; waits for it.
    pub(crate) async fn code(&self, address: &str, seen: usize, wait: Duration) -> Option<String> {
        let found = async {
            loop {
                let arrival = self.shared.arrival.notified();
                if let Some(code) = self.find(address, seen) {
                    return code;
                }
                arrival.await;
            }
        };
        timeout(wait, found).await.ok()
    }

    fn find(&self, address: &str, seen: usize) -> Option<String> {
        let delivered = self.shared.delivered();
        let mut new = delivered.iter().skip(seen);
        new.find(|delivered| delivered.mail.about == About::Code && &*delivered.mail.to == address)?
            .code
            .clone()
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        let delivered = self.shared.delivered();
        delivered
            .iter()
            .map(|delivered| delivered.mail.clone())
            .collect()
    }
}

fn certificates() -> Result<(String, TlsAcceptor)> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let authority = params.self_signed(&key)?.pem();
    let issuer = Issuer::new(params, key);

    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &issuer)?;
    let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )?;
    Ok((authority, TlsAcceptor::from(Arc::new(config))))
}

type Stream = BufReader<TlsStream<TcpStream>>;

/// One connection, from its greeting to its end.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: &Shared) -> io::Result<()> {
    let mut stream = BufReader::new(acceptor.accept(stream).await?);
    say(&mut stream, "220 sink ready\r\n").await?;
    while let Some(line) = read_line(&mut stream).await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default();
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => say(&mut stream, "250-sink\r\n250 8BITMIME\r\n").await?,
            "DATA" => {
                say(&mut stream, "354 go ahead\r\n").await?;
                let mut lines = Vec::new();
                loop {
                    match read_line(&mut stream).await? {
                        // Broken off before its end, it is no message.
                        None => return Ok(()),
                        Some(line) if line == "." => break,
                        Some(line) => {
                            lines.push(line.strip_prefix('.').map(str::to_owned).unwrap_or(line));
                        }
                    }
                }
                shared.delivered().push(read_message(&lines));
                shared.arrival.notify_waiters();
                say(&mut stream, "250 taken\r\n").await?;
            }
            "QUIT" => return say(&mut stream, "221 bye\r\n").await,
            _ => say(&mut stream, "250 ok\r\n").await?,
        }
    }
    Ok(())
}

async fn read_line(stream: &mut Stream) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await?;
    if line.pop() != Some(b'\n') {
        return Ok(None);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

async fn say(stream: &mut Stream, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await
}

fn read_message(lines: &[String]) -> Delivered {
    let header = |name: &str| {
        let mut head = lines.iter().take_while(|line| !line.is_empty());
        let line = head.find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().trim_matches(['<', '>']).to_owned())
    };
    let subject = header("Subject:").unwrap_or_default();
    let about = if subject.contains("sign-in code") {
        About::Code
    } else if subject.contains("passkey was added") {
        About::PasskeyAdded
    } else if subject.contains("passkey was removed") {
        About::PasskeyRemoved
    } else {
        About::Other
    };
    // The plain text comes first, and begins with the code.
    let mut body = lines
        .iter()
        .skip_while(|line| !line.starts_with("Content-Type: text/plain"))
        .skip_while(|line| !line.is_empty());
    let code = body.find(|line| !line.is_empty()).cloned();
    Delivered {
        mail: Mail {
            id: header("Message-ID:").unwrap_or_default().into(),
            to: Name::from(header("To:").unwrap_or_default()),
            about,
        },
        code: code.filter(|_| about == About::Code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_what_it_is_about() {
        let text = "Message-ID: <m1@example.com>\nTo: ada@example.com\nSubject: Your Doorward sign-in code\n\
            Content-Type: multipart/alternative;\n boundary=\"b\"\n\n--b\nContent-Type: text/plain; charset=utf-8\n\
            Content-Transfer-Encoding: 7bit\n\n12345678\n\nEnter this code\n--b";
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();

        let delivered = read_message(&lines);

        assert_eq!(delivered.code.as_deref(), Some("12345678"));
        let Mail { id, to, about } = delivered.mail;
        assert_eq!((&*id, &*to), ("m1@example.com", "ada@example.com"));
        assert_eq!(about, About::Code);
    }
}
