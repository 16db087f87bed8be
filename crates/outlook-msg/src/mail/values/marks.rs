//! What people set on a message beside its fields: how private it is, a flag for following up, a
//! reminder, and what they have done with it.

use std::fmt;

use crate::mapi::{FileTime, tags};

use super::named::{Values, lid};

/// How private a message is (`PR_SENSITIVITY`, \[MS-OXCMSG\] 2.2.1.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mail) enum Sensitivity {
    Normal,
    Personal,
    Private,
    Confidential,
}

impl fmt::Display for Sensitivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "normal",
            Self::Personal => "personal",
            Self::Private => "private",
            Self::Confidential => "confidential",
        })
    }
}

/// A flag for following up (\[MS-OXOFLAG\] 2.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::mail) struct FollowUp {
    /// What is to be done.
    pub(in crate::mail) text: Option<String>,
    /// The day on which it is due, as midnight in UTC.
    pub(in crate::mail) due: Option<FileTime>,
    pub(in crate::mail) state: FollowUpState,
}

/// Whether it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mail) enum FollowUpState {
    Open,
    /// It is done, since this time if that is known.
    Complete(Option<FileTime>),
}

/// How private the message is.
pub(in crate::mail) fn sensitivity(values: Values<'_>) -> Option<Sensitivity> {
    match values.integer(tags::PR_SENSITIVITY) {
        Some(0) => Some(Sensitivity::Normal),
        Some(1) => Some(Sensitivity::Personal),
        Some(2) => Some(Sensitivity::Private),
        Some(3) => Some(Sensitivity::Confidential),
        _ => values.is_true(lid::PRIVATE).then_some(Sensitivity::Private),
    }
}

/// The flag for following up, if one was set.
pub(in crate::mail) fn follow_up(values: Values<'_>) -> Option<FollowUp> {
    let state = match values.integer(tags::PR_FLAG_STATUS)? {
        1 => FollowUpState::Complete(values.time(tags::PR_FLAG_COMPLETE_TIME)),
        2 => FollowUpState::Open,
        _ => return None,
    };
    let due = values.time(lid::TASK_DUE_DATE);
    Some(FollowUp { text: values.text(lid::FLAG_REQUEST), due, state })
}

/// When the reminder is due, if there is one. Appointments have the minutes before their start
/// instead.
pub(in crate::mail) fn reminder(values: Values<'_>) -> Option<FileTime> {
    let time = values.time(lid::REMINDER_TIME).or_else(|| values.time(lid::REMINDER_SIGNAL_TIME));
    time.filter(|_| values.is_true(lid::REMINDER_SET))
}

/// Whether the owner of the mailbox has answered or forwarded the message, in words, and when
/// (`PR_LAST_VERB_EXECUTED`, \[MS-OXOMSG\] 2.2.1.51).
pub(in crate::mail) fn answered(values: Values<'_>) -> Option<(&'static str, Option<FileTime>)> {
    let verb = match values.integer(tags::PR_LAST_VERB_EXECUTED)? {
        102 => "replied",
        103 => "replied to all",
        104 => "forwarded",
        _ => return None,
    };
    Some((verb, values.time(tags::PR_LAST_VERB_EXECUTION_TIME)))
}
