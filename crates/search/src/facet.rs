//! The part of a query that asks for states of evidence: looked up in [`States`] for each candidate.
//!
//! A tree of `state:A` and the like with `OR`, `AND` and `NOT` asks, in the end, for a set of states; so
//! such a tree is one lookup for a document, however it is written, and the words beside it lead.

use std::sync::Arc;

use tamis_model::{SourceId, findings::MessageState};
use tantivy::{
    DocId, SegmentReader,
    query::doc_predicate_query::{DocPredicateQuery, FunctionPredicate},
};

use crate::{query::Node, schema::column, states::States};

/// A set of states, one bit each; the lowest stands for an item without any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted(u8);

/// How the nodes of a list belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// Side by side.
    And,
    /// With `OR`.
    Or,
}

impl Wanted {
    const ALL: u8 = 0b0111_1111;

    /// One state.
    pub fn only(state: MessageState) -> Wanted {
        Wanted(bit(state.letter().bytes().next().unwrap_or_default()))
    }

    fn not(self) -> Wanted {
        Wanted(!self.0 & Wanted::ALL)
    }

    fn join(self, other: Wanted, list: List) -> Wanted {
        match list {
            List::And => Wanted(self.0 & other.0),
            List::Or => Wanted(self.0 | other.0),
        }
    }

    /// What `node` asks for, if it asks for states and nothing else.
    pub fn by(node: &Node) -> Option<Wanted> {
        let all = |nodes: &[Node], list| {
            let mut each = nodes.iter().map(Wanted::by);
            each.next()?.and_then(|first| each.try_fold(first, |sum, one| Some(sum.join(one?, list))))
        };
        match node {
            Node::Evidence(state) => Some(Wanted::only(*state)),
            Node::Not(node) => Wanted::by(node).map(Wanted::not),
            Node::And(nodes) => all(nodes, List::And),
            Node::Or(nodes) => all(nodes, List::Or),
            Node::Anywhere(_) | Node::In(..) | Node::Is { .. } | Node::Dated(..) => None,
        }
    }

    /// What those of `nodes` ask for together that ask for states only, and the other nodes.
    pub fn apart(nodes: &[Node], list: List) -> (Option<Wanted>, Vec<&Node>) {
        let mut wanted: Option<Wanted> = None;
        let mut others = Vec::with_capacity(nodes.len());
        for node in nodes {
            match Wanted::by(node) {
                Some(one) => wanted = Some(wanted.map_or(one, |sum| sum.join(one, list))),
                None => others.push(node),
            }
        }
        (wanted, others)
    }

    /// The query that finds the items in these states, each with a score of 1. It looks at the documents
    /// that other parts of a query lead to, or at all.
    pub fn in_table(self, states: Arc<States>) -> DocPredicateQuery {
        let of_segment = move |segment: &SegmentReader| {
            let columns = segment.fast_fields();
            let (sources, walks) = (columns.u64(column::SOURCE)?, columns.u64(column::WALK)?);
            let states = Arc::clone(&states);
            Ok(move |doc: DocId| {
                let source = sources.first(doc).and_then(|source| u32::try_from(source).ok());
                let place = source.zip(walks.first(doc));
                let byte = place.map_or(0, |(source, walk)| states.byte(SourceId(source), walk));
                self.0 & bit(byte) != 0
            })
        };
        FunctionPredicate::from(of_segment).into()
    }
}

/// The bit of what a table holds for an item.
fn bit(byte: u8) -> u8 {
    match byte {
        b'A'..=b'F' => 2 << (byte - b'A'),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Query;

    #[test]
    fn trees_of_states_are_sets() {
        for (query, wanted) in [
            ("state:a", Some("A")),
            ("state:A OR state:F", Some("AF")),
            ("state:A state:F", Some("")),
            ("-state:D", Some("ABCEF-")),
            ("-(state:A OR state:B OR state:C)", Some("DEF-")),
            ("(state:A OR state:B) -state:B", Some("A")),
            ("state:A OR -state:A", Some("ABCDEF-")),
            ("NOT NOT state:E", Some("E")),
            ("state:A x", None),
            ("-(state:A OR x)", None),
            ("state:parsed", None),
            ("x", None),
        ] {
            let query = Query::parse(query).unwrap();
            let set = Wanted::by(query.root().unwrap()).map(|wanted| {
                "ABCDEF-".chars().filter(|c| wanted.0 & bit(*c as u8) != 0).collect::<String>()
            });
            assert_eq!(set.as_deref(), wanted, "{query}");
        }
    }
}
