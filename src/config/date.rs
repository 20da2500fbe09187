//! Days, for what runs out.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;

/// A day of the Gregorian calendar, `2026-11-21`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Date {
    /// The year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Date {
    /// Reads `2026-11-21`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let shaped = year.len() == 4 && month.len() == 2 && day.len() == 2;
        let date = Self {
            year: year.parse().ok()?,
            month: month.parse().ok()?,
            day: day.parse().ok()?,
        };
        let real = (1..=12).contains(&date.month) && (1..=31).contains(&date.day);
        (shaped && real && parts.next().is_none()).then_some(date)
    }

    /// Today, in UTC.
    #[must_use]
    pub fn today() -> Self {
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        Self::of_day(seconds / 86_400)
    }

    /// The day that lies `days` after 1970-01-01.
    fn of_day(days: u64) -> Self {
        // Years counted from 0000-03-01, so that the leap day comes last.
        let days = days + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        Self {
            year: u16::try_from(year).unwrap_or(u16::MAX),
            month: u8::try_from(month).unwrap_or(12),
            day: u8::try_from(day_of_year - (153 * shifted + 2) / 5 + 1).unwrap_or(31),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let value = toml::Value::deserialize(deserializer)?;
        let text = match &value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Datetime(datetime) => datetime
                .date
                .map(|date| date.to_string())
                .unwrap_or_default(),
            _ => String::new(),
        };
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom("this is not a day; write it as 2026-11-21"))
    }
}

impl schemars::JsonSchema for Date {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Date".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}$", "description": "a day, 2026-11-21" })
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn days_are_counted_and_read() {
        assert_eq!(Date::of_day(0).to_string(), "1970-01-01");
        assert_eq!(Date::of_day(19_782).to_string(), "2024-02-29");
        assert_eq!(Date::of_day(20_778).to_string(), "2026-11-21");
        assert!(Date::parse("2026-11-21") < Date::parse("2026-12-01"));
        assert_eq!(Date::parse("2026-13-01"), None);
        assert_eq!(Date::parse("21.11.2026"), None);
    }
}
