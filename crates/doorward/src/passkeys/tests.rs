use super::{
    offer::{How, Offer, offer},
    *,
};

#[test]
fn a_passkey_is_offered_where_it_would_help() {
    let every_way = [How::Code, How::CodeAgain, How::Passkey, How::OtherDevice];
    assert_eq!(every_way.map(|how| offer(0, how)), [Some(Offer::First); 4]);
    assert_eq!(
        every_way.map(|how| offer(1, how)),
        [
            None,
            Some(Offer::StillCodes),
            None,
            Some(Offer::OtherDevice)
        ]
    );
}

/// Item 109: names are 1 to 64 visible characters.
#[test]
fn names_are_short_and_visible() {
    assert_eq!(
        Name::parse("  Ada's laptop 💻 ").unwrap().0,
        "Ada's laptop 💻"
    );
    assert!(Name::parse(&"é".repeat(64)).is_ok());
    for name in [
        "",
        "   ",
        "a\nb",
        "a\0b",
        "a\u{202e}b",
        "a\u{200b}b",
        "\u{3164}",
        "\u{2800}",
        "a\u{61c}b",
        "a\u{e0061}b",
        "\u{feff}",
        "a\u{1b}[31m",
        &"é".repeat(65),
    ] {
        assert!(Name::parse(name).is_err(), "{name:?}");
    }
}
