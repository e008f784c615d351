//! `doorward role …` and `doorward admin …`

use doorward::access;
use serde_json::json;

use super::Desk;
use crate::{
    args::{Admin, NewRole, Role},
    failure::Failure,
    output::table,
};

pub(crate) async fn run(desk: Desk, command: Role) -> Result<(), Failure> {
    match command {
        Role::List => list(&desk).await,
        Role::Create(role) => create(&desk, role).await,
        Role::Delete { role } => delete(&desk, &role).await,
        Role::Grant(grant) => give(&desk, &grant.role, &grant.who.user).await,
        Role::Revoke(grant) => take(&desk, &grant.role, &grant.who.user).await,
    }
}

pub(crate) async fn run_admin(desk: Desk, command: Admin) -> Result<(), Failure> {
    match command {
        Admin::Grant(who) => give(&desk, access::ADMIN, &who.user)
            .await
            .map_err(|failure| with_invitation(failure, &who.user)),
        Admin::Revoke(who) => take(&desk, access::ADMIN, &who.user).await,
    }
}

/// The first administrator often has no account yet.
fn with_invitation(failure: Failure, who: &str) -> Failure {
    match failure {
        Failure::Refused {
            code: code @ "not_found",
            message,
        } if who.contains('@') => {
            let message = format!(
                "{message}: sign in with it once, or invite it with `doorward user invite {who} --role admin`"
            );
            Failure::Refused { code, message }
        }
        other => other,
    }
}

async fn list(desk: &Desk) -> Result<(), Failure> {
    let roles = access::roles(&desk.doorward).await?;
    desk.output.answer(&roles, || {
        let rows = roles.iter().map(|role| {
            let kind = match (role.built_in, role.is_default) {
                (true, true) => "built-in, default",
                (true, false) => "built-in",
                (false, true) => "default",
                (false, false) => "",
            };
            let description = role.description.clone().unwrap_or_default();
            [
                role.name.clone(),
                kind.to_owned(),
                role.permissions.join(", "),
                description,
            ]
        });
        table(["ROLE", "KIND", "PERMISSIONS", "DESCRIPTION"], rows)
    })
}

async fn create(desk: &Desk, form: NewRole) -> Result<(), Failure> {
    let NewRole {
        role,
        description,
        permissions,
        default,
    } = form;
    let role = access::NewRole {
        name: role,
        description,
        permissions,
        is_default: default,
    };
    let role = access::create_role(&desk.doorward, role, None, &desk.client).await?;
    desk.output
        .answer(&role, || match role.permissions.as_slice() {
            [] => format!("Made the role {}, which permits nothing yet.", role.name),
            permissions => format!(
                "Made the role {}, which permits {}.",
                role.name,
                permissions.join(", ")
            ),
        })
}

async fn delete(desk: &Desk, role: &str) -> Result<(), Failure> {
    access::delete_role(&desk.doorward, role, None, &desk.client).await?;
    desk.output
        .answer(&json!({ "name": role, "changed": true }), || {
            format!("Removed the role {role}.")
        })
}

async fn give(desk: &Desk, role: &str, who: &str) -> Result<(), Failure> {
    let account = desk.account(who).await?;
    let changed = access::grant(&desk.doorward, &account.user.id, role, None, &desk.client).await?;
    desk.report(
        &account,
        changed,
        &format!("has the role {role} now"),
        &format!("had the role {role} already"),
    )
}

async fn take(desk: &Desk, role: &str, who: &str) -> Result<(), Failure> {
    let account = desk.account(who).await?;
    let changed =
        access::revoke(&desk.doorward, &account.user.id, role, None, &desk.client).await?;
    desk.report(
        &account,
        changed,
        &format!("has the role {role} no longer"),
        &format!("did not have the role {role}"),
    )
}
