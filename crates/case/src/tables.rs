//! Parquet files of a batch: written in bounded memory, the same rows to the same bytes.

use std::{
    fs::File,
    os::unix::fs::OpenOptionsExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::SchemaRef,
    error::ArrowError,
};
use parquet::{
    arrow::{
        ArrowWriter, ProjectionMask,
        arrow_reader::{
            ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
        },
    },
    basic::{Compression, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties},
    schema::types::ColumnPath,
};
use rustix::fs::OFlags;
use tamis_model::{
    Blob,
    tables::{
        Attachment, BlobPlace, Column, Defect, Digest, Facts, Header, Item, Message, PartSignature, Row,
        Rows, Signature, Text,
    },
};

use crate::{
    CaseError,
    files::{HashedFile, Written},
};

/// A table of the case, as people type it in SQL.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name; its file in a batch is `<name>.parquet`.
    pub name: &'static str,
    /// Its columns.
    pub schema: SchemaRef,
    /// Whether its first column is the blob that the row is a fact of.
    pub facts: bool,
}

impl Table {
    /// All tables of batches, in the order of the documentation.
    pub fn all() -> Vec<Table> {
        fn own<R: Row>() -> Table {
            Table { name: R::TABLE, schema: R::schema(), facts: false }
        }
        fn facts<R: Row>() -> Table {
            Table { name: R::TABLE, schema: Facts::<R>::schema(), facts: true }
        }
        vec![
            own::<Item>(),
            own::<BlobPlace>(),
            facts::<Message>(),
            facts::<Header>(),
            facts::<Text>(),
            facts::<Defect>(),
            facts::<Attachment>(),
            facts::<Signature>(),
            facts::<Digest>(),
            facts::<PartSignature>(),
        ]
    }
}

/// Rows that are buffered before they are encoded.
const ROWS: usize = 4096;
/// Bytes of encoded rows that are held before a row group is closed.
const ROW_GROUP_BYTES: usize = 32 << 20;

/// Encoded bytes of pages: small enough that fetching one row does not decode megabytes.
const PAGE_BYTES: usize = 128 << 10;

/// Columns of long values that hardly repeat: their least and greatest prune nothing, and a dictionary of
/// them is a copy.
const LONG: [&str; 2] = ["text", "value_raw"];

/// Rows that wait to be encoded: rows of their own ([`Rows`]), or facts ([`Facts`]).
pub trait Pending: Default {
    /// The table's schema.
    fn schema() -> SchemaRef;
    /// Rows that wait.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Takes them.
    fn take(&mut self) -> Result<RecordBatch, ArrowError>;
}

impl<R: Row> Pending for Rows<R> {
    fn schema() -> SchemaRef {
        R::schema()
    }
    fn len(&self) -> usize {
        Rows::len(self)
    }
    fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        self.finish()
    }
}

impl<R: Row> Pending for Facts<R> {
    fn schema() -> SchemaRef {
        Facts::<R>::schema()
    }
    fn len(&self) -> usize {
        Facts::len(self)
    }
    fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        self.finish()
    }
}

/// One table in the making: a Parquet file that the same rows give the same bytes.
pub struct TableFile<P: Pending> {
    pending: P,
    /// Rough size of what is pending; texts can be large.
    pending_bytes: usize,
    writer: ArrowWriter<HashedFile>,
    rows: u64,
    path: PathBuf,
}

impl<P: Pending> TableFile<P> {
    /// Begins `<name>.parquet` in `dir`.
    pub fn create(dir: &Path, name: &str) -> Result<Self, CaseError> {
        let path = dir.join(format!("{name}.parquet"));
        let properties = WriterProperties::builder()
            .set_created_by("tamis".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_data_page_size_limit(PAGE_BYTES)
            .set_write_batch_size(512);
        let properties = LONG
            .iter()
            .map(|column| ColumnPath::from(*column))
            .fold(properties, |properties, column| {
                properties
                    .set_column_statistics_enabled(column.clone(), EnabledStatistics::None)
                    .set_column_dictionary_enabled(column, false)
            })
            .build();
        let file = HashedFile::create(&path)?;
        let writer = ArrowWriter::try_new(file, P::schema(), Some(properties)).map_err(damaged(&path))?;
        Ok(TableFile { pending: P::default(), pending_bytes: 0, writer, rows: 0, path })
    }

    /// Lets `push` append one row of about `bytes` bytes.
    pub fn push(&mut self, bytes: usize, push: impl FnOnce(&mut P)) -> Result<(), CaseError> {
        push(&mut self.pending);
        self.rows += 1;
        self.pending_bytes += bytes;
        if self.pending.len() >= ROWS || self.pending_bytes >= ROW_GROUP_BYTES / 4 {
            self.encode()?;
        }
        Ok(())
    }

    fn encode(&mut self) -> Result<(), CaseError> {
        let batch = self.pending.take().map_err(|error| damaged(&self.path)(error.into()))?;
        self.pending_bytes = 0;
        self.writer.write(&batch).map_err(damaged(&self.path))?;
        if self.writer.in_progress_size() >= ROW_GROUP_BYTES {
            self.writer.flush().map_err(damaged(&self.path))?;
        }
        Ok(())
    }

    /// Ends the file, synced; its number of rows.
    pub fn close(self) -> Result<u64, CaseError> {
        Ok(self.finish()?.0)
    }

    /// Rows and the file as it stands on disk.
    pub(crate) fn finish(mut self) -> Result<(u64, Written), CaseError> {
        if self.pending.len() > 0 {
            self.encode()?;
        }
        let file = self.writer.into_inner().map_err(damaged(&self.path))?;
        Ok((self.rows, file.finish().map_err(CaseError::io("write", &self.path))?))
    }
}

/// A parquet error at a path; what the disk said stays an I/O error.
pub(crate) fn damaged(path: &Path) -> impl FnOnce(parquet::errors::ParquetError) -> CaseError + '_ {
    move |error| match error {
        parquet::errors::ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(source) => CaseError::Io { doing: "write", path: path.to_owned(), source: *source },
            Err(inner) => CaseError::Damaged { path: path.to_owned(), because: inner.to_string() },
        },
        other => CaseError::Damaged { path: path.to_owned(), because: other.to_string() },
    }
}

/// Rows of a record batch. A row of `texts` may be a megabyte, and a few bytes of a hostile file may stand
/// for many of them.
fn batch_rows(path: &Path) -> usize {
    if path.file_stem().is_some_and(|name| name == Text::TABLE) { 32 } else { 1024 }
}

/// Calls `each` with every record batch of a Parquet file; only `columns` are decoded, where given.
pub fn read_batches(
    path: &Path,
    columns: Option<&[&str]>,
    mut each: impl FnMut(RecordBatch) -> Result<(), CaseError>,
) -> Result<(), CaseError> {
    let mut batches = batches(path, |builder| {
        let builder = builder.with_batch_size(batch_rows(path));
        let Some(columns) = columns else { return builder };
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder.with_projection(mask)
    })?;
    batches.try_for_each(|batch| each(batch?))
}

/// The record batches of a Parquet file, up to the first that cannot be decoded.
struct Batches {
    reader: Option<ParquetRecordBatchReader>,
    path: PathBuf,
}

type Builder = ParquetRecordBatchReaderBuilder<File>;

/// Opens a file that is one: a case may come from a stranger, and a pipe in the file's place would hang us.
fn open_regular(path: &Path) -> Result<File, CaseError> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(CaseError::io("open", path))?;
    match file.metadata().map_err(CaseError::io("look at", path))?.is_file() {
        true => Ok(file),
        false => Err(CaseError::Damaged { path: path.to_owned(), because: "it is no file".to_owned() }),
    }
}

/// Opens a Parquet file, to be read as `how` says.
fn batches(path: &Path, how: impl FnOnce(Builder) -> Builder) -> Result<Batches, CaseError> {
    let file = open_regular(path)?;
    let reader = guarded(path, || how(Builder::try_new(file)?).build())?;
    Ok(Batches { reader: Some(reader), path: path.to_owned() })
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, CaseError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.reader.take()?;
        match guarded(&self.path, || Ok(reader.next().transpose()?)).transpose()? {
            Ok(batch) => {
                self.reader = Some(reader);
                Some(Ok(batch))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

/// A case may come from a stranger, and the decoder panics over some files that no writer makes: these
/// are as damaged as those that it refuses.
fn guarded<T>(
    path: &Path,
    decode: impl FnOnce() -> Result<T, parquet::errors::ParquetError>,
) -> Result<T, CaseError> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err(parquet::errors::ParquetError::General("it cannot be decoded".to_owned())))
        .map_err(damaged(path))
}

/// Calls `each` with every row of a table that stands on its own.
pub fn read_rows<R: Row>(
    path: &Path,
    mut each: impl FnMut(R) -> Result<(), CaseError>,
) -> Result<(), CaseError> {
    read_batches(path, None, |batch| {
        (0..batch.num_rows())
            .try_for_each(|row| each(R::read(&batch, row).ok_or_else(|| not_ours(path, R::TABLE))?))
    })
}

/// Calls `each` with every row of a table of facts whose blob is `wanted`; of all, if there is none.
pub fn read_facts<R: Row>(
    path: &Path,
    mut wanted: impl FnMut(&Blob) -> bool,
    mut each: impl FnMut(Blob, R) -> Result<(), CaseError>,
) -> Result<(), CaseError> {
    read_batches(path, None, |batch| {
        let missing = || not_ours(path, R::TABLE);
        let blobs = batch.column_by_name("blob").ok_or_else(missing)?;
        for row in 0..batch.num_rows() {
            let blob = Blob::read(blobs, row).ok_or_else(missing)?;
            if wanted(&blob) {
                each(blob, R::read(&batch, row).ok_or_else(missing)?)?;
            }
        }
        Ok(())
    })
}

pub(crate) fn not_ours(path: &Path, table: &str) -> CaseError {
    CaseError::Damaged {
        path: path.to_owned(),
        because: format!("its columns are not those of the table {table}"),
    }
}

/// The first row whose text column `column` is `value`: one column is decoded to find it, and then
/// only the record batch that holds it.
pub(crate) fn find_row<R: Row>(path: &Path, column: &str, value: &str) -> Result<Option<R>, CaseError> {
    let mut found = None;
    let mut row = 0;
    read_batches(path, Some(&[column]), |batch| {
        if found.is_none() {
            let column = batch.columns().first().and_then(|column| column.as_string_opt::<i32>());
            let texts = column.ok_or_else(|| not_ours(path, R::TABLE))?;
            found = texts.iter().position(|text| text == Some(value)).map(|at| row + at);
        }
        row += batch.num_rows();
        Ok(())
    })?;
    let Some(at) = found else { return Ok(None) };

    let one = RowSelection::from(vec![RowSelector::skip(at), RowSelector::select(1)]);
    let Some(batch) = batches(path, |builder| builder.with_row_selection(one))?.next() else {
        return Ok(None);
    };
    R::read(&batch?, 0).map(Some).ok_or_else(|| not_ours(path, R::TABLE))
}

/// The rows of a table of facts whose blob is `wanted`, in order, decoded as they are asked for.
pub fn stream_facts<R: Row, W: FnMut(&Blob) -> bool>(
    path: &Path,
    mut wanted: W,
) -> Result<impl Iterator<Item = Result<(Blob, R), CaseError>> + use<R, W>, CaseError> {
    let batches = batches(path, |builder| builder.with_batch_size(batch_rows(path)))?;
    let path = path.to_owned();
    let mut rows_of = move |batch: RecordBatch| -> Result<Vec<_>, CaseError> {
        let missing = || not_ours(&path, R::TABLE);
        let blobs = batch.column_by_name("blob").ok_or_else(missing)?;
        let mut rows = Vec::new();
        for row in 0..batch.num_rows() {
            let blob = Blob::read(blobs, row).ok_or_else(missing)?;
            if wanted(&blob) {
                rows.push(Ok((blob, R::read(&batch, row).ok_or_else(missing)?)));
            }
        }
        Ok(rows)
    };
    Ok(batches.flat_map(move |batch| batch.and_then(&mut rows_of).unwrap_or_else(|error| vec![Err(error)])))
}
