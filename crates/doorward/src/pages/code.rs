//! `/sign-in/code`: the code that was mailed, and another one.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use serde::Deserialize;

use super::{
    alert::Alert,
    arrival::{after_sign_in, from_a_form},
    attempt::Attempt,
    cookies::Kept,
    flash::Flash,
    form::Form,
    layout::Frame,
    page::{Go, Page},
    sign_in::{flow_cookie, last_method, limited},
    texts::{Key, Texts},
    visit::Visit,
    wait,
};
use crate::{
    Doorward,
    codes::{self, Binding, Code, Flow},
    error::{Error, Result},
    mail::Sender,
    sessions,
    time::Span,
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new()
        .route("/sign-in/code", get(show).post(enter))
        .route("/sign-in/code/resend", post(resend))
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    frame: Frame,
    t: Texts,
    alert: Option<Alert>,
    status: Option<String>,
    code_is_wrong: bool,
    email: String,
    minutes: i64,
    digits: Option<u8>,
    /// Whether what to do now is to ask for another code.
    needs_another: bool,
    /// Seconds until there may be another one, for the script to count down.
    wait: i64,
    sender: Option<String>,
}

/// How the page comes to be shown.
enum Shown {
    Plain,
    /// The code did not do.
    Wrong,
    /// It was the right one.
    Expired,
    /// Something else, which the code is not to blame for.
    Told(Alert),
}

async fn show(State(doorward): State<Doorward>, visit: Visit) -> Result<Response> {
    let Some(attempt) = Attempt::of(&visit) else {
        return nothing_begun(&visit);
    };
    let shown = if attempt.left(doorward.clock.now()) == Span::ZERO {
        Shown::Expired
    } else {
        Shown::Plain
    };
    Ok(page(&doorward, &visit, &attempt, shown)?.into_response())
}

/// The browser has not asked for a code, or so long ago that it has forgotten.
fn nothing_begun(visit: &Visit) -> Result<Response> {
    let go = Go::to("/sign-in");
    if visit.user.is_some() {
        return Ok(go.into_response());
    }
    let go = go.saying(visit, &Flash::new(Key("sign-in-notice-other-browser")))?;
    Ok(go.into_response())
}

fn page(doorward: &Doorward, visit: &Visit, attempt: &Attempt, shown: Shown) -> Result<Page> {
    let now = doorward.clock.now();
    let left = codes::ATTEMPTS.saturating_sub(attempt.misses);
    let alert = match shown {
        Shown::Told(alert) => Some(alert),
        Shown::Expired => Some(Alert::new(visit.say(Key("code-expired")))),
        Shown::Plain | Shown::Wrong if left == 0 => Some(Alert::new(visit.say(Key("code-locked")))),
        Shown::Wrong => {
            let few = (left <= 3).then(|| {
                let text = visit.t.get("code-tries-left").with("tries", left);
                text.to_string()
            });
            Some(
                Alert::new(visit.say(Key("code-wrong")))
                    .at("code")
                    .more(few),
            )
        }
        Shown::Plain => None,
    };
    let needs_another = left == 0 || attempt.left(now) == Span::ZERO;
    let interval = doorward.config.limits.address_interval;
    let sender = Sender::of(&doorward.config).ok();
    let mut frame = visit.frame("dw-auth").with_error(alert.is_some());
    // Whatever form led here, the page is this one.
    "/sign-in/code".clone_into(&mut frame.path);
    visit.page(&CodePage {
        frame,
        t: visit.t.clone(),
        code_is_wrong: alert.as_ref().is_some_and(|alert| alert.field.is_some()),
        alert,
        status: visit.notice(),
        email: attempt.email.to_string(),
        minutes: wait::minutes(attempt.left(now)),
        digits: attempt.digits,
        needs_another,
        wait: attempt.wait(interval, now).as_seconds_ceil(),
        sender: sender.map(|sender| sender.address.to_string()),
    })
}

#[derive(Deserialize)]
struct CodeForm {
    code: String,
}

async fn enter(
    State(doorward): State<Doorward>,
    visit: Visit,
    Form(form): Form<CodeForm>,
) -> Result<Response> {
    let Some(mut attempt) = Attempt::of(&visit) else {
        return nothing_begun(&visit);
    };
    let typed = picked(&form.code, attempt.digits);
    let presented = visit.user.as_deref();
    let client = &visit.client;
    let redeemed = codes::redeem(
        &doorward,
        &attempt.email,
        &typed,
        client.flow(),
        presented,
        client,
    )
    .await;
    let shown = match redeemed {
        Ok(new) => {
            let to = after_sign_in(&visit, &new.user, &new.session, &attempt.arrival).await?;
            let go = from_a_form(&to)
                .cookies(sessions::http::cookies(&doorward, &new)?)
                .cookie(Kept::Attempt.clear(visit.config())?)
                .cookie(last_method(&visit, new.session.method)?);
            return Ok(go.into_response());
        }
        Err(Error::ExpiredCode) => Shown::Expired,
        Err(Error::InvalidCode) => {
            // What cannot be a code was compared with nothing.
            attempt.misses += u32::from(Code::parse(&typed).is_some());
            Shown::Wrong
        }
        Err(Error::RateLimited { retry_after }) => {
            let text = wait::text(&visit.t, Key("rate-limited"), retry_after);
            let page = page(&doorward, &visit, &attempt, Shown::Told(Alert::new(text)))?;
            return Ok(limited(page, retry_after).into_response());
        }
        Err(error) => return Err(error),
    };
    let page = page(&doorward, &visit, &attempt, shown)?
        .status(StatusCode::UNPROCESSABLE_ENTITY)
        .cookie(attempt.cookie(&visit)?);
    Ok(page.into_response())
}

/// The code in what was typed, where a whole message was pasted: the first run of just as many digits as a code has, with
/// blanks, hyphens and dots between them or not. Everything else is left to be read as it is.
fn picked(typed: &str, digits: Option<u8>) -> String {
    let typed = typed.trim();
    let (Some(digits), None) = (digits, Code::parse(typed)) else {
        return typed.to_owned();
    };
    let mut run = String::new();
    // The end of the text ends the last run.
    for character in typed.chars().chain(['\n']) {
        if character.is_ascii_digit() {
            run.push(character);
        } else if !matches!(character, ' ' | '-' | '.') {
            if run.len() == usize::from(digits) {
                return run;
            }
            run.clear();
        }
    }
    typed.to_owned()
}

/// A form that has nothing in it but its button.
#[derive(Deserialize)]
struct Nothing {}

async fn resend(
    State(doorward): State<Doorward>,
    visit: Visit,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response> {
    let Some(mut attempt) = Attempt::of(&visit) else {
        return nothing_begun(&visit);
    };
    let now = doorward.clock.now();
    let interval = doorward.config.limits.address_interval;
    let too_early = |attempt: &Attempt, wait: Span| {
        let text = wait::text(&visit.t, Key("code-resend-too-early"), wait);
        let page = page(&doorward, &visit, attempt, Shown::Told(Alert::new(text)))?;
        Ok(limited(page, wait).into_response())
    };
    let wait = attempt.wait(interval, now);
    // A code that no longer works is nothing to wait for.
    if wait > Span::ZERO && attempt.misses < codes::ATTEMPTS {
        return too_early(&attempt, wait);
    }
    let flow = visit
        .client
        .flow()
        .cloned()
        .unwrap_or_else(|| Flow::new(&doorward.entropy));
    let binding = Binding::Flow(flow);
    let requested = match codes::request(&doorward, &attempt.email, binding, &visit.client).await {
        Ok(requested) => requested,
        Err(Error::RateLimited { retry_after }) => return too_early(&attempt, retry_after),
        Err(error) => return Err(error),
    };
    let key = if attempt.resent(&requested, now) {
        Key("code-resent-new")
    } else {
        Key("code-resent-same")
    };
    let flash = Flash::new(key).with("email", attempt.email.as_str());
    let go = Go::to("/sign-in/code")
        .cookie(attempt.cookie(&visit)?)
        .cookie(flow_cookie(&doorward, &requested.flow)?)
        .saying(&visit, &flash)?;
    Ok(go.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_in_a_whole_message() {
        for (typed, found) in [
            ("12345678", "12345678"),
            (" 1234 5678 ", "1234 5678"),
            ("Your code is 1234 5678.", "12345678"),
            (
                "Your code is 1234-5678, it works for 10 minutes",
                "12345678",
            ),
            ("12 tries. 1234.5678 for you", "12345678"),
            ("on 22 May: 12345678", "12345678"),
            ("nothing", "nothing"),
            ("123456789", "123456789"),
            ("id 123456789 and 87654321", "87654321"),
        ] {
            assert_eq!(picked(typed, Some(8)), found, "{typed}");
        }
        assert_eq!(picked("0113456789ABC", None), "0113456789ABC");
    }
}
