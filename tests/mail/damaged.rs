//! Files that are damaged, or no messages at all.

use super::{ANNA, BEN};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

/// A download that broke off: the last attachment is lost in part.
pub(super) fn cut_short() -> Vec<u8> {
    let lines = |count: usize| -> String {
        (1..=count).map(|day| format!("Day {day}: wind {} knots\r\n", 5 + day * 7 % 23)).collect()
    };
    let mut bytes = MessageBuilder::mail("Report of the season", BEN, "2023-10-30T18:00:00Z")
        .recipient(RecipientBuilder::to(ANNA.0, ANNA.1))
        .body("The wind of the season, day by day.\n\nBen\n")
        .attach(AttachmentBuilder::file("spring.txt", lines(220)))
        .attach(AttachmentBuilder::file("summer.txt", lines(600)))
        .to_bytes();
    bytes.truncate(bytes.len() - 6_000);
    bytes
}

/// A web page that was saved under the name of a message.
pub(super) fn no_message() -> Vec<u8> {
    b"<!DOCTYPE html>\n<title>404</title>\n<p>The message you asked for is gone.</p>\n".to_vec()
}
