//! The people in a message (sender, author, recipients and others): finds their names and addresses
//! in the properties, and the SMTP addresses for X.500 names.
//!
//! If a mail stays within an organization, Exchange writes X.500 names in place of addresses. The
//! SMTP address for an X.500 name is often in another property of the message, with a recipient, or
//! in the transport header.

use std::collections::HashMap;

use crate::mapi::{PropertyTag, Value, tags};

use super::address::{Address, is_same_name, is_x500, one_off};
use super::person_tags::PersonTags;
use super::properties::PropertySet;
use super::recipient_type::RecipientType;
use super::strings::Strings;
use super::structures::Member;
use super::transport_headers::HeaderField;

/// The properties that have the name and address of one person.
pub(super) struct PersonProperties {
    name: Option<PropertyTag>,
    /// Properties that may have the SMTP address, the most trustworthy first.
    smtp_addresses: &'static [PropertyTag],
    address_type: Option<PropertyTag>,
    address: Option<PropertyTag>,
    entry_ids: &'static [PropertyTag],
}

impl PersonProperties {
    const fn of(tags: &'static PersonTags, entry_ids: &'static [PropertyTag]) -> Self {
        Self {
            name: Some(tags.name),
            smtp_addresses: std::slice::from_ref(&tags.smtp_address),
            address_type: Some(tags.address_type),
            address: Some(tags.address),
            entry_ids,
        }
    }
}

pub(super) const SENDER: PersonProperties =
    PersonProperties::of(&PersonTags::SENDER, &[PersonTags::SENDER.entry_id]);

pub(super) const SENT_REPRESENTING: PersonProperties =
    PersonProperties::of(&PersonTags::SENT_REPRESENTING, &[PersonTags::SENT_REPRESENTING.entry_id]);

pub(super) const RECIPIENT: PersonProperties = PersonProperties::of(
    &PersonTags::RECIPIENT,
    &[PersonTags::RECIPIENT.entry_id, tags::PR_RECIPIENT_ENTRYID],
);

/// The SMTP addresses of the person who created the message and of the one who changed it last.
/// These tags occur in files, but in no published list of properties.
const CREATOR_SMTP_ADDRESS: PropertyTag = PropertyTag(0x5D0A_001F);
const LAST_MODIFIER_SMTP_ADDRESS: PropertyTag = PropertyTag(0x5D0B_001F);

/// All people that a message names, except its recipients.
const PERSONS: [PersonProperties; 7] = [
    SENDER,
    SENT_REPRESENTING,
    PersonProperties {
        name: None,
        smtp_addresses: &[tags::PR_RECEIVED_BY_SMTP_ADDRESS],
        address_type: Some(tags::PR_RECEIVED_BY_ADDRTYPE),
        address: Some(tags::PR_RECEIVED_BY_EMAIL_ADDRESS),
        entry_ids: &[tags::PR_RECEIVED_BY_ENTRYID],
    },
    PersonProperties {
        name: None,
        smtp_addresses: &[tags::PID_TAG_RECEIVED_REPRESENTING_SMTP_ADDRESS],
        address_type: Some(tags::PR_RCVD_REPRESENTING_ADDRTYPE),
        address: Some(tags::PR_RCVD_REPRESENTING_EMAIL_ADDRESS),
        entry_ids: &[tags::PR_RCVD_REPRESENTING_ENTRYID],
    },
    PersonProperties {
        name: None,
        smtp_addresses: &[tags::PID_TAG_READ_RECEIPT_SMTP_ADDRESS],
        address_type: None,
        address: None,
        entry_ids: &[tags::PR_READ_RECEIPT_ENTRYID],
    },
    PersonProperties {
        name: None,
        // Exchange Online writes the SMTP address into `PR_CREATOR_NAME`.
        smtp_addresses: &[CREATOR_SMTP_ADDRESS, tags::PR_CREATOR_NAME],
        address_type: None,
        address: None,
        entry_ids: &[tags::PR_CREATOR_ENTRYID],
    },
    PersonProperties {
        name: None,
        smtp_addresses: &[LAST_MODIFIER_SMTP_ADDRESS, tags::PR_LAST_MODIFIER_NAME],
        address_type: None,
        address: None,
        entry_ids: &[tags::PR_LAST_MODIFIER_ENTRYID],
    },
];

/// The types of recipients, and the header field that names those of each.
const HEADER_FIELDS: [(RecipientType, HeaderField); 3] = [
    (RecipientType::To, HeaderField::To),
    (RecipientType::Cc, HeaderField::Cc),
    (RecipientType::Bcc, HeaderField::Bcc),
];

/// The properties of one object, with how its strings are decoded.
#[derive(Clone, Copy)]
pub(super) struct ObjectProperties<'a> {
    pub(super) set: &'a PropertySet,
    pub(super) strings: &'a Strings,
}

impl ObjectProperties<'_> {
    fn value(self, tag: PropertyTag) -> Option<Value> {
        self.set.salvage(self.set.find(tag)?, self.strings).value
    }

    fn text(self, tag: Option<PropertyTag>) -> Option<String> {
        match self.value(tag?)? {
            Value::String(text) => Some(text).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    fn binary(self, tag: PropertyTag) -> Option<Vec<u8>> {
        match self.value(tag)? {
            Value::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// What the properties of one person say.
#[derive(Clone, Debug, Default)]
pub(super) struct FoundPerson {
    pub(super) name: Option<String>,
    pub(super) smtp: Option<String>,
    /// The X.500 names. If the address is one, it is the first.
    pub(super) x500: Vec<String>,
    /// The address as it is stored.
    pub(super) address: Option<String>,
}

impl PersonProperties {
    /// Reads the properties. The SMTP address comes from an SMTP property, else from an address of
    /// the type SMTP, else from an EntryID, else from any address that looks like one.
    pub(super) fn find(&self, object: ObjectProperties<'_>) -> FoundPerson {
        let name = object.text(self.name);
        let (named, address) = object.text(self.address).map(|text| split(&text)).unzip();
        let name = name.or(named.filter(|name: &String| !name.is_empty()));
        let is_type_smtp =
            || object.text(self.address_type).is_some_and(|kind| kind.eq_ignore_ascii_case("SMTP"));
        let is_smtp = |address: &String| {
            address.contains('@') && !address.contains(char::is_whitespace) && !is_x500(address)
        };
        let places = self.smtp_addresses.iter().filter_map(|tag| object.text(Some(*tag)));
        let smtp = places
            .map(|text| split(&text).1)
            .find(is_smtp)
            .or_else(|| address.clone().filter(|_| is_type_smtp()));
        if smtp.is_some() && address.as_deref().is_some_and(|address| !is_x500(address)) {
            // The other properties would only repeat this.
            return FoundPerson { name, smtp, x500: Vec::new(), address };
        }
        let ids = self.entry_ids.iter().filter_map(|tag| object.binary(*tag));
        let ids: Vec<_> = ids.filter_map(|id| address_of_entry_id(&id)).collect();
        let of_ids = ids.iter().map(|one| one.address.clone()).filter(|one| !one.is_empty());
        let of_ids: Vec<String> = of_ids.collect();
        let smtp = smtp
            .or_else(|| of_ids.iter().find(|address| is_smtp(address)).cloned())
            .or_else(|| address.clone().filter(is_smtp));
        let x500 = address.iter().chain(&of_ids).filter(|address| is_x500(address)).cloned();
        let x500 = x500.collect();
        FoundPerson { name, smtp, x500, address: address.or_else(|| of_ids.into_iter().next()) }
    }
}

/// The SMTP addresses that a message gives for X.500 names. The keys are the names in lower case.
#[derive(Debug, Default)]
pub(super) struct KnownAddresses {
    smtp: HashMap<String, String>,
}

impl KnownAddresses {
    /// Collects the addresses of all people in a message, and of its recipients. `header` returns
    /// those of a header field; it is asked only if it may have an address that is still unknown.
    pub(super) fn of<'a>(
        message: ObjectProperties<'a>,
        recipients: impl Iterator<Item = &'a PropertySet>,
        header: impl Fn(HeaderField) -> Vec<Address>,
    ) -> Self {
        let mut known = Self::default();
        for person in &PERSONS {
            known.learn(person.find(message));
        }
        let recipients = recipients.map(|set| {
            let found = RECIPIENT.find(ObjectProperties { set, strings: message.strings });
            (RecipientType::of(set), found)
        });
        let recipients: Vec<_> = recipients.collect();
        for (_, found) in &recipients {
            known.learn(found.clone());
        }
        for (kind, field) in HEADER_FIELDS {
            let of_kind = recipients.iter().filter(|(of, _)| *of == kind).map(|(_, found)| found);
            known.learn_of_header(&of_kind.collect::<Vec<_>>(), || header(field));
        }
        known
    }

    /// Finds the addresses of recipients, of whom the message has only an X.500 name, in the header
    /// field of their type: that of the same display name, or the only one for the only recipient.
    fn learn_of_header<'a>(
        &mut self,
        recipients: &[&'a FoundPerson],
        field: impl FnOnce() -> Vec<Address>,
    ) {
        let is_unknown = |one: &FoundPerson| {
            one.smtp.is_none() && one.x500.iter().all(|name| self.smtp(name).is_none())
        };
        let unknown: Vec<_> = recipients.iter().filter(|one| is_unknown(one)).collect();
        if unknown.iter().all(|one| one.x500.is_empty()) {
            return;
        }
        let addresses = field();
        let by_name = unique(addresses.iter().map(|one| (one.name.as_str(), one)));
        let name_of = |one: &'a FoundPerson| one.name.as_deref().unwrap_or_default();
        let is_unique = unique(recipients.iter().map(|one| (name_of(one), true)));
        for &&person in &unknown {
            let name = key(name_of(person));
            let found = match (recipients, addresses.as_slice()) {
                ([_], [only]) => Some(only).filter(|only| may_be_one(name_of(person), only)),
                _ if is_unique.get(&name) != Some(&Some(true)) => None,
                _ => by_name.get(&name).copied().flatten(),
            };
            let smtp = found.filter(|one| one.is_mail()).map(|one| one.address.clone());
            self.learn(FoundPerson { smtp, ..person.clone() });
        }
    }

    fn learn(&mut self, found: FoundPerson) {
        let FoundPerson { smtp: Some(smtp), x500, .. } = found else { return };
        for name in x500 {
            self.smtp.entry(name.to_lowercase()).or_insert_with(|| smtp.clone());
        }
    }

    /// The SMTP address of an X.500 name.
    pub(super) fn smtp(&self, x500: &str) -> Option<&str> {
        self.smtp.get(&x500.to_lowercase()).map(String::as_str)
    }
}

/// Whether a name can be that of an address: one of them has no name, or they have the same one.
fn may_be_one(name: &str, address: &Address) -> bool {
    let known = address.shown_name().unwrap_or_default();
    name.trim().is_empty() || known.is_empty() || is_same_name(name, known)
}

/// A display name as it is compared.
fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// What has each name; `None` for a name that several have.
fn unique<'a, T>(named: impl Iterator<Item = (&'a str, T)>) -> HashMap<String, Option<T>> {
    let mut unique = HashMap::new();
    for (name, one) in named.filter(|(name, _)| !name.trim().is_empty()) {
        unique.entry(key(name)).and_modify(|known| *known = None).or_insert(Some(one));
    }
    unique
}

/// The name and address in an EntryID: in a one-off EntryID, or in one of an address book, whose
/// address is an X.500 name.
pub(super) fn address_of_entry_id(entry_id: &[u8]) -> Option<Address> {
    one_off(entry_id).or_else(|| Some(Member::decode(entry_id)?.address)).map(|one| {
        let (name, address) = split(&one.address);
        Address { name: if one.name.is_empty() { name } else { one.name }, address }
    })
}

/// The EntryIDs of a FlatEntryList (\[MS-OXCDATA\] 2.3.3), and whether the list is complete. The
/// list is a count, a length, and for each EntryID its size and its bytes, padded to 4.
pub fn flat_entry_list(list: &[u8]) -> (Vec<&[u8]>, bool) {
    let mut found = Vec::new();
    let Some((count, after)) = list.split_first_chunk::<4>() else {
        return (found, list.is_empty());
    };
    let count = u32::from_le_bytes(*count);
    let mut rest = after.get(4..).unwrap_or_default();
    while let Some((size, entries)) = rest.split_first_chunk::<4>() {
        let size = usize::try_from(u32::from_le_bytes(*size)).unwrap_or(usize::MAX);
        let Some(entry_id) = entries.get(..size) else { return (found, false) };
        found.push(entry_id);
        rest = entries.get(size.next_multiple_of(4)..).unwrap_or_default();
    }
    let is_whole = found.len() as u64 >= u64::from(count);
    (found, is_whole)
}

/// Splits an address property into name and address, because some programs write `Name <address>`
/// there. Blanks and no-break spaces around an address come from copying and pasting; they are
/// removed.
fn split(text: &str) -> (String, String) {
    let text = text.trim();
    let inner = text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<'));
    match inner {
        Some((name, address)) if address.contains('@') => {
            (name.trim().trim_matches('"').to_owned(), address.trim().to_owned())
        }
        _ => (String::new(), text.strip_prefix("mailto:").unwrap_or(text).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::address::one_off_entry_id;
    use super::{flat_entry_list, split};

    #[test]
    fn an_address_may_be_one_with_its_name() {
        let check = |text: &str, name: &str, address: &str| {
            assert_eq!(split(text), (name.to_owned(), address.to_owned()), "{text}");
        };
        check("\"Lee, Ann\" <ann@example.org>", "Lee, Ann", "ann@example.org");
        check("<ann@example.org>", "", "ann@example.org");
        check("\u{A0}ann@example.org ", "", "ann@example.org");
        check("mailto:ann@example.org", "", "ann@example.org");
        check("a <b>", "", "a <b>");
        check("/o=Example/cn=ann", "", "/o=Example/cn=ann");
    }

    #[test]
    fn flat_entry_lists_end_at_damage() {
        let entry_id = one_off_entry_id("Ann", "SMTP", "ann@example.org");
        let mut list = vec![2, 0, 0, 0, 0, 0, 0, 0];
        list.extend(u32::try_from(entry_id.len()).unwrap().to_le_bytes());
        list.extend(&entry_id);
        list.resize(list.len().next_multiple_of(4), 0);
        list.extend([0xFF; 4]);
        assert_eq!(flat_entry_list(&list), (vec![&entry_id[..]], false));
        list.truncate(list.len() - 4);
        // The list states a count of two.
        assert_eq!(flat_entry_list(&list), (vec![&entry_id[..]], false));
        list[0] = 1;
        assert_eq!(flat_entry_list(&list), (vec![&entry_id[..]], true));
        assert_eq!(flat_entry_list(&[]), (Vec::new(), true));
    }
}
