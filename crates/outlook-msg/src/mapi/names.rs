//! The names of properties and property sets.
//!
//! Knows only the tables. The named-property map of a message (`imsg::PropertyNames`) tells which
//! named property an id from 0x8000 on stands for.

use std::cmp::Ordering;

use super::tables::named_properties::{NAMED_PROPERTIES, NAMED_PROPERTIES_BY_NAME};
use super::tables::property_sets::PROPERTY_SETS;
use super::tables::property_tags::{PROPERTY_TAGS, PROPERTY_TAGS_BY_NAME};
use super::{Guid, PropertyTag};

/// The MAPI name of a tag with an id below 0x8000, such as `PR_SUBJECT`.
///
/// A property without a MAPI name has its name in \[MS-OXPROPS\], such as `PidTagCallId`. No two
/// properties have the same name, except the 8-bit and the Unicode form of a string. `None` for an
/// unknown property, and for a type that the property does not have.
pub fn property_name(tag: PropertyTag) -> Option<&'static str> {
    let tag = tag.with_type(tag.property_type().to_unicode()).0;
    let index = PROPERTY_TAGS.binary_search_by_key(&tag, |&(known, _)| known).ok()?;
    PROPERTY_TAGS.get(index).map(|&(_, name)| name)
}

/// The tag for a name that [`property_name`] returns. The tag of a string has the Unicode type.
pub fn property_by_name(name: &str) -> Option<PropertyTag> {
    let &(tag, _) =
        find_by_name(PROPERTY_TAGS, PROPERTY_TAGS_BY_NAME, |&(_, known)| known.cmp(name))?;
    Some(PropertyTag(tag))
}

/// The name of a property set, such as `PSETID_Appointment` or `PS_PUBLIC_STRINGS`.
pub fn property_set_name(set: Guid) -> Option<&'static str> {
    PROPERTY_SETS.get(set_index(set)?).map(|&(_, name)| name)
}

/// The property set for a name that [`property_set_name`] returns.
pub fn property_set_by_name(name: &str) -> Option<Guid> {
    let &(guid, _) = PROPERTY_SETS.iter().find(|&&(_, known)| known == name)?;
    Some(Guid::from_u128(guid))
}

/// The name of a named property that has a number (LID), such as `PidLidBusyStatus`.
///
/// No two properties of a set have the same name.
pub fn named_property_name(set: Guid, lid: u32) -> Option<&'static str> {
    let set = set_index(set)?;
    let index = NAMED_PROPERTIES
        .binary_search_by_key(&(set, lid), |&(set, lid, _)| (usize::from(set), u32::from(lid)))
        .ok()?;
    NAMED_PROPERTIES.get(index).map(|&(_, _, name)| name)
}

/// The number (LID) for a name that [`named_property_name`] returns.
pub fn named_property_lid(set: Guid, name: &str) -> Option<u32> {
    let set = set_index(set)?;
    let &(_, lid, _) =
        find_by_name(NAMED_PROPERTIES, NAMED_PROPERTIES_BY_NAME, |&(s, _, known)| {
            known.cmp(name).then(usize::from(s).cmp(&set))
        })?;
    Some(u32::from(lid))
}

fn set_index(set: Guid) -> Option<usize> {
    PROPERTY_SETS.binary_search_by_key(&set.to_u128(), |&(known, _)| known).ok()
}

/// Finds an item by binary search in `by_name`, the indices of the table in the order of the names.
fn find_by_name<T>(
    table: &'static [T],
    by_name: &[u16],
    cmp: impl Fn(&T) -> Ordering,
) -> Option<&'static T> {
    let item = |&index: &u16| table.get(usize::from(index));
    let position =
        by_name.binary_search_by(|index| item(index).map_or(Ordering::Less, &cmp)).ok()?;
    by_name.get(position).and_then(item)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn check(tag: u32, name: &str) {
        assert_eq!(property_name(PropertyTag(tag)), Some(name), "{tag:08X}");
        let unicode = PropertyTag(tag).property_type().to_unicode();
        assert_eq!(property_by_name(name), Some(PropertyTag(tag).with_type(unicode)), "{name}");
    }

    fn is_file_name(name: &str) -> bool {
        !name.is_empty()
            && !name.starts_with('.')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    }

    #[test]
    fn tags_have_mapi_names() {
        check(0x0037_001F, "PR_SUBJECT");
        check(0x0037_001E, "PR_SUBJECT");
        check(0x001A_001F, "PR_MESSAGE_CLASS");
        check(0x1013_001E, "PR_BODY_HTML");
        check(0x1013_0102, "PR_HTML");
        check(0x3701_000D, "PR_ATTACH_DATA_OBJ");
        check(0x3701_0102, "PR_ATTACH_DATA_BIN");
        check(0x3A2F_101E, "PR_HOME2_TELEPHONE_NUMBER_MV");
    }

    #[test]
    fn a_property_without_mapi_name_has_its_canonical_one() {
        check(0x6806_001F, "PidTagCallId");
        check(0x1046_001F, "PidTagOriginalMessageId");
        check(0x6801_0003, "PidTagVoiceMessageDuration");
    }

    #[test]
    fn unknown_tags_and_other_types_have_no_name() {
        for tag in [0x0037_0003, 0x0000_0000, 0x66A1_001F, 0x8005_001F, 0x0C24_0102, u32::MAX] {
            assert_eq!(property_name(PropertyTag(tag)), None, "{tag:08X}");
        }
        for name in ["", "PR_", "PR_SUBJECT_W", "pr_subject", "PROP_SMTP_PORT", "?"] {
            assert_eq!(property_by_name(name), None, "{name}");
        }
    }

    #[test]
    fn the_table_of_tags_is_sorted_and_its_names_are_unique() {
        assert!(PROPERTY_TAGS.is_sorted_by(|a, b| a.0 < b.0));
        let mut names = HashSet::new();
        for &(tag, name) in PROPERTY_TAGS {
            check(tag, name);
            let property_type = PropertyTag(tag).property_type();
            assert!(!PropertyTag(tag).is_named(), "{name}");
            assert!(property_type.mapi_name().is_some(), "{name}");
            assert_eq!(property_type, property_type.to_unicode(), "{name}");
            assert!(is_file_name(name), "{name}");
            assert!(!name.ends_with("_A") && !name.ends_with("_W"), "{name}");
            assert!(names.insert(name.to_ascii_lowercase()), "{name} twice");
        }
        assert_eq!(PROPERTY_TAGS_BY_NAME.len(), PROPERTY_TAGS.len());
    }

    #[test]
    fn sets_have_names() {
        for (guid, name) in [
            (0x00062002_0000_0000_C000_000000000046, "PSETID_Appointment"),
            (0x00020329_0000_0000_C000_000000000046, "PS_PUBLIC_STRINGS"),
            (0x6ED8DA90_450B_101B_98DA_00AA003F1305, "PSETID_Meeting"),
        ] {
            assert_eq!(property_set_name(Guid::from_u128(guid)), Some(name));
            assert_eq!(property_set_by_name(name), Some(Guid::from_u128(guid)));
        }
        assert_eq!(property_set_name(Guid::default()), None);
        assert_eq!(property_set_by_name("PSETID_Nothing"), None);
    }

    #[test]
    fn the_table_of_sets_is_sorted_and_its_names_are_unique() {
        assert!(PROPERTY_SETS.is_sorted_by(|a, b| a.0 < b.0));
        for &(guid, name) in PROPERTY_SETS {
            assert!(is_file_name(name), "{name}");
            assert_eq!(property_set_by_name(name), Some(Guid::from_u128(guid)), "{name}");
            assert_eq!(property_set_name(Guid::from_u128(guid)), Some(name));
        }
    }

    #[test]
    fn named_properties_have_names() {
        for (set, lid, name) in [
            ("PSETID_Appointment", 0x8205, "PidLidBusyStatus"),
            ("PSETID_Appointment", 0x825D, "PidLidAppointmentUnsendableRecipients"),
            ("PSETID_Common", 0x8503, "PidLidReminderSet"),
            ("PSETID_Meeting", 0x0023, "PidLidCleanGlobalObjectId"),
            ("PSETID_Task", 0x8105, "PidLidTaskDueDate"),
        ] {
            let set = property_set_by_name(set).unwrap();
            assert_eq!(named_property_name(set, lid), Some(name));
            assert_eq!(named_property_lid(set, name), Some(lid));
        }
        let common = property_set_by_name("PSETID_Common").unwrap();
        assert_eq!(named_property_name(common, 0x8205), None);
        assert_eq!(named_property_name(common, u32::MAX), None);
        assert_eq!(named_property_lid(common, "PidLidBusyStatus"), None);
        assert_eq!(named_property_name(Guid::default(), 0x8503), None);
    }

    #[test]
    fn the_table_of_named_properties_is_sorted_and_its_names_are_unique() {
        assert!(NAMED_PROPERTIES.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)));
        for &(set, lid, name) in NAMED_PROPERTIES {
            let set = Guid::from_u128(PROPERTY_SETS[usize::from(set)].0);
            assert!(is_file_name(name), "{name}");
            assert_eq!(named_property_name(set, lid.into()), Some(name));
            assert_eq!(named_property_lid(set, name), Some(lid.into()), "{name}");
        }
    }
}
