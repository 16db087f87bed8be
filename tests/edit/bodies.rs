//! Which bodies stay when one of them is set.

use msgfs::mapi::{CodePage, tags};
use msgfs::view::Change;

use super::editor::{Edited, letter};
use crate::fixture::MessageBuilder;

const HTML: &str = "<html><body><p>Hello <b>big</b> world</p></body></html>";

#[test]
fn a_body_takes_the_place_of_the_others() {
    let mut edited = Edited::new(&letter());
    assert_eq!(edited.set("body.txt", "Good bye\n").unwrap(), Change::Made);
    assert_eq!(edited.bytes("body.html"), None);
    let mut edited = Edited::new(&letter());
    edited.set("body.html", "<p>Good bye</p>").unwrap();
    assert_eq!(edited.text("body.txt").unwrap(), "Good bye\n");
}

/// The page of HTML that is set is UTF-8. That must not be taken for the page of the strings.
#[test]
fn html_leaves_the_code_page_of_8_bit_strings() {
    let message =
        MessageBuilder::mail("Équipe", ("Zoë", "zoe@example.org"), "2024-05-06T07:08:09Z")
            .integer(tags::PR_INTERNET_CPID, 1252)
            .ansi(CodePage::WINDOWS_1252);
    let mut edited = Edited::new(&message);
    edited.set("body.html", "<p>Grüße</p>").unwrap();
    edited.save();
    assert_eq!(edited.text("subject").unwrap(), "Équipe\n");
    assert_eq!(edited.text("from").unwrap(), "Zoë <zoe@example.org>\n");
    assert_eq!(edited.text("mapi/PR_MESSAGE_CODEPAGE").unwrap(), "1252\n");
    assert!(edited.text("body.html").unwrap().contains("Grüße"));
}

#[test]
fn the_same_words_leave_the_formatting() {
    let mut edited = Edited::new(&letter());
    assert_eq!(edited.set("body.txt", "Hello\nbig\tworld").unwrap(), Change::Made);
    assert_eq!(edited.text("body.txt").unwrap(), "Hello\nbig\tworld");
    assert!(edited.text("body.html").unwrap().contains("<b>big</b>"));
    edited.set("mapi/PR_BODY", "Hello big\r\nworld").unwrap();
    assert!(edited.text("body.html").unwrap().contains("<b>big</b>"));
    edited.wait(60.0);
    edited.set("mapi/PR_BODY", "Hello small world").unwrap();
    assert_eq!(edited.bytes("body.html"), None);
}

#[test]
fn bodies_that_are_copied_one_after_the_other_stay_together() {
    // rsync --fsync saves after each, and is slow.
    for pause in [0.0, 1.5, 9.0] {
        for order in [["body.html", "body.txt"], ["body.txt", "body.html"]] {
            let mut edited = Edited::new(&letter());
            for path in order {
                let bytes = if path == "body.txt" { "New text\n" } else { "<i>New html</i>" };
                edited.set(path, bytes).unwrap();
                edited.save();
                edited.wait(pause);
            }
            assert_eq!(edited.text("body.txt").unwrap(), "New text\n", "{order:?} {pause}");
            assert!(edited.text("body.html").unwrap().contains("New html"), "{order:?} {pause}");
        }
    }
    let mut edited = Edited::new(&letter());
    edited.set("body.html", "<i>New html</i>").unwrap();
    edited.wait(10.0);
    edited.set("body.txt", "New text\n").unwrap();
    assert_eq!(edited.bytes("body.html"), None);
}

#[test]
fn all_bodies_of_a_message_that_was_never_saved_belong_together() {
    let mut edited = Edited::created();
    edited.set("body.html", HTML).unwrap();
    edited.wait(3600.0);
    edited.set("body.txt", "Another text\n").unwrap();
    edited.save();
    assert!(edited.text("body.html").unwrap().contains("<b>big</b>"));
    assert_eq!(edited.text("body.txt").unwrap(), "Another text\n");
    edited.set("body.txt", "And another one\n").unwrap();
    assert_eq!(edited.bytes("body.html"), None, "it is an hour older, and saved");
}

#[test]
fn a_body_that_is_made_of_another_is_removed_and_made_again() {
    let message = MessageBuilder::mail("A", ("Ann", "ann@example.org"), "2024-05-06T07:08:09Z");
    let mut edited = Edited::new(&message.html(HTML));
    let text = edited.text("body.txt").unwrap();
    assert_eq!(edited.remove("body.txt").unwrap(), Change::None);
    assert_eq!(edited.text("body.txt").unwrap(), text, "it comes back");
    // As tar does.
    assert_eq!(edited.set("body.txt", text.as_str()).unwrap(), Change::None);
    assert!(edited.text("body.html").unwrap().contains("<b>big</b>"));
    assert_eq!(edited.remove("body.html").unwrap(), Change::Made);
    assert_eq!((edited.bytes("body.html"), edited.bytes("body.txt")), (None, None));
}
