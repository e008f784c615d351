//! Who calls, and what is answered.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Mutex, PoisonError},
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::pages;

/// Someone who calls.
pub struct Caller {
    router: Router,
    jar: Mutex<BTreeMap<String, String>>,
    bearer: Mutex<Option<String>>,
    headers: HeaderMap,
    ip: IpAddr,
    keeps_cookies: bool,
}

impl Caller {
    /// One who keeps cookies and says nothing of where they are.
    pub(super) fn new(router: Router) -> Self {
        Self {
            router,
            jar: Mutex::default(),
            bearer: Mutex::default(),
            headers: HeaderMap::new(),
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            keeps_cookies: true,
        }
    }

    /// One who keeps no cookies, but the token of a sign-in.
    pub(super) fn native(router: Router) -> Self {
        Self {
            keeps_cookies: false,
            ..Self::new(router)
        }
    }

    /// The same caller, from another network address.
    #[must_use]
    pub fn from(self, ip: &str) -> Self {
        Self {
            ip: ip.parse().expect("an address"),
            ..self
        }
    }

    /// The same caller, with a header on every request in place of any other of that name.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        self.headers.insert(
            name,
            HeaderValue::from_str(value).expect("a header's value"),
        );
        self
    }

    /// The same caller at another door: the router of an application that asks Doorward who is calling.
    #[must_use]
    pub fn at(self, router: Router) -> Self {
        Self { router, ..self }
    }

    /// A cookie that the caller holds.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// Puts a cookie into the caller's jar.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.into(), value.into());
    }

    /// The bearer token that the caller holds.
    #[must_use]
    pub fn token(&self) -> Option<String> {
        self.bearer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Has the caller hold this bearer token.
    pub fn set_token(&self, token: Option<&str>) {
        *self.bearer.lock().unwrap_or_else(PoisonError::into_inner) = token.map(str::to_owned);
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path, Body::empty()))
            .await
    }

    /// `POST` with a JSON body; `()` for none.
    pub async fn post(&self, path: &str, body: impl IntoBody) -> Reply {
        self.send_json(Method::POST, path, body).await
    }

    /// `PATCH` with a JSON body.
    pub async fn patch(&self, path: &str, body: impl IntoBody) -> Reply {
        self.send_json(Method::PATCH, path, body).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path, Body::empty()))
            .await
    }

    /// `POST` with a form, as a browser sends it.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", pages::encoded(value)))
            .collect();
        let mut request = self.request(Method::POST, path, Body::from(pairs.join("&")));
        let headers = request.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let page = HeaderValue::from_static("text/html,application/xhtml+xml,*/*;q=0.8");
        headers.entry(header::ACCEPT).or_insert(page);
        self.send(request).await
    }

    async fn send_json(&self, method: Method, path: &str, body: impl IntoBody) -> Reply {
        let request = match body.into_body() {
            Some(json) => {
                let mut request = self.request(method, path, Body::from(json));
                request.headers_mut().insert(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/json"),
                );
                request
            }
            None => self.request(method, path, Body::empty()),
        };
        self.send(request).await
    }

    /// A request of this caller's, to be changed before it is [sent](Self::send).
    #[must_use]
    pub fn request(&self, method: Method, path: &str, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().expect("a path");
        request.headers_mut().extend(self.headers.clone());
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::new(self.ip, 40_000)));
        if let Some(token) = self.token() {
            let bearer = HeaderValue::from_str(&format!("Bearer {token}")).expect("a token");
            request
                .headers_mut()
                .entry(header::AUTHORIZATION)
                .or_insert(bearer);
        }
        let jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        if !jar.is_empty() {
            let cookies: Vec<_> = jar
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let cookies = HeaderValue::from_str(&cookies.join("; ")).expect("cookies");
            request
                .headers_mut()
                .entry(header::COOKIE)
                .or_insert(cookies);
        }
        drop(jar);
        request
    }

    /// Sends a request, and keeps what the answer gives to keep: cookies, or a token.
    ///
    /// # Panics
    /// When the answer shows a token that came with the request: only the answer that mints a token holds it.
    pub async fn send(&self, request: Request<Body>) -> Reply {
        let presented = tokens(request.headers());
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes().to_vec();
        let reply = Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        };
        for token in &presented {
            assert!(!reply.shows(token), "the answer shows the token that asked");
        }
        if self.keeps_cookies {
            self.keep_cookies(&reply);
        } else if reply.status == StatusCode::CREATED
            && let Some(token) = serde_json::from_slice::<Value>(&reply.body)
                .ok()
                .and_then(|json| json["token"].as_str().map(str::to_owned))
        {
            self.set_token(Some(&token));
        }
        reply
    }

    fn keep_cookies(&self, reply: &Reply) {
        let mut jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        for cookie in reply.cookies() {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((&cookie, ""));
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            if attributes.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.into(), value.into());
            }
        }
    }
}

/// The tokens that a request comes with: whatever has their shape.
fn tokens(headers: &HeaderMap) -> Vec<String> {
    let values = [header::AUTHORIZATION, header::COOKIE]
        .into_iter()
        .flat_map(|name| headers.get_all(name))
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split([' ', '=', ';']))
        .filter(|word| word.len() == 73 && word.starts_with("dw_"))
        .map(str::to_owned)
        .collect()
}

/// What can be sent as a body.
pub trait IntoBody {
    /// The JSON text; `None` for no body.
    fn into_body(self) -> Option<String>;
}

impl IntoBody for () {
    fn into_body(self) -> Option<String> {
        None
    }
}

impl IntoBody for Value {
    fn into_body(self) -> Option<String> {
        Some(self.to_string())
    }
}

impl IntoBody for &Value {
    fn into_body(self) -> Option<String> {
        Some(self.to_string())
    }
}

impl IntoBody for String {
    fn into_body(self) -> Option<String> {
        Some(self)
    }
}

impl IntoBody for &str {
    fn into_body(self) -> Option<String> {
        Some(self.to_owned())
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// One header, as text; empty when it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The `Set-Cookie` headers.
    #[must_use]
    pub fn cookies(&self) -> Vec<String> {
        let values = self.headers.get_all(header::SET_COOKIE).iter();
        values
            .map(|value| value.to_str().expect("a cookie of ASCII").to_owned())
            .collect()
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether this text is anywhere in the answer: in its body or a header.
    #[must_use]
    pub fn shows(&self, text: &str) -> bool {
        let holds = |bytes: &[u8]| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        holds(&self.body) || self.headers.values().any(|value| holds(value.as_bytes()))
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(json) => json,
            Err(error) => panic!("{error} in the body of {self}"),
        }
    }

    /// The `code` of a problem; empty when the answer is none.
    #[must_use]
    pub fn problem_code(&self) -> String {
        if self.header("content-type") != "application/problem+json" {
            return String::new();
        }
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The body, of an answer that must be 200.
    #[track_caller]
    pub fn ok(&self) -> Value {
        self.expect(StatusCode::OK);
        self.json()
    }

    /// The body, of an answer that must be 201.
    #[track_caller]
    pub fn created(&self) -> Value {
        self.expect(StatusCode::CREATED);
        self.json()
    }

    /// Of an answer that must be 204.
    #[track_caller]
    pub fn no_content(&self) {
        self.expect(StatusCode::NO_CONTENT);
        assert!(self.body.is_empty(), "204 with a body: {self}");
    }

    /// Of an answer that must be this problem.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) {
        self.expect(StatusCode::from_u16(status).expect("a status"));
        assert_eq!(self.problem_code(), code, "{self}");
    }

    #[track_caller]
    fn expect(&self, status: StatusCode) {
        assert_eq!(self.status, status, "{self}");
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.text())
    }
}
