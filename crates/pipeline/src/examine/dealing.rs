//! Which part each message belongs to, and where it stands.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use arrow::array::{Array, ArrayRef};
use sha2::{Digest as _, Sha256};
use tamis_case::{Case, CaseError, read_batches};
use tamis_evidence::keys::observations::normal_pair;
use tamis_model::{
    Blob, ItemId, SourceId,
    tables::{Column, Item, Row, Signature, Time},
};

use super::{PARTS, parse_time};
use crate::{Error, books::is_mail};

/// A domain and a selector.
pub(super) type Pair = (String, String);

/// Which part each message belongs to.
pub(super) struct Dealt {
    /// Of signed messages.
    part: HashMap<Blob, u64>,
    /// Pairs that occur in a part, sorted.
    pub(super) pairs: BTreeMap<u64, BTreeSet<Pair>>,
}

impl Dealt {
    /// Deals the messages of a case, by the pairs of their signatures.
    pub(super) fn of(case: &Case) -> Result<Dealt, Error> {
        let mut dealt = Dealt { part: HashMap::new(), pairs: BTreeMap::from([(0, BTreeSet::new())]) };
        for (position, batch) in case.batches().iter().enumerate() {
            let hidden = case.hidden_in(position);
            let path = batch.dir.join(format!("{}.parquet", Signature::TABLE));
            // Signatures of one message stand one after the other.
            let mut at: Option<(Blob, BTreeSet<Pair>)> = None;
            each_row(&path, ["blob", "domain", "selector"], |[blob, domain, selector], row| {
                let blob = Blob::read(blob, row)?;
                if hidden.blobs.contains(&blob) {
                    return Some(());
                }
                let pair = normal_pair(&String::read(domain, row)?, &String::read(selector, row)?);
                match &mut at {
                    Some((current, pairs)) if *current == blob => drop(pairs.insert(pair)),
                    _ => {
                        let done = at.replace((blob, BTreeSet::from([pair])));
                        done.into_iter().for_each(|(blob, pairs)| dealt.add(blob, pairs));
                    }
                }
                Some(())
            })?;
            at.into_iter().for_each(|(blob, pairs)| dealt.add(blob, pairs));
        }
        Ok(dealt)
    }

    fn add(&mut self, blob: Blob, pairs: BTreeSet<Pair>) {
        let hash = Sha256::digest(serde_json::to_vec(&pairs).unwrap_or_default());
        let part = 1 + u64::from(hash.first().copied().unwrap_or(0)) % PARTS;
        self.part.insert(blob, part);
        self.pairs.entry(part).or_default().extend(pairs);
    }

    /// The part of a message.
    pub(super) fn part(&self, blob: &Blob) -> u64 {
        self.part.get(blob).copied().unwrap_or(0)
    }
}

/// Where messages stand, and since when the desk has them.
#[derive(Default)]
pub(super) struct Occurrences {
    of: HashMap<Blob, Occurrence>,
    /// Paths whose last step is left out, once each.
    folders: Vec<String>,
    /// By position of the batch.
    committed: Vec<Option<Time>>,
}

#[derive(Default)]
struct Occurrence {
    /// Source, number in walk order, number of the folder.
    places: Vec<(SourceId, u64, u32)>,
    /// Position of the batch that brought it first.
    first: Option<u32>,
}

/// Folders of one message that are looked at.
const PLACES: usize = 16;

impl Occurrences {
    /// Those of the `wanted` messages.
    pub(super) fn of(case: &Case, wanted: &dyn Fn(&Blob) -> bool) -> Result<Occurrences, Error> {
        let times = case.commit_times()?;
        let mut found = Occurrences::default();
        let mut numbers: HashMap<String, u32> = HashMap::new();
        for (position, batch) in case.batches().iter().enumerate() {
            let name = batch.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.committed.push(times.get(&name).and_then(|at| parse_time(at)));
            let hidden = case.hidden_in(position);
            let path = batch.dir.join(format!("{}.parquet", Item::TABLE));
            let columns = ["blob", "source_id", "item_id", "walk", "path", "media_type", "reader"];
            each_row(&path, columns, |[blob, source, item, walk, path, media_type, reader], row| {
                let Some(blob) = Option::<Blob>::read(blob, row)?.filter(|blob| wanted(blob)) else {
                    return Some(());
                };
                if !is_mail(&String::read(media_type, row)?, !reader.is_null(row)) {
                    return Some(());
                }
                let at = found.of.entry(blob).or_default();
                // What is read again later was there before.
                at.first.get_or_insert(position as u32);
                let source = SourceId::read(source, row)?;
                if hidden.items.is_empty() || !hidden.items.contains(&(source, ItemId::read(item, row)?)) {
                    let path = String::read(path, row)?;
                    let folder = folder(&path);
                    let next = found.folders.len() as u32;
                    let number = *numbers.entry(folder.to_owned()).or_insert(next);
                    if number == next {
                        found.folders.push(folder.to_owned());
                    }
                    at.places.push((source, u64::read(walk, row)?, number));
                }
                Some(())
            })?;
        }
        Ok(found)
    }

    /// Sources and numbers in walk order.
    pub(super) fn walks(&self, blob: &Blob) -> impl Iterator<Item = (SourceId, u64)> + '_ {
        self.of.get(blob).into_iter().flat_map(|at| &at.places).map(|(source, walk, _)| (*source, *walk))
    }

    /// Paths in the folders that hold a message, one for each folder, in walk order; the last step is cut
    /// short, since the rules look at folders alone.
    pub(super) fn places(&self, blob: &Blob) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let all = self.of.get(blob).into_iter().flat_map(|at| &at.places);
        let new = all.filter(|(_, _, number)| seen.len() < PLACES && seen.insert(*number));
        new.filter_map(|(_, _, number)| self.folders.get(*number as usize))
            .map(|to| format!("{to}0"))
            .collect()
    }

    /// When the desk first held a message: the commit of the batch that brought it.
    pub(super) fn first_seen(&self, blob: &Blob) -> Option<Time> {
        let first = self.of.get(blob)?.first?;
        self.committed.get(first as usize).copied().flatten()
    }
}

/// Calls `each` with the columns of a table and the number of each row: whole rows are not decoded where a few
/// columns do. `None` from it: a value is not of ours.
fn each_row<const N: usize>(
    path: &Path,
    names: [&str; N],
    mut each: impl FnMut([&ArrayRef; N], usize) -> Option<()>,
) -> Result<(), Error> {
    let damaged = || CaseError::Damaged {
        path: path.to_owned(),
        because: "its columns are not those of the table".to_owned(),
    };
    Ok(read_batches(path, Some(&names), |batch| {
        let columns: Option<Vec<&ArrayRef>> = names.iter().map(|name| batch.column_by_name(name)).collect();
        let columns: [&ArrayRef; N] = columns.and_then(|all| all.try_into().ok()).ok_or_else(damaged)?;
        (0..batch.num_rows()).try_for_each(|row| each(columns, row).ok_or_else(damaged))
    })?)
}

/// The path up to its last step, with the sign before that.
fn folder(path: &str) -> &str {
    path.rfind(['/', '!', '#']).and_then(|end| path.get(..=end)).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::folder;

    #[test]
    fn folders_keep_the_sign_before_the_last_step() {
        for (path, expected) in [
            ("Sent/1.eml", "Sent/"),
            ("Sent.mbox#12", "Sent.mbox#"),
            ("a.zip!Drafts/2", "a.zip!Drafts/"),
            ("a.zip!2.eml", "a.zip!"),
            ("1.eml", ""),
        ] {
            assert_eq!(folder(path), expected);
        }
    }
}
