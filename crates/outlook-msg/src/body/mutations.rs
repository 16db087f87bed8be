//! Damages bytes at random, in the same way on every run.

/// Damages `sound` in `count` ways: flips bytes, cuts, repeats and overwrites with extremes.
pub(super) fn mutations(sound: &[u8], count: u32) -> impl Iterator<Item = Vec<u8>> + '_ {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    (0..count).map(move |_| {
        let mut bytes = sound.to_vec();
        for _ in 0..=random.below(4) {
            damage(&mut bytes, &mut random);
        }
        bytes
    })
}

fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    let extremes = [0x00, 0x01, 0x7F, 0x80, 0xFF];
    match random.below(6) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = extremes[random.below(extremes.len())],
        2 => bytes.truncate(at),
        3 => {
            let end = (at + 1 + random.below(16)).min(bytes.len());
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        4 => {
            let end = (at + 4).min(bytes.len());
            bytes[at..end].fill(extremes[random.below(extremes.len())]);
        }
        _ => {
            let end = (at + 1 + random.below(16)).min(bytes.len());
            bytes.drain(at..end);
        }
    }
}

/// Marsaglia's xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).unwrap() % bound
    }
}
