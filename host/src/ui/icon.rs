//! The few pictures of the portal, drawn in lines on 16 by 16. They only repeat what a text beside them says, or are named by it.

use std::fmt;

/// By its name; an unknown one is empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Icon(pub(super) &'static str);

/// What is within the `<svg>` of each.
const DRAWN: &[(&str, &str)] = &[
    ("overview", r#"<path d="M2.5 8.5v5M6.2 5.5v8M9.8 9.5v4M13.5 2.5v11"/>"#),
    (
        "webhook",
        r#"<circle cx="4" cy="11.5" r="2"/><circle cx="12" cy="11.5" r="2"/><circle cx="8" cy="4" r="2"/><path d="M8.9 5.8 11 9.7M10 11.5H6.2M5 9.8 7.1 6"/>"#,
    ),
    ("delivery", r#"<path d="M2 8 14 2.5 10.5 14 7.6 9.4zM7.6 9.4 14 2.5"/>"#),
    ("event", r#"<path d="M8.8 1.8 3.2 9h4.3l-.4 5.2L12.8 7H8.4z"/>"#),
    ("plugin", r#"<path d="M5.5 5V2.5M10.5 5V2.5M3.5 5h9v3a4.5 4.5 0 0 1-9 0zM8 12.5v2"/>"#),
    ("type", r#"<path d="M2.5 7.2V2.5h4.7l6.3 6.3-4.7 4.7z"/><circle cx="5.4" cy="5.4" r=".6"/>"#),
    ("sink", r#"<path d="M2.5 9.5v3a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1v-3M8 2.5v7M5.2 6.8 8 9.6l2.8-2.8"/>"#),
    (
        "settings",
        r#"<path d="M2 4.5h6.5M12.5 4.5H14M2 11.5h1.5M7.5 11.5H14"/><circle cx="10.5" cy="4.5" r="1.9"/><circle cx="5.5" cy="11.5" r="1.9"/>"#,
    ),
    ("menu", r#"<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>"#),
    ("check", r#"<path d="m3.5 8.5 3 3 6-7"/>"#),
    ("cross", r#"<path d="m4 4 8 8M12 4l-8 8"/>"#),
    ("pause", r#"<path d="M5.5 3.5v9M10.5 3.5v9"/>"#),
    ("play", r#"<path d="M5 3.2v9.6L12.5 8z"/>"#),
    ("dash", r#"<path d="M4 8h8"/>"#),
    ("dot", r#"<circle cx="8" cy="8" r="2.5"/>"#),
    ("warning", r#"<path d="M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.7v.1"/>"#),
    ("plus", r#"<path d="M8 3v10M3 8h10"/>"#),
    ("search", r#"<circle cx="7" cy="7" r="4.2"/><path d="m10.2 10.2 3.3 3.3"/>"#),
    ("edit", r#"<path d="m3 13 .7-3L10.8 3a1.4 1.4 0 0 1 2 0l.2.2a1.4 1.4 0 0 1 0 2L6 12.3zM9.6 4.2l2.2 2.2"/>"#),
    ("delete", r#"<path d="M2.8 4.5h10.4M6.2 4.5V2.8h3.6v1.7M4 4.5l.6 9h6.8l.6-9M6.7 7v4M9.3 7v4"/>"#),
    ("copy", r#"<rect x="5.5" y="5.5" width="8" height="8" rx="1.2"/><path d="M3.5 10.5h-1v-8h8v1"/>"#),
    ("arrow", r#"<path d="M3 8h10M9.2 4.2 13 8l-3.8 3.8"/>"#),
    ("back", r#"<path d="M13 8H3M6.8 4.2 3 8l3.8 3.8"/>"#),
    ("key", r#"<circle cx="5.2" cy="10.8" r="2.7"/><path d="m7.2 8.8 6-6M11 5l1.8 1.8"/>"#),
    ("clock", r#"<circle cx="8" cy="8" r="5.7"/><path d="M8 4.8V8l2.2 1.6"/>"#),
    ("system", r#"<circle cx="8" cy="8" r="5.5"/><path d="M8 2.5v11a5.5 5.5 0 0 0 0-11z" fill="currentColor"/>"#),
    (
        "light",
        r#"<circle cx="8" cy="8" r="2.7"/><path d="M8 1.7v1.1M8 13.2v1.1M1.7 8h1.1M13.2 8h1.1M3.5 3.5l.8.8M11.7 11.7l.8.8M3.5 12.5l.8-.8M11.7 4.3l.8-.8"/>"#,
    ),
    ("dark", r#"<path d="M13.3 9.6A5.8 5.8 0 0 1 6.4 2.7a5.6 5.6 0 1 0 6.9 6.9z"/>"#),
];

impl askama::filters::HtmlSafe for Icon {}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(concat!(
            r#"<svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.5" "#,
            r#"stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">"#
        ))?;
        let drawn = DRAWN.iter().find(|(name, _)| *name == self.0);
        drawn.map_or(Ok(()), |(_, drawn)| f.write_str(drawn))?;
        f.write_str("</svg>")
    }
}
