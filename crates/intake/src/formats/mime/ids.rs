//! Message identifiers (RFC 5322 §3.6.4, §4.5.4) of Message-ID, In-Reply-To and References.

use crate::formats::charset;

/// The identifiers of a value in order, without angle brackets, at most `most`. Without brackets, a
/// word with an `@` is one if the value consists of such words only.
pub(super) fn parse(value: &[u8], most: usize) -> Vec<String> {
    let mut ids = Vec::new();
    let mut rest = value;
    while let Some(open) = memchr::memchr(b'<', rest).filter(|_| ids.len() < most) {
        let inner = rest.get(open + 1..).unwrap_or_default();
        // An identifier that never closes ends where the next begins, or at white space.
        let end = inner.iter().position(|b| matches!(b, b'>' | b'<')).unwrap_or(inner.len());
        let (id, after) = inner.split_at(end);
        let closed = after.first() == Some(&b'>');
        ids.extend(clean(id, closed));
        rest = if closed { after.get(1..).unwrap_or_default() } else { after };
    }
    if ids.is_empty() {
        let words = || value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        if words().all(|word| word.contains(&b'@') && !word.contains(&b'"')) {
            ids.extend(words().take(most).filter_map(|word| clean(word, true)));
        }
    }
    ids
}

/// The one identifier of Message-ID; whatever stands there if it is none.
pub(super) fn one(value: &[u8]) -> Option<String> {
    let whole = || Some(charset::raw(value.trim_ascii()).into_owned()).filter(|id| !id.is_empty());
    parse(value, 1).pop().or_else(whole).map(|id| {
        let id = id.trim_matches(['<', '>']);
        id.chars().take(LENGTH).collect()
    })
}

/// Characters of an identifier that are kept.
const LENGTH: usize = 2000;

fn clean(id: &[u8], closed: bool) -> Option<String> {
    let id =
        if closed { id } else { id.trim_ascii_start().split(u8::is_ascii_whitespace).next().unwrap_or(id) };
    // Folding inside an identifier: white space goes, except in quotes.
    let mut quoted = false;
    let id: Vec<u8> = id
        .iter()
        .copied()
        .filter(|b| {
            quoted ^= *b == b'"';
            quoted || !b.is_ascii_whitespace()
        })
        .collect();
    let id = charset::raw(&id).chars().take(LENGTH).collect::<String>();
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("<a@b>", &["a@b"]),
            (" <a@b>  <c@d>\t<e@f>", &["a@b", "c@d", "e@f"]),
            ("<a@b><c@d>", &["a@b", "c@d"]),
            ("Your message of \"Mon, 1 Jan\" <a@b>", &["a@b"]),
            ("joe@x's message of Monday", &[]),
            ("a@b", &["a@b"]),
            ("a@b c@d", &["a@b", "c@d"]),
            ("<a@b <c@d>", &["a@b", "c@d"]),
            ("<a@b", &["a@b"]),
            ("<a @b>", &["a@b"]),
            ("<\"a b\"@c>", &["\"a b\"@c"]),
            ("<>", &[]),
            ("<no-at>", &["no-at"]),
        ];
        for (value, expect) in cases {
            assert_eq!(parse(value.as_bytes(), 100), *expect, "{value}");
        }
        assert_eq!(parse(&b"<a@b>".repeat(10), 3).len(), 3);
    }

    #[test]
    fn the_one() {
        for (value, expect) in [("<a@b>", Some("a@b")), ("a b", Some("a b")), ("  ", None), ("<x", Some("x"))]
        {
            assert_eq!(one(value.as_bytes()).as_deref(), expect, "{value}");
        }
    }
}
