//! What the browser says about the ceremony (`clientDataJSON`, §5.8.1): the only witness of the origin.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::base64url::Base64Url;
use crate::json::Object;
use crate::{CrossOrigin, Policy, Refusal};

/// §13.4.3: challenges hold at least this many bytes. A shorter one, such as the empty
/// one of a caller's mistake, is never equal to anything.
const MIN_CHALLENGE: usize = 16;

/// The two ceremonies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ceremony {
    Create,
    Get,
}

/// Client data that was read, and not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientData {
    pub(crate) ceremony: Option<Ceremony>,
    pub(crate) challenge: Vec<u8>,
    pub(crate) origin: String,
    pub(crate) cross_origin: bool,
    pub(crate) top_origin: Option<String>,
}

impl ClientData {
    /// Reads client data: members in any order, unknown ones ignored, known ones at most once.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Refusal> {
        // §7.1 step 5 and §7.2 step 8 decode UTF-8 and drop a byte order mark. Their decoder would
        // replace bytes that are not UTF-8; no browser writes such bytes, so they are refused.
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let text = std::str::from_utf8(json).map_err(|_| Refusal::ClientDataMalformed)?;
        // §7.1 step 6 and §7.2 step 9.
        let Object::<Json<'_>>(json) =
            serde_json::from_str(text).map_err(|_| Refusal::ClientDataMalformed)?;
        Ok(json.into())
    }

    /// Checks all that client data can be checked for without knowing the credential.
    pub(crate) fn check(
        &self,
        ceremony: Ceremony,
        policy: &Policy,
        challenge: &[u8],
    ) -> Result<(), Refusal> {
        // §7.1 step 7, §7.2 step 10: a registration is no assertion, nor the reverse.
        if self.ceremony != Some(ceremony) {
            return Err(Refusal::CeremonyType);
        }
        // §7.1 step 8, §7.2 step 11.
        if challenge.len() < MIN_CHALLENGE || self.challenge != challenge {
            return Err(Refusal::Challenge);
        }
        // §7.1 step 9, §7.2 step 12: whole strings. Anything cleverer lets a neighbour in (§13.4.9).
        if !policy.origins.contains(&self.origin) {
            return Err(Refusal::Origin);
        }
        self.check_frame(&policy.cross_origin)
    }

    fn check_frame(&self, policy: &CrossOrigin) -> Result<(), Refusal> {
        match policy {
            // §7.1 step 10, §7.2 step 13.
            CrossOrigin::Refuse if self.cross_origin => Err(Refusal::CrossOrigin),
            // §7.1 step 11, §7.2 step 14: its presence alone says that the page was framed.
            CrossOrigin::Refuse if self.top_origin.is_some() => Err(Refusal::TopOrigin),
            CrossOrigin::Refuse => Ok(()),
            CrossOrigin::Allow { top_origins } => match &self.top_origin {
                Some(top_origin) if !top_origins.contains(top_origin) => Err(Refusal::TopOrigin),
                _ => Ok(()),
            },
        }
    }
}

/// The members of `CollectedClientData`. Repeating one of them is an error: two readers might each
/// believe another one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    challenge: Base64Url,
    origin: String,
    #[serde(default)]
    cross_origin: Option<bool>,
    #[serde(default)]
    top_origin: Option<String>,
    #[serde(default, deserialize_with = "token_binding", rename = "tokenBinding")]
    _token_binding: (),
}

/// Token binding is reserved since Level 3, and old browsers still send it. Its form is checked (§5.8.1
/// of Level 2), its content is of no use.
#[derive(Deserialize)]
struct TokenBinding<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(default)]
    id: Option<Base64Url>,
}

fn token_binding<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    let Object(binding) = Object::<TokenBinding<'de>>::deserialize(deserializer)?;
    match (&*binding.status, binding.id) {
        ("supported" | "not-supported", _) | ("present", Some(_)) => Ok(()),
        _ => Err(D::Error::custom("malformed token binding")),
    }
}

impl From<Json<'_>> for ClientData {
    fn from(json: Json<'_>) -> Self {
        let ceremony = match &*json.kind {
            "webauthn.create" => Some(Ceremony::Create),
            "webauthn.get" => Some(Ceremony::Get),
            _ => None,
        };
        Self {
            ceremony,
            challenge: json.challenge.0,
            origin: json.origin,
            cross_origin: json.cross_origin.unwrap_or(false),
            top_origin: json.top_origin,
        }
    }
}
