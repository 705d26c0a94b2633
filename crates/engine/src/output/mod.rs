//! Answers written out: one file a format, behind one trait.

mod cell;
mod csv;
mod json;
mod parquet;
mod table;

use std::{collections::HashSet, io::Write};

use arrow::{array::RecordBatch, datatypes::Schema};

use crate::{EngineError, QueryStream};

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for a terminal. The first [`TABLE_ROWS`] rows decide how wide the columns are.
    /// Control and bidirectional characters are `%XX`, line breaks a space.
    Table {
        /// Widest cell in terminal columns; longer ones end in `…`. At least 4.
        cell_width: usize,
    },
    /// JSON Lines: one object a row, keys in the order of the columns. Times are RFC 3339 in UTC, binary
    /// is lower hex, lists are arrays, integers are numbers whatever their size, NaN and infinity are null.
    /// Control and bidirectional characters are `\uXXXX`: the same text, and harmless on a terminal.
    Json,
    /// RFC 4180: a header line, CRLF, quotes where needed; null is an empty field and the empty text is
    /// `""`. A cell of text that starts with `=`, `+`, `-`, `@`, tab or a line break (or their full-width
    /// forms) would be a formula in a spreadsheet: it gets a leading `'`, and so does one that starts with
    /// `'`; taking one `'` away restores it. Control characters other than tab and line breaks, and
    /// bidirectional ones, are `%XX`: for exact text use JSON or Parquet. Lists are JSON.
    Csv,
    /// One Parquet file, with the types as they are.
    Parquet,
}

/// Rows that size the columns of [`Format::Table`].
pub const TABLE_ROWS: usize = 1000;

/// Writes an answer; the number of its rows.
pub fn write(answer: QueryStream, format: Format, out: &mut dyn Write) -> Result<u64, EngineError> {
    let schema = answer.schema();
    let mut writer = writer(format);
    let mut rows = 0;
    writer.begin(&schema, out)?;
    for batch in answer {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        writer.batch(&batch, out)?;
    }
    writer.finish(out)?;
    out.flush()?;
    Ok(rows)
}

/// A format: told the columns, then the rows, then that there are no more.
trait Writer {
    fn begin(&mut self, schema: &Schema, out: &mut dyn Write) -> Result<(), EngineError>;
    fn batch(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), EngineError>;
    fn finish(&mut self, out: &mut dyn Write) -> Result<(), EngineError>;
}

fn writer(format: Format) -> Box<dyn Writer> {
    match format {
        Format::Table { cell_width } => Box::new(table::Table::new(cell_width)),
        Format::Json => Box::new(json::Json::default()),
        Format::Csv => Box::new(csv::Csv),
        Format::Parquet => Box::new(parquet::Parquet::default()),
    }
}

/// The columns' names as keys: a name that stood before, as joins bring it, gets a number.
fn keys(schema: &Schema) -> Vec<String> {
    let mut used: HashSet<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut seen = HashSet::new();
    let mut keys = Vec::new();
    for field in schema.fields() {
        let mut key = field.name().clone();
        if !seen.insert(key.clone()) {
            let mut numbers = 2..;
            while let Some(n) = numbers.next().filter(|_| used.contains(&key)) {
                key = format!("{}_{n}", field.name());
            }
            used.insert(key.clone());
        }
        keys.push(key);
    }
    keys
}
