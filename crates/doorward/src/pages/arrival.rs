//! Where someone goes who has signed in.

use http::HeaderValue;
use serde::{Deserialize, Serialize};

use super::{
    form,
    memory::{Account, Memory},
    page::Go,
    return_to::ReturnTo,
    visit::Visit,
    welcome,
};
use crate::{
    error::{Escaped, Result},
    passkeys::offer::{self, How, Offer},
    sessions::{Method, Session},
};

/// What `/sign-in` was asked with, kept until the sign-in is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Arrival {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_to: Option<ReturnTo>,
    /// What the browser can do, in words of `sign-in.js`; empty without JavaScript.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub caps: String,
    /// Whether the application asked for no offer of a passkey (`upsell=0`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_upsell: bool,
    /// Whether the passkey was another device's, as `sign-in.js` says.
    #[serde(skip)]
    pub from_other_device: bool,
}

impl Arrival {
    /// Reads what a query or form has of it.
    pub(super) fn read(
        visit: &Visit,
        return_to: Option<&str>,
        caps: Option<&str>,
        upsell: Option<&str>,
    ) -> Self {
        let asked = return_to.filter(|text| !text.is_empty());
        let return_to = asked.and_then(|text| ReturnTo::parse(visit.config(), text));
        if asked.is_some() && return_to.is_none() {
            let request_id = visit.request_id.map(tracing::field::display);
            tracing::info!(
                request_id,
                "a return_to to an unregistered place was dropped"
            );
        }
        let word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_ ,".contains(&byte);
        let caps = caps.filter(|caps| caps.len() <= 300 && caps.bytes().all(word));
        Self {
            return_to,
            caps: caps.unwrap_or_default().to_owned(),
            no_upsell: upsell == Some("0"),
            from_other_device: false,
        }
    }

    /// Whether the browser has said that it can do this.
    fn can(&self, word: &str) -> bool {
        self.caps.split([' ', ',']).any(|each| each == word)
    }

    /// Where it leads in the end.
    pub(super) fn destination(&self) -> ReturnTo {
        let account = || ReturnTo::ours("/account");
        self.return_to.clone().unwrap_or_else(account)
    }

    /// The address of a page, with the part of this that an address carries.
    pub(super) fn address(&self, page: &str) -> String {
        let mut pairs = Vec::new();
        if let Some(to) = &self.return_to {
            pairs.push(format!("return_to={}", form::encoded(to.as_str())));
        }
        if self.no_upsell {
            pairs.push("upsell=0".to_owned());
        }
        if pairs.is_empty() {
            page.to_owned()
        } else {
            format!("{page}?{}", pairs.join("&"))
        }
    }
}

/// Where someone goes on to.
pub(super) struct Onward {
    pub to: ReturnTo,
    /// What the browser is to remember of it.
    pub cookie: Option<HeaderValue>,
}

/// Where someone goes who is signed in now: every sign-in ends here, with a code and with a passkey. An offer of a
/// passkey may come between.
pub(super) async fn after_sign_in(
    visit: &Visit,
    session: &Session,
    arrival: &Arrival,
) -> Result<Onward> {
    let mut memory = Memory::of(visit);
    let here = memory.of_account(&session.user_id);
    let by_code = session.method == Method::Otp;
    if by_code {
        here.saw_code(session.authenticated_at);
    }
    let to = match offer(visit, session, arrival, here).await {
        Some(offer) => ReturnTo::ours(welcome::address(arrival, offer)),
        None => arrival.destination(),
    };
    let cookie = by_code.then(|| memory.cookie(visit)).transpose()?;
    Ok(Onward { to, cookie })
}

/// The offer of a passkey that is due. A sign-in that has happened does not fail for want of it.
async fn offer(
    visit: &Visit,
    session: &Session,
    arrival: &Arrival,
    here: &Account,
) -> Option<Offer> {
    let now = visit.doorward.clock.now();
    if arrival.no_upsell || !arrival.can("passkeys") || here.has_passkey || here.is_snoozed(now) {
        return None;
    }
    let how = match session.method {
        Method::Otp if here.uses_codes(now) => How::CodeAgain,
        Method::Otp => How::Code,
        Method::Passkey if arrival.from_other_device => How::OtherDevice,
        Method::Passkey => How::Passkey,
    };
    let due = offer::due(&visit.doorward, session, how, now).await;
    let due = due.unwrap_or_else(|error| {
        tracing::warn!(error = %Escaped(&error), "a sign-in goes without an offer");
        None
    });
    due.filter(|offer| !offer.is_for_this_device() || arrival.can("platform"))
}

/// The way there from a form.
///
/// Some browsers hold `form-action` against the redirects that follow a form, others do not; so a form that ends on
/// another origin ends on a page of ours first, which leads on.
pub(super) fn from_a_form(to: &ReturnTo) -> Go {
    if to.is_elsewhere() {
        Go::to(format!(
            "/sign-in/continue?return_to={}",
            form::encoded(to.as_str())
        ))
    } else {
        Go::to(to.as_str())
    }
}
