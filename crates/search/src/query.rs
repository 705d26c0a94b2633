//! A query as a tree, and its canonical text: what [`crate::parse`] makes and the index is asked.
//!
//! The language: words side by side must all occur; `OR` between two terms binds closer than that;
//! `AND` may be written out (not beside `OR` without parentheses: readers of `a AND b OR c` disagree
//! about it); `-term` or `NOT term` excludes; `"a phrase"` is literal text, whatever stands in it; `word*` is
//! every word that begins so; parentheses group; `field:value` looks in one field (see
//! [`crate::fields`]). Case and accents do not matter. No term at all matches everything.

use std::{fmt, str::FromStr};

use jiff::civil;
use tamis_model::findings::MessageState;

use crate::{
    fields::{DateField, TextField, WordField},
    parse::closing,
};

/// Longest query in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// Deepest nesting of parentheses and exclusions.
pub const MAX_DEPTH: usize = 32;
/// Most words in a query, all phrases together.
pub const MAX_WORDS: usize = 10_000;
/// Most `word*` in a query: each takes a bit for every item of the index.
pub const MAX_PREFIXES: usize = 64;

/// A query that can be asked. Printing it and parsing the text gives the same query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    pub(crate) root: Option<Node>,
}

/// A part of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// In the text, subject, name, or an address.
    Anywhere(Text),
    /// In one field.
    In(TextField, Text),
    /// A value compared as a whole, folded.
    Is {
        /// The field.
        field: WordField,
        /// The value, or its beginning.
        value: String,
        /// Whether `value` is the beginning of a value.
        prefix: bool,
    },
    /// A state of evidence, which stands beside the index.
    Evidence(MessageState),
    /// The item's own date.
    Dated(DateField, Period),
    /// Everything that the part does not match.
    Not(Box<Node>),
    /// All parts match; at least two.
    And(Vec<Node>),
    /// At least one part matches; at least two.
    Or(Vec<Node>),
}

/// Words to be found one directly after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// As typed, without the quotes; holds at least one letter or digit and no `"`.
    pub text: String,
    /// Typed within quotes.
    pub quoted: bool,
    /// The last word is only the beginning of a word.
    pub prefix: bool,
}

/// A year, month or day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    first: civil::Date,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Year,
    Month,
    Day,
}

/// Why a text is not a query, where, and what to type instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}, at character {column}")]
pub struct QueryError {
    /// Byte offset into the query.
    pub at: usize,
    /// Character of the query, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What works.
    pub hint: String,
}

impl Query {
    /// Reads a query as people type it.
    ///
    /// # Errors
    /// Where the text is no query; see [`crate::parse`].
    pub fn parse(text: &str) -> Result<Query, QueryError> {
        crate::parse::parse(text)
    }

    /// A query for `text` as it stands: one phrase, without operators or fields.
    ///
    /// # Errors
    /// A text without a letter or digit, or above [`MAX_BYTES`] or [`MAX_WORDS`].
    pub fn literal(text: &str) -> Result<Query, QueryError> {
        crate::parse::literal(text)
    }

    /// The tree; `None` matches everything.
    pub fn root(&self) -> Option<&Node> {
        self.root.as_ref()
    }

    /// Whether the query asks for a state of evidence, so that the searcher needs the table of them
    /// ([`crate::Searcher::with_states`]).
    pub fn asks_states(&self) -> bool {
        fn asks(node: &Node) -> bool {
            match node {
                Node::Evidence(_) => true,
                Node::Not(node) => asks(node),
                Node::And(nodes) | Node::Or(nodes) => nodes.iter().any(asks),
                Node::Anywhere(_) | Node::In(..) | Node::Is { .. } | Node::Dated(..) => false,
            }
        }
        self.root.as_ref().is_some_and(asks)
    }
}

impl FromStr for Query {
    type Err = QueryError;
    fn from_str(text: &str) -> Result<Query, QueryError> {
        Query::parse(text)
    }
}

impl Period {
    /// Reads `2017`, `2017-04` or `2017-04-24`: years 1 to 9998, all digits written.
    pub fn parse(text: &str) -> Option<Period> {
        let unit = match text.len() {
            4 => Unit::Year,
            7 => Unit::Month,
            10 => Unit::Day,
            _ => return None,
        };
        let mut parts = text.split('-');
        let mut number = |digits: usize| -> Option<i16> {
            let part = parts.next()?;
            (part.len() == digits && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?
        };
        let year = number(4)?;
        let month = if unit == Unit::Year { 1 } else { number(2)? };
        let day = if unit == Unit::Day { number(2)? } else { 1 };
        let first = civil::Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()?;
        (1..=9998).contains(&year).then_some(Period { first, unit })
    }

    /// The first moment of the period and the first after it, in microseconds since 1970 in UTC.
    pub fn micros(self) -> (i64, i64) {
        let days = match self.unit {
            Unit::Year if self.first.in_leap_year() => 366,
            Unit::Year => 365,
            Unit::Month => i64::from(self.first.days_in_month()),
            Unit::Day => 1,
        };
        const DAY: i64 = 24 * 60 * 60 * 1_000_000;
        let start = days_since_1970(self.first) * DAY;
        (start, start + days * DAY)
    }
}

/// Days from 1970-01-01, by counting years of 365 days and their leap days (proleptic Gregorian).
fn days_since_1970(date: civil::Date) -> i64 {
    let year = i64::from(date.year()) - 1;
    let before = year * 365 + year / 4 - year / 100 + year / 400;
    before + i64::from(date.day_of_year()) - 1 - 719_162
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (year, month, day) = (self.first.year(), self.first.month(), self.first.day());
        match self.unit {
            Unit::Year => write!(f, "{year:04}"),
            Unit::Month => write!(f, "{year:04}-{month:02}"),
            Unit::Day => write!(f, "{year:04}-{month:02}-{day:02}"),
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.root.as_ref().map_or(Ok(()), |node| node.fmt(f))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Node::Anywhere(text) => text.fmt(f),
            Node::In(field, text) => write!(f, "{}:{text}", field.name()),
            Node::Is { field, value, prefix } => {
                let plain =
                    |c: char| !c.is_whitespace() && !matches!(c, '(' | ')' | '*') && closing(c).is_none();
                let quote = if value.chars().all(plain) { "" } else { "\"" };
                let star = if *prefix { "*" } else { "" };
                write!(f, "{}:{quote}{value}{quote}{star}", field.name())
            }
            Node::Evidence(state) => write!(f, "{}:{state}", WordField::State.name()),
            Node::Dated(field, period) => write!(f, "{}:{period}", field.name()),
            Node::Not(node) => match &**node {
                Node::And(_) | Node::Or(_) => write!(f, "-({node})"),
                // Two signs side by side would be text.
                Node::Not(_) => write!(f, "NOT {node}"),
                Node::Anywhere(text) if !text.quoted && text.text.starts_with('-') => write!(f, "NOT {node}"),
                _ => write!(f, "-{node}"),
            },
            Node::And(nodes) => join(f, nodes, " "),
            Node::Or(nodes) => join(f, nodes, " OR "),
        }
    }
}

/// Parts side by side. A list within `OR` needs parentheses, one within a list of all does not.
fn join(f: &mut fmt::Formatter, nodes: &[Node], separator: &str) -> fmt::Result {
    for (n, node) in nodes.iter().enumerate() {
        if n > 0 {
            f.write_str(separator)?;
        }
        match node {
            Node::And(_) => write!(f, "({node})")?,
            _ => write!(f, "{node}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let quote = if self.quoted { "\"" } else { "" };
        let star = if self.prefix { "*" } else { "" };
        write!(f, "{quote}{}{quote}{star}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods() {
        const DAY: i64 = 86_400_000_000;
        for (text, start, days) in [
            ("1970", 0, 365),
            ("1970-01-02", DAY, 1),
            ("1969-12", -31 * DAY, 31),
            ("2000-02", 949_363_200_000_000, 29),
            ("1900-02", -2_208_988_800_000_000 + 31 * DAY, 28),
            ("2017-04-24", 1_492_992_000_000_000, 1),
            ("0001-01-01", -62_135_596_800_000_000, 1),
        ] {
            let period = Period::parse(text).expect(text);
            assert_eq!(period.to_string(), text);
            assert_eq!(period.micros(), (start, start + days * DAY), "{text}");
        }
        for bad in [
            "",
            "17",
            "2017-4",
            "2017-04-31",
            "2017-02-29",
            "0000",
            "9999",
            "2017-13",
            "2017/04",
            "+017",
            "20170424",
            "２０１７",
        ] {
            assert_eq!(Period::parse(bad), None, "{bad}");
        }
    }
}
