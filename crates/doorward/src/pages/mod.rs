//! Pages that Doorward serves.

mod mailbox;

use axum::Router;

use crate::Doorward;

/// The routes of all pages.
pub(crate) fn routes(doorward: &Doorward) -> Router<Doorward> {
    match &doorward.mailbox {
        // Its check at the start keeps the mailbox to loopback.
        Some(mailbox) if doorward.config.mailbox() => mailbox::routes(mailbox.clone()),
        _ => Router::new(),
    }
}
