//! What a reader says: facts, children, covered ranges, defects — bounded, paid for with fuel, and sent
//! as frames. Nothing said here is believed by the parent.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use tamis_model::{
    Outcome, Reason,
    tables::{Defect, Digest, Fact, Header, Message, PartSignature, Signature, Text},
};
use tamis_sandbox::fuel::{Fuel, cost};

use crate::{
    limits,
    protocol::{self, Frame, Kind},
    reader::Slice,
};

/// Why a reader has to stop before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// A limit of ours: the ledger shows `refused` with this reason.
    Refused(Reason),
    /// The parent has hung up; nobody hears what is said from here on.
    Closed,
}

impl Stop {
    /// The outcome of a thing whose reader stopped so.
    pub fn outcome(self) -> Outcome {
        match self {
            Stop::Refused(reason) => Outcome::refused(reason),
            Stop::Closed => Outcome::failed(Reason::Protocol),
        }
    }
}

/// How the stored bytes of a child become its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Coding {
    Identity,
    Base64,
    QuotedPrintable,
    Uuencode,
    Yenc,
    Gzip,
    Deflate,
    /// Another compression of an archive, not (yet) decoded.
    Other,
}

impl Coding {
    /// The word of the column `items.coding`.
    pub fn as_str(self) -> &'static str {
        match self {
            Coding::Identity => "identity",
            Coding::Base64 => "base64",
            Coding::QuotedPrintable => "quoted-printable",
            Coding::Uuencode => "uuencode",
            Coding::Yenc => "yenc",
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
            Coding::Other => "other",
        }
    }
}

/// How a child is called in paths (see [`tamis_model::names::Step`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Naming {
    /// By its name; by its ordinal where it has none.
    Name,
    /// The n-th message of a store.
    Message,
    /// The one thing inside a wrapper.
    Same,
}

/// What a mail declares of one of its parts; becomes a row of `attachments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// Which part, e.g. `2.1`.
    pub part: String,
    /// Decoded file name.
    pub name: Option<String>,
    /// `Content-Type` without parameters, as declared.
    pub media_type: Option<String>,
    /// `Content-Disposition` without parameters.
    pub disposition: Option<String>,
    /// `Content-ID` without angle brackets.
    pub content_id: Option<String>,
}

/// A child as its container declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    /// Raw name; empty where there is none. Kept up to [`limits::NAME_BYTES`].
    pub name: Vec<u8>,
    /// How it is called.
    pub naming: Naming,
    /// Media type its container declares; empty where it declares none.
    pub media_type: String,
    /// Its stored bytes within its container; `None` where the format has no ranges.
    pub stored: Option<Range<u64>>,
    /// How these become its content.
    pub coding: Coding,
    /// What a mail declares of it.
    pub declared: Option<Box<Declared>>,
}

/// Where an emitted child's content comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// The stored range as it stands: the parent reads and hashes it itself.
    Stored,
    /// Bytes that follow.
    Follows,
    /// There is none, or it was not read, for this reason; `bytes` as the container declares it.
    Absent {
        /// What became of it.
        outcome: Outcome,
        /// Declared size.
        bytes: u64,
    },
}

/// Where frames go: to the parent, who may hang up.
pub type Wire<'w> = dyn FnMut(Kind, &[u8]) -> Result<(), Stop> + 'w;

/// The speaker. One for each thing.
pub struct Out<'a> {
    send: &'a mut Wire<'a>,
    fuel: Fuel,
    /// Fuel that was set aside.
    aside: u64,
    children: u64,
    /// Bytes of content that its children may still decode to, together.
    decoded: u64,
    fact_bytes: u64,
    defects: u32,
    /// Adjacent covered ranges, joined until another begins.
    covered: Option<Range<u64>>,
    no_text: u32,
}

impl<'a> Out<'a> {
    /// A speaker for a thing of `bytes` bytes.
    pub fn new(bytes: u64, send: &'a mut Wire<'a>) -> Out<'a> {
        Out {
            send,
            fuel: Fuel::new(limits::fuel(bytes)),
            aside: 0,
            children: limits::children(bytes),
            decoded: limits::expansion(bytes),
            fact_bytes: limits::facts(bytes),
            defects: 0,
            covered: None,
            no_text: 0,
        }
    }

    /// Pays for work that leaves no other trace: bytes decoded or looked at again, table entries, steps.
    pub fn spend(&mut self, units: u64) -> Result<(), Stop> {
        self.fuel.spend(units).map_err(|_| Stop::Refused(Reason::Fuel))
    }

    /// Keeps some of the fuel, at most half of what is there, for later work that must not suffer from what comes
    /// before it.
    pub(crate) fn set_aside(&mut self, units: u64) {
        let units = units.min(self.fuel.left() / 2);
        if self.fuel.spend(units).is_ok() {
            self.aside += units;
        }
    }

    /// Gives back what was set aside.
    pub(crate) fn release(&mut self) {
        self.fuel = Fuel::new(self.fuel.left() + std::mem::take(&mut self.aside));
    }

    /// Bytes of the content that this reader has accounted for: structure, or text it emits. Not those
    /// of a child, which its `stored` range covers. Ranges must not overlap.
    pub fn covers(&mut self, range: Range<u64>) -> Result<(), Stop> {
        if range.is_empty() {
            return Ok(());
        }
        if let Some(last) = &mut self.covered
            && last.end == range.start
        {
            last.end = range.end;
            return Ok(());
        }
        self.flush_covered()?;
        self.covered = Some(range);
        Ok(())
    }

    fn flush_covered(&mut self) -> Result<(), Stop> {
        match self.covered.take() {
            Some(range) => self.row(Kind::Covered, &range).map(drop),
            None => Ok(()),
        }
    }

    /// The mail's row.
    pub fn message(&mut self, message: Message) -> Result<(), Stop> {
        self.fact(&Fact::Message(Box::new(message)))
    }

    /// A header field's row.
    pub fn header(&mut self, header: Header) -> Result<(), Stop> {
        self.fact(&Fact::Header(header))
    }

    /// A signature field's row.
    pub fn signature(&mut self, signature: Signature) -> Result<(), Stop> {
        self.fact(&Fact::Signature(Box::new(signature)))
    }

    /// A digest's row.
    pub fn digest(&mut self, digest: Digest) -> Result<(), Stop> {
        self.fact(&Fact::Digest(digest))
    }

    /// The row of a signature inside the message.
    pub fn part_signature(&mut self, signature: PartSignature) -> Result<(), Stop> {
        self.fact(&Fact::PartSignature(Box::new(signature)))
    }

    /// Text of a part, as one row or several.
    pub fn text(&mut self, part: &str, media_type: &str, lang: Option<&str>, text: &str) -> Result<(), Stop> {
        self.text_from(0, part, media_type, lang, text).map(drop)
    }

    /// Further text of a part that is too long to be held at once: its rows are numbered from `chunk`.
    /// Returns the number of the next one.
    pub fn text_from(
        &mut self,
        mut chunk: u32,
        part: &str,
        media_type: &str,
        lang: Option<&str>,
        text: &str,
    ) -> Result<u32, Stop> {
        let mut rest = text;
        while !rest.is_empty() {
            let cut = rest.floor_char_boundary(limits::TEXT_ROW_BYTES);
            let cut = match rest.get(..cut).and_then(|s| s.rfind(char::is_whitespace)) {
                Some(space) if cut < rest.len() && space > cut / 2 => space + 1,
                _ => cut,
            };
            let (head, tail) = rest.split_at_checked(rest.ceil_char_boundary(cut)).unwrap_or((rest, ""));
            self.fact(&Fact::Text(Text {
                part: part.to_owned(),
                chunk,
                origin: "original".to_owned(),
                made_by: None,
                media_type: media_type.to_owned(),
                lang: lang.map(str::to_owned),
                text: head.to_owned(),
            }))?;
            rest = tail;
            chunk += 1;
        }
        Ok(chunk)
    }

    /// Something that could not be read or breaks the rules. `note` is cut to 200 characters.
    pub fn defect(&mut self, kind: &str, at: Option<u64>, note: &str) -> Result<(), Stop> {
        self.defects += 1;
        let (kind, at, note) = match self.defects {
            n if n < limits::DEFECTS => (kind, at, note),
            n if n == limits::DEFECTS => {
                ("more-defects", None, "further defects of this item are not listed")
            }
            _ => return self.spend(cost::ROW),
        };
        let note = note.chars().take(200).collect();
        self.fact(&Fact::Defect(Defect { kind: kind.to_owned(), at, len: None, note }))
    }

    /// A page or image that holds no text.
    pub fn no_text(&mut self) {
        self.no_text = self.no_text.saturating_add(1);
    }

    /// A child whose content is its stored range as it stands.
    pub fn child_stored(&mut self, child: Child) -> Result<(), Stop> {
        self.child(child, Content::Stored)
    }

    /// A child that has no content here: encrypted, overlapping, declared only, a link.
    pub fn child_absent(&mut self, child: Child, outcome: Outcome, bytes: u64) -> Result<(), Stop> {
        self.child(child, Content::Absent { outcome, bytes })
    }

    /// A child whose content is decoded here. `decode` writes it; where it says that content is to be
    /// dropped (`Err(outcome)`), the child stays as one without content.
    ///
    /// What it wrote is kept where it stopped for a limit of the *whole thing* or the parent hung up.
    pub fn child_decoded(
        &mut self,
        child: Child,
        decode: impl FnOnce(&mut Body<'_, 'a>) -> Result<Result<(), Outcome>, Stop>,
    ) -> Result<Result<(), Outcome>, Stop> {
        let allowed =
            limits::expansion(child.stored.as_ref().map_or(0, |range| range.end.saturating_sub(range.start)));
        self.child(child, Content::Follows)?;
        let mut body = Body { out: self, allowed, written: 0 };
        let end = match decode(&mut body) {
            Ok(Err(outcome)) => Err(outcome),
            Ok(Ok(())) => Ok(()),
            // A child's own limit does not end its container.
            Err(Stop::Refused(Reason::Expansion)) => Err(Outcome::refused(Reason::Expansion)),
            Err(stop) => {
                self.child_end(Some(stop.outcome()))?;
                return Err(stop);
            }
        };
        self.child_end(end.err())?;
        Ok(end)
    }

    /// Costs nothing: what was begun must be ended, with an empty tank too.
    fn child_end(&mut self, dropped: Option<Outcome>) -> Result<(), Stop> {
        let frame = postcard::to_stdvec(&dropped).map_err(|_| Stop::Closed)?;
        (self.send)(Kind::ChildEnd, &frame)
    }

    fn child(&mut self, mut child: Child, content: Content) -> Result<(), Stop> {
        self.children = self.children.checked_sub(1).ok_or(Stop::Refused(Reason::Children))?;
        child.name.truncate(limits::NAME_BYTES);
        child.media_type = child.media_type.chars().take(64).collect();
        self.spend(cost::CHILD)?;
        self.row(Kind::Child, &(child, content)).map(drop)
    }

    /// The runs of children that other processes will read.
    pub(crate) fn slices(&mut self, slices: &[Slice]) -> Result<(), Stop> {
        for some in slices.chunks(1 << 16) {
            self.row(Kind::Slices, &some)?;
        }
        Ok(())
    }

    /// Ends the thing.
    pub(crate) fn done(mut self, outcome: Outcome) -> Result<(), Stop> {
        // An empty tank must not keep the outcome from being told.
        self.fuel = Fuel::new(u64::MAX);
        self.flush_covered()?;
        let no_text = self.no_text;
        self.row(Kind::Done, &(outcome, no_text)).map(drop)
    }

    fn fact(&mut self, fact: &Fact) -> Result<(), Stop> {
        let beside = protocol::weight(fact, 0);
        self.fact_bytes = self.fact_bytes.checked_sub(beside).ok_or(Stop::Refused(Reason::Size))?;
        let sent = self.row(Kind::Fact, fact)?;
        self.fact_bytes = self.fact_bytes.saturating_sub(sent);
        Ok(())
    }

    /// Sends a row; its encoded length.
    fn row<T: Serialize>(&mut self, kind: Kind, row: &T) -> Result<u64, Stop> {
        self.spend(cost::ROW)?;
        let Ok(frame) = postcard::to_stdvec(row) else { return Err(Stop::Refused(Reason::Size)) };
        if frame.len() > limits::ROW_BYTES as usize {
            return Err(Stop::Refused(Reason::Size));
        }
        if kind == Kind::Fact && frame.len() as u64 > self.fact_bytes {
            return Err(Stop::Refused(Reason::Size));
        }
        self.spend(frame.len() as u64)?;
        (self.send)(kind, &frame)?;
        Ok(frame.len() as u64)
    }
}

/// Writes the content of a decoded child; see [`Out::child_decoded`].
pub struct Body<'o, 'a> {
    out: &'o mut Out<'a>,
    allowed: u64,
    written: u64,
}

impl Body<'_, '_> {
    /// Some bytes of the content.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let len = bytes.len() as u64;
        if self.written + len > self.allowed || len > self.out.decoded {
            return Err(Stop::Refused(Reason::Expansion));
        }
        self.written += len;
        self.out.decoded -= len;
        self.out.spend(bytes.len() as u64)?;
        for chunk in bytes.chunks(Frame::BYTES as usize) {
            (self.out.send)(Kind::Bytes, chunk)?;
        }
        Ok(())
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// See [`Out::spend`].
    pub fn spend(&mut self, units: u64) -> Result<(), Stop> {
        self.out.spend(units)
    }
}
