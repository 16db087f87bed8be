//! A MIME entity as a message directory.

use crate::body::html::{self, Reference, Remote};
use crate::body::mime_entity::{Entity, Mailbox, Part, PartContent};
use crate::imsg::Address;
use crate::mail::names::UniqueNames;
use crate::mail::reader::ReaderFile;
use crate::mail::references::References;

use super::directory::{ATTACHMENTS, Directory};

impl Directory {
    /// Writes the files of an entity; gives what could not be read of it.
    pub(super) fn entity(&mut self, entity: Entity) -> Vec<String> {
        let fields = &entity.fields;
        self.text(ReaderFile::Subject, fields.subject.as_deref());
        for (file, mailboxes) in [
            (ReaderFile::From, &fields.from),
            (ReaderFile::Sender, &fields.sender),
            (ReaderFile::To, &fields.to),
            (ReaderFile::Cc, &fields.cc),
            (ReaderFile::Bcc, &fields.bcc),
            (ReaderFile::ReplyTo, &fields.reply_to),
        ] {
            self.addresses(file, &mailboxes.iter().map(address).collect::<Vec<_>>());
        }
        let date = fields.date.map(|date| date.to_string());
        self.text(ReaderFile::Date, date.as_deref());
        self.text(
            ReaderFile::MessageId,
            fields.message_id.as_ref().map(|id| format!("<{id}>")).as_deref(),
        );
        if !fields.header.is_empty() {
            self.body(ReaderFile::Headers, &fields.header);
        }
        let names = attachment_names(&entity.attachments);
        self.entity_bodies(&entity, &names);
        if !entity.attachments.is_empty() {
            self.directory(ATTACHMENTS, |directory| {
                for (part, name) in entity.attachments.into_iter().zip(&names) {
                    directory.part(part, name);
                }
            });
        }
        entity.defects
    }

    fn entity_bodies(&mut self, entity: &Entity, names: &[String]) {
        let html = entity.html.as_deref();
        let mut references = References::default();
        for (part, name) in entity.attachments.iter().zip(names) {
            let location = part.content_location.as_deref();
            references.insert(part.content_id.as_deref(), location, name);
        }
        let resolve = |reference: Reference<'_>| references.path(&reference);
        if let Some(text) = &entity.text {
            self.body(ReaderFile::BodyText, text);
        } else if let Some(html) = html {
            self.body(ReaderFile::BodyText, &html::to_text(html, &resolve));
        }
        if let Some(html) = html {
            let html = html::for_browser(html, &resolve, Remote::Blocked);
            self.file(ReaderFile::BodyHtml.name(), html.into_bytes());
        }
    }

    fn part(&mut self, part: Part, name: &str) {
        match part.content {
            PartContent::Bytes(bytes) => self.file(name, bytes),
            PartContent::Message(entity) => self.directory(name, |directory| {
                let defects = directory.entity(*entity);
                directory.errors(&defects);
            }),
        }
    }
}

fn address(mailbox: &Mailbox) -> Address {
    Address { name: mailbox.name.clone(), address: mailbox.address.clone() }
}

fn attachment_names(attachments: &[Part]) -> Vec<String> {
    let mut names = UniqueNames::default();
    let name = |part: &Part| match (&part.content, &part.name) {
        (PartContent::Message(entity), name) => {
            let subject = entity.fields.subject.as_deref().filter(|text| !text.trim().is_empty());
            names.make(subject.or(name.as_deref()).unwrap_or_default(), "message", ".msg")
        }
        (PartContent::Bytes(_), Some(name)) => names.make(name, "unnamed", ""),
        (PartContent::Bytes(_), None) => names.make("", unnamed(&part.media_type), ""),
    };
    attachments.iter().map(name).collect()
}

/// The name of a part that has none, with the usual extension of its type.
fn unnamed(media_type: &str) -> &'static str {
    match media_type {
        "text/plain" => "unnamed.txt",
        "text/html" => "unnamed.html",
        "text/calendar" => "unnamed.ics",
        "image/png" => "unnamed.png",
        "image/jpeg" => "unnamed.jpg",
        "image/gif" => "unnamed.gif",
        "application/pdf" => "unnamed.pdf",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "smime.p7m",
        "message/delivery-status" | "message/disposition-notification" => "unnamed.txt",
        _ => "unnamed",
    }
}
