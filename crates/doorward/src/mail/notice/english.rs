//! Every notice in English.

use super::{Notice, letter::name};

/// The subject that shows the code.
pub(super) fn subject_with(code: &str, notice: &Notice, app: &str) -> String {
    if matches!(notice, Notice::SignInCode { .. }) {
        format!("{code} is your {app} sign-in code")
    } else {
        format!("{code} is your {app} code")
    }
}

/// The subject and the paragraphs of a notice.
#[expect(
    clippy::too_many_lines,
    reason = "one arm a notice: the whole of what is said in this language"
)]
pub(super) fn words(notice: &Notice, app: &str, place: &str) -> (String, Vec<String>) {
    match notice {
        Notice::SignInCode { minutes, .. } => (
            format!("Your {app} sign-in code"),
            vec![
                format!(
                    "Enter this code at {place} to sign in to {app}. It works once, for {}.",
                    span(*minutes)
                ),
                format!("{app} will never ask you for this code by phone, chat or email."),
                "Didn't ask for it? Ignore this email; nobody can sign in without the code.".into(),
            ],
        ),
        Notice::EmailChangeCode { minutes, .. } => (
            format!("Confirm your new email address for {app}"),
            vec![
                format!(
                    "Enter this code at {place} to make this the email address of your {app} account. It works once, for {}.",
                    span(*minutes)
                ),
                format!("{app} will never ask you for this code by phone, chat or email."),
                "Didn't ask for it? Ignore this email; nothing changes without the code.".into(),
            ],
        ),
        Notice::EmailChanged { new_address_hint } => (
            format!("Your {app} email address was changed"),
            vec![
                format!(
                    "Your {app} account now has the email address {}. This address no longer signs in.",
                    name(new_address_hint)
                ),
                "Was it you? Then there is nothing to do.".into(),
                format!(
                    "Wasn't it you? Tell the people behind {app} right away that someone else changed your address, and keep this email. They can stop whoever did it."
                ),
            ],
        ),
        Notice::EmailTaken => (
            format!("Someone tried to use your email address at {app}"),
            vec![
                format!(
                    "Someone asked to change the email address of another {app} account to this one. It belongs to your account, so nothing was changed."
                ),
                format!(
                    "Was it you? Sign in at {place} with this address. To use it for the other account, change the address of this one first, or delete it."
                ),
                "Wasn't it you? There is nothing to do; this lets nobody into your account.".into(),
            ],
        ),
        Notice::PasskeyAdded { name: passkey } => (
            format!("A passkey was added to your {app} account"),
            vec![
                format!(
                    "The passkey \u{201c}{}\u{201d} can now sign in to your {app} account.",
                    name(passkey)
                ),
                "Was it you? Then there is nothing to do.".into(),
                format!(
                    "Wasn't it you? Sign in at {place} right away, remove this passkey and sign out all other devices."
                ),
            ],
        ),
        Notice::PasskeyRemoved { name: passkey } => (
            format!("A passkey was removed from your {app} account"),
            vec![
                format!(
                    "The passkey \u{201c}{}\u{201d} can no longer sign in to your {app} account.",
                    name(passkey)
                ),
                format!(
                    "Was it you? Then delete it from your device or password manager too; {app} cannot do that for you."
                ),
                format!(
                    "Wasn't it you? Sign in at {place} right away, sign out all other devices and check your passkeys."
                ),
            ],
        ),
        Notice::UnusualPasskeyUse { name: passkey } => (
            format!("Check a passkey of your {app} account"),
            vec![
                format!(
                    "The passkey \u{201c}{}\u{201d} was used in a way that can mean that someone has a copy of it.",
                    name(passkey)
                ),
                format!(
                    "Sign in at {place}, remove this passkey, create a new one, and sign out devices that you don't know."
                ),
            ],
        ),
        Notice::NewSignIn { method, device } => (
            format!("New sign-in to your {app} account"),
            vec![
                format!(
                    "Someone signed in to your {app} account with {}{}.",
                    means(method),
                    on(device)
                ),
                "Was it you? Then there is nothing to do.".into(),
                format!(
                    "Wasn't it you? Sign in at {place} right away, sign out all other devices and remove passkeys that you don't know. Then change the password of your email account: whoever reads your email can sign in."
                ),
            ],
        ),
        Notice::LongCodes => (
            format!("Someone is guessing {app} codes for your address"),
            vec![
                format!(
                    "Many wrong {app} codes were entered for this email address. To keep guessers out, the codes that we send you are longer for now."
                ),
                "There is nothing you have to do. Never give a code to anyone, whoever asks."
                    .into(),
                format!(
                    "A passkey cannot be guessed. You can create one in your account at {place}."
                ),
            ],
        ),
        Notice::Invitation {} => (
            format!("You are invited to {app}"),
            vec![
                format!("You have been invited to {app}."),
                format!(
                    "Go to {place} and sign in with this email address. You will get a code by email; there is no password to choose."
                ),
                "Didn't expect this? Ignore this email; nothing happens unless you sign in.".into(),
            ],
        ),
        Notice::AccountDeleted => (
            format!("Your {app} account was deleted"),
            vec![
                format!(
                    "Your {app} account is deleted, with its passkeys and sessions. Nobody can sign in to it any more."
                ),
                "Was it you? Then there is nothing to do.".into(),
                format!(
                    "Wasn't it you? Tell the people behind {app} right away, and change the password of your email account: whoever reads your email could sign in."
                ),
            ],
        ),
    }
}

fn span(minutes: u32) -> String {
    if minutes == 1 {
        "1 minute".into()
    } else {
        format!("{minutes} minutes")
    }
}

fn means(method: &str) -> &'static str {
    if method == "passkey" {
        "a passkey"
    } else {
        "an emailed code"
    }
}

fn on(device: &str) -> String {
    let device = name(device);
    if device.is_empty() {
        " on a device that was not seen before".into()
    } else {
        format!(" on a device that was not seen before: {device}")
    }
}
