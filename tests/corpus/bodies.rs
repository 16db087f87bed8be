//! The bodies of one message.

use msgfs::body::html::Remote;
use msgfs::body::{compressed_rtf, html};
use msgfs::imsg::MapiProp as _;
use msgfs::mail::bodies::Bodies;
use msgfs::mapi::{Value, tags};
use serde_json::{Value as Json, json};

use super::message::Compared;
use super::tally::Tally;
use super::{sha256, unix_lines};

impl Compared<'_> {
    pub(super) fn check_bodies(&self, tally: &mut Tally) {
        self.check_text(tally);
        let rtf = match self.message.salvage(tags::PR_RTF_COMPRESSED).unwrap().value {
            Some(Value::Binary(stored)) => compressed_rtf::decompress(&stored).ok(),
            _ => None,
        };
        let expected = &self.expected["rtf"];
        let rtf = rtf.map(sha256);
        tally.check(&self.place, "rtf", &expected["sha256"], rtf);
        let native = if expected["kind"] == "native" { &expected["sha256"] } else { &Json::Null };
        tally.check(&self.place, "body.rtf", native, self.file("body.rtf").map(sha256));
        self.check_html(tally);
    }

    fn check_text(&self, tally: &mut Tally) {
        let (body, rtf) = (&self.expected["body_text"], &self.expected["rtf_text"]);
        let found = self.file("body.txt");
        // Blanks alone are no body beside another one.
        let stored = self.message.text(tags::PR_BODY).unwrap_or_default();
        let is_stored = body["bytes"].as_u64().is_some_and(|bytes| bytes > 0);
        if is_stored && stored.trim().is_empty() && self.file("body.html").is_some() {
            return;
        }
        if is_stored {
            let disguised = &body["utf16_in_string8"]["sha256"];
            let expected = if disguised.is_null() { &body["sha256"] } else { disguised };
            tally.check(&self.place, "body.txt", expected, found.map(sha256));
        } else if rtf["nows_sha256"].is_string() {
            // An empty body gives way to a text that is made of another one.
            let found = String::from_utf8(found.unwrap_or_default()).unwrap();
            let found = sha256(without_blanks(&found));
            tally.check(&self.place, "body.txt made of RTF", &rtf["nows_sha256"], found);
        }
    }

    /// What is shown and written back unchanged is as it was, but for the charset it declares.
    fn check_undone(&self, tally: &mut Tally) {
        let bodies = Bodies::new(&self.message);
        let mailed = bodies.mailed_html(&|_| None);
        for remote in [Remote::Blocked, Remote::Allowed] {
            let shown = bodies.html(&|_| None, remote);
            let undone = shown.as_deref().map(html::undo);
            tally.check(&self.place, "body.html undone", &json!(mailed), undone);
        }
    }

    fn check_html(&self, tally: &mut Tally) {
        self.check_undone(tally);
        let found = self.file_text("body.html").map(|html| html::undo(&html));
        let source = self.expected["html_source"].as_str().unwrap();
        tally.check(&self.place, "has body.html", &json!(source != "none"), found.is_some());
        let stored = &self.expected["html"]["sha256"];
        let rtf = &self.expected["rtf_text"];
        match (source, found) {
            ("PR_HTML", _) => {
                let found = self.file("mapi/PR_HTML").map(sha256);
                tally.check(&self.place, "mapi/PR_HTML", stored, found);
            }
            ("PR_BODY_HTML", _) => {
                let found = self.file("mapi/PR_BODY_HTML").map(sha256);
                tally.check(&self.place, "mapi/PR_BODY_HTML", stored, found);
            }
            ("fromhtml", Some(found)) => {
                let found = unix_lines(&found);
                // References to attachments and the declared charset are rewritten.
                if rtf["markup_sha256"] == sha256(&found) {
                    tally.agree("body.html, every byte");
                }
                let text = sha256(without_blanks(&text_of(&found)));
                tally.check(&self.place, "text of body.html", &rtf["nows_sha256"], text);
            }
            _ => {}
        }
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
    html::to_text(&(text + &markup[at..]), &|_| None)
}

fn without_blanks(text: &str) -> String {
    text.split_whitespace().collect()
}
