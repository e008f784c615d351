//! The database of a world, and a look into it beside Doorward: a file, or a database of one's own on a PostgreSQL server.
//!
//! The server is the one that `DOORWARD_TEST_POSTGRES` names, as a connection string of someone who may make databases.
//! With `DOORWARD_TEST_DATABASE=postgres` every world has its database there. `tests/with-postgres` sees to both.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use rusqlite::Connection;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, types::Type};

use crate::{Clock, DATABASE_FILE, Entropy, ROOT_KEY_FILE, RootKey, config::Database, store::Db};

/// One cell of a table.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A number.
    Integer(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// What a test expects a cell to hold.
pub trait Held: Sized {
    /// The value; `None` when the cell holds another type.
    fn of(cell: Cell) -> Option<Self>;
}

impl Held for i64 {
    fn of(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Integer(value) => Some(value),
            _ => None,
        }
    }
}

impl Held for String {
    fn of(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Held for Vec<u8> {
    fn of(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl<T: Held> Held for Option<T> {
    fn of(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::of(cell).map(Some),
        }
    }
}

/// Which databases tests run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Server,
}

impl Kind {
    /// The one that worlds have unless they ask for another.
    pub(super) fn usual() -> Self {
        match variable("DOORWARD_TEST_DATABASE").as_deref() {
            None | Some("sqlite") => Self::File,
            Some("postgres") => Self::Server,
            Some(other) => panic!("DOORWARD_TEST_DATABASE is {other}: write sqlite or postgres"),
        }
    }

    /// Every one that there is here.
    pub(super) fn all() -> Vec<Self> {
        match Self::usual() {
            Self::File if server().is_some() => vec![Self::File, Self::Server],
            usual => vec![usual],
        }
    }
}

/// Where a world keeps what it keeps: its folder, and its database in it or on the server.
pub(super) struct Home {
    server: Option<OnServer>,
    folder: TempDir,
}

impl Home {
    pub(super) fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = match kind {
            Kind::File => None,
            Kind::Server => {
                // For a server nobody makes a key.
                let key = RootKey::generate(&Entropy::system());
                let file = folder.path().join(ROOT_KEY_FILE);
                std::fs::write(file, key.to_hex().as_bytes()).expect("a key");
                Some(OnServer::create())
            }
        };
        Self { server, folder }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How Doorward gets at the database.
    pub(super) fn settings(&self) -> Database {
        Database {
            url: self.server.as_ref().map(|server| server.url.clone()),
            // A machine that runs many tests at once is slow, and no test is about that.
            wait: crate::Span::seconds(10),
            connections: 64,
            ..Database::default()
        }
    }

    pub(super) fn file(&self) -> PathBuf {
        assert!(
            self.server.is_none(),
            "the database is no file: a test that needs one belongs into a module `sqlite_files`"
        );
        self.folder().join(DATABASE_FILE)
    }

    pub(super) fn rows(&self, sql: &str) -> Vec<Vec<Cell>> {
        match &self.server {
            None => rows_of_file(&self.file(), sql),
            Some(server) => server.rows(sql),
        }
    }

    pub(super) fn change(&self, sql: &str) -> u64 {
        match &self.server {
            None => {
                let file = Connection::open(self.file()).expect("a database that opens");
                let changed = file.execute(sql, []).expect("a statement that runs");
                changed as u64
            }
            Some(server) => server.change(sql),
        }
    }

    pub(super) fn tables(&self) -> Vec<String> {
        let sql = match &self.server {
            None => "select name from sqlite_schema where type = 'table' order by name",
            Some(_) => {
                "select tablename::text from pg_tables where schemaname = 'public' order by tablename"
            }
        };
        let names = self.rows(sql).into_iter().flatten();
        names.filter_map(String::of).collect()
    }

    /// All that the database holds: the bytes of its files, or of every cell.
    pub(super) fn bytes(&self) -> Vec<u8> {
        if self.server.is_none() {
            let files = std::fs::read_dir(self.folder()).expect("a folder");
            return files
                .map(|file| file.expect("a file"))
                .filter(|file| {
                    file.file_name()
                        .to_string_lossy()
                        .starts_with(DATABASE_FILE)
                })
                .flat_map(|file| std::fs::read(file.path()).expect("bytes"))
                .collect();
        }
        let tables = self.tables().into_iter();
        let cells = tables.flat_map(|table| self.rows(&format!("select * from {table}")));
        cells
            .flatten()
            .flat_map(|cell| match cell {
                Cell::Text(text) => text.into_bytes(),
                Cell::Blob(bytes) => bytes,
                Cell::Null | Cell::Integer(_) => Vec::new(),
            })
            .collect()
    }
}

fn rows_of_file(file: &Path, sql: &str) -> Vec<Vec<Cell>> {
    use rusqlite::types::Value;
    let file = Connection::open(file).expect("a database that opens");
    let mut statement = file.prepare(sql).expect("a query");
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns)
            .map(|column| {
                Ok(match row.get(column)? {
                    Value::Null => Cell::Null,
                    Value::Integer(value) => Cell::Integer(value),
                    Value::Real(value) => panic!("{value} is no number of ours"),
                    Value::Text(text) => Cell::Text(text),
                    Value::Blob(bytes) => Cell::Blob(bytes),
                })
            })
            .collect()
    });
    rows.and_then(Iterator::collect).expect("rows")
}

/// What a database holds at first.
#[derive(Clone, Copy)]
enum Start {
    #[cfg(test)]
    Nothing,
    Schema,
}

/// A database on the server, until it is dropped.
pub(crate) struct OnServer {
    name: String,
    pub(crate) url: String,
}

impl OnServer {
    /// Makes a database from a template that has the schema already.
    ///
    /// # Panics
    /// Where there is no server.
    pub(crate) fn create() -> Self {
        Self::made_from(Start::Schema)
    }

    /// Makes a database with nothing in it.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Self::made_from(Start::Nothing)
    }

    fn made_from(start: Start) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let server = server().expect("DOORWARD_TEST_POSTGRES, which names the server");
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("doorward_test_{}_{number}", std::process::id());
        let url = at(&server, &name);
        on_a_thread(async || {
            let client = connect(&server).await;
            let template = match start {
                #[cfg(test)]
                Start::Nothing => "template0".to_owned(),
                Start::Schema => template(&client, &server).await,
            };
            script(
                &client,
                &format!("drop database if exists {name} with (force)"),
            )
            .await;
            // Files are copied faster than pages are logged.
            let create = format!("create database {name} template {template} strategy file_copy");
            script(&client, &create).await;
        });
        Self { name, url }
    }

    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<Cell>> {
        on_a_thread(async || {
            let client = connect(&self.url).await;
            let rows = client.query(&in_its_words(sql), &[]).await;
            let rows = rows.unwrap_or_else(|error| panic!("{error:?} in {sql}"));
            let cells =
                |row: &tokio_postgres::Row| (0..row.len()).map(|at| cell(row, at)).collect();
            rows.iter().map(cells).collect()
        })
    }

    pub(crate) fn change(&self, sql: &str) -> u64 {
        on_a_thread(async || {
            let client = connect(&self.url).await;
            let changed = client.execute(&in_its_words(sql), &[]).await;
            changed.unwrap_or_else(|error| panic!("{error:?} in {sql}"))
        })
    }
}

impl Drop for OnServer {
    fn drop(&mut self) {
        let Some(server) = server() else { return };
        let drop = format!("drop database if exists {} with (force)", self.name);
        on_a_thread(async || script(&connect(&server).await, &drop).await);
    }
}

/// The template with today's schema, made by the first who needs it.
async fn template(client: &Client, server: &str) -> String {
    let mut hasher = DefaultHasher::new();
    crate::store::postgres_schema().hash(&mut hasher);
    let name = format!("doorward_template_{:016x}", hasher.finish());
    let is_made = format!("select 1 from pg_database where datname = '{name}' and datistemplate");
    let is_made = async || {
        let found = client.query(&is_made, &[]).await.expect("a look");
        !found.is_empty()
    };
    if is_made().await {
        return name;
    }
    script(client, "select pg_advisory_lock(870000)").await;
    if !is_made().await {
        script(
            client,
            &format!("drop database if exists {name} with (force)"),
        )
        .await;
        script(client, &format!("create database {name} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'")).await;
        let settings = Database::default();
        let (clock, entropy) = (Clock::system(), Entropy::system());
        Db::open_postgres(&at(server, &name), &settings, clock, entropy)
            .await
            .expect("a schema");
        script(client, &format!("alter database {name} is_template true")).await;
    }
    script(client, "select pg_advisory_unlock(870000)").await;
    name
}

pub(super) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .unwrap_or_else(|error| panic!("{error:?}"));
    tokio::spawn(connection);
    client
}

pub(super) async fn script(client: &Client, sql: &str) {
    let done = client.batch_execute(sql).await;
    done.unwrap_or_else(|error| panic!("{error:?} in {sql}"));
}

/// The connection string of another database on the same server.
fn at(server: &str, database: &str) -> String {
    let joint = match server.starts_with("postgres") {
        false => ' ',
        true if server.contains('?') => '&',
        true => '?',
    };
    format!("{server}{joint}dbname={database}")
}

/// Bytes are written `x'00'` in tests, after a blank or a bracket.
fn in_its_words(sql: &str) -> String {
    sql.replace(" x'", r" '\x").replace("(x'", r"('\x")
}

fn cell(row: &tokio_postgres::Row, column: usize) -> Cell {
    let integer = |value: Option<i64>| value.map_or(Cell::Null, Cell::Integer);
    match *row.columns()[column].type_() {
        Type::INT8 => integer(row.get(column)),
        Type::INT4 => integer(row.get::<_, Option<i32>>(column).map(i64::from)),
        Type::BOOL => integer(row.get::<_, Option<bool>>(column).map(i64::from)),
        Type::BYTEA => row
            .get::<_, Option<_>>(column)
            .map_or(Cell::Null, Cell::Blob),
        _ => row
            .get::<_, Option<_>>(column)
            .map_or(Cell::Null, Cell::Text),
    }
}

/// Tests look into the database between two requests, without waiting for anything of Doorward's.
fn on_a_thread<T: Send>(work: impl AsyncFnOnce() -> T + Send) -> T {
    let run = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().expect("a runtime");
        runtime.block_on(work())
    };
    let ran = thread::scope(|scope| scope.spawn(run).join());
    ran.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

pub(crate) fn server() -> Option<String> {
    variable("DOORWARD_TEST_POSTGRES")
}

#[expect(
    clippy::disallowed_methods,
    reason = "where tests run is the business of who runs them"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
