//! HTTP/1.1 as a generator of load speaks it: requests are bytes that were made before, of an answer only what is needed is
//! read. A whole client would cost the generator as much as the answer costs the server.

use std::net::SocketAddr;

use crate::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A connection that is kept.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// How many bytes of the buffer are of the last answer, and those before it.
    read: usize,
}

/// An answer, until the next request.
pub struct Reply<'a> {
    /// The status.
    pub status: u16,
    /// The body, to its end.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn to(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(16 * 1024),
            read: 0,
        })
    }

    /// Sends a request and reads the answer to its end.
    ///
    /// # Errors
    /// When the connection ends before the answer does, or what comes is no answer. It is of no use any more then.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Reply<'_>> {
        self.send(request).await?;
        self.answer().await
    }

    /// Sends a request, or several one after the other: their [answers](Self::answer) come in the same order.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn send(&mut self, requests: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(requests).await?)
    }

    /// Reads the next answer to its end.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn answer(&mut self) -> Result<Reply<'_>> {
        self.buffer.drain(..self.read);
        self.read = 0;
        let head = loop {
            if let Some(head) = Head::read(&self.buffer)? {
                break head;
            }
            self.read_more().await?;
        };
        let end = head.length + head.body;
        while self.buffer.len() < end {
            self.read_more().await?;
        }
        self.read = end;
        Ok(Reply {
            status: head.status,
            body: &self.buffer[head.length..end],
        })
    }

    async fn read_more(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the server has closed the connection before an answer was over".into()),
            _ => Ok(()),
        }
    }

    /// Sends a request, whose answer must have this status; the answer's body.
    ///
    /// # Errors
    /// As [`ask`](Self::ask); and when the answer has another status.
    pub async fn expect(&mut self, status: u16, request: &[u8]) -> Result<&[u8]> {
        let reply = self.ask(request).await?;
        if reply.status == status {
            Ok(reply.body)
        } else {
            let asked = String::from_utf8_lossy(request);
            let asked = asked.lines().next().unwrap_or_default();
            let body = String::from_utf8_lossy(reply.body);
            Err(format!("{asked} was answered with {}: {body}", reply.status).into())
        }
    }
}

/// What comes before the body of an answer.
struct Head {
    status: u16,
    /// The bytes before the body, and those of the body.
    length: usize,
    body: usize,
}

impl Head {
    /// `None` where it has not come to its end.
    fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = str::from_utf8(&bytes[..end])?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.get(9..12));
        let status = status.ok_or("an answer without a status")?.parse()?;
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse())
        });
        let body = match length {
            Some(length) => length?,
            None if status == 204 => 0,
            None => return Err(format!("an answer of unknown length: {head}").into()),
        };
        Ok(Some(Self {
            status,
            length: end + 4,
            body,
        }))
    }
}

/// A request for a page or a resource; `further` are header lines, each with its end.
#[must_use]
pub fn get(path: &str, token: Option<&str>, further: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\n{}{further}\r\n",
        bearer(token)
    )
    .into_bytes()
}

/// A request that brings JSON.
#[must_use]
pub fn post(path: &str, token: Option<&str>, json: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{}\r\n{json}",
        json.len(),
        bearer(token)
    )
    .into_bytes()
}

fn bearer(token: Option<&str>) -> String {
    token.map_or_else(String::new, |token| {
        format!("authorization: Bearer {token}\r\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_to_its_end_and_no_further() {
        let text = b"HTTP/1.1 201 Created\r\nContent-Length: 3\r\nx: y\r\n\r\nabc";

        let head = Head::read(text).unwrap().unwrap();

        assert_eq!((head.status, head.body), (201, 3));
        assert_eq!(&text[head.length..], b"abc");
        assert!(Head::read(&text[..30]).unwrap().is_none());
        assert!(Head::read(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(Head::read(b"HTTP/1.1 204 No Content\r\n\r\n").is_ok());
    }
}
