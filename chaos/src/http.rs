//! Requests over loopback, each of which ends in time and in a way that is told.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, StatusCode,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

use crate::history::{Name, client};

/// How long an answer may take: longer than the server itself is patient would be no use.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a request goes.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub name: Name,
    pub address: SocketAddr,
}

/// One who asks; keeps a connection to each node.
#[derive(Default)]
pub(crate) struct Client {
    connections: HashMap<Name, SendRequest<Full<Bytes>>>,
}

/// A request.
pub(crate) struct Ask<'a> {
    pub method: &'static str,
    pub path: &'a str,
    pub token: Option<&'a str>,
    pub body: Option<Value>,
    /// By which the audit log knows it.
    pub number: u64,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Reply {
    Answer(Answer),
    /// It may have arrived, and there is no answer.
    Lost,
    /// It was never sent.
    Unsent,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    body: Bytes,
}

impl Answer {
    /// Its body; null, where it is no JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Client {
    pub(crate) async fn ask(&mut self, target: &Target, ask: Ask<'_>) -> Reply {
        let Some(request) = build(target, &ask) else {
            return Reply::Unsent;
        };
        let kept = self
            .connections
            .remove(&target.name)
            .filter(|connection| !connection.is_closed());
        let connection = match kept {
            Some(connection) => Some(connection),
            None => timeout(PATIENCE, connect(target.address))
                .await
                .ok()
                .flatten(),
        };
        let Some(mut connection) = connection else {
            return Reply::Unsent;
        };
        let exchange = async {
            connection.ready().await?;
            let response = connection.send_request(request).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            Ok::<_, hyper::Error>((status, body))
        };
        match timeout(PATIENCE, exchange).await {
            Ok(Ok((status, body))) => {
                self.connections.insert(target.name.clone(), connection);
                Reply::Answer(Answer { status, body })
            }
            _ => Reply::Lost,
        }
    }
}

fn build(target: &Target, ask: &Ask<'_>) -> Option<Request<Full<Bytes>>> {
    let mut request = Request::builder()
        .method(ask.method)
        .uri(ask.path)
        .header("host", target.address.to_string())
        .header("x-forwarded-for", client(ask.number).to_string());
    if let Some(token) = ask.token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = match &ask.body {
        Some(body) => {
            request = request.header("content-type", "application/json");
            Bytes::from(body.to_string())
        }
        None => Bytes::new(),
    };
    request.body(Full::new(body)).ok()
}

async fn connect(address: SocketAddr) -> Option<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    Some(sender)
}
