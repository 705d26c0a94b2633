//! Judges the messages of a case, batch by batch, and writes what comes of it.
//!
//! Twice where signatures do not match: the first time shows how many comparable mails fail, the second
//! time the findings say so.

use std::{
    collections::{BTreeMap, HashMap, HashSet, btree_map::Entry},
    iter::Peekable,
    path::Path,
    thread,
};

use tamis_case::{Batch, Case, CaseError, TableFile, stream_facts};
use tamis_evidence::mail::{Comparable, Context, Judgement, MessageFacts, judge, with_rate};
use tamis_model::{
    Blob,
    findings::MessageState,
    tables::{Digest, Facts, FindingRow, Message, PartSignature, Row, Rows, Signature, StateRow},
};
use tamis_search::States;

use super::{
    Part,
    dealing::{Dealt, Occurrences},
    row,
    runs::file,
};
use crate::{
    Error,
    progress::{Phase, Progress, Status},
};

/// Messages that are judged at a time, and the memory of their facts, about.
const CHUNK: usize = 1024;
const CHUNK_BYTES: usize = 32 << 20;

/// By comparable: mails that fail, and all.
pub(super) type Rates = BTreeMap<String, (u64, u64)>;

struct Tables {
    findings: TableFile<Rows<FindingRow>>,
    states: TableFile<Facts<StateRow>>,
}

/// Judges messages and writes them into the tables of their parts.
pub(super) struct Judging<'j> {
    pub(super) case: &'j Case,
    pub(super) context: &'j Context,
    pub(super) jobs: usize,
    pub(super) dealt: &'j Dealt,
    pub(super) occurrences: &'j Occurrences,
    pub(super) dir: &'j Path,
    tables: BTreeMap<u64, Tables>,
    /// Messages whose findings wait for the rates of the whole case.
    late: HashSet<Blob>,
    /// Messages judged.
    pub(super) judged: u64,
}

impl<'j> Judging<'j> {
    pub(super) fn new(
        case: &'j Case,
        context: &'j Context,
        jobs: usize,
        dealt: &'j Dealt,
        occurrences: &'j Occurrences,
        dir: &'j Path,
    ) -> Judging<'j> {
        let (tables, late) = (BTreeMap::new(), HashSet::new());
        Judging { case, context, jobs, dealt, occurrences, dir, tables, late, judged: 0 }
    }

    /// Judges all `wanted` messages, counts what came of them into `parts` and their states into `states`.
    pub(super) fn first(
        &mut self,
        wanted: &dyn Fn(&Blob) -> bool,
        parts: &mut BTreeMap<u64, Part>,
        states: &mut States,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        self.each(wanted, progress, &mut |judging, blob, judgement| {
            judging.judged += 1;
            if let Some(state) = MessageState::parse(&judgement.state.state) {
                for (source, walk) in judging.occurrences.walks(&blob) {
                    let set = states.set(source, walk, state);
                    set.map_err(|error| damaged(judging.case.dir(), &error.to_string()))?;
                }
            }
            let number = judging.dealt.part(&blob);
            let part = parts.entry(number).or_default();
            *part.by_state.entry(judgement.state.state.clone()).or_default() += 1;
            for finding in &judgement.findings {
                *part.by_rule.entry(finding.rule.clone()).or_default() += 1;
            }
            if let Some(Comparable { key, failed }) = &judgement.comparable {
                let (bad, all) = part.rates.entry(key.clone()).or_default();
                *bad += u64::from(*failed);
                *all += 1;
                if *failed {
                    judging.late.insert(blob);
                    return Ok(());
                }
            }
            judging.write(number, blob, &judgement)
        })
    }

    /// Writes those that waited, with the rates of the whole case, and closes the tables.
    pub(super) fn second(
        &mut self,
        rates: &Rates,
        parts: &mut BTreeMap<u64, Part>,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let late = std::mem::take(&mut self.late);
        if !late.is_empty() {
            self.each(&|blob| late.contains(blob), progress, &mut |judging, blob, mut judgement| {
                let number = judging.dealt.part(&blob);
                let key = judgement.comparable.as_ref().map(|comparable| comparable.key.clone());
                if let Some((key, rate)) = key.and_then(|key| rates.get(&key).map(|rate| (key, *rate))) {
                    with_rate(&mut judgement, rate.0, rate.1);
                    parts.entry(number).or_default().said.insert(key, rate);
                }
                judging.write(number, blob, &judgement)
            })?;
        }
        for tables in std::mem::take(&mut self.tables).into_values() {
            tables.findings.close()?;
            tables.states.close()?;
        }
        Ok(())
    }

    /// Calls `each` with the judgement of every wanted message, in the order of the case.
    fn each(
        &mut self,
        wanted: &dyn Fn(&Blob) -> bool,
        progress: &mut dyn Progress,
        each: &mut dyn FnMut(&mut Self, Blob, Judgement) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let case = self.case;
        for (position, batch) in case.batches().iter().enumerate() {
            let hidden = case.hidden_in(position);
            let wanted = |blob: &Blob| wanted(blob) && !hidden.blobs.contains(blob);
            let mut streams = Streams::open(batch, &wanted)?;
            loop {
                let chunk = streams.chunk(self.occurrences)?;
                if chunk.is_empty() {
                    break;
                }
                if progress.stop() {
                    return Err(Error::Stopped);
                }
                for (facts, judgement) in chunk.iter().zip(judge_all(&chunk, self.context, self.jobs)) {
                    each(self, facts.blob, judgement)?;
                }
                let all = case.totals().messages_unique.max(self.judged);
                progress.update(&Status {
                    phase: Phase::Examining,
                    files: (0, 0),
                    bytes: (self.judged, all),
                    items: self.judged,
                    lost: 0,
                });
            }
            streams.end(batch)?;
        }
        Ok(())
    }

    fn write(&mut self, part: u64, blob: Blob, judgement: &Judgement) -> Result<(), Error> {
        let tables = match self.tables.entry(part) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(vacant) => vacant.insert(Tables {
                findings: TableFile::create(self.dir, &file(FindingRow::TABLE, part))?,
                states: TableFile::create(self.dir, &file(StateRow::TABLE, part))?,
            }),
        };
        tables.states.push(512, |rows| rows.push(&blob, &judgement.state))?;
        for finding in &judgement.findings {
            let row = row(finding);
            tables.findings.push(1024 + row.observed.len(), |rows| rows.push(&row))?;
        }
        Ok(())
    }
}

/// The sums of several counts.
pub(super) fn all_rates<'r>(rates: impl Iterator<Item = &'r Rates>) -> Rates {
    let mut sums = Rates::new();
    for (key, (failed, all)) in rates.flatten() {
        let sum = sums.entry(key.clone()).or_default();
        sum.0 += failed;
        sum.1 += all;
    }
    sums
}

fn damaged(path: &Path, because: &str) -> CaseError {
    CaseError::Damaged { path: path.to_owned(), because: because.to_owned() }
}

/// In the order of the messages, whatever ran when.
fn judge_all(chunk: &[MessageFacts], context: &Context, jobs: usize) -> Vec<Judgement> {
    let share = chunk.len().div_ceil(jobs.max(1)).max(1);
    thread::scope(|scope| {
        let shares: Vec<_> = chunk
            .chunks(share)
            .map(|share| {
                scope.spawn(move || share.iter().map(|facts| judge(facts, context)).collect::<Vec<_>>())
            })
            .collect();
        // A rule that panics is a bug, and stops the program as any other.
        let all = shares.into_iter().flat_map(|share| match share.join() {
            Ok(judgements) => judgements,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        all.collect()
    })
}

type Stream<'s, R> = Peekable<Box<dyn Iterator<Item = Result<(Blob, R), CaseError>> + 's>>;

/// The facts of a batch's messages. Those about one message stand in the same order in all tables.
struct Streams<'s> {
    messages: Stream<'s, Message>,
    signatures: Stream<'s, Signature>,
    digests: Stream<'s, Digest>,
    part_signatures: Stream<'s, PartSignature>,
}

impl<'s> Streams<'s> {
    fn open(batch: &Batch, wanted: &'s dyn Fn(&Blob) -> bool) -> Result<Streams<'s>, Error> {
        Ok(Streams {
            messages: stream(batch, wanted)?,
            signatures: stream(batch, wanted)?,
            digests: stream(batch, wanted)?,
            part_signatures: stream(batch, wanted)?,
        })
    }

    /// The next messages; none at the end.
    fn chunk(&mut self, occurrences: &Occurrences) -> Result<Vec<MessageFacts>, Error> {
        let mut chunk = Vec::new();
        let mut bytes = 0;
        while chunk.len() < CHUNK
            && bytes < CHUNK_BYTES
            && let Some(row) = self.messages.next()
        {
            let (blob, message) = row?;
            let facts = MessageFacts {
                blob,
                message,
                signatures: take(&mut self.signatures, &blob)?,
                digests: take(&mut self.digests, &blob)?,
                part_signatures: take(&mut self.part_signatures, &blob)?,
                places: occurrences.places(&blob),
                first_seen: occurrences.first_seen(&blob),
            };
            bytes += 2048 + 4096 * facts.signatures.len() + 512 * facts.digests.len();
            chunk.push(facts);
        }
        Ok(chunk)
    }

    fn end(mut self, batch: &Batch) -> Result<(), Error> {
        let left = [
            self.signatures.next().is_some(),
            self.digests.next().is_some(),
            self.part_signatures.next().is_some(),
        ];
        match left.contains(&true) {
            true => Err(damaged(&batch.dir, "signatures stand in another order than their messages").into()),
            false => Ok(()),
        }
    }
}

fn stream<'s, R: Row + 's>(batch: &Batch, wanted: &'s dyn Fn(&Blob) -> bool) -> Result<Stream<'s, R>, Error> {
    let path = batch.dir.join(format!("{}.parquet", R::TABLE));
    let rows: Box<dyn Iterator<Item = _> + 's> = Box::new(stream_facts::<R, _>(&path, wanted)?);
    Ok(rows.peekable())
}

/// Takes the rows about `blob` that stand at the head of a stream.
fn take<R>(stream: &mut Stream<R>, blob: &Blob) -> Result<Vec<R>, Error> {
    let mut rows = Vec::new();
    while let Some(next) = stream.next_if(|next| next.as_ref().map_or(true, |(other, _)| other == blob)) {
        rows.push(next?.1);
    }
    Ok(rows)
}

/// The facts of some messages: of those of `blobs` that are mails.
pub fn facts(case: &Case, blobs: &HashSet<Blob>) -> Result<HashMap<Blob, MessageFacts>, Error> {
    let wanted = |blob: &Blob| blobs.contains(blob);
    let occurrences = Occurrences::of(case, &wanted)?;
    let mut facts: HashMap<Blob, MessageFacts> = HashMap::new();
    case.facts(wanted, |blob, message: Message| {
        let (places, first_seen) = (occurrences.places(&blob), occurrences.first_seen(&blob));
        let (signatures, digests, part_signatures) = Default::default();
        let of_blob =
            MessageFacts { blob, message, signatures, digests, part_signatures, places, first_seen };
        facts.insert(blob, of_blob);
        Ok(())
    })?;
    fn add<R: Row>(
        case: &Case,
        facts: &mut HashMap<Blob, MessageFacts>,
        to: impl Fn(&mut MessageFacts) -> &mut Vec<R>,
    ) -> Result<(), CaseError> {
        let wanted: HashSet<Blob> = facts.keys().copied().collect();
        case.facts(
            |blob| wanted.contains(blob),
            |blob, row: R| {
                if let Some(facts) = facts.get_mut(&blob) {
                    to(facts).push(row);
                }
                Ok(())
            },
        )
    }
    add(case, &mut facts, |facts| &mut facts.signatures)?;
    add(case, &mut facts, |facts| &mut facts.digests)?;
    add(case, &mut facts, |facts| &mut facts.part_signatures)?;
    Ok(facts)
}
