//! Events as values for programs, with the same content as `event.ics`.

use crate::imsg::structures::AppointmentRecurrence;
use crate::imsg::{Address, MapiProp as _, Message, RecipientType};
use crate::mail::calendar::event::{Attendee, AttendeeResponse, AttendeeRole, Event};
use crate::mail::values::named::{Values, lid};
use crate::mapi::{FileTime, tags};

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
    let text_of_outlook = || values.text(lid::RECURRENCE_PATTERN);
    Some(Event {
        start,
        end,
        is_all_day: details.all_day,
        days,
        time_zone: zone.map(|zone| zone.id().to_owned()),
        location: details.location,
        organizer: attendees::organizer(message),
        attendees: invited(message),
        recurrence: recurrence
            .filter(|one| hidden_because(&one.pattern).is_none())
            .map(|one| words::words(&one.pattern))
            .or_else(text_of_outlook),
        is_canceled: kind == ItemKind::Canceled || event::is_canceled(values),
    })
}

fn invited(message: &Message) -> Vec<Attendee> {
    let recipients = message.recipients().unwrap_or_default();
    let invited = recipients.iter().filter(|one| attendees::is_attendee(one));
    let attendees = invited.filter_map(|recipient| {
        Some(Attendee {
            address: Address::of_recipient(recipient)?,
            role: match recipient.recipient_type() {
                RecipientType::Cc => AttendeeRole::Optional,
                RecipientType::Bcc => AttendeeRole::Resource,
                RecipientType::To | RecipientType::Originator => AttendeeRole::Required,
            },
            response: match recipient.integer(tags::PR_RECIPIENT_TRACKSTATUS) {
                Some(2) => AttendeeResponse::Tentative,
                Some(3) => AttendeeResponse::Accepted,
                Some(4) => AttendeeResponse::Declined,
                _ => AttendeeResponse::None,
            },
        })
    });
    attendees.collect()
}
