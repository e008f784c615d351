//! `doorward doctor`: what is wrong, and what to do. It looks, and changes nothing.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use doorward::{
    Clock, DATABASE_FILE, Inspection, ROOT_KEY_FILE, RootKey, SCHEMA_VERSION, Span, Timestamp,
    config::Config, inspect, mail::Smtp,
};
use serde::Serialize;

use crate::{database, failure::Failure, load::Loaded, output::Output, problems::Problems};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    subject: &'static str,
    verdict: Verdict,
    /// What was found.
    found: String,
    /// What to do about it.
    #[serde(rename = "do")]
    advice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Check {
    fn ok(subject: &'static str, found: impl Into<String>) -> Self {
        Self {
            subject,
            verdict: Verdict::Ok,
            found: found.into(),
            advice: None,
        }
    }

    fn warn(subject: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            subject,
            verdict: Verdict::Warn,
            found: found.into(),
            advice: Some(advice.into()),
        }
    }

    fn fail(subject: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            subject,
            verdict: Verdict::Fail,
            found: found.into(),
            advice: Some(advice.into()),
        }
    }
}

/// Looks at everything that was seen to go wrong.
pub(crate) async fn doctor(
    loaded: Result<Loaded, Problems>,
    output: Output,
) -> Result<(), Failure> {
    let checks = match loaded {
        Ok(loaded) => examine(&loaded).await,
        Err(problems) => problems
            .0
            .iter()
            .map(|problem| {
                Check::fail(
                    "configuration",
                    problem.to_string(),
                    "correct it, and look again",
                )
            })
            .collect(),
    };
    output.answer(&checks, || tell(&checks))?;
    if checks.iter().any(|check| check.verdict == Verdict::Fail) {
        Err(Failure::Told)
    } else {
        Ok(())
    }
}

fn tell(checks: &[Check]) -> String {
    let lines = checks.iter().map(|check| {
        let verdict = match check.verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        };
        let advice = check
            .advice
            .as_ref()
            .map(|advice| format!("\n{:21}→ {advice}", ""))
            .unwrap_or_default();
        format!("{verdict}  {:13}  {}{advice}", check.subject, check.found)
    });
    lines.collect::<Vec<_>>().join("\n")
}

async fn examine(loaded: &Loaded) -> Vec<Check> {
    let config = &loaded.config;
    let inspection = inspect(config).await;
    let newest = inspection
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .and_then(|found| found.newest_event);
    let mut checks = vec![configuration(loaded)];
    checks.extend(addresses(config).await);
    checks.push(folder(config));
    let has_database = match (&config.database.url, &inspection) {
        (Some(_), found) => matches!(found, Ok(Some(_))),
        (None, _) => config.data_dir.join(DATABASE_FILE).exists(),
    };
    checks.push(root_key(loaded, has_database));
    checks.push(stored(loaded, inspection));
    checks.push(mail(config).await);
    checks.push(clock(newest, Clock::system().now()));
    checks
}

fn configuration(loaded: &Loaded) -> Check {
    const SUBJECT: &str = "configuration";
    let Some(file) = &loaded.file else {
        return Check::ok(SUBJECT, "no file; defaults and the environment");
    };
    match open_to_others(file) {
        Some(mode) if holds_a_password(&loaded.config) => Check::warn(
            SUBJECT,
            format!(
                "{} can be read by others (mode {mode:o}) and may hold a password",
                file.display()
            ),
            format!("chmod 600 {}", file.display()),
        ),
        _ => Check::ok(SUBJECT, format!("{}, and the environment", file.display())),
    }
}

fn holds_a_password(config: &Config) -> bool {
    config.mail.smtp.password.is_some() || config.database.url.is_some()
}

/// `public_url`, the relying party and the other origins; the configuration itself has refused what cannot be.
async fn addresses(config: &Config) -> Vec<Check> {
    let rp_id = config.rp_id();
    let mut checks = vec![match resolve(&config.public_url).await {
        Ok(()) => Check::ok(
            "public_url",
            format!("{}; passkeys belong to {rp_id}", config.public_url),
        ),
        Err(error) => Check::warn(
            "public_url",
            format!(
                "the name in {} is not known here: {error}",
                config.public_url
            ),
            "enter it in the DNS, unless only others are to reach it",
        ),
    }];
    if let Some(rp_id) = &config.rp_id {
        checks.push(Check::ok(
            "rp_id",
            format!("{rp_id}, which must stay as it is for passkeys to work"),
        ));
    }
    let foreign: Vec<&str> = config
        .origins
        .iter()
        .map(String::as_str)
        .filter(|origin| !is_within(origin, rp_id))
        .collect();
    if !foreign.is_empty() {
        checks.push(Check::warn(
            "origins",
            format!("outside {rp_id}: {}", foreign.join(", ")),
            format!("passkeys work there only in browsers that know related origins, which ask https://{rp_id}/.well-known/webauthn: that host has to serve what Doorward serves there"),
        ));
    } else if !config.origins.is_empty() {
        checks.push(Check::ok("origins", config.origins.join(", ")));
    }
    checks
}

async fn resolve(origin: &str) -> std::io::Result<()> {
    let authority = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    let has_port = authority
        .rsplit(':')
        .next()
        .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let target = if has_port {
        authority.to_owned()
    } else {
        format!("{authority}:443")
    };
    tokio::net::lookup_host(target).await.map(drop)
}

/// Whether the host of an origin is the relying party or below it.
fn is_within(origin: &str, rp_id: &str) -> bool {
    let host = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host == rp_id
        || host
            .strip_suffix(rp_id)
            .is_some_and(|sub| sub.ends_with('.'))
}

fn folder(config: &Config) -> Check {
    const SUBJECT: &str = "data folder";
    let folder = &config.data_dir;
    let name = folder.display();
    if !folder.exists() {
        return Check::warn(
            SUBJECT,
            format!("{name} does not exist"),
            "start `doorward serve`, which makes it, or correct data_dir",
        );
    }
    if !folder.is_dir() {
        return Check::fail(SUBJECT, format!("{name} is no folder"), "correct data_dir");
    }
    match open_to_others(folder) {
        Some(mode) => Check::warn(
            SUBJECT,
            format!("{name} can be entered by others (mode {mode:o})"),
            format!("chmod 700 {name}"),
        ),
        None => Check::ok(SUBJECT, name.to_string()),
    }
}

fn root_key(loaded: &Loaded, has_database: bool) -> Check {
    const SUBJECT: &str = "root key";
    if loaded.root_key.is_some() {
        return Check::ok(SUBJECT, "from the environment");
    }
    let file = loaded.config.data_dir.join(ROOT_KEY_FILE);
    let name = file.display();
    if !file.exists() {
        return if has_database {
            Check::fail(
                SUBJECT,
                format!("{name} is missing"),
                "bring it back from your copy of it, or give it in DOORWARD_ROOT_KEY",
            )
        } else if loaded.config.database.url.is_some() {
            Check::fail(
                SUBJECT,
                format!("{name} does not exist"),
                "make it by `openssl rand -hex 32`, the same for every server of this database",
            )
        } else {
            Check::warn(
                SUBJECT,
                format!("{name} does not exist"),
                "start `doorward serve`, which makes it",
            )
        };
    }
    match fs::read_to_string(&file)
        .map_err(|error| error.to_string())
        .and_then(|text| RootKey::from_hex(&text).map_err(|error| error.to_string()))
    {
        Err(error) => Check::fail(
            SUBJECT,
            format!("{name}: {error}"),
            "bring it back from your copy of it",
        ),
        Ok(_) => match open_to_others(&file) {
            Some(mode) => Check::fail(
                SUBJECT,
                format!("{name} can be read by others (mode {mode:o})"),
                format!("chmod 600 {name}"),
            ),
            None => Check::ok(SUBJECT, name.to_string()),
        },
    }
}

fn stored(loaded: &Loaded, inspection: doorward::Result<Option<Inspection>>) -> Check {
    const SUBJECT: &str = "database";
    let (config, name) = (&loaded.config, database::name(loaded));
    let is_file = config.database.url.is_none();
    let found = match inspection {
        Ok(Some(found)) => found,
        Ok(None) => {
            let key = if is_file { "data_dir" } else { "database.url" };
            return Check::warn(
                SUBJECT,
                format!("{name} does not exist"),
                format!("start `doorward serve`, which makes it, or correct {key}"),
            );
        }
        Err(error) => {
            let advice = if is_file {
                "see who owns the file and whether the disk is well; else `doorward restore` a backup"
            } else {
                "see whether the server runs, and compare database.url with what it wants"
            };
            return Check::fail(SUBJECT, format!("{name}: {}", Failure::from(error)), advice);
        }
    };
    if let Some(damage) = found.damage {
        return Check::fail(
            SUBJECT,
            format!("{name} is damaged: {damage}"),
            "stop the server and `doorward restore` a backup",
        );
    }
    if found.schema > SCHEMA_VERSION {
        return Check::fail(
            SUBJECT,
            format!(
                "{name} has schema {}; this doorward knows {SCHEMA_VERSION}",
                found.schema
            ),
            "use the newer doorward",
        );
    }
    if let Some(mode) = open_to_others(&config.data_dir.join(DATABASE_FILE)) {
        return Check::fail(
            SUBJECT,
            format!("{name} can be read by others (mode {mode:o})"),
            format!("chmod 600 {name}"),
        );
    }
    if found.schema < SCHEMA_VERSION {
        return Check::warn(
            SUBJECT,
            format!(
                "{name} has schema {}; this doorward needs {SCHEMA_VERSION}",
                found.schema
            ),
            "`doorward migrate`, or start the server, which does it too",
        );
    }
    Check::ok(
        SUBJECT,
        format!(
            "{name}, schema {}, accounts: {}",
            found.schema, found.accounts
        ),
    )
}

/// The permission bits of a file that others than its owner can read or change.
fn open_to_others(file: &Path) -> Option<u32> {
    let mode = file.metadata().ok()?.mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

async fn mail(config: &Config) -> Check {
    const SUBJECT: &str = "mail";
    if config.mailbox() {
        return Check::warn(
            SUBJECT,
            "kept in the development mailbox and not sent",
            "name an SMTP server in mail.smtp.host before others are to sign in",
        );
    }
    let server = config.mail.smtp.host.clone().unwrap_or_default();
    let smtp = match Smtp::new(config) {
        Ok(smtp) => smtp,
        Err(error) => return Check::fail(SUBJECT, error.to_string(), "correct it in [mail]"),
    };
    match smtp.probe().await {
        Ok(()) => Check::ok(SUBJECT, format!("{server} takes our mail")),
        Err(error) => Check::fail(
            SUBJECT,
            format!("{server}: {error}"),
            "compare host, port, tls, username and password in [mail.smtp] with what the mail server wants",
        ),
    }
}

/// When Doorward was written: no clock can be right and earlier.
const WRITTEN: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn clock(newest: Option<Timestamp>, now: Timestamp) -> Check {
    const SUBJECT: &str = "clock";
    const ADVICE: &str = "set it by NTP: codes, passkeys and sessions end by it";
    if now < WRITTEN {
        return Check::fail(SUBJECT, format!("it is {now}, which cannot be"), ADVICE);
    }
    match newest {
        Some(newest) if newest > now + Span::minutes(1) => Check::fail(
            SUBJECT,
            format!(
                "it is {now}, but something happened at {newest} already: the clock was set back"
            ),
            ADVICE,
        ),
        _ => Check::ok(SUBJECT, now.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_is_found() {
        let now = WRITTEN + Span::days(400);
        assert_eq!(clock(None, now).verdict, Verdict::Ok);
        assert_eq!(clock(Some(now), now).verdict, Verdict::Ok);
        assert_eq!(
            clock(Some(now + Span::hours(1)), now).verdict,
            Verdict::Fail
        );
        assert_eq!(
            clock(None, Timestamp::from_millis(0)).verdict,
            Verdict::Fail
        );
    }

    #[test]
    fn origins_outside_the_relying_party_are_found() {
        assert!(is_within("https://example.com", "example.com"));
        assert!(is_within("https://app.example.com:8443", "example.com"));
        assert!(!is_within("https://badexample.com", "example.com"));
        assert!(!is_within("https://example.org", "example.com"));
    }
}
