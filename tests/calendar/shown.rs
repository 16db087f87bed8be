//! What people are shown of calendar items: by `show`, on the page of a message and in
//! `message.txt`.

use msgfs::mapi::sets::{
    PSETID_APPOINTMENT, PSETID_COMMON, PSETID_LOG, PSETID_POST_RSS, PSETID_TASK,
};
use msgfs::mapi::{Value, tags};
use outlook_msg::Mail;
use outlook_msg::mail::{AttendeeResponse, Event, Marks, PageOptions, Printing, utc_time};

use super::blobs::{Exception, Recurrence, SetNamed as _, berlin};
use crate::fixture::{MessageBuilder, RecipientBuilder};

fn mail(message: &MessageBuilder) -> Mail {
    Mail::from_bytes(message.to_bytes()).unwrap()
}

/// The lines of the fields above the body. The page of the message must have the same fields.
#[track_caller]
fn fields(message: &MessageBuilder) -> Vec<String> {
    let (mail, mut text, mut page) = (mail(message), Vec::new(), Vec::new());
    let printing = Printing { time: &utc_time, marks: Marks::default() };
    mail.print(printing, &mut text).unwrap();
    let options = PageOptions { time: &utc_time, href: None, navigation: "" };
    mail.write_page(options, &mut page).unwrap();
    let (text, page) = (String::from_utf8(text).unwrap(), String::from_utf8(page).unwrap());
    let fields: Vec<_> = text.lines().take_while(|line| !line.is_empty()).collect();
    let on_page = page.matches("<dt>").count();
    let named = fields.iter().filter(|line| !line.starts_with(' ')).count();
    let subject = usize::from(text.starts_with("Subject:"));
    assert_eq!(on_page, named - subject, "{text}\n{page}");
    fields.into_iter().map(str::to_owned).collect()
}

/// Checks that these lines are among the fields, in this order.
#[track_caller]
fn check(message: &MessageBuilder, expected: &[&str]) {
    let fields = fields(message);
    let mut rest = fields.iter();
    for line in expected {
        assert!(rest.any(|field| field == line), "{line} in {fields:#?}");
    }
}

/// Checks that no field has this name.
#[track_caller]
fn check_none(message: &MessageBuilder, name: &str) {
    let fields = fields(message);
    assert!(!fields.iter().any(|field| field.starts_with(name)), "{name} in {fields:#?}");
}

fn response(class: &str) -> MessageBuilder {
    MessageBuilder::mail("Plan", ("Ann", "ann@example.org"), "2024-02-01T10:00:00Z")
        .text(tags::PR_MESSAGE_CLASS, class)
        .at("2024-03-04T08:00:00Z", "2024-03-04T09:00:00Z")
        .recipient(RecipientBuilder::to("Boss", "boss@example.org"))
}

#[test]
fn a_response_is_from_an_attendee_to_the_organizer() {
    for (class, word, answer) in [
        ("IPM.Schedule.Meeting.Resp.Pos", "accepted", AttendeeResponse::Accepted),
        ("IPM.Schedule.Meeting.Resp.Neg", "declined", AttendeeResponse::Declined),
        ("IPM.Schedule.Meeting.Resp.Tent", "tentative", AttendeeResponse::Tentative),
    ] {
        let response = response(class);
        check(
            &response,
            &[
                "Start:       2024-03-04 08:00:00 +00:00",
                &format!("Answer:      {word}"),
                "Organizer:   Boss <boss@example.org>",
                &format!("Attendees:   Ann <ann@example.org>, {word}"),
            ],
        );
        check_none(&response, "Proposed");
        let Event { answer: found, organizer, attendees, .. } =
            mail(&response).event().unwrap().unwrap();
        assert_eq!(
            (found, organizer.unwrap().address.as_str()),
            (Some(answer), "boss@example.org")
        );
        let attendees: Vec<_> =
            attendees.iter().map(|one| (one.address.address.as_str(), one.response)).collect();
        assert_eq!(attendees, [("ann@example.org", answer)]);
    }
    let request = response("IPM.Schedule.Meeting.Request");
    let organizer = "Organizer:   Ann <ann@example.org>";
    check(&request, &[organizer, "Attendees:   Boss <boss@example.org>"]);
    check_none(&request, "Answer");
}

#[test]
fn a_response_that_proposes_another_time_has_both() {
    let counter = response("IPM.Schedule.Meeting.Resp.Tent")
        .lid(PSETID_APPOINTMENT, 0x8257, Value::Boolean(true))
        .lid_time(PSETID_APPOINTMENT, 0x8250, "2024-03-05T08:00:00Z")
        .lid_time(PSETID_APPOINTMENT, 0x8251, "2024-03-05T09:00:00Z");
    check(
        &counter,
        &[
            "Start:       2024-03-04 08:00:00 +00:00",
            "End:         2024-03-04 09:00:00 +00:00",
            "Answer:      tentative",
            "Proposed:    2024-03-05 08:00:00 +00:00 to 2024-03-05 09:00:00 +00:00",
        ],
    );
    let event = mail(&counter).event().unwrap().unwrap();
    let time = |text: &str| text.parse().ok();
    assert_eq!(event.proposed_start, time("2024-03-05T08:00:00Z"));
    assert_eq!(event.proposed_end, time("2024-03-05T09:00:00Z"));
}

fn appointment() -> MessageBuilder {
    MessageBuilder::new("IPM.Appointment", "Rowing")
        .at("2024-03-04T08:00:00Z", "2024-03-04T09:00:00Z")
        .lid(PSETID_APPOINTMENT, 0x825E, Value::Binary(berlin()))
        .lid(PSETID_APPOINTMENT, 0x8260, Value::Binary(berlin()))
}

/// A weekly series from 2024-03-04, with these occurrences deleted and changed.
fn series(deleted: &[&'static str], exceptions: &[Exception]) -> MessageBuilder {
    let mut recurrence = Recurrence::new(0x200B, 1, &[2], 1);
    recurrence.deleted = deleted.to_vec();
    recurrence.exceptions = exceptions.to_vec();
    appointment().lid(PSETID_APPOINTMENT, 0x8216, Value::Binary(recurrence.appointment()))
}

#[test]
fn a_series_is_shown_with_its_exceptions() {
    let moved = Exception {
        original: "2024-03-18T09:00:00Z",
        start: "2024-03-19T14:00:00Z",
        end: "2024-03-19T15:00:00Z",
        subject: Some("Rowing on Tuesday"),
    };
    let deleted = ["2024-03-25T00:00:00Z", "2024-03-18T00:00:00Z", "2024-03-04T00:00:00Z"];
    let message = series(&deleted, std::slice::from_ref(&moved));
    check(
        &message,
        &[
            "Repeats:     every week on Monday, 4 times",
            "Exceptions:  2024-03-04 canceled",
            "             2024-03-18 changed: 2024-03-19 13:00:00 +00:00 to 2024-03-19 14:00:00 \
             +00:00, Rowing on Tuesday",
            "             2024-03-25 canceled",
        ],
    );
    let event = mail(&message).event().unwrap().unwrap();
    assert_eq!(event.canceled_days, ["2024-03-25", "2024-03-04"]);
    let [changed] = event.changed.as_slice() else { panic!("{event:?}") };
    assert_eq!((changed.day.as_str(), changed.days.clone()), ("2024-03-18", None));
    assert_eq!(Some(changed.start), "2024-03-19T13:00:00Z".parse().ok());
    check_none(&series(&[], &[]), "Exceptions");
    // Whole days are those of the zone of the series.
    let whole = message.lid(PSETID_APPOINTMENT, 0x8215, Value::Boolean(true));
    let changed = "             2024-03-18 changed: 2024-03-19, Rowing on Tuesday";
    check(&whole, &["Exceptions:  2024-03-04 canceled", changed]);
}

#[test]
fn of_many_exceptions_the_first_are_shown() {
    let mut recurrence = Recurrence::new(0x200A, 0, &[], 1440);
    let days: Vec<_> = (1..=31).map(|day| format!("2024-03-{day:02}T00:00:00Z")).collect();
    recurrence.deleted = days.into_iter().map(|day| &*day.leak()).collect();
    let message =
        appointment().lid(PSETID_APPOINTMENT, 0x8216, Value::Binary(recurrence.appointment()));
    let lines = ["             2024-03-20 canceled", "             and 11 more"];
    check(&message, &lines);
    let fields = fields(&message);
    assert!(!fields.iter().any(|line| line.contains("2024-03-21")), "{fields:#?}");
}

#[test]
fn an_appointment_is_shown_with_its_state_and_reminder() {
    let reminded = |minutes| {
        appointment()
            .lid(PSETID_APPOINTMENT, 0x8205, Value::Integer32(3))
            .lid(PSETID_COMMON, 0x8503, Value::Boolean(true))
            .lid(PSETID_COMMON, 0x8501, Value::Integer32(minutes))
            .lid_time(PSETID_COMMON, 0x8502, "2024-03-04T08:00:00Z")
    };
    for (minutes, words) in [
        (15, "15 minutes before"),
        (2880, "2 days before"),
        (0, "at the start"),
        (0x5AE9_80E1, "15 minutes before"),
    ] {
        let lines = ["Show as:     out of office", &format!("Reminder:    {words}")];
        check(&reminded(minutes), &lines);
    }
    let unset = reminded(15).lid(PSETID_COMMON, 0x8503, Value::Boolean(false));
    check_none(&unset, "Reminder");
    // Who is invited has not said yet that the time is taken.
    let request = appointment()
        .text(tags::PR_MESSAGE_CLASS, "IPM.Schedule.Meeting.Request")
        .lid(PSETID_APPOINTMENT, 0x8205, Value::Integer32(1))
        .lid(PSETID_APPOINTMENT, 0x8224, Value::Integer32(2));
    check(&request, &["Show as:     busy"]);
}

#[test]
fn a_message_is_shown_with_what_was_set_on_it() {
    let note = || MessageBuilder::new("IPM.Note", "Offer");
    for (number, word) in [(1, "personal"), (2, "private"), (3, "confidential")] {
        let message = note().integer(tags::PR_SENSITIVITY, number);
        check(&message, &[&format!("Sensitivity: {word}")]);
    }
    check(&note().lid(PSETID_COMMON, 0x8506, Value::Boolean(true)), &["Sensitivity: private"]);
    check_none(&note().integer(tags::PR_SENSITIVITY, 0), "Sensitivity");
    let flagged = note()
        .integer(tags::PR_FLAG_STATUS, 2)
        .lid_text(PSETID_COMMON, 0x8530, "Call back")
        .lid_time(PSETID_TASK, 0x8105, "2024-03-05T00:00:00Z")
        .lid(PSETID_COMMON, 0x8503, Value::Boolean(true))
        .lid_time(PSETID_COMMON, 0x8502, "2024-03-05T09:00:00Z");
    let reminder = "Reminder:    2024-03-05 09:00:00 +00:00";
    check(&flagged, &["Flag:        Call back, due 2024-03-05", reminder]);
    let complete = note()
        .integer(tags::PR_FLAG_STATUS, 1)
        .time(tags::PR_FLAG_COMPLETE_TIME, "2024-03-06T09:00:00Z");
    check(&complete, &["Flag:        Follow up, completed 2024-03-06 09:00:00 +00:00"]);
    check_none(&note().lid_text(PSETID_COMMON, 0x8530, "Call back"), "Flag");
    for (verb, words) in [(102, "replied"), (103, "replied to all"), (104, "forwarded")] {
        let answered = note()
            .integer(tags::PR_MESSAGE_FLAGS, 1)
            .integer(tags::PR_LAST_VERB_EXECUTED, verb)
            .time(tags::PR_LAST_VERB_EXECUTION_TIME, "2024-03-06T09:00:00Z");
        check(&answered, &[&format!("State:       read, {words} 2024-03-06 09:00:00 +00:00")]);
    }
}

#[test]
fn a_journal_entry_and_an_item_of_a_feed_are_shown() {
    let journal = MessageBuilder::new("IPM.Activity", "Call")
        .lid_text(PSETID_LOG, 0x8700, "Phone call")
        .lid_time(PSETID_LOG, 0x8706, "2024-03-04T08:00:00Z")
        .lid(PSETID_LOG, 0x8707, Value::Integer32(20));
    let lines = [
        "Start:       2024-03-04 08:00:00 +00:00",
        "Type:        Phone call",
        "Duration:    20 minutes",
    ];
    check(&journal, &lines);
    let item = MessageBuilder::new("IPM.Post.Rss", "News")
        .lid_text(PSETID_POST_RSS, 0x8901, "https://example.org/1")
        .lid_text(PSETID_POST_RSS, 0x8904, "Harbour news");
    check(&item, &["Link:        https://example.org/1", "Feed:        Harbour news"]);
}

#[test]
fn a_task_is_shown_with_its_progress_and_repetition() {
    let task = |regenerates: u8| {
        let mut pattern = Recurrence::new(0x200B, 1, &[2], 1).pattern();
        // `SlidingFlag`, behind five numbers of two bytes and two of four.
        pattern[18] = regenerates;
        MessageBuilder::new("IPM.Task", "Report")
            .lid_time(PSETID_TASK, 0x8105, "2024-03-08T00:00:00Z")
            .lid(PSETID_TASK, 0x8101, Value::Integer32(1))
            .lid(PSETID_TASK, 0x8102, Value::Floating64(0.5))
            .lid(PSETID_TASK, 0x8116, Value::Binary(pattern))
            .lid(PSETID_COMMON, 0x8503, Value::Boolean(true))
            .lid_time(PSETID_COMMON, 0x8502, "2024-03-07T08:00:00Z")
    };
    check(
        &task(0),
        &[
            "Reminder:    2024-03-07 08:00:00 +00:00",
            "Due:         2024-03-08",
            "Repeats:     every week on Monday, 4 times",
            "Status:      in progress",
            "Complete:    50 %",
        ],
    );
    let repeats = "Repeats:     every week on Monday after the one before is completed";
    check(&task(1), &[repeats]);
}
