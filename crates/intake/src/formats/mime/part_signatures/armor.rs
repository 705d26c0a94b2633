//! ASCII armor and signed text (RFC 9580 sections 6 and 7). The checksum is passed over, as section 6.1
//! allows: a signature is a better one.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::super::header::Eol;

/// The line that begins signed text.
pub(super) const SIGNED_TEXT: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";

/// Base64 whose padding and last bits may be wrong.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The packets in the first armored block that begins with the line `begin`, whatever stands before it;
/// or `bytes` themselves where they are packets already. Empty where there is neither.
pub(super) fn packets(bytes: &[u8], begin: &[u8]) -> Vec<u8> {
    if bytes.first().is_some_and(|first| first & 0x80 != 0) {
        return bytes.to_vec();
    }
    let mut lines = lines(bytes).map(<[u8]>::trim_ascii);
    if !lines.any(|line| line == begin) {
        return Vec::new();
    }
    block(lines)
}

/// The content of an armored block after its first line.
fn block<'b>(lines: impl Iterator<Item = &'b [u8]>) -> Vec<u8> {
    let mut text = Vec::new();
    let mut in_header = true;
    for line in lines {
        match line {
            line if line.starts_with(b"-----") => break,
            [] if in_header => in_header = false,
            // `Version: x`. Some leave out the empty line after it.
            line if in_header && line.contains(&b':') => {}
            [b'=', ..] => break,
            line => {
                in_header = false;
                text.extend_from_slice(line);
            }
        }
    }
    base64(&text)
}

/// The bytes of base64 in which white space does not count; empty where it is none.
pub(super) fn base64(text: &[u8]) -> Vec<u8> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(text).unwrap_or_default()
}

/// `-----BEGIN PGP PUBLIC KEY BLOCK-----`.
pub(super) const KEYS: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// The packets of a signature that stands beside its content.
pub(super) fn signature(bytes: &[u8]) -> Vec<u8> {
    let packets = packets(bytes, SIGNATURE);
    // What PGP 2 and some others write there.
    if packets.is_empty() { self::packets(bytes, b"-----BEGIN PGP MESSAGE-----") } else { packets }
}

/// Text with its signature, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignedText {
    /// What is signed: without what escapes dashes, without spaces at the ends of lines, with CRLF between
    /// them. Tabs there are not signed either (section 7.2), except by PGP 5 to 7.
    pub text: Vec<u8>,
    /// The packets of the signature; empty where it is cut.
    pub signature: Vec<u8>,
    /// The part holds other text as well.
    pub is_not_all: bool,
}

/// Takes signed text apart; `None` where `bytes` hold none.
pub(super) fn signed_text(bytes: &[u8]) -> Option<SignedText> {
    let mut is_not_all = false;
    let mut rest = lines(bytes);
    let is_blank = |line: &&[u8]| line.trim_ascii().is_empty();
    rest.by_ref().find(|line| {
        let begins = line.trim_ascii_end() == SIGNED_TEXT;
        is_not_all |= !begins && !is_blank(line);
        begins
    })?;
    // `Hash: SHA256`, and an empty line. Whatever else stands there is shown, and not signed.
    rest.by_ref().find(|line| {
        is_not_all |= !is_blank(line) && !line.starts_with(b"Hash: ");
        is_blank(line)
    })?;
    let mut text = Vec::with_capacity(bytes.len());
    let mut is_first = true;
    for line in rest.by_ref() {
        let line = trimmed(line);
        if line.trim_ascii_end() == SIGNATURE {
            let armor: Vec<&[u8]> =
                rest.by_ref().map(<[u8]>::trim_ascii).take_while(|l| !is_end(l)).collect();
            is_not_all |= rest.any(|line| !is_blank(&line));
            return Some(SignedText { text, signature: block(armor.into_iter()), is_not_all });
        }
        if !std::mem::take(&mut is_first) {
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(line.strip_prefix(b"- ").unwrap_or(line));
    }
    Some(SignedText { text: Vec::new(), signature: Vec::new(), is_not_all })
}

fn is_end(line: &&[u8]) -> bool {
    line.starts_with(b"-----END")
}

fn trimmed(line: &[u8]) -> &[u8] {
    let blanks = line.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\r')).count();
    line.get(..line.len() - blanks).unwrap_or_default()
}

/// Lines without their LF; where there is none, without their CR.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let eol = Eol::of(bytes).byte();
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(eol, rest).unwrap_or(rest.len());
        let (line, after) = rest.split_at_checked(end)?;
        rest = after.get(1..).unwrap_or_default();
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn armored() {
        for (armored, packets) in [
            ("-----BEGIN PGP SIGNATURE-----\n\nYWJj\n=abcd\n-----END PGP SIGNATURE-----\n", "abc"),
            ("x\r\n-----BEGIN PGP SIGNATURE-----\r\nVersion: 1\r\n\r\nYW\r\nJj\r\n-----END", "abc"),
            ("-----BEGIN PGP SIGNATURE-----\nVersion: 1\nYWJj\n", "abc"),
            ("-----BEGIN PGP SIGNATURE-----\r\rYWJj\r-----END\r", "abc"),
            ("-----BEGIN PGP SIGNATURE-----\n\nYWI=\n=abcd\n", "ab"),
            ("-----BEGIN PGP MESSAGE-----\n\nYWJj\n", "abc"),
            ("-----BEGIN PGP SIGNATURE-----\n\nYW!j\n", ""),
            ("-----BEGIN PGP SIGNATURE-----", ""),
            ("YWJj", ""),
            ("", ""),
        ] {
            assert_eq!(signature(armored.as_bytes()), packets.as_bytes(), "{armored}");
        }
        assert_eq!(signature(b"\x88\x01x"), b"\x88\x01x");
    }

    #[test]
    fn texts() {
        let sig = "-----BEGIN PGP SIGNATURE-----\n\nYWJj\n-----END PGP SIGNATURE-----\n";
        let begin = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n";
        for (bytes, text, is_not_all) in [
            (format!("{begin}a  \r\nb \t \n- -b\n\nc\n{sig}"), "a\r\nb \t\r\n-b\r\n\r\nc", false),
            (format!("{begin}{sig}"), "", false),
            (format!("\n \n{begin}\n{sig}\n\n"), "", false),
            (format!("x\n{begin}a\n{sig}"), "a", true),
            (format!("{begin}a\n{sig}--\nfooter\n"), "a", true),
            (format!("{begin}a\n{sig}").replace("\n\na", "\nPay him\n\na"), "a", true),
            (format!("{begin}- From x\n- - y\n{sig}").replace('\n', "\r\n"), "From x\r\n- y", false),
        ] {
            let expect = SignedText { text: text.into(), signature: b"abc".to_vec(), is_not_all };
            assert_eq!(signed_text(bytes.as_bytes()), Some(expect), "{bytes}");
        }
        assert_eq!(signed_text(b"text"), None);
        assert_eq!(signed_text(begin.trim_end().as_bytes()), None);
        let cut = signed_text(format!("{begin}a\nb").as_bytes()).unwrap();
        assert!(cut.signature.is_empty());
    }
}
