//! Writes the changed occurrences (exceptions) of a series, each as a VEVENT with RECURRENCE-ID
//! (\[MS-OXOCAL\] 2.2.1.44.2, 2.2.10).

use std::collections::HashMap;

use jiff::civil::DateTime;

use crate::imsg::structures::{AppointmentRecurrence, Exception};
use crate::imsg::{AttachMethod, Attachment, MapiProp, Message};
use crate::mail::calendar::content_lines::ContentLines;
use crate::mail::calendar::event::ChangedOccurrence;
use crate::mail::values::named::{Values, lid};
use crate::mapi::{FileTime, PropertyTag, Value, tags};

use super::attendees;
use super::class::ItemKind;
use super::event::{Details, EventParts, details, reminder_minutes};
use super::moment::{EventClock, file_time, local, utc, whole_days};

/// Exceptions take at most this many bytes, because a file may have 65,535 of them, and each
/// repeats the values of the series. Exceptions beyond the limit are left out; calendars then show
/// these occurrences like the rest of the series, and a defect tells of it.
pub(super) const BYTES_MAX: usize = 16 << 20;

/// The embedded messages of exceptions. Each belongs to one occurrence, and is taken out when that
/// is written.
#[derive(Debug, Default)]
struct ExceptionMessages {
    messages: Vec<Option<Message>>,
    /// Their positions, by the start of the occurrence that they replace, in UTC.
    by_replaced: HashMap<DateTime, usize>,
    /// Their positions, by their own start in local time.
    by_start: HashMap<DateTime, usize>,
}

/// How many exceptions have no valid time.
pub(super) fn invalid(recurrence: &AppointmentRecurrence) -> usize {
    recurrence.exceptions.iter().filter(|one| times(one).is_none()).count()
}

/// When an exception was to take place, when it begins, and when it ends, in local time.
fn times(exception: &Exception) -> Option<[DateTime; 3]> {
    let minutes =
        [exception.original_start_minutes, exception.start_minutes, exception.end_minutes];
    let [original, start, end] = minutes.map(local);
    Some([original?, start?, end?])
}

/// The exceptions of a series that have a valid time, in the time zone of the clock.
pub(super) fn changed(
    recurrence: &AppointmentRecurrence,
    clock: EventClock<'_>,
) -> Vec<ChangedOccurrence> {
    let changed = recurrence.exceptions.iter().filter_map(|one| {
        let [original, start, end] = times(one)?;
        Some(ChangedOccurrence {
            day: original.date().to_string(),
            start: file_time(clock.to_utc(start))?,
            end: file_time(clock.to_utc(end))?,
            days: one.all_day.unwrap_or(clock.all_day).then(|| whole_days(start, end)).flatten(),
            subject: one.subject.clone(),
            location: one.location.clone(),
        })
    });
    changed.collect()
}

/// Writes the exceptions of an event that have a valid time. Returns how many of them are left out,
/// because all of them are too long.
pub(super) fn write(lines: &mut ContentLines, event: &EventParts<'_>, series: &Details) -> usize {
    let Some(recurrence) = &event.recurrence else { return 0 };
    if recurrence.exceptions.is_empty() {
        return 0;
    }
    let mut messages = ExceptionMessages::of(event.values);
    let mut written = 0;
    let valid = recurrence.exceptions.iter().filter_map(|one| Some((one, times(one)?)));
    let mut left = valid.clone().count();
    for (exception, times) in valid {
        let mut component = ContentLines::default();
        write_one(&mut component, event, series, (exception, times), &mut messages);
        written += component.len();
        if written > BYTES_MAX {
            break;
        }
        lines.extend(&component);
        left -= 1;
    }
    left
}

/// Writes one exception with its times.
fn write_one(
    lines: &mut ContentLines,
    event: &EventParts<'_>,
    series: &Details,
    (exception, [original, start, end]): (&Exception, [DateTime; 3]),
    messages: &mut ExceptionMessages,
) {
    let series_clock = EventClock { zone: event.zone.as_ref(), all_day: series.all_day };
    let message = messages.take(series_clock.to_utc(original), start);
    let own_values = message.as_ref().map(|message| event.values.embedded(message));
    let own = overridden(series, exception, own_values);
    let clock = EventClock { all_day: own.all_day, ..series_clock };
    lines.put("BEGIN", "VEVENT");
    event.write_start_and_end(lines, clock, start, Some(end));
    // RECURRENCE-ID must have the same form as the DTSTART of the series (RFC 5545 3.8.4.4).
    series_clock.put(lines, "RECURRENCE-ID", original);
    lines.put("X-MICROSOFT-CDO-INSTTYPE", "3");
    let mut own_attendees = ContentLines::default();
    if let Some(own) = own_values.filter(|own| attendees::has_attendees(own.message())) {
        attendees::write(&mut own_attendees, own, ItemKind::Appointment, true);
    }
    let attendees = if own_attendees.len() == 0 { &event.attendees } else { &own_attendees };
    event.write_details(lines, &own, attendees);
}

/// The values of an exception: those in the recurrence structure, else those of its message, else
/// those of the series.
fn overridden(series: &Details, exception: &Exception, own: Option<Values<'_>>) -> Details {
    let own = own.map(details);
    let embedded = own.as_ref();
    let text =
        |own: &Option<String>, embedded: Option<&Option<String>>, series: &Option<String>| {
            own.clone().or_else(|| embedded.cloned().flatten()).or_else(|| series.clone())
        };
    let reminder_set = exception.reminder_set.unwrap_or(series.reminder_minutes.is_some());
    let delta = exception.reminder_delta_minutes.and_then(|delta| i32::try_from(delta).ok());
    let reminder = delta.map(reminder_minutes).or(series.reminder_minutes);
    let busy_status = exception.busy_status.and_then(|status| i32::try_from(status).ok());
    Details {
        all_day: exception.all_day.unwrap_or(series.all_day),
        summary: text(&exception.subject, embedded.map(|own| &own.summary), &series.summary),
        location: text(&exception.location, embedded.map(|own| &own.location), &series.location),
        description: text(&None, embedded.map(|own| &own.description), &series.description),
        busy_status: busy_status.or(series.busy_status),
        labels: embedded
            .map_or_else(|| series.labels.clone(), |own| own.labels.over(&series.labels)),
        reminder_minutes: reminder_set.then(|| reminder.unwrap_or(15)),
    }
}

impl ExceptionMessages {
    /// Finds the messages of exceptions among the attachments of a series.
    fn of(series: Values<'_>) -> Self {
        let mut messages = Self::default();
        for number in series.message().attachments().unwrap_or_default() {
            let Ok(attachment) = series.message().attachment(number) else { continue };
            if attachment.method().ok() != Some(AttachMethod::EmbeddedMessage) {
                continue;
            }
            let message = match attachment.embedded_message() {
                Ok(message) => message,
                Err(error) => {
                    series.add_missing(|| Some(error.into_defect(&attachment_place(&attachment))));
                    continue;
                }
            };
            let replaced = series
                .embedded(&message)
                .time(lid::EXCEPTION_REPLACE_TIME)
                .or_else(|| set_time(&attachment, tags::PR_EXCEPTION_REPLACETIME));
            let start = set_time(&attachment, tags::PR_EXCEPTION_STARTTIME);
            let position = messages.messages.len();
            messages.messages.push(Some(message));
            if let Some(replaced) = replaced.and_then(utc) {
                messages.by_replaced.entry(replaced).or_insert(position);
            }
            if let Some(start) = start.and_then(utc) {
                messages.by_start.entry(start).or_insert(position);
            }
        }
        messages
    }

    fn take(&mut self, replaced_utc: DateTime, start_local: DateTime) -> Option<Message> {
        let position =
            self.by_replaced.get(&replaced_utc).or_else(|| self.by_start.get(&start_local))?;
        self.messages.get_mut(*position)?.take()
    }
}

fn attachment_place(attachment: &Attachment) -> String {
    attachment.storage().map(|storage| storage.path()).unwrap_or_default()
}

fn set_time(object: &impl MapiProp, tag: PropertyTag) -> Option<FileTime> {
    match object.property(tag).ok()? {
        Value::Time(time) => Some(time).filter(|time| time.is_set()),
        _ => None,
    }
}
