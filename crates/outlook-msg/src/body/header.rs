//! Splits the header of a mail into lines and fields (RFC 5322 section 2.2).

/// The kind of a header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderLine<'a> {
    /// The first line of a field: its name, and what follows the colon.
    Field(&'a str, &'a str),
    /// The line begins with a blank or a tab, so it continues the field before it.
    Continuation,
    /// The line belongs to no field. Exchange puts such a line before the header, and programs that
    /// fold lines wrongly produce others.
    Stray,
    /// An empty line. It ends the header, unless it comes before the first field.
    Empty,
}

impl<'a> HeaderLine<'a> {
    /// The kind of a line, which may have its line end or not.
    pub fn of(line: &'a str) -> Self {
        let line = line.trim_end_matches(['\r', '\n']);
        match split_field(line) {
            _ if line.is_empty() => Self::Empty,
            _ if line.starts_with([' ', '\t']) => Self::Continuation,
            Some((name, value)) => Self::Field(name, value),
            None => Self::Stray,
        }
    }
}

/// The name and the value of a field; `None` for a text that is no field. RFC 5322 section 4.2 lets
/// blanks stand before the colon.
pub fn split_field(field: &str) -> Option<(&str, &str)> {
    let (name, value) = field.split_once(':')?;
    let name = name.trim_end_matches([' ', '\t']);
    is_field_name(name).then_some((name, value))
}

/// Whether a text can be the name of a field (RFC 5322 section 3.6.8).
pub fn is_field_name(name: &str) -> bool {
    const NAME_BYTES_MAX: usize = 200;
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

#[cfg(test)]
mod tests {
    use super::HeaderLine;

    #[test]
    fn a_line_is_told_by_its_start() {
        for (line, expected) in [
            ("Subject: Lunch\r\n", HeaderLine::Field("Subject", " Lunch")),
            ("Subject :Lunch", HeaderLine::Field("Subject", "Lunch")),
            (" on: Friday\n", HeaderLine::Continuation),
            ("\tFriday", HeaderLine::Continuation),
            (" \r\n", HeaderLine::Continuation),
            ("Microsoft Mail Internet Headers Version 2.0", HeaderLine::Stray),
            ("two words: x", HeaderLine::Stray),
            (": x", HeaderLine::Stray),
            ("\r\n", HeaderLine::Empty),
        ] {
            assert_eq!(HeaderLine::of(line), expected, "{line:?}");
        }
    }
}
