//! `/account/passkeys/{pid}`: what a passkey is called.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::StatusCode;
use serde::Deserialize;

use super::{Header, Held, LIST};
use crate::{
    Doorward,
    error::{Error, Result},
    http::extract::{CurrentUser, Path},
    pages::{
        alert::Alert,
        flash::Flash,
        form::Form,
        layout::Frame,
        page::{Go, Page},
        texts::{Key, Texts},
        visit::Visit,
    },
    passkeys::{self, Name, http::credential_id},
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new().route("/account/passkeys/{pid}", get(show).post(save))
}

#[derive(Template)]
#[template(path = "account/passkey_rename.html")]
struct Rename {
    frame: Frame,
    t: Texts,
    header: Header,
    alert: Option<Alert>,
    id: String,
    name: String,
}

fn page(
    visit: &Visit,
    user: &CurrentUser,
    id: String,
    name: String,
    alert: Option<Alert>,
) -> Result<Page> {
    visit.page(&Rename {
        frame: visit.frame("dw-account").with_error(alert.is_some()),
        header: Header::of(visit, user),
        t: visit.t.clone(),
        alert,
        id,
        name,
    })
}

async fn show(
    State(doorward): State<Doorward>,
    visit: Visit,
    user: CurrentUser,
    Path(id): Path<String>,
) -> Result<Page> {
    let held = Held::of(&doorward, &user).await?;
    let name = held.find(&id)?.name.clone();
    page(&visit, &user, id, name, None)
}

#[derive(Deserialize)]
struct NameForm {
    name: String,
}

async fn save(
    State(doorward): State<Doorward>,
    visit: Visit,
    user: CurrentUser,
    Path(id): Path<String>,
    Form(form): Form<NameForm>,
) -> Result<Response> {
    let name = match Name::parse(&form.name) {
        Ok(name) => name,
        Err(Error::InvalidField { .. }) => {
            let alert = Alert::new(visit.say(Key("rename-invalid"))).at("name");
            let page = page(&visit, &user, id, form.name, Some(alert))?;
            return Ok(page
                .status(StatusCode::UNPROCESSABLE_ENTITY)
                .into_response());
        }
        Err(error) => return Err(error),
    };
    let credential = credential_id(&id)?;
    passkeys::rename(&doorward, &user, &credential, &name, &visit.client).await?;
    let go = Go::to(LIST).saying(&visit, &Flash::new(Key("passkeys-renamed")))?;
    Ok(go.into_response())
}
