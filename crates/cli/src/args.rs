//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::{Args as Arguments, Parser, Subcommand};
use doorward::{Timestamp, users::Status};

/// Doorward: passwordless sign-in, as a server of its own.
///
/// Without a command, serves. Commands work on the configured database: all but `restore` also while the server runs; `backup` and
/// `restore` on SQLite only.
#[derive(Debug, Parser)]
#[command(
    name = "doorward",
    version,
    after_help = "Ends with 0 when done, 1 when refused or failed, 2 when asked wrongly."
)]
pub(crate) struct Args {
    /// Read the configuration from this file [default: doorward.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Answer in JSON
    #[arg(long, global = true)]
    pub json: bool,

    /// What to do; `serve` where nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    Serve,
    /// See, invite, disable, enable and erase users; see and end their sessions
    #[command(subcommand)]
    User(User),
    /// See, make, remove, grant and revoke roles
    #[command(subcommand)]
    Role(Role),
    /// See, make and remove permissions
    #[command(subcommand)]
    Permission(Permission),
    /// Make someone an administrator, or no longer
    #[command(subcommand)]
    Admin(Admin),
    /// Show the audit log, newest first
    Events(Events),
    /// Write a consistent copy of the database into a new file
    Backup {
        /// The file to make
        file: PathBuf,
    },
    /// Put a backup in the place of the database, and end every session and code
    Restore {
        /// The backup
        file: PathBuf,
    },
    /// Bring the database's schema up to date, making the database where there is none
    Migrate {
        /// Change nothing; end with 1 where a migration is due
        #[arg(long)]
        check: bool,
    },
    /// Look for what is wrong, and say what to do
    Doctor,
    /// Print the configuration in effect, without secrets
    Config {
        /// Print every key with its explanation and default
        #[arg(long)]
        defaults: bool,
    },
    /// Print the description of the API (OpenAPI 3.1)
    Openapi,
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// List users, newest first
    List(Users),
    /// Show one user
    Show(Who),
    /// Invite someone by mail
    Invite(Invite),
    /// End all sessions of a user and let them open no others
    Disable(Who),
    /// Let a disabled user sign in again
    Enable(Who),
    /// Erase a user and all that is theirs
    Delete(Who),
    /// List a user's sessions, newest first
    Sessions(Who),
    /// End all sessions of a user
    SignOut(Who),
}

#[derive(Debug, Arguments)]
pub(crate) struct Users {
    /// Only those whose address begins so
    #[arg(long, value_name = "TEXT")]
    pub query: Option<String>,
    /// Only those with this role
    #[arg(long)]
    pub role: Option<String>,
    /// Only those who are `active` or `disabled`
    #[arg(long, value_parser = status)]
    pub status: Option<Status>,
}

#[derive(Debug, Arguments)]
pub(crate) struct Who {
    /// The user: an address or an id
    #[arg(value_name = "USER")]
    pub user: String,
}

#[derive(Debug, Arguments)]
pub(crate) struct Invite {
    /// The address to invite
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// A role to give; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// Their first name
    #[arg(long, value_name = "NAME")]
    pub first_name: Option<String>,
    /// Their last name
    #[arg(long, value_name = "NAME")]
    pub last_name: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// List roles with their permissions
    List,
    /// Make a role
    Create(NewRole),
    /// Remove a role, also from everyone who has it
    Delete {
        /// Its name
        role: String,
    },
    /// Give a user a role
    Grant(Grant),
    /// Take a role from a user
    Revoke(Grant),
}

#[derive(Debug, Arguments)]
pub(crate) struct NewRole {
    /// Its name: lower-case letters, digits, `-` and `_`
    pub role: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// A permission to hold; may be repeated
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub permissions: Vec<String>,
    /// Give it to every new account
    #[arg(long)]
    pub default: bool,
}

#[derive(Debug, Arguments)]
pub(crate) struct Grant {
    /// The role
    pub role: String,
    #[command(flatten)]
    pub who: Who,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Permission {
    /// List permissions
    List,
    /// Make a permission that roles can hold
    Create {
        /// Its name: `resource:action`
        permission: String,
        /// What it allows
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Remove a permission, also from every role that holds it
    Delete {
        /// Its name
        permission: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// Make a user an administrator
    Grant(Who),
    /// Make an administrator an ordinary user
    Revoke(Who),
}

#[derive(Debug, Arguments)]
pub(crate) struct Events {
    /// Only what this user did or what happened to them
    #[arg(long)]
    pub user: Option<String>,
    /// Only this kind: `authn_login_success` and the like
    #[arg(long)]
    pub kind: Option<String>,
    /// Only from this moment on: 2026-05-03T10:20:30Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Timestamp>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
}

fn status(text: &str) -> Result<Status, String> {
    serde_json::from_value(text.into()).map_err(|_| "expected `active` or `disabled`".into())
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let moment: Result<jiff::Timestamp, _> = text.parse();
    moment
        .map(|moment| Timestamp::from_millis(moment.as_millisecond()))
        .map_err(|_| "expected a time such as 2026-05-03T10:20:30Z".into())
}
