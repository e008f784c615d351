# The texts of the pages. Names are page-element-state. `$app` may be used in every text.

## Around every page

frame-title-error = Error:
frame-skip = Skip to content
frame-help = Help
frame-privacy = Privacy
frame-language = Language

## /sign-in

sign-in-title = Sign in
sign-in-heading = Sign in to { $app }
sign-in-heading-open = Sign in or create an account
sign-in-notice-signed-out = You're signed out.
sign-in-notice-ended = Your session ended. Sign in again to continue.
sign-in-notice-client = Sign in to continue to { $client }.
sign-in-notice-other-browser = Enter the code in the browser where you asked for it.
sign-in-switch = Signed in as { $email }. Sign in as someone else below, or
sign-in-switch-back = go back.
sign-in-email-label = Email address
sign-in-email-submit = Continue with email
sign-in-email-sending = Sending code…
sign-in-email-invalid = Enter an email address like name@example.com.
sign-in-or = or
sign-in-passkey = Sign in with a passkey
sign-in-passkey-last = Last used
sign-in-passkey-waiting = Waiting for your passkey…
sign-in-passkey-verifying = Signing you in…
sign-in-passkey-cancel = Cancel
sign-in-passkey-hint = No passkey on this device? In the prompt, choose to use a phone or tablet and scan the code with the device that has it. Bluetooth must be on for both. Not sure? Continue with email instead.
sign-in-help = Can't sign in?
sign-in-noscript = Passkeys need JavaScript. You can still sign in with an email code.

## /sign-in/code

code-title = Check your email
code-sent = We sent a code to { $email }.
code-lifetime = { $minutes ->
    [one] It works for { $minutes } minute.
   *[other] It works for { $minutes } minutes.
}
code-mailbox = This mail isn't delivered. Read it in the { $link }.
code-mailbox-link = development mailbox
code-label = Sign-in code
code-hint = { $digits } digits. You can paste the whole message; we'll pick out the code and continue.
code-hint-long = 13 letters and digits, as they are in the email.
code-submit = Sign in
code-checking = Checking…
code-resend = Send a new code
code-resend-ready = You can ask for another code now.
code-resend-too-early = You can ask for another code in { $unit ->
    [minutes] { $count ->
        [one] { $count } minute.
       *[other] { $count } minutes.
    }
   *[seconds] { $count ->
        [one] { $count } second.
       *[other] { $count } seconds.
    }
}
code-resent-same = We sent the code again to { $email }.
code-resent-new = We sent a new code to { $email }.
code-wrong = That code isn't right. Check the newest email and try again.
code-tries-left = { $tries ->
    [one] { $tries } try left.
   *[other] { $tries } tries left.
}
code-expired = That code has expired.
code-locked = Too many tries. That code no longer works.
code-other-email = Use a different email
code-missing = Didn't get it?
code-missing-spam = Look in spam or junk for mail from { $sender }.
code-missing-spelling = Check the address is spelled right.
code-missing-patience = It can take a minute.

## /sign-in/continue

continue-title = Signed in
continue-text = Taking you back to { $client }…
continue-link = Continue to { $client }

## /sign-in/help

help-title = Can't sign in?
help-lost = I lost my device or it's not here
help-lost-text = Sign in with an email code, then remove the lost passkey under Account › Passkeys and sign out other devices.
help-prompt = The passkey prompt doesn't show mine
help-prompt-text = It may be saved in another password manager or on another device. Use a phone or tablet from the prompt, or continue with email. Private windows and in-app browsers often can't see passkeys.
help-email = I can't get email
help-email-text = Ask { $support }. An administrator can check who you are and change the address.
help-email-text-nobody = Ask whoever runs { $app }. An administrator can check who you are and change the address.
help-back = Back to sign-in

## /welcome/passkey

welcome-first-title = Sign in faster next time
welcome-first-text = Create a passkey and use your fingerprint, face or screen lock instead of waiting for an email.
welcome-device-title = Set up a passkey on this device?
welcome-device-text = Next time you won't need your other device.
welcome-codes-title = Add a passkey for this device?
welcome-codes-text = You used a code here. A passkey is quicker and can't be phished.
welcome-create = Create a passkey
welcome-noscript = Creating a passkey needs JavaScript.
welcome-later = Not now
welcome-never = Don't ask again
welcome-cancelled = No passkey was created. Try again, or continue without one.
welcome-exists = You're all set.
welcome-what = What's a passkey?
welcome-what-text = A key your device keeps for you. You unlock it the way you unlock the device.
welcome-where = Where is it saved?
welcome-where-text = In your password manager, such as Apple Passwords or Google Password Manager. It can work on your other devices too.
welcome-who = Who sees my fingerprint or face?
welcome-who-text = Nobody. It never leaves your device. Anyone who can unlock this device can use the passkey.
welcome-created = Passkey created
welcome-created-in = Saved in { $provider }.
welcome-created-next = Choose it next time you sign in.
welcome-name-label = Name
welcome-name-submit = Save name
welcome-name-invalid = Use 1 to 64 characters.
welcome-name-saved = Name saved.
welcome-continue = Continue

## /reauth

reauth-title = Confirm it's you
reauth-account = Account: { $email }
reauth-passkey-text = You'll use your passkey.
reauth-passkey = Use your passkey
reauth-passkey-hint = No passkey on this device? In the prompt, choose to use a phone or tablet and scan the code with the device that has it. Bluetooth must be on for both.
reauth-passkey-only = Only one of your passkeys will do here.
reauth-passkey-lost = Lost them? From { $moment } on a code by email will do.
reauth-passkey-lost-here = Lost them? Sign out and sign in again with a code by email; a day later a code will do here, too.
reauth-noscript = Passkeys need JavaScript.
reauth-code = Email me a code
reauth-code-instead = Email me a code instead
reauth-code-submit = Confirm
reauth-code-back = Back
reauth-cancel = Cancel

## /sign-out

sign-out-title = Sign out
sign-out-heading = Sign out of { $app }?
sign-out-submit = Sign out
sign-out-cancel = Cancel

## Around the pages of the account

account-nav = Account
account-nav-overview = Overview
account-nav-passkeys = Passkeys
account-nav-sessions = Devices
account-nav-profile = Profile
account-nav-activity = Activity
account-sign-out = Sign out

## /account

account-title = Your account
account-passkeys = { $count ->
    [one] { $count } passkey
   *[other] { $count } passkeys
}
account-passkeys-used = last used { $when }
account-devices = { $count ->
    [one] Signed in on { $count } device
   *[other] Signed in on { $count } devices
}
account-activity = Recent activity
account-activity-all = All activity

## /account/passkeys

passkeys-text = Use your fingerprint, face or screen lock to sign in.
passkeys-create = Create a passkey
passkeys-create-on-key = Use a security key
passkeys-hero-title = Sign in without email codes
passkeys-hero-text = Create a passkey and use your fingerprint, face or screen lock.
passkeys-only-one = You have one passkey. Add another in a different password manager or on a security key, so you're not stuck if you lose it.
passkeys-dismiss = Dismiss
passkeys-all-bound = All your passkeys are tied to single devices.
passkeys-made = Created { $when }
passkeys-used = Last used { $when }
passkeys-unused = Not used yet
passkeys-current = Used for this session
passkeys-synced = Synced
passkeys-synced-text = Available on your other devices that use the same password manager.
passkeys-not-backed-up = Not backed up yet
passkeys-not-backed-up-text = Can be synced, but isn't yet. Turn on sync in your password manager.
passkeys-one-device = This device only
passkeys-one-device-text = Works only on the device it was made on.
passkeys-security-key = Security key
passkeys-security-key-text = Works when you connect the key.
passkeys-rename = Rename
passkeys-remove = Remove
passkeys-created = Passkey created.
passkeys-created-in = Passkey created. Saved in { $provider }.
passkeys-renamed = Passkey renamed.
passkeys-removed = “{ $name }” was removed.

## /account/passkeys/new

create-title = Create a passkey
create-text = Use your fingerprint, face or screen lock to sign in, instead of waiting for an email.
create-where = Your password manager keeps the passkey, and you unlock it the way you unlock your device. Your fingerprint or face never leaves it.
create-hint = No screen lock on this device? Use a security key, or your phone from the prompt.
create-on-key-title = Create a passkey on a security key
create-on-key-text = Connect the key when your browser asks for it. It may need a PIN.
create-elsewhere = Create it somewhere else
create-exists = Show your passkeys
create-cancel = Cancel
create-back = Back to your passkeys
create-noscript = Creating a passkey needs JavaScript.

## /account/passkeys/{id}: renaming, removing

rename-title = Rename passkey
rename-label = Passkey name
rename-save = Save
rename-saving = Saving…
rename-cancel = Cancel
rename-invalid = Use 1 to 64 characters, all of them visible.
remove-title = Remove passkey
remove-heading = Remove “{ $name }”?
remove-text = You won't be able to sign in with it any more.
remove-only = This is your only passkey. You'll sign in with a code sent to { $email }, which is slower and can be phished.
remove-denied = You can't remove your only passkey. Create another one first.
remove-leaves-bound = Your other passkeys each work on one device only.
remove-current = You used it to sign in here. You'll stay signed in.
remove-others = { $count ->
    [one] The other device that signed in with it will be signed out.
   *[other] The { $count } other devices that signed in with it will be signed out.
}
remove-signal = We'll ask your password manager to stop offering it.
remove-no-signal = Also delete it in your password manager, or it will keep being offered.
remove-create-first = Create another one first
remove-keep = Keep passkey
remove-submit = Remove passkey

## /account/profile

profile-title = Profile
profile-names = Your name
profile-first-name = First name (optional)
profile-last-name = Last name (optional)
profile-name-invalid = Use at most 64 characters, all of them visible.
profile-language = Language
profile-language-browser = Same as your browser
profile-language-hint = For these pages and for emails to you.
profile-appearance = Appearance
profile-appearance-system = System
profile-appearance-light = Light
profile-appearance-dark = Dark
profile-appearance-hint = In this browser.
profile-passkeys = Passkeys
profile-offers = Suggest creating passkeys after sign-in
profile-save = Save
profile-saved = Your profile was saved.
profile-email = Email address
profile-email-change = Change email address
profile-email-changed = Your email address is now { $email }.
profile-data = Your data
profile-data-text = A file (JSON) with your profile, passkeys, devices and activity.
profile-data-download = Download my data
profile-delete = Delete account
profile-delete-text = Deletes your account and everything in it.
profile-delete-link = Delete account

## /account/profile/email

email-title = Change email address
email-now = Your email address is { $email }.
email-text = Changing it signs you out on your other devices.
email-label = New email address
email-hint = We'll send a code there.
email-submit = Send code
email-cancel = Cancel
email-code-label = Code
email-code-submit = Change email address

## /account/profile/delete

delete-title = Delete account
delete-heading = Delete your account?
delete-what = With the account { $email }, this is deleted:
delete-what-profile = Your name, your email address and your settings
delete-what-passkeys = Your passkeys, which stop working at once
delete-what-sessions = Your sign-ins, on this device and on all others
delete-what-stays = The security log keeps its entries for { $days } days. Apps you signed in to may keep data of their own.
delete-sure = I understand this can't be undone
delete-sure-missing = Tick the box to confirm that this can't be undone.
delete-last-admin = You're the only administrator. Make someone else an administrator first.
delete-cancel = Keep account
delete-submit = Delete account
deleted-title = Your account was deleted
deleted-text = Your passkeys no longer work. If your password manager still offers one for { $app }, delete it there.
deleted-back = Back to sign-in

## /account/sessions

sessions-title = Devices
sessions-current = This device
sessions-active = Active now
sessions-last-seen = Last active { $time }
sessions-signed-in-otp = Signed in { $date } with an email code
sessions-signed-in-passkey = Signed in { $date } with a passkey
sessions-signed-in-passkey-named = Signed in { $date } with a passkey ({ $name })
sessions-facts = Details
sessions-fact-opened = First signed in
sessions-fact-proved = Last signed in
sessions-fact-seen = Last active
sessions-fact-ends = Signed out unless used by
sessions-fact-address = Network address
sessions-fact-user-agent = What the browser calls itself
sessions-end = Sign out
sessions-end-device = Sign out { $device }
sessions-end-from = Sign out { $device }, { $address }
sessions-end-others = Sign out everywhere else
sessions-others-heading = { $count ->
    [one] Sign out of { $count } other device?
   *[other] Sign out of { $count } other devices?
}
sessions-others-text = They'll need to sign in again. You'll stay signed in here.
sessions-others-cancel = Cancel
sessions-ended = Signed out of { $device }.
sessions-ended-several = { $count ->
    [one] Signed out of { $count } device.
   *[other] Signed out of { $count } devices.
}
sessions-ended-none = You weren't signed in on any other device.
sessions-unknown = Don't recognise one? Sign it out, then { $link }.
sessions-unknown-link = check your passkeys

## /account/activity

activity-title = Activity
activity-text = What happened to your account, newest first.
activity-empty = Nothing here yet.
activity-newest = Newest
activity-older = Older

## What happened to an account

event-signed-in = Signed in with an email code
event-signed-in-passkey = Signed in with a passkey
event-sign-in-failed = A sign-in with one of your passkeys was refused
event-signed-out = Signed out
event-session-revoked = A device was signed out
event-all-sessions-revoked = All devices were signed out
event-session-evicted = The device unused for longest was signed out to make room for another
event-passkey-added = Passkey “{ $detail }” was created
event-passkey-renamed = A passkey was renamed to “{ $detail }”
event-passkey-removed = Passkey “{ $detail }” was removed
event-counter-regression = Unusual use of passkey “{ $detail }”: there may be a copy of it
event-user-created = Account was created
event-user-invited = You were invited
event-user-updated = Profile was changed
event-email-changed = Email address was changed
event-user-disabled = Account was disabled
event-user-enabled = Account was enabled
event-role-granted = You were given the role “{ $detail }”
event-role-revoked = The role “{ $detail }” was taken from you
event-access-denied = Something was refused that needs the permission “{ $detail }”
event-other = Something changed on your account
event-by-administrator = By an administrator
event-not-me = Wasn't you?

## /account/activity/not-me

not-me-title = Wasn't you?
not-me-text = If someone else signed in to your account, lock them out now, in this order.
not-me-devices = 1. Sign out everywhere else
not-me-devices-text = Whoever is signed in on another device is signed out at once. You'll stay signed in here.
not-me-passkeys = 2. Check your passkeys
not-me-passkeys-text = Remove every passkey that you don't recognise: it can sign in again.
not-me-passkeys-link = Check your passkeys
not-me-email = 3. Secure your email
not-me-email-text = Whoever reads your email can sign in with a code. If your mailbox may be open to someone else, change its password.

## /dev/mailbox

mailbox-title = Mailbox
mailbox-warning = Development mailbox. Nothing is being delivered.
mailbox-empty = No mail yet.
mailbox-empty-text = Mail appears here as soon as it would have been sent.
mailbox-copy = Copy code
mailbox-copied = Copied
mailbox-clear = Clear mailbox
mailbox-cleared = The mailbox is empty now.
mailbox-back = Back to the mailbox
mailbox-to = To
mailbox-at = Written
mailbox-text = Text
mailbox-html = HTML
mailbox-headers = Headers
mailbox-raw = Raw

## Devices

device-name = { $browser } on { $os }
device-unknown = Unknown browser

## What may go wrong with a passkey. The script shows these.

passkey-cancelled-get = { $code ->
    [no] No passkey was used. Try again.
   *[yes] No passkey was used. Try again, or continue with email.
}
passkey-timeout-get = { $code ->
    [no] The passkey prompt timed out. Try again.
   *[yes] The passkey prompt timed out. Try again, or continue with email.
}
passkey-blocked-get = { $code ->
    [no] Your browser didn't open the passkey prompt. Try again.
   *[yes] Your browser didn't open the passkey prompt. Try again, or continue with email.
}
passkey-blocked-again = Private windows and in-app browsers often block passkeys.
passkey-unusable = That passkey can't be used here. Try another one.
passkey-unsupported = { $code ->
    [no] This browser can't use passkeys here. Try another one.
   *[yes] This browser can't use passkeys here. Continue with email.
}
passkey-rp-mismatch = { $code ->
    [no] Passkeys aren't set up correctly for this address.
   *[yes] Passkeys aren't set up correctly for this address. Continue with email.
}
passkey-busy = Another passkey prompt is open. Close it and try again.
passkey-authenticator-failed = { $code ->
    [no] Your password manager reported a problem. Try again.
   *[yes] Your password manager reported a problem. Try again, or continue with email.
}
passkey-embedded = Open { $app } in its own tab to use a passkey.
passkey-unknown = { $code ->
    [no] That passkey was removed from your account, so it no longer works. Use another passkey.
   *[yes] That passkey was removed from your account, so it no longer works. Continue with email or use another passkey.
}
passkey-challenge-expired = That took a little too long. Try again.
passkey-uv-required = Unlock your passkey with a fingerprint, face or PIN. If you use a security key, set a PIN first.
passkey-failed = { $code ->
    [no] We couldn't check that passkey. Try again.
   *[yes] We couldn't check that passkey. Try again, or continue with email.
}
passkey-bluetooth = Turn on Bluetooth to use a passkey from another device.

## Making a passkey. The script shows these.

create-waiting = Waiting for your device…
create-verifying = Saving your passkey…
passkey-cancelled-create = No passkey was created. You can try again.
passkey-exists = You already have a passkey for { $app } here.
passkey-unsuitable = That device or key can't store passkeys. Try another one, or use your phone.
passkey-limit-reached = You have as many passkeys as an account can have. Remove one first.
passkey-unavailable = This browser can't create passkeys.
passkey-insecure = Passkeys need HTTPS.
passkey-rp-mismatch-create = Passkeys aren't set up correctly for this address.
passkey-authenticator-failed-create = Your password manager reported a problem. You can try again.
passkey-failed-create = We couldn't check that passkey. You can try again.

## What may go wrong anywhere

rate-limited = { $unit ->
    [minutes] { $count ->
        [one] Too many tries. Wait { $count } minute and try again.
       *[other] Too many tries. Wait { $count } minutes and try again.
    }
   *[seconds] { $count ->
        [one] Too many tries. Wait { $count } second and try again.
       *[other] Too many tries. Wait { $count } seconds and try again.
    }
}
script-client-error = Something went wrong here. Reload the page and try again.
script-offline = You seem to be offline. Check your connection and try again.
script-server-error = Something went wrong on our side. Try again. Reference: { $id }

## Error pages

error-not-found-title = Page not found
error-cross-origin-title = This page was open too long
error-cross-origin-text = Go back, reload and try again.
error-malformed-title = That didn't work
error-malformed-text = Go back, reload and try again.
error-rate-limited-title = Too many tries
error-rate-limited-text = { $unit ->
    [minutes] { $count ->
        [one] Wait { $count } minute.
       *[other] Wait { $count } minutes.
    }
   *[seconds] { $count ->
        [one] Wait { $count } second.
       *[other] Wait { $count } seconds.
    }
}
error-internal-title = Something went wrong on our side
error-unavailable-title = Down for maintenance
error-unavailable-text = Try again in a few minutes.
error-reference = Reference: { $id }
error-start = Go to the start page
