//! The message: one embed with headline, paragraph, fields or a preview of the data, and a small line that says where it is
//! from.
//!
//! What matters most is written first, and fields fill what is then left of the total, so that no message is refused for its
//! length. Limits: discord-api-docs, resources/message (title 256, description 4,096, 25 fields of 256 and 1,024, footer 2,048, 6,000
//! over all). Next: `markdown.rs`.

use serde::Serialize;
use waxwing_chat::{Data, Fact, Notice, Template, Tone, clean, matches, rfc3339, units};

use crate::{
    markdown::{code_block, escaped},
    settings::Settings,
};

/// All text of the embed together, in UTF-16 units: 6,000 less a little.
const TOTAL: usize = 5_900;
const TITLE: usize = 256;
const DESCRIPTION: usize = 2_500;
const PREVIEW: usize = 1_500;
const LABEL: usize = 120;
const VALUE: usize = 400;
const SOURCE_PART: usize = 130;
const THREAD_NAME: usize = 100;
/// A link longer than this is left out: cut, it would lead nowhere.
const LINK: usize = 1_500;
/// Shorter values stand side by side.
const INLINE: usize = 40;

/// What is posted to a webhook.
#[derive(Debug, Serialize)]
pub(crate) struct Message {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_name: Option<String>,
    embeds: [Embed; 1],
    allowed_mentions: AllowedMentions,
}

/// Nobody is notified, whatever stands in the message.
#[derive(Debug, Serialize)]
struct AllowedMentions {
    parse: [(); 0],
}

#[derive(Debug, Serialize)]
struct Embed {
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    color: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "Option::is_none")]
    footer: Option<Footer>,
    timestamp: String,
}

#[derive(Debug, Serialize)]
struct Field {
    name: String,
    value: String,
    inline: bool,
}

#[derive(Debug, Serialize)]
struct Footer {
    text: String,
}

/// Writes the message for an event.
pub(crate) fn compose(notice: &Notice<'_>, settings: &Settings) -> Message {
    let facts = notice.facts(settings.fields.as_deref(), usize::from(settings.max_fields));
    let title = title(notice, settings);
    let paragraph = settings.text.as_deref().map(|text| paragraph(text, notice)).unwrap_or_default();

    let footer_room = if settings.hide_source { 0 } else { SOURCE_PART * 5 };
    let mut left = TOTAL.saturating_sub(units(&title) + units(&paragraph) + footer_room);
    let (fields, dropped) = fields(&facts.shown, &mut left);
    let told = !fields.is_empty() || !paragraph.is_empty() || settings.fields.is_some();
    let description = if told { paragraph } else { preview(notice, left) };

    let source = source(notice, facts.omitted + dropped);
    let footer = (!settings.hide_source && !source.is_empty()).then_some(Footer { text: source });
    let embed = Embed {
        title,
        url: settings.link.as_ref().and_then(|link| address(&link.url, notice)),
        description,
        color: color(notice.event_type, settings),
        fields,
        footer,
        timestamp: rfc3339(notice.occurred_at),
    };
    Message {
        username: settings.username.as_deref().map(|name| clean(name, 80).into_owned()).filter(|name| !name.is_empty()),
        thread_name: settings.thread_name.as_deref().map(|template| thread_name(template, notice)),
        embeds: [embed],
        allowed_mentions: AllowedMentions { parse: [] },
    }
}

fn color(event_type: &str, settings: &Settings) -> u32 {
    let style = settings.styles.iter().find(|style| matches(&style.events, event_type));
    let own = style.and_then(|style| u32::from_str_radix(style.color.trim_start_matches('#'), 16).ok());
    own.map_or_else(
        || match Tone::of(event_type) {
            Tone::Good => 0x2E_B6_7D,
            Tone::Neutral => 0x36_8B_D6,
            Tone::Warning => 0xE8_A3_1D,
            Tone::Bad => 0xD8_3A_3A,
        },
        |color| color & 0xFF_FF_FF,
    )
}

fn title(notice: &Notice<'_>, settings: &Settings) -> String {
    let own = settings.title.as_deref().map(|template| Template(template).plain(notice, TITLE));
    escaped(&own.filter(|title| !title.is_empty()).unwrap_or_else(|| notice.headline()), TITLE).into_owned()
}

fn thread_name(template: &str, notice: &Notice<'_>) -> String {
    let name = Template(template).plain(notice, THREAD_NAME);
    if name.is_empty() { clean(&notice.headline(), THREAD_NAME).into_owned() } else { name }
}

fn paragraph(template: &str, notice: &Notice<'_>) -> String {
    let line = Template(template).marked_up(notice, DESCRIPTION, |text| escaped(text, VALUE));
    if clean(line.as_str(), DESCRIPTION).is_empty() { String::new() } else { line.as_str().trim().to_owned() }
}

/// Each field as it will stand there, and how many had no room.
fn fields(facts: &[Fact], left: &mut usize) -> (Vec<Field>, usize) {
    let mut fields = Vec::with_capacity(facts.len());
    for fact in facts {
        let (name, value) = (escaped(&fact.label, LABEL).into_owned(), escaped(&fact.value, VALUE).into_owned());
        let length = units(&name) + units(&value);
        if length > *left {
            break;
        }
        *left -= length;
        fields.push(Field { inline: units(&fact.value) <= INLINE, name, value });
    }
    let dropped = facts.len() - fields.len();
    (fields, dropped)
}

fn preview(notice: &Notice<'_>, left: usize) -> String {
    let text = notice.preview(PREVIEW);
    let language = if matches!(notice.data, Data::Json(_)) { "json" } else { "" };
    if text.is_empty() { String::new() } else { code_block(&text, language, PREVIEW.min(left)) }
}

fn address(template: &str, notice: &Notice<'_>) -> Option<String> {
    let url = Template(template).address(notice);
    (units(&url) <= LINK).then_some(url)
}

/// Type, environment, tenant and event id. A footer has no markdown; the time is the embed's own.
fn source(notice: &Notice<'_>, omitted: usize) -> String {
    let tenant = if notice.tenant == "default" { "" } else { notice.tenant };
    let mut text = String::new();
    for part in [notice.event_type, notice.environment, tenant, notice.id] {
        let part = clean(part, SOURCE_PART);
        if !part.is_empty() {
            text.push_str(if text.is_empty() { "" } else { "  ·  " });
            text.push_str(&part);
        }
    }
    match omitted {
        0 => text,
        1 => text + "  ·  1 more field",
        more => format!("{text}  ·  {more} more fields"),
    }
}
