//! `tamis verify`: the whole case again, from its bytes.

use std::io::Write;

use serde_json::json;
use tamis_case::Problem;
use tamis_model::names::printable;

use super::{DONE, NO, Outcome, open_case, proofs};
use crate::{
    cli::{CaseArg, Global},
    failure::{Failure, STOPPED},
    progress,
    screen::{Screen, bytes, count},
};

/// Runs it.
pub fn run(args: &CaseArg, global: &Global, screen: &Screen) -> Outcome {
    progress::stop_on_interrupt();
    let case = open_case(&args.case)?;
    let mut read = 0;
    let mut checked = case.verify(|n| {
        read += n;
        !progress::stopped()
    });
    if progress::stopped() {
        return Ok(STOPPED);
    }
    let of_rules = tamis_pipeline::examine::problems(&case).into_iter();
    checked.problems.extend(of_rules.map(|(what, location)| Problem { what, location }));
    let mut proofs = 0;
    if checked.problems.is_empty() {
        let (read_again, differ) = proofs::again(&case, global, screen)?;
        proofs = read_again;
        checked.problems.extend(differ);
    }
    if progress::stopped() {
        return Ok(STOPPED);
    }
    let ok = checked.problems.is_empty();
    if screen.json {
        let problems =
            checked.problems.iter().map(|problem| json!({ "what": problem.what, "where": problem.location }));
        screen.print_json(&json!({
            "ok": ok,
            "batches": checked.batches,
            "blobs": checked.blobs,
            "equations": checked.equations,
            "audit": checked.audit,
            "problems": problems.collect::<Vec<_>>(),
        }))?;
    } else {
        print(&checked, proofs, read, screen)?;
    }
    Ok(if ok { DONE } else { NO })
}

fn print(checked: &tamis_case::Checked, proofs: u64, read: u64, screen: &Screen) -> Result<(), Failure> {
    let mut out = screen.out();
    for problem in &checked.problems {
        writeln!(out, "problem   {}: {}", printable(&problem.location), printable(&problem.what))?;
    }
    writeln!(
        out,
        "{}   {} batches, {} contents, {} equations, {} audit entries, {} proven mails; {} read again",
        if checked.problems.is_empty() { "holds  " } else { "does not hold" },
        count(checked.batches),
        count(checked.blobs),
        count(checked.equations),
        count(checked.audit),
        count(proofs),
        bytes(read)
    )?;
    out.flush()?;
    Ok(())
}
