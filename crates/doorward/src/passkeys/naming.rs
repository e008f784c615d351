//! What passkeys are called.

use doorward_webauthn::Credential;

use super::Passkey;
use crate::{
    Doorward,
    error::{Error, Result},
    http::Client,
};

/// A name for a passkey, in the words that its owner would use.
///
/// Browsers keep the AAGUID of platform authenticators and password managers even without attestation, and
/// clear it for security keys.
pub(super) fn default_name(
    doorward: &Doorward,
    credential: &Credential,
    attachment: Option<&str>,
    client: &Client,
) -> String {
    if let Some(provider) = doorward.providers.name(&credential.aaguid) {
        return provider.to_owned();
    }
    let has = |transport: &str| credential.transports.iter().any(|each| each == transport);
    let roaming = attachment == Some("cross-platform")
        || ["usb", "nfc", "ble", "smart-card"].into_iter().any(has);
    if roaming && !has("internal") && !has("hybrid") {
        return "Security key".to_owned();
    }
    match client.device() {
        device if device.browser.is_some() && device.os.is_some() => device.to_string(),
        _ => "Passkey".to_owned(),
    }
}

/// The name, with a number behind it when it is taken.
pub(super) fn distinct(name: &str, existing: &[Passkey]) -> String {
    let taken = |name: &str| existing.iter().any(|passkey| passkey.name == name);
    if !taken(name) {
        return name.to_owned();
    }
    (2..=existing.len() + 1)
        .map(|number| format!("{name} ({number})"))
        .find(|name| !taken(name))
        .unwrap_or_else(|| name.to_owned())
}

/// What an owner calls a passkey: 1 to 64 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(pub(super) String);

impl Name {
    /// # Errors
    /// [`Error::InvalidField`].
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let fine = (1..=64).contains(&text.chars().count()) && !text.chars().any(is_invisible);
        if fine {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::field("name", "Use 1 to 64 characters."))
        }
    }
}

/// Characters that show nothing, or turn the text around them: a name made of them could pass for another.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
