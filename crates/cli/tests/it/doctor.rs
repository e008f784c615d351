//! `doorward doctor`

use std::net::TcpListener;

use serde_json::Value;

use crate::machine::{Machine, Ran};

fn verdict(checks: &Value, subject: &str) -> String {
    let check = checks
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["subject"] == subject);
    check.map_or_else(String::new, |check| {
        check["verdict"].as_str().unwrap().to_owned()
    })
}

#[test]
fn a_new_machine_is_well_and_stays_as_it_is() {
    let machine = Machine::new();
    machine.run("doctor").succeeded().says("warn  database");
    assert_eq!(machine.files(""), [""; 0]);
}

#[test]
fn a_server_is_well_while_it_runs() {
    let machine = Machine::new();
    let server = machine.serve();
    server.sign_in("ada@example.com");

    let checks = machine.json("doctor");

    for subject in [
        "configuration",
        "public_url",
        "data folder",
        "root key",
        "database",
        "clock",
    ] {
        assert_eq!(verdict(&checks, subject), "ok", "{subject}: {checks}");
    }
    assert_eq!(
        verdict(&checks, "mail"),
        "warn",
        "the mailbox is for development"
    );
}

/// Item 130: files that others can read are found.
#[test]
fn open_files_are_found() {
    for (file, mode, code, finding) in [
        ("doorward-data", 0o755, 0, "warn  data folder"),
        ("doorward-data/root.key", 0o640, 1, "FAIL  root key"),
        ("doorward-data/doorward.db", 0o644, 1, "FAIL  database"),
    ] {
        let machine = Machine::new();
        machine.run("migrate").succeeded();
        machine.set_mode(file, mode);
        machine
            .run("doctor")
            .ended_with(code)
            .says(finding)
            .says("chmod");
    }
}

#[test]
fn a_missing_key_is_found() {
    let machine = Machine::new();
    machine.run("migrate").succeeded();
    std::fs::remove_file(machine.path("doorward-data/root.key")).unwrap();
    machine
        .run("doctor")
        .ended_with(1)
        .says("FAIL  root key")
        .says("DOORWARD_ROOT_KEY");
}

#[test]
fn a_clock_that_was_set_back_is_found() {
    let machine = Machine::new();
    machine.run("migrate").succeeded();
    machine.sql("insert into events (id, at, kind, result) values (x'ff', 4102444800000, 'authn_login_success', 1)");
    machine
        .run("doctor")
        .ended_with(1)
        .says("FAIL  clock")
        .says("set it by NTP");
}

#[test]
fn a_mail_server_that_is_away_is_found() {
    let machine = Machine::new();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let ran = Ran::of(machine.command("doctor --json").envs([
        ("DOORWARD_MAIL__SMTP__HOST", "127.0.0.1"),
        ("DOORWARD_MAIL__SMTP__PORT", &port.to_string()),
    ]));
    assert_eq!(verdict(&ran.ended_with(1).json(), "mail"), "fail");
}

#[test]
fn every_finding_says_what_to_do() {
    let machine = Machine::new();
    let ran = Ran::of(machine.command("doctor --json").envs([
        ("DOORWARD_PUBLIC_URL", "https://auth.example.invalid"),
        ("DOORWARD_ORIGINS", "https://example.org"),
        ("DOORWARD_MAIL__SMTP__HOST", "127.0.0.1"),
        ("DOORWARD_MAIL__SMTP__PORT", "1"),
    ]));
    let checks = ran.json();
    assert_eq!(verdict(&checks, "public_url"), "warn", "{checks}");
    assert_eq!(verdict(&checks, "origins"), "warn", "{checks}");
    for check in checks.as_array().unwrap() {
        assert_eq!(check["verdict"] == "ok", check["do"].is_null(), "{check}");
    }
}

#[test]
fn a_configuration_that_cannot_be_is_a_finding() {
    let machine = Machine::new();
    machine.write("doorward.toml", "listen = 'here'\nrp_id = 'example.com'\n");
    machine
        .run("doctor")
        .ended_with(1)
        .says("doorward.toml:1: listen: expected an address and port")
        .says("doorward.toml:2: rp_id: `example.com` is neither");
}
