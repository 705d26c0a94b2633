//! A case: opened to read ([`Case`]) or to write ([`Writer`]).

use std::{
    collections::HashMap,
    fs,
    io::Write,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};
use serde::{Deserialize, Serialize};
use tamis_model::{
    Blob, ItemId, Outcome, SourceId, State,
    ids::hex,
    merkle::{CaseDigest, DigestBuilder},
    tables::{Item, Row},
};

use crate::{
    AuditEntry, Batch, BatchDraft, CaseError, FileStamp, Hidden, Told, Totals, Vault,
    batch::{Manifest, is_folder_name},
    db::Db,
    files, place, tables, told,
};

/// Options that change results; fixed when the case is made, and kept in `case.toml`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Only mail and mailboxes are read; everything else is `opaque: not-asked`.
    pub only_mail: bool,
    /// Top-level files stay where they are; the vault holds what is inside them.
    pub by_reference: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct CaseToml {
    /// Always `tamis case`.
    what: String,
    format: u32,
    options: Options,
}

const WHAT: &str = "tamis case";

impl CaseToml {
    fn read(dir: &Path) -> Result<CaseToml, CaseError> {
        let path = dir.join("case.toml");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let because = if dir.exists() { "it holds no case.toml" } else { "it does not exist" };
                return Err(CaseError::NotACase { path: dir.to_owned(), because });
            }
            Err(error) => return Err(CaseError::io("read", &path)(error)),
        };
        // The format first: a newer one may have keys that this version does not know.
        let format = text.parse::<toml::Table>().ok().and_then(|t| t.get("format")?.as_integer());
        match format.map(u32::try_from) {
            Some(Ok(format)) if format > crate::FORMAT => {
                return Err(CaseError::Newer { path: dir.to_owned(), format });
            }
            Some(Ok(format)) if format < crate::FORMAT => {
                return Err(CaseError::Older { path: dir.to_owned(), format });
            }
            _ => {}
        }
        match toml::from_str::<CaseToml>(&text) {
            Ok(case) if case.what == WHAT => Ok(case),
            Ok(_) => Err(CaseError::NotACase {
                path: dir.to_owned(),
                because: "its case.toml is of something else",
            }),
            Err(error) => Err(CaseError::Damaged { path, because: error.message().to_owned() }),
        }
    }
}

/// Whether there is a case at `dir` that this version understands.
pub(crate) fn check_toml(dir: &Path) -> Result<(), CaseError> {
    CaseToml::read(dir).map(drop)
}

/// A source of the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// Its number.
    pub source_id: SourceId,
    /// Where it was when it was added.
    pub path: PathBuf,
    /// Files, links and other entries at inventory.
    pub files: u64,
    /// Sum of the sizes of its files at inventory.
    pub bytes: u64,
    /// Root over its files, once it was read to its end.
    pub received: Option<String>,
    /// Whether it was read to its end.
    pub finished: bool,
    /// Whether it was read to its end at any time: what comes in now is numbered after everything else.
    pub read_before: bool,
}

/// A case as it stood when it was opened: later commits are not seen.
pub struct Case {
    dir: PathBuf,
    db: Db,
    batches: Vec<Batch>,
    totals: Totals,
    options: Options,
}

impl Case {
    /// Opens a case to read. `scratch`: a private folder for a copy of the database, used where the case
    /// cannot be written to (SQLite would otherwise overlook what is still in its log).
    pub fn open(dir: &Path, scratch: &Path) -> Result<Case, CaseError> {
        let toml = CaseToml::read(dir)?;
        let path = dir.join("case.db");
        if !path.exists() {
            return Err(CaseError::NotACase { path: dir.to_owned(), because: "it holds no case.db" });
        }
        let db = match Case::needs_scratch(dir) {
            false => Db::open_read(&path)?,
            true => open_copy(&path, scratch)?,
        };
        Case::load(dir, db, toml.options)
    }

    /// Whether the case at `dir` cannot be written to, so that [`Case::open`] needs a private folder.
    pub fn needs_scratch(dir: &Path) -> bool {
        let path = dir.join("case.db");
        access(dir, Access::WRITE_OK).is_err() || access(&path, Access::WRITE_OK).is_err()
    }

    fn load(dir: &Path, db: Db, options: Options) -> Result<Case, CaseError> {
        let (mut batches, mut totals) = (Vec::new(), Totals::default());
        let commits = db.commits()?;
        for row in &commits {
            if !is_folder_name(&row.name) {
                return Err(CaseError::Damaged {
                    path: dir.join("case.db"),
                    because: format!("no batch is named {:?}", row.name),
                });
            }
            let folder = dir.join("batches").join(&row.name);
            let supersedes = match row.supersedes {
                false => Hidden::default(),
                true => Manifest::read(&folder)?.0.supersedes.parse().ok_or_else(|| CaseError::Damaged {
                    path: folder.join("manifest.json"),
                    because: "an id in it is none".to_owned(),
                })?,
            };
            batches.push(Batch { n: row.n, dir: folder, supersedes });
        }
        if let Some(last) = commits.last() {
            totals = serde_json::from_str(&last.totals).map_err(|error| CaseError::Damaged {
                path: dir.join("case.db"),
                because: error.to_string(),
            })?;
        }
        Ok(Case { dir: dir.to_owned(), db, batches, totals, options })
    }

    /// The case's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The options it was made with.
    pub fn options(&self) -> Options {
        self.options
    }

    /// Its batches, in order.
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// Number of the last batch; 0 where there is none.
    pub fn last_batch(&self) -> u64 {
        self.batches.last().map_or(0, |batch| batch.n)
    }

    /// Sums over everything committed.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Its sources, in order.
    pub fn sources(&self) -> Result<Vec<SourceRow>, CaseError> {
        let rows = self.db.sources()?.into_iter().map(|record| SourceRow {
            source_id: record.source_id,
            path: PathBuf::from(std::ffi::OsString::from_vec(record.path)),
            files: record.files,
            bytes: record.bytes,
            received: record.received,
            finished: record.finished,
            read_before: record.read_before,
        });
        Ok(rows.collect())
    }

    /// The audit chain, in order. Whether it holds is for [`Case::verify`].
    pub fn audit(&self) -> Result<Vec<AuditEntry>, CaseError> {
        self.db.audit()
    }

    /// All that people told the case of one kind, sorted.
    pub fn told<T: Told>(&self) -> Result<Vec<T>, CaseError> {
        told::all(&self.db)
    }

    /// How many things people told the case.
    pub fn told_count(&self) -> Result<u64, CaseError> {
        told::count(&self.db)
    }

    /// A derived value that was kept under `key`.
    pub fn memo(&self, key: &str) -> Result<Option<String>, CaseError> {
        self.db.memo(key)
    }

    /// When the case was made: the first entry of its audit chain. RFC 3339.
    pub fn made_at(&self) -> Result<Option<String>, CaseError> {
        self.db.first_audit_time()
    }

    /// When each batch was committed, by the name of its folder. RFC 3339.
    pub fn commit_times(&self) -> Result<HashMap<String, String>, CaseError> {
        let entries = self.audit()?.into_iter().filter(|entry| entry.action == "commit");
        Ok(entries
            .filter_map(|entry| Some((entry.detail.strip_prefix("batch ")?.to_owned(), entry.at)))
            .collect())
    }

    /// Names of all committed batches, as the log is now.
    pub(crate) fn commit_log(&self) -> Result<Vec<String>, CaseError> {
        Ok(self.db.commits()?.into_iter().map(|row| row.name).collect())
    }

    /// A reader of contents.
    pub fn vault(&self) -> Result<Vault, CaseError> {
        let sources = self
            .sources()?
            .into_iter()
            .map(|source| (source.source_id, source.path))
            .collect::<HashMap<_, _>>();
        Ok(Vault::new(&self.batches, sources))
    }

    /// What is hidden, in the batch at `position`, by later batches.
    pub fn hidden_in(&self, position: usize) -> Hidden {
        let mut hidden = Hidden::default();
        for later in self.batches.iter().skip(position + 1) {
            hidden.blobs.extend(later.supersedes.blobs.iter().copied());
            hidden.items.extend(later.supersedes.items.iter().copied());
        }
        hidden
    }

    /// Calls `each` with every item that is seen, in the order of commit.
    pub fn items(&self, mut each: impl FnMut(Item) -> Result<(), CaseError>) -> Result<(), CaseError> {
        for (position, batch) in self.batches.iter().enumerate() {
            let hidden = self.hidden_in(position);
            tables::read_rows(&batch.dir.join("items.parquet"), |item: Item| {
                if hidden.items.contains(&(item.source_id, item.item_id)) { Ok(()) } else { each(item) }
            })?;
        }
        Ok(())
    }

    /// Calls `each` with every fact that is seen and whose blob is `wanted`, in the order of commit.
    pub fn facts<R: Row>(
        &self,
        mut wanted: impl FnMut(&Blob) -> bool,
        mut each: impl FnMut(Blob, R) -> Result<(), CaseError>,
    ) -> Result<(), CaseError> {
        for (position, batch) in self.batches.iter().enumerate() {
            let hidden = self.hidden_in(position);
            let path = batch.dir.join(format!("{}.parquet", R::TABLE));
            tables::read_facts(&path, |blob| wanted(blob) && !hidden.blobs.contains(blob), &mut each)?;
        }
        Ok(())
    }

    /// The items with this id, one for each source that holds it.
    pub fn item(&self, id: ItemId) -> Result<Vec<Item>, CaseError> {
        let mut found = Vec::new();
        for (position, batch) in self.batches.iter().enumerate() {
            let path = batch.dir.join("items.parquet");
            if tables::find_row::<Item>(&path, "item_id", &id.to_string())?.is_none() {
                continue;
            }
            let hidden = self.hidden_in(position);
            tables::read_rows(&path, |item: Item| {
                if item.item_id == id && !hidden.items.contains(&(item.source_id, id)) {
                    found.push(item);
                }
                Ok(())
            })?;
        }
        if found.is_empty() {
            Err(CaseError::Unknown { what: "item", id: id.to_string() })
        } else {
            Ok(found)
        }
    }

    /// The digest as it was kept at the end of the last run, if nothing was committed since.
    pub fn kept_digest(&self) -> Result<Option<CaseDigest>, CaseError> {
        Ok(self.db.memo(&self.digest_key())?.as_deref().and_then(CaseDigest::parse))
    }

    /// The case's digest; computed once for each state of the case that was read to its end.
    pub fn digest(&self) -> Result<CaseDigest, CaseError> {
        match self.kept_digest()? {
            Some(kept) => Ok(kept),
            None => self.compute_digest(),
        }
    }

    fn digest_key(&self) -> String {
        format!("digest after batch {}", self.last_batch())
    }

    fn compute_digest(&self) -> Result<CaseDigest, CaseError> {
        let outcomes = self.blob_outcomes()?;
        let mut builder = DigestBuilder::default();
        self.items(|item| {
            if item.depth == 0 {
                builder.received(&item.name_raw, item.blob.as_ref(), item.bytes);
            }
            let own = Outcome { state: item.state, reason: item.reason };
            let inherited = item.blob.filter(|_| item.state == State::Duplicate);
            let outcome = inherited.and_then(|blob| outcomes.get(&blob).copied()).unwrap_or(own);
            builder.read(item.item_id, item.blob.as_ref(), item.bytes, &outcome);
            Ok(())
        })?;
        Ok(builder.finish())
    }

    /// The content of a source that is one file.
    pub fn single_file(&self, source: &SourceRow) -> Result<Option<Blob>, CaseError> {
        let name = source.path.file_name().map(|name| name.as_bytes().to_vec());
        if source.files != 1 || source.path.is_dir() {
            return Ok(None);
        }
        let mut found = None;
        self.items(|item| {
            if item.depth == 0 && item.source_id == source.source_id && Some(&item.name_raw) == name.as_ref()
            {
                found = item.blob;
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Root over the top-level files of one source, lower hex (see [`CaseDigest::received`]).
    pub fn received(&self, source: SourceId) -> Result<String, CaseError> {
        let mut builder = DigestBuilder::default();
        self.items(|item| {
            if item.depth == 0 && item.source_id == source {
                builder.received(&item.name_raw, item.blob.as_ref(), item.bytes);
            }
            Ok(())
        })?;
        Ok(hex(&builder.finish().received))
    }

    /// What became of each blob where it was read.
    fn blob_outcomes(&self) -> Result<HashMap<Blob, Outcome>, CaseError> {
        let mut outcomes = HashMap::new();
        self.items(|item| {
            let outcome = Outcome { state: item.state, reason: item.reason };
            let here = item.state != State::Duplicate && !outcome.is_of_the_place();
            if let Some(blob) = item.blob.filter(|_| here) {
                outcomes.insert(blob, outcome);
            }
            Ok(())
        })?;
        Ok(outcomes)
    }
}

fn open_copy(path: &Path, scratch: &Path) -> Result<Db, CaseError> {
    let copy = scratch.join("case.db");
    for suffix in ["", "-wal"] {
        let from = PathBuf::from(format!("{}{suffix}", path.display()));
        let to = PathBuf::from(format!("{}{suffix}", copy.display()));
        if from.exists() {
            fs::copy(&from, &to).map_err(CaseError::io("copy", &from))?;
        }
    }
    // The copy is ours: opening it for writing replays the log.
    Db::open(&copy)
}

/// A case that is being written; holds the ingest lock until dropped.
pub struct Writer {
    case: Case,
    _lock: place::IngestLock,
}

impl Writer {
    /// Makes the case at `dir`, or continues it. `at`: the time now, RFC 3339, for the audit chain.
    pub fn open(dir: &Path, options: Options, at: &str) -> Result<Writer, CaseError> {
        if dir.exists() && !dir.join("case.toml").exists() && !is_unfinished_case(dir)? {
            return Err(CaseError::NotACase {
                path: dir.to_owned(),
                because: "the folder exists and holds other things",
            });
        }
        if dir.join("case.toml").exists() {
            // What is not ours, or newer, is left as it is.
            CaseToml::read(dir)?;
        }
        fs::create_dir_all(dir).map_err(CaseError::io("create", dir))?;
        place::refuse_network(dir)?;
        let lock = place::IngestLock::take(dir)?;
        let options = match CaseToml::read(dir) {
            Err(CaseError::NotACase { .. }) => {
                let batches = dir.join("batches");
                fs::create_dir_all(&batches).map_err(CaseError::io("create", &batches))?;
                let toml = CaseToml { what: WHAT.to_owned(), format: crate::FORMAT, options };
                let text = toml::to_string(&toml).unwrap_or_default();
                let db = Db::open(&dir.join("case.db"))?;
                drop(db);
                files::replace(&dir.join("case.toml"), text.as_bytes())?;
                options
            }
            Err(error) => return Err(error),
            Ok(toml) => same_options(dir, toml.options, options)?,
        };
        for folder in ["tmp", "index", "derived"] {
            let folder = dir.join(folder);
            fs::create_dir_all(&folder).map_err(CaseError::io("create", &folder))?;
        }
        files::sweep(&dir.join("tmp"))?;
        let mut db = Db::open(&dir.join("case.db"))?;
        if db.audit()?.is_empty() {
            db.append_audit(at, "tamis", "case", &format!("made with format {}", crate::FORMAT))?;
        }
        Ok(Writer { case: Case::load(dir, db, options)?, _lock: lock })
    }

    /// The case as committed so far.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// Folder for spooled content; swept at the next opening.
    pub fn tmp(&self) -> PathBuf {
        self.case.dir.join("tmp")
    }

    /// Adds a source, or finds it again by its path (absolute), and notes its custody.
    pub fn source(&mut self, path: &Path, files: u64, bytes: u64, at: &str) -> Result<SourceId, CaseError> {
        let known = self.case.sources()?.len();
        let id = self.case.db.source(path.as_os_str().as_bytes(), files, bytes, at)?;
        if self.case.sources()?.len() > known {
            let shown = crate::error::shown(path);
            let line = serde_json::json!({ "source_id": id.0, "path": shown, "files": files, "bytes": bytes, "added": at });
            let custody = self.case.dir.join("custody.jsonl");
            let file = fs::OpenOptions::new().create(true).append(true).open(&custody);
            let written = file.and_then(|mut file| {
                file.write_all(format!("{line}\n").as_bytes())?;
                file.sync_all()
            });
            written.map_err(CaseError::io("write", &custody))?;
        }
        Ok(id)
    }

    /// What was read of a source's files so far: raw path, stamp, id; ordered by path.
    pub fn inventory(&self, source: SourceId) -> Result<Vec<(Vec<u8>, FileStamp, ItemId)>, CaseError> {
        self.case.db.inventory(source)
    }

    /// Begins the next batch.
    pub fn draft(&self) -> Result<BatchDraft, CaseError> {
        BatchDraft::create(&self.tmp(), self.case.last_batch() + 1)
    }

    /// Makes a batch exist: durable files first, then the one transaction that names it. `files`: the
    /// top-level files whose rows it completes, with their stamps.
    pub fn commit(
        &mut self,
        draft: BatchDraft,
        totals: &Totals,
        files: &[(SourceId, Vec<u8>, FileStamp, ItemId)],
        at: &str,
    ) -> Result<&Batch, CaseError> {
        let batch = draft.seal(&self.case.dir.join("batches"))?;
        let name = batch.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.case.db.commit(batch.n, &name, !batch.supersedes.is_empty(), totals, files, at)?;
        self.case.totals = totals.clone();
        self.case.batches.push(batch);
        self.case.batches.last().ok_or_else(|| CaseError::Unknown { what: "batch", id: name })
    }

    /// Keeps the stamps of files whose content stands, where no batch is left to keep them with.
    pub fn keep_stamps(&mut self, files: &[(SourceId, Vec<u8>, FileStamp, ItemId)]) -> Result<(), CaseError> {
        self.case.db.keep_stamps(files)
    }

    /// Notes that a source was read to its end.
    pub fn finish_source(&mut self, source: SourceId, received: &str, at: &str) -> Result<(), CaseError> {
        self.case.db.finish_source(source, received, at)
    }

    /// Computes and keeps the digest of the case as it stands.
    pub fn keep_digest(&mut self) -> Result<CaseDigest, CaseError> {
        let digest = self.case.compute_digest()?;
        let key = self.case.digest_key();
        self.case.db.set_memo(&key, &digest.to_string())?;
        Ok(digest)
    }
}

/// Whether a folder without `case.toml` is what a run left that died while making a case.
fn is_unfinished_case(dir: &Path) -> Result<bool, CaseError> {
    const OURS: [&str; 9] = [
        "case.db",
        "case.db-wal",
        "case.db-shm",
        "case.new",
        "ingest.lock",
        "batches",
        "tmp",
        "index",
        "derived",
    ];
    let mut entries = fs::read_dir(dir).map_err(CaseError::io("list", dir))?;
    entries.try_fold(true, |all, entry| {
        let name = entry.map_err(CaseError::io("list", dir))?.file_name();
        Ok(all && OURS.iter().any(|ours| name == *ours))
    })
}

fn same_options(dir: &Path, made: Options, asked: Options) -> Result<Options, CaseError> {
    let differ = [
        ("--only mail", made.only_mail, asked.only_mail),
        ("--by-reference", made.by_reference, asked.by_reference),
    ];
    match differ.into_iter().find(|(_, made, asked)| made != asked) {
        None => Ok(made),
        Some((name, made, _)) => Err(CaseError::OtherOptions {
            path: dir.to_owned(),
            because: format!("it was made {} {name}", if made { "with" } else { "without" }),
        }),
    }
}
