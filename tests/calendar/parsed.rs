//! The files as calcard reads them, compared with their lines: nothing may get lost.

use calcard::common::timezone::Tz;
use calcard::icalendar::dates::TimeOrDelta;
use calcard::icalendar::{ICalendar, ICalendarComponent, ICalendarComponentType};
use calcard::vcard::VCard;
use calcard::{Entry, Parser};
use msgfs::imsg::Session;
use msgfs::storage::Source;
use msgfs::view::{MessageTree, NodeId, Show};

use crate::browse::Browser;
use crate::fixture::MessageBuilder;

/// The content of a file of a message; `None` if the message has none.
pub(crate) fn file(message: &MessageBuilder, name: &str) -> Option<String> {
    let session = Session::open(Default::default());
    let source = Source::from_bytes(message.to_bytes());
    let tree = MessageTree::open(&session, source, Show::default()).unwrap();
    let content = Browser::new(&tree).read(NodeId(0), name)?;
    let listed = Browser::new(&tree).names(NodeId(0)).split(' ').any(|one| one == name);
    assert!(listed, "{name} is there but not listed");
    Some(String::from_utf8(content).unwrap())
}

/// The content of a file that is not listed, or lies deeper.
pub(crate) fn hidden_file(message: &MessageBuilder, path: &str) -> String {
    let session = Session::open(Default::default());
    let source = Source::from_bytes(message.to_bytes());
    let tree = MessageTree::open(&session, source, Show::default()).unwrap();
    String::from_utf8(Browser::new(&tree).read(NodeId(0), path).unwrap()).unwrap()
}

/// The lines of a file, unfolded, after its form was checked.
pub(crate) fn lines(content: &str) -> Vec<String> {
    assert!(content.ends_with("\r\n"));
    for line in content.split_terminator("\r\n") {
        assert!(line.len() <= 75, "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    content.replace("\r\n ", "").split_terminator("\r\n").map(str::to_owned).collect()
}

/// The value of the first line of a property, as written; the rules of time zones have their own.
pub(crate) fn value<'a>(lines: &'a [String], property: &str) -> Option<&'a str> {
    let zones = lines.iter().rposition(|line| line == "END:VTIMEZONE");
    let start = zones.filter(|_| property != "TZID").unwrap_or(0);
    lines.iter().skip(start).chain(&lines[..start.min(5)]).find_map(|line| {
        let (name, value) = split(line);
        (name.split(';').next() == Some(property)).then_some(value)
    })
}

/// Name with parameters, and value; a colon in quotes belongs to a parameter.
fn split(line: &str) -> (&str, &str) {
    let mut quoted = false;
    let colon = line.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == ':' && !quoted
    });
    let at = colon.unwrap_or_else(|| panic!("no value: {line}")).0;
    (&line[..at], &line[at + 1..])
}

/// Parses an iCalendar file; as many properties and components must be found as there are lines.
pub(crate) fn calendar(content: &str) -> ICalendar {
    let lines = lines(content);
    let mut parser = Parser::new(content);
    let Entry::ICalendar(calendar) = parser.entry() else { panic!("no calendar: {content}") };
    assert!(matches!(parser.entry(), Entry::Eof), "{content}");
    let begins = lines.iter().filter(|line| line.starts_with("BEGIN:")).count();
    assert_eq!(calendar.components.len(), begins, "{content}");
    let entries: usize = calendar.components.iter().map(|one| one.entries.len()).sum();
    assert_eq!(entries, lines.len() - 2 * begins, "{content}");
    let rules = lines.iter().filter(|line| line.starts_with("RRULE"));
    let read = calendar.components.iter().flat_map(|one| &one.entries);
    let read = read.filter(|entry| {
        matches!(entry.values.first(), Some(calcard::icalendar::ICalendarValue::RecurrenceRule(_)))
    });
    assert_eq!(read.count(), rules.count(), "{content}");
    calendar
}

/// The components of a type.
pub(crate) fn components(
    calendar: &ICalendar,
    component_type: &ICalendarComponentType,
) -> Vec<ICalendarComponent> {
    let all = calendar.components.iter().filter(|one| one.component_type == *component_type);
    all.cloned().collect()
}

/// Parses a vCard file.
pub(crate) fn card(content: &str) -> VCard {
    let lines = lines(content);
    let mut parser = Parser::new(content);
    let Entry::VCard(card) = parser.entry() else { panic!("no card: {content}") };
    assert!(matches!(parser.entry(), Entry::Eof), "{content}");
    // calcard keeps BEGIN and END apart.
    let own = lines.iter().filter(|line| !line.starts_with("BEGIN:") && !line.starts_with("END:"));
    assert_eq!(card.entries.len(), own.count(), "{content}");
    card
}

/// The starts and ends of all occurrences in Unix seconds, in order, at most `limit`.
pub(crate) fn occurrences(calendar: &ICalendar, limit: usize) -> Vec<(i64, i64)> {
    let expanded = calendar.expand_dates(Tz::UTC, limit);
    assert!(expanded.errors.is_empty(), "{:?}", expanded.errors);
    let mut occurrences: Vec<_> = expanded
        .events
        .iter()
        .map(|event| {
            let start = event.start.timestamp();
            let end = match &event.end {
                TimeOrDelta::Time(end) => end.timestamp(),
                TimeOrDelta::Delta(delta) => start + delta.num_seconds(),
            };
            (start, end)
        })
        .collect();
    occurrences.sort_unstable();
    occurrences
}
