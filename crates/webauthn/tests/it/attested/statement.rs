//! The CBOR of statements with certificates.

use doorward_webauthn::testing::cbor;
use doorward_webauthn::{Format, Refusal};

use super::pki::ROOT;
use super::{FORMATS, entry, genuine, register, x5c};

/// The statement's members, from its CBOR, each with its key.
fn members(statement: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = &statement[1..];
    let mut members = Vec::new();
    while !rest.is_empty() {
        let length = item(rest) + item(&rest[item(rest)..]);
        members.push(rest[..length].to_vec());
        rest = &rest[length..];
    }
    members
}

/// The length of the first item.
fn item(cbor: &[u8]) -> usize {
    let (head, argument) = match cbor[0] & 0x1f {
        small @ 0..=23 => (1, usize::from(small)),
        24 => (2, cbor[1].into()),
        _ => (3, usize::from(cbor[1]) << 8 | usize::from(cbor[2])),
    };
    match cbor[0] >> 5 {
        0 | 1 => head,
        4 => (0..argument).fold(head, |length, _| length + item(&cbor[length..])),
        _ => head + argument,
    }
}

fn map(members: &[Vec<u8>]) -> Vec<u8> {
    let count = u8::try_from(members.len()).unwrap();
    [vec![0xa0 | count], members.concat()].concat()
}

/// Item 29.
#[test]
fn a_statement_with_certificates_needs_each_of_its_members() {
    for (format, count) in FORMATS.into_iter().zip([3, 6, 3, 1, 2]) {
        for missing in 0..count {
            let verdict = register(format, move |input| {
                let (name, statement) = genuine(format)(input);
                let mut members = members(&statement);
                assert_eq!(members.len(), count);
                members.remove(missing);
                (name, map(&members))
            });

            // Without `x5c`, packed is a self attestation, which this policy does not list.
            let expected = match format {
                Format::Packed if missing == 2 => Refusal::AttestationFormat,
                _ => Refusal::AttestationStatement,
            };
            assert_eq!(verdict.unwrap_err(), expected, "{format:?} {missing}");
        }
    }
}

/// Item 29.
#[test]
fn a_statement_with_certificates_has_no_further_member() {
    for format in FORMATS {
        for key in [
            cbor::text("more"),
            cbor::text("X5C"),
            cbor::integer(1),
            cbor::text("ecdaaKeyId"),
        ] {
            let verdict = register(format, move |input| {
                let (name, statement) = genuine(format)(input);
                let further = [key.clone(), cbor::integer(0)].concat();
                (name, map(&[members(&statement), vec![further]].concat()))
            });

            assert_eq!(
                verdict.unwrap_err(),
                Refusal::AttestationStatement,
                "{format:?}"
            );
        }
    }
}

/// Item 29.
#[test]
fn a_member_of_another_type_is_refused() {
    for format in FORMATS {
        for at in 0..6 {
            for value in [cbor::map(&[]), vec![0xf5]] {
                let verdict = register(format, move |input| {
                    let (name, statement) = genuine(format)(input);
                    let mut members = members(&statement);
                    let at = at % members.len();
                    let key = item(&members[at]);
                    members[at].splice(key.., value.iter().copied());
                    (name, map(&members))
                });

                assert_eq!(
                    verdict.unwrap_err(),
                    Refusal::AttestationStatement,
                    "{format:?} {at}"
                );
            }
        }
    }
}

/// Item 29.
#[test]
fn a_statement_that_is_no_map_is_refused() {
    for format in FORMATS {
        for statement in [cbor::array(&[]), cbor::integer(0), cbor::bytes(&[0xa0])] {
            let verdict = register(format, move |input| {
                (genuine(format)(input).0, statement.clone())
            });

            assert_eq!(
                verdict.unwrap_err(),
                Refusal::AttestationStatement,
                "{format:?}"
            );
        }
    }
}

/// Item 29.
#[test]
fn a_chain_is_one_to_eight_certificates_in_byte_strings() {
    for format in FORMATS {
        let chains = [
            x5c(&[]),
            x5c(&vec![ROOT.certificate.clone(); 9]),
            entry("x5c", cbor::bytes(&ROOT.certificate)),
            entry("x5c", cbor::array(&[cbor::text("certificate")])),
            entry(
                "x5c",
                cbor::array(&[cbor::array(&[cbor::bytes(&ROOT.certificate)])]),
            ),
            entry("x5c", cbor::map(&[])),
        ];
        for (key, value) in chains {
            let verdict = register(format, move |input| {
                let (name, statement) = genuine(format)(input);
                let mut members = members(&statement);
                let chain = members
                    .iter_mut()
                    .find(|member| member.starts_with(&key))
                    .unwrap();
                *chain = [key.clone(), value.clone()].concat();
                (name, map(&members))
            });

            assert_eq!(
                verdict.unwrap_err(),
                Refusal::AttestationStatement,
                "{format:?}"
            );
        }
    }
}

/// Item 29.
#[test]
fn a_statement_that_repeats_its_chain_is_refused() {
    for format in FORMATS {
        let verdict = register(format, move |input| {
            let (name, statement) = genuine(format)(input);
            let repeated = [vec![x5c_of(&statement)], members(&statement)].concat();
            (name, map(&repeated))
        });

        assert_eq!(
            verdict.unwrap_err(),
            Refusal::AttestationMalformed,
            "{format:?}"
        );
    }
}

fn x5c_of(statement: &[u8]) -> Vec<u8> {
    let members = members(statement);
    let chain = members
        .into_iter()
        .find(|member| member.starts_with(&cbor::text("x5c")));
    chain.unwrap()
}
