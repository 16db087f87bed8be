//! The property sets that the code reads or writes, by their names in \[MS-OXPROPS\] 1.3.2.

use super::Guid;

/// Properties with ids below 0x8000. It has the GUID index 1 in every message, so the GUID itself
/// is not stored.
pub const PS_MAPI: Guid = Guid::from_u128(0x00020328_0000_0000_C000_000000000046);
/// Properties that have a string as name, including user-defined fields. It has the GUID index 2 in
/// every message, so the GUID itself is not stored.
pub const PS_PUBLIC_STRINGS: Guid = Guid::from_u128(0x00020329_0000_0000_C000_000000000046);
/// Header fields of internet mail; their names are compared without regard to case.
pub const PS_INTERNET_HEADERS: Guid = Guid::from_u128(0x00020386_0000_0000_C000_000000000046);
/// Appointments.
pub const PSETID_APPOINTMENT: Guid = Guid::from_u128(0x00062002_0000_0000_C000_000000000046);
/// Tasks.
pub const PSETID_TASK: Guid = Guid::from_u128(0x00062003_0000_0000_C000_000000000046);
/// Contacts.
pub const PSETID_ADDRESS: Guid = Guid::from_u128(0x00062004_0000_0000_C000_000000000046);
/// Messages of every class.
pub const PSETID_COMMON: Guid = Guid::from_u128(0x00062008_0000_0000_C000_000000000046);
/// Journal entries.
pub const PSETID_LOG: Guid = Guid::from_u128(0x0006200A_0000_0000_C000_000000000046);
/// Sticky notes.
pub const PSETID_NOTE: Guid = Guid::from_u128(0x0006200E_0000_0000_C000_000000000046);
/// RSS items.
pub const PSETID_POST_RSS: Guid = Guid::from_u128(0x00062041_0000_0000_C000_000000000046);
/// Meetings and their messages.
pub const PSETID_MEETING: Guid = Guid::from_u128(0x6ED8DA90_450B_101B_98DA_00AA003F1305);
/// Attachments.
pub const PSETID_ATTACHMENT: Guid = Guid::from_u128(0x96357F7F_59E1_47D0_99A7_46515C183B54);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapi::property_set_name;

    #[test]
    fn constants_are_the_sets_of_their_names() {
        for (set, name) in [
            (PS_MAPI, "PS_MAPI"),
            (PS_PUBLIC_STRINGS, "PS_PUBLIC_STRINGS"),
            (PS_INTERNET_HEADERS, "PS_INTERNET_HEADERS"),
            (PSETID_APPOINTMENT, "PSETID_Appointment"),
            (PSETID_TASK, "PSETID_Task"),
            (PSETID_ADDRESS, "PSETID_Address"),
            (PSETID_COMMON, "PSETID_Common"),
            (PSETID_LOG, "PSETID_Log"),
            (PSETID_NOTE, "PSETID_Note"),
            (PSETID_POST_RSS, "PSETID_PostRss"),
            (PSETID_MEETING, "PSETID_Meeting"),
            (PSETID_ATTACHMENT, "PSETID_Attachment"),
        ] {
            assert_eq!(property_set_name(set), Some(name));
        }
    }
}
