use serde_json::json;

use super::{
    list::{PAGE, hide_administrator},
    *,
};
use crate::audit::Recorded;

fn change(members: serde_json::Value) -> Result<ProfileChange, serde_json::Error> {
    serde_json::from_value(members)
}

#[test]
fn names_are_of_any_script_and_of_64_characters_at_most() {
    for (typed, name) in [
        ("Ada", "Ada"),
        ("  Ada Lovelace\t", "Ada Lovelace"),
        ("Zoë", "Zoë"),
        ("エイダ", "エイダ"),
        ("👩‍💻", "👩‍💻"),
    ] {
        assert_eq!(Name::parse(typed).unwrap().as_str(), name);
    }
    assert!(Name::parse(&"ä".repeat(64)).is_ok());
    for text in [
        "",
        "   ",
        "Ada\nBcc: eve@example.com",
        "Ada\0",
        "Ada\u{7f}",
        "\u{202e}adA",
        "Ada\u{2066}",
        &"ä".repeat(65),
    ] {
        assert_eq!(Name::parse(text), Err(NotAName), "{text:?}");
    }
}

#[test]
fn pictures_are_https_urls() {
    let longest = format!("https://a.example/{}", "p".repeat(2048 - 18));
    for url in [
        "https://a.example",
        "https://a.example:8443/ada.png?size=64#face",
        "https://a.example/%C3%A4/(1).png",
        &longest,
    ] {
        assert_eq!(Picture::parse(url).unwrap().as_str(), url);
    }
    let too_long = format!("{longest}p");
    for text in [
        "",
        "http://a.example/ada.png",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "//a.example/ada.png",
        "/ada.png",
        "https:///ada.png",
        "https://",
        "https://ada@a.example/",
        "https://ada:secret@a.example/",
        "https://a.example/\"onerror=alert(1)",
        "https://a.example/<b>",
        "https://a.example/a b",
        "https://a.example/ä",
        " https://a.example/",
        "https://a.example/\n",
        &too_long,
    ] {
        assert_eq!(Picture::parse(text), Err(NotAPicture), "{text:?}");
    }
}

#[test]
fn an_absent_member_stays_and_null_clears() {
    let change = change(json!({ "firstName": "Ada", "lastName": null, "locale": "de" })).unwrap();

    assert_eq!(
        change.first_name,
        Change::To(Some(Name::parse("Ada").unwrap()))
    );
    assert_eq!(change.last_name, Change::To(None));
    assert_eq!(change.picture, Change::Keep);
    assert_eq!(change.locale, Change::To(Some(Locale::De)));
    assert_eq!(change.members(), "firstName lastName locale");
}

/// Item 84: what a profile does not have cannot be changed through it.
#[test]
fn unknown_members_change_nothing() {
    let change = change(
        json!({ "id": "x", "email": "x@example.com", "emailVerified": true, "roles": ["admin"], "status": "active" }),
    );
    assert_eq!(change.unwrap().members(), "");
}

#[test]
fn a_wrong_value_is_refused_with_a_sentence_to_show() {
    for (members, message) in [
        (json!({ "firstName": "" }), "Use 1 to 64 characters"),
        (json!({ "lastName": "a\nb" }), "Use 1 to 64 characters"),
        (json!({ "picture": "http://a.example" }), "Use an https URL"),
        (json!({ "locale": "fr" }), "`fr`"),
        (json!({ "firstName": 7 }), "7"),
    ] {
        let error = change(members.clone()).unwrap_err().to_string();
        assert!(error.contains(message), "{members}: {error}");
    }
}

#[test]
fn a_page_names_the_next_only_if_there_is_one() {
    let numbers = |n: u32| (1..=n).collect::<Vec<_>>();

    let last = Page::of(numbers(PAGE), |&n| n);
    assert_eq!((last.items.len(), last.next), (50, None));

    let more = Page::of(numbers(PAGE + 1), |&n| n);
    assert_eq!((more.items.len(), more.next.as_deref()), (50, Some("50")));

    assert_eq!(Page::of(numbers(0), |&n| n).next, None);
}

#[test]
fn users_see_where_strangers_are_and_not_where_administrators_are() {
    let (user, administrator) = (UserId([1; 16]), UserId([2; 16]));
    let seen = |actor: Option<UserId>| {
        let mut event = Recorded {
            id: crate::EventId([3; 16]),
            at: Timestamp::from_millis(0),
            kind: "user_disabled".into(),
            actor,
            subject: Some(user),
            session_id: None,
            request_id: Some("1".into()),
            method: None,
            success: true,
            ip: Some("192.0.2.1".into()),
            device: Some("Firefox on Linux".into()),
            detail: None,
        };
        hide_administrator(&mut event, &user);
        (
            event.ip.is_some(),
            event.device.is_some(),
            event.request_id.is_some(),
        )
    };
    assert_eq!(seen(Some(user)), (true, true, true));
    assert_eq!(seen(None), (true, true, true));
    assert_eq!(seen(Some(administrator)), (false, false, false));
}

#[test]
fn an_account_shows_no_epoch_and_no_handle() {
    let account = Account {
        user: User {
            id: UserId([1; 16]),
            email: Address::parse("Ada@Example.com").unwrap(),
            email_verified: true,
            first_name: Some("Ada".into()),
            last_name: None,
            picture: None,
            locale: None,
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(1),
        },
        status: Status::Active,
        last_sign_in_at: None,
        auth_epoch: 7,
        webauthn_handle: [7; 64],
    };
    let user = json!({
        "id": "AQEBAQEBAQEBAQEBAQEBAQ",
        "email": "Ada@Example.com",
        "emailVerified": true,
        "firstName": "Ada",
        "lastName": null,
        "picture": null,
        "locale": null,
        "createdAt": "1970-01-01T00:00:00.000Z",
        "updatedAt": "1970-01-01T00:00:00.001Z",
    });
    assert_eq!(serde_json::to_value(&account.user).unwrap(), user);

    let mut whole = user;
    whole["status"] = "active".into();
    whole["lastSignInAt"] = serde_json::Value::Null;
    assert_eq!(serde_json::to_value(&account).unwrap(), whole);
}

impl Account {
    /// Someone's account, of which only the id and the epoch matter.
    pub(crate) fn in_epoch(id: UserId, auth_epoch: i64) -> Self {
        let long_ago = Timestamp::from_millis(0);
        Self {
            user: User {
                id,
                email: Address::parse("ada@example.com").unwrap(),
                email_verified: true,
                first_name: None,
                last_name: None,
                picture: None,
                locale: None,
                created_at: long_ago,
                updated_at: long_ago,
            },
            status: Status::Active,
            last_sign_in_at: None,
            auth_epoch,
            webauthn_handle: [0; 64],
        }
    }
}
