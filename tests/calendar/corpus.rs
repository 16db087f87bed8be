//! Every appointment, task and contact of the samples.
//!
//! The samples lie outside the project; without them the test says SKIPPED.

use std::collections::BTreeMap;
use std::fs;

use calcard::icalendar::{ICalendarComponentType, ICalendarProperty};
use msgfs::imsg::{Access, MapiProp as _, Message, NameKind, PropertyName, Session};
use msgfs::mapi::sets::{PSETID_APPOINTMENT, PSETID_COMMON, PSETID_TASK};
use msgfs::mapi::{FileTime, Guid, PropertyTag, PropertyType, Value, tags};
use msgfs::storage::{CompoundFile, Source};
use msgfs::view::{MessageTree, NodeId, Show};

use super::parsed::{calendar, card, components, lines, occurrences, value};
use crate::browse::Browser;

#[test]
fn every_sample_parses_back() {
    let mut counts = BTreeMap::new();
    for path in crate::corpus_files::corpus_files() {
        let bytes = fs::read(&path).unwrap();
        let session = Session::open(Default::default());
        let tree = MessageTree::open(&session, Source::from_bytes(bytes.clone()), Show::default())
            .unwrap();
        let Ok(file) = CompoundFile::open(Source::from_bytes(bytes)) else { continue };
        let Ok(message) = session.open_message(&file.root(), Access::Read) else { continue };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        check_message(&name, &message, Browser::new(&tree), NodeId(0), &mut counts);
        check_embedded(Browser::new(&tree), &mut counts);
    }
    println!("{counts:#?}");
}

/// Those of embedded messages must parse too.
fn check_embedded(browser: Browser<'_>, counts: &mut BTreeMap<String, usize>) {
    for (path, content) in browser.contents(NodeId(0)) {
        let Some((_, name)) = path.rsplit_once('/') else { continue };
        let content = || String::from_utf8(content.clone()).unwrap();
        match name {
            "event.ics" | "task.ics" => drop(calendar(&content())),
            "contact.vcf" => drop(card(&content())),
            _ => continue,
        }
        *counts.entry(format!("embedded {name}")).or_default() += 1;
    }
}

fn check_message(
    name: &str,
    message: &Message,
    browser: Browser<'_>,
    node: NodeId,
    counts: &mut BTreeMap<String, usize>,
) {
    let class = message.text(tags::PR_MESSAGE_CLASS).unwrap_or_default();
    let mut count = |what: String| *counts.entry(what).or_default() += 1;
    let content = |file| Some(String::from_utf8(browser.read(node, file)?).unwrap());
    if let Some(content) = content("event.ics") {
        check_event(name, message, &content, &mut count);
        count(format!("event.ics of {class}"));
    } else if class.starts_with("IPM.Appointment") || class.starts_with("IPM.Schedule.Meeting") {
        count(format!("no event.ics: {name}"));
    }
    if let Some(content) = content("task.ics") {
        check_task(name, message, &content, &mut count);
        count(format!("task.ics of {class}"));
    } else if class == "IPM.Task" {
        count(format!("no task.ics: {name}"));
    }
    if let Some(content) = content("contact.vcf") {
        let parsed = card(&content);
        let full_name = parsed.property(&calcard::vcard::VCardProperty::Fn).unwrap();
        let full_name = full_name.values[0].as_text().unwrap();
        if let Some(expected) = message.text(tags::PR_DISPLAY_NAME) {
            assert_eq!(full_name, expected, "{name}");
        }
        count(format!("contact.vcf of {class}"));
    } else if class.starts_with("IPM.Contact") || class.starts_with("IPM.DistList") {
        count(format!("no contact.vcf: {name}"));
    }
}

fn check_event(name: &str, message: &Message, content: &str, count: &mut impl FnMut(String)) {
    let parsed = calendar(content);
    let events = components(&parsed, &ICalendarComponentType::VEvent);
    let master = &events[0];
    let subject = message.text(tags::PR_NORMALIZED_SUBJECT);
    let subject = subject.or_else(|| message.text(tags::PR_SUBJECT)).filter(|one| !one.is_empty());
    let summary = master.property(&ICalendarProperty::Summary);
    let summary = summary.map(|entry| entry.values[0].as_text().unwrap().to_owned());
    assert_eq!(summary, subject, "{name}");
    let is_all_day = lines(content).iter().any(|line| line.starts_with("DTSTART;VALUE=DATE:"));
    let [first] = occurrences(&calendar(&master_only(content)), 1)[..] else { panic!("{name}") };
    let seconds = |lid, common_lid, tag| {
        let time = time(message, PSETID_APPOINTMENT, lid)
            .or_else(|| time(message, PSETID_COMMON, common_lid))
            .or_else(|| match message.property(tag).ok()? {
                Value::Time(time) => Some(time),
                _ => None,
            });
        time.map(|time| time.to_unix().0)
    };
    let start = seconds(0x820D, 0x8516, tags::PR_START_DATE).unwrap();
    let end = seconds(0x820E, 0x8517, tags::PR_END_DATE);
    if is_all_day {
        assert_eq!(first.0 % 86_400, 0, "{name}");
        // A local midnight is at most 14 hours from that of UTC.
        assert!((first.0 - start).abs() <= 14 * 3600, "{name}");
        count("all-day events".to_owned());
    } else {
        let zoned = content.contains("DTSTART;TZID=");
        count(format!("times equal, {}", if zoned { "zoned" } else { "UTC" }));
        assert_eq!(first, (start, end.unwrap_or(first.1)), "{name}\n{content}");
    }
    let stamp = value(&lines(content), "DTSTAMP").unwrap().to_owned();
    assert_ne!(stamp, "19700101T000000Z", "{name}");
    if content.contains("\r\nRRULE:FREQ=") {
        count("series".to_owned());
    }
    if events.len() > 1 {
        count("series with exceptions".to_owned());
    }
}

/// The first VEVENT as if it were single.
fn master_only(content: &str) -> String {
    let lines = content.replace("\r\n ", "");
    let (event, _) = lines.split_once("END:VEVENT\r\n").unwrap();
    let single = |line: &&str| {
        !["RRULE", "EXDATE", "RECURRENCE-ID"].iter().any(|name| line.starts_with(name))
    };
    let event: String = event.split_inclusive("\r\n").filter(single).collect();
    folded(&(event + "END:VEVENT\r\nEND:VCALENDAR\r\n"))
}

/// Lines over 75 bytes, as descriptions are, are not what a time is compared by.
fn folded(content: &str) -> String {
    content.split_inclusive("\r\n").filter(|line| line.len() <= 77).collect()
}

fn check_task(name: &str, message: &Message, content: &str, count: &mut impl FnMut(String)) {
    let parsed = calendar(content);
    assert_eq!(components(&parsed, &ICalendarComponentType::VTodo).len(), 1, "{name}");
    for (property, lid) in [("DTSTART", 0x8104), ("DUE", 0x8105)] {
        let day =
            time(message, PSETID_TASK, lid).map(|time| time.to_string()[..10].replace('-', ""));
        if let Some(day) = day {
            assert_eq!(value(&lines(content), property), Some(day.as_str()), "{name} {property}");
            count(format!("{property} of tasks equal"));
        }
    }
}

fn time(message: &Message, set: Guid, lid: u32) -> Option<FileTime> {
    let id = message.names().unwrap().id(&PropertyName { set, kind: NameKind::Lid(lid) })?;
    match message.property(PropertyTag::new(id, PropertyType::TIME)).ok()? {
        Value::Time(time) => Some(time).filter(|time| time.is_set()),
        _ => None,
    }
}
