//! The id of a meeting (\[MS-OXOCAL\] 2.2.1.27 `PidLidGlobalObjectId`).

use crate::mapi::hexadecimal;

use super::fields::FieldReader;

/// The id of a meeting, or of one instance of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalObjectId {
    /// The UID for iCalendar: the text that another calendar program gave the meeting, else the
    /// whole id in hexadecimal, with zeros for the date of the instance (\[MS-OXCICAL\]
    /// 2.1.3.1.1.20.26).
    pub uid: String,
    /// Year, month and day of the instance; `None` for the whole meeting.
    pub instance: Option<(u16, u8, u8)>,
}

/// These bytes in the data precede a UID from another calendar program.
const FOREIGN_UID: &[u8] = b"vCal-Uid\x01\0\0\0";
/// Where year, month and day are in the id.
const DATE: std::ops::Range<usize> = 16..20;

impl GlobalObjectId {
    /// Decodes a GlobalObjectId (\[MS-OXOCAL\] 2.2.1.27).
    ///
    /// | offset | bytes | field |
    /// |---|---|---|
    /// | 0 | 16 | class id |
    /// | 16 | 2 | year of the instance, high byte first |
    /// | 18 | 1 | month |
    /// | 19 | 1 | day |
    /// | 20 | 8 | time of creation |
    /// | 28 | 8 | zero |
    /// | 36 | 4 | size |
    /// | 40 | size | data |
    ///
    /// If the id is shorter than that, its bytes in hexadecimal are the UID; `None` if it is empty.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        let mut clean = bytes.to_vec();
        let date = clean.get_mut(DATE).filter(|_| bytes.len() >= 40);
        let instance = date.and_then(|date| {
            let instance = match *date {
                [_, _, 0, _] | [_, _, _, 0] => None,
                [high, low, month, day] => Some((u16::from_be_bytes([high, low]), month, day)),
                _ => None,
            };
            date.fill(0);
            instance
        });
        let uid = foreign_uid(bytes).unwrap_or_else(|| hexadecimal(&clean));
        Some(Self { uid, instance })
    }
}

fn foreign_uid(bytes: &[u8]) -> Option<String> {
    let mut fields = FieldReader::new(bytes.get(36..)?);
    let text = fields.sized()?.strip_prefix(FOREIGN_UID)?;
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    (!text.is_empty()).then(|| String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::GlobalObjectId;

    const HEAD: &str = "040000008200E00074C5B7101A82E008";

    fn check(date: [u8; 4], data: &[u8], expected: (&str, Option<(u16, u8, u8)>)) {
        let mut id: Vec<u8> = vec![4, 0, 0, 0, 0x82, 0, 0xE0, 0, 0x74, 0xC5, 0xB7, 0x10];
        id.extend([0x1A, 0x82, 0xE0, 0x08]);
        id.extend(date);
        id.extend([0; 16]);
        id.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        id.extend(data);
        let decoded = GlobalObjectId::decode(&id).unwrap();
        assert_eq!((decoded.uid.as_str(), decoded.instance), expected);
    }

    #[test]
    fn ids_are_hexadecimal_or_foreign_texts() {
        let zeros = "0".repeat(40);
        let own = format!("{HEAD}{zeros}02000000ABCD");
        check([0; 4], &[0xAB, 0xCD], (&own, None));
        check([0x07, 0xE7, 5, 6], &[0xAB, 0xCD], (&own, Some((2023, 5, 6))));
        check([0; 4], b"vCal-Uid\x01\0\0\0abc@example.org\0", ("abc@example.org", None));
        let empty = format!("{HEAD}{zeros}0D0000007643616C2D5569640100000000");
        check([0; 4], b"vCal-Uid\x01\0\0\0\0", (&empty, None));
    }

    #[test]
    fn short_ids_are_kept_whole() {
        assert_eq!(GlobalObjectId::decode(&[]), None);
        let id = GlobalObjectId::decode(&[0x1F; 18]).unwrap();
        assert_eq!((id.uid, id.instance), ("1F".repeat(18), None));
        // An id with a size beyond its end is damaged, but still unique, so it is used.
        let mut id = vec![0; 36];
        id.extend([0xFF; 6]);
        assert!(GlobalObjectId::decode(&id).unwrap().uid.ends_with("FFFFFFFFFFFF"));
    }
}
