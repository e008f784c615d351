//! What handlers ask for: who is calling, and what they sent.
//!
//! A handler's signature is its permission: [`CurrentUser`], [`Fresh`], [`Allowed`].

use std::{marker::PhantomData, ops::Deref};

use axum::{
    body::Body,
    extract::{
        FromRef, FromRequest, FromRequestParts, Path as AxumPath, Query as AxumQuery, Request,
    },
};
use http::{HeaderMap, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::{BODY_LIMIT, Client, RequestId, cookies, cross_origin, strict_json, trace};
use crate::{
    Doorward,
    audit::{self, Event, Kind},
    error::{Error, Result},
    sessions::{self, SignedIn, Token},
};

/// How long a body may take to arrive.
const BODY_TIME: std::time::Duration = std::time::Duration::from_secs(10);

/// Someone who is signed in. Rejects with [`Error::Unauthenticated`].
///
/// In a handler of an application's own too, an unsafe request with the cookie is refused where a page of an origin that is
/// not listed may have caused it, also one of a sibling domain: [`Error::CrossOrigin`]. Safe methods pass, and with them the opening of
/// a WebSocket, where the application has to look at `Origin` itself.
#[derive(Debug, Clone)]
pub struct CurrentUser(pub SignedIn);

/// Proof that the request comes from someone who signed in recently.
///
/// Ask for it wherever a stolen cookie would hurt: adding a passkey, changing the address, deleting the account.
/// Rejects with [`Error::ReauthRequired`].
#[derive(Debug, Clone)]
pub struct Fresh(pub CurrentUser);

/// A permission that handlers ask for by type.
///
/// ```
/// struct ReadLibrary;
/// impl doorward::Permission for ReadLibrary {
///     const NAME: &'static str = "library:read";
/// }
/// ```
pub trait Permission: Send + Sync + 'static {
    /// The name: `resource:action`.
    const NAME: &'static str;
}

/// Someone who is signed in and has the permission. Rejects with [`Error::Forbidden`].
#[derive(Debug, Clone)]
pub struct Allowed<P>(pub CurrentUser, PhantomData<P>);

/// Someone, or nobody: never rejects for want of a session, only for a bad bearer token, and for an unsafe request of another
/// site's that brings the cookie ([`CurrentUser`]).
#[derive(Debug, Clone)]
pub struct MaybeUser {
    /// Who is signed in.
    pub user: Option<CurrentUser>,
    /// Whether a session cookie was sent that opens nothing any more.
    pub stale_cookie: bool,
}

impl Deref for CurrentUser {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

impl Deref for Fresh {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

impl<P> Deref for Allowed<P> {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

/// What a request shows of who is calling.
enum Credentials<'a> {
    Nothing,
    Bearer(&'a str),
    Cookie(&'a str),
    /// Two session cookies, of which at most one is ours.
    Planted,
}

/// `Authorization`, or else the cookie. Where there is an `Authorization` the cookie is not looked at, even when
/// the bearer token is bad: a client that says who it is must not silently be someone else.
fn credentials<'a>(doorward: &Doorward, headers: &'a HeaderMap) -> Result<Credentials<'a>> {
    let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
    match (authorizations.next(), authorizations.next()) {
        (Some(_), Some(_)) => Err(Error::Malformed(
            "there are two Authorization headers".into(),
        )),
        (Some(authorization), None) => {
            let text = authorization.to_str().map_err(|_| Error::Unauthenticated)?;
            let (scheme, token) = text.split_once(' ').ok_or(Error::Unauthenticated)?;
            if scheme.eq_ignore_ascii_case("bearer") {
                Ok(Credentials::Bearer(token.trim()))
            } else {
                Err(Error::Unauthenticated)
            }
        }
        (None, _) => Ok(
            match cookies::find(headers, cookies::Names::of(&doorward.config).session) {
                cookies::Found::Never | cookies::Found::Once("") => Credentials::Nothing,
                cookies::Found::Once(token) => Credentials::Cookie(token),
                cookies::Found::Twice => Credentials::Planted,
            },
        ),
    }
}

async fn signed_in(doorward: &Doorward, token: &str) -> Result<Option<CurrentUser>> {
    match Token::parse(&doorward.keys.tokens, token) {
        Some(token) => Ok(sessions::check(doorward, &token).await?.map(CurrentUser)),
        None => Ok(None),
    }
}

impl<S> FromRequestParts<S> for MaybeUser
where
    Doorward: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let doorward = Doorward::from_ref(state);
        match credentials(&doorward, &parts.headers)? {
            Credentials::Nothing => Ok(Self {
                user: None,
                stale_cookie: false,
            }),
            Credentials::Bearer(token) => match signed_in(&doorward, token).await? {
                Some(user) => Ok(Self {
                    user: Some(user),
                    stale_cookie: false,
                }),
                None => Err(Error::Unauthenticated),
            },
            Credentials::Cookie(token) => {
                // The door has looked already, but before our own handlers alone.
                cross_origin::check(&doorward.config, &parts.method, &parts.headers)?;
                let user = signed_in(&doorward, token).await?;
                Ok(Self {
                    stale_cookie: user.is_none(),
                    user,
                })
            }
            Credentials::Planted => {
                let request_id = parts
                    .extensions
                    .get::<RequestId>()
                    .map(tracing::field::display);
                tracing::warn!(
                    request_id,
                    "a request carried two session cookies: someone may be planting cookies"
                );
                Ok(Self {
                    user: None,
                    stale_cookie: true,
                })
            }
        }
    }
}

impl<S> FromRequestParts<S> for CurrentUser
where
    Doorward: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        MaybeUser::from_request_parts(parts, state)
            .await?
            .user
            .ok_or(Error::Unauthenticated)
    }
}

impl<S> FromRequestParts<S> for Fresh
where
    Doorward: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let user = CurrentUser::from_request_parts(parts, state).await?;
        let doorward = Doorward::from_ref(state);
        sessions::require_fresh(&doorward, &user, doorward.clock.now()).await?;
        Ok(Self(user))
    }
}

impl<S, P: Permission> FromRequestParts<S> for Allowed<P>
where
    Doorward: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let user = CurrentUser::from_request_parts(parts, state).await?;
        if user.access().allows(P::NAME) {
            return Ok(Self(user, PhantomData));
        }
        let doorward = Doorward::from_ref(state);
        let Ok(client) = Client::from_request_parts(parts, state).await;
        let now = doorward.clock.now();
        let event = Event::own(Kind::AccessDenied, user.user().id)
            .session(user.session().id)
            .detail(P::NAME);
        audit::alone(&doorward, &client, event, now).await?;
        Err(Error::Forbidden)
    }
}

/// Who presented themselves with a request that asks for nobody, a sign-in or a sign-out: whoever is signed in, if
/// anyone. A bad bearer token is as good as none here; what is ambiguous, or cannot be checked, is still refused.
pub(crate) struct Presented(pub Option<CurrentUser>);

impl<S> FromRequestParts<S> for Presented
where
    Doorward: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match MaybeUser::from_request_parts(parts, state).await {
            Ok(MaybeUser { user, .. }) => Ok(Self(user)),
            Err(Error::Unauthenticated) => Ok(Self(None)),
            Err(error) => Err(error),
        }
    }
}

/// A JSON body, read strictly.
pub(crate) struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let JsonText(text) = JsonText::from_request(request, state).await?;
        strict_json::read(&text).map(Self)
    }
}

/// A JSON body that is not read yet, for a handler that finds two things in it.
///
/// Reading it twice keeps the path of what is wrong, which `#[serde(flatten)]` loses.
pub(crate) struct JsonText(pub bytes::Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonText {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        if !trace::is_json(request.headers()) {
            return Err(Error::UnsupportedMediaType);
        }
        body(request.into_body()).await.map(Self)
    }
}

pub(crate) async fn body(body: Body) -> Result<bytes::Bytes> {
    let collected = tokio::time::timeout(BODY_TIME, Limited::new(body, BODY_LIMIT).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Error::TooLarge),
        Ok(Err(_)) => Err(Error::Malformed("the body ended too early".into())),
        Err(_) => Err(Error::Malformed("the body took too long".into())),
    }
}

/// Parts of the path. What does not fit names nothing that exists: 404.
pub(crate) struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let AxumPath(value) = AxumPath::from_request_parts(parts, state)
            .await
            .map_err(|_| Error::NotFound)?;
        Ok(Self(value))
    }
}

/// The query.
pub(crate) struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let query = AxumQuery::from_request_parts(parts, state).await;
        let AxumQuery(value) = query.map_err(|error| Error::field("query", error.body_text()))?;
        Ok(Self(value))
    }
}
