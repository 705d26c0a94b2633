//! What a signature is made over: found by its place in the message, hashed in steps, with the line
//! breaks that signers count (RFC 1847 section 2.1: CRLF, whatever a store made of them) and as it stands.

use std::{io::BufRead, ops::Range};

use aws_lc_rs::digest::Context;

use super::{
    super::{
        decode::Lines,
        entity::Entity,
        header::{self, Eol, PartLine},
    },
    verify::Hash,
};
use crate::{
    out::{Out, Stop},
    source::Source,
};

/// Bytes hashed at a step.
const STEP: usize = 64 << 10;
/// Levels of multiparts down to the one that is signed.
const LEVELS: usize = 16;
/// Longest header block of a part on the way there.
const PART_HEADER: u64 = 256 << 10;

/// Content that is signed.
#[derive(Clone)]
pub(super) struct Content<'s, 'a> {
    pub source: &'s Source<'a>,
    pub range: Range<u64>,
    /// How its lines end, where their breaks are to be made CRLF.
    pub lines: Option<Eol>,
}

/// Digests begun over content, in the ways that programs read it.
#[derive(Clone)]
pub(super) struct Begun {
    /// With canonical line breaks.
    pub canonical: Context,
    /// As it stands, where that is something else.
    pub as_it_stands: Option<Context>,
    /// With canonical line breaks and nothing blank before them, where that is something else.
    pub trimmed: Option<Context>,
}

impl Content<'_, '_> {
    /// Hashes the content after `before`.
    pub(super) fn hash(&self, hash: Hash, before: &[u8], out: &mut Out) -> Result<Begun, Stop> {
        let mut canonical = Context::new(hash.algorithm());
        canonical.update(before);
        let mut plain = canonical.clone();
        let mut trimmed = canonical.clone();
        let mut breaks = self.lines.map(|eol| Breaks { eol, after_cr: false, changed: false });
        let mut blanks = Blanks::default();
        let (mut written, mut kept) = (Vec::new(), Vec::new());
        let mut reader = self.source.reader(self.range.clone());
        while let Some(piece) = reader.fill_buf().ok().filter(|piece| !piece.is_empty()) {
            let piece = piece.get(..STEP).unwrap_or(piece);
            let len = piece.len();
            out.spend(4 * len as u64)?;
            plain.update(piece);
            if let Some(breaks) = &mut breaks {
                written.clear();
                breaks.feed(piece, &mut written);
                canonical.update(&written);
                kept.clear();
                blanks.feed(&written, &mut kept);
                trimmed.update(&kept);
            }
            reader.consume(len);
        }
        let is_changed = breaks.as_ref().is_some_and(|breaks| breaks.changed);
        Ok(Begun {
            as_it_stands: is_changed.then(|| plain.clone()),
            canonical: if breaks.is_some() { canonical } else { plain },
            trimmed: (blanks.dropped || !blanks.held.is_empty()).then_some(trimmed),
        })
    }
}

/// Blanks at the end of a line beyond which they are content.
const BLANKS: usize = 64 << 10;

/// Takes away what is blank at the ends of lines that end with CRLF, and of the content.
#[derive(Default)]
struct Blanks {
    /// Blanks, and perhaps a CR, of which is not known what follows.
    held: Vec<u8>,
    dropped: bool,
}

impl Blanks {
    fn feed(&mut self, bytes: &[u8], to: &mut Vec<u8>) {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (content, ends) = match line.split_last() {
                Some((b'\n', content)) => (content, true),
                _ => (line, false),
            };
            let blanks = content.iter().rev().take_while(|byte| is_blank(byte)).count();
            let (content, blanks) = content.split_at_checked(content.len() - blanks).unwrap_or_default();
            if !content.is_empty() || self.held.len() > BLANKS {
                to.append(&mut self.held);
                to.extend_from_slice(content);
            }
            self.held.extend_from_slice(blanks);
            if ends {
                self.dropped |= self.held != b"\r";
                self.held.clear();
                to.extend_from_slice(b"\r\n");
            }
        }
    }
}

/// Makes line breaks CRLF.
struct Breaks {
    eol: Eol,
    after_cr: bool,
    changed: bool,
}

impl Breaks {
    fn feed(&mut self, bytes: &[u8], to: &mut Vec<u8>) {
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(self.eol.byte(), rest) {
            let (run, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            to.extend_from_slice(run);
            if let Some(last) = run.last() {
                self.after_cr = *last == b'\r';
            }
            if self.eol == Eol::Cr || !self.after_cr {
                self.changed = true;
                to.push(b'\r');
            }
            to.push(b'\n');
            self.after_cr = false;
            rest = after.get(1..).unwrap_or_default();
        }
        to.extend_from_slice(rest);
        if let Some(last) = rest.last() {
            self.after_cr = *last == b'\r';
        }
    }
}

/// Where a signed part stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The part with its header, without the line break before the next delimiter.
    pub range: Range<u64>,
    /// The multipart is declared as signed.
    pub declared: bool,
}

/// Finds what the signature in part `number` (`1.2`) signs: the first part of the same multipart. The
/// part that is found there must have its body at `body`, as the walk saw it; else the message can be read
/// in two ways, and it is `None`.
pub(super) fn place(
    source: &Source,
    eol: Eol,
    root: (&Entity, u64),
    number: &str,
    body: u64,
    out: &mut Out,
) -> Result<Option<Place>, Stop> {
    let path: Option<Vec<u64>> = number.split('.').map(|n| n.parse().ok()).collect();
    let Some((last, path)) = path.as_deref().and_then(<[u64]>::split_last) else { return Ok(None) };
    if path.len() > LEVELS || !root.0.is_multipart() {
        return Ok(None);
    }
    let (mut entity, mut range) = (root.0.clone(), root.1..source.len());
    for part in path {
        out.spend(range.end - range.start)?;
        let Some(found) = parts(source, eol, &entity, range, *part) else { return Ok(None) };
        (entity, range) = inside(source, eol, found.1);
        if !entity.is_multipart() {
            return Ok(None);
        }
    }
    out.spend(range.end - range.start)?;
    let declared = entity.media_type() == "multipart/signed";
    if *last != 2 {
        return Ok(None);
    }
    let Some((signed, signature)) = parts(source, eol, &entity, range, 2) else { return Ok(None) };
    let is_same = inside(source, eol, signature).1.start == body;
    Ok(is_same.then_some(Place { range: signed, declared }))
}

/// The first part of a multipart and the one with the number `wanted`.
fn parts(
    source: &Source,
    eol: Eol,
    entity: &Entity,
    body: Range<u64>,
    wanted: u64,
) -> Option<(Range<u64>, Range<u64>)> {
    let boundary = entity.content_type.get("boundary")?.trim_end().as_bytes();
    if boundary.is_empty() || boundary.len() >= 4 << 10 {
        return None;
    }
    let mut lines = Lines::new(source, body.clone(), eol);
    let (mut line, mut first, mut start, mut number) = (Vec::new(), None, None, 0);
    loop {
        let cut = lines.next(&mut line);
        let (end, next) = match cut {
            Some(cut) if cut.cut || !is_delimiter(&line, boundary) => continue,
            Some(cut) => (before_break(source, cut.at), cut.next),
            None => (body.end, body.end),
        };
        if let Some(start) = start {
            let part = start..end.max(start);
            first = first.or(Some(part.clone()));
            if number == wanted {
                return first.map(|first| (first, part));
            }
        }
        cut?;
        number += 1;
        start = Some(next);
    }
}

fn is_delimiter(line: &[u8], boundary: &[u8]) -> bool {
    let after = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary));
    after.is_some_and(|after| matches!(after.trim_ascii_end(), b"" | b"--"))
}

/// The line break before a delimiter belongs to it (RFC 2046 section 5.1.1).
fn before_break(source: &Source, at: u64) -> u64 {
    match source.take(at.saturating_sub(2)..at).as_slice() {
        [b'\r', b'\n'] => at - 2,
        [.., b'\n' | b'\r'] => at - 1,
        _ => at,
    }
}

/// What a part's header says, and its body.
fn inside(source: &Source, eol: Eol, part: Range<u64>) -> (Entity, Range<u64>) {
    let bytes = source.take(part.start..part.end.min(part.start.saturating_add(PART_HEADER)));
    let (mut at, mut body) = (0, bytes.len());
    while let Some(line) = header::line(&bytes, at, eol) {
        match PartLine::of(bytes.get(line.content).unwrap_or_default(), at == 0) {
            PartLine::Header => {}
            PartLine::End => {
                body = line.next;
                break;
            }
            PartLine::Body => {
                body = at;
                break;
            }
        }
        at = line.next;
    }
    let header = bytes.get(..body).unwrap_or_default();
    (Entity::of_part(header, eol, false), part.start + body as u64..part.end)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::digest;

    use super::*;

    fn with_out<T>(f: impl FnOnce(&mut Out) -> T) -> T {
        f(&mut Out::new(1 << 20, &mut |_, _| Ok(())))
    }

    #[test]
    fn line_breaks() {
        let cases: &[(&[u8], Eol, &[u8], bool)] = &[
            (b"", Eol::Lf, b"", false),
            (b"a\r\nb", Eol::Lf, b"a\r\nb", false),
            (b"a\nb\n", Eol::Lf, b"a\r\nb\r\n", true),
            (b"\na\r\n\n", Eol::Lf, b"\r\na\r\n\r\n", true),
            (b"a\rb\r\n", Eol::Lf, b"a\rb\r\n", false),
            (b"a\rb\r", Eol::Cr, b"a\r\nb\r\n", true),
            (b"\r\n", Eol::Lf, b"\r\n", false),
        ];
        for (bytes, eol, canonical, changed) in cases {
            for size in 1..=bytes.len().max(1) {
                let mut breaks = Breaks { eol: *eol, after_cr: false, changed: false };
                let mut to = Vec::new();
                bytes.chunks(size).for_each(|piece| breaks.feed(piece, &mut to));
                assert_eq!((to.as_slice(), breaks.changed), (*canonical, *changed), "{bytes:?} by {size}");
            }
            let source = Source::new(bytes, 0, bytes.len() as u64);
            let content = Content { source: &source, range: 0..source.len(), lines: Some(*eol) };
            let begun = with_out(|out| content.hash(Hash::Sha256, b"x", out)).unwrap();
            let expect = |of: &[u8]| digest(Hash::Sha256.algorithm(), &[b"x", of].concat());
            assert_eq!(begun.canonical.finish().as_ref(), expect(canonical).as_ref());
            let plain = begun.as_it_stands.map(|context| context.finish().as_ref().to_vec());
            assert_eq!(plain, changed.then(|| expect(bytes).as_ref().to_vec()));
        }
    }

    #[test]
    fn blanks() {
        let long = [b"a".as_slice(), &[b' '; 200_000], b"b\r\n"].concat();
        let cases: &[(&[u8], &[u8], bool)] = &[
            (b"", b"", false),
            (b"a b\r\n\r\nc", b"a b\r\n\r\nc", false),
            (b"a \t\r\n-- \r\nb  ", b"a\r\n--\r\nb", true),
            (b"a \r \r\n", b"a\r\n", true),
            (b" \r\n a\rb\r\n", b"\r\n a\rb\r\n", true),
            (&long, &long, false),
        ];
        for (bytes, expect, changed) in cases {
            for size in [1, 2, 3, 64 << 10] {
                let (mut blanks, mut to) = (Blanks::default(), Vec::new());
                bytes.chunks(size).for_each(|piece| blanks.feed(piece, &mut to));
                let is_changed = blanks.dropped || !blanks.held.is_empty();
                assert!(
                    to == *expect && is_changed == *changed,
                    "{:?} by {size}",
                    &expect[..expect.len().min(99)]
                );
            }
        }
    }

    #[test]
    fn places() {
        let signed = "--b\nContent-Type: text/plain\n\none\n--b\nX: y\n\nsig\n--b--\n";
        let nested = format!("--a\nContent-Type: multipart/signed; boundary=b\n\n{signed}\n--a--\n");
        let found = |content_type: &str, body: &str, number: &str, signature: &str| {
            let mut entity = Entity::plain(false);
            entity.field(b"content-type", content_type.as_bytes());
            let bytes = body.as_bytes();
            let source = Source::new(&bytes, 0, bytes.len() as u64);
            let at = body.find(signature).unwrap() as u64;
            let place = with_out(|out| place(&source, Eol::Lf, (&entity, 0), number, at, out)).unwrap()?;
            let text = body[place.range.start as usize..place.range.end as usize].to_owned();
            Some((text, place.declared))
        };
        let one = "Content-Type: text/plain\n\none".to_owned();
        let of_signed = "multipart/signed; boundary=b";
        let of_mixed = "multipart/mixed; boundary=a";
        assert_eq!(found(of_signed, signed, "2", "sig\n"), Some((one.clone(), true)));
        assert_eq!(found("multipart/mixed; boundary=b", signed, "2", "sig\n"), Some((one.clone(), false)));
        assert_eq!(found(of_mixed, &nested, "1.2", "sig\n"), Some((one, true)));
        for (content_type, body, number, signature) in [
            (of_signed, signed, "1", "one"),
            (of_signed, signed, "3", "sig\n"),
            (of_signed, signed, "2", "--b--"),
            (of_signed, signed, "2.2", "sig\n"),
            (of_signed, signed, "", "sig\n"),
            (of_signed, signed, "preamble", "sig\n"),
            ("multipart/signed", signed, "2", "sig\n"),
            ("multipart/signed; boundary=c", signed, "2", "sig\n"),
            ("text/plain; boundary=b", signed, "2", "sig\n"),
            (of_mixed, nested.as_str(), "2.2", "sig\n"),
            (of_mixed, nested.as_str(), "1.1.2", "sig\n"),
        ] {
            assert_eq!(found(content_type, body, number, signature), None, "{content_type} {number}");
        }
    }
}
