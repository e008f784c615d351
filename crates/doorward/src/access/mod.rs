//! Roles and permissions.
//!
//! A permission is a name, a role is a named set of them, and a user may do what the user's roles permit: nothing
//! else grants anything. Every change is seen by live sessions before it is acknowledged, and none of them
//! leaves Doorward without an administrator.

pub(crate) mod http;
mod roles;
mod store;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use self::roles::{
    NewRole, Permission, Role, RoleChange, change_role, create_permission, create_role,
    delete_permission, delete_role, permissions, roles, set_role_permissions,
};
use crate::{
    Doorward,
    audit::{self, Event, Kind},
    error::{Error, Result},
    forget,
    http::Client,
    ids::{RoleId, UserId},
    store::{Executor, Tx},
    time::Timestamp,
};

/// See users.
pub const USERS_READ: &str = "users:read";
/// Change and disable users.
pub const USERS_WRITE: &str = "users:write";
/// Erase users.
pub const USERS_DELETE: &str = "users:delete";
/// Invite users.
pub const USERS_INVITE: &str = "users:invite";
/// See roles and permissions.
pub const ROLES_READ: &str = "roles:read";
/// Create, change, remove and grant roles and permissions.
pub const ROLES_WRITE: &str = "roles:write";
/// See other people's sessions.
pub const SESSIONS_READ: &str = "sessions:read";
/// End other people's sessions and passkeys.
pub const SESSIONS_REVOKE: &str = "sessions:revoke";
/// Read the audit log.
pub const EVENTS_READ: &str = "events:read";
/// See the effective configuration.
pub const SETTINGS_READ: &str = "settings:read";

/// The permissions that Doorward itself checks. They exist in every database and cannot be removed.
pub const BUILT_IN: [&str; 10] = [
    USERS_READ,
    USERS_WRITE,
    USERS_DELETE,
    USERS_INVITE,
    ROLES_READ,
    ROLES_WRITE,
    SESSIONS_READ,
    SESSIONS_REVOKE,
    EVENTS_READ,
    SETTINGS_READ,
];

/// The role that may do everything. Who has it, is active and has proved an address is an administrator.
pub const ADMIN: &str = "admin";

/// What someone may do: their roles and what these permit, sorted, nothing twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
pub struct Access {
    /// Names of permissions: `library:read`, `library:*`, `*`.
    permissions: Vec<String>,
    /// Names of roles.
    roles: Vec<String>,
}

impl Access {
    pub(crate) fn new(mut roles: Vec<String>, mut permissions: Vec<String>) -> Self {
        for names in [&mut roles, &mut permissions] {
            names.sort_unstable();
            names.dedup();
        }
        Self { permissions, roles }
    }

    /// The same, of permissions by their keys.
    pub(crate) fn of_keys(roles: Vec<String>, permissions: Vec<Vec<u8>>) -> Result<Self> {
        let permissions = permissions.into_iter().map(String::from_utf8);
        let permissions = permissions.collect::<Result<_, _>>();
        let permissions = permissions.map_err(|error| Error::Internal(error.into()))?;
        Ok(Self::new(roles, permissions))
    }

    /// The names of the permissions, wildcards as they are.
    #[must_use]
    pub fn permissions(&self) -> &[String] {
        &self.permissions
    }

    /// The names of the roles.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Whether the permission `resource:action` is held: itself, by `resource:*`, or by `*`.
    #[must_use]
    pub fn allows(&self, permission: &str) -> bool {
        self.permissions
            .iter()
            .any(|held| permits(held, permission))
    }

    /// Whether anything is held that administers Doorward itself.
    #[must_use]
    pub fn is_administrative(&self) -> bool {
        self.permissions.iter().any(|held| is_administrative(held))
    }
}

fn permits(held: &str, wanted: &str) -> bool {
    held == "*"
        || held == wanted
        || held
            .strip_suffix('*')
            .and_then(|resource| wanted.strip_prefix(resource))
            .is_some_and(|action| !action.is_empty())
}

fn is_administrative(held: &str) -> bool {
    BUILT_IN.iter().any(|permission| permits(held, permission))
}

/// What the user may do now.
pub(crate) async fn of_user(db: &mut impl Executor, user: &UserId) -> Result<Access> {
    let (roles, permissions): (Vec<_>, Vec<_>) =
        store::held_by(db, user).await?.into_iter().unzip();
    Ok(Access::new(
        roles,
        permissions.into_iter().flatten().collect(),
    ))
}

/// What the user may do; nothing where there is no such user.
///
/// # Errors
/// [`Error::Unavailable`] when the database cannot be read.
pub async fn held_by(doorward: &Doorward, user: &UserId) -> Result<Access> {
    of_user(&mut &doorward.db, user).await
}

/// Gives a user a role; whether it is new to them.
///
/// # Errors
/// [`Error::NotFound`] without such a user, [`Error::InvalidField`] without such a role.
pub async fn grant(
    doorward: &Doorward,
    user: &UserId,
    role: &str,
    by: Option<UserId>,
    client: &Client,
) -> Result<bool> {
    let now = doorward.clock.now();
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            let role = lock_role(tx, role).await?;
            if !store::give(tx, user, &role.id).await? {
                return known_user(tx, user).await.map(|()| false);
            }
            let event = Event {
                actor: by,
                ..Event::to(Kind::RoleGranted, Some(*user))
            };
            audit::record(tx, doorward, client, event.detail(&role.name), now).await?;
            forget::user(doorward, tx, user).await?;
            Ok(true)
        })
        .await
}

/// Takes a role from a user; whether they had it.
///
/// # Errors
/// [`Error::LastAdmin`] when nobody else would be an administrator; [`Error::NotFound`] without such a user,
/// [`Error::InvalidField`] without such a role.
pub async fn revoke(
    doorward: &Doorward,
    user: &UserId,
    role: &str,
    by: Option<UserId>,
    client: &Client,
) -> Result<bool> {
    let now = doorward.clock.now();
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            let role = lock_role(tx, role).await?;
            if role.name == ADMIN {
                keep_an_administrator(tx, user).await?;
            }
            if !store::take(tx, user, &role.id).await? {
                return known_user(tx, user).await.map(|()| false);
            }
            let event = Event {
                actor: by,
                ..Event::to(Kind::RoleRevoked, Some(*user))
            };
            audit::record(tx, doorward, client, event.detail(&role.name), now).await?;
            forget::user(doorward, tx, user).await?;
            Ok(true)
        })
        .await
}

/// Refuses what would take the last administrator away: to be asked before a demotion, disabling or erasure, in its
/// transaction.
///
/// The row of the role is the lock: of two administrators who remove each other at once, one remains.
///
/// # Errors
/// [`Error::LastAdmin`] when the user is the only administrator.
pub(crate) async fn keep_an_administrator(tx: &mut Tx, user: &UserId) -> Result<()> {
    let role = lock_role(tx, ADMIN).await?;
    if store::two_active_holders(tx, &role.id).await? == [*user] {
        Err(Error::LastAdmin)
    } else {
        Ok(())
    }
}

/// Gives a new account the roles that every account gets.
pub(crate) async fn grant_defaults(tx: &mut Tx, user: &UserId) -> Result<()> {
    store::give_defaults(tx, user).await
}

/// Makes an administrator of someone who has proved an address that the configuration lists.
pub(crate) async fn make_administrator(
    tx: &mut Tx,
    doorward: &Doorward,
    client: &Client,
    user: &UserId,
    now: Timestamp,
) -> Result<()> {
    let role = lock_role(tx, ADMIN).await?;
    if store::give(tx, user, &role.id).await? {
        audit::record(
            tx,
            doorward,
            client,
            Event::to(Kind::RoleGranted, Some(*user)).detail(ADMIN),
            now,
        )
        .await?;
        forget::user(doorward, tx, user).await?;
    }
    Ok(())
}

/// Gives a role to a user whom nobody knows yet: the caller tells of it.
pub(crate) async fn give(tx: &mut Tx, user: &UserId, role: &str) -> Result<()> {
    let role = lock_role(tx, role).await?;
    store::give(tx, user, &role.id).await.map(drop)
}

/// A role under change: its row is written first, so that whoever changes the same role waits.
struct LockedRole {
    id: RoleId,
    name: String,
    built_in: bool,
    is_default: bool,
}

async fn lock_role(tx: &mut Tx, name: &str) -> Result<LockedRole> {
    let role = store::lock_role(tx, name).await?;
    role.ok_or_else(|| Error::field("role", format!("There is no role `{name}`.")))
}

async fn known_user(tx: &mut Tx, user: &UserId) -> Result<()> {
    if store::is_user(tx, user).await? {
        Ok(())
    } else {
        Err(Error::NotFound)
    }
}
