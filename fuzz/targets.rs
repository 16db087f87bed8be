//! The fuzz targets as functions. The fuzzer calls them with bytes that it makes up, and a test
//! calls them with the seeds.
//!
//! A target panics if the library breaks a promise. Besides the assertions here, the library
//! promises not to panic, and to take no more memory and time than the options of the fuzzer allow.

use std::io;

use outlook_msg::body::html::{self, Reference, Remote};
use outlook_msg::body::{cms as cms_message, compressed_rtf, mime_entity, rtf as rich_text};
use outlook_msg::body::{ole_native, tnef as tnef_stream};
use outlook_msg::imsg::structures::AppointmentRecurrence;
use outlook_msg::imsg::{
    Access, ConvertedMessage, ConvertedProperty, NameKind, PropertyName, Session, SessionOptions,
};
use outlook_msg::mail::Attachment;
use outlook_msg::mapi::sets::PSETID_APPOINTMENT;
use outlook_msg::mapi::{CodePage, PropertyTag, PropertyType, Value, tags};
use outlook_msg::storage::{CompoundFile, Entry, Source, Storage};
use outlook_msg::{Mail, mapi};

/// Reads every stream of a compound file, and calls the other getters.
pub(crate) fn compound_file(bytes: &[u8]) {
    let Ok(file) = CompoundFile::open(Source::from_bytes(bytes.to_vec())) else { return };
    let _ = (file.version(), file.entry_count(), file.bytes_held(), file.defects());
    read_storage(&file.root(), 0);
}

fn read_storage(storage: &Storage, depth: u32) {
    let _ = (storage.name(), storage.path(), storage.clsid());
    for entry in storage.entries() {
        match entry {
            Entry::Storage(inner) if depth < 64 => read_storage(&inner, depth + 1),
            Entry::Storage(_) => {}
            Entry::Stream(stream) => {
                let mut buffer = [0; 4096];
                let mut at = 0;
                while at < stream.len()
                    && let Ok(read @ 1..) = stream.read_at(at, &mut buffer)
                {
                    at += read as u64;
                }
            }
        }
    }
}

/// Opens a message, calls every getter, and writes every other format.
pub(crate) fn message(bytes: &[u8]) {
    if let Ok(mail) = Mail::from_bytes(bytes) {
        read_mail(&mail, 0);
    }
}

fn read_mail(mail: &Mail, depth: u32) {
    let _ = (mail.subject(), mail.from(), mail.sender(), mail.to(), mail.cc(), mail.bcc());
    let _ = (mail.reply_to(), mail.date(), mail.received(), mail.message_class());
    let _ = (mail.message_id(), mail.in_reply_to(), mail.importance(), mail.categories());
    let _ = (mail.headers(), mail.conversation(), mail.flags(), mail.voting(), mail.reactions());
    let _ = (mail.event(), mail.recipients(), mail.security());
    let _ = (mail.text(), mail.html(), mail.rtf());
    let _ = mail.to_row("fuzz.msg", true);
    let out = &mut io::sink();
    let _ = (mail.to_eml(&mut *out), mail.to_ics(&mut *out), mail.to_vcf(&mut *out));
    let _ = (mail.to_json(&mut *out), mail.to_msg(&mut *out));
    for attachment in mail.attachments().unwrap_or_default() {
        read_attachment(&attachment, depth);
    }
    let _ = (mail.defects(), mail.notes());
}

fn read_attachment(attachment: &Attachment, depth: u32) {
    let _ = (attachment.name(), attachment.kind(), attachment.media_type(), attachment.size());
    let _ = (attachment.content_id(), attachment.is_inline(), attachment.target());
    let _ = (attachment.read(), attachment.read_partial());
    if let Ok(Some(inner)) = attachment.message()
        && depth < 4
    {
        read_mail(&inner, depth + 1);
    }
}

/// Reads the bytes both as compressed RTF and as plain RTF, and makes HTML and text of it.
pub(crate) fn rtf(bytes: &[u8]) {
    let _ = (compressed_rtf::check(bytes), compressed_rtf::decompress_prefix(bytes, 256));
    let decompressed = compressed_rtf::decompress(bytes);
    for rtf in [decompressed.as_deref().unwrap_or_default(), bytes] {
        let _ = rich_text::kind(rtf);
        let (html, text) =
            (rich_text::to_html(rtf, usize::MAX).text, rich_text::to_text(rtf, usize::MAX).text);
        assert!(html.len().max(text.len()) <= 60 * rtf.len() + 1_000, "amplified");
    }
    let compressed = compressed_rtf::compress(bytes);
    let again = compressed_rtf::decompress(&compressed).expect("what was compressed here");
    // NULs at the end of a stream are no part of the text.
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    assert_eq!(again, bytes[..end], "another text came back");
}

/// Decodes an HTML body, rewrites it for a browser, undoes that, and makes text of it.
pub(crate) fn html(bytes: &[u8]) {
    let (pages, bytes) = bytes.split_at(bytes.len().min(1));
    let page = match pages {
        [0] => Some(1252),
        [1] => Some(932),
        [2] => Some(1200),
        _ => None,
    };
    let document = html::decode(bytes, page, CodePage::new(1252)).html;
    let beside = |reference: Reference<'_>| match reference {
        Reference::ContentId(id) => id.starts_with('a').then(|| format!("attachments/{id}")),
        Reference::ContentLocation(place) => (place == "b").then(|| "attachments/b c".to_owned()),
    };
    for remote in [Remote::Blocked, Remote::Allowed] {
        let shown = html::for_browser(&document, &|_| None, remote);
        // If a program writes back what a mount shows, nothing must change.
        let mailed = html::rewrite(&document, &|_| None);
        if remote == Remote::Blocked {
            assert_eq!(html::undo(&shown), mailed, "of {document:?}");
        }
        let linked = html::for_browser(&document, &beside, remote);
        html::restore(&html::undo(&linked), &|path| Some(path.to_owned()));
    }
    let text = html::to_text(&document, &beside);
    assert!(text.len() <= 5 * document.len() + (65 << 10), "amplified: {}", text.len());
}

/// Reads a `winmail.dat`.
pub(crate) fn tnef(bytes: &[u8]) {
    let _ = (tnef_stream::is_tnef(bytes), tnef_stream::read(bytes));
    let len = bytes.len() as u64;
    let _ = (ole_native::native(bytes), ole_native::contents(bytes, len));
    let _ = ole_native::presentation(bytes);
}

/// Reads the bytes as signed or encrypted content with a MIME entity in it, and as a MIME entity.
pub(crate) fn cms(bytes: &[u8]) {
    let _ = cms_message::kind(bytes);
    if let Ok(cms_message::CmsContent::Signed { bytes, .. }) = cms_message::read(bytes) {
        let _ = mime_entity::Entity::parse(&bytes);
    }
    let _ = mime_entity::Entity::parse(bytes);
}

/// Writes the calendar of an appointment with this recurrence.
pub(crate) fn recurrence(bytes: &[u8]) {
    let _ = AppointmentRecurrence::decode(bytes, CodePage::WINDOWS_1252);
    let named = |lid, property_type, value| ConvertedProperty {
        tag: PropertyTag::new(0x8000, property_type),
        name: Some(PropertyName { set: PSETID_APPOINTMENT, kind: NameKind::Lid(lid) }),
        value,
    };
    let time = |text: &str| Value::Time(text.parse::<mapi::FileTime>().expect("a time"));
    let appointment = ConvertedMessage {
        properties: vec![
            ConvertedProperty::text(tags::PR_MESSAGE_CLASS, "IPM.Appointment"),
            ConvertedProperty::text(tags::PR_SUBJECT, "Regatta"),
            named(0x820D, PropertyType::TIME, time("2024-03-04T09:00:00Z")),
            named(0x820E, PropertyType::TIME, time("2024-03-04T10:00:00Z")),
            named(0x8216, PropertyType::BINARY, Value::Binary(bytes.to_vec())),
            named(0x8223, PropertyType::BOOLEAN, Value::Boolean(true)),
        ],
        ..ConvertedMessage::default()
    };
    let Ok(made) = appointment.into_file(bytes.len() as u64) else { return };
    let session = Session::open(SessionOptions::default());
    let message = session.open_message(&made.file.root(), Access::Read).expect("a sound message");
    let mail = Mail::of(message);
    mail.to_ics(io::sink()).expect("an appointment");
    let _ = (mail.event(), mail.defects(), mail.notes());
}
