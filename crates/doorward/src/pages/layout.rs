//! What is around every page: head, header, footer. Templates call it `frame`.

use super::{assets, language::Language, visit::Visit};

/// What is around a page.
pub(super) struct Frame {
    pub lang: &'static str,
    pub dir: &'static str,
    pub appearance: Option<&'static str>,
    pub app: String,
    /// The class of the body, which says how the page is laid out: `dw-auth`, `dw-account`.
    pub class: &'static str,
    /// Whether the page is shown again because of an error; its title says so.
    pub is_error: bool,
    /// The operator's style sheet.
    pub theme: Option<String>,
    /// The operator's picture.
    pub logo: Option<String>,
    pub privacy_url: Option<String>,
    /// Where the form of the language switch leads: back to this page.
    pub path: String,
    /// What the address of this page has besides, for the same form.
    pub query: Vec<(String, String)>,
    pub languages: Vec<Offered>,
}

/// A language in the switch.
pub(super) struct Offered {
    pub tag: &'static str,
    pub name: &'static str,
    pub is_current: bool,
}

impl Visit {
    /// The frame of a page of this visit, laid out as this class of the body says.
    pub(super) fn frame(&self, class: &'static str) -> Frame {
        let language = self.t.language();
        let pages = &self.doorward.pages;
        let own = |file: &Option<assets::Own>| file.as_ref().map(|file| file.path.clone());
        Frame {
            lang: language.tag(),
            dir: language.dir(),
            appearance: self.look.appearance,
            app: self.config().app_name.clone(),
            class,
            is_error: false,
            theme: own(&pages.theme),
            logo: own(&pages.logo),
            privacy_url: self.config().pages.privacy_url.clone(),
            path: self.look.path.clone(),
            query: self
                .look
                .query
                .iter()
                .filter(|(name, _)| name != "lang")
                .cloned()
                .collect(),
            languages: Language::OFFERED
                .map(|offered| Offered {
                    tag: offered.tag(),
                    name: offered.own_name(),
                    is_current: offered == language,
                })
                .into(),
        }
    }
}

impl Frame {
    /// The same frame, of a page that is shown again because of an error.
    pub(super) fn with_error(self, is_error: bool) -> Self {
        Self { is_error, ..self }
    }

    /// Where a built-in file is served.
    #[expect(clippy::unused_self, reason = "templates reach it through the frame")]
    pub(super) fn asset(&self, name: &str) -> &'static str {
        assets::path(name)
    }
}
