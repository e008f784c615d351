//! What in a configuration cannot be, and what would be right.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Uri;

use super::{Config, host_of, is_localhost};
use crate::{mail::Address, store, time::Span};

/// How many names of origins a browser reads from `/.well-known/webauthn` (WebAuthn §5.11.1: five at least).
const MAX_LABELS: usize = 5;

/// Something in the configuration that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, with dots: `sessions.idle`.
    pub key: &'static str,
    /// What is wrong and what would be right, as a sentence.
    pub message: String,
}

impl Config {
    /// Every problem, in the order of the keys; none means that Doorward can start.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Problems(Vec::new());
        self.check_addresses(&mut problems);
        self.check_database(&mut problems);
        self.check_codes_and_passkeys(&mut problems);
        self.check_sessions(&mut problems);
        self.check_limits(&mut problems);
        self.check_pages(&mut problems);
        self.check_mail(&mut problems);
        problems.0
    }

    fn check_addresses(&self, problems: &mut Problems) {
        let public_host = host_of(&self.public_url);
        problems.unless(is_origin(&self.public_url), "public_url", || {
            format!("`{}` is not an origin: write scheme, host and port only, such as https://auth.example.com", self.public_url)
        });
        let local = public_host.is_some_and(is_localhost);
        problems.unless(self.is_https() || local, "public_url", || {
            "must be https, except on localhost: browsers offer no passkeys without it".into()
        });
        for origin in &self.origins {
            problems.unless(is_origin(origin) && (origin.starts_with("https://") || host_of(origin).is_some_and(is_localhost)), "origins", || {
                format!("`{origin}` is not an https origin (or one on http://localhost): write scheme, host and port only, in lower case, without a slash at the end")
            });
        }
        if let (Some(rp_id), Some(host)) = (&self.rp_id, public_host) {
            problems.unless(is_same_or_parent(rp_id, host), "rp_id", || {
                format!(
                    "`{rp_id}` is neither the host of public_url ({host}) nor a parent domain of it"
                )
            });
        }
        problems.unless(
            !self.app_name.trim().is_empty()
                && self.app_name.chars().count() <= 64
                && !self.app_name.chars().any(char::is_control),
            "app_name",
            || "must be 1 to 64 characters, without control characters".into(),
        );
        for email in &self.admin_emails {
            problems.unless(Address::parse(email).is_ok(), "admin_emails", || {
                format!("`{email}` is not an email address")
            });
        }
        let public = !self.listen.ip().is_loopback();
        problems.unless(!public || (self.is_https() && !self.trusted_proxies.is_empty()), "listen", || {
            format!("{} is a public address and Doorward speaks plain http: listen on loopback, or put a proxy that ends TLS in front, name it in trusted_proxies and set an https public_url", self.listen)
        });
        problems.unless(
            self.metrics_listen != Some(self.listen),
            "metrics_listen",
            || "must differ from listen".into(),
        );
    }

    fn check_database(&self, problems: &mut Problems) {
        let database = &self.database;
        if let Some(Err(why)) = database.url.as_deref().map(store::check_url) {
            problems.unless(false, "database.url", || why);
        }
        problems.range("database.connections", database.connections, 2, 256);
        problems.range(
            "database.wait",
            database.wait,
            Span::millis(1),
            Span::seconds(10),
        );
        problems.range(
            "database.lease",
            database.lease,
            Span::millis(100),
            Span::seconds(1),
        );
        // A poll that is late, or fails, must not cost the lease.
        let half = Span::millis(database.lease.as_millis() / 2);
        problems.range("database.poll", database.poll, Span::millis(10), half);
        problems.range(
            "database.ceiling",
            database.ceiling,
            database.lease,
            Span::minutes(5),
        );
        problems.unless(
            database.strict || !database.wait_for_leases,
            "database.wait_for_leases",
            || "needs `database.strict`".to_owned(),
        );
    }

    fn check_codes_and_passkeys(&self, problems: &mut Problems) {
        problems.range("codes.digits", self.codes.digits, 6, 10);
        problems.range(
            "codes.lifetime",
            self.codes.lifetime,
            Span::minutes(1),
            Span::minutes(10),
        );
        problems.range("passkeys.per_user", self.passkeys.per_user, 1, 20);
        for origin in &self.passkeys.top_origins {
            problems.unless(is_origin(origin), "passkeys.top_origins", || {
                format!("`{origin}` is not an origin")
            });
        }
        for origin in &self.passkeys.app_origins {
            problems.unless(is_app_origin(origin), "passkeys.app_origins", || {
                format!("`{origin}` is not the origin of an Android app: write `android:apk-key-hash:` and 43 characters of base64url, the SHA-256 of the certificate that signs the app")
            });
        }
        problems.unless(
            !self.passkeys.post_quantum || cfg!(feature = "ml-dsa"),
            "passkeys.post_quantum",
            || "needs a build with the feature `ml-dsa`, and this one is without".into(),
        );
    }

    fn check_sessions(&self, problems: &mut Problems) {
        let sessions = &self.sessions;
        problems.range(
            "sessions.idle",
            sessions.idle,
            Span::minutes(1),
            Span::days(30),
        );
        problems.range(
            "sessions.absolute",
            sessions.absolute,
            sessions.idle,
            Span::days(365),
        );
        problems.range(
            "sessions.admin_idle",
            sessions.admin_idle,
            Span::minutes(1),
            sessions.idle,
        );
        problems.range(
            "sessions.admin_absolute",
            sessions.admin_absolute,
            sessions.admin_idle,
            sessions.absolute,
        );
        problems.range(
            "sessions.fresh",
            sessions.fresh,
            Span::minutes(1),
            Span::hours(1),
        );
        problems.range("sessions.per_user", sessions.per_user, 1, 1000);
        problems.range(
            "sessions.cache_entries",
            sessions.cache_entries,
            64,
            100_000_000,
        );
    }

    fn check_limits(&self, problems: &mut Problems) {
        problems.range(
            "limits.address_interval",
            self.limits.address_interval,
            Span::ZERO,
            Span::hours(1),
        );
        problems.range(
            "limits.failures_before_long_codes",
            self.limits.failures_before_long_codes,
            1,
            100,
        );
        problems.range("limits.networks", self.limits.networks, 1024, 16_777_216);
    }

    fn check_pages(&self, problems: &mut Problems) {
        let is_page = |text: &str| {
            text.strip_prefix("https://").is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic())
            })
        };
        if let Some(support) = &self.pages.support {
            problems.unless(
                is_page(support) || Address::parse(support).is_ok(),
                "pages.support",
                || format!("`{support}` is neither an email address nor an https address"),
            );
        }
        if let Some(url) = &self.pages.privacy_url {
            problems.unless(is_page(url), "pages.privacy_url", || {
                format!("`{url}` is not an https address")
            });
        }
        problems.unless(
            !self.pages.enabled || self.labels() <= MAX_LABELS,
            "origins",
            || {
                format!("must be of {MAX_LABELS} names at most (example in www.example.com): browsers read no more from /.well-known/webauthn")
            },
        );
    }

    /// How many names the origins have: of each the last but one label of its host. Under a public suffix of two labels
    /// (`co.uk`) that counts too few, never too many.
    fn labels(&self) -> usize {
        let names: BTreeSet<&str> = self
            .all_origins()
            .filter_map(host_of)
            .map(|host| host.rsplit('.').nth(1).unwrap_or(host))
            .collect();
        names.len()
    }

    fn check_mail(&self, problems: &mut Problems) {
        problems.unless(
            !self.mailbox() || self.is_for_development(),
            "mail.mailbox",
            || {
                "the development mailbox shows every code, so it opens only where nobody else can look: with listen on loopback, public_url on localhost and no trusted_proxies".into()
            },
        );
        problems.unless(
            self.mailbox() || self.mail.smtp.host.is_some(),
            "mail.smtp.host",
            || "name the SMTP server that sends the codes".into(),
        );
        if let Some(from) = &self.mail.from {
            problems.unless(
                crate::mail::Sender::parse(from).is_ok(),
                "mail.from",
                || format!("`{from}` is not an email address"),
            );
        }
        problems.unless(
            self.mail.smtp.username.is_some() == self.mail.smtp.password.is_some(),
            "mail.smtp.username",
            || "an account and its password go together".into(),
        );
        problems.range("mail.smtp.connections", self.mail.smtp.connections, 1, 64);
    }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn unless(&mut self, fine: bool, key: &'static str, message: impl FnOnce() -> String) {
        if !fine {
            self.0.push(Problem {
                key,
                message: message(),
            });
        }
    }

    fn range<T: Copy + PartialOrd + std::fmt::Display>(
        &mut self,
        key: &'static str,
        value: T,
        least: T,
        most: T,
    ) {
        let fine = least <= value && value <= most;
        self.unless(fine, key, || {
            format!("must be {least} to {most}, and is {value}")
        });
    }
}

/// Whether the text is an origin just as browsers write it: lower case, no default port, no path.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return false;
    };
    let default_port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return false,
    };
    let host = authority.host();
    authority.port_u16() != Some(default_port)
        && !host.is_empty()
        && !host.ends_with('.')
        && !authority.as_str().contains('@')
        && !text.bytes().any(|byte| byte.is_ascii_uppercase())
        && text == format!("{scheme}://{authority}")
}

/// Whether the text is what Android calls the origin of an app: the hash of the certificate that signs it.
fn is_app_origin(text: &str) -> bool {
    text.strip_prefix("android:apk-key-hash:")
        .and_then(|hash| URL_SAFE_NO_PAD.decode(hash).ok())
        .is_some_and(|hash| hash.len() == 32)
}

fn is_same_or_parent(rp_id: &str, host: &str) -> bool {
    rp_id == host
        || (rp_id.contains('.')
            && host
                .strip_suffix(rp_id)
                .is_some_and(|sub| sub.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::*;

    fn keys(config: &Config) -> Vec<&'static str> {
        config
            .check()
            .into_iter()
            .map(|problem| problem.key)
            .collect()
    }

    #[test]
    fn the_defaults_are_fine() {
        assert_eq!(Config::default().check(), []);
    }

    /// Items 1, 2: fewer than six digits, or more than ten minutes, do not start.
    #[test]
    fn weak_codes_are_refused() {
        let codes = Codes {
            digits: 5,
            lifetime: Span::minutes(11),
            ..Codes::default()
        };
        assert_eq!(
            keys(&Config {
                codes,
                ..Config::default()
            }),
            ["codes.digits", "codes.lifetime"]
        );
    }

    /// Item 120: plain http outside loopback does not start, nor does a mailbox there.
    #[test]
    fn plain_http_on_a_public_address_is_refused() {
        let public = Config {
            listen: "0.0.0.0:80".parse().unwrap(),
            ..Config::default()
        };
        assert_eq!(keys(&public), ["listen", "mail.smtp.host"]);

        let mail = Mail {
            mailbox: Some(true),
            ..Mail::default()
        };
        assert_eq!(
            keys(&Config {
                mail,
                ..public.clone()
            }),
            ["listen", "mail.mailbox"]
        );

        let smtp = Smtp {
            host: Some("mail.example.com".into()),
            ..Smtp::default()
        };
        let forgotten = Config {
            public_url: "https://auth.example.com".into(),
            trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
            ..Config::default()
        };
        assert_eq!(
            keys(&forgotten),
            ["mail.smtp.host"],
            "a proxy makes loopback public"
        );
        let left_over = Config {
            mail: Mail {
                mailbox: Some(true),
                ..Mail::default()
            },
            ..forgotten
        };
        assert_eq!(keys(&left_over), ["mail.mailbox"]);

        let behind_a_proxy = Config {
            public_url: "https://auth.example.com".into(),
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            mail: Mail {
                smtp,
                ..Mail::default()
            },
            ..public
        };
        assert_eq!(keys(&behind_a_proxy), [""; 0]);
    }

    /// Item 28: what cannot be verified is not quietly left off the offer.
    #[test]
    fn post_quantum_passkeys_need_a_build_that_can_verify_them() {
        let passkeys = Passkeys {
            post_quantum: true,
            ..Passkeys::default()
        };
        let config = Config {
            passkeys,
            ..Config::default()
        };
        let expected: &[_] = if cfg!(feature = "ml-dsa") {
            &[]
        } else {
            &["passkeys.post_quantum"]
        };
        assert_eq!(keys(&config), expected);
    }

    /// Items 18, 24: an origin is written as a browser writes it.
    #[test]
    fn origins_are_exact() {
        for origin in [
            "https://example.org",
            "https://example.org:8443",
            "http://localhost:5173",
        ] {
            assert!(is_origin(origin), "{origin}");
        }
        for origin in [
            "",
            "example.org",
            "https://example.org/",
            "https://Example.org",
            "https://example.org:443",
            "http://localhost:80",
            "https://example.org.",
            "https://user@example.org",
            "https://example.org/path",
            "ftp://example.org",
            "null",
            "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
        ] {
            assert!(!is_origin(origin), "{origin}");
        }
    }

    /// Item 24: the origin of an app is the hash of a certificate, as Android writes it.
    #[test]
    fn origins_of_apps_are_exact() {
        let hash = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        let written = |origin: String| Config {
            passkeys: Passkeys {
                app_origins: vec![origin],
                ..Passkeys::default()
            },
            ..Config::default()
        };
        assert!(keys(&written(format!("android:apk-key-hash:{hash}"))).is_empty());
        for wrong in [
            String::new(),
            hash.to_owned(),
            format!("android:apk-key-hash:{hash}="),
            format!("android:apk-key-hash:{}", &hash[1..]),
            format!("android:apk-key-hash:{}", hash.replace('-', "+")),
            format!("android:apk-key-hash:{hash}/"),
            format!("Android:apk-key-hash:{hash}"),
            format!("android:apk-key-hash: {hash}"),
            "https://example.org".to_owned(),
        ] {
            assert_eq!(
                keys(&written(wrong.clone())),
                ["passkeys.app_origins"],
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_pages_link_to_is_an_address() {
        let config = |support: &str, privacy_url: &str| Config {
            pages: Pages {
                support: Some(support.into()),
                privacy_url: Some(privacy_url.into()),
                ..Pages::default()
            },
            ..Config::default()
        };
        assert_eq!(
            keys(&config("help@example.com", "https://example.com/privacy")),
            [""; 0]
        );
        assert_eq!(
            keys(&config("javascript:alert(1)", "http://example.com")),
            ["pages.support", "pages.privacy_url"]
        );
    }

    #[test]
    fn browsers_read_five_names_of_origins() {
        let config = |names: &[&str]| Config {
            origins: names.iter().map(|name| format!("https://{name}")).collect(),
            ..Config::default()
        };
        let five = [
            "a.example",
            "www.b.example",
            "c.b.example",
            "c.example",
            "d.example",
        ];
        assert_eq!(keys(&config(&five)), [""; 0]);
        let six = [&five[..], &["e.example"]].concat();
        assert_eq!(keys(&config(&six)), ["origins"]);
    }

    #[test]
    fn a_relying_party_is_the_host_or_its_parent() {
        let config = |rp_id: &str| Config {
            public_url: "https://auth.example.com".into(),
            rp_id: Some(rp_id.into()),
            mail: Mail {
                smtp: Smtp {
                    host: Some("mail.example.com".into()),
                    ..Smtp::default()
                },
                ..Mail::default()
            },
            ..Config::default()
        };
        assert_eq!(keys(&config("example.com")), [""; 0]);
        assert_eq!(keys(&config("ample.com")), ["rp_id"]);
        assert_eq!(keys(&config("com")), ["rp_id"]);
        assert_eq!(keys(&config("example.org")), ["rp_id"]);
    }
}
