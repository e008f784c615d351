use std::collections::BTreeSet;

use doorward::Span;

use super::*;

fn from_file(text: &str) -> Result<Loaded, Problems> {
    assemble(
        Some(&File {
            path: Path::new("doorward.toml"),
            text: text.to_owned(),
        }),
        Vec::new(),
    )
}

fn from_variables(variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
    from_both("", variables)
}

fn from_both(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
        .collect();
    assemble(
        Some(&File {
            path: Path::new("doorward.toml"),
            text: text.to_owned(),
        }),
        variables,
    )
}

fn problems(result: Result<Loaded, Problems>) -> Vec<String> {
    result
        .map(|loaded| loaded.config)
        .unwrap_err()
        .0
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// What stands behind a `#` without a blank is a key that has no fixed default.
fn with_all_keys() -> String {
    let lines = DEFAULTS.lines().map(|line| {
        line.strip_prefix('#')
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
            .unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_manual_has_the_defaults() {
    let manual: Config = toml::from_str(DEFAULTS).unwrap();
    assert_eq!(manual, Config::default());
}

#[test]
fn the_manual_has_every_key() {
    let manual = with_all_keys();
    let document = DeTable::parse(&manual).unwrap();
    let mut leaves = Vec::new();
    collect("", &document, &mut leaves);
    let told: BTreeSet<_> = leaves.iter().map(|(key, ..)| key.as_str()).collect();

    let known = Keys::all();
    let is_section = |key: &&str| known.0[*key] == Shape::Section;
    assert_eq!(told, known.names().filter(|key| !is_section(key)).collect());
    toml::from_str::<Config>(&manual).unwrap();
}

/// The library's documentation and the manual say the same about a key.
#[test]
fn the_manual_has_the_words_of_the_library() {
    let source = include_str!("../../../doorward/src/config.rs");
    let mut doc = Vec::new();
    let mut keys = 0;
    for line in source
        .lines()
        .take_while(|line| !line.starts_with("impl "))
        .map(str::trim)
    {
        if let Some(words) = line.strip_prefix("///") {
            doc.push(format!("#{words}"));
        } else if let Some((key, _)) = line
            .strip_prefix("pub ")
            .and_then(|rest| rest.split_once(": "))
        {
            let is_told = with_all_keys().contains(&format!("\n{key} = "));
            assert!(
                !is_told || DEFAULTS.contains(&doc.join("\n")),
                "the manual says something else about {key}:\n{}",
                doc.join("\n")
            );
            keys += usize::from(is_told);
            doc.clear();
        } else if !line.starts_with("#[") {
            doc.clear();
        }
    }
    let leaves = |shape: &&Shape| **shape != Shape::Section;
    assert_eq!(keys, Keys::all().0.values().filter(leaves).count());
}

#[test]
fn a_variable_goes_before_the_file() {
    let loaded = from_both(
        "app_name = 'File'\n[sessions]\nidle = '2d'\nfresh = '5m'",
        &[("DOORWARD_SESSIONS__IDLE", "3d")],
    )
    .unwrap();

    assert_eq!(loaded.config.app_name, "File");
    assert_eq!(loaded.config.sessions.idle, Span::days(3));
    assert_eq!(loaded.config.sessions.fresh, Span::minutes(5));
}

#[test]
fn the_database_url_of_a_platform_goes_after_all_that_names_doorward() {
    let [platform, file, ours] = ["a", "b", "c"].map(|host| format!("postgres://{host}/doorward"));
    let in_file = format!("database.url = '{file}'");
    let shared = ("DATABASE_URL", platform.as_str());
    let own = ("DOORWARD_DATABASE__URL", ours.as_str());
    let section = format!("{{ url = '{ours}' }}");
    let section = ("DOORWARD_DATABASE", section.as_str());
    for (text, variables, wanted) in [
        ("", &[shared][..], Some(&platform)),
        (&in_file, &[shared], Some(&file)),
        ("", &[shared, own], Some(&ours)),
        ("", &[own, shared], Some(&ours)),
        (&in_file, &[shared, own], Some(&ours)),
        ("", &[shared, section], Some(&ours)),
        (&in_file, &[section], Some(&ours)),
        ("", &[("DATABASE_URL", "")], None),
        (&in_file, &[("DATABASE_URL", "mysql://a/shop")], Some(&file)),
    ] {
        let loaded = from_both(text, variables).unwrap();
        assert_eq!(loaded.config.database.url.as_ref(), wanted, "{variables:?}");
    }
}

/// A file of one's own instead would look like a database that had lost everything.
#[test]
fn a_database_url_of_something_else_is_told() {
    for url in ["mysql://a/shop", "sqlite:shop.db", "postgre://a/doorward"] {
        let problems = problems(from_variables(&[("DATABASE_URL", url)]));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].starts_with("environment DATABASE_URL: database.url: "),
            "{problems:?}"
        );
    }
    let unreadable = assemble(None, vec![("DATABASE_URL".into(), None)]);
    assert_eq!(
        problems(unreadable),
        ["environment DATABASE_URL: is not UTF-8"]
    );
}

#[test]
fn variables_are_read_as_what_their_key_needs() {
    let config = from_variables(&[
        ("DOORWARD_APP_NAME", "2048"),
        ("DOORWARD_CODES__DIGITS", "9"),
        ("DOORWARD_ADMIN_EMAILS", "ada@example.com, bob@example.com"),
        ("DOORWARD_ORIGINS", r#"["https://a.example.com"]"#),
        ("DOORWARD_LIMITS__ADDRESS_INTERVAL", "1m"),
        ("DOORWARD_MAIL__CODE_IN_SUBJECT", "true"),
        ("DOORWARD_LISTEN", "127.0.0.1:8701"),
    ]);
    let config = config.unwrap().config;

    assert_eq!(config.app_name, "2048");
    assert_eq!(config.codes.digits, 9);
    assert_eq!(config.admin_emails, ["ada@example.com", "bob@example.com"]);
    assert_eq!(config.origins, ["https://a.example.com"]);
    assert_eq!(config.limits.address_interval, Span::minutes(1));
    assert!(config.mail.code_in_subject);
    assert_eq!(config.listen.port(), 8701);
}

#[test]
fn everything_wrong_is_told_at_once_with_its_place() {
    let file = "app_nam = 'x'\nlisten = 'here'\n\n[sessions]\nidle = '7'\nadmin_idle = 5\n[sesions]\n[codes]\ndigits = 300\nlifetime = '1h'\n[log]\nlevel = 'loud'\n";
    let variables = [
        ("DOORWARD_FOO", "1"),
        ("DOORWARD_PASSKEYS__PER_USER", "many"),
        ("DOORWARD_SIGN_UP", "closed"),
        ("DOORWARD_IDLE", "1d"),
    ];

    assert_eq!(
        problems(from_both(file, &variables)),
        [
            "doorward.toml:1: unknown key app_nam; did you mean app_name?",
            "doorward.toml:2: listen: expected an address and port such as 127.0.0.1:8700",
            "doorward.toml:5: sessions.idle: expected a length of time such as 30s, 10m, 12h or 7d",
            "doorward.toml:6: sessions.admin_idle: expected a length of time such as 30s, 10m, 12h or 7d",
            "doorward.toml:7: unknown key sesions; did you mean sessions?",
            "doorward.toml:9: codes.digits: expected a whole number from 0 to 255",
            "environment DOORWARD_FOO: unknown key foo; `doorward config --defaults` lists them all",
            "environment DOORWARD_PASSKEYS__PER_USER: passkeys.per_user: expected a whole number, 0 or more",
            "environment DOORWARD_SIGN_UP: sign_up: expected `open` or `invite`",
            "environment DOORWARD_IDLE: unknown key idle; did you mean sessions.idle?",
            "doorward.toml:10: codes.lifetime: must be 1m to 10m, and is 1h",
            "doorward.toml:12: log.level: expected error, warn, info, debug or trace, or a list such as info,doorward=debug",
        ]
    );
}

#[test]
fn a_slip_in_the_syntax_does_not_hide_the_rest() {
    let problems = problems(from_file(
        "app_name = \nlocale = 'fr'\nlisten 5\nsign_up = 'open'\n",
    ));
    assert!(
        problems
            .iter()
            .any(|problem| problem.starts_with("doorward.toml:1: ")),
        "{problems:?}"
    );
    assert!(
        problems
            .iter()
            .any(|problem| problem == "doorward.toml:2: locale: expected `en` or `de`"),
        "{problems:?}"
    );
    assert!(
        problems
            .iter()
            .any(|problem| problem.starts_with("doorward.toml:3: ")),
        "{problems:?}"
    );
}

/// Item 130: no message repeats a value, which may be a password.
#[test]
fn a_password_is_not_repeated() {
    let problems = problems(from_file(
        "[mail.smtp]\npassword = 271828\nusername = { secret = 271828 }\nhost = [271828]\n",
    ));
    assert!(!problems.is_empty());
    assert!(!problems.concat().contains("271828"), "{problems:?}");
}

/// Item 120: plain http on a public address, or a mailbox there, does not start.
#[test]
fn what_follows_for_keys_that_are_not_set_is_told_too() {
    let problems = problems(from_variables(&[
        ("DOORWARD_LISTEN", "0.0.0.0:80"),
        ("DOORWARD_MAIL__MAILBOX", "true"),
    ]));
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems[0]
            .starts_with("environment DOORWARD_LISTEN: listen: 0.0.0.0:80 is a public address"),
        "{problems:?}"
    );
    assert!(
        problems[1].starts_with(
            "environment DOORWARD_MAIL__MAILBOX: mail.mailbox: the development mailbox"
        ),
        "{problems:?}"
    );
}

/// Item 125: a placeholder is not a root key.
#[test]
fn the_root_key_of_the_environment_is_checked() {
    for weak in ["", "changeme", "0123456789abcdef", &"0".repeat(64)] {
        let problems = problems(from_variables(&[("DOORWARD_ROOT_KEY", weak)]));
        assert!(
            problems[0].starts_with("environment DOORWARD_ROOT_KEY: a root key is 32 random bytes"),
            "{problems:?}"
        );
    }
    let key = "0123456789abcdef0f1e2d3c4b5a69788796a5b4c3d2e1f0fedcba9876543210";
    assert!(
        from_variables(&[("DOORWARD_ROOT_KEY", key)])
            .unwrap()
            .root_key
            .is_some()
    );
}

#[test]
fn what_kubernetes_adds_is_left_alone() {
    let variables = [
        ("DOORWARD_PORT", "tcp://10.0.0.1:80"),
        ("DOORWARD_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("DOORWARD_SERVICE_HOST", "10.0.0.1"),
        ("DOORWARD_SERVICE_PORT_HTTP", "80"),
    ];
    assert_eq!(
        from_variables(&variables).unwrap().config,
        Config::default()
    );
}

#[test]
fn a_section_is_no_value() {
    assert_eq!(
        problems(from_file("sessions = 5")),
        ["doorward.toml:1: sessions: expected a section: set the keys in it"]
    );
    assert_eq!(
        problems(from_file("[listen]\nport = 5")),
        ["doorward.toml:2: unknown key listen.port; `doorward config --defaults` lists them all"]
    );
}

#[test]
fn a_file_that_was_named_must_exist() {
    let problems = problems(load(Some(Path::new("/nonexistent/doorward.toml"))));
    assert!(
        problems[0].starts_with("/nonexistent/doorward.toml: cannot be read: "),
        "{problems:?}"
    );
}
