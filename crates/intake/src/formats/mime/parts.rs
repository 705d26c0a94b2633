//! What becomes of a part: text that is emitted, or a child.

use std::ops::Range;

use tamis_model::{Outcome, Reason};

use super::{
    blocks::{self, Found},
    decode::{self, Damage, Lines},
    entity::Entity,
    flowed,
    header::Eol,
    uu,
    walker::Event,
    yenc,
};
use crate::{
    formats::{charset, html_text, language},
    out::{Body, Child, Coding, Declared, Naming, Out, Stop},
    source::Source,
};

/// Decoded bytes of one part that become text. A worker has room for them, for their decoded form and
/// for their text.
const TEXT: usize = 32 << 20;
/// A preamble up to this length that speaks of MIME says to people what programs see anyway.
const PREAMBLE: u64 = 1024;
/// Bytes after the end of base64 that are shown as text.
const TAIL: u64 = 64 << 10;

/// The parts of one message.
pub(super) struct Parts<'o, 'a, 's> {
    pub out: &'o mut Out<'a>,
    pub source: &'s Source<'s>,
    pub eol: Eol,
    /// Children so far.
    pub children: u32,
    /// Language of the first text.
    pub lang: Option<&'static str>,
    /// Part and language of the plain text that was met last.
    pub plain: Option<(String, &'static str)>,
    /// What was lost first.
    pub loss: Option<Reason>,
    /// A leaf was met.
    pub begun: bool,
}

impl Parts<'_, '_, '_> {
    pub(super) fn lose(&mut self, reason: Reason) {
        self.loss = self.loss.or(Some(reason));
    }

    /// Takes what the walker came upon.
    pub(super) fn event(&mut self, event: Event) -> Result<(), Stop> {
        match event {
            Event::Structure(range) => {
                self.out.spend(range.end - range.start)?;
                self.out.covers(range)
            }
            Event::Defect(kind, at, note) => self.out.defect(kind, Some(at), &note),
            Event::TooDeep(range) => {
                self.lose(Reason::Depth);
                self.out.spend(range.end - range.start)
            }
            Event::Skipped(range) => {
                self.lose(Reason::Size);
                self.out.spend(range.end - range.start)
            }
            Event::Loose { part, text } => self.loose(&part, text),
            Event::Leaf { part, entity, body } => self.leaf(&part, &entity, body),
        }
    }

    /// Text outside of all parts: seen by no mail program, and read here if there is any.
    fn loose(&mut self, part: &str, range: Range<u64>) -> Result<(), Stop> {
        self.out.spend(range.end - range.start)?;
        let head = self.source.take(range.start..range.end.min(range.start + PREAMBLE));
        let is_customary = range.end - range.start <= PREAMBLE
            && (head.trim_ascii().is_empty()
                || (part.ends_with("preamble") && memchr::memmem::find(&head, b"MIME").is_some()));
        if is_customary {
            return self.out.covers(range);
        }
        self.text(part, &Entity::plain(false), range)
    }

    fn leaf(&mut self, part: &str, entity: &Entity, body: Range<u64>) -> Result<(), Stop> {
        self.out.spend(body.end - body.start)?;
        let is_first = !std::mem::replace(&mut self.begun, true);
        if let Some(word) = &entity.unknown_coding {
            self.out.defect("unknown-encoding", Some(body.start), word)?;
        }
        if is_text(entity.media_type()) && (is_first || (!entity.is_attachment() && entity.name().is_none()))
        {
            return self.text(part, entity, body);
        }
        self.attachment(part, entity, body)
    }

    fn attachment(&mut self, part: &str, entity: &Entity, body: Range<u64>) -> Result<(), Stop> {
        if entity.media_type() == "message/external-body" {
            let access = entity.content_type.get("access-type").unwrap_or("");
            self.out.defect(
                "external-body",
                Some(body.start),
                &format!("the content is elsewhere: {access}"),
            )?;
        }
        let mut child = Child {
            name: entity.name().unwrap_or("").as_bytes().to_vec(),
            naming: Naming::Name,
            media_type: entity.media_type().to_owned(),
            stored: Some(body.clone()),
            coding: entity.coding,
            declared: Some(Box::new(declared(part, entity))),
        };
        self.children += 1;
        match entity.coding {
            Coding::Base64 | Coding::QuotedPrintable => self.decoded(part, child, body),
            Coding::Uuencode | Coding::Yenc => match blocks::find(self.source, body.clone(), self.eol) {
                Some(found) => {
                    if child.name.is_empty() {
                        child.name = name(&found).to_vec();
                    }
                    let source = self.source;
                    self.block(child, source, &found)
                }
                None => {
                    let note = format!("declared as {}, and is not", entity.coding.as_str());
                    self.out.defect("encoding-wrong", Some(body.start), &note)?;
                    child.coding = Coding::Identity;
                    self.out.child_stored(child)
                }
            },
            _ => {
                child.coding = Coding::Identity;
                self.out.child_stored(child)
            }
        }
    }

    /// A child in base64 or quoted-printable.
    fn decoded(&mut self, part: &str, child: Child, body: Range<u64>) -> Result<(), Stop> {
        let mut decoder = decode::decoder(child.coding);
        let source = self.source;
        let end = self.out.child_decoded(child, |to: &mut Body| {
            decode::run(decoder.as_mut(), source, body.clone(), &mut |bytes| to.write(bytes)).map(Ok)
        })?;
        self.damage(decoder.damage())?;
        if end.is_ok()
            && let Some(at) = decoder.tail()
        {
            // A footer after the base64: text that was never part of the child.
            let tail = source.take(at..body.end.min(at + TAIL));
            if body.end - at > TAIL {
                self.lose(Reason::Damaged);
            }
            let text = normal(charset::decode(tail, None).text);
            if !text.trim().is_empty() {
                self.out.text(part, "text/plain", None, &text)?;
            }
        }
        Ok(())
    }

    fn damage(&mut self, damage: Damage) -> Result<(), Stop> {
        for (kind, at, count) in damage.list {
            let note = if count == 1 { String::new() } else { format!("{count} times") };
            self.out.defect(kind, Some(at), &note)?;
        }
        if damage.truncated {
            self.lose(Reason::Truncated);
        }
        if damage.lost {
            self.lose(Reason::Damaged);
        }
        Ok(())
    }

    /// A part that is text: decoded, files in it taken out, read and emitted.
    fn text(&mut self, part: &str, entity: &Entity, body: Range<u64>) -> Result<(), Stop> {
        let bytes = match entity.coding {
            Coding::Base64 | Coding::QuotedPrintable => {
                let mut decoder = decode::decoder(entity.coding);
                let (mut bytes, mut end) = decode::collect(decoder.as_mut(), self.source, body.clone(), TEXT);
                if let Some(at) = decoder.tail() {
                    bytes.push(b'\n');
                    end = body.end.min(at + TAIL);
                    bytes.extend(self.source.take(at..end));
                }
                self.damage(decoder.damage())?;
                self.read_up_to(body.start, end, body.end)?;
                let slice = bytes.as_slice();
                let content = Source::new(&slice, 0, bytes.len() as u64);
                match blocks::find(&content, 0..content.len(), self.eol) {
                    None => bytes,
                    Some(found) => {
                        self.without_blocks(part, &content, 0..content.len(), Some(found), false)?
                    }
                }
            }
            _ => {
                let first = blocks::find(self.source, body.clone(), self.eol);
                self.without_blocks(part, self.source, body.clone(), first, true)?
            }
        };
        if !bytes.is_empty() {
            self.emit(part, entity, body.start, bytes)?;
        }
        Ok(())
    }

    /// `start..read` of a part was read, up to `end` was not.
    fn read_up_to(&mut self, start: u64, read: u64, end: u64) -> Result<(), Stop> {
        self.out.covers(start..read)?;
        if read < end {
            self.out.defect("long-text", Some(read), "the text of a part is longer than is read")?;
            self.lose(Reason::Size);
        }
        Ok(())
    }

    /// The text of `range` between blocks, which become children. `stored`: `source` is the message
    /// itself, so that its ranges are those of the message.
    fn without_blocks(
        &mut self,
        part: &str,
        source: &Source,
        range: Range<u64>,
        mut found: Option<Found>,
        stored: bool,
    ) -> Result<Vec<u8>, Stop> {
        let mut text: Vec<u8> = Vec::new();
        let mut from = range.start;
        loop {
            let end = found.as_ref().map_or(range.end, |found| found.range().start);
            let room = (TEXT - text.len().min(TEXT)) as u64;
            let read = end.min(from.saturating_add(room));
            if text.is_empty() {
                text = source.take(from..read);
            } else {
                text.extend(source.take(from..read));
            }
            if stored {
                self.read_up_to(from, read, end)?;
            }
            let Some(block) = found else { return Ok(text) };
            self.out.spend(block.range().end - from)?;
            let child = Child {
                name: name(&block).to_vec(),
                naming: Naming::Name,
                media_type: String::new(),
                stored: stored.then(|| block.range()),
                coding: if matches!(block, Found::Uu(_)) { Coding::Uuencode } else { Coding::Yenc },
                declared: Some(Box::new(Declared {
                    part: part.to_owned(),
                    name: Some(charset::raw(name(&block)).into_owned()),
                    media_type: None,
                    disposition: None,
                    content_id: None,
                })),
            };
            self.children += 1;
            self.block(child, source, &block)?;
            from = block.range().end;
            found = blocks::find(source, from..range.end, self.eol);
        }
    }

    /// Decodes a block.
    fn block(&mut self, child: Child, source: &Source, found: &Found) -> Result<(), Stop> {
        let eol = self.eol;
        match found {
            Found::Uu(block) => {
                if !block.ended {
                    self.out.defect("uuencode-no-end", Some(block.range.end), "")?;
                    self.lose(Reason::Truncated);
                }
                // A child that was refused says so itself.
                let _refused = self.out.child_decoded(child, |to: &mut Body| {
                    let is_end = |line: &[u8]| line.trim_ascii_end() == b"end";
                    lines(source, block.data..block.range.end, eol, is_end, uu::decode_line, &mut |b| {
                        to.write(b)
                    })
                    .map(Ok)
                })?;
            }
            Found::Yenc(block) => {
                let mut crc = flate2::Crc::new();
                let mut size = 0;
                let end = self.out.child_decoded(child, |to: &mut Body| {
                    lines(source, block.data.clone(), eol, |_| false, yenc::decode_line, &mut |bytes| {
                        crc.update(bytes);
                        size += bytes.len() as u64;
                        to.write(bytes)
                    })
                    .map(Ok)
                })?;
                if end.is_ok() {
                    self.check(block, size, crc.sum())?;
                }
            }
        }
        Ok(())
    }

    fn check(&mut self, block: &yenc::Block, size: u64, crc: u32) -> Result<(), Stop> {
        let at = Some(block.range.start);
        if let Some((part, total)) = block.part
            && total != Some(1)
        {
            let total = total.map_or("?".to_owned(), |total| total.to_string());
            self.out.defect("yenc-part", at, &format!("part {part} of {total} of a file"))?;
        }
        if !block.ended {
            self.out.defect("yenc-no-end", at, "")?;
            self.lose(Reason::Truncated);
        } else if block.size.is_some_and(|declared| declared != size) {
            self.out.defect(
                "yenc-size",
                at,
                &format!("{size} bytes instead of {}", block.size.unwrap_or(0)),
            )?;
            self.lose(Reason::Damaged);
        } else if block.crc.is_some_and(|declared| declared != crc) {
            self.out.defect("yenc-checksum", at, "the content does not match its CRC-32")?;
            self.lose(Reason::Damaged);
        }
        Ok(())
    }

    /// Decodes the charset, makes running text of the markup, and says it.
    fn emit(&mut self, part: &str, entity: &Entity, at: u64, bytes: Vec<u8>) -> Result<(), Stop> {
        let media_type = entity.media_type();
        let is_html = media_type == "text/html";
        let declared = entity.content_type.get("charset").map(str::to_owned);
        let declared = declared.or_else(|| if is_html { html_text::declared_charset(&bytes) } else { None });
        let len = bytes.len() as u64;
        let decoded = charset::decode(bytes, declared.as_deref());
        if let Some(wrong) = decoded.wrong {
            let note =
                format!("declared {}, read as {}", declared.as_deref().unwrap_or("nothing"), decoded.charset);
            self.out.defect(wrong.kind(), Some(at), &note)?;
        }
        if decoded.lost {
            self.lose(Reason::Damaged);
        }
        let text = normal(decoded.text);
        let is_flowed = entity.content_type.get("format").is_some_and(|f| f.eq_ignore_ascii_case("flowed"));
        let text = match media_type {
            "text/html" => {
                self.out.spend(len)?;
                html_text::html_to_text(&text, usize::MAX).text
            }
            "text/enriched" => flowed::enriched(&text, false),
            "text/richtext" => flowed::enriched(&text, true),
            "text/plain" if is_flowed => {
                let delete = entity.content_type.get("delsp").is_some_and(|d| d.eq_ignore_ascii_case("yes"));
                flowed::flowed(&text, delete)
            }
            _ => text,
        };
        if text.is_empty() {
            return Ok(());
        }
        let lang = match &self.plain {
            Some((plain, lang)) if media_type == "text/html" && follows(plain, part) => Some(*lang),
            _ => language::of(&text),
        };
        if let (Some(lang), "text/plain") = (lang, media_type) {
            self.plain = Some((part.to_owned(), lang));
        }
        self.lang = self.lang.or(lang);
        self.out.text(part, media_type, lang, &text)
    }
}

/// Whether a part stands right behind another one: an HTML text there says the same as the plain one, and
/// telling its language again would cost as much as all the rest of reading it.
fn follows(one: &str, other: &str) -> bool {
    let split = |part: &str| -> Option<(String, u32)> {
        let (above, number) = part.rsplit_once('.').unwrap_or(("", part));
        Some((above.to_owned(), number.parse().ok()?))
    };
    matches!((split(one), split(other)), (Some((a, m)), Some((b, n))) if a == b && n == m.saturating_add(1))
}

/// Types whose parts are the mail's own words.
fn is_text(media_type: &str) -> bool {
    matches!(
        media_type,
        "text/plain"
            | "text/html"
            | "text/enriched"
            | "text/richtext"
            | "text/rfc822-headers"
            | "message/delivery-status"
            | "message/disposition-notification"
            | "message/feedback-report"
    )
}

fn declared(part: &str, entity: &Entity) -> Declared {
    let bounded = |text: &str| text.chars().take(1000).collect::<String>();
    Declared {
        part: part.to_owned(),
        name: entity.name().map(bounded),
        media_type: entity.declared_type.clone(),
        disposition: entity.disposition.as_ref().map(|d| bounded(&d.main)),
        content_id: entity.content_id.clone(),
    }
}

fn name(found: &Found) -> &[u8] {
    match found {
        Found::Uu(block) => &block.name,
        Found::Yenc(block) => &block.name,
    }
}

/// Decodes line by line, up to the line that `is_end`.
fn lines(
    source: &Source,
    range: Range<u64>,
    eol: Eol,
    is_end: impl Fn(&[u8]) -> bool,
    decode: impl Fn(&[u8], &mut Vec<u8>),
    write: &mut dyn FnMut(&[u8]) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut lines = Lines::new(source, range, eol);
    let (mut line, mut content) = (Vec::new(), Vec::new());
    while lines.next(&mut line).is_some() && !is_end(&line) {
        decode(&line, &mut content);
        if content.len() >= 32 << 10 {
            write(&content)?;
            content.clear();
        }
    }
    write(&content)
}

/// Text with LF as its only line break.
fn normal(text: String) -> String {
    if memchr::memchr(b'\r', text.as_bytes()).is_none() {
        return text;
    }
    let mut normal = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = memchr::memchr(b'\r', rest.as_bytes()) {
        let (before, from) = rest.split_at(at);
        normal.push_str(before);
        // CRLF, CR CR LF, or a lone CR.
        let stray = from.bytes().take_while(|b| *b == b'\r').count();
        let after = from.get(stray..).unwrap_or("");
        match after.strip_prefix('\n') {
            Some(after) => {
                normal.push('\n');
                rest = after;
            }
            None => {
                normal.extend(std::iter::repeat_n('\n', stray));
                rest = after;
            }
        }
    }
    normal.push_str(rest);
    normal
}

/// What the outcome of a message is, after its parts.
pub(super) fn outcome(loss: Option<Reason>) -> Outcome {
    loss.map_or(Outcome::PARSED, Outcome::partial)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks() {
        for (text, expect) in [
            ("", ""),
            ("a\r\nb\r\n", "a\nb\n"),
            ("a\rb", "a\nb"),
            ("a\r\r\nb", "a\nb"),
            ("\r", "\n"),
            ("a\nb", "a\nb"),
        ] {
            assert_eq!(normal(text.to_owned()), expect);
        }
    }
}
