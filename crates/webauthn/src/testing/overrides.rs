//! What one ceremony does differently.

use serde_json::{Map, Value};

use super::{Attestation, Passkey};

/// Deviations for one ceremony. The default deviates in nothing.
///
/// Plain values replace what the authenticator and the browser would say, and are signed. Hooks get
/// at the bytes: those named `sent_…`, `signature`, `attestation_…` and `response` after signing, the
/// others before.
///
/// ```
/// use doorward_webauthn::testing::{Hook, Overrides};
///
/// let overrides = Overrides {
///     sign_count: Some(7),
///     signature: Hook::new(|signature: &mut Vec<u8>| signature.push(0)),
///     ..Overrides::default()
/// };
/// # let _ = overrides;
/// ```
#[derive(Debug, Default)]
pub struct Overrides {
    /// The client data's `type`.
    pub ceremony: Option<String>,
    /// The client data's `challenge`, as text.
    pub challenge: Option<String>,
    /// The client data's `crossOrigin`.
    pub cross_origin: Option<bool>,
    /// The client data's `topOrigin`, absent by default.
    pub top_origin: Option<String>,
    /// Further members of the client data.
    pub extra_client_data: Map<String, Value>,
    /// The RP ID that the authenticator signs for.
    pub rp_id: Option<String>,
    /// The whole flags byte, whether or not AT and ED match what follows.
    pub flags: Option<u8>,
    /// The signature counter to send. It is not remembered.
    pub sign_count: Option<u32>,
    /// The extension outputs, as CBOR: sets ED.
    pub extensions: Option<Vec<u8>>,
    /// The id of the passkey to create, or of the one to use.
    pub credential_id: Option<Vec<u8>>,
    /// The user handle to send.
    pub user_handle: Option<Vec<u8>>,
    /// The attestation for this ceremony.
    pub attestation: Option<Attestation>,
    /// An attestation of a format of the test's own, instead.
    pub attest: Attest,
    /// The new public key's COSE form.
    pub public_key: Hook,
    /// The client data, before it is hashed.
    pub client_data_json: Hook,
    /// The authenticator data, before it is signed.
    pub authenticator_data: Hook,
    /// The signature of the assertion, or of the self attestation.
    pub signature: Hook,
    /// The attestation statement's CBOR.
    pub attestation_statement: Hook,
    /// The client data as sent: no longer what was signed.
    pub sent_client_data_json: Hook,
    /// The authenticator data as sent: no longer what was signed.
    pub sent_authenticator_data: Hook,
    /// The attestation object as sent.
    pub attestation_object: Hook,
    /// The whole response as JSON.
    pub response: Hook<Value>,
}

/// Writes an attestation: the format and the statement's CBOR. The default leaves it to the authenticator.
#[derive(Default)]
pub struct Attest(Option<WriteStatement>);

type WriteStatement = Box<dyn Fn(&AttestationInput<'_>) -> (String, Vec<u8>) + Send + Sync>;

/// What an attestation is made from.
#[derive(Debug, Clone, Copy)]
pub struct AttestationInput<'a> {
    /// The new passkey.
    pub passkey: &'a Passkey,
    /// The authenticator data.
    pub authenticator_data: &'a [u8],
    /// The hash of the client data.
    pub client_data_hash: &'a [u8; 32],
}

impl Attest {
    /// Attests by a function of the test's own.
    pub fn new(
        write: impl Fn(&AttestationInput<'_>) -> (String, Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Box::new(write)))
    }

    pub(super) fn write(&self, input: &AttestationInput<'_>) -> Option<(String, Vec<u8>)> {
        self.0.as_ref().map(|write| write(input))
    }
}

impl std::fmt::Debug for Attest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "Attest(..)"
        } else {
            "Attest"
        })
    }
}

/// A change to bytes, or to another value, at one point of a ceremony. The default changes nothing.
pub struct Hook<T = Vec<u8>>(Option<Change<T>>);

type Change<T> = Box<dyn Fn(&mut T) + Send + Sync>;

impl<T> Hook<T> {
    /// A hook that changes the value in place.
    pub fn new(change: impl Fn(&mut T) + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(change)))
    }

    pub(super) fn apply(&self, mut value: T) -> T {
        if let Some(change) = &self.0 {
            change(&mut value);
        }
        value
    }
}

impl<T> Default for Hook<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> std::fmt::Debug for Hook<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Hook(..)" } else { "Hook" })
    }
}
