//! Doorward inside an application: its router under the application's own, its extractors in the handlers.
//!
//! `cargo run --example mounted`, then sign in at <http://localhost:8700/sign-in>: the code is at `/dev/mailbox`. For `/library`
//! somebody has to grant the right, in the same folder: `cargo run -- permission create library:read`, `cargo run -- role create reader
//! --permission library:read`, `cargo run -- role grant reader YOU@EXAMPLE.COM`.

use std::net::SocketAddr;

use axum::{Router, routing::get};
use doorward::{Allowed, CurrentUser, Doorward, Permission, config::Config};

/// A permission of the application's own; make it known with `doorward permission create library:read`.
struct ReadLibrary;

impl Permission for ReadLibrary {
    const NAME: &'static str = "library:read";
}

async fn hello(user: CurrentUser) -> String {
    format!("Hello, {}.", user.user().display_name())
}

async fn library(_: Allowed<ReadLibrary>) -> &'static str {
    "All the books."
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let doorward = Doorward::open(Config::default()).await?;
    let app = Router::new()
        .route("/", get(hello))
        .route("/library", get(library))
        .with_state(doorward.clone())
        .merge(doorward.router());
    let listener = tokio::net::TcpListener::bind(doorward.config().listen).await?;
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?;
    // Mail that was promised, and what memory holds.
    doorward.hand_over_mail().await;
    Ok(doorward.flush().await?)
}
