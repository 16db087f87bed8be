//! Journal entries as VJOURNAL (\[MS-OXOJRNL\], RFC 5545 3.6.3).

use crate::mail::calendar::content_lines::ContentLines;
use crate::mail::values::named::{Values, lid};
use crate::mail::values::text::duration_text;
use crate::mapi::FileTime;

use super::item;
use super::moment::{utc, utc_text};

/// The start.
pub(super) fn start(values: Values<'_>) -> Option<FileTime> {
    values.time(lid::LOG_START).or_else(|| values.time(lid::COMMON_START))
}

/// What people are shown of a journal entry beside its start: named lines.
pub(super) fn shown(values: Values<'_>) -> Vec<(&'static str, String)> {
    let duration = minutes(values).map(|minutes| duration_text(minutes.unsigned_abs()));
    let lines = [("Type", entry_type(values)), ("Duration", duration)];
    lines.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn entry_type(values: Values<'_>) -> Option<String> {
    values.text(lid::LOG_TYPE).or_else(|| values.text(lid::LOG_TYPE_DESC))
}

/// How long it took.
fn minutes(values: Values<'_>) -> Option<i32> {
    values.integer(lid::LOG_DURATION).filter(|minutes| *minutes >= 0)
}

/// Writes a journal entry; `None` if it has no start.
///
/// iCalendar has no property for the end and the type of an entry, so they are written as X-
/// properties.
pub(super) fn write(lines: &mut ContentLines, values: Values<'_>) -> Option<()> {
    let start = start(values)?;
    lines.put("METHOD", "PUBLISH");
    lines.put("BEGIN", "VJOURNAL");
    lines.put("DTSTART", &utc_text(utc(start)?));
    item::write_identity(lines, values, None, None, Some(start));
    lines.text("SUMMARY", item::summary(values).as_deref());
    lines.text("DESCRIPTION", item::description(values).as_deref());
    item::write_common(lines, values);
    lines.text("X-MAPI-LOG-TYPE", entry_type(values).as_deref());
    item::write_time(lines, "X-MAPI-LOG-END", values, lid::LOG_END);
    let duration = minutes(values).map(|minutes| format!("PT{minutes}M"));
    lines.text("X-MAPI-LOG-DURATION", duration.as_deref());
    lines.put("END", "VJOURNAL");
    Some(())
}
