//! What stands between a node and its database, and is not to be trusted: a TCP proxy that delays, holds everything
//! back, resets, and lets the database commit without the node hearing of it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Notify, watch},
    time::sleep,
};

use crate::failure::Result;

/// How the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    /// Each message waits so long, in both directions.
    Slow(Duration),
    /// Nothing passes, and nobody is told.
    Cut,
}

/// The proxy of one node.
pub(crate) struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: watch::Sender<SocketAddr>,
    way: watch::Sender<Way>,
    /// Whoever hears this resets its connection.
    reset: Notify,
    /// How many replies to COMMIT are to be swallowed yet.
    swallow: AtomicU64,
    swallowed: AtomicU64,
}

impl Proxy {
    pub(crate) async fn start(upstream: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream: watch::Sender::new(upstream),
            way: watch::Sender::new(Way::Open),
            reset: Notify::new(),
            swallow: AtomicU64::new(0),
            swallowed: AtomicU64::new(0),
        });
        let accepting = shared.clone();
        tokio::spawn(async move {
            while let Ok((node, _)) = listener.accept().await {
                let shared = accepting.clone();
                tokio::spawn(async move { shared.serve(node).await });
            }
        });
        Ok(Self { address, shared })
    }

    pub(crate) fn set(&self, way: Way) {
        self.shared.way.send_replace(way);
    }

    /// Resets every connection there is.
    pub(crate) fn reset(&self) {
        self.shared.reset.notify_waiters();
    }

    /// Leads to another server from now on; connections to the old one stay.
    pub(crate) fn lead_to(&self, upstream: SocketAddr) {
        self.shared.upstream.send_replace(upstream);
    }

    /// Lets the next transactions be committed without an answer.
    pub(crate) fn swallow_commits(&self, count: u64) {
        self.shared.swallow.fetch_add(count, Ordering::Relaxed);
    }

    /// How many were.
    pub(crate) fn swallowed(&self) -> u64 {
        self.shared.swallowed.load(Ordering::Relaxed)
    }
}

impl Shared {
    async fn serve(&self, node: TcpStream) -> io::Result<()> {
        self.passable().await;
        let upstream = *self.upstream.borrow();
        let server = TcpStream::connect(upstream).await?;
        node.set_nodelay(true)?;
        server.set_nodelay(true)?;
        // Closed with something unread, or so, it is a reset.
        node.set_zero_linger()?;
        server.set_zero_linger()?;
        let (from_node, to_node) = node.into_split();
        let (from_server, to_server) = server.into_split();
        let committing = AtomicU64::new(0);
        tokio::select! {
            result = self.ask(from_node, to_server, &committing) => result,
            result = self.answer(from_server, to_node, &committing) => result,
            () = self.reset.notified() => Ok(()),
        }
    }

    /// Waits for as long as nothing passes, or it is slow.
    async fn passable(&self) {
        let mut way = self.way.subscribe();
        let now = way.wait_for(|way| *way != Way::Cut).await.map(|way| *way);
        if let Ok(Way::Slow(time)) = now {
            sleep(time).await;
        }
    }

    /// From the node to the server, message by message.
    async fn ask(
        &self,
        mut node: OwnedReadHalf,
        mut server: OwnedWriteHalf,
        committing: &AtomicU64,
    ) -> io::Result<()> {
        // The first has no type.
        let first = read_message(&mut node, Vec::new()).await?;
        server.write_all(&first).await?;
        loop {
            let kind = node.read_u8().await?;
            let message = read_message(&mut node, vec![kind]).await?;
            self.passable().await;
            let marked = is_commit(&message)
                && self
                    .swallow
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                        left.checked_sub(1)
                    })
                    .is_ok();
            if marked {
                committing.store(1, Ordering::Relaxed);
            }
            server.write_all(&message).await?;
        }
    }

    /// From the server to the node; ends where a commit's answer is swallowed.
    async fn answer(
        &self,
        mut server: OwnedReadHalf,
        mut node: OwnedWriteHalf,
        committing: &AtomicU64,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        let mut held: Vec<u8> = Vec::new();
        loop {
            let count = server.read(&mut buffer).await?;
            if count == 0 {
                return Ok(());
            }
            self.passable().await;
            if committing.load(Ordering::Relaxed) == 1 {
                held.extend_from_slice(&buffer[..count]);
                if held.windows(7).any(|window| window == b"COMMIT\0") {
                    self.swallowed.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
            } else {
                node.write_all(&buffer[..count]).await?;
            }
        }
    }
}

/// One message of PostgreSQL's protocol (§55.7): its length in four bytes, which count themselves, and its contents.
async fn read_message(
    from: &mut (impl AsyncRead + Unpin),
    mut message: Vec<u8>,
) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    message.extend_from_slice(&length.to_be_bytes());
    let contents = usize::try_from(length.saturating_sub(4)).map_err(io::Error::other)?;
    let at = message.len();
    message.resize(at + contents, 0);
    from.read_exact(&mut message[at..]).await?;
    Ok(message)
}

/// Whether a message asks for a commit, as a simple query.
fn is_commit(message: &[u8]) -> bool {
    message.first() == Some(&b'Q')
        && message
            .get(5..)
            .and_then(|query| query.strip_suffix(b"\0"))
            .is_some_and(|query| query.trim_ascii().eq_ignore_ascii_case(b"commit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_told_from_other_queries() {
        assert!(is_commit(b"Q\0\0\0\x0bcommit\0"));
        assert!(is_commit(b"Q\0\0\0\x0bCOMMIT\0"));
        assert!(!is_commit(b"Q\0\0\0\x0arollback\0"));
        assert!(!is_commit(b"P\0\0\0\x0bcommit\0"));
        assert!(!is_commit(b"Q"));
    }

    #[tokio::test]
    async fn nothing_passes_a_cut() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(server.local_addr().unwrap()).await.unwrap();
        let mut node = TcpStream::connect(proxy.address).await.unwrap();
        let (mut server, _) = server.accept().await.unwrap();
        let message = b"\0\0\0\x08\0\x03\0\0";
        node.write_all(message).await.unwrap();
        let mut read = [0; 8];
        server.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, message);

        proxy.set(Way::Cut);
        server.write_all(b"R").await.unwrap();
        let late = tokio::time::timeout(Duration::from_millis(50), node.read_u8()).await;
        assert!(late.is_err());

        proxy.set(Way::Open);
        assert_eq!(node.read_u8().await.unwrap(), b'R');
    }

    #[tokio::test]
    async fn a_commit_happens_and_its_answer_does_not_come() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(server.local_addr().unwrap()).await.unwrap();
        let mut node = TcpStream::connect(proxy.address).await.unwrap();
        let (mut server, _) = server.accept().await.unwrap();
        proxy.swallow_commits(1);
        node.write_all(b"\0\0\0\x08\0\x03\0\0Q\0\0\0\x0bcommit\0")
            .await
            .unwrap();
        let mut asked = [0; 20];
        server.read_exact(&mut asked).await.unwrap();

        server.write_all(b"C\0\0\0\x0bCOMMIT\0").await.unwrap();

        assert!(node.read_u8().await.is_err());
        assert_eq!(proxy.swallowed(), 1);
    }
}
