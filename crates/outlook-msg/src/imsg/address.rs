//! Who wrote and received a message: names and addresses out of the properties that hold them.

use std::fmt;

use crate::mapi::{CodePage, PropertyTag, Value, tags};

use super::message::Message;
use super::party::{
    Found, Object, Party, RECIPIENT, SENDER, SENT_REPRESENTING, address_of_entry_id, is_x500,
};
use super::properties::MapiProp;
use super::recipient::{Recipient, RecipientType};
use super::transport_headers::HeaderField;
use super::value::decode_utf16;

/// A name and an address, either of which may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The display name, or nothing.
    pub name: String,
    /// The SMTP address if there is one, else the address as it is (an X.500 name, say).
    pub address: String,
}

impl Address {
    /// Who sent the message (`PR_SENDER_*`).
    pub fn sender(message: &Message) -> Option<Self> {
        let headers = || {
            let headers = message.transport_headers().ok()?;
            let sender = headers.address(HeaderField::Sender);
            sender.or_else(|| headers.address(HeaderField::From))
        };
        Self::of_party(message, &SENDER, headers)
    }

    /// On whose behalf it was sent (`PR_SENT_REPRESENTING_*`).
    pub fn sent_representing(message: &Message) -> Option<Self> {
        let others = || {
            let named = message.text(tags::PR_SENT_REPRESENTING_NAME);
            let is_same = |sender: &Self| {
                let named = named.as_deref().unwrap_or_default().trim();
                sender.address.contains('@') && sender.name.trim().eq_ignore_ascii_case(named)
            };
            // Some writers have only the name here, and the address with the sender.
            Self::sender(message)
                .filter(is_same)
                .or_else(|| message.transport_headers().ok()?.address(HeaderField::From))
        };
        Self::of_party(message, &SENT_REPRESENTING, others)
    }

    /// The address of a recipient.
    pub fn of_recipient(recipient: &Recipient) -> Option<Self> {
        let (set, strings) = recipient.property_set().ok()?;
        let object = Object { set: &set, strings: &strings };
        Self::of_found(RECIPIENT.find(object), recipient.message(), || None)
    }

    /// The recipients of one type, in the order of the message.
    pub fn of_recipients(message: &Message, wanted: RecipientType) -> Vec<Self> {
        let recipients = message.recipients().unwrap_or_default();
        let wanted = recipients.iter().filter(|one| one.recipient_type() == wanted);
        wanted.filter_map(Self::of_recipient).collect()
    }

    /// The party of an EntryID.
    pub fn of_entry_id(message: &Message, tag: PropertyTag) -> Option<Self> {
        match message.salvage(tag).ok()?.value? {
            Value::Binary(entry_id) => {
                address_of_entry_id(&entry_id).map(|one| one.smtp_of(message))
            }
            _ => None,
        }
    }

    /// The same with the SMTP address that the message has of an X.500 name.
    pub fn smtp_of(self, message: &Message) -> Self {
        let known = is_x500(&self.address).then(|| message.known_addresses().ok()).flatten();
        match known.as_ref().and_then(|known| known.smtp(&self.address)) {
            Some(smtp) => Self { address: smtp.to_owned(), ..self },
            None => self,
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
        let names = message.text(tags::PR_REPLY_RECIPIENT_NAMES).unwrap_or_default();
        let names: Vec<_> =
            names.split(';').map(str::trim).filter(|name| !name.is_empty()).collect();
        if entries.is_empty() {
            return names.iter().map(|name| Self::named(name)).collect();
        }
        // EntryIDs of an address book have no name; the names stand in the same order.
        let is_parallel = names.len() == entries.len();
        let name_of = |at: usize| names.get(at).filter(|_| is_parallel).copied();
        let entries = entries.into_iter().enumerate().map(|(at, entry)| {
            let name = if entry.name.is_empty() { name_of(at).unwrap_or_default() } else { "" };
            let entry = entry.smtp_of(message);
            if name.is_empty() { entry } else { Self { name: name.to_owned(), ..entry } }
        });
        entries.collect()
    }

    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    fn of_party(
        message: &Message,
        party: &Party,
        others: impl FnOnce() -> Option<Self>,
    ) -> Option<Self> {
        let (set, strings) = message.property_set().ok()?;
        Self::of_found(party.find(Object { set: &set, strings: &strings }), message, others)
    }

    /// By order of trust: the SMTP address of the party itself, one that the message has of the
    /// same X.500 name, that of `others`, and any other address.
    fn of_found(
        found: Found,
        message: &Message,
        others: impl FnOnce() -> Option<Self>,
    ) -> Option<Self> {
        let Found { name, smtp, x500, address } = found;
        if name.is_none() && smtp.is_none() && address.is_none() {
            return None;
        }
        let known = || {
            let known = (!x500.is_empty()).then(|| message.known_addresses().ok()).flatten()?;
            x500.iter().find_map(|name| known.smtp(name)).map(str::to_owned)
        };
        let address = smtp
            .or_else(known)
            .or_else(|| others().map(|other| other.address))
            .or(address)
            .unwrap_or_default();
        Some(Self { name: name.unwrap_or_default(), address })
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

/// Encodes a FlatEntryList of one-off EntryIDs: the way back of `flat_entry_list`.
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
/// size, padded to 4 bytes.
fn flat_entry_list(list: &[u8]) -> Vec<Address> {
    let mut rest = list.get(8..).unwrap_or_default();
    let mut found = Vec::new();
    while let Some((size, entries)) = rest.split_first_chunk::<4>() {
        let Ok(size) = usize::try_from(u32::from_le_bytes(*size)) else { break };
        let Some(entry_id) = entries.get(..size) else { break };
        found.extend(address_of_entry_id(entry_id));
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
