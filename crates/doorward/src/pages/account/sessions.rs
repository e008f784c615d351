//! `/account/sessions`: the devices where someone is signed in, and signing out there.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;

use super::Header;
use crate::{
    Doorward,
    error::Result,
    http::extract::CurrentUser,
    pages::{
        device,
        flash::Flash,
        form::Form,
        layout::Frame,
        moment::{self, Moment},
        page::{Go, Page},
        texts::{Key, Texts},
        visit::Visit,
    },
    passkeys::{self, Passkey},
    sessions::{self, Method, Session},
    time::Span,
};

/// Whoever was seen in these last minutes is there now: last use is known by the minute only.
const NOW: Span = Span::minutes(5);

pub(super) fn routes() -> Router<Doorward> {
    Router::new()
        .route("/account/sessions", get(show).post(end))
        .route("/account/sessions/others", get(ask).post(end_others))
}

#[derive(Template)]
#[template(path = "account/sessions.html")]
struct Sessions {
    frame: Frame,
    t: Texts,
    header: Header,
    status: Option<String>,
    devices: Vec<Device>,
    /// How many there are beside this one.
    others: usize,
}

/// A session, as people see it: the device that is signed in.
struct Device {
    id: String,
    name: String,
    icon: &'static str,
    is_current: bool,
    /// `None` when it is there now.
    last_seen: Option<Moment>,
    /// What the button says to whoever does not see beside what it stands.
    end: String,
    /// "Signed in 4 May with a passkey (Apple Passwords)", around the date.
    signed_in: (String, Moment, String),
    address: Option<String>,
    user_agent: Option<String>,
    opened: Moment,
    proved: Moment,
    seen: Moment,
    ends: Moment,
}

async fn show(State(doorward): State<Doorward>, visit: Visit, user: CurrentUser) -> Result<Page> {
    let own = user.session().id;
    let mut sessions = sessions::of_user(&doorward, &user.user().id).await?;
    sessions.sort_by_key(|session| session.id != own);
    let passkeys = passkeys::of_user(&doorward, &user.user().id).await?;
    visit.page(&Sessions {
        frame: visit.frame("dw-account"),
        header: Header::of(&visit, &user),
        t: visit.t.clone(),
        status: visit.notice(),
        others: sessions.len().saturating_sub(1),
        devices: sessions
            .iter()
            .map(|session| Device::of(&visit, session, session.id == own, &passkeys))
            .collect(),
    })
}

impl Device {
    fn of(visit: &Visit, session: &Session, is_current: bool, passkeys: &[Passkey]) -> Self {
        let now = visit.doorward.clock.now();
        let name = device::name(&visit.t, session.device());
        let full = |at| Moment::new(at, moment::Form::Full);
        Self {
            id: session.id.to_string(),
            icon: device::icon(session.device()),
            is_current,
            last_seen: (!is_current && session.last_seen_at() + NOW <= now)
                .then(|| Moment::new(session.last_seen_at(), moment::Form::Relative)),
            end: match &session.ip {
                Some(ip) => visit
                    .t
                    .get("sessions-end-from")
                    .with("device", name.as_str())
                    .with("address", ip.to_string())
                    .to_string(),
                None => visit
                    .t
                    .get("sessions-end-device")
                    .with("device", name.as_str())
                    .to_string(),
            },
            name,
            signed_in: signed_in(&visit.t, session, passkeys),
            address: session.ip.map(|ip| ip.to_string()),
            user_agent: session
                .user_agent
                .as_ref()
                .map(|agent| agent.as_str().to_owned()),
            opened: full(session.created_at),
            proved: full(session.authenticated_at),
            seen: full(session.last_seen_at()),
            ends: full(session.expires_at),
        }
    }
}

/// When and how its owner last proved who they are. A passkey that is gone has no name any more.
fn signed_in(t: &Texts, session: &Session, passkeys: &[Passkey]) -> (String, Moment, String) {
    let passkey = passkeys
        .iter()
        .find(|passkey| session.passkey.as_deref() == Some(&passkey.credential.id[..]));
    let text = match (session.method, passkey) {
        (Method::Otp, _) => t.get("sessions-signed-in-otp"),
        (Method::Passkey, None) => t.get("sessions-signed-in-passkey"),
        (Method::Passkey, Some(passkey)) => t
            .get("sessions-signed-in-passkey-named")
            .with("name", passkey.name.as_str()),
    };
    let (before, after) = text.around("date");
    let date = Moment::new(session.authenticated_at, moment::Form::Date);
    (before, date, after)
}

/// Which device to sign out.
#[derive(Deserialize)]
struct EndForm {
    session: String,
}

async fn end(
    State(doorward): State<Doorward>,
    visit: Visit,
    user: CurrentUser,
    Form(form): Form<EndForm>,
) -> Result<Response> {
    let sessions = sessions::of_user(&doorward, &user.user().id).await?;
    let named = sessions
        .iter()
        .find(|session| session.id.to_string() == form.session);
    let list = Go::to("/account/sessions");
    Ok(match named {
        // It has ended already, or was never the caller's: the list shows what there is.
        None => list.into_response(),
        Some(session) if session.id == user.session().id => Go::to("/sign-out").into_response(),
        Some(session) => {
            sessions::revoke(&doorward, &user, &session.id, &visit.client).await?;
            let said = signed_out(&visit.t, session);
            list.saying(&visit, &said)?.into_response()
        }
    })
}

fn signed_out(t: &Texts, session: &Session) -> Flash {
    let name = device::name(t, session.device());
    Flash::new(Key("sessions-ended")).with("device", name)
}

/// The page that asks before several devices are signed out. With scripts the list has it as a dialog.
#[derive(Template)]
#[template(path = "account/sessions_others.html")]
struct EndOthers {
    frame: Frame,
    t: Texts,
    header: Header,
    others: usize,
}

async fn ask(
    State(doorward): State<Doorward>,
    visit: Visit,
    user: CurrentUser,
) -> Result<Response> {
    let sessions = sessions::of_user(&doorward, &user.user().id).await?;
    let others = sessions.len().saturating_sub(1);
    if others == 0 {
        return Ok(Go::to("/account/sessions").into_response());
    }
    let view = EndOthers {
        frame: visit.frame("dw-account"),
        header: Header::of(&visit, &user),
        t: visit.t.clone(),
        others,
    };
    Ok(visit.page(&view)?.into_response())
}

/// A form that has nothing in it but its button.
#[derive(Deserialize)]
struct Nothing {}

async fn end_others(
    State(doorward): State<Doorward>,
    visit: Visit,
    user: CurrentUser,
    Form(Nothing {}): Form<Nothing>,
) -> Result<impl IntoResponse> {
    let mut others = sessions::of_user(&doorward, &user.user().id).await?;
    others.retain(|session| session.id != user.session().id);
    let ended = sessions::revoke_others(&doorward, &user, &visit.client).await?;
    let said = match (ended, others.as_slice()) {
        (0, _) => Flash::new(Key("sessions-ended-none")),
        (1, [one]) => signed_out(&visit.t, one),
        (count, _) => Flash::new(Key("sessions-ended-several")).count(count),
    };
    Go::to("/account/sessions").saying(&visit, &said)
}
