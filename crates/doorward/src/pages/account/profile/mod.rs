//! `/account/profile`: what people say of themselves, and how the pages look to them.

mod data;
mod delete;
mod email;
mod form;

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::StatusCode;

use self::form::{Choice, NameField, ProfileForm, name};
use super::Header;
use crate::{
    Doorward,
    error::Result,
    http::extract::CurrentUser,
    pages::{
        alert::Alert,
        cookies::Kept,
        flash::Flash,
        form::Form,
        language::Language,
        layout::Frame,
        page::{A_YEAR, Go, Page},
        texts::{Key, Texts},
        visit::Visit,
    },
    passkeys::{self, offer},
    users::{self, Change, Name, ProfileChange},
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new()
        .route("/account/profile", get(show).post(save))
        .merge(email::routes())
        .merge(data::routes())
        .merge(delete::routes())
}

#[derive(Template)]
#[template(path = "account/profile.html")]
struct Profile<'a> {
    frame: Frame,
    t: Texts,
    header: Header,
    alert: Option<Alert>,
    status: Option<String>,
    /// What the script tells password managers, where something they show may have changed.
    signals: Option<String>,
    names: [NameField<'a>; 2],
    languages: Vec<Choice<'a>>,
    appearances: [Choice<'a>; 3],
    offers: bool,
}

async fn show(State(doorward): State<Doorward>, visit: Visit, user: CurrentUser) -> Result<Page> {
    let offers = offer::are_wanted(&doorward, &user.user().id).await?;
    page(&visit, &user, &ProfileForm::of(&visit, &user, offers)).await
}

async fn page(visit: &Visit, user: &CurrentUser, form: &ProfileForm) -> Result<Page> {
    let names = form.names();
    let wrong = names.iter().find(|field| field.is_wrong);
    let alert = wrong.map(|field| Alert::new(visit.say(Key("profile-name-invalid"))).at(field.id));
    // What there is to say here is that something was changed.
    let signals = match &visit.flash {
        Some(_) => {
            let signals = passkeys::signals(&visit.doorward, &user.user().id).await?;
            Some(signals.text()?)
        }
        None => None,
    };
    visit.page(&Profile {
        frame: visit.frame("dw-account").with_error(alert.is_some()),
        header: Header::of(visit, user),
        t: visit.t.clone(),
        alert,
        status: visit.notice(),
        signals,
        names,
        languages: form.languages(visit),
        appearances: form.appearances(visit),
        offers: form.offers,
    })
}

async fn save(
    State(doorward): State<Doorward>,
    visit: Visit,
    user: CurrentUser,
    Form(form): Form<ProfileForm>,
) -> Result<Response> {
    let (Ok(first), Ok(last)) = (name(&form.first_name), name(&form.last_name)) else {
        let page = page(&visit, &user, &form).await?;
        return Ok(page
            .status(StatusCode::UNPROCESSABLE_ENTITY)
            .into_response());
    };
    let now = user.user();
    let change = ProfileChange {
        first_name: changed(stored(now.first_name.as_ref()).as_ref(), first),
        last_name: changed(stored(now.last_name.as_ref()).as_ref(), last),
        locale: changed(now.locale.as_ref(), form.locale()),
        ..ProfileChange::default()
    };
    users::update_own_profile(&doorward, &user, &change, &visit.client).await?;
    match (offer::are_wanted(&doorward, &now.id).await?, form.offers) {
        (false, true) => offer::resume(&doorward, &now.id).await?,
        (true, false) => offer::stop(&doorward, &now.id).await?,
        _ => {}
    }
    let keep = |which: Kept, value: Option<&str>| match value {
        Some(value) => which.set(visit.config(), value, A_YEAR),
        None => which.clear(visit.config()),
    };
    let language = form.locale().map(|locale| Language::from(locale).tag());
    let go = Go::to("/account/profile")
        .cookie(keep(Kept::Language, language)?)
        .cookie(keep(Kept::Appearance, form.appearance())?)
        .saying(&visit, &Flash::new(Key("profile-saved")))?;
    Ok(go.into_response())
}

/// Only what is another than before is a change: the log tells of changes.
fn changed<T: PartialEq>(from: Option<&T>, to: Option<T>) -> Change<T> {
    if from == to.as_ref() {
        Change::Keep
    } else {
        Change::To(to)
    }
}

fn stored(name: Option<&String>) -> Option<Name> {
    name.and_then(|name| Name::parse(name).ok())
}
