//! Mailboxes: messages one after the other, each behind a `From ` line (RFC 4155 and the older
//! dialects mboxo, mboxrd, mboxcl, mboxcl2, Thunderbird, Takeout, Eudora, Pipermail), or between lines
//! of four ^A (MMDF). A message is a range of the mailbox; nothing is decoded and nothing unescaped.
//!
//! What ends a message. A line that begins with `From ` is a separator if
//! - the blank line that RFC 4155 asks for stands before it (or nothing does), and it is *full*: one
//!   sender, then weekday, month, day, time and year in any order; or *meagre* with a header field in
//!   the next line: an address, `-` or `MAILER-DAEMON` with no or half a date, or several words and a
//!   date; or another single word with two header fields after it; or
//! - no blank line stands before it, but it is full and two header fields follow: mailboxes that were
//!   put together with `cat` look like this. A defect tells of it.
//!
//! `From the desk of …` is neither. Within the length that a message's own `Content-Length` declares,
//! nothing is a separator, provided that this length ends exactly at a `From ` line or at the end of
//! the file; a defect tells where a separator was passed over so.
//!
//! Both the `From ` line and the blank line before the next are structure. The latter also at the end
//! of the file, so that the last message has the same bytes as it would have in the middle.

use memchr::{memchr, memmem};
use tamis_model::{Outcome, Reason};

use crate::{
    out::{Child, Coding, Naming, Out, Stop},
    reader::{Claim, Look, Reader, ReaderId, Slice},
    source::Source,
};

/// The reader of mailboxes.
pub struct Mbox;

impl Reader for Mbox {
    fn id(&self) -> ReaderId {
        ReaderId { name: "mbox", version: 1 }
    }

    fn media_type(&self) -> &'static str {
        "application/mbox"
    }

    fn claims(&self, look: &Look) -> Claim {
        if mmdf_line(look.head).is_some() {
            return Claim::Sure;
        }
        let start = blank_prefix(look.head);
        let rest = look.head.get(start..).unwrap_or(&[]);
        match FromLine::parse(rest, line_end(look.head)) {
            Some(line) => line.claim(),
            None if look.hint.says_mbox() && later_start(look.head).is_some() => Claim::Likely,
            None => Claim::No,
        }
    }

    fn read(&self, source: &Source, _slice: Option<Slice>, out: &mut Out) -> Result<Outcome, Stop> {
        let head = source.head();
        if mmdf_line(&head).is_some() {
            return read_mmdf(source, out);
        }
        Scan::new(source, line_end(&head), out).run()
    }
}

impl crate::reader::Hint {
    fn says_mbox(&self) -> bool {
        matches!(self.extension.as_str(), "mbox" | "mbx" | "mboxrd" | "mboxo" | "mboxcl")
            || self.media_type == "application/mbox"
    }
}

/// Bytes of the mailbox that are in memory at once, besides [`LOOK`].
const WINDOW: u64 = 1 << 20;
/// Bytes that are looked at behind the beginning of a line to tell whether it separates messages.
const LOOK: usize = 2048;
/// Longest `From ` line.
const FROM_LINE: usize = 1024;
/// Bytes before a line that tell whether a blank line stands there: `\n\r\n`.
const BEHIND: usize = 3;
/// Longest header block that is searched for `Content-Length`.
const HEADER: u64 = 64 << 10;

/// The byte that ends a line: LF, also in CRLF; CR only in mailboxes of the classic Mac OS.
fn line_end(head: &[u8]) -> u8 {
    if memchr(b'\n', head).is_none() && memchr(b'\r', head).is_some() { b'\r' } else { b'\n' }
}

/// Length of a byte order mark and blank lines at the start.
fn blank_prefix(head: &[u8]) -> usize {
    let bom = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let blank = head.iter().skip(bom).take_while(|b| matches!(b, b'\r' | b'\n')).count();
    bom + blank
}

/// Where, after a line that is none, the first separator stands in `head`.
fn later_start(head: &[u8]) -> Option<usize> {
    let eol = line_end(head);
    memmem::find_iter(head, &separator(eol)).map(|at| at + 1).find(|at| {
        let line = head.get(*at..).and_then(|rest| FromLine::parse(rest, eol));
        line.is_some_and(|line| line.needs == 0 && line.fields > 0)
    })
}

fn separator(eol: u8) -> [u8; 6] {
    [eol, b'F', b'r', b'o', b'm', b' ']
}

/// A line that begins with `From `, and what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FromLine {
    /// Length with its line end.
    len: usize,
    /// Header fields that must follow before it is believed after a blank line: 0 to 2.
    needs: u8,
    /// Header fields that do follow; not counted beyond 2.
    fields: u8,
    /// Whether a blank line or the end of the mailbox follows.
    bare: bool,
}

impl FromLine {
    /// The line at the start of `bytes`; `None` where it is not one or no mail program would write it.
    fn parse(bytes: &[u8], eol: u8) -> Option<FromLine> {
        let text = bytes.strip_prefix(b"From ")?;
        let cap = text.len().min(FROM_LINE);
        let end = memchr(eol, text.get(..cap)?);
        // The last line of a mailbox may lack its end.
        let end = end.or((cap == text.len()).then_some(cap))?;
        let needs = envelope_needs(text.get(..end)?)?;
        let len = (5 + end + 1).min(bytes.len());
        let mut rest = bytes.get(len..)?;
        let bare = rest.is_empty() || rest.starts_with(&[eol]) || rest.starts_with(b"\r\n");
        let mut fields = 0;
        while fields < 2 && is_field(rest) {
            fields += 1;
            rest = match memchr(eol, rest) {
                Some(end) => rest.get(end + 1..)?,
                None => &[],
            };
            // A folded field goes on with white space.
            while matches!(rest.first(), Some(b' ' | b'\t')) {
                rest = memchr(eol, rest).and_then(|end| rest.get(end + 1..)).unwrap_or(&[]);
            }
        }
        Some(FromLine { len, needs, fields, bare })
    }

    fn separates(self, after_blank: bool) -> bool {
        match after_blank {
            true => self.fields >= self.needs,
            false => self.needs == 0 && self.fields == 2,
        }
    }

    fn claim(self) -> Claim {
        match (self.needs, self.fields) {
            (0 | 1, 1..) => Claim::Sure,
            (0, 0) if self.bare => Claim::Sure,
            (0, 0) | (_, 2..) => Claim::Likely,
            _ => Claim::No,
        }
    }
}

/// How many header fields must follow before this text after `From ` is taken for an envelope: none
/// for one sender with a whole date; `None` where it is none whatever follows.
fn envelope_needs(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii();
    // RFC 976, 2.4: `From user date remote from host`.
    let line = memmem::find(line, b" remote from ").and_then(|at| line.get(..at)).unwrap_or(line);
    let words: Vec<&[u8]> =
        line.split(|b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty()).take(24).collect();
    let dated = words.iter().rev().take_while(|word| DatePart::of(word).is_some()).count();
    let (sender, date) = words.split_at_checked(words.len() - dated)?;
    let has = |part| date.iter().any(|word| DatePart::of(word) == Some(part));
    let moment = has(DatePart::Time) && (has(DatePart::Month) || has(DatePart::Numeric));
    let whole = moment && has(DatePart::Weekday) && has(DatePart::Year) && has(DatePart::Day);
    match sender {
        // Pipermail hides addresses: `From user at host  Mon Jan …`.
        [_, b"at", _] | [_] | [] if whole => Some(0),
        [b"-" | b"MAILER-DAEMON"] | [_, b"at", _] => Some(1),
        [one] if moment || one.iter().any(|b| matches!(b, b'@' | b'!')) => Some(1),
        [_] => Some(2),
        _ if moment && sender.len() <= 8 => Some(1),
        _ => None,
    }
}

/// A word of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DatePart {
    Weekday,
    Month,
    Day,
    Time,
    Year,
    Zone,
    /// `2001-02-03`, `03/02/2001`, also with a time after `T`.
    Numeric,
}

impl DatePart {
    fn of(word: &[u8]) -> Option<DatePart> {
        let word = word.strip_suffix(b",").unwrap_or(word);
        let digits = word.iter().filter(|b| b.is_ascii_digit()).count();
        let is_one_of = |names: &str| {
            word.len() == 3 && names.as_bytes().chunks(3).any(|name| name.eq_ignore_ascii_case(word))
        };
        match word {
            _ if is_one_of("MonTueWedThuFriSatSun") => Some(DatePart::Weekday),
            _ if is_one_of("JanFebMarAprMayJunJulAugSepOctNovDec") => Some(DatePart::Month),
            [_] | [_, _] if digits == word.len() => Some(DatePart::Day),
            [b'1' | b'2', _, _, _] if digits == 4 => Some(DatePart::Year),
            [b'+' | b'-', hours @ ..] if digits == hours.len() && digits == 4 => Some(DatePart::Zone),
            [h, b':', ..] | [h, _, b':', ..]
                if h.is_ascii_digit()
                    && word.iter().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.')) =>
            {
                Some(DatePart::Time)
            }
            _ if digits >= 4
                && word.first().is_some_and(u8::is_ascii_digit)
                && word.iter().any(|b| matches!(b, b'-' | b'/'))
                && word.iter().all(|b| b.is_ascii_digit() || b"-/:.TZ+".contains(b)) =>
            {
                Some(DatePart::Numeric)
            }
            [_, _, ..] if word.len() <= 5 && word.iter().all(u8::is_ascii_uppercase) => Some(DatePart::Zone),
            _ => None,
        }
    }
}

/// Whether a header field begins here (RFC 5322, 2.2): a name of printable characters, a colon. An
/// address of the web is none.
fn is_field(bytes: &[u8]) -> bool {
    // Sendmail left `>From ` lines among the fields.
    if bytes.starts_with(b">From ") {
        return true;
    }
    let head = bytes.get(..bytes.len().min(128)).unwrap_or(&[]);
    let Some((name, rest)) = memchr(b':', head).and_then(|colon| head.split_at_checked(colon)) else {
        return false;
    };
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic) && !rest.starts_with(b"://")
}

/// A pass over the mailbox from front to back.
struct Scan<'s, 'a, 'o, 'p> {
    source: &'s Source<'a>,
    out: &'o mut Out<'p>,
    eol: u8,
    /// The bytes from `base`.
    window: Vec<u8>,
    base: u64,
    /// Where the message begins that is being passed, behind its `From ` line.
    message: Option<u64>,
    /// Where it ends by its own `Content-Length`, if that is to be believed.
    declared_end: Option<u64>,
    damaged: bool,
}

impl<'s, 'a, 'o, 'p> Scan<'s, 'a, 'o, 'p> {
    fn new(source: &'s Source<'a>, eol: u8, out: &'o mut Out<'p>) -> Self {
        Scan {
            source,
            out,
            eol,
            window: Vec::new(),
            base: 0,
            message: None,
            declared_end: None,
            damaged: false,
        }
    }

    fn run(mut self) -> Result<Outcome, Stop> {
        let finder = memmem::Finder::new(&separator(self.eol)).into_owned();
        let mut done = 0;
        self.fill(0);
        self.begin()?;
        while done < self.source.len() {
            let end = self.source.len().min(done + WINDOW);
            self.fill(done);
            self.out.spend(end - done)?;
            let mut from = done;
            while let Some(at) = self.find(&finder, from, end) {
                from = at;
                self.candidate(at)?;
            }
            done = end;
        }
        self.end()
    }

    /// Loads the window for lines that begin in `at..at + WINDOW`, with what is looked at on both sides.
    fn fill(&mut self, at: u64) {
        self.base = at.saturating_sub(BEHIND as u64 + 1);
        let end = at.saturating_add(WINDOW).saturating_add(LOOK as u64).min(self.source.len());
        self.window.resize(usize::try_from(end - self.base).unwrap_or(0), 0);
        let n = self.source.read_at(&mut self.window, self.base);
        self.window.truncate(n);
    }

    /// Offset of the next line that begins with `From ` in `from + 1..=end` (a line at `from` was seen).
    fn find(&self, finder: &memmem::Finder, from: u64, end: u64) -> Option<u64> {
        let range = self.index(from)..(self.index(end) + 5).min(self.window.len());
        let at = finder.find(self.window.get(range.clone())?)?;
        Some(self.base + (range.start + at + 1) as u64)
    }

    fn index(&self, at: u64) -> usize {
        usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.window.len())
    }

    fn ahead(&self, at: u64) -> &[u8] {
        let rest = self.window.get(self.index(at)..).unwrap_or(&[]);
        rest.get(..rest.len().min(LOOK)).unwrap_or(rest)
    }

    /// The start of the mailbox: blank lines are structure, and need not be there.
    fn begin(&mut self) -> Result<(), Stop> {
        let blank = blank_prefix(&self.window) as u64;
        self.out.covers(0..blank)?;
        match FromLine::parse(self.ahead(blank), self.eol) {
            Some(line) if line.separates(true) || line.bare => self.open(blank, line),
            _ => {
                self.message = None;
                // What precedes the first separator is a gap, and not from its first byte on where
                // blank lines were passed.
                self.damaged = true;
                self.out.defect("no-from-line", Some(blank), "bytes before the first From line")
            }
        }
    }

    fn candidate(&mut self, at: u64) -> Result<(), Stop> {
        if self.message.is_some_and(|start| at < start) {
            return Ok(());
        }
        let blank = self.blank_before(at);
        let Some(line) = FromLine::parse(self.ahead(at), self.eol) else { return Ok(()) };
        match self.declared_end {
            Some(end) if at < end => {
                if line.separates(blank > 0) {
                    let note = "a From line inside the length that the message declares";
                    self.out.defect("from-line-in-body", Some(at), note)?;
                }
                return Ok(());
            }
            // The separator on which the declared length ends.
            Some(end) if at - end <= blank => {
                self.close(at, end)?;
                return self.open(at, line);
            }
            _ if !line.separates(blank > 0) => return Ok(()),
            _ if blank == 0 => {
                self.out.defect("no-blank-line", Some(at), "no blank line before a From line")?;
            }
            _ => {}
        }
        self.close(at, at - blank)?;
        self.open(at, line)
    }

    /// Length of the blank line that ends at `at`, or 0. The end of the line before it is no part of it.
    fn blank_before(&self, at: u64) -> u64 {
        let end = self.index(at);
        let before = self.window.get(end.saturating_sub(BEHIND)..end).unwrap_or(&[]);
        match before {
            [.., b'\n', b'\r', b'\n'] if self.eol == b'\n' => 2,
            [.., a, b] if *a == self.eol && *b == self.eol => 1,
            _ => 0,
        }
    }

    /// A message begins behind the `From ` line at `at`.
    fn open(&mut self, at: u64, line: FromLine) -> Result<(), Stop> {
        let start = at + line.len as u64;
        self.out.covers(at..start)?;
        self.message = Some(start);
        self.declared_end = self.declared_length_end(start)?;
        Ok(())
    }

    /// The message that is being passed ends at `end`; structure goes on to `next`.
    fn close(&mut self, next: u64, end: u64) -> Result<(), Stop> {
        let Some(start) = self.message.take() else { return Ok(()) };
        // The whole message may be the blank line.
        let end = end.max(start);
        self.out.child_stored(Child {
            name: Vec::new(),
            naming: Naming::Message,
            media_type: "message/rfc822".to_owned(),
            stored: Some(start..end),
            coding: Coding::Identity,
            declared: None,
        })?;
        self.out.covers(end..next)
    }

    fn end(mut self) -> Result<Outcome, Stop> {
        let len = self.source.len();
        if self.message.is_none() {
            return Ok(Outcome::failed(Reason::Corrupt));
        }
        let blank = match self.declared_end {
            Some(end) => len - end.min(len),
            None => {
                self.fill(len);
                self.blank_before(len)
            }
        };
        self.close(len, len - blank)?;
        Ok(if self.damaged { Outcome::partial(Reason::Damaged) } else { Outcome::PARSED })
    }

    /// Where the message at `start` ends by its `Content-Length`, if that is the end of the mailbox or
    /// a `From ` line, before which a blank line may stand.
    fn declared_length_end(&mut self, start: u64) -> Result<Option<u64>, Stop> {
        let near = self.window.get(self.index(start)..).unwrap_or(&[]);
        let mut header = Header::search(near, self.eol);
        if header == Header::Unfinished {
            let far = self.source.take(start..start.saturating_add(HEADER));
            self.out.spend(far.len() as u64)?;
            header = Header::search(&far, self.eol);
        }
        let Header::Length { body, bytes } = header else { return Ok(None) };
        let Some(end) = (start + body as u64).checked_add(bytes) else { return Ok(None) };
        let len = self.source.len();
        if end >= len {
            return Ok((end == len).then_some(end));
        }
        self.out.spend(LOOK as u64)?;
        let near = self.source.take(end.saturating_sub(1)..end.saturating_add(LOOK as u64));
        let Some((last, ahead)) = near.split_first() else { return Ok(None) };
        if *last != self.eol {
            return Ok(None);
        }
        let blank = match ahead {
            [b'\r', b'\n', ..] => 2,
            [a, ..] if *a == self.eol => 1,
            _ => 0,
        };
        let next = ahead.get(blank..).unwrap_or(&[]);
        let exact = next.is_empty() || FromLine::parse(next, self.eol).is_some();
        Ok(exact.then_some(end))
    }
}

/// What a header block says of its message's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    /// The bytes end before the header does.
    Unfinished,
    /// Nothing that can be used.
    None,
    /// The body begins at `body` and has `bytes` bytes.
    Length { body: usize, bytes: u64 },
}

impl Header {
    /// Looks at lines up to the first blank one. Stops at a `From ` line too, so that each line of a
    /// mailbox is looked at once.
    fn search(bytes: &[u8], eol: u8) -> Header {
        let mut at = 0;
        let mut declared = None;
        while let Some(rest) = bytes.get(at..)
            && let Some(end) = memchr(eol, rest)
        {
            let line = rest.get(..end).unwrap_or(&[]);
            at += end + 1;
            if line.is_empty() || line == b"\r" {
                return declared.map_or(Header::None, |bytes| Header::Length { body: at, bytes });
            }
            if line.starts_with(b"From ") {
                return Header::None;
            }
            if let Some((name, value)) = line.split_at_checked(15)
                && name.eq_ignore_ascii_case(b"content-length:")
            {
                declared = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse().ok());
            }
        }
        Header::Unfinished
    }
}

/// The line of four ^A that MMDF puts before and after each message; its length.
fn mmdf_line(bytes: &[u8]) -> Option<usize> {
    match bytes.strip_prefix(MMDF)? {
        [b'\r', b'\n', ..] => Some(6),
        [b'\n', ..] => Some(5),
        [] => Some(4),
        _ => None,
    }
}

const MMDF: &[u8] = b"\x01\x01\x01\x01";

fn read_mmdf(source: &Source, out: &mut Out) -> Result<Outcome, Stop> {
    let finder = memmem::Finder::new(MMDF);
    let mut window = vec![0; WINDOW as usize + 8];
    // Where the message begins, while one is open.
    let mut open: Option<u64> = None;
    let mut done = 0;
    let mut from = 0;
    let mut outcome = Outcome::PARSED;
    while done < source.len() {
        let base = done.saturating_sub(1);
        let n = source.read_at(&mut window, base);
        let bytes = window.get(..n).unwrap_or(&[]);
        let end = source.len().min(done + WINDOW);
        out.spend(end - done)?;
        for found in finder.find_iter(bytes) {
            let at = base + found as u64;
            let starts_line = at == 0 || found.checked_sub(1).and_then(|i| bytes.get(i)) == Some(&b'\n');
            let line = bytes.get(found..).and_then(mmdf_line).filter(|_| starts_line);
            let Some(line) = line.filter(|_| at >= from && at < end) else { continue };
            if let Some(start) = open.take() {
                mmdf_message(start, at, source, out)?;
            } else {
                if at > from {
                    outcome = Outcome::partial(Reason::Damaged);
                    out.defect("between-messages", Some(from), "bytes between two messages")?;
                }
                open = Some(at + line as u64);
            }
            from = at + line as u64;
            out.covers(at..from)?;
        }
        done = end;
    }
    if let Some(start) = open {
        mmdf_message(start, source.len(), source, out)?;
        out.defect("truncated", Some(source.len()), "no line of ^A after the last message")?;
        return Ok(Outcome::partial(Reason::Truncated));
    }
    if from < source.len() {
        outcome = Outcome::partial(Reason::Damaged);
        out.defect("between-messages", Some(from), "bytes after the last message")?;
    }
    Ok(outcome)
}

/// A message of an MMDF mailbox; some of them begin with a `From ` line, too.
fn mmdf_message(start: u64, end: u64, source: &Source, out: &mut Out) -> Result<(), Stop> {
    let head = source.take(start..end.min(start + LOOK as u64));
    let from = FromLine::parse(&head, b'\n').map_or(0, |line| line.len as u64);
    out.covers(start..start + from)?;
    out.child_stored(Child {
        name: Vec::new(),
        naming: Naming::Message,
        media_type: "message/rfc822".to_owned(),
        stored: Some(start + from..end),
        coding: Coding::Identity,
        declared: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        protocol::{ChildContent, Reading},
        testing::read,
    };

    const DATE: &str = "Mon Jan  1 00:00:00 2001";

    /// The messages of a mailbox, after a check that nothing else is left but what the outcome tells.
    fn messages(bytes: &[u8]) -> (Vec<&[u8]>, Reading<Vec<u8>>) {
        let reading = read(bytes, "x.mbox", "");
        let gaps = reading.gaps(bytes.len() as u64).unwrap();
        assert_eq!(gaps.is_empty(), reading.outcome == Outcome::PARSED, "{gaps:?}");
        let range = |child: &Child| {
            let range = child.stored.clone().unwrap();
            &bytes[range.start as usize..range.end as usize]
        };
        let found = reading.children.iter().map(|(child, content)| {
            assert_eq!(*content, ChildContent::Stored);
            range(child)
        });
        (found.collect(), reading)
    }

    fn kinds(reading: &Reading<Vec<u8>>) -> Vec<&str> {
        let defects = reading.facts.iter().filter_map(|fact| match fact {
            tamis_model::tables::Fact::Defect(defect) => Some(defect.kind.as_str()),
            _ => None,
        });
        defects.collect()
    }

    #[test]
    fn dialects() {
        let a = "Subject: a\n\nbody\n";
        for (name, mailbox, expected, defects) in [
            ("one", format!("From a@b {DATE}\n{a}"), vec![a], vec![]),
            ("no end of line", format!("From a@b {DATE}\nA: b\n\nc"), vec!["A: b\n\nc"], vec![]),
            ("two", format!("From a@b {DATE}\n{a}\nFrom c@d {DATE}\n{a}\n"), vec![a, a], vec![]),
            ("bom, blank lines", format!("\u{feff}\n\nFrom a@b {DATE}\n{a}"), vec![a], vec![]),
            ("crlf", "From - Mon Jan 01 00:00:00 2001\r\nA: b\r\n\r\nc\r\n\r\nFrom - Mon Jan 01 00:00:00 2001\r\nA: d\r\n\r\n\r\n".into(),
                vec!["A: b\r\n\r\nc\r\n", "A: d\r\n\r\n"], vec![]),
            ("cr", format!("From a {DATE}\rA: b\r\rc\r\rFrom b {DATE}\rA: d\r\re\r"), vec!["A: b\r\rc\r", "A: d\r\re\r"], vec![]),
            ("escaped", format!("From a@b {DATE}\nA: b\n\n>From x {DATE}\nB: c\n\n>>From y\n"),
                vec!["A: b\n\n>From x Mon Jan  1 00:00:00 2001\nB: c\n\n>>From y\n"], vec![]),
            ("takeout", format!("From 1234@xxx Mon Jan 01 00:00:00 +0000 2001\n{a}\nFrom 99@xxx Tue Jan 02 00:00:00 +0000 2001\n{a}"), vec![a, a], vec![]),
            ("thunderbird without a date", format!("From - \n{a}\nFrom -\n{a}"), vec![a, a], vec![]),
            ("no date", format!("From a@b\n{a}\nFrom MAILER-DAEMON\n{a}"), vec![a, a], vec![]),
            ("mailer daemon", format!("From MAILER-DAEMON Mon Jan  1 00:00:00 2001\n{a}"), vec![a], vec![]),
            ("eudora", format!("From ???@??? {DATE}\n{a}"), vec![a], vec![]),
            ("pipermail", format!("From a at b.org  {DATE}\nFrom: a at b.org\n\nc\n\nFrom d at e  {DATE}\n{a}"), vec!["From: a at b.org\n\nc\n", a], vec![]),
            ("uucp", format!("From a!b {DATE} remote from x\n>From c\n{a}"), vec![">From c\nSubject: a\n\nbody\n"], vec![]),
            ("zone, rfc 822 order, iso", format!("From a {} EST 2001\n{a}\nFrom b Mon, 1 Jan 2001 00:00:00 +0100\n{a}\nFrom c 2001-01-01 00:00:00\n{a}", &DATE[..19]), vec![a, a, a], vec![]),
            ("no header", format!("From a {DATE}\n\nbody\n\nFrom b {DATE}\n{a}"), vec!["\nbody\n", a], vec![]),
            ("empty messages", format!("From a {DATE}\n\nFrom b {DATE}\n"), vec!["", ""], vec![]),
            ("no blank line", format!("From a {DATE}\nA: b\n\nc\nFrom d {DATE}\nA: b\nB: c\n\n"), vec!["A: b\n\nc\n", "A: b\nB: c\n"], vec!["no-blank-line"]),
        ] {
            let (found, reading) = messages(mailbox.as_bytes());
            let expected: Vec<&[u8]> = expected.iter().map(|text| text.as_bytes()).collect();
            assert_eq!(found, expected, "{name}");
            assert_eq!(kinds(&reading), defects, "{name}");
            assert_eq!(reading.reader.as_deref(), Some("mbox/1"), "{name}");
        }
    }

    #[test]
    fn lines_of_prose_do_not_separate() {
        for line in [
            "From the desk of Bob",
            "From the desk of Bob\nSubject: x\nDate: y",
            "From Monday, January 5 2009 we will be closed",
            "From 10:30 on Monday 5 January 2009 the office is closed",
            "From Paris\nTo: London",
            "From bob@example.com we heard nothing",
            "From bob@example.com\nhttp://example.com",
            "From",
            "From ",
            "From: a@b\nTo: c@d",
            " From a Mon Jan  1 00:00:00 2001\nA: b\nC: d",
        ] {
            let mailbox = format!("From a@b {DATE}\nA: b\n\ntext\n\n{line}\nmore\n");
            assert_eq!(messages(mailbox.as_bytes()).0.len(), 1, "{line}");
        }
        let mid = format!("From a@b {DATE}\nA: b\n\nAs he wrote:\nFrom c@d {DATE}\nthen: more\n");
        assert_eq!(messages(mid.as_bytes()).0.len(), 1);
    }

    #[test]
    fn declared_lengths_that_fit_keep_bodies_whole() {
        let body = format!("x\n\nFrom c@d {DATE}\nA: b\n\ny\n");
        let n = body.len();
        let whole = format!("Content-Length: {n}\n\n{body}");
        for (name, declared, end, count) in [
            ("to the end", n, "".to_owned(), 1),
            ("to a blank line and the end", n, "\n".to_owned(), 1),
            ("to a From line", n, format!("From e@f {DATE}\nA: b\n\n"), 2),
            ("to a blank line and a From line", n, format!("\nFrom e@f {DATE}\nA: b\n\n"), 2),
            ("too short", n - 1, "".to_owned(), 2),
            ("too long", n + 9, format!("\nFrom e@f {DATE}\nA: b\n\n"), 3),
            ("beyond the end", usize::MAX, "".to_owned(), 2),
            ("into the middle of a line", n + 1, format!("zFrom e@f {DATE}\nA: b\n\n"), 2),
        ] {
            let mailbox = format!("From a@b {DATE}\ncontent-length: {declared}\n\n{body}{end}");
            let (found, reading) = messages(mailbox.as_bytes());
            assert_eq!(found.len(), count, "{name}");
            let trusted = kinds(&reading).contains(&"from-line-in-body");
            assert_eq!(trusted, declared == n, "{name}");
            if trusted {
                assert!(found[0].eq_ignore_ascii_case(whole.as_bytes()), "{name}");
            }
        }
    }

    #[test]
    fn junk_before_the_first_message_is_a_gap() {
        let mailbox = format!("junk\n\nFrom a@b {DATE}\nA: b\n\n");
        let (found, reading) = messages(mailbox.as_bytes());
        assert_eq!(found, [b"A: b\n"]);
        assert_eq!(reading.outcome, Outcome::partial(Reason::Damaged));
        assert_eq!(reading.gaps(mailbox.len() as u64).unwrap().as_slice(), std::slice::from_ref(&(0..6)));
    }

    #[test]
    fn mmdf() {
        let mailbox = format!(
            "\x01\x01\x01\x01\nA: b\n\nc \x01\x01\x01\x01\n\x01\x01\x01\x01\n\x01\x01\x01\x01\nFrom x {DATE}\nA: d\n\n\x01\x01\x01\x01\n"
        );
        let (found, reading) = messages(mailbox.as_bytes());
        assert_eq!(found, [b"A: b\n\nc \x01\x01\x01\x01\n".as_slice(), b"A: d\n\n"]);
        assert_eq!(reading.outcome, Outcome::PARSED);
    }

    #[test]
    fn windows_hide_no_separator() {
        // Separators at every offset around the end of a window, and lines as long as the window.
        let separator = format!("\nFrom c@d {DATE}\nA: b\n\n");
        for shift in 0..separator.len() + 4 {
            let mut mailbox = format!("From a@b {DATE}\nA: b\n\n").into_bytes();
            mailbox.resize((1 << 20) - shift, b'x');
            mailbox.push(b'\n');
            mailbox.extend_from_slice(separator.as_bytes());
            let first = mailbox.len();
            mailbox.resize(first + (1 << 20) + 7, b'y');
            mailbox.push(b'\n');
            mailbox.extend_from_slice(separator.as_bytes());
            assert_eq!(messages(&mailbox).0.len(), 3, "{shift}");
        }
    }

    #[test]
    fn claims_need_more_than_a_word() {
        for (head, claim) in [
            (format!("From a@b {DATE}\nReceived: x\n"), Claim::Sure),
            (format!("From a@b {DATE}"), Claim::Sure),
            (format!("From a@b {DATE}\nHello\n"), Claim::Likely),
            ("From - \nX-Mozilla-Status: 0001\n".into(), Claim::Sure),
            ("From my point of view\nA: b\n".into(), Claim::No),
            ("From: a@b\nTo: c\n".into(), Claim::No),
            ("".into(), Claim::No),
        ] {
            let look = Look { head: head.as_bytes(), bytes: 1 << 20, hint: &Default::default() };
            assert_eq!(Mbox.claims(&look), claim, "{head}");
        }
    }
}
