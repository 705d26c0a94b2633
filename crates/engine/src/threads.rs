//! The derived table `threads`: a sweep over the mails in the order of (date, blob).
//!
//! Threads follow Message-ID, In-Reply-To and References (see `forest`). One thing more is tried for a
//! dated mail that names no other mail and whose subject starts with a reply prefix: if within
//! [`GUESS_DAYS`] before it a mail with the same subject, apart from such prefixes, was sent by one of its
//! recipients to its sender, it is hung below the latest such mail, and its row says `guess`.
//! Trust: derived, rebuilt at any time; its footer names the input it was made from.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, BooleanBuilder, RecordBatch, StringBuilder, UInt32Builder, UInt64Builder},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::{Compression, ZstdLevel},
    file::{metadata::KeyValue, properties::WriterProperties},
};
use tamis_case::CaseError;
use tamis_model::{
    Blob,
    ids::hex,
    tables::{Column, Time, UtcBuilder},
};

use crate::{
    Cancel, Engine, EngineError,
    forest::{Forest, Links, Node, ThreadRow, hash128},
    tables::NamedFile,
};

/// How far back a mail with the same subject may lie to be guessed as the parent.
pub const GUESS_DAYS: i64 = 30;

/// Recipients of one mail that are looked at for a guess.
const RECIPIENTS: usize = 64;
/// Rows of a record batch that is written.
const ROWS: usize = 8192;
/// Encoded bytes before a row group is closed.
const ROW_GROUP_BYTES: usize = 32 << 20;

/// Prefixes of replies, lower case, as mail programs of several languages write them. Those of forwards
/// are not among them: a forward starts a thread of its own.
const REPLY: [&str; 12] =
    ["re", "aw", "sv", "vs", "antw", "odp", "rif", "ynt", "res", "回复", "答复", "回覆"];

/// The columns of `threads`. A row is a mail's content, or (`missing`) an id that mails refer to and no
/// mail here has. Rows are ordered by (`thread_id`, `position`).
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        // Named after the root's Message-ID; after its blob where it has none.
        Field::new("thread_id", DataType::Utf8, false),
        Field::new("blob", DataType::Utf8, true),
        Field::new("message_id", DataType::Utf8, true),
        Field::new("parent_message_id", DataType::Utf8, true),
        Field::new("root_message_id", DataType::Utf8, true),
        // 0 for the root.
        Field::new("depth", DataType::UInt32, false),
        // Order within the thread by date, then id, then blob, from 0; undated and missing rows last.
        Field::new("position", DataType::UInt64, false),
        Field::new("date", <Option<Time> as Column>::data_type(), true),
        Field::new("missing", DataType::Boolean, false),
        Field::new("guess", DataType::Boolean, false),
    ]))
}

/// Builds `threads-<generation>/threads.parquet` below `derived` (the case's `derived/`) and returns its
/// path. It appears as a whole or not at all; older ones stay, since they may be being read. Call
/// [`Engine::refresh_derived`] to ask it.
pub fn build(engine: &Engine, derived: &Path, cancel: &Cancel) -> Result<PathBuf, EngineError> {
    let mut forest = Forest::default();
    let candidates = link(engine, &mut forest, cancel)?;
    forest.close();
    guess(engine, &mut forest, candidates, cancel)?;
    write(engine, derived, forest.rows(), cancel)
}

/// The file of `threads` below `derived` that was made from what `engine` sees, if there is one.
pub(crate) fn find(derived: &Path, engine: &Engine) -> Option<PathBuf> {
    let path = derived.join(folder(engine)).join("threads.parquet");
    // No link, no pipe: a case may come from a stranger.
    NamedFile::look(engine.root(), &path).ok()?;
    let file = File::open(&path).ok()?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).ok()?;
    let stated = reader.metadata().file_metadata().key_value_metadata()?;
    let said = |key: &str| stated.iter().find(|pair| pair.key == key)?.value.clone();
    let fits = said(INPUT).as_deref() == Some(engine.input())
        && said(GENERATION) == Some(engine.generation().to_string())
        && reader.schema().fields() == schema().fields();
    fits.then_some(path)
}

const GENERATION: &str = "tamis.generation";
const INPUT: &str = "tamis.input";

fn folder(engine: &Engine) -> String {
    format!("threads-{}", engine.generation())
}

/// A dated mail that names no other and looks like a reply.
struct Candidate {
    node: Node,
    subject: [u8; 16],
}

/// First sweep: links by ids.
fn link(engine: &Engine, forest: &mut Forest, cancel: &Cancel) -> Result<Vec<Candidate>, EngineError> {
    const SQL: &str = r#"SELECT blob, date, message_id, in_reply_to, "references", subject
                         FROM messages ORDER BY date ASC NULLS LAST, blob"#;
    let mut candidates = Vec::new();
    for batch in engine.query(SQL)?.until(cancel) {
        let batch = batch?;
        let get = Columns::of(&batch);
        for row in 0..batch.num_rows() {
            let date = get.date(row)?;
            let (id, in_reply_to) = (get.text("message_id", row)?, get.list("in_reply_to", row)?);
            let references = get.list("references", row)?;
            let links = Links {
                blob: get.blob(row)?,
                date,
                message_id: id.as_deref(),
                in_reply_to: &in_reply_to,
                references: &references,
            };
            let node = forest.add(links).map_err(EngineError::damaged)?;
            let subject = get.text("subject", row)?.unwrap_or_default();
            let (base, is_reply) = base_subject(&subject);
            if is_reply
                && !base.is_empty()
                && date.is_some()
                && in_reply_to.is_empty()
                && references.is_empty()
            {
                candidates.push(Candidate { node, subject: subject_hash(&base) });
            }
        }
    }
    Ok(candidates)
}

/// Second sweep, only where there is something to guess: the same mails in the same order.
fn guess(
    engine: &Engine,
    forest: &mut Forest,
    mut candidates: Vec<Candidate>,
    cancel: &Cancel,
) -> Result<(), EngineError> {
    const SQL: &str = r#"SELECT blob, date, message_id, subject, from_addr, "to", cc
                         FROM messages WHERE date IS NOT NULL ORDER BY date, blob"#;
    candidates.retain(|candidate| forest.is_root(candidate.node));
    if candidates.is_empty() {
        return Ok(());
    }
    let subjects: HashSet<[u8; 16]> = candidates.iter().map(|candidate| candidate.subject).collect();
    let wanted: HashSet<Node> = candidates.iter().map(|candidate| candidate.node).collect();

    let mut trees = Trees(forest.roots());
    // The latest mail of each (subject, sender, recipient).
    let mut latest: HashMap<[u8; 16], (i64, Node)> = HashMap::new();
    let mut done = HashSet::new();
    // Dated mails come first in the first sweep as well, in the same order.
    let mut mail = 0;
    for batch in engine.query(SQL)?.until(cancel) {
        let batch = batch?;
        let get = Columns::of(&batch);
        for row in 0..batch.num_rows() {
            let node = forest.node_of(mail).ok_or_else(|| EngineError::damaged("the mails changed"))?;
            mail += 1;
            let (base, _) = base_subject(&get.text("subject", row)?.unwrap_or_default());
            let subject = subject_hash(&base);
            let (Some(date), Some(from), true) =
                (get.date(row)?, get.text("from_addr", row)?, subjects.contains(&subject))
            else {
                continue;
            };
            let from = from.to_lowercase();
            let mut others = get.list("to", row)?;
            others.extend(get.list("cc", row)?);
            others.truncate(RECIPIENTS);
            let others = others.iter().map(|other| other.to_lowercase()).collect::<Vec<_>>();

            if wanted.contains(&node) && done.insert(node) {
                let sent = others.iter().filter_map(|other| latest.get(&key(&subject, other, &from)));
                let parent = sent.filter(|(at, _)| date.saturating_sub(*at) <= GUESS_DAYS * DAY).max();
                if let Some((_, parent)) = parent.copied().filter(|(_, parent)| trees.join(node, *parent)) {
                    forest.guess(node, parent);
                }
            }
            if forest.is_named(node) {
                for other in &others {
                    latest.insert(key(&subject, &from, other), (date, node));
                }
            }
        }
    }
    Ok(())
}

/// A day in microseconds.
const DAY: i64 = 86_400_000_000;

fn key(subject: &[u8; 16], from: &str, to: &str) -> [u8; 16] {
    hash128(b"tamis/guess/1", &[subject, from.as_bytes(), to.as_bytes()])
}

fn subject_hash(base: &str) -> [u8; 16] {
    hash128(b"tamis/subject/1", &[base.as_bytes()])
}

/// Which tree a node is in, while trees are hung below one another: union-find with path halving.
struct Trees(Vec<Node>);

impl Trees {
    fn find(&mut self, mut node: Node) -> Node {
        loop {
            let above = self.above(node);
            if above == node {
                return node;
            }
            let next = self.above(above);
            if let Some(slot) = self.0.get_mut(node as usize) {
                *slot = next;
            }
            node = next;
        }
    }

    fn above(&self, node: Node) -> Node {
        self.0.get(node as usize).copied().unwrap_or(node)
    }

    /// Hangs the tree of `root` below that of `parent`; false where they are one already.
    fn join(&mut self, root: Node, parent: Node) -> bool {
        let (below, above) = (self.find(root), self.find(parent));
        if below == above {
            return false;
        }
        if let Some(slot) = self.0.get_mut(below as usize) {
            *slot = above;
        }
        true
    }
}

/// A subject without its reply prefixes (`Re:`, `RE[2]:`, `AW: Re:`), lower case, white space folded; and
/// whether there was one.
fn base_subject(subject: &str) -> (String, bool) {
    let lower = subject.to_lowercase();
    let mut rest = lower.trim();
    let mut is_reply = false;
    while let Some(after) = without_prefix(rest) {
        rest = after.trim_start();
        is_reply = true;
    }
    (rest.split_whitespace().collect::<Vec<_>>().join(" "), is_reply)
}

fn without_prefix(subject: &str) -> Option<&str> {
    REPLY.iter().find_map(|prefix| {
        let rest = subject.strip_prefix(prefix)?.trim_start();
        let counted = rest.strip_prefix('[').or_else(|| rest.strip_prefix('('));
        let rest = match counted {
            Some(count) => {
                count.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix([']', ')'])?.trim_start()
            }
            None => rest,
        };
        rest.strip_prefix([':', '：'])
    })
}

/// Typed access to the columns of a batch; another type is damage.
struct Columns<'a>(&'a RecordBatch);

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Columns<'a> {
        Columns(batch)
    }

    fn get<T: Column>(&self, name: &str, row: usize) -> Result<T, EngineError> {
        let array = self.0.column_by_name(name);
        array
            .and_then(|array| T::read(array, row))
            .ok_or_else(|| EngineError::damaged(format!("the column {name} of messages is not as declared")))
    }

    fn blob(&self, row: usize) -> Result<Blob, EngineError> {
        self.get("blob", row)
    }

    fn date(&self, row: usize) -> Result<Option<i64>, EngineError> {
        Ok(self.get::<Option<Time>>("date", row)?.map(|time| time.0))
    }

    fn text(&self, name: &str, row: usize) -> Result<Option<String>, EngineError> {
        self.get(name, row)
    }

    fn list(&self, name: &str, row: usize) -> Result<Vec<String>, EngineError> {
        self.get(name, row)
    }
}

/// Writes beside, syncs, renames over what may be there: readers see the old file or the new one. Then
/// the folders that name it are synced.
fn write(
    engine: &Engine,
    derived: &Path,
    rows: impl Iterator<Item = ThreadRow>,
    cancel: &Cancel,
) -> Result<PathBuf, EngineError> {
    let dir = derived.join(folder(engine));
    fs::create_dir_all(derived).map_err(CaseError::io("create", derived))?;
    own_dir(&dir)?;
    let (path, beside) = (dir.join("threads.parquet"), dir.join("threads.parquet.new"));
    // What a run that died left there, or a link that a stranger put there.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(CaseError::io("remove", &beside)(error).into());
        }
        _ => {}
    }
    let file = File::create_new(&beside).map_err(CaseError::io("create", &beside))?;
    let mut writer = ArrowWriter::try_new(file, schema(), Some(properties(engine)))?;
    let mut batch = Builder::default();
    for row in rows {
        batch.push(&row);
        if batch.rows >= ROWS {
            writer.write(&batch.finish()?)?;
            if writer.in_progress_size() >= ROW_GROUP_BYTES {
                writer.flush()?;
            }
            if cancel.is_cancelled() {
                return Err(EngineError::Cancelled);
            }
        }
    }
    writer.write(&batch.finish()?)?;
    let file = writer.into_inner()?;
    file.sync_all().map_err(CaseError::io("sync", &beside))?;
    fs::rename(&beside, &path).map_err(CaseError::io("rename", &beside))?;
    sync_dir(&dir)?;
    sync_dir(derived)?;
    Ok(path)
}

fn properties(engine: &Engine) -> WriterProperties {
    let pair = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    WriterProperties::builder()
        .set_created_by("tamis".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
        .set_key_value_metadata(Some(vec![
            pair(GENERATION, engine.generation().to_string()),
            pair(INPUT, engine.input().to_owned()),
        ]))
        .build()
}

/// Makes a folder, or finds it; a link in its place would lead what is written elsewhere.
fn own_dir(dir: &Path) -> Result<(), EngineError> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(CaseError::io("create", dir)(error).into());
        }
        _ => {}
    }
    let about = fs::symlink_metadata(dir).map_err(CaseError::io("look at", dir))?;
    if about.is_dir() { Ok(()) } else { Err(EngineError::Outside { path: dir.to_owned() }) }
}

fn sync_dir(dir: &Path) -> Result<(), EngineError> {
    Ok(File::open(dir).and_then(|dir| dir.sync_all()).map_err(CaseError::io("sync", dir))?)
}

#[derive(Default)]
struct Builder {
    rows: usize,
    texts: [StringBuilder; 5],
    depth: UInt32Builder,
    position: UInt64Builder,
    date: UtcBuilder,
    missing: BooleanBuilder,
    guess: BooleanBuilder,
}

impl Builder {
    fn push(&mut self, row: &ThreadRow) {
        self.rows += 1;
        let [thread, blob, message, parent, root] = &mut self.texts;
        thread.append_value(hex(&row.thread_id));
        blob.append_option(row.blob.as_ref().map(Blob::to_string));
        message.append_option(row.message_id.as_deref());
        parent.append_option(row.parent_message_id.as_deref());
        root.append_option(row.root_message_id.as_deref());
        self.depth.append_value(row.depth);
        self.position.append_value(row.position);
        row.date.map(Time).append(&mut self.date);
        self.missing.append_value(row.missing);
        self.guess.append_value(row.guess);
    }

    fn finish(&mut self) -> Result<RecordBatch, EngineError> {
        self.rows = 0;
        let mut arrays: Vec<ArrayRef> =
            self.texts.iter_mut().map(|texts| -> ArrayRef { Arc::new(texts.finish()) }).collect();
        arrays.push(Arc::new(self.depth.finish()));
        arrays.push(Arc::new(self.position.finish()));
        arrays.push(arrow::array::ArrayBuilder::finish(&mut self.date));
        arrays.push(Arc::new(self.missing.finish()));
        arrays.push(Arc::new(self.guess.finish()));
        Ok(RecordBatch::try_new(schema(), arrays)?)
    }
}
