//! `/account/profile/delete`: the end of an account; and `/account/deleted`, which says that it has come.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::StatusCode;
use serde::Deserialize;

use crate::{
    Doorward,
    error::{Error, Result},
    http::extract::{CurrentUser, Fresh},
    jobs,
    pages::{
        account::Header,
        alert::Alert,
        cookies::Kept,
        ending::signed_out,
        flash::Flash,
        form::Form,
        layout::Frame,
        page::{Go, Page},
        texts::{Key, Texts},
        visit::Visit,
    },
    passkeys,
    time::Span,
    users,
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new()
        .route("/account/profile/delete", get(ask).post(delete))
        .route("/account/deleted", get(say_so))
}

#[derive(Template)]
#[template(path = "account/delete.html")]
struct Delete {
    frame: Frame,
    t: Texts,
    header: Header,
    alert: Option<Alert>,
    sure_is_missing: bool,
    /// How long the log keeps what happened.
    days: i64,
}

async fn ask(visit: Visit, Fresh(user): Fresh) -> Result<Page> {
    page(&visit, &user, None)
}

fn page(visit: &Visit, user: &CurrentUser, alert: Option<Alert>) -> Result<Page> {
    visit.page(&Delete {
        frame: visit.frame("dw-account").with_error(alert.is_some()),
        header: Header::of(visit, user),
        t: visit.t.clone(),
        sure_is_missing: alert.as_ref().is_some_and(|alert| alert.field.is_some()),
        alert,
        days: jobs::EVENTS.as_millis() / Span::days(1).as_millis(),
    })
}

#[derive(Deserialize)]
struct DeleteForm {
    #[serde(default)]
    sure: bool,
}

async fn delete(
    State(doorward): State<Doorward>,
    visit: Visit,
    Fresh(user): Fresh,
    Form(form): Form<DeleteForm>,
) -> Result<Response> {
    let again = |alert| {
        let page = page(&visit, &user, Some(alert))?;
        Ok(page
            .status(StatusCode::UNPROCESSABLE_ENTITY)
            .into_response())
    };
    if !form.sure {
        return again(Alert::new(visit.say(Key("delete-sure-missing"))).at("sure"));
    }
    let id = user.user().id;
    // Afterwards nobody knows any more what password managers call the account.
    let signals = passkeys::signals(&doorward, &id).await?.without_passkeys();
    match users::erase_own(&doorward, &user, &visit.client).await {
        Ok(()) => {}
        Err(Error::LastAdmin) => return again(Alert::new(visit.say(Key("delete-last-admin")))),
        Err(error) => return Err(error),
    }
    let flash = Flash::new(Key("deleted-title")).with("signals", signals.text()?);
    let go = signed_out(&visit, "/account/deleted")?
        .cookie(Kept::LastMethod.clear(visit.config())?)
        .saying(&visit, &flash)?;
    Ok(go.into_response())
}

#[derive(Template)]
#[template(path = "account/deleted.html")]
struct Deleted {
    frame: Frame,
    t: Texts,
    /// What the script tells password managers: that none of the passkeys works.
    signals: String,
}

async fn say_so(visit: Visit) -> Result<Response> {
    let flash = visit.flash.as_ref();
    let flash = flash.filter(|flash| flash.is(Key("deleted-title")));
    let Some(signals) = flash.and_then(|flash| flash.arg("signals")) else {
        return Ok(Go::to("/sign-in").into_response());
    };
    let view = Deleted {
        frame: visit.frame("dw-auth"),
        t: visit.t.clone(),
        signals: signals.to_owned(),
    };
    Ok(visit.page(&view)?.into_response())
}
