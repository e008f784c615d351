//! The binary, as people run it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops where it cannot go on"
)]

mod admin;
mod backup;
mod config;
mod crash;
mod doctor;
mod machine;
mod on_postgres;
mod serve;
