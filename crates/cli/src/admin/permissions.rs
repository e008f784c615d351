//! `doorward permission …`

use doorward::access;
use serde_json::json;

use super::Desk;
use crate::{args::Permission, failure::Failure, output::table};

pub(crate) async fn run(desk: Desk, command: Permission) -> Result<(), Failure> {
    match command {
        Permission::List => list(&desk).await,
        Permission::Create {
            permission,
            description,
        } => create(&desk, &permission, description.as_deref()).await,
        Permission::Delete { permission } => delete(&desk, &permission).await,
    }
}

async fn list(desk: &Desk) -> Result<(), Failure> {
    let permissions = access::permissions(&desk.doorward).await?;
    desk.output.answer(&permissions, || {
        let rows = permissions.iter().map(|permission| {
            let kind = if permission.built_in { "built-in" } else { "" };
            [
                permission.name.clone(),
                kind.to_owned(),
                permission.description.clone().unwrap_or_default(),
            ]
        });
        table(["PERMISSION", "KIND", "DESCRIPTION"], rows)
    })
}

async fn create(desk: &Desk, permission: &str, description: Option<&str>) -> Result<(), Failure> {
    access::create_permission(&desk.doorward, permission, description, None, &desk.client).await?;
    desk.output
        .answer(&json!({ "name": permission, "changed": true }), || {
            format!("Made the permission {permission}, which no role holds yet.")
        })
}

async fn delete(desk: &Desk, permission: &str) -> Result<(), Failure> {
    access::delete_permission(&desk.doorward, permission, None, &desk.client).await?;
    desk.output
        .answer(&json!({ "name": permission, "changed": true }), || {
            format!("Removed the permission {permission}.")
        })
}
