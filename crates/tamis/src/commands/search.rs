//! `tamis search`: the desk's query language over all text.

use std::io::Write;

use serde_json::json;
use tamis_model::{findings::MessageState, names::printable};
use tamis_pipeline::{examine, index};
use tamis_search::{
    Hit, Options, Query, Searcher, Sort,
    terms::{self, Lines},
};

use super::{DONE, Outcome, open_case};
use crate::{
    cli::{self, Search},
    failure::Failure,
    screen::{Screen, count, json_line, minute, rfc3339},
};

/// Longest file of terms that is read.
const TERMS_BYTES: u64 = 64 << 20;

/// Runs it.
pub fn run(args: &Search, screen: &Screen) -> Outcome {
    let query = args.query.as_deref().map(Query::parse).transpose()?;
    let case = open_case(&args.case)?;
    let mut searcher = index::searcher(&case)?;
    if let Some((dir, run)) = examine::last(&case) {
        if query.as_ref().is_some_and(Query::asks_states) && !examine::is_current(&case, &run)? {
            eprintln!("the states are older than what the case holds or knows: run `tamis examine`");
        }
        searcher = searcher.with_states(Some(std::sync::Arc::new(examine::states(&dir)?)));
    }
    let options = Options {
        limit: args.limit,
        offset: args.offset,
        sort: match args.sort {
            cli::Sort::Relevance => Sort::Relevance,
            cli::Sort::Date => Sort::Date,
            cli::Sort::Newest => Sort::DateDesc,
            cli::Sort::Walk => Sort::Walk,
            cli::Sort::Size => Sort::Size,
        },
        fold: args.fold,
        last_batch: case.last_batch(),
    };
    match (&query, &args.terms) {
        (Some(query), _) => one(&searcher, query, &options, screen)?,
        (None, Some(file)) => list(&searcher, file, &options, screen)?,
        (None, None) => {}
    }
    Ok(DONE)
}

fn one(searcher: &Searcher, query: &Query, options: &Options, screen: &Screen) -> Result<(), Failure> {
    let found = searcher.find(query, options)?;
    let total = found.total;
    let mut out = screen.out();
    let mut shown = 0;
    for hit in found {
        show(&mut out, &hit?, None, screen)?;
        shown += 1;
    }
    if !screen.json {
        match (total, shown) {
            (0, _) => writeln!(out, "no items")?,
            (total, shown) if shown == total => writeln!(out, "{} items", count(total))?,
            (total, shown) => {
                writeln!(out, "{} of {} items; --limit and --offset show others", count(shown), count(total))?
            }
        }
    }
    out.flush()?;
    Ok(())
}

fn list(
    searcher: &Searcher,
    file: &std::path::Path,
    options: &Options,
    screen: &Screen,
) -> Result<(), Failure> {
    let shown = printable(&file.to_string_lossy());
    let unusable = |because: String| {
        Failure::unusable(
            format!("cannot read the terms in {shown}"),
            because,
            "one term a line, as UTF-8 text",
        )
    };
    let size = std::fs::metadata(file).map_err(|error| unusable(error.to_string()))?.len();
    if size > TERMS_BYTES {
        return Err(unusable(format!("it is larger than {TERMS_BYTES} bytes")));
    }
    let text = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
    let text = String::from_utf8(text).map_err(|error| unusable(error.to_string()))?;
    let mut out = screen.out();
    for term in terms::search(searcher, &text, Lines::Literal, options) {
        let name = printable(term.term);
        match term.hits {
            Ok(hits) => {
                if screen.json {
                    let value = json!({ "term": term.term, "line": term.line, "total": hits.total });
                    json_line(&mut out, &value)?;
                } else {
                    writeln!(out, "{:>8}  {name}", count(hits.total))?;
                }
                for hit in &hits.hits {
                    show(&mut out, hit, Some(term.term), screen)?;
                }
            }
            Err(error) if screen.json => {
                let value = json!({ "term": term.term, "line": term.line, "error": error.to_string() });
                json_line(&mut out, &value)?;
            }
            Err(error) => writeln!(out, "       ?  {name}: {error}")?,
        }
    }
    out.flush()?;
    Ok(())
}

fn show(out: &mut dyn Write, hit: &Hit, term: Option<&str>, screen: &Screen) -> Result<(), Failure> {
    if screen.json {
        let mut value = json!({
            "item_id": hit.item_id.to_string(),
            "blob": hit.blob.map(|blob| blob.to_string()),
            "score": hit.score,
            "path": hit.path,
            "kind": hit.kind,
            "date": hit.date.and_then(rfc3339),
            "from": hit.from,
            "subject": hit.subject,
            "state": hit.evidence.map(MessageState::letter),
            "snippet": hit.snippet,
            "copies": hit.copies,
        });
        if let (Some(term), Some(object)) = (term, value.as_object_mut()) {
            object.insert("term".to_owned(), term.into());
        }
        return Ok(json_line(out, &value)?);
    }
    let date = hit.date.map_or("                ".to_owned(), minute);
    let from = printable(hit.from.as_deref().unwrap_or(""));
    let subject = printable(hit.subject.as_deref().unwrap_or(""));
    writeln!(out, "{date}  {}  {}", screen.strong(&from), subject)?;
    let copies = if hit.copies > 1 { format!("   {} copies", count(hit.copies)) } else { String::new() };
    let state = hit.evidence.map_or(String::new(), |state| format!("  {state}"));
    writeln!(out, "  {}  {}{state}  {}{copies}", hit.item_id, printable(&hit.kind), printable(&hit.path))?;
    if !hit.snippet.is_empty() {
        writeln!(out, "  {}", marked(hit, screen))?;
    }
    Ok(())
}

/// The snippet with its matches in bold; without colour, in square brackets.
fn marked(hit: &Hit, screen: &Screen) -> String {
    let plain = screen.strong("x") == "x";
    let mut text = String::new();
    let mut at = 0;
    for mark in &hit.marks {
        let (Some(before), Some(word)) = (hit.snippet.get(at..mark.start), hit.snippet.get(mark.clone()))
        else {
            break;
        };
        text.push_str(before);
        text.push_str(&if plain { format!("[{word}]") } else { screen.strong(word) });
        at = mark.end;
    }
    text.push_str(hit.snippet.get(at..).unwrap_or(""));
    text
}
