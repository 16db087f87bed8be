//! Writes values of a message as lines of text for people.

use crate::imsg::Address;

use super::text::one_line;

/// One address per line, as `Name <address>`; `None` if there is no address.
pub fn address_lines(addresses: &[Address]) -> Option<Vec<u8>> {
    lines(addresses.iter().map(|one| one_line(&one.to_string())))
}

/// One value per line; `None` if there is no value.
pub fn lines(values: impl Iterator<Item = String>) -> Option<Vec<u8>> {
    let lines: String = values.map(|value| value + "\n").collect();
    (!lines.is_empty()).then(|| lines.into_bytes())
}
