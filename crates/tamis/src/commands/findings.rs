//! `tamis findings`: what the rules found.

use std::{
    collections::{HashMap, HashSet},
    io::Write,
    path::Path,
};

use serde_json::{Value, json};
use tamis_case::Case;
use tamis_evidence::rules::{RULES, share};
use tamis_model::{Blob, ItemId, findings::MessageState, names::printable, tables::FindingRow};
use tamis_pipeline::examine;

use super::{DONE, Outcome, open_case};
use crate::{
    cli::Findings,
    failure::Failure,
    screen::{Screen, json_line},
};

/// Occurrences of one subject that are listed.
const OCCURRENCES: usize = 20;

/// Runs it.
pub fn run(args: &Findings, screen: &Screen) -> Outcome {
    if let Some(rule) = &args.rule {
        known_rule(rule)?;
    }
    let case = open_case(&args.case)?;
    let dir = examined(&case, &args.case)?;
    let of_state = args.state.map(|state| blobs_in(&dir, state)).transpose()?;
    let wanted = |row: &FindingRow| {
        args.rule.as_ref().is_none_or(|rule| row.rule.starts_with(rule.as_str()))
            && of_state.as_ref().is_none_or(|blobs| row.subjects.iter().any(|blob| blobs.contains(blob)))
    };
    let mut rows = Vec::new();
    examine::findings(&dir, |row| {
        if wanted(&row) {
            rows.push(row);
        }
        Ok(())
    })?;
    // Strongest first; what is equal stays in the order of the case.
    rows.sort_by(|a, b| b.strength.cmp(&a.strength).then_with(|| a.rule.cmp(&b.rule)));
    let subjects = Subjects::of(&case, &rows)?;
    let mut out = screen.out();
    for row in &rows {
        show(row, &subjects, screen, &mut out)?;
    }
    if !screen.json {
        writeln!(out, "{} findings", crate::screen::count(rows.len() as u64))?;
    }
    out.flush()?;
    Ok(DONE)
}

/// Whether a rule, or the beginning of one's name, exists.
pub fn known_rule(rule: &str) -> Result<(), Failure> {
    match RULES.iter().any(|known| known.id.starts_with(rule)) {
        true => Ok(()),
        false => Err(Failure::unusable(
            format!("there is no rule {rule:?}"),
            "no rule's name begins so",
            "`tamis rules` lists them",
        )),
    }
}

/// The folder of the case's last examination; a word on standard error where it is older than the case.
pub fn examined(case: &Case, dir: &Path) -> Result<std::path::PathBuf, Failure> {
    let shown = printable(&dir.to_string_lossy());
    let Some((folder, run)) = examine::last(case) else {
        return Err(Failure::unusable(
            format!("the case {shown} was not examined yet"),
            "no rule has run over it",
            format!("run `tamis examine {shown}`"),
        ));
    };
    if !examine::is_current(case, &run)? {
        eprintln!(
            "the case has grown, or learned of keys, since it was examined: run `tamis examine {shown}`"
        );
    }
    Ok(folder)
}

fn blobs_in(dir: &Path, state: MessageState) -> Result<HashSet<String>, Failure> {
    let mut blobs = HashSet::new();
    examine::message_states(
        dir,
        |_| true,
        |blob, row| {
            if row.state == state.letter() {
                blobs.insert(blob.to_string());
            }
            Ok(())
        },
    )?;
    Ok(blobs)
}

/// Where the contents that findings speak of stand.
pub struct Subjects(HashMap<Blob, Vec<(ItemId, String)>>);

impl Subjects {
    /// Those of `rows`.
    pub fn of(case: &Case, rows: &[FindingRow]) -> Result<Subjects, Failure> {
        let blobs = rows.iter().flat_map(|row| &row.subjects).filter_map(|blob| blob.parse().ok());
        let mut found: HashMap<Blob, Vec<(ItemId, String)>> = blobs.map(|blob| (blob, Vec::new())).collect();
        if !found.is_empty() {
            case.items(|item| {
                if let Some(places) = item.blob.and_then(|blob| found.get_mut(&blob))
                    && places.len() < OCCURRENCES
                {
                    places.push((item.item_id, item.path));
                }
                Ok(())
            })?;
        }
        Ok(Subjects(found))
    }

    fn json(&self, row: &FindingRow) -> Vec<Value> {
        let of = |text: &String| -> Vec<Value> {
            let places = text.parse().ok().and_then(|blob: Blob| self.0.get(&blob));
            let places = places.into_iter().flatten();
            places
                .map(|(id, path)| json!({ "item_id": id.to_string(), "path": path, "blob": text }))
                .collect()
        };
        row.subjects.iter().flat_map(of).collect()
    }
}

/// The value of a finding; its keys are a contract.
pub fn value(row: &FindingRow, subjects: Vec<Value>) -> Value {
    let base_rate = row.base_rate_hits.zip(row.base_rate_of).map(|(hits, of)| {
        json!({
            "share": if of == 0 { 0.0 } else { hits as f64 / of as f64 },
            "hits": hits,
            "of": of,
            "corpus": row.base_rate_corpus,
        })
    });
    json!({
        "finding_id": row.finding_id,
        "rule": row.rule,
        "version": row.version,
        "polarity": row.polarity,
        "about": row.about,
        "strength": row.strength,
        "because": row.because,
        "scope": row.scope,
        "observed": serde_json::from_str::<Value>(&row.observed).unwrap_or(Value::Null),
        "subjects": subjects,
        "standard": row.standard,
        "assumptions": row.assumptions,
        "alternatives": row.alternatives,
        "base_rate": base_rate,
        "reproduce": row.reproduce,
    })
}

/// Prints one finding.
pub fn show(
    row: &FindingRow,
    subjects: &Subjects,
    screen: &Screen,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    if screen.json {
        return Ok(json_line(out, &value(row, subjects.json(row)))?);
    }
    writeln!(
        out,
        "{}  {}, strength {}, about {}",
        screen.strong(&row.rule),
        row.polarity,
        row.strength,
        row.about
    )?;
    for subject in subjects.json(row) {
        let text = |key: &str| printable(subject.get(key).and_then(Value::as_str).unwrap_or_default());
        writeln!(out, "  {}  {}", text("item_id"), text("path"))?;
    }
    if !row.scope.is_empty() {
        writeln!(out, "  scope       {}", printable(&row.scope))?;
    }
    if let Some(because) = &row.because {
        writeln!(out, "  because     {}", printable(because))?;
    }
    writeln!(out, "  observed    {}", printable(&row.observed))?;
    for (n, text) in row.alternatives.iter().enumerate() {
        writeln!(out, "  {:<11} {}", if n == 0 { "innocent" } else { "" }, printable(text))?;
    }
    if let (Some(hits), Some(of)) = (row.base_rate_hits, row.base_rate_of) {
        let corpus = row.base_rate_corpus.as_deref().unwrap_or_default();
        writeln!(out, "  honest mail {}: {}", share(hits, of), printable(corpus))?;
    }
    writeln!(out, "  see again   {}\n", printable(&row.reproduce))?;
    Ok(())
}
