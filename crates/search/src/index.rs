//! Writing the index: documents in, commits with the number of the last batch they hold.
//!
//! Trust: the index is derived; who deletes it loses time only. Where it cannot be used any more
//! ([`Error::calls_for_rebuild`]) the caller makes a new one and adds all batches again.

use std::{
    fs, io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use tamis_model::{Blob, ItemId, SourceId, State};
use tantivy::{
    DocSet, FutureResult, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, SegmentMeta, TERMINATED,
    TantivyDocument, TantivyError,
    directory::{MmapDirectory, error::OpenReadError},
    indexer::{IndexWriterOptions, NoMergePolicy},
    schema::{IndexRecordOption, Value},
    store::Compressor,
};

use crate::{
    Error,
    fields::{ATTACHMENT, DUPLICATE},
    fold, said,
    schema::{Fields, MAX_STORED_TEXT, Record, blob_parts, tokenisers},
};

/// Most bytes of text indexed for one item. What lies beyond is not found by its words; [`Index::add`]
/// says how much that is.
pub const MAX_TEXT_BYTES: usize = 64 * 1024 * 1024;
/// Least memory of one indexing thread.
const MIN_THREAD_MEMORY: usize = 16 * 1024 * 1024;
/// Most memory of one indexing thread that the library takes.
const MAX_THREAD_MEMORY: usize = 2 * 1024 * 1024 * 1024;
/// Segments at which merging starts while the index is written.
const MANY_SEGMENTS: usize = 20;
/// Segments that [`Index::optimise`] leaves: each costs every search a little.
const FEW_SEGMENTS: usize = 4;
/// Bytes that are compressed together in the store: more is smaller on disk, and slower for each hit shown.
const STORE_BLOCK: usize = 32 * 1024;
/// Most bytes of segments that one merge reads: it maps them into memory.
const MERGED_BYTES: u64 = 256 << 20;
/// Longest chain of parent domains that is indexed.
const MAX_LABELS: usize = 32;

/// Where an item stands: what differs between two occurrences of the same bytes.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The source.
    pub source_id: SourceId,
    /// The item within its source.
    pub item_id: ItemId,
    /// Its content, if it could be read.
    pub blob: Option<Blob>,
    /// The batch that commits it.
    pub batch: u64,
    /// Its number in walk order within the source.
    pub walk: u64,
    /// The path for people.
    pub path: &'a str,
    /// Its own name, empty if it has none.
    pub name: &'a str,
    /// Its state in the ledger. `Duplicate` is what `is:duplicate` finds.
    pub state: State,
    /// Size of the content.
    pub bytes: u64,
}

/// What an item holds: equal for all occurrences of the same bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Content<'a> {
    /// Short word for the kind of item: `mail`, `pdf`, `image`, …
    pub kind: &'a str,
    /// Media type, for example `image/png`; may be empty.
    pub media_type: &'a str,
    /// The item's own date (a mail's `Date`), microseconds since 1970 in UTC.
    pub date: Option<i64>,
    /// Address of the sender.
    pub from_addr: Option<&'a str>,
    /// Display name of the sender.
    pub from_name: Option<&'a str>,
    /// Addresses of `To`, with or without display names.
    pub to: &'a [String],
    /// Addresses of `Cc`, with or without display names.
    pub cc: &'a [String],
    /// Addresses of `Bcc`, with or without display names.
    pub bcc: &'a [String],
    /// Subject or title.
    pub subject: Option<&'a str>,
    /// Code of the text's language.
    pub lang: Option<&'a str>,
    /// Whether a mail carries attachments.
    pub has_attachment: bool,
    /// The texts, each on its own: a phrase does not run from one into the next.
    pub texts: &'a [&'a str],
}

/// What came of [`Index::add_copy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// The occurrence is indexed as the first one is.
    Yes,
    /// Content with this blob is in no commit yet: give it to [`Index::add`].
    NotHere,
    /// The stored text is shorter than the text was: give the whole to [`Index::add`].
    TextNeeded,
}

/// An index open for writing; at most one a directory.
pub struct Index {
    dir: PathBuf,
    fields: Fields,
    index: tantivy::Index,
    writer: IndexWriter,
    last_batch: Option<u64>,
    /// As of the last commit; opened anew when a copy is first looked for after it.
    committed: Option<IndexReader>,
    merging: Option<FutureResult<Option<SegmentMeta>>>,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("Index").field("dir", &self.dir).field("last_batch", &self.last_batch).finish()
    }
}

impl Index {
    /// Opens the index in the directory `dir`, which exists, or makes one there. `memory` bytes are
    /// shared by `threads` indexing threads (each at least 16 MiB); neither changes any result.
    ///
    /// # Errors
    /// An index that another process writes to, that was written by another version, or is damaged.
    pub fn open_or_create(dir: &Path, memory: usize, threads: usize) -> Result<Index, Error> {
        crate::find::guard(|| {
            let fields = Fields::new();
            let mmap = MmapDirectory::open(dir).map_err(|error| of_dir(dir, error.into()))?;
            let settings = IndexSettings {
                docstore_compression: Compressor::Lz4,
                docstore_blocksize: STORE_BLOCK,
                docstore_compress_dedicated_thread: false,
                ..IndexSettings::default()
            };
            let index = tantivy::Index::builder()
                .schema(fields.schema.clone())
                .tokenizers(tokenisers())
                .settings(settings)
                .open_or_create(mmap)
                .map_err(|error| of_dir(dir, error))?;
            let threads = threads.max(1);
            let options = IndexWriterOptions::builder()
                .num_worker_threads(threads)
                .memory_budget_per_thread((memory / threads).clamp(MIN_THREAD_MEMORY, MAX_THREAD_MEMORY))
                .num_merge_threads(1)
                .build();
            let writer = index.writer_with_options(options).map_err(|error| of_dir(dir, error))?;
            writer.set_merge_policy(Box::new(NoMergePolicy));
            let last_batch = payload(&index).map_err(|error| of_dir(dir, error))?;
            // Opened at once: the writer itself would notice missing files only when it merges them.
            let committed = Some(reader(&index).map_err(|error| of_dir(dir, error))?);
            Ok(Index { dir: dir.to_owned(), fields, index, writer, last_batch, committed, merging: None })
        })
    }

    /// Deletes the files of `dir` (not its folders) and makes a new index there.
    ///
    /// # Errors
    /// A directory that cannot be written to, or an index that another process writes to.
    pub fn recreate(dir: &Path, memory: usize, threads: usize) -> Result<Index, Error> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            // Lock files stay: a writer may hold them.
            let is_lock = entry.file_name().as_encoded_bytes().ends_with(b".lock");
            if entry.file_type()?.is_dir() || is_lock {
                continue;
            }
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Index::open_or_create(dir, memory, threads)
    }

    /// The last batch of the last commit; `None` before the first.
    pub fn last_batch(&self) -> Option<u64> {
        self.last_batch
    }

    /// Adds an item. It is found after the next [`Index::commit`]. Returns how many bytes of its text lie
    /// beyond [`MAX_TEXT_BYTES`] and were left out: nearly always 0.
    ///
    /// # Errors
    /// A disk that is full or fails.
    pub fn add(&mut self, place: &Place<'_>, content: &Content<'_>) -> Result<u64, Error> {
        let (document, left_out) = document(&self.fields, place, content)?;
        self.writer.add_document(document)?;
        Ok(left_out)
    }

    /// Adds a further occurrence of content that an earlier commit holds, without the content at hand.
    /// `place.blob` says which.
    ///
    /// # Errors
    /// A disk that is full or fails, or an index that is damaged.
    pub fn add_copy(&mut self, place: &Place<'_>) -> Result<Copied, Error> {
        let Some(blob) = place.blob else { return Ok(Copied::NotHere) };
        let Some(bytes) = crate::find::guard(|| self.committed_record(&blob))? else {
            return Ok(Copied::NotHere);
        };
        let record = Record::read(&bytes)
            .ok_or_else(|| Error::Damaged(format!("the record of blob {blob} cannot be read")))?;
        if record.cut {
            return Ok(Copied::TextNeeded);
        }
        let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let content = Content {
            kind: record.kind,
            media_type: record.media_type,
            date: record.date,
            from_addr: record.from_addr,
            from_name: record.from_name,
            to: &owned(&record.to),
            cc: &owned(&record.cc),
            bcc: &owned(&record.bcc),
            subject: record.subject,
            lang: record.lang,
            has_attachment: record.has_attachment,
            texts: &record.texts,
        };
        self.add(place, &content)?;
        Ok(Copied::Yes)
    }

    /// Takes an item out that was added before: for one that a better reader has read again.
    pub fn delete(&mut self, source: SourceId, item: ItemId) {
        self.writer.delete_term(self.fields.item_term(source, item));
    }

    /// Makes everything added or deleted so far durable and visible. `batch` is the last batch that the
    /// index now holds in full.
    ///
    /// # Errors
    /// A disk that is full or fails; the index is then as it was at the last commit once opened again.
    pub fn commit(&mut self, batch: u64) -> Result<(), Error> {
        let mut commit = self.writer.prepare_commit()?;
        commit.set_payload(&batch.to_string());
        commit.commit()?;
        self.last_batch = Some(batch);
        self.committed = None;
        match self.is_merging()? {
            true => Ok(()),
            false => self.merge_down_to(MANY_SEGMENTS, MANY_SEGMENTS / 2),
        }
    }

    /// Merges the smaller segments of the last commit so that few are left. For the end of a run: each
    /// document is written once more, and every later search is quicker.
    ///
    /// # Errors
    /// A disk that is full or fails; the index stays usable.
    pub fn optimise(&mut self) -> Result<(), Error> {
        self.finish_merge()?;
        self.merge_down_to(FEW_SEGMENTS, FEW_SEGMENTS)?;
        self.finish_merge()
    }

    /// Waits for work in the background and closes the index. Dropping it is safe as well: what was not
    /// committed is gone, what was merged half-way stays unmerged.
    ///
    /// # Errors
    /// A disk that is full or fails.
    pub fn close(mut self) -> Result<(), Error> {
        self.finish_merge()?;
        Ok(self.writer.wait_merging_threads()?)
    }

    /// Starts one merge of the smallest segments if there are more than `most`, so that `left` are left.
    fn merge_down_to(&mut self, most: usize, left: usize) -> Result<(), Error> {
        let mut segments = self.index.searchable_segment_metas()?;
        if segments.len() <= most {
            return Ok(());
        }
        segments.sort_by_key(|segment| (segment.num_docs(), segment.id()));
        let merged = segments.len() + 1 - left;
        let mut bytes = 0;
        let small_enough = |segment: &&SegmentMeta| {
            bytes += self.bytes_of(segment);
            bytes <= MERGED_BYTES
        };
        let smallest: Vec<_> =
            segments.iter().take(merged).take_while(small_enough).map(SegmentMeta::id).collect();
        if smallest.len() > 1 {
            self.merging = Some(self.writer.merge(&smallest));
        }
        Ok(())
    }

    /// Bytes of a segment's files: those named after it.
    fn bytes_of(&self, segment: &SegmentMeta) -> u64 {
        let id = segment.id().uuid_string();
        let files = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let own = files.filter(|file| file.file_name().as_encoded_bytes().starts_with(id.as_bytes()));
        own.filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum()
    }

    /// Whether the merge in the background goes on.
    fn is_merging(&mut self) -> Result<bool, Error> {
        let Some(merging) = &mut self.merging else { return Ok(false) };
        match Pin::new(merging).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => Ok(true),
            Poll::Ready(merged) => {
                self.merging = None;
                merged?;
                Ok(false)
            }
        }
    }

    fn finish_merge(&mut self) -> Result<(), Error> {
        if let Some(merging) = self.merging.take() {
            wait_for(merging)?;
            // An open reader would keep the merged files on the disk.
            self.committed = None;
        }
        Ok(())
    }

    /// The record of some committed item with this content.
    fn committed_record(&mut self, blob: &Blob) -> Result<Option<Vec<u8>>, Error> {
        let reader = match &self.committed {
            Some(reader) => reader,
            None => self.committed.insert(reader(&self.index)?),
        };
        let searcher = reader.searcher();
        let term = self.fields.blob_term(blob);
        for (number, segment) in searcher.segment_readers().iter().enumerate() {
            let postings =
                segment.inverted_index(self.fields.blob)?.read_postings(&term, IndexRecordOption::Basic)?;
            let Some(mut postings) = postings else { continue };
            while postings.doc() != TERMINATED {
                if !segment.is_deleted(postings.doc()) {
                    let address = tantivy::DocAddress::new(number as u32, postings.doc());
                    let document: TantivyDocument = searcher.doc(address)?;
                    let record = document
                        .get_first(self.fields.record)
                        .and_then(|value| value.as_bytes().map(<[u8]>::to_vec));
                    return Ok(record);
                }
                postings.advance();
            }
        }
        Ok(None)
    }
}

/// Waits for a merge. `FutureResult::wait` panics for one that [`Index::is_merging`] has asked before.
fn wait_for<F: Future + Unpin>(mut future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match Pin::new(&mut future).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn reader(index: &tantivy::Index) -> Result<IndexReader, TantivyError> {
    let builder = index.reader_builder().reload_policy(ReloadPolicy::Manual);
    builder.doc_store_cache_num_blocks(16).try_into()
}

/// The number of the last batch, as the last commit says.
pub(crate) fn payload(index: &tantivy::Index) -> Result<Option<u64>, TantivyError> {
    let Some(payload) = index.load_metas()?.payload else { return Ok(None) };
    payload.parse().map(Some).map_err(|_| TantivyError::InvalidArgument("the commit names no batch".into()))
}

/// An error with the directory that it is about.
pub(crate) fn of_dir(dir: &Path, error: TantivyError) -> Error {
    match error {
        TantivyError::LockFailure(..) => Error::Locked(dir.to_owned()),
        TantivyError::SchemaError(_)
        | TantivyError::IncompatibleIndex(_)
        | TantivyError::OpenReadError(OpenReadError::IncompatibleIndex(_)) => {
            Error::OtherVersion(dir.to_owned())
        }
        TantivyError::OpenDirectoryError(_) => Error::Missing(dir.to_owned()),
        TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(path)) if path.ends_with("meta.json") => {
            Error::Missing(dir.to_owned())
        }
        error => error.into(),
    }
}

fn document(
    fields: &Fields,
    place: &Place<'_>,
    content: &Content<'_>,
) -> Result<(TantivyDocument, u64), Error> {
    let mut document = TantivyDocument::new();
    document
        .add_bytes(fields.item, fields.item_term(place.source_id, place.item_id).serialized_value_bytes());
    if let Some(blob) = &place.blob {
        document.add_bytes(fields.blob, &blob.0);
        for (field, part) in fields.blob_parts.iter().zip(blob_parts(blob)) {
            document.add_u64(*field, part);
        }
    }
    document.add_u64(fields.source, u64::from(place.source_id.0));
    document.add_u64(fields.walk, place.walk);
    document.add_u64(fields.batch, place.batch);
    document.add_u64(fields.bytes, place.bytes);
    if let Some(date) = content.date {
        document.add_i64(fields.date, date);
    }
    add_words(&mut document, fields, place, content);
    let said = said::once(content.texts, MAX_TEXT_BYTES);
    let (texts, left_out) = within(&said, MAX_TEXT_BYTES);
    for text in texts {
        document.add_text(fields.body, text);
    }
    let (texts, cut) = stored_texts(&said);
    let record = record(place, content, &texts, cut);
    let record = record.write().ok_or_else(|| io::Error::other("a record cannot be written"))?;
    document.add_bytes(fields.record, &record);
    Ok((document, left_out))
}

/// The first `room` bytes of all texts, and how many bytes lie beyond.
fn within<'a>(texts: &[&'a str], mut room: usize) -> (Vec<&'a str>, u64) {
    let mut left_out = 0;
    let mut kept = Vec::with_capacity(texts.len());
    for text in texts {
        let (start, beyond) = text.split_at_checked(text.floor_char_boundary(room)).unwrap_or(("", text));
        room -= start.len();
        left_out += beyond.len() as u64;
        kept.push(start);
    }
    (kept, left_out)
}

fn add_words(document: &mut TantivyDocument, fields: &Fields, place: &Place<'_>, content: &Content<'_>) {
    document.add_text(fields.path, place.path);
    document.add_text(fields.name, place.name);
    document.add_text(fields.subject, content.subject.unwrap_or_default());
    for part in [content.from_name, content.from_addr].into_iter().flatten() {
        document.add_text(fields.from, part);
    }
    let lists = [(fields.to, content.to), (fields.cc, content.cc), (fields.bcc, content.bcc)];
    for (field, addresses) in lists {
        for address in addresses {
            document.add_text(field, address);
        }
    }
    let recipients = lists.into_iter().flat_map(|(_, addresses)| addresses).map(String::as_str);
    let addresses = content.from_addr.into_iter().chain(recipients);
    let mut domains: Vec<String> = addresses.flat_map(domains).collect();
    domains.sort();
    domains.dedup();
    for domain in &domains {
        document.add_text(fields.domain, domain);
    }
    for kind in [content.kind, content.media_type] {
        document.add_text(fields.kind, fold::whole(kind));
    }
    if let Some(lang) = content.lang {
        document.add_text(fields.lang, fold::whole(lang.split(['-', '_']).next().unwrap_or_default()));
    }
    document.add_text(fields.state, place.state.as_str());
    if content.has_attachment {
        document.add_text(fields.has, ATTACHMENT);
    }
    if place.state == State::Duplicate {
        document.add_text(fields.has, DUPLICATE);
    }
}

/// The domain of an address and all domains above it: `mail.example.org`, `example.org`, `org`.
fn domains(address: &str) -> Vec<String> {
    let Some((_, domain)) = address.rsplit_once('@') else { return Vec::new() };
    let end = domain.find(|c: char| c == '>' || c.is_whitespace()).unwrap_or(domain.len());
    let domain = domain.get(..end).unwrap_or_default();
    let domain = fold::whole(domain.get(..domain.floor_char_boundary(255)).unwrap_or_default());
    let domain = domain.trim_matches('.');
    let above = domain.match_indices('.').filter_map(|(dot, _)| domain.get(dot + 1..));
    std::iter::once(domain)
        .chain(above)
        .filter(|domain| !domain.is_empty())
        .take(MAX_LABELS)
        .map(str::to_owned)
        .collect()
}

/// Texts with white space in one piece, and whether something had to be left out.
fn stored_texts(texts: &[&str]) -> (Vec<String>, bool) {
    let mut stored = Vec::new();
    let mut room = MAX_STORED_TEXT;
    for text in texts {
        let mut kept = String::new();
        let mut gap = false;
        for c in text.chars() {
            if c.is_whitespace() {
                gap = !kept.is_empty();
                continue;
            }
            let needed = c.len_utf8() + usize::from(gap);
            if needed > room {
                stored.push(kept);
                return (stored, true);
            }
            room -= needed;
            if std::mem::take(&mut gap) {
                kept.push(' ');
            }
            kept.push(c);
        }
        stored.push(kept);
    }
    (stored, false)
}

fn record<'a>(place: &Place<'a>, content: &Content<'a>, texts: &'a [String], cut: bool) -> Record<'a> {
    Record {
        item_id: place.item_id,
        blob: place.blob,
        path: place.path,
        state: place.state.as_str(),
        bytes: place.bytes,
        kind: content.kind,
        media_type: content.media_type,
        date: content.date,
        from_addr: content.from_addr,
        from_name: content.from_name,
        to: content.to.iter().map(String::as_str).collect(),
        cc: content.cc.iter().map(String::as_str).collect(),
        bcc: content.bcc.iter().map(String::as_str).collect(),
        subject: content.subject,
        lang: content.lang,
        has_attachment: content.has_attachment,
        texts: texts.iter().map(String::as_str).collect(),
        cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_of_an_address() {
        for (address, expected) in [
            ("a@Mail.Example.ORG", "mail.example.org example.org org"),
            ("Müller <m@münchen.de>", "munchen.de de"),
            ("\"x@y\"@example.org.", "example.org org"),
            ("nobody", ""),
            ("a@", ""),
            ("a@..", ""),
            ("a@localhost", "localhost"),
        ] {
            assert_eq!(domains(address).join(" "), expected, "{address}");
        }
        assert_eq!(domains(&format!("a@{}", "x.".repeat(500))).len(), MAX_LABELS);
    }

    #[test]
    fn text_beyond_the_limit_is_counted() {
        for (texts, room, kept, left_out) in [
            (vec!["abc", "de"], 9, vec!["abc", "de"], 0),
            (vec!["abc", "de", "f"], 4, vec!["abc", "d", ""], 2),
            (vec!["aé"], 2, vec!["a"], 2),
            (vec![], 0, vec![], 0),
        ] {
            assert_eq!(within(&texts, room), (kept, left_out));
        }
    }

    #[test]
    fn stored_text_is_bounded_and_says_so() {
        let long = "é ".repeat(40_000);
        for (texts, kept, cut) in [
            (vec!["  a \n\t b ", "c"], vec!["a b", "c"], false),
            (vec!["", "x"], vec!["", "x"], false),
            (vec![], vec![], false),
        ] {
            let (stored, was_cut) = stored_texts(&texts);
            assert_eq!((stored.iter().map(String::as_str).collect::<Vec<_>>(), was_cut), (kept, cut));
        }
        let (stored, cut) = stored_texts(&["x", &long, "y"]);
        let bytes: usize = stored.iter().map(String::len).sum();
        assert!(cut && bytes <= MAX_STORED_TEXT && bytes > MAX_STORED_TEXT - 4, "{bytes}");
    }
}
