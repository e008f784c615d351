//! New public keys, in every wrong form.

use super::Verdict::{self, Accepted};
use super::plan::{Catalogue, Parameters, Plan};
use crate::Algorithm::{EdDsa, Es256, Rs256};
use crate::Refusal::{Algorithm as NotOffered, AuthenticatorDataMalformed, PublicKey};
use crate::testing::{Attestation, Hook, cbor};
use crate::{Algorithm, Refusal};

// RFC 9052 §7.1, RFC 9053 §7, RFC 8230 §4.
const KTY: i64 = 1;
const KID: i64 = 2;
const ALG: i64 = 3;
const KEY_OPS: i64 = 4;
const CRV: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const N: i64 = -1;
const E: i64 = -2;

pub(super) fn add(to: &mut Catalogue) {
    valid(to.group("key"));
    maps(to.group("COSE"));
    parameters(to.group("COSE parameters"));
    p256(to.group("P-256 key"));
    ed25519(to.group("Ed25519 key"));
    rsa(to.group("RSA key"));
}

fn valid(to: &mut Catalogue) {
    for algorithm in [Es256, EdDsa, Rs256] {
        to.both(&format!("{algorithm:?}"), Accepted, |it| {
            it.algorithm = algorithm;
        });
        to.registration(&format!("{algorithm:?}, self-attested"), Accepted, |it| {
            it.algorithm = algorithm;
            it.overrides.attestation = Some(Attestation::PackedSelf);
        });
    }
}

/// A registration whose key has other parameters.
fn key(
    to: &mut Catalogue,
    algorithm: Algorithm,
    name: &str,
    expected: impl Into<Verdict>,
    change: impl Fn(&mut Parameters) + Send + Sync + 'static,
) {
    to.registration(&format!("{algorithm:?}, {name}"), expected, |it| {
        it.algorithm = algorithm;
        it.key(change);
    });
}

/// A registration whose key is these bytes.
fn raw(bytes: &'static [u8]) -> impl Fn(&mut Plan) {
    move |it| {
        it.overrides.public_key = Hook::new(move |cose: &mut Vec<u8>| *cose = bytes.to_vec());
    }
}

/// The map itself. Where its end cannot be found, so cannot that of the authenticator data.
fn maps(to: &mut Catalogue) {
    to.registration("an empty map", PublicKey, raw(b"\xa0"));
    to.registration("an array", PublicKey, raw(b"\x80"));
    to.registration("a number", PublicKey, raw(b"\x00"));
    to.registration("text for a label", PublicKey, raw(b"\xa1\x61x\x01"));
    to.registration("nothing", AuthenticatorDataMalformed, raw(b""));
    to.registration("a break", AuthenticatorDataMalformed, raw(b"\xff"));
    to.registration("a tag", AuthenticatorDataMalformed, raw(b"\xc1\xa0"));
    to.registration("an indefinite length", AuthenticatorDataMalformed, |it| {
        it.overrides.public_key = Hook::new(|cose: &mut Vec<u8>| {
            cose[0] = 0xbf;
            cose.push(0xff);
        });
    });
    to.registration(
        "one entry too few is counted",
        AuthenticatorDataMalformed,
        |it| {
            it.overrides.public_key = Hook::new(|cose: &mut Vec<u8>| cose[0] -= 1);
        },
    );
    to.registration(
        "one entry too many is counted",
        AuthenticatorDataMalformed,
        |it| {
            it.overrides.public_key = Hook::new(|cose: &mut Vec<u8>| cose[0] += 1);
        },
    );
    to.registration("a length in two bytes", Accepted, |it| {
        it.overrides.public_key = Hook::new(|cose: &mut Vec<u8>| {
            cose[0] = 5;
            cose.insert(0, 0xb8);
        });
    });
    for algorithm in [Es256, EdDsa, Rs256] {
        key(to, algorithm, "in the reverse order", Accepted, |it| {
            it.0.reverse();
        });
        key(to, algorithm, "type in two bytes", Accepted, |it| {
            let kty = it.value(KTY);
            kty.insert(0, 0x18);
        });
        key(to, algorithm, "label in two bytes", Accepted, |it| {
            it.0[0].0 = b"\x18\x01".to_vec();
        });
        key(
            to,
            algorithm,
            "label repeated in two bytes",
            AuthenticatorDataMalformed,
            |it| {
                it.0.push((b"\x18\x01".to_vec(), cbor::integer(2)));
            },
        );
    }
}

/// §6.5.1.1: all required parameters, no optional ones, and each once.
fn parameters(to: &mut Catalogue) {
    for (algorithm, labels) in [
        (Es256, &[KTY, ALG, CRV, X, Y][..]),
        (EdDsa, &[KTY, ALG, CRV, X]),
        (Rs256, &[KTY, ALG, N, E]),
    ] {
        for &label in labels {
            key(
                to,
                algorithm,
                &format!("without {label}"),
                PublicKey,
                move |it| it.remove(label),
            );
            key(
                to,
                algorithm,
                &format!("{label} twice"),
                AuthenticatorDataMalformed,
                move |it| {
                    let value = it.value(label).clone();
                    it.push(label, value);
                },
            );
            for (kind, value) in [
                ("null", b"\xf6".to_vec()),
                ("text", cbor::text("2")),
                ("an empty array", cbor::array(&[])),
            ] {
                let name = format!("{label} is {kind}");
                key(to, algorithm, &name, PublicKey, move |it| {
                    it.set(label, value.clone());
                });
            }
        }
        key(to, algorithm, "with a key id", PublicKey, |it| {
            it.push(KID, cbor::bytes(b"1"));
        });
        key(to, algorithm, "with operations", PublicKey, |it| {
            it.push(KEY_OPS, cbor::array(&[cbor::integer(2)]));
        });
        key(
            to,
            algorithm,
            "with an unknown parameter",
            PublicKey,
            |it| {
                it.push(-70000, cbor::integer(0));
            },
        );
        key(to, algorithm, "with a private key", PublicKey, |it| {
            it.push(-4, cbor::bytes(&[1; 32]));
        });
        for (name, kty) in [("0", 0), ("symmetric", 4), ("5", 5), ("negative", -1)] {
            key(
                to,
                algorithm,
                &format!("type {name}"),
                PublicKey,
                move |it| {
                    it.set(KTY, cbor::integer(kty));
                },
            );
        }
        for alg in [
            0,
            1,
            -1,
            -9,
            -35,
            -36,
            -37,
            -39,
            -47,
            -50,
            -258,
            -65535,
            i64::MIN,
        ] {
            key(
                to,
                algorithm,
                &format!("algorithm {alg}"),
                NotOffered,
                move |it| {
                    it.set(ALG, cbor::integer(alg));
                },
            );
        }
    }
    for (algorithm, kty) in [
        (Es256, 1),
        (Es256, 3),
        (EdDsa, 2),
        (EdDsa, 3),
        (Rs256, 1),
        (Rs256, 2),
    ] {
        key(
            to,
            algorithm,
            &format!("type {kty}"),
            PublicKey,
            move |it| it.set(KTY, cbor::integer(kty)),
        );
    }
    for (algorithm, other) in [
        (Es256, -8),
        (Es256, -257),
        (EdDsa, -7),
        (EdDsa, -257),
        (Rs256, -7),
        (Rs256, -8),
    ] {
        key(
            to,
            algorithm,
            &format!("algorithm {other}"),
            PublicKey,
            move |it| {
                it.set(ALG, cbor::integer(other));
            },
        );
    }
}

/// The y of the point on P-256 whose x is zero.
const Y_AT_ZERO: [u8; 32] = [
    0x66, 0x48, 0x5c, 0x78, 0x0e, 0x2f, 0x83, 0xd7, 0x24, 0x33, 0xbd, 0x5d, 0x84, 0xa0, 0x6b, 0xb6,
    0x54, 0x1c, 0x2a, 0xf3, 0x1d, 0xae, 0x87, 0x17, 0x28, 0xbf, 0x85, 0x6a, 0x17, 0x4f, 0x93, 0xf4,
];

/// The prime of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3).
const P: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
];

fn p256(to: &mut Catalogue) {
    let mut point = |name, expected: Verdict, x: &[u8], y: &[u8]| {
        let (x, y) = (cbor::bytes(x), cbor::bytes(y));
        key(to, Es256, name, expected, move |it| {
            it.set(X, x.clone());
            it.set(Y, y.clone());
        });
    };
    point("x is zero, on the curve", Accepted, &[0; 32], &Y_AT_ZERO);
    point("x is the prime", PublicKey.into(), &P, &Y_AT_ZERO);
    point(
        "the point at infinity, as zeros",
        PublicKey.into(),
        &[0; 32],
        &[0; 32],
    );
    point("both coordinates empty", PublicKey.into(), &[], &[]);
    point(
        "both coordinates the largest",
        PublicKey.into(),
        &[0xff; 32],
        &[0xff; 32],
    );
    point("x of 31 bytes", PublicKey.into(), &[0; 31], &Y_AT_ZERO);
    point("x of 33 bytes", PublicKey.into(), &[0; 33], &Y_AT_ZERO);
    point("x of 0 bytes", PublicKey.into(), &[], &Y_AT_ZERO);
    point("y of 31 bytes", PublicKey.into(), &[0; 32], &Y_AT_ZERO[1..]);
    key(to, Es256, "y with a zero before it", PublicKey, |it| {
        let y = it.value(Y).split_off(2);
        it.set(Y, cbor::bytes(&[&[0], &y[..]].concat()));
    });
    key(to, Es256, "off the curve", PublicKey, |it| {
        it.value(Y)[33] ^= 1;
    });
    key(to, Es256, "compressed, y is true", PublicKey, |it| {
        it.set(Y, b"\xf5".to_vec());
    });
    key(to, Es256, "compressed, y is false", PublicKey, |it| {
        it.set(Y, b"\xf4".to_vec());
    });
    key(to, Es256, "compressed as in SEC 1", PublicKey, |it| {
        let x = it.value(X).split_off(2);
        it.set(X, cbor::bytes(&[&[2], &x[..]].concat()));
        it.remove(Y);
    });
    for (name, curve) in [
        ("P-384", 2),
        ("P-521", 3),
        ("X25519", 4),
        ("Ed25519", 6),
        ("secp256k1", 8),
        ("0", 0),
    ] {
        key(to, Es256, &format!("curve {name}"), PublicKey, move |it| {
            it.set(CRV, cbor::integer(curve));
        });
    }
    key(to, Es256, "curve by name", PublicKey, |it| {
        it.set(CRV, cbor::text("P-256"));
    });
}

fn ed25519(to: &mut Catalogue) {
    for length in [0, 31, 33, 64] {
        key(
            to,
            EdDsa,
            &format!("of {length} bytes"),
            PublicKey,
            move |it| {
                it.set(X, cbor::bytes(&vec![1; length]));
            },
        );
    }
    for (name, curve) in [("P-256", 1), ("X25519", 4), ("Ed448", 7), ("0", 0)] {
        key(to, EdDsa, &format!("curve {name}"), PublicKey, move |it| {
            it.set(CRV, cbor::integer(curve));
        });
    }
    // Whether 32 bytes are a point is not asked: no rule says so, and a key that is none verifies nothing.
    for (name, first) in [("off the curve", 2), ("the neutral element", 1)] {
        key(to, EdDsa, name, Accepted, move |it| {
            let mut point = [0; 32];
            point[0] = first;
            it.set(X, cbor::bytes(&point));
        });
    }
    key(to, EdDsa, "with a y", PublicKey, |it| {
        it.push(Y, cbor::bytes(&[1; 32]));
    });
}

/// RFC 8230 §4, and the sizes that the verifier accepts.
fn rsa(to: &mut Catalogue) {
    let mut modulus = |name, expected: Result<(), Refusal>, n: Vec<u8>| {
        let expected = expected.map_or_else(Verdict::from, |()| Accepted);
        key(to, Rs256, name, expected, move |it| {
            it.set(N, cbor::bytes(&n));
        });
    };
    let odd = |length: usize| [vec![0xc1; length - 1], vec![0xc5]].concat();
    modulus("2048 bits", Ok(()), odd(256));
    modulus("3072 bits", Ok(()), odd(384));
    modulus("4096 bits", Ok(()), odd(512));
    modulus("8192 bits", Ok(()), odd(1024));
    modulus("8200 bits", Err(PublicKey), odd(1025));
    modulus("2040 bits", Err(PublicKey), odd(255));
    modulus(
        "2047 bits",
        Err(PublicKey),
        [&[0x41], &odd(255)[..]].concat(),
    );
    modulus("1024 bits", Err(PublicKey), odd(128));
    modulus("2048 bits, even", Err(PublicKey), vec![0xc2; 256]);
    modulus(
        "2048 bits with a zero before them",
        Err(PublicKey),
        [&[0], &odd(256)[..]].concat(),
    );
    modulus("no modulus", Err(PublicKey), Vec::new());
    modulus("a modulus of zeros", Err(PublicKey), vec![0; 256]);
    for (name, e, acceptable) in [
        ("3", &b"\x03"[..], true),
        ("17", b"\x11", true),
        ("65537", b"\x01\x00\x01", true),
        ("the largest of 32 bits", b"\xff\xff\xff\xff", true),
        ("1", b"\x01", false),
        ("0", b"\x00", false),
        ("even", b"\x01\x00\x00", false),
        ("2", b"\x02", false),
        ("none", b"", false),
        ("65537 with a zero before it", b"\x00\x01\x00\x01", false),
        ("more than 32 bits", b"\x01\x00\x00\x00\x01", false),
    ] {
        let expected = if acceptable {
            Accepted
        } else {
            PublicKey.into()
        };
        key(
            to,
            Rs256,
            &format!("exponent {name}"),
            expected,
            move |it| it.set(E, cbor::bytes(e)),
        );
    }
}
