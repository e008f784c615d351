//! What a server's answers mean, and how much of them is repeated in the log.

use lettre::transport::smtp::{Error, response::Response};

use crate::mail::{SendError, message::one_line};

/// The most characters of an answer that are repeated.
const LONGEST: usize = 200;

/// A failure before there was a message: it lies with the network, the server or the configuration.
pub(super) fn to_us(error: &Error) -> SendError {
    SendError::Temporary(discreet(error))
}

/// A failure with a message on its way.
pub(super) fn to_message(error: &Error) -> SendError {
    let said = discreet(error);
    // 530, 534, 535 and 538 (RFC 4954 §6) are about the account, which can be put right.
    let about_account = error
        .status()
        .is_some_and(|code| ["530", "534", "535", "538"].contains(&code.to_string().as_str()));
    if error.is_permanent() && !about_account {
        SendError::Permanent(said)
    } else {
        SendError::Temporary(said)
    }
}

/// Notices a conversation that is out of step: the answer is a good one, to another question.
pub(super) fn expect(answer: &Response, code: &str) -> Result<(), SendError> {
    let came = answer.code().to_string();
    if came == code {
        Ok(())
    } else {
        Err(SendError::Temporary(format!(
            "answered {came} where {code} is due"
        )))
    }
}

/// The error without what looks like an address or a code: servers like to quote.
fn discreet(error: &Error) -> String {
    let line = one_line(&error.to_string());
    let words: Vec<&str> = line
        .split_whitespace()
        .map(|word| if is_telling(word) { "…" } else { word })
        .collect();
    words.join(" ").chars().take(LONGEST).collect()
}

fn is_telling(word: &str) -> bool {
    let long = word.chars().filter(char::is_ascii_alphanumeric).count() >= 6;
    let like_a_code =
        word.contains(|c: char| c.is_ascii_digit()) || !word.contains(|c: char| c.is_lowercase());
    word.contains('@') || (long && like_a_code && !word.contains('.'))
}
