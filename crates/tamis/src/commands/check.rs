//! `tamis check`: one mail's state, signatures and findings, without a case. The file is read as any dump is:
//! in the jail, into a case that is gone afterwards.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tamis_case::{Case, Options};
use tamis_evidence::mail::{Judgement, MessageFacts, judge};
use tamis_model::{Blob, SourceId, findings::MessageState, names::printable, tables::Item};
use tamis_pipeline::examine::{self, Told};

use super::{DONE, NO, Outcome, Scratch, examine::as_of, findings, keys, open, open_case};
use crate::{
    cli::{Check, Global},
    failure::Failure,
    screen::{Screen, json_line, rfc3339},
};

/// Runs it.
pub fn run(args: &Check, global: &Global, screen: &Screen) -> Outcome {
    if let Some(folder) = args.files.iter().find(|path| path.is_dir()) {
        return Err(Failure::unusable(
            format!("cannot check {}", printable(&folder.to_string_lossy())),
            "it is a folder",
            "name single files, or read the folder with `tamis open`",
        ));
    }
    let mut told = Told::default();
    for file in &args.keys {
        keys::read_into(&mut told, file)?;
    }
    let scratch = Scratch::new()?;
    let folder = scratch.path().join("check.case");
    let mut quiet = screen.clone();
    quiet.quiet = true;
    let distinct = distinct(&args.files);
    let dumps = staged(&distinct, scratch.path())?;
    open::read(&dumps, &folder, Options::default(), None, global, &quiet)?;
    let case = open_case(&folder)?;
    let items = tops(&case, &distinct)?;
    let mut facts = examine::facts(&case, &items.values().filter_map(|item| item.blob).collect())?;
    // The scratch case saw it just now, which says nothing.
    facts.values_mut().for_each(|facts| facts.first_seen = None);
    let context = told.context(None, as_of(global));

    let mut out = screen.out();
    let mut holds = true;
    for file in &args.files {
        let Some(item) = items.get(&real(file)) else { continue };
        let judged = item.blob.and_then(|blob| facts.get(&blob)).map(|facts| (facts, judge(facts, &context)));
        holds &= judged.as_ref().is_none_or(|(_, judgement)| !is_no(judgement));
        match (&judged, screen.json) {
            (_, true) => json_line(&mut out, &value(file, item, judged.as_ref()))?,
            (Some((facts, judgement)), false) => show(file, facts, judgement, screen, &mut out)?,
            (None, false) => {
                let shown = printable(&file.to_string_lossy());
                writeln!(
                    out,
                    "{shown}\n  no mail ({}): there is no rule for it\n",
                    printable(&item.media_type)
                )?;
            }
        }
    }
    out.flush()?;
    Ok(if holds { DONE } else { NO })
}

/// Whether the answer is no: a signature that does not hold, or a contradiction.
fn is_no(judgement: &Judgement) -> bool {
    matches!(MessageState::parse(&judgement.state.state), Some(MessageState::E | MessageState::F))
}

/// Each file once, however it is named.
fn distinct(files: &[PathBuf]) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    files.iter().filter(|file| seen.insert(real(file))).cloned().collect()
}

fn real(file: &Path) -> PathBuf {
    file.canonicalize().unwrap_or_else(|_| file.to_owned())
}

/// Files as one dump: a folder that holds each of them under its number. A dump of its own for each file would
/// cost each of them a third of a second.
fn staged(files: &[PathBuf], scratch: &Path) -> Result<Vec<PathBuf>, Failure> {
    // What is no file is refused where dumps are.
    if files.len() < 2 || !files.iter().all(|file| file.is_file()) {
        return Ok(files.to_owned());
    }
    let folder = scratch.join(STAGED);
    for (n, file) in files.iter().enumerate() {
        let place = folder.join(n.to_string());
        fs::create_dir_all(&place)?;
        let place = place.join(file.file_name().unwrap_or_default());
        let real = real(file);
        // A second name where the disk allows it.
        if fs::hard_link(&real, &place).is_err() {
            fs::copy(&real, &place).map_err(|error| {
                let shown = printable(&file.to_string_lossy());
                Failure::unusable(
                    format!("cannot read {shown}"),
                    error.to_string(),
                    "name files that can be read, and see that there is room in the system's temporary folder",
                )
            })?;
        }
    }
    Ok(vec![folder])
}

/// The folder of [`staged`] files.
const STAGED: &str = "files";

/// The top-level item of each file, by the file's real path.
fn tops(case: &Case, files: &[PathBuf]) -> Result<HashMap<PathBuf, Item>, Failure> {
    let sources: HashMap<SourceId, PathBuf> =
        case.sources()?.into_iter().map(|source| (source.source_id, source.path)).collect();
    let mut tops = HashMap::new();
    case.items(|item| {
        let Some(source) = sources.get(&item.source_id).filter(|_| item.depth == 0) else { return Ok(()) };
        let number = item.path.split_once('/').and_then(|(number, _)| number.parse::<usize>().ok());
        let file = number.filter(|_| source.ends_with(STAGED)).and_then(|number| files.get(number));
        tops.insert(file.map_or_else(|| source.clone(), |file| real(file)), item);
        Ok(())
    })?;
    Ok(tops)
}

/// The value of one file; its keys are a contract.
fn value(file: &Path, item: &Item, judged: Option<&(&MessageFacts, Judgement)>) -> Value {
    let blob = item.blob.map(|blob| blob.to_string());
    let path = file.to_string_lossy();
    let Some((facts, judgement)) = judged else {
        return json!({
            "path": path, "blob": blob, "media_type": item.media_type, "form": null, "state": null,
            "state_reason": null, "flags": [], "limits": [],
            "time": { "not_before": null, "not_after": null, "witness": null },
            "signatures": [], "arc": { "result": "none", "hops": 0 }, "findings": [],
        });
    };
    let state = &judgement.state;
    let time = |time: Option<tamis_model::tables::Time>| time.and_then(|time| rfc3339(time.0));
    let findings: Vec<Value> = judgement
        .findings
        .iter()
        .map(|finding| {
            let subject = |blob: &Blob| json!({ "item_id": null, "path": path, "blob": blob.to_string() });
            let row = examine::row(finding);
            findings::value(&row, finding.subjects.iter().map(subject).collect())
        })
        .collect();
    json!({
        "path": path,
        "blob": blob,
        "media_type": item.media_type,
        "form": facts.message.form,
        "state": state.state,
        "state_reason": state.reason,
        "state_words": state.words,
        "help": state.help,
        "flags": state.flags,
        "limits": state.limits,
        "time": {
            "not_before": time(state.not_before),
            "not_after": time(state.not_after),
            "witness": state.time_witness,
        },
        "signatures": judgement.verdicts,
        "part_signatures": facts.part_signatures,
        "arc": judgement.chain,
        "findings": findings,
    })
}

fn show(
    file: &Path,
    facts: &MessageFacts,
    judgement: &Judgement,
    screen: &Screen,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let state = &judgement.state;
    writeln!(out, "{}", screen.strong(&printable(&file.to_string_lossy())))?;
    let from = facts.message.from_addr.as_deref().unwrap_or("nobody");
    let subject = facts.message.subject.as_deref().unwrap_or("");
    writeln!(out, "  mail        {}: {}", printable(from), printable(subject))?;
    let words = MessageState::parse(&state.state).map_or("", MessageState::words);
    writeln!(out, "  state       {}  {words} ({})", state.state, state.reason)?;
    writeln!(out, "              {}", printable(&state.words))?;
    for (n, limit) in state.limits.iter().enumerate() {
        writeln!(out, "  {:<11} {}", if n == 0 { "leaves open" } else { "" }, printable(limit))?;
    }
    if !state.flags.is_empty() {
        writeln!(out, "  flags       {}", state.flags.join(", "))?;
    }
    if let Some(help) = &state.help {
        writeln!(out, "  would help  {}", printable(help))?;
    }
    for verdict in &judgement.verdicts {
        let key = match &verdict.key {
            Some(key) => {
                let witness = key.witness.as_deref().unwrap_or("witness not named");
                format!("{} bits, {}, {witness}", verdict.key_bits.unwrap_or(0), key.channel.as_str())
            }
            None => "no key".to_owned(),
        };
        writeln!(
            out,
            "  signature   {} {} s={} {}: {} ({key})",
            verdict.kind,
            printable(&verdict.domain),
            printable(&verdict.selector),
            printable(&verdict.algorithm),
            verdict.result.as_str()
        )?;
        let part = |name: &str, holds: Option<bool>| match holds {
            Some(true) => format!("{name} holds"),
            Some(false) => format!("{name} differs"),
            None => format!("{name} not judged"),
        };
        writeln!(
            out,
            "              {}, {}; signer is {}",
            part("header", verdict.header_holds),
            part("body", verdict.body_holds),
            match verdict.alignment.as_str() {
                "same" => "the author's domain",
                "provider" => "the author's provider",
                "third-party" => "a third party",
                _ => "not known",
            }
        )?;
        if let Some(repair) = &verdict.repair {
            let undone = verdict.undone.as_deref().unwrap_or("");
            writeln!(out, "              after undoing {repair}: {}", printable(undone))?;
        }
        if !verdict.unsigned_visible.is_empty() {
            writeln!(out, "              not signed: {}", verdict.unsigned_visible.join(", "))?;
        }
        if !verdict.notes.is_empty() {
            writeln!(out, "              notes: {}", printable(&verdict.notes.join(", ")))?;
        }
    }
    for finding in &judgement.findings {
        writeln!(
            out,
            "  finding     {} ({}, strength {})",
            finding.rule,
            finding.polarity.as_str(),
            finding.strength.level()
        )?;
    }
    writeln!(out)?;
    Ok(())
}
