//! The deliveries of each hour as bars, and the same as a table for those who can't see them.

use askama::Template;

use crate::model::delivery::DeliveryStatus;
use crate::model::time::Timestamp;
use crate::service::Standing;

const HOURS: u32 = 24;
const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
/// Of the drawing, without what is written below it.
const HEIGHT: u64 = 120;
const STEP: u32 = 30;

/// Nothing of it is stored text.
#[derive(Template)]
#[template(path = "overview/chart.html")]
pub(super) struct Chart {
    bars: Vec<Bar>,
    summary: String,
    highest: u64,
    truncated: bool,
}

impl askama::filters::HtmlSafe for Chart {}

struct Bar {
    x: u32,
    /// `13:20`, when the hour begins.
    from: String,
    delivered: Part,
    failed: Part,
    other: Part,
    /// Whether its time is written below it.
    labelled: bool,
}

/// Where it stands, from the top.
struct Part {
    count: u64,
    y: u64,
    height: u64,
}

impl Chart {
    /// `None`: there is nothing to draw.
    pub(super) fn new(standing: &Standing) -> Option<Self> {
        let counts: Vec<[u64; 3]> = (0..HOURS).map(|hour| counts(standing, hour)).collect();
        let highest = counts.iter().map(|counts| counts.iter().sum::<u64>()).max().filter(|highest| *highest > 0)?;
        let bars = (0..HOURS).zip(&counts).map(|(hour, counts)| Bar::new(standing.since, hour, (*counts, highest)));
        let [delivered, failed, other] =
            counts.iter().fold([0; 3], |[a, b, c], [delivered, failed, other]| [a + delivered, b + failed, c + other]);
        Some(Self {
            bars: bars.collect(),
            summary: format!(
                "Deliveries of the last 24 hours by the hour of acceptance: {delivered} delivered, {failed} failed, {other} others; \
                 at most {highest} in an hour."
            ),
            highest,
            truncated: standing.numbers.truncated,
        })
    }
}

/// Delivered, failed, and all others.
fn counts(standing: &Standing, hour: u32) -> [u64; 3] {
    let mut counts = [0; 3];
    for each in standing.numbers.hours.iter().filter(|each| each.hour == hour) {
        let [delivered, failed, other] = &mut counts;
        *match each.status {
            DeliveryStatus::Delivered => delivered,
            DeliveryStatus::Failed => failed,
            DeliveryStatus::Pending | DeliveryStatus::Dropped | DeliveryStatus::Cancelled => other,
        } += each.count;
    }
    counts
}

impl Bar {
    fn new(since: Timestamp, hour: u32, ([delivered, failed, other], highest): ([u64; 3], u64)) -> Self {
        let mut top = HEIGHT;
        let mut part = |count: u64| {
            // Whatever there is of something is seen.
            let height = if count == 0 { 0 } else { (count * HEIGHT / highest.max(1)).max(2) };
            top = top.saturating_sub(height);
            Part { count, y: top, height }
        };
        let (delivered, other, failed) = (part(delivered), part(other), part(failed));
        let from = since.plus(HOUR * hour).calendar().strftime("%H:%M").to_string();
        Self { x: hour * STEP + 3, from, delivered, failed, other, labelled: hour.is_multiple_of(6) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_share_and_what_there_is_is_seen() {
        let bar = Bar::new(Timestamp::from_millis(0), 1, ([50, 1, 0], 100));
        assert_eq!((bar.delivered.y, bar.delivered.height), (60, 60));
        assert_eq!((bar.failed.y, bar.failed.height), (58, 2));
        assert_eq!((bar.other.height, bar.x, bar.from.as_str()), (0, 33, "01:00"));
    }
}
