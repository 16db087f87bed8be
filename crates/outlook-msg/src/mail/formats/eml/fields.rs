//! The header fields of a message: those of its transport header, and those that are made from
//! properties.
//!
//! Knows no property; the module `properties` makes fields from them.

use std::collections::HashSet;

use crate::body::header::{HeaderLine, split_field};
use crate::imsg::{Address, HeaderField, TransportHeaders};
use crate::mail::values::text::without_backslashes;

use super::addresses::mailboxes;
use super::encode::{encoded_words, fold, free_text, phrase, single_line};

/// The most characters in a line of a header (RFC 5322 section 2.1.1).
const LINE_MAX: usize = 998;
/// A longer field is not parsed, because mail-parser may take a time that grows with the square of
/// the length.
const PARSED_MAX: usize = 64 << 10;
/// Exchange puts this line before the header. It is no field.
const EXCHANGE_LINE: &str = "Microsoft Mail Internet Headers Version 2.0";
/// Fields of addresses. In them, only names are encoded.
const ADDRESS_FIELDS: [&str; 14] = [
    "From",
    "Sender",
    "To",
    "Cc",
    "Bcc",
    "Reply-To",
    "Return-Path",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Resent-Cc",
    "Resent-Bcc",
    "Disposition-Notification-To",
    "Return-Receipt-To",
];

/// The header fields of a message, in order.
#[derive(Debug, Default)]
pub(super) struct HeaderFields {
    /// The fields, each with its line ends.
    fields: Vec<String>,
    /// Their names in lower case.
    names: HashSet<String>,
}

impl HeaderFields {
    /// Takes the fields of a transport header, without those that describe the MIME structure that
    /// the message had on its way. A stray line continues the field before it.
    pub(super) fn received(header: &str) -> Self {
        let mut fields = Self::default();
        let mut field = String::new();
        let lines = header.trim_start_matches(['\r', '\n', '\0']).split('\n');
        for line in lines.map(|line| line.strip_suffix('\r').unwrap_or(line)) {
            let line: String = line.chars().filter(|c| *c == '\t' || !c.is_control()).collect();
            match HeaderLine::of(&line) {
                HeaderLine::Empty => break,
                HeaderLine::Continuation if line.trim().is_empty() => {}
                HeaderLine::Continuation | HeaderLine::Stray if field.is_empty() => {}
                HeaderLine::Continuation => field = field + "\n" + &line,
                HeaderLine::Stray => field = field + "\n " + &line,
                HeaderLine::Field(..) => {
                    fields.receive(&field);
                    field = if line.starts_with(EXCHANGE_LINE) { String::new() } else { line };
                }
            }
        }
        fields.receive(&field);
        fields
    }

    /// Whether there is a field of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(&name.to_ascii_lowercase())
    }

    /// Whether there is no field at all.
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Adds a field whose value is encoded already, unless the value is empty or there is a field
    /// of this name.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        if !value.is_empty() && !self.has(name) {
            self.push(name, fold(name, value));
        }
    }

    /// Replaces the value of a field of which no program can read the present one.
    pub(super) fn repair(&mut self, name: &str, value: &str, is_readable: fn(&str) -> bool) {
        if value.is_empty() {
            return;
        }
        let of_name = |field: &&mut String| {
            split_field(field).is_some_and(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        let Some(field) = self.fields.iter_mut().find(of_name) else { return };
        let present = split_field(field).map(|(_, value)| value.replace("\r\n", ""));
        if !present.is_some_and(|value| is_readable(value.trim())) {
            *field = fold(name, value);
        }
    }

    /// Adds a field of free text, as [`HeaderFields::add`] does.
    pub(super) fn add_text(&mut self, name: &str, text: &str) {
        self.add(name, &free_text(name, text));
    }

    /// All fields with their line ends.
    pub(super) fn text(&self) -> String {
        self.fields.concat()
    }

    /// Adds a field of the transport header. LF separates its lines.
    fn receive(&mut self, field: &str) {
        let Some((name, value)) = split_field(field) else { return };
        if is_of_mime(name) {
            return;
        }
        let is_long = field.split('\n').any(|line| line.len() > LINE_MAX);
        let text = if field.is_ascii() && !is_long {
            // Few programs accept blanks before the colon, although RFC 5322 section 4.2 allows
            // them.
            format!("{name}:{}\r\n", value.replace('\n', "\r\n"))
        } else {
            let value = value.replace('\n', "");
            let value = value.trim();
            let is_address = ADDRESS_FIELDS.iter().any(|known| known.eq_ignore_ascii_case(name));
            let value = match (value.is_ascii(), is_address) {
                (true, _) => value.to_owned(),
                (false, true) => ascii_addresses(value),
                (false, false) => encoded_runs(name, value),
            };
            fold(name, &value)
        };
        self.push(name, text);
    }

    fn push(&mut self, name: &str, field: String) {
        self.names.insert(name.to_ascii_lowercase());
        self.fields.push(field);
    }
}

/// Whether a field describes the MIME structure of a message. The language and the class of the
/// content do not depend on the structure.
pub(super) fn is_of_mime(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let kept = ["content-language", "content-class", "content-identifier"];
    name == "mime-version" || name.starts_with("content-") && !kept.contains(&name.as_str())
}

/// Encodes the words from the first to the last one that is not ASCII.
fn encoded_runs(name: &str, value: &str) -> String {
    let Some(first) = value.find(|c: char| !c.is_ascii()) else { return value.to_owned() };
    let last = value.rfind(|c: char| !c.is_ascii()).unwrap_or(first);
    let start = value.get(..first).and_then(|before| before.rfind(' ')).map_or(0, |at| at + 1);
    let end =
        value.get(last..).and_then(|behind| behind.find(' ')).map_or(value.len(), |at| last + at);
    let part = |range| value.get::<std::ops::Range<usize>>(range).unwrap_or_default();
    let encoded = encoded_words(&single_line(part(start..end)), name.len() + 2);
    format!("{}{encoded}{}", part(0..start), part(end..value.len()))
}

/// The addresses of a field in ASCII.
fn ascii_addresses(value: &str) -> String {
    let encoded = encoded_addresses(value);
    if encoded.is_ascii() {
        return encoded;
    }
    // An address itself has other characters, so each of them is written anew.
    let addresses = mailboxes(&addresses_in(value).unwrap_or_default());
    if addresses.is_empty() { format!("{}:;", phrase(value)) } else { addresses }
}

/// The addresses in the value of a field; `None` if it is too long to be parsed.
pub(super) fn addresses_in(value: &str) -> Option<Vec<Address>> {
    let header = || TransportHeaders::parse(&format!("{}: {value}", HeaderField::To.name()));
    (value.len() <= PARSED_MAX).then(|| header().addresses(HeaderField::To))
}

/// Encodes quoted strings, comments and words that are not ASCII, but not the addresses in `<>`.
fn encoded_addresses(value: &str) -> String {
    let mut output = String::new();
    let mut rest = value;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => closing(rest, '"'),
            '<' => rest.find('>').map_or(rest.len(), |at| at + 1),
            ' ' | '\t' | ',' | ';' | ':' | '>' => first.len_utf8(),
            _ => rest.find(['"', '<', ',', ';']).unwrap_or(rest.len()),
        };
        let (token, behind) = rest.split_at(end);
        match first {
            _ if token.is_ascii() || first == '<' => output.push_str(token),
            '"' => output.push_str(&phrase(&unquoted(token))),
            // A bare address cannot be encoded.
            _ if token.contains('@') => output.push_str(token),
            _ => {
                output.push_str(&phrase(token));
                if token.ends_with(' ') {
                    output.push(' ');
                }
            }
        }
        rest = behind;
    }
    output
}

/// The length of the quoted string at the start of a text.
fn closing(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The text of a quoted string, whose last quote may be missing.
fn unquoted(token: &str) -> String {
    let inner = token.strip_prefix('"').unwrap_or(token);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    without_backslashes(inner)
}
