//! What the tables hold, read beside the server.

use std::collections::BTreeMap;

use doorward::testing::{Cell, World};

/// Every row of every table, by the name of the table.
pub(crate) type Tables = BTreeMap<String, Vec<Vec<Cell>>>;

/// All that the database holds, but who was seen when, what servers tell each other, and what a driver keeps for itself.
pub(crate) fn dump(world: &World) -> Tables {
    let kept = |name: &String| {
        ![
            "session_activity",
            "node_leases",
            "invalidation_heads",
            "invalidations",
            "attempts",
            "schema_version",
        ]
        .contains(&name.as_str())
    };
    let names = world.tables().into_iter().filter(kept);
    names
        .map(|name| {
            let rows = world.rows(&format!("select * from {name} order by 1"));
            (name, rows)
        })
        .collect()
}

/// The one number that a query answers.
pub(crate) fn number(world: &World, sql: &str) -> i64 {
    world.value(sql)
}

/// The dump with everything random masked by its size, and the rows in an order that does not depend on it: equal for
/// two worlds in which the same things happened.
pub(crate) fn outline(world: &World) -> BTreeMap<String, Vec<String>> {
    let random = |text: &str| text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Each world has a root key of its own.
    let own_key = Cell::Text("root_key_mark".to_owned());
    let mask = |cell: &Cell| match cell {
        Cell::Blob(bytes) => format!("{} bytes", bytes.len()),
        Cell::Text(text) if random(text) => "a request".to_owned(),
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
