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

    /// As it stands in a table, from what [`Self::value`] made.
    pub(super) fn shown(value: Option<&Value>) -> String {
        let figure = |name: &str| value.and_then(|value| value.get(name)?.as_f64()).unwrap_or_default();
        let (median, least, most) = (figure("median"), figure("min"), figure("max"));
        if least < most { format!("{median} ({least}–{most})") } else { median.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_in_the_middle() {
        assert_eq!(Spread::shown(Some(&Spread::of(vec![9.0, 1.0, 3.0]).value())), "3 (1–9)");
        assert_eq!(Spread::shown(Some(&Spread::of(vec![4.0, 1.0]).value())), "2.5 (1–4)");
        assert_eq!(Spread::shown(Some(&Spread::of(vec![7.254]).value())), "7.25");
        assert_eq!(Spread::shown(Some(&Spread::of(Vec::new()).value())), "0");
    }
}
