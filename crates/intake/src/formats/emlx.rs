//! Messages of Apple Mail: a line with the message's length, the message, a property list with flags.
//! In `.partial.emlx` the attachments are files beside it.

use memchr::{memchr, memmem};
use tamis_model::{Outcome, Reason};

use crate::{
    out::{Child, Coding, Naming, Out, Stop},
    reader::{Claim, Look, Reader, ReaderId, Slice},
    source::Source,
};

/// The reader of Apple Mail's messages.
pub struct Emlx;

impl Reader for Emlx {
    fn id(&self) -> ReaderId {
        ReaderId { name: "emlx", version: 1 }
    }

    fn media_type(&self) -> &'static str {
        "application/x-emlx"
    }

    fn claims(&self, look: &Look) -> Claim {
        let Some(count) = Count::read(look.head) else { return Claim::No };
        if !is_field(look.head.get(count.start..).unwrap_or(&[])) {
            return Claim::No;
        }
        if look.hint.extension == "emlx" {
            return Claim::Likely;
        }
        let after =
            count.end().and_then(|end| usize::try_from(end).ok()).and_then(|end| look.head.get(end..));
        match (after, count.end()) {
            (Some(after), _) if is_plist(after) => Claim::Sure,
            (None, Some(end)) if end <= look.bytes => Claim::Likely,
            (_, Some(end)) if end == look.bytes => Claim::Likely,
            _ => Claim::No,
        }
    }

    fn read(&self, source: &Source, _slice: Option<Slice>, out: &mut Out) -> Result<Outcome, Stop> {
        let head = source.head();
        let Some(count) = Count::read(&head) else {
            out.defect("byte-count", Some(0), "no length in the first line")?;
            return Ok(Outcome::failed(Reason::Corrupt));
        };
        let start = count.start as u64;
        let (end, outcome) = end_of_message(source, &count, out)?;
        let rest = source.take(end..source.len().min(end + PLIST));
        let structure = is_plist(&rest) || rest.iter().all(u8::is_ascii_whitespace);

        out.covers(0..start)?;
        out.child_stored(Child {
            name: Vec::new(),
            naming: Naming::Same,
            media_type: "message/rfc822".to_owned(),
            stored: Some(start..end),
            coding: Coding::Identity,
            declared: None,
        })?;
        if structure {
            out.covers(end..end + rest.len() as u64)?;
        }
        if !structure || end + PLIST < source.len() {
            out.defect("no-plist", Some(end), "what follows the message is not a property list")?;
            return Ok(Outcome::partial(Reason::Damaged));
        }
        Ok(outcome)
    }
}

/// Longest property list; real ones have about 1 KiB.
const PLIST: u64 = 1 << 20;

/// The first line: digits, and blanks that fill it.
struct Count {
    bytes: u64,
    /// Where the message begins.
    start: usize,
}

impl Count {
    fn read(head: &[u8]) -> Option<Count> {
        let line = head.get(..head.len().min(32))?;
        let end = memchr(b'\n', line)?;
        let digits = std::str::from_utf8(line.get(..end)?).ok()?.trim_end();
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten().map(|bytes| Count { bytes, start: end + 1 })
    }

    fn end(&self) -> Option<u64> {
        self.bytes.checked_add(self.start as u64)
    }
}

/// Where the message ends: as declared, where a property list or nothing follows; else where the
/// property list begins that ends the file; else as declared or with the file.
fn end_of_message(source: &Source, count: &Count, out: &mut Out) -> Result<(u64, Outcome), Stop> {
    let len = source.len();
    let declared = count.end().unwrap_or(u64::MAX);
    let next = source.take(declared..declared.saturating_add(64));
    if declared <= len && (is_plist(&next) || next.iter().all(u8::is_ascii_whitespace)) {
        return Ok((declared, Outcome::PARSED));
    }
    let note = format!("{} bytes are declared", count.bytes);
    out.defect("byte-count", Some(0), &note)?;
    let tail_at = len.saturating_sub(64 << 10).max(count.start as u64);
    let tail = source.take(tail_at..len);
    out.spend(tail.len() as u64)?;
    let plist = memmem::rfind_iter(&tail, b"<?xml").find(|at| tail.get(*at..).is_some_and(is_plist));
    Ok(match plist {
        Some(at) => (tail_at + at as u64, Outcome::partial(Reason::Damaged)),
        None if declared > len => (len, Outcome::partial(Reason::Truncated)),
        None => (declared, Outcome::partial(Reason::Damaged)),
    })
}

fn is_plist(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    let head = text.get(..text.len().min(256)).unwrap_or(text);
    text.starts_with(b"<?xml") && (head.len() < 64 || memmem::find(head, b"plist").is_some())
}

/// Whether a header field begins here, by the names that mail has: a letter, then letters, digits, `-`.
fn is_field(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(128)).unwrap_or(bytes);
    memchr(b':', head).is_some_and(|colon| {
        head.first().is_some_and(u8::is_ascii_alphabetic)
            && head.iter().take(colon).all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;

    const PLIST_TEXT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\">\n<plist version=\"1.0\"/>\n";

    #[test]
    fn counts() {
        let mail = "Subject: a\n\nb\n";
        for (name, file, outcome, gaps) in [
            ("right", format!("{}        \n{mail}{PLIST_TEXT}", mail.len()), Outcome::PARSED, 0),
            ("no plist", format!("{}\n{mail}", mail.len()), Outcome::PARSED, 0),
            ("too small", format!("3\n{mail}{PLIST_TEXT}"), Outcome::partial(Reason::Damaged), 0),
            ("too large", format!("99\n{mail}{PLIST_TEXT}"), Outcome::partial(Reason::Damaged), 0),
            ("beyond the end", format!("99999\n{mail}{PLIST_TEXT}"), Outcome::partial(Reason::Damaged), 0),
            ("truncated", format!("99\n{mail}"), Outcome::partial(Reason::Truncated), 0),
            ("beyond all", format!("18446744073709551615\n{mail}"), Outcome::partial(Reason::Truncated), 0),
        ] {
            let reading = read(file.as_bytes(), "1.emlx", "");
            assert_eq!(reading.reader.as_deref(), Some("emlx/1"), "{name}");
            assert_eq!(reading.outcome, outcome, "{name}");
            let stored = reading.children[0].0.stored.clone().unwrap();
            assert_eq!(&file[stored.start as usize..stored.end as usize], mail, "{name}");
            assert_eq!(reading.gaps(file.len() as u64).unwrap().len(), gaps, "{name}");
        }
    }

    #[test]
    fn what_follows_must_be_a_plist() {
        let file = "12\nSubject: a\n\nlost";
        let reading = read(file.as_bytes(), "1.emlx", "");
        assert_eq!(reading.outcome, Outcome::partial(Reason::Damaged));
        assert_eq!(reading.gaps(file.len() as u64).unwrap().as_slice(), std::slice::from_ref(&(15..19)));
    }

    #[test]
    fn numbers_alone_are_no_mail() {
        for file in
            ["12\n13\n14\n", "12", "12\n", "2024\nnothing here", "1\n00:00:20,000 --> 00:00:24,400\nHello\n"]
        {
            assert_ne!(read(file.as_bytes(), "1.emlx", "").reader.as_deref(), Some("emlx/1"), "{file}");
        }
    }
}
