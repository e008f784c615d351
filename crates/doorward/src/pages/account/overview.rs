//! `/account`: what there is, at a glance.

use askama::Template;
use axum::{Router, routing::get};

use super::Header;
use crate::{
    Doorward,
    error::Result,
    http::extract::CurrentUser,
    pages::{layout::Frame, page::Page, texts::Texts, visit::Visit},
};

pub(super) fn routes() -> Router<Doorward> {
    Router::new().route("/account", get(show))
}

#[derive(Template)]
#[template(path = "account/overview.html")]
struct Overview {
    frame: Frame,
    t: Texts,
    header: Header,
}

async fn show(visit: Visit, user: CurrentUser) -> Result<Page> {
    visit.page(&Overview {
        frame: visit.frame("dw-account"),
        header: Header::of(&visit, &user),
        t: visit.t.clone(),
    })
}
