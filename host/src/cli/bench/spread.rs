//! A figure over several rounds: its median, and from where to where it went.

use serde_json::{Value, json};

pub(super) struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// Of no figure at all, everything is zero.
    pub(super) fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or_default();
        let last = figures.len().saturating_sub(1);
        // Between the two in the middle, where there are two.
        let median = f64::midpoint(at(last / 2), at(last.div_ceil(2)));
        Self { median, least: at(0), most: at(last) }
    }

    pub(super) fn value(&self) -> Value {
        let hundredth = |number: f64| (number * 100.0).round() / 100.0;
        json!({ "median": hundredth(self.median), "min": hundredth(self.least), "max": hundredth(self.most) })
    }

    /// As it stands in a table, from what [`Self::value`] made; a dash where there is none.
    pub(super) fn shown(value: Option<&Value>, range: bool) -> String {
        let figure = |name: &str| value.and_then(|value| value.get(name)?.as_f64());
        let (Some(median), Some(least), Some(most)) = (figure("median"), figure("min"), figure("max")) else {
            return "–".to_owned();
        };
        let alone = short(median);
        if range && least < most { format!("{alone} ({}–{})", short(least), short(most)) } else { alone }
    }
}

/// No more digits than it deserves.
pub(super) fn short(number: f64) -> String {
    let digits = match number.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{number:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(figures: Vec<f64>) -> String {
        Spread::shown(Some(&Spread::of(figures).value()), true)
    }

    #[test]
    fn the_median_stands_in_the_middle() {
        assert_eq!(shown(vec![9.0, 1.0, 3.0]), "3.00 (1.00–9.00)");
        assert_eq!(shown(vec![4.0, 1.0]), "2.50 (1.00–4.00)");
        assert_eq!(shown(vec![7.254]), "7.25");
        assert_eq!(shown(vec![4211.6, 62.04]), "2137 (62.0–4212)");
        assert_eq!(Spread::shown(None, true), "–");
    }
}
