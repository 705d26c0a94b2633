//! CSV that a spreadsheet may open: no cell becomes a formula.

use std::io::Write;

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema},
};
use tamis_model::names;

use super::{
    Writer,
    cell::{self, Cell},
};
use crate::EngineError;

/// See [`super::Format::Csv`].
pub(super) struct Csv;

impl Writer for Csv {
    fn begin(&mut self, schema: &Schema, out: &mut dyn Write) -> Result<(), EngineError> {
        let mut line = String::new();
        for (at, field) in schema.fields().iter().enumerate() {
            separate(&mut line, at);
            field_of_text(&mut line, field.name());
        }
        line.push_str("\r\n");
        Ok(out.write_all(line.as_bytes())?)
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), EngineError> {
        let mut line = String::new();
        for row in 0..batch.num_rows() {
            line.clear();
            for (at, column) in batch.columns().iter().enumerate() {
                separate(&mut line, at);
                match cell::cell(column.as_ref(), row) {
                    Cell::Null => {}
                    // Numbers and times as they are: a leading minus of theirs is no formula.
                    Cell::Bare(text) | Cell::Safe(text) if !is_text(column.data_type()) => {
                        line.push_str(&text)
                    }
                    Cell::NotFinite(value) => line.push_str(&value.to_string()),
                    _ => field_of_text(&mut line, &cell::text(column.as_ref(), row)),
                }
            }
            line.push_str("\r\n");
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut dyn Write) -> Result<(), EngineError> {
        Ok(())
    }
}

/// Types whose cells may hold any text: everything that is not a number, a time or hex.
fn is_text(data_type: &DataType) -> bool {
    !(data_type.is_numeric()
        || data_type.is_temporal()
        || data_type.is_binary()
        || matches!(data_type, DataType::Boolean | DataType::FixedSizeBinary(_)))
}

fn separate(line: &mut String, at: usize) {
    if at > 0 {
        line.push(',');
    }
}

fn field_of_text(line: &mut String, text: &str) {
    let from = line.len();
    let mut quoted = text.is_empty();
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'', '＝', '＋', '－', '＠']) {
        line.push('\'');
    }
    for c in text.chars() {
        match c {
            '"' => {
                line.push_str("\"\"");
                quoted = true;
            }
            ',' | '\r' | '\n' | '\t' => {
                line.push(c);
                quoted = true;
            }
            c if names::is_hidden(c) => line.push_str(&names::printable(c.encode_utf8(&mut [0; 4]))),
            c => line.push(c),
        }
    }
    if quoted {
        line.insert(from, '"');
        line.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::field_of_text;

    #[test]
    fn fields() {
        for (text, field) in [
            ("a b", "a b"),
            ("", "\"\""),
            ("a,b", "\"a,b\""),
            ("say \"a\"", "\"say \"\"a\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("＝1", "'＝1"),
            ("'quoted", "''quoted"),
            ("\u{1b}[31m\u{202e}\0", "%1B[31m%E2%80%AE%00"),
            ("a=b", "a=b"),
        ] {
            let mut line = String::from("x,");
            field_of_text(&mut line, text);
            assert_eq!(line.strip_prefix("x,"), Some(field), "{text:?}");
        }
    }
}
