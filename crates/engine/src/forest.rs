//! Who answered whom, from Message-ID, In-Reply-To and References alone: a forest over ids.
//!
//! Every id is a node, whether its mail is here or not; mails hang on nodes, several where an id is
//! repeated. The mails arrive in a stated order, and every choice is the first in that order or the
//! smallest of its kind, so the same mails give the same forest. Time is linear in the ids but for the
//! sorting of rows; nothing of a mail is kept but its blob, its date and its ids.

use std::{collections::HashMap, sync::Arc};

use sha2::{Digest, Sha256};
use tamis_model::Blob;

/// Longest Message-ID in bytes: RFC 5322, 2.1.1 allows 998 characters a line. Longer ones are no ids.
pub(crate) const ID_BYTES: usize = 998;
/// Most references of one mail that are followed: the first, which names the thread, and the last ones.
pub(crate) const REFERENCES: usize = 256;

/// Index of a node.
pub(crate) type Node = u32;

/// How a node came to its parent; the stronger kind wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    None,
    /// From another mail's References, which name the ids before its own in order.
    Chain,
    /// From the node's own mail.
    Own,
    /// From subject and participants only.
    Guess,
}

#[derive(Debug)]
struct NodeState {
    /// `None`: a mail without an id.
    id: Option<Arc<str>>,
    parent: Option<Node>,
    link: Link,
    /// Its first mail in the stated order.
    mail: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Mail {
    node: Node,
    blob: Blob,
    date: Option<i64>,
}

/// What links one mail to others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Links<'a> {
    pub(crate) blob: Blob,
    /// Microseconds since 1970.
    pub(crate) date: Option<i64>,
    pub(crate) message_id: Option<&'a str>,
    pub(crate) in_reply_to: &'a [String],
    pub(crate) references: &'a [String],
}

/// A row of the table `threads`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ThreadRow {
    pub(crate) thread_id: [u8; 16],
    pub(crate) blob: Option<Blob>,
    pub(crate) message_id: Option<Arc<str>>,
    pub(crate) parent_message_id: Option<Arc<str>>,
    pub(crate) root_message_id: Option<Arc<str>>,
    pub(crate) depth: u32,
    pub(crate) position: u64,
    pub(crate) date: Option<i64>,
    pub(crate) missing: bool,
    pub(crate) guess: bool,
}

/// The forest in the making.
#[derive(Debug, Default)]
pub(crate) struct Forest {
    names: HashMap<Arc<str>, Node>,
    nodes: Vec<NodeState>,
    mails: Vec<Mail>,
}

/// More nodes than an index can name.
#[derive(Debug, thiserror::Error)]
#[error("more than 4,294,967,295 message ids")]
pub(crate) struct TooMany;

impl Forest {
    /// Adds the next mail in the stated order; its node.
    pub(crate) fn add(&mut self, links: Links) -> Result<Node, TooMany> {
        let node = match links.message_id.filter(|id| is_id(id)) {
            Some(id) => self.intern(id)?,
            None => self.node(None)?,
        };
        let mail = index(self.mails.len())?;
        self.mails.push(Mail { node, blob: links.blob, date: links.date });
        if let Some(state) = self.nodes.get_mut(node as usize) {
            state.mail.get_or_insert(mail);
        }

        let mut before: Option<Node> = None;
        for id in chain(&links) {
            let at = self.intern(id)?;
            if at == node || before == Some(at) {
                continue;
            }
            if let Some(before) = before {
                self.link(at, before, Link::Chain);
            }
            before = Some(at);
        }
        if let Some(parent) = before {
            self.link(node, parent, Link::Own);
        }
        Ok(node)
    }

    /// Ends the linking by ids: cycles are broken.
    pub(crate) fn close(&mut self) {
        let mut state = vec![Visit::New; self.nodes.len()];
        for start in 0..self.nodes.len() as Node {
            let mut path = Vec::new();
            let mut at = Some(start);
            while let Some(node) = at {
                match state.get_mut(node as usize) {
                    Some(visit @ Visit::New) => *visit = Visit::Open,
                    Some(Visit::Open) => {
                        self.break_cycle(node);
                        break;
                    }
                    _ => break,
                }
                path.push(node);
                at = self.parent(node);
            }
            for node in path {
                if let Some(visit) = state.get_mut(node as usize) {
                    *visit = Visit::Done;
                }
            }
        }
    }

    /// Whether a node has no parent.
    pub(crate) fn is_root(&self, node: Node) -> bool {
        self.parent(node).is_none()
    }

    /// Whether a node has an id, so that others can name it.
    pub(crate) fn is_named(&self, node: Node) -> bool {
        self.nodes.get(node as usize).is_some_and(|state| state.id.is_some())
    }

    /// The node of the n-th mail in the stated order.
    pub(crate) fn node_of(&self, mail: usize) -> Option<Node> {
        self.mails.get(mail).map(|mail| mail.node)
    }

    /// The root of each node.
    pub(crate) fn roots(&self) -> Vec<Node> {
        self.places().into_iter().map(|place| place.root).collect()
    }

    /// Hangs a root below a node of *another* tree; the caller has checked that.
    pub(crate) fn guess(&mut self, root: Node, parent: Node) {
        if let Some(state) = self.nodes.get_mut(root as usize) {
            state.parent = Some(parent);
            state.link = Link::Guess;
        }
    }

    /// The rows, ordered by thread, then position: a row a mail, and a row a missing id that a mail hangs
    /// below.
    pub(crate) fn rows(&self) -> Rows<'_> {
        let places = self.places();
        let mut rows = Vec::with_capacity(self.mails.len());
        let thread = |node: Node| {
            let root = places.get(node as usize).map_or(node, |place| place.root);
            self.thread_id(root)
        };
        for (mail, row) in self.mails.iter().enumerate() {
            rows.push(Draft { thread: thread(row.node), node: row.node, mail: Some(mail) });
        }
        for (node, needed) in self.needed().into_iter().enumerate() {
            let missing = self.nodes.get(node).is_some_and(|state| state.mail.is_none());
            if needed && missing {
                let node = node as Node;
                rows.push(Draft { thread: thread(node), node, mail: None });
            }
        }
        rows.sort_unstable_by(|a, b| self.order(a).cmp(&self.order(b)));
        Rows { forest: self, places, rows, at: 0, thread: None, position: 0 }
    }

    fn order<'a>(&'a self, row: &Draft) -> ([u8; 16], bool, Option<i64>, Option<&'a str>, Option<Blob>) {
        let mail = row.mail.and_then(|mail| self.mails.get(mail));
        let date = mail.and_then(|mail| mail.date);
        (row.thread, date.is_none(), date, self.id(row.node).map(AsRef::as_ref), mail.map(|mail| mail.blob))
    }

    fn intern(&mut self, id: &str) -> Result<Node, TooMany> {
        if let Some(node) = self.names.get(id) {
            return Ok(*node);
        }
        let id: Arc<str> = id.into();
        let node = self.node(Some(Arc::clone(&id)))?;
        self.names.insert(id, node);
        Ok(node)
    }

    fn node(&mut self, id: Option<Arc<str>>) -> Result<Node, TooMany> {
        let node = index(self.nodes.len())?;
        self.nodes.push(NodeState { id, parent: None, link: Link::None, mail: None });
        Ok(node)
    }

    /// A mail's own parent beats one from a chain; among equals the first stays.
    fn link(&mut self, child: Node, parent: Node, link: Link) {
        let Some(state) = self.nodes.get_mut(child as usize) else { return };
        let stronger = state.link == Link::None || (link == Link::Own && state.link == Link::Chain);
        if child != parent && stronger {
            (state.parent, state.link) = (Some(parent), link);
        }
    }

    fn parent(&self, node: Node) -> Option<Node> {
        self.nodes.get(node as usize)?.parent
    }

    fn id(&self, node: Node) -> Option<&Arc<str>> {
        self.nodes.get(node as usize)?.id.as_ref()
    }

    /// Makes one node of the cycle through `on` a root: the earliest mail that is here, else the smallest
    /// id.
    fn break_cycle(&mut self, on: Node) {
        let key = |node: Node| {
            let state = self.nodes.get(node as usize);
            let mail = state.and_then(|state| state.mail);
            let date = mail.and_then(|mail| self.mails.get(mail as usize)).and_then(|mail| mail.date);
            (mail.is_none(), date.is_none(), date, self.id(node).cloned(), node)
        };
        let mut smallest = key(on);
        let mut at = self.parent(on);
        while let Some(node) = at.filter(|node| *node != on) {
            smallest = smallest.min(key(node));
            at = self.parent(node);
        }
        if let Some(state) = self.nodes.get_mut(smallest.4 as usize) {
            (state.parent, state.link) = (None, Link::None);
        }
    }

    /// Root and depth of each node; every node is climbed from once.
    fn places(&self) -> Vec<Place> {
        let mut places: Vec<Option<Place>> = vec![None; self.nodes.len()];
        for start in 0..self.nodes.len() as Node {
            let mut path = Vec::new();
            let mut at = start;
            let mut place = loop {
                if let Some(known) = places.get(at as usize).copied().flatten() {
                    break known;
                }
                let Some(parent) = self.parent(at) else {
                    let root = Place { root: at, depth: 0 };
                    if let Some(slot) = places.get_mut(at as usize) {
                        *slot = Some(root);
                    }
                    break root;
                };
                path.push(at);
                at = parent;
            };
            for node in path.into_iter().rev() {
                place.depth = place.depth.saturating_add(1);
                if let Some(slot) = places.get_mut(node as usize) {
                    *slot = Some(place);
                }
            }
        }
        places.into_iter().flatten().collect()
    }

    /// Nodes that carry a mail or have one below them.
    fn needed(&self) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        for mail in &self.mails {
            let mut at = Some(mail.node);
            while let Some(slot) = at.and_then(|node| needed.get_mut(node as usize)).filter(|slot| !**slot) {
                *slot = true;
                at = at.and_then(|node| self.parent(node));
            }
        }
        needed
    }

    /// A thread is named after its root: by its id, so that a parent that arrives later changes nothing;
    /// by its content where it has none.
    fn thread_id(&self, root: Node) -> [u8; 16] {
        let state = self.nodes.get(root as usize);
        let mail = state.and_then(|state| self.mails.get(state.mail? as usize));
        match (self.id(root), mail) {
            (Some(id), _) => hash128(b"tamis/thread/1", &[b"id", id.as_bytes()]),
            (None, Some(mail)) => hash128(b"tamis/thread/1", &[b"blob", &mail.blob.0]),
            (None, None) => hash128(b"tamis/thread/1", &[]),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    New,
    Open,
    Done,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    root: Node,
    depth: u32,
}

#[derive(Debug, Clone, Copy)]
struct Draft {
    thread: [u8; 16],
    node: Node,
    mail: Option<usize>,
}

/// The rows of a [`Forest`], in order.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    forest: &'a Forest,
    places: Vec<Place>,
    rows: Vec<Draft>,
    at: usize,
    thread: Option<[u8; 16]>,
    position: u64,
}

impl Iterator for Rows<'_> {
    type Item = ThreadRow;

    fn next(&mut self) -> Option<ThreadRow> {
        let draft = *self.rows.get(self.at)?;
        self.at += 1;
        self.position = if self.thread == Some(draft.thread) { self.position + 1 } else { 0 };
        self.thread = Some(draft.thread);

        let state = self.forest.nodes.get(draft.node as usize)?;
        let place = self.places.get(draft.node as usize)?;
        let mail = draft.mail.and_then(|mail| self.forest.mails.get(mail));
        Some(ThreadRow {
            thread_id: draft.thread,
            blob: mail.map(|mail| mail.blob),
            message_id: state.id.clone(),
            parent_message_id: state.parent.and_then(|parent| self.forest.id(parent).cloned()),
            root_message_id: self.forest.id(place.root).cloned(),
            depth: place.depth,
            position: self.position,
            date: mail.and_then(|mail| mail.date),
            missing: mail.is_none(),
            guess: state.link == Link::Guess,
        })
    }
}

/// First 128 bits of a SHA-256 over a label and fields, each field preceded by its length.
pub(crate) fn hash128(label: &[u8], fields: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(label);
    for field in fields {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field);
    }
    let mut first = [0; 16];
    first.copy_from_slice(hash.finalize().split_at(16).0);
    first
}

fn index(len: usize) -> Result<Node, TooMany> {
    Node::try_from(len).map_err(|_| TooMany)
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_BYTES
}

/// The ids above a mail, from the root down: References, else the first id of In-Reply-To (RFC 5322,
/// 3.6.4: the parent stands in both, and References end with it).
fn chain<'a>(links: &Links<'a>) -> Vec<&'a str> {
    let ids = |list: &'a [String]| list.iter().map(String::as_str).filter(|id| is_id(id));
    let first = ids(links.references).next();
    let skip = links.references.len().saturating_sub(REFERENCES - 1).max(1);
    let last = ids(links.references.get(skip..).unwrap_or_default());
    let chain = first.into_iter().chain(last).collect::<Vec<_>>();
    if chain.is_empty() {
        let own = links.message_id;
        return ids(links.in_reply_to).find(|id| Some(*id) != own).into_iter().collect();
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    struct M(&'static str, i64, &'static [&'static str], &'static [&'static str]);

    fn forest(mails: &[M]) -> Vec<ThreadRow> {
        let mut mails = mails.iter().collect::<Vec<_>>();
        mails.sort_by_key(|mail| (mail.1, blob(mail)));
        let mut forest = Forest::default();
        for mail in mails {
            let own = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
            let links = Links {
                blob: blob(mail),
                date: Some(mail.1),
                message_id: Some(mail.0).filter(|id| !id.is_empty()),
                in_reply_to: &own(mail.2),
                references: &own(mail.3),
            };
            forest.add(links).unwrap();
        }
        forest.close();
        forest.rows().collect()
    }

    fn blob(mail: &M) -> Blob {
        Blob::of(format!("{}/{}/{:?}/{:?}", mail.0, mail.1, mail.2, mail.3).as_bytes())
    }

    /// One line a thread, sorted: `id<parent@depth`, missing ids in brackets.
    fn shape(mails: &[M]) -> String {
        let mut threads: Vec<(String, Vec<String>)> = Vec::new();
        for row in forest(mails) {
            let id = row.message_id.as_deref().unwrap_or("-");
            let id = if row.missing { format!("[{id}]") } else { id.to_owned() };
            let parent = row.parent_message_id.as_deref().map(|p| format!("<{p}")).unwrap_or_default();
            let text = format!("{id}{parent}@{}", row.depth);
            let key = format!("{:?}", row.thread_id);
            match threads.last_mut() {
                Some((last, rows)) if *last == key => rows.push(text),
                _ => threads.push((key, vec![text])),
            }
        }
        let mut lines = threads.into_iter().map(|(_, rows)| rows.join(" ")).collect::<Vec<_>>();
        lines.sort();
        lines.join(" | ")
    }

    #[test]
    fn shapes() {
        for (name, mails, expected) in [
            ("none", vec![], ""),
            ("alone", vec![M("a", 1, &[], &[])], "a@0"),
            ("reply", vec![M("a", 1, &[], &[]), M("b", 2, &["a"], &[])], "a@0 b<a@1"),
            ("out of order", vec![M("b", 1, &["a"], &[]), M("a", 2, &[], &[])], "b<a@1 a@0"),
            ("missing parent", vec![M("b", 1, &["a"], &[])], "b<a@1 [a]@0"),
            ("missing between", vec![M("a", 1, &[], &[]), M("c", 2, &[], &["a", "b"])], "a@0 c<b@2 [b]<a@1"),
            ("siblings meet", vec![M("b", 1, &["a"], &[]), M("c", 2, &["a"], &[])], "b<a@1 c<a@1 [a]@0"),
            ("references beat in-reply-to", vec![M("c", 1, &["x"], &["a", "b"])], "c<b@2 [a]@0 [b]<a@1"),
            ("self reference", vec![M("a", 1, &["a"], &["a", "a"])], "a@0"),
            ("cycle of two", vec![M("a", 1, &["b"], &[]), M("b", 2, &["a"], &[])], "a@0 b<a@1"),
            (
                "cycle of three, with a tail",
                vec![
                    M("a", 3, &["c"], &[]),
                    M("b", 1, &["a"], &[]),
                    M("c", 2, &["b"], &[]),
                    M("d", 4, &["c"], &[]),
                ],
                "b@0 c<b@1 a<c@2 d<c@2",
            ),
            ("cycle of missing ids", vec![M("z", 1, &[], &["a", "b", "a"])], "z<a@1 [a]@0"),
            ("repeated id", vec![M("a", 1, &[], &[]), M("a", 2, &["x"], &[])], "a<x@1 a<x@1 [x]@0"),
            (
                "own parent beats another's chain",
                vec![M("z", 1, &[], &["x", "b", "c"]), M("b", 2, &["a"], &[])],
                "z<c@3 b<a@1 [a]@0 [c]<b@2",
            ),
            (
                "no ids",
                vec![M("", 1, &[], &[]), M("", 2, &[], &[]), M("", 3, &["a"], &[])],
                "-<a@1 [a]@0 | -@0 | -@0",
            ),
            ("subjects do not count, html neither", vec![M("<b>'; DROP", 1, &[], &[])], "<b>'; DROP@0"),
        ] {
            assert_eq!(shape(&mails), expected, "{name}");
        }
    }

    #[test]
    fn long_ids_and_lists_are_bounded() {
        let long = "x".repeat(ID_BYTES + 1);
        let many = (0..5_000).map(|n| format!("{n}@r")).collect::<Vec<_>>();
        let mut forest = Forest::default();
        let links = Links {
            blob: Blob::of(b"a"),
            date: None,
            message_id: Some(&long),
            in_reply_to: &[],
            references: &many,
        };
        forest.add(links).unwrap();
        forest.close();
        let rows = forest.rows().collect::<Vec<_>>();
        assert_eq!(rows.len(), 1 + REFERENCES);
        let mail = rows.iter().find(|row| !row.missing).unwrap();
        assert_eq!(mail.message_id, None);
        assert_eq!(mail.parent_message_id.as_deref(), Some("4999@r"));
        assert_eq!(mail.root_message_id.as_deref(), Some("0@r"));
    }

    /// A chain as deep as the mails are many, each naming its parent only, latest first: climbing from
    /// every mail to the root would take 10^10 steps.
    #[test]
    fn deep_chains_are_linear() {
        const N: u32 = 100_000;
        let mut forest = Forest::default();
        for n in (0..N).rev() {
            let (own, above) = (n.to_string(), [(n.wrapping_sub(1)).to_string()]);
            let links = Links {
                blob: Blob::of(own.as_bytes()),
                date: Some(i64::from(n)),
                message_id: Some(&own),
                in_reply_to: if n == 0 { &[] } else { &above },
                references: &[],
            };
            forest.add(links).unwrap();
        }
        forest.close();
        let rows = forest.rows().collect::<Vec<_>>();
        assert_eq!(rows.len(), N as usize);
        assert!(rows.iter().enumerate().all(|(n, row)| row.depth == n as u32 && row.position == n as u64));
        assert!(rows.iter().all(|row| row.root_message_id.as_deref() == Some("0")));
    }
}
