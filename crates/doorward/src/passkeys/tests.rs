use super::*;

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
        "\u{feff}",
        "a\u{1b}[31m",
        &"é".repeat(65),
    ] {
        assert!(Name::parse(name).is_err(), "{name:?}");
    }
}
