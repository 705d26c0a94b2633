//! What a format is to the rest of the house: one [`Reader`].

use std::fmt;

use serde::{Deserialize, Serialize};
use tamis_model::Outcome;

use crate::{
    out::{Out, Stop},
    source::Source,
};

/// A reader's name and version, shown as `mbox/1`. The version rises whenever the reader's output for
/// some input changes; `--reread older` goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderId {
    /// One word, unique in [`crate::formats::ALL`].
    pub name: &'static str,
    /// From 1.
    pub version: u32,
}

impl fmt::Display for ReaderId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.version)
    }
}

/// How sure a reader is that content is of its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// It is not.
    No,
    /// Could be; only if nobody else wants it.
    Weak,
    /// Looks like it.
    Likely,
    /// A signature or structure that others do not have.
    Sure,
}

/// What is known of a thing beside its bytes. Small and normalised, because a reading is shared by all
/// occurrences of the same content *and hint*.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hint {
    /// Extension of its name in lower-case ASCII without the dot, at most 8 characters; else empty.
    pub extension: String,
    /// Media type its container declares, in lower case, at most 64 characters; else empty.
    pub media_type: String,
}

impl Hint {
    /// The hint of a thing with this raw name and declared media type.
    pub fn new(name: &[u8], media_type: &str) -> Hint {
        let base = name.rsplit(|b| *b == b'/').next().unwrap_or(name);
        let extension = match base.iter().rposition(|b| *b == b'.') {
            Some(dot) if base.len() - dot <= 9 => base.get(dot + 1..).unwrap_or(&[]),
            _ => &[],
        };
        let extension = match std::str::from_utf8(extension) {
            Ok(text) if text.bytes().all(|b| b.is_ascii_alphanumeric()) => text.to_ascii_lowercase(),
            _ => String::new(),
        };
        let media_type =
            media_type.trim().chars().take(64).filter(char::is_ascii_graphic).collect::<String>();
        Hint { extension, media_type: media_type.to_ascii_lowercase() }
    }
}

/// What a reader sees before it is chosen.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// First bytes, at most [`crate::source::HEAD`].
    pub head: &'a [u8],
    /// Size of the whole.
    pub bytes: u64,
    /// Name and declaration. Content decides; the hint breaks ties.
    pub hint: &'a Hint,
}

/// A run of a container's children, `from..to` by ordinal, that is read by a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// First ordinal.
    pub from: u64,
    /// First ordinal that is not part of it.
    pub to: u64,
}

impl Slice {
    /// Number of children.
    pub fn len(self) -> u64 {
        self.to.saturating_sub(self.from)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// One format. Runs inside the jail; total by type: whatever the bytes are, it ends with an outcome, and
/// what it emitted before it stopped stays.
pub trait Reader: Sync {
    /// Name and version.
    fn id(&self) -> ReaderId;

    /// Media type of what it reads.
    fn media_type(&self) -> &'static str;

    /// Whether it can read this, by content. A hint raises a claim to [`Claim::Likely`] at most: content
    /// that is surely of a format is read alike under every name.
    fn claims(&self, look: &Look) -> Claim;

    /// Lists the runs of children that separate processes may read, where the container is big; emits
    /// no child, but covers the structure that no run covers. `None`: it is read as one.
    fn cut(&self, _source: &Source, _out: &mut Out) -> Option<Result<(Vec<Slice>, Outcome), Stop>> {
        None
    }

    /// Reads one level. `slice`: only these children (and nothing that `cut` covered); `None`: all.
    fn read(&self, source: &Source, slice: Option<Slice>, out: &mut Out) -> Result<Outcome, Stop>;
}
