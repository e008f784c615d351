//! The house rules: arrows between folders, documented codes, the checklist of security.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below a folder that ends so, with its path from there.
fn sources(folder: &Path, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in
            fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()))
        {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("node_modules") {
                    folders.push(path);
                }
            } else if path
                .extension()
                .is_some_and(|extension| extension == ending)
            {
                let name = path
                    .strip_prefix(folder)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                found.push((name, read(&path)));
            }
        }
    }
    assert!(!found.is_empty(), "no source in {}", folder.display());
    found
}

/// The code of a file without comments, up to its tests.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    text[..end]
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The code of the library, tests and the tests' world left out.
fn library() -> Vec<(String, String)> {
    sources(&repository().join("crates/doorward/src"), "rs")
        .into_iter()
        .filter(|(name, _)| {
            !name.ends_with("tests.rs")
                && !["sink", "testing", "tests/"]
                    .iter()
                    .any(|part| name.contains(part))
        })
        .map(|(name, text)| (name, code(&text)))
        .collect()
}

fn offenders(needles: &[&str], allowed: impl Fn(&str) -> bool) -> Vec<String> {
    library()
        .into_iter()
        .filter(|(name, text)| !allowed(name) && needles.iter().any(|needle| text.contains(needle)))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn axum_stays_at_the_edge() {
    let edge = |name: &str| {
        name.starts_with("http/")
            || name.starts_with("pages/")
            || name.ends_with("/http.rs")
            || name.ends_with("/admin.rs")
            || matches!(name, "lib.rs" | "error.rs")
    };
    assert_eq!(offenders(&["axum::"], edge), [""; 0]);
}

#[test]
fn only_the_store_knows_its_driver() {
    assert_eq!(
        offenders(&["rusqlite", "tokio_postgres"], |name| name
            .starts_with("store/")),
        [""; 0]
    );
}

#[test]
fn sql_stands_in_storage_files_only() {
    let storage = |name: &str| {
        name.starts_with("store/")
            || name.ends_with("/store.rs")
            || matches!(
                name,
                "audit.rs" | "forget.rs" | "limits/address.rs" | "meta.rs" | "outbox.rs"
            )
    };
    assert_eq!(
        offenders(&["select ", "insert into ", "delete from "], storage),
        [""; 0]
    );
}

#[test]
fn features_use_those_below_them_only() {
    // codes, passkeys → users → sessions → access; proofs are types of the features that make them.
    let order = ["codes", "passkeys", "users", "sessions", "access"];
    let below = |feature: &str, other: &str| {
        let level = |name: &str| match name {
            "codes" | "passkeys" => 0,
            name => order.iter().position(|each| *each == name).unwrap_or(0),
        };
        level(feature) <= level(other)
    };
    // What a sign-in hands over crosses the arrows as a type or a question, and is listed here.
    let exceptions = [
        ("sessions", "users", "the account that a session belongs to"),
        (
            "sessions",
            "codes",
            "the proof of a redeemed code, and the device cookie of a sign-in",
        ),
        (
            "sessions",
            "passkeys",
            "whether the account has passkeys, and their signals",
        ),
        ("users", "codes", "an address is changed by a code"),
    ];
    for (name, text) in library() {
        let Some((feature, _)) = name
            .split_once('/')
            .filter(|(feature, _)| order.contains(feature))
        else {
            continue;
        };
        for other in order {
            let used =
                text.contains(&format!("{other}::")) || text.contains(&format!("    {other},"));
            let excepted = exceptions
                .iter()
                .any(|(from, to, _)| *from == feature && *to == other);
            assert!(
                !used || other == feature || below(feature, other) || excepted,
                "{name} uses {other}"
            );
            assert!(
                other == feature || !text.contains(&format!("{other}::store")),
                "{name} reads the store of {other}"
            );
        }
    }
}

#[test]
fn every_error_code_is_documented() {
    let documented = read(&repository().join("docs/errors.md"));
    for (status, code) in doorward::ANSWERS {
        let row = documented
            .lines()
            .find(|line| line.starts_with(&format!("| `{code}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/errors.md has no row for {code}"));
        assert!(
            row.contains(&status.to_string()),
            "docs/errors.md: {code} is also answered with {status}"
        );
    }
}

/// A test, with the items that its comment says it shows.
struct Test {
    file: String,
    name: String,
    items: BTreeSet<u32>,
}

/// The tests of the repository: Rust's, documentation that must not compile, and the browser's.
fn tests() -> Vec<Test> {
    let crates = ["crates/webauthn", "crates/doorward", "crates/cli"];
    let rust = crates.into_iter().flat_map(|folder| {
        let files = sources(&repository().join(folder), "rs");
        files
            .into_iter()
            .map(move |(name, text)| (format!("{folder}/{name}"), text))
    });
    let browser = sources(&repository().join("e2e"), "js")
        .into_iter()
        .map(|(name, text)| (format!("e2e/{name}"), text));
    rust.chain(browser)
        .flat_map(|(file, text)| tests_in(&file, &text))
        .collect()
}

fn tests_in(file: &str, text: &str) -> Vec<Test> {
    let mut found = Vec::new();
    let mut items = BTreeSet::new();
    let mut is_test = false;
    let mut in_attribute = false;
    for line in text.lines().map(str::trim) {
        if in_attribute || line.starts_with("#[") && !line.ends_with(']') {
            in_attribute = !line.ends_with(")]");
        } else if let Some(comment) = line.strip_prefix("//") {
            items.extend(items_of(comment.trim_start_matches('/')));
            is_test |= comment.contains("```compile_fail");
        } else if ["#[test]", "#[tokio::test"]
            .iter()
            .any(|attribute| line.starts_with(attribute))
        {
            is_test = true;
        } else if let Some(name) = name_of(line, is_test) {
            found.push(Test {
                file: file.to_owned(),
                name,
                items: std::mem::take(&mut items),
            });
            is_test = false;
        } else if !line.starts_with("#[") {
            items.clear();
            is_test &= line.is_empty();
        }
    }
    found
}

/// The name of the test that a line begins.
fn name_of(line: &str, is_test: bool) -> Option<String> {
    if let Some(rest) = line.strip_prefix("test(") {
        let quote = rest.chars().next()?;
        return rest[1..].split(quote).next().map(str::to_owned);
    }
    let rest = ["fn ", "async fn ", "pub struct "]
        .iter()
        .find_map(|start| line.strip_prefix(start))?;
    is_test.then(|| {
        rest.split(['(', '<', ' ', ';'])
            .next()
            .unwrap_or_default()
            .to_owned()
    })
}

/// The numbers after `Item` or `Items` at the start of a comment.
fn items_of(comment: &str) -> Vec<u32> {
    let comment = comment.trim();
    let Some(rest) = comment
        .strip_prefix("Items ")
        .or(comment.strip_prefix("Item "))
    else {
        return Vec::new();
    };
    let numbers = rest.split(['.', ':', ';', '(']).next().unwrap_or_default();
    numbers
        .split([',', ' '])
        .flat_map(|part| match part.trim().split_once('–') {
            Some((first, last)) => match (first.parse::<u32>(), last.parse::<u32>()) {
                (Ok(first), Ok(last)) => (first..=last).collect(),
                _ => Vec::new(),
            },
            None => part.trim().parse().into_iter().collect(),
        })
        .collect()
}

/// One row of the table in `docs/security.md`: `| 3 | M | requirement | tests |`.
struct Listed {
    item: u32,
    must: bool,
    tests: String,
}

fn listed() -> Vec<Listed> {
    let page = read(&repository().join("docs/security.md"));
    page.lines()
        .filter_map(|line| {
            let cells: Vec<_> = line
                .trim()
                .trim_matches('|')
                .split(" | ")
                .map(str::trim)
                .collect();
            let item = cells.first()?.parse().ok()?;
            Some(Listed {
                item,
                must: cells.get(1)? == &"M",
                tests: cells.get(3)?.to_string(),
            })
        })
        .collect()
}

/// The items that concern what is not built yet, each with the reason in the table.
const LATER: &str = "later:";

#[test]
fn the_checklist_of_security_is_kept() {
    let (tests, listed) = (tests(), listed());
    let numbers: Vec<u32> = listed.iter().map(|row| row.item).collect();
    assert_eq!(
        numbers,
        (1..=140).collect::<Vec<_>>(),
        "all 140 items, in order"
    );

    for row in &listed {
        if row.tests.starts_with(LATER) {
            assert!(
                row.tests.len() > LATER.len() + 10,
                "item {} is later without a reason",
                row.item
            );
            continue;
        }
        let named: Vec<_> = row.tests.split('`').skip(1).step_by(2).collect();
        assert!(
            !row.must || !named.is_empty(),
            "item {} has no test",
            row.item
        );
        for name in named {
            let (file, test) = name
                .rsplit_once("::")
                .unwrap_or_else(|| panic!("item {}: `{name}` names no test", row.item));
            let exists = tests
                .iter()
                .any(|found| found.name == test && found.file == file);
            assert!(
                exists,
                "item {}: there is no test {test} in {file}",
                row.item
            );
        }
    }
    // And the other way round: what a test says it shows is listed.
    for Test { file, name, items } in &tests {
        for item in items {
            let row = listed.iter().find(|row| row.item == *item);
            let row = row.unwrap_or_else(|| panic!("{name} shows item {item}, of 140"));
            let entry = format!("`{file}::{name}`");
            assert!(
                row.tests.contains(&entry),
                "docs/security.md: item {item} does not list {entry}"
            );
        }
    }
}

/// No test is left out, but for those that need a server, which `./test` starts for them and then runs with the others.
const IGNORED: &str = "#[ignore = \"needs a PostgreSQL server: tests/with-postgres\"]";

#[test]
fn nothing_is_left_undone_in_the_code() {
    for folder in [
        "crates/webauthn/src",
        "crates/doorward/src",
        "crates/cli/src",
    ] {
        for (name, text) in sources(&repository().join(folder), "rs") {
            let text = text.replace(IGNORED, "");
            for word in ["todo!(", "unimplemented!(", "#[ignore", "FIXME", "XXX"] {
                assert!(!text.contains(word), "{folder}/{name} has {word}");
            }
        }
    }
}
