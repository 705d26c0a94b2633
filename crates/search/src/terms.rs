//! Searching for a list of terms at once: names of companies, people, accounts.
//!
//! A line is text as it stands: a name that holds `AND`, `/` or `*` is that name, not an operator.

use crate::{Error, Hits, Options, Query, QueryError, Searcher};

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lines {
    /// Text as it stands, one phrase.
    #[default]
    Literal,
    /// A query in the language of [`crate::query`].
    Queries,
}

/// The answer for one line.
#[derive(Debug)]
pub struct TermHits<'a> {
    /// Number of the line, from 1.
    pub line: u64,
    /// The line, without white space around it.
    pub term: &'a str,
    /// Its hits, or why it cannot be searched for.
    pub hits: Result<Hits, TermError>,
}

/// Why a line has no hits.
#[derive(Debug, thiserror::Error)]
pub enum TermError {
    /// The line is no query.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The index could not be asked.
    #[error(transparent)]
    Index(#[from] Error),
}

/// Searches for each line of `list` that is not empty, in order, one at a time while the result is read.
/// `options` hold for each line; `Hits::total` is its number of hits whatever the limit.
pub fn search<'a>(
    searcher: &'a Searcher,
    list: &'a str,
    lines: Lines,
    options: &'a Options,
) -> impl Iterator<Item = TermHits<'a>> {
    let list = list.strip_prefix('\u{feff}').unwrap_or(list);
    (1..).zip(list.lines()).filter_map(move |(line, term)| {
        let term = term.trim();
        (!term.is_empty()).then(|| TermHits { line, term, hits: hits(searcher, term, lines, options) })
    })
}

fn hits(searcher: &Searcher, term: &str, lines: Lines, options: &Options) -> Result<Hits, TermError> {
    let query = match lines {
        Lines::Literal => Query::literal(term)?,
        Lines::Queries => Query::parse(term)?,
    };
    Ok(searcher.search(&query, options)?)
}
