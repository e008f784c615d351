//! Who is at the other end of a request, as far as the request can be believed.

use std::{
    convert::Infallible,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use http::{HeaderMap, header, request::Parts};
use ipnet::IpNet;

use super::cookies;
use crate::{Doorward, codes::Flow, sessions::Device};

/// Where a request comes from: its network, its user agent, its browser's flow.
///
/// Nothing in it proves who someone is.
#[derive(Debug, Clone, Default)]
pub struct Client {
    ip: Option<IpAddr>,
    user_agent: Option<String>,
    request_id: Option<String>,
    same_origin: bool,
    shows_strict_cookies: bool,
    flow: Option<Flow>,
    device_cookie: Option<String>,
}

impl Client {
    /// The command line of the machine that Doorward runs on.
    #[must_use]
    pub fn command_line() -> Self {
        Self {
            user_agent: Some("doorward command line".into()),
            ..Self::default()
        }
    }

    /// The network address: the peer's, or the one that a trusted proxy names.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    pub(crate) fn ip_text(&self) -> Option<String> {
        self.ip.map(|ip| ip.to_string())
    }

    /// The user agent, cut to 512 printable ASCII characters.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// The browser and system.
    #[must_use]
    pub fn device(&self) -> Device {
        Device::parse(self.user_agent.as_deref().unwrap_or_default())
    }

    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Whether the browser says that a page of our own origin asks.
    pub(crate) fn is_same_origin(&self) -> bool {
        self.same_origin
    }

    /// Whether the browser says that it would show cookies with `SameSite=Strict`, had it any: no other site led here.
    pub(crate) fn shows_strict_cookies(&self) -> bool {
        self.shows_strict_cookies
    }

    /// The flow that the browser's cookie names.
    pub(crate) fn flow(&self) -> Option<&Flow> {
        self.flow.as_ref()
    }

    /// The cookie of a device that has signed in before, unchecked.
    pub(crate) fn device_cookie(&self) -> Option<&str> {
        self.device_cookie.as_deref()
    }

    fn read(doorward: &Doorward, parts: &Parts) -> Self {
        let headers = &parts.headers;
        let names = cookies::Names::of(&doorward.config);
        let site = headers.get("sec-fetch-site");
        Self {
            ip: address(parts, &doorward.config.trusted_proxies),
            user_agent: headers
                .get(header::USER_AGENT)
                .map(|value| printable(value.as_bytes())),
            request_id: parts.extensions.get::<RequestId>().map(ToString::to_string),
            same_origin: site.is_some_and(|site| site == "same-origin"),
            shows_strict_cookies: site.is_some_and(|site| site != "cross-site"),
            flow: cookies::find(headers, names.flow)
                .one()
                .and_then(|text| Flow::parse(&doorward.keys.flows, text)),
            device_cookie: cookies::find(headers, names.device)
                .one()
                .map(str::to_owned),
        }
    }
}

impl<S> FromRequestParts<S> for Client
where
    Doorward: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self::read(&Doorward::from_ref(state), parts))
    }
}

/// Names a request in answers, logs and audit events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(u64, u64);

impl RequestId {
    /// The next one; unique to this process by its random half.
    pub(crate) fn next(doorward: &Doorward) -> Self {
        static STARTED: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let process = STARTED.get_or_init(|| u64::from_be_bytes(doorward.entropy.bytes()));
        Self(*process, COUNT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:08x}", self.0, self.1)
    }
}

/// The peer's address, or what a trusted proxy says of it.
///
/// `X-Forwarded-For` is read from right to left for as long as the hop that wrote an entry is trusted; the first
/// untrusted address is the client. An entry that is no address ends the walk: what stands left of it was not
/// written by anyone we trust.
fn address(parts: &Parts, trusted: &[IpNet]) -> Option<IpAddr> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    let mut client = peer.ip().to_canonical();
    let entries: Vec<&str> = forwarded(&parts.headers).collect();
    for entry in entries.into_iter().rev() {
        if !trusted.iter().any(|network| network.contains(&client)) {
            break;
        }
        let Some(hop) = parse_hop(entry) else { break };
        client = hop.to_canonical();
    }
    Some(client)
}

/// What is no text is one entry that is no address, and takes none of the others with it.
fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(|entry| str::from_utf8(entry).unwrap_or("?").trim())
}

/// An address, with or without a port.
fn parse_hop(entry: &str) -> Option<IpAddr> {
    let bare = entry
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(entry);
    bare.parse()
        .ok()
        .or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

fn printable(bytes: &[u8]) -> String {
    bytes
        .iter()
        .take(512)
        .map(|&byte| {
            if byte.is_ascii_graphic() || byte == b' ' {
                char::from(byte)
            } else {
                '?'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn seen<T: AsRef<[u8]>>(peer: &str, forwarded: &[T], trusted: &[&str]) -> String {
        let mut request = Request::builder();
        for value in forwarded {
            let value = http::HeaderValue::from_bytes(value.as_ref()).unwrap();
            request = request.header("x-forwarded-for", value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts
            .extensions
            .insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        let trusted: Vec<IpNet> = trusted
            .iter()
            .map(|network| network.parse().unwrap())
            .collect();
        address(&parts, &trusted).unwrap().to_string()
    }

    /// Item 100: forwarded addresses count from trusted proxies only, right to left.
    #[test]
    fn forwarded_addresses_are_read_from_the_right_and_only_behind_proxies() {
        let proxies = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(
            seen("203.0.113.9", &["1.1.1.1"], &[]),
            "203.0.113.9",
            "no proxy is trusted"
        );
        assert_eq!(
            seen("203.0.113.9", &["1.1.1.1"], &proxies),
            "203.0.113.9",
            "the peer is no proxy"
        );
        assert_eq!(seen("10.0.0.1", &["1.1.1.1"], &proxies), "1.1.1.1");
        assert_eq!(
            seen("10.0.0.1", &["6.6.6.6, 1.1.1.1"], &proxies),
            "1.1.1.1",
            "what the client invented stays out"
        );
        assert_eq!(
            seen("10.0.0.1", &["6.6.6.6, 1.1.1.1", "10.0.0.2"], &proxies),
            "1.1.1.1",
            "several headers, several proxies"
        );
        assert_eq!(
            seen("10.0.0.1", &[b"\xff, 1.1.1.1"], &proxies),
            "1.1.1.1",
            "what is no text stays out as well"
        );
        assert_eq!(
            seen("10.0.0.1", &["1.1.1.1, garbage, 10.0.0.2"], &proxies),
            "10.0.0.2",
            "garbage ends the walk"
        );
        assert_eq!(
            seen("10.0.0.1", &["[2001:db8::1]:443"], &proxies),
            "2001:db8::1"
        );
        assert_eq!(
            seen("::ffff:10.0.0.1", &["::ffff:1.1.1.1"], &proxies),
            "1.1.1.1",
            "mapped addresses are IPv4"
        );
        assert_eq!(seen::<&str>("10.0.0.1", &[], &proxies), "10.0.0.1");
    }
}
