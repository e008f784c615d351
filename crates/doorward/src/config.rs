//! Configuration: plain data that explains itself.
//!
//! Where the values come from (files, environment) is the command line's business; an application
//! that mounts Doorward fills this in as it likes. [`Config::check`] reports every problem at once.

mod check;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use self::check::Problem;
use crate::time::Span;

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where people reach Doorward: scheme, host and port, without a path. Default: `http://localhost:8700`.
    pub public_url: String,
    /// Further exact origins that may call with credentials and run passkey ceremonies. Default: none.
    pub origins: Vec<String>,
    /// The relying party of all passkeys: the host of `public_url` or a parent domain of it.
    /// Default: the host of `public_url`. Changing it later orphans every passkey.
    pub rp_id: Option<String>,
    /// What the application is called, in mail and passkey prompts. Default: `Doorward`.
    pub app_name: String,
    /// The language of mail to people who have not chosen one: `en` or `de`. Default: `en`.
    pub locale: Locale,
    /// Who may make an account. Default: `open`.
    pub sign_up: SignUp,
    /// Addresses whose owners become administrators when they prove them. Default: none.
    pub admin_emails: Vec<String>,
    /// Where the database and its key live, and what a restore puts aside. Default: `doorward-data`.
    pub data_dir: PathBuf,
    /// The address and port that the server listens on. Default: `127.0.0.1:8700`.
    pub listen: SocketAddr,
    /// Where `/metrics` is served, apart from everything else. Default: nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// Proxies whose `X-Forwarded-For` is believed, as networks. Default: none.
    pub trusted_proxies: Vec<IpNet>,
    /// The database.
    pub database: Database,
    /// Mailed codes.
    pub codes: Codes,
    /// Passkeys.
    pub passkeys: Passkeys,
    /// Sessions.
    pub sessions: Sessions,
    /// Budgets.
    pub limits: Limits,
    /// The hosted pages.
    pub pages: Pages,
    /// Outgoing mail.
    pub mail: Mail,
    /// Logging.
    pub log: Log,
}

/// A language that Doorward speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SignUp {
    /// Everyone who proves an address.
    Open,
    /// Those who were invited. Strangers get the same answers, and no mail.
    Invite,
}

/// The database: a file in `data_dir`, or a PostgreSQL server.
#[derive(Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// A PostgreSQL server, 15 or newer: `postgres://user:password@host/database`. What leaves the machine is encrypted,
    /// and the server proves its name, unless `?sslmode=disable` is added. Default: none, the database is a file.
    pub url: Option<String>,
    /// A file of PEM certificates to trust beside those of the system. Default: none.
    pub ca_file: Option<PathBuf>,
    /// The most connections for requests at once, beside three that follow the other servers: 2 to 256. Default: 20.
    pub connections: u32,
    /// How long a request waits for one of them before it is sent away with 503: at most 10 seconds. Default: 250ms.
    pub wait: Span,
    /// How often a server asks the others' log what it must forget: 10 ms at least, and twice in a lease. Default: 250ms.
    pub poll: Span,
    /// For how long a server believes what it remembers, counted from its last answered poll: a session that ends on one
    /// server is refused by the others that reach the database after this time at the latest. 100 ms to 1 second. Default: 1s.
    pub lease: Span,
    /// For how long a server that cannot reach the database goes on with what it remembers; then it declines. At most 5
    /// minutes. Default: 30s.
    pub ceiling: Span,
    /// Whether a server declines as soon as its lease is over, whatever the ceiling. Default: false.
    pub strict: bool,
    /// Whether the end of a session is acknowledged only when no server can accept it any more, which takes a lease; needs
    /// `strict`. Default: false.
    pub wait_for_leases: bool,
}

/// Mailed codes.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Codes {
    /// How many digits a code has: 6 to 10. Default: 8.
    pub digits: u8,
    /// How long a code works: 1 to 10 minutes. Default: 10 minutes.
    pub lifetime: Span,
    /// Whether a code may still sign in to an account that has a passkey. Default: `allow`.
    pub after_passkey: AfterPasskey,
}

/// What a mailed code is worth to an account that has passkeys.
///
/// Administrators are held to `recovery` at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AfterPasskey {
    /// A full sign-in.
    Allow,
    /// A sign-in that may change passkeys and addresses only after 24 hours.
    Recovery,
    /// Nothing, once the account has two passkeys.
    Deny,
}

/// Passkeys.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Passkeys {
    /// The most passkeys of one account: 1 to 20. Default: 20.
    pub per_user: u32,
    /// What to do when a signature counter does not increase. Default: `refuse`.
    pub counter: CounterPolicy,
    /// Sites that may embed a ceremony in a frame, as exact origins. Default: none, framed ceremonies are refused.
    pub top_origins: Vec<String>,
    /// Android apps that may run ceremonies: `android:apk-key-hash:` and the SHA-256 of the certificate that signs the app, in
    /// base64url without padding. Android reads `/.well-known/assetlinks.json` of the relying party too: have your proxy serve
    /// it. Default: none.
    pub app_origins: Vec<String>,
    /// A TOML file of `"aaguid" = "Provider name"` that goes before the built-in table. Default: none.
    pub providers_file: Option<PathBuf>,
    /// Offer ML-DSA-65 and ML-DSA-44 too, which resist quantum computers, after all other algorithms: few authenticators
    /// know them, and their signatures have 2 to 3 KiB. Later only builds with the feature `ml-dsa`, as the usual ones
    /// are, can serve the owners of such passkeys. Default: false.
    pub post_quantum: bool,
}

/// What to do when a signature counter does not increase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CounterPolicy {
    /// Refuse the sign-in, record it, tell the owner.
    Refuse,
    /// Record it, tell the owner, and let the sign-in pass; for fleets of authenticators that miscount.
    Warn,
}

/// How sessions live and die.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// How long a session lasts without being used; the time is renewed in its second half. 1 minute to 30 days. Default: 7 days.
    pub idle: Span,
    /// How long a session lasts from its sign-in however much it is used: `idle` to 365 days. Default: 30 days.
    pub absolute: Span,
    /// `idle` for those who hold an administrative permission, for whom it is no longer. Default: 30 minutes.
    pub admin_idle: Span,
    /// `absolute` for those who hold an administrative permission, for whom it is no longer. Default: 12 hours.
    pub admin_absolute: Span,
    /// How long a sign-in counts as recent for sensitive changes: 1 minute to 1 hour. Default: 10 minutes.
    pub fresh: Span,
    /// Whether the answer to a sign-in carries the token beside the cookie. Default: `auto`.
    pub token_in_body: TokenInBody,
    /// The most live sessions of one account; the one idle for longest makes room. 1 to 1000. Default: 100.
    pub per_user: u32,
    /// How many sessions are kept in memory: 64 to 100000000. Default: 100000.
    pub cache_entries: usize,
}

/// Whether the answer to a sign-in carries the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenInBody {
    /// Not for a page of the same origin, which has the cookie; for everyone else.
    Auto,
    /// For everyone.
    Always,
    /// For nobody.
    Never,
}

/// Budgets: so many at once, and then one more whenever its share of the time has passed. `0` switches one off.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The least time between two codes to one address: at most 1 hour. Default: 30 seconds.
    pub address_interval: Span,
    /// Codes to one address in 15 minutes. Default: 5.
    pub address_quarter: u32,
    /// Codes to one address in an hour. Default: 10.
    pub address_hour: u32,
    /// Codes to one address in a day. Default: 20.
    pub address_day: u32,
    /// Codes asked for from one network (an IPv4 address, an IPv6 /64) in 15 minutes. Default: 60.
    pub network_quarter: u32,
    /// Codes asked for from one network in an hour. Default: 200.
    pub network_hour: u32,
    /// Failed sign-ins from one network in 5 minutes, with those that are under way. Default: 100.
    pub network_failures: u32,
    /// Wrong codes in a row for one address before its codes become 65 bits long: 1 to 100. Default: 10.
    pub failures_before_long_codes: u32,
    /// Wrong codes from everywhere in this hour and the last before all codes become 65 bits long,
    /// where that is also ten times a usual hour of the day before. Default: 1000.
    pub brake: u32,
    /// How many networks are remembered, the memory that limits take: 1024 to 16777216. Default: 65536.
    pub networks: usize,
}

/// The hosted pages.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pages {
    /// Whether they are served: signing in, the account, the well-known addresses of passkeys. Default: true.
    pub enabled: bool,
    /// Who helps people who cannot sign in: an email address, or the https address of a page. Default: none.
    pub support: Option<String>,
    /// Where the privacy policy is: an https address, for a link under every page. Default: none.
    pub privacy_url: Option<String>,
    /// A style sheet of `:root { --dw-…: …; }` and nothing else, which goes over the built-in values. Default: none.
    pub theme_file: Option<PathBuf>,
    /// A picture above every page, SVG or PNG, of 256 KiB at most. Default: none, the name of the application stands there.
    pub logo_file: Option<PathBuf>,
}

/// Outgoing mail.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// Keep mail in memory and show it at `/dev/mailbox` instead of sending it: for development, on loopback only.
    /// Default: on while no SMTP server is named and `public_url` and `listen` are on localhost, without proxies.
    pub mailbox: Option<bool>,
    /// The sender: `auth@example.com` or `Example <auth@example.com>`. Default: `no-reply@` and the host of `public_url`.
    pub from: Option<String>,
    /// Put the code in the subject, where lock screens and mail logs show it. Default: false.
    pub code_in_subject: bool,
    /// The SMTP server.
    pub smtp: Smtp,
}

/// The SMTP server.
#[derive(Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Smtp {
    /// Its name. Default: none.
    pub host: Option<String>,
    /// Its port. Default: 465 for `implicit`, 587 for `starttls`.
    pub port: Option<u16>,
    /// How TLS begins; there is no way without it. Default: `implicit`.
    pub tls: SmtpTls,
    /// The account. Default: none.
    pub username: Option<String>,
    /// Its password. Default: none.
    pub password: Option<String>,
    /// A file of PEM certificates to trust beside those of the system. Default: none.
    pub ca_file: Option<PathBuf>,
    /// The most connections at once: 1 to 64. Default: 4.
    pub connections: u32,
}

/// How TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// At once.
    Implicit,
    /// After the command `STARTTLS`, without which nothing is sent.
    Starttls,
}

/// Logging.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or a list such as `info,doorward=debug`. Default: `info`.
    pub level: String,
    /// How: `text` or `json`. Default: `text`.
    pub format: LogFormat,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: "http://localhost:8700".into(),
            origins: Vec::new(),
            rp_id: None,
            app_name: "Doorward".into(),
            locale: Locale::En,
            sign_up: SignUp::Open,
            admin_emails: Vec::new(),
            data_dir: "doorward-data".into(),
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8700),
            metrics_listen: None,
            trusted_proxies: Vec::new(),
            database: Database::default(),
            codes: Codes::default(),
            passkeys: Passkeys::default(),
            sessions: Sessions::default(),
            limits: Limits::default(),
            pages: Pages::default(),
            mail: Mail::default(),
            log: Log::default(),
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            ca_file: None,
            connections: 20,
            wait: Span::millis(250),
            poll: Span::millis(250),
            lease: Span::seconds(1),
            ceiling: Span::seconds(30),
            strict: false,
            wait_for_leases: false,
        }
    }
}

impl Default for Codes {
    fn default() -> Self {
        Self {
            digits: 8,
            lifetime: Span::minutes(10),
            after_passkey: AfterPasskey::Allow,
        }
    }
}

impl Default for Passkeys {
    fn default() -> Self {
        Self {
            per_user: 20,
            counter: CounterPolicy::Refuse,
            top_origins: Vec::new(),
            app_origins: Vec::new(),
            providers_file: None,
            post_quantum: false,
        }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            idle: Span::days(7),
            absolute: Span::days(30),
            admin_idle: Span::minutes(30),
            admin_absolute: Span::hours(12),
            fresh: Span::minutes(10),
            token_in_body: TokenInBody::Auto,
            per_user: 100,
            cache_entries: 100_000,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            address_interval: Span::seconds(30),
            address_quarter: 5,
            address_hour: 10,
            address_day: 20,
            network_quarter: 60,
            network_hour: 200,
            network_failures: 100,
            failures_before_long_codes: 10,
            brake: 1000,
            networks: 65_536,
        }
    }
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            enabled: true,
            support: None,
            privacy_url: None,
            theme_file: None,
            logo_file: None,
        }
    }
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            tls: SmtpTls::Implicit,
            username: None,
            password: None,
            ca_file: None,
            connections: 4,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LogFormat::Text,
        }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("url", &self.url.as_ref().map(|_| "…"))
            .field("ca_file", &self.ca_file)
            .field("connections", &self.connections)
            .field("wait", &self.wait)
            .field("poll", &self.poll)
            .field("lease", &self.lease)
            .field("ceiling", &self.ceiling)
            .field("strict", &self.strict)
            .field("wait_for_leases", &self.wait_for_leases)
            .finish()
    }
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "…"))
            .field("ca_file", &self.ca_file)
            .field("connections", &self.connections)
            .finish()
    }
}

impl Config {
    /// The relying party of all passkeys.
    #[must_use]
    pub fn rp_id(&self) -> &str {
        self.rp_id
            .as_deref()
            .unwrap_or_else(|| host_of(&self.public_url).unwrap_or_default())
    }

    /// The origins that may run ceremonies and call with credentials: the one of `public_url`, and `origins`.
    pub fn all_origins(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.public_url.as_str()).chain(self.origins.iter().map(String::as_str))
    }

    /// Whether people reach Doorward over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Whether nobody but this machine can reach Doorward: it listens on loopback, and no proxy stands in front.
    fn is_for_development(&self) -> bool {
        self.listen.ip().is_loopback()
            && self.trusted_proxies.is_empty()
            && host_of(&self.public_url).is_some_and(is_localhost)
    }

    /// Whether mail is kept in the development mailbox.
    #[must_use]
    pub fn mailbox(&self) -> bool {
        self.mail
            .mailbox
            .unwrap_or(self.mail.smtp.host.is_none() && self.is_for_development())
    }
}

fn host_of(origin: &str) -> Option<&str> {
    let rest = origin.split_once("://")?.1;
    let host = rest
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(rest, |(host, _)| host);
    (!host.is_empty()).then_some(host)
}

fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]"
}
