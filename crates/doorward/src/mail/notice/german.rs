//! Every notice in German.

use super::{Notice, letter::name};

/// The subject that shows the code.
pub(super) fn subject_with(code: &str, notice: &Notice, app: &str) -> String {
    if matches!(notice, Notice::SignInCode { .. }) {
        format!("{code} ist Ihr Anmeldecode für {app}")
    } else {
        format!("{code} ist Ihr Code für {app}")
    }
}

/// The subject and the paragraphs of a notice.
pub(super) fn words(notice: &Notice, app: &str, place: &str) -> (String, Vec<String>) {
    match notice {
        Notice::SignInCode { minutes, .. } => (
            format!("Ihr Anmeldecode für {app}"),
            vec![
                format!("Geben Sie diesen Code auf {place} ein, um sich bei {app} anzumelden. Er gilt einmal, {} lang.", span(*minutes)),
                format!("{app} fragt Sie niemals per Telefon, Chat oder E-Mail nach diesem Code."),
                "Nicht angefordert? Ignorieren Sie diese E-Mail; ohne den Code kann sich niemand anmelden.".into(),
            ],
        ),
        Notice::EmailChangeCode { minutes, .. } => (
            format!("Bestätigen Sie Ihre neue E-Mail-Adresse für {app}"),
            vec![
                format!(
                    "Geben Sie diesen Code auf {place} ein, damit diese Adresse zu Ihrem Konto bei {app} gehört. Er gilt einmal, {} lang.",
                    span(*minutes)
                ),
                format!("{app} fragt Sie niemals per Telefon, Chat oder E-Mail nach diesem Code."),
                "Nicht angefordert? Ignorieren Sie diese E-Mail; ohne den Code ändert sich nichts.".into(),
            ],
        ),
        Notice::EmailChanged { new_address_hint } => (
            format!("Ihre E-Mail-Adresse bei {app} wurde geändert"),
            vec![
                format!("Ihr Konto bei {app} hat jetzt die E-Mail-Adresse {}. Mit dieser Adresse hier können Sie sich nicht mehr anmelden.", name(new_address_hint)),
                "Waren Sie das? Dann ist nichts zu tun.".into(),
                format!("Waren Sie das nicht? Sagen Sie den Leuten hinter {app} sofort, dass jemand anderes Ihre Adresse geändert hat, und bewahren Sie diese E-Mail auf. Sie können das stoppen."),
            ],
        ),
        Notice::EmailTaken => (
            format!("Jemand wollte Ihre E-Mail-Adresse bei {app} verwenden"),
            vec![
                format!("Jemand wollte die E-Mail-Adresse eines anderen Kontos bei {app} in diese ändern. Sie gehört zu Ihrem Konto, deshalb wurde nichts geändert."),
                format!("Waren Sie das? Melden Sie sich auf {place} mit dieser Adresse an. Um sie für das andere Konto zu verwenden, ändern Sie zuerst die Adresse dieses Kontos oder löschen Sie es."),
                "Waren Sie das nicht? Dann ist nichts zu tun; in Ihr Konto kommt dadurch niemand.".into(),
            ],
        ),
        Notice::PasskeyAdded { name: passkey } => (
            format!("Ihr Konto bei {app} hat einen neuen Passkey"),
            vec![
                format!("Mit dem Passkey „{}“ kann man sich jetzt in Ihrem Konto bei {app} anmelden.", name(passkey)),
                "Waren Sie das? Dann ist nichts zu tun.".into(),
                format!("Waren Sie das nicht? Melden Sie sich sofort auf {place} an, entfernen Sie diesen Passkey und melden Sie alle anderen Geräte ab."),
            ],
        ),
        Notice::PasskeyRemoved { name: passkey } => (
            format!("Ein Passkey Ihres Kontos bei {app} wurde entfernt"),
            vec![
                format!("Mit dem Passkey „{}“ kann man sich nicht mehr in Ihrem Konto bei {app} anmelden.", name(passkey)),
                format!("Waren Sie das? Dann löschen Sie ihn auch von Ihrem Gerät oder aus Ihrem Passwortmanager; das kann {app} nicht für Sie tun."),
                format!("Waren Sie das nicht? Melden Sie sich sofort auf {place} an, melden Sie alle anderen Geräte ab und prüfen Sie Ihre Passkeys."),
            ],
        ),
        Notice::UnusualPasskeyUse { name: passkey } => (
            format!("Prüfen Sie einen Passkey Ihres Kontos bei {app}"),
            vec![
                format!("Der Passkey „{}“ wurde so verwendet, dass jemand eine Kopie davon haben könnte.", name(passkey)),
                format!("Melden Sie sich auf {place} an, entfernen Sie diesen Passkey, erstellen Sie einen neuen und melden Sie Geräte ab, die Sie nicht kennen."),
            ],
        ),
        Notice::NewSignIn { method, device } => (
            format!("Neue Anmeldung in Ihrem Konto bei {app}"),
            vec![
                format!("Jemand hat sich mit {} in Ihrem Konto bei {app} angemeldet{}.", means(method), on(device)),
                "Waren Sie das? Dann ist nichts zu tun.".into(),
                format!("Waren Sie das nicht? Melden Sie sich sofort auf {place} an, melden Sie alle anderen Geräte ab und entfernen Sie Passkeys, die Sie nicht kennen. Ändern Sie dann das Passwort Ihres E-Mail-Kontos: Wer Ihre E-Mails liest, kann sich anmelden."),
            ],
        ),
        Notice::LongCodes => (
            format!("Jemand rät Codes von {app} für Ihre Adresse"),
            vec![
                format!("Für diese E-Mail-Adresse wurden viele falsche Codes von {app} eingegeben. Damit Raten nichts nützt, sind die Codes, die wir Ihnen schicken, vorerst länger."),
                "Sie müssen nichts tun. Geben Sie nie jemandem einen Code, egal wer fragt.".into(),
                format!("Ein Passkey lässt sich nicht erraten. In Ihrem Konto auf {place} können Sie einen erstellen."),
            ],
        ),
        Notice::Invitation {} => (
            format!("Sie sind zu {app} eingeladen"),
            vec![
                format!("Sie wurden zu {app} eingeladen."),
                format!("Gehen Sie zu {place} und melden Sie sich mit dieser E-Mail-Adresse an. Sie bekommen einen Code per E-Mail; ein Passwort gibt es nicht."),
                "Nicht erwartet? Ignorieren Sie diese E-Mail; ohne Ihre Anmeldung geschieht nichts.".into(),
            ],
        ),
        Notice::AccountDeleted => (
            format!("Ihr Konto bei {app} wurde gelöscht"),
            vec![
                format!("Ihr Konto bei {app} ist gelöscht, mit seinen Passkeys und Sitzungen. Niemand kann sich mehr darin anmelden."),
                "Waren Sie das? Dann ist nichts zu tun.".into(),
                format!("Waren Sie das nicht? Sagen Sie es sofort den Leuten hinter {app}, und ändern Sie das Passwort Ihres E-Mail-Kontos: Wer Ihre E-Mails liest, konnte sich anmelden."),
            ],
        ),
    }
}

fn span(minutes: u32) -> String {
    if minutes == 1 {
        "1 Minute".into()
    } else {
        format!("{minutes} Minuten")
    }
}

fn means(method: &str) -> &'static str {
    if method == "passkey" {
        "einem Passkey"
    } else {
        "einem Code per E-Mail"
    }
}

fn on(device: &str) -> String {
    let device = name(device);
    if device.is_empty() {
        ", auf einem bisher unbekannten Gerät".into()
    } else {
        format!(", auf einem bisher unbekannten Gerät: {device}")
    }
}
