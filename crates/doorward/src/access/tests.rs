use super::{
    roles::{check_description, is_name, is_permission_name, refuse_administration_for_all},
    *,
};

fn holding(permissions: &[&str]) -> Access {
    Access::new(
        Vec::new(),
        permissions.iter().map(|&name| name.to_owned()).collect(),
    )
}

#[test]
fn a_permission_is_held_by_name_by_resource_or_by_everything() {
    assert!(holding(&["library:read"]).allows("library:read"));
    assert!(holding(&["library:*"]).allows("library:read"));
    assert!(holding(&["*"]).allows("library:read"));
    assert!(holding(&["a:b", "library:*", "z:z"]).allows("library:*"));
}

#[test]
fn nothing_else_is_held() {
    for held in [
        "library:write",
        "librar:*",
        "library-2:*",
        "librarian:*",
        "read:*",
        "library:rea",
        "users:*",
    ] {
        assert!(!holding(&[held]).allows("library:read"), "{held}");
    }
    for wanted in [
        "library",
        "library:",
        "*",
        "",
        "libraryx:read",
        "LIBRARY:read",
    ] {
        assert!(
            !holding(&["library:*", "library:read"]).allows(wanted),
            "{wanted:?}"
        );
    }
    assert!(!Access::default().allows("*"));
    assert!(!Access::default().allows(""));
}

#[test]
fn whoever_holds_anything_of_doorward_itself_is_administrative() {
    for permission in BUILT_IN {
        assert!(
            holding(&["library:read", permission]).is_administrative(),
            "{permission}"
        );
    }
    for wildcard in [
        "*",
        "users:*",
        "roles:*",
        "sessions:*",
        "events:*",
        "settings:*",
    ] {
        assert!(holding(&[wildcard]).is_administrative(), "{wildcard}");
    }
    for other in ["library:*", "users:wave", "user:read", "usersx:*"] {
        assert!(!holding(&[other]).is_administrative(), "{other}");
    }
    assert!(!Access::default().is_administrative());
}

#[test]
fn access_is_sorted_and_names_nothing_twice() {
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    let access = Access::new(
        names(&["user", "admin", "user"]),
        names(&["b:b", "a:a", "b:b"]),
    );
    assert_eq!(access.roles(), ["admin", "user"]);
    assert_eq!(access.permissions(), ["a:a", "b:b"]);
    assert_eq!(
        serde_json::to_string(&access).unwrap(),
        r#"{"permissions":["a:a","b:b"],"roles":["admin","user"]}"#
    );
}

#[test]
fn permissions_are_a_resource_and_an_action() {
    let longest = format!("{0}:{0}", "a".repeat(64));
    for name in [
        "*",
        "library:read",
        "library:*",
        "a:b",
        "my-library_2:read-all",
        &longest,
    ] {
        assert!(is_permission_name(name), "{name}");
    }
    let too_long = format!("{}:a", "a".repeat(65));
    for name in [
        "", ":", "library", "library:", ":read", "*:read", "*:*", "**", "a:b:c", "a:b*", "a*:b",
        "A:b", "ä:b", "a: b", "a:b ", "a:b\n", &too_long,
    ] {
        assert!(!is_permission_name(name), "{name:?}");
    }
}

#[test]
fn roles_are_plain_words() {
    for name in ["admin", "a", "night-shift_2", &"a".repeat(64)] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", "Admin", "a b", "a:b", "*", "ä", "a\0", &"a".repeat(65)] {
        assert!(!is_name(name), "{name:?}");
    }
}

/// Item 87 and the defaults of an open sign-up: strangers never administer.
#[test]
fn what_everyone_gets_administers_nothing() {
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    assert!(refuse_administration_for_all(true, &names(&["library:read"])).is_ok());
    assert!(refuse_administration_for_all(false, &names(&["*"])).is_ok());
    for held in ["*", "users:*", "users:read"] {
        assert!(
            refuse_administration_for_all(true, &names(&["library:read", held])).is_err(),
            "{held}"
        );
    }
}

#[test]
fn descriptions_are_one_short_line() {
    assert!(check_description(None).is_ok());
    assert!(check_description(Some(&"ä".repeat(256))).is_ok());
    assert!(check_description(Some(&"ä".repeat(257))).is_err());
    assert!(check_description(Some("two\nlines")).is_err());
}
