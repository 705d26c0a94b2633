//! yEnc blocks (version 1.3) in the text of Usenet articles: `=ybegin`, lines of bytes shifted by 42,
//! `=yend` with size and CRC-32.

use std::ops::Range;

use super::{decode::Lines, header::Eol};
use crate::source::Source;

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// From `=ybegin` to the end of the line `=yend`.
    pub range: Range<u64>,
    /// File name; the rest of the `=ybegin` line.
    pub name: Vec<u8>,
    /// Where the data lines stand.
    pub data: Range<u64>,
    /// Size of this block's content, as its trailer says.
    pub size: Option<u64>,
    /// CRC-32 of this block's content, as its trailer says.
    pub crc: Option<u32>,
    /// It is one of several parts of a file: number and total, if declared.
    pub part: Option<(u64, Option<u64>)>,
    /// Whether it has a trailer.
    pub ended: bool,
}

/// Whether a line begins a block.
pub(super) fn begin(line: &[u8]) -> bool {
    line.starts_with(b"=ybegin ") && attribute(line, b"line=").is_some() && name(line).is_some()
}

fn name(line: &[u8]) -> Option<&[u8]> {
    let at = memchr::memmem::find(line, b" name=")?;
    Some(line.get(at + 6..)?.trim_ascii()).filter(|name| !name.is_empty())
}

fn attribute<'l>(line: &'l [u8], key: &[u8]) -> Option<&'l [u8]> {
    // What follows the name is the name.
    let line = line.get(..memchr::memmem::find(line, b" name=").unwrap_or(line.len()))?;
    line.split(|b| *b == b' ').find_map(|word| word.strip_prefix(key))
}

fn number(line: &[u8], key: &[u8]) -> Option<u64> {
    std::str::from_utf8(attribute(line, key)?).ok()?.parse().ok()
}

fn crc(line: &[u8], key: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(attribute(line, key)?).ok()?, 16).ok()
}

/// The block whose `=ybegin` line stands at the beginning of `range`.
pub(super) fn block(source: &Source, range: Range<u64>, eol: Eol) -> Option<Block> {
    let mut lines = Lines::new(source, range.clone(), eol);
    let mut line = Vec::new();
    let first = lines.next(&mut line)?;
    if !begin(&line) {
        return None;
    }
    let mut block = Block {
        range: range.start..first.next,
        name: name(&line)?.to_vec(),
        data: first.next..first.next,
        size: None,
        crc: None,
        part: number(&line, b"part=").map(|part| (part, number(&line, b"total="))),
        ended: false,
    };
    while let Some(cut) = lines.next(&mut line) {
        if line.starts_with(b"=ypart ") && block.data.is_empty() {
            block.data = cut.next..cut.next;
        } else if line.starts_with(b"=yend ") || line == b"=yend" {
            block.size = number(&line, b"size=");
            block.crc = match block.part {
                Some(_) => crc(&line, b"pcrc32="),
                None => crc(&line, b"crc32=").or_else(|| crc(&line, b"pcrc32=")),
            };
            block.ended = true;
            block.range.end = cut.next;
            return Some(block);
        } else if cut.cut || line.starts_with(b"=ybegin ") {
            break;
        } else {
            block.data.end = cut.next;
            block.range.end = cut.next;
        }
    }
    (!block.data.is_empty()).then_some(block)
}

/// Appends the bytes of a data line.
pub(super) fn decode_line(line: &[u8], to: &mut Vec<u8>) {
    let mut escaped = false;
    for byte in line {
        if escaped {
            to.push(byte.wrapping_sub(64).wrapping_sub(42));
            escaped = false;
        } else if *byte == b'=' {
            escaped = true;
        } else {
            to.push(byte.wrapping_sub(42));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        let mut text = b"=ybegin line=128 size=4 name=a b.bin\r\n".to_vec();
        // 0x00 is 42; 0xD6 would be NUL and is escaped, as 0x13 (`=`) is.
        text.extend_from_slice(b"*=@=}k\r\n=yend size=4 crc32=0badf00d\r\nafter");
        let slice = text.as_slice();
        let source = Source::new(&slice, 0, text.len() as u64);
        let block = block(&source, 0..text.len() as u64, Eol::Lf).unwrap();
        assert_eq!(
            (block.name.as_slice(), block.size, block.crc, block.part),
            (b"a b.bin".as_slice(), Some(4), Some(0x0bad_f00d), None)
        );
        assert_eq!(block.range.end, text.len() as u64 - 5);
        let mut to = Vec::new();
        decode_line(b"*=@=}k", &mut to);
        assert_eq!(to, [0, 0xd6, 0x13, 0x41]);
    }

    #[test]
    fn what_is_no_block() {
        for (text, is) in [
            ("=ybegin line=128 size=1 name=x\nabc\n=yend size=1\n", true),
            (
                "=ybegin part=1 total=2 line=128 size=1 name=x\n=ypart begin=1 end=1\nabc\n=yend size=1 part=1 pcrc32=1\n",
                true,
            ),
            ("=ybegin line=128 size=1\nabc\n=yend size=1\n", false),
            ("=ybegin of a sentence\n", false),
            ("=ybegin line=128 size=1 name=x\n=ybegin line=1 size=1 name=y\n", false),
        ] {
            let bytes = text.as_bytes();
            let source = Source::new(&bytes, 0, bytes.len() as u64);
            assert_eq!(block(&source, 0..bytes.len() as u64, Eol::Lf).is_some(), is, "{text}");
        }
    }
}
