//! What people say of themselves. Doorward shows it and believes none of it.

use ::http::Uri;
use serde::{Deserialize, Deserializer};

use super::{By, User, find, store, with_address};
use crate::{
    Doorward,
    audit::{self, Event, Kind},
    config::Locale,
    error::{Error, Result},
    forget,
    http::Client,
    ids::UserId,
    sessions::SignedIn,
};

/// One of a person's names: 1 to 64 characters of any script, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

/// The text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Use 1 to 64 characters, without control characters.")]
pub struct NotAName;

impl Name {
    /// Reads a name, with the white space around it dropped.
    ///
    /// # Errors
    /// [`NotAName`] when it is empty or too long, or holds characters that control how text around it is shown.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let name = text.trim();
        let fine = (1..=64).contains(&name.chars().count())
            && !name.chars().any(|c| c.is_control() || is_bidi_control(c));
        if fine {
            Ok(Self(name.into()))
        } else {
            Err(NotAName)
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = NotAName;

    fn try_from(text: String) -> Result<Self, NotAName> {
        Self::parse(&text)
    }
}

/// Whether the character turns the direction of the text after it, also beyond the name (UAX #9 §2.1–§2.4).
fn is_bidi_control(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Where a picture is: an https URL of at most 2048 bytes, without a user name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Picture(String);

/// The text is not the URL of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Use an https URL of at most 2048 characters.")]
pub struct NotAPicture;

impl Picture {
    /// Reads the URL; nothing is fetched.
    ///
    /// # Errors
    /// [`NotAPicture`] when it has another scheme, no host, a user name, or characters that RFC 3986 §2 leaves out.
    pub fn parse(text: &str) -> Result<Self, NotAPicture> {
        let is_url_byte = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        let uri: Uri = text.parse().map_err(|_| NotAPicture)?;
        let has_host = uri.host().is_some_and(|host| !host.is_empty());
        let has_user = uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'));
        let fine = text.len() <= 2048
            && text.bytes().all(is_url_byte)
            && uri.scheme_str() == Some("https")
            && has_host
            && !has_user;
        if fine {
            Ok(Self(text.into()))
        } else {
            Err(NotAPicture)
        }
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Picture {
    type Error = NotAPicture;

    fn try_from(text: String) -> Result<Self, NotAPicture> {
        Self::parse(&text)
    }
}

/// What to do with a value: a member that is absent leaves it, `null` clears it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Leave it.
    #[default]
    Keep,
    /// Make it this.
    To(Option<T>),
}

impl<T> Change<T> {
    pub(super) fn is_change(&self) -> bool {
        matches!(self, Self::To(_))
    }

    pub(super) fn value(&self) -> Option<&T> {
        match self {
            Self::Keep => None,
            Self::To(value) => value.as_ref(),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::To)
    }
}

/// What to change about a profile.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileChange {
    /// At most 64 characters; `null` clears it.
    #[schema(value_type = Option<String>, max_length = 64)]
    #[serde(default)]
    pub first_name: Change<Name>,
    /// At most 64 characters; `null` clears it.
    #[schema(value_type = Option<String>, max_length = 64)]
    #[serde(default)]
    pub last_name: Change<Name>,
    /// An https URL; `null` clears it.
    #[schema(value_type = Option<String>, max_length = 2048)]
    #[serde(default)]
    pub picture: Change<Picture>,
    /// `en` or `de`; `null` clears it.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub locale: Change<Locale>,
}

impl ProfileChange {
    /// The members that change, for the log, which keeps no values.
    pub(super) fn members(&self) -> String {
        let members = [
            ("firstName", self.first_name.is_change()),
            ("lastName", self.last_name.is_change()),
            ("picture", self.picture.is_change()),
            ("locale", self.locale.is_change()),
        ];
        members
            .into_iter()
            .filter_map(|(name, changes)| changes.then_some(name))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Changes a profile.
///
/// # Errors
/// [`Error::NotFound`] without such a user.
pub async fn update_profile(
    doorward: &Doorward,
    user: &UserId,
    change: &ProfileChange,
    by: Option<UserId>,
    client: &Client,
) -> Result<User> {
    update_by(doorward, user, change, &By::Another(by), client).await
}

/// Changes the caller's own profile.
///
/// # Errors
/// [`Error::Unauthenticated`] when the session has ended since it was checked.
pub(crate) async fn update_own_profile(
    doorward: &Doorward,
    caller: &SignedIn,
    change: &ProfileChange,
    client: &Client,
) -> Result<User> {
    let user = &caller.user().id;
    update_by(doorward, user, change, &By::Owner(caller), client).await
}

async fn update_by(
    doorward: &Doorward,
    user: &UserId,
    change: &ProfileChange,
    by: &By<'_>,
    client: &Client,
) -> Result<User> {
    let now = doorward.clock.now();
    let members = &change.members();
    if members.is_empty() {
        return find(doorward, user)
            .await?
            .map(|account| account.user)
            .ok_or(Error::NotFound);
    }
    doorward
        .db
        .transaction(|mut tx| async move {
            let tx = &mut tx;
            let by = by.confirm(tx, user, now).await?;
            let row = store::update_profile(tx, user, change, now)
                .await?
                .ok_or(Error::NotFound)?;
            let account = with_address(tx, row).await?.ok_or(Error::NotFound)?;
            let event = Event {
                actor: by,
                ..Event::to(Kind::UserUpdated, Some(*user))
            };
            audit::record(tx, doorward, client, event.detail(members), now).await?;
            forget::user(doorward, tx, user).await?;
            Ok(account.user)
        })
        .await
}
