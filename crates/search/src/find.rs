//! Asking the index: matching items in a total order, with what a result shows.
//!
//! Opening for reading takes no lock, starts no thread and writes nothing, so it works on a read-only case
//! and beside a writer. Order never depends on how the index was committed: equal keys are ordered by
//! source and walk. Only where items were deleted do scores change a little when segments are merged, since
//! deleted items count as text of the corpus until then.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt, io,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use tamis_model::{Blob, ItemId, SourceId, findings::MessageState};
use tantivy::{
    DocAddress, DocId, DocSet, ReloadPolicy, Score, SegmentReader, TERMINATED, TantivyDocument, TantivyError,
    columnar::Column,
    directory::{
        Directory, DirectoryLock, FileHandle, Lock, MmapDirectory, WatchCallback, WatchHandle, WritePtr,
        error::{DeleteError, LockError, OpenReadError, OpenWriteError},
    },
    query::{EnableScoring, Query as _, Weight},
    schema::{IndexRecordOption, Value},
};

use crate::{
    Error, Query,
    index::{of_dir, payload},
    plan::plan,
    schema::{Fields, Record, column, tokenisers},
    snippet::Marker,
    states::States,
};

/// How often an index is opened anew because a writer took files away meanwhile.
const ATTEMPTS: usize = 8;

/// An index open for reading, as of one commit.
pub struct Searcher {
    fields: Fields,
    searcher: tantivy::Searcher,
    last_batch: Option<u64>,
    states: Option<Arc<States>>,
}

/// What is asked beside the query.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Most hits returned.
    pub limit: usize,
    /// Hits passed over first.
    pub offset: usize,
    /// The order.
    pub sort: Sort,
    /// One hit a blob: the first matching item in order of source and walk. Items without content stand
    /// for themselves. Copies that differ are never folded.
    pub fold: bool,
    /// Items of later batches are not shown: the last batch that the case has committed.
    pub last_batch: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options { limit: 20, offset: 0, sort: Sort::Relevance, fold: false, last_batch: u64::MAX }
    }
}

/// The order of hits; equal ones by source and walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sort {
    /// Best match first (BM25 over all items of the index).
    #[default]
    Relevance,
    /// Oldest first, undated last.
    Date,
    /// Newest first, undated last.
    DateDesc,
    /// Order of the sources and within them.
    Walk,
    /// Largest content first.
    Size,
}

/// The answer to a query.
#[derive(Debug, Clone)]
pub struct Hits {
    /// All matches; with [`Options::fold`], all blobs that match.
    pub total: u64,
    /// Those asked for.
    pub hits: Vec<Hit>,
}

/// One matching item. Texts are as in the dump, not made safe for a terminal, except `snippet`.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The source.
    pub source_id: SourceId,
    /// The item within it.
    pub item_id: ItemId,
    /// Its content.
    pub blob: Option<Blob>,
    /// How well it matches: a multiple of 1/256, 0 where the query has no words.
    pub score: f32,
    /// The path for people (escaped).
    pub path: String,
    /// The kind of item.
    pub kind: String,
    /// The item's own date, microseconds since 1970 in UTC.
    pub date: Option<i64>,
    /// Address of the sender, or the display name where there is no address.
    pub from: Option<String>,
    /// Subject or title.
    pub subject: Option<String>,
    /// The state in the ledger. The key `state` of `tamis search --json` is not this one but `evidence`.
    pub ledger_state: String,
    /// The state of evidence, from the table given with [`Searcher::with_states`]; `None` without a table,
    /// for what is no message, and for what was not judged.
    pub evidence: Option<MessageState>,
    /// Size of the content in bytes.
    pub bytes: u64,
    /// Text around the best match on one line, at most 200 characters and an `…` at each cut end; without a
    /// match in the stored text, its beginning.
    pub snippet: String,
    /// Ranges of bytes of `snippet` that match, in order.
    pub marks: Vec<Range<usize>>,
    /// Items with the same content, this one included, whether they match or not.
    pub copies: u64,
}

impl Searcher {
    /// Opens the index in `dir` as of its last commit.
    ///
    /// # Errors
    /// No index there, one of another version, or a damaged one.
    pub fn open(dir: &Path) -> Result<Searcher, Error> {
        guard(|| {
            let mut attempt = 0;
            loop {
                attempt += 1;
                match Searcher::try_open(dir) {
                    // A writer has merged segments between our reading of the list and of the files.
                    Err(TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(path)))
                        if attempt < ATTEMPTS && !path.ends_with("meta.json") => {}
                    opened => return opened.map_err(|error| of_dir(dir, error)),
                }
            }
        })
    }

    fn try_open(dir: &Path) -> Result<Searcher, TantivyError> {
        let directory: Box<dyn Directory> = Box::new(ReadOnly(MmapDirectory::open(dir)?));
        let mut index = tantivy::Index::open(directory)?;
        index.set_tokenizers(tokenisers());
        let fields = Fields::new();
        if index.schema() != fields.schema {
            return Err(TantivyError::SchemaError("another version".into()));
        }
        let mut last_batch = payload(&index)?;
        let builder = index.reader_builder().reload_policy(ReloadPolicy::Manual);
        let reader = builder.doc_store_cache_num_blocks(8).try_into()?;
        // The list of segments and the number of the batch are read one after the other: between two equal
        // numbers lies no commit. A writer that is quicker than this leaves the lower number, which is safe.
        for _ in 0..ATTEMPTS {
            let now = payload(&index)?;
            if now == last_batch {
                break;
            }
            last_batch = now;
            reader.reload()?;
        }
        Ok(Searcher { fields, searcher: reader.searcher(), last_batch, states: None })
    }

    /// The same searcher with a table of states of evidence: for `state:A` and the like, and for
    /// [`Hit::evidence`]. Queries that do not ask for states cost the same with and without it.
    pub fn with_states(self, states: Option<Arc<States>>) -> Searcher {
        Searcher { states, ..self }
    }

    /// The last batch that the index holds; `None` if nothing was committed.
    pub fn last_batch(&self) -> Option<u64> {
        self.last_batch
    }

    /// Items in the index, of all batches.
    pub fn items(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// Reads every file of the index and returns those that do not match the checksum written with them.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn damaged_files(&self) -> Result<Vec<PathBuf>, Error> {
        guard(|| {
            let mut damaged: Vec<PathBuf> = self.searcher.index().validate_checksum()?.into_iter().collect();
            damaged.sort();
            Ok(damaged)
        })
    }

    /// The hits that `options` ask for, in order.
    ///
    /// # Errors
    /// An index that is damaged, a phrase with too broad a `word*`, or a state of evidence asked for while
    /// none is known ([`Error::NoStates`]).
    pub fn search(&self, query: &Query, options: &Options) -> Result<Hits, Error> {
        let found = self.find(query, options)?;
        let total = found.total;
        Ok(Hits { total, hits: found.collect::<Result<_, _>>()? })
    }

    /// As [`Searcher::search`], with hits read one by one while they are asked for: for lists without limit.
    ///
    /// # Errors
    /// As [`Searcher::search`].
    pub fn find(&self, query: &Query, options: &Options) -> Result<Found<'_>, Error> {
        guard(|| {
            let asked = plan(query, &self.fields, &self.searcher, self.states.as_ref())?;
            let weight = asked.weight(EnableScoring::enabled_from_searcher(&self.searcher))?;
            let (total, rows) = match options.fold {
                true => self.folded(&*weight, options)?,
                false => self.each(&*weight, options)?,
            };
            let rows = rows.into_iter().skip(options.offset);
            let rows: Vec<Row> = rows.collect();
            Ok(Found {
                searcher: self,
                marker: Marker::new(query),
                last_batch: options.last_batch,
                total,
                rows: rows.into_iter(),
            })
        })
    }

    /// Every match as a row of its own; the first `offset + limit` rows in order.
    fn each(&self, weight: &dyn Weight, options: &Options) -> Result<(u64, Vec<Row>), Error> {
        let mut total = 0;
        let mut best = Best::new(options);
        self.matches(weight, options, |row, _| {
            total += 1;
            best.push(row);
        })?;
        Ok((total, best.finish()))
    }

    /// One row a blob: its first match in order of source and walk.
    fn folded(&self, weight: &dyn Weight, options: &Options) -> Result<(u64, Vec<Row>), Error> {
        let mut first: HashMap<[u64; 4], Row> = HashMap::new();
        let mut best = Best::new(options);
        let mut total = 0;
        self.matches(weight, options, |row, blob| match blob {
            None => {
                total += 1;
                best.push(row);
            }
            Some(blob) => match first.entry(blob) {
                Entry::Vacant(entry) => {
                    entry.insert(row);
                }
                Entry::Occupied(mut entry) if row.place() < entry.get().place() => {
                    entry.insert(row);
                }
                Entry::Occupied(_) => {}
            },
        })?;
        total += first.len() as u64;
        // The order of the map does not matter: rows have a total order.
        first.into_values().for_each(|row| best.push(row));
        Ok((total, best.finish()))
    }

    /// Calls `each` with every item that matches, is not deleted and belongs to a committed batch.
    fn matches(
        &self,
        weight: &dyn Weight,
        options: &Options,
        mut each: impl FnMut(Row, Option<[u64; 4]>),
    ) -> Result<(), Error> {
        for (number, segment) in self.searcher.segment_readers().iter().enumerate() {
            let columns = Columns::open(segment, options)?;
            weight.for_each(segment, &mut |doc, score| {
                if segment.is_deleted(doc) || columns.batch(doc) > options.last_batch {
                    return;
                }
                let row = Row {
                    key: columns.key(doc, score),
                    source: columns.source(doc),
                    walk: columns.walk(doc),
                    segment: number as u32,
                    doc,
                    score,
                };
                each(row, columns.blob(doc));
            })?;
        }
        Ok(())
    }

    /// How many items of committed batches have this content.
    fn copies(&self, blob: &Blob, last_batch: u64) -> Result<u64, Error> {
        let term = self.fields.blob_term(blob);
        let mut copies = 0;
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(self.fields.blob)?;
            let Some(mut postings) = index.read_postings(&term, IndexRecordOption::Basic)? else { continue };
            let batches = segment.fast_fields().u64(column::BATCH)?;
            while postings.doc() != TERMINATED {
                let doc = postings.doc();
                let is_shown =
                    !segment.is_deleted(doc) && batches.first(doc).is_none_or(|batch| batch <= last_batch);
                copies += u64::from(is_shown);
                postings.advance();
            }
        }
        Ok(copies)
    }

    fn hit(&self, row: &Row, marker: &Marker, last_batch: u64) -> Result<Hit, Error> {
        let document: TantivyDocument = self.searcher.doc(DocAddress::new(row.segment, row.doc))?;
        let record = document.get_first(self.fields.record);
        let record = record.as_ref().and_then(|value| value.as_bytes()).and_then(Record::read);
        let record = record.ok_or_else(|| Error::Damaged("a stored record cannot be read".into()))?;
        let (snippet, marks) = marker.snippet(&record.texts);
        let source_id = SourceId(u32::try_from(row.source).unwrap_or(u32::MAX));
        Ok(Hit {
            source_id,
            item_id: record.item_id,
            blob: record.blob,
            score: row.score,
            path: record.path.to_owned(),
            kind: record.kind.to_owned(),
            date: record.date,
            from: record.from_addr.or(record.from_name).map(str::to_owned),
            subject: record.subject.map(str::to_owned),
            ledger_state: record.state.to_owned(),
            evidence: self.states.as_ref().and_then(|states| states.get(source_id, row.walk)),
            bytes: record.bytes,
            snippet,
            marks,
            copies: match &record.blob {
                Some(blob) => self.copies(blob, last_batch)?,
                None => 1,
            },
        })
    }
}

impl fmt::Debug for Searcher {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Searcher")
            .field("items", &self.items())
            .field("last_batch", &self.last_batch)
            .finish()
    }
}

/// Matching items in order; each is read from the index when it is asked for.
#[derive(Debug)]
pub struct Found<'a> {
    searcher: &'a Searcher,
    marker: Marker,
    last_batch: u64,
    /// All matches; with [`Options::fold`], all blobs that match.
    pub total: u64,
    rows: std::vec::IntoIter<Row>,
}

impl Iterator for Found<'_> {
    type Item = Result<Hit, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        Some(guard(|| self.searcher.hit(&row, &self.marker, self.last_batch)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

/// A match, ordered by what is asked for, then by place. The least comes first.
#[derive(Debug, Clone, Copy)]
struct Row {
    key: u64,
    source: u64,
    walk: u64,
    segment: u32,
    doc: DocId,
    score: Score,
}

impl Row {
    fn place(&self) -> (u64, u64) {
        (self.source, self.walk)
    }

    fn order(&self) -> (u64, u64, u64, u32, DocId) {
        (self.key, self.source, self.walk, self.segment, self.doc)
    }
}

/// Keeps the first rows of an order in memory for about twice as many.
struct Best {
    keep: usize,
    rows: Vec<Row>,
}

impl Best {
    fn new(options: &Options) -> Best {
        Best { keep: options.offset.saturating_add(options.limit), rows: Vec::new() }
    }

    fn push(&mut self, row: Row) {
        self.rows.push(row);
        if self.rows.len() >= self.keep.saturating_mul(2).max(1024) {
            self.prune();
        }
    }

    fn prune(&mut self) {
        if self.keep < self.rows.len() {
            self.rows.select_nth_unstable_by_key(self.keep, Row::order);
            self.rows.truncate(self.keep);
        }
    }

    fn finish(mut self) -> Vec<Row> {
        self.prune();
        self.rows.sort_unstable_by_key(Row::order);
        self.rows
    }
}

/// The columns of one segment that an order needs.
struct Columns {
    source: Column<u64>,
    walk: Column<u64>,
    batch: Column<u64>,
    key: Key,
    blob: Option<Vec<Column<u64>>>,
}

enum Key {
    Score,
    Oldest(Column<i64>),
    Newest(Column<i64>),
    Largest(Column<u64>),
    Place,
}

impl Columns {
    fn open(segment: &SegmentReader, options: &Options) -> Result<Columns, Error> {
        let columns = segment.fast_fields();
        let key = match options.sort {
            Sort::Relevance => Key::Score,
            Sort::Date => Key::Oldest(columns.i64(column::DATE)?),
            Sort::DateDesc => Key::Newest(columns.i64(column::DATE)?),
            Sort::Size => Key::Largest(columns.u64(column::BYTES)?),
            Sort::Walk => Key::Place,
        };
        let blob = match options.fold {
            true => Some(column::BLOB.iter().map(|name| columns.u64(name)).collect::<Result<_, _>>()?),
            false => None,
        };
        Ok(Columns {
            source: columns.u64(column::SOURCE)?,
            walk: columns.u64(column::WALK)?,
            batch: columns.u64(column::BATCH)?,
            key,
            blob,
        })
    }

    fn source(&self, doc: DocId) -> u64 {
        self.source.first(doc).unwrap_or(u64::MAX)
    }

    fn walk(&self, doc: DocId) -> u64 {
        self.walk.first(doc).unwrap_or(u64::MAX)
    }

    fn batch(&self, doc: DocId) -> u64 {
        self.batch.first(doc).unwrap_or(0)
    }

    /// The number by which rows are ordered; undated items come last either way.
    fn key(&self, doc: DocId, score: Score) -> u64 {
        /// Order-preserving: the least date is the least number.
        fn unsigned(date: i64) -> u64 {
            date.cast_unsigned() ^ (1 << 63)
        }
        match &self.key {
            // Bits of floats that are not negative are ordered as the floats are.
            Key::Score => u64::from(!score.max(0.0).to_bits()),
            Key::Oldest(date) => date.first(doc).map_or(u64::MAX, unsigned),
            Key::Newest(date) => date.first(doc).map_or(u64::MAX, |date| !unsigned(date)),
            Key::Largest(bytes) => !bytes.first(doc).unwrap_or(0),
            Key::Place => 0,
        }
    }

    fn blob(&self, doc: DocId) -> Option<[u64; 4]> {
        let columns = self.blob.as_ref()?;
        let mut parts = [0; 4];
        for (part, column) in parts.iter_mut().zip(columns) {
            *part = column.first(doc)?;
        }
        Some(parts)
    }
}

/// Runs what reads files of the index. The library panics on some files that are not as it wrote them: to
/// the caller that is a damaged index.
pub(crate) fn guard<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::Damaged("its files are not as they were written".into())))
}

/// The files of an index, for reading only: no locks, nothing written.
#[derive(Debug, Clone)]
struct ReadOnly(MmapDirectory);

impl ReadOnly {
    fn refusal() -> io::Error {
        io::Error::from(io::ErrorKind::ReadOnlyFilesystem)
    }
}

impl Directory for ReadOnly {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.0.get_file_handle(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.0.exists(path)
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.0.atomic_read(path)
    }

    fn acquire_lock(&self, _lock: &Lock) -> Result<DirectoryLock, LockError> {
        Ok(DirectoryLock::from(Box::new(())))
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        Err(DeleteError::IoError { io_error: Arc::new(ReadOnly::refusal()), filepath: PathBuf::from(path) })
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        Err(OpenWriteError::wrap_io_error(ReadOnly::refusal(), PathBuf::from(path)))
    }

    fn atomic_write(&self, _path: &Path, _data: &[u8]) -> io::Result<()> {
        Err(ReadOnly::refusal())
    }

    fn sync_directory(&self) -> io::Result<()> {
        Err(ReadOnly::refusal())
    }

    fn watch(&self, _callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(WatchHandle::empty())
    }
}
