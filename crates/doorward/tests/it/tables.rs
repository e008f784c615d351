//! What the tables hold, read beside the server.

use std::collections::BTreeMap;

use doorward::testing::World;
use rusqlite::{Connection, OpenFlags, types::Value};

/// Every row of every table, by the name of the table.
pub(crate) type Tables = BTreeMap<String, Vec<Vec<Value>>>;

/// Opens the world's database for reading.
pub(crate) fn connection(world: &World) -> Connection {
    Connection::open_with_flags(world.database(), OpenFlags::SQLITE_OPEN_READ_ONLY)
        .expect("a database that opens")
}

/// All that the database holds, but who was seen when.
pub(crate) fn dump(world: &World) -> Tables {
    let connection = connection(world);
    let names: Vec<String> = connection
        .prepare("select name from sqlite_schema where type = 'table' and name <> 'session_activity' order by name")
        .and_then(|mut tables| tables.query_map([], |row| row.get(0))?.collect())
        .expect("the names of the tables");
    names
        .into_iter()
        .map(|name| {
            let rows = rows(&connection, &format!("select * from \"{name}\" order by 1"));
            (name, rows)
        })
        .collect()
}

/// The rows that a query answers.
pub(crate) fn rows(connection: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = connection.prepare(sql).expect("a query");
    let columns = statement.column_count();
    statement
        .query_map([], |row| {
            (0..columns).map(|column| row.get(column)).collect()
        })
        .and_then(Iterator::collect)
        .expect("rows")
}

/// The one number that a query answers.
pub(crate) fn number(world: &World, sql: &str) -> i64 {
    connection(world)
        .query_row(sql, [], |row| row.get(0))
        .expect("a number")
}

/// The dump with everything random masked by its size, and the rows in an order that does not depend on it: equal for
/// two worlds in which the same things happened.
pub(crate) fn outline(world: &World) -> BTreeMap<String, Vec<String>> {
    let random = |text: &str| text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Each world has a root key of its own.
    let own_key = Value::Text("root_key_mark".to_owned());
    let mask = |value: &Value| match value {
        Value::Blob(bytes) => format!("{} bytes", bytes.len()),
        Value::Text(text) if random(text) => "a request".to_owned(),
        other => format!("{other:?}"),
    };
    dump(world)
        .into_iter()
        .map(|(name, rows)| {
            let mut rows: Vec<String> = rows
                .iter()
                .filter(|row| !row.contains(&own_key))
                .map(|row| row.iter().map(mask).collect::<Vec<_>>().join(", "))
                .collect();
            rows.sort_unstable();
            (name, rows)
        })
        .collect()
}
