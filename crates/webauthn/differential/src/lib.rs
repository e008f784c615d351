//! Our verifier beside three others: the same ceremonies go through all of them, and wherever they
//! disagree, `tests/differences.md` says why.
//!
//! ```sh
//! npm ci --ignore-scripts && cargo test --locked
//! ```

mod differences;
mod peers;

pub use differences::{DIFFERENCES, Difference};
pub use peers::simplewebauthn::SimpleWebAuthn;
pub use peers::webauthn_rp::{PublicKey, WebauthnRp, dynamic_state, public_key};
pub use peers::webauthn_rs::WebauthnRs;
pub use peers::{Opinion, Peer};
