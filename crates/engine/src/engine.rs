//! The engine: a case's tables, and questions about them.

use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::datatypes::SchemaRef;
use datafusion::{
    catalog::TableProvider,
    datasource::{ViewTable, provider_as_source},
    execution::{
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        memory_pool::FairSpillPool,
        object_store::ObjectStoreUrl,
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
        session_state::SessionStateBuilder,
    },
    logical_expr::{LogicalPlan, LogicalPlanBuilder},
    object_store::local::LocalFileSystem,
    prelude::{SessionConfig, SessionContext},
    sql::parser::Statement,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};
use tamis_case::{Case, CaseError, Table};
use tamis_model::{ids::hex, names};

use crate::{
    Cancel, EngineError, QueryStream, hidden, statement,
    stream::Threads,
    tables::{self, FilesTable, NamedFile, STORE, VIEWS},
    threads,
};

/// How much an engine may use. None of it changes an answer that is ordered in full.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bytes of buffers for sorts, joins and groups, shared fairly; beyond it they spill to `tmp`.
    pub memory_bytes: usize,
    /// How many partitions work side by side; at least 1.
    pub partitions: usize,
    /// Rows of a record batch; at least 1.
    pub batch_rows: usize,
    /// An existing folder for spilled rows, e.g. the case's `tmp`. Nothing is left in it, and nothing is
    /// written there unless a query spills.
    pub tmp: PathBuf,
}

/// Most bytes that one engine spills to disk.
const SPILL_BYTES: u64 = 64 << 30;

/// Functions that would show where files lie on this machine.
const NO_FUNCTIONS: [&str; 2] = ["input_file_name", "file_row_index"];

/// A table that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// As people type it.
    pub name: String,
    /// Its columns.
    pub schema: SchemaRef,
}

/// A case's tables, as they stood when the case was opened, and the derived ones.
pub struct Engine {
    session: SessionContext,
    threads: Arc<Threads>,
    root: PathBuf,
    settings: Settings,
    generation: u64,
    input: String,
}

impl Engine {
    /// Offers every table of the committed batches, the views over them, and the derived tables that
    /// belong to this state of the case. Starts `partitions` threads; reads no file yet.
    pub fn open(case: &Case, settings: Settings) -> Result<Engine, EngineError> {
        let threads = Arc::new(Threads::start(settings.partitions.clamp(1, 64))?);
        let session = session(case.dir(), &settings)?;
        let engine = Engine {
            session,
            threads,
            root: case.dir().to_owned(),
            generation: case.last_batch(),
            input: input_digest(case),
            settings,
        };
        for table in Table::all() {
            let provider = engine.table(case, &table)?;
            engine.register(table.name, provider)?;
        }
        for (name, _, sql) in VIEWS {
            let view = ViewTable::new(engine.plan(sql)?, Some((*sql).to_owned()));
            engine.register(name, Arc::new(view))?;
        }
        engine.refresh_derived()?;
        Ok(engine)
    }

    /// Offers Parquet files of the case (usually below `derived/`) as the table `name`, in place of one of
    /// that name. `schema`: the columns; else those of the first file. Files outside the case, links, and
    /// names that are not lower-case words are refused.
    pub fn add_derived(
        &self,
        name: &str,
        files: &[PathBuf],
        schema: Option<SchemaRef>,
    ) -> Result<(), EngineError> {
        tables::check_name(name)?;
        let named =
            files.iter().map(|path| NamedFile::look(&self.root, path)).collect::<Result<Vec<_>, _>>()?;
        let schema = match (schema, files.first()) {
            (Some(schema), _) => schema,
            (None, Some(first)) => schema_of(first)?,
            (None, None) => return Err(EngineError::damaged(format!("no file for the table {name}"))),
        };
        let batch_rows = self.settings.batch_rows.max(1);
        self.register(name, Arc::new(FilesTable::new(name, schema, named, batch_rows)))
    }

    /// Offers the derived tables that belong to this state of the case, such as ones built just now.
    pub fn refresh_derived(&self) -> Result<(), EngineError> {
        match threads::find(&self.root.join("derived"), self) {
            Some(file) => self.add_derived("threads", &[file], Some(threads::schema())),
            None => Ok(()),
        }
    }

    /// The case's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Number of the last batch that this engine sees.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// SHA-256 over the names of the batches that this engine sees, which are named after their contents:
    /// what a derived table states as its input.
    pub fn input(&self) -> &str {
        &self.input
    }

    /// Every table, by name.
    pub fn tables(&self) -> Result<Vec<TableInfo>, EngineError> {
        let mut tables = Vec::new();
        for name in self.table_names() {
            let provider = self
                .threads
                .run(&Cancel::default(), async { Ok(self.session.table_provider(name.as_str()).await?) })?;
            tables.push(TableInfo { schema: provider.schema(), name });
        }
        Ok(tables)
    }

    /// The plan of one question, as the SQL says it: views are not opened, nothing is optimised.
    /// What is not a question is refused before it is planned.
    pub fn plan(&self, sql: &str) -> Result<LogicalPlan, EngineError> {
        let state = self.session.state();
        let statement = statement::parse(&state, sql)?;
        self.known_tables(&statement)?;
        let plan =
            self.threads.run(&Cancel::default(), async { Ok(state.statement_to_plan(statement).await?) })?;
        statement::check(&plan)?;
        Ok(plan)
    }

    /// Answers one question: SELECT, WITH, VALUES, EXPLAIN, DESCRIBE, SHOW TABLES, SHOW COLUMNS.
    pub fn query(&self, sql: &str) -> Result<QueryStream, EngineError> {
        self.run(self.plan(sql)?)
    }

    /// Runs a plan of [`Engine::plan`].
    pub fn run(&self, plan: LogicalPlan) -> Result<QueryStream, EngineError> {
        statement::check(&plan)?;
        let stream = self.threads.run(&Cancel::default(), async {
            let frame = self.session.execute_logical_plan(plan).await?;
            Ok(frame.execute_stream().await?)
        })?;
        Ok(QueryStream::new(stream, Arc::clone(&self.threads)))
    }

    /// A table over all batches. Batches of which something is hidden are filtered; without superseding
    /// batches there is one plain scan.
    fn table(&self, case: &Case, table: &Table) -> Result<Arc<dyn TableProvider>, EngineError> {
        let mut parts: Vec<LogicalPlan> = Vec::new();
        let runs = runs(case);
        for (from, to) in runs.iter().copied() {
            let files = case
                .batches()
                .get(from..to)
                .unwrap_or_default()
                .iter()
                .map(|batch| NamedFile::look(&self.root, &batch.dir.join(format!("{}.parquet", table.name))))
                .collect::<Result<Vec<_>, _>>()?;
            let schema = Arc::clone(&table.schema);
            let files = FilesTable::new(table.name, schema, files, self.settings.batch_rows.max(1));
            let files: Arc<dyn TableProvider> = Arc::new(files);
            if runs.len() == 1 {
                return Ok(files);
            }
            let hidden = case.hidden_in(to.saturating_sub(1));
            let mut part = LogicalPlanBuilder::scan(table.name, provider_as_source(files), None)?;
            if let Some(seen) = hidden::not_hidden(table, &hidden) {
                part = part.filter(seen)?;
            }
            parts.push(part.build()?);
        }
        let mut parts = parts.into_iter();
        let Some(first) = parts.next() else {
            return Ok(Arc::new(FilesTable::new(table.name, Arc::clone(&table.schema), vec![], 1)));
        };
        let all = parts.try_fold(LogicalPlanBuilder::from(first), |all, part| all.union(part))?;
        Ok(Arc::new(ViewTable::new(all.build()?, None)))
    }

    fn register(&self, name: &str, provider: Arc<dyn TableProvider>) -> Result<(), EngineError> {
        self.session.deregister_table(name)?;
        self.session.register_table(name, provider)?;
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn aggregate_names(&self) -> Vec<String> {
        self.session.state().aggregate_functions().keys().cloned().collect()
    }

    fn table_names(&self) -> Vec<String> {
        let schema = self.session.catalog(CATALOG).and_then(|catalog| catalog.schema(SCHEMA));
        let mut names = schema.map(|schema| schema.table_names()).unwrap_or_default();
        names.sort();
        names
    }

    /// Refuses a statement that names what does not exist, with the names that do.
    fn known_tables(&self, statement: &Statement) -> Result<(), EngineError> {
        let known = self.table_names();
        let state = self.session.state();
        for reference in state.resolve_table_references(statement)? {
            let ours = reference.schema().is_none_or(|schema| schema == SCHEMA)
                && reference.catalog().is_none_or(|catalog| catalog == CATALOG);
            let exists = known.iter().any(|name| name == reference.table())
                || state.table_functions().contains_key(reference.table());
            let about = reference.schema() == Some("information_schema");
            if !(about || ours && exists) {
                let name = reference.to_string().chars().take(200).collect::<String>();
                return Err(EngineError::UnknownTable { name: names::printable(&name), known });
            }
        }
        Ok(())
    }
}

const CATALOG: &str = "tamis";
const SCHEMA: &str = "public";

/// Runs of batches of which the same is hidden, as half-open ranges of positions.
fn runs(case: &Case) -> Vec<(usize, usize)> {
    let batches = case.batches();
    let mut runs = Vec::new();
    let mut from = 0;
    for (position, batch) in batches.iter().enumerate() {
        if position > 0 && !batch.supersedes.is_empty() {
            runs.push((from, position));
            from = position;
        }
    }
    if from < batches.len() {
        runs.push((from, batches.len()));
    }
    runs
}

/// A session whose only store is the case's folder, without anything that makes tables from files.
fn session(root: &Path, settings: &Settings) -> Result<SessionContext, EngineError> {
    let mut config = SessionConfig::new()
        .with_target_partitions(settings.partitions.max(1))
        .with_batch_size(settings.batch_rows.max(1))
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_information_schema(true);
    let options = config.options_mut();
    // Texts are large: they are decoded for the rows that the other columns' filters leave.
    options.execution.parquet.pushdown_filters = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime(root, settings)?)
        .with_default_features()
        .with_table_factories(HashMap::new())
        .with_file_formats(vec![])
        .build();
    let session = SessionContext::new_with_state(state);
    for name in NO_FUNCTIONS {
        session.deregister_udf(name);
    }
    Ok(session)
}

fn runtime(root: &Path, settings: &Settings) -> Result<Arc<RuntimeEnv>, EngineError> {
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![settings.tmp.clone()]))
        .with_max_temp_directory_size(SPILL_BYTES);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(settings.memory_bytes)))
        .with_disk_manager_builder(disk)
        .build_arc()?;
    // The registry starts with the whole file system in it.
    runtime.deregister_object_store(ObjectStoreUrl::local_filesystem().as_ref())?;
    let store = LocalFileSystem::new_with_prefix(root).map_err(EngineError::damaged)?;
    runtime.register_object_store(ObjectStoreUrl::parse(STORE)?.as_ref(), Arc::new(store));
    Ok(runtime)
}

fn schema_of(path: &Path) -> Result<SchemaRef, EngineError> {
    let file = File::open(path).map_err(CaseError::io("open", path))?;
    Ok(Arc::clone(ParquetRecordBatchReaderBuilder::try_new(file)?.schema()))
}

fn input_digest(case: &Case) -> String {
    let mut hash = Sha256::new();
    hash.update(b"tamis/input/1");
    for batch in case.batches() {
        let name = batch.dir.file_name().unwrap_or_default().as_encoded_bytes();
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
    }
    hex(&hash.finalize())
}
