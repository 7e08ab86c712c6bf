//! Points in time as text. UTC only; a guest has no time zones and no clock but the event's. Next: the formatters.

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The last millisecond of the year 9999, the last that RFC 3339 can write.
const LAST: u64 = 253_402_300_799_999;

/// RFC 3339 with milliseconds: `2025-01-03T14:25:30.000Z`.
#[must_use]
pub fn rfc3339(unix_millis: u64) -> String {
    let at = Civil::of(unix_millis);
    let Civil { year, month, day, hour, minute, .. } = at;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}.{:03}Z", at.second, at.milli)
}

/// For people: `3 Jan 2025, 14:25 UTC`.
#[must_use]
pub fn readable(unix_millis: u64) -> String {
    let Civil { year, month, day, hour, minute, .. } = Civil::of(unix_millis);
    let month = usize::try_from(month).ok().and_then(|month| MONTHS.get(month - 1)).copied().unwrap_or_default();
    format!("{day} {month} {year}, {hour:02}:{minute:02} UTC")
}

struct Civil {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    milli: u64,
}

impl Civil {
    /// Counts in years that begin in March, so that the day that isn't always there is the last one of its year.
    fn of(unix_millis: u64) -> Self {
        let millis = unix_millis.min(LAST);
        let seconds = millis / 1000;
        // Days since 0000-03-01; 400 years always have 146,097 days.
        let days = seconds / 86_400 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        Civil {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            hour: seconds / 3600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            milli: millis % 1000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_right() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_735_914_330_000, "2025-01-03T14:25:30.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(millis), text);
        }
        assert_eq!(readable(1_735_914_330_000), "3 Jan 2025, 14:25 UTC");
    }
}
