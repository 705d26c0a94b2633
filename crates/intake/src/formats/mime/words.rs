//! Encoded words (RFC 2047) in the values of header fields, as lenient as mail needs: white space
//! inside, words that are too long or stand in quoted strings, characters split between words. Raw
//! bytes outside ASCII are read as UTF-8 (RFC 6532), else as windows-1252.

use super::{base64::Base64, decode::Decoder};
use crate::formats::charset;

/// Text of a value: encoded words decoded, white space between two of them gone. Takes at most three
/// times the bytes of `value`.
pub(super) fn decode(value: &[u8]) -> String {
    if memchr::memmem::find(value, b"=?").is_none() {
        return charset::raw(value).into_owned();
    }
    let mut text = String::with_capacity(value.len());
    let mut open: Option<(String, Vec<u8>)> = None;
    let mut rest = value;
    // Once no `?=` is left, nothing further can be a word: this keeps hostile values linear.
    let mut ends = true;
    while let Some(at) = memchr::memmem::find(rest, b"=?").filter(|_| ends) {
        let (before, from) = rest.split_at(at);
        match word(from, &mut ends) {
            Some(word) => {
                let between_words = open.is_some() && before.iter().all(u8::is_ascii_whitespace);
                if !between_words {
                    close(&mut open, &mut text);
                    text.push_str(&charset::raw(before));
                }
                match &mut open {
                    Some((charset, bytes))
                        if charset.eq_ignore_ascii_case(word.charset) && joins(charset) =>
                    {
                        bytes.extend(word.bytes);
                    }
                    _ => {
                        close(&mut open, &mut text);
                        open = Some((word.charset.to_owned(), word.bytes));
                    }
                }
                rest = from.get(word.len..).unwrap_or_default();
            }
            None => {
                close(&mut open, &mut text);
                let (plain, after) = rest.split_at_checked(at + 2).unwrap_or((rest, &[]));
                text.push_str(&charset::raw(plain));
                rest = after;
            }
        }
    }
    close(&mut open, &mut text);
    text.push_str(&charset::raw(rest));
    text
}

/// Whether a character may lie across two words: not in charsets that begin each word in the same state.
fn joins(charset: &str) -> bool {
    let starts = |prefix: &str| charset.get(..prefix.len()).is_some_and(|p| p.eq_ignore_ascii_case(prefix));
    !["iso-2022", "hz", "utf-7", "utf-16", "unicode-1-1"].iter().any(|prefix| starts(prefix))
}

fn close(open: &mut Option<(String, Vec<u8>)>, text: &mut String) {
    if let Some((charset, bytes)) = open.take() {
        text.push_str(&charset::decode(bytes, Some(&charset)).text);
    }
}

struct Word<'v> {
    charset: &'v str,
    bytes: Vec<u8>,
    /// Length in the value.
    len: usize,
}

/// The word that `from` begins with: `=?charset?encoding?text?=`, the charset perhaps with a language
/// (RFC 2231 §5).
fn word<'v>(from: &'v [u8], ends: &mut bool) -> Option<Word<'v>> {
    let body = from.get(2..)?;
    let len = memchr::memchr(b'?', body.get(..body.len().min(64))?)?;
    let (charset, rest) = body.split_at(len);
    let charset =
        std::str::from_utf8(charset).ok().filter(|c| !c.is_empty() && !c.contains(char::is_whitespace))?;
    let charset = charset.split('*').next().unwrap_or(charset);
    let [b'?', encoding, b'?', text @ ..] = rest else { return None };
    if !matches!(encoding, b'B' | b'b' | b'Q' | b'q') {
        return None;
    }
    let Some(end) = memchr::memmem::find(text, b"?=") else {
        *ends = false;
        return None;
    };
    let text = text.get(..end)?;
    let bytes = if matches!(encoding, b'B' | b'b') { base64(text) } else { quoted(text) };
    Some(Word { charset, bytes, len: 2 + len + 3 + end + 2 })
}

fn base64(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut decoder = Base64::default();
    decoder.feed(text, 0, &mut bytes);
    decoder.end(&mut bytes);
    bytes
}

fn quoted(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'_', _) => bytes.push(b' '),
            (b'=', [high, low, tail @ ..]) => match hex(*high, *low) {
                Some(byte) => {
                    bytes.push(byte);
                    rest = tail;
                }
                None => bytes.push(b'='),
            },
            (byte, _) => bytes.push(*byte),
        }
    }
    bytes
}

/// The byte that two hexadecimal digits of either case mean.
pub(super) fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (value, text) in [
            ("plain", "plain"),
            ("=?iso-8859-1?Q?caf=E9?=", "café"),
            ("=?ISO-8859-1?q?caf=e9_au_lait?= x", "café au lait x"),
            ("=?utf-8?B?Y2Fmw6k=?=", "café"),
            ("=?utf-8?b?Y2Fmw6k?=", "café"),
            ("=?utf-8*fr?Q?caf=C3=A9?=", "café"),
            ("a =?utf-8?Q?b?= c", "a b c"),
            ("=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"),
            ("=?utf-8?Q?a?=\t =?iso-8859-1?Q?=E9?=", "aé"),
            ("=?utf-8?Q?a_?= b =?utf-8?Q?c?=", "a  b c"),
            ("=?utf-8?Q?caf=C3?= =?utf-8?Q?=A9?=", "café"),
            ("=?gb2312?B?1tA=?= =?GB2312?B?zsQ=?=", "中文"),
            ("=?utf-8?Q?with spaces =C3=A9?=", "with spaces é"),
            ("\"=?utf-8?Q?quoted?=\"", "\"quoted\""),
            ("=?utf-8?Q?=41?=", "A"),
            ("=?utf-8?Q?=4?=", "=4"),
            ("=?utf-8?Q??=x", "x"),
            ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
            ("=?utf-8?Q?never ends", "=?utf-8?Q?never ends"),
            ("=?utf-8?Q?caf=E9?=", "café"),
            ("=?no-such?Q?caf=C3=A9?=", "café"),
            ("=?iso-2022-jp?B?GyRCJCIbKEI=?=", "あ"),
            ("=?iso-2022-jp?B?GyRCJCIbKEI=?= =?ISO-2022-JP?B?GyRCJCIbKEI=?=", "ああ"),
            ("=? =?=?utf-8?Q?x?=", "=? =?x"),
            ("1 =? 2 ?= 3", "1 =? 2 ?= 3"),
        ] {
            assert_eq!(decode(value.as_bytes()), text, "{value}");
        }
        assert_eq!(decode(b"caf\xc3\xa9 caf\xe9"), "café café");
    }

    #[test]
    fn bombs_cost_linear_time() {
        for piece in ["=?", "=?a?Q?", "=?utf-8?B?AAAA?= ", "=?utf-8?Q?=", "?=", "=?utf-7?Q?+?="] {
            let value = piece.repeat((1 << 20) / piece.len());
            assert!(decode(value.as_bytes()).len() <= 3 * value.len(), "{piece}");
        }
    }
}
