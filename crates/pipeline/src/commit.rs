//! The committer: takes nodes in walk order, decides what each of them is, and writes its rows.
//!
//! A container's own row is written after its last child's, when its outcome and sums are known; a batch
//! may close in between. Which rows stand in which batch follows from the dump, the options and the
//! version alone: not from threads, nor from the machine.

use std::{collections::HashSet, os::unix::fs::MetadataExt, rc::Rc, sync::Arc, sync::mpsc::Sender};

use tamis_case::{Batch, BatchDraft, FileStamp, Writer};
use tamis_intake::{
    limits,
    out::{Child, Coding, Naming},
    walk::{Entry, EntryKind},
};
use tamis_model::{
    Blob, ItemId, Outcome, Reason, SourceId, State,
    names::{Step, escape},
    tables::{Attachment, Defect, Fact, Item},
};

use crate::{
    Error,
    body::Body,
    books::{Books, Known, Shape, Under, unread_share},
    tree::{Level, Matter, Node, NodeId, Progress, Tree},
};

/// Descendants of duplicates that are listed one by one, below one top-level file.
const COPIES: u64 = 100_000;
/// Bytes that a row counts towards the size of a batch, beside its content.
const ROW_WEIGHT: u64 = 256;
/// Gaps of one item that become rows of `defects`.
const GAPS: usize = 1000;

/// Source bytes at which batch `n` closes: the first batches are small, so that there is something to
/// find within a second.
fn batch_bytes(n: u64) -> u64 {
    (8 << 20) << n.saturating_sub(1).min(5)
}

/// A container whose children are being committed.
struct Frame {
    id: NodeId,
    item: Item,
    child: Child,
    blob: Blob,
    /// Ordinal of the next child.
    next: u64,
    /// Names that children have already.
    used: HashSet<Vec<u8>>,
    /// Unread bytes that children bring.
    unread: u64,
    /// Bytes that children are stored in.
    absorbed: u64,
    shapes: Vec<Shape>,
    attachments: Vec<Attachment>,
    /// Decoded bytes of it and below.
    decoded: u64,
    /// Under which names it is read so.
    under: Under,
    /// Whether its facts stand already: it is read again only because not everything below it was reached.
    facts_stand: bool,
}

/// Where new rows get their numbers from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbering {
    /// A source read for the first time, or continued: pre-order.
    PreOrder,
    /// A source read to its end before: what is new in it comes after everything else.
    AtTheEnd,
}

/// See the module.
pub struct Committer {
    writer: Writer,
    /// What stands.
    pub books: Books,
    source: SourceId,
    by_reference: bool,
    numbering: Numbering,
    next_walk: u64,
    stack: Vec<Frame>,
    /// Index of the next top-level entry.
    next_entry: usize,
    draft: Option<BatchDraft>,
    /// Source bytes in the draft.
    weight: u64,
    /// Top-level files whose rows the draft completes.
    files: Vec<(SourceId, Vec<u8>, FileStamp, ItemId)>,
    /// Decoded bytes below the current top-level file.
    decoded: u64,
    /// Descendants of duplicates that may still be listed below the current top-level file.
    copies_left: u64,
    /// Raw paths of top-level rows written in this run, where rows are being made again.
    paths: HashSet<Vec<u8>>,
    indexer: Sender<Batch>,
    /// Bytes of top-level files done.
    done_bytes: u64,
}

impl Committer {
    /// A committer for one source.
    pub fn new(
        writer: Writer,
        books: Books,
        source: SourceId,
        numbering: Numbering,
        indexer: Sender<Batch>,
    ) -> Committer {
        let next_walk = match numbering {
            Numbering::PreOrder => 0,
            Numbering::AtTheEnd => books.next_walk,
        };
        let by_reference = writer.case().options().by_reference;
        Committer {
            writer,
            books,
            source,
            by_reference,
            numbering,
            next_walk,
            stack: Vec::new(),
            next_entry: 0,
            draft: None,
            weight: 0,
            files: Vec::new(),
            decoded: 0,
            copies_left: COPIES,
            paths: HashSet::new(),
            indexer,
            done_bytes: 0,
        }
    }

    /// Gives the case and the books back.
    pub fn into_parts(self) -> (Writer, Books) {
        (self.writer, self.books)
    }

    /// Index of the next top-level entry: those before are done.
    pub fn next_entry(&self) -> usize {
        self.next_entry
    }

    /// Bytes of the dump that are done, for progress: of the file at work, what its children are stored in.
    pub fn done_bytes(&self) -> u64 {
        self.done_bytes.saturating_add(self.stack.first().map_or(0, |frame| frame.absorbed))
    }

    /// Whether all `entries` are committed.
    pub fn is_done(&self, entries: usize) -> bool {
        self.stack.is_empty() && self.next_entry >= entries
    }

    /// Place in walk order of the node that is waited for.
    pub fn waits_for(&self, tree: &Tree) -> Vec<u64> {
        match self.stack.last() {
            None => vec![self.next_entry as u64],
            Some(frame) => {
                let order = tree.node(frame.id).map(|node| node.order.clone()).unwrap_or_default();
                order.iter().copied().chain([frame.next]).collect()
            }
        }
    }

    /// Commits the next node if it is there and read. `false`: it is not.
    pub fn step(&mut self, tree: &mut Tree, tops: &mut Tops, at: &dyn Fn() -> String) -> Result<bool, Error> {
        let next = match self.stack.last() {
            None => tops.made.get(&self.next_entry).copied(),
            Some(frame) => {
                let Some(level) = tree.level_mut(frame.id) else { return Ok(false) };
                match level.made.get(&frame.next) {
                    Some(id) => Some(*id),
                    None if level.open_slices == 0 && frame.next >= level.children => {
                        self.close(tree, tops)?;
                        self.close_batch_if_full(at)?;
                        return Ok(true);
                    }
                    None => None,
                }
            }
        };
        let Some(id) = next else { return Ok(false) };
        if !self.visit(id, tree, tops)? {
            return Ok(false);
        }
        self.close_batch_if_full(at)?;
        Ok(true)
    }

    /// Decides what a node is. `false`: its reading is not there yet.
    fn visit(&mut self, id: NodeId, tree: &mut Tree, tops: &mut Tops) -> Result<bool, Error> {
        let Some(node) = tree.node(id) else { return Ok(true) };
        let (blob, body) = match &node.content {
            Matter::Committed(_) => {
                self.pass(id, tree, tops);
                return Ok(true);
            }
            Matter::Absent(outcome) => {
                let outcome = *outcome;
                self.leaf(id, outcome, tree, tops)?;
                return Ok(true);
            }
            Matter::Bytes(blob, body) => (*blob, body.clone()),
        };
        let decoded = match node.child.coding {
            Coding::Identity => 0,
            _ => node.bytes,
        };
        let allowed = limits::expansion(tops.bytes(self.next_entry));
        if self.stack.len() > limits::DEPTH as usize {
            self.store(node, &body, tops)?;
            self.leaf(id, Outcome::refused(Reason::Depth), tree, tops)?;
        } else if !self.stack.is_empty() && self.decoded.saturating_add(decoded) > allowed {
            self.leaf(id, Outcome::refused(Reason::Expansion), tree, tops)?;
        } else if self.stack.iter().any(|frame| frame.blob == blob) {
            self.duplicate(id, None, tree, tops)?;
        } else if let Some(known) = self.books.known_as(&blob, &node.hint()).filter(|known| known.whole) {
            self.duplicate(id, Some(known.clone()), tree, tops)?;
        } else {
            match &node.read {
                Progress::NotAsked => {
                    tree.ask(id).and_then(|()| tree.flush()).map_err(|error| self.cannot_read(error))?;
                    return Ok(false);
                }
                Progress::Asked => return Ok(false),
                Progress::Read(level) => {
                    let hint = node.hint();
                    let known = self.books.known_to(&blob, level.reader.as_deref(), &level.media_type, &hint);
                    let facts_stand = known.is_some();
                    if let Some(known) = known.filter(|known| known.whole) {
                        self.duplicate(id, Some(known), tree, tops)?;
                        return Ok(true);
                    }
                    let under = match level.sure {
                        true => Under::Any,
                        false => Under::One(self.books.words.hint(hint)),
                    };
                    self.decoded = self.decoded.saturating_add(decoded);
                    if self.store(node, &body, tops)? {
                        self.open(id, blob, decoded, under, facts_stand, tree);
                    } else {
                        self.leaf(id, Outcome::failed(Reason::Changed), tree, tops)?;
                    }
                }
            }
        }
        Ok(true)
    }

    /// A row that stands already: only its container learns of it.
    fn pass(&mut self, id: NodeId, tree: &mut Tree, tops: &mut Tops) {
        let Some(Node { child, item_id, content: Matter::Committed(committed), bytes, .. }) =
            tree.drop_node(id)
        else {
            return;
        };
        if self.numbering == Numbering::PreOrder {
            self.next_walk = self.next_walk.max(committed.walk_end.saturating_add(1));
        }
        self.decoded = self.decoded.saturating_add(committed.decoded);
        if committed.shape.outcome == Outcome::DUPLICATE {
            self.copies_left = self.copies_left.saturating_sub(committed.below);
        }
        let shape = Shape { naming: child.naming, ..committed.shape };
        match self.stack.last_mut() {
            Some(frame) => {
                // The name is used up all the same.
                frame.step(&child, frame.next);
                frame.absorb(&child, shape, committed.walk_end, committed.decoded);
            }
            None => {
                // Touched, or copied back, with the content that stands: its new stamp is kept.
                if let (Numbering::AtTheEnd, Some(stamp)) = (self.numbering, tops.stamp(self.next_entry)) {
                    self.files.push((self.source, child.name, stamp, item_id));
                }
                self.next_top(bytes, tops);
            }
        }
    }

    /// The current top-level file is done.
    fn next_top(&mut self, bytes: u64, tops: &mut Tops) {
        tops.made.remove(&self.next_entry);
        self.next_entry += 1;
        self.decoded = 0;
        self.copies_left = COPIES;
        self.done_bytes = self.done_bytes.saturating_add(bytes);
    }

    /// The row of a node, as far as its place goes.
    fn item(&mut self, node: &Node) -> Item {
        let (path, parent_id, ordinal) = match self.stack.last_mut() {
            None => (escape(&node.child.name), None, 0),
            Some(frame) => {
                let path = frame.step(&node.child, frame.next);
                (path, Some(frame.item.item_id), frame.next)
            }
        };
        let walk = self.number(node.item_id);
        let (blob, state) = match &node.content {
            Matter::Bytes(blob, _) => (Some(*blob), State::Parsed),
            _ => (None, State::Failed),
        };
        Item {
            source_id: self.source,
            item_id: node.item_id,
            parent_id,
            walk,
            walk_end: walk,
            ordinal,
            depth: self.stack.len() as u32,
            path,
            name_raw: node.child.name.clone(),
            at: node.child.stored.as_ref().map(|range| range.start),
            len: node.child.stored.as_ref().map(|range| range.end - range.start),
            coding: node.child.coding.as_str().to_owned(),
            blob,
            bytes: node.bytes,
            media_type: "application/octet-stream".to_owned(),
            reader: None,
            state,
            reason: None,
            children: 0,
            own: 0,
            gap: 0,
            unread: 0,
            no_text: 0,
        }
    }

    fn number(&mut self, item: ItemId) -> u64 {
        if let Some(redo) = self.books.redo.get(&(self.source, item)) {
            return redo.walk;
        }
        self.next_walk += 1;
        self.next_walk - 1
    }

    /// A node whose content is not read here.
    fn leaf(&mut self, id: NodeId, outcome: Outcome, tree: &mut Tree, tops: &mut Tops) -> Result<(), Error> {
        let Some(node) = tree.drop_node(id) else { return Ok(()) };
        let mut item = self.item(&node);
        (item.state, item.reason) = (outcome.state, outcome.reason);
        (item.gap, item.unread) = (node.bytes, node.bytes);
        if outcome.reason == Some(Reason::Expansion) {
            item.blob = None;
        }
        self.write(item, &node.child, Rc::default(), 0, Under::Any, tops)
    }

    /// A node whose content has its facts from an earlier occurrence; `known` is what came of that, unless
    /// it is a container that is still open.
    fn duplicate(
        &mut self,
        id: NodeId,
        known: Option<Known>,
        tree: &mut Tree,
        tops: &mut Tops,
    ) -> Result<(), Error> {
        let Some(node) = tree.drop_node(id) else { return Ok(()) };
        let mut item = self.item(&node);
        (item.state, item.reason) = (State::Duplicate, None);
        if let Some(known) = known {
            fill(&mut item, &known);
            self.copies(&mut item, &known.children)?;
        }
        self.write(item, &node.child, Rc::default(), 0, Under::Any, tops)
    }

    /// Lists the children of a duplicate as those of its first occurrence were, and theirs.
    fn copies(&mut self, parent: &mut Item, shapes: &[Shape]) -> Result<(), Error> {
        let mut used = HashSet::new();
        for (ordinal, shape) in (0..).zip(shapes) {
            let more = self.copies_left > 0;
            self.copies_left = self.copies_left.saturating_sub(1);
            let name: &[u8] = if more { &shape.name } else { b"" };
            let item_id = parent.item_id.child(ordinal, name);
            let walk = self.number(item_id);
            let outcome = match shape.blob {
                _ if !more => Outcome::refused(Reason::Copies),
                _ if parent.depth >= limits::DEPTH => Outcome::refused(Reason::Depth),
                Some(_) if !shape.outcome.is_of_the_place() => Outcome::DUPLICATE,
                _ => shape.outcome,
            };
            let mut item = Item {
                source_id: self.source,
                item_id,
                parent_id: Some(parent.item_id),
                walk,
                walk_end: walk,
                ordinal,
                depth: parent.depth + 1,
                path: step(&mut used, &parent.path, name, shape.naming, ordinal),
                name_raw: name.to_vec(),
                at: shape.stored.filter(|_| more).map(|(at, _)| at),
                len: shape.stored.filter(|_| more).map(|(_, len)| len),
                coding: shape.coding.to_string(),
                blob: shape.blob.filter(|_| more),
                bytes: if more { shape.bytes } else { 0 },
                media_type: shape.media_type.to_string(),
                reader: None,
                state: outcome.state,
                reason: outcome.reason,
                children: 0,
                own: 0,
                gap: if more && outcome.state.is_unread() { shape.bytes } else { 0 },
                unread: if !more {
                    0
                } else if outcome.state.is_unread() {
                    shape.bytes
                } else {
                    shape.unread
                },
                no_text: 0,
            };
            let same = |all: &Vec<Known>| {
                all.iter().find(|known| known.media_type == shape.media_type).or(all.first()).cloned()
            };
            let known = shape.blob.filter(|_| outcome == Outcome::DUPLICATE);
            if let Some(known) = known.and_then(|blob| self.books.known.get(&blob).and_then(same)) {
                fill(&mut item, &known);
                self.copies(&mut item, &known.children)?;
            }
            parent.walk_end = item.walk_end;
            parent.children += 1;
            self.write_row(item, Rc::default(), Under::Any)?;
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// Begins a node that was read.
    fn open(
        &mut self,
        id: NodeId,
        blob: Blob,
        decoded: u64,
        under: Under,
        facts_stand: bool,
        tree: &mut Tree,
    ) {
        let Some(node) = tree.node(id) else { return };
        let child = node.child.clone();
        let item = {
            // The borrow of the tree ends before the books are asked for a number.
            let node = Node {
                order: node.order.clone(),
                child: child.clone(),
                item_id: node.item_id,
                content: node.content.clone(),
                is_range: node.is_range,
                bytes: node.bytes,
                held: 0,
                read: Progress::NotAsked,
            };
            self.item(&node)
        };
        self.stack.push(Frame {
            id,
            item,
            child,
            blob,
            next: 0,
            used: HashSet::new(),
            unread: 0,
            absorbed: 0,
            shapes: Vec::new(),
            attachments: Vec::new(),
            decoded,
            under,
            facts_stand,
        });
    }

    /// Ends the container on top of the stack: its equation, its facts, its row.
    fn close(&mut self, tree: &mut Tree, tops: &mut Tops) -> Result<(), Error> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let Some(Node { read: Progress::Read(level), .. }) = tree.drop_node(frame.id) else { return Ok(()) };
        let Level { outcome, reader, media_type, facts, coverage, own, no_text, .. } = *level;
        let Frame {
            mut item, child, blob, unread, mut shapes, attachments, decoded, under, facts_stand, ..
        } = frame;
        shapes.shrink_to_fit();

        let gaps = coverage.gaps(item.bytes);
        item.gap = gaps.iter().map(|gap| gap.end - gap.start).sum();
        item.own = own;
        item.children = shapes.len() as u64;
        item.media_type = media_type;
        item.reader = reader;
        item.no_text = no_text;
        let outcome = match outcome {
            Outcome::PARSED if item.gap > 0 => Outcome::partial(Reason::Damaged),
            other => other,
        };
        let nothing_read = outcome.state.is_unread() && shapes.is_empty();
        item.unread = if nothing_read { item.bytes } else { item.gap + unread };
        (item.state, item.reason) = (outcome.state, outcome.reason);
        if item.depth == 0 && tops.changed(self.next_entry) {
            (item.state, item.reason) = (State::Failed, Some(Reason::Changed));
            item.unread = item.bytes;
        }

        if !facts_stand || self.books.stale.contains(&blob) {
            self.write_facts(&blob, facts, if nothing_read { &[] } else { &gaps })?;
            for attachment in &attachments {
                self.draft()?.attachment(&blob, attachment)?;
            }
        }
        self.write(item, &child, Rc::new(shapes), decoded, under, tops)
    }

    fn write_facts(
        &mut self,
        blob: &Blob,
        facts: Vec<Fact>,
        gaps: &[std::ops::Range<u64>],
    ) -> Result<(), Error> {
        if self.books.stale.remove(blob) {
            self.draft()?.supersedes().blobs.insert(*blob);
        }
        for fact in &facts {
            if let Fact::Message(message) = fact {
                self.books.message(message);
            }
            self.draft()?.fact(blob, fact)?;
        }
        let (listed, rest) = gaps.split_at_checked(GAPS).unwrap_or((gaps, &[]));
        let mut defect = |kind: &str, at: u64, len: u64, note: String| -> Result<(), Error> {
            let defect = Defect { kind: kind.to_owned(), at: Some(at), len: Some(len), note };
            Ok(self.draft()?.fact(blob, &Fact::Defect(defect))?)
        };
        for gap in listed {
            defect("gap", gap.start, gap.end - gap.start, "bytes that nothing accounts for".to_owned())?;
        }
        if let Some(first) = rest.first() {
            let bytes = rest.iter().map(|gap| gap.end - gap.start).sum();
            defect("more-gaps", first.start, bytes, format!("{} further gaps are not listed", rest.len()))?;
        }
        Ok(())
    }

    /// Writes the row of a node and tells its container, or ends the top-level file.
    fn write(
        &mut self,
        item: Item,
        child: &Child,
        shapes: Rc<Vec<Shape>>,
        decoded: u64,
        under: Under,
        tops: &mut Tops,
    ) -> Result<(), Error> {
        let mut shape = Shape::of(&item, child.naming, true, &mut self.books.words);
        let (item_id, walk_end, bytes) = (item.item_id, item.walk_end, item.bytes);
        let outcome = Outcome { state: item.state, reason: item.reason };
        shape.whole = self.write_row(item, shapes, under)?;
        match self.stack.last_mut() {
            Some(frame) => frame.absorb(child, shape, walk_end, decoded),
            None => {
                if let (false, Some(stamp)) = (outcome.is_unsettled(), tops.stamp(self.next_entry)) {
                    self.files.push((self.source, child.name.clone(), stamp, item_id));
                }
                if !self.books.redo.is_empty() {
                    self.paths.insert(child.name.clone());
                }
                self.next_top(bytes, tops);
            }
        }
        Ok(())
    }

    /// Writes a row; whether it is whole, see [`Known::whole`].
    fn write_row(&mut self, item: Item, shapes: Rc<Vec<Shape>>, under: Under) -> Result<bool, Error> {
        let key = (item.source_id, item.item_id);
        if self.books.take_back(&key).is_some() {
            self.draft()?.supersedes().items.insert(key);
        }
        self.draft()?.item(&item)?;
        // What is at hand counts, not what is declared; and no row is free, so that a million of them do
        // not stand in one batch.
        let bytes = match (item.state, item.blob, item.children) {
            (State::Duplicate, ..) | (_, None, _) => 0,
            (_, Some(_), 0) => item.bytes,
            (_, Some(_), _) => item.own.saturating_add(item.gap),
        };
        self.weight = self.weight.saturating_add(bytes).saturating_add(ROW_WEIGHT);
        Ok(self.books.row(&item, shapes, under))
    }

    /// Puts the content of a node into the vault, if it is not there. `false`: it is not what was hashed
    /// before, because its file changed meanwhile.
    fn store(&mut self, node: &Node, body: &Body, tops: &Tops) -> Result<bool, Error> {
        let Matter::Bytes(blob, _) = &node.content else { return Ok(true) };
        if self.books.stored.contains(blob) || self.books.known.contains_key(blob) {
            return Ok(true);
        }
        let (blob, bytes) = (*blob, node.bytes);
        let container = self.stack.last().map(|frame| frame.blob);
        let range = node.child.stored.as_ref().filter(|_| node.is_range);
        let kept = match (container, range) {
            (Some(of), Some(range)) => {
                self.draft()?.store_range(blob, bytes, of, range.start)?;
                true
            }
            (None, _) if self.by_reference => {
                let source = self.source;
                self.draft()?.store_reference(blob, bytes, source, &node.child.name)?;
                !tops.changed(self.next_entry)
            }
            _ => match body {
                // What is in memory is what was hashed.
                Body::Memory(..) => {
                    let content = body.bytes().map_err(|error| self.cannot_read(error))?;
                    self.draft()?.store_bytes(blob, &content)?;
                    true
                }
                Body::File(..) => self.draft()?.store(blob, bytes, &mut body.reader())?,
            },
        };
        if kept {
            self.books.stored.insert(blob);
        }
        Ok(kept)
    }

    fn draft(&mut self) -> Result<&mut BatchDraft, Error> {
        if self.draft.is_none() {
            self.draft = Some(self.writer.draft()?);
        }
        self.draft.as_mut().ok_or(Error::Stopped)
    }

    fn close_batch_if_full(&mut self, at: &dyn Fn() -> String) -> Result<(), Error> {
        match &self.draft {
            Some(draft) if self.weight >= batch_bytes(draft.n()) => self.close_batch(at),
            _ => Ok(()),
        }
    }

    fn close_batch(&mut self, at: &dyn Fn() -> String) -> Result<(), Error> {
        let Some(draft) = self.draft.take() else { return Ok(()) };
        let batch = self.writer.commit(draft, &self.books.totals, &self.files, &at())?;
        // The indexer may have failed; it says so when it is joined.
        let _ = self.indexer.send(batch.clone());
        self.files.clear();
        self.weight = 0;
        Ok(())
    }

    /// Closes the last batch, with what is hidden because it was not found again.
    /// `listed`: whether the folder at a raw path can be listed now.
    pub fn finish(&mut self, at: &dyn Fn() -> String, listed: &dyn Fn(&[u8]) -> bool) -> Result<(), Error> {
        let mut rest: Vec<_> = self.books.redo.iter().map(|(key, redo)| (redo.walk, *key)).collect();
        rest.sort_unstable();
        let mut gone: HashSet<ItemId> = HashSet::new();
        for (_, key) in rest {
            let Some(redo) = self.books.redo.get(&key).filter(|_| key.0 == self.source) else { continue };
            let vanished = match redo.parent {
                // Its container was read again, or is gone itself.
                Some(parent) => gone.contains(&parent) || !self.books.redo.contains_key(&(key.0, parent)),
                // The file is readable now, or unchanged while it was read; or the folder can be listed.
                None => redo.unsettled && (self.paths.contains(&redo.path) || listed(&redo.path)),
            };
            if vanished {
                gone.insert(key.1);
                self.books.take_back(&key);
                self.draft()?.supersedes().items.insert(key);
            }
        }
        if self.draft.is_none() && !self.files.is_empty() {
            self.writer.keep_stamps(&self.files)?;
        }
        self.close_batch(at)
    }

    fn cannot_read(&self, source: std::io::Error) -> Error {
        Error::Spool { path: self.writer.tmp(), source }
    }
}

impl Frame {
    /// The path of the next child, whose name is then used up.
    fn step(&mut self, child: &Child, ordinal: u64) -> String {
        step(&mut self.used, &self.item.path, &child.name, child.naming, ordinal)
    }

    /// Takes the sums of the next child in.
    fn absorb(&mut self, child: &Child, shape: Shape, walk_end: u64, decoded: u64) {
        if let Some((_, len)) = shape.stored {
            self.unread += unread_share(shape.outcome, shape.unread, shape.bytes, len);
            self.absorbed = self.absorbed.saturating_add(len);
        }
        if let Some(declared) = &child.declared {
            self.attachments.push(Attachment {
                ordinal: self.next,
                part: declared.part.clone(),
                name: declared.name.clone(),
                declared_type: declared.media_type.clone(),
                disposition: declared.disposition.clone(),
                content_id: declared.content_id.clone(),
                attachment: shape.blob,
                bytes: shape.bytes,
            });
        }
        self.shapes.push(shape);
        self.item.walk_end = self.item.walk_end.max(walk_end);
        self.decoded = self.decoded.saturating_add(decoded);
        self.next += 1;
    }
}

fn step(used: &mut HashSet<Vec<u8>>, parent: &str, name: &[u8], naming: Naming, ordinal: u64) -> String {
    let step = match naming {
        Naming::Same => Step::Same,
        Naming::Message => Step::Message(ordinal),
        Naming::Name if name.is_empty() || !used.insert(name.to_vec()) => Step::Ordinal(ordinal, name),
        Naming::Name => Step::Named(name),
    };
    step.below(parent)
}

/// What a duplicate has from its first occurrence.
fn fill(item: &mut Item, known: &Known) {
    item.media_type = known.media_type.to_string();
    item.reader = known.reader.as_ref().map(|reader| reader.to_string());
    item.own = known.own;
    item.gap = known.gap;
    item.unread = known.unread;
    item.no_text = known.no_text;
}

/// The top-level entries of a source: what was found, and the nodes made of them.
pub struct Tops {
    /// As found, in walk order.
    pub entries: Vec<Entry>,
    /// Nodes that wait for the committer, by index.
    pub made: std::collections::BTreeMap<usize, NodeId>,
    /// Open files of entries too big for memory, to see at the end whether they changed.
    pub open: std::collections::BTreeMap<usize, Arc<std::fs::File>>,
}

impl Tops {
    /// Entries without nodes.
    pub fn new(entries: Vec<Entry>) -> Tops {
        Tops { entries, made: Default::default(), open: Default::default() }
    }

    fn bytes(&self, index: usize) -> u64 {
        self.stamp(index).map_or(0, |stamp| stamp.bytes)
    }

    fn stamp(&self, index: usize) -> Option<FileStamp> {
        match self.entries.get(index)?.kind {
            EntryKind::File { bytes, mtime_ns, ctime_ns, inode, .. } => {
                Some(FileStamp { bytes, mtime_ns, ctime_ns, inode })
            }
            _ => None,
        }
    }

    /// Whether a file that was kept open is not any more what the inventory saw.
    fn changed(&self, index: usize) -> bool {
        match (self.open.get(&index), self.stamp(index)) {
            (Some(file), Some(stamp)) => file.metadata().map_or(true, |meta| !same(&meta, &stamp)),
            _ => false,
        }
    }
}

/// Whether a file is still what its stamp says.
pub fn same(meta: &std::fs::Metadata, stamp: &FileStamp) -> bool {
    let now = FileStamp {
        bytes: meta.len(),
        mtime_ns: meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec()),
        ctime_ns: meta.ctime().saturating_mul(1_000_000_000).saturating_add(meta.ctime_nsec()),
        inode: meta.ino(),
    };
    now == *stamp
}
