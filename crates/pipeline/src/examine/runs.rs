//! Runs on disk: which one counts, what its files are, and how a new one comes to be.
//!
//! The run that counts is named in `case.db` with the hash of its `run.json`, which holds the hashes of its
//! other files: what somebody else puts below `derived/` is not believed.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tamis_case::{Case, CaseError, Register};
use tamis_model::{
    Blob,
    ids::hex,
    tables::{Facts, FindingRow, Row, StateRow},
};
use tamis_search::States;

use super::{PARTS, Part};
use crate::Error;

/// Longest `run.json`.
const RUN_BYTES: u64 = 16 << 20;
/// Longest `parts.json`.
const PARTS_BYTES: u64 = 1 << 30;
const RUN_FILE: &str = "run.json";
const PARTS_FILE: &str = "parts.json";
const FACET_FILE: &str = "states.facet";
const MEMO: &str = "evidence";

/// `run.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Number of the run, from 1.
    pub n: u64,
    /// The case's last batch.
    pub batch: u64,
    /// The "now" of its judgements, RFC 3339.
    pub as_of: String,
    /// Digest over what concerns every message: rules, incidents, sealers, delegates, batches.
    pub(super) base: String,
    /// Digest over the rules.
    pub(super) rules: String,
    /// How many things the case had been told.
    pub(super) told: u64,
    /// Messages (contents) by state.
    pub by_state: BTreeMap<String, u64>,
    /// Findings by rule.
    pub by_rule: BTreeMap<String, u64>,
    /// SHA-256 of the other files, lower hex, by name.
    pub(super) files: BTreeMap<String, String>,
}

/// The folder of the run that counts, and its `run.json`; `None` where no rule has run yet. It may be older
/// than the case's last batch, or than what the case was told: see [`super::is_current`].
pub fn last(case: &Case) -> Option<(PathBuf, Run)> {
    let memo = case.memo(MEMO).ok()??;
    let (n, hash) = memo.split_once(' ')?;
    let dir = folder(case, n.parse().ok()?);
    let text = read_regular(&dir.join(RUN_FILE), RUN_BYTES)?;
    if hex(&Sha256::digest(&text)) != hash {
        return None;
    }
    let run: Run = serde_json::from_slice(&text).ok()?;
    (run.batch <= case.last_batch()).then_some((dir, run))
}

/// What is wrong with the files of the run that counts; for `tamis verify`.
pub fn problems(case: &Case) -> Vec<(String, String)> {
    let Ok(Some(memo)) = case.memo(MEMO) else { return Vec::new() };
    let n = memo.split_once(' ').and_then(|(n, _)| n.parse().ok());
    // Deleted is not damaged: it is made anew.
    if n.is_none_or(|n| !folder(case, n).exists()) {
        return Vec::new();
    }
    let Some((dir, run)) = last(case) else {
        return vec![(
            "the last run of the rules is not what it was".to_owned(),
            format!("derived/evidence-{memo}"),
        )];
    };
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_bad = |(file, hash): &(&String, &String)| hash_of(&dir.join(file)).as_ref() != Some(hash);
    let say = |(file, _): (&String, &String)| {
        ("it was changed after the rules ran".to_owned(), format!("derived/{name}/{file}"))
    };
    run.files.iter().filter(is_bad).map(say).collect()
}

fn folder(case: &Case, n: u64) -> PathBuf {
    case.dir().join("derived").join(format!("evidence-{n}"))
}

/// A file's content, if it is a regular file of at most `most` bytes: no link, no pipe.
fn read_regular(path: &Path, most: u64) -> Option<Vec<u8>> {
    let file = open_regular(path)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= most).then_some(bytes)
}

fn open_regular(path: &Path) -> Option<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let file = File::options().read(true).custom_flags(flags).open(path).ok()?;
    file.metadata().ok()?.is_file().then_some(file)
}

fn hash_of(path: &Path) -> Option<String> {
    let mut file = open_regular(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(hex(&hash.finalize())),
            n => hash.update(buffer.get(..n)?),
        }
    }
}

// ---- what a run holds ----

fn damaged(path: &Path, because: &str) -> Error {
    CaseError::Damaged { path: path.to_owned(), because: because.to_owned() }.into()
}

/// The `run.json` of a folder that [`last`] gave.
fn run_in(dir: &Path) -> Result<Run, Error> {
    let path = dir.join(RUN_FILE);
    let run = read_regular(&path, RUN_BYTES).and_then(|text| serde_json::from_slice(&text).ok());
    run.ok_or_else(|| damaged(&path, "it cannot be read"))
}

/// The states of all occurrences, as of a run.
pub fn states(dir: &Path) -> Result<States, Error> {
    let run = run_in(dir)?;
    let path = dir.join(FACET_FILE);
    let bytes = read_regular(&path, tamis_search::states::MAX_BYTES)
        .filter(|bytes| run.files.get(FACET_FILE) == Some(&hex(&Sha256::digest(bytes))))
        .ok_or_else(|| damaged(&path, "it is not what the rules wrote: run `tamis examine`"))?;
    States::read(&mut bytes.as_slice(), bytes.len() as u64)
        .map_err(|error| damaged(&path, &error.to_string()))
}

/// Name of a table's file of a part.
pub(super) fn file(table: &str, part: u64) -> String {
    format!("{table}-{part:02}")
}

fn files<'d>(dir: &'d Path, run: &'d Run, table: &'static str) -> impl Iterator<Item = PathBuf> + 'd {
    let name = move |part| format!("{}.parquet", file(table, part));
    (0..=PARTS).map(name).filter(|name| run.files.contains_key(name)).map(|name| dir.join(name))
}

/// Calls `each` with every finding of a run, in the order of its parts.
pub fn findings(dir: &Path, mut each: impl FnMut(FindingRow) -> Result<(), CaseError>) -> Result<(), Error> {
    let run = run_in(dir)?;
    files(dir, &run, FindingRow::TABLE).try_for_each(|path| Ok(tamis_case::read_rows(&path, &mut each)?))
}

/// Calls `each` with the state of every message of a run that is `wanted`.
pub fn message_states(
    dir: &Path,
    mut wanted: impl FnMut(&Blob) -> bool,
    mut each: impl FnMut(Blob, StateRow) -> Result<(), CaseError>,
) -> Result<(), Error> {
    let run = run_in(dir)?;
    files(dir, &run, StateRow::TABLE)
        .try_for_each(|path| Ok(tamis_case::read_facts(&path, &mut wanted, &mut each)?))
}

/// The tables of the run that counts, as people type them in SQL: name, schema, files.
pub fn tables(case: &Case) -> [(&'static str, SchemaRef, Vec<PathBuf>); 2] {
    let last = last(case);
    let of = |table: &'static str| -> Vec<PathBuf> {
        last.iter().flat_map(|(dir, run)| files(dir, run, table)).collect()
    };
    [
        (FindingRow::TABLE, FindingRow::schema(), of(FindingRow::TABLE)),
        (StateRow::TABLE, Facts::<StateRow>::schema(), of(StateRow::TABLE)),
    ]
}

/// What the parts of a run were made from.
pub(super) fn parts(dir: &Path, run: &Run) -> Option<BTreeMap<u64, Part>> {
    let bytes = read_regular(&dir.join(PARTS_FILE), PARTS_BYTES)?;
    let is_ours = run.files.get(PARTS_FILE) == Some(&hex(&Sha256::digest(&bytes)));
    serde_json::from_slice(&bytes).ok().filter(|_| is_ours)
}

// ---- a new one ----

/// A run in the making. Only one at a time: the lock is held until it is dropped.
pub(super) struct Making {
    derived: PathBuf,
    pub(super) dir: PathBuf,
    _lock: File,
}

impl Making {
    pub(super) fn begin(case: &Case) -> Result<Making, Error> {
        let derived = case.dir().join("derived");
        fs::create_dir_all(&derived).map_err(CaseError::io("create", &derived))?;
        let lock = derived.join("examine.lock");
        let file = File::options().create(true).truncate(false).write(true).open(&lock);
        let file = file.map_err(CaseError::io("open", &lock))?;
        if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(CaseError::Locked { path: case.dir().to_owned() }.into());
        }
        let dir = derived.join("making");
        // Left by a run that died.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).map_err(CaseError::io("create", &dir))?;
        Ok(Making { derived, dir, _lock: file })
    }

    /// Takes a part over from the run before; `false` where its files are not what they were.
    pub(super) fn take_over(&self, from: &Path, run: &Run, part: u64) -> Result<bool, Error> {
        for table in [FindingRow::TABLE, StateRow::TABLE] {
            let name = format!("{}.parquet", file(table, part));
            let Some(hash) = run.files.get(&name) else { continue };
            let (old, new) = (from.join(&name), self.dir.join(&name));
            if hash_of(&old).as_ref() != Some(hash) {
                return Ok(false);
            }
            // The same file under a second name, where the file system knows such.
            if fs::hard_link(&old, &new).is_err() {
                fs::copy(&old, &new).map_err(CaseError::io("copy", &old))?;
            }
        }
        Ok(true)
    }

    /// Gives up what was taken over of a part.
    pub(super) fn drop_part(&self, part: u64) {
        for table in [FindingRow::TABLE, StateRow::TABLE] {
            let _ = fs::remove_file(self.dir.join(format!("{}.parquet", file(table, part))));
        }
    }

    /// Writes the rest, gives the folder its name, names it in `case.db`, and removes the other runs but the
    /// one before: somebody may be reading that. `at`: RFC 3339, for the audit chain.
    pub(super) fn end(
        &self,
        case: &Case,
        run: &mut Run,
        parts: &BTreeMap<u64, Part>,
        states: &States,
        at: &str,
    ) -> Result<(), Error> {
        let mut facet = Vec::new();
        states.write(&mut facet).map_err(CaseError::io("write", &self.dir))?;
        self.write(FACET_FILE, &facet)?;
        self.write(PARTS_FILE, &serde_json::to_vec(parts).unwrap_or_default())?;
        for entry in fs::read_dir(&self.dir).map_err(CaseError::io("list", &self.dir))?.flatten() {
            let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
            let hash = hash_of(&path).ok_or_else(|| damaged(&path, "it cannot be read back"))?;
            run.files.insert(name, hash);
        }
        let before = last(case).map(|(_, run)| run.n);
        let others = others(&self.derived);
        run.n = before.into_iter().chain(others.iter().copied()).max().map_or(1, |n| n.saturating_add(1));
        let text = serde_json::to_vec_pretty(run).unwrap_or_default();
        self.write(RUN_FILE, &text)?;
        let named = self.derived.join(format!("evidence-{}", run.n));
        fs::rename(&self.dir, &named).map_err(CaseError::io("rename", &self.dir))?;
        let hash = hex(&Sha256::digest(&text));
        let detail = format!("evidence-{} run.json {hash}", run.n);
        Register::open(case.dir())?.name(MEMO, &format!("{} {hash}", run.n), "examine", &detail, at)?;
        for n in others.into_iter().filter(|n| Some(*n) != before) {
            let _ = fs::remove_dir_all(self.derived.join(format!("evidence-{n}")));
        }
        Ok(())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.dir.join(name);
        let written = fs::write(&path, bytes).and_then(|()| File::open(&path)?.sync_all());
        Ok(written.map_err(CaseError::io("write", &path))?)
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // Gone already where the run ended well.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Numbers of all folders that are called like a run.
fn others(derived: &Path) -> Vec<u64> {
    /// No case is examined as often.
    const MOST: u64 = 1 << 40;
    let entries = fs::read_dir(derived).into_iter().flatten().flatten();
    let numbers =
        entries.filter_map(|entry| entry.file_name().to_str()?.strip_prefix("evidence-")?.parse().ok());
    numbers.filter(|n| *n < MOST).collect()
}
