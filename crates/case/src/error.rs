//! What can go wrong with a case, each with its reason and what to do.

use std::{
    io,
    path::{Path, PathBuf},
};

use tamis_model::names;

/// An error of the case folder. `Display` says *what*; [`CaseError::because`] and [`CaseError::hint`]
/// complete the three lines that a person sees.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// A file operation failed: full disk, permissions, a vanished folder.
    #[error("cannot {doing} {}", shown(path))]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// The database refused.
    #[error("cannot use {}", shown(path))]
    Db {
        /// `case.db`.
        path: PathBuf,
        /// SQLite's word.
        source: rusqlite::Error,
    },
    /// Another process holds the ingest lock.
    #[error("the case {} is being written by another process", shown(path))]
    Locked {
        /// The case.
        path: PathBuf,
    },
    /// Made by a newer version.
    #[error(
        "the case {} has format {format}; this program knows formats up to {}",
        shown(path),
        crate::FORMAT
    )]
    Newer {
        /// The case.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// Made by an older version, whose tables this one does not have.
    #[error("the case {} has format {format}; this program reads format {}", shown(path), crate::FORMAT)]
    Older {
        /// The case.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// A folder that is no case.
    #[error("{} is not a case", shown(path))]
    NotACase {
        /// The folder.
        path: PathBuf,
        /// Why it is none.
        because: &'static str,
    },
    /// On a file system whose locks and renames cannot be trusted.
    #[error("the case {} would lie on a network mount ({kind})", shown(path))]
    NetworkMount {
        /// The case.
        path: PathBuf,
        /// Kind of file system.
        kind: &'static str,
    },
    /// Made with other options than those given now.
    #[error("the case {} was made with other options", shown(path))]
    OtherOptions {
        /// The case.
        path: PathBuf,
        /// Which differ.
        because: String,
    },
    /// Something committed is not as it was committed.
    #[error("the case is damaged at {}", shown(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        because: String,
    },
    /// An id that the case does not hold.
    #[error("no {what} {id} in this case")]
    Unknown {
        /// Item, blob or source.
        what: &'static str,
        /// As asked for.
        id: String,
    },
}

impl CaseError {
    /// For `map_err` on a file operation: says what was tried and on which path.
    pub fn io<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> CaseError + 'a {
        move |source| CaseError::Io { doing, path: path.to_owned(), source }
    }

    /// The reason, one line.
    pub fn because(&self) -> String {
        match self {
            CaseError::Io { source, .. } => source.to_string(),
            CaseError::Db { source, .. } => source.to_string(),
            CaseError::Locked { .. } => "it holds the lock".to_owned(),
            CaseError::Newer { .. } => "it was made by a newer version".to_owned(),
            CaseError::Older { .. } => "it was made by an older version".to_owned(),
            CaseError::NotACase { because, .. } => (*because).to_owned(),
            CaseError::NetworkMount { .. } => "locks and renames are not reliable there".to_owned(),
            CaseError::OtherOptions { because, .. } | CaseError::Damaged { because, .. } => because.clone(),
            CaseError::Unknown { what, .. } => {
                format!("ids of {what}s are listed by `tamis ledger` and `tamis search`")
            }
        }
    }

    /// What to do, one line.
    pub fn hint(&self) -> &'static str {
        match self {
            _ if self.is_disk_full() => {
                "free some space and run the same command again: it goes on where it stopped"
            }
            CaseError::Io { .. } => "check the path and its permissions, then run the same command again",
            CaseError::Db { .. } => {
                "run `tamis verify` on the case; restore case.db from a copy if it is damaged"
            }
            CaseError::Locked { .. } => "wait for it to end, or stop it; searching works meanwhile",
            CaseError::Newer { .. } => "use the version of tamis that made it, or a newer one",
            CaseError::Older { .. } => "open the dump again into a new case: --case DIR",
            CaseError::NotACase { .. } => "name the folder that `tamis open` made, usually DUMP.case",
            CaseError::NetworkMount { .. } => {
                "put the case on a local disk with --case DIR; the dump may stay where it is"
            }
            CaseError::OtherOptions { .. } => "use the same options, or make another case with --case DIR",
            CaseError::Damaged { .. } => {
                "run `tamis verify` to see how far it reaches; open the dump into a new case"
            }
            CaseError::Unknown { .. } => "copy the id in full from one of them",
        }
    }

    /// Whether work stopped for a reason outside the input and can be continued (exit code 3).
    pub fn can_continue(&self) -> bool {
        self.is_disk_full() || matches!(self, CaseError::Locked { .. })
    }

    fn is_disk_full(&self) -> bool {
        match self {
            CaseError::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            // The shared memory of the log is a file too, for which SQLite has a word of its own.
            CaseError::Db { source, .. } => source.sqlite_error().is_some_and(|error| {
                error.code == rusqlite::ErrorCode::DiskFull
                    || error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
            }),
            _ => false,
        }
    }
}

/// A path for people: escaped, so that it cannot steer a terminal.
pub(crate) fn shown(path: &Path) -> String {
    names::printable(&path.to_string_lossy())
}
