//! The generated ceremonies: what the verifier says to each of them.

use std::collections::HashSet;

use doorward_webauthn::testing::generator::{Verdict, catalogue, mutants};

/// Items 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 36, 39, 41, 42, 43, 44, 45, 46, 47, 49.
#[test]
fn every_case_of_the_catalogue_gets_exactly_its_verdict() {
    let mut wrong = Vec::new();
    for case in catalogue() {
        let verdict = case.verdict();
        if Some(verdict) != case.expected {
            wrong.push(format!(
                "{}: {verdict:?} instead of {:?}",
                case.name, case.expected
            ));
        }
    }

    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_case_of_the_catalogue_has_a_name_of_its_own() {
    let mut names = HashSet::new();
    for case in catalogue() {
        assert!(names.insert(case.name.clone()), "{} twice", case.name);
    }
}

/// Items 29, 45.
#[test]
fn of_mutants_whose_signed_bytes_changed_none_is_accepted() {
    let mut broken = 0;
    for mutant in mutants(0x5eed).take(2_000) {
        assert_eq!(
            mutant.original.verdict(),
            Verdict::Accepted,
            "{}",
            mutant.original.name
        );
        let verdict = mutant.case.verdict();
        if mutant.breaks_signature {
            broken += 1;
            assert_ne!(verdict, Verdict::Accepted, "{}", mutant.case.name);
        }
    }

    assert!(broken >= 500, "only {broken} mutants broke a signature");
}
