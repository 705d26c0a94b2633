//! From typed text to a [`Query`]. Pure: the index plays no part.
//!
//! What is odd is answered with an error that says where and what works, never with a silent guess,
//! with two exceptions that people paste all the time: addresses (`https://…`) and times (`12:30`) are
//! text, and a word without letter or digit beside others (`Marks & Spencer`) is passed over.

use std::iter;

use tamis_model::{findings::MessageState, names::printable};

use crate::{
    fields::{self, DateField, Takes, WordField},
    fold,
    query::{MAX_BYTES, MAX_DEPTH, MAX_PREFIXES, MAX_WORDS, Node, Period, Query, QueryError, Text},
};

/// Reads a query as people type it.
///
/// # Errors
/// The first thing in the text that cannot be understood.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    within_limit(text)?;
    let mut parser = Parser { text, at: 0, words: 0, prefixes: 0 };
    parser.space();
    if parser.rest().is_empty() {
        return Ok(Query { root: None });
    }
    let root = parser.list(0)?;
    match parser.peek() {
        None => Ok(Query { root: Some(root) }),
        // `list` ends before `)` or at the end.
        Some(_) => Err(parser.error(
            parser.at,
            "a parenthesis is closed that was not opened",
            "remove it, or put the text in quotes: \"…\"",
        )),
    }
}

/// A query for `text` as it stands.
///
/// # Errors
/// A text without a letter or digit, or above the limits.
pub fn literal(text: &str) -> Result<Query, QueryError> {
    within_limit(text)?;
    let mut parser = Parser { text, at: 0, words: 0, prefixes: 0 };
    match parser.text(0, text, true, false)? {
        Some(text) => Ok(Query { root: Some(Node::Anywhere(text)) }),
        None => Err(parser.nothing_in(0, text)),
    }
}

fn within_limit(text: &str) -> Result<(), QueryError> {
    if text.len() <= MAX_BYTES {
        return Ok(());
    }
    Err(QueryError {
        at: MAX_BYTES,
        column: text.char_indices().take_while(|(at, _)| *at < MAX_BYTES).count() + 1,
        what: format!("the query is longer than {MAX_BYTES} bytes"),
        hint: "search for a list of terms from a file instead".into(),
    })
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset of what is read next.
    at: usize,
    /// Words so far.
    words: usize,
    /// Words so far that end in `*`.
    prefixes: usize,
}

/// What stands between two terms.
#[derive(Clone, Copy, PartialEq)]
enum Joint {
    Nothing,
    And,
    Or,
}

impl<'a> Parser<'a> {
    /// Terms up to the end or a closing parenthesis. `OR` binds closer than standing side by side.
    fn list(&mut self, depth: usize) -> Result<Node, QueryError> {
        let start = self.at;
        let mut all: Vec<Node> = Vec::new();
        let mut any: Vec<Node> = Vec::new();
        let (mut and_at, mut or_at) = (None, None);
        let mut passed_over = None;
        let mut joint = Joint::Nothing;
        loop {
            self.space();
            let at = self.at;
            if let Some((next, word)) = self.joint() {
                if joint != Joint::Nothing || (any.is_empty() && all.is_empty()) {
                    return Err(self.lonely(at, word));
                }
                joint = next;
                match next {
                    Joint::And => and_at = and_at.or(Some(at)),
                    _ => or_at = or_at.or(Some(at)),
                }
                self.at += word.len();
                continue;
            }
            if matches!(self.peek(), None | Some(')')) {
                if joint != Joint::Nothing {
                    return Err(self.lonely(at, if joint == Joint::Or { "OR" } else { "AND" }));
                }
                break;
            }
            let Some(term) = self.term(depth)? else {
                if joint != Joint::Nothing {
                    return Err(self.nothing_in(at, self.text.get(at..self.at).unwrap_or_default()));
                }
                passed_over = passed_over.or(Some(at..self.at));
                continue;
            };
            if joint != Joint::Or {
                all.extend(one(any.split_off(0), Node::Or));
            }
            joint = Joint::Nothing;
            any.push(term);
        }
        if let Some((_, or)) = and_at.zip(or_at) {
            return Err(self.error(
                or,
                "AND and OR stand side by side",
                "say which comes first with parentheses: (a AND b) OR c, or a AND (b OR c)",
            ));
        }
        all.extend(one(any, Node::Or));
        one(all, Node::And).ok_or_else(|| {
            let passed_over = passed_over.unwrap_or(start..self.at);
            self.nothing_in(passed_over.start, self.text.get(passed_over).unwrap_or_default())
        })
    }

    /// One term: a word, phrase, field, group, or the exclusion of one. `None` for a word without
    /// letter or digit.
    fn term(&mut self, depth: usize) -> Result<Option<Node>, QueryError> {
        let at = self.at;
        if depth > MAX_DEPTH {
            return Err(self.error(
                at,
                &format!("the query is nested deeper than {MAX_DEPTH} levels"),
                "remove some parentheses",
            ));
        }
        if self.word_is("NOT") {
            self.at += "NOT".len();
            self.space();
            if matches!(self.peek(), None | Some(')')) || self.joint().is_some() {
                return Err(self.lonely(at, "NOT"));
            }
            return Ok(self.term(depth + 1)?.map(|node| Node::Not(Box::new(node))));
        }
        match self.peek() {
            Some('-') if self.negates() => {
                self.at += 1;
                Ok(self.term(depth + 1)?.map(|node| Node::Not(Box::new(node))))
            }
            Some('(') => self.group(depth).map(Some),
            Some(quote) if closing(quote).is_some() => {
                let (start, phrase) = self.phrase()?;
                let prefix = self.star();
                Ok(self.text(start, phrase, true, prefix)?.map(Node::Anywhere))
            }
            _ => self.word(),
        }
    }

    /// Whether the `-` here excludes what follows: not before another `-`, a space or the end.
    fn negates(&self) -> bool {
        let next = self.rest().chars().nth(1);
        !matches!(next, None | Some('-' | ')')) && !next.is_some_and(char::is_whitespace)
    }

    fn group(&mut self, depth: usize) -> Result<Node, QueryError> {
        let open = self.at;
        self.at += 1;
        self.space();
        if self.peek() == Some(')') {
            return Err(self.error(
                open,
                "the parentheses are empty",
                "put terms between them, or use quotes: \"()\"",
            ));
        }
        if depth >= MAX_DEPTH {
            return Err(self.error(
                open,
                &format!("the query is nested deeper than {MAX_DEPTH} levels"),
                "remove some parentheses",
            ));
        }
        let node = self.list(depth + 1)?;
        if self.peek() != Some(')') {
            return Err(self.error(
                open,
                "a parenthesis is opened that is not closed",
                "close it with ), or put the text in quotes: \"…\"",
            ));
        }
        self.at += 1;
        Ok(node)
    }

    /// Text between quotes, with its offset. No character has a meaning in it but the closing quote.
    fn phrase(&mut self) -> Result<(usize, &'a str), QueryError> {
        let open = self.at;
        let quote = self.peek().unwrap_or('"');
        let start = open + quote.len_utf8();
        let ends = closing(quote).unwrap_or(&[]);
        let rest: &'a str = self.text.get(start..).unwrap_or_default();
        let Some((end, close)) = rest.char_indices().find(|(_, c)| ends.contains(c)) else {
            return Err(self.error(
                open,
                "a quote is opened that is not closed",
                "close it with the same quote",
            ));
        };
        self.at = start + end + close.len_utf8();
        Ok((start, rest.get(..end).unwrap_or_default()))
    }

    /// A `*` directly after a closing quote.
    fn star(&mut self) -> bool {
        let star = self.peek() == Some('*');
        self.at += usize::from(star);
        star
    }

    /// A word without quotes, or a field with its value.
    fn word(&mut self) -> Result<Option<Node>, QueryError> {
        let at = self.at;
        let word = self.bare();
        self.at += word.len();
        let Some((name, value)) = word.split_once(':') else { return self.bare_text(at, word) };
        let Some(entry) = fields::find(name) else {
            let quote_follows = value.is_empty() && self.peek().is_some_and(|c| closing(c).is_some());
            if is_text_with_colon(name, value) && !quote_follows {
                return self.bare_text(at, word);
            }
            return Err(self.no_field(at, name));
        };
        self.at = at + name.len() + 1;
        self.value(entry).map(Some)
    }

    fn bare_text(&mut self, at: usize, word: &str) -> Result<Option<Node>, QueryError> {
        let (text, prefix) = self.trailing_star(at, word)?;
        let text = self.text(at, text, false, prefix)?;
        Ok(text.map(Node::Anywhere))
    }

    /// The value of a field; the parser stands right after the colon.
    fn value(&mut self, entry: &fields::Entry) -> Result<Node, QueryError> {
        let at = self.at;
        let (start, value, quoted, prefix) = match self.peek() {
            Some(quote) if closing(quote).is_some() => {
                let (start, value) = self.phrase()?;
                (start, value, true, self.star())
            }
            Some('(') => {
                return Err(self.error(
                    at,
                    &format!("{}: is followed by a parenthesis", entry.name),
                    &format!("repeat the field: ({0}:a OR {0}:b)", entry.name),
                ));
            }
            _ => {
                let value = self.bare();
                if value.is_empty() {
                    return Err(self.error(
                        at,
                        &format!("{}: has no value", entry.name),
                        &format!("write it directly after the colon: {}", entry.example),
                    ));
                }
                self.at += value.len();
                if self.peek().is_some_and(|c| c == '(' || closing(c).is_some()) {
                    return Err(self.error(
                        self.at,
                        "the value goes on with a parenthesis or quote",
                        &format!("put the whole value in quotes: {}:\"…\"", entry.name),
                    ));
                }
                let (value, prefix) = self.trailing_star(at, value)?;
                (at, value, false, prefix)
            }
        };
        match entry.takes {
            Takes::Text(field) => match self.text(start, value, quoted, prefix)? {
                Some(text) => Ok(Node::In(field, text)),
                None => Err(self.nothing_in(start, value)),
            },
            Takes::Word(field) => self.word_value(field, start, value, prefix),
            Takes::Date(field) => self.date_value(field, start, value, prefix),
        }
    }

    fn word_value(
        &mut self,
        field: WordField,
        at: usize,
        value: &str,
        prefix: bool,
    ) -> Result<Node, QueryError> {
        let mut folded = fold::whole(value).replace('"', " ").trim().to_owned();
        if field == WordField::Domain {
            let trimmed = |c: char| matches!(c, '@' | '.') || c.is_whitespace();
            folded = folded.trim_matches(trimmed).to_owned();
        }
        if field == WordField::Lang {
            // `fr-CA` is French.
            folded = folded.split(['-', '_']).next().unwrap_or_default().trim().to_owned();
        }
        self.count(at, 1, prefix)?;
        if field == WordField::State
            && !prefix
            && let Some(state) = MessageState::parse(value.trim())
        {
            return Ok(Node::Evidence(state));
        }
        if let Some(values) = field.values()
            && (prefix || !values.contains(&folded.as_str()))
        {
            let what = format!("{}:{} does not exist", field.name(), shown(value));
            let hint = format!("{}: takes {}", field.name(), values.join(", "));
            return Err(self.error(at, &what, &hint));
        }
        if prefix && !field.takes_prefix() {
            return Err(self.error(
                at,
                &format!("{}: takes whole values only", field.name()),
                "leave out the *",
            ));
        }
        if !folded.chars().any(char::is_alphanumeric) {
            return Err(self.nothing_in(at, value));
        }
        Ok(Node::Is { field, value: folded, prefix })
    }

    fn date_value(
        &mut self,
        field: DateField,
        at: usize,
        value: &str,
        prefix: bool,
    ) -> Result<Node, QueryError> {
        self.count(at, 1, prefix)?;
        match Period::parse(value.trim()) {
            Some(period) if !prefix => Ok(Node::Dated(field, period)),
            _ => Err(self.error(
                at,
                &format!("{} is not a date", shown(value)),
                &format!("write a year, month or day: {0}:2017, {0}:2017-04 or {0}:2017-04-24", field.name()),
            )),
        }
    }

    /// `text` as words to be found; `None` if it has no letter or digit.
    fn text(
        &mut self,
        at: usize,
        text: &str,
        quoted: bool,
        prefix: bool,
    ) -> Result<Option<Text>, QueryError> {
        let mut tokens = fold::Tokens::new(text);
        let mut word = String::new();
        let words = iter::from_fn(|| tokens.next_into(&mut word)).count();
        self.count(at, words, prefix)?;
        if words == 0 {
            return Ok(None);
        }
        // Quotes separate words as spaces do; within `"` they could not be printed.
        Ok(Some(Text { text: text.replace('"', " ").trim().to_owned(), quoted, prefix }))
    }

    fn count(&mut self, at: usize, words: usize, prefix: bool) -> Result<(), QueryError> {
        self.words += words;
        self.prefixes += usize::from(prefix);
        let what = match (self.words > MAX_WORDS, self.prefixes > MAX_PREFIXES) {
            (true, _) => format!("the query has more than {MAX_WORDS} words"),
            (_, true) => format!("the query has more than {MAX_PREFIXES} words that end in *"),
            _ => return Ok(()),
        };
        Err(self.error(at, &what, "search for a list of terms from a file instead"))
    }

    /// Splits the `*` off `beginning*`. A `*` anywhere else is an error.
    fn trailing_star<'w>(&self, at: usize, word: &'w str) -> Result<(&'w str, bool), QueryError> {
        let Some(star) = word.find('*') else { return Ok((word, false)) };
        let before = word.get(..star).unwrap_or_default();
        let has_words = before.chars().any(char::is_alphanumeric);
        if has_words && star + 1 == word.len() {
            return Ok((before, true));
        }
        let what = match has_words {
            true => "a * stands in the middle of a word",
            false => "a * stands at the beginning of a word",
        };
        let letters = word.replace('*', "");
        let beginning = match has_words {
            true => before,
            false => letters.as_str(),
        };
        let hint = match beginning.chars().any(char::is_alphanumeric) {
            true => format!(
                "a * works at the end only: {}*; for the sign itself use quotes: \"{}\"",
                printable(beginning),
                printable(word)
            ),
            false => "a * works at the end of a word only: elect*".into(),
        };
        Err(self.error(at + star, what, &hint))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Characters up to a space, parenthesis or quote.
    fn bare(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')') || closing(c).is_some());
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    }

    fn word_is(&self, word: &str) -> bool {
        self.bare() == word
    }

    fn joint(&self) -> Option<(Joint, &'static str)> {
        match self.bare() {
            "AND" => Some((Joint::And, "AND")),
            "OR" => Some((Joint::Or, "OR")),
            _ => None,
        }
    }

    fn error(&self, at: usize, what: &str, hint: &str) -> QueryError {
        let column = self.text.get(..at).map_or(0, |before| before.chars().count()) + 1;
        QueryError { at, column, what: what.to_owned(), hint: hint.to_owned() }
    }

    fn lonely(&self, at: usize, word: &str) -> QueryError {
        let sides = if word == "NOT" { "a term after it" } else { "a term on both sides" };
        self.error(
            at,
            &format!("{word} needs {sides}"),
            &format!("for the word itself use quotes or small letters: \"{word}\""),
        )
    }

    fn nothing_in(&self, at: usize, text: &str) -> QueryError {
        self.error(
            at,
            &format!("there is nothing to search for in {}", shown(text)),
            "a term needs a letter or a digit: signs alone are not in the index",
        )
    }

    fn no_field(&self, at: usize, name: &str) -> QueryError {
        let close = fields::FIELDS.iter().find(|entry| is_near(entry.name, name));
        let hint = match close {
            Some(entry) => format!("did you mean {}:? There are {}", entry.name, fields::list()),
            None => format!("there are {}; for the text itself use quotes", fields::list()),
        };
        self.error(at, &format!("there is no field {}:", printable(&cut(name))), &hint)
    }
}

/// Two or more nodes as a list (lists of the same kind within it are part of it), one as it is.
fn one(mut nodes: Vec<Node>, list: fn(Vec<Node>) -> Node) -> Option<Node> {
    if nodes.len() < 2 {
        return nodes.pop();
    }
    let is_and = matches!(list(Vec::new()), Node::And(_));
    let mut flat = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::And(inner) if is_and => flat.extend(inner),
            Node::Or(inner) if !is_and => flat.extend(inner),
            node => flat.push(node),
        }
    }
    Some(list(flat))
}

/// What closes a quote that is opened by `quote`: people paste those of their word processor.
pub(crate) fn closing(quote: char) -> Option<&'static [char]> {
    match quote {
        '"' => Some(&['"']),
        '\u{201c}' | '\u{201d}' | '\u{201e}' => Some(&['\u{201d}', '\u{201c}']),
        '«' => Some(&['»']),
        _ => None,
    }
}

/// Schemes of addresses that are written without `//`.
const SCHEMES: &[&str] = &[
    "mailto", "tel", "sms", "sip", "sips", "xmpp", "news", "urn", "doi", "geo", "cid", "mid", "data",
    "magnet",
];

/// Whether `name:value` is text rather than a field that does not exist: an address, a time, a drive, a
/// heading.
fn is_text_with_colon(name: &str, value: &str) -> bool {
    let is_name =
        name.chars().all(|c| c.is_alphabetic() || matches!(c, '_' | '-')) && name.chars().count() > 1;
    !is_name
        || name.starts_with('-')
        || !value.starts_with(|c: char| c.is_alphanumeric() || c == '*')
        || SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(name))
}

/// At most one letter is wrong, missing or too many.
fn is_near(field: &str, typed: &str) -> bool {
    let field: Vec<char> = field.chars().collect();
    let typed: Vec<char> = typed.chars().take(16).flat_map(char::to_lowercase).collect();
    if typed.len() < 3 {
        return false;
    }
    let same = field.iter().zip(&typed).take_while(|(a, b)| a == b).count();
    let rest = |letters: &[char], skip: usize| letters.get(skip..).unwrap_or_default().to_vec();
    rest(&field, same) == rest(&typed, same + 1)
        || rest(&field, same + 1) == rest(&typed, same)
        || rest(&field, same + 1) == rest(&typed, same + 1)
}

/// Text of the query for a message: short and without control characters.
fn shown(text: &str) -> String {
    format!("“{}”", printable(&cut(text.trim())))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The canonical text of each query; that it stands for the tree is what the last test shows.
    #[test]
    fn what_is_understood() {
        for (typed, canonical) in [
            ("", ""),
            ("  \t\n ", ""),
            ("budget", "budget"),
            ("  Réunion   de campagne ", "Réunion de campagne"),
            ("a AND b AND c", "a b c"),
            ("a OR b", "a OR b"),
            ("a b OR c d", "a b OR c d"),
            ("(a b) OR c", "(a b) OR c"),
            ("a (b OR c)", "a b OR c"),
            ("a OR (b OR c) OR d", "a OR b OR c OR d"),
            ("((a) (b c)) d", "a b c d"),
            ("-a", "-a"),
            ("NOT a", "-a"),
            ("a -b OR -c", "a -b OR -c"),
            ("-(a b)", "-(a b)"),
            ("-(a OR b) c", "-(a OR b) c"),
            ("NOT NOT a", "NOT -a"),
            ("-(-a)", "NOT -a"),
            ("NOT --a", "NOT --a"),
            ("--a", "--a"),
            ("a or b and c not d", "a or b and c not d"),
            ("\"exact phrase\"", "\"exact phrase\""),
            ("\"AND OR NOT -x (a) b:c *d / &\"", "\"AND OR NOT -x (a) b:c *d / &\""),
            ("-\"not this\"", "-\"not this\""),
            ("\u{201c}pasted\u{201d} «collé» \u{201e}quotes\u{201c}", "\"pasted\" \"collé\" \"quotes\""),
            ("«a \"b\" c»", "\"a  b  c\""),
            ("foo\"bar baz\"qux", "foo \"bar baz\" qux"),
            ("word* \"two wor\"*", "word* \"two wor\"*"),
            ("a.mart*", "a.mart*"),
            ("A/S", "A/S"),
            ("Marks & Spencer", "Marks Spencer"),
            ("a - b", "a b"),
            ("l'élection", "l'élection"),
            ("foo(bar)", "foo bar"),
            ("from:alice@example.org", "from:alice@example.org"),
            ("FROM:Alice To:bob CC:\"Le Chef\"", "from:Alice to:bob cc:\"Le Chef\""),
            ("-from:alice", "-from:alice"),
            ("from:al*", "from:al*"),
            ("subject:\"re: a & b\"", "subject:\"re: a & b\""),
            ("subject:re:budget", "subject:re:budget"),
            ("path:a.mbox#3!x.zip", "path:a.mbox#3!x.zip"),
            ("domain:@Example.ORG.", "domain:example.org"),
            ("domain:münchen.de", "domain:munchen.de"),
            ("kind:PDF kind:image/*", "kind:pdf kind:image/*"),
            ("lang:fr-CA", "lang:fr"),
            ("state:Encrypted has:attachment is:duplicate", "state:encrypted has:attachment is:duplicate"),
            ("state:a -STATE:F state:\" b \"", "state:A -state:F state:B"),
            ("before:2017-04-24 after:2017 on:2017-04", "before:2017-04-24 after:2017 on:2017-04"),
            ("on:\"2017\"", "on:2017"),
            (
                "http://example.org/a?b=c:d 12:30 C:\\Users\\x",
                "http://example.org/a?b=c:d 12:30 C:\\Users\\x",
            ),
            ("mailto:a@example.org Re: fe80::1 +33", "mailto:a@example.org Re: fe80::1 +33"),
            ("東京 OR Привет", "東京 OR Привет"),
        ] {
            let query = parse(typed).unwrap_or_else(|error| panic!("{typed}: {error} ({})", error.hint));
            assert_eq!(query.to_string(), canonical, "{typed}");
            assert_eq!(parse(canonical), Ok(query), "{canonical}");
        }
    }

    #[test]
    fn trees() {
        let word = |text: &str| Node::Anywhere(Text { text: text.into(), quoted: false, prefix: false });
        for (typed, tree) in [
            ("a b OR c", Node::And(vec![word("a"), Node::Or(vec![word("b"), word("c")])])),
            ("a OR b c", Node::And(vec![Node::Or(vec![word("a"), word("b")]), word("c")])),
            ("-a OR b", Node::Or(vec![Node::Not(Box::new(word("a"))), word("b")])),
        ] {
            assert_eq!(parse(typed).unwrap().root(), Some(&tree), "{typed}");
        }
    }

    #[test]
    fn what_is_not_understood_and_where() {
        let list = fields::list();
        for (typed, at, what, hint) in [
            ("*hello", 0, "a * stands at the beginning of a word", "hello*"),
            ("é *hello", 3, "a * stands at the beginning of a word", "hello*"),
            ("R*T", 1, "a * stands in the middle of a word", "\"R*T\""),
            ("from:*x", 5, "a * stands at the beginning of a word", "x*"),
            ("a**", 1, "a * stands in the middle of a word", "a*"),
            ("*", 0, "a * stands at the beginning of a word", "elect*"),
            ("\"open", 0, "a quote is opened that is not closed", "close it"),
            ("a «b\"", 2, "a quote is opened that is not closed", "close it"),
            ("(a", 0, "a parenthesis is opened that is not closed", "close it"),
            ("a) b", 1, "a parenthesis is closed that was not opened", "quotes"),
            ("a ()", 2, "the parentheses are empty", "terms between"),
            ("OR a", 0, "OR needs a term on both sides", "\"OR\""),
            ("a OR", 4, "OR needs a term on both sides", "\"OR\""),
            ("a OR OR b", 5, "OR needs a term on both sides", "\"OR\""),
            ("(a AND) b", 6, "AND needs a term on both sides", "\"AND\""),
            ("a NOT", 2, "NOT needs a term after it", "\"NOT\""),
            ("a AND b OR c", 8, "AND and OR stand side by side", "parentheses"),
            ("&", 0, "there is nothing to search for in “&”", "letter or a digit"),
            ("a OR &", 5, "there is nothing to search for in “&”", "letter or a digit"),
            ("from:&", 5, "there is nothing to search for in “&”", "letter or a digit"),
            ("\"--\"", 0, "there is nothing to search for in “\"--\"”", "letter or a digit"),
            ("from: alice", 5, "from: has no value", "from:a.martin@example.org"),
            ("from:(a OR b)", 5, "from: is followed by a parenthesis", "(from:a OR from:b)"),
            ("name:report(1).pdf", 11, "the value goes on with a parenthesis or quote", "name:\"…\""),
            ("note:x", 0, "there is no field note:", list.as_str()),
            ("form:x", 0, "there is no field form:", list.as_str()),
            ("a fron:x", 2, "there is no field fron:", "did you mean from:?"),
            ("note:\"x\"", 0, "there is no field note:", list.as_str()),
            ("state:G", 6, "state:“G” does not exist", "duplicate, A, B, C, D, E, F"),
            ("state:a*", 6, "state:“a” does not exist", "duplicate, A, B, C, D, E, F"),
            ("state:AB", 6, "state:“AB” does not exist", "duplicate, A, B, C, D, E, F"),
            ("state:é", 6, "state:“é” does not exist", "duplicate, A, B, C, D, E, F"),
            ("state:read", 6, "state:“read” does not exist", "parsed, partial"),
            ("state:pars*", 6, "state:“pars” does not exist", "parsed, partial"),
            ("has:spans", 4, "has:“spans” does not exist", "has: takes attachment"),
            ("is:x", 3, "is:“x” does not exist", "is: takes duplicate"),
            ("lang:f*", 5, "lang: takes whole values only", "leave out"),
            ("on:2017-02-30", 3, "“2017-02-30” is not a date", "on:2017-04-24"),
            ("before:24/04/2017", 7, "“24/04/2017” is not a date", "before:2017-04-24"),
            ("after:2017*", 6, "“2017” is not a date", "after:2017"),
        ] {
            let error = parse(typed).expect_err(typed);
            assert_eq!((error.at, error.what.as_str()), (at, what), "{typed}");
            assert!(error.hint.contains(hint), "{typed}: {}", error.hint);
            assert_eq!(error.column, typed[..at].chars().count() + 1);
        }
    }

    #[test]
    fn limits() {
        let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
        let cases = [
            (nested(MAX_DEPTH), true),
            (nested(MAX_DEPTH + 1), false),
            (nested(30_000), false),
            ("NOT ".repeat(MAX_DEPTH) + "a", true),
            ("NOT ".repeat(MAX_DEPTH + 1) + "a", false),
            ("-(".repeat(10_000), false),
            ("a ".repeat(MAX_WORDS), true),
            ("a ".repeat(MAX_WORDS + 1), false),
            (format!("\"{}\"", "a ".repeat(MAX_WORDS + 1)), false),
            ("a* ".repeat(MAX_PREFIXES), true),
            ("a* ".repeat(MAX_PREFIXES) + "kind:x*", false),
            ("a".repeat(MAX_BYTES), true),
            ("a".repeat(MAX_BYTES + 1), false),
        ];
        for (number, (text, is_query)) in cases.iter().enumerate() {
            assert_eq!(parse(text).is_ok(), *is_query, "case {number}");
        }
        assert!(literal(&"a ".repeat(MAX_WORDS + 1)).is_err());
    }

    #[test]
    fn literal_text_has_no_operators() {
        for (text, canonical) in [
            ("Dupont AND Fils", "\"Dupont AND Fils\""),
            ("A/S -x *y (z from:a OR", "\"A/S -x *y (z from:a OR\""),
            ("  12\" pipes ", "\"12  pipes\""),
        ] {
            let query = literal(text).unwrap();
            assert_eq!(query.to_string(), canonical);
            assert_eq!(parse(canonical), Ok(query));
        }
        for text in ["", " ", "&", "***"] {
            assert!(literal(text).is_err(), "{text}");
        }
    }

    /// Pieces of the language in any order: a generator that stays near what is valid.
    const PIECES: &[&str] = &[
        "a",
        "é",
        "b c",
        " ",
        "  ",
        "(",
        ")",
        "\"",
        "-",
        "*",
        ":",
        "OR",
        "AND",
        "NOT",
        " OR ",
        " AND ",
        " NOT ",
        "from:",
        "domain:",
        "kind:",
        "on:",
        "2017",
        "-04",
        "state:",
        "parsed",
        "state:F",
        "lang:",
        "//",
        "http",
        "«",
        "»",
        "\u{201c}",
        "\u{201d}",
        "&",
        "@",
        ".",
        "\u{2122}",
        "\u{202e}",
        "\u{fdfa}",
        "ß",
        "\t",
        "#",
        "!",
        "東",
        "is:duplicate",
    ];

    /// A small generator of numbers (xorshift), so that a failure can be shown again.
    fn shuffled(seed: &mut u64) -> usize {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        (*seed >> 16) as usize
    }

    #[test]
    fn pieces_in_any_order() {
        let mut seed = 0x7461_6d69_7300_0001;
        let mut understood = 0;
        for _ in 0..60_000 {
            let text: String =
                (0..shuffled(&mut seed) % 14).map(|_| PIECES[shuffled(&mut seed) % PIECES.len()]).collect();
            understood += usize::from(round_trips(&text));
        }
        assert!(understood > 6_000, "only {understood}: the generator has drifted off the language");
    }

    fn round_trips(text: &str) -> bool {
        match parse(text) {
            Err(error) => {
                assert!(text.is_char_boundary(error.at) && !error.what.is_empty() && !error.hint.is_empty());
                false
            }
            Ok(query) => {
                let printed = query.to_string();
                assert_eq!(parse(&printed).as_ref(), Ok(&query), "{text:?} → {printed:?}");
                true
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_round_trips_or_is_an_error(text in "\\PC{0,60}") {
            round_trips(&text);
        }

        #[test]
        fn any_literal_round_trips(text in "(\\PC|\\n|\"){0,60}") {
            if let Ok(query) = literal(&text) {
                proptest::prop_assert_eq!(parse(&query.to_string()), Ok(query));
            }
        }
    }
}
