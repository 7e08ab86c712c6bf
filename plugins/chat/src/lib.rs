//! How an event reads to people: headline, tone, subject and facts, for every formatter that writes to a chat.
//!
//! A formatter parses once ([`Notice::new`]), asks for what it shows, and cleans and measures everything on its way out
//! ([`Line`]). Nothing here knows a destination's markup, limits or JSON: that is each formatter's own. Nothing here can fail on
//! an event: data that isn't JSON is still something to say. Next: `notice.rs`.

mod facts;
mod letters;
mod line;
mod node;
mod notice;
mod pattern;
mod samples;
mod settings;
mod template;
mod time;
mod tone;
mod words;

pub use crate::{
    facts::{Fact, Facts, FieldSetting},
    letters::is_letter,
    line::{Line, calls_one_of, clean, clean_block, units},
    node::Node,
    notice::{Data, Notice},
    pattern::matches,
    samples::{OwnSamples, samples},
    settings::{check_link, check_template, no_issues},
    template::{Piece, Template},
    time::{readable, rfc3339},
    tone::Tone,
    words::{headline, label},
};
