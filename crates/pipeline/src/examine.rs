//! Examines a case: judges every message with what is known now, and keeps the answer below `derived/`.
//!
//! ```text
//! derived/evidence-<n>/run.json            what it was made from, sums
//!                      parts.json          the same of each part
//!                      findings-<part>.parquet, states-<part>.parquet
//!                      states.facet        state of every occurrence, for the search
//! ```
//!
//! Messages are dealt into parts by the (domain, selector) pairs of their signatures, those without any into
//! part 0. A part whose input did not change is taken over from the run before: a new key re-judges only the
//! messages that it concerns. Which rows there are follows from the case, from what it was told and from the
//! rules alone, not from threads.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs,
    iter::Peekable,
    path::{Path, PathBuf},
    thread,
};

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tamis_case::{Batch, Case, CaseError, TableFile, stream_facts};
use tamis_evidence::{
    keys::observations::{KeyBook, normal_pair},
    mail::{Comparable, Context, Judgement, MessageFacts, Prepared, judge, with_rate},
    rules::RULES,
};
use tamis_model::{
    Blob, SourceId,
    findings::{Finding, MessageState},
    ids::hex,
    keys::{Delegate, Incident, KeyEvent, KeyObservation, TrustedSealer},
    tables::{Digest, Facts, FindingRow, Message, PartSignature, Row, Rows, Signature, StateRow, Time},
};
use tamis_search::States;

use crate::{
    Error,
    books::is_mail,
    progress::{Phase, Progress, Status},
};

/// Parts of signed messages; part 0 are those without a signature.
const PARTS: u64 = 32;
/// Messages that are judged at a time.
const CHUNK: usize = 1024;
const RUN_FILE: &str = "run.json";
const PARTS_FILE: &str = "parts.json";
/// Runs that are kept: somebody may be reading the one before.
const KEPT: usize = 2;

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
    base: String,
    /// Digest over the rules.
    rules: String,
    /// Digest over everything the case was told.
    told: String,
    /// Messages (contents) by state.
    pub by_state: BTreeMap<String, u64>,
    /// Findings by rule.
    pub by_rule: BTreeMap<String, u64>,
}

/// What a part was made from, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    input: String,
    by_state: BTreeMap<String, u64>,
    by_rule: BTreeMap<String, u64>,
    /// By comparable: mails that fail, and all.
    rates: BTreeMap<String, (u64, u64)>,
}

/// What a run of [`examine`] came to.
#[derive(Debug, Clone)]
pub struct Examined {
    /// The run.
    pub run: Run,
    /// Messages judged now; the others were taken over.
    pub judged: u64,
}

/// Everything that people told a case about signing.
#[derive(Debug, Default)]
pub struct Told {
    /// Key observations.
    pub keys: Vec<KeyObservation>,
    /// Key events.
    pub events: Vec<KeyEvent>,
    /// Incidents.
    pub incidents: Vec<Incident>,
    /// Trusted sealers.
    pub sealers: Vec<TrustedSealer>,
    /// Delegates.
    pub delegates: Vec<Delegate>,
}

impl Told {
    /// What `case` was told.
    pub fn of(case: &Case) -> Result<Told, CaseError> {
        Ok(Told {
            keys: case.told()?,
            events: case.told()?,
            incidents: case.told()?,
            sealers: case.told()?,
            delegates: case.told()?,
        })
    }

    fn digest(&self) -> String {
        digest(&(&self.keys, &self.events, &self.incidents, &self.sealers, &self.delegates))
    }

    /// As the rules want it.
    pub fn context(self, first_capture: Option<Time>, as_of: Time) -> Context {
        Context {
            keys: KeyBook::new(self.keys, self.events),
            incidents: self.incidents,
            sealers: self.sealers,
            delegates: self.delegates,
            first_capture,
            as_of,
            prepared: Prepared::default(),
        }
    }
}

fn digest(value: &impl Serialize) -> String {
    hex(&Sha256::digest(serde_json::to_vec(value).unwrap_or_default()))
}

/// A time of RFC 3339 in microseconds; `None` where it is none.
pub fn parse_time(text: &str) -> Option<Time> {
    text.parse::<jiff::Timestamp>().ok().map(|time| Time(time.as_microsecond()))
}

// ---- what is there ----

/// The folder of the case's last complete run, if there is one, and its `run.json`. It may be older than
/// the case's last batch, or than what the case was told: see [`is_current`].
pub fn last(case: &Case) -> Option<(PathBuf, Run)> {
    let mut runs = runs(&case.dir().join("derived"));
    runs.sort_unstable();
    runs.into_iter().rev().find_map(|(_, dir)| {
        let text = read_regular(&dir.join(RUN_FILE), 16 << 20)?;
        let run: Run = serde_json::from_slice(&text).ok()?;
        (run.batch <= case.last_batch()).then_some((dir, run))
    })
}

/// Whether a run knows of everything that the case holds and was told.
pub fn is_current(case: &Case, run: &Run) -> Result<bool, CaseError> {
    Ok(run.batch == case.last_batch() && run.rules == rules() && run.told == Told::of(case)?.digest())
}

/// The tables of a run, as people type them in SQL: name, schema, files.
pub fn tables(dir: Option<&Path>) -> [(&'static str, SchemaRef, Vec<PathBuf>); 2] {
    let files = |table: &str| -> Vec<PathBuf> {
        let of_part = |part| Some(dir?.join(format!("{}.parquet", file(table, part))));
        (0..=PARTS).filter_map(of_part).filter(|path| path.exists()).collect()
    };
    [
        (FindingRow::TABLE, FindingRow::schema(), files(FindingRow::TABLE)),
        (StateRow::TABLE, Facts::<StateRow>::schema(), files(StateRow::TABLE)),
    ]
}

/// The states of all occurrences, as of a run.
pub fn states(dir: &Path) -> Result<States, Error> {
    let path = dir.join("states.facet");
    let bytes = fs::symlink_metadata(&path).map_err(CaseError::io("look at", &path))?;
    if !bytes.is_file() {
        return Err(damaged(&path, "it is no file").into());
    }
    let mut file = std::io::BufReader::new(fs::File::open(&path).map_err(CaseError::io("open", &path))?);
    States::read(&mut file, bytes.len()).map_err(|error| damaged(&path, &error.to_string()).into())
}

/// Calls `each` with every finding of a run, in the order of its parts.
pub fn findings(dir: &Path, mut each: impl FnMut(FindingRow) -> Result<(), CaseError>) -> Result<(), Error> {
    for part in 0..=PARTS {
        let path = dir.join(format!("{}.parquet", file(FindingRow::TABLE, part)));
        if path.exists() {
            tamis_case::read_rows(&path, &mut each)?;
        }
    }
    Ok(())
}

/// Calls `each` with the state of every message of a run.
pub fn message_states(
    dir: &Path,
    mut wanted: impl FnMut(&Blob) -> bool,
    mut each: impl FnMut(Blob, StateRow) -> Result<(), CaseError>,
) -> Result<(), Error> {
    for part in 0..=PARTS {
        let path = dir.join(format!("{}.parquet", file(StateRow::TABLE, part)));
        if path.exists() {
            tamis_case::read_facts(&path, &mut wanted, &mut each)?;
        }
    }
    Ok(())
}

/// The facts of some messages: of those of `blobs` that are mails.
pub fn facts(case: &Case, blobs: &HashSet<Blob>) -> Result<HashMap<Blob, MessageFacts>, Error> {
    let wanted = |blob: &Blob| blobs.contains(blob);
    let occurrences = Occurrences::of(case, &wanted)?;
    let mut facts: HashMap<Blob, MessageFacts> = HashMap::new();
    case.facts(wanted, |blob, message: Message| {
        let places = occurrences.places(&blob);
        let (signatures, digests, part_signatures) = Default::default();
        facts.insert(blob, MessageFacts { blob, message, signatures, digests, part_signatures, places });
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

fn damaged(path: &Path, because: &str) -> CaseError {
    CaseError::Damaged { path: path.to_owned(), because: because.to_owned() }
}

fn file(table: &str, part: u64) -> String {
    format!("{table}-{part:02}")
}

/// Number and folder of every complete run below `derived`.
fn runs(derived: &Path) -> Vec<(u64, PathBuf)> {
    let entries = fs::read_dir(derived).into_iter().flatten().flatten();
    let runs = entries.filter_map(|entry| {
        let n = entry.file_name().to_str()?.strip_prefix("evidence-")?.parse().ok()?;
        entry.file_type().ok()?.is_dir().then(|| (n, entry.path()))
    });
    runs.collect()
}

fn read_regular(path: &Path, most: u64) -> Option<Vec<u8>> {
    let about = fs::symlink_metadata(path).ok()?;
    (about.is_file() && about.len() <= most).then(|| fs::read(path).ok())?
}

// ---- a run ----

/// Judges what changed since the last run; nothing, if that knows everything. `afresh`: nothing is taken over.
pub fn examine(
    case: &Case,
    as_of: Time,
    jobs: usize,
    afresh: bool,
    progress: &mut dyn Progress,
) -> Result<Examined, Error> {
    let told = Told::of(case)?;
    if let Some((_, run)) = last(case).filter(|(_, run)| !afresh && run.batch == case.last_batch())
        && run.told == told.digest()
        && run.rules == rules()
    {
        return Ok(Examined { run, judged: 0 });
    }
    let first_capture = case.made_at()?.as_deref().and_then(parse_time);
    let batches: Vec<_> = case.batches().iter().filter_map(|batch| batch.dir.file_name()).collect();
    let base = digest(&(
        rules(),
        &told.incidents,
        &told.sealers,
        &told.delegates,
        first_capture,
        batches.iter().map(|name| name.to_string_lossy()).collect::<Vec<_>>(),
    ));
    let told_digest = told.digest();
    let context = told.context(first_capture, as_of);

    let dealt = deal(case)?;
    let before = last(case).filter(|(_, run)| run.base == base && !afresh).and_then(|(dir, _)| {
        let parts: BTreeMap<u64, Part> = serde_json::from_slice(&read_regular(&dir.join(PARTS_FILE), 1 << 30)?).ok()?;
        Some((dir, parts))
    });
    let mut parts: BTreeMap<u64, Part> = BTreeMap::new();
    let mut stale: HashSet<u64> = HashSet::new();
    for (part, pairs) in &dealt.pairs {
        let known: Vec<_> =
            pairs.iter().map(|(domain, selector)| context.keys.digest(domain, selector)).collect();
        let input = digest(&(&base, pairs, known));
        let kept =
            before.as_ref().and_then(|(_, parts)| parts.get(part)).filter(|kept| kept.input == input);
        if kept.is_none() {
            stale.insert(*part);
        }
        parts.insert(*part, kept.cloned().unwrap_or(Part { input, ..Part::default() }));
    }

    let making = Making::begin(case)?;
    for part in parts.keys().filter(|part| !stale.contains(part)) {
        let Some((dir, _)) = &before else { continue };
        making.take_over(dir, *part)?;
    }
    let is_stale = |blob: &Blob| stale.contains(&dealt.part(blob));
    let occurrences = Occurrences::of(case, &is_stale)?;
    let mut states = match &before {
        Some((dir, _)) if stale.len() < parts.len() => states(dir)?,
        _ => States::default(),
    };
    let mut judging = Judging {
        context: &context,
        jobs: jobs.max(1),
        dealt: &dealt,
        parts: &mut parts,
        tables: BTreeMap::new(),
        late: Vec::new(),
        judged: 0,
    };
    for (position, batch) in case.batches().iter().enumerate() {
        let hidden = case.hidden_in(position);
        let wanted = |blob: &Blob| is_stale(blob) && !hidden.blobs.contains(blob);
        judging.batch(batch, &wanted, &occurrences, &making.dir, &mut states, case, progress)?;
    }
    let judged = judging.judged;
    judging.finish(&making.dir)?;

    let mut run = Run {
        n: 0,
        batch: case.last_batch(),
        as_of: jiff::Timestamp::from_microsecond(as_of.0).map(|time| time.to_string()).unwrap_or_default(),
        base,
        rules: rules(),
        told: told_digest,
        by_state: sum(parts.values().map(|part| &part.by_state)),
        by_rule: sum(parts.values().map(|part| &part.by_rule)),
    };
    making.end(&mut run, &parts, &states)?;
    Ok(Examined { run, judged })
}

/// What the rules are: another version of one may give other findings.
fn rules() -> String {
    let rules: Vec<(&str, u32)> = RULES.iter().map(|rule| (rule.id, rule.version)).collect();
    digest(&(rules, env!("CARGO_PKG_VERSION")))
}

fn sum<'s>(counts: impl Iterator<Item = &'s BTreeMap<String, u64>>) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (name, n) in counts.flatten() {
        *sums.entry(name.clone()).or_default() += n;
    }
    sums
}

/// Which part each message belongs to.
struct Dealt {
    /// Of signed messages.
    part: HashMap<Blob, u64>,
    /// Pairs that occur in a part, sorted.
    pairs: BTreeMap<u64, BTreeSet<(String, String)>>,
}

impl Dealt {
    fn part(&self, blob: &Blob) -> u64 {
        self.part.get(blob).copied().unwrap_or(0)
    }
}

/// Deals the messages into parts, by the pairs of their signatures.
fn deal(case: &Case) -> Result<Dealt, Error> {
    let mut of_blob: HashMap<Blob, BTreeSet<(String, String)>> = HashMap::new();
    for (position, batch) in case.batches().iter().enumerate() {
        let hidden = case.hidden_in(position);
        let path = batch.dir.join(format!("{}.parquet", Signature::TABLE));
        for row in stream_facts::<Signature, _>(&path, |blob| !hidden.blobs.contains(blob))? {
            let (blob, signature) = row?;
            of_blob.entry(blob).or_default().insert(normal_pair(&signature.domain, &signature.selector));
        }
    }
    let mut dealt =
        Dealt { part: HashMap::with_capacity(of_blob.len()), pairs: BTreeMap::from([(0, BTreeSet::new())]) };
    for (blob, pairs) in of_blob {
        let hash = Sha256::digest(serde_json::to_vec(&pairs).unwrap_or_default());
        let part = 1 + u64::from(hash.first().copied().unwrap_or(0)) % PARTS;
        dealt.part.insert(blob, part);
        dealt.pairs.entry(part).or_default().extend(pairs);
    }
    Ok(dealt)
}

/// Where the messages that are judged stand.
#[derive(Default)]
struct Occurrences {
    of: HashMap<Blob, Vec<(SourceId, u64, u32)>>,
    folders: Vec<String>,
}

impl Occurrences {
    fn of(case: &Case, wanted: &dyn Fn(&Blob) -> bool) -> Result<Occurrences, Error> {
        let mut found = Occurrences::default();
        let mut numbers: HashMap<String, u32> = HashMap::new();
        case.items(|item| {
            if let Some(blob) = item.blob.filter(|blob| is_mail(&item) && wanted(blob)) {
                let folder = folder(&item.path);
                let number = match numbers.get(folder) {
                    Some(number) => *number,
                    None => {
                        let number = found.folders.len() as u32;
                        numbers.insert(folder.to_owned(), number);
                        found.folders.push(folder.to_owned());
                        number
                    }
                };
                found.of.entry(blob).or_default().push((item.source_id, item.walk, number));
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The folders that hold a message, each once, in walk order.
    fn places(&self, blob: &Blob) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let all = self.of.get(blob).into_iter().flatten();
        let new = all.filter(|(_, _, number)| seen.len() < PLACES && seen.insert(*number));
        new.filter_map(|(_, _, number)| self.folders.get(*number as usize).cloned()).collect()
    }
}

/// Folders of one message that are looked at.
const PLACES: usize = 16;

/// The path without its last step.
fn folder(path: &str) -> &str {
    path.rfind(['/', '!', '#']).and_then(|end| path.get(..end)).unwrap_or("")
}

// ---- judging ----

struct Tables {
    findings: TableFile<Rows<FindingRow>>,
    states: TableFile<Facts<StateRow>>,
}

struct Judging<'j> {
    context: &'j Context,
    jobs: usize,
    dealt: &'j Dealt,
    parts: &'j mut BTreeMap<u64, Part>,
    tables: BTreeMap<u64, Tables>,
    /// Judgements that wait for the rates of the whole case.
    late: Vec<(u64, Blob, Judgement, String)>,
    judged: u64,
}

type Stream<'s, R> = Peekable<Box<dyn Iterator<Item = Result<(Blob, R), CaseError>> + 's>>;

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

impl Judging<'_> {
    /// Judges the wanted messages of a batch. Facts about one message stand in the same order in all tables.
    #[allow(clippy::too_many_arguments)]
    fn batch(
        &mut self,
        batch: &Batch,
        wanted: &dyn Fn(&Blob) -> bool,
        occurrences: &Occurrences,
        dir: &Path,
        states: &mut States,
        case: &Case,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let mut messages = stream::<Message>(batch, wanted)?;
        let mut signatures = stream::<Signature>(batch, wanted)?;
        let mut digests = stream::<Digest>(batch, wanted)?;
        let mut part_signatures = stream::<PartSignature>(batch, wanted)?;
        loop {
            let mut chunk = Vec::new();
            while chunk.len() < CHUNK
                && let Some(row) = messages.next()
            {
                let (blob, message) = row?;
                chunk.push(MessageFacts {
                    blob,
                    message,
                    signatures: take(&mut signatures, &blob)?,
                    digests: take(&mut digests, &blob)?,
                    part_signatures: take(&mut part_signatures, &blob)?,
                    places: occurrences.places(&blob),
                });
            }
            if chunk.is_empty() {
                break;
            }
            if progress.stop() {
                return Err(Error::Stopped);
            }
            for (facts, judgement) in chunk.iter().zip(self.judge(&chunk)) {
                let state = MessageState::parse(&judgement.state.state);
                let places = occurrences.of.get(&facts.blob).into_iter().flatten();
                for ((source, walk, _), state) in places.zip(std::iter::repeat(state)) {
                    if let Some(state) = state {
                        states
                            .set(*source, *walk, state)
                            .map_err(|error| damaged(case.dir(), &error.to_string()))?;
                    }
                }
                self.take_in(facts.blob, judgement, dir)?;
            }
            self.judged += chunk.len() as u64;
            let messages = case.totals().messages_unique;
            progress.update(&Status {
                phase: Phase::Examining,
                files: (0, 0),
                bytes: (self.judged, messages.max(self.judged)),
                items: self.judged,
                lost: 0,
            });
        }
        let left = [signatures.next().is_some(), digests.next().is_some(), part_signatures.next().is_some()];
        match left.contains(&true) {
            true => Err(damaged(&batch.dir, "signatures stand in another order than their messages").into()),
            false => Ok(()),
        }
    }

    /// In the order of the messages, whatever ran when.
    fn judge(&self, chunk: &[MessageFacts]) -> Vec<Judgement> {
        let context = self.context;
        let share = chunk.len().div_ceil(self.jobs).max(1);
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

    fn take_in(&mut self, blob: Blob, judgement: Judgement, dir: &Path) -> Result<(), Error> {
        let number = self.dealt.part(&blob);
        let part = self.parts.entry(number).or_default();
        *part.by_state.entry(judgement.state.state.clone()).or_default() += 1;
        for finding in &judgement.findings {
            *part.by_rule.entry(finding.rule.clone()).or_default() += 1;
        }
        if let Some(Comparable { key, failed }) = judgement.comparable.clone() {
            let (bad, all) = part.rates.entry(key.clone()).or_default();
            *bad += u64::from(failed);
            *all += 1;
            if failed {
                self.late.push((number, blob, judgement, key));
                return Ok(());
            }
        }
        self.write(number, blob, judgement, dir)
    }

    fn write(&mut self, part: u64, blob: Blob, judgement: Judgement, dir: &Path) -> Result<(), Error> {
        let tables = match self.tables.entry(part) {
            std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::btree_map::Entry::Vacant(vacant) => vacant.insert(Tables {
                findings: TableFile::create(dir, &file(FindingRow::TABLE, part))?,
                states: TableFile::create(dir, &file(StateRow::TABLE, part))?,
            }),
        };
        tables.states.push(512, |rows| rows.push(&blob, &judgement.state))?;
        for finding in &judgement.findings {
            let row = row(finding);
            tables.findings.push(1024 + row.observed.len(), |rows| rows.push(&row))?;
        }
        Ok(())
    }

    /// Writes those that waited, now that the whole case was looked at, and closes the tables.
    fn finish(mut self, dir: &Path) -> Result<(), Error> {
        let mut rates: HashMap<String, (u64, u64)> = HashMap::new();
        for (key, (failed, all)) in self.parts.values().flat_map(|part| &part.rates) {
            let rate = rates.entry(key.clone()).or_default();
            rate.0 += failed;
            rate.1 += all;
        }
        for (part, blob, mut judgement, key) in std::mem::take(&mut self.late) {
            if let Some((failed, of)) = rates.get(&key) {
                with_rate(&mut judgement, *failed, *of);
            }
            self.write(part, blob, judgement, dir)?;
        }
        for tables in std::mem::take(&mut self.tables).into_values() {
            tables.findings.close()?;
            tables.states.close()?;
        }
        Ok(())
    }
}

/// A finding as a row.
pub fn row(finding: &Finding) -> FindingRow {
    FindingRow {
        finding_id: finding.id(),
        rule: finding.rule.clone(),
        version: finding.version,
        subjects: finding.subjects.iter().map(Blob::to_string).collect(),
        polarity: finding.polarity.as_str().to_owned(),
        about: finding.about.as_str().to_owned(),
        strength: finding.strength.level(),
        because: finding.strength.because().map(str::to_owned),
        scope: finding.scope.clone(),
        observed: finding.observed.to_string(),
        standard: finding.standard.clone(),
        assumptions: finding.assumptions.clone(),
        alternatives: finding.alternatives.clone(),
        base_rate_hits: finding.base_rate.as_ref().map(|rate| rate.hits),
        base_rate_of: finding.base_rate.as_ref().map(|rate| rate.of),
        base_rate_corpus: finding.base_rate.as_ref().map(|rate| rate.corpus.clone()),
        reproduce: finding.reproduce.clone(),
    }
}

// ---- on disk ----

/// A run in the making: its folder gets its name when it is complete.
struct Making {
    derived: PathBuf,
    dir: PathBuf,
}

impl Making {
    fn begin(case: &Case) -> Result<Making, Error> {
        let derived = case.dir().join("derived");
        fs::create_dir_all(&derived).map_err(CaseError::io("create", &derived))?;
        for entry in fs::read_dir(&derived).map_err(CaseError::io("list", &derived))?.flatten() {
            let name = entry.file_name();
            let pid = name.to_str().and_then(|name| name.strip_prefix("making-"));
            if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let dir = derived.join(format!("making-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).map_err(CaseError::io("create", &dir))?;
        Ok(Making { derived, dir })
    }

    /// Takes a part over from the run before: the same file under a second name.
    fn take_over(&self, from: &Path, part: u64) -> Result<(), Error> {
        for table in [FindingRow::TABLE, StateRow::TABLE] {
            let name = format!("{}.parquet", file(table, part));
            let old = from.join(&name);
            if old.exists() {
                fs::hard_link(&old, self.dir.join(&name)).map_err(CaseError::io("link", &old))?;
            }
        }
        Ok(())
    }

    /// Writes the rest, gives the folder its name, and removes what nobody needs any more.
    fn end(&self, run: &mut Run, parts: &BTreeMap<u64, Part>, states: &States) -> Result<(), Error> {
        let facet = self.dir.join("states.facet");
        let mut bytes = Vec::new();
        states.write(&mut bytes).map_err(CaseError::io("write", &facet))?;
        fs::write(&facet, bytes).map_err(CaseError::io("write", &facet))?;
        let mut runs = runs(&self.derived);
        runs.sort_unstable();
        run.n = runs.last().map_or(1, |(n, _)| n + 1);
        let files = [
            (PARTS_FILE, serde_json::to_vec(parts).unwrap_or_default()),
            (RUN_FILE, serde_json::to_vec_pretty(run).unwrap_or_default()),
        ];
        for (name, text) in files {
            let path = self.dir.join(name);
            fs::write(&path, text).map_err(CaseError::io("write", &path))?;
        }
        let named = self.derived.join(format!("evidence-{}", run.n));
        fs::rename(&self.dir, &named).map_err(CaseError::io("rename", &self.dir))?;
        let old = runs.len().saturating_sub(KEPT - 1);
        for (_, dir) in runs.into_iter().take(old) {
            let _ = fs::remove_dir_all(dir);
        }
        Ok(())
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // Gone already where the run ended well.
        let _ = fs::remove_dir_all(&self.dir);
    }
}
