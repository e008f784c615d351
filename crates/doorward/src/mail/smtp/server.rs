//! The server, and how a connection to it comes to be trusted.

use std::{fmt, fs, path::Path};

use futures_util::FutureExt;
use lettre::transport::smtp::{
    authentication::{Credentials, Mechanism},
    client::{AsyncSmtpConnection, Certificate, TlsParameters, TlsParametersBuilder},
    extension::ClientId,
};

use super::{Misconfigured, dial::dial, encrypted::Encrypted, reply};
use crate::{
    config::{self, SmtpTls},
    mail::{Address, SendError},
};

/// An SMTP server, and the account there.
pub(super) struct Server {
    host: String,
    port: u16,
    begin: SmtpTls,
    tls: TlsParameters,
    credentials: Option<Credentials>,
    /// What we call ourselves: the sender's domain, which is public, and not the machine, which is not.
    hello: ClientId,
}

impl Server {
    pub(super) fn new(settings: &config::Smtp, sender: &Address) -> Result<Self, Misconfigured> {
        let host = settings.host.clone().ok_or_else(|| {
            Misconfigured::at(
                "mail.smtp.host",
                "name the SMTP server that sends the codes",
            )
        })?;
        let mut tls = TlsParameters::builder(host.clone());
        if let Some(path) = &settings.ca_file {
            tls = trust_also(tls, path)?;
        }
        Ok(Self {
            tls: tls.build().map_err(|error| {
                Misconfigured::at(
                    "mail.smtp.ca_file",
                    format_args!("nothing to trust: {error}"),
                )
            })?,
            port: settings.port.unwrap_or(match settings.tls {
                SmtpTls::Implicit => 465,
                SmtpTls::Starttls => 587,
            }),
            begin: settings.tls,
            credentials: settings
                .username
                .clone()
                .zip(settings.password.clone())
                .map(|(name, password)| Credentials::new(name, password)),
            hello: ClientId::Domain(sender.domain().to_owned()),
            host,
        })
    }

    /// A connection that is encrypted, to the server that was meant, and signed in.
    pub(super) async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let mut connection = match self.begin {
            SmtpTls::Implicit => self.encrypt_and_open().await?,
            SmtpTls::Starttls => self.open_and_encrypt().await?,
        };
        if let Some(credentials) = &self.credentials {
            let answer = connection
                .auth(&[Mechanism::Plain, Mechanism::Login], credentials)
                .await
                .map_err(|error| reply::to_us(&error))?;
            reply::expect(&answer, "235")?;
        }
        Ok(connection)
    }

    async fn encrypt_and_open(&self) -> Result<AsyncSmtpConnection, SendError> {
        let stream = dial(&self.host, self.port).await?;
        let stream = Encrypted::to(stream, self.tls.clone()).await?;
        AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello)
            .await
            .map_err(|error| reply::to_us(&error))
    }

    async fn open_and_encrypt(&self) -> Result<AsyncSmtpConnection, SendError> {
        let stream = dial(&self.host, self.port).await?;
        let mut connection =
            AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello)
                .await
                .map_err(|error| reply::to_us(&error))?;
        connection
            .starttls(self.tls.clone(), &self.hello)
            .await
            .map_err(|error| reply::to_us(&error))?;
        // Lettre keeps what came in clear behind the answer to STARTTLS, where someone on the wire may
        // have put answers to what is asked next (RFC 3207 §5; the "NO STARTTLS" attacks). All of it is
        // here by now, without waiting: one answer was taken for that to EHLO, and puts all later ones
        // out of step, which `reply::expect` notices; more than one are found here.
        if connection.read_response().now_or_never().is_some() {
            return Err(SendError::Temporary(
                "someone wrote into the connection before it was encrypted".into(),
            ));
        }
        if !connection.is_encrypted() {
            return Err(SendError::Temporary(
                "the connection is not encrypted".into(),
            ));
        }
        Ok(connection)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

fn trust_also(
    tls: TlsParametersBuilder,
    path: &Path,
) -> Result<TlsParametersBuilder, Misconfigured> {
    let pem = fs::read(path).map_err(|error| {
        Misconfigured::at(
            "mail.smtp.ca_file",
            format_args!("{}: {error}", path.display()),
        )
    })?;
    // Lettre takes a file without certificates for one with none to add.
    let certificates = pem
        .windows(b"BEGIN CERTIFICATE".len())
        .any(|window| window == b"BEGIN CERTIFICATE")
        .then(|| Certificate::from_pem(&pem).ok())
        .flatten()
        .ok_or_else(|| {
            Misconfigured::at(
                "mail.smtp.ca_file",
                format_args!("{} holds no PEM certificates", path.display()),
            )
        })?;
    Ok(tls.add_root_certificate(certificates))
}
