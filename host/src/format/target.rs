//! Where a plugin's request goes: the webhook's URL with what the draft says laid over it.
//!
//! Another origin gets nothing of the webhook's own path and query: both may be secrets. Whether that origin is allowed was
//! decided where the draft was checked; the address policy still comes later, in `send`.

use std::borrow::Cow;

use url::{Url, form_urlencoded};

use crate::model::request::RequestDraft;

/// The draft doesn't make a URL: its origin or its path isn't one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the plugin's request names no usable {0}")]
pub struct BadTarget(pub &'static str);

/// The URL of a draft, placeholders left as they are.
pub fn target(webhook: &Url, draft: &RequestDraft) -> Result<Url, BadTarget> {
    let mut url = if leaves_origin(webhook, draft)? { other_origin(draft)? } else { webhook.clone() };
    url.set_fragment(None);
    let (path, path_query) = match draft.path.as_deref().map(without_fragment) {
        None => (None, None),
        Some(path) => path.split_once('?').map_or((Some(path), None), |(path, query)| (Some(path), Some(query))),
    };
    if let Some(path) = path {
        if !path.starts_with('/') {
            return Err(BadTarget("path"));
        }
        url.set_path(path);
    }
    let from_path = path_query.into_iter().flat_map(|query| form_urlencoded::parse(query.as_bytes()));
    let own = draft.query.iter().map(|(name, value)| (Cow::from(name.as_str()), Cow::from(value.as_str())));
    lay_over(&mut url, &from_path.chain(own).collect::<Vec<_>>());
    Ok(url)
}

/// Whether the draft goes elsewhere than to the webhook's own origin.
pub fn leaves_origin(webhook: &Url, draft: &RequestDraft) -> Result<bool, BadTarget> {
    Ok(draft.origin.is_some() && other_origin(draft)?.origin() != webhook.origin())
}

fn other_origin(draft: &RequestDraft) -> Result<Url, BadTarget> {
    let url: Url = draft.origin.as_deref().unwrap_or_default().parse().map_err(|_| BadTarget("origin"))?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let web = matches!(url.scheme(), "https" | "http") && url.password().is_none();
    if bare && web { Ok(url) } else { Err(BadTarget("origin")) }
}

fn without_fragment(path: &str) -> &str {
    path.split_once('#').map_or(path, |(path, _)| path)
}

/// The webhook's own pairs stay as they are written, but for those whose name the plugin sets.
fn lay_over(url: &mut Url, pairs: &[(Cow<'_, str>, Cow<'_, str>)]) {
    if pairs.is_empty() {
        return;
    }
    let replaced = |raw: &&str| {
        let name = form_urlencoded::parse(raw.as_bytes()).next().map(|(name, _)| name);
        name.is_some_and(|name| pairs.iter().any(|(other, _)| *other == name))
    };
    let own = url.query().unwrap_or_default().split('&').filter(|raw| !raw.is_empty() && !replaced(raw));
    let mut query = own.collect::<Vec<_>>().join("&");
    if !query.is_empty() {
        query.push('&');
    }
    let start = query.len();
    let query = form_urlencoded::Serializer::for_suffix(query, start).extend_pairs(pairs).finish();
    url.set_query(Some(&query));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(origin: Option<&str>, path: Option<&str>, query: &[(&str, &str)]) -> RequestDraft {
        RequestDraft {
            method: crate::model::request::Method::Post,
            path: path.map(str::to_owned),
            origin: origin.map(str::to_owned),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            headers: Vec::new(),
            content_type: "application/json".into(),
            body: bytes::Bytes::new(),
            stage: 0,
        }
    }

    fn target_of(webhook: &str, draft: &RequestDraft) -> String {
        target(&webhook.parse().unwrap(), draft).unwrap().to_string()
    }

    #[test]
    fn a_draft_that_says_nothing_goes_to_the_webhook_as_it_is_written() {
        let url = "https://example.com/a%2Fb?x=%7E&y";
        assert_eq!(target_of(url, &draft(None, None, &[])), url);
    }

    #[test]
    fn a_plugins_query_is_laid_over_the_webhooks_and_the_same_name_replaces() {
        let query = [("wait", "true"), ("b", "é&=")];
        let url = target_of("https://example.com/hook?a=%7E&wait=false", &draft(None, None, &query));
        assert_eq!(url, "https://example.com/hook?a=%7E&wait=true&b=%C3%A9%26%3D");
        let url = target_of("https://example.com/hook?a=1", &draft(None, Some("/other?a=2"), &[]));
        assert_eq!(url, "https://example.com/other?a=2");
    }

    #[test]
    fn a_path_never_changes_the_host() {
        for path in ["//evil.example/x", "/\\evil.example", "/../../x", "/@evil.example", "/x#y"] {
            let url = target(&"https://example.com/secret".parse().unwrap(), &draft(None, Some(path), &[])).unwrap();
            assert_eq!(url.host_str(), Some("example.com"), "{path}");
        }
        let webhook = "https://example.com/".parse().unwrap();
        assert_eq!(target(&webhook, &draft(None, Some("https://evil.example"), &[])), Err(BadTarget("path")));
    }

    #[test]
    fn another_origin_gets_nothing_of_the_webhooks_path_and_query() {
        let elsewhere = draft(Some("https://other.example:8443"), None, &[("a", "1")]);
        assert_eq!(target_of("https://example.com/secret?token=1", &elsewhere), "https://other.example:8443/?a=1");
        let own = draft(Some("https://example.com:443"), None, &[]);
        assert_eq!(target_of("https://example.com/secret", &own), "https://example.com/secret");
        for bad in ["nonsense", "ftp://example.com", "https://u:p@example.com", "https://example.com/path"] {
            let webhook = "https://example.com/".parse().unwrap();
            assert_eq!(target(&webhook, &draft(Some(bad), None, &[])), Err(BadTarget("origin")), "{bad}");
        }
    }
}
