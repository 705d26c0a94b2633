//! The reader of mail as it travels and is stored (RFC 5322, MIME): one message, walked by ranges
//! without ever holding it as a whole.
//!
//! Header fields become rows with exact ranges, because signatures are checked over them; text parts
//! become text; everything else is a child. What is covered and what the children store adds up to the
//! message; a gap is something that was not read, and the outcome says so.

mod address;
mod base64;
mod blocks;
mod claims;
mod date;
mod decode;
mod entity;
mod flowed;
mod form;
mod header;
mod ids;
mod message;
mod params;
mod part_signatures;
mod parts;
mod quoted;
mod signatures;
#[cfg(test)]
mod tests;
mod uu;
mod walker;
mod words;
mod yenc;

use std::ops::Range;

use tamis_model::{Outcome, Reason, tables::Header};

use self::{
    decode::Lines,
    header::{Block, End, Eol, Field},
    message::Collector,
    part_signatures::Seen,
    parts::Parts,
    walker::Walker,
};
use crate::{
    formats::charset,
    out::{Out, Stop},
    reader::{Claim, Look, Reader, ReaderId, Slice},
    source::Source,
};

/// Longest header block that is read.
const HEADER: u64 = 8 << 20;
/// Longest value of a field that is kept, in bytes.
const VALUE: usize = 256 << 10;
/// Units of fuel for a byte that are kept for signatures while the body is walked over, and for any message.
const ASIDE: u64 = 64;
const ASIDE_LEAST: u64 = 8 << 20;
/// Fields of one message that are kept.
const FIELDS: usize = 10_000;

/// The reader of one message.
pub struct Mail;

impl Reader for Mail {
    fn id(&self) -> ReaderId {
        ReaderId { name: "mail", version: 2 }
    }

    fn media_type(&self) -> &'static str {
        "message/rfc822"
    }

    fn claims(&self, look: &Look) -> Claim {
        claims::claims(look)
    }

    fn read(&self, source: &Source, _slice: Option<Slice>, out: &mut Out) -> Result<Outcome, Stop> {
        let head = head(source);
        out.spend(head.bytes.len() as u64)?;
        let mut collector = Collector::new();
        let mut loss = None;
        fields(&head, &mut collector, &mut loss, out)?;
        let body = match head.end {
            End::Bytes if head.cut => after_long_header(source, head.bytes.len() as u64, head.eol, out)?,
            _ => head.block.body as u64,
        };
        if head.cut {
            loss = loss.or(Some(Reason::Size));
        }

        let entity = collector.entity.clone();
        let mut parts =
            Parts { out, source, eol: head.eol, children: 0, lang: None, plain: None, loss, begun: false };
        let mut seen = Seen::default();
        // Whatever ends the walk over the body, signatures are facts of their own.
        parts.out.set_aside(source.len().saturating_mul(ASIDE).saturating_add(ASIDE_LEAST));
        let walked = Walker::new(source, entity, body, head.eol).try_for_each(|event| {
            seen.event(&event, source);
            parts.event(event)
        });
        let (lang, children, loss) = (parts.lang, parts.children, parts.loss);
        let signed = seen.signed(source, &head, &collector.entity, body);
        out.release();
        // A limit that ends the walk leaves what was read, and the message's row is worth most.
        let said = out.message(collector.row(lang, children));
        let walked = also(walked, |out| signatures::read(&head, source, body, out), out);
        let walked = also(walked, |out| signed.map_or(Ok(()), |signed| signed.say(out)), out);
        match walked {
            Ok(()) => said.map(|()| parts::outcome(loss)),
            Err(Stop::Closed) => Err(Stop::Closed),
            Err(Stop::Refused(reason)) => said.map(|()| Outcome::partial(reason)),
        }
    }
}

/// Goes on to what does not need what went before, which may have met a limit. The first limit counts.
fn also(
    before: Result<(), Stop>,
    then: impl FnOnce(&mut Out) -> Result<(), Stop>,
    out: &mut Out,
) -> Result<(), Stop> {
    match before {
        Err(Stop::Closed) => before,
        _ => match then(out) {
            Err(Stop::Closed) => Err(Stop::Closed),
            then => before.and(then),
        },
    }
}

/// The header block of a message.
struct Head {
    /// The beginning of the message, all of the block in it, unless `cut`.
    bytes: Vec<u8>,
    eol: Eol,
    block: Block,
    end: End,
    /// The block is longer than is read.
    cut: bool,
}

/// Reads as much of the message as its header block needs.
fn head(source: &Source) -> Head {
    let mut len = 16 << 10;
    loop {
        let bytes = source.take(0..len);
        let eol = Eol::of(&bytes);
        let all = bytes.len() as u64 >= source.len() || (bytes.len() as u64) < len;
        if let Some((block, end)) = header::scan(&bytes, eol, all) {
            return Head { bytes, eol, block, end, cut: false };
        }
        if len >= HEADER {
            let (block, end) = header::scan(&bytes, eol, true).unwrap_or((Block::default(), End::Bytes));
            // What looks like the end of the bytes is the end of what is read.
            return Head { bytes, eol, block, end, cut: end == End::Bytes };
        }
        len = (len * 8).min(HEADER);
    }
}

/// Where the body begins after a header block that is longer than is read: its rest is a gap.
fn after_long_header(source: &Source, from: u64, eol: Eol, out: &mut Out) -> Result<u64, Stop> {
    out.defect("long-header", Some(from), "the header block is longer than is read")?;
    let mut lines = Lines::new(source, from..source.len(), eol);
    let mut line = Vec::new();
    // The first line is the rest of one.
    let mut is_rest = true;
    let mut next = source.len();
    while let Some(cut) = lines.next(&mut line) {
        if line.is_empty() && !is_rest {
            next = cut.next;
            break;
        }
        is_rest = false;
    }
    out.spend(next - from)?;
    Ok(next)
}

/// Says the fields, and covers the header block with what it says.
fn fields(
    head: &Head,
    collector: &mut Collector,
    loss: &mut Option<Reason>,
    out: &mut Out,
) -> Result<(), Stop> {
    for (kind, range) in &head.block.other {
        let note = charset::raw(head.bytes.get(range.clone()).unwrap_or_default().trim_ascii()).into_owned();
        out.defect(kind, Some(range.start as u64), &note)?;
    }
    let mut end = 0;
    for (ordinal, field) in head.block.fields.iter().enumerate() {
        // What stands between fields is structure.
        out.covers(end as u64..field.range.start as u64)?;
        end = field.range.end;
        if ordinal >= FIELDS {
            if ordinal == FIELDS {
                out.defect("many-fields", Some(field.range.start as u64), "further fields are not listed")?;
                *loss = loss.or(Some(Reason::Size));
            }
            continue;
        }
        say(head, ordinal, field, collector, loss, out)?;
    }
    if !head.cut {
        out.covers(end as u64..head.block.body as u64)?;
    }
    if head.end == End::NoBlank && !head.block.fields.is_empty() {
        out.defect("no-blank-line", Some(head.block.body as u64), "the body begins without an empty line")?;
    }
    if head.block.fields.is_empty() {
        out.defect("no-header", Some(0), "the message has no header field")?;
    }
    Ok(())
}

/// Says one field.
fn say(
    head: &Head,
    ordinal: usize,
    field: &Field,
    collector: &mut Collector,
    loss: &mut Option<Reason>,
    out: &mut Out,
) -> Result<(), Stop> {
    let get = |range: &Range<usize>| head.bytes.get(range.clone()).unwrap_or_default();
    let (name, raw) = (get(&field.name), get(&field.value));
    let at = field.range.start as u64;
    let kept = raw.get(..raw.len().min(VALUE)).unwrap_or_default();
    let unfolded = header::unfold(kept, head.eol);
    let text = message::shown(&unfolded);
    let cut = kept.len() < raw.len() || text.len() > VALUE;
    let value = text.get(..text.floor_char_boundary(VALUE)).unwrap_or(&text);
    let is_plain = raw.strip_prefix(b" ").is_some_and(|rest| rest == value.as_bytes());
    if kept.len() < raw.len() {
        // The rest of the field stands nowhere: a gap.
        out.covers(at..(field.value.start + kept.len()) as u64)?;
        *loss = loss.or(Some(Reason::Size));
    } else {
        out.covers(at..field.range.end as u64)?;
    }
    if cut {
        out.defect("long-header", Some(at), "the value of this field is longer than is kept")?;
    }
    if name.is_empty() {
        out.defect("header-line", Some(at), value)?;
    }
    out.header(Header {
        ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
        name: String::from_utf8_lossy(name).into_owned(),
        value: value.to_owned(),
        value_raw: (!is_plain).then(|| kept.to_vec()),
        at,
        len: (field.range.end - field.range.start) as u64,
    })?;
    collector.field(name, &unfolded, value);
    for (kind, note) in collector.defects.drain(..) {
        out.defect(kind, Some(at), &note)?;
    }
    Ok(())
}
