//! Appointments, meetings and journal entries of our own.

use calcard::icalendar::ICalendarComponentType;
use msgfs::imsg::NameKind;
use msgfs::mapi::sets::{
    PS_PUBLIC_STRINGS, PSETID_APPOINTMENT, PSETID_COMMON, PSETID_LOG, PSETID_MEETING,
};
use msgfs::mapi::{PropertyType, Value, tags};

use super::blobs::{Exception, Recurrence, SetNamed as _, berlin, berlin_struct, global_object_id};
use super::parsed::{calendar, components, file, hidden_file, lines, occurrences, value};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

const CHANGED: &str = "2024-02-01T10:00:00Z";

fn appointment() -> MessageBuilder {
    MessageBuilder::new("IPM.Appointment", "Team; lunch, \\ and\r\nEND:VCALENDAR")
        .time(tags::PR_LAST_MODIFICATION_TIME, CHANGED)
        .at("2024-03-04T08:00:00Z", "2024-03-04T09:00:00Z")
        .lid(PSETID_APPOINTMENT, 0x825E, Value::Binary(berlin()))
}

fn series(recurrence: &Recurrence) -> MessageBuilder {
    appointment().lid(PSETID_APPOINTMENT, 0x8216, Value::Binary(recurrence.appointment())).lid(
        PSETID_APPOINTMENT,
        0x8260,
        Value::Binary(berlin()),
    )
}

fn event(message: &MessageBuilder) -> Vec<String> {
    let content = file(message, "event.ics").expect("event.ics");
    calendar(&content);
    lines(&content)
}

fn check(message: &MessageBuilder, property: &str, expected: Option<&str>) {
    let lines = event(message);
    assert_eq!(value(&lines, property), expected, "{property} in {lines:#?}");
}

fn unix(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().unwrap().as_second()
}

/// Starts of the occurrences that calcard makes of a series.
fn starts(message: &MessageBuilder) -> Vec<i64> {
    let parsed = calendar(&file(message, "event.ics").unwrap());
    occurrences(&parsed, 20).into_iter().map(|(start, _)| start).collect()
}

#[test]
fn an_appointment_has_its_values() {
    let keywords = ["Red, green", "Blue"].map(|text| Value::String(text.to_owned())).to_vec();
    let name = NameKind::Name("Keywords".to_owned());
    let message = appointment()
        .time(tags::PR_CREATION_TIME, "2024-01-01T00:00:00Z")
        .integer(tags::PR_IMPORTANCE, 2)
        .integer(tags::PR_SENSITIVITY, 2)
        .body("Bring:\n- food; drinks")
        .lid_text(PSETID_APPOINTMENT, 0x8208, "Canteen, 2nd floor")
        .lid(PSETID_APPOINTMENT, 0x8205, Value::Integer32(3))
        .lid(PSETID_APPOINTMENT, 0x8201, Value::Integer32(7))
        .lid(PSETID_COMMON, 0x8503, Value::Boolean(true))
        .lid(PSETID_COMMON, 0x8501, Value::Integer32(0x5AE9_80E1))
        .lid(PSETID_MEETING, 0x23, Value::Binary(global_object_id([0; 4], b"\xAB")))
        .named(PS_PUBLIC_STRINGS, name, PropertyType::MULTIPLE_STRING, Value::Multiple(keywords));
    for (property, expected) in [
        ("METHOD", "PUBLISH"),
        ("TZID", "W. Europe Standard Time"),
        ("SUMMARY", "Team\\; lunch\\, \\\\ and\\nEND:VCALENDAR"),
        ("LOCATION", "Canteen\\, 2nd floor"),
        ("DESCRIPTION", "Bring:\\n- food\\; drinks"),
        ("SEQUENCE", "7"),
        ("CLASS", "PRIVATE"),
        ("PRIORITY", "1"),
        ("TRANSP", "OPAQUE"),
        ("X-MICROSOFT-CDO-BUSYSTATUS", "OOF"),
        ("X-MICROSOFT-CDO-IMPORTANCE", "2"),
        ("X-MICROSOFT-CDO-INSTTYPE", "0"),
        ("CATEGORIES", "Red\\, green,Blue"),
        ("CREATED", "20240101T000000Z"),
        ("LAST-MODIFIED", "20240201T100000Z"),
        ("DTSTAMP", "20240201T100000Z"),
        ("TRIGGER", "-PT15M"),
    ] {
        check(&message, property, Some(expected));
    }
    let uid = format!("040000008200E00074C5B7101A82E008{}01000000AB", "0".repeat(40));
    check(&message, "UID", Some(&uid));
    let lines = event(&message);
    assert!(lines.contains(&"DTSTART;TZID=W. Europe Standard Time:20240304T090000".to_owned()));
    assert!(lines.contains(&"DTEND;TZID=W. Europe Standard Time:20240304T100000".to_owned()));
    assert_eq!(file(&message, "task.ics"), None);
    assert_eq!(file(&message, "contact.vcf"), None);
    let parsed = calendar(&file(&message, "event.ics").unwrap());
    assert_eq!(components(&parsed, &ICalendarComponentType::VAlarm).len(), 1);
}

#[test]
fn times_follow_daylight_saving() {
    let summer = appointment().at("2024-07-01T08:00:00Z", "2024-07-01T08:30:00Z");
    check(&summer, "DTSTART", Some("20240701T100000"));
    let parsed = calendar(&file(&summer, "event.ics").unwrap());
    assert_eq!(occurrences(&parsed, 1)[0].0, unix("2024-07-01T08:00:00Z"));
    let without_zone = MessageBuilder::new("IPM.Appointment", "x")
        .at("2024-07-01T08:00:00Z", "2024-07-01T08:30:00Z");
    check(&without_zone, "DTSTART", Some("20240701T080000Z"));
    let of_struct = without_zone
        .lid(PSETID_APPOINTMENT, 0x8233, Value::Binary(berlin_struct()))
        .lid_text(PSETID_APPOINTMENT, 0x8234, "(UTC+01:00) Amsterdam, \"Berlin\"");
    let lines = event(&of_struct);
    // calcard knows zones by their Windows names only, so that it cannot tell this one's summer.
    let start = "DTSTART;TZID=\"(UTC+01:00) Amsterdam, Berlin\":20240701T100000".to_owned();
    assert!(lines.contains(&start), "{lines:#?}");
    assert!(lines.contains(&"TZID:(UTC+01:00) Amsterdam\\, Berlin".to_owned()), "{lines:#?}");
}

#[test]
fn an_end_that_is_missing_is_made_of_the_duration() {
    let message = MessageBuilder::new("IPM.Appointment", "x")
        .lid_time(PSETID_APPOINTMENT, 0x820D, "2024-07-01T08:00:00Z")
        .lid(PSETID_APPOINTMENT, 0x8213, Value::Integer32(90));
    check(&message, "DTEND", Some("20240701T093000Z"));
    let backwards = message.lid_time(PSETID_APPOINTMENT, 0x820E, "2024-06-01T08:00:00Z");
    check(&backwards, "DTEND", None);
}

#[test]
fn an_all_day_event_has_local_dates() {
    let all_day = appointment().at("2024-03-03T23:00:00Z", "2024-03-05T23:00:00Z").lid(
        PSETID_APPOINTMENT,
        0x8215,
        Value::Boolean(true),
    );
    let expected = ["DTSTART;VALUE=DATE:20240304", "DTEND;VALUE=DATE:20240306"];
    let lines = event(&all_day);
    for line in expected {
        assert!(lines.contains(&line.to_owned()), "{lines:#?}");
    }
    check(&all_day, "X-MICROSOFT-CDO-ALLDAYEVENT", Some("TRUE"));
    // Without a zone the nearest midnight is meant.
    for (start, end) in [
        ("2024-03-03T23:00:00Z", "2024-03-05T23:00:00Z"),
        ("2024-03-04T05:00:00Z", "2024-03-06T05:00:00Z"),
        ("2024-03-04T00:00:00Z", "2024-03-06T00:00:00Z"),
        ("2024-03-03T14:30:00Z", "2024-03-05T14:30:00Z"),
    ] {
        let message = MessageBuilder::new("IPM.Appointment", "x").at(start, end).lid(
            PSETID_APPOINTMENT,
            0x8215,
            Value::Boolean(true),
        );
        let lines = event(&message);
        assert!(expected.iter().all(|line| lines.contains(&(*line).to_owned())), "{lines:#?}");
    }
}

#[test]
fn every_kind_of_recurrence_has_its_occurrences() {
    let check = |recurrence: Recurrence, rule: &str, expected: [&str; 4]| {
        let message = series(&recurrence);
        assert_eq!(value(&event(&message), "RRULE"), Some(rule));
        // 9:00 in Berlin is 8:00 in winter and 7:00 in summer.
        assert_eq!(starts(&message), expected.map(unix), "{rule}");
    };
    let daily = Recurrence::new(0x200A, 0, &[], 2880);
    let expected = [
        "2024-03-04T08:00:00Z",
        "2024-03-06T08:00:00Z",
        "2024-03-08T08:00:00Z",
        "2024-03-10T08:00:00Z",
    ];
    check(daily, "FREQ=DAILY;INTERVAL=2;COUNT=4", expected);
    let weekdays = Recurrence::new(0x200A, 1, &[0x3E], 1);
    let expected = [
        "2024-03-04T08:00:00Z",
        "2024-03-05T08:00:00Z",
        "2024-03-06T08:00:00Z",
        "2024-03-07T08:00:00Z",
    ];
    let rule = "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR;WKST=MO;COUNT=4";
    check(weekdays, rule, expected);
    let weekly = Recurrence::new(0x200B, 1, &[0x0A], 2);
    let expected = [
        "2024-03-04T08:00:00Z",
        "2024-03-06T08:00:00Z",
        "2024-03-18T08:00:00Z",
        "2024-03-20T08:00:00Z",
    ];
    check(weekly, "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;WKST=MO;COUNT=4", expected);
    let monthly = Recurrence::new(0x200C, 2, &[4], 1);
    let expected = [
        "2024-03-04T08:00:00Z",
        "2024-04-04T07:00:00Z",
        "2024-05-04T07:00:00Z",
        "2024-06-04T07:00:00Z",
    ];
    check(monthly, "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=4;COUNT=4", expected);
    let nth = Recurrence::new(0x200C, 3, &[0x02, 1], 1);
    let expected = [
        "2024-03-04T08:00:00Z",
        "2024-04-01T07:00:00Z",
        "2024-05-06T07:00:00Z",
        "2024-06-03T07:00:00Z",
    ];
    check(nth, "FREQ=MONTHLY;INTERVAL=1;BYDAY=MO;BYSETPOS=1;COUNT=4", expected);
    let yearly = Recurrence::new(0x200D, 2, &[4], 12);
    let expected = [
        "2024-03-04T08:00:00Z",
        "2025-03-04T08:00:00Z",
        "2026-03-04T08:00:00Z",
        "2027-03-04T08:00:00Z",
    ];
    check(yearly, "FREQ=YEARLY;INTERVAL=1;BYMONTHDAY=4;BYMONTH=3;COUNT=4", expected);
}

#[test]
fn a_series_ends_by_date_in_utc() {
    let mut recurrence = Recurrence::new(0x200B, 1, &[0x02], 1);
    (recurrence.end, recurrence.end_date) = ((0x2021, 9), "2024-04-08T00:00:00Z");
    let message = series(&recurrence);
    let rule = "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;WKST=MO;UNTIL=20240408T070000Z";
    check(&message, "RRULE", Some(rule));
    // calcard takes the end for a local time, and so for one before the last occurrence.
    let expected = ["2024-03-04T08:00:00Z", "2024-03-11T08:00:00Z", "2024-03-18T08:00:00Z"];
    assert!(starts(&message).starts_with(&expected.map(unix)));
    check(&message, "X-MICROSOFT-CDO-INSTTYPE", Some("1"));
}

#[test]
fn other_calendars_have_no_rrule() {
    let message = series(&Recurrence::new(0x200C, 0xA, &[4], 1));
    check(&message, "RRULE", None);
    check(&message, "X-MICROSOFT-CALSCALE", Some("Hijri"));
    check(&message, "X-MICROSOFT-RRULE", Some("FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=4;COUNT=4"));
    let json = hidden_file(&message, "message.json");
    let note = "the repetition is not shown: it follows another calendar (Hijri)";
    assert!(json.contains(note), "{json}");
    // Weeks are the same in every calendar.
    let message = series(&Recurrence::new(0x200B, 1, &[0x02], 1));
    assert!(!hidden_file(&message, "message.json").contains("not shown"));
}

fn keywords() -> NameKind {
    NameKind::Name("Keywords".to_owned())
}

fn category(name: &str) -> Value {
    Value::Multiple(vec![Value::String(name.to_owned())])
}

#[test]
fn an_exception_by_itself_has_the_uid_of_its_series() {
    let exception =
        MessageBuilder::new("IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}", "2nd")
            .at("2024-03-25T10:00:00Z", "2024-03-25T11:00:00Z")
            .lid_time(PSETID_APPOINTMENT, 0x8228, "2024-03-25T08:00:00Z");
    let id = Value::Binary(global_object_id([0; 4], &[0xAB, 0xCD]));
    let message = series(&Recurrence::new(0x200B, 1, &[0x02], 1))
        .lid(PSETID_MEETING, 0x23, id)
        .attach(AttachmentBuilder::message(exception));
    let of_series = event(&message);
    let own = lines(&hidden_file(&message, "attachments/2nd.msg/event.ics"));
    assert_eq!(value(&own, "UID"), value(&of_series, "UID"));
    assert!(value(&own, "UID").unwrap().ends_with("ABCD"), "{own:#?}");
}

#[test]
fn changed_and_deleted_occurrences_take_their_place() {
    let mut recurrence = Recurrence::new(0x200B, 1, &[0x02], 1);
    recurrence.deleted =
        vec!["2024-03-11T00:00:00Z", "2024-03-18T00:00:00Z", "2024-03-25T00:00:00Z"];
    let exception = |original, start, end, subject| Exception { original, start, end, subject };
    recurrence.exceptions = vec![
        exception(
            "2024-03-18T09:00:00Z",
            "2024-03-19T14:00:00Z",
            "2024-03-19T15:30:00Z",
            Some("Mövéd"),
        ),
        exception("2024-03-25T09:00:00Z", "2024-03-25T11:00:00Z", "2024-03-25T12:00:00Z", None),
    ];
    let embedded =
        MessageBuilder::new("IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}", "2nd")
            .body("Only this time")
            .integer(tags::PR_IMPORTANCE, 2)
            .integer(tags::PR_SENSITIVITY, 3)
            .named(PS_PUBLIC_STRINGS, keywords(), PropertyType::MULTIPLE_STRING, category("Own"))
            .at("2024-03-25T10:00:00Z", "2024-03-25T11:00:00Z")
            .lid_time(PSETID_APPOINTMENT, 0x8228, "2024-03-25T08:00:00Z");
    let message = series(&recurrence)
        .body("As always")
        .attach(AttachmentBuilder::message(embedded))
        .named(PS_PUBLIC_STRINGS, keywords(), PropertyType::MULTIPLE_STRING, category("Of all"));
    let content = file(&message, "event.ics").unwrap();
    let parsed = calendar(&content);
    assert_eq!(components(&parsed, &ICalendarComponentType::VEvent).len(), 3);
    let lines = lines(&content);
    let zone = "TZID=W. Europe Standard Time";
    for line in [
        format!("EXDATE;{zone}:20240311T090000"),
        format!("RECURRENCE-ID;{zone}:20240318T090000"),
        format!("DTSTART;{zone}:20240319T140000"),
        format!("DTEND;{zone}:20240319T153000"),
        format!("RECURRENCE-ID;{zone}:20240325T090000"),
        "SUMMARY:Mövéd".to_owned(),
        "SUMMARY:2nd".to_owned(),
        "DESCRIPTION:Only this time".to_owned(),
    ] {
        assert!(lines.contains(&line), "{line} in {lines:#?}");
    }
    let count = |wanted: &str| lines.iter().filter(|line| *line == wanted).count();
    assert_eq!((count("PRIORITY:1"), count("PRIORITY:5"), count("CLASS:CONFIDENTIAL")), (1, 2, 1));
    assert_eq!((count("CATEGORIES:Own"), count("CATEGORIES:Of all")), (1, 2));
    let always = lines.iter().filter(|line| *line == "DESCRIPTION:As always");
    assert_eq!(always.count(), 2, "the series, and the exception without a message");
    let mut expected = ["2024-03-04T08:00:00Z", "2024-03-19T13:00:00Z", "2024-03-25T10:00:00Z"];
    expected.sort_unstable();
    assert_eq!(starts(&message), expected.map(unix));
}

#[test]
fn a_damaged_recurrence_leaves_the_event() {
    let bytes = Recurrence::new(0x200B, 1, &[0x02], 1).appointment();
    for len in [0, 10, 40, bytes.len() - 30, bytes.len() - 1] {
        let message = appointment()
            .lid(PSETID_APPOINTMENT, 0x8216, Value::Binary(bytes[..len].to_vec()))
            .lid(PSETID_APPOINTMENT, 0x8260, Value::Binary(berlin()[..60].to_vec()));
        check(&message, "DTSTART", Some("20240304T090000"));
    }
}

fn meeting(class: &str) -> MessageBuilder {
    MessageBuilder::mail("Plan", ("Ann \"A\" Lee", "ann@example.org"), CHANGED)
        .text(tags::PR_MESSAGE_CLASS, class)
        .at("2024-03-04T08:00:00Z", "2024-03-04T09:00:00Z")
        .lid(
            PSETID_MEETING,
            0x03,
            Value::Binary(global_object_id([0; 4], b"vCal-Uid\x01\0\0\0u1\0")),
        )
        .lid_time(PSETID_MEETING, 0x1A, "2024-02-01T09:00:00Z")
        .lid_time(PSETID_MEETING, 0x01, "2024-02-02T09:00:00Z")
        .set(tags::PR_RESPONSE_REQUESTED, Value::Boolean(true))
}

#[test]
fn a_request_names_its_attendees() {
    let flagged = |recipient: RecipientBuilder, flags, status| {
        recipient
            .set(tags::PR_RECIPIENT_FLAGS, Value::Integer32(flags))
            .set(tags::PR_RECIPIENT_TRACKSTATUS, Value::Integer32(status))
    };
    let message = meeting("IPM.Schedule.Meeting.Request")
        .recipient(flagged(RecipientBuilder::to("Ann", "ann@example.org"), 3, 1))
        .recipient(flagged(RecipientBuilder::to("Bob", "bob@example.org"), 1, 3))
        .recipient(flagged(RecipientBuilder::cc("Cy; D", "cy@example.org"), 1, 2))
        .recipient(RecipientBuilder::bcc("Room", "room@example.org"))
        .recipient(flagged(RecipientBuilder::to("Gone", "gone@example.org"), 0x21, 0));
    check(&message, "METHOD", Some("REQUEST"));
    check(&message, "UID", Some("u1"));
    check(&message, "DTSTAMP", Some("20240201T090000Z"));
    let lines = event(&message);
    let parties: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("ATTENDEE") || line.starts_with("ORGANIZER"))
        .collect();
    let expected = [
        "ORGANIZER;CN=Ann 'A' Lee:mailto:ann@example.org",
        "ATTENDEE;CN=Bob;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:bob@example.org",
        "ATTENDEE;CN=\"Cy; D\";ROLE=OPT-PARTICIPANT;PARTSTAT=TENTATIVE;RSVP=TRUE:mailto:cy@example.org",
        "ATTENDEE;CN=Room;CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:room@example.org",
    ];
    assert_eq!(parties, expected);
}

#[test]
fn responses_and_cancellations_have_their_method() {
    let response = |class: &str| {
        meeting(class).recipient(RecipientBuilder::to("Boss", "boss@example.org")).body("Fine\n")
    };
    for (class, method, status) in [
        ("IPM.Schedule.Meeting.Resp.Pos", "REPLY", "ACCEPTED"),
        ("IPM.Schedule.Meeting.Resp.Neg", "REPLY", "DECLINED"),
        ("IPM.Schedule.Meeting.Resp.Tent", "REPLY", "TENTATIVE"),
    ] {
        let message = response(class);
        check(&message, "METHOD", Some(method));
        check(&message, "COMMENT", Some("Fine\\n"));
        check(&message, "DESCRIPTION", None);
        check(&message, "DTSTAMP", Some("20240202T090000Z"));
        let lines = event(&message);
        let organizer = "ORGANIZER;CN=Boss:mailto:boss@example.org".to_owned();
        let attendee = format!("ATTENDEE;CN=Ann 'A' Lee;PARTSTAT={status}:mailto:ann@example.org");
        assert!(lines.contains(&organizer) && lines.contains(&attendee), "{lines:#?}");
    }
    let counter = response("IPM.Schedule.Meeting.Resp.Tent")
        .lid(PSETID_APPOINTMENT, 0x8257, Value::Boolean(true))
        .lid_time(PSETID_APPOINTMENT, 0x8250, "2024-03-05T08:00:00Z")
        .lid_time(PSETID_APPOINTMENT, 0x8251, "2024-03-05T09:00:00Z");
    check(&counter, "METHOD", Some("COUNTER"));
    check(&counter, "DTSTART", Some("20240305T080000Z"));
    check(&counter, "DTEND", Some("20240305T090000Z"));
    check(&counter, "X-MS-OLK-ORIGINALSTART", Some("20240304T080000Z"));
    let canceled = meeting("IPM.Schedule.Meeting.Canceled")
        .recipient(RecipientBuilder::to("Bob", "bob@example.org"));
    check(&canceled, "METHOD", Some("CANCEL"));
    check(&canceled, "STATUS", Some("CANCELLED"));
}

#[test]
fn a_meeting_in_a_calendar_keeps_its_attendees() {
    let plain = meeting("IPM.Appointment");
    check(&plain, "METHOD", Some("PUBLISH"));
    check(&plain, "ATTENDEE", None);
    let meeting = plain
        .lid(PSETID_APPOINTMENT, 0x8217, Value::Integer32(1))
        .recipient(RecipientBuilder::to("Bob", "bob@example.org"));
    check(&meeting, "METHOD", None);
    check(&meeting, "ATTENDEE", Some("mailto:bob@example.org"));
}

#[test]
fn a_message_about_one_occurrence_names_it() {
    let message = meeting("IPM.Schedule.Meeting.Request")
        .lid(PSETID_MEETING, 0x03, Value::Binary(global_object_id([0x07, 0xE8, 3, 4], b"x")))
        .lid(PSETID_MEETING, 0x05, Value::Boolean(true));
    check(&message, "RECURRENCE-ID", Some("20240304T080000Z"));
    check(&message, "X-MICROSOFT-CDO-INSTTYPE", Some("2"));
    let timed = message.lid(PSETID_MEETING, 0x0E, Value::Integer32(9 << 12 | 30 << 6));
    check(&timed, "RECURRENCE-ID", Some("20240304T093000Z"));
    let replaced = timed.lid(PSETID_MEETING, 0x0A, Value::Boolean(true)).lid_time(
        PSETID_APPOINTMENT,
        0x8228,
        "2024-03-04T07:00:00Z",
    );
    check(&replaced, "RECURRENCE-ID", Some("20240304T070000Z"));
    check(&replaced, "X-MICROSOFT-CDO-INSTTYPE", Some("3"));
}

#[test]
fn a_journal_entry_is_a_vjournal() {
    let message = MessageBuilder::new("IPM.Activity", "Call")
        .body("Long talk")
        .lid_text(PSETID_LOG, 0x8700, "Phone call")
        .lid_time(PSETID_LOG, 0x8706, "2024-03-04T08:00:00Z")
        .lid_time(PSETID_LOG, 0x8708, "2024-03-04T08:20:00Z")
        .lid(PSETID_LOG, 0x8707, Value::Integer32(20));
    let parsed = calendar(&file(&message, "event.ics").unwrap());
    assert_eq!(components(&parsed, &ICalendarComponentType::VJournal).len(), 1);
    check(&message, "DTSTART", Some("20240304T080000Z"));
    check(&message, "X-MAPI-LOG-TYPE", Some("Phone call"));
    check(&message, "X-MAPI-LOG-DURATION", Some("PT20M"));
}

#[test]
fn without_a_start_or_the_class_there_is_no_event() {
    let without_start = MessageBuilder::new("IPM.Appointment", "x");
    assert_eq!(file(&without_start, "event.ics"), None);
    let none = without_start.lid_time(PSETID_APPOINTMENT, 0x820D, "4501-01-01T00:00:00Z");
    assert_eq!(file(&none, "event.ics"), None);
    let note = appointment().text(tags::PR_MESSAGE_CLASS, "IPM.Note");
    assert_eq!(file(&note, "event.ics"), None);
}

#[test]
fn the_same_message_gives_the_same_bytes() {
    let message = MessageBuilder::new("IPM.Appointment", "x")
        .unset(tags::PR_SEARCH_KEY)
        .at("2024-03-04T08:00:00Z", "2024-03-04T09:00:00Z");
    check(&message, "DTSTAMP", Some("20240304T080000Z"));
    assert_eq!(file(&message, "event.ics"), file(&message, "event.ics"));
}

#[test]
fn damaged_structures_still_give_a_calendar() {
    let mut recurrence = Recurrence::new(0x200C, 3, &[0x02, 1], 1);
    recurrence.deleted = vec!["2024-03-11T00:00:00Z"];
    recurrence.exceptions = vec![Exception {
        original: "2024-03-18T09:00:00Z",
        start: "2024-03-19T14:00:00Z",
        end: "2024-03-19T15:30:00Z",
        subject: Some("Moved"),
    }];
    let (recurrence, zone) = (recurrence.appointment(), berlin());
    let damage = |bytes: &[u8], at: usize, byte: u8| {
        let mut bytes = bytes.to_vec();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        Value::Binary(bytes)
    };
    for at in 0..recurrence.len().max(zone.len()) {
        for byte in [0, 0x7F, 0xFF] {
            let message = appointment()
                .lid(PSETID_APPOINTMENT, 0x8216, damage(&recurrence, at, byte))
                .lid(PSETID_APPOINTMENT, 0x8260, damage(&zone, at, byte));
            assert!(file(&message, "event.ics").is_some_and(|content| {
                content.starts_with("BEGIN:VCALENDAR\r\n") && content.ends_with("END:VCALENDAR\r\n")
            }));
        }
    }
}

#[test]
fn a_flood_of_exceptions_is_bounded() {
    let exception = Exception {
        original: "2024-03-18T09:00:00Z",
        start: "2024-03-19T14:00:00Z",
        end: "2024-03-19T15:30:00Z",
        subject: None,
    };
    let mut recurrence = Recurrence::new(0x200B, 1, &[0x02], 1);
    recurrence.exceptions = vec![exception; 65_535];
    let message = series(&recurrence).body(&"x".repeat(100_000));
    let content = file(&message, "event.ics").unwrap();
    assert!((16 << 20..18 << 20).contains(&content.len()), "{}", content.len());
    // What is left out is told: the series and the changed occurrences are events.
    let written = content.matches("BEGIN:VEVENT").count() - 1;
    let errors = file(&message, "ERRORS").unwrap();
    let cause =
        format!("recurrence: {} changed occurrences are too many to be written", 65_535 - written);
    assert!(errors.contains(&cause), "{written}: {errors}");
}

#[test]
fn a_flood_of_deleted_occurrences_is_bounded() {
    let mut recurrence = Recurrence::new(0x200B, 1, &[0x02], 1);
    recurrence.deleted = vec!["2024-03-18T00:00:00Z"; 65_536];
    assert_eq!(file(&series(&recurrence), "ERRORS"), None);
    recurrence.deleted.extend(["2024-03-25T00:00:00Z"; 3]);
    let errors = file(&series(&recurrence), "ERRORS").unwrap();
    assert!(errors.contains("3 deleted occurrences are too many to be written"), "{errors}");
}
