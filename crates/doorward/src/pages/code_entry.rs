//! A page on which a mailed code is entered, whatever the code is for.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};

use super::{
    alert::Alert,
    attempt::Attempt,
    cookies::Kept,
    flash::Flash,
    layout::Frame,
    page::{Go, Page},
    sign_in::limited,
    texts::{Key, Texts},
    visit::Visit,
    wait,
};
use crate::{
    codes::{self, Code, Issued},
    error::{Error, Result},
    mail::Sender,
    time::Span,
};

/// What such a page has of its own.
pub(super) struct CodeEntry {
    /// Its address; below it, `/resend` has another code mailed.
    pub path: &'static str,
    /// Where the browser keeps what is under way.
    pub kept: Kept,
    pub label: Key,
    pub submit: Key,
    /// Where another address can be given.
    pub other: &'static str,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage<'a> {
    frame: Frame,
    t: Texts,
    entry: &'a CodeEntry,
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
    /// Whether mail is not delivered, but shown in the development mailbox.
    has_mailbox: bool,
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

impl CodeEntry {
    /// What the way to [`other`](Self::other) says. Who is signed in confirms with their own address, or in another way.
    fn other_text(&self) -> Key {
        match self.kept {
            Kept::Reauth => Key("reauth-code-back"),
            _ => Key("code-other-email"),
        }
    }

    /// What the browser has under way here.
    pub(super) fn attempt(&self, visit: &Visit) -> Option<Attempt> {
        Attempt::of(visit, self.kept)
    }

    /// The page, before a code was entered.
    pub(super) fn page(&self, visit: &Visit, attempt: &Attempt) -> Result<Page> {
        let shown = if attempt.left(visit.doorward.clock.now()) == Span::ZERO {
            Shown::Expired
        } else {
            Shown::Plain
        };
        self.show(visit, attempt, shown)
    }

    /// The page again, after a code that was not taken.
    pub(super) fn refused(
        &self,
        visit: &Visit,
        mut attempt: Attempt,
        typed: &str,
        error: Error,
    ) -> Result<Response> {
        let shown = match error {
            Error::ExpiredCode => Shown::Expired,
            // The browser forgets its flow with the code, and then nobody can tell any more whether it was the right one.
            Error::InvalidCode if attempt.left(visit.doorward.clock.now()) == Span::ZERO => {
                Shown::Expired
            }
            Error::InvalidCode => {
                // What cannot be a code was compared with nothing.
                attempt.misses += u32::from(Code::parse(typed).is_some());
                Shown::Wrong
            }
            Error::RateLimited { retry_after } => {
                return self.told_to_wait(visit, &attempt, Key("rate-limited"), retry_after);
            }
            error => return Err(error),
        };
        let page = self
            .show(visit, &attempt, shown)?
            .status(StatusCode::UNPROCESSABLE_ENTITY)
            .cookie(attempt.cookie(visit, self.kept)?);
        Ok(page.into_response())
    }

    /// Has another code mailed by `request`, unless it is too early for one, and says so on the page.
    pub(super) async fn resend(
        &self,
        visit: &Visit,
        mut attempt: Attempt,
        request: impl Future<Output = Result<Issued>>,
        cookie: Option<HeaderValue>,
    ) -> Result<Response> {
        let now = visit.doorward.clock.now();
        let too_early = |attempt: &Attempt, wait: Span| {
            self.told_to_wait(visit, attempt, Key("code-resend-too-early"), wait)
        };
        let wait = attempt.wait(visit.config().limits.address_interval, now);
        // A code that no longer works is nothing to wait for.
        if wait > Span::ZERO && attempt.misses < codes::ATTEMPTS {
            return too_early(&attempt, wait);
        }
        let issued = match request.await {
            Ok(issued) => issued,
            Err(Error::RateLimited { retry_after }) => return too_early(&attempt, retry_after),
            Err(error) => return Err(error),
        };
        let key = if attempt.resent(&issued, now) {
            Key("code-resent-new")
        } else {
            Key("code-resent-same")
        };
        let flash = Flash::new(key).with("email", attempt.email.as_str());
        let go = Go::to(self.path)
            .cookie(attempt.cookie(visit, self.kept)?)
            .cookies(cookie)
            .saying(visit, &flash)?;
        Ok(go.into_response())
    }

    fn told_to_wait(
        &self,
        visit: &Visit,
        attempt: &Attempt,
        key: Key,
        wait: Span,
    ) -> Result<Response> {
        let alert = Alert::new(wait::text(&visit.t, key, wait));
        let page = self.show(visit, attempt, Shown::Told(alert))?;
        Ok(limited(page, wait).into_response())
    }

    fn show(&self, visit: &Visit, attempt: &Attempt, shown: Shown) -> Result<Page> {
        let now = visit.doorward.clock.now();
        let left = codes::ATTEMPTS.saturating_sub(attempt.misses);
        let alert = alert(visit, shown, left);
        let interval = visit.config().limits.address_interval;
        let sender = Sender::of(visit.config()).ok();
        let mut frame = visit.frame("dw-auth").with_error(alert.is_some());
        // Whatever form led here, the page is this one.
        self.path.clone_into(&mut frame.path);
        visit.page(&CodePage {
            frame,
            t: visit.t.clone(),
            entry: self,
            code_is_wrong: alert.as_ref().is_some_and(|alert| alert.field.is_some()),
            alert,
            status: visit.notice(),
            email: attempt.email.to_string(),
            minutes: wait::minutes(attempt.left(now)),
            digits: attempt.digits,
            needs_another: left == 0 || attempt.left(now) == Span::ZERO,
            wait: attempt.wait(interval, now).as_seconds_ceil(),
            sender: sender.map(|sender| sender.address.to_string()),
            has_mailbox: visit.config().mailbox(),
        })
    }
}

fn alert(visit: &Visit, shown: Shown, left: u32) -> Option<Alert> {
    match shown {
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
    }
}

/// The code in what was typed, where a whole message was pasted: the first run of just as many digits as a code has, with
/// blanks, hyphens and dots between them or not. Everything else is left to be read as it is.
pub(super) fn picked(typed: &str, digits: Option<u8>) -> String {
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
