//! Tells from the message class which calendar item a message is (\[MS-OXCICAL\] 2.1.3.1.1.1).

use crate::imsg::{MapiProp as _, Message};
use crate::mail::calendar::event::AttendeeResponse;
use crate::mail::values::named::{Values, lid};
use crate::mapi::tags;

/// A calendar item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemKind {
    /// An entry of a calendar, or a meeting message that is neither a request nor a response.
    Appointment,
    Request,
    Accepted,
    Declined,
    Tentative,
    /// A response that proposes another time.
    Counter,
    Canceled,
    /// A journal entry.
    Activity,
}

/// The message class of a changed occurrence, which is embedded in its series (\[MS-OXOCAL\]
/// 2.2.10.1.1).
const EXCEPTION: &str = "IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}";

impl ItemKind {
    pub(super) fn of(message: &Message) -> Option<Self> {
        const CLASSES: [(&str, ItemKind); 9] = [
            ("IPM.Appointment", ItemKind::Appointment),
            (EXCEPTION, ItemKind::Appointment),
            ("IPM.Schedule.Meeting.Request", ItemKind::Request),
            ("IPM.Schedule.Meeting.Resp.Pos", ItemKind::Accepted),
            ("IPM.Schedule.Meeting.Resp.Neg", ItemKind::Declined),
            ("IPM.Schedule.Meeting.Resp.Tent", ItemKind::Tentative),
            ("IPM.Schedule.Meeting.Canceled", ItemKind::Canceled),
            ("IPM.Schedule.Meeting", ItemKind::Appointment),
            ("IPM.Activity", ItemKind::Activity),
        ];
        let class = message.text(tags::PR_MESSAGE_CLASS)?;
        let (_, kind) = CLASSES.into_iter().find(|(known, _)| is_class(&class, known))?;
        let proposes = || Values::new(message).is_true(lid::APPOINTMENT_COUNTER_PROPOSAL);
        Some(if kind == Self::Tentative && proposes() { Self::Counter } else { kind })
    }

    pub(super) fn is_response(self) -> bool {
        self.answer().is_some()
    }

    /// Whether a reminder of the event means anything to who has the message.
    pub(super) fn has_reminder(self) -> bool {
        !self.is_response() && self != Self::Canceled
    }

    /// The answer of the author of a response; `None` if it is no response.
    pub(super) fn answer(self) -> Option<AttendeeResponse> {
        match self {
            Self::Accepted => Some(AttendeeResponse::Accepted),
            Self::Declined => Some(AttendeeResponse::Declined),
            Self::Tentative | Self::Counter => Some(AttendeeResponse::Tentative),
            Self::Appointment | Self::Request | Self::Canceled | Self::Activity => None,
        }
    }
}

/// Whether a message class is `base` or derived from it, in any case (\[MS-OXCMSG\] 2.2.1.3).
///
/// ```
/// use outlook_msg::mail::is_class;
///
/// assert!(is_class("IPM.Note.SMIME", "IPM.Note"));
/// assert!(!is_class("IPM.Notebook", "IPM.Note"));
/// ```
#[must_use]
pub fn is_class(class: &str, base: &str) -> bool {
    match class.split_at_checked(base.len()) {
        Some((head, rest)) => {
            head.eq_ignore_ascii_case(base) && (rest.is_empty() || rest.starts_with('.'))
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_class;

    #[test]
    fn a_class_has_derived_ones() {
        let check = |class: &str, expected: bool| {
            assert_eq!(is_class(class, "IPM.Task"), expected, "{class}");
        };
        check("IPM.Task", true);
        check("ipm.task.Custom", true);
        check("IPM.TaskRequest", false);
        check("IPM.Tas", false);
        check("IPM.Täsk", false);
        check("", false);
    }
}
