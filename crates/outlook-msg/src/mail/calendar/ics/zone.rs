//! Time zones: applies the rules in a message, and writes them as a VTIMEZONE.
//!
//! The rule in effect is used for all years. So local times and the VTIMEZONE always agree, and
//! every time converts back to the exact UTC time of the message. Knows no table of time zones.

use jiff::civil::{Date, DateTime, Time, Weekday};

use crate::imsg::structures::{
    SystemTime, TimeZoneDefinition, TimeZoneRule, decode_time_zone_struct,
};
use crate::mail::calendar::content_lines::ContentLines;

use super::moment::{date_time_text, plus_minutes};

/// A time zone with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    id: String,
    /// Local time minus UTC, in minutes.
    standard_minutes: i32,
    daylight: Option<Daylight>,
}

/// The daylight saving time of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Daylight {
    /// Local time minus UTC, in minutes.
    minutes: i32,
    begins: SystemTime,
    ends: SystemTime,
}

/// The largest offset that a VTIMEZONE can have (RFC 5545 3.3.14).
const OFFSET_MINUTES_MAX: i32 = 24 * 60 - 1;
/// Windows has no longer names for time zones. A longer name is cut.
const ID_CHARACTERS_MAX: usize = 255;

impl Zone {
    /// The zone of a TZDEFINITION (\[MS-OXOCAL\] 2.2.1.41).
    pub(super) fn of_definition(bytes: &[u8]) -> Option<Self> {
        let definition = TimeZoneDefinition::decode(bytes)?;
        Self::new(&definition.key_name, definition.effective_rule()?)
    }

    /// The zone of a TZREG (\[MS-OXOCAL\] 2.2.1.39) and the description beside it.
    pub(super) fn of_struct(bytes: &[u8], description: Option<&str>) -> Option<Self> {
        Self::new(description.unwrap_or_default(), &decode_time_zone_struct(bytes)?)
    }

    /// A zone without daylight saving time.
    pub(super) fn fixed(minutes: i32) -> Self {
        let sign = if minutes < 0 { '-' } else { '+' };
        let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
        let id = format!("UTC{sign}{hours:02}:{rest:02}");
        Self { id, standard_minutes: minutes, daylight: None }
    }

    /// `None` if the rule is invalid.
    fn new(name: &str, rule: &TimeZoneRule) -> Option<Self> {
        let offset = |own: i32| {
            let minutes = rule.bias_minutes.checked_add(own)?.checked_neg()?;
            (minutes.abs() <= OFFSET_MINUTES_MAX).then_some(minutes)
        };
        let standard_minutes = offset(rule.standard_bias_minutes)?;
        let (begins, ends) = (rule.daylight_date, rule.standard_date);
        let daylight = (onset(begins, 2000).is_some() && onset(ends, 2000).is_some())
            .then(|| offset(rule.daylight_bias_minutes))
            .flatten()
            .map(|minutes| Daylight { minutes, begins, ends });
        let id: String = name
            .trim()
            .chars()
            .filter(|c| !c.is_control() && !"\"\\".contains(*c))
            .take(ID_CHARACTERS_MAX)
            .collect();
        let id = if id.is_empty() { Self::fixed(standard_minutes).id } else { id };
        Some(Self { id, standard_minutes, daylight })
    }

    /// Its name: the id of the zone in Windows, if the message has it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Whether local time is UTC all year.
    pub(super) fn is_utc(&self) -> bool {
        self.standard_minutes == 0 && self.daylight.is_none()
    }

    pub(super) fn to_local(&self, utc: DateTime) -> DateTime {
        shifted(utc, self.offset_minutes(utc))
    }

    /// Converts a local time to UTC. A local time that occurs twice means the first one.
    pub(super) fn to_utc(&self, local: DateTime) -> DateTime {
        if let Some(daylight) = self.daylight {
            let utc = shifted(local, -daylight.minutes);
            if self.offset_minutes(utc) == daylight.minutes {
                return utc;
            }
        }
        shifted(local, -self.standard_minutes)
    }

    /// Writes it as a VTIMEZONE (RFC 5545 3.6.5).
    pub(super) fn write(&self, lines: &mut ContentLines) {
        lines.put("BEGIN", "VTIMEZONE");
        lines.text("TZID", Some(&self.id));
        let standard = self.standard_minutes;
        match self.daylight {
            Some(Daylight { minutes, begins, ends }) => {
                write_observance(lines, "STANDARD", Some(ends), minutes, standard);
                write_observance(lines, "DAYLIGHT", Some(begins), standard, minutes);
            }
            None => write_observance(lines, "STANDARD", None, standard, standard),
        }
        lines.put("END", "VTIMEZONE");
    }

    fn offset_minutes(&self, utc: DateTime) -> i32 {
        let standard = self.standard_minutes;
        let Some(daylight) = self.daylight else { return standard };
        let year = shifted(utc, standard).year();
        let (Some(begins), Some(ends)) = (onset(daylight.begins, year), onset(daylight.ends, year))
        else {
            return standard;
        };
        let (begins, ends) = (shifted(begins, -standard), shifted(ends, -daylight.minutes));
        let is_daylight = if begins <= ends {
            begins <= utc && utc < ends
        } else {
            // South of the equator, daylight saving time includes the turn of the year.
            utc < ends || begins <= utc
        };
        if is_daylight { daylight.minutes } else { standard }
    }
}

/// When a rule takes effect in a year, given in the local time before the change.
fn onset(rule: SystemTime, year: i16) -> Option<DateTime> {
    let part = |number: u16| i8::try_from(number).ok();
    let month = part(rule.month)?;
    let time = Time::new(part(rule.hour)?, part(rule.minute)?, part(rule.second)?, 0).ok()?;
    if rule.year != 0 {
        let date = Date::new(i16::try_from(rule.year).ok()?, month, part(rule.day)?).ok()?;
        return Some(date.to_datetime(time));
    }
    let weekday = Weekday::from_sunday_zero_offset(part(rule.day_of_week)?).ok()?;
    let nth = match rule.day {
        5 => -1,
        day => part(day).filter(|day| (1..5).contains(day))?,
    };
    let date = Date::new(year, month, 1).ok()?.nth_weekday_of_month(nth, weekday).ok()?;
    Some(date.to_datetime(time))
}

fn shifted(time: DateTime, minutes: i32) -> DateTime {
    plus_minutes(time, i64::from(minutes)).unwrap_or(time)
}

fn write_observance(
    lines: &mut ContentLines,
    name: &str,
    begins: Option<SystemTime>,
    from_minutes: i32,
    to_minutes: i32,
) {
    const FIRST_YEAR: i16 = 1601;
    let first = begins.and_then(|rule| onset(rule, FIRST_YEAR));
    lines.put("BEGIN", name);
    lines.put("DTSTART", &first.map_or_else(|| "16010101T000000".to_owned(), date_time_text));
    if let Some(rule) = begins.filter(|rule| rule.year == 0) {
        let nth = if rule.day == 5 { -1 } else { i32::from(rule.day) };
        let days = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];
        let day = days.get(usize::from(rule.day_of_week)).copied().unwrap_or_default();
        lines.put("RRULE", &format!("FREQ=YEARLY;BYDAY={nth}{day};BYMONTH={}", rule.month));
    }
    lines.put("TZOFFSETFROM", &offset_text(from_minutes));
    lines.put("TZOFFSETTO", &offset_text(to_minutes));
    lines.put("END", name);
}

fn offset_text(minutes: i32) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

#[cfg(test)]
mod tests {
    use super::{SystemTime, TimeZoneRule, Zone};
    use crate::mail::calendar::content_lines::ContentLines;

    const LAST_SUNDAY: SystemTime =
        SystemTime { year: 0, month: 3, day_of_week: 0, day: 5, hour: 2, minute: 0, second: 0 };

    fn rule(bias: i32, daylight_date: SystemTime, standard_date: SystemTime) -> TimeZoneRule {
        TimeZoneRule {
            bias_minutes: bias,
            daylight_bias_minutes: -60,
            standard_date,
            daylight_date,
            ..TimeZoneRule::default()
        }
    }

    fn berlin() -> Zone {
        let ends = SystemTime { month: 10, hour: 3, ..LAST_SUNDAY };
        Zone::new("W. Europe Standard Time", &rule(-60, LAST_SUNDAY, ends)).unwrap()
    }

    /// The first Sunday of October to the first of April.
    fn sydney() -> Zone {
        let begins = SystemTime { month: 10, day: 1, ..LAST_SUNDAY };
        let ends = SystemTime { month: 4, day: 1, hour: 3, ..LAST_SUNDAY };
        Zone::new("AUS Eastern Standard Time", &rule(-600, begins, ends)).unwrap()
    }

    fn check(zone: &Zone, utc: &str, local: &str) {
        let (utc, local) = (utc.parse().unwrap(), local.parse().unwrap());
        assert_eq!(zone.to_local(utc), local, "{utc}");
        assert_eq!(zone.to_utc(local), utc, "{local}");
    }

    #[test]
    fn local_time_follows_the_rule() {
        let zone = berlin();
        check(&zone, "2024-03-31T00:59:59", "2024-03-31T01:59:59");
        check(&zone, "2024-03-31T01:00:00", "2024-03-31T03:00:00");
        check(&zone, "2024-10-26T23:59:59", "2024-10-27T01:59:59");
        check(&zone, "2024-10-27T02:00:00", "2024-10-27T03:00:00");
        check(&zone, "2023-12-31T23:30:00", "2024-01-01T00:30:00");
        let zone = sydney();
        check(&zone, "2024-04-06T14:59:59", "2024-04-07T01:59:59");
        check(&zone, "2024-04-06T17:00:00", "2024-04-07T03:00:00");
        check(&zone, "2024-10-05T16:00:00", "2024-10-06T03:00:00");
        check(&zone, "2023-12-31T13:00:00", "2024-01-01T00:00:00");
        check(&Zone::fixed(-210), "2024-01-01T00:00:00", "2023-12-31T20:30:00");
    }

    #[test]
    fn a_zone_is_written_with_its_rules() {
        let mut lines = ContentLines::default();
        berlin().write(&mut lines);
        let text = String::from_utf8(lines.into_bytes()).unwrap().replace("\r\n", "\n");
        let expected = "BEGIN:VTIMEZONE\nTZID:W. Europe Standard Time\n\
            BEGIN:STANDARD\nDTSTART:16011028T030000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\n\
            TZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\n\
            BEGIN:DAYLIGHT\nDTSTART:16010325T020000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\n\
            TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nEND:VTIMEZONE\n";
        assert_eq!(text, expected);
        let mut lines = ContentLines::default();
        Zone::fixed(-210).write(&mut lines);
        let text = String::from_utf8(lines.into_bytes()).unwrap();
        assert!(text.contains("TZID:UTC-03:30\r\n") && text.contains("TZOFFSETTO:-0330"), "{text}");
    }

    #[test]
    fn rules_that_cannot_be_are_none() {
        let none = SystemTime::default();
        assert!(Zone::new("X", &rule(i32::MIN, none, none)).is_none());
        assert!(Zone::new("X", &rule(2000, none, none)).is_none());
        assert!(Zone::new("UTC", &rule(0, none, none)).unwrap().is_utc());
        assert_eq!(Zone::new(" \n", &rule(300, none, none)).unwrap().id(), "UTC-05:00");
        let odd = SystemTime { month: 13, ..LAST_SUNDAY };
        assert_eq!(Zone::new("X", &rule(300, odd, odd)).unwrap().daylight, None);
    }
}
