//! The schema, step by step: by one server at a time, in one transaction.

use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::{address::Address, fault::in_full};
use crate::{
    error::{Error, Result},
    store::{SCHEMA_VERSION, migrate::too_new},
};

/// As many steps as on SQLite, each beside its twin.
pub(super) const STEPS: [&str; SCHEMA_VERSION] = [
    include_str!("../../../migrations/postgres/0001_initial.sql"),
    include_str!("../../../migrations/postgres/0002_passkey_offers.sql"),
    include_str!("../../../migrations/postgres/0003_passkey_makers.sql"),
    include_str!("../../../migrations/postgres/0004_invalidations.sql"),
    include_str!("../../../migrations/postgres/0005_fewer_indexes.sql"),
    include_str!("../../../migrations/postgres/0006_keys_in_order.sql"),
];

// A step may take long; waiting for a lock, in front of which everyone else would queue, may not.
const SETTINGS: &str = "
    set client_min_messages = warning;
    set default_transaction_read_only = off;
    set statement_timeout = 0;
    set idle_in_transaction_session_timeout = '60s';
    set lock_timeout = '3s'";

const MAKE_ROOM: &str = "
    create table if not exists schema_version (id integer primary key, version bigint not null);
    insert into schema_version (id, version) values (1, 0) on conflict (id) do nothing";

// The row is the lock: another server that migrates is waited for.
const LOCK: &str = "update schema_version set version = version where id = 1 returning version";

/// How often, and how far apart, a lock is asked for that others hold.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(200);

/// Brings the schema up to date.
pub(super) async fn migrate(address: &Address) -> Result<()> {
    let mut last = None;
    for _ in 0..TRIES {
        match try_to_migrate(address, &STEPS).await {
            Ok(result) => return result,
            Err(error) if is_passing(&error) => {
                tracing::info!("another server holds the schema; it is asked for again");
                last = Some(error);
            }
            Err(error) => return Err(unavailable(&error)),
        }
        sleep(PAUSE).await;
    }
    Err(last.as_ref().map_or_else(
        || Error::Unavailable("the schema is held".into()),
        unavailable,
    ))
}

pub(super) async fn try_to_migrate(
    address: &Address,
    steps: &[&str],
) -> Result<Result<()>, tokio_postgres::Error> {
    let (client, connection) = match address.connect().await {
        Ok(connected) => connected,
        Err(fault) => return Ok(Err(fault.into())),
    };
    let listening = tokio::spawn(connection);
    client.batch_execute(SETTINGS).await?;
    if version(&client).await?.is_none() {
        client.batch_execute(MAKE_ROOM).await?;
    }
    let result = apply(&client, steps).await?;
    drop(client);
    // Until the server has taken leave, it counts us as there.
    let _ = listening.await;
    Ok(result)
}

async fn apply(client: &Client, steps: &[&str]) -> Result<Result<()>, tokio_postgres::Error> {
    let known = steps.len();
    let found = version(client).await?.unwrap_or(0);
    if found > known {
        return Ok(Err(too_new(found, known)));
    }
    if found == known {
        return Ok(Ok(()));
    }
    client.batch_execute("begin").await?;
    // Another server may have migrated while this one waited for the lock, and that may be a newer one.
    let found = number(client, LOCK).await?.unwrap_or(0);
    if found > known {
        client.batch_execute("rollback").await?;
        return Ok(Err(too_new(found, known)));
    }
    for step in steps.iter().skip(found) {
        client.batch_execute(step).await?;
    }
    if found < known {
        let set = format!("update schema_version set version = {known} where id = 1");
        client.batch_execute(&set).await?;
    }
    client.batch_execute("commit").await?;
    Ok(Ok(()))
}

/// The schema that a database has; `None` where nothing has been made yet.
pub(super) async fn version(client: &Client) -> Result<Option<usize>, tokio_postgres::Error> {
    const IS_THERE: &str =
        "select count(*) from pg_catalog.pg_class where oid = to_regclass('schema_version')";
    if number(client, IS_THERE).await? == Some(0) {
        return Ok(None);
    }
    number(client, "select version from schema_version where id = 1").await
}

/// The one number that a query answers.
pub(super) async fn number(
    client: &Client,
    sql: &str,
) -> Result<Option<usize>, tokio_postgres::Error> {
    let messages = client.simple_query(sql).await?;
    Ok(messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    }))
}

/// Whether another server was in the way: a lock, a deadlock, the same table made at the same moment.
fn is_passing(error: &tokio_postgres::Error) -> bool {
    let code = error.code().map(tokio_postgres::error::SqlState::code);
    matches!(
        code,
        Some("55P03" | "40001" | "40P01" | "23505" | "42P07" | "42710" | "XX000")
    )
}

fn unavailable(error: &tokio_postgres::Error) -> Error {
    Error::Unavailable(in_full(error).into())
}
