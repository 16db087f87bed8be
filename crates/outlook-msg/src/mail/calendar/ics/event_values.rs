//! Events as values for programs, with the same content as `event.ics`.

use crate::imsg::structures::AppointmentRecurrence;
use crate::imsg::{MapiProp as _, Message};
use crate::mail::calendar::event::{Event, ShowAs};
use crate::mail::values::named::{Values, lid};

use super::class::ItemKind;
use super::moment::{EventClock, file_time, whole_days};
use super::recurrence::deleted_days;
use super::{attendees, event, exceptions, words};

/// The appointment or meeting that a message is, or is about.
pub(in crate::mail) fn event_values(message: &Message) -> Option<Event> {
    let kind = ItemKind::of(message)?;
    if kind == ItemKind::Activity {
        return None;
    }
    let values = Values::new(message);
    let start = event::start(values)?;
    let details = event::details(values);
    let code_page = message.property_set().map(|(_, strings)| strings.code_page()).ok();
    let recurrence = values
        .binary(lid::APPOINTMENT_RECUR)
        .and_then(|blob| AppointmentRecurrence::decode(&blob, code_page?));
    let zone = event::zone(values, start, details.all_day, recurrence.as_ref());
    let end = super::utc(start).and_then(|start| event::end(values, start));
    let clock = EventClock { zone: zone.as_ref(), all_day: details.all_day };
    let days = super::utc(start)
        .filter(|_| details.all_day)
        .and_then(|start| whole_days(clock.to_local(start), clock.to_local(end.unwrap_or(start))));
    let (proposed_start, proposed_end) = event::proposed(values, kind);
    let text_of_outlook = || values.text(lid::RECURRENCE_PATTERN);
    Some(Event {
        start,
        end: end.and_then(file_time),
        is_all_day: details.all_day,
        days,
        time_zone: zone.as_ref().map(|zone| zone.id().to_owned()),
        location: details.location,
        organizer: attendees::organizer(message, kind),
        attendees: attendees::attendees(message, kind),
        recurrence: recurrence
            .as_ref()
            .and_then(|one| words::shown_words(&one.pattern))
            .or_else(text_of_outlook),
        changed: recurrence.as_ref().map(|one| exceptions::changed(one, clock)).unwrap_or_default(),
        canceled_days: recurrence.as_ref().map(deleted_days).unwrap_or_default(),
        show_as: show_as(values, kind).and_then(ShowAs::of_number),
        reminder_minutes: details.reminder_minutes.filter(|_| kind.has_reminder()),
        is_canceled: kind == ItemKind::Canceled || event::is_canceled(values),
        answer: kind.answer(),
        proposed_start,
        proposed_end,
    })
}

/// What a calendar shows others of the time. A request says what it is to be for who accepts; what
/// it is before that is only tentative.
fn show_as(values: Values<'_>, kind: ItemKind) -> Option<i32> {
    let busy_status = || values.integer(lid::BUSY_STATUS);
    match kind {
        ItemKind::Request => values.integer(lid::INTENDED_BUSY_STATUS).or_else(busy_status),
        ItemKind::Appointment => busy_status(),
        _ => None,
    }
}
