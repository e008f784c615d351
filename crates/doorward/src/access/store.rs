//! Roles and permissions in SQL. The key of a name is its bytes.

use super::{LockedRole, Permission, Role, RoleChange};
use crate::{
    error::{Error, Result},
    ids::{RoleId, UserId},
    store::{Db, Executor, Row, Tx, values},
};

// One statement, so that roles and permissions are of one moment.
const HELD_BY: &str = "
    select r.name, p.permission_key
      from user_roles u
      join roles r on r.id = u.role_id
      left join role_permissions p on p.role_id = u.role_id
     where u.user_id = $1";

/// Every role of the user beside every permission in it.
pub(super) async fn held_by(
    db: &mut impl Executor,
    user: &UserId,
) -> Result<Vec<(String, Option<String>)>> {
    db.all(HELD_BY, values![user], |row| {
        let permission: Option<Vec<u8>> = row.get(1)?;
        Ok((row.get(0)?, permission.map(name).transpose()?))
    })
    .await
}

fn name(key: Vec<u8>) -> Result<String> {
    String::from_utf8(key).map_err(|error| Error::Internal(error.into()))
}

const LOCK_ROLE: &str = "
    update roles set name = name where name_key = $1
 returning id, name, built_in, is_default";

pub(super) async fn lock_role(tx: &mut Tx, name: &str) -> Result<Option<LockedRole>> {
    tx.optional(LOCK_ROLE, values![name.as_bytes()], |row| {
        Ok(LockedRole {
            id: row.get(0)?,
            name: row.get(1)?,
            built_in: row.get(2)?,
            is_default: row.get(3)?,
        })
    })
    .await
}

// Status 1 is active. Nobody but the holders is looked at: a join might begin with everyone.
const TWO_ACTIVE_HOLDERS: &str = "
    select r.user_id
      from user_roles r
     where r.role_id = $1
       and (select u.status from users u where u.id = r.user_id) = 1
       and (select max(e.verified_at) from user_emails e where e.user_id = r.user_id) is not null
     limit 2";

/// Up to two of those who have the role, are active and have proved their address.
pub(super) async fn two_active_holders(tx: &mut Tx, role: &RoleId) -> Result<Vec<UserId>> {
    tx.all(TWO_ACTIVE_HOLDERS, values![role], |row| row.get(0))
        .await
}

const IS_USER: &str = "select id from users where id = $1";

pub(super) async fn is_user(tx: &mut Tx, user: &UserId) -> Result<bool> {
    Ok(tx
        .optional(IS_USER, values![user], |row| row.get::<UserId>(0))
        .await?
        .is_some())
}

const GIVE: &str = "
    insert into user_roles (user_id, role_id)
    select id, $1 from users where id = $2
    on conflict (user_id, role_id) do nothing";

/// Whether the user exists and had not had the role.
pub(super) async fn give(tx: &mut Tx, user: &UserId, role: &RoleId) -> Result<bool> {
    Ok(tx.execute(GIVE, values![role, user]).await? > 0)
}

const GIVE_DEFAULTS: &str = "
    insert into user_roles (user_id, role_id)
    select $1, id from roles where is_default = 1
    on conflict (user_id, role_id) do nothing";

pub(super) async fn give_defaults(tx: &mut Tx, user: &UserId) -> Result<()> {
    tx.execute(GIVE_DEFAULTS, values![user]).await.map(drop)
}

const TAKE: &str = "delete from user_roles where user_id = $1 and role_id = $2";

pub(super) async fn take(tx: &mut Tx, user: &UserId, role: &RoleId) -> Result<bool> {
    Ok(tx.execute(TAKE, values![user, role]).await? > 0)
}

const ROLES: &str = "
    select id, name, description, built_in, is_default, created_at
      from roles
     order by name_key";

/// Every role, by name, without its permissions.
pub(super) async fn roles(db: &Db) -> Result<Vec<Role>> {
    db.all(ROLES, &[], role).await
}

fn role(row: &Row<'_>) -> Result<Role> {
    Ok(Role {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        built_in: row.get(3)?,
        is_default: row.get(4)?,
        created_at: row.get(5)?,
        permissions: Vec::new(),
    })
}

const PERMISSIONS_OF_ROLES: &str = "
    select role_id, permission_key from role_permissions order by role_id, permission_key";

pub(super) async fn permissions_of_roles(db: &Db) -> Result<Vec<(RoleId, String)>> {
    db.all(PERMISSIONS_OF_ROLES, &[], |row| {
        Ok((row.get(0)?, name(row.get(1)?)?))
    })
    .await
}

const PERMISSIONS_OF: &str = "
    select permission_key from role_permissions where role_id = $1 order by permission_key";

pub(super) async fn permissions_of(tx: &mut Tx, role: &RoleId) -> Result<Vec<String>> {
    tx.all(PERMISSIONS_OF, values![role], |row| name(row.get(0)?))
        .await
}

const INSERT_ROLE: &str = "
    insert into roles (id, name_key, name, description, built_in, is_default, created_at)
    values ($1, $2, $3, $4, 0, $5, $6)
    on conflict (name_key) do nothing";

/// Whether the name was free.
pub(super) async fn insert_role(tx: &mut Tx, role: &Role) -> Result<bool> {
    let values = values![
        &role.id,
        role.name.as_bytes(),
        &role.name,
        role.description.as_ref(),
        role.is_default,
        role.created_at,
    ];
    Ok(tx.execute(INSERT_ROLE, values).await? > 0)
}

const UPDATE_ROLE: &str = "
    update roles
       set description = coalesce($1, description), is_default = coalesce($2, is_default)
     where id = $3";

pub(super) async fn update_role(tx: &mut Tx, role: &RoleId, change: &RoleChange) -> Result<()> {
    tx.execute(
        UPDATE_ROLE,
        values![change.description.as_ref(), change.is_default, role],
    )
    .await
    .map(drop)
}

const DELETE_ROLE: &str = "delete from roles where id = $1";

pub(super) async fn delete_role(tx: &mut Tx, role: &RoleId) -> Result<()> {
    tx.execute(DELETE_ROLE, values![role]).await.map(drop)
}

// Writes where the role has the permission already, so that a permission named twice is not taken for one that does not exist.
const PERMIT: &str = "
    insert into role_permissions (role_id, permission_key)
    select $1, name_key from permissions where name_key = $2
    on conflict (role_id, permission_key) do update set role_id = excluded.role_id";

/// Whether there is such a permission.
pub(super) async fn permit(tx: &mut Tx, role: &RoleId, permission: &str) -> Result<bool> {
    Ok(tx
        .execute(PERMIT, values![role, permission.as_bytes()])
        .await?
        > 0)
}

const FORBID_ALL: &str = "delete from role_permissions where role_id = $1";

pub(super) async fn forbid_all(tx: &mut Tx, role: &RoleId) -> Result<()> {
    tx.execute(FORBID_ALL, values![role]).await.map(drop)
}

const PERMISSIONS: &str = "select name, description, built_in from permissions order by name_key";

pub(super) async fn permissions(db: &Db) -> Result<Vec<Permission>> {
    db.all(PERMISSIONS, &[], |row| {
        Ok(Permission {
            name: row.get(0)?,
            description: row.get(1)?,
            built_in: row.get(2)?,
        })
    })
    .await
}

const INSERT_PERMISSION: &str = "
    insert into permissions (name_key, name, description, built_in)
    values ($1, $2, $3, 0)
    on conflict (name_key) do nothing";

/// Whether the name was free.
pub(super) async fn insert_permission(
    tx: &mut Tx,
    name: &str,
    description: Option<&str>,
) -> Result<bool> {
    Ok(tx
        .execute(
            INSERT_PERMISSION,
            values![name.as_bytes(), name, description],
        )
        .await?
        > 0)
}

const DELETE_PERMISSION: &str = "delete from permissions where name_key = $1 and built_in = 0";

pub(super) async fn delete_permission(tx: &mut Tx, name: &str) -> Result<bool> {
    Ok(tx
        .execute(DELETE_PERMISSION, values![name.as_bytes()])
        .await?
        > 0)
}
