//! Signatures: in other encodings, malleable, by others, and over something else.

use std::ops::Range;

use super::Verdict::{self, Accepted};
use super::plan::{Catalogue, another_public_key};
use crate::Algorithm::{EdDsa, Es256, Rs256};
use crate::Credential;
use crate::Refusal::Signature;
use crate::testing::Hook;
use crate::testing::bytes::encode;

/// The order of P-256 (SP 800-186 §3.2.1.3).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order of Ed25519's base point (RFC 8032 §5.1), little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) fn add(to: &mut Catalogue) {
    any(to.group("signature"));
    es256(to.group("ES256 signature"));
    eddsa(to.group("EdDSA signature"));
}

fn any(to: &mut Catalogue) {
    for algorithm in [Es256, EdDsa, Rs256] {
        let mut row = |name, change: fn(&mut Vec<u8>)| {
            to.assertion(&format!("{algorithm:?}, {name}"), Signature, |it| {
                it.algorithm = algorithm;
                it.overrides.signature = Hook::new(change);
            });
        };
        row("empty", Vec::clear);
        row("a byte too many", |signature| signature.push(0));
        row("a zero before it", |signature| signature.insert(0, 0));
        row("cut short", |signature| {
            signature.pop();
        });
        row("a bit flipped", |signature| {
            *signature.last_mut().expect("a byte") ^= 1;
        });
        row("zeros", |signature| signature.fill(0));
        row("ones", |signature| signature.fill(0xff));
        to.assertion(
            &format!("{algorithm:?}, over other client data"),
            Signature,
            |it| {
                it.algorithm = algorithm;
                it.overrides.sent_client_data_json =
                    Hook::new(|json: &mut Vec<u8>| json.push(b' '));
            },
        );
        to.assertion(
            &format!("{algorithm:?}, over another counter"),
            Signature,
            |it| {
                it.algorithm = algorithm;
                it.overrides.sent_authenticator_data = Hook::new(|data: &mut Vec<u8>| data[36] = 9);
            },
        );
    }
    to.assertion("by another key", Signature, |it| {
        it.stored = Hook::new(|record: &mut Credential| {
            record.public_key = another_public_key();
        });
    });
}

/// r and s, each of 32 bytes.
struct Rs {
    r: Vec<u8>,
    s: Vec<u8>,
}

impl Rs {
    /// Reads the DER that the signer wrote.
    fn of(der: &[u8]) -> Self {
        let r = 4..4 + usize::from(der[3]);
        let s = r.end + 2..der.len();
        let number = |range: Range<usize>| {
            let digits = &der[range];
            let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
            [vec![0; 32 - digits.len()], digits.to_vec()].concat()
        };
        Self {
            r: number(r),
            s: number(s),
        }
    }
}

/// A DER integer's bytes: the fewest, and not negative.
fn digits(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    let number = &number[zeros.min(number.len() - 1)..];
    let sign: &[u8] = if number[0] & 0x80 == 0 { &[] } else { &[0] };
    [sign, number].concat()
}

fn value(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u8::try_from(contents.len()).expect("a short value");
    [&[tag, length], contents].concat()
}

/// A signature whose integers have these bytes.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    value(0x30, &[value(2, r), value(2, s)].concat())
}

/// a − b, big-endian, for a ≥ b.
fn minus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = false;
    let pairs = a.iter().zip(b).rev();
    let mut difference: Vec<_> = pairs
        .map(|(&a, &b)| {
            let (digit, under) = a.overflowing_sub(b);
            let (digit, again) = digit.overflowing_sub(u8::from(borrow));
            borrow = under || again;
            digit
        })
        .collect();
    difference.reverse();
    difference
}

/// a + b, little-endian, with its last carry as a byte.
fn plus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let mut sum: Vec<_> = a
        .iter()
        .zip(b)
        .map(|(&a, &b)| {
            let digit = u16::from(a) + u16::from(b) + carry;
            carry = digit >> 8;
            digit.to_le_bytes()[0]
        })
        .collect();
    sum.push(carry.to_le_bytes()[0]);
    sum
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

/// §6.5.5: an `Ecdsa-Sig-Value` in DER.
fn es256(to: &mut Catalogue) {
    let mut row = |name, expected: Verdict, change: fn(&Rs) -> Vec<u8>| {
        to.assertion(name, expected, |it| {
            it.overrides.signature =
                Hook::new(move |signature: &mut Vec<u8>| *signature = change(&Rs::of(signature)));
        });
    };
    let refused = || Signature.into();
    row("encoded again", Accepted, |it| {
        der(&digits(&it.r), &digits(&it.s))
    });
    row("the other s", Accepted, |it| {
        der(&digits(&it.r), &digits(&minus(&P256_ORDER, &it.s)))
    });
    row("r ‖ s", refused(), |it| [&it.r[..], &it.s].concat());
    row("r and s exchanged", refused(), |it| {
        der(&digits(&it.s), &digits(&it.r))
    });
    row("negative r", refused(), |it| {
        der(&[&[0xff], &it.r[..]].concat(), &digits(&it.s))
    });
    row("negative s", refused(), |it| {
        der(&digits(&it.r), &[&[0xff], &it.s[..]].concat())
    });
    row("r with zeros before it", refused(), |it| {
        der(&[&[0, 0], &it.r[..]].concat(), &digits(&it.s))
    });
    row("s with zeros before it", refused(), |it| {
        der(&digits(&it.r), &[&[0, 0], &it.s[..]].concat())
    });
    row("r is zero", refused(), |it| der(&[0], &digits(&it.s)));
    row("s is zero", refused(), |it| der(&digits(&it.r), &[0]));
    row("both zero", refused(), |_| der(&[0], &[0]));
    row("both one", refused(), |_| der(&[1], &[1]));
    row("r is the order", refused(), |it| {
        der(&digits(&P256_ORDER), &digits(&it.s))
    });
    row("s is the order", refused(), |it| {
        der(&digits(&it.r), &digits(&P256_ORDER))
    });
    row("r with the order added", refused(), |it| {
        let r = reversed(&plus(&reversed(&it.r), &reversed(&P256_ORDER)));
        der(&digits(&r), &digits(&it.s))
    });
    row("empty integers", refused(), |_| der(&[], &[]));
    row("only r", refused(), |it| {
        value(0x30, &value(2, &digits(&it.r)))
    });
    row("an integer too many", refused(), |it| {
        value(
            0x30,
            &[
                value(2, &digits(&it.r)),
                value(2, &digits(&it.s)),
                value(2, &[0]),
            ]
            .concat(),
        )
    });
    row("a set", refused(), |it| {
        value(
            0x31,
            &[value(2, &digits(&it.r)), value(2, &digits(&it.s))].concat(),
        )
    });
    row("octets instead of integers", refused(), |it| {
        value(0x30, &[value(4, &it.r), value(4, &it.s)].concat())
    });
    row("its length in two bytes", refused(), |it| {
        let mut der = der(&digits(&it.r), &digits(&it.s));
        der.insert(1, 0x81);
        der
    });
    row("of indefinite length", refused(), |it| {
        let mut der = der(&digits(&it.r), &digits(&it.s));
        der[1] = 0x80;
        [&der[..], &[0, 0]].concat()
    });
    row("bytes after it", refused(), |it| {
        [&der(&digits(&it.r), &digits(&it.s))[..], b"more"].concat()
    });
    row("in base64url", refused(), |it| {
        encode(&der(&digits(&it.r), &digits(&it.s))).into_bytes()
    });
}

/// RFC 8032 §5.1.7: R ‖ S, with S below the order.
fn eddsa(to: &mut Catalogue) {
    let mut row = |name, change: fn(&mut Vec<u8>)| {
        to.assertion(name, Signature, |it| {
            it.algorithm = EdDsa;
            it.overrides.signature = Hook::new(change);
        });
    };
    row("S with the order added", |signature| {
        let s = plus(&signature[32..], &ED25519_ORDER);
        signature[32..].copy_from_slice(&s[..32]);
    });
    row("R is zero", |signature| signature[..32].fill(0));
    row("S is zero", |signature| signature[32..].fill(0));
    row("R and S exchanged", |signature| signature.rotate_left(32));
    row("only S", |signature| {
        signature.drain(..32);
    });
}
