//! Which files belong to which shard: one function of their path, so that each machine finds its
//! own without asking another.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// One of several shards, which together are the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shard {
    /// From 1.
    number: u64,
    of: u64,
}

impl Shard {
    /// Reads `I/N`; `None` if the text is not of this form, or I is not from 1 to N.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (number, of) = text.split_once('/')?;
        let (number, of) = (number.parse().ok()?, of.parse().ok()?);
        (1..=of).contains(&number).then_some(Self { number, of })
    }

    /// Whether the file of this path below PATH is in it: the first eight bytes of the SHA-256 of
    /// the path as a big-endian number, modulo the number of shards.
    pub(super) fn has(self, below: &Path) -> bool {
        let hash = Sha256::digest(below.as_os_str().as_bytes());
        let number = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        number % self.of == self.number - 1
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Shard;

    #[test]
    fn shards_are_a_partition_that_stays() {
        for text in ["0/4", "5/4", "1", "a/b", "1/0", "-1/2", ""] {
            assert_eq!(Shard::parse(text), None, "{text}");
        }
        let shards: Vec<_> =
            (1..=4).map(|number| Shard::parse(&format!("{number}/4")).unwrap()).collect();
        for number in 0..1000 {
            let path = format!("folder/{number}.msg");
            let found = shards.iter().filter(|shard| shard.has(Path::new(&path))).count();
            assert_eq!(found, 1, "{path}");
        }
        // sha256("a.msg") begins with these bytes; another machine must find the same.
        assert!(shards[SHARD_OF_A].has(Path::new("a.msg")));
    }

    const SHARD_OF_A: usize = 1;
}
