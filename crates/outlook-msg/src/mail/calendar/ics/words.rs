//! Describes recurrences in English.

use std::fmt::Write as _;

use crate::imsg::structures::{
    DayMask, Pattern, RecurrenceEnd, RecurrenceFrequency, RecurrencePattern,
};

use super::moment::local;
use super::recurrence::hidden_because;

const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const WEEKDAYS: u32 = 0b011_1110;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MINUTES_PER_DAY: u32 = 24 * 60;

/// Describes a pattern for people; `None` if it cannot be told in these words.
pub(super) fn shown_words(pattern: &RecurrencePattern) -> Option<String> {
    if pattern.is_regenerating {
        return Some(format!("{} after the one before is completed", rule(pattern)));
    }
    hidden_because(pattern).is_none().then(|| words(pattern))
}

/// Describes a pattern: `every 2 weeks on Monday and Friday, until 2026-03-31`.
fn words(pattern: &RecurrencePattern) -> String {
    let mut words = rule(pattern);
    // Writing to a String cannot fail.
    match pattern.end {
        RecurrenceEnd::Date => {
            if let Some(last) = local(pattern.end_date_minutes) {
                let _ = write!(words, ", until {}", last.date());
            }
        }
        RecurrenceEnd::Count(1) => words.push_str(", once"),
        RecurrenceEnd::Count(count) if count > 0 => {
            let _ = write!(words, ", {count} times");
        }
        RecurrenceEnd::Count(_) | RecurrenceEnd::Never => {}
    }
    words
}

fn rule(pattern: &RecurrencePattern) -> String {
    let is_yearly = pattern.frequency == RecurrenceFrequency::Yearly
        || (pattern.period != 0 && pattern.period.is_multiple_of(12));
    let monthly = |day: &str| match is_yearly {
        true => format!("{day} of {}{}", month(pattern), every(pattern.period / 12, "year")),
        false => format!("{day}{}", every(pattern.period, "month")),
    };
    match pattern.pattern {
        Pattern::Day => every(pattern.period / MINUTES_PER_DAY, "day").trim_start().to_owned(),
        Pattern::Week(DayMask(WEEKDAYS)) if pattern.frequency == RecurrenceFrequency::Daily => {
            "every weekday".to_owned()
        }
        Pattern::Week(days) => {
            let period =
                if pattern.frequency == RecurrenceFrequency::Daily { 1 } else { pattern.period };
            format!("{} on {}", every(period, "week").trim_start(), days_of(days))
        }
        Pattern::Month { day } => monthly(&format!("on day {day}")),
        Pattern::MonthEnd => monthly("on the last day"),
        Pattern::MonthNth { days, n } => {
            let nth = match n {
                1 => "first",
                2 => "second",
                3 => "third",
                4 => "fourth",
                _ => "last",
            };
            monthly(&format!("on the {nth} {}", days_of(days)))
        }
    }
}

/// ` every day`, ` every 2 days`.
fn every(period: u32, unit: &str) -> String {
    match period {
        0 | 1 => format!(" every {unit}"),
        more => format!(" every {more} {unit}s"),
    }
}

fn days_of(DayMask(mask): DayMask) -> String {
    match mask & 0x7F {
        0x7F => return "day".to_owned(),
        WEEKDAYS => return "weekday".to_owned(),
        _ => {}
    }
    let days = DAYS.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
    let days: Vec<_> = days.map(|(_, day)| *day).collect();
    match days.as_slice() {
        [] => "no day".to_owned(),
        [day] => (*day).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The month of a yearly pattern.
fn month(pattern: &RecurrencePattern) -> &'static str {
    let month = super::recurrence::month(pattern).and_then(|month| usize::try_from(month).ok());
    month.and_then(|month| MONTHS.get(month.checked_sub(1)?)).copied().unwrap_or("a month")
}

#[cfg(test)]
mod tests {
    use super::super::recurrence::tests::recurrence_pattern;
    use super::words;
    use crate::imsg::structures::{
        DayMask, Pattern, RecurrenceEnd, RecurrenceFrequency, RecurrencePattern,
    };

    fn check(
        frequency: RecurrenceFrequency,
        pattern: Pattern,
        period: u32,
        end: RecurrenceEnd,
        expected: &str,
    ) {
        // 2024-02-29 and 2026-03-31 in minutes since 1601.
        let (start_date_minutes, end_date_minutes) = (222_560_640, 223_656_480);
        let pattern = RecurrencePattern {
            end,
            start_date_minutes,
            end_date_minutes,
            ..recurrence_pattern(frequency, pattern, period)
        };
        assert_eq!(words(&pattern), expected);
    }

    #[test]
    fn patterns_in_words() {
        use RecurrenceFrequency::{Daily, Monthly, Weekly, Yearly};
        check(Daily, Pattern::Day, 1440, RecurrenceEnd::Never, "every day");
        check(Daily, Pattern::Day, 2880, RecurrenceEnd::Count(5), "every 2 days, 5 times");
        let weekdays = Pattern::Week(DayMask(0b011_1110));
        check(Daily, weekdays, 1, RecurrenceEnd::Never, "every weekday");
        let days = Pattern::Week(DayMask(0b010_0010));
        let expected = "every 2 weeks on Monday and Friday, until 2026-03-31";
        check(Weekly, days, 2, RecurrenceEnd::Date, expected);
        let expected = "on day 31 every month";
        check(Monthly, Pattern::Month { day: 31 }, 1, RecurrenceEnd::Never, expected);
        let nth = Pattern::MonthNth { days: DayMask(4), n: 5 };
        let expected = "on the last Tuesday every 3 months";
        check(Monthly, nth, 3, RecurrenceEnd::Never, expected);
        let expected = "on day 29 of February every year";
        check(Yearly, Pattern::Month { day: 29 }, 12, RecurrenceEnd::Never, expected);
    }
}
