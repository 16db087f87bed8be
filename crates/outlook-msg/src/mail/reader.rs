//! Values of a message as texts that people read, one a line.

use crate::imsg::Address;

use super::text::one_line;

/// One of the bodies, which can be made from one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFile {
    Text,
    Html,
    Rtf,
}

/// One address a line, as `Name <address>`; `None` without any address.
pub fn address_lines(addresses: &[Address]) -> Option<Vec<u8>> {
    lines(addresses.iter().map(|one| one_line(&one.to_string())))
}

/// One value a line; `None` without any value.
pub fn lines(values: impl Iterator<Item = String>) -> Option<Vec<u8>> {
    let lines: String = values.map(|value| value + "\n").collect();
    (!lines.is_empty()).then(|| lines.into_bytes())
}
