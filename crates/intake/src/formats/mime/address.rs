//! Addresses of From, To, Cc and Bcc (RFC 5322 §3.4, §4.4): groups, comments, quoted local parts,
//! routes, and lists that are none. One pass, nothing recursive.

use super::words;
use crate::formats::charset;

/// One mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mailbox {
    /// Display name, decoded; a comment where there is no phrase.
    pub name: Option<String>,
    /// The address, its domain in lower case; `None` where only a name stands.
    pub address: Option<String>,
}

impl Mailbox {
    /// What follows the last `@`.
    pub(super) fn domain(&self) -> Option<&str> {
        self.address.as_ref()?.rsplit_once('@').map(|(_, domain)| domain).filter(|domain| !domain.is_empty())
    }
}

/// The mailboxes of a value, at most `most`. `value` is unfolded. Text that is no address (a comma in
/// a name that is not quoted, the name of a group) makes no mailbox with one.
pub(super) fn parse(value: &[u8], most: usize) -> Vec<Mailbox> {
    let mut list = List { found: Vec::new(), most, piece: Piece::default() };
    // A quote or parenthesis that never closes is a character, and so are all that follow it: looking
    // for the end of each would cost quadratic time.
    let (mut quotes, mut comments) = (true, true);
    let mut rest = value;
    while let Some((byte, after)) = rest.split_first() {
        if list.found.len() >= most {
            return list.found;
        }
        rest = after;
        match byte {
            b'"' if quotes => match quoted(after) {
                Some(len) => {
                    let (inner, tail) = after.split_at(len);
                    list.piece.quoted(inner);
                    rest = tail.get(1..).unwrap_or_default();
                }
                None => quotes = false,
            },
            b'(' if comments => match comment(after) {
                Some(len) => {
                    let (inner, tail) = after.split_at(len);
                    list.piece.comment = Some(inner.to_vec());
                    list.piece.text.push(b' ');
                    rest = tail.get(1..).unwrap_or_default();
                }
                None => comments = false,
            },
            b'"' => {}
            b'<' => {
                let (inner, len) = angle(after);
                list.piece.angle = list.piece.angle.take().or(Some(inner));
                rest = after.get(len..).unwrap_or_default();
            }
            b',' => list.end(false),
            b';' => list.end(true),
            b':' if !list.piece.looks_like_address() => list.piece = Piece::default(),
            byte => list.piece.text.push(*byte),
        }
    }
    list.end(true);
    list.found
}

struct List {
    found: Vec<Mailbox>,
    most: usize,
    piece: Piece,
}

/// What stands between two commas.
#[derive(Default)]
struct Piece {
    /// Phrase or address, comments out, quotes in.
    text: Vec<u8>,
    angle: Option<Vec<u8>>,
    comment: Option<Vec<u8>>,
}

impl Piece {
    fn quoted(&mut self, inner: &[u8]) {
        self.text.push(b'"');
        self.text.extend_from_slice(inner);
        self.text.push(b'"');
    }

    fn looks_like_address(&self) -> bool {
        self.text.contains(&b'@')
    }

    fn is_blank(&self) -> bool {
        self.angle.is_none() && self.text.trim_ascii().is_empty()
    }
}

impl List {
    /// A piece is complete; `last`: nothing follows that could belong to it.
    fn end(&mut self, last: bool) {
        let comma_in_name = !last && self.piece.angle.is_none() && !self.piece.looks_like_address();
        if comma_in_name && is_part_of_name(&self.piece.text) {
            // `Doe, John <j@example.org>`: not by the rules, but frequent.
            if !self.piece.is_blank() {
                self.piece.text.push(b',');
            }
            return;
        }
        let piece = std::mem::take(&mut self.piece);
        if piece.is_blank() && piece.comment.is_none() {
            return;
        }
        let room = self.most.saturating_sub(self.found.len());
        self.found.extend(mailboxes(piece).into_iter().take(room));
    }
}

/// Whether text without an address can be the first half of a name: anything, up to a length.
fn is_part_of_name(text: &[u8]) -> bool {
    text.len() < 256
}

fn mailboxes(piece: Piece) -> Vec<Mailbox> {
    let comment = piece.comment.as_ref().map(|c| name_of(c)).filter(|name| !name.is_empty());
    if let Some(angle) = &piece.angle {
        let name = Some(name_of(&piece.text)).filter(|name| !name.is_empty()).or(comment);
        let address = address(angle);
        return Vec::from_iter((name.is_some() || address.is_some()).then_some(Mailbox { name, address }));
    }
    let text = charset::raw(&piece.text).into_owned();
    let mut quoted = false;
    text.split(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .filter_map(|text| bare(text.trim(), &comment))
    .collect()
}

/// A mailbox without brackets.
fn bare(text: &str, comment: &Option<String>) -> Option<Mailbox> {
    if text.is_empty() {
        return None;
    }
    let plain = joined(text);
    let words = split_words(&plain);
    let with_at: Vec<&str> = words.iter().copied().filter(|word| word.contains('@')).collect();
    let named = |text: &str| Some(name_of(text.as_bytes())).filter(|name| !name.is_empty());
    match (words.as_slice(), with_at.as_slice()) {
        // One word: an address, perhaps of a local user; not an encoded or quoted name.
        ([one], _) if one.contains('@') || !one.starts_with(['"', '=']) => {
            let address = address(one.as_bytes());
            Some(Mailbox { name: comment.clone(), address })
        }
        // `John Doe j@example.org`, without brackets.
        (_, [address_word]) => {
            let name: Vec<&str> = words.iter().filter(|word| *word != address_word).copied().collect();
            let name = named(&name.join(" ")).or_else(|| comment.clone());
            Some(Mailbox { name, address: address(address_word.as_bytes()) })
        }
        _ => Some(Mailbox { name: named(text), address: None }),
    }
    .filter(|mailbox| mailbox.name.is_some() || mailbox.address.is_some())
}

/// White space beside `@` and `.`, which the obsolete syntax allows, gone.
fn joined(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let (mut quoted, mut gap, mut domain) = (false, false, false);
    for c in text.chars() {
        quoted ^= c == '"';
        if c.is_whitespace() && !quoted {
            gap = true;
            continue;
        }
        let sticks = c == '@' || joined.ends_with('@') || (domain && (c == '.' || joined.ends_with('.')));
        domain |= c == '@' && !quoted;
        if gap && !joined.is_empty() && !sticks {
            joined.push(' ');
        }
        gap = false;
        joined.push(c);
    }
    joined
}

/// Words at white space outside quotes.
fn split_words(text: &str) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c: char| {
        quoted ^= c == '"';
        c.is_whitespace() && !quoted
    })
    .filter(|word| !word.is_empty())
    .collect()
}

/// An address as it is kept: without route, white space and stray brackets, the domain in lower case.
fn address(raw: &[u8]) -> Option<String> {
    let text = charset::raw(raw).into_owned();
    let text = text.trim().trim_matches(['<', '>', ',', ';', '\'']).trim();
    let text = text
        .get(..7)
        .filter(|p| p.eq_ignore_ascii_case("mailto:"))
        .map_or(text, |_| text.get(7..).unwrap_or(""));
    // A route, `@a,@b:c@d` (§4.4): what follows the colon is the address.
    let text = match text.strip_prefix('@').and_then(|route| route.split_once(':')) {
        Some((_, address)) => address.trim(),
        None => text,
    };
    let text = joined(text);
    let words = split_words(&text);
    let mut with_at = words.iter().filter(|word| word.contains('@'));
    let text = match (with_at.next(), with_at.next()) {
        (Some(only), None) => (*only).to_owned(),
        _ => words.join(" "),
    };
    // `<Undisclosed-Recipients:;@host>` is a group that some program took for an address.
    let local = text.rsplit_once('@').map_or(text.as_str(), |(local, _)| local);
    if text.is_empty() || text == "@" || (local.contains([':', ';']) && !local.starts_with('"')) {
        return None;
    }
    Some(match text.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => text,
    })
}

/// A display name: quotes and escapes undone, encoded words decoded, white space as single spaces.
fn name_of(raw: &[u8]) -> String {
    let mut plain = Vec::with_capacity(raw.len());
    let mut escaped = false;
    for byte in raw {
        match byte {
            b'\\' if !escaped => escaped = true,
            b'"' if !escaped => {}
            byte => {
                plain.push(*byte);
                escaped = false;
            }
        }
    }
    let text = words::decode(&plain);
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches(',').to_owned()
}

/// Length of a quoted string up to its closing quote.
fn quoted(after: &[u8]) -> Option<usize> {
    let mut escaped = false;
    after.iter().position(|b| match b {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' => {
            escaped = true;
            false
        }
        b => *b == b'"',
    })
}

/// Length of a comment up to its closing parenthesis.
fn comment(after: &[u8]) -> Option<usize> {
    let (mut depth, mut escaped) = (1usize, false);
    after.iter().position(|b| {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        depth == 0
    })
}

/// What stands in angle brackets, and its length with the closing one. Where that is missing, the next
/// opening one, a comma (which only a route may contain) or the end stands for it.
fn angle(after: &[u8]) -> (Vec<u8>, usize) {
    let inner = after.strip_prefix(b"<").unwrap_or(after);
    let is_route = inner.trim_ascii_start().starts_with(b"@");
    let ends = |b: u8| matches!(b, b'>' | b'<') || (b == b',' && !is_route);
    let mut quoted = false;
    let end = inner.iter().position(|b| {
        quoted ^= *b == b'"';
        !quoted && ends(*b)
    });
    let end = end.or_else(|| inner.iter().position(|b| ends(*b))).unwrap_or(inner.len());
    let closed = usize::from(inner.get(end) == Some(&b'>'));
    (inner.get(..end).unwrap_or_default().to_vec(), after.len() - inner.len() + end + closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        type Case<'a> = (&'a str, &'a [(Option<&'a str>, Option<&'a str>)]);
        let cases: &[Case] = &[
            ("", &[]),
            ("a@b", &[(None, Some("a@b"))]),
            (" A@B.Example ", &[(None, Some("A@b.example"))]),
            ("John Doe <j@example.org>", &[(Some("John Doe"), Some("j@example.org"))]),
            ("\"Doe, John\" <j@example.org>", &[(Some("Doe, John"), Some("j@example.org"))]),
            ("Doe, John <j@example.org>", &[(Some("Doe, John"), Some("j@example.org"))]),
            ("a@b, c@d,, e@f", &[(None, Some("a@b")), (None, Some("c@d")), (None, Some("e@f"))]),
            ("a@b; c@d", &[(None, Some("a@b")), (None, Some("c@d"))]),
            ("j@example.org (John (Jack) Doe)", &[(Some("John (Jack) Doe"), Some("j@example.org"))]),
            (
                "Friends: a@b, C <c@d>;, e@f",
                &[(None, Some("a@b")), (Some("C"), Some("c@d")), (None, Some("e@f"))],
            ),
            ("undisclosed-recipients:;", &[]),
            ("Undisclosed recipients: ;", &[]),
            ("<@a,@b:c@d>", &[(None, Some("c@d"))]),
            ("\"john doe\"@example.org", &[(None, Some("\"john doe\"@example.org"))]),
            ("X <\"a>b\"@c>", &[(Some("X"), Some("\"a>b\"@c"))]),
            ("j @ example . org", &[(None, Some("j@example.org"))]),
            ("John Doe <j@example.org", &[(Some("John Doe"), Some("j@example.org"))]),
            ("John Doe j@example.org", &[(Some("John Doe"), Some("j@example.org"))]),
            ("John Doe", &[(Some("John Doe"), None)]),
            ("root", &[(None, Some("root"))]),
            ("<>", &[]),
            ("<Undisclosed-Recipient:;@example.org>", &[]),
            ("<Undisclosed-Recipient:;>", &[]),
            ("Mailer <>", &[(Some("Mailer"), None)]),
            ("<mailto:a@b>", &[(None, Some("a@b"))]),
            ("=?utf-8?Q?Ren=C3=A9?= <r@x>", &[(Some("René"), Some("r@x"))]),
            ("\"=?utf-8?Q?Ren=C3=A9?=\" <r@x>", &[(Some("René"), Some("r@x"))]),
            ("=?utf-8?Q?a=40b?=", &[(Some("a@b"), None)]),
            ("=?utf-8?Q?Doe=2C_J?= <j@x>, k@y", &[(Some("Doe, J"), Some("j@x")), (None, Some("k@y"))]),
            ("ren\u{e9} <r@b\u{fc}cher.example>", &[(Some("rené"), Some("r@bücher.example"))]),
            ("\"a@b\" <c@d>", &[(Some("a@b"), Some("c@d"))]),
            ("a@b <c@d>", &[(Some("a@b"), Some("c@d"))]),
            ("x@[10.0.0.1]", &[(None, Some("x@[10.0.0.1]"))]),
            ("\"never closed <a@b>, c@d", &[(Some("never closed"), Some("a@b")), (None, Some("c@d"))]),
            ("root, bin, a@b", &[(None, Some("root")), (None, Some("bin")), (None, Some("a@b"))]),
            ("A <a@b, C <c@d>", &[(Some("A"), Some("a@b")), (Some("C"), Some("c@d"))]),
            ("(never closed a@b", &[(Some("never closed"), Some("a@b"))]),
            ("(only a comment)", &[]),
            ("'a@b'", &[(None, Some("a@b"))]),
            ("\"A \\\"B\\\" C\" <a@b>", &[(Some("A \"B\" C"), Some("a@b"))]),
        ];
        for (value, expect) in cases {
            let got = parse(value.as_bytes(), 100);
            let got: Vec<_> = got.iter().map(|m| (m.name.as_deref(), m.address.as_deref())).collect();
            assert_eq!(got, *expect, "{value}");
        }
    }

    #[test]
    fn domains_and_the_cap() {
        assert_eq!(parse(b"a@B.c", 9)[0].domain(), Some("b.c"));
        assert_eq!(parse(b"root", 9)[0].domain(), None);
        assert_eq!(parse(&b"a@b,".repeat(100), 7).len(), 7);
    }

    #[test]
    fn bombs_cost_linear_time() {
        for piece in [
            "\"", "(", "<", ",", ":", "a,", "<a", "a <", "\\", "\"a\" ", ";", "a ", "@", ". ", "(a) ",
            ",\\\"", "<\"a,", "a@b ",
        ] {
            let value = piece.repeat((1 << 20) / piece.len());
            parse(value.as_bytes(), usize::MAX);
        }
    }
}
