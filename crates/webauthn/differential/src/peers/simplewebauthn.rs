//! `@simplewebauthn/server`, which runs under Node.js: see `simplewebauthn.mjs`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_webauthn::testing::generator::{Case, Ceremony};
use serde_json::{Value, json};

use super::Opinion;

/// A process of Node.js that answers for the package.
#[derive(Debug, Clone, Copy)]
pub struct SimpleWebAuthn;

impl SimpleWebAuthn {
    /// What it says of the cases, in their order.
    ///
    /// # Panics
    ///
    /// If Node.js does not run, or the package is not installed.
    #[must_use]
    pub fn opinions<'a>(cases: impl IntoIterator<Item = &'a Case>) -> Vec<Opinion> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(
            folder.join("node_modules").exists(),
            "run this in {} first: npm ci --ignore-scripts",
            folder.display()
        );
        let questions: String = cases
            .into_iter()
            .map(|case| question(case).to_string() + "\n")
            .collect();
        let mut node = Command::new("node")
            .arg(folder.join("simplewebauthn.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node.js runs");
        let mut stdin = node.stdin.take().expect("a pipe");
        // It reads everything before it answers, so that neither side waits for the other.
        stdin
            .write_all(questions.as_bytes())
            .expect("Node.js reads");
        drop(stdin);
        let output = node.wait_with_output().expect("Node.js ends");
        assert!(output.status.success(), "Node.js failed: {}", output.status);
        let answers = String::from_utf8(output.stdout).expect("UTF-8");
        answers.lines().map(answer).collect()
    }
}

/// One line for the script.
fn question(case: &Case) -> Value {
    let stored = match &case.ceremony {
        Ceremony::Registration => Value::Null,
        Ceremony::Assertion { stored } => json!({
            "id": URL_SAFE_NO_PAD.encode(&stored.id),
            "publicKey": URL_SAFE_NO_PAD.encode(&stored.public_key),
            "counter": stored.sign_count,
        }),
    };
    json!({ "profile": format!("{:?}", case.profile), "response": case.response, "stored": stored })
}

/// One line of the script: nothing, or why it refused.
fn answer(line: &str) -> Opinion {
    match serde_json::from_str(line).expect("JSON") {
        Value::Null => Ok(()),
        reason => Err(reason.as_str().expect("a reason").to_owned()),
    }
}
