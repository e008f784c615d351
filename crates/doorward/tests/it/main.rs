//! Doorward through its front door: the real router, real SQLite, the software authenticator.

#![expect(
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops; a corpus is as long as it is"
)]

mod access;
mod account;
mod addresses;
mod any_bytes;
mod bad_input;
mod bodies;
mod codes;
mod cookies;
mod cross_origin;
mod first_steps;
mod headers;
mod house;
mod http_surface;
mod mail;
mod odd_values;
mod openapi;
mod passkeys_authenticate;
mod passkeys_register;
mod races;
mod session_lifetimes;
mod session_list;
mod session_tokens;
mod sessions;
mod storage;
mod tables;
mod token_in_body;
mod unknown_members;
