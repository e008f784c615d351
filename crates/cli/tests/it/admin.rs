//! Users, roles, permissions and events, with and without a server beside.

use serde_json::{Value, json};

use crate::machine::Machine;

fn addresses(users: &Value) -> Vec<&str> {
    users
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["email"].as_str().unwrap())
        .collect()
}

#[test]
fn in_the_wrong_folder_nothing_is_made() {
    let machine = Machine::new();
    for line in [
        "user list",
        "admin grant ada@example.com",
        "role list",
        "events",
        "backup copy.db",
    ] {
        machine
            .run(line)
            .ended_with(1)
            .complains("there is no database at doorward-data/doorward.db");
    }
    assert_eq!(machine.files(""), [""; 0]);
}

/// Item 86: there is no account by default; the first administrator is made here.
#[test]
fn the_first_administrator_is_made_by_command() {
    let machine = Machine::new();
    machine
        .run("migrate")
        .succeeded()
        .says("Made doorward-data/doorward.db");
    assert_eq!(machine.json("user list"), json!([]));
    machine
        .run("admin grant ada@example.com")
        .ended_with(1)
        .complains("doorward user invite ada@example.com --role admin");

    machine
        .run("user invite ada@example.com --role admin --first-name Ada")
        .succeeded()
        .says("Invited ada@example.com");

    let ada = machine.json("user show ada@example.com");
    assert_eq!(ada["permissions"], json!(["*"]));
    assert_eq!(ada["firstName"], "Ada");
    assert_eq!(ada["emailVerified"], false);
}

#[test]
fn an_invitation_is_mailed_by_the_server() {
    let machine = Machine::new();
    let server = machine.serve();

    let invited = machine.json("user invite grace@example.com");
    let again = machine.json("user invite grace@example.com");

    assert_eq!(
        (&invited["invited"], &again["invited"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        server.mail_to("grace@example.com")["subject"],
        "You are invited to Doorward"
    );
    server.sign_in("grace@example.com");
    assert_eq!(
        machine.json("user show grace@example.com")["id"],
        invited["id"]
    );
}

/// Items 65, 67: what is done here holds for the server that runs, within a second.
#[test]
fn sessions_end_while_the_server_runs() {
    let machine = Machine::new();
    let server = machine.serve();
    for (line, address) in [
        ("user sign-out", "a@example.com"),
        ("user disable", "b@example.com"),
        ("user delete", "c@example.com"),
    ] {
        let token = server.sign_in(address);
        assert_eq!(server.check(&token), 200);
        let sessions = machine.json(&format!("user sessions {address}"));
        assert_eq!(sessions.as_array().unwrap().len(), 1);
        assert_eq!(sessions[0]["method"], "otp");

        let done = machine.json(&format!("{line} {address}"));

        assert_eq!(
            (&done["email"], &done["changed"]),
            (&json!(address), &json!(true))
        );
        server.refuses_within_a_second(&token);
    }
    let disabled = machine.json("user list --status disabled");
    assert_eq!(addresses(&disabled), ["b@example.com"]);
    machine
        .run("user enable b@example.com")
        .succeeded()
        .says("b@example.com may sign in again.");
    machine
        .run("user enable b@example.com")
        .succeeded()
        .says("b@example.com was not disabled.");
    machine
        .run("user show c@example.com")
        .ended_with(1)
        .complains("there is no account of c@example.com");
}

/// Item 67: roles act on live sessions.
#[test]
fn roles_act_while_the_server_runs() {
    let machine = Machine::new();
    let server = machine.serve();
    let token = server.sign_in("ada@example.com");
    let permissions = || {
        let head = format!(
            "GET /auth/sessions/current/permissions HTTP/1.1\r\nauthorization: Bearer {token}\r\n"
        );
        crate::machine::request(machine.port, &head, "").json()["permissions"].take()
    };
    assert_eq!(permissions(), json!([]));
    machine
        .run("role create editor --permission docs:write")
        .ended_with(1)
        .complains("There is no permission `docs:write`");
    machine
        .run("permission create docs:write --description Writes")
        .succeeded();
    machine
        .run("role create editor --permission docs:write --description Edits")
        .succeeded()
        .says("which permits docs:write");

    machine
        .run("role grant editor ada@example.com")
        .succeeded()
        .says("ada@example.com has the role editor now.");
    machine
        .run("role grant editor ada@example.com")
        .succeeded()
        .says("ada@example.com had the role editor already.");
    assert!((0..5000).any(|_| permissions() == json!(["docs:write"])));

    machine
        .run("role revoke editor ada@example.com")
        .succeeded()
        .says("has the role editor no longer");
    machine
        .run("role revoke editor ada@example.com")
        .succeeded()
        .says("did not have the role editor");
    assert!((0..5000).any(|_| permissions() == json!([])));
}

#[test]
fn roles_and_permissions_come_and_go() {
    let machine = Machine::new();
    machine.run("migrate").succeeded();
    machine.run("permission create docs:read").succeeded();
    machine
        .run("role create reader --permission docs:read --default")
        .succeeded();
    let roles = machine.json("role list");
    let reader = roles
        .as_array()
        .unwrap()
        .iter()
        .find(|role| role["name"] == "reader")
        .unwrap();
    assert_eq!(
        (&reader["permissions"], &reader["isDefault"]),
        (&json!(["docs:read"]), &json!(true))
    );
    machine
        .run("role list")
        .succeeded()
        .says("reader")
        .says("docs:read");
    machine
        .run("permission list")
        .succeeded()
        .says("docs:read")
        .says("users:read");

    machine
        .run("permission delete docs:read")
        .succeeded()
        .says("Removed the permission docs:read.");
    machine
        .run("role delete reader")
        .succeeded()
        .says("Removed the role reader.");

    machine.run("role delete reader").ended_with(1);
    machine.run("role delete admin").ended_with(1);
    machine.run("permission delete users:read").ended_with(1);
}

/// Item 87: one administrator stays.
#[test]
fn the_last_administrator_stays() {
    let machine = Machine::new();
    let server = machine.serve();
    for address in ["ada@example.com", "bob@example.com"] {
        server.sign_in(address);
        machine
            .run(&format!("admin grant {address}"))
            .succeeded()
            .says("has the role admin now");
    }
    machine
        .run("admin revoke ada@example.com")
        .succeeded()
        .says("has the role admin no longer");

    for line in [
        "admin revoke bob@example.com",
        "user disable bob@example.com",
        "user delete bob@example.com",
    ] {
        let ran = machine.run(&format!("{line} --json")).ended_with(1);
        let told: Value = serde_json::from_str(&ran.stderr).unwrap();
        assert_eq!(told["error"]["code"], "last_admin", "{line}");
    }
}

#[test]
fn users_are_found_by_address_id_role_and_status() {
    let machine = Machine::new();
    machine.run("migrate").succeeded();
    for address in ["ada@example.com", "adam@example.com", "bob@example.com"] {
        machine.run(&format!("user invite {address}")).succeeded();
    }
    machine.run("admin grant bob@example.com").succeeded();
    let id = machine.json("user show ADA@Example.com")["id"]
        .as_str()
        .unwrap()
        .to_owned();

    assert_eq!(
        machine.json(&format!("user show {id}"))["email"],
        "ada@example.com"
    );
    assert_eq!(
        addresses(&machine.json("user list")),
        ["bob@example.com", "adam@example.com", "ada@example.com"]
    );
    assert_eq!(
        addresses(&machine.json("user list --role admin")),
        ["bob@example.com"]
    );
    assert_eq!(
        machine
            .json("user list --query ada")
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(machine.json("user list --status disabled"), json!([]));
    machine.run("user list").succeeded().says("invited");
    machine
        .run("user show nobody")
        .ended_with(1)
        .complains("neither an address nor an id");
}

#[test]
fn longer_lists_are_whole() {
    let machine = Machine::new();
    machine.run("migrate").succeeded();
    for number in 0..51 {
        machine
            .run(&format!("user invite user{number}@example.com"))
            .succeeded();
    }
    assert_eq!(machine.json("user list").as_array().unwrap().len(), 51);
}

#[test]
fn events_tell_what_was_done() {
    let machine = Machine::new();
    let server = machine.serve();
    server.sign_in("ada@example.com");
    machine.run("admin grant ada@example.com").succeeded();
    machine.run("user invite bob@example.com").succeeded();
    let kinds = |line: &str| -> Vec<String> {
        let events = machine.json(line);
        events
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["kind"].as_str().unwrap().to_owned())
            .collect()
    };

    assert_eq!(
        kinds("events --limit 2"),
        ["user_invited", "privilege_granted"]
    );
    assert_eq!(
        kinds("events --kind authn_login_success"),
        ["authn_login_success"]
    );
    assert_eq!(kinds("events --user bob@example.com"), ["user_invited"]);
    assert!(kinds("events --user ada@example.com").contains(&"authn_login_success".to_owned()));
    assert!(kinds("events --since 2999-01-01T00:00:00Z").is_empty());
    machine
        .run("events")
        .succeeded()
        .says("privilege_granted")
        .says("admin");
}
