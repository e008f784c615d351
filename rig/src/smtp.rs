//! A mail server that takes everything, and outlives the servers that send.

use std::{io, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
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

use crate::Result;

/// A message as it came.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// `Message-ID`.
    pub id: String,
    /// `To`.
    pub to: String,
    /// `Subject`.
    pub subject: String,
    /// The first line of the plain text: of a message with a code, the code.
    pub first_line: String,
}

/// The mail server: TLS at once, on a port of `localhost`.
pub struct Sink {
    /// Its port.
    pub port: u16,
    /// The authority of its certificate, as PEM.
    pub authority: String,
}

impl Sink {
    /// Starts it; whoever is given hears of each message when it has arrived, and before that is acknowledged.
    ///
    /// # Errors
    /// When there is no port or no certificate.
    pub async fn start(hear: impl Fn(Message) + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (authority, acceptor) = certificates()?;
        let hear = Arc::new(hear);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, hear) = (acceptor.clone(), Arc::clone(&hear));
                // A server that is killed breaks off anywhere.
                tokio::spawn(async move { serve(stream, acceptor, &*hear).await });
            }
        });
        Ok(Self { port, authority })
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
async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    hear: &impl Fn(Message),
) -> io::Result<()> {
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
                hear(read_message(&lines));
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

fn read_message(lines: &[String]) -> Message {
    let header = |name: &str| {
        let mut head = lines.iter().take_while(|line| !line.is_empty());
        let line = head.find_map(|line| line.strip_prefix(name));
        let value = line.unwrap_or_default().trim();
        value.trim_matches(['<', '>']).to_owned()
    };
    // The plain text comes first.
    let mut body = lines
        .iter()
        .skip_while(|line| !line.starts_with("Content-Type: text/plain"))
        .skip_while(|line| !line.is_empty());
    let first_line = body.find(|line| !line.is_empty());
    Message {
        id: header("Message-ID:"),
        to: header("To:"),
        subject: header("Subject:"),
        first_line: first_line.cloned().unwrap_or_default(),
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

        let message = read_message(&lines);

        assert_eq!(message.id, "m1@example.com");
        assert_eq!(message.to, "ada@example.com");
        assert_eq!(message.subject, "Your Doorward sign-in code");
        assert_eq!(message.first_line, "12345678");
    }
}
