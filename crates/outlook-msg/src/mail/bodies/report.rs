//! Makes a text for delivery reports and read receipts (\[MS-OXOMSG\] 2.2.2, 3.2.4.4). If a report
//! has no body, mail programs show such a text.

use std::fmt::Write as _;

use crate::imsg::{Address, MapiProp, Message};
use crate::mail::values::fields;
use crate::mail::values::text::one_line;
use crate::mapi::{PropertyTag, Value, tags};

const PR_RECEIPT_TIME: PropertyTag = PropertyTag(0x002A_0040);
const PR_ORIGINAL_SUBMIT_TIME: PropertyTag = PropertyTag(0x004E_0040);
const PR_ORIGINAL_DISPLAY_TO: PropertyTag = PropertyTag(0x0074_001F);

/// Whether a message is a report, by its class.
pub(in crate::mail) fn is_report(message: &Message) -> bool {
    // Only the class is needed, so no other property is read.
    message.text(tags::PR_MESSAGE_CLASS).is_some_and(|class| outcome(&class).is_some())
}

/// The text of a report; `None` if the message is no report.
pub(in crate::mail) fn text(message: &Message) -> Option<String> {
    let class = message.text(tags::PR_MESSAGE_CLASS)?;
    let outcome = outcome(&class)?;
    let mut report = ReportText(format!("{outcome}\n\n"));
    let subject = [tags::PR_ORIGINAL_SUBJECT, tags::PR_CONVERSATION_TOPIC, tags::PR_SUBJECT];
    report.line("Subject", subject.into_iter().find_map(|tag| text_of(message, tag)));
    report.line("To", text_of(message, PR_ORIGINAL_DISPLAY_TO));
    report.line("Sent", time(message, PR_ORIGINAL_SUBMIT_TIME));
    report.line("Message-ID", text_of(message, tags::PID_TAG_ORIGINAL_MESSAGE_ID));
    let server = tags::PID_TAG_REPORTING_MESSAGE_TRANSFER_AGENT;
    report.line("Reported by", text_of(message, server));
    if is_about_reader(&class) {
        // The sender of a receipt is the person who read the message, or deleted it unread.
        report.line("Reader", fields::sender(message).map(|one| one.to_string()));
        report.details(message);
        return Some(report.0);
    }
    let recipients = message.recipients().unwrap_or_default();
    for recipient in &recipients {
        report.0.push('\n');
        report.line("Recipient", Address::of_recipient(recipient).map(|one| one.to_string()));
        report.details(recipient);
    }
    if recipients.is_empty() {
        report.line("Recipient", fields::sender(message).map(|one| one.to_string()));
        report.details(message);
    }
    Some(report.0)
}

/// What happened to the message, from the last parts of the class of the report; `None` if the
/// class is no report.
fn outcome(class: &str) -> Option<&'static str> {
    let mut parts = class.rsplit('.').map(str::to_ascii_uppercase);
    let (last, before) = (parts.next()?, parts.next()?);
    if !class.split('.').next().is_some_and(|first| first.eq_ignore_ascii_case("REPORT")) {
        return None;
    }
    Some(match (before.as_str(), last.as_str()) {
        (_, "NDR") => "The message was not delivered.",
        ("DELAYED", "DR") | (_, "DELAYED") => {
            "The message is delayed and has not been delivered yet."
        }
        ("RELAYED", "DR") => {
            "The message was relayed to a system that does not report on its delivery."
        }
        ("EXPANDED", "DR") => "The message was delivered to the members of a distribution list.",
        (_, "DR") => "The message was delivered.",
        (_, "IPNRN") => "The message was read.",
        (_, "IPNNRN") => "The message was deleted without being read.",
        _ => return None,
    })
}

/// Whether a report is about reading, not about delivery, from the last part of its class.
fn is_about_reader(class: &str) -> bool {
    let last = class.rsplit('.').next().unwrap_or_default();
    ["IPNRN", "IPNNRN"].iter().any(|kind| kind.eq_ignore_ascii_case(last))
}

struct ReportText(String);

impl ReportText {
    fn line(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = writeln!(self.0, "{name}: {}", one_line(value.trim()));
        }
    }

    /// Adds what the report says of one recipient.
    fn details(&mut self, object: &dyn MapiProp) {
        let times = [tags::PR_REPORT_TIME, PR_RECEIPT_TIME];
        self.line("Time", times.into_iter().find_map(|tag| time(object, tag)));
        let named = |tag, names: &[&str]| {
            let code = integer(object, tag)?;
            let name = usize::try_from(code).ok().and_then(|code| names.get(code).copied());
            Some(name.map_or_else(|| code.to_string(), |name| format!("{name} ({code})")))
        };
        self.line("Reason", named(tags::PR_NDR_REASON_CODE, &REASONS));
        // -1 means that there is no diagnostic.
        let diagnostic = named(tags::PR_NDR_DIAG_CODE, &DIAGNOSTICS);
        self.line("Diagnostic", diagnostic.filter(|text| text != "-1"));
        self.line("Status", integer(object, tags::PR_NDR_STATUS_CODE).map(|code| code.to_string()));
        self.line("Remote server", text_of(object, tags::PR_DSN_REMOTE_MTA));
        self.line("Details", text_of(object, tags::PR_SUPPLEMENTARY_INFO));
        self.line("Text", text_of(object, tags::PR_REPORT_TEXT));
    }
}

fn text_of(object: &dyn MapiProp, tag: PropertyTag) -> Option<String> {
    object.text(tag).filter(|text| !text.trim().is_empty())
}

fn integer(object: &dyn MapiProp, tag: PropertyTag) -> Option<i32> {
    object.integer(tag)
}

fn time(object: &dyn MapiProp, tag: PropertyTag) -> Option<String> {
    match object.property(tag).ok()? {
        Value::Time(time) if time.is_set() => Some(time.to_string()),
        _ => None,
    }
}

/// The meanings of `PR_NDR_REASON_CODE`, from 0 on (\[MS-OXOMSG\] 2.2.2.24).
const REASONS: [&str; 7] = [
    "transfer failed",
    "transfer impossible",
    "conversion not performed",
    "physical rendition not done",
    "physical delivery not done",
    "restricted delivery",
    "directory operation failed",
];

/// The meanings of `PR_NDR_DIAG_CODE`, from 0 on (\[MS-OXOMSG\] 2.2.2.25).
const DIAGNOSTICS: [&str; 48] = [
    "recipient name not recognized",
    "recipient name ambiguous",
    "congestion",
    "loop detected",
    "recipient unavailable",
    "maximum time expired",
    "unsupported encoding",
    "content too long",
    "conversion impractical",
    "conversion prohibited",
    "conversion not subscribed to",
    "invalid parameters",
    "syntax error in the content",
    "length constraint violated",
    "number constraint violated",
    "content type not supported",
    "too many recipients",
    "no bilateral agreement",
    "critical function not supported",
    "conversion with loss prohibited",
    "line too long",
    "page too long",
    "pictorial symbol lost",
    "punctuation symbol lost",
    "alphabetic character lost",
    "multiple losses of information",
    "reassignment prohibited",
    "redirection loop detected",
    "expansion of the list prohibited",
    "submission prohibited",
    "expansion of the list failed",
    "rendition not supported",
    "address incorrect",
    "office incorrect or invalid",
    "address incomplete",
    "recipient unknown",
    "recipient deceased",
    "organization expired",
    "refused",
    "unclaimed",
    "recipient moved",
    "recipient travelling",
    "recipient departed",
    "new address unknown",
    "forwarding unwanted",
    "forwarding prohibited",
    "secure messaging error",
    "downgrading impossible",
];

#[cfg(test)]
mod tests {
    use super::outcome;

    #[test]
    fn classes_tell_the_outcome() {
        let check = |class, expected: &str| {
            assert!(outcome(class).unwrap_or("no").contains(expected), "{class}");
        };
        check("REPORT.IPM.Note.NDR", "not delivered");
        check("report.ipm.note.dr", "was delivered");
        check("REPORT.IPM.Note.Delayed.DR", "delayed");
        check("REPORT.IPM.Note.Delayed", "delayed");
        check("REPORT.IPM.Schedule.Meeting.Request.Relayed.DR", "relayed");
        check("REPORT.IPM.Note.Expanded.DR", "members");
        check("REPORT.IPM.Note.IPNRN", "was read");
        check("REPORT.IPM.Note.IPNNRN", "without being read");
        check("REPORT.IPM.Note", "no");
        check("IPM.Note.NDR", "no");
        check("REPORT", "no");
        check("", "no");
    }
}
