//! A name and an address, and the EntryIDs that contain both (\[MS-OXCDATA\] 2.2.5.1, 2.3.3).

use std::fmt;

use crate::mapi::CodePage;
use crate::mapi::utf16::decode_utf16;

/// A name and an address, either of which may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The display name; may be empty.
    pub name: String,
    /// The SMTP address if there is one, else the stored address, such as an X.500 name; may be
    /// empty.
    pub address: String,
}

impl Address {
    /// An address with its display name, which may be empty.
    ///
    /// ```
    /// use outlook_msg::mail::Address;
    ///
    /// let ann = Address::new("Ann", "ann@example.org");
    /// assert_eq!(ann.to_string(), "Ann <ann@example.org>");
    /// ```
    #[must_use]
    pub fn new(name: impl Into<String>, address: impl Into<String>) -> Self {
        Self { name: name.into(), address: address.into() }
    }

    /// The name to show beside the address: `None` if there is none, or if it only repeats the
    /// address, as mail programs write it for people of whom they know no name. A word that would
    /// alone be read as a name is shown as both.
    ///
    /// ```
    /// use outlook_msg::mail::Address;
    ///
    /// assert_eq!(Address::new("Ann", "ann@example.org").shown_name(), Some("Ann"));
    /// assert_eq!(Address::new("'Ann@example.org'", "ann@example.org").shown_name(), None);
    /// ```
    #[must_use]
    pub fn shown_name(&self) -> Option<&str> {
        let name = self.name.trim();
        let bare = name.trim_matches(['\'', '"']);
        let repeats = bare.eq_ignore_ascii_case(self.address.trim());
        let is_address = self.address.contains('@') || is_x500(&self.address);
        let is_left_out = name.is_empty() || (repeats && is_address);
        (!is_left_out).then_some(name)
    }

    /// The name that is shown: the display name, else the address.
    pub(crate) fn name_or_address(&self) -> &str {
        if self.name.is_empty() { &self.address } else { &self.name }
    }

    /// The type of the address as it is stored (`PR_ADDRTYPE`): a name in an Exchange organization,
    /// or the address of a mail, also if that is incomplete.
    pub(crate) fn address_type(&self) -> &'static str {
        if is_x500(&self.address) { EXCHANGE } else { SMTP }
    }

    /// Whether the address is stored as that of a mail.
    pub(crate) fn is_smtp(&self) -> bool {
        self.address_type() == SMTP
    }

    /// Whether it is an address of a mail. The domain `invalid` has none: msgfs writes what is no
    /// address, such as an X.500 name, into it.
    pub(crate) fn is_mail(&self) -> bool {
        self.is_smtp() && self.address.contains('@') && !self.address.ends_with("@invalid")
    }

    /// Its one-off EntryID (\[MS-OXCDATA\] 2.2.5.1).
    pub fn to_one_off_entry_id(&self) -> Vec<u8> {
        one_off_entry_id(self.name_or_address(), self.address_type(), &self.address)
    }

    /// A person of whom only the name is known.
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}

impl fmt::Display for Address {
    /// `Name <address>`, or only the name or the address if the other one is missing, or if both are
    /// the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.shown_name(), self.address.as_str()) {
            (_, "") => f.write_str(&self.name),
            (None, address) => f.write_str(address),
            (Some(_), address) => write!(f, "{} <{address}>", self.name),
        }
    }
}

/// Whether two display names are one but for case, blanks, and the order of their words, such as in
/// `Lee, Ann`.
pub(super) fn is_same_name(one: &str, other: &str) -> bool {
    words(one) == words(other)
}

fn words(name: &str) -> Vec<String> {
    let words = name.split(|letter: char| !letter.is_alphanumeric());
    let mut words: Vec<_> = words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    words.sort_unstable();
    words
}

/// The types of addresses (\[MS-OXCDATA\] 2.2.5.1).
const SMTP: &str = "SMTP";
const EXCHANGE: &str = "EX";

/// Whether an address is a name in an Exchange organization: `/o=Example/cn=ann`. A gateway to X.400
/// has mail addresses that begin like other such names: `/S=Lee/O=Example/@example.org`.
pub(super) fn is_x500(address: &str) -> bool {
    let is_organization = address.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("/o="));
    is_organization || address.starts_with('/') && address.contains('=') && !address.contains('@')
}

/// The provider UID of one-off EntryIDs (\[MS-OXCDATA\] 2.2.5.1).
const ONE_OFF_PROVIDER: [u8; 16] = [
    0x81, 0x2B, 0x1F, 0xA4, 0xBE, 0xA3, 0x10, 0x19, 0x9D, 0x6E, 0x00, 0xDD, 0x01, 0x0F, 0x54, 0x02,
];
/// `MAPI_ONE_OFF_UNICODE`: the strings are UTF-16LE.
const ONE_OFF_UNICODE: u16 = 0x8000;

/// `MAPI_ONE_OFF_UNICODE`, `MAPI_ONE_OFF_NO_RICH_INFO`, and the flag that the address is not looked
/// up in an address book.
const ONE_OFF_FLAGS: u16 = 0x9001;

/// Encodes a one-off EntryID with Unicode strings, which [`one_off`] decodes.
pub(super) fn one_off_entry_id(name: &str, address_type: &str, address: &str) -> Vec<u8> {
    let strings = format!("{name}\0{address_type}\0{address}\0");
    let strings = strings.encode_utf16().flat_map(u16::to_le_bytes);
    let (flags, version) = ([0; 4], [0; 2]);
    let head = flags.into_iter().chain(ONE_OFF_PROVIDER).chain(version);
    head.chain(ONE_OFF_FLAGS.to_le_bytes()).chain(strings).collect()
}

/// Decodes a one-off EntryID (\[MS-OXCDATA\] 2.2.5.1).
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | flags |
/// | 4 | 16 | provider |
/// | 20 | 2 | version |
/// | 22 | 2 | flags |
/// | 24 | | name, address type, address, each closed by a NUL |
pub(super) fn one_off(entry_id: &[u8]) -> Option<Address> {
    let (_, rest) = entry_id.split_first_chunk::<4>()?;
    let (provider, rest) = rest.split_first_chunk::<16>()?;
    let ([_, _, f0, f1], strings) = rest.split_first_chunk::<4>()?;
    if *provider != ONE_OFF_PROVIDER {
        return None;
    }
    let unicode = u16::from_le_bytes([*f0, *f1]) & ONE_OFF_UNICODE != 0;
    let text = if unicode {
        decode_utf16(strings)
    } else {
        CodePage::WINDOWS_1252.decode(strings).into_owned()
    };
    let mut strings = text.split('\0');
    let (name, _address_type) = (strings.next()?, strings.next()?);
    Some(Address { name: name.to_owned(), address: strings.next()?.to_owned() })
}

/// Encodes a FlatEntryList of one-off EntryIDs (\[MS-OXCDATA\] 2.3.3), which `flat_entry_list`
/// decodes.
pub fn flat_entry_list_of(addresses: &[Address]) -> Vec<u8> {
    let number = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    let mut entries = Vec::new();
    for address in addresses {
        let entry_id = one_off_entry_id(&address.name, address.address_type(), &address.address);
        entries.extend(number(entry_id.len()));
        entries.extend(entry_id);
        entries.resize(entries.len().next_multiple_of(4), 0);
    }
    [number(addresses.len()).as_slice(), &number(entries.len()), &entries].concat()
}

#[cfg(test)]
mod tests {
    use super::{Address, ONE_OFF_PROVIDER, one_off};

    fn one_off_entry_id(flags: u16, strings: &[u8]) -> Vec<u8> {
        let mut entry_id = vec![0; 4];
        entry_id.extend(ONE_OFF_PROVIDER);
        entry_id.extend([0, 0]);
        entry_id.extend(flags.to_le_bytes());
        entry_id.extend(strings);
        entry_id
    }

    fn address(name: &str, address: &str) -> Address {
        Address { name: name.to_owned(), address: address.to_owned() }
    }

    #[test]
    fn x_500_names_are_told_from_others() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Address::new("", text).address_type(), expected, "{text}");
        };
        check("/O=EXAMPLE/CN=ANN@HOME", "EX");
        check("/o=Example/cn=ann", "EX");
        check("ann=lee@example.org", "SMTP");
        check("ann", "SMTP");
        check("/root", "SMTP");
        check("/cn=Recipients/cn=ann", "EX");
        check("/S=Lee/O=Example/@example.org", "SMTP");
    }

    #[test]
    fn one_off_entry_ids() {
        let ansi = one_off_entry_id(1, b"Ann\0SMTP\0ann@example.org\0");
        assert_eq!(one_off(&ansi), Some(address("Ann", "ann@example.org")));
        let text: Vec<u8> =
            "Zoë\0SMTP\0zoe@example.org\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let unicode = one_off_entry_id(0x9001, &text);
        assert_eq!(one_off(&unicode), Some(address("Zoë", "zoe@example.org")));
        assert_eq!(one_off(&ansi[..30]), None);
        assert_eq!(one_off(b""), None);
    }

    #[test]
    fn a_name_that_is_the_address_is_not_shown() {
        let check = |name: &str, one: &str, expected: &str| {
            assert_eq!(address(name, one).to_string(), expected);
        };
        check("Ann", "ann@example.org", "Ann <ann@example.org>");
        check("ann@example.org", "ann@example.org", "ann@example.org");
        check("'Ann@Example.org' ", "ann@example.org", "ann@example.org");
        check(" ", "ann@example.org", "ann@example.org");
        check("ann@example.org", "", "ann@example.org");
        check("ann@example.com", "ann@example.org", "ann@example.com <ann@example.org>");
        check("", "", "");
    }
}
