//! The text index and its query language: what desks type, and what the index answers.
//!
//! Two halves that meet in the tokeniser ([`fold`]): [`query`] and [`parse`] turn typed text into a
//! tree and know nothing of the index; [`index`] writes and [`find`] reads. One document of the index
//! is one *item* (an occurrence): the same bytes attached to nine mails are nine documents, since a
//! person who follows a reference to any copy must find it.
//!
//! Invariants: the index is derived data, never the truth, and may be deleted at any time. Readers take
//! no lock and start no thread. Nothing that can change after reading (tags, findings, states A–F)
//! stands in it: states stand beside it ([`states`]) and are given to the reader. The same items give the
//! same answers in the same order, however they were committed.
//!
//! Trust: whoever can change the index can hide hits or make the reader fail. An index that comes from
//! elsewhere is rebuilt, not opened.

mod facet;
pub mod fields;
pub mod find;
pub mod fold;
pub mod index;
pub mod parse;
mod plan;
pub mod query;
mod said;
mod schema;
mod snippet;
pub mod states;
pub mod terms;

pub use find::{Found, Hit, Hits, Options, Searcher, Sort};
pub use index::{Content, Copied, Index, Place};
pub use query::{Node, Query, QueryError, Text};
pub use states::{States, StatesError};

use std::{io, path::PathBuf};

/// Why the index could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no index in this directory.
    #[error("there is no index in {}", .0.display())]
    Missing(PathBuf),
    /// Another process writes to the index.
    #[error("another process is writing to the index in {}", .0.display())]
    Locked(PathBuf),
    /// The index was written by another version of this program, or is not one of ours.
    #[error("the index in {} was written by another version", .0.display())]
    OtherVersion(PathBuf),
    /// A file of the index is missing or does not hold what it should.
    #[error("the index is damaged: {0}")]
    Damaged(String),
    /// The disk is full, not readable or not writable.
    #[error("the index could not be read or written")]
    Io(#[from] io::Error),
    /// The last word of a phrase ends in `*` and stands for too many words.
    #[error("`{prefix}*` at the end of a phrase stands for too many words; write more of its letters")]
    TooBroad {
        /// The beginning of a word, as folded.
        prefix: String,
        /// How many words it may stand for.
        limit: usize,
    },
    /// The query asks for a state of evidence, and the searcher was given none
    /// ([`Searcher::with_states`]).
    #[error("no state of evidence is known yet: run `tamis examine CASE`")]
    NoStates,
}

impl Error {
    /// Whether deleting the index and adding all batches again helps ([`Index::recreate`]).
    pub fn calls_for_rebuild(&self) -> bool {
        matches!(self, Error::Missing(_) | Error::OtherVersion(_) | Error::Damaged(_))
    }
}

impl From<tantivy::TantivyError> for Error {
    fn from(error: tantivy::TantivyError) -> Error {
        use tantivy::TantivyError as E;
        use tantivy::directory::error::{OpenReadError, OpenWriteError};
        match error {
            E::IoError(io)
            | E::OpenWriteError(OpenWriteError::IoError { io_error: io, .. })
            | E::OpenReadError(OpenReadError::IoError { io_error: io, .. }) => of_io(&io),
            E::LockFailure(..) => Error::Locked(PathBuf::new()),
            // A thread of the writer stopped, most often because the disk is full; what was committed stays.
            E::ErrorInThread(what) | E::SystemError(what) => Error::Io(of_machine(what)),
            other => match machine_fault(&other.to_string()) {
                Some(code) => Error::Io(io::Error::from_raw_os_error(code)),
                None => Error::Damaged(other.to_string()),
            },
        }
    }
}

/// What the library says of a thread that stopped, as the machine's own error where it names one.
fn of_machine(what: String) -> io::Error {
    machine_fault(&what).map_or_else(|| io::Error::other(what), io::Error::from_raw_os_error)
}

/// Number of the error of the machine, not of the index, that hides in a message of the library: a full
/// disk (ENOSPC, EDQUOT), no more descriptors (ENFILE, EMFILE), no more memory (ENOMEM).
fn machine_fault(message: &str) -> Option<i32> {
    const CODES: [i32; 5] = [28, 122, 23, 24, 12];
    const KINDS: [(&str, i32); 2] = [("StorageFull", 28), ("QuotaExceeded", 122)];
    let by_number = CODES.into_iter().find(|code| {
        message.contains(&format!("os error {code})")) || message.contains(&format!("code: {code},"))
    });
    by_number.or_else(|| KINDS.into_iter().find(|(kind, _)| message.contains(kind)).map(|(_, code)| code))
}

/// Bytes that are not as they were written are reported by the library as errors of reading.
fn of_io(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => Error::Damaged(error.to_string()),
        _ => Error::Io(copy_of(error)),
    }
}

/// `io::Error` is not `Clone`; the kind and the words are what a person needs.
fn copy_of(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

#[cfg(test)]
mod tests;
