//! Items of classes and attachments of methods that are rare: what is listed of each, and its
//! texts.

use msgfs::imsg::NameKind;
use msgfs::mapi::sets::{
    PSETID_APPOINTMENT, PSETID_LOG, PSETID_MEETING, PSETID_NOTE, PSETID_POST_RSS, PSETID_TASK,
};
use msgfs::mapi::{Guid, PropertyType, Value, tags};
use msgfs::view::NodeId;

use crate::browse::{Browser, open};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

const ANN: (&str, &str) = ("Ann", "ann@example.org");
const TIME: &str = "2024-03-01T10:00:00Z";

/// Checks the paths of all files that a message lists.
fn check_listing(message: &MessageBuilder, expected: &str) {
    let tree = open(message.to_bytes());
    let contents = Browser::new(&tree).contents(NodeId(0));
    let paths: Vec<_> = contents.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths.join(" "), expected);
}

/// Checks texts of a message; of an iCalendar file, that it has each of these lines.
fn check_texts(message: &MessageBuilder, expected: &[(&str, &str)]) {
    let tree = open(message.to_bytes());
    let browser = Browser::new(&tree);
    for (path, expected) in expected {
        let found = browser.read(NodeId(0), path).unwrap_or_else(|| panic!("no {path}"));
        let found = String::from_utf8(found).unwrap();
        if path.ends_with(".ics") {
            for line in expected.lines() {
                assert!(found.lines().any(|known| known == line), "no {line} in {found}");
            }
        } else {
            assert_eq!(found, *expected, "{path}");
        }
    }
}

fn item(class: &str, subject: &str) -> MessageBuilder {
    MessageBuilder::mail(subject, ANN, TIME).text(tags::PR_MESSAGE_CLASS, class)
}

/// Sets named properties by their numbers.
fn named(message: MessageBuilder, set: Guid, values: &[(u32, Value)]) -> MessageBuilder {
    values.iter().fold(message, |message, (lid, value)| {
        let property_type = match value {
            Value::Integer32(_) => PropertyType::INTEGER32,
            Value::String(_) => PropertyType::STRING,
            Value::Time(_) => PropertyType::TIME,
            other => panic!("{other:?}"),
        };
        message.named(set, NameKind::Lid(*lid), property_type, value.clone())
    })
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn time(time: &str) -> Value {
    Value::Time(time.parse().unwrap())
}

#[test]
fn a_delivery_report_shows_the_message_it_is_about() {
    let report = item("REPORT.IPM.Note.NDR", "Undeliverable: Offer")
        .recipient(RecipientBuilder::to("Bob", "bob@example.org"))
        .attach(AttachmentBuilder::message(item("IPM.Note", "Offer").body("Our offer\n")));
    check_listing(
        &report,
        "subject from sender to date received class importance body.txt \
         attachments/Offer.msg/subject attachments/Offer.msg/from attachments/Offer.msg/sender \
         attachments/Offer.msg/date attachments/Offer.msg/received attachments/Offer.msg/class \
         attachments/Offer.msg/importance attachments/Offer.msg/body.txt",
    );
    check_texts(
        &report,
        &[
            ("class", "REPORT.IPM.Note.NDR\n"),
            (
                "body.txt",
                "The message was not delivered.\n\nSubject: Offer\n\nRecipient: Bob \
                 <bob@example.org>\n",
            ),
            ("attachments/Offer.msg/body.txt", "Our offer\n"),
        ],
    );
}

#[test]
fn every_report_says_what_became_of_the_message() {
    for (class, outcome) in [
        ("REPORT.IPM.Note.DR", "The message was delivered."),
        ("REPORT.IPM.Note.Delayed.DR", "The message is delayed and has not been delivered yet."),
        ("REPORT.IPM.Note.Delayed", "The message is delayed and has not been delivered yet."),
        ("REPORT.IPM.Note.IPNRN", "The message was read."),
        ("REPORT.IPM.Note.IPNNRN", "The message was deleted without being read."),
        ("REPORT.IPM.Schedule.Meeting.Request.IPNRN", "The message was read."),
    ] {
        let report = item(class, "Report: Offer").text(tags::PR_ORIGINAL_SUBJECT, "Offer");
        check_listing(&report, "subject from sender date received class importance body.txt");
        let party = if class.contains(".IPN") { "Reader" } else { "Recipient" };
        let body = format!("{outcome}\n\nSubject: Offer\n{party}: Ann <ann@example.org>\n");
        check_texts(&report, &[("class", &format!("{class}\n")), ("body.txt", &body)]);
    }
    let unknown = item("REPORT.IPM.Note.Other", "x");
    check_listing(&unknown, "subject from sender date received class importance");
}

#[test]
fn meeting_messages_have_mail_and_event() {
    for (class, method) in [
        ("IPM.Schedule.Meeting.Request", "REQUEST"),
        ("IPM.Schedule.Meeting.Resp.Pos", "REPLY"),
        ("IPM.Schedule.Meeting.Resp.Neg", "REPLY"),
        ("IPM.Schedule.Meeting.Resp.Tent", "REPLY"),
        ("IPM.Schedule.Meeting.Canceled", "CANCEL"),
    ] {
        let message = item(class, "Plan")
            .recipient(RecipientBuilder::to("Bob", "bob@example.org"))
            .body("About the plan\n");
        let times =
            [(0x820D, time("2024-03-04T08:00:00Z")), (0x820E, time("2024-03-04T09:00:00Z"))];
        let message = named(message, PSETID_APPOINTMENT, &times);
        let message = named(message, PSETID_MEETING, &[(0x0002, string("Room 1"))]);
        check_listing(
            &message,
            "subject from sender to date received class importance body.txt event.ics",
        );
        let event = format!(
            "METHOD:{method}\nSUMMARY:Plan\nDTSTART:20240304T080000Z\nDTEND:20240304T090000Z"
        );
        check_texts(
            &message,
            &[
                ("class", &format!("{class}\n")),
                ("from", "Ann <ann@example.org>\n"),
                ("to", "Bob <bob@example.org>\n"),
                ("body.txt", "About the plan\n"),
                ("event.ics", &event),
                ("mapi/named/PSETID_Meeting/PidLidWhere", "Room 1"),
            ],
        );
    }
}

#[test]
fn task_requests_have_the_task_they_carry() {
    let task = MessageBuilder::new("IPM.Task", "Report");
    let task = named(
        task,
        PSETID_TASK,
        &[(0x8105, time("2024-03-08T00:00:00Z")), (0x8101, Value::Integer32(1))],
    );
    for class in ["IPM.TaskRequest", "IPM.TaskRequest.Accept", "IPM.TaskRequest.Decline"] {
        let request = item(class, "Task Request: Report")
            .recipient(RecipientBuilder::to("Bob", "bob@example.org"))
            .body("Please\n")
            .attach(AttachmentBuilder::message(task.clone()));
        check_listing(
            &request,
            "subject from sender to date received class importance body.txt task.ics \
             attachments/Report.msg/subject attachments/Report.msg/class \
             attachments/Report.msg/importance attachments/Report.msg/task.ics",
        );
        let expected = "SUMMARY:Report\nDUE;VALUE=DATE:20240308\nSTATUS:IN-PROCESS";
        check_texts(
            &request,
            &[
                ("subject", "Task Request: Report\n"),
                ("class", &format!("{class}\n")),
                ("task.ics", expected),
                ("attachments/Report.msg/class", "IPM.Task\n"),
                ("attachments/Report.msg/task.ics", expected),
            ],
        );
    }
}

#[test]
fn an_rss_post_has_its_article_and_its_addresses() {
    let post = MessageBuilder::new("IPM.Post.RSS", "News: A \"harbour\" opens")
        .text(tags::PR_SENT_REPRESENTING_NAME, "Harbour news")
        .time(tags::PR_MESSAGE_DELIVERY_TIME, TIME)
        .html("<html><body><p>It opens.</p></body></html>");
    let post = named(
        post,
        PSETID_POST_RSS,
        &[
            (0x8900, string("https://news.example.org/feed")),
            (0x8901, string("https://news.example.org/1?a=b&c=d")),
            (0x8902, Value::Integer32(-7)),
            (0x8903, string("urn:1")),
            (0x8904, string("Harbour news")),
            (0x8905, string("<item><title>News</title></item>")),
        ],
    );
    check_listing(&post, "subject from received class importance body.txt body.html");
    let set = "mapi/named/PSETID_PostRss";
    check_texts(
        &post,
        &[
            ("subject", "News: A \"harbour\" opens\n"),
            ("from", "Harbour news\n"),
            ("class", "IPM.Post.RSS\n"),
            ("body.txt", "It opens.\n"),
            (&format!("{set}/PidLidPostRssChannelLink"), "https://news.example.org/feed"),
            (&format!("{set}/PidLidPostRssItemLink"), "https://news.example.org/1?a=b&c=d"),
            (&format!("{set}/PidLidPostRssItemHash"), "-7\n"),
            (&format!("{set}/PidLidPostRssItemGuid"), "urn:1"),
            (&format!("{set}/PidLidPostRssItemXml"), "<item><title>News</title></item>"),
        ],
    );
}

#[test]
fn a_sticky_note_has_its_text_and_its_place() {
    let note = MessageBuilder::new("IPM.StickyNote", "Milk").body("Milk\n\nand bread");
    let place = [(0x8B00, 3), (0x8B02, 200), (0x8B03, 166), (0x8B04, -80), (0x8B05, 80)];
    let note = named(note, PSETID_NOTE, &place.map(|(lid, n)| (lid, Value::Integer32(n))));
    check_listing(&note, "subject class importance body.txt");
    check_texts(
        &note,
        &[
            ("subject", "Milk\n"),
            ("class", "IPM.StickyNote\n"),
            ("body.txt", "Milk\n\nand bread"),
            ("mapi/named/PSETID_Note/PidLidNoteColor", "3\n"),
            ("mapi/named/PSETID_Note/PidLidNoteWidth", "200\n"),
            ("mapi/named/PSETID_Note/PidLidNoteX", "-80\n"),
        ],
    );
}

#[test]
fn a_journal_entry_has_its_event() {
    let entry = MessageBuilder::new("IPM.Activity", "Call").body("Long talk\n");
    let entry = named(
        entry,
        PSETID_LOG,
        &[
            (0x8700, string("Phone call")),
            (0x8706, time("2024-03-04T08:00:00Z")),
            (0x8707, Value::Integer32(20)),
            (0x8708, time("2024-03-04T08:20:00Z")),
        ],
    );
    check_listing(&entry, "subject class importance body.txt event.ics");
    check_texts(
        &entry,
        &[
            ("class", "IPM.Activity\n"),
            ("body.txt", "Long talk\n"),
            ("event.ics", "BEGIN:VJOURNAL\nSUMMARY:Call\nDTSTART:20240304T080000Z"),
            ("mapi/named/PSETID_Log/PidLidLogType", "Phone call"),
        ],
    );
}

#[test]
fn attachments_that_lie_elsewhere_are_named() {
    let share = "\\\\files.example.org\\plans\\jetty.dwg";
    let address = "https://cloud.example.org/d?id=1&v=2";
    let message = item("IPM.Note", "Plans")
        .body("See there\n")
        .attach(AttachmentBuilder::reference(2, "jetty.dwg", share))
        .attach(AttachmentBuilder::reference(3, "resolved.dwg", share))
        .attach(AttachmentBuilder::reference(4, "only.dwg", share))
        .attach(AttachmentBuilder::reference(7, "Budget.xlsx", address));
    check_listing(
        &message,
        "subject from sender date received class importance body.txt \
         attachments/jetty.dwg.ref attachments/resolved.dwg.ref attachments/only.dwg.ref \
         attachments/Budget.xlsx.ref",
    );
    let path = format!("{share}\n");
    check_texts(
        &message,
        &[
            ("attachments/jetty.dwg.ref", &path),
            ("attachments/resolved.dwg.ref", &path),
            ("attachments/only.dwg.ref", &path),
            ("attachments/Budget.xlsx.ref", &format!("{address}\n")),
        ],
    );
    for (number, method) in [(0, 2), (1, 3), (2, 4), (3, 7)] {
        let target = if method == 7 { address } else { share };
        let directory = format!("mapi/attachments/{number}");
        check_texts(
            &message,
            &[
                (&format!("{directory}/PR_ATTACH_METHOD"), &format!("{method}\n")),
                (&format!("{directory}/PR_ATTACH_LONG_PATHNAME"), target),
            ],
        );
    }
}
