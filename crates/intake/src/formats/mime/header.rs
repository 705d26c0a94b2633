//! The header block: where fields begin and end, byte by byte (RFC 5322 §2.2, §4.5), and their values
//! unfolded. Ranges are exact: signatures are checked over them.

use std::{borrow::Cow, ops::Range};

/// Longest name of a field. RFC 5322 allows a line of 998; what is longer before its colon is no field.
const NAME: usize = 512;
/// Empty lines in front of a header that are tolerated.
const LEADING: usize = 8;

/// How lines of a message end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Eol {
    /// LF, with or without CR before it. A CR elsewhere is a character.
    Lf,
    /// A lone CR, as old Macintosh programs wrote.
    Cr,
}

impl Eol {
    /// What the beginning of a message shows: lone CRs count only where there is no LF.
    pub(super) fn of(head: &[u8]) -> Eol {
        match (memchr::memchr(b'\r', head), memchr::memchr(b'\n', head)) {
            (Some(_), None) => Eol::Cr,
            _ => Eol::Lf,
        }
    }

    pub(super) fn byte(self) -> u8 {
        match self {
            Eol::Lf => b'\n',
            Eol::Cr => b'\r',
        }
    }
}

/// A field, as ranges of the block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// The whole field with its line break.
    pub range: Range<usize>,
    /// Its name, without white space before the colon; empty where the line has none.
    pub name: Range<usize>,
    /// The bytes after the colon, without the final line break.
    pub value: Range<usize>,
}

/// How a header block ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With an empty line.
    Blank,
    /// With the first line of the body, which follows without an empty line.
    NoBlank,
    /// With the bytes.
    Bytes,
}

/// What a header block consists of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// Fields in order, lines that are none among them.
    pub fields: Vec<Field>,
    /// Lines in front of or among the fields that are structure: `From ` lines, empty lines, a byte
    /// order mark.
    pub other: Vec<(&'static str, Range<usize>)>,
    /// Where the body begins.
    pub body: usize,
}

/// Takes the header block from the beginning of `bytes`. `None`: it does not end in these bytes, and
/// they are not `all`.
pub(super) fn scan(bytes: &[u8], eol: Eol, all: bool) -> Option<(Block, End)> {
    let mut block = Block::default();
    let mut at = 0;
    if bytes.starts_with(b"\xef\xbb\xbf") {
        block.other.push(("byte-order-mark", 0..3));
        at = 3;
    }
    while let Some(line) = line(bytes, at, eol) {
        if line.next == bytes.len() && !line.ended && !all {
            return None;
        }
        let content = bytes.get(line.content.clone()).unwrap_or_default();
        match Kind::of(content) {
            Kind::Blank if block.fields.is_empty() => {
                // Empty lines in front of a header: tolerated if one follows.
                if !header_follows(bytes, line.next, eol, all)? {
                    block.body = line.next;
                    return Some((block, End::Blank));
                }
                block.other.push(("leading-blank-lines", at..line.next));
            }
            Kind::Blank => {
                block.body = line.next;
                return Some((block, End::Blank));
            }
            Kind::Continuation if !block.fields.is_empty() => {
                if let Some(field) = block.fields.last_mut() {
                    field.range.end = line.next;
                    field.value.end = line.content.end;
                }
            }
            Kind::Field(name) => block.fields.push(Field {
                range: at..line.next,
                name: at..at + name,
                value: at + colon(content) + 1..line.content.end,
            }),
            Kind::FromLine => block.other.push(("mbox-from-line", at..line.next)),
            Kind::Continuation | Kind::Other => {
                if !next_is_known(bytes, line.next, eol, 3, all)? {
                    block.body = at;
                    return Some((block, End::NoBlank));
                }
                block.fields.push(Field { range: at..line.next, name: at..at, value: line.content });
            }
        }
        at = line.next;
    }
    if !all {
        return None;
    }
    block.body = bytes.len();
    Some((block, End::Bytes))
}

/// A line, its content without line break.
pub(super) struct Line {
    pub content: Range<usize>,
    /// Where the next line begins.
    pub next: usize,
    /// Whether it has a line break.
    pub ended: bool,
}

/// The line that begins at `at`; `None` at the end of the bytes.
pub(super) fn line(bytes: &[u8], at: usize, eol: Eol) -> Option<Line> {
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    let (len, next, ended) = match memchr::memchr(eol.byte(), rest) {
        Some(end) => (end, end + 1, true),
        None => (rest.len(), rest.len(), false),
    };
    // CRLF, and CR CR LF as some transports make of it.
    let content = rest.get(..len).unwrap_or_default();
    let stray = content.iter().rev().take_while(|b| **b == b'\r').count();
    Some(Line { content: at..at + len - stray, next: at + next, ended })
}

/// What a line of a header block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Blank,
    Continuation,
    /// A field with a name of this length.
    Field(usize),
    /// `From ` as mbox files have it, or escaped.
    FromLine,
    Other,
}

impl Kind {
    /// Tells by the content of the line, without its line break.
    pub(super) fn of(content: &[u8]) -> Kind {
        match content.first() {
            None => Kind::Blank,
            Some(b' ' | b'\t') => Kind::Continuation,
            Some(_) => match name(content) {
                Some(name) => Kind::Field(name),
                None if content.starts_with(b"From ") || content.starts_with(b">From ") => Kind::FromLine,
                None => Kind::Other,
            },
        }
    }
}

/// What a line is to the header of a part. Whoever looks for the end of one asks here, so that nobody finds
/// another body than the rest does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartLine {
    /// It belongs to the header.
    Header,
    /// It ends the header, and the body begins after it.
    End,
    /// It is the first line of a body that no empty line divides from the header.
    Body,
}

impl PartLine {
    /// Tells by the content of the line, without its line break; `is_first` of the part.
    ///
    /// A line of nothing but white space is an empty one. In the header of a message RFC 5322 §4.2 lets it go
    /// on with the field above; but a part's header stands in a body, and there a relaxed signature does not see
    /// the difference (RFC 6376 §3.4.4), so what is shown must not hang on it.
    pub(super) fn of(content: &[u8], is_first: bool) -> PartLine {
        match Kind::of(content) {
            Kind::Blank => PartLine::End,
            Kind::Continuation if is_white(content) => PartLine::End,
            Kind::Continuation if is_first => PartLine::Body,
            Kind::Continuation | Kind::Field(_) | Kind::FromLine => PartLine::Header,
            Kind::Other => PartLine::Body,
        }
    }
}

/// Whether a line holds white space and nothing else.
pub(super) fn is_white(content: &[u8]) -> bool {
    !content.is_empty() && content.iter().all(|byte| matches!(byte, b' ' | b'\t'))
}

/// Length of the field name that a line begins with: printable ASCII, then perhaps white space
/// (§4.5.8), then a colon.
fn name(line: &[u8]) -> Option<usize> {
    let colon = memchr::memchr(b':', line.get(..line.len().min(NAME))?)?;
    let before = line.get(..colon)?;
    let name = before.trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(name.len())
}

fn colon(line: &[u8]) -> usize {
    memchr::memchr(b':', line).unwrap_or(0)
}

/// Whether one of the next `lines` lines is a field that mail has; `None`: these bytes do not tell.
fn next_is_known(bytes: &[u8], from: usize, eol: Eol, lines: usize, all: bool) -> Option<bool> {
    let mut at = from;
    for _ in 0..lines {
        let Some(next) = line(bytes, at, eol) else { return all.then_some(false) };
        if !next.ended && !all {
            return None;
        }
        let content = bytes.get(next.content).unwrap_or_default();
        match Kind::of(content) {
            Kind::Field(len) if content.get(..len).is_some_and(is_known) => return Some(true),
            Kind::Blank => return Some(false),
            _ => {}
        }
        at = next.next;
    }
    Some(false)
}

/// Whether a field that mail has comes after at most [`LEADING`] empty lines; `None` as above.
fn header_follows(bytes: &[u8], from: usize, eol: Eol, all: bool) -> Option<bool> {
    let mut at = from;
    for _ in 0..LEADING {
        let Some(next) = line(bytes, at, eol) else { return all.then_some(false) };
        if !next.ended && !all {
            return None;
        }
        let content = bytes.get(next.content).unwrap_or_default();
        match Kind::of(content) {
            Kind::Blank => at = next.next,
            Kind::Field(len) => return Some(content.get(..len).is_some_and(is_known)),
            _ => return Some(false),
        }
    }
    Some(false)
}

/// Names of fields that mail has and little else does, in lower case.
const MAIL: &[&str] = &[
    "from",
    "to",
    "cc",
    "bcc",
    "subject",
    "message-id",
    "received",
    "return-path",
    "delivered-to",
    "mime-version",
    "dkim-signature",
    "in-reply-to",
    "references",
    "reply-to",
    "sender",
    "x-mailer",
    "x-original-to",
    "envelope-to",
    "errors-to",
    "newsgroups",
    "authentication-results",
    "received-spf",
    "domainkey-signature",
    "apparently-to",
    "list-id",
    "list-unsubscribe",
    "precedence",
    "thread-index",
    "thread-topic",
    "x-received",
    "x-envelope-from",
    "x-msmail-priority",
    "x-mimeole",
    "arc-seal",
    "arc-message-signature",
    "arc-authentication-results",
    "disposition-notification-to",
    "content-transfer-encoding",
    "resent-from",
    "resent-to",
    "resent-date",
    "resent-message-id",
];
/// Fields that other formats have as well.
const SHARED: &[&str] = &[
    "date",
    "content-type",
    "content-disposition",
    "content-id",
    "content-description",
    "content-language",
    "content-class",
    "user-agent",
    "organization",
    "lines",
    "path",
    "status",
    "keywords",
    "comments",
    "importance",
    "priority",
    "sensitivity",
    "encoding",
    "message-context",
    "auto-submitted",
    "autocrypt",
    "feedback-id",
    "content-length",
    "content-location",
    "expires",
    "supersedes",
    "distribution",
    "mailing-list",
    "old-return-path",
    "posted-date",
    "x-status",
    "x-keywords",
    "x-uid",
    "x-priority",
];

/// How much a field name says that this is mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Mail,
    Shared,
    No,
}

/// Whether a field name is one of mail.
pub(super) fn known(name: &[u8]) -> Known {
    let is = |known: &&str| name.eq_ignore_ascii_case(known.as_bytes());
    let starts = |prefix: &[u8]| name.get(..prefix.len()).is_some_and(|p| p.eq_ignore_ascii_case(prefix));
    match () {
        () if MAIL.iter().any(is) => Known::Mail,
        () if SHARED.iter().any(is) || starts(b"X-") => Known::Shared,
        () if starts(b"Resent-") || starts(b"List-") || starts(b"ARC-") => Known::Mail,
        () => Known::No,
    }
}

fn is_known(name: &[u8]) -> bool {
    known(name) != Known::No
}

/// A value without its folds (§2.2.3): line breaks go, white space stays.
pub(super) fn unfold(value: &[u8], eol: Eol) -> Cow<'_, [u8]> {
    if memchr::memchr(eol.byte(), value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut unfolded = Vec::with_capacity(value.len());
    let mut at = 0;
    while let Some(line) = line(value, at, eol) {
        unfolded.extend_from_slice(value.get(line.content).unwrap_or_default());
        at = line.next;
    }
    Cow::Owned(unfolded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> (Vec<(String, String)>, Vec<&'static str>, usize, End) {
        let eol = Eol::of(bytes);
        let (block, end) = scan(bytes, eol, true).unwrap();
        // Whatever is asked before all bytes are there, the answer does not change later.
        for cut in 0..bytes.len() {
            if let Some(early) = scan(&bytes[..cut], eol, false) {
                assert_eq!(early, (block.clone(), end), "{cut}");
            }
        }
        let text = |range: &Range<usize>| String::from_utf8_lossy(&bytes[range.clone()]).into_owned();
        let mut at = 0;
        let mut ranges: Vec<_> = block.fields.iter().map(|f| f.range.clone()).collect();
        ranges.extend(block.other.iter().map(|(_, r)| r.clone()));
        ranges.sort_by_key(|r| r.start);
        for range in ranges {
            assert_eq!(range.start, at);
            at = range.end;
        }
        let fields = block.fields.iter().map(|field| {
            let value = unfold(&bytes[field.value.clone()], eol).into_owned();
            (text(&field.name), String::from_utf8_lossy(&value).into_owned())
        });
        (fields.collect(), block.other.iter().map(|(kind, _)| *kind).collect(), block.body, end)
    }

    #[test]
    fn blocks() {
        type Case<'a> = (&'a [u8], &'a [(&'a str, &'a str)], &'a [&'static str], usize, End);
        let cases: &[Case] = &[
            (b"", &[], &[], 0, End::Bytes),
            (b"\r\nbody", &[], &[], 2, End::Blank),
            (b"A: b\r\n\r\nx", &[("A", " b")], &[], 8, End::Blank),
            (b"A: b\n\nx", &[("A", " b")], &[], 6, End::Blank),
            (b"A: b\r\rx", &[("A", " b")], &[], 6, End::Blank),
            (b"A: b\r\nC: d\n\nx", &[("A", " b"), ("C", " d")], &[], 12, End::Blank),
            (b"A: b\r\r\nC: d\r\r\n\r\r\nx", &[("A", " b"), ("C", " d")], &[], 17, End::Blank),
            (b"A:b\n c\n\td\n\n", &[("A", "b c\td")], &[], 11, End::Blank),
            (b"A : b\n \n c\n\n", &[("A", " b  c")], &[], 12, End::Blank),
            (b"A: b", &[("A", " b")], &[], 4, End::Bytes),
            (b"A:\n\nx", &[("A", "")], &[], 4, End::Blank),
            (
                b"A: b\nno field\nFrom: x\n\n",
                &[("A", " b"), ("", "no field"), ("From", " x")],
                &[],
                23,
                End::Blank,
            ),
            (
                b"A: b\nBody: here, or not\nand text\n",
                &[("A", " b"), ("Body", " here, or not")],
                &[],
                24,
                End::NoBlank,
            ),
            (b"Hello,\n\nworld", &[], &[], 0, End::NoBlank),
            (
                b"From a@b Mon\nA: b\n>From c\nD: e\n\n",
                &[("A", " b"), ("D", " e")],
                &["mbox-from-line", "mbox-from-line"],
                32,
                End::Blank,
            ),
            (
                b"\n\nSubject: b\n\n",
                &[("Subject", " b")],
                &["leading-blank-lines", "leading-blank-lines"],
                14,
                End::Blank,
            ),
            (b"\xef\xbb\xbfA: b\n\n", &[("A", " b")], &["byte-order-mark"], 9, End::Blank),
            (b"A: b\0c\xff\n\n", &[("A", " b\0c\u{fffd}")], &[], 9, End::Blank),
            (b"\xff: b\n\n", &[], &[], 0, End::NoBlank),
            (b" A: b\nTo: c\n\n", &[("", " A: b"), ("To", " c")], &[], 13, End::Blank),
        ];
        for (bytes, fields, other, body, end) in cases {
            let fields: Vec<_> = fields.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            let expect = (fields, other.to_vec(), *body, *end);
            let shown = shown(bytes);
            assert_eq!(shown, expect, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn names_of_mail() {
        for (name, expect) in [
            ("From", Known::Mail),
            ("LIST-POST", Known::Mail),
            ("X-Anything", Known::Shared),
            ("Date", Known::Shared),
            ("BEGIN", Known::No),
            ("Server", Known::No),
        ] {
            assert_eq!(known(name.as_bytes()), expect, "{name}");
        }
    }
}
