//! Tables over Parquet files that are named one by one: never a directory listing.

use std::{
    fs,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, OnceLock},
};

use arrow::datatypes::SchemaRef;
use datafusion::{
    catalog::{Session, TableProvider},
    common::{Statistics, project_schema, stats::Precision},
    datasource::{
        listing::PartitionedFile,
        physical_plan::{
            FileGroup, FileScanConfigBuilder, ParquetSource, parquet::CachedParquetFileReaderFactory,
        },
        source::DataSourceExec,
        table_schema::TableSchema,
    },
    error::Result,
    execution::object_store::ObjectStoreUrl,
    logical_expr::{Expr, TableProviderFilterPushDown, TableType},
    physical_plan::{ExecutionPlan, empty::EmptyExec},
};
use parquet::file::metadata::ParquetMetaDataReader;
use tamis_model::names;

use crate::EngineError;

/// The store that holds the case's folder: the only one there is.
pub(crate) const STORE: &str = "tamis://case";

/// Tables whose rows are large, and how many rows of them are decoded at a time: a batch of texts must
/// stay far below the 2 GiB that one text column can hold.
const LARGE_ROWS: [(&str, usize); 2] = [("texts", 256), ("headers", 2048)];

/// Views over the tables of batches: name, what a row is, SQL.
pub(crate) const VIEWS: &[(&str, &str, &str)] = &[(
    "mails",
    "one occurrence of a mail, duplicates included, with the mail's fields",
    r#"SELECT i.source_id, i.item_id, i.walk, i.path, i.state, i.blob, i.bytes, m.form, m.message_id,
              m.date, m.utc_offset_min, m.from_addr, m.from_name, m.from_domain, m."to", m.cc, m.bcc,
              m.subject, m.mailer, m.lang, m.attachments
       FROM items i JOIN messages m ON m.blob = i.blob"#,
)];

/// One Parquet file below the case's folder.
#[derive(Debug, Clone)]
pub(crate) struct NamedFile {
    /// Relative to the case's folder, with `/`.
    key: String,
    path: PathBuf,
    bytes: u64,
}

impl NamedFile {
    /// Looks at a file below `root`. Links are not followed out of the case: it may come from a stranger.
    pub(crate) fn look(root: &Path, path: &Path) -> std::result::Result<NamedFile, EngineError> {
        let outside = || EngineError::Outside { path: path.to_owned() };
        let relative = path.strip_prefix(root).map_err(|_| outside())?;
        let (mut key, mut at) = (String::new(), root.to_owned());
        let mut looked = None;
        for step in relative.components() {
            let std::path::Component::Normal(name) = step else { return Err(outside()) };
            at.push(name);
            let about = fs::symlink_metadata(&at).map_err(tamis_case::CaseError::io("look at", &at))?;
            if about.is_symlink() {
                return Err(outside());
            }
            if !key.is_empty() {
                key.push('/');
            }
            key.push_str(name.to_str().ok_or_else(outside)?);
            looked = Some(about);
        }
        match looked {
            Some(about) if about.is_file() => {
                Ok(NamedFile { key, path: path.to_owned(), bytes: about.len() })
            }
            _ => Err(EngineError::damaged(format!("{} is no file", path.display()))),
        }
    }
}

/// A table over some files. Projections, filters and limits go down into the scan.
#[derive(Debug)]
pub(crate) struct FilesTable {
    schema: SchemaRef,
    files: Vec<NamedFile>,
    batch_rows: Option<usize>,
    sizes: OnceLock<Vec<Size>>,
}

/// What a file's footer says.
#[derive(Debug, Clone, Copy)]
struct Size {
    rows: usize,
    bytes: usize,
}

impl FilesTable {
    /// `batch_rows`: as the session; tables with large rows use fewer.
    pub(crate) fn new(name: &str, schema: SchemaRef, files: Vec<NamedFile>, batch_rows: usize) -> FilesTable {
        let large = LARGE_ROWS.iter().find(|(table, _)| *table == name);
        let batch_rows = large.map(|(_, rows)| batch_rows.min(*rows));
        FilesTable { schema, files, batch_rows, sizes: OnceLock::new() }
    }

    /// Reads the footers once: row counts decide which side of a join is held in memory.
    fn sizes(&self) -> Result<&[Size]> {
        if let Some(sizes) = self.sizes.get() {
            return Ok(sizes);
        }
        let sizes = self.files.iter().map(footer).collect::<Result<Vec<_>>>()?;
        Ok(self.sizes.get_or_init(|| sizes))
    }

    fn statistics_of(&self, rows: usize, bytes: usize) -> Statistics {
        let mut statistics = Statistics::new_unknown(&self.schema);
        statistics.num_rows = Precision::Exact(rows);
        statistics.total_byte_size = Precision::Inexact(bytes);
        statistics
    }

    fn plan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.files.is_empty() {
            // A scan of no files has no partitions, which joins cannot stand.
            return Ok(Arc::new(EmptyExec::new(project_schema(&self.schema, projection)?)));
        }
        let url = ObjectStoreUrl::parse(STORE)?;
        let sizes = self.sizes()?;
        let files = self.files.iter().zip(sizes).map(|(file, size)| {
            PartitionedFile::new(file.key.clone(), file.bytes)
                .with_statistics(Arc::new(self.statistics_of(size.rows, size.bytes)))
        });
        let groups = FileGroup::new(files.collect()).split_files(state.config().target_partitions().max(1));
        let (rows, bytes) = sizes.iter().fold((0usize, 0usize), |(rows, bytes), size| {
            (rows.saturating_add(size.rows), bytes.saturating_add(size.bytes))
        });

        let runtime = state.runtime_env();
        let readers = CachedParquetFileReaderFactory::new(
            runtime.object_store(&url)?,
            runtime.cache_manager.get_file_metadata_cache(),
        );
        let source = ParquetSource::new(TableSchema::from(Arc::clone(&self.schema)))
            .with_table_parquet_options(state.default_table_options().parquet)
            .with_parquet_file_reader_factory(Arc::new(readers));
        let scan = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(self.statistics_of(rows, bytes))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .with_batch_size(self.batch_rows)
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }
}

fn footer(file: &NamedFile) -> Result<Size> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&fs::File::open(&file.path)?)?;
    let rows = usize::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    let groups =
        metadata.row_groups().iter().map(|group| usize::try_from(group.total_byte_size()).unwrap_or(0));
    Ok(Size { rows, bytes: groups.fold(0, usize::saturating_add) })
}

/// What an async method of the provider trait returns.
type Scan<'a> = Pin<Box<dyn Future<Output = Result<Arc<dyn ExecutionPlan>>> + Send + 'a>>;

impl TableProvider for FilesTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    // Written out by hand what `async fn scan` would be: nothing in it waits.
    fn scan<'this, 'state, 'projection, 'filters, 'async_trait>(
        &'this self,
        state: &'state dyn Session,
        projection: Option<&'projection Vec<usize>>,
        _filters: &'filters [Expr],
        limit: Option<usize>,
    ) -> Scan<'async_trait>
    where
        'this: 'async_trait,
        'state: 'async_trait,
        'projection: 'async_trait,
        'filters: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(std::future::ready(self.plan(state, projection, limit)))
    }

    /// Filters prune row groups and pages and are then evaluated while decoding.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}

/// Whether a name can be a table's: a letter, then letters, digits and `_`, all lower case.
pub(crate) fn check_name(name: &str) -> std::result::Result<(), EngineError> {
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if fits {
        Ok(())
    } else {
        Err(EngineError::Sql { because: format!("`{}` cannot be a table's name", names::printable(name)) })
    }
}
