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
use crate::mail::values::named::Values;
use crate::mapi::tags;

use super::content_lines::ContentLines;

pub(in crate::mail) use attendees::{address_name, address_uri};
pub use class::is_class;
pub(in crate::mail) use damage::{defects, note};
pub(in crate::mail) use event_values::event_values;
pub(in crate::mail) use moment::utc;

use class::ItemKind;

/// Whether the message has an `event.ics`. No structure is decoded for that.
pub fn has_event(message: &Message) -> bool {
    ItemKind::of(message).is_some_and(|kind| match kind {
        ItemKind::Activity => journal::start(Values::new(message)).and_then(utc).is_some(),
        _ => event::start(Values::new(message)).and_then(utc).is_some(),
    })
}

/// The content of `event.ics`.
pub fn event(message: &Message) -> Option<Vec<u8>> {
    let kind = ItemKind::of(message)?;
    let mut lines = begin();
    match kind {
        ItemKind::Activity => journal::write(&mut lines, Values::new(message))?,
        _ => drop(event::write(&mut lines, message, kind)?),
    }
    Some(end(lines))
}

/// Whether the message has a `task.ics`. No structure is decoded for that.
pub fn has_task(message: &Message) -> bool {
    task_message(message).is_some_and(|task| task::is_one(Values::new(&task)))
}

/// The content of `task.ics`.
pub fn task(message: &Message) -> Option<Vec<u8>> {
    let task = task_message(message)?;
    let mut lines = begin();
    task::write(&mut lines, Values::new(&task))?;
    Some(end(lines))
}

/// What people are shown of a task beside its body: named lines.
pub fn shown_task(message: &Message) -> Vec<(&'static str, String)> {
    task_message(message).map(|task| task::shown(Values::new(&task))).unwrap_or_default()
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
