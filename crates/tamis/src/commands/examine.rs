//! `tamis examine`: the rules run again, with everything that is known now.

use std::{io::Write, path::Path};

use serde_json::json;
use tamis_model::{findings::MessageState, names::printable, tables::Time};
use tamis_pipeline::examine::{self, Examined, Now, Request, Run};

use super::{DONE, Outcome, findings, open, open_case};
use crate::{
    cli::{Examine, Findings, Global},
    failure::Failure,
    machine,
    progress::{Shown, stop_on_interrupt},
    screen::{Screen, count},
};

/// Runs it.
pub fn run(args: &Examine, global: &Global, screen: &Screen) -> Outcome {
    if let Some(rule) = &args.rule {
        findings::known_rule(rule)?;
    }
    let (examined, seconds) = case(&args.case, true, global, screen)?;
    if let Some(rule) = &args.rule {
        let of_rule = Findings { case: args.case.clone(), rule: Some(rule.clone()), state: None };
        return findings::run(&of_rule, screen);
    }
    if screen.json {
        screen.print_json(&json!({
            "case": args.case.to_string_lossy(),
            "as_of": examined.run.as_of,
            "judged": examined.judged,
            "messages": { "by_state": by_state(&examined.run) },
            "findings": { "by_rule": examined.run.by_rule },
            "seconds": (seconds * 1000.0).round() / 1000.0,
        }))?;
        return Ok(DONE);
    }
    let mut out = screen.out();
    states(&examined.run, &mut out)?;
    for (rule, n) in &examined.run.by_rule {
        writeln!(out, "  {:>10}  {rule}", count(*n))?;
    }
    writeln!(out, "time      {seconds:.1} s, {} mails judged, the others as before", count(examined.judged))?;
    out.flush()?;
    Ok(DONE)
}

/// Examines the case at `dir`; what it came to, and the seconds it took. `afresh`: nothing is taken over.
pub fn case(dir: &Path, afresh: bool, global: &Global, screen: &Screen) -> Result<(Examined, f64), Failure> {
    stop_on_interrupt();
    machine::prepare();
    let case = open_case(dir)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = global.jobs.map_or(cores, usize::from);
    let mut shown = Shown::new(screen);
    let now = match global.as_of {
        Some(_) => Now::Asked(as_of(global)),
        None => Now::Clock(as_of(global)),
    };
    let request = Request { now, jobs, afresh, at: &open::now(global) };
    let result = examine::examine(&case, request, &mut shown);
    let seconds = shown.finish();
    if !screen.quiet && matches!(result, Err(tamis_pipeline::Error::Stopped)) {
        eprintln!("stopped after {seconds:.1} s; what is committed stays, and the examination before");
    }
    Ok((result?, seconds))
}

/// The time that counts as now.
pub fn as_of(global: &Global) -> Time {
    Time(global.as_of.unwrap_or_else(jiff::Timestamp::now).as_microsecond())
}

/// The states of a run with zeros, as `summary --json` has them.
pub fn by_state(run: &Run) -> serde_json::Map<String, serde_json::Value> {
    let of = |state: MessageState| run.by_state.get(state.letter()).copied().unwrap_or(0);
    MessageState::ALL.into_iter().map(|state| (state.letter().to_owned(), of(state).into())).collect()
}

/// One line a state, in words.
pub fn states(run: &Run, out: &mut dyn Write) -> std::io::Result<()> {
    for (n, state) in MessageState::ALL.into_iter().enumerate() {
        let label = if n == 0 { "evidence" } else { "" };
        let mails = count(run.by_state.get(state.letter()).copied().unwrap_or(0));
        if n == 0 || mails != "0" {
            writeln!(out, "{label:<10}{mails:>10}  {state}  {}", printable(state.words()))?;
        }
    }
    Ok(())
}
