//! What \[MS-OXMSG\] allows and real writers do, and what is made of damage: values and defects.

mod containers;
mod contradictions;
mod damage;
mod fields;
mod guesses;
mod headers;
mod names;
mod parts;
mod recipients;
mod strings;
mod types;

use msgfs::imsg::{Access, MapiProp as _, Message, Session, SessionOptions};
use msgfs::mapi::{PropertyTag, Value};
use msgfs::storage::{CompoundFile, Source};
use msgfs::view::NodeId;

use crate::browse::{Browser, open as tree};

/// Opens the message in a file.
fn open(bytes: Vec<u8>) -> Message {
    open_with(bytes, SessionOptions::default())
}

fn open_with(bytes: Vec<u8>, options: SessionOptions) -> Message {
    let file = CompoundFile::open(Source::from_bytes(bytes)).unwrap();
    Session::open(options).open_message(&file.root(), Access::Read).unwrap()
}

/// The content of a file in the tree of a message.
fn file(bytes: Vec<u8>, path: &str) -> Option<String> {
    let content = Browser::new(&tree(bytes)).read(NodeId(0), path)?;
    Some(String::from_utf8(content).unwrap())
}

/// The lines of `ERRORS`; no line if there is no such file.
fn errors(bytes: Vec<u8>) -> Vec<String> {
    let errors = file(bytes, "ERRORS").unwrap_or_default();
    errors.lines().map(str::to_owned).collect()
}

fn value(message: &Message, tag: PropertyTag) -> Value {
    message.property(tag).unwrap()
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}
