//! What can go wrong with a question, each with its reason and what to do.

use std::{io, path::PathBuf};

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use tamis_case::CaseError;
use tamis_model::names;

/// An error of the engine. `Display` says *what*; [`EngineError::because`] and [`EngineError::hint`]
/// complete the three lines that a person sees.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A statement that would change something, or that is no question.
    #[error("`{statement}` is refused: a case is read-only")]
    NotReadOnly {
        /// Its first words.
        statement: String,
    },
    /// None, or more than one statement.
    #[error("expected one SQL statement, found {count}")]
    NotOne {
        /// How many there are.
        count: usize,
    },
    /// The statement names a table that does not exist, or a file.
    #[error("there is no table `{name}`")]
    UnknownTable {
        /// The name, escaped.
        name: String,
        /// Names of the tables that exist.
        known: Vec<String>,
    },
    /// The statement cannot be parsed, planned or computed.
    #[error("the SQL cannot be answered")]
    Sql {
        /// The engine's word, escaped and bounded.
        because: String,
    },
    /// The buffers that the caller allows do not suffice, even with spilling.
    #[error("the answer needs more memory than allowed")]
    Memory {
        /// The engine's word.
        because: String,
    },
    /// The caller's flag was set.
    #[error("stopped")]
    Cancelled,
    /// A file of the case is not what was committed.
    #[error("the case is damaged")]
    Damaged {
        /// The engine's word, escaped and bounded.
        because: String,
    },
    /// A derived table whose file lies outside the case.
    #[error("{} lies outside the case", names::printable(&path.to_string_lossy()))]
    Outside {
        /// The file.
        path: PathBuf,
    },
    /// The answer differs with partitions or batch size; [`crate::testing`] only.
    #[error("the answer differs between {left} and {right}")]
    Differs {
        /// One way of running it.
        left: String,
        /// Another.
        right: String,
    },
    /// The case cannot be read.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// The answer cannot be written.
    #[error("cannot write the answer")]
    Output(#[from] io::Error),
}

impl EngineError {
    /// The reason, one line.
    pub fn because(&self) -> String {
        match self {
            EngineError::NotReadOnly { .. } => "only questions are answered, nothing is changed".to_owned(),
            EngineError::NotOne { .. } => "each run answers one question".to_owned(),
            EngineError::UnknownTable { known, .. } => format!("the tables are: {}", known.join(", ")),
            EngineError::Sql { because }
            | EngineError::Memory { because }
            | EngineError::Damaged { because } => because.clone(),
            EngineError::Cancelled => "the run was asked to end".to_owned(),
            EngineError::Outside { .. } => "only files of the case are read".to_owned(),
            EngineError::Differs { .. } => "its order or its arithmetic is not fixed by the query".to_owned(),
            EngineError::Case(error) => error.because(),
            EngineError::Output(error) => error.to_string(),
        }
    }

    /// What to do, one line.
    pub fn hint(&self) -> &'static str {
        match self {
            EngineError::NotReadOnly { .. } => {
                "use SELECT, WITH, VALUES, EXPLAIN, DESCRIBE or SHOW TABLES; write results with --format"
            }
            EngineError::NotOne { .. } => "give one statement",
            EngineError::UnknownTable { .. } => {
                "see `SHOW TABLES`; derived tables exist after `tamis examine`; texts stand in 'single quotes'"
            }
            EngineError::Sql { .. } => {
                "see `SHOW TABLES` and `DESCRIBE table`; column names such as \"to\" need quotes"
            }
            EngineError::Memory { .. } => "allow more with --memory, or ask for fewer rows or columns",
            EngineError::Cancelled => "run the same command again",
            EngineError::Damaged { .. } => {
                "run `tamis verify` to see how far it reaches; open the dump into a new case"
            }
            EngineError::Outside { .. } => "put the file below the case's derived/ folder",
            EngineError::Differs { .. } => "order by a unique key, and sum integers or decimals",
            EngineError::Case(error) => error.hint(),
            EngineError::Output(_) => "check where the answer goes, and its free space",
        }
    }

    /// Whether work stopped for a reason outside the input and can be continued (exit code 3).
    pub fn can_continue(&self) -> bool {
        match self {
            EngineError::Cancelled => true,
            EngineError::Case(error) => error.can_continue(),
            EngineError::Output(error) => {
                matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            _ => false,
        }
    }

    /// An error of a file of the case.
    pub(crate) fn damaged(because: impl ToString) -> EngineError {
        EngineError::Damaged { because: one_line(&because.to_string()) }
    }
}

impl From<DataFusionError> for EngineError {
    fn from(error: DataFusionError) -> EngineError {
        let because = one_line(&error.strip_backtrace());
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => EngineError::Memory { because },
            // The only Parquet files and the only store are the case's.
            DataFusionError::ParquetError(_)
            | DataFusionError::ObjectStore(_)
            | DataFusionError::IoError(_) => EngineError::Damaged { because },
            DataFusionError::ArrowError(inner, _)
                if matches!(inner.as_ref(), ArrowError::ParquetError(_) | ArrowError::IoError(..)) =>
            {
                EngineError::Damaged { because }
            }
            _ => EngineError::Sql { because },
        }
    }
}

impl From<ArrowError> for EngineError {
    fn from(error: ArrowError) -> EngineError {
        EngineError::Sql { because: one_line(&error.to_string()) }
    }
}

impl From<parquet::errors::ParquetError> for EngineError {
    fn from(error: parquet::errors::ParquetError) -> EngineError {
        match error {
            parquet::errors::ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(io) => EngineError::Output(*io),
                Err(inner) => EngineError::damaged(inner),
            },
            other => EngineError::damaged(other),
        }
    }
}

/// Longest reason shown, in characters: messages of the engine can quote cells of the dump.
const REASON_CHARS: usize = 600;

fn one_line(text: &str) -> String {
    let mut line = names::printable(&text.chars().take(REASON_CHARS).collect::<String>());
    if text.chars().nth(REASON_CHARS).is_some() {
        line.push('…');
    }
    line
}
