//! The synthetic dump with its truth: a fictional campaign, "En Avant Demain", on reserved domains,
//! written as mboxes, Maildirs, eml files and archives, or as one file a mail.
//!
//! Same [`Plan`], same bytes. Nothing here asks for the time, the machine or chance. [`Truth`] says
//! what a reader has to find; it is written beside the dump, never inside.

mod altered;
mod clock;
mod dump;
mod files;
mod keys;
mod letter;
mod mail;
mod mua;
mod people;
mod planted;
mod prose;
mod rng;
mod rsa;
mod signed;
mod signers;
mod signing;
mod special;
mod store;
mod truth;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

pub use signed::{DelegateLine, KeyEventLine, KeyLine, Reasoned, SignedKind, SignedMail, SignedTruth};
pub use truth::{Copies, Counts, Expected, Place, Planted, Thread, Truth};

/// Mail occurrences at scale 1.
pub const FULL_MAILS: u64 = 71_848;
/// Distinct senders at scale 1.
pub const FULL_SENDERS: u64 = 4_493;
/// Attachment occurrences at scale 1, about.
pub const FULL_ATTACHMENTS: u64 = 26_500;

/// What to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// How many mails.
    pub scale: Scale,
    /// Chance: other seeds give other people, words and bytes.
    pub seed: u64,
    /// How the mails lie on disk.
    pub layout: Layout,
}

impl Default for Plan {
    /// The small dump in the mixed layout, seed 1.
    fn default() -> Plan {
        Plan { scale: Scale::Small, seed: 1, layout: Layout::Mixed }
    }
}

/// How many mails a dump has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// 400 mails.
    Small,
    /// A fraction of [`FULL_MAILS`], of which at least 200 and at most 10 times are written.
    Fraction(f64),
}

impl Scale {
    /// Mail occurrences of a dump of this scale: exactly what its truth will say.
    pub fn mails(self) -> u64 {
        match self {
            Scale::Small => 400,
            // A cast from a float saturates; NaN gives 0.
            Scale::Fraction(f) => ((FULL_MAILS as f64 * f).round() as u64).clamp(200, 10 * FULL_MAILS),
        }
    }

    /// Distinct senders of a dump of this scale: fewer mails have fewer senders, but not in proportion
    /// (Heaps' law with the exponent 3/4).
    pub fn senders(self) -> u64 {
        // Square roots are exact to the last bit everywhere (IEEE 754); powers are not.
        let root = (self.mails() as f64 / FULL_MAILS as f64).sqrt();
        ((FULL_SENDERS as f64 * root * root.sqrt()).round() as u64).max(40)
    }
}

/// How the mails of a dump lie on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// `boites/*.mbox`, `maildir/*/{cur,new,tmp}`, `eml/YEAR/MONTH/*.eml`, `archives/*.zip`,
    /// `documents/` and special files.
    #[default]
    Mixed,
    /// `mails/PERSON/{cur,new}/*`, one file a mail and nothing else: the corpus of the benchmarks.
    OneFileAMail,
}

/// Why a dump could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The folder for the dump is there and not empty: nothing was written.
    #[error("{} is not empty", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A document could not be packed.
    #[error("cannot pack a document")]
    Pack {
        /// What the packer said.
        source: io::Error,
    },
}

impl DemoError {
    fn write(path: &Path, source: io::Error) -> DemoError {
        DemoError::Write { path: path.to_owned(), source }
    }

    fn pack(source: io::Error) -> DemoError {
        DemoError::Pack { source }
    }

    fn zip(error: zip::result::ZipError) -> DemoError {
        DemoError::Pack { source: io::Error::other(error) }
    }
}

/// Writes the dump into `dir` (made if it is not there), and `truth.json`, `keys.jsonl` and
/// `key-events.jsonl` beside `dir`.
///
/// # Errors
/// [`DemoError::NotEmpty`] where `dir` holds anything; the others where the disk fails.
pub fn write(plan: &Plan, dir: &Path) -> Result<Truth, DemoError> {
    let truth = write_dump(plan, dir)?;
    truth.signed.save(dir.parent().unwrap_or(Path::new("")))?;
    truth.save(&truth_path(dir))?;
    Ok(truth)
}

/// Writes the dump into `dir` (made if it is not there) and nothing else.
///
/// # Errors
/// As [`write()`].
pub fn write_dump(plan: &Plan, dir: &Path) -> Result<Truth, DemoError> {
    fs::create_dir_all(dir).map_err(|error| DemoError::write(dir, error))?;
    let mut entries = fs::read_dir(dir).map_err(|error| DemoError::write(dir, error))?;
    if entries.next().is_some() {
        return Err(DemoError::NotEmpty { path: dir.to_owned() });
    }
    dump::write(plan, dir)
}

/// Where [`write()`] puts what was seen of keys: `keys.jsonl` in the folder that holds `dir`.
pub fn keys_path(dir: &Path) -> PathBuf {
    dir.parent().unwrap_or(Path::new("")).join(signed::KEYS)
}

/// Where [`write()`] puts what happened to keys: `key-events.jsonl` in the folder that holds `dir`.
pub fn key_events_path(dir: &Path) -> PathBuf {
    dir.parent().unwrap_or(Path::new("")).join(signed::KEY_EVENTS)
}

/// Where [`write()`] puts the truth of a dump in `dir`: `truth.json` in the folder that holds `dir`.
pub fn truth_path(dir: &Path) -> PathBuf {
    dir.parent().unwrap_or(Path::new("")).join("truth.json")
}
