//! Appointments, meetings, tasks and contacts.
//!
//! | what | module |
//! |---|---|
//! | an appointment or meeting as values | `event` |
//! | appointments, meetings, tasks as iCalendar | `ics` |
//! | contacts and distribution lists as vCard | `vcf` |
//! | the lines of both formats | `content_lines` |

mod content_lines;
pub(in crate::mail) mod event;
pub mod ics;
pub mod vcf;
