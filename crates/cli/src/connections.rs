//! Connections: taken as long as there is room, served within limits of time and size, ended without cutting anyone off.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use hyper::{body::Incoming, service::Service};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::{MissedTickBehavior, interval, sleep, timeout},
};

/// How long the headers of a request may take, and how long a connection may wait for the next request (HTTP/1).
const HEADERS: Duration = Duration::from_secs(10);
/// How long a request may take from its headers to the beginning of its answer: time for a slow body.
const REQUEST: Duration = Duration::from_secs(30);
/// How long a peer may leave what was sent unacknowledged, or take nothing.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// How often a connection is looked at.
const ROUND: Duration = Duration::from_secs(10);
/// How many looks in a row find a connection without a request before it is ended.
const IDLE_ROUNDS: u32 = 12;
/// How long requests under way may go on when the server stops.
const FAREWELL: Duration = Duration::from_secs(10);

/// A router on an address.
pub(crate) struct Server {
    listener: TcpListener,
    most: u32,
}

impl Server {
    /// Listens; nobody is served yet.
    pub(crate) async fn bind(address: SocketAddr, most: u32) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address).await?,
            most,
        })
    }

    /// Serves until `stop` says so, and then until nothing is under way.
    pub(crate) async fn run(self, router: Router, mut stop: watch::Receiver<bool>) {
        let room = Arc::new(Semaphore::new(self.most as usize));
        loop {
            // Without room nobody is taken: who waits in the system's queue costs nothing.
            let taken = async {
                let place = Arc::clone(&room).acquire_owned().await;
                (place, self.listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                taken = taken => taken,
            };
            match accepted {
                Ok((stream, peer)) => {
                    prepare(&stream);
                    let conversation = converse(stream, peer, router.clone(), stop.clone());
                    tokio::spawn(async move {
                        let _place = place;
                        conversation.await;
                    });
                }
                Err(error) => pause_after(&error).await,
            }
        }
        drop(self.listener);
        let all_gone = room.acquire_many(self.most);
        if timeout(FAREWELL, all_gone).await.is_err() {
            tracing::warn!("requests were still under way and are cut off");
        }
    }
}

/// Goes on after a connection that could not be taken.
///
/// One that its peer gave up is nothing. When the machine has no more to give (open files, memory), trying again at
/// once would only burn the processor until others are done.
async fn pause_after(error: &io::Error) {
    let is_peers_doing = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    );
    if !is_peers_doing {
        tracing::warn!(%error, "a connection could not be taken");
        sleep(Duration::from_millis(200)).await;
    }
}

/// Serves one connection to its end.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let served = Arc::new(Requests::default());
    let service = Answers {
        router: TowerToHyperService::new(router),
        peer,
        served: Arc::clone(&served),
        stop: stop.clone(),
    };
    let builder = protocol();
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    rounds.tick().await;
    let mut idle = 0;
    let mut stopping = false;
    loop {
        tokio::select! {
            // How a connection ended is between the peer and the network.
            _ = connection.as_mut() => return,
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = rounds.tick() => match served.since_last_asked() {
                Traffic::Never => return,
                Traffic::Some => idle = 0,
                Traffic::None => {
                    idle += 1;
                    if idle == IDLE_ROUNDS {
                        connection.as_mut().graceful_shutdown();
                    }
                }
            },
        }
    }
}

/// What of a connection the system sees to.
fn prepare(stream: &TcpStream) {
    // A connection on which an option cannot be set is gone already.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = rustix::net::sockopt::set_tcp_user_timeout(
        stream,
        u32::try_from(UNACKNOWLEDGED.as_millis()).unwrap_or(u32::MAX),
    );
}

/// HTTP/1.1 and HTTP/2, with the limits of `security.md` item 105.
fn protocol() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_headers(100)
        .max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(16 * 1024)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(256 * 1024)
        .max_send_buf_size(64 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

/// Answers the requests of one connection.
struct Answers {
    router: TowerToHyperService<Router>,
    peer: SocketAddr,
    served: Arc<Requests>,
    stop: watch::Receiver<bool>,
}

impl Service<Request<Incoming>> for Answers {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let under_way = self.served.begin();
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let answer = self.router.call(request.map(Body::new));
        let stop = self.stop.clone();
        Box::pin(async move {
            let _under_way = under_way;
            match timeout(REQUEST, answer).await {
                Ok(Ok(answer)) => Ok(until_stopped(answer, stop)),
                Err(_) => Ok(too_slow()),
            }
        })
    }
}

/// The answer to a request whose body does not come.
fn too_slow() -> Response {
    (StatusCode::REQUEST_TIMEOUT, [(header::CONNECTION, "close")]).into_response()
}

/// A stream of events has no end of its own. It ends when the server stops, or the server would wait for it in vain.
fn until_stopped(answer: Response, mut stop: watch::Receiver<bool>) -> Response {
    let kind = answer.headers().get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind != "text/event-stream") {
        return answer;
    }
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    answer.map(|body| Body::from_stream(body.into_data_stream().take_until(stopped)))
}

/// The requests of one connection: how many have begun, and how many are under way.
#[derive(Debug, Default)]
struct Requests {
    begun: AtomicU64,
    under_way: AtomicU64,
    seen: AtomicU64,
}

/// What a look at a connection finds.
#[derive(Debug, PartialEq, Eq)]
enum Traffic {
    /// No request since the connection was opened.
    Never,
    /// None since the last look.
    None,
    Some,
}

impl Requests {
    fn begin(self: &Arc<Self>) -> UnderWay {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    fn since_last_asked(&self) -> Traffic {
        let begun = self.begun.load(Ordering::Relaxed);
        let seen = self.seen.swap(begun, Ordering::Relaxed);
        if begun == 0 {
            Traffic::Never
        } else if begun == seen && self.under_way.load(Ordering::Relaxed) == 0 {
            Traffic::None
        } else {
            Traffic::Some
        }
    }
}

/// A request under way, as long as it lives.
struct UnderWay(Arc<Requests>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
