//! What a run knows of everything committed before: which content was read and what came of it, which
//! occurrences have their rows, and the sums. Loaded from the batches when a case is continued, and kept
//! while rows are written.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
};

use tamis_case::{Case, CaseError, Totals};
use tamis_intake::{out::Naming, reader::Hint};
use tamis_model::{
    Blob, ItemId, Outcome, Reason, SourceId, State,
    tables::{Item, Message},
};

/// Names and declarations under which content leads to the same reader, as far as it was tried. There is
/// one for each content of the case, so it is small.
#[derive(Debug, Clone)]
pub enum Under {
    /// All of them: the content alone decides.
    Any,
    /// This one.
    One(Rc<Hint>),
    /// These: none, where the case was continued and nobody kept under which name it was read.
    These(Vec<Rc<Hint>>),
}

impl Under {
    fn contains(&self, hint: &Hint) -> bool {
        match self {
            Under::Any => true,
            Under::One(one) => **one == *hint,
            Under::These(hints) => hints.iter().any(|other| **other == *hint),
        }
    }

    fn add(&mut self, hint: Rc<Hint>) {
        match self {
            Under::Any => {}
            Under::One(one) if *one == hint => {}
            Under::One(one) => *self = Under::These(vec![one.clone(), hint]),
            Under::These(hints) if hints.contains(&hint) => {}
            Under::These(hints) => hints.push(hint),
        }
    }
}

/// A word that many rows share: one pointer.
pub type Word = Rc<Box<str>>;

impl Known {
    /// Whether the same reader read both.
    fn is_alike(&self, other: &Known) -> bool {
        self.reader == other.reader && self.media_type == other.media_type
    }
}

/// An occurrence's key within the case.
pub type Key = (SourceId, ItemId);

/// Content that was read by some reader, and what came of it where it was read.
#[derive(Debug, Clone)]
pub struct Known {
    /// Under which names this reader reads it.
    pub under: Under,
    /// Whether everything below it was read: a copy that stands elsewhere may reach what was refused here
    /// for its place, so only what is whole makes a duplicate.
    pub whole: bool,
    /// By content.
    pub media_type: Word,
    /// Reader and version.
    pub reader: Option<Word>,
    /// See [`Item::own`].
    pub own: u64,
    /// See [`Item::gap`].
    pub gap: u64,
    /// See [`Item::unread`].
    pub unread: u64,
    /// See [`Item::no_text`].
    pub no_text: u32,
    /// Its children, in order: a duplicate lists them again.
    pub children: Rc<Vec<Shape>>,
}

/// A child as its first occurrence was listed.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Raw name.
    pub name: Box<[u8]>,
    /// How it is called in paths.
    pub naming: Naming,
    /// Offset and length of its stored bytes.
    pub stored: Option<(u64, u64)>,
    /// See [`Item::coding`].
    pub coding: Word,
    /// Its content.
    pub blob: Option<Blob>,
    /// Its size.
    pub bytes: u64,
    /// By content.
    pub media_type: Word,
    /// What became of it there.
    pub outcome: Outcome,
    /// See [`Item::unread`].
    pub unread: u64,
    /// See [`Known::whole`].
    pub whole: bool,
}

impl Shape {
    /// The child that a row lists, `naming` as it is called in its parent.
    pub fn of(item: &Item, naming: Naming, whole: bool, words: &mut Words) -> Shape {
        Shape {
            whole,
            name: item.name_raw.clone().into(),
            naming,
            stored: item.at.zip(item.len),
            coding: words.get(&item.coding),
            blob: item.blob,
            bytes: item.bytes,
            media_type: words.get(&item.media_type),
            outcome: Outcome { state: item.state, reason: item.reason },
            unread: item.unread,
        }
    }
}

/// A row that stands.
#[derive(Debug, Clone)]
pub struct Committed {
    /// Number of its last descendant.
    pub walk_end: u64,
    /// What it says, as its container needs it.
    pub shape: Shape,
    /// Decoded bytes of it and everything below it, for the expansion limit.
    pub decoded: u64,
    /// Rows below it.
    pub below: u64,
}

/// A row that stands, but is to be made again.
#[derive(Debug, Clone)]
pub struct Redo {
    /// Its number, which the new row takes over.
    pub walk: u64,
    /// Its container; `None` for a top-level file.
    pub parent: Option<ItemId>,
    /// For a top-level file its raw path.
    pub path: Vec<u8>,
    /// Whether the machine was at fault for what became of it.
    pub unsettled: bool,
    counted: Counted,
}

/// What a row adds to the sums.
#[derive(Debug, Clone, Copy)]
struct Counted {
    state: State,
    /// Size, accounted and unread bytes of a top-level file.
    top: Option<(u64, u64, u64)>,
    mail: bool,
    /// Attachments of a mail.
    attachments: u64,
    /// A link or device: refused, but no content is lost by it.
    not_content: bool,
    no_text: u32,
}

impl Counted {
    /// `stored`: bytes that its children are stored in.
    fn of(item: &Item, attachments: u64, stored: u64) -> Counted {
        let accounted = item.own.saturating_add(item.gap).saturating_add(stored);
        Counted {
            state: item.state,
            top: (item.depth == 0).then_some((item.bytes, accounted, item.unread)),
            mail: is_mail(&item.media_type, item.reader.is_some()),
            attachments,
            not_content: matches!(item.reason, Some(Reason::Link | Reason::Device)),
            no_text: item.no_text,
        }
    }

    /// Adds to `totals`, or takes back what was added.
    fn count(&self, totals: &mut Totals, add: bool) {
        let step =
            |sum: &mut u64, n: u64| *sum = if add { sum.saturating_add(n) } else { sum.saturating_sub(n) };
        step(totals.items.entry(self.state.as_str().to_owned()).or_default(), 1);
        totals.items.retain(|_, n| *n > 0);
        step(&mut totals.no_text, self.no_text.into());
        step(&mut totals.not_content, self.not_content.into());
        if self.mail {
            step(&mut totals.messages, 1);
            step(&mut totals.attachments, self.attachments);
        }
        if let Some((bytes, accounted, unread)) = self.top {
            step(&mut totals.bytes.received, bytes);
            step(&mut totals.bytes.accounted, accounted);
            step(&mut totals.bytes.unread, unread);
            step(&mut totals.bytes.read, bytes.saturating_sub(unread));
        }
    }
}

/// Short words, and hints, that occur again and again, once each.
#[derive(Debug, Default)]
pub struct Words {
    words: HashMap<Box<str>, Word>,
    hints: HashSet<Rc<Hint>>,
}

impl Words {
    /// The shared copy of `word`.
    pub fn get(&mut self, word: &str) -> Word {
        match self.words.get(word) {
            Some(known) => known.clone(),
            None => self.words.entry(word.into()).or_insert(Rc::new(word.into())).clone(),
        }
    }

    /// The shared copy of `hint`.
    pub fn hint(&mut self, hint: Hint) -> Rc<Hint> {
        match self.hints.get(&hint) {
            Some(known) => known.clone(),
            None => {
                let hint = Rc::new(hint);
                self.hints.insert(hint.clone());
                hint
            }
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Books {
    /// Content that was read: once for each reader that a name leads to, nearly always one.
    pub known: HashMap<Blob, Vec<Known>>,
    /// Content that the vault holds although it was not read (yet): what is known is held as well.
    pub stored: HashSet<Blob>,
    /// Rows that stood when the run began, and are not to be made again.
    pub committed: HashMap<Key, Committed>,
    /// Rows that stand but are to be made again.
    pub redo: HashMap<Key, Redo>,
    /// Facts to be made again: their old rows are hidden when the new ones are written.
    pub stale: HashSet<Blob>,
    /// First number that no row of the source has.
    pub next_walk: u64,
    /// Sums over the rows that stand.
    pub totals: Totals,
    /// Shared words.
    pub words: Words,
    senders: HashSet<u64>,
    attachments: HashSet<Blob>,
    /// What contents without children share.
    childless: Rc<Vec<Shape>>,
}

/// Which rows are to be made again.
pub type Reread<'r> = &'r dyn Fn(&Item) -> bool;

impl Books {
    /// Loads what `case` holds. Unsettled rows of `source` are made again, and those that `reread` picks;
    /// with them the rows of their containers, whose sums change, and everything below them.
    pub fn load(case: &Case, source: SourceId, reread: Option<Reread>) -> Result<Books, CaseError> {
        let mut books = Books::default();
        books.find_redo(case, source, reread)?;
        let mut children: HashMap<Key, Vec<(String, Shape)>> = HashMap::new();
        let mut decoded: HashMap<Key, u64> = HashMap::new();
        case.items(|item| {
            let key = (item.source_id, item.item_id);
            if item.source_id == source {
                books.next_walk = books.next_walk.max(item.walk_end.saturating_add(1));
            }
            if let Some(redo) = books.redo.get(&key) {
                redo.counted.count(&mut books.totals, true);
                return Ok(());
            }
            // As it was counted when it was read: what was decoded here, not what was declared.
            let became = Outcome { state: item.state, reason: item.reason };
            let read_here =
                item.state != State::Duplicate && item.blob.is_some() && !became.is_of_the_place();
            let own = if read_here && item.coding != "identity" { item.bytes } else { 0 };
            let below = decoded.remove(&key).unwrap_or(0).saturating_add(own);
            if let Some(parent) = item.parent_id {
                let sum = decoded.entry((item.source_id, parent)).or_default();
                *sum = sum.saturating_add(below);
            }
            // How a child is called is told from its path, once its parent's is known.
            let shapes = children.remove(&key).unwrap_or_default().into_iter();
            let shapes: Vec<Shape> =
                shapes.map(|(path, shape)| Shape { naming: naming(&item.path, &path), ..shape }).collect();
            let whole = books.row(&item, Rc::new(shapes), Under::These(Vec::new()));
            let shape = Shape::of(&item, Naming::Name, whole, &mut books.words);
            let rows = item.walk_end.saturating_sub(item.walk);
            let committed =
                Committed { walk_end: item.walk_end, shape: shape.clone(), decoded: below, below: rows };
            books.committed.insert(key, committed);
            if let Some(parent) = item.parent_id {
                children.entry((item.source_id, parent)).or_default().push((item.path, shape));
            }
            Ok(())
        })?;
        for batch in case.batches() {
            tamis_case::read_rows(
                &batch.dir.join("blobs.parquet"),
                |place: tamis_model::tables::BlobPlace| {
                    if !books.known.contains_key(&place.blob) {
                        books.stored.insert(place.blob);
                    }
                    Ok(())
                },
            )?;
        }
        let stale = std::mem::take(&mut books.stale);
        case.facts(
            |blob| !stale.contains(blob),
            |_, message: Message| {
                books.message(&message);
                Ok(())
            },
        )?;
        books.stale = stale;
        Ok(books)
    }

    /// Finds the rows to be made again, and the content whose facts are.
    fn find_redo(&mut self, case: &Case, source: SourceId, reread: Option<Reread>) -> Result<(), CaseError> {
        let mut roots: Vec<Key> = Vec::new();
        self.each_of(case, source, |item| {
            let unsettled = Outcome { state: item.state, reason: item.reason }.is_unsettled();
            if unsettled || reread.is_some_and(|pick| pick(&item)) {
                roots.push((source, item.item_id));
            }
        })?;
        if roots.is_empty() {
            return Ok(());
        }

        let mut rows: HashMap<Key, Redo> = HashMap::new();
        let mut firsts: HashMap<Key, Blob> = HashMap::new();
        let mut occurrences: HashMap<Blob, Vec<Key>> = HashMap::new();
        let mut children: HashMap<Key, Vec<Key>> = HashMap::new();
        let mut attached: HashMap<Key, (u64, u64)> = HashMap::new();
        self.each_of(case, source, |item| {
            let key = (source, item.item_id);
            let (attachments, stored) = attached.remove(&key).unwrap_or_default();
            let unsettled = Outcome { state: item.state, reason: item.reason }.is_unsettled();
            let path = if item.depth == 0 { item.name_raw.clone() } else { Vec::new() };
            let counted = Counted::of(&item, attachments, stored);
            rows.insert(key, Redo { walk: item.walk, parent: item.parent_id, path, unsettled, counted });
            if let Some(parent) = item.parent_id {
                let (attachments, stored) = attached.entry((source, parent)).or_default();
                *attachments += u64::from(is_attachment(&item.name_raw, &item.media_type));
                *stored = stored.saturating_add(item.len.unwrap_or(0));
                children.entry((source, parent)).or_default().push(key);
            }
            if let Some(blob) = item.blob {
                occurrences.entry(blob).or_default().push(key);
                if item.state != State::Duplicate {
                    firsts.insert(key, blob);
                }
            }
        })?;
        // Downwards; to every other occurrence of content that is read again; and upwards, where only the
        // containers' own rows change: but a container that is a duplicate lists everything anew.
        let mut containers: Vec<Key> = Vec::new();
        while let Some(key) = roots.pop() {
            let Some(row) = rows.get(&key) else { continue };
            containers.extend(row.parent.map(|parent| (source, parent)));
            let seen = self.redo.insert(key, row.clone()).is_some();
            if !seen {
                roots.extend(children.get(&key).into_iter().flatten());
                if let Some(blob) = firsts.get(&key) {
                    self.stale.insert(*blob);
                    roots.extend(occurrences.get(blob).into_iter().flatten());
                }
            }
            while let Some(key) = containers.pop() {
                let Some(row) = rows.get(&key).filter(|_| !self.redo.contains_key(&key)) else { continue };
                if row.counted.state == State::Duplicate {
                    roots.push(key);
                    continue;
                }
                self.redo.insert(key, row.clone());
                containers.extend(row.parent.map(|parent| (source, parent)));
                if let Some(blob) = firsts.get(&key) {
                    self.stale.insert(*blob);
                    roots.extend(occurrences.get(blob).into_iter().flatten().filter(|other| **other != key));
                }
            }
        }
        Ok(())
    }

    fn each_of(&self, case: &Case, source: SourceId, mut each: impl FnMut(Item)) -> Result<(), CaseError> {
        case.items(|item| {
            if item.source_id == source {
                each(item);
            }
            Ok(())
        })
    }

    /// Takes a row into the books. `children`: of content that was read here; `under`: the names under which
    /// it is read so. Returns whether it is whole, see [`Known::whole`].
    pub fn row(&mut self, item: &Item, children: Rc<Vec<Shape>>, under: Under) -> bool {
        let became = Outcome { state: item.state, reason: item.reason };
        let of_the_place = became.is_of_the_place();
        let whole = !of_the_place && children.iter().all(|child| child.whole);
        let listed = match (item.state, item.blob.and_then(|blob| self.known.get(&blob))) {
            (State::Duplicate, Some(known)) => {
                let same = known
                    .iter()
                    .find(|known| known.reader.as_ref().map(|reader| &***reader) == item.reader.as_deref());
                same.map_or(children.clone(), |known| known.children.clone())
            }
            _ => children.clone(),
        };
        let attached: Vec<_> =
            listed.iter().filter(|shape| is_attachment(&shape.name, &shape.media_type)).collect();
        let stored = listed
            .iter()
            .filter_map(|shape| shape.stored)
            .fold(0, |sum: u64, (_, len)| sum.saturating_add(len));
        Counted::of(item, attached.len() as u64, stored).count(&mut self.totals, true);
        if is_mail(&item.media_type, item.reader.is_some()) {
            self.attachments.extend(attached.iter().filter_map(|shape| shape.blob));
            self.totals.attachments_unique = self.attachments.len() as u64;
        }

        if let Some(blob) = item.blob.filter(|_| item.state != State::Duplicate && !of_the_place) {
            let known = Known {
                under,
                whole,
                media_type: self.words.get(&item.media_type),
                reader: item.reader.as_deref().map(|reader| self.words.get(reader)),
                own: item.own,
                gap: item.gap,
                unread: item.unread,
                no_text: item.no_text,
                children: if children.is_empty() { self.childless.clone() } else { children },
            };
            let all = self.known.entry(blob).or_insert_with(|| Vec::with_capacity(1));
            match all.iter_mut().find(|other| other.is_alike(&known)) {
                Some(other) => *other = known,
                None => all.push(known),
            }
            self.stored.remove(&blob);
        }
        whole
    }

    /// What came of content under a name; `None` where it has to be read to tell.
    pub fn known_as(&self, blob: &Blob, hint: &Hint) -> Option<&Known> {
        self.known.get(blob)?.iter().find(|known| known.under.contains(hint))
    }

    /// What came of content with this reader and type; the name is noted, so that the next of that name
    /// need not be read.
    pub fn known_to(
        &mut self,
        blob: &Blob,
        reader: Option<&str>,
        media_type: &str,
        hint: &Hint,
    ) -> Option<Known> {
        let all = self.known.get_mut(blob)?;
        let known = all.iter_mut().find(|known| {
            known.reader.as_ref().map(|reader| &***reader) == reader && **known.media_type == *media_type
        })?;
        known.under.add(self.words.hint(hint.clone()));
        Some(known.clone())
    }

    /// Takes back what a row that is made again, or hidden, had added.
    pub fn take_back(&mut self, key: &Key) -> Option<Redo> {
        let redo = self.redo.remove(key)?;
        redo.counted.count(&mut self.totals, false);
        Some(redo)
    }

    /// Takes a mail's row into the sums.
    pub fn message(&mut self, message: &Message) {
        self.totals.messages_unique += 1;
        self.totals.date(message.date);
        if let Some(from) = &message.from_addr {
            let mut hasher = DefaultHasher::new();
            from.to_ascii_lowercase().hash(&mut hasher);
            self.senders.insert(hasher.finish());
            self.totals.senders = self.senders.len() as u64;
        }
    }
}

/// Whether a row is a mail that a reader understood, or another occurrence of one: by its type, and whether a
/// reader stands in it.
pub fn is_mail(media_type: &str, was_read: bool) -> bool {
    media_type == "message/rfc822" && was_read
}

/// Whether a mail's child counts as an attachment: it has a name, and is not a mail itself.
fn is_attachment(name: &[u8], media_type: &str) -> bool {
    !name.is_empty() && media_type != "message/rfc822"
}

/// How a child with this path is called in its parent.
fn naming(parent: &str, path: &str) -> Naming {
    match path.strip_prefix(parent) {
        Some("") => Naming::Same,
        Some(step) if step.starts_with('#') => Naming::Message,
        _ => Naming::Name,
    }
}

/// Unread bytes of a container that a child brings: its unread share of the bytes it is stored in.
pub fn unread_share(outcome: Outcome, unread: u64, bytes: u64, stored: u64) -> u64 {
    match bytes {
        0 if outcome.state.is_unread() => stored,
        0 => 0,
        _ => (u128::from(stored) * u128::from(unread.min(bytes)) / u128::from(bytes)) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        let opaque = Outcome::opaque(Reason::NoReader);
        for (outcome, unread, bytes, stored, share) in [
            (Outcome::PARSED, 0, 100, 50, 0),
            (opaque, 100, 100, 137, 137),
            (Outcome::partial(Reason::Damaged), 10, 100, 50, 5),
            (opaque, 0, 0, 7, 7),
            (Outcome::PARSED, 0, 0, 7, 0),
            (opaque, u64::MAX, u64::MAX, u64::MAX, u64::MAX),
        ] {
            assert_eq!(unread_share(outcome, unread, bytes, stored), share);
        }
    }

    #[test]
    fn namings_are_told_from_paths() {
        for (path, expected) in [("a", Naming::Same), ("a#3", Naming::Message), ("a!x", Naming::Name)] {
            assert_eq!(naming("a", path), expected);
        }
    }
}
