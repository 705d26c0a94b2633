//! Opens dumps into a case: walk → read → commit → index → derive.
//!
//! One thread owns the tree and the committer; drivers run jailed processes, each with its own nursery;
//! one thread follows the commits with the index. They meet in channels, and only the first one decides
//! anything, so threads change the time a run takes and nothing else.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::File,
    io::Read,
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use tamis_case::{FileStamp, Options, Totals, Writer};
use tamis_intake::{
    limits,
    protocol::{Reading, Task, Thing},
    walk::{self, Entry, EntryKind},
};
use tamis_model::{ItemId, Outcome, Reason, SourceId, State, merkle::CaseDigest, tables::Item};

use crate::{
    Error,
    body::{Body, Decoded},
    books::{Books, Committed},
    commit::{Committer, Numbering, Tops, same},
    driver::{Driver, DriverError},
    index, jobs,
    progress::{Phase, Progress, Status},
    tree::{Cursor, Matter, Node, NodeId, Progress as NodeProgress, Tree, top_child},
};

/// Bytes of memory that may be held by what is read and not committed yet.
const WINDOW: u64 = 128 << 20;
/// Nodes that may be made ahead of the committer.
const NODES: usize = 1 << 16;
/// Large files that may be open ahead of the committer.
const OPEN_FILES: usize = 64;
/// Files up to this size are read into memory at once.
const IN_MEMORY: u64 = limits::UNIT_BYTES;

/// Which rows are read again although they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reread {
    /// `failed` and `refused`.
    Failed,
    /// Read by an older version of their reader.
    Older,
    /// Of this kind, as in `kind:`.
    Kind(String),
}

impl Reread {
    fn picks(&self, item: &Item) -> bool {
        match self {
            Reread::Failed => {
                let content = !matches!(item.reason, Some(Reason::Link | Reason::Device));
                matches!(item.state, State::Failed | State::Refused) && content
            }
            Reread::Older => item.reader.as_deref().is_some_and(tamis_intake::formats::is_older),
            Reread::Kind(kind) => {
                item.state != State::Duplicate && tamis_intake::formats::known::kind(&item.media_type) == kind
            }
        }
    }
}

/// What is asked of [`open`].
pub struct Request<'r> {
    /// Files or folders.
    pub dumps: &'r [PathBuf],
    /// The case's folder.
    pub case: &'r Path,
    /// Options of a case that is made now; a case that exists must have the same.
    pub options: Options,
    /// What is read again.
    pub reread: Option<Reread>,
    /// Jailed processes at a time.
    pub jobs: usize,
    /// Bytes for the index's buffers.
    pub memory: u64,
    /// The program that serves as nursery, and its arguments.
    pub nursery: (&'r Path, &'r [&'r str]),
    /// The time now, RFC 3339, for the audit chain.
    pub now: &'r dyn Fn() -> String,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The line to compare.
    pub digest: CaseDigest,
    /// Sums.
    pub totals: Totals,
}

/// Makes or continues a case and reads the dumps into it.
pub fn open(request: &Request, progress: &mut dyn Progress) -> Result<Opened, Error> {
    let dumps = request.dumps.iter().map(|dump| usable(dump, request.case)).collect::<Result<Vec<_>, _>>()?;
    let writer = Writer::open(request.case, request.options, &(request.now)())?;
    let mut inventories = Vec::new();
    for dump in dumps {
        inventories.push((inventory(&dump, progress)?, dump));
    }

    let (to_index, arriving) = mpsc::channel();
    let known = writer.case().batches().to_vec();
    let (tmp, memory) = (writer.tmp(), usize::try_from(request.memory).unwrap_or(usize::MAX));
    let (jobs_in, jobs_out) = mpsc::channel::<Job>();
    let jobs_out = Mutex::new(jobs_out);
    let mut writer = thread::scope(|scope| -> Result<Writer, Error> {
        let mut writer = writer;
        let indexer = thread::Builder::new().name("index".to_owned());
        let case = request.case;
        let indexer = indexer.spawn_scoped(scope, move || index::follow(case, &known, &arriving, memory));
        let indexer = indexer.map_err(|error| Error::driver(&tmp)(DriverError::Io(error)))?;
        let (answers_in, answers) = mpsc::channel();
        let mut drivers = Vec::new();
        for _ in 0..request.jobs.max(1) {
            let (answers, jobs, tmp) = (answers_in.clone(), &jobs_out, &tmp);
            let (exe, args) = request.nursery;
            let only_mail = request.options.only_mail;
            drivers.push(scope.spawn(move || drive(exe, args, tmp, only_mail, jobs, &answers)));
        }
        drop(answers_in);

        let mut posts =
            Posts { jobs: jobs_in, answers, waiting: HashMap::new(), next: 0, drivers: drivers.len() };
        let mut result = Ok(());
        for (inventory, dump) in inventories {
            let (back, read) = source(request, writer, &dump, inventory, &mut posts, &to_index, progress);
            writer = back;
            result = read;
            if result.is_err() {
                break;
            }
        }
        drop(posts);
        drop(to_index);
        if result.is_ok() {
            progress.update(&idle(Phase::Indexing, writer.case().totals()));
        }
        let indexed = indexer
            .join()
            .unwrap_or(Err(Error::Index(tamis_search::Error::Damaged("the indexer died".into()))));
        result.and(indexed)?;
        Ok(writer)
    })?;

    progress.update(&idle(Phase::Deriving, writer.case().totals()));
    let digest = match writer.case().kept_digest()? {
        Some(kept) if crate::derived::is_made(writer.case()) => kept,
        _ => {
            crate::derived::make(writer.case(), &writer.tmp(), request.memory, request.jobs)?;
            writer.keep_digest()?
        }
    };
    Ok(Opened { digest, totals: writer.case().totals().clone() })
}

fn idle(phase: Phase, totals: &Totals) -> Status {
    let bytes = totals.bytes.received;
    Status { phase, files: (0, 0), bytes: (bytes, bytes), items: totals.all_items(), lost: lost(totals) }
}

fn lost(totals: &Totals) -> u64 {
    (totals.in_state(State::Failed) + totals.in_state(State::Refused)).saturating_sub(totals.not_content)
}

/// The dump's absolute path, if it can be read into this case.
fn usable(dump: &Path, case: &Path) -> Result<PathBuf, Error> {
    let bad = |because: String, hint| Error::Dump { path: dump.to_owned(), because, hint };
    let path =
        dump.canonicalize().map_err(|error| bad(error.to_string(), "check the path and its permissions"))?;
    let case = std::path::absolute(case).unwrap_or_else(|_| case.to_owned());
    // Of a case that does not exist yet, the folders above it may be links all the same.
    let there = case.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let case = match there {
        Some((above, real)) => real.join(case.strip_prefix(above).unwrap_or(Path::new(""))),
        None => case,
    };
    if path == case || path.starts_with(&case) {
        let because = "it is the case itself, or lies inside it".to_owned();
        return Err(bad(because, "name the folder or file that was received, not the case made of it"));
    }
    if case.starts_with(&path) {
        let because = "the case would lie inside the dump".to_owned();
        return Err(bad(because, "put the case elsewhere with --case DIR: a dump is never written to"));
    }
    if path.join("case.toml").exists() && path.join("case.db").exists() {
        let because = "it is a case".to_owned();
        return Err(bad(because, "name the folder or file that was received"));
    }
    // Before a case is made for it. What is in it is a matter of the inventory.
    let listed = match path.metadata() {
        Ok(meta) if meta.is_dir() => std::fs::read_dir(&path).map(drop),
        Ok(meta) if meta.is_file() => Ok(()),
        Ok(_) => Err(std::io::Error::other("neither a file nor a directory")),
        Err(error) => Err(error),
    };
    listed.map_err(|error| bad(error.to_string(), "check the path and its permissions"))?;
    Ok(path)
}

fn inventory(dump: &Path, progress: &mut dyn Progress) -> Result<Vec<Entry>, Error> {
    progress.update(&idle(Phase::Inventory, &Totals::default()));
    let inventory = walk::inventory(dump, None).map_err(|error| Error::Dump {
        path: dump.to_owned(),
        because: error.to_string(),
        hint: "check the path and its permissions",
    })?;
    Ok(inventory.entries)
}

// ---- drivers ----

struct Job {
    n: u64,
    things: Vec<Thing>,
    source: Arc<File>,
}

type Answer = (u64, Result<Vec<Reading<Decoded>>, DriverError>);

fn drive(
    exe: &Path,
    args: &[&str],
    tmp: &Path,
    only_mail: bool,
    jobs: &Mutex<Receiver<Job>>,
    answers: &Sender<Answer>,
) {
    let mut driver = match Driver::start(exe, args, tmp, only_mail) {
        Ok(driver) => driver,
        Err(error) => {
            let _ = answers.send((u64::MAX, Err(error)));
            return;
        }
    };
    loop {
        let job = match jobs.lock() {
            Ok(jobs) => jobs.recv(),
            Err(_) => return,
        };
        let Ok(job) = job else { return };
        let result = driver.read(&job.things, &job.source);
        if answers.send((job.n, result)).is_err() {
            return;
        }
    }
}

/// Jobs on their way to the drivers and back.
struct Posts {
    jobs: Sender<Job>,
    answers: Receiver<Answer>,
    /// Whose readings a job brings.
    waiting: HashMap<u64, Vec<(NodeId, Task)>>,
    next: u64,
    drivers: usize,
}

impl Posts {
    fn send(&mut self, tree: &mut Tree) -> std::io::Result<()> {
        for unit in std::mem::take(&mut tree.full) {
            let tasks = unit.nodes.into_iter().zip(unit.things.iter().map(|thing| thing.task)).collect();
            self.waiting.insert(self.next, tasks);
            // A driver that is gone has said why.
            let _ = self.jobs.send(Job { n: self.next, things: unit.things, source: unit.source });
            self.next += 1;
        }
        Ok(())
    }

    fn take(&mut self, (n, result): Answer, tree: &mut Tree, tmp: &Path) -> Result<(), Error> {
        let readings = result.map_err(Error::driver(tmp))?;
        for ((id, task), reading) in self.waiting.remove(&n).unwrap_or_default().into_iter().zip(readings) {
            tree.answer(id, task, reading);
        }
        Ok(())
    }
}

// ---- one source ----

/// Reads one source; gives the case back whatever happens.
fn source(
    request: &Request,
    mut writer: Writer,
    dump: &Path,
    entries: Vec<Entry>,
    posts: &mut Posts,
    to_index: &Sender<tamis_case::Batch>,
    progress: &mut dyn Progress,
) -> (Writer, Result<(), Error>) {
    match prepare(request, &mut writer, dump, entries) {
        Ok(None) => (writer, Ok(())),
        Err(error) => (writer, Err(error)),
        Ok(Some((source, entries, books, numbering))) => {
            let tmp = writer.tmp();
            let committer = Committer::new(writer, books, source, numbering, to_index.clone());
            let mut run = Run {
                root: dump,
                tops: Tops::new(entries),
                tree: Tree::new(source),
                committer,
                tmp,
                now: request.now,
            };
            let mut result = run.run(posts, progress);
            let (mut writer, _) = run.committer.into_parts();
            if result.is_ok() {
                let finish = |writer: &mut Writer| {
                    let received = writer.case().received(source)?;
                    writer.finish_source(source, &received, &(request.now)())
                };
                result = finish(&mut writer).map_err(Error::Case);
            }
            (writer, result)
        }
    }
}

type Prepared = (SourceId, Vec<Entry>, Books, Numbering);

/// What is left to read of a source; `None` if nothing is.
fn prepare(
    request: &Request,
    writer: &mut Writer,
    dump: &Path,
    entries: Vec<Entry>,
) -> Result<Option<Prepared>, Error> {
    let bytes = sum(&entries);
    let before = writer.case().sources()?.into_iter().find(|source| source.path == dump);
    let finished = before.as_ref().is_some_and(|source| source.finished);
    let read_before = before.as_ref().is_some_and(|source| source.read_before);
    let inventory: HashMap<Vec<u8>, (FileStamp, ItemId)> = match &before {
        None => HashMap::new(),
        Some(source) => {
            let rows = writer.inventory(source.source_id)?.into_iter();
            rows.map(|(path, stamp, item)| (path, (stamp, item))).collect()
        }
    };
    let unchanged = |entry: &Entry| match (&entry.kind, inventory.get(&entry.path_raw)) {
        (EntryKind::File { bytes, mtime_ns, ctime_ns, inode, .. }, Some((stamp, _))) => {
            *stamp == FileStamp { bytes: *bytes, mtime_ns: *mtime_ns, ctime_ns: *ctime_ns, inode: *inode }
        }
        _ => false,
    };
    let settled = || -> Result<bool, Error> {
        Ok(writer.case().kept_digest()?.is_some_and(|digest| digest.unsettled == 0))
    };
    let same_others = before.as_ref().is_some_and(|source| source.files == entries.len() as u64);
    let files = |entry: &&Entry| matches!(entry.kind, EntryKind::File { .. });
    if finished
        && same_others
        && request.reread.is_none()
        && entries.iter().filter(files).all(unchanged)
        && settled()?
    {
        return Ok(None);
    }
    let source = writer.source(dump, entries.len() as u64, bytes, &(request.now)())?;
    let reread = request.reread.as_ref().map(|reread| move |item: &Item| reread.picks(item));
    let books =
        Books::load(writer.case(), source, reread.as_ref().map(|pick| pick as &dyn Fn(&Item) -> bool))?;
    let numbering = match read_before || !books.redo.is_empty() {
        true => Numbering::AtTheEnd,
        false => Numbering::PreOrder,
    };
    // Files that stand and did not change are not looked at again.
    let stands = |entry: &Entry| {
        let item = inventory.get(&entry.path_raw).map(|(_, item)| *item);
        unchanged(entry) && item.is_some_and(|item| books.committed.contains_key(&(source, item)))
    };
    let entries = match numbering {
        Numbering::AtTheEnd => entries.into_iter().filter(|entry| !stands(entry)).collect(),
        Numbering::PreOrder => entries,
    };
    Ok(Some((source, entries, books, numbering)))
}

fn entry_bytes(entry: &Entry) -> u64 {
    match entry.kind {
        EntryKind::File { bytes, .. } => bytes,
        _ => 0,
    }
}

fn sum(entries: &[Entry]) -> u64 {
    entries.iter().map(entry_bytes).fold(0, u64::saturating_add)
}

struct Run<'r> {
    root: &'r Path,
    tops: Tops,
    tree: Tree,
    committer: Committer,
    tmp: PathBuf,
    now: &'r dyn Fn() -> String,
}

impl Run<'_> {
    fn run(&mut self, posts: &mut Posts, progress: &mut dyn Progress) -> Result<(), Error> {
        let all_bytes = sum(&self.tops.entries);
        let all_files = self.tops.entries.len();
        while !self.committer.is_done(all_files) {
            if progress.stop() {
                return Err(Error::Stopped);
            }
            self.fill(posts)?;
            while let Ok(answer) = posts.answers.try_recv() {
                posts.take(answer, &mut self.tree, &self.tmp)?;
            }
            let mut moved = false;
            while self.committer.step(&mut self.tree, &mut self.tops, self.now)? {
                moved = true;
                if self.committer.next_entry().is_multiple_of(64) {
                    break;
                }
            }
            progress.update(&Status {
                phase: Phase::Reading,
                files: (self.committer.next_entry() as u64, all_files as u64),
                bytes: (self.committer.done_bytes(), all_bytes),
                items: self.committer.books.totals.all_items(),
                lost: lost(&self.committer.books.totals),
            });
            if moved {
                continue;
            }
            // The committer waits for something that is being read, or is in the unit being filled.
            self.tree.flush().map_err(|error| self.cannot(error))?;
            posts.send(&mut self.tree).map_err(|error| self.cannot(error))?;
            if posts.waiting.is_empty() {
                continue;
            }
            match posts.answers.recv_timeout(Duration::from_millis(200)) {
                Ok(answer) => posts.take(answer, &mut self.tree, &self.tmp)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::NoJail { because: "the reading processes ended".to_owned() });
                }
            }
        }
        let root = self.root;
        let listed = |path: &[u8]| std::fs::read_dir(root.join(OsStr::from_bytes(path))).is_ok();
        self.committer.finish(self.now, &listed)
    }

    /// Makes nodes and asks for readings, as far as memory and the drivers allow.
    fn fill(&mut self, posts: &mut Posts) -> Result<(), Error> {
        loop {
            posts.send(&mut self.tree).map_err(|error| self.cannot(error))?;
            let Some(order) = self.tree.cursors.keys().next() else { return Ok(()) };
            let needed = *order <= self.committer.waits_for(&self.tree);
            let roomy = self.tree.held < WINDOW
                && self.tree.len() < NODES
                && self.tops.open.len() < OPEN_FILES
                && posts.waiting.len() < 2 * posts.drivers;
            if !needed && !roomy {
                return Ok(());
            }
            self.advance().map_err(|error| self.cannot(error))?;
        }
    }

    /// Makes the next node in walk order, or asks for the next slice.
    fn advance(&mut self) -> std::io::Result<()> {
        let Some((mut order, cursor)) = self.tree.cursors.pop_first() else { return Ok(()) };
        let step = |order: &mut Vec<u64>, n: u64| {
            if let Some(last) = order.last_mut() {
                *last = n;
            }
        };
        match cursor {
            Cursor::Files(index) => {
                if index < self.tops.entries.len() {
                    self.top(index)?;
                    step(&mut order, index as u64 + 1);
                    self.tree.cursors.insert(order, Cursor::Files(index + 1));
                }
            }
            Cursor::Children(parent, ordinal, mut rest) => {
                if let Some((child, content)) = rest.next() {
                    self.tree.child(parent, ordinal, child, content, &self.committer.books)?;
                    step(&mut order, ordinal + 1);
                    if rest.len() > 0 {
                        self.tree.cursors.insert(order, Cursor::Children(parent, ordinal + 1, rest));
                    }
                }
            }
            Cursor::Slices(parent, mut rest) => {
                if let Some(slice) = rest.next() {
                    self.tree.ask_slice(parent, slice)?;
                    step(&mut order, slice.to);
                    if rest.len() > 0 {
                        self.tree.cursors.insert(order, Cursor::Slices(parent, rest));
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes the node of a top-level entry: opens the file, reads and hashes it.
    fn top(&mut self, index: usize) -> std::io::Result<()> {
        let Some(entry) = self.tops.entries.get(index) else { return Ok(()) };
        let path_raw = entry.path_raw.clone();
        let bytes = entry_bytes(entry);
        let content = match &entry.kind {
            EntryKind::Link { .. } => Matter::Absent(Outcome::refused(Reason::Link)),
            EntryKind::Special(_) => Matter::Absent(Outcome::refused(Reason::Device)),
            EntryKind::Unreadable(_) => Matter::Absent(Outcome::failed(Reason::Unreadable)),
            EntryKind::File { bytes, mtime_ns, ctime_ns, inode, .. } => {
                let stamp =
                    FileStamp { bytes: *bytes, mtime_ns: *mtime_ns, ctime_ns: *ctime_ns, inode: *inode };
                let path = path_of(self.root, entry);
                let (matter, file) = read_file(&path, &stamp)?;
                if let Some(file) = file {
                    self.tops.open.insert(index, file);
                }
                matter
            }
        };
        self.tops.open.retain(|n, _| *n >= self.committer.next_entry());
        let blob = match &content {
            Matter::Bytes(blob, _) => Some(*blob),
            _ => None,
        };
        let item_id = ItemId::top(&path_raw, blob.as_ref());
        let committed: Option<Committed> =
            self.committer.books.committed.get(&(self.tree.source, item_id)).cloned();
        let content = committed.map_or(content, Matter::Committed);
        let held = match &content {
            Matter::Bytes(_, body) => body.held(),
            _ => 0,
        };
        let node = Node {
            order: [index as u64].into(),
            child: top_child(&path_raw),
            item_id,
            content,
            is_range: false,
            bytes,
            held,
            read: NodeProgress::NotAsked,
        };
        let id = self.tree.add(node, &self.committer.books)?;
        self.tops.made.insert(index, id);
        Ok(())
    }

    fn cannot(&self, source: std::io::Error) -> Error {
        Error::Spool { path: self.tmp.clone(), source }
    }
}

fn path_of(root: &Path, entry: &Entry) -> PathBuf {
    if root.is_dir() { root.join(OsStr::from_bytes(&entry.path_raw)) } else { root.to_owned() }
}

/// Reads a top-level file: small ones into memory; of a big one, the open file is kept. An error is one of
/// the machine as a whole (no more descriptors, no more memory), not of the file.
fn read_file(path: &Path, stamp: &FileStamp) -> std::io::Result<(Matter, Option<Arc<File>>)> {
    let unreadable = |error: std::io::Error| match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM) => Err(error),
        _ => Ok((Matter::Absent(Outcome::failed(Reason::Unreadable)), None)),
    };
    let changed = (Matter::Absent(Outcome::failed(Reason::Changed)), None);
    // A pipe put in the file's place must not hang us, nor a link lead us elsewhere.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let mut file = match File::options().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) => return unreadable(error),
    };
    let is_same = |file: &File| file.metadata().is_ok_and(|meta| meta.is_file() && same(&meta, stamp));
    if !is_same(&file) {
        return Ok(changed);
    }
    if stamp.bytes <= IN_MEMORY {
        let mut bytes = Vec::with_capacity(stamp.bytes as usize);
        if let Err(error) = (&mut file).take(stamp.bytes + 1).read_to_end(&mut bytes) {
            return unreadable(error);
        }
        if bytes.len() as u64 != stamp.bytes || !is_same(&file) {
            return Ok(changed);
        }
        return Ok((Matter::Bytes(tamis_model::Blob::of(&bytes), Body::memory(bytes)), None));
    }
    let file = Arc::new(file);
    let body = Body::File(file.clone(), 0..stamp.bytes);
    match body.hash() {
        Err(error) => unreadable(error),
        Ok((blob, bytes)) if bytes == stamp.bytes && is_same(&file) => {
            Ok((Matter::Bytes(blob, body), Some(file)))
        }
        Ok(_) => Ok(changed),
    }
}

/// The nursery of this program: itself, with the hidden subcommand.
pub const SELF: (&str, &[&str]) = ("/proc/self/exe", &[jobs::NURSERY]);
