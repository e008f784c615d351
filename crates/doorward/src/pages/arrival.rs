//! Where someone goes who has signed in.

use serde::{Deserialize, Serialize};

use super::{form, page::Go, return_to::ReturnTo, visit::Visit};
use crate::{error::Result, sessions::Session, users::User};

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
        }
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

/// Where someone goes who is signed in now: every sign-in ends here, with a code and with a passkey.
///
/// What is to come between (an offer of a passkey) is a path of ours that is returned in place of the last one.
pub(super) async fn after_sign_in(
    _visit: &Visit,
    _user: &User,
    _session: &Session,
    arrival: &Arrival,
) -> Result<ReturnTo> {
    Ok(arrival.destination())
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
