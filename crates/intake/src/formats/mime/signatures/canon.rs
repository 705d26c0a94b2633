//! Canonical forms and what is hashed over them (RFC 6376 §3.4, RFC 4870 §3.4.2, the drafts before):
//! header fields whole, bodies piece by piece, in whatever pieces they come.

use aws_lc_rs::digest;

use crate::formats::mime::header::Eol;

/// A hash algorithm of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Algorithm {
    Sha1,
    Sha256,
}

impl Algorithm {
    /// The word of the column `digests.hash`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Algorithm::Sha1 => "sha1",
            Algorithm::Sha256 => "sha256",
        }
    }

    /// An empty hash.
    pub(super) fn hash(self) -> Hash {
        Hash(digest::Context::new(match self {
            Algorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => &digest::SHA256,
        }))
    }

    /// The digest of `bytes`.
    pub(super) fn of(self, bytes: &[u8]) -> Vec<u8> {
        let mut hash = self.hash();
        hash.update(bytes);
        hash.digest()
    }
}

/// A hash that is being computed.
#[derive(Clone)]
pub(super) struct Hash(digest::Context);

impl Hash {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn digest(self) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
    }
}

/// How a header field becomes canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HeaderForm {
    Simple,
    Relaxed,
    /// All white space gone (the first drafts).
    Nowsp,
    /// All white space gone, the name as it stands (DomainKeys).
    Nofws,
}

impl HeaderForm {
    /// Appends a field (name, colon and value, without its final line break) in this form, with a CRLF.
    /// Only line breaks become CRLF; a lone CR is data.
    pub(super) fn append(self, field: &[u8], eol: Eol, to: &mut Vec<u8>) {
        let colon = memchr::memchr(b':', field).unwrap_or(field.len());
        let (name, value) = field.split_at(colon);
        let value = value.get(1..).unwrap_or_default();
        match self {
            HeaderForm::Simple => pieces(field, eol, |piece, ended| {
                to.extend_from_slice(piece);
                if ended {
                    to.extend_from_slice(b"\r\n");
                }
            }),
            HeaderForm::Relaxed => {
                to.extend(name.trim_ascii_end().iter().map(u8::to_ascii_lowercase));
                to.push(b':');
                relaxed(value, eol, to);
            }
            HeaderForm::Nowsp => {
                to.extend(name.iter().filter(|b| !is_any_space(b)).map(u8::to_ascii_lowercase));
                to.push(b':');
                to.extend(value.iter().filter(|b| !is_any_space(b)));
            }
            HeaderForm::Nofws => to.extend(field.iter().filter(|b| !is_any_space(b))),
        }
        to.extend_from_slice(b"\r\n");
    }
}

fn is_any_space(byte: &&u8) -> bool {
    super::tags::is_space(byte)
}

/// A value unfolded, runs of white space as one space, none at its ends.
fn relaxed(value: &[u8], eol: Eol, to: &mut Vec<u8>) {
    let start = to.len();
    let mut space = false;
    pieces(value, eol, |piece, _| {
        for byte in piece {
            if matches!(byte, b' ' | b'\t') {
                space = true;
                continue;
            }
            if std::mem::take(&mut space) && to.len() > start {
                to.push(b' ');
            }
            to.push(*byte);
        }
    });
}

/// The lines of `bytes` without their breaks, and whether each has one.
fn pieces(bytes: &[u8], eol: Eol, mut take: impl FnMut(&[u8], bool)) {
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(eol.byte(), rest) {
        let (line, after) = rest.split_at(at);
        take(if eol == Eol::Lf { line.strip_suffix(b"\r").unwrap_or(line) } else { line }, true);
        rest = after.get(1..).unwrap_or_default();
    }
    take(rest, false);
}

/// How a body becomes canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BodyForm {
    Simple,
    Relaxed,
    /// All white space gone (the first drafts).
    Nowsp,
    /// As it is, without empty lines at its end; nothing at all where it is empty (DomainKeys).
    Plain,
    /// The same with white space gone from each line (DomainKeys).
    Nofws,
}

/// Takes a text in pieces of lines.
pub(super) trait Lines {
    /// A piece of a line, not empty, without line break.
    fn text(&mut self, piece: &[u8]);
    /// A line ends.
    fn line_break(&mut self);
}

/// Cuts bytes into lines, in whatever pieces they come: LF and CRLF end a line (or a lone CR, where the
/// message has no others), and nothing else does.
pub(super) struct Splitter {
    eol: Eol,
    /// A CR at the end of the last piece, which may belong to a line break.
    cr: bool,
}

impl Splitter {
    pub(super) fn new(eol: Eol) -> Splitter {
        Splitter { eol, cr: false }
    }

    /// Takes a piece.
    pub(super) fn feed(&mut self, bytes: &[u8], to: &mut dyn Lines) {
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(self.eol.byte(), rest) {
            let (line, after) = rest.split_at(at);
            rest = after.get(1..).unwrap_or_default();
            let held = std::mem::take(&mut self.cr);
            let content = if self.eol == Eol::Lf { line.strip_suffix(b"\r") } else { None };
            if held && !line.is_empty() {
                to.text(b"\r");
            }
            let content = content.unwrap_or(line);
            if !content.is_empty() {
                to.text(content);
            }
            to.line_break();
        }
        if rest.is_empty() {
            return;
        }
        if std::mem::take(&mut self.cr) {
            to.text(b"\r");
        }
        let mut content = rest;
        if self.eol == Eol::Lf
            && let Some(before) = rest.strip_suffix(b"\r")
        {
            (content, self.cr) = (before, true);
        }
        if !content.is_empty() {
            to.text(content);
        }
    }

    /// Takes the end.
    pub(super) fn end(&mut self, to: &mut dyn Lines) {
        if std::mem::take(&mut self.cr) {
            to.text(b"\r");
        }
    }
}

/// Bytes of canonical body that are gathered before they are hashed.
const GATHER: usize = 16 << 10;

/// A body on its way to its canonical form. What is ready is in `ready`, to be drained by the caller.
pub(super) struct Canon {
    form: BodyForm,
    pub ready: Vec<u8>,
    /// Line breaks that count only if something follows.
    breaks: u64,
    /// White space that counts only if something follows in its line.
    space: bool,
    /// Something was written.
    begun: bool,
}

impl Canon {
    pub(super) fn new(form: BodyForm) -> Canon {
        Canon { form, ready: Vec::with_capacity(GATHER * 2), breaks: 0, space: false, begun: false }
    }

    /// Whether enough is ready to be hashed.
    pub(super) fn is_full(&self) -> bool {
        self.ready.len() >= GATHER
    }

    /// A piece of a line. Line breaks before it that were held back: at most `GATHER` are made ready at a
    /// time, and `false` says that the caller must drain `ready` and call again.
    pub(super) fn text(&mut self, piece: &[u8]) -> bool {
        match self.form {
            BodyForm::Nowsp => {
                self.ready.extend(piece.iter().filter(|b| !matches!(b, b' ' | b'\t' | b'\r')));
                self.begun |= !self.ready.is_empty();
                true
            }
            BodyForm::Simple | BodyForm::Plain => self.flush_breaks() && self.push(piece),
            BodyForm::Nofws => {
                let mut kept = piece.iter().filter(|b| !matches!(b, b' ' | b'\t')).peekable();
                if kept.peek().is_none() {
                    return true;
                }
                if !self.flush_breaks() {
                    return false;
                }
                self.ready.extend(kept);
                self.begun = true;
                true
            }
            BodyForm::Relaxed => self.relaxed(piece),
        }
    }

    fn push(&mut self, piece: &[u8]) -> bool {
        self.begun = true;
        self.ready.extend_from_slice(piece);
        true
    }

    fn flush_breaks(&mut self) -> bool {
        let now = self.breaks.min(GATHER as u64);
        self.breaks -= now;
        (0..now).for_each(|_| self.ready.extend_from_slice(b"\r\n"));
        self.breaks == 0
    }

    fn relaxed(&mut self, piece: &[u8]) -> bool {
        let mut rest = piece;
        loop {
            let spaces = rest.iter().take_while(|b| is_blank(b)).count();
            rest = rest.get(spaces..).unwrap_or_default();
            if rest.is_empty() {
                self.space |= spaces > 0;
                return true;
            }
            // Breaks are held back only at the beginning of a line, where nothing was taken of the piece.
            if !self.flush_breaks() {
                return false;
            }
            self.begun = true;
            if std::mem::take(&mut self.space) || spaces > 0 {
                self.ready.push(b' ');
            }
            let plain = plain_prefix(rest);
            let (now, later) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
            self.ready.extend_from_slice(now);
            rest = later;
            if rest.is_empty() {
                return true;
            }
        }
    }

    /// A line ends.
    pub(super) fn line_break(&mut self) {
        self.space = false;
        self.breaks += 1;
    }

    /// The body ends.
    pub(super) fn end(&mut self) {
        let closes = match self.form {
            BodyForm::Simple => true,
            BodyForm::Relaxed | BodyForm::Plain | BodyForm::Nofws => self.begun,
            BodyForm::Nowsp => false,
        };
        if closes {
            self.ready.extend_from_slice(b"\r\n");
        }
    }
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// How much of a piece that begins with no white space stands in the canonical form as it is: up to white
/// space that is not one space, or at the end of the piece.
fn plain_prefix(piece: &[u8]) -> usize {
    let next = piece.iter().skip(1);
    // Most lines need no care, and that is told without a branch a byte.
    let odd = piece
        .iter()
        .zip(next)
        .fold(0u8, |odd, (a, b)| odd | u8::from(*a == b'\t') | (u8::from(*a == b' ') & u8::from(*b == b' ')));
    let ends_blank = piece.last().is_some_and(is_blank);
    if odd == 0 && !ends_blank {
        return piece.len();
    }
    let cut = piece.windows(2).position(|pair| match pair {
        [b'\t', _] => true,
        [b' ', next] => is_blank(next),
        _ => false,
    });
    cut.unwrap_or(piece.len() - usize::from(ends_blank))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The canonical form of a body that comes in pieces of `step` bytes.
    pub(in super::super) fn canonical(form: BodyForm, body: &[u8], eol: Eol, step: usize) -> Vec<u8> {
        struct One(Canon, Vec<u8>);
        impl One {
            fn drain(&mut self) {
                self.1.append(&mut self.0.ready);
            }
        }
        impl Lines for One {
            fn text(&mut self, piece: &[u8]) {
                while !self.0.text(piece) {
                    self.drain();
                }
                self.drain();
            }
            fn line_break(&mut self) {
                self.0.line_break();
            }
        }
        let mut one = One(Canon::new(form), Vec::new());
        let mut splitter = Splitter::new(eol);
        body.chunks(step.max(1)).for_each(|piece| splitter.feed(piece, &mut one));
        splitter.end(&mut one);
        one.0.end();
        one.drain();
        one.1
    }

    #[test]
    fn headers() {
        let cases: &[(&str, [&str; 4])] = &[
            ("A: X", ["A: X", "a:X", "a:X", "A:X"]),
            ("SUBject : a  b \t c ", ["SUBject : a  b \t c ", "subject:a b c", "subject:abc", "SUBject:abc"]),
            ("B:\r\n x\r\n\ty", ["B:\r\n x\r\n\ty", "b:x y", "b:xy", "B:xy"]),
            ("C:x\r\n y", ["C:x\r\n y", "c:x y", "c:xy", "C:xy"]),
            ("D:", ["D:", "d:", "d:", "D:"]),
            ("E: \r\n ", ["E: \r\n ", "e:", "e:", "E:"]),
            ("F: a:b", ["F: a:b", "f:a:b", "f:a:b", "F:a:b"]),
            // A lone CR is no line break and no white space.
            ("G: a\rb", ["G: a\rb", "g:a\rb", "g:ab", "G:ab"]),
        ];
        for (field, expect) in cases {
            for (form, expect) in
                [HeaderForm::Simple, HeaderForm::Relaxed, HeaderForm::Nowsp, HeaderForm::Nofws]
                    .iter()
                    .zip(expect)
            {
                let mut got = Vec::new();
                form.append(field.as_bytes(), Eol::Lf, &mut got);
                assert_eq!(String::from_utf8(got).unwrap(), format!("{expect}\r\n"), "{form:?} {field:?}");
                // Stored with LF alone, it is the same.
                let mut got = Vec::new();
                form.append(field.replace("\r\n", "\n").as_bytes(), Eol::Lf, &mut got);
                assert_eq!(String::from_utf8(got).unwrap(), format!("{expect}\r\n"), "{form:?} {field:?}");
            }
        }
    }

    #[test]
    fn bodies() {
        const FORMS: [BodyForm; 5] =
            [BodyForm::Simple, BodyForm::Relaxed, BodyForm::Nowsp, BodyForm::Plain, BodyForm::Nofws];
        let cases: &[(&str, [&str; 5])] = &[
            ("", ["\r\n", "", "", "", ""]),
            ("\r\n\r\n", ["\r\n", "", "", "", ""]),
            (" \r\n", [" \r\n", "", "", " \r\n", ""]),
            ("a", ["a\r\n", "a\r\n", "a", "a\r\n", "a\r\n"]),
            ("a\r\n", ["a\r\n", "a\r\n", "a", "a\r\n", "a\r\n"]),
            ("a\r\n\r\n\r\n", ["a\r\n", "a\r\n", "a", "a\r\n", "a\r\n"]),
            ("a\r\n \r\n", ["a\r\n \r\n", "a\r\n", "a", "a\r\n \r\n", "a\r\n"]),
            (
                " C \r\nD \t E\r\n\r\n\r\n",
                [" C \r\nD \t E\r\n", " C\r\nD E\r\n", "CDE", " C \r\nD \t E\r\n", "C\r\nDE\r\n"],
            ),
            (
                "\r\n\r\na\tb\r\n",
                ["\r\n\r\na\tb\r\n", "\r\n\r\na b\r\n", "ab", "\r\n\r\na\tb\r\n", "\r\n\r\nab\r\n"],
            ),
            ("a\rb\r", ["a\rb\r\r\n", "a\rb\r\r\n", "ab", "a\rb\r\r\n", "a\rb\r\r\n"]),
            ("a\r\r\nb", ["a\r\r\nb\r\n", "a\r\r\nb\r\n", "ab", "a\r\r\nb\r\n", "a\r\r\nb\r\n"]),
            ("a  b   c", ["a  b   c\r\n", "a b c\r\n", "abc", "a  b   c\r\n", "abc\r\n"]),
        ];
        for (body, expect) in cases {
            for (form, expect) in FORMS.iter().zip(expect) {
                for step in [1, 2, 3, 7, 1 << 20] {
                    let got = canonical(*form, body.as_bytes(), Eol::Lf, step);
                    assert_eq!(String::from_utf8(got).unwrap(), *expect, "{form:?} {body:?} {step}");
                }
                let lf = body.replace("\r\n", "\n");
                if !lf.contains("\r\n") {
                    let got = canonical(*form, lf.as_bytes(), Eol::Lf, 5);
                    assert_eq!(String::from_utf8(got).unwrap(), *expect, "{form:?} {body:?} with LF");
                }
                if !lf.contains('\r') {
                    let got = canonical(*form, lf.replace('\n', "\r").as_bytes(), Eol::Cr, 1);
                    assert_eq!(String::from_utf8(got).unwrap(), *expect, "{form:?} {body:?} with CR");
                }
            }
        }
    }

    #[test]
    fn many_breaks_are_held_as_a_number() {
        let body = format!("a{}b", "\n".repeat(100_000));
        let got = canonical(BodyForm::Relaxed, body.as_bytes(), Eol::Lf, 64 << 10);
        assert_eq!(got, format!("a{}b\r\n", "\r\n".repeat(100_000)).into_bytes());
        assert_eq!(canonical(BodyForm::Simple, "\n".repeat(100_000).as_bytes(), Eol::Lf, 999), b"\r\n");
    }

    #[test]
    fn digests_of_nothing() {
        use base64::{Engine, engine::general_purpose::STANDARD};
        for (form, algorithm, expect) in [
            (BodyForm::Simple, Algorithm::Sha1, "uoq1oCgLlTqpdDX/iUbLy7J1Wic="),
            (BodyForm::Simple, Algorithm::Sha256, "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="),
            (BodyForm::Relaxed, Algorithm::Sha1, "2jmj7l5rSw0yVb/vlWAYkK/YBwk="),
            (BodyForm::Relaxed, Algorithm::Sha256, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        ] {
            let digest = algorithm.of(&canonical(form, b"", Eol::Lf, 1));
            assert_eq!(STANDARD.encode(digest), expect);
        }
    }
}
