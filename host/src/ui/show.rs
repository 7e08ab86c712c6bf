//! How single values look: a state, a time, a share.

use askama::Template;

use crate::model::time::Timestamp;
use crate::model::webhook::{DisabledReason, Status};

use super::icon::Icon;

/// A state in a word, with a colour and a shape of its own.
#[derive(Template, Clone, Debug)]
#[template(path = "parts/badge.html")]
pub(super) struct Badge {
    tone: &'static str,
    icon: Icon,
    text: String,
    /// More of it, where there is more to say.
    title: String,
}

impl askama::filters::HtmlSafe for Badge {}

impl Badge {
    pub(super) fn good(text: impl Into<String>) -> Self {
        Self::new("good", "check", text)
    }

    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self::new("bad", "cross", text)
    }

    pub(super) fn warn(text: impl Into<String>) -> Self {
        Self::new("warn", "pause", text)
    }

    pub(super) fn info(text: impl Into<String>) -> Self {
        Self::new("info", "clock", text)
    }

    pub(super) fn idle(text: impl Into<String>) -> Self {
        Self::new("idle", "dash", text)
    }

    pub(super) fn titled(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }

    fn new(tone: &'static str, icon: &'static str, text: impl Into<String>) -> Self {
        Self { tone, icon: Icon(icon), text: text.into(), title: String::new() }
    }

    /// Of a webhook.
    pub(super) fn of_webhook(status: Status) -> Self {
        match status {
            Status::Active => Self::good("Active"),
            Status::Paused => Self::warn("Paused").titled("Deliveries are made and held"),
            Status::Disabled(DisabledReason::User) => Self::idle("Inactive").titled("No deliveries are made"),
            Status::Disabled(DisabledReason::Gone) => {
                Self::bad("Gone").titled("Its receiver answered 410: no deliveries are made")
            }
            Status::Disabled(DisabledReason::Failing) => {
                Self::bad("Failing").titled("Nothing got through for 5 days: no deliveries are made")
            }
        }
    }
}

/// A moment, as how long ago it is; the whole of it is in its title.
#[derive(Template, Clone, Debug)]
#[template(ext = "html", source = r#"<time datetime="{{ at }}" title="{{ whole }}">{{ ago }}</time>"#)]
pub(super) struct Moment {
    at: Timestamp,
    whole: String,
    ago: String,
}

impl askama::filters::HtmlSafe for Moment {}

impl Moment {
    pub(super) fn new(at: Timestamp, now: Timestamp) -> Self {
        let whole = whole(at);
        let (gone, later) = (now.since(at).as_secs(), at.since(now).as_secs());
        let ago = match (gone, later) {
            (0..5, 0..5) => "just now".to_owned(),
            (0, later) => format!("in {}", span(later)),
            (gone, _) => format!("{} ago", span(gone)),
        };
        Self { at, whole, ago }
    }
}

/// Date and time to the second.
pub(super) fn whole(at: Timestamp) -> String {
    at.calendar().strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// To the nearest whole one.
fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", (seconds + 30) / 60),
        3600..86_400 => format!("{} h", (seconds + 1800) / 3600),
        _ => format!("{} d", (seconds + 43_200) / 86_400),
    }
}

/// A share in whole percent; 100 only for all of them, 0 only for none.
pub(super) fn percent(part: u32, whole: u32) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let rounded = (u64::from(part) * 100 + u64::from(whole) / 2) / u64::from(whole);
    let honest = match rounded {
        100 if part < whole => 99,
        0 if part > 0 => 1,
        other => other,
    };
    format!("{honest} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_all_or_none_only_where_it_is() {
        for (part, whole, shown) in
            [(0, 0, "–"), (0, 9, "0 %"), (1, 900, "1 %"), (899, 900, "99 %"), (2, 3, "67 %"), (9, 9, "100 %")]
        {
            assert_eq!(percent(part, whole), shown, "{part} of {whole}");
        }
    }

    #[test]
    fn a_moment_says_how_long_ago_it_is_and_in_its_title_when() {
        let at = |seconds: u64| Timestamp::from_millis(seconds * 1000);
        let shown = |then, now| Moment::new(at(then), at(now)).to_string();
        assert!(shown(1_769_860_800, 1_769_860_980).contains("title=\"2026-01-31 12:00:00 UTC\">3 min ago<"));
        assert!(shown(100, 40).contains(">in 1 min<") && shown(100, 102).contains(">just now<"));
        assert!(shown(0, 200_000).contains(">2 d ago<"));
    }
}
