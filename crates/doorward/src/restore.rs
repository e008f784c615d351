//! Putting a backup in the place of the database.
//!
//! A backup knows what was true when it was made, and not what was revoked since. So nothing in it that opens a door
//! works again by itself: sessions, codes, challenges and unsent mail end with the epoch that the restore begins.
//! What does come back, accounts, passkeys and roles, is named, for someone to decide upon.

use std::{fmt, fs, path::Path, path::PathBuf};

use serde::Serialize;

use crate::{
    DATABASE_FILE, ROOT_KEY_FILE,
    config::Config,
    error::{Error, Result},
    ids::{self, EventId},
    secret::{Entropy, RootKey},
    store::Draft,
    time::Clock,
};

/// What a restore has done.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// The epoch that it began: what was made in an earlier one is worth nothing.
    pub epoch: i64,
    /// How many sessions of the backup it ended; those since had no place in it.
    pub sessions_ended: u64,
    /// Where the database before is kept, if there was one.
    pub kept: Option<PathBuf>,
    /// How the two differ; `None` where there was no database before, or it could not be read.
    pub differences: Option<Differences>,
    /// Whether a root key was made because there was none.
    pub made_root_key: bool,
}

/// How the restored database differs from the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// What had been removed and is back.
    pub back: Vec<Right>,
    /// What had been added and is gone.
    pub gone: Vec<Right>,
}

/// Something that lets someone in, or lets them do something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Right {
    /// An account.
    Account {
        /// Its address.
        address: String,
        /// Its id.
        id: String,
        /// Whether it is disabled.
        disabled: bool,
    },
    /// A passkey.
    Passkey {
        /// The address of its account.
        address: String,
        /// Its name.
        name: String,
        /// Its credential id, base64url.
        id: String,
    },
    /// A role that someone has.
    Role {
        /// The address of their account.
        address: String,
        /// The role.
        role: String,
    },
    /// A permission that a role holds.
    Permission {
        /// The role.
        role: String,
        /// The permission.
        permission: String,
    },
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account {
                address,
                disabled: false,
                ..
            } => write!(f, "account {address}"),
            Self::Account {
                address,
                disabled: true,
                ..
            } => write!(f, "disabled account {address}"),
            Self::Passkey { address, name, .. } => write!(f, "passkey \"{name}\" of {address}"),
            Self::Role { address, role } => write!(f, "role {role} of {address}"),
            Self::Permission { role, permission } => {
                write!(f, "permission {permission} of role {role}")
            }
        }
    }
}

/// Puts a backup in the place of the database, which must not be in use.
///
/// The database before is kept beside it. Where there is neither a root key in the data folder nor one given here, one
/// is made: nothing that the old one protected outlives a restore.
///
/// # Errors
/// [`Error::Unavailable`] when the backup is not a sound database of Doorward, or a file
/// cannot be written; the database before is in its place then.
pub fn restore(config: &Config, backup: &Path, root_key: Option<&RootKey>) -> Result<Restored> {
    if config.database.url.is_some() {
        return Err(Error::Unavailable(
            "the database is on a PostgreSQL server: restore it with pg_restore or pgBackRest"
                .into(),
        ));
    }
    let folder = &config.data_dir;
    crate::make_folder(folder).map_err(|error| crate::unusable(folder, &error))?;
    let draft = folder.join(format!("{DATABASE_FILE}.restoring"));
    replace(folder, backup, &draft, root_key).inspect_err(|_| {
        // A draft that nobody will use holds everyone's address all the same.
        let _ = fs::remove_file(&draft);
    })
}

fn replace(
    folder: &Path,
    backup: &Path,
    draft: &Path,
    root_key: Option<&RootKey>,
) -> Result<Restored> {
    let (now, entropy) = (Clock::system().now(), Entropy::system());
    let event = EventId(ids::fresh(&entropy, now, entropy.bytes::<1>()[0]));
    let database = folder.join(DATABASE_FILE);
    let stamp: String = now
        .to_string()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let aside = folder.join(format!("{DATABASE_FILE}.before-restore-{stamp}"));

    let safe = Draft::of(backup, draft.to_owned())?.make_safe(&database, &event, now)?;
    let made_root_key = root_key.is_none() && make_root_key(folder, &entropy)?;
    let kept = database.exists().then_some(aside);
    safe.take_the_place_of(&database, kept.as_deref().unwrap_or(&database))?;
    Ok(Restored {
        epoch: safe.epoch,
        sessions_ended: safe.sessions_ended,
        kept,
        differences: safe.differences,
        made_root_key,
    })
}

/// Makes a root key where there is none; whether it did.
fn make_root_key(folder: &Path, entropy: &Entropy) -> Result<bool> {
    let file = folder.join(ROOT_KEY_FILE);
    if fs::exists(&file).map_err(|error| crate::unusable(&file, &error))? {
        return Ok(false);
    }
    let key = RootKey::generate(entropy);
    crate::write_new(&file, key.to_hex().as_bytes())
        .map_err(|error| crate::unusable(&file, &error))?;
    Ok(true)
}
