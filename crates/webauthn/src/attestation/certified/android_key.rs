//! `android-key` (§8.4).

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Tag, TagNumber, Tagged};

use super::Claim;
use super::certificate::all;
use crate::Refusal;

const KEY_DESCRIPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.1.17");

// The tags of an authorization list, and the values that a passkey has.
const PURPOSE: TagNumber = TagNumber(1);
const ALL_APPLICATIONS: TagNumber = TagNumber(600);
const ORIGIN: TagNumber = TagNumber(702);
const KM_PURPOSE_SIGN: u32 = 2;
const KM_ORIGIN_GENERATED: u32 = 0;

pub(super) fn check(claim: &Claim<'_>) -> Result<(), Refusal> {
    // §8.4 step 2: the signature.
    claim.check_signature(&claim.signed_data())?;
    // §8.4 step 3.
    claim.check_key()?;
    // §8.4 step 4: the certificate was made for this ceremony.
    let extension = claim
        .leaf
        .extension(KEY_DESCRIPTION)
        .ok_or(Refusal::AttestationRequirements)?;
    let description =
        KeyDescription::read(extension).map_err(|_| Refusal::AttestationRequirements)?;
    if description.challenge != claim.made.client_data_hash {
        return Err(Refusal::AttestationCeremony);
    }
    // §8.4 step 5.
    if description.is_for_a_passkey() {
        Ok(())
    } else {
        Err(Refusal::AttestationAuthorization)
    }
}

/// What Android says of a key (§8.4.1).
struct KeyDescription<'a> {
    challenge: &'a [u8],
    purposes: Vec<u32>,
    origins: Vec<u32>,
    all_applications: bool,
}

impl<'a> KeyDescription<'a> {
    fn read(der: &'a [u8]) -> der::Result<Self> {
        AnyRef::from_der(der)?.sequence(|fields| {
            // The version and the security level of the attestation, then of the keystore.
            for _ in 0..4 {
                AnyRef::decode(fields)?;
            }
            let challenge = <&OctetStringRef>::decode(fields)?.as_bytes();
            let _unique_id = AnyRef::decode(fields)?;
            let mut description = Self {
                challenge,
                purposes: Vec::new(),
                origins: Vec::new(),
                all_applications: false,
            };
            // The union of what software and hardware enforce. Roots say which of them is trusted:
            // Google's for hardware do not certify keys that only software holds.
            description.add(AnyRef::decode(fields)?)?;
            description.add(AnyRef::decode(fields)?)?;
            Ok(description)
        })
    }

    fn add(&mut self, list: AnyRef<'a>) -> der::Result<()> {
        for entry in list.sequence(|entries| all(entries, AnyRef::decode))? {
            match entry.tag() {
                Tag::ContextSpecific { number, .. } if number == PURPOSE => {
                    let set = AnyRef::from_der(entry.value())?;
                    set.tag().assert_eq(Tag::Set)?;
                    let mut set = der::SliceReader::new(set.value())?;
                    self.purposes.extend(all(&mut set, u32::decode)?);
                }
                Tag::ContextSpecific { number, .. } if number == ORIGIN => {
                    self.origins.push(u32::from_der(entry.value())?);
                }
                Tag::ContextSpecific { number, .. } if number == ALL_APPLICATIONS => {
                    self.all_applications = true;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the key was made where it is, for one app, to sign and for nothing else. Silence is no answer.
    fn is_for_a_passkey(&self) -> bool {
        let only = |values: &[u32], wanted| {
            !values.is_empty() && values.iter().all(|&value| value == wanted)
        };
        !self.all_applications
            && only(&self.origins, KM_ORIGIN_GENERATED)
            && only(&self.purposes, KM_PURPOSE_SIGN)
    }
}
