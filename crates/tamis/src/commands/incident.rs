//! `tamis incident`: dated intrusions, which sharpen what a signature of that time says.

use std::{io::Write, path::Path};

use serde_json::{Value, json};
use tamis_evidence::keys::imports::print_time;
use tamis_model::{
    keys::{Incident as Noted, IncidentWhat},
    names::printable,
};

use super::{
    DONE, Outcome,
    keys::{Change, Teller},
    open_case,
};
use crate::{
    cli::{Global, Incident, IncidentAdd},
    dates::{self, End},
    failure::Failure,
    screen::{Screen, json_line},
};

/// Runs it.
pub fn run(args: &Incident, global: &Global, screen: &Screen) -> Outcome {
    match args {
        Incident::Add(args) => add(args, global, screen),
        Incident::List(args) => list(&args.case, screen),
    }
}

fn add(args: &IncidentAdd, global: &Global, screen: &Screen) -> Outcome {
    let noted = noted(args)?;
    let mut teller = Teller::new(&args.case, "tamis incident add", global)?;
    let added = teller.add(std::slice::from_ref(&noted))?;
    let change = Change::of(&args.case, global, screen)?;
    if screen.json {
        let messages = change.json();
        screen.print_json(&json!({ "added": added, "incident": value(&noted), "messages": messages }))?;
        return Ok(DONE);
    }
    let mut out = screen.out();
    let word = if added > 0 { "noted" } else { "known" };
    writeln!(out, "{word:<10}{}", line(&noted))?;
    change.print(&mut out)?;
    out.flush()?;
    Ok(DONE)
}

fn noted(args: &IncidentAdd) -> Result<Noted, Failure> {
    let unusable =
        |because: &str, hint: &str| Failure::unusable("the incident cannot be noted", because, hint);
    let what = IncidentWhat::parse(&args.what).ok_or_else(|| {
        unusable("that is none of what an intruder can have had", "see `tamis help incident`")
    })?;
    let from = dates::parse(&args.from, End::First)?;
    let to = args.to.as_deref().map(|to| dates::parse(to, End::Last)).transpose()?;
    if to.is_some_and(|to| to < from) {
        return Err(unusable("it ends before it begins", "--from is the first day, --to the last"));
    }
    let filled = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
    let whose = filled(&args.whose).ok_or_else(|| {
        unusable("it is not said whose it was", "--whose names an address, a domain, or a person")
    })?;
    let source = args.source.as_deref().and_then(filled);
    Ok(Noted { what, whose: Some(whose), from, to, source })
}

fn list(dir: &Path, screen: &Screen) -> Outcome {
    let case = open_case(dir)?;
    let mut incidents: Vec<Noted> = case.told()?;
    incidents.sort_by(|a, b| a.from.cmp(&b.from).then_with(|| a.cmp(b)));
    let mut out = screen.out();
    for incident in &incidents {
        match screen.json {
            true => json_line(&mut out, &value(incident))?,
            false => writeln!(out, "{}", line(incident))?,
        }
    }
    if incidents.is_empty() && !screen.json {
        writeln!(out, "no intrusion is noted")?;
    }
    out.flush()?;
    Ok(DONE)
}

fn value(incident: &Noted) -> Value {
    json!({
        "what": incident.what.as_str(),
        "whose": incident.whose,
        "from": print_time(incident.from),
        "to": incident.to.and_then(print_time),
        "source": incident.source,
    })
}

fn line(incident: &Noted) -> String {
    let from = print_time(incident.from).unwrap_or_default();
    let to = incident.to.and_then(print_time).unwrap_or_else(|| "not known to have ended".to_owned());
    let whose = printable(incident.whose.as_deref().unwrap_or("nobody named"));
    let source = printable(incident.source.as_deref().unwrap_or("no source named"));
    format!("{from} to {to}  {} of {whose}  ({source})", incident.what.as_str())
}
