//! `apple` (§8.8).

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, TagMode, TagNumber};

use super::Claim;
use crate::Refusal;

const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113635.100.8.2");

pub(super) fn check(claim: &Claim<'_>) -> Result<(), Refusal> {
    // §8.8 steps 2 to 4: the certificate was made for this ceremony.
    let extension = claim
        .leaf
        .extension(NONCE)
        .ok_or(Refusal::AttestationRequirements)?;
    let nonce = nonce(extension).map_err(|_| Refusal::AttestationRequirements)?;
    if nonce != crate::sha256(&claim.signed_data()).as_ref() {
        return Err(Refusal::AttestationCeremony);
    }
    // §8.8 step 5.
    claim.check_key()
}

fn nonce(extension: &[u8]) -> der::Result<&[u8]> {
    AnyRef::from_der(extension)?.sequence(|fields| {
        let nonce = fields.context_specific::<&OctetStringRef>(TagNumber(1), TagMode::Explicit)?;
        Ok(nonce.map(OctetStringRef::as_bytes).unwrap_or_default())
    })
}
