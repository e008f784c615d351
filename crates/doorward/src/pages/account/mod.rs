//! The account: `/account` and what is below it. Each page has a file; what is around all of them stands here.

mod activity;
mod event;
mod overview;
mod passkeys;
mod profile;
mod sessions;

use axum::Router;

use super::{texts::Key, visit::Visit};
use crate::{Doorward, http::extract::CurrentUser};

pub(super) fn routes() -> Router<Doorward> {
    overview::routes()
        .merge(passkeys::routes())
        .merge(profile::routes())
        .merge(activity::routes())
        .merge(sessions::routes())
}

/// The header of the account's pages: whose account it is, and the way to the other pages. Templates call it `header`
/// and extend `account.html`.
pub(super) struct Header {
    pub email: String,
    pub links: Vec<Link>,
}

/// A link of the header.
pub(super) struct Link {
    pub href: &'static str,
    pub text: String,
    /// `page` for the page itself, `true` for one that belongs to it.
    pub current: Option<&'static str>,
}

/// The pages of the account that have others below them, and `/account` itself.
const SECTIONS: [(&str, Key); 5] = [
    ("/account", Key("account-nav-overview")),
    ("/account/passkeys", Key("account-nav-passkeys")),
    ("/account/sessions", Key("account-nav-sessions")),
    ("/account/profile", Key("account-nav-profile")),
    ("/account/activity", Key("account-nav-activity")),
];

impl Header {
    pub(super) fn of(visit: &Visit, user: &CurrentUser) -> Self {
        let path = visit.look.path.as_str();
        let link = |(href, key): (&'static str, Key)| {
            let below = path.strip_prefix(href);
            let current = match below {
                Some("") => Some("page"),
                Some(rest) if rest.starts_with('/') && href != "/account" => Some("true"),
                _ => None,
            };
            Link {
                href,
                text: visit.say(key),
                current,
            }
        };
        Self {
            email: user.user().email.to_string(),
            links: SECTIONS.into_iter().map(link).collect(),
        }
    }
}
