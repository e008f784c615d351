//! Changing one's address: a code to the new one proves it, a notice to the old one tells of it.
//!
//! Nobody learns whether the new address is taken: the answers are the same, and who holds it gets a notice in
//! place of the code.

use super::User;
use crate::{
    Doorward,
    audit::{self, Event, Kind},
    codes::{self, Guess, Issue, Issued, Outcome, Purpose},
    error::{Error, Result},
    http::Client,
    limits::Budget,
    mail::{Address, Notice},
    outbox, sessions,
    sessions::SignedIn,
};

/// Mails a code to the new address, which only this session can use.
pub(crate) async fn request(
    doorward: &Doorward,
    caller: &SignedIn,
    address: &Address,
    client: &Client,
) -> Result<Issued> {
    let now = doorward.clock.now();
    doorward
        .networks
        .spend(client.ip(), Budget::Codes, now)?
        .keep();
    let issue = Issue {
        purpose: Purpose::EmailChange,
        address,
        binding: caller.session().id.as_bytes(),
    };
    codes::issue_code(doorward, &issue, client, now).await
}

/// Gives the account its new address, once the code shows that it is the caller's, and ends all other sessions.
pub(crate) async fn confirm(
    doorward: &Doorward,
    caller: &SignedIn,
    address: &Address,
    typed: &str,
    client: &Client,
) -> Result<User> {
    let now = doorward.clock.now();
    let typed = codes::read(doorward, typed, client, now)?;
    let guess = Guess {
        purpose: Purpose::EmailChange,
        address,
        binding: caller.session().id.as_bytes(),
        or_unbound: false,
    };
    let user = caller.user().id;
    let outcome = codes::spend(doorward, &guess, typed, now, |mut tx, _, _| async move {
        let tx = &mut tx;
        // With both rows held the session stays as it is.
        super::lock_own(tx, caller, now).await?;
        if !super::set_email(tx, doorward, &user, address, now).await? {
            return Ok(None);
        }
        sessions::end_others(tx, doorward, client, &user, &caller.session().id, now).await?;
        let changed = Event::own(Kind::EmailChanged, user).session(caller.session().id);
        audit::record(tx, doorward, client, changed, now).await?;
        let notice = Notice::EmailChanged {
            new_address_hint: address.hint(),
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
        super::account(tx, &user).await
    })
    .await?;
    match outcome {
        Outcome::Accepted(account) => Ok(account.user),
        Outcome::Expired => Err(Error::ExpiredCode),
        Outcome::Wrong => {
            codes::count_failure(doorward, address, client, now).await?;
            Err(Error::InvalidCode)
        }
    }
}
