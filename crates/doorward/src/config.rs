//! Configuration: plain data that explains itself.
//!
//! Where the values come from (files, environment) is the command line's business; an application
//! that mounts Doorward fills this in as it likes. [`Config::check`] reports every problem at once.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use http::Uri;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{mail::Address, store, time::Span};

/// How many names of origins a browser reads from `/.well-known/webauthn` (WebAuthn §5.11.1: five at least).
const MAX_LABELS: usize = 5;

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
    /// Where the database, its key and the backups live. Default: `doorward-data`.
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
    /// The most connections to the server at once: 2 to 256. Default: 20.
    pub connections: u32,
    /// How long a request waits for one of them before it is sent away with 503: at most 10 seconds. Default: 250ms.
    pub wait: Span,
    /// How often a server asks the others' log what it must forget: 10 ms at least, and twice in a lease. Default: 250ms.
    pub poll: Span,
    /// For how long a server believes what it remembers, counted from its last answered poll: a session that ends on one
    /// server is refused by the others after this time at the latest. 100 ms to 1 second. Default: 1s.
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
    /// How long a code works: at most 10 minutes. Default: 10 minutes.
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
    /// How long a session lasts without being used; the time is renewed in its second half. At most 30 days. Default: 7 days.
    pub idle: Span,
    /// How long a session lasts from its sign-in however much it is used. At most 365 days. Default: 30 days.
    pub absolute: Span,
    /// `idle` for those who hold an administrative permission. Default: 30 minutes.
    pub admin_idle: Span,
    /// `absolute` for those who hold an administrative permission. Default: 12 hours.
    pub admin_absolute: Span,
    /// How long a sign-in counts as recent for sensitive changes: at most 1 hour. Default: 10 minutes.
    pub fresh: Span,
    /// Whether the answer to a sign-in carries the token beside the cookie. Default: `auto`.
    pub token_in_body: TokenInBody,
    /// The most live sessions of one account; the one idle for longest makes room. 1 to 1000. Default: 100.
    pub per_user: u32,
    /// How many sessions are kept in memory. Default: 100000.
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
    /// The least time between two codes to one address. Default: 30 seconds.
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
    /// Failed sign-ins from one network in 5 minutes. Default: 100.
    pub network_failures: u32,
    /// Wrong codes in a row for one address before its codes become 65 bits long. Default: 10.
    pub failures_before_long_codes: u32,
    /// Wrong codes from everywhere in an hour before all codes become 65 bits long,
    /// where that is also ten times what the day before saw. Default: 1000.
    pub brake: u32,
    /// How many networks are remembered: the memory that limits take. Default: 65536.
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
    /// Default: on while no SMTP server is named.
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

/// Something in the configuration that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, with dots: `sessions.idle`.
    pub key: &'static str,
    /// What is wrong and what would be right, as a sentence.
    pub message: String,
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

    /// Every problem, in the order of the keys; none means that Doorward can start.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Problems(Vec::new());
        self.check_addresses(&mut problems);
        self.check_database(&mut problems);
        self.check_codes_and_passkeys(&mut problems);
        self.check_sessions(&mut problems);
        self.check_limits(&mut problems);
        self.check_pages(&mut problems);
        self.check_mail(&mut problems);
        problems.0
    }

    fn check_addresses(&self, problems: &mut Problems) {
        let public_host = host_of(&self.public_url);
        problems.unless(is_origin(&self.public_url), "public_url", || {
            format!("`{}` is not an origin: write scheme, host and port only, such as https://auth.example.com", self.public_url)
        });
        let local = public_host.is_some_and(is_localhost);
        problems.unless(self.is_https() || local, "public_url", || {
            "must be https, except on localhost: browsers offer no passkeys without it".into()
        });
        for origin in &self.origins {
            problems.unless(is_origin(origin) && (origin.starts_with("https://") || host_of(origin).is_some_and(is_localhost)), "origins", || {
                format!("`{origin}` is not an https origin (or one on http://localhost): write scheme, host and port only, in lower case, without a slash at the end")
            });
        }
        if let (Some(rp_id), Some(host)) = (&self.rp_id, public_host) {
            problems.unless(is_same_or_parent(rp_id, host), "rp_id", || {
                format!(
                    "`{rp_id}` is neither the host of public_url ({host}) nor a parent domain of it"
                )
            });
        }
        problems.unless(
            !self.app_name.trim().is_empty()
                && self.app_name.len() <= 64
                && !self.app_name.chars().any(char::is_control),
            "app_name",
            || "must be 1 to 64 characters, without control characters".into(),
        );
        for email in &self.admin_emails {
            problems.unless(Address::parse(email).is_ok(), "admin_emails", || {
                format!("`{email}` is not an email address")
            });
        }
        let public = !self.listen.ip().is_loopback();
        problems.unless(!public || (self.is_https() && !self.trusted_proxies.is_empty()), "listen", || {
            format!("{} is a public address and Doorward speaks plain http: listen on loopback, or put a proxy that ends TLS in front, name it in trusted_proxies and set an https public_url", self.listen)
        });
        problems.unless(
            self.metrics_listen != Some(self.listen),
            "metrics_listen",
            || "must differ from listen".into(),
        );
    }

    fn check_database(&self, problems: &mut Problems) {
        let database = &self.database;
        if let Some(Err(why)) = database.url.as_deref().map(store::check_url) {
            problems.unless(false, "database.url", || why);
        }
        problems.range("database.connections", database.connections, 2, 256);
        problems.range(
            "database.wait",
            database.wait,
            Span::millis(1),
            Span::seconds(10),
        );
        problems.range(
            "database.lease",
            database.lease,
            Span::millis(100),
            Span::seconds(1),
        );
        // A poll that is late, or fails, must not cost the lease.
        let half = Span::millis(database.lease.as_millis() / 2);
        problems.range("database.poll", database.poll, Span::millis(10), half);
        problems.range(
            "database.ceiling",
            database.ceiling,
            database.lease,
            Span::minutes(5),
        );
        problems.unless(
            database.strict || !database.wait_for_leases,
            "database.wait_for_leases",
            || "needs `database.strict`".to_owned(),
        );
    }

    fn check_codes_and_passkeys(&self, problems: &mut Problems) {
        problems.range("codes.digits", self.codes.digits, 6, 10);
        problems.range(
            "codes.lifetime",
            self.codes.lifetime,
            Span::minutes(1),
            Span::minutes(10),
        );
        problems.range("passkeys.per_user", self.passkeys.per_user, 1, 20);
        for origin in &self.passkeys.top_origins {
            problems.unless(is_origin(origin), "passkeys.top_origins", || {
                format!("`{origin}` is not an origin")
            });
        }
        problems.unless(
            !self.passkeys.post_quantum || cfg!(feature = "ml-dsa"),
            "passkeys.post_quantum",
            || "needs a build with the feature `ml-dsa`, and this one is without".into(),
        );
    }

    fn check_sessions(&self, problems: &mut Problems) {
        let sessions = &self.sessions;
        problems.range(
            "sessions.idle",
            sessions.idle,
            Span::minutes(1),
            Span::days(30),
        );
        problems.range(
            "sessions.absolute",
            sessions.absolute,
            sessions.idle,
            Span::days(365),
        );
        problems.range(
            "sessions.admin_idle",
            sessions.admin_idle,
            Span::minutes(1),
            sessions.idle,
        );
        problems.range(
            "sessions.admin_absolute",
            sessions.admin_absolute,
            sessions.admin_idle,
            sessions.absolute,
        );
        problems.range(
            "sessions.fresh",
            sessions.fresh,
            Span::minutes(1),
            Span::hours(1),
        );
        problems.range("sessions.per_user", sessions.per_user, 1, 1000);
        problems.range(
            "sessions.cache_entries",
            sessions.cache_entries,
            64,
            100_000_000,
        );
    }

    fn check_limits(&self, problems: &mut Problems) {
        problems.range(
            "limits.address_interval",
            self.limits.address_interval,
            Span::ZERO,
            Span::hours(1),
        );
        problems.range(
            "limits.failures_before_long_codes",
            self.limits.failures_before_long_codes,
            1,
            100,
        );
        problems.range("limits.networks", self.limits.networks, 1024, 16_777_216);
    }

    fn check_pages(&self, problems: &mut Problems) {
        let is_page = |text: &str| {
            text.strip_prefix("https://").is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic())
            })
        };
        if let Some(support) = &self.pages.support {
            problems.unless(
                is_page(support) || Address::parse(support).is_ok(),
                "pages.support",
                || format!("`{support}` is neither an email address nor an https address"),
            );
        }
        if let Some(url) = &self.pages.privacy_url {
            problems.unless(is_page(url), "pages.privacy_url", || {
                format!("`{url}` is not an https address")
            });
        }
        problems.unless(
            !self.pages.enabled || self.labels() <= MAX_LABELS,
            "origins",
            || {
                format!("must be of {MAX_LABELS} names at most (example in www.example.com): browsers read no more from /.well-known/webauthn")
            },
        );
    }

    /// How many names the origins have: of each the last but one label of its host. Under a public suffix of two labels
    /// (`co.uk`) that counts too few, never too many.
    fn labels(&self) -> usize {
        let names: BTreeSet<&str> = self
            .all_origins()
            .filter_map(host_of)
            .map(|host| host.rsplit('.').nth(1).unwrap_or(host))
            .collect();
        names.len()
    }

    fn check_mail(&self, problems: &mut Problems) {
        problems.unless(
            !self.mailbox() || self.is_for_development(),
            "mail.mailbox",
            || {
                "the development mailbox shows every code, so it opens only where nobody else can look: with listen on loopback, public_url on localhost and no trusted_proxies".into()
            },
        );
        problems.unless(
            self.mailbox() || self.mail.smtp.host.is_some(),
            "mail.smtp.host",
            || "name the SMTP server that sends the codes".into(),
        );
        if let Some(from) = &self.mail.from {
            problems.unless(
                crate::mail::Sender::parse(from).is_ok(),
                "mail.from",
                || format!("`{from}` is not an email address"),
            );
        }
        problems.unless(
            self.mail.smtp.username.is_some() == self.mail.smtp.password.is_some(),
            "mail.smtp.username",
            || "an account and its password go together".into(),
        );
        problems.range("mail.smtp.connections", self.mail.smtp.connections, 1, 64);
    }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn unless(&mut self, fine: bool, key: &'static str, message: impl FnOnce() -> String) {
        if !fine {
            self.0.push(Problem {
                key,
                message: message(),
            });
        }
    }

    fn range<T: Copy + PartialOrd + std::fmt::Display>(
        &mut self,
        key: &'static str,
        value: T,
        least: T,
        most: T,
    ) {
        let fine = least <= value && value <= most;
        self.unless(fine, key, || {
            format!("must be {least} to {most}, and is {value}")
        });
    }
}

/// Whether the text is an origin just as browsers write it: lower case, no default port, no path.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return false;
    };
    let default_port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return false,
    };
    let host = authority.host();
    authority.port_u16() != Some(default_port)
        && !host.is_empty()
        && !host.ends_with('.')
        && !authority.as_str().contains('@')
        && !text.bytes().any(|byte| byte.is_ascii_uppercase())
        && text == format!("{scheme}://{authority}")
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

fn is_same_or_parent(rp_id: &str, host: &str) -> bool {
    rp_id == host
        || (rp_id.contains('.')
            && host
                .strip_suffix(rp_id)
                .is_some_and(|sub| sub.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(config: &Config) -> Vec<&'static str> {
        config
            .check()
            .into_iter()
            .map(|problem| problem.key)
            .collect()
    }

    #[test]
    fn the_defaults_are_fine() {
        assert_eq!(Config::default().check(), []);
    }

    /// Items 1, 2: fewer than six digits, or more than ten minutes, do not start.
    #[test]
    fn weak_codes_are_refused() {
        let codes = Codes {
            digits: 5,
            lifetime: Span::minutes(11),
            ..Codes::default()
        };
        assert_eq!(
            keys(&Config {
                codes,
                ..Config::default()
            }),
            ["codes.digits", "codes.lifetime"]
        );
    }

    /// Item 120: plain http outside loopback does not start, nor does a mailbox there.
    #[test]
    fn plain_http_on_a_public_address_is_refused() {
        let public = Config {
            listen: "0.0.0.0:80".parse().unwrap(),
            ..Config::default()
        };
        assert_eq!(keys(&public), ["listen", "mail.smtp.host"]);

        let mail = Mail {
            mailbox: Some(true),
            ..Mail::default()
        };
        assert_eq!(
            keys(&Config {
                mail,
                ..public.clone()
            }),
            ["listen", "mail.mailbox"]
        );

        let smtp = Smtp {
            host: Some("mail.example.com".into()),
            ..Smtp::default()
        };
        let forgotten = Config {
            public_url: "https://auth.example.com".into(),
            trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
            ..Config::default()
        };
        assert_eq!(
            keys(&forgotten),
            ["mail.smtp.host"],
            "a proxy makes loopback public"
        );
        let left_over = Config {
            mail: Mail {
                mailbox: Some(true),
                ..Mail::default()
            },
            ..forgotten
        };
        assert_eq!(keys(&left_over), ["mail.mailbox"]);

        let behind_a_proxy = Config {
            public_url: "https://auth.example.com".into(),
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            mail: Mail {
                smtp,
                ..Mail::default()
            },
            ..public
        };
        assert_eq!(keys(&behind_a_proxy), [""; 0]);
    }

    /// Item 28: what cannot be verified is not quietly left off the offer.
    #[test]
    fn post_quantum_passkeys_need_a_build_that_can_verify_them() {
        let passkeys = Passkeys {
            post_quantum: true,
            ..Passkeys::default()
        };
        let config = Config {
            passkeys,
            ..Config::default()
        };
        let expected: &[_] = if cfg!(feature = "ml-dsa") {
            &[]
        } else {
            &["passkeys.post_quantum"]
        };
        assert_eq!(keys(&config), expected);
    }

    /// Items 18, 24: an origin is written as a browser writes it.
    #[test]
    fn origins_are_exact() {
        for origin in [
            "https://example.org",
            "https://example.org:8443",
            "http://localhost:5173",
        ] {
            assert!(is_origin(origin), "{origin}");
        }
        for origin in [
            "",
            "example.org",
            "https://example.org/",
            "https://Example.org",
            "https://example.org:443",
            "http://localhost:80",
            "https://example.org.",
            "https://user@example.org",
            "https://example.org/path",
            "ftp://example.org",
            "null",
        ] {
            assert!(!is_origin(origin), "{origin}");
        }
    }

    #[test]
    fn what_pages_link_to_is_an_address() {
        let config = |support: &str, privacy_url: &str| Config {
            pages: Pages {
                support: Some(support.into()),
                privacy_url: Some(privacy_url.into()),
                ..Pages::default()
            },
            ..Config::default()
        };
        assert_eq!(
            keys(&config("help@example.com", "https://example.com/privacy")),
            [""; 0]
        );
        assert_eq!(
            keys(&config("javascript:alert(1)", "http://example.com")),
            ["pages.support", "pages.privacy_url"]
        );
    }

    #[test]
    fn browsers_read_five_names_of_origins() {
        let config = |names: &[&str]| Config {
            origins: names.iter().map(|name| format!("https://{name}")).collect(),
            ..Config::default()
        };
        let five = [
            "a.example",
            "www.b.example",
            "c.b.example",
            "c.example",
            "d.example",
        ];
        assert_eq!(keys(&config(&five)), [""; 0]);
        let six = [&five[..], &["e.example"]].concat();
        assert_eq!(keys(&config(&six)), ["origins"]);
    }

    #[test]
    fn a_relying_party_is_the_host_or_its_parent() {
        let config = |rp_id: &str| Config {
            public_url: "https://auth.example.com".into(),
            rp_id: Some(rp_id.into()),
            mail: Mail {
                smtp: Smtp {
                    host: Some("mail.example.com".into()),
                    ..Smtp::default()
                },
                ..Mail::default()
            },
            ..Config::default()
        };
        assert_eq!(keys(&config("example.com")), [""; 0]);
        assert_eq!(keys(&config("ample.com")), ["rp_id"]);
        assert_eq!(keys(&config("com")), ["rp_id"]);
        assert_eq!(keys(&config("example.org")), ["rp_id"]);
    }
}
