//! `tamis show`: one item.

use std::io::{IsTerminal, Write};

use serde_json::json;
use tamis_case::{Case, CaseError};
use tamis_model::{
    Blob, ItemId,
    findings::MessageState,
    names::{is_hidden, printable},
    tables::{Header, Item, StateRow, Text, Time},
};
use tamis_pipeline::examine;

use super::{DONE, Outcome, findings, open_case};
use crate::{
    cli::{Form, Show},
    failure::Failure,
    screen::{Screen, json_line, rfc3339},
};

/// Runs it.
pub fn run(args: &Show, screen: &Screen) -> Outcome {
    let case = open_case(&args.case)?;
    let item = find(&case, &args.item)?;
    let mut out = screen.out();
    match args.form {
        Form::Copies => copies(&case, &item, screen, &mut out)?,
        Form::Findings => findings_of(&case, &item, args, screen, &mut out)?,
        form => {
            let blob = content(&item)?;
            match form {
                Form::Raw => raw(&case, &blob, &mut out)?,
                Form::Headers => headers(&case, &blob, screen, &mut out)?,
                Form::Html => html(&case, &item, blob, &mut out)?,
                _ => text(&case, &item, blob, screen, &mut out)?,
            }
        }
    }
    out.flush()?;
    Ok(DONE)
}

/// The item's content, if it has one.
pub fn content(item: &Item) -> Result<Blob, Failure> {
    item.blob.ok_or_else(|| {
        Failure::unusable(
            format!("{} has no content", item.path),
            tamis_model::Outcome { state: item.state, reason: item.reason }.to_string(),
            "tamis ledger shows why",
        )
    })
}

/// The item with this id or path.
pub fn find(case: &Case, name: &str) -> Result<Item, Failure> {
    if let Ok(id) = name.parse::<ItemId>() {
        return Ok(case.item(id)?.swap_remove(0));
    }
    let mut found = None;
    case.items(|item| {
        if item.path == name && found.is_none() {
            found = Some(item);
        }
        Ok(())
    })?;
    found.ok_or_else(|| CaseError::Unknown { what: "item", id: printable(name) }.into())
}

/// The bytes as they are; on a terminal, with what could steer it escaped.
fn raw(case: &Case, blob: &Blob, out: &mut dyn Write) -> Result<(), Failure> {
    let terminal = std::io::stdout().is_terminal();
    case.vault()?.read(blob, |piece| if terminal { escaped(piece, out) } else { out.write_all(piece) })?;
    Ok(())
}

fn escaped(bytes: &[u8], out: &mut dyn Write) -> std::io::Result<()> {
    for chunk in bytes.utf8_chunks() {
        safe_lines(chunk.valid(), out)?;
        chunk.invalid().iter().try_for_each(|byte| write!(out, "%{byte:02X}"))?;
    }
    Ok(())
}

/// Text with its line breaks and tabs, and everything else that could steer a terminal escaped.
fn safe_lines(text: &str, out: &mut dyn Write) -> std::io::Result<()> {
    for c in text.chars() {
        match c {
            '\n' | '\t' => write!(out, "{c}")?,
            '\r' => {}
            c if is_hidden(c) => out.write_all(printable(c.encode_utf8(&mut [0; 4])).as_bytes())?,
            c => write!(out, "{c}")?,
        }
    }
    Ok(())
}

fn headers(case: &Case, blob: &Blob, screen: &Screen, out: &mut dyn Write) -> Result<(), Failure> {
    let mut failed = None;
    case.facts(
        |other| other == blob,
        |_, header: Header| {
            let result = if screen.json {
                let (name, value) = (header.name, header.value);
                json_line(out, &json!({ "ordinal": header.ordinal, "name": name, "value": value }))
            } else {
                writeln!(out, "{}: {}", printable(&header.name), printable(&header.value))
            };
            failed = failed.take().or(result.err());
            Ok(())
        },
    )?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn text(case: &Case, item: &Item, blob: Blob, screen: &Screen, out: &mut dyn Write) -> Result<(), Failure> {
    if !screen.json {
        let state = tamis_model::Outcome { state: item.state, reason: item.reason };
        writeln!(
            out,
            "{}  {}\n{}  {state}",
            printable(&item.path),
            printable(&item.media_type),
            item.item_id
        )?;
        let mut shown = Vec::new();
        case.facts(
            |other| *other == blob,
            |_, header: Header| {
                const SHOWN: [&str; 6] = ["date", "from", "to", "cc", "subject", "message-id"];
                if SHOWN.contains(&header.name.to_ascii_lowercase().as_str()) {
                    shown.push(format!("{}: {}", printable(&header.name), printable(&header.value)));
                }
                Ok(())
            },
        )?;
        for line in &shown {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
    }
    let mut texts: Vec<Text> = Vec::new();
    case.facts(
        |other| *other == blob,
        |_, text: Text| {
            texts.push(text);
            Ok(())
        },
    )?;
    // Of a mail that says the same in plain text and HTML, a person reads the plain text.
    let plain = texts.iter().any(|text| text.media_type == "text/plain");
    for text in &texts {
        if screen.json {
            let value = json!({
                "part": text.part, "media_type": text.media_type, "lang": text.lang, "text": text.text,
            });
            json_line(out, &value)?;
        } else if !(plain && text.media_type == "text/html") {
            safe_lines(&text.text, out)?;
            writeln!(out)?;
        }
    }
    if texts.is_empty() && !screen.json {
        writeln!(out, "(no text)")?;
    }
    Ok(())
}

/// The text of its HTML parts. The HTML itself is for the desk's frame and for `--as raw`.
fn html(case: &Case, item: &Item, blob: Blob, out: &mut dyn Write) -> Result<(), Failure> {
    let mut texts: Vec<Text> = Vec::new();
    case.facts(
        |other| *other == blob,
        |_, text: Text| {
            if text.media_type == "text/html" {
                texts.push(text);
            }
            Ok(())
        },
    )?;
    if texts.is_empty() {
        return Err(Failure::unusable(
            format!("{} has no HTML", item.path),
            "no part of it is text/html",
            "use --as text, or --as raw for its bytes",
        ));
    }
    for text in texts {
        safe_lines(&text.text, out)?;
        writeln!(out)?;
    }
    Ok(())
}

/// Its state with what that leaves open, and the findings about it.
fn findings_of(
    case: &Case,
    item: &Item,
    args: &Show,
    screen: &Screen,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let blob = content(item)?;
    let dir = findings::examined(case, &args.case)?;
    if !screen.json {
        let mut state = None;
        examine::message_states(
            &dir,
            |other| *other == blob,
            |_, row| {
                state = Some(row);
                Ok(())
            },
        )?;
        writeln!(out, "{}", screen.strong(&printable(&item.path)))?;
        match state {
            Some(state) => show_state(&state, out)?,
            None => writeln!(out, "  no mail ({}): there is no rule for it", printable(&item.media_type))?,
        }
        writeln!(out)?;
    }
    let (mut rows, subject) = (Vec::new(), blob.to_string());
    examine::findings(&dir, |row| {
        if row.subjects.contains(&subject) {
            rows.push(row);
        }
        Ok(())
    })?;
    // Strongest first; what is equal stays in the order of the signatures.
    rows.sort_by_key(|row| std::cmp::Reverse(row.strength));
    let subjects = findings::Subjects::of(case, &rows)?;
    rows.iter().try_for_each(|row| findings::show(row, &subjects, screen, out))
}

fn show_state(state: &StateRow, out: &mut dyn Write) -> std::io::Result<()> {
    let words = MessageState::parse(&state.state).map_or("", MessageState::words);
    writeln!(out, "  state       {}  {words} ({})", state.state, state.reason)?;
    writeln!(out, "              {}", printable(&state.words))?;
    for (n, limit) in state.limits.iter().enumerate() {
        writeln!(out, "  {:<11} {}", if n == 0 { "leaves open" } else { "" }, printable(limit))?;
    }
    if !state.flags.is_empty() {
        writeln!(out, "  flags       {}", state.flags.join(", "))?;
    }
    if let Some(help) = &state.help {
        writeln!(out, "  would help  {}", printable(help))?;
    }
    let time =
        |time: Option<Time>| time.and_then(|time| rfc3339(time.0)).unwrap_or_else(|| "unknown".to_owned());
    writeln!(out, "  not before  {}", time(state.not_before))?;
    writeln!(out, "  not after   {}", time(state.not_after))?;
    if let Some(witness) = &state.time_witness {
        writeln!(out, "  so says     {}", printable(witness))?;
    }
    Ok(())
}

fn copies(case: &Case, item: &Item, screen: &Screen, out: &mut dyn Write) -> Result<(), Failure> {
    let mut failed = None;
    case.items(|other| {
        if other.blob.is_some() && other.blob == item.blob {
            let result = if screen.json {
                let (item_id, state) = (other.item_id.to_string(), other.state.as_str());
                json_line(out, &json!({ "item_id": item_id, "path": other.path, "state": state }))
            } else {
                writeln!(out, "{}  {}", other.item_id, printable(&other.path))
            };
            failed = failed.take().or(result.err());
        }
        Ok(())
    })?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}
