//! Registrations that a certificate vouches for.

mod android_key;
mod apple;
mod chain;
mod der;
mod fido_u2f;
mod packed;
mod pki;
mod properties;
mod statement;
mod tpm;

use doorward_webauthn::testing::{Attest, AttestationInput, Overrides, cbor};
use doorward_webauthn::{Format, TrustAnchors};

use self::pki::{NOW, ROOT};
use crate::ceremony::{CHALLENGE, Ceremony, Registered, registration};

const FORMATS: [Format; 5] = [
    Format::Packed,
    Format::Tpm,
    Format::AndroidKey,
    Format::Apple,
    Format::FidoU2f,
];

/// A statement and how it is named.
type Statement = (String, Vec<u8>);

/// Registers with a statement, under a policy of one format, trusting [`ROOT`] for it.
fn register(
    format: Format,
    write: impl Fn(&AttestationInput<'_>) -> Statement + Send + Sync + 'static,
) -> Registered {
    let root = [(format, &ROOT.certificate)];
    register_trusting(&TrustAnchors::new(root).unwrap(), NOW, format, write)
}

/// Registers with a statement, under a policy of one format.
fn register_trusting(
    anchors: &TrustAnchors,
    now: u64,
    format: Format,
    write: impl Fn(&AttestationInput<'_>) -> Statement + Send + Sync + 'static,
) -> Registered {
    let mut ceremony = Ceremony::new();
    ceremony.policy.formats = vec![format];
    let overrides = Overrides {
        attest: Attest::new(write),
        ..Overrides::default()
    };
    register_in(&mut ceremony, &overrides, anchors, now)
}

fn register_in(
    ceremony: &mut Ceremony,
    overrides: &Overrides,
    anchors: &TrustAnchors,
    now: u64,
) -> Registered {
    let json = ceremony.create(overrides);
    registration(json).verify_attested(&ceremony.policy, &CHALLENGE, anchors, now)
}

/// An untouched statement of a format.
fn genuine(format: Format) -> fn(&AttestationInput<'_>) -> Statement {
    match format {
        Format::None | Format::PackedSelf => unreachable!("no certificate"),
        Format::Packed => |input| packed::Parts::new(input).statement(),
        Format::Tpm => |input| tpm::Parts::new(input).statement(),
        Format::AndroidKey => |input| android_key::Parts::new(input).statement(),
        Format::Apple => |input| apple::Parts::new(input).statement(),
        Format::FidoU2f => |input| fido_u2f::Parts::new(input).statement(),
    }
}

fn signed_data(input: &AttestationInput<'_>) -> Vec<u8> {
    [input.authenticator_data, input.client_data_hash].concat()
}

/// The point of a key on P-256, from its COSE form: `04 ‖ x ‖ y`.
fn point(input: &AttestationInput<'_>) -> Vec<u8> {
    let cose = input.passkey.public_key();
    // … -2: h'…', -3: h'…'
    let (x, y) = (&cose[10..42], &cose[45..77]);
    [&[4], x, y].concat()
}

/// A key on Edwards25519, from its COSE form.
fn edwards(input: &AttestationInput<'_>) -> Vec<u8> {
    // … -2: h'…', and nothing more.
    input.passkey.public_key()[10..].to_vec()
}

/// The modulus of the new passkey, an RSA key of 2048 bits.
fn modulus(input: &AttestationInput<'_>) -> Vec<u8> {
    let cose = input.passkey.public_key();
    let head = cose.windows(3).position(|head| head == [0x59, 1, 0]);
    cose[head.unwrap() + 3..][..256].to_vec()
}

fn entry(key: &str, value: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    (cbor::text(key), value)
}

fn x5c(certificates: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
    let certificates: Vec<_> = certificates.iter().map(|der| cbor::bytes(der)).collect();
    entry("x5c", cbor::array(&certificates))
}
