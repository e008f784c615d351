//! Adding passkeys, signing in with them, and removing them.

use doorward_webauthn::testing::{Authenticator, Overrides};
use serde_json::{Value, json};

use super::{
    Actor, Key, Person,
    actor::{Done, Request, opened},
};
use crate::history::{Name, Op, Outcome};

impl Actor {
    pub(crate) async fn add_passkey(&mut self, person: &Person) -> Option<()> {
        let key = self.register(person, None).await?;
        person.known().keys.push(key);
        Some(())
    }

    /// Two people add the same passkey at the same moment: one of them may.
    pub(super) async fn fight_over_passkey(&mut self, person: &Person) -> Option<()> {
        let world = self.world.clone();
        let other = self.chance.pick(&world.people)?;
        let id = self.chance.next().to_be_bytes();
        let mut twin = self.twin();
        let (one, two) = tokio::join!(
            self.register(person, Some(&id)),
            twin.register(other, Some(&id))
        );
        for (person, key) in [(person, one), (other, two)] {
            person.known().keys.extend(key);
        }
        Some(())
    }

    async fn register(&mut self, person: &Person, id: Option<&[u8]>) -> Option<Key> {
        let user = person.known().user.clone()?;
        let (_, token) = self.any_session(person)?;
        let options = Request {
            method: "POST",
            path: "/auth/passkeys/register/options",
            token: Some(&token),
            body: None,
        };
        let options = self.look(options).await?;
        let mut authenticator = Authenticator::new(self.chance.next());
        let overrides = Overrides {
            credential_id: id.map(<[u8]>::to_vec),
            ..Overrides::default()
        };
        let response = authenticator.create_with(&options, &self.world.origin, &overrides);
        let credential: Name = response["id"].as_str()?.into();
        let request = Request {
            method: "POST",
            path: "/auth/passkeys/register/verify",
            token: Some(&token),
            body: Some(response),
        };
        let tell = |_: &Value| Op::AddPasskey {
            user,
            credential: credential.clone(),
        };
        let done = self.perform(request, tell).await?;
        // One that may have been added is worth a try.
        (done.outcome != Outcome::Fail).then_some(Key {
            credential,
            authenticator,
        })
    }

    pub(crate) async fn sign_in_by_passkey(&mut self, person: &Person) -> Option<()> {
        let key = self.chance.pick(&person.known().keys)?.clone();
        let (challenge, assertion) = self.assert(&key).await?;
        let done = if self.chance.once_in(8) {
            let mut twin = self.twin();
            let (one, other) = tokio::join!(
                self.present(person, &key, &challenge, &assertion),
                twin.present(person, &key, &challenge, &assertion)
            );
            [one, other]
                .into_iter()
                .flatten()
                .find(|done| done.outcome == Outcome::Ok)?
        } else {
            self.present(person, &key, &challenge, &assertion).await?
        };
        if let Some(opened) = opened(&done.json) {
            person.opened(&opened.user, opened.session);
        }
        if done.outcome == Outcome::Unknown || self.chance.once_in(6) {
            let done = self.present(person, &key, &challenge, &assertion).await?;
            if let Some(opened) = opened(&done.json) {
                person.opened(&opened.user, opened.session);
            }
        }
        Some(())
    }

    /// Tries a passkey that was removed.
    pub(super) async fn use_removed_passkey(&mut self, person: &Person) -> Option<()> {
        let key = self.chance.pick(&person.known().removed)?.clone();
        let (challenge, assertion) = self.assert(&key).await?;
        self.present(person, &key, &challenge, &assertion)
            .await
            .map(drop)
    }

    /// A fresh assertion, and its challenge.
    async fn assert(&mut self, key: &Key) -> Option<(Name, Value)> {
        let options = Request {
            method: "POST",
            path: "/auth/passkeys/authenticate/options",
            token: None,
            body: None,
        };
        let options = self.look(options).await?;
        let challenge = options["challenge"].as_str()?.into();
        let mut authenticator = key.authenticator.clone();
        let assertion = authenticator.get(&options, &self.world.origin);
        Some((challenge, assertion))
    }

    async fn present(
        &mut self,
        person: &Person,
        key: &Key,
        challenge: &Name,
        assertion: &Value,
    ) -> Option<Done> {
        let user = person.known().user.clone()?;
        let request = Request {
            method: "POST",
            path: "/auth/passkeys/authenticate/verify",
            token: None,
            body: Some(assertion.clone()),
        };
        let tell = |json: &Value| Op::SignIn {
            user,
            credential: key.credential.clone(),
            challenge: challenge.clone(),
            opened: opened(json),
        };
        let done = self.perform(request, tell).await?;
        self.keep_token(&done.json);
        Some(done)
    }

    pub(super) async fn remove_passkey(&mut self, person: &Person) -> Option<()> {
        let user = person.known().user.clone()?;
        let key = self.chance.pick(&person.known().keys)?.clone();
        let (own, token) = self.any_session(person)?;
        let request = Request {
            method: "DELETE",
            path: &format!("/auth/passkeys/{}", key.credential),
            token: Some(&token),
            body: Some(json!({})),
        };
        let tell = |_: &Value| Op::RemovePasskey {
            user,
            credential: key.credential.clone(),
            own,
        };
        let done = self.perform(request, tell).await?;
        if done.outcome == Outcome::Ok {
            let mut known = person.known();
            known.keys.retain(|kept| kept.credential != key.credential);
            known.removed.push(key);
        }
        Some(())
    }
}
