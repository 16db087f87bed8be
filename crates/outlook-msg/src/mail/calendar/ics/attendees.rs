//! The people in a meeting: ORGANIZER and ATTENDEE (\[MS-OXCICAL\] 2.1.3.1.1.20.2,
//! 2.1.3.1.1.20.15).

use crate::imsg::{Address, MapiProp as _, Message, Recipient, RecipientType};
use crate::mail::calendar::content_lines::{ContentLine, ContentLines};
use crate::mail::calendar::event::{Attendee, AttendeeResponse, AttendeeRole};
use crate::mail::values::named::Values;
use crate::mail::values::{fields, missing};
use crate::mapi::{Value, tags};

use super::class::ItemKind;

/// `recipOrganizer` of `PR_RECIPIENT_FLAGS` (\[MS-OXOCAL\] 2.2.4.10.1).
const ORGANIZER: i32 = 0x2;
/// `recipExceptionalDeleted`: a recipient of the series who is not invited to this exception.
const EXCEPTIONAL_DELETED: i32 = 0x20;

/// An address as a URI (RFC 5545 3.3.3).
///
/// Nobody outside of the organization can reach an X.500 name. As Outlook does, `invalid:nomail` is
/// written for it.
pub(in crate::mail) fn address_uri(address: &str) -> String {
    const ESCAPED: &str = "%\"<>\\^`{|}?# ";
    if !address.contains('@') {
        return "invalid:nomail".to_owned();
    }
    let mut uri = String::from("mailto:");
    for c in address.trim().chars() {
        if c.is_control() || ESCAPED.contains(c) {
            uri.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            uri.push(c);
        }
    }
    uri
}

/// The name to show beside an address: its display name, else the last part of the X.500 name.
pub(in crate::mail) fn address_name(address: &Address) -> Option<&str> {
    let is_x500 = !address.address.contains('@');
    address.shown_name().or_else(|| {
        address.address.rsplit(['/', '=']).next().filter(|name| is_x500 && !name.is_empty())
    })
}

/// Whether a meeting has anybody besides its organizer.
pub(super) fn has_attendees(message: &Message) -> bool {
    message.recipients().unwrap_or_default().iter().any(is_attendee)
}

/// The organizer of a meeting: its author, else the recipient that is marked as organizer. A
/// response goes to the organizer, so there it is the recipient (RFC 5546 3.2.3).
pub(super) fn organizer(message: &Message, kind: ItemKind) -> Option<Address> {
    if kind.is_response() {
        return fields::recipients(message, RecipientType::To).into_iter().next();
    }
    fields::from(message).or_else(|| {
        let recipients = message.recipients().unwrap_or_default();
        let organizer = recipients.iter().find(|one| flags(one) & ORGANIZER != 0);
        organizer.and_then(Address::of_recipient)
    })
}

/// The attendees of a meeting. The author of a response is the only attendee that it tells of.
pub(super) fn attendees(message: &Message, kind: ItemKind) -> Vec<Attendee> {
    if let Some(response) = kind.answer() {
        let role = AttendeeRole::Required;
        let author = fields::from(message).map(|address| Attendee { address, role, response });
        return author.into_iter().collect();
    }
    let recipients = message.recipients().unwrap_or_default();
    recipients.iter().filter(|one| is_attendee(one)).filter_map(attendee).collect()
}

fn attendee(recipient: &Recipient) -> Option<Attendee> {
    Some(Attendee {
        address: Address::of_recipient(recipient)?,
        role: match recipient.recipient_type() {
            RecipientType::Cc => AttendeeRole::Optional,
            RecipientType::Bcc => AttendeeRole::Resource,
            RecipientType::To | RecipientType::Originator => AttendeeRole::Required,
        },
        response: match recipient.integer(tags::PR_RECIPIENT_TRACKSTATUS) {
            Some(2) => AttendeeResponse::Tentative,
            Some(3) => AttendeeResponse::Accepted,
            Some(4) => AttendeeResponse::Declined,
            _ => AttendeeResponse::None,
        },
    })
}

/// Writes the organizer of a meeting and, with `with_attendees`, its attendees.
pub(super) fn write(
    lines: &mut ContentLines,
    values: Values<'_>,
    kind: ItemKind,
    with_attendees: bool,
) {
    let message = values.message();
    values.add_missing(|| missing::of_from(message));
    if let Some(organizer) = organizer(message, kind) {
        lines.line(person_line("ORGANIZER", &organizer).value(&address_uri(&organizer.address)));
    }
    if !with_attendees {
        return;
    }
    values.add_missing(|| match kind.is_response() {
        true => missing::of_recipients(message, RecipientType::To),
        false => missing::of_all_recipients(message),
    });
    let rsvp = message.property(tags::PR_RESPONSE_REQUESTED).ok();
    let wants_answer = rsvp == Some(Value::Boolean(true)) && !kind.is_response();
    for Attendee { address, role, response } in attendees(message, kind) {
        let mut line = person_line("ATTENDEE", &address);
        line = match role {
            // A response does not say in which role its author was invited.
            _ if kind.is_response() => line,
            AttendeeRole::Required => line.parameter("ROLE", "REQ-PARTICIPANT"),
            AttendeeRole::Optional => line.parameter("ROLE", "OPT-PARTICIPANT"),
            AttendeeRole::Resource => {
                line.parameter("CUTYPE", "RESOURCE").parameter("ROLE", "NON-PARTICIPANT")
            }
        };
        line = line.parameter(
            "PARTSTAT",
            match response {
                AttendeeResponse::None => "NEEDS-ACTION",
                AttendeeResponse::Tentative => "TENTATIVE",
                AttendeeResponse::Accepted => "ACCEPTED",
                AttendeeResponse::Declined => "DECLINED",
            },
        );
        if wants_answer {
            line = line.parameter("RSVP", "TRUE");
        }
        lines.line(line.value(&address_uri(&address.address)));
    }
}

fn person_line(name: &str, address: &Address) -> ContentLine {
    let line = ContentLine::new(name);
    match address_name(address) {
        Some(name) => line.parameter("CN", name.trim()),
        None => line,
    }
}

/// Whether a recipient is invited.
fn is_attendee(recipient: &Recipient) -> bool {
    flags(recipient) & (ORGANIZER | EXCEPTIONAL_DELETED) == 0
        && recipient.recipient_type() != RecipientType::Originator
}

fn flags(recipient: &Recipient) -> i32 {
    recipient.integer(tags::PR_RECIPIENT_FLAGS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{address_name, address_uri};
    use crate::imsg::Address;

    #[test]
    fn addresses_are_uris() {
        let check = |address: &str, expected: &str| assert_eq!(address_uri(address), expected);
        check(" ann@example.org ", "mailto:ann@example.org");
        check("\"a b\"@example.org", "mailto:%22a%20b%22@example.org");
        check("a\r\n@x?subject=y", "mailto:a%0D%0A@x%3Fsubject=y");
        check("zoë@example.org", "mailto:zoë@example.org");
        check("/o=Example/cn=ann", "invalid:nomail");
        check("", "invalid:nomail");
    }

    #[test]
    fn an_x500_name_ends_in_a_name() {
        let check = |name: &str, address: &str, expected: Option<&str>| {
            let address = Address { name: name.to_owned(), address: address.to_owned() };
            assert_eq!(address_name(&address), expected);
        };
        check("Ann", "/o=Example/cn=ann", Some("Ann"));
        check("", "/o=Example/cn=Recipients/cn=ann", Some("ann"));
        check(" ", "ann@example.org", None);
        check("ann@example.org", "ann@example.org", None);
        check("", "", None);
    }
}
