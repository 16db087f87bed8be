//! An appointment or meeting as values.

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
    /// Whether it takes whole days, which are those of its time zone.
    pub is_all_day: bool,
    /// The name of the time zone in which it was planned; `None` for UTC.
    pub time_zone: Option<String>,
    /// Where it takes place.
    pub location: Option<String>,
    /// Who invites.
    pub organizer: Option<Address>,
    /// Who is invited, without the organizer.
    pub attendees: Vec<Attendee>,
    /// How it recurs, in words: `every 2 weeks on Monday and Friday, until 2026-03-31`.
    pub recurrence: Option<String>,
    /// Whether it is called off.
    pub is_canceled: bool,
}

/// Who is invited to a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attendee {
    /// Name and address.
    pub address: Address,
    /// What for.
    pub role: AttendeeRole,
    /// What the organizer knows of the answer.
    pub response: AttendeeResponse,
}

/// What somebody is invited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttendeeRole {
    /// To be there.
    Required,
    /// To be there if they like.
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
