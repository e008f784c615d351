//! What a page passes to `navigator.credentials`: the JSON forms of the options (§5.1.8, §5.1.9).
//!
//! Options repeat the [`Policy`], so that what is offered is what verification will accept.

use serde::Serialize;

use crate::{Algorithm, Credential, Policy, ResidentKey, UserVerification, base64url};

/// How long a browser lets a person take, in milliseconds. §15.1 recommends five to ten minutes.
pub const TIMEOUT_MILLISECONDS: u32 = 300_000;

/// `PublicKeyCredentialCreationOptionsJSON`: asks for a new passkey.
///
/// ```
/// use doorward_webauthn::Policy;
/// use doorward_webauthn::options::{CreationOptions, User};
///
/// let policy = Policy::new("example.org", ["https://example.org"]);
/// let user = User { id: vec![7; 64], name: "ada@example.org".into(), display_name: "Ada".into() };
/// let options = CreationOptions::new(&policy, "Example", user, vec![1; 32]);
///
/// let json = serde_json::to_value(&options)?;
/// assert_eq!(json["authenticatorSelection"]["residentKey"], "required");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    rp: RelyingParty,
    user: User,
    #[serde(serialize_with = "base64url::serialize")]
    challenge: Vec<u8>,
    pub_key_cred_params: Vec<Parameters>,
    timeout: u32,
    exclude_credentials: Vec<Descriptor>,
    authenticator_selection: AuthenticatorSelection,
    attestation: &'static str,
    extensions: Extensions,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<String>,
}

impl CreationOptions {
    /// Options for a user. The challenge holds at least 16 random bytes and is used once.
    pub fn new(
        policy: &Policy,
        rp_name: impl Into<String>,
        user: User,
        challenge: Vec<u8>,
    ) -> Self {
        Self {
            rp: RelyingParty {
                id: policy.rp_id.clone(),
                name: rp_name.into(),
            },
            user,
            challenge,
            pub_key_cred_params: policy
                .algorithms
                .iter()
                .copied()
                .map(Parameters::from)
                .collect(),
            timeout: TIMEOUT_MILLISECONDS,
            exclude_credentials: Vec::new(),
            authenticator_selection: AuthenticatorSelection {
                resident_key: policy.resident_key,
                require_resident_key: policy.resident_key == ResidentKey::Required,
                user_verification: policy.user_verification,
            },
            attestation: attestation(policy),
            extensions: Extensions { cred_props: true },
            hints: Vec::new(),
        }
    }

    /// Names the credentials that the user already has, so that no authenticator makes a second one.
    #[must_use]
    pub fn exclude(mut self, credentials: impl IntoIterator<Item = Descriptor>) -> Self {
        self.exclude_credentials.extend(credentials);
        self
    }

    /// Suggests kinds of authenticators (`PublicKeyCredentialHint`): `client-device`, `security-key`, `hybrid`.
    #[must_use]
    pub fn hint<H: Into<String>>(mut self, hints: impl IntoIterator<Item = H>) -> Self {
        self.hints.extend(hints.into_iter().map(Into::into));
        self
    }
}

/// Browsers pass certificates on only if asked (§5.4.7), and people may be asked in turn.
fn attestation(policy: &Policy) -> &'static str {
    if policy.formats.iter().any(|format| format.is_certified()) {
        "direct"
    } else {
        "none"
    }
}

/// `PublicKeyCredentialRequestOptionsJSON`: asks for a passkey that exists.
///
/// Without [`RequestOptions::allow`] the options are the same for everyone, except for the challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestOptions {
    #[serde(serialize_with = "base64url::serialize")]
    challenge: Vec<u8>,
    timeout: u32,
    rp_id: String,
    allow_credentials: Vec<Descriptor>,
    user_verification: UserVerification,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<String>,
}

impl RequestOptions {
    /// Options for anyone. The challenge holds at least 16 random bytes and is used once.
    #[must_use]
    pub fn new(policy: &Policy, challenge: Vec<u8>) -> Self {
        Self {
            challenge,
            timeout: TIMEOUT_MILLISECONDS,
            rp_id: policy.rp_id.clone(),
            allow_credentials: Vec::new(),
            user_verification: policy.user_verification,
            hints: Vec::new(),
        }
    }

    /// Names the credentials that may be used. Only for someone who has signed in: to anyone else it
    /// would tell who has an account (§14.6.3).
    #[must_use]
    pub fn allow(mut self, credentials: impl IntoIterator<Item = Descriptor>) -> Self {
        self.allow_credentials.extend(credentials);
        self
    }

    /// Suggests kinds of authenticators (`PublicKeyCredentialHint`): `client-device`, `security-key`, `hybrid`.
    #[must_use]
    pub fn hint<H: Into<String>>(mut self, hints: impl IntoIterator<Item = H>) -> Self {
        self.hints.extend(hints.into_iter().map(Into::into));
        self
    }
}

/// Whom a new credential is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The user handle: 1 to 64 bytes, random, without personal information (§14.6.1). It comes back
    /// with every assertion.
    #[serde(serialize_with = "base64url::serialize")]
    pub id: Vec<u8>,
    /// What tells this account from the person's others, such as an email address.
    pub name: String,
    /// What the person is called.
    pub display_name: String,
}

/// A credential, by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Descriptor {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(serialize_with = "base64url::serialize")]
    id: Vec<u8>,
    transports: Vec<String>,
}

impl Descriptor {
    /// Names a credential, and how its authenticator can be reached.
    #[must_use]
    pub fn new(id: Vec<u8>, transports: Vec<String>) -> Self {
        Self {
            kind: "public-key",
            id,
            transports,
        }
    }
}

impl From<&Credential> for Descriptor {
    fn from(credential: &Credential) -> Self {
        Self::new(credential.id.clone(), credential.transports.clone())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct RelyingParty {
    id: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Parameters {
    #[serde(rename = "type")]
    kind: &'static str,
    alg: i64,
}

impl From<Algorithm> for Parameters {
    fn from(algorithm: Algorithm) -> Self {
        Self {
            kind: "public-key",
            alg: algorithm.cose_id(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthenticatorSelection {
    resident_key: ResidentKey,
    /// What Level 1 browsers understand instead.
    require_resident_key: bool,
    user_verification: UserVerification,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    cred_props: bool,
}
