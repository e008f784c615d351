//! The operator's look: values for the custom properties of `doorward.css`, and a logo.
//!
//! A theme is read at the start, and only what was understood is served: properties `--dw-*` that there are, with values
//! that load nothing. So a theme can make pages ugly, and nothing else.

use std::{collections::BTreeMap, fs, path::Path};

use super::assets::{self, Own};
use crate::{
    config,
    error::{Error, Result},
};

/// The largest logo: it is part of every first visit.
const LOGO_LIMIT: usize = 256 * 1024;

/// What may be called in a value; nothing of it loads anything.
const FUNCTIONS: [&str; 17] = [
    "calc",
    "clamp",
    "color",
    "color-mix",
    "hsl",
    "hsla",
    "hwb",
    "lab",
    "lch",
    "light-dark",
    "max",
    "min",
    "oklab",
    "oklch",
    "rgb",
    "rgba",
    "var",
];

/// What is put on what: text has 4.5:1 on its ground (WCAG 2.2, 1.4.3).
const PAIRS: [(&str, &str); 8] = [
    ("--dw-color-text", "--dw-color-bg"),
    ("--dw-color-text", "--dw-color-surface"),
    ("--dw-color-muted", "--dw-color-bg"),
    ("--dw-color-muted", "--dw-color-surface"),
    ("--dw-color-accent", "--dw-color-surface"),
    ("--dw-color-on-accent", "--dw-color-accent"),
    ("--dw-color-danger", "--dw-color-surface"),
    ("--dw-color-on-danger", "--dw-color-danger"),
];

/// A theme, understood.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Theme(BTreeMap<String, String>);

/// The theme of the configuration, as it is served; and what is hard to read in it.
pub(super) fn load(pages: &config::Pages) -> Result<(Option<Own>, Vec<String>)> {
    let Some(file) = &pages.theme_file else {
        return Ok((None, Vec::new()));
    };
    let theme = read(file).and_then(|bytes| {
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        Theme::parse(&text)
    });
    let theme = theme.map_err(|why| unusable(file, &why))?;
    let own = Own::new("theme", "css", theme.css().into_bytes());
    Ok((Some(own), theme.hard_to_read()))
}

/// The logo of the configuration.
pub(super) fn logo(pages: &config::Pages) -> Result<Option<Own>> {
    let Some(file) = &pages.logo_file else {
        return Ok(None);
    };
    let bytes = read(file).map_err(|why| unusable(file, &why))?;
    let kind = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        "png"
    } else if bytes.windows(4).any(|part| part == b"<svg") {
        "svg"
    } else {
        return Err(unusable(file, "it is neither SVG nor PNG"));
    };
    if bytes.len() > LOGO_LIMIT {
        return Err(unusable(file, "it is larger than 256 KiB"));
    }
    Ok(Some(Own::new("logo", kind, bytes)))
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| error.to_string())
}

fn unusable(file: &Path, why: &str) -> Error {
    Error::Unavailable(format!("{}: {why}", file.display()).into())
}

impl Theme {
    /// Reads a style sheet of nothing but `:root { --dw-…: …; }`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut properties = BTreeMap::new();
        let text = without_comments(text)?;
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (selector, block) = rest.split_once('{').ok_or("a rule without a block")?;
            let (block, after) = block.split_once('}').ok_or("a block that does not end")?;
            if selector.trim() != ":root" {
                return Err(format!(
                    "the selector `{}`: a theme has only `:root`",
                    selector.trim()
                ));
            }
            for declaration in block.split(';').map(str::trim) {
                if !declaration.is_empty() {
                    let (name, value) = read_declaration(declaration)?;
                    properties.insert(name, value);
                }
            }
            rest = after.trim();
        }
        Ok(Self(properties))
    }

    /// What is served: written anew, so that nothing is in it but what was understood.
    fn css(&self) -> String {
        let declarations = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}:{value};"));
        format!(
            "@layer dw.theme{{:root{{{}}}}}",
            declarations.collect::<String>()
        )
    }

    /// The pairs of colours that are hard to read, as sentences. Colours that are not written as `#rgb` or `#rrggbb` are
    /// not judged.
    fn hard_to_read(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (front, back) in PAIRS {
            let (Some(fronts), Some(backs)) = (self.colours(front), self.colours(back)) else {
                continue;
            };
            for (scheme, front_colour, back_colour) in
                [("light", fronts.0, backs.0), ("dark", fronts.1, backs.1)]
            {
                let ratio = contrast(front_colour, back_colour);
                if ratio < 4.5 {
                    found.push(format!(
                        "{front} on {back} has a contrast of {ratio:.1}:1 in the {scheme} scheme; 4.5:1 is the least that \
                         most people can read"
                    ));
                }
            }
        }
        found
    }

    /// The colours of a property in the light and the dark scheme.
    fn colours(&self, name: &str) -> Option<(Colour, Colour)> {
        let value = self
            .0
            .get(name)
            .map(String::as_str)
            .or_else(|| built_in(name))?;
        let (light, dark) = match value
            .strip_prefix("light-dark(")
            .and_then(|rest| rest.strip_suffix(')'))
        {
            Some(both) => both.split_once(',')?,
            None => (value, value),
        };
        Some((colour(light.trim())?, colour(dark.trim())?))
    }
}

/// The value of a property in `doorward.css`, in both schemes.
fn built_in(name: &str) -> Option<&'static str> {
    let css = assets::text("doorward.css");
    let start = css.find(&format!("{name}: light-dark("))? + name.len() + 2;
    css[start..].split(';').next()
}

fn without_comments(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("/*") {
        plain.push_str(before);
        plain.push(' ');
        rest = comment
            .split_once("*/")
            .ok_or("a comment that does not end")?
            .1;
    }
    plain.push_str(rest);
    Ok(plain)
}

fn read_declaration(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| format!("`{text}` is no declaration"))?;
    let (name, value) = (name.trim(), value.trim());
    let is_known =
        name.starts_with("--dw-") && assets::text("doorward.css").contains(&format!("{name}:"));
    if !is_known {
        return Err(format!("`{name}` is no property of a theme"));
    }
    let is_plain = |character: char| {
        character.is_ascii_alphanumeric() || " #%.,()+-*/\"'_".contains(character)
    };
    if value.is_empty() || value.len() > 200 || !value.chars().all(is_plain) {
        return Err(format!("the value of `{name}` is no plain value"));
    }
    for called in value.split('(').rev().skip(1) {
        let function = called
            .rsplit(|character: char| !character.is_ascii_alphanumeric() && character != '-')
            .next()
            .unwrap_or_default();
        if !function.is_empty() && !FUNCTIONS.contains(&function) {
            return Err(format!("`{function}()` in the value of `{name}`"));
        }
    }
    Ok((name.into(), value.into()))
}

type Colour = [f64; 3];

/// `#rgb` or `#rrggbb`.
fn colour(text: &str) -> Option<Colour> {
    let digits = text.strip_prefix('#')?;
    let digits: Vec<u8> = digits
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect::<Option<_>>()?;
    let width = match digits.len() {
        3 => 1,
        6 => 2,
        _ => return None,
    };
    let channel = |index: usize| {
        let digits = &digits[index * width..(index + 1) * width];
        // `#f` is short for `#ff`.
        digits[0] * 16 + digits[width - 1]
    };
    Some([channel(0), channel(1), channel(2)].map(|channel| f64::from(channel) / 255.0))
}

/// The contrast of two colours (WCAG 2.2).
fn contrast(one: Colour, other: Colour) -> f64 {
    let luminance = |colour: Colour| {
        let [r, g, b] = colour.map(|channel| {
            if channel <= 0.04045 {
                channel / 12.92
            } else {
                ((channel + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_is_written_anew() {
        let theme = Theme::parse(
            "/* ours */ :root { --dw-color-accent: light-dark(#a00, #faa); --dw-radius:0 }\n:root{}",
        );
        assert_eq!(
            theme.unwrap().css(),
            "@layer dw.theme{:root{--dw-color-accent:light-dark(#a00, #faa);--dw-radius:0;}}"
        );
    }

    #[test]
    fn what_is_more_than_a_theme_is_refused() {
        for text in [
            "body { --dw-radius: 0 }",
            ":root { color: red }",
            ":root { --other: 0 }",
            ":root { --dw-colour-accent: #000 }",
            ":root { --dw-color-bg: url(https://evil.example/x) }",
            ":root { --dw-color-bg: u\\72l(x) }",
            ":root { --dw-color-bg: URL(x) }",
            ":root { --dw-color-bg: image-set(\"x\" 1x) }",
            ":root { --dw-color-bg: calc(src(\"x\")) }",
            ":root { --dw-color-bg: }",
            ":root { --dw-color-bg: #fff !important }",
            ":root { --dw-color-bg: </style> }",
            "@import \"x\"; :root {}",
            ":root { --dw-radius: 0",
            ":root --dw-radius: 0",
            "/* :root {}",
        ] {
            assert!(Theme::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_hard_to_read_is_named() {
        assert_eq!(Theme::default().hard_to_read(), [""; 0], "our own colours");
        for (name, _) in PAIRS {
            assert!(Theme::default().colours(name).is_some(), "{name}");
        }
        let pale = Theme::parse(":root { --dw-color-accent: light-dark(#ccc, #6fbcd1) }").unwrap();
        let told = pale.hard_to_read();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("light scheme"));
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        let ratio = |one: &str, other: &str| contrast(colour(one).unwrap(), colour(other).unwrap());
        assert!((ratio("#000", "#fff") - 21.0).abs() < 0.001);
        assert!((ratio("#777777", "#fff") - 4.478).abs() < 0.001);
    }
}
