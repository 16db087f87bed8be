//! JSON as commands print it.

use std::io::{self, Write};

use outlook_msg::mail::is_harmful;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// Writes a value on one line. A terminal takes U+009B for the start of a command, which JSON may
/// hold as it is: characters that control a terminal or the direction of text are escaped.
pub(super) fn write_json(value: &impl Serialize, out: impl Write) -> io::Result<()> {
    value
        .serialize(&mut Serializer::with_formatter(out, HarmlessFormatter))
        .map_err(io::Error::from)
}

struct HarmlessFormatter;

impl Formatter for HarmlessFormatter {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((before, c, after)) = split_at_harmful(rest) {
            write!(out, "{before}\\u{:04x}", u32::from(c))?;
            rest = after;
        }
        out.write_all(rest.as_bytes())
    }
}

/// None of these characters is outside the basic plane, so each is one escape.
fn split_at_harmful(text: &str) -> Option<(&str, char, &str)> {
    let (before, rest) = text.split_at(text.find(is_harmful)?);
    let mut chars = rest.chars();
    let c = chars.next()?;
    Some((before, c, chars.as_str()))
}
