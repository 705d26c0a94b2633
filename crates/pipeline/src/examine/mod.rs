//! Examines a case: judges every message with what is known now, and keeps the answer below `derived/`.
//!
//! ```text
//! derived/evidence-<n>/run.json            what it was made from, sums, hashes of the other files
//!                      parts.json          what each part was made from
//!                      findings-<part>.parquet, states-<part>.parquet
//!                      states.facet        state of every occurrence, for the search
//! ```
//!
//! Messages are dealt into parts by the (domain, selector) pairs of their signatures, those without any into
//! part 0. A part whose input did not change is taken over from the run before: a new key re-judges only the
//! messages that it concerns. Which rows there are follows from the case, from what it was told, from the
//! rules and from the "now" of the judgement, not from threads or from the runs before.

mod dealing;
mod judging;
mod runs;

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tamis_case::{Case, CaseError};
use tamis_evidence::{
    keys::observations::KeyBook,
    mail::{Context, Prepared},
    rules::RULES,
};
use tamis_model::{
    Blob,
    findings::Finding,
    ids::hex,
    keys::{Delegate, Incident, KeyEvent, KeyObservation, TrustedSealer},
    tables::{FindingRow, Time},
};
use tamis_search::States;

use self::{
    dealing::{Dealt, Occurrences},
    judging::{Judging, Rates, all_rates},
    runs::Making,
};
use crate::{Error, progress::Progress};

pub use judging::facts;
pub use runs::{Run, findings, last, message_states, problems, states, tables};

/// Parts of signed messages; part 0 are those without a signature.
const PARTS: u64 = 64;

/// What a part was made from, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    input: String,
    by_state: BTreeMap<String, u64>,
    by_rule: BTreeMap<String, u64>,
    /// Of its own messages.
    rates: Rates,
    /// Of the whole case, as its findings say them.
    said: Rates,
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

/// Whether a run knows of everything that the case holds and was told.
pub fn is_current(case: &Case, run: &Run) -> Result<bool, CaseError> {
    Ok(run.batch == case.last_batch() && run.rules == rules() && run.told == case.told_count()?)
}

/// The "now" of judgements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Now {
    /// That of the clock: a run that knows everything is good enough, whenever it was made.
    Clock(Time),
    /// As somebody asked for.
    Asked(Time),
}

impl Now {
    fn time(self) -> Time {
        match self {
            Now::Clock(time) | Now::Asked(time) => time,
        }
    }
}

/// How to examine.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// The "now" of the judgements.
    pub now: Now,
    /// Threads.
    pub jobs: usize,
    /// Nothing is taken over from the run before.
    pub afresh: bool,
    /// The time now, RFC 3339, for the audit chain.
    pub at: &'r str,
}

/// Judges what changed since the last run; nothing, if that knows everything.
pub fn examine(case: &Case, request: Request, progress: &mut dyn Progress) -> Result<Examined, Error> {
    let as_of = show(request.now.time());
    let before = last(case).filter(|_| !request.afresh);
    if let Some((_, run)) = &before
        && is_current(case, run)?
        && matches!(request.now, Now::Clock(_)) | (run.as_of == as_of)
    {
        return Ok(Examined { run: run.clone(), judged: 0 });
    }
    let told_count = case.told_count()?;
    let told = Told::of(case)?;
    let first_capture = case.made_at()?.as_deref().and_then(parse_time);
    let batches = case.batches().iter().filter_map(|batch| batch.dir.file_name());
    let batches: Vec<_> = batches.map(|name| name.to_string_lossy().into_owned()).collect();
    // Whether a signature has expired is the one thing that the time decides, and it is told in days.
    let day = as_of.get(..10).unwrap_or_default();
    let base =
        digest(&(rules(), &told.incidents, &told.sealers, &told.delegates, first_capture, batches, day));
    let context = told.context(first_capture, request.now.time());

    let dealt = Dealt::of(case)?;
    let before = before.filter(|(_, run)| run.base == base);
    let before = before.and_then(|(dir, run)| Some((runs::parts(&dir, &run)?, dir, run)));
    let making = Making::begin(case)?;
    let mut parts: BTreeMap<u64, Part> = BTreeMap::new();
    let mut stale: HashSet<u64> = HashSet::new();
    for (number, pairs) in &dealt.pairs {
        let known: Vec<_> =
            pairs.iter().map(|(domain, selector)| context.keys.digest(domain, selector)).collect();
        let input = digest(&(&base, pairs, known));
        let mut part = Part { input, ..Part::default() };
        let mut kept = false;
        if let Some((old, dir, run)) = &before
            && let Some(old) = old.get(number).filter(|old| old.input == part.input)
            && making.take_over(dir, run, *number)?
        {
            (part, kept) = (old.clone(), true);
        }
        if !kept {
            stale.insert(*number);
        }
        parts.insert(*number, part);
    }

    let mut judged = 0;
    let mut states = match &before {
        Some((_, dir, _)) if stale.len() < parts.len() => runs::states(dir)?,
        _ => States::default(),
    };
    // What is judged now changes how often comparable mails fail, and with it what parts that were taken
    // over say: these are judged again. Their own rates do not change by that, so twice is enough.
    while !stale.is_empty() {
        let is_stale = |blob: &Blob| stale.contains(&dealt.part(blob));
        let occurrences = Occurrences::of(case, &is_stale)?;
        let mut judging = Judging::new(case, &context, request.jobs, &dealt, &occurrences, &making.dir);
        judging.first(&is_stale, &mut parts, &mut states, progress)?;
        let rates = all_rates(parts.values().map(|part| &part.rates));
        judging.second(&rates, &mut parts, progress)?;
        judged += judging.judged;
        let differs = |part: &Part| part.said.iter().any(|(key, said)| rates.get(key) != Some(said));
        stale = parts.iter().filter(|(_, part)| differs(part)).map(|(number, _)| *number).collect();
        for number in &stale {
            making.drop_part(*number);
            let input = parts.get(number).map(|part| part.input.clone()).unwrap_or_default();
            parts.insert(*number, Part { input, ..Part::default() });
        }
    }

    let mut run = Run {
        n: 0,
        batch: case.last_batch(),
        as_of,
        base,
        rules: rules(),
        told: told_count,
        by_state: sum(parts.values().map(|part| &part.by_state)),
        by_rule: sum(parts.values().map(|part| &part.by_rule)),
        files: BTreeMap::new(),
    };
    making.end(case, &mut run, &parts, &states, request.at)?;
    Ok(Examined { run, judged })
}

fn show(time: Time) -> String {
    jiff::Timestamp::from_microsecond(time.0).map(|time| time.to_string()).unwrap_or_default()
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
