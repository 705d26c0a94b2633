//! JSON: the keys file (JSON Lines, one observation a line) and the answers of key archives (any nesting).

use serde_json::Value;
use tamis_model::keys::Channel;

use super::entry::{Collected, Entry, Field, says_dns};

/// A larger object is no observation; its values would fill the memory.
const MAX_OBJECT: usize = 4 << 20;
/// Deeper nesting is not followed.
const MAX_DEPTH: usize = 64;

/// The keys file. Empty lines and lines that begin with `#` are passed over.
pub fn read_lines(text: &str, found: &mut Collected) {
    for (number, line) in text.lines().enumerate() {
        let (number, line) = (number + 1, line.trim());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match entry_of(line) {
            Ok(entry) => found.take(number, &entry, Channel::User),
            Err(problem) => found.problems.add(number, problem),
        }
    }
}

/// An archive's JSON: every object, however deep, that names a domain or holds a record.
pub fn read_archive(text: &str, found: &mut Collected) {
    let mut objects = Objects::new(text);
    while let Some((line, object)) = objects.next_object() {
        match entry_of(object) {
            Ok(mut entry) => {
                let channel = archive_channel(&entry);
                if channel == Channel::ArchiveUnstated {
                    entry.set(Field::Note, "from an archive that does not say where it has the key from");
                }
                found.take(line, &entry, channel);
            }
            Err(problem) => found.problems.add(line, problem),
        }
    }
    if let Some((line, problem)) = objects.problem {
        found.problems.add(line, problem);
    }
}

/// Only an archive that says it asked DNS can be a witness (if it is named as well): others also hold keys that
/// were computed from signatures sent to them, or entered by anybody.
fn archive_channel(entry: &Entry) -> Channel {
    let source = entry.get(Field::Source).unwrap_or_default();
    let lower = source.to_ascii_lowercase();
    match ["gcd", "recover", "comput", "derived"].iter().any(|word| lower.contains(word)) {
        true => Channel::Recovered,
        false if says_dns(source) => Channel::Archive,
        false => Channel::ArchiveUnstated,
    }
}

/// Whether this line is an object of the keys file: then the text is JSON Lines.
pub fn is_keys_line(line: &str) -> bool {
    if !line.starts_with('{') || line.len() > MAX_OBJECT {
        return false;
    }
    let object: Option<Value> = serde_json::from_str(line).ok();
    let has = |name: &str| object.as_ref().is_some_and(|object| object.get(name).is_some());
    has("record") || has("spki")
}

fn entry_of(object: &str) -> Result<Entry, String> {
    if object.len() > MAX_OBJECT {
        return Err("larger than 4 MiB".to_owned());
    }
    let value: Value = serde_json::from_str(object).map_err(|error| {
        // serde_json names a line and a column of its own, which would contradict ours.
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or_default();
        format!("not JSON: {what}")
    })?;
    let Value::Object(fields) = &value else { return Err("not a JSON object".to_owned()) };
    let mut entry = Entry::default();
    for (name, value) in fields {
        let nested = if is_pair(name) { value.as_object() } else { None };
        for (name, value) in nested.into_iter().flatten().chain([(name, value)]) {
            let Some(field) = Field::parse(name) else { continue };
            match value {
                Value::String(text) => entry.set(field, text.clone()),
                Value::Null => {}
                // A source can be a list or an object; what it says in words is what counts.
                other if field == Field::Source || field == Field::Note => {
                    entry.set(field, other.to_string())
                }
                _ => return Err(format!("{} is not a text", field_name(name))),
            }
        }
    }
    Ok(entry)
}

/// A name of a field that [`Field::parse`] knows, thus short and harmless.
fn field_name(name: &str) -> String {
    name.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '_').collect()
}

/// An object that holds nothing but domain and selector.
fn is_pair(name: &str) -> bool {
    ["domainSelectorPair", "domain_selector_pair", "dsp"].contains(&name)
}

/// The innermost objects of a text that can be observations, found by counting braces: what is broken
/// elsewhere in the text does not hide them. Every octet is looked at once here and once by `serde_json`.
struct Objects<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    open: Vec<Open>,
    /// Where the last string ended and began: a key, if a colon follows.
    string: (usize, usize),
    problem: Option<(usize, &'static str)>,
}

/// An array or object that is not closed yet.
struct Open {
    start: usize,
    line: usize,
    is_object: bool,
    /// It is the value of [`is_pair`].
    is_pair: bool,
    /// It has a key that an observation has.
    speaks: bool,
    /// Its last key is [`is_pair`].
    expects_pair: bool,
    /// An observation was found inside.
    holds: bool,
}

impl<'a> Objects<'a> {
    fn new(text: &'a str) -> Objects<'a> {
        Objects { text, at: 0, line: 1, open: Vec::new(), string: (0, 0), problem: None }
    }

    fn next_object(&mut self) -> Option<(usize, &'a str)> {
        while let Some(octet) = self.text.as_bytes().get(self.at) {
            let here = self.at;
            self.at += 1;
            match octet {
                b'\n' => self.line += 1,
                b'"' => self.skip_string(here),
                b':' => self.key(),
                b'{' | b'[' => self.enter(here, *octet == b'{')?,
                b'}' | b']' => {
                    if let Some(object) = self.leave(*octet == b'}') {
                        return Some(object);
                    }
                }
                _ => {}
            }
        }
        if let Some(open) = self.open.first() {
            self.problem.get_or_insert((open.line, "what begins here is not closed"));
        }
        None
    }

    fn skip_string(&mut self, start: usize) {
        let octets = self.text.as_bytes();
        while let Some(octet) = octets.get(self.at) {
            match octet {
                b'\\' => self.at += 1,
                b'\n' => self.line += 1,
                b'"' => break,
                _ => {}
            }
            self.at += 1;
        }
        self.string = (start + 1, self.at);
        self.at += 1;
    }

    fn key(&mut self) {
        let (start, end) = self.string;
        let Some(open) = self.open.last_mut().filter(|open| open.is_object) else { return };
        let key = self.text.get(start..end).unwrap_or_default();
        open.expects_pair = is_pair(key);
        open.speaks |= open.expects_pair
            || matches!(
                Field::parse(key),
                Some(Field::Domain | Field::Selector | Field::Name | Field::Record | Field::Spki)
            );
    }

    fn enter(&mut self, start: usize, is_object: bool) -> Option<()> {
        if self.open.len() >= MAX_DEPTH {
            self.problem = Some((self.line, "nested too deep: what follows is not read"));
            return None;
        }
        let is_pair = is_object && self.open.last().is_some_and(|open| open.expects_pair);
        let line = self.line;
        self.open.push(Open {
            start,
            line,
            is_object,
            is_pair,
            speaks: false,
            expects_pair: false,
            holds: false,
        });
        Some(())
    }

    fn leave(&mut self, is_object: bool) -> Option<(usize, &'a str)> {
        let Some(closed) = self.open.pop() else {
            self.problem.get_or_insert((self.line, "a bracket closes nothing"));
            return None;
        };
        if closed.is_object != is_object {
            self.problem.get_or_insert((self.line, "a bracket of one kind closes the other"));
        }
        let in_array = self.open.last().is_some_and(|parent| !parent.is_object);
        let found = closed.is_object && !closed.is_pair && !closed.holds && (closed.speaks || in_array);
        if let Some(parent) = self.open.last_mut() {
            parent.holds |= closed.holds || found;
            parent.expects_pair = false;
        }
        let object = self.text.get(closed.start..self.at)?;
        found.then_some((closed.line, object))
    }
}
