use super::*;

fn brand() -> Brand {
    Brand {
        app_name: "Käse & Co.".into(),
        public_url: "https://auth.example.com".into(),
        code_in_subject: false,
    }
}

fn every_notice() -> Vec<Notice> {
    let name = || "Ada's <phone>".to_owned();
    vec![
        Notice::SignInCode {
            code: "12345678".into(),
            minutes: 10,
        },
        Notice::EmailChangeCode {
            code: "87654321".into(),
            minutes: 1,
        },
        Notice::EmailChanged {
            new_address_hint: "n…@example.org".into(),
        },
        Notice::EmailTaken,
        Notice::PasskeyAdded { name: name() },
        Notice::PasskeyRemoved { name: name() },
        Notice::UnusualPasskeyUse { name: name() },
        Notice::NewSignIn {
            method: "passkey".into(),
            device: "Firefox on Linux".into(),
        },
        Notice::NewSignIn {
            method: "otp".into(),
            device: String::new(),
        },
        Notice::LongCodes,
        Notice::Invitation {},
        Notice::AccountDeleted,
    ]
}

/// What a reader of the HTML sees.
fn shown(html: &str) -> Vec<String> {
    html.lines()
        .filter(|line| line.starts_with("<p "))
        .map(|line| {
            let (_, inner) = line.split_once('>').unwrap();
            let inner = inner.strip_suffix("</p>").unwrap();
            assert!(!inner.contains('<'), "one piece of text: {line}");
            inner
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&amp;", "&")
        })
        .collect()
}

/// Item 116: the code first, then the only place to type it in, and that nobody asks for it.
#[test]
fn a_sign_in_code_reads_so() {
    let rendered = every_notice()[0].render(&brand(), Locale::En);

    assert_eq!(rendered.subject, "Your Käse & Co. sign-in code");
    assert_eq!(
        rendered.text,
        "12345678\n\n\
         Enter this code at https://auth.example.com to sign in to Käse & Co.. It works once, for 10 minutes.\n\n\
         Käse & Co. will never ask you for this code by phone, chat or email.\n\n\
         Didn't ask for it? Ignore this email; nobody can sign in without the code.\n"
    );
    let german = every_notice()[0].render(&brand(), Locale::De);
    assert_eq!(german.subject, "Ihr Anmeldecode für Käse & Co.");
    assert!(
        german
            .text
            .starts_with("12345678\n\nGeben Sie diesen Code auf https://auth.example.com ein"),
        "{}",
        german.text
    );
    assert!(german.text.contains("10 Minuten"));
}

/// Items 116, 119: every wording, to be read in a review.
#[test]
fn every_notice_reads_so() {
    for (locale, file) in [(Locale::En, "english"), (Locale::De, "german")] {
        let all: Vec<String> = every_notice()
            .iter()
            .map(|notice| (notice.kind(), notice.render(&brand(), locale)))
            .map(|(kind, rendered)| {
                format!(
                    "=== {kind}\nSubject: {}\n\n{}",
                    rendered.subject, rendered.text
                )
            })
            .collect();
        insta::assert_snapshot!(file, all.join("\n"));
    }
}

/// Item 115: what mail shows of Doorward is its configuration.
#[test]
fn the_brand_is_configured() {
    let mut config = Config {
        app_name: "Example".into(),
        public_url: "https://id.example.com:8443".into(),
        ..Config::default()
    };
    config.mail.code_in_subject = true;

    let rendered = every_notice()[0].render(&Brand::of(&config), Locale::En);

    assert_eq!(rendered.subject, "12345678 is your Example sign-in code");
    assert!(
        rendered
            .text
            .contains("Enter this code at https://id.example.com:8443 to sign in to Example."),
        "{}",
        rendered.text
    );
}

/// Item 116.
#[test]
fn the_html_of_a_code_looks_so() {
    insta::assert_snapshot!(
        "sign_in_code_html",
        every_notice()[0].render(&brand(), Locale::En).html
    );
}

/// Item 116: the code is in the subject only where that is wanted.
#[test]
fn the_subject_holds_the_code_only_when_asked() {
    let loud = Brand {
        code_in_subject: true,
        ..brand()
    };
    for (notice, code) in [
        (&every_notice()[0], "12345678"),
        (&every_notice()[1], "87654321"),
    ] {
        for locale in [Locale::En, Locale::De] {
            assert!(!notice.render(&brand(), locale).subject.contains(code));
            assert!(notice.render(&loud, locale).subject.starts_with(code));
        }
    }
    assert_eq!(
        every_notice()[0].render(&loud, Locale::En).subject,
        "12345678 is your Käse & Co. sign-in code"
    );
}

/// Item 116: text and HTML say the same, and the code is one piece of text.
#[test]
fn html_and_text_say_the_same() {
    for locale in [Locale::En, Locale::De] {
        for notice in every_notice() {
            let rendered = notice.render(&brand(), locale);
            assert_eq!(
                shown(&rendered.html).join("\n\n") + "\n",
                rendered.text,
                "{notice:?}"
            );
        }
    }
}

/// Items 115, 119: nothing to click, nothing to load, and something to do.
#[test]
fn no_notice_links_or_loads_anything() {
    for locale in [Locale::En, Locale::De] {
        for notice in every_notice() {
            let Rendered {
                subject,
                text,
                html,
            } = notice.render(&brand(), locale);
            for forbidden in [
                "<a",
                "href",
                "<img",
                "src=",
                "url(",
                "<link",
                "<script",
                "@import",
                "http-equiv",
            ] {
                assert!(!html.contains(forbidden), "{notice:?}: {forbidden}");
            }
            assert_eq!(
                text.matches("://").count(),
                text.matches("https://auth.example.com").count(),
                "{notice:?}"
            );
            assert!(
                html.contains("color-scheme: light dark")
                    && html.contains("content=\"telephone=no\"")
            );
            assert!(
                !subject.is_empty() && text.matches("\n\n").count() >= 1,
                "{notice:?}: says what to do"
            );
        }
    }
}

/// Item 113: names stay names.
#[test]
fn names_cannot_break_out() {
    let evil = "x\r\nBcc: eve@example.com\r\n\r\n<script>\u{2028}\u{202e}\0&amp;\"'".to_owned()
        + &"y".repeat(5000);
    let brand = Brand {
        app_name: evil[..60].into(),
        code_in_subject: true,
        ..brand()
    };
    for locale in [Locale::En, Locale::De] {
        for notice in [
            Notice::SignInCode {
                code: "12345678".into(),
                minutes: 10,
            },
            Notice::PasskeyAdded { name: evil.clone() },
            Notice::NewSignIn {
                method: evil.clone(),
                device: evil.clone(),
            },
            Notice::EmailChanged {
                new_address_hint: evil.clone(),
            },
        ] {
            let Rendered {
                subject,
                text,
                html,
            } = notice.render(&brand, locale);
            for part in [&subject, &text, &html] {
                assert!(
                    !part.contains(['\r', '\0', '\u{2028}', '\u{202e}']),
                    "{notice:?}"
                );
                assert!(!part.contains("\nBcc:"), "{notice:?}");
            }
            assert!(!subject.contains('\n'));
            assert!(!html.contains("<script>"), "{notice:?}");
            assert!(text.len() < 3000, "{notice:?}: names are cut");
        }
    }
}

/// Item 130, and the outbox: a notice is stored whole, and prints only its kind.
#[test]
fn a_notice_is_stored_whole_and_prints_its_kind() {
    for notice in every_notice() {
        let json = serde_json::to_value(&notice).unwrap();
        assert_eq!(json["kind"], notice.kind());
        assert_eq!(format!("{notice:?}"), format!("Notice({})", notice.kind()));
        assert!(serde_json::from_value::<Notice>(json).unwrap() == notice);
    }
}
