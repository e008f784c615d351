//! Very many people at once, for measurements: written past the server into its database, in the order of their numbers.
//!
//! Each has an address, a passkey, sessions and the role of everyone. All that is theirs follows from their number, so
//! that whoever measures need not keep it; one key serves for all passkeys, for verification takes as long with each.

use std::{fmt::Write as _, path::Path};

use rusqlite::{Connection, ToSql, types::ToSqlOutput};

use super::database::{self, Cell, script};
use crate::{
    Entropy, RootKey, Timestamp,
    ids::{IdBytes, SessionId},
    mail::{Address, NORM_VERSION},
    secret::{Keys, sha256},
    sessions::Token,
    store::Db,
    time::{Clock, Span},
};

/// The role of everyone, as the first migration has made it.
const USER_ROLE: IdBytes = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

/// The tables that people are in, with their columns, referenced tables first.
const TABLES: [(&str, &str); 5] = [
    (
        "users",
        "id, status, auth_epoch, webauthn_handle, created_at, updated_at",
    ),
    (
        "user_emails",
        "email_key, user_id, address, norm_version, verified_at",
    ),
    (
        "passkeys",
        "credential_id, user_id, public_key, algorithm, sign_count, aaguid, transports, user_verified, backup_eligible, \
         backed_up, name, created_at",
    ),
    (
        "sessions",
        "id, user_id, token_hash, user_epoch, method, passkey, aal, user_verified, backup_eligible, backed_up, created_at, \
         authenticated_at, expires_at, ip",
    ),
    ("user_roles", "user_id, role_id"),
];

/// How many rows one statement brings to a server.
const AT_ONCE: usize = 500;

/// People who signed up at one moment.
pub struct Population {
    keys: Keys,
    public_key: Vec<u8>,
    since: Timestamp,
    sessions: u8,
}

/// One of them.
pub struct Person {
    /// Their address.
    pub address: Address,
    /// The id of their passkey.
    pub credential_id: [u8; 16],
    /// Their user handle.
    pub user_handle: [u8; 64],
    /// The tokens of their sessions, as clients hold them.
    pub tokens: Vec<String>,
    user: IdBytes,
    sessions: Vec<Token>,
}

impl Population {
    /// People of the server with this root key, all of whose passkeys have this ES256 key, in COSE form.
    pub fn new(root_key: &RootKey, public_key: Vec<u8>, since: Timestamp) -> Self {
        Self {
            keys: Keys::derive(root_key, 0),
            public_key,
            since,
            sessions: 1,
        }
    }

    /// The same people, each of whom has signed in so many times.
    #[must_use]
    pub fn with_sessions(self, sessions: u8) -> Self {
        Self { sessions, ..self }
    }

    /// The person with this number.
    pub fn person(&self, number: u64) -> Person {
        let id = |what: u8| {
            // Ids are in the order of numbers: 256 of one moment, one in each shard.
            let moment = self.since.as_millis() + (number >> 8).cast_signed();
            let mut id = [what; 16];
            id[..6].copy_from_slice(&moment.to_be_bytes()[2..]);
            id[6] = number.to_be_bytes()[7];
            id[8..].copy_from_slice(&number.to_be_bytes());
            id
        };
        let session = |which: u8| {
            let secret = [
                b"a session of a population",
                &number.to_be_bytes()[..],
                &[which],
            ];
            // Those of a person follow each other.
            Token::of(SessionId(id(0x80 + which)), sha256(&secret))
        };
        let sessions: Vec<_> = (0..self.sessions).map(session).collect();
        let mut user_handle = [3; 64];
        user_handle[..8].copy_from_slice(&number.to_be_bytes());
        let mut credential_id = [4; 16];
        credential_id[..8].copy_from_slice(&number.to_be_bytes());
        Person {
            address: Address::parse(&format!("p{number:09}@example.com")).expect("an address"),
            credential_id,
            user_handle,
            tokens: sessions
                .iter()
                .map(|session| session.text(&self.keys.tokens))
                .collect(),
            user: id(1),
            sessions,
        }
    }

    /// Their rows in each of [`TABLES`].
    fn rows(&self, person: &Person) -> [Vec<Vec<Cell>>; 5] {
        let bytes = |bytes: &[u8]| Cell::Blob(bytes.to_vec());
        let text = |text: &str| Cell::Text(text.to_owned());
        let number = Cell::Integer;
        let since = Cell::Integer(self.since.as_millis());
        let end = Cell::Integer((self.since + Span::days(7)).as_millis());
        let user = bytes(&person.user);
        let session = |session: &Token| {
            vec![
                bytes(session.session().as_bytes()),
                user.clone(),
                bytes(&session.hash()),
                number(0),
                number(2),
                bytes(&person.credential_id),
                number(2),
                number(1),
                number(1),
                number(1),
                since.clone(),
                since.clone(),
                end.clone(),
                text("127.0.0.1"),
            ]
        };
        [
            vec![vec![
                user.clone(),
                number(1),
                number(0),
                bytes(&person.user_handle),
                since.clone(),
                since.clone(),
            ]],
            vec![vec![
                bytes(person.address.key()),
                user.clone(),
                text(person.address.as_str()),
                number(NORM_VERSION),
                since.clone(),
            ]],
            vec![vec![
                bytes(&person.credential_id),
                user.clone(),
                bytes(&self.public_key),
                number(-7),
                number(0),
                bytes(&[0; 16]),
                text("internal"),
                number(1),
                number(1),
                number(1),
                text("Passkey"),
                since.clone(),
            ]],
            person.sessions.iter().map(session).collect(),
            vec![vec![user.clone(), bytes(&USER_ROLE)]],
        ]
    }

    /// Writes the first people into a new SQLite file. It takes no care of the disk: a machine that fails meanwhile leaves
    /// nothing of use.
    ///
    /// # Panics
    /// When the file cannot be made or written.
    pub fn write_file(&self, file: &Path, people: u64) {
        Db::open_sqlite(file).expect("a database");
        let connection = Connection::open(file).expect("a database");
        connection
            .execute_batch(
                "pragma journal_mode = off; pragma synchronous = off; pragma locking_mode = exclusive;
                 pragma foreign_keys = off; pragma cache_size = -262144; begin;",
            )
            .expect("a database that takes no care");
        // An index is made from sorted entries far faster than it grows by one after another.
        let indexes = indexes(&connection);
        for (name, _) in &indexes {
            let drop = format!("drop index {name}");
            connection.execute_batch(&drop).expect("an index less");
        }
        let mut inserts = TABLES.map(|(table, columns)| {
            let places = vec!["?"; columns.split(',').count()].join(", ");
            let insert = format!("insert into {table} ({columns}) values ({places})");
            connection.prepare(&insert).expect("a statement")
        });
        for number in 0..people {
            let rows = self.rows(&self.person(number));
            for (insert, rows) in inserts.iter_mut().zip(&rows) {
                for row in rows {
                    insert
                        .execute(rusqlite::params_from_iter(row))
                        .expect("a row");
                }
            }
        }
        drop(inserts);
        for (_, sql) in &indexes {
            connection.execute_batch(sql).expect("an index");
        }
        connection
            .execute_batch("commit; analyze; pragma journal_mode = wal;")
            .expect("a database that takes care");
        drop(connection);
        // Or the first commit that is measured waits for all of it.
        let written = std::fs::File::open(file).and_then(|file| file.sync_all());
        written.expect("a file on the disk");
    }

    /// Writes the first people into an empty database on a PostgreSQL server.
    ///
    /// # Panics
    /// When it cannot be reached or written.
    pub async fn write_server(&self, url: &str, people: u64) {
        let (clock, entropy) = (Clock::system(), Entropy::system());
        Db::open_postgres(url, &crate::config::Database::default(), clock, entropy)
            .await
            .expect("a schema");
        let client = database::connect(url).await;
        for first in (0..people).step_by(AT_ONCE) {
            for (table, (name, columns)) in TABLES.iter().enumerate() {
                let numbers = first..people.min(first + AT_ONCE as u64);
                let rows = |number| self.rows(&self.person(number)).into_iter().nth(table);
                let rows = numbers.filter_map(rows).flatten();
                let rows: Vec<_> = rows.map(|row| literals(&row)).collect();
                let insert = format!("insert into {name} ({columns}) values {}", rows.join(", "));
                script(&client, &insert).await;
            }
        }
        script(&client, "analyze").await;
    }
}

/// The indexes that are not made by constraints: their names, and how they are made.
fn indexes(connection: &Connection) -> Vec<(String, String)> {
    let mut found = connection
        .prepare("select name, sql from sqlite_schema where type = 'index' and sql is not null")
        .expect("a query");
    let rows = found.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.and_then(Iterator::collect).expect("indexes")
}

/// A row as PostgreSQL reads it. Nothing in it has a quote.
fn literals(row: &[Cell]) -> String {
    let mut text = String::from("(");
    for (index, cell) in row.iter().enumerate() {
        text.push_str(if index == 0 { "" } else { ", " });
        let written = match cell {
            Cell::Null => write!(text, "null"),
            Cell::Integer(number) => write!(text, "{number}"),
            Cell::Text(of) => write!(text, "'{of}'"),
            Cell::Blob(bytes) => {
                let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
                    let _ = write!(hex, "{byte:02x}");
                    hex
                });
                write!(text, r"'\x{hex}'")
            }
        };
        // A string takes whatever is written to it.
        let _ = written;
    }
    text + ")"
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::from(rusqlite::types::Null),
            Self::Integer(number) => ToSqlOutput::from(*number),
            Self::Text(text) => ToSqlOutput::from(text.as_str()),
            Self::Blob(bytes) => ToSqlOutput::from(bytes.as_slice()),
        })
    }
}
