//! How long each phase of an attempt took: a bar, and the same in figures.

use std::time::Duration;

use askama::Template;

use crate::model::attempt::Timings;
use crate::ui::units::duration;

/// The bar's own units.
const WIDTH: u64 = 1000;
/// So that the shortest phase can still be seen.
const NARROWEST: u64 = 4;

#[derive(Template)]
#[template(path = "deliveries/phases.html")]
pub(super) struct Phases {
    parts: Vec<Part>,
    total: String,
}

impl askama::filters::HtmlSafe for Phases {}

struct Part {
    class: &'static str,
    label: &'static str,
    took: String,
    x: u64,
    width: u64,
}

impl Phases {
    /// `None` where nothing was timed.
    pub(super) fn new(timings: &Timings) -> Option<Self> {
        let Timings { dns, connect, tls, first_byte, total } = *timings;
        let known = [("dns", "DNS", dns), ("connect", "Connect", connect), ("tls", "TLS", tls)];
        let known = known.into_iter().chain([("first", "First byte", first_byte)]);
        let known: Vec<_> = known.filter_map(|(class, label, took)| Some((class, label, took?))).collect();
        let sum: Duration = known.iter().map(|(.., took)| *took).sum();
        let total = total.unwrap_or(sum).max(sum);
        if total.is_zero() {
            return None;
        }
        let rest = total.saturating_sub(sum);
        let rest = (!rest.is_zero()).then_some(("rest", "The rest", rest));
        let mut x = 0;
        let part = |(class, label, took): (&'static str, &'static str, Duration)| {
            let share = took.as_micros() * u128::from(WIDTH) / total.as_micros().max(1);
            let width = u64::try_from(share).unwrap_or(WIDTH).max(NARROWEST).min(WIDTH.saturating_sub(x));
            let part = Part { class, label, took: duration(took), x, width };
            x += width;
            part
        };
        Some(Self { parts: known.into_iter().chain(rest).map(part).collect(), total: duration(total) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phases_fill_the_bar_one_after_the_other() {
        let micros = |micros| Some(Duration::from_micros(micros));
        let timings =
            Timings { dns: micros(1), connect: micros(300), tls: None, first_byte: micros(500), total: micros(1000) };
        let phases = Phases::new(&timings).unwrap();
        let drawn: Vec<(&str, u64, u64)> = phases.parts.iter().map(|part| (part.class, part.x, part.width)).collect();
        assert_eq!(drawn, [("dns", 0, 4), ("connect", 4, 300), ("first", 304, 500), ("rest", 804, 196)]);
        assert!(phases.to_string().contains("First byte") && phases.total == "1.0 ms");
        assert!(Phases::new(&Timings::default()).is_none());
    }
}
