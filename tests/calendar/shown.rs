//! What people are shown of calendar items: by `show`, on the page of a message and in
//! `message.txt`.

use msgfs::mapi::sets::PSETID_APPOINTMENT;
use msgfs::mapi::{Value, tags};
use outlook_msg::Mail;
use outlook_msg::mail::{AttendeeResponse, Event, Marks, PageOptions, Printing, utc_time};

use super::blobs::SetNamed as _;
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
