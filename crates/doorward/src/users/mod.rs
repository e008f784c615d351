//! People and their addresses.
//!
//! An account belongs to whoever proves its address. It is made by the first proof, or by an invitation, and then
//! the first proof drops whatever was attached to it before. Every address has one account at most; that is decided
//! by the key of the table of addresses, not by looking first.
//!
//! An account has an *epoch*, and its sessions carry the one they were born in: disabling it and signing out
//! everywhere are one step of the epoch, so that a session opened in a race with them is dead on arrival.

mod by;
pub(crate) mod email;
pub(crate) mod http;
mod invitation;
mod list;
mod profile;
mod store;
#[cfg(test)]
mod tests;

use futures_util::future::try_join;
use serde::{Deserialize, Serialize};

use self::by::By;
pub(crate) use self::profile::update_own_profile;
pub use self::{
    invitation::{Invitation, invite},
    list::{Filter, Page, events, list},
    profile::{Change, Name, NotAName, NotAPicture, Picture, ProfileChange, update_profile},
};
use crate::{
    Doorward, access,
    audit::{self, Event, Kind},
    codes,
    config::{Locale, SignUp},
    error::{Error, Result},
    forget,
    http::Client,
    ids::{self, UserId},
    mail::{Address, Notice},
    outbox, passkeys,
    sessions::{self, Holder, SignedIn},
    store::{Executor, Row, Tx},
    time::Timestamp,
};

/// A person, as they and applications see them.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Their id, for as long as the account lives.
    #[schema(value_type = String)]
    pub id: UserId,
    /// Their address, as it was first given: mail goes there.
    #[schema(value_type = String, format = Email)]
    pub email: Address,
    /// Whether they have proved the address. Only someone who was invited has not.
    pub email_verified: bool,
    /// Their first name.
    #[schema(required)]
    pub first_name: Option<String>,
    /// Their last name.
    #[schema(required)]
    pub last_name: Option<String>,
    /// Where their picture is: an https URL.
    #[schema(required)]
    pub picture: Option<String>,
    /// The language they have chosen: `en` or `de`.
    #[schema(required, value_type = Option<String>)]
    pub locale: Option<Locale>,
    /// When the account was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When the account was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl User {
    /// What to call them: their names, or else their address.
    #[must_use]
    pub fn display_name(&self) -> String {
        let names: Vec<&str> = [&self.first_name, &self.last_name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        if names.is_empty() {
            self.email.to_string()
        } else {
            names.join(" ")
        }
    }
}

/// A user with what only Doorward and its administrators know.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The person.
    #[serde(flatten)]
    pub user: User,
    /// Whether they may sign in.
    pub status: Status,
    /// When they last signed in with a code or a passkey.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub last_sign_in_at: Option<Timestamp>,
    /// What their sessions must have been born in.
    #[serde(skip)]
    pub(crate) auth_epoch: i64,
    #[serde(skip)]
    webauthn_handle: [u8; 64],
}

impl Account {
    /// Whether the account may be used.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    /// How authenticators know them (Web Authentication §5.4.3): random, so that it tells nothing.
    #[must_use]
    pub fn webauthn_handle(&self) -> &[u8] {
        &self.webauthn_handle
    }
}

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It may.
    Active,
    /// Nobody signs in to it, and its sessions have ended.
    Disabled,
}

/// The account of someone who has just proved this address, made if need be, and marked as signed in, with what they may do.
///
/// `None` for accounts that are disabled, for strangers where sign-up is by invitation, and where the account gets another
/// address in the same moment.
pub(crate) async fn find_or_create(
    tx: &mut Tx,
    doorward: &Doorward,
    client: &Client,
    address: &Address,
    now: Timestamp,
) -> Result<Option<Holder>> {
    let found = match store::sign_in_at(tx, address, now).await? {
        None => sign_up(tx, doorward, client, address, now).await?,
        found => found,
    };
    let Some(mut account) = found else {
        return Ok(None);
    };
    let user = account.user.id;
    if !account.user.email_verified && store::verify(tx, address, now).await? {
        // Before the first proof the account was nobody's, so nothing that hangs on it may be this person's.
        let Some(renewed) = store::advance_epoch(tx, &user, now).await? else {
            return Ok(None);
        };
        account = renewed.account(account.user.email, true);
        passkeys::drop_all(tx, &user).await?;
        forget::user(doorward, tx, &user).await?;
    }
    account.user.email_verified = true;
    // While the user's row was waited for, its address may have changed. It is read again now that the row is held.
    let Some((held, _, mut access)) = store::address_and_access(tx, &user).await? else {
        return Ok(None);
    };
    if held != *address {
        return Ok(None);
    }
    if is_configured_administrator(doorward, address) {
        access::make_administrator(tx, doorward, client, &user, now).await?;
        access = access::of_user(tx, &user).await?;
    }
    Ok(Some(Holder { account, access }))
}

/// The account of an address that nobody was found at who may sign in.
async fn sign_up(
    tx: &mut Tx,
    doorward: &Doorward,
    client: &Client,
    address: &Address,
    now: Timestamp,
) -> Result<Option<Account>> {
    let owner = match store::owner(tx, address).await? {
        Some(owner) => owner,
        None if !accepts_stranger(doorward, address) => return Ok(None),
        None => create(tx, doorward, client, address, now).await?,
    };
    let row = store::sign_in(tx, &owner.user, now).await?;
    Ok(row.map(|row| row.account(owner.address, owner.is_verified)))
}

/// Makes the account of a stranger, or finds the one that a sign-up at the same moment has made.
async fn create(
    tx: &mut Tx,
    doorward: &Doorward,
    client: &Client,
    address: &Address,
    now: Timestamp,
) -> Result<store::Owner> {
    let new = store::NewUser::fresh(doorward, now);
    store::insert_user(tx, &new).await?;
    if !store::insert_address(tx, &new.id, address, Some(now)).await? {
        store::delete_user(tx, &new.id).await?;
        let winner = store::owner(tx, address).await?;
        return winner.ok_or_else(|| {
            Error::Unavailable("an account was made and erased in the same moment".into())
        });
    }
    access::grant_defaults(tx, &new.id).await?;
    audit::record(
        tx,
        doorward,
        client,
        Event::own(Kind::UserCreated, new.id),
        now,
    )
    .await?;
    Ok(store::Owner {
        user: new.id,
        address: address.clone(),
        is_verified: true,
    })
}

/// Whether someone without an account may make one by proving this address.
pub(crate) fn accepts_stranger(doorward: &Doorward, address: &Address) -> bool {
    // There must be a first administrator, also where everyone else is invited.
    doorward.config.sign_up == SignUp::Open || is_configured_administrator(doorward, address)
}

fn is_configured_administrator(doorward: &Doorward, address: &Address) -> bool {
    doorward
        .config
        .admin_emails
        .iter()
        .any(|listed| Address::parse(listed).is_ok_and(|listed| listed == *address))
}

/// The account with this id.
pub(crate) async fn account(db: &mut impl Executor, user: &UserId) -> Result<Option<Account>> {
    let Some(row) = store::user(db, user).await? else {
        return Ok(None);
    };
    with_address(db, row).await
}

/// The account that a statement of another feature has read along, from this column on: `id, status, auth_epoch,
/// webauthn_handle, first_name, last_name, picture, locale, created_at, updated_at, last_sign_in_at` of `users`, then
/// `address, verified_at` of `user_emails`.
pub(crate) fn account_in(row: &Row<'_>, first: usize) -> Result<Account> {
    store::account_in(row, first)
}

/// The account of this address, proved or not.
pub(crate) async fn by_address(
    db: &mut impl Executor,
    address: &Address,
) -> Result<Option<Account>> {
    let Some(owner) = store::owner(db, address).await? else {
        return Ok(None);
    };
    let row = store::user(db, &owner.user).await?;
    Ok(row.map(|row| row.account(owner.address, owner.is_verified)))
}

async fn with_address(db: &mut impl Executor, row: store::UserRow) -> Result<Option<Account>> {
    // Without an address the user was erased between the two reads.
    let address = store::address_of(db, &row.id).await?;
    Ok(address.map(|(address, is_verified)| row.account(address, is_verified)))
}

/// The account of a user who has proved who they are by something else than a code, marked as signed in, with what they may
/// do; `None` when it is disabled.
pub(crate) async fn signing_in(tx: &Tx, user: &UserId, now: Timestamp) -> Result<Option<Holder>> {
    // The first holds the user's row, and the second runs after it, so that what it reads stays so.
    let found = try_join(
        store::sign_in(tx, user, now),
        store::address_and_access(tx, user),
    );
    let (Some(row), Some((address, is_verified, access))) = found.await? else {
        return Ok(None);
    };
    Ok(Some(Holder {
        account: row.account(address, is_verified),
        access,
    }))
}

/// Holds back whoever else changes the same user until the transaction ends, for a change of one's own: what is read of the user
/// after it, stays, and so does the session.
///
/// # Errors
/// [`Error::Unauthenticated`] when the session has ended, or the user is gone.
pub(crate) async fn lock_own(tx: &mut Tx, caller: &SignedIn, now: Timestamp) -> Result<()> {
    if !store::touch(tx, &caller.user().id, now).await? {
        return Err(Error::Unauthenticated);
    }
    sessions::confirm(tx, caller).await
}

/// Gives a user, whose row is held, a new address, which they have proved, in place of the one they had; `false` when it is
/// another's.
pub(crate) async fn set_email(
    tx: &mut Tx,
    doorward: &Doorward,
    user: &UserId,
    address: &Address,
    now: Timestamp,
) -> Result<bool> {
    if !store::claim_address(tx, user, address, now).await? {
        return Ok(false);
    }
    store::delete_other_addresses(tx, user, address).await?;
    forget::user(doorward, tx, user).await?;
    Ok(true)
}

/// The account with this id.
///
/// # Errors
/// [`Error::Unavailable`] when the database cannot be read.
pub async fn find(doorward: &Doorward, user: &UserId) -> Result<Option<Account>> {
    account(&mut &doorward.db, user).await
}

/// The account of this address, proved or not.
///
/// # Errors
/// [`Error::Unavailable`] when the database cannot be read.
pub async fn find_by_address(doorward: &Doorward, address: &Address) -> Result<Option<Account>> {
    by_address(&mut &doorward.db, address).await
}

/// Keeps a user out: ends their sessions and lets no proof in; whether they were in.
///
/// # Errors
/// [`Error::LastAdmin`] when nobody else is an administrator; [`Error::NotFound`] without such a user.
pub async fn disable(
    doorward: &Doorward,
    user: &UserId,
    by: Option<UserId>,
    client: &Client,
) -> Result<bool> {
    set_status(doorward, user, Status::Disabled, by, client).await
}

/// Lets a user in again; whether they were kept out. The sessions that ended stay ended.
///
/// # Errors
/// [`Error::NotFound`] without such a user.
pub async fn enable(
    doorward: &Doorward,
    user: &UserId,
    by: Option<UserId>,
    client: &Client,
) -> Result<bool> {
    set_status(doorward, user, Status::Active, by, client).await
}

async fn set_status(
    doorward: &Doorward,
    user: &UserId,
    status: Status,
    by: Option<UserId>,
    client: &Client,
) -> Result<bool> {
    let now = doorward.clock.now();
    let kind = match status {
        Status::Active => Kind::UserEnabled,
        Status::Disabled => Kind::UserDisabled,
    };
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            if status == Status::Disabled {
                access::keep_an_administrator(tx, user).await?;
            }
            if !store::set_status(tx, user, status, now).await? {
                return store::user(tx, user)
                    .await?
                    .map(|_| false)
                    .ok_or(Error::NotFound);
            }
            audit::record(
                tx,
                doorward,
                client,
                Event {
                    actor: by,
                    ..Event::to(kind, Some(*user))
                },
                now,
            )
            .await?;
            forget::user(doorward, tx, user).await?;
            Ok(true)
        })
        .await
}

/// Ends every session of a user.
///
/// # Errors
/// [`Error::NotFound`] without such a user.
pub async fn sign_out_everywhere(
    doorward: &Doorward,
    user: &UserId,
    by: Option<UserId>,
    client: &Client,
) -> Result<()> {
    let now = doorward.clock.now();
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            store::advance_epoch(tx, user, now)
                .await?
                .ok_or(Error::NotFound)?;
            let event = Event {
                actor: by,
                ..Event::to(Kind::SessionRevoked, Some(*user))
            };
            audit::record(tx, doorward, client, event.detail("all"), now).await?;
            forget::user(doorward, tx, user).await
        })
        .await
}

/// Erases a user with everything that is theirs; the log keeps their id. They are told by mail.
///
/// # Errors
/// [`Error::LastAdmin`] when nobody else is an administrator; [`Error::NotFound`] without such a user.
pub async fn erase(
    doorward: &Doorward,
    user: &UserId,
    by: Option<UserId>,
    client: &Client,
) -> Result<()> {
    let by = By::Another(by);
    erase_by(doorward, user, &by, client).await
}

/// Erases the caller's own account.
///
/// # Errors
/// As [`erase`]; [`Error::Unauthenticated`] when the session has ended since it was checked.
pub(crate) async fn erase_own(
    doorward: &Doorward,
    caller: &SignedIn,
    client: &Client,
) -> Result<()> {
    erase_by(doorward, &caller.user().id, &By::Owner(caller), client).await
}

async fn erase_by(doorward: &Doorward, user: &UserId, by: &By<'_>, client: &Client) -> Result<()> {
    let now = doorward.clock.now();
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            access::keep_an_administrator(tx, user).await?;
            let by = by.confirm(tx, user, now).await?;
            let account = account(tx, user).await?.ok_or(Error::NotFound)?;
            codes::forget_user(tx, user, &account.user.email).await?;
            store::delete_user(tx, user).await?;
            audit::forget_names(tx, user).await?;
            audit::record(
                tx,
                doorward,
                client,
                Event {
                    actor: by,
                    ..Event::to(Kind::UserDeleted, Some(*user))
                },
                now,
            )
            .await?;
            forget::user(doorward, tx, user).await?;
            // Who has not proved the address may not be who was meant.
            if account.user.email_verified {
                let person = &account.user;
                outbox::post(
                    tx,
                    doorward,
                    &person.email,
                    &Notice::AccountDeleted,
                    person.locale,
                    now,
                )
                .await?;
            }
            Ok(())
        })
        .await
}

impl store::NewUser<'_> {
    /// A user whom nothing is known of yet. The shard in the id is random: what is the user's will share it.
    fn fresh(doorward: &Doorward, now: Timestamp) -> Self {
        let [shard] = doorward.entropy.bytes();
        Self {
            id: UserId(ids::fresh(&doorward.entropy, now, shard)),
            webauthn_handle: doorward.entropy.bytes(),
            first_name: None,
            last_name: None,
            now,
        }
    }
}
