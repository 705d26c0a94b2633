//! `tamis keys import`: files and folders into the case, then the mails that they concern are judged again.

use std::io::Write;

use serde_json::{Map, Value, json};
use tamis_case::Told as Kind;
use tamis_evidence::keys::imports::Format;
use tamis_model::{
    keys::{Channel, Delegate, KeyEvent, KeyObservation, TrustedSealer},
    names::printable,
};

use super::{
    Change, Outcome, Teller,
    read::{Columns, Found, How},
    some,
};
use crate::{
    cli::{Global, KeysImport},
    commands::DONE,
    failure::Failure,
    screen::{Screen, count},
};

/// Runs it.
pub fn run(args: &KeysImport, global: &Global, screen: &Screen) -> Outcome {
    let how = how(args)?;
    let names: Vec<_> = args.files.iter().map(|file| file.to_string_lossy()).collect();
    let mut teller = Teller::new(&args.case, names.join(", "), global)?;
    // Everything is read before anything is told: a name that was mistyped leaves the case as it is.
    let mut found = Found::default();
    for file in &args.files {
        found.read(file, &how)?;
    }
    found.print_problems();
    some(&found, &args.files)?;
    let told = &found.told;
    if how.channel.is_some_and(Channel::is_witnessed)
        && let Some(key) = told.keys.iter().find(|key| key.channel.is_witnessed() && key.witness.is_none())
    {
        let name = format!("{}._domainkey.{}", key.selector, key.domain);
        eprintln!("nobody is named who saw {}: --witness says who looked", printable(&name));
    }

    let added = [
        (KeyObservation::KIND, teller.add(&told.keys)?),
        (KeyEvent::KIND, teller.add(&told.events)?),
        (TrustedSealer::KIND, teller.add(&told.sealers)?),
        (Delegate::KIND, teller.add(&told.delegates)?),
    ];
    let new: usize = added.iter().map(|(_, n)| n).sum();
    let known = found.len().saturating_sub(new);
    let change = Change::of(&args.case, global, screen)?;
    if screen.json {
        let added: Map<String, Value> =
            added.iter().map(|(kind, n)| ((*kind).to_owned(), (*n).into())).collect();
        let problems = found.problems.iter();
        let problems: Vec<Value> =
            problems.map(|p| json!({ "file": p.file, "line": p.line, "problem": p.what })).collect();
        screen.print_json(&json!({
            "added": added,
            "known": known,
            "problems": problems,
            "messages": change.json(),
        }))?;
        return Ok(DONE);
    }
    let mut out = screen.out();
    let words = ["observations of keys", "key events", "trusted sealers", "delegates"];
    for (n, (word, (_, added))) in
        words.iter().zip(added).enumerate().filter(|(n, (_, (_, added)))| *n == 0 || *added > 0)
    {
        writeln!(out, "{:<10}{:>10}   {word}", if n == 0 { "added" } else { "" }, count(added as u64))?;
    }
    if known > 0 {
        writeln!(out, "{:<10}{:>10}   were known", "", count(known as u64))?;
    }
    change.print(&mut out)?;
    out.flush()?;
    Ok(DONE)
}

fn how(args: &KeysImport) -> Result<How, Failure> {
    // Both are words that the command line has checked.
    let format = args.format.as_deref().and_then(Format::parse);
    let channel = args.channel.as_deref().and_then(Channel::parse);
    let map = args.map.as_deref().map(Columns::parse).transpose()?;
    if map.is_some() && format.is_some_and(|format| format != Format::Csv) {
        return Err(Failure::unusable(
            "--map and --format do not go together",
            "a mapping names the columns of a table",
            "leave --format out, or write --format csv",
        ));
    }
    let witness = args.witness.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(How { format, map, channel, witness })
}
