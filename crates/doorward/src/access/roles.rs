//! Which roles and permissions there are.

use serde::Serialize;

use super::{ADMIN, BUILT_IN, is_administrative, lock_role, store};
use crate::{
    Doorward,
    audit::{self, Event, Kind},
    error::{Error, Result},
    forget,
    http::Client,
    ids::{self, RoleId, UserId},
    store::Tx,
    time::Timestamp,
};

/// A named set of permissions.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Its id.
    #[schema(value_type = String)]
    pub id: RoleId,
    /// 1 to 64 lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// What it is for.
    #[schema(required)]
    pub description: Option<String>,
    /// Whether it exists in every database and cannot be removed.
    pub built_in: bool,
    /// Whether every new account gets it.
    pub is_default: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// What it permits, sorted.
    pub permissions: Vec<String>,
}

/// A role to be made.
#[derive(Debug, Clone, Default)]
pub struct NewRole {
    /// 1 to 64 lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it permits: permissions that exist.
    pub permissions: Vec<String>,
    /// Whether every new account gets it.
    pub is_default: bool,
}

/// What to change about a role; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct RoleChange {
    /// What it is for.
    pub description: Option<String>,
    /// Whether every new account gets it.
    pub is_default: Option<bool>,
}

/// A permission that roles may hold.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Permission {
    /// `resource:action`, `resource:*` or `*`.
    pub name: String,
    /// What it allows.
    #[schema(required)]
    pub description: Option<String>,
    /// Whether Doorward itself checks it, so that it cannot be removed.
    pub built_in: bool,
}

/// Every role, by name.
///
/// # Errors
/// [`Error::Unavailable`] when the database cannot be read.
pub async fn roles(doorward: &Doorward) -> Result<Vec<Role>> {
    let mut roles = store::roles(&doorward.db).await?;
    for (id, permission) in store::permissions_of_roles(&doorward.db).await? {
        if let Some(role) = roles.iter_mut().find(|role| role.id == id) {
            role.permissions.push(permission);
        }
    }
    Ok(roles)
}

/// Makes a role.
///
/// # Errors
/// [`Error::InvalidField`] when the name cannot be a name or is taken, when a permission does not exist, or when
/// everyone would administer Doorward.
pub async fn create_role(
    doorward: &Doorward,
    new: NewRole,
    by: Option<UserId>,
    client: &Client,
) -> Result<Role> {
    let now = doorward.clock.now();
    if !is_name(&new.name) {
        return Err(Error::field(
            "name",
            "Name it with 1 to 64 lower-case letters, digits, - and _.",
        ));
    }
    check_description(new.description.as_deref())?;
    refuse_administration_for_all(new.is_default, &new.permissions)?;
    let mut role = Role {
        id: RoleId(ids::fresh(&doorward.entropy, now, 0)),
        name: new.name,
        description: new.description,
        built_in: false,
        is_default: new.is_default,
        created_at: now,
        permissions: new.permissions,
    };
    role.permissions.sort_unstable();
    role.permissions.dedup();
    let made = &role;
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            if !store::insert_role(tx, made).await? {
                return Err(Error::field(
                    "name",
                    format!("There is a role `{}` already.", made.name),
                ));
            }
            permit(tx, &made.id, &made.permissions).await?;
            changed(
                tx,
                doorward,
                client,
                by,
                &format!("role {} created", made.name),
            )
            .await
        })
        .await?;
    Ok(role)
}

/// Changes what a role is for, or who gets it.
///
/// # Errors
/// [`Error::InvalidField`] without such a role, or when everyone would administer Doorward.
pub async fn change_role(
    doorward: &Doorward,
    role: &str,
    change: &RoleChange,
    by: Option<UserId>,
    client: &Client,
) -> Result<()> {
    check_description(change.description.as_deref())?;
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            let role = lock_role(tx, role).await?;
            let permissions = store::permissions_of(tx, &role.id).await?;
            refuse_administration_for_all(change.is_default == Some(true), &permissions)?;
            store::update_role(tx, &role.id, change).await?;
            changed(
                tx,
                doorward,
                client,
                by,
                &format!("role {} changed", role.name),
            )
            .await
        })
        .await
}

/// Sets what a role permits.
///
/// # Errors
/// [`Error::InvalidField`] without such a role or permission, for the role `admin`, or when everyone would
/// administer Doorward.
pub async fn set_role_permissions(
    doorward: &Doorward,
    role: &str,
    permissions: &[String],
    by: Option<UserId>,
    client: &Client,
) -> Result<()> {
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            let role = lock_role(tx, role).await?;
            if role.name == ADMIN {
                return Err(Error::field(
                    "role",
                    "The role `admin` may do everything. Make another role for less.",
                ));
            }
            refuse_administration_for_all(role.is_default, permissions)?;
            store::forbid_all(tx, &role.id).await?;
            permit(tx, &role.id, permissions).await?;
            changed(
                tx,
                doorward,
                client,
                by,
                &format!("role {} permits {}", role.name, permissions.join(" ")),
            )
            .await
        })
        .await
}

/// Removes a role, from everyone who has it too.
///
/// # Errors
/// [`Error::InvalidField`] without such a role, and for those that are built in.
pub async fn delete_role(
    doorward: &Doorward,
    role: &str,
    by: Option<UserId>,
    client: &Client,
) -> Result<()> {
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            let role = lock_role(tx, role).await?;
            if role.built_in {
                return Err(Error::field(
                    "role",
                    format!("The role `{}` is built in and stays.", role.name),
                ));
            }
            store::delete_role(tx, &role.id).await?;
            changed(
                tx,
                doorward,
                client,
                by,
                &format!("role {} removed", role.name),
            )
            .await
        })
        .await
}

/// Every permission, by name.
///
/// # Errors
/// [`Error::Unavailable`] when the database cannot be read.
pub async fn permissions(doorward: &Doorward) -> Result<Vec<Permission>> {
    store::permissions(&doorward.db).await
}

/// Makes a permission, for roles to hold and the application to check.
///
/// # Errors
/// [`Error::InvalidField`] when the name cannot be a name or is taken.
pub async fn create_permission(
    doorward: &Doorward,
    name: &str,
    description: Option<&str>,
    by: Option<UserId>,
    client: &Client,
) -> Result<()> {
    if !is_permission_name(name) {
        let message = "Name it resource:action or resource:*, each half of 1 to 64 lower-case letters, digits, - and _.";
        return Err(Error::field("name", message));
    }
    check_description(description)?;
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            if !store::insert_permission(tx, name, description).await? {
                return Err(Error::field(
                    "name",
                    format!("There is a permission `{name}` already."),
                ));
            }
            changed(
                tx,
                doorward,
                client,
                by,
                &format!("permission {name} created"),
            )
            .await
        })
        .await
}

/// Removes a permission, from every role that holds it too.
///
/// # Errors
/// [`Error::InvalidField`] without such a permission, and for those that are built in.
pub async fn delete_permission(
    doorward: &Doorward,
    name: &str,
    by: Option<UserId>,
    client: &Client,
) -> Result<()> {
    if name == "*" || BUILT_IN.contains(&name) {
        return Err(Error::field(
            "name",
            format!("The permission `{name}` is built in and stays."),
        ));
    }
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            if !store::delete_permission(tx, name).await? {
                return Err(no_such_permission("name", name));
            }
            changed(
                tx,
                doorward,
                client,
                by,
                &format!("permission {name} removed"),
            )
            .await
        })
        .await
}

/// Whether the text can name a permission: `resource:action`, `resource:*` or `*`.
pub(super) fn is_permission_name(text: &str) -> bool {
    text == "*"
        || text.split_once(':').is_some_and(|(resource, action)| {
            is_name(resource) && (action == "*" || is_name(action))
        })
}

/// Whether the text can name a role, or one half of a permission.
pub(super) fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
    };
    (1..=64).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Has a role hold permissions, each of which must exist.
async fn permit(tx: &mut Tx, role: &RoleId, permissions: &[String]) -> Result<()> {
    for permission in permissions {
        if !store::permit(tx, role, permission).await? {
            return Err(no_such_permission("permissions", permission));
        }
    }
    Ok(())
}

/// Tells the log and the live sessions of everyone that roles or permissions have changed.
async fn changed(
    tx: &mut Tx,
    doorward: &Doorward,
    client: &Client,
    by: Option<UserId>,
    what: &str,
) -> Result<()> {
    let event = Event {
        actor: by,
        ..Event::to(Kind::AccessChanged, None)
    };
    audit::record(
        tx,
        doorward,
        client,
        event.detail(what),
        doorward.clock.now(),
    )
    .await?;
    forget::everyone(doorward, tx).await
}

/// Where strangers may sign up, what everyone gets is what strangers get.
pub(super) fn refuse_administration_for_all(
    is_default: bool,
    permissions: &[String],
) -> Result<()> {
    match permissions.iter().find(|held| is_administrative(held)) {
        Some(held) if is_default => {
            let message = format!(
                "Every new account gets this role, so it cannot hold `{held}`, which administers Doorward."
            );
            Err(Error::field("permissions", message))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_description(text: Option<&str>) -> Result<()> {
    match text {
        Some(text) if text.chars().count() > 256 || text.chars().any(char::is_control) => {
            Err(Error::field(
                "description",
                "Describe it in at most 256 characters, on one line.",
            ))
        }
        _ => Ok(()),
    }
}

fn no_such_permission(field: &str, name: &str) -> Error {
    Error::field(
        field,
        format!("There is no permission `{name}`. Create it first."),
    )
}
