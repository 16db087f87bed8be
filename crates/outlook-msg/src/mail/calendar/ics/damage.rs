//! Finds defects in the recurrence of a calendar item, and makes the note on a recurrence that has
//! no iCalendar rule.

use crate::imsg::structures::{AppointmentRecurrence, RecurrencePattern};
use crate::imsg::{MapiProp as _, Note};
use crate::mail::values::named::{NamedKey, Values, lid};
use crate::mapi::PropertyType;
use crate::storage::Defect;

use super::class::ItemKind;
use super::recurrence::hidden_because;
use super::{Message, task_message};

/// The defect of the recurrence of a calendar item or a task.
pub(in crate::mail) fn defect(message: &Message) -> Option<Defect> {
    if ItemKind::of(message).is_some() {
        return of_appointment(Values::new(message));
    }
    of_task(Values::new(&task_message(message)?))
}

/// The note that the recurrence is not shown.
pub(in crate::mail) fn note(message: &Message) -> Option<Note> {
    let (pattern, place) = if ItemKind::of(message).is_some() {
        let values = Values::new(message);
        let blob = values.binary(lid::APPOINTMENT_RECUR)?;
        let (_, strings) = message.property_set().ok()?;
        let recurrence = AppointmentRecurrence::decode(&blob, strings.code_page())?;
        (recurrence.pattern, place_of(values, lid::APPOINTMENT_RECUR)?)
    } else {
        let task = task_message(message)?;
        let blob = Values::new(&task).binary(lid::TASK_RECURRENCE)?;
        (RecurrencePattern::decode(&blob)?, place_of(Values::new(&task), lid::TASK_RECURRENCE)?)
    };
    let cause = hidden_because(&pattern)?;
    Some(Note { place, text: format!("the repetition is not shown: {cause}") })
}

fn of_appointment(values: Values<'_>) -> Option<Defect> {
    let blob = values.binary(lid::APPOINTMENT_RECUR)?;
    let (_, strings) = values.message().property_set().ok()?;
    let cause = match AppointmentRecurrence::decode(&blob, strings.code_page()) {
        Some(recurrence) if recurrence.is_whole => return None,
        Some(_) => "its end is missing, and changed occurrences may be with it",
        None => "it cannot be read; the repetition is not shown",
    };
    defect_of(values, lid::APPOINTMENT_RECUR, cause)
}

fn of_task(values: Values<'_>) -> Option<Defect> {
    let blob = values.binary(lid::TASK_RECURRENCE)?;
    let is_read = RecurrencePattern::decode(&blob).is_some();
    let cause = "it cannot be read; the repetition is not shown";
    (!is_read).then(|| defect_of(values, lid::TASK_RECURRENCE, cause)).flatten()
}

fn defect_of(values: Values<'_>, key: NamedKey, cause: &str) -> Option<Defect> {
    let place = place_of(values, key)?;
    Some(Defect { place, cause: format!("recurrence: {cause}") })
}

fn place_of(values: Values<'_>, key: NamedKey) -> Option<String> {
    let tag = values.tag(key, PropertyType::BINARY)?;
    let path = values.message().storage().ok()?.path();
    Some(format!("{}/{tag}", path.trim_end_matches('/')))
}
