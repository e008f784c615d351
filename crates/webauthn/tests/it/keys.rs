//! Public keys and signatures: what is acceptable, and nothing beside it.

use doorward_webauthn::testing::{Attestation, Hook, Overrides, cbor};
use doorward_webauthn::{Algorithm, Refusal};

use crate::ceremony::{Ceremony, refused_assertion, refused_registration};

type Parameter = (i64, Vec<u8>);

/// A registration with a key of these parameters instead of the real one.
fn with_key(parameters: &[Parameter]) -> Overrides {
    let entries: Vec<_> = parameters
        .iter()
        .map(|(label, value)| (cbor::integer(*label), value.clone()))
        .collect();
    with_key_bytes(cbor::map(&entries))
}

fn with_key_bytes(bytes: Vec<u8>) -> Overrides {
    Overrides {
        public_key: Hook::new(move |key: &mut Vec<u8>| key.clone_from(&bytes)),
        ..Overrides::default()
    }
}

fn verdict(parameters: &[Parameter]) -> Option<Refusal> {
    Ceremony::new().register_with(&with_key(parameters)).err()
}

/// The generator of P-256: a valid point that is easy to recognise.
const GX: [u8; 32] = [
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
];
const GY: [u8; 32] = [
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
    0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];

fn ec2(x: &[u8], y: &[u8]) -> Vec<Parameter> {
    vec![
        (1, cbor::integer(2)),
        (3, cbor::integer(-7)),
        (-1, cbor::integer(1)),
        (-2, cbor::bytes(x)),
        (-3, cbor::bytes(y)),
    ]
}

fn okp(x: &[u8]) -> Vec<Parameter> {
    vec![
        (1, cbor::integer(1)),
        (3, cbor::integer(-8)),
        (-1, cbor::integer(6)),
        (-2, cbor::bytes(x)),
    ]
}

fn rsa(n: &[u8], e: &[u8]) -> Vec<Parameter> {
    vec![
        (1, cbor::integer(3)),
        (3, cbor::integer(-257)),
        (-1, cbor::bytes(n)),
        (-2, cbor::bytes(e)),
    ]
}

/// An odd number of this many bits.
fn modulus(bits: usize) -> Vec<u8> {
    let mut n = vec![0xff; bits.div_ceil(8)];
    n[0] >>= n.len() * 8 - bits;
    n
}

fn replaced(mut parameters: Vec<Parameter>, label: i64, value: Vec<u8>) -> Vec<Parameter> {
    let position = parameters.iter().position(|parameter| parameter.0 == label);
    parameters[position.unwrap()].1 = value;
    parameters
}

const F4: [u8; 3] = [1, 0, 1];

fn well_formed_keys() -> [Vec<Parameter>; 3] {
    [ec2(&GX, &GY), okp(&[1; 32]), rsa(&modulus(2048), &F4)]
}

/// Item 30.
#[test]
fn well_formed_keys_are_accepted() {
    for key in well_formed_keys() {
        assert_eq!(verdict(&key), None, "{key:02x?}");
    }
}

/// Item 30.
#[test]
fn a_point_off_the_curve_is_refused() {
    let mut y = GY;
    y[31] ^= 1;

    assert_eq!(verdict(&ec2(&GX, &y)), Some(Refusal::PublicKey));
    assert_eq!(verdict(&ec2(&GY, &GX)), Some(Refusal::PublicKey));
}

/// Item 30.
#[test]
fn the_point_at_infinity_is_refused() {
    assert_eq!(verdict(&ec2(&[0; 32], &[0; 32])), Some(Refusal::PublicKey));
    assert_eq!(verdict(&ec2(&[], &[])), Some(Refusal::PublicKey));
}

/// Item 30.
#[test]
fn coordinates_beyond_the_field_are_refused() {
    assert_eq!(verdict(&ec2(&[0xff; 32], &GY)), Some(Refusal::PublicKey));
    assert_eq!(verdict(&ec2(&GX, &[0xff; 32])), Some(Refusal::PublicKey));
}

/// Item 30.
#[test]
fn a_compressed_point_is_refused() {
    for sign in [vec![0xf4], vec![0xf5], cbor::bytes(&[]), cbor::bytes(&[1])] {
        assert_eq!(
            verdict(&replaced(ec2(&GX, &GY), -3, sign)),
            Some(Refusal::PublicKey)
        );
    }
    let compressed = [&[3], &GX[..]].concat();
    assert_eq!(verdict(&ec2(&compressed, &GY)), Some(Refusal::PublicKey));
}

/// Item 30.
#[test]
fn coordinates_of_another_length_are_refused() {
    for length in [0, 1, 31, 33, 64] {
        let coordinate = vec![1; length];

        assert_eq!(
            verdict(&ec2(&coordinate, &GY)),
            Some(Refusal::PublicKey),
            "x of {length}"
        );
        assert_eq!(
            verdict(&ec2(&GX, &coordinate)),
            Some(Refusal::PublicKey),
            "y of {length}"
        );
        assert_eq!(
            verdict(&okp(&coordinate)),
            Some(Refusal::PublicKey),
            "Ed25519 of {length}"
        );
    }
    let padded = [&[0], &GX[..]].concat();
    assert_eq!(verdict(&ec2(&padded, &GY)), Some(Refusal::PublicKey));
}

/// Item 30.
#[test]
fn another_curve_is_refused() {
    for curve in [0, 2, 3, 4, 6, 8, -1] {
        assert_eq!(
            verdict(&replaced(ec2(&GX, &GY), -1, cbor::integer(curve))),
            Some(Refusal::PublicKey),
            "{curve}"
        );
    }
    for curve in [0, 1, 4, 5, 7, -6] {
        assert_eq!(
            verdict(&replaced(okp(&[1; 32]), -1, cbor::integer(curve))),
            Some(Refusal::PublicKey),
            "{curve}"
        );
    }
}

/// Item 30.
#[test]
fn another_key_type_than_the_algorithms_is_refused() {
    for key in well_formed_keys() {
        for kty in 0..6 {
            let key = replaced(key.clone(), 1, cbor::integer(kty));

            assert_eq!(
                verdict(&key).is_none(),
                well_formed_keys().contains(&key),
                "{kty}"
            );
        }
    }
}

/// Item 28.
#[test]
fn algorithms_that_nobody_offered_are_refused() {
    for alg in [
        -9,
        -19,
        -35,
        -36,
        -37,
        -39,
        -47,
        -51,
        -52,
        -53,
        -65535,
        -258,
        -259,
        0,
        7,
        i64::MIN,
    ] {
        for key in well_formed_keys() {
            let key = replaced(key, 3, cbor::integer(alg));

            assert_eq!(verdict(&key), Some(Refusal::Algorithm), "{alg}");
        }
    }
}

/// Items 28, 30.
#[test]
fn an_algorithm_by_name_is_refused() {
    for name in ["ES256", "EdDSA", "RS256"] {
        for key in well_formed_keys() {
            assert_eq!(
                verdict(&replaced(key, 3, cbor::text(name))),
                Some(Refusal::PublicKey)
            );
        }
    }
}

/// Item 30.
#[test]
fn rsa_moduli_have_2048_to_8192_bits() {
    for (bits, accepted) in [
        (512, false),
        (1024, false),
        (2047, false),
        (2048, true),
        (2049, true),
        (3482, true),
        (4096, true),
        (8192, true),
        (8193, false),
    ] {
        let expected = if accepted {
            None
        } else {
            Some(Refusal::PublicKey)
        };

        assert_eq!(verdict(&rsa(&modulus(bits), &F4)), expected, "{bits}");
    }
}

/// Item 30.
#[test]
fn an_even_or_padded_rsa_modulus_is_refused() {
    let mut even = modulus(2048);
    even[255] = 0xfe;
    let padded = [&[0], &modulus(2048)[..]].concat();

    for n in [&even[..], &padded, &[0; 256], &[]] {
        assert_eq!(verdict(&rsa(n, &F4)), Some(Refusal::PublicKey));
    }
}

/// Item 30.
#[test]
fn rsa_exponents_are_odd_and_at_least_three() {
    let n = modulus(2048);
    for e in [&[3][..], &[0x11], &F4, &[0xff, 0xff, 0xff, 0xff]] {
        assert_eq!(verdict(&rsa(&n, e)), None, "{e:?}");
    }
    for e in [
        &[][..],
        &[0],
        &[1],
        &[2],
        &[4],
        &[1, 0, 0],
        &[0, 1, 0, 1],
        &[0, 3],
        &[1, 0, 0, 0, 1],
        &n,
    ] {
        assert_eq!(verdict(&rsa(&n, e)), Some(Refusal::PublicKey), "{e:?}");
    }
}

/// Item 30.
#[test]
fn a_missing_parameter_is_refused() {
    for key in well_formed_keys() {
        for missing in 0..key.len() {
            let mut key = key.clone();
            key.remove(missing);

            assert_eq!(verdict(&key), Some(Refusal::PublicKey));
        }
    }
}

/// Items 30, 31.
#[test]
fn a_repeated_parameter_is_refused() {
    for key in well_formed_keys() {
        for repeated in 0..key.len() {
            let mut key = key.clone();
            key.push(key[repeated].clone());

            // The walk over the authenticator data meets the repetition first.
            assert_eq!(verdict(&key), Some(Refusal::AuthenticatorDataMalformed));
        }
    }
}

/// Items 30, 31.
#[test]
fn a_repeated_parameter_in_a_longer_spelling_is_refused() {
    let mut key = cbor::map(&[]);
    key[0] = 0xa6;
    for (label, value) in ec2(&GX, &GY) {
        key.extend([cbor::integer(label), value].concat());
    }
    // 3, the algorithm, spelt in two bytes.
    key.extend([&[0x18, 3][..], &cbor::integer(-7)].concat());

    assert_eq!(
        refused_registration(&with_key_bytes(key)),
        Refusal::AuthenticatorDataMalformed
    );
}

/// Item 30.
#[test]
fn optional_parameters_are_refused() {
    for key in well_formed_keys() {
        for label in [0, 2, 4, 5, -4, -5, -12, 99, i64::MAX] {
            let mut key = key.clone();
            key.push((label, cbor::bytes(&[1])));

            assert_eq!(verdict(&key), Some(Refusal::PublicKey), "{label}");
        }
    }
    for mut key in [okp(&[1; 32]), rsa(&modulus(2048), &F4)] {
        key.push((-3, cbor::bytes(&GY)));

        assert_eq!(verdict(&key), Some(Refusal::PublicKey));
    }
}

/// Item 30.
#[test]
fn a_key_with_a_label_in_text_is_refused() {
    let key = cbor::map(&[
        (cbor::text("kty"), cbor::integer(2)),
        (cbor::text("alg"), cbor::integer(-7)),
    ]);

    assert_eq!(
        refused_registration(&with_key_bytes(key)),
        Refusal::PublicKey
    );
}

/// Items 30, 31.
#[test]
fn a_key_that_is_no_map_is_refused() {
    for key in [
        cbor::integer(1),
        cbor::array(&[]),
        cbor::bytes(&[4; 65]),
        cbor::text("key"),
        cbor::map(&[]),
    ] {
        assert_eq!(
            refused_registration(&with_key_bytes(key)),
            Refusal::PublicKey
        );
    }
    assert_eq!(
        refused_registration(&with_key_bytes(Vec::new())),
        Refusal::AuthenticatorDataMalformed
    );
}

/// Item 29.
#[test]
fn a_self_attestation_does_not_verify_under_another_key() {
    let overrides = Overrides {
        attestation: Some(Attestation::PackedSelf),
        ..with_key(&ec2(&GX, &GY))
    };

    assert_eq!(
        refused_registration(&overrides),
        Refusal::AttestationSignature
    );
}

/// Item 45.
#[test]
fn a_signature_with_trailing_bytes_is_refused() {
    for trailing in [&[0][..], &[0x30], &[0; 8]] {
        let overrides = with_signature(move |signature| signature.extend(trailing));

        assert_eq!(refused_assertion(&overrides), Refusal::Signature);
    }
}

/// Item 45.
#[test]
fn a_signature_of_fixed_length_is_refused() {
    let overrides = with_signature(|signature| {
        let (r, s) = integers(signature);
        *signature = [fixed(r), fixed(s)].concat();
    });

    assert_eq!(refused_assertion(&overrides), Refusal::Signature);
}

/// Item 45.
#[test]
fn a_signature_of_zeros_is_refused() {
    let zero_and_zero = der(&[0], &[0]);
    let one_and_zero = der(&[1], &[0]);
    let zero_and_one = der(&[0], &[1]);
    for bytes in [
        Vec::new(),
        vec![0; 64],
        vec![0; 70],
        zero_and_zero,
        one_and_zero,
        zero_and_one,
        der(&[1], &[1]),
    ] {
        let overrides = with_signature(move |signature| signature.clone_from(&bytes));

        assert_eq!(refused_assertion(&overrides), Refusal::Signature);
    }
}

/// Makes a signature of its two integers.
type Change = fn(&[u8], &[u8]) -> Vec<u8>;

/// Item 45.
#[test]
fn a_signature_that_is_not_strict_der_is_refused() {
    let changes: [Change; 6] = [
        // Needless zeros before either integer.
        |r, s| der(&[&[0], r].concat(), s),
        |r, s| der(r, &[&[0], s].concat()),
        // A length in the long form.
        |r, s| [&[0x30, 0x81], &der(r, s)[1..]].concat(),
        // An indefinite length.
        |r, s| [&[0x30, 0x80], &der(r, s)[2..], &[0, 0]].concat(),
        // A third integer.
        |r, s| {
            let mut signature = [&der(r, s)[..], &[2, 1, 1]].concat();
            signature[1] += 3;
            signature
        },
        // Another tag.
        |r, s| [&[0x31], &der(r, s)[1..]].concat(),
    ];
    for change in changes {
        let overrides = with_signature(move |signature| {
            let (r, s) = integers(signature);
            *signature = change(r, s);
        });

        assert_eq!(refused_assertion(&overrides), Refusal::Signature);
    }
}

/// Item 45.
#[test]
fn a_signature_survives_being_taken_apart_and_put_together() {
    let mut ceremony = Ceremony::new();
    let stored = ceremony.register();
    let overrides = with_signature(|signature| {
        let (r, s) = integers(signature);
        *signature = der(r, s);
    });

    assert!(ceremony.assert_with(&stored, &overrides).is_ok());
}

/// Item 45.
#[test]
fn signatures_of_other_lengths_are_refused() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        let mut ceremony = Ceremony::with(algorithm);
        let stored = ceremony.register();
        let changes: [fn(&mut Vec<u8>); 3] = [
            |signature| signature.clear(),
            |signature| signature.truncate(signature.len() - 1),
            |signature| signature.insert(0, 0),
        ];
        for change in changes {
            let verdict = ceremony.assert_with(&stored, &with_signature(change));

            assert_eq!(verdict.unwrap_err(), Refusal::Signature, "{algorithm:?}");
        }
    }
}

fn with_signature(change: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Overrides {
    Overrides {
        signature: Hook::new(change),
        ..Overrides::default()
    }
}

/// The two integers of an ECDSA signature, as their DER has them.
fn integers(signature: &[u8]) -> (&[u8], &[u8]) {
    let r_length = usize::from(signature[3]);
    (&signature[4..4 + r_length], &signature[6 + r_length..])
}

fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| [&[2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let body = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()], &body[..]].concat()
}

fn fixed(integer: &[u8]) -> [u8; 32] {
    let integer = integer.strip_prefix(&[0]).unwrap_or(integer);
    let mut fixed = [0; 32];
    fixed[32 - integer.len()..].copy_from_slice(integer);
    fixed
}
