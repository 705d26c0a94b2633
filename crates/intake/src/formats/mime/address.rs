//! Addresses of From, To, Cc and Bcc (RFC 5322 §3.4, §4.4): groups, comments, quoted local parts,
//! routes, and lists that are none. One pass, nothing recursive.
//!
//! People are shown whatever address there is; what is proven of an author is said only of a From that
//! nobody reads in another way (`Authors`).

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

/// Bytes of a From that are read; a longer one is nobody's own.
const FROM: usize = 64 << 10;
/// Authors that are listed.
const AUTHORS: usize = 100;

/// The authors of a message, for its row and for its signatures: one reading serves both, so that the address
/// that is shown is the one that was compared with the signer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Authors {
    /// Who is shown.
    pub shown: Option<Mailbox>,
    /// The domain of each author, each once. An empty one among them says that not every author is known for
    /// certain.
    pub domains: Vec<String>,
    /// There are more than are listed.
    pub more: bool,
}

impl Authors {
    /// Reads the value of a From, unfolded.
    pub(super) fn of(value: &[u8]) -> Authors {
        let kept = value.get(..value.len().min(FROM)).unwrap_or_default();
        let mut found = parse(kept, 10 * AUTHORS);
        let mut authors = Authors { more: found.len() >= 10 * AUTHORS, ..Authors::default() };
        let is_clear = kept.len() == value.len()
            && clear(kept).is_some_and(|clear| {
                clear.iter().map(Some).eq(found.iter().map(|mailbox| mailbox.address.as_ref()))
            });
        for domain in found.iter().filter_map(Mailbox::domain) {
            authors.add(domain.trim_end_matches('.').to_lowercase());
        }
        if !is_clear || authors.more {
            authors.doubt();
        }
        // A name without an address may only be the first half of what was meant.
        let first = found.iter().position(|mailbox| mailbox.address.is_some()).unwrap_or(0);
        authors.shown = (first < found.len()).then(|| found.swap_remove(first));
        authors
    }

    /// Those of another From as well.
    pub(super) fn join(&mut self, other: Authors) {
        self.more |= other.more;
        other.domains.into_iter().for_each(|domain| self.add(domain));
        if self.more {
            self.doubt();
        }
    }

    fn add(&mut self, domain: String) {
        match (self.domains.len() < AUTHORS, self.domains.contains(&domain)) {
            (_, true) => {}
            (true, false) => self.domains.push(domain),
            (false, false) => self.more = true,
        }
    }

    fn doubt(&mut self) {
        self.domains.retain(|domain| !domain.is_empty());
        self.domains.truncate(AUTHORS - 1);
        self.domains.push(String::new());
    }
}

/// The addresses of a From that can be read in one way only: mailboxes by the grammar of RFC 5322 §3.4, each
/// with a domain that names a host, no groups, no routes, no quoted local parts, no control characters. Of a
/// name that is not quoted, programs write more than the grammar has; what none of them takes for an address
/// is let through.
fn clear(value: &[u8]) -> Option<Vec<String>> {
    let mut addresses = Vec::new();
    let mut rest = value;
    loop {
        let (address, after) = clear_mailbox(rest)?;
        addresses.push(address);
        match after.split_first() {
            None => return Some(addresses),
            Some((_, next)) => rest = next,
        }
    }
}

/// A mailbox, and what follows from its comma on.
fn clear_mailbox(value: &[u8]) -> Option<(String, &[u8])> {
    let (mut text, mut angle, mut has_quotes) = (Vec::new(), None, false);
    let mut rest = value;
    while let Some((byte, after)) = rest.split_first() {
        if *byte == b',' {
            break;
        }
        rest = after;
        match byte {
            b'(' => {
                let (inner, tail) = after.split_at_checked(comment(after)?)?;
                if inner.iter().any(is_control) {
                    return None;
                }
                text.push(b' ');
                rest = tail.get(1..)?;
            }
            _ if angle.is_some() && is_gap(byte) => {}
            _ if angle.is_some() => return None,
            b'"' => {
                let (inner, tail) = after.split_at_checked(quoted(after)?)?;
                if inner.iter().any(is_control) {
                    return None;
                }
                has_quotes = true;
                rest = tail.get(1..)?;
            }
            b'<' => {
                let (inner, tail) = after.split_at_checked(memchr::memchr(b'>', after)?)?;
                angle = Some(inner);
                rest = tail.get(1..)?;
            }
            b')' | b'>' | b';' | b':' | b'\\' => return None,
            byte if is_control(byte) => return None,
            byte => text.push(*byte),
        }
    }
    let address = match angle {
        Some(_) if text.contains(&b'@') => return None,
        Some(inner) => inner,
        None if has_quotes => return None,
        None => text.as_slice(),
    };
    Some((clear_address(trim_gaps(address))?, rest))
}

fn is_gap(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_control(byte: &u8) -> bool {
    byte.is_ascii_control() && !is_gap(byte)
}

fn trim_gaps(mut bytes: &[u8]) -> &[u8] {
    while let Some((_, inner)) = bytes.split_first().filter(|(byte, _)| is_gap(byte)) {
        bytes = inner;
    }
    while let Some((_, inner)) = bytes.split_last().filter(|(byte, _)| is_gap(byte)) {
        bytes = inner;
    }
    bytes
}

/// An address of plain characters, its domain in lower case.
fn clear_address(raw: &[u8]) -> Option<String> {
    const MARKS: &str = "!#$%&'*+-/=?^_`{|}~.";
    let (local, domain) = std::str::from_utf8(raw).ok()?.split_once('@')?;
    let is_local = !local.is_empty() && local.chars().all(|c| c.is_alphanumeric() || MARKS.contains(c));
    let mut labels = domain.strip_suffix('.').unwrap_or(domain).split('.');
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    let is_host = domain.len() < 512 && domain.contains('.') && labels.all(is_label);
    (is_local && is_host).then(|| format!("{local}@{}", domain.to_lowercase()))
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
    fn authors_that_are_certain() {
        for (value, shown, domains) in [
            ("a@B.example", "a@b.example", &["b.example"][..]),
            (" Ann Q. Author <ann@b.example> ", "ann@b.example", &["b.example"]),
            ("\"Author, Ann\" <ann@b.example> (of B)", "ann@b.example", &["b.example"]),
            ("\"boss@c.example\" <ann@b.example>", "ann@b.example", &["b.example"]),
            ("ann@b.example (Ann (Author))", "ann@b.example", &["b.example"]),
            ("[bug] Ann <ann@b.example>, x@c.example", "ann@b.example", &["b.example", "c.example"]),
            ("=?utf-8?q?boss=40c=2Eexample?= <ann@b.example>", "ann@b.example", &["b.example"]),
            ("René <r@bücher.example>", "r@bücher.example", &["bücher.example"]),
            ("<ann@b.example.>", "ann@b.example.", &["b.example"]),
        ] {
            let authors = Authors::of(value.as_bytes());
            assert_eq!(authors.shown.unwrap().address.as_deref(), Some(shown), "{value}");
            assert_eq!(authors.domains, domains, "{value}");
        }
    }

    #[test]
    fn authors_that_are_not() {
        let long = format!("(<x@b.example>\t{}) <boss@c.example>", "a ".repeat(40_000));
        for value in [
            "",
            "<x@b.example> <boss@c.example>",
            "Staff: boss@c.example, x@b.example;",
            "=?utf-8?q?boss=40c=2Eexample=2C?= x@b.example",
            "boss@c.example\0 <x@b.example>",
            "<boss@c.example\0@b.example>",
            "<boss@c.example@>, x@b.example",
            "x@b.example, <boss@c.example@>",
            "\"The Boss\" <boss@c.example@>, x@b.example",
            "<boss@c.example@@>, x@b.example",
            "<boss@c.example>@b.example",
            "mailto:boss@c.example@ , x@b.example",
            "<mailto:boss@c.example>",
            "<boss>, x@b.example",
            "Boss <boss>, x@b.example",
            "boss, x@b.example",
            "boss @ localhost, x@b.example",
            "\"x@b.example\" <boss@[192.0.2.1]>, x@b.example",
            "boss@c.example <x@b.example>",
            "boss@c.example%b.example <@c.example:x@b.example>",
            "\"boss@c.example\"@b.example",
            "(boss@c.example",
            "\"Boss <boss@c.example>",
            "Boss <boss@c.example",
            "boss@c.example\rx@b.example",
            "boss@c..example",
            "boss@c.example,",
            "'boss@c.example'",
            &long,
            &format!("{}boss@c.example", "x@b.example, ".repeat(2000)),
        ] {
            let authors = Authors::of(value.as_bytes());
            assert!(authors.domains.iter().any(String::is_empty), "{value:.60}");
        }
        let many: String = (0..300).map(|n| format!("a@x{n}.example,")).collect();
        let authors = Authors::of(format!("{many}b@x.example").as_bytes());
        assert_eq!((authors.domains.len(), authors.more), (100, true));
        assert_eq!(authors.domains.last().map(String::as_str), Some(""));
        let mut two = Authors::of(b"a@b.example");
        two.join(Authors::of(b"a@b.example, <c>"));
        assert_eq!(two.domains, ["b.example", ""]);
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
            clear(value.as_bytes());
        }
    }
}
