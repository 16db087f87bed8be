//! Appointments and meetings as VEVENT (\[MS-OXCICAL\] 2.1.3.1.1.20).

use jiff::civil::DateTime;

use crate::imsg::MapiProp as _;
use crate::imsg::structures::{AppointmentRecurrence, GlobalObjectId};
use crate::mail::calendar::content_lines::ContentLines;
use crate::mail::calendar::event::ShowAs;
use crate::mail::values::named::{Values, lid};
use crate::mail::values::structures;
use crate::mapi::{FileTime, tags};

use super::class::ItemKind;
use super::exceptions;
use super::moment::{EventClock, end_date, local, plus_minutes, utc};
use super::recurrence::{write_deleted, write_rule};
use super::zone::Zone;
use super::{attendees, item};

/// What the VEVENTs of a meeting or appointment (the series and its exceptions) have in common.
#[derive(Debug)]
pub(super) struct EventParts<'a> {
    pub(super) values: Values<'a>,
    pub(super) kind: ItemKind,
    pub(super) zone: Option<Zone>,
    /// The time zone of the end, if it is not that of the start.
    end_zone: Option<Zone>,
    pub(super) recurrence: Option<AppointmentRecurrence>,
    /// The lines that every VEVENT of the event has.
    pub(super) shared: ContentLines,
    /// ORGANIZER and ATTENDEE.
    pub(super) attendees: ContentLines,
}

/// The values in which an exception may differ from its series.
#[derive(Clone, Debug, Default)]
pub(super) struct Details {
    pub(super) all_day: bool,
    pub(super) summary: Option<String>,
    pub(super) location: Option<String>,
    pub(super) description: Option<String>,
    pub(super) busy_status: Option<i32>,
    /// Sensitivity, importance and categories.
    pub(super) labels: item::ItemLabels,
    /// Minutes before the start; `None` for no reminder.
    pub(super) reminder_minutes: Option<i32>,
}

/// `asfMeeting` of `PidLidAppointmentStateFlags`.
const MEETING: i32 = 1;
/// `asfCanceled`.
const CANCELED: i32 = 4;
/// The value that stands for the default reminder, and the default in minutes.
const REMINDER_DEFAULT: (i32, i32) = (0x5AE9_80E1, 15);

/// The start.
pub(super) fn start(values: Values<'_>) -> Option<FileTime> {
    values
        .time(lid::APPOINTMENT_START_WHOLE)
        .or_else(|| values.time(lid::COMMON_START))
        .or_else(|| values.time(tags::PR_START_DATE))
}

/// The start and the end of the other time that a response proposes.
pub(super) fn proposed(values: Values<'_>, kind: ItemKind) -> (Option<FileTime>, Option<FileTime>) {
    let proposed = |key| values.time(key).filter(|_| kind == ItemKind::Counter);
    let start = proposed(lid::APPOINTMENT_PROPOSED_START_WHOLE);
    (start, start.and_then(|_| proposed(lid::APPOINTMENT_PROPOSED_END_WHOLE)))
}

/// Writes the time zones and components of an event. Returns how many changed occurrences are left
/// out; `None` if the event has no start.
pub(super) fn write(lines: &mut ContentLines, values: Values<'_>, kind: ItemKind) -> Option<usize> {
    let original_start = start(values)?;
    let (proposed_start, proposed_end) = proposed(values, kind);
    let start = utc(proposed_start.unwrap_or(original_start))?;
    let end = match proposed_start {
        Some(_) => proposed_end.and_then(utc),
        None => end(values, start),
    };
    let details = details(values);
    let event = EventParts::new(values, kind, original_start, &details);
    if let Some(method) = event.method() {
        lines.put("METHOD", method);
    }
    for zone in event.zone.iter().chain(&event.end_zone) {
        zone.write(lines);
    }
    let clock = EventClock { zone: event.zone.as_ref(), all_day: details.all_day };
    let local = clock.to_local(start);
    let end = end.map(|end| clock.to_local(end));
    lines.put("BEGIN", "VEVENT");
    event.write_start_and_end(lines, clock, local, end);
    if let Some(recurrence) = &event.recurrence {
        write_rule(lines, &recurrence.pattern, clock, event.start_offset(recurrence, local));
        write_deleted(lines, recurrence, clock);
    }
    event.write_instance(lines, clock, local);
    event.write_instance_type(lines);
    if kind == ItemKind::Counter {
        item::write_time(lines, "X-MS-OLK-ORIGINALSTART", values, lid::APPOINTMENT_START_WHOLE);
        item::write_time(lines, "X-MS-OLK-ORIGINALEND", values, lid::APPOINTMENT_END_WHOLE);
    }
    event.write_details(lines, &details, &event.attendees);
    Some(exceptions::write(lines, &event, &details))
}

impl<'a> EventParts<'a> {
    fn new(values: Values<'a>, kind: ItemKind, start: FileTime, details: &Details) -> Self {
        let code_page = values.message().property_set().map(|(_, strings)| strings.code_page());
        let recurrence = values
            .binary(lid::APPOINTMENT_RECUR)
            .and_then(|blob| AppointmentRecurrence::decode(&blob, code_page.ok()?));
        let zone = zone(values, start, details.all_day, recurrence.as_ref());
        let end_zone = match &zone {
            Some(zone) if recurrence.is_none() => values
                .binary(lid::APPOINTMENT_TIME_ZONE_DEFINITION_END_DISPLAY)
                .and_then(|blob| Zone::of_definition(&blob))
                .filter(|end| end.id() != zone.id() && !end.is_utc()),
            _ => None,
        };
        let mut event = Self {
            values,
            kind,
            zone,
            end_zone: end_zone.filter(|_| !details.all_day),
            recurrence,
            shared: ContentLines::default(),
            attendees: ContentLines::default(),
        };
        event.write_shared(start);
        let mut lines = ContentLines::default();
        attendees::write(&mut lines, values, kind, event.method() != Some("PUBLISH"));
        event.attendees = lines;
        event
    }

    /// The iCalendar method (\[MS-OXCICAL\] 2.1.3.1.1.1). A meeting in a calendar is not sent, so
    /// it has no method: `PUBLISH` would be wrong, because RFC 5546 forbids attendees in it.
    fn method(&self) -> Option<&'static str> {
        match self.kind {
            ItemKind::Appointment if self.is_meeting() => None,
            ItemKind::Appointment | ItemKind::Activity => Some("PUBLISH"),
            ItemKind::Request => Some("REQUEST"),
            ItemKind::Accepted | ItemKind::Declined | ItemKind::Tentative => Some("REPLY"),
            ItemKind::Counter => Some("COUNTER"),
            ItemKind::Canceled => Some("CANCEL"),
        }
    }

    fn is_meeting(&self) -> bool {
        let flags = self.values.integer(lid::APPOINTMENT_STATE_FLAGS);
        flags.is_none_or(|flags| flags & MEETING != 0)
            && attendees::has_attendees(self.values.message())
    }

    fn write_shared(&mut self, start: FileTime) {
        let values = self.values;
        let stamp = match self.kind {
            kind if kind.is_response() => lid::ATTENDEE_CRITICAL_CHANGE,
            _ => lid::OWNER_CRITICAL_CHANGE,
        };
        let uid = global_object_id(values).map(|id| id.uid);
        let lines = &mut self.shared;
        item::write_identity(lines, values, uid, values.time(stamp), Some(start));
        let sequence = values.integer(lid::APPOINTMENT_SEQUENCE);
        let number = |number: Option<i32>| number.map(|number| number.to_string());
        lines.text("SEQUENCE", number(sequence.filter(|one| *one >= 0)).as_deref());
        item::write_times(lines, values);
        let intended = values.integer(lid::INTENDED_BUSY_STATUS).and_then(busy_status_name);
        lines.text("X-MICROSOFT-CDO-INTENDEDSTATUS", intended);
        let owner = number(values.integer(tags::PR_OWNER_APPT_ID));
        lines.text("X-MICROSOFT-CDO-OWNERAPPTID", owner.as_deref());
        if values.is_true(lid::APPOINTMENT_NOT_ALLOW_PROPOSE) {
            lines.put("X-MICROSOFT-DISALLOW-COUNTER", "TRUE");
        }
    }

    /// Writes DTSTART and DTEND, given in local time.
    pub(super) fn write_start_and_end(
        &self,
        lines: &mut ContentLines,
        clock: EventClock<'_>,
        start: DateTime,
        end: Option<DateTime>,
    ) {
        clock.put(lines, "DTSTART", start);
        let end = match end {
            end if clock.all_day => Some(end_date(start, end.unwrap_or(start))),
            end => end,
        };
        // An end before the start is left out.
        let Some(end) = end.filter(|end| *end >= start) else { return };
        match &self.end_zone {
            Some(zone) => {
                let end = zone.to_local(clock.to_utc(end));
                EventClock { zone: Some(zone), ..clock }.put(lines, "DTEND", end);
            }
            None => clock.put(lines, "DTEND", end),
        }
    }

    /// Writes the lines that all VEVENTs share and the values in which an exception may differ from
    /// its series, and ends the VEVENT.
    pub(super) fn write_details(
        &self,
        lines: &mut ContentLines,
        details: &Details,
        attendees: &ContentLines,
    ) {
        lines.extend(&self.shared);
        details.labels.write(lines);
        let importance = details.labels.importance.map(|number| number.to_string());
        lines.text("X-MICROSOFT-CDO-IMPORTANCE", importance.as_deref());
        lines.text("SUMMARY", details.summary.as_deref());
        lines.text("LOCATION", details.location.as_deref());
        let is_reply = self.kind.is_response();
        let description = if is_reply { "COMMENT" } else { "DESCRIPTION" };
        lines.text(description, details.description.as_deref());
        lines.extend(attendees);
        let is_free = matches!(details.busy_status, Some(0 | 4));
        lines.put("TRANSP", if is_free { "TRANSPARENT" } else { "OPAQUE" });
        let status = match self.kind {
            ItemKind::Canceled => Some("CANCELLED"),
            _ if is_canceled(self.values) => Some("CANCELLED"),
            _ => (details.busy_status == Some(1)).then_some("TENTATIVE"),
        };
        lines.text("STATUS", status);
        let busy = details.busy_status.and_then(busy_status_name);
        lines.text("X-MICROSOFT-CDO-BUSYSTATUS", busy);
        let all_day = if details.all_day { "TRUE" } else { "FALSE" };
        lines.put("X-MICROSOFT-CDO-ALLDAYEVENT", all_day);
        if let Some(minutes) = details.reminder_minutes.filter(|_| self.kind.has_reminder()) {
            let sign = if minutes < 0 { "" } else { "-" };
            let trigger = format!("{sign}PT{}M", minutes.unsigned_abs());
            item::write_alarm(lines, "TRIGGER", &trigger);
        }
        lines.put("END", "VEVENT");
    }

    /// When an occurrence starts, in minutes after midnight. If the structure is cut short, this is
    /// the time of day of `start`.
    fn start_offset(&self, recurrence: &AppointmentRecurrence, start: DateTime) -> u32 {
        if recurrence.is_whole || recurrence.start_offset_minutes != 0 {
            return recurrence.start_offset_minutes;
        }
        u32::from(start.hour().unsigned_abs()) * 60 + u32::from(start.minute().unsigned_abs())
    }

    /// Writes RECURRENCE-ID if the message is about one occurrence of a series.
    fn write_instance(&self, lines: &mut ContentLines, clock: EventClock<'_>, start: DateTime) {
        let replaced = self.values.time(lid::EXCEPTION_REPLACE_TIME).and_then(utc);
        let replaced = replaced.map(|time| clock.to_local(time));
        let of_id = || {
            let (year, month, day) = global_object_id(self.values)?.instance?;
            let date = jiff::civil::Date::new(
                i16::try_from(year).ok()?,
                i8::try_from(month).ok()?,
                i8::try_from(day).ok()?,
            );
            // The id has the date of the occurrence, but no time of day. Another property has the
            // start time of the series.
            let time = self.values.integer(lid::START_RECURRENCE_TIME).and_then(recurrence_time);
            Some(date.ok()?.to_datetime(time.unwrap_or_else(|| start.time())))
        };
        if self.recurrence.is_some() {
            return;
        }
        if let Some(instance) = replaced.or_else(of_id) {
            clock.put(lines, "RECURRENCE-ID", instance);
        }
    }

    /// Writes whether this is a single event (0), a series (1), an occurrence of a series (2) or a
    /// changed occurrence (3).
    fn write_instance_type(&self, lines: &mut ContentLines) {
        let values = self.values;
        let is_exception =
            values.is_true(lid::IS_EXCEPTION) || values.time(lid::EXCEPTION_REPLACE_TIME).is_some();
        let instance_type = match () {
            () if self.recurrence.is_some() || values.is_true(lid::RECURRING) => "1",
            () if is_exception => "3",
            () if values.is_true(lid::IS_RECURRING) => "2",
            () => "0",
        };
        lines.put("X-MICROSOFT-CDO-INSTTYPE", instance_type);
    }
}

/// Whether it is canceled.
pub(super) fn is_canceled(values: Values<'_>) -> bool {
    let flags = values.integer(lid::APPOINTMENT_STATE_FLAGS);
    flags.is_some_and(|flags| flags & CANCELED != 0)
}

/// Reads these values from a message.
pub(super) fn details(values: Values<'_>) -> Details {
    let reminder = values
        .is_true(lid::REMINDER_SET)
        .then(|| values.integer(lid::REMINDER_DELTA).unwrap_or(REMINDER_DEFAULT.0));
    Details {
        all_day: values.is_true(lid::APPOINTMENT_SUB_TYPE),
        summary: item::summary(values),
        location: values.text(lid::LOCATION).or_else(|| values.text(lid::WHERE)),
        description: item::description(values),
        busy_status: values.integer(lid::BUSY_STATUS),
        labels: item::ItemLabels::of(values),
        reminder_minutes: reminder.map(reminder_minutes),
    }
}

/// The minutes of a reminder (\[MS-OXORMDR\] 2.2.1.3 `PidLidReminderDelta`).
pub(super) fn reminder_minutes(delta: i32) -> i32 {
    if delta == REMINDER_DEFAULT.0 { REMINDER_DEFAULT.1 } else { delta }
}

/// The end.
pub(super) fn end(values: Values<'_>, start: DateTime) -> Option<DateTime> {
    let end = values
        .time(lid::APPOINTMENT_END_WHOLE)
        .or_else(|| values.time(lid::COMMON_END))
        .or_else(|| values.time(tags::PR_END_DATE));
    let duration = || values.integer(lid::APPOINTMENT_DURATION).filter(|minutes| *minutes >= 0);
    end.and_then(utc).or_else(|| plus_minutes(start, i64::from(duration()?)))
}

fn global_object_id(values: Values<'_>) -> Option<GlobalObjectId> {
    let own = values.binary(lid::GLOBAL_OBJECT_ID).and_then(|id| GlobalObjectId::decode(&id));
    let clean = values.binary(lid::CLEAN_GLOBAL_OBJECT_ID);
    match clean.and_then(|id| GlobalObjectId::decode(&id)) {
        // The clean id has no date, so the date of the occurrence comes from the other id.
        Some(clean) => Some(GlobalObjectId { instance: own.and_then(|own| own.instance), ..clean }),
        None => own.or_else(|| id_of_series(values)),
    }
}

/// The id of the series, for an exception that is embedded in it, because an exception has no id of
/// its own.
fn id_of_series(values: Values<'_>) -> Option<GlobalObjectId> {
    values.time(lid::EXCEPTION_REPLACE_TIME)?;
    let id = values
        .outer_binary(lid::CLEAN_GLOBAL_OBJECT_ID)
        .or_else(|| values.outer_binary(lid::GLOBAL_OBJECT_ID))?;
    Some(GlobalObjectId { instance: None, ..GlobalObjectId::decode(&id)? })
}

/// A time of day as `PidLidStartRecurrenceTime` has it (\[MS-OXOCAL\] 2.2.6.15): seconds, minutes
/// and hours in 6, 6 and 5 bits.
fn recurrence_time(bits: i32) -> Option<jiff::civil::Time> {
    let part = |shift: u32| i8::try_from(bits >> shift & 0x3F).ok();
    jiff::civil::Time::new(part(12)?, part(6)?, part(0)?, 0).ok()
}

/// The zone in which the event is shown (\[MS-OXOCAL\] 2.2.1.39 to 2.2.1.43); `None` for UTC.
pub(super) fn zone(
    values: Values<'_>,
    start: FileTime,
    all_day: bool,
    recurrence: Option<&AppointmentRecurrence>,
) -> Option<Zone> {
    let definition = |key| values.binary(key).and_then(|blob| Zone::of_definition(&blob));
    let of_struct = || {
        let blob = values.binary(lid::TIME_ZONE_STRUCT)?;
        Zone::of_struct(&blob, values.text(lid::TIME_ZONE_DESCRIPTION).as_deref())
    };
    let start_display = || definition(lid::APPOINTMENT_TIME_ZONE_DEFINITION_START_DISPLAY);
    let of_recurrence = || definition(lid::APPOINTMENT_TIME_ZONE_DEFINITION_RECUR);
    let zone = match recurrence {
        Some(_) => of_recurrence().or_else(of_struct).or_else(start_display),
        None => start_display().or_else(of_recurrence).or_else(of_struct),
    };
    if zone.is_none() {
        // One of these is not read above if it is damaged.
        values.add_missing(|| structures::defects(values.message()));
    }
    let zone = zone.or_else(|| guessed_zone(utc(start)?, all_day, recurrence));
    zone.filter(|zone| !zone.is_utc())
}

/// The offset from UTC, for a message without a time zone. It follows from the start in UTC and in
/// local time. The pattern of a series has the local time, and an all-day event begins at local
/// midnight.
fn guessed_zone(
    start: DateTime,
    all_day: bool,
    recurrence: Option<&AppointmentRecurrence>,
) -> Option<Zone> {
    const MINUTES_PER_DAY: i32 = 24 * 60;
    let of_day = |time: DateTime| i32::from(time.hour()) * 60 + i32::from(time.minute());
    let local_minutes = match recurrence {
        Some(recurrence) if recurrence.is_whole => of_day(local(recurrence.start_offset_minutes)?),
        _ if all_day => 0,
        _ => return None,
    };
    let offset = (local_minutes - of_day(start)).rem_euclid(MINUTES_PER_DAY);
    // Local time is assumed to be at most 12 hours from UTC; a larger difference means that UTC has
    // another date.
    let offset = if offset > MINUTES_PER_DAY / 2 { offset - MINUTES_PER_DAY } else { offset };
    Some(Zone::fixed(offset))
}

fn busy_status_name(status: i32) -> Option<&'static str> {
    Some(match ShowAs::of_number(status)? {
        ShowAs::Free => "FREE",
        ShowAs::Tentative => "TENTATIVE",
        ShowAs::Busy => "BUSY",
        ShowAs::OutOfOffice => "OOF",
        ShowAs::WorkingElsewhere => "WORKINGELSEWHERE",
    })
}
