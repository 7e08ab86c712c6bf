//! Text as it is: in a box that scrolls by itself, with its own label and a button that copies it.

use askama::Template;

use super::icon::Icon;
use super::units::size;

/// The most of a text that a page shows, and that its button copies.
const SHOWN_MAX: usize = 64 * 1024;
const COPIED_MAX: usize = 16 * 1024;

#[derive(Template, Clone)]
#[template(path = "parts/code.html")]
pub(super) struct Code {
    label: &'static str,
    text: String,
    copies: bool,
    /// How much there is, where this isn't all.
    cut: Option<String>,
}

impl askama::filters::HtmlSafe for Code {}

impl Code {
    pub(super) fn new(label: &'static str, text: impl Into<String>) -> Self {
        let mut text = text.into();
        let whole = text.len();
        text.truncate(text.floor_char_boundary(SHOWN_MAX));
        let cut = (text.len() < whole).then(|| size(whole as u64));
        Self { label, copies: whole <= COPIED_MAX && whole > 0, text, cut }
    }

    /// Less of it, where there is more than this.
    pub(super) fn up_to(mut self, most: usize) -> Self {
        let whole = self.text.len() as u64;
        if self.text.len() > most {
            self.text.truncate(self.text.floor_char_boundary(most));
            self.cut.get_or_insert_with(|| size(whole));
            self.copies = false;
        }
        self
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// JSON is indented; what isn't text is only told of.
    pub(super) fn of_bytes(label: &'static str, bytes: &[u8]) -> Self {
        Self::new(label, readable(bytes))
    }
}

/// The text that these bytes are, JSON indented.
pub(super) fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= SHOWN_MAX => super::json::in_lines(text),
        Ok(text) => text.to_owned(),
        Err(_) => format!("{} that aren’t text", size(bytes.len() as u64)),
    }
}
