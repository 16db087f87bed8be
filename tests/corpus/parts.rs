//! The recipients and attachments of one message.

use msgfs::imsg::{Address, AttachMethod, Attachment, MapiProp as _};
use msgfs::mapi::{Value, tags};
use msgfs::storage::{CompoundFile, Entry, Source, Storage};
use serde_json::{Value as Json, json};

use super::message::{Compared, or_nothing};
use super::tally::Tally;
use super::{bare, sha256, values};
use crate::browse::read;

impl Compared<'_> {
    pub(super) fn check_recipients(&self, tally: &mut Tally) {
        let place = &self.place;
        let recipients = self.message.recipients().unwrap();
        let all = self.expected["recipients"].as_array().unwrap();
        tally.check(place, "recipients", &json!(all.len()), recipients.len());
        let mut lines: [(&str, String); 3] = ["to", "cc", "bcc"].map(|file| (file, String::new()));
        for (expected, recipient) in all.iter().zip(&recipients) {
            let found = Address::of_recipient(recipient).unwrap_or_default();
            let mut expected = expected.clone();
            let address = expected["address"].as_str().unwrap_or_default();
            if address.starts_with('/') && found.address.contains('@') {
                // The other reader does not look into the header.
                tally.agree("SMTP address of an X.500 name");
                expected["address"] = json!(found.address);
            }
            let expected = &expected;
            if let Some((_, lines)) = lines.iter_mut().find(|(file, _)| *file == kind_of(expected))
            {
                lines.extend(address_line(expected));
            }
            tally.check(place, "recipient name", &or_nothing(&expected["name"]), found.name);
            let address = or_nothing(&expected["address"]);
            tally.check(place, "recipient address", &address, found.address);
            let kind = format!("{:?}", recipient.recipient_type()).to_lowercase();
            tally.check(place, "recipient type", &json!(kind_of(expected)), kind);
            let number = recipient.number().unwrap();
            tally.check(place, "recipient storage", &expected["storage"], number);
            let mapi = self.walk(&format!("mapi/recipients/{number}"));
            values::check(self, mapi, recipient, &expected["properties"], tally);
        }
        for (file, lines) in lines {
            let expected = Some(lines).filter(|lines| !lines.is_empty());
            tally.check(place, file, &json!(expected), self.file_text(file));
        }
    }

    pub(super) fn check_attachments(&self, tally: &mut Tally) {
        let place = &self.place;
        let numbers = self.message.attachments().unwrap();
        let all = self.expected["attachments"].as_array().unwrap();
        tally.check(place, "attachments", &json!(all.len()), numbers.len());
        let directory = self.tree.lookup(self.node, "attachments").ok();
        let listing = directory.map(|(node, _)| self.tree.list(node).unwrap());
        // The files are in the order of the attachments; one without content has none.
        let mut files = listing.iter().flat_map(|listing| listing.entries());
        for (expected, number) in all.iter().zip(numbers) {
            let attachment = self.message.attachment(number).unwrap();
            tally.check(place, "attachment storage", &expected["storage"], number);
            let mapi = self.walk(&format!("mapi/attachments/{number}"));
            values::check(self, mapi, &attachment, &expected["properties"], tally);
            self.check_attachment(&attachment, expected, tally);
            if !expected["content"].is_null() {
                let file = files.next().unwrap();
                match expected["content"].as_str().unwrap() {
                    "data" => {
                        let data = read(self.tree, file.id).unwrap();
                        tally.check(place, "attachment size", &expected["size"], data.len());
                        tally.check(place, "attachment data", &expected["sha256"], sha256(data));
                    }
                    "storage" => {
                        let made = Source::from_bytes(read(self.tree, file.id).unwrap());
                        let made = CompoundFile::open(made).unwrap().root();
                        self.check_object(&attachment.content_storage().unwrap(), expected, tally);
                        self.check_object(&made, expected, tally);
                    }
                    _ => {}
                }
            }
        }
        // What is in an OLE object may stand beside it, and so does the message in a file.
        let objects = all.iter().filter(|one| one["content"] == "storage").count();
        let files = files.filter(|one| !one.name.ends_with(".d"));
        let more = files.count().saturating_sub(objects);
        tally.check(place, "more files of attachments", &json!(0), more);
    }

    fn check_attachment(&self, attachment: &Attachment, expected: &Json, tally: &mut Tally) {
        let place = &self.place;
        let names = &expected["names"];
        for (field, expected, tag) in [
            ("attachment long name", &names["long"], tags::PR_ATTACH_LONG_FILENAME),
            ("attachment short name", &names["short"], tags::PR_ATTACH_FILENAME),
            ("attachment display name", &names["display"], tags::PR_DISPLAY_NAME),
            ("attachment extension", &names["ext"], tags::PR_ATTACH_EXTENSION),
            ("attachment mime type", &expected["mime"], tags::PR_ATTACH_MIME_TAG),
            ("content id", &expected["content_id"], tags::PR_ATTACH_CONTENT_ID),
            ("content location", &expected["content_location"], tags::PR_ATTACH_CONTENT_LOCATION),
        ] {
            tally.check(place, field, expected, attachment.text(tag));
        }
        let method = attachment.integer(tags::PR_ATTACH_METHOD);
        tally.check(place, "attachment method", &expected["method"], method);
        let flags = attachment.integer(tags::PR_ATTACH_FLAGS);
        tally.check(place, "attachment flags", &expected["flags_3714"], flags);
        let hidden = attachment.property(tags::PR_ATTACHMENT_HIDDEN).ok();
        let hidden = hidden == Some(Value::Boolean(true));
        tally.check(place, "attachment hidden", &expected["hidden"], hidden);
        let content = match attachment.method().unwrap() {
            AttachMethod::None => None,
            AttachMethod::EmbeddedMessage => Some("message"),
            AttachMethod::Storage => Some("storage"),
            AttachMethod::ByValue | AttachMethod::ByReference => Some("data"),
        };
        tally.check(place, "attachment content", &expected["content"], content);
    }

    /// The streams of an OLE object.
    fn check_object(&self, storage: &Storage, expected: &Json, tally: &mut Tally) {
        tally.check(&self.place, "object class", &expected["clsid"], bare(storage.clsid()));
        let mut expected = expected["streams"].as_array().unwrap().clone();
        let streams = storage.entries().filter_map(|entry| match entry {
            Entry::Stream(stream) => Some(stream),
            Entry::Storage(_) => None,
        });
        let mut found: Vec<Json> = streams
            .map(|stream| {
                let bytes = stream.read_all().unwrap();
                json!([stream.name(), bytes.len(), sha256(bytes)])
            })
            .collect();
        expected.sort_by_key(ToString::to_string);
        found.sort_by_key(ToString::to_string);
        tally.check(&self.place, "object streams", &json!(expected), found);
    }
}

fn kind_of(expected: &Json) -> &str {
    expected["type"].as_str().unwrap_or("to")
}

/// Whether a name only repeats its address, and that can be told from a name by itself.
fn is_repeated(name: &str, address: &str) -> bool {
    let is_address = address.contains('@') || address.starts_with('/');
    is_address && name.trim().trim_matches(['\'', '"']).eq_ignore_ascii_case(address)
}

/// `Name <address>` and its line end, as the reader's view has it.
fn address_line(recipient: &Json) -> Option<String> {
    let part = |field: &str| {
        let text = recipient[field].as_str().unwrap_or_default();
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>()
    };
    match (part("name"), part("address")) {
        (name, address) if name.is_empty() && address.is_empty() => None,
        (name, address) if address.is_empty() => Some(name + "\n"),
        (name, address) if name.is_empty() => Some(address + "\n"),
        (name, address) if is_repeated(&name, &address) => Some(format!("{address}\n")),
        (name, address) => Some(format!("{name} <{address}>\n")),
    }
}
