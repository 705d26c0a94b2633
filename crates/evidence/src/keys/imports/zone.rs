//! Text in the form of zone files (RFC 1035 section 5.1): BIND zones, opendkim's `.txt`, and the output of
//! `dig`, `host` and `nslookup`.

use std::{collections::BTreeMap, iter::successors};

use tamis_model::{
    keys::{Channel, KeyObservation, ObservedKey},
    tables::Time,
};

use super::{
    entry::Collected,
    text::{domain_of_file, parse_time, split_name},
};
use crate::{
    domains::normal_domain,
    keys::record::{MAX_RECORD, unescape},
};

/// More strings than this do not stand in one record: 1 MiB in strings of 255 octets has fewer.
const MAX_TOKENS: usize = 8192;
/// More defects than this are not named of one record.
const MAX_DEFECTS: usize = 8;
/// More texts, and more aliases, than this are not kept from one file.
const MAX_ANSWERS: usize = 1_000_000;
/// How many names of CNAME records lead to a key at most.
const MAX_ALIASES: usize = 8;
/// How many records of the last name are taken at most.
const MAX_RECORDS: usize = 16;
/// How many octets the keys have that names lead to, all of them together: the same long text under a thousand
/// names is no zone, and 100,000 names for an ordinary key are.
const MAX_COPIES: usize = 64 << 20;

/// A zone file or opendkim's `.txt`; `name` is that of the file and gives the domain where nothing else does.
pub fn read_zone(text: &str, name: &str, found: &mut Collected) {
    let mut answers = Answers::new(found);
    let mut origin = Origin::Guessed(domain_of_file(name));
    let mut owner = None;
    for line in Lines::new(text) {
        answers.name_defects(&line, 0);
        match line.words().as_slice() {
            [first, rest @ ..] if first.starts_with('$') => match (first.to_ascii_uppercase().as_str(), rest)
            {
                ("$ORIGIN", [stated, ..]) => origin = Origin::Stated(origin.absolute(stated)),
                ("$TTL", _) => {}
                _ => answers.found.problems.add(line.number, "this directive is not followed"),
            },
            [] => {}
            _ => read_record(&line, &origin, &mut owner, &mut answers),
        }
    }
    answers.finish();
}

/// What `dig` prints, one or many times.
pub fn read_dig(text: &str, found: &mut Collected) {
    let mut answers = Answers::new(found);
    let mut owner = None;
    for line in Lines::new(text) {
        answers.name_defects(&line, 0);
        if line.tokens.is_empty() {
            read_remark(&line.comment, &mut answers);
        } else {
            read_record(&line, &Origin::Absolute, &mut owner, &mut answers);
        }
    }
    answers.finish();
}

/// What `host` and `nslookup` print.
pub fn read_host(text: &str, found: &mut Collected) {
    let mut answers = Answers::new(found);
    let mut lines = text.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        let record =
            |separator: &str| line.split_once(separator).map(|(name, data)| (name.trim(), data.trim()));
        if let Some((name, target)) = record(" is an alias for ").or(record("canonical name =")) {
            answers.alias(at + 1, name.to_owned(), target.to_owned());
        } else if let Some((name, data)) = record(" descriptive text ").or(record("text =")) {
            let mut data = data.to_owned();
            // nslookup puts the strings on lines of their own.
            while let Some((_, more)) = lines.next_if(|(_, line)| is_continued(line)) {
                data.push_str(more);
            }
            let strings = Lines::new(&data).flat_map(|line| {
                answers.name_defects(&line, at);
                line.tokens
            });
            let text = strings.map(|token| token.text()).collect();
            answers.text(at + 1, name.to_owned(), text);
        }
    }
    answers.finish();
}

fn is_continued(line: &str) -> bool {
    line.starts_with([' ', '\t']) && line.trim_start().starts_with('"')
}

// ---- Records

/// What names without a final dot are relative to.
enum Origin {
    /// `$ORIGIN` says it.
    Stated(String),
    /// The name of the file does, perhaps.
    Guessed(Option<String>),
    /// Nothing: names are whole.
    Absolute,
}

impl Origin {
    fn absolute(&self, name: &str) -> String {
        if let Some(whole) = name.strip_suffix('.') {
            return whole.to_owned();
        }
        match self {
            Origin::Stated(origin) | Origin::Guessed(Some(origin)) if name == "@" => origin.clone(),
            Origin::Stated(origin) => format!("{name}.{origin}"),
            // People forget the final dot where no origin is near.
            Origin::Guessed(Some(origin))
                if split_name(name).is_none_or(|(_, domain)| !domain.contains('.')) =>
            {
                format!("{name}.{origin}")
            }
            _ => name.to_owned(),
        }
    }
}

/// One resource record: `[owner] [ttl] [class] type data`.
fn read_record(line: &Line, origin: &Origin, owner: &mut Option<String>, answers: &mut Answers) {
    let words = line.words();
    let mut words = words.iter().enumerate();
    if !line.indented {
        *owner = words.next().map(|(_, word)| word.clone());
    }
    let Some(written) = owner.as_deref() else { return };
    let mut words = words.skip_while(|(_, word)| is_ttl(word) || is_class(word));
    let Some((place, kind)) = words.next() else { return };
    let opendkim = domain_of_comment(&line.comment).filter(|_| written.ends_with("_domainkey"));
    let name = match opendkim {
        Some(domain) if matches!(origin, Origin::Guessed(_)) => format!("{written}.{domain}"),
        _ => origin.absolute(written),
    };
    match kind.to_ascii_uppercase().as_str() {
        "TXT" => {
            let strings = line.tokens.get(place + 1..).unwrap_or_default();
            answers.text(line.number, name, strings.iter().map(Token::text).collect());
        }
        "CNAME" => {
            if let Some((_, target)) = words.next() {
                answers.alias(line.number, name, origin.absolute(target));
            }
        }
        _ if !is_type(kind) && name.to_ascii_lowercase().contains("_domainkey") => {
            answers.found.problems.add(line.number, "this is no record that zone files have");
        }
        _ => {}
    }
}

fn is_ttl(word: &str) -> bool {
    let is_unit = |octet: u8| octet.is_ascii_digit() || b"smhdwSMHDW".contains(&octet);
    word.starts_with(|character: char| character.is_ascii_digit()) && word.bytes().all(is_unit)
}

fn is_class(word: &str) -> bool {
    ["IN", "CH", "HS", "CS", "ANY"].iter().any(|class| class.eq_ignore_ascii_case(word))
}

fn is_type(word: &str) -> bool {
    word.len() <= 10 && word.bytes().all(|octet| octet.is_ascii_alphanumeric())
}

/// opendkim-genkey writes `; ----- DKIM key mail for example.org` behind the record.
fn domain_of_comment(comment: &str) -> Option<String> {
    let (_, behind) = comment.split_once("DKIM key ")?;
    let (_, domain) = behind.split_once(" for ")?;
    normal_domain(domain.split_whitespace().next()?)
}

// ---- Answers

/// Texts and aliases by the name that they stand under, until all of them are known.
struct Answers<'a> {
    found: &'a mut Collected,
    texts: Vec<Answer>,
    by_name: BTreeMap<String, Vec<usize>>,
    aliases: BTreeMap<String, (usize, String)>,
    /// The answers of dig from here on were given by the server that is printed below them.
    unserved: usize,
    /// The same of the time.
    undated: usize,
}

struct Answer {
    line: usize,
    name: String,
    text: String,
    seen: Option<Time>,
    note: Option<String>,
}

impl<'a> Answers<'a> {
    fn new(found: &'a mut Collected) -> Answers<'a> {
        Answers {
            found,
            texts: Vec::new(),
            by_name: BTreeMap::new(),
            aliases: BTreeMap::new(),
            unserved: 0,
            undated: 0,
        }
    }

    /// Names what is wrong with a line that stands so many lines further down.
    fn name_defects(&mut self, line: &Line, down: usize) {
        for (number, defect) in &line.defects {
            self.found.problems.add(number + down, *defect);
        }
    }

    fn text(&mut self, line: usize, name: String, text: String) {
        if self.texts.len() >= MAX_ANSWERS {
            self.found.problems.add(line, "not used: a file gives at most 1,000,000 texts");
            return;
        }
        let of_name = self.by_name.entry(plain(&name)).or_default();
        if of_name.len() < MAX_RECORDS {
            of_name.push(self.texts.len());
        }
        self.texts.push(Answer { line, name, text, seen: None, note: None });
    }

    fn alias(&mut self, line: usize, name: String, target: String) {
        if self.aliases.len() >= MAX_ANSWERS {
            self.found.problems.add(line, "not used: a file gives at most 1,000,000 aliases");
            return;
        }
        if split_name(&name).is_some() {
            self.aliases.insert(plain(&name), (line, plain(&target)));
        } else {
            self.aliases.entry(plain(&name)).or_insert((line, plain(&target)));
        }
    }

    /// The keys under their own names and under all names that lead to them.
    fn finish(self) {
        let Answers { found, texts, by_name, aliases, .. } = self;
        for answer in &texts {
            if split_name(&answer.name).is_some() {
                take(answer, answer.line, &answer.name, answer.note.clone(), found);
            } else if answer.name.to_ascii_lowercase().contains("_domainkey") {
                found.problems.add(answer.line, "nothing says which domain this key is of");
            }
        }
        let mut left = MAX_COPIES;
        for (alias, (line, first)) in aliases.iter().filter(|(alias, _)| split_name(alias).is_some()) {
            // A chain of names, as far as the file has it.
            let chain = successors(Some(first), |name| aliases.get(*name).map(|(_, target)| target));
            let known = |name: &String| by_name.get(name).map(|texts| (name.clone(), texts));
            let Some((target, of_name)) = chain.take(MAX_ALIASES).find_map(known) else { continue };
            for answer in of_name.iter().filter_map(|text| texts.get(*text)) {
                let Some(after) = left.checked_sub(answer.text.len()) else {
                    found.problems.add(*line, "not used: the keys that aliases lead to are more than 64 MiB");
                    continue;
                };
                left = after;
                let led = format!("by CNAME from {target}");
                let note = answer.note.as_ref().map_or(led.clone(), |note| format!("{led}; {note}"));
                take(answer, *line, alias, Some(note), found);
            }
        }
    }
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn take(answer: &Answer, line: usize, name: &str, note: Option<String>, found: &mut Collected) {
    let pair =
        split_name(name).and_then(|(selector, domain)| normal_domain(domain).zip(normal_domain(selector)));
    let Some((domain, selector)) = pair else {
        found.problems.add(line, "the name of this record is none that DNS can hold");
        return;
    };
    found.push(
        line,
        KeyObservation {
            domain,
            selector,
            key: ObservedKey::Record(answer.text.clone()),
            channel: Channel::User,
            first_seen: answer.seen,
            last_seen: answer.seen,
            witness: None,
            note,
        },
    );
}

/// dig tells, below its answers, whom it asked and when.
fn read_remark(comment: &str, answers: &mut Answers) {
    let comment = comment.trim_start_matches([';', ' ']);
    if comment.starts_with("<<>> DiG") || comment.starts_with("->>HEADER<<-") {
        answers.unserved = answers.texts.len();
        answers.undated = answers.texts.len();
    }
    let all = answers.texts.len();
    if let Some(server) = comment.strip_prefix("SERVER:") {
        let server: String = server.trim().chars().take(100).collect();
        let block = answers.texts.get_mut(answers.unserved..).unwrap_or_default();
        block.iter_mut().for_each(|answer| answer.note = Some(format!("dig asked {server}")));
        answers.unserved = all;
    }
    if let Some(when) = comment.strip_prefix("WHEN:") {
        let seen = time_of_dig(when.trim());
        let block = answers.texts.get_mut(answers.undated..).unwrap_or_default();
        block.iter_mut().for_each(|answer| answer.seen = seen);
        answers.undated = all;
    }
}

/// `Tue Nov 24 10:00:00 UTC 2026`. Other zones than UTC are letters that do not tell the offset.
fn time_of_dig(when: &str) -> Option<Time> {
    let words: Vec<&str> = when.split_whitespace().collect();
    let [_, month, day, time, "UTC" | "GMT", year] = words.as_slice() else { return None };
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| name == month)? + 1;
    parse_time(&format!("{year}-{month:02}-{day:0>2}T{time}Z"))
}

// ---- Lines

/// A word or a quoted string, escapes undone.
struct Token(Vec<u8>);

impl Token {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

/// A line, or several that parentheses join.
struct Line {
    /// Of its first line, from 1.
    number: usize,
    /// It begins with white space: the owner is that of the record before.
    indented: bool,
    tokens: Vec<Token>,
    /// The last comment.
    comment: String,
    /// What was mended, by line number; a few at most.
    defects: Vec<(usize, &'static str)>,
}

impl Line {
    fn push(&mut self, token: Token) {
        match self.tokens.len() < MAX_TOKENS {
            true => self.tokens.push(token),
            false => add_defect(&mut self.defects, self.number, "more strings than a record can have"),
        }
    }

    /// The first tokens as text: no record has more words before its data, and few have more behind.
    fn words(&self) -> Vec<String> {
        self.tokens.iter().take(12).map(Token::text).collect()
    }
}

/// The lines of a zone file. An open parenthesis or quote ends where a new record visibly begins.
struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Lines<'a> {
        Lines { rest: text.as_bytes(), number: 1 }
    }

    fn quoted(&mut self, defects: &mut Vec<(usize, &'static str)>) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some((octet, rest)) = self.rest.split_first() {
            match octet {
                b'"' => {
                    self.rest = rest;
                    return out;
                }
                b'\n' => break,
                b'\\' => self.rest = unescape(rest, &mut out),
                _ => {
                    out.push(*octet);
                    self.rest = rest;
                }
            }
        }
        add_defect(defects, self.number, "a string has no closing quote on its line");
        out
    }

    fn word(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some((octet, rest)) = self.rest.split_first() {
            match octet {
                b' ' | b'\t' | b'\r' | b'\n' | b'"' | b';' | b'(' | b')' => break,
                b'\\' => self.rest = unescape(rest, &mut out),
                _ => {
                    out.push(*octet);
                    self.rest = rest;
                }
            }
        }
        out
    }

    fn comment(&mut self) -> String {
        let end = self.rest.iter().position(|octet| *octet == b'\n').unwrap_or(self.rest.len());
        let (comment, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        String::from_utf8_lossy(comment.get(..comment.len().min(300)).unwrap_or_default()).into_owned()
    }

    /// Whether what follows, inside parentheses, looks like the first line of another record.
    fn begins_record(&self) -> bool {
        let end = self.rest.iter().take(300).position(|octet| b" \t\r\n\"".contains(octet)).unwrap_or(0);
        let word = self.rest.get(..end).unwrap_or_default();
        word.starts_with(b"$ORIGIN") || word.windows(10).any(|part| part.eq_ignore_ascii_case(b"_domainkey"))
    }
}

fn add_defect(defects: &mut Vec<(usize, &'static str)>, line: usize, defect: &'static str) {
    if defects.len() < MAX_DEFECTS {
        defects.push((line, defect));
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let first = self.rest.first()?;
        let mut line = Line {
            number: self.number,
            indented: *first == b' ' || *first == b'\t',
            tokens: Vec::new(),
            comment: String::new(),
            defects: Vec::new(),
        };
        let start = self.rest.len();
        let mut depth = 0usize;
        while let Some((octet, rest)) = self.rest.split_first() {
            match octet {
                b'\n' => {
                    self.rest = rest;
                    self.number += 1;
                    if depth > 0 && (self.begins_record() || start - rest.len() > MAX_RECORD) {
                        add_defect(&mut line.defects, line.number, "a parenthesis is not closed");
                        depth = 0;
                    }
                    if depth == 0 {
                        return Some(line);
                    }
                }
                b' ' | b'\t' | b'\r' => self.rest = rest,
                b'(' => {
                    depth += 1;
                    self.rest = rest;
                }
                b')' => {
                    depth = depth.saturating_sub(1);
                    self.rest = rest;
                }
                b';' => line.comment = self.comment(),
                b'"' => {
                    self.rest = rest;
                    let string = self.quoted(&mut line.defects);
                    line.push(Token(string));
                }
                _ => line.push(Token(self.word())),
            }
        }
        if depth > 0 {
            add_defect(&mut line.defects, line.number, "a parenthesis is not closed");
        }
        Some(line)
    }
}
