//! A body as it may have been: stored ranges, some of them decoded, encoded or edited line by line, one
//! after the other, and never held as a whole.

use std::ops::Range;

use super::super::bodies::Bodies;
use super::links;
use crate::{
    formats::mime::decode,
    out::{Coding, Out, Stop},
    source::Source,
};

/// Bytes read at once.
const STEP: usize = 64 << 10;
/// Longest line that is edited; a longer one is taken as it is.
const LINE: usize = 64 << 10;

/// A piece of a body.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Stored(Range<u64>),
    Bytes(Vec<u8>),
    /// Quoted-printable or base64, undone.
    Decoded(Range<u64>, Coding),
    /// Put into quoted-printable.
    Encoded(Range<u64>),
    Edited(Range<u64>, Edit),
}

/// What is done to each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    /// `>From ` loses its `>`.
    UnquoteFrom,
    /// The same, in the line that begins here alone.
    UnquoteFromAt(u64),
    /// `>From `, `>>From ` and so on lose one `>`.
    UnquoteFromAll,
    /// A dot at the beginning that another follows goes (RFC 5321 §4.5.2).
    Unstuff,
    /// A dot at the beginning is doubled.
    Stuff,
    /// CR that ends no line goes.
    DropCr,
    DropNul,
    /// `!`, a line break and a space, where sendmail cut long lines, go.
    JoinCuts,
    /// Links that a gateway rewrote.
    Links,
}

impl Piece {
    /// How many stored bytes it is made of.
    pub(super) fn len(&self) -> u64 {
        match self {
            Piece::Bytes(bytes) => bytes.len() as u64,
            Piece::Stored(range)
            | Piece::Decoded(range, _)
            | Piece::Encoded(range)
            | Piece::Edited(range, _) => range.end.saturating_sub(range.start),
        }
    }

    /// Hands its bytes to `bodies`.
    pub(super) fn feed(&self, source: &Source, bodies: &mut Bodies, out: &mut Out) -> Result<(), Stop> {
        out.spend(self.len() * (1 + bodies.price()))?;
        match self {
            Piece::Stored(range) => chunks(source, range, |bytes| bodies.feed(bytes)),
            Piece::Bytes(bytes) => bodies.feed(bytes),
            Piece::Decoded(range, coding) => {
                let mut decoder = decode::decoder(*coding);
                decode::run(decoder.as_mut(), source, range.clone(), &mut |bytes| {
                    bodies.feed(bytes);
                    Ok(())
                })?;
            }
            Piece::Encoded(range) => {
                let mut line = Vec::new();
                lines(source, range, |bytes, _| {
                    encode(bytes, &mut line);
                    bodies.feed(&line);
                    line.clear();
                });
            }
            Piece::Edited(range, edit) => edited(source, range, *edit, bodies),
        }
        Ok(())
    }
}

fn chunks(source: &Source, range: &Range<u64>, mut take: impl FnMut(&[u8])) {
    let mut buffer = vec![0; STEP];
    let mut at = range.start;
    while at < range.end {
        let want = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(STEP);
        let n = source.read_at(buffer.get_mut(..want).unwrap_or_default(), at);
        let Some(bytes) = buffer.get(..n).filter(|bytes| !bytes.is_empty()) else { return };
        take(bytes);
        at += n as u64;
    }
}

/// The lines of a range with their line breaks, and where each begins. A line of more than [`LINE`] bytes
/// comes in several.
fn lines(source: &Source, range: &Range<u64>, mut take: impl FnMut(&[u8], u64)) {
    let (mut line, mut at) = (Vec::new(), range.start);
    chunks(source, range, |bytes| {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            line.extend_from_slice(piece);
            if line.last() == Some(&b'\n') || line.len() >= LINE {
                take(&line, at);
                at += line.len() as u64;
                line.clear();
            }
        }
    });
    if !line.is_empty() {
        take(&line, at);
    }
}

fn edited(source: &Source, range: &Range<u64>, edit: Edit, bodies: &mut Bodies) {
    // What is held back because the next line decides on it.
    let mut held: Vec<u8> = Vec::new();
    lines(source, range, |line, at| match edit {
        Edit::UnquoteFrom if line.starts_with(b">From ") => bodies.feed(rest(line, 1)),
        Edit::UnquoteFromAt(only) if at == only => bodies.feed(rest(line, 1)),
        Edit::UnquoteFromAll if is_quoted_from(line) => bodies.feed(rest(line, 1)),
        Edit::Unstuff if line.starts_with(b"..") => bodies.feed(rest(line, 1)),
        Edit::Stuff if line.starts_with(b".") => {
            bodies.feed(b".");
            bodies.feed(line);
        }
        Edit::DropCr => {
            let (text, end) = ending(line);
            text.split(|b| *b == b'\r').for_each(|piece| bodies.feed(piece));
            bodies.feed(end);
        }
        Edit::DropNul => line.split(|b| *b == 0).for_each(|piece| bodies.feed(piece)),
        Edit::JoinCuts => {
            let joins = !held.is_empty() && line.starts_with(b" ");
            if !joins {
                bodies.feed(&held);
            }
            held.clear();
            let line = if joins { rest(line, 1) } else { line };
            let (text, end) = ending(line);
            match text.strip_suffix(b"!") {
                Some(before) if !end.is_empty() && text.len() > 500 => {
                    bodies.feed(before);
                    held.extend([b"!", end].concat());
                }
                _ => bodies.feed(line),
            }
        }
        Edit::Links => match links::restore(line) {
            Some(restored) => bodies.feed(&restored),
            None => bodies.feed(line),
        },
        _ => bodies.feed(line),
    });
    bodies.feed(&held);
}

fn rest(line: &[u8], from: usize) -> &[u8] {
    line.get(from..).unwrap_or_default()
}

fn is_quoted_from(line: &[u8]) -> bool {
    let marks = line.iter().take_while(|b| **b == b'>').count();
    marks > 0 && rest(line, marks).starts_with(b"From ")
}

/// A line and its line break.
fn ending(line: &[u8]) -> (&[u8], &[u8]) {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let text = if text.len() < line.len() { text.strip_suffix(b"\r").unwrap_or(text) } else { text };
    line.split_at(text.len())
}

/// Puts a line into quoted-printable (RFC 2045 §6.7) as most programs do: no more than has to be is
/// escaped, and lines have 76 characters.
fn encode(line: &[u8], to: &mut Vec<u8>) {
    let (text, end) = ending(line);
    let mut column = 0;
    let last = text.len().saturating_sub(1);
    for (i, byte) in text.iter().enumerate() {
        let is_plain =
            matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (matches!(byte, b' ' | b'\t') && i < last);
        let width = if is_plain { 1 } else { 3 };
        // The last column belongs to the `=` of a soft line break, unless the line ends there.
        if column + width > if i == last { 76 } else { 75 } {
            to.extend_from_slice(b"=\r\n");
            column = 0;
        }
        column += width;
        match is_plain {
            true => to.push(*byte),
            false => to.extend(format!("={byte:02X}").into_bytes()),
        }
    }
    to.extend_from_slice(end);
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::canon::{Algorithm, BodyForm},
        *,
    };
    use crate::formats::mime::{header::Eol, signatures::bodies::Wanted};

    /// Whether a piece over all of `body` gives `expect`.
    fn gives(body: &str, make: impl Fn(Range<u64>) -> Piece, expect: &str) {
        let slice = body.as_bytes();
        let source = Source::new(&slice, 0, slice.len() as u64);
        let wanted = Wanted { form: BodyForm::Simple, algorithm: Algorithm::Sha256, length: None };
        let mut send = |_, _: &[u8]| Ok(());
        let mut out = Out::new(1 << 20, &mut send);
        let mut bodies = Bodies::new(Eol::Lf, std::iter::once(wanted), vec![]);
        make(0..slice.len() as u64).feed(&source, &mut bodies, &mut out).unwrap();
        let digest = bodies.end().get(&wanted).unwrap().digest.clone();
        assert_eq!(digest, Algorithm::Sha256.of(expect.as_bytes()), "{body:?}");
    }

    #[test]
    fn edits() {
        let long = "x".repeat(600);
        for (edit, body, expect) in [
            (Edit::UnquoteFrom, ">From a\n>>From b\nx >From c\n", "From a\r\n>>From b\r\nx >From c\r\n"),
            (Edit::UnquoteFromAll, ">From a\n>>From b\n> From c\n", "From a\r\n>From b\r\n> From c\r\n"),
            (Edit::UnquoteFromAt(8), ">From a\n>From b\n", ">From a\r\nFrom b\r\n"),
            (Edit::Unstuff, "..a\n.b\n...\n", ".a\r\n.b\r\n..\r\n"),
            (Edit::Stuff, ".a\nb\n", "..a\r\nb\r\n"),
            (Edit::DropCr, "a\rb\r\r\nc\r\n", "ab\r\nc\r\n"),
            (Edit::DropNul, "a\0b\n", "ab\r\n"),
            (Edit::JoinCuts, &format!("{long}!\r\n y\r\nz!\r\n w"), &format!("{long}y\r\nz!\r\n w\r\n")),
            (Edit::JoinCuts, &format!("{long}!\r\ny"), &format!("{long}!\r\ny\r\n")),
        ] {
            gives(body, |range| Piece::Edited(range, edit), expect);
        }
    }

    #[test]
    fn encodings() {
        let coded = |coding| move |range| Piece::Decoded(range, coding);
        gives("caf=C3=A9=\nx\n", coded(Coding::QuotedPrintable), "caféx\r\n");
        gives("Y2Fmw6kNCg==", coded(Coding::Base64), "café\r\n");
        gives("café = x \n", Piece::Encoded, "caf=C3=A9 =3D x=20\r\n");
        let long = "x".repeat(80);
        gives(&format!("{long}\n"), Piece::Encoded, &format!("{}=\r\n{}\r\n", &long[..75], &long[75..]));
        gives(&format!("{}\n", &long[..76]), Piece::Encoded, &format!("{}\r\n", &long[..76]));
    }
}
