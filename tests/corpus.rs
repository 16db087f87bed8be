//! Real messages, compared value by value with what independent readers found in them.
//!
//! The samples lie outside the project; without them the tests say SKIPPED.

mod tally;
mod values;

use std::fs;
use std::path::Path;

use msgfs::body::compressed_rtf;
use msgfs::body::html;
use msgfs::imsg::{Address, AttachMethod, Attachment, MapiProp, Message, Recipient, Session};
use msgfs::mapi::{PropertyTag, Value, tags};
use msgfs::storage::{CompoundFile, Entry, Source, Storage};
use msgfs::view::{Kind, MessageTree, NodeId, Show};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::browse::{Browser, read};
use tally::{Place, Tally};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus");

/// Each sample with what is expected of it.
fn samples() -> Vec<(Json, Vec<u8>)> {
    let corpus = Path::new(CORPUS);
    let Ok(lines) = fs::read_to_string(corpus.join("expected.jsonl")) else {
        println!("SKIPPED: no samples at {CORPUS}");
        return Vec::new();
    };
    let samples = lines.lines().map(|line| {
        let expected: Json = serde_json::from_str(line).unwrap();
        let file = corpus.join("files").join(text(&expected["name"]).unwrap());
        (expected, fs::read(file).unwrap())
    });
    samples.collect()
}

#[test]
fn agrees_with_other_readers() {
    let mut tally = Tally::default();
    for (expected, bytes) in samples() {
        let session = Session::open(Default::default());
        let tree =
            MessageTree::open(&session, Source::from_bytes(bytes.clone()), Show::default()).unwrap();
        let sample = Sample {
            name: text(&expected["name"]).unwrap(),
            session: &session,
            tree: &tree,
            is_clean: expected["grade"] == "clean",
        };
        if expected["grade"] == "unreadable" {
            sample.check_unreadable(&mut tally);
            continue;
        }
        let file = CompoundFile::open(Source::from_bytes(bytes)).unwrap();
        let message = session.open_message(&file.root()).unwrap();
        let place = sample.place("");
        let named = message.names().unwrap().len();
        tally.check(&place, "named_count", &expected["named_count"], named);
        let version = file.version();
        tally.check(&place, "version", &expected["container"]["version"], version);
        let clsid = file.root().clsid().to_string().to_lowercase();
        let clsid = clsid.trim_matches(['{', '}']);
        tally.check(&place, "clsid", &expected["container"]["clsid"], clsid);
        for one in expected["messages"].as_array().unwrap() {
            sample.check_message(&message, one, &mut tally);
        }
        drop(message);
        sample.check_files(&mut tally);
        assert_eq!(session.statistics().open_messages, 1, "{}", sample.name);
    }
    tally.finish();
}

/// A sample that is being compared.
struct Sample<'a> {
    name: &'a str,
    session: &'a Session,
    tree: &'a MessageTree,
    is_clean: bool,
}

impl<'a> Sample<'a> {
    fn place(&self, path: &'a str) -> Place<'a> {
        Place { file: self.name, path }
    }

    /// A file that is no message has nothing but its defect and itself.
    fn check_unreadable(&self, tally: &mut Tally) {
        let names = Browser::new(self.tree).names(NodeId(0));
        tally.check(&self.place(""), "unreadable", &Json::from("ERRORS message.msg"), names);
    }

    fn check_message(&self, top: &Message, expected: &'a Json, tally: &mut Tally) {
        let path = text(&expected["path"]).unwrap();
        let place = self.place(path);
        let message = embedded(top, path);
        let node = Browser::new(self.tree).embedded(path);
        self.check_headers(&message, node, expected, &place, tally);
        self.check_addresses(&message, node, expected, &place, tally);
        self.check_bodies(&message, node, expected, &place, tally);
        self.check_attachments(&message, node, expected, &place, tally);
        let mapi = self.tree.lookup(node, "mapi").unwrap().0;
        values::check(self.tree, mapi, &message, &expected["properties"], &place, tally);
        if !path.is_empty() {
            self.check_standalone(node, &place, tally);
        }
    }

    fn check_headers(
        &self,
        message: &Message,
        node: NodeId,
        expected: &Json,
        place: &Place<'_>,
        tally: &mut Tally,
    ) {
        let mut property = |field, name, tag| {
            tally.check(place, field, &expected[field], message.text(tag));
            let file = expected[field].as_str().map(|text| unix_lines(text) + "\n");
            tally.check(place, name, &Json::from(file), self.file_text(node, name));
        };
        property("class", "class", tags::PR_MESSAGE_CLASS);
        property("subject", "subject", tags::PR_SUBJECT);
        property("message_id", "message-id", tags::PR_INTERNET_MESSAGE_ID);
        for (field, tag) in [
            ("display_to", tags::PR_DISPLAY_TO),
            ("display_cc", tags::PR_DISPLAY_CC),
            ("display_bcc", tags::PR_DISPLAY_BCC),
        ] {
            tally.check(place, field, &expected[field], message.text(tag));
        }
        for (field, name, tag) in [
            ("submit_time", Some("date"), tags::PR_CLIENT_SUBMIT_TIME),
            ("delivery_time", Some("received"), tags::PR_MESSAGE_DELIVERY_TIME),
            ("creation_time", None, tags::PR_CREATION_TIME),
        ] {
            let time = expected[field].as_str().map(values::trimmed_time);
            let found = match message.salvage(tag).unwrap().value {
                Some(Value::Time(time)) if time.is_set() => Some(time.to_string()),
                _ => None,
            };
            tally.check(place, field, &Json::from(time.clone()), found);
            if let Some(name) = name {
                let file = self.file_text(node, name);
                tally.check(place, name, &Json::from(time.map(|time| time + "\n")), file);
            }
        }
        let headers = message.text(tags::PR_TRANSPORT_MESSAGE_HEADERS);
        let hash = self.file(node, "headers").map(sha256);
        tally.check(place, "headers", &expected["headers_sha256"], hash);
        tally.check(place, "has_headers", &expected["has_headers"], headers.is_some());
        let (_, strings) = message.property_set().unwrap();
        let page = strings.code_page().number();
        tally.check(place, "code page", &expected["codepage"]["used"], page);
    }

    fn check_addresses(
        &self,
        message: &Message,
        node: NodeId,
        expected: &Json,
        place: &Place<'_>,
        tally: &mut Tally,
    ) {
        for (field, found) in
            [("sender", Address::sender(message)), ("from", Address::sent_representing(message))]
        {
            let found = found.unwrap_or_default();
            let name = expected[field]["name"].as_str().unwrap_or_default();
            let address = expected[field]["smtp"].as_str().unwrap_or_default();
            tally.check(place, field, &Json::from(name), found.name);
            tally.check(place, field, &Json::from(address), found.address);
        }
        let recipients = message.recipients().unwrap();
        let wanted = expected["recipients"].as_array().unwrap();
        tally.check(place, "recipients", &Json::from(wanted.len()), recipients.len());
        for (wanted, recipient) in wanted.iter().zip(&recipients) {
            let found = Address::of_recipient(recipient).unwrap_or_default();
            let string = |value: &Json| Json::from(value.as_str().unwrap_or_default());
            tally.check(place, "recipient name", &string(&wanted["name"]), found.name);
            tally.check(place, "recipient address", &string(&wanted["address"]), found.address);
            let kind = format!("{:?}", recipient.recipient_type()).to_lowercase();
            let wanted_kind = wanted["type"].as_str().unwrap_or("to");
            tally.check(place, "recipient type", &Json::from(wanted_kind), kind);
            let number = recipient.number().unwrap();
            tally.check(place, "recipient storage", &wanted["storage"], number);
            self.check_recipient(recipient, node, wanted, place, tally);
        }
        for (kind, name) in [("to", "to"), ("cc", "cc"), ("bcc", "bcc")] {
            let of_kind = wanted.iter().filter(|one| one["type"].as_str().unwrap_or("to") == kind);
            let lines: String = of_kind.filter_map(address_line).collect();
            let file = Some(lines).filter(|lines| !lines.is_empty());
            tally.check(place, name, &Json::from(file), self.file_text(node, name));
        }
    }

    fn check_recipient(
        &self,
        recipient: &Recipient,
        node: NodeId,
        expected: &Json,
        place: &Place<'_>,
        tally: &mut Tally,
    ) {
        let path = format!("mapi/recipients/{}", recipient.number().unwrap());
        let mapi = Browser::new(self.tree).walk(node, &path).unwrap();
        values::check(self.tree, mapi, recipient, &expected["properties"], place, tally);
    }

    fn check_bodies(
        &self,
        message: &Message,
        node: NodeId,
        expected: &Json,
        place: &Place<'_>,
        tally: &mut Tally,
    ) {
        let body = &expected["body_text"];
        let found = self.file(node, "body.txt");
        // An empty body gives way to a text made of another one.
        if body["bytes"].as_u64().is_some_and(|bytes| bytes > 0) {
            let hash = match &body["utf16_in_string8"]["sha256"] {
                Json::Null => &body["sha256"],
                disguised => disguised,
            };
            tally.check(place, "body.txt", hash, found.map(sha256));
        } else if let Some(hash) = expected["rtf_text"]["nows_sha256"].as_str() {
            let found = found.map(|text| sha256(without_blanks(&String::from_utf8(text).unwrap())));
            tally.check(place, "body.txt of RTF", &Json::from(hash), found);
        }
        let rtf = match message.salvage(tags::PR_RTF_COMPRESSED).unwrap().value {
            Some(Value::Binary(stored)) => compressed_rtf::decompress(&stored).ok(),
            _ => None,
        };
        let hash = rtf.map(|decompressed| sha256(decompressed.rtf));
        tally.check(place, "rtf", &expected["rtf"]["sha256"], hash);
        let is_native = expected["rtf"]["kind"] == "native";
        let native = if is_native { &expected["rtf"]["sha256"] } else { &Json::Null };
        tally.check(place, "body.rtf", native, self.file(node, "body.rtf").map(sha256));
        self.check_html(node, expected, place, tally);
    }

    fn check_html(&self, node: NodeId, expected: &Json, place: &Place<'_>, tally: &mut Tally) {
        let found = self.file(node, "body.html");
        let source = text(&expected["html_source"]).unwrap();
        tally.check(place, "has html", &Json::from(source != "none"), found.is_some());
        let stored = match source {
            "PR_HTML" => "mapi/PR_HTML",
            "PR_BODY_HTML" => "mapi/PR_BODY_HTML",
            _ => "",
        };
        if !stored.is_empty() {
            let stored = Browser::new(self.tree).read(node, stored).map(sha256);
            tally.check(place, stored_field(source), &expected["html"]["sha256"], stored);
        }
        if source == "fromhtml"
            && let Some(found) = found
        {
            let found = unix_lines(&String::from_utf8(found).unwrap());
            let same_markup = expected["rtf_text"]["markup_sha256"] == sha256(&found);
            if same_markup {
                tally.agree("body.html, every byte");
            }
            let text = sha256(without_blanks(&text_of(&found)));
            tally.check(place, "body.html text", &expected["rtf_text"]["nows_sha256"], text);
        }
    }

    fn check_attachments(
        &self,
        message: &Message,
        node: NodeId,
        expected: &Json,
        place: &Place<'_>,
        tally: &mut Tally,
    ) {
        let numbers = message.attachments().unwrap();
        let wanted = expected["attachments"].as_array().unwrap();
        tally.check(place, "attachments", &Json::from(wanted.len()), numbers.len());
        let shown = self.tree.lookup(node, "attachments").ok();
        let shown = shown.map(|(node, _)| self.tree.list(node).unwrap());
        let mut shown = shown.iter().flat_map(|listing| listing.entries());
        for (wanted, number) in wanted.iter().zip(numbers) {
            let attachment = message.attachment(number).unwrap();
            tally.check(place, "attachment storage", &wanted["storage"], number);
            let method = attachment.integer(tags::PR_ATTACH_METHOD);
            tally.check(place, "attachment method", &wanted["method"], method);
            check_attachment_texts(&attachment, wanted, place, tally);
            let mapi = format!("mapi/attachments/{number}");
            let mapi = Browser::new(self.tree).walk(node, &mapi).unwrap();
            values::check(self.tree, mapi, &attachment, &wanted["properties"], place, tally);
            let kind = match attachment.method().unwrap() {
                AttachMethod::None => None,
                AttachMethod::EmbeddedMessage => Some("message"),
                AttachMethod::Storage => Some("storage"),
                AttachMethod::ByValue | AttachMethod::ByReference => Some("data"),
            };
            tally.check(place, "attachment content", &wanted["content"], kind);
            if wanted["content"].is_null() {
                continue;
            }
            let entry = shown.next().unwrap();
            if wanted["content"] == "data" {
                let data = read(self.tree, entry.id).unwrap();
                tally.check(place, "attachment size", &wanted["size"], data.len());
                tally.check(place, "attachment sha256", &wanted["sha256"], sha256(data));
            }
            if wanted["content"] == "storage" {
                let storage = attachment.content_storage().unwrap();
                check_object(&storage, wanted, place, tally);
                let made = Source::from_bytes(read(self.tree, entry.id).unwrap());
                check_object(&CompoundFile::open(made).unwrap().root(), wanted, place, tally);
            }
        }
        assert!(shown.next().is_none(), "{place}: more attachments shown than expected");
    }

    /// An embedded message written as a file of its own shows the same.
    fn check_standalone(&self, node: NodeId, place: &Place<'_>, tally: &mut Tally) {
        let bytes = Browser::new(self.tree).read(node, "message.msg").unwrap();
        let show = Show::default();
        let alone = MessageTree::open(self.session, Source::from_bytes(bytes), show).unwrap();
        let expected = Browser::new(self.tree).contents(node);
        let found = Browser::new(&alone).contents(NodeId(0));
        tally.check(place, "standalone", &Json::from(format!("{expected:?}")), format!("{found:?}"));
    }

    /// Every file can be read whole, to the size that its attributes say.
    fn check_files(&self, tally: &mut Tally) {
        for found in Browser::new(self.tree).everything(NodeId(0)) {
            let place = self.place("");
            match found.content {
                Ok(content) => {
                    tally.check(&place, "file size", &Json::from(found.size), content.len());
                }
                Err(_) if !self.is_clean => {}
                Err(error) => {
                    let error = format!("{}: {error}", found.path);
                    tally.check(&place, "file readable", &Json::Null, Some(error));
                }
            }
            if self.is_clean && found.path.ends_with("ERRORS") {
                let errors = read(self.tree, found.id).unwrap();
                let errors = String::from_utf8_lossy(&errors).into_owned();
                tally.check(&place, "no ERRORS", &Json::Null, Some(errors));
            }
        }
    }

    fn file(&self, node: NodeId, name: &str) -> Option<Vec<u8>> {
        Browser::new(self.tree).read(node, name)
    }

    fn file_text(&self, node: NodeId, name: &str) -> Option<String> {
        Some(String::from_utf8(self.file(node, name)?).unwrap())
    }
}

/// The message at `attachments/0/attachments/1`, say.
fn embedded(top: &Message, path: &str) -> Message {
    let indices = path.split('/').filter_map(|part| part.parse::<usize>().ok());
    indices.fold(top.clone(), |message, index| {
        let number = message.attachments().unwrap()[index];
        message.attachment(number).unwrap().embedded_message().unwrap()
    })
}

fn check_attachment_texts(
    attachment: &Attachment,
    expected: &Json,
    place: &Place<'_>,
    tally: &mut Tally,
) {
    let names = &expected["names"];
    for (field, wanted, tag) in [
        ("attachment long name", &names["long"], tags::PR_ATTACH_LONG_FILENAME),
        ("attachment short name", &names["short"], tags::PR_ATTACH_FILENAME),
        ("attachment display name", &names["display"], tags::PR_DISPLAY_NAME),
        ("attachment extension", &names["ext"], tags::PR_ATTACH_EXTENSION),
        ("attachment mime type", &expected["mime"], tags::PR_ATTACH_MIME_TAG),
        ("content location", &expected["content_location"], tags::PR_ATTACH_CONTENT_LOCATION),
    ] {
        tally.check(place, field, wanted, attachment.text(tag));
    }
    let content_id = attachment.text(tags::PR_ATTACH_CONTENT_ID);
    tally.check(place, "content id", &expected["content_id"], content_id);
    let hidden = attachment.property(tags::PR_ATTACHMENT_HIDDEN).ok();
    let hidden = hidden == Some(Value::Boolean(true));
    tally.check(place, "attachment hidden", &expected["hidden"], hidden);
    let flags = attachment.integer(tags::PR_ATTACH_FLAGS);
    tally.check(place, "attachment flags", &expected["flags_3714"], flags);
}

/// The streams of an OLE object.
fn check_object(storage: &Storage, expected: &Json, place: &Place<'_>, tally: &mut Tally) {
    let clsid = storage.clsid().to_string().to_lowercase();
    tally.check(place, "object class", &expected["clsid"], clsid.trim_matches(['{', '}']));
    let streams = storage.entries().filter_map(|entry| match entry {
        Entry::Stream(stream) => Some(stream),
        Entry::Storage(_) => None,
    });
    let mut found: Vec<Json> = streams
        .map(|stream| {
            let bytes = stream.read_all().unwrap();
            serde_json::json!([stream.name(), bytes.len(), sha256(bytes)])
        })
        .collect();
    let mut wanted = expected["streams"].as_array().unwrap().clone();
    found.sort_by_key(ToString::to_string);
    wanted.sort_by_key(ToString::to_string);
    tally.check(place, "object streams", &Json::from(wanted), Json::from(found));
}

fn stored_field(source: &str) -> &'static str {
    if source == "PR_HTML" { "mapi/PR_HTML" } else { "mapi/PR_BODY_HTML" }
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
        (name, address) => Some(format!("{name} <{address}>\n")),
    }
}

/// The text between the tags, as the other readers took it.
fn text_of(markup: &str) -> String {
    const HIDDEN: [(&str, &str); 4] =
        [("!--", "-->"), ("style", "</style>"), ("script", "</script>"), ("title", "</title>")];
    let lower = markup.to_ascii_lowercase();
    let (mut text, mut at) = (String::new(), 0);
    while let Some(begin) = lower[at..].find('<').map(|found| at + found) {
        text += &markup[at..begin];
        let hidden = HIDDEN.iter().find(|(name, _)| lower[begin + 1..].starts_with(name));
        let end = hidden.map_or(">", |(_, end)| end);
        at = lower[begin..].find(end).map_or(markup.len(), |found| begin + found + end.len());
    }
    // Without tags, only character references are left to decode.
    html::to_text(&(text + &markup[at..]))
}

fn without_blanks(text: &str) -> String {
    text.split_whitespace().collect()
}

fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn text(value: &Json) -> Option<&str> {
    value.as_str()
}

fn sha256(bytes: impl AsRef<[u8]>) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
