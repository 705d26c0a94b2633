//! Tables with commas, semicolons or tabs between their columns (RFC 4180).

use tamis_model::keys::Channel;

use super::entry::{Collected, Entry, Field};
use crate::keys::record::MAX_RECORD;

/// More columns than this are not read.
const MAX_COLUMNS: usize = 1000;

/// Which column is which field, where the header does not say it in our words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping(Vec<(Field, Column)>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    /// By its name in the header.
    Named(String),
    /// By its number, from 0.
    Number(usize),
}

impl Mapping {
    /// Of `field=column,…`, e.g. `domain=Dom,selector=Sel,record=TXT value` or `domain=1,selector=2,record=5`:
    /// columns by their name in the header, or by their number from 1; then the table has no header.
    /// Fields are domain, selector, name, record, spki, channel, first_seen, last_seen, seen, witness, note.
    ///
    /// # Errors
    /// An element without `=`, or a field that there is not.
    pub fn parse(text: &str) -> Result<Mapping, String> {
        let pairs = text.split(',').filter(|pair| !pair.trim().is_empty()).map(|pair| {
            let (field, column) = pair.split_once('=').ok_or(format!("{pair}: no ="))?;
            let field = Field::parse(field).ok_or(format!("{field}: there is no such field"))?;
            let column = column.trim();
            let number = column.parse().ok().and_then(|number: usize| number.checked_sub(1));
            Ok((field, number.map_or_else(|| Column::Named(column.to_owned()), Column::Number)))
        });
        pairs.collect::<Result<_, String>>().map(Mapping)
    }

    fn has_header(&self) -> bool {
        self.0.iter().any(|(_, column)| matches!(column, Column::Named(_)))
    }

    /// The field of each column that has one.
    fn fields(&self, header: &[String]) -> Vec<(usize, Field)> {
        let place = |column: &Column| match column {
            Column::Number(number) => Some(*number),
            Column::Named(name) => header.iter().position(|found| found.trim().eq_ignore_ascii_case(name)),
        };
        self.0.iter().filter_map(|(field, column)| Some((place(column)?, *field))).collect()
    }
}

/// A table; without a mapping, its header must have our words.
pub fn read(text: &str, mapping: Option<&Mapping>, found: &mut Collected) {
    let mut rows = Rows { rest: text, line: 1, separator: separator_of(text) };
    let header = match mapping {
        Some(mapping) if !mapping.has_header() => Vec::new(),
        _ => rows.next().map(|(_, cells)| cells).unwrap_or_default(),
    };
    let fields = match mapping {
        Some(mapping) => mapping.fields(&header),
        None => header_fields(&header),
    };
    if !is_complete(&fields) {
        found.problems.add(1, "no columns for domain, selector (or name), and record or spki");
        return;
    }
    for (line, cells) in rows {
        let mut entry = Entry::default();
        for (place, field) in &fields {
            let cell = cells.get(*place).map(|cell| cell.trim()).unwrap_or_default();
            // An empty record is an observation only where `p=` says so.
            if !cell.is_empty() {
                entry.set(*field, cell);
            }
        }
        if cells.iter().any(|cell| !cell.trim().is_empty()) {
            found.take(line, &entry, Channel::User);
        }
    }
}

/// Whether this line is a header that names what is needed.
pub fn is_header(line: &str) -> bool {
    let mut rows = Rows { rest: line, line: 1, separator: separator_of(line) };
    rows.next().is_some_and(|(_, cells)| is_complete(&header_fields(&cells)))
}

fn header_fields(header: &[String]) -> Vec<(usize, Field)> {
    let field = |(place, name): (usize, &String)| Field::parse(name).map(|field| (place, field));
    header.iter().enumerate().filter_map(field).collect()
}

fn is_complete(fields: &[(usize, Field)]) -> bool {
    let has = |wanted: Field| fields.iter().any(|(_, field)| *field == wanted);
    (has(Field::Name) || (has(Field::Domain) && has(Field::Selector)))
        && (has(Field::Record) || has(Field::Spki))
}

/// The one that the first line has most of.
fn separator_of(text: &str) -> char {
    let line = text.lines().next().unwrap_or_default();
    let count = |separator: &char| line.matches(*separator).count();
    // Of equals `max_by_key` takes the last: the comma.
    [';', '\t', ','].into_iter().max_by_key(count).unwrap_or(',')
}

/// The rows, with the number of their first line.
struct Rows<'a> {
    rest: &'a str,
    line: usize,
    separator: char,
}

impl Iterator for Rows<'_> {
    type Item = (usize, Vec<String>);

    fn next(&mut self) -> Option<(usize, Vec<String>)> {
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let mut cells = Vec::new();
        let mut cell = String::new();
        let mut quoted = false;
        let mut characters = self.rest.char_indices().peekable();
        let mut end = self.rest.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' if quoted && characters.next_if(|(_, next)| *next == '"').is_some() => cell.push('"'),
                '"' if quoted => quoted = false,
                '"' if cell.trim().is_empty() => {
                    quoted = true;
                    cell.clear();
                }
                // A quote that nobody closes must not swallow the table.
                '\n' if !quoted || cell.len() > MAX_RECORD => {
                    self.line += 1;
                    end = at + 1;
                    break;
                }
                '\r' if !quoted => {}
                _ if character == self.separator && !quoted => cells.push(std::mem::take(&mut cell)),
                _ => {
                    self.line += usize::from(character == '\n');
                    cell.push(character);
                }
            }
            if cells.len() > MAX_COLUMNS {
                cells.pop();
            }
        }
        self.rest = self.rest.get(end..).unwrap_or_default();
        cells.push(cell);
        Some((line, cells))
    }
}
