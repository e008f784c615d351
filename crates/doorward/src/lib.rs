//! Passwordless authentication as one axum router: mailed codes, passkeys, sessions, roles and permissions.
//!
//! ```no_run
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let doorward = doorward::Doorward::open(doorward::config::Config::default()).await?;
//! let app = axum::Router::new().merge(doorward.router());
//! # Ok(()) }
//! ```
//!
//! A feature is a folder of three files: `mod.rs` says what is true (types, rules, operations), `store.rs`
//! says it in SQL, `http.rs` says it in HTTP. `ARCHITECTURE.md` has the map.

pub mod access;
pub mod audit;
pub mod codes;
pub mod config;
mod error;
mod forget;
mod http;
mod ids;
mod jobs;
mod limits;
pub mod mail;
mod meta;
mod metrics;
mod outbox;
mod pages;
pub mod passkeys;
pub mod restore;
mod secret;
pub mod sessions;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
pub mod users;

use std::{
    fs, io,
    ops::Deref,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{Arc, atomic::AtomicU32},
};

use tokio::sync::Notify;

use crate::{
    config::Config,
    mail::{Mailbox, Mailer},
    metrics::Metrics,
    secret::Keys,
    store::Db,
};
pub use crate::{
    error::{ANSWERS, Cause, Error, Result},
    http::{
        Client, RequestId,
        extract::{Allowed, CurrentUser, Fresh, MaybeUser, Permission},
        openapi,
    },
    ids::{CodeId, EventId, MessageId, NotAnId, RoleId, SessionId, UserId},
    secret::{Entropy, RootKey, WeakKey},
    store::{Inspection, SCHEMA_VERSION, inspect, schema_version},
    time::{Clock, NotASpan, Span, Timestamp},
};

/// The file of the database in the data folder.
pub const DATABASE_FILE: &str = "doorward.db";

/// The file in the data folder that a server locks, so that there is one: the memory of a second would not hear of what
/// the first revokes.
pub const LOCK_FILE: &str = "doorward.lock";

/// The file of the root key in the data folder: 64 hexadecimal digits.
pub const ROOT_KEY_FILE: &str = "root.key";

/// Doorward, running. Clones share it.
#[derive(Clone)]
pub struct Doorward(Arc<Inner>);

/// What Doorward is made of.
#[doc(hidden)]
pub struct Inner {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) keys: Keys,
    pub(crate) db: Db,
    pub(crate) policy: doorward_webauthn::Policy,
    pub(crate) providers: passkeys::Providers,
    pub(crate) pages: pages::Pages,
    pub(crate) cache: sessions::Cache,
    /// Where the database is one that servers share.
    pub(crate) follower: Option<sessions::Follower>,
    pub(crate) activity: sessions::Activity,
    pub(crate) renewals: sessions::Renewals,
    pub(crate) networks: limits::Networks,
    pub(crate) brake: limits::Brake,
    pub(crate) mailer: Arc<dyn Mailer>,
    pub(crate) mailbox: Option<Mailbox>,
    pub(crate) metrics: Metrics,
    pub(crate) queue: outbox::Queue,
    pub(crate) mail_due: Notify,
    /// What was changed beside this server, where it is the only one.
    pub(crate) outside: forget::Outside,
    pub(crate) events: AtomicU32,
    pub(crate) seat: Seat,
    /// Keeps other servers off the data folder for as long as this one lives.
    _lock: Option<fs::File>,
}

/// Where this process stands to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seat {
    /// It is the server: what it changes, its own cache knows.
    Server,
    /// It works beside a server, which must be told of what it changes.
    Beside,
}

impl Deref for Doorward {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Doorward {
    /// Opens the database and the root key in the data folder, makes both where there are none, and starts
    /// the work in the background: mail, clean-up. One process at a time can have a data folder.
    /// With a database on a PostgreSQL server the root key must be there.
    ///
    /// # Errors
    /// [`Error::Internal`] when the configuration has problems (see [`Config::check`]) or the key is not a key;
    /// [`Error::Unavailable`] when the database cannot be used, or another process uses it.
    pub async fn open(config: Config) -> Result<Self> {
        Self::builder(config).open().await
    }

    /// Opens Doorward with parts of one's own: clock, randomness, mailer, key.
    #[must_use]
    pub fn builder(config: Config) -> Builder {
        Builder {
            config,
            clock: Clock::system(),
            entropy: Entropy::system(),
            root_key: None,
            mailer: None,
            mailbox: None,
            seat: Seat::Server,
            jobs: true,
            locks: true,
        }
    }

    /// The API and pages, to be merged into an application's router or served as they are.
    ///
    /// Where the server knows its peers' addresses (`into_make_service_with_connect_info::<SocketAddr>()`), limits
    /// by network work; without, all callers are one network.
    pub fn router(&self) -> axum::Router {
        http::router(self)
    }

    /// The router with an answer for every other path as well: a whole server.
    pub fn server(&self) -> axum::Router {
        http::server(self)
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The metrics as Prometheus text, for a listener of their own.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        metrics::text(self)
    }

    /// Writes a consistent copy of the database into a new file, while the server runs.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the file exists or cannot be written, or the database is on a PostgreSQL server, which
    /// has its own ways.
    pub fn back_up(&self, file: &Path) -> Result<()> {
        self.db.copy_to(file)
    }

    /// Brings to disk what memory holds: who was last seen when. For the end of a server.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot take it.
    pub async fn flush(&self) -> Result<()> {
        sessions::flush_activity(self).await
    }

    /// Sends for three seconds the mail that was promised, and leaves the rest, and what is promised later, to other servers or to
    /// the next. For the end of a server, when no request is under way any more.
    pub async fn hand_over_mail(&self) {
        outbox::hand_over(self).await;
    }

    /// Sends the mail that is due now; how many messages left.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the outbox cannot be read.
    pub async fn deliver_mail(&self) -> Result<usize> {
        outbox::deliver_due(self).await
    }
}

/// Doorward, being put together.
pub struct Builder {
    config: Config,
    clock: Clock,
    entropy: Entropy,
    root_key: Option<RootKey>,
    mailer: Option<Arc<dyn Mailer>>,
    mailbox: Option<Mailbox>,
    seat: Seat,
    jobs: bool,
    locks: bool,
}

impl Builder {
    /// Takes the time from this clock.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Takes randomness from here.
    #[must_use]
    pub fn entropy(self, entropy: Entropy) -> Self {
        Self { entropy, ..self }
    }

    /// Uses this root key in place of the file in the data folder.
    #[must_use]
    pub fn root_key(self, key: RootKey) -> Self {
        Self {
            root_key: Some(key),
            ..self
        }
    }

    /// Sends mail through this.
    #[must_use]
    pub fn mailer(self, mailer: Arc<dyn Mailer>) -> Self {
        Self {
            mailer: Some(mailer),
            ..self
        }
    }

    /// Keeps mail in this mailbox.
    #[must_use]
    pub fn mailbox(self, mailbox: Mailbox) -> Self {
        Self {
            mailbox: Some(mailbox),
            ..self
        }
    }

    /// Works beside a server on the same database, as the command line does: no work in the background, and a server
    /// that runs is told of every change.
    #[must_use]
    pub fn beside_a_server(self) -> Self {
        Self {
            seat: Seat::Beside,
            jobs: false,
            locks: false,
            ..self
        }
    }

    /// Starts no work in the background; mail leaves by [`Doorward::deliver_mail`].
    #[must_use]
    pub fn without_jobs(self) -> Self {
        Self {
            jobs: false,
            ..self
        }
    }

    /// Leaves it to the caller to keep other servers off the data folder, by its [lock](LOCK_FILE) or otherwise.
    #[must_use]
    pub fn without_lock(self) -> Self {
        Self {
            locks: false,
            ..self
        }
    }

    /// Opens Doorward.
    ///
    /// # Errors
    /// As [`Doorward::open`].
    pub async fn open(self) -> Result<Doorward> {
        let problems = self.config.check();
        if !problems.is_empty() {
            let list: Vec<_> = problems
                .iter()
                .map(|problem| format!("{}: {}", problem.key, problem.message))
                .collect();
            return Err(Error::Internal(list.join("; ").into()));
        }
        let folder = self.config.data_dir.clone();
        make_folder(&folder).map_err(|error| unusable(&folder, &error))?;
        let lock = self.locks.then(|| lock(&folder)).transpose()?;
        let settings = &self.config.database;
        let root_key = match self.root_key {
            Some(key) => key,
            None => root_key_in(&folder, settings.url.is_some(), &self.entropy)?,
        };
        let db = match &settings.url {
            Some(url) => {
                let (clock, entropy) = (self.clock.clone(), self.entropy.clone());
                Db::open_postgres(url, settings, clock, entropy).await?
            }
            None => Db::open_sqlite(&folder.join(DATABASE_FILE))?,
        };
        let restore_epoch = meta::restore_epoch(&db).await?;
        let outside = forget::Outside::first(&db, &self.clock).await?;
        let (follower, progress) = if db.is_shared() {
            let replication = db.replication().await?;
            let node = self.entropy.bytes();
            let follower = sessions::Follower::new(&db, &self.config.database, replication, node);
            tracing::info!(
                revocation = follower.guarantee().name(),
                ?replication,
                "servers that share the database follow each other's changes"
            );
            (Some(follower), sessions::Progress::Nowhere)
        } else {
            (None, sessions::Progress::Alone)
        };
        let mailbox = self
            .mailbox
            .or_else(|| self.config.mailbox().then(Mailbox::default));
        let mailer: Arc<dyn Mailer> = match (self.mailer, &mailbox) {
            (Some(mailer), _) => mailer,
            (None, Some(mailbox)) => Arc::new(mailbox.clone()),
            (None, None) => Arc::new(
                mail::Smtp::new(&self.config).map_err(|error| Error::Internal(error.into()))?,
            ),
        };
        let keys = Keys::derive(&root_key, restore_epoch);
        meta::recognise_root_key(&db, &keys).await?;
        let inner = Inner {
            keys,
            policy: passkeys::policy(&self.config),
            providers: passkeys::Providers::load(self.config.passkeys.providers_file.as_deref())?,
            pages: pages::Pages::load(&self.config)?,
            cache: sessions::Cache::new(self.config.sessions.cache_entries, progress),
            follower,
            activity: sessions::Activity::default(),
            renewals: sessions::Renewals::default(),
            networks: limits::Networks::new(&self.config.limits),
            brake: limits::Brake::default(),
            metrics: Metrics::default(),
            queue: outbox::Queue::default(),
            mail_due: Notify::new(),
            outside,
            events: AtomicU32::new(0),
            config: self.config,
            clock: self.clock,
            entropy: self.entropy,
            seat: self.seat,
            db,
            mailer,
            mailbox,
            _lock: lock,
        };
        let doorward = Doorward(Arc::new(inner));
        if self.jobs {
            jobs::start(&doorward);
        }
        Ok(doorward)
    }
}

/// The folder, made for its owner only.
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// The right to serve from the folder; the system takes it back when the process ends, however that happens.
fn lock(folder: &Path) -> Result<fs::File> {
    let path = folder.join(LOCK_FILE);
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| unusable(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(error) => Err(unusable(
            folder,
            &format!("another server uses it ({error})"),
        )),
    }
}

/// The root key in the folder, made where there is none; but not for a database that others share, who must have the same.
fn root_key_in(folder: &Path, is_shared: bool, entropy: &Entropy) -> Result<RootKey> {
    let file = folder.join(ROOT_KEY_FILE);
    match fs::read_to_string(&file) {
        Ok(text) => RootKey::from_hex(&text).map_err(|error| unusable(&file, &error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if is_shared {
                return Err(unusable(
                    &file,
                    &"missing: bring it from another server of this database, or make the first by `openssl rand -hex 32`",
                ));
            }
            // A new key beside an old database would make all that it sealed unreadable, and say nothing.
            if folder.join(DATABASE_FILE).exists() {
                return Err(unusable(
                    &file,
                    &"missing, and the database was made with it: bring it back from your backup",
                ));
            }
            let key = RootKey::generate(entropy);
            write_new(&file, key.to_hex().as_bytes()).map_err(|error| unusable(&file, &error))?;
            Ok(key)
        }
        Err(error) => Err(unusable(&file, &error)),
    }
}

/// Writes a file that its owner only can read, and that is on disk when this returns.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // The name is on disk when its folder is.
    path.parent()
        .map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::Unavailable(format!("{}: {why}", path.display()).into())
}
