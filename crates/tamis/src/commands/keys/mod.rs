//! `tamis keys`: what is known of signing keys, what is lacking, and where it can come from.

mod fetch;
mod import;
mod list;
mod read;
mod recover;
mod wanted;

use std::{io::Write, path::Path};

use serde_json::{Map, Value};
use tamis_case::{CaseError, Register, Told as Kind};
use tamis_model::{findings::MessageState, names::printable};
use tamis_pipeline::examine::{self as pipeline, Run, Told};

use super::{Outcome, examine, open, open_case};
use crate::{
    cli::{Global, Keys},
    failure::Failure,
    screen::{Screen, count},
};
use read::{Found, How};

/// Runs it.
pub fn run(args: &Keys, global: &Global, screen: &Screen) -> Outcome {
    match args {
        Keys::Import(args) => import::run(args, global, screen),
        Keys::List(args) => list::list(&args.case, screen),
        Keys::Wanted(args) => wanted::run(&args.case, screen),
        Keys::Recover(args) => recover::run(args, global, screen),
        Keys::Fetch(args) => fetch::run(args, global, screen),
        Keys::Export(args) => list::export(&args.case, screen),
    }
}

/// Reads a file (or folder) of key observations, events, sealers and delegates, in any form that `tamis keys
/// import` reads. What cannot be used is named on standard error.
///
/// # Errors
/// It cannot be read, or nothing in it can be used.
pub fn read_into(told: &mut Told, file: &Path) -> Result<(), Failure> {
    let mut found = Found::default();
    found.read(file, &How::default())?;
    found.print_problems();
    some(&found, &[file])?;
    let Told { keys, events, incidents: _, sealers, delegates } = found.told;
    told.keys.extend(keys);
    told.events.extend(events);
    told.sealers.extend(sealers);
    told.delegates.extend(delegates);
    Ok(())
}

/// Fails where nothing can be used.
fn some(found: &Found, files: &[impl AsRef<Path>]) -> Result<(), Failure> {
    if found.len() > 0 {
        return Ok(());
    }
    let names: Vec<String> = files.iter().map(|file| printable(&file.as_ref().to_string_lossy())).collect();
    let because = match found.problems.len() {
        0 => "it holds no observation of a key, no event, sealer or delegate",
        _ => "no line of it can be used; they are named above",
    };
    Err(Failure::unusable(
        format!("no keys in {}", names.join(", ")),
        because,
        "`tamis help keys` shows what is read; --format says what a file is",
    ))
}

// ---- told, and judged again ----

/// Tells a case, by name and time of the audit chain.
pub struct Teller {
    register: Register,
    from: String,
    at: String,
}

impl Teller {
    /// For the case at `dir`; `from`: where what it will be told comes from.
    pub fn new(dir: &Path, from: impl Into<String>, global: &Global) -> Result<Teller, Failure> {
        Ok(Teller { register: Register::open(dir)?, from: from.into(), at: open::now(global) })
    }

    /// Adds what is new; how many that were.
    pub fn add<T: Kind>(&mut self, values: &[T]) -> Result<usize, CaseError> {
        match values {
            [] => Ok(0),
            values => self.register.add(values, &self.from, "tamis", &self.at),
        }
    }
}

/// What a case's mails were judged to be before it was told something, and after.
pub struct Change {
    before: Option<Run>,
    after: Option<Run>,
}

impl Change {
    /// Examines the case at `dir` again, as far as what it was told concerns; not at all if it holds nothing.
    pub fn of(dir: &Path, global: &Global, screen: &Screen) -> Result<Change, Failure> {
        let case = open_case(dir)?;
        let before = pipeline::last(&case).map(|(_, run)| run);
        let is_empty = case.last_batch() == 0;
        drop(case);
        let after = match is_empty {
            true => None,
            false => Some(examine::case(dir, false, global, screen)?.0.run),
        };
        Ok(Change { before, after })
    }

    /// `{"by_state":…,"before":…}`, each of which is null where nothing was judged.
    pub fn json(&self) -> Value {
        let of = |run: &Option<Run>| run.as_ref().map(examine::by_state);
        let (after, before) = (of(&self.after), of(&self.before));
        let value = [("by_state", after), ("before", before)].map(|(key, map): (_, Option<Map<_, _>>)| {
            (key.to_owned(), map.map_or(Value::Null, Value::Object))
        });
        Value::Object(value.into_iter().collect())
    }

    /// One line for each state in which mails are or were.
    pub fn print(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let Some(after) = &self.after else {
            return writeln!(out, "{:<10}nothing: the case holds no mail yet", "judged");
        };
        let mut label = "judged";
        for state in MessageState::ALL {
            let of = |run: &Run| run.by_state.get(state.letter()).copied().unwrap_or(0);
            let (now, then) = (of(after), self.before.as_ref().map(of));
            if now == 0 && then.unwrap_or(0) == 0 {
                continue;
            }
            let change = match then {
                Some(then) if then != now => format!("{:>10} → {:<10}", count(then), count(now)),
                _ => format!("{:>10}   {:<10}", count(now), ""),
            };
            writeln!(out, "{label:<10}{change}  {state}  {}", printable(state.words()))?;
            label = "";
        }
        Ok(())
    }
}
