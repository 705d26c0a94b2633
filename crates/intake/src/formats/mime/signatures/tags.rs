//! Tag lists as signatures use them (RFC 6376 §3.2): `tag=value; tag=value`, taken as they stand, with
//! what breaks the rules beside.

use std::ops::Range;

/// Tags of one field that are looked at; no dialect knows more than twenty.
const TAGS: usize = 100;

/// A field's tags, in order; of each name the first.
#[derive(Debug, Default)]
pub(super) struct Tags<'a> {
    list: Vec<(&'a [u8], &'a [u8])>,
    /// Where the value of the first `b` stands in the field's value, with all white space round it.
    pub signature: Option<Range<usize>>,
    /// What breaks the rules, each word once: `empty-tag`, `tag-syntax`, `duplicate-tag`, `many-tags`.
    pub defects: Vec<&'static str>,
}

impl<'a> Tags<'a> {
    /// Takes a value apart. Time and memory are linear in its length.
    pub(super) fn parse(value: &'a [u8]) -> Tags<'a> {
        let mut tags = Tags::default();
        let mut from = 0;
        loop {
            let rest = value.get(from..).unwrap_or_default();
            let len = memchr::memchr(b';', rest);
            let end = from + len.unwrap_or(rest.len());
            let piece = value.get(from..end).unwrap_or_default();
            tags.piece(piece, from, len.is_none());
            match len {
                Some(_) => from = end + 1,
                None => return tags,
            }
        }
    }

    fn piece(&mut self, piece: &'a [u8], at: usize, is_last: bool) {
        if trim(piece).is_empty() {
            // A semicolon at the end is allowed.
            if !is_last {
                self.defect("empty-tag");
            }
            return;
        }
        let Some(equals) = memchr::memchr(b'=', piece) else { return self.defect("tag-syntax") };
        let (name, value) = piece.split_at(equals);
        let (name, value) = (trim(name), value.get(1..).unwrap_or_default());
        if !name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_') || name.is_empty() {
            return self.defect("tag-syntax");
        }
        if self.get(name).is_some() {
            return self.defect("duplicate-tag");
        }
        if self.list.len() >= TAGS {
            return self.defect("many-tags");
        }
        if name == b"b" {
            self.signature = Some(at + equals + 1..at + piece.len());
        }
        self.list.push((name, trim(value)));
    }

    fn defect(&mut self, word: &'static str) {
        if !self.defects.contains(&word) {
            self.defects.push(word);
        }
    }

    /// The value of the first tag of a name, without looking at the others more than it takes.
    pub(super) fn parse_first(value: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
        value.split(|b| *b == b';').take(TAGS).find_map(|piece| {
            let equals = memchr::memchr(b'=', piece)?;
            let (known, value) = piece.split_at(equals);
            (trim(known) == name).then(|| trim(value.get(1..).unwrap_or_default()))
        })
    }

    /// The value of the tag of this name, without white space round it.
    pub(super) fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.list.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// Folding white space of any kind.
pub(super) fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn trim(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|b| !is_space(b)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|b| !is_space(b)).map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// A value without any white space in it.
pub(super) fn packed(value: &[u8]) -> Vec<u8> {
    value.iter().copied().filter(|b| !is_space(b)).collect()
}

/// Decodes base64 as signatures have it: white space goes, padding may be missing. At most `most` bytes;
/// the flag: other characters stood in it and were passed over.
pub(super) fn base64(value: &[u8], most: usize) -> Result<(Vec<u8>, bool), TooLong> {
    let (mut bytes, mut bits, mut held, mut junk) = (Vec::new(), 0u32, 0u32, false);
    for byte in value.iter().filter(|b| !is_space(b)) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => continue,
            _ => {
                junk = true;
                continue;
            }
        };
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            if bytes.len() >= most {
                return Err(TooLong);
            }
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    Ok((bytes, junk))
}

/// A value is longer than is kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Decodes dkim-quoted-printable (RFC 6376 §2.11): `=XX` in upper-case hex, white space goes. What is no
/// escape stays.
pub(super) fn quoted(value: &[u8]) -> Vec<u8> {
    let packed = packed(value);
    let mut decoded = Vec::with_capacity(packed.len());
    let mut rest = packed.as_slice();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let escape = match after {
            [high, low, tail @ ..] if *byte == b'=' => digit(*high).zip(digit(*low)).zip(Some(tail)),
            _ => None,
        };
        match escape {
            Some(((high, low), tail)) => {
                decoded.push(high << 4 | low);
                rest = tail;
            }
            None => decoded.push(*byte),
        }
    }
    decoded
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// A number in digits alone; `None` where it is none or does not fit.
pub(super) fn number(value: &[u8]) -> Option<u64> {
    let digits = packed(value);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'static str]);
        let cases: &[Case] = &[
            ("", &[], &[]),
            (" a=b", &[("a", "b")], &[]),
            ("a=b;", &[("a", "b")], &[]),
            ("a=b; \r\n\t", &[("a", "b")], &[]),
            (" a = b c ;\r\n d\t=\te=f ", &[("a", "b c"), ("d", "e=f")], &[]),
            ("a=;b=", &[("a", ""), ("b", "")], &[]),
            ("a=1;;b=2", &[("a", "1"), ("b", "2")], &["empty-tag"]),
            (";a=1", &[("a", "1")], &["empty-tag"]),
            ("a=1; ;;; b=2;", &[("a", "1"), ("b", "2")], &["empty-tag"]),
            ("a=1;a=2;A=3", &[("a", "1"), ("A", "3")], &["duplicate-tag"]),
            ("a=1;nonsense;=x;b-c=2", &[("a", "1")], &["tag-syntax"]),
        ];
        for (value, list, defects) in cases {
            let tags = Tags::parse(value.as_bytes());
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let got: Vec<_> = tags.list.iter().map(|(name, value)| (text(name), text(value))).collect();
            let expect: Vec<_> = list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            assert_eq!((got, tags.defects.as_slice()), (expect, *defects), "{value:?}");
        }
    }

    #[test]
    fn the_signature_is_found_to_the_byte() {
        for (value, expect) in [
            (" bh=x; b=abc ; c=d", Some("abc ")),
            ("b=\r\n abc\r\n", Some("\r\n abc\r\n")),
            ("xb=1; bb=2", None),
            ("a=1;\r\n b \t= q=; b=2", Some(" q=")),
            ("b=", Some("")),
        ] {
            let range = Tags::parse(value.as_bytes()).signature;
            assert_eq!(range.map(|range| &value[range]), expect, "{value:?}");
        }
    }

    #[test]
    fn values() {
        let long = "A".repeat(100);
        for (value, expect) in [
            ("aGVs\r\n bG8=", Ok((b"hello".to_vec(), false))),
            ("aGVsbG8", Ok((b"hello".to_vec(), false))),
            ("a-G*Vs.bG8", Ok((b"hello".to_vec(), true))),
            ("", Ok((vec![], false))),
            ("A", Ok((vec![], false))),
            (&long, Err(TooLong)),
        ] {
            assert_eq!(base64(value.as_bytes(), 10), expect, "{value}");
        }
        for (value, expect) in [
            ("=6Along@x", "jlong@x"),
            ("a=\r\n b", "a=b"),
            ("=6along=", "=6along="),
            ("=", "="),
            ("=3D=3B", "=;"),
        ] {
            assert_eq!(String::from_utf8(quoted(value.as_bytes())).unwrap(), expect, "{value:?}");
        }
        for (value, expect) in [
            ("0", Some(0)),
            ("1 2\r\n 3", Some(123)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("", None),
        ] {
            assert_eq!(number(value.as_bytes()), expect, "{value:?}");
        }
    }

    #[test]
    fn bombs_cost_linear_time() {
        for piece in ["a=1;", ";", "b", "=", "a", "bh=;", "\r\n "] {
            let value = piece.repeat((4 << 20) / piece.len());
            Tags::parse(value.as_bytes());
            quoted(value.as_bytes());
            let _ = base64(value.as_bytes(), 2048);
        }
    }
}
