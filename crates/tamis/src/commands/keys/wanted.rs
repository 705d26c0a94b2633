//! `tamis keys wanted`: the keys that would let mails be checked.

use std::{io::Write, path::Path};

use serde_json::{Value, json};
use tamis_case::Case;
use tamis_evidence::keys::observations::{KeyBook, normal_pair};
use tamis_model::{names::printable, tables::Time};
use tamis_pipeline::{
    examine::Told,
    keys::{self, Wanted},
};

use super::Outcome;
use crate::{
    commands::{DONE, open_case},
    failure::Failure,
    screen::{Screen, count, json_line, rfc3339},
};

/// Runs it.
pub fn run(dir: &Path, screen: &Screen) -> Outcome {
    let case = open_case(dir)?;
    let mut out = screen.out();
    let mut shown = 0;
    for wanted in of(&case)?.iter().filter(|wanted| wanted.known.is_none()) {
        match screen.json {
            true => json_line(&mut out, &value(wanted))?,
            false => show(wanted, screen, &mut out)?,
        }
        shown += 1;
    }
    if !screen.json {
        writeln!(out, "{} keys are lacking", count(shown))?;
    }
    out.flush()?;
    Ok(DONE)
}

/// Pairs that wait for a key somebody outside the case saw.
pub fn of(case: &Case) -> Result<Vec<Wanted>, Failure> {
    let told = Told::of(case)?;
    Ok(keys::wanted(case, &KeyBook::new(told.keys, told.events))?)
}

/// Those of a domain, or a selector, where these are named.
pub fn chosen<'w>(
    all: &'w [Wanted],
    domain: Option<&str>,
    selector: Option<&str>,
) -> impl Iterator<Item = &'w Wanted> {
    let normal = |name: Option<&str>| name.map(|name| normal_pair(name, "").0);
    let (domain, selector) = (normal(domain), normal(selector));
    all.iter().filter(move |wanted| {
        domain.as_ref().is_none_or(|domain| *domain == wanted.domain)
            && selector.as_ref().is_none_or(|selector| *selector == wanted.selector)
    })
}

fn value(wanted: &Wanted) -> Value {
    let time = |time: Option<Time>| time.and_then(|time| rfc3339(time.0));
    json!({
        "domain": wanted.domain,
        "selector": wanted.selector,
        "mails": wanted.mails,
        "first": time(wanted.first),
        "last": time(wanted.last),
        "algorithms": wanted.algorithms,
        "clean": wanted.clean,
        "recoverable": wanted.recoverable,
    })
}

fn show(wanted: &Wanted, screen: &Screen, out: &mut dyn Write) -> Result<(), Failure> {
    let day = |time: Option<Time>| match time.and_then(|time| rfc3339(time.0)) {
        Some(text) => text.chars().take_while(|c| *c != 'T').collect(),
        None => "?".to_owned(),
    };
    let recoverable = if wanted.recoverable { "  can be computed" } else { "" };
    writeln!(
        out,
        "{:>10}  {}  {} to {}  {}{recoverable}",
        count(wanted.mails),
        screen.strong(&format!("{}  {}", printable(&wanted.domain), printable(&wanted.selector))),
        day(wanted.first),
        day(wanted.last),
        printable(&wanted.algorithms.join(", ")),
    )?;
    Ok(())
}
