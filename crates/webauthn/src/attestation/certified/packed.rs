//! `packed` with a certificate (§8.2).

use super::Claim;
use crate::Refusal;

pub(super) fn check(claim: &Claim<'_>) -> Result<(), Refusal> {
    // §8.2, verification, `x5c` present: the signature.
    claim.check_signature(&claim.signed_data())?;
    // The requirements of §8.2.1. §8.2.2: a certificate that names the device is for enterprises, which
    // ask for it; nobody did.
    let leaf = &claim.leaf;
    if !leaf.is_fido_subject() || leaf.is_authority() != Some(false) || leaf.names_device() {
        return Err(Refusal::AttestationRequirements);
    }
    // The AAGUID.
    claim.check_aaguid()
}
