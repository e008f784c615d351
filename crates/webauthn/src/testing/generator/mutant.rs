//! Valid ceremonies, damaged at random in one or two places.
//!
//! Some damage is done before the authenticator signs, so that what a verifier sees is malformed and
//! yet signed; the rest is done to what was signed.

use serde_json::{Value, json};

use super::Case;
use super::plan::Plan;
use crate::Algorithm;
use crate::testing::bytes::encode;
use crate::testing::{Attestation, Hook, cbor, flag};

/// A ceremony before and after the damage.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// The ceremony as it was: every verifier accepts it.
    pub original: Case,
    /// The ceremony as it is.
    pub case: Case,
    /// Whether bytes changed that a signature had already covered, or the signature itself: then
    /// nobody may accept it.
    pub breaks_signature: bool,
}

/// As many damaged ceremonies as wanted, the same for each seed but for the bytes of ECDSA
/// signatures and of the RSA key.
pub fn mutants(seed: u64) -> impl Iterator<Item = Mutant> {
    let mut random = SplitMix64(seed);
    (0_u64..).map(move |number| mutant(number, &mut SplitMix64(random.next())))
}

/// Vigna's generator, public domain: 64 bits of state, and every seed is as good as the next.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let below = self.next() % limit as u64;
        usize::try_from(below).expect("less than a usize")
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// Where the damage is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    // Before signing.
    ClientData,
    AuthenticatorData,
    Key,
    Statement,
    // After signing.
    SentClientData,
    SentAuthenticatorData,
    Signature,
    AttestationObject,
    // Never signed.
    Ids,
    UserHandle,
    Member,
    Text,
}

const OF_REGISTRATIONS: [Part; 10] = [
    Part::ClientData,
    Part::AuthenticatorData,
    Part::Key,
    Part::Statement,
    Part::SentClientData,
    Part::SentAuthenticatorData,
    Part::AttestationObject,
    Part::Ids,
    Part::Member,
    Part::Text,
];

const OF_ASSERTIONS: [Part; 9] = [
    Part::ClientData,
    Part::AuthenticatorData,
    Part::SentClientData,
    Part::SentAuthenticatorData,
    Part::Signature,
    Part::Ids,
    Part::UserHandle,
    Part::Member,
    Part::Text,
];

/// A valid ceremony, of which there are some hundred.
#[derive(Debug, Clone, Copy)]
struct Shape {
    registration: bool,
    algorithm: Algorithm,
    self_attested: bool,
    flags: u8,
    sign_count: u32,
    extended: bool,
}

impl Shape {
    fn of(random: &mut SplitMix64) -> Self {
        // Signing with RSA is slow, and its ceremonies differ least from the others.
        let algorithms = [Algorithm::Es256, Algorithm::EdDsa];
        let rare = random.below(10) == 0;
        Self {
            registration: random.below(2) == 0,
            algorithm: if rare {
                Algorithm::Rs256
            } else {
                random.one_of(&algorithms)
            },
            self_attested: random.below(2) == 0,
            flags: flag::UP | flag::UV | random.one_of(&[0, flag::BE, flag::BE | flag::BS]),
            sign_count: random.one_of(&[0, 1, 77]),
            extended: random.below(8) == 0,
        }
    }

    fn plan(self) -> Plan {
        let mut plan = Plan {
            algorithm: self.algorithm,
            flags: self.flags,
            ..Plan::default()
        };
        plan.overrides.sign_count = Some(self.sign_count);
        if self.self_attested {
            plan.overrides.attestation = Some(Attestation::PackedSelf);
        }
        if self.extended {
            let output = (cbor::text("credProtect"), cbor::integer(2));
            plan.overrides.extensions = Some(cbor::map(&[output]));
        }
        plan
    }

    fn case(self, plan: Plan, name: String) -> Case {
        if self.registration {
            plan.registration(name)
        } else {
            plan.assertion(name)
        }
    }
}

fn mutant(number: u64, random: &mut SplitMix64) -> Mutant {
    let shape = Shape::of(random);
    let parts: &[Part] = if shape.registration {
        &OF_REGISTRATIONS
    } else {
        &OF_ASSERTIONS
    };
    let mut damaged = vec![random.one_of(parts)];
    if random.below(3) == 0 {
        damaged.push(random.one_of(parts));
    }
    let name = format!("mutant {number}: {damaged:?} of {shape:?}");
    let original = shape.case(shape.plan(), format!("original of {name}"));
    let mut plan = shape.plan();
    for &part in &damaged {
        damage_before_signing(&mut plan, part, random.next());
    }
    let signed = shape.case(plan, name);
    let mut json: Value = serde_json::from_str(&signed.response).expect("JSON until it is damaged");
    for &part in &damaged {
        damage_after_signing(&mut json, part, random);
    }
    let mut case = Case {
        response: json.to_string(),
        ..signed.clone()
    };
    if damaged.contains(&Part::Text) {
        damage_text(&mut case.response, random);
    }
    let breaks_signature = if shape.registration {
        shape.self_attested && breaks_self_attestation(&damaged, &signed, &case)
    } else {
        ["clientDataJSON", "authenticatorData", "signature"]
            .iter()
            .any(|member| differ(&signed, &case, member))
    };
    Mutant {
        original,
        case,
        breaks_signature,
    }
}

/// Whether a member of both responses holds other bytes.
fn differ(before: &Case, after: &Case, member: &str) -> bool {
    let bytes = |case: &Case| {
        let json: Value = serde_json::from_str(&case.response).ok()?;
        base64url(json["response"][member].as_str()?)
    };
    // What is no longer readable was refused before anyone looked for a signature.
    matches!((bytes(before), bytes(after)), (Some(before), Some(after)) if before != after)
}

fn base64url(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .ok()
}

/// An attestation object may be written in other ways, so only damage that was aimed at its
/// authenticator data counts.
fn breaks_self_attestation(damaged: &[Part], before: &Case, after: &Case) -> bool {
    let aimed = damaged.contains(&Part::SentAuthenticatorData)
        && !damaged.contains(&Part::AttestationObject);
    differ(before, after, "clientDataJSON") || (aimed && differ(before, after, "attestationObject"))
}

fn damage_before_signing(plan: &mut Plan, part: Part, seed: u64) {
    let overrides = &mut plan.overrides;
    let (hook, edit): (_, fn(&mut Vec<u8>, &mut SplitMix64)) = match part {
        Part::ClientData => (&mut overrides.client_data_json, edit_client_data),
        Part::AuthenticatorData => (&mut overrides.authenticator_data, edit),
        Part::Key => (&mut overrides.public_key, edit),
        Part::Statement => (&mut overrides.attestation_statement, edit),
        _ => return,
    };
    *hook = Hook::new(move |bytes: &mut Vec<u8>| edit(bytes, &mut SplitMix64(seed)));
}

fn damage_after_signing(json: &mut Value, part: Part, random: &mut SplitMix64) {
    match part {
        Part::SentClientData => edit_member(json, "/response/clientDataJSON", random),
        Part::SentAuthenticatorData if json.pointer("/response/attestationObject").is_some() => {
            edit_attested_data(json, random);
        }
        Part::SentAuthenticatorData => edit_member(json, "/response/authenticatorData", random),
        Part::Signature => edit_member(json, "/response/signature", random),
        Part::AttestationObject => edit_member(json, "/response/attestationObject", random),
        Part::UserHandle => edit_member(json, "/response/userHandle", random),
        Part::Ids => {
            edit_member(json, "/id", random);
            if random.below(4) != 0 {
                json["rawId"] = json["id"].clone();
            }
        }
        Part::Member => damage_member(json, random),
        _ => {}
    }
}

/// Edits the bytes of a member, unless earlier damage left no bytes there.
fn edit_member(json: &mut Value, pointer: &str, random: &mut SplitMix64) {
    let Some(member) = json.pointer_mut(pointer) else {
        return;
    };
    if let Some(mut bytes) = member.as_str().and_then(base64url) {
        edit(&mut bytes, random);
        *member = json!(encode(&bytes));
    }
}

/// Edits the authenticator data at the end of an attestation object, and keeps the object whole.
fn edit_attested_data(json: &mut Value, random: &mut SplitMix64) {
    let bytes = |member: &str| json["response"][member].as_str().and_then(base64url);
    let (Some(object), Some(mut data)) = (bytes("attestationObject"), bytes("authenticatorData"))
    else {
        return;
    };
    let Some(head) = object.strip_suffix(&cbor::bytes(&data)[..]) else {
        return;
    };
    edit(&mut data, random);
    let object = [head, &cbor::bytes(&data)].concat();
    json["response"]["attestationObject"] = json!(encode(&object));
}

/// Removes a member, or gives it another value.
fn damage_member(json: &mut Value, random: &mut SplitMix64) {
    let inside = random.below(2) == 0;
    let Some(members) = (if inside { &mut json["response"] } else { json }).as_object_mut() else {
        return;
    };
    let names: Vec<_> = members.keys().cloned().collect();
    if names.is_empty() {
        return;
    }
    let name = names[random.below(names.len())].clone();
    let values = [
        json!(null),
        json!(0),
        json!(""),
        json!("AA"),
        json!("public-key"),
        json!([]),
        json!({}),
        json!(true),
    ];
    match random.below(values.len() + 1) {
        0 => drop(members.remove(&name)),
        choice => drop(members.insert(name, values[choice - 1].clone())),
    }
}

fn damage_text(text: &mut String, random: &mut SplitMix64) {
    let mut bytes = std::mem::take(text).into_bytes();
    edit(&mut bytes, random);
    // Strings are UTF-8, here as in the caller's HTTP layer.
    *text = String::from_utf8_lossy(&bytes).into_owned();
}

fn edit_client_data(json: &mut Vec<u8>, random: &mut SplitMix64) {
    const MEMBERS: [&str; 12] = [
        r#""type":"webauthn.get","#,
        r#""type":"webauthn.create","#,
        r#""origin":"https://example.org","#,
        r#""crossOrigin":true,"#,
        r#""crossOrigin":null,"#,
        r#""topOrigin":"https://example.org","#,
        r#""topOrigin":null,"#,
        r#""tokenBinding":{"status":"supported"},"#,
        r#""tokenBinding":{"status":"present"},"#,
        r#""x":[{"y":1e400}],"#,
        r#""x":"\ud800","#,
        " ",
    ];
    if random.below(2) == 0 {
        return edit(json, random);
    }
    let member = random.one_of(&MEMBERS).bytes();
    let places: Vec<_> = (1..json.len())
        .filter(|&at| matches!(json[at - 1], b',' | b'{'))
        .collect();
    let at = random.one_of(&places);
    json.splice(at..at, member);
}

/// One small change.
fn edit(bytes: &mut Vec<u8>, random: &mut SplitMix64) {
    if bytes.is_empty() {
        return bytes.push(0);
    }
    let at = random.below(bytes.len());
    let interesting = random.one_of(&[
        0, 1, 0x1f, 0x20, 0x40, 0x58, 0x5f, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xf6, 0xff,
    ]);
    match random.below(8) {
        0..=2 => bytes[at] ^= 1 << random.below(8),
        3 => bytes[at] = interesting,
        4 => bytes.insert(at, interesting),
        5 => drop(bytes.remove(at)),
        6 => bytes.truncate(at),
        _ => {
            let slice = bytes[at..].to_vec();
            let length = slice.len().min(1 + random.below(8));
            bytes.extend(&slice[..length]);
        }
    }
}
