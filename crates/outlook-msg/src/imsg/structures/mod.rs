//! Structures inside `PT_BINARY` properties: recurrences, time zones, meeting ids, members.
//!
//! | structure | module |
//! |---|---|
//! | RecurrencePattern, AppointmentRecurrencePattern | `recurrence` |
//! | TZDEFINITION, TZREG | `time_zone` |
//! | GlobalObjectId | `global_object_id` |
//! | VoteOption | `verb_stream` |
//! | EntryIDs of the members of a distribution list | `member` |
//!
//! Every count in a structure is bounded by the bytes that are there. Knows no property.

mod fields;
mod global_object_id;
mod member;
mod recurrence;
mod time_zone;
mod verb_stream;

pub use global_object_id::GlobalObjectId;
pub use member::{EntryIds, Member, list_stream_members};
pub use recurrence::{
    AppointmentRecurrence, DayMask, Exception, Pattern, RecurrenceEnd, RecurrenceFrequency,
    RecurrencePattern,
};
pub use time_zone::{SystemTime, TimeZoneDefinition, TimeZoneRule, decode_time_zone_struct};
pub use verb_stream::voting_options;
