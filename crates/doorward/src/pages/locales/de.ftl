# Die Texte der Seiten. Die Reihenfolge ist die von en.ftl.

## Um jede Seite

frame-title-error = Fehler:
frame-skip = Zum Inhalt
frame-help = Hilfe
frame-privacy = Datenschutz
frame-language = Sprache

## /sign-in

sign-in-title = Anmelden
sign-in-heading = Bei { $app } anmelden
sign-in-heading-open = Anmelden oder Konto anlegen
sign-in-notice-signed-out = Sie sind abgemeldet.
sign-in-notice-ended = Ihre Sitzung ist beendet. Melden Sie sich wieder an, um fortzufahren.
sign-in-notice-client = Melden Sie sich an, um zu { $client } zu gelangen.
sign-in-notice-other-browser = Geben Sie den Code in dem Browser ein, in dem Sie ihn angefordert haben.
sign-in-switch = Angemeldet als { $email }. Melden Sie sich unten mit einem anderen Konto an, oder
sign-in-switch-back = zurück.
sign-in-email-label = E-Mail-Adresse
sign-in-email-submit = Weiter mit E-Mail
sign-in-email-sending = Code wird gesendet …
sign-in-email-invalid = Geben Sie eine E-Mail-Adresse wie name@example.com ein.
sign-in-or = oder
sign-in-passkey = Mit Passkey anmelden
sign-in-passkey-last = Zuletzt benutzt
sign-in-passkey-waiting = Warten auf Ihren Passkey …
sign-in-passkey-verifying = Sie werden angemeldet …
sign-in-passkey-cancel = Abbrechen
sign-in-passkey-hint = Kein Passkey auf diesem Gerät? Wählen Sie in der Abfrage ein Smartphone oder Tablet und scannen Sie den Code mit dem Gerät, das den Passkey hat. Bluetooth muss auf beiden an sein. Nicht sicher? Weiter mit E-Mail.
sign-in-help = Probleme beim Anmelden?
sign-in-noscript = Passkeys brauchen JavaScript. Mit einem Code per E-Mail können Sie sich trotzdem anmelden.

## /sign-in/code

code-title = Sehen Sie in Ihre E-Mails
code-sent = Wir haben einen Code an { $email } geschickt.
code-lifetime = { $minutes ->
    [one] Er gilt { $minutes } Minute.
   *[other] Er gilt { $minutes } Minuten.
}
code-mailbox = Diese E-Mail wird nicht zugestellt. Lesen Sie sie im { $link }.
code-mailbox-link = Entwicklungspostfach
code-label = Anmeldecode
code-hint = { $digits } Ziffern. Sie können die ganze Nachricht einfügen; wir finden den Code darin und machen weiter.
code-hint-long = 13 Buchstaben und Ziffern, wie sie in der E-Mail stehen.
code-submit = Anmelden
code-checking = Wird geprüft …
code-resend = Neuen Code senden
code-resend-ready = Sie können jetzt einen weiteren Code anfordern.
code-resend-too-early = Einen weiteren Code können Sie in { $unit ->
    [minutes] { $count ->
        [one] { $count } Minute anfordern.
       *[other] { $count } Minuten anfordern.
    }
   *[seconds] { $count ->
        [one] { $count } Sekunde anfordern.
       *[other] { $count } Sekunden anfordern.
    }
}
code-resent-same = Wir haben den Code noch einmal an { $email } geschickt.
code-resent-new = Wir haben einen neuen Code an { $email } geschickt.
code-wrong = Der Code stimmt nicht. Sehen Sie in der neuesten E-Mail nach und versuchen Sie es noch einmal.
code-tries-left = { $tries ->
    [one] Noch { $tries } Versuch.
   *[other] Noch { $tries } Versuche.
}
code-expired = Der Code ist abgelaufen.
code-locked = Zu viele Versuche. Der Code gilt nicht mehr.
code-other-email = Andere E-Mail-Adresse verwenden
code-missing = Nichts angekommen?
code-missing-spam = Suchen Sie im Spam-Ordner nach einer E-Mail von { $sender }.
code-missing-spelling = Prüfen Sie, ob die Adresse richtig geschrieben ist.
code-missing-patience = Es kann eine Minute dauern.

## /sign-in/continue

continue-title = Angemeldet
continue-text = Es geht zurück zu { $client } …
continue-link = Weiter zu { $client }

## /sign-in/help

help-title = Probleme beim Anmelden?
help-lost = Mein Gerät ist verloren oder nicht hier
help-lost-text = Melden Sie sich mit einem Code per E-Mail an, entfernen Sie dann den verlorenen Passkey unter Konto › Passkeys und melden Sie andere Geräte ab.
help-prompt = Die Abfrage zeigt meinen Passkey nicht
help-prompt-text = Er ist vielleicht in einem anderen Passwortmanager oder auf einem anderen Gerät gespeichert. Wählen Sie in der Abfrage ein Smartphone oder Tablet, oder machen Sie mit E-Mail weiter. Private Fenster und Browser in Apps sehen Passkeys oft nicht.
help-email = Ich bekomme keine E-Mails
help-email-text = Wenden Sie sich an { $support }. Die Administration kann prüfen, wer Sie sind, und die Adresse ändern.
help-email-text-nobody = Wenden Sie sich an die Betreiber von { $app }. Die Administration kann prüfen, wer Sie sind, und die Adresse ändern.
help-back = Zurück zur Anmeldung

## /welcome/passkey

welcome-first-title = Nächstes Mal schneller anmelden
welcome-first-text = Erstellen Sie einen Passkey und verwenden Sie Fingerabdruck, Gesicht oder Displaysperre, statt auf eine E-Mail zu warten.
welcome-device-title = Passkey auf diesem Gerät einrichten?
welcome-device-text = Dann brauchen Sie nächstes Mal das andere Gerät nicht.
welcome-codes-title = Passkey für dieses Gerät hinzufügen?
welcome-codes-text = Sie haben hier einen Code verwendet. Ein Passkey geht schneller und lässt sich nicht durch Phishing stehlen.
welcome-create = Passkey erstellen
welcome-noscript = Einen Passkey zu erstellen braucht JavaScript.
welcome-later = Nicht jetzt
welcome-never = Nicht mehr fragen
welcome-cancelled = Es wurde kein Passkey erstellt. Versuchen Sie es noch einmal oder machen Sie ohne weiter.
welcome-exists = Mehr ist nicht zu tun.
welcome-what = Was ist ein Passkey?
welcome-what-text = Ein Schlüssel, den Ihr Gerät für Sie aufbewahrt. Sie entsperren ihn so, wie Sie das Gerät entsperren.
welcome-where = Wo wird er gespeichert?
welcome-where-text = In Ihrem Passwortmanager, etwa Apple Passwörter oder Google Passwortmanager. Er kann auch auf Ihren anderen Geräten funktionieren.
welcome-who = Wer sieht meinen Fingerabdruck oder mein Gesicht?
welcome-who-text = Niemand. Beides verlässt Ihr Gerät nie. Wer dieses Gerät entsperren kann, kann auch den Passkey verwenden.
welcome-created = Passkey erstellt
welcome-created-in = Gespeichert in { $provider }.
welcome-created-next = Wählen Sie ihn, wenn Sie sich das nächste Mal anmelden.
welcome-name-label = Name
welcome-name-submit = Namen speichern
welcome-name-invalid = 1 bis 64 Zeichen.
welcome-name-saved = Der Name ist gespeichert.
welcome-continue = Weiter

## /reauth

reauth-title = Bestätigen Sie, dass Sie es sind
reauth-account = Konto: { $email }
reauth-passkey-text = Sie verwenden Ihren Passkey.
reauth-passkey = Passkey verwenden
reauth-passkey-hint = Kein Passkey auf diesem Gerät? Wählen Sie in der Abfrage ein Smartphone oder Tablet und scannen Sie den Code mit dem Gerät, das den Passkey hat. Bluetooth muss auf beiden an sein.
reauth-passkey-only = Hier gilt nur einer Ihrer Passkeys.
reauth-passkey-lost = Keiner mehr da? Ab { $moment } gilt auch ein Code per E-Mail.
reauth-passkey-lost-here = Keiner mehr da? Melden Sie sich ab und mit einem Code per E-Mail wieder an; einen Tag später gilt hier auch ein Code.
reauth-noscript = Passkeys brauchen JavaScript.
reauth-code = Code per E-Mail senden
reauth-code-instead = Stattdessen Code per E-Mail senden
reauth-code-submit = Bestätigen
reauth-code-back = Zurück
reauth-cancel = Abbrechen

## /sign-out

sign-out-title = Abmelden
sign-out-heading = Von { $app } abmelden?
sign-out-submit = Abmelden
sign-out-cancel = Abbrechen

## Um die Seiten des Kontos

account-nav = Konto
account-nav-overview = Überblick
account-nav-passkeys = Passkeys
account-nav-sessions = Geräte
account-nav-profile = Profil
account-nav-activity = Aktivität
account-sign-out = Abmelden

## /account

account-title = Ihr Konto
account-passkeys = { $count ->
    [one] { $count } Passkey
   *[other] { $count } Passkeys
}
account-passkeys-used = zuletzt benutzt: { $when }
account-devices = { $count ->
    [one] Auf { $count } Gerät angemeldet
   *[other] Auf { $count } Geräten angemeldet
}
account-activity = Letzte Aktivität
account-activity-all = Alle Aktivität

## /account/passkeys

passkeys-text = Melden Sie sich mit Fingerabdruck, Gesicht oder Bildschirmsperre an.
passkeys-create = Passkey erstellen
passkeys-create-on-key = Sicherheitsschlüssel verwenden
passkeys-hero-title = Anmelden ohne Codes per E-Mail
passkeys-hero-text = Erstellen Sie einen Passkey und benutzen Sie Fingerabdruck, Gesicht oder Bildschirmsperre.
passkeys-only-one = Sie haben einen Passkey. Legen Sie noch einen in einem anderen Passwortmanager oder auf einem Sicherheitsschlüssel an, damit Sie nicht festsitzen, wenn Sie ihn verlieren.
passkeys-dismiss = Ausblenden
passkeys-all-bound = Alle Ihre Passkeys sind an einzelne Geräte gebunden.
passkeys-made = Erstellt: { $when }
passkeys-used = Zuletzt benutzt: { $when }
passkeys-unused = Noch nicht benutzt
passkeys-current = Für diese Sitzung benutzt
passkeys-synced = Synchronisiert
passkeys-synced-text = Verfügbar auf Ihren anderen Geräten, die denselben Passwortmanager benutzen.
passkeys-not-backed-up = Noch nicht gesichert
passkeys-not-backed-up-text = Kann synchronisiert werden, ist es aber noch nicht. Schalten Sie die Synchronisierung in Ihrem Passwortmanager ein.
passkeys-one-device = Nur ein Gerät
passkeys-one-device-text = Funktioniert nur auf dem Gerät, auf dem er erstellt wurde.
passkeys-security-key = Sicherheitsschlüssel
passkeys-security-key-text = Funktioniert, wenn Sie den Schlüssel verbinden.
passkeys-rename = Umbenennen
passkeys-remove = Entfernen
passkeys-created = Passkey erstellt.
passkeys-created-in = Passkey erstellt. Gespeichert in { $provider }.
passkeys-renamed = Passkey umbenannt.
passkeys-removed = „{ $name }“ wurde entfernt.

## /account/passkeys/new

create-title = Passkey erstellen
create-text = Melden Sie sich mit Fingerabdruck, Gesicht oder Bildschirmsperre an, statt auf eine E-Mail zu warten.
create-where = Ihr Passwortmanager bewahrt den Passkey auf, und Sie entsperren ihn so, wie Sie Ihr Gerät entsperren. Ihr Fingerabdruck oder Gesicht verlässt das Gerät nie.
create-hint = Keine Bildschirmsperre auf diesem Gerät? Nehmen Sie einen Sicherheitsschlüssel, oder in der Abfrage Ihr Telefon.
create-on-key-title = Passkey auf einem Sicherheitsschlüssel erstellen
create-on-key-text = Verbinden Sie den Schlüssel, wenn Ihr Browser danach fragt. Vielleicht braucht er eine PIN.
create-elsewhere = An anderer Stelle erstellen
create-exists = Ihre Passkeys zeigen
create-cancel = Abbrechen
create-back = Zurück zu Ihren Passkeys
create-noscript = Einen Passkey zu erstellen, braucht JavaScript.

## /account/passkeys/{id}: umbenennen, entfernen

rename-title = Passkey umbenennen
rename-label = Name des Passkeys
rename-save = Speichern
rename-saving = Wird gespeichert …
rename-cancel = Abbrechen
rename-invalid = Verwenden Sie 1 bis 64 Zeichen, alle davon sichtbar.
remove-title = Passkey entfernen
remove-heading = „{ $name }“ entfernen?
remove-text = Sie können sich dann nicht mehr damit anmelden.
remove-only = Das ist Ihr einziger Passkey. Sie melden sich dann mit einem Code an, der an { $email } geschickt wird; das ist langsamer und lässt sich abfischen.
remove-denied = Ihren einzigen Passkey können Sie nicht entfernen. Erstellen Sie zuerst einen weiteren.
remove-leaves-bound = Ihre anderen Passkeys funktionieren jeweils nur auf einem Gerät.
remove-current = Sie haben sich hier damit angemeldet. Sie bleiben angemeldet.
remove-others = { $count ->
    [one] Das andere Gerät, das damit angemeldet ist, wird abgemeldet.
   *[other] Die { $count } anderen Geräte, die damit angemeldet sind, werden abgemeldet.
}
remove-signal = Wir bitten Ihren Passwortmanager, ihn nicht mehr anzubieten.
remove-no-signal = Löschen Sie ihn auch in Ihrem Passwortmanager, sonst wird er weiter angeboten.
remove-create-first = Zuerst einen weiteren erstellen
remove-keep = Passkey behalten
remove-submit = Passkey entfernen

## /account/profile

profile-title = Profil
profile-names = Ihr Name
profile-first-name = Vorname (freiwillig)
profile-last-name = Nachname (freiwillig)
profile-name-invalid = Verwenden Sie höchstens 64 Zeichen, die alle sichtbar sind.
profile-language = Sprache
profile-language-browser = Wie Ihr Browser
profile-language-hint = Für diese Seiten und für E-Mails an Sie.
profile-appearance = Aussehen
profile-appearance-system = System
profile-appearance-light = Hell
profile-appearance-dark = Dunkel
profile-appearance-hint = In diesem Browser.
profile-passkeys = Passkeys
profile-offers = Nach dem Anmelden vorschlagen, Passkeys zu erstellen
profile-save = Speichern
profile-saved = Ihr Profil wurde gespeichert.
profile-email = E-Mail-Adresse
profile-email-change = E-Mail-Adresse ändern
profile-email-changed = Ihre E-Mail-Adresse ist jetzt { $email }.
profile-data = Ihre Daten
profile-data-text = Eine Datei (JSON) mit Profil, Passkeys, Geräten und Aktivität.
profile-data-download = Meine Daten herunterladen
profile-delete = Konto löschen
profile-delete-text = Löscht Ihr Konto mit allem, was dazugehört.
profile-delete-link = Konto löschen

## /account/profile/email

email-title = E-Mail-Adresse ändern
email-now = Ihre E-Mail-Adresse ist { $email }.
email-text = Mit der Änderung werden Sie auf Ihren anderen Geräten abgemeldet.
email-label = Neue E-Mail-Adresse
email-hint = Wir schicken einen Code dorthin.
email-submit = Code senden
email-cancel = Abbrechen
email-code-label = Code
email-code-submit = E-Mail-Adresse ändern

## /account/profile/delete

delete-title = Konto löschen
delete-heading = Möchten Sie Ihr Konto löschen?
delete-what = Mit dem Konto { $email } wird gelöscht:
delete-what-profile = Ihr Name, Ihre E-Mail-Adresse und Ihre Einstellungen
delete-what-passkeys = Ihre Passkeys, die sofort nicht mehr gelten
delete-what-sessions = Ihre Anmeldungen, auf diesem Gerät und auf allen anderen
delete-what-stays = Das Sicherheitsprotokoll behält seine Einträge { $days } Tage lang. Anwendungen, bei denen Sie sich angemeldet haben, können eigene Daten behalten.
delete-sure = Ich weiß, dass sich das nicht rückgängig machen lässt
delete-sure-missing = Setzen Sie das Häkchen, um zu bestätigen, dass sich das nicht rückgängig machen lässt.
delete-last-admin = Sie sind allein in der Administration. Geben Sie zuerst jemand anderem diese Rolle.
delete-cancel = Konto behalten
delete-submit = Konto löschen
deleted-title = Ihr Konto wurde gelöscht
deleted-text = Ihre Passkeys gelten nicht mehr. Bietet Ihr Passwortmanager noch einen für { $app } an, löschen Sie ihn dort.
deleted-back = Zurück zur Anmeldung

## /account/sessions

sessions-title = Geräte
sessions-current = Dieses Gerät
sessions-active = Gerade aktiv
sessions-last-seen = Zuletzt aktiv { $time }
sessions-signed-in-otp = Angemeldet am { $date } mit einem E-Mail-Code
sessions-signed-in-passkey = Angemeldet am { $date } mit einem Passkey
sessions-signed-in-passkey-named = Angemeldet am { $date } mit einem Passkey ({ $name })
sessions-facts = Einzelheiten
sessions-fact-opened = Zuerst angemeldet
sessions-fact-proved = Zuletzt angemeldet
sessions-fact-seen = Zuletzt aktiv
sessions-fact-ends = Unbenutzt abgemeldet
sessions-fact-address = Netzwerkadresse
sessions-fact-user-agent = Wie der Browser sich nennt
sessions-end = Abmelden
sessions-end-device = Abmelden: { $device }
sessions-end-from = Abmelden: { $device }, { $address }
sessions-end-others = Überall sonst abmelden
sessions-others-heading = { $count ->
    [one] { $count } anderes Gerät abmelden?
   *[other] { $count } andere Geräte abmelden?
}
sessions-others-text = Dort ist dann eine neue Anmeldung nötig. Hier bleiben Sie angemeldet.
sessions-others-cancel = Abbrechen
sessions-ended = Abgemeldet: { $device }.
sessions-ended-several = { $count ->
    [one] { $count } Gerät wurde abgemeldet.
   *[other] { $count } Geräte wurden abgemeldet.
}
sessions-ended-none = Sie waren auf keinem anderen Gerät angemeldet.
sessions-unknown = Ist eines nicht Ihres? Melden Sie es ab und { $link }.
sessions-unknown-link = prüfen Sie dann Ihre Passkeys

## /account/activity

activity-title = Aktivität
activity-text = Was mit Ihrem Konto geschehen ist, das Neueste zuerst.
activity-empty = Noch ist hier nichts.
activity-newest = Neueste
activity-older = Ältere

## Was mit einem Konto geschehen ist

event-signed-in = Mit einem E-Mail-Code angemeldet
event-signed-in-passkey = Mit einem Passkey angemeldet
event-sign-in-failed = Eine Anmeldung mit einem Ihrer Passkeys wurde abgelehnt
event-signed-out = Abgemeldet
event-session-revoked = Ein Gerät wurde abgemeldet
event-all-sessions-revoked = Alle Geräte wurden abgemeldet
event-session-evicted = Das am längsten unbenutzte Gerät wurde abgemeldet, um Platz zu machen
event-passkey-added = Passkey „{ $detail }“ wurde erstellt
event-passkey-renamed = Ein Passkey wurde in „{ $detail }“ umbenannt
event-passkey-removed = Passkey „{ $detail }“ wurde entfernt
event-counter-regression = Ungewöhnliche Benutzung des Passkeys „{ $detail }“: Vielleicht gibt es eine Kopie davon
event-user-created = Das Konto wurde angelegt
event-user-invited = Sie wurden eingeladen
event-user-updated = Das Profil wurde geändert
event-email-changed = Die E-Mail-Adresse wurde geändert
event-user-disabled = Das Konto wurde gesperrt
event-user-enabled = Das Konto wurde entsperrt
event-role-granted = Sie haben die Rolle „{ $detail }“ bekommen
event-role-revoked = Die Rolle „{ $detail }“ wurde Ihnen genommen
event-access-denied = Etwas wurde abgelehnt, das die Berechtigung „{ $detail }“ braucht
event-other = An Ihrem Konto hat sich etwas geändert
event-by-administrator = Durch einen Administrator
event-not-me = Waren Sie das nicht?

## /account/activity/not-me

not-me-title = Waren Sie das nicht?
not-me-text = Wenn sich jemand anders bei Ihrem Konto angemeldet hat, sperren Sie ihn jetzt aus, in dieser Reihenfolge.
not-me-devices = 1. Überall sonst abmelden
not-me-devices-text = Wer auf einem anderen Gerät angemeldet ist, wird sofort abgemeldet. Hier bleiben Sie angemeldet.
not-me-passkeys = 2. Passkeys prüfen
not-me-passkeys-text = Entfernen Sie jeden Passkey, den Sie nicht kennen: Damit ist eine neue Anmeldung möglich.
not-me-passkeys-link = Passkeys prüfen
not-me-email = 3. E-Mail sichern
not-me-email-text = Wer Ihre E-Mail liest, kann sich mit einem Code anmelden. Wenn jemand anders Ihr Postfach lesen kann, ändern Sie dessen Passwort.

## /dev/mailbox

mailbox-title = Postfach
mailbox-warning = Postfach für die Entwicklung. Nichts wird zugestellt.
mailbox-empty = Noch keine Post.
mailbox-empty-text = Post erscheint hier, sobald sie verschickt worden wäre.
mailbox-copy = Code kopieren
mailbox-copied = Kopiert
mailbox-clear = Postfach leeren
mailbox-cleared = Das Postfach ist jetzt leer.
mailbox-back = Zurück zum Postfach
mailbox-to = An
mailbox-at = Geschrieben
mailbox-text = Text
mailbox-html = HTML
mailbox-headers = Kopfzeilen
mailbox-raw = Quelltext

## Geräte

device-name = { $browser } unter { $os }
device-unknown = Unbekannter Browser

## Was mit einem Passkey schiefgehen kann. Das Skript zeigt diese Texte.

passkey-cancelled-get = { $code ->
    [no] Es wurde kein Passkey benutzt. Versuchen Sie es noch einmal.
   *[yes] Es wurde kein Passkey benutzt. Versuchen Sie es noch einmal oder per E-Mail.
}
passkey-timeout-get = { $code ->
    [no] Die Zeit für die Passkey-Abfrage ist abgelaufen. Versuchen Sie es noch einmal.
   *[yes] Die Zeit für die Passkey-Abfrage ist abgelaufen. Versuchen Sie es noch einmal oder per E-Mail.
}
passkey-blocked-get = { $code ->
    [no] Ihr Browser hat die Passkey-Abfrage nicht geöffnet. Versuchen Sie es noch einmal.
   *[yes] Ihr Browser hat die Passkey-Abfrage nicht geöffnet. Versuchen Sie es noch einmal oder per E-Mail.
}
passkey-blocked-again = Private Fenster und Browser in Apps sperren Passkeys oft.
passkey-unusable = Dieser Passkey ist hier nicht benutzbar. Nehmen Sie einen anderen.
passkey-unsupported = { $code ->
    [no] Dieser Browser kann hier keine Passkeys benutzen. Nehmen Sie einen anderen.
   *[yes] Dieser Browser kann hier keine Passkeys benutzen. Machen Sie mit E-Mail weiter.
}
passkey-rp-mismatch = { $code ->
    [no] Passkeys sind für diese Adresse nicht richtig eingerichtet.
   *[yes] Passkeys sind für diese Adresse nicht richtig eingerichtet. Machen Sie mit E-Mail weiter.
}
passkey-busy = Eine andere Passkey-Abfrage ist offen. Schließen Sie sie und versuchen Sie es noch einmal.
passkey-authenticator-failed = { $code ->
    [no] Ihr Passwortmanager hat ein Problem gemeldet. Versuchen Sie es noch einmal.
   *[yes] Ihr Passwortmanager hat ein Problem gemeldet. Versuchen Sie es noch einmal oder per E-Mail.
}
passkey-embedded = Öffnen Sie { $app } in einem eigenen Tab, um einen Passkey zu benutzen.
passkey-unknown = { $code ->
    [no] Dieser Passkey wurde aus Ihrem Konto entfernt und gilt nicht mehr. Nehmen Sie einen anderen Passkey.
   *[yes] Dieser Passkey wurde aus Ihrem Konto entfernt und gilt nicht mehr. Machen Sie mit E-Mail oder einem anderen Passkey weiter.
}
passkey-challenge-expired = Das hat etwas zu lange gedauert. Versuchen Sie es noch einmal.
passkey-uv-required = Entsperren Sie Ihren Passkey mit Fingerabdruck, Gesicht oder PIN. Bei einem Sicherheitsschlüssel legen Sie zuerst eine PIN fest.
passkey-failed = { $code ->
    [no] Der Passkey konnte nicht geprüft werden. Versuchen Sie es noch einmal.
   *[yes] Der Passkey konnte nicht geprüft werden. Versuchen Sie es noch einmal oder per E-Mail.
}
passkey-bluetooth = Schalten Sie Bluetooth ein, um den Passkey eines anderen Geräts zu benutzen.

## Einen Passkey erstellen. Das Skript zeigt diese Texte.

create-waiting = Warten auf Ihr Gerät …
create-verifying = Passkey wird gespeichert …
passkey-cancelled-create = Es wurde kein Passkey erstellt. Sie können es noch einmal versuchen.
passkey-exists = Sie haben hier schon einen Passkey für { $app }.
passkey-unsuitable = Dieses Gerät oder dieser Schlüssel kann keine Passkeys speichern. Versuchen Sie es mit einem anderen oder mit Ihrem Telefon.
passkey-limit-reached = Sie haben so viele Passkeys, wie ein Konto haben kann. Entfernen Sie zuerst einen.
passkey-unavailable = Dieser Browser kann keine Passkeys erstellen.
passkey-insecure = Passkeys brauchen HTTPS.
passkey-rp-mismatch-create = Passkeys sind für diese Adresse nicht richtig eingerichtet.
passkey-authenticator-failed-create = Ihr Passwortmanager meldet ein Problem. Sie können es noch einmal versuchen.
passkey-failed-create = Dieser Passkey ließ sich nicht prüfen. Sie können es noch einmal versuchen.

## Was überall schiefgehen kann

rate-limited = { $unit ->
    [minutes] { $count ->
        [one] Zu viele Versuche. Warten Sie { $count } Minute und versuchen Sie es noch einmal.
       *[other] Zu viele Versuche. Warten Sie { $count } Minuten und versuchen Sie es noch einmal.
    }
   *[seconds] { $count ->
        [one] Zu viele Versuche. Warten Sie { $count } Sekunde und versuchen Sie es noch einmal.
       *[other] Zu viele Versuche. Warten Sie { $count } Sekunden und versuchen Sie es noch einmal.
    }
}
script-client-error = Hier ist etwas schiefgegangen. Laden Sie die Seite neu und versuchen Sie es noch einmal.
script-offline = Sie sind anscheinend offline. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.
script-server-error = Bei uns ist etwas schiefgegangen. Versuchen Sie es noch einmal. Kennung: { $id }

## Fehlerseiten

error-not-found-title = Seite nicht gefunden
error-cross-origin-title = Diese Seite war zu lange offen
error-cross-origin-text = Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal.
error-malformed-title = Das hat nicht geklappt
error-malformed-text = Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal.
error-rate-limited-title = Zu viele Versuche
error-rate-limited-text = { $unit ->
    [minutes] { $count ->
        [one] Warten Sie { $count } Minute.
       *[other] Warten Sie { $count } Minuten.
    }
   *[seconds] { $count ->
        [one] Warten Sie { $count } Sekunde.
       *[other] Warten Sie { $count } Sekunden.
    }
}
error-internal-title = Bei uns ist etwas schiefgegangen
error-unavailable-title = Wegen Wartung nicht erreichbar
error-unavailable-text = Versuchen Sie es in ein paar Minuten noch einmal.
error-reference = Kennung: { $id }
error-start = Zur Startseite
