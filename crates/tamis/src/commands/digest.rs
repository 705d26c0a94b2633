//! `tamis digest`: the one line to compare.

use std::io::Write;

use serde_json::json;
use tamis_model::ids::hex;

use super::{DONE, Outcome, open_case};
use crate::{cli::CaseArg, screen::Screen};

/// Runs it.
pub fn run(args: &CaseArg, screen: &Screen) -> Outcome {
    let digest = open_case(&args.case)?.digest()?;
    if screen.json {
        let (received, read) = (hex(&digest.received), hex(&digest.read));
        screen.print_json(&json!({ "received": received, "read": read, "unsettled": digest.unsettled }))?;
    } else {
        let mut out = screen.out();
        writeln!(out, "{digest}")?;
        out.flush()?;
    }
    Ok(DONE)
}
