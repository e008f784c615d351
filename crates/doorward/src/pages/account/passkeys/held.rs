//! The caller's passkeys with what hangs on them, read once for a page.

use doorward_webauthn::Credential;

use super::Removal;
use crate::{
    Doorward,
    error::{Error, Result},
    http::extract::CurrentUser,
    pages::visit::Visit,
    passkeys::{self, Passkey, http::credential_id},
    sessions::{self, Session},
};

/// The caller's passkeys, newest first, and their live sessions.
pub(super) struct Held {
    pub passkeys: Vec<Passkey>,
    sessions: Vec<Session>,
}

impl Held {
    pub(super) async fn of(doorward: &Doorward, user: &CurrentUser) -> Result<Self> {
        let id = &user.user().id;
        Ok(Self {
            passkeys: passkeys::of_user(doorward, id).await?,
            sessions: sessions::of_user(doorward, id).await?,
        })
    }

    /// The passkey that a path names.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not the caller's.
    pub(super) fn find(&self, id: &str) -> Result<&Passkey> {
        let id = credential_id(id)?;
        self.passkeys
            .iter()
            .find(|passkey| passkey.credential.id == id)
            .ok_or(Error::NotFound)
    }

    /// The live sessions that were opened with a passkey.
    pub(super) fn opened_with(&self, passkey: &Passkey) -> impl Iterator<Item = &Session> {
        let id = passkey.credential.id.as_slice();
        self.sessions
            .iter()
            .filter(move |session| session.passkey.as_deref() == Some(id))
    }

    /// Whether there are passkeys beside this one, and each is tied to one device.
    pub(super) fn is_bound(&self, without: Option<&Passkey>) -> bool {
        let mut others = self
            .passkeys
            .iter()
            .map(|passkey| &passkey.credential)
            .filter(|credential| without.is_none_or(|each| each.credential.id != credential.id))
            .peekable();
        let can_be_copied = |credential: &Credential| credential.backup_eligible;
        others.peek().is_some() && !others.any(can_be_copied)
    }

    pub(super) fn removals(
        &self,
        visit: &Visit,
        user: &CurrentUser,
    ) -> impl Iterator<Item = Removal> {
        self.passkeys
            .iter()
            .map(|passkey| Removal::of(visit, user, self, passkey))
    }
}
