use super::citations::{cited, complaints};
use super::plan::{Mutation, NotCheck, Plan, Source};
use super::{repository, sample};

#[test]
fn every_mutation_applies_to_one_place() {
    let plan = Plan::read(&repository()).unwrap();

    assert!(!plan.mutants().unwrap().is_empty());
}

#[test]
fn every_step_that_the_verifier_cites_is_broken_by_a_mutation() {
    let plan = Plan::read(&repository()).unwrap();

    let complaints = complaints(&plan).unwrap();

    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

const SOURCE: &str = "
//! About §1.
// §7.1 step 1.
one();
// §7.1 steps 2 and 3,
// and 4. Step 9 is the caller's.
two();
";

/// What is missing, if these (check, before) are the mutations and these steps are no checks.
fn missing(mutations: &[(&str, &str)], not_checks: &[&str]) -> Vec<String> {
    let mutation = |&(check, before): &(&str, &str)| Mutation {
        check: check.to_owned(),
        before: before.to_owned(),
        after: String::new(),
    };
    let not_check = |&steps: &&str| NotCheck {
        steps: steps.to_owned(),
        reason: "it is the caller's".to_owned(),
    };
    let source = Source {
        name: "source.rs".to_owned(),
        text: SOURCE.to_owned(),
        mutations: mutations.iter().map(mutation).collect(),
        not_checks: not_checks.iter().map(not_check).collect(),
    };
    complaints(&Plan {
        sources: vec![source],
    })
    .unwrap()
}

#[test]
fn each_cited_step_needs_a_mutation_below_its_comment() {
    let one = ("§7.1 step 1: one", "one();");
    let two = ("§7.1 steps 2 to 4: two", "two();");

    assert!(missing(&[one, two], &["§7.1 step 9"]).is_empty());
    assert_eq!(missing(&[one, two], &[]).len(), 1);
    assert_eq!(missing(&[one], &["§7.1 step 9"]).len(), 3);
    assert_eq!(missing(&[two], &["§7.1 step 9"]).len(), 1);
}

#[test]
fn a_mutation_names_only_what_the_comment_above_it_cites() {
    let one = ("§7.1 step 1: one", "one();");
    let two = ("§7.1 steps 1 to 4: two", "two();");

    assert_eq!(
        missing(&[one, two], &["§7.1 step 9"])[0],
        "source.rs: `§7.1 steps 1 to 4: two` names a step that the comment above does not cite"
    );
}

#[test]
fn what_has_a_mutation_or_is_cited_nowhere_is_no_exception() {
    let one = ("§7.1 step 1: one", "one();");
    let two = ("§7.1 steps 2 to 4: two", "two();");

    assert_eq!(
        missing(&[one, two], &["§7.1 step 9", "§7.1 step 1"]).len(),
        1
    );
    assert_eq!(
        missing(&[one, two], &["§7.1 step 9", "§7.1 step 8"]).len(),
        1
    );
}

#[test]
fn a_mutation_must_stand_in_exactly_one_place() {
    let source = |text: &str| Source {
        name: "source.rs".to_owned(),
        text: text.to_owned(),
        mutations: Vec::new(),
        not_checks: Vec::new(),
    };
    let mutation = Mutation {
        check: "one".to_owned(),
        before: "one".to_owned(),
        after: "two".to_owned(),
    };

    assert_eq!(source("the one").find(&mutation).unwrap(), 4);
    assert!(source("none of it").find(&mutation).is_ok());
    assert!(source("nothing").find(&mutation).is_err());
    assert!(source("one one").find(&mutation).is_err());
}

#[test]
fn steps_are_read_as_the_comments_write_them() {
    let cases: [(&str, &[&str]); 9] = [
        ("no step at all, and every step of it", &[]),
        ("§8.7: empty", &["§8.7"]),
        ("(§6.3.3).", &["§6.3.3"]),
        (
            "§7.1 step 15, §7.2 step 16.",
            &["§7.1 step 15", "§7.2 step 16"],
        ),
        ("§7.1 steps 5 and 6.", &["§7.1 step 5", "§7.1 step 6"]),
        (
            "§7.1 step 5 and §7.2 step 8",
            &["§7.1 step 5", "§7.2 step 8"],
        ),
        (
            "§7.1 steps 9 to 11",
            &["§7.1 step 10", "§7.1 step 11", "§7.1 step 9"],
        ),
        (
            "(§7.1 steps 5–6, 8)",
            &["§7.1 step 5", "§7.1 step 6", "§7.1 step 8"],
        ),
        ("RFC 8230 §4, RFC 9053 §7.", &["RFC 8230 §4", "RFC 9053 §7"]),
    ];
    for (text, expected) in cases {
        let steps: Vec<_> = cited(text).unwrap().into_iter().collect();

        assert_eq!(steps, expected, "{text}");
    }
}

#[test]
fn a_citation_that_cannot_be_read_is_an_error() {
    for text in ["step 5", "§x", "§", "§7.1/§7.2", "§7.1 step 5a", "see§7.1"] {
        assert!(cited(text).is_err(), "{text}");
    }
}

#[test]
fn a_sample_follows_from_its_seed() {
    let draw = |size, seed| sample::draw((0..100).collect(), size, seed);

    assert_eq!(draw(10, "one").len(), 10);
    assert_eq!(draw(10, "one"), draw(10, "one"));
    assert_ne!(draw(10, "one"), draw(10, "other"));
    assert!(draw(10, "one").is_sorted());
    assert_eq!(draw(1000, "one"), (0..100).collect::<Vec<_>>());
}
