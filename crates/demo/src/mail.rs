//! Mails as bytes: header fields (RFC 5322), encoded words (RFC 2047), parameters (RFC 2231), parts and
//! their transfer encodings (RFC 2045, 2046), format=flowed (RFC 3676), uuencode. Written by hand,
//! with LF line ends; `store` turns them into CRLF where a box has them.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::{mua::Mua, rng::Rng};

/// How text becomes bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Charset {
    /// UTF-8.
    #[default]
    Utf8,
    /// ISO-8859-1; what it lacks is written in a poorer way.
    Latin1,
    /// windows-1252.
    Windows1252,
    /// UTF-16, little endian with a byte order mark; base64 only.
    Utf16,
}

/// Content-Transfer-Encoding (RFC 2045 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Coding {
    /// `7bit` for ASCII, else `8bit`: the bytes as they are.
    #[default]
    EightBit,
    /// `quoted-printable`.
    Quoted,
    /// `base64`.
    Base64,
}

/// How a header shows text that is not ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Words {
    /// RFC 2047 `Q` in UTF-8.
    #[default]
    Q,
    /// RFC 2047 `B` in UTF-8.
    B,
    /// RFC 2047 `Q` in ISO-8859-1.
    QLatin1,
    /// Raw UTF-8 (RFC 6532).
    Raw,
}

/// How a file name that is not ASCII is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum NameForm {
    /// RFC 2231: `filename*=UTF-8''…`, with continuations where it is long.
    #[default]
    Rfc2231,
    /// An encoded word inside a quoted parameter: against RFC 2047, and common.
    EncodedWord,
}

/// One MIME part.
pub(crate) enum Part {
    /// A text part.
    Text {
        /// `plain`, `html`, `calendar; method=REQUEST`, …
        subtype: &'static str,
        /// How the text becomes bytes.
        charset: Charset,
        /// What the part says of its charset, where that is not the truth.
        declared: Option<&'static str>,
        /// Transfer encoding.
        coding: Coding,
        /// Text with `\n`.
        text: String,
    },
    /// A file.
    File {
        /// Media type.
        media_type: &'static str,
        /// File name.
        name: String,
        /// How the name is written.
        form: NameForm,
        /// Content-ID of an inline picture, without brackets.
        content_id: Option<String>,
        /// The file's bytes.
        bytes: Vec<u8>,
        /// As base64, or as it stands (text only).
        base64: bool,
    },
    /// A multipart.
    Multi {
        /// Subtype with further parameters, for example `report; report-type=delivery-status`.
        subtype: &'static str,
        /// The parts.
        parts: Vec<Part>,
    },
    /// A whole mail as a part, `message/rfc822`.
    Mail(Box<Rendered>),
    /// A part without a charset, such as `message/delivery-status`.
    Bare {
        /// Media type.
        media_type: &'static str,
        /// Body with `\n`.
        body: String,
    },
}

/// What the truth has to know of a mail.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meta {
    /// Message-ID with brackets.
    pub(crate) message_id: Option<String>,
    /// From address as written.
    pub(crate) from: Option<String>,
    /// Instant of the `Date` field, where it has a valid one.
    pub(crate) date: Option<i64>,
}

/// An attachment as a reader will see it.
#[derive(Debug, Clone)]
pub(crate) enum Attached {
    /// Its decoded bytes do not depend on where the mail stands: their SHA-256.
    Fixed([u8; 32]),
    /// It stands in the mail as it is, so line ends and `>From ` of the mailbox are part of it.
    AsIs(Vec<u8>),
}

/// A mail as bytes with `\n`, and what it contains.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rendered {
    /// The bytes; they end with `\n`.
    pub(crate) bytes: Vec<u8>,
    /// For the truth.
    pub(crate) meta: Meta,
    /// Leaf parts with a file name.
    pub(crate) attachments: Vec<Attached>,
    /// Mails inside.
    pub(crate) nested: Vec<Rendered>,
}

impl Rendered {
    /// This mail and all mails inside it.
    pub(crate) fn mails(&self) -> u64 {
        1 + self.nested.iter().map(Rendered::mails).sum::<u64>()
    }
}

/// A header in the making.
#[derive(Default)]
pub(crate) struct Header {
    bytes: Vec<u8>,
}

impl Header {
    /// A field whose value is ASCII (or raw UTF-8), folded before 78 columns where it has spaces.
    pub(crate) fn field(&mut self, name: &str, value: &str) -> &mut Header {
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(b':');
        let mut column = name.len() + 1;
        for word in value.split(' ') {
            if column + 1 + word.len() > 78 && column > name.len() + 1 {
                self.bytes.push(b'\n');
                column = 0;
            }
            self.bytes.push(b' ');
            self.bytes.extend_from_slice(word.as_bytes());
            column += 1 + word.len();
        }
        self.bytes.push(b'\n');
        self
    }

    /// A field that stands exactly as given.
    pub(crate) fn raw(&mut self, line: &[u8]) -> &mut Header {
        self.bytes.extend_from_slice(line);
        self.bytes.push(b'\n');
        self
    }

    /// The bytes so far.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// `Name <address>`, the name as RFC 5322 and RFC 2047 want it.
pub(crate) fn mailbox(name: &str, address: &str, words: Words) -> String {
    if name.is_empty() {
        return address.to_owned();
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || " -'".contains(c);
    let shown = match name.is_ascii() {
        true if name.chars().all(plain) => name.to_owned(),
        true => format!("\"{}\"", name.replace('"', "'")),
        false if words == Words::Raw => format!("\"{}\"", name.replace('"', "'")),
        false => encode_words(name, words),
    };
    format!("{shown} <{address}>")
}

/// Header, empty line and body of a mail.
pub(crate) fn render(header: Header, meta: Meta, body: &Part, mua: Mua, rng: &mut Rng) -> Rendered {
    let mut mail = Rendered { bytes: header.into_bytes(), meta, ..Rendered::default() };
    mail.bytes.extend_from_slice(b"MIME-Version: 1.0\n");
    write_part(body, mua, rng, &mut mail);
    mail
}

fn write_part(part: &Part, mua: Mua, rng: &mut Rng, mail: &mut Rendered) {
    match part {
        Part::Text { subtype, charset, declared, coding, text } => {
            write_text(subtype, *charset, *declared, *coding, text, &mut mail.bytes);
        }
        Part::File { .. } => write_file(part, mail),
        Part::Multi { subtype, parts } => {
            let boundary = mua.boundary(rng);
            let mut header = Header::default();
            let (kind, parameters) = subtype.split_once(';').unwrap_or((subtype, ""));
            let parameters = if parameters.is_empty() { String::new() } else { format!("{parameters};") };
            header.raw(
                format!("Content-Type: multipart/{kind};{parameters}\n boundary=\"{boundary}\"").as_bytes(),
            );
            mail.bytes.extend(header.into_bytes());
            mail.bytes.push(b'\n');
            if rng.percent(30) {
                mail.bytes.extend_from_slice(b"This is a multi-part message in MIME format.\n");
            }
            for part in parts {
                mail.bytes.extend_from_slice(format!("--{boundary}\n").as_bytes());
                write_part(part, mua, rng, mail);
                // The line end before a boundary belongs to the boundary (RFC 2046 section 5.1.1).
                mail.bytes.push(b'\n');
            }
            mail.bytes.extend_from_slice(format!("--{boundary}--\n").as_bytes());
        }
        Part::Mail(inner) => {
            mail.bytes
                .extend_from_slice(b"Content-Type: message/rfc822\nContent-Disposition: attachment\n\n");
            mail.bytes.extend_from_slice(&inner.bytes);
            mail.nested.push((**inner).clone());
        }
        Part::Bare { media_type, body } => {
            mail.bytes.extend_from_slice(format!("Content-Type: {media_type}\n\n").as_bytes());
            mail.bytes.extend_from_slice(body.as_bytes());
        }
    }
}

fn write_text(
    subtype: &str,
    charset: Charset,
    declared: Option<&str>,
    coding: Coding,
    text: &str,
    out: &mut Vec<u8>,
) {
    let bytes = encode(text, charset);
    let ascii = bytes.is_ascii();
    let name = declared.unwrap_or(match charset {
        Charset::Utf8 | Charset::Latin1 if ascii && coding == Coding::EightBit => "us-ascii",
        Charset::Utf8 => "utf-8",
        Charset::Latin1 => "iso-8859-1",
        Charset::Windows1252 => "windows-1252",
        Charset::Utf16 => "utf-16",
    });
    let (kind, parameters) = subtype.split_once(';').unwrap_or((subtype, ""));
    let mut header = Header::default();
    let parameters = if parameters.is_empty() { String::new() } else { format!(";{parameters}") };
    header.field("Content-Type", &format!("text/{kind}; charset=\"{name}\"{parameters}"));
    let coding_name = match coding {
        Coding::EightBit if ascii => "7bit",
        Coding::EightBit => "8bit",
        Coding::Quoted => "quoted-printable",
        Coding::Base64 => "base64",
    };
    header.field("Content-Transfer-Encoding", coding_name);
    out.extend(header.into_bytes());
    out.push(b'\n');
    match coding {
        Coding::EightBit => out.extend_from_slice(&bytes),
        Coding::Quoted => quoted_printable(&bytes, out),
        Coding::Base64 => base64(&bytes, out),
    }
}

fn write_file(part: &Part, mail: &mut Rendered) {
    let Part::File { media_type, name, form, content_id, bytes, base64: in_base64 } = part else { return };
    let mut header = Header::default();
    let shown = match (name.is_ascii(), form) {
        (true, _) => format!("\"{name}\""),
        (false, _) => format!("\"{}\"", encode_words(name, Words::Q)),
    };
    let filename = match (name.is_ascii(), form) {
        (false, NameForm::Rfc2231) => parameter_2231("filename", name),
        _ => format!(";\n filename={shown}"),
    };
    header.raw(format!("Content-Type: {media_type};\n name={shown}").as_bytes());
    header.field("Content-Transfer-Encoding", if *in_base64 { "base64" } else { "8bit" });
    if let Some(id) = content_id {
        header.field("Content-ID", &format!("<{id}>"));
    }
    let disposition = if content_id.is_some() { "inline" } else { "attachment" };
    header.raw(format!("Content-Disposition: {disposition}{filename}").as_bytes());
    mail.bytes.extend(header.into_bytes());
    mail.bytes.push(b'\n');
    if *in_base64 {
        base64(bytes, &mut mail.bytes);
        mail.attachments.push(Attached::Fixed(Sha256::digest(bytes).into()));
    } else {
        mail.bytes.extend_from_slice(bytes);
        mail.attachments.push(Attached::AsIs(bytes.clone()));
    }
}

/// `;\n filename*=UTF-8''…`, in continuations of at most 60 characters (RFC 2231 section 3 and 4).
fn parameter_2231(name: &str, value: &str) -> String {
    let mut pieces = vec![String::new()];
    for byte in value.bytes() {
        let coded = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        if pieces.last().is_some_and(|piece| piece.len() + coded.len() > 48) {
            pieces.push(String::new());
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push_str(&coded);
        }
    }
    let one = pieces.len() == 1;
    let mut out = String::new();
    for (i, piece) in pieces.iter().enumerate() {
        let section = if one { String::new() } else { format!("*{i}") };
        let charset = if i == 0 { "UTF-8''" } else { "" };
        let _ = write!(out, ";\n {name}{section}*={charset}{piece}");
    }
    out
}

/// Free text of a header: as it is where it is ASCII, else as encoded words of at most 75 characters
/// that never cut a character in two (RFC 2047 section 2 and 5).
pub(crate) fn encode_words(text: &str, words: Words) -> String {
    if text.is_ascii() || words == Words::Raw {
        return text.to_owned();
    }
    let (charset, label) = match words {
        Words::QLatin1 => (Charset::Latin1, "iso-8859-1"),
        _ => (Charset::Utf8, "UTF-8"),
    };
    let mut out: Vec<String> = Vec::new();
    let mut piece = Vec::new();
    let flush = |piece: &mut Vec<u8>, out: &mut Vec<String>| {
        let coded = match words {
            Words::B => format!("=?{label}?B?{}?=", base64_line(piece)),
            _ => format!("=?{label}?Q?{}?=", q_word(piece)),
        };
        piece.clear();
        out.push(coded);
    };
    for c in text.chars() {
        let bytes = encode(c.encode_utf8(&mut [0; 4]), charset);
        let width = match words {
            Words::B => (piece.len() + bytes.len()).div_ceil(3) * 4,
            _ => q_word(&piece).len() + 3 * bytes.len(),
        };
        if width > 52 {
            flush(&mut piece, &mut out);
        }
        piece.extend_from_slice(&bytes);
    }
    flush(&mut piece, &mut out);
    out.join(" ")
}

fn q_word(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        match byte {
            b' ' => out.push('_'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'/' | b'!' => out.push(char::from(*byte)),
            _ => {
                let _ = write!(out, "={byte:02X}");
            }
        }
    }
    out
}

/// Text as bytes of a charset. ISO-8859-1 and windows-1252 write what they lack in a poorer way.
pub(crate) fn encode(text: &str, charset: Charset) -> Vec<u8> {
    match charset {
        Charset::Utf8 => text.as_bytes().to_vec(),
        Charset::Utf16 => {
            let mut out = vec![0xFF, 0xFE];
            text.encode_utf16().for_each(|unit| out.extend_from_slice(&unit.to_le_bytes()));
            out
        }
        Charset::Latin1 | Charset::Windows1252 => {
            let mut out = Vec::with_capacity(text.len());
            for c in text.chars() {
                match (u32::from(c), charset) {
                    (code @ (0..=0x7F | 0xA0..=0xFF), _) => out.push(code as u8),
                    (_, Charset::Windows1252) => match WINDOWS_1252.iter().find(|(ch, _)| *ch == c) {
                        Some((_, byte)) => out.push(*byte),
                        None => out.push(b'?'),
                    },
                    _ => out.extend_from_slice(
                        POORER.iter().find(|(ch, _)| *ch == c).map_or("?", |(_, ascii)| ascii).as_bytes(),
                    ),
                }
            }
            out
        }
    }
}

/// The characters of our prose that windows-1252 has and ISO-8859-1 has not.
const WINDOWS_1252: [(char, u8); 8] =
    [('€', 0x80), ('…', 0x85), ('Œ', 0x8C), ('‘', 0x91), ('’', 0x92), ('–', 0x96), ('—', 0x97), ('œ', 0x9C)];

const POORER: [(char, &str); 8] =
    [('€', "EUR"), ('…', "..."), ('Œ', "Oe"), ('‘', "'"), ('’', "'"), ('–', "-"), ('—', "-"), ('œ', "oe")];

/// RFC 2045 section 6.7; lines of at most 76 characters; `\n` is a line break. A line never starts
/// with `From ` or is a lone dot.
pub(crate) fn quoted_printable(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (content, hard) = match line.strip_suffix(b"\n") {
            Some(content) => (content, true),
            None => (line, false),
        };
        let mut column = 0;
        for (i, byte) in content.iter().enumerate() {
            let last = i + 1 == content.len();
            let risky =
                column == 0 && (*byte == b'.' || content.get(i..).is_some_and(|t| t.starts_with(b"From ")));
            let literal =
                matches!(byte, b'!'..=b'<' | b'>'..=b'~') && !risky || matches!(byte, b' ' | b'\t') && !last;
            let width = if literal { 1 } else { 3 };
            // 75 columns and the `=` of the soft break; the last character needs no break after it.
            if column + width > 75 {
                out.extend_from_slice(b"=\n");
                column = 0;
            }
            if literal {
                out.push(*byte);
            } else {
                let digit = |n: u8| HEX.get(usize::from(n & 15)).copied().unwrap_or(b'0');
                out.extend_from_slice(&[b'=', digit(byte >> 4), digit(*byte)]);
            }
            column += width;
        }
        if hard {
            out.push(b'\n');
        }
    }
    if !bytes.ends_with(b"\n") {
        out.extend_from_slice(b"=\n");
    }
}

/// RFC 2045 section 6.8, in lines of 76 characters.
pub(crate) fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() / 57 * 77 + 80);
    for line in bytes.chunks(57) {
        for group in line.chunks(3) {
            let (a, b, c) = match group {
                [a, b, c] => (*a, Some(*b), Some(*c)),
                [a, b] => (*a, Some(*b), None),
                [a] => (*a, None, None),
                _ => continue,
            };
            let word = u32::from(a) << 16 | u32::from(b.unwrap_or(0)) << 8 | u32::from(c.unwrap_or(0));
            let digit = |shift: u32| BASE64.get((word >> shift) as usize & 63).copied().unwrap_or(b'A');
            let third = if b.is_some() { digit(6) } else { b'=' };
            let fourth = if c.is_some() { digit(0) } else { b'=' };
            out.extend_from_slice(&[digit(18), digit(12), third, fourth]);
        }
        out.push(b'\n');
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The same without line breaks.
pub(crate) fn base64_line(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    base64(bytes, &mut out);
    out.retain(|byte| *byte != b'\n');
    String::from_utf8(out).unwrap_or_default()
}

/// Paragraphs broken at spaces before `width` columns.
pub(crate) fn wrap(text: &str, width: usize) -> String {
    break_lines(text, width, false)
}

/// Paragraphs as format=flowed: broken lines end with a space (RFC 3676 section 4.2), lines that start
/// with a space or `From ` are stuffed (section 4.4).
pub(crate) fn flow(text: &str, width: usize) -> String {
    break_lines(text, width, true)
}

fn break_lines(text: &str, width: usize, flowed: bool) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    for line in text.lines() {
        // Quoted lines keep their shape: rewrapping them is a fault of few programs only.
        let quoted = line.starts_with('>');
        let mut column = 0;
        for word in line.split(' ') {
            let len = word.chars().count();
            if column > 0 && !quoted && column + 1 + len > width {
                out.push_str(if flowed { " \n" } else { "\n" });
                column = 0;
            } else if column > 0 {
                out.push(' ');
                column += 1;
            }
            if flowed && column == 0 && !quoted && (word == "From" || word.starts_with(' ')) {
                out.push(' ');
            }
            out.push_str(word);
            column += len;
        }
        // A signature's `-- ` keeps its space; other trailing spaces would flow.
        if flowed && line != "-- " && out.ends_with(' ') {
            out.pop();
        }
        out.push('\n');
    }
    out
}

/// uuencode as in POSIX, with the file's name.
pub(crate) fn uuencode(name: &str, bytes: &[u8]) -> String {
    let mut out = format!("begin 644 {name}\n");
    let digit = |n: u32| match n & 63 {
        0 => '`',
        n => char::from(32 + n as u8),
    };
    for line in bytes.chunks(45) {
        out.push(digit(line.len() as u32));
        for group in line.chunks(3) {
            let mut padded = group.iter().copied().chain([0, 0]);
            let mut next = || u32::from(padded.next().unwrap_or(0));
            let word = next() << 16 | next() << 8 | next();
            out.extend([18, 12, 6, 0].map(|shift| digit(word >> shift)));
        }
        out.push('\n');
    }
    out.push_str("`\nend\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qp(text: &str) -> String {
        let mut out = Vec::new();
        quoted_printable(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn quoted_printable_keeps_its_rules() {
        for (text, want) in [
            ("é = x\n", "=C3=A9 =3D x\n"),
            ("end \n", "end=20\n"),
            ("From me\n", "=46rom me\n"),
            (".\n", "=2E\n"),
            ("no end", "no end=\n"),
        ] {
            assert_eq!(qp(text), want);
        }
        let long = qp(&"mot ".repeat(100));
        assert!(long.lines().all(|line| line.len() <= 76) && long.lines().count() > 5);
    }

    #[test]
    fn base64_agrees_with_the_crate() {
        use ::base64::Engine;
        for len in [0, 1, 2, 3, 56, 57, 58, 200] {
            let bytes: Vec<u8> = (0..len as u8).collect();
            assert_eq!(base64_line(&bytes), ::base64::engine::general_purpose::STANDARD.encode(&bytes));
        }
    }

    #[test]
    fn words_are_short_and_whole() {
        let text = "Compte rendu détaillé de la réunion à Saint-Brélicourt – éléments à compléter";
        for words in [Words::Q, Words::B, Words::QLatin1] {
            let coded = encode_words(text, words);
            assert!(coded.split(' ').all(|word| word.len() <= 75 && word.starts_with("=?")), "{coded}");
        }
        assert_eq!(encode_words("plain", Words::B), "plain");
        assert_eq!(encode_words("é", Words::QLatin1), "=?iso-8859-1?Q?=E9?=");
    }

    #[test]
    fn header_fields_fold() {
        let mut header = Header::default();
        header.field("References", &["<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x.example>"; 4].join(" "));
        let text = String::from_utf8(header.into_bytes()).unwrap();
        assert!(text.lines().count() > 1 && text.lines().skip(1).all(|line| line.starts_with(' ')));
        assert!(text.lines().all(|line| line.len() <= 78));
    }

    #[test]
    fn flowed_lines_join_again() {
        let text = "From what I hear this is a rather long line that has to be broken somewhere near the end of it.\n";
        let flowed = flow(text, 40);
        assert!(flowed.starts_with(" From"));
        let joined: String = flowed.lines().collect::<Vec<_>>().concat();
        assert_eq!(joined.trim_start(), text.trim_end());
    }

    #[test]
    fn long_names_continue() {
        let coded = parameter_2231("filename", "pièce jointe numéro un du compte rendu détaillé (été).pdf");
        assert!(coded.contains("filename*0*=UTF-8''pi%C3%A8ce%20jointe") && coded.contains("filename*1*="));
    }
}
