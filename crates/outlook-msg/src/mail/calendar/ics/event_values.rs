//! Events as values for programs, with the same content as `event.ics`.

use crate::imsg::structures::AppointmentRecurrence;
use crate::imsg::{MapiProp as _, Message};
use crate::mail::calendar::event::Event;
use crate::mail::values::named::{Values, lid};
use crate::mapi::FileTime;

use super::class::ItemKind;
use super::moment::{EventClock, end_date};
use super::recurrence::hidden_because;
use super::{attendees, event, words};

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
    let days = super::utc(start).filter(|_| details.all_day).and_then(|start| {
        let (first, end) = (clock.to_local(start), clock.to_local(end.unwrap_or(start)));
        let last = end_date(first, end).date().yesterday().ok()?;
        Some((first.date().to_string(), last.to_string()))
    });
    let end = end.and_then(|end| {
        let seconds = end.duration_since(super::moment::UNIX_EPOCH).as_secs();
        FileTime::from_unix(seconds, 0)
    });
    let (proposed_start, proposed_end) = event::proposed(values, kind);
    let text_of_outlook = || values.text(lid::RECURRENCE_PATTERN);
    Some(Event {
        start,
        end,
        is_all_day: details.all_day,
        days,
        time_zone: zone.map(|zone| zone.id().to_owned()),
        location: details.location,
        organizer: attendees::organizer(message, kind),
        attendees: attendees::attendees(message, kind),
        recurrence: recurrence
            .filter(|one| hidden_because(&one.pattern).is_none())
            .map(|one| words::words(&one.pattern))
            .or_else(text_of_outlook),
        is_canceled: kind == ItemKind::Canceled || event::is_canceled(values),
        answer: kind.answer(),
        proposed_start,
        proposed_end,
    })
}
