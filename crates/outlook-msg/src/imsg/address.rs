//! Who wrote and received a message: names and addresses out of the properties that hold them.

use std::fmt;

use mail_parser::MessageParser;

use crate::mapi::{CodePage, PropertyTag, Value, tags};

use super::message::Message;
use super::properties::MapiProp;
use super::recipient::{Recipient, RecipientType};
use super::value::decode_utf16;

/// A name and an address, either of which may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The display name, or nothing.
    pub name: String,
    /// The SMTP address if there is one, else the address as it is (an X.500 name, say).
    pub address: String,
}

/// The properties that hold one party of a message.
struct Party {
    name: PropertyTag,
    smtp_address: PropertyTag,
    address_type: PropertyTag,
    address: PropertyTag,
    entry_ids: &'static [PropertyTag],
}

const SENDER: Party = Party {
    name: tags::PR_SENDER_NAME,
    smtp_address: tags::PR_SENDER_SMTP_ADDRESS,
    address_type: tags::PR_SENDER_ADDRTYPE,
    address: tags::PR_SENDER_EMAIL_ADDRESS,
    entry_ids: &[tags::PR_SENDER_ENTRYID],
};

const SENT_REPRESENTING: Party = Party {
    name: tags::PR_SENT_REPRESENTING_NAME,
    smtp_address: tags::PR_SENT_REPRESENTING_SMTP_ADDRESS,
    address_type: tags::PR_SENT_REPRESENTING_ADDRTYPE,
    address: tags::PR_SENT_REPRESENTING_EMAIL_ADDRESS,
    entry_ids: &[tags::PR_SENT_REPRESENTING_ENTRYID],
};

const RECIPIENT: Party = Party {
    name: tags::PR_DISPLAY_NAME,
    smtp_address: tags::PR_SMTP_ADDRESS,
    address_type: tags::PR_ADDRTYPE,
    address: tags::PR_EMAIL_ADDRESS,
    entry_ids: &[tags::PR_ENTRYID, tags::PR_RECIPIENT_ENTRYID],
};

impl Address {
    /// Who sent the message (`PR_SENDER_*`).
    pub fn sender(message: &Message) -> Option<Self> {
        Self::of_party(message, &SENDER, Some(message))
    }

    /// On whose behalf it was sent (`PR_SENT_REPRESENTING_*`).
    pub fn sent_representing(message: &Message) -> Option<Self> {
        Self::of_party(message, &SENT_REPRESENTING, Some(message))
    }

    /// The address of a recipient.
    pub fn of_recipient(recipient: &Recipient) -> Option<Self> {
        Self::of_party(recipient, &RECIPIENT, None)
    }

    /// The recipients of one type, in the order of the message.
    pub fn of_recipients(message: &Message, wanted: RecipientType) -> Vec<Self> {
        let recipients = message.recipients().unwrap_or_default();
        let wanted = recipients.iter().filter(|one| one.recipient_type() == wanted);
        wanted.filter_map(Self::of_recipient).collect()
    }

    /// The party of a one-off EntryID.
    pub fn of_entry_id(message: &Message, tag: PropertyTag) -> Option<Self> {
        match message.salvage(tag).ok()?.value? {
            Value::Binary(entry_id) => one_off(&entry_id),
            _ => None,
        }
    }

    /// The one-off EntryID of an SMTP address (\[MS-OXCDATA\] 2.2.5.1).
    pub fn to_one_off_entry_id(&self) -> Vec<u8> {
        let name = if self.name.is_empty() { &self.address } else { &self.name };
        one_off_entry_id(name, "SMTP", &self.address)
    }

    /// Where replies go (`PR_REPLY_RECIPIENT_ENTRIES`, else `PR_REPLY_RECIPIENT_NAMES`).
    pub fn reply_to(message: &Message) -> Vec<Self> {
        let entries = match message.salvage(tags::PR_REPLY_RECIPIENT_ENTRIES) {
            Ok(salvaged) => salvaged.value,
            Err(_) => None,
        };
        let entries = match entries {
            Some(Value::Binary(list)) => flat_entry_list(&list),
            _ => Vec::new(),
        };
        if !entries.is_empty() {
            return entries;
        }
        let names = message.text(tags::PR_REPLY_RECIPIENT_NAMES).unwrap_or_default();
        let names = names.split(';').map(str::trim).filter(|name| !name.is_empty());
        names.map(|name| Self { name: name.to_owned(), ..Self::default() }).collect()
    }

    /// By order of trust: an SMTP property, an address of type SMTP, a one-off EntryID, an
    /// address that looks like SMTP, the transport headers, and any other address.
    fn of_party(object: &impl MapiProp, party: &Party, message: Option<&Message>) -> Option<Self> {
        let text = |tag| object.text(tag).filter(|text: &String| !text.is_empty());
        let name = text(party.name);
        // Blanks around an address, no-break ones too, are left from where it was copied.
        let address = text(party.address).map(|text| text.trim().to_owned());
        let is_smtp = || text(party.address_type).is_some_and(|t| t.eq_ignore_ascii_case("SMTP"));
        let one_off = || {
            party.entry_ids.iter().find_map(|tag| match object.salvage(*tag).ok()?.value? {
                Value::Binary(entry_id) => one_off(&entry_id).filter(|one| !one.address.is_empty()),
                _ => None,
            })
        };
        let at = |address: &String| address.contains('@');
        let found = text(party.smtp_address)
            .filter(at)
            .or_else(|| address.clone().filter(|_| is_smtp()))
            .or_else(|| one_off().map(|one| one.address))
            .or_else(|| address.clone().filter(at))
            .or_else(|| header_from(message?).map(|from| from.address))
            .or(address);
        if name.is_none() && found.is_none() {
            return None;
        }
        Some(Self { name: name.unwrap_or_default(), address: found.unwrap_or_default() })
    }
}

impl fmt::Display for Address {
    /// `Name <address>`, or what there is of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name.as_str(), self.address.as_str()) {
            (name, "") => f.write_str(name),
            ("", address) => f.write_str(address),
            (name, address) => write!(f, "{name} <{address}>"),
        }
    }
}

/// The author in the transport headers.
fn header_from(message: &Message) -> Option<Address> {
    let headers = message.text(tags::PR_TRANSPORT_MESSAGE_HEADERS)?;
    let parsed = MessageParser::new().parse_headers(headers.as_bytes())?;
    let from = parsed.from()?.first()?;
    let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
    let address = Address { name: text(from.name()), address: text(from.address()) };
    address.address.contains('@').then_some(address)
}

/// The provider of one-off EntryIDs (\[MS-OXCDATA\] 2.2.5.1).
const ONE_OFF_PROVIDER: [u8; 16] = [
    0x81, 0x2B, 0x1F, 0xA4, 0xBE, 0xA3, 0x10, 0x19, 0x9D, 0x6E, 0x00, 0xDD, 0x01, 0x0F, 0x54, 0x02,
];
/// `MAPI_ONE_OFF_UNICODE`: the strings are UTF-16LE.
const ONE_OFF_UNICODE: u16 = 0x8000;

/// `MAPI_ONE_OFF_UNICODE`, no lookup, and `MAPI_ONE_OFF_NO_RICH_INFO`.
const ONE_OFF_FLAGS: u16 = 0x9001;

/// Encodes a one-off EntryID in Unicode: the way back of [`one_off`].
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

/// Encodes a FlatEntryList of one-off EntryIDs: the way back of [`flat_entry_list`].
pub fn flat_entry_list_of(addresses: &[Address]) -> Vec<u8> {
    let number = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    let mut entries = Vec::new();
    for address in addresses {
        let entry_id = one_off_entry_id(&address.name, "SMTP", &address.address);
        entries.extend(number(entry_id.len()));
        entries.extend(entry_id);
        entries.resize(entries.len().next_multiple_of(4), 0);
    }
    [number(addresses.len()).as_slice(), &number(entries.len()), &entries].concat()
}

/// Decodes a FlatEntryList (\[MS-OXCDATA\] 2.3.3): count, length, then each EntryID behind its
/// size, padded to 4 bytes. Only one-off EntryIDs carry an address.
fn flat_entry_list(list: &[u8]) -> Vec<Address> {
    let mut rest = list.get(8..).unwrap_or_default();
    let mut found = Vec::new();
    while let Some((size, entries)) = rest.split_first_chunk::<4>() {
        let Ok(size) = usize::try_from(u32::from_le_bytes(*size)) else { break };
        let Some(entry_id) = entries.get(..size) else { break };
        found.extend(one_off(entry_id));
        rest = entries.get(size.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Address, ONE_OFF_PROVIDER, flat_entry_list, one_off};

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
    fn flat_entry_lists_end_at_damage() {
        let entry_id = one_off_entry_id(1, b"Ann\0SMTP\0ann@example.org\0");
        let mut list = vec![2, 0, 0, 0, 0, 0, 0, 0];
        list.extend(u32::try_from(entry_id.len()).unwrap().to_le_bytes());
        list.extend(&entry_id);
        list.resize(list.len().next_multiple_of(4), 0);
        list.extend([0xFF; 4]);
        assert_eq!(flat_entry_list(&list), [address("Ann", "ann@example.org")]);
    }
}
