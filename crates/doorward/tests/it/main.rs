//! Doorward through its front door: the real router, real SQLite, the software authenticator.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops where it cannot go on"
)]

mod access;
mod account;
mod ceremony;
mod codes;
mod first_steps;
mod house;
mod http_surface;
mod mail;
mod passkeys_authenticate;
mod passkeys_register;
mod races;
mod races_codes;
mod sessions;
mod storage;
