//! Accounts that wait for their owners.

use super::{Name, store};
use crate::{
    Doorward, access,
    audit::{self, Event, Kind},
    error::Result,
    http::Client,
    ids::UserId,
    mail::{Address, Notice},
    outbox,
    store::Tx,
};

/// Someone to be invited.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Where the invitation goes, and whoever proves it has the account.
    pub address: Address,
    /// The roles that wait for them, beside those that everyone gets.
    pub roles: Vec<String>,
    /// Their first name.
    pub first_name: Option<Name>,
    /// Their last name.
    pub last_name: Option<Name>,
}

/// Makes an account that waits for whoever proves the address, and mails them so.
///
/// The id of the new account, or `None` when the address has one already: then nothing is changed. The person gets the
/// same mail, and a caller that answers strangers says the same, so that neither tells who has an account.
///
/// # Errors
/// [`Error::InvalidField`](crate::Error::InvalidField) when a role does not exist.
pub async fn invite(
    doorward: &Doorward,
    invitation: &Invitation,
    by: Option<UserId>,
    client: &Client,
) -> Result<Option<UserId>> {
    let now = doorward.clock.now();
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            let new = store::NewUser {
                first_name: invitation.first_name.as_ref(),
                last_name: invitation.last_name.as_ref(),
                ..store::NewUser::fresh(doorward, now)
            };
            store::insert_user(tx, &new).await?;
            // Asked for either way: a role that does not exist must not tell whether the address does.
            access::grant_defaults(tx, &new.id).await?;
            for role in &invitation.roles {
                access::give(tx, &new.id, role).await?;
            }
            let is_new = store::insert_address(tx, &new.id, &invitation.address, None).await?;
            if is_new {
                tell_invited(tx, doorward, client, by, &new.id, &invitation.roles).await?;
            } else {
                store::delete_user(tx, &new.id).await?;
            }
            outbox::post_to_holder(
                tx,
                doorward,
                &invitation.address,
                &Notice::Invitation {},
                now,
            )
            .await?;
            Ok(is_new.then_some(new.id))
        })
        .await
}

async fn tell_invited(
    tx: &mut Tx,
    doorward: &Doorward,
    client: &Client,
    by: Option<UserId>,
    user: &UserId,
    roles: &[String],
) -> Result<()> {
    let now = doorward.clock.now();
    let event = |kind| Event {
        actor: by,
        ..Event::to(kind, Some(*user))
    };
    audit::record(tx, doorward, client, event(Kind::UserInvited), now).await?;
    for role in roles {
        audit::record(
            tx,
            doorward,
            client,
            event(Kind::RoleGranted).detail(role),
            now,
        )
        .await?;
    }
    Ok(())
}
