//! The group permission bits of a source file that has a POSIX access control list (ACL).
//!
//! If a file has an access ACL, the group bits of its mode are the mask of the ACL: the most that
//! any named user or group may do. The mount shows the mode without the ACL, so these bits would
//! give the file's group what only some users were given. msgfs therefore shows the bits of the
//! `group::` entry, limited by the mask.

use rustix::io::Errno;

/// The extended attribute that holds the ACL.
pub(in crate::fs) const NAME: &str = "system.posix_acl_access";

/// A list has at most one entry of each of these kinds (`include/uapi/linux/posix_acl.h`).
const GROUP_OBJ: u16 = 0x04;
const MASK: u16 = 0x10;
const VERSION: u32 = 2;
/// The longest list that is read, in bytes. If a list is longer, the group gets no rights.
const LIST_BYTES_MAX: usize = 4096;
const GROUP_BITS: u32 = 0o070;

/// Limits the group bits of `mode` to what the file's ACL gives its group. `read` puts the ACL into
/// a buffer and returns its length, as getxattr(2) does.
pub(in crate::fs) fn narrowed(
    mode: u32,
    read: impl FnOnce(&mut [u8]) -> Result<usize, Errno>,
) -> u32 {
    let of_group = (mode & GROUP_BITS) >> 3;
    // If others have every right that the group bits give, the list is not worth reading. This
    // saves the call for most files.
    if of_group & !mode & 0o7 == 0 || mode & libc::S_IFMT == libc::S_IFLNK {
        return mode;
    }
    let mut list = [0; LIST_BYTES_MAX];
    let left = match read(&mut list) {
        // The file has no ACL, or its file system has none.
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => return mode,
        Ok(len) => of_list(list.get(..len).unwrap_or_default()).unwrap_or(0),
        Err(_) => 0,
    };
    mode & !GROUP_BITS | (of_group & left) << 3
}

/// The rights that a list gives the file's group, within the mask. `None` if msgfs does not
/// understand the list.
fn of_list(list: &[u8]) -> Option<u32> {
    let (version, entries) = list.split_first_chunk()?;
    if u32::from_le_bytes(*version) != VERSION {
        return None;
    }
    let (mut group, mut mask) = (None, 0o7);
    for entry in entries.chunks_exact(8) {
        let &[kind, kind_high, bits, bits_high, ..] = entry else { return None };
        let bits = u32::from(u16::from_le_bytes([bits, bits_high]));
        match u16::from_le_bytes([kind, kind_high]) {
            GROUP_OBJ => group = Some(bits),
            MASK => mask = bits,
            _ => {}
        }
    }
    Some(group? & mask)
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::narrowed;

    /// An ACL with these entries: kind and permission bits.
    fn list(entries: &[(u16, u16)]) -> Vec<u8> {
        let mut list = 2_u32.to_le_bytes().to_vec();
        for (kind, bits) in entries {
            list.extend([kind.to_le_bytes(), bits.to_le_bytes(), [0xFF; 2], [0xFF; 2]].concat());
        }
        list
    }

    fn with(mode: u32, list: &[u8]) -> u32 {
        narrowed(mode, |buffer| {
            let target = buffer.get_mut(..list.len()).ok_or(Errno::RANGE)?;
            target.copy_from_slice(list);
            Ok(list.len())
        })
    }

    #[test]
    fn the_group_gets_its_entry_within_the_mask() {
        let (user, named, group, mask, other) = (0x01, 0x02, 0x04, 0x10, 0x20);
        let of = |of_group, of_mask| {
            list(&[(user, 6), (named, 6), (group, of_group), (mask, of_mask), (other, 0)])
        };
        assert_eq!(with(0o100_660, &of(0, 6)), 0o100_600);
        assert_eq!(with(0o100_660, &of(4, 6)), 0o100_640);
        assert_eq!(with(0o100_640, &of(6, 4)), 0o100_640);
        assert_eq!(with(0o100_660, &list(&[(user, 6), (group, 6), (other, 0)])), 0o100_660);
    }

    #[test]
    fn what_cannot_be_understood_leaves_nothing() {
        assert_eq!(with(0o100_660, &[2, 0, 0]), 0o100_600);
        assert_eq!(with(0o100_660, &[1; 12]), 0o100_600);
        assert_eq!(with(0o100_660, &list(&[(0x01, 6)])), 0o100_600);
        assert_eq!(with(0o100_660, &[0; 5000]), 0o100_600);
        assert_eq!(narrowed(0o100_660, |_| Err(Errno::NODATA)), 0o100_660);
        assert_eq!(narrowed(0o100_660, |_| Err(Errno::ACCESS)), 0o100_600);
    }

    #[test]
    fn what_everybody_has_is_not_asked_about() {
        for mode in [0o100_644, 0o100_600, 0o100_604, 0o040_755, 0o120_777] {
            assert_eq!(narrowed(mode, |_| panic!("asked about {mode:o}")), mode);
        }
    }
}
