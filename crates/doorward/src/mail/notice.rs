//! Everything that Doorward mails, in every language that it speaks.
//!
//! A notice is made of values of Doorward's own: what was decided, and names that people gave to
//! their things. Nothing of a request's headers reaches it, so that two requests that differ only
//! there cause the same mail. No wording holds a link: whoever gets used to links in such mail
//! follows the next forged one.

mod english;
mod german;
mod letter;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use self::letter::Letter;
use crate::config::{Config, Locale};

/// One thing to tell one person by mail.
///
/// `Debug` shows only what kind it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// The code that signs in.
    SignInCode {
        /// The code, unbroken.
        code: String,
        /// How long it works.
        minutes: u32,
    },
    /// The code that proves a new address, sent there.
    EmailChangeCode {
        /// The code, unbroken.
        code: String,
        /// How long it works.
        minutes: u32,
    },
    /// The address was changed; sent to the old one.
    EmailChanged {
        /// Enough of the new one for its owner to know it: [`Address::hint`](super::Address::hint).
        new_address_hint: String,
    },
    /// Someone else wanted this address for their account; sent to the account that has it.
    EmailTaken,
    /// A passkey was created.
    PasskeyAdded {
        /// What its owner calls it.
        name: String,
    },
    /// A passkey was removed.
    PasskeyRemoved {
        /// What its owner called it.
        name: String,
    },
    /// A passkey's signature counter did not increase: there may be a copy of it.
    UnusualPasskeyUse {
        /// What its owner calls it.
        name: String,
    },
    /// A sign-in from a browser that the account had not seen.
    NewSignIn {
        /// `passkey` or `otp`.
        method: String,
        /// The device in words of ours, such as `Firefox on Linux`; empty when unknown.
        device: String,
    },
    /// Someone has been guessing codes, and so they are longer now.
    LongCodes,
    /// An account waits for whoever proves this address.
    Invitation {},
    /// The account is gone.
    AccountDeleted,
}

/// Who speaks, and where the only place to type a code is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// What the application is called.
    pub app_name: String,
    /// Where codes are typed in: `https://auth.example.com`, from the configuration and never from a request.
    pub public_url: String,
    /// Whether the code goes into the subject as well, where lock screens and mail logs show it.
    pub code_in_subject: bool,
}

impl Brand {
    /// What the configuration says.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            app_name: config.app_name.clone(),
            public_url: config.public_url.clone(),
            code_in_subject: config.mail.code_in_subject,
        }
    }
}

/// A notice in words.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject, on one line.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The body as HTML, which says the same.
    pub html: String,
}

impl Notice {
    /// The notice in words.
    #[must_use]
    pub fn render(&self, brand: &Brand, locale: Locale) -> Rendered {
        let (app, place) = (brand.app_name.as_str(), brand.public_url.as_str());
        let (language, (subject, paragraphs)) = match locale {
            Locale::En => ("en", english::words(self, app, place)),
            Locale::De => ("de", german::words(self, app, place)),
        };
        let code = self.code();
        let subject = match (code, locale) {
            (Some(code), Locale::En) if brand.code_in_subject => {
                english::subject_with(code, self, app)
            }
            (Some(code), Locale::De) if brand.code_in_subject => {
                german::subject_with(code, self, app)
            }
            _ => subject,
        };
        Letter {
            language,
            subject,
            code,
            paragraphs,
        }
        .lay_out()
    }

    const fn code(&self) -> Option<&str> {
        match self {
            Self::SignInCode { code, .. } | Self::EmailChangeCode { code, .. } => {
                Some(code.as_str())
            }
            _ => None,
        }
    }

    /// What kind of notice it is, as it is stored: `sign_in_code`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SignInCode { .. } => "sign_in_code",
            Self::EmailChangeCode { .. } => "email_change_code",
            Self::EmailChanged { .. } => "email_changed",
            Self::EmailTaken => "email_taken",
            Self::PasskeyAdded { .. } => "passkey_added",
            Self::PasskeyRemoved { .. } => "passkey_removed",
            Self::UnusualPasskeyUse { .. } => "unusual_passkey_use",
            Self::NewSignIn { .. } => "new_sign_in",
            Self::LongCodes => "long_codes",
            Self::Invitation {} => "invitation",
            Self::AccountDeleted => "account_deleted",
        }
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Notice({})", self.kind())
    }
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rendered(…)")
    }
}
