//! `doorward backup` and `doorward migrate`

use std::path::Path;

use doorward::{DATABASE_FILE, SCHEMA_VERSION, schema_version};
use serde_json::json;

use crate::{
    admin::{self, Desk},
    failure::Failure,
    load::Loaded,
    output::Output,
};

/// Writes a consistent copy of the database into a new file.
pub(crate) async fn back_up(loaded: Loaded, file: &Path, output: Output) -> Result<(), Failure> {
    let key = loaded
        .root_key
        .is_none()
        .then(|| loaded.config.data_dir.join(doorward::ROOT_KEY_FILE));
    let desk = Desk::open(loaded, output).await?;
    desk.doorward.back_up(file)?;
    let bytes = file.metadata().map_or(0, |metadata| metadata.len());
    output.answer(&json!({ "file": file, "bytes": bytes }), || {
        let kept = format!(
            "Wrote {} ({bytes} bytes), which holds all accounts: keep it as safe as the database.",
            file.display()
        );
        match key {
            Some(key) => format!(
                "{kept}\nThe root key is not in it. Keep a copy of {}, and in another place.",
                key.display()
            ),
            None => kept,
        }
    })
}

/// Brings the schema up to date, and makes the database where there is none.
pub(crate) async fn migrate(loaded: Loaded, output: Output) -> Result<(), Failure> {
    let found = schema_version(&loaded.config).await?;
    let name = name(&loaded);
    admin::open(loaded).await?;
    let answer = json!({ "found": found, "schema": SCHEMA_VERSION, "changed": found != Some(SCHEMA_VERSION) });
    output.answer(&answer, || match found {
        None => format!("Made {name} with schema {SCHEMA_VERSION}."),
        Some(SCHEMA_VERSION) => format!("{name} has schema {SCHEMA_VERSION} already."),
        Some(found) => format!("Brought {name} from schema {found} to {SCHEMA_VERSION}."),
    })
}

/// Says whether a migration is due, and changes nothing.
pub(crate) async fn check(loaded: &Loaded, output: Output) -> Result<(), Failure> {
    let name = name(loaded);
    let found = schema_version(&loaded.config).await?;
    let due = found != Some(SCHEMA_VERSION);
    output.answer(
        &json!({ "found": found, "needed": SCHEMA_VERSION, "due": due }),
        || {
            let found = found.map_or_else(
                || "does not exist".to_owned(),
                |found| format!("has schema {found}"),
            );
            format!("{name} {found}; this doorward needs schema {SCHEMA_VERSION}.")
        },
    )?;
    if due { Err(Failure::Told) } else { Ok(()) }
}

/// What the database is called: its file, or that it is on a server, and where the URL is found, which holds a password.
pub(crate) fn name(loaded: &Loaded) -> String {
    match &loaded.database_url_place {
        Some(place) => format!("the PostgreSQL database ({place})"),
        None => loaded
            .config
            .data_dir
            .join(DATABASE_FILE)
            .display()
            .to_string(),
    }
}
