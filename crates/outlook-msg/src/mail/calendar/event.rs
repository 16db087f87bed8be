//! An appointment or meeting as values.

use std::fmt;

use crate::imsg::Address;
use crate::mapi::FileTime;

/// An appointment or meeting, or a message about one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// When it starts.
    pub start: FileTime,
    /// When it ends.
    pub end: Option<FileTime>,
    /// Whether it takes whole days, from midnight to midnight in its time zone.
    pub is_all_day: bool,
    /// The first and the last day of an event that takes whole days, as dates in its time zone
    /// (`2024-04-02`). In another zone its start may lie on another day.
    pub days: Option<(String, String)>,
    /// The name of the time zone in which it was planned; `None` for UTC.
    pub time_zone: Option<String>,
    /// Where it takes place.
    pub location: Option<String>,
    /// The person who invites; of a response to an invitation, its recipient.
    pub organizer: Option<Address>,
    /// The people who are invited, without the organizer; of a response, the person who answers.
    pub attendees: Vec<Attendee>,
    /// Its repetition in words: `every 2 weeks on Monday and Friday, until 2026-03-31`.
    pub recurrence: Option<String>,
    /// The occurrences of a series that differ from the others.
    pub changed: Vec<ChangedOccurrence>,
    /// The days of a series on which it does not take place, as dates in its time zone.
    pub canceled_days: Vec<String>,
    /// What a calendar shows others of the time.
    pub show_as: Option<ShowAs>,
    /// How many minutes before the start there is a reminder; `None` for no reminder.
    pub reminder_minutes: Option<i32>,
    /// Whether it is canceled.
    pub is_canceled: bool,
    /// The answer that a response to an invitation gives; `None` if the message is no response.
    pub answer: Option<AttendeeResponse>,
    /// When the event starts in the other time that a response proposes. `start` is then the time
    /// of the invitation.
    pub proposed_start: Option<FileTime>,
    /// When it ends in the other time.
    pub proposed_end: Option<FileTime>,
}

/// An occurrence of a series that differs from the others.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangedOccurrence {
    /// The day on which it would take place otherwise, as a date in the time zone of the series.
    pub day: String,
    /// When it starts.
    pub start: FileTime,
    /// When it ends.
    pub end: FileTime,
    /// The first and the last day, if it takes whole days, as dates in that zone.
    pub days: Option<(String, String)>,
    /// Its subject, if the series has another one.
    pub subject: Option<String>,
    /// Its place, if the series has another one.
    pub location: Option<String>,
}

/// What a calendar shows others of a time (\[MS-OXOCAL\] 2.2.1.2 `PidLidBusyStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShowAs {
    /// It is free.
    Free,
    /// Something may take place.
    Tentative,
    /// Something takes place.
    Busy,
    /// Nobody is there.
    OutOfOffice,
    /// Work is done elsewhere.
    WorkingElsewhere,
}

impl ShowAs {
    /// What a value of the property stands for.
    pub(super) fn of_number(number: i32) -> Option<Self> {
        Some(match number {
            0 => Self::Free,
            1 => Self::Tentative,
            2 => Self::Busy,
            3 => Self::OutOfOffice,
            4 => Self::WorkingElsewhere,
            _ => return None,
        })
    }
}

impl fmt::Display for ShowAs {
    /// `free`, `tentative`, `busy`, `out of office` or `working elsewhere`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Free => "free",
            Self::Tentative => "tentative",
            Self::Busy => "busy",
            Self::OutOfOffice => "out of office",
            Self::WorkingElsewhere => "working elsewhere",
        })
    }
}

/// Somebody who is invited to a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attendee {
    /// Name and address.
    pub address: Address,
    /// Whether they are required, optional, or a resource.
    pub role: AttendeeRole,
    /// Their answer, as it was known to the organizer when the message was saved.
    pub response: AttendeeResponse,
}

/// The role of somebody who is invited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttendeeRole {
    /// They must be there.
    Required,
    /// They may be there.
    Optional,
    /// A room or a thing that is needed.
    Resource,
}

/// An answer to an invitation (\[MS-OXOCAL\] 2.2.4.10.2 `PidTagRecipientTrackStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttendeeResponse {
    /// None yet.
    None,
    /// Perhaps.
    Tentative,
    /// Yes.
    Accepted,
    /// No.
    Declined,
}

impl fmt::Display for AttendeeResponse {
    /// `none`, `tentative`, `accepted` or `declined`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Tentative => "tentative",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
        })
    }
}
