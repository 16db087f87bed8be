//! The members of a distribution list (\[MS-OXOCNTC\] 2.2.2.2), which are EntryIDs of several
//! kinds.
//!
//! Finds only the names and addresses that an EntryID contains. An EntryID that points into a
//! message store or an address book is not followed.

use crate::imsg::Address;
use crate::imsg::address::one_off;
use crate::mapi::CodePage;

use super::fields::FieldReader;

/// A member of a distribution list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// The name and the address, if the EntryID has them.
    pub address: Address,
    /// Whether it is a distribution list itself.
    pub is_list: bool,
}

/// The provider of EntryIDs in an address book (\[MS-OXCDATA\] 2.2.5.2).
const ADDRESS_BOOK_PROVIDER: [u8; 16] = [
    0xDC, 0xA7, 0x40, 0xC8, 0xC0, 0x42, 0x10, 0x1A, 0xB4, 0xB9, 0x08, 0x00, 0x2B, 0x2F, 0xE1, 0x82,
];
/// The provider of EntryIDs that wrap another one (\[MS-OXOCNTC\] 2.2.2.2.3).
const WRAPPED_PROVIDER: [u8; 16] = [
    0xC0, 0x91, 0xAD, 0xD3, 0x51, 0x9D, 0xCF, 0x11, 0xA4, 0xA9, 0x00, 0xAA, 0x00, 0x47, 0xFA, 0xA4,
];

impl Member {
    /// Decodes the EntryID of a member.
    ///
    /// | offset | bytes | field |
    /// |---|---|---|
    /// | 0 | 4 | flags |
    /// | 4 | 16 | provider |
    /// | 20 | | depends on the provider: a one-off address, a name in an address book, or a byte of type and another EntryID |
    ///
    /// `None` for an EntryID of another provider, or one that is cut short.
    pub fn decode(entry_id: &[u8]) -> Option<Self> {
        let mut fields = FieldReader::new(entry_id);
        let _flags = fields.u32()?;
        if fields.array::<16>()? == WRAPPED_PROVIDER {
            let kind = fields.u8()? & 0xF;
            // 4 is a personal distribution list, 6 one of the global address list.
            let is_list = matches!(kind, 4 | 6);
            let inner = Self::decode_unwrapped(fields.rest()).unwrap_or_default();
            return Some(Self { is_list: is_list || inner.is_list, ..inner });
        }
        Self::decode_unwrapped(entry_id)
    }

    fn decode_unwrapped(entry_id: &[u8]) -> Option<Self> {
        match one_off(entry_id) {
            Some(address) => Some(Self { address, is_list: false }),
            None => address_book(entry_id),
        }
    }
}

/// The EntryID of a member and its one-off EntryID.
pub type EntryIds<'a> = (&'a [u8], &'a [u8]);

/// Decodes a `PidLidDistributionListStream` (\[MS-OXOCNTC\] 2.2.2.2.4), which has the members of a
/// large list. Returns the EntryID and the one-off EntryID of each, and whether the stream is
/// complete.
///
/// | bytes | field |
/// |---|---|
/// | 2, 2, 4, 4 | version, reserved, build, flags |
/// | 4 | number of entries |
/// | 4, 4, 4 | sizes of all EntryIDs, one-off EntryIDs and extra data |
/// | | for each entry: EntryID, one-off EntryID and extra data, each after its size of 4 bytes |
pub fn list_stream_members(stream: &[u8]) -> (Vec<EntryIds<'_>>, bool) {
    let mut fields = FieldReader::new(stream);
    let mut members = Vec::new();
    let (Some(_), Some(count), Some(_)) =
        (fields.array::<12>(), fields.u32(), fields.array::<12>())
    else {
        return (members, stream.is_empty());
    };
    for _ in 0..count {
        let (Some(entry_id), Some(one_off), Some(_extra)) =
            (fields.sized(), fields.sized(), fields.sized())
        else {
            return (members, false);
        };
        members.push((entry_id, one_off));
    }
    (members, true)
}

/// Decodes an EntryID of an address book (\[MS-OXCDATA\] 2.2.5.2).
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | flags |
/// | 4 | 16 | provider |
/// | 20 | 4 | version |
/// | 24 | 4 | type: 1 and 5 are distribution lists |
/// | 28 | | X.500 name, closed by a NUL |
fn address_book(entry_id: &[u8]) -> Option<Member> {
    let mut fields = FieldReader::new(entry_id);
    let _flags = fields.u32()?;
    if fields.array::<16>()? != ADDRESS_BOOK_PROVIDER {
        return None;
    }
    let _version = fields.u32()?;
    let is_list = matches!(fields.u32()?, 1 | 5);
    let name = fields.rest().split(|byte| *byte == 0).next().unwrap_or_default();
    let address = CodePage::WINDOWS_1252.decode(name).into_owned();
    Some(Member { address: Address { name: String::new(), address }, is_list })
}

#[cfg(test)]
mod tests {
    use super::{ADDRESS_BOOK_PROVIDER, Member, WRAPPED_PROVIDER, list_stream_members};
    use crate::imsg::Address;

    const ONE_OFF: &[u8] =
        b"\0\0\0\0\x81\x2B\x1F\xA4\xBE\xA3\x10\x19\x9D\x6E\0\xDD\x01\x0F\x54\x02\
        \0\0\x01\0Ann\0SMTP\0ann@example.org\0";

    fn check(entry_id: &[u8], expected: Option<(&str, &str, bool)>) {
        let expected = expected.map(|(name, address, is_list)| Member {
            address: Address { name: name.to_owned(), address: address.to_owned() },
            is_list,
        });
        assert_eq!(Member::decode(entry_id), expected, "{entry_id:02X?}");
    }

    fn wrapped(kind: u8, inner: &[u8]) -> Vec<u8> {
        [&[0; 4], &WRAPPED_PROVIDER[..], &[kind], inner].concat()
    }

    #[test]
    fn members_are_of_several_kinds() {
        check(ONE_OFF, Some(("Ann", "ann@example.org", false)));
        check(&wrapped(0, ONE_OFF), Some(("Ann", "ann@example.org", false)));
        let list =
            [&[0; 4], &ADDRESS_BOOK_PROVIDER[..], &[1, 0, 0, 0, 1, 0, 0, 0], b"/o=x/cn=all\0"];
        check(&list.concat(), Some(("", "/o=x/cn=all", true)));
        check(&wrapped(0xB5, &list.concat()), Some(("", "/o=x/cn=all", true)));
        check(&wrapped(0xB4, &[0; 70]), Some(("", "", true)));
        check(&wrapped(0xC3, &[]), Some(("", "", false)));
        check(&wrapped(0, &wrapped(0, ONE_OFF)), Some(("", "", false)));
        check(&[0; 24], None);
        check(&list.concat()[..27], None);
        check(&[], None);
    }

    #[test]
    fn a_stream_of_members_is_read_as_far_as_it_goes() {
        let mut stream = vec![0; 12];
        stream.extend([2, 0, 0, 0]);
        stream.extend([0; 12]);
        for part in [&b"ab"[..], b"c", b""] {
            stream.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
            stream.extend(part);
        }
        let member = (&b"ab"[..], &b"c"[..]);
        // The stream states two members and has one.
        assert_eq!(list_stream_members(&stream), (vec![member], false));
        stream[12] = 1;
        assert_eq!(list_stream_members(&stream), (vec![member], true));
        assert_eq!(list_stream_members(&stream[..20]), (Vec::new(), false));
        assert_eq!(list_stream_members(&[]), (Vec::new(), true));
    }
}
