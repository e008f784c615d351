//! Pages that Doorward serves, written on the server; scripts improve on them, and none needs one but the creation of a
//! passkey.
//!
//! A page speaks HTML and nothing else. It calls the same operations as the API (`codes::request`, `sessions::sign_out`),
//! never SQL, and has no rules of its own.
//!
//! # How a page is added
//!
//! `/sign-in` is the example: `sign_in.rs` and `templates/sign_in.html`.
//!
//! 1. A file in this folder with `routes()`, merged in [`routes`] below; its routes are declared in `tests/it/access.rs`.
//! 2. A view: a struct with `frame: Frame`, `t: Texts` and what the page shows, `#[derive(Template)]`. Its template extends
//!    `layout.html` and fills the blocks `title`, `main` and, for a script, `head`.
//! 3. `GET`: a handler that asks for a [`visit::Visit`], calls operations, and answers `visit.page(&view)`. Beside it, it asks
//!    for `CurrentUser`, `Fresh` or `Allowed<P>` as the API does: whoever is not signed in, or not lately, is sent to where
//!    that is mended and comes back (`declined.rs`).
//! 4. `POST` to the same address: a [`form::Form`], which refuses fields that the struct lacks. Done: [`page::Go::to`] (303),
//!    with what to say there as a [`flash::Flash`]. Not done: the same view with an [`alert::Alert`], status 422, what was
//!    typed in it (never a code). No tokens against forgery: the door refuses what other sites send.
//! 5. Texts: `t.get("page-element-state")` in templates, `Key("…")` in Rust, each in `locales/en.ftl` and `de.ftl`.
//!    A script has no texts of its own: it reads them from `<template id="dw-msg">`.
//! 6. No `style=`, no `on…=`, no script in the page: the policy of `page.rs` forbids them, and a test looks for them.
//! 7. Files of its own go to `assets/`; `frame.asset("name.js")` is where they are served.
//! 8. A line in `tests/it/pages_render.rs`, so that every test over all pages sees it.

mod account;
mod alert;
mod arrival;
mod assets;
mod attempt;
mod code;
mod code_entry;
mod cookies;
mod declined;
mod device;
mod ending;
mod flash;
mod form;
mod language;
mod layout;
mod mailbox;
mod memory;
mod moment;
mod page;
mod reauth;
mod return_to;
mod sign_in;
mod signed;
mod texts;
mod theme;
mod visit;
mod wait;
mod welcome;
mod well_known;

use axum::{Router, routing::get};

#[cfg(feature = "testing")]
pub(crate) use self::form::encoded;
pub(crate) use self::{
    declined::declined,
    form::is_form,
    visit::{Look, wants_a_page},
};
use crate::{Doorward, config::Config, error::Result};

/// What all pages share, made ready at the start.
pub(crate) struct Pages {
    catalogues: texts::Catalogues,
    theme: Option<assets::Own>,
    logo: Option<assets::Own>,
}

impl Pages {
    /// Reads the catalogues, and the operator's theme and logo.
    pub(crate) fn load(config: &Config) -> Result<Self> {
        let (theme, warnings) = theme::load(&config.pages)?;
        for warning in warnings {
            tracing::warn!(warning, "the theme is hard to read");
        }
        Ok(Self {
            catalogues: texts::Catalogues::default(),
            theme,
            logo: theme::logo(&config.pages)?,
        })
    }
}

/// The routes of all pages.
pub(crate) fn routes(doorward: &Doorward) -> Router<Doorward> {
    let mut pages = Router::new();
    if doorward.config.pages.enabled {
        pages = pages
            .merge(sign_in::routes())
            .merge(code::routes())
            .merge(reauth::routes())
            .merge(welcome::routes())
            .merge(ending::routes())
            .merge(account::routes())
            .merge(well_known::routes());
    }
    // The configuration's check keeps it to a server that only its own machine can reach.
    if let Some(mailbox) = &doorward.mailbox
        && doorward.config.mailbox()
    {
        pages = pages.merge(mailbox::routes(mailbox.clone()));
    }
    if pages.has_routes() {
        pages = pages.route("/assets/{file}", get(assets::serve));
    }
    pages
}

/// The first page, for a server that is nothing but Doorward; an application has its own.
pub(crate) fn start(doorward: &Doorward) -> Router<Doorward> {
    if doorward.config.pages.enabled {
        Router::new().route("/", get(ending::start))
    } else {
        Router::new()
    }
}
