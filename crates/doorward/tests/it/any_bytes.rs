//! Random requests over every operation of the OpenAPI document: whatever comes in, what goes out is documented.

use axum::body::Body;
use doorward::{
    Span,
    testing::{Authenticator, Caller, ORIGIN, Reply, World},
};
use http::{HeaderName, HeaderValue, Request, Uri, header};
use serde_json::{Value, json};

use crate::openapi;

/// How many requests each seed makes of each operation.
const REQUESTS: u32 = 60;

/// A small generator (splitmix64), so that a failure is a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit as u64)).expect("a small number")
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most + 1);
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    fn text(&mut self) -> String {
        const WORDS: [&str; 16] = [
            "",
            "a@example.com",
            "ada@example.com",
            "12345678",
            "otp",
            "passkey",
            "{}",
            "null",
            "AAAAAAAAAAAAAAAAAAAAAA",
            "public-key",
            "\u{0}",
            "\u{202e}x",
            "' or 1=1 --",
            "dw_0",
            "🔑",
            "=",
        ];
        match self.below(4) {
            0 => String::from_utf8_lossy(&self.bytes(40)).into_owned(),
            1 => "x".repeat(self.below(3000)),
            _ => (*self.pick(&WORDS)).to_owned(),
        }
    }

    fn json(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 5 } else { 7 }) {
            0 => Value::Null,
            1 => json!(self.one_in(2)),
            2 => json!(self.next().cast_signed()),
            3 => json!(f64::from_bits(self.next())),
            4 => json!(self.text()),
            5 => (0..self.below(4)).map(|_| self.json(depth - 1)).collect(),
            _ => (0..self.below(5))
                .map(|_| (self.name(), self.json(depth - 1)))
                .collect(),
        }
    }

    fn name(&mut self) -> String {
        const NAMES: [&str; 24] = [
            "email",
            "token",
            "method",
            "flow",
            "bind",
            "name",
            "firstName",
            "lastName",
            "picture",
            "locale",
            "id",
            "rawId",
            "type",
            "response",
            "clientDataJSON",
            "authenticatorData",
            "signature",
            "userHandle",
            "attestationObject",
            "transports",
            "clientExtensionResults",
            "authenticatorAttachment",
            "role",
            "userId",
        ];
        if self.one_in(12) {
            self.text()
        } else {
            (*self.pick(&NAMES)).to_owned()
        }
    }

    /// A body near to one that fits: a member replaced, removed or damaged; or its text cut or altered.
    fn damaged(&mut self, sample: &Value) -> Vec<u8> {
        let mut body = sample.clone();
        for _ in 0..self.below(3) {
            self.damage(&mut body);
        }
        let mut text = body.to_string().into_bytes();
        match self.below(5) {
            0 => text.truncate(self.below(text.len() + 1)),
            1 if !text.is_empty() => {
                let place = self.below(text.len());
                text[place] = self.next().to_le_bytes()[0];
            }
            _ => {}
        }
        text
    }

    fn damage(&mut self, value: &mut Value) {
        match value {
            Value::Object(members) if !members.is_empty() && !self.one_in(6) => {
                let names: Vec<String> = members.keys().cloned().collect();
                let name = self.pick(&names).clone();
                match self.below(5) {
                    0 => drop(members.remove(&name)),
                    1 => drop(members.insert(name, self.json(3))),
                    2 => drop(members.insert(self.name(), self.json(2))),
                    _ => self.damage(&mut members[&name]),
                }
            }
            // Base64url that is cut short, padded, or of another alphabet; and any other text.
            Value::String(text) if !text.is_empty() && !self.one_in(4) => match self.below(4) {
                0 => drop(text.pop()),
                1 => text.push('='),
                2 => *text = text.replace(['-', '_', 'A'], "+"),
                _ => *text = self.text(),
            },
            other => *other = self.json(3),
        }
    }

    fn body(&mut self, samples: &[Value]) -> Vec<u8> {
        match self.below(8) {
            0 => Vec::new(),
            1 => self.bytes(300),
            2 => self.json(4).to_string().into_bytes(),
            3 if self.one_in(8) => vec![b'['; 70_000],
            _ => {
                let sample = self.pick(samples).clone();
                self.damaged(&sample)
            }
        }
    }

    /// Headers that mean something, with values that do or do not.
    fn dress(&mut self, request: &mut Request<Body>) {
        const NAMES: [&str; 14] = [
            "content-type",
            "authorization",
            "cookie",
            "origin",
            "sec-fetch-site",
            "accept-language",
            "user-agent",
            "x-forwarded-for",
            "host",
            "accept",
            "content-encoding",
            "transfer-encoding",
            "range",
            "if-none-match",
        ];
        const VALUES: [&str; 14] = [
            "application/json",
            "text/plain",
            "Bearer dw_0",
            "Bearer",
            "Basic eA==",
            "null",
            ORIGIN,
            "same-origin",
            "cross-site",
            "de",
            "__Host-doorward_session=x; __Host-doorward_session=y",
            "__Host-doorward_flow=x",
            "gzip",
            "bytes=0-1",
        ];
        if !self.one_in(6) {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        for _ in 0..self.below(3) {
            let name = HeaderName::from_static(self.pick::<&str>(&NAMES));
            let value = if self.one_in(3) {
                HeaderValue::from_bytes(&self.bytes(60)).ok()
            } else {
                Some(HeaderValue::from_static(self.pick::<&str>(&VALUES)))
            };
            if let Some(value) = value {
                request.headers_mut().append(name, value);
            }
        }
    }

    fn path(&mut self, path: &str, ids: &[String]) -> Option<Uri> {
        let id = match self.below(4) {
            0 => percent(&self.bytes(30)),
            1 => String::from_utf8_lossy(&self.bytes(20)).into_owned(),
            _ => self.pick(ids).clone(),
        };
        let query = match self.below(6) {
            0 => format!("?cursor={}", self.pick(ids)),
            1 => format!("?{}", percent(&self.bytes(20))),
            _ => String::new(),
        };
        format!("{}{query}", path.replace("{id}", &id)).parse().ok()
    }
}

/// The bytes in percent-encoding.
fn percent(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "%{byte:02x}");
        text
    })
}

/// That an answer is one that the document promises of the operation.
fn check(document: &Value, method: &str, path: &str, reply: &Reply) {
    let responses = &document["paths"][path][method.to_lowercase()]["responses"];
    let status = reply.status().as_u16();
    let documented = &responses[status.to_string()];
    assert!(
        documented.is_object(),
        "{method} {path}: {status} is not documented: {reply}"
    );
    assert_ne!(status, 500, "{method} {path}: {reply}");
    if status < 400 {
        return;
    }
    assert_eq!(
        reply.header("content-type"),
        "application/problem+json",
        "{method} {path}"
    );
    let problem = reply.json();
    let code = problem["code"].as_str().expect("a code");
    assert!(
        doorward::ANSWERS.contains(&(status, code)),
        "{method} {path}: {reply}"
    );
    assert_eq!(problem["type"], format!("{ORIGIN}/docs#error-{code}"));
    assert_eq!(problem["status"], status);
    for name in ["title", "message", "requestId"] {
        assert!(
            problem[name].as_str().is_some_and(|text| !text.is_empty()),
            "{name}: {reply}"
        );
    }
    assert_eq!(problem["field"].is_string(), status == 422, "{reply}");
}

/// Bodies that would do, for the generator to damage.
async fn samples(world: &World, caller: &Caller, authenticator: &mut Authenticator) -> Vec<Value> {
    let options = caller
        .post("/auth/passkeys/authenticate/options", ())
        .await
        .ok();
    let assertion = authenticator.get(&options, ORIGIN);
    let options = caller
        .post("/auth/passkeys/register/options", ())
        .await
        .ok();
    let attestation = Authenticator::new(2).create(&options, &world.doorward().config().public_url);
    vec![
        json!({ "email": "eve@example.com", "bind": true }),
        json!({ "method": "otp", "email": "ada@example.com", "token": "12345678" }),
        json!({ "method": "passkey", "email": "ada@example.com", "token": assertion.to_string() }),
        json!({ "firstName": "Ada", "lastName": null, "picture": "https://example.com/a.png", "locale": "de" }),
        json!({ "name": "Phone" }),
        assertion,
        attestation,
    ]
}

/// Item 111: any bytes get a documented answer, nothing panics, and those who are not asking stay signed in.
#[tokio::test]
async fn any_request_gets_a_documented_answer() {
    for seed in 0..4 {
        let world = World::with(|config| {
            config.limits.network_quarter = 0;
            config.limits.network_hour = 0;
            config.limits.network_failures = 0;
        })
        .await;
        let mut random = Random(seed);
        let document = openapi::document(&world).await;
        let mut authenticator = Authenticator::new(1);
        let (ada, bystander) = (world.native(), world.native());
        world.sign_in(&bystander, "bob@example.com").await;
        let signed_in = world.sign_in(&ada, "ada@example.com").await.json();
        let passkey = world.add_passkey(&ada, &mut authenticator).await.json();
        let ids: Vec<String> = [
            &signed_in["session"]["id"],
            &passkey["id"],
            &signed_in["user"]["id"],
        ]
        .map(|id| id.as_str().expect("an id").to_owned())
        .into();
        let nobody = world.native();
        let mut statuses = std::collections::BTreeSet::new();
        for _ in 0..REQUESTS {
            if ada.get("/auth/me").await.status() != 200 {
                world.sign_in(&ada, "ada@example.com").await;
                world.sign_in_with_passkey(&ada, &mut authenticator).await;
            }
            let options = ada.post("/auth/passkeys/register/options", ()).await;
            if options.status() != 200 {
                world.sign_in(&ada, "ada@example.com").await;
            }
            let samples = samples(&world, &ada, &mut authenticator).await;
            for (method, path, _) in openapi::operations(&document) {
                let Some(uri) = random.path(&path, &ids) else {
                    continue;
                };
                let caller = if random.one_in(3) { &nobody } else { &ada };
                let body = random.body(&samples);
                let mut request =
                    caller.request(method.parse().expect("a method"), "/", Body::from(body));
                *request.uri_mut() = uri.clone();
                random.dress(&mut request);

                let reply = caller.send(request).await;

                statuses.insert(reply.status().as_u16());
                check(&document, &method, &path, &reply);
                nobody.set_token(None);
            }
            world.advance(Span::seconds(61));
        }
        assert_eq!(world.panics(), 0, "seed {seed}");
        bystander.get("/auth/me").await.ok();
        for expected in [200, 201, 204, 400, 401, 404, 415, 422] {
            assert!(
                statuses.contains(&expected),
                "seed {seed}: {expected} is not among {statuses:?}"
            );
        }
    }
}
