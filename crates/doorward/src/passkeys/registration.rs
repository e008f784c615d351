//! Adding a passkey, to the account of the session that asked for it.

use doorward_webauthn::{
    RegistrationResponse,
    options::{CreationOptions, Descriptor, User},
};

use super::{
    Name, Passkey,
    ceremony::{refused, take_back},
    challenge::{self, Purpose},
    naming::{default_name, distinct},
    store,
};
use crate::{
    Doorward,
    audit::{self, Event, Kind},
    error::{Error, Result},
    http::Client,
    mail::Notice,
    outbox,
    sessions::SignedIn,
    users,
};

/// The options for making a passkey, with a challenge that only this session can use.
pub(crate) async fn registration_options(
    doorward: &Doorward,
    caller: &SignedIn,
) -> Result<CreationOptions> {
    let now = doorward.clock.now();
    let account = caller.account();
    let existing = store::of_user(&mut &doorward.db, &account.user.id).await?;
    let challenge = challenge::mint(
        &doorward.keys.challenges,
        &doorward.entropy,
        Purpose::Register,
        Some(&registration_binding(caller)),
        now,
    );
    let user = User {
        id: account.webauthn_handle().to_vec(),
        name: account.user.email.as_str().to_owned(),
        display_name: account.user.display_name(),
    };
    let exclude = existing
        .iter()
        .map(|passkey| Descriptor::from(&passkey.credential));
    Ok(
        CreationOptions::new(&doorward.policy, &doorward.config.app_name, user, challenge)
            .exclude(exclude),
    )
}

fn registration_binding(caller: &SignedIn) -> [u8; 32] {
    let mut binding = [0; 32];
    binding[..16].copy_from_slice(caller.session().id.as_bytes());
    binding[16..].copy_from_slice(caller.user().id.as_bytes());
    binding
}

/// Adds the passkey that was made, to the account of the session that asked for it.
pub(crate) async fn register(
    doorward: &Doorward,
    caller: &SignedIn,
    response: RegistrationResponse,
    name: Option<Name>,
    client: &Client,
) -> Result<Passkey> {
    let now = doorward.clock.now();
    let challenge = response
        .unauthenticated_challenge()
        .ok_or(Error::PasskeyFailed)?;
    take_back(
        doorward,
        &challenge,
        Purpose::Register,
        Some(&registration_binding(caller)),
        client,
        now,
    )
    .await?;
    let attachment = response.authenticator_attachment().map(str::to_owned);
    let credential = &match response.verify(&doorward.policy, &challenge) {
        Ok(verified) => verified.into_credential(),
        Err(refusal) => {
            return Err(refused(doorward, Some(caller.user().id), refusal, client, now).await);
        }
    };
    let user = caller.user().id;
    let given = &name;
    let default = &default_name(doorward, credential, attachment.as_deref(), client);
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            // The user's row is the lock under which passkeys are counted.
            users::lock_own(tx, caller, now).await?;
            let existing = store::of_user(tx, &user).await?;
            if existing.len() >= doorward.config.passkeys.per_user as usize {
                return Err(Error::LimitReached);
            }
            let name = match given {
                Some(Name(name)) => name.clone(),
                None => distinct(default, &existing),
            };
            let passkey = Passkey {
                credential: credential.clone(),
                user_id: user,
                name,
                created_at: now,
                last_used_at: None,
                made_with: client.user_agent().map(str::to_owned),
            };
            if !store::insert(tx, &passkey).await? {
                return Err(Error::CredentialExists);
            }
            let added = Event::own(Kind::PasskeyAdded, user)
                .session(caller.session().id)
                .detail(&passkey.name);
            audit::record(tx, doorward, client, added, now).await?;
            let notice = Notice::PasskeyAdded {
                name: passkey.name.clone(),
            };
            outbox::post(
                tx,
                doorward,
                &caller.user().email,
                &notice,
                caller.user().locale,
                now,
            )
            .await?;
            Ok(passkey)
        })
        .await
}
