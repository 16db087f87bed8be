//! Finds defects in the recurrence of a calendar item, and makes the note on a recurrence that has
//! no iCalendar rule.

use crate::imsg::structures::{AppointmentRecurrence, RecurrencePattern};
use crate::imsg::{MapiProp as _, Note};
use crate::mail::values::named::{NamedKey, Values, lid};
use crate::mapi::PropertyType;
use crate::storage::Defect;

use super::class::ItemKind;
use super::recurrence::{LeftOut, deleted_left_out, hidden_because};
use super::{ContentLines, Message, event, exceptions, task_message};

/// The defects of the recurrence of a calendar item or a task.
pub(in crate::mail) fn defects(message: &Message) -> Vec<Defect> {
    if let Some(kind) = ItemKind::of(message) {
        return of_appointment(message, kind);
    }
    let task = task_message(message);
    task.and_then(|task| of_task(Values::new(&task))).into_iter().collect()
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

fn of_appointment(message: &Message, kind: ItemKind) -> Vec<Defect> {
    let values = Values::new(message);
    let Some(blob) = values.binary(lid::APPOINTMENT_RECUR) else { return Vec::new() };
    let Ok((_, strings)) = message.property_set() else { return Vec::new() };
    let mut causes = Vec::new();
    match AppointmentRecurrence::decode(&blob, strings.code_page()) {
        None => causes.push("it cannot be read; the repetition is not shown".to_owned()),
        Some(recurrence) => {
            if !recurrence.is_whole {
                let cause = "its end is missing, and changed occurrences may be with it";
                causes.push(cause.to_owned());
            }
            let LeftOut { invalid, too_many } = deleted_left_out(&recurrence);
            causes.extend(left_out(invalid, "deleted", INVALID));
            causes.extend(left_out(too_many, "deleted", TOO_MANY));
            let invalid = exceptions::invalid(&recurrence);
            causes.extend(left_out(invalid, "changed", INVALID));
            if may_be_long(message, &recurrence) {
                let changed = event::write(&mut ContentLines::default(), values, kind);
                causes.extend(left_out(changed.unwrap_or(0), "changed", TOO_MANY));
            }
        }
    }
    let defects =
        causes.iter().filter_map(|cause| defect_of(values, lid::APPOINTMENT_RECUR, cause));
    defects.collect()
}

/// Says that occurrences are missing from `event.ics`.
fn left_out(count: usize, how: &str, why: &str) -> Option<String> {
    (count > 0).then(|| format!("{count} {how} occurrences {why}"))
}

const INVALID: &str = "have no valid time";
const TOO_MANY: &str = "are too many to be written";

/// Whether the changed occurrences may be more than are written. They are written to count them
/// only if they may be: each has values of the message, and text in a `.msg` file becomes at most
/// so many times as long.
fn may_be_long(message: &Message, recurrence: &AppointmentRecurrence) -> bool {
    const BYTES_PER_BYTE_MAX: u64 = 16;
    let file_len = message.storage().map_or(0, |storage| storage.file().origin_len());
    // A new message has no file to compare with.
    let file_len = if file_len == 0 { u64::MAX } else { file_len };
    let each = file_len.saturating_mul(BYTES_PER_BYTE_MAX);
    each.saturating_mul(recurrence.exceptions.len() as u64) > exceptions::BYTES_MAX as u64
}

/// The defect of the recurrence of a task.
pub(super) fn of_task(values: Values<'_>) -> Option<Defect> {
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
