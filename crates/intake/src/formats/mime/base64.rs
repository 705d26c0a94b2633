//! Base64 (RFC 2045 §6.8). Other characters are passed over, as the RFC says; padding may be missing,
//! or stand in the middle where programs concatenated; what follows the padding and is not base64 (the
//! footer of a mailing list, say) is left for the caller.

use super::decode::{Damage, Decoder};

const SKIP: u8 = 0x80;
const PAD: u8 = 0x81;
const SPACE: u8 = 0x82;

/// Value of each byte, or what it is.
#[allow(clippy::indexing_slicing)] // Evaluated at compile time.
const VALUES: [u8; 256] = {
    let mut values = [SKIP; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut i = 0;
    while i < 64 {
        values[alphabet[i] as usize] = i as u8;
        i += 1;
    }
    values[b'=' as usize] = PAD;
    values[b' ' as usize] = SPACE;
    values[b'\t' as usize] = SPACE;
    values[b'\r' as usize] = SPACE;
    values[b'\n' as usize] = SPACE;
    values
};

/// Longest line after padding that is looked at to tell whether base64 goes on.
const PROBE: usize = 1024;

/// The decoder.
#[derive(Debug, Default)]
pub(super) struct Base64 {
    bits: u32,
    /// Characters in `bits`, below 4.
    held: u8,
    /// Offset of the last character that held bits.
    last: u64,
    state: State,
    damage: Damage,
    tail: Option<u64>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Data,
    /// After padding, on the same line.
    Padded,
    /// After padding, on a further line, which began at the offset.
    Probe(Vec<u8>, u64),
    /// After the end.
    Over,
}

fn value(byte: u8) -> u8 {
    VALUES.get(usize::from(byte)).copied().unwrap_or(SKIP)
}

impl Base64 {
    fn data(&mut self, byte: u8, at: u64, to: &mut Vec<u8>) {
        match value(byte) {
            SPACE => {}
            PAD => self.pad(at, to),
            value if value < 64 => {
                self.bits = self.bits << 6 | u32::from(value);
                self.held += 1;
                self.last = at;
                if self.held == 4 {
                    to.extend_from_slice(self.bits.to_be_bytes().get(1..).unwrap_or_default());
                    (self.bits, self.held) = (0, 0);
                }
            }
            _ => self.damage.note("base64-junk", at),
        }
    }

    fn pad(&mut self, at: u64, to: &mut Vec<u8>) {
        match self.held {
            0 => self.damage.note("base64-padding", at),
            1 => {
                self.damage.note("base64-incomplete", at);
                self.damage.lost = true;
            }
            _ => {}
        }
        self.flush(to);
        self.state = State::Padded;
    }

    /// Writes the bytes of an incomplete group.
    fn flush(&mut self, to: &mut Vec<u8>) {
        let bytes = (self.bits << (6 * (4 - u32::from(self.held.min(4))))).to_be_bytes();
        to.extend_from_slice(bytes.get(1..usize::from(self.held.max(1))).unwrap_or_default());
        (self.bits, self.held) = (0, 0);
    }

    /// Decides by the line that follows padding whether base64 goes on.
    fn probe(&mut self, to: &mut Vec<u8>) {
        let State::Probe(line, at) = std::mem::take(&mut self.state) else { return };
        let values = || line.iter().map(|b| value(*b));
        if values().all(|v| v == SPACE || v == PAD) {
            self.state = State::Probe(Vec::new(), at + line.len() as u64);
            return;
        }
        let clean = values().all(|v| v != SKIP);
        let count = values().filter(|v| *v < 64 || *v == PAD).count();
        let whole = count % 4 == 0 || line.len() >= PROBE;
        if clean && whole {
            self.damage.note("base64-concatenated", at);
            self.state = State::Data;
            self.feed(&line, at, to);
        } else {
            self.tail = Some(at);
            self.damage.note("base64-trailing", at);
            self.state = State::Over;
        }
    }
}

impl Decoder for Base64 {
    fn feed(&mut self, bytes: &[u8], at: u64, to: &mut Vec<u8>) {
        let mut i = 0;
        while let Some(rest) = bytes.get(i..).filter(|rest| !rest.is_empty()) {
            match &mut self.state {
                State::Data => {
                    if self.held == 0 {
                        let groups = whole_groups(rest, to);
                        if groups > 0 {
                            i += groups;
                            continue;
                        }
                    }
                    if let Some(byte) = rest.first() {
                        self.data(*byte, at + i as u64, to);
                    }
                    i += 1;
                }
                State::Padded => {
                    let byte = rest.first().copied().unwrap_or_default();
                    match value(byte) {
                        _ if byte == b'\n' || byte == b'\r' => {
                            self.state = State::Probe(Vec::new(), at + i as u64 + 1);
                        }
                        PAD | SPACE => {}
                        SKIP => self.damage.note("base64-junk", at + i as u64),
                        _ => {
                            self.damage.note("base64-concatenated", at + i as u64);
                            self.state = State::Data;
                            continue;
                        }
                    }
                    i += 1;
                }
                State::Probe(line, _) => {
                    let room = PROBE.saturating_sub(line.len()).min(rest.len());
                    let end = memchr::memchr2(b'\n', b'\r', rest).map_or(rest.len(), |end| end + 1);
                    let take = end.min(room.max(1));
                    line.extend_from_slice(rest.get(..take).unwrap_or_default());
                    let done = line.len() >= PROBE || matches!(line.last(), Some(b'\n' | b'\r'));
                    i += take;
                    if done {
                        self.probe(to);
                    }
                }
                State::Over => return,
            }
        }
    }

    fn end(&mut self, to: &mut Vec<u8>) {
        if matches!(&self.state, State::Probe(line, _) if !line.is_empty()) {
            self.probe(to);
        }
        match self.held {
            0 => {}
            1 => {
                self.damage.note("base64-incomplete", self.last);
                self.damage.truncated = true;
            }
            _ => self.damage.note("base64-padding", self.last),
        }
        self.flush(to);
    }

    fn tail(&self) -> Option<u64> {
        self.tail
    }

    fn damage(&mut self) -> Damage {
        std::mem::take(&mut self.damage)
    }
}

/// Decodes groups of four characters as long as they are nothing else; how many bytes were read.
fn whole_groups(bytes: &[u8], to: &mut Vec<u8>) -> usize {
    let mut groups = 0;
    for [a, b, c, d] in bytes.as_chunks::<4>().0 {
        let (a, b, c, d) = (value(*a), value(*b), value(*c), value(*d));
        if (a | b | c | d) & 0x80 != 0 {
            break;
        }
        let bits = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
        let [_, x, y, z] = bits.to_be_bytes();
        to.extend_from_slice(&[x, y, z]);
        groups += 4;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes, in pieces of `size`.
    fn decode(coded: &str, size: usize) -> (String, Damage, Option<u64>) {
        let mut decoder = Base64::default();
        let mut to = Vec::new();
        for (i, piece) in coded.as_bytes().chunks(size).enumerate() {
            decoder.feed(piece, (i * size) as u64, &mut to);
        }
        decoder.end(&mut to);
        (String::from_utf8_lossy(&to).into_owned(), decoder.damage(), decoder.tail())
    }

    #[test]
    fn honest_and_broken() {
        type Case<'a> = (&'a str, &'a str, &'a [(&'static str, u64, u64)], Option<u64>);
        let cases: &[Case] = &[
            ("", "", &[], None),
            ("YWJj", "abc", &[], None),
            ("YW\r\nJj\r\n", "abc", &[], None),
            ("YWI=", "ab", &[], None),
            ("YQ==\r\n\r\n", "a", &[], None),
            ("YQ", "a", &[("base64-padding", 1, 1)], None),
            ("YWI", "ab", &[("base64-padding", 2, 1)], None),
            ("YWJjY", "abc", &[("base64-incomplete", 4, 1)], None),
            ("YW!J*j", "abc", &[("base64-junk", 2, 2)], None),
            ("YQ==YQ==", "aa", &[("base64-concatenated", 4, 1)], None),
            ("YQ==\nYWJj\nYg==\n", "aabcb", &[("base64-concatenated", 5, 1)], None),
            ("YQ==\n\n--\nlist footer\n", "a", &[("base64-trailing", 6, 1)], Some(6)),
            ("YWJj====\n", "abc", &[("base64-padding", 4, 1)], None),
        ];
        for (coded, text, damage, tail) in cases {
            for size in 1..=coded.len().max(1) {
                let (got, found, at) = decode(coded, size);
                assert_eq!(
                    (got.as_str(), found.list.as_slice(), at),
                    (*text, *damage, *tail),
                    "{coded:?} by {size}"
                );
            }
        }
        assert!(decode("YWJjY", 9).1.truncated);
        assert!(decode("Y===", 9).1.lost);
    }

    #[test]
    fn all_bytes_round_trip() {
        use base64::Engine;
        let bytes: Vec<u8> = (0..=255).cycle().take(70_001).collect();
        let coded = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let lines: Vec<&str> = coded.as_bytes().chunks(76).map(|l| std::str::from_utf8(l).unwrap()).collect();
        let mut decoder = Base64::default();
        let mut to = Vec::new();
        decoder.feed(lines.join("\r\n").as_bytes(), 0, &mut to);
        decoder.end(&mut to);
        assert_eq!(to, bytes);
        assert_eq!(decoder.damage(), Damage::default());
    }
}
