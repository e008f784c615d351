//! Pages that Doorward serves.

mod mailbox;

use axum::Router;

use crate::Doorward;

/// The routes of all pages.
pub(crate) fn routes(doorward: &Doorward) -> Router<Doorward> {
    match &doorward.mailbox {
        // The configuration's check keeps it to a server that only its own machine can reach.
        Some(mailbox) if doorward.config.mailbox() => mailbox::routes(mailbox.clone()),
        _ => Router::new(),
    }
}
