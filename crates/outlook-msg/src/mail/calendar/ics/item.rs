//! What events, tasks and journal entries have in common.

use sha2::{Digest as _, Sha256};

use crate::mail::bodies::{Bodies, BodyKind};
use crate::mail::calendar::content_lines::{ContentLines, escaped};
use crate::mail::values::marks::{self, Sensitivity};
use crate::mail::values::named::{NamedKey, PID_NAME_KEYWORDS, Values, lid};
use crate::mail::values::text::unix_lines_of;
use crate::mapi::{FileTime, hexadecimal, tags};

use super::moment::{utc, utc_text};

/// The subject without its prefix.
pub(super) fn summary(values: Values<'_>) -> Option<String> {
    values.text(tags::PR_NORMALIZED_SUBJECT).or_else(|| values.text(tags::PR_SUBJECT))
}

/// The body as plain text, unless it is blank.
pub(super) fn description(values: Values<'_>) -> Option<String> {
    let bodies = Bodies::new(values.message());
    values.add_missing(|| bodies.missing(BodyKind::Text));
    let body = unix_lines_of(bodies.text()?);
    (!body.trim().is_empty()).then_some(body)
}

/// Writes UID and DTSTAMP, which every component must have.
///
/// DTSTAMP is `stamp`, else the time of the last change or of creation, else the start. If the
/// message has no UID, one is made from values of the message that do not change.
pub(super) fn write_identity(
    lines: &mut ContentLines,
    values: Values<'_>,
    uid: Option<String>,
    stamp: Option<FileTime>,
    start: Option<FileTime>,
) {
    lines.text("UID", Some(&uid.unwrap_or_else(|| made_uid(values))));
    let stamp = stamp
        .or_else(|| values.time(tags::PR_LAST_MODIFICATION_TIME))
        .or_else(|| values.time(tags::PR_CREATION_TIME))
        .or_else(|| values.time(tags::PR_CLIENT_SUBMIT_TIME))
        .or(start);
    // A task may have no time at all, but DTSTAMP is required.
    let stamp = stamp.and_then(utc).map_or_else(|| "19700101T000000Z".to_owned(), utc_text);
    lines.put("DTSTAMP", &stamp);
}

/// Sensitivity, importance and categories of an item. An exception may have other ones than its
/// series.
#[derive(Clone, Debug, Default)]
pub(super) struct ItemLabels {
    class: Option<&'static str>,
    pub(super) importance: Option<i32>,
    categories: Vec<String>,
}

impl ItemLabels {
    pub(super) fn of(values: Values<'_>) -> Self {
        let class = marks::sensitivity(values).map(|sensitivity| match sensitivity {
            Sensitivity::Normal => "PUBLIC",
            Sensitivity::Personal => "X-PERSONAL",
            Sensitivity::Private => "PRIVATE",
            Sensitivity::Confidential => "CONFIDENTIAL",
        });
        let importance = values.integer(tags::PR_IMPORTANCE);
        Self { class, importance, categories: values.texts(PID_NAME_KEYWORDS) }
    }

    /// These values; a missing one is taken from the series.
    pub(super) fn over(&self, series: &Self) -> Self {
        let categories =
            if self.categories.is_empty() { &series.categories } else { &self.categories };
        Self {
            class: self.class.or(series.class),
            importance: self.importance.or(series.importance),
            categories: categories.clone(),
        }
    }

    pub(super) fn write(&self, lines: &mut ContentLines) {
        lines.text("CLASS", self.class);
        let priority = match self.importance {
            Some(0) => Some("9"),
            Some(1) => Some("5"),
            Some(2) => Some("1"),
            _ => None,
        };
        lines.text("PRIORITY", priority);
        let categories: Vec<_> = self.categories.iter().map(|category| escaped(category)).collect();
        if !categories.is_empty() {
            lines.put("CATEGORIES", &categories.join(","));
        }
    }
}

/// Writes sensitivity, importance, categories, creation and last change.
pub(super) fn write_common(lines: &mut ContentLines, values: Values<'_>) {
    ItemLabels::of(values).write(lines);
    write_times(lines, values);
}

/// Writes creation and last change.
pub(super) fn write_times(lines: &mut ContentLines, values: Values<'_>) {
    write_time(lines, "CREATED", values, tags::PR_CREATION_TIME);
    write_time(lines, "LAST-MODIFIED", values, tags::PR_LAST_MODIFICATION_TIME);
}

/// Writes a time in UTC, if there is one.
pub(super) fn write_time(
    lines: &mut ContentLines,
    name: &str,
    values: Values<'_>,
    key: impl Into<NamedKey>,
) {
    if let Some(time) = values.time(key).and_then(utc) {
        lines.put(name, &utc_text(time));
    }
}

/// Writes an alarm: `name` is TRIGGER with its parameters, `trigger` its value.
pub(super) fn write_alarm(lines: &mut ContentLines, name: &str, trigger: &str) {
    lines.put("BEGIN", "VALARM");
    lines.put("ACTION", "DISPLAY");
    lines.put("DESCRIPTION", "Reminder");
    lines.put(name, trigger);
    lines.put("END", "VALARM");
}

/// A UID, made from values of the message that do not change.
fn made_uid(values: Values<'_>) -> String {
    let key = values.binary(tags::PR_SEARCH_KEY).filter(|key| !key.is_empty());
    if let Some(key) = key {
        return hexadecimal(key.get(..64).unwrap_or(&key));
    }
    if let Some(id) = values.text(tags::PR_INTERNET_MESSAGE_ID) {
        return id.trim().trim_matches(['<', '>']).to_owned();
    }
    let mut hash = Sha256::new();
    let texts = [tags::PR_MESSAGE_CLASS, tags::PR_SUBJECT].map(|tag| values.text(tag));
    for text in texts.into_iter().flatten() {
        hash.update(text);
        hash.update([0]);
    }
    let times = [
        lid::APPOINTMENT_START_WHOLE,
        lid::COMMON_START,
        lid::TASK_DUE_DATE,
        lid::LOG_START,
        tags::PR_CREATION_TIME.into(),
    ];
    for time in times.into_iter().map(|key| values.time(key)) {
        hash.update(time.map_or(0, |time| time.0).to_le_bytes());
    }
    hexadecimal(hash.finalize().get(..16).unwrap_or_default())
}
