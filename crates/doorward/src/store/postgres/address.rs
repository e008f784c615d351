//! Where the server is, and how it is reached.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

use tokio::{net::lookup_host, time::timeout};
use tokio_postgres::{
    Client, Config, Socket,
    config::{ChannelBinding, Host, SslMode, TargetSessionAttrs},
};

use super::{
    fault::Fault,
    tls::{Tls, TlsStream},
};

/// How long one address may take to take us in, where `connect_timeout` does not say.
const TO_CONNECT: Duration = Duration::from_secs(5);

/// After how much silence a connection is looked after, and how long it may then stay silent.
const SILENCE: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(5);

/// The server, or the servers of which one is the primary.
pub(in crate::store) struct Address {
    /// One for each.
    servers: Vec<Config>,
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
        config
            .keepalives_idle(SILENCE)
            .keepalives_interval(ANSWER)
            .keepalives_retries(2)
            .tcp_user_timeout(SILENCE);
        let tls = if config.get_ssl_mode() == SslMode::Disable {
            Tls::none()
        } else {
            // What binding the password to the channel would prove, the certificate does, which is always verified.
            config.channel_binding(ChannelBinding::Prefer);
            Tls::trusting(ca_file)?
        };
        let servers = one_by_one(&config)?;
        Ok(Self { servers, tls })
    }

    /// Connects to the first of the servers that takes us in and takes writes.
    ///
    /// Each address has its time for all of that: one that takes connections and says no more, as when a server hangs and its
    /// kernel does not, is passed by for the next. The driver itself limits only the first step.
    pub(super) async fn connect(
        &self,
    ) -> Result<(Client, tokio_postgres::Connection<Socket, TlsStream>), Fault> {
        let mut last = Fault::silent();
        for server in &self.servers {
            let limit = server.get_connect_timeout().copied().unwrap_or(TO_CONNECT);
            for one in addresses(server, limit).await {
                last = match timeout(limit, one.connect(self.tls.clone())).await {
                    Ok(Ok(connected)) => return Ok(connected),
                    Ok(Err(error)) => Fault::of(&error, "connect"),
                    Err(_) => Fault::silent(),
                };
            }
        }
        Err(last)
    }
}

/// The same for each address of a server's name alone. Where that has none, the driver says so.
async fn addresses(server: &Config, limit: Duration) -> Vec<Config> {
    let port = server.get_ports().first().copied().unwrap_or(5432);
    let found = match (server.get_hosts(), server.get_hostaddrs()) {
        ([Host::Tcp(name)], []) => timeout(limit, lookup_host((name.as_str(), port))).await,
        _ => return vec![server.clone()],
    };
    let Ok(Ok(found)) = found else {
        return vec![server.clone()];
    };
    let one = |address: SocketAddr| {
        let mut one = server.clone();
        one.hostaddr(address.ip());
        one
    };
    found.map(one).collect()
}

/// What a connection string says, where it says something.
pub(in crate::store) fn parse(text: &str) -> Result<Config, String> {
    let text = understood(text);
    let config: Config = text.parse().map_err(|_| {
        let why = "is not written like postgres://user:password@host/database";
        let found = NOT_UNDERSTOOD.iter().find(|(name, _)| sets(&text, name));
        found.map_or_else(
            || why.to_owned(),
            |(name, instead)| format!("{why}; as to its {name}: {instead}"),
        )
    })?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err("names no host: postgres://user:password@host/database".into());
    }
    Ok(config)
}

/// The string with libpq's words for what happens here anyway: whoever asks for TLS gets a server that proves its name, and the
/// server that takes writes is the one that is asked.
fn understood(text: &str) -> String {
    [
        ("sslmode=verify-full", "sslmode=require"),
        ("sslmode=verify-ca", "sslmode=require"),
        ("sslmode=allow", "sslmode=prefer"),
        ("target_session_attrs=primary", "target_session_attrs=any"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (theirs, ours)| {
        text.replace(theirs, ours)
    })
}

/// What libpq knows besides, and what to do instead.
const NOT_UNDERSTOOD: [(&str, &str); 7] = [
    ("sslrootcert", "name the file in database.ca_file instead"),
    (
        "sslcert",
        "clients have no certificates here, but passwords",
    ),
    ("gssencmode", "leave it out, there is no GSSAPI here"),
    ("passfile", "write the password here, or set PGPASSWORD"),
    ("service", "write here what that file says"),
    (
        "target_session_attrs",
        "leave it out, the server that takes writes is asked in any case",
    ),
    (
        "sslmode",
        "write disable, prefer, require, verify-ca or verify-full right behind the =, without quotes",
    ),
];

/// Whether a connection string sets this.
fn sets(text: &str, name: &str) -> bool {
    let mut behind = text.split(name).skip(1);
    behind.any(|rest| rest.trim_start().starts_with('='))
}

/// The same for each of its hosts alone.
fn one_by_one(config: &Config) -> Result<Vec<Config>, String> {
    let (hosts, addresses, ports) = (
        config.get_hosts(),
        config.get_hostaddrs(),
        config.get_ports(),
    );
    let count = hosts.len().max(addresses.len());
    let fits = |others: usize| others == 0 || others == count;
    if !fits(hosts.len()) || !fits(addresses.len()) || !(ports.len() == 1 || fits(ports.len())) {
        return Err("has not as many ports or addresses as hosts".into());
    }
    let one = |index| {
        let mut one = without_hosts(config);
        match hosts.get(index) {
            Some(Host::Tcp(name)) => _ = one.host(name),
            Some(Host::Unix(path)) => _ = one.host_path(path),
            None => {}
        }
        if let Some(address) = addresses.get(index) {
            one.hostaddr(*address);
        }
        if let Some(port) = ports.get(index).or(ports.first()) {
            one.port(*port);
        }
        one
    };
    Ok((0..count).map(one).collect())
}
/// All that it says of any server.
fn without_hosts(config: &Config) -> Config {
    let mut bare = Config::new();
    if let Some(user) = config.get_user() {
        bare.user(user);
    }
    if let Some(password) = config.get_password() {
        bare.password(password);
    }
    if let Some(database) = config.get_dbname() {
        bare.dbname(database);
    }
    if let Some(options) = config.get_options() {
        bare.options(options);
    }
    if let Some(name) = config.get_application_name() {
        bare.application_name(name);
    }
    if let Some(limit) = config.get_connect_timeout() {
        bare.connect_timeout(*limit);
    }
    if let Some(limit) = config.get_tcp_user_timeout() {
        bare.tcp_user_timeout(*limit);
    }
    if let Some(pause) = config.get_keepalives_interval() {
        bare.keepalives_interval(pause);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        bare.keepalives_retries(retries);
    }
    bare.keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .target_session_attrs(config.get_target_session_attrs())
        .channel_binding(config.get_channel_binding())
        .load_balance_hosts(config.get_load_balance_hosts());
    bare
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

fn is_loopback(address: IpAddr) -> bool {
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

    #[test]
    fn what_other_clients_say_is_understood() {
        for text in [
            "postgres://doorward@h/doorward?target_session_attrs=primary&sslmode=allow",
            "postgres://doorward@h/doorward?sslmode=require&channel_binding=require",
            "host=a,b port=5432,5433 sslmode=verify-ca",
        ] {
            assert!(Address::parse(text, None).is_ok(), "{text}");
        }
        for (text, said) in [
            ("postgres://h/d?sslrootcert=/etc/ca.pem", "database.ca_file"),
            ("host=h sslmode = 'verify-full'", "without quotes"),
            ("postgres://h/d?gssencmode=disable", "leave it out"),
            ("host=a,b port=1,2,3", "as many ports"),
        ] {
            let why = Address::parse(text, None).err().unwrap();
            assert!(why.contains(said), "{text}: {why}");
        }
    }

    /// What is said of one host is not said of another.
    #[test]
    fn hosts_are_taken_apart() {
        let text = "host=a,/run/b hostaddr=10.0.0.1,10.0.0.2 port=1,2 user=u password=p dbname=d options=-cx=1 \
                    application_name=n connect_timeout=3 tcp_user_timeout=4 keepalives_idle=5 keepalives_interval=6 \
                    keepalives_retries=7 sslmode=require sslnegotiation=direct channel_binding=require \
                    load_balance_hosts=random target_session_attrs=read-write";
        let parts = one_by_one(&parse(text).unwrap()).unwrap();
        for (part, host, address, port) in [
            (&parts[0], "a", "10.0.0.1", "1"),
            (&parts[1], "/run/b", "10.0.0.2", "2"),
        ] {
            let alone = text
                .replace("host=a,/run/b", &format!("host={host}"))
                .replace("10.0.0.1,10.0.0.2", address)
                .replace("port=1,2", &format!("port={port}"));
            assert!(*part == parse(&alone).unwrap(), "{host}");
        }
    }

    #[tokio::test]
    async fn every_address_of_a_name_is_tried_alone() {
        let server = &Address::parse("host=localhost port=7", None)
            .unwrap()
            .servers[0];
        let found = addresses(server, TO_CONNECT).await;
        assert!(!found.is_empty());
        for one in found {
            assert_eq!(one.get_hosts(), [Host::Tcp("localhost".into())]);
            assert!(matches!(one.get_hostaddrs(), [address] if address.is_loopback()));
        }
    }

    /// A server that hangs while its kernel still takes connections is passed by, and holds nobody for ever.
    #[tokio::test]
    async fn a_server_that_says_nothing_is_passed_by() {
        let silent = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (a, b) = (silent(), silent());
        let port = |listener: &std::net::TcpListener| listener.local_addr().unwrap().port();
        let text = format!(
            "host=127.0.0.1,127.0.0.1 port={},{} user=u connect_timeout=1",
            port(&a),
            port(&b)
        );

        let fault = Address::parse(&text, None).unwrap().connect().await.err();

        assert!(fault.unwrap().is_lost());
        for asked in [&a, &b] {
            asked.set_nonblocking(true).unwrap();
            assert!(asked.accept().is_ok(), "each was asked");
        }
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
