//! Reading what came in: the event, the webhook and the reply. Nothing is parsed before it is asked for. Next: `verdict.rs`.

use serde::de::DeserializeOwned;

use crate::{Event, Failure, Reply, Webhook};

impl Event {
    /// The data as JSON.
    ///
    /// # Errors
    /// [`Failure::InvalidEvent`] with the reason and its place, if the data isn't JSON or doesn't fit `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.data).map_err(|error| Failure::InvalidEvent(error.to_string()))
    }

    /// The tenant whose event it is; `default` where there is only one.
    #[must_use]
    pub fn tenant(&self) -> &str {
        self.attribute("tenant").unwrap_or("default")
    }

    /// `production`, `staging`, `development` or another slug.
    #[must_use]
    pub fn environment(&self) -> &str {
        self.attribute("environment").unwrap_or("production")
    }

    /// When it happened, as in `2026-01-31T23:59:59.999Z` (RFC 3339, UTC, always three digits of a second).
    #[must_use]
    pub fn timestamp(&self) -> String {
        rfc3339(self.occurred_at)
    }

    /// What the host says about the event beside its fields.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        find(&self.attributes, name)
    }
}

impl Webhook {
    /// What the host says about the webhook beside its fields.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        find(&self.attributes, name)
    }
}

impl Reply {
    /// True for 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.as_str())
    }

    /// The body as JSON; none if it isn't that, or was cut at 64 KiB.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as text, with U+FFFD for what isn't UTF-8.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

fn find<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// By the civil calendar, in eras of 400 years that begin on March 1st: leap days then come last.
fn rfc3339(millis: u64) -> String {
    let (days, of_day) = (millis / 86_400_000, millis % 86_400_000);
    let since_0000_03_01 = days + 719_468;
    let (era, of_era) = (since_0000_03_01 / 146_097, since_0000_03_01 % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (seconds, millis) = (of_day / 1000, of_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times_are_printed_by_the_civil_calendar() {
        // From `date --utc --date=@SECONDS`.
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(951_782_400_001), "2000-02-29T00:00:00.001Z");
        assert_eq!(rfc3339(1_709_251_199_999), "2024-02-29T23:59:59.999Z");
        assert_eq!(rfc3339(1_767_225_600_000), "2026-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
    }
}
