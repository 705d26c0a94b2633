//! uuencode, as a transfer encoding and as blocks in the text of old mail: `begin MODE NAME`, lines
//! that begin with their length, `end`.

use std::ops::Range;

use super::{
    decode::{Cut, Lines},
    header::Eol,
};
use crate::source::Source;

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// From `begin` to the end of the line `end`.
    pub range: Range<u64>,
    /// File name in the `begin` line.
    pub name: Vec<u8>,
    /// Where the data lines begin.
    pub data: u64,
    /// Whether it has an `end`.
    pub ended: bool,
}

/// The name in a line `begin MODE NAME`, MODE being three or four octal digits.
pub(super) fn begin(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"begin ")?.trim_ascii_start();
    let digits = rest.iter().take_while(|b| matches!(b, b'0'..=b'7')).count();
    let (mode, name) = rest.split_at(digits);
    let name = name.strip_prefix(b" ")?.trim_ascii();
    (matches!(mode.len(), 3 | 4) && !name.is_empty()).then_some(name)
}

/// The block whose `begin` line stands at the beginning of `range`, if the lines after it are one. A
/// block without `end` needs some lines to be believed.
pub(super) fn block(source: &Source, range: Range<u64>, eol: Eol) -> Option<Block> {
    let mut lines = Lines::new(source, range.clone(), eol);
    let mut line = Vec::new();
    let first = lines.next(&mut line)?;
    let name = begin(&line)?.to_vec();
    let mut block = Block { range: range.start..first.next, name, data: first.next, ended: false };
    let (mut count, mut closed) = (0u64, false);
    while let Some(cut) = lines.next(&mut line) {
        if line.trim_ascii_end() == b"end" {
            block.ended = true;
            block.range.end = cut.next;
            return Some(block);
        }
        match data(&line, &cut) {
            Some(0) => closed = true,
            Some(_) if closed => break,
            Some(_) if count == 0 && !is_strict(&line) => return None,
            Some(_) => {
                count += 1;
                block.range.end = cut.next;
            }
            None => break,
        }
    }
    (count >= 3).then_some(block)
}

/// Bytes that a data line declares; `None` where it is none.
fn data(line: &[u8], cut: &Cut) -> Option<usize> {
    let Some((first, rest)) = line.split_first() else { return Some(0) };
    let declared = usize::from(first.checked_sub(b' ').filter(|n| *n <= 64)? & 63);
    // Trailing spaces, which mean zero, may be lost; a checksum character may follow.
    let fits = rest.len() <= declared.div_ceil(3) * 4 + 2;
    (!cut.cut && fits && rest.iter().all(|b| (b' '..=b'`').contains(b))).then_some(declared)
}

fn is_strict(line: &[u8]) -> bool {
    line.split_first().is_some_and(|(first, rest)| {
        let declared = usize::from(first.wrapping_sub(b' ') & 63);
        let full = declared.div_ceil(3) * 4;
        ((declared * 4).div_ceil(3)..=full + 1).contains(&rest.len())
    })
}

/// Appends the bytes of a data line.
pub(super) fn decode_line(line: &[u8], to: &mut Vec<u8>) {
    let Some((first, rest)) = line.split_first() else { return };
    let declared = usize::from(first.wrapping_sub(b' ') & 63);
    let from = to.len();
    for i in 0..declared.div_ceil(3) {
        let bits = (0..4).fold(0u32, |bits, k| {
            let c = rest.get(i * 4 + k).copied().unwrap_or(b' ');
            bits << 6 | u32::from(c.wrapping_sub(b' ') & 63)
        });
        to.extend_from_slice(bits.to_be_bytes().get(1..).unwrap_or_default());
    }
    to.truncate(from + declared);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Option<(String, Range<u64>, bool, String)> {
        let bytes = text.as_bytes();
        let source = Source::new(&bytes, 0, bytes.len() as u64);
        let block = block(&source, 0..bytes.len() as u64, Eol::Lf)?;
        let mut lines = Lines::new(&source, block.data..block.range.end, Eol::Lf);
        let (mut line, mut to) = (Vec::new(), Vec::new());
        while lines.next(&mut line).is_some() {
            if line == b"end" {
                break;
            }
            decode_line(&line, &mut to);
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some((text(&block.name), block.range, block.ended, text(&to)))
    }

    #[test]
    fn blocks() {
        let cat = "begin 644 cat.txt\n#0V%T\n`\nend\n";
        assert_eq!(find(cat), Some(("cat.txt".into(), 0..cat.len() as u64, true, "Cat".into())));
        let crlf = cat.replace('\n', "\r\n");
        assert_eq!(find(&crlf), Some(("cat.txt".into(), 0..crlf.len() as u64, true, "Cat".into())));
        for (text, is) in [
            ("begin 644 empty\n`\nend\n", true),
            ("begin 644 x\n#0V%T\n \nend", true),
            ("begin 0644 two words\n#0V%T\n\nend\nmore", true),
            ("begin the work\nand end\nend\n", false),
            ("begin 644 x\nplain text\nend\n", false),
            ("begin 999 x\n#0V%T\n`\nend\n", false),
            ("begin 644 x\n#0V%T\nbegin 644 y\n", false),
            ("begin 644 x\n#0V%T\n#0V%T\n#0V%T\n", true),
        ] {
            assert_eq!(find(text).is_some(), is, "{text}");
        }
        assert!(!find("begin 644 x\n#0V%T\n#0V%T\n#0V%T\nmore text\n").unwrap().2);
    }
}
