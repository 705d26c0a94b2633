//! What people tell a case: key observations and events, incidents, trusted sealers, delegates. Each is a
//! row of the table `told` in `case.db`, as JSON under its hash: told twice, it stands once. Nothing here
//! needs the ingest lock.

use std::path::Path;

use rusqlite::params;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tamis_model::{
    ids::hex,
    keys::{Delegate, Incident, KeyEvent, KeyObservation, TrustedSealer},
};

use crate::{CaseError, case::check_toml, db::Db, place};

/// Something that people tell a case.
pub trait Told: Serialize + DeserializeOwned + Ord {
    /// As it stands in the column `kind`, and in the audit chain.
    const KIND: &'static str;
}

macro_rules! told {
    ($($type:ty, $kind:literal;)*) => {$(
        impl Told for $type {
            const KIND: &'static str = $kind;
        }
    )*};
}
told! {
    KeyObservation, "key";
    KeyEvent, "key-event";
    Incident, "incident";
    TrustedSealer, "sealer";
    Delegate, "delegate";
}

pub(crate) const SCHEMA: &str = "
CREATE TABLE told (
    kind TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, at TEXT NOT NULL, who TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
";

/// Longest value that is read back, in bytes: a case may come from a stranger.
const LONGEST: usize = 1 << 20;
/// Most rows of one kind that are read back, and their bytes.
const MOST: u64 = 1 << 20;
const MOST_BYTES: u64 = 256 << 20;

/// Writes what people tell a case, in short transactions beside whatever else runs.
pub struct Register {
    db: Db,
}

impl Register {
    /// Opens the register of the case at `dir`.
    pub fn open(dir: &Path) -> Result<Register, CaseError> {
        check_toml(dir)?;
        place::refuse_network(dir)?;
        let path = dir.join("case.db");
        if !path.exists() {
            return Err(CaseError::NotACase { path: dir.to_owned(), because: "it holds no case.db" });
        }
        Ok(Register { db: Db::open(&path)? })
    }

    /// Adds what is new of `values`, and notes in the audit chain how many that were and `from` where. `at`:
    /// RFC 3339. Returns how many were new.
    pub fn add<T: Told>(
        &mut self,
        values: &[T],
        from: &str,
        who: &str,
        at: &str,
    ) -> Result<usize, CaseError> {
        let rows: Vec<(String, String)> = values
            .iter()
            .filter_map(|value| serde_json::to_string(value).ok())
            .filter(|text| text.len() <= LONGEST)
            .map(|text| (hex(&Sha256::digest(text.as_bytes())), text))
            .collect();
        self.db.transaction(|c| {
            let mut insert = c.prepare("INSERT OR IGNORE INTO told VALUES (?1, ?2, ?3, ?4, ?5)")?;
            let mut new = 0;
            for (id, text) in &rows {
                new += insert.execute(params![T::KIND, id, text, at, who])?;
            }
            drop(insert);
            if new > 0 {
                let detail = format!("{new} added of {} from {from}", rows.len());
                crate::db::append_audit(c, at, who, T::KIND, &detail)?;
            }
            Ok(new)
        })
    }

    /// Keeps a derived value under `key`, with an entry in the audit chain, in one transaction.
    pub fn name(
        &mut self,
        key: &str,
        value: &str,
        action: &str,
        detail: &str,
        at: &str,
    ) -> Result<(), CaseError> {
        self.db.transaction(|c| {
            c.execute("INSERT OR REPLACE INTO memo VALUES (?1, ?2)", [key, value])?;
            crate::db::append_audit(c, at, "tamis", action, detail)
        })
    }

    /// Notes an act in the audit chain.
    pub fn note(&mut self, action: &str, detail: &str, who: &str, at: &str) -> Result<(), CaseError> {
        self.db.append_audit(at, who, action, detail)
    }
}

/// How many things were told, of all kinds. They are only ever added.
pub(crate) fn count(db: &Db) -> Result<u64, CaseError> {
    db.run(|c| c.query_row("SELECT count(*) FROM told", [], |row| row.get(0)))
}

/// All that was told of one kind, sorted.
pub(crate) fn all<T: Told>(db: &Db) -> Result<Vec<T>, CaseError> {
    let (rows, bytes, longest): (u64, u64, u64) = db.run(|c| {
        c.query_row(
            "SELECT count(*), coalesce(sum(length(CAST(value AS BLOB))), 0),
                    coalesce(max(length(CAST(value AS BLOB))), 0) FROM told WHERE kind = ?1",
            [T::KIND],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
    })?;
    let damaged = |because: String| CaseError::Damaged { path: db.path().to_owned(), because };
    if rows > MOST || bytes > MOST_BYTES || longest > LONGEST as u64 {
        return Err(damaged(format!("it was told more than is read of the kind {:?}", T::KIND)));
    }
    let texts: Vec<String> = db.run(|c| {
        let mut statement = c.prepare("SELECT value FROM told WHERE kind = ?1 ORDER BY id")?;
        statement.query_map([T::KIND], |row| row.get(0))?.collect()
    })?;
    let parse = |text: &String| {
        serde_json::from_str(text)
            .map_err(|error| damaged(format!("a row of `told` ({}) cannot be read: {error}", T::KIND)))
    };
    let mut values: Vec<T> = texts.iter().map(parse).collect::<Result<_, _>>()?;
    values.sort();
    Ok(values)
}
