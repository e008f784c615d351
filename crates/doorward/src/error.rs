//! Why Doorward declined, and the whole meaning of that in HTTP.

use std::fmt;

use http::StatusCode;

use crate::time::Span;

/// The result of every operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong underneath; goes to the log, never to a client.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Text for the log, harmless: a cause may quote what a mail server or a file name says, and a terminal would obey it.
pub(crate) struct Escaped<T>(pub T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `escape_debug` knows what is not printable, which takes in control characters and changes of direction.
        write!(f, "{}", self.0.to_string().escape_debug())
    }
}

/// Why Doorward declined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request is malformed: not JSON, ambiguous, undecodable. 400.
    #[error("The request could not be understood: {0}.")]
    Malformed(String),
    /// The body is not `application/json`. 415.
    #[error("Send the body as application/json.")]
    UnsupportedMediaType,
    /// A member has the wrong shape or value. 422.
    #[error("{message}")]
    InvalidField {
        /// The member, as a path: `email`, `response.clientDataJSON`.
        field: String,
        /// What would be right, as a sentence.
        message: String,
    },
    /// No live session, or a bad bearer token. 401.
    #[error("Sign in to continue.")]
    Unauthenticated,
    /// Any failure of a code. 401.
    #[error("That code isn't right. Check the newest email and try again.")]
    InvalidCode,
    /// The right code, after its lifetime. 401.
    #[error("That code has expired. Ask for a new one.")]
    ExpiredCode,
    /// Any failure of an assertion or registration that a client cannot act upon. 401.
    #[error("We couldn't check that passkey. Try again, or continue with email.")]
    PasskeyFailed,
    /// No such credential here: the browser may be told to forget it. 401.
    #[error("That passkey is not known here. Continue with email or use another passkey.")]
    UnknownCredential,
    /// The challenge was ours, and is too old or was already presented. 401.
    #[error("That took a little too long. Try again.")]
    ChallengeExpired,
    /// An unsafe request from an origin that is not allowed. 403.
    #[error("This request came from another site and was refused.")]
    CrossOrigin,
    /// Signed in, without the permission. 403.
    #[error("You don't have permission to do this.")]
    Forbidden,
    /// A proof not older than `max_age` is needed. 403.
    #[error("Confirm it's you to continue.")]
    ReauthRequired {
        /// The methods that would do: `passkey`, `otp`.
        methods: Vec<&'static str>,
        /// How old the proof may be.
        max_age: Span,
    },
    /// No such route, or an object that is not the caller's. 404.
    #[error("There is nothing here.")]
    NotFound,
    /// The route has no such method. 405.
    #[error("This address does not support that method.")]
    MethodNotAllowed,
    /// Policy leaves no other way in. 409.
    #[error("This is your only passkey. Create another one first.")]
    LastCredential,
    /// The credential is registered already. 409.
    #[error("This passkey is already registered.")]
    CredentialExists,
    /// The most of something is reached. 409.
    #[error("You have reached the limit. Remove one first.")]
    LimitReached,
    /// There must be an administrator. 409.
    #[error("There must be at least one administrator.")]
    LastAdmin,
    /// The body is over the limit. 413.
    #[error("The request is too large.")]
    TooLarge,
    /// A budget is spent. 429.
    #[error("Too many tries. Wait a moment and try again.")]
    RateLimited {
        /// When it is worth trying again.
        retry_after: Span,
    },
    /// Ours. 500.
    #[error("Something went wrong on our side.")]
    Internal(#[source] Cause),
    /// A part is unreachable; nothing was changed, unless the answer to a commit on PostgreSQL was lost. 503.
    #[error("The service is not available right now. Try again in a moment.")]
    Unavailable(#[source] Cause),
}

impl Error {
    /// A member of the request with the wrong value.
    pub(crate) fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::InvalidField {
            field: field.into(),
            message: message.into(),
        }
    }

    /// The status, and the code that clients match on. Codes never change meaning.
    #[must_use]
    pub fn answer(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request"),
            Self::InvalidField { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Self::InvalidCode => (StatusCode::UNAUTHORIZED, "invalid_code"),
            Self::ExpiredCode => (StatusCode::UNAUTHORIZED, "expired_code"),
            Self::PasskeyFailed => (StatusCode::UNAUTHORIZED, "passkey_failed"),
            Self::UnknownCredential => (StatusCode::UNAUTHORIZED, "unknown_credential"),
            Self::ChallengeExpired => (StatusCode::UNAUTHORIZED, "challenge_expired"),
            Self::CrossOrigin => (StatusCode::FORBIDDEN, "cross_origin"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Self::ReauthRequired { .. } => (StatusCode::FORBIDDEN, "reauth_required"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "invalid_request"),
            Self::LastCredential => (StatusCode::CONFLICT, "last_credential"),
            Self::CredentialExists => (StatusCode::CONFLICT, "credential_exists"),
            Self::LimitReached => (StatusCode::CONFLICT, "limit_reached"),
            Self::LastAdmin => (StatusCode::CONFLICT, "last_admin"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        }
    }
}

/// Every status and code that a client can meet, for the documentation.
pub const ANSWERS: [(u16, &str); 22] = [
    (400, "invalid_request"),
    (401, "unauthenticated"),
    (401, "invalid_code"),
    (401, "expired_code"),
    (401, "passkey_failed"),
    (401, "unknown_credential"),
    (401, "challenge_expired"),
    (403, "cross_origin"),
    (403, "forbidden"),
    (403, "reauth_required"),
    (404, "not_found"),
    (405, "invalid_request"),
    (409, "last_credential"),
    (409, "credential_exists"),
    (409, "limit_reached"),
    (409, "last_admin"),
    (413, "too_large"),
    (415, "invalid_request"),
    (422, "invalid_request"),
    (429, "rate_limited"),
    (500, "internal"),
    (503, "unavailable"),
];
