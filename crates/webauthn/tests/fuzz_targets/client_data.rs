use doorward_webauthn::testing::parse::{self, ClientData};

use super::members::Members;

/// Client data is accepted exactly if the second reading accepts it, and means the same.
pub fn client_data(data: &[u8]) {
    assert_eq!(parse::client_data(data), read(data));
}

/// The second reading (§5.8.1).
pub fn read(data: &[u8]) -> Option<ClientData> {
    let text = std::str::from_utf8(data).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let members = Members::read(text.as_bytes())?;
    let kind: String = members.get("type")?;
    let client_data = ClientData {
        ceremony: ["webauthn.create", "webauthn.get"]
            .into_iter()
            .find(|name| *name == kind),
        challenge: members.bytes("challenge")?,
        origin: members.get("origin")?,
        cross_origin: members.optional("crossOrigin")?,
        top_origin: members.optional("topOrigin")?,
    };
    let token_binding =
        !members.has("tokenBinding") || is_token_binding(&members.get("tokenBinding")?);
    token_binding.then_some(client_data)
}

/// `TokenBinding` of Level 2.
fn is_token_binding(binding: &Members) -> bool {
    let status: Option<String> = binding.get("status");
    match status.as_deref() {
        Some("supported" | "not-supported") => binding.optional_bytes("id").is_some(),
        Some("present") => binding.bytes("id").is_some(),
        _ => false,
    }
}
