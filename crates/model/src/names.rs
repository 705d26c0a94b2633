//! Raw names of a dump as text for people: escaped, never a path to open.

use std::fmt::Write;

/// A raw name as text in which `%`, `!`, `#`, control and bidirectional characters, line separators
/// and bytes that are not UTF-8 stand as `%XX`. The result is unique per raw name and safe to print.
pub fn escape(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_hidden(c) || matches!(c, '%' | '!' | '#') {
                percent(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(c);
            }
        }
        percent(&mut text, chunk.invalid());
    }
    text
}

/// Text from a dump, made safe for a terminal: control and bidirectional characters as `%XX`, line
/// breaks and tabs as a space. Unlike [`escape`] it is for reading, not for telling names apart.
pub fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => safe.push(' '),
            c if is_hidden(c) => percent(&mut safe, c.encode_utf8(&mut [0; 4]).as_bytes()),
            c => safe.push(c),
        }
    }
    safe
}

/// Control characters (C0, C1, DEL), bidirectional controls, line and paragraph separators, and the
/// byte order mark: they move the cursor or reorder what is beside them.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn percent(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "%{byte:02X}");
    }
}

/// The step of a path that leads to a child of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A named member: `!name`.
    Named(&'a [u8]),
    /// The n-th message of a mail store, from 0: `#n`.
    Message(u64),
    /// A child without a name, or with one already used in its parent: `!ordinal:name`.
    Ordinal(u64, &'a [u8]),
    /// The one thing inside a wrapper (gzip, emlx): the same path.
    Same,
}

impl Step<'_> {
    /// The path of the child below `parent`.
    pub fn below(self, parent: &str) -> String {
        match self {
            Step::Named(name) => format!("{parent}!{}", escape(name)),
            Step::Message(n) => format!("{parent}#{n}"),
            Step::Ordinal(n, name) => format!("{parent}!{n}:{}", escape(name)),
            Step::Same => parent.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_escaped() {
        for (raw, shown) in [
            (b"facture.zip".as_slice(), "facture.zip"),
            ("caf\u{e9}/\u{1f4c4}".as_bytes(), "café/📄"),
            (b"100% #1!", "100%25 %231%21"),
            (b"\x1b[31mred", "%1B[31mred"),
            (b"caf\xe9", "caf%E9"),
            ("gpj.\u{202e}exe".as_bytes(), "gpj.%E2%80%AEexe"),
            (b"a\0b\n", "a%00b%0A"),
            (b"../../etc/passwd", "../../etc/passwd"),
        ] {
            assert_eq!(escape(raw), shown);
        }
    }

    #[test]
    fn steps() {
        assert_eq!(Step::Named(b"n!.docx").below("a.mbox#3"), "a.mbox#3!n%21.docx");
        assert_eq!(Step::Ordinal(2, b"").below("a"), "a!2:");
        assert_eq!(Step::Same.below("a.gz"), "a.gz");
    }
}
