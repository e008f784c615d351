//! A raw SMTP server for tests: it writes down every line that it is told, and can misbehave.

use std::{
    io,
    sync::{Arc, Mutex},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{Barrier, Notify},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// How the server behaves; by default well, with TLS at once and a certificate for `localhost`.
#[derive(Clone, Default)]
pub(super) struct Plan {
    pub speaks: Speaks,
    pub shows: Shows,
    /// Written in clear right behind the answer to STARTTLS.
    pub injects: &'static str,
    /// Answers in place of the usual ones, by how the line begins.
    pub answers: Vec<(&'static str, &'static str)>,
    /// Closes the connection after each message.
    pub hangs_up: bool,
    /// What becomes of the second message of a connection.
    pub second: Second,
    /// Each message waits here before it is taken.
    pub meets: Option<Arc<Barrier>>,
    /// The first connection's message is never answered; this tells when it is there.
    pub stalls: Option<Arc<Notify>>,
}

#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Speaks {
    #[default]
    TlsAtOnce,
    Starttls,
    /// In clear, and offers nothing else.
    ClearOnly,
}

/// What becomes of the second message of a connection.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Second {
    #[default]
    Taken,
    /// It is told goodbye before it is offered.
    Turned,
    /// It is taken, and nobody is told.
    Swallowed,
}

/// The certificate that it shows.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Shows {
    #[default]
    Localhost,
    AnotherHost,
    Expired,
    NotYetValid,
    SelfSigned,
    AnotherAuthority,
}

/// What it was told.
#[derive(Clone, Default)]
pub(super) struct Seen {
    /// All that came in clear.
    pub clear: String,
    /// All commands, in clear or not.
    pub commands: Vec<String>,
    pub mails: Vec<Mail>,
    pub connections: usize,
    pub open: usize,
    pub most_open: usize,
}

#[derive(Clone, Default)]
pub(super) struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// The lines as they came, their dots unstuffed.
    pub lines: Vec<String>,
}

pub(super) struct Sink {
    pub port: u16,
    /// The authority to trust, as PEM.
    pub authority: String,
    seen: Arc<Mutex<Seen>>,
}

impl Sink {
    pub(super) async fn start(plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (authority, acceptor) = certificates(plan.shows);
        let seen = Arc::<Mutex<Seen>>::default();
        let shared = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = {
                    let mut seen = shared.lock().unwrap();
                    seen.connections += 1;
                    seen.open += 1;
                    seen.most_open = seen.most_open.max(seen.open);
                    seen.connections
                };
                let guest = Guest {
                    plan: plan.clone(),
                    seen: shared.clone(),
                    number,
                };
                let (acceptor, shared) = (acceptor.clone(), shared.clone());
                tokio::spawn(async move {
                    let _ = guest.serve(stream, acceptor).await;
                    shared.lock().unwrap().open -= 1;
                });
            }
        });
        Self {
            port,
            authority,
            seen,
        }
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

fn certificates(shows: Shows) -> (String, TlsAcceptor) {
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        (certificate.pem(), Issuer::new(params, key))
    };
    let (trusted, issuer) = authority("Trusted");
    let (_, another) = authority("Another");

    let host = if shows == Shows::AnotherHost {
        "mail.example.org"
    } else {
        "localhost"
    };
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    match shows {
        Shows::Expired => params.not_after = date_time_ymd(2020, 1, 1),
        Shows::NotYetValid => params.not_before = date_time_ymd(2999, 1, 1),
        _ => {}
    }
    let key = KeyPair::generate().unwrap();
    let certificate = match shows {
        Shows::SelfSigned => params.self_signed(&key).unwrap(),
        Shows::AnotherAuthority => params.signed_by(&key, &another).unwrap(),
        _ => params.signed_by(&key, &issuer).unwrap(),
    };
    let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    (trusted, TlsAcceptor::from(Arc::new(config)))
}

/// One connection.
struct Guest {
    plan: Plan,
    seen: Arc<Mutex<Seen>>,
    number: usize,
}

impl Guest {
    async fn serve(&self, stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<()> {
        if self.plan.speaks == Speaks::TlsAtOnce {
            let stream = acceptor.accept(stream).await?;
            return self
                .converse(&mut BufReader::new(stream), true, true)
                .await
                .map(drop);
        }
        let mut clear = BufReader::new(stream);
        if self.converse(&mut clear, false, true).await? {
            let stream = acceptor.accept(clear.into_inner()).await?;
            self.converse(&mut BufReader::new(stream), true, false)
                .await?;
        }
        Ok(())
    }

    /// Talks until the end; whether it ended because TLS is to begin.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufReader<S>,
        encrypted: bool,
        greet: bool,
    ) -> io::Result<bool> {
        if greet {
            say(stream, "220 sink ready\r\n").await?;
        }
        let mut mail = Mail::default();
        let mut second = Second::Taken;
        while let Some(line) = self.line(stream, encrypted).await? {
            self.seen.lock().unwrap().commands.push(line.clone());
            let verb = line
                .split([' ', ':'])
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            let special = self
                .plan
                .answers
                .iter()
                .find(|(begin, _)| line.starts_with(begin));
            if let Some((_, answer)) = special {
                say(stream, answer).await?;
                continue;
            }
            match verb.as_str() {
                "EHLO" if encrypted => {
                    say(
                        stream,
                        "250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n",
                    )
                    .await?;
                }
                "EHLO" if self.plan.speaks == Speaks::ClearOnly => {
                    say(stream, "250-sink\r\n250 AUTH PLAIN LOGIN\r\n").await?;
                }
                "EHLO" => {
                    say(
                        stream,
                        "250-sink\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n",
                    )
                    .await?;
                }
                "STARTTLS" => {
                    say(stream, &format!("220 go ahead\r\n{}", self.plan.injects)).await?;
                    return Ok(true);
                }
                "AUTH" => say(stream, "235 welcome\r\n").await?,
                "MAIL" if second == Second::Turned => {
                    say(stream, "421 too long idle\r\n").await?;
                    return Ok(false);
                }
                "MAIL" => {
                    mail = Mail {
                        from: line,
                        ..Mail::default()
                    };
                    say(stream, "250 ok\r\n").await?;
                }
                "RCPT" => {
                    mail.to.push(line);
                    say(stream, "250 ok\r\n").await?;
                }
                "DATA" => {
                    say(stream, "354 go ahead\r\n").await?;
                    while let Some(line) = self
                        .line(stream, encrypted)
                        .await?
                        .filter(|line| line != ".")
                    {
                        mail.lines
                            .push(line.strip_prefix('.').unwrap_or(&line).to_owned());
                    }
                    self.take(std::mem::take(&mut mail)).await;
                    if second == Second::Swallowed {
                        return Ok(false);
                    }
                    second = self.plan.second;
                    say(stream, "250 taken\r\n").await?;
                    if self.plan.hangs_up {
                        return Ok(false);
                    }
                }
                "QUIT" => {
                    say(stream, "221 bye\r\n").await?;
                    return Ok(false);
                }
                _ => say(stream, "250 ok\r\n").await?,
            }
        }
        Ok(false)
    }

    async fn take(&self, mail: Mail) {
        if let Some(barrier) = &self.plan.meets {
            barrier.wait().await;
        }
        if let Some(notify) = self.plan.stalls.as_ref().filter(|_| self.number == 1) {
            notify.notify_one();
            std::future::pending::<()>().await;
        }
        self.seen.lock().unwrap().mails.push(mail);
    }

    /// One line without its end, which is CR LF and nothing else.
    async fn line<S: AsyncRead + Unpin>(
        &self,
        stream: &mut BufReader<S>,
        encrypted: bool,
    ) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        stream.read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Ok(None);
        }
        let mut line = String::from_utf8_lossy(&line).into_owned();
        if !encrypted {
            self.seen.lock().unwrap().clear.push_str(&line);
        }
        let whole = line.ends_with("\r\n");
        line.truncate(line.trim_end_matches("\r\n").len());
        // Shown to the test as a line that no test expects.
        if !whole || line.contains(['\r', '\n']) || line.len() > 998 {
            line.insert_str(0, "NOT A LINE: ");
        }
        Ok(Some(line))
    }
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await
}
