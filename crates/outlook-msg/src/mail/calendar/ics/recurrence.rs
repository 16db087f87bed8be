//! Makes recurrence rules (RFC 5545 3.3.10) from recurrence patterns (\[MS-OXCICAL\] 2.1.3.2.2).
//!
//! Knows no property.

use std::collections::HashSet;

use jiff::civil::DateTime;

use crate::imsg::structures::{
    AppointmentRecurrence, DayMask, Pattern, RecurrenceEnd, RecurrenceFrequency, RecurrencePattern,
};
use crate::mail::calendar::content_lines::ContentLines;

use super::moment::{EventClock, local, plus_minutes};

const DAYS: [&str; 7] = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];
const MINUTES_PER_DAY: u32 = 24 * 60;
/// At most this many deleted occurrences are written, because each takes four times as many bytes
/// as in the message. A daily series has no more occurrences in 179 years. A defect tells of more.
const DELETED_MAX: usize = 65_536;

/// Writes the rule of a pattern whose occurrences start this many minutes after midnight.
///
/// iCalendar has no rule for other calendars than the Gregorian, and none for tasks of which the
/// next is created only when one is completed. Such a pattern is written as `X-MICROSOFT-RRULE`,
/// which programs may ignore, because no dates are better than wrong ones. A note says so
/// ([`hidden_because`]).
pub(super) fn write_rule(
    lines: &mut ContentLines,
    pattern: &RecurrencePattern,
    clock: EventClock<'_>,
    start_offset_minutes: u32,
) {
    let last = || {
        let last = local(pattern.end_date_minutes)?;
        plus_minutes(last, i64::from(start_offset_minutes))
    };
    let Some(mut rule) = rule(pattern) else { return };
    match pattern.end {
        RecurrenceEnd::Date => {
            if let Some(last) = last() {
                rule.push_str(&format!(";UNTIL={}", clock.until(last)));
            }
        }
        RecurrenceEnd::Count(count) if count > 0 => rule.push_str(&format!(";COUNT={count}")),
        RecurrenceEnd::Count(_) | RecurrenceEnd::Never => {}
    }
    if hidden_because(pattern).is_none() {
        lines.put("RRULE", &rule);
    } else {
        lines.text("X-MICROSOFT-CALSCALE", calendar_scale(pattern));
        lines.put("X-MICROSOFT-RRULE", &rule);
    }
}

/// Writes the occurrences that were deleted. The list of the message also has those that were
/// changed; they are left out.
pub(super) fn write_deleted(
    lines: &mut ContentLines,
    recurrence: &AppointmentRecurrence,
    clock: EventClock<'_>,
) {
    let is_hidden = hidden_because(&recurrence.pattern).is_some();
    let name = if is_hidden { "X-MICROSOFT-EXDATE" } else { "EXDATE" };
    clock.put_all(lines, name, &deleted(recurrence).0);
}

/// How many occurrences are not written, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// They have no valid time.
    pub(super) invalid: usize,
    pub(super) too_many: usize,
}

/// The occurrences that were deleted and that [`write_deleted`] leaves out.
pub(super) fn deleted_left_out(recurrence: &AppointmentRecurrence) -> LeftOut {
    deleted(recurrence).1
}

/// The days of the occurrences that were deleted.
pub(super) fn deleted_days(recurrence: &AppointmentRecurrence) -> Vec<String> {
    deleted(recurrence).0.iter().map(|start| start.date().to_string()).collect()
}

/// The starts of the occurrences that were deleted, and those that are left out.
fn deleted(recurrence: &AppointmentRecurrence) -> (Vec<DateTime>, LeftOut) {
    let exceptions = recurrence.exceptions.iter();
    let changed: HashSet<_> =
        exceptions.map(|one| one.original_start_minutes / MINUTES_PER_DAY).collect();
    let dates = recurrence.pattern.deleted_dates.iter();
    let dates = dates.filter(|date| !changed.contains(&(**date / MINUTES_PER_DAY)));
    let mut left_out = LeftOut::default();
    let mut starts = Vec::new();
    for date in dates {
        let start = local(*date);
        let start =
            start.and_then(|start| plus_minutes(start, i64::from(recurrence.start_offset_minutes)));
        match start {
            Some(start) if starts.len() < DELETED_MAX => starts.push(start),
            Some(_) => left_out.too_many += 1,
            None => left_out.invalid += 1,
        }
    }
    (starts, left_out)
}

/// The rule without its end; `None` if the numbers of the pattern are invalid.
fn rule(pattern: &RecurrencePattern) -> Option<String> {
    let interval = |unit: u32| format!(";INTERVAL={}", (pattern.period / unit).max(1));
    let is_yearly = pattern.frequency == RecurrenceFrequency::Yearly
        || (pattern.period != 0 && pattern.period.is_multiple_of(12));
    let monthly = |by: String| {
        if !is_yearly {
            return Some(format!("FREQ=MONTHLY{}{by}", interval(1)));
        }
        Some(format!("FREQ=YEARLY{}{by};BYMONTH={}", interval(12), month(pattern)?))
    };
    match pattern.pattern {
        Pattern::Day => Some(format!("FREQ=DAILY{}", interval(MINUTES_PER_DAY))),
        Pattern::Week(days) => {
            // Outlook stores "every weekday" as a daily recurrence whose period is not a number of
            // weeks.
            let is_daily = pattern.frequency == RecurrenceFrequency::Daily;
            let interval = if is_daily { ";INTERVAL=1".to_owned() } else { interval(1) };
            let days = by_day(days).map(|days| format!(";BYDAY={days}")).unwrap_or_default();
            let first = usize::try_from(pattern.first_day_of_week).ok()?;
            let first = DAYS.get(first).map(|day| format!(";WKST={day}")).unwrap_or_default();
            Some(format!("FREQ=WEEKLY{interval}{days}{first}"))
        }
        Pattern::Month { day } => monthly(by_month_day(day)?),
        Pattern::MonthEnd => monthly(";BYMONTHDAY=-1".to_owned()),
        Pattern::MonthNth { days, n } => {
            let position = match n {
                1..=4 => n.to_string(),
                5 => "-1".to_owned(),
                _ => return None,
            };
            monthly(format!(";BYDAY={};BYSETPOS={position}", by_day(days)?))
        }
    }
}

/// The rule for a day of the month; in a shorter month it is the last day.
fn by_month_day(day: u32) -> Option<String> {
    match day {
        1..=28 => Some(format!(";BYMONTHDAY={day}")),
        29 => Some(";BYMONTHDAY=28,29;BYSETPOS=-1".to_owned()),
        30 => Some(";BYMONTHDAY=28,29,30;BYSETPOS=-1".to_owned()),
        31 => Some(";BYMONTHDAY=-1".to_owned()),
        _ => None,
    }
}

fn by_day(DayMask(mask): DayMask) -> Option<String> {
    let days = DAYS.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
    let days: Vec<_> = days.map(|(_, day)| *day).collect();
    (!days.is_empty()).then(|| days.join(","))
}

/// The month of a yearly pattern: that of the first period, or that of the first occurrence if a
/// program has written 0 for the first period.
pub(super) fn month(pattern: &RecurrencePattern) -> Option<i8> {
    let minutes = match pattern.first_date_time_minutes {
        0 => pattern.start_date_minutes,
        minutes => minutes,
    };
    Some(local(minutes)?.month())
}

/// Why iCalendar has no rule for the recurrence; `None` if it has one.
pub(super) fn hidden_because(pattern: &RecurrencePattern) -> Option<String> {
    if pattern.is_regenerating {
        return Some("each task is made after the one before is completed".to_owned());
    }
    // Days and weeks are the same in every calendar.
    if matches!(pattern.pattern, Pattern::Day | Pattern::Week(_)) || is_gregorian(pattern) {
        return None;
    }
    let calendar = calendar_scale(pattern).unwrap_or("an unknown one");
    Some(format!("it follows another calendar ({calendar})"))
}

/// Whether months and days are those of the Gregorian calendar. The calendars of Japan, Taiwan,
/// Korea and Thailand differ only in the numbers of the years.
fn is_gregorian(pattern: &RecurrencePattern) -> bool {
    matches!(pattern.calendar_type, 0..=5 | 7 | 9..=12) && !pattern.is_hijri
}

/// The calendar of a pattern (\[MS-OXOCAL\] 2.2.1.44.1 `CalendarType`), as \[MS-OXCICAL\] names it.
fn calendar_scale(pattern: &RecurrencePattern) -> Option<&'static str> {
    Some(match pattern.calendar_type {
        0 | 1 if pattern.is_hijri => "Hijri",
        2 => "Gregorian_us",
        3 => "Japan",
        4 => "Taiwan",
        5 => "Korea",
        6 => "Hijri",
        7 => "Thai",
        8 => "Hebrew",
        9 => "GregorianMeFrench",
        10 => "GregorianArabic",
        11 => "GregorianXlitEnglish",
        12 => "GregorianXlitFrench",
        14 => "JapaneseLunar",
        15 => "ChineseLunar",
        16 => "Saka",
        17 => "LunarETOChn",
        18 => "LunarETOKor",
        19 => "LunarRokuyou",
        23 => "Umalqura",
        _ => return None,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::{EventClock, write_deleted, write_rule};
    use crate::imsg::structures::{
        AppointmentRecurrence, DayMask, Exception, Pattern, RecurrenceEnd, RecurrenceFrequency,
        RecurrencePattern,
    };
    use crate::mail::calendar::content_lines::ContentLines;
    use crate::mail::calendar::ics::zone::Zone;

    /// 2024-03-15 and 2024-12-31.
    const START: u32 = 222_582_240;
    const END: u32 = 223_001_280;
    const WEEKDAYS: DayMask = DayMask(0x3E);

    pub(in super::super) fn recurrence_pattern(
        frequency: RecurrenceFrequency,
        pattern: Pattern,
        period: u32,
    ) -> RecurrencePattern {
        RecurrencePattern {
            frequency,
            pattern,
            calendar_type: 0,
            is_hijri: false,
            first_date_time_minutes: 0,
            period,
            is_regenerating: false,
            end: RecurrenceEnd::Never,
            first_day_of_week: 1,
            deleted_dates: Vec::new(),
            start_date_minutes: START,
            end_date_minutes: END,
        }
    }

    fn text(pattern: &RecurrencePattern, zone: Option<&Zone>, all_day: bool) -> String {
        let mut lines = ContentLines::default();
        write_rule(&mut lines, pattern, EventClock { zone, all_day }, 540);
        String::from_utf8(lines.into_bytes()).unwrap().replace("\r\n ", "").trim().to_owned()
    }

    fn check(frequency: RecurrenceFrequency, specific: Pattern, period: u32, expected: &str) {
        let text = text(&recurrence_pattern(frequency, specific, period), None, false);
        let rule = text.strip_prefix("RRULE:").unwrap_or(&text);
        assert_eq!(rule, expected, "{specific:?} {period}");
    }

    #[test]
    fn every_pattern_has_its_rule() {
        use RecurrenceFrequency::{Daily, Monthly, Weekly, Yearly};
        check(Daily, Pattern::Day, 1440, "FREQ=DAILY;INTERVAL=1");
        check(Daily, Pattern::Day, 4320, "FREQ=DAILY;INTERVAL=3");
        check(Daily, Pattern::Day, 0, "FREQ=DAILY;INTERVAL=1");
        let weekdays = "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR;WKST=MO";
        check(Daily, Pattern::Week(WEEKDAYS), 1440, weekdays);
        check(Weekly, Pattern::Week(WEEKDAYS), 1, weekdays);
        let days = DayMask(0x41);
        check(Weekly, Pattern::Week(days), 2, "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,SA;WKST=MO");
        check(Monthly, Pattern::Month { day: 15 }, 1, "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=15");
        check(Monthly, Pattern::Month { day: 31 }, 2, "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=-1");
        let last = "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=28,29,30;BYSETPOS=-1";
        check(Monthly, Pattern::Month { day: 30 }, 1, last);
        check(Monthly, Pattern::Month { day: 32 }, 1, "");
        check(Monthly, Pattern::MonthEnd, 1, "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=-1");
        let nth = |days, n| Pattern::MonthNth { days, n };
        let second = "FREQ=MONTHLY;INTERVAL=1;BYDAY=TU;BYSETPOS=2";
        check(Monthly, nth(DayMask(4), 2), 1, second);
        let last = "FREQ=MONTHLY;INTERVAL=3;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1";
        check(Monthly, nth(WEEKDAYS, 5), 3, last);
        check(Monthly, nth(WEEKDAYS, 6), 3, "");
        check(Monthly, nth(DayMask(0), 1), 3, "");
        let yearly = "FREQ=YEARLY;INTERVAL=1;BYMONTHDAY=15;BYMONTH=3";
        check(Yearly, Pattern::Month { day: 15 }, 12, yearly);
        let yearly = "FREQ=YEARLY;INTERVAL=2;BYDAY=SU;BYSETPOS=1;BYMONTH=3";
        check(Monthly, nth(DayMask(1), 1), 24, yearly);
    }

    #[test]
    fn the_month_is_that_of_the_first_period() {
        let mut yearly = recurrence_pattern(RecurrenceFrequency::Yearly, Pattern::MonthEnd, 12);
        yearly.first_date_time_minutes = 31 * 1440;
        assert!(text(&yearly, None, false).ends_with("BYMONTH=2"));
    }

    #[test]
    fn rules_end() {
        let mut daily = recurrence_pattern(RecurrenceFrequency::Daily, Pattern::Day, 1440);
        let mut check = |end, zone: Option<&Zone>, all_day, expected: &str| {
            daily.end = end;
            let text = text(&daily, zone, all_day);
            assert_eq!(text.strip_prefix("RRULE:FREQ=DAILY;INTERVAL=1"), Some(expected));
        };
        let zone = Zone::fixed(120);
        check(RecurrenceEnd::Never, None, false, "");
        check(RecurrenceEnd::Count(7), None, false, ";COUNT=7");
        check(RecurrenceEnd::Count(0), None, false, "");
        check(RecurrenceEnd::Date, None, false, ";UNTIL=20241231T090000Z");
        check(RecurrenceEnd::Date, Some(&zone), false, ";UNTIL=20241231T070000Z");
        check(RecurrenceEnd::Date, Some(&zone), true, ";UNTIL=20241231");
    }

    #[test]
    fn other_calendars_have_no_rule() {
        let mut hijri =
            recurrence_pattern(RecurrenceFrequency::Monthly, Pattern::Month { day: 3 }, 1);
        hijri.is_hijri = true;
        let expected = "X-MICROSOFT-CALSCALE:Hijri\r\n\
            X-MICROSOFT-RRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=3";
        assert_eq!(text(&hijri, None, false), expected);
        let mut regenerating = recurrence_pattern(RecurrenceFrequency::Daily, Pattern::Day, 1440);
        regenerating.is_regenerating = true;
        assert_eq!(text(&regenerating, None, false), "X-MICROSOFT-RRULE:FREQ=DAILY;INTERVAL=1");
    }

    #[test]
    fn changed_occurrences_are_not_deleted() {
        let mut pattern = recurrence_pattern(RecurrenceFrequency::Daily, Pattern::Day, 1440);
        pattern.deleted_dates = vec![START, START + 1440, START + 2880];
        let mut changed = Exception::default();
        changed.original_start_minutes = START + 1440 + 540;
        let recurrence = AppointmentRecurrence {
            pattern,
            start_offset_minutes: 540,
            end_offset_minutes: 600,
            exceptions: vec![changed],
            is_whole: true,
        };
        let mut lines = ContentLines::default();
        let zone = Zone::fixed(120);
        write_deleted(&mut lines, &recurrence, EventClock { zone: Some(&zone), all_day: false });
        let text = String::from_utf8(lines.into_bytes()).unwrap();
        assert_eq!(text, "EXDATE;TZID=\"UTC+02:00\":20240315T090000,20240317T090000\r\n");
    }
}
