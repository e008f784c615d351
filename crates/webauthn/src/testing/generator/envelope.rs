//! The JSON around it all: `RegistrationResponseJSON` and `AuthenticationResponseJSON` (§5.1).

use serde_json::{Value, json};

use super::USER_HANDLE;
use super::Verdict::{self, Accepted, Unreadable};
use super::plan::{Catalogue, Plan};
use crate::Refusal::{CredentialId, NotDiscoverable, UserHandle, UserHandleMissing};
use crate::testing::Hook;
use crate::testing::bytes::encode;

pub(super) fn add(to: &mut Catalogue) {
    members(to.group("JSON"));
    encodings(to.group("base64url"));
    extras(to.group("JSON"));
    handles(to.group("user handle"));
    texts(to.group("JSON"));
}

/// Removes the member that a JSON pointer names.
fn remove(json: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').expect("a JSON pointer");
    let parent = json.pointer_mut(parent).expect("an object");
    parent.as_object_mut().expect("an object").remove(name);
}

fn set(json: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').expect("a JSON pointer");
    json.pointer_mut(parent).expect("an object")[name] = value;
}

const OF_BOTH: [&str; 5] = [
    "/id",
    "/rawId",
    "/type",
    "/response",
    "/response/clientDataJSON",
];
const OF_REGISTRATIONS: [&str; 1] = ["/response/attestationObject"];
const OF_ASSERTIONS: [&str; 2] = ["/response/authenticatorData", "/response/signature"];

/// The members that must be there, each missing and of every wrong type.
fn members(to: &mut Catalogue) {
    let of_both = OF_BOTH.map(|pointer| (true, true, pointer));
    let of_registrations = OF_REGISTRATIONS.map(|pointer| (true, false, pointer));
    let of_assertions = OF_ASSERTIONS.map(|pointer| (false, true, pointer));
    for (registration, assertion, pointer) in of_both
        .into_iter()
        .chain(of_registrations)
        .chain(of_assertions)
    {
        let mut row = |name: &str, change: &dyn Fn(&mut Plan)| {
            let name = format!("{pointer} {name}");
            if registration {
                to.registration(&name, Unreadable, change);
            }
            if assertion {
                to.assertion(&name, Unreadable, change);
            }
        };
        row("missing", &|it| {
            it.response(move |json| remove(json, pointer));
        });
        for (name, value) in [
            ("null", Value::Null),
            ("a number", json!(1)),
            ("a boolean", json!(true)),
            ("a list", json!([])),
            ("a list of bytes", json!([1, 2, 3])),
        ] {
            row(name, &|it| {
                let value = value.clone();
                it.response(move |json| set(json, pointer, value.clone()));
            });
        }
    }
    to.both("/response text", Unreadable, |it| {
        it.response(|json| json["response"] = json!(""));
    });
    to.both("/response an empty object", Unreadable, |it| {
        it.response(|json| json["response"] = json!({}));
    });
    to.both("/id an object", Unreadable, |it| {
        it.response(|json| json["id"] = json!({}));
    });
    for kind in ["", "password", "Public-Key", "public-key "] {
        to.both(&format!("/type {kind:?}"), Unreadable, |it| {
            it.response(move |json| json["type"] = json!(kind));
        });
    }
    to.both("another id than rawId", Unreadable, |it| {
        it.response(|json| json["rawId"] = json!("AAAA"));
    });
    to.both("another id, twice", CredentialId, |it| {
        it.response(|json| {
            json["id"] = json!("AAAA");
            json["rawId"] = json!("AAAA");
        });
    });
    to.both("empty ids", CredentialId, |it| {
        it.response(|json| {
            json["id"] = json!("");
            json["rawId"] = json!("");
        });
    });
    to.both("id in another spelling than rawId", Accepted, |it| {
        it.response(|json| json["id"] = json!(padded(&json["id"])));
    });
}

fn padded(text: &Value) -> String {
    let text = text.as_str().expect("text");
    let padding = (4 - text.len() % 4) % 4;
    format!("{text}{}", "=".repeat(padding))
}

/// Another spelling of a member's text.
type Encode = fn(&Value) -> String;

fn encodings(to: &mut Catalogue) {
    let both = [&["/id", "/rawId"][..], &["/response/clientDataJSON"]];
    let registrations = both
        .into_iter()
        .chain([&["/response/attestationObject"][..]]);
    let assertions = both.into_iter().chain([
        &["/response/authenticatorData"][..],
        &["/response/signature"],
        &["/response/userHandle"],
    ]);
    let rows: [(_, _, Encode); 5] = [
        ("padded", Accepted, padded),
        ("with one sign of padding too many", Unreadable, |text| {
            format!("{}=", padded(text))
        }),
        ("with a space after it", Unreadable, |text| {
            format!("{} ", text.as_str().expect("text"))
        }),
        ("with a line break inside", Unreadable, |text| {
            text.as_str()
                .expect("text")
                .replacen(char::is_alphabetic, "A\n", 1)
        }),
        ("with a sign of the standard alphabet", Unreadable, |text| {
            format!("+/+/{}", &text.as_str().expect("text")[4..])
        }),
    ];
    for (name, expected, encode) in rows {
        let change = |pointers: &'static [&'static str]| {
            move |it: &mut Plan| {
                it.response(move |json| {
                    for pointer in pointers {
                        let text = json.pointer_mut(pointer).expect("a member");
                        *text = json!(encode(text));
                    }
                });
            }
        };
        for pointers in registrations.clone() {
            to.registration(
                &format!("{} {name}", pointers[0]),
                expected,
                change(pointers),
            );
        }
        for pointers in assertions.clone() {
            to.assertion(
                &format!("{} {name}", pointers[0]),
                expected,
                change(pointers),
            );
        }
    }
}

/// What providers leave out, null or invent.
fn extras(to: &mut Catalogue) {
    for pointer in ["/authenticatorAttachment", "/clientExtensionResults"] {
        to.both(&format!("{pointer} missing"), Accepted, |it| {
            it.response(move |json| remove(json, pointer));
        });
        to.both(&format!("{pointer} null"), Accepted, |it| {
            it.response(move |json| set(json, pointer, Value::Null));
        });
    }
    for value in ["platform", "cross-platform", "", "implant"] {
        to.both(
            &format!("/authenticatorAttachment {value:?}"),
            Accepted,
            |it| {
                it.response(move |json| json["authenticatorAttachment"] = json!(value));
            },
        );
    }
    for value in [json!(1), json!({}), json!([])] {
        to.both(
            &format!("/authenticatorAttachment {value}"),
            Unreadable,
            |it| {
                let value = value.clone();
                it.response(move |json| json["authenticatorAttachment"] = value.clone());
            },
        );
    }
    for value in [json!(1), json!(""), json!([])] {
        let results = |it: &mut Plan| {
            let value = value.clone();
            it.response(move |json| json["clientExtensionResults"] = value.clone());
        };
        to.registration(
            &format!("/clientExtensionResults {value}"),
            Unreadable,
            results,
        );
        to.assertion(
            &format!("/clientExtensionResults {value}"),
            Accepted,
            results,
        );
    }
    to.both("an output that nobody asked for", Accepted, |it| {
        it.response(|json| json["clientExtensionResults"]["x"] = json!({ "y": [1] }));
    });
    to.assertion("an appid in use", Accepted, |it| {
        it.response(|json| json["clientExtensionResults"]["appid"] = json!(true));
    });
    to.both("an unknown member", Accepted, |it| {
        it.response(|json| json["x"] = json!({ "y": [1] }));
    });
    to.both("an unknown member inside", Accepted, |it| {
        it.response(|json| json["response"]["x"] = json!([1]));
    });
    for (name, expected, properties) in [
        ("missing", Accepted, json!({})),
        ("null", Accepted, json!({ "credProps": null })),
        ("empty", Accepted, json!({ "credProps": {} })),
        ("rk null", Accepted, json!({ "credProps": { "rk": null } })),
        ("rk true", Accepted, json!({ "credProps": { "rk": true } })),
        (
            "rk false",
            NotDiscoverable.into(),
            json!({ "credProps": { "rk": false } }),
        ),
        (
            "rk as text",
            Unreadable,
            json!({ "credProps": { "rk": "true" } }),
        ),
        (
            "rk as a number",
            Unreadable,
            json!({ "credProps": { "rk": 0 } }),
        ),
        ("a list", Unreadable, json!({ "credProps": [] })),
        ("a boolean", Unreadable, json!({ "credProps": true })),
    ] {
        to.registration(&format!("credProps {name}"), expected, |it| {
            it.response(move |json| json["clientExtensionResults"] = properties.clone());
        });
    }
    for (expected, transports) in [
        (Accepted, json!(null)),
        (Accepted, json!([])),
        (
            Accepted,
            json!(["usb", "nfc", "ble", "smart-card", "hybrid", "internal"]),
        ),
        (Accepted, json!(["usb", "usb"])),
        (Accepted, json!(["telepathy", "", "\u{e9}"])),
        (Accepted, json!(vec!["x"; 100])),
        (Unreadable, json!([1])),
        (Unreadable, json!([null])),
        (Unreadable, json!("usb")),
        (Unreadable, json!({})),
    ] {
        let name: String = format!("transports {transports}")
            .chars()
            .take(60)
            .collect();
        to.registration(&name, expected, |it| {
            it.response(move |json| json["response"]["transports"] = transports.clone());
        });
    }
    to.registration("without the copies that browsers add", Accepted, |it| {
        it.response(|json| {
            for pointer in [
                "/response/authenticatorData",
                "/response/publicKeyAlgorithm",
                "/response/transports",
            ] {
                remove(json, pointer);
            }
        });
    });
    to.registration("without one of the copies", Accepted, |it| {
        it.response(|json| remove(json, "/response/authenticatorData"));
    });
    for (pointer, value) in [
        ("/response/authenticatorData", json!("AAAA")),
        ("/response/authenticatorData", json!(1)),
        ("/response/publicKey", json!("AAAA")),
        ("/response/publicKey", json!(null)),
        ("/response/publicKeyAlgorithm", json!(-8)),
        ("/response/publicKeyAlgorithm", json!("ES256")),
    ] {
        to.registration(&format!("{pointer} {value}"), Accepted, |it| {
            it.response(move |json| set(json, pointer, value.clone()));
        });
    }
}

/// §7.2 step 6.
fn handles(to: &mut Catalogue) {
    let mut row = |name, expected: Verdict, handle: Option<Value>| {
        to.assertion(name, expected, |it| {
            it.response(move |json| match &handle {
                Some(handle) => json["response"]["userHandle"] = handle.clone(),
                None => remove(json, "/response/userHandle"),
            });
        });
    };
    row("missing", UserHandleMissing.into(), None);
    row("null", UserHandleMissing.into(), Some(Value::Null));
    row("empty", UserHandleMissing.into(), Some(json!("")));
    row(
        "someone else's",
        UserHandle.into(),
        Some(json!(encode(&[1; 64]))),
    );
    row(
        "its beginning",
        UserHandle.into(),
        Some(json!(encode(&USER_HANDLE[..63]))),
    );
    row(
        "with a byte too many",
        UserHandle.into(),
        Some(json!(encode(&[&USER_HANDLE[..], &[0]].concat()))),
    );
    row("one byte", UserHandle.into(), Some(json!("AA")));
    row(
        "of 1,000 bytes",
        UserHandle.into(),
        Some(json!(encode(&[1; 1000]))),
    );
    row(
        "encoded twice",
        UserHandle.into(),
        Some(json!(encode(encode(&USER_HANDLE).as_bytes()))),
    );
    row("a number", Unreadable, Some(json!(0)));
    row("an empty list", Unreadable, Some(json!([])));
    row("no base64url", Unreadable, Some(json!("!")));
}

/// The text that should be JSON.
fn texts(to: &mut Catalogue) {
    let mut row = |name, expected: Verdict, rewrite: fn(&str) -> String| {
        to.both(name, expected, |it| {
            it.text = Hook::new(move |text: &mut String| *text = rewrite(text));
        });
    };
    row("with space around", Accepted, |json| format!("\n {json}\n"));
    row("empty", Unreadable, |_| String::new());
    row("null", Unreadable, |_| "null".to_owned());
    row("in a list", Unreadable, |json| format!("[{json}]"));
    row("an empty object", Unreadable, |_| "{}".to_owned());
    row("a list of members", Unreadable, |_| {
        r#"["AA","AA","public-key",{}]"#.to_owned()
    });
    row("with text after it", Unreadable, |json| format!("{json}x"));
    row("with a byte order mark", Unreadable, |json| {
        format!("\u{feff}{json}")
    });
    row("cut short", Unreadable, |json| {
        json[..json.len() - 1].to_owned()
    });
    row("with id twice", Unreadable, |json| {
        json.replacen('{', r#"{"id":"AA","#, 1)
    });
    row("with type twice", Unreadable, |json| {
        json.replacen('{', r#"{"type":"public-key","#, 1)
    });
    row("with response twice", Unreadable, |json| {
        json.replacen('{', r#"{"response":{},"#, 1)
    });
    row("with an unknown member twice", Accepted, |json| {
        json.replacen('{', r#"{"x":1,"x":2,"#, 1)
    });
    row("with client data twice", Unreadable, |json| {
        json.replacen(
            r#""clientDataJSON""#,
            r#""clientDataJSON":"","clientDataJSON""#,
            1,
        )
    });
}
