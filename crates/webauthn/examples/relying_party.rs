//! A whole relying party in memory: what `doorward-webauthn` decides, and what is left to its caller.
//!
//! Run it with `cargo run -p doorward-webauthn --example relying_party`. The browser is the software
//! authenticator of the feature `testing`; everything else is what a server does.
#![allow(clippy::print_stdout, reason = "an example says what it does")]

use std::collections::HashMap;
use std::error::Error;

use doorward_webauthn::options::{CreationOptions, Descriptor, RequestOptions, User};
use doorward_webauthn::testing::Authenticator;
use doorward_webauthn::{AssertionResponse, Credential, Policy, RegistrationResponse};
use serde_json::Value;

const ORIGIN: &str = "https://example.org";

fn main() -> Result<(), Box<dyn Error>> {
    let mut server = RelyingParty::new();
    let mut browser = Authenticator::new(1);

    let ada = server.add_account("ada@example.org")?;

    let options = server.registration_options(ada)?;
    let response = browser.create(&options, ORIGIN);
    server.register(ada, &response)?;
    println!("ada has a passkey");

    let options = server.sign_in_options()?;
    let response = browser.get(&options, ORIGIN);
    println!("signed in: {}", server.sign_in(&response)?);

    match server.sign_in(&response) {
        Ok(_) => Err("the same response signed in twice".into()),
        Err(refused) => {
            println!("the same response again: {refused}");
            Ok(())
        }
    }
}

/// Challenges that wait for their answer, and what each of them was issued for.
type Challenges = HashMap<Vec<u8>, Purpose>;

#[derive(PartialEq, Eq)]
enum Purpose {
    Registration { account: usize },
    SignIn,
}

struct Account {
    email: String,
    /// Random, so that a credential tells nothing about its owner.
    user_handle: [u8; 64],
    credentials: Vec<Credential>,
}

struct RelyingParty {
    policy: Policy,
    accounts: Vec<Account>,
    /// A real one lets them expire after minutes, and binds each to the browser that asked.
    challenges: Challenges,
}

impl RelyingParty {
    fn new() -> Self {
        Self {
            // From configuration, never from a request.
            policy: Policy::new("example.org", [ORIGIN]),
            accounts: Vec::new(),
            challenges: Challenges::new(),
        }
    }

    fn add_account(&mut self, email: &str) -> Result<usize, Box<dyn Error>> {
        self.accounts.push(Account {
            email: email.to_owned(),
            user_handle: random()?,
            credentials: Vec::new(),
        });
        Ok(self.accounts.len() - 1)
    }

    /// Options for somebody who has just proved that the account is theirs.
    fn registration_options(&mut self, account: usize) -> Result<Value, Box<dyn Error>> {
        let challenge = self.challenge(Purpose::Registration { account })?;
        let account = &self.accounts[account];
        let user = User {
            id: account.user_handle.to_vec(),
            name: account.email.clone(),
            display_name: account.email.clone(),
        };
        // The authenticator that holds one of these makes no second one.
        let known = account.credentials.iter().map(Descriptor::from);
        let options = CreationOptions::new(&self.policy, "Example", user, challenge).exclude(known);
        Ok(serde_json::to_value(options)?)
    }

    fn register(&mut self, account: usize, response: &Value) -> Result<(), Box<dyn Error>> {
        let response: RegistrationResponse = serde_json::from_value(response.clone())?;
        let challenge = self.spend(
            response.unauthenticated_challenge(),
            &Purpose::Registration { account },
        )?;
        let credential = response.verify(&self.policy, &challenge)?.into_credential();
        // §7.1 step 26: an id that somebody has already would let one credential speak for two accounts.
        if self.find(&credential.id).is_some() {
            return Err("the credential is registered already".into());
        }
        self.accounts[account].credentials.push(credential);
        Ok(())
    }

    /// Options for anyone: they name nobody, so they tell nothing about who has an account.
    fn sign_in_options(&mut self) -> Result<Value, Box<dyn Error>> {
        let challenge = self.challenge(Purpose::SignIn)?;
        Ok(serde_json::to_value(RequestOptions::new(
            &self.policy,
            challenge,
        ))?)
    }

    /// Returns whose account it is.
    fn sign_in(&mut self, response: &Value) -> Result<&str, Box<dyn Error>> {
        let response: AssertionResponse = serde_json::from_value(response.clone())?;
        let challenge = self.spend(response.unauthenticated_challenge(), &Purpose::SignIn)?;
        let (account, credential) = self
            .find(response.unauthenticated_credential_id())
            .ok_or("no such credential")?;
        let owner = &self.accounts[account];
        let stored = &owner.credentials[credential];
        // The handle is the owner's, whatever the response claims.
        let verified = response.verify(&self.policy, &challenge, stored, &owner.user_handle)?;
        // §7.2 step 24.
        let stored = &mut self.accounts[account].credentials[credential];
        stored.sign_count = verified.sign_count();
        stored.backed_up = verified.backed_up();
        Ok(&self.accounts[account].email)
    }

    fn challenge(&mut self, purpose: Purpose) -> Result<Vec<u8>, Box<dyn Error>> {
        let challenge = random::<32>()?.to_vec();
        self.challenges.insert(challenge.clone(), purpose);
        Ok(challenge)
    }

    /// Each challenge is presented once, before anything is verified: a failed try spends it as well.
    fn spend(
        &mut self,
        claimed: Option<Vec<u8>>,
        purpose: &Purpose,
    ) -> Result<Vec<u8>, Box<dyn Error>> {
        let claimed = claimed.ok_or("the client data cannot be read")?;
        match self.challenges.remove(&claimed) {
            Some(issued_for) if issued_for == *purpose => Ok(claimed),
            _ => Err("the challenge was not issued, or was answered before".into()),
        }
    }

    /// The account and the place of a credential in it.
    fn find(&self, id: &[u8]) -> Option<(usize, usize)> {
        self.accounts.iter().enumerate().find_map(|(at, account)| {
            let credential = account.credentials.iter().position(|known| known.id == id);
            credential.map(|credential| (at, credential))
        })
    }
}

fn random<const N: usize>() -> Result<[u8; N], Box<dyn Error>> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "no randomness")?;
    Ok(bytes)
}
