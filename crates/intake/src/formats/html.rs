//! HTML files: charset, then text. Read in pieces of 16 MiB that end before a tag; of a larger file, a
//! script that reaches from one piece into the next shows as text.

use memchr::memmem;
use tamis_model::Outcome;

use crate::{
    formats::{
        html_text::html_to_text,
        language,
        text::{Decoder, Pieces, looks_like_text},
    },
    out::{Out, Stop},
    reader::{Claim, Look, Reader, ReaderId, Slice},
    source::Source,
};

/// The reader of HTML files.
pub struct Html;

impl Reader for Html {
    fn id(&self) -> ReaderId {
        ReaderId { name: "html", version: 1 }
    }

    fn media_type(&self) -> &'static str {
        "text/html"
    }

    fn claims(&self, look: &Look) -> Claim {
        let narrow = narrow(look.head);
        if !looks_like_text(look.head) {
            return Claim::No;
        }
        let Some(tag) = first_tag(&narrow) else { return Claim::No };
        let is_one_of = |names: &[&str]| names.iter().any(|name| tag.eq_ignore_ascii_case(name.as_bytes()));
        let is_xml = narrow.trim_ascii_start().starts_with(b"<?xml");
        let declared =
            look.hint.media_type == "text/html" || matches!(look.hint.extension.as_str(), "html" | "htm");
        match () {
            () if is_one_of(&["html", "!doctype html"]) => Claim::Sure,
            () if is_xml => Claim::No,
            () if is_one_of(&["head", "body", "title", "meta", "frameset", "base"]) => Claim::Likely,
            () if declared
                || is_one_of(&["table", "div", "script", "style", "p", "center", "font", "a", "h1"]) =>
            {
                Claim::Likely
            }
            () => Claim::No,
        }
    }

    fn read(&self, source: &Source, _slice: Option<Slice>, out: &mut Out) -> Result<Outcome, Stop> {
        let mut pieces = Pieces::new(source, PIECE);
        let head = source.head();
        let mut decoder = Decoder::new(declared_charset(&head));
        let mut lang = None;
        let mut chunk = 0;
        while let Some((range, bytes)) = pieces.next_piece(b'<') {
            out.spend(4 * bytes.len() as u64)?;
            let html = decoder.decode(bytes, range.start, out)?;
            let page = html_to_text(&html, usize::MAX);
            drop(html);
            if range.start == 0 {
                lang = language::of(&page.text);
                if let Some(title) = &page.title {
                    out.text("title", "text/html", lang, title)?;
                }
            }
            chunk = out.text_from(chunk, "", "text/html", lang, &page.text)?;
            out.covers(range)?;
        }
        if chunk == 0 {
            out.no_text();
        }
        Ok(decoder.outcome())
    }
}

/// Bytes of a file that are read at once.
const PIECE: usize = 16 << 20;

/// The head without the zeroes of UTF-16.
fn narrow(head: &[u8]) -> Vec<u8> {
    match head {
        [0xff, 0xfe, rest @ ..] | [0xfe, 0xff, rest @ ..] => {
            rest.iter().copied().filter(|b| *b != 0).collect()
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => rest.to_vec(),
        _ => head.to_vec(),
    }
}

/// Name of the first tag, behind white space, comments and the declarations of XML; `!doctype html`
/// for that.
fn first_tag(mut head: &[u8]) -> Option<&[u8]> {
    loop {
        head = head.trim_ascii_start();
        if let Some(rest) = head.strip_prefix(b"<!--") {
            head = rest.get(memmem::find(rest, b"-->")? + 3..)?;
        } else if head.starts_with(b"<?") {
            head = head.get(memchr::memchr(b'>', head)? + 1..)?;
        } else {
            break;
        }
    }
    let rest = head.strip_prefix(b"<")?;
    const DOCTYPE: &[u8] = b"!doctype html";
    if let Some((start, after)) = rest.split_at_checked(DOCTYPE.len())
        && start.eq_ignore_ascii_case(DOCTYPE)
        && after.first().is_none_or(|b| !b.is_ascii_alphanumeric())
    {
        return Some(start);
    }
    let end = rest.iter().position(|b| !b.is_ascii_alphanumeric())?;
    rest.get(..end)
}

/// The charset of a `meta` element or an XML declaration in the first 4 KiB (WHATWG HTML 13.2.3.2).
fn declared_charset(head: &[u8]) -> Option<String> {
    let lower = head.to_ascii_lowercase();
    let encoding = lower.starts_with(b"<?xml").then(|| memmem::find(&lower, b"encoding=")).flatten();
    let charset = memmem::find_iter(&lower, b"charset").filter_map(|at| {
        let tag = lower.get(..at).and_then(|before| before.iter().rposition(|b| matches!(b, b'<' | b'>')))?;
        lower.get(tag..)?.starts_with(b"<meta").then_some(at + 7)
    });
    let at = charset.chain(encoding.map(|at| at + 8)).next()?;
    let rest = lower.get(at..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let name = rest.strip_prefix(b"\"").or(rest.strip_prefix(b"'")).unwrap_or(rest).trim_ascii_start();
    let end =
        name.iter().position(|b| !(b.is_ascii_alphanumeric() || b"-_:.".contains(b))).unwrap_or(name.len());
    let label = std::str::from_utf8(name.get(..end.min(40))?).ok()?;
    // Who can read this element does not read UTF-16.
    (!label.is_empty() && !label.starts_with("utf-16")).then(|| label.to_owned())
}

#[cfg(test)]
mod tests {
    use tamis_model::tables::Fact;

    use super::*;
    use crate::{protocol::Reading, testing::read};

    fn texts(reading: &Reading<Vec<u8>>, part: &str) -> String {
        let rows = reading.facts.iter().filter_map(|fact| match fact {
            Fact::Text(row) if row.part == part => Some(row.text.as_str()),
            _ => None,
        });
        rows.collect()
    }

    #[test]
    fn pages() {
        for (name, page, title, expected) in [
            ("doctype", "<!DOCTYPE html><title>T</title><p>a &amp; b</p>".as_bytes().to_vec(), "T", "a & b"),
            ("comment first", b"\xef\xbb\xbf \n<!-- x --><HTML><body>a".to_vec(), "", "a"),
            ("xml", b"<?xml version='1.0' encoding='iso-8859-1'?><html><body>caf\xe9</body></html>".to_vec(), "", "caf\u{e9}"),
            ("meta", b"<html><meta charset=koi8-r><body>\xf0\xd2\xc9\xd7\xc5\xd4".to_vec(), "", "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}"),
            ("meta http-equiv", b"<html><meta http-equiv='Content-Type' content='text/html; charset=windows-1251'>\xcf\xf0\xe8".to_vec(), "", "\u{41f}\u{440}\u{438}"),
            ("meta that lies", "<html><meta charset=utf-16><body>\u{e9}".as_bytes().to_vec(), "", "\u{e9}"),
            ("utf-16", "\u{feff}<html><body>\u{e9}".encode_utf16().flat_map(u16::to_le_bytes).collect(), "", "\u{e9}"),
            ("scripts", b"<html><script>var secret</script><body onload=x>text".to_vec(), "", "text"),
        ] {
            let reading = read(&page, "", "");
            assert_eq!(reading.reader.as_deref(), Some("html/1"), "{name}");
            assert_eq!(texts(&reading, ""), expected, "{name}");
            assert_eq!(texts(&reading, "title"), title, "{name}");
            assert_eq!(reading.outcome, Outcome::PARSED, "{name}");
            assert!(reading.gaps(page.len() as u64).unwrap().is_empty(), "{name}");
        }
    }

    #[test]
    fn not_pages() {
        for text in [
            "a < b",
            "<xml/>",
            "<?xml version='1.0'?><svg/>",
            "<?xml version='1.0'?><table><row/></table>",
            "<htmlx>",
            "html",
            "<",
            "",
            "<!--",
        ] {
            assert_ne!(read(text.as_bytes(), "", "").reader.as_deref(), Some("html/1"), "{text}");
        }
    }

    #[test]
    fn large_pages_are_read_in_pieces() {
        let row = "<tr><td>\u{e9}t\u{e9}</td></tr>\n";
        let page = format!("<html><table>{}</table></html>", row.repeat((20 << 20) / row.len()));
        let reading = read(page.as_bytes(), "", "");
        assert_eq!(texts(&reading, "").matches("\u{e9}t\u{e9}").count(), (20 << 20) / row.len());
    }
}
