//! Transfer encodings as decoders that are fed piece by piece, tolerant of what transport and broken
//! programs do; each kind of damage is noted once, with its first offset.

use std::{io::BufRead, ops::Range};

use super::base64::Base64;
use super::{header::Eol, quoted::Quoted};
use crate::{
    out::{Coding, Stop},
    source::{RangeReader, Source},
};

/// Bytes decoded at a step.
const STEP: usize = 64 << 10;

/// What a decoder met that its encoding does not allow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Damage {
    /// Kind, offset of the first and how many.
    pub list: Vec<(&'static str, u64, u64)>,
    /// The bytes end before the encoded content does.
    pub truncated: bool,
    /// Content could not be decoded.
    pub lost: bool,
}

impl Damage {
    pub(super) fn note(&mut self, kind: &'static str, at: u64) {
        match self.list.iter_mut().find(|(known, ..)| *known == kind) {
            Some((.., count)) => *count += 1,
            None => self.list.push((kind, at, 1)),
        }
    }
}

/// A transfer encoding being undone.
pub(super) trait Decoder {
    /// Takes encoded bytes, the first of which stands at offset `at` of the message, and appends what
    /// they mean. At most one byte of content for one encoded.
    fn feed(&mut self, bytes: &[u8], at: u64, to: &mut Vec<u8>);
    /// Takes the end.
    fn end(&mut self, to: &mut Vec<u8>);
    /// How many bytes at the end of what was appended may still be taken back.
    fn held(&self) -> usize {
        0
    }
    /// Where the encoded content ended and something else began.
    fn tail(&self) -> Option<u64> {
        None
    }
    /// What was met.
    fn damage(&mut self) -> Damage;
}

/// Bytes as they are.
struct Plain;

impl Decoder for Plain {
    fn feed(&mut self, bytes: &[u8], _: u64, to: &mut Vec<u8>) {
        to.extend_from_slice(bytes);
    }
    fn end(&mut self, _: &mut Vec<u8>) {}
    fn damage(&mut self) -> Damage {
        Damage::default()
    }
}

/// The decoder of a coding that is not made of lines.
pub(super) fn decoder(coding: Coding) -> Box<dyn Decoder> {
    match coding {
        Coding::Base64 => Box::<Base64>::default(),
        Coding::QuotedPrintable => Box::<Quoted>::default(),
        _ => Box::new(Plain),
    }
}

/// Decodes a range and hands on its content.
pub(super) fn run(
    decoder: &mut dyn Decoder,
    source: &Source,
    range: Range<u64>,
    write: &mut dyn FnMut(&[u8]) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut reader = source.reader(range);
    let mut content = Vec::with_capacity(STEP);
    while let Some((piece, at)) = step(&mut reader) {
        decoder.feed(piece, at, &mut content);
        let len = piece.len();
        reader.consume(len);
        let ready = content.len().saturating_sub(decoder.held());
        write(content.get(..ready).unwrap_or_default())?;
        content.drain(..ready);
    }
    decoder.end(&mut content);
    write(&content)
}

/// Decodes a range up to about `cap` bytes of content; that, and the offset up to which it was read.
pub(super) fn collect(
    decoder: &mut dyn Decoder,
    source: &Source,
    range: Range<u64>,
    cap: usize,
) -> (Vec<u8>, u64) {
    let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
    let mut content = Vec::with_capacity(len.min(cap));
    let mut reader = source.reader(range);
    while let Some((piece, at)) = step(&mut reader) {
        if content.len() >= cap {
            return (content, at);
        }
        decoder.feed(piece, at, &mut content);
        let len = piece.len();
        reader.consume(len);
    }
    let end = reader.offset();
    decoder.end(&mut content);
    (content, end)
}

fn step<'r>(reader: &'r mut RangeReader) -> Option<(&'r [u8], u64)> {
    // A window must be there before the offset says where it is.
    reader.fill_buf().ok().filter(|buf| !buf.is_empty())?;
    let at = reader.offset();
    let buf = reader.fill_buf().ok()?;
    Some((buf.get(..STEP).unwrap_or(buf), at))
}

/// Longest line that is kept; what is longer is no line of any encoding.
const LINE: usize = 16 << 10;

/// Goes through the lines of a range.
pub(super) struct Lines<'s, 'a> {
    reader: RangeReader<'s, 'a>,
    eol: Eol,
}

/// Where a line stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub at: u64,
    pub next: u64,
    /// It was too long and is not all there.
    pub cut: bool,
    /// It has a line break.
    pub ended: bool,
}

impl<'s, 'a> Lines<'s, 'a> {
    pub(super) fn new(source: &'s Source<'a>, range: Range<u64>, eol: Eol) -> Self {
        Lines { reader: source.reader(range), eol }
    }

    /// Puts the content of the next line into `line`.
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> Option<Cut> {
        line.clear();
        let mut cut = Cut { at: 0, next: 0, cut: false, ended: false };
        let mut begun = false;
        while !cut.ended {
            let Some((piece, at)) = step(&mut self.reader) else { break };
            if !begun {
                cut.at = at;
                begun = true;
            }
            let end = memchr::memchr(self.eol.byte(), piece);
            cut.ended = end.is_some();
            let content = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
            let room = LINE.saturating_sub(line.len());
            cut.cut |= content.len() > room;
            line.extend_from_slice(content.get(..room).unwrap_or(content));
            let used = content.len() + usize::from(cut.ended);
            self.reader.consume(used);
        }
        cut.next = self.reader.offset();
        while line.last() == Some(&b'\r') {
            line.pop();
        }
        begun.then_some(cut)
    }
}
