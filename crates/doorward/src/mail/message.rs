//! One message, and who sends it.

use std::fmt;

use http::Uri;
use serde::Serialize;

use super::{Address, NotAnAddress};
use crate::{config::Config, time::Timestamp};

/// One message to one person.
///
/// `Debug` leaves out all but where it goes and when: what it says may let someone in.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The outbox's name for it, and so the `Message-ID`: a message that is sent twice can be told.
    pub id: String,
    /// Who it is for.
    pub to: Address,
    /// What it is about, on one line.
    pub subject: String,
    /// What it says, as plain text.
    pub text: String,
    /// The same, as HTML.
    pub html: String,
    /// When it was written.
    pub at: Timestamp,
}

impl Message {
    /// The code that it brings, if it brings one: such mail has it alone on its first line.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        let line = self.text.lines().next()?;
        let is_code =
            (6..=13).contains(&line.len()) && line.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_code.then_some(line)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("to", &self.to)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// Who messages are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The name that mail programs show, if any.
    pub name: Option<String>,
    /// The address that answers and bounces go to.
    pub address: Address,
}

impl Sender {
    /// The sender by the configuration: `mail.from`, or the application at `no-reply@` and the host of `public_url`.
    ///
    /// # Errors
    /// [`NotAnAddress`] when that is no address: `localhost` cannot get mail, so it cannot send any.
    pub fn of(config: &Config) -> Result<Self, NotAnAddress> {
        if let Some(from) = &config.mail.from {
            return Self::parse(from);
        }
        let uri: Uri = config.public_url.parse().map_err(|_| NotAnAddress)?;
        let address = Address::parse(&format!("no-reply@{}", uri.host().unwrap_or_default()))?;
        Ok(Self {
            name: Some(config.app_name.clone()),
            address,
        })
    }

    /// Reads `auth@example.com` or `Example <auth@example.com>`; the name may stand in double quotes.
    ///
    /// # Errors
    /// [`NotAnAddress`] when the address is none, or the name holds control characters, `<`, `>` or `"`.
    pub fn parse(text: &str) -> Result<Self, NotAnAddress> {
        let Some((name, address)) = text
            .trim()
            .strip_suffix('>')
            .and_then(|text| text.rsplit_once('<'))
        else {
            return Ok(Self {
                name: None,
                address: Address::parse(text)?,
            });
        };
        let name = name.trim();
        let name = name
            .strip_prefix('"')
            .and_then(|name| name.strip_suffix('"'))
            .unwrap_or(name)
            .trim();
        if name
            .chars()
            .any(|character| breaks_line(character) || "<>\"".contains(character))
        {
            return Err(NotAnAddress);
        }
        let name = (!name.is_empty()).then(|| name.to_owned());
        Ok(Self {
            name,
            address: Address::parse(address)?,
        })
    }
}

/// The text on one line, whoever wrote it: a name must not begin a header, a paragraph or a change of direction.
pub(super) fn one_line(text: &str) -> String {
    text.replace(breaks_line, " ").trim().to_owned()
}

/// Control characters, line and paragraph separators, and those that turn the direction of what follows.
fn breaks_line(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_may_have_a_name() {
        let bare = Sender::parse(" auth@example.com ").unwrap();
        assert_eq!(
            (bare.name, bare.address.as_str()),
            (None, "auth@example.com")
        );

        for text in [
            "Käse & Co. <auth@example.com>",
            " \"Käse & Co.\"  < auth@example.com >",
        ] {
            let named = Sender::parse(text).unwrap();
            assert_eq!(
                (named.name.as_deref(), named.address.as_str()),
                (Some("Käse & Co."), "auth@example.com")
            );
        }
        assert_eq!(Sender::parse("<auth@example.com>").unwrap().name, None);
    }

    #[test]
    fn the_application_is_the_sender_unless_another_is_named() {
        let mut config = Config {
            public_url: "https://auth.example.com:8443".into(),
            app_name: "Example".into(),
            ..Config::default()
        };
        let sender = Sender::of(&config).unwrap();
        assert_eq!(
            (sender.name.as_deref(), sender.address.as_str()),
            (Some("Example"), "no-reply@auth.example.com")
        );

        config.mail.from = Some("mail@example.com".into());
        assert_eq!(Sender::of(&config), Sender::parse("mail@example.com"));
        assert_eq!(Sender::of(&Config::default()), Err(NotAnAddress));
    }

    /// Item 113.
    #[test]
    fn a_sender_is_one_line_and_one_address() {
        for text in [
            "",
            "Example",
            "Example <>",
            "Example <auth@localhost>",
            "Example <a@b.example> <c@d.example>",
            "a@b.example, c@d.example",
            "Ex\r\nBcc: c@d.example <a@b.example>",
            "Ex\"ample <a@b.example>",
            "Ex\u{202e}ample <a@b.example>",
        ] {
            assert_eq!(Sender::parse(text), Err(NotAnAddress), "{text:?}");
        }
    }

    #[test]
    fn a_code_stands_alone_on_the_first_line() {
        let code = |text: &str| {
            let message = Message {
                id: String::new(),
                to: Address::parse("ada@example.com").unwrap(),
                subject: String::new(),
                text: text.into(),
                html: String::new(),
                at: Timestamp::from_millis(0),
            };
            message.code().map(str::to_owned)
        };
        assert_eq!(code("12345678\n\nEnter it.").as_deref(), Some("12345678"));
        assert_eq!(
            code("0123456789ABC\n").as_deref(),
            Some("0123456789ABC"),
            "a long one"
        );
        for text in ["", "A passkey was removed.\n", "\n12345678", "1234 5678 \n"] {
            assert_eq!(code(text), None, "{text:?}");
        }
    }

    /// Item 130: what lets someone in is not printed.
    #[test]
    fn a_message_does_not_print_what_it_says() {
        let message = Message {
            id: "m1".into(),
            to: Address::parse("ada@example.com").unwrap(),
            subject: "12345678 is your code".into(),
            text: "12345678".into(),
            html: "12345678".into(),
            at: Timestamp::from_millis(0),
        };

        let printed = format!("{message:?}");

        assert!(printed.contains("a…@example.com"), "{printed}");
        assert!(
            !printed.contains("12345678") && !printed.contains("ada"),
            "{printed}"
        );
    }
}
