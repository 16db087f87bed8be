//! One message of a given size, with the streams that Outlook gives it.

use msgfs::imsg::NameKind;
use msgfs::mapi::sets::{PS_INTERNET_HEADERS, PSETID_APPOINTMENT, PSETID_COMMON};
use msgfs::mapi::{CodePage, PropertyTag, PropertyType, Value, tags};

use super::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder, Tree, one_off_entry_id};
use super::prose::{encapsulated, html, paragraphs, person, subject};
use super::random::Random;

/// The message of a number.
pub(crate) fn message(number: u64) -> Vec<u8> {
    let mut random = Random::new(number);
    let size = size(random.fraction());
    mail(&mut random, size, 0).to_bytes()
}

/// A message with strings in a code page.
pub(crate) fn ansi_message() -> Vec<u8> {
    let mut random = Random::new(1);
    mail(&mut random, 20_000, 0).ansi(CodePage::WINDOWS_1252).to_bytes()
}

/// A message with an attachment, whose data is left to the caller to write.
pub(crate) fn with_attachment(name: &str, data: Vec<u8>) -> Tree {
    let mut random = Random::new(2);
    mail(&mut random, 20_000, 0).attach(AttachmentBuilder::file(name, data)).to_tree()
}

/// A message with little more than a subject and a body.
pub(crate) fn tiny(subject: &str) -> Vec<u8> {
    MessageBuilder::new("IPM.Note", subject).body("Seen.\n").to_bytes()
}

/// The size in bytes at a quantile: of real mail one half has up to 31 KB, three quarters up to
/// 64 KB, and 95 of a hundred up to 400 KB.
fn size(quantile: f64) -> usize {
    const POINTS: [(f64, f64); 5] =
        [(0.0, 20e3), (0.5, 31e3), (0.75, 64e3), (0.95, 400e3), (1.0, 2e6)];
    let above = POINTS.iter().position(|(at, _)| quantile < *at).unwrap_or(4);
    let ((from, low), (to, high)) = (POINTS[above - 1], POINTS[above]);
    let part: f64 = (quantile - from) / (to - from);
    (low.ln() + part * (high / low).ln()).exp() as usize
}

/// What a message takes without its body and attachments: directory entries and short values.
const FRAME_BYTES: usize = 25_500;
/// Larger bodies are rare; the rest of a message is in its attachments.
const BODY_BYTES_MAX: usize = 24_000;
const ATTACHMENT_BYTES_MIN: usize = 4_000;

fn mail(random: &mut Random, size: usize, depth: u32) -> MessageBuilder {
    let (sender, receiver) = (person(random), person(random));
    let time = format!(
        "20{:02}-{:02}-{:02}T{:02}:{:02}:00Z",
        10 + random.below(15),
        1 + random.below(12),
        1 + random.below(28),
        random.below(24),
        random.below(60)
    );
    let subject = subject(random);
    let mut message = MessageBuilder::mail(&subject, (&sender.0, &sender.1), &time);
    message = received(message, (&receiver.0, &receiver.1), random);
    message = headers(message, &sender, &receiver, &subject, random);
    message = named(message, random);
    message =
        message.recipient(recipient(RecipientBuilder::to(&receiver.0, &receiver.1), &receiver));
    while random.percent(45) {
        let (name, address) = person(random);
        let cc = RecipientBuilder::cc(&name, &address);
        message = message.recipient(recipient(cc, &(name, address)));
    }
    let left = size.saturating_sub(FRAME_BYTES);
    let has_attachments = left > ATTACHMENT_BYTES_MIN * 2 && random.percent(60) || left > 60_000;
    let body_bytes = if has_attachments { left / 3 } else { left }.min(BODY_BYTES_MAX);
    let message = body(message, random, body_bytes);
    match has_attachments {
        true => attachments(message, random, left - body_bytes, depth),
        false => message,
    }
}

/// Sets the body in the ways that occur: HTML inside RTF in three of four messages.
///
/// Text is stored in UTF-16 and again in the RTF, hence the share of the bytes that it gets.
fn body(message: MessageBuilder, random: &mut Random, bytes: usize) -> MessageBuilder {
    match random.below(20) {
        0..15 => {
            let paragraphs = paragraphs(random, bytes * 10 / 27);
            let message = message.body(&paragraphs.join("\n\n"));
            message.rtf(&encapsulated(&paragraphs))
        }
        15..18 => {
            let paragraphs = paragraphs(random, bytes * 10 / 32);
            message.body(&paragraphs.join("\n\n")).html(&html(&paragraphs))
        }
        _ => message.body(&paragraphs(random, bytes / 2).join("\n\n")),
    }
}

/// Adds attachments of so many bytes in all; of the outermost message some are messages.
fn attachments(
    mut message: MessageBuilder,
    random: &mut Random,
    bytes: usize,
    depth: u32,
) -> MessageBuilder {
    const KINDS: [(&str, &str); 5] = [
        ("pdf", "application/pdf"),
        ("png", "image/png"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("jpg", "image/jpeg"),
        ("csv", "text/csv"),
    ];
    let count = 1 + random.below(3);
    for number in 1..=count {
        let share = bytes / count;
        if depth < 2 && share > FRAME_BYTES + 5_000 && random.percent(20) {
            let embedded = mail(random, share, depth + 1);
            message = message.attach(AttachmentBuilder::message(embedded));
            continue;
        }
        let (extension, media_type) = random.pick(&KINDS);
        let data = match *extension {
            "csv" => paragraphs(random, share).join("\r\n").into_bytes(),
            _ => random.bytes(share),
        };
        let name = format!("Document {number} of {}.{extension}", random.below(1000));
        let attachment = AttachmentBuilder::file(&name, data)
            .set(tags::PR_ATTACH_MIME_TAG, Value::String((*media_type).to_owned()));
        message = message.attach(attachment);
    }
    message
}

fn recipient(builder: RecipientBuilder, (name, address): &(String, String)) -> RecipientBuilder {
    builder
        .set(tags::PR_RECIPIENT_DISPLAY_NAME, Value::String(name.clone()))
        .set(tags::PR_RECIPIENT_ENTRYID, Value::Binary(one_off_entry_id(name, address)))
        .set(tags::PR_RECIPIENT_FLAGS, Value::Integer32(1))
        .set(tags::PR_RECIPIENT_TRACKSTATUS, Value::Integer32(0))
}

/// Who received it: `PR_RECEIVED_BY_*` and `PR_RCVD_REPRESENTING_*` (\[MS-OXOMSG\] 2.2.1).
fn received(
    mut message: MessageBuilder,
    (name, address): (&str, &str),
    random: &mut Random,
) -> MessageBuilder {
    let binary = |id| PropertyTag::new(id, PropertyType::BINARY);
    let string = |id| PropertyTag::new(id, PropertyType::STRING);
    for (entry_id, display, kind, mail, key) in
        [(0x003F, 0x0040, 0x0075, 0x0076, 0x0051), (0x0043, 0x0044, 0x0077, 0x0078, 0x0052)]
    {
        message = message
            .set(binary(entry_id), Value::Binary(one_off_entry_id(name, address)))
            .text(string(display), name)
            .text(string(kind), "SMTP")
            .text(string(mail), address)
            .set(binary(key), Value::Binary(format!("SMTP:{address}\0").into_bytes()));
    }
    message
        .set(tags::PR_CONVERSATION_INDEX, Value::Binary(random.bytes(22)))
        // PR_CHANGE_KEY, PR_PREDECESSOR_CHANGE_LIST, PR_CONVERSATION_ID.
        .set(binary(0x65E2), Value::Binary(random.bytes(20)))
        .set(binary(0x65E3), Value::Binary(random.bytes(21)))
        .set(binary(0x3013), Value::Binary(random.bytes(16)))
        // PR_CREATOR_NAME, PR_LAST_MODIFIER_NAME.
        .text(string(0x3FF8), name)
        .text(string(0x3FFA), name)
}

fn headers(
    message: MessageBuilder,
    sender: &(String, String),
    receiver: &(String, String),
    subject: &str,
    random: &mut Random,
) -> MessageBuilder {
    let id = format!("<{:016X}@{}>", random.next(), "mail.example.com");
    let mut lines = String::new();
    for hop in 0..3 {
        lines += &format!(
            "Received: from mx{hop}.example.com (192.0.2.{hop}) by mail.example.org with \
             ESMTPS id {:016x}; Mon, 3 Feb 2020 10:00:0{hop} +0000\r\n",
            random.next()
        );
    }
    lines += &format!(
        "From: {} <{}>\r\nTo: {} <{}>\r\nSubject: {subject}\r\nMessage-ID: {id}\r\n\
         MIME-Version: 1.0\r\n\r\n",
        sender.0, sender.1, receiver.0, receiver.1
    );
    message
        .text(tags::PR_INTERNET_MESSAGE_ID, &id)
        .text(tags::PR_IN_REPLY_TO_ID, &id)
        .text(tags::PR_TRANSPORT_MESSAGE_HEADERS, &lines)
}

/// The named properties that Outlook gives every mail.
fn named(mut message: MessageBuilder, random: &mut Random) -> MessageBuilder {
    for lid in [0x8501, 0x8503, 0x8506, 0x850E, 0x8514, 0x8518, 0x8552, 0x8554, 0x8580, 0x8582] {
        let value = Value::Integer32(random.below(100) as i32);
        message = message.named(PSETID_COMMON, NameKind::Lid(lid), PropertyType::INTEGER32, value);
    }
    for lid in [0x8205, 0x8208, 0x820D, 0x8223] {
        let text = Value::String("16.0".to_owned());
        message = message.named(PSETID_APPOINTMENT, NameKind::Lid(lid), PropertyType::STRING, text);
    }
    for name in ["x-ms-exchange-organization-authas", "x-ms-has-attach", "x-originating-ip"] {
        let text = Value::String("Internal".to_owned());
        let kind = NameKind::Name(name.to_owned());
        message = message.named(PS_INTERNET_HEADERS, kind, PropertyType::STRING, text);
    }
    message
}
