//! What is damaged, inside of attachments, or made to take more than it is worth: all that can be
//! read is shown, all that cannot be is told, and memory follows the input.

mod bounds;
mod exports;
mod inside;
mod made;
mod told;
mod truncated;

use msgfs::mapi::{PropertyTag, Value, tags};
use msgfs::view::{MessageTree, NodeId};

use crate::browse::{Browser, open};
use crate::fixture::{AttachmentBuilder, MessageBuilder, Sectors, stream_name};

/// The end of a chain of sectors.
const END_OF_CHAIN: u32 = 0xFFFF_FFFE;

fn mail(subject: &str) -> MessageBuilder {
    MessageBuilder::mail(subject, ("Ann", "ann@example.org"), "2024-03-01T10:00:00Z").body("Text")
}

fn text(tree: &MessageTree, path: &str) -> String {
    let bytes = Browser::new(tree).read(NodeId(0), path);
    String::from_utf8(bytes.unwrap_or_else(|| panic!("no {path}"))).unwrap()
}

fn names(tree: &MessageTree, path: &str) -> String {
    let browser = Browser::new(tree);
    browser.names(browser.walk(NodeId(0), path).unwrap())
}

/// A message with an attachment of 100,000 bytes whose chain of sectors ends after 101.
fn with_cut_attachment() -> Vec<u8> {
    cut_stream(&mail("Cut").attach(file("a.bin", 100_000)), tags::PR_ATTACH_DATA_BIN, 100)
}

fn file(name: &str, len: usize) -> AttachmentBuilder {
    AttachmentBuilder::file(name, vec![9; len])
}

/// Ends the chain of the first stream of a property after so many sectors and one.
fn cut_stream(message: &MessageBuilder, tag: PropertyTag, sectors: u32) -> Vec<u8> {
    let mut file = Sectors::new(message.to_bytes());
    let first = file.first(&stream_name(tag));
    file.set_next(first + sectors, END_OF_CHAIN);
    file.bytes
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}
