//! `doorward serve`: the server, from its start to its end.

use std::{io, net::SocketAddr, time::Duration};

use axum::{Router, http::header, response::IntoResponse, routing::get};
use doorward::{
    Doorward,
    config::{Config, LogFormat},
};
use serde_json::json;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    time::timeout,
};

use crate::{
    connections::Server, database, failure::Failure, load::Loaded, lock::Lock, logging,
    output::Output, process,
};

/// Connections to the metrics: a few scrapers.
const SCRAPERS: u32 = 16;

/// How long writing what memory holds, and sending what was promised, may take at the end.
const FLUSH: Duration = Duration::from_secs(5);

/// Serves until a signal says to stop.
pub(crate) async fn serve(loaded: Loaded, output: Output) -> Result<(), Failure> {
    let config = loaded.config.clone();
    logging::start(&config.log);
    let room = process::room_for_connections();
    let mut signals = Signals::catch()?;
    let _lock = Lock::take(&config.data_dir, &format!("serving on {}", config.listen))?;
    let server = listen("listen", config.listen, room).await?;
    let metrics = match config.metrics_listen {
        Some(address) => Some(listen("metrics_listen", address, SCRAPERS).await?),
        None => None,
    };
    tracing::info!(database = database::name(&loaded), "opening");
    let doorward = tokio::select! {
        opened = open(loaded) => opened?,
        () = signals.next() => {
            tracing::info!("stopped before the database was open");
            return Ok(());
        }
    };

    let (stop, stopping) = watch::channel(false);
    let serving = tokio::spawn(server.run(doorward.server(), stopping.clone()));
    if let Some(metrics) = metrics {
        tokio::spawn(metrics.run(metrics_router(&doorward), stopping));
    }
    greet(&config, output);
    tracing::info!(listen = %config.listen, public_url = config.public_url, data = %config.data_dir.display(), "serving");
    signals.wait(stop, serving).await;
    tokio::select! {
        ended = end(&doorward) => ended,
        () = signals.third() => Err(Failure::refused("unavailable", "stopped at once: mail may wait for two minutes")),
    }
}

async fn open(loaded: Loaded) -> Result<Doorward, Failure> {
    // The lock is taken already, with a word on who holds it.
    let mut builder = Doorward::builder(loaded.config).without_lock();
    if let Some(key) = loaded.root_key {
        builder = builder.root_key(key);
    }
    Ok(builder.open().await?)
}

/// Listens, or says what to do.
async fn listen(key: &str, address: SocketAddr, most: u32) -> Result<Server, Failure> {
    Server::bind(address, most).await.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another program listens there: stop it, or choose another port".to_owned()
            }
            io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
            io::ErrorKind::PermissionDenied => {
                "that needs a privilege (CAP_NET_BIND_SERVICE): choose a port from 1024 on"
                    .to_owned()
            }
            _ => error.to_string(),
        };
        let variable = key.to_ascii_uppercase();
        Failure::refused(
            "unavailable",
            format!("cannot listen on {address}: {why}, in `{key}` or DOORWARD_{variable}"),
        )
    })
}

/// Says where to go; the log of a machine is left to machines.
fn greet(config: &Config, output: Output) {
    if config.log.format == LogFormat::Json {
        return;
    }
    let mailbox = config
        .mailbox()
        .then(|| format!("{}/dev/mailbox", config.public_url));
    let answer = json!({
        "listen": config.listen,
        "publicUrl": config.public_url,
        "mailbox": mailbox,
        "metrics": config.metrics_listen,
        "dataDir": config.data_dir,
    });
    let told = output.answer(&answer, || greeting(config, mailbox.as_deref()));
    // A server whose standard output is closed is still a server.
    if let Err(Failure::Output(error)) = told {
        tracing::warn!(%error, "standard output cannot be written");
    }
}

fn greeting(config: &Config, mailbox: Option<&str>) -> String {
    let mut lines = vec![
        format!("Doorward {} is running.", env!("CARGO_PKG_VERSION")),
        String::new(),
    ];
    if config.pages.enabled {
        lines.push(format!("  Pages     {}", config.public_url));
    }
    lines.push(format!(
        "  API       {}/auth, described at /openapi.json",
        config.public_url
    ));
    if let Some(mailbox) = mailbox {
        lines.push(format!(
            "  Mailbox   {mailbox}  (for development: mail is kept here and not sent)"
        ));
    }
    if let Some(metrics) = config.metrics_listen {
        lines.push(format!("  Metrics   http://{metrics}/metrics"));
    }
    let data = config
        .data_dir
        .canonicalize()
        .unwrap_or_else(|_| config.data_dir.clone());
    lines.push(format!("  Data      {}", data.display()));
    lines.push(String::new());
    lines.push(match mailbox {
        Some(_) => "Next: open the pages and sign in with any address; the code is in the mailbox. Then make yourself an\nadministrator: doorward admin grant ADDRESS".into(),
        None => "Next: `doorward doctor` looks whether all is well.".into(),
    });
    lines.join("\n")
}

/// The metrics, on a listener of their own.
fn metrics_router(doorward: &Doorward) -> Router {
    let doorward = doorward.clone();
    let scrape = async move || {
        let text = doorward.metrics_text();
        let kind = if text.ends_with("# EOF\n") {
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        } else {
            "text/plain; version=0.0.4"
        };
        ([(header::CONTENT_TYPE, kind)], text).into_response()
    };
    Router::new().route("/metrics", get(scrape))
}

/// What asks the server to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// How many have come.
    seen: u32,
}

impl Signals {
    fn catch() -> Result<Self, Failure> {
        let catch = |kind| {
            signal(kind).map_err(|error| {
                Failure::refused("unavailable", format!("signals cannot be caught: {error}"))
            })
        };
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
            seen: 0,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        self.seen += 1;
    }

    /// Stops the server at the first signal, waits for what is under way, and no longer than to the second.
    async fn wait(&mut self, stop: watch::Sender<bool>, serving: tokio::task::JoinHandle<()>) {
        self.next().await;
        tracing::info!("stopping: what is under way is finished");
        let _ = stop.send(true);
        tokio::select! {
            _ = serving => {}
            () = self.next() => tracing::warn!("stopped at once: requests under way are cut off"),
        }
    }

    /// Comes back at the third signal, whenever the second comes: one that reaches us twice means no more than one.
    async fn third(&mut self) {
        while self.seen < 3 {
            self.next().await;
        }
    }
}

/// Sends the mail that was promised, and brings to disk what memory holds.
async fn end(doorward: &Doorward) -> Result<(), Failure> {
    let ending = async { tokio::join!(doorward.flush(), doorward.hand_over_mail()) };
    match timeout(FLUSH, ending).await {
        Ok((flushed, ())) => Ok(flushed?),
        Err(_) => Err(Failure::refused(
            "unavailable",
            "the database did not take who was last seen when; nothing else is lost",
        )),
    }
}
