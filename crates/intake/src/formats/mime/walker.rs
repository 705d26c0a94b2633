//! The parts of a message as ranges (RFC 2046 §5.1): one pass over its bytes with a stack of
//! boundaries, whatever the depth and the number of parts. Knows nothing of what is in a part.

use std::{collections::VecDeque, ops::Range};

use super::{
    entity::Entity,
    header::{Eol, PartLine},
};
use crate::source::Source;

/// Deepest nesting of multiparts.
pub(super) const DEPTH: usize = 100;
/// Longest header block of a part that is read; the rest of it is passed over.
const PART_HEADER: usize = 256 << 10;
/// Longest line that can be a delimiter. RFC 2046 allows a boundary 70 characters.
const DELIMITER: usize = 8 << 10;
/// Bytes looked at once.
const WINDOW: u64 = 256 << 10;

/// What the walk comes upon, in the order of the bytes. The ranges of `Structure`, `Leaf`, `Loose` and
/// `TooDeep` follow each other without overlap and leave out nothing but what `Defect` names.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// Headers of parts, delimiters.
    Structure(Range<u64>),
    /// A part that consists of no others.
    Leaf {
        /// Its number as IMAP counts (RFC 3501 §6.4.5).
        part: String,
        /// What its header says.
        entity: Box<Entity>,
        /// Its body.
        body: Range<u64>,
    },
    /// What stands before the first or after the last delimiter.
    Loose {
        /// `preamble` or `epilogue` of the multipart of that number.
        part: String,
        /// The bytes.
        text: Range<u64>,
    },
    /// A multipart that is nested too deep.
    TooDeep(Range<u64>),
    /// Bytes of a part's header that were passed over.
    Skipped(Range<u64>),
    /// Something that breaks the rules.
    Defect(&'static str, u64, String),
}

/// A multipart that is open.
struct Level {
    /// `None` where none is declared, until one is found.
    boundary: Option<Vec<u8>>,
    /// Another one that its body turned out to use.
    found: Option<Vec<u8>>,
    /// `1.2.`, what the numbers of its parts begin with.
    prefix: String,
    parts: u64,
    in_digest: bool,
    /// A delimiter was seen.
    begun: bool,
    /// The closing delimiter was.
    closed: bool,
    entity: Entity,
    start: u64,
}

enum State {
    Preamble,
    /// In the header of a part; its bytes so far.
    Header(Vec<u8>, bool),
    Body(String, Box<Entity>),
    TooDeep,
    Epilogue,
    Over,
}

/// The walk; an iterator of [`Event`]s.
pub(super) struct Walker<'s, 'a> {
    scan: Scan<'s, 'a>,
    eol: Eol,
    levels: Vec<Level>,
    state: State,
    /// Where the bytes of the state began.
    from: u64,
    /// Beginning of the next line to look at.
    at: u64,
    queue: VecDeque<Event>,
}

impl<'s, 'a> Walker<'s, 'a> {
    /// Walks the body of a message, which begins at `body` and goes to the end of `source`.
    pub(super) fn new(source: &'s Source<'a>, entity: Entity, body: u64, eol: Eol) -> Self {
        let scan = Scan { source, end: source.len(), eol, window: Vec::new(), base: 0 };
        let mut walker = Walker {
            scan,
            eol,
            levels: Vec::new(),
            state: State::Over,
            from: body,
            at: body,
            queue: VecDeque::new(),
        };
        walker.enter(String::new(), entity);
        walker
    }

    /// A header is complete; its body begins at `from`.
    fn enter(&mut self, number: String, entity: Entity) {
        if !entity.is_multipart() {
            let number = if number.is_empty() { "1".to_owned() } else { number };
            self.state = State::Body(number, Box::new(entity));
            return;
        }
        if self.levels.len() >= DEPTH {
            self.defect("mime-depth", self.from, format!("multiparts nested more than {DEPTH} deep"));
            self.state = State::TooDeep;
            return;
        }
        let declared = entity.content_type.get("boundary").map(|b| b.trim_end().as_bytes().to_vec());
        let boundary = declared.filter(|b| !b.is_empty() && b.len() < DELIMITER / 2);
        if boundary.is_none() {
            self.defect("no-boundary", self.from, "a multipart without a boundary parameter".to_owned());
        }
        let prefix = if number.is_empty() { number } else { format!("{number}.") };
        self.levels.push(Level {
            boundary,
            found: None,
            prefix,
            parts: 0,
            in_digest: entity.media_type() == "multipart/digest",
            begun: false,
            closed: false,
            entity,
            start: self.from,
        });
        self.state = State::Preamble;
    }

    fn defect(&mut self, kind: &'static str, at: u64, note: String) {
        self.queue.push_back(Event::Defect(kind, at, note));
    }

    /// Moves on by a line, or to the next one that could be a delimiter.
    fn advance(&mut self) {
        if let State::Header(..) = self.state {
            return self.header_line();
        }
        let delimiter = if self.levels.is_empty() { None } else { self.scan.dashes(self.at) };
        let Some(start) = delimiter else {
            self.finish(self.scan.end);
            return self.end();
        };
        let line = self.scan.line(start, DELIMITER);
        let (content, next, whole) = (line.content.to_vec(), line.next, line.whole);
        self.at = next;
        if !whole {
            return;
        }
        if let Some((level, closes)) = self.matching(&content).or_else(|| self.guessed(&content, next)) {
            self.delimiter(start, next, level, closes);
        }
    }

    fn header_line(&mut self) {
        if self.at >= self.scan.end {
            self.finish(self.scan.end);
            return self.end();
        }
        let start = self.at;
        let line = self.scan.line(start, PART_HEADER);
        let (content, next, whole) = (line.content.to_vec(), line.next, line.whole);
        if whole
            && content.starts_with(b"--")
            && let Some((level, closes)) = self.matching(&content)
        {
            return self.delimiter(start, next, level, closes);
        }
        let State::Header(bytes, cut) = &mut self.state else { return };
        let end = match PartLine::of(&content, bytes.is_empty()) {
            PartLine::Header => None,
            PartLine::End => Some(next),
            PartLine::Body => Some(start),
        };
        let Some(body) = end else {
            let room = PART_HEADER.saturating_sub(bytes.len());
            *cut |= content.len() > room || !whole;
            bytes.extend_from_slice(content.get(..room).unwrap_or(&content));
            bytes.push(self.eol.byte());
            self.at = next;
            return;
        };
        let (bytes, cut) = (std::mem::take(bytes), *cut);
        if body == start {
            self.defect(
                "part-no-blank-line",
                start,
                "the body of a part begins without an empty line".to_owned(),
            );
        }
        self.at = body;
        self.header_over(&bytes, cut, body);
    }

    /// The header of a part ended before `body`.
    fn header_over(&mut self, bytes: &[u8], cut: bool, body: u64) {
        let range = self.from..body;
        if cut {
            self.defect("long-header", self.from, "a part's header is longer than is read".to_owned());
            let read = (self.from + bytes.len() as u64).min(body);
            self.queue.push_back(Event::Structure(self.from..read));
            self.queue.push_back(Event::Skipped(read..body));
        } else {
            self.queue.push_back(Event::Structure(range));
        }
        let Some(level) = self.levels.last() else { return };
        let number = format!("{}{}", level.prefix, level.parts);
        let entity = Entity::of_part(bytes, self.eol, level.in_digest);
        self.from = body;
        self.enter(number, entity);
    }

    /// The level that a line delimits, and whether it closes it: the innermost that is open, else the
    /// innermost that was.
    fn matching(&self, line: &[u8]) -> Option<(usize, bool)> {
        let line = line.strip_prefix(b"--")?.trim_ascii_end();
        let find = |closed: bool| {
            self.levels.iter().enumerate().rev().filter(|(_, level)| level.closed == closed).find_map(
                |(i, level)| {
                    [&level.boundary, &level.found].into_iter().flatten().find_map(|boundary| {
                        match line.strip_prefix(boundary.as_slice()) {
                            Some(b"") => Some((i, false)),
                            Some(b"--") => Some((i, true)),
                            _ => None,
                        }
                    })
                },
            )
        };
        find(false).or_else(|| find(true))
    }

    /// Where a multipart has no boundary, or its parts use another: a line of dashes that is followed by
    /// a field of a part's header.
    fn guessed(&mut self, line: &[u8], next: u64) -> Option<(usize, bool)> {
        let level = self.levels.last_mut().filter(|level| !level.begun)?;
        let boundary = line.strip_prefix(b"--")?.trim_ascii_end();
        if !matches!(self.state, State::Preamble) || !(3..=200).contains(&boundary.len()) {
            return None;
        }
        let following = self.scan.source.take(next..next + 8);
        if !following.eq_ignore_ascii_case(b"content-") {
            return None;
        }
        level.found = Some(boundary.to_vec());
        let note = "the parts use another boundary than is declared".to_owned();
        self.defect("boundary-wrong", next, note);
        Some((self.levels.len() - 1, false))
    }

    /// A delimiter of `level` stands at `start..next`.
    fn delimiter(&mut self, start: u64, next: u64, level: usize, closes: bool) {
        // The line break before it belongs to it (RFC 2046 §5.1.1).
        let end = self.scan.before_break(start).max(self.from);
        if level + 1 == self.levels.len()
            && let Some(level) = self.levels.last_mut()
        {
            level.begun = true;
        }
        self.finish(end);
        self.leave(level + 1, start);
        self.queue.push_back(Event::Structure(end..next));
        (self.at, self.from) = (next, next);
        let Some(level) = self.levels.last_mut() else { return };
        level.begun = true;
        if closes {
            level.closed = true;
            self.state = State::Epilogue;
            return;
        }
        level.parts += 1;
        let reopened = std::mem::take(&mut level.closed);
        self.state = State::Header(Vec::new(), false);
        if reopened {
            self.defect("part-after-end", start, "a part stands after the closing boundary".to_owned());
        }
    }

    /// The bytes of the present state end at `end`.
    fn finish(&mut self, end: u64) {
        let text = self.from..end;
        match std::mem::replace(&mut self.state, State::Over) {
            State::Over => return,
            State::Header(bytes, cut) => {
                if !bytes.is_empty() {
                    self.header_over(&bytes, cut, end);
                    return self.finish(end);
                }
                self.queue.push_back(Event::Structure(text));
            }
            State::Body(part, entity) => self.queue.push_back(Event::Leaf { part, entity, body: text }),
            State::TooDeep => self.queue.push_back(Event::TooDeep(text)),
            State::Preamble => match self.levels.last() {
                Some(level) if !level.begun => {
                    // No delimiter at all: what is there is its text.
                    let number = level.prefix.trim_end_matches('.');
                    let part = if number.is_empty() { "1" } else { number }.to_owned();
                    let mut entity = level.entity.clone();
                    entity.content_type.main = "text/plain".to_owned();
                    entity.disposition = None;
                    entity.content_type.parameters.retain(|(name, _)| name != "name");
                    self.defect(
                        "no-parts",
                        text.start,
                        "a multipart without a single boundary line".to_owned(),
                    );
                    self.queue.push_back(Event::Leaf { part, entity: Box::new(entity), body: text });
                }
                level => {
                    let prefix = level.map_or("", |level| level.prefix.as_str());
                    self.queue.push_back(Event::Loose { part: format!("{prefix}preamble"), text });
                }
            },
            State::Epilogue => {
                let prefix = self.levels.last().map_or("", |level| level.prefix.as_str());
                self.queue.push_back(Event::Loose { part: format!("{prefix}epilogue"), text });
            }
        }
        self.from = end;
    }

    /// Leaves the multiparts above the first `keep`, whose end was not there to be seen.
    fn leave(&mut self, keep: usize, at: u64) {
        let unclosed = self.levels.get(keep..).unwrap_or_default().iter().rev();
        let unclosed = unclosed.filter(|level| !level.closed && level.begun);
        let notes: Vec<String> = unclosed
            .map(|level| format!("the multipart that begins at {} is not closed", level.start))
            .collect();
        for note in notes {
            self.defect("no-final-boundary", at, note);
        }
        self.levels.truncate(keep);
    }

    fn end(&mut self) {
        self.leave(0, self.scan.end);
        self.state = State::Over;
        self.at = self.scan.end;
    }
}

impl Iterator for Walker<'_, '_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            if matches!(self.state, State::Over) {
                return None;
            }
            self.advance();
        }
    }
}

/// The bytes from front to back in windows.
struct Scan<'s, 'a> {
    source: &'s Source<'a>,
    end: u64,
    eol: Eol,
    window: Vec<u8>,
    base: u64,
}

struct Line<'w> {
    /// Without line break; at most what was asked for.
    content: &'w [u8],
    next: u64,
    /// Nothing of it was left out.
    whole: bool,
}

impl Scan<'_, '_> {
    /// The window from `at` on, at least `want` bytes if there are as many.
    fn fill(&mut self, at: u64, want: usize) -> &[u8] {
        let have = (self.base + self.window.len() as u64).saturating_sub(at.max(self.base));
        let rest = self.end.saturating_sub(at);
        if at < self.base || (have < want as u64 && have < rest) {
            let len = rest.min(WINDOW.max(want as u64));
            self.window.resize(usize::try_from(len).unwrap_or(0), 0);
            let n = self.source.read_at(&mut self.window, at);
            self.window.truncate(n);
            self.base = at;
            if (n as u64) < len {
                // The source is shorter than it says: it ends here.
                self.end = at + n as u64;
            }
        }
        usize::try_from(at - self.base).ok().and_then(|skip| self.window.get(skip..)).unwrap_or_default()
    }

    /// Beginning of the next line, from the one that begins at `from`, that begins with two dashes.
    fn dashes(&mut self, from: u64) -> Option<u64> {
        let needle: [u8; 3] = [self.eol.byte(), b'-', b'-'];
        let finder = memchr::memmem::Finder::new(&needle);
        if self.fill(from, 2).starts_with(b"--") {
            return Some(from);
        }
        let mut at = from;
        loop {
            let window = self.fill(at, 3);
            if let Some(hit) = finder.find(window) {
                return Some(at + hit as u64 + 1);
            }
            // The needle may begin with the last two bytes.
            let len = window.len() as u64;
            if at + len >= self.end || len < 3 {
                return None;
            }
            at += len - 2;
        }
    }

    /// The line that begins at `at`, at most `most` bytes of it.
    fn line(&mut self, at: u64, most: usize) -> Line<'_> {
        let eol = self.eol.byte();
        // Usually it lies in the window; else the window is moved once.
        let found =
            memchr::memchr(eol, self.fill(at, 1)).or_else(|| memchr::memchr(eol, self.fill(at, most + 1)));
        let (len, next) = match found {
            Some(len) => (len, at + len as u64 + 1),
            None => {
                let mut end = at + self.fill(at, 1).len() as u64;
                let next = loop {
                    let window = self.fill(end, 1);
                    match memchr::memchr(eol, window) {
                        Some(len) => break end + len as u64 + 1,
                        None if window.is_empty() => break end,
                        None => end += window.len() as u64,
                    }
                };
                (usize::try_from(end - at).unwrap_or(usize::MAX), next)
            }
        };
        let whole = len <= most;
        let window = self.fill(at, len.min(most));
        Line { content: without_cr(window, len.min(most)), next, whole }
    }

    /// Offset of the line break that ends just before `at`.
    fn before_break(&mut self, at: u64) -> u64 {
        let from = at.saturating_sub(2);
        let bytes = self.source.take(from..at);
        match bytes.as_slice() {
            [b'\r', b'\n'] => from,
            [.., b'\n' | b'\r'] => at - 1,
            _ => at,
        }
    }
}

fn without_cr(window: &[u8], len: usize) -> &[u8] {
    let line = window.get(..len).unwrap_or_default();
    let stray = line.iter().rev().take_while(|b| **b == b'\r').count();
    line.get(..len - stray).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leaves and loose text of a multipart body, and kinds of defects. Checks that ranges follow each
    /// other to the end.
    fn walk(content_type: &str, body: &str) -> (Vec<(String, String, String)>, Vec<&'static str>) {
        let mut entity = Entity::plain(false);
        entity.field(b"Content-Type", content_type.as_bytes());
        let bytes = body.as_bytes();
        let source = Source::new(&bytes, 0, bytes.len() as u64);
        let (mut parts, mut defects, mut at) = (Vec::new(), Vec::new(), 0);
        let mut follow = |range: &Range<u64>| {
            assert_eq!(range.start, at, "{body}");
            at = range.end;
            String::from_utf8_lossy(&bytes[range.start as usize..range.end as usize]).into_owned()
        };
        for event in Walker::new(&source, entity, 0, Eol::of(bytes)) {
            match event {
                Event::Structure(range) | Event::TooDeep(range) | Event::Skipped(range) => {
                    drop(follow(&range))
                }
                Event::Leaf { part, entity, body } => {
                    parts.push((part, entity.media_type().to_owned(), follow(&body)))
                }
                Event::Loose { part, text } => {
                    let text = follow(&text);
                    if !text.is_empty() {
                        parts.push((part, String::new(), text));
                    }
                }
                Event::Defect(kind, ..) => defects.push(kind),
            }
        }
        assert_eq!(at, bytes.len() as u64, "{body}");
        (parts, defects)
    }

    const MIXED: &str = "multipart/mixed; boundary=b";

    #[test]
    fn bodies() {
        type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str, &'a str)], &'a [&'static str]);
        let cases: &[Case] = &[
            ("text/plain", "a\n--b\n", &[("1", "text/plain", "a\n--b\n")], &[]),
            (
                MIXED,
                "pre\n--b\n\none\n--b\nContent-Type: a/b\n\ntwo\n\n--b--\nepi\n",
                &[
                    ("preamble", "", "pre"),
                    ("1", "text/plain", "one"),
                    ("2", "a/b", "two\n"),
                    ("epilogue", "", "epi\n"),
                ],
                &[],
            ),
            (MIXED, "--b \t\n\none\n--b-- \n", &[("1", "text/plain", "one")], &[]),
            ("multipart/mixed; boundary=\"b  \"", "--b\n\none\n--b--", &[("1", "text/plain", "one")], &[]),
            (
                MIXED,
                "--b\n\none\n--bb\n--b-\n--B\n --b\n--b--\n",
                &[("1", "text/plain", "one\n--bb\n--b-\n--B\n --b")],
                &[],
            ),
            (MIXED, "--b\n\none\n--b", &[("1", "text/plain", "one")], &["no-final-boundary"]),
            (MIXED, "--b\n\none\n", &[("1", "text/plain", "one\n")], &["no-final-boundary"]),
            (MIXED, "--b\n--b\n\n--b\n\n\n--b--", &[("2", "text/plain", ""), ("3", "text/plain", "")], &[]),
            (
                MIXED,
                "--b\nno header\nat all\n--b--\n",
                &[("1", "text/plain", "no header\nat all")],
                &["part-no-blank-line"],
            ),
            (MIXED, "--b\nContent-Type: a/b\n--b--\n", &[("1", "a/b", "")], &[]),
            // A line of white space is an empty one, wherever a header could go on.
            (
                MIXED,
                "--b\nContent-Type: a/b\n \t\nNote: one\n\ntwo\n--b\n \nA: b\n--b\n\t\n--b--\n",
                &[("1", "a/b", "Note: one\n\ntwo"), ("2", "text/plain", "A: b"), ("3", "text/plain", "")],
                &[],
            ),
            (MIXED, "no boundary line\n", &[("1", "text/plain", "no boundary line\n")], &["no-parts"]),
            (
                "multipart/mixed",
                "--x y\nContent-Type: a/b\n\none\n--x y--\n",
                &[("1", "a/b", "one")],
                &["no-boundary", "boundary-wrong"],
            ),
            (
                "multipart/mixed; boundary=",
                "text\n",
                &[("1", "text/plain", "text\n")],
                &["no-boundary", "no-parts"],
            ),
            (
                MIXED,
                "--other\nContent-Type: a/b\n\none\n--other--\n",
                &[("1", "a/b", "one")],
                &["boundary-wrong"],
            ),
            (
                MIXED,
                "--b\n\none\n--b--\n--b\n\ntwo\n--b--",
                &[("1", "text/plain", "one"), ("2", "text/plain", "two")],
                &["part-after-end"],
            ),
            (
                MIXED,
                "--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\none\n--c\nContent-Type: text/html\n\ntwo\n--c--\n\n--b\n\nthree\n--b--\n",
                &[("1.1", "text/plain", "one"), ("1.2", "text/html", "two"), ("2", "text/plain", "three")],
                &[],
            ),
            // The parent's boundary ends a child that is not closed.
            (
                MIXED,
                "--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\none\n--b\n\ntwo\n--b--\n",
                &[("1.1", "text/plain", "one"), ("2", "text/plain", "two")],
                &["no-final-boundary"],
            ),
            // The same boundary twice: the inner one until it is closed, then the outer.
            (
                MIXED,
                "--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n--b\n\ntwo\n--b--\n",
                &[("1.1", "text/plain", "one"), ("2", "text/plain", "two")],
                &[],
            ),
            // A boundary that is the prefix of another.
            (
                MIXED,
                "--b\nContent-Type: multipart/mixed; boundary=bc\n\n--bc\n\none\n--bc--\n--b--\n",
                &[("1.1", "text/plain", "one")],
                &[],
            ),
            (
                "multipart/digest; boundary=b",
                "--b\n\nSubject: x\n\ny\n--b--",
                &[("1", "message/rfc822", "Subject: x\n\ny")],
                &[],
            ),
            (MIXED, "", &[("1", "text/plain", "")], &["no-parts"]),
        ];
        for (content_type, body, parts, defects) in cases {
            let expect: Vec<_> =
                parts.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect();
            assert_eq!(walk(content_type, body), (expect.clone(), defects.to_vec()), "{body}");
            for eol in ["\r\n", "\r"] {
                let expect: Vec<_> =
                    expect.iter().map(|(a, b, c)| (a.clone(), b.clone(), c.replace('\n', eol))).collect();
                let body = body.replace('\n', eol);
                assert_eq!(walk(content_type, &body), (expect, defects.to_vec()), "{body:?}");
            }
        }
    }

    #[test]
    fn nested_too_deep() {
        let mut body = String::new();
        for i in 0..1000 {
            body.push_str(&format!("--b{i}\nContent-Type: multipart/mixed; boundary=b{}\n\n", i + 1));
        }
        let (_, defects) = walk("multipart/mixed; boundary=b0", &body);
        assert!(defects.contains(&"mime-depth"));
    }

    #[test]
    fn lines_longer_than_a_window() {
        let long = "x".repeat(600 << 10);
        let body = format!("--b\nX: {long}\nContent-Type: a/b\n\n--{long}\n{long}\n--b--\n");
        let (parts, defects) = walk(MIXED, &body);
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].2.len(), 2 * long.len() + 3);
        assert_eq!(defects, ["long-header"]);
    }
}
