//! A passkey, as the list shows it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_webauthn::Credential;

use super::Held;
use crate::{
    http::extract::CurrentUser,
    pages::{
        device,
        moment::{Form, Moment},
        texts::Key,
        visit::Visit,
    },
    passkeys::Passkey,
    sessions::Device,
    time::Timestamp,
};

/// A passkey, as the list shows it.
pub(super) struct Card {
    pub id: String,
    pub name: String,
    pub kind: Kind,
    pub provider: Option<String>,
    pub created_at: Timestamp,
    pub created: Moment,
    /// With which browser it was made.
    pub made_with: Option<String>,
    pub used: Option<Moment>,
    /// With which browser it was used last; known as long as the session lives that this opened.
    pub used_with: Option<String>,
    /// Whether it opened the session that asks.
    pub is_current: bool,
    /// Whether it was just made.
    pub is_new: bool,
}

impl Card {
    pub(super) fn of(visit: &Visit, user: &CurrentUser, held: &Held, passkey: &Passkey) -> Self {
        let credential = &passkey.credential;
        let last = held
            .opened_with(passkey)
            .find(|session| Some(session.authenticated_at) == passkey.last_used_at);
        let provider = visit.doorward.providers.name(&credential.aaguid);
        Self {
            id: URL_SAFE_NO_PAD.encode(&credential.id),
            name: passkey.name.clone(),
            kind: Kind::of(credential),
            provider: provider.map(str::to_owned),
            created_at: passkey.created_at,
            created: Moment::new(passkey.created_at, Form::Date),
            made_with: passkey.made_with.as_deref().map(|user_agent| {
                let device = Device::parse(user_agent);
                device::name(&visit.t, device)
            }),
            used: passkey
                .last_used_at
                .map(|at| Moment::new(at, Form::Relative)),
            used_with: last.map(|session| device::name(&visit.t, session.device())),
            is_current: user.session().passkey.as_deref() == Some(&credential.id[..]),
            is_new: false,
        }
    }

    /// What is said when it was just made.
    pub(super) fn made(&self, visit: &Visit) -> String {
        match &self.provider {
            Some(provider) => visit
                .t
                .get("passkeys-created-in")
                .with("provider", provider.as_str())
                .to_string(),
            None => visit.say(Key("passkeys-created")),
        }
    }
}

/// Where a passkey works, as far as its authenticator tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Synced,
    NotBackedUp,
    OneDevice,
    SecurityKey,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [
        Self::Synced,
        Self::NotBackedUp,
        Self::OneDevice,
        Self::SecurityKey,
    ];

    fn of(credential: &Credential) -> Self {
        let reached_by = |ways: &[&str]| {
            let mut transports = credential.transports.iter();
            transports.any(|each| ways.contains(&each.as_str()))
        };
        match (credential.backup_eligible, credential.backed_up) {
            (true, true) => Self::Synced,
            (true, false) => Self::NotBackedUp,
            (false, _)
                if reached_by(&["usb", "nfc", "ble", "smart-card"])
                    && !reached_by(&["internal", "hybrid"]) =>
            {
                Self::SecurityKey
            }
            (false, _) => Self::OneDevice,
        }
    }

    /// What the badge says.
    pub(super) const fn badge(self) -> &'static Key {
        match self {
            Self::Synced => &Key("passkeys-synced"),
            Self::NotBackedUp => &Key("passkeys-not-backed-up"),
            Self::OneDevice => &Key("passkeys-one-device"),
            Self::SecurityKey => &Key("passkeys-security-key"),
        }
    }

    /// What that means.
    pub(super) const fn meaning(self) -> &'static Key {
        match self {
            Self::Synced => &Key("passkeys-synced-text"),
            Self::NotBackedUp => &Key("passkeys-not-backed-up-text"),
            Self::OneDevice => &Key("passkeys-one-device-text"),
            Self::SecurityKey => &Key("passkeys-security-key-text"),
        }
    }

    /// The colour of the badge.
    pub(super) const fn tone(self) -> &'static str {
        match self {
            Self::Synced => "success",
            Self::NotBackedUp => "warning",
            Self::OneDevice | Self::SecurityKey => "neutral",
        }
    }

    /// The id of the picture.
    pub(super) const fn icon(self) -> &'static str {
        match self {
            Self::SecurityKey => "i-security-key",
            Self::Synced | Self::NotBackedUp | Self::OneDevice => "i-passkey",
        }
    }
}
