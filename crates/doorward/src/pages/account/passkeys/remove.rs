//! `/account/passkeys/{pid}/remove`: asks before a passkey goes. The list asks the same in a dialog.

use askama::Template;
use axum::{Router, extract::State, response::IntoResponse, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Header, Held, LIST, Nothing};
use crate::{
    Doorward,
    error::{Error, Result},
    http::extract::{CurrentUser, Fresh, Path},
    pages::{
        flash::Flash,
        form::Form,
        layout::Frame,
        page::{Go, Page},
        texts::{Key, Texts},
        visit::Visit,
    },
    passkeys::{self, Passkey},
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new().route("/account/passkeys/{pid}/remove", get(ask).post(remove))
}

/// What to know before a passkey is removed.
pub(super) struct Removal {
    pub id: String,
    pub name: String,
    /// Whether policy allows it.
    pub is_allowed: bool,
    /// Whether making another one first is advised.
    pub is_only: bool,
    /// What comes of it, in words.
    pub says: Vec<String>,
}

impl Removal {
    pub(super) fn of(visit: &Visit, user: &CurrentUser, held: &Held, passkey: &Passkey) -> Self {
        let doorward = &visit.doorward;
        let count = held.passkeys.len();
        let removal = Self {
            id: URL_SAFE_NO_PAD.encode(&passkey.credential.id),
            name: passkey.name.clone(),
            is_allowed: passkeys::may_remove(doorward, user, user.access(), count),
            is_only: count == 1,
            says: Vec::new(),
        };
        if !removal.is_allowed {
            let says = vec![visit.say(Key("remove-denied"))];
            return Self { says, ..removal };
        }
        let mut says = vec![visit.say(Key("remove-text"))];
        if removal.is_only {
            let email = user.user().email.as_str();
            let text = visit.t.get("remove-only").with("email", email);
            says.push(text.to_string());
        }
        if held.is_bound(Some(passkey)) {
            says.push(visit.say(Key("remove-leaves-bound")));
        }
        let own = user.session();
        if own.passkey.as_deref() == Some(&passkey.credential.id[..]) {
            says.push(visit.say(Key("remove-current")));
        }
        let others = held.opened_with(passkey).filter(|each| each.id != own.id);
        let others = others.count();
        if others > 0 {
            let text = visit.t.get("remove-others").with("count", others);
            says.push(text.to_string());
        }
        Self { says, ..removal }
    }
}

#[derive(Template)]
#[template(path = "account/passkey_remove.html")]
struct Remove {
    frame: Frame,
    t: Texts,
    header: Header,
    removal: Removal,
}

async fn ask(
    State(doorward): State<Doorward>,
    visit: Visit,
    Fresh(user): Fresh,
    Path(id): Path<String>,
) -> Result<Page> {
    page(&doorward, &visit, &user, &id).await
}

async fn page(doorward: &Doorward, visit: &Visit, user: &CurrentUser, id: &str) -> Result<Page> {
    let held = Held::of(doorward, user).await?;
    visit.page(&Remove {
        frame: visit.frame("dw-account"),
        header: Header::of(visit, user),
        t: visit.t.clone(),
        removal: Removal::of(visit, user, &held, held.find(id)?),
    })
}

async fn remove(
    State(doorward): State<Doorward>,
    visit: Visit,
    Fresh(user): Fresh,
    Path(id): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<impl IntoResponse> {
    let held = Held::of(&doorward, &user).await?;
    let passkey = held.find(&id)?;
    match passkeys::remove(&doorward, &user, &passkey.credential.id, &visit.client).await {
        Ok(()) => {
            let removed = Flash::new(Key("passkeys-removed")).with("name", passkey.name.as_str());
            Ok(Go::to(LIST).saying(&visit, &removed)?.into_response())
        }
        // The last of two went meanwhile; the page says why this one stays.
        Err(error @ Error::LastCredential) => {
            let (status, _) = error.answer();
            let page = page(&doorward, &visit, &user, &id).await?;
            Ok(page.status(status).into_response())
        }
        Err(error) => Err(error),
    }
}
