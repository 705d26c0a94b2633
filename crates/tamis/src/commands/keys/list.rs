//! `tamis keys list` and `tamis keys export`: everything that the case was told of keys.

use std::{io::Write, path::Path};

use serde_json::{Value, json};
use tamis_evidence::keys::{
    events::export_events,
    imports::{export as export_keys, print_time},
    record::KeyRecord,
};
use tamis_model::{
    keys::{KeyObservation, ObservedKey},
    names::printable,
    tables::Time,
};
use tamis_pipeline::examine::Told;

use super::Outcome;
use crate::{
    commands::{DONE, open_case},
    failure::Failure,
    screen::{Screen, json_line, minute},
};

/// Runs `tamis keys list`.
pub fn list(dir: &Path, screen: &Screen) -> Outcome {
    let told = Told::of(&*open_case(dir)?)?;
    let mut out = screen.out();
    for observation in &told.keys {
        match screen.json {
            true => json_line(&mut out, &value(observation))?,
            false => show(observation, screen, &mut out)?,
        }
    }
    if screen.json {
        others(&told, &mut out)?;
    } else {
        show_others(&told, screen, &mut out)?;
        if told.keys.is_empty() {
            writeln!(out, "no key was seen; `tamis keys wanted` says which are lacking")?;
        }
    }
    out.flush()?;
    Ok(DONE)
}

/// Runs `tamis keys export`: what `tamis keys import` reads again.
pub fn export(dir: &Path, screen: &Screen) -> Outcome {
    let told = Told::of(&*open_case(dir)?)?;
    let mut out = screen.out();
    lines(&export_keys(&told.keys), &mut out)?;
    others(&told, &mut out)?;
    out.flush()?;
    Ok(DONE)
}

/// Lines of JSON with nothing in them that steers a terminal.
fn lines(text: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let values = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    for value in values {
        json_line(out, &value)?;
    }
    Ok(())
}

fn others(told: &Told, out: &mut dyn Write) -> Result<(), Failure> {
    lines(&export_events(&told.events), out)?;
    for sealer in &told.sealers {
        json_line(out, &json!({ "sealer": sealer.domain, "reason": sealer.reason }))?;
    }
    for delegate in &told.delegates {
        let line = json!({ "signer": delegate.signer, "domain": delegate.domain, "reason": delegate.reason });
        json_line(out, &line)?;
    }
    Ok(())
}

/// A line of the keys file, with the size of the key and why it cannot be used.
fn value(observation: &KeyObservation) -> Value {
    let line = export_keys(std::slice::from_ref(observation));
    let mut value: Value = serde_json::from_str(&line).unwrap_or_default();
    let (bits, problem) = key(observation);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("bits".to_owned(), bits.into());
        fields.insert("problem".to_owned(), problem.into());
    }
    value
}

/// The size of a usable key, or why it is none.
pub fn key(observation: &KeyObservation) -> (Option<u32>, Option<String>) {
    let record = match &observation.key {
        ObservedKey::Record(text) => KeyRecord::parse(text),
        ObservedKey::Spki(spki) => KeyRecord::of_spki(spki),
    };
    match record.key {
        Ok(Some(key)) => (Some(key.bits()), None),
        Ok(None) => (None, Some("withdrawn: p= is empty".to_owned())),
        Err(problem) => (None, Some(problem.to_string())),
    }
}

fn show(observation: &KeyObservation, screen: &Screen, out: &mut dyn Write) -> Result<(), Failure> {
    let (bits, problem) = key(observation);
    let bits = bits.map_or("no key".to_owned(), |bits| format!("{bits} bits"));
    let name = format!("{}  {}", printable(&observation.domain), printable(&observation.selector));
    let witness = observation.witness.as_deref().unwrap_or("no witness named");
    writeln!(
        out,
        "{}  {bits}  {}  {}",
        screen.strong(&name),
        observation.channel.as_str(),
        printable(witness)
    )?;
    let time = |time: Option<Time>| time.map_or("not said".to_owned(), |time| minute(time.0));
    writeln!(out, "  seen        {} to {}", time(observation.first_seen), time(observation.last_seen))?;
    for (label, text) in [("cannot use", &problem), ("note", &observation.note)] {
        if let Some(text) = text {
            writeln!(out, "  {label:<11} {}", printable(text))?;
        }
    }
    Ok(())
}

fn show_others(told: &Told, screen: &Screen, out: &mut dyn Write) -> Result<(), Failure> {
    for event in &told.events {
        let name = format!("{}  {}", printable(&event.domain), printable(&event.selector));
        let at = print_time(event.at).unwrap_or_default();
        let source = printable(&event.source);
        writeln!(out, "{}  {} {at}  {source}", screen.strong(&name), event.event.as_str())?;
    }
    for sealer in &told.sealers {
        let domain = printable(&sealer.domain);
        writeln!(out, "{}  trusted sealer  {}", screen.strong(&domain), printable(&sealer.reason))?;
    }
    for delegate in &told.delegates {
        let (signer, domain) = (printable(&delegate.signer), printable(&delegate.domain));
        writeln!(out, "{}  signs for {domain}  {}", screen.strong(&signer), printable(&delegate.reason))?;
    }
    Ok(())
}
