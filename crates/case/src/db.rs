//! `case.db`: sources, the inventory of their files, the commit log, the audit chain.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use sha2::{Digest, Sha256};
use tamis_model::{ItemId, SourceId, ids::hex};

use crate::{CaseError, Totals};

/// What the system said of a file when it was read: if all of it still holds, it is not read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp {
    /// Size.
    pub bytes: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Change time, nanoseconds since 1970; programs cannot set it.
    pub ctime_ns: i64,
    /// Inode number.
    pub inode: u64,
}

/// One entry of the audit chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// From 1, without gaps.
    pub seq: u64,
    /// RFC 3339, UTC.
    pub at: String,
    /// Who acted: a user's name, or the program.
    pub who: String,
    /// What was done, one word.
    pub action: String,
    /// To what.
    pub detail: String,
    /// SHA-256 over the entry and the one before, lower hex.
    pub hash: String,
}

const SCHEMA: &str = "
CREATE TABLE sources (
    source_id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, files INTEGER NOT NULL, bytes INTEGER NOT NULL,
    received TEXT, finished INTEGER NOT NULL DEFAULT 0, read_before INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE inventory (
    source_id INTEGER NOT NULL, path BLOB NOT NULL, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, item_id BLOB NOT NULL,
    PRIMARY KEY (source_id, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE commits (
    n INTEGER PRIMARY KEY, name TEXT NOT NULL, supersedes INTEGER NOT NULL, totals TEXT NOT NULL
) STRICT;
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE TABLE memo (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
";

/// All tables of a case.
fn tables() -> String {
    format!("{SCHEMA}{}", crate::told::SCHEMA)
}

pub(crate) struct Db {
    connection: Connection,
    path: PathBuf,
}

pub(crate) struct CommitRow {
    pub(crate) n: u64,
    pub(crate) name: String,
    pub(crate) supersedes: bool,
    pub(crate) totals: String,
}

pub(crate) struct SourceRecord {
    pub(crate) source_id: SourceId,
    pub(crate) path: Vec<u8>,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) received: Option<String>,
    pub(crate) finished: bool,
    pub(crate) read_before: bool,
}

impl Db {
    /// Opens for writing; creates the tables in a new file.
    pub(crate) fn open(path: &Path) -> Result<Db, CaseError> {
        let db = Db::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        db.run(|c| {
            c.pragma_update(None, "journal_mode", "WAL")?;
            c.pragma_update(None, "synchronous", "FULL")?;
            let found: i64 = c.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if found == 0 { c.execute_batch(&format!("BEGIN; {} COMMIT;", tables())) } else { Ok(()) }
        })?;
        Ok(db)
    }

    /// Opens for reading beside a writer.
    pub(crate) fn open_read(path: &Path) -> Result<Db, CaseError> {
        Db::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Db, CaseError> {
        let failed = |source| CaseError::Db { path: path.to_owned(), source };
        let connection =
            Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
        let db = Db { connection, path: path.to_owned() };
        let (found, ours) = db.run(|c| {
            c.busy_timeout(std::time::Duration::from_secs(20))?;
            // The file may be a stranger's: no function or virtual table of its schema runs.
            c.pragma_update(None, "trusted_schema", "OFF")?;
            c.pragma_update(None, "cell_size_check", "ON")?;
            let ours = Connection::open_in_memory()?;
            ours.execute_batch(&tables())?;
            Ok((schema(c)?, schema(&ours)?))
        })?;
        // A view in the place of a table, or a computed column, would be a program.
        match found.is_empty() || found == ours {
            true => Ok(db),
            false => Err(CaseError::Damaged {
                path: path.to_owned(),
                because: "its tables are not those of a case".to_owned(),
            }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn run<T>(&self, f: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, CaseError> {
        f(&self.connection).map_err(|source| CaseError::Db { path: self.path.clone(), source })
    }

    pub(crate) fn transaction<T>(
        &mut self,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, CaseError> {
        let path = self.path.clone();
        let failed = |source| CaseError::Db { path, source };
        let run = |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let value = f(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run(&mut self.connection).map_err(failed)
    }

    pub(crate) fn commits(&self) -> Result<Vec<CommitRow>, CaseError> {
        self.run(|c| {
            let mut statement = c.prepare("SELECT n, name, supersedes, totals FROM commits ORDER BY n")?;
            let rows = statement.query_map([], |row| {
                Ok(CommitRow {
                    n: row.get(0)?,
                    name: row.get(1)?,
                    supersedes: row.get(2)?,
                    totals: row.get(3)?,
                })
            })?;
            rows.collect()
        })
    }

    pub(crate) fn sources(&self) -> Result<Vec<SourceRecord>, CaseError> {
        self.run(|c| {
            let mut statement = c.prepare(
                "SELECT source_id, path, files, bytes, received, finished, read_before FROM sources ORDER BY source_id",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(SourceRecord {
                    source_id: SourceId(row.get(0)?),
                    path: row.get(1)?,
                    files: row.get(2)?,
                    bytes: row.get(3)?,
                    received: row.get(4)?,
                    finished: row.get(5)?,
                    read_before: row.get(6)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Adds a source, or updates what is known of its size; its number.
    pub(crate) fn source(
        &mut self,
        path: &[u8],
        files: u64,
        bytes: u64,
        at: &str,
    ) -> Result<SourceId, CaseError> {
        self.transaction(|c| {
            let known: Option<u32> = c
                .query_row("SELECT source_id FROM sources WHERE path = ?1", [path], |row| row.get(0))
                .optional()?;
            match known {
                Some(id) => {
                    c.execute(
                        "UPDATE sources SET files = ?2, bytes = ?3, finished = 0 WHERE source_id = ?1",
                        params![id, files, bytes],
                    )?;
                    Ok(SourceId(id))
                }
                None => {
                    let id: u32 =
                        c.query_row("SELECT coalesce(max(source_id), 0) + 1 FROM sources", [], |row| {
                            row.get(0)
                        })?;
                    c.execute(
                        "INSERT INTO sources (source_id, path, files, bytes) VALUES (?1, ?2, ?3, ?4)",
                        params![id, path, files, bytes],
                    )?;
                    append_audit(c, at, "tamis", "source", &format!("source {id} added"))?;
                    Ok(SourceId(id))
                }
            }
        })
    }

    pub(crate) fn finish_source(
        &mut self,
        source: SourceId,
        received: &str,
        at: &str,
    ) -> Result<(), CaseError> {
        self.transaction(|c| {
            c.execute(
                "UPDATE sources SET finished = 1, read_before = 1, received = ?2 WHERE source_id = ?1",
                params![source.0, received],
            )?;
            append_audit(c, at, "tamis", "finished", &format!("source {source} received={received}"))
        })
    }

    pub(crate) fn inventory(&self, source: SourceId) -> Result<Vec<(Vec<u8>, FileStamp, ItemId)>, CaseError> {
        self.run(|c| {
            let mut statement = c.prepare(
                "SELECT path, bytes, mtime_ns, ctime_ns, inode, item_id FROM inventory WHERE source_id = ?1 ORDER BY path",
            )?;
            let rows = statement.query_map([source.0], |row| {
                let stamp = FileStamp {
                    bytes: row.get(1)?,
                    mtime_ns: row.get(2)?,
                    ctime_ns: row.get(3)?,
                    inode: row.get::<_, i64>(4)? as u64,
                };
                Ok((row.get(0)?, stamp, ItemId(row.get(5)?)))
            })?;
            rows.collect()
        })
    }

    /// The transaction that makes a batch exist.
    pub(crate) fn commit(
        &mut self,
        n: u64,
        name: &str,
        supersedes: bool,
        totals: &Totals,
        files: &[(SourceId, Vec<u8>, FileStamp, ItemId)],
        at: &str,
    ) -> Result<(), CaseError> {
        let totals = serde_json::to_string(totals).unwrap_or_default();
        self.transaction(|c| {
            c.execute(
                "INSERT INTO commits (n, name, supersedes, totals) VALUES (?1, ?2, ?3, ?4)",
                params![n, name, supersedes, totals],
            )?;
            insert_stamps(c, files)?;
            append_audit(c, at, "tamis", "commit", &format!("batch {name}"))
        })
    }

    pub(crate) fn keep_stamps(&mut self, files: &[Stamped]) -> Result<(), CaseError> {
        self.transaction(|c| insert_stamps(c, files))
    }

    pub(crate) fn audit(&self) -> Result<Vec<AuditEntry>, CaseError> {
        self.run(|c| {
            let mut statement =
                c.prepare("SELECT seq, at, who, action, detail, hash FROM audit ORDER BY seq")?;
            let rows = statement.query_map([], |row| {
                Ok(AuditEntry {
                    seq: row.get(0)?,
                    at: row.get(1)?,
                    who: row.get(2)?,
                    action: row.get(3)?,
                    detail: row.get(4)?,
                    hash: row.get(5)?,
                })
            })?;
            rows.collect()
        })
    }

    pub(crate) fn first_audit_time(&self) -> Result<Option<String>, CaseError> {
        self.run(|c| {
            c.query_row("SELECT at FROM audit ORDER BY seq LIMIT 1", [], |row| row.get(0)).optional()
        })
    }

    pub(crate) fn append_audit(
        &mut self,
        at: &str,
        who: &str,
        action: &str,
        detail: &str,
    ) -> Result<(), CaseError> {
        self.transaction(|c| append_audit(c, at, who, action, detail))
    }

    /// A derived value that was kept, e.g. the digest of a state of the case.
    pub(crate) fn memo(&self, key: &str) -> Result<Option<String>, CaseError> {
        self.run(|c| c.query_row("SELECT value FROM memo WHERE key = ?1", [key], |row| row.get(0)).optional())
    }

    pub(crate) fn set_memo(&mut self, key: &str, value: &str) -> Result<(), CaseError> {
        self.transaction(|c| c.execute("INSERT OR REPLACE INTO memo VALUES (?1, ?2)", [key, value]).map(drop))
    }
}

/// A file of a source, with its stamp and the row it led to.
type Stamped = (SourceId, Vec<u8>, FileStamp, ItemId);

fn insert_stamps(c: &Connection, files: &[Stamped]) -> rusqlite::Result<()> {
    let mut insert = c.prepare("INSERT OR REPLACE INTO inventory VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for (source, path, stamp, item) in files {
        insert.execute(params![
            source.0,
            path,
            stamp.bytes,
            stamp.mtime_ns,
            stamp.ctime_ns,
            stamp.inode as i64,
            item.0
        ])?;
    }
    Ok(())
}

/// All statements that made what is in a database; few, since one too many is one too many.
fn schema(c: &Connection) -> rusqlite::Result<Vec<Option<String>>> {
    let mut statement = c.prepare("SELECT sql FROM sqlite_schema ORDER BY type, name LIMIT 100")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

pub(crate) fn append_audit(
    c: &Connection,
    at: &str,
    who: &str,
    action: &str,
    detail: &str,
) -> rusqlite::Result<()> {
    let last: Option<(u64, String)> = c
        .query_row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let (seq, before) = last.map_or((1, String::new()), |(seq, hash)| (seq + 1, hash));
    let hash = audit_hash(&before, seq, at, who, action, detail);
    c.execute(
        "INSERT INTO audit (seq, at, who, action, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![seq, at, who, action, detail, hash],
    )?;
    Ok(())
}

/// Hash of an audit entry: over the hash before it and its fields, each preceded by its length.
pub(crate) fn audit_hash(before: &str, seq: u64, at: &str, who: &str, action: &str, detail: &str) -> String {
    let mut hash = Sha256::new();
    for field in [before, &seq.to_string(), at, who, action, detail] {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field.as_bytes());
    }
    hex(&hash.finalize())
}
