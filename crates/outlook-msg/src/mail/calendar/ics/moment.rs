//! Times as iCalendar writes them: in UTC, in a time zone, or as a date (RFC 5545 3.3).
//!
//! Knows no property.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

use crate::mail::calendar::content_lines::{ContentLine, ContentLines};
use crate::mapi::FileTime;

use super::zone::Zone;

/// Minutes from 1601-01-01, where the minutes of recurrences begin, to 1970-01-01.
const EPOCH_MINUTES: i64 = 194_074_560;
const UNIX_EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// The date and time of a `FILETIME` in UTC, to the second; `None` after the year 9999.
pub(in crate::mail) fn utc(time: FileTime) -> Option<DateTime> {
    UNIX_EPOCH.checked_add(SignedDuration::from_secs(time.to_unix().0)).ok()
}

/// The `FILETIME` of a date and time in UTC.
pub(super) fn file_time(utc: DateTime) -> Option<FileTime> {
    FileTime::from_unix(utc.duration_since(UNIX_EPOCH).as_secs(), 0)
}

/// The date and time this many minutes after 1601-01-01; `None` after the year 9999.
pub(super) fn local(minutes: u32) -> Option<DateTime> {
    // jiff cannot add more days than there are between 1970 and 9999, so the calculation starts
    // from 1970.
    plus_minutes(UNIX_EPOCH, i64::from(minutes) - EPOCH_MINUTES)
}

/// The date and time this many minutes later.
pub(super) fn plus_minutes(time: DateTime, minutes: i64) -> Option<DateTime> {
    time.checked_add(SignedDuration::from_mins(minutes)).ok()
}

/// A date: `20240229`.
pub(super) fn date_text(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// A date and time without a zone: `20240229T120000`.
pub(super) fn date_time_text(time: DateTime) -> String {
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{}T{hour:02}{minute:02}{second:02}", date_text(time.date()))
}

/// A date and time in UTC: `20240229T120000Z`.
pub(super) fn utc_text(utc: DateTime) -> String {
    date_time_text(utc) + "Z"
}

/// How to write the times of an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventClock<'a> {
    /// The time zone; `None` is UTC.
    pub(super) zone: Option<&'a Zone>,
    /// Whether only dates are written.
    pub(super) all_day: bool,
}

impl EventClock<'_> {
    /// Local time.
    pub(super) fn to_local(self, utc: DateTime) -> DateTime {
        self.zone.map_or(utc, |zone| zone.to_local(utc))
    }

    pub(super) fn to_utc(self, local: DateTime) -> DateTime {
        self.zone.map_or(local, |zone| zone.to_utc(local))
    }

    /// Writes a local time as a property.
    pub(super) fn put(self, lines: &mut ContentLines, name: &str, local: DateTime) {
        self.put_all(lines, name, &[local]);
    }

    /// Writes local times as one property, if there are any.
    pub(super) fn put_all(self, lines: &mut ContentLines, name: &str, locals: &[DateTime]) {
        if locals.is_empty() {
            return;
        }
        let mut line = ContentLine::new(name);
        line = match self.zone {
            _ if self.all_day => line.parameter("VALUE", "DATE"),
            Some(zone) => line.parameter("TZID", zone.id()),
            None => line,
        };
        let values: Vec<_> = locals.iter().map(|local| self.text(*local)).collect();
        lines.line(line.value(&values.join(",")));
    }

    /// The end of a rule: a date, or a time in UTC (RFC 5545 3.3.10).
    pub(super) fn until(self, local: DateTime) -> String {
        if self.all_day { date_text(local.date()) } else { utc_text(self.to_utc(local)) }
    }

    fn text(self, local: DateTime) -> String {
        match self.zone {
            _ if self.all_day => date_text(local.date()),
            Some(_) => date_time_text(local),
            None => utc_text(local),
        }
    }
}

/// The end date of an all-day event: the first day that is not part of it, and at least the day
/// after the start. If the end is during a day, that day is part of the event.
pub(super) fn end_date(start: DateTime, end: DateTime) -> DateTime {
    let whole = end.date().to_datetime(Time::midnight());
    let end = if whole < end { plus_minutes(whole, 24 * 60).unwrap_or(whole) } else { whole };
    let next = plus_minutes(start.date().to_datetime(Time::midnight()), 24 * 60).unwrap_or(end);
    end.max(next)
}

/// The first and the last day of an all-day event with these times, as dates.
pub(super) fn whole_days(start: DateTime, end: DateTime) -> Option<(String, String)> {
    let last = end_date(start, end).date().yesterday().ok()?;
    Some((start.date().to_string(), last.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{end_date, local, utc, utc_text};
    use crate::mapi::FileTime;

    #[test]
    fn times_have_their_text() {
        let time = utc("2024-02-29T12:30:15.7Z".parse().unwrap()).unwrap();
        assert_eq!(utc_text(time), "20240229T123015Z");
        assert_eq!(utc(FileTime(u64::MAX)), None);
        assert_eq!(local(0).unwrap().to_string(), "1601-01-01T00:00:00");
        assert_eq!(local(222_475_680).map(utc_text), Some("20240101T000000Z".to_owned()));
        assert!(local(u32::MAX).is_some());
    }

    #[test]
    fn an_all_day_event_ends_after_whole_days() {
        let check = |start: &str, end: &str, expected: &str| {
            let end = end_date(start.parse().unwrap(), end.parse().unwrap());
            assert_eq!(end, expected.parse().unwrap());
        };
        check("2024-01-01T00:00", "2024-01-02T00:00", "2024-01-02T00:00");
        check("2024-01-01T00:00", "2024-01-01T00:00", "2024-01-02T00:00");
        check("2024-01-01T00:00", "2024-01-03T08:00", "2024-01-04T00:00");
        check("2024-01-02T00:00", "2024-01-01T00:00", "2024-01-03T00:00");
    }
}
