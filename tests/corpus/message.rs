//! One message: its own values, and the files of the reader's view.

use msgfs::imsg::{Address, MapiProp as _, Message, PropertyNames, Session};
use msgfs::mapi::{Value, tags};
use msgfs::storage::Source;
use msgfs::view::{MessageTree, NodeId, Show};
use serde_json::{Value as Json, json};

use super::tally::{Place, Tally};
use super::values::{self, trimmed_time};
use super::{sha256, unix_lines};
use crate::browse::Browser;

/// A message as it was opened, and what is expected of it.
#[derive(Debug)]
pub(super) struct Compared<'a> {
    pub(super) session: &'a Session,
    pub(super) tree: &'a MessageTree,
    pub(super) names: &'a PropertyNames,
    pub(super) place: Place<'a>,
    pub(super) message: Message,
    pub(super) node: NodeId,
    pub(super) expected: &'a Json,
}

impl Compared<'_> {
    pub(super) fn check(&self, tally: &mut Tally) {
        self.check_texts(tally);
        self.check_times(tally);
        self.check_authors(tally);
        self.check_bodies(tally);
        self.check_recipients(tally);
        self.check_attachments(tally);
        let properties = &self.expected["properties"];
        values::check(self, self.walk("mapi"), &self.message, properties, tally);
        if !self.place.path.is_empty() {
            self.check_standalone(tally);
        }
    }

    pub(super) fn walk(&self, path: &str) -> NodeId {
        Browser::new(self.tree).walk(self.node, path).unwrap()
    }

    pub(super) fn file(&self, path: &str) -> Option<Vec<u8>> {
        Browser::new(self.tree).read(self.node, path)
    }

    pub(super) fn file_text(&self, path: &str) -> Option<String> {
        Some(String::from_utf8(self.file(path)?).unwrap())
    }

    fn check_texts(&self, tally: &mut Tally) {
        for (field, file, tag) in [
            ("class", Some("class"), tags::PR_MESSAGE_CLASS),
            ("subject", Some("subject"), tags::PR_SUBJECT),
            ("message_id", Some("message-id"), tags::PR_INTERNET_MESSAGE_ID),
            ("display_to", None, tags::PR_DISPLAY_TO),
            ("display_cc", None, tags::PR_DISPLAY_CC),
            ("display_bcc", None, tags::PR_DISPLAY_BCC),
        ] {
            let expected = &self.expected[field];
            tally.check(&self.place, field, expected, self.message.text(tag));
            if let Some(file) = file {
                let expected = expected.as_str().map(|text| unix_lines(text) + "\n");
                self.check_field(tally, file, expected);
            }
        }
        let headers = self.message.text(tags::PR_TRANSPORT_MESSAGE_HEADERS);
        tally.check(&self.place, "has headers", &self.expected["has_headers"], headers.is_some());
        let headers = self.file("headers").map(sha256);
        tally.check(&self.place, "headers", &self.expected["headers_sha256"], headers);
        let (_, strings) = self.message.property_set().unwrap();
        let page = strings.code_page().number();
        tally.check(&self.place, "code page", &self.expected["codepage"]["used"], page);
    }

    fn check_times(&self, tally: &mut Tally) {
        for (field, file, tag) in [
            ("submit_time", Some("date"), tags::PR_CLIENT_SUBMIT_TIME),
            ("delivery_time", Some("received"), tags::PR_MESSAGE_DELIVERY_TIME),
            ("creation_time", None, tags::PR_CREATION_TIME),
        ] {
            let expected = self.expected[field].as_str().map(trimmed_time);
            let found = match self.message.salvage(tag).unwrap().value {
                Some(Value::Time(time)) if time.is_set() => Some(time.to_string()),
                _ => None,
            };
            tally.check(&self.place, field, &json!(expected), found);
            if let Some(file) = file {
                let expected = expected.map(|time| time + "\n");
                self.check_field(tally, file, expected);
            }
        }
    }

    /// A field without a property may be taken from the header.
    fn check_field(&self, tally: &mut Tally, file: &'static str, expected: Option<String>) {
        let found = self.file_text(file);
        let headers = self.message.text(tags::PR_TRANSPORT_MESSAGE_HEADERS).unwrap_or_default();
        let name = if file == "class" { "" } else { file };
        let has_field = headers.lines().any(|line| {
            let field = line.split(':').next().unwrap_or_default();
            field.trim().eq_ignore_ascii_case(name)
        });
        if expected.is_some() || found.is_none() || !has_field {
            tally.check(&self.place, file, &json!(expected), found);
        } else {
            tally.agree("field of the header");
        }
    }

    fn check_authors(&self, tally: &mut Tally) {
        for (field, found) in [
            ("sender", Address::sender(&self.message)),
            ("from", Address::sent_representing(&self.message)),
        ] {
            let found = found.unwrap_or_default();
            let expected = &self.expected[field];
            tally.check(&self.place, field, &or_nothing(&expected["name"]), found.name);
            let address = expected["smtp"].as_str().unwrap_or_default();
            if address.starts_with('/') && found.address.contains('@') {
                // The other reader knows what the party itself has, and not the rest of the message.
                tally.agree("SMTP address of an X.500 name");
                continue;
            }
            tally.check(&self.place, field, &or_nothing(&expected["smtp"]), found.address);
        }
    }

    /// An embedded message written as a file of its own shows the same.
    fn check_standalone(&self, tally: &mut Tally) {
        let source = Source::from_bytes(self.file("message.msg").unwrap());
        let alone = MessageTree::open(self.session, source, Show::default()).unwrap();
        // An exception has the UID of the series around it, which a file of its own lacks.
        let class = self.message.text(tags::PR_MESSAGE_CLASS).unwrap_or_default();
        let is_exception = class.starts_with("IPM.OLE.CLASS.");
        let contents = |browser: Browser<'_>, node| {
            let mut contents = browser.contents(node);
            contents.retain(|(path, _)| !is_exception || path != "event.ics");
            contents
        };
        let expected = contents(Browser::new(self.tree), self.node);
        let found = contents(Browser::new(&alone), NodeId(0));
        tally.check(&self.place, "standalone file", &json!(expected), json!(found));
    }
}

/// A string that is missing is an empty one.
pub(super) fn or_nothing(text: &Json) -> Json {
    json!(text.as_str().unwrap_or_default())
}
