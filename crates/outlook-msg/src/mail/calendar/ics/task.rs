//! Tasks as VTODO (\[MS-OXOTASK\] 2.2.2, RFC 5545 3.6.2).

use crate::imsg::structures::RecurrencePattern;
use crate::mail::calendar::content_lines::ContentLines;
use crate::mail::values::marks;
use crate::mail::values::named::{NamedKey, Values, lid};
use crate::mapi::{PropertyType, Value, hexadecimal};

use super::item;
use super::moment::{EventClock, local, utc, utc_text};
use super::recurrence::write_rule;
use super::words::shown_words;

/// The dates of a task are local midnights, stored as if they were UTC.
const DATES: EventClock<'static> = EventClock { zone: None, all_day: true };

/// Whether the task has a subject or a date.
pub(super) fn is_one(values: Values<'_>) -> bool {
    item::summary(values).is_some()
        || values.time(lid::TASK_DUE_DATE).is_some()
        || values.time(lid::TASK_START_DATE).is_some()
}

/// What people are shown of a task: named lines.
pub(super) fn shown(values: Values<'_>) -> Vec<(&'static str, String)> {
    let day = |key| Some(utc(values.time(key)?)?.date().to_string());
    let status = match values.integer(lid::TASK_STATUS) {
        _ if values.is_true(lid::TASK_COMPLETE) => Some("completed"),
        Some(0) => Some("not started"),
        Some(1) => Some("in progress"),
        Some(2) => Some("completed"),
        Some(3) => Some("waiting for somebody else"),
        Some(4) => Some("deferred"),
        _ => None,
    };
    let recurrence = values.binary(lid::TASK_RECURRENCE);
    let recurrence = recurrence.and_then(|blob| RecurrencePattern::decode(&blob));
    let lines = [
        ("Start", day(lid::TASK_START_DATE)),
        ("Due", day(lid::TASK_DUE_DATE)),
        ("Repeats", recurrence.and_then(|pattern| shown_words(&pattern))),
        ("Status", status.map(str::to_owned)),
        ("Complete", percent_complete(values).map(|percent| format!("{percent} %"))),
        ("Completed", day(lid::TASK_DATE_COMPLETED)),
        ("Owner", values.text(lid::TASK_OWNER)),
    ];
    lines.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Writes a task; `None` if it has neither a subject nor a date.
pub(super) fn write(lines: &mut ContentLines, values: Values<'_>) -> Option<()> {
    if !is_one(values) {
        return None;
    }
    lines.put("METHOD", "PUBLISH");
    lines.put("BEGIN", "VTODO");
    let uid = values.binary(lid::TASK_GLOBAL_ID).filter(|id| !id.is_empty());
    let uid = uid.map(|id| hexadecimal(&id));
    let due = values.time(lid::TASK_DUE_DATE);
    item::write_identity(lines, values, uid, None, values.time(lid::TASK_START_DATE).or(due));
    lines.text("SUMMARY", item::summary(values).as_deref());
    lines.text("DESCRIPTION", item::description(values).as_deref());
    write_dates(lines, values);
    write_progress(lines, values);
    item::write_common(lines, values);
    let text = |key: NamedKey| values.text(key);
    lines.text("CONTACT", text(lid::TASK_OWNER).as_deref());
    lines.text("X-MAPI-TASK-ASSIGNER", text(lid::TASK_ASSIGNER).as_deref());
    let effort = |key: NamedKey| {
        let minutes = values.integer(key).filter(|minutes| *minutes > 0)?;
        Some(format!("PT{minutes}M"))
    };
    lines.text("X-MAPI-ESTIMATED-EFFORT", effort(lid::TASK_ESTIMATED_EFFORT).as_deref());
    lines.text("X-MAPI-ACTUAL-EFFORT", effort(lid::TASK_ACTUAL_EFFORT).as_deref());
    if let Some(time) = marks::reminder(values).and_then(utc) {
        item::write_alarm(lines, "TRIGGER;VALUE=DATE-TIME", &utc_text(time));
    }
    lines.put("END", "VTODO");
    Some(())
}

fn write_dates(lines: &mut ContentLines, values: Values<'_>) {
    let recurrence = values.binary(lid::TASK_RECURRENCE);
    let recurrence = recurrence.and_then(|blob| RecurrencePattern::decode(&blob));
    let due = values.time(lid::TASK_DUE_DATE).and_then(utc);
    let first = || {
        // A rule needs a start (RFC 5545 3.8.2.4).
        let pattern = recurrence.as_ref()?;
        due.or_else(|| local(pattern.start_date_minutes))
    };
    let start = values.time(lid::TASK_START_DATE).and_then(utc).or_else(first);
    if let Some(start) = start {
        DATES.put(lines, "DTSTART", start);
    }
    if let Some(due) = due {
        DATES.put(lines, "DUE", due);
    }
    if let Some(pattern) = &recurrence {
        write_rule(lines, pattern, DATES, 0);
    }
}

/// Writes STATUS, PERCENT-COMPLETE and COMPLETED.
fn write_progress(lines: &mut ContentLines, values: Values<'_>) {
    let is_complete = values.is_true(lid::TASK_COMPLETE);
    let status = match values.integer(lid::TASK_STATUS) {
        Some(2) => Some("COMPLETED"),
        _ if is_complete => Some("COMPLETED"),
        Some(1) => Some("IN-PROCESS"),
        Some(_) => Some("NEEDS-ACTION"),
        None => None,
    };
    lines.text("STATUS", status);
    lines.text("PERCENT-COMPLETE", percent_complete(values).as_deref());
    item::write_time(lines, "COMPLETED", values, lid::TASK_DATE_COMPLETED);
}

/// How much of the task is done, in percent.
fn percent_complete(values: Values<'_>) -> Option<String> {
    let fraction = match values.value(lid::PERCENT_COMPLETE, PropertyType::FLOATING64) {
        Some(Value::Floating64(fraction)) => Some(fraction),
        _ => None,
    };
    let fraction = fraction.filter(|fraction| (0.0..=1.0).contains(fraction))?;
    Some(format!("{:.0}", fraction * 100.0))
}
