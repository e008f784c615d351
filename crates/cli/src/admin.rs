//! Administration from the command line: on the configured database, also while the server runs.

pub(crate) mod events;
pub(crate) mod permissions;
pub(crate) mod roles;
pub(crate) mod users;

use doorward::{
    Client, DATABASE_FILE, Doorward, UserId, mail::Address, schema_version, users::Account,
};
use serde_json::json;

use crate::{database, failure::Failure, load::Loaded, output::Output};

/// Where administrative work is done.
pub(crate) struct Desk {
    pub doorward: Doorward,
    /// Who does it, as the audit log has it.
    pub client: Client,
    pub output: Output,
}

impl Desk {
    /// Opens a database that exists.
    ///
    /// # Errors
    /// [`Failure::Refused`] where there is none: in the wrong folder, the work would be done on an empty one.
    pub(crate) async fn open(loaded: Loaded, output: Output) -> Result<Self, Failure> {
        let (exists, key) = match loaded.config.database.url {
            Some(_) => (
                schema_version(&loaded.config).await?.is_some(),
                "database.url",
            ),
            None => (
                loaded.config.data_dir.join(DATABASE_FILE).exists(),
                "data_dir",
            ),
        };
        if !exists {
            let message = format!(
                "there is no database at {}: name its place in {key}, or make one with `doorward serve` or `doorward migrate`",
                database::name(&loaded)
            );
            return Err(Failure::refused("no_database", message));
        }
        Ok(Self {
            doorward: open(loaded).await?,
            client: Client::command_line(),
            output,
        })
    }

    /// The account of an address or an id.
    ///
    /// # Errors
    /// [`Failure::Refused`] where there is no such account.
    pub(crate) async fn account(&self, who: &str) -> Result<Account, Failure> {
        let found = if who.contains('@') {
            doorward::users::find_by_address(&self.doorward, &address(who)?).await?
        } else {
            let id: UserId = who.parse().map_err(|_| {
                Failure::refused(
                    "invalid_request",
                    format!("`{who}` is neither an address nor an id"),
                )
            })?;
            doorward::users::find(&self.doorward, &id).await?
        };
        found.ok_or_else(|| Failure::refused("not_found", format!("there is no account of {who}")))
    }

    /// Says what became of an account: `done` where something is other than before, else `was_so`.
    fn report(
        &self,
        account: &Account,
        changed: bool,
        done: &str,
        was_so: &str,
    ) -> Result<(), Failure> {
        let user = &account.user;
        let answer = json!({ "id": user.id, "email": user.email, "changed": changed });
        self.output.answer(&answer, || {
            format!("{} {}.", user.email, if changed { done } else { was_so })
        })
    }
}

/// Opens Doorward beside a server that may run.
pub(crate) async fn open(loaded: Loaded) -> Result<Doorward, Failure> {
    let mut builder = Doorward::builder(loaded.config).beside_a_server();
    if let Some(key) = loaded.root_key {
        builder = builder.root_key(key);
    }
    Ok(builder.open().await?)
}

fn address(text: &str) -> Result<Address, Failure> {
    Address::parse(text).map_err(|_| {
        Failure::refused(
            "invalid_request",
            format!("`{text}` is not an email address"),
        )
    })
}

/// A text that may be missing, for a table.
fn or_dash(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}
