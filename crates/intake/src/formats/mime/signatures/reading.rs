//! Whether signed bytes can be read in one way only. Content-Type and Content-Transfer-Encoding say how a
//! body is to be read; where they are not signed, anybody may have changed them, and then the body itself
//! has to leave no choice. In doubt it does.

use super::{
    canon::Lines,
    chosen::Fields,
    fields::{Parsed, Scheme},
};
use crate::formats::mime::header;

/// Bytes of a preamble that are looked at; a longer one is text that somebody hides.
const PREAMBLE: usize = 512;
/// Bytes of a delimiter that are kept.
const DELIMITER: usize = 256;
/// Shortest text without a space that may be base64.
const BASE64: u64 = 20;

/// What a body shows of itself, line by line, in the pass that hashes it.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Bytes above 127.
    pub high: bool,
    /// CR that ends no line.
    pub lone_cr: bool,
    /// ESC, or `~{`: the beginning of a text in a 7-bit charset that is not ASCII.
    shifts: bool,
    nul: bool,
    /// `=` that are quoted-printable, and whether others are there.
    escapes: u64,
    plain_equals: bool,
    /// Characters that are base64 or a line break; `None` once there was another.
    base64: Option<u64>,
    /// The first character of text that is no white space.
    first: Option<u8>,
    /// What stands before the first line that begins with two dashes.
    preamble: Vec<u8>,
    preamble_cut: bool,
    /// The first line that begins with two dashes, without white space at its end.
    delimiter: Option<Vec<u8>>,
    closed: bool,
    /// Something stands after the close-delimiter.
    after: bool,
    line: Line,
}

/// The line that is being taken.
#[derive(Debug, Default)]
struct Line {
    head: Vec<u8>,
    cut: bool,
    /// An `=` and what follows it, undecided.
    escape: Vec<u8>,
    tilde: bool,
}

impl Summary {
    pub(super) fn new() -> Summary {
        Summary { base64: Some(0), ..Summary::default() }
    }

    fn equals(&mut self, escape: &[u8]) {
        let is_escape = match escape {
            [b'=', high, low] => {
                let is_hex = |b: &u8| matches!(b, b'0'..=b'9' | b'A'..=b'F');
                is_hex(high) && is_hex(low)
            }
            // A soft line break.
            [b'='] => true,
            _ => false,
        };
        match is_escape {
            true => self.escapes += 1,
            false => self.plain_equals = true,
        }
    }

    fn escapes(&mut self, piece: &[u8]) {
        let mut rest = piece;
        loop {
            if !self.line.escape.is_empty() {
                let room = 3usize.saturating_sub(self.line.escape.len()).min(rest.len());
                let (more, after) = rest.split_at_checked(room).unwrap_or((rest, &[]));
                self.line.escape.extend_from_slice(more);
                rest = after;
                if self.line.escape.len() < 3 {
                    return;
                }
                let escape = std::mem::take(&mut self.line.escape);
                self.equals(&escape);
            }
            let Some(at) = memchr::memchr(b'=', rest) else { return };
            self.line.escape.push(b'=');
            rest = rest.get(at + 1..).unwrap_or_default();
        }
    }

    /// A line is complete, or the body ends with it.
    fn end_line(&mut self, is_end: bool) {
        let mut line = std::mem::take(&mut self.line);
        if !line.escape.is_empty() {
            self.equals(&line.escape);
        }
        if is_end && line.head.is_empty() {
            return;
        }
        let text = line.head.trim_ascii_end();
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
        line.head.clear();
        line.escape.clear();
        self.line = Line { cut: false, tilde: false, ..line };
    }

    /// The body ends.
    pub(super) fn end(&mut self) {
        self.end_line(true);
    }

    /// Whether a multipart with this boundary is the only one that the body can be.
    fn is_multipart(&self, boundary: &str) -> bool {
        let delimiter = self.delimiter.as_deref().and_then(|line| line.strip_prefix(b"--"));
        let is_first =
            delimiter.is_some_and(|line| !line.is_empty() && line == boundary.trim_end().as_bytes());
        is_first && self.closed && !self.after && !self.lone_cr && self.has_customary_preamble()
    }

    /// Whether the body looks like a multipart, whatever it is declared as.
    fn looks_like_parts(&self) -> bool {
        self.closed && !self.after && self.has_customary_preamble()
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

    /// Whether the bytes may as well be the encoded form of others.
    fn may_be_encoded(&self) -> bool {
        let quoted = self.escapes > 0 && !self.plain_equals;
        quoted || self.base64.is_some_and(|characters| characters >= BASE64)
    }

    /// Whether these are characters in every charset that has ASCII in it.
    fn is_ascii(&self) -> bool {
        !self.high && !self.shifts && !self.nul && !self.lone_cr
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
            let is_base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
            self.base64 = piece.iter().all(is_base64).then(|| characters + piece.len() as u64);
        }
        if !self.plain_equals {
            self.escapes(piece);
        }
        if self.first.is_none() {
            self.first = piece.iter().copied().find(|b| !matches!(b, b' ' | b'\t'));
        }
        let wants = self.delimiter.is_none() || self.line.head.len() < DELIMITER;
        if wants {
            let room = DELIMITER.saturating_sub(self.line.head.len());
            self.line.cut |= piece.len() > room;
            self.line.head.extend(piece.iter().take(room));
        } else {
            self.line.cut = true;
        }
    }

    fn line_break(&mut self) {
        self.end_line(false);
    }
}

/// Whether the header can be taken apart in one way only: no line that is no field, on which readers
/// disagree where the body begins, and no CR that some take for a line break.
pub(super) fn is_plain_header(
    bytes: &[u8],
    head: &header::Block,
    end: header::End,
    eol: header::Eol,
) -> bool {
    let before = bytes.get(..head.body).unwrap_or_default();
    let has_lone_cr = eol == header::Eol::Lf
        && memchr::memchr_iter(b'\r', before).any(|at| before.get(at + 1).is_some_and(|next| *next != b'\n'));
    let has_odd_line = head.fields.iter().any(|field| field.name.is_empty())
        || head.other.iter().any(|(kind, range)| *kind != "mbox-from-line" || range.start > 0);
    !has_lone_cr && !has_odd_line && end != header::End::NoBlank
}

/// Whether what a signature covers can be read in one way only.
pub(super) fn one_reading(fields: &Fields, parsed: &Parsed, own: usize, body: &Summary) -> bool {
    let signed = |name: &str| {
        let may_be_absent = matches!(parsed.scheme, Scheme::Apart | Scheme::Together);
        match fields.covered(parsed, own, name) {
            // Signed as absent: one that was there would have broken the signature.
            (_, 0) => Some(may_be_absent && parsed.row.signed_headers.iter().any(|listed| listed == name)),
            (covered, 1) => Some(covered == 1),
            _ => None,
        }
    };
    let signed_type = signed("content-type");
    let signed_coding = signed("content-transfer-encoding");
    let (Some(is_type_signed), Some(is_coding_signed)) = (signed_type, signed_coding) else {
        return false;
    };
    if is_type_signed && is_coding_signed {
        return true;
    }
    let declared = match fields.first("content-type") {
        None => Some(Declared { media_type: "text/plain".to_owned(), parameters: Vec::new() }),
        Some(value) => Declared::parse(&value),
    };
    let coding = fields.first("content-transfer-encoding");
    let is_identity = coding.is_none_or(|word| {
        [b"7bit".as_slice(), b"8bit", b"binary"].iter().any(|known| word.eq_ignore_ascii_case(known))
    });
    let Some(declared) = declared else { return false };
    if declared.is_multipart() {
        let kind = declared.media_type.strip_prefix("multipart/").unwrap_or_default();
        let is_shown = ["mixed", "alternative", "related", "report", "signed"].contains(&kind);
        let boundary = declared.get("boundary");
        // A multipart is never encoded itself (RFC 2045 §6.4); which parts it has, its boundary says.
        return is_identity
            && match is_type_signed {
                true => boundary.is_some(),
                false => is_shown && boundary.is_some_and(|boundary| body.is_multipart(boundary)),
            };
    }
    if !is_identity || body.may_be_encoded() {
        return false;
    }
    if is_type_signed {
        return true;
    }
    let is_ascii = declared.get("charset").is_none_or(has_ascii) && body.is_ascii();
    is_ascii
        && match declared.media_type.as_str() {
            "text/plain" => body.first != Some(b'<') && !body.looks_like_parts(),
            // As text it would begin with markup.
            "text/html" => body.first == Some(b'<'),
            _ => false,
        }
}

/// Whether a charset has ASCII where ASCII has it.
fn has_ascii(label: &str) -> bool {
    encoding_rs::Encoding::for_label(label.as_bytes()).is_some_and(|encoding| encoding.is_ascii_compatible())
}

/// A Content-Type that nobody reads in another way: no comments, no escapes, each parameter once.
#[derive(Debug, PartialEq, Eq)]
struct Declared {
    media_type: String,
    parameters: Vec<(String, String)>,
}

impl Declared {
    fn parse(value: &[u8]) -> Option<Declared> {
        let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii() && text.len() < 4096)?;
        let (media_type, mut rest) = text.split_once(';').unwrap_or((text, ""));
        let media_type = media_type.trim().to_ascii_lowercase();
        let (kind, sub) = media_type.split_once('/')?;
        if !is_token(kind) || !is_token(sub) {
            return None;
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        loop {
            rest = rest.trim_ascii_start();
            if rest.is_empty() {
                return Some(Declared { media_type, parameters });
            }
            let (name, after) = rest.split_once('=')?;
            let name = name.trim_ascii().to_ascii_lowercase();
            let after = after.trim_ascii_start();
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').filter(|(value, _)| !value.contains('\\'))?,
                None => {
                    let bare = after.split_at_checked(after.find(';').unwrap_or(after.len()))?;
                    Some(bare).filter(|(value, _)| !value.contains(['"', '(', ')']))?
                }
            };
            let value = value.trim_ascii_end();
            let is_bare_token = after.is_empty() || after.trim_ascii_start().starts_with(';');
            let is_value = !value.is_empty() && !value.contains("=?");
            if !is_token(&name) || name.contains('*') || !is_bare_token || !is_value {
                return None;
            }
            if parameters.len() > 32 || parameters.iter().any(|(known, _)| *known == name) {
                return None;
            }
            parameters.push((name, value.to_owned()));
            rest = after.trim_ascii_start().strip_prefix(';').unwrap_or("");
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn is_multipart(&self) -> bool {
        self.media_type.starts_with("multipart/")
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::{super::fields::Kind, *};
    use crate::formats::mime::header::Eol;

    /// `h` names what is signed of a message of these MIME fields and this body.
    fn reading(h: &str, mime: &str, body: &str, step: usize) -> bool {
        let head = format!("DKIM-Signature: v=1\nFrom: a@x.example\n{mime}");
        let (block, _) = header::scan(head.as_bytes(), Eol::Lf, true).unwrap();
        let fields = Fields::new(head.as_bytes(), &block.fields, Eol::Lf);
        let signature = format!("v=1; a=rsa-sha256; d=x; s=s; h=from:{h}; bh=AA==; b=AAAA");
        let parsed = Parsed::new(Kind::Dkim, signature.as_bytes());
        let mut summary = Summary::new();
        let mut splitter = super::super::canon::Splitter::new(Eol::Lf);
        body.as_bytes().chunks(step).for_each(|piece| splitter.feed(piece, &mut summary));
        splitter.end(&mut summary);
        summary.end();
        one_reading(&fields, &parsed, 0, &summary)
    }

    #[test]
    fn readings() {
        const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\n";
        const PLAIN: &str = "Content-Type: text/plain; charset=utf-8\n";
        const HTML: &str = "Content-Type: text/html\n";
        const QUOTED: &str = "Content-Transfer-Encoding: quoted-printable\n";
        const BOTH: &str = "content-type:content-transfer-encoding";
        let parts = "--b\n\none\n--b\n\ntwo\n--b--\n";
        let mime = "This is a multi-part message in MIME format.\n";
        let cases: &[(&str, String, String, bool)] = &[
            // Signed where they stand.
            (BOTH, format!("{PLAIN}{QUOTED}"), "caf=C3=A9\n".into(), true),
            (BOTH, PLAIN.into(), "caf=C3=A9\n".into(), true),
            (BOTH, String::new(), "caf\u{e9}\n".into(), true),
            (BOTH, format!("{PLAIN}{PLAIN}{QUOTED}"), "x\n".into(), false),
            ("content-type", format!("{PLAIN}{QUOTED}"), "x\n".into(), false),
            ("content-transfer-encoding", format!("{PLAIN}{QUOTED}"), "x\n".into(), false),
            // The type alone is signed, and a coding may have been taken away.
            ("content-type", PLAIN.into(), "Hello caf\u{e9}, a=b\n".into(), true),
            ("content-type", PLAIN.into(), "caf=C3=A9\n".into(), false),
            ("content-type", PLAIN.into(), "soft=\nbreak\n".into(), false),
            ("content-type", PLAIN.into(), "SGVsbG8sIHdvcmxkLCBoZWxsbw==\n".into(), false),
            ("content-type", PLAIN.into(), "Thanks\n".into(), true),
            ("content-type", MIXED.into(), "pre\n--b\n\none\n--b--\nafter\n".into(), true),
            // Nothing is signed: text that is only text.
            ("", String::new(), "Hello,\nI owe you 5 < 6\n".into(), true),
            ("", PLAIN.into(), "Hello\n".into(), true),
            ("", "Content-Transfer-Encoding: 7bit\n".into(), "Hello\n".into(), true),
            ("", format!("{PLAIN}{QUOTED}"), "Hello\n".into(), false),
            ("", PLAIN.into(), "caf\u{e9}\n".into(), false),
            ("", "Content-Type: text/plain; charset=utf-7\n".into(), "a +AGI- c\n".into(), false),
            ("", "Content-Type: text/plain; charset=utf-16\n".into(), "abcd\n".into(), false),
            ("", "Content-Type: text/plain; charset=iso-2022-jp\n".into(), "abcd\n".into(), false),
            ("", PLAIN.into(), "a \x1b$B b\n".into(), false),
            ("", PLAIN.into(), "a ~{ b\n".into(), false),
            ("", PLAIN.into(), "a\rb\n".into(), false),
            ("", HTML.into(), "\n <p>Hello\n".into(), true),
            ("", HTML.into(), "Alice <alice@x.example> wrote:\n".into(), false),
            ("", "Content-Type: application/pdf\n".into(), "Hello\n".into(), false),
            ("", "Content-Type: message/rfc822\n".into(), "Subject: a\n\nb\n".into(), false),
            // A multipart that cannot be another.
            ("", MIXED.into(), parts.into(), true),
            ("", MIXED.into(), format!("\n{parts}\n\n"), true),
            ("", MIXED.into(), format!("{mime}{parts}"), true),
            ("", MIXED.replace("=b", "=\"b\""), parts.into(), true),
            ("", MIXED.replace("=b", "=\"b(1)\""), parts.replace("--b", "--b(1)"), true),
            ("", MIXED.replace("=b", "=\"b"), parts.into(), false),
            ("", MIXED.replace("=b", "=\"b\" x=y"), parts.into(), false),
            ("", MIXED.replace("mixed", "alternative"), parts.into(), true),
            ("", MIXED.replace("mixed", "digest"), parts.into(), false),
            ("", format!("{MIXED}{QUOTED}"), parts.into(), false),
            ("", MIXED.into(), format!("I will pay.\n{parts}"), false),
            ("", MIXED.into(), format!("{parts}and more\n"), false),
            ("", MIXED.into(), "--b\n\none\n--b\n".into(), false),
            ("", MIXED.into(), format!("--a\n\nhidden\n{parts}"), false),
            ("", MIXED.replace("=b", "=inner"), "--b\n\n--inner\n\nx\n--inner--\n--b--\n".into(), false),
            ("", MIXED.replace("=b", "=-"), "I agree\n---\n not\n-----\n".into(), false),
            ("", MIXED.replace("=b", "=b; boundary=c"), parts.into(), false),
            ("", MIXED.replace("=b", "=b (c)"), parts.into(), false),
            ("", MIXED.replace("boundary=", "boundary*=us-ascii''"), parts.into(), false),
            ("", "Content-Type: multipart/mixed\n".into(), parts.into(), false),
            ("", PLAIN.into(), parts.into(), false),
            ("", PLAIN.into(), "<p>Hello\n".into(), false),
        ];
        for (h, mime, body, expect) in cases {
            for step in [1, 3, 1000] {
                assert_eq!(reading(h, mime, body, step), *expect, "{h:?} {mime:?} {body:?} {step}");
            }
        }
    }

    #[test]
    fn headers_on_which_readers_agree() {
        for (head, expect) in [
            ("A: b\n\n", true),
            ("A: b\r\n c\r\n\r\n", true),
            ("From x@y Mon\nA: b\n\n", true),
            ("A: b\nno field\nFrom: x\n\n", false),
            ("A: b\n>From x\nFrom: x\n\n", false),
            ("A: b\rSubject: c\nD: e\n\n", false),
            ("\n\nFrom: b\n\n", false),
            ("A: b\nno field at all\n", false),
            ("A: b", true),
        ] {
            let (block, end) = header::scan(head.as_bytes(), Eol::Lf, true).unwrap();
            assert_eq!(is_plain_header(head.as_bytes(), &block, end, Eol::Lf), expect, "{head:?}");
        }
    }
}
