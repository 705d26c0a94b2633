//! Feeds committed batches to the text index. What the index holds follows from the batches alone: it may
//! be deleted, and is made anew from them.

use std::{collections::HashSet, iter::Peekable, path::Path, sync::mpsc::Receiver};

use tamis_case::{Batch, Case, CaseError, read_rows, stream_facts};
use tamis_intake::formats::known::kind;
use tamis_model::{
    Blob, Outcome, State,
    names::escape,
    tables::{Item, Message, Text},
};
use tamis_search::{Content, Copied, Index, Place};

use crate::Error;

/// Indexing threads. One: the order of documents, and with it every byte of the index, is that of the
/// batches.
const THREADS: usize = 1;

/// Opens the index of a case for writing; makes it anew where it is damaged or of another version.
pub fn open(case_dir: &Path, memory: usize) -> Result<Index, Error> {
    let dir = case_dir.join("index");
    std::fs::create_dir_all(&dir).map_err(CaseError::io("create", &dir))?;
    match Index::open_or_create(&dir, memory, THREADS) {
        Err(error) if error.calls_for_rebuild() => Ok(Index::recreate(&dir, memory, THREADS)?),
        other => Ok(other?),
    }
}

/// Brings the index up to the batches that the case has, then takes in those that arrive.
pub fn follow(
    case_dir: &Path,
    known: &[Batch],
    arriving: &Receiver<Batch>,
    memory: usize,
) -> Result<(), Error> {
    let mut index = open(case_dir, memory)?;
    let mut grown = false;
    let mut batches: Vec<Batch> = known.to_vec();
    let last = index.last_batch().unwrap_or(0);
    for batch in known.iter().filter(|batch| batch.n > last) {
        add_batch(&mut index, &batches, batch, !grown)?;
        grown = true;
    }
    for batch in arriving {
        batches.push(batch.clone());
        add_batch(&mut index, &batches, &batch, !grown)?;
        grown = true;
    }
    if grown {
        index.optimise()?;
    }
    index.close()?;
    Ok(())
}

type Stream<R> = Peekable<Box<dyn Iterator<Item = Result<(Blob, R), CaseError>>>>;

fn stream<R: tamis_model::tables::Row + 'static>(batch: &Batch) -> Result<Stream<R>, Error> {
    let path = batch.dir.join(format!("{}.parquet", R::TABLE));
    let facts: Box<dyn Iterator<Item = _>> = Box::new(stream_facts::<R, _>(&path, |_| true)?);
    Ok(facts.peekable())
}

/// Takes the rows about `blob` that stand at the head of a stream.
fn take<R>(stream: &mut Stream<R>, blob: &Blob) -> Result<Vec<R>, Error> {
    let mut rows = Vec::new();
    while let Some(next) = stream.next_if(|next| next.as_ref().map_or(true, |(other, _)| other == blob)) {
        rows.push(next?.1);
    }
    Ok(rows)
}

/// Adds the items of a batch. Facts stand in the order of their items' rows, so both are read in step.
/// `first`: the first since the index was opened: a run that died may have left half of it.
fn add_batch(index: &mut Index, batches: &[Batch], batch: &Batch, first: bool) -> Result<(), Error> {
    let mut messages = stream::<Message>(batch)?;
    let mut texts = stream::<Text>(batch)?;
    for (source, item) in &batch.supersedes.items {
        index.delete(*source, *item);
    }
    let mut copies = Vec::new();
    let mut failed = None;
    read_rows(&batch.dir.join("items.parquet"), |item: Item| {
        if failed.is_some() {
            return Ok(());
        }
        if first {
            index.delete(item.source_id, item.item_id);
        }
        if item.state == State::Duplicate {
            copies.push(item);
            return Ok(());
        }
        let became = Outcome { state: item.state, reason: item.reason };
        let read_here = item.blob.filter(|_| !became.is_of_the_place());
        let mut add = || -> Result<(), Error> {
            let (message, texts) = match read_here {
                Some(blob) => (take(&mut messages, &blob)?.pop(), take(&mut texts, &blob)?),
                None => (None, Vec::new()),
            };
            add_item(index, batch.n, &item, message.as_ref(), &texts)
        };
        failed = add().err();
        Ok(())
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    if !copies.is_empty() {
        // Copies are made from what is committed.
        index.commit(batch.n.saturating_sub(1))?;
        for item in &copies {
            add_copy(index, batches, batch.n, item)?;
        }
    }
    index.commit(batch.n)?;
    Ok(())
}

fn add_copy(index: &mut Index, batches: &[Batch], n: u64, item: &Item) -> Result<(), Error> {
    let name = name(item);
    match index.add_copy(&place(n, item, &name))? {
        Copied::Yes => Ok(()),
        Copied::NotHere => add_item(index, n, item, None, &[]),
        Copied::TextNeeded => {
            let (mut message, mut texts) = (None, Vec::new());
            let wanted: HashSet<Blob> = item.blob.into_iter().collect();
            for batch in batches {
                let path = |table| batch.dir.join(format!("{table}.parquet"));
                tamis_case::read_facts(
                    &path("messages"),
                    |blob| wanted.contains(blob),
                    |_, row: Message| {
                        message = Some(row);
                        Ok(())
                    },
                )?;
                tamis_case::read_facts(
                    &path("texts"),
                    |blob| wanted.contains(blob),
                    |_, row: Text| {
                        texts.push(row);
                        Ok(())
                    },
                )?;
            }
            add_item(index, n, item, message.as_ref(), &texts)
        }
    }
}

fn add_item(
    index: &mut Index,
    n: u64,
    item: &Item,
    message: Option<&Message>,
    texts: &[Text],
) -> Result<(), Error> {
    let name = name(item);
    let bodies: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
    let text_lang = texts.iter().find_map(|text| text.lang.as_deref());
    let content = Content {
        kind: kind(&item.media_type),
        media_type: &item.media_type,
        date: message.and_then(|message| message.date).map(|time| time.0),
        from_addr: message.and_then(|message| message.from_addr.as_deref()),
        from_name: message.and_then(|message| message.from_name.as_deref()),
        to: message.map_or(&[], |message| &message.to),
        cc: message.map_or(&[], |message| &message.cc),
        bcc: message.map_or(&[], |message| &message.bcc),
        subject: message.and_then(|message| message.subject.as_deref()),
        lang: message.and_then(|message| message.lang.as_deref()).or(text_lang),
        has_attachment: message.is_some_and(|message| message.attachments > 0),
        texts: &bodies,
    };
    index.add(&place(n, item, &name), &content)?;
    Ok(())
}

/// The last step of a raw name, for people.
fn name(item: &Item) -> String {
    let base = item.name_raw.rsplit(|byte| *byte == b'/').next().unwrap_or(&item.name_raw);
    escape(base)
}

fn place<'a>(n: u64, item: &'a Item, name: &'a str) -> Place<'a> {
    Place {
        source_id: item.source_id,
        item_id: item.item_id,
        blob: item.blob,
        batch: n,
        walk: item.walk,
        path: &item.path,
        name,
        state: item.state,
        bytes: item.bytes,
    }
}

/// Opens the index to search it, as of the case's last commit.
pub fn searcher(case: &Case) -> Result<tamis_search::Searcher, Error> {
    Ok(tamis_search::Searcher::open(&case.dir().join("index"))?)
}
