//! The query of a page's address: its filters, and the addresses of pages beside it.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

/// Name and value of each, without the empty ones that forms send for fields that are left alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    path: String,
    pairs: Vec<(String, String)>,
}

const PAIRS_MAX: usize = 64;

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::new(parts.uri.path(), parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    pub(super) fn new(path: &str, query: &str) -> Self {
        let pairs = url::form_urlencoded::parse(query.as_bytes()).take(PAIRS_MAX);
        let pairs = pairs.map(|(name, value)| (name.into_owned(), value.trim().to_owned()));
        Self { path: path.to_owned(), pairs: pairs.filter(|(_, value)| !value.is_empty()).collect() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Where it may come several times.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// As it reads itself from its text; `None` where it is absent or can't be one.
    pub(super) fn parsed<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    /// Whether any of these is set.
    pub(super) fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.get(name).is_some())
    }

    /// The address of the same page with this value in place of what is there.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let others = self.pairs.iter().filter(|(known, _)| known != name);
        let pairs = others.map(|(name, value)| (name.as_str(), value.as_str())).chain([(name, value)]);
        format!("{}?{}", self.path, url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
    }

    /// The address of this page with these parameters of another.
    pub(super) fn with_all(&self, other: &Self, names: &[&str]) -> String {
        let taken = other.pairs.iter().filter(|(name, _)| names.contains(&name.as_str()));
        Self { path: self.path.clone(), pairs: self.pairs.iter().chain(taken).cloned().collect() }.without(&[])
    }

    /// The address of the same page without these.
    pub(super) fn without(&self, names: &[&str]) -> String {
        let mut pairs = self.pairs.iter().filter(|(known, _)| !names.contains(&known.as_str())).peekable();
        if pairs.peek().is_none() {
            return self.path.clone();
        }
        format!("{}?{}", self.path, url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
    }
}

/// The address of a page of ours with what was done there, for a sentence above it: see [`super::layout::Layout::done`].
pub(super) fn saying(address: &str, done: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    Query::new(path, query).with("done", done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_kept_in_the_addresses_beside() {
        let query = Query::new("/admin/webhooks", "search=a%26b&status=&after=x");
        assert_eq!((query.get("search"), query.get("status")), (Some("a&b"), None));
        assert_eq!(query.with("after", "y"), "/admin/webhooks?search=a%26b&after=y");
        assert_eq!(query.without(&["after", "search"]), "/admin/webhooks");
        assert_eq!(
            saying("/admin/webhooks?done=paused&status=active", "resumed"),
            "/admin/webhooks?status=active&done=resumed"
        );
    }
}
