//! Rust source as the checks need it: code without comments and texts, the texts by themselves, and
//! both without what is compiled for tests only. A lexer of a page, not a parser.

/// A source file, taken apart.
pub struct Source {
    /// The code, byte for byte where it stood; comments and texts are blank, code for tests too.
    pub code: String,
    /// Texts (string literals, without their quotes) outside of tests, each with its line from 1.
    pub texts: Vec<(usize, String)>,
}

impl Source {
    /// Takes a file apart.
    pub fn new(text: &str) -> Source {
        let (mut code, found) = blank(text);
        let tests = test_ranges(&code);
        let in_tests = |at: usize| tests.iter().any(|range| range.contains(&at));
        let texts = found
            .into_iter()
            .filter(|range| !in_tests(range.start))
            .map(|range| (line_of(text, range.start), text[range].to_owned()))
            .collect();
        for range in &tests {
            let empty = blanked(&code[range.clone()]);
            code.replace_range(range.clone(), &empty);
        }
        Source { code, texts }
    }

    /// Lines, from 1, on which `needle` stands in code, not as a part of a longer word.
    pub fn lines_with(&self, needle: &str) -> Vec<usize> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let whole = |at: usize| {
            let before = self.code[..at].chars().next_back();
            let after = self.code[at + needle.len()..].chars().next();
            let longer_before = needle.starts_with(is_word) && before.is_some_and(is_word);
            let longer_after = needle.ends_with(is_word) && after.is_some_and(is_word);
            !longer_before && !longer_after
        };
        let found = self.code.match_indices(needle).filter(|(at, _)| whole(*at));
        found.map(|(at, _)| line_of(&self.code, at)).collect()
    }
}

type Range = std::ops::Range<usize>;

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Spaces of the same length in bytes; line breaks stay.
fn blanked(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// The code with blanks for comments and texts, and where the texts are.
fn blank(text: &str) -> (String, Vec<Range>) {
    let (mut code, mut texts) = (String::with_capacity(text.len()), Vec::new());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let after_word = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let (len, is_text) = match raw_text(rest).filter(|_| !after_word) {
            Some((content, len)) => {
                texts.push(at + content.start..at + content.end);
                (len, true)
            }
            None if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), true),
            None if rest.starts_with("/*") => (comment(rest), true),
            None if rest.starts_with('"') => {
                let len = quoted(rest, '"');
                texts.push(at + 1..at + len.max(2) - 1);
                (len, true)
            }
            None if rest.starts_with('\'') && is_char(rest) => (quoted(rest, '\''), true),
            None => (rest.chars().next().map_or(1, char::len_utf8), false),
        };
        match is_text {
            true => code.push_str(&blanked(&rest[..len])),
            false => code.push_str(&rest[..len]),
        }
        at += len;
    }
    (code, texts)
}

/// Of a raw text (`r"…"`, `br#"…"#`) at the beginning: where its content is, and its length.
fn raw_text(rest: &str) -> Option<(Range, usize)> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
        rest.strip_prefix(prefix).is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
    })?;
    let hashes = rest[prefix.len()..].find('"')?;
    let open = prefix.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    let close = rest[open..].find(&end).map_or(rest.len(), |found| open + found);
    Some((open..close, rest.len().min(close + end.len())))
}

/// Length of a comment that begins with `/*`; they nest.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Length of a text or character up to its closing quote.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Whether a `'` begins a character and not a lifetime.
fn is_char(rest: &str) -> bool {
    let mut chars = rest.chars().skip(1);
    matches!((chars.next(), chars.next()), (Some('\\'), _) | (Some(_), Some('\'')))
}

/// What `#[cfg(test)]` and `#[test]` stand before, up to the end of the item.
fn test_ranges(code: &str) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    for mark in ["#[cfg(test)]", "#[test]"] {
        for (start, _) in code.match_indices(mark) {
            let mut depth = 0;
            let end = code[start + mark.len()..].char_indices().find(|(_, c)| {
                match c {
                    '{' | '(' | '[' => depth += 1,
                    '}' | ')' | ']' => depth -= 1,
                    _ => {}
                }
                depth == 0 && matches!(c, '}' | ';')
            });
            ranges.push(start..end.map_or(code.len(), |(at, _)| start + mark.len() + at + 1));
        }
    }
    ranges
}

#[test]
fn taken_apart() {
    let text = r####"
//! println! in a comment
use a::{b, c}; /* env:: /* nested */ still */ fn f<'a>(x: &'a str) -> char { '"' }
const T: &str = "say \"println!\""; const R: &[u8] = br#"raw "env::""#; let env = '\'';
#[cfg(test)]
mod tests { fn g() { println!("in a test {}", [1]); } }
#[test]
fn h() { std::env::args(); }
fn last() { std::env::vars(); myenv::x(); }
"####;
    let source = Source::new(text);
    assert_eq!(source.code.len(), text.len());
    assert!(!source.code.contains("println"), "{}", source.code);
    assert_eq!(source.lines_with("env::"), [9]);
    assert_eq!(source.lines_with("last"), [9]);
    assert_eq!(source.texts, [(4, r#"say \"println!\""#.to_owned()), (4, r#"raw "env::""#.to_owned())]);
}
