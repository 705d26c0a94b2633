//! `tamis audit`: who did what.

use std::io::Write;

use serde_json::json;
use tamis_model::names::printable;

use super::{DONE, Outcome, open_case};
use crate::{
    cli::CaseArg,
    screen::{Screen, json_line},
};

/// Runs it.
pub fn run(args: &CaseArg, screen: &Screen) -> Outcome {
    let mut out = screen.out();
    for entry in open_case(&args.case)?.audit()? {
        let (who, action, detail) =
            (printable(&entry.who), printable(&entry.action), printable(&entry.detail));
        if screen.json {
            let value = json!({
                "seq": entry.seq, "at": entry.at, "who": entry.who, "action": entry.action,
                "detail": entry.detail, "hash": entry.hash,
            });
            json_line(&mut out, &value)?;
        } else {
            writeln!(out, "{:>5}  {}  {who:<8} {action:<10} {detail}", entry.seq, printable(&entry.at))?;
        }
    }
    out.flush()?;
    Ok(DONE)
}
