//! What happened to an account, as its owner reads it. Templates include `account/event.html` for each.

use crate::{
    audit::{Kind, Recorded},
    pages::{
        device,
        moment::{Form, Moment},
        texts::{Key, Texts},
    },
    sessions::{Method, SignedIn},
};

/// An event, in words.
pub(super) struct Entry {
    pub text: String,
    pub icon: &'static str,
    pub at: Moment,
    /// By whom, if not by the owner: "By an administrator".
    pub by: Option<String>,
    /// Where it was done; nobody learns where an administrator works.
    pub device: Option<String>,
    pub address: Option<String>,
    /// Whether it was done in the session that reads it.
    pub is_here: bool,
    /// Whether someone was let in, so that the owner may say that it was somebody else.
    pub is_sign_in: bool,
}

/// What is said of each kind of event that can happen to someone.
const SENTENCES: [(Kind, Key); 18] = [
    (Kind::SignedIn, Key("event-signed-in")),
    (Kind::SignInFailed, Key("event-sign-in-failed")),
    (Kind::SignedOut, Key("event-signed-out")),
    (Kind::SessionRevoked, Key("event-session-revoked")),
    (Kind::SessionEvicted, Key("event-session-evicted")),
    (Kind::PasskeyAdded, Key("event-passkey-added")),
    (Kind::PasskeyRenamed, Key("event-passkey-renamed")),
    (Kind::PasskeyRemoved, Key("event-passkey-removed")),
    (Kind::CounterRegression, Key("event-counter-regression")),
    (Kind::UserCreated, Key("event-user-created")),
    (Kind::UserInvited, Key("event-user-invited")),
    (Kind::UserUpdated, Key("event-user-updated")),
    (Kind::EmailChanged, Key("event-email-changed")),
    (Kind::UserDisabled, Key("event-user-disabled")),
    (Kind::UserEnabled, Key("event-user-enabled")),
    (Kind::RoleGranted, Key("event-role-granted")),
    (Kind::RoleRevoked, Key("event-role-revoked")),
    (Kind::AccessDenied, Key("event-access-denied")),
];

impl Entry {
    pub(super) fn of(t: &Texts, event: &Recorded, reader: &SignedIn) -> Self {
        let is_own = event.actor == Some(reader.user().id);
        let by = (!is_own && !event.is_strangers()).then(|| t.get("event-by-administrator"));
        let place = by.is_none();
        Self {
            text: sentence(t, event),
            icon: icon(&event.kind),
            at: Moment::new(event.at, Form::Relative),
            device: event
                .device
                .as_deref()
                .filter(|_| place)
                .map(|name| device::recorded(t, name)),
            address: event.ip.clone().filter(|_| place),
            by: by.map(|text| text.to_string()),
            is_here: is_own && event.session_id == Some(reader.session().id),
            is_sign_in: event.is(Kind::SignedIn),
        }
    }
}

fn sentence(t: &Texts, event: &Recorded) -> String {
    let detail = event.detail.as_deref().unwrap_or_default();
    t.get(&key(event)).with("detail", detail).to_string()
}

fn key(event: &Recorded) -> Key {
    if event.is(Kind::SignedIn) && event.method.as_deref() == Some(Method::Passkey.name()) {
        return Key("event-signed-in-passkey");
    }
    if event.is(Kind::SessionRevoked) && event.detail.as_deref() == Some("all") {
        return Key("event-all-sessions-revoked");
    }
    let known = SENTENCES.iter().find(|(kind, _)| event.is(*kind));
    // What a later version has told of is something all the same.
    known.map_or(Key("event-other"), |(_, key)| *key)
}

/// The picture of a family of events, by the name of the kind.
fn icon(kind: &str) -> &'static str {
    let families = [
        ("authn_login", "i-sign-in"),
        ("authn_", "i-passkey"),
        ("session_", "i-sign-out"),
        ("user_email", "i-mail"),
        ("user_", "i-person"),
        ("privilege_", "i-person"),
    ];
    let of_kind = families.iter().find(|(start, _)| kind.starts_with(start));
    of_kind.map_or("i-history", |(_, icon)| icon)
}
