//! Bytes to text: the declared charset where it holds, what the bytes say where it does not. Shared by
//! every reader of text.
//!
//! Nothing is lost silently: a byte that no rule reads becomes U+FFFD and the result says so.

use std::borrow::Cow;

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GBK, IBM866, ISO_2022_JP, KOI8_R, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE,
    WINDOWS_1251, WINDOWS_1252, X_USER_DEFINED,
};

use super::code_pages;

/// What was wrong with a declared (or missing) charset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The label is not one that is known; the bytes decided.
    Label,
    /// The bytes are not of the declared charset; they decided.
    Contradicted,
    /// Some bytes mean nothing in the charset and stand as U+FFFD.
    Malformed,
}

impl Wrong {
    /// The word of the table `defects`.
    pub fn kind(self) -> &'static str {
        match self {
            Wrong::Label => "charset-unknown",
            Wrong::Contradicted => "charset-wrong",
            Wrong::Malformed => "charset-malformed",
        }
    }
}

/// Decoded text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without a byte order mark.
    pub text: String,
    /// Name of the charset that was used, in lower case.
    pub charset: String,
    /// What was wrong, if anything.
    pub wrong: Option<Wrong>,
    /// Whether bytes could not be read: they stand as U+FFFD.
    pub lost: bool,
}

/// Decodes `bytes`, whose container declares the charset `label` (RFC 2046 §4.1.2), or nothing.
///
/// A byte order mark wins over any label. Text declared as ASCII, Latin or another 8-bit charset that
/// is valid UTF-8 with characters outside ASCII is UTF-8. Text declared as UTF-8 that is not is read as
/// UTF-8 where it is and as windows-1252 elsewhere. Without a label the bytes decide. The text takes at
/// most three bytes for each byte of input.
pub fn decode(bytes: Vec<u8>, label: Option<&str>) -> Decoded {
    if let Some((charset, skip)) = byte_order_mark(&bytes) {
        let rest = bytes.get(skip..).unwrap_or_default().to_vec();
        return charset.decode(rest, None);
    }
    let declared = match label.map(Charset::of) {
        None | Some(Label::None) => return guess(bytes, None),
        Some(Label::Unknown) => return guess(bytes, Some(Wrong::Label)),
        Some(Label::Charset(charset)) => charset,
    };
    match declared {
        Charset::Whatwg(encoding) if encoding == UTF_8 => match String::from_utf8(bytes) {
            Ok(text) => Decoded::new(text, "utf-8", None),
            Err(error) => Decoded::new(mixed(error.as_bytes()), "windows-1252", Some(Wrong::Contradicted)),
        },
        Charset::Ascii if bytes.is_ascii() => guess(bytes, None),
        Charset::Ascii => guess(bytes, Some(Wrong::Contradicted)),
        Charset::Whatwg(encoding) if is_utf_16(encoding) && !looks_wide(&bytes) && is_utf_8(&bytes) => {
            guess(bytes, Some(Wrong::Contradicted))
        }
        charset if charset.is_single_byte() && !bytes.is_ascii() && is_utf_8(&bytes) => {
            Charset::Whatwg(UTF_8).decode(bytes, Some(Wrong::Contradicted))
        }
        charset => charset.decode(bytes, None),
    }
}

/// Bytes of a header field, a name or the like without a declaration: UTF-8 where valid, windows-1252
/// elsewhere.
pub fn raw(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(mixed(bytes)),
    }
}

impl Decoded {
    fn new(text: String, charset: &str, wrong: Option<Wrong>) -> Decoded {
        Decoded { text, charset: charset.to_owned(), wrong, lost: false }
    }
}

/// A charset that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Charset {
    Ascii,
    Whatwg(&'static Encoding),
    CodePage(&'static str, &'static str),
    Utf7,
    Utf32 { big: bool },
    Iso2022Kr,
    Hz,
}

/// What a label means.
enum Label {
    Charset(Charset),
    /// It says that the charset is not known.
    None,
    Unknown,
}

/// Labels that the WHATWG standard does not list, without `-`, `_`, `.`, `:` and spaces, and what they
/// mean.
const ALIASES: &[(&str, &str)] = &[
    ("usascii", "us-ascii"),
    ("ascii", "us-ascii"),
    ("ansix341968", "us-ascii"),
    ("ansix341986", "us-ascii"),
    ("iso646us", "us-ascii"),
    ("646", "us-ascii"),
    ("csascii", "us-ascii"),
    ("cp367", "us-ascii"),
    ("utf8sig", "utf-8"),
    ("cp65001", "utf-8"),
    ("unicode11utf8", "utf-8"),
    ("xutf8", "utf-8"),
    ("iso10646utf8", "utf-8"),
    ("utf8mb4", "utf-8"),
    ("latin1", "windows-1252"),
    ("88591", "windows-1252"),
    ("ansi", "windows-1252"),
    ("win1250", "windows-1250"),
    ("win1251", "windows-1251"),
    ("win1252", "windows-1252"),
    ("windows1252http", "windows-1252"),
    ("cp1250", "windows-1250"),
    ("cp1251", "windows-1251"),
    ("cp1252", "windows-1252"),
    ("cp1253", "windows-1253"),
    ("cp1254", "windows-1254"),
    ("cp1255", "windows-1255"),
    ("cp1256", "windows-1256"),
    ("cp1257", "windows-1257"),
    ("cp1258", "windows-1258"),
    ("ms932", "shift_jis"),
    ("cp932", "shift_jis"),
    ("windows932", "shift_jis"),
    ("shiftjis", "shift_jis"),
    ("sjis", "shift_jis"),
    ("eucjp", "euc-jp"),
    ("cp51932", "euc-jp"),
    ("ujis", "euc-jp"),
    ("iso2022jp1", "iso-2022-jp"),
    ("iso2022jp2", "iso-2022-jp"),
    ("iso2022jp3", "iso-2022-jp"),
    ("iso2022jpms", "iso-2022-jp"),
    ("cp50220", "iso-2022-jp"),
    ("cp50221", "iso-2022-jp"),
    ("jis", "iso-2022-jp"),
    ("cp936", "gbk"),
    ("ms936", "gbk"),
    ("windows936", "gbk"),
    ("euccn", "gbk"),
    ("gb2312charset", "gbk"),
    ("gb18030", "gb18030"),
    ("cp54936", "gb18030"),
    ("cp950", "big5"),
    ("ms950", "big5"),
    ("cp949", "euc-kr"),
    ("ms949", "euc-kr"),
    ("uhc", "euc-kr"),
    ("ksc5601", "euc-kr"),
    ("euckr", "euc-kr"),
    ("koi8", "koi8-r"),
    ("cp878", "koi8-r"),
    ("cp866", "ibm866"),
    ("macroman", "macintosh"),
    ("xmacroman", "macintosh"),
    ("applemacintosh", "macintosh"),
    ("xmaccyrillic", "x-mac-cyrillic"),
    ("tis620", "windows-874"),
    ("utf16", "utf-16le"),
    ("unicode", "utf-16le"),
    ("ucs2", "utf-16le"),
    ("iso10646ucs2", "utf-16le"),
];

/// Labels (squeezed as above) that declare nothing.
const NOTHING: &[&str] = &[
    "",
    "xunknown",
    "unknown",
    "unknown8bit",
    "default",
    "8bit",
    "7bit",
    "none",
    "binary",
    "charset",
    "xuserdefined",
    "userdefined",
    "auto",
    "undefined",
    "null",
    "any",
    "iso",
];

impl Charset {
    fn of(label: &str) -> Label {
        let label: String = label
            .trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | ',' | '<' | '>'))
            .chars()
            .take(64)
            .collect::<String>()
            .to_ascii_lowercase();
        let squeezed: String = label.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ':' | ' ')).collect();
        if NOTHING.contains(&squeezed.as_str()) {
            return Label::None;
        }
        let alias = ALIASES.iter().find(|(from, _)| *from == squeezed).map(|(_, to)| *to);
        if alias == Some("us-ascii") {
            return Label::Charset(Charset::Ascii);
        }
        let own = match squeezed.as_str() {
            "utf7" | "unicode11utf7" | "unicode20utf7" | "xunicode20utf7" | "csunicode11utf7" | "xutf7"
            | "cp65000" => Some(Charset::Utf7),
            "utf32" | "utf32be" | "ucs4" | "iso10646ucs4" => Some(Charset::Utf32 { big: true }),
            "utf32le" => Some(Charset::Utf32 { big: false }),
            "iso2022kr" | "csiso2022kr" => Some(Charset::Iso2022Kr),
            "hzgb2312" | "hz" => Some(Charset::Hz),
            _ => code_page(&squeezed),
        };
        if let Some(charset) = own {
            return Label::Charset(charset);
        }
        let name = alias.unwrap_or(&label).as_bytes();
        let encoding = Encoding::for_label_no_replacement(name)
            .or_else(|| Encoding::for_label_no_replacement(squeezed.as_bytes()));
        match encoding {
            Some(encoding) if encoding == X_USER_DEFINED => Label::None,
            Some(encoding) => Label::Charset(Charset::Whatwg(encoding)),
            None => Label::Unknown,
        }
    }

    fn is_single_byte(self) -> bool {
        match self {
            Charset::Whatwg(encoding) => encoding.is_single_byte(),
            Charset::CodePage(..) | Charset::Ascii => true,
            _ => false,
        }
    }

    fn decode(self, bytes: Vec<u8>, wrong: Option<Wrong>) -> Decoded {
        let (text, charset, lost) = match self {
            Charset::Ascii => return guess(bytes, wrong),
            Charset::Whatwg(encoding) => {
                let name = encoding.name().to_ascii_lowercase();
                if encoding == UTF_8 {
                    match String::from_utf8(bytes) {
                        Ok(text) => (text, name, false),
                        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), name, true),
                    }
                } else {
                    let bytes = if encoding == ISO_2022_JP { without_idle_escapes(bytes) } else { bytes };
                    let (text, lost) = encoding.decode_without_bom_handling(&bytes);
                    (text.into_owned(), name, lost)
                }
            }
            Charset::CodePage(name, upper) => {
                let (text, lost) = from_code_page(&bytes, upper);
                (text, name.to_owned(), lost)
            }
            Charset::Utf7 => {
                let (text, lost) = from_utf_7(&bytes);
                (text, "utf-7".to_owned(), lost)
            }
            Charset::Utf32 { big } => {
                let (text, lost) = from_utf_32(&bytes, big);
                (text, if big { "utf-32be" } else { "utf-32le" }.to_owned(), lost)
            }
            Charset::Iso2022Kr => {
                let euc = shifted(&bytes);
                let (text, lost) = EUC_KR.decode_without_bom_handling(&euc);
                (text.into_owned(), "iso-2022-kr".to_owned(), lost)
            }
            Charset::Hz => {
                let gbk = from_hz(&bytes);
                let (text, lost) = GBK.decode_without_bom_handling(&gbk);
                (text.into_owned(), "hz-gb-2312".to_owned(), lost)
            }
        };
        Decoded { text, charset, wrong: wrong.or(lost.then_some(Wrong::Malformed)), lost }
    }
}

fn code_page(squeezed: &str) -> Option<Charset> {
    let number =
        ["ibm", "cp", "csibm", "cspc", "oem", "dos"].iter().find_map(|prefix| squeezed.strip_prefix(prefix));
    let number = match number.unwrap_or(squeezed) {
        "00858" => "858",
        "850multilingual" => "850",
        "8codepage437" => "437",
        number => number,
    };
    code_pages::TABLE
        .iter()
        .find(|(name, _)| name.strip_prefix("cp") == Some(number))
        .map(|(name, upper)| Charset::CodePage(name, upper))
}

fn byte_order_mark(bytes: &[u8]) -> Option<(Charset, usize)> {
    let marks: [(&[u8], Charset); 5] = [
        (b"\xef\xbb\xbf", Charset::Whatwg(UTF_8)),
        (b"\xff\xfe\0\0", Charset::Utf32 { big: false }),
        (b"\0\0\xfe\xff", Charset::Utf32 { big: true }),
        (b"\xff\xfe", Charset::Whatwg(UTF_16LE)),
        (b"\xfe\xff", Charset::Whatwg(UTF_16BE)),
    ];
    marks.into_iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(mark, charset)| (charset, mark.len()))
}

fn is_utf_16(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

fn is_utf_8(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok()
}

fn looks_wide(bytes: &[u8]) -> bool {
    memchr::memchr(0, bytes).is_some()
}

/// Text without a declaration that could be believed.
fn guess(bytes: Vec<u8>, wrong: Option<Wrong>) -> Decoded {
    if let Some(encoding) = wide(&bytes) {
        return Charset::Whatwg(encoding).decode(bytes, wrong);
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) if switches_to_jis(text.as_bytes()) => {
            return Charset::Whatwg(ISO_2022_JP).decode(text.into_bytes(), wrong);
        }
        Ok(text) => {
            let charset = if text.is_ascii() { "us-ascii" } else { "utf-8" };
            // Text declared as ASCII that is ASCII after all has nothing wrong with it.
            return Decoded::new(text, charset, wrong);
        }
        Err(error) => error.into_bytes(),
    };
    match cyrillic(&bytes).or_else(|| double_byte(&bytes)) {
        Some(encoding) => Charset::Whatwg(encoding).decode(bytes, wrong),
        None => Decoded::new(mixed(&bytes), "windows-1252", wrong),
    }
}

/// UTF-16 without a byte order mark: mostly Latin text has a zero in every other byte.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = bytes.get(..bytes.len().min(4096) & !1).filter(|sample| sample.len() >= 8)?;
    let (mut even, mut odd) = (0, 0);
    for pair in sample.as_chunks::<2>().0 {
        even += usize::from(pair[0] == 0);
        odd += usize::from(pair[1] == 0);
    }
    let pairs = sample.len() / 2;
    match (even * 10 > pairs * 6, odd * 10 > pairs * 6) {
        (false, true) if even * 20 < pairs => Some(UTF_16LE),
        (true, false) if odd * 20 < pairs => Some(UTF_16BE),
        _ => None,
    }
}

/// ISO-2022-JP is 7-bit: without a declaration only its escape sequences show it.
fn switches_to_jis(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"\x1b$B").is_some() || memchr::memmem::find(bytes, b"\x1b$@").is_some()
}

/// Bytes looked at to tell charsets apart.
const SAMPLE: usize = 16 << 10;

/// Russian, Ukrainian and the like in an 8-bit charset: most letters are outside ASCII, and lower case
/// is more frequent than upper case, which stand in opposite halves of windows-1251 and KOI8.
fn cyrillic(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = bytes.get(..bytes.len().min(SAMPLE))?;
    let (mut ascii, mut low, mut high, mut middle) = (0u32, 0u32, 0u32, 0u32);
    // Letters outside ASCII that follow one: in Cyrillic they come in whole words.
    let mut runs = 0u32;
    let mut before = false;
    for byte in sample {
        let letter = *byte >= 0xc0;
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => ascii += 1,
            0xc0..=0xdf => low += 1,
            0xe0..=0xff => high += 1,
            0x80..=0xaf => middle += 1,
            _ => {}
        }
        runs += u32::from(letter && before);
        before = letter;
    }
    let upper = low + high;
    if upper < 8 || runs * 2 < upper || upper * 2 < ascii {
        // Few such letters, or one at a time as in Western European text.
        let dos = middle > 8 && middle > upper && middle > ascii;
        return (dos && dos_cyrillic(sample)).then_some(IBM866);
    }
    // KOI8: lower case 0xC0..0xDF; windows-1251: lower case 0xE0..0xFF. Doubtful mixes are neither.
    match (low, high) {
        (low, high) if high > low * 3 && middle * 4 < upper => Some(WINDOWS_1251),
        (low, high) if low > high * 3 && middle * 4 < upper => Some(KOI8_R),
        _ => None,
    }
}

/// IBM866 has lower case in 0xA0..0xAF and 0xE0..0xEF and frame characters between, rare in mail.
fn dos_cyrillic(sample: &[u8]) -> bool {
    let letters = sample.iter().filter(|b| matches!(b, 0x80..=0xaf | 0xe0..=0xef)).count();
    let lower = sample.iter().filter(|b| matches!(b, 0xa0..=0xaf | 0xe0..=0xef)).count();
    let other = sample.iter().filter(|b| matches!(b, 0xb0..=0xdf | 0xf0..=0xff)).count();
    lower * 2 > letters && other * 20 < letters
}

/// East Asian text: the only one of these charsets in which every byte has a meaning, if it is mostly
/// made of double bytes.
fn double_byte(bytes: &[u8]) -> Option<&'static Encoding> {
    let cut = bytes.len().min(SAMPLE);
    let sample = bytes.get(..cut)?;
    let high = sample.iter().filter(|b| **b >= 0x80).count();
    if high < 16 || high * 3 < sample.len() {
        return None;
    }
    // A cut in the middle of a character is not an error: cut at an ASCII byte if there is one.
    let end = if cut == bytes.len() { cut } else { sample.iter().rposition(|b| *b < 0x40)? };
    let sample = sample.get(..end)?;
    let fits: Vec<_> = [SHIFT_JIS, GBK, BIG5, EUC_KR]
        .into_iter()
        .filter(|encoding| !encoding.decode_without_bom_handling(sample).1)
        .collect();
    match fits.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

/// UTF-8 where it is valid, single bytes as windows-1252 elsewhere. Loses nothing: windows-1252 gives
/// every byte a character.
fn mixed(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 8);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        let (western, _) = WINDOWS_1252.decode_without_bom_handling(chunk.invalid());
        text.push_str(&western);
    }
    text
}

fn from_code_page(bytes: &[u8], upper: &str) -> (String, bool) {
    let upper: Vec<char> = upper.chars().collect();
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 4);
    let mut lost = false;
    for byte in bytes {
        let c = match byte.checked_sub(0x80) {
            None => char::from(*byte),
            Some(high) => upper.get(usize::from(high)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        };
        lost |= c == char::REPLACEMENT_CHARACTER;
        text.push(c);
    }
    (text, lost)
}

fn from_utf_32(bytes: &[u8], big: bool) -> (String, bool) {
    let (chunks, rest) = bytes.as_chunks::<4>();
    let mut lost = !rest.is_empty();
    let text = chunks
        .iter()
        .map(|chunk| if big { u32::from_be_bytes(*chunk) } else { u32::from_le_bytes(*chunk) })
        .map(|code| {
            char::from_u32(code).unwrap_or_else(|| {
                lost = true;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    (text, lost)
}

/// UTF-7 (RFC 2152): `+` begins base64 of UTF-16BE units, which ends at the first other byte; a `-`
/// there belongs to it. Bytes above ASCII, which UTF-7 does not have, are read as [`raw`] would.
fn from_utf_7(bytes: &[u8]) -> (String, bool) {
    let mut text = String::with_capacity(bytes.len());
    let mut lost = false;
    let mut rest = bytes;
    while let Some(plus) = memchr::memchr(b'+', rest) {
        let (direct, from_plus) = rest.split_at(plus);
        text.push_str(&raw(direct));
        let coded = from_plus.get(1..).unwrap_or_default();
        let len = coded.iter().position(|b| sextet(*b).is_none()).unwrap_or(coded.len());
        let (coded, after) = coded.split_at(len);
        if coded.is_empty() {
            text.push('+');
        } else {
            lost |= !push_utf_16(coded, &mut text);
        }
        rest = after.strip_prefix(b"-").unwrap_or(after);
    }
    text.push_str(&raw(rest));
    (text, lost)
}

/// Appends base64 of UTF-16BE; whether it was whole.
fn push_utf_16(coded: &[u8], text: &mut String) -> bool {
    let (mut bits, mut held) = (0u32, 0u32);
    let mut units = Vec::with_capacity(coded.len() * 3 / 8 + 1);
    for value in coded.iter().filter_map(|b| sextet(*b)) {
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 16 {
            held -= 16;
            units.push((bits >> held) as u16);
            bits &= (1 << held) - 1;
        }
    }
    let mut whole = held < 6 && bits == 0;
    text.extend(char::decode_utf16(units).map(|unit| {
        unit.unwrap_or_else(|_| {
            whole = false;
            char::REPLACEMENT_CHARACTER
        })
    }));
    whole
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// ISO-2022-JP without escape sequences that another follows at once: the standard's decoder takes them
/// for an attack, and mail programs write them where they join lines.
fn without_idle_escapes(bytes: Vec<u8>) -> Vec<u8> {
    let is_escape = |at: &[u8]| matches!(at, [0x1b, b'(' | b'$', _, ..]);
    let idle = |at: &[u8]| is_escape(at) && at.get(3..).is_some_and(is_escape);
    if !memchr::memchr_iter(0x1b, &bytes).any(|i| bytes.get(i..).is_some_and(idle)) {
        return bytes;
    }
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    while let Some(escape) = memchr::memchr(0x1b, rest) {
        let (before, from) = rest.split_at(escape);
        kept.extend_from_slice(before);
        let len = if is_escape(from) { 3 } else { 1 };
        let (sequence, after) = from.split_at(len);
        if !idle(from) {
            kept.extend_from_slice(sequence);
        }
        rest = after;
    }
    kept.extend_from_slice(rest);
    kept
}

/// ISO-2022-KR (RFC 1557) as EUC-KR: between SO and SI the upper bit is set; the designation goes.
fn shifted(bytes: &[u8]) -> Vec<u8> {
    let mut euc = Vec::with_capacity(bytes.len());
    let mut korean = false;
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            0x0e => korean = true,
            0x0f => korean = false,
            0x1b if after.starts_with(b"$)C") => rest = after.get(3..).unwrap_or_default(),
            b'\r' | b'\n' => {
                korean = false;
                euc.push(*byte);
            }
            0x21..=0x7e if korean => euc.push(byte | 0x80),
            _ => euc.push(*byte),
        }
    }
    euc
}

/// HZ (RFC 1843) as GBK: between `~{` and `~}` the upper bit is set.
fn from_hz(bytes: &[u8]) -> Vec<u8> {
    let mut gbk = Vec::with_capacity(bytes.len());
    let mut chinese = false;
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        let skip = match (byte, after.first()) {
            (b'~', Some(b'{')) => {
                chinese = true;
                2
            }
            (b'~', Some(b'}')) => {
                chinese = false;
                2
            }
            (b'~', Some(b'~')) if !chinese => {
                gbk.push(b'~');
                2
            }
            (b'~', Some(b'\n')) if !chinese => 2,
            (0x21..=0x7e, _) if chinese => {
                gbk.push(byte | 0x80);
                1
            }
            (b'\n', _) => {
                chinese = false;
                gbk.push(b'\n');
                1
            }
            _ => {
                gbk.push(*byte);
                1
            }
        };
        rest = rest.get(skip..).unwrap_or_default();
    }
    gbk
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_sniffed_and_wrongly_declared() {
        use Wrong::*;
        type Case<'a> = (&'a [u8], Option<&'a str>, &'a str, &'a str, Option<Wrong>);
        let cases: &[Case] = &[
            (b"plain", None, "plain", "us-ascii", None),
            (b"plain", Some("us-ascii"), "plain", "us-ascii", None),
            (b"caf\xc3\xa9", None, "café", "utf-8", None),
            (b"caf\xe9", None, "café", "windows-1252", None),
            (b"caf\xe9", Some("ISO-8859-1"), "café", "windows-1252", None),
            (b"\x93caf\xe9\x94", Some("iso-8859-1"), "“café”", "windows-1252", None),
            (b"caf\xe9", Some("us-ascii"), "café", "windows-1252", Some(Contradicted)),
            (b"caf\xc3\xa9", Some("us-ascii"), "café", "utf-8", Some(Contradicted)),
            (b"caf\xc3\xa9", Some("iso-8859-1"), "café", "utf-8", Some(Contradicted)),
            (b"caf\xc3\xa9", Some("ansi_x3.4-1968"), "café", "utf-8", Some(Contradicted)),
            (b"caf\xe9", Some("utf-8"), "café", "windows-1252", Some(Contradicted)),
            (b"caf\xe9 caf\xc3\xa9", Some("UTF8"), "café café", "windows-1252", Some(Contradicted)),
            (b"caf\xe9", Some("x-unknown"), "café", "windows-1252", None),
            (b"caf\xe9", Some("klingon"), "café", "windows-1252", Some(Label)),
            (b"\xef\xbb\xbfcaf\xc3\xa9", Some("iso-8859-1"), "café", "utf-8", None),
            (b"\xff\xfea\0b\0", None, "ab", "utf-16le", None),
            (b"\xfe\xff\0a\0b", Some("utf-8"), "ab", "utf-16be", None),
            (b"a\0b\0c\0d\0e\0", None, "abcde", "utf-16le", None),
            (b"a\0b\0", Some("utf-16"), "ab", "utf-16le", None),
            (b"not wide", Some("utf-16"), "not wide", "us-ascii", Some(Contradicted)),
            (b"\0\0\xfe\xff\0\0\0a", None, "a", "utf-32be", None),
            (b"\xf0\xd2\xc9\xd7\xc5\xd4", Some("koi8-r"), "Привет", "koi8-r", None),
            (b"\x82\xa0", Some("cp932"), "あ", "shift_jis", None),
            (b"\x1b$B$\"\x1b(B", Some("iso-2022-jp"), "あ", "iso-2022-jp", None),
            (b"\x1b$B$\"\x1b(B\x1b$B$\"\x1b(B", Some("iso-2022-jp"), "ああ", "iso-2022-jp", None),
            (b"\x1b$B$\"\x1b(B", None, "あ", "iso-2022-jp", None),
            (b"\x1b$B$\"\x1b(B", Some("us-ascii"), "あ", "iso-2022-jp", None),
            (b"\x1b$)C\x0e0!\x0fx", Some("iso-2022-kr"), "가x", "iso-2022-kr", None),
            (b"~{<:Ky2;~}~~", Some("hz-gb-2312"), "己所不~", "hz-gb-2312", None),
            (b"\x82", Some("cp437"), "é", "cp437", None),
            (b"\x82\xd5", Some("IBM850"), "éı", "cp850", None),
            (b"\xd5", Some("cp858"), "€", "cp858", None),
            (b"\x8e\x8f", Some("macintosh"), "éè", "macintosh", None),
            (b"\xb0\xa1\xff", Some("euc-kr"), "가\u{fffd}", "euc-kr", Some(Malformed)),
        ];
        for (bytes, label, text, charset, wrong) in cases {
            let decoded = decode(bytes.to_vec(), *label);
            assert_eq!(
                (decoded.text.as_str(), decoded.charset.as_str(), decoded.wrong),
                (*text, *charset, *wrong),
                "{bytes:x?} as {label:?}"
            );
            assert_eq!(decoded.lost, *wrong == Some(Malformed));
        }
    }

    #[test]
    fn utf_7() {
        for (coded, text, lost) in [
            ("Hi Mom -+Jjo--!", "Hi Mom -☺-!", false),
            ("A+ImIDkQ.", "A≢Α.", false),
            ("1 +- 1", "1 + 1", false),
            ("+AGEAYg", "ab", false),
            ("+ADw-script+AD4-", "<script>", false),
            ("+2D3eAA-", "😀", false),
            ("+2D0-", "\u{fffd}", true),
            ("+A", "", true),
            ("a + b", "a + b", false),
        ] {
            assert_eq!(from_utf_7(coded.as_bytes()), (text.to_owned(), lost), "{coded}");
        }
    }

    #[test]
    fn russian_without_a_declaration() {
        let text = "Уважаемые коллеги, направляю вам отчёт за прошлый месяц. С уважением, Иван Петров";
        for encoding in [WINDOWS_1251, KOI8_R, IBM866] {
            let (bytes, _, _) = encoding.encode(text);
            assert_eq!(decode(bytes.into_owned(), None).text, text, "{}", encoding.name());
        }
        for western in ["Grüße aus München, die Straße ist schön", "Voilà l'été à Orléans, où êtes-vous"]
        {
            let (bytes, _, _) = WINDOWS_1252.encode(western);
            assert_eq!(decode(bytes.into_owned(), None).text, western);
        }
    }

    #[test]
    fn every_label_of_ours_means_something() {
        for (from, to) in ALIASES {
            assert!(matches!(Charset::of(from), Label::Charset(_)), "{from}");
            assert!(matches!(Charset::of(to), Label::Charset(_)), "{to}");
        }
        for (name, upper) in code_pages::TABLE {
            assert_eq!(upper.chars().count(), 128, "{name}");
            assert!(matches!(Charset::of(name), Label::Charset(Charset::CodePage(..))), "{name}");
        }
    }

    #[test]
    fn any_bytes_with_any_label_are_text() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1024).collect();
        for (label, _) in ALIASES {
            for cut in 0..64 {
                assert!(decode(bytes[cut..].to_vec(), Some(label)).text.len() <= 3 * 1024);
            }
        }
    }
}
