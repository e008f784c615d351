//! `doorward config`, and what is said of a configuration that cannot be.

use std::process::Stdio;

use serde_json::Value;

use crate::machine::{Machine, Ran};

#[test]
fn the_manual_is_a_configuration_of_defaults() {
    let machine = Machine::new();
    let manual = machine.run("config --defaults").succeeded().stdout;
    machine.write("doorward.toml", manual);

    let read = Ran::of(
        machine
            .command("config --json")
            .env_remove("DOORWARD_LISTEN")
            .env_remove("DOORWARD_PUBLIC_URL"),
    );

    assert_eq!(read.succeeded().json(), machine.json("config --defaults"));
}

#[test]
fn everything_wrong_is_told_at_once() {
    let machine = Machine::new();
    machine.write(
        "doorward.toml",
        "app_nam = 'x'\n\n[sessions]\nidle = 'a week'\n",
    );

    let ran = Ran::of(
        machine
            .command("serve")
            .env("DOORWARD_CODES__DIGITS", "five")
            .env("DOORWARD_FOO", "1"),
    );

    let ran = ran
        .ended_with(2)
        .complains("doorward.toml:1: unknown key app_nam; did you mean app_name?")
        .complains("doorward.toml:4: sessions.idle: expected a length of time such as 30s, 10m, 12h or 7d")
        .complains("environment DOORWARD_CODES__DIGITS: codes.digits: expected a whole number from 0 to 255")
        .complains("environment DOORWARD_FOO: unknown key foo");
    assert_eq!(ran.stdout, "");
    assert_eq!(machine.files(""), ["doorward.toml"], "nothing was made");
}

#[test]
fn problems_have_a_form_for_programs() {
    let machine = Machine::new();
    machine.write("settings.toml", "locale = 'fr'\n");

    let ran = machine
        .run("serve --config settings.toml --json")
        .ended_with(2);

    let told: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(told["error"]["code"], "configuration");
    assert_eq!(told["error"]["problems"][0]["place"], "settings.toml:1");
    assert_eq!(told["error"]["problems"][0]["key"], "locale");
}

#[test]
fn a_file_that_is_no_toml_is_told_by_its_line() {
    let machine = Machine::new();
    machine.write("doorward.toml", "app_name = 'Doorward'\nlisten 8700\n");
    machine
        .run("doctor")
        .ended_with(1)
        .says("doorward.toml:2: ");
    machine
        .run("serve")
        .ended_with(2)
        .complains("doorward.toml:2: ");
}

/// Item 120: plain http outside loopback does not start, with or without a name for it.
#[test]
fn plain_http_on_a_public_address_does_not_start() {
    let machine = Machine::new();
    let public = "0.0.0.0:8700";
    let variables: [&[(&str, &str)]; 4] = [
        &[("DOORWARD_LISTEN", public)],
        &[
            ("DOORWARD_LISTEN", public),
            ("DOORWARD_PUBLIC_URL", "http://auth.example.com"),
        ],
        &[
            ("DOORWARD_LISTEN", public),
            ("DOORWARD_PUBLIC_URL", "https://auth.example.com"),
        ],
        &[
            ("DOORWARD_LISTEN", "[::]:8700"),
            ("DOORWARD_MAIL__SMTP__HOST", "mail.example.com"),
        ],
    ];
    for variables in variables {
        let ran = Ran::of(machine.command("serve").envs(variables.iter().copied()));
        ran.ended_with(2)
            .complains("is a public address and Doorward speaks plain http");
    }
}

/// Item 120: nor does a mailbox that others could read.
#[test]
fn a_mailbox_on_a_public_address_does_not_start() {
    let machine = Machine::new();
    let ran = Ran::of(machine.command("serve").envs([
        ("DOORWARD_LISTEN", "0.0.0.0:8700"),
        ("DOORWARD_PUBLIC_URL", "https://auth.example.com"),
        ("DOORWARD_TRUSTED_PROXIES", "10.0.0.0/8"),
        ("DOORWARD_MAIL__MAILBOX", "true"),
    ]));
    ran.ended_with(2).complains("environment DOORWARD_MAIL__MAILBOX: mail.mailbox: the development mailbox shows every code");
}

/// Item 125: a placeholder is no root key, wherever it stands.
#[test]
fn a_weak_root_key_does_not_start() {
    let machine = Machine::new();
    for weak in ["", "changeme", &"0".repeat(64), &"ab".repeat(32)] {
        let ran = Ran::of(machine.command("serve").env("DOORWARD_ROOT_KEY", weak));
        ran.ended_with(2)
            .complains("environment DOORWARD_ROOT_KEY: a root key is 32 random bytes");
    }

    std::fs::create_dir(machine.path("doorward-data")).unwrap();
    machine.write("doorward-data/root.key", "changeme");
    machine
        .run("serve")
        .ended_with(1)
        .complains("root.key: a root key is 32 random bytes");
}

/// Item 130: the configuration in effect is shown without its secrets.
#[test]
fn the_password_of_mail_is_not_shown() {
    let machine = Machine::new();
    let password = "correct horse battery staple";
    machine.write(
        "doorward.toml",
        format!(
            "[mail.smtp]\nhost = 'mail.example.com'\nusername = 'me'\npassword = '{password}'\n"
        ),
    );
    for line in ["config", "config --json", "doctor", "doctor --json"] {
        let ran = machine.run(line);
        assert!(
            !ran.stdout.contains(password) && !ran.stderr.contains(password),
            "{line}: {ran:?}"
        );
    }
    assert_eq!(machine.json("config")["mail"]["smtp"]["password"], "…");
}

#[test]
fn a_database_url_of_the_environment_does_not_take_the_place_of_a_file() {
    let machine = Machine::new();
    machine.run("migrate").succeeded();
    let run = |line: &str, url: &str| Ran::of(machine.command(line).env("DATABASE_URL", url));

    for command in ["serve", "migrate", "user list"] {
        run(command, "postgres://shop@127.0.0.1:1/shop")
            .ended_with(2)
            .complains("environment DATABASE_URL: database.url: doorward-data/doorward.db is the database so far");
    }
    run("user list", "").succeeded();

    // Whoever has read that can mean it.
    let meant = machine
        .command("user list")
        .env("DOORWARD_DATABASE__URL", "postgres://shop@127.0.0.1:1/shop")
        .output()
        .unwrap();
    assert_eq!(meant.status.code(), Some(1), "{meant:?}");
}

#[test]
fn asking_wrongly_ends_with_2() {
    let machine = Machine::new();
    for line in [
        "frobnicate",
        "user",
        "user show",
        "user list --status asleep",
        "events --since yesterday",
        "serve now",
    ] {
        machine.run(line).ended_with(2);
    }
    machine.run("--help").succeeded().says("doorward");
}

#[test]
fn the_api_describes_itself() {
    let machine = Machine::new();
    let document = machine.run("openapi").succeeded().json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/auth/verify"]["post"].is_object());
    assert_eq!(machine.files(""), [""; 0]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child = Machine::new()
        .command("openapi")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}
