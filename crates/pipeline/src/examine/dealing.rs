//! Which part each message belongs to, and where it stands.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest as _, Sha256};
use tamis_case::{Case, read_rows, stream_facts};
use tamis_evidence::keys::observations::normal_pair;
use tamis_model::{
    Blob, SourceId,
    tables::{Item, Row, Signature, Time},
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
            for row in stream_facts::<Signature, _>(&path, |blob| !hidden.blobs.contains(blob))? {
                let (blob, signature) = row?;
                let pair = normal_pair(&signature.domain, &signature.selector);
                match &mut at {
                    Some((current, pairs)) if *current == blob => drop(pairs.insert(pair)),
                    _ => {
                        let done = at.replace((blob, BTreeSet::from([pair])));
                        done.into_iter().for_each(|(blob, pairs)| dealt.add(blob, pairs));
                    }
                }
            }
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
            read_rows(&batch.dir.join(format!("{}.parquet", Item::TABLE)), |item: Item| {
                let Some(blob) = item.blob.filter(|blob| is_mail(&item) && wanted(blob)) else {
                    return Ok(());
                };
                let at = found.of.entry(blob).or_default();
                // What is read again later was there before.
                at.first.get_or_insert(position as u32);
                if !hidden.items.contains(&(item.source_id, item.item_id)) {
                    let folder = folder(&item.path);
                    let next = found.folders.len() as u32;
                    let number = *numbers.entry(folder.to_owned()).or_insert(next);
                    if number == next {
                        found.folders.push(folder.to_owned());
                    }
                    at.places.push((item.source_id, item.walk, number));
                }
                Ok(())
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
