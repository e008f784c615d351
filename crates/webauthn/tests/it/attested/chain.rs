//! From the attestation certificate to a trust anchor.

use doorward_webauthn::testing::{Attestation, AttestationInput, Overrides};
use doorward_webauthn::{Format, InvalidAnchor, Refusal, TrustAnchors};

use super::packed::Parts;
use super::pki::{ATTESTATION_KEY, Authority, Certificate, NOW, ROOT, basic_constraints, critical};
use super::{FORMATS, Statement, genuine, register, register_in, register_trusting};
use crate::ceremony::{CHALLENGE, Ceremony, Registered, registration};

fn trusting(certificates: &[&[u8]]) -> TrustAnchors {
    TrustAnchors::new(certificates.iter().map(|der| (Format::Packed, der))).unwrap()
}

fn genuine_packed(input: &AttestationInput<'_>) -> Statement {
    Parts::new(input).statement()
}

/// Registers with an untouched packed statement.
fn register_at(now: u64, anchors: &TrustAnchors) -> Registered {
    register_trusting(anchors, now, Format::Packed, genuine_packed)
}

/// Registers with the leaf that an intermediate issued, and with these certificates after it.
fn register_through(intermediate: Authority, rest: Vec<Vec<u8>>) -> Registered {
    register(Format::Packed, move |input| {
        let parts = Parts::new(input);
        let chain = [vec![intermediate.issue(&parts.leaf)], rest.clone()].concat();
        parts.statement_with(&chain)
    })
}

/// Item 29.
#[test]
fn every_format_needs_a_root_of_its_own() {
    let foreign = Authority::root("Root");
    for format in FORMATS {
        let others = FORMATS.into_iter().filter(|&other| other != format);
        let others = TrustAnchors::new(others.map(|other| (other, &ROOT.certificate))).unwrap();
        let foreign = TrustAnchors::new([(format, &foreign.certificate)]).unwrap();
        let nobody = TrustAnchors::default();

        let accepted = register(format, genuine(format));

        assert_eq!(accepted.unwrap().format(), format);
        for anchors in [others, foreign, nobody] {
            let refused = register_trusting(&anchors, NOW, format, genuine(format));
            assert_eq!(
                refused.unwrap_err(),
                Refusal::AttestationChain,
                "{format:?}"
            );
        }
    }
}

/// Item 29.
#[test]
fn every_format_is_refused_unless_the_policy_lists_it() {
    for format in FORMATS {
        let mut ceremony = Ceremony::new();
        ceremony.policy.formats = FORMATS
            .into_iter()
            .filter(|&other| other != format)
            .collect();
        let anchors = TrustAnchors::new([(format, &ROOT.certificate)]).unwrap();
        let overrides = Overrides {
            attest: doorward_webauthn::testing::Attest::new(genuine(format)),
            ..Overrides::default()
        };

        let verdict = register_in(&mut ceremony, &overrides, &anchors, NOW);

        assert_eq!(
            verdict.unwrap_err(),
            Refusal::AttestationFormat,
            "{format:?}"
        );
    }
}

/// Item 29.
#[test]
fn no_certificate_counts_where_there_are_no_trust_anchors() {
    for format in FORMATS {
        let mut ceremony = Ceremony::new();
        ceremony.policy.formats.push(format);
        let json = ceremony.create(&Overrides {
            attest: doorward_webauthn::testing::Attest::new(genuine(format)),
            ..Overrides::default()
        });

        let verdict = registration(json).verify(&ceremony.policy, &CHALLENGE);

        let expected = match format {
            Format::Packed => Refusal::AttestationCertificate,
            _ => Refusal::AttestationFormat,
        };
        assert_eq!(verdict.unwrap_err(), expected, "{format:?}");
    }
}

/// Item 29.
#[test]
fn trust_anchors_change_nothing_for_formats_that_need_none() {
    for (attestation, format) in [
        (Attestation::None, Format::None),
        (Attestation::PackedSelf, Format::PackedSelf),
    ] {
        let mut ceremony = Ceremony::new();
        ceremony.authenticator.attestation = attestation;
        let anchors = trusting(&[&ROOT.certificate]);

        let accepted = register_in(&mut ceremony, &Overrides::default(), &anchors, NOW);
        ceremony.policy.formats = FORMATS.to_vec();
        let refused = register_in(&mut ceremony, &Overrides::default(), &anchors, NOW);

        assert_eq!(accepted.unwrap().format(), format);
        assert_eq!(refused.unwrap_err(), Refusal::AttestationFormat);
    }
}

/// Item 29.
#[test]
fn browsers_are_asked_for_certificates_only_if_some_format_needs_them() {
    let mut ceremony = Ceremony::new();
    assert_eq!(ceremony.creation_options()["attestation"], "none");

    for format in FORMATS {
        ceremony.policy.formats = vec![Format::None, format];

        assert_eq!(ceremony.creation_options()["attestation"], "direct");
    }
}

/// Item 29.
#[test]
fn an_attestation_certificate_counts_while_it_is_valid() {
    // The first and the last second of 2026.
    let (first, last) = (1_767_225_600, 1_798_761_599);
    let leaf = ROOT.issue(&Certificate::fido(ATTESTATION_KEY.public()));
    for anchor in [&ROOT.certificate, &leaf] {
        for (now, valid) in [
            (first - 1, false),
            (first, true),
            (last, true),
            (last + 1, false),
        ] {
            let anchors = trusting(&[anchor]);
            let leaf = leaf.clone();

            let verdict = register_trusting(&anchors, now, Format::Packed, move |input| {
                Parts::new(input).statement_with(std::slice::from_ref(&leaf))
            });

            let expected = if valid {
                Ok(Format::Packed)
            } else {
                Err(Refusal::AttestationChain)
            };
            assert_eq!(verdict.map(|verified| verified.format()), expected, "{now}");
        }
    }
}

/// Item 29.
#[test]
fn a_chain_through_an_intermediate_is_accepted() {
    let intermediate = ROOT.intermediate(|_| {});
    let with_root = vec![intermediate.certificate.clone(), ROOT.certificate.clone()];

    assert!(register_through(intermediate, with_root).is_ok());
}

/// Item 29.
#[test]
fn a_chain_of_eight_certificates_is_accepted() {
    let intermediate = ROOT.intermediate(|_| {});
    let rest = vec![intermediate.certificate.clone(); 7];

    assert!(register_through(intermediate, rest).is_ok());
}

/// Item 29.
#[test]
fn a_chain_that_misses_its_intermediate_is_refused() {
    for rest in [vec![], vec![ROOT.certificate.clone()]] {
        let verdict = register_through(ROOT.intermediate(|_| {}), rest);

        assert_eq!(verdict.unwrap_err(), Refusal::AttestationChain);
    }
}

/// Item 29.
#[test]
fn an_intermediate_that_may_not_issue_is_refused() {
    let changes: [fn(&mut Certificate); 5] = [
        |certificate| certificate.extensions.clear(),
        |certificate| certificate.extensions = vec![basic_constraints(false)],
        |certificate| certificate.not_after = "20260101000000Z",
        |certificate| certificate.not_before = "20260201000000Z",
        |certificate| {
            let unknown = critical("1.3.6.1.4.1.99999.1", &[]);
            certificate.extensions.push(unknown);
        },
    ];
    for change in changes {
        let intermediate = ROOT.intermediate(change);
        let rest = vec![intermediate.certificate.clone()];

        let verdict = register_through(intermediate, rest);

        assert_eq!(verdict.unwrap_err(), Refusal::AttestationChain);
    }
}

/// Item 29.
#[test]
fn an_intermediate_of_another_root_is_refused() {
    let intermediate = Authority::root("Root").intermediate(|_| {});
    let rest = vec![intermediate.certificate.clone()];

    let verdict = register_through(intermediate, rest);

    assert_eq!(verdict.unwrap_err(), Refusal::AttestationChain);
}

/// Item 29.
#[test]
fn a_certificate_can_be_trusted_by_itself() {
    let stranger = Authority::root("Stranger");
    let leaf = stranger.issue(&Certificate::fido(ATTESTATION_KEY.public()));
    let sibling = stranger.issue(&Certificate::fido(ATTESTATION_KEY.public()));
    for (anchor, expected) in [
        (&leaf, Ok(Format::Packed)),
        (&sibling, Err(Refusal::AttestationChain)),
    ] {
        let leaf = leaf.clone();

        let verdict = register_trusting(&trusting(&[anchor]), NOW, Format::Packed, move |input| {
            Parts::new(input).statement_with(std::slice::from_ref(&leaf))
        });

        assert_eq!(verdict.map(|verified| verified.format()), expected);
    }
}

/// Item 29.
#[test]
fn a_certificate_that_is_trusted_by_itself_issues_no_others() {
    for extensions in [vec![basic_constraints(false)], vec![]] {
        let leaf = ROOT.intermediate(|certificate| certificate.extensions.clone_from(&extensions));
        let anchors = trusting(&[&leaf.certificate]);

        let verdict = register_trusting(&anchors, NOW, Format::Packed, move |input| {
            let parts = Parts::new(input);
            parts.statement_with(&[leaf.issue(&parts.leaf)])
        });

        assert_eq!(verdict.unwrap_err(), Refusal::AttestationChain);
    }
}

/// Item 29.
#[test]
fn a_trust_anchor_with_something_else_than_extensions_is_refused() {
    let leaf = ROOT.issue(&Certificate::fido(ATTESTATION_KEY.public()));
    let id = [0x06, 0x03, 0x55, 0x1d, 0x13];
    let extensions = leaf.windows(5).position(|bytes| bytes == id).unwrap() - 6;
    assert_eq!(leaf[extensions], 0xa3);
    for tag in [0xa1, 0xa2, 0xa4, 0x83] {
        let mut changed = leaf.clone();
        changed[extensions] = tag;

        let anchors = TrustAnchors::new([(Format::Packed, changed)]);

        assert_eq!(anchors.unwrap_err(), InvalidAnchor(0));
    }
}

/// Item 29.
#[test]
fn a_trust_anchor_whose_signature_is_no_bit_string_is_refused() {
    let mut leaf = ROOT.issue(&Certificate::fido(ATTESTATION_KEY.public()));
    let signature = (0..leaf.len() - 2)
        .rfind(|&at| leaf[at] == 0x03 && at + 2 + usize::from(leaf[at + 1]) == leaf.len())
        .unwrap();
    leaf[signature] = 0x04;

    let anchors = TrustAnchors::new([(Format::Packed, leaf)]);

    assert_eq!(anchors.unwrap_err(), InvalidAnchor(0));
}

/// Item 29.
#[test]
fn a_trust_anchor_of_another_version_is_refused() {
    for version in [0, 1, 3] {
        let leaf = ROOT.issue(&Certificate {
            version,
            ..Certificate::fido(ATTESTATION_KEY.public())
        });

        let anchors = TrustAnchors::new([(Format::Packed, leaf)]);

        assert_eq!(anchors.unwrap_err(), InvalidAnchor(0), "{version}");
    }
}

/// Item 29.
#[test]
fn several_roots_are_trusted_alike() {
    let other = Authority::root("Other");
    let anchors = trusting(&[&other.certificate, &ROOT.certificate]);

    assert!(register_at(NOW, &anchors).is_ok());
}

/// Item 29.
#[test]
fn a_trust_anchor_that_is_no_certificate_is_named() {
    let root = &ROOT.certificate[..];
    let longer = [root, &[0]].concat();
    for wrong in [
        &[][..],
        b"certificate",
        &root[1..],
        &root[..root.len() - 1],
        &longer,
    ] {
        let anchors = TrustAnchors::new([(Format::Packed, root), (Format::Tpm, wrong)]);

        assert_eq!(anchors.unwrap_err(), InvalidAnchor(1));
    }
}
