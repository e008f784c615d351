//! Attestation objects and statements.

use super::Verdict::{self, Accepted};
use super::plan::{Catalogue, Plan};
use crate::Algorithm::{EdDsa, Es256, Rs256};
use crate::Refusal::{
    AttestationAlgorithm, AttestationCertificate, AttestationFormat, AttestationMalformed,
    AttestationSignature, AttestationStatement,
};
use crate::testing::{Attestation, Hook, cbor};

pub(super) fn add(to: &mut Catalogue) {
    formats(to.group("format"));
    none(to.group("statement none"));
    packed(to.group("statement packed"));
    objects(to.group("attestation object"));
}

fn formats(to: &mut Catalogue) {
    for format in [
        "",
        "None",
        "NONE",
        "none ",
        "none\0",
        "Packed",
        "packed-self",
        "fido-u2f",
        "tpm",
        "apple",
        "android-key",
        "android-safetynet",
        "compound",
        "webauthn.none",
    ] {
        to.registration(&format!("{format:?}"), AttestationFormat, |it| {
            it.statement(format, cbor::map(&[]));
        });
    }
}

fn none(to: &mut Catalogue) {
    let mut row = |name, expected: Verdict, statement: Vec<u8>| {
        to.registration(name, expected, |it| it.statement("none", statement));
    };
    let refused = || AttestationStatement.into();
    row("an empty map", Accepted, cbor::map(&[]));
    row(
        "an empty map, its length in two bytes",
        Accepted,
        b"\xb8\x00".to_vec(),
    );
    row(
        "an entry",
        refused(),
        cbor::map(&[(cbor::text("x"), cbor::integer(1))]),
    );
    row(
        "a signature",
        refused(),
        cbor::map(&[(cbor::text("sig"), cbor::bytes(&[0; 70]))]),
    );
    row("an empty array", refused(), cbor::array(&[]));
    row("null", refused(), b"\xf6".to_vec());
    row("empty bytes", refused(), cbor::bytes(&[]));
    row("a map in bytes", refused(), cbor::bytes(&cbor::map(&[])));
    row("zero", refused(), cbor::integer(0));
    row(
        "a map of indefinite length",
        AttestationMalformed.into(),
        b"\xbf\xff".to_vec(),
    );
    row("nothing", AttestationMalformed.into(), Vec::new());
    row(
        "two maps",
        AttestationMalformed.into(),
        b"\xa0\xa0".to_vec(),
    );
}

type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// Rewrites the entries of a packed statement: `alg`, then `sig`.
fn packed_with(change: impl Fn(&mut Entries) + Send + Sync + 'static) -> impl FnOnce(&mut Plan) {
    move |it| {
        it.overrides.attestation = Some(Attestation::PackedSelf);
        it.overrides.attestation_statement = Hook::new(move |statement: &mut Vec<u8>| {
            // A map of two, the text `alg` and −7, the text `sig` and bytes.
            let mut entries = vec![
                (cbor::text("alg"), statement[5..6].to_vec()),
                (cbor::text("sig"), statement[10..].to_vec()),
            ];
            assert_eq!(cbor::map(&entries), *statement, "the layout of a statement");
            change(&mut entries);
            *statement = cbor::map(&entries);
        });
    }
}

fn packed(to: &mut Catalogue) {
    to.registration(
        "in the other order",
        Accepted,
        packed_with(|it| it.reverse()),
    );
    to.registration(
        "algorithm in two bytes",
        Accepted,
        packed_with(|it| it[0].1 = b"\x38\x06".to_vec()),
    );
    for alg in [-8, -257, -35, 7, 0] {
        let name = format!("algorithm {alg}");
        to.registration(
            &name,
            AttestationAlgorithm,
            packed_with(move |it| it[0].1 = cbor::integer(alg)),
        );
    }
    let mut refused = |name: &str, change: fn(&mut Entries)| {
        to.registration(name, AttestationStatement, packed_with(change));
    };
    refused("empty", Vec::clear);
    refused("without its algorithm", |it| {
        it.remove(0);
    });
    refused("without its signature", |it| {
        it.pop();
    });
    refused("algorithm by name", |it| it[0].1 = cbor::text("ES256"));
    refused("algorithm null", |it| it[0].1 = b"\xf6".to_vec());
    refused("signature as text", |it| it[1].1 = cbor::text("signature"));
    refused("signature null", |it| it[1].1 = b"\xf6".to_vec());
    refused("an unknown member", |it| {
        it.push((cbor::text("ver"), cbor::text("1")));
    });
    refused("an integer for a member", |it| {
        it.push((cbor::integer(1), cbor::integer(1)));
    });
    let mut certified = |name: &str, member: &'static str, value: Vec<u8>| {
        let change = packed_with(move |it| it.push((cbor::text(member), value.clone())));
        to.registration(name, AttestationCertificate, change);
    };
    certified("no certificates in a list of them", "x5c", cbor::array(&[]));
    certified(
        "a certificate that is none",
        "x5c",
        cbor::array(&[cbor::bytes(b"certificate")]),
    );
    certified("certificates null", "x5c", b"\xf6".to_vec());
    certified("a key of ECDAA", "ecdaaKeyId", cbor::bytes(b"key"));
    to.registration(
        "signature repeated",
        AttestationMalformed,
        packed_with(|it| it.push(it[1].clone())),
    );
    let mut wrong = |name: &str, change: fn(&mut Vec<u8>)| {
        to.registration(name, AttestationSignature, |it| {
            it.overrides.attestation = Some(Attestation::PackedSelf);
            it.overrides.signature = Hook::new(change);
        });
    };
    wrong("signature empty", Vec::clear);
    wrong("signature with a byte too many", |signature| {
        signature.push(0);
    });
    wrong("signature with a bit flipped", |signature| {
        *signature.last_mut().expect("a byte") ^= 1;
    });
    for algorithm in [Es256, EdDsa, Rs256] {
        let mut over = |name, change: fn(&mut Plan)| {
            to.registration(
                &format!("{algorithm:?}, {name}"),
                AttestationSignature,
                |it| {
                    it.algorithm = algorithm;
                    it.overrides.attestation = Some(Attestation::PackedSelf);
                    change(it);
                },
            );
        };
        over("over another counter", |it| {
            it.overrides.sent_authenticator_data = Hook::new(|data: &mut Vec<u8>| data[36] = 9);
        });
        over("over other client data", |it| {
            it.overrides.sent_client_data_json = Hook::new(|json: &mut Vec<u8>| json.push(b' '));
        });
    }
}

fn objects(to: &mut Catalogue) {
    let mut row = |name, expected: Verdict, change: fn(&mut Vec<u8>)| {
        to.registration(name, expected, |it| {
            it.overrides.attestation_object = Hook::new(change);
        });
    };
    let refused = || AttestationMalformed.into();
    row("its length in two bytes", Accepted, |object| {
        object.splice(..1, [0xb8, 3]);
    });
    row("length of its data in five bytes", Accepted, |object| {
        // `authData`, then 58 and a length of one byte.
        let at = object.len() - 164;
        assert_eq!(object[at - 2..at], [0x58, 164]);
        object.splice(at - 2..at, [0x5a, 0, 0, 0, 164]);
    });
    row("a byte after it", refused(), |object| object.push(0));
    row("a map after it", refused(), |object| object.push(0xa0));
    row("of indefinite length", refused(), |object| {
        object[0] = 0xbf;
        object.push(0xff);
    });
    row("tagged", refused(), |object| {
        object.splice(..0, [0xd9, 0xd9, 0xf7]);
    });
    row("an array", refused(), |object| object[0] = 0x83);
    row("an entry too many", refused(), |object| {
        object[0] = 0xa4;
        object.extend(b"\x61x\x00");
    });
    row("a large entry too many", refused(), |object| {
        object[0] = 0xa4;
        object.extend([b"\x61x".to_vec(), cbor::bytes(&[0; 1000])].concat());
    });
    row("an integer for a key", refused(), |object| {
        object[0] = 0xa4;
        object.extend(b"\x01\x00");
    });
    row("the format twice", refused(), |object| {
        object[0] = 0xa4;
        object.extend([cbor::text("fmt"), cbor::text("none")].concat());
    });
    row("the data twice", refused(), |object| {
        object[0] = 0xa4;
        object.extend([cbor::text("authData"), cbor::bytes(&[0; 37])].concat());
    });
    row("the format as bytes", refused(), |object| {
        assert_eq!(object[5..10], *b"\x64none");
        object[5] = 0x44;
    });
    row("the format null", refused(), |object| {
        object.splice(5..10, [0xf6]);
    });
    row("without a format", refused(), |object| {
        object[0] = 0xa2;
        object.drain(1..10);
    });
    row("without a statement", refused(), |object| {
        assert_eq!(object[10..19], *b"\x67attStmt\xa0");
        object[0] = 0xa2;
        object.drain(10..19);
    });
    row("without data", refused(), |object| {
        object[0] = 0xa2;
        object.truncate(19);
    });
    row("in the reverse order", Accepted, |object| {
        let data = object.split_off(19);
        let head = object.split_off(1);
        object.extend([&data[..], &head[9..], &head[..9]].concat());
    });
    row("data as text", refused(), |object| {
        let at = object.len() - 166;
        object[at] = 0x78;
    });
    row(
        "empty data",
        crate::Refusal::AuthenticatorDataMalformed.into(),
        |object| {
            object.truncate(28);
            object.push(0x40);
        },
    );
}
