//! A look at a database from outside: nothing is made, brought up to date or written.

use tokio_postgres::Client;

use super::{
    address,
    fault::in_full,
    migrate::{number, version},
};
use crate::{
    config::Database,
    error::{Error, Result},
    store::Inspection,
    time::Timestamp,
};

/// The schema of the database; `None` where nothing has been made in it yet.
pub(in crate::store) async fn schema_version(
    url: &str,
    settings: &Database,
) -> Result<Option<usize>> {
    let client = connect(url, settings).await?;
    version(&client).await.map_err(unreadable)
}

/// Looks at the database; `None` where nothing has been made in it yet.
pub(in crate::store) async fn inspect(
    url: &str,
    settings: &Database,
) -> Result<Option<Inspection>> {
    let client = connect(url, settings).await?;
    contents(&client).await.map_err(unreadable)
}

async fn connect(url: &str, settings: &Database) -> Result<Client> {
    let address = address(url, settings.ca_file.as_deref())?;
    let (client, connection) = address.connect().await?;
    tokio::spawn(connection);
    client
        .batch_execute("set default_transaction_read_only = on; set statement_timeout = '30s'")
        .await
        .map_err(unreadable)?;
    Ok(client)
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn unreadable(error: tokio_postgres::Error) -> Error {
    Error::Unavailable(in_full(&error).into())
}

async fn contents(client: &Client) -> Result<Option<Inspection>, tokio_postgres::Error> {
    let Some(schema) = version(client).await? else {
        return Ok(None);
    };
    let (mut accounts, mut newest_event) = (0, None);
    if schema > 0 {
        accounts = number(client, "select count(*) from users")
            .await?
            .unwrap_or(0);
        newest_event = number(client, "select at from events order by id desc limit 1").await?;
    }
    Ok(Some(Inspection {
        schema,
        damage: None,
        accounts: accounts as u64,
        newest_event: newest_event
            .and_then(|at| i64::try_from(at).ok())
            .map(Timestamp::from_millis),
    }))
}
