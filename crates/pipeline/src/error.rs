//! What can go wrong with a run: what, because, and what to do.

use std::{
    io,
    path::{Path, PathBuf},
};

use tamis_case::CaseError;
use tamis_model::names;

use crate::driver::DriverError;

/// An error of the pipeline.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The case.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// The index.
    #[error("{}", what_of_index(.0))]
    Index(#[from] tamis_search::Error),
    /// The engine that derives.
    #[error(transparent)]
    Engine(#[from] tamis_engine::EngineError),
    /// The dump cannot be used.
    #[error("cannot read the dump {}", names::printable(&path.to_string_lossy()))]
    Dump {
        /// As given.
        path: PathBuf,
        /// Why.
        because: String,
        /// What to do.
        hint: &'static str,
    },
    /// Something between the jail and the case could not be written.
    #[error("cannot write below {}", names::printable(&path.to_string_lossy()))]
    Spool {
        /// The folder.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// This machine cannot build the jail.
    #[error("cannot build the jail in which dumps are read")]
    NoJail {
        /// Why.
        because: String,
    },
    /// The user asked to stop.
    #[error("stopped")]
    Stopped,
}

impl Error {
    /// The reason, one line.
    pub fn because(&self) -> String {
        match self {
            Error::Case(error) => error.because(),
            Error::Index(error) => chain(error),
            Error::Engine(error) => error.because(),
            Error::Dump { because, .. } | Error::NoJail { because } => because.clone(),
            Error::Spool { source, .. } => source.to_string(),
            Error::Stopped => "it was asked to".to_owned(),
        }
    }

    /// What to do, one line.
    pub fn hint(&self) -> &'static str {
        match self {
            Error::Case(error) => error.hint(),
            Error::Engine(error) => error.hint(),
            Error::Index(_) | Error::Spool { .. } if self.can_continue() => {
                "free some space and run the same command again: it goes on where it stopped"
            }
            Error::Index(tamis_search::Error::NoStates) => "run `tamis examine` on the case",
            Error::Index(tamis_search::Error::TooBroad { .. }) => "make the query narrower",
            Error::Index(_) => {
                "delete the folder index/ in the case and run `tamis open` again: it is made anew"
            }
            Error::Dump { hint, .. } => hint,
            Error::Spool { .. } => "check the permissions of the folder",
            Error::NoJail { .. } => "run `tamis doctor` to see what this machine lacks",
            Error::Stopped => "run the same command again: it goes on after the last batch",
        }
    }

    /// Whether the work can be continued by the same command later (exit code 3).
    pub fn can_continue(&self) -> bool {
        let full = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        };
        match self {
            Error::Case(error) => error.can_continue(),
            Error::Engine(error) => error.can_continue(),
            Error::Index(tamis_search::Error::Io(error)) => full(error),
            Error::Index(tamis_search::Error::Locked(_)) | Error::Stopped => true,
            Error::Spool { source, .. } => full(source),
            _ => false,
        }
    }

    pub(crate) fn driver(tmp: &Path) -> impl FnOnce(DriverError) -> Error + '_ {
        move |error| match error {
            DriverError::Io(source) => Error::Spool { path: tmp.to_owned(), source },
            DriverError::NoJail(because) => Error::NoJail { because },
        }
    }
}

/// What failed, in the words of the one who asked.
fn what_of_index(error: &tamis_search::Error) -> &'static str {
    match error {
        tamis_search::Error::NoStates => "the query asks for a state of evidence",
        tamis_search::Error::TooBroad { .. } => "the query cannot be answered",
        _ => "cannot index the case",
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
