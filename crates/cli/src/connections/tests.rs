use std::net::Ipv4Addr;

use axum::{
    response::sse::{Event, Sse},
    routing::{get, post},
};
use futures_util::stream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    net::TcpStream,
    sync::{Notify, mpsc},
};

use super::*;

const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);

/// Longer than every limit here; on a clock that runs as soon as everyone waits, no time at all.
const LONG: Duration = Duration::from_hours(1);

/// A connection to a router that is served, and the way to stop the server.
fn connect(router: Router) -> (DuplexStream, watch::Sender<bool>) {
    let (client, server) = duplex(1 << 20);
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(converse(server, PEER, router, stopping));
    (client, stop)
}

fn hello() -> Router {
    Router::new()
        .route("/", get(async || "hello"))
        .route("/body", post(async |body: String| body))
}

/// All that the server says until it ends the connection.
async fn rest(client: impl AsyncReadExt + Unpin) -> String {
    rest_within(LONG, client).await
}

async fn rest_within(limit: Duration, mut client: impl AsyncReadExt + Unpin) -> String {
    let mut all = Vec::new();
    timeout(limit, client.read_to_end(&mut all))
        .await
        .expect("the connection is ended")
        .unwrap();
    String::from_utf8(all).unwrap()
}

/// What the server says first.
async fn answer(client: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut part = [0; 4096];
    let length = client.read(&mut part).await.unwrap();
    String::from_utf8_lossy(&part[..length]).into_owned()
}

/// Item 105: who connects and says nothing is not waited for.
#[tokio::test(start_paused = true)]
async fn silence_is_ended() {
    let (client, _stop) = connect(hello());
    assert_eq!(rest(client).await, "");
}

/// Item 105: half a word of HTTP/2 is silence too.
#[tokio::test(start_paused = true)]
async fn half_a_preface_is_ended() {
    let (mut client, _stop) = connect(hello());
    client.write_all(b"PRI * HT").await.unwrap();
    assert_eq!(rest(client).await, "");
}

/// Item 105: headers that trickle in are not waited for, also when they are not the first.
#[tokio::test(start_paused = true)]
async fn slow_headers_are_ended() {
    for before in ["", "GET / HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let (mut client, _stop) = connect(hello());
        let request = format!("{before}GET / HTTP/1.1\r\nhost: x\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let answers = rest_within(HEADERS * 2, client).await;
        assert_eq!(
            answers.matches("200 OK").count(),
            usize::from(!before.is_empty()),
            "{answers}"
        );
    }
}

/// Item 105: nor is a next request that does not come.
#[tokio::test(start_paused = true)]
async fn silence_after_a_request_is_ended() {
    let (mut client, _stop) = connect(hello());
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let answer = rest_within(HEADERS * 2, client).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hello"),
        "{answer}"
    );
}

/// Item 105: a body that does not come is answered.
#[tokio::test(start_paused = true)]
async fn slow_bodies_are_answered_and_ended() {
    let (mut client, _stop) = connect(hello());
    client
        .write_all(b"POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf")
        .await
        .unwrap();
    let answer = rest(client).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

/// Item 105: an HTTP/2 connection is not kept for a peer that has nothing to ask, although it answers pings.
#[tokio::test(start_paused = true)]
async fn an_idle_http2_connection_is_ended() {
    let (client, _stop) = connect(hello());
    let io = TokioIo::new(client);
    let (mut requests, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::builder()
        .uri("http://x/")
        .body(Body::empty())
        .unwrap();
    let answer = requests.send_request(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);

    let ended = timeout(LONG, connection).await;

    ended.expect("the connection is ended").unwrap().unwrap();
    assert!(requests.is_closed());
}

/// Item 105: a hundred headers are enough.
#[tokio::test(start_paused = true)]
async fn too_many_headers_are_refused() {
    for (count, status) in [(99, "200"), (101, "431")] {
        let (mut client, _stop) = connect(hello());
        let more = "a: b\r\n".repeat(count);
        let request = format!("GET / HTTP/1.1\r\nhost: x\r\n{more}\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let answer = rest(client).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{count}: {answer}"
        );
    }
}

/// Item 105: nor may they be large.
#[tokio::test(start_paused = true)]
async fn large_headers_are_refused() {
    let (mut client, _stop) = connect(hello());
    let request = format!(
        "GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n",
        "b".repeat(70_000)
    );
    client.write_all(request.as_bytes()).await.unwrap();
    let answer = rest(client).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

/// Item 137: what is under way is finished, and then the connection ends.
#[tokio::test]
async fn a_stop_lets_requests_finish() {
    let (arrived, mut arrivals) = mpsc::channel(1);
    let go_on = Arc::new(Notify::new());
    let waiting = Arc::clone(&go_on);
    let handler = async move || {
        arrived.send(()).await.unwrap();
        waiting.notified().await;
        "done"
    };
    let (mut client, stop) = connect(Router::new().route("/", get(handler)));
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    arrivals.recv().await.unwrap();

    stop.send(true).unwrap();
    go_on.notify_one();

    let answer = rest(client).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"),
        "{answer}"
    );
}

/// Item 137: a connection on which nothing is under way does not hold up the end.
#[tokio::test]
async fn a_stop_ends_idle_connections() {
    let (mut client, stop) = connect(hello());
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert!(answer(&mut client).await.starts_with("HTTP/1.1 200"));

    stop.send(true).unwrap();

    assert_eq!(rest(client).await, "");
}

/// A connection to a router that answers with one event and never with another, after that event.
async fn listen() -> (DuplexStream, watch::Sender<bool>) {
    let events = async || {
        let first = stream::iter([Ok::<_, Infallible>(Event::default().data("one"))]);
        Sse::new(first.chain(stream::pending()))
    };
    let (mut client, stop) = connect(Router::new().route("/", get(events)));
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut begun = String::new();
    while !begun.ends_with("data: one\n\n\r\n") {
        begun += &answer(&mut client).await;
    }
    (client, stop)
}

/// Item 137: what would go on for ever is no request to wait for.
#[tokio::test]
async fn a_stop_ends_streams_of_events() {
    let (client, stop) = listen().await;

    stop.send(true).unwrap();

    let rest = rest_within(Duration::from_secs(5), client).await;
    assert_eq!(rest, "0\r\n\r\n", "the last chunk");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_of_events_is_not_ended() {
    let (mut client, _stop) = listen().await;
    assert!(timeout(LONG, answer(&mut client)).await.is_err());
}

/// Item 105: beyond the cap, connections wait in the system's queue until there is room.
#[tokio::test]
async fn connections_beyond_the_cap_wait() {
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), 1)
        .await
        .unwrap();
    let address = server.listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    let serving = tokio::spawn(server.run(hello(), stopping));
    let mut first = TcpStream::connect(address).await.unwrap();
    first
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert!(answer(&mut first).await.starts_with("HTTP/1.1 200"));

    let mut second = TcpStream::connect(address).await.unwrap();
    second
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let while_full = timeout(Duration::from_millis(100), answer(&mut second)).await;
    drop(first);

    assert!(while_full.is_err(), "{while_full:?}");
    assert!(answer(&mut second).await.starts_with("HTTP/1.1 200"));
    stop.send(true).unwrap();
    serving.await.unwrap();
}

#[test]
fn a_look_tells_quiet_connections_from_busy_ones() {
    let requests = Arc::new(Requests::default());
    assert_eq!(requests.since_last_asked(), Traffic::Never);

    let request = requests.begin();
    assert_eq!(requests.since_last_asked(), Traffic::Some);
    assert_eq!(
        requests.since_last_asked(),
        Traffic::Some,
        "it is still under way"
    );

    drop(request);
    assert_eq!(requests.since_last_asked(), Traffic::None);
}
