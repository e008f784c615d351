//! The verification of passkeys alone, from JSON to verdict, on the processor of the servers.

use std::hint::black_box;

use doorward::testing::Authenticator;
use doorward_rig::Result;
use doorward_webauthn::{
    Algorithm, AssertionResponse, Policy, RegistrationResponse,
    options::{CreationOptions, RequestOptions, User},
};

use super::{Bench, sign_ins::verifications};
use crate::report::Row;

const ORIGIN: &str = "https://example.org";
const CHALLENGE: [u8; 43] = [7; 43];
const USER_HANDLE: [u8; 64] = [9; 64];

pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let policy = Policy::new("example.org", [ORIGIN]);
    let mut authenticator = Authenticator::with_algorithm(1, Algorithm::Es256);
    let user = User {
        id: USER_HANDLE.to_vec(),
        name: "ada@example.org".into(),
        display_name: "Ada".into(),
    };
    let options = CreationOptions::new(&policy, "Example", user, CHALLENGE.to_vec());
    let registration = authenticator.create(&serde_json::to_value(options)?, ORIGIN);
    let registration = registration.to_string();
    let credential = serde_json::from_str::<RegistrationResponse>(&registration)?
        .verify(&policy, &CHALLENGE)?
        .into_credential();
    let options = RequestOptions::new(&policy, CHALLENGE.to_vec());
    let assertion = authenticator.get(&serde_json::to_value(options)?, ORIGIN);
    let assertion = assertion.to_string();

    let limit = verifications(bench)?;
    let assertions = bench.times_a_second(|| {
        let response = serde_json::from_str::<AssertionResponse>(&assertion);
        let verdict = response
            .map(|response| response.verify(&policy, &CHALLENGE, &credential, &USER_HANDLE));
        assert!(matches!(black_box(verdict), Ok(Ok(_))), "it is valid");
    })?;
    let registrations = bench.times_a_second(|| {
        let response = serde_json::from_str::<RegistrationResponse>(&registration);
        let verdict = response.map(|response| response.verify(&policy, &CHALLENGE));
        assert!(matches!(black_box(verdict), Ok(Ok(_))), "it is valid");
    })?;
    Ok(vec![
        Row::new("assertion, from JSON to verdict", assertions, "/s")
            .beside("verifications of P-256", limit)
            .at_least(0.85),
        Row::new("registration without attestation", registrations, "/s").at_least(100_000.0),
    ])
}
