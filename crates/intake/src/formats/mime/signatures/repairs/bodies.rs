//! Bodies as they may have been, the likeliest first (the order was measured on lists of 2019–26).

use std::ops::Range;

use super::{
    Message, cuts,
    headers::Replaced,
    links,
    pieces::{Edit, Piece},
    shape::{self, Leaf, Outer},
};
use crate::{
    formats::{
        charset,
        mime::{
            decode,
            entity::Entity,
            header,
            signatures::bodies::{Bodies, Digests},
        },
    },
    out::{Coding, Out, Stop},
    source::Source,
};

/// Bytes shown of what was taken away.
const SHOWN: u64 = 700;
/// Lines `>From ` that are tried one by one.
const LINES: usize = 8;
/// Longest encoded text that is decoded to look for a footer in it.
const HELD: u64 = 2 << 20;
/// Leaves that are decoded one by one.
const SINGLE: usize = 4;
/// Bytes looked at once.
const WINDOW: u64 = 256 << 10;

/// A body as it may have been.
#[derive(Debug)]
pub(super) struct Try {
    pub name: String,
    /// For people.
    pub undone: String,
    pieces: Vec<Piece>,
}

impl Try {
    /// The body as it stands.
    pub(super) fn as_stored(message: &Message) -> Try {
        let all = message.body..message.source.len();
        Try { name: String::new(), undone: String::new(), pieces: vec![Piece::Stored(all)] }
    }

    /// How many bytes it is made of.
    pub(super) fn len(&self) -> u64 {
        self.pieces.iter().map(Piece::len).sum()
    }

    /// Hands its bytes to `bodies`.
    pub(super) fn run(&self, source: &Source, mut bodies: Bodies, out: &mut Out) -> Result<Digests, Stop> {
        for piece in &self.pieces {
            piece.feed(source, &mut bodies, out)?;
        }
        Ok(bodies.end())
    }
}

/// The tries of a message, and ways to read the MIME fields of its header that go with them.
pub(super) type Tries = (Vec<Try>, Vec<(String, Replaced)>);

/// Finds what may be undone in the body. Costs some passes over it, and holds little of it.
pub(super) fn tries(message: &Message, out: &mut Out) -> Result<Tries, Stop> {
    let body = message.body..message.source.len();
    // The passes below: delimiters, leaves, empty lines, marks, a text decoded.
    out.spend(7 * (body.end - body.start))?;
    let entity = entity(message);
    let blanks = if entity.is_multipart() { shape::blanks(message.source, body.clone()) } else { Vec::new() };
    let mut found = Finder { source: message.source, body, blanks, tries: Vec::new(), contents: Vec::new() };
    let boundary = entity.content_type.get("boundary").filter(|_| entity.is_multipart());
    let outer = boundary.and_then(|boundary| Outer::find(found.source, found.body.clone(), boundary));
    let leaves = shape::text_leaves(found.source, entity.clone(), found.body.clone());
    if let Some(outer) = &outer {
        found.first_part(outer);
    }
    if entity.is_multipart() {
        found.leaf_footers(&leaves);
        if let Some(outer) = &outer {
            found.last_part(outer);
        }
        let all = found.body.clone();
        found.without_blanks("", &[all], "");
    } else {
        found.footers();
        found.single(&entity);
        found.footers_of_coded(&entity);
    }
    let all = found.body.clone();
    found.coded("", &leaves, &all);
    let marks = Marks::find(found.source, &found.body);
    found.quoted_lines(&marks);
    found.banners(&leaves);
    found.rest(&marks);
    Ok((found.tries, found.contents))
}

fn entity(message: &Message) -> Entity {
    let mut entity = Entity::plain(false);
    for name in ["content-type", "content-transfer-encoding"] {
        if let Some(index) = message.fields.named(name).first() {
            let value = message.fields.value(*index);
            entity.field(name.as_bytes(), &header::unfold(value, message.fields.eol));
        }
    }
    entity
}

struct Finder<'m> {
    source: &'m Source<'m>,
    body: Range<u64>,
    /// Empty lines behind inner multiparts.
    blanks: Vec<Range<u64>>,
    tries: Vec<Try>,
    contents: Vec<(String, Replaced)>,
}

impl Finder<'_> {
    fn push(&mut self, name: impl Into<String>, undone: impl Into<String>, pieces: Vec<Piece>) {
        self.tries.push(Try { name: name.into(), undone: undone.into(), pieces });
    }

    /// What was taken away: how much, and its beginning as text.
    fn shown(&self, range: Range<u64>) -> String {
        let bytes = self.source.take(range.start..range.end.min(range.start + SHOWN));
        taken_away(range.end.saturating_sub(range.start), &bytes)
    }

    /// All but this range.
    fn without(&self, range: &Range<u64>) -> Vec<Piece> {
        vec![Piece::Stored(self.body.start..range.start), Piece::Stored(range.end..self.body.end)]
    }

    /// A list wrapped the message and added parts: its first part is the body, and says what it is.
    fn first_part(&mut self, outer: &Outer) {
        let Some(part) = outer.part(0).filter(|_| outer.parts() >= 2) else { return };
        let (fields, start) = shape::part_header(self.source, part.clone());
        let added = outer.part(1).map_or_else(String::new, |part| self.shown(part));
        let inner = start..part.end;
        self.push("first-part", added.clone(), vec![Piece::Stored(inner.clone())]);
        self.without_blanks("first-part", std::slice::from_ref(&inner), &added);

        let mut entity = Entity::plain(false);
        let mut content = Replaced::new();
        for name in MIME {
            let own = fields.iter().filter(|field| field.name == *name).map(|field| field.raw.clone());
            content.push(((*name).to_owned(), own.collect()));
        }
        for field in &fields {
            let value = super::super::chosen::after_colon(&field.raw);
            entity.field(field.name.as_bytes(), &header::unfold(value, header::Eol::Lf));
        }
        self.contents.push(("first-part".to_owned(), content.clone()));
        if matches!(entity.coding, Coding::QuotedPrintable | Coding::Base64) {
            for (word, name) in [("8bit", "first-part+decoded-8bit"), ("7bit", "first-part+decoded-7bit")] {
                self.contents.push((name.to_owned(), recoded(&content, Some(word))));
            }
            let pieces = vec![Piece::Decoded(inner.clone(), entity.coding)];
            self.push("first-part+decoded", added.clone(), pieces);
        }
        let leaves = shape::text_leaves(self.source, entity, inner.clone());
        self.coded("first-part", &leaves, &inner);
    }

    /// Parts that were encoded on the way, decoded again, with the coding in their header changed in its
    /// place.
    fn coded(&mut self, with: &str, leaves: &[Leaf], all: &Range<u64>) {
        let is_coded = |leaf: &&Leaf| {
            leaf.coding_field.is_some() && matches!(leaf.coding, Coding::QuotedPrintable | Coding::Base64)
        };
        let coded: Vec<&Leaf> = leaves.iter().filter(is_coded).collect();
        if coded.is_empty() {
            return;
        }
        let join = |name: &str| if with.is_empty() { name.to_owned() } else { format!("{with}+{name}") };
        for (name, word) in
            [("decoded-8bit", Some("8bit")), ("decoded-7bit", Some("7bit")), ("decoded-bare", None)]
        {
            self.push(join(name), format!("{} parts decoded", coded.len()), rewritten(&coded, all, word));
            if name == "decoded-8bit" && (2..=SINGLE).contains(&coded.len()) {
                for (n, leaf) in coded.iter().enumerate() {
                    let undone = format!("encoded part {} decoded", n + 1);
                    self.push(join(name), undone, rewritten(&[*leaf], all, word));
                }
            }
        }
    }

    /// A footer in the text.
    fn footers(&mut self) {
        let cuts = cuts::footers(self.source, &self.body);
        for at in cuts {
            let undone = self.shown(at..self.body.end);
            self.push("text-footer", undone, vec![Piece::Stored(self.body.start..at)]);
        }
    }

    /// A footer in a text that the list encoded when it added it: cut off, and left as it was before or
    /// encoded again.
    fn footers_of_coded(&mut self, entity: &Entity) {
        let len = self.body.end - self.body.start;
        if !matches!(entity.coding, Coding::QuotedPrintable | Coding::Base64) || len > HELD {
            return;
        }
        let mut decoder = decode::decoder(entity.coding);
        let (text, _) = decode::collect(decoder.as_mut(), self.source, self.body.clone(), HELD as usize);
        let slice = text.as_slice();
        let decoded = Source::new(&slice, 0, slice.len() as u64);
        for at in cuts::footers(&decoded, &(0..decoded.len())).into_iter().take(2) {
            let (kept, gone) = text.split_at(usize::try_from(at).unwrap_or(0).min(text.len()));
            let shown = gone.get(..gone.len().min(SHOWN as usize)).unwrap_or_default();
            let undone = taken_away(gone.len() as u64, shown);
            self.push("decoded+text-footer", undone.clone(), vec![Piece::Bytes(kept.to_vec())]);
            if entity.coding == Coding::Base64 {
                let pieces = vec![Piece::Bytes(base64_lines(kept))];
                self.push("text-footer+encoded", undone, pieces);
            }
        }
    }

    /// A footer in each text of a multipart.
    fn leaf_footers(&mut self, leaves: &[Leaf]) {
        for keep in 0..3 {
            let (mut pieces, mut at, mut undone) = (Vec::new(), self.body.start, String::new());
            let is_text = |leaf: &&Leaf| matches!(leaf.coding, Coding::Identity | Coding::QuotedPrintable);
            for leaf in leaves.iter().filter(is_text) {
                let Some(cut) = cuts::leaf_footer(self.source, &leaf.body, leaf.is_html, keep) else {
                    continue;
                };
                pieces.push(Piece::Stored(at..cut));
                at = leaf.body.end;
                if undone.is_empty() {
                    undone = self.shown(cut..at);
                }
            }
            if !pieces.is_empty() {
                pieces.push(Piece::Stored(at..self.body.end));
                self.push("part-footer", undone, pieces);
            }
        }
    }

    /// A last part that a list added to a multipart.
    fn last_part(&mut self, outer: &Outer) {
        let (Some(last), Some(close)) = (outer.parts().checked_sub(1), outer.delimiters.last()) else {
            return;
        };
        let (Some(part), Some(delimiter)) = (outer.part(last), outer.delimiters.get(last)) else { return };
        if last > 0 {
            let undone = self.shown(part);
            self.push("last-part", undone.clone(), self.without(&(delimiter.before..close.before)));
            let kept = [self.body.start..delimiter.before, close.before..self.body.end];
            self.without_blanks("last-part", &kept, &undone);
        }
    }

    /// An empty line behind the end of an inner multipart, which programs put there that write a message again
    /// (Gmail writes none, and Mailman does). `with`: what else was undone, and left these ranges.
    fn without_blanks(&mut self, with: &str, kept: &[Range<u64>], undone: &str) {
        let mut pieces = Vec::new();
        let mut gone = 0;
        for range in kept {
            let mut at = range.start;
            for blank in self.blanks.iter().filter(|blank| range.start < blank.start && blank.end < range.end)
            {
                pieces.push(Piece::Stored(at..blank.start));
                at = blank.end;
                gone += 1;
            }
            pieces.push(Piece::Stored(at..range.end));
        }
        if gone > 0 {
            let name = "blank-lines-removed";
            let name = if with.is_empty() { name.to_owned() } else { format!("{with}+{name}") };
            self.push(name, format!("{gone} empty lines behind inner parts; {undone}"), pieces);
        }
    }

    /// A body of one part that was encoded on the way, or decoded.
    fn single(&mut self, entity: &Entity) {
        let content = Replaced::new();
        match entity.coding {
            Coding::QuotedPrintable | Coding::Base64 => {
                let undone = format!("{} decoded", entity.coding.as_str());
                self.push("decoded", undone, vec![Piece::Decoded(self.body.clone(), entity.coding)]);
                for (word, name) in
                    [(Some("8bit"), "decoded-8bit"), (Some("7bit"), "decoded-7bit"), (None, "decoded-bare")]
                {
                    self.contents.push((name.to_owned(), recoded(&content, word)));
                }
            }
            _ => {
                let undone = "put into quoted-printable";
                self.push("encoded", undone, vec![Piece::Encoded(self.body.clone())]);
                self.contents.push(("encoded".to_owned(), recoded(&content, Some("quoted-printable"))));
            }
        }
    }

    /// Lines that mailboxes quote.
    fn quoted_lines(&mut self, marks: &Marks) {
        let all = |edit| vec![Piece::Edited(self.body.clone(), edit)];
        let (plain, deep) = (all(Edit::UnquoteFrom), all(Edit::UnquoteFromAll));
        if !marks.quoted_from.is_empty() {
            self.push("from-unquoted", ">From → From", plain);
        }
        if marks.deep_from {
            self.push("from-unquoted-once", "one > of each >From taken away", deep);
        }
        if (2..=LINES).contains(&marks.quoted_from.len()) {
            for at in &marks.quoted_from {
                let pieces = vec![Piece::Edited(self.body.clone(), Edit::UnquoteFromAt(*at))];
                self.push("from-unquoted-line", format!(">From → From at {at}"), pieces);
            }
        }
    }

    /// Banners at the beginning of the texts.
    fn banners(&mut self, leaves: &[Leaf]) {
        let plain = |leaf: &&Leaf| leaf.coding == Coding::Identity;
        let found: Vec<Vec<Range<u64>>> = leaves
            .iter()
            .filter(plain)
            .map(|leaf| cuts::banner(self.source, &leaf.body, leaf.is_html))
            .filter(|ranges| !ranges.is_empty())
            .collect();
        for way in 0..found.iter().map(Vec::len).max().unwrap_or(0) {
            let (mut pieces, mut at, mut undone) = (Vec::new(), self.body.start, String::new());
            for range in found.iter().filter_map(|ranges| ranges.get(way).or(ranges.last())) {
                pieces.push(Piece::Stored(at..range.start));
                at = range.end;
                if undone.is_empty() {
                    undone = self.shown(range.clone());
                }
            }
            pieces.push(Piece::Stored(at..self.body.end));
            self.push("banner", undone, pieces);
        }
    }

    /// Damage that is rare.
    fn rest(&mut self, marks: &Marks) {
        let table = [
            (marks.links, "links", Edit::Links, "links as they were before a gateway rewrote them"),
            (marks.stuffed, "dots-unstuffed", Edit::Unstuff, "a dot before dots taken away"),
            (marks.dots, "dots-stuffed", Edit::Stuff, "dots at the beginning of lines doubled"),
            (marks.cuts, "lines-joined", Edit::JoinCuts, "long lines that were cut at ! joined"),
            (marks.nul, "nul-removed", Edit::DropNul, "NUL taken away"),
            (marks.lone_cr, "cr-removed", Edit::DropCr, "CR that ends no line taken away"),
        ];
        for (applies, name, edit, undone) in table {
            if applies {
                self.push(name, undone, vec![Piece::Edited(self.body.clone(), edit)]);
            }
        }
        let blank = Piece::Bytes(b"\r\n".to_vec());
        let pieces = vec![blank, Piece::Stored(self.body.clone())];
        self.push("blank-line-first", "an empty line put in front", pieces);
    }
}

/// Fields of MIME that a list moves into the part that it wraps.
const MIME: &[&str] = &[
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-language",
    "content-id",
    "content-description",
];

/// The same fields with another transfer encoding, or none.
fn recoded(content: &Replaced, word: Option<&str>) -> Replaced {
    let name = "content-transfer-encoding";
    let field = word.map(|word| format!("Content-Transfer-Encoding: {word}").into_bytes());
    let mut content: Replaced = content.iter().filter(|(known, _)| known != name).cloned().collect();
    content.push((name.to_owned(), field.into_iter().collect()));
    content
}

fn taken_away(len: u64, begins: &[u8]) -> String {
    format!("{len} bytes: {}", charset::raw(begins.trim_ascii()))
}

/// Base64 in lines of 76 characters (RFC 2045 §6.8), of a text with CRLF at its end.
fn base64_lines(text: &[u8]) -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let coded = STANDARD.encode([text, b"\r\n"].concat()).into_bytes();
    coded.chunks(76).flat_map(|line| [line, b"\r\n"]).flatten().copied().collect()
}

/// A range with some leaves decoded and their coding called `word`, or not named at all.
fn rewritten(leaves: &[&Leaf], all: &Range<u64>, word: Option<&str>) -> Vec<Piece> {
    let (mut pieces, mut at) = (Vec::new(), all.start);
    for leaf in leaves {
        let Some(field) = &leaf.coding_field else { continue };
        let gone = if word.is_some() { &field.value } else { &field.range };
        pieces.push(Piece::Stored(at..gone.start));
        pieces.extend(word.map(|word| Piece::Bytes(word.as_bytes().to_vec())));
        pieces.push(Piece::Stored(gone.end..leaf.body.start));
        pieces.push(Piece::Decoded(leaf.body.clone(), leaf.coding));
        at = leaf.body.end;
    }
    pieces.push(Piece::Stored(at..all.end));
    pieces
}

/// What in a body may be a trace of transport.
#[derive(Debug, Default)]
struct Marks {
    /// Where lines begin that begin with `>From `: one more than are tried at most.
    quoted_from: Vec<u64>,
    /// `>>From `.
    deep_from: bool,
    stuffed: bool,
    dots: bool,
    cuts: bool,
    nul: bool,
    lone_cr: bool,
    links: bool,
}

impl Marks {
    fn find(source: &Source, body: &Range<u64>) -> Marks {
        let mut marks = Marks::default();
        let mut at = body.start;
        // A line break in front stands for the beginning; windows share their edges.
        let mut edge = b"\n".to_vec();
        while at < body.end {
            let start = at - edge.len().saturating_sub(usize::from(at == body.start)) as u64;
            let bytes = source.take(at..body.end.min(at + WINDOW));
            if bytes.is_empty() {
                break;
            }
            let window = [edge.as_slice(), &bytes].concat();
            let lead = u64::from(at == body.start);
            let has = |needle: &[u8]| memchr::memmem::find(&window, needle).is_some();
            for hit in memchr::memmem::find_iter(&window, b"\n>From ") {
                let line = start + hit as u64 + 1 - lead;
                if marks.quoted_from.len() <= LINES
                    && marks.quoted_from.last().is_none_or(|last| *last < line)
                {
                    marks.quoted_from.push(line);
                }
            }
            marks.deep_from |= has(b"\n>>From ");
            marks.stuffed |= has(b"\n..");
            marks.dots |= has(b"\n.");
            marks.cuts |= has(b"!\n ") || has(b"!\r\n ");
            marks.nul |= memchr::memchr(0, &window).is_some();
            marks.lone_cr |= memchr::memchr_iter(b'\r', &window)
                .any(|at| window.get(at + 1).is_some_and(|next| *next != b'\n'));
            marks.links |= links::MARKS.iter().any(|mark| has(mark));
            at += bytes.len() as u64;
            edge = window.get(window.len().saturating_sub(64)..).unwrap_or_default().to_vec();
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_lines_are_found_to_the_byte() {
        for pad in
            [0usize, 1, 63, WINDOW as usize - 70, WINDOW as usize - 4, WINDOW as usize, 2 * WINDOW as usize]
        {
            let body = format!(">From a\n{}\n>From b\n>From c\n", "x".repeat(pad));
            let slice = body.as_bytes();
            for start in [0u64, 3] {
                let bytes = [b"yyy".get(..start as usize).unwrap(), slice].concat();
                let slice = bytes.as_slice();
                let source = Source::new(&slice, 0, slice.len() as u64);
                let marks = Marks::find(&source, &(start..slice.len() as u64));
                let expect = [0, pad as u64 + 9, pad as u64 + 17].map(|at| start + at);
                assert_eq!(marks.quoted_from, expect, "{pad} {start}");
            }
        }
    }
}
