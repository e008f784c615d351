//! Doorward through its front door: the real router, real SQLite, the software authenticator.

mod access;
mod account;
mod audit;
mod codes;
mod first_steps;
mod house;
mod http_surface;
mod mail;
mod passkeys_authenticate;
mod passkeys_register;
mod races;
mod secrets;
mod sessions;
mod storage;
