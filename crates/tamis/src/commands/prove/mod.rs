//! `tamis prove`: one mail's proof, to be checked by others. What is proven is derived again first: from the
//! stored bytes, by a fresh jailed process. The folder appears whole or not at all.

mod again;
mod bundle;
mod readme;

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::json;
use tamis_case::Case;
use tamis_model::{Blob, Outcome as Became, findings::MessageState, names::printable, tables::Item};

use super::{DONE, NO, Outcome, open_case, show};
use crate::{
    cli::{Global, Prove},
    failure::Failure,
    machine,
    screen::Screen,
};
use again::{Again, Proof};

/// The mail's file in the folder.
const MAIL: &str = "mail.eml";

/// Runs it.
pub fn run(args: &Prove, global: &Global, screen: &Screen) -> Outcome {
    machine::prepare();
    let case = open_case(&args.case)?;
    let item = show::find(&case, &args.item)?;
    let blob = content(&item)?;
    let to = destination(&args.to, case.dir())?;
    let staging = Staging::beside(&to)?;
    let mail = staging.path(MAIL);
    let bytes = keep(&case, &blob, &mail)?;
    let proof = match again::derive(&case, &item, blob, &mail, global, screen)? {
        Again::Same(proof) if proof.state() == MessageState::D => {
            return no(&nothing(&item, &proof), screen);
        }
        Again::Same(proof) => proof,
        Again::Differs(what) => return no(&differs(&item, &what), screen),
    };
    let manifest = bundle::write(&proof, bytes, &staging)?;
    staging.become_folder(&to)?;
    said(&proof, &to, &manifest, screen)
}

/// The answer is no: it is said on standard error, and nothing is written.
fn no(failure: &Failure, screen: &Screen) -> Outcome {
    failure.print(screen);
    Ok(NO)
}

fn nothing(item: &Item, proof: &Proof) -> Failure {
    let state = &proof.judgement.state;
    Failure::unusable(
        format!("there is nothing to prove of {}", item.path),
        format!("{} ({})", state.words, state.reason),
        format!("what would help: {}", state.help.as_deref().unwrap_or("another copy of the same message")),
    )
}

fn differs(item: &Item, what: &[String]) -> Failure {
    Failure::unusable(
        format!("nothing is proven of {}: read again, it comes out differently", item.path),
        what.join("; "),
        "either this machine or the case is damaged, or the case was read by another version: `tamis verify` checks the case, `tamis open DUMP --reread older` reads it again",
    )
}

/// The content of an item that is a mail.
fn content(item: &Item) -> Result<Blob, Failure> {
    let blob = show::content(item)?;
    if item.media_type != "message/rfc822" || item.reader.is_none() {
        return Err(Failure::unusable(
            format!("{} is not a mail", item.path),
            format!("it is {}, {}", item.media_type, Became { state: item.state, reason: item.reason }),
            "only a mail can carry a signature of its sender's server; of an attachment, prove the mail that holds it",
        ));
    }
    Ok(blob)
}

/// Where the folder is to stand: nothing is there yet, or an empty folder; and not within the case.
fn destination(to: &Path, case: &Path) -> Result<PathBuf, Failure> {
    let shown = printable(&to.to_string_lossy());
    let refuse = |because: &str| {
        Failure::unusable(
            format!("cannot write the proof into {shown}"),
            because,
            "name a folder that does not exist yet",
        )
    };
    let unreadable = |error: std::io::Error| refuse(&error.to_string());
    let whole = match fs::symlink_metadata(to) {
        Ok(_) => {
            let whole = to.canonicalize().map_err(unreadable)?;
            if !whole.is_dir() {
                return Err(refuse("it exists and is no folder"));
            }
            if fs::read_dir(&whole).map_err(unreadable)?.next().is_some() {
                return Err(refuse("it exists and is not empty"));
            }
            whole
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let name = to.file_name().ok_or_else(|| refuse("it is not the name of a folder"))?;
            let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
            parent.unwrap_or(Path::new(".")).canonicalize().map_err(unreadable)?.join(name)
        }
        Err(error) => return Err(unreadable(error)),
    };
    if case.canonicalize().is_ok_and(|case| whole.starts_with(case)) {
        return Err(refuse("it is inside the case, which holds what was read and nothing else"));
    }
    Ok(whole)
}

/// Writes the stored bytes of `blob`, whose hash the vault compares; the size.
fn keep(case: &Case, blob: &Blob, mail: &Path) -> Result<u64, Failure> {
    let mut file = File::create_new(mail).map_err(|error| unwritable(mail, &error))?;
    let bytes = case.vault()?.read(blob, |piece| file.write_all(piece))?;
    file.sync_all().map_err(|error| unwritable(mail, &error))?;
    Ok(bytes)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::unusable(
        format!("cannot write {}", printable(&path.to_string_lossy())),
        error.to_string(),
        "free some space, or name another folder",
    )
}

/// A private folder beside the one that it will become; gone again, if it does not.
struct Staging(tempfile::TempDir);

impl Staging {
    fn beside(to: &Path) -> Result<Staging, Failure> {
        let parent = to.parent().unwrap_or(Path::new("/"));
        let made = tempfile::Builder::new().prefix(".tamis-proof-").tempdir_in(parent);
        made.map(Staging).map_err(|error| unwritable(to, &error))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file to its end.
    fn write(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        let path = self.path(name);
        let written = File::create_new(&path).and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        });
        written.map_err(|error| unwritable(&path, &error))
    }

    /// In one step: an empty folder that stands there is replaced, and a full one is not.
    fn become_folder(self, to: &Path) -> Result<(), Failure> {
        let done = File::open(self.0.path()).and_then(|folder| folder.sync_all());
        done.and_then(|()| fs::rename(self.0.path(), to)).map_err(|error| unwritable(to, &error))?;
        let _ = self.0.keep();
        Ok(())
    }
}

/// What was proven, where it stands, and how to check it.
fn said(proof: &Proof, to: &Path, manifest: &str, screen: &Screen) -> Outcome {
    let state = &proof.judgement.state;
    if screen.json {
        screen.print_json(&json!({
            "to": to.to_string_lossy(),
            "item_id": proof.item_id.to_string(),
            "blob": proof.facts.blob.to_string(),
            "state": state.state,
            "state_reason": state.reason,
            "manifest_sha256": manifest,
            "files": bundle::FILES,
        }))?;
        return Ok(DONE);
    }
    let mut out = screen.out();
    let shown = printable(&to.to_string_lossy());
    writeln!(out, "state     {}  {} ({})", state.state, proof.state().words(), state.reason)?;
    writeln!(out, "          {}", printable(&state.words))?;
    writeln!(out, "written   {shown}")?;
    writeln!(out, "sha256    {manifest}  manifest.json")?;
    writeln!(out, "check     sh {shown}/check.sh")?;
    writeln!(out, "          it holds the whole mail: read it before you hand it on")?;
    out.flush()?;
    Ok(DONE)
}
