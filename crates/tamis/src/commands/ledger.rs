//! `tamis ledger`: what became of every byte.

use std::io::Write;

use serde_json::json;
use tamis_model::{Outcome as Became, SourceId, State, names::printable, tables::Item};

use super::{DONE, Outcome, open_case};
use crate::{
    cli::Ledger,
    screen::{Screen, bytes, count, json_line},
};

/// Runs it.
pub fn run(args: &Ledger, screen: &Screen) -> Outcome {
    let case = open_case(&args.case)?;
    let mut out = screen.out();
    let mut failed = None;
    let mut shown = 0;
    case.items(|item| {
        let wanted = args.state.is_none_or(|state| state == item.state)
            && args.source.is_none_or(|source| SourceId(source) == item.source_id);
        if wanted && failed.is_none() {
            shown += 1;
            failed = line(&mut out, &item, screen).err();
        }
        Ok(())
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    if !screen.json {
        let totals = case.totals();
        writeln!(out, "\n{} of {} items", count(shown), count(totals.all_items()))?;
        for state in State::ALL {
            writeln!(out, "{:>12}  {state}", count(totals.in_state(state)))?;
        }
        let sums = totals.bytes;
        writeln!(
            out,
            "in {} bytes = read {} + unread {}; accounted {}",
            count(sums.received),
            count(sums.read),
            count(sums.unread),
            count(sums.accounted)
        )?;
    }
    out.flush()?;
    Ok(DONE)
}

fn line(out: &mut dyn Write, item: &Item, screen: &Screen) -> std::io::Result<()> {
    if screen.json {
        let value = json!({
            "source_id": item.source_id.0,
            "item_id": item.item_id.to_string(),
            "path": item.path,
            "blob": item.blob.map(|blob| blob.to_string()),
            "bytes": item.bytes,
            "state": item.state.as_str(),
            "reason": item.reason.map(|reason| reason.as_str()),
            "reader": item.reader,
        });
        return json_line(out, &value);
    }
    let became = Became { state: item.state, reason: item.reason }.to_string();
    writeln!(out, "{}  {became:<22} {:>9}  {}", item.item_id, bytes(item.bytes), printable(&item.path))
}
