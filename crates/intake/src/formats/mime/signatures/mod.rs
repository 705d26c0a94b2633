//! Signatures of a message (DKIM and what came before it, DomainKeys, ARC): what each field claims, what
//! it covers, and the digests that whoever has the key needs. Nobody here says whether a signature holds,
//! and after this the mail is not needed again.
//!
//! A field that is broken is a row with `malformed` first among its defects. The other words:
//! of the tag list `empty-tag`, `tag-syntax`, `duplicate-tag` (the first counts), `many-tags`; of values
//! `no-signature`, `long-signature`, `base64-junk`, `no-domain`, `no-selector`, `no-headers`,
//! `many-names`, `no-body-hash`, `body-hash`, `no-algorithm` (rsa-sha1 is meant), `algorithm`,
//! `canonicalization`, `length`, `long-value`, `version`, `time`; of chains `instance`, `no-chain-state`,
//! `seal-tags`, `seal-signed`, `chain-gap`, `chain-doubled`; of what is not covered `bcc-not-signed` (a Bcc
//! stands there) and `flowed-text` (the line breaks of the text hang on blanks that the signature does not see);
//! of ours `many-authors`, and `not-judged`: a limit of ours keeps the field from having digests.

mod bodies;
mod canon;
mod chosen;
mod fields;
mod reading;
mod repairs;
mod summary;
mod tags;
#[cfg(test)]
mod tests;

use tamis_model::tables::Digest;

use self::{
    bodies::{Bodies, BodyDigest, Digests, Joint, Wanted},
    chosen::{Changes, Fields},
    fields::{Kind, Parsed, Scheme},
    summary::Summary,
};
use super::{FIELDS, Head, address::Authors, header};
use crate::{
    out::{Out, Stop},
    source::Source,
};

/// Signature fields of a message that have digests.
const JUDGED: usize = 64;
/// Signature fields of a message that have a row.
const ROWS: usize = 1000;
/// Bytes of a body read at once.
const STEP: usize = 64 << 10;

/// A signature field.
struct Entry {
    /// Position among the signature fields.
    ordinal: u32,
    /// Position among all fields.
    own: usize,
    parsed: Parsed,
}

impl Entry {
    /// The digest of its body that is to be `bh=`.
    fn wanted(&self) -> Option<Wanted> {
        let parsed = &self.parsed;
        let wanted =
            Wanted { form: parsed.body, algorithm: parsed.algorithm, length: parsed.row.body_length };
        (parsed.is_sound() && parsed.scheme == Scheme::Apart).then_some(wanted)
    }

    /// Whether a body gives `bh=`. One that is shorter than `l=` says does not (RFC 6376 §3.5).
    fn holds(&self, wanted: &Wanted, body: &BodyDigest) -> bool {
        let is_there = wanted.length.is_none_or(|length| length <= body.total);
        is_there && self.parsed.row.body_hash.as_ref() == Some(&body.digest)
    }

    /// The row of a digest over header and body in one. None where `l=` asks for more than there is: such a
    /// signature is not to hold, whatever was hashed, and no `bh=` is there to say so.
    fn both(&self, body: &BodyDigest) -> Option<Digest> {
        let length = self.parsed.row.body_length.unwrap_or(body.total);
        let uncovered = body.total.checked_sub(length)?;
        Some(Digest { uncovered, ..self.digest("both", body.digest.clone()) })
    }

    fn digest(&self, part: &str, digest: Vec<u8>) -> Digest {
        Digest {
            ordinal: self.ordinal,
            part: part.to_owned(),
            repair: None,
            hash: self.parsed.algorithm.as_str().to_owned(),
            digest,
            holds: None,
            uncovered: 0,
            undone: None,
        }
    }
}

/// Says the signature fields of a message whose body begins at `body`, with their digests.
pub(super) fn read(head: &Head, source: &Source, body: u64, out: &mut Out) -> Result<(), Stop> {
    let of_head = |field: &header::Field| head.bytes.get(field.name.clone()).and_then(Kind::of);
    if !head.block.fields.iter().any(|field| of_head(field).is_some()) {
        return Ok(());
    }
    out.spend(head.bytes.len() as u64)?;
    let fields = Fields::new(&head.bytes, &head.block.fields, head.eol);
    let is_whole = !head.cut && head.block.fields.len() <= FIELDS;
    let mut entries = entries(&fields, is_whole, out)?;

    let mut summary = Summary::new(&fields);
    let (joints, origins) = joints(&fields, &entries, out)?;
    let wanted = entries.iter().filter_map(Entry::wanted);
    let bodies = Bodies::new(head.eol, wanted, joints);
    let digests = as_stored(bodies, source, body, &mut summary, out)?;
    let is_plain = is_whole && reading::is_plain_header(&head.bytes, &head.block, head.end, head.eol);
    for entry in &mut entries {
        entry.parsed.row.one_reading =
            is_plain && reading::one_reading(&fields, &entry.parsed, entry.own, &summary);
        if entry.parsed.is_sound() && entry.parsed.scheme != Scheme::Chain {
            let notes = reading::notes(&fields, &entry.parsed, entry.own, &summary);
            notes.collect::<Vec<_>>().into_iter().for_each(|word| entry.parsed.note(word));
        }
    }
    let message = repairs::Message { fields: &fields, source, body };
    let mut repaired = repairs::search(&message, &entries, &digests, out)?.into_iter().peekable();
    for entry in &entries {
        out.signature(entry.parsed.row())?;
        say_header(&fields, entry, out)?;
        say_body(entry, &digests, out)?;
        let mine = origins.iter().zip(&digests.joints).filter(|(origin, _)| origin.0 == entry.ordinal);
        for ((_, repair), digest) in mine {
            if let Some(row) = entry.both(digest) {
                out.digest(Digest { repair: repair.map(str::to_owned), ..row })?;
            }
        }
        if let Some((_, rows)) = repaired.next_if(|(ordinal, _)| *ordinal == entry.ordinal) {
            rows.into_iter().try_for_each(|row| out.digest(row))?;
        }
    }
    Ok(())
}

/// The signature fields, with what they cover of the header.
fn entries(fields: &Fields, is_whole: bool, out: &mut Out) -> Result<Vec<Entry>, Stop> {
    let authors = authors(fields);
    let mut entries = Vec::new();
    let mut judged = 0;
    for (ordinal, (own, kind)) in fields.signatures().enumerate() {
        if ordinal >= ROWS {
            out.defect("many-signatures", None, "further signature fields are not listed")?;
            break;
        }
        let value = fields.value(own);
        out.spend(2 * value.len() as u64)?;
        let mut parsed = Parsed::new(kind, value);
        parsed.row.ordinal = u32::try_from(ordinal).unwrap_or(u32::MAX);
        parsed.row.field = u32::try_from(own).unwrap_or(u32::MAX);
        parsed.row.author_domains.clone_from(&authors.domains);
        if kind == Kind::DomainKeys {
            let below = fields.named("sender").iter().find(|index| **index > own);
            let domain = below.and_then(|index| authors_in(fields, *index).domains.into_iter().next());
            parsed.row.sender_domain = domain.filter(|domain| !domain.is_empty());
        }
        if authors.more {
            parsed.note("many-authors");
        }
        fields.coverage(&mut parsed, own);
        if parsed.is_sound()
            && parsed.scheme == Scheme::Chain
            && let Err(word) = fields.sets_of(&parsed)
        {
            parsed.malformed(word);
        }
        if parsed.is_sound() {
            judged += 1;
            if judged > JUDGED || !is_whole {
                parsed.malformed("not-judged");
            }
        }
        entries.push(Entry { ordinal: parsed.row.ordinal, own, parsed });
    }
    Ok(entries)
}

/// The domains of all authors, and whether there are more than are listed.
fn authors(fields: &Fields) -> Authors {
    let mut all = Authors::default();
    fields.named("from").iter().for_each(|index| all.join(authors_in(fields, *index)));
    all
}

fn authors_in(fields: &Fields, index: usize) -> Authors {
    Authors::of(&header::unfold(fields.value(index), fields.eol))
}

/// For the signatures that hash header and body in one: the hashes, and whose they are.
type Joints = (Vec<Joint>, Vec<(u32, Option<&'static str>)>);

fn joints(fields: &Fields, entries: &[Entry], out: &mut Out) -> Result<Joints, Stop> {
    let (mut joints, mut origins) = Joints::default();
    for entry in entries.iter().filter(|entry| entry.parsed.is_sound()) {
        for (name, joint) in joint(fields, entry, &Changes::default(), out)? {
            joints.push(joint);
            origins.push((entry.ordinal, name));
        }
    }
    Ok((joints, origins))
}

/// The hashes of one such signature, begun with its header.
fn joint(
    fields: &Fields,
    entry: &Entry,
    changes: &Changes,
    out: &mut Out,
) -> Result<Vec<(Option<&'static str>, Joint)>, Stop> {
    let (parsed, own) = (&entry.parsed, entry.own);
    let begin = |before: &[u8], between, after| {
        let mut hash = parsed.algorithm.hash();
        hash.update(before);
        Joint { form: parsed.body, length: parsed.row.body_length, hash, between, after }
    };
    let mut joints = Vec::new();
    match parsed.scheme {
        Scheme::Apart | Scheme::Chain => {}
        Scheme::Together => {
            let mut before = fields.lines(parsed, own, changes);
            before.extend_from_slice(b"\r\n");
            let mut after = b"\r\n".to_vec();
            fields.own(parsed, own, parsed.header, None, &mut after);
            out.spend(before.len() as u64 + after.len() as u64)?;
            joints.push((None, begin(&before, b"", after)));
        }
        Scheme::DomainKeys => {
            let mail = fields.domain_keys(parsed, own, changes, false);
            out.spend(mail.len() as u64)?;
            joints.push((None, begin(&mail, b"\r\n", Vec::new())));
            if parsed.has_names {
                let listed = fields.domain_keys(parsed, own, changes, true);
                out.spend(listed.len() as u64)?;
                if listed != mail {
                    joints.push((Some("header-order"), begin(&listed, b"\r\n", Vec::new())));
                }
            }
        }
    }
    Ok(joints)
}

/// Reads the body once.
fn as_stored(
    mut bodies: Bodies,
    source: &Source,
    body: u64,
    summary: &mut Summary,
    out: &mut Out,
) -> Result<Digests, Stop> {
    let mut buffer = vec![0; STEP];
    let mut at = body;
    loop {
        let n = source.read_at(&mut buffer, at);
        let Some(piece) = buffer.get(..n).filter(|piece| !piece.is_empty()) else { break };
        out.spend(n as u64 * (1 + bodies.price()))?;
        bodies.feed_with(piece, summary);
        at += n as u64;
    }
    summary.end();
    Ok(bodies.end())
}

/// The digest of the header as it stands.
fn say_header(fields: &Fields, entry: &Entry, out: &mut Out) -> Result<(), Stop> {
    let data = match (entry.parsed.is_sound(), entry.parsed.scheme) {
        (true, Scheme::Apart) => fields.data(&entry.parsed, entry.own, &Changes::default()),
        (true, Scheme::Chain) => fields.chain(&entry.parsed, entry.own),
        _ => return Ok(()),
    };
    out.spend(2 * data.len() as u64)?;
    match data.is_empty() {
        true => Ok(()),
        false => out.digest(entry.digest("header", entry.parsed.algorithm.of(&data))),
    }
}

/// The digest of the body as it stands.
fn say_body(entry: &Entry, digests: &Digests, out: &mut Out) -> Result<(), Stop> {
    let Some(wanted) = entry.wanted() else { return Ok(()) };
    let Some(body) = digests.get(&wanted) else { return Ok(()) };
    let holds = entry.holds(&wanted, body);
    let row = entry.digest("body", body.digest.clone());
    out.digest(Digest { holds: Some(holds), uncovered: uncovered(&wanted, body), ..row })
}

/// Octets beyond what is signed.
fn uncovered(wanted: &Wanted, body: &BodyDigest) -> u64 {
    wanted.length.map_or(0, |length| body.total.saturating_sub(length))
}
