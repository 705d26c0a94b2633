//! Aligned columns for a terminal: what a dump contains cannot steer it.

use std::io::Write;

use arrow::{array::RecordBatch, datatypes::Schema};
use tamis_model::names;

use super::{TABLE_ROWS, Writer, cell};
use crate::EngineError;

/// See [`super::Format::Table`].
pub(super) struct Table {
    cell_width: usize,
    columns: Vec<Column>,
    /// Rows that wait until the widths are known; `None` once they are.
    waiting: Option<Vec<Vec<String>>>,
}

struct Column {
    name: String,
    right: bool,
    width: usize,
}

impl Table {
    pub(super) fn new(cell_width: usize) -> Table {
        Table { cell_width: cell_width.max(4), columns: Vec::new(), waiting: Some(Vec::new()) }
    }

    /// Fixes the widths and writes what waited.
    fn settle(&mut self, out: &mut dyn Write) -> Result<(), EngineError> {
        let Some(rows) = self.waiting.take() else { return Ok(()) };
        for row in &rows {
            for (column, text) in self.columns.iter_mut().zip(row) {
                column.width = column.width.max(width(text));
            }
        }
        let head = self.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        self.line(&head, out)?;
        let rule = self.columns.iter().map(|column| "─".repeat(column.width)).collect::<Vec<_>>();
        self.line(&rule, out)?;
        rows.iter().try_for_each(|row| self.line(row, out))
    }

    fn line(&self, row: &[String], out: &mut dyn Write) -> Result<(), EngineError> {
        let mut line = String::new();
        for (at, (column, text)) in self.columns.iter().zip(row).enumerate() {
            if at > 0 {
                line.push_str("  ");
            }
            let text = shorten(text, column.width);
            let padding = " ".repeat(column.width.saturating_sub(width(&text)));
            if column.right {
                line.push_str(&padding);
            }
            line.push_str(&text);
            if !column.right {
                line.push_str(&padding);
            }
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        Ok(out.write_all(line.as_bytes())?)
    }
}

impl Writer for Table {
    fn begin(&mut self, schema: &Schema, _: &mut dyn Write) -> Result<(), EngineError> {
        self.columns = schema
            .fields()
            .iter()
            .map(|field| {
                let name = shorten(&names::printable(field.name()), self.cell_width);
                Column { right: cell::is_number(field.data_type()), width: width(&name), name }
            })
            .collect();
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), EngineError> {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| {
                // A cell may be a whole document: no more is looked at than can be shown. A column of the
                // terminal takes up to a few characters, where they combine.
                let text = cell::text(column.as_ref(), row);
                let text = match text.char_indices().nth(4 * self.cell_width + 4) {
                    Some((end, _)) => text.get(..end).unwrap_or_default(),
                    None => &text,
                };
                shorten(&names::printable(text), self.cell_width)
            });
            let cells = cells.collect::<Vec<_>>();
            match &mut self.waiting {
                Some(waiting) => {
                    waiting.push(cells);
                    if waiting.len() >= TABLE_ROWS {
                        self.settle(out)?;
                    }
                }
                None => self.line(&cells, out)?,
            }
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> Result<(), EngineError> {
        self.settle(out)
    }
}

/// `text` in at most `limit` columns, ending in `…` where it was longer.
fn shorten(text: &str, limit: usize) -> String {
    if width(text) <= limit && text.chars().count() <= 4 * limit {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 0;
    for (at, c) in text.chars().enumerate() {
        used += columns(c);
        if used + 1 > limit || at >= 4 * limit {
            break;
        }
        short.push(c);
    }
    short.push('…');
    short
}

fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// Columns that a terminal gives a character: none to combining ones, two to wide ones (Unicode Standard
/// Annex 11, in ranges coarse enough for alignment).
fn columns(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f | 0x0483..=0x0489 | 0x0591..=0x05bd | 0x0610..=0x061a | 0x064b..=0x065f => 0,
        0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x200b..=0x200d | 0x20d0..=0x20ff => 0,
        0xfe00..=0xfe0f | 0xfe20..=0xfe2f | 0xe0100..=0xe01ef => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
        0xfe30..=0xfe6f | 0xff01..=0xff60 | 0xffe0..=0xffe6 => 2,
        0x1f300..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f900..=0x1f9ff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{shorten, width};

    #[test]
    fn shortened() {
        for (text, limit, expected) in [
            ("abcd", 4, "abcd"),
            ("abcde", 4, "abc…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("e\u{301}e\u{301}", 4, "e\u{301}e\u{301}"),
        ] {
            assert_eq!(shorten(text, limit), expected);
            assert!(width(&shorten(text, limit)) <= limit);
        }
        let tower = "e".to_owned() + &"\u{301}".repeat(1000);
        assert!(shorten(&tower, 8).chars().count() <= 33);
    }
}
