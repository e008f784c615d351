//! What the authenticator says and signs (§6.1), read by slices from the bytes that it signed.

use crate::cbor::{Malformed, Reader};
use crate::{Policy, Refusal, UserVerification};

/// The bits of the flags byte (§6.1). The other two are reserved, and ignored.
pub(crate) mod flag {
    pub(crate) const UP: u8 = 1 << 0;
    pub(crate) const UV: u8 = 1 << 2;
    pub(crate) const BE: u8 = 1 << 3;
    pub(crate) const BS: u8 = 1 << 4;
    pub(crate) const AT: u8 = 1 << 6;
    pub(crate) const ED: u8 = 1 << 7;
}

/// Authenticator data that was read to its last byte, and not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuthenticatorData<'a> {
    pub(crate) rp_id_hash: &'a [u8; 32],
    pub(crate) flags: u8,
    pub(crate) sign_count: u32,
    pub(crate) attested: Option<AttestedCredential<'a>>,
}

/// The credential that a registration creates (§6.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttestedCredential<'a> {
    pub(crate) aaguid: &'a [u8; 16],
    pub(crate) id: &'a [u8],
    /// The COSE key: well-formed CBOR, not yet a key.
    pub(crate) public_key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Reads authenticator data. The flags AT and ED must match what follows, to the last byte.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        Self::read(bytes).ok_or(Refusal::AuthenticatorDataMalformed)
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>()?;
        let (&flags, rest) = rest.split_first()?;
        let (&sign_count, mut rest) = rest.split_first_chunk::<4>()?;
        let mut attested = None;
        if flags & flag::AT != 0 {
            let (credential, after) = AttestedCredential::read(rest)?;
            attested = Some(credential);
            rest = after;
        }
        if flags & flag::ED != 0 {
            // §7.1 step 28, §7.2 step 23: outputs of extensions that nobody asked for are ignored,
            // once it is certain that they are all that is left.
            rest = read_extensions(rest).ok()?;
        }
        let sign_count = u32::from_be_bytes(sign_count);
        rest.is_empty().then_some(Self {
            rp_id_hash,
            flags,
            sign_count,
            attested,
        })
    }

    /// Checks the RP ID and the flags, alike in both ceremonies.
    pub(crate) fn check(&self, policy: &Policy) -> Result<(), Refusal> {
        self.check_rp_id(policy)?;
        // §7.1 step 15, §7.2 step 16.
        if !self.has(flag::UP) {
            return Err(Refusal::UserPresence);
        }
        // §7.1 step 16, §7.2 step 17.
        if policy.user_verification == UserVerification::Required && !self.user_verified() {
            return Err(Refusal::UserVerification);
        }
        // §7.1 step 17, §7.2 step 18: what cannot be backed up is not backed up.
        if self.backed_up() && !self.backup_eligible() {
            return Err(Refusal::BackupState);
        }
        Ok(())
    }

    /// Checks that the authenticator signed for this relying party.
    pub(crate) fn check_rp_id(&self, policy: &Policy) -> Result<(), Refusal> {
        // §7.1 step 14, §7.2 step 15.
        if crate::sha256(policy.rp_id.as_bytes()).as_ref() == self.rp_id_hash {
            Ok(())
        } else {
            Err(Refusal::RpId)
        }
    }

    pub(crate) fn user_verified(&self) -> bool {
        self.has(flag::UV)
    }

    pub(crate) fn backup_eligible(&self) -> bool {
        self.has(flag::BE)
    }

    pub(crate) fn backed_up(&self) -> bool {
        self.has(flag::BS)
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

impl<'a> AttestedCredential<'a> {
    /// Reads a credential, and returns it with what follows it.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (aaguid, rest) = bytes.split_first_chunk::<16>()?;
        let (&length, rest) = rest.split_first_chunk::<2>()?;
        let (id, rest) = rest.split_at_checked(u16::from_be_bytes(length).into())?;
        // Only the key's own CBOR says where it ends.
        let mut reader = Reader::new(rest).ok()?;
        let public_key = reader.item().ok()?;
        Some((
            Self {
                aaguid,
                id,
                public_key,
            },
            reader.rest(),
        ))
    }
}

/// Reads the extensions' one map, and returns what follows it.
fn read_extensions(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader::new(bytes)?;
    reader.clone().map()?;
    reader.item()?;
    Ok(reader.rest())
}
