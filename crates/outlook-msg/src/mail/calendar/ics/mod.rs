//! Calendar items as iCalendar files (\[MS-OXCICAL\], RFC 5545): `event.ics` and `task.ics`.
//!
//! | class | file | component |
//! |---|---|---|
//! | `IPM.Appointment`, `IPM.Schedule.Meeting.*`, changed occurrences | `event.ics` | VEVENT |
//! | `IPM.Activity` | `event.ics` | VJOURNAL |
//! | `IPM.Task`, and the task in an `IPM.TaskRequest.*` | `task.ics` | VTODO |
//!
//! The same message always gives the same bytes; they do not depend on the current time. A file
//! exists if the message has one of these classes and a start. A task needs a subject or a date.

mod attendees;
mod class;
mod damage;
mod event;
mod event_values;
mod exceptions;
mod item;
mod journal;
mod moment;
mod recurrence;
mod task;
mod words;
mod zone;

use crate::imsg::{AttachMethod, MapiProp as _, Message};
use crate::mail::values::named::{Missing, Values};
use crate::mapi::{FileTime, tags};
use crate::storage::Defect;

use super::content_lines::ContentLines;

pub(in crate::mail) use attendees::{address_name, address_uri};
pub use class::is_class;
pub(in crate::mail) use damage::{defects, note};
pub(in crate::mail) use event_values::event_values;
pub(in crate::mail) use moment::utc;

use class::ItemKind;

/// The file of an appointment, a meeting or a journal entry.
pub const EVENT_ICS: &str = "event.ics";
/// The file of a task.
pub const TASK_ICS: &str = "task.ics";
/// The components of which one is in each file.
pub(in crate::mail) const COMPONENTS: [&str; 3] = ["VEVENT", "VJOURNAL", "VTODO"];

/// Whether the message has an `event.ics`. No structure is decoded for that.
pub fn has_event(message: &Message) -> bool {
    ItemKind::of(message).is_some_and(|kind| match kind {
        ItemKind::Activity => journal::start(Values::new(message)).and_then(utc).is_some(),
        _ => event::start(Values::new(message)).and_then(utc).is_some(),
    })
}

/// The content of `event.ics`.
pub fn event(message: &Message) -> Option<Vec<u8>> {
    event_of(Values::new(message))
}

/// What is missing of `event.ics`. To find it, the file is made.
pub fn missing_of_event(message: &Message) -> Vec<Defect> {
    let missing = Missing::default();
    if event_of(Values::watched(message, &missing)).is_some() {
        missing.add(damage::defects(message));
    }
    missing.into_defects()
}

fn event_of(values: Values<'_>) -> Option<Vec<u8>> {
    let kind = ItemKind::of(values.message())?;
    let mut lines = begin();
    match kind {
        ItemKind::Activity => journal::write(&mut lines, values)?,
        _ => drop(event::write(&mut lines, values, kind)?),
    }
    Some(end(lines))
}

/// Whether the message has a `task.ics`. No structure is decoded for that.
pub fn has_task(message: &Message) -> bool {
    task_message(message).is_some_and(|task| task::is_one(Values::new(&task)))
}

/// The content of `task.ics`.
pub fn task(message: &Message) -> Option<Vec<u8>> {
    task_of(Values::new(&task_message(message)?))
}

/// What is missing of `task.ics`. To find it, the file is made.
pub fn missing_of_task(message: &Message) -> Vec<Defect> {
    let Some(task) = task_message(message) else { return Vec::new() };
    let missing = Missing::default();
    if task_of(Values::watched(&task, &missing)).is_some() {
        missing.add(damage::of_task(Values::new(&task)));
    }
    missing.into_defects()
}

fn task_of(task: Values<'_>) -> Option<Vec<u8>> {
    let mut lines = begin();
    task::write(&mut lines, task)?;
    Some(end(lines))
}

/// What people are shown of a task or a journal entry beside its body: named lines.
pub fn shown(message: &Message) -> Vec<(&'static str, String)> {
    match ItemKind::of(message) {
        Some(ItemKind::Activity) => journal::shown(Values::new(message)),
        Some(_) => Vec::new(),
        None => {
            task_message(message).map(|task| task::shown(Values::new(&task))).unwrap_or_default()
        }
    }
}

/// When a journal entry starts.
pub(in crate::mail) fn journal_start(message: &Message) -> Option<FileTime> {
    let is_journal = ItemKind::of(message) == Some(ItemKind::Activity);
    is_journal.then(|| journal::start(Values::new(message))).flatten()
}

/// The message that is a task: itself, or the one that a task request carries
/// (\[MS-OXOTASK\] 2.2.3).
fn task_message(message: &Message) -> Option<Message> {
    let class = message.text(tags::PR_MESSAGE_CLASS)?;
    if is_class(&class, "IPM.Task") {
        return Some(message.clone());
    }
    if !is_class(&class, "IPM.TaskRequest") {
        return None;
    }
    let attachment = message.attachment(*message.attachments().ok()?.first()?).ok()?;
    if attachment.method().ok()? != AttachMethod::EmbeddedMessage {
        return None;
    }
    let task = attachment.embedded_message().ok()?;
    is_class(&task.text(tags::PR_MESSAGE_CLASS)?, "IPM.Task").then_some(task)
}

fn begin() -> ContentLines {
    let mut lines = ContentLines::default();
    lines.put("BEGIN", "VCALENDAR");
    lines.put("PRODID", "-//msgfs//msgfs//EN");
    lines.put("VERSION", "2.0");
    lines
}

fn end(mut lines: ContentLines) -> Vec<u8> {
    lines.put("END", "VCALENDAR");
    lines.into_bytes()
}
