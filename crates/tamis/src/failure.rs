//! How a command fails: what, because, hint, and the exit code of the contract.

use crate::screen::Screen;

/// A failure that a person, and a script, can act on.
#[derive(Debug)]
pub struct Failure {
    what: String,
    because: String,
    hint: String,
    code: u8,
}

/// Wrong usage, or input that cannot be used.
pub const UNUSABLE: u8 = 2;
/// Stopped, and the same command goes on.
pub const STOPPED: u8 = 3;

impl Failure {
    /// Input that cannot be used.
    pub fn unusable(what: impl Into<String>, because: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure { what: what.into(), because: because.into(), hint: hint.into(), code: UNUSABLE }
    }

    /// A failure in the words of the library that met it.
    pub fn of(what: String, because: String, hint: &str, can_continue: bool) -> Failure {
        let code = if can_continue { STOPPED } else { UNUSABLE };
        Failure { what, because, hint: hint.to_owned(), code }
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        self.code
    }

    /// Three lines on standard error.
    pub fn print(&self, screen: &Screen) {
        for (label, text) in [("error", &self.what), ("because", &self.because), ("hint", &self.hint)] {
            if !text.is_empty() {
                eprintln!("{} {}", screen.strong(&format!("{label}:")), tamis_model::names::printable(text));
            }
        }
    }
}

impl From<tamis_pipeline::Error> for Failure {
    fn from(error: tamis_pipeline::Error) -> Failure {
        Failure::of(error.to_string(), error.because(), error.hint(), error.can_continue())
    }
}

impl From<tamis_case::CaseError> for Failure {
    fn from(error: tamis_case::CaseError) -> Failure {
        tamis_pipeline::Error::from(error).into()
    }
}

impl From<tamis_search::Error> for Failure {
    fn from(error: tamis_search::Error) -> Failure {
        tamis_pipeline::Error::from(error).into()
    }
}

impl From<tamis_search::QueryError> for Failure {
    fn from(error: tamis_search::QueryError) -> Failure {
        let because = format!("at column {}: {}", error.column, error.what);
        Failure::unusable("the query cannot be read", because, error.hint)
    }
}

/// Output that cannot be written. A reader that went away (`| head`) is not a failure.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure { what: String::new(), because: String::new(), hint: String::new(), code: 0 };
        }
        Failure {
            what: "cannot write the output".to_owned(),
            because: error.to_string(),
            hint: "free some space, or write it elsewhere".to_owned(),
            code: STOPPED,
        }
    }
}
