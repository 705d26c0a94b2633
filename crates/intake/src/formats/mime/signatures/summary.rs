//! What a body shows of itself, line by line, in the pass that hashes it: all that decides whether it can be
//! read in one way only, and that of the canonical lines where a signature sees no others.

use std::collections::BTreeSet;

use super::{canon::Lines, chosen::Fields};
use crate::{
    formats::mime::{
        entity::Entity,
        header::{Eol, PartLine, is_white},
    },
    out::Coding,
};

/// Bytes of a preamble that are looked at; a longer one is text that somebody hides.
const PREAMBLE: usize = 512;
/// Bytes of a line that are kept.
const LINE: usize = 256;
/// The same in a header.
const HEADER_LINE: usize = 8 << 10;
/// Bytes of a header of a part that are looked at.
const HEADER: usize = 64 << 10;
/// Shortest text without anything that base64 has not that may be base64.
const BASE64: u64 = 20;
/// Longest run of white space on which no limit of any reader can hang.
const WHITE: usize = 200;
/// Boundaries of multiparts that are looked for.
const BOUNDARIES: usize = 100;
/// Lines that may be delimiters.
const DELIMITERS: usize = 1000;

/// What a body shows.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Bytes above 127.
    high: bool,
    /// CR that ends no line.
    lone_cr: bool,
    /// ESC, or `~{`: the beginning of a text in a 7-bit charset that is not ASCII.
    shifts: bool,
    nul: bool,
    /// An `=` that may be quoted-printable.
    escapes: bool,
    /// Characters that are base64; `None` once there was one that is neither that nor white space.
    base64: Option<u64>,
    /// A file in the text, uuencoded or in yEnc.
    blocks: bool,
    /// The first character of text that is no white space.
    first: Option<u8>,
    /// The beginning of a comment or the end of an element of markup.
    markup: bool,
    /// What stands before the first line that begins with two dashes.
    preamble: Vec<u8>,
    preamble_cut: bool,
    /// The first line that begins with two dashes, without white space at its end.
    delimiter: Option<Vec<u8>>,
    closed: bool,
    /// Something stands after the close-delimiter.
    after: bool,
    /// All lines that begin with two dashes, without them.
    dashed: BTreeSet<Vec<u8>>,
    /// The line before is one of them.
    after_dashed: bool,
    /// Two of them may be the delimiters of a multipart, or nobody can say.
    pairs: bool,
    parts: Parts,
    line: Line,
}

/// The line that is being taken.
#[derive(Debug, Default)]
struct Line {
    head: Vec<u8>,
    cut: bool,
    /// White space at the end of what was taken, up to where it is too much.
    white: usize,
    equals: Equals,
    tilde: bool,
    angle: bool,
}

/// What follows an `=`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Equals {
    #[default]
    None,
    /// Nothing yet.
    Sign,
    /// A hexadecimal digit.
    Digit,
    /// White space, which is no part of the line if nothing else follows.
    White,
}

impl Summary {
    /// Of the body that goes with a header.
    pub(super) fn new(header: &Fields) -> Summary {
        let mut entity = Entity::plain(false);
        for name in ["content-type", "content-transfer-encoding"] {
            if let Some(value) = header.first(name) {
                entity.field(name.as_bytes(), &value);
            }
        }
        let mut parts = Parts::default();
        parts.enter(&entity);
        Summary { base64: Some(0), parts, ..Summary::default() }
    }

    /// The body ends.
    pub(super) fn end(&mut self) {
        self.end_line(true);
    }

    /// Whether a multipart with this boundary is the only one that the body can be.
    pub(super) fn is_multipart(&self, boundary: &str) -> bool {
        let delimiter = self.delimiter.as_deref().and_then(|line| line.strip_prefix(b"--"));
        let is_first =
            delimiter.is_some_and(|line| !line.is_empty() && line == boundary.trim_end().as_bytes());
        is_first && self.closed && !self.after && !self.lone_cr && self.has_customary_preamble()
    }

    /// Whether the body may as well be a multipart, whatever it is declared as.
    pub(super) fn may_be_parts(&self) -> bool {
        self.pairs
    }

    /// Whether somebody may read it as markup, or may have made text of markup.
    pub(super) fn may_be_markup(&self) -> bool {
        self.first == Some(b'<') || self.markup
    }

    /// Whether the bytes may as well be the encoded form of others.
    pub(super) fn may_be_encoded(&self) -> bool {
        self.escapes || self.blocks || self.base64.is_some_and(|characters| characters >= BASE64)
    }

    /// Whether these are characters in every charset that has ASCII in it.
    pub(super) fn is_ascii(&self) -> bool {
        !self.high && !self.shifts && !self.nul && !self.lone_cr
    }

    /// Whether what is shown hangs on white space that canonical forms drop or make less of.
    pub(super) fn hangs_on_white_space(&self) -> bool {
        let parts = &self.parts;
        parts.odd || parts.flowed || parts.blocks || self.blocks || parts.is_without_delimiter()
    }

    /// Whether text is in it whose line breaks hang on blanks before them.
    pub(super) fn is_flowed(&self) -> bool {
        self.parts.flowed
    }

    /// Nothing, or the sentence that says to people what programs see anyway. Anything else is text that a
    /// multipart hides.
    fn has_customary_preamble(&self) -> bool {
        let text = self.preamble.trim_ascii();
        let begins = |start: &[u8]| text.get(..start.len()).is_some_and(|s| s.eq_ignore_ascii_case(start));
        text.is_empty()
            || (!self.preamble_cut
                && (begins(b"this is a") || begins(b"this message is"))
                && memchr::memmem::find(text, b"MIME").is_some()
                && memchr::memmem::find(text, b"\n\n").is_none())
    }

    /// Looks for quoted-printable: `=` with two digits, of whatever case, or at the end of a line, whatever
    /// blanks are there. Another `=` says nothing against it: readers let it pass.
    fn escapes(&mut self, piece: &[u8]) {
        let mut rest = piece;
        loop {
            if self.line.equals == Equals::None {
                let Some(at) = memchr::memchr(b'=', rest) else { return };
                self.line.equals = Equals::Sign;
                rest = rest.get(at + 1..).unwrap_or_default();
            }
            let Some((byte, after)) = rest.split_first() else { return };
            self.line.equals = match (self.line.equals, byte) {
                (_, b'=') => Equals::Sign,
                (Equals::Sign, byte) if byte.is_ascii_hexdigit() => Equals::Digit,
                (Equals::Sign | Equals::White, b' ' | b'\t') => Equals::White,
                (Equals::Digit, byte) if byte.is_ascii_hexdigit() => {
                    self.escapes = true;
                    return;
                }
                _ => Equals::None,
            };
            rest = after;
        }
    }

    fn markup(&mut self, piece: &[u8]) {
        let is_markup = |byte: Option<&u8>| matches!(byte, Some(b'!' | b'/' | b'?'));
        self.markup |= (self.line.angle && is_markup(piece.first()))
            || memchr::memchr_iter(b'<', piece).any(|at| is_markup(piece.get(at + 1)));
        self.line.angle = piece.last() == Some(&b'<');
    }

    /// Counts white space in lines that are so long that there can be too much.
    fn white(&mut self, piece: &[u8]) {
        for byte in piece {
            self.line.white = if matches!(byte, b' ' | b'\t') { self.line.white + 1 } else { 0 };
            if self.line.white > WHITE {
                self.parts.odd = true;
                return;
            }
        }
    }

    /// A line is complete, or the body ends with it.
    fn end_line(&mut self, is_end: bool) {
        let mut line = std::mem::take(&mut self.line);
        self.escapes |= matches!(line.equals, Equals::Sign | Equals::White);
        if is_end && line.head.is_empty() {
            self.parts.end();
            return;
        }
        let text = line.head.trim_ascii_end();
        self.blocks |= is_block(text);
        self.dashed(text, line.cut);
        match &self.delimiter {
            None if text.starts_with(b"--") && !line.cut => self.delimiter = Some(text.to_vec()),
            None => {
                let room = PREAMBLE.saturating_sub(self.preamble.len());
                self.preamble_cut |= line.cut || line.head.len() + 1 > room;
                self.preamble.extend(line.head.iter().take(room));
                self.preamble.push(b'\n');
            }
            Some(_) if self.closed => self.after |= !text.is_empty() || line.cut,
            Some(delimiter) => {
                self.closed =
                    !line.cut && text.strip_prefix(delimiter.as_slice()).is_some_and(|rest| rest == b"--");
            }
        }
        self.parts.line(&line.head, line.cut);
        if is_end {
            self.parts.end();
        }
        line.head.clear();
        self.line = Line { head: line.head, ..Line::default() };
    }

    /// Notes what may be a delimiter: a line `--x` that a line `--x--` or a field of MIME follows.
    fn dashed(&mut self, text: &[u8], cut: bool) {
        if self.pairs {
            return;
        }
        let follows = std::mem::take(&mut self.after_dashed);
        let is_mime = text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
        self.pairs = follows && is_mime;
        let Some(boundary) = text.strip_prefix(b"--").filter(|boundary| !boundary.is_empty()) else { return };
        let closes = boundary.strip_suffix(b"--").is_some_and(|boundary| self.dashed.contains(boundary));
        let is_long = cut && !boundary.contains(&b' ');
        self.pairs |= closes || is_long || self.dashed.len() >= DELIMITERS;
        self.after_dashed = true;
        if !cut {
            self.dashed.insert(boundary.to_vec());
        }
    }
}

impl Lines for Summary {
    fn text(&mut self, piece: &[u8]) {
        // Told without a branch a byte: most pieces hold nothing of this.
        let (all, odd) = piece.iter().fold((0u8, 0u8), |(all, odd), byte| {
            let is_odd = u8::from(*byte == 0x1b) | u8::from(*byte == 0) << 1 | u8::from(*byte == b'\r') << 2;
            (all | byte, odd | is_odd | u8::from(*byte == b'~') << 3)
        });
        self.high |= all & 0x80 != 0;
        self.shifts |= odd & 1 != 0;
        self.nul |= odd & 2 != 0;
        self.lone_cr |= odd & 4 != 0;
        if odd & 8 != 0 || self.line.tilde {
            self.shifts |= (self.line.tilde && piece.first() == Some(&b'{'))
                || memchr::memmem::find(piece, b"~{").is_some();
            self.line.tilde = piece.last() == Some(&b'~');
        }
        if let Some(characters) = self.base64 {
            let white = piece.iter().filter(|b| matches!(b, b' ' | b'\t')).count();
            let is_base64 =
                |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b' ' | b'\t');
            self.base64 = piece.iter().all(is_base64).then(|| characters + (piece.len() - white) as u64);
        }
        if !self.escapes {
            self.escapes(piece);
        }
        if !self.markup {
            self.markup(piece);
        }
        if self.first.is_none() {
            self.first = piece.iter().copied().find(|b| !matches!(b, b' ' | b'\t'));
        }
        if self.line.cut || self.line.head.len() + piece.len() > WHITE {
            self.white(piece);
        }
        let most = if self.parts.is_in_header() { HEADER_LINE } else { LINE };
        let room = most.saturating_sub(self.line.head.len());
        self.line.cut |= piece.len() > room;
        self.line.head.extend(piece.iter().take(room));
    }

    fn line_break(&mut self) {
        self.end_line(false);
    }
}

/// Whether a line begins a file in the text: `begin 644 name`, `=ybegin …`.
fn is_block(line: &[u8]) -> bool {
    if line.starts_with(b"=ybegin ") {
        return true;
    }
    let Some(mode) = line.strip_prefix(b"begin").filter(|mode| mode.starts_with(b" ")) else { return false };
    let digits = mode.trim_ascii_start().iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    (3..=4).contains(&digits)
}

/// The headers in a body that is parts or mail, where the walker looks for them.
#[derive(Debug, Default)]
struct Parts {
    boundaries: Vec<Vec<u8>>,
    /// The body is a multipart whose delimiter was not seen yet.
    waits: bool,
    place: Place,
    /// The header so far.
    header: Vec<u8>,
    /// Something hangs on white space.
    odd: bool,
    /// Text is in it whose line breaks hang on the blanks before them.
    flowed: bool,
    /// Content is in it in an encoding that has blanks as data.
    blocks: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Body,
    /// In the header of a part.
    Part,
    /// In the header of a mail in the mail.
    Mail,
}

impl Parts {
    fn is_in_header(&self) -> bool {
        self.place != Place::Body
    }

    /// Nobody agrees on what is read of a multipart that has no delimiter.
    fn is_without_delimiter(&self) -> bool {
        self.waits
    }

    /// A header was read, and its body begins.
    fn enter(&mut self, entity: &Entity) {
        let parameter = |name: &str| entity.content_type.get(name);
        let media_type = entity.media_type();
        self.flowed |= parameter("format").is_some_and(|format| format.eq_ignore_ascii_case("flowed"))
            || parameter("delsp").is_some()
            || matches!(media_type, "text/enriched" | "text/richtext");
        self.blocks |= matches!(entity.coding, Coding::Uuencode | Coding::Yenc);
        // The parts of a digest are mail without saying so.
        self.odd |= media_type == "multipart/digest";
        self.place = if media_type.starts_with("message/") { Place::Mail } else { Place::Body };
        if !entity.is_multipart() {
            return;
        }
        let boundary = parameter("boundary").map(str::trim_end).filter(|boundary| !boundary.is_empty());
        match boundary {
            Some(boundary) if self.boundaries.len() < BOUNDARIES => {
                self.odd |= boundary.contains([' ', '\t']) || boundary.len() >= LINE - 4;
                self.waits |= self.boundaries.is_empty();
                self.boundaries.push(boundary.as_bytes().to_vec());
            }
            _ => self.odd = true,
        }
    }

    fn line(&mut self, line: &[u8], cut: bool) {
        if self.boundaries.is_empty() && self.place == Place::Body {
            return;
        }
        if let Some(closes) = self.delimits(line, cut) {
            self.end();
            self.waits = false;
            self.place = if closes { Place::Body } else { Place::Part };
            return;
        }
        if self.place == Place::Body {
            return;
        }
        self.odd |= is_white(line) || cut || self.header.len() > HEADER;
        match PartLine::of(line, self.header.is_empty()) {
            // Empty lines before the header of a mail.
            PartLine::End if self.place == Place::Mail && self.header.is_empty() => {}
            PartLine::End => self.end(),
            PartLine::Body if self.place == Place::Part => self.end(),
            PartLine::Body | PartLine::Header if self.header.len() <= HEADER => {
                self.header.extend_from_slice(line);
                self.header.push(b'\n');
            }
            PartLine::Body | PartLine::Header => {}
        }
    }

    /// Whether a line is the delimiter of a multipart that is open, and closes it.
    fn delimits(&self, line: &[u8], cut: bool) -> Option<bool> {
        let line = line.strip_prefix(b"--").filter(|_| !cut)?.trim_ascii_end();
        let after = |boundary: &Vec<u8>| line.strip_prefix(boundary.as_slice());
        let rest = |rest: &[u8]| match rest {
            b"" => Some(false),
            b"--" => Some(true),
            _ => None,
        };
        self.boundaries.iter().rev().filter_map(after).find_map(rest)
    }

    /// A header ends, where one is open.
    fn end(&mut self) {
        let header = std::mem::take(&mut self.header);
        match std::mem::take(&mut self.place) {
            Place::Body => {}
            Place::Part | Place::Mail => self.enter(&Entity::of_part(&header, Eol::Lf, false)),
        }
    }
}
