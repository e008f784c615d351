//! Completeness: what a comment of the verifier cites, the mutations below it break.
//!
//! A comment governs the source from itself to the next comment that cites something. Each step that it
//! cites must be named by a mutation there, or be listed as no check; and a mutation names nothing that
//! its comment does not cite. Documentation of whole modules (`//!`) introduces, and is left out.

use std::collections::BTreeSet;

use crate::mutate::Result;
use crate::mutate::plan::{Plan, Source};

/// Steps and sections, as in `§7.1 step 15`, `§8.7` and `RFC 8230 §4`.
pub(crate) type Steps = BTreeSet<String>;

/// All that is missing, one sentence each.
pub(crate) fn complaints(plan: &Plan) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for source in &plan.sources {
        complaints.extend(complaints_about(source)?);
    }
    Ok(complaints)
}

/// A comment that cites, and what the mutations below it name.
struct Comment {
    line: usize,
    cited: Steps,
    broken: Steps,
}

fn complaints_about(source: &Source) -> Result<Vec<String>> {
    let name = &source.name;
    let mut complaints = Vec::new();
    let mut comments = comments(&source.text).map_err(|error| format!("{name}:{error}"))?;
    for mutation in &source.mutations {
        let before = &source.text[..source.find(mutation)?];
        let line = before.matches('\n').count() + 1;
        let steps = cited(&mutation.check)?;
        match comments.iter_mut().rfind(|comment| comment.line <= line) {
            Some(comment) if steps.is_subset(&comment.cited) => comment.broken.extend(steps),
            None if steps.is_empty() => {}
            _ => complaints.push(format!(
                "{name}: `{}` names a step that the comment above does not cite",
                mutation.check
            )),
        }
    }

    let mut missing: Vec<(usize, String)> = Vec::new();
    for comment in comments {
        let steps = comment.cited.difference(&comment.broken);
        missing.extend(steps.map(|step| (comment.line, step.clone())));
    }
    for not_check in &source.not_checks {
        for step in cited(&not_check.steps)? {
            // One entry excuses one comment: a later comment that cites the same step is not meant.
            match missing.iter().position(|(_, unbroken)| *unbroken == step) {
                Some(at) if !not_check.reason.is_empty() => drop(missing.remove(at)),
                _ => complaints.push(format!("{name}: {step} is no check without need or reason")),
            }
        }
    }
    let missing = missing
        .into_iter()
        .map(|(line, step)| format!("{name}:{line}: {step} is broken by no mutation below it"));
    complaints.extend(missing);
    Ok(complaints)
}

/// The comments that cite something. Lines that follow each other are one comment.
fn comments(source: &str) -> Result<Vec<Comment>> {
    let mut comments = Vec::new();
    let mut text = String::new();
    let mut first = 0;
    // One line more than there are ends the last comment.
    for (line, code) in source.lines().chain([""]).enumerate() {
        let code = code.trim_start();
        if let Some(comment) = code.strip_prefix("//") {
            if text.is_empty() {
                first = line + 1;
            }
            if !comment.starts_with('!') {
                text.push_str(comment.trim_start_matches('/'));
                text.push(' ');
            }
            continue;
        }
        if !text.is_empty() {
            let cited = cited(&text).map_err(|error| format!("{first}: {error}"))?;
            if !cited.is_empty() {
                comments.push(Comment {
                    line: first,
                    cited,
                    broken: Steps::new(),
                });
            }
            text.clear();
        }
        // In code only texts for people cite, and those are in quotes.
        let before = code.find('§').map(|at| &code[..at]);
        if before.is_some_and(|before| before.contains("//") || !before.contains('"')) {
            return Err(format!("{}: a citation needs a comment of its own", line + 1).into());
        }
    }
    Ok(comments)
}

/// The steps that a text cites: `§7.1 steps 14 to 17. Step 18 …` are five.
pub(crate) fn cited(text: &str) -> Result<Steps> {
    let mut steps = Steps::new();
    let mut section: Option<String> = None;
    let words: Vec<&str> = text.split_whitespace().collect();
    for (at, word) in words.iter().enumerate() {
        let rest = &words[at + 1..];
        let plain = trim(word);
        if plain.contains('§') {
            let named = section_of(&words[..at], plain)?;
            if !names_steps(rest) {
                steps.insert(named.clone());
            }
            section = Some(named);
        } else if matches!(plain, "step" | "steps" | "Step" | "Steps") && begins_number(rest) {
            let section = section
                .as_ref()
                .ok_or_else(|| format!("`{word} {}` is of no section", rest[0]))?;
            for number in numbers(rest)? {
                steps.insert(format!("{section} step {number}"));
            }
        }
    }
    Ok(steps)
}

fn trim(word: &str) -> &str {
    word.trim_matches(|c: char| c.is_ascii_punctuation())
}

fn section_of(before: &[&str], word: &str) -> Result<String> {
    let digits = word.strip_prefix('§').unwrap_or_default();
    let well_formed = digits
        .split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !well_formed {
        return Err(format!("`{word}` is no citation").into());
    }
    Ok(match before {
        [.., rfc, number] if trim(rfc) == "RFC" => format!("RFC {number} {word}"),
        _ => word.to_owned(),
    })
}

fn names_steps(rest: &[&str]) -> bool {
    matches!(rest, ["step" | "steps", numbers @ ..] if begins_number(numbers))
}

fn begins_number(words: &[&str]) -> bool {
    words
        .first()
        .is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}

/// The numbers at the start: `15.`, `5 and 6`, `7 to 11`, `5–6`, `18, 19`.
fn numbers(mut words: &[&str]) -> Result<Vec<u32>> {
    let mut numbers = Vec::new();
    let mut range = false;
    while let [word, rest @ ..] = words {
        for (at, part) in trim(word).split('–').enumerate() {
            let number: u32 = part
                .parse()
                .map_err(|_| format!("`{word}` is no number of a step"))?;
            let first = match numbers.last() {
                Some(&last) if range || at > 0 => last + 1,
                _ => number,
            };
            numbers.extend(first..=number);
        }
        range = false;
        words = match rest {
            ["and", rest @ ..] if begins_number(rest) => rest,
            ["to", rest @ ..] if begins_number(rest) => {
                range = true;
                rest
            }
            _ if word.ends_with(',') && begins_number(rest) => rest,
            _ => break,
        };
    }
    Ok(numbers)
}
