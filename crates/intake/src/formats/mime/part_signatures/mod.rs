//! Signatures inside mail: S/MIME (RFC 8551) and OpenPGP (RFC 3156, RFC 9580), checked here where the
//! certificate or key came with the mail. A key from inside says that one hand signed and sent it along;
//! whose hand it was, nothing in the mail can say. Mail without such parts costs a comparison a part.

mod armor;
mod ber;
mod certificate;
mod content;
mod openpgp;
mod packets;
mod smime;
#[cfg(test)]
mod tests;
mod transferable;
mod verify;

use std::ops::Range;

use tamis_model::tables::{PartSignature, Time};

use self::content::{Content, Place};
use super::{
    Head, decode,
    entity::Entity,
    header::{self, Eol},
    walker::Event,
};
use crate::{
    out::{Coding, Out, Stop},
    source::Source,
};

/// Rows of one message.
const ROWS: usize = 16;
/// Parts of one message that hold signatures, or keys, and are looked at.
const PARTS: usize = 16;
/// Bytes of one signature or key.
const BLOB: usize = 1 << 20;
/// Bytes of a part that holds its content and signature in one, decoded. A worker has room for it, for
/// its normal form and for the content.
const OPAQUE: usize = 32 << 20;
/// Characters of a name, an address, a note in a row.
const TEXT: usize = 300;
/// Addresses of one row.
const ADDRESSES: usize = 8;
/// Bytes of the first text in which the begin of signed text is looked for.
const CLEAR_HEAD: u64 = 4 << 10;

/// What the walk over a message shows of signatures.
#[derive(Debug, Default)]
pub(super) struct Seen {
    leaves: Vec<Leaf>,
    begun: bool,
}

/// A part that matters here.
#[derive(Debug)]
struct Leaf {
    what: What,
    part: String,
    coding: Coding,
    body: Range<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// An S/MIME signature beside its content.
    Smime,
    /// One that holds its content.
    SmimeOpaque,
    /// An OpenPGP signature beside its content.
    Pgp,
    /// Text with its signature (RFC 9580 section 7).
    PgpText,
    PgpKeys,
}

/// The message as far as signatures need it.
pub(super) struct Signed<'s, 'a> {
    source: &'s Source<'a>,
    eol: Eol,
    root: Entity,
    body: u64,
    head: &'s Head,
    leaves: Vec<Leaf>,
}

impl Seen {
    /// Takes what the walker came upon.
    pub(super) fn event(&mut self, event: &Event, source: &Source) {
        let Event::Leaf { part, entity, body } = event else { return };
        let is_first = !std::mem::replace(&mut self.begun, true);
        let what = match entity.media_type() {
            "text/plain" if is_first => is_signed_text(source, entity.coding, body).then_some(What::PgpText),
            media_type if media_type.starts_with("application/") => what(media_type, entity),
            _ => None,
        };
        let Some(what) = what else { return };
        let of_this_kind =
            self.leaves.iter().filter(|leaf| (leaf.what == What::PgpKeys) == (what == What::PgpKeys));
        if of_this_kind.count() < PARTS {
            let (part, body) = (part.clone(), body.clone());
            self.leaves.push(Leaf { what, part, coding: entity.coding, body });
        }
    }

    /// What is to be checked, once the walk is over; `None` for most mail.
    pub(super) fn signed<'s, 'a>(
        self,
        source: &'s Source<'a>,
        head: &'s Head,
        root: &Entity,
        body: u64,
    ) -> Option<Signed<'s, 'a>> {
        let any = self.leaves.iter().any(|leaf| leaf.what != What::PgpKeys);
        any.then(|| Signed { source, eol: head.eol, root: root.clone(), body, head, leaves: self.leaves })
    }
}

/// What an application part is here, by its type, or by its name where the type says nothing.
fn what(media_type: &str, entity: &Entity) -> Option<What> {
    let named = |suffix: &str| {
        let ending = entity.name().and_then(|name| name.get(name.len().checked_sub(suffix.len())?..));
        ending.is_some_and(|ending| ending.eq_ignore_ascii_case(suffix))
    };
    match media_type {
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => Some(What::Smime),
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => {
            let kind = entity.content_type.get("smime-type").unwrap_or("signed-data");
            kind.eq_ignore_ascii_case("signed-data").then_some(What::SmimeOpaque)
        }
        "application/pgp-signature" => Some(What::Pgp),
        "application/pgp-keys" => Some(What::PgpKeys),
        "application/octet-stream" if named(".p7s") => Some(What::Smime),
        "application/octet-stream" if named(".p7m") => Some(What::SmimeOpaque),
        "application/octet-stream" if named("signature.asc") => Some(What::Pgp),
        _ => None,
    }
}

/// Whether text begins with, or near its begin has, a line that begins signed text.
fn is_signed_text(source: &Source, coding: Coding, body: &Range<u64>) -> bool {
    if body.end.saturating_sub(body.start) < armor::SIGNED_TEXT.len() as u64 {
        return false;
    }
    let head = source.take(body.start..body.end.min(body.start + CLEAR_HEAD));
    match coding {
        // The line above, as base64 writes it: where it does not come first, nobody signs so.
        Coding::Base64 => head.trim_ascii_start().starts_with(b"LS0tLS1CRUdJTiBQR1AgU0lHTkVEIE1FU1NBR0Ut"),
        _ => memchr::memmem::find(&head, armor::SIGNED_TEXT).is_some(),
    }
}

impl<'s, 'a> Signed<'s, 'a> {
    /// Checks each signature and says its row.
    pub(super) fn say(&self, out: &mut Out) -> Result<(), Stop> {
        let mut rows = Rows::default();
        let material = openpgp::material(self, out)?;
        let mut keys = openpgp::Keys::parse(&material);
        for leaf in &self.leaves {
            match leaf.what {
                What::Smime => self.beside(leaf, "smime", &mut rows, out, |content, blob, rows, out| {
                    smime::beside(&leaf.part, content, blob, rows, out)
                })?,
                What::Pgp => self.beside(leaf, "pgp", &mut rows, out, |content, blob, rows, out| {
                    openpgp::beside(content, blob, &mut keys, rows, out)
                })?,
                What::SmimeOpaque => {
                    // The whole body where there is nothing else.
                    let part = if self.root.is_multipart() { leaf.part.as_str() } else { "" };
                    let Some(blob) = self.blob(leaf, OPAQUE, out)? else {
                        rows.odd(part, "smime", "unsupported", "the signed part is larger than is read");
                        continue;
                    };
                    smime::opaque(part, blob, &mut rows, out)?;
                }
                What::PgpText => {
                    let Some(blob) = self.blob(leaf, OPAQUE, out)? else {
                        rows.odd(&leaf.part, "pgp", "unsupported", "the signed text is larger than is read");
                        continue;
                    };
                    openpgp::in_text(&leaf.part, &blob, &mut keys, &mut rows, out)?;
                }
                What::PgpKeys => {}
            }
        }
        rows.say(out)
    }

    /// A signature that stands beside its content.
    fn beside(
        &self,
        leaf: &Leaf,
        kind: &'static str,
        rows: &mut Rows,
        out: &mut Out,
        check: impl FnOnce(&Content, &[u8], &mut Rows, &mut Out) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let root = (&self.root, self.body);
        let signed = signed_part(&leaf.part);
        let place = content::place(self.source, self.eol, root, &leaf.part, leaf.body.start, out)?;
        let Some(Place { range, declared }) = place else {
            // Only who declares that something is signed can have failed to.
            if self.root.media_type() == "multipart/signed" {
                rows.odd(&signed, kind, "malformed", "what is signed cannot be told apart from the rest");
            }
            return Ok(());
        };
        let from = rows.list.len();
        match self.blob(leaf, BLOB, out)? {
            Some(blob) => {
                let content = Content { source: self.source, range, lines: Some(self.eol) };
                check(&content, &blob, rows, out)?;
            }
            None => rows.odd(&signed, kind, "malformed", "the signature is larger than is read"),
        }
        if !declared {
            // A signature that came along with parts not declared as signed may sign something else: it
            // counts where it holds, and says nothing where it does not.
            let mut at = 0;
            rows.list.retain(|row| {
                at += 1;
                at <= from || row.result == "verified"
            });
        }
        for row in rows.list.iter_mut().skip(from) {
            row.part.clone_from(&signed);
        }
        Ok(())
    }

    /// The content of a part; `None` if it is longer than `most`.
    fn blob(&self, leaf: &Leaf, most: usize, out: &mut Out) -> Result<Option<Vec<u8>>, Stop> {
        out.spend(leaf.body.end.saturating_sub(leaf.body.start))?;
        let mut decoder = decode::decoder(leaf.coding);
        let (blob, read) = decode::collect(decoder.as_mut(), self.source, leaf.body.clone(), most);
        out.spend(blob.len() as u64)?;
        Ok((read >= leaf.body.end && blob.len() <= most).then_some(blob))
    }

    /// Values of the header fields with this lower-case name, unfolded, each at most `most` bytes.
    fn fields(&self, name: &str, most: usize) -> impl Iterator<Item = Vec<u8>> {
        let get = |range: &Range<usize>| self.head.bytes.get(range.clone()).unwrap_or_default();
        let named = self.head.block.fields.iter();
        let named = named.filter(move |field| get(&field.name).eq_ignore_ascii_case(name.as_bytes()));
        let values = named.map(move |field| get(&field.value)).filter(move |value| value.len() <= most);
        values.map(|value| header::unfold(value, self.eol).into_owned())
    }
}

/// `1.2` signs `1.1`.
fn signed_part(signature: &str) -> String {
    match signature.rsplit_once('.') {
        Some((multipart, _)) => format!("{multipart}.1"),
        None => "1".to_owned(),
    }
}

/// Rows as they come together.
#[derive(Debug, Default)]
struct Rows {
    list: Vec<PartSignature>,
    more: bool,
}

impl Rows {
    /// Whether there is no room for another.
    fn is_full(&mut self) -> bool {
        self.more |= self.list.len() >= ROWS;
        self.list.len() >= ROWS
    }

    fn push(&mut self, row: PartSignature) {
        if !self.is_full() {
            self.list.push(row);
        }
    }

    /// A row that says no more than what is wrong.
    fn odd(&mut self, part: &str, kind: &str, result: &str, note: &str) {
        let mut row = row(part, kind);
        row.result = result.to_owned();
        row.note = Some(note.to_owned());
        self.push(row);
    }

    fn say(self, out: &mut Out) -> Result<(), Stop> {
        if self.more {
            out.defect("many-signatures", None, "further signatures inside the message are not checked")?;
        }
        for (ordinal, mut row) in self.list.into_iter().enumerate() {
            row.ordinal = u32::try_from(ordinal).unwrap_or(u32::MAX);
            out.part_signature(row)?;
        }
        Ok(())
    }
}

/// A row of which nothing is known yet.
fn row(part: &str, kind: &str) -> PartSignature {
    PartSignature {
        ordinal: 0,
        part: part.to_owned(),
        kind: kind.to_owned(),
        result: "malformed".to_owned(),
        signer: None,
        addresses: Vec::new(),
        issuer: None,
        key_id: None,
        key_from: None,
        algorithm: None,
        key_bits: None,
        signed_at: None,
        valid_from: None,
        valid_to: None,
        self_issued: None,
        note: None,
    }
}

/// Adds to a row's note.
fn note(row: &mut PartSignature, words: &str) {
    let note = row.note.get_or_insert_default();
    if !note.is_empty() {
        note.push_str("; ");
    }
    note.push_str(words);
    note.truncate(note.floor_char_boundary(2 * TEXT));
}

/// Notes where the time of signing lies outside of the time that certificate or key are valid.
fn note_times(row: &mut PartSignature) {
    let Some(signed_at) = row.signed_at else { return };
    if row.valid_from.is_some_and(|from| signed_at < from) {
        note(row, "by its own clock signed before the key is valid");
    }
    if row.valid_to.is_some_and(|to| signed_at > to) {
        note(row, "by its own clock signed after the key's validity");
    }
}

/// Seconds since 1970 as a point in time.
fn seconds(seconds: u32) -> Time {
    Time(i64::from(seconds) * 1_000_000)
}

/// Text for a row: no control characters, bounded.
fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT).collect::<String>().trim().to_owned()
}

/// Adds an address, lower case, if it looks like one and is not there yet.
fn note_address(text: &str, addresses: &mut Vec<String>) {
    let address = bounded(text).to_lowercase();
    let is_address =
        address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
            && !address.contains(char::is_whitespace);
    if is_address && addresses.len() < ADDRESSES && !addresses.contains(&address) {
        addresses.push(address);
    }
}

/// Lower hex of at most 64 octets.
fn hex(octets: &[u8]) -> String {
    octets.iter().take(64).map(|octet| format!("{octet:02x}")).collect()
}
