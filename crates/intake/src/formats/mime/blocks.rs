//! Files that stand in the text of a mail itself: uuencoded and yEnc blocks.

use std::ops::Range;

use super::{header::Eol, uu, yenc};
use crate::source::Source;

/// A block that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Uu(uu::Block),
    Yenc(yenc::Block),
}

impl Found {
    pub(super) fn range(&self) -> Range<u64> {
        match self {
            Found::Uu(block) => block.range.clone(),
            Found::Yenc(block) => block.range.clone(),
        }
    }
}

/// Bytes looked at once.
const WINDOW: u64 = 256 << 10;
/// Longest `begin` line.
const LINE: usize = 4096;

/// The first block in `range`, which begins at a line. A line that looks like the beginning of one is
/// read on until it cannot be; such lines cannot stand within each other's data, so time is linear.
pub(super) fn find(source: &Source, range: Range<u64>, eol: Eol) -> Option<Found> {
    let finder = memchr::memmem::Finder::new(b"begin");
    let mut from = range.start;
    let end = range.end.min(source.len());
    while from < end {
        let window = source.take(from..end.min(from.saturating_add(WINDOW)));
        if window.is_empty() {
            return None;
        }
        for hit in finder.find_iter(&window) {
            let is_yenc = window.get(..hit).is_some_and(|before| before.ends_with(b"=y"));
            let start = if is_yenc { hit - 2 } else { hit };
            let at_line_start = match start.checked_sub(1) {
                Some(before) => window.get(before).is_some_and(|b| matches!(b, b'\n' | b'\r')),
                None => from == range.start,
            };
            if !at_line_start {
                continue;
            }
            let at = from + start as u64;
            let line = source.take(at..end.min(at + LINE as u64));
            let line = line.split(|b| *b == eol.byte()).next().unwrap_or_default().trim_ascii_end();
            let block = if is_yenc && yenc::begin(line) {
                yenc::block(source, at..end, eol).map(Found::Yenc)
            } else if !is_yenc && uu::begin(line).is_some() {
                uu::block(source, at..end, eol).map(Found::Uu)
            } else {
                None
            };
            if block.is_some() {
                return block;
            }
        }
        // A line that begins in this window and ends in the next.
        let next = from + (window.len() as u64).saturating_sub(16).max(1);
        if from + window.len() as u64 >= end {
            return None;
        }
        from = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_across_windows() {
        let block = "begin 644 cat.txt\n#0V%T\n`\nend\n";
        for pad in [0, 1, WINDOW as usize - 20, WINDOW as usize - 5, WINDOW as usize, 2 * WINDOW as usize + 7]
        {
            let mut text = "begin with\n".repeat(pad / 11);
            text.push_str(&"x".repeat(pad - text.len()));
            if pad > 0 {
                text.push('\n');
            }
            let at = text.len() as u64;
            text.push_str(block);
            let slice = text.as_bytes();
            let source = Source::new(&slice, 0, slice.len() as u64);
            let found = find(&source, 0..source.len(), Eol::Lf).map(|found| found.range());
            assert_eq!(found, Some(at..at + block.len() as u64), "{pad}");
        }
    }

    #[test]
    fn repeated_beginnings_cost_linear_time() {
        for piece in
            ["begin 644 x\n", "begin 644 x\n#0V%T\n", "=ybegin line=1 size=1 name=x\nabc\n", "begin", "\n"]
        {
            let text = piece.repeat((2 << 20) / piece.len());
            let slice = text.as_bytes();
            let source = Source::new(&slice, 0, slice.len() as u64);
            let mut from = 0;
            while let Some(found) = find(&source, from..source.len(), Eol::Lf) {
                assert!(found.range().end > from);
                from = found.range().end;
            }
        }
    }
}
