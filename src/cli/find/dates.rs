//! The dates of `--since` and `--until`: a year, a month, a day, a moment, or so long ago.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// A stretch of time that was typed: `2024` is the whole year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    /// The first moment in it.
    pub(super) start: Timestamp,
    /// The first moment behind it.
    pub(super) end: Timestamp,
}

/// What is no date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no date; give 2024, 2024-04, 2024-04-02, 2024-04-02T16:05:00Z, or an age as 7d, 2w, \
     3m or 1y"
)]
pub(super) struct NoDate(String);

impl Period {
    /// Reads a date; days begin in `zone`.
    pub(super) fn parse(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Self, NoDate> {
        let wrong = || NoDate(text.to_owned());
        let parsed = moment(text, zone)
            .or_else(|| age(text, zone, now))
            .or_else(|| calendar_unit(text, zone));
        parsed.ok_or_else(wrong)
    }
}

/// `2024-04-02T16:05:00Z`, or the same without an offset, in the zone.
fn moment(text: &str, zone: &TimeZone) -> Option<Period> {
    let (_, time) = text.split_once(['T', ' ', 't'])?;
    if !is_offset_within_a_day(time) {
        return None;
    }
    let start = match text.parse::<Timestamp>() {
        Ok(start) => start,
        Err(_) => zone.to_timestamp(text.parse::<DateTime>().ok()?).ok()?,
    };
    let end = start.checked_add(Span::new().nanoseconds(1)).ok()?;
    Some(Period { start, end })
}

/// Whether the hours of the offset in a time are those of a day (RFC 3339 section 5.6).
fn is_offset_within_a_day(time: &str) -> bool {
    let hours = time.find(['+', '-']).and_then(|at| time.get(at + 1..at + 3));
    hours.and_then(|hours| hours.parse::<u8>().ok()).is_none_or(|hours| hours < 24)
}

/// `7d`: seven days ago, to the second.
fn age(text: &str, zone: &TimeZone, now: Timestamp) -> Option<Period> {
    let unit = text.chars().last()?;
    let count: i64 = text.strip_suffix(unit)?.parse().ok().filter(|count| *count >= 0)?;
    let span = match unit {
        'h' => Span::new().try_hours(count),
        'd' => Span::new().try_days(count),
        'w' => Span::new().try_weeks(count),
        'm' => Span::new().try_months(count),
        'y' => Span::new().try_years(count),
        _ => return None,
    };
    let start = now.to_zoned(zone.clone()).checked_sub(span.ok()?).ok()?.timestamp();
    Some(Period { start, end: start })
}

/// `2024`, `2024-04` or `2024-04-02`.
fn calendar_unit(text: &str, zone: &TimeZone) -> Option<Period> {
    let mut numbers = text.split('-');
    let year = number(numbers.next()?, 4)?;
    let month = numbers.next().map(|month| number(month, 2));
    let day = numbers.next().map(|day| number(day, 2));
    if numbers.next().is_some() {
        return None;
    }
    let (month, day, unit) = match (month, day) {
        (None, _) => (1, 1, Span::new().years(1)),
        (Some(month), None) => (month?, 1, Span::new().months(1)),
        (Some(month), Some(day)) => (month?, day?, Span::new().days(1)),
    };
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    let first = Date::new(year, month, day).ok()?;
    let start = |date: Date| Some(date.to_zoned(zone.clone()).ok()?.timestamp());
    // Nothing is behind the year 9999.
    let end = first.checked_add(unit).ok().and_then(start).unwrap_or(Timestamp::MAX);
    Some(Period { start: start(first)?, end })
}

fn number(text: &str, digits: usize) -> Option<i16> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::Period;

    #[track_caller]
    fn check(text: &str, start: &str, end: &str) {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let now = "2024-03-31T10:00:00Z".parse().unwrap();
        let period = Period::parse(text, &zone, now).unwrap();
        assert_eq!(period.start.to_string(), start, "{text}");
        assert_eq!(period.end.to_string(), end, "{text}");
    }

    #[test]
    fn a_unit_is_meant_from_its_start_through_its_end() {
        check("2024", "2023-12-31T22:00:00Z", "2024-12-31T22:00:00Z");
        check("2024-02", "2024-01-31T22:00:00Z", "2024-02-29T22:00:00Z");
        check("2024-04-02", "2024-04-01T22:00:00Z", "2024-04-02T22:00:00Z");
        check("9999", "9998-12-31T22:00:00Z", &Timestamp::MAX.to_string());
    }

    #[test]
    fn a_moment_is_a_moment() {
        check("2024-04-02T16:05:09Z", "2024-04-02T16:05:09Z", "2024-04-02T16:05:09.000000001Z");
        check(
            "2024-04-02T16:05:09-23:59",
            "2024-04-03T16:04:09Z",
            "2024-04-03T16:04:09.000000001Z",
        );
        check("2024-04-02T16:05", "2024-04-02T14:05:00Z", "2024-04-02T14:05:00.000000001Z");
    }

    #[test]
    fn an_age_counts_from_now() {
        check("7d", "2024-03-24T10:00:00Z", "2024-03-24T10:00:00Z");
        check("1m", "2024-02-29T10:00:00Z", "2024-02-29T10:00:00Z");
        check("36h", "2024-03-29T22:00:00Z", "2024-03-29T22:00:00Z");
    }

    #[test]
    fn all_else_is_refused() {
        for text in
            ["", "24", "2024-13", "2024-02-30", "yesterday", "d", "-1d", "2024-1-1", "99999999999y"]
                .into_iter()
                .chain(["2024-04-02T16:05:00+25:00", "2024-04-02T16:05-24:00"])
        {
            let now = "2024-03-31T10:00:00Z".parse().unwrap();
            assert!(Period::parse(text, &TimeZone::UTC, now).is_err(), "{text}");
        }
    }
}
