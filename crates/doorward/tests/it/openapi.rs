//! The API's description of itself.

use std::collections::BTreeSet;

use doorward::testing::World;
use serde_json::Value;

/// The reference's thirteen operations, and those beyond it.
pub(crate) const OPERATIONS: [(&str, &str); 22] = [
    ("POST", "/auth/verify"),
    ("POST", "/auth/sessions/"),
    ("GET", "/auth/sessions/"),
    ("DELETE", "/auth/sessions/"),
    ("GET", "/auth/sessions/current"),
    ("GET", "/auth/sessions/current/permissions"),
    ("DELETE", "/auth/sessions/{id}"),
    ("POST", "/auth/passkeys/register/options"),
    ("POST", "/auth/passkeys/register/verify"),
    ("POST", "/auth/passkeys/authenticate/options"),
    ("POST", "/auth/passkeys/authenticate/verify"),
    ("GET", "/auth/passkeys/"),
    ("DELETE", "/auth/passkeys/{id}"),
    // Beyond the reference.
    ("DELETE", "/auth/sessions/others"),
    ("DELETE", "/auth/sessions/all"),
    ("PATCH", "/auth/passkeys/{id}"),
    ("GET", "/auth/me"),
    ("PATCH", "/auth/me"),
    ("DELETE", "/auth/me"),
    ("POST", "/auth/me/email"),
    ("POST", "/auth/me/email/confirm"),
    ("GET", "/auth/me/events"),
];

/// The document as it is served.
pub(crate) async fn document(world: &World) -> Value {
    world.native().get("/openapi.json").await.ok()
}

/// Every operation of a document: method, path, what is said of it.
pub(crate) fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, &Value)| {
        let path = path.clone();
        let operations = item.as_object().expect("operations").clone();
        operations
            .into_iter()
            .map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    };
    paths.iter().flat_map(of_path).collect()
}

#[tokio::test]
async fn the_document_lists_exactly_what_is_built() {
    let world = World::new().await;
    let document = document(&world).await;

    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1."),
        "{}",
        document["openapi"]
    );
    assert_eq!(document["info"]["title"], "Doorward");
    let listed: BTreeSet<_> = operations(&document)
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    let expected: BTreeSet<_> = OPERATIONS
        .map(|(method, path)| (method.to_owned(), path.to_owned()))
        .into();
    assert_eq!(listed, expected);
    assert_eq!(
        document,
        doorward::openapi::document(),
        "the library hands out the same one"
    );
}

#[tokio::test]
async fn every_operation_is_described_with_all_its_answers() {
    let world = World::new().await;
    let document = document(&world).await;
    let mut ids = BTreeSet::new();
    let declined: BTreeSet<String> = doorward::ANSWERS
        .iter()
        .map(|(status, _)| status.to_string())
        .collect();
    for (method, path, operation) in operations(&document) {
        let name = format!("{method} {path}");
        assert!(
            !operation["summary"].as_str().unwrap_or_default().is_empty(),
            "{name}: summary"
        );
        assert!(
            operation["tags"]
                .as_array()
                .is_some_and(|tags| tags.len() == 1),
            "{name}: tag"
        );
        let id = operation["operationId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(!id.is_empty() && ids.insert(id), "{name}: an id of its own");
        let responses = operation["responses"].as_object().unwrap();
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{name}: success"
        );
        assert!(
            declined.iter().all(|status| responses.contains_key(status)),
            "{name}: {:?}",
            responses.keys()
        );
        for (status, response) in responses {
            let response = described(&document, response);
            assert!(
                !response["description"]
                    .as_str()
                    .unwrap_or_default()
                    .is_empty(),
                "{name}: {status}"
            );
            let content = if declined.contains(status) {
                "application/problem+json"
            } else {
                "application/json"
            };
            let schema = &response["content"][content]["schema"];
            assert_eq!(schema.is_object(), status != "204", "{name}: {status}");
        }
        let has_body = operation.get("requestBody").is_some();
        let reads = matches!(method.as_str(), "POST" | "PATCH") && !path.ends_with("/options");
        assert_eq!(has_body, reads, "{name}: body");
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let in_path = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .count();
        assert_eq!(in_path, path.matches('{').count(), "{name}: parameters");
    }
}

/// What stands where a part of the document points.
fn described<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        Some(pointer) => document
            .pointer(pointer.trim_start_matches('#'))
            .expect("what is pointed to"),
        None => part,
    }
}

/// Operations that need a session say so, and no others do.
#[tokio::test]
async fn the_document_says_what_needs_a_session() {
    let world = World::new().await;
    let document = document(&world).await;
    let nobody = world.native();
    for (method, path, operation) in operations(&document) {
        let concrete = path.replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA");
        let mut request = nobody.request(method.parse().unwrap(), &concrete, "{}".into());
        let json = http::HeaderValue::from_static("application/json");
        request
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, json);
        let refused = nobody.send(request).await.problem_code() == "unauthenticated";

        assert_eq!(
            operation.get("security").is_some(),
            refused,
            "{method} {path}"
        );
    }
    let schemes = document["components"]["securitySchemes"]
        .as_object()
        .unwrap();
    assert_eq!(schemes.keys().collect::<Vec<_>>(), ["session", "token"]);
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_reference_in_the_document_resolves() {
    let world = World::new().await;
    let document = document(&world).await;
    let mut found = Vec::new();
    references(&document, &mut found);

    assert!(found.len() > 100, "{}", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("a reference within");
        assert!(
            document.pointer(pointer).is_some_and(Value::is_object),
            "{reference}"
        );
    }
}

/// What an answer holds, the document names; what it calls required is there.
#[tokio::test]
async fn answers_have_the_members_that_the_document_names() {
    let world = World::new().await;
    let document = document(&world).await;
    let ada = world.native();
    let mut authenticator = doorward::testing::Authenticator::new(1);
    let signed_in = world.sign_in(&ada, "ada@example.com").await.json();
    let passkey = world.add_passkey(&ada, &mut authenticator).await.json();
    let events = ada.get("/auth/me/events").await.ok();
    let problem = ada.get("/auth/nowhere").await.json();
    let permissions = ada.get("/auth/sessions/current/permissions").await.ok();
    let with_signals = world
        .sign_in_with_passkey(&ada, &mut authenticator)
        .await
        .created();
    for (schema, value) in [
        ("SignedIn", &signed_in),
        ("SignedIn", &with_signals),
        ("User", &signed_in["user"]),
        ("Session", &signed_in["session"]),
        ("Device", &signed_in["session"]["device"]),
        ("Passkey", &passkey),
        ("Recorded", &events["items"][0]),
        ("Problem", &problem),
        ("Access", &permissions),
        ("Signals", &with_signals["signals"]),
    ] {
        let described = &document["components"]["schemas"][schema];
        let named: BTreeSet<_> = described["properties"]
            .as_object()
            .unwrap_or_else(|| panic!("{schema}"))
            .keys()
            .collect();
        let members: BTreeSet<_> = value
            .as_object()
            .unwrap_or_else(|| panic!("{schema}: {value}"))
            .keys()
            .collect();
        assert!(members.is_subset(&named), "{schema}: {members:?} {named:?}");
        for required in described["required"].as_array().into_iter().flatten() {
            assert!(
                members.iter().any(|member| *member == required),
                "{schema} without {required}"
            );
        }
    }
}
