//! The one source of chance of the demo: SplitMix64, and weighted choice by integer tables.
//! No floating point decides a byte, so the same seed gives the same dump on every machine.

/// SplitMix64 (Steele, Lea, Flood 2014): 64 bits of state, one addition and two multiplications.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// A stream of its own for `seed` and a `label`: the n-th attachment is the same whoever asks.
    pub(crate) fn new(seed: u64, label: &str, n: u64) -> Rng {
        let mut state = seed ^ 0x6A09_E667_F3BC_C908;
        for byte in label.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        Rng(mix(state ^ n.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number in `0..bound`; 0 where `bound` is 0. The bias is below 2^-32 for our bounds.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (((self.next() >> 32) * bound as u64) >> 32) as usize
    }

    /// A number in `low..=high`.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in `percent` of 100 cases.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// True in `n` of 1000 cases.
    pub(crate) fn permille(&mut self, n: usize) -> bool {
        self.below(1000) < n
    }

    /// One of the things, or the empty value for an empty list.
    pub(crate) fn pick<T: Copy + Default>(&mut self, from: &[T]) -> T {
        from.get(self.below(from.len())).copied().unwrap_or_default()
    }

    /// One of the things with its weight; the first where all weights are 0.
    pub(crate) fn weighted<T: Copy>(&mut self, first: T, rest: &[(T, usize)], weight: usize) -> T {
        let total = weight + rest.iter().map(|(_, w)| w).sum::<usize>();
        let mut at = self.below(total);
        if at < weight {
            return first;
        }
        at -= weight;
        for (thing, weight) in rest {
            if at < *weight {
                return *thing;
            }
            at -= weight;
        }
        first
    }

    /// Fills `out` with noise.
    pub(crate) fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(word) {
                *to = from;
            }
        }
    }

    /// `len` characters of `alphabet` (ASCII).
    pub(crate) fn token(&mut self, alphabet: &str, len: usize) -> String {
        let letters = alphabet.as_bytes();
        (0..len).map(|_| char::from(self.pick(letters))).collect()
    }

    /// `len` hexadecimal digits, lower case.
    pub(crate) fn hex(&mut self, len: usize) -> String {
        self.token("0123456789abcdef", len)
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Ranks `0..n` drawn with weight 1/(rank + shift): the law of words, senders and reused documents.
#[derive(Debug, Clone)]
pub(crate) struct Zipf {
    cumulative: Vec<u64>,
}

impl Zipf {
    /// A table for `n` ranks; a larger `shift` flattens the head.
    pub(crate) fn new(n: usize, shift: u64) -> Zipf {
        let mut sum = 0u64;
        let cumulative = (0..n as u64)
            .map(|rank| {
                sum += 1_000_000_000 / (rank + shift.max(1));
                sum
            })
            .collect();
        Zipf { cumulative }
    }

    /// One rank; 0 for an empty table.
    pub(crate) fn draw(&self, rng: &mut Rng) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(0);
        let at = ((u128::from(rng.next()) * u128::from(total)) >> 64) as u64;
        self.cumulative.partition_point(|sum| *sum <= at).min(self.cumulative.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_fixed_and_apart() {
        let draw = |seed, label, n| Rng::new(seed, label, n).next();
        assert_eq!(draw(1, "mail", 0), draw(1, "mail", 0));
        let all = [draw(1, "mail", 0), draw(2, "mail", 0), draw(1, "file", 0), draw(1, "mail", 1)];
        for (i, a) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|b| a != b));
        }
    }

    #[test]
    fn zipf_prefers_the_head_and_reaches_the_tail() {
        let (zipf, mut rng) = (Zipf::new(1000, 1), Rng::new(7, "zipf", 0));
        let mut seen = vec![0u32; 1000];
        for _ in 0..100_000 {
            seen[zipf.draw(&mut rng)] += 1;
        }
        // 1/H(1000) = 13.4 % for the first rank, half of it for the second.
        assert!((12_500..14_500).contains(&seen[0]), "{}", seen[0]);
        assert!((6_000..7_500).contains(&seen[1]), "{}", seen[1]);
        assert!(seen.iter().filter(|n| **n > 0).count() > 950);
    }
}
