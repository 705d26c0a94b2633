//! Where the parts of a body stand, to the byte: what a list wrapped, and which leaves a relay encoded.

use std::ops::Range;

use crate::{
    formats::mime::{
        entity::Entity,
        header::{self, Eol},
        walker::{Event, Walker},
    },
    out::Coding,
    source::Source,
};

/// Bytes looked at once.
const WINDOW: u64 = 256 << 10;
/// Lines that could be delimiters, of one multipart.
const DELIMITERS: usize = 2000;
/// Longest header of a part that is looked at.
const HEADER: u64 = 16 << 10;
/// Leaves that are looked at; what a list or relay re-encodes has a handful.
const LEAVES: usize = 32;
/// Empty lines behind inner multiparts.
const BLANKS: usize = 32;

/// A line that delimits the parts of a multipart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delimiter {
    /// Where the line break before it begins, which belongs to it.
    pub before: u64,
    /// Where the next line begins.
    pub next: u64,
    pub closes: bool,
}

/// A multipart whose parts are known.
#[derive(Debug)]
pub(super) struct Outer {
    pub delimiters: Vec<Delimiter>,
}

impl Outer {
    /// The multipart in `body`, up to its close-delimiter. `None` where it has none, or too many lines that
    /// look like its delimiters.
    pub(super) fn find(source: &Source, body: Range<u64>, boundary: &str) -> Option<Outer> {
        let needle = [b"--", boundary.trim_end().as_bytes()].concat();
        if needle.len() < 3 || needle.len() > 1000 {
            return None;
        }
        let finder = memchr::memmem::Finder::new(&needle);
        let mut delimiters = Vec::new();
        let (mut looked_at, mut at) = (0, body.start);
        loop {
            let from = at.saturating_sub(2).max(body.start);
            let window = source.take(from..body.end.min(from + WINDOW));
            for hit in finder.find_iter(&window) {
                let start = from + hit as u64;
                let before = window.get(..hit).unwrap_or_default();
                // At the edge of the window, it is found again in the next one.
                if start < at || (hit > 0 && before.last() != Some(&b'\n')) {
                    continue;
                }
                looked_at += 1;
                if looked_at > DELIMITERS {
                    return None;
                }
                let rest = source.take(start + needle.len() as u64..body.end.min(start + 1100));
                let len = memchr::memchr(b'\n', &rest).unwrap_or(rest.len());
                let tail = rest.get(..len).unwrap_or_default().trim_ascii_end();
                if !matches!(tail, b"" | b"--") {
                    continue;
                }
                let line_break = match before {
                    [.., b'\r', b'\n'] => 2,
                    [.., b'\n'] => 1,
                    _ => 0,
                };
                let next = (start + needle.len() as u64 + len as u64 + 1).min(body.end);
                let closes = tail == b"--";
                delimiters.push(Delimiter { before: start - line_break, next, closes });
                if closes {
                    return Some(Outer { delimiters });
                }
            }
            let end = from + window.len() as u64;
            if end >= body.end || window.len() <= needle.len() + 2 {
                return None;
            }
            at = end - needle.len() as u64 + 1;
        }
    }

    /// The n-th part, from 0, with its header.
    pub(super) fn part(&self, n: usize) -> Option<Range<u64>> {
        let (from, to) = (self.delimiters.get(n)?, self.delimiters.get(n + 1)?);
        (from.next <= to.before).then_some(from.next..to.before)
    }

    /// How many parts it has.
    pub(super) fn parts(&self) -> usize {
        self.delimiters.len().saturating_sub(1)
    }
}

/// Empty lines between the end of one multipart and a delimiter of the one around it, at most [`BLANKS`].
pub(super) fn blanks(source: &Source, body: Range<u64>) -> Vec<Range<u64>> {
    const NEEDLES: [&[u8]; 2] = [b"--\n\n--", b"--\r\n\r\n--"];
    const OVERLAP: u64 = 7;
    let mut found: Vec<Range<u64>> = Vec::new();
    let mut at = body.start;
    while at < body.end && found.len() < BLANKS {
        let window = source.take(at..body.end.min(at + WINDOW));
        for needle in NEEDLES {
            let line_break = (needle.len() as u64 - 4) / 2;
            for hit in memchr::memmem::find_iter(&window, needle) {
                let hit = at + hit as u64;
                let line = source.take(hit.saturating_sub(1000).max(body.start)..hit);
                let begins = memchr::memrchr(b'\n', &line).map_or(0, |before| before + 1);
                let is_delimiter =
                    line.get(begins..).is_some_and(|line| line.len() > 2 && line.starts_with(b"--"));
                let blank = hit + 2 + line_break..hit + 2 + 2 * line_break;
                if is_delimiter && found.len() < BLANKS && !found.contains(&blank) {
                    found.push(blank);
                }
            }
        }
        if window.len() as u64 <= OVERLAP {
            break;
        }
        at += window.len() as u64 - if at + (window.len() as u64) < body.end { OVERLAP } else { 0 };
    }
    found.sort_by_key(|blank| blank.start);
    found
}

/// A field of a part's header, whole, with its name in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartField {
    pub name: String,
    /// Without its final line break.
    pub raw: Vec<u8>,
    /// Where it stands, with its line break.
    pub range: Range<u64>,
    /// Where its value stands, without white space round it.
    pub value: Range<u64>,
}

/// The fields of a part's header, and where its body begins.
pub(super) fn part_header(source: &Source, part: Range<u64>) -> (Vec<PartField>, u64) {
    let bytes = source.take(part.start..part.end.min(part.start + HEADER));
    for blank in [b"\n".as_slice(), b"\r\n"] {
        if bytes.starts_with(blank) {
            return (Vec::new(), part.start + blank.len() as u64);
        }
    }
    let Some((block, _)) = header::scan(&bytes, Eol::Lf, true) else { return (Vec::new(), part.start) };
    let fields = block.fields.iter().filter_map(|field| {
        let name = bytes.get(field.name.clone())?;
        let raw = bytes.get(field.range.start..field.value.end)?;
        let value = bytes.get(field.value.clone())?;
        let lead = value.len() - value.trim_ascii_start().len();
        let start = field.value.start + lead;
        let at = |offset: usize| part.start + offset as u64;
        Some(PartField {
            name: String::from_utf8_lossy(name).to_ascii_lowercase(),
            raw: raw.to_vec(),
            range: at(field.range.start)..at(field.range.end),
            value: at(start)..at(start + value.trim_ascii().len()),
        })
    });
    (fields.collect(), part.start + block.body as u64)
}

/// A leaf that is text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Its field Content-Transfer-Encoding, where its header is one of a part.
    pub coding_field: Option<PartField>,
    pub coding: Coding,
    pub is_html: bool,
    pub body: Range<u64>,
}

/// The leaves that are text of what begins at `range.start` with this entity. Nothing where there are too
/// many parts.
pub(super) fn text_leaves(source: &Source, entity: Entity, range: Range<u64>) -> Vec<Leaf> {
    let within = source.within(0..range.end);
    let (mut leaves, mut seen, mut header) = (Vec::new(), 0, None);
    for event in Walker::new(&within, entity, range.start, Eol::Lf) {
        match event {
            Event::Structure(range) => header = Some(range),
            Event::Leaf { entity, body, .. } => {
                seen += 1;
                if seen > LEAVES {
                    return Vec::new();
                }
                if !matches!(entity.media_type(), "text/plain" | "text/html") {
                    continue;
                }
                let header = header.take().filter(|header: &Range<u64>| header.end == body.start);
                let fields = header.map(|header| part_header(source, header).0).unwrap_or_default();
                leaves.push(Leaf {
                    coding_field: fields.into_iter().find(|field| field.name == "content-transfer-encoding"),
                    coding: entity.coding,
                    is_html: entity.media_type() == "text/html",
                    body,
                });
            }
            _ => {}
        }
    }
    leaves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_found_to_the_byte() {
        for pad in
            [0usize, 1, WINDOW as usize - 9, WINDOW as usize - 3, WINDOW as usize - 1, 2 * WINDOW as usize]
        {
            for eol in ["\r\n", "\n"] {
                let pre = "x".repeat(pad);
                let body =
                    format!("{pre}\n--bb\n--b \nA: b\n\none\n--b\n\n--b\n--b--\n--b\n").replace('\n', eol);
                let slice = body.as_bytes();
                let source = Source::new(&slice, 0, slice.len() as u64);
                let outer = Outer::find(&source, 0..slice.len() as u64, "b").unwrap();
                let parts: Vec<_> = (0..outer.parts())
                    .map(|n| outer.part(n).map(|part| &body[part.start as usize..part.end as usize]))
                    .collect();
                let first = "A: b\n\none".replace('\n', eol);
                assert_eq!(parts, [Some(first.as_str()), Some(""), None], "{pad} {eol:?}");
                let (fields, start) = part_header(&source, outer.part(0).unwrap());
                assert_eq!((fields[0].name.as_str(), fields[0].raw.as_slice()), ("a", b"A: b".as_slice()));
                assert_eq!(&body[start as usize..][..3], "one");
            }
        }
        let body = b"--b\n\nx\n--b\n".as_slice();
        let source = Source::new(&body, 0, 11);
        assert!(Outer::find(&source, 0..11, "b").is_none());
    }
}
