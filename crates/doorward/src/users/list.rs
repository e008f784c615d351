//! Longer lists: users, and what happened to one of them.

use serde::Serialize;

use super::{Account, Status, store};
use crate::{
    Doorward,
    audit::{self, Recorded},
    error::{Error, Result},
    ids::{EventId, UserId},
};

/// Which users to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those whose address begins so.
    pub address: Option<String>,
    /// Those who have this role.
    pub role: Option<String>,
    /// Those of this status.
    pub status: Option<Status>,
}

/// One page of a longer list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The cursor of the next page, if there is one.
    #[schema(required)]
    pub next: Option<String>,
}

/// How many items a page has.
pub(super) const PAGE: u32 = 50;

impl<T> Page<T> {
    /// A page of items of which one more was read, to see whether there is a page after it.
    pub(super) fn of<Id: ToString>(mut items: Vec<T>, id: impl Fn(&T) -> Id) -> Self {
        let more = items.len() > PAGE as usize;
        items.truncate(PAGE as usize);
        let next = items
            .last()
            .filter(|_| more)
            .map(|last| id(last).to_string());
        Self { items, next }
    }
}

/// Users, newest first, 50 a page.
///
/// # Errors
/// [`Error::InvalidField`] when the cursor is none of ours.
pub async fn list(
    doorward: &Doorward,
    filter: &Filter,
    cursor: Option<&str>,
) -> Result<Page<Account>> {
    let before = cursor
        .map(|cursor| cursor.parse().map_err(|_| not_a_cursor()))
        .transpose()?;
    let accounts = store::list(&doorward.db, filter, before, PAGE + 1).await?;
    Ok(Page::of(accounts, |account| account.user.id))
}

/// What happened to a user, newest first, 50 a page, as the user may see it.
///
/// # Errors
/// [`Error::InvalidField`] when the cursor is none of ours.
pub async fn events(
    doorward: &Doorward,
    user: &UserId,
    cursor: Option<&str>,
) -> Result<Page<Recorded>> {
    let before: Option<EventId> = cursor
        .map(|cursor| cursor.parse().map_err(|_| not_a_cursor()))
        .transpose()?;
    let mut events = audit::of_user(&doorward.db, user, before, PAGE + 1).await?;
    for event in &mut events {
        hide_administrator(event, user);
    }
    Ok(Page::of(events, |event| event.id))
}

/// Users learn where strangers tried to sign in from, and not where an administrator works.
pub(super) fn hide_administrator(event: &mut Recorded, user: &UserId) {
    if event.actor.is_some_and(|actor| actor != *user) {
        (event.ip, event.device, event.request_id) = (None, None, None);
    }
}

fn not_a_cursor() -> Error {
    Error::field("cursor", "Use the cursor that came with the page before.")
}
