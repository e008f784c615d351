//! Authenticator data: RP ID, flags, counter, the new credential's id, and where it ends.

use super::Profile::{CounterWarns, UvPreferred};
use super::Verdict::Accepted;
use super::plan::{Catalogue, Plan};
use crate::Refusal::{
    AttestationMalformed, AttestedDataMissing, AttestedDataUnexpected, AuthenticatorDataMalformed,
    BackupEligibilityChanged, BackupState, CounterRegression, CredentialId, CredentialIdLength,
    RpId, StoredKey, UserPresence, UserVerification,
};
use crate::testing::flag::{AT, BE, BS, ED, UP, UV};
use crate::testing::{Hook, cbor};
use crate::{Algorithm, Credential};

const RESERVED: [u8; 2] = [0x02, 0x20];

pub(super) fn add(to: &mut Catalogue) {
    rp_id(to.group("RP ID"));
    flags(to.group("flags"));
    counters(to.group("counter"));
    ids(to.group("credential id"));
    stored(to.group("stored credential"));
    lengths(to.group("length"));
}

fn rp_id(to: &mut Catalogue) {
    for (name, rp_id) in [
        ("another", "example.com"),
        ("a subdomain", "www.example.org"),
        ("the parent", "org"),
        ("in capitals", "EXAMPLE.ORG"),
        ("with a dot at its end", "example.org."),
        ("the origin", "https://example.org"),
        ("empty", ""),
    ] {
        to.both(name, RpId, |it| it.overrides.rp_id = Some(rp_id.to_owned()));
    }
    to.both("with its last bit flipped", RpId, |it| {
        it.overrides.authenticator_data = Hook::new(|data: &mut Vec<u8>| data[31] ^= 1);
    });
}

fn flags(to: &mut Catalogue) {
    to.both("UP, UV", Accepted, |it| it.flags = UP | UV);
    to.both("none", UserPresence, |it| it.flags = 0);
    to.both("UV without UP", UserPresence, |it| it.flags = UV);
    to.both("UP without UV, required", UserVerification, |it| {
        it.flags = UP;
    });
    to.both("UP without UV, preferred", Accepted, |it| {
        (it.flags, it.profile) = (UP, UvPreferred);
    });
    to.assertion(
        "UP without UV, preferred, verified at registration",
        Accepted,
        |it| {
            (it.flags, it.profile) = (UP, UvPreferred);
            it.stored = Hook::new(|record: &mut Credential| record.user_verified = true);
        },
    );
    to.both("neither, preferred", UserPresence, |it| {
        (it.flags, it.profile) = (0, UvPreferred);
    });
    to.both("eligible for backup", Accepted, |it| {
        it.flags = UP | UV | BE;
    });
    to.both("backed up", Accepted, |it| it.flags = UP | UV | BE | BS);
    to.both("backed up, not eligible", BackupState, |it| {
        it.flags = UP | UV | BS;
    });
    for reserved in RESERVED {
        let name = format!("reserved bit {reserved:#04x}");
        to.both(&name, Accepted, |it| it.flags |= reserved);
    }
    to.registration("AT not set", AuthenticatorDataMalformed, |it| {
        it.overrides.flags = Some(UP | UV);
    });
    to.registration("AT not set, and no credential", AttestedDataMissing, |it| {
        it.overrides.authenticator_data = Hook::new(|data: &mut Vec<u8>| {
            data[32] &= !AT;
            data.truncate(37);
        });
    });
    to.registration(
        "AT set, and no credential",
        AuthenticatorDataMalformed,
        |it| {
            it.overrides.authenticator_data = Hook::new(|data: &mut Vec<u8>| data.truncate(37));
        },
    );
    to.assertion(
        "AT set, and no credential",
        AuthenticatorDataMalformed,
        |it| it.flags |= AT,
    );
    to.assertion("AT set, with a credential", AttestedDataUnexpected, |it| {
        it.flags |= AT;
        it.overrides.authenticator_data = Hook::new(|data: &mut Vec<u8>| {
            data.extend([[0; 16].as_slice(), &[0, 1, 7], &cbor::map(&[])].concat());
        });
    });
    to.assertion(
        "AT and ED set, with a credential and outputs",
        AttestedDataUnexpected,
        |it| {
            it.flags |= AT | ED;
            it.overrides.authenticator_data = Hook::new(|data: &mut Vec<u8>| {
                data.extend(
                    [
                        [0; 16].as_slice(),
                        &[0, 1, 7],
                        &cbor::map(&[]),
                        &cbor::map(&[]),
                    ]
                    .concat(),
                );
            });
        },
    );
    to.assertion(
        "a credential, AT not set",
        AuthenticatorDataMalformed,
        |it| {
            it.overrides.authenticator_data = Hook::new(|data: &mut Vec<u8>| {
                data.extend([[0; 16].as_slice(), &[0, 1, 7], &cbor::map(&[])].concat());
            });
        },
    );
}

/// §6.1.1, and §7.2 step 22.
fn counters(to: &mut Catalogue) {
    for (name, stored, sent, grew) in [
        ("stays at 0", 0, 0, true),
        ("0 to 1", 0, 1, true),
        ("5 to 6", 5, 6, true),
        ("5 to 500", 5, 500, true),
        ("0 to the largest", 0, u32::MAX, true),
        ("to the largest", u32::MAX - 1, u32::MAX, true),
        ("over the sign of 32 bits", 0x7fff_ffff, 0x8000_0000, true),
        ("stays at 5", 5, 5, false),
        ("5 to 4", 5, 4, false),
        ("5 to 0", 5, 0, false),
        ("1 to 0", 1, 0, false),
        ("stays at the largest", u32::MAX, u32::MAX, false),
        ("wraps to 0", u32::MAX, 0, false),
        ("wraps to 1", u32::MAX, 1, false),
        ("under the sign of 32 bits", 0x8000_0000, 0x7fff_ffff, false),
    ] {
        let counts = |it: &mut Plan| {
            it.overrides.sign_count = Some(sent);
            it.stored = Hook::new(move |record: &mut Credential| record.sign_count = stored);
        };
        let expected = if grew {
            Accepted
        } else {
            CounterRegression.into()
        };
        to.assertion(name, expected, counts);
        to.assertion(
            &format!("{name}, where that is a warning"),
            Accepted,
            |it| {
                counts(it);
                it.profile = CounterWarns;
            },
        );
    }
    for sign_count in [0, 1, u32::MAX] {
        to.registration(&format!("begins with {sign_count}"), Accepted, |it| {
            it.overrides.sign_count = Some(sign_count);
        });
    }
}

fn ids(to: &mut Catalogue) {
    for length in [1, 15, 16, 255, 256, 1022, 1023] {
        to.both(&format!("of {length} bytes"), Accepted, |it| {
            it.overrides.credential_id = Some(vec![7; length]);
        });
    }
    for length in [0, 1024, 2000, 60_000] {
        // An assertion with such an id has no credential to go with it.
        to.registration(&format!("of {length} bytes"), CredentialIdLength, |it| {
            it.overrides.credential_id = Some(vec![7; length]);
        });
    }
    // No input of more than 64 KiB is read.
    to.registration("of 65,535 bytes", AttestationMalformed, |it| {
        it.overrides.credential_id = Some(vec![7; 65_535]);
    });
    to.registration("another than the response names", CredentialId, |it| {
        it.overrides.authenticator_data = Hook::new(|data: &mut Vec<u8>| data[55] ^= 1);
    });
    to.registration(
        "shorter than the response names",
        AuthenticatorDataMalformed,
        |it| {
            it.overrides.authenticator_data = Hook::new(|data: &mut Vec<u8>| data[54] -= 1);
        },
    );
    to.registration(
        "longer than all that follows",
        AuthenticatorDataMalformed,
        |it| {
            it.overrides.authenticator_data = Hook::new(|data: &mut Vec<u8>| data[53] = 0xff);
        },
    );
}

fn stored(to: &mut Catalogue) {
    let mut row = |name, expected: super::Verdict, change: fn(&mut Credential)| {
        to.assertion(name, expected, |it| it.stored = Hook::new(change));
    };
    row(
        "eligible for backup, the response is not",
        BackupEligibilityChanged.into(),
        |record| {
            record.backup_eligible = true;
        },
    );
    row("another id", CredentialId.into(), |record| {
        record.id[0] ^= 1;
    });
    row("a longer id", CredentialId.into(), |record| {
        record.id.push(0);
    });
    row("a key that is empty", StoredKey.into(), |record| {
        record.public_key.clear();
    });
    row("a key with a byte after it", StoredKey.into(), |record| {
        record.public_key.push(0);
    });
    row("a key that is cut short", StoredKey.into(), |record| {
        record.public_key.pop();
    });
    row(
        "another algorithm than its key's",
        StoredKey.into(),
        |record| {
            record.algorithm = Algorithm::EdDsa;
        },
    );
    row("no verified user", Accepted, |record| {
        record.user_verified = false;
    });
    row("another make", Accepted, |record| record.aaguid = [0; 16]);
    to.assertion(
        "not eligible for backup, the response is",
        BackupEligibilityChanged,
        |it| {
            it.flags = UP | UV | BE;
            it.stored = Hook::new(|record: &mut Credential| record.backup_eligible = false);
        },
    );
    to.assertion("not backed up, the response is", Accepted, |it| {
        it.flags = UP | UV | BE | BS;
        it.stored = Hook::new(|record: &mut Credential| record.backed_up = false);
    });
    to.assertion("backed up, the response is not", Accepted, |it| {
        it.flags = UP | UV | BE;
        it.stored = Hook::new(|record: &mut Credential| record.backed_up = true);
    });
}

fn lengths(to: &mut Catalogue) {
    for length in 0..37 {
        to.assertion(
            &format!("{length} bytes"),
            AuthenticatorDataMalformed,
            |it| {
                it.overrides.authenticator_data =
                    Hook::new(move |data: &mut Vec<u8>| data.truncate(length));
            },
        );
    }
    // 37 of data, 16 of AAGUID, 2 of length, 32 of id and 77 of key.
    for length in 0..164 {
        to.registration(
            &format!("{length} bytes"),
            AuthenticatorDataMalformed,
            |it| {
                it.overrides.authenticator_data =
                    Hook::new(move |data: &mut Vec<u8>| data.truncate(length));
            },
        );
    }
    to.both("a byte too many", AuthenticatorDataMalformed, |it| {
        it.overrides.authenticator_data = Hook::new(|data: &mut Vec<u8>| data.push(0));
    });
    to.both("a map too many", AuthenticatorDataMalformed, |it| {
        it.overrides.authenticator_data = Hook::new(|data: &mut Vec<u8>| data.push(0xa0));
    });
    // The attestation object of the registration: 30 bytes around its authenticator data.
    for length in 0..194 {
        to.registration(
            &format!("{length} bytes of attestation object"),
            AttestationMalformed,
            |it| {
                it.overrides.attestation_object =
                    Hook::new(move |object: &mut Vec<u8>| object.truncate(length));
            },
        );
    }
}
