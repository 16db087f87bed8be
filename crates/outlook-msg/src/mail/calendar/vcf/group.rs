//! A distribution list as a vCard 4.0 of kind group (\[MS-OXOCNTC\] 2.2.2, RFC 6350 6.1.4).

use crate::imsg::structures::{Member, list_stream_members};
use crate::mail::calendar::content_lines::{ContentLine, ContentLines};
use crate::mail::calendar::ics::{address_name, address_uri};
use crate::mail::values::named::{Values, lid};
use crate::mail::values::structures;
use crate::mapi::{hexadecimal, tags};

use super::contact::{write_categories, write_note, write_revision};

/// The name of the list.
pub(super) fn name(values: Values<'_>) -> Option<String> {
    values
        .text(lid::DISTRIBUTION_LIST_NAME)
        .or_else(|| values.text(tags::PR_DISPLAY_NAME))
        .or_else(|| values.text(tags::PR_NORMALIZED_SUBJECT))
        .or_else(|| values.text(tags::PR_SUBJECT))
        .or_else(|| values.text(lid::FILE_UNDER))
}

/// What people are shown of a distribution list: named lines.
pub(super) fn shown(values: Values<'_>) -> Vec<(&'static str, Vec<String>)> {
    let member = |(member, entry_id): (Member, Vec<u8>)| match member.address.to_string() {
        text if text.is_empty() => format!("(EntryID {})", hexadecimal(&entry_id)),
        text => text,
    };
    vec![
        ("Name", name(values).into_iter().collect()),
        ("Members", members(values).into_iter().map(member).collect()),
    ]
}

/// Writes a distribution list; `None` if it has no name.
///
/// A member is written as an address with the name as a parameter. A member without a mail address
/// is written as `invalid:nomail`, with a parameter for what is known: the name, the X.500 name, or
/// the EntryID in the address book of the owner.
pub(super) fn write(lines: &mut ContentLines, values: Values<'_>) -> Option<()> {
    let name = name(values)?;
    lines.put("VERSION", "4.0");
    lines.put("PRODID", "-//msgfs//msgfs//EN");
    lines.put("KIND", "group");
    lines.text("FN", Some(&name));
    for (member, entry_id) in members(values) {
        let name = address_name(&member.address);
        let address = &member.address.address;
        let mut line = ContentLine::new("MEMBER");
        if let Some(name) = name {
            line = line.parameter("X-CN", name.trim());
        }
        if member.is_list {
            line = line.parameter("X-KIND", "group");
        }
        if !address.is_empty() && !address.contains('@') {
            line = line.parameter("X-DN", address);
        }
        if name.is_none() && address.is_empty() {
            line = line.parameter("X-ENTRYID", &hexadecimal(&entry_id));
        }
        lines.line(line.value(&address_uri(address)));
    }
    write_note(lines, values);
    write_categories(lines, values);
    write_revision(lines, values);
    Some(())
}

/// The members, each with its EntryID. A member has two EntryIDs; its name and address come from
/// the one that says more, mostly the one-off EntryID.
fn members(values: Values<'_>) -> Vec<(Member, Vec<u8>)> {
    if let Some(stream) = values.binary(lid::DISTRIBUTION_LIST_STREAM) {
        let key = lid::DISTRIBUTION_LIST_STREAM;
        values.add_missing(|| structures::defect_of(values.message(), key));
        let (members, _) = list_stream_members(&stream);
        if !members.is_empty() {
            let members = members.into_iter();
            return members.map(|(entry, one_off)| member(entry, one_off)).collect();
        }
    }
    let entries = values.binaries(lid::DISTRIBUTION_LIST_MEMBERS);
    let one_offs = values.binaries(lid::DISTRIBUTION_LIST_ONE_OFF_MEMBERS);
    let count = entries.len().max(one_offs.len());
    let at = |list: &[Vec<u8>], index: usize| list.get(index).cloned().unwrap_or_default();
    (0..count).map(|index| member(&at(&entries, index), &at(&one_offs, index))).collect()
}

fn member(entry_id: &[u8], one_off: &[u8]) -> (Member, Vec<u8>) {
    let entry = Member::decode(entry_id).unwrap_or_default();
    let one_off = Member::decode(one_off).unwrap_or_default();
    let is_list = entry.is_list || one_off.is_list;
    let says_more = one_off.address.address.contains('@')
        || (!one_off.address.name.is_empty() && !entry.address.address.contains('@'));
    let member = Member { is_list, ..if says_more { one_off } else { entry } };
    (member, entry_id.to_vec())
}
