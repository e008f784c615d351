//! What a relying party stores: it comes back as it was, and is then worth exactly as much.

use doorward_webauthn::options::{CreationOptions, Descriptor, RequestOptions, User};
use doorward_webauthn::testing::{Hook, Overrides, flag, parse};
use doorward_webauthn::{Algorithm, CounterPolicy, Credential, Policy};
use proptest::prelude::*;
use proptest::{collection, option};
use serde_json::json;

use crate::ceremony::{CHALLENGE, Ceremony, ORIGIN, RP_ID, USER_HANDLE, assertion, registration};

/// A record as a database has it: numbers, bytes and text.
struct Row {
    id: Vec<u8>,
    public_key: Vec<u8>,
    algorithm: i64,
    sign_count: i64,
    aaguid: Vec<u8>,
    transports: String,
    flags: [bool; 3],
}

fn store(credential: &Credential) -> Row {
    Row {
        id: credential.id.clone(),
        public_key: credential.public_key.clone(),
        algorithm: credential.algorithm.cose_id(),
        sign_count: credential.sign_count.into(),
        aaguid: credential.aaguid.to_vec(),
        transports: credential.transports.join(","),
        flags: [
            credential.user_verified,
            credential.backup_eligible,
            credential.backed_up,
        ],
    }
}

fn load(row: Row) -> Credential {
    let names = row.transports.split(',').filter(|name| !name.is_empty());
    let transports = names.map(str::to_owned).collect();
    let [user_verified, backup_eligible, backed_up] = row.flags;
    Credential {
        id: row.id,
        public_key: row.public_key,
        algorithm: row.algorithm.try_into().unwrap(),
        sign_count: row.sign_count.try_into().unwrap(),
        aaguid: row.aaguid.try_into().unwrap(),
        transports,
        user_verified,
        backup_eligible,
        backed_up,
    }
}

fn algorithms() -> impl Strategy<Value = Algorithm> {
    prop_oneof![
        Just(Algorithm::EdDsa),
        Just(Algorithm::Es256),
        Just(Algorithm::Rs256)
    ]
}

/// The flags that a registration may have.
fn flags() -> impl Strategy<Value = u8> {
    let backup = [0, flag::BE, flag::BE | flag::BS];
    prop::sample::select(backup.to_vec()).prop_map(|backup| flag::UP | flag::UV | backup)
}

/// What clients may say of transports: names as they are, and anything else.
fn transports() -> impl Strategy<Value = Vec<String>> {
    collection::vec("[a-z-]{1,10}|.{0,40}|usb,nfc", 0..12)
}

/// Deviations that the record tells of.
fn overrides() -> impl Strategy<Value = Overrides> {
    let id = option::of(collection::vec(any::<u8>(), 1..=1023));
    (id, flags(), any::<u32>()).prop_map(|(credential_id, flags, sign_count)| Overrides {
        credential_id,
        flags: Some(flags | flag::AT),
        sign_count: Some(sign_count),
        ..Overrides::default()
    })
}

/// The same COSE key in other bytes: each number below 24 has a head of two bytes.
fn respelled(key: &[u8]) -> Vec<u8> {
    let mut long = vec![0xb8, key[0] & 0x1f];
    let mut rest = &key[1..];
    while let [first, after @ ..] = rest {
        let (major, low) = (first & 0xe0, first & 0x1f);
        // Of all that a COSE key holds, only byte strings are longer than their heads.
        let length = match (major, low) {
            (0x40, 0..0x18) => low.into(),
            (0x40, 0x18) => 1 + usize::from(after[0]),
            (0x40, _) => 2 + usize::from(after[0]) * 256 + usize::from(after[1]),
            (_, low) => low.saturating_sub(0x17).into(),
        };
        match low {
            0..0x18 => long.extend([major | 0x18, low]),
            _ => long.push(*first),
        }
        long.extend(&after[..length]);
        rest = &after[length..];
    }
    long
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Item 27.
    #[test]
    fn a_record_comes_back_as_it_was_and_verifies_the_same(
        algorithm in algorithms(), overrides in overrides(), aaguid: [u8; 16], names in transports(), count: u32,
    ) {
        let mut ceremony = Ceremony::with(algorithm);
        ceremony.authenticator.aaguid = aaguid;
        ceremony.authenticator.transports = names;
        let credential = ceremony.register_with(&overrides).unwrap().into_credential();

        let loaded = load(store(&credential));
        prop_assert_eq!(&loaded, &credential);

        let json = ceremony.get(&Overrides {
            flags: overrides.flags.map(|flags| flags & !flag::AT),
            sign_count: Some(count),
            ..Overrides::default()
        });
        let verify = |stored| assertion(json.clone()).verify(&ceremony.policy, &CHALLENGE, stored, &USER_HANDLE);
        prop_assert_eq!(verify(&loaded), verify(&credential));
        let grew = count > credential.sign_count || (count, credential.sign_count) == (0, 0);
        prop_assert_eq!(verify(&loaded).is_ok(), grew);
    }

    /// Items 27, 30.
    #[test]
    fn a_key_is_stored_as_it_was_written_and_stays_the_same_key(algorithm in algorithms(), respell: bool) {
        let mut ceremony = Ceremony::with(algorithm);
        let mut overrides = Overrides::default();
        if respell {
            overrides.public_key = Hook::new(|key: &mut Vec<u8>| *key = respelled(key));
        }

        let stored = load(store(ceremony.register_with(&overrides).unwrap().credential()));

        let original = ceremony.authenticator.passkeys()[0].public_key();
        prop_assert_eq!(stored.public_key == original, !respell);
        prop_assert!(parse::is_same_public_key(&stored.public_key, &original));
        prop_assert_eq!(parse::public_key(&stored.public_key), Some(stored.algorithm));
        prop_assert!(ceremony.assert_with(&stored, &Overrides::default()).is_ok());
    }

    /// Items 22, 27.
    #[test]
    fn options_give_back_the_id_and_the_transports_that_were_stored(names in transports()) {
        let mut ceremony = Ceremony::new();
        ceremony.authenticator.transports = names;
        let stored = ceremony.register();

        let excluding = CreationOptions::new(&ceremony.policy, "Example", user(&[1]), CHALLENGE.to_vec())
            .exclude([Descriptor::from(&stored)]);
        let allowing = RequestOptions::new(&ceremony.policy, CHALLENGE.to_vec()).allow([Descriptor::from(&stored)]);

        let [excluding, allowing] = [json!(excluding), json!(allowing)];
        for descriptor in [&excluding["excludeCredentials"][0], &allowing["allowCredentials"][0]] {
            prop_assert_eq!(&descriptor["transports"], &json!(stored.transports));
            // A client that says of itself what it was told is stored as before.
            let mut json = ceremony.create(&Overrides::default());
            json["id"].clone_from(&descriptor["id"]);
            json["rawId"].clone_from(&descriptor["id"]);
            json["response"]["transports"].clone_from(&descriptor["transports"]);
            let again = registration(json);
            prop_assert_eq!(again.unauthenticated_credential_id(), &stored.id);
            prop_assert_eq!(again.transports(), &stored.transports);
        }
    }

    /// Items 20, 39.
    #[test]
    fn a_challenge_and_a_user_handle_come_back_as_they_were(
        challenge in collection::vec(any::<u8>(), 16..100), handle in collection::vec(any::<u8>(), 1..=64),
    ) {
        let mut authenticator = Ceremony::with(Algorithm::EdDsa).authenticator;
        let policy = Policy::new(RP_ID, [ORIGIN]);
        let options = CreationOptions::new(&policy, "Example", user(&handle), challenge.clone());

        let created = registration(authenticator.create(&json!(options), ORIGIN));
        let got = authenticator.get(&json!(RequestOptions::new(&policy, challenge.clone())), ORIGIN);
        let got = assertion(got);

        prop_assert_eq!(created.unauthenticated_challenge(), Some(challenge.clone()));
        prop_assert_eq!(got.unauthenticated_challenge(), Some(challenge.clone()));
        prop_assert_eq!(got.unauthenticated_user_handle(), Some(&*handle));
        let stored = created.verify(&policy, &challenge).unwrap().into_credential();
        prop_assert!(got.verify(&policy, &challenge, &stored, &handle).is_ok());
    }

    /// Items 44, 47.
    #[test]
    fn what_is_stored_after_each_assertion_is_the_highest_counter_and_the_last_backup_state(
        uses in collection::vec((0..20_u32, any::<bool>()), 1..12), refuse: bool,
    ) {
        let mut ceremony = Ceremony::with(Algorithm::EdDsa);
        ceremony.authenticator.flags |= flag::BE;
        ceremony.policy.counter = if refuse { CounterPolicy::Refuse } else { CounterPolicy::Warn };
        let mut stored = ceremony.register();
        let mut highest = 0;

        for (count, backed_up) in uses {
            let backup = if backed_up { flag::BS } else { 0 };
            let flags = Some(ceremony.authenticator.flags | backup);
            let overrides = Overrides { sign_count: Some(count), flags, ..Overrides::default() };
            let verdict = ceremony.assert_with(&stored, &overrides);

            let grew = count > highest || (count, highest) == (0, 0);
            prop_assert_eq!(verdict.is_ok(), grew || !refuse);
            let Ok(verdict) = verdict else { continue };
            highest = highest.max(count);
            prop_assert_eq!(verdict.counter_regressed(), !grew);
            prop_assert_eq!(verdict.sign_count(), highest);
            prop_assert_eq!(verdict.backed_up(), backed_up);
            stored.sign_count = verdict.sign_count();
            stored.backed_up = verdict.backed_up();
            stored = load(store(&stored));
        }
    }
}

fn user(handle: &[u8]) -> User {
    User {
        id: handle.to_vec(),
        name: "ada@example.org".to_owned(),
        display_name: "Ada".to_owned(),
    }
}

/// Item 28.
#[test]
fn an_algorithm_and_its_number_are_the_same() {
    let known: Vec<_> = (-70_000..70_000_i64)
        .filter_map(|number| Some((number, Algorithm::try_from(number).ok()?)))
        .collect();

    assert!(
        known
            .iter()
            .all(|(number, algorithm)| algorithm.cose_id() == *number)
    );
    for algorithm in Policy::new(RP_ID, [ORIGIN]).algorithms {
        assert!(known.contains(&(algorithm.cose_id(), algorithm)));
    }
}
