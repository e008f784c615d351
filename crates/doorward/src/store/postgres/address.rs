//! Where the server is, and how it is reached.

use std::{path::Path, time::Duration};

use tokio_postgres::{
    Client, Config, Socket,
    config::{Host, SslMode, TargetSessionAttrs},
};

use super::tls::{self, Tls, TlsStream};

/// How long one server may take to take a connection.
const TO_CONNECT: Duration = Duration::from_secs(5);

/// After how much silence a connection is looked after, and how long it may then stay silent.
const SILENCE: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(5);

/// The server, or the servers of which one is the primary.
pub(in crate::store) struct Address {
    config: Config,
    tls: Tls,
}

impl Address {
    /// Reads `postgres://user:password@host/database`, or the same in words: `host=… user=…`.
    ///
    /// # Errors
    /// What is wrong with it, without the password.
    pub(in crate::store) fn parse(text: &str, ca_file: Option<&Path>) -> Result<Self, String> {
        let mut config = parse(text)?;
        config.ssl_mode(encryption(&config));
        // A standby answers reads of the past and takes no writes: it is passed by for the primary.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("doorward");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(TO_CONNECT);
        }
        config
            .keepalives_idle(SILENCE)
            .keepalives_interval(ANSWER)
            .keepalives_retries(2)
            .tcp_user_timeout(SILENCE);
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => Tls::none(),
            _ => tls::Tls::trusting(ca_file)?,
        };
        Ok(Self { config, tls })
    }

    pub(super) async fn connect(
        &self,
    ) -> Result<(Client, tokio_postgres::Connection<Socket, TlsStream>), tokio_postgres::Error>
    {
        self.config.connect(self.tls.clone()).await
    }
}

/// What a connection string says, where it says something.
pub(in crate::store) fn parse(text: &str) -> Result<Config, String> {
    // Libpq's strictest is all that there is here: whoever asks for TLS gets a server that proves its name.
    let text = text
        .replace("sslmode=verify-full", "sslmode=require")
        .replace("sslmode=verify-ca", "sslmode=require");
    let config: Config = text
        .parse()
        .map_err(|_| "is not written like postgres://user:password@host/database".to_owned())?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err("names no host: postgres://user:password@host/database".into());
    }
    Ok(config)
}

/// TLS, unless the connection stays on this machine or the operator has said otherwise.
fn encryption(config: &Config) -> SslMode {
    let stays_here = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(is_loopback),
    };
    let is_local = config.get_hosts().iter().all(stays_here)
        && config.get_hostaddrs().iter().copied().all(is_loopback);
    match config.get_ssl_mode() {
        SslMode::Disable => SslMode::Disable,
        SslMode::Prefer if is_local => SslMode::Disable,
        _ => SslMode::Require,
    }
}

fn is_loopback(address: std::net::IpAddr) -> bool {
    address.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_machine_is_encrypted() {
        let mode = |text: &str| encryption(&parse(text).unwrap());
        for local in [
            "postgres://doorward@localhost/doorward",
            "postgres://doorward@127.0.0.1:5433/doorward",
            "postgres://doorward@[::1]/doorward",
            "host=/run/postgresql user=doorward",
        ] {
            assert_eq!(mode(local), SslMode::Disable, "{local}");
        }
        for remote in [
            "postgres://doorward@db.example.com/doorward",
            "postgres://doorward@localhost,db.example.com/doorward",
            "postgres://doorward@10.0.0.7/doorward?sslmode=prefer",
            "postgres://doorward@db.example.com/doorward?sslmode=verify-full",
            "postgres://doorward@localhost/doorward?sslmode=require",
            "host=localhost hostaddr=10.0.0.7 user=doorward",
        ] {
            assert_eq!(mode(remote), SslMode::Require, "{remote}");
        }
        let plain = "postgres://doorward@db.example.com/doorward?sslmode=disable";
        assert_eq!(mode(plain), SslMode::Disable, "the operator has said so");
    }

    /// Item 130: no message repeats a value, which may be a password.
    #[test]
    fn what_cannot_be_read_is_not_repeated() {
        for text in [
            "",
            "doorward.db",
            "postgres:///doorward?password=271828",
            "postgres://doorward:271828@host:port/doorward",
            "postgres://doorward@host/doorward?271828=1",
            "host=h password=two 271828 words",
        ] {
            let said = parse(text).unwrap_err();
            assert!(!said.contains("271828"), "{said}");
        }
    }
}
