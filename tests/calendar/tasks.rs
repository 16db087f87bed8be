//! Tasks and task requests of our own.

use msgfs::mapi::sets::{PSETID_COMMON, PSETID_TASK};
use msgfs::mapi::{Value, tags};

use super::blobs::{Recurrence, SetNamed as _};
use super::parsed::{calendar, file, lines, value};
use crate::fixture::{AttachmentBuilder, MessageBuilder};

fn task() -> MessageBuilder {
    MessageBuilder::new("IPM.Task", "Report")
        .time(tags::PR_LAST_MODIFICATION_TIME, "2024-02-01T10:00:00Z")
        .lid_time(PSETID_TASK, 0x8104, "2024-03-04T00:00:00Z")
        .lid_time(PSETID_TASK, 0x8105, "2024-03-08T00:00:00Z")
        .lid(PSETID_TASK, 0x8101, Value::Integer32(1))
        .lid(PSETID_TASK, 0x8102, Value::Floating64(0.29))
}

#[test]
fn a_task_is_shown_with_its_dates() {
    let mail = outlook_msg::Mail::from_bytes(task().to_bytes()).unwrap();
    let lines = mail.details().into_iter();
    let lines: Vec<_> = lines.map(|(name, values)| (name, values.concat())).collect();
    let expected = [
        ("Start", "2024-03-04"),
        ("Due", "2024-03-08"),
        ("Status", "in progress"),
        ("Complete", "29 %"),
    ];
    assert_eq!(lines, expected.map(|(name, value)| (name, value.to_owned())));
}

fn check(message: &MessageBuilder, property: &str, expected: Option<&str>) {
    let content = file(message, "task.ics").expect("task.ics");
    calendar(&content);
    let lines = lines(&content);
    assert_eq!(value(&lines, property), expected, "{property} in {lines:#?}");
}

#[test]
fn a_task_has_its_values() {
    let message = task()
        .lid_text(PSETID_TASK, 0x811F, "Ann")
        .lid(PSETID_TASK, 0x8111, Value::Integer32(120))
        .lid(PSETID_COMMON, 0x8503, Value::Boolean(true))
        .lid_time(PSETID_COMMON, 0x8502, "2024-03-07T08:00:00Z")
        .lid(PSETID_TASK, 0x8116, Value::Binary(Recurrence::new(0x200B, 1, &[2], 1).pattern()));
    for (property, expected) in [
        ("DTSTART", "20240304"),
        ("DUE", "20240308"),
        ("STATUS", "IN-PROCESS"),
        ("PERCENT-COMPLETE", "29"),
        ("DTSTAMP", "20240201T100000Z"),
        ("CONTACT", "Ann"),
        ("X-MAPI-ESTIMATED-EFFORT", "PT120M"),
        ("TRIGGER", "20240307T080000Z"),
        ("RRULE", "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;WKST=MO;COUNT=4"),
    ] {
        check(&message, property, Some(expected));
    }
}

#[test]
fn a_completed_task_says_when() {
    let message = task()
        .lid(PSETID_TASK, 0x8101, Value::Integer32(2))
        .lid(PSETID_TASK, 0x8102, Value::Floating64(f64::NAN))
        .lid_time(PSETID_TASK, 0x810F, "2024-03-06T00:00:00Z");
    check(&message, "STATUS", Some("COMPLETED"));
    check(&message, "COMPLETED", Some("20240306T000000Z"));
    check(&message, "PERCENT-COMPLETE", None);
}

#[test]
fn no_date_is_no_date() {
    let message =
        MessageBuilder::new("IPM.Task", "x").lid_time(PSETID_TASK, 0x8105, "4501-01-01T00:00:00Z");
    check(&message, "DUE", None);
    check(&message, "DTSTART", None);
    let empty = MessageBuilder::new("IPM.Task", "");
    assert_eq!(file(&empty, "task.ics"), None);
}

#[test]
fn a_task_request_shows_the_task_in_it() {
    let request = MessageBuilder::new("IPM.TaskRequest", "Task Request: Report");
    assert_eq!(file(&request, "task.ics"), None);
    let request = request.attach(AttachmentBuilder::message(task()));
    check(&request, "SUMMARY", Some("Report"));
    check(&request, "DUE", Some("20240308"));
}
