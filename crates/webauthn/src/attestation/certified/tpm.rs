//! `tpm` (§8.3): a TPM certifies, with its attestation identity key, a key that it holds.
//!
//! The structures are those of the TPM 2.0 Library, Part 2.

use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Tag, TagNumber, Tagged};

use super::Claim;
use super::certificate::{Certificate, EXTENDED_KEY_USAGE, Name, SUBJECT_ALT_NAME, all};
use crate::Refusal;
use crate::cbor::Malformed;
use crate::cose::PublicKey;

const AIK_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.3");
const MANUFACTURER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.2.1");
const MODEL: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.2.2");
const VERSION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.2.3");

const TPM_GENERATED_VALUE: u32 = 0xff54_4347;
const TPM_ST_ATTEST_CERTIFY: u16 = 0x8017;
const TPM_ALG_RSA: u16 = 0x0001;
const TPM_ALG_NULL: u16 = 0x0010;
const TPM_ALG_RSASSA: u16 = 0x0014;
const TPM_ALG_ECDSA: u16 = 0x0018;
const TPM_ALG_ECC: u16 = 0x0023;
const TPM_ECC_NIST_P256: u16 = 0x0003;

pub(super) fn check(claim: &Claim<'_>) -> Result<(), Refusal> {
    let malformed = |Malformed| Refusal::AttestationStatement;
    let statement = &claim.statement;
    // §8.3 step 1.
    if statement.text("ver")? != "2.0" {
        return Err(Refusal::AttestationStatement);
    }
    // §8.3 step 2.
    let public_area = statement.bytes("pubArea")?;
    let public = Public::read(public_area).map_err(malformed)?;
    if !public.is(claim.made.key) {
        return Err(Refusal::AttestationKey);
    }
    // §8.3 steps 3 and 4: what the TPM certifies is this ceremony, and this key by its name.
    let information = statement.bytes("certInfo")?;
    let attest = Attest::read(information).map_err(malformed)?;
    let hash = hash_of_signature(statement.integer("alg")?)?;
    if attest.extra_data != digest(hash, &claim.signed_data()).as_ref() {
        return Err(Refusal::AttestationCeremony);
    }
    let name_hash = digest(public.name_algorithm.1, public_area);
    let name = [&public.name_algorithm.0.to_be_bytes(), name_hash.as_ref()].concat();
    if attest.name != name {
        return Err(Refusal::AttestationKey);
    }
    // §8.3 step 5. The signature is bare (§6.5.5), not in a TPMT_SIGNATURE as the format's syntax has it:
    // so it is in the standard's test vectors, and so does Windows send it.
    claim.check_signature(information)?;
    if !is_identity_certificate(&claim.leaf) {
        return Err(Refusal::AttestationRequirements);
    }
    claim.check_aaguid()
}

/// The requirements of §8.3.1. That the manufacturer is registered is for the trust anchors to know.
fn is_identity_certificate(leaf: &Certificate<'_>) -> bool {
    let name = leaf
        .extension(SUBJECT_ALT_NAME)
        .and_then(|value| directory_name(value).ok().flatten());
    let is_named = name.is_some_and(|name| {
        let id = name
            .attribute(MANUFACTURER)
            .and_then(|id| id.strip_prefix("id:"));
        id.is_some_and(|id| id.len() == 8 && id.bytes().all(|b| b.is_ascii_hexdigit()))
            && name.attribute(MODEL).is_some()
            && name.attribute(VERSION).is_some()
    });
    let is_for_attestation = leaf.extension(EXTENDED_KEY_USAGE).is_some_and(|value| {
        let purposes = AnyRef::from_der(value)
            .and_then(|value| value.sequence(|list| all(list, ObjectIdentifier::decode)));
        purposes.is_ok_and(|purposes| purposes.contains(&AIK_CERTIFICATE))
    });
    leaf.subject.is_empty() && is_named && is_for_attestation && leaf.is_authority() == Some(false)
}

/// The first directory name among the subject's alternative names.
fn directory_name(value: &[u8]) -> der::Result<Option<Name<'_>>> {
    const DIRECTORY_NAME: TagNumber = TagNumber(4);
    let names = AnyRef::from_der(value)?.sequence(|names| all(names, AnyRef::decode))?;
    names
        .into_iter()
        .find(|name| matches!(name.tag(), Tag::ContextSpecific { number, .. } if number == DIRECTORY_NAME))
        .map(|name| Name::read(AnyRef::from_der(name.value())?))
        .transpose()
}

/// The hash within a signature algorithm, by its COSE number.
fn hash_of_signature(cose_id: i64) -> Result<&'static Algorithm, Refusal> {
    match cose_id {
        -7 | -257 => Ok(&SHA256),
        -35 | -258 => Ok(&SHA384),
        -36 | -259 => Ok(&SHA512),
        _ => Err(Refusal::AttestationAlgorithm),
    }
}

/// What `TPMS_ATTEST` says of the certified key. The signer, the clock and the firmware are ignored.
struct Attest<'a> {
    extra_data: &'a [u8],
    name: &'a [u8],
}

impl<'a> Attest<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Fields(bytes);
        fields.expect_u32(TPM_GENERATED_VALUE)?;
        fields.expect_u16(TPM_ST_ATTEST_CERTIFY)?;
        let _qualified_signer = fields.sized()?;
        let extra_data = fields.sized()?;
        let _clock_info = fields.take::<17>()?;
        let _firmware_version = fields.take::<8>()?;
        let name = fields.sized()?;
        let _qualified_name = fields.sized()?;
        fields.end()?;
        Ok(Self { extra_data, name })
    }
}

/// The key of a `TPMT_PUBLIC`.
struct Public<'a> {
    name_algorithm: (u16, &'static Algorithm),
    key: Unique<'a>,
}

enum Unique<'a> {
    Rsa { n: &'a [u8], e: [u8; 4] },
    Ecc { x: &'a [u8], y: &'a [u8] },
}

impl<'a> Public<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Fields(bytes);
        let kind = fields.u16()?;
        let name_algorithm = match fields.u16()? {
            id @ 0x000b => (id, &SHA256),
            id @ 0x000c => (id, &SHA384),
            id @ 0x000d => (id, &SHA512),
            _ => return Err(Malformed),
        };
        let _attributes = fields.take::<4>()?;
        let _policy = fields.sized()?;
        // A key that signs has no symmetric algorithm.
        fields.expect_u16(TPM_ALG_NULL)?;
        let key = match kind {
            TPM_ALG_RSA => Unique::rsa(&mut fields),
            TPM_ALG_ECC => Unique::p256(&mut fields),
            _ => Err(Malformed),
        }?;
        fields.end()?;
        Ok(Self {
            name_algorithm,
            key,
        })
    }

    fn is(&self, key: &PublicKey<'_>) -> bool {
        match &self.key {
            Unique::Rsa { n, e } => {
                let zeros = e.iter().take_while(|&&byte| byte == 0).count();
                *key == PublicKey::Rs256 { n, e: &e[zeros..] }
            }
            Unique::Ecc { x, y } => {
                let point = [&[4], *x, y].concat();
                matches!(key, PublicKey::Es256(key) if key[..] == point)
            }
        }
    }
}

impl<'a> Unique<'a> {
    fn rsa(fields: &mut Fields<'a>) -> Result<Self, Malformed> {
        fields.scheme(TPM_ALG_RSASSA)?;
        let _bits = fields.u16()?;
        let e = match *fields.take()? {
            // The TPM's word for the usual one.
            [0, 0, 0, 0] => [0, 1, 0, 1],
            e => e,
        };
        let n = fields.sized()?;
        Ok(Self::Rsa { n, e })
    }

    fn p256(fields: &mut Fields<'a>) -> Result<Self, Malformed> {
        fields.scheme(TPM_ALG_ECDSA)?;
        fields.expect_u16(TPM_ECC_NIST_P256)?;
        // No key is derived.
        fields.expect_u16(TPM_ALG_NULL)?;
        let (x, y) = (fields.sized()?, fields.sized()?);
        Ok(Self::Ecc { x, y })
    }
}

/// What is left of a structure: big-endian numbers, and byte strings with their length before them.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        self.take().map(|bytes| u16::from_be_bytes(*bytes))
    }

    fn sized(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u16()?;
        let (taken, rest) = self.0.split_at_checked(length.into()).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn expect_u16(&mut self, wanted: u16) -> Result<(), Malformed> {
        (self.u16()? == wanted).then_some(()).ok_or(Malformed)
    }

    fn expect_u32(&mut self, wanted: u32) -> Result<(), Malformed> {
        let found = u32::from_be_bytes(*self.take()?);
        (found == wanted).then_some(()).ok_or(Malformed)
    }

    /// A signature scheme: none in particular, or one kind with its hash.
    fn scheme(&mut self, kind: u16) -> Result<(), Malformed> {
        match self.u16()? {
            TPM_ALG_NULL => Ok(()),
            found if found == kind => self.u16().map(drop),
            _ => Err(Malformed),
        }
    }

    fn end(self) -> Result<(), Malformed> {
        self.0.is_empty().then_some(()).ok_or(Malformed)
    }
}
