//! Checks a case from its bytes: every file against its manifest, every content against its hash, the
//! ledger's equations, the sums, the audit chain.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, Read},
    path::Path,
};

use sha2::{Digest, Sha256};
use tamis_model::{
    Blob, ItemId, SourceId, State,
    ids::hex,
    tables::{BlobPlace, Item},
};

use crate::{
    Case, CaseError, Totals,
    batch::{Manifest, folder_name},
    db::audit_hash,
    tables,
};

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What.
    pub what: String,
    /// Where: a file of the case, an item, a blob.
    pub location: String,
}

/// What was checked, and what does not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Batches.
    pub batches: u64,
    /// Contents read again.
    pub blobs: u64,
    /// Equations of items, and of the sums.
    pub equations: u64,
    /// Entries of the audit chain.
    pub audit: u64,
    /// Empty where everything holds.
    pub problems: Vec<Problem>,
}

/// Problems that are listed before the rest is only counted in a last one.
const PROBLEMS: usize = 1000;

impl Checked {
    fn problem(&mut self, what: impl Into<String>, location: impl Into<String>) {
        match self.problems.len() {
            n if n < PROBLEMS => self.problems.push(Problem { what: what.into(), location: location.into() }),
            PROBLEMS => {
                let what = "further problems are not listed".to_owned();
                self.problems.push(Problem { what, location: "the case".to_owned() });
            }
            _ => {}
        }
    }

    /// An error while checking is a problem, not an end.
    fn note(&mut self, result: Result<(), CaseError>) {
        if let Err(error) = result {
            self.problem(error.because(), error.to_string());
        }
    }
}

impl Case {
    /// Reads the whole case again. `progress` is told the bytes read since its last call; `false` from
    /// it ends the check early.
    pub fn verify(&self, mut progress: impl FnMut(u64) -> bool) -> Checked {
        let mut checked = Checked::default();
        for batch in self.batches() {
            checked.batches += 1;
            let result = check_files(&batch.dir, batch.n, &mut checked, &mut progress);
            checked.note(result);
        }
        let result = self.check_blobs(&mut checked, &mut progress);
        checked.note(result);
        let result = self.check_ledger(&mut checked);
        checked.note(result);
        let result = self.check_audit(&mut checked);
        checked.note(result);
        checked
    }

    fn check_blobs(
        &self,
        checked: &mut Checked,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(), CaseError> {
        let mut vault = self.vault()?;
        let mut known = HashSet::new();
        for batch in self.batches() {
            let mut places: Vec<(Blob, u64)> = Vec::new();
            tables::read_rows(&batch.dir.join("blobs.parquet"), |place: BlobPlace| {
                places.push((place.blob, place.bytes));
                Ok(())
            })?;
            for (blob, bytes) in places {
                checked.blobs += 1;
                known.insert(blob);
                match vault.read(&blob, |_| Ok(())) {
                    Ok(n) if n != bytes => checked.problem("content has another size", blob.to_string()),
                    Ok(_) => {}
                    Err(error) => checked.problem(error.because(), blob.to_string()),
                }
                if !progress(bytes) {
                    return Ok(());
                }
            }
        }
        self.items(|item| {
            if item.blob.is_some_and(|blob| !known.contains(&blob)) {
                checked.problem("the vault does not hold its content", item.path);
            }
            Ok(())
        })
    }

    /// The equations: each container's own bytes, the chain of ids, and the sums of the last commit.
    fn check_ledger(&self, checked: &mut Checked) -> Result<(), CaseError> {
        struct Sum {
            own: u64,
            bytes: u64,
            top: bool,
            path: String,
        }
        let mut listed = HashSet::new();
        let mut stored: HashMap<(SourceId, ItemId), u64> = HashMap::new();
        let mut sums: HashMap<(SourceId, ItemId), Sum> = HashMap::new();
        let mut totals = Totals::default();
        self.items(|item: Item| {
            let key = (item.source_id, item.item_id);
            let expected = match item.parent_id {
                None => ItemId::top(&item.name_raw, item.blob.as_ref()),
                Some(parent) => parent.child(item.ordinal, &item.name_raw),
            };
            checked.equations += 1;
            if expected != item.item_id {
                checked.problem("its id does not follow from its name and content", item.path.clone());
            }
            if let Some(parent) = item.parent_id {
                let len = stored.entry((item.source_id, parent)).or_default();
                *len = len.saturating_add(item.len.unwrap_or(0));
            }
            totals.item(item.state);
            if item.depth == 0 {
                totals.bytes.received = totals.bytes.received.saturating_add(item.bytes);
                totals.bytes.unread = totals.bytes.unread.saturating_add(item.unread);
            }
            if !listed.insert(key) {
                checked.problem("listed twice", item.path.clone());
            }
            // A duplicate's bytes are accounted for where its content was read; what it lists is a copy.
            if item.state != State::Duplicate {
                let own = item.own.saturating_add(item.gap);
                sums.insert(key, Sum { own, bytes: item.bytes, top: item.depth == 0, path: item.path });
            } else if item.depth == 0 {
                totals.bytes.accounted = totals.bytes.accounted.saturating_add(item.bytes);
            }
            Ok(())
        })?;
        let mut in_order: Vec<_> = sums.into_iter().collect();
        in_order.sort_unstable_by_key(|(key, _)| *key);
        for (key, sum) in &in_order {
            checked.equations += 1;
            let len = stored.get(key).copied().unwrap_or_default();
            let accounted = sum.own.saturating_add(len);
            if sum.top {
                totals.bytes.accounted = totals.bytes.accounted.saturating_add(accounted);
            }
            if accounted != sum.bytes {
                checked.problem(
                    format!(
                        "its equation does not close: {accounted} of {} bytes are accounted for",
                        sum.bytes
                    ),
                    sum.path.clone(),
                );
            }
        }
        checked.equations += 2;
        let kept = self.totals();
        if kept.items != totals.items {
            checked.problem("the sums of items are not those of the last commit", "case.db");
        }
        totals.bytes.read = totals.bytes.received.saturating_sub(totals.bytes.unread);
        if kept.bytes != totals.bytes || kept.bytes.accounted != kept.bytes.received {
            checked.problem("the sums of bytes are not those of the last commit", "case.db");
        }
        Ok(())
    }

    fn check_audit(&self, checked: &mut Checked) -> Result<(), CaseError> {
        let mut before = String::new();
        let mut committed = HashSet::new();
        for (n, entry) in self.audit()?.into_iter().enumerate() {
            checked.audit += 1;
            let hash = audit_hash(&before, entry.seq, &entry.at, &entry.who, &entry.action, &entry.detail);
            if entry.seq != n as u64 + 1 || entry.hash != hash {
                checked.problem("the audit chain is broken", format!("entry {}", entry.seq));
            }
            if entry.action == "commit" {
                committed.insert(entry.detail);
            }
            before = entry.hash;
        }
        for batch in self.batches() {
            let name = batch.dir.file_name().unwrap_or_default().to_string_lossy();
            if !committed.contains(&format!("batch {name}")) {
                checked.problem("a batch that the audit chain does not know", name);
            }
        }
        // Read after the chain: what was committed meanwhile stands in the log only.
        let named: HashSet<String> =
            self.commit_log()?.into_iter().map(|name| format!("batch {name}")).collect();
        let mut lost: Vec<_> = committed.difference(&named).collect();
        lost.sort_unstable();
        for name in lost {
            checked.problem("the commit log does not name it any more", name);
        }
        Ok(())
    }
}

fn check_files(
    dir: &Path,
    n: u64,
    checked: &mut Checked,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<(), CaseError> {
    let (manifest, hash) = Manifest::read(dir)?;
    let shown = crate::error::shown;
    if dir.file_name().is_none_or(|name| name != folder_name(n, &hash).as_str()) || manifest.n != n {
        checked.problem("the manifest is not the one that was committed", shown(dir));
    }
    for file in manifest.files {
        if file.name.contains('/') {
            checked.problem("a file name in the manifest leads elsewhere", shown(dir));
            continue;
        }
        let path = dir.join(&file.name);
        let (bytes, sha256) = hash_file(&path)?;
        if bytes != file.bytes || hex(&sha256) != file.sha256 {
            checked.problem("the file is not as it was committed", shown(&path));
        }
        if !progress(bytes) {
            break;
        }
    }
    Ok(())
}

fn hash_file(path: &Path) -> Result<(u64, [u8; 32]), CaseError> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    let mut total = 0;
    let mut read = || -> io::Result<()> {
        let mut file = File::open(path)?;
        loop {
            let n = file.read(&mut buffer)?;
            let Some(piece) = buffer.get(..n).filter(|piece| !piece.is_empty()) else { return Ok(()) };
            hash.update(piece);
            total += n as u64;
        }
    };
    read().map_err(CaseError::io("read", path))?;
    Ok((total, hash.finalize().into()))
}
