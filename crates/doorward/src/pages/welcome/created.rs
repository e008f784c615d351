//! `/welcome/passkey/created`: the passkey that came of an offer, and a name for it.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use serde::Deserialize;

use crate::{
    Doorward,
    error::{Error, Result},
    http::extract::{CurrentUser, Query},
    metrics::Offered,
    pages::{
        alert::Alert,
        arrival::{Arrival, from_a_form},
        flash::Flash,
        form::{self, Form},
        layout::Frame,
        memory::Memory,
        page::{Go, Page},
        texts::{Key, Texts},
        visit::Visit,
    },
    passkeys::{self, Name, Passkey},
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new().route("/welcome/passkey/created", get(show).post(rename))
}

#[derive(Template)]
#[template(path = "welcome/created.html")]
struct Created {
    frame: Frame,
    t: Texts,
    alert: Option<Alert>,
    status: Option<String>,
    /// Where it is saved, if that is known.
    provider: Option<String>,
    id: String,
    name: String,
    arrival: Arrival,
    /// Where it goes on.
    onward: String,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    created: String,
    #[serde(default)]
    return_to: Option<String>,
}

async fn show(
    State(doorward): State<Doorward>,
    visit: Visit,
    user: CurrentUser,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let arrival = Arrival::read(&visit, asked.return_to.as_deref(), None, None);
    let Some(passkey) = named(&doorward, &user, &asked.created).await? else {
        return Ok(Go::to(arrival.destination().as_str()).into_response());
    };
    let mut memory = Memory::of(&visit);
    let here = memory.of_account(&user.user().id);
    // Looked at again, it is still one.
    if !here.has_passkey {
        here.has_passkey = true;
        doorward.metrics.offered_passkey(Offered::Created);
    }
    let name = passkey.name.clone();
    let page = page(&visit, &passkey, name, arrival, None)?;
    Ok(page.cookie(memory.cookie(&visit)?).into_response())
}

/// The passkey of this id, if it is the caller's.
async fn named(doorward: &Doorward, user: &CurrentUser, id: &str) -> Result<Option<Passkey>> {
    let passkeys = passkeys::of_user(doorward, &user.user().id).await?;
    Ok(passkeys.into_iter().find(|each| text(each) == id))
}

fn text(passkey: &Passkey) -> String {
    URL_SAFE_NO_PAD.encode(&passkey.credential.id)
}

fn page(
    visit: &Visit,
    passkey: &Passkey,
    name: String,
    arrival: Arrival,
    alert: Option<Alert>,
) -> Result<Page> {
    let provider = visit.doorward.providers.name(&passkey.credential.aaguid);
    visit.page(&Created {
        frame: visit.frame("dw-auth").with_error(alert.is_some()),
        t: visit.t.clone(),
        alert,
        status: visit.notice(),
        provider: provider.map(str::to_owned),
        id: text(passkey),
        name,
        onward: arrival.destination().as_str().to_owned(),
        arrival,
    })
}

#[derive(Deserialize)]
struct NameForm {
    created: String,
    name: String,
    #[serde(default)]
    return_to: Option<String>,
}

async fn rename(
    State(doorward): State<Doorward>,
    visit: Visit,
    user: CurrentUser,
    Form(form): Form<NameForm>,
) -> Result<Response> {
    let arrival = Arrival::read(&visit, form.return_to.as_deref(), None, None);
    let Some(passkey) = named(&doorward, &user, &form.created).await? else {
        return Ok(from_a_form(&arrival.destination()).into_response());
    };
    let Ok(name) = Name::parse(&form.name) else {
        let alert = Alert::new(visit.say(Key("welcome-name-invalid"))).at("name");
        let page = page(&visit, &passkey, form.name, arrival, Some(alert))?;
        return Ok(page
            .status(StatusCode::UNPROCESSABLE_ENTITY)
            .into_response());
    };
    let id = &passkey.credential.id;
    match passkeys::rename(&doorward, &user, id, &name, &visit.client).await {
        // Removed meanwhile, it needs no name.
        Ok(_) | Err(Error::NotFound) => {}
        Err(error) => return Err(error),
    }
    let here = arrival.address("/welcome/passkey/created");
    let sign = if here.contains('?') { '&' } else { '?' };
    let created = form::encoded(&form.created);
    let go = Go::to(format!("{here}{sign}created={created}"))
        .saying(&visit, &Flash::new(Key("welcome-name-saved")))?;
    Ok(go.into_response())
}
