//! What is said of signed mail, through the program: that no change passes for proof, that files made to
//! break a verifier cost a note at most, that the same case and keys give the same answer, and the names
//! and keys of it all.

mod contract;
mod letter;
mod mutants;
mod odd;
mod same;

use std::path::PathBuf;

use serde_json::Value;
use tamis_demo::{Layout, Plan, Scale, Truth};

use crate::desk::Desk;

/// The time that counts as now, so that no test depends on the day on which it runs.
const NOW: &str = "2026-01-15T12:00:00Z";

/// The demo's dump as `dump`, what it tells of keys beside it, and what else a desk would know of its
/// sealers and providers in `more.jsonl`.
fn signed_demo(desk: &Desk, scale: Scale, layout: Layout) -> Truth {
    let truth = tamis_demo::write(&Plan { scale, layout, seed: 1 }, &desk.path("dump")).unwrap();
    let sealers = truth.signed.sealers.iter();
    let sealers = sealers.map(|s| serde_json::json!({ "sealer": s.domain, "reason": s.reason }));
    let delegates = truth.signed.delegates.iter();
    let delegates =
        delegates.map(|d| serde_json::json!({ "signer": d.signer, "domain": d.domain, "reason": d.reason }));
    let lines: Vec<String> = sealers.chain(delegates).map(|value| format!("{value}\n")).collect();
    desk.write("more.jsonl", lines.concat());
    truth
}

/// All that the demo's desk knows, as arguments.
const KNOWN: [&str; 6] = ["--keys", "keys.jsonl", "--keys", "key-events.jsonl", "--keys", "more.jsonl"];

/// What `tamis check` says of files: one object each, in their order.
#[track_caller]
fn check(desk: &Desk, files: &[String], args: &[&str]) -> Vec<Value> {
    let command: Vec<&str> = ["check", "--json", "--quiet", "--as-of", NOW]
        .into_iter()
        .chain(args.iter().copied())
        .chain(files.iter().map(String::as_str))
        .collect();
    let said = desk.tamis(&command);
    assert!(matches!(said.code, 0 | 1), "{said:#?}");
    let rows = said.rows();
    let paths: Vec<_> = rows.iter().map(|row| row["path"].as_str().unwrap()).collect();
    assert_eq!(paths, files, "one object a file, in their order");
    // The exit code is the answer: 1 where a signature does not hold.
    let no = rows.iter().any(|row| matches!(row["state"].as_str(), Some("E" | "F")));
    assert_eq!(said.code == 1, no, "exit code {}", said.code);
    rows
}

/// The file in which a mail of a dump lies, of which each mail has one.
fn file_of(desk: &Desk, path: &str) -> PathBuf {
    desk.path("dump").join(path)
}
