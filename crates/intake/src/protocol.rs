//! The frames between the jailed worker and the parent, and the parent's side of them as one state
//! machine. The worker may be in an attacker's hands: whatever is out of grammar, out of range or out
//! of proportion is a [`Violation`], and nothing of that unit is believed.
//!
//! Grammar of a unit, one `thing` for each in the order asked, then the end of the stream:
//!
//! ```text
//! thing  = Open ( Fact | Covered | Slices | child )* Done
//! child  = Child(stored | absent)  |  Child(follows) Bytes* ChildEnd
//! ```

use std::{io, ops::Range};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tamis_model::{Outcome, State, tables::Fact};

use crate::{
    limits,
    out::{Child, Content},
    reader::{Hint, Slice},
};

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A thing begins: `(reader: Option<String>, media_type: String, sure: bool)`.
    Open = 1,
    /// A row: [`Fact`].
    Fact,
    /// Bytes accounted for as structure or text: `Range<u64>`.
    Covered,
    /// Runs of children for other processes: `[Slice]`.
    Slices,
    /// A child: `(Child, Content)`.
    Child,
    /// Raw content of the child that was begun.
    Bytes,
    /// Its end: `Option<Outcome>`; an outcome says that its content is to be dropped.
    ChildEnd,
    /// The thing ends: `(Outcome, no_text: u32)`.
    Done,
}

/// Limits of frames.
pub struct Frame;

impl Frame {
    /// Longest `Bytes` frame.
    pub const BYTES: u32 = 64 << 10;

    /// The longest payload of a kind; `None` for a kind that does not exist.
    pub fn limit(kind: u8) -> Option<u32> {
        Kind::of(kind).map(|kind| match kind {
            Kind::Bytes => Frame::BYTES,
            _ => limits::ROW_BYTES,
        })
    }
}

impl Kind {
    fn of(byte: u8) -> Option<Kind> {
        use Kind::*;
        [Open, Fact, Covered, Slices, Child, Bytes, ChildEnd, Done]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// One thing of a unit, as asked of the worker: a window of the unit's descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// Offset in the descriptor.
    pub at: u64,
    /// Size in bytes.
    pub len: u64,
    /// Name and declaration.
    pub hint: Hint,
    /// What to do with it.
    pub task: Task,
}

/// What is asked of the worker for a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Read it; if it is larger than a unit and its reader can cut, cut it instead.
    Read,
    /// Cut it if its reader can, whatever its size; a reader that cannot reads it.
    Cut,
    /// Read these children of it.
    Slice(Slice),
}

/// What is asked of the worker: the parameters of the job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// In the order in which they are answered.
    pub things: Vec<Thing>,
    /// Leave everything but mail and mailboxes `opaque: not-asked`.
    pub only_mail: bool,
}

/// What was read of one thing: one level.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading<B> {
    /// What became of it.
    pub outcome: Outcome,
    /// Reader and version; `None` where none read it.
    pub reader: Option<String>,
    /// By content.
    pub media_type: String,
    /// Whether the content alone decided who reads it: any other hint would have led to the same.
    pub sure: bool,
    /// Rows, in the order in which they were emitted.
    pub facts: Vec<Fact>,
    /// Children, in order.
    pub children: Vec<(Child, ChildContent<B>)>,
    /// Ranges accounted for by structure or text.
    pub covered: Vec<Range<u64>>,
    /// Runs of children that are still to be read; `Some` where the reader cut.
    pub slices: Option<Vec<Slice>>,
    /// Pages and images without text.
    pub no_text: u32,
}

/// Where the content of a child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildContent<B> {
    /// In its container, at [`Child::stored`].
    Stored,
    /// Decoded, as the spool keeps it.
    Decoded(B),
    /// Nowhere.
    Absent {
        /// What became of the child.
        outcome: Outcome,
        /// Size as declared, or as decoded before it was dropped.
        bytes: u64,
    },
}

/// Where the parent puts the content of decoded children, hashing it on the way.
pub trait Spool {
    /// Content that is complete.
    type Body;
    /// Some bytes of the content of the child that was begun last.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// All of it was written; makes room for the next.
    fn finish(&mut self) -> io::Result<Self::Body>;
    /// Drops what was written since the last `finish`.
    fn discard(&mut self);
}

/// A worker's breach of the protocol, or our own failure to spool.
#[derive(Debug, thiserror::Error)]
pub enum Violation {
    /// A frame that the grammar does not allow here, or that cannot be decoded.
    #[error("frame out of grammar: {0}")]
    Grammar(&'static str),
    /// A range outside the thing, or two that overlap.
    #[error("false range: {0}")]
    Range(&'static str),
    /// More than the limits allow.
    #[error("too much: {0}")]
    Excess(&'static str),
    /// Not the worker's fault: the content could not be spooled.
    #[error("cannot spool: {0}")]
    Spool(#[from] io::Error),
}

/// The parent's side of one unit. Feed it each frame; it keeps the readings that are complete.
pub struct Machine<'u, S: Spool> {
    things: &'u [Thing],
    spool: S,
    readings: Vec<Reading<S::Body>>,
    at: At<S::Body>,
}

enum At<B> {
    Between,
    InThing(Open<B>),
    InChild(Open<B>, Box<Child>, u64),
}

struct Open<B> {
    reading: Reading<B>,
    fact_bytes: u64,
    rows: u64,
    row_bytes: u64,
    has_message: bool,
    /// Bytes of decoded children.
    decoded: u64,
}

impl<'u, S: Spool> Machine<'u, S> {
    /// A machine for the things of a unit.
    pub fn new(things: &'u [Thing], spool: S) -> Self {
        Machine { things, spool, readings: Vec::with_capacity(things.len()), at: At::Between }
    }

    /// Takes one frame.
    pub fn frame(&mut self, kind: u8, payload: &[u8]) -> Result<(), Violation> {
        let kind = Kind::of(kind).ok_or(Violation::Grammar("unknown kind"))?;
        let thing =
            self.things.get(self.readings.len()).ok_or(Violation::Grammar("more things than asked for"))?;
        self.at = match (std::mem::replace(&mut self.at, At::Between), kind) {
            (At::Between, Kind::Open) => {
                let (reader, media_type, sure): (Option<String>, String, bool) = decode(payload)?;
                let words = [Some(&media_type), reader.as_ref()];
                if !words.into_iter().flatten().all(|word| is_word(word)) {
                    return Err(Violation::Grammar("name of reader or type"));
                }
                At::InThing(Open {
                    reading: Reading {
                        outcome: Outcome::PARSED,
                        reader,
                        media_type,
                        sure,
                        facts: Vec::new(),
                        children: Vec::new(),
                        covered: Vec::new(),
                        slices: None,
                        no_text: 0,
                    },
                    fact_bytes: 0,
                    rows: 0,
                    row_bytes: 0,
                    has_message: false,
                    decoded: 0,
                })
            }
            (At::InThing(mut open), Kind::Fact) => {
                let fact = decode(payload)?;
                open.fact_bytes += weight(&fact, payload.len());
                if open.fact_bytes > limits::facts(thing.len) {
                    return Err(Violation::Excess("facts"));
                }
                if matches!(fact, Fact::Message(_)) && std::mem::replace(&mut open.has_message, true) {
                    return Err(Violation::Grammar("a second mail in one"));
                }
                open.reading.facts.push(fact);
                At::InThing(open)
            }
            (At::InThing(mut open), Kind::Covered) => {
                let range = inside(decode(payload)?, thing)?;
                open.row(payload, thing)?;
                open.reading.covered.push(range);
                At::InThing(open)
            }
            (At::InThing(mut open), Kind::Slices) => {
                if matches!(thing.task, Task::Slice(_)) || !open.reading.children.is_empty() {
                    return Err(Violation::Grammar("slices where children were asked for"));
                }
                let slices: Vec<Slice> = decode(payload)?;
                let known = open.reading.slices.get_or_insert_default();
                for slice in slices {
                    let next = known.last().map_or(0, |last| last.to);
                    if slice.is_empty() || slice.from != next || slice.to > limits::children(thing.len) {
                        return Err(Violation::Range("slices are not one after the other"));
                    }
                    known.push(slice);
                }
                At::InThing(open)
            }
            (At::InThing(mut open), Kind::Child) => {
                let (child, content): (Child, Content) = decode(payload)?;
                open.row(payload, thing)?;
                check_child(&child, &content, thing)?;
                let allowed = match thing.task {
                    Task::Slice(slice) => slice.len(),
                    _ if open.reading.slices.is_some() => 0,
                    _ => limits::children(thing.len),
                };
                if open.reading.children.len() as u64 >= allowed {
                    return Err(Violation::Excess("children"));
                }
                match content {
                    Content::Follows => At::InChild(open, Box::new(child), 0),
                    Content::Stored => open.with(child, ChildContent::Stored),
                    Content::Absent { outcome, bytes } => {
                        let bytes = bytes.min(limits::DECLARED);
                        open.with(child, ChildContent::Absent { outcome: sayable(outcome)?, bytes })
                    }
                }
            }
            (At::InChild(mut open, child, mut written), Kind::Bytes) => {
                written += payload.len() as u64;
                open.decoded += payload.len() as u64;
                let stored = child.stored.as_ref().map_or(0, |range| range.end - range.start);
                if written > limits::expansion(stored) || open.decoded > limits::expansion(thing.len) {
                    return Err(Violation::Excess("decoded bytes"));
                }
                self.spool.write(payload)?;
                At::InChild(open, child, written)
            }
            (At::InChild(open, child, written), Kind::ChildEnd) => {
                let content = match decode::<Option<Outcome>>(payload)? {
                    None => ChildContent::Decoded(self.spool.finish()?),
                    Some(outcome) => {
                        self.spool.discard();
                        ChildContent::Absent { outcome: sayable(outcome)?, bytes: written }
                    }
                };
                open.with(*child, content)
            }
            (At::InThing(mut open), Kind::Done) => {
                let (outcome, no_text) = decode(payload)?;
                (open.reading.outcome, open.reading.no_text) = (sayable(outcome)?, no_text);
                open.reading.check_end(thing)?;
                self.readings.push(open.reading);
                At::Between
            }
            _ => return Err(Violation::Grammar("frame in the wrong place")),
        };
        Ok(())
    }

    /// The readings that are complete: as many as things were asked for, fewer where the worker ended
    /// early. Whether the stream may be believed at all is for the caller, who saw each frame's result.
    pub fn finish(self) -> Vec<Reading<S::Body>> {
        self.readings
    }
}

impl<B> Open<B> {
    fn with(mut self, child: Child, content: ChildContent<B>) -> At<B> {
        self.reading.children.push((child, content));
        At::InThing(self)
    }

    /// Children and ranges are small, but not nothing: no honest content needs more than one of each
    /// for every four bytes, and what they say comes out of these bytes.
    fn row(&mut self, payload: &[u8], thing: &Thing) -> Result<(), Violation> {
        self.rows += 1;
        self.row_bytes += payload.len() as u64;
        let too_many = self.rows > 2 * limits::children(thing.len) + 2;
        if too_many || self.row_bytes > limits::rows(thing.len) {
            return Err(Violation::Excess("rows"));
        }
        Ok(())
    }
}

impl<B> Reading<B> {
    fn check_end(&self, thing: &Thing) -> Result<(), Violation> {
        if let Task::Slice(slice) = thing.task
            && self.children.len() as u64 != slice.len()
        {
            return Err(Violation::Grammar("a slice with another number of children"));
        }
        self.gaps(thing.len).map(drop)
    }

    /// The equation of a container: what neither a child's stored range nor `covered` accounts for, as
    /// ranges in order. Ranges that overlap are a [`Violation`].
    pub fn gaps(&self, bytes: u64) -> Result<Vec<Range<u64>>, Violation> {
        let stored = self.children.iter().filter_map(|(child, _)| child.stored.clone());
        let mut ranges: Vec<_> =
            stored.chain(self.covered.iter().cloned()).filter(|r| !r.is_empty()).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut gaps = Vec::new();
        let mut end = 0;
        for range in ranges {
            if range.start < end {
                return Err(Violation::Range("ranges overlap"));
            }
            if range.start > end {
                gaps.push(end..range.start);
            }
            end = range.end;
        }
        if end < bytes {
            gaps.push(end..bytes);
        }
        Ok(gaps)
    }
}

/// Memory of a fact that is `encoded` bytes long: empty texts cost a byte there and a word or three here.
pub(crate) fn weight(fact: &Fact, encoded: usize) -> u64 {
    let listed = match fact {
        Fact::Message(m) => {
            [&m.to, &m.cc, &m.bcc, &m.in_reply_to, &m.references, &m.marks].map(Vec::len).iter().sum()
        }
        Fact::Signature(s) => {
            [&s.signed_headers, &s.oversigned, &s.unsigned_visible, &s.doubled_visible, &s.author_domains]
                .map(Vec::len)
                .iter()
                .sum::<usize>()
                + s.defects.len()
        }
        Fact::PartSignature(s) => s.addresses.len(),
        Fact::Header(_) | Fact::Text(_) | Fact::Defect(_) | Fact::Digest(_) => 0,
    };
    (encoded + size_of::<Fact>() + listed * size_of::<String>()) as u64
}

fn check_child(child: &Child, content: &Content, thing: &Thing) -> Result<(), Violation> {
    if child.name.len() > limits::NAME_BYTES || child.media_type.len() > 256 {
        return Err(Violation::Excess("name of a child"));
    }
    match &child.stored {
        Some(range) => inside(range.clone(), thing).map(drop),
        None if matches!(content, Content::Stored) => {
            Err(Violation::Grammar("a stored child without a range"))
        }
        None => Ok(()),
    }
}

/// An outcome, if a worker may say it: what is owed to the machine, or to other occurrences, is for the
/// parent to say.
fn sayable(outcome: Outcome) -> Result<Outcome, Violation> {
    let complete = match outcome.state {
        State::Parsed | State::Encrypted => outcome.reason.is_none(),
        State::Partial | State::Opaque | State::Refused | State::Failed => outcome.reason.is_some(),
        State::Duplicate => false,
    };
    match complete && !outcome.is_unsettled() {
        true => Ok(outcome),
        false => Err(Violation::Grammar("an outcome that is not the worker's to say")),
    }
}

/// Whether a text is what readers and media types are called: short, printable ASCII without spaces.
fn is_word(text: &str) -> bool {
    text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn inside(range: Range<u64>, thing: &Thing) -> Result<Range<u64>, Violation> {
    if range.start > range.end || range.end > thing.len {
        return Err(Violation::Range("outside the thing"));
    }
    Ok(range)
}

fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Violation> {
    match postcard::take_from_bytes(payload) {
        Ok((value, [])) => Ok(value),
        _ => Err(Violation::Grammar("a frame that cannot be decoded")),
    }
}

#[cfg(test)]
mod tests;
