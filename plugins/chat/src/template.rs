//! Settings that say what to write: text with `{placeholders}`.
//!
//! `{headline}`, `{type}`, `{id}`, `{environment}`, `{tenant}`, `{time}` and any JSON Pointer into the data, `{/customer/name}`;
//! `{{` and `}}` are braces. No conditions and no loops: who needs those has the `template` plugin. What comes from the event is
//! handed out apart from what comes from the settings, so that a formatter escapes the one and keeps the other. Next: `notice.rs`.

use std::borrow::Cow;

use crate::{
    line::{Line, clean},
    notice::Notice,
    time::readable,
};

/// A text with placeholders, as it stands in the settings.
#[derive(Debug, Clone, Copy)]
pub struct Template<'a>(pub &'a str);

/// A part of a rendered template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// From the settings: the operator's own words.
    Literal(&'a str),
    /// From the event: anybody's words.
    Value(Cow<'a, str>),
}

impl<'a> Template<'a> {
    /// What is wrong with the template, if anything is.
    #[must_use]
    pub fn issue(self) -> Option<String> {
        self.parts().find_map(|part| match part {
            Part::Literal(_) => None,
            Part::Name(name) if known(name) => None,
            Part::Name(name) if name.starts_with('/') => Some(format!("`{{{name}}}` isn't a JSON Pointer: `~` stands before 0 or 1")),
            Part::Name(name) => Some(format!("`{{{name}}}` is no placeholder: use {{headline}}, {{type}}, {{id}}, {{environment}}, {{tenant}}, {{time}} or a JSON Pointer such as {{/name}}")),
            Part::Broken(brace) => Some(format!("a single `{brace}`: write `{brace}{brace}` for the brace itself")),
        })
    }

    /// The template's parts, filled in. What the event doesn't have is an en dash.
    pub fn render<'n>(self, notice: &'n Notice<'_>) -> impl Iterator<Item = Piece<'n>>
    where
        'a: 'n,
    {
        self.parts().map(|part| match part {
            Part::Literal(text) | Part::Broken(text) => Piece::Literal(text),
            Part::Name(name) => Piece::Value(value(name, notice)),
        })
    }

    /// The template as one clean line of at most `max` units. Empty if there is nothing to see.
    #[must_use]
    pub fn plain(self, notice: &Notice<'_>, max: usize) -> String {
        let mut text = String::new();
        for piece in self.render(notice) {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Value(value) => text.push_str(&value),
            }
        }
        clean(&text, max).into_owned()
    }

    /// The template as a text of at most `max` units: the settings' words as they are, the event's as `shown` writes them, each
    /// whole or not at all.
    #[must_use]
    pub fn marked_up(self, notice: &Notice<'_>, max: usize, shown: impl Fn(&str) -> Cow<'_, str>) -> Line {
        let mut line = Line::new(max);
        for piece in self.render(notice) {
            match piece {
                Piece::Literal(literal) => line.push_all(literal),
                Piece::Value(value) => line.push(&shown(&value)),
            };
        }
        line
    }

    /// The template as an address: the event's words percent-encoded.
    #[must_use]
    pub fn address(self, notice: &Notice<'_>) -> String {
        let mut address = String::new();
        for piece in self.render(notice) {
            match piece {
                Piece::Literal(literal) => address.push_str(literal),
                Piece::Value(value) => address.push_str(&percent_encode(&value)),
            }
        }
        address
    }

    /// The literal text before the first placeholder.
    fn beginning(self) -> &'a str {
        match self.parts().next() {
            Some(Part::Literal(text)) => text,
            _ => "",
        }
    }

    fn parts(self) -> Parts<'a> {
        Parts(self.0)
    }
}

/// Why a template isn't fit to be a link's address, if it isn't. Scheme and host must be the operator's: event data must not
/// choose where a link leads.
pub(crate) fn link_issue(template: &str) -> Option<String> {
    let template = Template(template);
    if let Some(issue) = template.issue() {
        return Some(issue);
    }
    let beginning = template.beginning();
    let host = beginning.strip_prefix("https://").or_else(|| beginning.strip_prefix("http://"));
    if host.is_none_or(|rest| rest.find('/').is_none_or(|end| end == 0)) {
        return Some("must begin with https:// and a host and a `/`, before the first placeholder".to_owned());
    }
    let odd = |character: char| !character.is_ascii_graphic() || "<>|\"\\^`()".contains(character);
    template
        .0
        .chars()
        .find(|&character| odd(character))
        .map(|character| format!("{character:?} must be percent-encoded in a URL"))
}

/// A value as one path segment or query value (RFC 3986: everything but unreserved characters is encoded).
fn percent_encode(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte >> 4, byte & 15] {
                encoded.push(char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
    }
    encoded
}

fn known(name: &str) -> bool {
    matches!(name, "headline" | "type" | "id" | "environment" | "tenant" | "time") || is_pointer(name)
}

fn is_pointer(name: &str) -> bool {
    name.starts_with('/') && name.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}

fn value<'n>(name: &str, notice: &'n Notice<'_>) -> Cow<'n, str> {
    let value = match name {
        "headline" => Cow::Owned(notice.headline()),
        "type" => Cow::Borrowed(notice.event_type),
        "id" => Cow::Borrowed(notice.id),
        "environment" => Cow::Borrowed(notice.environment),
        "tenant" => Cow::Borrowed(notice.tenant),
        "time" => Cow::Owned(readable(notice.occurred_at)),
        pointer => notice.text_at(pointer).unwrap_or_default(),
    };
    if value.is_empty() { Cow::Borrowed("–") } else { value }
}

enum Part<'a> {
    Literal(&'a str),
    Name(&'a str),
    Broken(&'a str),
}

struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let text = self.0;
        if text.is_empty() {
            return None;
        }
        let brace = text.find(['{', '}']).unwrap_or(text.len());
        if brace > 0 {
            return Some(Part::Literal(self.take(brace)));
        }
        if text.starts_with("{{") || text.starts_with("}}") {
            let both = self.take(2);
            return Some(Part::Literal(both.get(1..).unwrap_or_default()));
        }
        match text.find('}') {
            Some(end) if end > 0 && !text.get(1..end).unwrap_or_default().contains('{') => {
                let placeholder = self.take(end + 1);
                Some(Part::Name(placeholder.get(1..end).unwrap_or_default()))
            }
            _ => Some(Part::Broken(self.take(1))),
        }
    }
}

impl<'a> Parts<'a> {
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rendered(template: &str) -> String {
        let notice = Notice::new("order.paid", "evt_1", 0, br#"{"to":{"name":"Ann"},"n":2,"list":[1,"b"]}"#);
        Template(template)
            .render(&notice)
            .map(|piece| match piece {
                Piece::Literal(text) => text.to_owned(),
                Piece::Value(text) => format!("[{text}]"),
            })
            .collect()
    }

    #[test]
    fn placeholders_are_filled_in_and_kept_apart_from_the_words_around_them() {
        assert_eq!(rendered("{headline}: {/to/name} ×{/n} {{x}} {id}"), "[Order paid]: [Ann] ×[2] {x} [evt_1]");
        assert_eq!(rendered("{/missing} {/list} {/to}"), "[–] [1, b] [{\"name\":\"Ann\"}]");
        assert_eq!(rendered(""), "");
    }

    #[test]
    fn a_wrong_template_is_named_before_it_is_used() {
        for good in ["", "plain", "{type}", "{/a~1b}", "{{literal}}", "{/}"] {
            assert_eq!(Template(good).issue(), None, "{good}");
        }
        for bad in ["{nme}", "{", "a}b", "{}", "{/a~2}", "{a{type}}", "{/a~}"] {
            assert!(Template(bad).issue().is_some(), "{bad}");
        }
    }

    #[test]
    fn a_link_leads_where_the_operator_says() {
        assert_eq!(link_issue("https://app.example.com/licenses/{/licenseId}?from=slack"), None);
        for bad in [
            "{/url}",
            "https://{/host}/x",
            "https://example.com{/path}",
            "https:///x",
            "javascript://a/b",
            "/relative",
            "https://a.example/<b>",
            "https://a.example/a b",
            "https://a.example/{nope}",
        ] {
            assert!(link_issue(bad).is_some(), "{bad}");
        }
        assert_eq!(percent_encode("a b/ü<|>"), "a%20b%2F%C3%BC%3C%7C%3E");
    }

    proptest! {
        #[test]
        fn any_template_renders_without_a_panic(template in "[{}/~a-zü ]{0,24}") {
            let notice = Notice::new("a.b", "evt_1", 0, b"{}");
            let rendered: usize = Template(&template).render(&notice).count();
            prop_assert!(rendered <= template.len());
            let _ = (Template(&template).issue(), link_issue(&template));
        }
    }
}
