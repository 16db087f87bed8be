//! Checks while a file is being written whether the bytes so far can still become a value. Most
//! programs ignore errors of `close` but report those of `write`: bash, cp and tee do.

use std::str;

use crate::imsg::Address;
use crate::mapi::{CodePage, PropertyType, Value};

use super::super::bodies::BodyKind;
use super::super::error::Error;
use super::super::row::EditColumn;
use super::super::tree::MessageTree;
use super::place::{self, EditPlace, Key, PlaceKind, PropertyOwner};
use crate::mail::edit::addresses;
use crate::mail::edit::text_fields::A_SUBJECT;
use crate::mail::fields;

/// Checks the bytes of one file in the order in which they are written. No byte is looked at twice,
/// so many small writes take no longer than a large one.
///
/// Bytes that pass this check may still be no value; [`super::Editor::set`] decides.
#[derive(Debug)]
pub struct StartCheck {
    form: Form,
    /// The code page that the text must be in; `None` if it may have any characters.
    code_page: Option<CodePage>,
    /// How many bytes were checked so far.
    len: u64,
    /// The first bytes of a character whose other bytes are not written yet.
    partial: Vec<u8>,
    /// The last line, which has no end yet, if the form is checked line by line.
    line: String,
}

/// The form that the content of a file must have.
#[derive(Debug)]
pub(in crate::view) enum Form {
    /// Any bytes.
    Bytes,
    /// A file that begins with these.
    Magic(&'static [u8]),
    /// A text that the message stores as a string.
    Text,
    /// The subject, which is such a string.
    Subject,
    /// A string of one line; whether its line end was seen.
    OneLine { is_ended: bool },
    /// One of these words.
    Word(&'static [&'static str]),
    /// Addresses: those that the file shows now, how many were written, and at most how many.
    Addresses { shown: Vec<Address>, count: usize, count_max: usize },
    /// A value of a type that is written as text.
    Value(PropertyType),
    /// Several such values, one a line.
    Values(PropertyType),
}

/// The mark of a prefix of a subject, in UTF-8.
const PREFIX_MARK: &[u8] = &[fields::PREFIX_MARK as u8];
/// A value longer than this is checked only when it is complete.
const VALUE_BYTES_MAX: usize = 256;
/// Whether a text is in the code page is checked only if the file is not longer than this.
const ENCODED_BYTES_MAX: usize = 1 << 20;

impl StartCheck {
    /// A check of what is written to a file, from its first byte on.
    ///
    /// # Errors
    /// Where the message cannot be read.
    pub fn new(tree: &MessageTree, path: &str) -> Result<Self, Error> {
        let EditPlace { message, what } = place::place(tree, path)?;
        let code_page = match is_string(&what) {
            true => code_page(tree, path, &message)?,
            false => None,
        };
        let form = match what {
            PlaceKind::File(file) => match &file.edit {
                EditColumn::Text { form, .. } | EditColumn::Body { form, .. } => form(),
                EditColumn::Addresses { field, count_max } => Form::Addresses {
                    shown: field.addresses(&tree.objects.embedded(&message)?.message),
                    count: 0,
                    count_max: *count_max,
                },
                EditColumn::None => Form::Bytes,
            },
            PlaceKind::Property { key: Key::Tag(tag), .. } => of_property(tag.property_type()),
            PlaceKind::Property { key: Key::Named(_, property_type), .. } => {
                of_property(property_type)
            }
            _ => Form::Bytes,
        };
        Ok(Self { form, code_page, len: 0, partial: Vec::new(), line: String::new() })
    }

    /// How many bytes were checked: the offset at which the next ones begin.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether no byte was checked yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether any bytes are a value, so that no check is needed.
    pub fn is_unchecked(&self) -> bool {
        matches!(self.form, Form::Bytes)
    }

    /// Checks the next bytes.
    ///
    /// # Errors
    /// [`Error::Invalid`] or [`Error::Unmappable`] if no bytes that follow could make this a value.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let start = self.len;
        self.len = start.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        match self.form {
            Form::Bytes => return Ok(()),
            Form::Magic(magic) => return check_magic(magic, start, bytes),
            Form::Subject if start == 0 && bytes.starts_with(PREFIX_MARK) => {
                return Err(Error::invalid(A_SUBJECT));
            }
            _ => {}
        }
        let mut rest = std::mem::take(&mut self.partial);
        rest.extend_from_slice(bytes);
        let valid = match str::from_utf8(&rest) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Err(Error::invalid("text in UTF-8")),
        };
        self.partial = rest.split_off(valid);
        self.push_text(&String::from_utf8(rest).unwrap_or_default())
    }

    fn push_text(&mut self, text: &str) -> Result<(), Error> {
        match &mut self.form {
            Form::Bytes | Form::Magic(_) => Ok(()),
            Form::Text | Form::Subject => check_string(text, self.code_page),
            Form::OneLine { is_ended } => {
                if text.is_empty() {
                    return Ok(());
                }
                let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
                if *is_ended || line.contains('\r') || !rest.is_empty() {
                    return Err(Error::invalid("one line"));
                }
                *is_ended = line.len() < text.len();
                check_string(line, self.code_page)
            }
            Form::Word(_) | Form::Value(_) => {
                self.line.push_str(text);
                let is_start = match self.form {
                    Form::Word(words) => starts_word(&self.line, words),
                    Form::Value(property_type) => starts_value(&self.line, property_type),
                    _ => true,
                };
                is_start.then_some(()).ok_or_else(|| self.expected())
            }
            Form::Addresses { .. } | Form::Values(_) => self.push_lines(text),
        }
    }

    fn push_lines(&mut self, text: &str) -> Result<(), Error> {
        self.line.push_str(text);
        let Some(end) = self.line.rfind('\n') else { return self.check_last_line() };
        let last = self.line.split_off(end + 1);
        let lines = std::mem::replace(&mut self.line, last);
        match &mut self.form {
            Form::Addresses { shown, count, count_max } => {
                for line in lines.lines() {
                    let written = addresses::parse_line(line, shown)?;
                    *count += written.len();
                    // An address that the field has already stays as it is stored.
                    if !written.iter().all(|address| shown.contains(address)) {
                        check_characters(line, self.code_page)?;
                    }
                }
                if *count > *count_max {
                    return Err(Error::invalid("one address, as Name <name@example.org>"));
                }
            }
            Form::Values(one) => {
                let one = *one;
                let parsed = lines.lines().try_for_each(|line| Value::parse(one, line).map(drop));
                parsed.map_err(|_| self.expected())?;
            }
            _ => {}
        }
        self.check_last_line()
    }

    fn check_last_line(&self) -> Result<(), Error> {
        match self.form {
            Form::Values(one) if !starts_value(&self.line, one) => Err(self.expected()),
            _ => Ok(()),
        }
    }

    fn expected(&self) -> Error {
        match self.form {
            Form::Word(words) => Error::invalid(&format!("one of {}", words.join(", "))),
            Form::Value(property_type) | Form::Values(property_type) => {
                match Value::parse(property_type, "\u{1}") {
                    Err(error) => Error::Invalid { expected: error.to_string() },
                    Ok(_) => Error::invalid("another value"),
                }
            }
            _ => Error::invalid("another value"),
        }
    }
}

fn of_property(property_type: PropertyType) -> Form {
    match property_type.to_unicode() {
        PropertyType::STRING | PropertyType::MULTIPLE_STRING => Form::Text,
        property_type if property_type.is_binary() => Form::Bytes,
        PropertyType::MULTIPLE_BINARY => Form::Bytes,
        property_type => match property_type.of_one_value() {
            Some(one) => Form::Values(one),
            None => Form::Value(property_type),
        },
    }
}

fn check_magic(magic: &[u8], start: u64, bytes: &[u8]) -> Result<(), Error> {
    let seen = usize::try_from(start).unwrap_or(usize::MAX).min(magic.len());
    let wanted = magic.get(seen..).unwrap_or_default();
    let is_start = bytes.iter().zip(wanted).all(|(byte, wanted)| byte == wanted);
    is_start.then_some(()).ok_or_else(|| Error::invalid("RTF, which begins with {\\rtf"))
}

/// Whether a file stands for strings of the message itself.
fn is_string(what: &PlaceKind) -> bool {
    match what {
        PlaceKind::File(file) => match file.edit {
            EditColumn::Text { .. } | EditColumn::Addresses { .. } => true,
            EditColumn::Body { body, .. } => body == BodyKind::Text,
            EditColumn::None => false,
        },
        PlaceKind::Property { part: PropertyOwner::Message, .. } => true,
        _ => false,
    }
}

/// The code page that a text must be in: that of the message, if it stores 8-bit strings. `None` if
/// the file shows characters now that are not in the code page: what is guessed of a string that
/// was stored wrong may be written back.
fn code_page(tree: &MessageTree, path: &str, message: &[u32]) -> Result<Option<CodePage>, Error> {
    let Some(code_page) = tree.objects.embedded(message)?.message.string_code_page()? else {
        return Ok(None);
    };
    let Ok((id, _)) = tree.resolve(path) else { return Ok(Some(code_page)) };
    let Ok(shown) = tree.read(id, 0, ENCODED_BYTES_MAX + 1) else { return Ok(None) };
    let is_in_page = shown.len() <= ENCODED_BYTES_MAX
        && str::from_utf8(&shown).is_ok_and(|text| code_page.encode(text).is_some());
    Ok(is_in_page.then_some(code_page))
}

/// Refuses a NUL, because it ends a string: what is behind it would be lost. Refuses a character
/// that the message cannot store.
fn check_string(text: &str, code_page: Option<CodePage>) -> Result<(), Error> {
    match text.contains('\0') {
        true => Err(Error::invalid("text without NULs")),
        false => check_characters(text, code_page),
    }
}

fn check_characters(text: &str, code_page: Option<CodePage>) -> Result<(), Error> {
    let Some(code_page) = code_page.filter(|page| page.encode(text).is_none()) else {
        return Ok(());
    };
    let is_missing = |one: &char| code_page.encode(one.encode_utf8(&mut [0; 4])).is_none();
    let character = text.chars().find(is_missing).unwrap_or(char::REPLACEMENT_CHARACTER);
    Err(Error::Unmappable { character, code_page: code_page.number() })
}

/// Whether a text can become one of the words, with blanks around it.
fn starts_word(text: &str, words: &[&str]) -> bool {
    let word = text.trim_start();
    let is_ended = word.ends_with(char::is_whitespace);
    let word = word.trim_end();
    words.iter().any(|known| *known == word || (!is_ended && known.starts_with(word)))
}

/// Whether a text can become a value: because it is one, or because it is the start of one.
fn starts_value(text: &str, property_type: PropertyType) -> bool {
    let value = text.trim_start();
    if value.is_empty() || text.len() > VALUE_BYTES_MAX {
        return true;
    }
    let parses = |rest: &str| Value::parse(property_type, &format!("{value}{rest}")).is_ok();
    // The text, completed by the rest of a pattern that is longer than it.
    let completes = |pattern: &&str| pattern.get(value.len()..).is_some_and(parses);
    if parses("") || parses("0") {
        return true;
    }
    match property_type {
        PropertyType::BOOLEAN => ["true", "false"].iter().any(completes),
        PropertyType::FLOATING32 | PropertyType::FLOATING64 => {
            ["inf", "-inf", "infinity", "-infinity", "nan"].iter().any(completes)
        }
        PropertyType::ERROR_CODE => completes(&"0x0"),
        PropertyType::GUID => {
            const GUID: &str = "{00000000-0000-0000-0000-000000000000}";
            completes(&GUID) || completes(&GUID.trim_matches(['{', '}']))
        }
        // A time with a zone in brackets, or with a sign before the year, is checked when complete.
        PropertyType::TIME => {
            value.contains('[')
                || value.starts_with(['+', '-'])
                || completes(&"0x0")
                || TIMES.iter().any(completes)
                || ZONES.iter().any(|zone| parses(zone))
        }
        PropertyType::FLOATING_TIME => TIMES
            .iter()
            .map(|pattern| pattern.trim_end_matches('Z'))
            .any(|pattern| completes(&pattern)),
        _ => false,
    }
}

/// If a text is the start of a time, the rest of one of these completes it.
const TIMES: [&str; 4] =
    ["9999-10-10T10:10:10Z", "9999-01-01T01:01:01Z", "99991010T101010Z", "99990101T010101Z"];
/// What can complete a time that breaks off in its seconds or in its zone.
const ZONES: [&str; 7] = ["Z", "0Z", "00", ":00", "00:00", "0:00", "0"];

#[cfg(test)]
mod tests {
    use super::{PropertyType, starts_value, starts_word};

    #[track_caller]
    fn check(property_type: PropertyType, right: &[&str], wrong: &[&str]) {
        for text in right {
            for (end, _) in text.char_indices().chain([(text.len(), ' ')]) {
                let start = &text[..end];
                assert!(starts_value(start, property_type), "{start:?} of {text:?}");
            }
        }
        for text in wrong {
            assert!(!starts_value(text, property_type), "{text:?}");
        }
    }

    #[test]
    fn every_start_of_a_value_is_one() {
        check(
            PropertyType::INTEGER32,
            &["0\n", "-17\n", " 2147483647", "+5"],
            &["x", "1 2", "1.5"],
        );
        check(PropertyType::INTEGER16, &["-32768"], &["32768", "one"]);
        check(PropertyType::BOOLEAN, &["true\n", "false"], &["truth", "T", "1"]);
        check(PropertyType::FLOATING64, &["1.5e-7\n", "-inf", "NaN", "."], &["1,5", "e"]);
        check(PropertyType::CURRENCY, &["-12.3456"], &["1.23456", "a"]);
        check(PropertyType::ERROR_CODE, &["0x8004010F\n"], &["8004", "0xG"]);
        check(
            PropertyType::GUID,
            &["{00062008-0000-0000-C000-000000000046}", "6ed8da90-450b-101b-98da-00aa003f1305"],
            &["{G", "00062008-00000"],
        );
        check(PropertyType::FLOATING_TIME, &["2018-11-07T13:05:56", "25569.5"], &["yesterday"]);
    }

    #[test]
    fn every_start_of_a_time_is_one() {
        check(
            PropertyType::TIME,
            &[
                "2018-11-07T13:05:56Z\n",
                "2018-11-07 13:05:56.6300001Z",
                "2018-11-07T23:59:59+01:00",
                "2018-11-07T23:59:59.5-05:30",
                "1601-01-31T00:00:00Z",
                "2020-02-29T20:30:40Z",
                "0xFFFFFFFFFFFFFFFF",
            ],
            &["yesterday", "nonsense", "2018-13", "2018-02-3", "2018-11-07T3", "1600", "2018/11"],
        );
    }

    #[test]
    fn words_begin_as_they_do() {
        let words = ["low", "normal", "high"];
        for right in ["", " ", "l", "low", " high\n", "norm"] {
            assert!(starts_word(right, &words), "{right:?}");
        }
        for wrong in ["x", "lo ", "lowly", "nonsense", "7"] {
            assert!(!starts_word(wrong, &words), "{wrong:?}");
        }
    }
}
