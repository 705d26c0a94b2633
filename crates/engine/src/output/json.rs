//! JSON Lines.

use std::io::Write;

use arrow::{array::RecordBatch, datatypes::Schema};

use super::{Writer, cell};
use crate::EngineError;

/// See [`super::Format::Json`].
#[derive(Default)]
pub(super) struct Json {
    /// `"name":`, escaped.
    keys: Vec<String>,
}

impl Writer for Json {
    fn begin(&mut self, schema: &Schema, _: &mut dyn Write) -> Result<(), EngineError> {
        let quoted = |name: String| {
            let mut key = String::new();
            cell::quote(&mut key, &name);
            key.push(':');
            key
        };
        self.keys = super::keys(schema).into_iter().map(quoted).collect();
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), EngineError> {
        let mut line = String::new();
        for row in 0..batch.num_rows() {
            line.clear();
            line.push('{');
            for (at, (key, column)) in self.keys.iter().zip(batch.columns()).enumerate() {
                if at > 0 {
                    line.push(',');
                }
                line.push_str(key);
                cell::json(&mut line, column.as_ref(), row);
            }
            line.push_str("}\n");
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut dyn Write) -> Result<(), EngineError> {
        Ok(())
    }
}
