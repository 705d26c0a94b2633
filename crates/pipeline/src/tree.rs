//! What lies ahead of the committer: things that are being hashed and read, in walk order as far as
//! memory allows, and out of order where processes finish so.
//!
//! A [`Node`] is an occurrence between being met and being committed. A [`Cursor`] stands for nodes that
//! are not made yet; cursors are ordered by the place of their next node in walk order, so that what the
//! committer needs soonest is made first.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, Write},
    ops::Range,
    rc::Rc,
    sync::Arc,
    vec,
};

use tamis_intake::{
    limits,
    out::{Child, Coding, Naming},
    protocol::{ChildContent, Reading, Task, Thing},
    reader::{Hint, Slice},
};
use tamis_model::{Blob, ItemId, Outcome, Reason, SourceId, tables::Fact};

use crate::{
    body::{Body, Decoded, memory_file, seal},
    books::{Books, Committed},
    driver::worse,
};

/// Place in walk order: ordinals from the top-level file down.
pub type Order = Rc<[u64]>;

/// A node's number within the run.
pub type NodeId = u64;

/// An occurrence that is not committed yet.
#[derive(Debug)]
pub struct Node {
    /// Place in walk order.
    pub order: Order,
    /// As its container declares it; for a top-level file its raw relative path.
    pub child: Child,
    /// Identity.
    pub item_id: ItemId,
    /// What it holds.
    pub content: Matter,
    /// Whether its content is its stored range as it stands.
    pub is_range: bool,
    /// Size of the content.
    pub bytes: u64,
    /// Bytes of memory it holds.
    pub held: u64,
    /// What was read of it.
    pub read: Progress,
}

impl Node {
    /// Name and declaration, as a reader sees them.
    pub fn hint(&self) -> Hint {
        Hint::new(&self.child.name, &self.child.media_type)
    }
}

/// What an occurrence holds.
#[derive(Debug, Clone)]
pub enum Matter {
    /// Content.
    Bytes(Blob, Body),
    /// None, and why.
    Absent(Outcome),
    /// Its row stands.
    Committed(Committed),
}

/// How far the reading of a node is.
#[derive(Debug)]
pub enum Progress {
    /// Nobody asked for it: it is, or looked like, a duplicate.
    NotAsked,
    /// A process is at it, or will be.
    Asked,
    /// Read; a container's children may still be arriving.
    Read(Box<Level>),
}

/// One level, read.
#[derive(Debug)]
pub struct Level {
    /// What became of it so far.
    pub outcome: Outcome,
    /// See [`Reading::reader`].
    pub reader: Option<String>,
    /// See [`Reading::media_type`].
    pub media_type: String,
    /// See [`Reading::sure`].
    pub sure: bool,
    /// Rows.
    pub facts: Vec<Fact>,
    /// Number of children.
    pub children: u64,
    /// Children that were made and wait for the committer, by ordinal.
    pub made: BTreeMap<u64, NodeId>,
    /// Slices that are not taken in yet.
    pub open_slices: usize,
    /// First child of the next slice that is taken in.
    pub next_slice: u64,
    /// Slices that came before their turn: what is said first must not depend on who was faster.
    pub early: BTreeMap<u64, (Task, Reading<Decoded>)>,
    /// What is accounted for.
    pub coverage: Coverage,
    /// Bytes accounted for by structure and text.
    pub own: u64,
    /// See [`Reading::no_text`].
    pub no_text: u32,
}

/// Ranges that do not overlap; neighbours are joined.
#[derive(Debug, Default)]
pub struct Coverage(BTreeMap<u64, u64>);

impl Coverage {
    /// Takes a range in; `false`, and nothing is taken, if part of it was taken before.
    pub fn take(&mut self, range: Range<u64>) -> bool {
        if range.is_empty() {
            return true;
        }
        let before = self.0.range(..=range.start).next_back().map(|(start, end)| (*start, *end));
        let after = self.0.range(range.start..).next().map(|(start, end)| (*start, *end));
        if before.is_some_and(|(_, end)| end > range.start)
            || after.is_some_and(|(start, _)| start < range.end)
        {
            return false;
        }
        let start = before.filter(|(_, end)| *end == range.start).map_or(range.start, |(start, _)| start);
        let end = after.filter(|(start, _)| *start == range.end).map_or(range.end, |(_, end)| end);
        if end != range.end {
            self.0.remove(&range.end);
        }
        self.0.insert(start, end);
        true
    }

    /// What is left of `0..bytes`.
    pub fn gaps(&self, bytes: u64) -> Vec<Range<u64>> {
        let mut gaps = Vec::new();
        let mut at = 0;
        for (start, end) in &self.0 {
            if *start > at {
                gaps.push(at..*start);
            }
            at = *end;
        }
        if at < bytes {
            gaps.push(at..bytes);
        }
        gaps
    }
}

/// Nodes that are not made yet.
pub enum Cursor {
    /// Top-level entries from this index on.
    Files(usize),
    /// Children of a container that were read.
    Children(NodeId, u64, vec::IntoIter<(Child, ChildContent<Decoded>)>),
    /// Runs of children of a container that are still to be read.
    Slices(NodeId, vec::IntoIter<Slice>),
}

/// What is asked of a driver: things in walk order, and where their bytes are.
pub struct PendingUnit {
    /// Whose things they are.
    pub nodes: Vec<NodeId>,
    /// The things.
    pub things: Vec<Thing>,
    /// Where their bytes are: a file of the dump, or a sealed one in memory.
    pub source: Arc<File>,
}

/// A unit of small things that is being filled: their bytes stand one after the other in a file in memory.
struct Filling {
    nodes: Vec<NodeId>,
    things: Vec<Thing>,
    file: File,
    bytes: u64,
}

/// The nodes ahead, and the unit that is being filled.
pub struct Tree {
    /// The source being read.
    pub source: SourceId,
    nodes: HashMap<NodeId, Node>,
    next_id: NodeId,
    /// What is not made yet.
    pub cursors: BTreeMap<Vec<u64>, Cursor>,
    /// Who reads which content under which name: the first node that met it.
    owners: HashMap<(Blob, Hint), NodeId>,
    /// The unit being filled, if one is begun.
    filling: Option<Filling>,
    /// Units that are full.
    pub full: Vec<PendingUnit>,
    /// Bytes of memory held by nodes and readings.
    pub held: u64,
}

impl Filling {
    fn begin() -> io::Result<Filling> {
        Ok(Filling { nodes: Vec::new(), things: Vec::new(), file: memory_file()?, bytes: 0 })
    }

    fn add(&mut self, id: NodeId, hint: Hint, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        let len = bytes.len() as u64;
        self.things.push(Thing { at: self.bytes, len, hint, task: Task::Read });
        self.nodes.push(id);
        self.bytes += len;
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.bytes >= limits::UNIT_BYTES || self.things.len() >= limits::UNIT_THINGS
    }

    fn seal(self) -> io::Result<PendingUnit> {
        seal(&self.file)?;
        Ok(PendingUnit { nodes: self.nodes, things: self.things, source: Arc::new(self.file) })
    }
}

impl Tree {
    /// A tree over top-level entries.
    pub fn new(source: SourceId) -> Tree {
        Tree {
            source,
            nodes: HashMap::new(),
            next_id: 0,
            cursors: BTreeMap::from([(vec![0], Cursor::Files(0))]),
            owners: HashMap::new(),
            filling: None,
            full: Vec::new(),
            held: 0,
        }
    }

    /// Nodes that are alive.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    /// The level of a node that was read.
    pub fn level_mut(&mut self, id: NodeId) -> Option<&mut Level> {
        match &mut self.nodes.get_mut(&id)?.read {
            Progress::Read(level) => Some(level),
            _ => None,
        }
    }

    /// Adds a node; asks for its reading unless its content is known, or being read for another.
    pub fn add(&mut self, node: Node, books: &Books) -> io::Result<NodeId> {
        let id = self.next_id;
        self.next_id += 1;
        self.held += node.held;
        let wanted = match &node.content {
            Matter::Bytes(blob, _) => {
                let hint = node.hint();
                let reachable = node.order.len() <= limits::DEPTH as usize + 1;
                reachable
                    && books.known_as(blob, &hint).is_none()
                    && !self.owners.contains_key(&(*blob, hint))
            }
            Matter::Absent(_) | Matter::Committed(_) => false,
        };
        self.nodes.insert(id, node);
        if wanted {
            self.ask(id)?;
        }
        Ok(id)
    }

    /// Asks for the reading of a node.
    pub fn ask(&mut self, id: NodeId) -> io::Result<()> {
        let Some(node) = self.nodes.get_mut(&id) else { return Ok(()) };
        let Matter::Bytes(blob, body) = &node.content else { return Ok(()) };
        node.read = Progress::Asked;
        let hint = Hint::new(&node.child.name, &node.child.media_type);
        self.owners.entry((*blob, hint.clone())).or_insert(id);
        let (body, len) = (body.clone(), node.bytes);
        match body {
            Body::File(file, range) if len > limits::UNIT_BYTES => {
                let thing = Thing { at: range.start, len, hint, task: Task::Read };
                self.full.push(PendingUnit { nodes: vec![id], things: vec![thing], source: file });
            }
            body => {
                let filling = match &mut self.filling {
                    Some(filling) => filling,
                    none => none.insert(Filling::begin()?),
                };
                filling.add(id, hint, &body.bytes()?)?;
                if filling.is_full() {
                    self.flush()?;
                }
            }
        }
        Ok(())
    }

    /// Asks for a run of children of a container.
    pub fn ask_slice(&mut self, id: NodeId, slice: Slice) -> io::Result<()> {
        let Some(node) = self.nodes.get(&id) else { return Ok(()) };
        let Matter::Bytes(_, body) = &node.content else { return Ok(()) };
        let hint = Hint::new(&node.child.name, &node.child.media_type);
        let (at, source) = match body {
            Body::File(file, range) => (range.start, file.clone()),
            Body::Memory(..) => {
                let mut file = memory_file()?;
                file.write_all(&body.bytes()?)?;
                seal(&file)?;
                (0, Arc::new(file))
            }
        };
        let thing = Thing { at, len: node.bytes, hint, task: Task::Slice(slice) };
        self.full.push(PendingUnit { nodes: vec![id], things: vec![thing], source });
        Ok(())
    }

    /// Closes the unit that is being filled, if it holds anything.
    pub fn flush(&mut self) -> io::Result<()> {
        if let Some(filling) = self.filling.take() {
            self.full.push(filling.seal()?);
        }
        Ok(())
    }

    /// Takes a reading in: that of a slice when it is its turn. One for a node that is gone is dropped.
    pub fn answer(&mut self, id: NodeId, task: Task, reading: Reading<Decoded>) {
        if !self.nodes.contains_key(&id) {
            return;
        }
        self.held += held(&reading);
        let Task::Slice(slice) = task else { return self.take_in(id, task, reading) };
        if let Some(level) = self.level_mut(id) {
            level.early.insert(slice.from, (task, reading));
        }
        while let Some((task, reading)) =
            self.level_mut(id).and_then(|level| level.early.remove(&level.next_slice))
        {
            self.take_in(id, task, reading);
        }
    }

    fn take_in(&mut self, id: NodeId, task: Task, reading: Reading<Decoded>) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let order = node.order.clone();
        let cursor_at = |ordinal: u64| order.iter().copied().chain([ordinal]).collect::<Vec<u64>>();

        let level = match (&mut node.read, task) {
            (Progress::Read(level), Task::Slice(_)) => level,
            (progress, _) => {
                *progress = Progress::Read(Box::new(Level {
                    outcome: Outcome::PARSED,
                    reader: reading.reader.clone(),
                    media_type: reading.media_type.clone(),
                    sure: reading.sure,
                    facts: Vec::new(),
                    children: 0,
                    made: BTreeMap::new(),
                    open_slices: 0,
                    next_slice: 0,
                    early: BTreeMap::new(),
                    coverage: Coverage::default(),
                    own: 0,
                    no_text: 0,
                }));
                match progress {
                    Progress::Read(level) => level,
                    _ => return,
                }
            }
        };
        level.no_text = level.no_text.saturating_add(reading.no_text);
        level.outcome = worse(level.outcome, reading.outcome);
        level.facts.extend(reading.facts);
        for range in reading.covered {
            let len = range.end - range.start;
            if level.coverage.take(range) {
                level.own += len;
            }
        }
        let mut children = reading.children;
        for (child, content) in &mut children {
            // Two slices that claim the same bytes: the machine could not see that, since each was a
            // process of its own. The later one is not believed.
            if child.stored.clone().is_some_and(|range| !level.coverage.take(range)) {
                self.held = self.held.saturating_sub(content_held(content));
                child.stored = None;
                *content = ChildContent::Absent { outcome: Outcome::failed(Reason::Protocol), bytes: 0 };
            }
        }

        let from = match task {
            Task::Slice(slice) => {
                level.open_slices = level.open_slices.saturating_sub(1);
                level.next_slice = slice.to;
                slice.from
            }
            _ => {
                level.children = children.len() as u64;
                0
            }
        };
        if let Some(slices) = reading.slices {
            level.open_slices = slices.len();
            level.children = slices.last().map_or(0, |slice| slice.to);
            if !slices.is_empty() {
                self.cursors.insert(cursor_at(0), Cursor::Slices(id, slices.into_iter()));
            }
        }
        if !children.is_empty() {
            self.cursors.insert(cursor_at(from), Cursor::Children(id, from, children.into_iter()));
        }
    }

    /// Forgets a node and everything below it that was made ahead.
    pub fn drop_node(&mut self, id: NodeId) -> Option<Node> {
        let node = self.nodes.remove(&id)?;
        self.held = self.held.saturating_sub(node.held);
        if let Matter::Bytes(blob, _) = &node.content
            && let key = (*blob, node.hint())
            && self.owners.get(&key) == Some(&id)
        {
            self.owners.remove(&key);
        }
        if let Progress::Read(level) = &node.read {
            for fact in &level.facts {
                self.held = self.held.saturating_sub(fact_bytes(fact));
            }
            for (_, reading) in level.early.values() {
                self.held = self.held.saturating_sub(held(reading));
            }
            for child in level.made.values() {
                self.drop_node(*child);
            }
            let below: Vec<Vec<u64>> = self
                .cursors
                .range(node.order.to_vec()..)
                .take_while(|(order, _)| order.starts_with(&node.order))
                .map(|(order, _)| order.clone())
                .collect();
            for order in below {
                if let Some(Cursor::Children(_, _, rest)) = self.cursors.remove(&order) {
                    self.held = self
                        .held
                        .saturating_sub(rest.map(|(_, content)| CHILD_HELD + content_held(&content)).sum());
                }
            }
        }
        Some(node)
    }

    /// A child of a container as a node of its own. Its content, where it is decoded, was counted as
    /// held with the container's reading.
    pub fn child(
        &mut self,
        parent: NodeId,
        ordinal: u64,
        child: Child,
        content: ChildContent<Decoded>,
        books: &Books,
    ) -> io::Result<()> {
        let Some(node) = self.nodes.get(&parent) else { return Ok(()) };
        let item_id = node.item_id.child(ordinal, &child.name);
        let order: Order = node.order.iter().copied().chain([ordinal]).collect();
        let held = content_held(&content);
        let is_range = matches!(content, ChildContent::Stored) || is_copy(&child, &content, &node.content)?;
        let committed = books.committed.get(&(self.source, item_id)).cloned();
        let (content, bytes) = match (committed, content, &node.content) {
            (Some(committed), ..) => {
                let bytes = committed.shape.bytes;
                (Matter::Committed(committed), bytes)
            }
            (None, ChildContent::Absent { outcome, bytes }, _) => (Matter::Absent(outcome), bytes),
            (None, ChildContent::Decoded(Decoded { blob, body }), _) => {
                let bytes = body.len();
                (Matter::Bytes(blob, body), bytes)
            }
            (None, ChildContent::Stored, Matter::Bytes(_, body)) => {
                let body = body.slice(child.stored.clone().unwrap_or_default());
                let (blob, bytes) = body.hash()?;
                (Matter::Bytes(blob, body), bytes)
            }
            (None, ChildContent::Stored, _) => (Matter::Absent(Outcome::failed(Reason::Corrupt)), 0),
        };
        self.held = self.held.saturating_sub(CHILD_HELD + held);
        let node = Node { order, child, item_id, content, is_range, bytes, held, read: Progress::NotAsked };
        let id = self.add(node, books)?;
        match self.level_mut(parent) {
            Some(level) => drop(level.made.insert(ordinal, id)),
            None => drop(self.drop_node(id)),
        }
        Ok(())
    }
}

/// The child that a top-level entry would be.
pub fn top_child(path: &[u8]) -> Child {
    Child {
        name: path.to_owned(),
        naming: Naming::Name,
        media_type: String::new(),
        stored: None,
        coding: Coding::Identity,
        declared: None,
    }
}

/// Whether a child that was handed over decoded is its stored range all the same (a stored member of an
/// archive): looked up, not believed.
fn is_copy(child: &Child, content: &ChildContent<Decoded>, container: &Matter) -> io::Result<bool> {
    match (content, container, &child.stored) {
        (ChildContent::Decoded(decoded), Matter::Bytes(_, body), Some(range))
            if child.coding == Coding::Identity && range.end - range.start == decoded.body.len() =>
        {
            Ok(body.slice(range.clone()).hash()?.0 == decoded.blob)
        }
        _ => Ok(false),
    }
}

/// Memory of a child's declaration, about.
const CHILD_HELD: u64 = 256;

/// Memory that a reading holds until its rows are written and its children are gone.
fn held(reading: &Reading<Decoded>) -> u64 {
    let facts: u64 = reading.facts.iter().map(fact_bytes).sum();
    let children: u64 = reading.children.iter().map(|(_, content)| CHILD_HELD + content_held(content)).sum();
    facts + children
}

fn content_held(content: &ChildContent<Decoded>) -> u64 {
    match content {
        ChildContent::Decoded(decoded) => decoded.body.held(),
        _ => 0,
    }
}

/// Memory of a fact, about.
pub fn fact_bytes(fact: &Fact) -> u64 {
    let payload = match fact {
        Fact::Text(text) => text.text.len(),
        Fact::Header(header) => header.value.len() + header.value_raw.as_ref().map_or(0, Vec::len),
        Fact::Message(_) => 512,
        Fact::Defect(defect) => defect.note.len(),
        Fact::Signature(signature) => 1024 + signature.signature.len(),
        Fact::Digest(digest) => 128 + digest.undone.as_ref().map_or(0, String::len),
        Fact::PartSignature(_) => 1024,
    };
    (payload + 128) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_joins_and_refuses() {
        let mut coverage = Coverage::default();
        assert!(coverage.take(10..20));
        assert!(coverage.take(30..40));
        assert!(coverage.take(20..30));
        assert_eq!(coverage.0, BTreeMap::from([(10, 40)]));
        for overlapping in [5..11, 39..50, 10..40, 15..16, 0..100] {
            assert!(!coverage.take(overlapping.clone()), "{overlapping:?}");
        }
        assert!(coverage.take(7..7));
        assert_eq!(coverage.gaps(50), [0..10, 40..50]);
        assert!(coverage.take(0..10));
        assert!(coverage.take(40..50));
        assert_eq!(coverage.gaps(50), []);
    }
}
