//! Who looks at a page, and how it is to look to them.

use axum::extract::FromRequestParts;
use http::{HeaderMap, Uri, header, request::Parts};

use super::{
    assets::Encoding,
    cookies::Kept,
    flash::Flash,
    language::Language,
    texts::{Key, Texts},
};
use crate::{
    Doorward,
    config::Config,
    error::{Error, Result},
    http::{
        Client, RequestId,
        cookies::{self, Found},
        extract::{CurrentUser, MaybeUser},
    },
};

/// How a page is to look, as far as a request tells without asking who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// The language that the request asks for by `?lang=`, or the browser by a cookie.
    pub(super) chosen: Option<Language>,
    /// Whether `?lang=` did, and so is to be kept.
    pub(super) chosen_now: bool,
    accepted: Option<Language>,
    default: Language,
    /// `light` or `dark`; neither leaves it to the system.
    pub(super) appearance: Option<&'static str>,
    pub(super) encoding: Encoding,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    /// Whether a session cookie was sent, of whatever worth.
    pub(super) has_session_cookie: bool,
}

impl Look {
    pub(crate) fn of(config: &Config, headers: &HeaderMap, uri: &Uri) -> Self {
        let query = super::form::query(uri.query().unwrap_or_default());
        let asked = query
            .iter()
            .find(|(name, _)| name == "lang")
            .and_then(|(_, tag)| Language::named(tag));
        let kept = || {
            Kept::Language
                .find(config, headers)
                .and_then(Language::named)
        };
        Self {
            chosen: asked.or_else(kept),
            chosen_now: asked.is_some(),
            accepted: Language::accepted(headers),
            default: config.locale.into(),
            appearance: match Kept::Appearance.find(config, headers) {
                Some("light") => Some("light"),
                Some("dark") => Some("dark"),
                _ => None,
            },
            encoding: Encoding::accepted(headers),
            path: uri.path().to_owned(),
            query,
            has_session_cookie: cookies::find(headers, cookies::Names::of(config).session)
                != Found::Never,
        }
    }

    /// The language, for whoever is signed in.
    pub(super) fn language(&self, user: Option<&CurrentUser>) -> Language {
        let profile = || user.and_then(|user| user.user().locale).map(Language::from);
        self.chosen
            .or_else(profile)
            .or(self.accepted)
            .unwrap_or(self.default)
    }
}

/// Whether a request is for a page to look at, and not for the API: by its path, and by what it would rather have.
pub(crate) fn wants_a_page(uri: &Uri, headers: &HeaderMap) -> bool {
    let is_api = uri.path() == "/auth" || uri.path().starts_with("/auth/");
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    !is_api
        && accept
            .split(',')
            .find_map(|each| {
                let kind = each.split(';').next().unwrap_or_default().trim();
                match kind {
                    "text/html" => Some(true),
                    "application/json" | "application/problem+json" => Some(false),
                    _ => None,
                }
            })
            .unwrap_or(false)
}

/// A request for a page: what every handler of a page asks for.
pub(super) struct Visit {
    pub doorward: Doorward,
    pub client: Client,
    pub request_id: Option<RequestId>,
    /// Who is signed in, if anyone. Handlers that need someone ask for `CurrentUser` beside the visit: who is not is sent
    /// to sign in, and comes back.
    pub user: Option<CurrentUser>,
    pub look: Look,
    /// The texts, in the language of the visit.
    pub t: Texts,
    /// What an earlier page left to say.
    pub flash: Option<Flash>,
    pub(super) had_flash: bool,
    pub headers: HeaderMap,
}

impl FromRequestParts<Doorward> for Visit {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, doorward: &Doorward) -> Result<Self> {
        let look = Look::of(&doorward.config, &parts.headers, &parts.uri);
        let user = match MaybeUser::from_request_parts(parts, doorward).await {
            Ok(presented) => presented.user,
            Err(Error::Unauthenticated) => None,
            Err(error) => return Err(error),
        };
        let Ok(client) = Client::from_request_parts(parts, doorward).await;
        let flash = Kept::Flash.find(&doorward.config, &parts.headers);
        Ok(Self {
            client,
            request_id: parts.extensions.get().copied(),
            t: Texts::new(doorward, look.language(user.as_ref())),
            had_flash: flash.is_some(),
            flash: flash.and_then(|value| Flash::read(doorward, value)),
            user,
            look,
            headers: parts.headers.clone(),
            doorward: doorward.clone(),
        })
    }
}

impl Visit {
    /// The visit of a request that failed before its handler could ask for one, or in it.
    pub(super) fn declined(doorward: &Doorward, look: Look, request_id: RequestId) -> Self {
        Self {
            client: Client::default(),
            request_id: Some(request_id),
            user: None,
            t: Texts::new(doorward, look.language(None)),
            look,
            flash: None,
            had_flash: false,
            headers: HeaderMap::new(),
            doorward: doorward.clone(),
        }
    }

    pub(super) fn config(&self) -> &Config {
        &self.doorward.config
    }

    /// A cookie of the pages that the request carries.
    pub(super) fn kept(&self, which: Kept) -> Option<&str> {
        which.find(self.config(), &self.headers)
    }

    /// What an earlier page left to say, in words.
    pub(super) fn notice(&self) -> Option<String> {
        self.flash.as_ref().map(|flash| flash.text(&self.t))
    }

    /// A text without placeholders.
    pub(super) fn say(&self, key: Key) -> String {
        self.t.get(&key).to_string()
    }
}
