//! What a file shows after it was set to some bytes: the contract of each kind of file, said once
//! more and in the simplest way.

use crate::random::Random;

/// The kinds of files of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Text with one newline behind it that is not part of the value; its line ends are shown as
    /// newlines.
    Line,
    /// The same, without line ends inside.
    Word,
    /// One address.
    Party,
    /// One address a line.
    Addresses,
    Importance,
    ReaderTime,
    /// One text a line.
    Lines,
    /// Text as it is, but for its line ends.
    Text,
    Html,
    /// Under `mapi/` from here on: text as it is.
    Exact,
    Integer,
    Boolean,
    Time,
    Bytes,
    Strings,
}

/// The files that are set, at their paths in a message.
pub(super) const FILES: [(&str, Form); 25] = [
    ("subject", Form::Line),
    ("from", Form::Party),
    ("sender", Form::Party),
    ("to", Form::Addresses),
    ("cc", Form::Addresses),
    ("bcc", Form::Addresses),
    ("reply-to", Form::Addresses),
    ("date", Form::ReaderTime),
    ("received", Form::ReaderTime),
    ("class", Form::Word),
    ("message-id", Form::Word),
    ("importance", Form::Importance),
    ("categories", Form::Lines),
    ("headers", Form::Text),
    (TEXT, Form::Text),
    (HTML, Form::Html),
    ("mapi/PR_COMMENT", Form::Exact),
    ("mapi/0x66A1001F", Form::Exact),
    ("mapi/0x66A20003", Form::Integer),
    ("mapi/0x66A30102", Form::Bytes),
    ("mapi/0x66A4000B", Form::Boolean),
    ("mapi/0x66A50040", Form::Time),
    ("mapi/0x66A6101F", Form::Strings),
    ("mapi/0x66A70014", Form::Integer),
    ("mapi/named/PS_PUBLIC_STRINGS/Colour", Form::Exact),
];

/// The bodies.
pub(super) const TEXT: &str = "body.txt";
pub(super) const HTML: &str = "body.html";

/// The bytes are no value of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// The characters that a message can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Characters {
    All,
    Windows1252,
}

impl Characters {
    pub(super) fn can_hold(self, text: &str) -> bool {
        self == Self::All || text.chars().all(|c| u32::from(c) < 0x100)
    }
}

impl Form {
    /// What the file shows after it was set to these bytes; `None` if there is none then.
    pub(super) fn shown(
        self,
        bytes: &[u8],
        characters: Characters,
    ) -> Result<Option<Vec<u8>>, Refused> {
        if self == Self::Bytes {
            return Ok(Some(bytes.to_vec()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Refused)?;
        let has_newline =
            matches!(self, Self::Line | Self::Word | Self::Importance | Self::ReaderTime);
        let value = text.strip_suffix('\n').filter(|_| has_newline).unwrap_or(text);
        // A NUL ends a string.
        if value.contains('\0') || !characters.can_hold(value) {
            return Err(Refused);
        }
        let unix_lines = || value.replace("\r\n", "\n").replace('\r', "\n");
        let shown = match self {
            _ if has_newline && !value.is_empty() => format!("{}\n", unix_lines()),
            Self::Text => unix_lines(),
            _ => value.to_owned(),
        };
        match self {
            _ if shown.is_empty() => Ok(None),
            Self::Importance if !["low\n", "normal\n", "high\n"].contains(&shown.as_str()) => {
                Err(Refused)
            }
            Self::Party | Self::Addresses if !shown.ends_with(">\n") => Err(Refused),
            Self::Integer if shown.trim_end().parse::<i32>().is_err() => Err(Refused),
            Self::Boolean if !["true\n", "false\n"].contains(&shown.as_str()) => Err(Refused),
            Self::Time | Self::ReaderTime if !shown.ends_with("Z\n") => Err(Refused),
            _ => Ok(Some(shown.into_bytes())),
        }
    }

    /// Whether the file may be changed anywhere and still is what it was.
    pub(super) fn is_free(self) -> bool {
        matches!(self, Self::Line | Self::Text | Self::Exact | Self::Bytes)
    }

    /// Bytes to set the file to; some of them are refused.
    pub(super) fn bytes(self, random: &mut Random) -> Vec<u8> {
        let count = random.below(3) + 1;
        let lines = |random: &mut Random, line: fn(&mut Random) -> String| -> String {
            (0..count).map(|_| line(random) + "\n").collect()
        };
        let is_wrong = random.one_in(15);
        match self {
            Self::Line => text(random, &[" ", " ", ": ", "\n"]) + "\n",
            Self::Word => word(random).to_owned() + "\n",
            Self::Party if is_wrong => "Name <".to_owned(),
            Self::Party => address(random) + "\n",
            Self::Addresses if is_wrong => "Name <\n".to_owned(),
            Self::Addresses => lines(random, address),
            Self::Importance if is_wrong => "urgent\n".to_owned(),
            Self::Importance => random.pick(&["low\n", "normal\n", "high\n"]).to_owned(),
            Self::Time | Self::ReaderTime if is_wrong => "yesterday\n".to_owned(),
            Self::Time | Self::ReaderTime => time(random) + "\n",
            Self::Lines | Self::Strings => lines(random, |random| text(random, &[" "])),
            Self::Text => text(random, &[" ", "\n", "\r\n", "\n\n", ": "]),
            Self::Html => {
                format!("<html><body><p>w{:X}</p></body></html>\n", random.below(1 << 30))
            }
            Self::Exact => text(random, &[" ", "\n", "\r\n", "\t"]),
            Self::Integer | Self::Boolean if is_wrong => "one\n".to_owned(),
            Self::Integer => format!("{}\n", random.below(1 << 20)),
            Self::Boolean => random.pick(&["true\n", "false\n"]).to_owned(),
            Self::Bytes => {
                let len = random.below(9000);
                return random.bytes(len);
            }
        }
        .into_bytes()
    }
}

/// The text in an HTML body of ours.
pub(super) fn word_in(html: &[u8]) -> &str {
    let html = std::str::from_utf8(html).unwrap();
    html.split_once("<p>").unwrap().1.split_once("</p>").unwrap().0
}

/// Words with these between them.
pub(super) fn text(random: &mut Random, between: &[&str]) -> String {
    let mut text = String::new();
    // Some values are too long for a small stream.
    let count = if random.one_in(10) { 700 } else { random.below(12) + 1 };
    for n in 0..count {
        if n > 0 {
            text.push_str(random.pick(between));
        }
        text.push_str(word(random));
    }
    text
}

fn word(random: &mut Random) -> &'static str {
    random.pick(&[
        "Quay",
        "crane",
        "of",
        "Älvsborg",
        "2024-11",
        "(draft)",
        "the",
        "harbour",
        "a",
        "IPM.Note",
        "Überfahrt",
        "10%",
        "見積書",
    ])
}

fn address(random: &mut Random) -> String {
    let name = random.pick(&["Ann Berg", "Bo Li", "Čeněk", "Dai", "O'Hara, Eve", "Örjan"]);
    format!("{name} <{}@example.{}>", random.below(30), random.pick(&["org", "com"]))
}

fn time(random: &mut Random) -> String {
    let fraction = random.pick(&["", ".5", ".1234567"]);
    format!(
        "20{:02}-0{}-1{}T0{}:{:02}:59{fraction}Z",
        random.below(90) + 10,
        random.below(9) + 1,
        random.below(10),
        random.below(10),
        random.below(60),
    )
}
