//! Doorward through its front door: the real router, a real database, the software authenticator.
//!
//! With `DOORWARD_TEST_DATABASE=postgres` it is one on a PostgreSQL server; `tests/with-postgres` starts one. What is about
//! the files of SQLite stands in modules `sqlite_files`, to be left out then.

#![allow(
    clippy::expect_used,
    clippy::format_collect,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "a test stops where it cannot go on, and a table of cases is as long as it is"
)]

mod access;
mod account;
mod addresses;
mod any_bytes;
mod audit;
mod bad_input;
mod bodies;
mod ceremony;
mod codes;
mod cookies;
mod cross_origin;
mod first_steps;
mod fleet;
mod headers;
mod house;
mod http_surface;
mod mail;
mod odd_values;
mod openapi;
mod pages_activity;
mod pages_errors;
mod pages_mailbox;
mod pages_passkeys;
mod pages_profile;
mod pages_reauth;
mod pages_render;
mod pages_sessions;
mod pages_sign_in;
mod pages_welcome;
mod passkeys_authenticate;
mod passkeys_register;
mod post_quantum;
mod postgres;
mod races;
mod races_codes;
mod round_trips;
mod secrets;
mod session_lifetimes;
mod session_list;
mod session_tokens;
mod sessions;
mod storage;
mod tables;
mod token_in_body;
mod unknown_members;
