//! `tamis summary`: what is in a case. Starts no engine: the sums stand beside the last commit.

use std::io::Write;

use serde_json::{Map, Value, json};
use tamis_case::{Case, SourceRow};
use tamis_model::{State, names::printable};

use super::{DONE, Outcome, examine, open_case};
use crate::{
    cli::CaseArg,
    failure::Failure,
    screen::{Screen, bytes, count, minute, rfc3339},
};

/// Runs it.
pub fn run(args: &CaseArg, screen: &Screen) -> Outcome {
    let started = std::time::Instant::now();
    let case = open_case(&args.case)?;
    print(&case, started.elapsed().as_secs_f64(), screen)?;
    Ok(DONE)
}

/// Prints the summary of a case; `seconds` is what the command took.
pub fn print(case: &Case, seconds: f64, screen: &Screen) -> Result<(), Failure> {
    if screen.json {
        return Ok(screen.print_json(&json(case, seconds)?)?);
    }
    let totals = case.totals();
    let mut out = screen.out();
    let mut line = |label: &str, text: String| writeln!(out, "{:<10}{text}", label);
    line("case", printable(&case.dir().to_string_lossy()))?;
    line("digest", case.digest()?.to_string())?;
    for source in case.sources()? {
        let unfinished = if source.finished { "" } else { "   (not read to its end)" };
        let path = printable(&source.path.to_string_lossy());
        line("source", format!("{}  {path}   {}{unfinished}", source.source_id, bytes(source.bytes)))?;
    }
    let states = State::ALL.into_iter().filter(|state| totals.in_state(*state) > 0);
    let states: Vec<String> =
        states.map(|state| format!("{state} {}", count(totals.in_state(state)))).collect();
    line("items", format!("{}   {}", count(totals.all_items()), states.join(" · ")))?;
    let sums = totals.bytes;
    line(
        "bytes",
        format!("in {} = read {} + unread {}", bytes(sums.received), bytes(sums.read), bytes(sums.unread)),
    )?;
    if sums.accounted != sums.received {
        line("", format!("only {} of these are accounted for: run tamis verify", bytes(sums.accounted)))?;
    }
    line(
        "mails",
        format!(
            "{} ({} different), {} senders{}",
            count(totals.messages),
            count(totals.messages_unique),
            count(totals.senders),
            totals.first.zip(totals.last).map_or(String::new(), |(first, last)| format!(
                ", {} to {} UTC",
                minute(first),
                minute(last)
            ))
        ),
    )?;
    line(
        "attached",
        format!("{} ({} different)", count(totals.attachments), count(totals.attachments_unique)),
    )?;
    if let Some((_, run)) = tamis_pipeline::examine::last(case).filter(|_| totals.messages_unique > 0) {
        examine::states(&run, &mut out)?;
        if !tamis_pipeline::examine::is_current(case, &run)? {
            writeln!(out, "{:<10}older than what the case holds or knows: run tamis examine", "")?;
        }
    }
    let mut line = |label: &str, text: String| writeln!(out, "{:<10}{text}", label);
    if totals.no_text > 0 {
        line(
            "no text",
            format!("{} pages or images hold no text and cannot be searched", count(totals.no_text)),
        )?;
    }
    line("time", format!("{seconds:.1} s"))?;
    out.flush()?;
    Ok(())
}

/// The value of `tamis summary --json`; its keys are a contract.
pub fn json(case: &Case, seconds: f64) -> Result<Value, Failure> {
    let totals = case.totals();
    let sources =
        case.sources()?.into_iter().map(|source| source_json(case, source)).collect::<Result<Vec<_>, _>>()?;
    let by_state: Map<String, Value> = State::ALL
        .into_iter()
        .map(|state| (state.as_str().to_owned(), totals.in_state(state).into()))
        .collect();
    let sums = totals.bytes;
    let examined = tamis_pipeline::examine::last(case).map(|(_, run)| run);
    Ok(json!({
        "case": case.dir().to_string_lossy(),
        "digest": case.digest()?.to_string(),
        "sources": sources,
        "items": { "total": totals.all_items(), "by_state": by_state },
        "bytes": { "in": sums.received, "accounted": sums.accounted, "read": sums.read, "unread": sums.unread },
        "messages": {
            "occurrences": totals.messages,
            "unique": totals.messages_unique,
            "senders": totals.senders,
            "first": totals.first.and_then(rfc3339),
            "last": totals.last.and_then(rfc3339),
            "by_state": examined.as_ref().map(examine::by_state),
        },
        "attachments": { "occurrences": totals.attachments, "unique": totals.attachments_unique },
        "findings": { "by_rule": examined.map(|run| run.by_rule).unwrap_or_default() },
        "seconds": (seconds * 1000.0).round() / 1000.0,
    }))
}

fn source_json(case: &Case, source: SourceRow) -> Result<Value, Failure> {
    // Of one file its own hash; of a folder the root over its files.
    let sha256 = match case.single_file(&source)? {
        Some(blob) => Some(blob.to_string()),
        None => source.received.clone(),
    };
    Ok(json!({
        "source_id": source.source_id.0,
        "path": source.path.to_string_lossy(),
        "bytes": source.bytes,
        "sha256": sha256,
    }))
}
