//! Every generated ceremony through all four verifiers. Each disagreement must be of a class that
//! `differences.md` explains, and each class must still be needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use doorward_webauthn::testing::generator::{Case, Mutant, Profile, Verdict, catalogue, mutants};
use doorward_webauthn_differential::{
    DIFFERENCES, Difference, Opinion, Peer, SimpleWebAuthn, WebauthnRp, WebauthnRs,
};

const SEED: u64 = 0x0d1f_f5ee;
const MUTANTS: usize = 4_000;

const PROFILES: [Profile; 4] = [
    Profile::Production,
    Profile::UvPreferred,
    Profile::Framed,
    Profile::CounterWarns,
];

/// What each of the others says of each case, in the order of the cases.
fn opinions(cases: &[Case]) -> [(Peer, Vec<Opinion>); 3] {
    let profile = |case: &Case| {
        let position = PROFILES.iter().position(|&profile| profile == case.profile);
        position.expect("a known profile")
    };
    let rs = PROFILES.map(WebauthnRs::new);
    let rp = PROFILES.map(WebauthnRp::new);
    let rs = cases.iter().map(|case| rs[profile(case)].opinion(case));
    let rp = cases.iter().map(|case| rp[profile(case)].opinion(case));
    [
        (Peer::WebauthnRs, rs.collect()),
        (Peer::WebauthnRp, rp.collect()),
        (Peer::SimpleWebAuthn, SimpleWebAuthn::opinions(cases)),
    ]
}

fn class(peer: Peer, case: &Case, ours: Verdict, theirs: &Opinion) -> Option<&'static Difference> {
    DIFFERENCES
        .iter()
        .find(|class| class.who.contains(&peer) && (class.applies)(case, ours, theirs))
}

#[test]
fn every_disagreement_is_explained_and_every_explanation_is_needed() {
    let (originals, mutants): (Vec<_>, Vec<_>) = mutants(SEED)
        .take(MUTANTS)
        .map(|Mutant { original, case, .. }| (original, case))
        .unzip();
    let cases: Vec<_> = catalogue()
        .into_iter()
        .chain(originals)
        .chain(mutants)
        .collect();

    let mut hits: BTreeMap<(&str, Peer), usize> = BTreeMap::new();
    let mut unexplained: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (peer, opinions) in opinions(&cases) {
        assert_eq!(
            opinions.len(),
            cases.len(),
            "{peer:?} answers for each case"
        );
        for (case, theirs) in cases.iter().zip(opinions) {
            let ours = case.verdict();
            if (ours == Verdict::Accepted) == theirs.is_ok() {
                continue;
            }
            if let Some(class) = class(peer, case, ours, &theirs) {
                *hits.entry((class.id, peer)).or_default() += 1;
            } else {
                let what = format!("{peer:?} says {theirs:?}, we say {ours:?}");
                unexplained.entry(what).or_default().push(&case.name);
            }
        }
    }

    println!("{} cases", cases.len());
    for ((id, peer), hits) in &hits {
        println!("{hits:6} {id}, {peer:?}");
    }
    assert!(
        unexplained.is_empty(),
        "unexplained:\n{}",
        listed(&unexplained)
    );
    let classes = DIFFERENCES
        .iter()
        .flat_map(|class| class.who.iter().map(|&peer| (class.id, peer)));
    let stale: Vec<_> = classes.filter(|class| !hits.contains_key(class)).collect();
    assert!(
        stale.is_empty(),
        "no case is of these classes any more: {stale:?}"
    );
}

fn listed(unexplained: &BTreeMap<String, Vec<&str>>) -> String {
    let mut text = String::new();
    for (what, names) in unexplained {
        writeln!(text, "{} × {what}", names.len()).expect("memory");
        for name in names.iter().take(5) {
            writeln!(text, "        {name}").expect("memory");
        }
    }
    text
}

#[test]
fn the_classes_are_the_headings_of_the_explanations() {
    let explanations = include_str!("../../tests/differences.md");
    let headings: Vec<_> = explanations
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    let explained: BTreeSet<_> = headings.iter().copied().collect();
    let classes: BTreeSet<_> = DIFFERENCES.iter().map(|class| class.id).collect();

    assert_eq!(explained, classes);
    assert_eq!(
        headings.len(),
        DIFFERENCES.len(),
        "each id stands for one class"
    );
}
