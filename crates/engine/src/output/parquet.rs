//! One Parquet file, written as a stream: at most one row group is held.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    datatypes::{Schema, SchemaRef},
};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

use super::Writer;
use crate::EngineError;

/// Encoded bytes before a row group is closed.
const ROW_GROUP_BYTES: usize = 32 << 20;

/// See [`super::Format::Parquet`].
pub(super) struct Parquet {
    schema: SchemaRef,
    writer: Option<ArrowWriter<Pending>>,
    pending: Pending,
}

impl Default for Parquet {
    fn default() -> Self {
        Parquet { schema: Arc::new(Schema::empty()), writer: None, pending: Pending::default() }
    }
}

impl Writer for Parquet {
    fn begin(&mut self, schema: &Schema, _: &mut dyn Write) -> Result<(), EngineError> {
        let properties = WriterProperties::builder()
            .set_created_by("tamis".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
            .build();
        let fields = schema.fields().iter().zip(super::keys(schema));
        let fields = fields.map(|(field, key)| field.as_ref().clone().with_name(key)).collect::<Vec<_>>();
        self.schema = Arc::new(Schema::new(fields));
        let writer = ArrowWriter::try_new(self.pending.clone(), Arc::clone(&self.schema), Some(properties))?;
        self.writer = Some(writer);
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), EngineError> {
        if let Some(writer) = &mut self.writer {
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let columns = batch.columns().to_vec();
            let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?;
            writer.write(&batch)?;
            if writer.in_progress_size() >= ROW_GROUP_BYTES {
                writer.flush()?;
            }
        }
        Ok(out.write_all(&self.pending.take())?)
    }

    fn finish(&mut self, out: &mut dyn Write) -> Result<(), EngineError> {
        if let Some(writer) = self.writer.take() {
            writer.close()?;
        }
        Ok(out.write_all(&self.pending.take())?)
    }
}

/// What the encoder wrote and the caller has not got yet: the encoder owns its sink, and wants one that
/// can change threads.
#[derive(Debug, Clone, Default)]
struct Pending(Arc<Mutex<Vec<u8>>>);

impl Pending {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
