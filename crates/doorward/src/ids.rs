//! Identifiers: 16 bytes, in the order of their making.
//!
//! 48 bits of Unix milliseconds, one byte of *shard*, nine random bytes. Rows are inserted in time
//! order, and the shard, which a user's sessions and events share with the user, is known from the
//! identifier alone.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, Serializer};

use crate::{secret::Entropy, time::Timestamp};

/// The bytes of every identifier.
pub(crate) type IdBytes = [u8; 16];

/// Says how an identifier is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an id of 22 base64url characters")]
pub struct NotAnId;

/// A fresh identifier in the given shard.
pub(crate) fn fresh(entropy: &Entropy, now: Timestamp, shard: u8) -> IdBytes {
    let mut id: IdBytes = entropy.bytes();
    id[..6].copy_from_slice(&now.as_millis().to_be_bytes()[2..]);
    id[6] = shard;
    id
}

/// What comes after all identifiers of this moment, and before those of all later ones. Before 1970 there are none, and a
/// clock that is there has not been set yet.
pub(crate) fn last_of(moment: Timestamp) -> IdBytes {
    let mut id = [0xff; 16];
    id[..6].copy_from_slice(&moment.as_millis().max(0).to_be_bytes()[2..]);
    id
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) IdBytes);

        impl $name {
            /// The 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &IdBytes {
                &self.0
            }

            /// The shard: equal for a user and everything that is the user's.
            #[must_use]
            pub const fn shard(&self) -> u8 {
                self.0[6]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; 22];
                // 16 bytes are 22 characters, always.
                let _ = URL_SAFE_NO_PAD.encode_slice(self.0, &mut text);
                f.write_str(std::str::from_utf8(&text).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let mut id = [0; 16];
                match URL_SAFE_NO_PAD.decode_slice(text, &mut id) {
                    Ok(16) => Ok(Self(id)),
                    _ => Err(NotAnId),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

ids! {
    /// Who someone is, for as long as the account lives.
    UserId;
    /// One session. Public: it selects a session and opens nothing.
    SessionId;
    /// One mailed code.
    CodeId;
    /// One audit event.
    EventId;
    /// One role.
    RoleId;
    /// One message waiting to be sent.
    MessageId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_what_they_write_and_nothing_else() {
        let id = UserId(fresh(
            &Entropy::seeded(1),
            Timestamp::from_millis(1_777_777_777_000),
            9,
        ));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.shard(), 9);

        for text in [
            "",
            "a",
            "AAAAAAAAAAAAAAAAAAAAAB",
            "AAAAAAAAAAAAAAAAAAAAAA=",
            "AAAAAAAAAAAAAAAAAAAAA\0",
        ] {
            assert_eq!(text.parse::<UserId>(), Err(NotAnId), "{text:?}");
        }
    }

    #[test]
    fn later_ids_sort_later() {
        let entropy = Entropy::seeded(1);
        let early = UserId(fresh(&entropy, Timestamp::from_millis(1000), 255));
        let late = UserId(fresh(&entropy, Timestamp::from_millis(1001), 0));
        assert!(early < late);
        let last = UserId(last_of(Timestamp::from_millis(1000)));
        assert!(early < last && last < late);
    }

    #[test]
    fn no_id_is_of_a_time_before_1970() {
        let first = UserId(fresh(&Entropy::seeded(1), Timestamp::from_millis(1), 0));
        assert!(UserId(last_of(Timestamp::from_millis(-1))) < first);
    }
}
