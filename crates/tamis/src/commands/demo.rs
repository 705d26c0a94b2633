//! `tamis demo`: writes a dump whose truth is known, opens it, and holds what was found against the truth.

mod check;
mod signed;

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{BufReader, Write},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tamis_case::{Case, Options, Register};
use tamis_demo::{Layout, Plan, Scale, Truth};
use tamis_evidence::keys::{events::parse_events, imports};
use tamis_model::{
    keys::{Delegate, TrustedSealer},
    names::printable,
};

use super::{DONE, NO, Outcome, examine, open, open_case, summary};
use crate::{
    cli::{Demo, Global},
    failure::Failure,
    screen::{Screen, count},
};

/// The dump, in the folder beside the case.
const DUMP: &str = "dump";

/// Runs it.
pub fn run(args: &Demo, global: &Global, screen: &Screen) -> Outcome {
    let plan = Plan {
        scale: args.scale.map_or(Scale::Small, Scale::Fraction),
        seed: args.seed,
        layout: Layout::Mixed,
    };
    let folder = beside(&args.case);
    only_of(&args.case, &folder.join(DUMP))?;
    let (dump, truth) = dump(&plan, &folder, screen)?;
    let (opened, seconds) =
        open::read(std::slice::from_ref(&dump), &args.case, Options::default(), None, global, screen)?;
    tell(&args.case, &dump, &truth, global)?;
    let (_, judging) = examine::case(&args.case, false, global, screen)?;
    let seconds = seconds + judging;
    let case = open_case(&args.case)?;
    let report = check::all(&case, &truth, &states(&case)?, global)?;
    if screen.json {
        screen.print_json(&json!({
            "summary": summary::json(&case, seconds)?,
            "truth": truth.counts,
            "checks": report.checks().map(check::Check::json).collect::<Vec<Value>>(),
            "signatures": report.signed.iter().map(signed::Kind::json).collect::<Vec<Value>>(),
            "not_read_yet": report.waiting.iter().map(check::Words::json).collect::<Vec<Value>>(),
            "ok": report.differing() == 0,
        }))?;
    } else {
        summary::print(&case, seconds, screen)?;
        print(&report, &tamis_demo::truth_path(&dump), screen)?;
        open::closing(&opened, &args.case, screen);
        writeln!(screen.out(), "{}", verdict(&report))?;
    }
    Ok(if report.differing() == 0 { DONE } else { NO })
}

/// Tells the case what the desk of the demo knows of keys: the files that were written beside the dump.
fn tell(case: &Path, dump: &Path, truth: &Truth, global: &Global) -> Result<(), Failure> {
    let (keys, events) = (tamis_demo::keys_path(dump), tamis_demo::key_events_path(dump));
    let keys = imports::import(&fs::read(keys)?, Some(imports::Format::JsonLines), "keys.jsonl").observations;
    let (events, _) = parse_events(&fs::read(events)?);
    let sealers = truth.signed.sealers.iter();
    let sealers: Vec<_> = sealers
        .map(|sealer| TrustedSealer { domain: sealer.domain.clone(), reason: sealer.reason.clone() })
        .collect();
    let delegates = truth.signed.delegates.iter();
    let delegates: Vec<_> = delegates
        .map(|line| Delegate {
            signer: line.signer.clone(),
            domain: line.domain.clone(),
            reason: line.reason.clone(),
        })
        .collect();
    let (mut register, at, from) = (Register::open(case)?, open::now(global), "the demo");
    register.add(&keys, from, "tamis", &at)?;
    register.add(&events, from, "tamis", &at)?;
    register.add(&sealers, from, "tamis", &at)?;
    register.add(&delegates, from, "tamis", &at)?;
    Ok(())
}

/// State and reason of every message.
fn states(case: &Case) -> Result<signed::States, Failure> {
    let mut states = signed::States::new();
    if let Some((dir, _)) = tamis_pipeline::examine::last(case) {
        tamis_pipeline::examine::message_states(
            &dir,
            |_| true,
            |blob, row| {
                states.insert(blob.to_string(), (row.state, row.reason));
                Ok(())
            },
        )?;
    }
    Ok(states)
}

/// The folder that holds the dump and its truth: `demo` beside `demo.case`.
fn beside(case: &Path) -> PathBuf {
    if case.extension().is_some_and(|extension| extension == "case") {
        return case.with_extension("");
    }
    let mut name: OsString = case.components().as_path().into();
    name.push(".demo");
    name.into()
}

/// The dump of `plan` and its truth: the one that is there, or a new one.
fn dump(plan: &Plan, folder: &Path, screen: &Screen) -> Result<(PathBuf, Truth), Failure> {
    let dump = folder.join(DUMP);
    let truth_path = tamis_demo::truth_path(&dump);
    let in_the_way = |because: String| {
        let shown = printable(&folder.to_string_lossy());
        Failure::unusable(
            format!("the dump cannot be written into {shown}"),
            because,
            format!("name another case with --case DIR, or remove {shown} if nobody needs it"),
        )
    };
    if dump.is_dir() && truth_path.is_file() {
        let read = File::open(&truth_path).map_err(|error| error.to_string()).and_then(|file| {
            serde_json::from_reader(BufReader::new(file))
                .map_err(|error: serde_json::Error| error.to_string())
        });
        let truth: Truth =
            read.map_err(|error| in_the_way(format!("its truth.json cannot be read: {error}")))?;
        return if same(&truth.plan, plan) {
            Ok((dump, truth))
        } else {
            Err(in_the_way("the dump in it was written with another --scale or --seed".to_owned()))
        };
    }
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => {
            return Err(in_the_way(
                "it holds something else, or a dump that was not written to its end".to_owned(),
            ));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(in_the_way(error.to_string())),
    }
    if !screen.quiet {
        eprintln!("writing {} mails into {}", count(plan.scale.mails()), printable(&dump.to_string_lossy()));
    }
    // The dump gets its name when it is whole, so that what an interrupted run leaves is never opened.
    let part = folder.join("dump.part");
    let truth = tamis_demo::write(plan, &part).map_err(|error| {
        let because = std::error::Error::source(&error).map_or(String::new(), ToString::to_string);
        Failure::unusable(
            error.to_string(),
            because,
            "check the folder's permissions and the space on its disk",
        )
    })?;
    fs::rename(&part, &dump)?;
    Ok((dump, truth))
}

/// Whether `one`, which may have been read from JSON, is `other`: a number read back from there need not be
/// the same to the last bit.
fn same(one: &Plan, other: &Plan) -> bool {
    let text = |plan: &Plan| {
        let written = serde_json::to_string(plan).unwrap_or_default();
        serde_json::from_str::<Plan>(&written).ok()
    };
    one == other || Some(one) == text(other).as_ref()
}

/// Refuses a case that holds another dump: the figures would be those of both.
fn only_of(case: &Path, dump: &Path) -> Result<(), Failure> {
    if !case.join("case.db").exists() {
        return Ok(());
    }
    let dump = dump.canonicalize().or_else(|_| std::path::absolute(dump))?;
    match open_case(case)?.sources()?.iter().find(|source| source.path != dump) {
        None => Ok(()),
        Some(other) => Err(Failure::unusable(
            format!("{} is not a case of the demo alone", case.display()),
            format!("it holds {}", other.path.display()),
            "name another case with --case DIR",
        )),
    }
}

/// What was planted beside what was found.
fn print(report: &check::Report, truth: &Path, screen: &Screen) -> Result<(), Failure> {
    let mut out = screen.out();
    let mark = |ok: bool| if ok { "" } else { "   DIFFERS" };
    writeln!(out, "\nwhat was found, beside the truth in {}", printable(&truth.to_string_lossy()))?;
    for (title, checks) in &report.sections {
        let rows: Vec<[String; 3]> =
            checks.iter().map(|check| [check.what.clone(), text(&check.truth), text(&check.found)]).collect();
        let width = |column: &dyn Fn(&[String; 3]) -> &String, least: usize| {
            rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0).max(least)
        };
        let (what, truth) = (width(&|row| &row[0], 30), width(&|row| &row[1], 12));
        let found = width(&|row| &row[2], 12);
        let title = screen.strong(&pad(title, what + 4));
        writeln!(out, "\n{title}{:>truth$}  {:>found$}", "truth", "found")?;
        for (row, check) in rows.iter().zip(checks) {
            let [name, planted, seen] = row;
            writeln!(out, "  {}{planted:>truth$}  {seen:>found$}{}", pad(name, what + 2), mark(check.ok))?;
        }
    }
    let columns = format!("{:>8}  {:>8}  {:>8}  {:>8}", "planted", "found", "missed", "too many");
    writeln!(out, "\n{}{columns}", screen.strong(&pad("planted words", 34)))?;
    for words in &report.words {
        writeln!(out, "{}{}", words_line(words), mark(words.check().ok))?;
    }
    if !report.signed.is_empty() {
        let columns =
            format!("{:>8}  {:>8}  {:>8}  {:>8}  {:>8}", "state", "planted", "found", "missed", "wrongly");
        writeln!(out, "\n{}{columns}", screen.strong(&pad("signatures", 34)))?;
        for kind in &report.signed {
            writeln!(out, "{}{}", signed_line(kind), mark(kind.check().ok))?;
        }
    }
    if !report.waiting.is_empty() {
        let title = "planted words, not yet read (their readers come in a later version; counted apart)";
        writeln!(out, "\n{}", screen.strong(title))?;
        for words in &report.waiting {
            writeln!(out, "{}", words_line(words))?;
        }
    }
    out.flush()?;
    Ok(())
}

fn words_line(words: &check::Words) -> String {
    let (planted, found) = (count(words.planted), count(words.found));
    let (missed, extra) = (count(words.missed), count(words.extra));
    format!("  {}{planted:>8}  {found:>8}  {missed:>8}  {extra:>8}", pad(&words.place, 32))
}

fn signed_line(kind: &signed::Kind) -> String {
    let [planted, found] = [kind.planted, kind.found].map(count);
    let [missed, flagged] = [kind.missed, kind.flagged].map(count);
    let (name, state) = (pad(&kind.kind, 32), &kind.expected);
    format!("  {name}{state:>8}  {planted:>8}  {found:>8}  {missed:>8}  {flagged:>8}")
}

/// A figure for people.
fn text(value: &Value) -> String {
    match value {
        Value::Number(number) => number.as_u64().map_or(number.to_string(), count),
        Value::String(text) => printable(text),
        other => other.to_string(),
    }
}

/// `text` and blanks up to `width` characters, at least one.
fn pad(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(text.chars().count()).max(1);
    format!("{text}{}", " ".repeat(blanks))
}

fn verdict(report: &check::Report) -> String {
    let all = count(report.checks().count() as u64);
    let waiting: u64 = report.waiting.iter().map(|words| words.planted).sum();
    let apart = match waiting {
        0 => String::new(),
        n => format!("; {} planted words stand in formats that are not read yet", count(n)),
    };
    match report.differing() {
        0 => format!("all {all} checks agree{apart}"),
        n => format!("{} of {all} checks differ{apart}", count(n)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dump_lies_beside_the_case() {
        for (case, folder) in [
            ("demo.case", "demo"),
            ("/tmp/big.case", "/tmp/big"),
            ("/tmp/a.b.case/", "/tmp/a.b"),
            ("/tmp/affaire", "/tmp/affaire.demo"),
            ("x.cases", "x.cases.demo"),
        ] {
            assert_eq!(beside(Path::new(case)), Path::new(folder), "{case}");
        }
    }

    #[test]
    fn a_plan_is_the_same_after_it_was_written() {
        for scale in [Scale::Small, Scale::Fraction(0.1), Scale::Fraction(1.0 / 3.0), Scale::Fraction(0.7)] {
            let plan = Plan { scale, seed: u64::MAX, layout: Layout::Mixed };
            let read: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
            assert!(same(&read, &plan), "{scale:?}");
        }
        let (one, other) = (Plan::default(), Plan { seed: 2, ..Plan::default() });
        assert!(!same(&one, &other));
    }
}
