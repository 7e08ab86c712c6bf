//! The message: headline, paragraph, fields or a preview of the data, link, and a small line that says where it is from.
//!
//! What matters most is written first, and fields fill what is then left of the total, so that no message is refused for its
//! length. Limits: docs.slack.dev, block-kit reference (header 150, section 3000, 10 fields of 2000, 10 context elements, 50
//! blocks); the total is our own, below the undocumented one near 13,200. Next: `mrkdwn.rs`.

use serde::Serialize;
use waxwing_chat::{Fact, Line, Notice, Template, Tone, clean, matches, readable, units};

use crate::{
    mrkdwn::{code, code_block, escape, value},
    settings::{Link, Settings},
};

/// All text of a message together, in UTF-16 units.
const TOTAL: usize = 11_500;
const HEADER: usize = 150;
const PARAGRAPH: usize = 2_500;
const FALLBACK: usize = 400;
/// A link longer than this is left out: cut, it would lead nowhere.
const LINK: usize = 1_500;
const LABEL: usize = 90;
const VALUE: usize = 400;
const PREVIEW: usize = 1_500;
/// One section takes ten fields.
const FIELDS_A_SECTION: usize = 10;
/// Signs of the context line's parts.
const SOURCE_PART: usize = 130;

/// What is posted to an incoming webhook.
#[derive(Debug, Serialize)]
pub(crate) struct Message {
    /// What notifications and clients without blocks show.
    text: String,
    blocks: Vec<Block>,
    link_names: bool,
    parse: &'static str,
    unfurl_links: bool,
    unfurl_media: bool,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Block {
    Header {
        text: Text,
    },
    Section {
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<Text>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        fields: Vec<Text>,
    },
    Context {
        elements: [Text; 1],
    },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Text {
    PlainText { text: String, emoji: bool },
    Mrkdwn { text: String, verbatim: bool },
}

/// Writes the message for an event.
pub(crate) fn compose(notice: &Notice<'_>, settings: &Settings) -> Message {
    let facts = notice.facts(settings.fields.as_deref(), usize::from(settings.max_fields));
    let emoji = emoji(notice.event_type, settings);
    let title = title(notice, settings);
    let header = header(emoji, &title);
    // A title of the operator's own says what the event is about.
    let subject = if settings.title.is_none() { facts.subject() } else { None };
    let fallback = fallback(emoji, &title, subject);
    let paragraph = settings.text.as_deref().and_then(|text| paragraph(text, notice));
    let link = settings.link.as_ref().and_then(|link| linked(link, notice));

    let written = [Some(&header), Some(&fallback), paragraph.as_ref(), link.as_ref()];
    let used: usize = written.into_iter().flatten().map(|text| units(text)).sum();
    // The small line's length depends on the fields that were left out; it keeps its room whether it needs it or not.
    let mut left = TOTAL.saturating_sub(used + SOURCE_PART * 6);
    let (fields, dropped) = fields(&facts.shown, &mut left);
    let told = !fields.is_empty() || paragraph.is_some();
    let preview = if told || settings.fields.is_some() { String::new() } else { preview(notice, left) };

    let mut blocks = vec![Block::Header { text: Text::PlainText { text: header, emoji: emoji.starts_with(':') } }];
    blocks.extend(paragraph.map(section));
    blocks.extend(sections(fields));
    blocks.extend((!preview.is_empty()).then(|| section(preview)));
    blocks.extend(link.map(section));
    if !settings.hide_source {
        blocks.push(Block::Context { elements: [mrkdwn(source(notice, facts.omitted + dropped))] });
    }
    Message { text: fallback, blocks, link_names: false, parse: "none", unfurl_links: false, unfurl_media: false }
}

/// Slack's server must not look for channel names, mentions or addresses in what we wrote.
fn mrkdwn(text: String) -> Text {
    Text::Mrkdwn { text, verbatim: true }
}

fn section(text: String) -> Block {
    Block::Section { text: Some(mrkdwn(text)), fields: Vec::new() }
}

fn sections(fields: Vec<String>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut fields = fields.into_iter().map(mrkdwn).peekable();
    while fields.peek().is_some() {
        blocks.push(Block::Section { text: None, fields: fields.by_ref().take(FIELDS_A_SECTION).collect() });
    }
    blocks
}

fn emoji<'s>(event_type: &str, settings: &'s Settings) -> &'s str {
    if let Some(style) = settings.styles.iter().find(|style| matches(&style.events, event_type)) {
        return style.emoji.trim();
    }
    match Tone::of(event_type) {
        Tone::Good => "🟢",
        Tone::Neutral => "🔵",
        Tone::Warning => "🟠",
        Tone::Bad => "🔴",
    }
}

fn title(notice: &Notice<'_>, settings: &Settings) -> String {
    let own = settings.title.as_deref().map(|template| Template(template).plain(notice, HEADER));
    own.filter(|title| !title.is_empty()).unwrap_or_else(|| notice.headline())
}

fn header(emoji: &str, title: &str) -> String {
    let mut line = Line::new(HEADER);
    if !emoji.is_empty() {
        line.push_all(emoji);
        line.push(" ");
    }
    escape(&mut line, title);
    line.into_text()
}

fn fallback(emoji: &str, title: &str, subject: Option<&str>) -> String {
    let mut line = Line::new(FALLBACK);
    if !emoji.is_empty() {
        line.push_all(emoji);
        line.push(" ");
    }
    escape(&mut line, title);
    if let Some(subject) = subject {
        line.push(": ");
        escape(&mut line, subject);
    }
    line.into_text()
}

fn paragraph(template: &str, notice: &Notice<'_>) -> Option<String> {
    let line = Template(template).marked_up(notice, PARAGRAPH, |text| value(text, VALUE));
    (!clean(line.as_str(), PARAGRAPH).is_empty()).then(|| line.into_text())
}

/// Each field as it will stand there, and how many had no room.
fn fields(facts: &[Fact], left: &mut usize) -> (Vec<String>, usize) {
    let mut fields = Vec::with_capacity(facts.len());
    for fact in facts {
        let label = value(&fact.label, LABEL);
        let shown = value(&fact.value, VALUE);
        let field = match label.starts_with('`') {
            true => [&label, "\n", &shown].concat(),
            false => ["*", &label, "*\n", &shown].concat(),
        };
        let length = units(&field);
        if length > *left {
            break;
        }
        *left -= length;
        fields.push(field);
    }
    let dropped = facts.len() - fields.len();
    (fields, dropped)
}

fn preview(notice: &Notice<'_>, left: usize) -> String {
    let text = notice.preview(PREVIEW);
    if text.is_empty() { String::new() } else { code_block(&text, PREVIEW.min(left)) }
}

fn linked(link: &Link, notice: &Notice<'_>) -> Option<String> {
    let url = Template(&link.url).address(notice).replace('&', "&amp;");
    let mut label = Line::new(200);
    escape(&mut label, &clean(link.label.as_deref().unwrap_or("Open"), 75).replace('|', "/"));
    let label = if label.is_empty() { "Open" } else { label.as_str() };
    (units(&url) <= LINK).then(|| format!("<{url}|{label}>"))
}

/// Type, environment, tenant, time (each reader sees his own) and event id.
fn source(notice: &Notice<'_>, omitted: usize) -> String {
    let at = notice.occurred_at;
    let mut parts = Vec::with_capacity(6);
    if !clean(notice.event_type, SOURCE_PART).is_empty() {
        parts.push(code(notice.event_type, SOURCE_PART));
    }
    let tenant = if notice.tenant == "default" { "" } else { notice.tenant };
    for name in [notice.environment, tenant] {
        let name = clean(name, SOURCE_PART);
        if !name.is_empty() {
            parts.push(value(&name, SOURCE_PART).into_owned());
        }
    }
    parts.push(format!("<!date^{}^{{date_short_pretty}} at {{time}}|{}>", at / 1000, readable(at)));
    if !clean(notice.id, SOURCE_PART).is_empty() {
        parts.push(code(notice.id, SOURCE_PART));
    }
    match omitted {
        0 => {}
        1 => parts.push("1 more field".to_owned()),
        more => parts.push(format!("{more} more fields")),
    }
    parts.join("  ·  ")
}
