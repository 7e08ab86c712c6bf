//! Hides filled secrets in what comes back: a reply, an error's text. The placeholder takes the value's place.

use bytes::Bytes;
use url::form_urlencoded;

use crate::model::placeholder::Filling;
use crate::model::request::Header;

/// Shorter values would blank out ordinary text, and are no secrets.
const SHORTEST: usize = 4;

/// The values to look for, in the spellings in which they were sent: plain, as in JSON, as in a query. Longest first.
#[derive(Clone, Default)]
pub struct Mask(Vec<(Vec<u8>, String)>);

impl Mask {
    pub fn new(fillings: &[Filling]) -> Self {
        let mut needles = Vec::new();
        for filling in fillings.iter().filter(|filling| filling.value.expose().len() >= SHORTEST) {
            let plain = filling.value.expose();
            let json = serde_json::to_string(plain).unwrap_or_default();
            let in_query: String = form_urlencoded::byte_serialize(plain.as_bytes()).collect();
            let spellings = [plain.to_owned(), json.trim_matches('"').to_owned(), in_query];
            needles.extend(spellings.map(|spelling| (spelling.into_bytes(), filling.placeholder.clone())));
        }
        needles.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        Self(needles)
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A body, which may have been cut: the beginning of a value at its very end is hidden too.
    pub fn body(&self, body: Bytes) -> Bytes {
        self.masked(&body).map_or(body, Bytes::from)
    }

    pub fn headers(&self, headers: &mut [Header]) {
        if self.is_empty() {
            return;
        }
        for header in headers {
            header.value = self.text(&header.value).into();
        }
    }

    pub fn text(&self, text: &str) -> String {
        // Values and placeholders are UTF-8, but a value's first half at the end may not be.
        self.masked(text.as_bytes())
            .map_or_else(|| text.to_owned(), |masked| String::from_utf8_lossy(&masked).into_owned())
    }

    fn masked(&self, text: &[u8]) -> Option<Vec<u8>> {
        if self.is_empty() {
            return None;
        }
        let mut masked = Vec::new();
        let (mut rest, mut changed) = (text, false);
        while let Some(byte) = rest.first() {
            if let Some((after, placeholder)) = self.step(rest) {
                masked.extend_from_slice(placeholder.as_bytes());
                (rest, changed) = (after, true);
            } else {
                masked.push(*byte);
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        changed.then_some(masked)
    }

    /// If a value, or a cut one, begins here: what follows it.
    fn step<'a>(&self, rest: &'a [u8]) -> Option<(&'a [u8], &str)> {
        self.0.iter().find_map(|(needle, placeholder)| {
            let cut = rest.len() >= SHORTEST && needle.starts_with(rest);
            let after = rest.strip_prefix(needle.as_slice()).or_else(|| cut.then_some([].as_slice()))?;
            Some((after, placeholder.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::Secret;

    fn mask() -> Mask {
        let filling =
            |placeholder: &str, value: &str| Filling { placeholder: placeholder.into(), value: Secret::new(value) };
        Mask::new(&[filling("wxs_1", "hunter\"2 é"), filling("wxs_2", "hunter"), filling("wxs_3", "abc")])
    }

    #[test]
    fn a_value_is_hidden_in_every_spelling_and_the_longest_wins() {
        let reply = r#"plain hunter"2 é json "hunter\"2 é" query hunter%222+%C3%A9 other hunter short abc"#;
        assert_eq!(mask().text(reply), r#"plain wxs_1 json "wxs_1" query wxs_1 other wxs_2 short abc"#);
    }

    #[test]
    fn a_value_cut_at_the_end_is_hidden_too() {
        assert_eq!(mask().body(Bytes::from_static(b"you sent hunt")), "you sent wxs_1");
        assert_eq!(mask().body(Bytes::from_static(b"you sent hun")), "you sent hun");
    }

    #[test]
    fn nothing_is_copied_where_nothing_is_hidden() {
        let body = Bytes::from_static(b"fine");
        assert_eq!(mask().body(body.clone()).as_ptr(), body.as_ptr());
    }
}
