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
