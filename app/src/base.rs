//! The path under which this node serves, and the addresses below it.
//!
//! Everywhere else a path is that of the node itself, `/blocks`. The base stands before it where an address is handed to
//! the browser: in links, forms, requests, streams and redirects. `cargo xtask check` looks for those without [`at_base`].

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// Longest base path, in bytes: proxies and cookies repeat it in every request.
const MAX_LEN: usize = 128;

/// The attribute of the root element that names it to the browser.
#[cfg(feature = "hydrate")]
const ATTRIBUTE: &str = "data-base";

/// A path such as `/ledger`, without a slash at its end; empty where the node serves at the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(Arc<str>);

/// Why a text is no base path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BasePathError {
    #[error("it does not begin with /")]
    NoSlash,
    #[error("it ends with /")]
    SlashAtTheEnd,
    #[error("it has {len} bytes, at most {max} are allowed")]
    TooLong { len: usize, max: usize },
    #[error("{found:?} is not allowed in it; letters of ASCII, digits, - . _ ~ and / are")]
    Character { found: char },
    #[error("it has an empty part (//)")]
    EmptyPart,
    #[error("its part {found:?} would be resolved by browsers and proxies")]
    DotPart { found: String },
}

impl BasePath {
    /// Reads a base path. `/` and the empty text are the root. Only characters that mean the same in a URL, a cookie, a page
    /// and the settings of a proxy are taken.
    ///
    /// # Errors
    /// Names the first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, BasePathError> {
        if text.is_empty() || text == "/" {
            return Ok(Self::default());
        }
        if text.len() > MAX_LEN {
            let len = text.len();
            return Err(BasePathError::TooLong { len, max: MAX_LEN });
        }
        let parts = text.strip_prefix('/').ok_or(BasePathError::NoSlash)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        if let Some(found) = text.chars().find(|c| !allowed(*c)) {
            return Err(BasePathError::Character { found });
        }
        if text.contains("//") {
            return Err(BasePathError::EmptyPart);
        }
        if text.ends_with('/') {
            return Err(BasePathError::SlashAtTheEnd);
        }
        if let Some(found) = parts.split('/').find(|part| matches!(*part, "." | "..")) {
            let found = found.to_owned();
            return Err(BasePathError::DotPart { found });
        }
        Ok(Self(text.into()))
    }

    /// As it stands before every path; empty at the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a path of this node. What is no path (`#main`, `https://…`) stays as it is.
    pub fn at(&self, path: &str) -> String {
        match path.starts_with('/') {
            true => format!("{}{path}", self.0),
            false => path.to_owned(),
        }
    }

    /// The node's own path in a path that begins with the base; none where that is not so.
    pub fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(&*self.0)
            .filter(|rest| self.0.is_empty() || rest.starts_with('/'))
    }
}

/// The address of a path of this node, under the base path of this page.
pub fn at_base(path: impl AsRef<str>) -> String {
    current().at(path.as_ref())
}

/// The path of the page that is shown, without the base path.
pub fn use_path() -> Memo<String> {
    let (base, path) = (current(), use_location().pathname);
    Memo::new(move |_| path.with(|path| base.below(path).unwrap_or(path).to_owned()))
}

#[cfg(not(feature = "hydrate"))]
pub(crate) fn current() -> BasePath {
    // The server provides it to every page.
    use_context().unwrap_or_default()
}

#[cfg(feature = "hydrate")]
static OF_THE_PAGE: std::sync::OnceLock<BasePath> = std::sync::OnceLock::new();

#[cfg(feature = "hydrate")]
pub(crate) fn current() -> BasePath {
    OF_THE_PAGE.get().cloned().unwrap_or_default()
}

/// Reads the base path that the server wrote into the page. Called once, before anything is shown or requested.
#[cfg(feature = "hydrate")]
pub(crate) fn learn() {
    let root = document().document_element();
    let named = root.and_then(|root| root.get_attribute(ATTRIBUTE)).unwrap_or_default();
    let base = OF_THE_PAGE.get_or_init(|| BasePath::parse(&named).unwrap_or_default());
    // Set twice it stays what it is.
    let _ = leptos::server_fn::client::try_set_server_url(&base.0);
}

/// Shows the router the path that the browser has, with the base before it: both sides then see the same one.
#[cfg(feature = "ssr")]
pub fn provide(base: BasePath) {
    use leptos_router::location::RequestUrl;
    if let Some(parts) = use_context::<axum::http::request::Parts>() {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        // The scheme and the name are those that leptos_axum writes; nothing reads them.
        provide_context(RequestUrl::new(&format!("http://leptos.dev{}", base.at(path))));
    }
    provide_context(base);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_paths_are_checked() {
        for good in ["/ledger", "/a/b-c_d.e~f/9", "/.well"] {
            assert_eq!(
                BasePath::parse(good).map(|base| base.as_str().to_owned()),
                Ok(good.to_owned())
            );
        }
        for root in ["", "/"] {
            assert_eq!(BasePath::parse(root), Ok(BasePath::default()));
        }
        let character = |found| BasePathError::Character { found };
        let dots = |found: &str| BasePathError::DotPart {
            found: found.to_owned(),
        };
        let long = format!("/{}", "a".repeat(MAX_LEN));
        for (bad, error) in [
            ("ledger", BasePathError::NoSlash),
            ("/ledger/", BasePathError::SlashAtTheEnd),
            ("//", BasePathError::EmptyPart),
            ("//evil.example", BasePathError::EmptyPart),
            ("/a//b", BasePathError::EmptyPart),
            ("/a/../b", dots("..")),
            ("/.", dots(".")),
            ("/a b", character(' ')),
            ("/a?b", character('?')),
            ("/a;b", character(';')),
            ("/a%2fb", character('%')),
            ("/\"><script>", character('"')),
            ("/büro", character('ü')),
            ("/a\n", character('\n')),
            (
                long.as_str(),
                BasePathError::TooLong {
                    len: MAX_LEN + 1,
                    max: MAX_LEN,
                },
            ),
        ] {
            assert_eq!(BasePath::parse(bad), Err(error), "{bad:?}");
        }
        assert!(BasePath::parse(&long[..MAX_LEN]).is_ok());
    }

    #[test]
    fn paths_go_below_the_base_and_back() {
        let (root, base) = (BasePath::default(), BasePath::parse("/ledger").expect("a base path"));
        assert_eq!(root.at("/blocks?page=2"), "/blocks?page=2");
        assert_eq!(base.at("/blocks?page=2"), "/ledger/blocks?page=2");
        assert_eq!(base.at("/"), "/ledger/");
        for other in ["#main", "https://ledger.example/", "?page=2", ""] {
            assert_eq!(base.at(other), other);
        }
        assert_eq!(base.below("/ledger/"), Some("/"));
        assert_eq!(base.below("/ledger/tx/0x"), Some("/tx/0x"));
        for outside in ["/ledger", "/ledgerx", "/ledgers/", "/", "/blocks", "/Ledger/", ""] {
            assert_eq!(base.below(outside), None, "{outside}");
        }
        assert_eq!(root.below("/ledger"), Some("/ledger"));
    }
}
