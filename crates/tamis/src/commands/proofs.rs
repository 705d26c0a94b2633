//! What is shown as proven, derived again for `tamis verify`: each mail in state A or B is read by a fresh
//! jailed process, and has to give the same facts as when the case was made.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
};

use tamis_case::{Case, Options, Problem};
use tamis_evidence::mail::MessageFacts;
use tamis_model::{Blob, findings::MessageState};
use tamis_pipeline::examine;

use super::{Scratch, open, open_case};
use crate::{cli::Global, failure::Failure, progress, screen::Screen};

/// Mails that are read again at a time, and their bytes.
const MAILS: usize = 5000;
const BYTES: u64 = 256 << 20;

/// Reads all mails again that the last run of the rules calls A or B. Returns how many, and what differs.
pub fn again(case: &Case, global: &Global, screen: &Screen) -> Result<(u64, Vec<Problem>), Failure> {
    let Some((dir, _)) = examine::last(case) else { return Ok((0, Vec::new())) };
    let mut proven: Vec<Blob> = Vec::new();
    examine::message_states(
        &dir,
        |_| true,
        |blob, row| {
            if matches!(MessageState::parse(&row.state), Some(MessageState::A | MessageState::B)) {
                proven.push(blob);
            }
            Ok(())
        },
    )?;
    proven.sort_unstable();
    let mut problems = Vec::new();
    let mut rest = proven.as_slice();
    while !rest.is_empty() && !progress::stopped() {
        let scratch = Scratch::new()?;
        let taken = write(case, rest, &scratch.path().join("mails"))?;
        let (now, later) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
        let stored = examine::facts(case, &now.iter().copied().collect())?;
        let read = read(scratch.path(), now, global, screen)?;
        for blob in now {
            if !same(stored.get(blob), read.get(blob)) {
                let what = "read again, it gives other facts than the case holds".to_owned();
                problems.push(Problem { what, location: format!("mail {blob}") });
            }
        }
        rest = later;
    }
    Ok((proven.len() as u64, problems))
}

/// Writes the first mails of `blobs` into a new folder, each under its hash; how many.
fn write(case: &Case, blobs: &[Blob], folder: &Path) -> Result<usize, Failure> {
    fs::create_dir(folder)?;
    let mut vault = case.vault()?;
    let (mut taken, mut bytes) = (0, 0);
    for blob in blobs.iter().take(MAILS) {
        let mut file = fs::File::create_new(folder.join(format!("{blob}.eml")))?;
        bytes += vault.read(blob, |piece| std::io::Write::write_all(&mut file, piece))?;
        taken += 1;
        if bytes >= BYTES {
            break;
        }
    }
    Ok(taken)
}

fn read(
    scratch: &Path,
    blobs: &[Blob],
    global: &Global,
    screen: &Screen,
) -> Result<HashMap<Blob, MessageFacts>, Failure> {
    let folder = scratch.join("again.case");
    let mut quiet = screen.clone();
    quiet.quiet = true;
    let options = Options { only_mail: true, by_reference: true };
    open::read(&[scratch.join("mails")], &folder, options, None, global, &quiet)?;
    let wanted: HashSet<Blob> = blobs.iter().copied().collect();
    Ok(examine::facts(&*open_case(&folder)?, &wanted)?)
}

/// Whether two readings agree in all that a signature is judged by.
fn same(stored: Option<&MessageFacts>, read: Option<&MessageFacts>) -> bool {
    match (stored, read) {
        (Some(stored), Some(read)) => {
            let message = |facts: &MessageFacts| {
                let mut message = facts.message.clone();
                // Of a message cut off by its container, or read under another name, this may differ.
                message.attachments = 0;
                message
            };
            message(stored) == message(read)
                && stored.signatures == read.signatures
                && stored.digests == read.digests
                && stored.part_signatures == read.part_signatures
        }
        _ => false,
    }
}
