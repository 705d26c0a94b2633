//! From a [`Query`]'s tree to a query of the index.
//!
//! Scores come from words only, never from dates, kinds or exclusions. Each word's share is rounded to a
//! multiple of 1/256: sums of such numbers are exact, so a score does not depend on the order in which
//! the index adds them up, and the same items give the same scores however they were committed.

use std::{cell::Cell, ops::Bound, sync::Arc};

use tantivy::{
    DocId, DocSet, Score, Searcher, SegmentReader, Term,
    query::{
        AllQuery, BooleanQuery, ConstScoreQuery, EnableScoring, Explanation, InvertedIndexRangeQuery, Occur,
        PhrasePrefixQuery, PhraseQuery, Query as Asked, RangeQuery, Scorer, TermQuery, Weight,
    },
    schema::{Field, IndexRecordOption},
};

use crate::{
    Error,
    facet::{List, Wanted},
    fields::DateField,
    fold,
    query::{Node, Query, Text},
    schema::Fields,
    states::States,
};

/// Most words that the `word*` at the end of a phrase may stand for, in one field of one segment.
const MAX_EXPANSIONS: usize = 4_096;
/// Most words for all such phrases of a query, in all fields of one segment: each takes a few KiB.
const MAX_ALL_EXPANSIONS: usize = 16_384;
/// A part of a score is a multiple of 1/this. Sums stay exact up to 65,536.
const STEPS: Score = 256.0;

type Part = Box<dyn Asked>;

/// The query as the index is asked it; `states` are needed by a query that asks for them only.
pub(crate) fn plan(
    query: &Query,
    fields: &Fields,
    searcher: &Searcher,
    states: Option<&Arc<States>>,
) -> Result<Part, Error> {
    match &query.root {
        None => Ok(everything()),
        Some(node) => Planner { fields, searcher, states, expansions: Cell::new(0) }.node(node),
    }
}

struct Planner<'a> {
    fields: &'a Fields,
    searcher: &'a Searcher,
    states: Option<&'a Arc<States>>,
    /// Words that phrases end in, so far.
    expansions: Cell<usize>,
}

impl Planner<'_> {
    fn node(&self, node: &Node) -> Result<Part, Error> {
        if let Some(wanted) = Wanted::by(node) {
            return self.in_states(wanted);
        }
        Ok(match node {
            Node::Anywhere(text) => {
                let parts = self.fields.anywhere().map(|field| self.text(field, text));
                any(parts.into_iter().collect::<Result<_, _>>()?)
            }
            Node::In(field, text) => self.text(self.fields.text(*field), text)?,
            Node::Is { field, value, prefix } => {
                let term = Term::from_field_text(self.fields.word(*field), value);
                unscored(if *prefix { beginning_with(&term) } else { exactly(term) })
            }
            Node::Dated(field, period) => {
                let (start, end) = period.micros();
                let at = |micros| Term::from_field_i64(self.fields.date, micros);
                let (from, to) = match field {
                    DateField::Before => (Bound::Unbounded, Bound::Excluded(at(start))),
                    DateField::After => (Bound::Included(at(end)), Bound::Unbounded),
                    DateField::On => (Bound::Included(at(start)), Bound::Excluded(at(end))),
                };
                unscored(Box::new(RangeQuery::new(from, to)))
            }
            Node::Evidence(state) => self.in_states(Wanted::only(*state))?,
            Node::Not(node) => all(vec![(Occur::Must, everything()), (Occur::MustNot, self.node(node)?)]),
            Node::And(nodes) => {
                let (wanted, nodes) = Wanted::apart(nodes, List::And);
                let mut parts = Vec::with_capacity(nodes.len() + 1);
                for node in nodes {
                    parts.push(match node {
                        Node::Not(excluded) => (Occur::MustNot, self.node(excluded)?),
                        node => (Occur::Must, self.node(node)?),
                    });
                }
                if let Some(wanted) = wanted {
                    // Last, so that the others lead.
                    parts.push((Occur::Must, self.in_states(wanted)?));
                }
                if parts.iter().all(|(occur, _)| *occur == Occur::MustNot) {
                    parts.push((Occur::Must, everything()));
                }
                all(parts)
            }
            Node::Or(nodes) => {
                let (wanted, nodes) = Wanted::apart(nodes, List::Or);
                let states = wanted.into_iter().map(|wanted| self.in_states(wanted));
                any(nodes.into_iter().map(|node| self.node(node)).chain(states).collect::<Result<_, _>>()?)
            }
        })
    }

    fn in_states(&self, wanted: Wanted) -> Result<Part, Error> {
        let states = self.states.ok_or(Error::NoStates)?;
        Ok(unscored(Box::new(wanted.in_table(Arc::clone(states)))))
    }

    fn text(&self, field: Field, text: &Text) -> Result<Part, Error> {
        let mut terms: Vec<Term> =
            fold::words(&text.text).iter().map(|word| Term::from_field_text(field, word)).collect();
        let part: Part = match (terms.len(), text.prefix) {
            (1, false) => {
                let term = terms.swap_remove(0);
                Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
            }
            (1, true) => beginning_with(&terms.swap_remove(0)),
            (_, false) => Box::new(PhraseQuery::new(terms)),
            (_, true) => {
                if let Some(last) = terms.last() {
                    self.check_expansions(field, last)?;
                }
                let mut phrase = PhrasePrefixQuery::new(terms);
                phrase.set_max_expansions(MAX_EXPANSIONS as u32);
                Box::new(phrase)
            }
        };
        Ok(Box::new(Rounded(part)))
    }

    /// The library would pass over words beyond its limit in silence.
    fn check_expansions(&self, field: Field, prefix: &Term) -> Result<(), Error> {
        let start = prefix.serialized_value_bytes();
        let mut most = 0;
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            let mut range = index.terms().range().ge(start);
            if let Some(end) = after_all_with(start) {
                range = range.lt(&end);
            }
            let mut words = range.into_stream()?;
            let mut count = 0;
            while count <= MAX_EXPANSIONS && words.advance() {
                count += 1;
            }
            most = most.max(count);
        }
        self.expansions.set(self.expansions.get() + most);
        if most <= MAX_EXPANSIONS && self.expansions.get() <= MAX_ALL_EXPANSIONS {
            return Ok(());
        }
        Err(Error::TooBroad { prefix: String::from_utf8_lossy(start).into_owned(), limit: MAX_EXPANSIONS })
    }
}

fn everything() -> Part {
    unscored(Box::new(AllQuery))
}

fn exactly(term: Term) -> Part {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

/// All terms with this beginning, without limit: the documents are marked in a bit set.
fn beginning_with(prefix: &Term) -> Part {
    let start = prefix.serialized_value_bytes();
    let end = match after_all_with(start) {
        Some(end) => {
            let mut term = prefix.clone();
            term.clear_with_type(prefix.typ());
            term.append_bytes(&end);
            Bound::Excluded(term)
        }
        None => Bound::Unbounded,
    };
    Box::new(InvertedIndexRangeQuery::new(Bound::Included(prefix.clone()), end))
}

/// The least key above all keys that begin with `prefix`.
fn after_all_with(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

fn unscored(part: Part) -> Part {
    Box::new(ConstScoreQuery::new(part, 0.0))
}

fn any(parts: Vec<Part>) -> Part {
    all(parts.into_iter().map(|part| (Occur::Should, part)).collect())
}

fn all(parts: Vec<(Occur, Part)>) -> Part {
    Box::new(BooleanQuery::new(parts))
}

/// A query whose scores are rounded to steps that can be added in any order.
#[derive(Debug)]
struct Rounded(Part);

impl Clone for Rounded {
    fn clone(&self) -> Rounded {
        Rounded(self.0.box_clone())
    }
}

impl Asked for Rounded {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(RoundedWeight(self.0.weight(scoring)?)))
    }

    fn query_terms<'a>(&'a self, visitor: &mut dyn FnMut(&'a Term, bool)) {
        self.0.query_terms(visitor);
    }
}

struct RoundedWeight(Box<dyn Weight>);

impl Weight for RoundedWeight {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        Ok(Box::new(RoundedScorer(self.0.scorer(segment, boost)?)))
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        self.0.explain(segment, doc)
    }
}

struct RoundedScorer(Box<dyn Scorer>);

impl Scorer for RoundedScorer {
    fn score(&mut self) -> Score {
        (self.0.score() * STEPS).round() / STEPS
    }
}

impl DocSet for RoundedScorer {
    fn advance(&mut self) -> DocId {
        self.0.advance()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        self.0.seek(target)
    }

    fn doc(&self) -> DocId {
        self.0.doc()
    }

    fn size_hint(&self) -> u32 {
        self.0.size_hint()
    }

    fn cost(&self) -> u64 {
        self.0.cost()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_after_a_prefix() {
        for (prefix, end) in [
            (b"ab".as_slice(), Some(b"ac".to_vec())),
            (b"a\xff\xff", Some(b"b".to_vec())),
            (b"\xff", None),
            (b"", None),
        ] {
            assert_eq!(after_all_with(prefix), end);
        }
    }
}
