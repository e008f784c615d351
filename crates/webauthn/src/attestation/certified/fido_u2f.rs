//! `fido-u2f` (§8.6).

use webpki::aws_lc_rs::ECDSA_P256_SHA256;

use super::Claim;
use crate::Refusal;
use crate::cose::PublicKey;

pub(super) fn check(claim: &Claim<'_>) -> Result<(), Refusal> {
    // §8.6 step 2: one certificate, with a key on P-256.
    if claim.chain.len() != 1 || !matches!(claim.leaf.key, Some(PublicKey::Es256(_))) {
        return Err(Refusal::AttestationRequirements);
    }
    // §8.6 step 4: the credential's key as a point, which only keys on P-256 have here.
    let PublicKey::Es256(point) = claim.made.key else {
        return Err(Refusal::AttestationKey);
    };
    // §8.6 steps 3 and 5. The flags, the counter and the AAGUID are not signed.
    let (rp_id_hash, _) = claim
        .authenticator_data
        .split_first_chunk::<32>()
        .ok_or(Refusal::AuthenticatorDataMalformed)?;
    let credential_id = claim.made.credential.id;
    let message = [
        &[0],
        &rp_id_hash[..],
        claim.made.client_data_hash,
        credential_id,
        point,
    ]
    .concat();
    // §8.6 step 6.
    claim.check_signature_by(ECDSA_P256_SHA256, &message)
}
