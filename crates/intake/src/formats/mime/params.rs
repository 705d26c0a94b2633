//! Values with parameters: Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2183), with
//! continuations and charsets (RFC 2231) and what broken programs write instead of them.

use super::words::{self, hex};
use crate::formats::charset;

/// Sections of one continued parameter that are kept.
const SECTIONS: usize = 1000;
/// Parameters of one field that are looked at.
const PARAMETERS: usize = 4000;

/// A value and its parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Value {
    /// What stands before the first `;`, without comments, in lower case: `text/plain`.
    pub main: String,
    /// Name in lower case and decoded value; the first of each name.
    pub parameters: Vec<(String, String)>,
}

impl Value {
    /// The parameter of this lower-case name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A parameter as it stands: name without `*`, section number and whether it is percent-encoded.
struct Raw {
    name: String,
    section: Option<u32>,
    coded: bool,
    value: Vec<u8>,
}

/// Takes a value apart. `value` is unfolded.
pub(super) fn parse(value: &[u8]) -> Value {
    let end = memchr::memchr(b';', value).unwrap_or(value.len());
    let (main, rest) = value.split_at(end);
    let main = without_comments(main);
    let mut words = main.split_ascii_whitespace();
    let mut parsed = Value {
        main: words.next().unwrap_or("").trim_matches('"').to_ascii_lowercase(),
        parameters: Vec::new(),
    };
    // `text/plain charset=x`: the semicolon is missing. `text / plain`: spaces where none belong.
    let mut raws = Vec::new();
    let joined = main.split_ascii_whitespace().collect::<String>();
    if !main.contains('=') && joined.matches('/').count() == 1 {
        parsed.main = joined.trim_matches('"').to_ascii_lowercase();
    }
    for word in words.filter(|word| word.contains('=')) {
        raws.extend(raw(word.as_bytes()).map(|(raw, _)| raw));
    }
    let mut rest = rest;
    while !rest.is_empty() && raws.len() < PARAMETERS {
        rest = rest.trim_ascii_start();
        let Some(after) = rest.strip_prefix(b";") else {
            rest = memchr::memchr(b';', rest).and_then(|at| rest.get(at..)).unwrap_or_default();
            continue;
        };
        match raw(after) {
            Some((raw, len)) => {
                raws.push(raw);
                rest = after.get(len..).unwrap_or_default();
            }
            None => rest = memchr::memchr(b';', after).and_then(|at| after.get(at..)).unwrap_or_default(),
        }
    }
    parsed.parameters = join(raws);
    parsed
}

/// One `name=value` and its length.
fn raw(text: &[u8]) -> Option<(Raw, usize)> {
    let equals =
        text.iter().position(|b| matches!(b, b'=' | b';')).filter(|at| text.get(*at) == Some(&b'='))?;
    let (name, after) = text.split_at(equals);
    let name = std::str::from_utf8(name.trim_ascii()).ok()?.to_ascii_lowercase();
    let name = name.rsplit(|c: char| c.is_ascii_whitespace() || c == ')').next().unwrap_or("").to_owned();
    if name.is_empty() || name.len() > 128 {
        return None;
    }
    let (name, section, coded) = sections(&name);
    let names_a_file = matches!(name.as_str(), "name" | "filename");
    let after = after.get(1..).unwrap_or_default();
    let space = after.len() - after.trim_ascii_start().len();
    let body = after.get(space..).unwrap_or_default();
    let (value, len) = match body.strip_prefix(b"\"").and_then(|inner| quoted(inner, names_a_file)) {
        Some((value, len)) => {
            // `"one"two`: what follows the quotes belongs to nothing.
            (value, 1 + len)
        }
        None => bare(body, names_a_file),
    };
    Some((Raw { name, section, coded, value }, equals + 1 + space + len))
}

/// `name*0*` is the first section of `name`, percent-encoded.
fn sections(name: &str) -> (String, Option<u32>, bool) {
    let (name, coded) = match name.strip_suffix('*') {
        Some(name) => (name, true),
        None => (name, false),
    };
    match name.rsplit_once('*').and_then(|(name, n)| Some((name, n.parse().ok()?))) {
        Some((name, section)) => (name.to_owned(), Some(section), coded),
        None => (name.to_owned(), None, coded),
    }
}

/// A quoted string up to its closing quote; `None` if there is none. Windows paths in file names are
/// full of `\`, which escape nothing there but quotes.
fn quoted(inner: &[u8], names_a_file: bool) -> Option<(Vec<u8>, usize)> {
    let mut value = Vec::new();
    let mut at = 0;
    while let Some(byte) = inner.get(at) {
        match (byte, inner.get(at + 1)) {
            (b'"', _) => return Some((value, at + 1)),
            (b'\\', Some(next)) if !names_a_file || matches!(next, b'"' | b'\\') => {
                value.push(*next);
                at += 1;
            }
            (byte, _) => value.push(*byte),
        }
        at += 1;
    }
    None
}

/// An unquoted value: up to the semicolon. In file names spaces and parentheses stand for themselves.
fn bare(body: &[u8], names_a_file: bool) -> (Vec<u8>, usize) {
    let len = memchr::memchr(b';', body).unwrap_or(body.len());
    let value = body.get(..len).unwrap_or_default().trim_ascii();
    if names_a_file {
        return (value.trim_prefix_suffix(), len);
    }
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let value = value.split(|b| matches!(b, b' ' | b'\t' | b'(')).next().unwrap_or(value);
    (value.to_vec(), len)
}

trait Quotes {
    fn trim_prefix_suffix(&self) -> Vec<u8>;
}

impl Quotes for [u8] {
    /// Without a quote that was never closed, or single quotes around.
    fn trim_prefix_suffix(&self) -> Vec<u8> {
        let value = self.strip_prefix(b"\"").unwrap_or(self);
        value.strip_prefix(b"'").and_then(|inner| inner.strip_suffix(b"'")).unwrap_or(value).to_vec()
    }
}

/// Puts the sections together and decodes.
fn join(raws: Vec<Raw>) -> Vec<(String, String)> {
    let mut parameters: Vec<(String, String)> = Vec::new();
    // Sections by name, in order of their numbers; the sort is stable, so that the first of two wins.
    let (mut continued, whole): (Vec<Raw>, Vec<Raw>) =
        raws.into_iter().partition(|raw| raw.section.is_some() || raw.coded);
    continued.sort_by(|a, b| (&a.name, a.section).cmp(&(&b.name, b.section)));
    for group in continued.chunk_by(|a, b| a.name == b.name) {
        if let Some(first) = group.first() {
            parameters.push((first.name.clone(), extended(group)));
        }
    }
    for raw in whole {
        // The extended form wins (RFC 6266 §4.3 says so of file names, and mail programs do).
        if parameters.iter().all(|(name, _)| *name != raw.name) {
            // A boundary is compared with bytes; whatever it looks like, it is no text.
            let value = if raw.name == "boundary" {
                charset::raw(&raw.value).into_owned()
            } else {
                words::decode(&raw.value)
            };
            parameters.push((raw.name, value));
        }
        if parameters.len() > 64 {
            break;
        }
    }
    parameters
}

/// The value of a parameter in the form of RFC 2231: `charset'language'value`, in one or more sections.
fn extended(sections: &[Raw]) -> String {
    let mut label = None;
    let mut bytes = Vec::new();
    let mut last = None;
    let mut any_coded = false;
    for (i, section) in sections.iter().take(SECTIONS).enumerate() {
        if i > 0 && section.section == last {
            continue;
        }
        last = section.section;
        let mut value = section.value.as_slice();
        if i == 0 && section.coded {
            let mut quotes = value.splitn(3, |b| *b == b'\'');
            let is_label =
                |label: &[u8]| label.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b));
            if let (Some(charset), Some(_), Some(rest)) = (quotes.next(), quotes.next(), quotes.next())
                && is_label(charset)
            {
                label = Some(charset::raw(charset).into_owned()).filter(|label| !label.is_empty());
                value = rest;
            }
        }
        any_coded |= section.coded;
        if section.coded {
            percent(value, &mut bytes);
        } else {
            bytes.extend_from_slice(value);
        }
    }
    if !any_coded && memchr::memmem::find(&bytes, b"=?").is_some() {
        // Encoded words cut into sections.
        return words::decode(&bytes);
    }
    charset::decode(bytes, label.as_deref()).text
}

fn percent(value: &[u8], to: &mut Vec<u8>) {
    let mut rest = value;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, tail @ ..]) if hex(*high, *low).is_some() => {
                to.extend(hex(*high, *low));
                rest = tail;
            }
            (byte, _) => to.push(*byte),
        }
    }
}

/// Text without comments (RFC 5322 §3.2.2), nested ones counted and not recursed into.
pub(super) fn without_comments(value: &[u8]) -> String {
    let mut text = Vec::with_capacity(value.len());
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for byte in value {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if depth > 0 || quoted => escaped = true,
            b'"' if depth == 0 => quoted = !quoted,
            b'(' if !quoted => {
                depth += 1;
                continue;
            }
            b')' if !quoted && depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    text.push(b' ');
                }
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            text.push(*byte);
        }
    }
    charset::raw(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);
        let cases: &[Case] = &[
            (" text/plain", "text/plain", &[]),
            ("Text/HTML; Charset=UTF-8", "text/html", &[("charset", "UTF-8")]),
            ("text/plain; charset=us-ascii (Plain text)", "text/plain", &[("charset", "us-ascii")]),
            ("text/plain (c) ; charset = \"x y\"", "text/plain", &[("charset", "x y")]),
            ("text/plain charset=utf-8", "text/plain", &[("charset", "utf-8")]),
            ("text / plain", "text/plain", &[]),
            ("text", "text", &[]),
            ("", "", &[]),
            (";;; ;a=b;;c=d;", "", &[("a", "b"), ("c", "d")]),
            ("m/x; boundary=\"a;b\\\"c\"; b=1", "m/x", &[("boundary", "a;b\"c"), ("b", "1")]),
            ("m/x; boundary=----=_Part_1.2", "m/x", &[("boundary", "----=_Part_1.2")]),
            ("m/x; boundary=", "m/x", &[("boundary", "")]),
            ("m/x; boundary=\"never closed; c=d", "m/x", &[("boundary", "never"), ("c", "d")]),
            ("a/b; name=two words (1).pdf; x=y", "a/b", &[("name", "two words (1).pdf"), ("x", "y")]),
            ("a/b; name=\"C:\\temp\\new \\\"x\\\".doc\"", "a/b", &[("name", "C:\\temp\\new \"x\".doc")]),
            ("a/b; name=\"=?utf-8?Q?caf=C3=A9.txt?=\"", "a/b", &[("name", "café.txt")]),
            ("a/b; name==?utf-8?Q?caf=C3=A9.txt?=", "a/b", &[("name", "café.txt")]),
            ("a/b; name=caf\u{e9}", "a/b", &[("name", "café")]),
            ("a/b; filename*=utf-8''caf%C3%A9.txt", "a/b", &[("filename", "café.txt")]),
            (
                "a/b; filename=cafe.txt; filename*=iso-8859-1'fr'caf%E9.txt",
                "a/b",
                &[("filename", "café.txt")],
            ),
            ("a/b; filename*=\"utf-8''caf%C3%A9\"", "a/b", &[("filename", "café")]),
            (
                "a/b; filename*0*=utf-8''caf%C3; filename*1*=%A9; filename*2=.txt",
                "a/b",
                &[("filename", "café.txt")],
            ),
            ("a/b; filename*1=b; filename*0=a; filename*1=no", "a/b", &[("filename", "ab")]),
            ("a/b; filename*0=\"=?utf-8?Q?caf\"; filename*1=\"=C3=A9?=\"", "a/b", &[("filename", "café")]),
            ("a/b; filename*=50%25 'it''s", "a/b", &[("filename", "50% 'it''s")]),
            ("a/b; filename*=plain%41", "a/b", &[("filename", "plainA")]),
            ("a/b; x=1; X=2", "a/b", &[("x", "1")]),
            ("attachment;filename='x y.pdf'", "attachment", &[("filename", "x y.pdf")]),
        ];
        for (value, main, parameters) in cases {
            let parsed = parse(value.as_bytes());
            assert_eq!(parsed.main, *main, "{value}");
            let got: Vec<_> = parsed.parameters.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            assert_eq!(got, *parameters, "{value}");
        }
    }

    #[test]
    fn comments() {
        for (value, text) in [
            ("a (b (c) d) e", "a   e"),
            ("(a", ""),
            ("a)b", "a)b"),
            ("\"(a)\" (\\)) b", "\"(a)\"   b"),
            ("((((", ""),
        ] {
            assert_eq!(without_comments(value.as_bytes()), text, "{value}");
        }
    }

    #[test]
    fn bombs_cost_linear_time() {
        for piece in [";", ";a=", ";a=\"", ";name*0*=%41", ";a*1=x", "(", "=?a?Q?", "\"", ";filename*=", "\\"]
        {
            let value = format!("a/b{}", piece.repeat((1 << 20) / piece.len()));
            parse(value.as_bytes());
        }
    }
}
