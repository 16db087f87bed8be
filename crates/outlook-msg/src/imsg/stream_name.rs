//! The names of the streams and storages of a message (\[MS-OXMSG\] 2.1.3, 2.2).

use crate::mapi::{PropertyTag, tags};

/// The name of the stream of a value, of which the digits of the tag are known when this is
/// compiled.
macro_rules! value_name {
    ($tag:literal) => {
        concat!("__substg1.0_", $tag)
    };
}
pub(super) use value_name;

/// What the name of every value begins with.
pub(super) const VALUE_PREFIX: &str = value_name!("");

/// The name of the stream or storage of a value: [`VALUE_PREFIX`] and the tag in hexadecimal. `-` and
/// an index follow for one value of a multi-valued property (\[MS-OXMSG\] 2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StreamName {
    pub(super) tag: PropertyTag,
    pub(super) index: Option<u32>,
}

impl StreamName {
    /// Whether a name begins like that of a value, even if the rest is wrong.
    pub(super) fn is_meant(name: &str) -> bool {
        begins(name, VALUE_PREFIX)
    }

    /// Parses a name. Its hexadecimal digits may have either case.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (prefix, rest) = name.split_at_checked(VALUE_PREFIX.len())?;
        // Nearly every name has the prefix as it is specified, and that is quickly seen.
        if prefix != VALUE_PREFIX && !prefix.eq_ignore_ascii_case(VALUE_PREFIX) {
            return None;
        }
        let (tag, index) = match rest.split_at_checked(8)? {
            (tag, "") => (tag, None),
            (tag, index) => (tag, Some(hex8(index.strip_prefix('-')?)?)),
        };
        Some(Self { tag: PropertyTag(hex8(tag)?), index })
    }
}

/// The name of the stream or storage of a value.
pub(super) fn stream_name(tag: PropertyTag) -> String {
    format!("{VALUE_PREFIX}{:08X}", tag.0)
}

/// Whether this is the name of the storage or stream with the value of a property.
pub fn is_value_of(name: &str, tag: PropertyTag) -> bool {
    StreamName::parse(name) == Some(StreamName { tag, index: None })
}

/// The storage of the map of named properties, only in the root of a file.
pub(super) const NAMEID_STORAGE: &str = "__nameid_version1.0";
pub(super) const RECIPIENT_PREFIX: &str = "__recip_version1.0_#";
pub(super) const ATTACHMENT_PREFIX: &str = "__attach_version1.0_#";

/// Whether this is the name of the storage of an attachment.
pub fn is_attachment(name: &str) -> bool {
    numbered(name, ATTACHMENT_PREFIX).is_some()
}

/// Whether a damaged place of a message may be of an attachment. A property of a message itself is
/// not, nor is a recipient, nor the list of the names of properties.
pub fn may_be_of_attachment(place: &str) -> bool {
    let mut is_property = false;
    for name in place.rsplit('/') {
        is_property |= name.starts_with("0x");
        if begins(name, RECIPIENT_PREFIX) || begins(name, NAMEID_STORAGE) {
            return false;
        }
        if begins(name, ATTACHMENT_PREFIX) {
            return true;
        }
        if is_value_of(name, tags::PR_ATTACH_DATA_OBJ) {
            break;
        }
    }
    !is_property
}

/// The number in the name of a recipient or attachment; `Some(None)` if the name has no valid
/// number, `None` for any other name.
pub(super) fn part_number(name: &str) -> Option<Option<u32>> {
    let prefixes = [RECIPIENT_PREFIX, ATTACHMENT_PREFIX];
    let prefix = prefixes.into_iter().find(|prefix| begins(name, prefix))?;
    Some(numbered(name, prefix))
}

fn begins(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// The number after `prefix`, which are 8 hexadecimal digits; `None` if the name has another form.
pub(super) fn numbered(name: &str, prefix: &str) -> Option<u32> {
    let (head, number) = name.split_at_checked(prefix.len())?;
    if head.eq_ignore_ascii_case(prefix) { hex8(number) } else { None }
}

/// The number that 8 hexadecimal digits stand for; `None` for anything else.
fn hex8(digits: &str) -> Option<u32> {
    let digits: &[u8; 8] = digits.as_bytes().try_into().ok()?;
    digits.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::may_be_of_attachment;

    #[test]
    fn places_that_may_be_of_an_attachment() {
        const ATTACHMENT: &str = "/__attach_version1.0_#00000001";
        let embedded = format!("{ATTACHMENT}/__substg1.0_3701000D");
        for (place, expected) in [
            ("/0x0037001F".to_owned(), false),
            ("/__recip_version1.0_#00000000/0x3001001F".to_owned(), false),
            ("/__nameid_version1.0".to_owned(), false),
            ("/".to_owned(), true),
            ("mini stream".to_owned(), true),
            (format!("{ATTACHMENT}/0x37010102"), true),
            (format!("{ATTACHMENT}/signed/"), true),
            (format!("{embedded}/0x1000001F"), false),
            (format!("{embedded}/__recip_version1.0_#00000000/0x3001001F"), false),
            (embedded, true),
        ] {
            assert_eq!(may_be_of_attachment(&place), expected, "{place}");
        }
    }
}
