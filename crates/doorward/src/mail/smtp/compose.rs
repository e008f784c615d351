//! A message as it goes over the wire.

use std::time::{Duration, UNIX_EPOCH};

use lettre::{
    address::Envelope,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};

use crate::{
    mail::{Address, Message, SendError, Sender, message::one_line},
    time::Timestamp,
};

/// The envelope and the bytes of a message.
///
/// Everything is ASCII: addresses by their A-labels, headers by RFC 2047, bodies by their transfer
/// encoding. So every server can take it, and no line is longer than one may be.
pub(super) fn compose(
    sender: &Sender,
    message: &Message,
) -> Result<(Envelope, Vec<u8>), SendError> {
    let (from, to) = (address(&sender.address)?, address(&message.to)?);
    let envelope = Envelope::new(Some(from.clone()), vec![to.clone()]).map_err(refused)?;
    let mail = lettre::Message::builder()
        .from(Mailbox::new(sender.name.as_deref().map(one_line), from))
        .to(Mailbox::new(None, to))
        .subject(one_line(&message.subject))
        .date(UNIX_EPOCH + since_epoch(message.at))
        .message_id(Some(message_id(&message.id, &sender.address)?))
        // RFC 3834 §5: no machine shall answer.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".into(),
        ))
        // Told, or it is parsed from the headers above.
        .envelope(envelope.clone())
        .multipart(MultiPart::alternative_plain_html(
            line_feeds(&message.text),
            line_feeds(&message.html),
        ))
        .map_err(refused)?;
    Ok((envelope, mail.formatted()))
}

/// The text of a message as a server gets it: headers, an empty line, the parts.
pub(crate) fn raw(sender: &Sender, message: &Message) -> Result<String, SendError> {
    let (_, bytes) = compose(sender, message)?;
    String::from_utf8(bytes).map_err(refused)
}

fn address(address: &Address) -> Result<lettre::Address, SendError> {
    lettre::Address::new(address.local(), address.domain()).map_err(refused)
}

fn message_id(id: &str, sender: &Address) -> Result<String, SendError> {
    let plain = !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if plain {
        Ok(format!("<{id}@{}>", sender.domain()))
    } else {
        Err(refused("the message's id is not plain"))
    }
}

/// The header's type knows the years up to 9999 only, and panics beyond.
fn since_epoch(at: Timestamp) -> Duration {
    const LAST_SECOND: u64 = 253_402_300_799;
    Duration::from_secs((u64::try_from(at.as_millis()).unwrap_or(0) / 1000).min(LAST_SECOND))
}

/// One kind of line end: where servers differ over a bare carriage return, a second message could hide.
fn line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn refused(reason: impl std::fmt::Display) -> SendError {
    SendError::Permanent(reason.to_string())
}
