//! Plain text, and whatever else is text by its bytes: tables, source code, logs, JSON, XML. Read in
//! pieces, so that neither the file's size nor that of its lines matters.

use std::ops::Range;

use tamis_model::{Outcome, Reason};

use crate::{
    formats::{charset, language},
    out::{Out, Stop},
    reader::{Claim, Look, Reader, ReaderId, Slice},
    source::Source,
};

/// The reader of text.
pub struct PlainText;

impl Reader for PlainText {
    fn id(&self) -> ReaderId {
        ReaderId { name: "text", version: 1 }
    }

    fn media_type(&self) -> &'static str {
        "text/plain"
    }

    fn claims(&self, look: &Look) -> Claim {
        if looks_like_text(look.head) { Claim::Weak } else { Claim::No }
    }

    fn read(&self, source: &Source, _slice: Option<Slice>, out: &mut Out) -> Result<Outcome, Stop> {
        let mut pieces = Pieces::new(source, PIECE);
        let mut decoder = Decoder::new(None);
        let mut chunk = 0;
        let mut lang = None;
        while let Some((range, bytes)) = pieces.next_piece(b'\n') {
            out.spend(2 * bytes.len() as u64)?;
            let text = decoder.decode(bytes, range.start, out)?;
            if range.start == 0 {
                lang = language::of(&text);
            }
            chunk = out.text_from(chunk, "", "text/plain", lang, &text)?;
            out.covers(range)?;
        }
        Ok(decoder.outcome())
    }
}

/// Bytes of a file that are decoded at once.
const PIECE: usize = 1 << 20;

/// Whether the beginning of a file is text: UTF-16, or no zero and next to no control characters
/// beside those that text has. Compressed data has one in eight.
pub(super) fn looks_like_text(head: &[u8]) -> bool {
    if Width::of(head) != Width::Bytes {
        return true;
    }
    let strange = |b: &&u8| matches!(b, 1..=6 | 0x0e..=0x19 | 0x1c..=0x1f | 0x7f);
    let controls = head.iter().filter(strange).count();
    if head.contains(&0) {
        return false;
    }
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        // A character may be cut off by the end of the head.
        Err(error) => error.error_len().is_none() && error.valid_up_to() + 4 > head.len(),
    };
    match valid {
        true => controls * 50 <= head.len(),
        // Letters of an 8-bit charset stand among ASCII, or fill most of it; and C1 controls are rare.
        false => controls == 0 || controls * 500 < head.len(),
    }
}

/// How wide the units of a text are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    Bytes,
    Little,
    Big,
}

impl Width {
    /// By the byte order mark, or the zeroes of Latin letters in UTF-16.
    fn of(head: &[u8]) -> Width {
        match head {
            [0xff, 0xfe, 0, 0, ..] => return Width::Bytes,
            [0xff, 0xfe, ..] => return Width::Little,
            [0xfe, 0xff, ..] => return Width::Big,
            _ => {}
        }
        let pairs = head.as_chunks::<2>().0;
        let latin = |zero: usize, other: usize| {
            let fits = pairs.iter().filter(|pair| {
                pair.get(zero) == Some(&0)
                    && pair
                        .get(other)
                        .is_some_and(|b| matches!(b, b'\t' | b'\r' | b'\n' | b' '..=b'~' | 0xa0..))
            });
            pairs.len() >= 4 && fits.count() * 10 >= pairs.len() * 9
        };
        match (latin(1, 0), latin(0, 1)) {
            (true, _) => Width::Little,
            (_, true) => Width::Big,
            _ => Width::Bytes,
        }
    }

    /// The byte order mark.
    fn mark(self) -> &'static [u8] {
        match self {
            Width::Bytes => b"",
            Width::Little => b"\xff\xfe",
            Width::Big => b"\xfe\xff",
        }
    }
}

/// A file in pieces that cut no character in two.
pub(super) struct Pieces<'s, 'a> {
    source: &'s Source<'a>,
    width: Width,
    size: usize,
    at: u64,
}

impl<'s, 'a> Pieces<'s, 'a> {
    /// Pieces of at most `size` bytes, which is even.
    pub(super) fn new(source: &'s Source<'a>, size: usize) -> Self {
        Pieces { source, width: Width::of(&source.head()), size, at: 0 }
    }

    /// The next piece. It ends behind `mark` (before it, where that is `<`), if there is one in its
    /// second half; else behind some character that is whole in every charset. In UTF-16, each piece
    /// has a byte order mark: two bytes alone could be anything.
    pub(super) fn next_piece(&mut self, mark: u8) -> Option<(Range<u64>, Vec<u8>)> {
        let mut bytes = self.source.take(self.at..self.at.saturating_add(self.size as u64));
        if bytes.is_empty() {
            return None;
        }
        if self.at + (bytes.len() as u64) < self.source.len() {
            bytes.truncate(self.cut(&bytes, mark).max(1));
        }
        let range = self.at..self.at + bytes.len() as u64;
        self.at = range.end;
        let mark = self.width.mark();
        if !bytes.starts_with(mark) {
            bytes.splice(..0, mark.iter().copied());
        }
        Some((range, bytes))
    }

    fn cut(&self, bytes: &[u8], mark: u8) -> usize {
        let half = (bytes.len() / 2) & !1;
        let tail = bytes.get(half..).unwrap_or(&[]);
        let before = usize::from(mark == b'<');
        let unit = |mark: u8| match self.width {
            Width::Bytes => [mark, 0],
            Width::Little => [mark, 0],
            Width::Big => [0, mark],
        };
        if self.width != Width::Bytes {
            let units = tail.as_chunks::<2>().0;
            let at = units.iter().rposition(|pair| *pair == unit(mark));
            // Without a mark, not between the halves of a surrogate pair.
            let high = usize::from(self.width == Width::Little);
            let whole = units.iter().rposition(|pair| !matches!(pair.get(high), Some(0xd8..=0xdb)));
            return half
                + at.map(|at| 2 * (at + 1 - before)).or(whole.map(|at| 2 * (at + 1))).unwrap_or(tail.len());
        }
        // In every charset of bytes, those below 0x30 stand for themselves; in UTF-8 a character
        // begins with what is no continuation.
        let at = memchr::memrchr(mark, tail).map(|at| at + 1 - before);
        let plain = || tail.iter().rposition(|b| *b < 0x30).map(|at| at + 1);
        let start = || tail.iter().rposition(|b| b & 0xc0 != 0x80).filter(|at| tail.len() - at <= 4);
        half + at.or_else(plain).or_else(start).unwrap_or(tail.len())
    }
}

/// Decodes the pieces of one file.
pub(super) struct Decoder {
    /// The charset, by declaration or once something outside of ASCII told it.
    label: Option<String>,
    told: bool,
    lost: bool,
}

impl Decoder {
    /// A decoder for a file of this charset, if that is known.
    pub(super) fn new(label: Option<String>) -> Decoder {
        Decoder { label, told: false, lost: false }
    }

    /// Decodes the piece at `at`. What is wrong with the charset is told once.
    pub(super) fn decode(&mut self, bytes: Vec<u8>, at: u64, out: &mut Out) -> Result<String, Stop> {
        let decoded = charset::decode(bytes, self.label.as_deref());
        // UTF-8 and a mixture of it with windows-1252 are told anew by each piece.
        let settled = !matches!(decoded.charset.as_str(), "us-ascii" | "utf-8" | "windows-1252");
        if self.label.is_none() && settled {
            self.label = Some(decoded.charset.clone());
        }
        self.lost |= decoded.lost;
        if let Some(wrong) = decoded.wrong
            && !self.told
        {
            self.told = true;
            out.defect(wrong.kind(), Some(at), &decoded.charset)?;
        }
        Ok(decoded.text)
    }

    /// Whether all could be read.
    pub(super) fn outcome(&self) -> Outcome {
        if self.lost { Outcome::partial(Reason::Damaged) } else { Outcome::PARSED }
    }
}

#[cfg(test)]
mod tests {
    use tamis_model::tables::Fact;

    use super::*;
    use crate::{protocol::Reading, testing::read};

    fn text(reading: &Reading<Vec<u8>>) -> String {
        let mut all = String::new();
        let rows = reading.facts.iter().filter_map(|fact| match fact {
            Fact::Text(row) if row.part.is_empty() => Some(row),
            _ => None,
        });
        for (n, row) in rows.enumerate() {
            assert_eq!(row.chunk as usize, n);
            assert!(row.text.len() <= crate::limits::TEXT_ROW_BYTES);
            all.push_str(&row.text);
        }
        all
    }

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn charsets() {
        let word = "Gr\u{fc}\u{df}e aus K\u{f6}ln, sch\u{f6}ne Gr\u{fc}\u{df}e";
        for (name, bytes, expected) in [
            ("ascii", b"a,b\n1,2\n".to_vec(), "a,b\n1,2\n"),
            ("utf-8", word.as_bytes().to_vec(), word),
            ("utf-8 with mark", [b"\xef\xbb\xbf", word.as_bytes()].concat(), word),
            ("latin", word.chars().map(|c| c as u8).collect(), word),
            ("utf-16le with mark", [vec![0xff, 0xfe], utf_16(word, u16::to_le_bytes)].concat(), word),
            ("utf-16be with mark", [vec![0xfe, 0xff], utf_16(word, u16::to_be_bytes)].concat(), word),
            ("utf-16le", utf_16(word, u16::to_le_bytes), word),
            ("utf-16be", utf_16(word, u16::to_be_bytes), word),
            ("empty", vec![], ""),
            ("escapes", b"\x1b[31mred\x1b[0m and more text".to_vec(), "\x1b[31mred\x1b[0m and more text"),
        ] {
            let reading = read(&bytes, "a.txt", "");
            assert_eq!(reading.reader.as_deref(), Some("text/1"), "{name}");
            assert_eq!(text(&reading), expected, "{name}");
            assert_eq!(reading.outcome, Outcome::PARSED, "{name}");
            assert!(reading.gaps(bytes.len() as u64).unwrap().is_empty(), "{name}");
        }
    }

    #[test]
    fn binary_is_not_text() {
        let noise: Vec<u8> = (0..4096u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8 | 1).collect();
        for bytes in [noise.as_slice(), b"\0\0\0\0", b"a\0b", b"\x01\x02\x03"] {
            assert!(!looks_like_text(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn pieces_cut_no_character() {
        // Characters of every length around the end of a piece, with and without lines.
        for filler in ["x", "xy z", "a line\n", "\u{e9}", "\u{20ac}", "\u{1f4c4}", "\u{65e5}\u{672c}"] {
            for shift in 0..5 {
                let word = format!("{}{}", &"abcde"[..shift], filler.repeat((3 << 20) / filler.len()));
                for bytes in [
                    word.as_bytes().to_vec(),
                    [vec![0xff, 0xfe], utf_16(&word, u16::to_le_bytes)].concat(),
                    [vec![0xfe, 0xff], utf_16(&word, u16::to_be_bytes)].concat(),
                ] {
                    let reading = read(&bytes, "", "");
                    assert!(text(&reading) == word, "{filler} {shift}");
                    assert!(reading.gaps(bytes.len() as u64).unwrap().is_empty());
                }
            }
        }
    }

    #[test]
    fn a_charset_that_shows_late_is_still_seen() {
        let mut bytes = b"plain ascii\n".repeat(200_000);
        bytes.extend_from_slice(b"Stra\xdfe\n");
        let reading = read(&bytes, "", "");
        assert!(text(&reading).ends_with("Stra\u{df}e\n"));
    }
}
