//! Links that gateways put in place of others, and what they stood for.

/// The marks by which a rewritten link is told.
pub(super) const MARKS: [&[u8]; 4] = [
    b"https://urldefense.proofpoint.com/v1/url?u=",
    b"https://urldefense.proofpoint.com/v2/url?u=",
    b"https://urldefense.com/v3/__",
    b".safelinks.protection.outlook.com/?url=",
];

/// Longest link.
const LINK: usize = 8 << 10;

/// A line with its links as they were; `None` where there is none.
pub(super) fn restore(line: &[u8]) -> Option<Vec<u8>> {
    let mut restored = Vec::new();
    let mut rest = line;
    let mut any = false;
    while let Some((start, end, link)) = next(rest) {
        restored.extend_from_slice(rest.get(..start).unwrap_or_default());
        restored.extend(link);
        rest = rest.get(end..).unwrap_or_default();
        any = true;
    }
    restored.extend_from_slice(rest);
    any.then_some(restored)
}

/// Where the first rewritten link stands, and what it stood for.
fn next(line: &[u8]) -> Option<(usize, usize, Vec<u8>)> {
    let mut from = 0;
    loop {
        let rest = line.get(from..).filter(|rest| !rest.is_empty())?;
        let start = from + memchr::memmem::find(rest, b"https://")?;
        let link = line.get(start..).unwrap_or_default();
        let len = link.iter().take(LINK).position(ends_link).unwrap_or(link.len().min(LINK));
        let link = link.get(..len).unwrap_or_default();
        if let Some((used, original)) = original(link) {
            return Some((start, start + used, original));
        }
        from = start + len.max(1);
    }
}

fn ends_link(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'<' | b'>' | b'\'' | b')' | b']')
}

/// What a link stood for, and how much of it stands for that.
fn original(link: &[u8]) -> Option<(usize, Vec<u8>)> {
    let [v1, v2, v3, safe] = MARKS;
    let query = |rest: &[u8]| {
        let rest = rest.split(|b| *b == b'&').next().unwrap_or_default().to_vec();
        Some(rest).filter(|rest| !rest.is_empty())
    };
    if let Some(rest) = link.strip_prefix(v1) {
        return Some((link.len(), percent(&query(rest)?)));
    }
    if let Some(rest) = link.strip_prefix(v2) {
        let coded = query(rest)?.into_iter().map(|byte| match byte {
            b'-' => b'%',
            b'_' => b'/',
            byte => byte,
        });
        return Some((link.len(), percent(&coded.collect::<Vec<_>>())));
    }
    if let Some(rest) = link.strip_prefix(v3) {
        let end = memchr::memmem::find(rest, b"__;")?;
        let tail = rest.get(end + 3..)?;
        let bang = memchr::memmem::find(tail, b"!!")?;
        let dollar = memchr::memchr(b'$', tail)?;
        let used = v3.len() + end + 3 + dollar + 1;
        return Some((used, stars(rest.get(..end)?, tail.get(..bang)?)?));
    }
    let at = memchr::memmem::find(link, safe).filter(|at| *at < 64)?;
    let value = query(link.get(at + safe.len()..)?)?;
    Some((link.len(), percent(&value)))
}

/// Version 3 keeps the link, with `*` for characters that stand in base64 behind it.
fn stars(link: &[u8], coded: &[u8]) -> Option<Vec<u8>> {
    let plain = coded.iter().map(|byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => *byte,
    });
    let (characters, _) = super::super::tags::base64(&plain.collect::<Vec<_>>(), LINK).ok()?;
    let mut characters = characters.into_iter();
    link.iter().map(|byte| if *byte == b'*' { characters.next() } else { Some(*byte) }).collect()
}

fn percent(value: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let escaped = match after {
            [high, low, tail @ ..] if *byte == b'%' => {
                crate::formats::mime::words::hex(*high, *low).map(|byte| (byte, tail))
            }
            _ => None,
        };
        match escaped {
            Some((byte, tail)) => {
                decoded.push(byte);
                rest = tail;
            }
            None => decoded.push(*byte),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links() {
        for (line, expect) in [
            ("see https://www.x.example/a?b=c here", None),
            (
                "<https://urldefense.proofpoint.com/v2/url?u=https-3A__www.x.example_a-3Fb-3Dc&d=Dw&c=1&e=> now",
                Some("<https://www.x.example/a?b=c> now"),
            ),
            (
                "https://urldefense.proofpoint.com/v1/url?u=http://x.example/a%20b&k=1",
                Some("http://x.example/a b"),
            ),
            (
                "https://urldefense.com/v3/__https://x.example/a*b__;Iw!!K!s$ end",
                Some("https://x.example/a#b end"),
            ),
            (
                "\"https://nam02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fx.example%2Fa&data=1&reserved=0\"",
                Some("\"https://x.example/a\""),
            ),
            (
                "https://a.example https://urldefense.proofpoint.com/v2/url?u=http-3A__b.example&d= c",
                Some("https://a.example http://b.example c"),
            ),
            ("https://urldefense.com/v3/__https://x.example", None),
        ] {
            let got = restore(line.as_bytes()).map(|line| String::from_utf8(line).unwrap());
            assert_eq!(got.as_deref(), expect, "{line}");
        }
    }
}
